//! What a second look at the queue found: pauses with a way back, the last open seat, weights and
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
use siaga112::acd::{Input, Miss, Pause, SeatState};

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
