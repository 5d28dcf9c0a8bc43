//! Audio before the answer: a 183 with our description, where the carrier's network lets it through.

use crate::call::orders::MediaOrder;
use crate::sip::message::SUPPORTED;
use crate::sip::{Name, Request, body};
use crate::trunk::settings::EarlyMedia;
use crate::vocabulary::{CallId, Now};

use super::super::Switchboard;
use super::super::inbound::ALLOW;

impl Switchboard {
    /// 183 with our description, so that the caller hears us before the answer (RFC 3960 §3). False
    /// where that cannot be: no SDP offer, no port to spare.
    pub(super) fn send_early_media(&mut self, now: Now, id: CallId, early: EarlyMedia) -> bool {
        let Some(server) = self.calls.get(&id).and_then(|call| call.invite) else { return false };
        let Some(request) = self.endpoint.request(server).cloned() else { return false };
        if body::sdp(&request.headers, &request.body).is_none()
            || !self.has_ports_to_spare()
            || !self.open_caller_media(id)
        {
            return false;
        }
        let Some(call) = self.calls.get_mut(&id) else { return false };
        let Some(media) = call.caller.media.as_mut() else { return false };
        let (sdp, needs_answer) = media.first_answer(&request, None);
        if needs_answer {
            // What was offered cannot be used: our own offer must wait for the answer.
            self.free_idle_port(id);
            return false;
        }
        call.early = Some(sdp.clone());
        let (stream, aim) = (media.stream, media.aim());
        if let Some(aim) = aim {
            self.media(MediaOrder::Aim { stream, aim });
        }
        self.progress_response(now, id, &request, early, sdp);
        true
    }

    /// The 183 once more, as the network's timers want it.
    pub(in crate::switchboard) fn progress_again(&mut self, now: Now, id: CallId) -> bool {
        let early = self.early_media(id);
        let Some(call) = self.calls.get(&id) else { return false };
        let (Some(sdp), Some(server)) = (call.early.clone(), call.invite) else { return false };
        let Some(request) = self.endpoint.request(server).cloned() else { return false };
        self.progress_response(now, id, &request, early, sdp);
        true
    }

    fn progress_response(
        &mut self,
        now: Now,
        id: CallId,
        request: &Request,
        early: EarlyMedia,
        sdp: bytes::Bytes,
    ) {
        let Some(call) = self.calls.get(&id) else { return };
        let Some(server) = call.invite else { return };
        let key = call.caller.dialog.key().clone();
        let contact = self.contact(&call.caller.dialog.next_hop());
        let mut response = request
            .response(183, &key.local_tag)
            .with(Name::Contact, contact)
            .with(Name::Allow, ALLOW)
            .with(Name::Supported, SUPPORTED);
        // A gate of an IMS network opens for it (RFC 5009 §8).
        if request.headers.first(&Name::PEarlyMedia).is_some() {
            let word = if early == EarlyMedia::Both { "sendrecv" } else { "sendonly" };
            response = response.with(Name::PEarlyMedia, word);
        }
        let response = response.with_body("application/sdp", sdp);
        self.respond_early(now, server, &key, response);
    }
}
