//! The ladder of a call, on a virtual clock: every message in its order, repeats and the last 200
//! included, nothing secret, and an end to everything.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::cast_possible_truncation,
    clippy::too_many_lines,
    dead_code,
    reason = "a test may fail loudly"
)]

mod scenario;

use std::collections::BTreeMap;
use std::time::Duration;

use scenario::{SDP, TRUNK, World, header, invite, respond, seat_address};
use siaga112::journal::{Fact, Signal};
use siaga112::sip::{Name, glance};
use siaga112::vocabulary::{AnswerMode, CallId, limits};

const SECOND: Duration = Duration::from_secs(1);

/// The messages of each call so far, in the order of the calls.
fn signals(world: &World) -> Vec<Vec<Signal>> {
    let mut calls: BTreeMap<CallId, Vec<Signal>> = BTreeMap::new();
    for entry in &world.facts {
        if let Fact::Signalled { call, messages, .. } = &entry.fact {
            calls.entry(*call).or_default().extend(messages.iter().cloned());
        }
    }
    calls.into_values().collect()
}

/// Each message as `in trunk telco-b INVITE`.
fn told(signals: &[Signal]) -> Vec<String> {
    let told = |signal: &Signal| {
        let text = signal.message.display().into_owned();
        let mut words = text.split([' ', '\r']);
        let first = words.next().unwrap();
        let word = if first == "SIP/2.0" { words.next().unwrap() } else { first };
        format!("{} {} {word}", signal.way.word(), signal.peer)
    };
    signals.iter().map(told).collect()
}

fn answered(world: &mut World) -> u32 {
    let call = world.call();
    world.seat_says(1, 180);
    world.seat_says(1, 200);
    world.ack(call);
    call
}

fn ended(world: &World) -> usize {
    world.facts.iter().position(|entry| matches!(entry.fact, Fact::Ended { .. })).expect("an end")
}

#[test]
fn every_message_is_on_the_ladder_in_its_order() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let call = world.call();
    // The switch did not hear us in time and asks again.
    world.hear(TRUNK, &invite(call, "sip:0328112@203.0.113.10;user=phone", SDP));
    world.seat_says(1, 180);
    world.seat_says(1, 200);
    world.ack(call);
    world.pass(SECOND);
    world.trunk_sends(call, "BYE", 2, "");
    // The call is over; the seat's 200 is lost, our BYE goes out again, and the 200 comes.
    let over = ended(&world);
    world.pass(Duration::from_millis(600));
    let bye = world.last_request(&seat_address(1), "BYE");
    world.hear(&seat_address(1), &respond(&bye, 200, "x", ""));
    world.trunk_sends(call, "BYE", 2, "");
    let all = signals(&world);
    assert_eq!(
        told(&all[0]).join("\n"),
        "in trunk telco-b INVITE\nout trunk telco-b 100\nout trunk telco-b 180\nout seat-1 INVITE\n\
         in trunk telco-b INVITE\nout trunk telco-b 180\n\
         in seat-1 180\nin seat-1 200\nout seat-1 ACK\nout trunk telco-b 200\n\
         in trunk telco-b ACK\nin trunk telco-b BYE\nout trunk telco-b 200\nout seat-1 BYE\n\
         out seat-1 BYE\nin seat-1 200\nin trunk telco-b BYE\nout trunk telco-b 200"
    );
    let late = world.facts.iter().skip(over + 1);
    assert!(late.filter(|e| matches!(e.fact, Fact::Signalled { .. })).count() >= 3);
    // What is kept is what was said: whole, with both addresses, at the time it was said.
    let first = &all[0][0];
    assert_eq!(first.message.display(), invite(call, "sip:0328112@203.0.113.10;user=phone", SDP));
    assert_eq!(
        (first.local.to_string(), first.remote.to_string()),
        (scenario::OURS.into(), TRUNK.into())
    );
    let sent: Vec<&str> = world.sent.iter().map(|s| s.text.as_str()).collect();
    let kept = all[0].iter().filter(|s| s.way.word() == "out").map(|s| s.message.display());
    assert!(kept.into_iter().all(|text| sent.contains(&&*text)));
    let bye = world.facts.iter().find(|entry| {
        matches!(&entry.fact,
        Fact::Signalled { messages, .. } if told(messages).contains(&"in trunk telco-b BYE".into()))
    });
    let end = &world.facts[over];
    assert_eq!(bye.map(|entry| entry.at), Some(end.at));
    // And it has an end.
    world.pass(Duration::from_secs(150));
    let before = world.facts.len();
    world.trunk_sends(call, "BYE", 2, "");
    assert_eq!(world.facts.len(), before);
    assert_eq!(world.board.live(), 1, "the transaction of that BYE");
}

