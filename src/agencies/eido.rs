//! An incident as an Emergency Incident Data Object (NENA-STA-021.1): what an agency's dispatch system
//! takes in, instead of a telephone call and typing it again.
//!
//! It only writes. What the record does not say is left out, never made up.

use serde_json::{Map, Value, json};

use super::issuer::Issuer;
use super::pidf::pidf;
use crate::incident::{Arrival, Location};
use crate::store::Incident;
use crate::vocabulary::WallTime;

/// Content type of the document.
pub const EIDO: &str = "application/emergency.eido+json";
/// Incident type of what nobody has named (EIDO-IncidentType-Common: no code found).
const NO_CODE: &str = "NCRNONE";
/// Incident type of what was no emergency.
const NO_EMERGENCY: &str = "NONEMERG";

/// The document of one incident. `calls` are its calls, the first one first. None for an incident
/// without a call.
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
    for (call, arrival) in calls.iter().zip(&arrivals) {
        document.call(call, arrival);
    }
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
    told.filter_map(WallTime::parse).max().unwrap_or(call.summary.received_at.0)
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
            let empty =
                |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
            component.extend(own.into_iter().filter(|(_, value)| !empty(value)));
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

    fn call(&mut self, call: &Incident, arrival: &Arrival) {
        let summary = &call.summary;
        let id = arrival.emergency_call_id.clone().unwrap_or_else(|| {
            format!("urn:emergency:uid:callid:{}:{}", summary.call, self.issuer.element)
        });
        let locations = self.locations(&id, arrival);
        let data = self.additional_data(&id, arrival);
        let back = self.call_back(&id, arrival);
        let person = self.add(
            "personComponent",
            &format!("{id}#caller"),
            json!({
                "personIncidentRoleRegistryText": ["Caller"],
                "callIdentifier": [id],
                "callBackReference": back,
                "locationReference": locations,
            }),
        );
        let agents: Vec<Value> = self.agent(call).into_iter().collect();
        let state = match (summary.answered_at, summary.ended_at) {
            (_, Some(_)) => "callEnd",
            (Some(_), None) => "callAnswered",
            (None, None) => "callBegin",
        };
        self.add(
            "callComponent",
            &id,
            json!({
                "callStateRegistryText": state,
                "standardPrimaryCallType": "emergency",
                "localCallType": summary.disposition,
                "direction": "incoming",
                "queueIdentifier": summary.queue.as_deref().map(|queue| self.issuer.own(queue)),
                "callStartTimestamp": summary.received_at,
                "answerDate": summary.answered_at,
                "verstat": arrival.caller.verstat,
                "callBackReference": back,
                "agentReference": agents,
                "locationReference": locations,
                "personReference": [person],
                "additionalDataReference": data,
            }),
        );
    }

    fn agent(&mut self, call: &Incident) -> Option<Value> {
        let seat = call.summary.seat.as_deref()?;
        let name = call.summary.operator.as_deref().unwrap_or(seat);
        Some(self.add(
            "agentComponent",
            &self.issuer.own(name),
            json!({
                "agentWorkstationPositionIdentification": seat,
                "agentRoleRegistryText": ["Call Taking"],
                "agencyReference": reference(&self.issuer.agency),
            }),
        ))
    }

    /// How to call back; nothing for a caller who cannot be.
    fn call_back(&mut self, call: &str, arrival: &Arrival) -> Option<Value> {
        let phone = &arrival.caller.phone;
        let number = phone.e164.as_ref().filter(|_| phone.class.can_be_called_back())?;
        Some(self.add(
            "callbackComponent",
            &format!("{call}#callback"),
            json!({
                "callBackInformationUri": [format!("tel:{}", number.reveal())],
            }),
        ))
    }

    fn locations(&mut self, call: &str, arrival: &Arrival) -> Vec<Value> {
        let mut references = Vec::new();
        for (number, location) in (1..).zip(&arrival.locations) {
            let Some(value) = pidf(location, &self.id) else { continue };
            let id = format!("{call}#location-{number}");
            references.push(self.add(
                "locationComponent",
                &id,
                json!({
                    "locationTypeDescriptionRegistryText": "Caller",
                    "locationByValue": value,
                    "locationDescriptionText": source(location),
                }),
            ));
        }
        if let Some(cell) = &arrival.cell {
            let sector = format!("{}-{}-{}-{}", cell.mcc, cell.mnc, cell.area, cell.cell);
            references.push(self.add(
                "locationComponent",
                &format!("{call}#cell"),
                json!({
                    "locationTypeDescriptionRegistryText": "TowerLocation",
                    "cellTowerSectorId": sector,
                    "locationDescriptionText": cell.access,
                }),
            ));
        }
        references
    }

    fn additional_data(&mut self, call: &str, arrival: &Arrival) -> Vec<Value> {
        let mut references = Vec::new();
        for (number, block) in (1..).zip(&arrival.additional_data) {
            let id = format!("{call}#data-{number}");
            let value = if block.body.0.is_empty() {
                json!({"additionalDataByReferenceUrl": block.content_type})
            } else {
                json!({"additionalDataByValue": block.body.display()})
            };
            references.push(self.add("additionalDataComponent", &id, value));
        }
        references
    }

    /// Incidents that ours belongs to, or that belong to it.
    fn other_incidents(&mut self, first: &Incident, calls: &[Incident]) {
        for link in &first.links {
            if calls.iter().any(|call| call.summary.id == link.incident) {
                continue;
            }
            let other =
                format!("urn:emergency:uid:incidentid:{}:{}", link.incident, self.issuer.element);
            self.add(
                "linkComponent",
                &format!("{}#link-{}", self.id, link.call),
                json!({
                    "incidentTrackingIdentifier": other,
                    "linkDirectionCode": "RELATED",
                    "transactionReasonText": link.why,
                }),
            );
        }
    }

    fn incident(&mut self, first: &Incident) -> Value {
        let summary = &first.summary;
        let category = summary.category.as_deref();
        let kind = category.and_then(|code| self.issuer.kinds.get(code)).map(String::as_str);
        let judged = summary.disposition.as_deref();
        let known = match (kind, judged) {
            (_, Some("prank" | "ghost" | "test" | "information" | "callback")) => NO_EMERGENCY,
            (Some(kind), _) => kind,
            (None, _) => NO_CODE,
        };
        let disposition = judged.map(|judged| {
            self.component(
                &format!("{}#disposition", self.id),
                json!({
                    "dispositionCommonRegistryCode": common_disposition(judged),
                    "dispositionPrimaryIndicator": true,
                    "dispositionDescriptionText": judged,
                }),
            )
        });
        let status =
            if summary.ended_at.is_some() && judged.is_some() { "Closed" } else { "Active" };
        let locations = self.references("locationComponent");
        let people = self.references("personComponent");
        let agents = self.references("agentComponent");
        self.component(&format!("{}#incident", self.id), json!({
            "incidentTypeCommonRegistryText": known,
            "incidentTypeInternalCode": summary.category,
            "incidentStatusCommonRegistryText": [status],
            "internalIncidentId": summary.id,
            "incidentPriorityInternalText": summary.priority.map(|priority| priority.to_string()),
            "beatOrDispatchGroupText": summary.kecamatan,
            "dispositionComponent": disposition.into_iter().collect::<Vec<Value>>(),
            "locationReference": locations,
            "personReference": people,
            "agentReference": agents,
        }))
    }

    fn references(&self, list: &str) -> Vec<Value> {
        let list = self.lists.get(list).and_then(Value::as_array);
        let ids = list.into_iter().flatten().filter_map(|component| component.get("$id")?.as_str());
        ids.map(reference).collect()
    }
}

fn reference(id: &str) -> Value {
    json!({"$ref": id})
}

fn source(location: &Location) -> String {
    let parts = [Some(location.source.as_str()), location.method.as_deref()];
    parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

/// APCO ANS 1.111.2 as the EIDO names it: the nearest code to our word.
fn common_disposition(word: &str) -> &'static str {
    match word {
        // Report taken.
        "normal" => "01",
        // Settled by phone contact.
        "callback" => "05",
        // Information, administrative.
        "information" | "test" => "13",
        // Referred to partner agency.
        "misrouted" => "15",
        // No report taken.
        _ => "02",
    }
}
