//! The way in: whose a datagram is, what it is, whether it is proved, and whether it may come at all. What
//! is admitted goes on in `relay`.
//!
//! Every packet of a stream comes in by `admit_rtp` or `admit_rtcp`. No lock, allocation or log line here,
//! but for handshakes and checks; whatever the operating system answers is counted and ends nothing.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mio::net::UdpSocket;

use super::counters::Tally;
use super::ice::Check;
use super::relay::{Relay, at, at_mut, send};
use super::rtcp;
use super::rtp::{self, Rtp};
use super::secure::{Gate, Shield};
use super::stream::{self, Kind, Stream, Way};

/// Packets taken from one socket before the others have their turn.
const BURST: usize = 64;

/// Whether a socket may hold more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    Nothing,
    Perhaps,
}

impl Relay {
    /// Passes on what a stream's RTP socket holds, at `now` (microseconds).
    pub fn drain_rtp(&mut self, slot: usize, now: u64) -> Left {
        for _ in 0..BURST {
            let Some(stream) = at(&self.streams, slot) else { return Left::Nothing };
            let Some((length, from)) =
                receive(stream.way.rtp(), &mut self.buffer[..], &mut self.tally)
            else {
                return Left::Nothing;
            };
            self.take_datagram(slot, length, from, now);
        }
        Left::Perhaps
    }

    /// The next datagram on the `n`th shared socket that is a stream's; false when there is none left.
    pub fn receive_shared(&mut self, n: usize) -> (bool, Option<(usize, usize, SocketAddr)>) {
        let Some(socket) = self.shared.sockets.get(n).map(Arc::clone) else { return (false, None) };
        let received = receive(&socket, &mut self.buffer[..], &mut self.tally);
        let Some((length, from)) = received else { return (false, None) };
        if matches!(self.buffer.first(), Some(0..=3)) {
            self.check(&socket, length, from);
            return (true, None);
        }
        let slot = self.shared.of_source(from);
        self.tally.dropped += u64::from(slot.is_none());
        (true, slot.map(|slot| (slot, length, from)))
    }

    /// Answers a peer that proves to know the login of a stream, and learns where it is.
    fn check(&mut self, socket: &Arc<UdpSocket>, length: usize, from: SocketAddr) {
        let datagram = self.buffer.get(..length).unwrap_or_default();
        let check = Check::read(datagram);
        let ufrag = check.as_ref().and_then(Check::ufrag);
        let place = ufrag.and_then(|ufrag| self.shared.of_login(ufrag));
        let stream = place.and_then(|place| at_mut(&mut self.streams, place));
        let (Some(check), Some(ufrag), Some(place), Some(stream)) = (&check, ufrag, place, stream)
        else {
            self.tally.dropped += 1;
            return;
        };
        let Way::Shared { ice, socket: used } = &mut stream.way else { return };
        let answer = ice.password(ufrag).and_then(|password| check.answer(password, from));
        let Some(answer) = answer else {
            self.tally.dropped += 1;
            return;
        };
        send(socket, &answer.datagram, from, &mut self.tally);
        if answer.proved {
            self.shared.learn(ice, from, place);
        }
        if answer.nominated
            && let Some(before) = ice.used(ufrag)
        {
            self.shared.forget_login(&before.ufrag);
        }
        if answer.nominated && ice.nominated != Some(from) {
            ice.nominated = Some(from);
            *used = Arc::clone(socket);
            if let Some(far) = &mut stream.far {
                far.settle(from);
            }
        }
    }

    /// A datagram for a stream, by what its first byte says that it is (RFC 7983).
    pub fn take_datagram(&mut self, slot: usize, length: usize, from: SocketAddr, now: u64) {
        if matches!(self.buffer.first(), Some(20..=63)) && length > 0 {
            return self.shake(slot, Some((length, from)), now);
        }
        // RTCP on the port of RTP is told apart by its type (RFC 5761 §4).
        if self.is_muxed(slot, length) {
            match self.open_rtcp(slot, length) {
                Some(length) => self.admit_rtcp(slot, length, from, now),
                None => self.tally.dropped += 1,
            }
            return;
        }
        let Some(length) = self.open_rtp(slot, length) else {
            self.tally.dropped += 1;
            return;
        };
        if let Some((rtp, kind)) = self.admit_rtp(slot, length, from, now) {
            self.take(slot, length, &rtp, kind, now);
        }
    }

    /// Goes on with a stream's handshake, where it has one: a datagram of it came, or time passed.
    pub fn shake(&mut self, slot: usize, came: Option<(usize, SocketAddr)>, now: u64) {
        let instant = self.started + Duration::from_micros(now);
        let tally = &mut self.tally;
        let Some(Stream { id, way, shield, far, .. }) = at_mut(&mut self.streams, slot) else {
            return;
        };
        let Shield::Dtls(handshake) = shield else {
            tally.dropped += u64::from(came.is_some());
            return;
        };
        let to = match (came, &*way) {
            (Some((_, from)), Way::Shared { .. }) => Some(from),
            (Some((_, from)), Way::Own { .. }) => handshake.admits(from, now).then_some(from),
            (None, Way::Shared { ice, .. }) => ice.nominated,
            (None, Way::Own { .. }) => handshake.far_end(),
        };
        let Some(to) = to else {
            tally.dropped += u64::from(came.is_some());
            return;
        };
        let socket = way.rtp();
        let say = |datagram: &[u8]| {
            send(socket, datagram, to, tally);
        };
        let outcome = match came {
            None => handshake.tick(instant, say),
            Some((length, _)) => {
                handshake.receive(self.buffer.get(..length).unwrap_or_default(), instant, say)
            }
        };
        if let (Some(Ok(_)), Way::Own { .. }, Some(far)) = (&outcome, &*way, far) {
            far.settle(to);
        }
        self.secured.extend(outcome.map(|outcome| (*id, outcome)));
    }

