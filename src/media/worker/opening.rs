//! Streams come and go: their sockets, their places in the table, the ports that are left. Nothing here
//! touches a packet.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use mio::{Interest, Token};

use super::{EACH, OF_RTCP, OF_TEXT, OF_TEXT_RTCP, Worker};
use crate::call::orders::{MediaReport, StreamCount};
use crate::media::ice::Ice;
use crate::media::outgoing::Outgoing;
use crate::media::stream::{Stream, Way};
use crate::media::texting::Text;
use crate::vocabulary::{IceLogin, StreamId};

impl<R: Fn(MediaReport)> Worker<R> {
    pub(super) fn open(&mut self, id: StreamId, port: u16) {
        if self.slots.contains_key(&id) {
            tracing::error!(?id, "a stream was opened twice");
            return;
        }
        match self.ports.take(port) {
            Ok(sockets) => {
                self.place(Stream::new(id, Way::Own { port, sockets }));
            }
            // Close is answered all the same, so signalling does not wait for it.
            Err(error) => tracing::error!(%error, ?id, port, "a stream has no sockets"),
        }
        self.refill();
    }

    /// Gives a stream a socket for text. Without one its audio goes on.
    pub(super) fn open_text(&mut self, id: StreamId, port: u16) {
        let sockets = self.ports.take(port);
        match (sockets, self.slots.get(&id).copied()) {
            (Ok(mut sockets), Some(slot)) => {
                let token = |of| Token(slot * EACH + of);
                let (registry, each) = (self.poll.registry(), Interest::READABLE);
                let (rtp, rtcp) = (&mut sockets.rtp, &mut sockets.rtcp);
                let heard = registry
                    .register(rtp, token(OF_TEXT), each)
                    .and_then(|()| registry.register(rtcp, token(OF_TEXT_RTCP), each));
                if let Err(error) = heard {
                    tracing::error!(%error, ?id, "a stream cannot read");
                    self.relay.tally.faults += 1;
                }
                let text = Box::new(Text::new(port, sockets));
                let stream = self.relay.streams.get_mut(slot).and_then(Option::as_mut);
                let before = stream.and_then(|stream| stream.text.replace(text));
                if let Some(before) = before {
                    tracing::error!(?id, "the text of a stream was opened twice");
                    self.ports.give_back(before.port);
                }
            }
            (Ok(_), None) => {
                tracing::error!(?id, "text was opened for no stream");
                self.ports.give_back(port);
            }
            (Err(error), _) => tracing::error!(%error, ?id, port, "text has no sockets"),
        }
        self.refill();
    }

    pub(super) fn open_shared(&mut self, id: StreamId, login: &IceLogin, ssrc: u32) {
        let socket = self.relay.shared.sockets.first().map(Arc::clone);
        let (false, Some(socket)) = (self.slots.contains_key(&id), socket) else {
            tracing::error!(?id, "a stream was opened twice, or there is no port for browsers");
            return;
        };
        let way = Way::Shared { ice: Ice::new(login.clone()), socket };
        let stream = Stream { out: Outgoing::of(ssrc), ..Stream::new(id, way) };
        let slot = self.place(stream);
        self.relay.shared.enter(login.ufrag.clone(), slot);
    }

    /// Knows a stream by another login as well, and soon by that alone.
    pub(super) fn relogin(&mut self, id: StreamId, login: &IceLogin) {
        let Some(slot) = self.slots.get(&id).copied() else { return };
        let stream = self.relay.streams.get_mut(slot).and_then(Option::as_mut);
        let Some(Way::Shared { ice, .. }) = stream.map(|stream| &mut stream.way) else { return };
        if let Some(unused) = ice.relogin(login.clone()) {
            self.relay.shared.forget_login(&unused.ufrag);
        }
        self.relay.shared.enter(login.ufrag.clone(), slot);
    }

