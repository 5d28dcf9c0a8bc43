//! The head of a journal: what its end was at a moment, signed. Whoever keeps a copy elsewhere can tell
//! for ever whether the lines up to there are still what they were.
//!
//! It signs nothing itself; it says what is signed.

use serde::{Deserialize, Serialize};

/// The end of a journal at a moment, signed with the node's key (Ed25519, RFC 8032). It is an entry as
/// well, so no field is called like one of a line (`seq`, `prev`, `at`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The node whose journal it is.
    pub node: String,
    /// The day that it was made on, at the centre: `2026-11-26`.
    pub date: String,
    /// When, RFC 3339.
    pub signed_at: String,
    /// Number of the last line.
    pub line: u64,
    /// SHA-256 of that line, lower-case hexadecimal.
    pub link: String,
    /// The signature of the head before it; empty for the first.
    pub previous: String,
    /// The public key, 64 hexadecimal digits.
    pub key: String,
    /// Over [`Head::text`], 128 hexadecimal digits.
    pub signature: String,
}

impl Head {
    /// The bytes that are signed: one line, so that any tool can check them.
    #[must_use]
    pub fn text(&self) -> String {
        format!(
            "siaga112 head 1 node={} date={} at={} line={} link={} previous={} key={}",
            self.node, self.date, self.signed_at, self.line, self.link, self.previous, self.key
        )
    }
}
