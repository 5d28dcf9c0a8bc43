//! A seat rings and answers: the seat's leg is invited, the first phone to answer wins, both legs
//! are connected and the recording begins.

use crate::acd::{self, Miss, Withdrawn};
use crate::call::orders::{Channel, MediaOrder};
use crate::call::{Attempt, Callee, Leg, LegMedia, Ringing, Side, State, Talk};
use crate::journal::{Fact, OfferOutcome, Peer};
use crate::sip::body::Piece;
use crate::sip::dialog::DialogKey;
use crate::sip::message::SUPPORTED;
use crate::sip::registrar::Binding;
use crate::sip::{ClientId, Dialog, Flow, Name, Request, Response, ServerId, body};
use crate::trunk::vehicle;
use crate::vocabulary::{CallId, Codec, Now, OfferId, OperatorId, SeatId, StreamId, limits};

use super::inbound::ALLOW;
use super::seat_invite::Shown;
use super::{Purpose, Switchboard, Timer};

/// On the CANCEL of a phone that lost: it must not show a missed call (RFC 3326).
pub(super) const ELSEWHERE: &str = "SIP;cause=200;text=\"Call completed elsewhere\"";

impl Switchboard {
    // ---- ring --------------------------------------------------------------------------------

    /// The queue offers a call to a seat: every phone of the seat is invited.
    pub(super) fn ring(
        &mut self,
        now: Now,
        id: CallId,
        offer: OfferId,
        seat: &SeatId,
        operator: Option<OperatorId>,
    ) {
        let phones = self.registrar.targets(seat, None);
        // In one turn the call may have ended after the offer was made.
        let waits = self.calls.get(&id).is_some_and(|call| call.state == State::Waiting);
        if phones.is_empty() || !waits {
            let miss = acd::Input::Missed { offer, miss: Miss::Unreachable };
            return self.acd.handle(now.moment, miss);
        }
        let Some(media) = self.ports_for_offer(now, id, &self.seat_audio(seat), &phones) else {
            self.alarm(now, "no-media-ports", format!("call {id} waits for ports"));
            self.acd.handle(now.moment, acd::Input::Gate { room: 0 });
            let miss = acd::Input::Missed { offer, miss: Miss::NotMade };
            return self.acd.handle(now.moment, miss);
        };
        let fact =
            Fact::Offered { call: id, offer, seat: seat.clone(), operator: operator.clone() };
        self.note(now, fact);
        let mut ringing = Ringing { seat: seat.clone(), operator, media, attempts: Vec::new() };
        ringing.media.offer(self.codec_of_caller(id));
        for phone in &phones {
            let Some(sdp) = ringing.media.said(&phone.flow) else { continue };
            let tag = self.dice.token();
            let Some(call) = self.calls.get(&id) else { return };
            let invite = self.seat_invite(&Shown::of(call), seat, phone, &tag, sdp);
            let invite = self.offered(invite, seat);
            let call_id = invite.headers.call_id().unwrap_or_default();
            self.follow(&call_id, id, Peer::Seat(seat.clone()));
            let purpose = Purpose::Ring { call: id, offer };
            let client = self.send(now, phone.flow, invite, purpose);
            let (flow, instance) = (phone.flow, phone.instance.clone());
            ringing.attempts.push(Attempt { client, flow, instance, failed: None });
        }
        if let Some(call) = self.calls.get_mut(&id) {
            call.ringing.insert(offer, ringing);
        }
    }

    // ---- what the phones say -----------------------------------------------------------------

