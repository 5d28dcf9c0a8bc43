//! The words of the room.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::vocabulary::{CallId, IncidentId, Private, SeatId, Uid, UidError, WallTime};

/// What kind of call it was, as an operator says after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Disposition {
    /// A real emergency.
    Normal,
    /// Somebody talks, but nothing is wrong.
    Prank,
    /// Nobody speaks.
    Ghost,
    /// A question.
    Information,
    /// For another centre.
    Misrouted,
    /// A test of a carrier or of ours.
    Test,
    /// We called back.
    Callback,
    /// The caller left before anybody answered.
    Abandoned,
}

impl Disposition {
    /// Every disposition.
    pub const ALL: [Self; 8] = [
        Self::Normal,
        Self::Prank,
        Self::Ghost,
        Self::Information,
        Self::Misrouted,
        Self::Test,
        Self::Callback,
        Self::Abandoned,
    ];

    /// The word used in records and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Prank => "prank",
            Self::Ghost => "ghost",
            Self::Information => "information",
            Self::Misrouted => "misrouted",
            Self::Test => "test",
            Self::Callback => "callback",
            Self::Abandoned => "abandoned",
        }
    }
}

/// One entry of the work list.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkId(pub Uid);

impl fmt::Display for WorkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for WorkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::str::FromStr for WorkId {
    type Err = UidError;

    fn from_str(text: &str) -> Result<Self, UidError> {
        text.parse().map(Self)
    }
}

/// Why somebody is to be called back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkKind {
    /// The caller left before anybody answered.
    Abandoned,
    /// Nobody spoke, but something was heard.
    GhostWithNoise,
    /// The network, a phone or a restart ended the call, not the caller.
    Dropped,
}

impl WorkKind {
    /// The word used in records and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Abandoned => "abandoned",
            Self::GhostWithNoise => "ghost-with-noise",
            Self::Dropped => "dropped",
        }
    }
}

/// What came of an attempt to call back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkOutcome {
    /// Somebody answered.
    Answered,
    /// It rang and nobody answered.
    NoAnswer,
    /// Busy.
    Busy,
    /// The network could not reach the number.
    Unreachable,
    /// The call was forwarded, perhaps to a mailbox.
    Forwarded,
    /// Our own seat did not answer or hung up before.
    SeatLeft,
}

impl WorkOutcome {
    /// The word used in records and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::NoAnswer => "no-answer",
            Self::Busy => "busy",
            Self::Unreachable => "unreachable",
            Self::Forwarded => "forwarded",
            Self::SeatLeft => "seat-left",
        }
    }
}

/// One attempt to call back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its call.
    pub call: CallId,
    /// The seat that calls.
    pub seat: SeatId,
    /// When it began.
    pub at: WallTime,
    /// What came of it; none while it goes on.
    pub outcome: Option<WorkOutcome>,
}

const fn once() -> u32 {
    1
}

/// Somebody who is to be called back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkEntry {
    /// Its id.
    pub id: WorkId,
    /// The call that was lost.
    pub call: CallId,
    /// Its incident.
    pub incident: IncidentId,
    /// What happened.
    pub kind: WorkKind,
    /// The number to call, E.164; none can be called without one.
    pub number: Option<Private<String>>,
    /// When the call was lost.
    pub at: WallTime,
    /// Calls of the number that were lost since, this one counted.
    #[serde(default = "once")]
    pub times: u32,
    /// Attempts so far.
    pub attempts: Vec<Attempt>,
}

/// A mark that a person set on a number: its calls stand in a later lane until it expires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// E.164 where known, else as it came.
    pub number: Private<String>,
    /// When it was set last.
    pub at: WallTime,
    /// When it expires.
    pub until: WallTime,
    /// Who set it last: a token's name.
    pub by: String,
    /// How many times it was set while it stood.
    pub times: u32,
}
