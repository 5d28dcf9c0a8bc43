//! Validated settings of the SIP room.

use std::net::IpAddr;
use std::time::Duration;

use super::digest::{Algorithm, Credential};
use super::flow::Listener;
use super::session_timer::Terms;
use crate::vocabulary::SeatId;

/// How the SIP side speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SipSettings {
    /// Addresses that SIP is taken on.
    pub listen: Vec<Listener>,
    /// Our domain: the digest realm and the host of our own URIs.
    pub domain: String,
    /// Address written into Contact and Via instead of the listener's, behind NAT.
    pub external_address: Option<IpAddr>,
    /// User-Agent and Server.
    pub user_agent: String,
    /// Timer base values.
    pub timers: Timers,
    /// Challenges that are sent, best first. A phone that knows only MD5 should skip the others
    /// (RFC 8760 §2.4), but some refuse the whole response.
    pub digest: Vec<Algorithm>,
    /// Registration lifetimes.
    pub expires: Expires,
    /// Whether 180 is sent reliably to who can take it, not only to who insists (RFC 3262).
    pub reliable_provisionals: bool,
    /// Session timers.
    pub session: Terms,
    /// The phones of the seats.
    pub accounts: Vec<Account>,
}

/// The base values of RFC 3261 table 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// Round-trip estimate, 500 ms.
    pub t1: Duration,
    /// Longest retransmission interval of non-INVITE requests and 2xx, 4 s.
    pub t2: Duration,
    /// Longest life of a message in the network, 5 s.
    pub t4: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
        }
    }
}

/// Registration lifetimes in seconds (RFC 3261 §10.3 step 7). Short by default: after a restart, or
/// when a phone lost its power, the centre knows its seats again within minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expires {
    /// Below it 423 with Min-Expires.
    pub min: u32,
    /// Given when the phone asks for none.
    pub default: u32,
    /// The most that is given.
    pub max: u32,
}

impl Default for Expires {
    fn default() -> Self {
        Self { min: 60, default: 120, max: 300 }
    }
}

/// The SIP account of one seat's phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Whose phone.
    pub seat: SeatId,
    /// Name and password hashes.
    pub credential: Credential,
}
