//! Calls in plain words, on a virtual clock: what is said in, the ladder out. The real switchboard
//! with no socket, no disk and no waiting.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::cast_possible_truncation,
    clippy::too_many_lines,
    reason = "a test may fail loudly"
)]

#[allow(dead_code, reason = "each test file uses a part of the world")]
mod scenario;

use std::time::Duration;

use scenario::{
    SDP, STRANGER, TRUNK, World, header, in_dialog, invite, respond, seat_address, settings,
};
use siaga112::call::orders::{MediaOrder, MediaReport, Role};
use siaga112::journal::Fact;
use siaga112::sip::Name;
use siaga112::sip::digest::Credential;
use siaga112::switchboard::Input;
use siaga112::switchboard::orders::{Order, SeatStatus};
use siaga112::vocabulary::{AnswerMode, Dice};

const SECOND: Duration = Duration::from_secs(1);

fn answered(world: &mut World) -> u32 {
    let call = world.call();
    world.seat_says(1, 180);
    world.seat_says(1, 200);
    world.ack(call);
    call
}

#[test]
fn a_call_is_answered_and_ended_by_the_caller() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let call = answered(&mut world);
    world.pass(SECOND);
    world.trunk_sends(call, "BYE", 2, "");
    let bye = world.last_request(&seat_address(1), "BYE");
    world.hear(&seat_address(1), &respond(&bye, 200, "x", ""));
    let ladder = world.ladder.join("\n");
    assert_eq!(
        ladder,
        "<- 198.51.100.7 INVITE\n* arrived\n* queued darurat\n-> 198.51.100.7 100\n\
         * offered seat-1\n-> 198.51.100.7 180\n-> 10.0.0.1 INVITE\n\
         <- 10.0.0.1 180\n<- 10.0.0.1 200\n* seat-1 Answered\n* answered seat-1\n\
         -> 10.0.0.1 ACK\n-> 198.51.100.7 200\n<- 198.51.100.7 ACK\n\
         <- 198.51.100.7 BYE\n-> 198.51.100.7 200\n-> 10.0.0.1 BYE\n\
         * ended Talking Caller HungUp\n<- 10.0.0.1 200",
        "{ladder}"
    );
}

#[test]
fn a_call_ended_by_the_seat_says_bye_to_the_trunk() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    answered(&mut world);
    let from = seat_address(1);
    let invite = world.last_request(&from, "INVITE");
    let bye = format!(
        "BYE sip:203.0.113.10:5060 SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bKbye\r\nFrom: {};tag=phone1\r\n\
         To: {}\r\nCall-ID: {}\r\nCSeq: 9 BYE\r\n\r\n",
        header(&invite, Name::To),
        header(&invite, Name::From),
        header(&invite, Name::CallId)
    );
    world.hear(&from, &bye);
    assert!(world.last_request(TRUNK, "BYE").contains("Q.850;cause=16"));
    assert_eq!(world.endings(), ["Talking Seat HungUp"]);
}

#[test]
fn no_180_before_the_record_is_on_disk_and_an_alarm_when_the_disk_is_slow() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    world.slow_journal = true;
    world.call();
    world.pass(Duration::from_millis(249));
    assert!(!world.ladder.iter().any(|l| l.ends_with(" 180")), "{:#?}", world.ladder);
    world.pass(Duration::from_millis(2));
    assert!(world.ladder.contains(&"* alarm journal-slow".to_owned()));
    assert!(world.ladder.contains(&"-> 198.51.100.7 180".to_owned()));
    world.call();
    world.journal_catches_up();
    assert_eq!(world.ladder.iter().filter(|l| l.contains("alarm")).count(), 1);
    assert_eq!(world.ladder.iter().filter(|l| l.ends_with("7 180")).count(), 2);
}

#[test]
fn a_caller_may_leave_at_any_moment() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    world.slow_journal = true;
    let call = world.call();
    world.cancel(call);
    world.slow_journal = false;
    // Ringing: the phone is told once it has answered provisionally.
    let call = world.call();
    world.cancel(call);
    let from = seat_address(1);
    assert!(!world.sent.iter().any(|s| s.text.starts_with("CANCEL")), "no CANCEL before a 1xx");
    world.seat_says(1, 180);
    let cancel = world.last_request(&from, "CANCEL");
    assert_eq!(header(&cancel, Name::CSeq), "1 CANCEL");
    // No seat.
    world.hear(&from, &respond(&cancel, 200, "x", ""));
    world.seat_says(1, 487);
    assert!(world.last_request(&from, "ACK").contains("1 ACK"));
    assert_eq!(world.endings(), ["Arriving Caller Cancelled", "Ringing Caller Cancelled"]);
    assert_eq!(
        world.last_response(call, "487").lines().next(),
        Some("SIP/2.0 487 Request Terminated")
    );
}

#[test]
fn an_answer_that_crosses_the_cancel_is_hung_up() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let call = world.call();
    world.seat_says(1, 180);
    world.cancel(call);
    world.seat_says(1, 200);
    let from = seat_address(1);
    assert!(world.last_request(&from, "ACK").contains("CSeq: 1 ACK"));
    assert!(world.last_request(&from, "BYE").contains("Call completed elsewhere"));
    assert_eq!(world.endings(), ["Ringing Caller Cancelled"]);
}

