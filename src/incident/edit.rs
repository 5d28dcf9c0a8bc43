//! What people do to a record, as values that the journal keeps: each with who, and why where that is
//! not plain. They decide nothing; [`super::Record`] follows them.

use serde::{Deserialize, Serialize};

use super::form::Changes;
use crate::vocabulary::{IncidentId, OperatorId, Private};

/// How an incident became known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// By a call to 112.
    Call,
    /// Somebody came to the centre.
    WalkIn,
    /// By radio.
    Radio,
    /// By a CAP alert of another system.
    Cap,
    /// By a text message.
    Message,
    /// By another number or another centre.
    Referral,
    /// In any other way.
    Other,
}

impl Origin {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Call,
        Self::WalkIn,
        Self::Radio,
        Self::Cap,
        Self::Message,
        Self::Referral,
        Self::Other,
    ];

    /// The word used in records and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::WalkIn => "walk-in",
            Self::Radio => "radio",
            Self::Cap => "cap",
            Self::Message => "message",
            Self::Referral => "referral",
            Self::Other => "other",
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A record was made without a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// The incident.
    pub incident: IncidentId,
    /// How it became known.
    pub origin: Origin,
    /// Who made it: a person, or the trunk or system that an alert came from.
    pub by: String,
    /// Whose it is, when an operator made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<OperatorId>,
    /// The i3 identifier of the incident, when another system had made one already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency_incident_id: Option<String>,
    /// What is known from the beginning.
    #[serde(default, skip_serializing_if = "Changes::is_empty")]
    pub changes: Changes,
    /// The version of the record that it makes; 0 in what was written before versions were said.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub version: u64,
}

/// Fields of a form were changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// The incident.
    pub incident: IncidentId,
    /// Who.
    pub by: String,
    /// The version that they saw; 0: nobody had written yet.
    pub saw: u64,
    /// What becomes of which field.
    #[serde(default)]
    pub changes: Changes,
    /// The version of the record that it makes; 0 in what was written before versions were said.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub version: u64,
}

/// A record was closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// The incident.
    pub incident: IncidentId,
    /// Who.
    pub by: String,
    /// What was written with it: the result, the last report.
    #[serde(default, skip_serializing_if = "Changes::is_empty")]
    pub changes: Changes,
    /// The version of the record that it makes; 0 in what was written before versions were said.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub version: u64,
}

/// A closed record was opened again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reopening {
    /// The incident.
    pub incident: IncidentId,
    /// Who.
    pub by: String,
    /// Why.
    pub why: Private<String>,
    /// The version of the record that it makes; 0 in what was written before versions were said.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub version: u64,
}

/// Two records were brought together, or taken apart again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tie {
    /// The one; of a merge, the one that goes into the other. It keeps its number and its calls.
    pub incident: IncidentId,
    /// The other.
    pub other: IncidentId,
    /// Who.
    pub by: String,
    /// Why.
    pub why: Private<String>,
    /// The version of the record that it makes; 0 in what was written before versions were said.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub version: u64,
}

/// One thing that was done to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Made without a call.
    Opened(&'a Opened),
    /// Changed.
    Edited(&'a Edit),
    /// Closed.
    Closed(&'a Closing),
    /// Opened again.
    Reopened(&'a Reopening),
    /// Merged into another one.
    Merged(&'a Tie),
    /// Taken out of another one.
    Unmerged(&'a Tie),
    /// Linked with another one.
    Linked(&'a Tie),
    /// Linked no more.
    Unlinked(&'a Tie),
}

impl<'a> Step<'a> {
    /// The record; of two that are tied, the one that the person had before them.
    #[must_use]
    pub const fn incident(self) -> IncidentId {
        match self {
            Self::Opened(step) => step.incident,
            Self::Edited(step) => step.incident,
            Self::Closed(step) => step.incident,
            Self::Reopened(step) => step.incident,
            Self::Merged(tie) | Self::Unmerged(tie) | Self::Linked(tie) | Self::Unlinked(tie) => {
                tie.incident
            }
        }
    }

    /// The other record, of two that are tied.
    #[must_use]
    pub const fn other(self) -> Option<IncidentId> {
        match self.tie() {
            Some(tie) => Some(tie.other),
            None => None,
        }
    }

    /// What ties two records, or tied them.
    #[must_use]
    pub const fn tie(self) -> Option<&'a Tie> {
        match self {
            Self::Merged(tie) | Self::Unmerged(tie) | Self::Linked(tie) | Self::Unlinked(tie) => {
                Some(tie)
            }
            Self::Opened(_) | Self::Edited(_) | Self::Closed(_) | Self::Reopened(_) => None,
        }
    }

    /// Who did it.
    #[must_use]
    pub fn by(self) -> &'a str {
        match self {
            Self::Opened(step) => &step.by,
            Self::Edited(step) => &step.by,
            Self::Closed(step) => &step.by,
            Self::Reopened(step) => &step.by,
            Self::Merged(tie) | Self::Unmerged(tie) | Self::Linked(tie) | Self::Unlinked(tie) => {
                &tie.by
            }
        }
    }

    /// The version of the record that it makes; 0 where it says none.
    #[must_use]
    pub const fn version(self) -> u64 {
        match self {
            Self::Opened(step) => step.version,
            Self::Edited(step) => step.version,
            Self::Closed(step) => step.version,
            Self::Reopened(step) => step.version,
            Self::Merged(tie) | Self::Unmerged(tie) | Self::Linked(tie) | Self::Unlinked(tie) => {
                tie.version
            }
        }
    }

    /// Why, where that was said.
    #[must_use]
    pub fn why(self) -> Option<&'a Private<String>> {
        match self {
            Self::Reopened(step) => Some(&step.why),
            _ => self.tie().map(|tie| &tie.why),
        }
    }

    /// What it wrote into the form.
    #[must_use]
    pub const fn changes(self) -> Option<&'a Changes> {
        match self {
            Self::Opened(step) => Some(&step.changes),
            Self::Edited(step) => Some(&step.changes),
            Self::Closed(step) => Some(&step.changes),
            _ => None,
        }
    }

    /// `opened`, `edited`, `closed`, `reopened`, `merged`, `unmerged`, `linked` or `unlinked`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Opened(_) => "opened",
            Self::Edited(_) => "edited",
            Self::Closed(_) => "closed",
            Self::Reopened(_) => "reopened",
            Self::Merged(_) => "merged",
            Self::Unmerged(_) => "unmerged",
            Self::Linked(_) => "linked",
            Self::Unlinked(_) => "unlinked",
        }
    }
}
