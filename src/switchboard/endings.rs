//! Calls over, whatever state they were in: the phones are told, the seat is free, the ports go
//! back, the fact is kept. One way out for every ending.

use crate::acd;
use crate::call::orders::{MediaOrder, StreamCount};
use crate::call::{Side, State};
use crate::journal::{Fact, OfferOutcome};
use crate::screening::WorkOutcome;
use crate::sip::{Headers, Method, Name, Request, ServerId};
use crate::vocabulary::{CallId, Cause, Ending, Now, OfferId, Party, Stage, StreamId, limits};

use super::{Switchboard, Timer};

/// How long the media plane may take to say that a stream is closed.
const CLOSING: std::time::Duration = std::time::Duration::from_secs(2);

/// The ending that a CANCEL or BYE means, its Reason read (RFC 3326).
pub(super) fn by_peer(stage: Stage, party: Party, cause: Cause, headers: &Headers) -> Ending {
    let q850 = headers.reasons().into_iter().find(|(p, _)| p == "Q.850").map(|(_, cause)| cause);
    let (by, cause) = match (party, q850) {
        // 102: a timer of the network ran out, we were too slow.
        (Party::Caller, Some(102)) => (Party::Network, Cause::NetworkTimer),
        // 27 destination out of order, 38 network out of order, 41 temporary failure,
        // 127 interworking: the radio or the network was lost, call back first.
        (Party::Caller, Some(27 | 38 | 41 | 127)) => (Party::Network, Cause::NetworkFault),
        _ => (party, cause),
    };
    Ending { stage, by, cause, q850 }
}

/// The Reason of a CANCEL or BYE as it came, for the other side of the call.
pub(super) fn reason_of(headers: &Headers) -> Option<Box<str>> {
    let text = headers.values(&Name::Reason).join(", ");
    (!text.is_empty() && text.len() <= limits::REASON_BYTES).then(|| text.into())
}

/// The Reason of our BYE when nobody else gave one.
const fn our_reason(cause: Cause) -> &'static str {
    match cause {
        Cause::HungUp
        | Cause::Cancelled
        | Cause::Transferred
        | Cause::TestOver
        | Cause::Nuisance => "Q.850;cause=16;text=\"Normal call clearing\"",
        Cause::NotReached => "Q.850;cause=20;text=\"Subscriber absent\"",
        Cause::NetworkTimer => "Q.850;cause=102;text=\"Recovery on timer expiry\"",
        Cause::NetworkFault => "Q.850;cause=38;text=\"Network out of order\"",
        Cause::NoAck | Cause::DialogLost => LOST,
        Cause::Draining | Cause::TooManyTests | Cause::Restart | Cause::InternalFault => {
            "Q.850;cause=41;text=\"Temporary failure\""
        }
    }
}

/// On the BYE into a dialog whose peer is not there.
pub(super) const LOST: &str = "SIP;cause=408;text=\"Request Timeout\"";

impl Switchboard {
    /// The trunk cancelled its INVITE: 487, whatever we were doing.
    pub(super) fn cancelled(&mut self, now: Now, server: ServerId, cancel: &Request) {
        let known = self.invites.get(&server).and_then(|(id, _)| self.calls.get(id));
        let Some(call) = known.filter(|call| call.invite == Some(server)) else {
            // Nobody's INVITE, left by a fault of ours: it gets its 487 all the same.
            if let Some(invite) = self.endpoint.request(server) {
                let response = invite.response(487, "x");
                self.endpoint.respond(now.moment, server, response);
            }
            return;
        };
        let id = call.id;
        if let Some(call) = self.calls.get_mut(&id) {
            call.reason = reason_of(&cancel.headers);
        }
        let Some(call) = self.calls.get(&id) else { return };
        let ending = by_peer(call.stage(), Party::Caller, Cause::Cancelled, &cancel.headers);
        self.refuse_invite(now, id, 487);
        self.end(now, id, ending);
    }

