//! CPU per relayed RTP packet: the media plane beside a bare relay, in one run.
//!
//! `cargo bench --bench relay -- [calls] [seconds]` (default 100 and 5). Both relays carry the same
//! two-way calls, 172-byte packets, 50 a second and direction, made by a child process. Only the
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
use siaga112::call::orders::{Aim, Channel, Guard, MediaOrder, MediaReport, Programme, Role, Then};
use siaga112::media::prompts::Prompts;
use siaga112::media::settings::MediaSettings;
use siaga112::media::{Media, MediaHandle};
use siaga112::recording::{Recorder, RecordingSettings};
use siaga112::vocabulary::{CallId, Codec, Moment, Now, PromptId, StreamId, Uid, WallTime};

#[path = "load/phones.rs"]
mod phones;

use phones::{Cost, Generator, INTERVAL, PACKET_BYTES, generate, packet, row, socket, thread_cpu};

/// Callers who wait and hear music.
const WAITING: usize = 1_000;

fn main() {
    // Cargo adds `--bench`.
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if args.first().is_some_and(|arg| arg == "generate") {
        return generate(args[1].parse().unwrap(), args[2].parse().unwrap());
    }
    let calls: usize = args.first().map_or(100, |arg| arg.parse().unwrap());
    let seconds: u64 = args.get(1).map_or(5, |arg| arg.parse().unwrap());
    println!("{calls} two-way calls, {seconds} s, {PACKET_BYTES}-byte packets, 50 a second");
    println!("{:<42}{:>10}{:>8}{:>14}{:>8}", "", "relayed", "lost", "us CPU/packet", "ratio");
    let bare = bare(calls, seconds);
    row("bare relay", bare, bare);
    for (name, law, record) in [
        ("media plane", Codec::Pcma, false),
        ("media plane, A to mu", Codec::Pcmu, false),
        ("media plane, recording", Codec::Pcma, true),
        ("media plane, G.722 made of A-law and back", Codec::G722, false),
    ] {
        let (relayed, recorder) = plane(calls, seconds, law, record);
        row(name, relayed, bare);
        if record {
            row("  and its recorder", Cost { cpu: recorder, ..relayed }, bare);
        }
    }
    let bare = bare_sending(seconds);
    row("bare sending to 1,000", bare, bare);
    row("prompt to 1,000 waiting", waiting(seconds), bare);
}

/// One thread, one socket a phone, one peer a socket, nothing looked at.
fn bare(calls: usize, seconds: u64) -> Cost {
    let generator = Generator::start(calls, seconds);
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
fn plane(calls: usize, seconds: u64, seat_codec: Codec, record: bool) -> (Cost, Duration) {
    let generator = Generator::start(calls, seconds);
    let folder = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let clock =
        move || Now { moment: Moment(start.elapsed().as_micros() as u64), wall: WallTime(0) };
    let (recorder, handle) =
        Recorder::start(RecordingSettings::plain(folder.path().to_owned()), clock, |_| ()).unwrap();
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
    let gateways = set_up(&media, &reports, &generator.phones, seat_codec, record);
    let before = (thread_cpu("media"), thread_cpu("recorder"));
    let (sent, _) = generator.run(&gateways);
    let after = (thread_cpu("media"), thread_cpu("recorder"));
    let relayed = media.counters().rtp_sent.load(Ordering::Relaxed);
    let dropped = media.counters().tap_dropped.load(Ordering::Relaxed);
    assert_eq!(dropped, 0, "the recorder keeps up");
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
    set_up(&media, &reports, &phones, Codec::Pcma, false);
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
    seat_codec: Codec,
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
            codec: if seat { seat_codec } else { Codec::Pcma },
            audio: if seat { 97 } else { 8 },
            events: Some(101),
            send: true,
            receive: true,
            mux: false,
            guard: Guard::Plain,
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
