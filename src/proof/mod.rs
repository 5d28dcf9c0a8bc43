//! What proves that the records are what was written: signed heads of the journal, the walk that finds
//! whatever was changed, and the copies that are handed to others.
//!
//! It reads what other rooms have written, and changes none of it; it writes heads, and copies where it
//! is told to. No secret key leaves it.

mod archive;
pub mod bundle;
mod called;
mod chapters;
pub mod heads;
pub mod pack;
mod page;
pub mod redaction;
pub mod standing;
mod scrub;
mod signer;
mod sounds;
pub mod verify;

use std::io;
use std::path::{Path, PathBuf};

pub use signer::{Signer, pem, public_key};
pub use sounds::brought;

/// Why something cannot be proved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The system refused.
    #[error("{path} cannot be {tried}: {source}")]
    File {
        /// `read`, `made`, `written`.
        tried: &'static str,
        /// What.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{path} {why}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong and how to mend it.
        why: &'static str,
    },
    /// There is no such incident.
    #[error("there is no incident {0:?}; `siaga112 incidents list` shows what there is")]
    NoSuchIncident(String),
    /// What cannot be one person's number.
    #[error(
        "this is no number of one person; write it with +62 or 0, such as +62 812-3456-7890, or with the \
         country code"
    )]
    NoNumber,
    /// No record has to do with a number.
    #[error("no record has to do with this number, in none of its forms")]
    NoRecords,
    /// What is to be taken out of a copy.
    #[error(transparent)]
    Redaction(#[from] redaction::Mistake),
    /// The copy cannot be written.
    #[error("the copy cannot be written: {0}")]
    Copy(#[from] io::Error),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] crate::store::JournalError),
    /// The database cannot be read.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
}

impl ProofError {
    fn file(tried: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { tried, path, source }
    }
}

/// Where a node keeps the key that it signs with, below its data folder.
#[must_use]
pub fn keys_folder(data: &Path) -> PathBuf {
    data.join("keys")
}

/// Where a node keeps its heads, below its data folder.
#[must_use]
pub fn heads_folder(data: &Path) -> PathBuf {
    data.join("heads")
}
