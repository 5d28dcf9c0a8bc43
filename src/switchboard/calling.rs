//! Somebody is called beside the queues: a seat dials, a seat transfers its caller, or a caller has
//! waited too long. The first to answer wins; whoever cannot be reached costs the caller nothing.

use std::collections::VecDeque;

use crate::acd::{self, SeatState};
use crate::call::orders::MediaOrder;
use crate::call::{Attempt, Call, Callee, Calling, Errand, Leg, LegMedia, Side, State, Talk};
use crate::journal::{Fact, OfferOutcome, Peer};
use crate::sip::digest::authorize;
use crate::sip::message::SUPPORTED;
use crate::sip::session_timer;
use crate::sip::{ClientId, Dialog, Flow, Method, Name, Request, Response, Scheme, Uri};
use crate::trunk::settings::TrunkSettings;
use crate::vocabulary::{CallId, Now, OfferId, Party, SeatId, TrunkId, limits};

use super::callback::as_call_back;
use super::connect::ELSEWHERE;
use super::inbound::ALLOW;
use super::inbound::ticket;
use super::seat_invite::Shown;
use super::{Purpose, Switchboard, Timer};

impl Switchboard {
    // ---- begin -------------------------------------------------------------------------------

    /// Begins to call somebody for a call.
    ///
    /// # Errors
    /// The SIP status that says why nobody can be called; nothing was changed.
    pub(super) fn call_out(
        &mut self,
        now: Now,
        id: CallId,
        (to, phone): (Callee, Option<String>),
        errand: Errand,
    ) -> Result<(), u16> {
        let Some(call) = self.calls.get(&id).filter(|call| !call.is_closing()) else {
            return Err(481);
        };
        if call.calling.is_some() {
            return Err(491);
        }
        let ways = match &to {
            Callee::Seat(seat) => self.may_ring(seat).map(|()| VecDeque::new())?,
            // A call that circles between centres comes to an end here (RFC 3261 §16.3).
            Callee::Number(_) if call.hops_onward().is_none_or(|hops| hops == 0) => {
                return Err(483);
            }
            Callee::Number(number) => self.ways_out(number)?,
        };
        // Callers of 112 come first.
        if errand == Errand::Dialled && !self.has_ports_to_spare() {
            return Err(503);
        }
        let policy = self.callee_audio(&to, &ways);
        let phones = to.seat().map(|seat| self.registrar.targets(seat, phone.as_deref()));
        let media =
            self.ports_for_offer(now, id, &policy, &phones.unwrap_or_default()).ok_or(503u16)?;
        let why = match &errand {
            Errand::Dialled => None,
            Errand::Overflow => Some("overflow".to_owned()),
            Errand::Transfer { from, .. } => Some(from.to_string()),
        };
        if let Some(why) = why {
            self.note(now, Fact::CalledOut { call: id, to: to.to_string(), why });
        }
        if let Callee::Seat(seat) = &to {
            self.acd.handle(now.moment, acd::Input::Engage { seat: seat.clone(), call: id });
        }
        let attempts = Vec::new();
        let (trunk, rang, diverted) = (None, false, false);
        let calling = Calling { to, phone, errand, media, attempts, ways, trunk, rang, diverted };
        if let Some(call) = self.calls.get_mut(&id) {
            call.calling = Some(calling);
        }
        self.next_way(now, id);
        Ok(())
    }

    /// Whether a seat may be rung beside the queues: not in the middle of an emergency call.
    pub(super) fn may_ring(&self, seat: &SeatId) -> Result<(), u16> {
        match self.acd.state(seat) {
            None => Err(404),
            _ if self.registrar.phones(seat).is_empty() => Err(480),
            Some(
                SeatState::Offered
                | SeatState::Ringing
                | SeatState::Talking
                | SeatState::Hold
                | SeatState::Engaged,
            ) => Err(486),
            Some(_) => Ok(()),
        }
    }

