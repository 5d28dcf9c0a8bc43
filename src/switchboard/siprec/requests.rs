//! What is said to an outside recorder and what it says: INVITE, changes, probes, and its own
//! requests within the session.

use std::collections::VecDeque;
use std::time::Duration;

use crate::call::orders::MediaOrder;
use crate::journal::{Fact, Peer};
use crate::sdp;
use crate::sip::body::Piece;
use crate::sip::digest::authorize;
use crate::sip::message::SUPPORTED;
use crate::sip::{ClientId, Flow, Method, Name, Request, Response, ServerId, body};
use crate::vocabulary::{Now, limits};

use super::super::inbound::ALLOW;
use super::super::{Purpose, Switchboard, Timer};
use super::metadata::Session;
use super::{CopyId, Stage, description};

/// A change that was refused for now is tried again after this.
const CHANGE_AGAIN: Duration = Duration::from_secs(2);
/// What a recorder asks the whole metadata with (RFC 7866 §8.2.2).
const WANTS_METADATA: &str = "application/rs-metadata-request";

/// What a request to a recorder was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Asked {
    /// Begins the session.
    Begin,
    /// Tells who takes part now.
    Change,
    /// Asks whether the recorder is still there.
    Probe,
}

impl Switchboard {
    // ---- what we say -------------------------------------------------------------------------

    /// Invites the recorder by the next way.
    pub(super) fn invite_recorder(&mut self, now: Now, id: CopyId, mut ways: VecDeque<Flow>) {
        let Some(flow) = ways.pop_front() else {
            return self.copy_failed(now, id, "it does not answer");
        };
        let tag = self.dice.token();
        let Some(invite) = self.recorder_invite(id, &flow, &tag) else {
            return self.copy_failed(now, id, "its trunk is not configured any more");
        };
        let Some(copy) = self.copies.by_id.get_mut(&id) else { return };
        let peer = Peer::Trunk(copy.recorder.clone());
        copy.told.clone_from(&copy.people);
        self.follow(&invite.headers.call_id().unwrap_or_default(), id.call, peer);
        let client = self.send(now, flow, invite, Purpose::Copy { id, asked: Asked::Begin });
        if let Some(copy) = self.copies.by_id.get_mut(&id) {
            copy.stage = Stage::Inviting { client, ways, authorized: false };
        }
        self.deadlines.set(Timer::Copy(id), now.moment.after(limits::CALL_OUT_SILENCE));
    }

    /// The INVITE of a recording session (RFC 7866 §7.1, §8.1).
    fn recorder_invite(&mut self, id: CopyId, flow: &Flow, tag: &str) -> Option<Request> {
        let copy = self.copies.by_id.get(&id)?;
        let line = self.trunks.get(&copy.recorder)?.line.as_ref()?;
        let domain = &self.settings.sip.domain;
        let request = Request::new(Method::Invite, line.uri.clone())
            .with(Name::From, format!("<sip:{}@{domain}>;tag={tag}", line.from_user))
            .with(Name::To, format!("<{}>", line.uri))
            .with(Name::CallId, format!("{}-{tag}@{domain}", id.call))
            .with(Name::CSeq, "1 INVITE")
            .with(Name::MaxForwards, "70")
            .with(Name::Contact, format!("{};+sip.src", self.contact(flow)))
            .with(Name::Require, "siprec")
            .with(Name::Accept, "application/sdp, application/rs-metadata-request")
            .with(Name::Allow, ALLOW)
            .with(Name::Supported, SUPPORTED);
        Some(self.with_metadata(request, id))
    }

    /// The session as it is and who takes part, in one body (RFC 7866 §9.1).
    fn with_metadata(&mut self, request: Request, id: CopyId) -> Request {
        let (Some(copy), Some(call)) = (self.copies.by_id.get(&id), self.calls.get(&id.call))
        else {
            return request;
        };
        let sdp = description::offer(copy.session, self.settings.media_address, copy.ports());
        let document = Session {
            id: copy.id,
            group: copy.group,
            streams: copy.lines(),
            call_id: &call.caller.dialog.key().call_id,
            began: copy.began,
            people: &copy.people,
        }
        .document();
        let (kind, body) = body::multipart(&[
            Piece { content_type: "application/sdp", body: &sdp, ..Piece::default() },
            Piece {
                content_type: "application/rs-metadata+xml",
                disposition: "recording-session",
                body: document.as_bytes(),
                ..Piece::default()
            },
        ]);
        let mut request = request.with(Name::ContentType, kind);
        request.body = body;
        request
    }

    /// Tells the recorder who takes part, when that has changed since. False when there is nothing to
    /// tell.
    pub(super) fn tell_recorder(&mut self, now: Now, id: CopyId) -> bool {
        let Some(copy) = self.copies.by_id.get_mut(&id) else { return false };
        let Stage::Up { dialog, changing } = &mut copy.stage else { return false };
        if *changing || copy.told == copy.people {
            return *changing;
        }
        *changing = true;
        copy.told.clone_from(&copy.people);
        let (flow, invite) = (dialog.next_hop(), dialog.request(&Method::Invite));
        let invite = invite
            .with(Name::Contact, format!("{};+sip.src", self.contact(&flow)))
            .with(Name::Require, "siprec")
            .with(Name::Allow, ALLOW);
        let invite = self.with_metadata(invite, id);
        self.send(now, flow, invite, Purpose::Copy { id, asked: Asked::Change });
        true
    }

