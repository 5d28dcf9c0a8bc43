//! Calls in which a number was called, and did not call: dialled at a seat, such as to call somebody back, or
//! brought into another's call. What a seat dials has no record of its own; here it gets one.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::redaction::kept;
use super::scrub::Scrub;
use crate::store::{Recording, Step};

/// What is said of a step of somebody else's call.
const SAID: [&str; 5] = ["at", "seq", "fact", "call", "part"];

/// Calls that seats dialled, each with the steps that name the number.
pub(super) type Dialled = BTreeMap<String, Vec<Step>>;

fn text<'a>(step: &'a Step, key: &str) -> &'a str {
    step.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The call that a seat dialled, when the step is of one.
pub(super) fn dialled(step: &Step) -> Option<&str> {
    (text(step, "fact") == "seat-dialled").then(|| text(step, "call"))
}

/// Whether a seat dialled during somebody's emergency call: then the talk is about that.
pub(super) fn is_about_another(steps: &[Step]) -> bool {
    steps.iter().any(|step| step.contains_key("during"))
}

/// The record of a call that a seat dialled; not `whole`: without what is another's.
pub(super) fn record(
    call: &str,
    named: &[Step],
    own: &[Step],
    recordings: &[Recording],
    scrub: &Scrub,
    whole: bool,
) -> Value {
    let mut steps: Vec<Step> = named.to_vec();
    steps.extend(own.iter().filter(|step| !named.contains(step)).cloned());
    steps.sort_by(|a, b| text(a, "at").cmp(text(b, "at")));
    let about_another = is_about_another(named);
    if !whole {
        steps.retain(|step| !(about_another && text(step, "fact") == "text-written"));
        steps.iter_mut().for_each(|step| drop(step.remove("during")));
    }
    let first = named.first();
    let said = |key: &str| first.map(|step| text(step, key)).filter(|text| !text.is_empty());
    let ended = steps.iter().rev().find(|step| text(step, "fact") == "seat-call-ended");
    let mut record = json!({
        "call": call,
        "received_at": said("at"),
        "dialled": said("to"),
        "seat": said("seat"),
        "ended_at": ended.map(|step| text(step, "at")),
        "recording": recordings.first(),
        "further_recordings": recordings.get(1..).unwrap_or_default(),
        "steps": steps,
    });
    if !whole {
        scrub.value(&mut record);
    }
    record
}

/// Steps of another's call that say when the number was called and how long it took part.
pub(super) fn steps(all: &Value, scrub: &Scrub) -> Vec<Value> {
    let all: Vec<&Map<String, Value>> = all
        .get("steps")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .collect();
    let named =
        |step: &Map<String, Value>| !text(step, "to").is_empty() && !scrub.hides(text(step, "to"));
    let invited = all.iter().filter(|step| text(step, "fact") == "party-invited" && named(step));
    let parties: Vec<&Value> = invited.filter_map(|step| step.get("party")).collect();
    let ours = |step: &&Map<String, Value>| {
        named(step) || step.get("party").is_some_and(|party| parties.contains(&party))
    };
    let shown = all.into_iter().filter(ours).map(|step| {
        let mut shown = kept(step, &SAID);
        shown.extend(kept(step, &["to"]).into_iter().filter(|_| named(step)));
        Value::Object(shown)
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use super::super::scrub::{Numbers, Own};
    use super::*;

    fn scrub() -> Scrub {
        let own = Own { number: "+6281234567890".into(), area_code: "0328".into() };
        Scrub { numbers: Numbers::HideBut(own), names: Vec::new() }
    }

    fn step(value: &Value) -> Step {
        value.as_object().cloned().expect("an object")
    }

    #[test]
    fn who_was_brought_in_gets_when_and_how_long_and_nothing_of_the_others() {
        let all = json!({ "steps": [
            { "at": "1", "fact": "arrived", "trunk": "telco-a" },
            { "at": "2", "fact": "party-invited", "party": 1, "to": "+6281234567890", "by": "ani" },
            { "at": "3", "fact": "party-invited", "party": 2, "to": "+6281955556666" },
            { "at": "4", "fact": "party-joined", "party": 1, "part": "talk" },
            { "at": "5", "fact": "party-left", "party": 2, "how": "left" },
            { "at": "6", "fact": "transferred", "from": "seat-1", "to": "081234567890" },
        ]});
        let wanted = json!([
            { "at": "2", "fact": "party-invited", "to": "+6281234567890" },
            { "at": "4", "fact": "party-joined", "part": "talk" },
            { "at": "6", "fact": "transferred", "to": "081234567890" },
        ]);
        assert_eq!(Value::from(steps(&all, &scrub())), wanted);
    }

    #[test]
    fn a_talk_about_another_s_emergency_is_told_without_its_words() {
        let dialled = json!({ "at": "1", "fact": "seat-dialled", "call": "06", "during": "05", "seat": "seat-1",
            "to": "081234567890" });
        let (named, text) = (
            [step(&dialled)],
            step(
                &json!({ "at": "2", "fact": "text-written", "text": "ada kebakaran di 0819-5555-6666" }),
            ),
        );
        let own = [text, step(&json!({ "at": "3", "fact": "seat-call-ended" }))];
        assert!(is_about_another(&named));
        let told = record("06", &named, &own, &[], &scrub(), false);
        assert_eq!((&told["dialled"], &told["ended_at"]), (&json!("081234567890"), &json!("3")));
        let told = told.to_string();
        assert!(!told.contains("kebakaran") && !told.contains("during"), "{told}");
        let told = record("06", &named, &own, &[], &scrub(), true).to_string();
        assert!(told.contains("kebakaran") && told.contains("5555-6666"), "{told}");
    }
}