#[test]
fn a_refusal_of_a_seat_never_reaches_the_trunk() {
    for code in [486, 603, 404, 500] {
        let mut world = World::new(2, AnswerMode::OnAgent);
        let call = world.call();
        world.seat_says(1, code);
        assert!(world.ladder.contains(&"* offered seat-2".to_owned()), "{code}");
        world.seat_says(2, 200);
        world.ack(call);
        let finals: Vec<&String> = world
            .ladder
            .iter()
            .filter(|l| {
                l.starts_with("-> 198.51.100.7") && !l.ends_with("100") && !l.ends_with("180")
            })
            .collect();
        assert_eq!(finals, ["-> 198.51.100.7 200"], "{code}");
    }
}

#[test]
fn a_seat_that_does_not_answer_is_cancelled_and_the_next_rings() {
    let mut world = World::new(2, AnswerMode::OnAgent);
    world.call();
    world.seat_says(1, 180);
    world.pass(Duration::from_secs(8));
    world.last_request(&seat_address(1), "CANCEL");
    assert!(world.ladder.contains(&"* seat-1 NoAnswer".to_owned()));
    assert!(world.ladder.contains(&"* offered seat-2".to_owned()));
}

#[test]
fn a_seat_that_is_gone_is_given_up_and_the_caller_waits_on() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    world.call();
    world.pass(Duration::from_secs(40));
    assert!(world.endings().is_empty());
    assert!(world.ladder.iter().filter(|l| l.ends_with("* offered seat-1")).count() >= 2);
}

#[test]
fn a_retransmission_makes_no_second_call() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let call = world.call();
    let again = invite(call, "sip:0328112@203.0.113.10;user=phone", SDP);
    for _ in 0..5 {
        world.hear(TRUNK, &again);
    }
    assert_eq!(world.ladder.iter().filter(|l| *l == "* arrived").count(), 1);
    assert_eq!(world.ladder.iter().filter(|l| *l == "-> 10.0.0.1 INVITE").count(), 1);
}

#[test]
fn our_200_is_sent_again_until_the_ack_and_a_lost_ack_ends_both_sides() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    world.call();
    world.seat_says(1, 200);
    world.pass(Duration::from_secs(10));
    let sent = world.ladder.iter().filter(|l| *l == "-> 198.51.100.7 200").count();
    assert!(sent >= 4, "sent {sent} times in 10 s");
    world.pass(Duration::from_secs(30));
    assert_eq!(world.endings(), ["Talking Network NoAck"]);
    world.last_request(&seat_address(1), "BYE");
    world.last_request(TRUNK, "BYE");
}

#[test]
fn strangers_get_403_for_a_call_and_silence_for_the_rest() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    world.hear(STRANGER, &invite(77, "sip:112@203.0.113.10", SDP));
    assert_eq!(world.ladder.last().unwrap(), "-> 203.0.113.99 403", "{:?}", world.ladder);
    let options = invite(78, "sip:203.0.113.10", "").replace("INVITE", "OPTIONS");
    let before = world.sent.len();
    world.hear(STRANGER, &options);
    world.hear(STRANGER, "\u{0}\u{1}garbage");
    world.hear(STRANGER, &invite(79, "sip:203.0.113.10", "").replace("INVITE", "CANCEL"));
    let unreadable = options.replace("CSeq: 1 OPTIONS\r\n", "");
    world.hear(STRANGER, &unreadable);
    assert_eq!(world.sent.len(), before);
    // Whoever forges a source makes us send no more than came, and keep nothing.
    world.pass(Duration::from_secs(60));
    assert_eq!(world.sent.len(), before);
    assert_eq!(world.ladder.iter().filter(|l| l.starts_with("-> 203.0.113.99")).count(), 1);
    assert!(world.facts.iter().all(|e| !matches!(e.fact, Fact::Arrived { .. })));
    world.hear(TRUNK, &unreadable);
    assert!(world.last().starts_with("SIP/2.0 400"));
    // The same from the trunk is answered.
    world.hear(TRUNK, &options);
    let answer = world.last();
    for name in [Name::Allow, Name::Accept, Name::Contact] {
        assert!(!header(&answer, name.clone()).is_empty(), "{name}");
    }
    assert!(answer.contains("\r\nSupported:"));
}

#[test]
fn draining_sends_new_calls_elsewhere_and_keeps_the_live_ones() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let call = answered(&mut world);
    world.take(Input::Drain);
    let refused = world.call();
    let response = world.last_response(refused, "503");
    assert!(!header(&response, Name::RetryAfter).is_empty());
    world.hear(TRUNK, &invite(91, "sip:203.0.113.10", "").replace("INVITE", "OPTIONS"));
    assert!(world.last().starts_with("SIP/2.0 503"));
    assert!(!world.ladder.contains(&"* drained".to_owned()));
    world.trunk_sends(call, "BYE", 2, "");
    assert!(world.ladder.contains(&"* drained".to_owned()));
    assert_eq!(world.endings(), ["Arriving Gateway Draining", "Talking Caller HungUp"]);
}

