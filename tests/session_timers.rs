//! Sessions that are kept alive and sessions that nobody keeps alive (RFC 4028), and changes of both
//! sides that cross.

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

use std::collections::BTreeSet;
use std::time::Duration;

use scenario::{SDP, TRUNK, World, header, in_dialog, invite, respond, seat_address};
use siaga112::call::orders::MediaOrder;
use siaga112::sip::Name;
use siaga112::vocabulary::AnswerMode;

const OURSELVES: &str = "sip:0328112@203.0.113.10;user=phone";
const UPDATES: &str = "Allow: INVITE, ACK, BYE, UPDATE\r\n";

fn with(text: &str, lines: &str) -> String {
    text.replacen("Contact:", &format!("{lines}Contact:"), 1)
}

/// An answered call whose INVITE and whose phone's 200 carry these header lines.
fn answered(trunk: &str, seat: &str) -> World {
    let mut world = World::new(2, AnswerMode::OnAgent);
    world.hear(TRUNK, &with(&invite(1, OURSELVES, SDP), trunk));
    let rings = world.last_request(&seat_address(1), "INVITE");
    world.hear(&seat_address(1), &with(&respond(&rings, 200, "phone1", SDP), seat));
    world.ack(1);
    world
}

/// Time passes while both sides answer OPTIONS.
fn stay(world: &mut World, seconds: u64) {
    let mut left = seconds;
    while left > 0 {
        let step = left.min(20);
        left -= step;
        let before = world.sent.len();
        world.pass(Duration::from_secs(step));
        let asked = world.sent[before..].iter().filter(|s| s.text.starts_with("OPTIONS"));
        for sent in asked.cloned().collect::<Vec<_>>() {
            world.hear(&sent.to, &respond(&sent.text, 200, "x", ""));
        }
    }
}

fn count(world: &World, line: &str) -> usize {
    world.ladder.iter().filter(|l| *l == line).count()
}

/// Requests that we sent, each one once.
fn requests(world: &World, to: &str, method: &str) -> usize {
    let sent = world.sent.iter().filter(|s| s.to == to && s.text.starts_with(method));
    let vias: BTreeSet<String> = sent.map(|s| header(&s.text, Name::Via)).collect();
    vias.len()
}

fn updates(world: &World) -> usize {
    requests(world, TRUNK, "UPDATE")
}

fn answer(world: &mut World, method: &str, code: u16, lines: &str, sdp: &str) {
    let request = world.last_request(TRUNK, method);
    world.hear(TRUNK, &with(&respond(&request, code, "x", sdp), lines));
}

// ---- our refresh -------------------------------------------------------------------------------

#[test]
fn we_refresh_by_update_at_half_the_interval_and_each_answer_starts_it_anew() {
    let lines = format!("x: 300;refresher=uas\r\nk: timer\r\n{UPDATES}");
    let mut world = answered(&lines, "");
    let ok = world.last_response(1, "200");
    assert_eq!(header(&ok, Name::SessionExpires), "300;refresher=uas");
    assert_eq!(header(&ok, Name::Require), "");
    assert_eq!(header(&ok, Name::Supported), "timer, 100rel, replaces, norefersub");
    stay(&mut world, 149);
    assert_eq!(updates(&world), 0);
    stay(&mut world, 2);
    assert_eq!(updates(&world), 1);
    let update = world.last_request(TRUNK, "UPDATE");
    assert_eq!(header(&update, Name::SessionExpires), "300;refresher=uac");
    assert!(!header(&update, Name::Contact).is_empty() && !update.contains("m=audio"));
    answer(&mut world, "UPDATE", 200, "Session-Expires: 300;refresher=uac\r\n", "");
    for _ in 0..5 {
        let before = updates(&world);
        stay(&mut world, 160);
        assert!(updates(&world) > before);
        answer(&mut world, "UPDATE", 200, "Session-Expires: 300;refresher=uac\r\n", "");
    }
    assert!(world.endings().is_empty());
    // The peer wants no timer any more.
    stay(&mut world, 160);
    answer(&mut world, "UPDATE", 200, "", "");
    let before = updates(&world);
    stay(&mut world, 900);
    assert_eq!(updates(&world), before);
    assert!(world.endings().is_empty());
    world.trunk_sends(1, "BYE", 2, "");
    world.pass(Duration::from_secs(120));
    assert_eq!(world.board.live(), 0);
}