    /// A response to a request of ours.
    pub(super) fn response(
        &mut self,
        now: Now,
        client: ClientId,
        flow: Flow,
        request: &Request,
        response: &Response,
    ) {
        let Some(purpose) = self.clients.get(&client).copied() else { return };
        if let (Purpose::CallOut { call }, 180..300) = (purpose, response.code) {
            self.called_says(call, response);
        }
        if response.is_provisional() {
            return self.provisional(now, client, (flow, purpose), request, response);
        }
        if !response.is_success() {
            self.early.forget(client);
        }
        match purpose {
            Purpose::CallOut { call } if response.is_success() => {
                self.clients.insert(client, Purpose::Withdrawn);
                self.called_answers(now, call, client, flow, request, response);
            }
            Purpose::CallOut { call }
                if self.called_again(now, client, call, request, response) => {}
            Purpose::CallOut { call } => self.called_fails(now, call, client, response.code),
            Purpose::Join { call, party } if response.is_success() => {
                self.clients.insert(client, Purpose::Withdrawn);
                self.join_answers(now, (call, party), client, flow, request, response);
            }
            Purpose::Join { call, party }
                if self.joined_again(now, client, (call, party), request, response) => {}
            Purpose::Join { call, party } => {
                self.join_fails(now, (call, party), client, response.code);
            }
            Purpose::CallBack { call } if response.is_success() => {
                self.clients.insert(client, Purpose::Withdrawn);
                self.press_answers(now, call, client, flow, request, response);
            }
            Purpose::CallBack { call }
                if self.press_again(now, client, call, request, response) => {}
            Purpose::CallBack { call } => self.press_fails(now, call, client, response.code),
            Purpose::Notify { call } => self.notified(client, call, response.code),
            Purpose::Ring { call, offer } if response.is_success() => {
                self.clients.insert(client, Purpose::Withdrawn);
                self.seat_answered(now, call, offer, client, flow, request, response);
            }
            Purpose::Ring { call, offer } => {
                if !self.ring_again(now, client, (call, offer), request, response) {
                    self.ring_failed(now, client, response.code);
                }
            }
            Purpose::Withdrawn if response.is_success() => {
                // The answer crossed our CANCEL, or a second phone answered as well.
                self.hang_up_late(now, client, flow, request, response);
            }
            Purpose::Withdrawn => {
                self.clients.remove(&client);
            }
            Purpose::Refresh { verify } => {
                self.refreshed(now, client, verify, request, Some((flow, response)));
            }
            Purpose::Probe => self.probed(now, client, request, response.code),
            Purpose::Copy { id, asked } => {
                self.recorder_says(now, client, (id, asked), request, Ok((flow, response)));
            }
            Purpose::Line { line, ask } => {
                self.line_answered(now, client, (line, ask), request, response);
            }
        }
    }

    /// Somebody rings, or lets us hear something before the answer.
    fn provisional(
        &mut self,
        now: Now,
        client: ClientId,
        (flow, purpose): (Flow, Purpose),
        request: &Request,
        response: &Response,
    ) {
        match (purpose, response.code) {
            (Purpose::CallOut { call }, 180..) => self.called_rings(now, call),
            (Purpose::Ring { offer, .. }, 180..) => {
                self.acd.handle(now.moment, acd::Input::Rings { offer });
            }
            _ => {}
        }
        // None to a change of ours means anything (RFC 3261 §14.1).
        let invites = matches!(
            purpose,
            Purpose::Ring { .. }
                | Purpose::CallOut { .. }
                | Purpose::CallBack { .. }
                | Purpose::Join { .. }
                | Purpose::Withdrawn
        );
        if invites {
            self.early(now, client, flow, request, response);
        }
    }

    fn hang_up_late(
        &mut self,
        now: Now,
        client: ClientId,
        flow: Flow,
        request: &Request,
        response: &Response,
    ) {
        if let Some(dialog) = self.acknowledge(client, flow, request, response) {
            self.part_with(now, dialog, ELSEWHERE);
        }
    }

    /// ACK of a seat's 2xx, and the dialog that it makes.
    pub(super) fn acknowledge(
        &mut self,
        client: ClientId,
        flow: Flow,
        request: &Request,
        response: &Response,
    ) -> Option<Dialog> {
        let mut dialog = Dialog::sent(request, response, flow)?;
        self.early.confirm(client, &mut dialog);
        let number = request.headers.cseq()?.number;
        let ack = dialog.ack(number);
        let tag = dialog.remote_tag().to_owned();
        self.endpoint.send_ack(client, dialog.next_hop(), ack, &tag, &mut self.dice);
        Some(dialog)
    }

    /// The description that a 2xx answers with: where it has none, an earlier response brought it
    /// (RFC 3262 §5).
    pub(super) fn described(
        &self,
        client: ClientId,
        dialog: &Dialog,
        response: &Response,
    ) -> bytes::Bytes {
        let early = || self.early.sdp(client, dialog.remote_tag());
        body::sdp(&response.headers, &response.body).or_else(early).unwrap_or_default()
    }

