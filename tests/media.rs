//! The media plane and the recorder, started for real, between fake phones on loopback sockets.
//!
//! Every wait is for a packet or a report, with a limit that fails the test.

#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop at any fault"
)]

mod support;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use siaga112::call::orders::{
    Aim, Channel, Ears, Guard, Law, MediaOrder, MediaReport, Programme, RecorderReport, Role,
    Sound, StreamCount, Then,
};
use siaga112::media::prompts::Prompts;
use siaga112::media::settings::MediaSettings;
use siaga112::media::{Media, MediaError, MediaHandle};
use siaga112::recording::{Recorder, RecordingSettings};
use siaga112::vocabulary::{CallId, Codec, Now, PromptId, StreamId, Uid, WallTime};
use support::tone::share;

const LIMIT: Duration = Duration::from_secs(20);
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The started rooms, stopped when dropped.
struct Plane {
    media: MediaHandle,
    recorder: Option<Recorder>,
    ports: Vec<u16>,
    reports: Receiver<MediaReport>,
    recorded: Receiver<RecorderReport>,
    folder: tempfile::TempDir,
    streams: u64,
}

fn settings(ports: std::ops::RangeInclusive<u16>) -> MediaSettings {
    let browsers = Vec::new();
    MediaSettings { bind: LOOPBACK, address: LOOPBACK, ports, browsers, record: true }
}

impl Plane {
    fn start() -> Self {
        Self::with(settings(20_000..=29_999), 4).expect("the media plane starts")
    }

    /// With the prompts of a folder.
    fn playing(folder: &Path) -> Self {
        let plane = Self::start();
        plane.media.adopt_prompts(Arc::new(Prompts::load(folder).0));
        plane
    }

    fn with(settings: MediaSettings, stock: usize) -> Result<Self, MediaError> {
        let folder = tempfile::tempdir().expect("a folder");
        let (recorder_reports, recorded) = channel();
        let (recorder, handle) = Recorder::start(
            RecordingSettings::plain(folder.path().join("recordings")),
            Now::default,
            move |report| recorder_reports.send(report).unwrap_or_default(),
        )
        .expect("the recorder starts");
        let (media_reports, reports) = channel();
        let media = Media::start(settings, stock, handle, Arc::default(), move |report| {
            media_reports.send(report).unwrap_or_default();
        })?;
        let recorder = Some(recorder);
        let mut plane =
            Self { media, recorder, ports: Vec::new(), reports, recorded, folder, streams: 0 };
        plane.await_ports();
        Ok(plane)
    }

    fn report(&self) -> MediaReport {
        self.reports.recv_timeout(LIMIT).expect("a report of the media plane")
    }

    /// What is told next of a stream, other than that it is heard.
    fn told(&self, of: StreamId) -> Told {
        loop {
            match self.report() {
                MediaReport::Played { stream } if stream == of => return Told::Played,
                MediaReport::Sound { stream, sound } if stream == of => return Told::Sound(sound),
                _ => {}
            }
        }
    }

    /// Every sound that is told of a stream until the caller presses D.
    fn sounds(&self, of: StreamId) -> Vec<Sound> {
        let sounds = std::iter::repeat_with(|| self.told(of));
        let sounds = sounds.map_while(|told| match told {
            Told::Sound(Sound::Key('D')) => None,
            Told::Sound(sound) => Some(sound),
            Told::Played => panic!("nothing is played"),
        });
        sounds.collect()
    }

    fn recorder_report(&self) -> RecorderReport {
        self.recorded.recv_timeout(LIMIT).expect("a report of the recorder")
    }

    fn await_ports(&mut self) {
        loop {
            if let MediaReport::PortsReady(ports) = self.report() {
                self.ports.extend(ports);
                return;
            }
        }
    }

    fn open(&mut self) -> (StreamId, SocketAddr) {
        self.streams += 1;
        let (stream, port) = (StreamId(self.streams), self.ports.pop().expect("a port"));
        self.media.order(MediaOrder::Open { stream, port });
        self.await_ports();
        (stream, SocketAddr::new(LOOPBACK, port))
    }

    /// Returns when all orders so far are carried out.
    fn settle(&mut self) {
        self.open();
    }

    fn aim(&self, stream: StreamId, aim: Aim) {
        self.media.order(MediaOrder::Aim { stream, aim });
    }

    fn role(&self, stream: StreamId, role: Role) {
        self.media.order(MediaOrder::Role { stream, role });
    }

