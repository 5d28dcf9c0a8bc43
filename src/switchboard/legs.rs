//! The audio of each leg: a port and a stream when it is wanted, and the terms on which it may be spoken.

use crate::call::orders::MediaOrder;
use crate::call::{LegMedia, Origin, Side, Terms, wanted_codec};
use crate::sip::body;
use crate::vocabulary::{AudioPolicy, CallId, Codec, SeatId, TrunkId};

use super::Switchboard;
use super::settings::BrowserMedia;

impl Switchboard {
    /// Audio for the seat's leg, and for the caller's where it has none yet: an answer must never
    /// wait for a port.
    pub(super) fn ports_for_offer(&mut self, id: CallId, policy: AudioPolicy) -> Option<LegMedia> {
        let caller_has = self.calls.get(&id)?.caller.media.is_some();
        if self.ports.len() < if caller_has { 1 } else { 2 } {
            return None;
        }
        if !caller_has {
            self.open_caller_media(id);
        }
        self.open_media(id, Side::Seat, policy)
    }

    /// Gives the caller's leg its audio. False when no port is ready.
    pub(super) fn open_caller_media(&mut self, id: CallId) -> bool {
        if self.calls.get(&id).is_some_and(|c| c.caller.media.is_some()) {
            return true;
        }
        let policy = self.caller_audio(id);
        let media = self.open_media(id, Side::Caller, policy);
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
    ) -> Option<LegMedia> {
        let media = self.lease(id, side, policy)?;
        self.calls.get_mut(&id)?.streams.push((media.stream, side));
        Some(media)
    }

    /// Opens a stream for a call that is, or is to be.
    pub(super) fn lease(
        &mut self,
        id: CallId,
        side: Side,
        policy: AudioPolicy,
    ) -> Option<LegMedia> {
        let port = self.ports.take()?;
        let stream = self.stream_id();
        self.media(MediaOrder::Open { stream, port });
        self.streams.insert(stream, (id, side));
        Some(LegMedia::new(stream, port, self.terms(policy), &mut self.dice))
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

    fn caller_audio(&self, id: CallId) -> AudioPolicy {
        match self.calls.get(&id).map(|call| &call.origin) {
            Some(Origin::Trunk(trunk)) => self.trunk_audio(trunk),
            Some(Origin::Seat(seat)) => self.seat_audio(seat),
            None => AudioPolicy::default(),
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
