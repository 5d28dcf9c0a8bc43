//! Trunk and seats on two sockets and one thread: no timers but queues in the order of time, no
//! reading of messages beyond the fields that are needed.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use sha2::{Digest, Sha256};
use socket2::{Domain, Socket, Type};

use super::gateway::{DOMAIN, Gateway, PASSWORD, PEERS};
use super::text::{after, copied, header, number, status};

/// How long a seat rings.
const RING: Duration = Duration::from_millis(100);
/// How long a call is talked.
const TALK: Duration = Duration::from_millis(500);
/// T1 of RFC 3261: what has no answer is sent again, and again.
const AGAIN: Duration = Duration::from_millis(500);
/// How long unfinished calls are waited for after the last one was made.
const PATIENCE: Duration = Duration::from_secs(5);
const TRUNK: usize = 0;
const SEATS: usize = 1;

/// What came of a number of calls.
#[derive(Debug, Default)]
pub struct Outcome {
    pub calls: usize,
    pub answered: usize,
    /// Ended by BYE and its 200.
    pub ended: usize,
    /// Messages that either side sent again.
    pub repeated: usize,
    pub to_ringing: Times,
    pub to_seat: Times,
    pub to_bye: Times,
    /// From the trunk's BYE, the last one if it was sent again, to its 200.
    pub to_end: Times,
}

/// Durations, microseconds.
#[derive(Debug, Default)]
pub struct Times(Vec<u32>);

impl Times {
    fn add(&mut self, since: Instant) {
        self.0.push(since.elapsed().as_micros() as u32);
    }

    /// The time that `part` of all do not exceed.
    pub fn at(&self, part: f64) -> Option<Duration> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = (sorted.len().saturating_sub(1) as f64 * part).round() as usize;
        sorted.get(place).map(|micros| Duration::from_micros(u64::from(*micros)))
    }
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = |part: f64| self.at(part).unwrap_or(Duration::ZERO).as_secs_f64() * 1e3;
        write!(f, "p50 {:.2} ms, p99 {:.2} ms, most {:.2} ms", at(0.5), at(0.99), at(1.0))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Called,
    Ringing,
    Answered,
    ByeSent,
    Over,
}

#[derive(Debug)]
struct Call {
    stage: Stage,
    /// When the INVITE, later the BYE, was sent.
    sent: Instant,
    /// To with its tag, and the gateway's Contact, once known.
    to: String,
    target: String,
    /// What every response of the seat to its INVITE begins with, after the status line.
    seat: String,
    acked: bool,
}

/// What is done for a call at some time.
#[derive(Clone, Copy, Debug)]
enum Due {
    SeatAnswers,
    Bye,
    /// Whatever has no answer is sent again.
    Check,
}

/// The load's one thread.
#[derive(Debug)]
pub struct Generator {
    poll: Poll,
    events: Events,
    sockets: [UdpSocket; 2],
    local: [SocketAddr; 2],
    /// One for each [`Due`]: each waits for the same time, so each is in order.
    due: [VecDeque<(Instant, usize, Due)>; 3],
    calls: Vec<Call>,
    outcome: Outcome,
    registered: usize,
    cancelled: usize,
    /// Calls are not ended by themselves.
    held: bool,
    line: String,
}

impl Generator {
    /// A generator that has sent nothing yet.
    pub fn new(gateway: &Gateway) -> Self {
        let poll = Poll::new().unwrap();
        let mut sockets = PEERS.map(|address| socket(address, gateway.sip));
        for (n, socket) in sockets.iter_mut().enumerate() {
            poll.registry().register(socket, Token(n), Interest::READABLE).unwrap();
        }
        let local = [TRUNK, SEATS].map(|n| sockets[n].local_addr().unwrap());
        Self {
            poll,
            events: Events::with_capacity(8),
            sockets,
            local,
            due: Default::default(),
            calls: Vec::new(),
            outcome: Outcome::default(),
            registered: 0,
            cancelled: 0,
            held: false,
            line: String::with_capacity(2048),
        }
    }

    // ---- the loads -------------------------------------------------------------------------

    /// Registers every seat once, `rate` a second.
    pub fn register(&mut self, seats: usize, rate: u32) {
        self.registered = 0;
        self.pace(seats, rate, |g, n| g.send_register(n, 1, None), |g| g.registered >= seats);
        assert_eq!(self.registered, seats, "every seat is registered");
    }

