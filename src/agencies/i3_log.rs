//! The journal as NENA i3 log events (NENA-STA-010.3 §4.12.3, Logging Service 1.2.1): what a logger of
//! a region keeps of our calls. One line of the journal becomes none, one or several events.
//!
//! It only translates. What it must remember of a call that goes on, so that later lines can be named,
//! is a value that is kept beside the place in the journal.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::issuer::Issuer;
use crate::incident::Tie;
use crate::journal::{Entry, Fact, Line, Signal, Way};
use crate::vocabulary::{CallId, IncidentId, Party, QueueId};

/// Calls that are remembered at most: a journal that lost its ends must not fill the memory.
const CALLS: usize = 20_000;
/// Incidents that were named elsewhere and are remembered at most.
const GIVEN: usize = 20_000;
/// The longest queue: ours refuse nobody, and the standard asks for a number.
const NO_LIMIT: u32 = 2_147_483_647;
/// `policyType` of the rules by which calls find their queue.
const POLICY: &str = "OtherRoutePolicy";

/// What is remembered of the calls that go on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogBook {
    calls: BTreeMap<CallId, Names>,
    /// Where each caller waits who waits.
    #[serde(default)]
    waiting: BTreeMap<CallId, QueueId>,
    /// The names of incidents that others had named before they came here.
    #[serde(default)]
    given: BTreeMap<IncidentId, String>,
}

/// The names of one call, and what its end will tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Names {
    call: String,
    incident: String,
    sip: String,
    from: String,
    to: String,
    /// Where the INVITE came from.
    address: String,
    /// How its legs were heard.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    quality: Vec<Value>,
}

impl LogBook {
    /// The events of one line, in their order. A call whose beginning was not seen has its own id.
    #[must_use]
    pub fn events(&mut self, line: &Line, issuer: &Issuer) -> Vec<Value> {
        let Some(Entry { at, fact }) = &line.entry else { return Vec::new() };
        let names = fact.call().map(|call| self.names(call, fact, issuer));
        self.learn(fact);
        let (at, names) = (at.to_rfc3339(), names.as_ref());
        let page = Page { issuer, at, seq: line.seq, names, given: &self.given };
        let mut events = page.events(fact);
        let queues = Self::queues(&mut self.waiting, fact).into_iter();
        events.extend(queues.map(|(queue, length)| page.queue(&queue, length)));
        if let Some(call) = fact.call() {
            self.follow(call, fact);
        }
        events
    }

    fn names(&mut self, call: CallId, fact: &Fact, issuer: &Issuer) -> Names {
        if let Fact::Arrived { incident, arrival, source, .. } = fact {
            let names = Names {
                call: issuer.call(call, arrival.emergency_call_id.as_deref()),
                incident: issuer.incident(*incident, arrival.emergency_incident_id.as_deref()),
                sip: arrival.sip_call_id.clone(),
                from: arrival.caller.phone.raw.reveal().clone(),
                to: arrival.dialled.clone(),
                address: address(source),
                quality: Vec::new(),
            };
            self.calls.insert(call, names);
            if self.calls.len() > CALLS {
                self.calls.pop_first();
            }
        }
        let unknown = || Names { call: issuer.call(call, None), ..Names::default() };
        self.calls.get(&call).cloned().unwrap_or_else(unknown)
    }

    /// Remembers what somebody else has called an incident: every event calls it so.
    fn learn(&mut self, fact: &Fact) {
        let (incident, given) = match fact {
            Fact::Arrived { incident, arrival, .. } => (*incident, &arrival.emergency_incident_id),
            Fact::AlertReceived(alerted) => {
                (alerted.incident, &alerted.arrival.emergency_incident_id)
            }
            Fact::IncidentOpened(opened) => (opened.incident, &opened.emergency_incident_id),
            _ => return,
        };
        if let Some(given) = given {
            self.given.insert(incident, given.clone());
            if self.given.len() > GIVEN {
                self.given.pop_first();
            }
        }
    }

    /// Queues whose length a fact changes, with how many wait there now.
    fn queues(waiting: &mut BTreeMap<CallId, QueueId>, fact: &Fact) -> Vec<(QueueId, usize)> {
        let (before, after) = match fact {
            Fact::Queued { call, queue, .. } => {
                let before = waiting.insert(*call, queue.clone());
                if waiting.len() > CALLS {
                    waiting.pop_first();
                }
                (before, Some(queue.clone()))
            }
            Fact::Answered { call, .. } | Fact::Ended { call, .. } => (waiting.remove(call), None),
            _ => (None, None),
        };
        if before == after {
            return Vec::new();
        }
        let length = |queue: QueueId| {
            let many = waiting.values().filter(|waits| **waits == queue).count();
            (queue, many)
        };
        before.into_iter().chain(after).map(length).collect()
    }

