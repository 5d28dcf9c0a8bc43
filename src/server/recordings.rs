//! Watches over the recordings: what the recorder reports, whether its thread moves, and how much room
//! the disk has. People are told when room is short; nothing is ever deleted for it: how long a recording is kept is
//! said once, in `retention.toml`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::clock::Clock;
use crate::call::orders::RecorderReport;
use crate::journal::{Entry, Fact};
use crate::media::MediaHandle;
use crate::recording::{Library, Recorder};
use crate::store::JournalHandle;
use crate::telemetry::health::{Check, Health};
use crate::telemetry::metrics;
use crate::vocabulary::Moment;

/// How often the disk is looked at, and how often the recorder's thread.
const EVERY: Duration = Duration::from_secs(5);
const THREAD_EVERY: Duration = Duration::from_secs(1);
/// The recorder's thread waits for the disk no longer, or its ring is full before long.
const STUCK: Duration = Duration::from_secs(5);

/// What can be wrong with recordings; the health page shows all that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// A file cannot be written.
    Failing,
    /// The recorder's thread does not move.
    Stuck,
    /// There is little room left.
    Low,
}

/// The recordings' part of the health page.
#[derive(Clone)]
pub(super) struct RecordingHealth {
    health: Health,
    clock: Clock,
    troubles: Arc<Mutex<[Option<String>; 3]>>,
}

impl RecordingHealth {
    pub(super) fn new(health: Health, clock: Clock) -> Self {
        Self { health, clock, troubles: Arc::default() }
    }

    /// Says that something is wrong, or right again. True when that is news.
    fn set(&self, which: Trouble, what: Option<String>) -> bool {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(place) = troubles.get_mut(which as usize) else { return false };
        let news = place.is_some() != what.is_some();
        *place = what;
        let all: Vec<&str> = troubles.iter().flatten().map(String::as_str).collect();
        if all.is_empty() {
            self.health.ok(Check::Recording);
        } else {
            self.health.trouble(Check::Recording, &all.join("; "), self.clock.now().wall);
        }
        news
    }

    /// Follows what the recorder reports.
    pub(super) fn follow(&self, report: &RecorderReport) {
        match report {
            RecorderReport::Failed { call, why, .. } => {
                tracing::error!(%call, why, "recording failed; the call goes on");
                self.set(Trouble::Failing, Some(why.clone()));
            }
            RecorderReport::Fault { why } => {
                tracing::error!(why, "a fault of the recorder; calls go on");
                self.set(Trouble::Failing, Some(why.clone()));
            }
            RecorderReport::Resumed { call, missed_millis, .. } => {
                tracing::info!(%call, missed_millis, "the call is recorded again");
                self.set(Trouble::Failing, None);
            }
            RecorderReport::Started { .. } => {}
            // What broke off may be sealed while nothing can be written yet.
            RecorderReport::Sealed { .. } => {
                self.set(Trouble::Failing, None);
            }
        }
    }
}

/// Recorder threads that do not move: since when the first of them, and when the last was seen.
#[derive(Debug)]
struct Hang {
    since: Moment,
    seen: Moment,
}

fn every(span: Duration) -> tokio::time::Interval {
    let mut tick = tokio::time::interval(span);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    tick
}

/// What is needed to watch.
pub(super) struct Watch {
    pub(super) library: Library,
    pub(super) recorder: Arc<Recorder>,
    pub(super) media: MediaHandle,
    pub(super) health: RecordingHealth,
    pub(super) journal: JournalHandle,
    pub(super) clock: Clock,
}

impl Watch {
    /// Watches for as long as the program runs. The look at the thread must not wait for the disk.
    pub(super) fn start(self) {
        let disk = Arc::new(self);
        let thread = Arc::clone(&disk);
        tokio::spawn(async move {
            let mut tick = every(EVERY);
            loop {
                tick.tick().await;
                disk.look_at_disk().await;
            }
        });
        tokio::spawn(async move {
            let (mut hang, mut tick) = (None, every(THREAD_EVERY));
            loop {
                tick.tick().await;
                thread.look_at_thread(&mut hang);
            }
        });
    }

    /// Where the recorder's thread does not move, another one goes on in further files. If that hangs as well it
    /// is the disk, and after some of them no further one is begun.
    fn look_at_thread(&self, hang: &mut Option<Hang>) {
        let now = self.clock.now().moment;
        if let Some(stuck) = self.recorder.stuck_for().filter(|stuck| *stuck >= STUCK) {
            let micros = u64::try_from(stuck.as_micros()).unwrap_or(u64::MAX);
            let begin = Moment(now.0.saturating_sub(micros));
            let since = hang.as_ref().map_or(begin, |hang| hang.since);
            *hang = Some(Hang { since, seen: now });
            let missed = now.since(since);
            let next = match self.recorder.begin_anew() {
                Ok(Some(recorder)) => {
                    self.media.adopt_recorder(recorder, missed);
                    "calls are recorded on in further files".to_owned()
                }
                Ok(None) => "so do others: look at the disk; calls go on".to_owned(),
                Err(error) => error.to_string(),
            };
            let what = format!("the recorder has not moved for {} s; {next}", missed.as_secs());
            tracing::error!(what, "the recorder's thread hangs");
            self.tell(Trouble::Stuck, "recorder-stuck", "recorder-moves", Some(what));
        } else if hang.as_ref().is_none_or(|hang| now.since(hang.seen) >= 2 * STUCK) {
            *hang = None;
            self.tell(Trouble::Stuck, "recorder-stuck", "recorder-moves", None);
        }
    }

    /// A file system that does not answer holds up this look and nothing else.
    async fn free_bytes(&self) -> Option<u64> {
        let library = self.library.clone();
        let free = tokio::task::spawn_blocking(move || library.free_bytes()).await;
        free.ok()?.inspect_err(|error| tracing::debug!(%error, "free space is not known")).ok()
    }

    async fn look_at_disk(&self) {
        let Some(free) = self.free_bytes().await else { return };
        let low = self.library.settings().low_disk_bytes;
        metrics::recordings_free(free);
        let told = (free < low)
            .then(|| format!("{} MB are free for recordings, below {} MB", free >> 20, low >> 20));
        self.tell(Trouble::Low, "recordings-disk-low", "recordings-disk-free", told);
    }

    /// Tells of a trouble when it begins and when it is over.
    fn tell(&self, which: Trouble, begins: &'static str, ends: &'static str, what: Option<String>) {
        let over = what.is_none();
        let detail = what.clone().unwrap_or_else(|| "it is over".to_owned());
        if self.health.set(which, what) {
            let name = if over { ends } else { begins };
            tracing::warn!(alarm = name, detail, "alarm");
            metrics::alarm(name);
            self.note(Fact::Alarm { name: name.to_owned(), detail });
        }
    }

    fn note(&self, fact: Fact) {
        self.journal.append(0, Entry { at: self.clock.now().wall, fact });
    }
}
