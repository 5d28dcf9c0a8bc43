//! What comes within a call: hold and resume by re-INVITE or UPDATE, BYE, and small requests that
//! only want an answer. Admission plays no part here: a dialog is known by its tags.

use std::sync::Arc;

use bytes::Bytes;

use crate::acd;
use crate::call::orders::MediaOrder;
use crate::call::table::Part;
use crate::call::{Errand, Leg, Side, Way};
use crate::incident::{DataCame, Shown};
use crate::journal::Fact;
use crate::screening::Sign;
use crate::sip::dialog::DialogKey;
use crate::sip::message::SUPPORTED;
use crate::sip::{Flow, Method, Name, Request, Response, ServerId, body};
use crate::trunk::vehicle;
use crate::vocabulary::{CallId, Cause, Ending, Now, Party, limits};

use super::Switchboard;
use super::inbound::ALLOW;

impl Switchboard {
    /// A request with a To tag.
    pub(super) fn in_dialog(
        &mut self,
        now: Now,
        server: ServerId,
        flow: Flow,
        request: &Request,
        tag: &str,
    ) {
        let key = request
            .headers
            .call_id()
            .map(|id| DialogKey { call_id: id.into(), local_tag: tag.into() });
        if let Some(copy) = key.as_ref().and_then(|key| self.copies.of(key)) {
            return self.recorder_asks(now, server, flow, request, (copy, tag));
        }
        let known = key.as_ref().and_then(|key| self.dialogs.get(key).copied());
        let Some((id, side)) = known else {
            if key.is_some_and(|key| self.crosses(now, server, request, &key)) {
                return;
            }
            if self.is_stranger(&flow) {
                self.unknown_source += 1;
                return self.endpoint.forget(server);
            }
            return self.refuse(now, server, request, 481);
        };
        let leg = self.calls.get_mut(&id).and_then(|call| call.leg_mut(side));
        let Some(leg) = leg else { return self.refuse(now, server, request, 481) };
        // The peer's tag is the other half of the dialog's name (RFC 3261 §12): a guess at ours
        // alone must not end somebody's call.
        let from = request.headers.from();
        if from.is_none_or(|from| from.tag().unwrap_or("") != leg.dialog.remote_tag()) {
            return self.refuse(now, server, request, 481);
        }
        if leg.dialog.accept(request, flow).is_err() {
            return self.refuse(now, server, request, 500);
        }
        if let Some(response) = self.unwelcome(request, tag) {
            return self.endpoint.respond(now.moment, server, response);
        }
        match request.method {
            Method::Bye => {
                self.refuse(now, server, request, 200);
                self.bye(now, id, side, request);
            }
            Method::Invite => self.renegotiate(now, server, request, id, side),
            Method::Update if body::sdp(&request.headers, &request.body).is_some() => {
                self.renegotiate(now, server, request, id, side);
            }
            Method::Refer => self.refer(now, server, request, id, side),
            Method::Prack => {
                if let Some(key) = key {
                    self.prack(now, server, request, &key);
                }
            }
            Method::Update | Method::Info | Method::Options | Method::Message => {
                if let Some(key) = key_of(request)
                    && self.pressed(now, id, side, key, Way::Info)
                    && side == Side::Caller
                {
                    self.gives_sign(now, id, Sign::Key);
                }
                if side == Side::Caller && vehicle::is_info(request) {
                    self.vehicle_sends(now, id, request);
                }
                let response = request.response(200, tag).with(Name::Allow, ALLOW);
                let response = response
                    .with(Name::Supported, SUPPORTED)
                    .with(Name::Contact, self.contact(&flow));
                let response = match (&request.method, key) {
                    (Method::Update, Some(key)) => self.grant(now, &key, request, response),
                    _ => response,
                };
                self.endpoint.respond(now.moment, server, response);
            }
            _ => {
                let response = request.response(405, tag).with(Name::Allow, ALLOW);
                self.endpoint.respond(now.moment, server, response);
            }
        }
    }

