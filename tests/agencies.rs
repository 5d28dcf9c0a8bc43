//! What other agencies' computers get: does it have the form that the public schemas ask for, does
//! every reference lead somewhere, and does it say what the record says?

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

use std::collections::BTreeSet;

use serde_json::Value;
use siaga112::agencies::i3_log::LogBook;
use siaga112::agencies::{Issuer, eido_export};
use siaga112::call::quality::{Heard, Quality};
use siaga112::incident::{AdditionalData, Arrival, Cell, Edit, Location, Raw, Tie};
use siaga112::journal::{Chain, Entry, Fact, Peer, Signal, Way, chain};
use siaga112::screening::Disposition;
use siaga112::sip::Transport;
use siaga112::store::{JournalWriter, StorageSettings, Store};
use siaga112::vocabulary::{
    AnswerMode, CallId, Cause, Ending, IncidentId, NumberClass, Party, Private, Stage, Uid,
    WallTime,
};

/// 2026-09-17T05:00:00Z.
const BASE: i64 = 1_789_621_200_000_000;

fn issuer() -> Issuer {
    Issuer {
        agency: "112.sumenep.example".into(),
        element: "gw1.112.sumenep.example".into(),
        name: "NTPD 112 Sumenep".into(),
        kinds: [
            ("kebakaran".to_owned(), "FUNK".to_owned()),
            ("kebakaran/rumah".into(), "FSTRU".into()),
        ]
        .into(),
        places: [("35.29.11".to_owned(), "Pragaan".to_owned())].into(),
    }
}

fn call() -> CallId {
    CallId(Uid::new(WallTime(BASE), 7))
}

/// What the network has called the incident.
const GIVEN: &str = "urn:emergency:uid:incidentid:9a1b2c3d4e5f:esrp.telco-a.example";

fn arrival() -> Arrival {
    let mut arrival = Arrival {
        sip_call_id: "1_2231@198.51.100.7".into(),
        emergency_call_id: Some(
            "urn:emergency:uid:callid:7f3c1e200001:sbc1.telco-a.example".into(),
        ),
        emergency_incident_id: Some(GIVEN.into()),
        dialled: "0328112".into(),
        service: "urn:service:sos.fire".into(),
        category: Some("kebakaran".into()),
        cell: Some(Cell {
            access: "3GPP-E-UTRAN-FDD".into(),
            mcc: "510".into(),
            mnc: "10".into(),
            area: "1A2B".into(),
            cell: "0C3D4E5".into(),
            network_provided: true,
            age_seconds: None,
        }),
        locations: vec![Location {
            shape: "Circle".into(),
            latitude: Some("-7.053000".into()),
            longitude: Some("113.944000".into()),
            radius_m: Some("25".into()),
            source: "loc1@telco-a.example".into(),
            ..Location::default()
        }],
        additional_data: vec![AdditionalData {
            purpose: "EmergencyCallData.Comment".into(),
            content_type: "application/EmergencyCallData.Comment+xml".into(),
            body: Raw(bytes::Bytes::from_static(b"<Comment/>")),
            ..AdditionalData::default()
        }],
        ..Arrival::default()
    };
    arrival.caller.phone.raw = Private::new("081234567890".into());
    arrival.caller.phone.e164 = Some(Private::new("+6281234567890".into()));
    arrival.caller.phone.class = NumberClass::Mobile;
    arrival.caller.verstat = Some("TN-Validation-Passed".into());
    arrival
}

/// How the caller was heard.
fn quality() -> Quality {
    Quality {
        received: 500,
        lost: 5,
        here: Heard { loss: 100, jitter_ms: 4, mos: 432 },
        there: None,
        round_trip_ms: Some(30),
    }
}

