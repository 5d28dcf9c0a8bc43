//! A seat dials: another seat, or a number through a trunk. Its phone has proved whose it is. No
//! incident is born by it; the record of the emergency call that the operator is in tells of it.

use crate::acd;
use crate::call::{Born, Call, Callee, Errand, Leg, Origin, Side, State};
use crate::journal::{Fact, Peer};
use crate::sip::{Dialog, Flow, Request, Scheme, ServerId, Uri};
use crate::trunk::number_plan;
use crate::vocabulary::{
    CallId, Ending, IncidentId, Now, NumberClass, Private, QueueId, SeatId, limits,
};

use super::Switchboard;
use super::inbound::hops;

/// What a seat may name in a call or a transfer.
pub(super) enum Target {
    /// Somebody who can be called; with one phone of a seat, where the address means that.
    Callee(Callee, Option<String>),
    /// A queue, for a transfer.
    Queue(QueueId),
}

impl Switchboard {
    /// A new call of a seat's phone.
    pub(super) fn seat_dials(
        &mut self,
        now: Now,
        server: ServerId,
        flow: Flow,
        request: &Request,
        seat: &SeatId,
    ) {
        let (to, phone) = match self.target(&request.uri) {
            Some(Target::Callee(to, phone)) if !self.draining => (to, phone),
            Some(Target::Callee(..)) => return self.refuse(now, server, request, 503),
            // Callers get into a queue by their trunk, never by a seat.
            Some(Target::Queue(_)) => return self.refuse(now, server, request, 403),
            None => return self.refuse(now, server, request, 404),
        };
        let own = |call: &Call| call.seat(Side::Caller) == Some(seat) && !call.is_closing();
        if self.calls.values().filter(|call| own(call)).count() >= limits::SEAT_CALLS {
            return self.refuse(now, server, request, 486);
        }
        let tag = self.dice.token();
        let Some(dialog) = Dialog::received(request, &tag, flow) else {
            return self.refuse(now, server, request, 400);
        };
        let id = CallId(self.dice.uid(now.wall));
        let attempt = match self.dials_back(now, id, seat, &to) {
            Ok(attempt) => attempt,
            Err(why) => return self.refuse_to_call(now, server, request, &why),
        };
        self.endpoint.name_tag(server, &tag);
        // Whoever is called may take longer than the phone waits before it repeats itself.
        self.endpoint.trying(now.moment, server);
        let talking = self.calls.values().find(|call| {
            call.trunk().is_some() && !call.is_closing() && call.seat(Side::Seat) == Some(seat)
        });
        let during = talking.map(|call| call.id);
        let incident = talking.map_or_else(|| IncidentId(id.0), |call| call.incident);
        let incident = attempt.map_or(incident, |(_, incident)| incident);
        let born = Born {
            id,
            incident,
            origin: Origin::Dialled(Callee::Seat(seat.clone())),
            during,
            hops: hops(&request.headers),
            received: now,
            number: Private::new(seat.to_string()),
            name: self.operator_of(seat).map(|operator| Private::new(operator.to_string())),
            dialled: to.to_string(),
            state: State::Calling,
            invite: Some(server),
            caller: Leg { instance: request.headers.instance(), ..Leg::new(dialog.pinned(), None) },
        };
        self.enter(born, Peer::Seat(seat.clone()));
        self.acd.handle(now.moment, acd::Input::Engage { seat: seat.clone(), call: id });
        let dialled =
            Fact::SeatDialled { call: id, seat: seat.clone(), to: to.to_string(), during };
        self.note(now, dialled);
        if let Some((work, _)) = attempt {
            let (seat, by) = (seat.clone(), seat.to_string());
            self.note(now, Fact::WorkTried { work, attempt: id, seat, by });
            if let Some(call) = self.calls.get_mut(&id) {
                call.callback = Some(work);
            }
        }
        if let Err(code) = self.call_out(now, id, (to, phone), Errand::Dialled) {
            self.dialled_in_vain(now, id, code, false);
        }
    }

    /// Whom an address means: a seat or a queue by its name, or a number. The centre's own
    /// emergency numbers mean its first queue.
    pub(super) fn target(&self, uri: &Uri) -> Option<Target> {
        let user = uri.user();
        if uri.scheme() != Scheme::Tel && uri.params().has("gr") {
            let (seat, phone) = self.registrar.phone_of_gruu(uri)?;
            return Some(Target::Callee(Callee::Seat(seat), Some(phone)));
        }
        if uri.scheme() != Scheme::Tel {
            if self.acd.has_seat(&user.into()) {
                return Some(Target::Callee(Callee::Seat(user.into()), None));
            }
            if self.acd.has_queue(&user.into()) {
                return Some(Target::Queue(user.into()));
            }
        }
        let number: String = user
            .split(';')
            .next()
            .unwrap_or("")
            .chars()
            .filter(|c| !matches!(c, '-' | '.' | '(' | ')' | ' '))
            .collect();
        if self.settings.centre.dialled.contains(&number) {
            return self.settings.queues.first().map(|queue| Target::Queue(queue.id.clone()));
        }
        let digits = number.strip_prefix('+').unwrap_or(&number);
        let dialable =
            (2..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        // A phone that calls its display back must not reach whoever has the number of a phone
        // without SIM.
        let area = &self.settings.centre.area_code;
        let nobody = number_plan::phone(&number, area).class == NumberClass::NoCallback;
        (dialable && !nobody).then_some(Target::Callee(Callee::Number(number), None))
    }

    /// Lets the seats of a call that a seat dialled go, and keeps its ending.
    pub(super) fn seat_call_ended(&mut self, now: Now, call: &Call, ending: Ending) {
        for side in [Side::Caller, Side::Seat] {
            if let Some(seat) = call.seat(side) {
                let over = acd::Input::Disengage { seat: seat.clone(), call: call.id };
                self.acd.handle(now.moment, over);
            }
        }
        self.note(now, Fact::SeatCallEnded { call: call.id, during: call.during, ending });
    }
}
