//! What an INVITE told us, as one value: the start of every incident record.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::alert::Alert;
use super::best::Place;
use super::data::Field;
use crate::vocabulary::{CallId, Phone, Private, hex};

/// Everything an INVITE said about the emergency and the caller. What could not be understood is
/// kept as text with a finding, never dropped.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Arrival {
    /// SIP Call-ID.
    pub sip_call_id: String,
    /// `icid-value` of P-Charging-Vector: the carrier's own key for the call (RFC 7315).
    pub icid: Option<String>,
    /// P-Charging-Vector as it came: icid, and the networks between which it is charged.
    pub charging: Option<String>,
    /// Call-Info values as they came.
    pub call_info: Vec<String>,
    /// NENA i3 call identifier, when the network made one.
    pub emergency_call_id: Option<String>,
    /// NENA i3 incident identifier, when the network made one.
    pub emergency_incident_id: Option<String>,
    /// The caller.
    pub caller: Caller,
    /// What was dialled: digits, or a service URN.
    pub dialled: String,
    /// The service URN asked for (`urn:service:sos` when plain digits were dialled).
    pub service: String,
    /// Diversion headers, in order, as they came (RFC 5806).
    pub diversion: Vec<String>,
    /// History-Info entries, in order, as they came (RFC 7044).
    pub history: Vec<String>,
    /// Resource-Priority values (RFC 4412).
    pub resource_priority: Vec<String>,
    /// Priority header.
    pub priority: Option<String>,
    /// P-Access-Network-Info and Cellular-Network-Info values as they came.
    pub access_network: Vec<String>,
    /// The serving cell, when one of them names it.
    pub cell: Option<Cell>,
    /// Geolocation header values as they came (RFC 6442).
    pub geolocation: Vec<String>,
    /// Locations carried by value; the first usable one leads.
    pub locations: Vec<Location>,
    /// Code of the kecamatan that a location names or the cell stands for, when it is one of ours.
    pub kecamatan: Option<String>,
    /// Where the caller most likely is, of all that the INVITE says of it.
    #[serde(skip_serializing_if = "Place::is_unknown")]
    pub place: Place,
    /// Code of the category that the service URN preselects.
    pub category: Option<String>,
    /// Accept-Language and `a=hlang` tags, most wanted first (RFC 8373).
    pub languages: Vec<String>,
    /// Additional data blocks and unknown body parts, kept whole (RFC 7852).
    pub additional_data: Vec<AdditionalData>,
    /// What was odd about the message.
    pub findings: Vec<String>,
    /// The INVITE, byte for byte.
    pub raw: Raw,
}

/// Who calls, and why we think so.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Caller {
    /// The number.
    pub phone: Phone,
    /// Display name.
    pub name: Option<Private<String>>,
    /// The header that the number was taken from.
    pub header: IdentityHeader,
    /// How far it can be trusted.
    pub trust: Trust,
    /// The caller asked the public not to see the number; an emergency centre does.
    pub private: bool,
    /// The Privacy header as it came.
    pub privacy: Option<String>,
    /// `verstat` of the asserted identity, when present (3GPP 24.229).
    pub verstat: Option<String>,
    /// The network that the trunk's profile says its callers are in.
    pub network: Option<String>,
    /// The operator that the block of a mobile number was given to: a hint, people move.
    pub issued_by: Option<String>,
    /// The country of a number that is not Indonesian, by ISO 3166.
    pub country: Option<String>,
    /// The device's own name (`+sip.instance`): of a phone without SIM all that there is.
    pub device: Option<Private<String>>,
    /// Every identity header value, as it came: `P-Asserted-Identity: …`.
    pub identities: Vec<Private<String>>,
}

/// The header that named the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum IdentityHeader {
    /// P-Asserted-Identity (RFC 3325).
    #[serde(rename = "P-Asserted-Identity")]
    Asserted,
    /// Remote-Party-ID with `party=calling`.
    #[serde(rename = "Remote-Party-ID")]
    RemoteParty,
    /// From.
    #[default]
    From,
}

impl IdentityHeader {
    /// Its name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Asserted => "P-Asserted-Identity",
            Self::RemoteParty => "Remote-Party-ID",
            Self::From => "From",
        }
    }
}

/// How far an identity can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// Asserted by a network that the trunk's profile trusts.
    Asserted,
    /// Screened by the sending switch (`screen=yes`) on a trusted trunk.
    Screened,
    /// Said by somebody, vouched for by nobody.
    #[default]
    Claimed,
}

impl Trust {
    /// The word of the record, as serde writes it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Asserted => "asserted",
            Self::Screened => "screened",
            Self::Claimed => "claimed",
        }
    }
}

