//! `queues.toml`: where calls wait, and where they go when nobody comes.

use std::collections::BTreeMap;
use std::time::Duration;

use super::findings::{At, Log, Place};
use super::folder::Entry;
use super::names::Names;
use super::prompts::PromptFiles;
use super::section::{Section, Wrong};
use super::trunks::answer_mode;
use super::{announce, waiting};
use crate::acd::settings::{Overflow, QueueSettings};
use crate::sip::{Scheme, Uri};
use crate::switchboard::settings::Announcements;
use crate::vocabulary::QueueId;

/// One queue as it is written.
pub(super) struct Written {
    pub(super) name: At<String>,
    pub(super) overflow: Vec<At<Overflow>>,
    /// With the overflow followed to its end.
    pub(super) settings: QueueSettings,
    pub(super) announcements: Announcements,
    /// Where its bounds stand, in the order of the lanes.
    pub(super) bounds: [Place; 3],
    /// Where its `max_wait_seconds` stands.
    pub(super) max_wait: Place,
}

/// Reads the queues and checks that each of them ends at a number outside.
pub(super) fn read(
    file: At<Vec<Entry>>,
    names: &mut Names,
    prompts: &mut PromptFiles,
    log: &Log,
) -> Vec<Written> {
    let place = file.place.clone();
    let mut top = Section::top(file, log);
    let sections = top.sections("queue", "[[queue]]");
    if sections.is_empty() {
        log.error(&place, "there is no queue: no call could wait for an operator", "add [[queue]]");
    }
    let mut queues: Vec<Written> =
        sections.into_iter().map(|section| read_one(section, names, prompts, log)).collect();
    check_overflow(&queues, names, log);
    let by_name: BTreeMap<&str, &Written> =
        queues.iter().map(|queue| (queue.name.value.as_str(), queue)).collect();
    let ends: Vec<Vec<Overflow>> = queues.iter().map(|queue| followed(queue, &by_name)).collect();
    for (queue, overflow) in queues.iter_mut().zip(ends) {
        queue.settings.overflow = overflow;
    }
    queues
}

fn read_one(
    mut section: Section<'_>,
    names: &mut Names,
    prompts: &mut PromptFiles,
    log: &Log,
) -> Written {
    let place = section.place.clone();
    let name = section.name("name", "\"darurat\"");
    names.add(&name, log);
    let answer = section.word("answer", answer_mode).map(|mode| mode.value).unwrap_or_default();
    let ring_timeout = section.seconds("ring_timeout_seconds", 3..=120, 20);
    let wrap_up = section.seconds("wrap_up_seconds", 0..=3600, 10);
    let max_wait = section.seconds("max_wait_seconds", 1..=3600, 60);
    if max_wait.value <= ring_timeout.value {
        log.error(
            &max_wait.place,
            format!(
                "max_wait_seconds = {} leaves no time for a second seat after ring_timeout_seconds \
                 = {}",
                max_wait.value.as_secs(),
                ring_timeout.value.as_secs()
            ),
            "let max_wait_seconds be the larger one",
        );
    }
    if !section.has("overflow") {
        section.missing("overflow", "[\"queue:cadangan\", \"tel:+6281234567899\"]");
    } else if section.lists_nothing("overflow") {
        log.error(
            &section.place,
            format!("the queue {:?} ends nowhere: its overflow leads to nobody", name.value),
            "let the overflow end at a number, for example \"tel:+6281234567899\"",
        );
    }
    let overflow = section.words("overflow", overflow);
    let (bounds, places) = waiting::bounds(&mut section, log);
    let usual = QueueSettings::new(name.value.as_str());
    let settings = QueueSettings {
        answer,
        strategy: section
            .word("strategy", waiting::strategy)
            .map(|strategy| strategy.value)
            .unwrap_or_default(),
        ring_timeout: ring_timeout.value,
        wrap_up: wrap_up.value,
        wrap_up_most: wrap_up_most(&mut section, &wrap_up, log),
        max_wait: max_wait.value,
        overflow_when: waiting::overflow_when(&mut section),
        bounds,
        widen: waiting::widen(&mut section, bounds.usual, log),
        misses: section.number("misses", 0..=20, usual.misses).value,
        set_aside: section.seconds("set_aside_seconds", 1..=3600, 120).value,
        ..usual
    };
    let announce = section.section_or_empty("announce", "[queue.announce]");
    let announcements = announce::read(announce, &place, prompts, log);
    Written { name, overflow, settings, announcements, bounds: places, max_wait: max_wait.place }
}

