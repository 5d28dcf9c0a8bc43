//! A centre on a virtual clock: the real switchboard, carriers and phones that speak SIP text, a
//! journal and a media plane that answer at once or when told to. What is said is kept as a ladder.

pub mod company;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use siaga112::acd::settings::{Overflow, QueueSettings, SeatSettings};
use siaga112::call::orders::{MediaOrder, MediaReport, StreamCount};
use siaga112::journal::{Entry, Fact};
use siaga112::routing::settings::{Rule, When};
use siaga112::sip::digest::{Algorithm, Credential};
use siaga112::sip::parse::parse;
use siaga112::sip::settings::{Account, Expires, SipSettings};
use siaga112::sip::{Flow, Listener, Message, Name, Params, Transport};
use siaga112::switchboard::orders::{Answer, Order, Refusal};
use siaga112::switchboard::settings::SwitchboardSettings;
use siaga112::switchboard::view::Board;
use siaga112::switchboard::{Input, Output, Switchboard};
use siaga112::trunk::settings::{Centre, TrunkSettings};
use siaga112::vocabulary::{AnswerMode, CallId, Dice, Moment, Now, StreamId, WallTime};

pub const TRUNK: &str = "198.51.100.7:5060";
pub const STRANGER: &str = "203.0.113.99:5060";
pub const OURS: &str = "203.0.113.10:5060";
/// Our address towards peers of IPv6.
pub const OURS_6: &str = "[2001:db8::10]:5060";
const DOMAIN: &str = "112.example";

pub fn seat_address(number: usize) -> String {
    format!("10.0.0.{number}:5060")
}

#[allow(clippy::too_many_lines, reason = "one configuration, read in one piece")]
pub fn settings(seats: usize, answer: AnswerMode) -> SwitchboardSettings {
    let name = |n: usize| format!("seat-{n}");
    let account = |n: usize| Account {
        seat: name(n).into(),
        credential: Credential::from_password(&name(n), DOMAIN, "pw"),
    };
    let seat = |n: usize| SeatSettings {
        operator: Some("sri".into()),
        ..SeatSettings::new(name(n), &["darurat"])
    };
    SwitchboardSettings {
        centre: Centre {
            name: "NTPD 112".into(),
            area_code: "0328".into(),
            dialled: vec!["112".into(), "urn:service:sos".into(), "urn:service:sos.*".into()],
            timezone: jiff::tz::TimeZone::UTC,
        },
        node: "gw1.112.example".into(),
        sip: SipSettings {
            listen: vec![Listener { transport: Transport::Udp, address: OURS.parse().unwrap() }],
            domain: DOMAIN.into(),
            external_address: None,
            user_agent: "Siaga112".into(),
            timers: Default::default(),
            digest: vec![Algorithm::Sha256, Algorithm::Md5],
            expires: Expires { min: 60, default: 3600, max: 3600 },
            reliable_provisionals: false,
            session: Default::default(),
            accounts: (1..=seats).map(account).collect(),
        },
        media_address: "203.0.113.10".parse().unwrap(),
        browser: Default::default(),
        record: true,
        recorders: Vec::new(),
        seat_audio: Default::default(),
        trunks: vec![TrunkSettings {
            id: "telco-b".into(),
            sources: vec!["198.51.100.0/24".parse().unwrap()],
            tls_names: Vec::new(),
            digest: None,
            trust_identity: true,
            callers: Default::default(),
            area_code: "0328".into(),
            answer: None,
            early_media: Default::default(),
            test_number: Some("112999".into()),
            line: None,
            quiet_alarm: None,
            audio: Default::default(),
        }],
        rules: vec![Rule {
            name: "all".into(),
            priority: 0,
            when: When::default(),
            queue: "darurat".into(),
            call_priority: 0,
            wants: Vec::new(),
        }],
        queues: vec![QueueSettings {
            answer,
            ring_timeout: Duration::from_secs(8),
            wrap_up: Duration::from_secs(5),
            max_wait: Duration::from_secs(60),
            overflow: vec![Overflow::Number("tel:+62811000112".into())],
            ..QueueSettings::new("darurat")
        }],
        announcements: BTreeMap::new(),
        screening: Default::default(),
        seats: (1..=seats).map(seat).collect(),
        categories: Vec::new(),
        places: Vec::new(),
        callout: Default::default(),
        location: Default::default(),
    }
}

