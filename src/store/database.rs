//! The SQLite database: opened when first needed, migrated, one writer, a pool of readers.
//!
//! It never holds a fact that the journal does not have.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqlSafeStr, SqliteConnection, SqlitePool};
use thiserror::Error;
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use super::journal_file::{JournalError, flush, read_from};
use crate::journal::Line;

/// How long a statement waits for another process's lock.
const BUSY: Duration = Duration::from_secs(5);
/// Readers at once: API requests beyond it wait their turn.
const READERS: u32 = 4;
/// Entries of one transaction.
pub(super) const BATCH: usize = 500;

/// What went wrong with the database.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The configured URL is none of ours.
    #[error("storage: {url:?} is no SQLite address: write \"sqlite:/path/to/incidents.db\"")]
    Url {
        /// As configured.
        url: String,
    },
    /// The file is there but is no database, or a damaged one.
    #[error(
        "storage: {path} is damaged or no SQLite database ({source}): move it away and restart; \
         it is built anew from the journal"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: sqlx::Error,
    },
    /// The database holds lines of another journal.
    #[error(
        "storage: {path} was made from another journal (it has line {seq}, which is not there or \
         differs here): move it away and restart; it is built anew from the journal"
    )]
    OtherJournal {
        /// The file.
        path: PathBuf,
        /// The last line that the database has.
        seq: u64,
    },
    /// The tables could not be brought up to date.
    #[error("storage: cannot bring the tables of {path} up to date: {source}")]
    Migrate {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: MigrateError,
    },
    /// Anything else that SQLite said: locked, full, read-only.
    #[error("storage: {path}: {source}")]
    Sql {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
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
    path: PathBuf,
    options: SqliteConnectOptions,
    readers: SqlitePool,
    /// Set once the file was opened and migrated: readers need not ask the writer again.
    ready: OnceCell<()>,
    /// None until the file was opened and migrated, and after a failure.
    writer: Mutex<Option<SqliteConnection>>,
}

impl Store {
    /// Names the database, e.g. `sqlite:/var/lib/siaga112/incidents.db`; it is opened, and made
    /// when it is missing, when it is first needed: a broken one must not keep the gateway from
    /// starting. Call it within a tokio runtime.
    ///
    /// # Errors
    /// [`StoreError::Url`] when `url` is no SQLite URL.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        let refuse = |_| StoreError::Url { url: url.to_owned() };
        if !url.starts_with("sqlite:") {
            return Err(StoreError::Url { url: url.to_owned() });
        }
        // NORMAL may lose the last transactions with the power, never consistency; they are
        // projected again from the journal.
        let options: SqliteConnectOptions = url.parse().map_err(refuse)?;
        let options = options
            .create_if_missing(true)
            .foreign_keys(false)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY)
            .disable_statement_logging();
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(BUSY)
            .connect_lazy_with(options.clone());
        let path = options.get_filename().to_owned();
        Ok(Self(Arc::new(Inner {
            path,
            options,
            readers,
            ready: OnceCell::new(),
            writer: Mutex::new(None),
        })))
    }

    /// The database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
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
        let mut applied = self.applied().await?.0;
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

    /// Number and hash of the last line applied.
    pub(super) async fn applied(&self) -> Result<(u64, String), StoreError> {
        let mut writer = self.writer().await?;
        let Some(connection) = writer.as_mut() else { return Ok((0, String::new())) };
        super::apply::applied(connection).await.map_err(|e| self.error(e))
    }

    /// Applies `lines` in one transaction, leaving out those that are in already; returns the
    /// number of the last line applied.
    pub(super) async fn apply(&self, lines: &[Line]) -> Result<u64, StoreError> {
        let mut writer = self.writer().await?;
        let Some(connection) = writer.as_mut() else { return Ok(0) };
        match super::apply::batch(connection, lines).await {
            Ok(Some(seq)) => Ok(seq),
            Ok(None) => {
                let (seq, _) = super::apply::applied(connection).await.unwrap_or_default();
                Err(StoreError::OtherJournal { path: self.0.path.clone(), seq })
            }
            Err(error) => {
                // A connection in an unknown state is not used again.
                *writer = None;
                Err(self.error(error))
            }
        }
    }

    /// A pool of readers on a database whose tables are up to date.
    pub(super) async fn readers(&self) -> Result<&SqlitePool, StoreError> {
        let made = || async { self.writer().await.map(drop) };
        self.0.ready.get_or_try_init(made).await?;
        Ok(&self.0.readers)
    }

    /// Closes all connections, so that another program may move the file.
    pub async fn close(&self) {
        self.0.readers.close().await;
        let writer = self.0.writer.lock().await.take();
        if let Some(connection) = writer {
            // Nothing is lost by a close that fails: all is in the journal.
            let _ = sqlx::Connection::close(connection).await;
        }
    }

    async fn writer(&self) -> Result<MutexGuard<'_, Option<SqliteConnection>>, StoreError> {
        let mut writer = self.0.writer.lock().await;
        if writer.is_none() {
            *writer = Some(self.connect().await?);
        }
        Ok(writer)
    }

    async fn connect(&self) -> Result<SqliteConnection, StoreError> {
        let mut connection = self.0.options.connect().await.map_err(|e| self.error(e))?;
        // Two processes may meet here; the one that comes second finds the tables made.
        for tries in 1.. {
            let Err(error) = migrator().run_direct(None, &mut connection, false).await else {
                break;
            };
            if tries >= 3 {
                return Err(match error {
                    MigrateError::Execute(source) => self.error(source),
                    source => StoreError::Migrate { path: self.0.path.clone(), source },
                });
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(connection)
    }

    /// Names the file, and says what to do when it is damaged.
    pub(super) fn error(&self, source: sqlx::Error) -> StoreError {
        let path = self.0.path.clone();
        // SQLITE_CORRUPT (11, with its extended forms) and SQLITE_NOTADB (26).
        let code = source.as_database_error().and_then(|e| e.code()).and_then(|c| c.parse().ok());
        match code.map(|code: i32| code & 0xff) {
            Some(11 | 26) => StoreError::Damaged { path, source },
            _ => StoreError::Sql { path, source },
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

/// The migrations, in order. A released one is never changed.
fn migrator() -> Migrator {
    let plain = |version, name: &'static str, sql: &'static str| {
        let sql = sql.into_sql_str();
        Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, sql, false)
    };
    Migrator::with_migrations(vec![
        plain(1, "incident", include_str!("migrations/0001_incident.sql")),
        plain(2, "signal", include_str!("migrations/0002_signal.sql")),
        plain(3, "queue", include_str!("migrations/0003_queue.sql")),
        plain(4, "recording", include_str!("migrations/0004_recording.sql")),
        plain(5, "record", include_str!("migrations/0005_record.sql")),
    ])
}
