//! Whether a recording is still the one that was sealed. It changes nothing.

use std::fs::File;
use std::io::{ErrorKind, Read};

use sha2::{Digest, Sha256};

use super::keys;
use super::library::Library;
use crate::vocabulary::hex;

/// How a file differs from what was sealed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// It is not there.
    #[error("its file is missing")]
    Missing,
    /// It is longer or shorter.
    #[error("it has {is} bytes where {was} were sealed")]
    Length {
        /// Now.
        is: u64,
        /// When it was sealed.
        was: u64,
    },
    /// It holds something else.
    #[error("it was changed after it was sealed: its SHA-256 is {is}")]
    Changed {
        /// The hash of what is there.
        is: String,
    },
    /// It is encrypted, and its key is gone.
    #[error("its key is missing: nobody can hear it")]
    KeyMissing,
    /// The system refused, or the name is none of ours.
    #[error("it cannot be read: {why}")]
    Unreadable {
        /// What the system said.
        why: String,
    },
}

impl Library {
    /// Compares a file with what was sealed, reading it once from end to end.
    ///
    /// # Errors
    /// The first difference.
    pub fn check(&self, name: &str, sha256: &str, bytes: u64) -> Result<(), Damage> {
        let unreadable = |why: String| Damage::Unreadable { why };
        let (path, _, locked) = self.find(name).map_err(|error| unreadable(error.to_string()))?;
        let failed = |error: std::io::Error| match error.kind() {
            ErrorKind::NotFound => Damage::Missing,
            _ => unreadable(error.to_string()),
        };
        let mut file = File::open(&path).map_err(failed)?;
        let is = file.metadata().map_err(failed)?.len();
        if is != bytes {
            return Err(Damage::Length { is, was: bytes });
        }
        let (mut hash, mut block) = (Sha256::new(), vec![0; 1 << 16]);
        loop {
            match file.read(&mut block).map_err(failed)? {
                0 => break,
                count => hash.update(block.get(..count).unwrap_or_default()),
            }
        }
        let is = hex(&hash.finalize());
        if is != sha256 {
            return Err(Damage::Changed { is });
        }
        let settings = self.settings();
        if locked && !keys::is_there(&settings.folder, name) {
            return Err(Damage::KeyMissing);
        }
        Ok(())
    }
}
