//! The work list: lost calls whose callers are to be called back, with every attempt.
//!
//! A number has one open entry at most, and one attempt at a time, whatever list or seat it comes from.
//! An entry closes when somebody answered, when the caller rang again, or when a person closes it. It
//! is calendar time throughout: the list outlives the program.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::span::since;
use super::{Attempt, Verdict, WorkEntry, WorkId, WorkKind, WorkOutcome};
use crate::vocabulary::{
    CallId, Cause, Ending, IncidentId, Party, Private, SeatId, Stage, WallTime, limits,
};

/// Whether a call that ended so is to be called back, and as what. `heard` is what listening found, if
/// anybody listened.
///
/// Abandoned is only who left of their own will before anybody answered, however soon. A call that we
/// or the network ended is dropped, whether it waited or talked. Who said nothing but was not quiet is
/// called back even if an operator has listened. Nobody else is: a talk that either side ended is over,
/// and a call that was turned away while draining goes another way by itself.
#[must_use]
pub const fn kind_of(ending: &Ending, heard: Option<Verdict>) -> Option<WorkKind> {
    let noise = matches!(heard, Some(Verdict::Silent { noise: true }));
    let talked = matches!(ending.stage, Stage::Talking);
    match (ending.stage, ending.cause) {
        (Stage::Test, _)
        | (
            _,
            Cause::Transferred
            | Cause::NotReached
            | Cause::TestOver
            | Cause::TooManyTests
            | Cause::Draining
            | Cause::Nuisance,
        ) => None,
        (
            _,
            Cause::NetworkTimer
            | Cause::NetworkFault
            | Cause::NoAck
            | Cause::DialogLost
            | Cause::Restart
            | Cause::InternalFault,
        ) => Some(WorkKind::Dropped),
        (_, Cause::HungUp | Cause::Cancelled) if noise => Some(WorkKind::GhostWithNoise),
        (_, Cause::HungUp | Cause::Cancelled)
            if !talked && matches!(ending.by, Party::Caller | Party::Network) =>
        {
            Some(WorkKind::Abandoned)
        }
        (_, Cause::HungUp | Cause::Cancelled) => None,
    }
}

/// A lost call, as the list is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostCall {
    /// The call.
    pub call: CallId,
    /// Its incident.
    pub incident: IncidentId,
    /// How it was lost.
    pub kind: WorkKind,
    /// The number to call, E.164; none where nobody can be called.
    pub number: Option<Private<String>>,
    /// When it was lost.
    pub at: WallTime,
}

/// What became of a lost call in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Its entry: a new one, or that of an earlier call of the number.
    pub work: WorkId,
    /// The entry is new.
    pub new: bool,
    /// An old entry that had to give way to it.
    pub gave_way: Option<Closed>,
}

/// An entry that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The entry as it was last.
    pub entry: WorkEntry,
    /// Why, in words.
    pub why: &'static str,
}

/// An attempt that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Its entry, which may be closed by now.
    pub work: WorkId,
    /// The entry, when this has closed it.
    pub closed: Option<Closed>,
}

/// Why nobody was called; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CannotCall {
    /// No such open entry.
    #[error("the work list has no open entry {0}")]
    NoSuchWork(WorkId),
    /// The caller has no number.
    #[error("this caller cannot be called: the network gave no number")]
    NoNumber,
    /// An attempt goes on.
    #[error("seat {0} is calling this number at the moment; wait for what comes of it")]
    BeingCalled(SeatId),
}

/// An attempt that goes on. It holds its number even when its entry is closed meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Calling {
    work: WorkId,
    seat: SeatId,
    number: Private<String>,
    at: WallTime,
}

/// Who is to be called back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkList {
    open: BTreeMap<WorkId, WorkEntry>,
    by_number: BTreeMap<Private<String>, WorkId>,
    /// Attempts that go on, by their calls.
    calling: BTreeMap<CallId, Calling>,
}

