//! The path of one packet that came in by `arrival`: recorded, heard, passed on; and, at each beat of 20 ms,
//! what is played and mixed.
//!
//! Every packet of a stream goes out by `send_rtp` or `send_rtcp`. No lock,
//! allocation or log line here, but for what is made once when a stream is first decoded. Whatever the
//! operating system answers is counted and ends nothing.

use std::net::SocketAddr;
use std::time::Instant;

use mio::net::UdpSocket;

use super::codec::{Decoder, Encoder, FRAME, LONGEST, PAYLOAD};
use super::counters::Tally;
use super::mixer::Mix;
use super::player::{Step, decoded};
use super::rtcp::{self, Report};
use super::rtp::{self, HEADER_BYTES, Rtp};
use super::secure::{Gate, Outcome, Shield};
use super::shared::Shared;
use super::stream::{self, Decoded, FULL, Kind, Play, Stream};
use super::tap::{Frame, PAYLOAD_BYTES, RecorderHandle};
use super::tone::Tone;
use crate::call::orders::{Aim, Law, MediaReport, Sound};
use crate::call::quality::Quality;
use crate::vocabulary::{Codec, StreamId};

/// Longer datagrams are no telephone audio. One buffer serves all streams.
const BUFFER_BYTES: usize = 2048;
/// A packet of our own.
const OWN_BYTES: usize = HEADER_BYTES + PAYLOAD;

/// Microseconds between two reports of a stream (RFC 3550 §6.2), and before the first.
const REPORTS: u64 = 5_000_000;
const FIRST_REPORT: u64 = 1_000_000;
/// Since its last mix a listener has heard nothing else, microseconds: three beats.
const JUST_NOW: u64 = 60_000;
/// A peer that talked is missed after this, one that never did since the talk began after that.
const STALLED: u64 = 5_000_000;
const NEVER_CAME: u64 = 3_000_000;

/// All streams, and what a packet needs on its way.
#[derive(Debug)]
pub(super) struct Relay {
    pub streams: Vec<Option<Stream>>,
    pub shared: Shared,
    pub recorder: RecorderHandle,
    pub tally: Tally,
    /// Streams whose first packet came in this turn.
    pub heard: Vec<StreamId>,
    /// Streams whose announcements came to their end in this turn.
    pub played: Vec<StreamId>,
    /// What was heard in this turn.
    pub sounds: Vec<(StreamId, Sound)>,
    /// Handshakes that ended in this turn.
    pub secured: Vec<(StreamId, Outcome)>,
    pub tone: Tone,
    /// The beginning of our clock.
    pub started: Instant,
    /// The calendar at the beginning of our clock, microseconds since 1970.
    pub wall: u64,
    /// The datagram of the moment.
    pub buffer: Box<[u8; BUFFER_BYTES]>,
    /// For a listener of the other law.
    copy: Box<[u8; BUFFER_BYTES]>,
}

impl Relay {
    pub fn new(recorder: RecorderHandle, shared: Shared, started: Instant, wall: u64) -> Self {
        Self {
            streams: Vec::new(),
            shared,
            recorder,
            tally: Tally::default(),
            heard: Vec::new(),
            played: Vec::new(),
            sounds: Vec::new(),
            secured: Vec::new(),
            tone: Tone::new(),
            started,
            wall,
            buffer: Box::new([0; BUFFER_BYTES]),
            copy: Box::new([0; BUFFER_BYTES]),
        }
    }

    // ---- a packet ----------------------------------------------------------------------------

