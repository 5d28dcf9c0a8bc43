//! Alerts without a call (RFC 8876): a MESSAGE of a known trunk that holds an alert becomes an incident
//! record. It is answered with 200 once the record is on disk, or 425 with the reason; a person is told
//! of either. Texts that come in a MESSAGE outside a call are not taken.

use std::collections::{BTreeMap, VecDeque};

use crate::incident::alert::{self, Alert, Alerted, BadAlert};
use crate::incident::{self, Arrival};
use crate::journal::{Fact, Peer};
use crate::sip::parse::Oddity;
use crate::sip::{Flow, Name, Request, ServerId, body};
use crate::trunk;
use crate::trunk::settings::TrunkSettings;
use crate::vocabulary::{CallId, IncidentId, Now, limits};

use super::inbound::{ALLOW, Admission};
use super::{Switchboard, Timer};

/// Alerts that are known again when they come twice.
const REMEMBERED: usize = 256;
/// What a MESSAGE outside a call may hold.
const TAKEN: &str = "application/EmergencyCallData.cap+xml, multipart/mixed";

/// Alerts that wait for the disk, and those that came lately.
#[derive(Debug, Default)]
pub(super) struct Alerts {
    /// By ticket: whose MESSAGE waits for its answer.
    waiting: BTreeMap<u64, (ServerId, CallId)>,
    /// Sender, identifier and time of the latest ones.
    known: VecDeque<[String; 3]>,
}

impl Alerts {
    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether an alert came before; it is known from now on.
    fn again(&mut self, alert: &Alert) -> bool {
        let name = [alert.sender.clone(), alert.identifier.clone(), alert.sent.clone()];
        if self.known.contains(&name) {
            return true;
        }
        if self.known.len() == REMEMBERED {
            self.known.pop_front();
        }
        self.known.push_back(name);
        false
    }
}

impl Switchboard {
    /// A MESSAGE outside any call.
    pub(super) fn message(
        &mut self,
        now: Now,
        server: ServerId,
        flow: Flow,
        request: &Request,
        oddities: &[Oddity],
    ) {
        match self.admit(now, &flow, request) {
            Admission::Trunk(trunk) => self.alerted(now, server, flow, request, oddities, &trunk),
            Admission::Seat(_) => {
                let response = request.response(405, &self.dice.token()).with(Name::Allow, ALLOW);
                self.endpoint.respond(now.moment, server, response);
            }
            Admission::Challenge { stale } => {
                self.unknown_source += 1;
                let response =
                    self.registrar.challenge(now.moment, request, &flow, stale, &mut self.dice);
                self.endpoint.answer_once(server, response);
            }
            Admission::Stranger => {
                self.unknown_source += 1;
                self.endpoint.forget(server);
            }
        }
    }

    fn alerted(
        &mut self,
        now: Now,
        server: ServerId,
        flow: Flow,
        request: &Request,
        oddities: &[Oddity],
        trunk: &TrunkSettings,
    ) {
        self.heard_from(now, &trunk.id);
        let (mut arrival, _) = trunk::arrival(
            request,
            trunk,
            &self.settings.centre,
            &self.settings.places,
            &self.settings.categories,
        );
        let alert = match find(request, &arrival) {
            Ok(alert) => alert,
            Err(why) => return self.refuse_alert(now, server, request, trunk, &why),
        };
        if alert.as_ref().is_some_and(|alert| self.alerts.again(alert)) {
            // The sender has missed our answer; the record is there or on its way.
            return self.refuse(now, server, request, 200);
        }
        arrival.findings.extend(oddities.iter().map(ToString::to_string));
        // It has no caller, and nobody to call back.
        arrival.findings.retain(|finding| finding != "no usable caller number");
        if let Some(alert) = &alert {
            arrival.locations.extend(alert.locations());
            arrival.kecamatan = incident::place(&arrival.locations, &self.settings.places);
        }
        let call = CallId(self.dice.uid(now.wall));
        let incident = IncidentId(self.dice.uid(now.wall));
        self.follow(&arrival.sip_call_id, call, Peer::Trunk(trunk.id.clone()));
        self.unfollow_later(now, call);
        self.tell_alert(now, incident, trunk, alert.as_ref());
        self.ask_for_data(call, &arrival);
        let (trunk, source) = (trunk.id.clone(), flow.to_string());
        let alerted = Alerted { call, incident, trunk, source, arrival, alert };
        let ticket = self.note(now, Fact::AlertReceived(Box::new(alerted)));
        self.alerts.waiting.insert(ticket, (server, call));
        self.deadlines.set(Timer::Alert(ticket), now.moment.after(limits::JOURNAL_WAIT));
    }