    /// The ways out to a number, best first: through every trunk that takes calls. To somebody at a
    /// host, as a neighbouring centre is, only through the trunk that leads there.
    pub(super) fn ways_out(&self, number: &str) -> Result<VecDeque<(TrunkId, Flow)>, u16> {
        let host = number.split_once('@').map(|(_, host)| host);
        let leads_there = |trunk: &&TrunkSettings| {
            let target = trunk.line.as_ref().map(|line| line.target.host.as_str());
            host.is_none_or(|host| target.is_some_and(|t| t.eq_ignore_ascii_case(host)))
        };
        let ways: VecDeque<_> = self
            .trunks
            .iter()
            .filter(leads_there)
            .filter(|trunk| !self.settings.recorders.contains(&trunk.id))
            .flat_map(|trunk| {
                let id = trunk.id.clone();
                self.trunk_hops(&id).into_iter().map(move |flow| (id.clone(), flow))
            })
            .collect();
        if ways.is_empty() { Err(503) } else { Ok(ways) }
    }

    /// Tries the phones of the seat, or the next way to the number. False when nothing is left.
    fn next_way(&mut self, now: Now, id: CallId) -> bool {
        let codec = self.codec_of_caller(id);
        let calling = self.calls.get_mut(&id).and_then(|call| call.calling.as_mut());
        let way = calling.and_then(|calling| calling.ways.pop_front());
        let policy = way.as_ref().map(|(trunk, _)| self.trunk_audio(trunk));
        let Some(calling) = self.calls.get_mut(&id).and_then(|call| call.calling.as_mut()) else {
            return false;
        };
        policy.iter().for_each(|policy| calling.media.set_policy(policy));
        calling.media.offer(codec);
        let media = calling.media.clone();
        let (to, phone) = (calling.to.clone(), calling.phone.clone());
        let Some(call) = self.calls.get(&id) else { return false };
        let mut invites: Vec<(Flow, Request, Option<String>)> = Vec::new();
        let tag = self.dice.token();
        match (&to, way) {
            (Callee::Seat(seat), _)
                if call.calling.as_ref().is_some_and(|c| c.attempts.is_empty()) =>
            {
                for phone in &self.registrar.targets(seat, phone.as_deref()) {
                    let Some(sdp) = media.said(&phone.flow) else { continue };
                    let invite = self.seat_invite(&Shown::of(call), seat, phone, &tag, sdp);
                    invites.push((phone.flow, invite, phone.instance.clone()));
                }
            }
            (Callee::Number(number), Some((trunk, flow))) => {
                let Some(sdp) = media.said(&flow) else { return false };
                let invite = self.number_invite(call, (&trunk, &flow), number, &tag, sdp);
                // A new configuration may have dropped the trunk.
                let Some(invite) = invite else { return self.next_way(now, id) };
                invites.push((flow, invite, None));
                if let Some(calling) = self.calls.get_mut(&id).and_then(|c| c.calling.as_mut()) {
                    calling.trunk = Some(trunk);
                    // What another way has said of the number does not count here.
                    (calling.rang, calling.diverted) = (false, false);
                }
            }
            _ => return false,
        }
        self.deadlines.set(Timer::CallOut(id), now.moment.after(limits::CALL_OUT_RINGS));
        self.deadlines.set(Timer::Silence(id), now.moment.after(limits::CALL_OUT_SILENCE));
        for (flow, invite, instance) in invites {
            let peer =
                match (&to, self.calls.get(&id).and_then(|c| c.calling.as_ref()?.trunk.clone())) {
                    (_, Some(trunk)) => Peer::Trunk(trunk),
                    (Callee::Seat(seat), None) => Peer::Seat(seat.clone()),
                    (Callee::Number(_), None) => return false,
                };
            self.follow(&invite.headers.call_id().unwrap_or_default(), id, peer);
            let client = self.send(now, flow, invite, Purpose::CallOut { call: id });
            let calling = self.calls.get_mut(&id).and_then(|call| call.calling.as_mut());
            if let Some(calling) = calling {
                calling.attempts.push(Attempt { client, flow, instance, failed: None });
            }
        }
        true
    }