    /// A phone with its stream.
    fn phone(&mut self, law: Law, audio: u8, events: u8) -> (Phone, StreamId) {
        let (stream, gateway) = self.open();
        let phone = Phone::new(gateway, law, audio, events);
        self.aim(stream, phone.aim());
        (phone, stream)
    }

    /// Caller (A-law 8, events 101) and seat (mu-law 0, events 96), connected.
    fn bridge(&mut self) -> ((Phone, StreamId), (Phone, StreamId)) {
        let (caller, caller_stream) = self.phone(Law::A, 8, 101);
        let (seat, seat_stream) = self.phone(Law::Mu, 0, 96);
        self.role(caller_stream, Role::Hear([seat_stream].into()));
        self.role(seat_stream, Role::Hear([caller_stream].into()));
        self.settle();
        ((caller, caller_stream), (seat, seat_stream))
    }

    fn close(&self, stream: StreamId) -> StreamCount {
        self.media.order(MediaOrder::Close { stream });
        loop {
            if let MediaReport::Closed { stream: closed, count } = self.report()
                && closed == stream
            {
                return count;
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Told {
    Played,
    Sound(Sound),
}

impl Drop for Plane {
    fn drop(&mut self) {
        self.media.stop();
        if let Some(recorder) = self.recorder.take() {
            recorder.stop();
        }
    }
}

/// A phone with an RTP and an RTCP socket.
struct Phone {
    rtp: UdpSocket,
    rtcp: UdpSocket,
    gateway: SocketAddr,
    law: Law,
    audio: u8,
    events: u8,
}

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind((LOOPBACK, 0)).expect("a socket");
    socket.set_read_timeout(Some(LIMIT)).expect("a limit");
    socket
}

fn address(socket: &UdpSocket) -> SocketAddr {
    socket.local_addr().expect("bound")
}

fn packet(payload_type: u8, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x80, payload_type];
    bytes.extend(sequence.to_be_bytes());
    bytes.extend((u32::from(sequence) * 160).to_be_bytes());
    bytes.extend([0xca, 0xfe, 0, 1]);
    bytes.extend(payload);
    bytes
}

/// By how many packets one is ahead of another.
fn ahead(one: &[u8], two: &[u8]) -> u16 {
    let number = |packet: &[u8]| u16::from_be_bytes([packet[2], packet[3]]);
    number(two).wrapping_sub(number(one))
}

fn receive(socket: &UdpSocket) -> Vec<u8> {
    let mut buffer = [0; 2048];
    let length = socket.recv(&mut buffer).expect("a packet in time");
    buffer[..length].to_vec()
}

impl Phone {
    fn new(gateway: SocketAddr, law: Law, audio: u8, events: u8) -> Self {
        Self { rtp: socket(), rtcp: socket(), gateway, law, audio, events }
    }

    fn aim(&self) -> Aim {
        Aim {
            rtp: address(&self.rtp),
            rtcp: address(&self.rtcp),
            codec: codec(self.law),
            audio: self.audio,
            events: Some(self.events),
            send: true,
            receive: true,
            mux: false,
            guard: Guard::Plain,
            ice: None,
            text: None,
        }
    }

    fn say(&self, packet: &[u8]) {
        self.rtp.send_to(packet, self.gateway).expect("sent");
    }

    fn hear(&self) -> Vec<u8> {
        receive(&self.rtp)
    }

    /// Says samples in packets of 20 ms, all at once: who listens counts samples.
    fn speak(&self, samples: &[i16]) {
        let mut packets = samples.chunks(160).zip(1..);
        packets.by_ref().for_each(|(piece, number)| {
            let audio: Vec<u8> =
                piece.iter().map(|&s| audio_codec_algorithms::encode_alaw(s)).collect();
            self.say(&packet(8, number, &audio));
        });
    }

    /// One packet of a key that was pressed at `timestamp`.
    fn press(&self, sequence: u16, timestamp: u32, event: u8, end: bool) {
        let mut bytes = packet(self.events, sequence, &[event, if end { 0x8a } else { 10 }, 1, 64]);
        bytes[4..8].copy_from_slice(&timestamp.to_be_bytes());
        self.say(&bytes);
    }
}

/// 20 ms of `pitch` Hz, coded.
fn codec(law: Law) -> Codec {
    match law {
        Law::A => Codec::Pcma,
        Law::Mu => Codec::Pcmu,
    }
}

fn tone(law: Law, pitch: f64, number: u16) -> Vec<u8> {
    use audio_codec_algorithms::{encode_alaw, encode_ulaw};
    let start = usize::from(number) * 160;
    let samples = (start..start + 160)
        .map(|n| ((n as f64 * pitch / 8_000.0 * std::f64::consts::TAU).sin() * 8_000.0) as i16);
    match law {
        Law::A => samples.map(encode_alaw).collect(),
        Law::Mu => samples.map(encode_ulaw).collect(),
    }
}

/// Amplitude of `pitch` Hz (Goertzel).
fn amplitude(samples: &[i16], pitch: f64) -> f64 {
    let turn = pitch / 8_000.0 * std::f64::consts::TAU;
    let (mut one, mut two) = (0.0, 0.0);
    for &sample in samples {
        (one, two) = (f64::from(sample) + 2.0 * turn.cos() * one - two, one);
    }
    let power: f64 = one * one + two * two - 2.0 * turn.cos() * one * two;
    power.max(0.0).sqrt() * 2.0 / samples.len() as f64
}

#[test]
fn packets_pass_both_ways_with_each_legs_numbers_and_law() {
    let mut plane = Plane::start();
    let ((caller, caller_stream), (seat, seat_stream)) = plane.bridge();
    let mut first: Option<Vec<u8>> = None;
    for sequence in [7, 8, 10] {
        caller.say(&packet(8, sequence, &tone(Law::A, 440.0, sequence)));
        let heard = seat.hear();
        assert_eq!(heard[1] & 0x7f, 0, "PCMU to the seat");
        let first = first.get_or_insert_with(|| heard.clone());
        assert_eq!(ahead(first, &heard), sequence - 7, "what is missing stays missing");
        assert_eq!(heard[8..12], first[8..12], "one source");
        let decoded: Vec<i16> =
            heard[12..].iter().map(|&b| audio_codec_algorithms::decode_ulaw(b)).collect();
        assert!(amplitude(&decoded, 440.0) > 7_000.0);
    }
    seat.say(&packet(0x80, 1, &[0xff; 160]));
    let heard = caller.hear();
    assert_eq!(
        (heard[1], &heard[12..]),
        (0x88, &[0xd5; 160][..]),
        "silence is silence, marker stays"
    );
    caller.say(&packet(101, 11, &[5, 0x8a, 0, 160]));
    let heard = seat.hear();
    assert_eq!((heard[1], &heard[12..]), (96, &[5, 0x8a, 0, 160][..]), "events are renamed");
    seat.say(&packet(13, 2, &[40]));
    let heard = caller.hear();
    assert_eq!((heard[1], &heard[12..]), (13, &[40][..]), "comfort noise as it came");
    assert_eq!(plane.close(caller_stream), StreamCount { received: 4, sent: 2, lost: 1 });
    assert_eq!(plane.close(seat_stream), StreamCount { received: 2, sent: 4, lost: 0 });
    let counters = plane.media.counters();
    assert_eq!(counters.rtp_received.load(Ordering::Relaxed), 6);
    assert_eq!(counters.rtp_lost.load(Ordering::Relaxed), 1);
    assert_eq!(counters.open_streams.load(Ordering::Relaxed), 1, "the one that settled");
}

#[test]
fn rtcp_is_counted_and_goes_no_further() {
    let mut plane = Plane::start();
    let ((caller, _), _) = plane.bridge();
    let report = [0x80, 201, 0, 1, 0xca, 0xfe, 0, 1];
    let beside = SocketAddr::new(LOOPBACK, caller.gateway.port() + 1);
    // The caller's NAT shows another RTCP port than SDP named.
    let natted = socket();
    natted.send_to(&[0xff; 30], beside).expect("sent");
    natted.send_to(&report, beside).expect("sent");
    plane.settle();
    plane.settle();
    let counters = plane.media.counters();
    assert_eq!(counters.rtcp.load(Ordering::Relaxed), 1);
    assert_eq!(counters.dropped.load(Ordering::Relaxed), 1);
}

#[test]
fn the_first_packet_shows_the_far_end_and_a_stranger_cannot_take_it() {
    let mut plane = Plane::start();
    let ((caller, caller_stream), (seat, _)) = plane.bridge();
    let (natted, stranger) = (socket(), socket());
    let say = |socket: &UdpSocket, packet: &[u8]| {
        socket.send_to(packet, caller.gateway).expect("sent");
    };
    // Whoever guesses the port knows no numbers.
    let strange = |kind, sequence, payload: &[u8]| {
        let mut bytes = packet(kind, sequence, payload);
        bytes[8..12].copy_from_slice(&[0xba, 0xad, 0, 1]);
        bytes
    };
    say(&stranger, &[0; 172]);
    say(&stranger, &strange(8, 1, &[0xd5; 4_000]));
    say(&stranger, &[]);
    say(&stranger, b"GET / HTTP/1.0\r\n\r\n");
    say(&stranger, &strange(99, 1, &[0xd5; 160]));
    say(&natted, &packet(8, 2, &[0x55; 160]));
    let first = seat.hear();
    let loud = [audio_codec_algorithms::convert_alaw_to_ulaw(0x55); 160];
    assert_eq!(first[12..], loud, "nothing of the stranger's");
    seat.say(&packet(0, 1, &[0xff; 160]));
    let told = receive(&natted);
    say(&stranger, &strange(8, 3, &[0xd5; 160]));
    say(&natted, &packet(8, 4, &[0x55; 160]));
    let second = seat.hear();
    assert_eq!((ahead(&first, &second), &second[12..]), (2, &loud[..]));
    seat.say(&packet(0, 2, &[0xff; 160]));
    assert_eq!(ahead(&told, &receive(&natted)), 1, "still sent to the far end");
    // The phone moves and signalling says so.
    let moved = Aim { rtp: address(&stranger), ..caller.aim() };
    plane.aim(caller_stream, moved);
    plane.settle();
    seat.say(&packet(0, 3, &[0xff; 160]));
    assert_eq!(ahead(&told, &receive(&stranger)), 2);
}

#[test]
fn hold_blocks_the_direction_that_it_names() {
    let mut plane = Plane::start();
    let ((caller, caller_stream), (seat, seat_stream)) = plane.bridge();
    // The seat's phone neither hears (send) ...
    plane.aim(seat_stream, Aim { send: false, ..seat.aim() });
    plane.settle();
    caller.say(&packet(8, 1, &[0xd5; 160]));
    // ... and this one shows that the one before was treated, and that the other way is open.
    seat.say(&packet(0, 1, &[0xff; 160]));
    let first = caller.hear();
    // ... nor may the caller's speak (receive).
    plane.aim(seat_stream, seat.aim());
    plane.aim(caller_stream, Aim { receive: false, ..caller.aim() });
    plane.settle();
    caller.say(&packet(8, 2, &[0xd5; 160]));
    seat.say(&packet(0, 2, &[0xff; 160]));
    assert_eq!(ahead(&first, &caller.hear()), 1);
    plane.aim(caller_stream, caller.aim());
    plane.settle();
    caller.say(&packet(8, 3, &[0x55; 160]));
    let loud = [audio_codec_algorithms::convert_alaw_to_ulaw(0x55); 160];
    assert_eq!(seat.hear()[12..], loud, "the first that the seat hears");
}

#[test]
fn a_bridge_may_be_ordered_before_the_other_side_is_there() {
    let mut plane = Plane::start();
    let (caller, caller_stream) = plane.phone(Law::A, 8, 101);
    let next = StreamId(plane.streams + 1);
    plane.role(caller_stream, Role::Hear([next].into()));
    let (seat, seat_stream) = plane.phone(Law::A, 8, 101);
    plane.role(seat_stream, Role::Hear([caller_stream].into()));
    plane.settle();
    caller.say(&packet(8, 1, &[0xd5; 160]));
    seat.hear();
    seat.say(&packet(8, 1, &[0xd5; 160]));
    caller.hear();
}

#[test]
fn one_side_alone_makes_no_bridge() {
    let mut plane = Plane::start();
    let ((caller, _), (seat, seat_stream)) = plane.bridge();
    plane.role(seat_stream, Role::Idle);
    plane.settle();
    caller.say(&packet(8, 1, &[0xd5; 160]));
    let (looped, looped_stream) = plane.phone(Law::A, 8, 101);
    plane.role(looped_stream, Role::Loop);
    plane.settle();
    looped.say(&packet(8, 1, &[0xd5; 160]));
    looped.hear();
    let StreamCount { received, sent, .. } = plane.close(seat_stream);
    assert_eq!((received, sent), (0, 0));
    seat.rtp.set_nonblocking(true).expect("set");
    assert!(seat.rtp.recv(&mut [0; 2048]).is_err(), "nothing came");
}

#[test]
fn the_test_call_hears_itself() {
    let mut plane = Plane::start();
    let (phone, stream) = plane.phone(Law::Mu, 0, 101);
    plane.role(stream, Role::Loop);
    plane.settle();
    let said = packet(0, 5, &tone(Law::Mu, 440.0, 0));
    phone.say(&said);
    assert_eq!(phone.hear()[12..], said[12..]);
    assert_eq!(plane.report(), MediaReport::Heard { stream });
}

#[test]
fn the_ring_back_tone_sounds_and_gives_way_to_the_talk() {
    let mut plane = Plane::start();
    let (caller, caller_stream) = plane.phone(Law::Mu, 0, 101);
    plane.role(caller_stream, Role::RingBack);
    let packets: Vec<Vec<u8>> = (0..10).map(|_| caller.hear()).collect();
    assert_eq!(packets[0][..2], [0x80, 0x80], "PCMU, marked as the beginning");
    let word = |bytes: &[u8]| bytes.iter().fold(0u32, |sum, &b| sum << 8 | u32::from(b));
    for pair in packets.windows(2) {
        assert_eq!(pair[1][..2], [0x80, 0]);
        assert_eq!(word(&pair[1][2..4]), (word(&pair[0][2..4]) + 1) & 0xffff);
        assert_eq!(word(&pair[1][4..8]), word(&pair[0][4..8]).wrapping_add(160));
        assert_eq!(pair[1][8..12], pair[0][8..12], "one source");
    }
    let samples: Vec<i16> = packets
        .iter()
        .flat_map(|p| &p[12..])
        .map(|&b| audio_codec_algorithms::decode_ulaw(b))
        .collect();
    assert!(amplitude(&samples, 425.0) > 4_500.0);
    assert!(amplitude(&samples, 400.0) < 500.0 && amplitude(&samples, 450.0) < 500.0);

    let (seat, seat_stream) = plane.phone(Law::A, 8, 101);
    plane.role(caller_stream, Role::Hear([seat_stream].into()));
    plane.role(seat_stream, Role::Hear([caller_stream].into()));
    plane.settle();
    seat.say(&packet(8, 1, &[0xd5; 160]));
    loop {
        let heard = caller.hear();
        assert_eq!(heard[8..12], packets[0][8..12], "still one source");
        if heard[12..] == [0xfe; 160] {
            break;
        }
    }
}

/// A folder of prompts: `a` 0.6 s of 600 Hz, `b` 0.4 s of 900 Hz, `music` 0.5 s of 1200 Hz.
fn tones() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, hertz, samples) in
        [("a", 600.0, 4_800), ("b", 900.0, 3_200), ("music", 1_200.0, 4_000)]
    {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 8_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let path = folder.path().join(name).with_extension("wav");
        let mut file = hound::WavWriter::create(path, spec).expect("created");
        for sample in support::tone::sine(hertz, 0..samples) {
            file.write_sample(sample).expect("written");
        }
        file.finalize().expect("written");
    }
    folder
}

