//! In which lane a caller waits and with which priority, each with its reasons in words for the record.
//!
//! Priority says who is first within a lane; a lane stands behind another, and each reaches a person
//! within its bound. Nothing here lowers a priority, and only a setting that a regency has to ask for
//! refuses anybody.

use serde::{Deserialize, Serialize};

use super::settings::ScreeningSettings;
use super::{Lost, Mark, Place, WorkKind};
use crate::vocabulary::Lane;

/// The highest priority.
const HIGHEST: u8 = 9;

/// By how much the headers of an INVITE raise a call, and what of them is to be kept on the record.
///
/// * Resource-Priority (RFC 4412) of the namespace `esnet` (RFC 7135), whose values rise from 0 to 4:
///   `esnet.1` is every usual call for help and `esnet.0` a call back (NENA i3), so 2, 3 and 4 raise by
///   1, 2 and 3. Other namespaces mean nothing here.
/// * `Priority: emergency` (RFC 3261 §20.26) raises by 1: plain switches write it into many calls.
/// * `Priority: psap-callback` (RFC 7090) raises by 2: another centre calls somebody here back.
///
/// The most of them counts, not the sum. An untrusted sender raises nothing, and that is said. None when
/// the headers ask for nothing.
#[must_use]
pub fn priority_of_headers(
    trusted: bool,
    resource_priority: &[String],
    priority: Option<&str>,
) -> Option<(u8, String)> {
    let esnet = resource_priority
        .iter()
        .flat_map(|value| value.split(','))
        .filter_map(|value| match value.trim().to_ascii_lowercase().as_str() {
            "esnet.2" => Some((1, "Resource-Priority esnet.2")),
            "esnet.3" => Some((2, "Resource-Priority esnet.3")),
            "esnet.4" => Some((3, "Resource-Priority esnet.4")),
            _ => None,
        })
        .max();
    let word = priority.and_then(|word| match word.trim().to_ascii_lowercase().as_str() {
        "emergency" => Some((1, "Priority emergency")),
        "psap-callback" => Some((2, "Priority psap-callback")),
        _ => None,
    });
    let (steps, header) = esnet.max(word)?;
    Some(if trusted {
        (steps, format!("{header} raises by {steps}"))
    } else {
        (0, format!("{header} does not count: the trunk is not trusted"))
    })
}

/// What is known of a caller who is to wait.
#[derive(Clone, Copy, Debug, Default)]
pub struct Caller<'a> {
    /// What routing gave, 0 to 9.
    pub base: u8,
    /// What [`priority_of_headers`] found.
    pub headers: Option<&'a (u8, String)>,
    /// The service URN asked for.
    pub service: &'a str,
    /// The mark that stands on the number.
    pub mark: Option<&'a Mark>,
    /// A mass incident at the caller's cell or trunk.
    pub mass: Option<&'a Place>,
    /// The call that the caller lost before.
    pub lost: Option<&'a Lost>,
    /// We have tried to call this number back, and now it rings.
    pub called_back: bool,
}

/// Where a caller waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The lane.
    pub lane: Lane,
    /// 0 to 9, highest first.
    pub priority: u8,
    /// The caller is refused unless a key is pressed; see [`super::Refusal`].
    pub refuse: bool,
    /// Why, a sentence each; none when nothing is special.
    pub reasons: Vec<String>,
}

/// Whether a call comes from a car that has had a crash (RFC 8147): nobody in it may be able to speak.
#[must_use]
pub fn is_crash(service: &str) -> bool {
    service.eq_ignore_ascii_case("urn:service:sos.ecall.automatic")
}

