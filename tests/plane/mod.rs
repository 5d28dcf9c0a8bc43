//! The media plane and the recorder, started for real, between fake phones that say tones.

#![allow(clippy::disallowed_methods, reason = "phones keep time")]

pub mod network;
pub mod voice;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use siaga112::call::orders::{Aim, Channel, Guard, MediaOrder, MediaReport, RecorderReport, Role};
use siaga112::media::codec::{Decoder, Encoder, FRAME, LONGEST, PAYLOAD};
use siaga112::media::settings::MediaSettings;
use siaga112::media::{Media, MediaHandle};
use siaga112::recording::{Recorder, RecordingSettings};
use siaga112::vocabulary::{CallId, Codec, Now, StreamId, WallTime};

pub const LIMIT: Duration = Duration::from_secs(20);
pub const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
pub const EVENTS: u8 = 101;
/// A tone for each phone, none a multiple of another.
pub const PITCHES: [f64; 4] = [440.0, 700.0, 1_100.0, 1_510.0];

/// The end of somebody's patience: what comes again and again and never what is awaited ends a test too.
pub struct Patience(Instant);

impl Patience {
    pub fn new() -> Self {
        Self(Instant::now() + LIMIT)
    }

    /// Panics once it is over.
    pub fn has(&self, awaited: &str, so_far: &str) {
        assert!(Instant::now() < self.0, "{awaited} never came, only {so_far:?}");
    }
}

pub struct Plane {
    pub media: MediaHandle,
    pub recorder: Option<Recorder>,
    pub reports: Receiver<MediaReport>,
    pub recorded: Receiver<RecorderReport>,
    pub folder: tempfile::TempDir,
    pub ports: Vec<u16>,
}

