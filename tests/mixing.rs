//! Who hears whom, and in which codec: the media plane between fake phones on loopback sockets. What
//! each phone hears is judged by the tones of the others.

#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop at any fault"
)]

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use siaga112::call::orders::{Aim, Channel, Guard, MediaOrder, MediaReport, RecorderReport, Role};
use siaga112::media::codec::{Decoder, Encoder, FRAME, LONGEST, PAYLOAD};
use siaga112::media::settings::MediaSettings;
use siaga112::media::{Media, MediaHandle};
use siaga112::recording::Recorder;
use siaga112::vocabulary::{CallId, Codec, Now, StreamId, Uid, WallTime};

const LIMIT: Duration = Duration::from_secs(20);
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const EVENTS: u8 = 101;
/// A tone for each phone, none a multiple of another.
const PITCHES: [f64; 4] = [440.0, 700.0, 1_100.0, 1_510.0];

struct Plane {
    media: MediaHandle,
    recorder: Option<Recorder>,
    reports: Receiver<MediaReport>,
    recorded: Receiver<RecorderReport>,
    folder: tempfile::TempDir,
    ports: Vec<u16>,
}

impl Plane {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (tell, recorded) = channel();
        let start = Instant::now();
        let clock = move || Now {
            moment: siaga112::vocabulary::Moment(start.elapsed().as_micros() as u64),
            wall: WallTime(0),
        };
        let (recorder, handle) = Recorder::start(folder.path().to_owned(), clock, move |report| {
            tell.send(report).unwrap_or_default();
        })
        .expect("the recorder starts");
        let settings = MediaSettings {
            bind: LOOPBACK,
            address: LOOPBACK,
            ports: 20_000..=29_999,
            record: true,
        };
        let (tell, reports) = channel();
        let media = Media::start(settings, 8, handle, Arc::default(), move |report| {
            tell.send(report).unwrap_or_default();
        })
        .expect("the media plane starts");
        let Ok(MediaReport::PortsReady(ports)) = reports.recv_timeout(LIMIT) else {
            panic!("no ports");
        };
        Self { media, recorder: Some(recorder), reports, recorded, folder, ports }
    }

    fn phone(&mut self, codec: Codec) -> Phone {
        let n = 8 - self.ports.len();
        let stream = StreamId(n as u64 + 1);
        let port = self.ports.pop().expect("a port");
        let rtp = UdpSocket::bind((LOOPBACK, 0)).expect("a socket");
        let here = rtp.local_addr().expect("bound");
        let payload = match codec {
            Codec::Pcma => 8,
            Codec::Pcmu => 0,
            Codec::G722 => 9,
            Codec::Opus => 111,
        };
        let aim = Aim {
            rtp: here,
            rtcp: here,
            codec,
            audio: payload,
            events: Some(EVENTS),
            send: true,
            receive: true,
            mux: false,
            guard: Guard::Plain,
            ice: None,
        };
        self.media.order(MediaOrder::Open { stream, port });
        self.media.order(MediaOrder::Aim { stream, aim });
        let gateway = SocketAddr::new(LOOPBACK, port);
        Phone { stream, rtp, gateway, codec, payload, pitch: PITCHES[n % PITCHES.len()], said: 0 }
    }

    fn hear(&self, listener: &Phone, whom: &[&Phone]) {
        let whom = whom.iter().map(|phone| phone.stream).collect();
        let stream = listener.stream;
        self.media.order(MediaOrder::Role { stream, role: Role::Hear(whom) });
    }

    fn all_hear_all(&self, phones: &[&Phone]) {
        for phone in phones {
            let others: Vec<&Phone> =
                phones.iter().copied().filter(|other| other.stream != phone.stream).collect();
            self.hear(phone, &others);
        }
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        self.media.stop();
        if let Some(recorder) = self.recorder.take() {
            recorder.stop();
        }
    }
}

struct Phone {
    stream: StreamId,
    rtp: UdpSocket,
    gateway: SocketAddr,
    codec: Codec,
    payload: u8,
    pitch: f64,
    /// Packets said so far.
    said: u32,
}

/// One packet as it came.
struct Came {
    kind: u8,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
    payload: Vec<u8>,
}