/// The longest wrap-up that an operator may ask for: five minutes, or what every talk has anyway.
fn wrap_up_most(section: &mut Section<'_>, wrap_up: &At<Duration>, log: &Log) -> Duration {
    const USUAL: Duration = Duration::from_secs(300);
    if !section.has("wrap_up_most_seconds") {
        return wrap_up.value.max(USUAL);
    }
    let most = section.seconds("wrap_up_most_seconds", 0..=3600, 300);
    if most.value < wrap_up.value {
        log.error(
            &most.place,
            format!(
                "wrap_up_most_seconds = {} is shorter than wrap_up_seconds = {}",
                most.value.as_secs(),
                wrap_up.value.as_secs()
            ),
            "let wrap_up_most_seconds be the larger one",
        );
    }
    most.value
}

/// `queue:name`, `tel:number` or `sip:user@host`.
pub(super) fn overflow(text: &str) -> Result<Overflow, Wrong> {
    if let Some(queue) = text.strip_prefix("queue:") {
        return Ok(Overflow::Queue(QueueId::from(queue)));
    }
    let wrong = |what: String| {
        Wrong::new(
            what,
            "write \"queue:cadangan\", \"tel:+6281234567899\" or \"sip:ntpd@pamekasan.example\"",
        )
    };
    let uri = Uri::read(text);
    let plain = text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b'"'));
    let digits = uri.user().strip_prefix('+').unwrap_or(uri.user());
    let number = (3..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    match uri.scheme() {
        Scheme::Tel if plain && number => Ok(Overflow::Number(text.to_owned())),
        Scheme::Tel => Err(wrong(format!("{text:?} is no number: 3 to 15 digits after tel:"))),
        Scheme::Sip if plain && super::forms::host(uri.host()).is_ok() => {
            Ok(Overflow::Number(text.to_owned()))
        }
        Scheme::Sip => Err(wrong(format!("{text:?} is no SIP address"))),
        _ => Err(wrong(format!("an overflow cannot go to {text:?}"))),
    }
}

/// Queues that a queue's overflow leads to.
fn next(queue: &Written) -> impl Iterator<Item = (&QueueId, &At<Overflow>)> {
    queue.overflow.iter().filter_map(|entry| match &entry.value {
        Overflow::Queue(id) => Some((id, entry)),
        Overflow::Number(_) => None,
    })
}

/// Every reference exists and none leads in a circle. Since no overflow is empty either, each
/// queue's overflow ends at a number.
fn check_overflow(queues: &[Written], names: &Names, log: &Log) {
    for queue in queues {
        for (id, entry) in next(queue) {
            let name = At { place: entry.place.clone(), value: id.as_str().to_owned() };
            if name.value.is_empty() {
                log.error(&name.place, "\"queue:\" names no queue", "write \"queue:cadangan\"");
            }
            names.refer(&name, log);
        }
    }
    let by_name: BTreeMap<&str, &Written> =
        queues.iter().map(|queue| (queue.name.value.as_str(), queue)).collect();
    let mut done: Vec<&str> = Vec::new();
    for queue in queues {
        find_loop(queue, &by_name, &mut Vec::new(), &mut done, log);
    }
}

/// Walks the overflow depth first; a queue that is met again on its own path closes a loop.
fn find_loop<'q>(
    queue: &'q Written,
    by_name: &BTreeMap<&str, &'q Written>,
    path: &mut Vec<&'q str>,
    done: &mut Vec<&'q str>,
    log: &Log,
) {
    if done.contains(&queue.name.value.as_str()) {
        return;
    }
    path.push(&queue.name.value);
    for (id, entry) in next(queue) {
        if let Some(start) = path.iter().position(|name| *name == id.as_str()) {
            let mut circle: Vec<&str> = path.iter().skip(start).copied().collect();
            circle.push(id.as_str());
            log.error(
                &entry.place,
                format!("the overflow goes in a circle: {}", circle.join(" -> ")),
                "let one of these queues go to a number outside instead",
            );
        } else if let Some(next) = by_name.get(id.as_str()) {
            find_loop(next, by_name, path, done, log);
        }
    }
    path.pop();
    done.push(&queue.name.value);
}

/// The overflow with its last queue followed on, so that the last entry is a number.
fn followed(queue: &Written, by_name: &BTreeMap<&str, &Written>) -> Vec<Overflow> {
    let mut steps: Vec<Overflow> = Vec::new();
    let mut current = queue;
    // Bounded: a circle is refused elsewhere and must only not run for ever.
    for _ in 0..=by_name.len() {
        for entry in &current.overflow {
            if !steps.contains(&entry.value) {
                steps.push(entry.value.clone());
            }
        }
        let Some(Overflow::Queue(last)) = current.overflow.last().map(|entry| &entry.value) else {
            break;
        };
        match by_name.get(last.as_str()) {
            Some(next) => current = next,
            None => break,
        }
    }
    steps
}