#[test]
fn a_refresh_without_an_answer_is_tried_again_and_then_the_call_is_over() {
    let lines = format!("Session-Expires: 300;refresher=uas\r\nSupported: timer\r\n{UPDATES}");
    let mut world = answered(&lines, "");
    stay(&mut world, 151);
    let first = header(&world.last_request(TRUNK, "UPDATE"), Name::CSeq);
    stay(&mut world, 60);
    assert_ne!(header(&world.last_request(TRUNK, "UPDATE"), Name::CSeq), first);
    assert!(world.endings().is_empty());
    stay(&mut world, 60);
    assert_eq!(world.endings(), ["Talking Network DialogLost"]);
    world.last_request(TRUNK, "BYE");
    world.last_request(&seat_address(1), "BYE");
}

#[test]
fn a_peer_that_cannot_now_is_asked_again_and_one_that_knows_no_dialog_is_gone() {
    let lines = format!("Session-Expires: 300;refresher=uas\r\nSupported: timer\r\n{UPDATES}");
    for code in [408, 481] {
        let mut world = answered(&lines, "");
        stay(&mut world, 151);
        answer(&mut world, "UPDATE", code, "", "");
        assert_eq!(world.endings(), ["Talking Network DialogLost"]);
    }
    let mut world = answered(&lines, "");
    stay(&mut world, 151);
    answer(&mut world, "UPDATE", 503, "Retry-After: 20\r\n", "");
    stay(&mut world, 19);
    assert_eq!(updates(&world), 1);
    stay(&mut world, 2);
    assert_eq!(updates(&world), 2);
    // It wants a longer interval: at once.
    answer(&mut world, "UPDATE", 422, "Min-SE: 600\r\n", "");
    stay(&mut world, 1);
    let update = world.last_request(TRUNK, "UPDATE");
    assert_eq!(header(&update, Name::SessionExpires), "600;refresher=uac");
    assert_eq!(header(&update, Name::MinSe), "600");
    // It does not know UPDATE after all: a re-INVITE.
    answer(&mut world, "UPDATE", 501, "", "");
    stay(&mut world, 1);
    let again = world.last_request(TRUNK, "INVITE");
    assert_eq!(header(&again, Name::SessionExpires), "600;refresher=uac");
    assert!(world.endings().is_empty());
}

/// Without UPDATE the session is offered as it is: the same lines, the same version.
#[test]
fn a_re_invite_that_refreshes_changes_nothing() {
    let mut world = answered("Session-Expires: 300;refresher=uas\r\nSupported: timer\r\n", "");
    let ok = world.last_response(1, "200");
    stay(&mut world, 151);
    let again = world.last_request(TRUNK, "INVITE");
    let sdp = |text: &str| text.split_once("\r\n\r\n").unwrap().1.to_owned();
    assert_eq!(sdp(&again), sdp(&ok));
    let aims = |world: &World| {
        world.orders.iter().rev().find_map(|o| match o {
            MediaOrder::Aim { aim, .. } => Some(aim.clone()),
            _ => None,
        })
    };
    let before = world.orders.len();
    // A provisional response is no answer, whatever it is.
    answer(&mut world, "INVITE", 180, "", "");
    answer(&mut world, "INVITE", 183, "", SDP);
    assert!(!world.ladder.last().unwrap().ends_with("ACK"));
    answer(&mut world, "INVITE", 200, "Session-Expires: 300;refresher=uac\r\n", SDP);
    assert!(world.last().starts_with("ACK"), "{}", world.last());
    assert_eq!(
        header(&world.last(), Name::CSeq).replace("ACK", "INVITE"),
        header(&again, Name::CSeq)
    );
    // The 200 comes again because our ACK was lost.
    answer(&mut world, "INVITE", 200, "", SDP);
    assert_eq!(count(&world, "-> 198.51.100.7 ACK"), 2);
    assert_eq!(aims(&world).unwrap().rtp, "198.51.100.7:17004".parse().unwrap());
    assert!(
        world.orders[before..]
            .iter()
            .all(|o| matches!(o, MediaOrder::Aim { .. } | MediaOrder::Hint { .. }))
    );
    assert!(!world.ladder.iter().any(|l| l.contains("held")));
    stay(&mut world, 151);
    assert_eq!(requests(&world, TRUNK, "INVITE"), 2);
    assert!(world.endings().is_empty());
    // The call ends while our change is on its way: its 200 is acknowledged all the same.
    world.trunk_sends(1, "BYE", 2, "");
    answer(&mut world, "INVITE", 200, "", SDP);
    assert!(world.last().starts_with("ACK"));
    world.pass(Duration::from_secs(120));
    assert_eq!(world.board.live(), 0);
}

