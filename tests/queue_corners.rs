//! Corners of the queue: pauses with a way back, the last open seat, weights and
//! bounds, reloads under callers who wait.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    reason = "a test may fail loudly; each test binary uses a part of the harness"
)]

#[path = "queue/hall.rs"]
mod hall;

use std::time::Duration;

use hall::Hall;
use siaga112::acd::settings::{
    Bounds, Overflow, OverflowWhen, QueueSettings, SeatSettings, Strategy,
};
use siaga112::acd::{Input, Miss, Pause, SeatState, Ticket};
use siaga112::vocabulary::Lane;

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn queue(id: &str) -> QueueSettings {
    QueueSettings {
        ring_timeout: seconds(8),
        wrap_up: seconds(2),
        max_wait: seconds(30),
        ..QueueSettings::new(id)
    }
}

fn seat(id: &str, queues: &[&str]) -> SeatSettings {
    SeatSettings::new(id, queues)
}

/// The board and the place in the queue say what a count by hand says, in every lane and queue.
#[test]
fn what_the_board_counts_is_there() {
    let queues = [queue("a"), queue("b")];
    let seats = [seat("s1", &["a", "b"]), seat("s2", &["b"])];
    let mut hall = Hall::new(&queues, &seats);
    let oldest = hall.now;
    let mut calls = Vec::new();
    for (name, lane) in [("a", Lane::Usual), ("a", Lane::Silent), ("b", Lane::Usual)] {
        for _ in 0..4 {
            let ticket = Ticket { lane, ..hall.ticket(name, 0) };
            calls.push(hall.enter(ticket));
            hall.pass(seconds(1));
        }
    }
    hall.sign_in(&seats[..1]);
    let counts: Vec<_> = hall.acd.queues().collect();
    let [a, b] = &counts[..] else { panic!("two queues") };
    assert_eq!((a.waiting, a.lanes, a.ringing, a.oldest), (7, [3, 4, 0], 1, Some(oldest)));
    assert_eq!((b.waiting, b.lanes, b.ringing, b.seats), (4, [4, 0, 0], 0, 2));
    assert_eq!((a.seats, a.ready_seats), (1, 0));
    // The first is offered and has no place; a silent one stands behind three.
    assert_eq!(hall.acd.before(calls[0], 9), None);
    assert_eq!(hall.acd.before(calls[4], 9), Some(3));
    assert_eq!(hall.acd.before(calls[7], 9), Some(6));
    assert_eq!(hall.acd.before(calls[7], 2), Some(2), "no further than asked");
}

/// A pause taken back, or set and taken back, leaves a seat that was set aside its way back.
#[test]
fn a_pause_taken_back_leaves_the_way_back_of_another() {
    let queues = [QueueSettings { misses: 1, set_aside: seconds(60), ..queue("q") }];
    let seats = [seat("s1", &["q"]), seat("s2", &["q"])];
    let mut hall = Hall::new(&queues, &seats);
    hall.sign_in(&seats);
    let call = hall.call("q", 0);
    let offer = hall.open_offers()[0];
    hall.refuse(offer, Miss::Refused);
    assert_eq!(hall.aside.len(), 1);
    let aside = hall.aside[0].clone();
    hall.leave(call);
    hall.pause(aside.as_str(), "break");
    let why = Some(Pause::Person("break".to_owned()));
    hall.say(Input::Resume { seat: aside.clone(), why });
    assert_eq!(hall.states[&aside], SeatState::Paused, "set aside still");
    hall.pass(seconds(70));
    assert_eq!(hall.states[&aside], SeatState::Ready, "its time is over");
}

/// A pause that ends, by word or by time, does not cut a wrap-up short.
#[test]
fn a_pause_that_ends_leaves_the_wrap_up() {
    let queues = [QueueSettings { wrap_up: seconds(60), ..queue("q") }];
    let seats = [seat("s1", &["q"])];
    let mut hall = Hall::new(&queues, &seats);
    hall.sign_in(&seats);
    let call = hall.call("q", 0);
    let offer = hall.open_offers()[0];
    hall.take(offer);
    hall.pause("s1", "break");
    hall.leave(call);
    let why = Some(Pause::Person("break".to_owned()));
    hall.say(Input::Resume { seat: "s1".into(), why });
    assert_eq!(hall.states["s1"], SeatState::WrapUp);
    hall.resume("s1");
    assert_eq!(hall.states["s1"], SeatState::Ready, "ready is the operator's word");
}