    /// Keeps what the end of the call will tell. The end forgets nothing yet: seals of recordings and
    /// the last messages come after it, and calls are forgotten by their number.
    fn follow(&mut self, call: CallId, fact: &Fact) {
        let Some(names) = self.calls.get_mut(&call) else { return };
        match fact {
            Fact::AudioHeard { by, quality, .. } => {
                names.quality.push(json!({
                    "leg": by,
                    "packetsReceived": quality.received,
                    "packetsLost": quality.lost,
                    "jitterMs": quality.here.jitter_ms,
                    "mos": f64::from(quality.here.mos) / 100.0,
                    "roundTripMs": quality.round_trip_ms,
                }));
            }
            Fact::Ended { .. } => names.quality.clear(),
            _ => {}
        }
    }
}

/// `udp:198.51.100.7:5060` as `198.51.100.7:5060`.
fn address(source: &str) -> String {
    source.split_once(':').map_or(source, |(_, address)| address).to_owned()
}

/// What all events of one line share.
struct Page<'a> {
    issuer: &'a Issuer,
    at: String,
    seq: u64,
    names: Option<&'a Names>,
    given: &'a BTreeMap<IncidentId, String>,
}

impl Page<'_> {
    /// An incident by its name everywhere.
    fn incident(&self, incident: IncidentId) -> String {
        self.issuer.incident(incident, self.given.get(&incident).map(String::as_str))
    }

    fn events(&self, fact: &Fact) -> Vec<Value> {
        match fact {
            Fact::Arrived { trunk, .. } => self.arrived(trunk.as_str()),
            Fact::Queued { queue, rule, .. } => vec![self.event(
                "RouteLogEvent",
                json!({
                    "recipientUri": format!("sip:{queue}@{}", self.issuer.agency),
                    "ruleId": rule,
                    "policyOwner": self.issuer.agency,
                    "policyType": POLICY,
                }),
            )],
            Fact::CallerAnswered { .. } => vec![self.state("callAnswered", None, "announcement")],
            Fact::Answered { seat, operator, .. } => {
                let mut event = self.state("callAnswered", Some(seat.as_str()), "answer");
                if let Some(event) = event.as_object_mut() {
                    let agent = operator.as_ref().map_or(seat.as_str(), |who| who.as_str());
                    event.insert("agencyAgentId".into(), self.issuer.own(agent).into());
                    event.insert("agencyPositionId".into(), seat.as_str().into());
                }
                vec![event, self.seat(seat.as_str(), "talking")]
            }
            Fact::TestAnswered { .. } => vec![self.state("callAnswered", None, "test")],
            Fact::Transferred { to, .. } => {
                let target = format!("sip:{to}@{}", self.issuer.agency);
                vec![self.event("CallTransferLogEvent", json!({"target": target}))]
            }
            Fact::PartyJoined { party, .. } => vec![self.party("partyAdd", *party)],
            Fact::PartyLeft { party, .. } => vec![self.party("partyRemove", *party)],
            Fact::Key { by, key, .. } => {
                let sent = if *by == Party::Caller { "received" } else { "sent" };
                let fields = json!({"digits": key, "sentReceived": sent, "type": "DTMF"});
                vec![self.event("LegacyDigitsLogEvent", fields)]
            }
            Fact::TextWritten { by, text, .. } => {
                let direction = if *by == Party::Caller { "incoming" } else { "outgoing" };
                let fields = json!({
                    "text": text.reveal(), "direction": direction, "protocol": "T.140",
                });
                vec![self.event("NonRtpMediaMessageLogEvent", fields)]
            }
            Fact::Signalled { messages, .. } => {
                messages.iter().flat_map(|signal| self.signal(signal)).collect()
            }
            Fact::SeatChanged { seat, state, .. } => vec![self.seat(seat.as_str(), state)],
            Fact::ConfigAdopted { digest, by } => vec![self.event(
                "PolicyChangeLogEvent",
                json!({
                    "policyType": POLICY,
                    "owner": self.issuer.agency,
                    "changeType": "UPDATE",
                    "policyContent": format!("sha256:{digest}"),
                    "policyStoreId": self.issuer.element,
                    "policyEditor": by,
                }),
            )],
            Fact::Alarm { name, .. } if name == "trunk-down" => {
                vec![self.event("KeepAliveFailureLogEvent", json!({"responseStatus": "408"}))]
            }
            Fact::MalformedMessage(it) => vec![self.event(
                "MalformedMessageLogEvent",
                json!({"text": it.text.display(), "ipAddress": address(&it.source)}),
            )],
            Fact::Ended { .. } => self.ended(),
            fact => self.recording(fact).into_iter().collect(),
        }
    }

    /// A queue as its state package tells of it (NENA-STA-010.3 §4.2.1.3).
    fn queue(&self, queue: &QueueId, length: usize) -> Value {
        let uri = format!("sip:{queue}@{}", self.issuer.agency);
        let told = json!({
            "queueUri": uri, "queueLength": length, "queueMaxLength": NO_LIMIT, "state": "Active",
        });
        let fields = json!({
            "notificationContents": told.to_string(), "queueId": uri, "direction": "outgoing",
        });
        self.event("QueueStateChangeLogEvent", fields)
    }

    fn recording(&self, fact: &Fact) -> Option<Value> {
        match fact {
            Fact::RecordingStarted { file, .. } => {
                let told = json!({"direction": "outgoing", "localUse": {"file": file}});
                Some(self.event("RecCallStartLogEvent", told))
            }
            Fact::RecordingSealed { file, sha256, millis, .. } => {
                let kept = json!({"file": file, "sha256": sha256, "milliseconds": millis});
                let told = json!({"direction": "outgoing", "localUse": kept});
                Some(self.event("RecCallEndLogEvent", told))
            }
            Fact::RecordingFailed { why, .. } | Fact::CopyFailed { why, .. } => {
                let fields = json!({"sdp": "", "reasonCode": "500", "reasonText": why});
                Some(self.event("RecordingFailedLogEvent", fields))
            }
            fact => self.written(fact),
        }
    }

    /// What people did to a record.
    fn written(&self, fact: &Fact) -> Option<Value> {
        let tie = |kind: &str, tie: &Tie, first: IncidentId, second: IncidentId, key: &str| {
            let mut own = json!({"incidentId": self.incident(first)});
            if let Some(own) = own.as_object_mut() {
                own.insert(key.to_owned(), self.incident(second).into());
                own.insert("agencyAgentId".to_owned(), self.issuer.own(&tie.by).into());
                if kind == "IncidentLinkLogEvent" {
                    own.insert("relationship".to_owned(), "unspecified".into());
                }
            }
            self.event(kind, own)
        };
        let whole = |kind: &str, incident: IncidentId, by: &str| {
            let own = json!({
                "incidentId": self.incident(incident),
                "agencyAgentId": self.issuer.own(by),
            });
            self.event(kind, own)
        };
        Some(match fact {
            Fact::IncidentClosed(it) => whole("IncidentClearLogEvent", it.incident, &it.by),
            Fact::IncidentReopened(it) => whole("IncidentReopenLogEvent", it.incident, &it.by),
            // The one that goes into the other is named by the other's event.
            Fact::IncidentMerged(it) => {
                tie("IncidentMergeLogEvent", it, it.other, it.incident, "mergeIncidentId")
            }
            Fact::IncidentUnmerged(it) => {
                tie("IncidentUnMergeLogEvent", it, it.incident, it.other, "unmergedFromIncidentId")
            }
            Fact::IncidentLinked(it) => {
                tie("IncidentLinkLogEvent", it, it.incident, it.other, "linkedIncidentId")
            }
            Fact::IncidentUnlinked(it) => {
                tie("IncidentUnLinkLogEvent", it, it.incident, it.other, "unlinkedFromIncidentId")
            }
            _ => return None,
        })
    }

    fn arrived(&self, trunk: &str) -> Vec<Value> {
        let Some(names) = self.names else { return Vec::new() };
        let gateway = json!({
            "portTrunkGroup": trunk,
            "pAni": names.from,
            "digits": names.to,
            "direction": "incoming",
            "signallingProtocol": "SIP",
        });
        vec![
            self.event("GatewayCallLogEvent", gateway),
            self.event("CallStartLogEvent", self.call()),
        ]
    }

    fn ended(&self) -> Vec<Value> {
        let heard = self.names.map(|names| names.quality.as_slice()).unwrap_or_default();
        let mut events = Vec::new();
        if !heard.is_empty() {
            let quality = Value::from(heard).to_string();
            let media = json!({"mediaLabel": ["1"], "mediaQualityStats": quality});
            events.push(self.event("MediaEndLogEvent", media));
        }
        events.push(self.event("CallEndLogEvent", self.call()));
        events
    }

    fn call(&self) -> Value {
        let mut call = json!({"direction": "incoming", "standardPrimaryCallType": "emergency"});
        if let (Some(names), Some(call)) = (self.names, call.as_object_mut()) {
            call.insert("from".into(), names.from.as_str().into());
            call.insert("to".into(), names.to.as_str().into());
        }
        call
    }

    fn state(&self, state: &str, target: Option<&str>, why: &str) -> Value {
        let fields = json!({
            "state": state,
            "direction": "incoming",
            "targetId": target.map(|target| self.issuer.own(target)),
            "changeReason": why,
        });
        self.event("CallStateChangeLogEvent", fields)
    }

    fn party(&self, state: &str, party: u8) -> Value {
        let leg = self.names.map(|names| format!("{}#{party}", names.call));
        let fields = json!({"state": state, "direction": "outgoing", "legCallId": leg});
        self.event("CallStateChangeLogEvent", fields)
    }

    fn seat(&self, seat: &str, state: &str) -> Value {
        // Our words with what follows a colon, such as the reason of a pause.
        let word = state.split([':', ' ']).next().unwrap_or(state);
        let (primary, secondary) = match word {
            "ready" => ("Available", Some("Waiting")),
            "signed-out" => ("NotAvailable", Some("LoggedOut")),
            "talking" => ("NotAvailable", Some("Active")),
            "paused" => ("NotAvailable", Some("Break")),
            _ => ("NotAvailable", None),
        };
        let mut event = self.event(
            "AgentStateChangeLogEvent",
            json!({"primaryAgentState": primary, "secondaryAgentState": secondary}),
        );
        if let Some(event) = event.as_object_mut() {
            event.insert("agencyPositionId".into(), seat.into());
            event.insert("agencyAgentId".into(), self.issuer.own(seat).into());
        }
        event
    }

    /// Every message whole; and where it describes the media of an answer, that they begin.
    fn signal(&self, signal: &Signal) -> Vec<Value> {
        let text = signal.message.display();
        let direction = match signal.way {
            Way::In => "incoming",
            Way::Out => "outgoing",
        };
        let fields = json!({"text": text, "direction": direction, "protocol": "sip"});
        let mut events =
            vec![self.with_address("CallSignalingMessageLogEvent", fields, signal.remote)];
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let answer = head.starts_with("SIP/2.0 2") && body.starts_with("v=");
        if answer {
            let fields = json!({"sdp": body, "mediaLabel": ["1"], "direction": direction});
            events.push(self.with_address("MediaStartLogEvent", fields, signal.remote));
        }
        events
    }

    fn with_address(&self, kind: &str, fields: Value, address: SocketAddr) -> Value {
        let mut event = self.event(kind, fields);
        if let Some(event) = event.as_object_mut() {
            event.insert("ipAddressPort".into(), address.to_string().into());
        }
        event
    }

    /// One event: the members that all share, and its own, absent ones left out.
    fn event(&self, kind: &str, own: Value) -> Value {
        let mut event = Map::new();
        event.insert("logEventType".into(), kind.into());
        event.insert("timestamp".into(), self.at.as_str().into());
        event.insert("agencyId".into(), self.issuer.agency.as_str().into());
        event.insert("elementId".into(), self.issuer.element.as_str().into());
        event.insert("clientAssignedIdentifier".into(), format!("journal-{}", self.seq).into());
        if let Some(names) = self.names {
            let known = [
                ("callId", &names.call),
                ("incidentId", &names.incident),
                ("callIdSip", &names.sip),
                ("ipAddressPort", &names.address),
            ];
            for (key, value) in known.into_iter().filter(|(_, value)| !value.is_empty()) {
                event.insert(key.into(), value.as_str().into());
            }
        }
        if let Value::Object(own) = own {
            event.extend(own.into_iter().filter(|(_, value)| !value.is_null()));
        }
        Value::Object(event)
    }
}
