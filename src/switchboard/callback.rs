//! One press calls somebody back: the phones of the seat ring, and when one has answered the number is
//! called as if the seat had dialled it. A seat that does dial a number of the work list makes the
//! same attempt.
//!
//! The number hears of it as an emergency centre's call back (RFC 7090), and no mailbox is wanted.
//! Of a press that comes to nothing only the facts stay.

use crate::acd;
use crate::call::orders::{MediaOrder, Role};
use crate::call::{Attempt, Born, Callee, Calling, Errand, Leg, Origin, RingMedia, Side, State};
use crate::journal::{Fact, Peer};
use crate::screening::{CannotCall, WorkId, WorkOutcome};
use crate::sip::registrar::Binding;
use crate::sip::{
    ClientId, Dialog, Flow, Headers, Name, Request, Response, ServerId, session_timer,
};
use crate::trunk::number_plan;
use crate::vocabulary::{
    CallId, Cause, Ending, IncidentId, Now, Party, Private, SeatId, Stage, limits,
};

use super::connect::ELSEWHERE;
use super::inbound::HOPS;
use super::orders::Refusal;
use super::seat_invite::Shown;
use super::{Purpose, Switchboard, Timer};

/// A seat that rings because somebody there calls back.
#[derive(Debug)]
pub(super) struct Press {
    /// The seat.
    pub seat: SeatId,
    /// Its phones.
    pub attempts: Vec<Attempt>,
    work: WorkId,
    incident: IncidentId,
    number: Private<String>,
    at: Now,
    media: RingMedia,
}

impl Press {
    fn shown(&self, call: CallId) -> Shown<'_> {
        Shown {
            call,
            incident: self.incident,
            number: &self.number,
            name: None,
            priority: "emergency",
            hops: HOPS,
        }
    }
}

impl Switchboard {
    // ---- the press ---------------------------------------------------------------------------

    /// Begins to call back: the seat rings.
    ///
    /// # Errors
    /// Why nobody can be called; nothing was changed.
    pub(super) fn call_back(
        &mut self,
        now: Now,
        work: WorkId,
        seat: SeatId,
        by: String,
    ) -> Result<(), Refusal> {
        let not_now = |why: &str| Err(Refusal::NotNow(why.to_owned()));
        let entry = self.work.get(work).ok_or(Refusal::NoSuchWork(work))?;
        let incident = entry.incident;
        self.know_seat(&seat)?;
        match self.may_ring(&seat) {
            _ if self.draining => return not_now("the gateway is draining and begins no calls"),
            Err(480) => return not_now("the seat has no phone that could ring"),
            Err(_) => return not_now("the seat is busy with another call"),
            Ok(()) if self.ways_out("").is_err() => {
                return not_now("no trunk has a line to call out by that is up");
            }
            Ok(()) if !self.has_ports_to_spare() => {
                return not_now("all audio ports are needed for callers; try again in a moment");
            }
            Ok(()) => {}
        }
        let id = CallId(self.dice.uid(now.wall));
        let number = self.work.try_call(now.wall, work, id, &seat).map_err(|why| match why {
            CannotCall::NoSuchWork(work) => Refusal::NoSuchWork(work),
            why => Refusal::NotNow(why.to_string()),
        })?;
        let phones = self.registrar.targets(&seat, None);
        let policy = self.seat_audio(&seat);
        let Some(media) = self.ring_media(now, id, Side::Caller, &policy, &phones) else {
            self.work.attempt_over(id, WorkOutcome::SeatLeft);
            return not_now("no audio port is ready; try again in a moment");
        };
        self.note(now, Fact::WorkTried { work, attempt: id, seat: seat.clone(), by });
        self.acd.handle(now.moment, acd::Input::Engage { seat: seat.clone(), call: id });
        self.deadlines.set(Timer::CallBack(id), now.moment.after(self.ring_time(&seat)));
        let mut press =
            Press { seat, attempts: Vec::new(), work, incident, number, at: now, media };
        press.media.offer(None);
        for phone in &phones {
            let Some(sdp) = press.media.said(&phone.flow) else { continue };
            let attempt = self.ring_press(now, id, &press, phone, sdp);
            press.attempts.push(attempt);
        }
        self.presses.insert(id, press);
        Ok(())
    }

