//! `queues.toml`: where calls wait, and where they go when nobody comes.

use std::collections::BTreeMap;

use super::findings::{At, Log};
use super::folder::Entry;
use super::names::Names;
use super::section::{Section, Wrong};
use super::trunks::answer_mode;
use crate::acd::settings::{Overflow, QueueSettings};
use crate::sip::{Scheme, Uri};
use crate::vocabulary::QueueId;

/// Carriers give up on an unanswered call at about three minutes (Timer C, RFC 3261 §16.6).
const NETWORKS_GIVE_UP_SECONDS: u64 = 170;

/// One queue as it is written, before its overflow is followed to the end.
struct Written {
    name: At<String>,
    overflow: Vec<At<Overflow>>,
    settings: QueueSettings,
}

/// Reads the queues and checks that each of them ends at a number outside.
pub(super) fn read(file: At<Vec<Entry>>, names: &mut Names, log: &Log) -> Vec<QueueSettings> {
    let place = file.place.clone();
    let mut top = Section::top(file, log);
    let sections = top.sections("queue", "[[queue]]");
    if sections.is_empty() {
        log.error(&place, "there is no queue: no call could wait for an operator", "add [[queue]]");
    }
    let queues: Vec<Written> =
        sections.into_iter().map(|section| read_one(section, names, log)).collect();
    check_overflow(&queues, names, log);
    let by_name: BTreeMap<&str, &Written> =
        queues.iter().map(|queue| (queue.name.value.as_str(), queue)).collect();
    queues
        .iter()
        .map(|queue| {
            let mut settings = queue.settings.clone();
            settings.overflow = followed(queue, &by_name);
            settings
        })
        .collect()
}

fn read_one(mut section: Section<'_>, names: &mut Names, log: &Log) -> Written {
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
    if max_wait.value.as_secs() > NETWORKS_GIVE_UP_SECONDS {
        log.warn(
            &max_wait.place,
            format!("networks give up before max_wait_seconds = {}", max_wait.value.as_secs()),
            format!("write at most {NETWORKS_GIVE_UP_SECONDS}, or the overflow is never reached"),
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
    let settings = QueueSettings {
        id: QueueId::from(name.value.as_str()),
        answer,
        ring_timeout: ring_timeout.value,
        wrap_up: wrap_up.value,
        max_wait: max_wait.value,
        ..QueueSettings::new(name.value.as_str())
    };
    Written { name, overflow, settings }
}

/// `queue:name`, `tel:number` or `sip:user@host`.
fn overflow(text: &str) -> Result<Overflow, Wrong> {
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