impl Plane {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (tell, recorded) = channel();
        let start = Instant::now();
        let clock = move || Now {
            moment: siaga112::vocabulary::Moment(start.elapsed().as_micros() as u64),
            wall: WallTime(0),
        };
        let (recorder, handle) = Recorder::start(
            RecordingSettings::plain(folder.path().to_owned()),
            clock,
            move |report| {
                tell.send(report).unwrap_or_default();
            },
        )
        .expect("the recorder starts");
        let settings = MediaSettings {
            bind: LOOPBACK,
            address: LOOPBACK,
            ports: 20_000..=29_999,
            browsers: Vec::new(),
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

    pub fn phone(&mut self, codec: Codec) -> Phone {
        let n = 8 - self.ports.len();
        let stream = StreamId(n as u64 + 1);
        let port = self.ports.pop().expect("a port");
        let rtp = UdpSocket::bind((LOOPBACK, 0)).expect("a socket");
        let here = rtp.local_addr().expect("bound");
        let aim = aim(here, codec);
        let payload = aim.audio;
        self.media.order(MediaOrder::Open { stream, port });
        self.media.order(MediaOrder::Aim { stream, aim: aim.clone() });
        let gateway = SocketAddr::new(LOOPBACK, port);
        let pitch = PITCHES[n % PITCHES.len()];
        let ssrc = stream.0 as u32;
        Phone {
            stream,
            rtp,
            other: None,
            gateway,
            aim,
            codec,
            payload,
            pitch,
            ssrc,
            said: 0,
            loses: 0,
        }
    }

    pub fn hear(&self, listener: &Phone, whom: &[&Phone]) {
        let whom = whom.iter().map(|phone| phone.stream).collect();
        let stream = listener.stream;
        self.media.order(MediaOrder::Role { stream, role: Role::Hear(whom) });
    }

    /// Waits until everything that was ordered is carried out: orders are carried out in turn.
    pub fn settle(&mut self) {
        let (stream, port) = (StreamId(u64::MAX), self.ports.pop().expect("a port"));
        self.media.order(MediaOrder::Open { stream, port });
        self.media.order(MediaOrder::Close { stream });
        let over = |report| matches!(report, MediaReport::Closed { stream: closed, .. } if closed == stream);
        let patience = Patience::new();
        while !over(self.reports.recv_timeout(LIMIT).expect("a report")) {
            patience.has("the end of a stream", "");
        }
    }

    /// Records what these phones say.
    pub fn record(&self, call: CallId, phones: &[(&Phone, Channel)]) {
        self.media.order(MediaOrder::Record { call, at: WallTime(1) });
        for (phone, channel) in phones {
            let (stream, channel) = (phone.stream, *channel);
            self.media.order(MediaOrder::Tap { stream, call, channel });
        }
    }

    /// Ends a recording; its two channels.
    pub fn recording(&self, call: CallId) -> [Vec<i16>; 2] {
        self.media.order(MediaOrder::Seal { call });
        let file = loop {
            match self.recorded.recv_timeout(LIMIT).expect("a report") {
                RecorderReport::Sealed { file, .. } => break file,
                RecorderReport::Started { .. } => {}
                other => panic!("{other:?}"),
            }
        };
        let mut reader = hound::WavReader::open(self.folder.path().join(file)).expect("a file");
        let samples: Vec<i16> = reader.samples().map(|sample| sample.expect("reads")).collect();
        [0, 1].map(|side| samples.iter().skip(side).step_by(2).copied().collect())
    }

    pub fn all_hear_all(&self, phones: &[&Phone]) {
        for phone in phones {
            let others: Vec<&Phone> =
                phones.iter().copied().filter(|other| other.stream != phone.stream).collect();
            self.hear(phone, &others);
        }
    }
}

/// What a phone there agrees on.
fn aim(here: SocketAddr, codec: Codec) -> Aim {
    let payload = match codec {
        Codec::Pcma => 8,
        Codec::Pcmu => 0,
        Codec::G722 => 9,
        Codec::Opus => 111,
    };
    Aim {
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
        text: None,
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

pub struct Phone {
    pub stream: StreamId,
    pub rtp: UdpSocket,
    /// Another port of it, once it has moved there.
    pub other: Option<UdpSocket>,
    pub gateway: SocketAddr,
    pub aim: Aim,
    pub codec: Codec,
    pub payload: u8,
    pub pitch: f64,
    /// The source that its tones are of.
    pub ssrc: u32,
    /// Packets said so far.
    pub said: u32,
    /// Every so many packets one is not sent; 0: all are.
    pub loses: u32,
}

/// One packet as it came.
pub struct Came {
    pub kind: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    pub payload: Vec<u8>,
    pub whole: Vec<u8>,
}

impl Came {
    /// No key and no report.
    pub fn is_audio(&self) -> bool {
        self.kind != EVENTS && !(72..80).contains(&self.kind)
    }
}

pub fn read(bytes: &[u8]) -> Came {
    let word = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four"));
    Came {
        kind: bytes[1] & 0x7f,
        sequence: u16::from_be_bytes([bytes[2], bytes[3]]),
        timestamp: word(4),
        ssrc: word(8),
        payload: bytes[12..].to_vec(),
        whole: bytes.to_vec(),
    }
}

/// Everything came from one source, in order, and no hole is longer than 40 ms.
pub fn goes_on(came: &[Came], clock: u32) {
    let audio: Vec<&Came> = came.iter().filter(|packet| packet.is_audio()).collect();
    for pair in audio.windows(2) {
        let [one, two] = pair else { continue };
        assert_eq!(one.ssrc, two.ssrc, "one source");
        let ahead = two.sequence.wrapping_sub(one.sequence);
        assert!((1..=3).contains(&ahead), "{ahead} packets on");
        let hole = two.timestamp.wrapping_sub(one.timestamp);
        assert!(hole <= clock / 25, "a hole of {hole}");
    }
}

/// All phones say their tones for so many packets of 20 ms; what each hears meanwhile.
pub fn talk(phones: &mut [&mut Phone], packets: u32) -> Vec<Vec<Came>> {
    std::thread::scope(|scope| {
        let talks: Vec<_> =
            phones.iter_mut().map(|phone| scope.spawn(move || phone.talk(packets))).collect();
        talks.into_iter().map(|talk| talk.join().expect("talks")).collect()
    })
}

impl Phone {
    /// The phone behind a socket, which speaks PCMA with a gateway there.
    pub fn at(rtp: UdpSocket, gateway: SocketAddr) -> Self {
        let here = rtp.local_addr().expect("bound");
        let stream = StreamId(u64::from(here.port()));
        let (codec, aim) = (Codec::Pcma, aim(here, Codec::Pcma));
        let (pitch, payload, ssrc) = (PITCHES[0], aim.audio, 0);
        Self {
            stream,
            rtp,
            other: None,
            gateway,
            aim,
            codec,
            payload,
            pitch,
            ssrc,
            said: 0,
            loses: 0,
        }
    }

    pub fn talk(&mut self, packets: u32) -> Vec<Came> {
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
            let lost = self.loses > 0 && self.said % self.loses == 3;
            if !lost {
                self.send(self.payload, self.said * self.codec.clock() / 50, &payload[..length]);
            }
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

    pub fn send(&self, kind: u8, timestamp: u32, payload: &[u8]) {
        let mut bytes = vec![0x80, kind];
        bytes.extend((self.said as u16).to_be_bytes());
        bytes.extend(timestamp.to_be_bytes());
        bytes.extend(self.ssrc.to_be_bytes());
        bytes.extend(payload);
        self.rtp.send_to(&bytes, self.gateway).expect("sent");
    }

    /// What it plays of what came: each packet where its timestamp says, silence where nothing is.
    pub fn plays(&self, came: &[Came]) -> Vec<i16> {
        let mut audio: Vec<&Came> =
            came.iter().filter(|packet| packet.kind == self.payload).collect();
        let Some(first) = audio.first().map(|packet| packet.timestamp) else {
            return Vec::new();
        };
        let at = |packet: &Came| packet.timestamp.wrapping_sub(first).cast_signed();
        audio.sort_by_key(|packet| at(packet));
        audio.dedup_by_key(|packet| packet.sequence);
        let begin = audio.first().map_or(0, |packet| at(packet));
        let step = (self.codec.clock() / 8_000).cast_signed();
        let mut decoder = Decoder::new(self.codec);
        let (mut out, mut samples) = ([0; LONGEST], Vec::new());
        for packet in audio {
            let place = usize::try_from((at(packet) - begin) / step).expect("in order");
            let count = decoder.decode(&packet.payload, &mut out);
            samples.resize(samples.len().max(place + count), 0i16);
            for (sample, said) in samples[place..].iter_mut().zip(&out[..count]) {
                *sample = sample.saturating_add(*said);
            }
        }
        samples
    }

    /// The samples of what came, as this phone decodes it.
    pub fn samples(&self, came: &[Came]) -> Vec<i16> {
        let mut decoder = Decoder::new(self.codec);
        let (mut out, mut samples) = ([0; LONGEST], Vec::new());
        for packet in came.iter().filter(|packet| packet.kind == self.payload) {
            let count = decoder.decode(&packet.payload, &mut out);
            samples.extend_from_slice(&out[..count]);
        }
        samples
    }

    /// Which of the tones it heard in the second half of what came.
    pub fn heard(&self, came: &[Came]) -> Vec<f64> {
        let samples = self.samples(came);
        let late = &samples[samples.len() / 2..];
        // Piece by piece: where a playout buffer has moved, the whole is out of step with itself.
        let pieces: Vec<&[i16]> = late.chunks_exact(2 * FRAME).collect();
        let level = |pitch| pieces.iter().map(|piece| amplitude(piece, pitch)).sum::<f64>();
        let least = 2_500.0 * pieces.len() as f64;
        PITCHES.into_iter().filter(|pitch| !pieces.is_empty() && level(*pitch) > least).collect()
    }
}

/// Amplitude of `pitch` Hz.
pub fn amplitude(samples: &[i16], pitch: f64) -> f64 {
    let turn = pitch / 8_000.0 * std::f64::consts::TAU;
    let (mut re, mut im) = (0.0, 0.0);
    for (n, &sample) in samples.iter().enumerate() {
        re += f64::from(sample) * (turn * n as f64).cos();
        im += f64::from(sample) * (turn * n as f64).sin();
    }
    (re * re + im * im).sqrt() * 2.0 / samples.len().max(1) as f64
}
