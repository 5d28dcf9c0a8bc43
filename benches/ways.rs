//! CPU per relayed RTP packet, by the way in which packets are taken from the kernel and given back.
//!
//! `cargo bench --bench ways -- [calls] [seconds]` (default 400 and 5). No way looks at a packet: each
//! is the floor for a media plane that would be built on it. Phones are made by a child process, the
//! same for all; the relay's threads are counted as the kernel counts them. With one port for all,
//! who sends tells where it goes, so phones must be known beforehand: callers behind a NAT are not.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    reason = "a benchmark keeps time and may stop at any fault"
)]

use std::collections::HashMap;
use std::io::{ErrorKind, IoSlice, IoSliceMut};
use std::net::{SocketAddr, SocketAddrV4};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, recvmmsg, sendmmsg};

#[path = "load/phones.rs"]
mod phones;

use phones::{Cost, Generator, generate, packet, row, socket, thread_cpu};

/// Packets taken or given in one call, where they are taken together.
const BATCH: usize = 64;
/// How often each way is measured.
const ROUNDS: usize = 4;
/// Between two looks, where the thread is not woken by each packet.
const PACE: Duration = Duration::from_millis(1);

fn main() {
    // Cargo adds `--bench`.
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if args.first().is_some_and(|arg| arg == "generate") {
        return generate(args[1].parse().unwrap(), args[2].parse().unwrap(), packet);
    }
    let calls: usize = args.first().map_or(400, |arg| arg.parse().unwrap());
    let seconds: u64 = args.get(1).map_or(5, |arg| arg.parse().unwrap());
    println!("{calls} two-way calls, {seconds} s, 50 packets a second and direction");
    println!("{:<42}{:>10}{:>8}{:>14}{:>8}", "", "relayed", "lost", "us CPU/packet", "ratio");
    let ways: [(&str, usize, bool, Way); 7] = [
        ("a port each, woken by each packet", 1, false, a_port_each),
        ("a port each, looked at each ms", 1, false, a_port_each_paced),
        ("a port each, connected", 1, true, a_port_each_connected),
        ("a port each, recvmmsg, each ms", 1, false, a_port_each_batched),
        ("a port each, two threads", 2, false, a_port_each),
        ("one port, a packet at a time", 1, false, one_port),
        ("one port, recvmmsg and sendmmsg, each ms", 1, false, one_port_batched),
    ];
    // Round and round, so that what else the machine does hits all alike; the best of each counts.
    let mut best: [Option<Cost>; 7] = [None; 7];
    for _ in 0..ROUNDS {
        for (&(_, threads, connected, way), best) in ways.iter().zip(&mut best) {
            let cost = run(calls, seconds, threads, connected, way);
            *best = Some(best.filter(|best| best.each() <= cost.each()).unwrap_or(cost));
        }
    }
    let bare = best[0].unwrap();
    for ((name, ..), cost) in ways.iter().zip(best) {
        row(name, cost.unwrap(), bare);
    }
}

/// What a relay's thread has.
struct Legs {
    sockets: Vec<UdpSocket>,
    /// The phone of each socket, or all phones where there is one socket.
    phones: Vec<SocketAddr>,
    stop: Arc<AtomicBool>,
    relayed: Arc<AtomicU64>,
}

type Way = fn(&mut Legs);