    /// The refusal of a request within a call that asks for what we have not: an interval too short,
    /// an extension, an Info Package (RFC 6086 §5.2; a legacy INFO names none). Never of a BYE: the
    /// other side would not hear of it.
    fn unwelcome(&self, request: &Request, tag: &str) -> Option<Response> {
        match request.method {
            Method::Bye => None,
            Method::Info
                if request.headers.first(&Name::InfoPackage).is_some()
                    && !vehicle::is_info(request) =>
            {
                Some(request.response(469, tag).with(Name::RecvInfo, vehicle::INFO_PACKAGE))
            }
            _ => request.bad_extension(tag).or_else(|| self.too_brief(request)),
        }
    }

    /// A vehicle sends newer data of itself: kept, and shown at once.
    fn vehicle_sends(&mut self, now: Now, id: CallId, request: &Request) {
        for data in vehicle::data(request) {
            let Some(call) = self.calls.get_mut(&id) else { return };
            if call.brief.data.len() >= limits::DATA_OF_CALL {
                return;
            }
            Arc::make_mut(&mut call.brief).data.push(Shown::of(&data));
            let how = "INFO".to_owned();
            let (reference, findings, alert) = (None, Vec::new(), None);
            let came = DataCame { call: id, how, data, reference, findings, alert };
            self.note(now, Fact::DataCame(Box::new(came)));
        }
    }

    fn is_stranger(&self, flow: &Flow) -> bool {
        self.trunk_of(flow).is_none() && !self.registrar.knows(flow.remote)
    }

    // ---- hold, resume, new address -----------------------------------------------------------

    fn renegotiate(
        &mut self,
        now: Now,
        server: ServerId,
        request: &Request,
        id: CallId,
        side: Side,
    ) {
        let offered = body::sdp(&request.headers, &request.body);
        let open = self.calls.get(&id).is_some_and(|call| call.invite.is_some());
        // A 183 of ours has answered its offer: there is room for another.
        let early = request.method == Method::Update
            && self.calls.get(&id).is_some_and(|call| call.early.is_some());
        if open && side == Side::Caller && !early {
            // The first INVITE comes first (RFC 3261 §14.2, RFC 3311 §5.2).
            let seconds = self.dice.number() % 11;
            let response = request.response(500, "");
            let response = response.with(Name::RetryAfter, seconds.to_string());
            return self.endpoint.respond(now.moment, server, response);
        }
        // A talk may begin as speech and go on in writing.
        if let Some(offer) = &offered {
            self.lend_text_to(id, side, offer);
        }
        let Some(leg) = self.calls.get_mut(&id).and_then(|call| call.leg_mut(side)) else { return };
        let offers = leg.awaits_answer || self.sessions.offers(leg.dialog.key());
        let (Some(media), false) = (leg.media.as_mut(), offers) else {
            // Our own offer has no answer yet (RFC 3261 §14.2).
            return self.refuse(now, server, request, 491);
        };
        let (stream, mut relogin) = (media.stream, None);
        let sdp = match offered {
            Some(offer) => match media.answer_change(&offer, &mut self.dice) {
                Ok((sdp, login)) => {
                    relogin = login;
                    sdp
                }
                // What was agreed stays (RFC 3261 §14.2).
                Err(_) => return self.refuse(now, server, request, 488),
            },
            None => {
                leg.awaits_answer = true;
                media.offer(media.codec())
            }
        };
        // Before the answer goes: the peer's checks may be back at once.
        if let Some(login) = relogin {
            self.media(MediaOrder::Relogin { stream, login });
        }
        if let Some(call) = self.calls.get_mut(&id).filter(|_| early) {
            // The 200 to the INVITE says what holds by then.
            call.early = Some(sdp.clone());
        }
        self.answer_renegotiation(now, server, request, (id, side), sdp);
        self.apply(now, id, side);
    }