    /// As long as a call of its first queue would ring there.
    fn ring_time(&self, seat: &SeatId) -> std::time::Duration {
        let seat = self.settings.seats.iter().find(|settings| settings.id == *seat);
        let first = seat.and_then(|seat| seat.queues.first());
        let queue = first.and_then(|m| self.settings.queues.iter().find(|q| q.id == m.queue));
        queue.map_or(limits::CALL_OUT_RINGS, |queue| queue.ring_timeout)
    }

    fn ring_press(
        &mut self,
        now: Now,
        id: CallId,
        press: &Press,
        phone: &Binding,
        sdp: bytes::Bytes,
    ) -> Attempt {
        let tag = self.dice.token();
        let invite = self.seat_invite(&press.shown(id), &press.seat, phone, &tag, sdp);
        // Whoever pressed waits for the call and has no other wish.
        let invite = self.answered_at_once(invite);
        let call_id = invite.headers.call_id().unwrap_or_default();
        self.follow(&call_id, id, Peer::Seat(press.seat.clone()));
        let client = self.send(now, phone.flow, invite, Purpose::CallBack { call: id });
        Attempt { client, flow: phone.flow, instance: phone.instance.clone(), failed: None }
    }

    // ---- what the phones say -----------------------------------------------------------------

    /// A phone that wants a longer session interval is asked once more. False when it refused.
    pub(super) fn press_again(
        &mut self,
        now: Now,
        client: ClientId,
        id: CallId,
        request: &Request,
        response: &Response,
    ) -> bool {
        if response.code != 422 {
            return false;
        }
        let Some(invite) = session_timer::again(request, &response.headers) else { return false };
        let press = self.presses.get(&id);
        let attempt = press.and_then(|p| p.attempts.iter().find(|a| a.client == client));
        let Some(flow) = attempt.map(|attempt| attempt.flow) else { return false };
        self.clients.remove(&client);
        let second = self.send(now, flow, invite, Purpose::CallBack { call: id });
        for attempt in self.presses.get_mut(&id).into_iter().flat_map(|p| &mut p.attempts) {
            if attempt.client == client {
                attempt.client = second;
            }
        }
        true
    }

    /// A phone refused, or did not answer at all (408).
    pub(super) fn press_fails(&mut self, now: Now, id: CallId, client: ClientId, code: u16) {
        self.clients.remove(&client);
        let Some(press) = self.presses.get_mut(&id) else { return };
        for attempt in press.attempts.iter_mut().filter(|attempt| attempt.client == client) {
            attempt.failed = Some(code);
        }
        if let Some(phone) = self
            .presses
            .get(&id)
            .and_then(|press| self.other_way(&press.seat, &press.attempts, client, code))
            && let Some(mut press) = self.presses.remove(&id)
        {
            if let Some(sdp) = press.media.said(&phone.flow) {
                let attempt = self.ring_press(now, id, &press, &phone, sdp);
                press.attempts.push(attempt);
            }
            self.presses.insert(id, press);
        }
        let rings = |press: &Press| press.attempts.iter().any(|a| a.failed.is_none());
        if self.presses.get(&id).is_some_and(|press| !rings(press)) {
            self.drop_press(now, id);
        }
    }

    /// Ends what was begun; the seat is free.
    pub(super) fn drop_press(&mut self, now: Now, id: CallId) {
        let Some(press) = self.presses.remove(&id) else { return };
        self.deadlines.clear(&Timer::CallBack(id));
        self.withdraw(now, &press.attempts, None, "");
        // No call waits for what the streams have counted.
        for stream in press.media.streams() {
            self.streams.remove(&stream);
        }
        self.close_all(&press.media);
        let over = acd::Input::Disengage { seat: press.seat, call: id };
        self.acd.handle(now.moment, over);
        self.unfollow_later(now, id);
        self.tried(now, id, WorkOutcome::SeatLeft);
    }

