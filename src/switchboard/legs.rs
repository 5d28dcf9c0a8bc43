//! The audio of each leg: a port and a stream when it is wanted, and the terms on which it may be spoken.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::call::orders::MediaOrder;
use crate::call::{
    AnswerUnusable, Call, Callee, LegMedia, Origin, RingMedia, Side, Terms, Unusable,
    is_of_browser, offers_text, wanted_codec,
};
use crate::journal::Fact;
use crate::sip::registrar::Binding;
use crate::sip::{Flow, Request, body};
use crate::vocabulary::{AudioPolicy, CallId, Codec, Now, SeatId, StreamId, TrunkId};

use super::Switchboard;
use super::settings::BrowserMedia;

impl Switchboard {
    /// Audio for the leg of whoever is to be rung, and for the caller's where it has none yet: an answer
    /// must never wait for a port.
    pub(super) fn ports_for_offer(
        &mut self,
        now: Now,
        id: CallId,
        policy: &AudioPolicy,
        phones: &[Binding],
    ) -> Option<RingMedia> {
        let call = self.calls.get(&id)?;
        let caller_has = call.caller.media.is_some() || self.calls_by_browser(call);
        let (usual, _) = self.kinds(phones);
        if self.ports.len() < usize::from(!caller_has) + usize::from(usual) {
            return None;
        }
        self.open_caller_media(id);
        self.open_ring_media(now, id, Side::Seat, policy, phones)
    }

    /// Audio for each kind of phone among those that are to be rung for a call.
    pub(super) fn open_ring_media(
        &mut self,
        now: Now,
        id: CallId,
        side: Side,
        policy: &AudioPolicy,
        phones: &[Binding],
    ) -> Option<RingMedia> {
        let mut media = self.ring_media(now, id, side, policy, phones)?;
        let writes = |call: &Call| call.caller.media.as_ref().is_some_and(LegMedia::has_text);
        if policy.text && self.calls.get(&id).is_some_and(|call| writes(call)) {
            media.usual_mut().into_iter().for_each(|media| self.lend_text(media));
        }
        let streams = media.streams().into_iter().map(|stream| (stream, side));
        self.calls.get_mut(&id)?.streams.extend(streams);
        Some(media)
    }

    /// The same for a call that is to be.
    pub(super) fn ring_media(
        &mut self,
        now: Now,
        id: CallId,
        side: Side,
        policy: &AudioPolicy,
        phones: &[Binding],
    ) -> Option<RingMedia> {
        if !self.serves_browsers() && phones.iter().any(|it| it.flow.transport.is_web()) {
            let detail = "a phone on a WebSocket is offered audio that a browser cannot speak: \
                          there is no port or certificate for browsers";
            self.alarm(now, "no-browser-audio", detail.to_owned());
        }
        let (usual, browser) = self.kinds(phones);
        let usual = match usual {
            true => Some(self.lease(id, side, policy.clone(), false)?),
            false => None,
        };
        let browser = match browser {
            true => self.lease(id, side, policy.clone(), true),
            false => None,
        };
        Some(RingMedia::new(usual, browser))
    }

    /// Whether audio of the usual kind is wanted, and that of browsers. Who is no phone of a seat has the
    /// usual.
    fn kinds(&self, phones: &[Binding]) -> (bool, bool) {
        let is_browser = |it: &Binding| self.serves_browsers() && it.flow.transport.is_web();
        (phones.is_empty() || !phones.iter().all(is_browser), phones.iter().any(is_browser))
    }

    const fn serves_browsers(&self) -> bool {
        let BrowserMedia { candidates, certificate } = &self.settings.browser;
        !candidates.is_empty() && certificate.is_some()
    }

    /// Whether an INVITE offers the audio of a browser, whatever it came by.
    pub(super) fn wants_browser_audio(&self, invite: &Request) -> bool {
        let offer = body::sdp(&invite.headers, &invite.body);
        self.serves_browsers() && offer.is_some_and(|offer| is_of_browser(&offer))
    }

