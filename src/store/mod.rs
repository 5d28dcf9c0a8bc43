//! Journal files, and the incident records that are made from them.
//!
//! The journal is the durable truth; the database is a view of it that can be thrown away and
//! built anew. So the database may be slow, locked or broken without touching a call: the
//! [`Projector`] follows the journal's files when it can. Signalling never waits for this room,
//! except for the group commit before 180.
//!
//! # How to add a question, or a table
//!
//! * The database is SQLite or PostgreSQL, and every statement is one text for both: `sql::query("… WHERE
//!   call = ?").bind(call)`, then `execute`, `fetch_all`, `fetch_optional` or `fetch_each` on a `Tx`.
//!   `?` is the next value and `?1` the first; use one kind in a statement. A method of [`Store`] begins
//!   with `let mut tx = self.reading().await?;`. Read columns by name: `row.try_get::<i64>("at")`.
//! * What only one of them understands (`instr`, `max(a, b)`, `json_each`, `->>`, `rowid`, `LIKE` that
//!   ignores case) goes into `dialect`, or better is not needed. A condition counts by
//!   `count(*) FILTER (WHERE …)`; true and false are 1 and 0.
//! * A migration is a file of the next number in `migrations`, named in `database`, in the words of
//!   SQLite's strict tables: `INTEGER`, `TEXT`, `BLOB`, `REAL`, `) STRICT;`. `dialect` turns them into
//!   PostgreSQL's; lines after `--! sqlite` or `--! postgres` are for one of them. No number is given
//!   by the database.
//! * Nodes share a PostgreSQL. A row that is numbered by the journal's line has the columns `node`
//!   (`tx.node()`, while a journal is applied) and `seq`; a row about a call needs neither.
//! * `tests/store.rs` tells every story of both; begin one with `Site::new()`.

pub mod access;
mod alarms;
mod apply;
mod audit;
mod call_keys;
pub mod cli;
mod compare;
mod database;
mod dialect;
mod dialled;
mod erase;
pub mod drawing;
mod earlier;
mod figures;
mod hold;
pub mod filter;
mod hours;
mod incident;
mod invites;
pub mod journal_file;
mod journal_writer;
mod known;
mod late;
mod ladder;
mod node;
mod numbers;
mod locations;
pub mod looks;
pub mod periods;
mod presence;
mod projector;
mod query;
mod record;
mod recordings;
mod recovered;
mod report;
pub mod report_cli;
mod screened;
mod search;
mod settings;
mod sheets;
mod sql;
mod standby;
mod work;

pub use alarms::{Alarm, Alarms, Seen};
pub use apply::outcome;
pub use audit::{AuditFilter, Audited, Place};
pub use call_keys::{CallKeys, Lock, drop_keys};
pub use compare::{Comparison, Difference};
pub use database::{Store, StoreError};
pub use dialled::Dialled;
pub use earlier::EarlierCall;
pub use erase::{Kept, Round, deletable};
pub use figures::{Figures, StandardsReport};
pub use filter::{Filter, FilterError};
pub use hold::Holding;
pub use hours::{HourCall, HourFigures, HoursReport};
pub use incident::{
    At, Incident, IncidentSummary, LinkedCall, Offer, Recording, Work, WorkAttempt,
};
pub use invites::Invite;
pub use journal_file::{JournalError, JournalReader, VerifyReport};
pub use journal_writer::{JournalHandle, JournalReport, JournalWriter};
pub use ladder::{CallLadder, Ladder, LadderEnd, LadderMessage};
pub use locations::LocationReport;
pub use numbers::{Step, forms};
pub use projector::{Projector, StoreHealth};
pub use record::{
    FieldChange, KeptStep, KnownRecord, RecordVersion, RecordView, TiedRecord, shown, versions,
};
pub use recovered::{OpenCall, OpenChain, Recovered};
pub use report::By;
pub use settings::StorageSettings;
pub use sheets::{
    CIAMIS_COLUMNS, CiamisReport, CiamisRow, NationalReport, NationalRow, SheetError,
};
pub use standby::Standby;
pub use work::{CallNumber, Recall};
