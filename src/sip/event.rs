//! What the endpoint tells the switchboard, and what it asks of the rim: words only.

use bytes::Bytes;

use super::flow::Flow;
use super::message::{Request, Response};
use super::parse::{NotSip, Oddity};
use super::stun;

/// A request received, until its transaction is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(pub(super) u64);

/// A request sent, until its transaction is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub(super) u64);

/// What the endpoint tells the switchboard.
#[derive(Clone, Debug)]
pub enum Event {
    /// A new request, or a CANCEL of nothing that we know. An ACK that belongs to no transaction of
    /// ours is not reported.
    Request {
        /// Its transaction.
        server: ServerId,
        /// Where it came from.
        flow: Flow,
        /// The request, its topmost Via stamped with the source.
        request: Request,
        /// What was odd about it.
        oddities: Vec<Oddity>,
    },
    /// A request that cannot be handled; [`super::Endpoint::reject`] answers it.
    Unreadable {
        /// Where it came from.
        flow: Flow,
        /// What could be read of it.
        request: Request,
        /// The status that it deserves.
        code: u16,
    },
    /// The caller cancelled an INVITE that has no final response yet. The CANCEL is answered.
    Cancelled {
        /// The INVITE's transaction.
        server: ServerId,
        /// The CANCEL.
        cancel: Request,
    },
    /// The ACK of a 2xx of ours.
    Acked {
        /// The INVITE's transaction.
        server: ServerId,
        /// The ACK, which may carry an SDP answer.
        ack: Request,
    },
    /// A 2xx of ours was never acknowledged.
    Unacked {
        /// The INVITE's transaction.
        server: ServerId,
    },
    /// A response, each final one once; every further 2xx of a forked INVITE too.
    Response {
        /// The request's transaction.
        client: ClientId,
        /// Where it came from.
        flow: Flow,
        /// The response.
        response: Response,
        /// The request that it answers.
        request: Request,
    },
    /// No final response came in time.
    Timeout {
        /// The request's transaction.
        client: ClientId,
        /// The request.
        request: Request,
    },
    /// An answered INVITE of ours is over: no further 2xx of it can come.
    Over {
        /// The request's transaction.
        client: ClientId,
    },
    /// A phone keeps its way through a NAT open; [`super::Endpoint::answer_stun`] answers.
    Stun {
        /// Where it came from.
        flow: Flow,
        /// The binding request.
        binding: stun::Binding,
    },
    /// Bytes that were no SIP; nobody was answered.
    Junk {
        /// Where they came from.
        flow: Flow,
        /// Why they are none.
        why: NotSip,
        /// They themselves.
        bytes: Bytes,
    },
}

/// What the endpoint asks of the rim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Send {
    /// From which socket to whom.
    pub flow: Flow,
    /// The message.
    pub bytes: Bytes,
    /// What the far end must prove to be, where a TLS connection has to be opened for it
    /// (RFC 5922 §4): the name that was looked up; none for an address.
    pub server_name: Option<Box<str>>,
}

impl Send {
    /// A message on a flow that was named by its address.
    #[must_use]
    pub const fn new(flow: Flow, bytes: Bytes) -> Self {
        Self { flow, bytes, server_name: None }
    }
}