#[test]
fn hold_and_resume_are_answered_and_kept() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let call = answered(&mut world);
    for (cseq, direction, mirrored) in
        [(2, "sendonly", "recvonly"), (3, "inactive", "inactive"), (4, "sendrecv", "sendrecv")]
    {
        world.trunk_sends(call, "INVITE", cseq, &SDP.replace("sendrecv", direction));
        assert!(world.last().contains(&format!("a={mirrored}\r\n")), "{direction}");
        world.trunk_sends(call, "ACK", cseq, "");
    }
    let held: Vec<&String> =
        world.ladder.iter().filter(|l| l.contains("held") || l.contains("resumed")).collect();
    assert_eq!(held, ["* held Caller", "* resumed Caller"]);
    assert!(world.endings().is_empty());
}

#[test]
fn a_codec_that_we_do_not_speak_leaves_the_session_as_it_was() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let call = answered(&mut world);
    world.trunk_sends(call, "INVITE", 2, &SDP.replace("RTP/AVP 8 101", "RTP/AVP 18"));
    assert!(world.last().starts_with("SIP/2.0 488"));
    assert!(world.endings().is_empty());
}

#[test]
fn an_invite_without_sdp_is_offered_ours_and_the_ack_answers() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    world.hear(TRUNK, &invite(1, "sip:112@203.0.113.10", ""));
    world.seat_says(1, 200);
    let ok = world.last_response(1, "200");
    assert!(ok.contains("m=audio") && ok.contains("PCMA/8000"));
    world.trunk_sends(1, "ACK", 1, SDP);
    let aimed = world.orders.iter().any(|o| {
        matches!(o, MediaOrder::Aim { aim, .. } if aim.rtp == "198.51.100.7:17004".parse().unwrap())
    });
    assert!(aimed);
}

#[test]
fn a_guessed_bye_ends_nobody_s_call() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let call = answered(&mut world);
    let ok = world.last_response(call, "200");
    let forged = |from: &str, to: &str| {
        format!(
            "BYE sip:203.0.113.10 SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKf{}\r\nFrom: {from}\r\nTo: {to}\r\n\
             Call-ID: call-{call}\r\nCSeq: 50 BYE\r\n\r\n",
            from.len() + to.len()
        )
    };
    let (from, to) = (header(&ok, Name::From), header(&ok, Name::To));
    world.hear(STRANGER, &forged("<sip:x@y>;tag=guess", &to));
    world.hear(STRANGER, &forged(&from, "<sip:112@h>;tag=guess"));
    assert!(world.endings().is_empty());
    assert_eq!(world.ladder.iter().filter(|l| l.ends_with("10.0.0.1 BYE")).count(), 0);
}

#[test]
fn a_caller_is_answered_by_the_queue_s_mode_and_hears_it_ring() {
    let mut world = World::unmanned(1, AnswerMode::AfterSeconds(12));
    let call = world.call();
    world.pass(Duration::from_secs(11));
    assert!(!world.ladder.contains(&"* caller answered".to_owned()));
    world.pass(SECOND);
    assert!(world.ladder.contains(&"* caller answered".to_owned()));
    world.ack(call);
    let rings = |o: &MediaOrder| matches!(o, MediaOrder::Role { role: Role::RingBack, .. });
    assert!(world.orders.iter().any(rings));
    world.register(1);
    world.seat_says(1, 200);
    assert_eq!(world.ladder.iter().filter(|l| *l == "-> 198.51.100.7 200").count(), 1);
    let bridged = |o: &&MediaOrder| matches!(o, MediaOrder::Role { role: Role::Hear(_), .. });
    assert_eq!(world.orders.iter().filter(bridged).count(), 2);
    let records = world.orders.iter().filter(|o| matches!(o, MediaOrder::Record { .. })).count();
    assert_eq!(records, 1);
}

#[test]
fn the_trunk_hears_every_minute_that_it_still_rings() {
    let mut world = World::unmanned(1, AnswerMode::OnAgent);
    world.call();
    world.pass(Duration::from_secs(179));
    assert_eq!(world.ladder.iter().filter(|l| l.ends_with("7 180")).count(), 3);
}

#[test]
fn without_ports_callers_wait_and_are_rung_when_ports_come() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    // Take every port away: a world of its own with none.
    let now = world.now;
    world.board = siaga112::switchboard::Switchboard::new(
        now,
        settings(1, AnswerMode::OnAgent),
        Dice::from_number(3),
    );
    world.register(1);
    world.call();
    assert!(!world.ladder.contains(&"* offered seat-1".to_owned()));
    world.take(Input::Media(MediaReport::PortsReady(vec![30_000, 30_002])));
    assert!(world.ladder.contains(&"* offered seat-1".to_owned()));
    assert!(world.endings().is_empty());
}

#[test]
fn a_new_configuration_is_adopted_under_waiting_and_talking_callers() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let talking = answered(&mut world);
    world.call();
    let settings = settings(2, AnswerMode::OnAgent);
    world.take(Input::Adopt {
        settings: Box::new(settings),
        digest: "x".into(),
        by: "SIGHUP".into(),
    });
    world.register(2);
    assert!(world.ladder.contains(&"* offered seat-2".to_owned()));
    world.trunk_sends(talking, "BYE", 2, "");
    assert_eq!(world.endings(), ["Talking Caller HungUp"]);
}

