//! CPU per relayed RTP packet: the media plane beside a bare relay, in one run.
//!
//! `cargo bench --bench relay -- [calls] [seconds] [rounds]` (default 100, 5 and 2). Both relays carry the same
//! two-way calls, 20 ms a packet, made by a child process: plain and encrypted ones (SDES), recorded ones, and
//! ones whose codecs differ. The media plane is one thread, so calls a core are its calls. Only the
//! relay's own thread is counted, as the kernel counts it (`schedstat`): receiving, deciding,
//! sending, delivery on loopback included. The bare relay knows one peer per socket and looks at
//! nothing; it is the floor for any relay with one `recv` and one `send` a packet.
//!
//! The last rows send music to 1,000 waiting callers (an announcement first), beside a loop that
//! does nothing but send the same number of packets: a packet of music should cost little more.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    reason = "a benchmark keeps time and may stop at any fault"
)]

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};
use siaga112::call::orders::{Aim, Channel, MediaOrder, MediaReport, Programme, Role, Then};
use siaga112::media::prompts::Prompts;
use siaga112::media::settings::MediaSettings;
use siaga112::media::{Media, MediaHandle};
use siaga112::recording::{Format, Recorder, RecordingSettings};
use siaga112::vocabulary::{CallId, Codec, Moment, Now, PromptId, StreamId, Suite, Uid, WallTime};

#[path = "load/phones.rs"]
mod phones;
#[path = "load/speech.rs"]
mod speech;

use phones::{Cost, Generator, INTERVAL, generate, packet, row, socket, thread_cpu};
use speech::Legs;

/// Callers who wait and hear music.
const WAITING: usize = 1_000;

fn main() {
    // Cargo adds `--bench`.
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if args.first().is_some_and(|arg| arg == "generate") {
        let speak = Legs::read(&args[3..]).speak();
        return generate(args[1].parse().unwrap(), args[2].parse().unwrap(), speak);
    }
    let calls: usize = args.first().map_or(100, |arg| arg.parse().unwrap());
    let seconds: u64 = args.get(1).map_or(5, |arg| arg.parse().unwrap());
    let rounds: usize = args.get(2).map_or(2, |arg| arg.parse().unwrap());
    println!("{calls} two-way calls, {seconds} s, 20 ms a packet, the best of {rounds} rounds");
    println!(
        "{:<42}{:>10}{:>8}{:>14}{:>8}{:>12}",
        "", "relayed", "lost", "us CPU/packet", "ratio", "calls/core"
    );
    let kinds = kinds();
    let mut best: Vec<Option<Cost>> = vec![None; kinds.len() + 3];
    let mut recorders: Vec<Option<Cost>> = vec![None; kinds.len()];
    // Round and round, so that what else the machine does hits all alike.
    for _ in 0..rounds {
        keep(&mut best[0], bare(calls, seconds));
        for (n, &(_, legs, recording)) in kinds.iter().enumerate() {
            let (relayed, recorder) = plane(calls, seconds, legs, recording);
            keep(&mut best[n + 1], relayed);
            keep(&mut recorders[n], Cost { cpu: recorder, ..relayed });
        }
        keep(&mut best[kinds.len() + 1], bare_sending(seconds));
        keep(&mut best[kinds.len() + 2], waiting(seconds));
    }
    let bare = best[0].unwrap();
    tell("bare relay", bare, bare);
    for (n, (name, _, recording)) in kinds.iter().enumerate() {
        tell(name, best[n + 1].unwrap(), bare);
        if recording.is_some() {
            tell("  and its recorder", recorders[n].unwrap(), bare);
        }
    }
    let bare = best[kinds.len() + 1].unwrap();
    row("bare sending to 1,000", bare, bare);
    row("prompt to 1,000 waiting", best[kinds.len() + 2].unwrap(), bare);
}

/// What is recorded: the format, and whether it is encrypted.
type Recording = Option<(Format, bool)>;

/// The kinds of calls, each with its name.
fn kinds() -> Vec<(String, Legs, Recording)> {
    let plain = Legs { seat: Codec::Pcma, suite: None, both: false };
    let mut kinds = vec![
        ("plain".to_owned(), plain, None),
        ("A-law to mu-law".to_owned(), Legs { seat: Codec::Pcmu, ..plain }, None),
    ];
    for suite in [Suite::AesCm128Sha80, Suite::AeadAes128Gcm] {
        for (both, which) in [(false, "one leg"), (true, "both legs")] {
            let legs = Legs { suite: Some(suite), both, ..plain };
            kinds.push((format!("{suite}, {which}"), legs, None));
        }
    }
    for (format, encrypt, name) in [
        (Format::Wav, false, "recording, WAV"),
        (Format::Wav, true, "recording, WAV encrypted"),
        (Format::Ogg, false, "recording, Ogg Opus"),
        (Format::Ogg, true, "recording, Ogg Opus encrypted"),
    ] {
        kinds.push((name.to_owned(), plain, Some((format, encrypt))));
    }
    for seat in [Codec::G722, Codec::Opus] {
        kinds.push((format!("A-law to {seat} and back"), Legs { seat, ..plain }, None));
    }
    kinds
}

