//! Requests sent: the INVITE and the plain client transaction (RFC 3261 §17.1, RFC 6026).
//!
//! ```text
//! INVITE   Calling -1xx-> Proceeding -2xx-> Accepted -64·T1-> gone
//!          Calling, Proceeding -3xx..6xx-> Completed -32 s-> gone          (timers A, B, D, M)
//! other    Trying -1xx-> Proceeding -final-> Completed -T4-> gone          (timers E, F, K)
//! ```
//!
//! Over a reliable transport nothing is sent again, and nothing lingers for repeats that cannot come
//! (timers A and E are never, D and K zero).

use bytes::Bytes;

use crate::sip::flow::Flow;
use crate::sip::message::{Headers, Method, Request, Response};
use crate::sip::name::Name;
use crate::sip::settings::Timers;
use crate::sip::uri::Uri;
use crate::vocabulary::Moment;

/// Where a client transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing heard.
    Calling,
    /// A provisional response came.
    Proceeding,
    /// A 2xx to an INVITE came; more of them are acknowledged.
    Accepted,
    /// Another final response came; repeats are absorbed.
    Completed,
}

/// Whether an INVITE is to be cancelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cancel {
    No,
    /// As soon as a provisional response came (RFC 3261 §9.1); with this Reason.
    Wanted(String),
    Sent,
}

/// One client transaction.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub branch: Box<str>,
    pub method: Method,
    pub flow: Flow,
    pub request: Request,
    pub bytes: Bytes,
    pub state: State,
    pub cancel: Cancel,
    pub interval: std::time::Duration,
    pub resend_at: Moment,
    pub ends_at: Moment,
    /// UDP, when this request went out over TCP only for its length.
    pub fallback: Option<Flow>,
    /// Our ACK and the To tag it is for, sent again for each repeated final response.
    pub ack: Option<(Box<str>, Bytes, Flow)>,
}

/// What a due timer of a client transaction asks for.
pub(crate) enum Due {
    Resend,
    /// No final response came in time.
    Timeout,
    /// The transaction is over.
    Over,
}

impl Client {
    /// A request that goes out now.
    pub fn new(
        now: Moment,
        branch: Box<str>,
        flow: Flow,
        request: Request,
        timers: &Timers,
    ) -> Self {
        let mut client = Self {
            branch,
            method: request.method.clone(),
            flow,
            bytes: Bytes::new(),
            request: request.clone(),
            state: State::Calling,
            cancel: Cancel::No,
            interval: timers.t1,
            resend_at: Moment::NEVER,
            ends_at: Moment::NEVER,
            fallback: None,
            ack: None,
        };
        client.go(now, flow, request, timers);
        client
    }

    /// Goes out, for the first time or again another way.
    pub fn go(&mut self, now: Moment, flow: Flow, request: Request, timers: &Timers) {
        self.flow = flow;
        self.bytes = request.to_bytes();
        self.request = request;
        self.interval = timers.t1;
        let reliable = flow.transport.is_reliable();
        self.resend_at = if reliable { Moment::NEVER } else { now.after(timers.t1) };
        self.ends_at = now.after(timers.t1 * 64);
    }

    pub fn is_invite(&self) -> bool {
        self.method == Method::Invite
    }

    /// A response of `code` came.
    pub fn heard(&mut self, now: Moment, code: u16, timers: &Timers) {
        let invite = self.is_invite();
        match (self.state, code) {
            (State::Calling | State::Proceeding, 0..200) => {
                self.state = State::Proceeding;
                if invite {
                    // An INVITE that is being handled may ring for as long as its owner lets it.
                    self.resend_at = Moment::NEVER;
                    if self.cancel == Cancel::No {
                        self.ends_at = Moment::NEVER;
                    }
                } else if !self.flow.transport.is_reliable() {
                    self.interval = timers.t2;
                    self.resend_at = now.after(timers.t2);
                }
            }
            (State::Calling | State::Proceeding, _) => {
                self.state = if invite && code < 300 { State::Accepted } else { State::Completed };
                self.resend_at = Moment::NEVER;
                // Over a reliable transport no response comes twice; more 2xx of forks may.
                let lingers = self.state == State::Accepted || !self.flow.transport.is_reliable();
                self.ends_at = match (lingers, invite) {
                    (false, _) => now,
                    (true, true) => now.after(timers.t1 * 64),
                    (true, false) => now.after(timers.t4),
                };
            }
            (State::Accepted | State::Completed, _) => {}
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
                State::Calling | State::Proceeding => Due::Timeout,
                State::Accepted | State::Completed => Due::Over,
            };
        }
        self.interval *= 2;
        if !self.is_invite() {
            self.interval = self.interval.min(timers.t2);
        }
        self.resend_at = now.after(self.interval);
        Due::Resend
    }
}

/// ACK and CANCEL go the way of their INVITE: same Request-URI, topmost Via, Call-ID, From,
/// Route and CSeq number (RFC 3261 §9.1, §17.1.1.3).
pub(crate) fn same_hop(invite: &Request, method: &Method) -> Request {
    let mut request = Request::new(method.clone(), Uri::read(invite.uri.as_str()));
    for (name, value) in invite.headers.iter() {
        match name {
            Name::Via | Name::From | Name::To | Name::CallId | Name::Route | Name::MaxForwards => {
                request.headers.push(name.clone(), value.clone());
            }
            Name::CSeq => {
                let number = invite.headers.cseq().map_or(1, |c| c.number);
                request.headers.push(Name::CSeq, format!("{number} {method}"));
            }
            _ => {}
        }
    }
    request
}

/// The ACK of a final response other than 2xx (RFC 3261 §17.1.1.3).
pub(crate) fn ack_of_failure(invite: &Request, response: &Response) -> Request {
    let mut ack = same_hop(invite, &Method::Ack);
    if let Some(to) = response.headers.first(&Name::To) {
        let mut headers = Headers::default();
        for (name, value) in ack.headers.iter() {
            let value = if *name == Name::To { to } else { value };
            headers.push(name.clone(), value.clone());
        }
        ack.headers = headers;
    }
    ack
}
