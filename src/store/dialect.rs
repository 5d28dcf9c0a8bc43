//! Everything that SQLite and PostgreSQL say differently, and nothing else.
//!
//! Statements and migrations are written once, in the words of SQLite's strict tables. A statement
//! that only one of the two understands does not belong into any other file of this room.

use std::borrow::Cow;
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, SqlSafeStr};

use super::settings::StorageSettings;
use super::sql::Pool;

/// How long a statement waits for another process's lock, and a request for a connection.
const BUSY: Duration = Duration::from_secs(5);
/// Readers at once: API requests beyond it wait their turn.
const READERS: u32 = 4;
/// Prepared statements that each connection keeps: more than this room has.
const STATEMENTS: usize = 250;

/// Memory of SQLite's one writer, in KiB, with the sign by which SQLite knows them from pages.
const WRITER_CACHE: &str = "-65536";

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// A file of this node alone.
    Sqlite,
    /// A server that nodes may share.
    Postgres,
}

/// A database that was named and not yet reached.
pub(super) struct Named {
    pub dialect: Dialect,
    /// As errors name it: never with a password.
    pub name: String,
    pub readers: Pool,
    pub writer: Pool,
}

/// An address that was understood.
pub(super) enum Address {
    Sqlite(SqliteConnectOptions),
    Postgres(PgConnectOptions),
}

/// Reads an address; none when it is neither database's.
pub(super) fn address(settings: &StorageSettings) -> Option<Address> {
    let url = settings.url.as_str();
    if url.starts_with("sqlite:") {
        return SqliteConnectOptions::from_str(url).ok().map(Address::Sqlite);
    }
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return None;
    }
    let options = PgConnectOptions::from_str(url).ok()?;
    Some(Address::Postgres(match &settings.password {
        Some(password) => options.password(password.reveal()),
        None => options,
    }))
}

impl Address {
    /// Whether what goes to the database can be read or answered by others on the way.
    pub fn is_open_to_others(&self) -> bool {
        let Self::Postgres(options) = self else { return false };
        let host = options.get_host();
        let here = host == "localhost"
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        let verified = matches!(options.get_ssl_mode(), PgSslMode::VerifyFull);
        options.get_socket().is_none() && !here && !verified
    }

    /// A database that nobody has reached yet.
    pub fn named(self) -> Named {
        match self {
            Self::Sqlite(options) => sqlite(options),
            Self::Postgres(options) => postgres(options),
        }
    }
}

fn sqlite(options: SqliteConnectOptions) -> Named {
    // NORMAL may lose the last transactions with the power, never consistency; they are
    // projected again from the journal.
    let options = options
        .create_if_missing(true)
        .foreign_keys(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .statement_cache_capacity(STATEMENTS)
        .busy_timeout(BUSY)
        .disable_statement_logging();
    let pool = |size, options| {
        let pool = SqlitePoolOptions::new().max_connections(size).acquire_timeout(BUSY);
        Pool::Sqlite(pool.connect_lazy_with(options))
    };
    let name = options.get_filename().display().to_string();
    let readers = pool(READERS, options.clone());
    // What numbers are found by lies all over its index: the one who writes keeps more of it at hand.
    let writer = pool(1, options.pragma("cache_size", WRITER_CACHE));
    Named { dialect: Dialect::Sqlite, name, readers, writer }
}

fn postgres(options: PgConnectOptions) -> Named {
    let options = options
        .application_name("siaga112")
        .statement_cache_capacity(STATEMENTS)
        .disable_statement_logging();
    let pool = |size| {
        let pool = PgPoolOptions::new().max_connections(size).acquire_timeout(BUSY);
        Pool::Postgres(pool.connect_lazy_with(options.clone()))
    };
    let database = options.get_database().unwrap_or(options.get_username());
    let name = match options.get_socket() {
        Some(socket) => format!("PostgreSQL at {}, database {database}", socket.display()),
        None => format!(
            "PostgreSQL at {}:{}, database {database}",
            options.get_host(),
            options.get_port()
        ),
    };
    Named { dialect: Dialect::Postgres, name, readers: pool(READERS), writer: pool(1) }
}

impl Dialect {
    /// Begins a transaction that changes rows, or one that reads all of the same moment.
    pub const fn begin(self, writes: bool) -> &'static str {
        match (self, writes) {
            // Whoever writes waits here for the other writer, and not halfway.
            (Self::Sqlite, true) => "BEGIN IMMEDIATE",
            (Self::Sqlite, false) | (Self::Postgres, true) => "BEGIN",
            (Self::Postgres, false) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }

    /// After a `SELECT`: nobody else may change these rows until we are done.
    pub const fn locked(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE",
        }
    }

    /// Whether several nodes may keep their records in one database.
    pub const fn is_shared(self) -> bool {
        matches!(self, Self::Postgres)
    }

    /// Whether an error says that the database itself is damaged.
    pub fn is_damage(self, error: &sqlx::Error) -> bool {
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        match self {
            // SQLITE_CORRUPT (11, with its extended forms) and SQLITE_NOTADB (26).
            Self::Sqlite => code
                .and_then(|code| code.parse::<i32>().ok())
                .is_some_and(|code| matches!(code & 0xff, 11 | 26)),
            // data_corrupted, index_corrupted.
            Self::Postgres => code.is_some_and(|code| matches!(&*code, "XX001" | "XX002")),
        }
    }

    /// A migration in this database's words.
    fn translated(self, sql: &str) -> String {
        let name = match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        };
        let mut ours = true;
        let mut text = String::new();
        for line in sql.lines() {
            if let Some(only) = line.strip_prefix(ONLY) {
                ours = only == name || only == "both";
            } else if ours {
                text.push_str(line.split_once("--").map_or(line, |(code, _)| code));
                text.push('\n');
            }
        }
        if self == Self::Sqlite {
            return text;
        }
        text.replace(") STRICT, WITHOUT ROWID", ")")
            .replace(") STRICT", ")")
            .replace("INTEGER", "BIGINT")
            .replace("BLOB", "BYTEA")
            .replace("REAL", "DOUBLE PRECISION")
            // Ids and numbers sort by their bytes in both.
            .replace("TEXT", "TEXT COLLATE \"C\"")
    }

    /// The migrations in this database's words.
    pub fn migrator(self, texts: &[(i64, &'static str, &'static str)]) -> Migrator {
        let migration = |(version, name, sql): &(i64, &'static str, &'static str)| {
            let of = |sql| {
                let name = Cow::Borrowed(*name);
                Migration::new(*version, name, MigrationType::Simple, sql, false)
            };
            let mut migration = of(AssertSqlSafe(self.translated(sql)).into_sql_str());
            // What is written counts: the translation may learn more.
            migration.checksum = of(sql.into_sql_str()).checksum;
            migration
        };
        Migrator::with_migrations(texts.iter().map(migration).collect())
    }
}