fn read(bytes: &[u8]) -> Came {
    let word = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four"));
    Came {
        kind: bytes[1] & 0x7f,
        sequence: u16::from_be_bytes([bytes[2], bytes[3]]),
        timestamp: word(4),
        ssrc: word(8),
        payload: bytes[12..].to_vec(),
    }
}

/// All phones say their tones for so many packets of 20 ms; what each hears meanwhile.
fn talk(phones: &mut [&mut Phone], packets: u32) -> Vec<Vec<Came>> {
    std::thread::scope(|scope| {
        let talks: Vec<_> =
            phones.iter_mut().map(|phone| scope.spawn(move || phone.talk(packets))).collect();
        talks.into_iter().map(|talk| talk.join().expect("talks")).collect()
    })
}

impl Phone {
    fn talk(&mut self, packets: u32) -> Vec<Came> {
        let mut encoder = Encoder::new(self.codec);
        let start = Instant::now();
        let (mut came, mut buffer) = (Vec::new(), [0; 2048]);
        for n in 0..packets {
            let at = f64::from(self.said) * FRAME as f64;
            let frame: [i16; FRAME] = std::array::from_fn(|i| {
                let turn = (at + i as f64) * self.pitch / 8_000.0 * std::f64::consts::TAU;
                (turn.sin() * 7_000.0) as i16
            });
            let mut payload = [0; PAYLOAD];
            let length = encoder.encode(&frame, &mut payload);
            self.send(self.payload, self.said * self.codec.clock() / 50, &payload[..length]);
            self.said += 1;
            let due = Duration::from_millis(20) * (n + 1);
            while let Some(left) = due.checked_sub(start.elapsed()).filter(|left| !left.is_zero()) {
                self.rtp.set_read_timeout(Some(left)).expect("a limit");
                let Ok(length) = self.rtp.recv(&mut buffer) else { break };
                came.push(read(&buffer[..length]));
            }
        }
        came
    }

    fn send(&self, kind: u8, timestamp: u32, payload: &[u8]) {
        let mut bytes = vec![0x80, kind];
        bytes.extend((self.said as u16).to_be_bytes());
        bytes.extend(timestamp.to_be_bytes());
        bytes.extend((self.stream.0 as u32).to_be_bytes());
        bytes.extend(payload);
        self.rtp.send_to(&bytes, self.gateway).expect("sent");
    }

    /// The samples of what came, as this phone decodes it.
    fn samples(&self, came: &[Came]) -> Vec<i16> {
        let mut decoder = Decoder::new(self.codec);
        let (mut out, mut samples) = ([0; LONGEST], Vec::new());
        for packet in came.iter().filter(|packet| packet.kind == self.payload) {
            let count = decoder.decode(&packet.payload, &mut out);
            samples.extend_from_slice(&out[..count]);
        }
        samples
    }

    /// Which of the tones it heard in the second half of what came.
    fn heard(&self, came: &[Came]) -> Vec<f64> {
        let samples = self.samples(came);
        let late = &samples[samples.len() / 2..];
        PITCHES.into_iter().filter(|pitch| amplitude(late, *pitch) > 2_500.0).collect()
    }
}

/// Amplitude of `pitch` Hz.
fn amplitude(samples: &[i16], pitch: f64) -> f64 {
    let turn = pitch / 8_000.0 * std::f64::consts::TAU;
    let (mut re, mut im) = (0.0, 0.0);
    for (n, &sample) in samples.iter().enumerate() {
        re += f64::from(sample) * (turn * n as f64).cos();
        im += f64::from(sample) * (turn * n as f64).sin();
    }
    (re * re + im * im).sqrt() * 2.0 / samples.len().max(1) as f64
}

/// Everything came from one source, in order, and no hole is longer than 40 ms.
fn goes_on(came: &[Came], clock: u32) {
    let audio: Vec<&Came> = came.iter().filter(|packet| packet.kind != EVENTS).collect();
    for pair in audio.windows(2) {
        let [one, two] = pair else { continue };
        assert_eq!(one.ssrc, two.ssrc, "one source");
        let ahead = two.sequence.wrapping_sub(one.sequence);
        assert!((1..=3).contains(&ahead), "{ahead} packets on");
        let hole = two.timestamp.wrapping_sub(one.timestamp);
        assert!(hole <= clock / 25, "a hole of {hole}");
    }
}

