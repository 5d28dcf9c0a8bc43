//! Seats that dial, transfer, take over and hang up at random while callers come and go, people order
//! this and that and the configuration changes: nothing panics, nobody stays busy, nothing is left.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

#[allow(dead_code, reason = "each test file uses a part of the world")]
mod scenario;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use scenario::company::{self, Company};
use scenario::{OURS, SDP, TRUNK, World, header, respond, seat_address, settings};
use siaga112::journal::Fact;
use siaga112::sip::locate::{Hop, Target};
use siaga112::sip::{Name, Transport, Uri};
use siaga112::switchboard::Input;
use siaga112::switchboard::orders::{Answer, Order, SeatStatus};
use siaga112::switchboard::settings::SwitchboardSettings;
use siaga112::trunk::settings::{LineSettings, TrunkSettings};
use siaga112::vocabulary::{AnswerMode, Dice, Private, SeatId};

const SEATS: usize = 4;
/// The carrier that takes our calls is where a seat of this number would be.
const CARRIER: usize = 9;
/// The number of every caller.
const NUMBER: &str = "+6281234567890";
const DOMAIN: &str = "112.example";

/// A dialog from the phone's side.
#[derive(Clone, Debug)]
struct Line {
    seat: usize,
    call_id: String,
    own: String,
    peer: String,
}

struct Turmoil {
    world: World,
    dice: Dice,
    /// Requests of ours that have their final response.
    answered: BTreeSet<usize>,
    lines: Vec<Line>,
    callers: Vec<u32>,
    number: u32,
    ports: u16,
    company: Company,
}

fn tag(value: &str) -> &str {
    value.split(";tag=").nth(1).unwrap_or("none")
}

/// A centre with a carrier that takes calls.
fn centre(mode: AnswerMode) -> SwitchboardSettings {
    let mut settings = settings(SEATS, mode);
    let uri = Uri::read("sip:sbc.telco-a.example");
    let line = LineSettings {
        target: Target::of(&uri).unwrap(),
        uri,
        register: false,
        account: None,
        from_user: "siaga".into(),
        caller_id: None,
        probe: None,
    };
    let (id, sources, line) = ("telco-a".into(), Vec::new(), Some(line.into()));
    settings.trunks.push(TrunkSettings { id, sources, line, ..settings.trunks[0].clone() });
    settings
}

