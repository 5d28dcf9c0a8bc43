//! Rules as validated values.

use super::times::Times;
use crate::vocabulary::{QueueId, TrunkId, Want};

/// One rule: when it is true, the call goes to its queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Named in the record of every call it decided.
    pub name: String,
    /// Highest first.
    pub priority: i32,
    /// When it applies; every list must match, an empty list matches all.
    pub when: When,
    /// Where the call goes.
    pub queue: QueueId,
    /// The call's priority in its queue, 0 to 9, highest first.
    pub call_priority: u8,
    /// Skills that its calls ask of a seat.
    pub wants: Vec<Want>,
}

/// The conditions of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct When {
    /// Any of these trunks.
    pub trunk: Vec<TrunkId>,
    /// Any of these services: `sos.marine`, or `sos.*` for a whole branch.
    pub service: Vec<String>,
    /// Any of these dialled digits.
    pub dialled: Vec<String>,
    /// Any of these kecamatan codes, where the location tells one.
    pub kecamatan: Vec<String>,
    /// Any of these hours, days and dates of the centre's clock.
    pub times: Times,
}

impl When {
    /// Whether the rule is true for every call.
    #[must_use]
    pub fn is_always(&self) -> bool {
        self.trunk.is_empty()
            && self.service.is_empty()
            && self.dialled.is_empty()
            && self.kecamatan.is_empty()
            && self.times.is_any()
    }
}
