//! Transactions and dialogs: what the rules of SIP ask where messages cross, come twice, come late
//! or never.

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

use scenario::{SDP, TRUNK, World, header, in_dialog, invite, respond, seat_address};
use siaga112::call::orders::{Ears, MediaOrder, MediaReport, Sound};
use siaga112::journal::Fact;
use siaga112::sip::Name;
use siaga112::switchboard::Input;
use siaga112::vocabulary::{AnswerMode, StreamId};

const OURSELVES: &str = "sip:0328112@203.0.113.10;user=phone";

fn answered(world: &mut World) -> u32 {
    let call = world.call();
    world.seat_says(1, 180);
    world.seat_says(1, 200);
    world.ack(call);
    call
}

fn count(world: &World, line: &str) -> usize {
    world.ladder.iter().filter(|l| *l == line).count()
}

// ---- one request by two ways ---------------------------------------------------------------------

#[test]
fn a_second_branch_of_the_same_call_is_refused_and_the_call_goes_on() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let call = world.call();
    let other_way = invite(call, OURSELVES, SDP).replace("z9hG4bKinv", "z9hG4bKother");
    world.hear(TRUNK, &other_way);
    let refusal = world.last_response(call, "482");
    assert!(header(&refusal, Name::Via).contains("z9hG4bKother"));
    assert_eq!(count(&world, "* arrived"), 1);
    world.seat_says(1, 200);
    // While our 200 waits for its ACK, and after it, a late copy is still one of the same call.
    world.hear(TRUNK, &other_way.replace("z9hG4bKother", "z9hG4bKthird"));
    assert!(world.last().starts_with("SIP/2.0 482"));
    world.ack(call);
    assert_eq!(count(&world, "* arrived"), 1);
    assert!(world.endings().is_empty());
    assert_eq!(count(&world, "-> 10.0.0.1 INVITE"), 1);
}

#[test]
fn a_retransmission_a_new_attempt_and_a_try_after_a_refusal_are_no_merged_requests() {
    let mut world = World::new(2, AnswerMode::OnAgent);
    let call = world.call();
    world.hear(TRUNK, &invite(call, OURSELVES, SDP));
    // The same caller, the same numbers: only the Call-ID says that it is a new attempt.
    let again = invite(call, OURSELVES, SDP)
        .replace("Call-ID: call-", "Call-ID: again-")
        .replace("z9hG4bKinv", "z9hG4bKagain");
    world.hear(TRUNK, &again);
    assert_eq!(count(&world, "* arrived"), 2);
    world.cancel(call);
    world.last_response(call, "487");
    let other_way = invite(call, OURSELVES, SDP).replace("z9hG4bKinv", "z9hG4bKother");
    world.hear(TRUNK, &other_way);
    assert_eq!(count(&world, "* arrived"), 3);
    assert_eq!(count(&world, "-> 198.51.100.7 482"), 0);
}

#[test]
fn an_empty_to_tag_names_no_dialog() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let text = invite(1, OURSELVES, SDP);
    let to = format!("To: <{OURSELVES}>");
    world.hear(TRUNK, &text.replace(&to, &format!("{to};x=1;tag=;y=2")));
    let ringing = world.last_response(1, "180");
    let to = header(&ringing, Name::To);
    assert!(to.starts_with(&format!("<{OURSELVES}>;x=1;y=2;tag=")), "{to}");
    assert_eq!(to.matches("tag=").count(), 1);
    world.seat_says(1, 200);
    world.ack(1);
    world.trunk_sends(1, "BYE", 2, "");
    assert_eq!(world.endings(), ["Talking Caller HungUp"]);
}

// ---- how far a request may still go --------------------------------------------------------------