    /// A packet of the far end: to the recorder, to the ear, and to those who hear it.
    pub fn take(&mut self, slot: usize, length: usize, rtp: &Rtp, kind: Kind, now: u64) {
        let packet = self.buffer.get(..length).unwrap_or_default();
        let payload = packet.get(rtp.payload.clone()).unwrap_or_default();
        let Some(stream) = at_mut(&mut self.streams, slot) else { return };
        let Some(codec) = stream.codec() else { return };
        if let (Kind::Audio, Some(tap)) = (kind, stream.tap) {
            let voice = (stream.id, codec);
            // A packet of Opus is one whole; it has no more bytes than a frame holds.
            let steps = (0u32..).step_by(PAYLOAD_BYTES);
            for (part, step) in payload.chunks(PAYLOAD_BYTES).zip(steps) {
                let place = (rtp.ssrc, rtp.timestamp.wrapping_add(step));
                let frame = Frame::new(tap, voice, place, now, part);
                if !frame.is_some_and(|frame| self.recorder.frame(frame)) {
                    self.tally.tap_dropped += 1;
                }
            }
        }
        if stream.ear.is_some() {
            let id = stream.id;
            overhear(stream, kind, rtp, payload, |sound| self.sounds.push((id, sound)));
        }
        if stream.play == Play::Loop {
            return self.pass(slot, slot, length, rtp, (kind, codec), now);
        }
        let (mut mixes, mut n) = (false, 0);
        while let Some(&to) = at(&self.streams, slot).and_then(|stream| stream.heard_by.get(n)) {
            n += 1;
            match at(&self.streams, to).map(|listener| is_mixed(listener, &self.streams)) {
                Some(false) => {
                    self.hand_over(slot, to, (length, codec), now);
                    self.pass(slot, to, length, rtp, (kind, codec), now);
                }
                Some(true) => {
                    mixes = true;
                    if kind == Kind::Events {
                        self.pass_event(to, length, rtp, codec, now);
                    }
                }
                None => {}
            }
        }
        if !mixes && let Some(stream) = at_mut(&mut self.streams, slot) {
            stream.decoded = None;
        } else if kind == Kind::Audio {
            let payload = self.buffer.get(rtp.payload.clone()).unwrap_or_default();
            let Some(stream) = at_mut(&mut self.streams, slot) else { return };
            let decoded = match &mut stream.decoded {
                Some(decoded) if decoded.jitter.codec() == codec => decoded,
                other => other.insert(Box::new(Decoded::new(codec))),
            };
            decoded.jitter.put(rtp.ssrc, (rtp.sequence, rtp.timestamp), payload, now);
        }
    }

    /// What waits of a speaker for a mix goes to a listener who has just heard one and is passed everything from now
    /// on: it was spoken, and would never be heard. The packet of the moment stays in its place.
    fn hand_over(&mut self, from: usize, to: usize, (length, codec): (usize, Codec), now: u64) {
        let mixed = at_mut(&mut self.streams, to).and_then(|listener| listener.mixed_at.take());
        if mixed.is_none_or(|mixed| now.saturating_sub(mixed) > JUST_NOW) {
            return;
        }
        let present = *self.buffer;
        for n in 0.. {
            let decoded = at(&self.streams, from).and_then(|speaker| speaker.decoded.as_ref());
            let Some(((ssrc, number, timestamp), payload)) =
                decoded.and_then(|decoded| decoded.jitter.waiting(n))
            else {
                break;
            };
            let whole = HEADER_BYTES + payload.len();
            if let Some(place) = self.buffer.get_mut(HEADER_BYTES..whole) {
                place.copy_from_slice(payload);
            }
            rtp::write_header(&mut self.buffer[..], (0, false), number, timestamp, ssrc);
            if let Some(rtp) = Rtp::read(self.buffer.get(..whole).unwrap_or_default()) {
                self.pass(from, to, whole, &rtp, (Kind::Audio, codec), now);
            }
        }
        if let Some((place, packet)) = self.buffer.get_mut(..length).zip(present.get(..length)) {
            place.copy_from_slice(packet);
        }
    }

    // ---- reports -----------------------------------------------------------------------------

    /// Sends a stream's report where one is due, and says how it is heard; at its end in any case.
    pub fn report(&mut self, slot: usize, now: u64, ends: bool) -> Option<Quality> {
        let stream = at_mut(&mut self.streams, slot)?;
        let far = stream.far.as_ref()?;
        let quiet = stream.received == 0 && stream.says.packets == 0;
        if quiet || (!ends && stream.report_at.is_some_and(|at| now < at)) {
            return None;
        }
        let first = stream.report_at.is_none();
        stream.report_at = Some(now + if first { FIRST_REPORT } else { next_report() });
        if first && !ends {
            return None;
        }
        let codec = far.aim.codec;
        let sends = (stream.says.packets != stream.said).then(|| {
            let stands = stream.out.timestamp_at(now, codec.clock());
            (rtcp::ntp(self.wall + now), stands, stream.says)
        });
        stream.said = stream.says.packets;
        let (ssrc, name) = (stream.out.ssrc(), stream.id.cname());
        let report = Report { ssrc, name: &name, others: &[], sends, bye: ends };
        let to = far.rtcp.far_end().filter(|_| ends || far.aim.send || far.aim.receive);
        if let (Some(packet), Some(to)) = (report.write(&mut stream.reception, now), to) {
            send_rtcp(stream, &packet, to, &mut self.tally);
        }
        Some(stream.reception.quality(codec))
    }

