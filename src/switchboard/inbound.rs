//! A new request from outside: who is it from, what is it for. A new INVITE is followed from here
//! in reading order: admission, arrival, (journal), queue.

use std::sync::Arc;

use bytes::Bytes;

use crate::acd;
use crate::call::{Born, Call, Leg, Origin, Side, State};
use crate::incident::{Arrival, Brief};
use crate::journal::{Fact, Peer};
use crate::routing;
use crate::screening::Recalled;
use crate::sip::digest::Verdict;
use crate::sip::message::SUPPORTED;
use crate::sip::parse::{NotSip, Oddity};
use crate::sip::{Dialog, Flow, Headers, Method, Name, Request, Response, Scheme, ServerId};
use crate::trunk::settings::TrunkSettings;
use crate::trunk::{self, DialledKind};
use crate::vocabulary::{
    AnswerMode, CallId, Cause, Ending, IncidentId, Moment, Now, Party, Private, SeatId, Stage,
    TrunkId, limits,
};

use super::plan::{self, Destination};
use super::{Switchboard, Timer};

/// What we understand; written into every 200 to OPTIONS and every 405.
pub(super) const ALLOW: &str =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, MESSAGE, REGISTER, REFER";
const ACCEPT: &str = "application/sdp, multipart/mixed, application/pidf+xml, text/plain, \
     application/EmergencyCallData.cap+xml, application/EmergencyCallData.eCall.MSD";

/// Who a request is from.
pub(super) enum Admission {
    Trunk(Box<TrunkSettings>),
    Seat(SeatId),
    Challenge { stale: bool },
    Stranger,
}

impl Switchboard {
    /// A request that is new to the transaction layer.
    pub(super) fn request(
        &mut self,
        now: Now,
        server: ServerId,
        flow: Flow,
        request: &Request,
        oddities: &[Oddity],
    ) {
        if let Some(trunk) = self.trunk_of(&flow).map(|trunk| trunk.id.clone()) {
            self.heard_from(now, &trunk);
        }
        let to_tag = request.headers.to().and_then(|to| to.tag().map(str::to_owned));
        if let Some(tag) = to_tag {
            return self.in_dialog(now, server, flow, request, &tag);
        }
        match request.method {
            Method::Invite => self.invite(now, server, flow, request, oddities),
            Method::Register => self.register(now, server, flow, request),
            Method::Message => self.message(now, server, flow, request, oddities),
            _ if !self.is_known(&flow) => {
                self.unknown_source += 1;
                self.endpoint.forget(server);
            }
            Method::Options => self.options(now, server, request, &flow),
            Method::Bye | Method::Update | Method::Prack | Method::Cancel => {
                self.refuse(now, server, request, 481);
            }
            _ => {
                let tag = self.dice.token();
                let response = request.response(405, &tag).with(Name::Allow, ALLOW);
                self.endpoint.respond(now.moment, server, response);
            }
        }
    }

    pub(super) fn is_known(&self, flow: &Flow) -> bool {
        self.trunk_of(flow).is_some() || self.registrar.knows(flow.remote)
    }

    /// Bytes that are no SIP.
    pub(super) fn junk(&mut self, now: Now, flow: Flow, why: NotSip, bytes: &Bytes) {
        if why != NotSip::KeepAlive {
            self.malformed += 1;
            self.keep_malformed(now, flow, why.to_string(), bytes);
        }
    }

    /// Keeps what a carrier sent and nobody could read; one in a while, for a switch that is broken sends
    /// many. Of strangers nothing is kept.
    fn keep_malformed(&mut self, now: Now, flow: Flow, why: String, bytes: &Bytes) {
        let Some(trunk) = self.trunk_of(&flow).map(|trunk| trunk.id.clone()) else { return };
        let count = self.trunk_counts.entry(trunk.clone()).or_default();
        let lately = |at: Moment| now.moment < at.after(limits::MALFORMED_EVERY);
        if count.malformed.is_some_and(lately) {
            return;
        }
        count.malformed = Some(now.moment);
        let malformed = trunk::Malformed::new(trunk, flow.to_string(), why, bytes);
        self.note(now, Fact::MalformedMessage(Box::new(malformed)));
    }