/// A call from its INVITE to its end.
fn a_call() -> Vec<Entry> {
    let call = call();
    let message = |way, text: &'static str| Signal {
        way,
        peer: Peer::Trunk("telco-b".into()),
        transport: Transport::Udp,
        local: "203.0.113.10:5060".parse().expect("an address"),
        remote: "198.51.100.7:5060".parse().expect("an address"),
        message: Raw(bytes::Bytes::from_static(text.as_bytes())),
    };
    let facts = [
        Fact::Arrived {
            call,
            incident: IncidentId(call.0),
            trunk: "telco-b".into(),
            source: "udp:198.51.100.7:5060".into(),
            arrival: Box::new(arrival()),
        },
        Fact::Queued {
            call,
            queue: "darurat".into(),
            rule: "everything".into(),
            priority: 5,
            answer: AnswerMode::OnAgent,
            wants: Vec::new(),
        },
        Fact::Signalled {
            call,
            messages: vec![
                message(Way::In, "INVITE sip:0328112@x SIP/2.0\r\n\r\nv=0\r\n"),
                message(Way::Out, "SIP/2.0 200 OK\r\n\r\nv=0\r\n"),
            ],
            cut: false,
        },
        Fact::Answered {
            call,
            seat: "seat-1".into(),
            operator: Some("siti".into()),
            after_ms: 2_000,
        },
        Fact::RecordingStarted { call, file: "a.wav".into() },
        Fact::Key { call, by: Party::Caller, key: '5', after_ms: 3_000 },
        Fact::PartyJoined { call, party: 1, part: siaga112::call::table::Part::Talk },
        Fact::PartyLeft { call, party: 1, how: "hung up".into() },
        Fact::AudioHeard { call, by: Party::Caller, quality: quality() },
        Fact::Ended {
            call,
            ending: Ending {
                stage: Stage::Talking,
                by: Party::Caller,
                cause: Cause::HungUp,
                q850: Some(16),
            },
            caller_packets: Some(500),
            seat_packets: Some(500),
        },
        Fact::RecordingSealed {
            call,
            file: "a.wav".into(),
            sha256: "ab".repeat(32),
            millis: 9_000,
            bytes: 144_044,
        },
        Fact::Disposed { call, disposition: Disposition::Normal, by: "siti".into() },
        Fact::IncidentEdited(Box::new(edit())),
        Fact::IncidentLinked(Box::new(tie())),
        Fact::IncidentMerged(Box::new(tie())),
    ];
    (0..).zip(facts).map(|(n, fact)| Entry { at: WallTime(BASE + n * 1_000_000), fact }).collect()
}

/// What the call taker wrote.
fn edit() -> Edit {
    let changes = serde_json::from_value(serde_json::json!({
        "caller_name": "Bu Aminah",
        "category": "kebakaran",
        "sub_category": "rumah",
        "text": "Dapur terbakar <besar>\nada anak di dalam",
        "kecamatan": "35.29.11",
        "desa": "Prenduan",
        "address": "Jl. Raya 5",
        "coordinates": {"latitude": "-7.11", "longitude": "113.66"},
        "victims_severe": 1,
        "agencies.Damkar 113": {
            "notified_at": "2026-09-17T05:01:00Z", "accepted_at": "2026-09-17T05:02:00Z",
            "note": "Pak Dani"
        },
    }));
    Edit {
        incident: IncidentId(call().0),
        by: "siti".into(),
        saw: 0,
        changes: changes.expect("fields"),
        version: 0,
    }
}

/// Another report of the same fire.
fn tie() -> Tie {
    Tie {
        incident: IncidentId(Uid::new(WallTime(BASE), 8)),
        other: IncidentId(call().0),
        by: "siti".into(),
        why: Private::new("the same house".into()),
        version: 0,
    }
}

