//! What an operator sees of a caller while the call lives: the few things of its INVITE that matter
//! before the first word. The record has all of it.

use serde::{Deserialize, Serialize};

use super::data::Field;
use super::record::{AdditionalData, Arrival, Caller};
use super::vouched::IdentityChecked;

/// The caller and what came with the call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brief {
    /// Who; without the identities as they came.
    pub caller: Caller,
    /// The carrier's own key for the call.
    pub icid: Option<String>,
    /// Languages, most wanted first.
    pub languages: Vec<String>,
    /// Additional data and parts that nobody knows, in order.
    pub data: Vec<Shown>,
    /// Who vouches for the number; none while that is not known, or nothing was signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<IdentityChecked>,
}

/// One block of additional data, or a part that nobody knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// `EmergencyCallData.…`, or empty.
    pub purpose: String,
    /// Content-Type, or the URI while only that is known.
    pub content_type: String,
    /// Length of what came.
    pub bytes: usize,
    /// What it says.
    pub fields: Vec<Field>,
}

impl Brief {
    /// What of an arrival is shown.
    #[must_use]
    pub fn of(arrival: &Arrival) -> Self {
        Self {
            caller: Caller { identities: Vec::new(), ..arrival.caller.clone() },
            icid: arrival.icid.clone(),
            languages: arrival.languages.clone(),
            data: arrival.additional_data.iter().map(Shown::of).collect(),
            identity: None,
        }
    }
}

impl Shown {
    /// What of a block is shown.
    #[must_use]
    pub fn of(data: &AdditionalData) -> Self {
        Self {
            purpose: data.purpose.clone(),
            content_type: data.content_type.clone(),
            bytes: data.body.0.len(),
            fields: data.fields.clone(),
        }
    }
}
