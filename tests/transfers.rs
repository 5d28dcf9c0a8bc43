//! Seats that dial, transfers, and INVITEs that take the place of a leg: on a virtual clock, told as
//! ladders.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

#[allow(dead_code, reason = "each story uses a part of it")]
mod scenario;

use std::time::Duration;

use scenario::{OURS, SDP, TRUNK, World, header, invite, respond, seat_address};
use siaga112::call::orders::{MediaOrder, Role};
use siaga112::call::table::Part;
use siaga112::journal::Fact;
use siaga112::sip::Name;
use siaga112::switchboard::orders::Order;
use siaga112::vocabulary::{AnswerMode, StreamId};

const DOMAIN: &str = "112.example";

/// A dialog of a seat's phone, from the phone's side.
#[derive(Clone)]
struct Line {
    seat: usize,
    call_id: String,
    /// From and To of the phone's own requests.
    own: String,
    peer: String,
    cseq: u32,
}

impl Line {
    /// The dialog of the INVITE that rang this seat last.
    fn rung(world: &World, seat: usize) -> Self {
        let invite = world.last_request(&seat_address(seat), "INVITE");
        let own = format!("{};tag=phone{seat}", header(&invite, Name::To));
        let (call_id, peer) = (header(&invite, Name::CallId), header(&invite, Name::From));
        Self { seat, call_id, own, peer, cseq: 100 }
    }

    fn send(&mut self, world: &mut World, method: &str, lines: &str) -> String {
        self.cseq += 1;
        let from = seat_address(self.seat);
        let text = format!(
            "{method} sip:{OURS} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bK{}{}-{};rport\r\n\
             From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {} {method}\r\nContact: <sip:seat@{from}>\r\n\
             {lines}Content-Length: 0\r\n\r\n",
            self.seat, method, self.cseq, self.own, self.peer, self.call_id, self.cseq
        );
        let before = world.sent.len();
        world.hear(&from, &text);
        let answer = world.sent[before..]
            .iter()
            .find(|s| s.text.starts_with("SIP/2.0") && s.text.contains(&format!("{method}\r\n")));
        answer.map(|s| s.text.clone()).unwrap_or_default()
    }

    fn refer(&mut self, world: &mut World, to: &str) -> String {
        self.send(world, "REFER", &format!("Refer-To: {to}\r\n"))
    }

    fn tag(value: &str) -> &str {
        value.split(";tag=").nth(1).unwrap()
    }

    /// What another REFER names to put a call in the place of this one.
    fn replaces(&self) -> String {
        format!(
            "{}%3Bto-tag%3D{}%3Bfrom-tag%3D{}",
            self.call_id,
            Self::tag(&self.peer),
            Self::tag(&self.own)
        )
    }
}

/// A seat's phone dials, is challenged and proves itself. The last response is left in `world`.
fn dial(world: &mut World, seat: usize, uri: &str, number: u32, more: &str) -> Line {
    let from = seat_address(seat);
    let user = format!("seat-{seat}");
    let own = format!("<sip:{user}@{DOMAIN}>;tag=own{number}");
    let call_id = format!("own-{number}");
    let text = |cseq: u32, lines: &str| {
        format!(
            "INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bKown{number}-{cseq};rport\r\n\
             From: {own}\r\nTo: <{uri}>\r\nCall-ID: {call_id}\r\nCSeq: {cseq} INVITE\r\n\
             Contact: <sip:{user}@{from}>\r\n{lines}{more}Content-Type: application/sdp\r\n\
             Content-Length: {}\r\n\r\n{SDP}",
            SDP.len()
        )
    };
    world.hear(&from, &text(1, ""));
    let credentials = world.proof(&user, "pw", "INVITE", uri);
    world.hear(&from, &text(2, &credentials));
    Line { seat, call_id, own, peer: format!("<{uri}>"), cseq: 2 }
}

/// The dialling phone learns our tag from our last response to it and acknowledges.
fn acknowledge(world: &mut World, line: &mut Line) {
    let answer = format!("Call-ID: {}\r\n", line.call_id);
    let ok = world
        .sent
        .iter()
        .rev()
        .find(|s| s.text.starts_with("SIP/2.0 200") && s.text.contains(&answer))
        .expect("answered");
    line.peer = header(&ok.text, Name::To);
    line.cseq -= 1;
    line.send(world, "ACK", "");
}

/// A caller talks to seat 1.
fn talking(seats: usize) -> (World, u32, Line) {
    let mut world = World::new(seats, AnswerMode::OnAgent);
    let call = world.call();
    let rung = (1..=seats)
        .find(|n| {
            world.sent.iter().any(|s| s.to == seat_address(*n) && s.text.starts_with("INVITE"))
        })
        .expect("a seat rings");
    world.seat_says(rung, 200);
    world.ack(call);
    let line = Line::rung(&world, rung);
    world.ladder.clear();
    (world, call, line)
}