impl Turmoil {
    fn new(seed: u64) -> Self {
        let mut dice = Dice::from_number(seed);
        let ports = if dice.number().is_multiple_of(4) { 6 } else { 200 };
        let mode = match dice.number() % 3 {
            0 => AnswerMode::Immediate,
            1 => AnswerMode::AfterSeconds(3),
            _ => AnswerMode::OnAgent,
        };
        let mut world = World::of(centre(mode), ports);
        let (transport, name) = (Transport::Udp, "sbc.telco-a.example".into());
        let hop = Hop { transport, address: seat_address(CARRIER).parse().unwrap(), name };
        let (hops, good_for) = (vec![hop], Duration::from_secs(36_000));
        world.take(Input::Located { trunk: "telco-a".into(), hops, wrong: None, good_for });
        for seat in 1..=SEATS {
            world.register(seat);
        }
        let (answered, lines, callers) = (BTreeSet::new(), Vec::new(), Vec::new());
        let company = Company::default();
        Self { world, dice, answered, lines, callers, number: 0, ports, company }
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.dice.number() % n.max(1) as u64).unwrap()
    }

    fn line(&mut self) -> Option<Line> {
        // Mostly one of the last: the others are over.
        let back = self.below(5.min(self.lines.len()));
        self.lines.get(self.lines.len().checked_sub(1 + back)?).cloned()
    }

    /// A request of a phone within a dialog.
    fn within(&mut self, line: &Line, method: &str, more: &str, sdp: &str) {
        self.number += 1;
        let (n, from) = (self.number, seat_address(line.seat));
        let cseq = if method == "ACK" { 2 } else { 100 + n };
        let kind = if sdp.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let text = format!(
            "{method} sip:{OURS} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bKw{n};rport\r\n\
             From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {cseq} {method}\r\nContact: <sip:seat@{from}>\r\n\
             {more}{kind}Content-Length: {}\r\n\r\n{sdp}",
            line.own,
            line.peer,
            line.call_id,
            sdp.len()
        );
        self.world.hear(&from, &text);
    }

    fn dial(&mut self, more: &str) {
        self.number += 1;
        let (n, seat, to) = (self.number, 1 + self.below(SEATS), 1 + self.below(SEATS));
        let (from, user) = (seat_address(seat), format!("seat-{seat}"));
        let to = if self.below(6) == 0 { NUMBER.to_owned() } else { format!("seat-{to}") };
        let uri = format!("sip:{to}@{DOMAIN}");
        let sdp = if self.below(4) == 0 { "" } else { SDP };
        let kind = if sdp.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let own = format!("<sip:{user}@{DOMAIN}>;tag=own{n}");
        let text = |cseq: u32, proof: &str| {
            format!(
                "INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bKd{n}-{cseq};rport\r\n\
                 From: {own}\r\nTo: <{uri}>\r\nCall-ID: own-{n}\r\nCSeq: {cseq} INVITE\r\n\
                 Contact: <sip:{user}@{from}>\r\n{proof}{more}{kind}Content-Length: {}\r\n\r\n{sdp}",
                sdp.len()
            )
        };
        self.world.hear(&from, &text(1, ""));
        if !self.world.last().contains("WWW-Authenticate") {
            return;
        }
        let proof = self.world.proof(&user, "pw", "INVITE", "sip:112.example");
        self.world.hear(&from, &text(2, &proof));
        if self.below(5) == 0 {
            let cancel =
                text(2, "").replacen("INVITE", "CANCEL", 1).replace("2 INVITE", "2 CANCEL");
            self.world.hear(&from, &cancel);
        }
    }

    /// Learns the dialogs of our 180s and 200s to the phones' INVITEs, and acknowledges most.
    fn learn(&mut self) {
        for (at, sent) in self.world.sent.clone().into_iter().enumerate() {
            let ours = sent.text.contains("Call-ID: own-");
            let invite = header_is(&sent.text, "INVITE");
            if !ours || !invite || !sent.text.starts_with("SIP/2.0") || self.answered.contains(&at)
            {
                continue;
            }
            self.answered.insert(at);
            let seat: usize =
                sent.to["10.0.0.".len()..].split(':').next().unwrap().parse().unwrap();
            let line = Line {
                seat,
                call_id: header(&sent.text, Name::CallId),
                own: header(&sent.text, Name::From),
                peer: header(&sent.text, Name::To),
            };
            if sent.text.starts_with("SIP/2.0 200") && self.below(8) != 0 {
                let sdp = if self.below(2) == 0 { SDP } else { "" };
                self.within(&line, "ACK", "", sdp);
            }
            if sent.text.starts_with("SIP/2.0 2") || sent.text.starts_with("SIP/2.0 18") {
                self.lines.push(line);
            }
        }
    }

    /// The phones answer what we asked, in one way or another.
    fn answer(&mut self, all: bool) {
        for (at, sent) in self.world.sent.clone().into_iter().enumerate() {
            let asked = !sent.text.starts_with("SIP/2.0") && !sent.text.starts_with("ACK");
            if !asked || self.answered.contains(&at) || (!all && self.below(3) == 0) {
                continue;
            }
            if sent.text.starts_with("INVITE") && sent.to != TRUNK {
                let code = match self.below(if all { 1 } else { 8 }) {
                    0 => 486,
                    1 => 180,
                    2 => 408,
                    _ => 200,
                };
                let code = if all { 487 } else { code };
                let body = if code == 200 && self.below(10) != 0 { SDP } else { "" };
                let who = format!("p{at}");
                self.world.hear(&sent.to, &respond(&sent.text, code, &who, body));
                if code == 180 {
                    continue;
                }
                if code == 200 {
                    let seat = sent.to["10.0.0.".len()..].split(':').next().unwrap();
                    let to = header(&sent.text, Name::To);
                    let own = if to.contains(";tag=") { to } else { format!("{to};tag={who}") };
                    self.lines.push(Line {
                        seat: seat.parse().unwrap(),
                        call_id: header(&sent.text, Name::CallId),
                        own,
                        peer: header(&sent.text, Name::From),
                    });
                }
            } else {
                let code = if self.below(12) == 0 && !all { 481 } else { 200 };
                let body = if sent.text.starts_with("INVITE") { SDP } else { "" };
                self.world.hear(&sent.to, &respond(&sent.text, code, "x", body));
            }
            self.answered.insert(at);
        }
    }

    fn act(&mut self) {
        match self.below(28) {
            0 | 1 => {
                let call = self.world.call();
                self.callers.push(call);
            }
            3 => self.answer(false),
            4 => self.learn(),
            5 => self.dial(""),
            6 | 2 => {
                let Some(line) = self.line() else { return };
                let to = 1 + self.below(SEATS);
                let to = ["darurat".to_owned(), format!("seat-{to}"), "+6281".to_owned()]
                    [self.below(3)]
                .clone();
                self.within(&line, "REFER", &format!("Refer-To: <sip:{to}@{DOMAIN}>\r\n"), "");
            }
            7 | 8 => {
                let (Some(line), Some(other)) = (self.line(), self.line()) else { return };
                let to = format!(
                    "Refer-To: <sip:x@{DOMAIN}?Replaces={}%3Bto-tag%3D{}%3Bfrom-tag%3D{}>\r\n",
                    other.call_id,
                    tag(&other.peer),
                    tag(&other.own)
                );
                self.within(&line, "REFER", &to, "");
            }
            9 => {
                let Some(line) = self.line() else { return };
                let (peer, own) = (tag(&line.peer).to_owned(), tag(&line.own).to_owned());
                self.dial(&format!("Replaces: {};to-tag={peer};from-tag={own}\r\n", line.call_id));
            }
            10 => {
                let Some(line) = self.line() else { return };
                let held = SDP.replace("sendrecv", "sendonly");
                let sdp = ["", SDP, &held][self.below(3)];
                self.within(&line, "INVITE", "", sdp);
            }
            11 => {
                let Some(line) = self.line() else { return };
                self.within(&line, "BYE", "", "");
            }
            12 => {
                let at = self.below(self.callers.len());
                let Some(call) = self.callers.get(at).copied() else { return };
                self.caller_leaves(call);
            }
            13 => {
                let at = self.below(self.callers.len());
                let Some(call) = self.callers.get(at).copied() else { return };
                if self.is_answered(call) {
                    self.world.ack(call);
                }
            }
            14 if self.below(3) == 0 => self.reload(),
            17 | 18 => self.call_back(),
            19 | 20 => self.order(),
            22..=26 => company::order(&mut self.world, &mut self.dice, SEATS),
            _ => {
                let ms = [10, 600, 600, 5_000, 5_000, 33_000, 61_000][self.below(7)];
                self.world.pass(Duration::from_millis(ms));
            }
        }
    }

    /// A centre in which much is talked about together.
    fn act_in_company(&mut self) {
        match self.below(20) {
            0 => {
                let call = self.world.call();
                self.callers.push(call);
                self.world.pass(Duration::from_millis(10));
                self.answer(false);
                if self.is_answered(call) {
                    self.world.ack(call);
                }
            }
            1..=6 => company::order(&mut self.world, &mut self.dice, SEATS),
            7..=9 => {
                let Some(line) = self.line() else { return };
                let sdp =
                    [SDP.to_owned(), SDP.replace("sendrecv", "sendonly")][self.below(2)].clone();
                self.within(&line, "INVITE", "", &sdp);
                if self.below(3) != 0 {
                    self.within(&line, "ACK", "", "");
                }
            }
            10..=12 => {
                let Some(line) = self.line() else { return };
                self.within(&line, "BYE", "", "");
            }
            13..=15 => {
                let ms = [10, 600, 5_000, 33_000, 61_000][self.below(5)];
                self.world.pass(Duration::from_millis(ms));
            }
            _ => self.act(),
        }
        self.answer(false);
    }

    fn seat(&mut self) -> SeatId {
        format!("seat-{}", 1 + self.below(SEATS)).as_str().into()
    }

    fn call_back(&mut self) {
        let Ok(Answer::Work(work)) = self.world.order(Order::WorkList) else { return };
        let seat = self.seat();
        let at = self.below(work.len());
        let Some(work) = work.get(at).map(|entry| entry.id) else { return };
        let by = "t".to_owned();
        if self.below(10) == 0 {
            let _ = self.world.order(Order::CloseWork { work, why: "t".into(), by });
        } else {
            let _ = self.world.order(Order::CallBack { work, seat, by });
        }
    }

    /// An order of no particular sense: most are refused.
    fn order(&mut self) {
        let (seat, by) = (self.seat(), "t".to_owned());
        let mut calls = self.world.look().calls;
        if self.below(4) != 0 {
            calls.retain(|call| matches!(call.state.as_str(), "waiting" | "ringing"));
        }
        let at = self.below(calls.len());
        let Some(call) = calls.get(at).map(|call| call.call) else { return };
        let number = Private::new(NUMBER.to_owned());
        let order = match self.below(9) {
            0 => Order::ExtendWrapUp { seat, seconds: 30, by },
            1 => Order::MarkNumber { call, number, hours: None, by },
            2 => Order::ClearNumber { number, by },
            3 => {
                let status =
                    if self.below(3) == 0 { SeatStatus::Paused } else { SeatStatus::Ready };
                Order::SetSeat { seat, status, reason: String::new(), by }
            }
            _ => Order::PickUp { call, seat, by },
        };
        let _ = self.world.order(order);
    }

    /// Another configuration: without one seat, or with the carrier by another name.
    fn reload(&mut self) {
        let mut fresh = centre(AnswerMode::OnAgent);
        let gone = self.below(2 * SEATS);
        if gone < SEATS {
            fresh.seats.remove(gone);
            fresh.sip.accounts.remove(gone);
        } else if gone == SEATS {
            fresh.trunks[0].id = "telco-c".into();
        }
        let (digest, by) = (String::new(), "t".into());
        self.world.take(Input::Adopt { settings: Box::new(fresh), digest, by });
        if gone >= SEATS {
            for seat in 1..=SEATS {
                self.world.register(seat);
            }
        }
    }

    fn is_answered(&self, call: u32) -> bool {
        let own = format!("Call-ID: call-{call}\r\n");
        self.world.sent.iter().any(|s| s.text.starts_with("SIP/2.0 200") && s.text.contains(&own))
    }

    fn caller_leaves(&mut self, call: u32) {
        if self.is_answered(call) {
            self.world.ack(call);
            self.world.trunk_sends(call, "BYE", 900, "");
        } else {
            self.world.cancel(call);
        }
    }

    /// Everybody leaves; then nothing is left.
    fn end(mut self, seed: u64) -> Company {
        for _ in 0..4 {
            for call in self.callers.clone() {
                self.caller_leaves(call);
            }
            self.learn();
            for line in self.lines.clone() {
                self.within(&line, "BYE", "", "");
            }
            self.answer(true);
            self.world.pass(Duration::from_secs(40));
        }
        self.world.pass(Duration::from_secs(300));
        self.answer(true);
        self.world.pass(Duration::from_secs(300));
        self.company.check(&mut self.world);
        let board = self.world.look();
        assert!(board.calls.is_empty(), "seed {seed}: {:#?}", board.calls);
        let busy = |state: &str| matches!(state, "talking" | "offered" | "engaged");
        assert!(!board.seats.iter().any(|s| busy(&s.state)), "seed {seed}: {:#?}", board.seats);
        assert_eq!(self.world.board.live(), 0, "seed {seed}");
        assert!(self.world.streams.is_empty(), "seed {seed}: {:?}", self.world.streams);
        assert!(self.ports > 0);
        self.company
    }
}