    /// A peer said BYE: its dialog is gone, the other side is told.
    pub(super) fn peer_ended(&mut self, now: Now, id: CallId, side: Side, ending: Ending) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        match side {
            Side::Caller => {
                let key = call.caller.dialog.key().clone();
                self.drop_dialog(&key);
                // A BYE may come for the early dialog as well (RFC 3261 §15): the INVITE still
                // needs its final response.
                self.refuse_invite(now, id, 487);
            }
            Side::Seat | Side::Guest(_) => {
                let key = call.talk.as_ref().map(|talk| talk.leg.dialog.key().clone());
                if let Some(key) = key {
                    self.drop_dialog(&key);
                }
            }
        }
        self.end(now, id, ending);
    }

    /// Ends a call. Legs whose dialog is still known are told; the record is closed when the
    /// media plane has counted the streams.
    pub(super) fn end(&mut self, now: Now, id: CallId, ending: Ending) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        if call.is_closing() {
            return;
        }
        call.state = State::Closing(ending);
        let offers: Vec<OfferId> = call.ringing.keys().copied().collect();
        for offer in offers {
            self.offer_is_over(now, id, offer, OfferOutcome::CallerLeft, None);
        }
        self.stop_calling(now, id, 487);
        self.copies_end(now, id);
        self.clear_the_table(now, id, ending.cause == Cause::Restart, "the call ended");
        self.guest_leaves(id);
        // Whoever is not reached yet will not be: the seat has left.
        self.tried(now, id, WorkOutcome::SeatLeft);
        self.acd.handle(now.moment, acd::Input::Leave { call: id });
        // A call that we end before the answer is sent elsewhere by the trunk. A phone whose dialling
        // became a transfer has nothing to try elsewhere.
        let transferred = ending.cause == Cause::Transferred;
        self.refuse_invite(now, id, if transferred { 487 } else { 503 });
        // A program that stops cannot wait for anything.
        let at_once = ending.cause == Cause::Restart;
        self.say_bye(now, id, Side::Seat, at_once);
        self.say_bye(now, id, Side::Caller, at_once);
        for timer in [
            Timer::Journal,
            Timer::KeepRinging,
            Timer::Answer,
            Timer::Probe,
            Timer::TestOver,
            Timer::Aside,
        ] {
            self.deadlines.clear(&timer(id));
        }
        self.arriving.retain(|_, call| *call != id);
        self.unanswered.remove(&id);
        let Some(call) = self.calls.get(&id) else { return };
        let (streams, recorded) = (call.streams.clone(), call.recorded);
        for (stream, _) in &streams {
            self.media(MediaOrder::Close { stream: *stream });
        }
        if recorded {
            self.media(MediaOrder::Seal { call: id });
        }
        // The record carries the moment of the ending, not that of the count.
        self.deadlines.set(Timer::Closing(id), now.moment.after(CLOSING));
        if let Some(call) = self.calls.get_mut(&id) {
            call.ended = Some(now);
        }
        if streams.is_empty() {
            self.close(now, id);
        }
    }

    /// Gives an INVITE that is still open its final refusal. Its dialog ends with that: a BYE is
    /// for answered calls (RFC 3261 §15).
    pub(super) fn refuse_invite(&mut self, now: Now, id: CallId, code: u16) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(server) = call.invite.take() else { return };
        let key = call.caller.dialog.key().clone();
        self.drop_dialog(&key);
        self.invites.remove(&server);
        let Some(invite) = self.endpoint.request(server) else { return };
        let mut response = invite.response(code, &key.local_tag);
        if code == 503 {
            response = response.with(Name::RetryAfter, "5");
        }
        self.endpoint.respond(now.moment, server, response);
    }

    /// Ends a leg whose dialog is still known; not before the ACK of our 200 (RFC 3261 §15): a BYE
    /// that overtakes the 200 finds no dialog at the peer, and the 200 then makes one that nobody
    /// ends.
    pub(super) fn say_bye(&mut self, now: Now, id: CallId, side: Side, at_once: bool) {
        let Some(call) = self.calls.get(&id) else { return };
        let reason = match (&call.reason, call.state) {
            (Some(given), _) => given.to_string(),
            (None, State::Closing(ending)) => our_reason(ending.cause).to_owned(),
            // The call goes on without this leg.
            (None, _) => our_reason(Cause::HungUp).to_owned(),
        };
        self.say_bye_for(now, id, side, at_once, reason);
    }

    /// Ends a leg with a Reason of its own.
    pub(super) fn say_bye_for(
        &mut self,
        now: Now,
        id: CallId,
        side: Side,
        at_once: bool,
        reason: String,
    ) {
        let Some(leg) = self.calls.get_mut(&id).and_then(|call| call.leg_mut(side)) else { return };
        let (key, bye) = (leg.dialog.key().clone(), leg.dialog.request(&Method::Bye));
        let (flow, unacked) = (leg.dialog.next_hop(), leg.unacked);
        if !self.drop_dialog(&key) {
            return;
        }
        let bye = bye.with(Name::Reason, reason);
        if let Some(server) = unacked.filter(|_| !at_once) {
            return self.hold_bye(now, server, flow, bye);
        }
        self.send_bye(now, flow, bye);
    }

    /// A stream of a call is closed and counted.
    pub(super) fn stream_closed(&mut self, now: Now, stream: StreamId, count: StreamCount) {
        let Some((id, side)) = self.streams.remove(&stream) else { return };
        self.keep_quality(now, id, side);
        let Some(call) = self.calls.get_mut(&id) else { return };
        match side {
            Side::Caller => call.packets.0 += count.received,
            Side::Seat | Side::Guest(_) => call.packets.1 += count.received,
        }
        call.streams.retain(|(s, _)| *s != stream);
        let (over, left) = (call.is_closing() && call.streams.is_empty(), call.left.is_some());
        if left && side == Side::Caller {
            self.caller_is_counted(id);
        }
        if over {
            self.close(now, id);
        }
    }

    /// The last step: the call is gone and its ending is kept.
    pub(super) fn close(&mut self, now: Now, id: CallId) {
        self.deadlines.clear(&Timer::Closing(id));
        self.writers_rest(now, id, true);
        // Where the media plane has not counted a caller who has left.
        self.caller_is_counted(id);
        let Some(call) = self.calls.remove(&id) else { return };
        self.chains.forget(id);
        self.places.whereabouts.ended(now.wall, id);
        for (stream, _) in &call.streams {
            self.streams.remove(stream);
        }
        self.unfollow_later(now, id);
        let State::Closing(ending) = call.state else { return };
        if call.trunk().is_none() {
            return self.seat_call_ended(now, &call, ending);
        }
        if call.left.is_some() {
            return;
        }
        let at = call.ended.unwrap_or(now).wall;
        let (caller_packets, seat_packets) = (Some(call.packets.0), Some(call.packets.1));
        self.note_at(at, Fact::Ended { call: id, ending, caller_packets, seat_packets });
        self.settle_work(at, &call, &ending);
    }

    /// The program stops: every call is ended and kept as such.
    pub(super) fn shut_down(&mut self, now: Now) {
        self.draining = true;
        self.leave_lines(now);
        let presses: Vec<CallId> = self.presses.keys().copied().collect();
        for press in presses {
            self.drop_press(now, press);
        }
        let ids: Vec<CallId> = self.calls.keys().copied().collect();
        for id in ids {
            let Some(call) = self.calls.get(&id) else { continue };
            let ending = Ending {
                stage: call.stage(),
                by: Party::Gateway,
                cause: Cause::Restart,
                q850: None,
            };
            self.end(now, id, ending);
        }
    }
}
