//! A seat gives its caller to somebody else by REFER: blind (RFC 3515), or to whom it talks
//! already (Replaces in the Refer-To, RFC 3891). The caller is never lost by a transfer that fails:
//! while it is tried the seat keeps the call, and when the seat has left, the caller waits again at
//! the old place.

use crate::acd;
use crate::call::orders::{Channel, MediaOrder};
use crate::call::table::Part;
use crate::call::{Callee, Errand, Joined, PartyId, Side, State, Talk};
use crate::journal::Fact;
use crate::sip::dialog::DialogKey;
use crate::sip::refer::{ReferTo, Replaces, fragment, wants_notice};
use crate::sip::{ClientId, Method, Name, Request, ServerId};
use crate::vocabulary::{CallId, Cause, Ending, Now, Party, QueueId, SeatId, Stage, StreamId};

use super::inbound::ticket;
use super::seat_call::Target;
use super::{Purpose, Switchboard, Timer};

impl Switchboard {
    /// A REFER within a dialog.
    pub(super) fn refer(
        &mut self,
        now: Now,
        server: ServerId,
        request: &Request,
        id: CallId,
        side: Side,
    ) {
        match self.referred(now, server, request, id, side) {
            Ok(()) => {}
            Err(code) => self.refuse(now, server, request, code),
        }
    }

    /// Carries out a REFER.
    ///
    /// # Errors
    /// The status that it is refused with; nothing was changed.
    fn referred(
        &mut self,
        now: Now,
        server: ServerId,
        request: &Request,
        id: CallId,
        side: Side,
    ) -> Result<(), u16> {
        let call = self.calls.get(&id).ok_or(481u16)?;
        // Carriers do not send our callers elsewhere, nor does whoever was called out.
        let from = call.seat(side).cloned().ok_or(403u16)?;
        let to = ReferTo::of(request).map_err(|_| 400u16)?;
        let told = wants_notice(&request.headers);
        if call.left.is_some() {
            // There is no caller any more who could be given to anybody.
            return Err(403);
        }
        if let Some(replaces) = &to.replaces {
            let (call, other) = self.pair(id, side, &from, replaces)?;
            self.accept(now, server, request, told);
            return self.bring_together(now, (id, side), &from, call, other, told);
        }
        // Only the caller of an emergency can be sent on.
        if call.trunk().is_none() || side != Side::Seat {
            return Err(403);
        }
        if call.calling.is_some() {
            return Err(491);
        }
        match self.target(&to.uri).ok_or(404u16)? {
            Target::Queue(queue) => {
                self.accept(now, server, request, told);
                self.tell(now, id, 200, told);
                self.back_to_queue(now, id, &from, queue);
            }
            Target::Callee(to, phone) => {
                let errand = Errand::Transfer { from, told };
                // A call that is begun is told of after the REFER's own answer.
                self.call_out(now, id, (to, phone), errand)?;
                self.accept(now, server, request, told);
                self.tell(now, id, 100, told);
            }
        }
        Ok(())
    }

    fn accept(&mut self, now: Now, server: ServerId, request: &Request, told: bool) {
        let mut response = request.response(202, "");
        if !told {
            response = response.with(Name::ReferSub, "false");
        }
        self.endpoint.respond(now.moment, server, response);
    }

    // ---- how it goes -------------------------------------------------------------------------

    /// Tells the seat how its transfer goes (RFC 3515 §2.4.4); a final status ends the telling.
    pub(super) fn tell(&mut self, now: Now, id: CallId, code: u16, told: bool) {
        if told {
            self.tell_side(now, id, Side::Seat, code);
        }
    }