/// Everything is over: hang up, let the transactions run out, nothing is left.
fn nothing_is_left(world: &mut World) {
    world.pass(Duration::from_secs(120));
    assert_eq!(world.board.live(), 0, "{:#?}", world.ladder);
    assert!(world.streams.is_empty(), "{:?}", world.streams);
}

fn transfers(world: &World) -> Vec<(String, String, bool)> {
    let told = world.facts.iter().filter_map(|entry| match &entry.fact {
        Fact::Transferred { from, to, attended, .. } => {
            Some((from.to_string(), to.clone(), *attended))
        }
        _ => None,
    });
    told.collect()
}

/// The last thing that a seat was told of its transfer.
fn told(world: &World, seat: usize) -> (String, String) {
    let notify = world.last_request(&seat_address(seat), "NOTIFY");
    let body = notify.split("\r\n\r\n").nth(1).unwrap_or("").trim().to_owned();
    (header(&notify, Name::SubscriptionState), body)
}

fn other(seat: usize) -> usize {
    if seat == 1 { 2 } else { 1 }
}

#[test]
fn a_blind_transfer_rings_the_other_seat_and_hands_the_caller_over() {
    let (mut world, call, mut line) = talking(2);
    let second = other(line.seat);
    let answer = line.refer(&mut world, &format!("<sip:seat-{second}@{DOMAIN}>"));
    assert!(answer.starts_with("SIP/2.0 202"), "{answer}");
    assert_eq!(told(&world, line.seat).1, "SIP/2.0 100 Trying");
    world.seat_says(second, 180);
    world.seat_says(second, 200);
    assert_eq!(
        told(&world, line.seat),
        ("terminated;reason=noresource".into(), "SIP/2.0 200 OK".into())
    );
    // The caller notices nothing, the first seat is let go, the audio is connected anew.
    let to_first = world.last_request(&seat_address(line.seat), "BYE");
    world.hear(&seat_address(line.seat), &respond(&to_first, 200, "x", ""));
    assert!(!world.ladder.iter().any(|l| l == "-> 198.51.100.7 BYE"), "{:#?}", world.ladder);
    let bridged = world
        .orders
        .iter()
        .rev()
        .take(8)
        .filter(|order| matches!(order, MediaOrder::Role { role: Role::Hear(_), .. }));
    assert_eq!(bridged.count(), 2);
    let seats = |n: usize| (format!("seat-{}", line.seat), format!("seat-{n}"), false);
    assert_eq!(transfers(&world), [seats(second)]);
    // The second seat hangs up: the call is over for everybody.
    let mut there = Line::rung(&world, second);
    there.send(&mut world, "BYE", "");
    let bye = world.last_request(TRUNK, "BYE");
    world.hear(TRUNK, &respond(&bye, 200, "x", ""));
    assert_eq!(world.endings(), ["Talking Seat HungUp"]);
    let _ = call;
    nothing_is_left(&mut world);
}

#[test]
fn a_transfer_that_fails_leaves_the_caller_with_the_seat() {
    for (code, body) in
        [(486, "SIP/2.0 486 Busy Here"), (480, "SIP/2.0 480 Temporarily Unavailable")]
    {
        let (mut world, call, mut line) = talking(2);
        let second = other(line.seat);
        line.refer(&mut world, &format!("<sip:seat-{second}@{DOMAIN}>"));
        if code == 486 {
            world.seat_says(second, 486);
        } else {
            world.seat_says(second, 180);
            world.pass(Duration::from_secs(31));
            world.seat_says(second, 487);
        }
        assert_eq!(told(&world, line.seat).1, body);
        assert!(world.endings().is_empty());
        world.trunk_sends(call, "BYE", 2, "");
        let bye = world.last_request(&seat_address(line.seat), "BYE");
        world.hear(&seat_address(line.seat), &respond(&bye, 200, "x", ""));
        assert_eq!(world.endings(), ["Talking Caller HungUp"]);
        nothing_is_left(&mut world);
    }
}

#[test]
fn a_caller_whose_seat_leaves_during_a_transfer_that_fails_waits_again() {
    let (mut world, call, mut line) = talking(2);
    let second = other(line.seat);
    line.refer(&mut world, &format!("<sip:seat-{second}@{DOMAIN}>"));
    assert!(line.send(&mut world, "BYE", "").starts_with("SIP/2.0 200"));
    assert!(world.endings().is_empty(), "the caller stays");
    let ring_back = world.orders.iter().rev().take(4);
    assert!(
        ring_back.into_iter().any(|o| matches!(o, MediaOrder::Role { role: Role::RingBack, .. }))
    );
    world.seat_says(second, 603);
    assert!(world.ladder.iter().any(|l| l == "* queued darurat"), "{:#?}", world.ladder);
    // Wrap-up of the first seat, rest of the second: somebody rings again.
    world.pass(Duration::from_secs(6));
    let rings = |n| format!("-> 10.0.0.{n} INVITE");
    let again = world.ladder.iter().filter(|l| **l == rings(1) || **l == rings(2)).count();
    assert!(again >= 2, "{:#?}", world.ladder);
    world.trunk_sends(call, "BYE", 2, "");
    assert_eq!(world.endings().len(), 1);
}