    /// Makes `rate` calls a second for some seconds and waits for their end.
    pub fn calls(&mut self, rate: u32, seconds: u32) -> Outcome {
        self.begin();
        let count = (rate * seconds) as usize;
        self.pace(count, rate, Self::call, |g| g.outcome.ended >= count);
        let answered = self.calls.iter().filter(|c| c.stage >= Stage::Answered).count();
        Outcome { calls: count, answered, ..std::mem::take(&mut self.outcome) }
    }

    /// Makes `count` calls that are talked until [`Generator::hang_up`]; returns how many.
    pub fn hold(&mut self, count: usize) -> usize {
        self.begin();
        self.held = true;
        let answered = |g: &Self| g.calls.iter().filter(|c| c.stage == Stage::Answered).count();
        self.pace(count, 20, Self::call, |g| answered(g) >= count);
        answered(self)
    }

    /// Ends the calls that are held; returns how many of them were ended properly, and how long it
    /// took to hear so.
    pub fn hang_up(&mut self, rate: u32) -> (usize, Times) {
        self.held = false;
        let count = self.calls.len();
        self.pace(count, rate, |g, k| g.act(k, Due::Bye), |g| g.outcome.ended >= count);
        (self.outcome.ended, std::mem::take(&mut self.outcome.to_end))
    }

    /// Makes `count` calls that stay; returns how many ring.
    pub fn wait(&mut self, count: usize, rate: u32) -> usize {
        self.begin();
        self.pace(count, rate, Self::call, |g| g.outcome.to_ringing.0.len() >= count);
        self.outcome.to_ringing.0.len()
    }

    /// Gives them up; returns how many the gateway ended.
    pub fn cancel(&mut self, count: usize, rate: u32) -> usize {
        self.cancelled = 0;
        let give_up = |g: &mut Self, k| g.send_trunk(k, "CANCEL", "");
        self.pace(count, rate, give_up, |g| g.cancelled >= count);
        self.cancelled
    }

    fn begin(&mut self) {
        self.calls.clear();
        self.due = Default::default();
        self.outcome = Outcome::default();
    }

    /// Does `begin` for 0.., `rate` a second, and everything that follows from it until `over`.
    fn pace(
        &mut self,
        count: usize,
        rate: u32,
        begin: impl Fn(&mut Self, usize),
        over: impl Fn(&Self) -> bool,
    ) {
        let (start, mut begun) = (Instant::now(), 0);
        let last = start + Duration::from_secs(1) * count as u32 / rate + PATIENCE;
        while !over(self) && Instant::now() < last {
            let due = (start.elapsed().as_secs_f64() * f64::from(rate)) as usize + 1;
            while begun < due.min(count) {
                begin(self, begun);
                begun += 1;
            }
            self.do_due();
            // One millisecond bounds how late a call is made.
            self.poll.poll(&mut self.events, Some(Duration::from_millis(1))).unwrap();
            self.read();
        }
    }

    fn do_due(&mut self) {
        let now = Instant::now();
        for queue in 0..self.due.len() {
            while let Some(&(at, k, what)) = self.due[queue].front() {
                if at > now {
                    break;
                }
                self.due[queue].pop_front();
                self.act(k, what);
            }
        }
    }

    fn act(&mut self, k: usize, what: Due) {
        match what {
            Due::SeatAnswers => {
                self.seat_answers(k);
                self.later(k, Due::Check);
            }
            Due::Bye => {
                (self.calls[k].stage, self.calls[k].sent) = (Stage::ByeSent, Instant::now());
                self.send_trunk(k, "BYE", "");
                self.later(k, Due::Check);
            }
            Due::Check => {
                let call = &self.calls[k];
                let late = call.sent.elapsed() >= AGAIN;
                match call.stage {
                    Stage::Called if late => self.invite(k),
                    Stage::ByeSent if late => self.send_trunk(k, "BYE", ""),
                    Stage::Ringing if late && !call.acked && !call.seat.is_empty() => {
                        self.seat_answers(k);
                    }
                    _ => return,
                }
                self.outcome.repeated += 1;
                self.later(k, Due::Check);
            }
        }
    }

    fn later(&mut self, k: usize, what: Due) {
        let wait = match what {
            Due::SeatAnswers => RING,
            Due::Bye => TALK,
            Due::Check => AGAIN,
        };
        self.due[what as usize].push_back((Instant::now() + wait, k, what));
    }

