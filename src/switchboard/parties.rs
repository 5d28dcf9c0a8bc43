//! More than two: an operator brings an agency in, a supervisor listens, whispers or takes over. The
//! caller's talk goes on all the while, whoever comes or does not answer.
//!
//! Who hears whom is in `table`, what becomes of the call when somebody leaves in `succession`.

use std::collections::VecDeque;
use std::time::Duration;

use crate::acd;
use crate::call::orders::{Channel, MediaOrder};
use crate::call::table::Part;
use crate::call::{Attempt, Callee, Inviting, Joined, Leg, PartyId, Side, State};
use crate::journal::{Fact, Peer};
use crate::sip::session_timer;
use crate::sip::{ClientId, Flow, Request, Response};
use crate::vocabulary::{CallId, Now, limits};

use super::connect::ELSEWHERE;
use super::orders::Refusal;
use super::seat_call::Target;
use super::seat_invite::Shown;
use super::{Purpose, Switchboard, Timer};

impl Switchboard {
    // ---- orders ------------------------------------------------------------------------------

    /// Brings somebody into a call.
    ///
    /// # Errors
    /// Why not; nothing was changed.
    pub(super) fn join(
        &mut self,
        now: Now,
        id: CallId,
        (to, part): (&str, Part),
        by: String,
    ) -> Result<PartyId, Refusal> {
        let not_now = |why: &str| Err(Refusal::NotNow(why.to_owned()));
        let call = self.calls.get(&id).ok_or(Refusal::NoSuchCall(id))?;
        if call.state != State::Talking || self.draining {
            return not_now("nobody can be brought into a call that no operator talks in");
        }
        let uri = crate::sip::Uri::read(format!("sip:{to}@{}", self.settings.sip.domain).as_str());
        let Some(Target::Callee(to, _)) = self.target(&uri) else {
            return not_now("write the name of a seat, or a number");
        };
        self.join_callee(now, id, (to, part, limits::CALL_OUT_RINGS), by)
    }

    /// The same for somebody who is known, and rings for so long.
    ///
    /// # Errors
    /// Why not; nothing was changed.
    pub(super) fn join_callee(
        &mut self,
        now: Now,
        id: CallId,
        (to, part, rings): (Callee, Part, Duration),
        by: String,
    ) -> Result<PartyId, Refusal> {
        let not_now = |why: &str| Err(Refusal::NotNow(why.to_owned()));
        let ways = match &to {
            Callee::Seat(seat) => match self.may_ring(seat) {
                Ok(()) => VecDeque::new(),
                Err(480) => return not_now("the seat has no phone that could ring"),
                Err(_) => return not_now("the seat is busy with a call"),
            },
            Callee::Number(number) => match self.ways_out(number) {
                Ok(ways) => ways,
                Err(_) => return not_now("no trunk has a line to call out by that is up"),
            },
        };
        if !self.has_ports_to_spare() {
            return not_now("all audio ports are needed for callers; try again in a moment");
        }
        let Some(party) = self.next_party(id) else {
            return not_now("as many take part as can be mixed");
        };
        let policy = self.callee_audio(&to, &ways);
        let phones = to.seat().map(|seat| self.registrar.targets(seat, None)).unwrap_or_default();
        let side = Side::Guest(party);
        let Some(media) = self.open_ring_media(now, id, side, &policy, &phones) else {
            return not_now("no audio port is ready; try again in a moment");
        };
        if let Callee::Seat(seat) = &to {
            self.acd.handle(now.moment, acd::Input::Engage { seat: seat.clone(), call: id });
        }
        let name = to.to_string();
        self.note(now, Fact::PartyInvited { call: id, party: party.0, to: name, part, by });
        let inviting =
            Inviting { to, part, muted: false, media, attempts: Vec::new(), ways, trunk: None };
        if let Some(call) = self.calls.get_mut(&id) {
            call.inviting.insert(party, inviting);
        }
        self.deadlines.set(Timer::Join(id, party), now.moment.after(rings));
        if !self.next_join_way(now, id, party) {
            self.not_reached(now, id, party, 503);
        }
        Ok(party)
    }

