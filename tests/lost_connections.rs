//! Connections that are lost while phones ring on them, on a virtual clock, told as ladders.

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

use scenario::{SDP, World, respond, seat_address};
use siaga112::journal::Fact;
use siaga112::switchboard::Input;
use siaga112::vocabulary::AnswerMode;

/// Two seats on TCP; a call that rings at the first.
fn ringing(code: u16) -> World {
    let mut world = World::unmanned(2, AnswerMode::OnAgent);
    for seat in 1..=2 {
        world.on_tcp.insert(seat_address(seat));
        world.register(seat);
    }
    world.ladder.clear();
    world.call();
    world.seat_says(1, code);
    world
}

/// The connection of a peer is gone.
fn lose(world: &mut World, from: &str) {
    let flow = world.flow(from);
    world.take(Input::Disconnected { flow });
}

fn rung(world: &World, seat: usize) -> bool {
    let to = seat_address(seat);
    world.sent.iter().any(|s| s.to == to && s.text.starts_with("INVITE"))
}

#[test]
fn a_phone_that_is_lost_while_it_rings_passes_the_call_on_at_once() {
    for code in [100, 180] {
        let mut world = ringing(code);
        assert!(!rung(&world, 2));
        lose(&mut world, &seat_address(1));
        assert!(rung(&world, 2), "{code}: {:#?}", world.ladder);
        assert!(world.ladder.contains(&"* seat-1 Unreachable".to_owned()), "{:#?}", world.ladder);
        world.seat_says(2, 200);
        assert!(world.ladder.contains(&"* answered seat-2".to_owned()), "{:#?}", world.ladder);
    }
}

#[test]
fn its_answer_by_another_connection_is_hung_up_when_the_call_has_gone_on() {
    let mut world = ringing(180);
    let invite = world.last_request(&seat_address(1), "INVITE");
    lose(&mut world, &seat_address(1));
    world.seat_says(2, 200);
    let back = "10.0.0.1:40001";
    world.on_tcp.insert(back.to_owned());
    world.hear(back, &respond(&invite, 200, "phone1", SDP));
    let heard: Vec<&str> =
        world.sent.iter().filter(|s| s.to == back).map(|s| &s.text[..3]).collect();
    assert_eq!(heard, ["ACK", "BYE"], "{:#?}", world.ladder);
    assert!(world.endings().is_empty());
}

#[test]
fn a_phone_that_has_registered_another_way_rings_on() {
    let mut world = ringing(180);
    let invite = world.last_request(&seat_address(1), "INVITE");
    let back = "10.0.0.1:40001";
    world.on_tcp.insert(back.to_owned());
    world.register_phone(1, back);
    lose(&mut world, &seat_address(1));
    assert!(!rung(&world, 2), "{:#?}", world.ladder);
    world.hear(back, &respond(&invite, 200, "phone1", SDP));
    assert!(world.ladder.contains(&"* answered seat-1".to_owned()), "{:#?}", world.ladder);
}

#[test]
fn a_second_phone_of_the_seat_rings_on_and_its_refusal_ends_the_offer() {
    let mut world = World::unmanned(2, AnswerMode::OnAgent);
    let second = "10.0.0.1:40001";
    for from in [seat_address(1), second.to_owned(), seat_address(2)] {
        world.on_tcp.insert(from);
    }
    world.register(1);
    world.register_phone(1, second);
    world.register(2);
    world.call();
    world.seat_says(1, 180);
    lose(&mut world, &seat_address(1));
    assert!(!rung(&world, 2), "{:#?}", world.ladder);
    let invite = world.last_request(second, "INVITE");
    world.hear(second, &respond(&invite, 486, "other", ""));
    assert!(rung(&world, 2), "{:#?}", world.ladder);
    let outcome = world.facts.iter().find_map(|entry| match &entry.fact {
        Fact::OfferEnded { status, .. } => *status,
        _ => None,
    });
    assert_eq!(outcome, Some(486));
}

#[test]
fn another_peer_s_connection_changes_nothing() {
    let mut world = ringing(180);
    let before = world.ladder.len();
    lose(&mut world, "10.0.0.9:5060");
    world.pass(Duration::from_secs(1));
    assert_eq!(world.ladder.len(), before);
}