#[test]
fn a_caller_who_leaves_during_a_transfer_ends_everything() {
    let (mut world, call, mut line) = talking(2);
    let second = other(line.seat);
    line.refer(&mut world, &format!("<sip:seat-{second}@{DOMAIN}>"));
    world.seat_says(second, 180);
    world.trunk_sends(call, "BYE", 2, "");
    let cancel = world.last_request(&seat_address(second), "CANCEL");
    world.hear(&seat_address(second), &respond(&cancel, 200, "x", ""));
    world.seat_says(second, 487);
    let bye = world.last_request(&seat_address(line.seat), "BYE");
    world.hear(&seat_address(line.seat), &respond(&bye, 200, "x", ""));
    let notify = world.last_request(&seat_address(line.seat), "NOTIFY");
    world.hear(&seat_address(line.seat), &respond(&notify, 200, "x", ""));
    assert_eq!(world.endings(), ["Talking Caller HungUp"]);
    nothing_is_left(&mut world);
}

#[test]
fn a_transfer_to_a_queue_puts_the_caller_back_at_the_old_place() {
    let (mut world, _, mut line) = talking(2);
    let answer = line.refer(&mut world, "<sip:darurat@112.example>");
    assert!(answer.starts_with("SIP/2.0 202"));
    assert_eq!(told(&world, line.seat).1, "SIP/2.0 200 OK");
    let second = other(line.seat);
    assert!(world.ladder.contains(&format!("-> 10.0.0.{second} INVITE")), "{:#?}", world.ladder);
    assert_eq!(transfers(&world)[0].1, "darurat");
}

#[test]
fn a_transfer_that_is_not_allowed_is_refused_and_changes_nothing() {
    let (mut world, call, mut line) = talking(2);
    let own = line.replaces();
    let cases = [
        ("<sip:nobody@112.example>".to_owned(), "404"),
        ("<sip:seat-9@112.example>".to_owned(), "404"),
        ("<tel:+62811000112>".to_owned(), "503"),
        (format!("<sip:seat-{}@112.example>", line.seat), "486"),
        ("<sip:seat-2@112.example>, <sip:seat-1@112.example>;x".to_owned(), "400"),
        ("<sip:x@h?Replaces=bad>".to_owned(), "400"),
        ("<sip:x@h?Replaces=none%3Bto-tag%3D1%3Bfrom-tag%3D2>".to_owned(), "481"),
        (format!("<sip:x@h?Replaces={own}>"), "400"),
    ];
    for (to, code) in cases {
        let answer = line.refer(&mut world, &to);
        assert!(answer.starts_with(&format!("SIP/2.0 {code}")), "{to}: {answer}");
    }
    assert!(line.send(&mut world, "REFER", "").starts_with("SIP/2.0 400"));
    // Nor may a carrier send its caller to somebody.
    let refer = scenario::in_dialog(call, &world.last_response(call, "200"), "REFER", 2, "");
    let refer = refer.replace("Contact:", "Refer-To: <sip:seat-2@112.example>\r\nContact:");
    world.hear(TRUNK, &refer);
    assert!(world.last().starts_with("SIP/2.0 403"), "{}", world.last());
    assert!(transfers(&world).is_empty() && world.endings().is_empty());
    assert!(!world.ladder.iter().any(|l| l.contains("NOTIFY")), "{:#?}", world.ladder);
}

#[test]
fn a_second_refer_waits_for_the_first_and_a_refused_notify_ends_the_telling() {
    let (mut world, _, mut line) = talking(2);
    let second = other(line.seat);
    let to = format!("<sip:seat-{second}@{DOMAIN}>");
    line.refer(&mut world, &to);
    assert!(line.refer(&mut world, &to).starts_with("SIP/2.0 491"));
    let notify = world.last_request(&seat_address(line.seat), "NOTIFY");
    world.hear(&seat_address(line.seat), &respond(&notify, 481, "x", ""));
    world.ladder.clear();
    world.seat_says(second, 200);
    assert!(!world.ladder.iter().any(|l| l.contains("NOTIFY")), "{:#?}", world.ladder);
    assert_eq!(transfers(&world).len(), 1);
}

#[test]
fn nobody_is_told_who_does_not_want_to_be() {
    let (mut world, _, mut line) = talking(2);
    let second = other(line.seat);
    let lines = format!("Refer-To: <sip:seat-{second}@{DOMAIN}>\r\nRefer-Sub: false\r\n");
    let answer = line.send(&mut world, "REFER", &lines);
    assert_eq!(header(&answer, Name::ReferSub), "false");
    world.seat_says(second, 200);
    assert!(!world.ladder.iter().any(|l| l.contains("NOTIFY")), "{:#?}", world.ladder);
    assert_eq!(transfers(&world).len(), 1);
}

