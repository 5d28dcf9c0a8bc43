//! Bad days on a virtual clock: carriers and phones that do everything a peer may do, a network
//! that loses, doubles and reorders, a disk that stalls, ports that run out, reloads, a drain; for a
//! plain centre, and for one that has everything (`centre`). Whatever happens, each call ends once,
//! everything comes back, and a seed is a seed.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::cast_possible_truncation,
    clippy::too_many_lines,
    reason = "a test may fail loudly"
)]

#[path = "simulation/centre.rs"]
mod centre;
mod scenario;

use std::collections::BTreeMap;
use std::time::Duration;

use centre::{RECORDERS, locate, rich};
use scenario::company::{self, Company};
use scenario::{
    SDP, TEXT, TRUNK, World, header, in_dialog, invite, respond, seat_address, settings,
};
use siaga112::call::orders::{MediaReport, Sound};
use siaga112::journal::Fact;
use siaga112::sip::Name;
use siaga112::switchboard::Input;
use siaga112::switchboard::orders::{Answer, Order, SeatStatus};
use siaga112::vocabulary::{AnswerMode, CallId, Dice, Moment, OfferId, Private, SeatId, StreamId};

const SEEDS: u64 = 40;
const RICH_SEEDS: u64 = 120;
const STEPS: u32 = 300;
const SEATS: usize = 3;
/// A peer answers at the earliest when the world has stood still for so long.
const BLINK: Duration = Duration::from_millis(250);

/// One call as its carrier sees it.
struct Caller {
    invite: String,
    /// Our last response to its INVITE that has a tag, final or not.
    dialog: Option<String>,
    heard: bool,
    answered: bool,
    /// It has hung up, or was told that the call is over.
    over: bool,
    /// Its switch is dead: it says nothing any more.
    dead: bool,
    number: u32,
}

#[derive(Clone, Copy, PartialEq)]
enum Phone {
    Rings,
    Talks,
    Over,
}

/// One INVITE as a phone sees it.
struct Ring {
    invite: String,
    state: Phone,
    last: String,
    number: u32,
}

struct Day {
    world: World,
    dice: Dice,
    /// Datagrams on their way to us: arrival and a running number, then sender and text.
    wire: BTreeMap<(Moment, u64), (String, String)>,
    posted: u64,
    bad_network: bool,
    draining: bool,
    ports: u16,
    /// The centre has everything.
    rich: bool,
    /// Seats of the configuration in force.
    seats: usize,
    calls: u32,
    callers: BTreeMap<u32, Caller>,
    /// By the phone's address and the Call-ID.
    rings: BTreeMap<(String, String), Ring>,
    sent_seen: usize,
    facts_seen: usize,
    offers: BTreeMap<OfferId, SeatId>,
    arrived: BTreeMap<CallId, usize>,
    company: Company,
}

impl Day {
    fn new(seed: u64, is_rich: bool) -> Self {
        let mut dice = Dice::from_number(seed);
        let answer = match seed % 3 {
            0 => AnswerMode::OnAgent,
            1 => AnswerMode::Immediate,
            _ => AnswerMode::AfterSeconds(5),
        };
        let ports = [200, 12, 7, 5][(dice.number() % 4) as usize];
        let mut world = match is_rich {
            true => World::of(rich(&mut dice, SEATS, answer), ports),
            false => World::with_ports(SEATS, answer, ports),
        };
        if is_rich {
            locate(&mut world);
        }
        (1..=SEATS).for_each(|seat| world.register(seat));
        Self {
            sent_seen: world.sent.len(),
            facts_seen: 0,
            world,
            dice,
            wire: BTreeMap::new(),
            posted: 0,
            ports,
            rich: is_rich,
            bad_network: true,
            draining: false,
            seats: SEATS,
            calls: 0,
            callers: BTreeMap::new(),
            rings: BTreeMap::new(),
            offers: BTreeMap::new(),
            arrived: BTreeMap::new(),
            company: Company::default(),
        }
    }