impl WorkList {
    /// A call was lost. It joins the open entry of its number, which then keeps its id, its place and
    /// its first call, counts one more and becomes the more serious of both kinds; else it gets an
    /// entry `id`.
    ///
    /// When the list is full an old entry gives way: first one that nobody can call.
    pub fn open(&mut self, id: WorkId, lost: LostCall) -> Opened {
        let known = lost.number.as_ref().and_then(|number| self.by_number.get(number)).copied();
        if let Some(entry) = known.and_then(|known| self.open.get_mut(&known)) {
            entry.kind = entry.kind.max(lost.kind);
            entry.times = entry.times.saturating_add(1);
            return Opened { work: entry.id, new: false, gave_way: None };
        }
        let gave_way = self.make_room();
        let LostCall { call, incident, kind, number, at } = lost;
        self.keep(WorkEntry {
            id,
            call,
            incident,
            kind,
            number,
            at,
            times: 1,
            attempts: Vec::new(),
        });
        Opened { work: id, new: true, gave_way }
    }

    /// A seat calls back by the new call `call`. Returns the number.
    ///
    /// # Errors
    ///
    /// There is no such open entry, it has no number, or the number is being called.
    pub fn try_call(
        &mut self,
        now: WallTime,
        work: WorkId,
        call: CallId,
        seat: &SeatId,
    ) -> Result<Private<String>, CannotCall> {
        let entry = self.open.get(&work).ok_or(CannotCall::NoSuchWork(work))?;
        let number = entry.number.clone().ok_or(CannotCall::NoNumber)?;
        if let Some(calling) = self.being_called(now, &number) {
            return Err(CannotCall::BeingCalled(calling.seat.clone()));
        }
        let stale: Vec<_> = self.calls_of(&number).map(|(call, _)| call).collect();
        for call in stale {
            self.attempt_over(call, WorkOutcome::SeatLeft);
        }
        let calling = Calling { work, seat: seat.clone(), number: number.clone(), at: now };
        self.calling.insert(call, calling);
        if let Some(entry) = self.open.get_mut(&work) {
            if entry.attempts.len() >= limits::WORK_ATTEMPTS {
                entry.attempts.remove(0);
            }
            entry.attempts.push(Attempt { call, seat: seat.clone(), at: now, outcome: None });
        }
        Ok(number)
    }

    /// An attempt is over: the number is free for the next. The entry closes if somebody answered; a
    /// mailbox is nobody. None when the call was no attempt, or was told of before.
    pub fn attempt_over(&mut self, call: CallId, outcome: WorkOutcome) -> Option<Tried> {
        let Calling { work, .. } = self.calling.remove(&call)?;
        let attempts = self.open.get_mut(&work).map(|entry| &mut entry.attempts);
        if let Some(attempt) = attempts.into_iter().flatten().find(|a| a.call == call) {
            attempt.outcome = Some(outcome);
        }
        let answered = outcome == WorkOutcome::Answered;
        let closed = if answered { self.take(work, "somebody answered") } else { None };
        Some(Tried { work, closed })
    }

    /// The caller rings again: their entry is done. An attempt that rings at them at this moment goes
    /// on until it is told to be over; see [`WorkList::attempt_on`].
    pub fn caller_rang_again(&mut self, number: &Private<String>) -> Option<Closed> {
        let work = *self.by_number.get(number)?;
        self.take(work, "the caller rang again")
    }

    /// The call by which a number is called back at this moment.
    #[must_use]
    pub fn attempt_on(&self, number: &Private<String>) -> Option<CallId> {
        self.calls_of(number).map(|(call, _)| call).last()
    }

    /// A person closes an entry, for a reason of their own. Returns it, if it was open.
    pub fn close(&mut self, work: WorkId) -> Option<WorkEntry> {
        self.take(work, "").map(|closed| closed.entry)
    }

    /// The open entry of that id.
    #[must_use]
    pub fn get(&self, work: WorkId) -> Option<&WorkEntry> {
        self.open.get(&work)
    }

    /// The open entry of a number.
    #[must_use]
    pub fn of_number(&self, number: &Private<String>) -> Option<&WorkEntry> {
        self.by_number.get(number).and_then(|work| self.open.get(work))
    }

    /// How many entries are open.
    #[must_use]
    pub fn count(&self) -> usize {
        self.open.len()
    }