    /// A phone refused, or did not answer at all (408).
    pub(super) fn ring_failed(&mut self, now: Now, client: ClientId, code: u16) {
        let Some(Purpose::Ring { call: id, offer }) = self.clients.remove(&client) else { return };
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(ringing) = call.ringing.get_mut(&offer) else { return };
        for attempt in &mut ringing.attempts {
            if attempt.client == client {
                attempt.failed = Some(code);
            }
        }
        if self.ring_another_way(now, (id, offer), client, code) {
            return;
        }
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(ringing) = call.ringing.get_mut(&offer) else { return };
        if ringing.attempts.iter().any(|a| a.failed.is_none()) {
            return;
        }
        let codes: Vec<u16> = ringing.attempts.iter().filter_map(|a| a.failed).collect();
        let busy = codes.iter().find(|c| matches!(**c, 486 | 600));
        let refused = codes.iter().find(|c| !matches!(**c, 408 | 480 | 503));
        let (outcome, status) = match (busy, refused) {
            (Some(code), _) => (OfferOutcome::Busy, *code),
            (None, Some(code)) => (OfferOutcome::Declined, *code),
            (None, None) => (OfferOutcome::Unreachable, code),
        };
        self.offer_is_over(now, id, offer, outcome, Some(status));
        let unreachable = outcome == OfferOutcome::Unreachable;
        let miss = if unreachable { Miss::Unreachable } else { Miss::Refused };
        self.acd.handle(now.moment, acd::Input::Missed { offer, miss });
    }

    /// A phone that cannot be reached by one of its flows may be by another (RFC 5626 §5.3).
    fn ring_another_way(
        &mut self,
        now: Now,
        (id, offer): (CallId, OfferId),
        client: ClientId,
        code: u16,
    ) -> bool {
        let Some(ringing) = self.calls.get(&id).and_then(|call| call.ringing.get(&offer)) else {
            return false;
        };
        let seat = ringing.seat.clone();
        let way = self.other_way(&seat, &ringing.attempts, client, code);
        let Some(phone) = way else { return false };
        let tag = self.dice.token();
        let Some(call) = self.calls.get(&id) else { return false };
        let ringing = call.ringing.get(&offer);
        let said = ringing.and_then(|ringing| ringing.media.said(&phone.flow));
        let Some(sdp) = said else { return false };
        let shown = Shown::of(call);
        let invite = self.seat_invite(&shown, &seat, &phone, &tag, sdp);
        let invite = self.offered(invite, &seat);
        let call_id = invite.headers.call_id().unwrap_or_default();
        self.follow(&call_id, id, Peer::Seat(seat));
        let again = self.send(now, phone.flow, invite, Purpose::Ring { call: id, offer });
        let ringing = self.calls.get_mut(&id).and_then(|call| call.ringing.get_mut(&offer));
        if let Some(ringing) = ringing {
            let (flow, instance) = (phone.flow, phone.instance);
            let attempt = Attempt { client: again, flow, instance, failed: None };
            ringing.attempts.push(attempt);
        }
        true
    }

    /// Another way to the phone whose attempt has failed so.
    pub(super) fn other_way(
        &self,
        seat: &SeatId,
        attempts: &[Attempt],
        client: ClientId,
        code: u16,
    ) -> Option<Binding> {
        let failed = attempts.iter().find(|attempt| attempt.client == client)?;
        let instance = failed.instance.as_deref().filter(|_| matches!(code, 408 | 430))?;
        let tried: Vec<Flow> = attempts.iter().map(|attempt| attempt.flow).collect();
        self.registrar.other_way(seat, instance, &tried).cloned()
    }

    /// The queue has taken an offer back.
    pub(super) fn stop_ringing(&mut self, now: Now, id: CallId, offer: OfferId, why: Withdrawn) {
        let outcome = match why {
            Withdrawn::RangOut => OfferOutcome::NoAnswer,
            Withdrawn::Elsewhere => OfferOutcome::Elsewhere,
            Withdrawn::Needed => OfferOutcome::Needed,
        };
        self.offer_is_over(now, id, offer, outcome, None);
    }