    fn tell_side(&mut self, now: Now, id: CallId, side: Side, code: u16) {
        let leg = self.calls.get_mut(&id).and_then(|call| call.leg_mut(side));
        let Some(leg) = leg.filter(|leg| self.dialogs.contains_key(leg.dialog.key())) else {
            return;
        };
        let state = if code < 200 { "active;expires=60" } else { "terminated;reason=noresource" };
        let flow = leg.dialog.next_hop();
        let mut notify = leg
            .dialog
            .request(&Method::Notify)
            .with(Name::Event, "refer")
            .with(Name::SubscriptionState, state)
            .with(Name::ContentType, "message/sipfrag;version=2.0");
        notify.body = fragment(code).into();
        let notify = notify.with(Name::Contact, self.contact(&flow));
        self.send(now, flow, notify, Purpose::Notify { call: id });
    }

    /// A NOTIFY was answered: one that is refused ends the telling (RFC 6665 §4.2.2).
    pub(super) fn notified(&mut self, client: ClientId, id: CallId, code: u16) {
        self.clients.remove(&client);
        let calling = self.calls.get_mut(&id).and_then(|call| call.calling.as_mut());
        if let Some(calling) = calling
            && code >= 300
            && let Errand::Transfer { told, .. } = &mut calling.errand
        {
            *told = false;
        }
    }

    // ---- the seat leaves ---------------------------------------------------------------------

    /// The seat hangs up while its transfer is tried, as many phones do: the caller hears that it
    /// rings, or goes on talking with who was brought in.
    pub(super) fn left_behind(&mut self, now: Now, id: CallId) {
        self.let_go(now, id);
        self.acd.handle(now.moment, acd::Input::Leave { call: id });
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.state = State::Calling;
        self.seat_the_table(now, id);
    }

    /// The caller waits again, at the old place, in the call's queue or another one; with those who
    /// were brought in to talk.
    pub(super) fn wait_again(
        &mut self,
        now: Now,
        id: CallId,
        queue: Option<QueueId>,
        rule: String,
    ) {
        if self.ends_without_caller(now, id) {
            return;
        }
        self.dismiss_who_does_not_talk(now, id, "the caller waits again");
        self.let_go(now, id);
        let first = self.settings.queues.first().map(|queue| queue.id.clone());
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.state = State::Waiting;
        // New settings may have dropped the queue while somebody talked.
        let own = call.queue.clone().filter(|queue| self.acd.has_queue(queue));
        let queue = queue.or(own).or(first).unwrap_or_else(|| "".into());
        call.queue = Some(queue.clone());
        let (priority, answer, wants) = (call.priority, call.answer, call.wants.clone());
        let ticket = ticket(call);
        self.entertain(now, id);
        self.seat_the_table(now, id);
        self.note(now, Fact::Queued { call: id, queue, rule, priority, answer, wants });
        self.acd.handle(now.moment, acd::Input::Leave { call: id });
        if let Some(ticket) = ticket {
            self.acd.handle(now.moment, acd::Input::Wait(ticket));
        }
    }

    fn back_to_queue(&mut self, now: Now, id: CallId, from: &SeatId, queue: QueueId) {
        let to = queue.to_string();
        self.note(now, Fact::Transferred { call: id, from: from.clone(), to, attended: false });
        self.wait_again(now, id, Some(queue), format!("transferred by {from}"));
    }

    // ---- attended ----------------------------------------------------------------------------