#[test]
fn a_seat_dials_another_seat_and_both_are_engaged() {
    let mut world = World::new(2, AnswerMode::OnAgent);
    let mut line = dial(&mut world, 1, "sip:seat-2@112.example", 1, "");
    assert!(world.ladder.contains(&"-> 10.0.0.2 INVITE".to_owned()), "{:#?}", world.ladder);
    world.seat_says(2, 180);
    assert!(world.last().starts_with("SIP/2.0 180"), "{}", world.last());
    // A caller of the queue rings nobody meanwhile.
    world.ladder.clear();
    let call = world.call();
    assert!(!world.ladder.iter().any(|l| l.ends_with("INVITE") && l.starts_with("->")));
    world.seat_says(2, 200);
    acknowledge(&mut world, &mut line);
    line.send(&mut world, "BYE", "");
    let bye = world.last_request(&seat_address(2), "BYE");
    world.hear(&seat_address(2), &respond(&bye, 200, "x", ""));
    assert!(world.facts.iter().any(|e| matches!(&e.fact, Fact::SeatCallEnded { .. })));
    // Both are free: the caller rings.
    assert!(world.ladder.iter().any(|l| l.starts_with("* offered")), "{:#?}", world.ladder);
    world.cancel(call);
}

#[test]
fn a_seat_that_dials_wrongly_hears_why() {
    let mut world = World::new(2, AnswerMode::OnAgent);
    for (number, (uri, code)) in [
        ("sip:nobody@112.example", "404"),
        ("sip:112@112.example", "403"),
        ("sip:darurat@112.example", "403"),
        ("sip:seat-1@112.example", "486"),
        ("tel:+62811000112", "503"),
    ]
    .into_iter()
    .enumerate()
    {
        dial(&mut world, 1, uri, u32::try_from(number).unwrap(), "");
        assert!(world.last().starts_with(&format!("SIP/2.0 {code}")), "{uri}: {}", world.last());
        let ack = world.last();
        let to = header(&ack, Name::To);
        let mut line = Line {
            seat: 1,
            call_id: format!("own-{number}"),
            own: header(&ack, Name::From),
            peer: to,
            cseq: 1,
        };
        line.send(&mut world, "ACK", "");
    }
    world.pass(Duration::from_secs(60));
    assert_eq!(world.board.live(), 0);
}

/// A caller talks to seat 1, which holds a call of its own with seat 2.
fn consulting() -> (World, u32, Line, Line) {
    consulting_in(2)
}

/// The same in a centre of more seats.
fn consulting_in(seats: usize) -> (World, u32, Line, Line) {
    let (mut world, call, line) = talking(seats);
    let second = other(line.seat);
    let own = dial(&mut world, line.seat, &format!("sip:seat-{second}@{DOMAIN}"), 1, "");
    (world, call, line, own)
}

#[test]
fn an_attended_transfer_brings_the_two_together() {
    let (mut world, call, mut line, mut own) = consulting();
    let second = other(line.seat);
    world.seat_says(second, 200);
    acknowledge(&mut world, &mut own);
    world.ladder.clear();
    let to = format!("<sip:seat-{second}@{DOMAIN}?Replaces={}>", own.replaces());
    assert!(line.refer(&mut world, &to).starts_with("SIP/2.0 202"));
    assert_eq!(told(&world, line.seat).1, "SIP/2.0 200 OK");
    let first = format!("-> 10.0.0.{} BYE", line.seat);
    assert_eq!(world.ladder.iter().filter(|l| **l == first).count(), 2, "{:#?}", world.ladder);
    assert!(!world.ladder.contains(&format!("-> 10.0.0.{second} BYE")));
    assert!(transfers(&world)[0].2, "attended");
    for sent in world.sent.clone() {
        if sent.to == seat_address(line.seat) && sent.text.starts_with("BYE") {
            world.hear(&sent.to, &respond(&sent.text, 200, "x", ""));
        }
    }
    // The caller hangs up: the second seat hears it.
    world.trunk_sends(call, "BYE", 2, "");
    let bye = world.last_request(&seat_address(second), "BYE");
    world.hear(&seat_address(second), &respond(&bye, 200, "x", ""));
    assert_eq!(world.endings(), ["Talking Caller HungUp"]);
    nothing_is_left(&mut world);
}