    /// A request too broken to handle. A stranger hears of it only where it would hear anything.
    pub(super) fn unreadable(&mut self, now: Now, flow: Flow, request: &Request, code: u16) {
        self.keep_malformed(now, flow, format!("answered {code}"), &request.raw);
        let trunk = self.trunk_of(&flow).map(|trunk| trunk.id.clone());
        if let (Some(trunk), Method::Invite) = (trunk, &request.method) {
            // Somebody may have called 112, and there is no call that a record could be of.
            self.alarm(now, "invite-unreadable", format!("trunk {trunk}: answered {code}"));
        }
        if matches!(request.method, Method::Invite | Method::Register) || self.is_known(&flow) {
            self.endpoint.reject(flow, request, code);
        } else {
            self.unknown_source += 1;
        }
    }

    /// OPTIONS tells the truth: 503 while we take no new calls, so that the trunk fails over.
    fn options(&mut self, now: Now, server: ServerId, request: &Request, flow: &Flow) {
        let tag = self.dice.token();
        let response = if self.draining {
            request.response(503, &tag).with(Name::RetryAfter, "30")
        } else if request.uri.scheme() == Scheme::Other {
            request.response(416, &tag)
        } else if let Some(refusal) = request.bad_extension(&tag) {
            refusal
        } else {
            self.capable(request.response(200, &tag), flow)
        };
        self.endpoint.respond(now.moment, server, response);
    }

    fn capable(&self, response: Response, flow: &Flow) -> Response {
        response
            .with(Name::Allow, ALLOW)
            .with(Name::Accept, ACCEPT)
            .with(Name::Supported, SUPPORTED)
            .with(Name::Contact, self.contact(flow))
    }

    // ---- a new call --------------------------------------------------------------------------

    fn invite(
        &mut self,
        now: Now,
        server: ServerId,
        flow: Flow,
        request: &Request,
        oddities: &[Oddity],
    ) {
        match self.admit(now, &flow, request) {
            Admission::Trunk(trunk) => match self.replaced_by_trunk(request, &trunk) {
                Some(leg) => self.take_over(now, server, flow, request, leg, None),
                None => self.arrive(now, server, flow, request, oddities, &trunk),
            },
            Admission::Seat(_) if !request.unknown_extensions().is_empty() => {
                let refusal = request.bad_extension(&self.dice.token());
                if let Some(refusal) = refusal {
                    self.endpoint.respond(now.moment, server, refusal);
                }
            }
            Admission::Seat(seat) => match self.replaced_by_seat(request) {
                Ok(Some(leg)) => self.take_over(now, server, flow, request, leg, Some(seat)),
                Ok(None) => self.seat_dials(now, server, flow, request, &seat),
                Err(code) => self.refuse(now, server, request, code),
            },
            Admission::Challenge { stale } => {
                self.unknown_source += 1;
                let response =
                    self.registrar.challenge(now.moment, request, &flow, stale, &mut self.dice);
                self.endpoint.answer_once(server, response);
            }
            Admission::Stranger => {
                self.unknown_source += 1;
                let response = request.response(403, &self.dice.token());
                self.endpoint.answer_once(server, response);
            }
        }
    }

    pub(super) fn admit(&mut self, now: Now, flow: &Flow, request: &Request) -> Admission {
        if let Some(trunk) = self.trunk_of(flow) {
            return Admission::Trunk(Box::new(trunk.clone()));
        }
        let phone = self.registrar.knows(flow.remote);
        if !phone && !self.trunks.has_digest() || self.is_locked_out(now, flow, request) {
            return Admission::Stranger;
        }
        let trunks = &self.trunks;
        let find = |name: &str| trunks.by_user(name).and_then(|t| t.digest.as_ref());
        let source = flow.remote.ip();
        match self.registrar.check(now.moment, request, source, find) {
            Verdict::Proven(name) => match (self.trunks.by_user(&name), phone) {
                (Some(trunk), _) => {
                    self.guesses.proved(now.moment, source);
                    Admission::Trunk(Box::new(trunk.clone()))
                }
                (None, true) => match self.registrar.seat_of(&name) {
                    Some(seat) => Admission::Seat(seat.clone()),
                    None => Admission::Stranger,
                },
                // A seat calls from where its phone is registered, and from nowhere else.
                (None, false) => Admission::Stranger,
            },
            Verdict::Challenge { stale } => Admission::Challenge { stale },
            Verdict::Wrong => {
                self.login_wrong(now, flow);
                Admission::Stranger
            }
        }
    }