    /// Our INVITE to a number, as the carrier wants it: our own number calls, the dialled number is
    /// the user at the carrier's host (RFC 3261 §19.1.6). None for a trunk that is no more.
    pub(super) fn number_invite(
        &self,
        call: &Call,
        (trunk, flow): (&TrunkId, &Flow),
        number: &str,
        tag: &str,
        sdp: bytes::Bytes,
    ) -> Option<Request> {
        let line = self.trunks.get(trunk)?.line.as_ref()?;
        let domain = &self.settings.sip.domain;
        let host = line.target.host_port();
        let own = line.caller_id.as_deref().unwrap_or(&line.from_user);
        let from = if line.register { &host } else { domain };
        let uri = match number.split_once('@') {
            Some((user, _)) => format!("sip:{user}@{host}"),
            None => format!("sip:{number}@{host};user=phone"),
        };
        let mut invite = Request::new(Method::Invite, Uri::read(&uri))
            .with(Name::From, format!("<sip:{own}@{from};user=phone>;tag={tag}"))
            .with(Name::To, format!("<{uri}>"))
            .with(Name::CallId, format!("{}-{tag}@{domain}", call.id))
            .with(Name::CSeq, "1 INVITE")
            .with(Name::MaxForwards, call.hops_onward().unwrap_or(0).to_string())
            .with(Name::Contact, self.contact(flow))
            .with(Name::PAssertedIdentity, format!("<sip:{own}@{domain};user=phone>"))
            .with(Name::Allow, ALLOW)
            .with(Name::Supported, SUPPORTED)
            .with(Name::ContentType, "application/sdp");
        invite.body = sdp;
        if call.callback.is_some() {
            invite = as_call_back(invite);
        }
        Some(session_timer::offer(invite, &self.settings.sip.session))
    }

    // ---- what they say -----------------------------------------------------------------------

    /// Somebody who is called rings: a seat that dialled hears it.
    pub(super) fn called_rings(&mut self, now: Now, id: CallId) {
        if self.calls.get(&id).is_some_and(|call| call.trunk().is_none()) {
            self.ringing_response(now, id);
        }
    }

    /// Somebody who is called has answered.
    pub(super) fn called_answers(
        &mut self,
        now: Now,
        id: CallId,
        client: ClientId,
        flow: Flow,
        request: &Request,
        response: &Response,
    ) {
        let Some(dialog) = self.acknowledge(client, flow, request, response) else {
            return self.called_fails(now, id, client, 400);
        };
        let answer = self.described(client, &dialog, response);
        let calling = self.calls.get_mut(&id).and_then(|call| call.calling.as_mut());
        let agreed = calling.map(|calling| {
            let way = Attempt::way(&calling.attempts, client);
            let seat = calling.to.seat().cloned();
            calling.media.take_answer(way, &answer).map_err(|why| (seat, why))
        });
        if matches!(agreed, Some(Ok(_))) {
            let least = request.headers.number(&Name::MinSe).unwrap_or(0);
            self.sessions.agreed(now.moment, dialog.key(), &response.headers, least);
            return self.connect_called(now, id, client, dialog);
        }
        self.part_with(now, dialog, ELSEWHERE);
        if let Some(Err((seat, why))) = agreed {
            self.tell_unusable(now, id, seat, flow, &why);
            self.called_fails(now, id, client, 488);
        }
    }

    fn connect_called(&mut self, now: Now, id: CallId, client: ClientId, dialog: Dialog) {
        // What still rings in a queue has come too late.
        let offers: Vec<OfferId> =
            self.calls.get(&id).map(|c| c.ringing.keys().copied().collect()).unwrap_or_default();
        for offer in offers {
            self.offer_is_over(now, id, offer, OfferOutcome::CallerLeft, None);
        }
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(calling) = call.calling.take() else { return };
        self.deadlines.clear(&Timer::CallOut(id));
        self.deadlines.clear(&Timer::Silence(id));
        self.withdraw(now, &calling.attempts, Some(client), ELSEWHERE);
        self.note(now, Fact::CallOutEnded { call: id, to: calling.to.to_string(), status: 200 });
        self.dialled_is_answered(now, id, &calling);
        self.dialogs.insert(dialog.key().clone(), (id, Side::Seat));
        let winner = calling.attempts.iter().find(|attempt| attempt.client == client);
        let way = winner.map(|attempt| attempt.flow);
        let media = self.won(calling.media, way);
        let codec = media.as_ref().and_then(LegMedia::codec);
        let instance = winner.and_then(|attempt| attempt.instance.clone());
        let dialog = match calling.to {
            Callee::Seat(_) => dialog,
            // A carrier may answer from another of its machines, and says so in its Contact.
            Callee::Number(_) => dialog.unpinned(),
        };
        let leg = Leg { instance, ..Leg::new(dialog, media) };
        let talk = Talk { with: calling.to, leg, answered: now, heir: false };
        if let Errand::Transfer { from, told } = calling.errand {
            self.tell(now, id, 200, told);
            self.note(
                now,
                Fact::Transferred { call: id, from, to: talk.with.to_string(), attended: false },
            );
        }
        self.hand_over(now, id, talk);
        self.answer_caller(now, id, codec);
        self.bridge(now, id);
    }

