//! The alarms since the start, by name: what was told last, how often, and who has seen it. The journal has
//! every one for good; this is what a supervisor looks at now.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::journal::{Entry, Fact};
use crate::vocabulary::WallTime;

/// Names that are kept; they are a closed set, and far fewer.
const NAMES: usize = 200;
/// An alarm that somebody has seen stays listed for so long, in microseconds.
const SEEN_STAYS: i64 = 24 * 3_600_000_000;

/// One alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Its name, `journal-slow`.
    pub name: String,
    /// What was told last.
    pub detail: String,
    /// How often it was told since it was seen last.
    pub count: u64,
    /// When it was told first since then.
    pub first: WallTime,
    /// When it was told last.
    pub last: WallTime,
    /// Who has seen it, and when.
    pub seen: Option<(String, WallTime)>,
}

/// All of them. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Alarms(Arc<Mutex<BTreeMap<String, Alarm>>>);

impl Alarms {
    /// Takes note of an entry that tells of an alarm; others are passed over.
    pub(super) fn follow(&self, entry: &Entry) {
        let Fact::Alarm { name, detail } = &entry.fact else { return };
        let mut all = self.all();
        if all.len() >= NAMES && !all.contains_key(name) {
            return;
        }
        let fresh = || Alarm {
            name: name.clone(),
            detail: String::new(),
            count: 0,
            first: entry.at,
            last: entry.at,
            seen: None,
        };
        let alarm = all.entry(name.clone()).or_insert_with(fresh);
        if alarm.seen.is_some() {
            *alarm = fresh();
        }
        alarm.detail.clone_from(detail);
        alarm.count += 1;
        alarm.last = entry.at;
    }

    /// Somebody has seen an alarm; false when there is none of the name that nobody has seen.
    pub fn see(&self, now: WallTime, name: &str, by: &str) -> bool {
        let mut all = self.all();
        let open = all.get_mut(name).filter(|alarm| alarm.seen.is_none());
        open.map(|alarm| alarm.seen = Some((by.to_owned(), now))).is_some()
    }

    /// Those that nobody has seen, and those of the last day that somebody has; the newest first.
    #[must_use]
    pub fn list(&self, now: WallTime) -> Vec<Alarm> {
        let listed = |alarm: &&Alarm| {
            alarm.seen.as_ref().is_none_or(|(_, at)| now.0.saturating_sub(at.0) < SEEN_STAYS)
        };
        let mut list: Vec<Alarm> = self.all().values().filter(listed).cloned().collect();
        list.sort_by(|a, b| b.last.cmp(&a.last).then_with(|| a.name.cmp(&b.name)));
        list
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Alarm>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_that_was_seen_is_a_new_one_when_it_comes_again() {
        let alarms = Alarms::default();
        let tell = |at: i64, name: &str, detail: &str| {
            let fact = Fact::Alarm { name: name.into(), detail: detail.into() };
            alarms.follow(&Entry { at: WallTime(at), fact });
        };
        tell(1, "journal-slow", "300 ms");
        tell(2, "journal-slow", "400 ms");
        tell(3, "mos-low", "call 1");
        alarms.follow(&Entry { at: WallTime(4), fact: Fact::NodeStopped });
        let list = alarms.list(WallTime(5));
        assert_eq!(
            list.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(),
            ["mos-low", "journal-slow"]
        );
        assert_eq!(
            (list[1].count, list[1].detail.as_str(), list[1].first),
            (2, "400 ms", WallTime(1))
        );
        assert!(alarms.see(WallTime(6), "journal-slow", "siti"));
        assert!(!alarms.see(WallTime(6), "journal-slow", "budi"), "siti has seen it");
        assert!(!alarms.see(WallTime(6), "nothing", "budi"));
        assert_eq!(alarms.list(WallTime(7)).len(), 2);
        assert_eq!(alarms.list(WallTime(6 + SEEN_STAYS)).len(), 1, "seen a day ago");
        tell(8, "journal-slow", "again");
        let list = alarms.list(WallTime(9));
        assert_eq!((list[0].count, list[0].first, &list[0].seen), (1, WallTime(8), &None));
    }
}
