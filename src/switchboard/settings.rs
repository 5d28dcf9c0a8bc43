//! Everything that the switchboard decides by; adopted whole or not at all.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use crate::acd::settings::{QueueSettings, SeatSettings};
use crate::callout::settings::CalloutSettings;
use crate::incident::settings::{Category, Kecamatan, LocationSettings};
use crate::routing::settings::Rule;
use crate::screening::settings::ScreeningSettings;
use crate::sip::settings::SipSettings;
use crate::trunk::settings::{Centre, TrunkSettings};
use crate::vocabulary::{AudioPolicy, Fingerprint, PromptId, QueueId, SeatId, TrunkId};

/// One adopted configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwitchboardSettings {
    /// The centre.
    pub centre: Centre,
    /// This node's fully qualified name, the maker of our identifiers (NENA i3 form).
    pub node: String,
    /// SIP.
    pub sip: SipSettings,
    /// Address written into SDP.
    pub media_address: std::net::IpAddr,
    /// What browsers need to reach us.
    pub browser: BrowserMedia,
    /// Whether calls are recorded.
    pub record: bool,
    /// Trunks that lead to outside recorders, which get a copy of each recorded call.
    pub recorders: Vec<TrunkId>,
    /// Carriers.
    pub trunks: Vec<TrunkSettings>,
    /// Routing, highest priority first.
    pub rules: Vec<Rule>,
    /// Queues.
    pub queues: Vec<QueueSettings>,
    /// What callers hear who wait, by queue.
    pub announcements: BTreeMap<QueueId, Announcements>,
    /// How callers are screened.
    pub screening: ScreeningSettings,
    /// Seats.
    pub seats: Vec<SeatSettings>,
    /// How audio travels to a seat, where it differs from the usual.
    pub seat_audio: BTreeMap<SeatId, AudioPolicy>,
    /// Kinds of emergency.
    pub categories: Vec<Category>,
    /// The regency's sub-districts.
    pub places: Vec<Kecamatan>,
    /// Who is called out, and in which order.
    pub callout: CalloutSettings,
    /// What is known of where calls come from.
    pub location: LocationSettings,
}

/// What our descriptions tell of the port that all browsers share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrowserMedia {
    /// Its addresses, one host candidate each (RFC 8445 §5.1.1.1); empty: no browser can talk.
    pub candidates: Vec<SocketAddr>,
    /// SHA-256 of our certificate, which DTLS-SRTP of every kind shows; none: no DTLS. The media plane
    /// makes it at its start.
    pub certificate: Option<Fingerprint>,
}

/// What a caller hears who waits in a queue. Nothing of it delays an operator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Announcements {
    /// Prompts that would be said and have no file, with the event: for whoever keeps them.
    pub missing: Vec<(PromptId, &'static str)>,
    /// Once, at the beginning.
    pub welcome: Vec<PromptId>,
    /// The same for callers whose telephone reads; empty: nothing.
    pub welcome_text: String,
    /// Again and again.
    pub wait: Vec<PromptId>,
    /// How long from the end of one to the beginning of the next.
    pub again: Duration,
    /// Between them; without any the ring-back tone.
    pub music: Option<PromptId>,
    /// Where the centre wants it: the place in the queue, told before each `wait` after the first.
    pub position: Option<Position>,
    /// Whether callers of whom nothing is heard are asked for a sign.
    pub screen: Screen,
    /// The two prompts that ask for it.
    pub silence: [Vec<PromptId>; 2],
    /// How long a caller is listened to before the first of them, and after each.
    pub listen: Duration,
    /// What a caller hears who is put aside in a talk, before the music.
    pub hold: Vec<PromptId>,
    /// People are told when a caller is put aside for so long; zero: never.
    pub hold_alarm: Duration,
    /// What a caller hears who is refused unless a key is pressed.
    pub refused: Vec<PromptId>,
}

impl Announcements {
    /// Whether there is any reason to let callers hear us before the answer.
    #[must_use]
    pub fn say_anything(&self) -> bool {
        let says = !self.welcome.is_empty() || !self.wait.is_empty();
        says || self.music.is_some() || self.screen != Screen::Never
    }
}

/// How a place in the queue is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// "Your place in the queue is".
    pub before: PromptId,
    /// One, two, three, …; places beyond are not told.
    pub numbers: Vec<PromptId>,
}

/// When callers are listened to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Screen {
    /// Never.
    #[default]
    Never,
    /// While they wait anyway: it costs nobody a moment.
    WhileWaiting,
    /// Before a seat rings, for the time of both prompts at most.
    First,
}
