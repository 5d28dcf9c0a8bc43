//! What is known of a caller when the INVITE comes, beside what it says: marks on the number, earlier
//! calls of it, what happens at the same place. It sets the lane and the priority, each with its reason
//! on the record, and refuses nobody.

use std::collections::BTreeSet;

use crate::acd;
use crate::call::{self, Asked, State};
use crate::incident::Arrival;
use crate::journal::Fact;
use crate::routing;
use crate::screening::{self, Mass, Place, known_number, priority_of_headers};
use crate::sip::{Request, body};
use crate::trunk::settings::TrunkSettings;
use crate::vocabulary::{CallId, Lane, Moment, Now, Skill, Want};

use super::Switchboard;
use super::inbound::ticket;

/// The skill of a seat whose operator reads and writes real-time text (RFC 4103).
const TEXT: &str = "text";
/// So many other calls of a number within the hour are many.
const MANY: usize = 3;

/// What was found out about a new caller.
pub(super) struct Screened {
    lane: Lane,
    priority: u8,
    refuse: bool,
    reasons: Vec<String>,
    facts: Vec<Fact>,
    /// What a screen shows of the number at once.
    pub(super) flags: Vec<String>,
}

impl Switchboard {
    /// Looks at a new call; what is found is kept with [`Switchboard::keep_screened`], after the
    /// arrival itself.
    pub(super) fn screen(
        &mut self,
        now: Now,
        id: CallId,
        trunk: &TrunkSettings,
        arrival: &Arrival,
        base: u8,
    ) -> Screened {
        let phone = &arrival.caller.phone;
        let number = known_number(phone);
        let callable = phone.e164.clone().filter(|_| number.is_some());
        let places = places(trunk, arrival);
        let settings = &self.settings.screening;
        let masses = self.mass.arrived(now.moment, settings, &places, number.as_ref());
        let mass = places.iter().find(|place| self.mass.is_on(place)).cloned();
        let incident = self.calls.get(&id).map(|call| call.incident);
        let incident = incident.unwrap_or(crate::vocabulary::IncidentId(id.0));
        let seen = self.recent.arrived(now.wall, settings, number.as_ref(), id, incident);
        let linked = !seen.links.is_empty();
        let mut facts: Vec<Fact> = Vec::new();
        for link in seen.links {
            facts.push(Fact::Linked { call: id, to: link.call, why: link.why });
        }
        let closed = number.as_ref().and_then(|number| self.work.caller_rang_again(number));
        if let Some(closed) = &closed {
            let why = closed.why.to_owned();
            let (work, by_call) = (closed.entry.id, Some(id));
            facts.push(Fact::WorkClosed { work, why, by_call, by: String::new() });
        }
        let trusted = trunk.trust_identity;
        let headers =
            priority_of_headers(trusted, &arrival.resource_priority, arrival.priority.as_deref());
        let called_back = closed.is_some_and(|closed| !closed.entry.attempts.is_empty());
        let marked = number.as_ref().is_some_and(|n| self.marks.standing(now.wall, n).is_some());
        let flags = [
            ("marked", marked),
            ("returning", seen.lost.is_some() || called_back),
            ("many-calls", seen.others >= MANY),
        ];
        let flags: Vec<String> =
            flags.into_iter().filter(|(_, is)| *is).map(|(flag, _)| flag.to_owned()).collect();
        let decision = screening::decide(
            settings,
            &screening::Caller {
                base,
                headers: headers.as_ref(),
                service: &arrival.service,
                mark: number.as_ref().and_then(|n| self.marks.standing(now.wall, n)),
                mass: mass.as_ref(),
                lost: seen.lost.as_ref(),
                called_back,
            },
        );
        let last = number.as_ref().and_then(|n| self.recent.last_operator(n)).cloned();
        let wants = self.needs(id, arrival);
        if let Some(call) = self.calls.get_mut(&id) {
            (call.known, call.callable, call.last) = (number, callable, last);
            (call.returning, call.linked) = (seen.lost.is_some() || called_back, linked);
            call.asked = Asked {
                service: arrival.service.clone(),
                kecamatan: arrival.kecamatan.clone(),
                wants,
                raised: decision.priority.saturating_sub(base),
            };
            call.listen = !screening::is_crash(&arrival.service);
        }
        self.tell_masses(now, masses);
        let screening::Decision { lane, priority, refuse, reasons } = decision;
        Screened { lane, priority, refuse, reasons, facts, flags }
    }