    fn answer_renegotiation(
        &mut self,
        now: Now,
        server: ServerId,
        request: &Request,
        owner: (CallId, Side),
        sdp: Bytes,
    ) {
        let Some(call) = self.calls.get(&owner.0) else { return };
        let dialog = match owner.1 {
            Side::Caller => &call.caller.dialog,
            side => match call.leg(side) {
                Some(leg) => &leg.dialog,
                None => return,
            },
        };
        let key = dialog.key().clone();
        let response = request
            .response(200, &key.local_tag)
            .with(Name::Contact, self.contact(&dialog.next_hop()))
            .with(Name::Allow, ALLOW)
            .with(Name::Supported, SUPPORTED)
            .with_body("application/sdp", sdp);
        let response = self.grant(now, &key, request, response);
        if request.method == Method::Invite {
            self.invites.insert(server, owner);
        }
        self.endpoint.respond(now.moment, server, response);
    }

    /// Tells the media plane what a leg agreed, and keeps hold and resume.
    pub(super) fn apply(&mut self, now: Now, id: CallId, side: Side) {
        let Some(leg) = self.calls.get_mut(&id).and_then(|call| call.leg_mut(side)) else { return };
        let Leg { media: Some(media), held, .. } = leg else { return };
        let (stream, aim, holds) = (media.stream, media.aim(), media.is_held());
        let (changed, bare) = (std::mem::replace(held, holds) != holds, media.is_bare());
        if bare {
            self.tell_bare(now, id, side);
        }
        if let Some(aim) = aim {
            self.media(MediaOrder::Aim { stream, aim });
        }
        if let (true, Side::Guest(party)) = (changed, side) {
            self.note(now, Fact::PartyHeld { call: id, party: party.0, held: holds });
            return self.seat_the_table(now, id);
        }
        if changed {
            let by = party(side);
            let fact =
                if holds { Fact::Held { call: id, by } } else { Fact::Resumed { call: id, by } };
            self.note(now, fact);
            // Who is on hold may be quiet; afterwards it counts anew.
            if let Some(call) = self.calls.get_mut(&id) {
                call.quiet = None;
            }
            let call = self.calls.get(&id);
            let held = call.is_some_and(|c| {
                c.caller.held || c.talk.as_ref().is_some_and(|talk| talk.leg.held)
            });
            self.acd.handle(now.moment, acd::Input::Hold { call: id, held });
            self.seat_the_table(now, id);
        }
    }

    /// Audio passes in plain where it should not: nobody is refused for it, and people are told.
    pub(super) fn tell_bare(&mut self, now: Now, id: CallId, side: Side) {
        let who = if side == Side::Caller { "the caller's side" } else { "the other side" };
        let detail = format!("call {id}: {who} takes no SRTP, and is heard in plain");
        self.alarm(now, "audio-not-secured", detail);
    }

    /// The ACK of a 2xx of ours; it may carry the answer to our SDP offer.
    pub(super) fn acked(&mut self, now: Now, server: ServerId, ack: &Request) {
        self.part(now, server);
        let Some((id, side)) = self.invites.remove(&server) else { return };
        let Some(leg) = self.calls.get_mut(&id).and_then(|call| call.leg_mut(side)) else { return };
        leg.unacked = leg.unacked.filter(|unacked| *unacked != server);
        if !std::mem::take(&mut leg.awaits_answer) {
            return;
        }
        let answer = body::sdp(&ack.headers, &ack.body).unwrap_or_default();
        let taken = leg.media.as_mut().map(|media| media.take_answer(&answer));
        match taken {
            Some(Ok(_)) => self.apply(now, id, side),
            // The call stays: the peer's packets still show where it is, and it may offer anew.
            Some(Err(why)) => {
                let detail = format!("call {id}: no answer in the ACK of the {side:?}: {why}");
                self.alarm(now, "answer-missing", detail);
            }
            None => {}
        }
    }