/// What a component of an EIDO must have and what else it may have (NENA-STA-021.1, the members
/// that we write), and the lists of components of each.
const EIDO: &[(&str, &[&str], &[&str])] = &[
    (
        "",
        &["eidoVersion", "issuingElementIdentification", "agencyComponent"],
        &[
            "incidentComponent",
            "callComponent",
            "callbackComponent",
            "agentComponent",
            "additionalDataComponent",
            "locationComponent",
            "personComponent",
            "linkComponent",
            "mergeComponent",
            "notesComponent",
            "dispatchComponent",
        ],
    ),
    (
        "agencyComponent",
        &["agencyRoleDescriptionRegistryText", "agencyType"],
        &["agencyJcard", "incidentOwningAgencyIndicator", "notesReference"],
    ),
    (
        "agentComponent",
        &["agentRoleRegistryText", "agencyReference"],
        &["agentWorkstationPositionIdentification"],
    ),
    (
        "callComponent",
        &["callStateRegistryText", "standardPrimaryCallType", "direction", "callStartTimestamp"],
        &[
            "queueIdentifier",
            "localCallType",
            "answerDate",
            "verstat",
            "callBackReference",
            "agentReference",
            "locationReference",
            "personReference",
            "additionalDataReference",
        ],
    ),
    ("callbackComponent", &[], &["callBackInformationUri"]),
    (
        "locationComponent",
        &["locationTypeDescriptionRegistryText"],
        &["locationByValue", "locationDescriptionText", "cellTowerSectorId"],
    ),
    (
        "personComponent",
        &["personIncidentRoleRegistryText"],
        &["callIdentifier", "callBackReference", "locationReference", "ncPersonComponent"],
    ),
    ("additionalDataComponent", &[], &["additionalDataByValue", "additionalDataByReferenceUrl"]),
    (
        "linkComponent",
        &["incidentTrackingIdentifier", "linkDirectionCode"],
        &["transactionReasonText"],
    ),
    (
        "incidentComponent",
        &["incidentTypeCommonRegistryText"],
        &[
            "incidentTypeInternalCode",
            "incidentTypeInternalText",
            "incidentStatusCommonRegistryText",
            "internalIncidentId",
            "incidentPriorityInternalText",
            "beatOrDispatchGroupText",
            "dispositionComponent",
            "locationReference",
            "personReference",
            "agentReference",
            "notesReference",
        ],
    ),
    (
        "dispositionComponent",
        &["dispositionCommonRegistryCode"],
        &["dispositionPrimaryIndicator", "dispositionDescriptionText"],
    ),
    ("mergeComponent", &["incidentTrackingIdentifier", "incidentMergeDirectionCode"], &[]),
    ("notesComponent", &["notesActionComments"], &["agentReference"]),
    ("dispatchComponent", &[], &["agencyReference", "agentReference", "notesReference"]),
];

/// What is wrong with the form of a component and of all that is in it.
fn faults(kind: &str, component: &Value, faults: &mut Vec<String>) {
    let Some((_, must, may)) = EIDO.iter().find(|(known, ..)| *known == kind) else {
        return faults.push(format!("{kind} is no component"));
    };
    let Some(members) = component.as_object() else {
        return faults.push(format!("{kind} is no object"));
    };
    let prologue = ["$id", "lastUpdateTimeStamp", "updatedByAgencyReference"];
    for must in prologue.iter().chain(*must) {
        if !members.contains_key(*must) {
            faults.push(format!("{kind} has no {must}"));
        }
    }
    for (name, value) in members {
        let known = [&prologue[..], *must, *may].concat().contains(&name.as_str());
        if !known {
            faults.push(format!("{kind} knows no {name}"));
        }
        if name.ends_with("Component") && name != "ncPersonComponent" {
            let inner = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            inner.iter().for_each(|component| self::faults(name, component, faults));
        }
    }
}