/// Runs one way in `threads` threads, whole calls each.
fn run(calls: usize, seconds: u64, threads: usize, connected: bool, way: Way) -> Cost {
    let generator = Generator::start(calls, seconds, &[]);
    let shared =
        [one_port as Way, one_port_batched].into_iter().any(|one| std::ptr::fn_addr_eq(one, way));
    let (stop, relayed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let share = generator.phones.len().div_ceil(threads).next_multiple_of(2);
    let (mut gateways, mut running) = (Vec::new(), Vec::new());
    for (n, phones) in generator.phones.chunks(share).enumerate() {
        let sockets: Vec<UdpSocket> =
            if shared { vec![big(socket())] } else { phones.iter().map(|_| socket()).collect() };
        if connected {
            for (socket, phone) in sockets.iter().zip(phones) {
                socket.connect(*phone).unwrap();
            }
        }
        let port = |socket: &UdpSocket| socket.local_addr().unwrap().port();
        gateways.extend(
            phones.iter().enumerate().map(|(n, _)| port(sockets.get(n).unwrap_or(&sockets[0]))),
        );
        let mut legs = Legs {
            sockets,
            phones: phones.to_vec(),
            stop: Arc::clone(&stop),
            relayed: Arc::clone(&relayed),
        };
        let thread = std::thread::Builder::new().name(format!("way-{n}"));
        running.push(thread.spawn(move || way(&mut legs)).unwrap());
    }
    let (sent, _) = generator.run(&gateways);
    let cpu = (0..running.len()).map(|n| thread_cpu(&format!("way-{n}"))).sum();
    stop.store(true, Ordering::Relaxed);
    running.into_iter().for_each(|thread| thread.join().unwrap());
    Cost { sent, relayed: relayed.load(Ordering::Relaxed), cpu }
}

/// A socket that holds what comes for all calls while its thread does something else.
fn big(socket: UdpSocket) -> UdpSocket {
    socket2::SockRef::from(&socket).set_recv_buffer_size(4 << 20).unwrap();
    socket
}

impl Legs {
    fn poll(&mut self) -> Poll {
        let poll = Poll::new().unwrap();
        for (n, socket) in self.sockets.iter_mut().enumerate() {
            poll.registry().register(socket, Token(n), Interest::READABLE).unwrap();
        }
        poll
    }

    /// Calls `each` for every socket that has something, until the end.
    fn events(&mut self, pace: Option<Duration>, mut each: impl FnMut(&Self, usize) -> u64) {
        let mut poll = self.poll();
        let mut events = Events::with_capacity(4096);
        while !self.stop.load(Ordering::Relaxed) {
            pace.into_iter().for_each(std::thread::sleep);
            poll.poll(&mut events, Some(Duration::from_millis(20))).unwrap();
            let count: u64 = events.iter().map(|event| each(self, event.token().0)).sum();
            self.relayed.fetch_add(count, Ordering::Relaxed);
        }
    }
}

/// Whether a packet came; nothing is left when it would block.
fn came<T>(received: std::io::Result<T>) -> Option<T> {
    match received {
        Ok(it) => Some(it),
        Err(error) if error.kind() == ErrorKind::WouldBlock => None,
        Err(error) => panic!("{error}"),
    }
}

fn pass_each(legs: &Legs, here: usize) -> u64 {
    let (mut buffer, mut count) = ([0; 2048], 0);
    while let Some((length, _)) = came(legs.sockets[here].recv_from(&mut buffer)) {
        legs.sockets[here ^ 1].send_to(&buffer[..length], legs.phones[here ^ 1]).unwrap();
        count += 1;
    }
    count
}

fn a_port_each(legs: &mut Legs) {
    legs.events(None, pass_each);
}

fn a_port_each_paced(legs: &mut Legs) {
    legs.events(Some(PACE), pass_each);
}

fn a_port_each_connected(legs: &mut Legs) {
    legs.events(None, |legs, here| {
        let (mut buffer, mut count) = ([0; 2048], 0);
        while let Some(length) = came(legs.sockets[here].recv(&mut buffer)) {
            legs.sockets[here ^ 1].send(&buffer[..length]).unwrap();
            count += 1;
        }
        count
    });
}

/// Room for the packets of one call to the kernel.
struct Batch {
    buffers: Vec<[u8; 2048]>,
    heads: MultiHeaders<SockaddrIn>,
}

impl Batch {
    fn new() -> Self {
        Self { buffers: vec![[0; 2048]; BATCH], heads: MultiHeaders::preallocate(BATCH, None) }
    }

    /// Takes what is there; gives each packet's length and sender to `each`.
    fn take(&mut self, socket: &UdpSocket) -> Vec<(usize, Option<SockaddrIn>)> {
        let mut slices: Vec<[IoSliceMut<'_>; 1]> =
            self.buffers.iter_mut().map(|buffer| [IoSliceMut::new(buffer)]).collect();
        let flags = MsgFlags::MSG_DONTWAIT;
        match recvmmsg(socket.as_raw_fd(), &mut self.heads, slices.iter_mut(), flags, None) {
            Ok(received) => received.map(|message| (message.bytes, message.address)).collect(),
            Err(nix::errno::Errno::EAGAIN) => Vec::new(),
            Err(error) => panic!("{error}"),
        }
    }
}

fn a_port_each_batched(legs: &mut Legs) {
    let mut batch = Batch::new();
    legs.events(Some(PACE), |legs, here| {
        let mut count = 0;
        loop {
            let taken = batch.take(&legs.sockets[here]);
            for ((length, _), buffer) in taken.iter().zip(&batch.buffers) {
                legs.sockets[here ^ 1].send_to(&buffer[..*length], legs.phones[here ^ 1]).unwrap();
            }
            count += taken.len() as u64;
            if taken.len() < BATCH {
                return count;
            }
        }
    });
}

/// Where what a phone sends goes.
fn others(phones: &[SocketAddr]) -> HashMap<SocketAddr, SocketAddr> {
    (0..phones.len()).map(|n| (phones[n], phones[n ^ 1])).collect()
}

fn one_port(legs: &mut Legs) {
    let others = others(&legs.phones);
    legs.events(None, |legs, here| {
        let (mut buffer, mut count) = ([0; 2048], 0);
        while let Some((length, from)) = came(legs.sockets[here].recv_from(&mut buffer)) {
            legs.sockets[here].send_to(&buffer[..length], others[&from]).unwrap();
            count += 1;
        }
        count
    });
}

fn one_port_batched(legs: &mut Legs) {
    let others = others(&legs.phones);
    let mut batch = Batch::new();
    let mut out: MultiHeaders<SockaddrIn> = MultiHeaders::preallocate(BATCH, None);
    let address = |from: Option<SockaddrIn>| {
        let from = from.unwrap();
        let from = SocketAddrV4::new(from.ip(), from.port());
        let SocketAddr::V4(to) = others[&SocketAddr::V4(from)] else { panic!("IPv4") };
        Some(SockaddrIn::from(to))
    };
    legs.events(Some(PACE), |legs, here| {
        let mut count = 0;
        loop {
            let taken = batch.take(&legs.sockets[here]);
            let slices: Vec<[IoSlice<'_>; 1]> = taken
                .iter()
                .zip(&batch.buffers)
                .map(|((length, _), buffer)| [IoSlice::new(&buffer[..*length])])
                .collect();
            let to: Vec<Option<SockaddrIn>> =
                taken.iter().map(|(_, from)| address(*from)).collect();
            let mut sent = 0;
            while sent < slices.len() {
                let fd = legs.sockets[here].as_raw_fd();
                let some =
                    sendmmsg(fd, &mut out, &slices[sent..], &to[sent..], [], MsgFlags::empty());
                sent += some.unwrap().count();
            }
            count += taken.len() as u64;
            if taken.len() < BATCH {
                return count;
            }
        }
    });
}