    /// The call is born: its first entry goes to the disk, and it goes on when it is there.
    fn arrive(
        &mut self,
        now: Now,
        server: ServerId,
        flow: Flow,
        request: &Request,
        oddities: &[Oddity],
        trunk: &TrunkSettings,
    ) {
        let (mut arrival, kind) = trunk::arrival(
            request,
            trunk,
            &self.settings.centre,
            &self.settings.places,
            &self.settings.categories,
        );
        self.place_arrival(now, trunk, &mut arrival);
        arrival.findings.extend(oddities.iter().map(ToString::to_string));
        // Whatever the carrier insists on: somebody calls 112.
        let unknown = request.unknown_extensions().into_iter();
        arrival.findings.extend(unknown.map(|tag| format!("requires {tag}, which we have not")));
        let id = CallId(self.dice.uid(now.wall));
        let incident = IncidentId(self.dice.uid(now.wall));
        let tag = self.dice.token();
        self.endpoint.name_tag(server, &tag);
        let Some(dialog) = Dialog::received(request, &tag, flow) else {
            return self.refuse(now, server, request, 400);
        };
        // One that is known by its account, not by where it is, speaks here.
        self.heard_from(now, &trunk.id);
        self.trunk_counts.entry(trunk.id.clone()).or_default().calls += 1;
        self.bear(now, server, id, incident, &trunk.id, &arrival, dialog);
        let routed = self.route(now, trunk, &arrival, kind);
        let screened = match &routed {
            Routed::Queue { decision, .. } if !self.draining => {
                Some(self.screen(now, id, trunk, &arrival, decision.priority))
            }
            _ => None,
        };
        let earlier = self.place_call(now, id, &arrival);
        self.ask_beside(now, id, request, kind, &arrival);
        let ticket = self.note(
            now,
            Fact::Arrived {
                call: id,
                incident,
                trunk: trunk.id.clone(),
                source: flow.to_string(),
                arrival: Box::new(arrival),
            },
        );
        for located in earlier {
            self.note(now, Fact::Located(Box::new(located)));
        }
        match routed {
            _ if self.draining => return self.turn_away(now, id, 503, Cause::Draining),
            Routed::Test if self.test_calls() > limits::TEST_CALLS => {
                return self.turn_away(now, id, 486, Cause::TooManyTests);
            }
            Routed::Test => {}
            Routed::Queue { mut decision, answer } => {
                let mut facts = Vec::new();
                if let Some(screened) = screened {
                    if !screened.flags.is_empty() {
                        let flags = screened.flags.clone();
                        let recalled = Box::new(Recalled { call: id, flags });
                        self.note(now, Fact::CallerRecalled(recalled));
                    }
                    facts = self.keep_screened(id, screened, &mut decision);
                }
                self.assign(now, id, decision, answer);
                for fact in facts {
                    self.note(now, fact);
                }
            }
        }
        self.endpoint.trying(now.moment, server);
        self.arriving.insert(ticket, id);
        self.deadlines.set(Timer::Journal(id), now.moment.after(limits::JOURNAL_WAIT));
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one birth, known only here")]
    fn bear(
        &mut self,
        now: Now,
        server: ServerId,
        id: CallId,
        incident: IncidentId,
        trunk: &TrunkId,
        arrival: &Arrival,
        dialog: Dialog,
    ) {
        let phone = &arrival.caller.phone;
        let born = Born {
            id,
            incident,
            origin: Origin::Trunk(trunk.clone()),
            during: None,
            hops: self.endpoint.request(server).map_or(HOPS, |r| hops(&r.headers)),
            received: now,
            number: phone.e164.clone().unwrap_or_else(|| phone.raw.clone()),
            name: arrival.caller.name.clone(),
            dialled: arrival.dialled.clone(),
            state: State::Arriving,
            invite: Some(server),
            caller: Leg::new(dialog, None),
        };
        self.enter(born, Peer::Trunk(trunk.clone()));
        if let Some(call) = self.calls.get_mut(&id) {
            call.brief = Arc::new(Brief::of(arrival));
        }
    }

    /// A call that is born is found by its INVITE, its dialog and its messages.
    pub(super) fn enter(&mut self, born: Born, peer: Peer) {
        let (id, server, key) = (born.id, born.invite, born.caller.dialog.key().clone());
        self.follow(&key.call_id, id, peer);
        if let Some(server) = server {
            self.invites.insert(server, (id, Side::Caller));
        }
        self.dialogs.insert(key, (id, Side::Caller));
        self.calls.insert(id, Box::new(Call::new(born)));
    }

    pub(super) fn assign(
        &mut self,
        now: Now,
        id: CallId,
        decision: routing::Decision,
        answer: AnswerMode,
    ) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.queue = Some(decision.queue.clone());
            call.priority = decision.priority;
            call.wants.clone_from(&decision.wants);
            call.answer = answer;
        }
        let routing::Decision { queue, rule, priority, wants } = decision;
        self.note(now, Fact::Queued { call: id, queue, rule, priority, answer, wants });
    }

    fn route(
        &self,
        now: Now,
        trunk: &TrunkSettings,
        arrival: &Arrival,
        kind: DialledKind,
    ) -> Routed {
        match plan::destination(&self.settings, trunk, arrival, kind, now.wall) {
            Destination::Queue { queue, rule, priority, wants, answer, .. } => {
                let decision = routing::Decision { queue, rule, priority, wants };
                Routed::Queue { decision, answer }
            }
            Destination::Test { .. } | Destination::Stranger => Routed::Test,
        }
    }

    /// The only two final refusals that a known trunk gets: draining and too many test calls.
    fn turn_away(&mut self, now: Now, id: CallId, code: u16, cause: Cause) {
        self.refuse_invite(now, id, code);
        let ending = Ending { stage: Stage::Arriving, by: Party::Gateway, cause, q850: None };
        self.end(now, id, ending);
    }

    // ---- the first entry is on disk ----------------------------------------------------------

    /// The call goes on: into its queue, or to the test call.
    pub(super) fn arrived(&mut self, now: Now, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        if call.state != State::Arriving {
            return;
        }
        if call.queue.is_none() {
            return self.start_test(now, id);
        }
        call.state = State::Waiting;
        let answer = call.answer;
        let held_back = self.receive_guest(now, id);
        let ticket = self.calls.get(&id).filter(|_| !held_back).and_then(|call| ticket(call));
        self.deadlines.set(Timer::KeepRinging(id), now.moment.after(limits::KEEP_RINGING));
        if let Some(delay) = answer.delay() {
            self.deadlines.set(Timer::Answer(id), now.moment.after(delay));
        }
        if let Some(ticket) = ticket {
            self.acd.handle(now.moment, acd::Input::Wait(ticket));
        }
    }

    /// 180 with the early dialog's tag.
    pub(super) fn ringing_response(&mut self, now: Now, id: CallId) {
        let Some(call) = self.calls.get(&id) else { return };
        let Some(server) = call.invite else { return };
        let key = call.caller.dialog.key().clone();
        let Some(request) = self.endpoint.request(server) else { return };
        let contact = self.contact(&call.caller.dialog.next_hop());
        let response = request
            .response(180, &key.local_tag)
            .with(Name::Contact, contact)
            .with(Name::Allow, ALLOW)
            .with(Name::Supported, SUPPORTED);
        self.respond_early(now, server, &key, response);
    }

    pub(super) fn keep_ringing(&mut self, now: Now, id: CallId) {
        let waits = self.calls.get(&id).is_some_and(|c| c.state == State::Waiting);
        if waits {
            if !self.progress_again(now, id) {
                self.ringing_response(now, id);
            }
            self.deadlines.set(Timer::KeepRinging(id), now.moment.after(limits::KEEP_RINGING));
        }
    }
}

/// A call as its queue sees it; none for one that has no queue.
pub(super) fn ticket(call: &Call) -> Option<acd::Ticket> {
    Some(acd::Ticket {
        call: call.id,
        queue: call.queue.clone()?,
        priority: call.priority,
        arrived: call.received.moment,
        lane: call.lane,
        wants: call.wants.clone(),
        last: call.last.clone(),
    })
}

/// Max-Forwards of a request that names none, or none that can be read; no call needs more.
pub(super) const HOPS: u32 = 70;

/// We are the last stop of a call to 112, so 0 is as good as any (RFC 3261 §16.3 step 3 is for
/// those who send it on).
pub(super) fn hops(headers: &Headers) -> u32 {
    headers.number(&Name::MaxForwards).map_or(HOPS, |hops| hops.min(HOPS))
}

/// Where a new call goes.
enum Routed {
    Test,
    Queue { decision: routing::Decision, answer: AnswerMode },
}

/// The caller as a seat's phone shows it.
pub(super) fn display(name: Option<&Private<String>>, number: &Private<String>) -> String {
    match name {
        Some(name) if !name.reveal().is_empty() => name.reveal().clone(),
        _ => number.reveal().clone(),
    }
}
