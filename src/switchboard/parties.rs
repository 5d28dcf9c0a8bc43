//! More than two: an operator brings an agency in, a supervisor listens, whispers or takes over. The
//! caller's talk goes on all the while, whoever comes, does not answer, or leaves.
//!
//! When the operator leaves and somebody is left who talks, that one has the caller from then on.

use std::collections::VecDeque;

use crate::acd;
use crate::call::orders::{Channel, MediaOrder, Programme, Role, Then};
use crate::call::table::{self, Part, Place};
use crate::call::{Attempt, Callee, Inviting, Joined, Leg, PartyId, Side, State, Talk};
use crate::journal::{Fact, Peer};
use crate::sip::{ClientId, Flow, Request, Response};
use crate::vocabulary::{CallId, Now, limits};

use super::connect::ELSEWHERE;
use super::orders::Refusal;
use super::seat_call::Target;
use super::seat_invite::Shown;
use super::{Purpose, Switchboard, Timer};

impl Switchboard {
    // ---- who hears whom ----------------------------------------------------------------------

    /// Tells the media plane who hears whom in a call that somebody talks in. What is so already is not
    /// ordered again: an announcement would begin anew.
    pub(super) fn seat_the_table(&mut self, id: CallId) {
        let Some(call) = self.calls.get(&id).filter(|call| call.state == State::Talking) else {
            return;
        };
        let stream = |leg: &Leg| leg.media.as_ref().map(|media| media.stream);
        let caller = stream(&call.caller);
        let operator = call.talk.as_ref().and_then(|talk| stream(&talk.leg));
        let guests =
            call.parties.values().map(|party| (stream(&party.leg), Place::Guest(party.part)));
        let table: Vec<_> = [(caller, Place::Caller), (operator, Place::Operator)]
            .into_iter()
            .chain(guests)
            .filter_map(|(stream, place)| Some((stream?, place)))
            .collect();
        // The music of a guest's phone is for nobody.
        let held = call.parties.values().filter(|party| party.leg.held);
        let held: Vec<_> = held.filter_map(|party| stream(&party.leg)).collect();
        let aside = call.private || call.talk.as_ref().is_some_and(|talk| talk.leg.held);
        let on_hold = aside.then(|| self.hold_programme(id, call.private)).flatten();
        for (stream, mut whom) in table::hears(&table, call.private) {
            whom.retain(|voice| !held.contains(voice));
            let role = match &on_hold {
                Some(programme) if Some(stream) == caller => Role::Play(programme.clone()),
                _ => Role::Hear(whom.as_slice().into()),
            };
            let Some(call) = self.calls.get_mut(&id) else { return };
            if call.roles.get(&stream) != Some(&role) {
                call.roles.insert(stream, role.clone());
                self.media(MediaOrder::Role { stream, role });
            }
        }
    }

