//! Faults of ours, made on purpose: what one costs, what is told, and that everything else goes on.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;
use crate::call::orders::{Aim, Channel, Guard, Programme, Then};
use crate::media::settings::MediaSettings;
use crate::media::tap::{TapEnd, tap};
use crate::media::{Media, MediaHandle};
use crate::vocabulary::{CallId, Codec, PromptId, Uid, WallTime};

/// What the announcement holds.
const LOUD: i16 = 8_000;
const LIMIT: Duration = Duration::from_secs(20);
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The plane, stopped when dropped.
struct Rig {
    media: MediaHandle,
    reports: Receiver<MediaReport>,
    ports: Vec<u16>,
    tap: TapEnd,
    phones: u64,
}

struct Phone {
    stream: StreamId,
    socket: UdpSocket,
    gateway: SocketAddr,
    said: u16,
}

impl Rig {
    fn start() -> Self {
        Self::with(|report, tell| tell.send(report).unwrap_or_default())
    }

    /// A plane whose reports are told in this way.
    fn with(how: impl Fn(MediaReport, &Sender<MediaReport>) + Send + 'static) -> Self {
        let settings = MediaSettings {
            bind: LOOPBACK,
            address: LOOPBACK,
            ports: 30_000..=39_999,
            browsers: Vec::new(),
            record: false,
        };
        let (tell, reports) = channel();
        let (recorder, tap) = tap(64);
        let report = move |report| how(report, &tell);
        let media =
            Media::start(settings, 8, recorder, Arc::default(), report).expect("the plane starts");
        let Ok(MediaReport::PortsReady(ports)) = reports.recv_timeout(LIMIT) else {
            panic!("no ports");
        };
        Self { media, reports, ports, tap, phones: 0 }
    }

    fn phone(&mut self, codec: Codec) -> Phone {
        self.phones += 1;
        let stream = StreamId(self.phones);
        let port = self.ports.pop().expect("a port");
        let socket = UdpSocket::bind((LOOPBACK, 0)).expect("a socket");
        socket.set_read_timeout(Some(LIMIT)).expect("a limit");
        let here = socket.local_addr().expect("bound");
        let aim = Aim {
            rtp: here,
            rtcp: here,
            codec,
            audio: 96,
            events: None,
            send: true,
            receive: true,
            mux: true,
            text: None,
            guard: Guard::Plain,
            ice: None,
        };
        self.media.orders([MediaOrder::Open { stream, port }, MediaOrder::Aim { stream, aim }]);
        Phone { stream, socket, gateway: SocketAddr::new(LOOPBACK, port), said: 0 }
    }

    fn talk(&mut self, codecs: [Codec; 2]) -> [Phone; 2] {
        let [a, b] = codecs.map(|codec| self.phone(codec));
        self.role(a.stream, Role::Hear([b.stream].into()));
        self.role(b.stream, Role::Hear([a.stream].into()));
        [a, b]
    }

    fn role(&self, stream: StreamId, role: Role) {
        self.media.order(MediaOrder::Role { stream, role });
    }

    fn fail(&self, phone: &Phone, times: u32) {
        self.media.put([Inbox::Break(phone.stream, times)]);
    }

    /// The next report of this kind.
    fn wait(&self, mut wanted: impl FnMut(&MediaReport) -> bool) -> MediaReport {
        loop {
            let report = self.reports.recv_timeout(LIMIT).expect("a report in time");
            if wanted(&report) {
                return report;
            }
        }
    }

    /// All orders given so far are carried out.
    fn settle(&self) {
        let stream = StreamId(u64::MAX);
        self.media.order(MediaOrder::Close { stream });
        self.wait(|it| matches!(it, MediaReport::Closed { stream: it, .. } if *it == stream));
    }

    fn faults(&self) -> u64 {
        self.media.counters().faults.load(Ordering::Relaxed)
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.media.stop();
    }
}

impl Phone {
    /// Says one packet of 20 ms of G.711.
    fn say(&mut self, text: u8) {
        let mut packet = vec![0x80, 96];
        packet.extend(self.said.to_be_bytes());
        packet.extend((u32::from(self.said) * 160).to_be_bytes());
        packet.extend([0, 0, 0, 1]);
        packet.extend([text; 160]);
        self.said += 1;
        self.socket.send_to(&packet, self.gateway).expect("sent");
    }

    /// The next packet: its number and what is in it.
    fn hear(&self) -> (u16, Vec<u8>) {
        let mut packet = [0; 2048];
        loop {
            let length = self.socket.recv(&mut packet).expect("a packet in time");
            if packet[1] & 0x7f == 96 {
                let number = u16::from_be_bytes([packet[2], packet[3]]);
                return (number, packet[12..length].to_vec());
            }
        }
    }
}

fn is_fault(report: &MediaReport) -> bool {
    matches!(report, MediaReport::Fault { .. })
}