    /// The number of whoever comes next; none when no more can be mixed, or told apart on the record.
    pub(super) fn next_party(&mut self, id: CallId) -> Option<PartyId> {
        let call = self.calls.get_mut(&id)?;
        let room = call.parties.len() + call.inviting.len() < limits::PARTIES;
        call.next_party = call.next_party.checked_add(1).filter(|_| room)?;
        Some(PartyId(call.next_party))
    }

    /// Gives somebody another part, or takes their voice away or gives it back.
    ///
    /// # Errors
    /// Nobody of that number takes part.
    pub(super) fn set_part(
        &mut self,
        now: Now,
        id: CallId,
        party: PartyId,
        (part, muted): (Option<Part>, Option<bool>),
        by: String,
    ) -> Result<(), Refusal> {
        let call = self.calls.get_mut(&id).ok_or(Refusal::NoSuchCall(id))?;
        let here = call.parties.get_mut(&party).map(|it| (&mut it.part, &mut it.muted));
        let rings = call.inviting.get_mut(&party).map(|it| (&mut it.part, &mut it.muted));
        let (own_part, own_muted) = here.or(rings).ok_or_else(|| no_such(party))?;
        *own_part = part.unwrap_or(*own_part);
        *own_muted = muted.unwrap_or(*own_muted);
        let (part, muted) = (*own_part, *own_muted);
        self.note(now, Fact::PartyChanged { call: id, party: party.0, part, muted, by });
        self.seat_the_table(now, id);
        Ok(())
    }

    /// Lets somebody go who takes part, or is being called.
    ///
    /// # Errors
    /// Nobody of that number takes part.
    pub(super) fn remove_party(
        &mut self,
        now: Now,
        id: CallId,
        party: PartyId,
        by: &str,
    ) -> Result<(), Refusal> {
        let call = self.calls.get(&id).ok_or(Refusal::NoSuchCall(id))?;
        if call.inviting.contains_key(&party) {
            self.join_is_over(now, id, party, &format!("called no longer by {by}"), None);
        } else if call.parties.contains_key(&party) {
            self.party_leaves(now, id, party, &format!("removed by {by}"));
        } else {
            return Err(no_such(party));
        }
        Ok(())
    }

    /// Somebody who takes part becomes the operator; who was is let go.
    ///
    /// # Errors
    /// Nobody of that number takes part.
    pub(super) fn guest_takes_over(
        &mut self,
        now: Now,
        id: CallId,
        party: PartyId,
        by: &str,
    ) -> Result<(), Refusal> {
        let call = self.calls.get(&id).ok_or(Refusal::NoSuchCall(id))?;
        if !call.parties.contains_key(&party) {
            return Err(no_such(party));
        }
        let not_now = |why: &str| Err(Refusal::NotNow(why.to_owned()));
        if call.calling.is_some() {
            return not_now("the operator is transferring the caller");
        }
        if call.left.is_some() {
            return not_now("the caller has hung up");
        }
        if call.state != State::Talking {
            return not_now("no operator talks in the call");
        }
        self.succeed(now, id, party, by);
        Ok(())
    }

    // ---- being called ------------------------------------------------------------------------