fn programme(say: &[&str], then: Then) -> Role {
    Role::Play(Programme { say: say.iter().map(|&name| PromptId::from(name)).collect(), then })
}

fn music() -> Then {
    Then::Music(PromptId::from("music"))
}

fn word(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0u32, |sum, &b| sum << 8 | u32::from(b))
}

fn decoded(packets: &[Vec<u8>]) -> Vec<i16> {
    let codes = packets.iter().flat_map(|p| &p[12..]);
    codes.map(|&b| audio_codec_algorithms::decode_alaw(b)).collect()
}

/// Asserts that these packets are one source's without a gap.
fn assert_one_source(packets: &[Vec<u8>]) {
    for pair in packets.windows(2) {
        assert_eq!(pair[1][1], 8, "no marker: nothing was silent");
        assert_eq!(word(&pair[1][2..4]), (word(&pair[0][2..4]) + 1) & 0xffff, "sequence");
        assert_eq!(word(&pair[1][4..8]), word(&pair[0][4..8]).wrapping_add(160), "timestamp");
        assert_eq!(pair[1][8..12], pair[0][8..12], "source");
    }
}

#[test]
fn who_waits_hears_ring_back_announcements_and_music_from_one_source() {
    let folder = tones();
    let mut plane = Plane::playing(folder.path());
    let (caller, stream) = plane.phone(Law::A, 8, 101);
    plane.role(stream, Role::RingBack);
    let mut packets: Vec<Vec<u8>> = (0..20).map(|_| caller.hear()).collect();
    plane.role(stream, programme(&["a", "missing", "b"], music()));
    // The tone may go on for a packet or two before the order is carried out.
    packets.extend((0..110).map(|_| caller.hear()));
    assert_eq!(packets[0][1], 0x88, "marked as the beginning");
    assert_one_source(&packets);
    let samples = decoded(&packets);
    let begin = (20..35)
        .find(|&n| share(&samples[n * 160..][..800], 600.0, 8_000) > 0.9)
        .expect("the first announcement");
    for (what, hertz, from, count) in [
        ("the ring-back tone", 425.0, 0, 20),
        ("the first announcement", 600.0, begin, 30),
        ("the second", 900.0, begin + 30, 20),
        ("music, more than once around", 1_200.0, begin + 50, 45),
    ] {
        let part = share(&samples[from * 160..][..count * 160], hertz, 8_000);
        assert!(part > 0.9, "{what}: {part:.3} is {hertz} Hz");
    }
    assert_eq!(plane.told(stream), Told::Played);
    let count = plane.close(stream);
    assert!(count.sent >= 120, "{count:?}");
    assert!(
        plane.reports.try_iter().all(|report| !matches!(report, MediaReport::Played { .. })),
        "told once"
    );
}