    fn calls_by_browser(&self, call: &Call) -> bool {
        let invite = call.invite.and_then(|invite| self.endpoint.request(invite));
        invite.is_some_and(|invite| self.wants_browser_audio(invite))
    }

    /// Gives the caller's leg its audio. False when no port is ready.
    pub(super) fn open_caller_media(&mut self, id: CallId) -> bool {
        if self.calls.get(&id).is_some_and(|c| c.caller.media.is_some()) {
            return true;
        }
        let policy = self.caller_audio(id);
        let shared = self.calls.get(&id).is_some_and(|call| self.calls_by_browser(call));
        let mut media = self.open_media(id, Side::Caller, policy, shared);
        let invite = self.calls.get(&id).and_then(|call| self.endpoint.request(call.invite?));
        let offer = invite.and_then(|invite| body::sdp(&invite.headers, &invite.body));
        if let (Some(media), Some(offer)) = (&mut media, offer) {
            self.lend_text_for(media, &offer);
        }
        let opened = media.is_some();
        if let Some(call) = self.calls.get_mut(&id) {
            call.caller.media = media;
        }
        opened
    }

    pub(super) fn open_media(
        &mut self,
        id: CallId,
        side: Side,
        policy: AudioPolicy,
        shared: bool,
    ) -> Option<LegMedia> {
        let media = self.lease(id, side, policy, shared)?;
        self.calls.get_mut(&id)?.streams.push((media.stream, side));
        Some(media)
    }

    /// Opens a stream for a call that is, or is to be: on the port that browsers share, or on one of
    /// its own.
    fn lease(
        &mut self,
        id: CallId,
        side: Side,
        policy: AudioPolicy,
        shared: bool,
    ) -> Option<LegMedia> {
        let port = if shared { None } else { Some(self.ports.take()?) };
        let (stream, terms) = (self.stream_id(), self.terms(policy));
        let media = match port {
            Some(port) => {
                self.media(MediaOrder::Open { stream, port });
                LegMedia::new(stream, port, terms, &mut self.dice)
            }
            None => {
                let (media, login, ssrc) = LegMedia::of_browser(stream, terms, &mut self.dice);
                self.media(MediaOrder::OpenShared { stream, login, ssrc });
                media
            }
        };
        self.streams.insert(stream, (id, side));
        Some(media)
    }

    /// Lends a leg a port for text where an offer of its peer has any.
    fn lend_text_for(&mut self, media: &mut LegMedia, offer: &[u8]) {
        if !media.has_text() && offers_text(offer) {
            self.lend_text(media);
        }
    }

    /// A phone answered with what we cannot use: it is let go, and an admin should know why it never gets a call.
    pub(super) fn tell_unusable(
        &mut self,
        now: Now,
        call: CallId,
        seat: Option<SeatId>,
        flow: Flow,
        why: &Unusable,
    ) {
        let mut why = why.to_string();
        if flow.transport.is_web() {
            why += "; a phone on a WebSocket must speak DTLS-SRTP with ICE, as browsers do";
        }
        let who = seat.as_ref().map_or("a number called", |seat| seat.as_str());
        let detail = format!("call {call}: {who} answered and was let go: {why}");
        self.alarm(now, "answer-unusable", detail);
        self.note(now, Fact::AnswerUnusable(Box::new(AnswerUnusable { call, seat, why })));
    }

    /// Tells the media plane where the peer of a leg signals from.
    pub(super) fn hint(&mut self, stream: StreamId) {
        let Some((call, side)) = self.streams.get(&stream) else { return };
        let leg = self.calls.get(call).and_then(|call| call.leg(*side));
        if let Some(leg) = leg.filter(|leg| leg.media.as_ref().is_some_and(|it| !it.is_shared())) {
            let host = leg.dialog.next_hop().remote.ip();
            self.media(MediaOrder::Hint { stream, host });
        }
    }