/// One datagram that we sent.
#[derive(Clone, Debug)]
pub struct Sent {
    pub to: String,
    pub text: String,
}

pub struct World {
    pub board: Switchboard,
    pub now: Now,
    /// What was said, one line each: `-> 198.51.100.7 180`, `<- …`, `* queued`.
    pub ladder: Vec<String>,
    pub sent: Vec<Sent>,
    pub facts: Vec<Entry>,
    pub orders: Vec<MediaOrder>,
    /// The journal answers only when [`World::journal_catches_up`] is called.
    pub slow_journal: bool,
    /// Streams that the media plane has open, with their ports.
    pub streams: BTreeMap<StreamId, u16>,
    /// The ports for text of those that have one.
    pub texts: BTreeMap<StreamId, u16>,
    /// Hosts that the rim was asked to look up.
    pub located: Vec<String>,
    /// References that the rim was asked to follow.
    pub references: Vec<(CallId, String)>,
    /// Signed identities that are to be verified.
    pub to_vouch: Vec<(CallId, siaga112::trunk::Signed)>,
    /// Data that is wanted: its kind and its reference.
    pub data_wanted: Vec<(CallId, String, String)>,
    answered: Option<Result<Answer, Refusal>>,
    /// Peers that speak over TCP.
    pub on_tcp: BTreeSet<String>,
    /// Peers that speak over a WebSocket.
    pub on_web: BTreeSet<String>,
    ticket: u64,
    calls: u32,
    registrations: u32,
}

impl World {
    /// A centre with registered seats and plenty of ports.
    pub fn new(seats: usize, answer: AnswerMode) -> Self {
        let mut world = Self::unmanned(seats, answer);
        for number in 1..=seats {
            world.register(number);
        }
        world.ladder.clear();
        world
    }

    pub fn unmanned(seats: usize, answer: AnswerMode) -> Self {
        Self::with_ports(seats, answer, 200)
    }

    /// A centre with so many RTP ports and nobody registered.
    pub fn with_ports(seats: usize, answer: AnswerMode, ports: u16) -> Self {
        Self::of(settings(seats, answer), ports)
    }

    /// A centre of these settings, with so many RTP ports and nobody registered.
    pub fn of(settings: SwitchboardSettings, ports: u16) -> Self {
        let now = Now { moment: Moment(1_000_000), wall: WallTime(1_789_621_951_000_000) };
        let board = Switchboard::new(now, settings, Dice::from_number(112));
        let mut world = Self {
            board,
            now,
            ladder: Vec::new(),
            sent: Vec::new(),
            facts: Vec::new(),
            orders: Vec::new(),
            slow_journal: false,
            streams: BTreeMap::new(),
            texts: BTreeMap::new(),
            located: Vec::new(),
            references: Vec::new(),
            to_vouch: Vec::new(),
            data_wanted: Vec::new(),
            answered: None,
            on_tcp: BTreeSet::new(),
            on_web: BTreeSet::new(),
            ticket: 0,
            calls: 0,
            registrations: 0,
        };
        let ports = (0..ports).map(|n| 20_000 + 2 * n).collect();
        world.take(Input::Media(MediaReport::PortsReady(ports)));
        world
    }

    pub fn take(&mut self, input: Input) {
        self.board.handle(self.now, input);
        self.drain();
    }

    /// How a peer speaks with us.
    pub fn flow(&self, from: &str) -> Flow {
        let remote: SocketAddr = from.parse().unwrap();
        let local = if remote.is_ipv4() { OURS } else { OURS_6 }.parse().unwrap();
        let transport = match (self.on_tcp.contains(from), self.on_web.contains(from)) {
            (true, _) => Transport::Tcp,
            (_, true) => Transport::Wss,
            _ => Transport::Udp,
        };
        Flow { transport, local, remote }
    }