#[test]
fn after_a_talk_the_same_source_plays_on_as_if_it_had_paused() {
    let folder = tones();
    let mut plane = Plane::playing(folder.path());
    let (caller, stream) = plane.phone(Law::A, 8, 101);
    plane.role(stream, programme(&["b"], Then::Silence));
    let before: Vec<Vec<u8>> = (0..20).map(|_| caller.hear()).collect();
    assert_one_source(&before);
    assert_eq!(plane.told(stream), Told::Played, "and silence follows");
    let (seat, seat_stream) = plane.phone(Law::A, 8, 101);
    plane.role(stream, Role::Hear([seat_stream].into()));
    plane.role(seat_stream, Role::Hear([stream].into()));
    plane.settle();
    seat.say(&packet(8, 1, &[0xd5; 160]));
    let operator = caller.hear();
    assert_eq!(operator[12..], [0xd5; 160], "the operator and nothing else");
    plane.role(stream, programme(&[], music()));
    let after: Vec<Vec<u8>> = (0..5).map(|_| caller.hear()).collect();
    assert_one_source(&after);
    assert_eq!(ahead(&before[19], &operator), 1);
    let (last, next) = (&operator, &after[0]);
    assert_eq!(next[1], 0x88, "marked as a beginning");
    assert_eq!(next[8..12], last[8..12], "the same source");
    assert_eq!(word(&next[2..4]), (word(&last[2..4]) + 1) & 0xffff, "nothing is missing");
    let passed = word(&next[4..8]).wrapping_sub(word(&last[4..8]));
    assert!((160..1 << 31).contains(&passed), "{passed} samples went by");
}