    /// Looks whether a peer that talks is heard at all: what is to be told, if anything.
    pub fn watch(&mut self, slot: usize, now: u64) -> Option<MediaReport> {
        let stream = at_mut(&mut self.streams, slot)?;
        let talks = stream.play == Play::Hear && !stream.hears.is_empty();
        let may = stream.far.as_ref().is_some_and(|far| far.aim.receive);
        if !(talks && may) {
            stream.talks_since = None;
            stream.ear.iter_mut().for_each(|ear| ear.pauses());
            return None;
        }
        if let Some(sound) = stream.ear.as_mut().and_then(|ear| ear.watch(now)) {
            self.sounds.push((stream.id, sound));
        }
        let since = *stream.talks_since.get_or_insert(now);
        let last = stream.came_at.filter(|at| *at >= since);
        let patience = if last.is_some() { STALLED } else { NEVER_CAME };
        let silent = now.saturating_sub(last.unwrap_or(since)) >= patience;
        let id = stream.id;
        if silent == std::mem::replace(&mut stream.stalled, silent) {
            return None;
        }
        let reports = stream.reported_at.is_some_and(|at| now.saturating_sub(at) < 2 * REPORTS);
        Some(if silent {
            MediaReport::Stalled { stream: id, reports }
        } else {
            MediaReport::Flowing { stream: id }
        })
    }

    // ---- passed on ---------------------------------------------------------------------------

    /// Passes a packet on as it is, but for what the listener's peer calls it and counts it as.
    fn pass(
        &mut self,
        from: usize,
        to: usize,
        length: usize,
        rtp: &Rtp,
        (kind, codec): (Kind, Codec),
        now: u64,
    ) {
        let Some(listener) = at_mut(&mut self.streams, to) else { return };
        if from != to && listener.play != Play::Hear {
            return;
        }
        let Some(far) = listener.far.as_ref() else { return };
        let Some(payload_type) = stream::rename(kind, rtp.payload_type, &far.aim) else { return };
        let Some(address) = far.audio_to() else {
            self.tally.dropped += 1;
            return;
        };
        let theirs = far.aim.codec;
        let laws = Law::of(codec).zip(Law::of(theirs)).filter(|(a, b)| a != b);
        let packet = match laws.filter(|_| kind == Kind::Audio) {
            None => self.buffer.get_mut(..length).unwrap_or_default(),
            Some((ours, theirs)) => {
                let packet = self.buffer.get(..length).unwrap_or_default();
                let copy = self.copy.get_mut(..length).unwrap_or_default();
                copy.copy_from_slice(packet);
                let audio = copy.get_mut(rtp.payload.clone()).unwrap_or_default();
                stream::transcode(audio, ours, theirs);
                copy
            }
        };
        let step = match kind {
            Kind::Audio if theirs == Codec::Opus => theirs.clock() / 50,
            Kind::Audio => u32::try_from(rtp.payload.len()).unwrap_or(0),
            Kind::Events | Kind::Other => 0,
        };
        listener.out.pass(rtp, payload_type, (step, theirs.clock()), now, packet);
        send_rtp(listener, packet, address, &mut self.tally);
    }

    /// Passes a key on to who hears a mix, as a packet of ours.
    fn pass_event(&mut self, to: usize, length: usize, rtp: &Rtp, codec: Codec, now: u64) {
        let Some(listener) = at_mut(&mut self.streams, to) else { return };
        let Some(far) = listener.far.as_ref() else { return };
        let (Some(payload_type), Some(address)) = (far.aim.events, far.audio_to()) else { return };
        let clock = far.aim.codec.clock();
        let mut packet = [0; HEADER_BYTES + 4];
        let whole = self.buffer.get(..length).unwrap_or_default();
        let event = whole.get(rtp.payload.clone()).and_then(|payload| payload.first_chunk::<4>());
        let (Some(&[key, end, high, low]), Some(payload)) = (event, packet.last_chunk_mut::<4>())
        else {
            return;
        };
        // The duration counts by the clock of the codec (RFC 4733 §2.3.5).
        let ticks = u32::from(u16::from_be_bytes([high, low])) * (clock / 8_000);
        let ticks = ticks / (codec.clock() / 8_000).max(1);
        let [high, low] = u16::try_from(ticks).unwrap_or(u16::MAX).to_be_bytes();
        *payload = [key, end, high, low];
        listener.out.event(rtp, payload_type, clock, now, &mut packet);
        send_rtp(listener, &packet, address, &mut self.tally);
    }

