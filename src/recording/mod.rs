//! The recorder: each call's audio, caller left, operator right, readable at every moment. One file,
//! and a further one after each failure.
//!
//! One thread takes audio out of the tap, lays it on each recording's time line and writes it;
//! another makes finished files safe (fsync, SHA-256), so that a slow disk costs no audio of other
//! calls. Both answer to nobody: a recording that fails is reported once and the call goes on.
//! The room knows no stream, port or SIP message, and reads no clock but the one it is given.

mod check;
mod copy;
mod keys;
mod library;
mod locked;
mod ogg;
mod part;
mod recorder;
mod recordings;
mod seal;
mod settings;
mod timeline;
mod wav;

use std::io;
use std::path::PathBuf;

pub use crate::media::tap::RecorderHandle;
pub use check::Damage;
pub use copy::Span;
pub use library::{Library, Reader};
pub use recorder::Recorder;
pub use seal::Sealed;
pub use settings::{Format, RecordingSettings};

/// Why the recorder could not start, or a left-over file could not be sealed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// The operating system gave no thread.
    #[error("the recorder's thread could not be started: {0}")]
    Thread(#[source] io::Error),
    /// A file name that leads out of the folder, or to nothing.
    #[error("{file:?} is not the name of a recording")]
    Name {
        /// The name as given.
        file: String,
    },
    /// The file is none of ours, and is left as it is.
    #[error("{path} does not begin like a recording of this program; it was left as it is")]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// The system refused.
    #[error("{path} cannot be {tried}: {source}")]
    File {
        /// What was tried: `opened`, `read`, `repaired`, `synced`, `deleted`.
        tried: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
