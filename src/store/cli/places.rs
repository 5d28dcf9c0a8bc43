//! Where a caller is, in the lines of `incidents show`: the best place first, then everything that was told.

use serde_json::{Map, Value};

use super::super::incident::Incident;
use super::super::locations::LocationReport;

/// Tells all that the record has of it.
pub(super) fn told(incident: &Incident, line: &mut impl FnMut(&str, &str)) {
    if let Some(place) = &incident.place {
        line("place", &best(place));
        line("kecamatan", &place.get("kecamatan").map(guess).unwrap_or_default());
        line("neighbour", &place.get("neighbour").map(neighbour).unwrap_or_default());
    }
    for place in list(incident.facts.get("locations")) {
        line("location", &location(place));
    }
    for report in &incident.location_reports {
        let after = (report.at.0.0 - incident.summary.received_at.0.0) / 1_000_000;
        let when =
            if after < 0 { format!("{} s before", -after) } else { format!("after {after} s") };
        for place in list(report.report.get("locations")) {
            line("location", &format!("{} ({when}{})", location(place), from(report)));
        }
        for finding in list(report.report.get("findings")).filter_map(Value::as_str) {
            line("location", &format!("{finding} ({when})"));
        }
    }
    line("cell", &cell(&incident.facts));
}

fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

fn part<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn from(report: &LocationReport) -> String {
    match report.report.get("from").and_then(Value::as_str) {
        Some(from) if !from.is_empty() => format!(", told by {from}"),
        _ => String::new(),
    }
}

fn best(place: &Map<String, Value>) -> String {
    let Some(found) = place.get("location") else { return String::new() };
    let why = place.get("why").and_then(Value::as_str).unwrap_or_default();
    format!("{}: {why}", location(found))
}

fn guess(guess: &Value) -> String {
    let percent = guess.get("percent").and_then(Value::as_u64).unwrap_or_default();
    format!("{} {}, {percent} %: {}", part(guess, "code"), part(guess, "name"), part(guess, "why"))
}

fn neighbour(hint: &Value) -> String {
    let (name, number, why) = (part(hint, "name"), part(hint, "number"), part(hint, "why"));
    format!("{name} at {number}? {why}")
}

/// A location as one would say it: its shape and position, its address, where it came from.
fn location(place: &Value) -> String {
    let part = |key: &str| place.get(key).and_then(Value::as_str).unwrap_or_default();
    let mut words = vec![part("shape").to_owned()];
    if !part("latitude").is_empty() {
        words.push(format!("{} {}", part("latitude"), part("longitude")));
    }
    if !part("radius_m").is_empty() {
        words.push(format!("within {} m", part("radius_m")));
    }
    let civic = place.get("civic").and_then(Value::as_array).into_iter().flatten();
    let civic: Vec<String> = civic
        .filter_map(|pair| Some(format!("{} {}", pair.get(0)?.as_str()?, pair.get(1)?.as_str()?)))
        .collect();
    words.extend((!civic.is_empty()).then(|| civic.join(", ")));
    for (key, before) in [("method", "by"), ("timestamp", "at"), ("source", "from")] {
        if !part(key).is_empty() {
            words.push(format!("{before} {}", part(key)));
        }
    }
    words.join(" ")
}

fn cell(facts: &Map<String, Value>) -> String {
    let Some(cell) = facts.get("cell").filter(|cell| !cell.is_null()) else { return String::new() };
    let part = |key: &str| cell.get(key).and_then(Value::as_str).unwrap_or_default();
    let sure = cell.get("network_provided").and_then(Value::as_bool).unwrap_or_default();
    let sure = if sure { "said by the network" } else { "a hint only" };
    format!(
        "{} {}-{} area {} cell {} ({sure})",
        part("access"),
        part("mcc"),
        part("mnc"),
        part("area"),
        part("cell")
    )
}