#[test]
fn the_test_call_is_answered_and_never_queued() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    world.hear(TRUNK, &invite(1, "urn:service:test.sos", SDP));
    let ok = world.last_response(1, "200");
    assert!(ok.contains("multipart/mixed") && ok.contains("NTPD 112"), "{ok}");
    assert!(ok.contains("urn:service:test.sos"));
    world.ack(1);
    world.pass(Duration::from_secs(11));
    world.last_request(TRUNK, "BYE");
    assert_eq!(world.endings(), ["Test Gateway TestOver"]);
    assert!(!world.ladder.iter().any(|l| l.contains("queued") || l.contains("10.0.0.1")));
}

#[test]
fn every_dialled_form_is_accepted() {
    let forms = [
        "sip:112@203.0.113.10",
        "sip:1120328@203.0.113.10",
        "sip:+62328112@203.0.113.10;user=phone",
        "tel:112",
        "urn:service:sos",
        "urn:service:sos.fire",
        "sip:something-else@203.0.113.10",
        "sip:203.0.113.10",
    ];
    for form in forms {
        let mut world = World::new(1, AnswerMode::OnAgent);
        world.hear(TRUNK, &invite(1, form, SDP));
        assert!(world.ladder.contains(&"* offered seat-1".to_owned()), "{form}");
    }
}

/// Datagrams cut, changed and repeated while a call is up: the call lives, and what came of the
/// rubbish is only more calls or refusals.
#[test]
fn rubbish_ends_nobody_s_call() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let call = answered(&mut world);
    let ok = world.last_response(call, "200");
    let samples: Vec<String> = world.sent.iter().map(|s| s.text.clone()).collect();
    let mut dice = Dice::from_number(5);
    for round in 0..4000 {
        let sample = &samples[dice.number() as usize % samples.len()];
        // Nothing here knows the trunk's tag together with ours, so no BYE of it is right.
        if sample.starts_with("BYE") {
            continue;
        }
        let mut bytes = sample.replace("Call-ID: call-", "Call-ID: other-").into_bytes();
        for _ in 0..=dice.number() % 4 {
            let at = dice.number() as usize % bytes.len();
            bytes[at] = dice.number() as u8;
        }
        if dice.number().is_multiple_of(3) {
            bytes.truncate(dice.number() as usize % bytes.len());
        }
        let from = if round % 2 == 0 { TRUNK } else { STRANGER };
        let flow = siaga112::sip::Flow {
            transport: siaga112::sip::Transport::Udp,
            local: scenario::OURS.parse().unwrap(),
            remote: from.parse().unwrap(),
        };
        world.take(Input::Sip { flow, bytes: bytes.into() });
    }
    let ours = header(&ok, Name::To);
    world.trunk_sends(call, "INFO", 2, "");
    assert!(world.last().starts_with("SIP/2.0 200") && world.last().contains(&ours));
    assert!(!world.endings().contains(&"Talking Caller HungUp".to_owned()));
    world.trunk_sends(call, "BYE", 3, "");
    assert!(world.endings().contains(&"Talking Caller HungUp".to_owned()));
}

/// A socket that is bound to all addresses has none of its own to tell.
#[test]
fn a_listener_on_all_addresses_names_the_reachable_one() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let any = "0.0.0.0:5060".parse().unwrap();
    let flow = siaga112::sip::Flow {
        transport: siaga112::sip::Transport::Udp,
        local: any,
        remote: TRUNK.parse().unwrap(),
    };
    let text = invite(1, "sip:112@203.0.113.10", SDP);
    world.take(Input::Sip { flow, bytes: text.into_bytes().into() });
    let ringing = world.last_response(1, "180");
    assert_eq!(header(&ringing, Name::Contact), "<sip:203.0.113.10:5060>");
}

#[test]
fn a_storm_of_alarms_is_told_once_a_second() {
    let mut world = World::unmanned(1, AnswerMode::OnAgent);
    for _ in 0..20 {
        world.call();
    }
    world.pass(Duration::from_secs(60));
    let alarm = "* alarm overflow-to-number";
    assert_eq!(world.ladder.iter().filter(|l| *l == alarm).count(), 1);
    world.call();
    world.pass(Duration::from_secs(60));
    let last = world.facts.iter().rev().find_map(|entry| match &entry.fact {
        Fact::Alarm { detail, .. } => Some(detail.clone()),
        _ => None,
    });
    assert!(last.unwrap().contains("and 19 more"));
}

/// A BYE belongs to an answered call (RFC 3261 §15): the carrier's switch would answer it with 481.
#[test]
fn an_invite_that_was_not_answered_gets_its_final_response_and_no_bye() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let call = world.call();
    world.cancel(call);
    world.call();
    let bye = invite(2, "sip:112@h", "").replace("INVITE", "BYE");
    let to = header(&world.last_response(2, "180"), Name::To);
    let bye = bye.replace("To: <sip:112@h>", &format!("To: {to}")).replace("z9hG4bK", "z9hG4bKb");
    world.hear(TRUNK, &bye);
    world.last_response(2, "487");
    world.take(Input::Drain);
    world.call();
    world.call();
    world.take(Input::Shutdown);
    assert_eq!(world.endings().len(), 4);
    let byes: Vec<&String> = world.ladder.iter().filter(|l| *l == "-> 198.51.100.7 BYE").collect();
    assert!(byes.is_empty(), "{:#?}", world.ladder);
}