    // ---- the beat ----------------------------------------------------------------------------

    /// Whether a stream sends something at each beat.
    pub fn beats(&self, slot: usize) -> bool {
        at(&self.streams, slot).is_some_and(|stream| match stream.play {
            Play::Own => true,
            Play::Hear => is_mixed(stream, &self.streams),
            Play::Idle | Play::Loop => false,
        })
    }

    /// Goes on by 20 ms with what the stream in `slot` plays or mixes; false when it has nothing more
    /// to say of its own.
    pub fn beat(&mut self, slot: usize, beat: u64, now: u64) -> bool {
        #[cfg(test)]
        if let Some(stream) = at_mut(&mut self.streams, slot) {
            stream.fail();
        }
        let Some(stream) = at(&self.streams, slot) else { return false };
        match stream.play {
            Play::Own => self.play_on(slot, now),
            Play::Hear if is_mixed(stream, &self.streams) => {
                self.mix(slot, beat, now);
                true
            }
            _ => false,
        }
    }

    fn play_on(&mut self, slot: usize, now: u64) -> bool {
        let Some(stream) = at_mut(&mut self.streams, slot) else { return false };
        let Some(player) = &mut stream.player else { return false };
        let Some(far) = &stream.far else { return true };
        let law = Law::of(far.aim.codec);
        let (mut payload, mut played) = ([0; FRAME], false);
        let step = player.step(&self.tone, law.unwrap_or(Law::A), &mut payload, &mut played);
        if played {
            self.played.push(stream.id);
        }
        match (step, far.audio_to()) {
            (Step::End, _) => {
                stream.out.pause();
                return false;
            }
            (Step::Pause, _) | (Step::Sound, None) => stream.out.pause(),
            (Step::Sound, Some(address)) => {
                let samples = payload.map(|code| decoded(law.unwrap_or(Law::A), code));
                if let Some(ear) = &mut stream.ear {
                    ear.plays(samples.iter().copied());
                }
                let mut packet = [0; OWN_BYTES];
                let length = match law {
                    Some(_) => {
                        let end = HEADER_BYTES + FRAME;
                        if let Some(place) = packet.get_mut(HEADER_BYTES..end) {
                            place.copy_from_slice(&payload);
                        }
                        end
                    }
                    None => encode(stream, &samples, &mut packet),
                };
                say(stream, packet.get_mut(..length), address, now, &mut self.tally);
            }
        }
        true
    }

    /// Mixes what a stream hears, and says it. Silence is said too: carriers and phones take a line on
    /// which nothing comes for dead.
    fn mix(&mut self, slot: usize, beat: u64, now: u64) {
        let mut mix = Mix::new();
        let mut n = 0;
        while let Some(&voice) = at(&self.streams, slot).and_then(|stream| stream.hears.get(n)) {
            let speaker = at_mut(&mut self.streams, voice.slot).filter(|it| it.id == voice.id);
            let decoded = speaker.and_then(|speaker| {
                let receives = speaker.far.as_ref().is_some_and(|far| far.aim.receive);
                speaker.decoded.as_mut().filter(|_| receives)
            });
            if let Some(frame) = decoded.and_then(|decoded| decoded.frame(beat)) {
                mix.add(frame, voice.level, voice.wanted);
            }
            let stream = at_mut(&mut self.streams, slot);
            if let Some(voice) = stream.and_then(|stream| stream.hears.get_mut(n)) {
                voice.level = voice.wanted;
            }
            n += 1;
        }
        let Some(stream) = at_mut(&mut self.streams, slot) else { return };
        // Who has faded out is gone.
        stream.hears.retain(|voice| voice.wanted > 0);
        stream.mixed_at = Some(now);
        let Some(address) = stream.far.as_ref().and_then(|far| far.audio_to()) else { return };
        let mut packet = [0; OWN_BYTES];
        let length = encode(stream, &mix.frame(), &mut packet);
        say(stream, packet.get_mut(..length), address, now, &mut self.tally);
    }
}

/// Whether a stream's peer hears a mix: several voices, none, or one that it could not be passed.
fn is_mixed(listener: &Stream, streams: &[Option<Stream>]) -> bool {
    if listener.play != Play::Hear {
        return false;
    }
    let [voice] = &listener.hears[..] else { return true };
    if voice.wanted < FULL {
        return true;
    }
    let speaker = at(streams, voice.slot).filter(|speaker| speaker.id == voice.id);
    match (speaker.and_then(Stream::codec), listener.codec()) {
        (Some(from), Some(to)) => !stream::passes(from, to),
        _ => false,
    }
}

