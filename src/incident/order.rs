//! The order of what was done to a record, also where several machines wrote it.
//!
//! Each step says its version: the time of its making, and always more than what was seen of the record
//! then. So a step that builds on another comes behind it, whatever the clocks of two machines say, and
//! every machine that reads the same steps has them in the same order.

use super::edit::Step;
use crate::vocabulary::WallTime;

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// The machine whose journal has it.
    pub node: i64,
    /// The line there.
    pub line: u64,
    /// The version that it says, or the time of its making where it says none.
    pub version: u64,
}

impl Stamp {
    /// Of a step that was made at `at`.
    #[must_use]
    pub fn of(node: i64, line: u64, at: WallTime, step: Step<'_>) -> Self {
        let said = step.version();
        Self { node, line, version: if said > 0 { said } else { at.0.unsigned_abs() } }
    }
}

/// Steps in their order, each once, with its version. Lines of one journal stay in their order.
#[must_use]
pub fn in_order<T>(mut steps: Vec<(Stamp, T)>) -> Vec<(u64, T)> {
    steps.sort_by_key(|(stamp, _)| (stamp.node, stamp.line));
    steps.dedup_by_key(|(stamp, _)| (stamp.node, stamp.line));
    let mut before: Option<(i64, u64)> = None;
    for (stamp, _) in &mut steps {
        if let Some((_, last)) = before.filter(|(node, _)| *node == stamp.node) {
            stamp.version = stamp.version.max(last + 1);
        }
        before = Some((stamp.node, stamp.version));
    }
    steps.sort_by_key(|(stamp, _)| (stamp.version, stamp.node, stamp.line));
    let mut last = 0;
    let each = |(stamp, step): (Stamp, T)| {
        last = stamp.version.max(last + 1);
        (last, step)
    };
    steps.into_iter().map(each).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(node: i64, line: u64, version: u64) -> (Stamp, String) {
        (Stamp { node, line, version }, format!("{node}/{line}"))
    }

    fn order(steps: &[(Stamp, String)]) -> Vec<(u64, String)> {
        in_order(steps.to_vec())
    }

    #[test]
    fn steps_of_two_machines_have_one_order_and_none_is_lost() {
        // The second machine's lines have lower numbers: its journal is younger.
        let steps = [stamp(1, 900, 100), stamp(2, 4, 105), stamp(1, 901, 110), stamp(1, 900, 100)];
        let wanted = [(100, "1/900"), (105, "2/4"), (110, "1/901")];
        let wanted: Vec<_> = wanted.map(|(version, name)| (version, name.to_owned())).into();
        assert_eq!(order(&steps), wanted);
        let mut turned = steps.to_vec();
        turned.reverse();
        assert_eq!(order(&turned), wanted);
    }

    #[test]
    fn lines_of_one_journal_stay_in_order_when_its_clock_is_put_back_and_no_version_is_there_twice()
    {
        let steps = [stamp(1, 10, 500), stamp(1, 11, 200), stamp(2, 7, 500)];
        let told: Vec<_> = order(&steps).into_iter().map(|(version, _)| version).collect();
        assert_eq!(told, [500, 501, 502]);
        assert_eq!(order(&steps)[0].1, "1/10");
    }
}
