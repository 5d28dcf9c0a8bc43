//! The keys of a `[[queue]]` that say how its callers wait: bounds, widening, early overflow.

use std::time::Duration;

use super::findings::{At, Log, Place};
use super::section::{Section, Wrong};
use crate::acd::settings::{Bounds, OverflowWhen, Strategy, Widen};
use crate::vocabulary::Lane;

/// The highest tier: a step to it opens every seat.
pub(super) const TIERS: u8 = 9;
/// Levels that may be lacking: no skill is needed.
const ANY_SKILL: u8 = 9;

/// Which of the free seats rings.
pub(super) fn strategy(text: &str) -> Result<Strategy, Wrong> {
    match text {
        "longest_idle" => Ok(Strategy::LongestIdle),
        "fewest_calls" => Ok(Strategy::FewestCalls),
        "round_robin" => Ok(Strategy::RoundRobin),
        "ring_all" => Ok(Strategy::RingAll),
        "preference" => Ok(Strategy::Preference),
        "last_operator" => Ok(Strategy::LastOperator),
        _ => Err(Wrong::new(
            format!("{text:?} is no strategy"),
            "write \"longest_idle\", \"fewest_calls\", \"round_robin\", \"ring_all\", \
             \"preference\" or \"last_operator\"",
        )),
    }
}

/// The bounds, and where each of them stands, in the order of [`Lane::ALL`].
pub(super) fn bounds(queue: &mut Section<'_>, log: &Log) -> (Bounds, [Place; 3]) {
    let usual = Bounds::default();
    let mut section = queue.section_or_empty("bound_seconds", "bound_seconds");
    let mut read = |lane: Lane| {
        let default = u32::try_from(usual.of(lane).as_secs()).unwrap_or(u32::MAX);
        section.seconds(lane.word(), 1..=3600, default)
    };
    let lanes = Lane::ALL.map(&mut read);
    for (before, after) in Lane::ALL.iter().zip(&lanes).zip(Lane::ALL.iter().zip(&lanes).skip(1)) {
        let ((first, sooner), (second, later)) = (before, after);
        if later.value < sooner.value {
            log.error(
                &later.place,
                format!(
                    "bound_seconds.{second} = {} is shorter than {first} = {}: they would go before \
                     the others",
                    later.value.as_secs(),
                    sooner.value.as_secs()
                ),
                "let usual <= silent <= nuisance",
            );
        }
    }
    let [first, second, third] = lanes;
    let bounds = Bounds { usual: first.value, silent: second.value, nuisance: third.value };
    (bounds, [first.place, second.place, third.place])
}

/// The steps; what one leaves out is as in the step before it.
pub(super) fn widen(queue: &mut Section<'_>, bound: Duration, log: &Log) -> Vec<Widen> {
    let mut steps: Vec<Widen> = Vec::new();
    let written = queue.sections("widen", "widen");
    let tiered = written.iter().any(|step| step.has("tier"));
    let (mut lower, mut tier) = (0, tiered.then_some(1));
    for mut section in written {
        let timed = section.has("after_seconds");
        if !timed {
            section.missing("after_seconds", "15");
        }
        let after = section.seconds("after_seconds", 1..=3600, 1);
        let named = section.number("lower", 0..=ANY_SKILL, lower);
        let any = section.truth("any_skill", false);
        let step = Widen {
            after: after.value,
            lower: if any { ANY_SKILL } else { named.value },
            tier: match section.has("tier") {
                true => Some(section.number("tier", 1..=TIERS, 2).value),
                false => tier,
            },
        };
        let before = steps.last().map(|step| step.after).unwrap_or_default();
        if !timed {
            continue;
        }
        if after.value <= before {
            log.error(
                &after.place,
                format!(
                    "the widen step after {} s stands behind that after {} s",
                    after.value.as_secs(),
                    before.as_secs()
                ),
                "write the steps in order of time",
            );
        } else if after.value >= bound {
            log.error(
                &after.place,
                format!(
                    "the widen step after {} s comes too late: after {} s, the bound, skills and \
                     tiers fall anyway",
                    after.value.as_secs(),
                    bound.as_secs()
                ),
                "let it come before bound_seconds.usual",
            );
        } else if step.lower < lower || step.tier < tier {
            log.error(
                &section.place,
                format!("the widen step after {} s asks for more again", after.value.as_secs()),
                "let lower and tier only rise from step to step",
            );
        }
        (lower, tier) = (step.lower, step.tier);
        steps.push(step);
    }
    steps
}

/// When the overflow is taken before its time.
pub(super) fn overflow_when(queue: &mut Section<'_>) -> OverflowWhen {
    let Some(mut section) = queue.section("overflow_when", "overflow_when") else {
        return OverflowWhen::default();
    };
    let written = section.has("length");
    let At { value: length, .. } = section.number("length", 1..=100_000_u32, 30);
    OverflowWhen {
        length: written.then(|| usize::try_from(length).unwrap_or(usize::MAX)),
        unstaffed: section.truth("unstaffed", false),
        paused: section.truth("paused", false),
    }
}
