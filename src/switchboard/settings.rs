//! Everything that the switchboard decides by; adopted whole or not at all.

use crate::acd::settings::{QueueSettings, SeatSettings};
use crate::incident::settings::{Category, Kecamatan};
use crate::routing::settings::Rule;
use crate::sip::settings::SipSettings;
use crate::trunk::settings::{Centre, TrunkSettings};

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
    /// Whether calls are recorded.
    pub record: bool,
    /// Carriers.
    pub trunks: Vec<TrunkSettings>,
    /// Routing, highest priority first.
    pub rules: Vec<Rule>,
    /// Queues.
    pub queues: Vec<QueueSettings>,
    /// Seats.
    pub seats: Vec<SeatSettings>,
    /// Kinds of emergency.
    pub categories: Vec<Category>,
    /// The regency's sub-districts.
    pub places: Vec<Kecamatan>,
}