    /// The caller talks to somebody else from now on; whoever talked before is let go.
    pub(super) fn hand_over(&mut self, now: Now, id: CallId, talk: Talk) {
        self.let_go(now, id);
        self.guest_leaves(id);
        let (with, held) = (talk.with.clone(), talk.leg.held);
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.talk = Some(talk);
        call.state = State::Talking;
        call.talked = true;
        let join = ticket(call);
        self.deadlines.clear(&Timer::KeepRinging(id));
        self.deadlines.clear(&Timer::Answer(id));
        self.unanswered.remove(&id);
        // A call that a seat dialled has no place in the queues: both its seats are engaged.
        if let Callee::Seat(seat) = &with {
            let operator = self.operator_of(seat);
            self.recent.answered(id, operator.as_ref());
        }
        // A phone that holds already plays its music to the caller too.
        if held {
            self.note(now, Fact::Held { call: id, by: Party::Seat });
        }
        let Some(ticket) = join else { return };
        let input = match with {
            Callee::Seat(seat) => {
                let over = acd::Input::Disengage { seat: seat.clone(), call: id };
                self.acd.handle(now.moment, over);
                acd::Input::Join { ticket, seat }
            }
            Callee::Number(_) => acd::Input::Leave { call: id },
        };
        self.acd.handle(now.moment, input);
        if held {
            self.acd.handle(now.moment, acd::Input::Hold { call: id, held });
        }
    }

    /// Ends the leg of whoever talks to the caller; the caller stays.
    pub(super) fn let_go(&mut self, now: Now, id: CallId) {
        self.say_bye(now, id, Side::Seat, false);
        self.invites.retain(|_, owner| *owner != (id, Side::Seat));
        self.forget_heard(id, Side::Seat);
        let talk = self.calls.get_mut(&id).and_then(|call| call.talk.take());
        if talk.as_ref().is_some_and(|talk| talk.leg.held) {
            self.note(now, Fact::Resumed { call: id, by: Party::Seat });
        }
        if let Some(media) = talk.and_then(|talk| talk.leg.media) {
            self.media(MediaOrder::Close { stream: media.stream });
        }
        self.no_more_private(now, id);
    }

    /// The same way is tried again where the refusal says how: a longer session interval, or
    /// credentials. False when it does not.
    pub(super) fn called_again(
        &mut self,
        now: Now,
        client: ClientId,
        id: CallId,
        request: &Request,
        response: &Response,
    ) -> bool {
        let again = match response.code {
            422 => session_timer::again(request, &response.headers),
            401 | 407 => {
                let calling = self.calls.get(&id).and_then(|call| call.calling.as_ref());
                let trunk = calling.and_then(|calling| calling.trunk.clone());
                self.authorized(trunk.as_ref(), request, response)
            }
            _ => None,
        };
        let Some(invite) = again else { return false };
        let calling = self.calls.get(&id).and_then(|call| call.calling.as_ref());
        let attempt = calling.and_then(|c| c.attempts.iter().find(|a| a.client == client));
        let Some(flow) = attempt.map(|attempt| attempt.flow) else { return false };
        let second = self.send(now, flow, invite, Purpose::CallOut { call: id });
        self.clients.remove(&client);
        let calling = self.calls.get_mut(&id).and_then(|call| call.calling.as_mut());
        for attempt in calling.into_iter().flat_map(|c| &mut c.attempts) {
            if attempt.client == client {
                attempt.client = second;
            }
        }
        true
    }

    /// The INVITE with the answer to a carrier's challenge.
    pub(super) fn authorized(
        &mut self,
        trunk: Option<&TrunkId>,
        invite: &Request,
        refusal: &Response,
    ) -> Option<Request> {
        let account = self.trunks.get(trunk?)?.line.as_ref()?.account.as_ref()?;
        let mut again = invite.clone();
        authorize(&mut again, refusal, account, &mut self.dice).ok()?;
        Some(again)
    }