    /// Tries the phones of the seat, or the next way to the number. False when nothing is left.
    fn next_join_way(&mut self, now: Now, id: CallId, party: PartyId) -> bool {
        let codec = self.codec_of_caller(id);
        let Some(call) = self.calls.get_mut(&id) else { return false };
        let Some(state) = call.inviting.get_mut(&party) else { return false };
        let (to, first) = (state.to.clone(), state.attempts.is_empty());
        let way = state.ways.pop_front();
        let policy = way.as_ref().map(|(trunk, _)| self.trunk_audio(trunk));
        let Some(state) = self.calls.get_mut(&id).and_then(|call| call.inviting.get_mut(&party))
        else {
            return false;
        };
        policy.iter().for_each(|policy| state.media.set_policy(policy));
        state.media.offer(codec);
        let media = state.media.clone();
        let tag = self.dice.token();
        let Some(call) = self.calls.get(&id) else { return false };
        let mut invites: Vec<(Flow, Request, Option<String>, Peer)> = Vec::new();
        match (&to, way) {
            (Callee::Seat(seat), _) if first => {
                for phone in &self.registrar.targets(seat, None) {
                    let Some(sdp) = media.said(&phone.flow) else { continue };
                    let invite = self.seat_invite(&Shown::of(call), seat, phone, &tag, sdp);
                    let peer = Peer::Seat(seat.clone());
                    invites.push((phone.flow, invite, phone.instance.clone(), peer));
                }
            }
            (Callee::Number(number), Some((trunk, flow))) => {
                let Some(sdp) = media.said(&flow) else { return false };
                let invite = self.number_invite(call, (&trunk, &flow), number, &tag, sdp);
                // A new configuration may have dropped the trunk.
                let Some(invite) = invite else { return self.next_join_way(now, id, party) };
                invites.push((flow, invite, None, Peer::Trunk(trunk.clone())));
                let call = self.calls.get_mut(&id);
                if let Some(state) = call.and_then(|call| call.inviting.get_mut(&party)) {
                    state.trunk = Some(trunk);
                }
            }
            _ => return false,
        }
        let any = !invites.is_empty();
        for (flow, invite, instance, peer) in invites {
            self.follow(&invite.headers.call_id().unwrap_or_default(), id, peer);
            let client = self.send(now, flow, invite, Purpose::Join { call: id, party });
            let call = self.calls.get_mut(&id);
            if let Some(state) = call.and_then(|call| call.inviting.get_mut(&party)) {
                state.attempts.push(Attempt { client, flow, instance, failed: None });
            }
        }
        any
    }

    /// The same way is tried again where the refusal says how: a longer session interval, or
    /// credentials. False when it does not.
    pub(super) fn joined_again(
        &mut self,
        now: Now,
        client: ClientId,
        (id, party): (CallId, PartyId),
        request: &Request,
        response: &Response,
    ) -> bool {
        let state = self.calls.get(&id).and_then(|call| call.inviting.get(&party));
        let Some(state) = state else { return false };
        let attempt = state.attempts.iter().find(|attempt| attempt.client == client);
        let Some(flow) = attempt.map(|attempt| attempt.flow) else { return false };
        let trunk = state.trunk.clone();
        let again = match response.code {
            422 => session_timer::again(request, &response.headers),
            401 | 407 => self.authorized(trunk.as_ref(), request, response),
            _ => None,
        };
        let Some(invite) = again else { return false };
        let second = self.send(now, flow, invite, Purpose::Join { call: id, party });
        self.clients.remove(&client);
        let state = self.calls.get_mut(&id).and_then(|call| call.inviting.get_mut(&party));
        for attempt in state.into_iter().flat_map(|state| &mut state.attempts) {
            if attempt.client == client {
                attempt.client = second;
            }
        }
        true
    }

    /// A try came to nothing.
    pub(super) fn join_fails(
        &mut self,
        now: Now,
        (id, party): (CallId, PartyId),
        client: ClientId,
        code: u16,
    ) {
        self.clients.remove(&client);
        let call = self.calls.get_mut(&id);
        let Some(state) = call.and_then(|call| call.inviting.get_mut(&party)) else { return };
        for attempt in state.attempts.iter_mut().filter(|attempt| attempt.client == client) {
            attempt.failed = Some(code);
        }
        if state.attempts.iter().any(|attempt| attempt.failed.is_none()) {
            return;
        }
        // The next way may do better only where this one failed as a way (RFC 3263 §4.3).
        let again = matches!(code, 408 | 500 | 502..=504) && self.next_join_way(now, id, party);
        if !again {
            self.not_reached(now, id, party, code);
        }
    }

    /// Nobody has answered in time.
    pub(super) fn join_rings_out(&mut self, now: Now, id: CallId, party: PartyId) {
        self.not_reached(now, id, party, 408);
    }