#[test]
fn new_prompts_leave_alone_what_plays_and_missing_ones_are_over_at_once() {
    let folder = tones();
    let mut plane = Plane::playing(folder.path());
    let (caller, stream) = plane.phone(Law::A, 8, 101);
    plane.role(stream, programme(&["a"], Then::Silence));
    caller.hear();
    plane.media.adopt_prompts(Arc::default());
    plane.settle();
    let rest: Vec<Vec<u8>> = (0..29).map(|_| caller.hear()).collect();
    assert!(share(&decoded(&rest), 600.0, 8_000) > 0.9);
    assert_eq!(plane.told(stream), Told::Played);
    plane.role(stream, programme(&["a"], Then::Silence));
    assert_eq!(plane.told(stream), Told::Played);
    assert_eq!(plane.close(stream).sent, 30, "nothing is left to play");
}

#[test]
fn a_key_is_told_once_whatever_is_lost_or_repeated() {
    let mut plane = Plane::start();
    let (caller, stream) = plane.phone(Law::A, 8, 96);
    plane.media.order(MediaOrder::Listen { stream, ears: Some(Ears::Waiting) });
    plane.settle();
    // Seven packets of each press, its end three times; what is lost differs from press to press.
    let presses: [(u8, &[usize]); 5] =
        [(1, &[]), (1, &[0, 1, 2]), (11, &[1, 2, 3, 4, 5, 6]), (10, &[4, 5, 6]), (5, &[0, 6])];
    let mut sequence = 0;
    for ((event, lost), at) in presses.into_iter().zip((1_000..).step_by(4_000)) {
        for number in 0..7 {
            sequence += 1;
            if !lost.contains(&number) {
                caller.press(sequence, at, event, number > 3);
            }
        }
        // An end of before that comes late.
        caller.press(sequence, 1_000, 1, true);
    }
    caller.press(sequence + 1, 90_000, 15, true);
    assert_eq!(plane.sounds(stream), ['1', '1', '#', '*', '5'].map(Sound::Key));
    plane.media.order(MediaOrder::Listen { stream, ears: None });
    plane.settle();
    caller.press(sequence + 2, 95_000, 3, true);
    plane.close(stream);
    assert!(
        plane.reports.try_iter().all(|report| !matches!(report, MediaReport::Sound { .. })),
        "nobody listens any more"
    );
}

