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
    /// The word of the record, as serde writes it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Mobile => "mobile",
            Self::Fixed => "fixed",
            Self::International => "international",
            Self::Ambiguous => "ambiguous",
            Self::ServiceNumber => "service-number",
            Self::Unparsed => "unparsed",
            Self::TooShort => "too-short",
            Self::Withheld => "withheld",
            Self::Unavailable => "unavailable",
            Self::Absent => "absent",
            Self::NoCallback => "no-callback",
        }
    }

    /// Why nobody can be called back at such a number, for people: Indonesian and English. None where
    /// somebody can.
    #[must_use]
    pub const fn no_call_back(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::Mobile | Self::Fixed | Self::International => return None,
            Self::Ambiguous => (
                "Tidak bisa ditelepon balik: nomor bisa dibaca sebagai dua nomor berbeda",
                "No call back possible: the number can be read in two ways",
            ),
            Self::ServiceNumber => (
                "Tidak bisa ditelepon balik: ini nomor layanan, bukan nomor penelepon",
                "No call back possible: this is a service, not a caller's number",
            ),
            Self::Unparsed => (
                "Tidak bisa ditelepon balik: nomor tidak dikenali",
                "No call back possible: this is no number that we know",
            ),
            Self::TooShort => (
                "Tidak bisa ditelepon balik: nomor tidak lengkap",
                "No call back possible: digits of the number are missing",
            ),
            Self::Withheld => (
                "Tidak bisa ditelepon balik: nomor disembunyikan",
                "No call back possible: the number is withheld",
            ),
            Self::Unavailable | Self::Absent => (
                "Tidak bisa ditelepon balik: jaringan tidak mengirim nomor",
                "No call back possible: the network sent no number",
            ),
            Self::NoCallback => (
                "Tidak bisa ditelepon balik: ponsel tanpa kartu SIM",
                "No call back possible: a phone without SIM",
            ),
        })
    }

    /// Whether a call back to such a number makes sense.
    #[must_use]
    pub const fn can_be_called_back(self) -> bool {
        self.no_call_back().is_none()
    }
}
