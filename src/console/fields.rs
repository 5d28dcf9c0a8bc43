//! The fields of the form as a request brings them, and as the API's description shows them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::problem::Problem;
use crate::incident::{Changes, Choices, Field, WrongField};

/// Fields of the form. Those that are left out stay as they are; null clears one.
#[derive(ToSchema)]
#[schema(as = Fields)]
#[allow(
    dead_code,
    reason = "describes the body, which is read field by field to name each mistake"
)]
pub(super) struct FieldsDoc {
    /// The version that you saw; needed to change a record, left out to make one.
    version: Option<u64>,
    /// How it became known, to make a record: `walk-in`, `radio`, `cap`, `message`, `referral`, `other`.
    origin: Option<String>,
    /// What the caller is called; 100 characters.
    caller_name: Option<String>,
    /// Where the caller can be reached otherwise; 40 characters.
    caller_number: Option<String>,
    /// Code of a category.
    category: Option<String>,
    /// Code of a sub-category of it; another category clears it.
    sub_category: Option<String>,
    /// What happened; 4000 characters.
    text: Option<String>,
    /// Street and house; 300 characters.
    address: Option<String>,
    /// Village; 100 characters.
    desa: Option<String>,
    /// Code or name of a kecamatan.
    kecamatan: Option<String>,
    /// What stands nearby; 200 characters.
    landmark: Option<String>,
    /// Degrees (WGS 84): `{"latitude": -7.0123, "longitude": 113.86}`.
    #[schema(value_type = Option<Object>)]
    coordinates: Option<Value>,
    /// How many have died.
    victims_dead: Option<u32>,
    /// How many are badly hurt.
    victims_severe: Option<u32>,
    /// How many are lightly hurt.
    victims_minor: Option<u32>,
    /// How many are missing.
    victims_missing: Option<u32>,
    /// How many had to leave their homes.
    victims_displaced: Option<u32>,
    /// What kind of call it was.
    disposition: Option<String>,
    /// What the agency reports from the place; 4000 characters.
    field_report: Option<String>,
    /// What came of it; 1000 characters.
    result: Option<String>,
    /// Agencies that were told, by their names: `{"Damkar 113": {"notified_at": "2026-09-17T05:13:00Z",
    /// "accepted_at": …, "arrived_at": …, "done_at": …, "note": "…"}}`; each stands for itself, null
    /// takes one out.
    #[schema(value_type = Option<BTreeMap<String, Object>>)]
    agencies: Option<BTreeMap<String, Value>>,
}

/// Reads fields; all that are wrong are named at once.
pub(super) fn fields(body: Map<String, Value>, choices: &Choices) -> Result<Changes, Problem> {
    let (mut changes, mut wrong) = (Changes::new(), Vec::new());
    let mut take = |name: String, value: &Value| {
        let field = name.parse::<Field>();
        match field.and_then(|field| Ok((field.clone(), field.read(value, choices)?))) {
            Ok((field, value)) => drop(changes.insert(field, value)),
            Err(why) => {
                let field = name.chars().take(100).collect();
                wrong.push(WrongField { field, why });
            }
        }
    };
    for (name, value) in body {
        match (name.as_str(), value) {
            ("agencies", Value::Object(agencies)) => {
                agencies.iter().for_each(|(name, told)| take(format!("agencies.{name}"), told));
            }
            ("agencies", other) => take("agencies".to_owned(), &other),
            (_, value) => take(name, &value),
        }
    }
    if wrong.is_empty() { Ok(changes) } else { Err(Problem::wrong_fields(wrong)) }
}