#[test]
fn keys_are_heard_in_the_audio_when_no_events_were_agreed() {
    let mut plane = Plane::start();
    let (caller, stream) = plane.phone(Law::A, 8, 101);
    plane.media.order(MediaOrder::Listen { stream, ears: Some(Ears::Waiting) });
    let key = |low: f64, high: f64| -> Vec<i16> {
        let (low, high) = (support::tone::sine(low, 0..800), support::tone::sine(high, 0..800));
        let pause = std::iter::repeat_n(0, 800);
        low.zip(high).map(|(a, b)| a / 2 + b / 2).chain(pause).collect()
    };
    let (five, star, fence) = (key(770.0, 1_336.0), key(941.0, 1_209.0), key(941.0, 1_633.0));
    plane.settle();
    caller.speak(&five);
    caller.press(900, 1_000, 15, true);
    assert!(!plane.sounds(stream).contains(&Sound::Key('5')), "events were agreed: no tones");
    plane.aim(stream, Aim { events: None, ..caller.aim() });
    plane.settle();
    caller.speak(&[five.clone(), five, star, fence].concat());
    let sounds = plane.sounds(stream);
    let keys: Vec<Sound> =
        sounds.into_iter().filter(|sound| matches!(sound, Sound::Key(_))).collect();
    assert_eq!(keys, ['5', '5', '*'].map(Sound::Key));
}

