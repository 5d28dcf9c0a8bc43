//! Deletes what is past its time, once an hour: recordings, the keys of records and of SIP messages. What
//! somebody holds is kept. The journal says what was done, and a report counts it.
//!
//! It deletes nothing while holds may be unknown or the clock is in doubt, and holds up no call.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::clock::Clock;
use super::time_watch::ClockTrust;
use crate::journal::retention::{Due, Erased, Ran, Rules, days_before};
use crate::journal::sealed::{self, Class, Owner};
use crate::journal::{Entry, Fact};
use crate::recording::Library;
use crate::store::{self, JournalHandle, Kept, Store, StoreError};
use crate::telemetry::metrics;
use crate::vocabulary::{CallId, IncidentId, WallTime};

/// How often it is looked for what is due.
const EVERY: Duration = Duration::from_secs(3_600);
/// How long after the start, so that the database has followed, and how often that is asked.
const SETTLES: Duration = Duration::from_millis(200);
/// Tries to empty the write-ahead file.
const TRIES: usize = 50;

/// The rules in force; a reload changes them.
pub(super) type SharedRules = Arc<Mutex<Rules>>;

/// What deleting needs.
pub(super) struct Retention {
    pub(super) rules: SharedRules,
    pub(super) library: Library,
    pub(super) store: Store,
    pub(super) journal: JournalHandle,
    pub(super) journal_folder: PathBuf,
    pub(super) applied: watch::Receiver<u64>,
    pub(super) clock: Clock,
    pub(super) trust: ClockTrust,
}

