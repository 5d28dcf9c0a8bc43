//! Validated settings of the media plane.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

/// Where audio lives on this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaSettings {
    /// Address that the ports are bound on.
    pub bind: IpAddr,
    /// Address written into SDP.
    pub address: IpAddr,
    /// Ports for RTP (even) and RTCP (odd).
    pub ports: RangeInclusive<u16>,
    /// Where all browsers reach us, one address and port for each host candidate; empty: no browser
    /// can talk.
    pub browsers: Vec<SocketAddr>,
    /// Whether calls are recorded.
    pub record: bool,
}
