//! The live board, made from what lives at this moment.

use crate::acd;
use crate::call::{LegMedia, Side, State};
use crate::callout::{Link, Outcome, Run, Standing};
use crate::screening::Verdict;
use crate::vocabulary::{Moment, Now, SeatId, WallTime, limits};

use super::Switchboard;
use super::view::{
    Board, CallView, ChainNumberView, ChainStepView, ChainView, PartyView, QualityView, QueueView,
    SeatView, TrunkView,
};

impl Switchboard {
    /// Phones of a seat that are none in a browser.
    fn desk_phones(&self, seat: &SeatId) -> usize {
        let phones = self.registrar.phones(seat).iter();
        phones.filter(|phone| !phone.flow.transport.is_web()).count()
    }

    pub(super) fn board(&self, now: Now) -> Board {
        let seconds = |since: Moment| now.moment.since(since).as_secs();
        let words = |pauses: &[acd::Pause]| -> Vec<String> {
            pauses.iter().map(|pause| pause.word().to_owned()).collect()
        };
        Board {
            at: now.wall,
            draining: self.draining,
            calls: self.call_views(now),
            queues: self
                .acd
                .queues()
                .map(|q| QueueView {
                    queue: q.queue,
                    waiting: q.waiting + q.ringing,
                    lanes: q.lanes,
                    ringing: q.ringing,
                    oldest_seconds: q.oldest.map_or(0, seconds),
                    ready_seats: q.ready_seats,
                    seats: q.seats,
                })
                .collect(),
            seats: self
                .acd
                .seats()
                .map(|s| SeatView {
                    phones: self.registrar.phones(&s.seat).len(),
                    desk_phones: self.desk_phones(&s.seat),
                    signed_in: self.acd.sits(&s.seat).cloned(),
                    seat: s.seat,
                    operator: s.operator,
                    state: s.state.word().to_owned(),
                    reason: words(&s.pauses).join(", "),
                    pauses: words(&s.pauses),
                    wrap_up_until: s.wrap_up_until.map(|until| wall(now, until)),
                    talks: s.talks,
                    call: s.call,
                    seconds: seconds(s.since),
                    queues: s.queues,
                })
                .collect(),
            trunks: self.trunk_views(now),
            unknown_source: self.unknown_source,
            refused_logins: self.refused_logins,
            locked_sources: self.guesses.locked(now.moment),
            malformed: self.malformed,
            orphans: self.orphans,
            marks: self.marks.count(now.wall),
            work_open: self.work.count(),
            mass_incidents: self.mass.on().count(),
            locations_waiting: self.places.whereabouts.waiting(),
        }
    }

    fn call_views(&self, now: Now) -> Vec<CallView> {
        let view = |call: &crate::call::Call| {
            let ringing = call.ringing.values().next();
            let dialled = call.calling.as_ref().and_then(|c| c.to.seat());
            let seat = call.seat(Side::Seat).or(ringing.map(|r| &r.seat)).or(dialled);
            let state = match call.state {
                State::Closing(_) => "ending",
                _ => call.stage().word(),
            };
            let known = self.places.whereabouts.of(call.id);
            let answered = call.talk.as_ref().map(|t| t.answered.moment);
            CallView {
                call: call.id,
                incident: call.incident,
                trunk: call.trunk().cloned(),
                from_seat: call.seat(Side::Caller).cloned(),
                caller: call.number.clone(),
                brief: call.brief.clone(),
                dialled: call.dialled.clone(),
                state: state.to_owned(),
                queue: call.queue.clone(),
                lane: call.lane,
                priority: call.priority,
                wants: call.wants.clone(),
                flags: flags(call),
                keys: call.typed.iter().collect(),
                seat: seat.cloned(),
                answer: call.answer,
                received_at: call.received.wall,
                age_seconds: now.moment.since(call.received.moment).as_secs(),
                answered_after_seconds: answered.map(|a| a.since(call.received.moment).as_secs()),
                parties: parties(call),
                chain: self.chains.of(call.id).map(chain),
                private: call.private,
                quality: QualityView {
                    caller: call.quality[0],
                    seat: call.quality[1],
                    caller_mute: call.mute[0],
                    seat_mute: call.mute[1],
                    caller_quiet_seconds: call
                        .quiet
                        .map(|told| (now.moment.since(told) + limits::QUIET).as_secs()),
                },
                place: known.map(|known| known.place.clone()).unwrap_or_default(),
                locations: known.map(|known| known.locations.clone()).unwrap_or_default(),
                cell: known.and_then(|known| known.cell.clone()),
                on_hold: call.caller.held || call.talk.as_ref().is_some_and(|t| t.leg.held),
            }
        };
        self.calls.values().map(|call| view(call)).collect()
    }