#[test]
fn the_hops_that_are_left_are_carried_on_and_never_cost_a_call() {
    for (came, sent) in [
        ("Max-Forwards: 69\r\n", "68"),
        ("Max-Forwards: 2\r\n", "1"),
        // We are the last stop: a call that comes with nothing left rings a seat all the same.
        ("Max-Forwards: 1\r\n", "1"),
        ("Max-Forwards: 0\r\n", "1"),
        ("", "69"),
        ("Max-Forwards: many\r\n", "69"),
        ("Max-Forwards: 4000000000\r\n", "69"),
    ] {
        let mut world = World::new(1, AnswerMode::OnAgent);
        let text = invite(1, OURSELVES, SDP).replace("Max-Forwards: 69\r\n", came);
        world.hear(TRUNK, &text);
        let rings = world.last_request(&seat_address(1), "INVITE");
        assert_eq!(header(&rings, Name::MaxForwards), sent, "{came:?}");
    }
    let mut world = World::new(1, AnswerMode::OnAgent);
    let options = invite(1, "sip:203.0.113.10", "").replace("INVITE", "OPTIONS");
    world.hear(TRUNK, &options.replace("Max-Forwards: 69", "Max-Forwards: 0"));
    assert!(world.last().starts_with("SIP/2.0 200"), "{}", world.last());
}

// ---- both hang up ------------------------------------------------------------------------------

/// A BYE of the seat's phone within its dialog.
fn seat_bye(world: &World, branch: &str) -> String {
    let from = seat_address(1);
    let invite = world.last_request(&from, "INVITE");
    format!(
        "BYE sip:203.0.113.10:5060 SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bK{branch}\r\n\
         From: {};tag=phone1\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: 9 BYE\r\n\r\n",
        header(&invite, Name::To),
        header(&invite, Name::From),
        header(&invite, Name::CallId)
    )
}

#[test]
fn byes_that_cross_are_both_right() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let call = answered(&mut world);
    let ok = world.last_response(call, "200");
    world.hear(&seat_address(1), &seat_bye(&world, "one"));
    world.last_request(TRUNK, "BYE");
    let crossing = in_dialog(call, &ok, "BYE", 2, "");
    // Somebody who guesses at our tag is told nothing.
    let guess =
        crossing.replace(&format!(";tag=t{call}"), ";tag=guess").replace("z9hG4bK", "z9hG4bKg");
    world.hear(TRUNK, &guess);
    assert!(world.last().starts_with("SIP/2.0 481"), "{}", world.last());
    world.hear(TRUNK, &in_dialog(call, &ok, "INFO", 3, ""));
    assert!(world.last().starts_with("SIP/2.0 481"), "{}", world.last());
    world.hear(TRUNK, &crossing);
    assert!(world.last().starts_with("SIP/2.0 200"), "{}", world.last());
    // Long after it is a BYE of no dialog.
    world.pass(Duration::from_secs(33));
    world.hear(TRUNK, &in_dialog(call, &ok, "BYE", 4, ""));
    assert!(world.last().starts_with("SIP/2.0 481"), "{}", world.last());
    // The other way round, at the phone.
    let call = answered(&mut world);
    world.trunk_sends(call, "BYE", 2, "");
    world.last_request(&seat_address(1), "BYE");
    world.hear(&seat_address(1), &seat_bye(&world, "two"));
    assert!(world.last().starts_with("SIP/2.0 200"), "{}", world.last());
    assert_eq!(world.endings(), ["Talking Seat HungUp", "Talking Caller HungUp"]);
    world.pass(Duration::from_secs(120));
    assert_eq!(world.board.live(), 0);
}

/// Our BYE still waits for the ACK of our 200 when theirs comes: it is not needed any more.
#[test]
fn a_bye_that_comes_before_ours_went_out_makes_ours_needless() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let call = world.call();
    world.seat_says(1, 200);
    world.hear(&seat_address(1), &seat_bye(&world, "one"));
    let ok = world.last_response(call, "200");
    world.hear(TRUNK, &in_dialog(call, &ok, "BYE", 2, ""));
    assert!(world.last().starts_with("SIP/2.0 200"), "{}", world.last());
    world.hear(TRUNK, &in_dialog(call, &ok, "ACK", 1, ""));
    world.pass(Duration::from_secs(120));
    assert_eq!(count(&world, "-> 198.51.100.7 BYE"), 0);
    assert_eq!(world.board.live(), 0);
}

// ---- CANCEL ------------------------------------------------------------------------------------