fn ids(value: &Value, key: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get(key).and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|value| ids(value, key, found));
        }
        Value::Array(values) => values.iter().for_each(|value| ids(value, key, found)),
        _ => {}
    }
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "one story from its beginning to its end")]
async fn an_eido_has_the_form_of_the_standard_and_says_what_the_record_says() {
    let dir = tempfile::tempdir().expect("a folder");
    let journal = dir.path().join("journal");
    let (writer, _) = JournalWriter::open(&journal).expect("opens");
    let handle = writer.start(|_| {}).expect("starts");
    a_call().into_iter().for_each(|entry| handle.append(0, entry));
    assert_eq!(handle.stop(), 0);
    let url = format!("sqlite:{}", dir.path().join("incidents.db").display());
    let store = Store::open(&StorageSettings::at(&url)).expect("a URL");
    let mut out = Vec::new();
    let filter = siaga112::store::Filter::default();
    eido_export::export(&store, &journal, &filter, &issuer(), &mut out).await.expect("exports");
    let text = String::from_utf8(out).expect("text");
    assert_eq!(text.lines().count(), 1, "a document in each line");
    let eido: Value = serde_json::from_str(&text).expect("JSON");

    let mut wrong = Vec::new();
    faults("", &eido, &mut wrong);
    assert_eq!(wrong, Vec::<String>::new());
    let (mut named, mut meant) = (BTreeSet::new(), BTreeSet::new());
    ids(&eido, "$id", &mut named);
    ids(&eido, "$ref", &mut meant);
    let dangling: Vec<_> = meant.difference(&named).collect();
    assert!(dangling.is_empty(), "{dangling:?}");

    let said = |pointer: &str| eido.pointer(pointer).cloned().unwrap_or_default();
    let given = "urn:emergency:uid:callid:7f3c1e200001:sbc1.telco-a.example";
    for (pointer, expected) in [
        ("/eidoVersion", "1.0"),
        ("/callComponent/0/$id", given),
        ("/callComponent/0/callStateRegistryText", "callEnd"),
        ("/callComponent/0/callStartTimestamp", "2026-09-17T05:00:00.000Z"),
        ("/callComponent/0/answerDate", "2026-09-17T05:00:03.000Z"),
        ("/callComponent/0/verstat", "TN-Validation-Passed"),
        ("/callbackComponent/0/callBackInformationUri/0", "tel:+6281234567890"),
        ("/agentComponent/0/$id", "siti@112.sumenep.example"),
        ("/incidentComponent/incidentTypeCommonRegistryText", "FSTRU"),
        ("/incidentComponent/dispositionComponent/0/dispositionCommonRegistryCode", "01"),
        ("/locationComponent/1/cellTowerSectorId", "510-10-1A2B-0C3D4E5"),
        ("/additionalDataComponent/0/additionalDataByValue", "<Comment/>"),
        ("/incidentComponent/incidentStatusCommonRegistryText/0", "ResourcesAssigned"),
        ("/incidentComponent/beatOrDispatchGroupText", "35.29.11"),
        ("/personComponent/0/ncPersonComponent/name/0/personFullName/0/value", "Bu Aminah"),
        ("/agencyComponent/1/agencyRoleDescriptionRegistryText/0", "Dispatched"),
        ("/dispatchComponent/0/agencyReference/$ref", "damkar-113@112.sumenep.example"),
        ("/notesComponent/0/notesActionComments", "Damkar 113: Pak Dani"),
        (
            "/notesComponent/1/notesActionComments",
            "Dapur terbakar &lt;besar&gt;<br>ada anak di dalam",
        ),
        ("/notesComponent/2/notesActionComments", "Victims: 1 badly hurt"),
        ("/locationComponent/2/locationTypeDescriptionRegistryText", "CurrentIncident"),
    ] {
        assert_eq!(said(pointer), expected, "{pointer}");
    }
    let place = said("/locationComponent/0/locationByValue");
    assert!(place.as_str().is_some_and(|xml| xml.contains("-7.053000 113.944000")), "{place}");
    let place = said("/locationComponent/2/locationByValue");
    for part in ["-7.11 113.66", "<ca:A3>Pragaan</ca:A3>", "<ca:A4>Prenduan</ca:A4>"] {
        assert!(place.as_str().is_some_and(|xml| xml.contains(part)), "{part} in {place}");
    }

    // Another incident has the name that somebody else gave it, here as in its own document.
    let other = IncidentId(Uid::new(WallTime(BASE), 8));
    let named = "urn:emergency:uid:incidentid:0f0e0d0c0b0a:esrp.telco-b.example";
    let (writer, _) = JournalWriter::open(&journal).expect("opens");
    let handle = writer.start(|_| {}).expect("starts");
    let arrival = Arrival { emergency_incident_id: Some(named.into()), ..Arrival::default() };
    let fact = Fact::Arrived {
        call: CallId(other.0),
        incident: other,
        trunk: "telco-b".into(),
        source: "udp:198.51.100.7:5060".into(),
        arrival: Box::new(arrival),
    };
    handle.append(0, Entry { at: WallTime(BASE + 90_000_000), fact });
    assert_eq!(handle.stop(), 0);
    store.catch_up(&journal).await.expect("catches up");
    let document = async |id: String| {
        let calls = eido_export::calls(&store, &id).await.expect("asks");
        siaga112::agencies::eido::eido(&calls, &issuer()).expect("a document")
    };
    let (ours, theirs) = (document(call().to_string()).await, document(other.to_string()).await);
    for list in ["mergeComponent", "linkComponent"] {
        assert_eq!(ours[list][0]["incidentTrackingIdentifier"], named, "{list}");
        assert_eq!(theirs[list][0]["incidentTrackingIdentifier"], GIVEN, "{list}");
    }
}

