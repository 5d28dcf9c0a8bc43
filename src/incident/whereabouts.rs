//! Which report of a place belongs to which call: by number and time, in whatever order they come.
//!
//! A phone sends its place when it has found it: before the call is here, in the talk, or after it. It
//! never gives a report to two calls, and never forgets one in silence: what belongs to nobody is a fact
//! of its own.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::best::{Evidence, Place};
use super::record::{Arrival, Cell, Location};
use super::report::{How, Located, Report};
use crate::vocabulary::{CallId, Private, Uid, WallTime, limits};

/// What is known of where the caller of one call is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The number by which the caller is known again.
    pub number: Option<Private<String>>,
    /// When the INVITE came.
    pub received: WallTime,
    /// Every location, in the order in which they came.
    pub locations: Vec<Location>,
    /// The cell.
    pub cell: Option<Cell>,
    /// The best of it.
    pub place: Place,
}

/// What a restart must not forget.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// Reports that waited for a call of their number, the oldest first, and when each came.
    pub waiting: Vec<(WallTime, Uid, Report)>,
    /// Calls that are over, and when each ended.
    pub calls: Vec<(WallTime, CallId, Known)>,
}

/// Where everybody is who calls or has called a moment ago.
#[derive(Clone, Debug, Default)]
pub struct Whereabouts {
    calls: BTreeMap<CallId, Known>,
    /// Calls that are over, the first to be forgotten first.
    over: BTreeSet<(WallTime, CallId)>,
    /// Reports that belong to nobody yet, the oldest first.
    waiting: VecDeque<(WallTime, Uid, Report)>,
}

impl Whereabouts {
    /// A call has come; returns the reports that were here before it.
    pub fn arrived(
        &mut self,
        now: WallTime,
        call: CallId,
        number: Option<Private<String>>,
        arrival: &Arrival,
        evidence: &Evidence<'_>,
    ) -> Vec<Located> {
        self.forget(now, evidence.settings.window);
        let known = Known {
            number,
            received: now,
            locations: arrival.locations.clone(),
            cell: arrival.cell.clone(),
            place: arrival.place.clone(),
        };
        let number = known.number.clone();
        self.calls.insert(call, known);
        let Some(number) = number else { return Vec::new() };
        let mine = |report: &Report| report.number.as_ref() == Some(&number);
        let (found, left) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition::<VecDeque<_>, _>(|(_, _, report)| mine(report));
        self.waiting = left;
        found
            .into_iter()
            .map(|(_, id, report)| self.give(now, id, call, report, evidence))
            .collect()
    }

    /// A call is over; a late report still finds it for as long as the window.
    pub fn ended(&mut self, now: WallTime, call: CallId) {
        if self.calls.contains_key(&call) {
            self.over.insert((now, call));
        }
    }

    /// A report has come, for this call where that is known.
    pub fn reported(
        &mut self,
        now: WallTime,
        id: Uid,
        call: Option<CallId>,
        report: Report,
        evidence: &Evidence<'_>,
    ) -> Located {
        let window = evidence.settings.window;
        self.forget(now, window);
        let call = call.or_else(|| self.call_of(now, &report, window));
        if let Some(call) = call {
            return self.give(now, id, call, report, evidence);
        }
        if report.number.is_some() {
            if self.waiting.len() == limits::LOCATION_REPORTS {
                self.waiting.pop_front();
            }
            self.waiting.push_back((now, id, report.clone()));
        }
        Located { id, call: None, report, place: None }
    }

    /// What was before the start is told once. Calls and reports have come since; returns the reports that
    /// belong to a call which is here by now.
    pub fn remember(
        &mut self,
        now: WallTime,
        before: Remembered,
        evidence: &Evidence<'_>,
    ) -> Vec<Located> {
        for (ended, call, known) in before.calls {
            if let Entry::Vacant(place) = self.calls.entry(call) {
                place.insert(known);
                self.over.insert((ended, call));
            }
        }
        let window = evidence.settings.window;
        let since = std::mem::take(&mut self.waiting);
        let mut given = Vec::new();
        for (at, id, report) in before.waiting {
            match self.call_of(at, &report, window) {
                Some(call) => given.push(self.give(now, id, call, report, evidence)),
                None => self.waiting.push_back((at, id, report)),
            }
        }
        self.waiting.extend(since);
        let many = self.waiting.len().saturating_sub(limits::LOCATION_REPORTS);
        self.waiting.drain(..many);
        self.forget(now, window);
        given
    }

    /// What is known of a call.
    #[must_use]
    pub fn of(&self, call: CallId) -> Option<&Known> {
        self.calls.get(&call)
    }