    /// The emergency call and the other call of an attended transfer: the seat has a leg in both.
    fn pair(
        &self,
        id: CallId,
        side: Side,
        from: &SeatId,
        replaces: &Replaces,
    ) -> Result<(CallId, CallId), u16> {
        // The tags are the replaced dialog's as its target sees them: the first is ours. Some phones
        // write them from their own side.
        let find = |ours: &str, theirs: &str| {
            let key =
                DialogKey { call_id: replaces.call_id.as_str().into(), local_tag: ours.into() };
            let (id, side) = self.dialogs.get(&key).copied()?;
            let leg = self.calls.get(&id)?.leg(side)?;
            (leg.dialog.remote_tag() == theirs).then_some((id, side))
        };
        let (other, other_side) = find(&replaces.to_tag, &replaces.from_tag)
            .or_else(|| find(&replaces.from_tag, &replaces.to_tag))
            .ok_or(481u16)?;
        if other == id {
            // A call cannot take the place of itself.
            return Err(400);
        }
        let named = |id: CallId, side: Side| {
            let call = self.calls.get(&id)?;
            (call.seat(side) == Some(from)).then_some((call, side))
        };
        let (Some((here, _)), Some((there, _))) = (named(id, side), named(other, other_side))
        else {
            return Err(403);
        };
        let emergency =
            |call: &crate::call::Call, side| call.trunk().is_some() && side == Side::Seat;
        let dialled =
            |call: &crate::call::Call, side| call.trunk().is_none() && side == Side::Caller;
        let pair = if emergency(here, side) && dialled(there, other_side) {
            (id, other)
        } else if dialled(here, side) && emergency(there, other_side) {
            (other, id)
        } else {
            return Err(403);
        };
        let busy = self.calls.get(&pair.0).is_some_and(|call| call.calling.is_some());
        let usable = self
            .calls
            .get(&pair.1)
            .is_some_and(|call| matches!(call.state, State::Talking | State::Calling));
        match (busy, usable) {
            (true, _) => Err(491),
            (_, false) => Err(481),
            _ => Ok(pair),
        }
    }

    /// The caller of one call and whoever the seat talks to, or rings, in the other.
    fn bring_together(
        &mut self,
        now: Now,
        asked_in: (CallId, Side),
        from: &SeatId,
        id: CallId,
        other: CallId,
        told: bool,
    ) -> Result<(), u16> {
        // From now on the target's messages are on the emergency call's ladder.
        let own = self.calls.get(&other).map(|call| call.caller.dialog.key().call_id.clone());
        self.ladder.hand_over(other, id, &own.unwrap_or_default());
        let talk = self.calls.get_mut(&other).and_then(|call| call.talk.take());
        match talk {
            Some(talk) => {
                if told {
                    self.tell_side(now, asked_in.0, asked_in.1, 200);
                }
                self.adopt_guests(now, id, other, from);
                self.adopt_talk(now, id, other, from, talk);
            }
            None => self.adopt_ringing(now, id, other, from, told),
        }
        let ending = Ending {
            stage: Stage::Talking,
            by: Party::Seat,
            cause: Cause::Transferred,
            q850: None,
        };
        self.end(now, other, ending);
        Ok(())
    }

    fn adopt_talk(&mut self, now: Now, id: CallId, other: CallId, from: &SeatId, talk: Talk) {
        self.dialogs.insert(talk.leg.dialog.key().clone(), (id, Side::Seat));
        if let Some(media) = &talk.leg.media {
            self.move_stream(media.stream, other, (id, Side::Seat));
        }
        if let Callee::Seat(seat) = &talk.with {
            let over = acd::Input::Disengage { seat: seat.clone(), call: other };
            self.acd.handle(now.moment, over);
        }
        let to = talk.with.to_string();
        self.note(now, Fact::Transferred { call: id, from: from.clone(), to, attended: true });
        self.hand_over(now, id, talk);
        // What the leg has still to acknowledge comes here from now on.
        for owner in self.invites.values_mut().filter(|owner| **owner == (other, Side::Seat)) {
            *owner = (id, Side::Seat);
        }
        self.bridge(now, id);
    }