#[test]
fn whoever_talks_in_the_other_call_comes_along() {
    let (mut world, call, mut line, mut own) = consulting_in(4);
    let second = other(line.seat);
    world.seat_says(second, 200);
    acknowledge(&mut world, &mut own);
    let consulted = world.look().calls.into_iter().find(|c| c.trunk.is_none()).unwrap().call;
    let mut free = (1..=4).filter(|seat| ![line.seat, second].contains(seat));
    let (third, fourth) = (free.next().unwrap(), free.next().unwrap());
    for (seat, part) in [(third, Part::Talk), (fourth, Part::Listen)] {
        let (to, by) = (format!("seat-{seat}"), "siti".to_owned());
        world.order(Order::Join { call: consulted, to, part, by }).unwrap();
        world.seat_says(seat, 200);
    }
    let to = format!("<sip:seat-{second}@{DOMAIN}?Replaces={}>", own.replaces());
    world.ladder.clear();
    assert!(line.refer(&mut world, &to).starts_with("SIP/2.0 202"));
    // Who only listened was there for the seat that has left.
    for (seat, byes) in [(line.seat, 2), (second, 0), (third, 0), (fourth, 1)] {
        let bye = format!("-> 10.0.0.{seat} BYE");
        let said = world.ladder.iter().filter(|line| **line == bye).count();
        assert_eq!(said, byes, "seat {seat}: {:#?}", world.ladder);
    }
    let view = world.look().calls.into_iter().find(|c| c.trunk.is_some()).unwrap();
    let parties: Vec<_> =
        view.parties.iter().map(|it| (it.who.clone(), it.state.clone())).collect();
    assert_eq!(parties, [(format!("seat-{third}"), "here".to_owned())]);
    let hears: Vec<usize> = world.streams.keys().map(|stream| heard_by(&world, *stream)).collect();
    assert_eq!(hears, [2, 2, 2], "the caller, the seat and who came along");
    let engaged = |world: &mut World, seat: usize| {
        let id = format!("seat-{seat}");
        world.look().seats.iter().any(|seat| seat.seat.to_string() == id && seat.state == "engaged")
    };
    assert!(engaged(&mut world, third) && !engaged(&mut world, fourth));
    // A change of theirs is one within the caller's call from now on.
    let mut guest = Line::rung(&world, third);
    guest.send(&mut world, "BYE", "");
    assert!(!engaged(&mut world, third));
    assert!(world.endings().is_empty());
    world.trunk_sends(call, "BYE", 2, "");
    for sent in world.sent.clone() {
        if sent.text.starts_with("BYE") {
            world.hear(&sent.to, &respond(&sent.text, 200, "x", ""));
        }
    }
    nothing_is_left(&mut world);
}

/// How many a stream's peer hears, as ordered last.
fn heard_by(world: &World, stream: StreamId) -> usize {
    let role = world.orders.iter().rev().find_map(|order| match order {
        MediaOrder::Role { stream: of, role } if *of == stream => Some(role),
        _ => None,
    });
    match role {
        Some(Role::Hear(whom)) => whom.len(),
        _ => 0,
    }
}

#[test]
fn an_attended_transfer_may_be_asked_for_in_the_other_call_too() {
    let (mut world, _, line, mut own) = consulting();
    let second = other(line.seat);
    world.seat_says(second, 200);
    acknowledge(&mut world, &mut own);
    let to = format!("<sip:112@{DOMAIN}?Replaces={}>", line.replaces());
    assert!(own.refer(&mut world, &to).starts_with("SIP/2.0 202"));
    assert_eq!(transfers(&world).len(), 1);
    assert!(world.endings().is_empty());
}

#[test]
fn an_attended_transfer_while_it_rings_becomes_a_blind_one() {
    let (mut world, _, mut line, own) = consulting();
    let second = other(line.seat);
    world.seat_says(second, 180);
    let ringing = world.last();
    assert!(ringing.starts_with("SIP/2.0 180"), "{ringing}");
    let own = Line { peer: header(&ringing, Name::To), ..own };
    let to = format!("<sip:seat-{second}@{DOMAIN}?Replaces={}>", own.replaces());
    assert!(line.refer(&mut world, &to).starts_with("SIP/2.0 202"));
    world.ladder.clear();
    world.seat_says(second, 200);
    assert!(world.ladder.contains(&format!("-> 10.0.0.{second} ACK")), "{:#?}", world.ladder);
    assert!(!world.ladder.contains(&format!("-> 10.0.0.{second} BYE")), "{:#?}", world.ladder);
    assert_eq!(transfers(&world).len(), 1);
    // What the target says is on the ladder of the emergency call from now on.
    let emergency = world.facts.iter().find_map(|e| match &e.fact {
        Fact::Arrived { call, .. } => Some(*call),
        _ => None,
    });
    let acked = world.facts.iter().any(|e| {
        matches!(&e.fact, Fact::Signalled { call, messages, .. } if Some(*call) == emergency
            && messages.iter().any(|m| m.message.0.starts_with(b"ACK ")
                && m.remote == seat_address(second).parse().unwrap()))
    });
    assert!(acked, "{:#?}", world.ladder);
    assert_eq!(told(&world, line.seat).1, "SIP/2.0 200 OK");
}