    /// Puts what was found into the decision of routing; returns what is to be kept of it.
    pub(super) fn keep_screened(
        &mut self,
        id: CallId,
        screened: Screened,
        decision: &mut routing::Decision,
    ) -> Vec<Fact> {
        decision.priority = screened.priority;
        let lane = screened.lane;
        if let Some(call) = self.calls.get_mut(&id) {
            call.lane = lane;
            call.refuse = screened.refuse;
            for want in call.asked.wants.clone() {
                if decision.wants.iter().all(|known| known.skill != want.skill) {
                    decision.wants.push(want);
                }
            }
        }
        let mut facts = screened.facts;
        if lane != Lane::Usual || !screened.reasons.is_empty() {
            let why = screened.reasons.join("; ");
            facts.push(Fact::Laned { call: id, lane, why });
        }
        facts
    }

    /// What the caller's words and media ask of a seat: the first language that anybody here speaks,
    /// and real-time text. What nobody can is not asked for.
    fn needs(&self, id: CallId, arrival: &Arrival) -> Vec<Want> {
        let can = |skill: &str| self.skills.contains(skill);
        let primary = |tag: &String| tag.split('-').next().unwrap_or("").to_ascii_lowercase();
        let language = arrival.languages.iter().map(primary).find(|tag| can(tag));
        let invite = self.calls.get(&id).and_then(|call| self.endpoint.request(call.invite?));
        let text = invite.is_some_and(offers_text) && can(TEXT);
        language
            .into_iter()
            .chain(text.then(|| TEXT.to_owned()))
            .map(|skill| Want { skill: skill.into(), level: 1 })
            .collect()
    }

    /// Skills that any seat has.
    pub(super) fn all_skills(&self) -> BTreeSet<Skill> {
        self.settings.seats.iter().flat_map(|seat| seat.skills.keys().cloned()).collect()
    }

    // ---- mass incidents ----------------------------------------------------------------------

    pub(super) fn masses_due(&mut self, now: Now) {
        let due = |at: Moment| at <= now.moment;
        if self.mass.poll_timeout().is_some_and(due) {
            let over = self.mass.tick(now.moment, &self.settings.screening);
            self.tell_masses(now, over);
        }
    }

    fn tell_masses(&mut self, now: Now, masses: Vec<Mass>) {
        for Mass { place, callers, over } in masses {
            let place = place.to_string();
            if !over {
                let detail = format!("{callers} different callers at {place}: marks do not count");
                self.alarm(now, "mass-incident", detail);
            }
            self.note(now, Fact::MassIncident { place, callers, over });
        }
    }

    // ---- a new configuration -----------------------------------------------------------------

    /// New rules count for those who wait already. What they change is on the record.
    pub(super) fn route_again(&mut self, now: Now) {
        let waits = |call: &call::Call| {
            matches!(call.state, State::Arriving | State::Waiting) && call.queue.is_some()
        };
        let ids: Vec<CallId> =
            self.calls.values().filter(|call| waits(call)).map(|call| call.id).collect();
        for id in ids {
            let Some(call) = self.calls.get(&id) else { continue };
            let Some(trunk) = call.trunk() else { continue };
            // Whoever has talked waits where people have sent them, as long as that is there.
            if (call.talked || call.placed)
                && call.queue.as_ref().is_some_and(|queue| self.acd.has_queue(queue))
            {
                continue;
            }
            let facts = routing::Facts {
                trunk,
                service: &call.asked.service,
                dialled: &call.dialled,
                kecamatan: call.asked.kecamatan.as_deref(),
                // Only what was changed moves a caller, not the hour that has struck meanwhile.
                local: call.received.wall.local(&self.settings.centre.timezone),
            };
            let Some(mut decision) = routing::decide(&self.settings.rules, &facts) else {
                continue;
            };
            decision.priority = decision.priority.saturating_add(call.asked.raised).min(9);
            for want in &call.asked.wants {
                if decision.wants.iter().all(|known| known.skill != want.skill) {
                    decision.wants.push(want.clone());
                }
            }
            let same = call.queue.as_ref() == Some(&decision.queue)
                && call.priority == decision.priority
                && call.wants == decision.wants;
            if same {
                continue;
            }
            let answer = call.answer;
            let rule = format!("{} (of the new configuration)", decision.rule);
            self.assign(now, id, routing::Decision { rule, ..decision }, answer);
            if let Some(ticket) = self.calls.get(&id).and_then(|call| ticket(call)) {
                self.acd.handle(now.moment, acd::Input::Change(ticket));
            }
        }
    }
}

/// Where a call comes from: its trunk, and its cell where that is known.
fn places(trunk: &TrunkSettings, arrival: &Arrival) -> Vec<Place> {
    let cell = arrival
        .cell
        .as_ref()
        .map(|cell| Place::Cell(format!("{}-{}-{}-{}", cell.mcc, cell.mnc, cell.area, cell.cell)));
    cell.into_iter().chain([Place::Trunk(trunk.id.clone())]).collect()
}

/// Whether an INVITE offers real-time text.
fn offers_text(invite: &Request) -> bool {
    let sdp = body::sdp(&invite.headers, &invite.body).unwrap_or_default();
    call::offers_text(&sdp)
}