/// Whether the CSeq names this method.
fn header_is(text: &str, method: &str) -> bool {
    header(text, Name::CSeq).ends_with(method)
}

#[test]
fn whatever_seats_do_nothing_is_left_and_nobody_stays_busy() {
    const SEEDS: u64 = 40;
    let (mut transfers, mut presses, mut picked) = (0, 0, 0);
    for seed in 0..SEEDS {
        let mut turmoil = Turmoil::new(seed);
        for _ in 0..90 {
            turmoil.act();
            turmoil.company.check(&mut turmoil.world);
            if turmoil.below(2) == 0 {
                turmoil.answer(false);
                turmoil.learn();
            }
        }
        for entry in &turmoil.world.facts {
            match entry.fact {
                Fact::Transferred { .. } => transfers += 1,
                Fact::WorkTried { .. } => presses += 1,
                Fact::PickedUp { .. } => picked += 1,
                _ => {}
            }
        }
        turmoil.end(seed);
    }
    assert!(transfers >= 12, "{transfers} transfers in {SEEDS} stories");
    assert!(presses >= 8, "{presses} attempts to call back in {SEEDS} stories");
    assert!(picked >= 3, "{picked} callers picked up in {SEEDS} stories");
}

#[test]
fn whoever_is_brought_in_comes_and_goes_the_caller_is_never_left_alone() {
    const SEEDS: u64 = 150;
    let mut seen = BTreeMap::<&str, usize>::new();
    for seed in 0..SEEDS {
        let mut turmoil = Turmoil::new(1000 + seed);
        for _ in 0..80 {
            turmoil.act_in_company();
            turmoil.company.check(&mut turmoil.world);
        }
        for (what, times) in turmoil.end(seed).seen {
            *seen.entry(what).or_default() += times;
        }
    }
    for what in [
        "joined",
        "changed",
        "held",
        "private",
        "took over",
        "an agency had the caller",
        "waits again",
    ] {
        assert!(seen.get(what) >= Some(&3), "{what}: {seen:?}");
    }
}
