//! Our INVITE to the phones of a seat: what they show, and whether they are asked to answer by
//! themselves.

use crate::call::Call;
use crate::sip::message::SUPPORTED;
use crate::sip::registrar::Binding;
use crate::sip::write::quoted;
use crate::sip::{Method, Name, Request, Uri, session_timer};
use crate::vocabulary::{CallId, IncidentId, Private, SeatId, limits};

use super::Switchboard;
use super::inbound::{ALLOW, display};

/// A call as the phones of a seat are told of it.
pub(super) struct Shown<'a> {
    pub call: CallId,
    pub incident: IncidentId,
    pub number: &'a Private<String>,
    pub name: Option<&'a Private<String>>,
    /// RFC 3261 §20.26.
    pub priority: &'static str,
    /// Max-Forwards that it came with.
    pub hops: u32,
}

impl<'a> Shown<'a> {
    pub(super) fn of(call: &'a Call) -> Self {
        Self {
            call: call.id,
            incident: call.incident,
            number: &call.number,
            name: call.name.as_ref(),
            priority: if call.trunk().is_some() { "emergency" } else { "normal" },
            hops: call.hops,
        }
    }
}

impl Switchboard {
    /// Our INVITE to one phone of a seat.
    pub(super) fn seat_invite(
        &self,
        shown: &Shown<'_>,
        seat: &SeatId,
        phone: &Binding,
        tag: &str,
        sdp: bytes::Bytes,
    ) -> Request {
        let domain = &self.settings.sip.domain;
        let node = &self.settings.node;
        let number = shown.number;
        let user: String =
            number.reveal().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '+').collect();
        let user = user.get(..user.len().min(limits::SHOWN_NUMBER)).unwrap_or_default();
        let user = if user.is_empty() { "anonymous" } else { user };
        let name = display(shown.name, number);
        let name = quoted(&name.chars().take(limits::SHOWN_NAME).collect::<String>());
        let uid = |kind: &str, id: &str| {
            format!("<urn:emergency:uid:{kind}id:{id}:{node}>;purpose=emergency-{}Id", {
                if kind == "call" { "Call" } else { "Incident" }
            })
        };
        let mut invite = Request::new(Method::Invite, Uri::read(phone.contact.as_str()));
        for hop in &phone.path {
            invite.headers.push(Name::Route, hop.to_string());
        }
        let invite = invite
            .with(Name::From, format!("{name} <sip:{user}@{domain}>;tag={tag}"))
            .with(Name::To, format!("<sip:{seat}@{domain}>"))
            .with(Name::CallId, format!("{}-{tag}@{domain}", shown.call))
            .with(Name::CSeq, "1 INVITE")
            .with(Name::Contact, self.contact(&phone.flow))
            // Nobody stands between us and the phone but its proxy; a seat must ring all the same.
            .with(Name::MaxForwards, shown.hops.saturating_sub(1).max(1).to_string())
            .with(Name::PAssertedIdentity, format!("{name} <sip:{user}@{domain}>"))
            .with(Name::CallInfo, uid("call", &shown.call.to_string()))
            .with(Name::CallInfo, uid("incident", &shown.incident.to_string()))
            .with(Name::Priority, shown.priority)
            .with(Name::Allow, ALLOW)
            .with(Name::Supported, SUPPORTED)
            .with(Name::ContentType, "application/sdp");
        let mut invite = session_timer::offer(invite, &self.settings.sip.session);
        invite.body = sdp;
        invite
    }

    /// The invite of an offer, as the seat's phones want it.
    pub(super) fn offered(&self, invite: Request, seat: &SeatId) -> Request {
        let settings = self.settings.seats.iter().find(|settings| settings.id == *seat);
        if settings.is_some_and(|settings| settings.auto_answer) {
            return self.answered_at_once(invite);
        }
        invite
    }

    /// Asks the phone to answer by itself, in the three ways that phones understand: RFC 5373,
    /// `answer-after` and Alert-Info. One that may not only rings.
    pub(super) fn answered_at_once(&self, invite: Request) -> Request {
        invite
            .with(Name::AnswerMode, "Auto")
            .with(Name::CallInfo, format!("<sip:{}>;answer-after=0", self.settings.sip.domain))
            .with(Name::AlertInfo, "<http://www.notused.invalid>;info=alert-autoanswer;delay=0")
    }
}