    fn pick(&mut self, n: usize) -> usize {
        (self.dice.number() % n as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.pick(n) == 0
    }

    // ---- the network -------------------------------------------------------------------------

    /// How often a datagram arrives.
    fn copies(&mut self) -> usize {
        match self.pick(16) {
            0 if self.bad_network => 0,
            1 if self.bad_network => 2,
            _ => 1,
        }
    }

    fn post(&mut self, from: &str, text: String) {
        for _ in 0..self.copies() {
            let delay = self.pick(if self.bad_network { 400 } else { 20 }) as u64 + 1;
            let at = self.world.now.moment.after(Duration::from_millis(delay));
            self.posted += 1;
            self.wire.insert((at, self.posted), (from.to_owned(), text.clone()));
        }
    }

    fn pass(&mut self, span: Duration) {
        let until = self.world.now.moment.after(span);
        while self.world.now.moment < until {
            let next = self.world.now.moment.after(BLINK).min(until);
            match self.wire.first_entry() {
                Some(first) if first.key().0 <= next => {
                    let ((at, _), (from, text)) = first.remove_entry();
                    self.world.pass(at.since(self.world.now.moment));
                    self.world.hear(&from, &text);
                }
                _ => self.world.pass(next.since(self.world.now.moment)),
            }
            self.deliver();
            self.check();
        }
    }

    /// The peers hear what we sent.
    fn deliver(&mut self) {
        while let Some(sent) = self.world.sent.get(self.sent_seen).cloned() {
            self.sent_seen += 1;
            for _ in 0..self.copies() {
                if sent.to == TRUNK {
                    self.carrier_hears(&sent.text);
                } else {
                    self.phone_hears(&sent.to, &sent.text);
                }
            }
        }
    }

    // ---- a carrier ---------------------------------------------------------------------------

    fn carrier_hears(&mut self, text: &str) {
        let id = header(text, Name::CallId);
        let Some(number) = id.strip_prefix("call-").and_then(|n| n.parse().ok()) else { return };
        let Some(caller) = self.callers.get_mut(&number) else { return };
        if caller.dead {
            return;
        }
        let Some(status) = text.strip_prefix("SIP/2.0 ") else {
            if text.starts_with("OPTIONS") {
                let code = if caller.over { 481 } else { 200 };
                return self.post(TRUNK, respond(text, code, "x", ""));
            }
            if text.starts_with("INVITE") {
                // Our refresh: of a session that the caller knows, or has forgotten.
                let over = caller.over;
                let code = match self.pick(8) {
                    _ if over => 481,
                    0 => 491,
                    1 => 500,
                    _ => 200,
                };
                let timer = "Session-Expires: 40;refresher=uac\r\nContact:";
                let sdp = if code == 200 { SDP } else { "" };
                let answer = respond(text, code, "x", sdp).replacen("Contact:", timer, 1);
                return self.post(TRUNK, answer);
            }
            if text.starts_with("ACK") {
                return;
            }
            // The only other request of ours is BYE.
            assert!(text.starts_with("BYE"), "{text}");
            if caller.dialog.is_none() {
                // Every 200 of half a minute was lost: we have given up (RFC 3261 §13.3.1.4).
                let answers = |s: &&scenario::Sent| {
                    s.text.starts_with("SIP/2.0 200")
                        && s.text.contains(&format!("Call-ID: {id}\r\n"))
                };
                let answers = self.world.sent.iter().filter(answers).count();
                assert!(answers >= 8, "BYE for an INVITE that was not answered:\n{text}");
                return self.post(TRUNK, respond(text, 481, "x", ""));
            }
            caller.over = true;
            return self.post(TRUNK, respond(text, 200, "x", ""));
        };
        let code: u16 = status[..3].parse().unwrap();
        let sequence = header(text, Name::CSeq);
        let Some(sequence) = sequence.strip_suffix(" INVITE") else { return };
        let sequence: u32 = sequence.parse().unwrap();
        caller.heard = true;
        if code > 100 && code < 300 {
            caller.dialog = Some(text.to_owned());
        }
        let rseq = header(text, Name::RSeq);
        match code {
            0..200 if !rseq.is_empty() => {
                if self.one_in(2) {
                    let caller = self.callers.get_mut(&number).unwrap();
                    caller.number += 1;
                    let prack = in_dialog(number, text, "PRACK", caller.number, "");
                    let rack = format!("RAck: {rseq} {sequence} INVITE\r\nContact:");
                    self.post(TRUNK, prack.replacen("Contact:", &rack, 1));
                }
            }
            0..200 => {}
            200..300 => {
                caller.answered = true;
                let late = caller.over;
                self.post(TRUNK, in_dialog(number, text, "ACK", sequence, SDP));
                if late {
                    self.in_dialog(number, "BYE", "");
                }
            }
            _ => {
                if sequence == 1 {
                    let moved = caller.invite.contains("Replaces:");
                    let draining = (self.draining || moved) && code == 503;
                    assert!(draining || matches!(code, 486 | 487), "refused with {code}:\n{text}");
                    caller.over = true;
                }
                let (via, from) = (header(text, Name::Via), header(text, Name::From));
                let (to, id) = (header(text, Name::To), header(text, Name::CallId));
                self.post(
                    TRUNK,
                    format!(
                        "ACK sip:112@h SIP/2.0\r\nVia: {via}\r\nFrom: {from}\r\nTo: {to}\r\n\
                         Call-ID: {id}\r\nCSeq: {sequence} ACK\r\nContent-Length: 0\r\n\r\n"
                    ),
                );
            }
        }
    }

    fn call(&mut self) {
        self.calls += 1;
        let number = self.calls;
        let uri = match self.pick(12) {
            0 => "urn:service:test.sos",
            1 => "urn:service:sos.fire",
            _ => "sip:0328112@203.0.113.10;user=phone",
        };
        let writes = self.rich && self.one_in(3);
        let text = format!("{SDP}{TEXT}");
        let sdp = if self.one_in(6) { "" } else { SDP };
        let mut invite = invite(number, uri, if writes { &text } else { sdp });
        if self.rich {
            let caller = format!("+6281234567{:03}", number % 5);
            invite = invite.replace("+6281234567890", &caller);
        }
        if self.rich && self.one_in(3) {
            invite = invite.replacen("Contact:", "Require: 100rel\r\nContact:", 1);
        }
        if self.one_in(3) {
            let timer = "Session-Expires: 40;refresher=uas\r\nContact:";
            invite = invite.replacen("Contact:", timer, 1);
        }
        self.post(TRUNK, invite.clone());
        let caller = Caller {
            invite,
            dialog: None,
            heard: false,
            answered: false,
            over: false,
            dead: false,
            number: 1,
        };
        self.callers.insert(number, caller);
    }

    fn in_dialog(&mut self, number: u32, method: &str, sdp: &str) {
        let Some(caller) = self.callers.get_mut(&number) else { return };
        let Some(dialog) = caller.dialog.clone() else { return };
        caller.number += 1;
        let text = in_dialog(number, &dialog, method, caller.number, sdp);
        self.post(TRUNK, text);
    }

    fn hang_up(&mut self, number: u32) {
        let early = self.one_in(4);
        let Some(caller) = self.callers.get_mut(&number) else { return };
        caller.over = true;
        if caller.answered || (early && caller.dialog.is_some()) {
            return self.in_dialog(number, "BYE", "");
        }
        let cancel = caller.invite.replacen("INVITE", "CANCEL", 1);
        self.post(TRUNK, cancel.replace("CSeq: 1 INVITE", "CSeq: 1 CANCEL"));
    }

    fn some_caller(&mut self, wanted: impl Fn(&Caller) -> bool) -> Option<u32> {
        let some: Vec<u32> = self
            .callers
            .iter()
            .filter(|(_, c)| !c.over && !c.dead && wanted(c))
            .map(|(n, _)| *n)
            .collect();
        if some.is_empty() { None } else { Some(some[self.pick(some.len())]) }
    }

    // ---- a phone -----------------------------------------------------------------------------

    fn phone_hears(&mut self, at: &str, text: &str) {
        let key = (at.to_owned(), header(text, Name::CallId));
        let method = text.split(' ').next().unwrap_or("").to_owned();
        if method == "INVITE" {
            if let Some(ring) = self.rings.get(&key) {
                let last = ring.last.clone();
                // A recorder is told who takes part now.
                if RECORDERS.contains(&at) && ring.state == Phone::Talks && text != ring.invite {
                    let code = [200, 200, 200, 200, 488, 500, 481][self.pick(7)];
                    let sdp = if code == 200 { SDP } else { "" };
                    return self.post(at, respond(text, code, "p", sdp));
                }
                return self.post(at, last);
            }
            let (state, code) = match self.pick(10) {
                0 => (Phone::Over, None),
                1 => (Phone::Over, Some(486)),
                2 => (Phone::Rings, None),
                3 => (Phone::Talks, Some(200)),
                _ => (Phone::Rings, Some(180)),
            };
            let ring = Ring { invite: text.to_owned(), state, last: String::new(), number: 1 };
            self.rings.insert(key.clone(), ring);
            if let Some(code) = code {
                self.phone_says(&key, code, state);
            }
            return;
        }
        let Some(ring) = self.rings.get_mut(&key) else { return };
        let state = ring.state;
        if text.starts_with("SIP/2.0 200") && header(text, Name::CSeq).ends_with("INVITE") {
            ring.number -= 1;
            return self.phone_asks(&key, "ACK", "");
        }
        match method.as_str() {
            "CANCEL" => {
                self.post(at, respond(text, 200, "p", ""));
                if state == Phone::Rings {
                    self.phone_says(&key, 487, Phone::Over);
                }
            }
            "BYE" => {
                self.post(at, respond(text, 200, "p", ""));
                self.rings.get_mut(&key).unwrap().state = Phone::Over;
            }
            "OPTIONS" if state == Phone::Talks => self.post(at, respond(text, 200, "p", "")),
            _ => {}
        }
    }

    fn phone_says(&mut self, key: &(String, String), code: u16, state: Phone) {
        let Some(ring) = self.rings.get_mut(key) else { return };
        let tag = format!("p{}", key.0);
        ring.state = state;
        let text = format!("{SDP}{TEXT}");
        let sdp = if ring.invite.contains("m=text") { &text } else { SDP };
        ring.last = respond(&ring.invite, code, &tag, if code == 200 { sdp } else { "" });
        let text = ring.last.clone();
        self.post(&key.0, text);
    }

    /// A phone's own request within its dialog.
    fn phone_asks(&mut self, key: &(String, String), method: &str, sdp: &str) {
        let Some(ring) = self.rings.get_mut(key) else { return };
        ring.number += 1;
        let (from, number) = (&key.0, ring.number);
        let (us, them) = (header(&ring.invite, Name::From), header(&ring.last, Name::To));
        let text = format!(
            "{method} sip:203.0.113.10 SIP/2.0\r\n\
             Via: SIP/2.0/UDP {from};branch=z9hG4bK{method}{number}{};rport\r\n\
             From: {them}\r\nTo: {us}\r\nCall-ID: {}\r\nCSeq: {number} {method}\r\n\
             Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
            key.1,
            key.1,
            sdp.len()
        );
        self.post(&key.0, text);
    }

    /// Somebody writes: a caller, a telephone of a seat, an operator at the desk.
    fn text(&mut self) {
        let writers: Vec<StreamId> = self.world.texts.keys().copied().collect();
        let words = ["tolong", "\u{8}", "api\u{2028}", "\u{fffd}", "di mana? "][self.pick(5)];
        let text = Private::new(words.to_owned());
        if self.one_in(3) {
            let calls = self.world.look().calls;
            if !calls.is_empty() {
                let call = calls[self.pick(calls.len())].call;
                let _ = self.world.order(Order::WriteText { call, text, by: "t".to_owned() });
                let _ = self.world.order(Order::ReadText { call });
            }
        } else if !writers.is_empty() {
            let stream = writers[self.pick(writers.len())];
            self.world.take(Input::Media(MediaReport::Text { stream, text }));
        }
    }

    fn some_phone(&mut self, wanted: Phone) -> Option<(String, String)> {
        let some: Vec<_> =
            self.rings.iter().filter(|(_, r)| r.state == wanted).map(|(k, _)| k.clone()).collect();
        if some.is_empty() { None } else { Some(some[self.pick(some.len())].clone()) }
    }

    // ---- what happens ------------------------------------------------------------------------

    fn step(&mut self) {
        match self.pick(if self.rich { 37 } else { 24 }) {
            34..=36 => self.text(),
            24..=27 => self.media(),
            28 => self.people(),
            29 => self.move_leg(),
            30..=33 => company::order(&mut self.world, &mut self.dice, SEATS),
            0..=4 => self.call(),
            5 | 6 => {
                if let Some(number) = self.some_caller(|_| true) {
                    self.hang_up(number);
                }
            }
            7..=9 => {
                if let Some(key) = self.some_phone(Phone::Rings) {
                    self.phone_says(&key, 200, Phone::Talks);
                }
            }
            10 => {
                if let Some(key) = self.some_phone(Phone::Rings) {
                    self.phone_says(&key, 603, Phone::Over);
                }
            }
            11 | 12 => {
                if let Some(key) = self.some_phone(Phone::Talks) {
                    self.phone_asks(&key, "BYE", "");
                    // Some phones hang up again and again.
                    if !self.one_in(4) {
                        self.rings.get_mut(&key).unwrap().state = Phone::Over;
                    }
                }
            }
            13 => {
                let mut sdp = SDP.replace("sendrecv", "sendonly");
                if self.rich && self.one_in(2) {
                    sdp.push_str(TEXT);
                }
                if let Some(number) = self.some_caller(|c| c.dialog.is_some()) {
                    let method = if self.one_in(2) { "INVITE" } else { "UPDATE" };
                    self.in_dialog(number, method, &sdp);
                }
            }
            14 => {
                let held = SDP.replace("sendrecv", "sendonly");
                let sdp = if self.rich && self.one_in(2) { &held } else { SDP };
                if let Some(key) = self.some_phone(Phone::Talks) {
                    self.phone_asks(&key, "INVITE", sdp);
                }
            }
            15 => {
                let seat = self.pick(SEATS) + 1;
                let spare = format!("10.0.1.{seat}:5060");
                let phone = if self.one_in(2) { spare } else { seat_address(seat) };
                self.register(seat, &phone);
            }
            16 => self.reload(),
            17 => {
                self.world.slow_journal = !self.world.slow_journal;
                self.world.journal_catches_up();
            }
            18 => {
                let seat = format!("seat-{}", self.pick(SEATS) + 1).into();
                let status = if self.one_in(3) { SeatStatus::Paused } else { SeatStatus::Ready };
                let order =
                    Order::SetSeat { seat, status, reason: "break".into(), by: "test".into() };
                self.world.take(Input::Order { number: 1, order });
            }
            19 if self.one_in(3) => {
                if let Some(number) = self.some_caller(|_| true) {
                    self.callers.get_mut(&number).unwrap().dead = true;
                }
            }
            20 => {
                let why = "all in use".to_owned();
                self.world.take(Input::Media(MediaReport::PortsExhausted { why }));
            }
            21 | 22 if self.rich => self.media(),
            23 if self.rich => self.people(),
            _ => {}
        }
        // What nobody has answered is sent again.
        let repeats: Vec<String> = self
            .callers
            .values()
            .filter(|c| !c.heard && !c.over && !c.dead)
            .map(|c| c.invite.clone())
            .collect();
        repeats.into_iter().for_each(|invite| self.post(TRUNK, invite));
        let millis = self.pick(3000) as u64;
        self.pass(Duration::from_millis(millis));
        self.company.check(&mut self.world);
        self.nobody_is_lost();
    }

    /// The registrar answers at once, so this needs no wire. A seat of the configuration before is
    /// refused and stays away.
    fn register(&mut self, seat: usize, phone: &str) {
        if seat <= self.seats {
            self.world.register_phone(seat, phone);
        }
    }

    fn reload(&mut self) {
        let answer = if self.one_in(2) { AnswerMode::OnAgent } else { AnswerMode::Immediate };
        let seats = SEATS - self.pick(2);
        let mut settings = match self.rich {
            true => rich(&mut self.dice, seats, answer),
            false => settings(seats, answer),
        };
        if self.one_in(2) {
            settings.queues[0].id = "renamed".into();
            settings.rules[0].queue = "renamed".into();
            settings.seats.iter_mut().for_each(|s| s.queues = vec!["renamed".into()]);
        }
        self.seats = seats;
        let settings = Box::new(settings);
        self.world.take(Input::Adopt { settings, digest: "x".into(), by: "test".into() });
        if self.rich {
            locate(&mut self.world);
        }
    }

    /// The media plane says something of a stream.
    fn media(&mut self) {
        let streams: Vec<_> = self.world.streams.keys().copied().collect();
        if streams.is_empty() {
            return;
        }
        let stream = streams[self.pick(streams.len())];
        let report = match self.pick(7) {
            0..=3 => MediaReport::Played { stream },
            4 => MediaReport::Sound { stream, sound: Sound::Voice },
            5 => MediaReport::Sound { stream, sound: Sound::Noise },
            _ => MediaReport::Sound { stream, sound: Sound::Key('1') },
        };
        self.world.take(Input::Media(report));
    }

    /// A person wants something.
    fn people(&mut self) {
        let board = self.world.look();
        let seat: SeatId = format!("seat-{}", self.pick(SEATS) + 1).as_str().into();
        let by = "test".to_owned();
        let order = match self.pick(5) {
            0 | 1 if !board.calls.is_empty() => {
                let call = board.calls[self.pick(board.calls.len())].call;
                Order::PickUp { call, seat, by }
            }
            2 if !board.calls.is_empty() => {
                let call = board.calls[self.pick(board.calls.len())].call;
                let number = format!("+6281234567{:03}", self.pick(5));
                Order::MarkNumber { call, number: Private::new(number), hours: None, by }
            }
            3 => Order::ExtendWrapUp { seat, seconds: 60, by },
            _ => {
                let Ok(Answer::Work(work)) = self.world.order(Order::WorkList) else { return };
                if work.is_empty() {
                    return;
                }
                Order::CallBack { work: work[self.pick(work.len())].id, seat, by }
            }
        };
        let _ = self.world.order(order);
    }

    /// The carrier moves an answered call to another of its machines.
    fn move_leg(&mut self) {
        let Some(old) = self.some_caller(|c| c.answered) else { return };
        let dialog = self.callers[&old].dialog.clone().unwrap();
        let tag = header(&dialog, Name::To).split(";tag=").nth(1).unwrap().to_owned();
        self.calls += 1;
        let number = self.calls;
        let replaces =
            format!("Replaces: call-{old};to-tag={tag};from-tag=t{old}\r\nMax-Forwards: 69");
        let invite =
            invite(number, "sip:112@203.0.113.10", SDP).replacen("Max-Forwards: 69", &replaces, 1);
        self.post(TRUNK, invite.clone());
        let caller = Caller {
            invite,
            dialog: None,
            heard: false,
            answered: false,
            over: false,
            dead: false,
            number: 1,
        };
        self.callers.insert(number, caller);
    }

    /// Nobody waits beside a seat that is free, but who is listened to first.
    fn nobody_is_lost(&mut self) {
        if self.world.slow_journal || self.world.streams.len() > 150 || self.ports < 100 {
            return;
        }
        let board = self.world.look();
        let free = board.seats.iter().any(|seat| seat.state == "ready");
        let waits = board
            .calls
            .iter()
            .find(|call| call.state == "waiting" && call.seat.is_none() && call.age_seconds > 70);
        if let (true, Some(call)) = (free, waits) {
            panic!("{call:?} waits beside {:?}", board.seats);
        }
    }

    // ---- what must hold ----------------------------------------------------------------------

    fn check(&mut self) {
        while let Some(entry) = self.world.facts.get(self.facts_seen) {
            self.facts_seen += 1;
            match &entry.fact {
                Fact::Arrived { call, .. } => {
                    assert_eq!(self.arrived.insert(*call, 0), None, "{call} arrived twice");
                }
                Fact::Ended { call, .. } => {
                    let ends = self.arrived.get_mut(call).expect("ends after it arrived");
                    *ends += 1;
                    assert_eq!(*ends, 1, "{call} ended twice");
                }
                Fact::Signalled { messages, cut, .. } => {
                    assert!(*cut || !messages.is_empty(), "an entry of nothing");
                }
                Fact::Offered { offer, seat, .. } => {
                    assert!(!self.offers.values().any(|s| s == seat), "{seat} has two offers");
                    self.offers.insert(*offer, seat.clone());
                }
                Fact::OfferEnded { offer, .. } => {
                    assert!(self.offers.remove(offer).is_some(), "{offer:?} ended twice");
                }
                _ => {}
            }
        }
        assert!(self.offers.len() <= SEATS);
    }

    /// The faults stop, everybody hangs up, and nothing is left.
    fn evening(&mut self, seed: u64) {
        self.bad_network = false;
        self.world.slow_journal = false;
        self.world.journal_catches_up();
        if seed.is_multiple_of(4) {
            self.draining = true;
            self.world.take(Input::Drain);
            self.call();
        }
        let numbers: Vec<u32> = self.callers.keys().copied().collect();
        if seed.is_multiple_of(5) {
            self.draining = true;
            self.world.take(Input::Shutdown);
        }
        for number in numbers {
            self.callers.get_mut(&number).unwrap().dead = false;
            self.hang_up(number);
        }
        self.pass(Duration::from_secs(5));
        for number in self.callers.keys().copied().collect::<Vec<_>>() {
            self.hang_up(number);
        }
        // Seats that call somebody back hang up as well.
        while let Some(key) = self.some_phone(Phone::Talks) {
            self.phone_asks(&key, "BYE", "");
            self.rings.get_mut(&key).unwrap().state = Phone::Over;
        }
        self.pass(Duration::from_secs(150));
        self.company.check(&mut self.world);
        for (call, ends) in &self.arrived {
            assert_eq!(*ends, 1, "{call} ended {ends} times");
        }
        assert!(self.arrived.len() > 20, "{} calls", self.arrived.len());
        assert!(self.offers.is_empty(), "{:?}", self.offers);
        let work = match self.world.order(Order::WorkList) {
            Ok(Answer::Work(work)) => work,
            other => panic!("{other:?}"),
        };
        let on = work.iter().flat_map(|entry| &entry.attempts).find(|a| a.outcome.is_none());
        assert_eq!(on, None, "an attempt that nobody ends");
        let busy = ["offered", "ringing", "talking", "hold", "engaged", "wrap-up", "resting"];
        for seat in self.world.look().seats {
            assert!(!busy.contains(&seat.state.as_str()), "{seat:?}");
        }
        assert!(self.world.streams.is_empty(), "{:?}", self.world.streams);
        assert!(self.world.texts.is_empty(), "{:?}", self.world.texts);
        assert_eq!(self.world.board.live(), 0, "{:?}", self.world.board);
        self.world.pass(Duration::from_secs(2 * 3600));
        if !self.rich {
            assert_eq!(self.world.board.poll_timeout(), None);
        }
        self.world.take(Input::Drain);
        assert!(self.world.ladder.contains(&"* drained".to_owned()));
    }
}

/// One day; everything that was said.
fn day(seed: u64, rich: bool) -> (Vec<String>, BTreeMap<&'static str, usize>) {
    let mut day = Day::new(seed, rich);
    for _ in 0..STEPS {
        day.step();
    }
    day.evening(seed);
    let sent = day.world.sent.into_iter().map(|s| s.text);
    (day.world.ladder.into_iter().chain(sent).collect(), day.company.seen)
}

/// Each seed has its day.
fn days(seeds: u64, rich: bool) -> BTreeMap<&'static str, usize> {
    let mut all = BTreeMap::new();
    for seed in 0..seeds {
        let end = std::panic::catch_unwind(|| day(seed, rich));
        let Ok((_, seen)) = end else { panic!("seed {seed}") };
        for (what, times) in seen {
            *all.entry(what).or_default() += times;
        }
    }
    all
}

#[test]
fn every_call_ends_once_and_everything_comes_back() {
    days(SEEDS, false);
}

#[test]
fn a_centre_that_has_everything_lives_through_bad_days_too() {
    let seen = days(RICH_SEEDS, true);
    for (what, times) in
        [("joined", 30), ("left", 30), ("took over", 3), ("copied", 100), ("not copied", 100)]
    {
        assert!(seen.get(what) >= Some(&times), "{what}: {seen:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_day() {
    for (seed, rich) in [(1, false), (2, false), (3, false), (1, true), (2, true), (3, true)] {
        assert!(day(seed, rich) == day(seed, rich), "seed {seed}");
    }
}
