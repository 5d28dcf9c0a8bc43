//! Which carriers' calls sound badly: the last legs of each trunk, judged together, so that one caller in
//! a bad place makes no alarm and a bad line does. Values in, verdicts out.

use std::collections::{BTreeMap, VecDeque};

use crate::vocabulary::TrunkId;

/// Legs that are looked at together, and the least that say anything.
const LEGS: usize = 20;
const LEAST: usize = 4;
/// Calls in a row in which nothing came from the caller.
const MUTE_CALLS: u32 = 2;

/// What one leg was like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sounded {
    /// As a telephone should.
    Well,
    /// A listener would call it poor.
    Poorly,
    /// Nothing came.
    Mute,
}

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoundChange {
    /// More than a third of the last legs were poor or mute.
    Poor {
        /// So many …
        bad: usize,
        /// … of so many.
        of: usize,
    },
    /// Several calls in a row were mute.
    Mute,
    /// It is well again.
    Well,
}

#[derive(Debug, Default)]
struct Line {
    /// The last legs: whether each was bad.
    legs: VecDeque<bool>,
    mute_calls: u32,
    told: bool,
}

/// All trunks.
#[derive(Debug, Default)]
pub struct SoundWatch(BTreeMap<TrunkId, Line>);

impl SoundWatch {
    /// A leg of a trunk is over.
    pub fn leg(&mut self, trunk: &TrunkId, sounded: Sounded) -> Option<SoundChange> {
        let line = self.0.entry(trunk.clone()).or_default();
        line.legs.push_back(sounded != Sounded::Well);
        if line.legs.len() > LEGS {
            line.legs.pop_front();
        }
        line.mute_calls = if sounded == Sounded::Mute { line.mute_calls + 1 } else { 0 };
        let (bad, of) = (line.legs.iter().filter(|bad| **bad).count(), line.legs.len());
        let poor = of >= LEAST && bad * 3 > of;
        let mute = line.mute_calls >= MUTE_CALLS;
        if !line.told && (poor || mute) {
            line.told = true;
            return Some(if mute { SoundChange::Mute } else { SoundChange::Poor { bad, of } });
        }
        // Half as many as made the alarm, so that it does not come and go.
        if line.told && !mute && bad * 6 <= of {
            line.told = false;
            return Some(SoundChange::Well);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(legs: &[(usize, Sounded)]) -> Vec<SoundChange> {
        let (mut watch, trunk) = (SoundWatch::default(), TrunkId::from("telco-a"));
        let legs = legs.iter().flat_map(|(count, sounded)| std::iter::repeat_n(*sounded, *count));
        legs.filter_map(|sounded| watch.leg(&trunk, sounded)).collect()
    }

    #[test]
    fn one_bad_caller_makes_no_alarm_and_a_bad_line_makes_one() {
        assert_eq!(changes(&[(30, Sounded::Well), (1, Sounded::Poorly), (10, Sounded::Well)]), []);
        let bad = changes(&[(20, Sounded::Well), (20, Sounded::Poorly), (19, Sounded::Well)]);
        assert_eq!(bad, [SoundChange::Poor { bad: 7, of: 20 }, SoundChange::Well]);
    }

    #[test]
    fn two_mute_calls_in_a_row_are_told_at_once() {
        let mute = changes(&[(1, Sounded::Mute), (1, Sounded::Well), (2, Sounded::Mute)]);
        assert_eq!(mute, [SoundChange::Mute]);
    }
}
