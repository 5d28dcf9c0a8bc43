//! Journal files, and the incident records that are made from them.
//!
//! The journal is the durable truth; the database is a view of it that can be thrown away and
//! built anew. So the database may be slow, locked or broken without touching a call: the
//! [`Projector`] follows the journal's files when it can. Signalling never waits for this room,
//! except for the group commit before 180.

mod apply;
mod call_keys;
pub mod cli;
mod database;
pub mod drawing;
mod figures;
pub mod filter;
mod incident;
pub mod journal_file;
mod journal_writer;
mod ladder;
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
mod sheets;
mod work;

pub use apply::outcome;
pub use call_keys::{CallKeys, Lock, drop_keys};
pub use database::{Store, StoreError};
pub use figures::{Figures, StandardsReport};
pub use filter::{Filter, FilterError};
pub use incident::{
    At, Incident, IncidentSummary, LinkedCall, Offer, Recording, Work, WorkAttempt,
};
pub use journal_file::{JournalError, JournalReader, VerifyReport};
pub use journal_writer::{JournalHandle, JournalReport, JournalWriter};
pub use ladder::{CallLadder, Ladder, LadderEnd, LadderMessage};
pub use projector::{Projector, StoreHealth};
pub use record::{
    FieldChange, KnownRecord, RecordVersion, RecordView, TiedRecord, shown, versions,
};
pub use recordings::Expired;
pub use recovered::{OpenCall, Recovered};
pub use report::By;
pub use sheets::{
    CIAMIS_COLUMNS, CiamisReport, CiamisRow, NationalReport, NationalRow, SheetError,
};
pub use work::{CallNumber, Recall};