/// Decides where a caller waits. What listening finds later may change the lane: see
/// [`super::Verdict::lane`]; a car's automatic call is not to be listened to.
///
/// A mark moves the call to the lane of marked numbers, and not further; it does not count during a
/// mass incident or for a crashed car. Who returns goes before others of the lane, also a marked
/// number, which stays in it. Somebody whose talk was dropped is not refused in any case.
#[must_use]
pub fn decide(settings: &ScreeningSettings, caller: &Caller<'_>) -> Decision {
    let mut reasons = Vec::new();
    let (lane, refuse) = lane(settings, caller, &mut reasons);
    let mut priority = caller.base.min(HIGHEST);
    if let Some((steps, why)) = caller.headers {
        priority = priority.saturating_add(*steps).min(HIGHEST);
        reasons.push(why.clone());
    }
    let returning = settings.returning_priority.min(HIGHEST);
    let back = caller.lost.map(Lost::why);
    let called = || caller.called_back.then(|| "rings after we tried to call back".to_owned());
    if let Some(why) = back.or_else(called) {
        let raised = priority < returning;
        priority = priority.max(returning);
        reasons.push(if raised { format!("{why}: priority {returning}") } else { why });
    }
    Decision { lane, priority, refuse, reasons }
}

fn lane(
    settings: &ScreeningSettings,
    caller: &Caller<'_>,
    reasons: &mut Vec<String>,
) -> (Lane, bool) {
    let Some(mark) = caller.mark else { return (Lane::Usual, false) };
    let marked = format!("the number is marked by {} until {}", mark.by, mark.until.to_rfc3339());
    if let Some(place) = caller.mass {
        reasons.push(format!("{marked}, which does not count during the mass incident at {place}"));
        return (Lane::Usual, false);
    }
    if is_crash(caller.service) {
        reasons.push(format!("{marked}, which does not count for the call of a crashed car"));
        return (Lane::Usual, false);
    }
    reasons.push(marked);
    let often = settings.refuse_after_marks.filter(|most| mark.times >= (*most).max(1));
    let Some(most) = often else { return (Lane::Nuisance, false) };
    let dropped = caller.lost.is_some_and(|lost| lost.kind == WorkKind::Dropped);
    reasons.push(if dropped {
        "it is not refused, because its last talk was dropped".to_owned()
    } else {
        format!("marked {} times, {most} are refused: goes on by pressing a key only", mark.times)
    });
    (Lane::Nuisance, !dropped)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::vocabulary::{CallId, Private, WallTime};

    fn mark(times: u32) -> Mark {
        let number = Private::new("+6281234567890".to_owned());
        let (at, until) = (WallTime(0), WallTime(86_400_000_000));
        Mark { number, at, until, by: "sari".to_owned(), times }
    }

    fn lost(kind: WorkKind) -> Lost {
        Lost { call: CallId::default(), kind, ago: Duration::from_secs(40) }
    }

    fn headers(trusted: bool, values: &[&str], priority: Option<&str>) -> Option<(u8, String)> {
        let values: Vec<_> = values.iter().map(|&value| value.to_owned()).collect();
        priority_of_headers(trusted, &values, priority)
    }

    #[test]
    fn headers_of_a_trusted_trunk_raise() {
        for (values, priority, steps) in [
            (&[][..], None, None),
            (&["esnet.1"], None, None),
            (&["esnet.0"], Some("normal"), None),
            (&["ets.0", "wps.1"], None, None),
            (&["esnet.2"], None, Some(1)),
            (&["ESNET.3"], None, Some(2)),
            (&["esnet.1, esnet.4"], None, Some(3)),
            (&["esnet.9"], None, None),
            (&["esnet.1"], Some("emergency"), Some(1)),
            (&["esnet.4"], Some(" Emergency"), Some(3)),
            (&[], Some("psap-callback"), Some(2)),
        ] {
            let found = headers(true, values, priority);
            assert_eq!(found.map(|(steps, _)| steps), steps, "{values:?} {priority:?}");
        }
        let why = headers(true, &["esnet.3"], None).unwrap().1;
        assert_eq!(why, "Resource-Priority esnet.3 raises by 2");
        let (steps, why) = headers(false, &["esnet.4"], None).unwrap();
        assert_eq!(steps, 0);
        assert_eq!(why, "Resource-Priority esnet.4 does not count: the trunk is not trusted");
    }

    #[test]
    fn nothing_special_needs_no_reason() {
        let decision =
            decide(&ScreeningSettings::default(), &Caller { base: 5, ..Caller::default() });
        let usual = Decision { lane: Lane::Usual, priority: 5, refuse: false, reasons: Vec::new() };
        assert_eq!(decision, usual);
    }

    #[test]
    fn who_returns_goes_before_others_and_never_back() {
        let settings = ScreeningSettings::default();
        let lost = lost(WorkKind::Abandoned);
        let at = |base| decide(&settings, &Caller { base, lost: Some(&lost), ..Caller::default() });
        let raised = at(5);
        assert_eq!((raised.lane, raised.priority), (Lane::Usual, 7));
        let why = "returns 40 seconds after a call that nobody answered: priority 7";
        assert_eq!(raised.reasons, [why]);
        assert_eq!(at(8).priority, 8);
        assert_eq!(at(200).priority, HIGHEST);
        let rings = Caller { base: 5, called_back: true, ..Caller::default() };
        assert_eq!(decide(&settings, &rings).priority, 7);
    }

    #[test]
    fn a_mark_moves_back_except_in_a_mass_incident_or_a_crash() {
        let settings = ScreeningSettings::default();
        let (mark, lost) = (mark(9), lost(WorkKind::Dropped));
        let marked = Caller { base: 5, mark: Some(&mark), ..Caller::default() };
        let decision = decide(&settings, &marked);
        assert_eq!((decision.lane, decision.priority, decision.refuse), (Lane::Nuisance, 5, false));
        let why = "the number is marked by sari until 1970-01-02T00:00:00.000Z";
        assert_eq!(decision.reasons, [why]);

        let returns = decide(&settings, &Caller { lost: Some(&lost), ..marked });
        assert_eq!((returns.lane, returns.priority), (Lane::Nuisance, 7));

        let cell = Place::Cell("510-10-1A2B-0C3D4E5".to_owned());
        let mass = decide(&settings, &Caller { mass: Some(&cell), ..marked });
        assert_eq!((mass.lane, mass.reasons.len()), (Lane::Usual, 1));
        assert!(mass.reasons[0].ends_with("mass incident at cell 510-10-1A2B-0C3D4E5"));

        let crash = Caller { service: "urn:service:sos.ecall.automatic", ..marked };
        assert_eq!(decide(&settings, &crash).lane, Lane::Usual);
    }

    #[test]
    fn only_who_insists_refuses_and_only_whom_people_marked_often() {
        let insist =
            ScreeningSettings { refuse_after_marks: Some(3), ..ScreeningSettings::default() };
        let refused = |settings: &ScreeningSettings, times, lost: Option<&Lost>| {
            let mark = mark(times);
            decide(settings, &Caller { mark: Some(&mark), lost, ..Caller::default() }).refuse
        };
        assert!(!refused(&ScreeningSettings::default(), 100, None));
        assert!(!refused(&insist, 2, None));
        assert!(refused(&insist, 3, None));
        assert!(refused(&insist, 3, Some(&lost(WorkKind::Abandoned))));
        assert!(!refused(&insist, 3, Some(&lost(WorkKind::Dropped))));
        let cell = Place::Cell("1".to_owned());
        let mark = mark(3);
        let mass = Caller { mark: Some(&mark), mass: Some(&cell), ..Caller::default() };
        assert!(!decide(&insist, &mass).refuse);
    }

    proptest! {
        #[test]
        fn nothing_lowers_a_priority_and_every_change_has_its_reason(
            base in 0u8..=9,
            steps in proptest::option::of(0u8..4),
            times in proptest::option::of(1u32..5),
            returns in any::<bool>(),
            called_back in any::<bool>(),
            refuse_after_marks in proptest::option::of(0u32..4),
        ) {
            let settings = ScreeningSettings { refuse_after_marks, ..ScreeningSettings::default() };
            let headers = steps.map(|steps| (steps, "asked".to_owned()));
            let mark = times.map(mark);
            let lost = returns.then(|| lost(WorkKind::Abandoned));
            let decision = decide(&settings, &Caller {
                base,
                headers: headers.as_ref(),
                mark: mark.as_ref(),
                lost: lost.as_ref(),
                called_back,
                ..Caller::default()
            });
            assert!((base..=HIGHEST).contains(&decision.priority));
            assert_eq!(decision.lane == Lane::Nuisance, mark.is_some());
            assert!(!decision.refuse || decision.lane == Lane::Nuisance);
            let changed = decision.priority != base || decision.lane != Lane::Usual;
            assert!(!changed || !decision.reasons.is_empty());
        }
    }
}