/// What follows is for one database, `both` again for both.
const ONLY: &str = "--! ";

/// The statement that finds incidents by words, each of them or its beginning: the text before the
/// value, the value, the text after it.
pub(super) fn found(dialect: Dialect, words: &[String]) -> (&'static str, String, &'static str) {
    // Letters and digits only: nothing that either language of questions knows.
    match dialect {
        Dialect::Sqlite => {
            let wanted: Vec<String> = words.iter().map(|word| format!("\"{word}\"*")).collect();
            let before = "SELECT words.incident FROM words_index JOIN words
                          ON words.nr = words_index.rowid WHERE words_index MATCH ";
            (before, wanted.join(" "), "")
        }
        Dialect::Postgres => {
            let wanted: Vec<String> = words.iter().map(|word| format!("{word}:*")).collect();
            let before = "SELECT incident FROM words WHERE found @@ to_tsquery('simple', ";
            (before, wanted.join(" & "), ")")
        }
    }
}

/// A statement's `?` and `?2` as `$1` and `$2`, or with another sign. A question mark within quotes
/// stays.
pub(super) fn numbered(sql: &str, sign: char) -> String {
    let mut text = String::with_capacity(sql.len() + 16);
    let (mut last, mut quoted) = (0_usize, false);
    let mut letters = sql.chars().peekable();
    while let Some(letter) = letters.next() {
        quoted ^= letter == '\'';
        if letter != '?' || quoted {
            text.push(letter);
            continue;
        }
        let mut digits = String::new();
        while let Some(digit) = letters.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        let number = digits.parse().unwrap_or(last + 1);
        last = last.max(number);
        text.push(sign);
        text.push_str(&number.to_string());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_values_are_numbered_and_quoted_ones_are_text() {
        for (sql, wanted) in [
            ("a = ? AND b = ?", "a = $1 AND b = $2"),
            ("a = ?2 OR b = ?1 OR c = ?", "a = $2 OR b = $1 OR c = $3"),
            ("a = '?' OR b = 'it''s ?' OR c = ?", "a = '?' OR b = 'it''s ?' OR c = $1"),
            ("a LIKE ?11", "a LIKE $11"),
        ] {
            assert_eq!(numbered(sql, '$'), wanted);
        }
    }

    #[test]
    fn no_address_is_shown_with_its_password() {
        let mut settings = StorageSettings::at("postgres://ani:rahasia@db.example:5433/siaga");
        settings.password = Some(crate::vocabulary::Secret::new("lain".to_owned()));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let _within = runtime.enter();
        let named = address(&settings).expect("an address").named();
        assert_eq!(named.name, "PostgreSQL at db.example:5433, database siaga");
        assert!(!format!("{settings:?}").contains("ani"));
        assert!(address(&StorageSettings::at("mysql://x/y")).is_none());
    }
}