    /// Every open entry, the oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<WorkEntry> {
        let mut entries: Vec<_> = self.open.values().cloned().collect();
        entries.sort_by_key(|entry| (entry.at, entry.id));
        entries
    }

    /// Takes over entries that were kept. Whoever called somebody back then does so no more: such an
    /// attempt counts as left by its seat. Returns entries that had to give way.
    pub fn restore(&mut self, entries: Vec<WorkEntry>) -> Vec<Closed> {
        let mut gave_way = Vec::new();
        for mut entry in entries {
            for attempt in &mut entry.attempts {
                attempt.outcome.get_or_insert(WorkOutcome::SeatLeft);
            }
            let surplus = entry.attempts.len().saturating_sub(limits::WORK_ATTEMPTS);
            entry.attempts.drain(..surplus);
            let known = entry.number.as_ref().and_then(|number| self.by_number.get(number));
            if known.is_none() && !self.open.contains_key(&entry.id) {
                gave_way.extend(self.make_room());
                self.keep(entry);
            }
        }
        gave_way
    }

    fn being_called(&self, now: WallTime, number: &Private<String>) -> Option<&Calling> {
        let mut calls = self.calls_of(number).map(|(_, calling)| calling);
        calls.find(|calling| since(now, calling.at) < limits::WORK_ATTEMPT)
    }

    fn calls_of(&self, number: &Private<String>) -> impl Iterator<Item = (CallId, &Calling)> {
        let calls = self.calling.iter().filter(move |(_, calling)| calling.number == *number);
        calls.map(|(call, calling)| (*call, calling))
    }

    fn keep(&mut self, entry: WorkEntry) {
        if let Some(number) = &entry.number {
            self.by_number.insert(number.clone(), entry.id);
        }
        self.open.insert(entry.id, entry);
    }

    fn take(&mut self, work: WorkId, why: &'static str) -> Option<Closed> {
        let entry = self.open.remove(&work)?;
        if let Some(number) = &entry.number {
            self.by_number.remove(number);
        }
        Some(Closed { entry, why })
    }

    fn make_room(&mut self) -> Option<Closed> {
        if self.open.len() < limits::WORK_ENTRIES {
            return None;
        }
        let oldest = self.open.values().min_by_key(|e| (e.number.is_some(), e.at, e.id));
        let oldest = oldest.map(|entry| entry.id)?;
        self.take(oldest, "the work list was full and this was the oldest entry")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::vocabulary::Uid;

    fn number(n: u32) -> Private<String> {
        Private::new(format!("+62812345{n:05}"))
    }

    fn call(n: u32) -> CallId {
        CallId(Uid::new(WallTime(0), n))
    }

    fn work(n: u32) -> WorkId {
        WorkId(Uid::new(WallTime(0), n))
    }

    fn at(seconds: i64) -> WallTime {
        WallTime(seconds * 1_000_000)
    }

    fn lost(n: u32, kind: WorkKind, whose: Option<u32>) -> LostCall {
        let incident = IncidentId(Uid::new(WallTime(0), n));
        let number = whose.map(number);
        LostCall { call: call(n), incident, kind, number, at: at(i64::from(n)) }
    }

    /// A list with entry 1 of number 1.
    fn one() -> WorkList {
        let mut list = WorkList::default();
        list.open(work(1), lost(1, WorkKind::Abandoned, Some(1)));
        list
    }

    fn seat(name: &str) -> SeatId {
        name.into()
    }

    #[test]
    fn what_is_to_be_called_back() {
        let kind =
            |stage, by, cause, heard| kind_of(&Ending { stage, by, cause, q850: None }, heard);
        let (silent, noise) = (Verdict::Silent { noise: false }, Verdict::Silent { noise: true });
        for (stage, by, cause, heard, expected) in [
            (Stage::Waiting, Party::Caller, Cause::Cancelled, None, Some(WorkKind::Abandoned)),
            (Stage::Arriving, Party::Caller, Cause::Cancelled, None, Some(WorkKind::Abandoned)),
            (Stage::Ringing, Party::Caller, Cause::HungUp, Some(silent), Some(WorkKind::Abandoned)),
            (
                Stage::Waiting,
                Party::Caller,
                Cause::HungUp,
                Some(noise),
                Some(WorkKind::GhostWithNoise),
            ),
            (
                Stage::Talking,
                Party::Seat,
                Cause::HungUp,
                Some(noise),
                Some(WorkKind::GhostWithNoise),
            ),
            (Stage::Talking, Party::Caller, Cause::HungUp, Some(Verdict::Spoke), None),
            (Stage::Talking, Party::Seat, Cause::HungUp, Some(silent), None),
            (Stage::Talking, Party::Network, Cause::NetworkFault, None, Some(WorkKind::Dropped)),
            (
                Stage::Talking,
                Party::Network,
                Cause::DialogLost,
                Some(noise),
                Some(WorkKind::Dropped),
            ),
            (Stage::Waiting, Party::Network, Cause::NetworkTimer, None, Some(WorkKind::Dropped)),
            (Stage::Waiting, Party::Gateway, Cause::Restart, None, Some(WorkKind::Dropped)),
            (Stage::Talking, Party::Gateway, Cause::Transferred, None, None),
            (Stage::Arriving, Party::Gateway, Cause::Draining, None, None),
            (Stage::Test, Party::Caller, Cause::HungUp, None, None),
            (Stage::Waiting, Party::Staff, Cause::HungUp, None, None),
        ] {
            assert_eq!(kind(stage, by, cause, heard), expected, "{stage:?} {by:?} {cause:?}");
        }
    }

    #[test]
    fn a_number_has_one_entry_that_keeps_its_place_and_its_worst() {
        let mut list = one();
        let again = list.open(work(2), lost(9, WorkKind::Dropped, Some(1)));
        assert_eq!(again, Opened { work: work(1), new: false, gave_way: None });
        list.open(work(3), lost(10, WorkKind::GhostWithNoise, Some(1)));
        list.open(work(4), lost(5, WorkKind::Abandoned, Some(2)));
        let shown: Vec<_> =
            list.list().into_iter().map(|e| (e.id, e.kind, e.times, e.at)).collect();
        let first = (work(1), WorkKind::Dropped, 3, at(1));
        assert_eq!(shown, [first, (work(4), WorkKind::Abandoned, 1, at(5))]);
    }

    #[test]
    fn one_attempt_at_a_time_for_a_number_even_after_its_entry_is_closed() {
        let mut list = one();
        let (a, b) = (seat("a"), seat("b"));
        assert_eq!(list.try_call(at(10), work(1), call(50), &a), Ok(number(1)));
        let refused = Err(CannotCall::BeingCalled(a.clone()));
        assert_eq!(list.try_call(at(11), work(1), call(51), &b), refused);
        assert_eq!(list.get(work(1)).unwrap().attempts.len(), 1, "nothing was changed");
        // The caller rings again, and is lost again: the first attempt still holds the number.
        assert_eq!(list.caller_rang_again(&number(1)).unwrap().why, "the caller rang again");
        assert_eq!(list.attempt_on(&number(1)), Some(call(50)));
        list.open(work(2), lost(12, WorkKind::Abandoned, Some(1)));
        assert_eq!(list.try_call(at(12), work(2), call(52), &b), refused);
        let over = list.attempt_over(call(50), WorkOutcome::Answered);
        assert_eq!(over, Some(Tried { work: work(1), closed: None }));
        assert_eq!(list.attempt_over(call(50), WorkOutcome::Answered), None);
        assert_eq!(list.try_call(at(12), work(2), call(52), &b), Ok(number(1)));
        // Nobody holds a number for ever.
        let late = at(12 + 300);
        assert_eq!(list.try_call(late, work(2), call(53), &a), Ok(number(1)));
        let attempts = &list.get(work(2)).unwrap().attempts;
        let outcomes: Vec<_> = attempts.iter().map(|attempt| attempt.outcome).collect();
        assert_eq!(outcomes, [Some(WorkOutcome::SeatLeft), None]);
    }

    #[test]
    fn an_entry_is_done_when_somebody_answers_and_only_then() {
        let mut list = one();
        for (n, outcome) in [
            WorkOutcome::NoAnswer,
            WorkOutcome::Busy,
            WorkOutcome::Unreachable,
            WorkOutcome::Forwarded,
            WorkOutcome::SeatLeft,
            WorkOutcome::Answered,
        ]
        .into_iter()
        .enumerate()
        {
            let attempt = call(50 + u32::try_from(n).unwrap());
            list.try_call(at(60), work(1), attempt, &seat("a")).unwrap();
            let over = list.attempt_over(attempt, outcome).unwrap();
            assert_eq!(over.closed.is_some(), outcome == WorkOutcome::Answered, "{outcome:?}");
            if let Some(Closed { entry, .. }) = over.closed {
                assert_eq!(entry.attempts.len(), 6);
                assert_eq!(entry.attempts[5].outcome, Some(WorkOutcome::Answered));
            }
        }
        let gone = Err(CannotCall::NoSuchWork(work(1)));
        assert_eq!(list.try_call(at(60), work(1), call(70), &seat("a")), gone);
        assert_eq!(list, WorkList::default());
    }

    #[test]
    fn who_has_no_number_is_shown_and_cannot_be_called() {
        let mut list = WorkList::default();
        for n in [1, 2] {
            assert!(list.open(work(n), lost(n, WorkKind::GhostWithNoise, None)).new);
        }
        let refused = Err(CannotCall::NoNumber);
        assert_eq!(list.try_call(at(9), work(1), call(50), &seat("a")), refused);
        assert!(list.close(work(1)).is_some() && list.close(work(1)).is_none());
        assert_eq!(list.list().len(), 1);
    }

    #[test]
    fn attempts_of_an_entry_are_bounded() {
        let mut list = one();
        for n in 0..u32::try_from(limits::WORK_ATTEMPTS).unwrap() + 5 {
            list.try_call(at(60), work(1), call(50 + n), &seat("a")).unwrap();
            list.attempt_over(call(50 + n), WorkOutcome::Busy).unwrap();
        }
        let attempts = &list.get(work(1)).unwrap().attempts;
        assert_eq!((attempts.len(), attempts[0].call), (limits::WORK_ATTEMPTS, call(55)));
    }

    #[test]
    fn a_full_list_lets_the_oldest_go_first_one_that_nobody_can_call() {
        let mut list = one();
        list.open(work(2), lost(2, WorkKind::Abandoned, None));
        let full = u32::try_from(limits::WORK_ENTRIES).unwrap();
        for n in 3..=full {
            list.open(work(n), lost(n, WorkKind::Abandoned, Some(n)));
        }
        let mut gone = Vec::new();
        for n in full + 1..=full + 2 {
            let opened = list.open(work(n), lost(n, WorkKind::Abandoned, Some(n)));
            gone.push(opened.gave_way.unwrap().entry.id);
        }
        assert_eq!(gone, [work(2), work(1)]);
        assert_eq!(list.list().len(), limits::WORK_ENTRIES);
    }

    #[test]
    fn the_list_outlives_the_program() {
        let mut list = one();
        list.try_call(at(10), work(1), call(50), &seat("a")).unwrap();
        let text = serde_json::to_string(&list).unwrap();
        assert_eq!(serde_json::from_str::<WorkList>(&text).unwrap(), list);
        // Told again from what was kept of it, with nobody who calls any more.
        let mut restored = WorkList::default();
        assert_eq!(restored.restore([list.list(), list.list()].concat()), []);
        let attempts = &restored.get(work(1)).unwrap().attempts;
        assert_eq!(attempts[0].outcome, Some(WorkOutcome::SeatLeft));
        assert_eq!(restored.try_call(at(11), work(1), call(51), &seat("b")), Ok(number(1)));
    }

    proptest! {
        #[test]
        fn never_two_attempts_for_a_number_nor_two_entries(
            steps in proptest::collection::vec((0u8..5, 0u32..4, 0u32..12), 0..200),
        ) {
            let mut list = WorkList::default();
            let mut next = 100;
            for (what, whose, n) in steps {
                next += 1;
                match what {
                    0 => drop(list.open(work(next), lost(n, WorkKind::Dropped, Some(whose)))),
                    1 | 2 => {
                        let of = list.by_number.get(&number(whose)).copied();
                        let _ = of.map(|w| list.try_call(at(1), w, call(next), &seat("a")));
                    }
                    3 => drop(list.caller_rang_again(&number(whose))),
                    _ => {
                        let on = list.attempt_on(&number(whose));
                        on.map(|call| list.attempt_over(call, WorkOutcome::Busy));
                    }
                }
                for whose in 0..4 {
                    assert!(list.calls_of(&number(whose)).count() <= 1);
                    let of = list.open.values().filter(|e| e.number == Some(number(whose)));
                    let ids: Vec<_> = of.map(|entry| entry.id).collect();
                    assert_eq!(ids, Vec::from_iter(list.by_number.get(&number(whose)).copied()));
                }
            }
        }
    }
}
