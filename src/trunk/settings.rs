//! The validated profile of one carrier, and of the centre it serves.

use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use jiff::tz::TimeZone;

use super::number_plan::Prefix;
use crate::incident::IdentityHeader;
use crate::sip::Uri;
use crate::sip::digest::{Credential, OutgoingAccount};
use crate::sip::locate::Target;
use crate::vocabulary::{AnswerMode, AudioPolicy, TrunkId};

/// The centre: what it is called and which dialled forms mean "emergency here".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Centre {
    /// Shown in the test call and to operators.
    pub name: String,
    /// National area code with its trunk prefix, e.g. `0328`.
    pub area_code: String,
    /// Dialled forms: digits, or a service URN whose `.*` means any child.
    pub dialled: Vec<String>,
    /// The zone that hours, days and dates of the configuration are of.
    pub timezone: TimeZone,
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
    /// Whose network it is, and how its identities are to be read.
    pub callers: CallerRules,
    /// Overrides the queue's answer mode.
    pub answer: Option<AnswerMode>,
    /// What its network does with audio before the answer.
    pub early_media: EarlyMedia,
    /// Digits that reach the test call through this trunk.
    pub test_number: Option<String>,
    /// How it is reached by us; none for a carrier that only calls.
    pub line: Option<Arc<LineSettings>>,
    /// A trunk that is never silent for so long: an alarm is kept when it is.
    pub quiet_alarm: Option<Duration>,
    /// How audio travels to and from it.
    pub audio: AudioPolicy,
}

/// How a trunk's callers are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallerRules {
    /// The network that its callers are in, as people call it.
    pub network: Option<String>,
    /// Headers that may name the caller, the first one first. Empty: the usual order of a trunk that
    /// is trusted or not.
    pub order: Vec<IdentityHeader>,
    /// What beginnings mean that have no certain reading.
    pub prefixes: Vec<Prefix>,
}

impl TrunkSettings {
    /// Headers that may name the caller, in the order in which they are believed.
    #[must_use]
    pub fn identity_order(&self) -> &[IdentityHeader] {
        use IdentityHeader::{Asserted, From, RemoteParty};
        match self.callers.order.as_slice() {
            [] if self.trust_identity => &[Asserted, RemoteParty, From],
            [] => &[RemoteParty, From, Asserted],
            order => order,
        }
    }
}

/// The outgoing side of a trunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineSettings {
    /// The carrier's address as configured, e.g. `sip:sbc.telco-a.example;transport=tls`.
    pub uri: Uri,
    /// What of it decides where it is.
    pub target: Target,
    /// Whether we register there, so that its calls come to us.
    pub register: bool,
    /// Our account there.
    pub account: Option<OutgoingAccount>,
    /// User part of our own address there.
    pub from_user: String,
    /// The number shown on calls that we make, e.g. `0328112`.
    pub caller_id: Option<String>,
    /// How often each of its addresses is asked with OPTIONS; none: never.
    pub probe: Option<Duration>,
}

/// What a carrier's network does with audio before the answer (183 with SDP).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EarlyMedia {
    /// Nothing that can be relied on: the caller hears the network's own ring-back tone.
    #[default]
    No,
    /// The caller hears us.
    Heard,
    /// The caller hears us, and we hear the caller.
    Both,
}