    /// Every record up to this ticket is on disk, or has waited long enough.
    pub(super) fn answer_alerts(&mut self, now: Now, ticket: u64) {
        while let Some(entry) = self.alerts.waiting.first_entry() {
            if *entry.key() > ticket {
                break;
            }
            self.deadlines.clear(&Timer::Alert(*entry.key()));
            let (server, _) = entry.remove();
            if let Some(request) = self.endpoint.request(server).cloned() {
                self.refuse(now, server, &request, 200);
            }
        }
    }

    /// The disk is too slow: the sender hears that it came, as a caller would hear it ring.
    pub(super) fn alert_is_slow(&mut self, now: Now, ticket: u64) {
        if let Some((_, call)) = self.alerts.waiting.get(&ticket) {
            let waited = limits::JOURNAL_WAIT.as_millis();
            let detail = format!("alert {call} was acknowledged after {waited} ms");
            self.alarm(now, "journal-slow", detail);
        }
        self.answer_alerts(now, ticket);
    }

    fn refuse_alert(
        &mut self,
        now: Now,
        server: ServerId,
        request: &Request,
        trunk: &TrunkSettings,
        why: &BadAlert,
    ) {
        // Whoever sent it wanted help all the same.
        let detail = format!("trunk {}: a MESSAGE was answered with 425: {why}", trunk.id);
        self.alarm(now, "alert-unreadable", detail);
        let (code, text) = why.code();
        let response = request
            .response(425, &self.dice.token())
            .with(Name::AlertMsgError, format!("{code};code=\"{text}\""))
            .with(Name::Accept, TAKEN);
        self.endpoint.respond(now.moment, server, response);
    }

    /// A person hears of it at once. Of what the sender wrote only words of the protocol go into a log.
    fn tell_alert(
        &mut self,
        now: Now,
        incident: IncidentId,
        trunk: &TrunkSettings,
        alert: Option<&Alert>,
    ) {
        let word = |text: &str| -> String {
            text.chars().filter(char::is_ascii_alphabetic).take(16).collect()
        };
        let info = alert.and_then(|alert| alert.infos.first());
        let mut detail = format!("incident {incident} by trunk {}", trunk.id);
        for (name, text) in [
            ("status", alert.map(|alert| word(&alert.status))),
            ("severity", info.map(|info| word(&info.severity))),
            ("urgency", info.map(|info| word(&info.urgency))),
        ] {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                detail.push_str(&format!(", {name} {text}"));
            }
        }
        self.alarm(now, "alert-received", detail);
    }
}

/// The alert of a message: by value, or none where it came by reference.
fn find(request: &Request, arrival: &Arrival) -> Result<Option<Alert>, BadAlert> {
    let parts = body::parts(&request.headers, &request.body).0;
    if let Some(part) = parts.iter().find(|part| part.media_type == alert::MEDIA_TYPE) {
        return alert::read(&part.body).map(Some);
    }
    let referred = arrival.additional_data.iter().any(|data| {
        data.purpose.eq_ignore_ascii_case(alert::PURPOSE) && data.reference().is_some()
    });
    if referred { Ok(None) } else { Err(BadAlert::Missing) }
}