    /// A message from somewhere.
    pub fn hear(&mut self, from: &str, text: &str) {
        let flow = self.flow(from);
        self.ladder.push(format!("<- {} {}", flow.remote.ip(), first_word(text)));
        let text = match flow.transport {
            Transport::Udp => text.to_owned(),
            other => {
                let via = format!("Via: SIP/2.0/{}", other.as_str());
                text.replacen("Via: SIP/2.0/UDP", &via, 1)
            }
        };
        self.take(Input::Sip { flow, bytes: text.into() });
    }

    /// Time passes; what is due is done at its moment.
    pub fn pass(&mut self, span: Duration) {
        let until = self.now.moment.after(span);
        while let Some(at) = self.board.poll_timeout().filter(|at| *at <= until) {
            self.advance(at);
            self.board.tick(self.now);
            self.drain();
        }
        self.advance(until);
    }

    fn advance(&mut self, to: Moment) {
        let micros = i64::try_from(to.since(self.now.moment).as_micros()).unwrap();
        self.now =
            Now { moment: to.max(self.now.moment), wall: WallTime(self.now.wall.0 + micros) };
    }

    /// The live board.
    pub fn look(&mut self) -> Board {
        match self.order(Order::Board) {
            Ok(Answer::Board(board)) => *board,
            other => panic!("no board but {other:?}"),
        }
    }

    /// A person orders something.
    pub fn order(&mut self, order: Order) -> Result<Answer, Refusal> {
        self.take(Input::Order { number: 1, order });
        self.answered.take().expect("an answer")
    }

    pub fn journal_catches_up(&mut self) {
        let ticket = self.ticket;
        self.take(Input::Durable { ticket });
    }

    fn drain(&mut self) {
        let mut inputs = Vec::new();
        while let Some(output) = self.board.poll_output() {
            match output {
                Output::Send(send) => {
                    let text = String::from_utf8_lossy(&send.bytes).into_owned();
                    let to = send.flow.remote;
                    self.ladder.push(format!("-> {} {}", to.ip(), first_word(&text)));
                    self.sent.push(Sent { to: to.to_string(), text });
                }
                Output::Journal { ticket, entry } => {
                    self.ladder.extend(told(&entry.fact));
                    self.facts.push(*entry);
                    self.ticket = self.ticket.max(ticket);
                    if !self.slow_journal {
                        inputs.push(Input::Durable { ticket });
                    }
                }
                Output::Media(order) => {
                    inputs.extend(self.obey(&order).into_iter().map(Input::Media));
                    self.orders.push(order);
                }
                Output::Answer { answer, .. } => self.answered = Some(answer),
                Output::Locate { target, .. } => self.located.push(target.host),
                Output::Dereference { call, uri } => self.references.push((call, uri)),
                Output::Vouch { call, signed } => self.to_vouch.push((call, *signed)),
                Output::FetchData { call, purpose, uri } => {
                    self.data_wanted.push((call, purpose, uri));
                }
                Output::Drained => self.ladder.push("* drained".to_owned()),
            }
        }
        for input in inputs {
            self.take(input);
        }
    }

    /// The media plane: a port that is closed is ready again.
    fn obey(&mut self, order: &MediaOrder) -> Vec<MediaReport> {
        match *order {
            MediaOrder::Open { stream, port } => {
                assert!(!self.streams.values().any(|p| *p == port), "port {port} is leased twice");
                self.streams.insert(stream, port);
                Vec::new()
            }
            MediaOrder::OpenText { stream, port } => {
                assert!(self.streams.contains_key(&stream), "text belongs to a stream");
                let twice = self.texts.insert(stream, port);
                assert_eq!(twice, None, "{stream:?} has one port for text");
                Vec::new()
            }
            MediaOrder::Close { stream } => {
                let count = StreamCount { received: 50, sent: 50, lost: 0 };
                let mut reports = vec![MediaReport::Closed { stream, count }];
                let port = self.streams.remove(&stream);
                let ports = port.into_iter().chain(self.texts.remove(&stream));
                reports.extend(ports.map(|port| MediaReport::PortsReady(vec![port])));
                reports
            }
            _ => Vec::new(),
        }
    }

