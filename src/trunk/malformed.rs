//! A message of a carrier that could not be read: evidence for whoever mends its switch.

use serde::{Deserialize, Serialize};

use crate::incident::Raw;
use crate::vocabulary::TrunkId;

/// Bytes of a message that are kept: its beginning says what it was to be.
const BYTES: usize = 4 << 10;

/// What came, from whom, and why it could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Malformed {
    /// The carrier.
    pub trunk: TrunkId,
    /// Transport and address that it came from.
    pub source: String,
    /// Why, in English.
    pub why: String,
    /// Its first bytes.
    pub text: Raw,
}

impl Malformed {
    /// What came, cut where it is long.
    #[must_use]
    pub fn new(trunk: TrunkId, source: String, why: String, bytes: &bytes::Bytes) -> Self {
        Self { trunk, source, why, text: Raw(bytes.slice(..bytes.len().min(BYTES))) }
    }
}
