//! Where a message came from and where its answer goes.

use std::fmt;
use std::net::SocketAddr;

/// How bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// UDP: unreliable, one message a datagram.
    Udp,
}

impl Transport {
    /// As written in a Via.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
        }
    }
}

/// One of our listening sockets and a far end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// How.
    pub transport: Transport,
    /// Our socket.
    pub local: SocketAddr,
    /// The far end.
    pub remote: SocketAddr,
}

impl Flow {
    /// The same socket of ours towards another far end.
    #[must_use]
    pub const fn towards(self, remote: SocketAddr) -> Self {
        Self { remote, ..self }
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.transport.as_str().to_ascii_lowercase(), self.remote)
    }
}