/// Where all seats ring and nobody answers, they all miss in the same moment: one of them stays.
#[test]
fn of_seats_that_miss_at_once_the_last_one_stays_open() {
    let strategy = Strategy::RingAll;
    let queues = [QueueSettings { misses: 2, strategy, ..queue("q") }];
    let seats = [seat("s1", &["q"]), seat("s2", &["q"]), seat("s3", &["q"])];
    let mut hall = Hall::new(&queues, &seats);
    hall.sign_in(&seats);
    hall.call("q", 0);
    hall.pass(seconds(25));
    let paused = |state: &&SeatState| **state == SeatState::Paused;
    assert_eq!(hall.states.values().filter(paused).count(), 2, "{:?}", hall.states);
    assert_eq!(hall.aside.len(), 2);
}

/// A seat that is the last one of any queue that it serves stays open too.
#[test]
fn the_last_open_seat_of_another_queue_stays_open() {
    let queues = [QueueSettings { misses: 1, ..queue("a") }, queue("b")];
    let seats = [seat("s1", &["a", "b"]), seat("s2", &["a"])];
    let mut hall = Hall::new(&queues, &seats);
    hall.sign_in(&seats);
    hall.call("a", 0);
    let on_first = hall.offers.iter().find(|(_, (_, s))| s.as_str() == "s1").map(|o| *o.0);
    hall.refuse(on_first.expect("s1 is asked first"), Miss::Refused);
    assert!(hall.aside.is_empty(), "nobody would be left for b");
}

/// Whoever has waited as long as it may has the next free seat, whatever a queue weighs.
#[test]
fn a_heavy_queue_does_not_keep_a_light_one_beyond_its_bound() {
    let bounds = Bounds { usual: seconds(20), ..Bounds::default() };
    let queues =
        [QueueSettings { bounds, ..queue("light") }, QueueSettings { bounds, ..queue("heavy") }];
    let mut only = seat("s1", &["light", "heavy"]);
    only.queues[1].weight = 9;
    let mut hall = Hall::new(&queues, std::slice::from_ref(&only));
    let light = hall.call("light", 0);
    hall.pass(seconds(1));
    for _ in 0..40 {
        hall.call("heavy", 0);
    }
    hall.pass(seconds(30));
    hall.sign_in(&[only]);
    assert_eq!(hall.made[0].0, light, "it was due first");
}

/// A reload that takes a queue its last seat sends its callers on, as the last one who leaves does.
#[test]
fn a_reload_that_leaves_nobody_sends_callers_on() {
    let when = OverflowWhen { unstaffed: true, ..OverflowWhen::default() };
    let overflow = vec![Overflow::Number("tel:+621".into())];
    let queues = [QueueSettings { overflow_when: when, overflow, ..queue("q") }, queue("spare")];
    let seats = [seat("s1", &["q"])];
    let mut hall = Hall::new(&queues, &seats);
    hall.sign_in(&seats);
    let call = hall.call("q", 0);
    assert!(hall.overflowed.is_empty());
    hall.adopt(&queues, &[seat("s1", &["spare"])]);
    assert_eq!(hall.overflowed.first().map(|o| o.0), Some(call));
}

/// A reload that gives a queue an overflow gives it to those who wait there already.
#[test]
fn a_reload_that_brings_an_overflow_brings_it_to_those_who_wait() {
    let mut hall = Hall::new(&[queue("q")], &[seat("s1", &["q"])]);
    let call = hall.call("q", 0);
    hall.pass(seconds(40));
    let overflow = vec![Overflow::Number("tel:+621".into())];
    hall.adopt(&[QueueSettings { overflow, ..queue("q") }], &[seat("s1", &["q"])]);
    hall.pass(seconds(31));
    assert_eq!(hall.overflowed.first().map(|o| o.0), Some(call));
}

/// Where all seats ring, a caller whom somebody picks up rings at that seat and nowhere else.
#[test]
fn who_is_picked_up_rings_there_alone() {
    let queues = [QueueSettings { strategy: Strategy::RingAll, ..queue("q") }, queue("other")];
    let seats = [seat("s1", &["q"]), seat("s2", &["q"]), seat("s3", &["other"])];
    let mut hall = Hall::new(&queues, &seats);
    hall.sign_in(&seats);
    let call = hall.call("q", 0);
    assert_eq!(hall.rang(), ["s1", "s2"]);
    assert!(hall.pick_up(call, "s3"));
    assert_eq!(hall.rang(), ["s1", "s2", "s3"], "s1 and s2 have stopped");
    assert_eq!(hall.open_offers().len(), 1);
    // Another caller has the free seats; this one has them again when s3 does not answer.
    hall.pass(seconds(9));
    assert_eq!(hall.rang()[3..], ["s1", "s2"]);
}