    /// What a caller hears who is put aside; none when the queue has nothing for that, so that the music
    /// of the operator's phone is heard, or silence.
    fn hold_programme(&self, id: CallId, private: bool) -> Option<Programme> {
        let queue = self.calls.get(&id)?.queue.as_ref()?;
        let announcements = self.settings.announcements.get(queue)?;
        let music = announcements.music.clone();
        if announcements.hold.is_empty() && !(private && music.is_some()) {
            return None;
        }
        let then = music.map_or(Then::Silence, Then::Music);
        Some(Programme { say: announcements.hold.as_slice().into(), then })
    }

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
        if call.parties.len() + call.inviting.len() >= limits::PARTIES {
            return not_now("as many take part as can be mixed");
        }
        let uri = crate::sip::Uri::read(format!("sip:{to}@{}", self.settings.sip.domain).as_str());
        let Some(Target::Callee(to, _)) = self.target(&uri) else {
            return not_now("write the name of a seat, or a number");
        };
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
        let party = self.next_party(id);
        let policy = to.seat().map(|seat| self.seat_audio(seat)).unwrap_or_default();
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
        let inviting = Inviting { to, part, media, attempts: Vec::new(), ways, trunk: None };
        if let Some(call) = self.calls.get_mut(&id) {
            call.inviting.insert(party, inviting);
        }
        self.deadlines.set(Timer::Join(id, party), now.moment.after(limits::CALL_OUT_RINGS));
        if !self.next_join_way(now, id, party) {
            self.join_is_over(now, id, party, 503);
        }
        Ok(party)
    }

    fn next_party(&mut self, id: CallId) -> PartyId {
        let Some(call) = self.calls.get_mut(&id) else { return PartyId(0) };
        call.next_party = call.next_party.wrapping_add(1);
        PartyId(call.next_party)
    }

    /// Gives somebody another part.
    ///
    /// # Errors
    /// Nobody of that number takes part.
    pub(super) fn set_part(
        &mut self,
        now: Now,
        id: CallId,
        party: PartyId,
        part: Part,
        by: String,
    ) -> Result<(), Refusal> {
        let call = self.calls.get_mut(&id).ok_or(Refusal::NoSuchCall(id))?;
        if let Some(inviting) = call.inviting.get_mut(&party) {
            inviting.part = part;
        } else {
            call.parties.get_mut(&party).ok_or_else(|| no_such(party))?.part = part;
        }
        self.note(now, Fact::PartyChanged { call: id, party: party.0, part, by });
        self.seat_the_table(id);
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
            self.join_is_over(now, id, party, 487);
        } else if call.parties.contains_key(&party) {
            self.party_leaves(now, id, party, &format!("removed by {by}"));
        } else {
            return Err(no_such(party));
        }
        Ok(())
    }

    /// The operator talks in private, or no more.
    ///
    /// # Errors
    /// Nobody talks.
    pub(super) fn set_private(
        &mut self,
        now: Now,
        id: CallId,
        private: bool,
        by: String,
    ) -> Result<(), Refusal> {
        let call = self.calls.get_mut(&id).ok_or(Refusal::NoSuchCall(id))?;
        if call.state != State::Talking {
            return Err(Refusal::NotNow("no operator talks in the call".to_owned()));
        }
        if std::mem::replace(&mut call.private, private) != private {
            self.note(now, Fact::PrivateTalk { call: id, private, by });
            self.seat_the_table(id);
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
        if call.calling.is_some() {
            return Err(Refusal::NotNow("the operator is transferring the caller".to_owned()));
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
            self.join_is_over(now, id, party, code);
        }
    }

    /// Nobody comes: it is told, and the talk goes on.
    pub(super) fn join_is_over(&mut self, now: Now, id: CallId, party: PartyId, code: u16) {
        self.deadlines.clear(&Timer::Join(id, party));
        let call = self.calls.get_mut(&id);
        let Some(state) = call.and_then(|call| call.inviting.remove(&party)) else { return };
        self.withdraw(now, &state.attempts, None, "");
        self.close_all(&state.media);
        self.disengage(now, id, &state.to);
        let how = format!("not reached: {code}");
        self.note(now, Fact::PartyLeft { call: id, party: party.0, how });
    }

    fn disengage(&mut self, now: Now, id: CallId, who: &Callee) {
        if let Callee::Seat(seat) = who {
            let over = acd::Input::Disengage { seat: seat.clone(), call: id };
            self.acd.handle(now.moment, over);
        }
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
            state.media.take_answer(way, &answer).is_ok()
        });
        if agreed != Some(true) {
            self.part_with(now, dialog, ELSEWHERE);
            if agreed.is_some() {
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
        let joined = Joined { who: state.to, part: state.part, leg, since: now };
        if let Some(call) = self.calls.get_mut(&id) {
            call.parties.insert(party, joined);
        }
        if let Some(aim) = aim {
            self.media(MediaOrder::Aim { stream, aim });
        }
        if self.settings.record {
            self.media(MediaOrder::Tap { stream, call: id, channel: Channel::Seat });
        }
        self.note(now, Fact::PartyJoined { call: id, party: party.0, part: state.part });
        self.seat_the_table(id);
    }

    // ---- leaving -----------------------------------------------------------------------------

    /// Somebody leaves the table; the others talk on.
    pub(super) fn party_leaves(&mut self, now: Now, id: CallId, party: PartyId, how: &str) {
        let side = Side::Guest(party);
        self.say_bye(now, id, side, false);
        self.invites.retain(|_, owner| *owner != (id, side));
        let call = self.calls.get_mut(&id);
        let Some(joined) = call.and_then(|call| call.parties.remove(&party)) else { return };
        if let Some(media) = joined.leg.media {
            self.media(MediaOrder::Close { stream: media.stream });
            if let Some(call) = self.calls.get_mut(&id) {
                call.roles.remove(&media.stream);
            }
        }
        self.disengage(now, id, &joined.who);
        self.note(now, Fact::PartyLeft { call: id, party: party.0, how: how.to_owned() });
        self.seat_the_table(id);
    }

    /// Everybody who was brought in is let go: the caller waits again, or the call is over.
    pub(super) fn clear_the_table(&mut self, now: Now, id: CallId, at_once: bool, how: &str) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        (call.private, call.roles) = (false, Default::default());
        let inviting: Vec<PartyId> = call.inviting.keys().copied().collect();
        let parties: Vec<PartyId> = call.parties.keys().copied().collect();
        for party in inviting {
            self.join_is_over(now, id, party, 487);
        }
        for party in parties {
            if at_once {
                self.say_bye(now, id, Side::Guest(party), true);
            }
            self.party_leaves(now, id, party, how);
        }
    }

    /// The operator leaves, or is gone: whoever is left that talks has the caller. False when nobody is.
    pub(super) fn succeeded(&mut self, now: Now, id: CallId) -> bool {
        let call = self.calls.get(&id).filter(|call| call.calling.is_none());
        let heirs = call.and_then(|call| {
            call.parties.iter().find(|(_, party)| party.part == Part::Talk).map(|(id, _)| *id)
        });
        let Some(heir) = heirs else { return false };
        self.succeed(now, id, heir, "");
        true
    }

    /// A party takes the operator's place.
    fn succeed(&mut self, now: Now, id: CallId, party: PartyId, by: &str) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(joined) = call.parties.remove(&party) else { return };
        // Whoever talked in private may be gone, and the caller is to hear who has them now.
        call.private = false;
        let from = call.seat(Side::Seat).cloned();
        let (was, is) = ((id, Side::Guest(party)), (id, Side::Seat));
        for (_, side) in call.streams.iter_mut().filter(|(_, side)| *side == was.1) {
            *side = Side::Seat;
        }
        self.note(now, Fact::PartyTookOver { call: id, party: party.0, by: by.to_owned() });
        if let Some(from) = from {
            let (to, attended) = (joined.who.to_string(), true);
            self.note(now, Fact::Transferred { call: id, from, to, attended });
        }
        let talk = Talk { with: joined.who, leg: joined.leg, answered: joined.since };
        let key = talk.leg.dialog.key().clone();
        let stream = talk.leg.media.as_ref().map(|media| media.stream);
        self.hand_over(now, id, talk);
        self.dialogs.insert(key, is);
        if let Some(stream) = stream {
            self.streams.insert(stream, is);
        }
        for owner in self.invites.values_mut().filter(|owner| **owner == was) {
            *owner = is;
        }
        self.seat_the_table(id);
    }
}

fn no_such(party: PartyId) -> Refusal {
    Refusal::NotNow(format!("nobody of the number {} takes part", party.0))
}
