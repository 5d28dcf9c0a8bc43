//! Where a caller is, told beside the INVITE or after it: by a phone itself (AML), or by the server that a
//! reference leads to.

use serde::{Deserialize, Serialize};

use super::best::Place;
use super::record::{Cell, Location};
use crate::vocabulary::{CallId, Private, Uid, WallTime, rfc3339};

/// How a location came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// From where a Geolocation header leads to (RFC 6442, 6753).
    #[default]
    Reference,
    /// Advanced Mobile Location by SMS (ETSI TS 103 625 §5).
    AmlSms,
    /// The same by HTTPS.
    AmlHttps,
}

impl How {
    /// As it is shown.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::AmlSms => "aml-sms",
            Self::AmlHttps => "aml-https",
        }
    }
}

/// What came, before anybody knows whose call it is about.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// How.
    pub how: How,
    /// From whom: the host that answered, or the token's name.
    pub from: String,
    /// The number that the phone is known by, E.164 where that is certain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<Private<String>>,
    /// When its call began, by the phone's own clock.
    #[serde(skip_serializing_if = "Option::is_none", with = "rfc3339")]
    pub call_began: Option<WallTime>,
    /// What it says of itself.
    #[serde(skip_serializing_if = "Device::is_unknown")]
    pub device: Device,
    /// Where it is; none when it could not tell.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<Location>,
    /// The cell that serves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cell: Option<Cell>,
    /// What was odd, and why nothing came where nothing came.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<String>,
}

/// What a phone says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Device {
    /// International Mobile Equipment Identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imei: Option<Private<String>>,
    /// International Mobile Subscriber Identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imsi: Option<Private<String>>,
    /// Maker and model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Languages that it is set to, as sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub languages: Option<String>,
    /// The network that serves it, MCC and MNC: `510-10`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// What else came, as sent: (`location_floor`, `2`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other: Vec<(String, String)>,
}

impl Device {
    /// It has said nothing.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}

/// A report, and the call that it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Located {
    /// The report: the same when it was kept for a call that came later.
    pub id: Uid,
    /// The call; none while there is no call of its number.
    pub call: Option<CallId>,
    /// What came.
    pub report: Report,
    /// Where the caller most likely is from now on; none without a call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}