/// RFC 3261 §15: the callee waits with its BYE for the ACK. One that overtakes the 200 finds no
/// dialog, is answered 481, and the 200 that comes after it leaves the caller in a dead call.
#[test]
fn our_bye_waits_for_the_caller_s_ack() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let call = world.call();
    world.seat_says(1, 200);
    seat_hangs_up(&mut world);
    assert_eq!(world.endings(), ["Talking Seat HungUp"]);
    let byes = |world: &World| world.ladder.iter().filter(|l| l.ends_with("7 BYE")).count();
    assert_eq!(byes(&world), 0);
    world.ack(call);
    assert_eq!(byes(&world), 1);
    assert!(world.last_request(TRUNK, "BYE").contains("CSeq: 1 BYE"));
    // The ACK never comes: the BYE goes out all the same (RFC 3261 §13.3.1.4).
    world.pass(Duration::from_secs(60));
    world.call();
    world.seat_says(1, 200);
    seat_hangs_up(&mut world);
    let before = byes(&world);
    world.pass(Duration::from_secs(31));
    assert_eq!(byes(&world), before);
    world.pass(Duration::from_secs(2));
    assert!(byes(&world) > before);
}

fn seat_hangs_up(world: &mut World) {
    let from = seat_address(1);
    let invite = world.last_request(&from, "INVITE");
    let bye = format!(
        "BYE sip:203.0.113.10:5060 SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bKbye{}\r\n\
         From: {};tag=phone1\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: 9 BYE\r\n\r\n",
        world.sent.len(),
        header(&invite, Name::To),
        header(&invite, Name::From),
        header(&invite, Name::CallId)
    );
    world.hear(&from, &bye);
}

/// RFC 3261 §14.2 and RFC 3311 §5.2: not before the first INVITE has its answer.
#[test]
fn a_change_before_the_answer_is_put_off() {
    for method in ["INVITE", "UPDATE"] {
        let mut world = World::new(1, AnswerMode::OnAgent);
        let call = world.call();
        world.seat_says(1, 180);
        let early = world.last_response(call, "180");
        world.hear(TRUNK, &in_dialog(call, &early, method, 2, SDP));
        let answer = world.last();
        assert!(answer.starts_with("SIP/2.0 500"), "{method}: {answer}");
        assert!(!header(&answer, Name::RetryAfter).is_empty());
        world.seat_says(1, 200);
        world.last_response(call, "200");
        assert!(world.endings().is_empty());
    }
    // Our offer is on its way: theirs has to wait for the answer to it.
    let mut world = World::new(1, AnswerMode::OnAgent);
    world.hear(TRUNK, &invite(1, "sip:112@203.0.113.10", ""));
    world.seat_says(1, 200);
    world.trunk_sends(1, "INVITE", 2, SDP);
    assert!(world.last().starts_with("SIP/2.0 491"), "{}", world.last());
    // An UPDATE without SDP only refreshes: no SDP goes back.
    world.trunk_sends(1, "ACK", 1, SDP);
    let ok = world.last_response(1, "200");
    let update = in_dialog(1, &ok, "UPDATE", 3, SDP).replace("application/sdp", "text/plain");
    world.hear(TRUNK, &update);
    assert!(world.last().starts_with("SIP/2.0 200") && !world.last().contains("m=audio"));
}

/// The phones of a seat may share a port number; each INVITE is a call of its own to them.
#[test]
fn of_two_phones_that_answer_one_wins_and_the_other_is_hung_up() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    world.register_phone(1, "10.0.0.77:5060");
    let call = world.call();
    let first = world.last_request(&seat_address(1), "INVITE");
    let second = world.last_request("10.0.0.77:5060", "INVITE");
    assert_ne!(header(&first, Name::CallId), header(&second, Name::CallId));
    assert_ne!(header(&first, Name::From), header(&second, Name::From));
    world.hear("10.0.0.77:5060", &respond(&second, 180, "other", ""));
    world.seat_says(1, 200);
    assert!(world.last_request("10.0.0.77:5060", "CANCEL").contains("Call completed elsewhere"));
    world.hear("10.0.0.77:5060", &respond(&second, 200, "other", SDP));
    world.last_request("10.0.0.77:5060", "ACK");
    world.last_request("10.0.0.77:5060", "BYE");
    world.ack(call);
    // The winner repeats its 200 because our ACK was lost: ACK again, no BYE.
    world.seat_says(1, 200);
    assert!(world.last().starts_with("ACK"));
    assert_eq!(world.ladder.iter().filter(|l| *l == "-> 10.0.0.1 BYE").count(), 0);
    assert!(world.endings().is_empty());
}

/// A phone of RFC 2543 sends no To tag; its repeated 200 is no second phone.
#[test]
fn a_repeated_200_without_a_tag_hangs_up_nobody() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    world.call();
    let ringing = world.last_request(&seat_address(1), "INVITE");
    let ok = respond(&ringing, 200, "x", SDP).replace(";tag=x", "");
    world.hear(&seat_address(1), &ok);
    world.hear(&seat_address(1), &ok);
    assert_eq!(world.ladder.iter().filter(|l| *l == "-> 10.0.0.1 BYE").count(), 0);
    assert_eq!(world.ladder.iter().filter(|l| *l == "-> 10.0.0.1 ACK").count(), 2);
}