    // ---- seats -------------------------------------------------------------------------------

    pub fn register(&mut self, number: usize) {
        self.register_phone(number, &seat_address(number));
    }

    /// One of a seat's phones registers, for the first time or again.
    pub fn register_phone(&mut self, number: usize, from: &str) {
        let user = format!("seat-{number}");
        self.registrations += 2;
        let first = self.registrations;
        let head = |cseq: u32, more: &str| {
            format!(
                "REGISTER sip:{DOMAIN} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bKreg{number}-{cseq};rport\r\n\
                 From: <sip:{user}@{DOMAIN}>;tag=r{number}\r\nTo: <sip:{user}@{DOMAIN}>\r\n\
                 Call-ID: reg-{from}\r\nCSeq: {cseq} REGISTER\r\nContact: <sip:{user}@{from}>;expires=3600\r\n\
                 {more}Content-Length: 0\r\n\r\n"
            )
        };
        self.hear(from, &head(first, ""));
        let credentials = self.proof(&user, "pw", "REGISTER", &format!("sip:{DOMAIN}"));
        self.hear(from, &head(first + 1, &credentials));
        let taken = |s: &&Sent| s.to == from && s.text.starts_with("SIP/2.0 200");
        assert!(self.sent.iter().rev().take(4).any(|s| taken(&s)), "{}", self.last());
    }

    // ---- logins that may be wrong -------------------------------------------------------------

    /// A phone logs in once; what came of it.
    pub fn log_in(&mut self, user: &str, from: &str, password: &str) -> String {
        self.log_in_with_nonce_of(from, user, from, password)
    }

    /// The same with a challenge that went to another address.
    pub fn log_in_with_nonce_of(
        &mut self,
        challenged: &str,
        user: &str,
        from: &str,
        password: &str,
    ) -> String {
        self.registrations += 2;
        let first = self.registrations;
        let register = |from: &str, cseq: u32, more: &str| {
            format!(
                "REGISTER sip:{DOMAIN} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bKlog{cseq};rport\r\n\
                 From: <sip:{user}@{DOMAIN}>;tag=l\r\nTo: <sip:{user}@{DOMAIN}>\r\n\
                 Call-ID: log-{from}\r\nCSeq: {cseq} REGISTER\r\nContact: <sip:{user}@{from}>;expires=3600\r\n\
                 {more}Content-Length: 0\r\n\r\n"
            )
        };
        self.hear(challenged, &register(challenged, first, ""));
        let proof = self.proof(user, password, "REGISTER", &format!("sip:{DOMAIN}"));
        self.hear(from, &register(from, first + 1, &proof));
        self.last_status(from)
    }

    /// A digest trunk calls; the last that it hears.
    pub fn call_with_password(
        &mut self,
        number: u32,
        from: &str,
        user: &str,
        password: &str,
    ) -> String {
        let plain = invite(number, "sip:112@203.0.113.10", SDP).replace(TRUNK, from);
        self.hear(from, &plain);
        let proof = self.proof(user, password, "INVITE", &format!("sip:{DOMAIN}"));
        let again = plain.replace(&format!("inv{number};"), &format!("again{number};"));
        self.hear(from, &again.replace("Max-Forwards", &format!("{proof}Max-Forwards")));
        self.last_status(from)
    }

    fn last_status(&self, from: &str) -> String {
        let said = self.sent.iter().rev().find(|s| s.to == from && s.text.starts_with("SIP/2.0"));
        said.map_or_else(String::new, |s| first_word(&s.text).to_owned())
    }

