//! Provisional responses, ours to the trunk and the phones' to us (RFC 3262).
//!
//! A trunk that asks for it gets its 180 reliably. One that never sends PRACK keeps its call all the
//! same: the RFC would have it refused, and somebody calls 112. An INVITE without SDP gets its 180
//! once: a reliable one would have to carry our offer (§5), and who only waits holds no port.

use crate::sip::dialog::DialogKey;
use crate::sip::reliable::{self, Due, Way};
use crate::sip::{ClientId, Flow, Name, Request, Response, ServerId, body};
use crate::vocabulary::Now;

use super::Switchboard;
use super::inbound::ALLOW;

impl Switchboard {
    /// Sends a provisional response of an early dialog.
    pub(super) fn respond_early(
        &mut self,
        now: Now,
        server: ServerId,
        key: &DialogKey,
        response: Response,
    ) {
        let sip = &self.settings.sip;
        let reliably = self.endpoint.request(server).is_some_and(|invite| {
            let (supported, required) = reliable::wish(&invite.headers);
            (required || supported && sip.reliable_provisionals)
                && body::sdp(&invite.headers, &invite.body).is_some()
        });
        if !reliably {
            return self.endpoint.respond(now.moment, server, response);
        }
        // Below 2³¹ (§3), with room to count on.
        let first = u32::try_from(self.dice.number() % 0x3fff_ffff).unwrap_or(0) + 1;
        let timers = &self.settings.sip.timers;
        match self.reliable.send(now.moment, key, server, response, first, timers) {
            Way::Reliably(response) | Way::Once(response) => {
                self.endpoint.respond(now.moment, server, response);
            }
            Way::NotYet => {}
        }
    }

    /// Repeats what had no PRACK yet.
    pub(super) fn provisionals_due(&mut self, now: Now) {
        while let Some(due) = self.reliable.due(now.moment) {
            match due {
                Due::Again(server, response) if self.endpoint.request(server).is_some() => {
                    self.endpoint.respond(now.moment, server, response);
                }
                Due::Unacknowledged(server, key) if self.endpoint.request(server).is_some() => {
                    let call = self.dialogs.get(&key).map(|(id, _)| id.to_string());
                    let call = call.unwrap_or_default();
                    let detail = format!("call {call} goes on: its 180 had no PRACK for 32 s");
                    self.alarm(now, "prack-missing", detail);
                }
                // The INVITE has its final response: a late PRACK is all that may come.
                Due::Again(_, response) => self.rest(&response),
                Due::Unacknowledged(..) => {}
            }
        }
    }

    fn rest(&mut self, response: &Response) {
        let to = response.headers.to();
        let tag = to.as_ref().and_then(|to| to.tag());
        if let Some((call_id, tag)) = response.headers.call_id().zip(tag) {
            self.reliable.rest(&DialogKey { call_id: call_id.into(), local_tag: tag.into() });
        }
    }

    /// A PRACK within a dialog.
    pub(super) fn prack(&mut self, now: Now, server: ServerId, request: &Request, key: &DialogKey) {
        let known = self.reliable.acknowledged(key, &request.headers);
        let code = match body::sdp(&request.headers, &request.body) {
            _ if !known => 481,
            // The INVITE's own offer is not answered yet: there is no room for another (§5).
            Some(_) => 488,
            None => 200,
        };
        let response = request.response(code, &key.local_tag).with(Name::Allow, ALLOW);
        self.endpoint.respond(now.moment, server, response);
    }

    /// A phone rings, or says more before it answers.
    pub(super) fn early(
        &mut self,
        now: Now,
        client: ClientId,
        flow: Flow,
        request: &Request,
        response: &Response,
    ) {
        if let Some((flow, prack)) = self.early.heard(client, flow, request, response) {
            self.endpoint.send(now.moment, flow, prack, &mut self.dice);
        }
    }
}