    fn read(&mut self) {
        let mut buffer = [0; 4096];
        for n in [TRUNK, SEATS] {
            while let Ok(length) = self.sockets[n].recv(&mut buffer) {
                let message = std::str::from_utf8(&buffer[..length]).unwrap();
                if n == TRUNK { self.at_trunk(message) } else { self.at_seats(message) }
            }
        }
    }

    fn send(&self, from: usize, text: &str) {
        // A full buffer is a lost datagram.
        let _ = self.sockets[from].send(text.as_bytes());
    }

    // ---- the trunk -------------------------------------------------------------------------

    fn call(&mut self, k: usize) {
        self.calls.push(Call {
            stage: Stage::Called,
            sent: Instant::now(),
            to: format!("<sip:112@{DOMAIN}>"),
            target: format!("sip:112@{DOMAIN}"),
            seat: String::new(),
            acked: false,
        });
        self.invite(k);
        self.later(k, Due::Check);
    }

    fn invite(&mut self, k: usize) {
        let local = self.local[TRUNK];
        let lines = format!(
            "P-Asserted-Identity: <sip:+62812{k:08}@{};user=phone>\r\n\
             Contact: <sip:+62812{k:08}@{local}>\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\n\
             Supported: 100rel, timer\r\nUser-Agent: Softswitch/1.0\r\n\
             Content-Type: application/sdp\r\n",
            local.ip()
        );
        self.send_trunk(k, "INVITE", &lines);
    }

    fn send_trunk(&mut self, k: usize, method: &str, lines: &str) {
        let (call, local) = (&self.calls[k], self.local[TRUNK]);
        let body = if method == "INVITE" { sdp(local) } else { String::new() };
        let cseq = if method == "BYE" { 2 } else { 1 };
        // CANCEL and the ACK of a refusal belong to the INVITE's transaction.
        let branch = match method {
            "BYE" => "b",
            "ACK" if call.stage >= Stage::Answered => "a",
            _ => "i",
        };
        self.line.clear();
        write!(
            self.line,
            "{method} {} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK{branch}{k};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:+62812{k:08}@{};user=phone>;tag=t{k}\r\nTo: {}\r\n\
             Call-ID: call-{k}\r\nCSeq: {cseq} {method}\r\n{lines}Content-Length: {}\r\n\r\n{body}",
            call.target,
            local.ip(),
            if method == "CANCEL" { "<sip:112@112.sumenep.example>" } else { &call.to },
            body.len()
        )
        .unwrap();
        self.send(TRUNK, &self.line);
    }

    fn at_trunk(&mut self, message: &str) {
        let (Some(code), Some(k)) = (status(message), number(message, "\r\nCall-ID: call-")) else {
            return;
        };
        let method = header(message, "\r\nCSeq: ").split(' ').nth(1).unwrap_or_default();
        let call = &mut self.calls[k];
        match (code, method) {
            (180, _) if call.stage == Stage::Called => {
                call.stage = Stage::Ringing;
                self.outcome.to_ringing.add(call.sent);
            }
            (200, "INVITE") if call.stage < Stage::Answered => {
                call.stage = Stage::Answered;
                header(message, "\r\nTo: ").clone_into(&mut call.to);
                let target = after(message, "\r\nContact: <", &['>']).unwrap_or_default();
                target.clone_into(&mut call.target);
                self.send_trunk(k, "ACK", "");
                if !self.held {
                    self.later(k, Due::Bye);
                }
            }
            (200, "INVITE") => {
                self.outcome.repeated += 1;
                self.send_trunk(k, "ACK", "");
            }
            (200, "BYE") if call.stage == Stage::ByeSent => {
                call.stage = Stage::Over;
                self.outcome.to_end.add(call.sent);
                self.outcome.ended += 1;
            }
            (300.., "INVITE") => {
                header(message, "\r\nTo: ").clone_into(&mut call.to);
                self.send_trunk(k, "ACK", "");
                self.calls[k].stage = Stage::Over;
                self.cancelled += 1;
            }
            _ => {}
        }
    }

    // ---- the seats -------------------------------------------------------------------------

