//! The calls of the last hour by number: which belong together, who comes back after a call was lost,
//! and who talked to them.
//!
//! Calendar time throughout, so that what the journal tells of the hour before a restart can be told
//! here again: whoever a restart cut off is the first to be known as returning.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::WorkKind;
use super::settings::ScreeningSettings;
use super::span::{in_words, since};
use crate::vocabulary::{CallId, IncidentId, OperatorId, Private, WallTime, limits};

/// An earlier call that belongs to a new one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The earlier call.
    pub call: CallId,
    /// Its incident.
    pub incident: IncidentId,
    /// `same number, 4 minutes before`.
    pub why: String,
}

/// The call that a returning caller lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// That call.
    pub call: CallId,
    /// How it was lost.
    pub kind: WorkKind,
    /// How long ago.
    pub ago: Duration,
}

impl Lost {
    /// `returns 40 seconds after a call that was dropped`.
    #[must_use]
    pub fn why(&self) -> String {
        let lost = match self.kind {
            WorkKind::Abandoned => "nobody answered",
            WorkKind::GhostWithNoise => "was silent but for noise",
            WorkKind::Dropped => "was dropped",
        };
        format!("returns {} after a call that {lost}", in_words(self.ago))
    }
}

/// What a number that calls is known for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Every other call of it that lives, and the last one before, the newest first.
    pub links: Vec<Link>,
    /// The caller returns: the last call was lost, and nobody has talked to them since.
    pub lost: Option<Lost>,
    /// Other calls of it that are remembered.
    pub others: usize,
}

/// What is known here of a number that calls, at the moment when it does: so that a screen shows it
/// without waiting for a database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recalled {
    /// The call.
    pub call: CallId,
    /// `marked`, `returning`, `many-calls`.
    pub flags: Vec<String>,
}

/// One call of the last hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Past {
    number: Private<String>,
    incident: IncidentId,
    operator: Option<OperatorId>,
    /// When it ended, and how it was lost, if it was; none while it lives.
    ended: Option<(WallTime, Option<WorkKind>)>,
}

/// The calls of the last hour.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recent {
    calls: BTreeMap<CallId, Past>,
    /// The calls of each number, in the order in which they came.
    by_number: BTreeMap<Private<String>, VecDeque<CallId>>,
    /// Calls that are over, the first to be forgotten first.
    over: BTreeSet<(WallTime, CallId)>,
}

impl Recent {
    /// A number calls. Who has none is known for nothing.
    pub fn arrived(
        &mut self,
        now: WallTime,
        settings: &ScreeningSettings,
        number: Option<&Private<String>>,
        call: CallId,
        incident: IncidentId,
    ) -> Seen {
        self.forget(now, settings.link_within.max(settings.returning_within));
        let Some(number) = number else { return Seen::default() };
        if self.calls.contains_key(&call) {
            return Seen::default();
        }
        let seen = self.seen(now, settings, number);
        let past = Past { number: number.clone(), incident, operator: None, ended: None };
        self.calls.insert(call, past);
        self.by_number.entry(number.clone()).or_default().push_back(call);
        self.make_room(number);
        seen
    }

    /// An operator talks to the caller.
    pub fn answered(&mut self, call: CallId, operator: Option<&OperatorId>) {
        if let Some(past) = self.calls.get_mut(&call)
            && operator.is_some()
        {
            past.operator = operator.cloned();
        }
    }

    /// A call is over: lost in that way, or served.
    pub fn ended(&mut self, now: WallTime, call: CallId, lost: Option<WorkKind>) {
        if let Some(past) = self.calls.get_mut(&call)
            && past.ended.is_none()
        {
            past.ended = Some((now, lost));
            self.over.insert((now, call));
        }
    }

    /// Who talked to this number last, within the hour.
    #[must_use]
    pub fn last_operator(&self, number: &Private<String>) -> Option<&OperatorId> {
        self.of(number).rev().find_map(|(_, past)| past.operator.as_ref())
    }

    /// Whether a call of this number lives: who waits already needs no call back.
    #[must_use]
    pub fn calls_now(&self, number: &Private<String>) -> bool {
        self.of(number).any(|(_, past)| past.ended.is_none())
    }

