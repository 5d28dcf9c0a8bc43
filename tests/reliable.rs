//! Provisional responses that are acknowledged (RFC 3262), both ways.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::cast_possible_truncation,
    clippy::too_many_lines,
    dead_code,
    reason = "a test may fail loudly; each test binary uses a part of the harness"
)]

mod scenario;

use std::time::Duration;

use scenario::{SDP, TRUNK, World, header, in_dialog, invite, respond, seat_address, settings};
use siaga112::sip::Name;
use siaga112::switchboard::Input;
use siaga112::vocabulary::AnswerMode;

const OURSELVES: &str = "sip:0328112@203.0.113.10;user=phone";

fn with(text: &str, lines: &str) -> String {
    text.replacen("Contact:", &format!("{lines}Contact:"), 1)
}

/// A call whose INVITE carries these header lines.
fn call(world: &mut World, lines: &str, sdp: &str) {
    world.hear(TRUNK, &with(&invite(1, OURSELVES, sdp), lines));
}

fn count(world: &World, line: &str) -> usize {
    world.ladder.iter().filter(|l| *l == line).count()
}

fn prack(world: &mut World, cseq: u32, rack: &str, sdp: &str) -> String {
    let ringing = world.last_response(1, "180");
    let text = in_dialog(1, &ringing, "PRACK", cseq, sdp);
    world.hear(TRUNK, &with(&text, &format!("RAck: {rack}\r\n")));
    world.last()
}

// ---- ours --------------------------------------------------------------------------------------

#[test]
fn a_180_is_repeated_until_its_prack_and_the_next_one_has_the_next_number() {
    let mut world = World::unmanned(1, AnswerMode::OnAgent);
    call(&mut world, "Require: 100rel\r\n", SDP);
    let ringing = world.last_response(1, "180");
    assert_eq!(header(&ringing, Name::Require), "100rel");
    let rseq: u32 = header(&ringing, Name::RSeq).parse().unwrap();
    assert!((1..0x8000_0000).contains(&rseq));
    world.pass(Duration::from_millis(3600));
    assert_eq!(count(&world, "-> 198.51.100.7 180"), 4, "at 0, 0.5, 1.5 and 3.5 s");
    assert_eq!(world.last(), ringing);
    // Of nothing that we sent: no harm.
    for (cseq, rack) in [
        (2, format!("{} 1 INVITE", rseq + 1)),
        (3, format!("{rseq} 2 INVITE")),
        (4, format!("{rseq} 1 UPDATE")),
        (5, "x".to_owned()),
        (6, String::new()),
    ] {
        assert!(prack(&mut world, cseq, &rack, "").starts_with("SIP/2.0 481"), "{rack:?}");
    }
    let rack = format!("{rseq} 1 INVITE");
    assert!(prack(&mut world, 7, &rack, "").starts_with("SIP/2.0 200"));
    assert!(prack(&mut world, 8, &rack, "").starts_with("SIP/2.0 200"), "once more");
    assert!(prack(&mut world, 9, &rack, SDP).starts_with("SIP/2.0 488"), "no room for an offer");
    world.pass(Duration::from_secs(50));
    assert_eq!(count(&world, "-> 198.51.100.7 180"), 4);
    world.pass(Duration::from_secs(7));
    let second = world.last_response(1, "180");
    assert_eq!(header(&second, Name::RSeq), (rseq + 1).to_string());
    world.register(1);
    world.seat_says(1, 200);
    world.ack(1);
    // The PRACK of it comes late: it is known, and nothing is repeated.
    let sent = count(&world, "-> 198.51.100.7 180");
    let rack = format!("{} 1 INVITE", rseq + 1);
    assert!(prack(&mut world, 10, &rack, "").starts_with("SIP/2.0 200"));
    world.pass(Duration::from_secs(30));
    assert_eq!(count(&world, "-> 198.51.100.7 180"), sent);
    world.trunk_sends(1, "BYE", 11, "");
    assert_eq!(world.endings(), ["Talking Caller HungUp"]);
    world.pass(Duration::from_secs(120));
    assert_eq!(world.board.live(), 0);
}

#[test]
fn a_trunk_that_never_sends_prack_keeps_its_call() {
    let mut world = World::unmanned(1, AnswerMode::OnAgent);
    call(&mut world, "Require: 100rel\r\n", SDP);
    world.pass(Duration::from_secs(33));
    assert_eq!(count(&world, "* alarm prack-missing"), 1);
    let repeated = count(&world, "-> 198.51.100.7 180");
    world.pass(Duration::from_secs(28));
    // It goes on unreliably.
    assert_eq!(count(&world, "-> 198.51.100.7 180"), repeated + 1);
    assert_eq!(header(&world.last_response(1, "180"), Name::RSeq), "");
    world.register(1);
    world.seat_says(1, 200);
    world.ack(1);
    assert!(world.endings().is_empty());
    // The answer does not wait for a PRACK, and after it nothing is repeated and nobody alarmed.
    let mut world = World::new(1, AnswerMode::OnAgent);
    call(&mut world, "Require: 100rel\r\n", SDP);
    world.seat_says(1, 200);
    world.ack(1);
    world.pass(Duration::from_secs(50));
    assert_eq!(count(&world, "-> 198.51.100.7 180"), 1);
    assert_eq!(count(&world, "* alarm prack-missing"), 0);
}

