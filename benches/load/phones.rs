//! Phones that talk through a relay: made by a child process, so that only the relay's own thread is
//! counted, as the kernel counts it (`schedstat`).
//!
//! A benchmark that uses them calls [`generate`] when it is started with `generate PHONES SECONDS` and words of
//! its own.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};

/// Bytes of one packet: 20 ms of G.711 behind an RTP header.
pub const PACKET_BYTES: usize = 172;
/// Between two packets of one phone.
pub const INTERVAL: Duration = Duration::from_millis(20);

/// What carrying the packets took.
#[derive(Clone, Copy)]
pub struct Cost {
    pub sent: u64,
    pub relayed: u64,
    pub cpu: Duration,
}

impl Cost {
    pub fn each(self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.relayed as f64
    }
}

pub fn row(name: &str, cost: Cost, bare: Cost) {
    let lost = cost.sent - cost.relayed.min(cost.sent);
    let ratio = cost.each() / bare.each();
    println!("{name:<42}{:>10}{lost:>8}{:>14.2}{ratio:>8.2}", cost.relayed, cost.each());
}

/// CPU time of the thread of this process that has this name.
pub fn thread_cpu(name: &str) -> Duration {
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let task = task.unwrap().path();
        if std::fs::read_to_string(task.join("comm")).unwrap().trim() == name {
            let stat = std::fs::read_to_string(task.join("schedstat")).unwrap();
            let nanos = stat.split_whitespace().next().unwrap().parse().unwrap();
            return Duration::from_nanos(nanos);
        }
    }
    panic!("no thread {name}");
}

/// The child process that plays all phones, two a call.
pub struct Generator {
    child: Child,
    lines: BufReader<ChildStdout>,
    pub phones: Vec<SocketAddr>,
}

impl Generator {
    /// `words`: what else the child is to know.
    pub fn start(calls: usize, seconds: u64, words: &[String]) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["generate", &(calls * 2).to_string(), &seconds.to_string()])
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let phones = read_ports(&mut lines);
        Self { child, lines, phones }
    }

    /// Sends everything to `gateways`, one for each phone; returns packets sent and received.
    pub fn run(mut self, gateways: &[u16]) -> (u64, u64) {
        let ports: Vec<String> = gateways.iter().map(u16::to_string).collect();
        writeln!(self.child.stdin.take().unwrap(), "{}", ports.join(" ")).unwrap();
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        self.child.wait().unwrap();
        let (sent, received) = line.trim().split_once(' ').unwrap();
        (sent.parse().unwrap(), received.parse().unwrap())
    }
}

fn read_ports(lines: &mut impl BufRead) -> Vec<SocketAddr> {
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    let ports = line.split_whitespace().map(|port| port.parse::<u16>().unwrap());
    ports.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))).collect()
}

pub fn socket() -> UdpSocket {
    UdpSocket::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap()
}

pub fn generate<P: AsRef<[u8]>>(phones: usize, seconds: u64, mut speak: impl FnMut(u32, u32) -> P) {
    let mut poll = Poll::new().unwrap();
    let mut sockets: Vec<UdpSocket> = (0..phones).map(|_| socket()).collect();
    for (n, socket) in sockets.iter_mut().enumerate() {
        poll.registry().register(socket, Token(n), Interest::READABLE).unwrap();
    }
    let ports: Vec<String> =
        sockets.iter().map(|s| s.local_addr().unwrap().port().to_string()).collect();
    println!("{}", ports.join(" "));
    let gateways: Vec<SocketAddr> = read_ports(&mut std::io::stdin().lock());

    let (mut sent, mut received) = (0u64, 0u64);
    let mut events = Events::with_capacity(1024);
    let mut buffer = [0; 2048];
    let start = Instant::now();
    let end = Duration::from_secs(seconds);
    let gap = INTERVAL / u32::try_from(phones).unwrap();
    let total = seconds * 50 * phones as u64;
    // A last half second collects what is still on its way.
    while start.elapsed() < end + Duration::from_millis(500) {
        let due = (start.elapsed().as_nanos() / gap.as_nanos()) as u64;
        while sent < due.min(total) {
            let phone = (sent % phones as u64) as usize;
            let packet = speak(phone as u32, (sent / phones as u64) as u32);
            sockets[phone].send_to(packet.as_ref(), gateways[phone]).unwrap();
            sent += 1;
        }
        poll.poll(&mut events, Some(Duration::from_millis(1))).unwrap();
        for event in &events {
            while sockets[event.token().0].recv(&mut buffer).is_ok() {
                received += 1;
            }
        }
    }
    println!("{sent} {received}");
}

pub fn packet(phone: u32, number: u32) -> [u8; PACKET_BYTES] {
    let mut packet = [0x55; PACKET_BYTES];
    // Every second phone is a seat with another payload type, as SDP often has it.
    packet[..2].copy_from_slice(&[0x80, if phone.is_multiple_of(2) { 8 } else { 97 }]);
    packet[2..4].copy_from_slice(&(number as u16).to_be_bytes());
    packet[4..8].copy_from_slice(&(number * 160).to_be_bytes());
    packet[8..12].copy_from_slice(&phone.to_be_bytes());
    packet
}