#[test]
fn a_cancel_is_answered_in_every_state_and_works_once() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    // Of nothing.
    world.cancel(7);
    assert!(world.last().starts_with("SIP/2.0 481"), "{}", world.last());
    // Of a call that waits: 200, and 487 to the INVITE. Sent again: the 200 again, nothing else.
    let call = world.call();
    world.seat_says(1, 180);
    world.cancel(call);
    world.last_response(call, "487");
    let sent = world.sent.len();
    world.cancel(call);
    assert_eq!(world.sent.len(), sent + 1);
    assert!(world.last().starts_with("SIP/2.0 200") && world.last().contains("1 CANCEL"));
    world.seat_says(1, 487);
    // Of one that is answered: 200, and it goes on.
    world.pass(Duration::from_secs(10));
    let call = world.call();
    world.seat_says(1, 200);
    world.cancel(call);
    assert!(world.last().starts_with("SIP/2.0 200") && world.last().contains("CANCEL"));
    world.ack(call);
    world.trunk_sends(call, "INFO", 2, "");
    assert!(world.last().starts_with("SIP/2.0 200"));
    assert_eq!(world.endings(), ["Ringing Caller Cancelled"]);
}

/// A phone behind a forking proxy: several early dialogs, and two people who pick up.
#[test]
fn of_the_forks_of_one_invite_the_first_answer_wins() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let call = world.call();
    let seat = seat_address(1);
    let rings = world.last_request(&seat, "INVITE");
    for tag in ["one", "two", "three"] {
        world.hear(&seat, &respond(&rings, 180, tag, ""));
    }
    world.hear(&seat, &respond(&rings, 200, "two", SDP));
    world.hear(&seat, &respond(&rings, 200, "three", SDP));
    let bye = world.last_request(&seat, "BYE");
    assert!(header(&bye, Name::To).ends_with(";tag=three"), "{bye}");
    world.ack(call);
    let acks: Vec<String> = world
        .sent
        .iter()
        .filter(|s| s.to == seat && s.text.starts_with("ACK"))
        .map(|s| header(&s.text, Name::To))
        .collect();
    assert!(acks.len() == 2 && acks[0].ends_with("two") && acks[1].ends_with("three"), "{acks:?}");
    // A late one, after the talk began.
    world.pass(Duration::from_secs(5));
    world.hear(&seat, &respond(&rings, 200, "one", SDP));
    assert!(header(&world.last_request(&seat, "BYE"), Name::To).ends_with(";tag=one"));
    assert!(world.endings().is_empty());
    assert_eq!(count(&world, "* answered seat-1"), 1);
    world.trunk_sends(call, "BYE", 2, "");
    assert!(header(&world.last_request(&seat, "BYE"), Name::To).ends_with(";tag=two"));
}

/// The queue answered the caller and no seat is there yet: hold and resume work on one leg.
#[test]
fn a_caller_who_is_answered_and_waits_may_change_the_session() {
    let mut world = World::unmanned(1, AnswerMode::Immediate);
    let call = world.call();
    world.pass(Duration::from_secs(1));
    world.ack(call);
    for (cseq, direction, mirrored) in [(2, "sendonly", "recvonly"), (3, "sendrecv", "sendrecv")] {
        world.trunk_sends(call, "INVITE", cseq, &SDP.replace("sendrecv", direction));
        assert!(world.last().contains(&format!("a={mirrored}\r\n")), "{}", world.last());
        world.trunk_sends(call, "ACK", cseq, "");
    }
    world.trunk_sends(call, "INVITE", 4, "");
    assert!(world.last().contains("m=audio"));
    world.trunk_sends(call, "ACK", 4, SDP);
    world.register(1);
    world.seat_says(1, 200);
    assert_eq!(count(&world, "* answered seat-1"), 1);
}

// ---- why it ended ------------------------------------------------------------------------------

fn with_reason(text: &str, reason: &str) -> String {
    text.replacen("Content-Length", &format!("Reason: {reason}\r\nContent-Length"), 1)
}