    /// Credentials for the challenge that was sent last.
    pub fn proof(&self, user: &str, password: &str, method: &str, uri: &str) -> String {
        let challenge = header(&self.last(), Name::WwwAuthenticate);
        let params = Params::read_at(challenge.trim_start_matches("Digest "), b',');
        let nonce = params.get("nonce").expect("a nonce").to_owned();
        let sha = Algorithm::Sha256;
        let ha1 = sha.hash(&format!("{user}:{DOMAIN}:{password}"));
        let ha2 = sha.hash(&format!("{method}:{uri}"));
        let response = sha.hash(&format!("{ha1}:{nonce}:00000001:c:auth:{ha2}"));
        format!(
            "Authorization: Digest username=\"{user}\", realm=\"{DOMAIN}\", nonce=\"{nonce}\", \
             uri=\"{uri}\", response=\"{response}\", algorithm=SHA-256, qop=auth, \
             nc=00000001, cnonce=\"c\"\r\n"
        )
    }

    /// How many sources the board shows as locked.
    pub fn locked_sources(&mut self) -> usize {
        self.board.handle(self.now, Input::Order { number: 1, order: Order::Board });
        let mut locked = None;
        while let Some(output) = self.board.poll_output() {
            if let Output::Answer { answer: Ok(Answer::Board(board)), .. } = output {
                locked = Some(board.locked_sources);
            }
        }
        locked.expect("a board")
    }

    // ---- a caller ----------------------------------------------------------------------------

    /// A call from the trunk; the number names it from now on.
    pub fn call(&mut self) -> u32 {
        self.calls += 1;
        let number = self.calls;
        let text = invite(number, "sip:0328112@203.0.113.10;user=phone", SDP);
        self.hear(TRUNK, &text);
        number
    }

    pub fn last(&self) -> String {
        self.sent.last().expect("something was sent").text.clone()
    }

    /// The last request of a method that we sent to an address.
    pub fn last_request(&self, to: &str, method: &str) -> String {
        let sent = self.sent.iter().rev().find(|s| s.to == to && s.text.starts_with(method));
        sent.map(|s| s.text.clone()).unwrap_or_else(|| panic!("no {method} was sent to {to}"))
    }

    /// A phone answers the INVITE that rings it with a status.
    pub fn seat_says(&mut self, seat: usize, code: u16) {
        let from = seat_address(seat);
        let invite = self.last_request(&from, "INVITE");
        let text =
            respond(&invite, code, &format!("phone{seat}"), if code == 200 { SDP } else { "" });
        self.hear(&from, &text);
    }

    /// The trunk acknowledges our last 200 to call `number`.
    pub fn ack(&mut self, number: u32) {
        let response = self.last_response(number, "200");
        let text = in_dialog(number, &response, "ACK", 1, "");
        self.hear(TRUNK, &text);
    }

    /// The trunk's request within the dialog of call `number`.
    pub fn trunk_sends(&mut self, number: u32, method: &str, cseq: u32, sdp: &str) {
        let response = self.last_response(number, "200");
        let text = in_dialog(number, &response, method, cseq, sdp);
        self.hear(TRUNK, &text);
    }

    pub fn cancel(&mut self, number: u32) {
        let invite = invite(number, "sip:0328112@203.0.113.10;user=phone", "");
        let text = invite
            .replacen("INVITE sip", "CANCEL sip", 1)
            .replace("CSeq: 1 INVITE", "CSeq: 1 CANCEL")
            .replace("Content-Type: application/sdp\r\n", "");
        self.hear(TRUNK, &text);
    }

    /// Our last response with that status to the INVITE of call `number`.
    pub fn last_response(&self, number: u32, code: &str) -> String {
        let wanted = format!("Call-ID: call-{number}\r\n");
        let found =
            self.sent.iter().rev().find(|s| {
                s.text.starts_with(&format!("SIP/2.0 {code}")) && s.text.contains(&wanted)
            });
        found.map(|s| s.text.clone()).unwrap_or_else(|| panic!("no {code} for call {number}"))
    }

    /// The endings so far, as words.
    pub fn endings(&self) -> Vec<String> {
        let ended = self.facts.iter().filter_map(|entry| match &entry.fact {
            Fact::Ended { ending, .. } => {
                Some(format!("{:?} {:?} {:?}", ending.stage, ending.by, ending.cause))
            }
            _ => None,
        });
        ended.collect()
    }
}

