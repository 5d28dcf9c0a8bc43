//! What stands in for a database that cannot be asked: the last hours of this node's own journal, in a
//! file that is made when it is needed and goes as soon as it is not.
//!
//! Only one record at a time is asked of it, never a list: it knows nothing of other nodes, nor of what
//! is older.

use std::path::{Path, PathBuf};

use super::database::read_batch;
use super::journal_file::{JournalReader, read_from};
use super::record::KeptStep;
use super::{Store, StoreError};
use crate::journal::Entry;
use crate::vocabulary::{IncidentId, WallTime};

/// The file in the data folder.
const FILE: &str = "recent-journal.db";

/// The last hours of the journal as a database.
#[derive(Debug)]
pub struct Standby {
    store: Store,
    journal: PathBuf,
    reader: Option<JournalReader>,
    applied: u64,
}

impl Standby {
    /// Takes away what a killed gateway left in its data folder.
    pub fn sweep(data: &Path) {
        // The store removes its file as it is dropped.
        drop(Store::passing(data.join(FILE)));
    }

    /// Begins with the journal's file that was written at `since`; nothing is in it yet.
    ///
    /// # Errors
    /// When the file cannot be made, or the journal not be read.
    pub async fn begin(data: &Path, journal: &Path, since: WallTime) -> Result<Self, StoreError> {
        let store = Store::passing(data.join(FILE))?;
        store.applied(journal).await?;
        let line = store.begin_at(journal, since).await?.line;
        let applied = line.saturating_sub(1);
        Ok(Self { store, journal: journal.to_owned(), reader: None, applied })
    }

    /// The store, with every line of the journal up to `until`. What was taken in stays when whoever asks
    /// gives up.
    ///
    /// # Errors
    /// When the journal cannot be read or the file not be written.
    pub async fn caught_up(&mut self, until: u64) -> Result<Store, StoreError> {
        while self.applied < until {
            let from = self.applied + 1;
            let reader = self.reader.take();
            let reader = reader.filter(|reader| reader.next_seq() == from);
            let reader = reader.unwrap_or_else(|| read_from(&self.journal, from));
            let (reader, lines) = read_batch(Some(reader), &self.journal, until).await?;
            if lines.is_empty() {
                break;
            }
            self.applied = self.store.apply(&lines).await?;
            self.reader = Some(reader);
        }
        Ok(self.store.clone())
    }

    /// What its lines say of a record, whose beginning may be older than they are.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn steps(&self, of: IncidentId) -> Result<Vec<(u64, Entry)>, StoreError> {
        let steps = self.store.kept_steps(of).await?;
        Ok(steps.into_iter().map(|KeptStep { line, entry, .. }| (line, entry)).collect())
    }
}