#[test]
fn the_reason_of_one_side_is_carried_to_the_other() {
    let seat = seat_address(1);
    let given = "Q.850;cause=127;text=\"Interworking\", SIP;cause=503";
    // BYE of the trunk.
    let mut world = World::new(1, AnswerMode::OnAgent);
    let call = answered(&mut world);
    let ok = world.last_response(call, "200");
    world.hear(TRUNK, &with_reason(&in_dialog(call, &ok, "BYE", 2, ""), given));
    assert_eq!(header(&world.last_request(&seat, "BYE"), Name::Reason), given);
    // BYE of the seat.
    let mut world = World::new(1, AnswerMode::OnAgent);
    answered(&mut world);
    let bye = seat_bye(&world, "one").replace("CSeq", "Reason: SIP;cause=480\r\nCSeq");
    world.hear(&seat, &bye);
    assert_eq!(header(&world.last_request(TRUNK, "BYE"), Name::Reason), "SIP;cause=480");
    // CANCEL of the trunk: answered elsewhere, so the phone shows no missed call.
    let elsewhere = "SIP;cause=200;text=\"Call completed elsewhere\"";
    let mut world = World::new(1, AnswerMode::OnAgent);
    let call = world.call();
    world.seat_says(1, 180);
    let cancel = invite(call, OURSELVES, "").replacen("INVITE", "CANCEL", 1);
    let cancel = cancel.replace("1 INVITE", "1 CANCEL");
    world.hear(TRUNK, &with_reason(&cancel, elsewhere));
    assert_eq!(header(&world.last_request(&seat, "CANCEL"), Name::Reason), elsewhere);
    // None was given, or one that is no reason.
    for unreasonable in [String::new(), format!("SIP;cause=480;text=\"{}\"", "x".repeat(600))] {
        let mut world = World::new(1, AnswerMode::OnAgent);
        let call = answered(&mut world);
        let ok = world.last_response(call, "200");
        world.hear(TRUNK, &with_reason(&in_dialog(call, &ok, "BYE", 2, ""), &unreasonable));
        let reason = header(&world.last_request(&seat, "BYE"), Name::Reason);
        assert!(reason.starts_with("Q.850;cause=16;"), "{reason}");
    }
}

#[test]
fn our_own_byes_say_what_went_wrong() {
    let seat = seat_address(1);
    // The trunk never acknowledged our 200.
    let mut world = World::new(1, AnswerMode::OnAgent);
    world.call();
    world.seat_says(1, 200);
    world.pass(Duration::from_secs(33));
    assert!(header(&world.last_request(&seat, "BYE"), Name::Reason).starts_with("SIP;cause=408"));
    // The phone is gone.
    let mut world = World::new(1, AnswerMode::OnAgent);
    answered(&mut world);
    world.pass(Duration::from_secs(93));
    assert!(header(&world.last_request(&seat, "BYE"), Name::Reason).starts_with("SIP;cause=408"));
    // The program stops.
    let mut world = World::new(1, AnswerMode::OnAgent);
    answered(&mut world);
    world.take(Input::Shutdown);
    for to in [&seat, TRUNK] {
        let reason = header(&world.last_request(to, "BYE"), Name::Reason);
        assert!(reason.starts_with("Q.850;cause=41"), "{reason}");
    }
}

// ---- what we have not ---------------------------------------------------------------------------

fn requiring(text: &str, tag: &str) -> String {
    text.replacen("Content-Length", &format!("Require: {tag}\r\nContent-Length"), 1)
}