    /// Asks whether the recorder is there; audio to nobody would be a recording lost in silence.
    pub(super) fn probe_recorder(&mut self, now: Now, id: CopyId) {
        let Some(copy) = self.copies.by_id.get_mut(&id) else { return };
        let Stage::Up { dialog, .. } = &mut copy.stage else { return };
        let (flow, options) = (dialog.next_hop(), dialog.request(&Method::Options));
        self.send(now, flow, options, Purpose::Copy { id, asked: Asked::Probe });
        self.deadlines.set(Timer::Copy(id), now.moment.after(limits::PROBE_EVERY));
    }

    // ---- what the recorder says --------------------------------------------------------------

    /// A final response to a request of ours; a local timeout is a 408 without one.
    pub(in super::super) fn recorder_says(
        &mut self,
        now: Now,
        client: ClientId,
        (id, asked): (CopyId, Asked),
        request: &Request,
        answer: Result<(Flow, &Response), u16>,
    ) {
        self.clients.remove(&client);
        match (asked, answer) {
            (Asked::Begin, Ok((flow, response))) if response.is_success() => {
                self.recorder_takes(now, client, id, flow, request, response);
            }
            (Asked::Begin, Ok((flow, response))) if matches!(response.code, 401 | 407) => {
                self.log_in_at_recorder(now, client, id, flow, request, response);
            }
            (Asked::Begin, answer) => {
                self.recorder_refuses(
                    now,
                    client,
                    id,
                    answer.map_or_else(|code| code, |a| a.1.code),
                );
            }
            (Asked::Change, Ok((_, response))) if response.is_success() => {
                self.change_taken(now, client, id, request, response);
            }
            (Asked::Change | Asked::Probe, answer) => {
                let code = answer.map_or_else(|code| code, |(_, response)| response.code);
                let Some(copy) = self.copies.by_id.get_mut(&id) else { return };
                let Stage::Up { changing, .. } = &mut copy.stage else { return };
                if matches!(code, 408 | 481) {
                    self.drop_recorder_dialog(id);
                    self.copy_failed(now, id, "it has gone");
                } else if asked == Asked::Change {
                    // What it was not told it is told with the next try.
                    *changing = false;
                    copy.told.clear();
                    self.deadlines.set(Timer::Copy(id), now.moment.after(CHANGE_AGAIN));
                }
            }
        }
    }

    fn recorder_takes(
        &mut self,
        now: Now,
        client: ClientId,
        id: CopyId,
        flow: Flow,
        request: &Request,
        response: &Response,
    ) {
        self.clients.insert(client, Purpose::Withdrawn);
        let Some(dialog) = self.acknowledge(client, flow, request, response) else {
            return self.recorder_refuses(now, client, id, 400);
        };
        let invited = |copy: &super::Copy| matches!(&copy.stage, Stage::Inviting { client: c, .. } if *c == client);
        if !self.copies.by_id.get(&id).is_some_and(invited) {
            // The call ended, or another way was taken meanwhile.
            return self.part_with(now, dialog, "");
        }
        let answer = self.described(client, &dialog, response);
        let dialog = dialog.unpinned();
        if !self.aim_tracks(id, &answer) {
            self.part_with(now, dialog, "");
            return self.copy_failed(now, id, "it takes neither of the two lines as G.711");
        }
        self.copies.dialogs.insert(dialog.key().clone(), id);
        let Some(copy) = self.copies.by_id.get_mut(&id) else { return };
        copy.stage = Stage::Up { dialog: Box::new(dialog), changing: false };
        copy.failures = 0;
        let recorder = copy.recorder.clone();
        self.note(now, Fact::CopyStarted { call: id.call, recorder });
        self.show_recorder(id);
        self.deadlines.set(Timer::Copy(id), now.moment.after(limits::PROBE_EVERY));
        self.copies.touch(id.call);
    }

    /// Sends the streams where the description says. False when it names no place for either.
    fn aim_tracks(&mut self, id: CopyId, answer: &[u8]) -> bool {
        let Ok(answer) = sdp::parse(answer) else { return false };
        let aims = description::aims(&answer);
        let Some(copy) = self.copies.by_id.get(&id) else { return false };
        let streams = copy.tracks.iter().flatten().map(|track| track.stream);
        let orders: Vec<MediaOrder> = streams
            .zip(aims)
            .filter_map(|(stream, aim)| Some(MediaOrder::Aim { stream, aim: aim? }))
            .collect();
        let any = !orders.is_empty();
        orders.into_iter().for_each(|order| self.media(order));
        any
    }