    /// Takes what a stream's RTCP socket holds.
    pub fn drain_rtcp(&mut self, slot: usize, now: u64) -> Left {
        for _ in 0..BURST {
            let Some(stream) = at(&self.streams, slot) else { return Left::Nothing };
            let Some((length, from)) =
                receive(stream.way.rtcp(), &mut self.buffer[..], &mut self.tally)
            else {
                return Left::Nothing;
            };
            match self.open_rtcp(slot, length) {
                Some(length) => self.admit_rtcp(slot, length, from, now),
                None => self.tally.dropped += 1,
            }
        }
        Left::Perhaps
    }

    fn is_muxed(&self, slot: usize, length: usize) -> bool {
        let mux = at(&self.streams, slot).and_then(|stream| stream.far.as_ref());
        mux.is_some_and(|far| far.aim.mux)
            && rtp::is_rtcp(self.buffer.get(..length).unwrap_or_default())
    }

    /// Takes the protection off a datagram, in place; none where it is not the peer's. Only who is proved
    /// can show where the far end is.
    fn open_rtp(&mut self, slot: usize, length: usize) -> Option<usize> {
        let stream = at_mut(&mut self.streams, slot)?;
        let srtp = match stream.shield.gate() {
            Gate::Open => return Some(length),
            Gate::Shut => return None,
            Gate::Keys(srtp) => srtp,
        };
        let plain = srtp.unprotect_rtp(self.buffer.get(..length)?)?;
        self.buffer.get_mut(..plain.len())?.copy_from_slice(&plain);
        Some(plain.len())
    }

    /// The same of a report.
    fn open_rtcp(&mut self, slot: usize, length: usize) -> Option<usize> {
        let stream = at_mut(&mut self.streams, slot)?;
        let srtp = match stream.shield.gate() {
            Gate::Open => return Some(length),
            Gate::Shut => return None,
            Gate::Keys(srtp) => srtp,
        };
        let plain = srtp.unprotect_rtcp(self.buffer.get(..length)?)?;
        self.buffer.get_mut(..plain.len())?.copy_from_slice(&plain);
        Some(plain.len())
    }

    /// Whether a datagram is a packet of the far end that it may send.
    fn admit_rtp(
        &mut self,
        slot: usize,
        length: usize,
        from: SocketAddr,
        now: u64,
    ) -> Option<(Rtp, Kind)> {
        let packet = self.buffer.get(..length).unwrap_or_default();
        let admitted =
            Rtp::read(packet).zip(at_mut(&mut self.streams, slot)).and_then(|(rtp, stream)| {
                let far = stream.far.as_mut()?;
                let kind = stream::kind(&far.aim, rtp.payload_type);
                // On the shared port the peer's address is proved.
                let proved = stream.way.ice().is_some();
                let number = Some((rtp.ssrc, rtp.sequence));
                let admitted = proved || far.rtp.admit(from, kind != Kind::Other, number, now);
                admitted.then_some((rtp, kind, stream))
            });
        let Some((rtp, kind, stream)) = admitted else {
            self.tally.dropped += 1;
            return None;
        };
        #[cfg(test)]
        stream.fail();
        self.tally.received += 1;
        self.tally.lost += stream.sequence.see(rtp.ssrc, rtp.sequence);
        if kind == Kind::Audio {
            let clock = stream.codec().unwrap_or_default().clock();
            stream.reception.see(rtp.ssrc, rtp.sequence, rtp.timestamp, clock, now);
        }
        stream.came_at = Some(now);
        stream.received += 1;
        if stream.received == 1 {
            self.heard.push(stream.id);
        }
        if !stream.far.as_ref().is_some_and(|far| far.aim.receive) {
            self.tally.dropped += 1;
            return None;
        }
        Some((rtp, kind))
    }

    /// RTCP comes on hold too: it says that the line is alive. It is about our leg alone and goes no
    /// further.
    fn admit_rtcp(&mut self, slot: usize, length: usize, from: SocketAddr, now: u64) {
        let packet = self.buffer.get(..length).unwrap_or_default();
        let stream = at_mut(&mut self.streams, slot);
        let Some(stream) = stream.filter(|_| rtp::is_rtcp(packet)) else {
            self.tally.dropped += 1;
            return;
        };
        let proved = stream.way.ice().is_some();
        if !stream.far.as_mut().is_some_and(|far| proved || far.rtcp.admit(from, true, None, now)) {
            self.tally.dropped += 1;
            return;
        }
        self.tally.rtcp += 1;
        stream.reported_at = Some(now);
        stream.reception.read(packet, stream.out.ssrc(), now, rtcp::ntp(self.wall + now));
    }
}

/// The next datagram, or nothing when the socket is empty or at fault: the next arrival wakes it.
pub(super) fn receive(
    socket: &UdpSocket,
    buffer: &mut [u8],
    tally: &mut Tally,
) -> Option<(usize, SocketAddr)> {
    loop {
        match socket.recv_from(buffer) {
            // A full buffer is a datagram cut short: nothing that could be passed on.
            Ok((length, from)) => return Some((length % buffer.len(), from)),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                tally.faults += u64::from(error.kind() != ErrorKind::WouldBlock);
                return None;
            }
        }
    }
}
