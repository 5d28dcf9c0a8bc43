//! An incident as an Emergency Incident Data Object (NENA-STA-021.1): what an agency's dispatch system
//! takes in, instead of a telephone call and typing it again.
//!
//! It only writes. What the record does not say is left out, never made up.

mod calls;
mod written;

use serde_json::{Map, Value, json};

use super::issuer::Issuer;
use crate::incident::Arrival;
use crate::store::Incident;
use crate::vocabulary::WallTime;

/// Content type of the document.
pub const EIDO: &str = "application/emergency.eido+json";
/// The document of one incident. `calls` are its calls, the first one first, or its record where it
/// has none; without any there is no document.
#[must_use]
pub fn eido(calls: &[Incident], issuer: &Issuer) -> Option<Value> {
    let first = calls.first()?;
    let arrivals: Vec<Arrival> = calls.iter().map(arrival).collect();
    let id = incident_id(first, arrivals.first()?, issuer);
    let mut document = Document {
        issuer,
        id: id.clone(),
        at: calls.iter().map(last_change).max().unwrap_or_default(),
        lists: Map::new(),
    };
    document.add(
        "agencyComponent",
        &issuer.agency.clone(),
        json!({
            "agencyRoleDescriptionRegistryText": ["CallReceiving"],
            "agencyType": ["psap"],
            "incidentOwningAgencyIndicator": true,
        }),
    );
    let with_a_call = |call: &Incident| matches!(call.summary.origin.as_str(), "" | "call");
    for (call, arrival) in calls.iter().zip(&arrivals).filter(|(call, _)| with_a_call(call)) {
        document.call(call, arrival);
    }
    document.written(first);
    document.other_incidents(first, calls);
    let incident = document.incident(first);
    let mut whole = document.component(
        &id,
        json!({
            "eidoVersion": "1.0",
            "issuingElementIdentification": issuer.element,
            "incidentComponent": incident,
        }),
    );
    if let Some(whole) = whole.as_object_mut() {
        whole.extend(document.lists);
    }
    Some(whole)
}

fn arrival(call: &Incident) -> Arrival {
    // A record of another version may lack or have more: what can be read is told.
    serde_json::from_value(Value::Object(call.facts.clone())).unwrap_or_default()
}

fn incident_id(call: &Incident, arrival: &Arrival, issuer: &Issuer) -> String {
    let given = arrival.emergency_incident_id.as_deref();
    let made = || format!("urn:emergency:uid:incidentid:{}:{}", call.summary.id, issuer.element);
    given.map_or_else(made, str::to_owned)
}

/// When anything of it changed last.
fn last_change(call: &Incident) -> WallTime {
    let told = call.steps.iter().filter_map(|step| step.get("at")?.as_str());
    let told = told.filter_map(WallTime::parse);
    let written = call.written.changed_at.map(|at| at.0);
    told.chain(written).max().unwrap_or(call.summary.received_at.0)
}

/// The document in the making: its lists, and what every component of it begins with.
struct Document<'a> {
    issuer: &'a Issuer,
    id: String,
    at: WallTime,
    lists: Map<String, Value>,
}

impl Document<'_> {
    /// A component: the prologue that all have, and its own members; absent ones are left out.
    fn component(&self, id: &str, own: Value) -> Value {
        let mut component = Map::new();
        component.insert("$id".into(), id.into());
        component.insert("lastUpdateTimeStamp".into(), self.at.to_rfc3339().into());
        component.insert("updatedByAgencyReference".into(), reference(&self.issuer.agency));
        if let Value::Object(own) = own {
            component.extend(own.into_iter().filter(|(_, value)| !value.is_null()));
        }
        Value::Object(component)
    }

    /// Adds a component to its list, unless one with this id is there; returns the reference to it.
    fn add(&mut self, list: &str, id: &str, own: Value) -> Value {
        let component = self.component(id, own);
        let list = self.lists.entry(list).or_insert_with(|| json!([]));
        if let Some(list) = list.as_array_mut()
            && !list.iter().any(|known| known.get("$id") == component.get("$id"))
        {
            list.push(component);
        }
        reference(id)
    }

    /// References to all of a list.
    fn references(&self, of: &str) -> Value {
        let components = self.lists.get(of).and_then(Value::as_array).into_iter().flatten();
        let ids = components.filter_map(|component| component.get("$id")?.as_str());
        list(ids.map(reference).collect())
    }
}

fn reference(id: &str) -> Value {
    json!({"$ref": id})
}

/// A list, or nothing where it would be empty.
fn list(values: Vec<Value>) -> Value {
    if values.is_empty() { Value::Null } else { values.into() }
}
