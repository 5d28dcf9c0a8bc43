//! The path of one packet: received, admitted, counted, recorded, renamed, sent on.
//!
//! No lock, allocation or log line here. Whatever the operating system answers is counted and
//! ends nothing.

use std::io::ErrorKind;
use std::net::SocketAddr;

use mio::net::UdpSocket;

use super::counters::Tally;
use super::hearing::Hearing;
use super::player::{Step, decoded};
use super::rtp::{self, Rtp};
use super::source::PACKET_BYTES;
use super::stream::{self, FarEnd, Kind, Play, Stream};
use super::tap::{Frame, PAYLOAD_BYTES, RecorderHandle};
use super::tone::{SAMPLES, Tone};
use crate::call::orders::{Aim, Law, Sound};
use crate::vocabulary::StreamId;

/// Packets taken from one socket before the others have their turn.
const BURST: usize = 64;
/// Longer datagrams are no telephone audio. One buffer serves all streams.
const BUFFER_BYTES: usize = 2048;

/// Whether a socket may hold more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    Nothing,
    Perhaps,
}

/// All streams, and what a packet needs on its way.
#[derive(Debug)]
pub(super) struct Relay {
    pub streams: Vec<Option<Stream>>,
    pub recorder: RecorderHandle,
    pub tally: Tally,
    /// Streams whose first packet came in this turn.
    pub heard: Vec<StreamId>,
    /// Streams whose announcements came to their end in this turn.
    pub played: Vec<StreamId>,
    /// What was heard in this turn.
    pub sounds: Vec<(StreamId, Sound)>,
    pub tone: Tone,
    buffer: Box<[u8; BUFFER_BYTES]>,
}

impl Relay {
    pub fn new(recorder: RecorderHandle) -> Self {
        Self {
            streams: Vec::new(),
            recorder,
            tally: Tally::default(),
            heard: Vec::new(),
            played: Vec::new(),
            sounds: Vec::new(),
            tone: Tone::new(),
            buffer: Box::new([0; BUFFER_BYTES]),
        }
    }

    /// Passes on what a stream's RTP socket holds, at `now` (microseconds).
    pub fn drain_rtp(&mut self, slot: usize, now: u64) -> Left {
        for _ in 0..BURST {
            let Some(stream) = at(&self.streams, slot) else { return Left::Nothing };
            let Some((length, from)) =
                receive(&stream.sockets.rtp, &mut self.buffer[..], &mut self.tally)
            else {
                return Left::Nothing;
            };
            self.pass_rtp(slot, length, from, now);
        }
        Left::Perhaps
    }

    /// Passes on what a stream's RTCP socket holds.
    pub fn drain_rtcp(&mut self, slot: usize, now: u64) -> Left {
        for _ in 0..BURST {
            let Some(stream) = at(&self.streams, slot) else { return Left::Nothing };
            let Some((length, from)) =
                receive(&stream.sockets.rtcp, &mut self.buffer[..], &mut self.tally)
            else {
                return Left::Nothing;
            };
            self.pass_rtcp(slot, length, from, now);
        }
        Left::Perhaps
    }

    fn pass_rtp(&mut self, slot: usize, length: usize, from: SocketAddr, now: u64) {
        let packet = self.buffer.get_mut(..length).unwrap_or_default();
        let (Some(rtp), Some(stream)) = (Rtp::read(packet), at_mut(&mut self.streams, slot)) else {
            self.tally.dropped += 1;
            return;
        };
        let Some(far) = stream.far.as_mut() else {
            self.tally.dropped += 1;
            return;
        };
        let kind = stream::kind(&far.aim, rtp.payload_type);
        if !far.rtp.admit(from, kind != Kind::Other, now) {
            self.tally.dropped += 1;
            return;
        }
        self.tally.received += 1;
        self.tally.lost += stream.sequence.see(rtp.ssrc, rtp.sequence);
        stream.received += 1;
        if stream.received == 1 {
            self.heard.push(stream.id);
        }
        if !far.aim.receive {
            self.tally.dropped += 1;
            return;
        }
        let (id, law) = (stream.id, law_of(&far.aim));
        if let (Kind::Audio, Some(tap)) = (kind, stream.tap) {
            let audio = packet.get(rtp.payload.clone()).unwrap_or_default();
            let steps = (0u32..).step_by(PAYLOAD_BYTES);
            for (part, step) in audio.chunks(PAYLOAD_BYTES).zip(steps) {
                let place = (rtp.ssrc, rtp.timestamp.wrapping_add(step));
                let frame = Frame::new(tap, law, place, now, part);
                if !frame.is_some_and(|frame| self.recorder.frame(frame)) {
                    self.tally.tap_dropped += 1;
                }
            }
        }
        if let Some(ear) = &mut stream.ear {
            let payload = packet.get(rtp.payload.clone()).unwrap_or_default();
            overhear(ear, &far.aim, &rtp, payload, |sound| self.sounds.push((id, sound)));
        }
        let to = match stream.play {
            Play::Bridge { to, slot } => at_mut(&mut self.streams, slot)
                .filter(|other| other.id == to && other.passes_to(id)),
            Play::Loop => Some(stream),
            Play::Idle | Play::Own => None,
        };
        let Some(to) = to else { return };
        let Some(far) = to.far.as_ref() else { return };
        let Some(payload_type) = stream::rename(kind, rtp.payload_type, &far.aim) else { return };
        let Some(address) = far.audio_to() else {
            self.tally.dropped += 1;
            return;
        };
        rtp::set_payload_type(packet, payload_type);
        if kind == Kind::Audio {
            let audio = packet.get_mut(rtp.payload).unwrap_or_default();
            stream::transcode(audio, law, law_of(&far.aim));
        }
        if send(&to.sockets.rtp, packet, address, &mut self.tally) {
            to.sent += 1;
            self.tally.sent += 1;
        }
    }