    /// The calls of a number, the oldest first.
    fn of(
        &self,
        number: &Private<String>,
    ) -> impl DoubleEndedIterator<Item = (CallId, &Past)> + use<'_> {
        let calls = self.by_number.get(number).into_iter().flatten();
        calls.filter_map(|call| Some((*call, self.calls.get(call)?)))
    }

    fn seen(&self, now: WallTime, settings: &ScreeningSettings, number: &Private<String>) -> Seen {
        let mut links = Vec::new();
        let others = self.of(number).count();
        let live = self.of(number).rev().filter(|(_, past)| past.ended.is_none());
        links.extend(live.map(|(call, past)| Link {
            call,
            incident: past.incident,
            why: "same number, at the same time".to_owned(),
        }));
        let over = self.of(number).filter_map(|(call, past)| {
            past.ended.map(|(at, lost)| (at, call, past.incident, lost))
        });
        let Some((at, call, incident, lost)) = over.max_by_key(|(at, call, ..)| (*at, *call))
        else {
            return Seen { links, lost: None, others };
        };
        let ago = since(now, at);
        if ago <= settings.link_within {
            let why = format!("same number, {} before", in_words(ago));
            links.push(Link { call, incident, why });
        }
        let talks = self.of(number).any(|(_, p)| p.ended.is_none() && p.operator.is_some());
        let lost = lost.filter(|_| ago <= settings.returning_within && !talks).map(|kind| Lost {
            call,
            kind,
            ago,
        });
        Seen { links, lost, others }
    }

    /// Forgets the calls that ended more than `span` ago.
    fn forget(&mut self, now: WallTime, span: Duration) {
        while let Some((at, call)) = self.over.first().copied() {
            if since(now, at) <= span {
                break;
            }
            self.drop_call(call);
        }
    }

    /// The tables stay bounded: calls that are over go, the oldest first; then, of one number, those
    /// that live.
    fn make_room(&mut self, number: &Private<String>) {
        while self.by_number.get(number).is_some_and(|c| c.len() > limits::RECENT_OF_NUMBER) {
            let over = self.of(number).find(|(_, past)| past.ended.is_some());
            let oldest = over.or_else(|| self.of(number).next()).map(|(call, _)| call);
            let Some(call) = oldest else { break };
            self.drop_call(call);
        }
        while self.calls.len() > limits::RECENT_CALLS {
            let oldest = self.over.first().map(|(_, call)| *call);
            let Some(call) = oldest.or_else(|| self.calls.keys().next().copied()) else { break };
            self.drop_call(call);
        }
    }

    fn drop_call(&mut self, call: CallId) {
        let Some(past) = self.calls.remove(&call) else { return };
        if let Some((at, _)) = past.ended {
            self.over.remove(&(at, call));
        }
        if let Some(calls) = self.by_number.get_mut(&past.number) {
            calls.retain(|known| *known != call);
            if calls.is_empty() {
                self.by_number.remove(&past.number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::vocabulary::Uid;

    fn number(n: u64) -> Private<String> {
        Private::new(format!("+62812345{n:05}"))
    }

    fn call(n: u32) -> CallId {
        CallId(Uid::new(WallTime(0), n))
    }

    fn incident(n: u32) -> IncidentId {
        IncidentId(Uid::new(WallTime(0), n))
    }

    fn at(minutes: i64) -> WallTime {
        WallTime(minutes * 60_000_000)
    }

    fn arrive(recent: &mut Recent, minutes: i64, n: u64, id: u32) -> Seen {
        let settings = ScreeningSettings::default();
        recent.arrived(at(minutes), &settings, Some(&number(n)), call(id), incident(id))
    }

    fn links(seen: &Seen) -> Vec<(CallId, &str)> {
        seen.links.iter().map(|link| (link.call, link.why.as_str())).collect()
    }

    #[test]
    fn calls_of_one_number_at_once_and_within_the_hour_are_linked() {
        let mut recent = Recent::default();
        assert_eq!(arrive(&mut recent, 0, 1, 1), Seen::default());
        assert_eq!(arrive(&mut recent, 1, 2, 2), Seen::default());
        let twice = arrive(&mut recent, 2, 1, 3);
        assert_eq!(links(&twice), [(call(1), "same number, at the same time")]);
        assert_eq!(twice.links[0].incident, incident(1));
        recent.ended(at(3), call(1), None);
        recent.ended(at(4), call(3), None);
        let again = arrive(&mut recent, 8, 1, 4);
        assert_eq!(links(&again), [(call(3), "same number, 4 minutes before")]);
        assert_eq!((twice.others, again.others), (1, 2), "those that are over count as well");
        recent.ended(at(9), call(4), None);
        assert_eq!(arrive(&mut recent, 70, 1, 5), Seen::default());
    }

    #[test]
    fn who_lost_a_call_and_rings_again_returns() {
        let mut recent = Recent::default();
        arrive(&mut recent, 0, 1, 1);
        recent.answered(call(1), Some(&"sari".into()));
        recent.ended(at(5), call(1), Some(WorkKind::Dropped));
        let seen = arrive(&mut recent, 6, 1, 2);
        let lost = seen.lost.expect("returns");
        assert_eq!((lost.call, lost.kind), (call(1), WorkKind::Dropped));
        assert_eq!(lost.why(), "returns 1 minute after a call that was dropped");
        assert_eq!(recent.last_operator(&number(1)), Some(&"sari".into()));
        // Served now: the next call is one like any other, but linked.
        recent.ended(at(7), call(2), None);
        let seen = arrive(&mut recent, 8, 1, 3);
        assert_eq!((seen.links.len(), seen.lost), (1, None));
    }

    #[test]
    fn too_late_or_beside_a_talk_nobody_returns() {
        let mut recent = Recent::default();
        arrive(&mut recent, 0, 1, 1);
        recent.ended(at(1), call(1), Some(WorkKind::Abandoned));
        let late = arrive(&mut recent, 12, 1, 2);
        assert_eq!((late.links.len(), late.lost), (1, None));

        let mut recent = Recent::default();
        arrive(&mut recent, 0, 1, 1);
        arrive(&mut recent, 0, 1, 2);
        recent.ended(at(1), call(1), Some(WorkKind::Abandoned));
        assert!(arrive(&mut recent, 2, 1, 3).lost.is_some());
        recent.answered(call(2), Some(&"sari".into()));
        assert_eq!(arrive(&mut recent, 2, 1, 4).lost, None);
    }

    #[test]
    fn who_has_no_number_is_known_for_nothing() {
        let mut recent = Recent::default();
        for id in 0..3 {
            let settings = ScreeningSettings::default();
            let seen = recent.arrived(at(0), &settings, None, call(id), incident(id));
            assert_eq!(seen, Seen::default());
            recent.ended(at(0), call(id), Some(WorkKind::Abandoned));
        }
        assert_eq!(recent, Recent::default());
    }

    #[test]
    fn a_number_that_calls_now_is_known_and_state_reads_back() {
        let mut recent = Recent::default();
        arrive(&mut recent, 0, 1, 1);
        arrive(&mut recent, 0, 2, 2);
        recent.ended(at(1), call(2), Some(WorkKind::Abandoned));
        assert!(recent.calls_now(&number(1)) && !recent.calls_now(&number(2)));
        let text = serde_json::to_string(&recent).unwrap();
        assert_eq!(serde_json::from_str::<Recent>(&text).unwrap(), recent);
    }

    #[test]
    fn one_number_is_remembered_for_its_last_calls_only() {
        let mut recent = Recent::default();
        let many = u32::try_from(limits::RECENT_OF_NUMBER).unwrap() * 3;
        for id in 0..many {
            arrive(&mut recent, 0, 1, id);
        }
        assert_eq!(recent.calls.len(), limits::RECENT_OF_NUMBER);
        let seen = arrive(&mut recent, 0, 1, many);
        assert_eq!(seen.links.len(), limits::RECENT_OF_NUMBER);
    }

    proptest! {
        #[test]
        fn the_three_tables_tell_the_same(
            steps in proptest::collection::vec((0u8..3, 0u64..4, 0u32..40, 0i64..20), 0..200),
        ) {
            let mut recent = Recent::default();
            let mut now = 0;
            for (what, n, id, minutes) in steps {
                now += minutes;
                match what {
                    0 => drop(arrive(&mut recent, now, n, id)),
                    1 => recent.ended(at(now), call(id), Some(WorkKind::Abandoned)),
                    _ => recent.answered(call(id), Some(&"sari".into())),
                }
                let listed: usize = recent.by_number.values().map(VecDeque::len).sum();
                assert_eq!(listed, recent.calls.len());
                assert!(recent.by_number.values().all(|calls| !calls.is_empty()));
                let over = recent.calls.values().filter(|past| past.ended.is_some()).count();
                assert_eq!(over, recent.over.len());
            }
        }
    }
}
