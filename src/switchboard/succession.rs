//! Somebody leaves a call that others are in: a guest, or the operator, whose place a guest takes.
//!
//! The caller is never dropped by somebody else's leaving: whoever is left that talks has the caller, and
//! when nobody is, the caller waits again. Only an operator who has the caller alone ends a call.

use crate::acd;
use crate::call::orders::MediaOrder;
use crate::call::table::Part;
use crate::call::{Call, Callee, Joined, Origin, PartyId, Side, Talk};
use crate::journal::Fact;
use crate::vocabulary::{CallId, Now, Party};

use super::Switchboard;

impl Switchboard {
    // ---- a guest -----------------------------------------------------------------------------

    /// Somebody leaves the table; the others talk on.
    pub(super) fn party_leaves(&mut self, now: Now, id: CallId, party: PartyId, how: &str) {
        let side = Side::Guest(party);
        self.say_bye(now, id, side, false);
        self.invites.retain(|_, owner| *owner != (id, side));
        let call = self.calls.get_mut(&id);
        let Some(joined) = call.and_then(|call| call.parties.remove(&party)) else { return };
        if let Some(media) = joined.leg.media {
            self.media(MediaOrder::Close { stream: media.stream });
        }
        self.forget_heard(id, side);
        self.disengage(now, id, &joined.who);
        self.note(now, Fact::PartyLeft { call: id, party: party.0, how: how.to_owned() });
        self.seat_the_table(now, id);
        self.chain_gone(now, id, party, None);
        self.operator_is_alone(now, id);
    }

    /// Everybody who was brought in is let go: the call is over.
    pub(super) fn clear_the_table(&mut self, now: Now, id: CallId, at_once: bool, how: &str) {
        self.dismiss(now, id, at_once, how, |_| true);
    }

    /// The operator is gone, and with them those who were there for the operator.
    pub(super) fn dismiss_who_does_not_talk(&mut self, now: Now, id: CallId, how: &str) {
        self.dismiss(now, id, false, how, |part| part != Part::Talk);
    }

    fn dismiss(&mut self, now: Now, id: CallId, at_once: bool, how: &str, whom: fn(Part) -> bool) {
        self.cut_chain(now, id, how);
        let Some(call) = self.calls.get(&id) else { return };
        let inviting = call.inviting.iter().filter(|(_, it)| whom(it.part));
        let inviting: Vec<PartyId> = inviting.map(|(party, _)| *party).collect();
        let parties = call.parties.iter().filter(|(_, it)| whom(it.part));
        let parties: Vec<PartyId> = parties.map(|(party, _)| *party).collect();
        for party in inviting {
            self.join_is_over(now, id, party, how, None);
        }
        for party in parties {
            if at_once {
                self.say_bye(now, id, Side::Guest(party), true);
            }
            self.party_leaves(now, id, party, how);
        }
    }

    // ---- who had the caller ------------------------------------------------------------------

    /// Whoever had the caller has hung up, and the call is not theirs to end.
    pub(super) fn caller_is_left(&mut self, now: Now, id: CallId) {
        let talk = self.calls.get(&id).and_then(|call| call.talk.as_ref());
        let by = talk.map(|talk| talk.with.to_string()).unwrap_or_default();
        if self.succeeded(now, id) {
            return;
        }
        let detail = format!("{by} hung up, who had the caller alone; call {id} waits again");
        self.alarm(now, "caller-left", detail);
        self.wait_again(now, id, None, format!("{by} hung up"));
    }

    /// The operator leaves, or is gone: whoever is left that talks has the caller. False when nobody is.
    pub(super) fn succeeded(&mut self, now: Now, id: CallId) -> bool {
        if self.ends_without_caller(now, id) {
            return true;
        }
        let Some(heir) = self.calls.get(&id).and_then(|call| heir(call)) else { return false };
        self.succeed(now, id, heir, "");
        true
    }

    /// A party takes the operator's place.
    pub(super) fn succeed(&mut self, now: Now, id: CallId, party: PartyId, by: &str) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(joined) = call.parties.remove(&party) else { return };
        let side = call.operator_side();
        let from = call.seat(side).cloned();
        let (was, is) = ((id, Side::Guest(party)), (id, side));
        for (_, side) in call.streams.iter_mut().filter(|(_, side)| *side == was.1) {
            *side = is.1;
        }
        self.note(now, Fact::PartyTookOver { call: id, party: party.0, by: by.to_owned() });
        self.chain_took_over(now, id, party, by);
        if joined.who.seat().is_none() {
            self.cut_chain(now, id, "no operator is in the call any more");
        }
        if let Some(from) = from {
            let (to, attended) = (joined.who.to_string(), true);
            self.note(now, Fact::Transferred { call: id, from, to, attended });
        }
        self.forget_heard(id, was.1);
        let key = joined.leg.dialog.key().clone();
        let stream = joined.leg.media.as_ref().map(|media| media.stream);
        if side == Side::Caller {
            self.hand_over_dialled(now, id, joined);
        } else {
            // To a number that was given the caller the call is, like after any transfer.
            let heir = by.is_empty() && joined.who.seat().is_none();
            let talk = Talk { with: joined.who, leg: joined.leg, answered: joined.since, heir };
            self.hand_over(now, id, talk);
        }
        self.dialogs.insert(key, is);
        if let Some(stream) = stream {
            self.streams.insert(stream, is);
        }
        for owner in self.invites.values_mut().filter(|owner| **owner == was) {
            *owner = is;
        }
        // Who has talked to a guest alone was no longer listened to.
        self.lend_an_ear(id, Side::Caller);
        self.seat_the_table(now, id);
    }

    /// The seat that dialled leaves those together whom it has brought together: who is called back, and
    /// the agency.
    fn hand_over_dialled(&mut self, now: Now, id: CallId, joined: Joined) {
        self.say_bye(now, id, Side::Caller, false);
        self.invites.retain(|_, owner| *owner != (id, Side::Caller));
        let Some(call) = self.calls.get_mut(&id) else { return };
        let left = std::mem::replace(&mut call.origin, Origin::Dialled(joined.who));
        let (was, held) = (std::mem::replace(&mut call.caller, joined.leg), call.caller.held);
        if let Some(media) = was.media {
            self.media(MediaOrder::Close { stream: media.stream });
        }
        let by = Party::Caller;
        if was.held {
            self.note(now, Fact::Resumed { call: id, by });
        }
        if held {
            self.note(now, Fact::Held { call: id, by });
        }
        if let Origin::Dialled(who) = left {
            self.disengage(now, id, &who);
        }
        self.no_more_private(now, id);
        self.tap_caller_again(id);
    }

    pub(super) fn disengage(&mut self, now: Now, id: CallId, who: &Callee) {
        if let Callee::Seat(seat) = who {
            let over = acd::Input::Disengage { seat: seat.clone(), call: id };
            self.acd.handle(now.moment, over);
        }
    }
}

/// Who has the caller next: of those who talk a seat before a number, who is heard before who is not,
/// and who came first.
fn heir(call: &Call) -> Option<PartyId> {
    let talks = call.parties.iter().filter(|(_, it)| it.part == Part::Talk);
    let rank =
        |(party, it): &(&PartyId, &Joined)| (it.who.seat().is_none(), !it.is_heard(), **party);
    talks.min_by_key(rank).map(|(party, _)| *party)
}
