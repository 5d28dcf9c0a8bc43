//! The calls of an incident: who rang, from where, who took it.

use serde_json::{Value, json};

use super::{Document, list, reference};
use crate::agencies::pidf::pidf;
use crate::incident::{Arrival, Location};
use crate::store::Incident;

impl Document<'_> {
    pub(super) fn call(&mut self, call: &Incident, arrival: &Arrival) {
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
                "locationReference": list(locations.clone()),
                "ncPersonComponent": name(call),
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
                "agentReference": list(agents),
                "locationReference": list(locations),
                "personReference": [person],
                "additionalDataReference": list(data),
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
}

fn source(location: &Location) -> String {
    let parts = [Some(location.source.as_str()), location.method.as_deref()];
    parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

/// The caller's name, as the operator wrote it.
fn name(call: &Incident) -> Option<Value> {
    let name = call.summary.caller_name.as_deref()?;
    Some(json!({"name": [{"personFullName": [{"value": name}]}]}))
}