// ---- their refresh -----------------------------------------------------------------------------

#[test]
fn a_trunk_that_promised_to_refresh_is_taken_at_its_word() {
    let mut world = answered("Session-Expires: 600\r\nSupported: timer\r\n", "");
    let ok = world.last_response(1, "200");
    assert_eq!(header(&ok, Name::SessionExpires), "600;refresher=uac");
    assert_eq!(header(&ok, Name::Require), "timer");
    let lines = "Session-Expires: 600;refresher=uac\r\nSupported: timer\r\n";
    // By UPDATE, and by a re-INVITE that changes something too.
    for cseq in [2, 4] {
        stay(&mut world, 500);
        let ok = world.last_response(1, "200");
        world.hear(TRUNK, &with(&in_dialog(1, &ok, "UPDATE", cseq, ""), lines));
        let granted = header(&world.last(), Name::SessionExpires);
        assert_eq!(granted, "600;refresher=uac", "{}", world.last());
        stay(&mut world, 500);
        let held = SDP.replace("sendrecv", "sendonly");
        world.hear(TRUNK, &with(&in_dialog(1, &ok, "INVITE", cseq + 1, &held), lines));
        assert_eq!(header(&world.last(), Name::SessionExpires), "600;refresher=uac");
        world.hear(TRUNK, &in_dialog(1, &ok, "ACK", cseq + 1, ""));
    }
    assert!(world.endings().is_empty());
    stay(&mut world, 567);
    assert!(world.endings().is_empty());
    stay(&mut world, 2);
    assert_eq!(world.endings(), ["Talking Network DialogLost"]);
    assert_eq!(updates(&world), 0);
}

#[test]
fn a_phone_that_stops_refreshing_gives_the_caller_back_to_the_queue() {
    let mut world = answered("", "Session-Expires: 90;refresher=uas\r\nRequire: timer\r\n");
    let rings = world.last_request(&seat_address(1), "INVITE");
    assert_eq!(header(&rings, Name::SessionExpires), "1800");
    assert_eq!(header(&rings, Name::MinSe), "90");
    assert_eq!(header(&rings, Name::Supported), "timer, 100rel, replaces, norefersub");
    stay(&mut world, 59);
    assert_eq!(count(&world, "* offered seat-2"), 0);
    stay(&mut world, 2);
    world.last_request(&seat_address(1), "BYE");
    assert_eq!(count(&world, "* alarm seat-lost"), 1);
    assert_eq!(count(&world, "* offered seat-2"), 1);
    assert!(world.endings().is_empty());
}

#[test]
fn who_knows_no_timers_is_given_none() {
    let mut world = answered("", "");
    assert_eq!(header(&world.last_response(1, "200"), Name::SessionExpires), "");
    stay(&mut world, 4000);
    assert_eq!(requests(&world, TRUNK, "INVITE") + updates(&world), 0);
    assert_eq!(requests(&world, &seat_address(1), "INVITE"), 1);
    assert!(world.endings().is_empty());
}

// ---- too short ---------------------------------------------------------------------------------

#[test]
fn a_new_call_is_taken_with_any_interval_and_a_change_only_with_enough() {
    let lines = "Session-Expires: 30\r\nSupported: timer\r\n";
    let mut world = answered(lines, "");
    let ok = world.last_response(1, "200");
    assert_eq!(header(&ok, Name::SessionExpires), "30;refresher=uac");
    for (cseq, method) in [(2, "UPDATE"), (3, "INVITE")] {
        world.hear(TRUNK, &with(&in_dialog(1, &ok, method, cseq, SDP), lines));
        assert!(world.last().starts_with("SIP/2.0 422"), "{method}: {}", world.last());
        assert_eq!(header(&world.last(), Name::MinSe), "90");
    }
    // Who does not know timers would not understand it.
    let lines = "Session-Expires: 30\r\n";
    world.hear(TRUNK, &with(&in_dialog(1, &ok, "UPDATE", 4, ""), lines));
    assert_eq!(header(&world.last(), Name::SessionExpires), "30;refresher=uas");
    assert!(world.endings().is_empty());
}