#[test]
fn an_extension_that_we_have_not_is_refused_but_never_to_a_caller_of_112() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    world.hear(TRUNK, &requiring(&invite(1, OURSELVES, SDP), "timer, precondition"));
    assert_eq!(count(&world, "* offered seat-1"), 1);
    let findings = world.facts.iter().find_map(|entry| match &entry.fact {
        Fact::Arrived { arrival, .. } => Some(arrival.findings.clone()),
        _ => None,
    });
    let finding = "requires precondition, which we have not".to_owned();
    assert!(findings.unwrap().contains(&finding));
    world.seat_says(1, 200);
    world.ack(1);
    let ok = world.last_response(1, "200");
    for (cseq, method) in [(2, "INVITE"), (3, "UPDATE"), (4, "INFO"), (5, "OPTIONS")] {
        world.hear(TRUNK, &requiring(&in_dialog(1, &ok, method, cseq, ""), "precondition"));
        assert!(world.last().starts_with("SIP/2.0 420"), "{method}: {}", world.last());
        assert_eq!(header(&world.last(), Name::Unsupported), "precondition");
    }
    // One that we have is no reason.
    world.hear(TRUNK, &requiring(&in_dialog(1, &ok, "OPTIONS", 6, ""), "timer"));
    assert!(world.last().starts_with("SIP/2.0 200"));
    let register = invite(9, "sip:203.0.113.10", "").replace("INVITE", "REGISTER");
    world.hear(TRUNK, &requiring(&register, "gruu"));
    assert!(world.last().starts_with("SIP/2.0 420"), "{}", world.last());
    // An ending is heard whatever it asks for.
    world.hear(TRUNK, &requiring(&in_dialog(1, &ok, "BYE", 7, ""), "precondition"));
    assert_eq!(world.endings(), ["Talking Caller HungUp"]);
}

#[test]
fn small_requests_within_a_call_are_answered_and_an_unknown_info_package_is_named() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let call = answered(&mut world);
    let ok = world.last_response(call, "200");
    for (cseq, method) in [(2, "INFO"), (3, "MESSAGE"), (4, "OPTIONS"), (5, "UPDATE")] {
        world.hear(
            TRUNK,
            &in_dialog(call, &ok, method, cseq, "Signal=5\r\nDuration=160\r\n")
                .replace("application/sdp", "application/dtmf-relay"),
        );
        assert!(world.last().starts_with("SIP/2.0 200"), "{method}: {}", world.last());
        assert!(!header(&world.last(), Name::Allow).is_empty());
    }
    let info = in_dialog(call, &ok, "INFO", 6, "");
    let package = "Info-Package: infoDtmf\r\nContent-Length";
    world.hear(TRUNK, &info.replacen("Content-Length", package, 1));
    assert!(world.last().starts_with("SIP/2.0 469"), "{}", world.last());
    assert!(world.last().contains("\r\nRecv-Info:"));
    world.trunk_sends(call, "PUBLISH", 7, "");
    assert!(world.last().starts_with("SIP/2.0 405"), "{}", world.last());
    assert!(world.endings().is_empty());
}

/// We offered, and the ACK brings nothing that we can use: the caller stays.
#[test]
fn an_ack_without_the_answer_is_an_alarm_and_ends_nothing() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    world.hear(TRUNK, &invite(1, OURSELVES, ""));
    world.seat_says(1, 200);
    world.trunk_sends(1, "ACK", 1, "");
    assert_eq!(count(&world, "* alarm answer-missing"), 1);
    world.pass(Duration::from_secs(40));
    assert!(world.endings().is_empty());
    // Its next offer is taken.
    world.trunk_sends(1, "INVITE", 2, SDP);
    assert!(world.last().starts_with("SIP/2.0 200") && world.last().contains("m=audio"));
}

/// The streams that are listened to in a talk, and for what.
fn listened(world: &World) -> Vec<(StreamId, Ears)> {
    let listened = world.orders.iter().filter_map(|order| match order {
        MediaOrder::Listen { stream, ears: Some(ears) } => Some((*stream, *ears)),
        _ => None,
    });
    listened.collect()
}