    /// Gives a stream its place in the table.
    pub(super) fn place(&mut self, mut stream: Stream) -> usize {
        let slot = self.free.pop().unwrap_or(self.relay.streams.len());
        let registry = self.poll.registry();
        if let Way::Own { sockets, .. } = &mut stream.way {
            let (rtp, rtcp) = (&mut sockets.rtp, &mut sockets.rtcp);
            let registered =
                registry.register(rtp, Token(slot * EACH), Interest::READABLE).and_then(|()| {
                    registry.register(rtcp, Token(slot * EACH + OF_RTCP), Interest::READABLE)
                });
            if let Err(error) = registered {
                tracing::error!(%error, id = ?stream.id, "a stream cannot hear");
                self.relay.tally.faults += 1;
            }
        }
        // Some may have been told to hear it before it was open.
        let id = stream.id;
        for listener in self.early.remove(&id).unwrap_or_default() {
            let place = self.slots.get(&listener).copied();
            let Some((place, listener)) =
                place.zip(place.and_then(|place| self.relay.streams.get_mut(place)?.as_mut()))
            else {
                continue;
            };
            for voice in listener.hears.iter_mut().filter(|voice| voice.id == id) {
                voice.slot = slot;
                stream.heard_by.push(place);
            }
        }
        self.slots.insert(stream.id, slot);
        if slot == self.relay.streams.len() {
            self.relay.streams.push(Some(stream));
        } else if let Some(place) = self.relay.streams.get_mut(slot) {
            *place = Some(stream);
        }
        self.counters.open_streams.store(self.slots.len() as u64, Ordering::Relaxed);
        slot
    }

    pub(super) fn close(&mut self, id: StreamId) {
        let slot = self.slots.get(&id).copied();
        let now = self.now;
        let quality =
            slot.and_then(|slot| self.guarded(slot, None, |relay| relay.report(slot, now, true)));
        if let Some(quality) = quality {
            (self.report)(MediaReport::Quality { stream: id, quality });
        }
        let mut writing = std::mem::take(&mut self.writing);
        let text = slot.and_then(|slot| {
            self.guarded(slot, None, |relay| relay.look_at_text(slot, now, &mut writing))
        });
        self.writing = writing;
        text.into_iter().for_each(&self.report);
        let quality = slot
            .and_then(|slot| self.guarded(slot, None, |relay| relay.report_text(slot, now, true)));
        if let Some(quality) = quality {
            (self.report)(MediaReport::TextQuality { stream: id, quality });
        }
        self.slots.remove(&id);
        let stream = slot.and_then(|slot| self.relay.streams.get_mut(slot)?.take());
        self.early.values_mut().for_each(|listeners| listeners.retain(|listener| *listener != id));
        self.early.retain(|_, listeners| !listeners.is_empty());
        let mut count = StreamCount::default();
        if let (Some(slot), Some(stream)) = (slot, stream) {
            count = stream.count();
            for voice in &stream.hears {
                let speaker = self.relay.streams.get_mut(voice.slot).and_then(Option::as_mut);
                if let Some(speaker) = speaker.filter(|speaker| speaker.id == voice.id) {
                    speaker.heard_by.retain(|listener| *listener != slot);
                }
            }
            self.beating.retain(|beating| *beating != slot);
            self.free.push(slot);
            stream.text.iter().for_each(|text| self.ports.give_back(text.port));
            match &stream.way {
                Way::Own { port, .. } => self.ports.give_back(*port),
                Way::Shared { ice, .. } => self.relay.shared.leave(ice, slot),
            }
            self.counters.open_streams.store(self.slots.len() as u64, Ordering::Relaxed);
        }
        (self.report)(MediaReport::Closed { stream: id, count });
        self.refill();
    }

    pub(super) fn refill(&mut self) {
        let filled = self.ports.fill();
        if !filled.fresh.is_empty() {
            (self.report)(MediaReport::PortsReady(filled.fresh));
        }
        if let Some(why) = filled.exhausted {
            (self.report)(MediaReport::PortsExhausted { why });
        }
    }
}