#[test]
fn a_phone_that_wants_a_longer_interval_is_rung_again_with_it() {
    let mut world = World::new(1, AnswerMode::OnAgent);
    let call = world.call();
    let seat = seat_address(1);
    let first = world.last_request(&seat, "INVITE");
    world.hear(&seat, &with(&respond(&first, 422, "p", ""), "Min-SE: 3600\r\n"));
    let second = world.last_request(&seat, "INVITE");
    assert_eq!(header(&second, Name::CSeq), "2 INVITE");
    assert_eq!(header(&second, Name::CallId), header(&first, Name::CallId));
    assert_eq!(header(&second, Name::From), header(&first, Name::From));
    assert_eq!(header(&second, Name::SessionExpires), "3600");
    assert_eq!(count(&world, "* offered seat-1"), 1);
    world.hear(&seat, &respond(&second, 200, "p", SDP));
    assert!(world.last_request(&seat, "ACK").contains("CSeq: 2 ACK"));
    world.ack(call);
    assert_eq!(count(&world, "* answered seat-1"), 1);
    // One that is never content has refused the call.
    let mut world = World::new(2, AnswerMode::OnAgent);
    world.call();
    let first = world.last_request(&seat, "INVITE");
    world.hear(&seat, &with(&respond(&first, 422, "p", ""), "Min-SE: 90\r\n"));
    assert_eq!(count(&world, "* seat-1 Declined"), 1);
    assert_eq!(count(&world, "* offered seat-2"), 1);
}

// ---- changes that cross ------------------------------------------------------------------------

#[test]
fn of_two_changes_that_cross_theirs_is_put_off_and_ours_backs_off() {
    let timer = "Session-Expires: 100;refresher=uas\r\nSupported: timer\r\n";
    let ours = "Session-Expires: 100;refresher=uac\r\n";
    for round in 0..20 {
        let mut world = answered(timer, ours);
        // Each answer to an OPTIONS throws the dice once: other dice in each round.
        for number in 0..round {
            let options = invite(100 + number, "sip:203.0.113.10", "");
            world.hear(TRUNK, &options.replace("INVITE", "OPTIONS"));
        }
        stay(&mut world, 50 + u64::from(round) % 2);
        let seat = seat_address(1);
        let pending = world.last_request(&seat, "INVITE");
        world.hear(TRUNK, &in_dialog(1, &world.last_response(1, "200"), "INVITE", 2, SDP));
        assert!(world.last().starts_with("SIP/2.0 491"), "{}", world.last());
        assert_eq!(requests(&world, TRUNK, "INVITE"), 1);
        answer(&mut world, "INVITE", 491, "", "");
        world.hear(&seat, &respond(&pending, 491, "x", ""));
        // The trunk made the Call-ID of its leg: we wait 2 s at most there, and 2.1 to 4 s where
        // we made it.
        world.pass(Duration::from_millis(2010));
        assert_eq!(requests(&world, TRUNK, "INVITE"), 2);
        assert_eq!(requests(&world, &seat_address(1), "INVITE"), 2);
        world.pass(Duration::from_millis(1995));
        assert_eq!(requests(&world, &seat_address(1), "INVITE"), 3);
        answer(&mut world, "INVITE", 200, ours, SDP);
        // Ours is done, so theirs is taken now.
        world.trunk_sends(1, "INVITE", 3, SDP);
        assert!(world.last().starts_with("SIP/2.0 200"));
        assert!(world.endings().is_empty());
    }
}

/// A refresh waits until the peer's own change is acknowledged (RFC 3261 §14.1).
#[test]
fn our_refresh_waits_for_the_ack_of_their_change() {
    let lines = "Session-Expires: 40\r\n";
    let mut world = answered(lines, "");
    stay(&mut world, 10);
    let ok = world.last_response(1, "200");
    // Its 200 starts the interval anew; our refresh would be due 20 s later, the ACK comes after 23.
    world.hear(TRUNK, &with(&in_dialog(1, &ok, "INVITE", 2, SDP), lines));
    stay(&mut world, 23);
    assert_eq!(requests(&world, TRUNK, "INVITE"), 0);
    world.hear(TRUNK, &in_dialog(1, &ok, "ACK", 2, ""));
    stay(&mut world, 1);
    assert_eq!(requests(&world, TRUNK, "INVITE"), 1);
    assert!(world.endings().is_empty());
}

