//! From a name to the places where a request can be sent, in the order to try them (RFC 3263 §4,
//! RFC 2782).
//!
//! The machine asks and is answered; who looks things up, and how long an answer is good for, is
//! not its matter. Chains of CNAME are the resolver's.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use super::flow::Transport;
use super::uri::{Scheme, Uri};
use crate::vocabulary::{Dice, limits};

/// Whom a request is for, as far as the way there is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Name or address, without brackets, in lower case.
    pub host: String,
    /// The port that is written.
    pub port: Option<u16>,
    /// The transport that is written.
    pub transport: Option<Transport>,
    /// Nothing but an encrypted hop will do: `sips:`, or `transport=tls`.
    pub secure: bool,
}

impl Target {
    /// Host and port as a URI has them.
    #[must_use]
    pub fn host_port(&self) -> String {
        let host =
            if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        self.port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"))
    }

    /// What a SIP URI says; `maddr` stands above the host (RFC 3263 §4). None when it names no host,
    /// a transport that we do not know, or an insecure one under `sips:`.
    #[must_use]
    pub fn of(uri: &Uri) -> Option<Self> {
        if !matches!(uri.scheme(), Scheme::Sip | Scheme::Sips) {
            return None;
        }
        let host = uri.params().get("maddr").unwrap_or(uri.host());
        let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
        let written = uri.params().get("transport");
        let transport = match written {
            Some(word) => Transport::read(word).and(Transport::of_uri(uri)),
            None => None,
        };
        let secure = uri.scheme() == Scheme::Sips || transport.is_some_and(Transport::is_secure);
        let insecure = secure && transport.is_some_and(|transport| !transport.is_secure());
        let unknown = written.is_some() && transport.is_none();
        if host.is_empty() || unknown || insecure {
            return None;
        }
        Some(Self { host, port: uri.port(), transport, secure })
    }

    /// The transport where nothing chooses another (RFC 3263 §4.1): the one written, TLS when it
    /// must be secure, else UDP.
    #[must_use]
    pub fn usual_transport(&self) -> Transport {
        self.transport.unwrap_or(if self.secure { Transport::Tls } else { Transport::Udp })
    }
}

/// One place to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// How.
    pub transport: Transport,
    /// Where.
    pub address: SocketAddr,
    /// The name that a certificate there must prove: the one of the URI, not what DNS made of it
    /// (RFC 5922 §4).
    pub name: Box<str>,
}

/// What is to be looked up next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// NAPTR records of a name.
    Naptr(String),
    /// SRV records of a name.
    Srv(String),
    /// A and AAAA records of a name.
    Addresses(String),
}

/// One NAPTR record (RFC 3403 §4), as far as SIP uses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naptr {
    /// Lower orders rule out higher ones.
    pub order: u16,
    /// Lower first within an order.
    pub preference: u16,
    /// `s` for one that leads to SRV records.
    pub flags: String,
    /// `SIP+D2U`, `SIP+D2T`, `SIPS+D2T`.
    pub service: String,
    /// Empty for SIP.
    pub regexp: String,
    /// Where the SRV records are.
    pub replacement: String,
}

/// One SRV record (RFC 2782).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Srv {
    /// Lower first.
    pub priority: u16,
    /// Share among those of one priority.
    pub weight: u16,
    /// Port.
    pub port: u16,
    /// Host; `.` or empty when the service is decidedly not there.
    pub target: String,
}

/// What was found; empty when there is nothing, or when it could not be looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// NAPTR records.
    Naptr(Vec<Naptr>),
    /// SRV records.
    Srv(Vec<Srv>),
    /// Addresses.
    Addresses(Vec<IpAddr>),
}

/// A question and what its answer is for.
#[derive(Clone, Debug)]
struct Step {
    question: Question,
    transport: Transport,
    port: u16,
}

/// Finds the hops of one target.
#[derive(Debug)]
pub struct Location {
    target: Target,
    /// Transports that we can send over, the preferred one first.
    supported: Vec<Transport>,
    steps: VecDeque<Step>,
    hops: Vec<Hop>,
    asked: usize,
    /// The addresses of the name itself are asked for when no SRV record is there.
    fallback: Option<Transport>,
}

impl Location {
    /// Begins; an address needs no question.
    #[must_use]
    pub fn new(target: &Target, supported: &[Transport]) -> Self {
        let usable = |t: &Transport| !target.secure || t.is_secure();
        let mut location = Self {
            supported: supported.iter().copied().filter(usable).collect(),
            target: target.clone(),
            steps: VecDeque::new(),
            hops: Vec::new(),
            asked: 0,
            fallback: None,
        };
        location.begin();
        location
    }

    fn begin(&mut self) {
        let target = self.target.clone();
        let usual = target.usual_transport();
        let port = target.port.unwrap_or(usual.default_port());
        if let Ok(ip) = target.host.parse() {
            return self.add(usual, SocketAddr::new(ip, port));
        }
        match (target.port, target.transport) {
            // A written port leaves nothing to choose (RFC 3263 §4.2); for WebSocket there are no
            // SRV records (RFC 7118 §5).
            (Some(_), _) | (None, Some(Transport::Ws | Transport::Wss)) => {
                self.ask(Question::Addresses(target.host), usual, port);
            }
            (None, Some(transport)) => {
                self.fallback = Some(transport);
                self.ask(Question::Srv(service(transport, &target.host)), transport, port);
            }
            (None, None) => self.ask(Question::Naptr(target.host), usual, port),
        }
    }

    fn ask(&mut self, question: Question, transport: Transport, port: u16) {
        if self.supported.contains(&transport) || matches!(question, Question::Naptr(_)) {
            self.steps.push_back(Step { question, transport, port });
        }
    }

