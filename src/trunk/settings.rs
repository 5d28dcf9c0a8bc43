//! The validated profile of one carrier, and of the centre it serves.

use ipnet::IpNet;

use crate::sip::digest::Credential;
use crate::vocabulary::{AnswerMode, TrunkId};

/// The centre: what it is called and which dialled forms mean "emergency here".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Centre {
    /// Shown in the test call and to operators.
    pub name: String,
    /// National area code with its trunk prefix, e.g. `0328`.
    pub area_code: String,
    /// Dialled forms: digits, or a service URN whose `.*` means any child.
    pub dialled: Vec<String>,
}

/// One carrier's profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkSettings {
    /// Its name in the configuration.
    pub id: TrunkId,
    /// Networks that its signalling comes from.
    pub sources: Vec<IpNet>,
    /// Names in the certificate that its side of a TLS connection presents (RFC 5922 §7).
    pub tls_names: Vec<String>,
    /// Digest account, for a carrier without fixed addresses.
    pub digest: Option<Credential>,
    /// Whether P-Asserted-Identity is believed (RFC 3325 §5: only within a trust domain).
    pub trust_identity: bool,
    /// Area code for numbers sent in local form.
    pub area_code: String,
    /// Overrides the queue's answer mode.
    pub answer: Option<AnswerMode>,
    /// Digits that reach the test call through this trunk.
    pub test_number: Option<String>,
}
