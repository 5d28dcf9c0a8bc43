//! Who called and what came with the call, in the lines of `siaga112 incidents show`.
//!
//! It reads the facts of the record as they are kept, and leaves out what is not there.

use serde_json::{Map, Value};

use super::incident::Incident;
use crate::incident::{Badge, Passport};
use crate::vocabulary::NumberClass;

/// The caller in a line: number, name, and why we think so.
pub(super) fn caller(incident: &Incident) -> String {
    let said = |key: &str| text(at(&incident.facts, &["caller", key]));
    let name = said("name");
    let name = if name.is_empty() { name } else { format!(" \"{name}\"") };
    let mut why = vec![said("header"), said("trust")];
    why.extend((said("private") == "true").then(|| "asked for privacy".to_owned()));
    let verstat = said("verstat");
    why.extend((!verstat.is_empty()).then_some(verstat));
    let (raw, number) = (&incident.summary.caller_raw, incident.summary.number());
    why.extend((raw != number).then(|| format!("sent as {raw}")));
    format!("{number}{name} ({})", why.join(", "))
}

/// What is known beside the number: `network` lines, `no call back`, `device`.
pub(super) fn beside(incident: &Incident) -> Vec<(&'static str, String)> {
    let said = |key: &str| text(at(&incident.facts, &["caller", key]));
    let class = at(&incident.facts, &["caller", "phone", "class"]);
    let class: NumberClass =
        class.and_then(|class| serde_json::from_value(class.clone()).ok()).unwrap_or_default();
    let known = !incident.facts.is_empty() && at(&incident.facts, &["caller", "phone"]).is_some();
    let why = class.no_call_back().filter(|_| known).map(|(_, english)| english);
    let issued = said("issued_by");
    let issued = if issued.is_empty() { issued } else { format!("block of {issued} (a hint)") };
    let network = [said("network"), issued, said("country")];
    let network: Vec<String> = network.into_iter().filter(|part| !part.is_empty()).collect();
    vec![
        ("call back", why.unwrap_or_default().to_owned()),
        ("network", network.join(", ")),
        ("device", said("device")),
    ]
}

/// What came with the call: how it was diverted and charged, and a line for each block of additional
/// data with its kind, where it came from, and what it says.
pub(super) fn came_along(facts: &Map<String, Value>) -> Vec<(&'static str, String)> {
    let list = |key: &str| {
        let values = facts.get(key).and_then(Value::as_array).into_iter().flatten();
        values.map(|value| text(Some(value))).collect::<Vec<_>>().join("; ")
    };
    let mut lines = vec![
        ("diverted", list("diversion")),
        ("history", list("history")),
        ("call info", list("call_info")),
        ("charging", text(facts.get("charging"))),
    ];
    lines.extend(identity(facts));
    lines.extend(alert(facts));
    let blocks = facts.get("additional_data").and_then(Value::as_array);
    lines.extend(blocks.into_iter().flatten().map(|data| ("data", block(data))));
    lines
}

/// Who vouches for the number, in both languages, and what was wrong with each signature.
fn identity(facts: &Map<String, Value>) -> Vec<(&'static str, String)> {
    let Some(identity) = facts.get("identity") else { return Vec::new() };
    let read = |value: Option<&Value>| value.and_then(|v| serde_json::from_value(v.clone()).ok());
    let badge: Option<Badge> = read(identity.get("verified"));
    let mut lines = Vec::new();
    if let Some(badge) = badge {
        let (id, en) = badge.words();
        lines.push(("verified", format!("{}: {id} / {en}", badge.word())));
    }
    for passport in identity.get("passports").and_then(Value::as_array).into_iter().flatten() {
        let Ok(passport) = serde_json::from_value::<Passport>(passport.clone()) else { continue };
        let kind = if passport.ppt.is_empty() { "passport" } else { &passport.ppt };
        let by = passport.signer.as_deref().unwrap_or("nobody known");
        let told = passport.doubt.map_or_else(
            || format!("{kind} signed by {by}"),
            |doubt| {
                let (id, en) = doubt.why.words();
                let detail = if doubt.detail.is_empty() { "" } else { ": " };
                format!("{kind}: {id} / {en}{detail}{}", doubt.detail)
            },
        );
        lines.push(("identity", told));
        if let Some(why) = &passport.unasked {
            lines.push(("identity", format!("{kind}: not known whether it was revoked: {why}")));
        }
    }
    lines
}

/// An alert: what it is, then what it says in each language.
fn alert(facts: &Map<String, Value>) -> Vec<(&'static str, String)> {
    let Some(alert) = facts.get("alert").filter(|alert| alert.is_object()) else {
        return Vec::new();
    };
    let said = |value: &Value, keys: &[&str]| -> String {
        let parts = keys.iter().map(|key| text(value.get(*key)));
        parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
    };
    let of = ["status", "msg_type", "sender", "identifier", "sent", "references", "note"];
    let mut lines = vec![("alert", said(alert, &of))];
    for info in alert.get("infos").and_then(Value::as_array).into_iter().flatten() {
        let what = [
            "language",
            "event",
            "severity",
            "urgency",
            "certainty",
            "headline",
            "description",
            "instruction",
            "sender_name",
            "contact",
            "onset",
            "expires",
        ];
        lines.push(("says", said(info, &what)));
        let values = info.get("parameters").and_then(Value::as_array).into_iter().flatten();
        let values = values.filter_map(|pair| Some((pair.get(0)?, pair.get(1)?)));
        lines.extend(
            values.map(|(name, value)| {
                ("value", format!("{} {}", text(Some(name)), text(Some(value))))
            }),
        );
        for area in info.get("areas").and_then(Value::as_array).into_iter().flatten() {
            lines.push(("area", said(area, &["name"])));
        }
    }
    lines
}

fn block(block: &Value) -> String {
    let said = |key: &str| text(block.get(key));
    let kind = said("purpose");
    let kind = kind.strip_prefix("EmergencyCallData.").unwrap_or(&kind);
    let body = block.get("body");
    let length = body.and_then(|body| body.get("text")).and_then(Value::as_str).map(str::len);
    let hex =
        body.and_then(|body| body.get("hex")).and_then(Value::as_str).map(|hex| hex.len() / 2);
    let bytes = length.or(hex).unwrap_or_default();
    let bytes = if bytes == 0 { String::new() } else { format!(", {bytes} bytes") };
    let fields = block.get("fields").and_then(Value::as_array).into_iter().flatten();
    let fields: Vec<String> = fields
        .map(|field| format!("{} {}", text(field.get("name")), text(field.get("value"))))
        .collect();
    let fields = if fields.is_empty() { String::new() } else { format!(": {}", fields.join("; ")) };
    let kind = if kind.is_empty() { "unknown part" } else { kind };
    let how = said("how");
    let how = if how.is_empty() { how } else { format!(", by {how}") };
    format!("{kind} ({}{bytes}{how}){fields}", said("content_type"))
}

fn at<'a>(facts: &'a Map<String, Value>, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(facts.get(*first)?, |value, key| value.get(key))
}

fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
