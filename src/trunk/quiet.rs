//! Trunks that are never silent for long, and are: the last line of defence against a carrier that
//! routes 112 elsewhere without a word.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::vocabulary::{Deadlines, Moment, TrunkId};

/// Watches every trunk that has a `quiet_alarm`.
#[derive(Debug, Default)]
pub struct QuietWatch {
    /// How long each may be silent, and whether its alarm was told.
    watched: BTreeMap<TrunkId, (Duration, bool)>,
    deadlines: Deadlines<TrunkId>,
}

impl QuietWatch {
    /// Takes the trunks and how long each may be silent. Silence is counted from now for a new one,
    /// and whose alarm was told stays told.
    pub fn adopt(&mut self, now: Moment, trunks: impl Iterator<Item = (TrunkId, Duration)>) {
        let before = std::mem::take(&mut self.watched);
        let deadlines = std::mem::take(&mut self.deadlines);
        for (trunk, patience) in trunks {
            let told = match before.get(&trunk) {
                Some((same, told)) if *same == patience => {
                    if let Some(at) = deadlines.get(&trunk) {
                        self.deadlines.set(trunk.clone(), at);
                    }
                    *told
                }
                known => {
                    self.deadlines.set(trunk.clone(), now.after(patience));
                    known.is_some_and(|(_, told)| *told)
                }
            };
            self.watched.insert(trunk, (patience, told));
        }
    }

    /// A request came from the trunk; true when it had been told of as quiet.
    pub fn heard(&mut self, now: Moment, trunk: &TrunkId) -> bool {
        let Some((patience, told)) = self.watched.get_mut(trunk) else { return false };
        self.deadlines.set(trunk.clone(), now.after(*patience));
        std::mem::take(told)
    }

    /// Trunks that have been silent for too long, each once, and for how long.
    pub fn tick(&mut self, now: Moment) -> Vec<(TrunkId, Duration)> {
        let mut quiet = Vec::new();
        while let Some(trunk) = self.deadlines.pop_due(now) {
            if let Some((patience, told)) = self.watched.get_mut(&trunk)
                && !std::mem::replace(told, true)
            {
                quiet.push((trunk, *patience));
            }
        }
        quiet
    }

    /// When [`QuietWatch::tick`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Moment> {
        self.deadlines.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn silence_is_told_once_and_so_is_its_end() {
        let mut watch = QuietWatch::default();
        let trunk = TrunkId::from("a");
        let at = |minutes: u32| Moment(0).after(MINUTE * minutes);
        let all = |patience: Duration| [(TrunkId::from("a"), patience)].into_iter();
        watch.adopt(at(0), all(30 * MINUTE));
        assert!(!watch.heard(at(10), &trunk));
        assert_eq!(watch.tick(at(39)), []);
        assert_eq!(watch.poll_timeout(), Some(at(40)));
        assert_eq!(watch.tick(at(40)), [(trunk.clone(), 30 * MINUTE)]);
        assert_eq!(watch.tick(at(400)), []);
        // A reload does not tell it again, nor forget that it was told.
        watch.adopt(at(401), all(30 * MINUTE));
        assert_eq!(watch.tick(at(800)), []);
        assert!(watch.heard(at(801), &trunk));
        assert!(!watch.heard(at(802), &trunk));
        watch.adopt(at(803), all(10 * MINUTE));
        assert_eq!(watch.tick(at(813)), [(trunk.clone(), 10 * MINUTE)]);
        watch.adopt(at(814), std::iter::empty());
        assert!(!watch.heard(at(815), &trunk));
        assert_eq!(watch.poll_timeout(), None);
    }
}
