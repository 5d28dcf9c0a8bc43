//! A number as it was sent and as E.164, always both.

use serde::{Deserialize, Serialize};

use super::Private;

/// A caller's number: the raw user part as it arrived, and its normal form where one exists.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Phone {
    /// The user part exactly as the header carried it.
    pub raw: Private<String>,
    /// `+` and digits, when the raw form has one certain reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub e164: Option<Private<String>>,
    /// What kind of number this is.
    pub class: NumberClass,
}

/// What a raw number turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NumberClass {
    /// An Indonesian mobile number.
    Mobile,
    /// An Indonesian fixed line.
    Fixed,
    /// A number of another country.
    International,
    /// Two readings exist and only the trunk's profile may decide.
    Ambiguous,
    /// A short service number such as 112: dialled, never a caller.
    ServiceNumber,
    /// Digits that fit no plan: shown as they are.
    Unparsed,
    /// Digits too few to be dialled.
    TooShort,
    /// The caller's identity is withheld.
    Withheld,
    /// The network has no identity.
    Unavailable,
    /// No user part at all.
    #[default]
    Absent,
    /// A pseudo number of a phone without SIM: shown, never dialled.
    NoCallback,
}

impl NumberClass {
    /// Whether a call back to such a number makes sense.
    #[must_use]
    pub const fn can_be_called_back(self) -> bool {
        matches!(self, Self::Mobile | Self::Fixed | Self::International)
    }
}
