//! The test call of a trunk engineer at 3 a.m. (RFC 6881 §15): answered at once with what we saw of
//! it, its audio sent back for a short while, never in the queue.

use crate::call::State;
use crate::call::orders::{MediaOrder, Role};
use crate::journal::Fact;
use crate::sip::body::Piece;
use crate::sip::write::quoted;
use crate::sip::{Name, Request, body};
use crate::vocabulary::{CallId, Cause, Ending, Now, Party, Stage, limits};

use super::inbound::ALLOW;
use super::{Switchboard, Timer};

impl Switchboard {
    /// Test calls that live, the new one counted.
    pub(super) fn test_calls(&self) -> usize {
        self.calls
            .values()
            .filter(|c| c.trunk().is_some() && c.queue.is_none() && !c.is_closing())
            .count()
    }

    /// Answers the test call.
    pub(super) fn start_test(&mut self, now: Now, id: CallId) {
        if !self.open_caller_media(id) {
            // No port: the journal's timer is over, so try again with the next tick of it.
            self.deadlines.set(Timer::Journal(id), now.moment.after(limits::JOURNAL_WAIT));
            return;
        }
        let Some(call) = self.calls.get_mut(&id) else { return };
        let (Some(server), Some(media)) = (call.invite.take(), call.caller.media.as_mut()) else {
            return;
        };
        call.caller.unacked = Some(server);
        let Some(request) = self.endpoint.request(server) else { return };
        let (sdp, awaits_answer) = media.first_answer(request, None);
        call.caller.awaits_answer = awaits_answer;
        let (stream, aim) = (media.stream, media.aim());
        call.state = State::Test;
        let tag = call.caller.dialog.key().local_tag.clone();
        let flow = call.caller.dialog.next_hop();
        let text = report(&self.settings.centre.name, &call.dialled, request);
        let host = &self.settings.sip.domain;
        let response = request
            .response(200, &tag)
            .with(Name::Contact, self.contact(&flow))
            .with(Name::Allow, ALLOW)
            .with(Name::Warning, format!("399 {host} {}", quoted(&text)));
        let response = if takes_multipart(request) {
            let piece = |content_type, body| Piece { content_type, body, ..Piece::default() };
            let told = piece("text/plain;charset=utf-8", text.as_bytes());
            let (content, both) = body::multipart(&[piece("application/sdp", &sdp), told]);
            response.with(Name::MimeVersion, "1.0").with_body(&content, both)
        } else {
            response.with_body("application/sdp", sdp)
        };
        self.endpoint.respond(now.moment, server, response);
        if let Some(aim) = aim {
            self.media(MediaOrder::Aim { stream, aim });
        }
        self.media(MediaOrder::Role { stream, role: Role::Loop });
        let after_ms = self.millis_since_invite(now, id);
        self.note(now, Fact::TestAnswered { call: id, after_ms });
        self.deadlines.set(Timer::TestOver(id), now.moment.after(limits::TEST_CALL));
    }

    pub(super) fn test_is_over(&mut self, now: Now, id: CallId) {
        let ending =
            Ending { stage: Stage::Test, by: Party::Gateway, cause: Cause::TestOver, q850: None };
        self.end(now, id, ending);
    }
}

/// What the caller is told: centre, what was asked for, and the location that came with it.
fn report(centre: &str, dialled: &str, request: &Request) -> String {
    let parts = body::parts(&request.headers, &request.body).0;
    let by_value = parts.iter().filter(|p| p.media_type == "application/pidf+xml").count();
    let references = request.headers.values(&Name::Geolocation);
    let location = match (by_value, references.first()) {
        (0, None) => "none".to_owned(),
        (0, Some(reference)) => format!("by reference {reference}"),
        (n, _) => {
            let mut seen = Vec::new();
            for part in parts.iter().filter(|p| p.media_type == "application/pidf+xml") {
                let source = part.content_id.as_str();
                for place in crate::incident::location::pidf_lo(&part.body, source).0 {
                    seen.push(match (&place.latitude, &place.longitude) {
                        (Some(lat), Some(lon)) => format!("{} {lat} {lon}", place.shape),
                        _ => place.shape.clone(),
                    });
                }
            }
            if seen.is_empty() { format!("{n} unreadable") } else { seen.join("; ") }
        }
    };
    // A trunk's test number stands for the service that it is.
    let service = if dialled.starts_with("urn:") { dialled } else { "urn:service:test.sos" };
    let text = format!(
        "Test call\r\nCentre: {centre}\r\nDialled: {dialled}\r\nService: {service}\r\n\
         Location: {location}"
    );
    // An INVITE's own words could make the answer longer than a datagram.
    text.chars().take(limits::TEST_REPORT).collect()
}

/// A body of several parts unless the caller says what it accepts and that is not among it.
fn takes_multipart(request: &Request) -> bool {
    let accepted = request.headers.values(&Name::Accept);
    let type_of = |v: &String| v.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    accepted.is_empty()
        || accepted
            .iter()
            .map(type_of)
            .any(|t| matches!(t.as_str(), "multipart/mixed" | "*/*" | "multipart/*"))
}
