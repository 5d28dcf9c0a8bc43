//! The alarms by name: what was told last, how often, and who has seen it. The journal has every one for good;
//! this is what a supervisor looks at now.
//!
//! A small file beside the journal has them for the next start; what was told after it was written is read
//! from the journal behind the line that it names. So a kill forgets none.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::journal_file::read_from;
use crate::journal::{Entry, Fact};
use crate::vocabulary::WallTime;

/// The file, below the data folder.
const FILE: &str = "alarms.json";

/// Names that are kept; they are a closed set, and far fewer.
const NAMES: usize = 200;
/// An alarm that somebody has seen stays listed for so long, in microseconds.
const SEEN_STAYS: i64 = 24 * 3_600_000_000;

/// One alarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// Whether somebody has seen an alarm now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Yes.
    Done,
    /// There is none of the name that nobody has seen.
    Unknown,
    /// It was told again, at this time, after the one that they saw.
    Newer(WallTime),
}

/// What the file has.
#[derive(Default, Serialize, Deserialize)]
struct Kept {
    /// Every line up to this one is in it.
    line: u64,
    alarms: Vec<Alarm>,
}

/// All of them. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Alarms(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    known: Mutex<Known>,
    /// Held by whoever writes the file.
    writing: Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    all: BTreeMap<String, Alarm>,
    /// Something is not in the file yet.
    changed: bool,
}

impl Alarms {
    /// Those of before, and what the journal tells since. A file that cannot be read is told and left out.
    pub(super) fn recall(data: &Path, journal: &Path) -> Self {
        let path = data.join(FILE);
        let kept: Option<Kept> = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .inspect_err(|error| tracing::error!(%error, "{} has no alarms", path.display()))
                .ok(),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                tracing::error!(%error, "{} cannot be read", path.display());
                None
            }
        };
        let alarms = Self::default();
        let Some(kept) = kept else { return alarms };
        let named = kept.alarms.into_iter().map(|alarm| (alarm.name.clone(), alarm));
        alarms.all().all = named.collect();
        // A line that cannot be read is the reader's fault to tell, not ours.
        for line in read_from(journal, kept.line + 1).map_while(Result::ok) {
            let Some(entry) = &line.entry else { continue };
            let Fact::Alarm { name, .. } = &entry.fact else { continue };
            let known = alarms.all().all.get(name).is_some_and(|alarm| alarm.last >= entry.at);
            if !known {
                alarms.follow(entry);
            }
        }
        alarms
    }

    /// Writes the file when something is not in it. `line` is on disk, as is every line before.
    ///
    /// # Errors
    /// The disk refuses; the next try has it all.
    pub fn keep(&self, data: &Path, line: u64) -> io::Result<()> {
        let path = data.join(FILE);
        // Two who write never write an older state over a newer one; who tells of an alarm waits for no disk.
        let _one = self.0.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = self.all();
        if !known.changed && path.exists() {
            return Ok(());
        }
        known.changed = false;
        let kept = Kept { line, alarms: known.all.values().cloned().collect() };
        drop(known);
        write(&path, &kept).inspect_err(|_| self.all().changed = true)
    }

    /// Takes note of an entry that tells of an alarm; others are passed over.
    pub(super) fn follow(&self, entry: &Entry) {
        let Fact::Alarm { name, detail } = &entry.fact else { return };
        let mut known = self.all();
        known.changed = true;
        let all = &mut known.all;
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

    /// Somebody has seen an alarm, as it was told up to `last` where they say so.
    pub fn see(&self, now: WallTime, name: &str, by: &str, last: Option<WallTime>) -> Seen {
        // What pages are told of is cut to milliseconds.
        let millis = |at: WallTime| at.0.div_euclid(1_000);
        let mut known = self.all();
        let Some(alarm) = known.all.get_mut(name).filter(|alarm| alarm.seen.is_none()) else {
            return Seen::Unknown;
        };
        if last.is_some_and(|last| millis(alarm.last) > millis(last)) {
            return Seen::Newer(alarm.last);
        }
        alarm.seen = Some((by.to_owned(), now));
        known.changed = true;
        Seen::Done
    }

    /// Those that nobody has seen, and those of the last day that somebody has; the newest first.
    #[must_use]
    pub fn list(&self, now: WallTime) -> Vec<Alarm> {
        let listed = |alarm: &&Alarm| {
            alarm.seen.as_ref().is_none_or(|(_, at)| now.0.saturating_sub(at.0) < SEEN_STAYS)
        };
        let mut list: Vec<Alarm> = self.all().all.values().filter(listed).cloned().collect();
        list.sort_by(|a, b| b.last.cmp(&a.last).then_with(|| a.name.cmp(&b.name)));
        list
    }

    fn all(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes the file whole or not at all.
fn write(path: &Path, kept: &Kept) -> io::Result<()> {
    let draft = path.with_extension("draft");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    serde_json::to_writer(&mut file, kept)?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_forgets_none_and_counts_none_twice() {
        let dir = tempfile::tempdir().expect("a folder");
        let (data, journal) = (dir.path(), dir.path().join("journal"));
        let alarms = Alarms::recall(data, &journal);
        let tell = |at: i64, name: &str| {
            let fact = Fact::Alarm { name: name.into(), detail: "x".into() };
            alarms.follow(&Entry { at: WallTime(at), fact });
        };
        tell(1_000, "journal-slow");
        tell(2_000, "mos-low");
        assert_eq!(alarms.see(WallTime(3_000), "mos-low", "siti", None), Seen::Done);
        alarms.keep(data, 0).expect("kept");
        let again = Alarms::recall(data, &journal);
        assert_eq!(again.list(WallTime(4_000)), alarms.list(WallTime(4_000)));
        // A damaged file is told, and no start fails by it.
        fs::write(data.join(FILE), "{").expect("written");
        assert_eq!(Alarms::recall(data, &journal).list(WallTime(4_000)), []);
    }

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
        let see = |name, by, last| alarms.see(WallTime(6_000), name, by, last);
        assert_eq!(see("journal-slow", "siti", Some(WallTime(2))), Seen::Done);
        assert_eq!(see("journal-slow", "budi", None), Seen::Unknown, "siti has seen it");
        assert_eq!(see("nothing", "budi", None), Seen::Unknown);
        assert_eq!(alarms.list(WallTime(7)).len(), 2);
        assert_eq!(alarms.list(WallTime(6_000 + SEEN_STAYS)).len(), 1, "seen a day ago");
        tell(8, "journal-slow", "again");
        let list = alarms.list(WallTime(9));
        assert_eq!((list[0].count, list[0].first, &list[0].seen), (1, WallTime(8), &None));
        tell(9_000, "journal-slow", "and again");
        let late = alarms.see(WallTime(9_500), "journal-slow", "budi", Some(WallTime(8)));
        assert_eq!(late, Seen::Newer(WallTime(9_000)), "one that budi did not see came meanwhile");
    }
}