#[test]
fn a_bye_that_waits_for_the_ack_and_its_answer_are_on_the_ladder() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let call = world.call();
    world.seat_says(1, 180);
    world.seat_says(1, 200);
    let from = seat_address(1);
    let ringing = world.last_request(&from, "INVITE");
    let bye = format!(
        "BYE sip:203.0.113.10:5060 SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bKbye\r\n\
         From: {};tag=phone1\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: 9 BYE\r\n\r\n",
        header(&ringing, Name::To),
        header(&ringing, Name::From),
        header(&ringing, Name::CallId)
    );
    world.hear(&from, &bye);
    assert!(!world.sent.iter().any(|s| s.to == TRUNK && s.text.starts_with("BYE")));
    // The ACK never comes; the BYE goes out when our 200 is given up, and is answered late.
    world.pass(Duration::from_secs(40));
    world.pass(Duration::from_secs(20));
    let ours = world.last_request(TRUNK, "BYE");
    world.hear(TRUNK, &respond(&ours, 200, "t1", ""));
    let told = told(&signals(&world)[0]);
    assert_eq!(told.last().map(String::as_str), Some("in trunk telco-b 200"), "{told:#?}");
    assert!(told.iter().filter(|line| *line == "out trunk telco-b 200").count() > 5, "{told:#?}");
    world.pass(Duration::from_secs(150));
    assert_eq!(world.board.live(), 0, "call {call}");
}

#[test]
fn a_ladder_is_bounded_and_says_so_once() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let call = answered(&mut world);
    for _ in 0..limits::LADDER_MESSAGES {
        world.trunk_sends(call, "OPTIONS", 5, "");
    }
    assert_eq!(signals(&world)[0].len(), limits::LADDER_MESSAGES);
    let cut =
        |entry: &&siaga112::journal::Entry| matches!(entry.fact, Fact::Signalled { cut: true, .. });
    assert_eq!(world.facts.iter().filter(cut).count(), 1);
    let mut world = World::new(1, AnswerMode::OnAgent);
    let large = "x".repeat(60_000);
    let call = answered(&mut world);
    for cseq in 5..50 {
        world.trunk_sends(call, "INFO", cseq, &large);
    }
    let kept: usize = signals(&world)[0].iter().map(|signal| signal.message.0.len()).sum();
    assert!(kept <= limits::LADDER_BYTES && kept > limits::LADDER_BYTES / 2, "{kept}");
    assert_eq!(world.facts.iter().filter(cut).count(), 1);
}

#[test]
fn no_credential_is_on_a_ladder() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let text = invite(7, "sip:112@203.0.113.10", SDP).replace(
        "Max-Forwards",
        "Authorization: Digest username=\"roaming\", response=\"6629fae49393a05397450978507c4ef1\"\r\n\
         Max-Forwards",
    );
    world.hear(TRUNK, &text);
    let kept = signals(&world)[0][0].message.display().into_owned();
    assert!(kept.contains("username=\"roaming\", response=\"***\"\r\nMax-Forwards"), "{kept}");
    assert!(!kept.contains("6629fae4"));
}

#[test]
fn a_call_id_that_a_carrier_uses_again_belongs_to_the_newest_call() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let call = world.call();
    world.cancel(call);
    let again = invite(call, "sip:0328112@203.0.113.10;user=phone", SDP)
        .replace(&format!("z9hG4bKinv{call}"), "z9hG4bKsecond")
        .replace(&format!("tag=t{call}"), "tag=second");
    world.pass(Duration::from_secs(20));
    world.hear(TRUNK, &again);
    // The first call's ladder ends here.
    world.pass(Duration::from_secs(20));
    world.hear(TRUNK, &again);
    let all = signals(&world);
    assert_eq!(told(&all[0])[0], "in trunk telco-b INVITE");
    let second = told(&all[1]);
    assert_eq!(second.iter().filter(|line| *line == "in trunk telco-b INVITE").count(), 2);
    assert_eq!(
        world.board.call_of(again.as_bytes()),
        world.facts.iter().rev().find_map(|e| e.fact.call())
    );
    assert_eq!(glance::call_id(again.as_bytes()).as_deref(), Some("call-1"));
}

#[test]
fn rubbish_and_what_belongs_to_no_call_are_on_no_ladder() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    world.register(1);
    world.hear(TRUNK, "Call-ID: call-1\r\n\r\n");
    assert!(signals(&world).is_empty());
    // A message that nobody understands is what a trunk engineer asks for.
    let call = world.call();
    world.hear(TRUNK, &format!("BROKEN\r\nCall-ID: call-{call}\r\n\r\n"));
    let told = told(&signals(&world)[0]);
    assert_eq!(told.last().map(String::as_str), Some("in trunk telco-b BROKEN"));
}
