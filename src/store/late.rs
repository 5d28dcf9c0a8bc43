//! Facts about a call that came after its INVITE, put where a reader of the record looks for them.

use serde_json::{Map, Value};

/// Adds what later steps told to what the INVITE said: additional data that a vehicle sent or that was
/// fetched.
pub(super) fn add(facts: &mut Map<String, Value>, steps: &[Map<String, Value>]) {
    for step in steps {
        if step.get("fact").and_then(Value::as_str) == Some("data-came")
            && let Some(data) = step.get("data")
        {
            let mut data = data.clone();
            if let (Some(data), Some(how)) = (data.as_object_mut(), step.get("how")) {
                data.insert("how".to_owned(), how.clone());
            }
            let list = facts.entry("additional_data").or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(list) = list {
                list.push(data);
            }
        }
    }
}