    /// The ACK never came: the peer is not there (RFC 3261 §13.3.1.4). After a re-INVITE the call
    /// goes on: a phone that loses one ACK must not cost the caller the call, and whether it is
    /// still there is asked every minute.
    pub(super) fn unacked(&mut self, now: Now, server: ServerId) {
        self.part(now, server);
        let Some((id, side)) = self.invites.remove(&server) else { return };
        let Some(call) = self.calls.get_mut(&id) else { return };
        let first = call.leg_mut(side).and_then(|leg| leg.unacked.take()) == Some(server);
        let first = first && !matches!(side, Side::Guest(_));
        if !first {
            let detail = format!("call {id}: the {side:?}'s change was never acknowledged");
            return self.alarm(now, "change-unacknowledged", detail);
        }
        let (stage, of_caller) = (call.stage(), call.trunk().is_some());
        if side == Side::Seat && of_caller {
            // A seat that took the call of another and then vanished.
            return self.dialog_lost(now, id, side);
        }
        let by = if side == Side::Caller { Party::Network } else { Party::Seat };
        let ending = Ending { stage, by, cause: Cause::NoAck, q850: None };
        self.end(now, id, ending);
    }

    /// Sends the BYE that waited for this INVITE's ACK.
    fn part(&mut self, now: Now, server: ServerId) {
        if let Some((flow, bye)) = self.partings.remove(&server) {
            self.parted(now, &bye);
            self.send_bye(now, flow, bye);
        }
    }

    // ---- the peer ends -----------------------------------------------------------------------

    fn bye(&mut self, now: Now, id: CallId, side: Side, request: &Request) {
        if let Side::Guest(party) = side {
            if let Some(key) = self
                .calls
                .get(&id)
                .and_then(|call| call.leg(side))
                .map(|leg| leg.dialog.key().clone())
            {
                self.drop_dialog(&key);
            }
            return self.party_leaves(now, id, party, "hung up");
        }
        let Some(call) = self.calls.get_mut(&id) else { return };
        // A caller whose transfer is being tried stays.
        let errand = call.calling.as_ref().map(|calling| &calling.errand);
        if side == Side::Seat && matches!(errand, Some(Errand::Transfer { .. })) {
            if let Some(key) = call.talk.as_ref().map(|talk| talk.leg.dialog.key().clone()) {
                self.drop_dialog(&key);
            }
            return self.left_behind(now, id);
        }
        let heir = call.talk.as_ref().is_some_and(|talk| talk.heir);
        let others = call.parties.values().any(|party| party.part == Part::Talk);
        let answered = side == Side::Seat || call.invite.is_none();
        let stays = answered && side == call.operator_side() && (heir || others);
        let key = call.leg(side).map(|leg| leg.dialog.key().clone());
        if let (true, Some(key)) = (stays, key) {
            self.drop_dialog(&key);
            return self.caller_is_left(now, id);
        }
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.reason = super::endings::reason_of(&request.headers);
        let stage = call.stage();
        let ending = super::endings::by_peer(stage, party(side), Cause::HungUp, &request.headers);
        if side == Side::Caller && self.caller_leaves(now, id, ending) {
            return;
        }
        self.peer_ended(now, id, side, ending);
    }
}

pub(super) const fn party(side: Side) -> Party {
    match side {
        Side::Caller => Party::Caller,
        Side::Seat | Side::Guest(_) => Party::Seat,
    }
}

/// The key of the telephone that an INFO carries: `Signal=5` of application/dtmf-relay, or the bare
/// key of application/dtmf. No RFC has either, and every switch knows them.
fn key_of(request: &Request) -> Option<char> {
    let kind = request.headers.values(&Name::ContentType).join("");
    let text = String::from_utf8_lossy(&request.body);
    let key = |text: &str| {
        let mut chars = text.trim().chars().map(|c| c.to_ascii_uppercase());
        let key = chars.next().filter(|c| c.is_ascii_digit() || "*#ABCD".contains(*c))?;
        chars.next().is_none().then_some(key)
    };
    let signal = |line: &str| {
        let (name, value) = line.split_once('=')?;
        name.trim().eq_ignore_ascii_case("signal").then(|| key(value))
    };
    if request.method != Method::Info {
        return None;
    }
    match kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "application/dtmf-relay" => text.lines().find_map(signal).flatten(),
        "application/dtmf" => key(&text),
        _ => None,
    }
}