    /// A phone has answered.
    pub(super) fn press_answers(
        &mut self,
        now: Now,
        id: CallId,
        client: ClientId,
        flow: Flow,
        request: &Request,
        response: &Response,
    ) {
        let Some(dialog) = self.acknowledge(client, flow, request, response) else {
            return self.press_fails(now, id, client, 400);
        };
        let answer = self.described(client, &dialog, response);
        let press = self.presses.get_mut(&id);
        let agreed = press.map(|press| {
            let way = Attempt::way(&press.attempts, client);
            press.media.take_answer(way, &answer).is_ok()
        });
        if agreed == Some(true) {
            let least = request.headers.number(&Name::MinSe).unwrap_or(0);
            self.sessions.agreed(now.moment, dialog.key(), &response.headers, least);
            return self.bear_call_back(now, id, client, dialog);
        }
        self.part_with(now, dialog, ELSEWHERE);
        if agreed.is_some() {
            self.press_fails(now, id, client, 488);
        }
    }

    /// The call is born, and goes on as any that a seat dials.
    fn bear_call_back(&mut self, now: Now, id: CallId, client: ClientId, dialog: Dialog) {
        let Some(press) = self.presses.remove(&id) else { return };
        self.deadlines.clear(&Timer::CallBack(id));
        self.withdraw(now, &press.attempts, Some(client), ELSEWHERE);
        let Press { seat, attempts, work, incident, number, at, media } = press;
        let winner = attempts.into_iter().find(|attempt| attempt.client == client);
        let (won, lost) = media.won(winner.as_ref().map(|attempt| attempt.flow));
        if let Some(stream) = lost {
            self.streams.remove(&stream);
            self.media(MediaOrder::Close { stream });
        }
        let Some(media) = won else { return };
        let instance = winner.and_then(|attempt| attempt.instance);
        let (stream, aim) = (media.stream, media.aim());
        let number = number.reveal().clone();
        let born = Born {
            id,
            incident,
            origin: Origin::Dialled(Callee::Seat(seat.clone())),
            during: None,
            hops: HOPS,
            received: at,
            number: Private::new(seat.to_string()),
            name: self.operator_of(&seat).map(|operator| Private::new(operator.to_string())),
            dialled: number.clone(),
            state: State::Calling,
            invite: None,
            caller: Leg { instance, ..Leg::new(dialog, Some(media)) },
        };
        self.enter(born, Peer::Seat(seat.clone()));
        if let Some(call) = self.calls.get_mut(&id) {
            call.callback = Some(work);
            call.streams.push((stream, Side::Caller));
        }
        self.note(now, Fact::SeatDialled { call: id, seat, to: number.clone(), during: None });
        if let Some(aim) = aim {
            self.media(MediaOrder::Aim { stream, aim });
        }
        self.media(MediaOrder::Role { stream, role: Role::RingBack });
        self.watch(now, id);
        let to = (Callee::Number(number), None);
        if let Err(code) = self.call_out(now, id, to, Errand::Dialled) {
            self.dialled_in_vain(now, id, code, false);
        }
    }

    // ---- the number --------------------------------------------------------------------------

    /// A seat dials: where the number is one of the work list, the entry that it tries, and its
    /// incident.
    ///
    /// # Errors
    /// Another seat calls that number at this moment.
    pub(super) fn dials_back(
        &mut self,
        now: Now,
        id: CallId,
        seat: &SeatId,
        to: &Callee,
    ) -> Result<Option<(WorkId, IncidentId)>, CannotCall> {
        let Callee::Number(number) = to else { return Ok(None) };
        let number = number_plan::phone(number, &self.settings.centre.area_code).e164;
        let entry = number.and_then(|number| self.work.of_number(&number));
        let Some((work, incident)) = entry.map(|entry| (entry.id, entry.incident)) else {
            return Ok(None);
        };
        self.work.try_call(now.wall, work, id, seat)?;
        Ok(Some((work, incident)))
    }

    /// Tells a phone why it may not call a number of the work list now.
    pub(super) fn refuse_to_call(
        &mut self,
        now: Now,
        server: ServerId,
        request: &Request,
        why: &CannotCall,
    ) {
        let text = crate::sip::write::quoted(&why.to_string());
        let warning = format!("399 {} {text}", self.settings.sip.domain);
        let response = request.response(486, &self.dice.token()).with(Name::Warning, warning);
        self.endpoint.respond(now.moment, server, response);
    }