    /// RTCP goes both ways on hold too: it says that the line is alive.
    fn pass_rtcp(&mut self, slot: usize, length: usize, from: SocketAddr, now: u64) {
        let packet = self.buffer.get(..length).unwrap_or_default();
        let far = at_mut(&mut self.streams, slot).and_then(|stream| stream.far.as_mut());
        if !rtp::is_rtcp(packet) || !far.is_some_and(|far| far.rtcp.admit(from, true, now)) {
            self.tally.dropped += 1;
            return;
        }
        self.tally.rtcp += 1;
        let Some(stream) = at(&self.streams, slot) else { return };
        let Play::Bridge { to, slot } = stream.play else { return };
        let other =
            at(&self.streams, slot).filter(|other| other.id == to && other.passes_to(stream.id));
        let Some(other) = other else { return };
        if let Some(address) = other.far.as_ref().and_then(|far| far.rtcp.far_end()) {
            send(&other.sockets.rtcp, packet, address, &mut self.tally);
        }
    }

    /// Goes on by 20 ms with what the stream in `slot` plays of its own; false when it plays
    /// nothing more.
    pub fn tick(&mut self, slot: usize, now: u64) -> bool {
        let Some(stream) = at_mut(&mut self.streams, slot) else { return false };
        let (Play::Own, Some(own)) = (&stream.play, &mut stream.own) else { return false };
        let Some(FarEnd { aim, .. }) = &stream.far else { return true };
        let mut packet = [0; PACKET_BYTES];
        let Some(payload) = packet.last_chunk_mut::<SAMPLES>() else { return false };
        let mut played = false;
        let step = own.player.step(&self.tone, law_of(aim), payload, &mut played);
        if played {
            self.played.push(stream.id);
        }
        match (step, stream.far.as_ref().and_then(FarEnd::audio_to)) {
            (Step::End, _) => {
                own.rest(now);
                return false;
            }
            (Step::Pause, _) | (Step::Sound, None) => own.source.pause(),
            (Step::Sound, Some(address)) => {
                if let Some(ear) = &mut stream.ear {
                    ear.plays(payload.iter().map(|&code| decoded(law_of(aim), code)));
                }
                if own.source.head(aim.audio, &mut packet)
                    && send(&stream.sockets.rtp, &packet, address, &mut self.tally)
                {
                    stream.sent += 1;
                    self.tally.sent += 1;
                }
            }
        }
        true
    }
}

/// The law of a stream.
fn law_of(aim: &Aim) -> Law {
    Law::of(aim.codec).unwrap_or(Law::A)
}

/// Lets the ear at a stream hear a packet.
fn overhear(ear: &mut Hearing, aim: &Aim, rtp: &Rtp, payload: &[u8], mut found: impl FnMut(Sound)) {
    match stream::kind(aim, rtp.payload_type) {
        Kind::Audio => {
            let samples = payload.iter().map(|&code| decoded(law_of(aim), code));
            ear.hear(samples, aim.events.is_none(), found);
        }
        Kind::Events => {
            if let Some(key) = ear.event(rtp.ssrc, rtp.timestamp, payload) {
                found(key);
            }
        }
        Kind::Other => {}
    }
}

fn at(streams: &[Option<Stream>], slot: usize) -> Option<&Stream> {
    streams.get(slot)?.as_ref()
}

fn at_mut(streams: &mut [Option<Stream>], slot: usize) -> Option<&mut Stream> {
    streams.get_mut(slot)?.as_mut()
}

/// The next datagram, or nothing when the socket is empty or at fault: the next arrival wakes it.
fn receive(
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

fn send(socket: &UdpSocket, packet: &[u8], to: SocketAddr, tally: &mut Tally) -> bool {
    let sent = socket.send_to(packet, to).is_ok();
    tally.faults += u64::from(!sent);
    sent
}