    /// How many reports wait for a call of their number.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The call of that number which began nearest to when the phone's began, or else the latest.
    fn call_of(&self, now: WallTime, report: &Report, window: Duration) -> Option<CallId> {
        let number = report.number.as_ref()?;
        let began = report.call_began.unwrap_or(now);
        let far = |known: &Known| known.received.0.abs_diff(began.0);
        let window = u64::try_from(window.as_micros()).unwrap_or(u64::MAX);
        let is_over = |call: &CallId| self.over.iter().any(|(_, over)| over == call);
        self.calls
            .iter()
            .filter(|(_, known)| known.number.as_ref() == Some(number))
            // Who has talked for an hour is still where the phone says.
            .filter(|(call, known)| far(known) <= window || !is_over(call))
            .min_by_key(|(call, known)| (far(known), std::cmp::Reverse(**call)))
            .map(|(call, _)| *call)
    }

    fn give(
        &mut self,
        now: WallTime,
        id: Uid,
        call: CallId,
        report: Report,
        evidence: &Evidence<'_>,
    ) -> Located {
        if !self.calls.contains_key(&call) {
            // What a reference led to came after its call was forgotten.
            self.over.insert((now, call));
        }
        let known = self.calls.entry(call).or_default();
        let how = match report.how {
            How::Reference => format!("reference to {}", report.from),
            How::AmlSms => "AML by SMS".to_owned(),
            How::AmlHttps => "AML by HTTPS".to_owned(),
        };
        known.place.add_locations(now, &report.locations, (&how, true), evidence);
        if let Some(cell) = &report.cell {
            known.place.add_cell(cell, true, evidence);
        }
        let room = limits::LOCATIONS.saturating_sub(known.locations.len());
        known.locations.extend(report.locations.iter().take(room).cloned());
        Located { id, call: Some(call), report, place: Some(known.place.clone()) }
    }

