//! One SIP message of a call, as it was heard or sent.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::incident::Raw;
use crate::sip::Transport;
use crate::vocabulary::{SeatId, TrunkId};

/// One message; its time is that of the entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// Which way it went.
    pub way: Way,
    /// With whom.
    pub peer: Peer,
    /// How.
    pub transport: Transport,
    /// Our socket.
    pub local: SocketAddr,
    /// The far end.
    pub remote: SocketAddr,
    /// The message, whole; credentials and keys are masked.
    pub message: Raw,
}

/// The direction of a message, seen from the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// Received.
    In,
    /// Sent.
    Out,
}

impl Way {
    /// The word for it in records.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }
}

/// The far end of a leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Peer {
    /// A carrier.
    Trunk(TrunkId),
    /// A phone of a seat.
    Seat(SeatId),
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trunk(trunk) => write!(f, "trunk {trunk}"),
            Self::Seat(seat) => write!(f, "{seat}"),
        }
    }
}
