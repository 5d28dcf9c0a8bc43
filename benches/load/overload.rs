//! Ten times too much: INVITEs of a trunk that repeats them like one, a storm of REGISTER and OPTIONS
//! from where phones are known, and a flood of strangers. Each has a thread and a socket.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::gateway::{DOMAIN, PEERS};
use super::text::{header, number, status};

/// When an INVITE without an answer is sent again: T1, then twice as long each time.
const AGAIN: [Duration; 3] =
    [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];
/// Where the strangers are.
const STRANGER: &str = "127.112.250.66";
/// A call that is rung within this time was served as usual.
pub const USUAL: Duration = Duration::from_millis(100);

/// What became of the messages of one thread.
#[derive(Debug, Default)]
pub struct Flooded {
    pub sent: usize,
    pub again: usize,
    /// Got 180.
    pub served: usize,
    /// Got 503, with Retry-After.
    pub refused: usize,
    /// Any other final answer.
    pub other: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Heard {
    Nothing,
    Trying,
    Over,
}

fn socket(ip: &str, gateway: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind((ip, 0)).unwrap();
    socket.connect(gateway).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

fn request(method: &str, local: SocketAddr, k: usize, uri: &str, tag: &str) -> String {
    // A CANCEL and the ACK of a refusal have the branch of their INVITE.
    let kind = if matches!(method, "CANCEL" | "ACK") { "INVITE" } else { method };
    format!(
        "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK{kind}{}x{k};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:+62899{k:08}@{ip}>;tag=f{k}\r\nTo: <{uri}>{tag}\r\n\
         Call-ID: flood-{k}\r\nCSeq: 1 {method}\r\nContact: <sip:+62899{k:08}@{local}>\r\n\
         P-Asserted-Identity: <sip:+62899{k:08}@{ip};user=phone>\r\nContent-Length: 0\r\n\r\n",
        local.port(),
        ip = local.ip()
    )
}

/// INVITEs at a rate; a caller who hears it ring gives up at once.
pub fn callers(gateway: SocketAddr, rate: u32, stop: Arc<AtomicBool>) -> JoinHandle<Flooded> {
    std::thread::spawn(move || {
        let socket = socket(PEERS[0], gateway);
        let local = socket.local_addr().unwrap();
        let uri = format!("sip:112@{DOMAIN}");
        let (mut outcome, mut heard) = (Flooded::default(), Vec::<Heard>::new());
        let mut due: [VecDeque<(Instant, usize)>; 3] = Default::default();
        let start = Instant::now();
        let mut buffer = [0; 4096];
        let send = |method, k, tag: &str| {
            // A full buffer is a lost datagram.
            let _ = socket.send(request(method, local, k, &uri, tag).as_bytes());
        };
        // What was sent last is waited for as long as a caller would.
        while !stop.load(Ordering::Relaxed) {
            let wanted = (start.elapsed().as_secs_f64() * f64::from(rate)) as usize;
            for _ in 0..wanted.saturating_sub(heard.len()).min(64) {
                send("INVITE", heard.len(), "");
                due[0].push_back((Instant::now() + AGAIN[0], heard.len()));
                heard.push(Heard::Nothing);
            }
            for n in 0..AGAIN.len() {
                while let Some(&(at, k)) = due[n].front().filter(|(at, _)| *at <= Instant::now()) {
                    due[n].pop_front();
                    if heard[k] == Heard::Nothing {
                        send("INVITE", k, "");
                        outcome.again += 1;
                        if let Some(wait) = AGAIN.get(n + 1) {
                            due[n + 1].push_back((at + *wait, k));
                        }
                    }
                }
            }
            for _ in 0..256 {
                let Ok(length) = socket.recv(&mut buffer) else { break };
                let text = String::from_utf8_lossy(&buffer[..length]);
                let (Some(code), Some(k)) = (status(&text), number(&text, "\r\nCall-ID: flood-"))
                else {
                    continue;
                };
                if !header(&text, "\r\nCSeq: ").ends_with("INVITE") {
                    continue;
                }
                let first = heard[k] != Heard::Over;
                match code {
                    100 => heard[k] = Heard::Trying,
                    101..200 if first => {
                        (heard[k], outcome.served) = (Heard::Over, outcome.served + 1);
                        send("CANCEL", k, "");
                    }
                    101..200 => {}
                    _ => {
                        let to = header(&text, "\r\nTo: ");
                        send("ACK", k, to.find(";tag=").map_or("", |at| &to[at..]));
                        if first {
                            outcome.count(code, &text);
                        }
                        heard[k] = Heard::Over;
                    }
                }
            }
        }
        outcome.sent = heard.len();
        outcome
    })
}

/// Requests of no call at a rate, of each method in turn, from one address.
fn requests(
    gateway: SocketAddr,
    ip: &'static str,
    methods: &'static [&'static str],
    rate: u32,
    stop: Arc<AtomicBool>,
) -> JoinHandle<Flooded> {
    std::thread::spawn(move || {
        let socket = socket(ip, gateway);
        let local = socket.local_addr().unwrap();
        let mut outcome = Flooded::default();
        let mut buffer = [0; 4096];
        let start = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            let wanted = (start.elapsed().as_secs_f64() * f64::from(rate)) as usize;
            for _ in outcome.sent..wanted {
                let method = methods[outcome.sent % methods.len()];
                let text = request(method, local, outcome.sent, &format!("sip:{DOMAIN}"), "");
                let _ = socket.send(text.as_bytes());
                outcome.sent += 1;
            }
            while let Ok(length) = socket.recv(&mut buffer) {
                let text = String::from_utf8_lossy(&buffer[..length]);
                if let Some(code) = status(&text) {
                    outcome.count(code, &text);
                }
            }
            // One millisecond bounds how bursty it is.
            std::thread::sleep(Duration::from_millis(1));
        }
        outcome
    })
}

