//! What is heard of the sides of a call, besides the signs of a caller who waits: keys, machines, the
//! tones of exchanges, and a caller who says nothing. It is told to the desk and kept on the record, and
//! never ends a call.

use std::collections::VecDeque;
use std::time::Duration;

use crate::call::orders::{Ears, MediaOrder, Sound};
use crate::call::{Pressed, Side, State, Way};
use crate::journal::Fact;
use crate::vocabulary::{CallId, Now, limits};

use super::Switchboard;
use super::dialogs::party;

/// A phone that tells one press by both ways tells it within this time: an INFO that is lost is sent
/// again for some seconds.
const SAME: Duration = Duration::from_secs(4);
/// Keys of the caller that the board shows.
const TYPED: usize = 32;
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
        if side == Side::Caller {
            if call.typed.len() == TYPED {
                call.typed.pop_front();
            }
            call.typed.push_back(key);
        }
        if call.keys_kept < limits::KEYS {
            call.keys_kept += 1;
            let last = call.keys_kept == limits::KEYS;
            self.note(now, Fact::Key { call: id, by: party(side), key, after_ms });
            if last {
                let detail = format!("call {id}: {} keys; no more of it are kept", limits::KEYS);
                self.alarm(now, "too-many-keys", detail);
            }
        }
        self.chain_pressed(now, id, side, key);
        true
    }

    /// Listens to a side of a talk: a seat's phone for keys, a line from outside for more.
    pub(super) fn lend_an_ear(&mut self, id: CallId, side: Side) {
        let Some(call) = self.calls.get(&id) else { return };
        let ears = if call.seat(side).is_some() { Ears::Keys } else { Ears::Line };
        let media = call.leg(side).and_then(|leg| leg.media.as_ref());
        if let Some(stream) = media.map(|media| media.stream) {
            self.media(MediaOrder::Listen { stream, ears: Some(ears) });
        }
    }

    /// Whoever was at a side is gone: what was heard of them says nothing of the next.
    pub(super) fn forget_heard(&mut self, id: CallId, side: Side) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.keys.remove(&side);
        call.machines.retain(|(at, _)| *at != side);
        if side == Side::Seat {
            // Who comes next is told anew.
            call.quiet = None;
        }
    }

    /// A machine is heard: told once, and not again when it comes back as the echo of another side.
    pub(super) fn hears_machine(&mut self, now: Now, id: CallId, side: Side, word: &'static str) {
        let after_ms = self.millis_since_invite(now, id);
        let Some(call) = self.calls.get_mut(&id).filter(|call| !call.is_closing()) else { return };
        if call.machines.iter().any(|(_, known)| *known == word) {
            return;
        }
        call.machines.push((side, word));
        let sound = word.to_owned();
        self.note(now, Fact::Heard { call: id, sound, by: party(side), after_ms });
    }

    /// The tone of an exchange: the number called rings, is busy or cannot be had though its network has
    /// answered; or a caller behind an old line has hung up. It never ends a call. Where the caller is
    /// alone with it people are told.
    pub(super) fn hears_exchange(&mut self, now: Now, id: CallId, side: Side, sound: Sound) {
        let word = match sound {
            // A caller's line sends back the ring-back tone that we play.
            Sound::RingBack if side == Side::Caller => return,
            Sound::RingBack => "ring-back",
            Sound::Busy => "busy-tone",
            _ => "unobtainable",
        };
        self.hears_machine(now, id, side, word);
        let Some(call) = self.calls.get(&id) else { return };
        let alone = side == Side::Seat && sound != Sound::RingBack && call.trunk().is_some();
        if let Some(talk) = call.talk.as_ref().filter(|_| alone) {
            let detail = format!(
                "call {id}: only a tone ({word}) comes from {}, who has the caller; bring somebody in",
                talk.with
            );
            self.alarm(now, "caller-hears-a-tone", detail);
        }
    }

    /// A caller in a talk says nothing, though audio comes. Of no use while one side holds.
    pub(super) fn caller_quiet(&mut self, now: Now, id: CallId, side: Side) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let talks = side == Side::Caller && call.state == State::Talking;
        let talk = call.talk.as_ref().filter(|_| talks && call.trunk().is_some());
        let holds = talk.is_none_or(|talk| talk.leg.held) || call.caller.held || call.mute[0];
        if holds || call.quiet.is_some() {
            return;
        }
        call.quiet = Some(now.moment);
        let seconds = limits::QUIET.as_secs();
        self.note(now, Fact::CallerQuiet { call: id, seconds });
    }

    /// The caller is heard again.
    pub(super) fn caller_speaks(&mut self, now: Now, id: CallId, side: Side) {
        let call = self.calls.get_mut(&id).filter(|_| side == Side::Caller);
        if call.and_then(|call| call.quiet.take()).is_some() {
            self.note(now, Fact::CallerSpeaks { call: id });
        }
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
