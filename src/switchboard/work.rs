//! Who is to be called back: lost calls come onto the work list, attempts end, a restart forgets
//! nobody.
//!
//! It never calls anybody itself; a person does (`callback`).

use crate::call::Call;
use crate::journal::Fact;
use crate::screening::{Closed, LostCall, WorkId, WorkKind, WorkOutcome, kind_of};
use crate::vocabulary::{CallId, Ending, Now, OperatorId, SeatId, WallTime};

use super::{CutOff, Recall, Switchboard};

impl Switchboard {
    /// An emergency call is over: whoever lost it is to be called back, unless they call again
    /// already.
    pub(super) fn settle_work(&mut self, at: WallTime, call: &Call, ending: &Ending) {
        let kind = kind_of(ending, call.verdict);
        self.recent.ended(at, call.id, kind);
        let here = call.known.as_ref().is_some_and(|number| self.recent.calls_now(number));
        if let Some(kind) = kind.filter(|_| !here) {
            let number = call.callable.clone();
            let lost = LostCall { call: call.id, incident: call.incident, kind, number, at };
            self.open_work(at, lost);
        }
    }

    fn open_work(&mut self, at: WallTime, lost: LostCall) {
        let (call, number) = (lost.call, lost.number.clone());
        let opened = self.work.open(WorkId(self.dice.uid(at)), lost);
        if let Some(gone) = opened.gave_way {
            self.work_closed(at, &gone, None);
        }
        // An entry that was open before may have become a more serious one.
        let Some(kind) = self.work.get(opened.work).map(|entry| entry.kind) else { return };
        self.note_at(at, Fact::WorkOpened { work: opened.work, call, kind, number });
    }

    /// An attempt to call back is over; nothing when the call was none, or was told of before.
    pub(super) fn tried(&mut self, now: Now, call: CallId, outcome: WorkOutcome) {
        let Some(tried) = self.work.attempt_over(call, outcome) else { return };
        self.note(now, Fact::WorkTriedEnded { work: tried.work, attempt: call, outcome });
        if let Some(closed) = tried.closed {
            self.work_closed(now.wall, &closed, Some(call));
        }
    }

    fn work_closed(&mut self, at: WallTime, closed: &Closed, by_call: Option<CallId>) {
        let (work, why, by) = (closed.entry.id, closed.why.to_owned(), String::new());
        self.note_at(at, Fact::WorkClosed { work, why, by_call, by });
    }

    /// Who sits at a seat.
    pub(super) fn operator_of(&self, seat: &SeatId) -> Option<OperatorId> {
        self.acd.operator(seat).cloned()
    }

    // ---- after a restart ---------------------------------------------------------------------

    /// The records tell of the time before the start. Calls have come and gone since: what lives
    /// knows better than what was kept.
    pub(super) fn recalled(&mut self, now: Now, recall: Recall) {
        self.marks.restore(now.wall, recall.marks);
        self.remember_places(now, recall.places);
        let mut kept = recall.work;
        kept.retain(|entry| self.work.get(entry.id).is_none());
        for entry in &kept {
            // Nobody calls any more for an attempt that the stop cut off.
            for attempt in entry.attempts.iter().filter(|attempt| attempt.outcome.is_none()) {
                let (work, attempt, outcome) = (entry.id, attempt.call, WorkOutcome::SeatLeft);
                self.note(now, Fact::WorkTriedEnded { work, attempt, outcome });
            }
            let past = CutOff {
                call: entry.call,
                incident: entry.incident,
                known: entry.number.clone(),
                callable: entry.number.clone(),
                operator: None,
                at: entry.at,
            };
            self.remember_lost(&past, entry.kind);
        }
        let numbers: Vec<_> = kept.iter().filter_map(|entry| entry.number.clone()).collect();
        for gone in self.work.restore(kept) {
            self.work_closed(now.wall, &gone, None);
        }
        for number in &numbers {
            if self.recent.calls_now(number)
                && let Some(closed) = self.work.caller_rang_again(number)
            {
                self.work_closed(now.wall, &closed, None);
            }
        }
        for lost in recall.cut_off {
            self.remember_lost(&lost, WorkKind::Dropped);
            let CutOff { call, incident, known, callable: number, at, .. } = lost;
            if known.is_none_or(|number| !self.recent.calls_now(&number)) {
                let kind = WorkKind::Dropped;
                self.open_work(now.wall, LostCall { call, incident, kind, number, at });
            }
        }
    }

    /// Whoever lost this call is known when they call again.
    fn remember_lost(&mut self, lost: &CutOff, kind: WorkKind) {
        let screening = &self.settings.screening;
        self.recent.arrived(lost.at, screening, lost.known.as_ref(), lost.call, lost.incident);
        self.recent.answered(lost.call, lost.operator.as_ref());
        self.recent.ended(lost.at, lost.call, Some(kind));
    }
}