/// A serving cell (3GPP 24.229 §7.2A.4).
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cell {
    /// Radio technology as named in the header, e.g. `3GPP-E-UTRAN-FDD`.
    pub access: String,
    /// Mobile country code.
    pub mcc: String,
    /// Mobile network code.
    pub mnc: String,
    /// Location or tracking area, hexadecimal as sent.
    pub area: String,
    /// Cell identity, hexadecimal as sent.
    pub cell: String,
    /// The network vouches for it; otherwise it is a hint.
    pub network_provided: bool,
    /// For so long it has not been heard of: the phone is on Wi-Fi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_seconds: Option<u32>,
}

/// One location by value, from a PIDF-LO (RFC 4119, 5491, 5139).
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Location {
    /// Point, Circle, Ellipse, ArcBand, Polygon, Sphere, …, or `civic`.
    pub shape: String,
    /// Latitude in degrees, as sent.
    pub latitude: Option<String>,
    /// Longitude in degrees, as sent.
    pub longitude: Option<String>,
    /// Radius of uncertainty in metres, as sent.
    pub radius_m: Option<String>,
    /// Height in metres, as sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub altitude_m: Option<String>,
    /// The corners of a Polygon, or of a Prism's base, as sent: latitude and longitude.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outline: Vec<(String, String)>,
    /// What else the shape is made of, as sent, in metres and degrees: (`semiMajorAxis`, `7.156`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<(String, String)>,
    /// Per cent with which the caller is within the shape (RFC 7459), or the radius.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<u8>,
    /// Civic address elements in order: (`A3`, `Sapeken`).
    pub civic: Vec<(String, String)>,
    /// How it was found, e.g. `GPS`.
    pub method: Option<String>,
    /// When it was found, RFC 3339 as sent.
    pub timestamp: Option<String>,
    /// The header or Content-ID that it came with.
    pub source: String,
    /// Who put it into the message, by its own word (RFC 8787).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loc_src: Option<String>,
}

/// A body part that we keep and show.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AdditionalData {
    /// `EmergencyCallData.…` purpose from Call-Info, or empty.
    pub purpose: String,
    /// Content-Type, or the URI when it is by reference.
    pub content_type: String,
    /// The bytes; none of what came by reference.
    pub body: Raw,
    /// What it says, where it is a block that can be read (RFC 7852).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
}

impl AdditionalData {
    /// The URI, where only that came.
    #[must_use]
    pub fn reference(&self) -> Option<&str> {
        let uri = self.content_type.as_str();
        let web = |scheme: &str| {
            uri.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme))
        };
        (web("https:") || web("http:")).then_some(uri)
    }
}

/// Additional data that came after the INVITE.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataCame {
    /// The call.
    pub call: CallId,
    /// How it came: `INFO`, or the host that it was fetched from.
    pub how: String,
    /// What came.
    pub data: AdditionalData,
    /// The reference that led to it, in whose place it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// What was odd, and why nothing came where nothing came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<String>,
    /// The alert that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<Box<Alert>>,
}

impl DataCame {
    /// Something came; not only the reason why nothing did.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.reference.as_ref() != Some(&self.data.content_type)
    }
}

/// Bytes kept exactly; text in JSON where they are UTF-8, hexadecimal otherwise.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Raw(pub bytes::Bytes);

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Raw {
    /// The bytes as text, wrong UTF-8 replaced; for display.
    #[must_use]
    pub fn display(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawForm<'a> {
    Text(std::borrow::Cow<'a, str>),
    Hex(std::borrow::Cow<'a, str>),
}

impl Serialize for Raw {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => RawForm::Text(text.into()).serialize(to),
            Err(_) => RawForm::Hex(hex(&self.0).into()).serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match RawForm::deserialize(from)? {
            RawForm::Text(text) => Ok(Self(text.into_owned().into())),
            RawForm::Hex(hex) => hex
                .as_bytes()
                .chunks(2)
                .map(|pair| {
                    let digits = std::str::from_utf8(pair).ok()?;
                    u8::from_str_radix(digits, 16).ok()
                })
                .collect::<Option<Vec<u8>>>()
                .map(|bytes| Self(bytes.into()))
                .ok_or_else(|| serde::de::Error::custom("hexadecimal digits expected")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_bytes_survive_json_whatever_they_are() {
        for bytes in [&b"INVITE sip:112 SIP/2.0\r\n\r\n"[..], b"\xff\x00\xe9", b""] {
            let raw = Raw(bytes::Bytes::copy_from_slice(bytes));
            let json = serde_json::to_string(&raw).expect("writes");
            assert_eq!(serde_json::from_str::<Raw>(&json).expect("reads"), raw, "{json}");
        }
    }
}
