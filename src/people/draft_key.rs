//! The key that locks what a person has typed at a page and the gateway does not have yet. It is the person's own and
//! comes with a session only: the next person at the same desk finds words that nobody opens.

use std::fmt;

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

/// Random bytes of a key (AES-256).
pub const DRAFT_KEY_BYTES: usize = 32;

/// A key; it prints as `***`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DraftKey(String);

impl DraftKey {
    /// A new one, of random bits.
    #[must_use]
    pub fn new(chance: [u8; DRAFT_KEY_BYTES]) -> Self {
        Self(BASE64.encode(&chance))
    }

    /// The key in base 64, for its person's page.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DraftKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