    fn at_seats(&mut self, message: &str) {
        if let Some(code) = status(message) {
            return self.registering(code, message);
        }
        match message.split(' ').next() {
            Some("INVITE") => self.seat_invited(message),
            Some("ACK") => {
                if let Some(k) = number(header(message, "\r\nTo: "), ";tag=s") {
                    self.calls[k].acked = true;
                }
            }
            Some("BYE") => {
                if let Some(k) = number(header(message, "\r\nTo: "), ";tag=s") {
                    self.outcome.to_bye.add(self.calls[k].sent);
                }
                self.answer_seat(200, &copied(message, ""), "", "");
            }
            Some(_) => self.answer_seat(200, &copied(message, ""), "", ""),
            None => {}
        }
    }

    fn seat_invited(&mut self, message: &str) {
        let Some(k) = number(header(message, "\r\nFrom: "), "<sip:+62812") else { return };
        if !self.calls[k].seat.is_empty() {
            self.outcome.repeated += 1;
            return;
        }
        self.outcome.to_seat.add(self.calls[k].sent);
        self.calls[k].seat = copied(message, &format!("s{k}"));
        self.answer_seat(180, &self.calls[k].seat, "", "");
        self.later(k, Due::SeatAnswers);
    }

    fn seat_answers(&mut self, k: usize) {
        let local = self.local[SEATS];
        let lines = format!("Contact: <sip:seat@{local}>\r\nContent-Type: application/sdp\r\n");
        self.answer_seat(200, &self.calls[k].seat, &lines, &sdp(local));
    }

    fn answer_seat(&self, code: u16, copied: &str, lines: &str, body: &str) {
        let length = body.len();
        self.send(
            SEATS,
            &format!("SIP/2.0 {code} OK\r\n{copied}{lines}Content-Length: {length}\r\n\r\n{body}"),
        );
    }

    fn send_register(&self, n: usize, cseq: u32, challenge: Option<&str>) {
        let local = self.local[SEATS];
        let proof = challenge.map_or_else(String::new, |nonce| proof(n, nonce));
        self.send(
            SEATS,
            &format!(
                "REGISTER sip:{DOMAIN} SIP/2.0\r\n\
                 Via: SIP/2.0/UDP {local};branch=z9hG4bKr{n}x{:x};rport\r\nMax-Forwards: 70\r\n\
                 From: <sip:seat-{n}@{DOMAIN}>;tag=r{n}\r\nTo: <sip:seat-{n}@{DOMAIN}>\r\n\
                 Call-ID: register-{n}\r\nCSeq: {cseq} REGISTER\r\n\
                 Contact: <sip:seat-{n}@{local}>\r\nExpires: 300\r\n{proof}\
                 Content-Length: 0\r\n\r\n",
                rand::random::<u64>()
            ),
        );
    }

    fn registering(&mut self, code: u16, message: &str) {
        let Some(n) = number(message, "\r\nCall-ID: register-") else { return };
        match (code, after(message, "nonce=\"", &['"'])) {
            (200, _) => self.registered += 1,
            (401, Some(nonce)) => {
                let cseq = number(message, "\r\nCSeq: ").unwrap_or_default() as u32 + 1;
                self.send_register(n, cseq, Some(nonce));
            }
            _ => panic!("a registration was refused: {message}"),
        }
    }
}

fn socket(address: &str, gateway: SocketAddr) -> UdpSocket {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    // The kernel gives what it allows.
    let _ = socket.set_recv_buffer_size(4 << 20);
    let local = SocketAddr::new(address.parse().unwrap(), 0);
    socket.bind(&local.into()).unwrap();
    socket.connect(&gateway.into()).unwrap();
    socket.set_nonblocking(true).unwrap();
    UdpSocket::from_std(socket.into())
}

fn sdp(local: SocketAddr) -> String {
    let ip = local.ip();
    format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n\
         m=audio 40000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    )
}

/// RFC 7616 with SHA-256, the gateway's first choice.
fn proof(n: usize, nonce: &str) -> String {
    let hash = |text: String| {
        Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").unwrap();
            hex
        })
    };
    let secret = hash(format!("seat-{n}:{DOMAIN}:{PASSWORD}"));
    let request = hash(format!("REGISTER:sip:{DOMAIN}"));
    let response = hash(format!("{secret}:{nonce}:00000001:0a4f:auth:{request}"));
    format!(
        "Authorization: Digest username=\"seat-{n}\", realm=\"{DOMAIN}\", nonce=\"{nonce}\", \
         uri=\"sip:{DOMAIN}\", response=\"{response}\", algorithm=SHA-256, cnonce=\"0a4f\", \
         qop=auth, nc=00000001\r\n"
    )
}