/// Keeps the cheaper one.
fn keep(best: &mut Option<Cost>, cost: Cost) {
    *best = Some(best.filter(|best| best.each() <= cost.each()).unwrap_or(cost));
}

/// A row with the calls that one core can bear: each is 100 packets a second.
fn tell(name: &str, cost: Cost, bare: Cost) {
    let lost = cost.sent - cost.relayed.min(cost.sent);
    let (each, ratio) = (cost.each(), cost.each() / bare.each());
    let calls = 1e6 / each / 100.0;
    println!("{name:<42}{:>10}{lost:>8}{each:>14.2}{ratio:>8.2}{calls:>12.0}", cost.relayed);
}

/// One thread, one socket a phone, one peer a socket, nothing looked at.
fn bare(calls: usize, seconds: u64) -> Cost {
    let legs = Legs { seat: Codec::Pcma, suite: None, both: false };
    let generator = Generator::start(calls, seconds, &legs.words());
    let poll = Poll::new().unwrap();
    let waker = Waker::new(poll.registry(), Token(usize::MAX)).unwrap();
    let mut sockets: Vec<UdpSocket> = generator.phones.iter().map(|_| socket()).collect();
    for (n, socket) in sockets.iter_mut().enumerate() {
        poll.registry().register(socket, Token(n), Interest::READABLE).unwrap();
    }
    let gateways: Vec<u16> = sockets.iter().map(|s| s.local_addr().unwrap().port()).collect();
    let (stop, relayed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let thread = {
        let (stop, relayed, phones) =
            (Arc::clone(&stop), Arc::clone(&relayed), generator.phones.clone());
        let work = move || relay(poll, &sockets, &phones, &stop, &relayed);
        std::thread::Builder::new().name("bare".to_owned()).spawn(work).unwrap()
    };
    let (sent, _) = generator.run(&gateways);
    let cpu = thread_cpu("bare");
    stop.store(true, Ordering::Relaxed);
    waker.wake().unwrap();
    thread.join().unwrap();
    Cost { sent, relayed: relayed.load(Ordering::Relaxed), cpu }
}

fn relay(
    mut poll: Poll,
    sockets: &[UdpSocket],
    phones: &[SocketAddr],
    stop: &AtomicBool,
    relayed: &AtomicU64,
) {
    let mut events = Events::with_capacity(1024);
    let mut buffer = [0; 2048];
    while !stop.load(Ordering::Relaxed) {
        poll.poll(&mut events, None).unwrap();
        let mut count = 0;
        for event in events.iter().filter(|event| event.token().0 < sockets.len()) {
            let (here, there) = (event.token().0, event.token().0 ^ 1);
            loop {
                match sockets[here].recv_from(&mut buffer) {
                    Ok((length, _)) => {
                        sockets[there].send_to(&buffer[..length], phones[there]).unwrap();
                        count += 1;
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => panic!("{error}"),
                }
            }
        }
        relayed.fetch_add(count, Ordering::Relaxed);
    }
}

/// The media plane; returns its cost and the recorder's CPU time.
fn plane(calls: usize, seconds: u64, legs: Legs, recording: Recording) -> (Cost, Duration) {
    let record = recording.is_some();
    let generator = Generator::start(calls, seconds, &legs.words());
    let folder = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let clock =
        move || Now { moment: Moment(start.elapsed().as_micros() as u64), wall: WallTime(0) };
    let (format, encrypt) = recording.unwrap_or((Format::Wav, false));
    let kept = RecordingSettings::plain(folder.path().to_owned());
    let kept = RecordingSettings { format, encrypt, ..kept };
    let (recorder, handle) = Recorder::start(kept, clock, |_| ()).unwrap();
    let (sender, reports) = channel();
    let local = Ipv4Addr::LOCALHOST.into();
    let settings = MediaSettings {
        bind: local,
        address: local,
        ports: 20_000..=29_999,
        browsers: Vec::new(),
        record,
    };
    let report = move |report| sender.send(report).unwrap_or_default();
    let media = Media::start(settings, calls * 2, handle, Arc::default(), report).unwrap();
    let gateways = set_up(&media, &reports, &generator.phones, legs, record);
    let before = (thread_cpu("media"), thread_cpu("recorder"));
    let (sent, _) = generator.run(&gateways);
    let after = (thread_cpu("media"), thread_cpu("recorder"));
    let relayed = media.counters().rtp_sent.load(Ordering::Relaxed);
    let dropped = media.counters().tap_dropped.load(Ordering::Relaxed);
    if dropped > 0 {
        println!("the recorder did not keep up: {dropped} packets are missing");
    }
    media.stop();
    recorder.stop();
    (Cost { sent, relayed, cpu: after.0 - before.0 }, after.1 - before.1)
}

/// One socket for all who hear, and the thread that empties it until nothing comes.
fn ear() -> (SocketAddr, std::thread::JoinHandle<()>) {
    let ear = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = ear.local_addr().unwrap();
    let heard = std::thread::spawn(move || {
        ear.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        let mut buffer = [0; 2048];
        while ear.recv(&mut buffer).is_ok() {}
    });
    (address, heard)
}

/// A thousand sockets and one thread that sends a packet from each every 20 ms.
fn bare_sending(seconds: u64) -> Cost {
    let (address, heard) = ear();
    let sender = std::thread::Builder::new().name("bare-send".to_owned());
    let sender = sender.spawn(move || {
        let sockets: Vec<UdpSocket> = (0..WAITING).map(|_| socket()).collect();
        let (start, before) = (Instant::now(), thread_cpu("bare-send"));
        for beat in 0..seconds * 50 {
            let due = INTERVAL * u32::try_from(beat).unwrap();
            std::thread::sleep(due.saturating_sub(start.elapsed()));
            for socket in &sockets {
                socket.send_to(&packet(0, beat as u32), address).unwrap();
            }
        }
        thread_cpu("bare-send") - before
    });
    let cpu = sender.unwrap().join().unwrap();
    heard.join().unwrap();
    let sent = seconds * 50 * WAITING as u64;
    Cost { sent, relayed: sent, cpu }
}

/// The media plane playing to callers who wait.
fn waiting(seconds: u64) -> Cost {
    let (address, heard) = ear();
    let folder = tempfile::tempdir().unwrap();
    let (recorder, handle) =
        Recorder::start(RecordingSettings::plain(folder.path().to_owned()), Now::default, |_| ())
            .unwrap();
    let (sender, reports) = channel();
    let local = Ipv4Addr::LOCALHOST.into();
    let settings = MediaSettings {
        bind: local,
        address: local,
        ports: 20_000..=29_999,
        browsers: Vec::new(),
        record: false,
    };
    let prompts = concat!(env!("CARGO_MANIFEST_DIR"), "/config/prompts");
    let prompts = Arc::new(Prompts::load(prompts.as_ref()).0);
    let report = move |report| sender.send(report).unwrap_or_default();
    let media = Media::start(settings, WAITING, handle, prompts, report).unwrap();
    let phones = vec![address; WAITING];
    let legs = Legs { seat: Codec::Pcma, suite: None, both: false };
    set_up(&media, &reports, &phones, legs, false);
    let say: Arc<[PromptId]> = [PromptId::from("id/angka-1")].into();
    let then = Then::Music(PromptId::from("musik"));
    let role = Role::Play(Programme { say, then });
    media.orders(
        (0..WAITING as u64).map(|n| MediaOrder::Role { stream: StreamId(n), role: role.clone() }),
    );
    // With the first announcement at its end everything is under way.
    while !matches!(reports.recv(), Ok(MediaReport::Played { .. })) {}
    let counters = media.counters();
    let state = || (counters.rtp_sent.load(Ordering::Relaxed), thread_cpu("media"));
    let before = state();
    std::thread::park_timeout(Duration::from_secs(seconds));
    let after = state();
    media.stop();
    recorder.stop();
    heard.join().unwrap();
    let relayed = after.0 - before.0;
    Cost { sent: relayed, relayed, cpu: after.1 - before.1 }
}

fn set_up(
    media: &MediaHandle,
    reports: &Receiver<MediaReport>,
    phones: &[SocketAddr],
    legs: Legs,
    record: bool,
) -> Vec<u16> {
    let Ok(MediaReport::PortsReady(ports)) = reports.recv() else { panic!("ports") };
    for (n, (&port, &phone)) in ports.iter().zip(phones).enumerate() {
        let stream = StreamId(n as u64);
        let seat = n % 2 == 1;
        let call = CallId(Uid::new(WallTime(1_000_000), n as u32 / 2));
        let aim = Aim {
            rtp: phone,
            rtcp: phone,
            codec: legs.codec(n as u32),
            audio: if seat { 97 } else { 8 },
            events: Some(101),
            send: true,
            receive: true,
            mux: false,
            guard: legs.guard(n as u32),
            ice: None,
            text: None,
        };
        media.order(MediaOrder::Open { stream, port });
        media.order(MediaOrder::Aim { stream, aim });
        media.order(MediaOrder::Role { stream, role: Role::Hear([StreamId(n as u64 ^ 1)].into()) });
        if record {
            let channel = if seat { Channel::Seat } else { Channel::Caller };
            media.order(MediaOrder::Record { call, at: WallTime(1_000_000) });
            media.order(MediaOrder::Tap { stream, call, channel });
        }
    }
    // Each stream opened has a new pair bound for it: with the last of them all is set.
    for _ in 0..phones.len() {
        let Ok(MediaReport::PortsReady(_)) = reports.recv() else { panic!("ports") };
    }
    ports
}
