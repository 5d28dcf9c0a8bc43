//! The records' database: reached when first needed, migrated, one writer, a pool of readers.
//!
//! It never holds a fact that the journal does not have.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::Sqlite;
use sqlx::migrate::MigrateError;
use sqlx::pool::PoolConnection;
use thiserror::Error;
use tokio::sync::Mutex;

use super::dialect::{self, Dialect, Named};
use super::journal_file::{JournalError, flush, read_from};
use super::settings::StorageSettings;
use super::sql::{Live, Pool, Tx};
use crate::journal::Line;

/// How long bringing the tables up to date may take: a new index over years of records.
const MIGRATE_WITHIN: Duration = Duration::from_secs(1800);
/// Entries of one transaction.
pub(super) const BATCH: usize = 500;

/// The migrations, in order, each in the words of SQLite's strict tables (`dialect` translates). A
/// released one is never changed.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "incident", include_str!("migrations/0001_incident.sql")),
    (2, "signal", include_str!("migrations/0002_signal.sql")),
    (3, "queue", include_str!("migrations/0003_queue.sql")),
    (4, "recording", include_str!("migrations/0004_recording.sql")),
    (5, "record", include_str!("migrations/0005_record.sql")),
    (6, "node", include_str!("migrations/0006_node.sql")),
    (7, "audit", include_str!("migrations/0007_audit.sql")),
    (8, "number", include_str!("migrations/0008_number.sql")),
    (9, "location", include_str!("migrations/0009_location.sql")),
    (10, "search", include_str!("migrations/0010_search.sql")),
    (11, "retention", include_str!("migrations/0011_retention.sql")),
    (12, "told", include_str!("migrations/0012_told.sql")),
    (13, "custody", include_str!("migrations/0013_custody.sql")),
];

