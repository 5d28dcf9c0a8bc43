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

use scenario::{SDP, TRUNK, World, header, invite, seat_address};
use siaga112::sip::Name;
use siaga112::vocabulary::AnswerMode;

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