/// A call that ends in the same turn as a seat gets free is not offered any more.
#[test]
fn a_call_that_is_over_rings_nobody() {
    let mut world = World::new(1, AnswerMode::Immediate);
    set_ready(&mut world, false);
    world.call();
    world.pass(Duration::from_secs(30));
    set_ready(&mut world, true);
    world.seat_says(1, 486);
    let rung = |world: &World| world.ladder.iter().filter(|l| *l == "-> 10.0.0.1 INVITE").count();
    assert_eq!(rung(&world), 1);
    // The 200 was never acknowledged, and the seat's rest is over, by the time of one late tick.
    world.now.moment = world.now.moment.after(Duration::from_secs(5));
    world.board.tick(world.now);
    world.pass(SECOND);
    assert_eq!(world.endings(), ["Waiting Network NoAck"]);
    assert_eq!(rung(&world), 1);
    world.pass(Duration::from_secs(120));
    assert!(world.streams.is_empty(), "{:?}", world.streams);
    assert_eq!(world.board.live(), 0);
}

fn set_ready(world: &mut World, ready: bool) {
    let status = if ready { SeatStatus::Ready } else { SeatStatus::Paused };
    let order =
        Order::SetSeat { seat: "seat-1".into(), status, reason: String::new(), by: "t".into() };
    world.take(Input::Order { number: 1, order });
}

#[test]
fn nothing_is_kept_of_a_call_that_is_over() {
    let mut world = World::new(2, AnswerMode::OnAgent);
    world.register_phone(1, "10.0.0.77:5060");
    let call = answered(&mut world);
    world.trunk_sends(call, "INVITE", 2, SDP);
    world.trunk_sends(call, "BYE", 3, "");
    let cancelled = world.call();
    world.seat_says(2, 180);
    world.cancel(cancelled);
    world.seat_says(2, 200);
    world.pass(Duration::from_secs(120));
    assert_eq!(world.board.live(), 0, "{:?}", world.board);
}

#[test]
fn a_slow_disk_is_one_alarm_and_not_one_for_each_call() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    world.slow_journal = true;
    let alarms =
        |world: &World| world.ladder.iter().filter(|l| *l == "* alarm journal-slow").count();
    for _ in 0..5 {
        world.call();
        world.pass(SECOND);
    }
    assert_eq!(alarms(&world), 1);
    world.slow_journal = false;
    world.journal_catches_up();
    world.call();
    world.pass(Duration::from_secs(10));
    world.slow_journal = true;
    world.call();
    world.pass(SECOND);
    assert_eq!(alarms(&world), 2);
}

#[test]
fn a_test_call_without_a_port_waits_in_silence() {
    let mut world = World::with_ports(1, AnswerMode::OnAgent, 0);
    world.hear(TRUNK, &invite(1, "urn:service:test.sos", SDP));
    world.pass(Duration::from_secs(10));
    assert!(!world.ladder.iter().any(|l| l.contains("alarm")), "{:#?}", world.ladder);
    world.take(Input::Media(MediaReport::PortsReady(vec![30_000])));
    world.pass(SECOND);
    world.last_response(1, "200");
}

#[test]
fn a_draining_gateway_takes_no_test_calls_either() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    world.take(Input::Drain);
    world.hear(TRUNK, &invite(1, "urn:service:test.sos", SDP));
    world.last_response(1, "503");
}

/// The queue is renamed between the first entry and the disk's word for it.
#[test]
fn a_call_whose_queue_went_while_it_arrived_waits_in_the_first_one() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    world.slow_journal = true;
    world.call();
    let mut renamed = settings(1, AnswerMode::OnAgent);
    renamed.queues[0].id = "new".into();
    renamed.seats[0].queues = vec!["new".into()];
    renamed.rules[0].queue = "new".into();
    let settings = Box::new(renamed);
    world.take(Input::Adopt { settings, digest: "x".into(), by: "SIGHUP".into() });
    world.journal_catches_up();
    assert!(world.ladder.contains(&"* offered seat-1".to_owned()), "{:#?}", world.ladder);
}

#[test]
fn a_caller_who_was_not_answered_gives_back_the_port_of_a_missed_offer() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    world.call();
    assert_eq!(world.streams.len(), 2);
    world.seat_says(1, 486);
    assert!(world.streams.is_empty(), "{:?}", world.streams);
    world.pass(Duration::from_secs(3));
    world.seat_says(1, 200);
    assert!(world.ladder.contains(&"* answered seat-1".to_owned()));
    assert_eq!(world.streams.len(), 2);
}

/// Callers that are answered while they wait hold a port each: they must leave some for the seats.
#[test]
fn waiting_callers_leave_ports_for_the_seats() {
    let mut world = World::with_ports(2, AnswerMode::Immediate, 6);
    for _ in 0..9 {
        world.call();
    }
    world.pass(SECOND);
    world.register(1);
    world.register(2);
    for seat in [1, 2] {
        world.seat_says(seat, 200);
        assert!(world.ladder.contains(&format!("* answered seat-{seat}")), "{:#?}", world.ladder);
    }
    // A call that ends gives its ports to the next seat before it gives them to the next caller.
    for _ in 0..4 {
        seat_hangs_up(&mut world);
        world.pass(Duration::from_secs(6));
        world.seat_says(1, 200);
    }
    let answered = world.ladder.iter().filter(|l| *l == "* answered seat-1").count();
    assert_eq!(answered, 5, "{:#?}", world.ladder);
}