    /// What the network says of the number before the answer, and with it.
    pub(super) fn called_says(&mut self, id: CallId, response: &Response) {
        let calling = self.calls.get_mut(&id).and_then(|call| call.calling.as_mut());
        let Some(calling) = calling else { return };
        calling.rang |= response.code == 180;
        calling.diverted |= response.code == 181 || tells_diversion(&response.headers);
    }

    /// Whoever a seat has dialled has answered.
    pub(super) fn dialled_is_answered(&mut self, now: Now, id: CallId, calling: &Calling) {
        if calling.errand == Errand::Dialled {
            // It may be a person or a mailbox: who listens knows.
            let answered =
                if calling.diverted { WorkOutcome::Forwarded } else { WorkOutcome::Answered };
            self.tried(now, id, answered);
        }
    }

    /// Whoever a seat has dialled could not be reached: its phone hears why.
    pub(super) fn dialled_in_vain(&mut self, now: Now, id: CallId, code: u16, rang: bool) {
        self.tried(now, id, outcome(code, rang));
        let Some(call) = self.calls.get_mut(&id) else { return };
        if call.invite.is_none() {
            call.reason = Some(format!("SIP;cause={code}").into());
        }
        self.refuse_invite(now, id, code);
        let (stage, by, cause) = (Stage::Ringing, Party::Gateway, Cause::NotReached);
        self.end(now, id, Ending { stage, by, cause, q850: None });
    }
}

/// What came of an attempt whose last way ended with this status.
const fn outcome(code: u16, rang: bool) -> WorkOutcome {
    match code {
        486 | 600 | 603 => WorkOutcome::Busy,
        408 | 480 | 487 if rang => WorkOutcome::NoAnswer,
        _ => WorkOutcome::Unreachable,
    }
}

/// Whether a response tells that the call was diverted: by Diversion (RFC 5806), or by an entry of
/// History-Info that has a cause (RFC 7044, RFC 4458).
fn tells_diversion(headers: &Headers) -> bool {
    let has_cause = |entry: &str| {
        let entry = entry.to_ascii_lowercase();
        entry.contains("cause=") || entry.contains("cause%3d")
    };
    headers.first(&Name::Diversion).is_some()
        || headers.values(&Name::HistoryInfo).iter().any(|entry| has_cause(entry))
}

/// On the INVITE of a call back (RFC 7090, RFC 7135, RFC 3841): it passes where others are held up,
/// and is for a person.
pub(super) fn as_call_back(invite: Request) -> Request {
    invite
        .with(Name::Priority, "psap-callback")
        .with(Name::ResourcePriority, "esnet.0")
        .with(Name::RejectContact, "*;actor=\"msg-taker\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_says_what_came_of_it() {
        for (code, rang, is) in [
            (486, false, WorkOutcome::Busy),
            (600, true, WorkOutcome::Busy),
            (480, true, WorkOutcome::NoAnswer),
            (408, true, WorkOutcome::NoAnswer),
            (487, true, WorkOutcome::NoAnswer),
            (408, false, WorkOutcome::Unreachable),
            (404, true, WorkOutcome::Unreachable),
            (503, false, WorkOutcome::Unreachable),
        ] {
            assert_eq!(outcome(code, rang), is, "{code} {rang}");
        }
    }

    #[test]
    fn a_diversion_is_told_by_its_header_or_by_a_cause() {
        let said = |name: Name, value: &'static str| {
            let mut headers = Headers::default();
            headers.push(name, value);
            tells_diversion(&headers)
        };
        assert!(said(Name::Diversion, "<sip:+62811@t>;reason=no-answer"));
        assert!(said(Name::HistoryInfo, "<sip:+62811@t>;index=1,<sip:vm@t;cause=408>;index=1.1"));
        assert!(said(Name::HistoryInfo, "<sip:vm@t?Reason=SIP%3Bcause%3D302>;index=1.1"));
        assert!(!said(Name::HistoryInfo, "<sip:+62811@t>;index=1"));
    }
}