#[test]
fn every_codec_talks_to_every_other() {
    for (n, one) in Codec::ALL.into_iter().enumerate() {
        for two in Codec::ALL.into_iter().skip(n) {
            let mut plane = Plane::start();
            let (mut a, mut b) = (plane.phone(one), plane.phone(two));
            plane.all_hear_all(&[&a, &b]);
            let came = talk(&mut [&mut a, &mut b], 40);
            assert_eq!(a.heard(&came[0]), [b.pitch], "{one} hears {two}");
            assert_eq!(b.heard(&came[1]), [a.pitch], "{two} hears {one}");
            goes_on(&came[0], one.clock());
            goes_on(&came[1], two.clock());
        }
    }
}

#[test]
fn three_hear_each_other_and_nobody_hears_themselves() {
    let mut plane = Plane::start();
    let (mut caller, mut seat) = (plane.phone(Codec::Pcma), plane.phone(Codec::Opus));
    let mut agency = plane.phone(Codec::Pcmu);
    plane.all_hear_all(&[&caller, &seat]);
    let before = talk(&mut [&mut caller, &mut seat], 30);
    plane.all_hear_all(&[&caller, &seat, &agency]);
    let came = talk(&mut [&mut caller, &mut seat, &mut agency], 50);
    assert_eq!(caller.heard(&came[0]), [seat.pitch, agency.pitch]);
    assert_eq!(seat.heard(&came[1]), [caller.pitch, agency.pitch]);
    assert_eq!(agency.heard(&came[2]), [caller.pitch, seat.pitch]);
    // From two to three, and back to two when the agency leaves.
    plane.media.order(MediaOrder::Close { stream: agency.stream });
    plane.all_hear_all(&[&caller, &seat]);
    let after = talk(&mut [&mut caller, &mut seat], 40);
    assert_eq!(caller.heard(&after[0]), [seat.pitch]);
    let whole: Vec<Came> = [before, came, after]
        .into_iter()
        .filter_map(|turn| turn.into_iter().next())
        .flatten()
        .collect();
    goes_on(&whole, 8_000);
}

#[test]
fn who_listens_is_not_heard_and_a_whisper_reaches_one() {
    let mut plane = Plane::start();
    let (mut caller, mut seat) = (plane.phone(Codec::Pcma), plane.phone(Codec::Pcma));
    let mut supervisor = plane.phone(Codec::G722);
    plane.hear(&caller, &[&seat]);
    plane.hear(&seat, &[&caller]);
    plane.hear(&supervisor, &[&caller, &seat]);
    let came = talk(&mut [&mut caller, &mut seat, &mut supervisor], 50);
    assert_eq!(caller.heard(&came[0]), [seat.pitch]);
    assert_eq!(seat.heard(&came[1]), [caller.pitch]);
    assert_eq!(supervisor.heard(&came[2]), [caller.pitch, seat.pitch]);
    // The supervisor whispers to the operator.
    plane.hear(&seat, &[&caller, &supervisor]);
    let came = talk(&mut [&mut caller, &mut seat, &mut supervisor], 50);
    assert_eq!(caller.heard(&came[0]), [seat.pitch]);
    assert_eq!(seat.heard(&came[1]), [caller.pitch, supervisor.pitch]);
}

#[test]
fn who_is_to_hear_nobody_hears_silence_all_the_while() {
    let mut plane = Plane::start();
    let (mut caller, mut seat) = (plane.phone(Codec::Pcma), plane.phone(Codec::Pcma));
    plane.hear(&caller, &[]);
    plane.hear(&seat, &[&caller]);
    let came = talk(&mut [&mut caller, &mut seat], 40);
    let heard = caller.samples(&came[0]);
    assert!(heard.len() > 30 * FRAME, "{} samples", heard.len());
    assert!(heard.iter().all(|sample| sample.abs() < 20));
    assert_eq!(seat.heard(&came[1]), [caller.pitch]);
}