#[test]
fn a_carrier_moves_its_call_to_another_machine() {
    let (mut world, call, line) = talking(1);
    let ok = world.last_response(call, "200");
    let ours = Line::tag(&header(&ok, Name::To)).to_owned();
    let with = |to_tag: &str, more: &str| {
        format!("Replaces: call-{call};to-tag={to_tag};from-tag=t{call}{more}\r\nMax-Forwards: 70")
    };
    let moved = |number: u32, replaces: &str| {
        invite(number, "sip:112@203.0.113.10", SDP).replace("Max-Forwards: 69", replaces)
    };
    world.hear(TRUNK, &moved(77, &with(&ours, "")));
    let answer = world.last_response(77, "200");
    assert!(answer.contains("m=audio"), "{answer}");
    world.ack(77);
    let bye = world.last_request(TRUNK, "BYE");
    assert_eq!(header(&bye, Name::CallId), format!("call-{call}"));
    world.hear(TRUNK, &respond(&bye, 200, "x", ""));
    assert!(world.endings().is_empty());
    // The new leg ends the call.
    world.trunk_sends(77, "BYE", 2, "");
    let bye = world.last_request(&seat_address(line.seat), "BYE");
    world.hear(&seat_address(line.seat), &respond(&bye, 200, "x", ""));
    assert_eq!(world.endings(), ["Talking Caller HungUp"]);
    nothing_is_left(&mut world);
    // A Replaces that names nothing is a call like any other: somebody dialled 112.
    world.register(1);
    world.hear(TRUNK, &moved(78, &with("nonsense", "")));
    assert!(world.last_response(78, "180").contains("180"));
}

#[test]
fn a_seat_takes_over_the_call_of_another() {
    let (mut world, call, line) = talking(2);
    let second = other(line.seat);
    let replaces = |early: &str| {
        format!(
            "Replaces: {};to-tag={};from-tag={}{early}\r\n",
            line.call_id,
            Line::tag(&line.peer),
            Line::tag(&line.own)
        )
    };
    dial(&mut world, second, "sip:112@112.example", 5, &replaces(";early-only"));
    assert!(world.last().starts_with("SIP/2.0 486"), "{}", world.last());
    dial(&mut world, second, "sip:112@112.example", 6, "Replaces: x;to-tag=1;from-tag=2\r\n");
    assert!(world.last().starts_with("SIP/2.0 481"), "{}", world.last());
    let mut taken = dial(&mut world, second, "sip:112@112.example", 7, &replaces(""));
    acknowledge(&mut world, &mut taken);
    let bye = world.last_request(&seat_address(line.seat), "BYE");
    world.hear(&seat_address(line.seat), &respond(&bye, 200, "x", ""));
    assert_eq!(
        transfers(&world),
        [(format!("seat-{}", line.seat), format!("seat-{second}"), true)]
    );
    world.trunk_sends(call, "BYE", 2, "");
    let bye = world.last_request(&seat_address(second), "BYE");
    world.hear(&seat_address(second), &respond(&bye, 200, "x", ""));
    assert_eq!(world.endings(), ["Talking Caller HungUp"]);
    nothing_is_left(&mut world);
}

// ---- one thing in the middle of another ------------------------------------------------------

/// What an INVITE of another phone names to take the place of this leg.
fn in_place_of(line: &Line) -> String {
    format!(
        "Replaces: {};to-tag={};from-tag={}\r\n",
        line.call_id,
        Line::tag(&line.peer),
        Line::tag(&line.own)
    )
}

/// Answers every BYE, CANCEL and NOTIFY of ours that a seat got and has not answered.
fn seats_agree(world: &mut World) {
    for sent in world.sent.clone() {
        let asks = ["BYE", "CANCEL", "NOTIFY"].iter().any(|m| sent.text.starts_with(m));
        if asks && sent.to.starts_with("10.0.0.") {
            world.hear(&sent.to, &respond(&sent.text, 200, "x", ""));
        }
    }
}

#[test]
fn a_leg_that_is_taken_over_takes_its_transfer_along() {
    let (mut world, call, mut line) = talking(3);
    let others: Vec<usize> = (1..=3).filter(|n| *n != line.seat).collect();
    let (taker, target) = (others[0], others[1]);
    line.refer(&mut world, &format!("<sip:seat-{target}@{DOMAIN}>"));
    world.seat_says(target, 180);
    let mut taken = dial(&mut world, taker, "sip:112@112.example", 7, &in_place_of(&line));
    acknowledge(&mut world, &mut taken);
    // The transfer was the first seat's: nobody else hears of it, and its target is let alone.
    assert!(world.ladder.contains(&format!("-> 10.0.0.{target} CANCEL")), "{:#?}", world.ladder);
    world.seat_says(target, 487);
    assert!(!world.ladder.contains(&format!("-> 10.0.0.{taker} NOTIFY")), "{:#?}", world.ladder);
    // The seat that took over ends the call like any other.
    taken.send(&mut world, "BYE", "");
    let bye = world.last_request(TRUNK, "BYE");
    world.hear(TRUNK, &respond(&bye, 200, "x", ""));
    assert_eq!(world.endings(), ["Talking Seat HungUp"]);
    seats_agree(&mut world);
    let _ = call;
    nothing_is_left(&mut world);
}

