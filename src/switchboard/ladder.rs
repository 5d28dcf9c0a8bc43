//! Every message of a call, in and out, repeats included: the ladder on its record.
//!
//! A call is found by the Call-ID of the message, before anybody has read it: so the first INVITE,
//! a message nobody understands and a repeat that ends in the transaction layer are all on it.
//! What one turn heard and sent becomes one entry for each call. Nobody waits for it.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;

use crate::incident::Raw;
use crate::journal::{Fact, Peer, Signal, Way};
use crate::sip::{Flow, glance};
use crate::vocabulary::{CallId, Now, limits};

use super::{Output, Switchboard, Timer};

/// Which Call-IDs belong to which call, and what this turn heard and sent.
#[derive(Debug, Default)]
pub(super) struct Ladder {
    legs: HashMap<Arc<str>, (CallId, Peer)>,
    calls: HashMap<CallId, Kept>,
    /// The message that began this turn. Its call may be born within the turn.
    heard: Option<(Flow, Bytes)>,
    turn: BTreeMap<CallId, Turn>,
}

/// What is kept of one call so far.
#[derive(Debug, Default)]
struct Kept {
    legs: Vec<Arc<str>>,
    messages: usize,
    bytes: usize,
    cut: bool,
}

#[derive(Debug, Default)]
struct Turn {
    messages: Vec<Signal>,
    cut: bool,
}

impl Ladder {
    /// How many Call-IDs are known.
    pub(super) fn len(&self) -> usize {
        self.legs.len()
    }

    pub(super) fn heard(&mut self, flow: Flow, message: &Bytes) {
        self.heard = Some((flow, message.clone()));
    }

    /// `own` is our address where a socket is bound to all of them.
    fn take(&mut self, own: IpAddr, way: Way, flow: &Flow, message: &Bytes) {
        let leg = glance::call_id(message).and_then(|id| self.legs.get(&*id));
        let Some((call, peer)) = leg else { return };
        let Some(kept) = self.calls.get_mut(call) else { return };
        if kept.cut {
            return;
        }
        let turn = self.turn.entry(*call).or_default();
        let message = glance::masked(message);
        if kept.messages >= limits::LADDER_MESSAGES
            || kept.bytes + message.len() > limits::LADDER_BYTES
        {
            kept.cut = true;
            turn.cut = true;
            return;
        }
        kept.messages += 1;
        kept.bytes += message.len();
        turn.messages.push(Signal {
            way,
            peer: peer.clone(),
            transport: flow.transport,
            local: match flow.local {
                local if local.ip().is_unspecified() => SocketAddr::new(own, local.port()),
                local => local,
            },
            remote: flow.remote,
            message: Raw(message),
        });
    }

    /// The legs of one call become another's, but for the one that stays.
    pub(super) fn hand_over(&mut self, from: CallId, to: CallId, stays: &str) {
        let Some(kept) = self.calls.get_mut(&from) else { return };
        let (stay, go): (Vec<_>, Vec<_>) =
            std::mem::take(&mut kept.legs).into_iter().partition(|leg| **leg == *stays);
        kept.legs = stay;
        for leg in &go {
            if let Some((owner, _)) = self.legs.get_mut(leg) {
                *owner = to;
            }
        }
        self.calls.entry(to).or_default().legs.extend(go);
    }

    fn forget(&mut self, call: CallId) {
        for leg in self.calls.remove(&call).map(|kept| kept.legs).unwrap_or_default() {
            // A carrier may have used the Call-ID again for its next try.
            if self.legs.get(&leg).is_some_and(|(owner, _)| *owner == call) {
                self.legs.remove(&leg);
            }
        }
    }
}

impl Switchboard {
    /// From now on messages with this Call-ID are on the ladder of `call`.
    pub(super) fn follow(&mut self, call_id: &str, call: CallId, peer: Peer) {
        let leg: Arc<str> = call_id.trim().into();
        if leg.is_empty() {
            return;
        }
        self.ladder.calls.entry(call).or_default().legs.push(Arc::clone(&leg));
        self.ladder.legs.insert(leg, (call, peer));
    }

    /// The call that a message belongs to, while it lives and for half a minute after.
    #[must_use]
    pub fn call_of(&self, message: &[u8]) -> Option<CallId> {
        let id = glance::call_id(message)?;
        self.ladder.legs.get(&*id).map(|(call, _)| *call)
    }

    /// The end of a turn: what was said goes out, and onto the ladders.
    pub(super) fn send_and_keep(&mut self, now: Now) {
        let own = self.settings.media_address;
        if let Some((flow, message)) = self.ladder.heard.take() {
            self.ladder.take(own, Way::In, &flow, &message);
        }
        while let Some(mut send) = self.endpoint.poll_send() {
            if send.flow.transport.is_secure() {
                send.server_name = self.server_name(&send.flow).map(Into::into);
            }
            self.ladder.take(own, Way::Out, &send.flow, &send.bytes);
            self.outputs.push_back(Output::Send(send));
        }
        while let Some((call, turn)) = self.ladder.turn.pop_first() {
            let Turn { messages, cut } = turn;
            self.note_ladder(now, Fact::Signalled { call, messages, cut });
        }
    }

    /// The call is over. The last responses and late repeats still come.
    pub(super) fn unfollow_later(&mut self, now: Now, call: CallId) {
        if self.ladder.calls.contains_key(&call) {
            let last = self.settings.sip.timers.t1 * 64 + limits::LADDER_LINGERS;
            self.deadlines.set(Timer::Ladder(call), now.moment.after(last));
        }
    }

    /// A BYE that waited goes out after its call is over: its response is waited for as well.
    pub(super) fn parted(&mut self, now: Now, bye: &crate::sip::Request) {
        let id = bye.headers.call_id();
        let call = id.and_then(|id| self.ladder.legs.get(id.as_str())).map(|(call, _)| *call);
        if let Some(call) = call.filter(|call| !self.calls.contains_key(call)) {
            self.unfollow_later(now, call);
        }
    }

    pub(super) fn unfollow(&mut self, call: CallId) {
        self.ladder.forget(call);
    }
}