#[test]
fn a_180_is_reliable_where_it_is_asked_for_and_can_be() {
    let reliable = |lines: &str, sdp: &str, everybody: bool| {
        let mut world = World::unmanned(1, AnswerMode::OnAgent);
        let mut settings = settings(1, AnswerMode::OnAgent);
        settings.sip.reliable_provisionals = everybody;
        let settings = Box::new(settings);
        world.take(Input::Adopt { settings, digest: "x".into(), by: "t".into() });
        call(&mut world, lines, sdp);
        !header(&world.last_response(1, "180"), Name::RSeq).is_empty()
    };
    assert!(reliable("Require: timer, 100rel\r\n", SDP, false));
    assert!(!reliable("Supported: 100rel\r\n", SDP, false));
    assert!(reliable("k: timer, 100rel\r\n", SDP, true));
    assert!(!reliable("", SDP, true));
    // It would have to carry our offer.
    assert!(!reliable("Require: 100rel\r\n", "", true));
}

#[test]
fn a_caller_who_leaves_a_reliable_180_leaves_nothing_behind() {
    let mut world = World::unmanned(1, AnswerMode::OnAgent);
    call(&mut world, "Require: 100rel\r\n", SDP);
    world.cancel(1);
    world.last_response(1, "487");
    world.pass(Duration::from_secs(120));
    assert_eq!(count(&world, "-> 198.51.100.7 180"), 1);
    assert_eq!(world.board.live(), 0);
}

// ---- the phones' -------------------------------------------------------------------------------

#[test]
fn a_phone_s_reliable_responses_are_acknowledged_in_order_and_once() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    world.call();
    let seat = seat_address(1);
    let rings = world.last_request(&seat, "INVITE");
    assert!(header(&rings, Name::Supported).contains("100rel"));
    assert!(header(&rings, Name::Allow).contains("PRACK"));
    let pracks = |world: &World| count(world, "-> 10.0.0.1 PRACK");
    let says = |world: &mut World, code: u16, tag: &str, rseq: u32, sdp: &str| {
        let lines = format!("Require: 100rel\r\nRSeq: {rseq}\r\n");
        world.hear(&seat, &with(&respond(&rings, code, tag, sdp), &lines));
    };
    says(&mut world, 180, "a", 7, "");
    let prack = world.last_request(&seat, "PRACK");
    assert_eq!(header(&prack, Name::RAck), "7 1 INVITE");
    assert_eq!(header(&prack, Name::CSeq), "2 PRACK");
    assert!(header(&prack, Name::To).ends_with(";tag=a"));
    says(&mut world, 180, "a", 7, "");
    says(&mut world, 183, "a", 9, "");
    assert_eq!(pracks(&world), 1, "one that comes again or too early is not acknowledged");
    says(&mut world, 183, "a", 8, SDP);
    assert_eq!(header(&world.last_request(&seat, "PRACK"), Name::CSeq), "3 PRACK");
    // Another fork counts for itself.
    says(&mut world, 180, "b", 1, "");
    assert_eq!(header(&world.last_request(&seat, "PRACK"), Name::RAck), "1 1 INVITE");
    // Not reliable: nothing to acknowledge.
    world.hear(&seat, &respond(&rings, 180, "c", ""));
    assert_eq!(pracks(&world), 3);
    // The answer came with the 183: the 200 has none.
    world.hear(&seat, &respond(&rings, 200, "a", ""));
    assert_eq!(count(&world, "* answered seat-1"), 1);
    assert!(header(&world.last_request(&seat, "ACK"), Name::CSeq).starts_with("1 "));
    world.ack(1);
    world.trunk_sends(1, "BYE", 2, "");
    // The numbers go on where the PRACKs ended.
    assert_eq!(header(&world.last_request(&seat, "BYE"), Name::CSeq), "4 BYE");
    world.pass(Duration::from_secs(120));
    assert_eq!(world.board.live(), 0);
}

#[test]
fn a_phone_that_refuses_after_a_reliable_response_leaves_nothing_behind() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let number = world.call();
    let seat = seat_address(1);
    let rings = world.last_request(&seat, "INVITE");
    let lines = "Require: 100rel\r\nRSeq: 1\r\n";
    world.hear(&seat, &with(&respond(&rings, 180, "a", ""), lines));
    world.hear(&seat, &respond(&rings, 486, "a", ""));
    world.cancel(number);
    world.pass(Duration::from_secs(120));
    assert_eq!(world.board.live(), 0);
}