#[test]
fn a_packet_that_fails_costs_itself_and_is_told_once() {
    let mut rig = Rig::start();
    let [mut a, b] = rig.talk([Codec::Pcma; 2]);
    let [mut c, d] = rig.talk([Codec::Pcma; 2]);
    rig.fail(&a, 2);
    rig.settle();
    for text in 0..4 {
        a.say(text);
        c.say(text);
    }
    assert_eq!([b.hear().1[0], b.hear().1[0]], [2, 3], "the first two are gone, the stream is not");
    for text in 0..4 {
        assert_eq!(d.hear().1[0], text, "others lose nothing");
    }
    let stream = Some(a.stream);
    let why = "broken by a test, 1 left".to_owned();
    assert_eq!(rig.wait(is_fault), MediaReport::Fault { stream, why });
    rig.settle();
    assert_eq!(rig.faults(), 2);
    assert!(!rig.reports.try_iter().any(|report| is_fault(&report)), "told once in a while");
}

#[test]
fn a_mix_that_fails_goes_on_with_the_next_beat_and_no_other_loses_one() {
    let mut rig = Rig::start();
    let [_a, b] = rig.talk([Codec::Pcma, Codec::Opus]);
    let [_c, d] = rig.talk([Codec::Pcma, Codec::Opus]);
    let before = (b.hear().0, d.hear().0);
    rig.fail(&b, 3);
    rig.wait(is_fault);
    for n in 1..=10 {
        assert_eq!(d.hear().0, before.1.wrapping_add(n), "others lose nothing");
        assert_eq!(b.hear().0, before.0.wrapping_add(n), "its numbers go on");
    }
    assert_eq!(rig.faults(), 3);
}

#[test]
fn who_waits_is_rung_to_when_what_was_played_fails_and_its_end_is_told() {
    let mut rig = Rig::start();
    let waits = rig.phone(Codec::Pcma);
    let folder = tempfile::tempdir().expect("a folder");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = hound::WavWriter::create(folder.path().join("a.wav"), spec).expect("created");
    (0..80_000).for_each(|_| file.write_sample(LOUD).expect("written"));
    file.finalize().expect("written");
    rig.media.adopt_prompts(Arc::new(Prompts::load(folder.path()).0));
    let programme = Programme { say: [PromptId::from("a")].into(), then: Then::RingBack };
    rig.role(waits.stream, Role::Play(programme));
    let prompt = waits.hear().1;
    assert_eq!(prompt[0], prompt[159], "the announcement sounds");
    rig.fail(&waits, 1);
    let played = |it: &MediaReport| matches!(it, MediaReport::Played { .. });
    let fault = rig.wait(|it| is_fault(it) || played(it));
    assert!(is_fault(&fault), "{fault:?} before its time");
    rig.wait(played);
    let rings = (0..60).map(|_| waits.hear().1).find(|heard| heard != &prompt);
    assert!(rings.is_some(), "the ring-back tone sounds");
}

#[test]
fn a_turn_that_fails_ends_nothing_and_is_told() {
    // The report of the first phone heard fails: that is outside of all streams.
    let mut rig = Rig::with(|report, tell| {
        assert_ne!(report, MediaReport::Heard { stream: StreamId(1) }, "a report failed");
        tell.send(report).unwrap_or_default();
    });
    let [mut a, b] = rig.talk([Codec::Pcma; 2]);
    let [mut c, d] = rig.talk([Codec::Pcma; 2]);
    rig.settle();
    for text in 0..20 {
        a.say(text);
        c.say(text);
    }
    for text in 0..20 {
        assert_eq!((b.hear().1[0], d.hear().1[0]), (text, text), "nothing is lost");
    }
    let fault = rig.wait(is_fault);
    let MediaReport::Fault { stream: None, why } = fault else { panic!("{fault:?}") };
    assert!(why.contains("a report failed"), "{why}");
    let [mut e, f] = rig.talk([Codec::Pcma; 2]);
    rig.settle();
    e.say(7);
    assert_eq!(f.hear().1[0], 7, "new streams open");
}

#[test]
fn an_order_that_fails_costs_no_other() {
    let mut rig = Rig::with(|report, tell| {
        let fails = matches!(report, MediaReport::Closed { stream: StreamId(1), .. });
        assert!(!fails, "a report failed");
        tell.send(report).unwrap_or_default();
    });
    let [a, b] = rig.talk([Codec::Pcma; 2]);
    let call = CallId(Uid::new(WallTime(1), 1));
    let stream = a.stream;
    // All in one go: they are carried out in one turn.
    rig.media.orders([
        MediaOrder::Close { stream },
        MediaOrder::Tap { stream: b.stream, call, channel: Channel::Caller },
        MediaOrder::Record { call, at: WallTime(1) },
        MediaOrder::Close { stream: b.stream },
    ]);
    rig.wait(|it| matches!(it, MediaReport::Closed { stream, .. } if *stream == b.stream));
    let fault = rig.wait(is_fault);
    assert!(matches!(&fault, MediaReport::Fault { stream: None, .. }), "{fault:?}");
    assert!(rig.tap.wait(Some(LIMIT)), "the order to record was carried out");
    assert_eq!(rig.media.counters().open_streams.load(Ordering::Relaxed), 0);
}
