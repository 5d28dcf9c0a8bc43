//! Requests received: the INVITE and the plain server transaction (RFC 3261 §17.2, RFC 6026).
//!
//! ```text
//! INVITE   Proceeding -2xx-> Accepted -64·T1-> gone          2xx sent again until the ACK
//!          Proceeding -3xx..6xx-> Completed -ACK-> Confirmed -T4-> gone     (timers G, H, I)
//! other    Trying -1xx-> Trying -final-> Completed -64·T1-> gone            (timer J)
//! ```
//!
//! Over a reliable transport only a 2xx is sent again, and nothing lingers for repeats that cannot
//! come (timer G is never, I and J are zero).

use std::net::SocketAddr;

use bytes::Bytes;

use super::matching::{MergeKey, ServerKey};
use crate::sip::flow::Flow;
use crate::sip::message::{Headers, Request};
use crate::sip::settings::Timers;
use crate::vocabulary::Moment;

/// Where a server transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// No final response yet.
    Proceeding,
    /// A 2xx to an INVITE went out; sent again until its ACK.
    Accepted {
        /// The ACK came.
        acked: bool,
    },
    /// Another final response went out.
    Completed,
    /// The ACK of a 3xx to 6xx came.
    Confirmed,
}

/// One server transaction.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub key: ServerKey,
    pub invite: bool,
    pub flow: Flow,
    /// Where responses go when the connection is gone: the sent-by of the topmost Via.
    pub elsewhere: Option<SocketAddr>,
    /// Kept until the final response, which is built from it.
    pub request: Option<Request>,
    /// To tag of the responses.
    pub tag: Box<str>,
    /// The last response, sent again when the request comes again.
    pub last: Bytes,
    pub state: State,
    /// Retransmission of the final response to an INVITE; the interval until the next.
    pub interval: std::time::Duration,
    pub resend_at: Moment,
    pub ends_at: Moment,
    /// Identity of the ACK for our 2xx: Call-ID, our tag, CSeq number.
    pub ack: Option<AckKey>,
    /// What other copies of the request would have in common with it.
    pub merge: Option<MergeKey>,
}

/// What names the ACK to a 2xx: it is a transaction of its own (RFC 3261 §13.3.1.4).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AckKey {
    pub call_id: Box<str>,
    pub tag: Box<str>,
    pub number: u32,
}

impl AckKey {
    /// The key of an ACK, or of the 2xx that it is for.
    pub fn of(headers: &Headers) -> Option<Self> {
        Some(Self {
            call_id: headers.call_id()?.into(),
            tag: headers.to()?.tag()?.into(),
            number: headers.cseq()?.number,
        })
    }
}

/// What a due timer of a server transaction asks for.
pub(crate) enum Due {
    Resend,
    /// The transaction is over.
    Over,
    /// A 2xx was never acknowledged.
    Unacked,
}

impl Server {
    /// A final or provisional response goes out.
    pub fn answered(&mut self, now: Moment, code: u16, bytes: Bytes, timers: &Timers) {
        self.last = bytes;
        if code < 200 {
            return;
        }
        self.request = None;
        let reliable = self.flow.transport.is_reliable();
        self.state = match (self.invite, code < 300) {
            (true, true) => State::Accepted { acked: false },
            _ => State::Completed,
        };
        self.ends_at = if reliable && !self.invite { now } else { now.after(timers.t1 * 64) };
        // A 2xx is repeated on every transport: its ACK may be lost on a hop that is not reliable
        // (RFC 3261 §13.3.1.4).
        if self.invite && (!reliable || code < 300) {
            self.interval = timers.t1;
            self.resend_at = now.after(timers.t1);
        }
    }

    /// The ACK of our final response came. True the first time.
    pub fn acked(&mut self, now: Moment, timers: &Timers) -> bool {
        match self.state {
            State::Completed if self.invite => {
                self.state = State::Confirmed;
                self.resend_at = Moment::NEVER;
                let reliable = self.flow.transport.is_reliable();
                self.ends_at = if reliable { now } else { now.after(timers.t4) };
                true
            }
            State::Accepted { acked: false } => {
                self.state = State::Accepted { acked: true };
                self.resend_at = Moment::NEVER;
                true
            }
            _ => false,
        }
    }

    /// The next moment that something is due.
    pub fn deadline(&self) -> Moment {
        self.resend_at.min(self.ends_at)
    }

    /// A deadline has come.
    pub fn due(&mut self, now: Moment, timers: &Timers) -> Due {
        if now >= self.ends_at {
            return match self.state {
                State::Accepted { acked: false } => Due::Unacked,
                _ => Due::Over,
            };
        }
        self.interval = (self.interval * 2).min(timers.t2);
        self.resend_at = now.after(self.interval);
        Due::Resend
    }
}