#[test]
fn a_seat_that_serves_no_queue_is_still_there_after_a_call_that_was_sent_to_it() {
    let mut settings = scenario::settings(2, AnswerMode::OnAgent);
    settings.seats[1].queues.clear();
    let mut world = World::of(settings, 200);
    world.register(1);
    world.register(2);
    for _ in 0..2 {
        let call = world.call();
        world.seat_says(1, 200);
        world.ack(call);
        let mut line = Line::rung(&world, 1);
        let answer = line.refer(&mut world, &format!("<sip:seat-2@{DOMAIN}>"));
        assert!(answer.starts_with("SIP/2.0 202"), "{answer}");
        world.seat_says(2, 200);
        world.trunk_sends(call, "BYE", 2, "");
        seats_agree(&mut world);
        world.pass(Duration::from_secs(20));
        assert!(world.look().seats.iter().any(|s| s.seat.as_str() == "seat-2"));
    }
}

#[test]
fn a_seat_that_takes_over_a_call_while_another_rings_there_rings_no_more() {
    let (mut world, first, line) = talking(2);
    let second = other(line.seat);
    let waiting = world.call();
    assert!(world.ladder.contains(&format!("-> 10.0.0.{second} INVITE")), "{:#?}", world.ladder);
    world.seat_says(second, 180);
    let mut taken = dial(&mut world, second, "sip:112@112.example", 7, &in_place_of(&line));
    acknowledge(&mut world, &mut taken);
    assert!(world.ladder.contains(&format!("-> 10.0.0.{second} CANCEL")), "{:#?}", world.ladder);
    world.seat_says(second, 487);
    seats_agree(&mut world);
    // It talks, so it is not rung; the first seat is, after its wrap-up.
    world.ladder.clear();
    world.pass(Duration::from_secs(14));
    assert!(!world.ladder.contains(&format!("-> 10.0.0.{second} INVITE")), "{:#?}", world.ladder);
    assert!(world.ladder.contains(&format!("-> 10.0.0.{} INVITE", line.seat)));
    let seat = |world: &mut World| {
        let seats = world.look().seats;
        seats.into_iter().find(|s| s.seat.as_str() == format!("seat-{second}")).unwrap().state
    };
    assert_eq!(seat(&mut world), "talking");
    world.cancel(waiting);
    world.trunk_sends(first, "BYE", 2, "");
    seats_agree(&mut world);
    assert_eq!(seat(&mut world), "wrap-up");
}

#[test]
fn a_change_under_way_outlives_the_transfer_of_its_leg() {
    let (mut world, _, mut line, mut own) = consulting();
    let second = other(line.seat);
    world.seat_says(second, 200);
    acknowledge(&mut world, &mut own);
    let mut target = Line::rung(&world, second);
    // The target asks for an offer; its answer is on the way when the calls are joined.
    let offer = target.send(&mut world, "INVITE", "");
    assert!(offer.starts_with("SIP/2.0 200") && offer.contains("m=audio"), "{offer}");
    let to = format!("<sip:seat-{second}@{DOMAIN}?Replaces={}>", own.replaces());
    assert!(line.refer(&mut world, &to).starts_with("SIP/2.0 202"));
    target.cseq -= 1;
    let kind =
        format!("Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{SDP}", SDP.len());
    target.send(&mut world, "ACK", &kind);
    let again = target.send(&mut world, "INVITE", "");
    assert!(again.starts_with("SIP/2.0 200"), "{again}");
}

#[test]
fn the_late_ack_of_a_leg_that_is_gone_says_nothing_of_the_new_one() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let call = world.call();
    world.seat_says(1, 200);
    // Moved before its ACK came; the new machine wants our offer.
    let ok = world.last_response(call, "200");
    let ours = Line::tag(&header(&ok, Name::To)).to_owned();
    let replaces =
        format!("Replaces: call-{call};to-tag={ours};from-tag=t{call}\r\nMax-Forwards: 70");
    let moved = invite(77, "sip:112@203.0.113.10", "")
        .replace("Content-Type: application/sdp\r\n", "")
        .replace("Max-Forwards: 69", &replaces);
    world.hear(TRUNK, &moved);
    assert!(world.last_response(77, "200").contains("m=audio"));
    world.ack(call);
    assert!(world.ladder.contains(&"-> 198.51.100.7 BYE".to_owned()), "{:#?}", world.ladder);
    let before = world.orders.len();
    let answer = scenario::in_dialog(77, &world.last_response(77, "200"), "ACK", 1, SDP);
    world.hear(TRUNK, &answer);
    assert!(!world.ladder.contains(&"* alarm answer-missing".to_owned()), "{:#?}", world.ladder);
    let aimed = world.orders[before..].iter().any(|o| matches!(o, MediaOrder::Aim { .. }));
    assert!(aimed, "the caller hears the seat: {:?}", &world.orders[before..]);
}