impl Retention {
    /// Deletes for as long as the program runs.
    pub(super) fn start(self) {
        tokio::spawn(async move {
            let mut tick = tokio::time::interval(EVERY);
            let mut doubted = false;
            loop {
                tick.tick().await;
                let rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner).clone();
                if rules == Rules::default() {
                    continue;
                }
                if self.trust.is_doubtful() {
                    if !std::mem::replace(&mut doubted, true) {
                        let detail =
                            "nothing is deleted by age until a time server keeps the clock";
                        self.alarm("retention-waits", detail);
                    }
                    continue;
                }
                doubted = false;
                self.settle().await;
                match self.round(&rules).await {
                    Ok(ran) if ran == Ran::default() => {}
                    Ok(ran) => {
                        tracing::info!(?ran, "what was past its time is deleted");
                        self.note(Fact::RetentionRan(Box::new(ran)));
                        self.settle().await;
                        self.tidy().await;
                    }
                    Err(error) => tracing::error!(%error, "what is past its time is not known"),
                }
            }
        });
    }

    /// Waits until the database has every line that is on disk: a hold may be among them.
    async fn settle(&self) {
        let mut applied = self.applied.clone();
        while self.journal.waiting() > 0 {
            tokio::time::sleep(SETTLES).await;
        }
        let durable = *self.journal.durable().borrow();
        // An error means that the program stops.
        let _ = applied.wait_for(|seq| *seq >= durable).await;
    }

    /// Takes what was erased out of the database's other files too, once nobody reads.
    async fn tidy(&self) {
        for _ in 0..TRIES {
            match self.store.tidy().await {
                Ok(true) => return,
                Ok(false) => tokio::time::sleep(SETTLES).await,
                Err(error) => {
                    tracing::warn!(%error, "what was erased may stand in the write-ahead file yet");
                    return;
                }
            }
        }
    }

    async fn round(&self, rules: &Rules) -> Result<Ran, StoreError> {
        let now = self.clock.now().wall;
        let mut ran = Ran::default();
        if let Some(days) = rules.shortest() {
            let before = days_before(now, days);
            let mut last: Option<Kept> = None;
            loop {
                let page = self.store.kept_before(before, last.as_ref(), now).await?;
                let Some(end) = page.last().cloned() else { break };
                let mut due = Vec::new();
                for kept in page {
                    let parts = rules.due(kept.kind, kept.ended, now);
                    let parts = Due {
                        record: parts.record && kept.record,
                        trace: parts.trace && kept.trace,
                        ..parts
                    };
                    if parts == Due::default() {
                        continue;
                    }
                    if kept.held {
                        ran.held += 1;
                        continue;
                    }
                    let ground = rules.of(kept.kind).map(|keep| keep.ground.clone());
                    let ground = ground.unwrap_or_default();
                    if parts.audio {
                        self.delete_audio(kept.call, &ground, &mut ran).await?;
                    }
                    if parts.record || parts.trace {
                        let Due { record, trace, .. } = parts;
                        let (call, incident, also) = (kept.call, kept.incident, Vec::new());
                        due.push(Erased { call, incident, record, trace, also, ground });
                    }
                }
                self.erase(due, &mut ran).await;
                last = Some(end);
            }
            self.dialled(rules, now, &mut ran).await?;
        }
        if let Some(days) = rules.log_days {
            ran.log_before = self.forget(Class::Log, days, &mut ran).await;
        }
        if let Some(days) = rules.no_call_days {
            ran.no_call_before = self.forget(Class::NoCall, days, &mut ran).await;
        }
        Ok(ran)
    }

    /// The same for calls that seats dialled.
    async fn dialled(&self, rules: &Rules, now: WallTime, ran: &mut Ran) -> Result<(), StoreError> {
        let Some(days) = rules.shortest() else { return Ok(()) };
        let mut last = None;
        loop {
            let page = self.store.dialled_before(days_before(now, days), last, now).await?;
            let Some(end) = page.last() else { return Ok(()) };
            last = Some(end.call);
            let mut due = Vec::new();
            for dialled in page {
                let Due { audio, record, trace } = dialled.due(rules, now);
                // Whoever holds the call that it belonged to was counted with that one.
                if dialled.is_held() {
                    continue;
                }
                let call = dialled.call;
                let ground = rules.of(dialled.kind()).map(|keep| keep.ground.clone());
                let ground = ground.unwrap_or_default();
                if audio {
                    self.delete_audio(call, &ground, ran).await?;
                }
                if record || trace {
                    let (incident, also) = (IncidentId(call.0), Vec::new());
                    due.push(Erased { call, incident, record, trace, also, ground });
                }
            }
            self.erase(due, ran).await;
        }
    }

    async fn delete_audio(
        &self,
        call: CallId,
        ground: &str,
        ran: &mut Ran,
    ) -> Result<(), StoreError> {
        let files = self.store.recordings_of(&call.to_string()).await?;
        for file in store::deletable(files) {
            let (library, name) = (self.library.clone(), file.file.clone());
            match tokio::task::spawn_blocking(move || library.delete(&name)).await {
                Ok(Ok(())) => {
                    ran.audio += 1;
                    ran.audio_bytes += file.bytes.unwrap_or_default().unsigned_abs();
                    let reason = format!("past its time: {ground}");
                    self.note(Fact::RecordingDeleted { call, file: file.file, reason });
                }
                Ok(Err(error)) => {
                    ran.failed += 1;
                    tracing::error!(%call, %error, "a recording cannot be deleted");
                }
                Err(_) => ran.failed += 1,
            }
        }
        Ok(())
    }

    /// Drops keys, and says so only when they are gone.
    async fn erase(&self, due: Vec<Erased>, ran: &mut Ran) {
        let mut owners = HashSet::new();
        for erased in &due {
            let form = Owner { class: Class::Record, of: erased.incident.0 };
            owners.extend(erased.record.then_some(form));
            for call in std::iter::once(&erased.call).chain(&erased.also) {
                owners.extend(erased.record.then_some(Owner { class: Class::Record, of: call.0 }));
                owners.extend(erased.trace.then_some(Owner { class: Class::Trace, of: call.0 }));
            }
        }
        if owners.is_empty() {
            return;
        }
        // An error means that the writer is gone: then the keys are dropped all the same.
        let _ = self.journal.forget_keys(owners.clone()).await;
        let folder = self.journal_folder.clone();
        let wanted = move |owner: Owner| owners.contains(&owner);
        match tokio::task::spawn_blocking(move || store::drop_keys(&folder, &wanted)).await {
            Ok(Ok(_)) => {
                for erased in due {
                    ran.records += u64::from(erased.record);
                    ran.traces += u64::from(erased.trace);
                    self.note(Fact::PersonalErased(Box::new(erased)));
                }
            }
            Ok(Err(error)) => {
                ran.failed += due.len() as u64;
                tracing::error!(%error, "keys cannot be dropped; they are tried again");
            }
            Err(_) => ran.failed += due.len() as u64,
        }
    }

    /// Drops the keys of days that are so long ago; answers with the first that is kept where any was dropped.
    async fn forget(&self, class: Class, days: u32, ran: &mut Ran) -> Option<WallTime> {
        const DAY: i64 = 86_400_000_000;
        let mut before = days_before(self.clock.now().wall, days);
        before.0 -= before.0.rem_euclid(DAY);
        let day = sealed::day_of(before);
        let folder = self.journal_folder.clone();
        let wanted = move |owner: Owner| owner.class == class && owner.of < day;
        let dropped = tokio::task::spawn_blocking(move || store::drop_keys(&folder, &wanted)).await;
        match dropped {
            Ok(Ok(0)) => None,
            Ok(Ok(_)) => Some(before),
            Ok(Err(error)) => {
                ran.failed += 1;
                tracing::error!(?class, %error, "old days cannot be forgotten; it is tried again");
                None
            }
            Err(_) => {
                ran.failed += 1;
                None
            }
        }
    }

    fn alarm(&self, name: &'static str, detail: &str) {
        tracing::warn!(alarm = name, detail, "alarm");
        metrics::alarm(name);
        self.note(Fact::Alarm { name: name.to_owned(), detail: detail.to_owned() });
    }

    fn note(&self, fact: Fact) {
        self.journal.append(0, Entry { at: self.clock.now().wall, fact });
    }
}