    fn add(&mut self, transport: Transport, address: SocketAddr) {
        let name = self.target.host.as_str().into();
        let hop = Hop { transport, address, name };
        if self.supported.contains(&transport)
            && address.port() != 0
            && self.hops.len() < limits::HOPS
            && !self.hops.contains(&hop)
        {
            self.hops.push(hop);
        }
    }

    /// What is to be looked up; none when it is done.
    #[must_use]
    pub fn question(&self) -> Option<&Question> {
        let enough = self.hops.len() >= limits::HOPS || self.asked >= limits::DNS_QUESTIONS;
        self.steps.front().map(|step| &step.question).filter(|_| !enough)
    }

    /// Takes the answer to the question. One of another kind counts as nothing found.
    pub fn answer(&mut self, found: Found, dice: &mut Dice) {
        let Some(step) = self.steps.pop_front() else { return };
        self.asked += 1;
        match (step.question, found) {
            (Question::Naptr(_), Found::Naptr(records)) => self.naptr(records),
            (Question::Naptr(_), _) => self.naptr(Vec::new()),
            (Question::Srv(_), Found::Srv(records)) => {
                self.srv(records, step.transport, dice);
            }
            (Question::Addresses(_), Found::Addresses(found)) => {
                for ip in found.into_iter().take(limits::ADDRESSES) {
                    self.add(step.transport, SocketAddr::new(ip, step.port));
                }
            }
            (Question::Srv(_) | Question::Addresses(_), _) => {}
        }
        if self.steps.is_empty()
            && let Some(transport) = self.fallback.take()
        {
            let port = transport.default_port();
            self.ask(Question::Addresses(self.target.host.clone()), transport, port);
        }
    }

    /// The carrier's own choice of transports, else SRV for each that we have (RFC 3263 §4.1).
    fn naptr(&mut self, mut records: Vec<Naptr>) {
        let host = self.target.host.clone();
        self.fallback = Some(self.target.usual_transport());
        let secure = self.target.secure;
        let usable = |r: &Naptr| {
            let service = naptr_transport(&r.service).filter(|t| !secure || t.is_secure());
            service.is_some_and(|t| self.supported.contains(&t))
                && r.flags.eq_ignore_ascii_case("s")
                && r.regexp.is_empty()
                && !no_name(&r.replacement)
        };
        records.retain(usable);
        records.sort_by_key(|r| (r.order, r.preference));
        let first = records.first().map(|r| r.order);
        for record in records.into_iter().take(limits::NAPTR_RECORDS) {
            // Records of a higher order must not be looked at (RFC 3403 §4.1).
            if let Some(transport) = naptr_transport(&record.service)
                && Some(record.order) == first
            {
                self.ask(Question::Srv(record.replacement), transport, 0);
            }
        }
        if first.is_none() {
            // `_sips` only for what must be secure.
            let plain = [Transport::Udp, Transport::Tcp];
            for transport in self.supported.clone() {
                if secure == (transport == Transport::Tls) && (secure || plain.contains(&transport))
                {
                    self.ask(Question::Srv(service(transport, &host)), transport, 0);
                }
            }
        }
        if self.steps.is_empty()
            && let Some(transport) = self.fallback.take()
        {
            self.ask(Question::Addresses(host), transport, transport.default_port());
        }
    }

    /// The addresses of each target, best first, before whatever else is to be asked.
    fn srv(&mut self, mut records: Vec<Srv>, transport: Transport, dice: &mut Dice) {
        if records.is_empty() {
            return;
        }
        // Somebody has said where the service is, or that there is none.
        self.fallback = None;
        records.retain(|record| !no_name(&record.target));
        records.truncate(limits::SRV_RECORDS);
        for record in in_order(records, dice).into_iter().rev() {
            let question = Question::Addresses(record.target);
            self.steps.push_front(Step { question, transport, port: record.port });
        }
    }

    /// Where to send, in the order to try.
    #[must_use]
    pub fn into_hops(self) -> Vec<Hop> {
        self.hops
    }
}

fn no_name(name: &str) -> bool {
    name.trim_end_matches('.').is_empty()
}

fn service(transport: Transport, host: &str) -> String {
    let prefix = match transport {
        Transport::Udp => "_sip._udp",
        Transport::Tls | Transport::Wss => "_sips._tcp",
        Transport::Tcp | Transport::Ws => "_sip._tcp",
    };
    format!("{prefix}.{host}")
}

fn naptr_transport(service: &str) -> Option<Transport> {
    match service.to_ascii_uppercase().as_str() {
        "SIP+D2U" => Some(Transport::Udp),
        "SIP+D2T" => Some(Transport::Tcp),
        "SIPS+D2T" => Some(Transport::Tls),
        _ => None,
    }
}

/// Lowest priority first; within one, drawn by weight, those of weight 0 with a small chance
/// (RFC 2782).
fn in_order(mut records: Vec<Srv>, dice: &mut Dice) -> Vec<Srv> {
    records.sort_by_key(|r| (r.priority, r.weight));
    let mut ordered = Vec::with_capacity(records.len());
    while let Some(priority) = records.first().map(|r| r.priority) {
        let same = records.iter().take_while(|r| r.priority == priority);
        let sum: u64 = same.clone().map(|r| u64::from(r.weight)).sum();
        let drawn = dice.number() % (sum + 1);
        let mut running = 0;
        let place = same.clone().position(|r| {
            running += u64::from(r.weight);
            running >= drawn
        });
        ordered.push(records.remove(place.unwrap_or(0)));
    }
    ordered
}

#[cfg(test)]
#[path = "locate_tests.rs"]
mod tests;