    /// Ends an offer that came to nothing: phones are told, audio closed, the fact kept.
    pub(super) fn offer_is_over(
        &mut self,
        now: Now,
        id: CallId,
        offer: OfferId,
        outcome: OfferOutcome,
        status: Option<u16>,
    ) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(ringing) = call.ringing.remove(&offer) else { return };
        let why = match outcome {
            OfferOutcome::Elsewhere | OfferOutcome::Needed => ELSEWHERE.to_owned(),
            _ => call.reason.as_deref().unwrap_or_default().to_owned(),
        };
        self.withdraw(now, &ringing.attempts, None, &why);
        self.close_all(&ringing.media);
        self.free_idle_port(id);
        let seat = ringing.seat;
        self.note(now, Fact::OfferEnded { call: id, offer, seat, outcome, status });
    }

    /// The caller's port goes back while no answer has named it and nobody rings: who only waits
    /// holds none.
    pub(super) fn free_idle_port(&mut self, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let named = call.invite.is_none()
            || call.early.is_some()
            || call.calling.is_some()
            || !call.ringing.is_empty();
        if named || call.is_closing() {
            return;
        }
        if let Some(media) = call.caller.media.take() {
            self.media(MediaOrder::Close { stream: media.stream });
        }
    }

    /// Cancels every phone that still rings, but the winner.
    pub(super) fn withdraw(
        &mut self,
        now: Now,
        attempts: &[Attempt],
        winner: Option<ClientId>,
        why: &str,
    ) {
        for attempt in attempts {
            if attempt.failed.is_none() && Some(attempt.client) != winner {
                self.clients.insert(attempt.client, Purpose::Withdrawn);
                self.endpoint.cancel(now.moment, attempt.client, why);
            }
        }
    }

    // ---- answered ----------------------------------------------------------------------------

    #[allow(clippy::too_many_arguments, reason = "the parts of one response, taken apart once")]
    fn seat_answered(
        &mut self,
        now: Now,
        id: CallId,
        offer: OfferId,
        client: ClientId,
        flow: Flow,
        request: &Request,
        response: &Response,
    ) {
        let Some(dialog) = self.acknowledge(client, flow, request, response) else {
            return self.ring_failed_with(now, id, offer, client);
        };
        let answer = self.described(client, &dialog, response);
        let agreed = self.calls.get_mut(&id).and_then(|call| {
            let ringing = call.ringing.get_mut(&offer)?;
            let way = Attempt::way(&ringing.attempts, client);
            Some(ringing.media.take_answer(way, &answer))
        });
        match agreed {
            Some(Ok(_)) => {
                let least = request.headers.number(&Name::MinSe).unwrap_or(0);
                self.sessions.agreed(now.moment, dialog.key(), &response.headers, least);
                self.connect(now, id, offer, client, dialog);
            }
            // The offer is over, or the phone speaks nothing that we do: the operator's phone is
            // freed, the caller waits on.
            over => {
                self.part_with(now, dialog, ELSEWHERE);
                if let Some(Err(why)) = over {
                    let call = self.calls.get(&id);
                    let ringing = call.and_then(|call| call.ringing.get(&offer));
                    let seat = ringing.map(|ringing| ringing.seat.clone());
                    self.tell_unusable(now, id, seat, flow, &why);
                    self.ring_failed_with(now, id, offer, client);
                }
            }
        }
    }

    fn ring_failed_with(&mut self, now: Now, id: CallId, offer: OfferId, client: ClientId) {
        self.clients.insert(client, Purpose::Ring { call: id, offer });
        self.ring_failed(now, client, 488);
    }

    fn connect(&mut self, now: Now, id: CallId, offer: OfferId, client: ClientId, dialog: Dialog) {
        let Some(call) = self.calls.get(&id) else { return };
        // The first to answer has the call; where several seats rang the others stop at once, while
        // the winner still rings: the caller's port is needed.
        let others: Vec<OfferId> =
            call.ringing.keys().copied().filter(|other| *other != offer).collect();
        for other in others {
            self.offer_is_over(now, id, other, OfferOutcome::Elsewhere, None);
        }
        let ringing = self.calls.get_mut(&id).and_then(|call| call.ringing.remove(&offer));
        let Some(ringing) = ringing else { return };
        self.acd.handle(now.moment, acd::Input::Taken { offer });
        self.withdraw(now, &ringing.attempts, Some(client), ELSEWHERE);
        self.dialogs.insert(dialog.key().clone(), (id, Side::Seat));
        let after_ms = self.millis_since_invite(now, id);
        let winner = ringing.attempts.into_iter().find(|attempt| attempt.client == client);
        let way = winner.as_ref().map(|attempt| attempt.flow);
        let media = self.won(ringing.media, way);
        let codec = media.as_ref().and_then(LegMedia::codec);
        let instance = winner.and_then(|attempt| attempt.instance);
        let (seat, operator) = (ringing.seat, ringing.operator);
        let ended = Fact::OfferEnded {
            call: id,
            offer,
            seat: seat.clone(),
            outcome: OfferOutcome::Answered,
            status: Some(200),
        };
        self.note(now, ended);
        self.recent.answered(id, operator.as_ref());
        self.note(now, Fact::Answered { call: id, seat: seat.clone(), operator, after_ms });
        let leg = Leg { instance, ..Leg::new(dialog, media) };
        self.stop_calling(now, id, 487);
        if let Some(call) = self.calls.get_mut(&id) {
            call.talk = Some(Talk { with: Callee::Seat(seat), leg, answered: now, heir: false });
            call.state = State::Talking;
            call.talked = true;
        }
        self.guest_leaves(id);
        self.answer_caller(now, id, codec);
        self.deadlines.clear(&Timer::KeepRinging(id));
        self.deadlines.clear(&Timer::Answer(id));
        self.unanswered.remove(&id);
        self.bridge(now, id);
    }

    /// Connects the two legs in the media plane and taps both.
    pub(super) fn bridge(&mut self, now: Now, id: CallId) {
        let Some(call) = self.calls.get(&id) else { return };
        let caller = call.caller.media.as_ref().map(|m| (m.stream, m.aim()));
        let seat = call.talk.as_ref().and_then(|t| t.leg.media.as_ref());
        let seat = seat.map(|m| (m.stream, m.aim()));
        let (Some((caller, caller_aim)), Some((seat, seat_aim))) = (caller, seat) else { return };
        for (stream, aim) in [(caller, caller_aim), (seat, seat_aim)] {
            if let Some(aim) = aim {
                self.media(MediaOrder::Aim { stream, aim });
            }
        }
        self.seat_the_table(now, id);
        self.lend_an_ear(id, Side::Caller);
        self.lend_an_ear(id, Side::Seat);
        self.record(now, id, caller);
        if self.settings.record {
            self.media(MediaOrder::Tap { stream: seat, call: id, channel: Channel::Seat });
        }
    }

    /// The caller's audio comes by a new stream: its recording goes on.
    pub(super) fn tap_caller_again(&mut self, id: CallId) {
        let Some(call) = self.calls.get(&id).filter(|call| call.recorded) else { return };
        if let Some(stream) = call.caller.media.as_ref().map(|media| media.stream) {
            self.media(MediaOrder::Tap { stream, call: id, channel: Channel::Caller });
        }
    }

    /// Begins the recording with the caller's first audio; it ends with the caller.
    pub(super) fn record(&mut self, now: Now, id: CallId, caller: StreamId) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        if self.settings.record && !call.recorded {
            call.recorded = true;
            self.media(MediaOrder::Record { call: id, at: now.wall });
            self.media(MediaOrder::Tap { stream: caller, call: id, channel: Channel::Caller });
        }
        self.copies_begin(now, id);
    }

    /// Answers the caller's INVITE with 200, once. Without a ready port it stays ringing and is
    /// answered as soon as one is.
    pub(super) fn answer_caller(&mut self, now: Now, id: CallId, prefer: Option<Codec>) -> bool {
        if self.calls.get(&id).is_none_or(|c| c.invite.is_none()) || !self.open_caller_media(id) {
            return false;
        }
        let Some(call) = self.calls.get_mut(&id) else { return false };
        let (Some(server), Some(media)) = (call.invite.take(), call.caller.media.as_mut()) else {
            return false;
        };
        call.caller.unacked = Some(server);
        self.deadlines.set(Timer::Probe(id), now.moment.after(limits::PROBE_EVERY));
        let Some(request) = self.endpoint.request(server).cloned() else { return false };
        // A description in a 183 was the answer already (RFC 3261 §13.2.1).
        let (sdp, awaits_answer) = match call.early.take() {
            Some(sdp) => (sdp, false),
            None => media.first_answer(&request, prefer),
        };
        call.caller.awaits_answer = awaits_answer;
        let (stream, aim) = (media.stream, media.aim());
        let key = call.caller.dialog.key().clone();
        let flow = call.caller.dialog.next_hop();
        self.answer_with(now, server, &request, &key, &flow, sdp);
        if let Some(aim) = aim {
            self.media(MediaOrder::Aim { stream, aim });
        }
        true
    }

    /// 200 to an INVITE, with our description.
    pub(super) fn answer_with(
        &mut self,
        now: Now,
        server: ServerId,
        request: &Request,
        key: &DialogKey,
        flow: &Flow,
        sdp: bytes::Bytes,
    ) {
        let response = request
            .response(200, &key.local_tag)
            .with(Name::Contact, self.contact(flow))
            .with(Name::Allow, ALLOW)
            .with(Name::Supported, SUPPORTED);
        let response = self.described_and_acknowledged(request, response, sdp);
        let response = self.grant(now, key, request, response);
        self.endpoint.respond(now.moment, server, response);
    }

    /// Our description, and where a vehicle has sent data the word that it came (RFC 8147 §9).
    fn described_and_acknowledged(
        &mut self,
        request: &Request,
        response: Response,
        sdp: bytes::Bytes,
    ) -> Response {
        let Some(ack) = vehicle::acknowledgement(request) else {
            return response.with_body("application/sdp", sdp);
        };
        let id = format!("{}@{}", self.dice.token(), self.settings.sip.domain);
        let (kind, body) = body::multipart(&[
            Piece { content_type: "application/sdp", body: &sdp, ..Piece::default() },
            Piece {
                content_type: vehicle::CONTROL,
                disposition: "by-reference",
                content_id: &id,
                body: ack.as_bytes(),
            },
        ]);
        response
            .with(Name::CallInfo, format!("<cid:{id}>;purpose=EmergencyCallData.Control"))
            .with(Name::RecvInfo, vehicle::INFO_PACKAGE)
            .with(Name::MimeVersion, "1.0")
            .with_body(&kind, body)
    }

    /// The queue's answer mode says that the caller is answered before a seat is there: the
    /// caller hears that it rings.
    pub(super) fn answer_by_mode(&mut self, now: Now, id: CallId) {
        if self.calls.get(&id).is_none_or(|c| c.state != State::Waiting || c.invite.is_none()) {
            return;
        }
        // Whoever hears us by early media has a port already.
        let has_port = self.calls.get(&id).is_some_and(|call| call.early.is_some());
        if !(has_port || self.has_ports_to_spare()) || !self.answer_caller(now, id, None) {
            self.unanswered.insert(id);
            return;
        }
        self.deadlines.clear(&Timer::KeepRinging(id));
        let after_ms = self.millis_since_invite(now, id);
        self.note(now, Fact::CallerAnswered { call: id, after_ms });
        self.entertain(now, id);
        let stream = self.calls.get(&id).and_then(|c| c.caller.media.as_ref()).map(|m| m.stream);
        if let Some(stream) = stream {
            self.record(now, id, stream);
        }
    }

    /// Ports came: answers the callers whose answer is due and had none.
    pub(super) fn answer_the_unanswered(&mut self, now: Now) {
        while self.has_ports_to_spare() {
            let Some(id) = self.unanswered.pop_first() else { break };
            self.answer_by_mode(now, id);
        }
    }

    /// Whether a caller who only waits may have a port. Each seat's leg needs one, and a caller
    /// who waits holds his until a seat answers: without a reserve no seat ever could.
    pub(super) fn has_ports_to_spare(&self) -> bool {
        self.ports.len() > self.settings.seats.len().clamp(2, limits::PORT_STOCK / 2)
    }

    pub(super) fn millis_since_invite(&self, now: Now, id: CallId) -> u64 {
        let received = self.calls.get(&id).map_or(now.moment, |c| c.received.moment);
        u64::try_from(now.moment.since(received).as_millis()).unwrap_or(u64::MAX)
    }
}