    /// The target still rings: it is called for the emergency call from now on.
    fn adopt_ringing(&mut self, now: Now, id: CallId, other: CallId, from: &SeatId, told: bool) {
        let calling = self.calls.get_mut(&other).and_then(|call| call.calling.take());
        let Some(mut calling) = calling else { return };
        calling.errand = Errand::Transfer { from: from.clone(), told };
        for attempt in calling.attempts.iter().filter(|a| a.failed.is_none()) {
            self.clients.insert(attempt.client, Purpose::CallOut { call: id });
        }
        for stream in calling.media.streams() {
            self.move_stream(stream, other, (id, Side::Seat));
        }
        if let Some(at) = self.deadlines.get(&Timer::CallOut(other)) {
            self.deadlines.clear(&Timer::CallOut(other));
            self.deadlines.clear(&Timer::Silence(other));
            self.deadlines.set(Timer::CallOut(id), at);
        }
        if let Callee::Seat(seat) = calling.to.clone() {
            self.acd.handle(now.moment, acd::Input::Engage { seat: seat.clone(), call: id });
            self.acd.handle(now.moment, acd::Input::Disengage { seat, call: other });
        }
        let (to, why) = (calling.to.to_string(), from.to_string());
        self.note(now, Fact::CalledOut { call: id, to, why });
        if let Some(call) = self.calls.get_mut(&id) {
            call.calling = Some(calling);
        }
        self.tell(now, id, 100, told);
    }

    /// Whoever talks with the target goes along, as far as there is room: nobody who talks is dropped by
    /// the transfer of another.
    fn adopt_guests(&mut self, now: Now, id: CallId, other: CallId, from: &SeatId) {
        let Some(call) = self.calls.get(&other) else { return };
        let talk = call.parties.iter().filter(|(_, joined)| joined.part == Part::Talk);
        let talk: Vec<PartyId> = talk.map(|(party, _)| *party).collect();
        for old in talk {
            let Some(new) = self.next_party(id) else { return };
            let call = self.calls.get_mut(&other);
            let Some(joined) = call.and_then(|call| call.parties.remove(&old)) else { return };
            let (was, is) = ((other, Side::Guest(old)), (id, Side::Guest(new)));
            self.dialogs.insert(joined.leg.dialog.key().clone(), is);
            for owner in self.invites.values_mut().filter(|owner| **owner == was) {
                *owner = is;
            }
            if let Some(media) = &joined.leg.media {
                self.move_stream(media.stream, other, is);
                if self.settings.record {
                    let (stream, channel) = (media.stream, Channel::Seat);
                    self.media(MediaOrder::Tap { stream, call: id, channel });
                }
            }
            if let Callee::Seat(seat) = &joined.who {
                self.acd.handle(now.moment, acd::Input::Engage { seat: seat.clone(), call: id });
            }
            self.disengage(now, other, &joined.who);
            self.tell_move(now, was, (id, new), &joined, from);
            if let Some(call) = self.calls.get_mut(&id) {
                call.parties.insert(new, joined);
            }
        }
    }

    /// They leave one call and are in the other as they were.
    fn tell_move(
        &mut self,
        now: Now,
        (other, side): (CallId, Side),
        (call, new): (CallId, PartyId),
        joined: &Joined,
        from: &SeatId,
    ) {
        let Side::Guest(PartyId(old)) = side else { return };
        let (PartyId(party), part, muted, by) = (new, joined.part, joined.muted, from.to_string());
        let how = format!("transferred to call {call}");
        self.note(now, Fact::PartyLeft { call: other, party: old, how });
        let to = joined.who.to_string();
        self.note(now, Fact::PartyInvited { call, party, to, part, by: by.clone() });
        self.note(now, Fact::PartyJoined { call, party, part });
        if muted {
            self.note(now, Fact::PartyChanged { call, party, part, muted, by });
        }
        if joined.leg.held {
            self.note(now, Fact::PartyHeld { call, party, held: true });
        }
    }

    fn move_stream(&mut self, stream: StreamId, from: CallId, (to, side): (CallId, Side)) {
        self.streams.insert(stream, (to, side));
        if let Some(call) = self.calls.get_mut(&from) {
            call.streams.retain(|(moved, _)| *moved != stream);
        }
        if let Some(call) = self.calls.get_mut(&to) {
            call.streams.push((stream, side));
        }
    }
}
