//! Is the other side still there? Each answered dialog is asked every minute with OPTIONS
//! (RFC 3261 §11); any answer but 408 and 481 is a sign of life (§12.2.1.2).
//!
//! A BYE that was lost must not keep a seat for ever, and a phone that lost its power must not cost
//! the caller the call: the caller goes back into the queue, at the old place.

use crate::call::Side;
use crate::sip::{ClientId, Method, Name, Request};
use crate::vocabulary::{CallId, Cause, Ending, Now, Party, limits};

use super::departed::dialog_of;
use super::endings::LOST;
use super::{Purpose, Switchboard, Timer};

impl Switchboard {
    /// Starts asking, once the caller's INVITE is answered.
    pub(super) fn watch(&mut self, now: Now, id: CallId) {
        self.deadlines.set(Timer::Probe(id), now.moment.after(limits::PROBE_EVERY));
    }

    /// Asks both sides that are answered.
    pub(super) fn probe(&mut self, now: Now, id: CallId) {
        let Some(call) = self.calls.get(&id) else { return };
        if call.is_closing() {
            return;
        }
        let caller = call.invite.is_none() && call.caller.unacked.is_none() && call.left.is_none();
        let seat = call.talk.is_some();
        for side in call.sides() {
            let asked = match side {
                Side::Caller => caller,
                Side::Seat => seat,
                Side::Guest(_) => true,
            };
            let leg = self.calls.get_mut(&id).and_then(|call| call.leg_mut(side));
            if let Some(leg) = leg.filter(|_| asked) {
                let flow = leg.dialog.next_hop();
                let options = leg.dialog.request(&Method::Options);
                let options = options.with(Name::Accept, "application/sdp");
                self.send(now, flow, options, Purpose::Probe);
            }
        }
        self.watch(now, id);
    }

    /// A question was answered with `code`, or not at all (408).
    pub(super) fn probed(&mut self, now: Now, client: ClientId, options: &Request, code: u16) {
        self.clients.remove(&client);
        // Of a dialog that is over meanwhile: another seat may have taken the call.
        let known = dialog_of(options).and_then(|key| self.dialogs.get(&key).copied());
        let Some((id, side)) = known else { return };
        match code {
            // Some phones know the dialog and deny it to every OPTIONS: a change is asked for before
            // the call is given up.
            481 if self.refresh(now, id, side, true) => {}
            408 | 481 => self.dialog_lost(now, id, side),
            _ => {}
        }
    }

    /// The peer of an answered dialog is gone.
    pub(super) fn dialog_lost(&mut self, now: Now, id: CallId, side: Side) {
        let Some(call) = self.calls.get(&id).filter(|call| !call.is_closing()) else { return };
        match side {
            Side::Guest(party) => {
                self.say_bye_for(now, id, side, true, LOST.to_owned());
                self.party_leaves(now, id, party, "vanished");
            }
            Side::Seat if call.trunk().is_some() => self.seat_lost(now, id),
            Side::Caller | Side::Seat => {
                let (stage, of_operator) = (call.stage(), side == call.operator_side());
                self.say_bye_for(now, id, side, true, LOST.to_owned());
                if of_operator && self.succeeded(now, id) {
                    return;
                }
                let (by, cause) = (Party::Network, Cause::DialogLost);
                let ending = Ending { stage, by, cause, q850: None };
                if side == Side::Caller && self.caller_leaves(now, id, ending) {
                    return;
                }
                self.end(now, id, ending);
            }
        }
    }

    /// The operator's phone is gone: the caller is offered to the next seat.
    fn seat_lost(&mut self, now: Now, id: CallId) {
        let Some(call) = self.calls.get(&id) else { return };
        let Some(talk) = call.talk.as_ref() else { return };
        let with = talk.with.to_string();
        self.alarm(now, "seat-lost", format!("{with} vanished while it talked in call {id}"));
        self.say_bye_for(now, id, Side::Seat, true, LOST.to_owned());
        // The transfer that it wished goes on.
        if self.calls.get(&id).is_some_and(|call| call.calling.is_some()) {
            return self.left_behind(now, id);
        }
        if self.succeeded(now, id) {
            return;
        }
        self.wait_again(now, id, None, format!("{with} vanished while it talked"));
    }
}