/// Phones that send a key by INFO and by event at once are common.
#[test]
fn keys_and_machines_in_a_talk_are_on_the_record_once_and_end_nothing() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let call = answered(&mut world);
    let [(caller, Ears::Line), (seat, Ears::Keys)] = listened(&world)[..] else {
        panic!("two are listened to")
    };
    let info = |world: &mut World, cseq, kind: &str, body| {
        let ok = world.last_response(call, "200");
        let info = in_dialog(call, &ok, "INFO", cseq, body);
        world.hear(TRUNK, &info.replace("application/sdp", kind));
    };
    let sound = |world: &mut World, stream, sound| {
        world.take(Input::Media(MediaReport::Sound { stream, sound }));
    };
    sound(&mut world, caller, Sound::Key('5'));
    info(&mut world, 12, "application/dtmf-relay", "Signal=5\r\nDuration=160\r\n");
    info(&mut world, 13, "application/dtmf", "#");
    info(&mut world, 14, "application/dtmf", "99");
    sound(&mut world, seat, Sound::Key('5'));
    assert_eq!(world.look().calls[0].keys, "5#", "what the caller pressed is shown");
    for _ in 0..2 {
        sound(&mut world, caller, Sound::Fax);
        sound(&mut world, caller, Sound::TextTelephone);
    }
    let facts = world.facts.iter().filter_map(|entry| match &entry.fact {
        Fact::Key { by, key, .. } => Some(format!("{by:?} {key}")),
        Fact::Heard { sound, .. } => Some(sound.clone()),
        _ => None,
    });
    let facts: Vec<String> = facts.collect();
    assert_eq!(facts, ["Caller 5", "Caller #", "Seat 5", "fax", "text-telephone"]);
    let shown = world.look();
    assert_eq!(shown.calls[0].flags, ["fax", "text-telephone"]);
    assert_eq!(world.endings(), Vec::<String>::new());
}

#[test]
fn a_caller_who_says_nothing_in_a_talk_is_told_of_until_they_speak_and_not_on_hold() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let call = answered(&mut world);
    let [(caller, _), (seat, _)] = listened(&world)[..] else { panic!("two are listened to") };
    let sound = |world: &mut World, stream, sound| {
        world.take(Input::Media(MediaReport::Sound { stream, sound }));
    };
    let quiet = |world: &mut World| world.look().calls[0].quality.caller_quiet_seconds;
    sound(&mut world, seat, Sound::Quiet);
    assert_eq!(quiet(&mut world), None, "an operator may listen");
    sound(&mut world, caller, Sound::Quiet);
    world.pass(Duration::from_secs(30));
    sound(&mut world, caller, Sound::Quiet);
    assert_eq!(quiet(&mut world), Some(60));
    sound(&mut world, caller, Sound::Voice);
    sound(&mut world, caller, Sound::Voice);
    assert_eq!(quiet(&mut world), None);
    world.trunk_sends(call, "INVITE", 20, &SDP.replace("a=sendrecv", "a=sendonly"));
    world.trunk_sends(call, "ACK", 20, "");
    sound(&mut world, caller, Sound::Quiet);
    assert_eq!(quiet(&mut world), None, "who holds says nothing");
    world.trunk_sends(call, "INVITE", 21, SDP);
    world.trunk_sends(call, "ACK", 21, "");
    sound(&mut world, caller, Sound::Quiet);
    assert_eq!(quiet(&mut world), Some(30));
    world.trunk_sends(call, "BYE", 22, "");
    sound(&mut world, caller, Sound::Voice);
    let facts = world.facts.iter().filter_map(|entry| match &entry.fact {
        Fact::CallerQuiet { seconds, .. } => Some(format!("quiet for {seconds}")),
        Fact::CallerSpeaks { .. } => Some("speaks".to_owned()),
        Fact::Held { .. } => Some("held".to_owned()),
        _ => None,
    });
    let facts: Vec<String> = facts.collect();
    assert_eq!(facts, ["quiet for 30", "speaks", "held", "quiet for 30"]);
}

#[test]
fn a_phone_that_presses_on_and_on_fills_no_journal() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let call = answered(&mut world);
    let (caller, _) = listened(&world)[0];
    for _ in 0..10_000 {
        let report = MediaReport::Sound { stream: caller, sound: Sound::Key('5') };
        world.take(Input::Media(report));
    }
    let kept = world.facts.iter().filter(|entry| matches!(entry.fact, Fact::Key { .. })).count();
    assert_eq!(kept, 256);
    let told = world.ladder.iter().filter(|line| *line == "* alarm too-many-keys").count();
    assert_eq!(told, 1);
    assert_eq!(world.look().calls[0].keys, "5".repeat(32));
    world.trunk_sends(call, "BYE", 2, "");
}