    fn not_reached(&mut self, now: Now, id: CallId, party: PartyId, code: u16) {
        self.join_is_over(now, id, party, &format!("not reached: {code}"), Some(code));
    }

    /// Nobody comes: it is told, and the talk goes on.
    pub(super) fn join_is_over(
        &mut self,
        now: Now,
        id: CallId,
        party: PartyId,
        how: &str,
        status: Option<u16>,
    ) {
        self.deadlines.clear(&Timer::Join(id, party));
        let call = self.calls.get_mut(&id);
        let Some(state) = call.and_then(|call| call.inviting.remove(&party)) else { return };
        self.withdraw(now, &state.attempts, None, "");
        self.close_all(&state.media);
        self.disengage(now, id, &state.to);
        self.note(now, Fact::PartyLeft { call: id, party: party.0, how: how.to_owned() });
        self.chain_gone(now, id, party, status);
        self.operator_is_alone(now, id);
    }

    /// Somebody who was called has answered.
    pub(super) fn join_answers(
        &mut self,
        now: Now,
        (id, party): (CallId, PartyId),
        client: ClientId,
        flow: Flow,
        request: &Request,
        response: &Response,
    ) {
        let Some(dialog) = self.acknowledge(client, flow, request, response) else {
            return self.join_fails(now, (id, party), client, 400);
        };
        let answer = self.described(client, &dialog, response);
        let call = self.calls.get_mut(&id);
        let state = call.and_then(|call| call.inviting.get_mut(&party));
        let agreed = state.map(|state| {
            let way = Attempt::way(&state.attempts, client);
            let seat = state.to.seat().cloned();
            state.media.take_answer(way, &answer).map_err(|why| (seat, why))
        });
        if !matches!(agreed, Some(Ok(_))) {
            self.part_with(now, dialog, ELSEWHERE);
            if let Some(Err((seat, why))) = agreed {
                self.tell_unusable(now, id, seat, flow, &why);
                self.join_fails(now, (id, party), client, 488);
            }
            return;
        }
        let least = request.headers.number(&crate::sip::Name::MinSe).unwrap_or(0);
        self.sessions.agreed(now.moment, dialog.key(), &response.headers, least);
        self.deadlines.clear(&Timer::Join(id, party));
        let call = self.calls.get_mut(&id);
        let Some(state) = call.and_then(|call| call.inviting.remove(&party)) else { return };
        self.withdraw(now, &state.attempts, Some(client), ELSEWHERE);
        let winner = state.attempts.into_iter().find(|attempt| attempt.client == client);
        let dialog = match state.to {
            Callee::Seat(_) => dialog,
            // A carrier may answer from another of its machines, and says so in its Contact.
            Callee::Number(_) => dialog.unpinned(),
        };
        self.dialogs.insert(dialog.key().clone(), (id, Side::Guest(party)));
        let way = winner.as_ref().map(|attempt| attempt.flow);
        let Some(media) = self.won(state.media, way) else { return };
        let (stream, aim) = (media.stream, media.aim());
        let instance = winner.and_then(|attempt| attempt.instance);
        let leg = Leg { instance, ..Leg::new(dialog, Some(media)) };
        let Inviting { to: who, part, muted, .. } = state;
        let joined = Joined { who, part, muted, leg, since: now };
        if let Some(call) = self.calls.get_mut(&id) {
            call.parties.insert(party, joined);
        }
        if let Some(aim) = aim {
            self.media(MediaOrder::Aim { stream, aim });
        }
        if self.settings.record {
            self.media(MediaOrder::Tap { stream, call: id, channel: Channel::Seat });
        }
        self.note(now, Fact::PartyJoined { call: id, party: party.0, part });
        self.lend_an_ear(id, Side::Guest(party));
        self.seat_the_table(now, id);
        self.chain_answered(now, id, party);
    }
}

fn no_such(party: PartyId) -> Refusal {
    Refusal::NotNow(format!("nobody of the number {} takes part", party.0))
}