#[test]
fn somebody_may_be_named_before_they_are_there() {
    let mut plane = Plane::start();
    let mut caller = plane.phone(Codec::Pcma);
    let open = StreamId(2);
    plane.media.order(MediaOrder::Role { stream: caller.stream, role: Role::Hear([open].into()) });
    let mut seat = plane.phone(Codec::Pcma);
    assert_eq!(seat.stream, open);
    plane.hear(&seat, &[&caller]);
    let came = talk(&mut [&mut caller, &mut seat], 30);
    assert_eq!(caller.heard(&came[0]), [seat.pitch]);
    assert_eq!(seat.heard(&came[1]), [caller.pitch]);
}

#[test]
fn a_key_reaches_those_who_hear_a_mix_with_one_timestamp() {
    let mut plane = Plane::start();
    let (mut caller, mut seat) = (plane.phone(Codec::Pcma), plane.phone(Codec::Opus));
    plane.all_hear_all(&[&caller, &seat]);
    talk(&mut [&mut caller, &mut seat], 10);
    for (duration, end) in [(160u16, 0x0a), (320, 0x0a), (480, 0x8a), (480, 0x8a)] {
        let [high, low] = duration.to_be_bytes();
        caller.send(EVENTS, 12_345, &[5, end, high, low]);
        caller.said += 1;
    }
    let came = talk(&mut [&mut caller, &mut seat], 10);
    let keys: Vec<&Came> = came[1].iter().filter(|packet| packet.kind == EVENTS).collect();
    assert_eq!(keys.len(), 4);
    assert!(keys.iter().all(|key| key.timestamp == keys[0].timestamp && key.payload[0] == 5));
    // 480 steps of 8 kHz are 2,880 of 48 kHz.
    assert_eq!(keys[3].payload[2..], 2_880u16.to_be_bytes());
}

#[test]
fn all_who_are_no_caller_share_the_right_channel() {
    let mut plane = Plane::start();
    let (mut caller, mut seat) = (plane.phone(Codec::Pcma), plane.phone(Codec::Opus));
    let mut agency = plane.phone(Codec::G722);
    let call = CallId(Uid::new(WallTime(1), 1));
    plane.media.order(MediaOrder::Record { call, at: WallTime(1) });
    for (phone, channel) in
        [(&caller, Channel::Caller), (&seat, Channel::Seat), (&agency, Channel::Seat)]
    {
        plane.media.order(MediaOrder::Tap { stream: phone.stream, call, channel });
    }
    plane.all_hear_all(&[&caller, &seat, &agency]);
    talk(&mut [&mut caller, &mut seat, &mut agency], 50);
    plane.media.order(MediaOrder::Seal { call });
    let file = loop {
        match plane.recorded.recv_timeout(LIMIT).expect("a report") {
            RecorderReport::Sealed { file, .. } => break file,
            RecorderReport::Started { .. } => {}
            RecorderReport::Failed { why, .. } => panic!("{why}"),
        }
    };
    let mut reader = hound::WavReader::open(plane.folder.path().join(file)).expect("a WAV file");
    let samples: Vec<i16> = reader.samples().map(|sample| sample.expect("reads")).collect();
    let side = |n: usize| -> Vec<f64> {
        let side: Vec<i16> = samples.iter().skip(n).step_by(2).copied().collect();
        let late = &side[side.len() / 3..side.len() * 2 / 3];
        PITCHES.into_iter().filter(|pitch| amplitude(late, *pitch) > 2_500.0).collect()
    };
    assert_eq!(side(0), [caller.pitch]);
    assert_eq!(side(1), [seat.pitch, agency.pitch]);
}

#[test]
fn a_stream_that_was_closed_is_silence_and_nothing_is_left() {
    let mut plane = Plane::start();
    let (mut caller, seat) = (plane.phone(Codec::Pcma), plane.phone(Codec::G722));
    plane.all_hear_all(&[&caller, &seat]);
    plane.media.order(MediaOrder::Close { stream: seat.stream });
    let came = talk(&mut [&mut caller], 20);
    assert!(caller.heard(&came[0]).is_empty());
    plane.media.order(MediaOrder::Close { stream: caller.stream });
    let closed = std::iter::repeat_with(|| plane.reports.recv_timeout(LIMIT).expect("a report"))
        .filter(|report| matches!(report, MediaReport::Closed { .. }))
        .take(2);
    assert_eq!(closed.count(), 2);
    let open = &plane.media.counters().open_streams;
    assert_eq!(open.load(std::sync::atomic::Ordering::Relaxed), 0);
}
