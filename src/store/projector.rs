//! Follows the journal's files and keeps the database up to date: one mechanism for normal
//! running, for catching up and after a restart.
//!
//! It never loses an entry and never holds up a call: what the database refuses is tried again.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::database::{Store, StoreError, read_batch};
use super::journal_file::{JournalReader, read_from};

/// First and longest pause after a failure.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// How long lines are gathered after the first, so that a transaction has many.
const GATHER: Duration = Duration::from_millis(200);

/// How the database keeps up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreHealth {
    /// Everything durable is in it.
    Ok,
    /// Entries wait; normal under load and after a failure.
    Behind {
        /// How many.
        entries: u64,
    },
    /// It cannot be written; calls go on, and it is tried again.
    Failed {
        /// What happened and what to do.
        why: String,
    },
}

/// A running projection.
#[derive(Debug)]
pub struct Projector {
    health: watch::Receiver<StoreHealth>,
    applied: watch::Receiver<u64>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Projector {
    /// Starts a task that applies the journal in `folder` to `store`, up to the number that
    /// `durable` shows. Call it within a tokio runtime.
    #[must_use]
    pub fn start(store: Store, folder: PathBuf, durable: watch::Receiver<u64>) -> Self {
        let (health, seen) = watch::channel(StoreHealth::Behind { entries: 0 });
        let (stop, stopping) = watch::channel(false);
        let (done, applied) = watch::channel(0);
        let work =
            Work { store, folder, durable, health, done, stopping, reader: None, followed: false };
        Self { health: seen, applied, stop, task: tokio::spawn(work.run()) }
    }

    /// How it goes, as it changes.
    #[must_use]
    pub fn health(&self) -> watch::Receiver<StoreHealth> {
        self.health.clone()
    }

    /// The number of the last line that is in the database, as it grows.
    #[must_use]
    pub fn applied(&self) -> watch::Receiver<u64> {
        self.applied.clone()
    }

    /// Applies what is durable, once more at most, and ends.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the projector ended by a fault");
        }
    }
}

struct Work {
    store: Store,
    folder: PathBuf,
    durable: watch::Receiver<u64>,
    health: watch::Sender<StoreHealth>,
    done: watch::Sender<u64>,
    stopping: watch::Receiver<bool>,
    reader: Option<JournalReader>,
    /// Later the database may be ahead for a moment: another process reads lines that are written
    /// and not yet reported.
    followed: bool,
}

impl Work {
    async fn run(mut self) {
        let mut pause = BACK_OFF.0;
        loop {
            // Read before the work: what comes after it leads to another round.
            let stopping = *self.stopping.borrow_and_update();
            let result = self.follow().await;
            if stopping {
                return;
            }
            match result {
                Ok(()) => {
                    pause = BACK_OFF.0;
                    let gather = async {
                        if self.durable.changed().await.is_err() {
                            // The journal is closed; only the end is left.
                            std::future::pending::<()>().await;
                        }
                        tokio::time::sleep(GATHER).await;
                    };
                    tokio::select! {
                        () = gather => {}
                        _ = self.stopping.changed() => {}
                    }
                }
                Err(error) => {
                    self.failed(&error);
                    tokio::select! {
                        () = tokio::time::sleep(pause) => pause = (pause * 2).min(BACK_OFF.1),
                        _ = self.stopping.changed() => {}
                    }
                }
            }
        }
    }

    fn failed(&mut self, error: &StoreError) {
        self.reader = None;
        self.store.doubt();
        let now = StoreHealth::Failed { why: error.to_string() };
        let before = self.health.send_replace(now);
        if !matches!(before, StoreHealth::Failed { .. }) {
            tracing::error!(%error, "incident records wait in the journal");
        }
    }

    /// Applies everything up to what is durable now.
    async fn follow(&mut self) -> Result<(), StoreError> {
        let until = *self.durable.borrow_and_update();
        let mut applied = self.store.applied(&self.folder).await?;
        if !self.followed && applied > until {
            let database = self.store.name().to_owned();
            return Err(StoreError::OtherJournal { database, seq: applied });
        }
        self.followed = true;
        // The last line applied is read once more: it shows whether this is the same journal.
        let fresh = || read_from(&self.folder, applied.max(1));
        let mut reader = self.reader.take().unwrap_or_else(fresh);
        while applied < until {
            if until - applied > super::database::BATCH as u64 {
                self.health.send_replace(StoreHealth::Behind { entries: until - applied });
            }
            let (back, lines) = read_batch(Some(reader), &self.folder, until).await?;
            reader = back;
            if lines.is_empty() {
                // Another process may have applied them; otherwise they are gone, and said so.
                applied = self.store.applied(&self.folder).await?;
                if applied < until {
                    tracing::error!(from = applied + 1, until, "journal lines are missing");
                }
                break;
            }
            applied = self.store.apply(&lines).await?;
        }
        self.reader = Some(reader);
        self.done.send_replace(applied);
        if self.health.send_replace(StoreHealth::Ok) != StoreHealth::Ok {
            tracing::info!(applied, "incident records are up to date");
        }
        Ok(())
    }
}
