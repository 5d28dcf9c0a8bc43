//! What is heard of both sides of a call, besides the signs of a caller who waits: keys, fax machines
//! and text telephones. It is told to the desk and kept on the record, and never ends a call.

use std::collections::VecDeque;
use std::time::Duration;

use crate::call::{Pressed, Side, Way};
use crate::journal::Fact;
use crate::vocabulary::{CallId, Now};

use super::Switchboard;
use super::dialogs::party;

/// A phone that tells one press by both ways tells it within this time: an INFO that is lost is sent
/// again for some seconds.
const SAME: Duration = Duration::from_secs(4);
/// Presses of one side that are remembered.
const REMEMBERED: usize = 16;

impl Switchboard {
    /// A side presses a key. Returns whether it is a new press, not the other way's word of one.
    pub(super) fn pressed(
        &mut self,
        now: Now,
        id: CallId,
        side: Side,
        key: char,
        way: Way,
    ) -> bool {
        let after_ms = self.millis_since_invite(now, id);
        let Some(call) = self.calls.get_mut(&id).filter(|call| !call.is_closing()) else {
            return false;
        };
        let keys = call.keys.entry(side).or_default();
        if !is_new(keys, Pressed { key, way, at: now.moment }) {
            return false;
        }
        self.note(now, Fact::Key { call: id, by: party(side), key, after_ms });
        true
    }

    /// A fax or a text telephone is heard: told once for a call.
    pub(super) fn hears_machine(&mut self, now: Now, id: CallId, word: &'static str) {
        let after_ms = self.millis_since_invite(now, id);
        let Some(call) = self.calls.get_mut(&id).filter(|call| !call.is_closing()) else { return };
        if call.machines.contains(&word) {
            return;
        }
        call.machines.push(word);
        self.note(now, Fact::Heard { call: id, sound: word.to_owned(), after_ms });
    }
}

/// Each press of one way is the same as the oldest of the other way that has no partner yet.
fn is_new(keys: &mut VecDeque<Pressed>, press: Pressed) -> bool {
    keys.retain(|known| press.at.since(known.at) < SAME);
    let partner = keys.iter().position(|known| known.key == press.key && known.way != press.way);
    if let Some(partner) = partner {
        keys.remove(partner);
        return false;
    }
    if keys.len() == REMEMBERED {
        keys.pop_front();
    }
    keys.push_back(press);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Moment;

    #[test]
    fn a_press_that_comes_by_both_ways_is_one() {
        // (key, by INFO, milliseconds) -> the keys that are told.
        type Presses<'a> = &'a [(char, bool, u64)];
        let cases: [(&str, Presses<'_>, &str); 6] = [
            ("one way", &[('5', false, 0), ('5', false, 300)], "55"),
            (
                "both, in turn",
                &[('5', false, 0), ('5', true, 9), ('5', false, 300), ('5', true, 309)],
                "55",
            ),
            (
                "both, the INFOs late",
                &[('5', false, 0), ('5', false, 300), ('5', true, 700), ('5', true, 701)],
                "55",
            ),
            ("other keys", &[('1', false, 0), ('2', true, 100)], "12"),
            ("the same much later", &[('1', false, 0), ('1', true, 5_000)], "11"),
            (
                "INFO first",
                &[('#', true, 0), ('#', false, 80), ('*', true, 400), ('*', false, 480)],
                "#*",
            ),
        ];
        for (name, presses, told) in cases {
            let mut keys = VecDeque::new();
            let new = presses.iter().filter(|(key, info, millis)| {
                let way = if *info { Way::Info } else { Way::Media };
                let at = Moment::default().after(Duration::from_millis(*millis));
                is_new(&mut keys, Pressed { key: *key, way, at })
            });
            assert_eq!(new.map(|press| press.0).collect::<String>(), told, "{name}");
        }
    }
}