/// What each log event must have besides what all have (Logging Service 1.2.1).
const LOG: &[(&str, &[&str])] = &[
    ("GatewayCallLogEvent", &[]),
    ("CallStartLogEvent", &["direction"]),
    ("CallEndLogEvent", &["direction"]),
    ("RouteLogEvent", &["recipientUri", "ruleId", "policyOwner", "policyType"]),
    ("CallSignalingMessageLogEvent", &["text", "direction"]),
    ("MediaStartLogEvent", &["sdp", "mediaLabel", "direction"]),
    ("MediaEndLogEvent", &["mediaLabel"]),
    ("CallStateChangeLogEvent", &["state", "direction"]),
    ("AgentStateChangeLogEvent", &["primaryAgentState"]),
    ("RecCallStartLogEvent", &["direction"]),
    ("RecCallEndLogEvent", &["direction"]),
    ("IncidentLinkLogEvent", &["incidentId", "linkedIncidentId", "relationship"]),
    ("IncidentMergeLogEvent", &["incidentId", "mergeIncidentId"]),
    ("QueueStateChangeLogEvent", &["notificationContents", "queueId", "direction"]),
    ("MalformedMessageLogEvent", &["text", "ipAddress"]),
    ("LegacyDigitsLogEvent", &["digits", "sentReceived", "type"]),
];

#[test]
fn every_log_event_has_the_form_of_the_logging_service() {
    let mut bytes = Vec::new();
    let mut chained = Chain::default();
    a_call().iter().for_each(|entry| chained.seal(&chain::body(entry), &mut bytes));
    let mut reader = Chain::default();
    let text = String::from_utf8(bytes).expect("text");
    let lines: Vec<_> =
        text.lines().map(|line| reader.accept(line.as_bytes()).expect("whole")).collect();
    let mut book = LogBook::default();
    let mut kinds = Vec::new();
    for line in &lines {
        // The process may end anywhere: what is remembered is written down beside the place.
        let written = serde_json::to_string(&book).expect("JSON");
        book = serde_json::from_str(&written).expect("JSON");
        for event in book.events(line, &issuer()) {
            let kind = event["logEventType"].as_str().expect("a kind").to_owned();
            let (_, own) = LOG.iter().find(|(known, _)| *known == kind).expect("a known kind");
            for must in ["timestamp", "agencyId", "elementId", "clientAssignedIdentifier"]
                .iter()
                .chain(*own)
            {
                assert!(!event[must].is_null(), "{kind} has no {must}");
            }
            // An incident has one name in all of them: the one that came with its call.
            let named = [&event["incidentId"], &event["linkedIncidentId"]];
            assert!(
                named.iter().all(|name| !name.to_string().contains(&call().to_string())),
                "{event}"
            );
            if kind == "QueueStateChangeLogEvent" {
                let told = event["notificationContents"].as_str().expect("a text");
                let told: Value = serde_json::from_str(told).expect("JSON");
                assert_eq!(
                    (&told["state"], &told["queueUri"]),
                    (&"Active".into(), &event["queueId"])
                );
                assert!(told["queueLength"].is_u64() && told["queueMaxLength"].is_u64(), "{told}");
                assert_eq!(told.as_object().map(serde_json::Map::len), Some(4), "{told}");
            }
            assert!(event["callIdSip"] == "1_2231@198.51.100.7" || event["callId"].is_null());
            let nulls: Vec<_> =
                event.as_object().expect("an object").iter().filter(|(_, v)| v.is_null()).collect();
            assert!(nulls.is_empty(), "{kind}: {nulls:?}");
            kinds.push(kind.trim_end_matches("LogEvent").to_owned());
        }
    }
    assert_eq!(
        kinds.join(" "),
        "GatewayCall CallStart Route QueueStateChange CallSignalingMessage CallSignalingMessage MediaStart \
         CallStateChange AgentStateChange QueueStateChange RecCallStart LegacyDigits CallStateChange CallStateChange \
         MediaEnd CallEnd RecCallEnd IncidentLink IncidentMerge"
    );
}