#[test]
fn a_voice_is_told_once_and_silence_never() {
    let mut plane = Plane::start();
    let (caller, stream) = plane.phone(Law::A, 8, 101);
    let prompts = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/prompts");
    let wav = std::fs::read(prompts.join("id/angka-1.wav")).expect("reads");
    let (word, _) = support::tone::channel(&wav, 0);
    let silence = [0; 8_000];
    let listen = |plane: &mut Plane| {
        plane.media.order(MediaOrder::Listen { stream, ears: Some(Ears::Waiting) });
        plane.settle();
    };
    listen(&mut plane);
    caller.speak(&silence);
    caller.speak(&silence);
    caller.press(900, 1_000, 15, true);
    assert_eq!(plane.sounds(stream), []);
    for _ in 0..2 {
        caller.speak(&silence);
        caller.speak(&word);
    }
    caller.press(901, 5_000, 15, true);
    assert_eq!(plane.sounds(stream), [Sound::Voice], "once");
    listen(&mut plane);
    caller.speak(&silence);
    caller.speak(&word);
    caller.press(902, 9_000, 15, true);
    assert_eq!(plane.sounds(stream), [Sound::Voice], "and once more when it is asked again");
}

#[test]
fn a_call_is_recorded_caller_left_and_seat_right() {
    let mut plane = Plane::start();
    let ((caller, caller_stream), (seat, seat_stream)) = plane.bridge();
    let call = CallId(Uid::new(WallTime(1_789_621_951_204_000), 1));
    plane.media.order(MediaOrder::Record { call, at: WallTime(1_789_621_951_204_000) });
    for (stream, channel) in [(caller_stream, Channel::Caller), (seat_stream, Channel::Seat)] {
        plane.media.order(MediaOrder::Tap { stream, call, channel });
    }
    plane.settle();
    let file = format!("{call}.wav");
    assert_eq!(plane.recorder_report(), RecorderReport::Started { call, file: file.clone() });
    for number in 0..6 {
        caller.say(&packet(8, number, &tone(Law::A, 440.0, number)));
        seat.hear();
        seat.say(&packet(0, number, &tone(Law::Mu, 880.0, number)));
        caller.hear();
    }
    // 60 ms in one packet, as some phones send it.
    let long: Vec<u8> = (6..9).flat_map(|number| tone(Law::A, 440.0, number)).collect();
    caller.say(&packet(8, 6, &long));
    seat.hear();
    caller.say(&packet(101, 9, &[5, 0x8a, 0, 160]));
    seat.hear();
    plane.media.order(MediaOrder::Seal { call });
    let RecorderReport::Sealed { file: sealed, sha256, millis, bytes, .. } =
        plane.recorder_report()
    else {
        panic!("sealed")
    };
    let path = plane.folder.path().join("recordings").join(&file);
    let content = std::fs::read(&path).expect("reads");
    assert_eq!((sealed, bytes), (file, content.len() as u64));
    assert_eq!(sha256, {
        use sha2::Digest;
        sha2::Sha256::digest(&content).iter().map(|b| format!("{b:02x}")).collect::<String>()
    });
    let mut reader = hound::WavReader::open(&path).expect("a WAV file");
    assert_eq!(u64::from(reader.duration()) / 8, millis);
    let samples: Vec<i16> = reader.samples().map(|s| s.expect("reads")).collect();
    for (side, pitch, other, length) in [(0, 440.0, 880.0, 1_440), (1, 880.0, 440.0, 960)] {
        let channel: Vec<i16> = samples.iter().skip(side).step_by(2).copied().collect();
        let start = channel.iter().position(|&s| s != 0).expect("sound");
        let sound = &channel[start..(start + length).min(channel.len())];
        assert!(sound.len() + 10 >= length, "{} samples", sound.len());
        assert!(amplitude(sound, pitch) > 7_000.0 && amplitude(sound, other) < 400.0);
        assert!(channel[start + sound.len()..].iter().all(|&s| s == 0), "events are silent");
    }
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().expect("folder"))), (0o600, 0o700));
}