/// Encodes a frame for a stream's peer into the packet behind its header; how long the packet is.
fn encode(stream: &mut Stream, frame: &[i16; FRAME], packet: &mut [u8; OWN_BYTES]) -> usize {
    let Some(codec) = stream.codec() else { return 0 };
    let encoder = match &mut stream.encoder {
        Some((made_for, encoder)) if *made_for == codec => encoder,
        other => &mut other.insert((codec, Box::new(Encoder::new(codec)))).1,
    };
    let Some(payload) = packet.last_chunk_mut::<PAYLOAD>() else { return 0 };
    HEADER_BYTES + encoder.encode(frame, payload)
}

/// Sends 20 ms of our own.
fn say(
    stream: &mut Stream,
    packet: Option<&mut [u8]>,
    address: SocketAddr,
    now: u64,
    tally: &mut Tally,
) {
    let (Some(packet), Some(far)) = (packet, &stream.far) else { return };
    if packet.len() <= HEADER_BYTES {
        return;
    }
    let clock = far.aim.codec.clock();
    stream.out.own(far.aim.audio, (clock / 50, clock), now, packet);
    send_rtp(stream, packet, address, tally);
}

/// Lets the ear at a stream hear a packet.
fn overhear(
    stream: &mut Stream,
    kind: Kind,
    rtp: &Rtp,
    payload: &[u8],
    mut found: impl FnMut(Sound),
) {
    let (Some(ear), Some(far)) = (&mut stream.ear, &stream.far) else { return };
    let Aim { codec, events, .. } = far.aim;
    match (kind, Law::of(codec)) {
        (Kind::Audio, Some(law)) => {
            let samples = payload.iter().map(|&code| decoded(law, code));
            ear.hear(samples, events.is_none(), found);
        }
        (Kind::Audio, None) => {
            let decoder = stream.ear_decoder.get_or_insert_with(|| Box::new(Decoder::new(codec)));
            let mut out = [0; LONGEST];
            let count = decoder.decode(payload, &mut out);
            ear.hear(out.iter().copied().take(count), events.is_none(), found);
        }
        (Kind::Events, _) => {
            if let Some(key) = ear.event(rtp.ssrc, rtp.timestamp, payload) {
                found(key);
            }
        }
        (Kind::Other, _) => {}
    }
}

/// The one way out for RTP.
fn send_rtp(stream: &mut Stream, packet: &[u8], to: SocketAddr, tally: &mut Tally) {
    let socket = stream.way.rtp();
    let sent = match stream.shield.gate() {
        Gate::Open => send(socket, packet, to, tally),
        Gate::Shut => false,
        Gate::Keys(srtp) => {
            srtp.protect_rtp(packet).is_some_and(|packet| send(socket, &packet, to, tally))
        }
    };
    if sent {
        stream.says.add(packet.len().saturating_sub(HEADER_BYTES));
        stream.sent += 1;
        tally.sent += 1;
    }
}

/// The one way out for RTCP.
fn send_rtcp(stream: &mut Stream, packet: &[u8], to: SocketAddr, tally: &mut Tally) {
    let socket = match &stream.far {
        Some(far) if far.aim.mux => stream.way.rtp(),
        // Keys that were agreed on the port of RTP are for that port alone (RFC 5764 §4).
        _ if matches!(stream.shield, Shield::Dtls(_)) => return,
        _ => stream.way.rtcp(),
    };
    match stream.shield.gate() {
        Gate::Open => send(socket, packet, to, tally),
        Gate::Shut => false,
        Gate::Keys(srtp) => {
            srtp.protect_rtcp(packet).is_some_and(|packet| send(socket, &packet, to, tally))
        }
    };
}

/// Microseconds to the next report: half to one and a half of the usual (RFC 3550 §6.3.5).
pub(super) fn next_report() -> u64 {
    REPORTS / 2 + rand::random::<u64>() % REPORTS
}

pub(super) fn at(streams: &[Option<Stream>], slot: usize) -> Option<&Stream> {
    streams.get(slot)?.as_ref()
}

pub(super) fn at_mut(streams: &mut [Option<Stream>], slot: usize) -> Option<&mut Stream> {
    streams.get_mut(slot)?.as_mut()
}

pub(super) fn send(socket: &UdpSocket, packet: &[u8], to: SocketAddr, tally: &mut Tally) -> bool {
    let sent = socket.send_to(packet, to).is_ok();
    tally.faults += u64::from(!sent);
    sent
}
