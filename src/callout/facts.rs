//! What of a chain is kept for years, as values that the journal writes.

use serde::{Deserialize, Serialize};

use super::{Outcome, Verdict};
use crate::vocabulary::{CallId, ChainId, ContactId, WallTime};

/// A chain was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainBegun {
    /// For which call.
    pub call: CallId,
    /// Which.
    pub chain: ChainId,
    /// What people call it.
    pub title: String,
    /// Code of the kecamatan by which its roles were looked up; none where it was not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kecamatan: Option<String>,
    /// How many people it means.
    pub people: usize,
    /// Who began it.
    pub by: String,
}

/// Somebody of a chain is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainTried {
    /// For which call.
    pub call: CallId,
    /// The attempt, from 1 in each run.
    pub attempt: u16,
    /// Whom.
    pub contact: ContactId,
    /// What they are called.
    #[serde(default)]
    pub name: String,
    /// Their agency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agency: Option<String>,
    /// The number.
    #[serde(default)]
    pub to: String,
}

/// An attempt is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainTriedEnded {
    /// For which call.
    pub call: CallId,
    /// The attempt.
    pub attempt: u16,
    /// Whom.
    pub contact: ContactId,
    /// What came of it.
    pub outcome: Outcome,
    /// When somebody, or something, answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<WallTime>,
    /// The final SIP status, when there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

/// A chain is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainEnded {
    /// For which call.
    pub call: CallId,
    /// Which.
    pub chain: ChainId,
    /// How.
    pub verdict: Verdict,
    /// Who comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<ContactId>,
    /// Whose agency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agency: Option<String>,
    /// When whoever comes answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<WallTime>,
    /// Who said so; empty: the contact by a key, or the gateway itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
    /// Why, where it was stopped.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}