/// Nobody sits at seat 1. It costs one caller the ring time, not every one.
#[test]
fn a_seat_that_missed_a_call_stands_behind_the_others() {
    let mut world = World::new(2, AnswerMode::OnAgent);
    let first = world.call();
    world.pass(Duration::from_secs(8));
    world.cancel(first);
    world.pass(Duration::from_secs(4));
    world.call();
    let offered: Vec<&String> =
        world.ladder.iter().filter(|l| l.starts_with("* offered")).collect();
    assert_eq!(offered, ["* offered seat-1", "* offered seat-2", "* offered seat-2"]);
}

/// Without a Call-ID or CSeq there is no call to keep a record of; that somebody called is kept.
#[test]
fn an_invite_that_cannot_be_read_is_refused_and_leaves_an_alarm() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let broken = invite(1, "sip:112@203.0.113.10", SDP).replace("CSeq: 1 INVITE\r\n", "");
    world.hear(TRUNK, &broken);
    assert!(world.last().starts_with("SIP/2.0 400"));
    assert!(world.ladder.contains(&"* alarm invite-unreadable".to_owned()));
    world.hear(STRANGER, &broken);
    assert_eq!(world.ladder.iter().filter(|l| l.contains("alarm")).count(), 1);
}

/// RFC 4475 refuses a wrong Content-Length; here the seat would stay with a caller who is gone.
#[test]
fn an_ack_bye_or_cancel_with_a_wrong_length_does_its_work_all_the_same() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let call = world.call();
    world.seat_says(1, 200);
    let ok = world.last_response(call, "200");
    let wrong = "Content-Length: 99";
    world.hear(TRUNK, &in_dialog(call, &ok, "ACK", 1, "").replace("Content-Length: 0", wrong));
    world.pass(Duration::from_secs(40));
    assert!(world.endings().is_empty(), "the ACK was not taken: {:?}", world.endings());
    let bye = in_dialog(call, &ok, "BYE", 2, "").replace("Content-Length: 0", wrong);
    world.hear(TRUNK, &bye);
    assert!(world.last_response(call, "200").contains("2 BYE"));
    world.call();
    let cancel = invite(2, "sip:0328112@203.0.113.10;user=phone", "");
    let cancel = cancel.replacen("INVITE", "CANCEL", 1).replace("1 INVITE", "1 CANCEL");
    world.hear(TRUNK, &cancel.replace("Content-Length: 0", wrong));
    assert_eq!(world.endings().len(), 2, "{:#?}", world.ladder);
}

/// Answers every OPTIONS that the switchboard sent to these addresses since `from`.
fn alive(world: &mut World, from: usize, addresses: &[&str]) {
    let asked: Vec<(String, String)> = world.sent[from..]
        .iter()
        .filter(|s| s.text.starts_with("OPTIONS") && addresses.contains(&s.to.as_str()))
        .map(|s| (s.to.clone(), s.text.clone()))
        .collect();
    for (to, options) in asked {
        world.hear(&to, &respond(&options, 200, "x", ""));
    }
}

/// A phone that lost its power costs the caller nothing but time (a lost BYE looks the same).
#[test]
fn a_seat_that_vanishes_in_a_talk_gives_the_caller_back_to_the_queue() {
    let mut world = World::new(2, AnswerMode::OnAgent);
    let call = answered(&mut world);
    let before = world.sent.len();
    world.pass(Duration::from_secs(60));
    alive(&mut world, before, &[TRUNK]);
    world.pass(Duration::from_secs(33));
    assert!(world.ladder.contains(&"* alarm seat-lost".to_owned()), "{:#?}", world.ladder);
    assert!(world.ladder.contains(&"* offered seat-2".to_owned()));
    assert!(world.endings().is_empty());
    world.seat_says(2, 200);
    let bridged = |o: &&MediaOrder| matches!(o, MediaOrder::Role { role: Role::Hear(_), .. });
    assert_eq!(world.orders.iter().filter(bridged).count(), 4);
    world.trunk_sends(call, "BYE", 9, "");
    assert_eq!(world.endings(), ["Talking Caller HungUp"]);
    assert_eq!(world.ladder.iter().filter(|l| *l == "-> 198.51.100.7 200").count(), 2);
}

#[test]
fn a_trunk_that_vanishes_in_a_talk_frees_the_seat() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    answered(&mut world);
    let seat = seat_address(1);
    let before = world.sent.len();
    world.pass(Duration::from_secs(60));
    alive(&mut world, before, &[&seat]);
    world.pass(Duration::from_secs(33));
    assert_eq!(world.endings(), ["Talking Network DialogLost"]);
    world.last_request(&seat, "BYE");
}

#[test]
fn a_talk_whose_sides_are_there_goes_on_for_hours() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    answered(&mut world);
    let seat = seat_address(1);
    for _ in 0..45 {
        let before = world.sent.len();
        world.pass(Duration::from_secs(60));
        alive(&mut world, before, &[&seat, TRUNK]);
    }
    assert!(world.endings().is_empty());
    assert!(!world.ladder.iter().any(|l| l.contains("alarm")));
}

#[test]
fn a_change_that_is_never_acknowledged_ends_no_call() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let call = answered(&mut world);
    world.trunk_sends(call, "INVITE", 2, SDP);
    world.pass(Duration::from_secs(40));
    assert!(world.ladder.contains(&"* alarm change-unacknowledged".to_owned()));
    assert!(world.endings().is_empty());
}