pub const SDP: &str = "v=0\r\no=t 1 1 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n\
    m=audio 17004 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n";

/// What a telephone with text says beside.
pub const TEXT: &str = "m=text 17010 RTP/AVP 100 98\r\na=rtpmap:98 t140/1000\r\na=fmtp:98 cps=20\r\n\
    a=rtpmap:100 red/1000\r\na=fmtp:100 98/98/98\r\n";

pub fn invite(number: u32, uri: &str, sdp: &str) -> String {
    format!(
        "INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {TRUNK};branch=z9hG4bKinv{number};rport\r\n\
         Max-Forwards: 69\r\nFrom: <sip:081234567890@198.51.100.7>;tag=t{number}\r\nTo: <{uri}>\r\n\
         Call-ID: call-{number}\r\nCSeq: 1 INVITE\r\nContact: <sip:trunk@{TRUNK}>\r\n\
         P-Asserted-Identity: <sip:+6281234567890@198.51.100.7>\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    )
}

pub fn in_dialog(number: u32, response: &str, method: &str, cseq: u32, sdp: &str) -> String {
    let to = header(response, Name::To);
    let from = header(response, Name::From);
    let kind = if sdp.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "{method} sip:{OURS} SIP/2.0\r\nVia: SIP/2.0/UDP {TRUNK};branch=z9hG4bK{method}{number}-{cseq};rport\r\n\
         From: {from}\r\nTo: {to}\r\nCall-ID: call-{number}\r\nCSeq: {cseq} {method}\r\n\
         Contact: <sip:trunk@{TRUNK}>\r\n{kind}Content-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    )
}

/// A peer's response to a request of ours.
pub fn respond(request: &str, code: u16, tag: &str, sdp: &str) -> String {
    let to = header(request, Name::To);
    let to = if to.contains(";tag=") { to } else { format!("{to};tag={tag}") };
    let lines: String = [Name::Via, Name::From, Name::CallId, Name::CSeq]
        .into_iter()
        .map(|name| format!("{name}: {}\r\n", header(request, name.clone())))
        .collect();
    let kind = if sdp.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "SIP/2.0 {code} X\r\n{lines}To: {to}\r\nContact: <sip:{tag}@10.0.0.1>\r\n{kind}Content-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    )
}

#[allow(clippy::needless_pass_by_value, reason = "names are written out where they are asked for")]
pub fn header(text: &str, name: Name) -> String {
    let read = parse(&Bytes::copy_from_slice(text.as_bytes())).expect("SIP");
    let headers = match &read.message {
        Message::Request(request) => &request.headers,
        Message::Response(response) => &response.headers,
    };
    headers.text(&name).map(|v| v.into_owned()).unwrap_or_default()
}

fn first_word(text: &str) -> &str {
    let word = text.split_ascii_whitespace();
    let mut word = word.skip(usize::from(text.starts_with("SIP/")));
    word.next().unwrap_or("?")
}

fn told(fact: &Fact) -> Option<String> {
    match fact {
        Fact::Arrived { .. } => Some("* arrived".into()),
        Fact::Queued { queue, .. } => Some(format!("* queued {queue}")),
        Fact::Offered { seat, .. } => Some(format!("* offered {seat}")),
        Fact::OfferEnded { seat, outcome, .. } => Some(format!("* {seat} {outcome:?}")),
        Fact::Answered { seat, .. } => Some(format!("* answered {seat}")),
        Fact::CallerAnswered { .. } => Some("* caller answered".into()),
        Fact::Held { by, .. } => Some(format!("* held {by:?}")),
        Fact::Resumed { by, .. } => Some(format!("* resumed {by:?}")),
        Fact::Ended { ending, .. } => {
            Some(format!("* ended {:?} {:?} {:?}", ending.stage, ending.by, ending.cause))
        }
        Fact::Alarm { name, .. } => Some(format!("* alarm {name}")),
        _ => None,
    }
}
