//! Who works with the gateway and what each may do: persons, roles, passwords, tokens, sessions, and
//! the guessing of passwords. Times and chance come in; it knows no socket and no file, and it never
//! holds a caller's data.

mod book;
mod draft_key;
mod guesses;
mod password;
mod role;
mod second;
mod sessions;

pub use book::{Book, BookError, Changes, Person, Token, Whose};
pub use draft_key::{DRAFT_KEY_BYTES, DraftKey};
pub use guesses::Guesses;
pub use password::{PasswordError, Stored, Weak};
pub use role::{Role, RoleError};
pub use second::{KEY_BYTES, RECOVERY_BYTES, Second};
pub use sessions::{Limits, Session, Sessions};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::vocabulary::{Secret, hex};

/// Hash of a secret of 256 random bits: what is kept of a token or session. Such a secret cannot be
/// tried out, so its hash needs no salt.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Of the secret as its bearer shows it.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        Self(hex(&Sha256::digest(secret)))
    }
}

/// A fresh secret, and what is kept of it: `chance` is 256 random bits, `kind` tells people what they
/// have found, should one lie around.
#[must_use]
pub fn secret(kind: &str, chance: [u8; 32]) -> (Secret, Fingerprint) {
    let text = format!("{kind}_{}", hex(&chance));
    let kept = Fingerprint::of(&text);
    (Secret::new(text), kept)
}
