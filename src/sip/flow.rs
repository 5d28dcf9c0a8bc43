//! Where a message came from and where its answer goes.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::uri::{Scheme, Uri};

/// How bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// UDP: unreliable, one message a datagram.
    Udp,
    /// TCP: messages one after the other, each with a Content-Length.
    Tcp,
    /// TLS over TCP.
    Tls,
    /// WebSocket, one message a frame (RFC 7118).
    Ws,
    /// WebSocket over TLS.
    Wss,
}

impl Transport {
    /// Every one, in the order that we prefer where a carrier has no wish.
    pub const ALL: [Self; 5] = [Self::Udp, Self::Tcp, Self::Tls, Self::Ws, Self::Wss];

    /// As written in a Via.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Ws => "WS",
            Self::Wss => "WSS",
        }
    }

    /// As written in a `transport` parameter, in a listener's address and in a log. In a parameter
    /// both kinds of WebSocket are `ws` (RFC 7118 §5.2): see [`Transport::parameter`].
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Ws => "ws",
            Self::Wss => "wss",
        }
    }

    /// The transport of that word, in any case.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|transport| transport.word().eq_ignore_ascii_case(word))
    }

    /// What a URI of ours must say so that the peer comes back the same way; UDP needs no word.
    #[must_use]
    pub const fn parameter(self) -> &'static str {
        match self {
            Self::Udp => "",
            Self::Tcp => ";transport=tcp",
            Self::Tls => ";transport=tls",
            Self::Ws | Self::Wss => ";transport=ws",
        }
    }

    /// Whether it repeats what is lost, so that transactions need not (RFC 3261 §17).
    #[must_use]
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Self::Udp)
    }

    /// Whether it is encrypted.
    #[must_use]
    pub const fn is_secure(self) -> bool {
        matches!(self, Self::Tls | Self::Wss)
    }

    /// Whether browsers speak it, and who speaks it is taken for one: WebSocket (RFC 7118).
    #[must_use]
    pub const fn is_web(self) -> bool {
        matches!(self, Self::Ws | Self::Wss)
    }

    /// The port where none is written (RFC 3261 §19.1.2, RFC 7118 §5.5).
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 5060,
            Self::Tls => 5061,
            Self::Ws => 80,
            Self::Wss => 443,
        }
    }

    /// What a URI asks for: its parameter, else TLS for `sips` and nothing for `sip`.
    #[must_use]
    pub fn of_uri(uri: &Uri) -> Option<Self> {
        let secure = uri.scheme() == Scheme::Sips;
        match uri.params().get("transport").and_then(Self::read) {
            Some(Self::Tcp) if secure => Some(Self::Tls),
            Some(Self::Ws) if secure => Some(Self::Wss),
            Some(transport) => Some(transport),
            None => secure.then_some(Self::Tls),
        }
    }
}

/// One of our listening sockets and a far end. For the transports with connections this names the
/// connection, whoever opened it: `local` is always our listener, which is what we call ourselves
/// in Via and Contact.
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
        write!(f, "{}:{}", self.transport.word(), self.remote)
    }
}

/// An address that SIP is taken on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Listener {
    /// How.
    pub transport: Transport,
    /// Where.
    pub address: SocketAddr,
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.transport.word(), self.address)
    }
}