    /// A try came to nothing.
    pub(super) fn called_fails(&mut self, now: Now, id: CallId, client: ClientId, code: u16) {
        self.clients.remove(&client);
        let calling = self.calls.get_mut(&id).and_then(|call| call.calling.as_mut());
        let Some(calling) = calling else { return };
        for attempt in calling.attempts.iter_mut().filter(|a| a.client == client) {
            attempt.failed = Some(code);
        }
        if calling.attempts.iter().any(|a| a.failed.is_none()) {
            return;
        }
        // The next way may do better only where this one failed as a way (RFC 3263 §4.3).
        let again = matches!(code, 408 | 500 | 502..=504) && self.next_way(now, id);
        if !again {
            self.called_in_vain(now, id, code);
        }
    }

    /// A way that has not said a word is left, where there is another.
    pub(super) fn way_is_silent(&mut self, now: Now, id: CallId) {
        let Some(calling) = self.calls.get(&id).and_then(|call| call.calling.as_ref()) else {
            return;
        };
        let mut tried = calling.attempts.iter().filter(|a| a.failed.is_none());
        let heard = tried.any(|a| self.endpoint.is_heard(a.client));
        if heard || calling.ways.is_empty() {
            return;
        }
        let silent: Vec<Attempt> = calling.attempts.clone();
        self.withdraw(now, &silent, None, "");
        let calling = self.calls.get_mut(&id).and_then(|call| call.calling.as_mut());
        for attempt in calling.into_iter().flat_map(|c| &mut c.attempts) {
            attempt.failed = attempt.failed.or(Some(408));
        }
        self.next_way(now, id);
    }

    /// Nobody answered in time.
    pub(super) fn call_out_is_over(&mut self, now: Now, id: CallId) {
        let calling = self.calls.get_mut(&id).and_then(|call| call.calling.as_mut());
        if let Some(calling) = calling {
            let live = calling.attempts.iter().find(|attempt| attempt.failed.is_none());
            // Some carriers play the ring-back tone and never say 180.
            calling.rang |= live.is_some_and(|attempt| self.endpoint.is_heard(attempt.client));
        }
        self.called_in_vain(now, id, 480);
    }

    fn called_in_vain(&mut self, now: Now, id: CallId, code: u16) {
        let Some(calling) = self.stop_calling(now, id, code) else { return };
        match calling.errand {
            Errand::Dialled => {
                self.refuse_invite(now, id, told_to_phone(code));
                self.dialled_in_vain(now, id, code, calling.rang);
            }
            Errand::Overflow => {
                let detail = format!("call {id}: {code} from {}; ring there by hand", calling.to);
                self.alarm(now, "overflow-to-number", detail);
                self.free_idle_port(id);
            }
            Errand::Transfer { from, told } => {
                self.tell(now, id, code, told);
                let alone = self.calls.get(&id).is_some_and(|call| call.talk.is_none());
                if alone && !self.succeeded(now, id) {
                    let rule = format!("{from}'s transfer to {} failed: {code}", calling.to);
                    self.wait_again(now, id, None, rule);
                }
            }
        }
    }

    /// Takes back what was begun; the fact is kept.
    pub(super) fn stop_calling(&mut self, now: Now, id: CallId, code: u16) -> Option<Calling> {
        let calling = self.calls.get_mut(&id)?.calling.take()?;
        self.deadlines.clear(&Timer::CallOut(id));
        self.deadlines.clear(&Timer::Silence(id));
        self.withdraw(now, &calling.attempts, None, "");
        self.close_all(&calling.media);
        if let Callee::Seat(seat) = &calling.to {
            let over = acd::Input::Disengage { seat: seat.clone(), call: id };
            self.acd.handle(now.moment, over);
        }
        self.note(now, Fact::CallOutEnded { call: id, to: calling.to.to_string(), status: code });
        Some(calling)
    }
}

/// The refusal that a phone hears for the one that we heard: what asks for something that only we
/// could give, or is about the leg between us and the carrier, says nothing to it.
const fn told_to_phone(code: u16) -> u16 {
    match code {
        300..=399 | 408 => 480,
        401 | 407 | 412..=416 | 420..=429 | 469 | 481..=483 | 489..=494 | 503 => 500,
        _ => code,
    }
}

/// What is dialled for a configured number: `tel:+62811000112` → `+62811000112`. A SIP address keeps its
/// host, which says whose trunk leads there.
pub(super) fn dialable(number: &str) -> String {
    let uri = Uri::read(number);
    match uri.scheme() {
        Scheme::Sip => format!("{}@{}", uri.user(), uri.host()),
        _ => uri.user().to_owned(),
    }
}