#[test]
fn a_recording_that_fails_is_told_and_the_talk_goes_on() {
    let mut plane = Plane::start();
    let ((caller, caller_stream), (seat, _)) = plane.bridge();
    let folder = plane.folder.path().join("recordings");
    std::fs::remove_dir(&folder).expect("removed");
    std::fs::write(&folder, "not a folder").expect("written");
    let call = CallId(Uid::new(WallTime(1), 2));
    plane.media.order(MediaOrder::Record { call, at: WallTime(1) });
    let channel = Channel::Caller;
    plane.media.order(MediaOrder::Tap { stream: caller_stream, call, channel });
    let failed = plane.recorder_report();
    assert!(
        matches!(&failed, RecorderReport::Failed { call: of, why, .. }
            if *of == call && why.contains("recordings")),
        "{failed:?}"
    );
    caller.say(&packet(8, 1, &[0xd5; 160]));
    // A-law's silence in µ-law.
    assert_eq!(seat.hear()[12..], [0xfe; 160]);
}

#[test]
fn stopping_seals_what_is_open() {
    let mut plane = Plane::start();
    let call = CallId(Uid::new(WallTime(1), 3));
    plane.media.order(MediaOrder::Record { call, at: WallTime(1) });
    plane.settle();
    plane.media.stop();
    plane.recorder.take().expect("running").stop();
    assert!(matches!(plane.recorder_report(), RecorderReport::Started { .. }));
    assert!(matches!(plane.recorder_report(), RecorderReport::Sealed { .. }));
}

#[test]
fn ports_run_out_and_come_back() {
    // Two pairs that nobody has are found by binding them. Where the search begins differs from
    // process to process, so that two runs of this test do not meet.
    let begin = std::process::id() as u16 % 500;
    let plane = (0..500)
        .map(|step| 30_000 + (begin + step) % 500 * 4)
        .filter_map(|first| Plane::with(settings(first..=first + 3), 256).ok())
        .find(|plane| plane.ports.len() == 2)
        .expect("two free pairs, and no more than the range holds");
    let ports = plane.ports.clone();
    for (stream, &port) in (1..).map(StreamId).zip(&ports) {
        plane.media.order(MediaOrder::Open { stream, port });
    }
    let exhausted = plane.report();
    assert!(
        matches!(&exhausted, MediaReport::PortsExhausted { why } if why.contains("in use")),
        "{exhausted:?}"
    );
    assert_eq!(plane.close(StreamId(1)), StreamCount::default());
    assert_eq!(plane.report(), MediaReport::PortsReady(vec![ports[0]]));
    assert_eq!(plane.close(StreamId(77)), StreamCount::default(), "answered, though unknown");
}

#[test]
fn a_plane_without_a_port_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let start = |bind, ports| {
        let (_, handle) = Recorder::start(
            RecordingSettings::plain(folder.path().to_owned()),
            Now::default,
            |_| (),
        )
        .expect("starts");
        let settings = MediaSettings { bind, record: false, ..settings(ports) };
        Media::start(settings, 4, handle, Arc::default(), |_| ()).expect_err("cannot start")
    };
    // 192.0.2.0/24 is for documentation: no machine has it.
    let error = start(IpAddr::from([192, 0, 2, 1]), 20_000..=20_099);
    assert!(matches!(error, MediaError::NoPort { .. }), "{error:?}");
    for word in ["192.0.2.1", "20000-20099", "check"] {
        assert!(error.to_string().contains(word), "{error}");
    }
    let error = start(LOOPBACK, 20_001..=20_001);
    assert!(error.to_string().contains("widen"), "{error}");
}