// ---- a dialog in doubt -------------------------------------------------------------------------

/// Some phones answer 481 to every OPTIONS within a dialog that they know very well.
#[test]
fn a_dialog_that_is_denied_to_options_is_asked_again_before_it_is_given_up() {
    for (code, lives) in [(200, true), (488, true), (500, true), (491, true), (481, false)] {
        let mut world = answered("", UPDATES);
        let before = world.sent.len();
        world.pass(Duration::from_secs(60));
        let asked = world.sent[before..].iter().filter(|s| s.text.starts_with("OPTIONS"));
        for sent in asked.cloned().collect::<Vec<_>>() {
            let code = if sent.to == TRUNK { 200 } else { 481 };
            world.hear(&sent.to, &respond(&sent.text, code, "x", ""));
        }
        let seat = seat_address(1);
        let update = world.last_request(&seat, "UPDATE");
        assert_eq!(header(&update, Name::SessionExpires), "", "no timer was agreed");
        world.hear(&seat, &respond(&update, code, "x", ""));
        assert_eq!(count(&world, "* offered seat-2") == 0, lives, "{code}");
        assert!(world.endings().is_empty());
    }
    // Silence is an answer as well; the trunk is asked by a re-INVITE.
    let mut world = answered("", "");
    let before = world.sent.len();
    world.pass(Duration::from_secs(60));
    let asked = world.sent[before..].iter().filter(|s| s.text.starts_with("OPTIONS"));
    for sent in asked.cloned().collect::<Vec<_>>() {
        let code = if sent.to == TRUNK { 481 } else { 200 };
        world.hear(&sent.to, &respond(&sent.text, code, "x", ""));
    }
    world.last_request(TRUNK, "INVITE");
    assert!(world.endings().is_empty());
    stay(&mut world, 33);
    assert_eq!(world.endings(), ["Talking Network DialogLost"]);
}

/// The trunk's BYE was lost, and its switch has forgotten the call.
#[test]
fn a_lost_bye_frees_the_seat_in_bounded_time() {
    let mut world = answered("", UPDATES);
    let seat = seat_address(1);
    let mut waited = 0;
    while world.endings().is_empty() && waited < 300 {
        let before = world.sent.len();
        world.pass(Duration::from_secs(1));
        waited += 1;
        let sent: Vec<_> = world.sent[before..].to_vec();
        for sent in sent {
            if sent.text.starts_with("SIP/") || sent.text.starts_with("ACK") {
                continue;
            }
            let code = if sent.to == TRUNK { 481 } else { 200 };
            world.hear(&sent.to, &respond(&sent.text, code, "x", ""));
        }
    }
    assert!(waited <= 62, "{waited} s");
    assert_eq!(world.endings(), ["Talking Network DialogLost"]);
    world.last_request(&seat, "BYE");
}

/// The phone's silence is noticed by its session timer first and by OPTIONS later: by then another
/// seat talks.
#[test]
fn a_question_to_a_phone_that_is_gone_costs_the_next_seat_nothing() {
    let mut world = answered("", "Session-Expires: 90;refresher=uas\r\nRequire: timer\r\n");
    let before = world.sent.len();
    world.pass(Duration::from_secs(61));
    let asked = world.sent[before..].iter().filter(|s| s.text.starts_with("OPTIONS"));
    for sent in asked.filter(|s| s.to == TRUNK).cloned().collect::<Vec<_>>() {
        world.hear(&sent.to, &respond(&sent.text, 200, "x", ""));
    }
    assert_eq!(count(&world, "* offered seat-2"), 1);
    world.seat_says(2, 200);
    world.pass(Duration::from_secs(40));
    assert_eq!(count(&world, "* alarm seat-lost"), 1);
    assert_eq!(count(&world, "-> 10.0.0.2 BYE"), 0);
    assert!(world.endings().is_empty());
}