    /// What a 200 to a first INVITE carries, and whether the ACK brings the answer, with text where it
    /// offers any.
    pub(super) fn first_answer(&mut self, media: &mut LegMedia, invite: &Request) -> (Bytes, bool) {
        if let Some(offer) = body::sdp(&invite.headers, &invite.body) {
            self.lend_text_for(media, &offer);
        }
        media.first_answer(invite, None)
    }

    /// The same for a leg that a call has already.
    pub(super) fn lend_text_to(&mut self, id: CallId, side: Side, offer: &[u8]) {
        let leg = self.calls.get_mut(&id).and_then(|call| call.leg_mut(side));
        let Some(mut media) = leg.and_then(|leg| leg.media.take()) else { return };
        self.lend_text_for(&mut media, offer);
        if let Some(leg) = self.calls.get_mut(&id).and_then(|call| call.leg_mut(side)) {
            leg.media = Some(media);
        }
        self.name_writers(id);
    }

    /// Lends a leg a port for text, where none is needed more for somebody's audio.
    fn lend_text(&mut self, media: &mut LegMedia) {
        if media.is_shared() || !self.has_ports_to_spare() {
            return;
        }
        if let Some(port) = self.ports.take() {
            media.set_text(port, &mut self.dice);
            self.media(MediaOrder::OpenText { stream: media.stream, port });
        }
    }

    /// The audio of who answered by this way; the other kind is closed.
    pub(super) fn won(&mut self, media: RingMedia, way: Option<Flow>) -> Option<LegMedia> {
        let (won, lost) = media.won(way);
        if let Some(stream) = lost {
            self.media(MediaOrder::Close { stream });
        }
        won
    }

    /// Nobody answered: all that was opened for it is closed.
    pub(super) fn close_all(&mut self, media: &RingMedia) {
        for stream in media.streams() {
            self.media(MediaOrder::Close { stream });
        }
    }

    fn terms(&self, policy: AudioPolicy) -> Terms {
        let BrowserMedia { candidates, certificate } = &self.settings.browser;
        Terms {
            address: self.settings.media_address,
            policy,
            certificate: certificate.clone(),
            candidates: candidates.clone(),
        }
    }

    /// How audio travels to a seat.
    pub(super) fn seat_audio(&self, seat: &SeatId) -> AudioPolicy {
        self.settings.seat_audio.get(seat).cloned().unwrap_or_default()
    }

    /// How audio travels to a trunk's peers.
    pub(super) fn trunk_audio(&self, trunk: &TrunkId) -> AudioPolicy {
        self.trunks.get(trunk).map(|trunk| trunk.audio.clone()).unwrap_or_default()
    }

    /// How audio travels to whoever is called: to a number as its trunk has it, once one is tried; whether
    /// it may have text is asked of all of them.
    pub(super) fn callee_audio(
        &self,
        to: &Callee,
        ways: &VecDeque<(TrunkId, Flow)>,
    ) -> AudioPolicy {
        match to {
            Callee::Seat(seat) => self.seat_audio(seat),
            Callee::Number(_) => {
                let text = ways.iter().any(|(trunk, _)| self.trunk_audio(trunk).text);
                AudioPolicy { text, ..AudioPolicy::default() }
            }
        }
    }

    fn caller_audio(&self, id: CallId) -> AudioPolicy {
        match self.calls.get(&id).map(|call| &call.origin) {
            Some(Origin::Trunk(trunk)) => self.trunk_audio(trunk),
            Some(Origin::Dialled(Callee::Seat(seat))) => self.seat_audio(seat),
            _ => AudioPolicy::default(),
        }
    }

    /// The codec that the caller speaks or would like best.
    pub(super) fn codec_of_caller(&self, id: CallId) -> Option<Codec> {
        let call = self.calls.get(&id)?;
        if let Some(codec) = call.caller.media.as_ref().and_then(|media| media.codec()) {
            return Some(codec);
        }
        let request = self.endpoint.request(call.invite?)?;
        let allowed = self.caller_audio(id).codecs;
        wanted_codec(&body::sdp(&request.headers, &request.body)?, &allowed)
    }
}