    fn forget(&mut self, now: WallTime, window: Duration) {
        let window = i64::try_from(window.as_micros()).unwrap_or(i64::MAX);
        let oldest = WallTime(now.0.saturating_sub(window));
        while let Some((at, call)) = self.over.first().copied() {
            if at >= oldest && self.over.len() <= limits::LOCATED_CALLS {
                break;
            }
            self.over.remove(&(at, call));
            self.calls.remove(&call);
        }
        while self.waiting.front().is_some_and(|(at, ..)| *at < oldest) {
            self.waiting.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::LearntCells;
    use crate::incident::settings::LocationSettings;

    fn at(seconds: i64) -> WallTime {
        WallTime((1_789_621_951 + seconds) * 1_000_000)
    }

    fn id(n: u32) -> Uid {
        Uid::new(at(0), n)
    }

    fn call(n: u32) -> CallId {
        CallId(id(n))
    }

    fn number(text: &str) -> Option<Private<String>> {
        Some(Private::new(text.to_owned()))
    }

    fn report(of: &str) -> Report {
        let mut report = crate::incident::aml::sms("A\"ML=1;lt=-7.05;lg=113.9;rd=14", of);
        report.findings.clear();
        report
    }

    /// Calls come with (`c`, seconds, number), end with `e`, reports come with `r`; what each report was
    /// given to.
    fn story(steps: &[(char, i64, &str)]) -> Vec<(u32, Option<u32>)> {
        let (settings, learnt) = (LocationSettings::default(), LearntCells::default());
        let evidence = Evidence { kecamatan: &[], settings: &settings, learnt: &learnt };
        let mut whereabouts = Whereabouts::default();
        let mut given = Vec::new();
        for (n, (what, seconds, of)) in (0..).zip(steps) {
            let now = at(*seconds);
            match what {
                'c' => {
                    let arrival = Arrival::default();
                    given.extend(whereabouts.arrived(
                        now,
                        call(n),
                        number(of),
                        &arrival,
                        &evidence,
                    ));
                }
                'e' => whereabouts.ended(now, call(of.parse().expect("a step"))),
                _ => given.push(whereabouts.reported(now, id(n), None, report(of), &evidence)),
            }
        }
        let step = |wanted: Uid| (0..99).find(|n| id(*n) == wanted).expect("a step");
        given
            .into_iter()
            .map(|located| {
                assert_eq!(located.place.is_some(), located.call.is_some());
                (step(located.id), located.call.map(|call| step(call.0)))
            })
            .collect()
    }

    #[test]
    fn a_report_finds_its_call_by_number_and_time() {
        for (steps, given) in [
            // In the talk, after it, and too late.
            (&[('c', 0, "+1"), ('r', 20, "+1")][..], &[(1, Some(0))][..]),
            (&[('c', 0, "+1"), ('e', 9, "0"), ('r', 20, "+1")], &[(2, Some(0))]),
            (&[('c', 0, "+1"), ('e', 9, "0"), ('r', 1_300, "+1")], &[(2, None)]),
            // A long talk.
            (&[('c', 0, "+1"), ('r', 4_000, "+1")], &[(1, Some(0))]),
            // Before the call, and too long before it.
            (&[('r', 0, "+1"), ('c', 9, "+1")], &[(0, None), (0, Some(1))]),
            (&[('r', 0, "+1"), ('c', 1_300, "+1")], &[(0, None)]),
            // Somebody else's, and nobody's.
            (&[('c', 0, "+1"), ('r', 20, "+2"), ('c', 21, "+3")], &[(1, None)]),
            (&[('c', 0, "+1"), ('r', 20, "")], &[(1, None)]),
            // Who has called again.
            (&[('c', 0, "+1"), ('e', 5, "0"), ('c', 60, "+1"), ('r', 70, "+1")], &[(3, Some(2))]),
            // Given once.
            (&[('r', 0, "+1"), ('c', 1, "+1"), ('c', 2, "+1")], &[(0, None), (0, Some(1))]),
        ] {
            assert_eq!(story(steps), given, "{steps:?}");
        }
    }

    #[test]
    fn the_beginning_of_the_call_tells_two_calls_of_a_number_apart() {
        let (settings, learnt) = (LocationSettings::default(), LearntCells::default());
        let evidence = Evidence { kecamatan: &[], settings: &settings, learnt: &learnt };
        let mut whereabouts = Whereabouts::default();
        for (n, seconds) in [(1, 0), (2, 60)] {
            let arrival = Arrival::default();
            whereabouts.arrived(at(seconds), call(n), number("+1"), &arrival, &evidence);
        }
        let report = Report { call_began: Some(at(-2)), ..report("+1") };
        let located = whereabouts.reported(at(70), id(9), None, report, &evidence);
        assert_eq!(located.call, Some(call(1)));
        assert_eq!(whereabouts.of(call(1)).map(|known| known.locations.len()), Some(1));
    }

    #[test]
    fn what_was_before_a_restart_is_known_after_it() {
        let (settings, learnt) = (LocationSettings::default(), LearntCells::default());
        let evidence = Evidence { kecamatan: &[], settings: &settings, learnt: &learnt };
        let mut whereabouts = Whereabouts::default();
        let arrival = Arrival::default();
        // Since the start: a call of +1, a report of +3.
        whereabouts.arrived(at(100), call(1), number("+1"), &arrival, &evidence);
        whereabouts.reported(at(110), id(13), None, report("+3"), &evidence);
        let known = |of: &str| Known { number: number(of), received: at(60), ..Known::default() };
        let before = Remembered {
            waiting: vec![
                (at(-2_000), id(10), report("+4")),
                (at(80), id(11), report("+1")),
                (at(90), id(12), report("+2")),
            ],
            calls: vec![(at(70), call(2), known("+5")), (at(70), call(1), known("+9"))],
        };
        let given = whereabouts.remember(at(120), before, &evidence);
        assert_eq!(given.len(), 1);
        assert_eq!((given[0].id, given[0].call), (id(11), Some(call(1))), "its call was faster");
        assert_eq!(whereabouts.of(call(1)).map(|known| known.received), Some(at(100)));
        assert_eq!(whereabouts.waiting(), 2, "what is past the window is not taken in");
        let found = whereabouts.arrived(at(130), call(3), number("+2"), &arrival, &evidence);
        assert_eq!(found.iter().map(|located| located.id).collect::<Vec<_>>(), [id(12)]);
        // A late report finds the call that ended with the program, for as long as the window.
        let late = whereabouts.reported(at(140), id(14), None, report("+5"), &evidence);
        assert_eq!(late.call, Some(call(2)));
        whereabouts.reported(at(1_280), id(15), None, report("+6"), &evidence);
        assert_eq!(whereabouts.of(call(2)), None);
    }

    #[test]
    fn what_waits_and_what_is_remembered_is_bounded() {
        let (settings, learnt) = (LocationSettings::default(), LearntCells::default());
        let evidence = Evidence { kecamatan: &[], settings: &settings, learnt: &learnt };
        let mut whereabouts = Whereabouts::default();
        for n in 0..limits::LOCATION_REPORTS + 9 {
            let report = report(&format!("+{n}"));
            whereabouts.reported(at(0), id(1), None, report, &evidence);
        }
        assert_eq!(whereabouts.waiting(), limits::LOCATION_REPORTS);
        let mut n = 0;
        while n < 200 {
            let located =
                whereabouts.reported(at(0), id(n), Some(call(1)), report("+x"), &evidence);
            assert_eq!(located.call, Some(call(1)));
            n += 1;
        }
        let kept = whereabouts.of(call(1)).map(|known| known.locations.len());
        assert_eq!(kept, Some(limits::LOCATIONS));
        whereabouts.ended(at(0), call(1));
        let arrival = Arrival::default();
        whereabouts.arrived(at(9_999), call(2), None, &arrival, &evidence);
        assert_eq!((whereabouts.waiting(), whereabouts.of(call(1))), (0, None));
    }
}