#[test]
fn who_guesses_a_password_is_locked_by_source_and_no_phone_with_it() {
    let mut world = World::new(2, AnswerMode::OnAgent);
    let guesser = |port: u16| format!("203.0.113.99:{port}");
    for n in 0..10 {
        assert_eq!(world.log_in("seat-1", &guesser(5060 + n), "wrong"), "403");
    }
    let alarms =
        |world: &World| world.ladder.iter().filter(|l| *l == "* alarm login-locked").count();
    assert_eq!(alarms(&world), 1);
    // Now not even the right password is looked at, from any port of that source.
    assert_eq!(world.log_in("seat-1", &guesser(7000), "pw"), "403");
    assert_eq!(world.locked_sources(), 1);
    // The seat itself is not locked: its phone stays, refreshes, and may come from elsewhere.
    assert_eq!(world.log_in("seat-1", &seat_address(1), "pw"), "200");
    assert_eq!(world.log_in("seat-1", "10.0.0.77:5060", "pw"), "200");
    let call = answered(&mut world);
    world.trunk_sends(call, "BYE", 2, "");
    // After five minutes the source is heard again; the next lock is twice as long.
    world.pass(Duration::from_secs(301));
    assert_eq!(world.locked_sources(), 0);
    assert_eq!(world.log_in("seat-1", &guesser(7000), "pw"), "200");
    for n in 0..10 {
        world.log_in("seat-1", &guesser(5060 + n), "wrong");
    }
    assert_eq!(alarms(&world), 2);
    world.pass(Duration::from_secs(599));
    assert_eq!(world.locked_sources(), 1);
    world.pass(Duration::from_secs(2));
    assert_eq!(world.locked_sources(), 0);
}

#[test]
fn a_lock_never_signs_out_a_phone_that_is_registered_from_the_locked_source() {
    let mut world = World::new(2, AnswerMode::OnAgent);
    // Somebody behind the address of seat 1 guesses the password of seat 2.
    for port in 6000..6010 {
        world.log_in("seat-2", &format!("10.0.0.1:{port}"), "wrong");
    }
    assert_eq!(world.locked_sources(), 1);
    assert_eq!(world.log_in("seat-1", &seat_address(1), "pw"), "200");
    // At the phone's own address no other seat may be guessed, nor its own from another.
    assert_eq!(world.log_in("seat-2", &seat_address(1), "pw"), "403");
    assert_eq!(world.log_in("seat-1", "10.0.0.1:6000", "pw"), "403");
    let call = answered(&mut world);
    assert!(world.last_response(call, "200").contains("To:"));
}

#[test]
fn a_trunk_is_never_locked_and_an_unknown_name_looks_like_a_wrong_password() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    for port in 6000..6020 {
        assert_eq!(world.log_in("seat-1", &format!("198.51.100.7:{port}"), "wrong"), "403");
    }
    assert_eq!(world.locked_sources(), 0);
    let call = answered(&mut world);
    world.trunk_sends(call, "BYE", 2, "");
    let answer = |world: &mut World, user: &str| {
        assert_eq!(world.log_in(user, STRANGER, "wrong"), "403");
        let text = world.last();
        let lines = text
            .lines()
            .filter(|l| !["Via", "From", "To", "Call", "CSeq"].iter().any(|h| l.starts_with(h)));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(answer(&mut world, "seat-1"), answer(&mut world, "nobody"));
    for n in 0..8 {
        assert_eq!(world.locked_sources(), 0, "{n}");
        answer(&mut world, &format!("nobody-{n}"));
    }
    assert_eq!(world.locked_sources(), 1);
}

#[test]
fn a_forged_source_cannot_lock_its_owner_out() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    // The forger has challenges of its own, and guesses with them in another's name.
    for n in 0..30 {
        world.log_in_with_nonce_of(STRANGER, "seat-1", &format!("10.0.0.1:{}", 6000 + n), "wrong");
        assert!(world.last().starts_with("SIP/2.0 401"), "{}", world.last());
    }
    assert_eq!(world.locked_sources(), 0);
}

#[test]
fn a_digest_trunk_that_guesses_is_locked_until_it_has_proved_itself() {
    let mut settings = settings(1, AnswerMode::OnAgent);
    let mut trunk = settings.trunks[0].clone();
    (trunk.id, trunk.sources) = ("telco-d".into(), Vec::new());
    trunk.digest = Some(Credential::from_password("telco-d", "112.example", "pw"));
    settings.trunks.push(trunk);
    let mut world = World::new(1, AnswerMode::OnAgent);
    world.take(Input::Adopt {
        settings: Box::new(settings),
        digest: String::new(),
        by: String::new(),
    });
    let call = |world: &mut World, number: u32, password: &str| {
        world.call_with_password(number, STRANGER, "telco-d", password)
    };
    assert_eq!(call(&mut world, 100, "pw"), "180");
    for number in 101..121 {
        assert_eq!(call(&mut world, number, "wrong"), "403");
    }
    assert_eq!(world.locked_sources(), 0, "it is a trunk's address");
    assert_eq!(call(&mut world, 130, "pw"), "180");
    world.pass(Duration::from_secs(3700));
    for number in 141..151 {
        call(&mut world, number, "wrong");
    }
    assert_eq!(world.locked_sources(), 1);
    assert_eq!(call(&mut world, 160, "pw"), "403");
}
