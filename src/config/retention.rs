//! `retention.toml`: how long what is kept of a call, by kind, each with its ground in law. Without the
//! file nothing is deleted by age.

use super::findings::{At, Log};
use super::folder::Entry;
use super::section::{Section, Wrong, some_text};
use crate::journal::retention::{Keep, Rules};
use crate::screening::Disposition;

/// A hundred years.
const MOST_DAYS: u32 = 36_500;
/// Days that what belongs to no call is kept where nothing is written: a call that is to have it comes within hours.
const NO_CALL_DAYS: u32 = 7;
/// What stands for calls that nobody has judged.
const UNJUDGED: &str = "none";

/// Reads the file. Every kind of call must have one rule: what was forgotten would be kept for ever.
pub(super) fn read(file: At<Vec<Entry>>, log: &Log) -> Rules {
    let place = file.place.clone();
    let mut top = Section::top(file, log);
    let mut rules = Rules::default();
    for mut section in top.sections("keep", "[[keep]]") {
        let kinds = section.words("calls", kind);
        if kinds.is_empty() {
            section.missing(
                "calls",
                "[\"prank\", \"ghost\"], or [\"none\"] for calls that nobody has judged",
            );
        }
        let mut days = |key: &'static str| {
            if !section.has(key) {
                section.missing(key, "90");
            }
            section.number(key, 1..=MOST_DAYS, 90).value
        };
        let (audio_days, record_days, trace_days) =
            (days("audio_days"), days("record_days"), days("trace_days"));
        let ground = section.required("ground", "\"UU 27/2022 pasal 20(2)e\"", some_text);
        let ground = ground.map(|ground| ground.value).unwrap_or_default();
        let keep = Keep { audio_days, record_days, trace_days, ground };
        for At { place, value: kind } in kinds {
            let before = match kind {
                Some(kind) => rules.by.insert(kind, keep.clone()),
                None => rules.unjudged.replace(keep.clone()),
            };
            if before.is_some() {
                let word = kind.map_or(UNJUDGED, Disposition::word);
                let what = format!("calls of the kind {word:?} have two rules");
                log.error(&place, what, "name each kind once");
            }
        }
    }
    if let Some(mut section) = top.section("access_log", "[access_log]") {
        let written = section.has("days");
        if !written {
            section.missing("days", "1825");
        }
        let days = section.number("days", 1..=MOST_DAYS, 1_825).value;
        rules.log_days = written.then_some(days);
    }
    rules.no_call_days = Some(NO_CALL_DAYS);
    if let Some(mut section) = top.section("no_call", "[no_call]") {
        if !section.has("days") {
            section.missing("days", "7");
        }
        rules.no_call_days = Some(section.number("days", 1..=MOST_DAYS, NO_CALL_DAYS).value);
    }
    let all = Disposition::ALL.into_iter().filter(|kind| !rules.by.contains_key(kind));
    let mut forgotten: Vec<&str> = all.map(Disposition::word).collect();
    forgotten.extend(rules.unjudged.is_none().then_some(UNJUDGED));
    if !forgotten.is_empty() {
        log.error(
            &place,
            format!("no [[keep]] is for calls of the kind {}", forgotten.join(", ")),
            "name each kind in the `calls` of one [[keep]]: what no rule names would be kept for ever",
        );
    }
    rules
}

fn kind(text: &str) -> Result<Option<Disposition>, Wrong> {
    if text == UNJUDGED {
        return Ok(None);
    }
    let known = Disposition::ALL.into_iter().find(|kind| kind.word() == text);
    known.map(Some).ok_or_else(|| {
        let words: Vec<&str> = Disposition::ALL.into_iter().map(Disposition::word).collect();
        Wrong::new(
            format!("{text:?} is no kind of call"),
            format!(
                "write one of {}, or {UNJUDGED} for calls that nobody has judged",
                words.join(", ")
            ),
        )
    })
}
