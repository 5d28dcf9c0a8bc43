//! Facts about a call that came after its INVITE, put where a reader of the record looks for them.

use serde_json::{Map, Value};

/// Adds what later steps told to what the INVITE said: additional data that a vehicle sent or that was
/// fetched, and who vouches for the caller.
pub(super) fn add(facts: &mut Map<String, Value>, steps: &[Map<String, Value>]) {
    for step in steps {
        match step.get("fact").and_then(Value::as_str) {
            Some("data-came") => data_came(facts, step),
            Some("identity-checked") => {
                let known = |name: &&str| step.contains_key(*name);
                let told = ["verified", "passports"].into_iter().filter(known);
                let told = told.map(|name| (name.to_owned(), step.get(name).cloned().into()));
                facts.insert("identity".to_owned(), Value::Object(told.collect()));
            }
            _ => {}
        }
    }
}

fn data_came(facts: &mut Map<String, Value>, step: &Map<String, Value>) {
    for finding in step.get("findings").and_then(Value::as_array).into_iter().flatten() {
        push(facts, "findings", finding.clone());
    }
    if let (Some(alert), true) = (step.get("alert"), facts.get("alert").is_none_or(Value::is_null))
    {
        facts.insert("alert".to_owned(), alert.clone());
    }
    let Some(mut data) = step.get("data").cloned() else { return };
    let reference = step.get("reference").and_then(Value::as_str);
    if let Some(reference) = reference {
        if data.get("content_type").and_then(Value::as_str) == Some(reference) {
            // Nothing came: the reference stands there already.
            return;
        }
        // What was fetched stands where its reference stood.
        if let Some(Value::Array(list)) = facts.get_mut("additional_data") {
            let named =
                |old: &Value| old.get("content_type").and_then(Value::as_str) == Some(reference);
            if let Some(at) = list.iter().position(named) {
                list.remove(at);
            }
        }
    }
    if let Some(data) = data.as_object_mut() {
        for name in ["how", "reference"] {
            data.extend(step.get(name).map(|value| (name.to_owned(), value.clone())));
        }
    }
    push(facts, "additional_data", data);
}

fn push(facts: &mut Map<String, Value>, name: &str, value: Value) {
    let list = facts.entry(name).or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(list) = list {
        list.push(value);
    }
}