/// What went wrong with the database.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The configured URL is none of ours.
    #[error(
        "storage: this is no address of SQLite or PostgreSQL: write \"sqlite:/path/to/incidents.db\" \
         or \"postgres://USER@HOST:5432/DATABASE\""
    )]
    Url,
    /// The file is there but is no database, or a damaged one.
    #[error(
        "storage: {database} is damaged or no database ({source}): move it away and restart; \
         it is built anew from the journal"
    )]
    Damaged {
        /// The file, or the server.
        database: String,
        /// What the database said.
        source: sqlx::Error,
    },
    /// The database holds lines of another journal.
    #[error(
        "storage: {database} was made from another journal (it has line {seq}, which is not there or \
         differs here): give every node its own name; if this is the only one, move the database away \
         and restart: it is built anew from the journal"
    )]
    OtherJournal {
        /// The file, or the server.
        database: String,
        /// The last line that the database has.
        seq: u64,
    },
    /// The tables could not be brought up to date.
    #[error("storage: cannot bring the tables of {database} up to date: {source}")]
    Migrate {
        /// The file, or the server.
        database: String,
        /// What the database said.
        source: MigrateError,
    },
    /// The server is not there, or does not answer.
    #[error(
        "storage: {database} does not answer ({source}); calls go on, and their records wait in the \
         journal"
    )]
    Away {
        /// The server.
        database: String,
        /// What happened.
        source: sqlx::Error,
    },
    /// Anything else that the database said: locked, full, read-only.
    #[error("storage: {database}: {source}")]
    Sql {
        /// The file, or the server.
        database: String,
        /// What the database said.
        source: sqlx::Error,
    },
    /// The journal could not be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// The incident records. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// As errors name the database.
    name: String,
    node: String,
    dialect: Dialect,
    readers: Pool,
    /// One connection.
    writer: Pool,
    /// Its tables were seen up to date.
    ready: AtomicBool,
    /// Held by who brings them up to date.
    migrating: Mutex<()>,
    /// A file that goes with the last who reads it.
    passing: Option<PathBuf>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        let Some(path) = &self.passing else { return };
        for end in ["", "-wal", "-shm"] {
            let mut path = path.clone().into_os_string();
            path.push(end);
            // It may not be there, or is made anew the next time.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Store {
    /// Names the database; it is reached, and made where it is a file that is missing, when it is
    /// first needed: a broken one must not keep the gateway from starting. Call it within a tokio
    /// runtime.
    ///
    /// # Errors
    /// [`StoreError::Url`] when the address is of neither kind.
    pub fn open(settings: &StorageSettings) -> Result<Self, StoreError> {
        Self::named(settings, None)
    }

    /// This node's own journal alone, in a file in `folder` that is made anew and goes with the store:
    /// for reading while a server is away.
    ///
    /// # Errors
    /// When `folder` cannot stand in an address.
    pub fn of_journal(folder: &Path) -> Result<Self, StoreError> {
        Self::passing(folder.join("own-journal.db"))
    }

    /// A file that is made anew and goes with the store.
    pub(super) fn passing(file: PathBuf) -> Result<Self, StoreError> {
        let url = format!("sqlite:{}", file.display());
        // What a killed command left; where it cannot go, opening it says why.
        drop(Self::named(&StorageSettings::at(&url), Some(file.clone()))?);
        Self::named(&StorageSettings::at(&url), Some(file))
    }

    fn named(settings: &StorageSettings, passing: Option<PathBuf>) -> Result<Self, StoreError> {
        let named = dialect::address(settings).ok_or(StoreError::Url)?.named();
        let Named { dialect, name, readers, writer } = named;
        Ok(Self(Arc::new(Inner {
            name,
            node: settings.node.clone(),
            dialect,
            readers,
            writer,
            ready: AtomicBool::new(false),
            migrating: Mutex::new(()),
            passing,
        })))
    }

    /// The database as errors name it: a file, or a server.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Applies what the journal in `folder` has and the database has not; returns the number of
    /// the last line applied. Other processes may do the same at the same time.
    ///
    /// # Errors
    /// When the journal or the database fails.
    pub async fn catch_up(&self, folder: &Path) -> Result<u64, StoreError> {
        // Lines that the writer has not flushed yet must not stand here and then be lost there.
        let journal = folder.to_owned();
        let flushed = tokio::task::spawn_blocking(move || flush(&journal)).await;
        flushed.unwrap_or_else(|e| Err(JournalError::io("flush", folder)(e.into())))?;
        let mut applied = self.applied(folder).await?;
        let mut reader = Some(read_from(folder, applied.max(1)));
        loop {
            let (back, lines) = read_batch(reader.take(), folder, u64::MAX).await?;
            reader = Some(back);
            if lines.is_empty() {
                return Ok(applied);
            }
            applied = self.apply(&lines).await?;
        }
    }

    /// The number of the last line of this node's journal, in `folder`, that was applied.
    pub(super) async fn applied(&self, folder: &Path) -> Result<u64, StoreError> {
        let applied = super::node::applied(&mut self.writing().await?, &self.0.node).await;
        match applied.map_err(|e| self.error(e))? {
            Some(applied) => Ok(applied.seq),
            None => self.enter(folder).await,
        }
    }

    /// Enters this node among those whose journals are in the database, or finds it under the name
    /// that it had.
    async fn enter(&self, folder: &Path) -> Result<u64, StoreError> {
        let mut tx = self.writing().await?;
        super::node::alone(&mut tx).await.map_err(|e| self.error(e))?;
        let known = super::node::all(&mut tx).await.map_err(|e| self.error(e))?;
        let mut ours = None;
        for node in &known {
            // Made before nodes had names; of a file that is one node's alone, or not begun.
            let unnamed = node.name.is_empty() && (node.seq == 0 || !self.0.dialect.is_shared());
            if unnamed || node.seq > 0 && self.has_line(folder, node.seq, &node.link).await? {
                ours = Some(node);
                break;
            }
        }
        let strange = known.iter().find(|node| node.seq > 0);
        match (ours, strange) {
            (None, Some(other)) if !self.0.dialect.is_shared() => {
                Err(StoreError::OtherJournal { database: self.0.name.clone(), seq: other.seq })
            }
            _ => {
                let entered = super::node::enter(&mut tx, &self.0.node, ours).await;
                entered.map_err(|e| self.error(e))?;
                tx.commit().await.map_err(|e| self.error(e))?;
                Ok(ours.map_or(0, |node| node.seq))
            }
        }
    }

    async fn has_line(&self, folder: &Path, seq: u64, link: &str) -> Result<bool, StoreError> {
        let (_, lines) = read_batch(Some(read_from(folder, seq)), folder, seq).await?;
        Ok(lines.first().is_some_and(|line| line.seq == seq && line.link.to_string() == link))
    }

    /// Applies `lines` in one transaction, leaving out those that are in already; returns the
    /// number of the last line applied.
    pub(super) async fn apply(&self, lines: &[Line]) -> Result<u64, StoreError> {
        let tx = self.writing().await?;
        match super::apply::batch(tx, &self.0.node, lines).await {
            Ok(Ok(seq)) => Ok(seq),
            Ok(Err(seq)) => Err(StoreError::OtherJournal { database: self.0.name.clone(), seq }),
            Err(error) => Err(self.error(error)),
        }
    }

    /// A transaction that reads all of the same moment, from tables that are up to date.
    pub(super) async fn reading(&self) -> Result<Tx, StoreError> {
        self.tables().await?;
        self.0.readers.begin(false).await.map_err(|e| self.error(e))
    }

    /// A transaction that changes rows. There is one at a time.
    pub(super) async fn writing(&self) -> Result<Tx, StoreError> {
        self.tables().await?;
        self.0.writer.begin(true).await.map_err(|e| self.error(e))
    }

    /// The node whose journal this gateway applies.
    pub(super) fn node(&self) -> &str {
        &self.0.node
    }

    /// Takes what was erased out of the write-ahead file as well, as far as nobody reads it now.
    ///
    /// # Errors
    /// When the database fails; false when somebody reads, and it is to be tried again.
    pub async fn tidy(&self) -> Result<bool, StoreError> {
        self.tables().await?;
        let Live::Sqlite(mut on) = self.0.writer.acquire().await.map_err(|e| self.error(e))? else {
            return Ok(true);
        };
        let busy = sqlx::query_scalar::<_, i64>("PRAGMA wal_checkpoint(TRUNCATE)");
        let busy = busy.fetch_one(&mut *on).await.map_err(|e| self.error(e))?;
        Ok(busy == 0)
    }

    /// A reader of a database that is a file; none where it is a server.
    pub(super) async fn file_reader(&self) -> Result<Option<PoolConnection<Sqlite>>, StoreError> {
        self.tables().await?;
        match self.0.readers.acquire().await.map_err(|e| self.error(e))? {
            Live::Sqlite(on) => Ok(Some(on)),
            Live::Postgres(_) => Ok(None),
        }
    }

    /// Closes all connections, so that another program may move the file.
    pub async fn close(&self) {
        self.0.readers.close().await;
        self.0.writer.close().await;
    }

    /// Looks again, with the next question, whether the tables are up to date: after a failure
    /// another database may stand there.
    pub(super) fn doubt(&self) {
        self.0.ready.store(false, Ordering::Relaxed);
    }

    /// Brings the tables up to date, once.
    async fn tables(&self) -> Result<(), StoreError> {
        if self.0.ready.load(Ordering::Acquire) {
            return Ok(());
        }
        let _alone = self.0.migrating.lock().await;
        if self.0.ready.load(Ordering::Acquire) {
            return Ok(());
        }
        // A server that hangs is found out soon, and not in the time that a migration may take.
        drop(self.0.writer.begin(false).await.map_err(|e| self.error(e))?);
        let migrated = tokio::time::timeout(MIGRATE_WITHIN, self.migrate()).await;
        migrated.unwrap_or_else(|_| {
            let why = format!("not done within {} minutes", MIGRATE_WITHIN.as_secs() / 60);
            let late = std::io::Error::new(std::io::ErrorKind::TimedOut, why);
            Err(self.error(sqlx::Error::Io(late)))
        })?;
        self.0.ready.store(true, Ordering::Release);
        Ok(())
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        let migrator = self.0.dialect.migrator(MIGRATIONS);
        // Two processes may meet here; the one that comes second finds the tables made.
        for tries in 1.. {
            let done = match self.0.writer.acquire().await.map_err(|e| self.error(e))? {
                Live::Sqlite(mut on) => migrator.run_direct(None, &mut *on, false).await,
                Live::Postgres(mut on) => migrator.run_direct(None, &mut *on, false).await,
            };
            let Err(error) = done else { break };
            if tries >= 3 {
                return Err(match error {
                    MigrateError::Execute(source) => self.error(source),
                    source => StoreError::Migrate { database: self.0.name.clone(), source },
                });
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Names the database, and says what to do when it is damaged.
    pub(super) fn error(&self, source: sqlx::Error) -> StoreError {
        let database = self.0.name.clone();
        let gone =
            matches!(source, sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut);
        if self.0.dialect.is_damage(&source) {
            StoreError::Damaged { database, source }
        } else if gone && self.0.dialect.is_shared() {
            StoreError::Away { database, source }
        } else {
            StoreError::Sql { database, source }
        }
    }
}

/// Reads the next lines of the journal on a thread that may block.
pub(super) async fn read_batch(
    reader: Option<super::JournalReader>,
    folder: &Path,
    until: u64,
) -> Result<(super::JournalReader, Vec<Line>), StoreError> {
    let mut reader = reader.unwrap_or_else(|| read_from(folder, 1));
    let read = tokio::task::spawn_blocking(move || {
        let lines = reader.batch(until, BATCH)?;
        Ok((reader, lines))
    });
    read.await.unwrap_or_else(|join| {
        let source = std::io::Error::other(join);
        Err(StoreError::Journal(JournalError::io("read", folder)(source)))
    })
}