#[test]
fn a_caller_whose_carrier_moves_it_while_it_waits_hears_that_it_rings() {
    let mut world = World::unmanned(0, AnswerMode::Immediate);
    let call = world.call();
    world.pass(Duration::ZERO);
    world.ack(call);
    let ok = world.last_response(call, "200");
    let ours = Line::tag(&header(&ok, Name::To)).to_owned();
    let replaces =
        format!("Replaces: call-{call};to-tag={ours};from-tag=t{call}\r\nMax-Forwards: 70");
    let before = world.orders.len();
    let text = invite(77, "sip:112@203.0.113.10", SDP).replace("Max-Forwards: 69", &replaces);
    world.hear(TRUNK, &text);
    world.ack(77);
    let new = world.orders[before..].iter().find_map(|order| match order {
        MediaOrder::Open { stream, .. } => Some(*stream),
        _ => None,
    });
    let new = new.expect("a stream of its own");
    let rings = |o: &MediaOrder| matches!(o, MediaOrder::Role { stream, role: Role::RingBack } if *stream == new);
    let aimed = |o: &MediaOrder| matches!(o, MediaOrder::Aim { stream, .. } if *stream == new);
    let told = &world.orders[before..];
    assert!(told.iter().any(rings) && told.iter().any(aimed), "{told:?}");
}

#[test]
fn a_phone_that_insists_on_what_we_have_not_hears_it() {
    let mut world = World::new(2, AnswerMode::OnAgent);
    dial(&mut world, 1, "sip:seat-2@112.example", 1, "Require: 100rel, precondition\r\n");
    let answer = world.last();
    assert!(answer.starts_with("SIP/2.0 420"), "{answer}");
    assert_eq!(header(&answer, Name::Unsupported), "precondition");
    assert!(!world.ladder.contains(&"-> 10.0.0.2 INVITE".to_owned()), "{:#?}", world.ladder);
}

#[test]
fn a_phone_whose_dialling_became_a_transfer_is_not_told_to_try_elsewhere() {
    let (mut world, _, mut line, own) = consulting();
    let second = other(line.seat);
    world.seat_says(second, 180);
    let ringing = world.last();
    let own = Line { peer: header(&ringing, Name::To), ..own };
    let to = format!("<sip:seat-{second}@{DOMAIN}?Replaces={}>", own.replaces());
    line.refer(&mut world, &to);
    let end = world.sent.iter().rev().find(|s| {
        s.text.starts_with("SIP/2.0") && s.text.contains(&format!("Call-ID: {}\r\n", own.call_id))
    });
    let end = &end.expect("a final response").text;
    assert!(end.starts_with("SIP/2.0 487"), "{end}");
}

#[test]
fn a_seat_that_took_a_second_call_is_free_when_both_are_over() {
    let (mut world, first, line) = talking(2);
    let second = other(line.seat);
    let call = world.call();
    world.seat_says(second, 200);
    world.ack(call);
    let mut taken = dial(&mut world, second, "sip:112@112.example", 7, &in_place_of(&line));
    acknowledge(&mut world, &mut taken);
    let state = |world: &mut World| {
        let seats = world.look().seats;
        seats.into_iter().find(|s| s.seat.as_str() == format!("seat-{second}")).unwrap().state
    };
    world.trunk_sends(call, "BYE", 2, "");
    seats_agree(&mut world);
    world.pass(Duration::from_secs(10));
    assert_eq!(state(&mut world), "engaged");
    world.trunk_sends(first, "BYE", 2, "");
    seats_agree(&mut world);
    assert_eq!(state(&mut world), "ready");
    nothing_is_left(&mut world);
}

#[test]
fn a_phone_that_dials_is_told_at_once_that_we_try() {
    let mut world = World::new(2, AnswerMode::OnAgent);
    dial(&mut world, 1, "sip:seat-2@112.example", 1, "");
    let at = |line: &str| world.ladder.iter().position(|l| l == line);
    let trying = at("-> 10.0.0.1 100").expect("a 100");
    assert!(Some(trying) < at("-> 10.0.0.2 INVITE"), "{:#?}", world.ladder);
}

#[test]
fn a_seat_that_gives_away_what_it_took_over_hears_bye_only_after_its_ack() {
    let (mut world, call, line) = talking(2);
    let second = other(line.seat);
    let replaces = format!(
        "Replaces: {};to-tag={};from-tag={}\r\n",
        line.call_id,
        Line::tag(&line.peer),
        Line::tag(&line.own)
    );
    let mut taken = dial(&mut world, second, "sip:112@112.example", 7, &replaces);
    let ok = world.sent.iter().rev().find(|s| s.text.contains("Call-ID: own-7\r\n")).unwrap();
    taken.peer = header(&ok.text, Name::To);
    world.ladder.clear();
    taken.refer(&mut world, "<sip:darurat@112.example>");
    let bye = format!("-> 10.0.0.{second} BYE");
    assert!(!world.ladder.contains(&bye), "{:#?}", world.ladder);
    taken.cseq = 2; // The ACK is the INVITE's.
    acknowledge(&mut world, &mut taken);
    assert!(world.ladder.contains(&bye), "{:#?}", world.ladder);
    world.trunk_sends(call, "BYE", 2, "");
}