/// REGISTER and OPTIONS from where the seats are.
pub fn storm(gateway: SocketAddr, rate: u32, stop: Arc<AtomicBool>) -> JoinHandle<Flooded> {
    requests(gateway, PEERS[1], &["REGISTER", "OPTIONS", "SUBSCRIBE"], rate, stop)
}

/// Whatever strangers send.
pub fn strangers(gateway: SocketAddr, rate: u32, stop: Arc<AtomicBool>) -> JoinHandle<Flooded> {
    requests(gateway, STRANGER, &["OPTIONS", "INVITE", "REGISTER", "BYE"], rate, stop)
}

/// Calls again and again until one rings within [`USUAL`]; returns how long that took.
pub fn until_usual(gateway: SocketAddr, patience: Duration) -> Option<Duration> {
    let socket = socket(PEERS[0], gateway);
    socket.set_nonblocking(false).unwrap();
    let local = socket.local_addr().unwrap();
    let uri = format!("sip:112@{DOMAIN}");
    let (start, mut buffer) = (Instant::now(), [0; 4096]);
    for k in 0.. {
        let sent = Instant::now();
        socket.send(request("INVITE", local, k, &uri, "").as_bytes()).unwrap();
        while sent.elapsed() < USUAL {
            let left = USUAL.saturating_sub(sent.elapsed()).max(Duration::from_millis(1));
            socket.set_read_timeout(Some(left)).unwrap();
            let length = match socket.recv(&mut buffer) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => panic!("{error}"),
            };
            let text = String::from_utf8_lossy(&buffer[..length]);
            let ours = number(&text, "\r\nCall-ID: flood-") == Some(k);
            if ours && status(&text) == Some(180) {
                return Some(start.elapsed().saturating_sub(sent.elapsed()));
            }
        }
        socket.send(request("CANCEL", local, k, &uri, "").as_bytes()).unwrap();
        if start.elapsed() > patience {
            return None;
        }
    }
    None
}

impl Flooded {
    fn count(&mut self, code: u16, text: &str) {
        if code == 503 && !header(text, "\r\nRetry-After: ").is_empty() {
            self.refused += 1;
        } else {
            self.other += 1;
        }
    }
}

impl std::fmt::Display for Flooded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { sent, again, served, refused, other } = self;
        write!(
            f,
            "{sent} sent, {again} sent again, {served} rung, {refused} refused with 503, {other} \
             answered otherwise"
        )
    }
}