    /// The INVITE once more, with the answer to the recorder's challenge.
    fn log_in_at_recorder(
        &mut self,
        now: Now,
        client: ClientId,
        id: CopyId,
        flow: Flow,
        request: &Request,
        refusal: &Response,
    ) {
        let again = self.copies.by_id.get(&id).and_then(|copy| {
            let Stage::Inviting { client: invited, authorized: false, .. } = copy.stage else {
                return None;
            };
            let account = self.trunks.get(&copy.recorder)?.line.as_ref()?.account.as_ref()?;
            let mut again = request.clone();
            let done = authorize(&mut again, refusal, account, &mut self.dice);
            (invited == client && done.is_ok()).then_some(again)
        });
        let Some(invite) = again else {
            return self.recorder_refuses(now, client, id, refusal.code);
        };
        let second = self.send(now, flow, invite, Purpose::Copy { id, asked: Asked::Begin });
        let copy = self.copies.by_id.get_mut(&id);
        if let Some(Stage::Inviting { client, authorized, .. }) = copy.map(|copy| &mut copy.stage) {
            (*client, *authorized) = (second, true);
        }
    }

    fn recorder_refuses(&mut self, now: Now, client: ClientId, id: CopyId, code: u16) {
        let copy = self.copies.by_id.get_mut(&id);
        let Some(Stage::Inviting { client: invited, ways, .. }) = copy.map(|copy| &mut copy.stage)
        else {
            return;
        };
        if *invited != client {
            return;
        }
        let ways = std::mem::take(ways);
        if let Some(copy) = self.copies.by_id.get_mut(&id) {
            copy.stage = Stage::Between;
        }
        // Another way may do better only where this one failed as a way (RFC 3263 §4.3).
        if matches!(code, 408 | 500 | 502..=504) && !ways.is_empty() {
            return self.invite_recorder(now, id, ways);
        }
        self.copy_failed(now, id, &format!("it answered {code}"));
    }

    fn change_taken(
        &mut self,
        now: Now,
        client: ClientId,
        id: CopyId,
        request: &Request,
        response: &Response,
    ) {
        let number = request.headers.cseq().map_or(0, |cseq| cseq.number);
        let Some(copy) = self.copies.by_id.get_mut(&id) else { return };
        let Stage::Up { dialog, changing } = &mut copy.stage else { return };
        *changing = false;
        dialog.retarget(&response.headers);
        let (flow, ack, tag) =
            (dialog.next_hop(), dialog.ack(number), dialog.remote_tag().to_owned());
        self.endpoint.send_ack(client, flow, ack, &tag, &mut self.dice);
        if let Some(answer) = body::sdp(&response.headers, &response.body) {
            self.aim_tracks(id, &answer);
        }
        self.deadlines.set(Timer::Copy(id), now.moment.after(limits::PROBE_EVERY));
        // Somebody may have come or gone while it was asked.
        self.copies.touch(id.call);
    }

    fn drop_recorder_dialog(&mut self, id: CopyId) {
        self.copies.dialogs.retain(|_, owner| *owner != id);
    }

    /// A request of the recorder within its session.
    pub(in super::super) fn recorder_asks(
        &mut self,
        now: Now,
        server: ServerId,
        flow: Flow,
        request: &Request,
        (id, tag): (CopyId, &str),
    ) {
        let copy = self.copies.by_id.get_mut(&id);
        let Some(Stage::Up { dialog, .. }) = copy.map(|copy| &mut copy.stage) else {
            return self.refuse(now, server, request, 481);
        };
        let from = request.headers.from();
        if from.is_none_or(|from| from.tag().unwrap_or("") != dialog.remote_tag()) {
            return self.refuse(now, server, request, 481);
        }
        if dialog.accept(request, flow).is_err() {
            return self.refuse(now, server, request, 500);
        }
        if request.method == Method::Bye {
            self.refuse(now, server, request, 200);
            self.drop_recorder_dialog(id);
            return self.copy_failed(now, id, "it ended the session");
        }
        let mut response = request
            .response(200, tag)
            .with(Name::Allow, ALLOW)
            .with(Name::Contact, format!("{};+sip.src", self.contact(&flow)));
        let offer = body::sdp(&request.headers, &request.body);
        if request.method == Method::Invite || offer.is_some() {
            // It may ask to be sent nothing for a while, or to be sent it elsewhere.
            if let Some(offer) = &offer {
                self.aim_tracks(id, offer);
            }
            let copy = self.copies.by_id.get(&id);
            let ports = copy.map(|copy| copy.ports()).unwrap_or_default();
            let session = copy.map_or(0, |copy| copy.session);
            let sdp = description::offer(session, self.settings.media_address, ports);
            response = response.with_body("application/sdp", sdp);
        }
        self.endpoint.respond(now.moment, server, response);
        let (parts, _) = body::parts(&request.headers, &request.body);
        if parts.iter().any(|part| part.media_type == WANTS_METADATA)
            && let Some(copy) = self.copies.by_id.get_mut(&id)
        {
            copy.told.clear();
            self.copies.touch(id.call);
        }
    }
}
