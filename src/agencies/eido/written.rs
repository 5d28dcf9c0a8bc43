//! What people wrote of an incident: its kind, what happened, where, who was told, what came of it.

use serde_json::{Map, Value, json};

use super::{Document, list, reference};
use crate::agencies::pidf::pidf;
use crate::incident::Location;
use crate::store::{Incident, IncidentSummary};

/// Incident type of what nobody has named (EIDO-IncidentType-Common: no code found).
const NO_CODE: &str = "NCRNONE";
/// Incident type of what was no emergency.
const NO_EMERGENCY: &str = "NONEMERG";

impl Document<'_> {
    /// The place, the agencies and the notes of the form.
    pub(super) fn written(&mut self, first: &Incident) {
        self.place(&first.summary);
        let none = Map::new();
        let agencies = first.written.form.get("agencies").and_then(Value::as_object);
        for (name, notice) in agencies.unwrap_or(&none) {
            self.agency(name, notice);
        }
        let IncidentSummary { text, field_report, result, .. } = &first.summary;
        let victims = victims(&first.summary);
        let notes = [
            ("text", "", text.as_deref()),
            ("victims", "Victims: ", victims.as_deref()),
            ("field-report", "Field report: ", field_report.as_deref()),
            ("result", "Result: ", result.as_deref()),
        ];
        for (what, title, text) in notes {
            let Some(text) = text else { continue };
            let id = format!("{}#note-{what}", self.id);
            self.note(&id, &format!("{title}{text}"));
        }
    }

    /// A note; the standard takes HTML5.
    fn note(&mut self, id: &str, text: &str) -> Value {
        let html = quick_xml::escape::escape(text).replace('\n', "<br>");
        self.add("notesComponent", id, json!({"notesActionComments": html}))
    }

    fn place(&mut self, summary: &IncidentSummary) {
        let kecamatan = summary.kecamatan.as_deref();
        let kecamatan =
            kecamatan.map(|code| self.issuer.places.get(code).map_or(code, |name| name));
        let parts = [
            ("A3", kecamatan),
            ("A4", summary.desa.as_deref()),
            ("RD", summary.address.as_deref()),
            ("LMK", summary.landmark.as_deref()),
        ];
        let said = parts.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let location = Location {
            shape: "Point".into(),
            latitude: summary.latitude.clone(),
            longitude: summary.longitude.clone(),
            civic: said.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            method: Some("Manual".into()),
            ..Location::default()
        };
        let Some(value) = pidf(&location, &self.id) else { return };
        let id = format!("{}#place", self.id);
        self.add(
            "locationComponent",
            &id,
            json!({
                "locationTypeDescriptionRegistryText": "CurrentIncident",
                "locationByValue": value,
            }),
        );
    }

    /// An agency that was told, and what it was sent for.
    fn agency(&mut self, name: &str, notice: &Value) {
        let id = self.issuer.own(&name.replace(' ', "-").to_lowercase());
        let note = notice.get("note").and_then(Value::as_str).unwrap_or_default();
        let note =
            self.note(&format!("{id}#note"), format!("{name}: {note}").trim_end_matches(": "));
        let accepted = notice.get("accepted_at").is_some_and(|at| !at.is_null());
        let role = if accepted { "Dispatched" } else { "Informational" };
        // The registry of responders knows none of ours by name.
        let agency = self.add(
            "agencyComponent",
            &id,
            json!({
                "agencyRoleDescriptionRegistryText": [role],
                "agencyType": [],
                "notesReference": [note],
            }),
        );
        if accepted {
            let id = format!("{}#dispatch-{name}", self.id);
            self.add("dispatchComponent", &id, json!({"agencyReference": agency}));
        }
    }

    /// Incidents that ours belongs to, that belong to it, or that have to do with it.
    pub(super) fn other_incidents(&mut self, first: &Incident, calls: &[Incident]) {
        let written = &first.written;
        let merged = written.merged.iter().map(|other| (other, "REPLACING"));
        let into = written.merged_into.iter().map(|other| (other, "REPLACED"));
        for (other, way) in merged.chain(into) {
            let id = format!("{}#merge-{}", self.id, other.incident);
            let other = self.other(&other.incident, other.emergency_incident_id.as_deref());
            let own =
                json!({"incidentTrackingIdentifier": other, "incidentMergeDirectionCode": way});
            self.add("mergeComponent", &id, own);
        }
        let linked = written.linked.iter();
        let said = linked.map(|other| (&other.incident, &other.emergency_incident_id, &other.why));
        let links = first.links.iter();
        let found = links.map(|link| (&link.incident, &link.emergency_incident_id, &link.why));
        for (incident, given, why) in said.chain(found) {
            if calls.iter().any(|call| call.summary.id == *incident) {
                continue;
            }
            let own = json!({
                "incidentTrackingIdentifier": self.other(incident, given.as_deref()),
                "linkDirectionCode": "RELATED",
                "transactionReasonText": why,
            });
            self.add("linkComponent", &format!("{}#link-{incident}", self.id), own);
        }
    }

    /// Another incident by its name everywhere: what somebody else has called it is never replaced.
    fn other(&self, incident: &str, given: Option<&str>) -> String {
        let made = || format!("urn:emergency:uid:incidentid:{incident}:{}", self.issuer.element);
        given.map_or_else(made, str::to_owned)
    }

    /// The incident itself; everything that it refers to is in the lists by now.
    pub(super) fn incident(&mut self, first: &Incident) -> Value {
        let summary = &first.summary;
        let judged = summary.disposition.as_deref();
        let disposition = judged.map(|judged| {
            let own = json!({
                "dispositionCommonRegistryCode": common_disposition(judged),
                "dispositionPrimaryIndicator": true,
                "dispositionDescriptionText": judged,
            });
            self.component(&format!("{}#disposition", self.id), own)
        });
        let own_notes = format!("{}#note-", self.id);
        let notes = self.lists.get("notesComponent").and_then(Value::as_array);
        let notes = notes.into_iter().flatten().filter_map(|note| note.get("$id")?.as_str());
        let notes = notes.filter(|id| id.starts_with(&own_notes)).map(reference).collect();
        let own = json!({
            "incidentTypeCommonRegistryText": self.kind(summary),
            "incidentTypeInternalCode": summary.category,
            "incidentTypeInternalText": summary.sub_category,
            "incidentStatusCommonRegistryText": [status(first)],
            "internalIncidentId": summary.id,
            "incidentPriorityInternalText": summary.priority.map(|priority| priority.to_string()),
            "beatOrDispatchGroupText": summary.kecamatan,
            "dispositionComponent": list(disposition.into_iter().collect()),
            "locationReference": self.references("locationComponent"),
            "personReference": self.references("personComponent"),
            "agentReference": self.references("agentComponent"),
            "notesReference": list(notes),
        });
        self.component(&format!("{}#incident", self.id), own)
    }

    fn kind(&self, summary: &IncidentSummary) -> &str {
        let judged = summary.disposition.as_deref();
        if matches!(judged, Some("prank" | "ghost" | "test" | "information" | "callback")) {
            return NO_EMERGENCY;
        }
        let Some(category) = summary.category.as_deref() else { return NO_CODE };
        let sub = summary.sub_category.as_deref().map(|sub| format!("{category}/{sub}"));
        let known = |key: &str| self.issuer.kinds.get(key).map(String::as_str);
        sub.as_deref().and_then(known).or_else(|| known(category)).unwrap_or(NO_CODE)
    }
}

/// How far it has come, as EIDO-IncidentStatus-Common has it.
fn status(first: &Incident) -> &'static str {
    if first.written.state == "closed" {
        return "Closed";
    }
    let agencies = first.written.form.get("agencies").and_then(Value::as_object);
    let reached = |moment: &str| {
        let mut notices = agencies.into_iter().flat_map(Map::values);
        notices.any(|notice| notice.get(moment).is_some_and(|at| !at.is_null()))
    };
    match (reached("arrived_at"), reached("accepted_at")) {
        (true, _) => "ResourcesOnscene",
        (false, true) => "ResourcesAssigned",
        (false, false) => "Active",
    }
}

fn victims(summary: &IncidentSummary) -> Option<String> {
    let counts = [
        ("dead", summary.victims_dead),
        ("badly hurt", summary.victims_severe),
        ("lightly hurt", summary.victims_minor),
        ("missing", summary.victims_missing),
        ("displaced", summary.victims_displaced),
    ];
    let told = counts.into_iter().filter_map(|(what, count)| Some(format!("{} {what}", count?)));
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| told.join(", "))
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