    fn trunk_views(&self, now: Now) -> Vec<TrunkView> {
        let view = |trunk: &crate::trunk::settings::TrunkSettings| {
            let count = self.trunk_counts.get(&trunk.id).copied().unwrap_or_default();
            TrunkView {
                trunk: trunk.id.clone(),
                calls: self.calls.values().filter(|c| c.trunk() == Some(&trunk.id)).count(),
                calls_total: count.calls,
                line: self.line_view(now, &trunk.id),
                last_heard_seconds: count.last_heard.map(|at| now.moment.since(at).as_secs()),
            }
        };
        self.trunks.iter().map(view).collect()
    }
}

/// A chain with what came of each number.
fn chain(run: &Run) -> ChainView {
    let state = match &run.standing {
        Standing::Ringing { .. } => "ringing",
        Standing::Answered { .. } => "answered",
        Standing::Over { verdict, .. } => verdict.word(),
    };
    let why = match &run.standing {
        Standing::Over { why, .. } => why.clone(),
        _ => String::new(),
    };
    let number = |at: usize, to: &String| {
        let tried = run.attempts.iter().find(|it| it.link == at && it.to == *to);
        let state = match tried {
            None => "waiting",
            Some(it) => it.outcome.map_or(state, Outcome::word),
        };
        ChainNumberView {
            to: to.clone(),
            state: state.to_owned(),
            began_at: tried.map(|it| it.began),
            answered_at: tried.and_then(|it| it.answered),
            party: tried.and_then(|it| it.party),
        }
    };
    let step = |(at, link): (usize, &Link)| {
        let contact = link.contact.as_ref();
        let numbers = contact.map(|contact| contact.numbers.as_slice()).unwrap_or_default();
        ChainStepView {
            role: link.role.clone(),
            contact: contact.map(|contact| contact.id.clone()),
            name: contact.map(|contact| contact.full_name.clone()).unwrap_or_default(),
            agency: contact.and_then(|contact| contact.agency.clone()),
            note: contact.map(|contact| contact.note.clone()).unwrap_or_default(),
            numbers: numbers.iter().map(|to| number(at, to)).collect(),
        }
    };
    ChainView {
        chain: run.begun.chain.clone(),
        title: run.begun.title.clone(),
        by: run.begun.by.clone(),
        begun_at: run.at,
        kecamatan: run.begun.kecamatan.clone(),
        state: state.to_owned(),
        why,
        steps: run.begun.links.iter().enumerate().map(step).collect(),
    }
}

/// Who was brought in, in order.
fn parties(call: &crate::call::Call) -> Vec<PartyView> {
    let here = call.parties.iter().map(|(party, it)| {
        (party, &it.who, (it.part, it.muted), if it.leg.held { "hold" } else { "here" })
    });
    let rings =
        call.inviting.iter().map(|(party, it)| (party, &it.to, (it.part, it.muted), "ringing"));
    let mut parties: Vec<PartyView> = here
        .chain(rings)
        .map(|(party, who, (part, muted), state)| PartyView {
            party: party.0,
            who: who.to_string(),
            part,
            muted,
            state: state.to_owned(),
        })
        .collect();
    parties.sort_by_key(|party| party.party);
    parties
}

/// What is known of the caller from before, and what listening has found.
fn flags(call: &crate::call::Call) -> Vec<String> {
    let left = call.left.is_some();
    let before = [(call.returning, "returning"), (call.linked, "linked"), (left, "caller-left")];
    let heard: &[&str] = match call.verdict {
        None => &[],
        Some(Verdict::Spoke) => &["spoke"],
        Some(Verdict::Tapped) => &["tapped"],
        Some(Verdict::Pressed) => &["pressed"],
        Some(Verdict::Wrote) => &["wrote"],
        Some(Verdict::Silent { noise: false }) => &["silent"],
        Some(Verdict::Silent { noise: true }) => &["silent", "noise"],
    };
    let before = before.into_iter().filter_map(|(is, word)| is.then_some(word));
    let text = call.caller.media.as_ref().and_then(LegMedia::aim).and_then(|aim| aim.text);
    let text = (text.is_some() || !call.writing.is_empty()).then_some("text");
    before
        .chain(heard.iter().copied())
        .chain(text)
        .map(str::to_owned)
        .chain(call.machines.iter().map(|(side, word)| match side {
            Side::Caller => (*word).to_owned(),
            Side::Seat | Side::Guest(_) => format!("called-{word}"),
        }))
        .collect()
}

/// A moment to come, as the calendar says it.
fn wall(now: Now, moment: Moment) -> WallTime {
    let ahead = i64::try_from(moment.since(now.moment).as_micros()).unwrap_or(i64::MAX);
    WallTime(now.wall.0.saturating_add(ahead))
}
