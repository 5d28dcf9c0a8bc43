//! `routing.toml`: which call goes to which queue.

use super::clock;
use super::findings::{At, Log, Place};
use super::folder::Entry;
use super::forms;
use super::names::Names;
use super::section::{Section, Wrong, name, some_text};
use crate::routing::settings::{Rule, When};
use crate::routing::times::Times;
use crate::vocabulary::{QueueId, Skill, TrunkId, Want};

/// The names that a rule may refer to.
pub(super) struct Known<'n> {
    pub(super) trunks: &'n Names,
    pub(super) queues: &'n Names,
    pub(super) kecamatan: &'n Names,
}

/// One rule as it is written.
pub(super) struct Written {
    /// The rule and where it stands.
    pub(super) rule: At<Rule>,
    /// Where each of the skills stands that it asks for.
    pub(super) wants: Vec<Place>,
}

/// Reads the rules, highest priority first; among equals the one that is written first.
pub(super) fn read(file: At<Vec<Entry>>, known: &Known<'_>, log: &Log) -> Vec<Written> {
    let place = file.place.clone();
    let mut top = Section::top(file, log);
    let sections = top.sections("rule", "[[rule]]");
    let mut names = Names::new("rule", true);
    let mut rules: Vec<Written> = Vec::new();
    for (i, section) in sections.into_iter().enumerate() {
        let (name_place, written) = read_one(section, i + 1, known);
        names.add(&At { place: name_place, value: written.rule.value.name.clone() }, log);
        rules.push(written);
    }
    rules.sort_by_key(|written| std::cmp::Reverse(written.rule.value.priority));
    let in_order: Vec<&At<Rule>> = rules.iter().map(|written| &written.rule).collect();
    check_catch_all(&place, &in_order, log);
    check_reach(&in_order, log);
    rules
}

fn read_one(mut section: Section<'_>, number: usize, known: &Known<'_>) -> (Place, Written) {
    let log = section.log();
    let place = section.place.clone();
    let name = section
        .word("name", some_text)
        .unwrap_or_else(|| At { place: section.place.clone(), value: format!("rule {number}") });
    if !section.has("priority") {
        section.missing("priority", "50");
    }
    let priority = section.number("priority", -1_000_000..=1_000_000, 0).value;
    let when = section.section("when", "when").map(|when| read_when(when, known, log));
    let queue = section.name("queue", "\"darurat\"");
    known.queues.refer(&queue, log);
    let call_priority = section.number("call_priority", 0..=9, 5).value;
    let (wants, places) =
        section.words("skills", want).into_iter().map(|want| (want.value, want.place)).unzip();
    let rule = Rule {
        name: name.value,
        priority,
        when: when.unwrap_or_default(),
        queue: QueueId::from(queue.value),
        call_priority,
        wants,
    };
    (name.place, Written { rule: At { place, value: rule }, wants: places })
}

/// `kepulauan:2`; level 1 where none is written.
fn want(text: &str) -> Result<Want, Wrong> {
    let (skill, level) = text.split_once(':').unwrap_or((text, "1"));
    let level = level.parse().ok().filter(|level| (1..=9).contains(level));
    match (name(skill), level) {
        (Ok(skill), Some(level)) => Ok(Want { skill: Skill::from(skill), level }),
        _ => Err(Wrong::new(
            format!("{text:?} is no skill with a level"),
            "write a short name, with a level from 1 to 9 or without: \"kepulauan:2\"",
        )),
    }
}

fn read_when(mut section: Section<'_>, known: &Known<'_>, log: &Log) -> When {
    let trunks = section.words("trunk", some_text);
    let services = section.words("service", forms::service_form);
    let dialled = section.words("dialled", forms::digits);
    let kecamatan = section.words("kecamatan", some_text);
    let times = read_times(&mut section, log);
    trunks.iter().for_each(|trunk| known.trunks.refer(trunk, log));
    services.iter().for_each(|service| forms::doubt_service(service, log));
    kecamatan.iter().for_each(|code| known.kecamatan.refer(code, log));
    When {
        trunk: trunks.into_iter().map(|trunk| TrunkId::from(trunk.value)).collect(),
        service: services.into_iter().map(|service| service.value).collect(),
        dialled: dialled.into_iter().map(|form| form.value).collect(),
        kecamatan: kecamatan.into_iter().map(|code| code.value).collect(),
        times,
    }
}

fn read_times(section: &mut Section<'_>, log: &Log) -> Times {
    let hours = section.words("hours", clock::hours);
    let days = section.words("days", clock::day);
    let dates = section.words("dates", clock::dates);
    let place = dates.first().map(|dates| dates.place.clone());
    let times = Times {
        hours: hours.into_iter().map(|hours| hours.value).collect(),
        days: days.into_iter().map(|day| day.value).collect(),
        dates: dates.into_iter().map(|dates| dates.value).collect(),
    };
    if let (Some(place), false) = (place, times.can_hold()) {
        log.error(
            &place,
            "the rule is never true: none of its dates is on one of its days",
            "leave days out, or write other dates",
        );
    }
    times
}

/// A call that no rule fits would be led nowhere.
fn check_catch_all(file: &Place, rules: &[&At<Rule>], log: &Log) {
    if rules.iter().any(|rule| rule.value.when.is_always()) {
        return;
    }
    // Whatever hours it names, a mistake in them must not decide whether a call reaches a queue.
    let but_for_times =
        |rule: &&&At<Rule>| When { times: Times::default(), ..rule.value.when.clone() }.is_always();
    let (place, what) = match rules.iter().rev().find(but_for_times).or(rules.last()) {
        None => (file, "there is no rule: no call would reach a queue"),
        Some(timed) if but_for_times(&timed) => {
            (&timed.place, "the only rule for every call depends on the time")
        }
        Some(last) => (&last.place, "no rule is true for every call: some would reach no queue"),
    };
    log.error(
        place,
        what,
        "add as the last one: [[rule]] priority = 0, when = {}, queue = \"darurat\"",
    );
}

fn check_reach(rules: &[&At<Rule>], log: &Log) {
    for (i, rule) in rules.iter().enumerate() {
        let covering =
            rules.iter().take(i).find(|above| covers(&above.value.when, &rule.value.when));
        if let Some(above) = covering {
            log.warn(
                &rule.place,
                format!(
                    "the rule {:?} is never reached: {:?} at {} takes all of its calls before it",
                    rule.value.name, above.value.name, above.place
                ),
                "give it a higher priority, or remove it",
            );
        }
    }
}

/// Whether `wide` is true for every call that `narrow` is true for.
fn covers(wide: &When, narrow: &When) -> bool {
    fn list<T>(wide: &[T], narrow: &[T], fits: impl Fn(&T, &T) -> bool) -> bool {
        let all = || narrow.iter().all(|n| wide.iter().any(|w| fits(w, n)));
        wide.is_empty() || (!narrow.is_empty() && all())
    }
    let service = |wide: &String, narrow: &String| {
        wide == narrow || wide.strip_suffix('*').is_some_and(|branch| narrow.starts_with(branch))
    };
    list(&wide.trunk, &narrow.trunk, PartialEq::eq)
        && list(&wide.service, &narrow.service, service)
        && list(&wide.dialled, &narrow.dialled, PartialEq::eq)
        && list(&wide.kecamatan, &narrow.kecamatan, PartialEq::eq)
        && wide.times.cover(&narrow.times)
}
