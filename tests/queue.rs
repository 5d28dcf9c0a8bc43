//! The queue under every order of events, on a virtual clock with seeds: no caller lost or offered
//! twice, no seat with two offers, no free seat beside a waiting caller, order and bounds kept, over
//! reloads and crashes too.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::too_many_lines,
    reason = "a test may fail loudly"
)]

#[path = "queue/hall.rs"]
mod hall;

use std::time::Duration;

use hall::{Hall, SECOND};
use siaga112::acd::settings::{
    Bounds, Membership, Overflow, OverflowWhen, QueueSettings, SeatSettings, Strategy, Widen,
};
use siaga112::acd::{Input, Miss, Pause, SeatState, Ticket, Withdrawn};
use siaga112::vocabulary::{CallId, Dice, Lane, Moment, SeatId, Want};

fn queue(id: &str, overflow: Vec<Overflow>) -> QueueSettings {
    QueueSettings {
        ring_timeout: Duration::from_secs(8),
        wrap_up: Duration::from_secs(2),
        max_wait: Duration::from_secs(30),
        overflow,
        ..QueueSettings::new(id)
    }
}

fn seat(id: &str, queues: &[&str]) -> SeatSettings {
    SeatSettings::new(id, queues)
}

fn want(skill: &str, level: u8) -> Want {
    Want { skill: skill.into(), level }
}

fn number(text: &str) -> Overflow {
    Overflow::Number(text.to_owned())
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Seats `s1` to `sN` in one queue `q`, all signed in, one second apart.
fn hall_of(count: usize, strategy: Strategy) -> Hall {
    let names: Vec<String> = (1..=count).map(|n| format!("s{n}")).collect();
    let seats: Vec<SeatSettings> = names.iter().map(|name| seat(name, &["q"])).collect();
    let mut hall = Hall::new(&[QueueSettings { strategy, ..queue("q", vec![]) }], &seats);
    for seat in &seats {
        hall.sign_in(std::slice::from_ref(seat));
        hall.pass(seconds(1));
    }
    hall
}

// ---- matching ------------------------------------------------------------------------------------

#[test]
fn the_longest_idle_seat_comes_first_and_callers_in_order() {
    let seats = [seat("s1", &["q"]), seat("s2", &["q"])];
    let mut hall = Hall::new(&[queue("q", vec![])], &seats);
    hall.sign_in(&seats[1..]);
    hall.pass(seconds(1));
    hall.sign_in(&seats[..1]);
    let calls: Vec<CallId> = (0..3).map(|_| hall.call("q", 0)).collect();
    let urgent = hall.call("q", 5);
    assert_eq!(hall.rang(), ["s2", "s1"], "who signed in first has been idle longest");
    assert_eq!((hall.made[0].0, hall.made[1].0), (calls[0], calls[1]));
    let first = hall.open_offers()[0];
    hall.take(first);
    hall.leave(calls[0]);
    hall.pass(seconds(2));
    assert_eq!(hall.made[2].0, urgent, "priority goes before arrival");
}

/// Each call is answered at once and ends after `talk` seconds; returns who answered.
fn who_answers(hall: &mut Hall, talks: &[u64]) -> Vec<String> {
    let mut who = Vec::new();
    for talk in talks {
        let call = hall.call("q", 0);
        who.push(hall.made.last().unwrap().1.to_string());
        let offer = *hall.open_offers().last().unwrap();
        hall.take(offer);
        hall.pass(seconds(*talk));
        hall.leave(call);
        hall.pass(seconds(3));
    }
    who
}

#[test]
fn each_strategy_rings_whom_it_says() {
    let mut hall = hall_of(3, Strategy::LongestIdle);
    assert_eq!(who_answers(&mut hall, &[1, 1, 1, 1]), ["s1", "s2", "s3", "s1"]);
    let mut hall = hall_of(3, Strategy::RoundRobin);
    assert_eq!(who_answers(&mut hall, &[90, 1, 1, 1, 1]), ["s1", "s2", "s3", "s1", "s2"]);

    let mut hall = hall_of(2, Strategy::FewestCalls);
    hall.pause("s2", "break");
    assert_eq!(who_answers(&mut hall, &[1, 1]), ["s1", "s1"]);
    hall.resume("s2");
    assert_eq!(who_answers(&mut hall, &[1, 1, 1]), ["s2", "s2", "s1"], "until both have as many");

    let mut hall = hall_of(3, Strategy::Preference);
    let mut seats = hall.seats.clone();
    seats[1].queues[0].preference = 5;
    seats[2].queues[0].preference = 4;
    hall.adopt(&hall.queues.clone(), &seats);
    assert_eq!(who_answers(&mut hall, &[1, 1]), ["s2", "s2"]);
    hall.pause("s2", "break");
    assert_eq!(who_answers(&mut hall, &[1]), ["s3"]);

    let mut hall = hall_of(3, Strategy::LastOperator);
    let mut seats = hall.seats.clone();
    for (n, seat) in seats.iter_mut().enumerate() {
        seat.operator = Some(format!("operator-{}", n + 1).as_str().into());
    }
    hall.adopt(&hall.queues.clone(), &seats);
    let known = Ticket { last: Some("operator-3".into()), ..hall.ticket("q", 0) };
    hall.enter(known);
    let away = Ticket { last: Some("operator-3".into()), ..hall.ticket("q", 0) };
    hall.enter(away);
    assert_eq!(hall.rang(), ["s3", "s1"], "else the longest idle");
}

#[test]
fn where_all_ring_the_first_to_answer_wins_and_the_others_are_let_go_in_the_same_step() {
    let mut hall = hall_of(3, Strategy::RingAll);
    let call = hall.call("q", 0);
    assert_eq!(hall.rang(), ["s1", "s2", "s3"]);
    let offers = hall.open_offers();
    hall.take(offers[1]);
    let others: Vec<_> = hall.withdrawn.iter().map(|(_, why)| *why).collect();
    assert_eq!(others, [Withdrawn::Elsewhere; 2]);
    // A second answer comes too late and changes nothing.
    hall.say(Input::Taken { offer: offers[0] });
    assert_eq!(hall.states["s1"], SeatState::Ready, "nobody is left reserved");
    assert_eq!(hall.acd.offers_of(call).len(), 1);
}

#[test]
fn where_all_ring_a_second_caller_gets_a_seat_at_once() {
    let mut hall = hall_of(3, Strategy::RingAll);
    let first = hall.call("q", 0);
    let second = hall.call("q", 0);
    assert_eq!(hall.withdrawn.iter().map(|w| w.1).collect::<Vec<_>>(), [Withdrawn::Needed]);
    assert_eq!(hall.acd.offers_of(first).len(), 2);
    assert_eq!(hall.acd.offers_of(second).len(), 1);
    for _ in 0..3 {
        hall.call("q", 0);
    }
    assert_eq!(hall.open_offers().len(), 3, "three seats, three callers");
    assert_eq!(hall.acd.offers_of(first).len(), 1);
    // Who rang everywhere and is answered nowhere waits again at the old place.
    hall.pass(seconds(8));
    assert!(hall.withdrawn.iter().any(|w| w.1 == Withdrawn::RangOut));
    hall.pass(seconds(3));
    assert!(hall.offers.values().any(|(call, _)| *call == first));
}

#[test]
fn a_skill_is_waited_for_and_then_given_up() {
    let mut seats = [seat("s1", &["q"]), seat("s2", &["q"])];
    seats[0].skills.insert("mad".into(), 1);
    seats[1].skills.insert("mad".into(), 4);
    let widen = vec![
        Widen { after: seconds(10), lower: 2, tier: None },
        Widen { after: seconds(20), lower: 9, tier: None },
    ];
    let mut hall = Hall::new(&[QueueSettings { widen, ..queue("q", vec![]) }], &seats);
    hall.sign_in(&seats[..1]);
    let wanting = |hall: &mut Hall, level| {
        let ticket = Ticket { wants: vec![want("mad", level)], ..hall.ticket("q", 0) };
        hall.enter(ticket)
    };
    let fluent = wanting(&mut hall, 3);
    let other = hall.call("q", 0);
    assert_eq!(hall.made, [(other, "s1".into())], "who needs more does not hold up the others");
    hall.leave(other);
    hall.pass(seconds(9));
    assert_eq!(hall.made.len(), 1);
    hall.pass(seconds(1));
    assert_eq!(hall.made[1], (fluent, "s1".into()), "3 lowered by 2");
    let native = wanting(&mut hall, 4);
    hall.sign_in(&seats[1..]);
    assert_eq!(hall.made[2], (native, "s2".into()));
    let offer = *hall.acd.offers_of(native).first().unwrap();
    hall.take(offer);
    hall.leave(fluent);
    let fishing = Ticket { wants: vec![want("fishing", 9)], ..hall.ticket("q", 0) };
    let fishing = hall.enter(fishing);
    hall.pass(seconds(19));
    assert_eq!(hall.made.len(), 3);
    hall.pass(seconds(1));
    assert_eq!(hall.made[3], (fishing, "s1".into()), "no skill is needed any more");
}

#[test]
fn the_second_tier_is_asked_later_and_at_the_bound_everybody() {
    let mut seats = [seat("s1", &["q"]), seat("s2", &["q"]), seat("s3", &["q"])];
    seats[1].queues[0].tier = 2;
    seats[2].queues[0].tier = 3;
    let widen = vec![Widen { after: seconds(15), lower: 0, tier: Some(2) }];
    let mut hall = Hall::new(&[QueueSettings { widen, ..queue("q", vec![]) }], &seats);
    hall.sign_in(&seats);
    for _ in 0..3 {
        hall.call("q", 0);
    }
    assert_eq!(hall.rang(), ["s1"]);
    let first = hall.open_offers()[0];
    hall.take(first);
    hall.pass(seconds(15));
    assert_eq!(hall.rang(), ["s1", "s2"]);
    let second = hall.open_offers()[0];
    hall.take(second);
    hall.pass(seconds(45));
    assert_eq!(hall.rang(), ["s1", "s2", "s3"]);
}

#[test]
fn weights_decide_among_equals_and_never_hold_anybody_back() {
    let mut only = seat("s1", &["a", "b"]);
    only.queues[1].weight = 5;
    let mut hall = Hall::new(&[queue("a", vec![]), queue("b", vec![])], &[only.clone()]);
    let a = hall.call("a", 0);
    hall.pass(seconds(1));
    let b = hall.call("b", 0);
    let urgent = hall.call("a", 7);
    hall.sign_in(&[only]);
    for expected in [urgent, b, a] {
        assert_eq!(hall.made.last().unwrap().0, expected);
        let offer = hall.open_offers()[0];
        hall.take(offer);
        hall.leave(expected);
        hall.pass(seconds(3));
    }
}

#[test]
fn a_person_takes_any_caller_who_waits_or_rings_through_the_same_lease() {
    let mut hall = hall_of(2, Strategy::LongestIdle);
    hall.pause("s2", "training");
    let rings = hall.call("q", 9);
    let waits = hall.call("q", 0);
    assert!(hall.pick_up(waits, "s2"), "a pause is no hindrance to a wish");
    assert!(!hall.pick_up(rings, "s2"), "it rings already");
    let taken = *hall.acd.offers_of(waits).first().unwrap();
    hall.take(taken);
    hall.leave(waits);
    assert!(hall.pick_up(rings, "s2"), "out of its wrap-up, and away from s1");
    assert_eq!(hall.withdrawn.last().unwrap().1, Withdrawn::Elsewhere);
    assert_eq!(hall.states["s1"], SeatState::Ready);
    hall.pass(seconds(8));
    assert_eq!(hall.made.last().unwrap(), &(rings, "s1".into()), "unanswered it goes on as before");
    let offer = hall.open_offers()[0];
    hall.take(offer);
    assert!(!hall.pick_up(rings, "s2"), "somebody talks to the caller");
    assert!(!hall.pick_up(waits, "s2"), "nobody of that name");
    assert!(!hall.pick_up(rings, "s9"));
}

// ---- order ---------------------------------------------------------------------------------------

#[test]
fn lanes_come_one_after_the_other_and_each_within_its_bound() {
    let mut hall = hall_of(1, Strategy::LongestIdle);
    let busy = hall.call("q", 0);
    let offer = hall.open_offers()[0];
    hall.take(offer);
    let nuisance = Ticket { lane: Lane::Nuisance, ..hall.ticket("q", 9) };
    let nuisance = hall.enter(nuisance);
    let silent = Ticket { lane: Lane::Silent, ..hall.ticket("q", 5) };
    let silent = hall.enter(silent);
    let usual = hall.call("q", 0);
    let mut last = busy;
    let mut order = Vec::new();
    for _ in 0..3 {
        hall.leave(last);
        hall.pass(seconds(2));
        last = hall.made.last().unwrap().0;
        order.push(last);
        let offer = hall.open_offers()[0];
        hall.take(offer);
    }
    assert_eq!(order, [usual, silent, nuisance]);

    // A marked caller whose bound has come goes before everybody else.
    let marked = Ticket { lane: Lane::Nuisance, ..hall.ticket("q", 0) };
    let marked = hall.enter(marked);
    hall.pass(seconds(100));
    let priority = hall.call("q", 9);
    hall.pass(seconds(20));
    hall.leave(last);
    hall.pass(seconds(2));
    assert_eq!(hall.made.last().unwrap().0, marked);
    assert!(hall.waiting().contains(&priority));
}

#[test]
fn a_caller_who_speaks_moves_up_and_a_crash_or_reload_moves_nobody() {
    let mut hall = hall_of(1, Strategy::LongestIdle);
    let busy = hall.call("q", 0);
    let offer = hall.open_offers()[0];
    hall.take(offer);
    let silent = Ticket { lane: Lane::Silent, ..hall.ticket("q", 0) };
    let first = hall.enter(silent.clone());
    hall.pass(seconds(1));
    let second = hall.call("q", 0);
    hall.crash();
    hall.adopt(&hall.queues.clone(), &hall.seats.clone());
    hall.change(Ticket { lane: Lane::Usual, ..silent });
    hall.crash();
    assert_eq!(hall.acd.before(second, 9), Some(1));
    hall.leave(busy);
    hall.pass(seconds(2));
    assert_eq!(hall.made.last().unwrap().0, first, "it came first");
}

// ---- seats ---------------------------------------------------------------------------------------

#[test]
fn a_seat_that_does_not_answer_rests_and_the_next_one_rings_at_once() {
    let mut hall = hall_of(2, Strategy::LongestIdle);
    let call = hall.call("q", 0);
    let offer = hall.open_offers()[0];
    hall.say(Input::Rings { offer });
    assert_eq!(hall.states["s1"], SeatState::Ringing);
    hall.pass(seconds(8));
    assert_eq!(hall.withdrawn.len(), 1);
    assert_eq!(hall.rang(), ["s1", "s2"]);
    assert_eq!(hall.states["s1"], SeatState::Resting);
    hall.pass(seconds(3));
    assert_eq!(hall.states["s1"], SeatState::Ready);
    // A late answer to an offer that is over changes nothing.
    hall.say(Input::Taken { offer: hall.withdrawn[0].0 });
    assert!(hall.waiting().contains(&call));
}

#[test]
fn who_misses_again_and_again_is_set_aside_with_a_way_back() {
    let mut hall = hall_of(2, Strategy::Preference);
    let mut seats = hall.seats.clone();
    seats[0].queues[0].preference = 5;
    hall.adopt(&hall.queues.clone(), &seats);
    let call = hall.call("q", 0);
    for miss in [Miss::Refused, Miss::Unreachable, Miss::Refused, Miss::Refused] {
        let offer = hall.offers.iter().find(|(_, (_, s))| s.as_str() == "s1").map(|o| *o.0);
        hall.refuse(offer.expect("s1 is asked first"), miss);
        // s2 is asked at once, and refuses as well.
        let offer = hall.open_offers()[0];
        hall.say(Input::Gate { room: 0 });
        hall.refuse(offer, Miss::NotMade);
        hall.pass(seconds(4));
        hall.say(Input::Gate { room: 9 });
    }
    assert_eq!(hall.aside, [SeatId::from("s1")], "three misses; an unreachable phone is none");
    assert_eq!(hall.states["s1"], SeatState::Paused);
    let pauses = hall.acd.seats().find(|s| s.seat.as_str() == "s1").unwrap().pauses;
    assert_eq!(pauses, [Pause::Misses]);
    hall.leave(call);
    hall.pass(seconds(120));
    assert_eq!(hall.states["s1"], SeatState::Ready, "the time is over");
}

#[test]
fn the_last_open_seat_may_refuse_for_ever_and_is_asked_at_a_walking_pace() {
    let mut hall = hall_of(1, Strategy::LongestIdle);
    hall.call("q", 0);
    for _ in 0..20 {
        if let Some(offer) = hall.open_offers().first() {
            hall.refuse(*offer, Miss::Refused);
        }
        hall.pass(seconds(1));
    }
    assert!((5..=8).contains(&hall.made.len()), "{} offers in 20 s", hall.made.len());
}

#[test]
fn each_pause_stands_for_itself_and_a_lost_phone_is_nobody_s_fault() {
    let mut hall = hall_of(2, Strategy::LongestIdle);
    hall.pause("s1", "break");
    hall.pause("s1", "training");
    let back = |why: &str| Some(Pause::Person(why.to_owned()));
    hall.say(Input::Resume { seat: "s1".into(), why: back("break") });
    assert_eq!(hall.states["s1"], SeatState::Paused);
    hall.say(Input::Resume { seat: "s1".into(), why: back("training") });
    assert_eq!(hall.states["s1"], SeatState::Ready);
    hall.pass(seconds(5));
    hall.lose("s2");
    assert_eq!(hall.states["s2"], SeatState::Paused);
    hall.resume("s2");
    assert_eq!(hall.states["s2"], SeatState::Paused, "a word does not bring a phone back");
    hall.pass(seconds(60));
    hall.phone("s2", true);
    hall.call("q", 0);
    assert_eq!(hall.rang(), ["s2"], "its idle time went on");
    hall.phone("s1", false);
    assert_eq!(hall.states["s1"], SeatState::SignedOut);
}

#[test]
fn a_wrap_up_is_seen_and_extended_within_its_bound() {
    let mut hall = hall_of(1, Strategy::LongestIdle);
    let mut queues = hall.queues.clone();
    queues[0].wrap_up_most = seconds(10);
    hall.adopt(&queues, &hall.seats.clone());
    let call = hall.call("q", 0);
    let offer = hall.open_offers()[0];
    hall.take(offer);
    hall.say(Input::Hold { call, held: true });
    assert_eq!(hall.states["s1"], SeatState::Hold);
    hall.say(Input::Hold { call, held: false });
    hall.leave(call);
    assert_eq!(hall.states["s1"], SeatState::WrapUp);
    let until = |hall: &Hall| hall.acd.seats().next().unwrap().wrap_up_until;
    assert_eq!(until(&hall), Some(hall.now.after(seconds(2))));
    let most = hall.now.after(seconds(10));
    hall.say(Input::WrapUp { seat: "s1".into(), more: seconds(60) });
    assert_eq!(until(&hall), Some(most));
    hall.call("q", 0);
    hall.pass(seconds(9));
    assert_eq!(hall.made.len(), 1);
    hall.crash();
    hall.pass(seconds(1));
    assert_eq!(hall.made.len(), 2);
    assert_eq!(until(&hall), None);
}

#[test]
fn a_closed_gate_holds_offers_back_and_loses_nobody() {
    let mut hall = hall_of(2, Strategy::LongestIdle);
    hall.say(Input::Gate { room: 0 });
    hall.call("q", 0);
    hall.call("q", 0);
    assert!(hall.made.is_empty());
    hall.say(Input::Gate { room: 1 });
    assert_eq!(hall.made.len(), 1);
    hall.say(Input::Gate { room: 1 });
    assert_eq!(hall.made.len(), 2);
}

// ---- overflow ------------------------------------------------------------------------------------

#[test]
fn who_waits_too_long_is_offered_to_the_overflow_queue_as_well() {
    let seats = [seat("s9", &["spare"])];
    let queues = [
        queue("q", vec![Overflow::Queue("spare".into()), number("tel:+62811000112")]),
        queue("spare", vec![]),
    ];
    let mut hall = Hall::new(&queues, &seats);
    let call = hall.call("q", 0);
    hall.pass(seconds(30));
    let waited = "waited 30 s".to_owned();
    assert_eq!(hall.overflowed, [(call, Overflow::Queue("spare".into()), waited)]);
    hall.sign_in(&seats);
    assert_eq!(hall.made, [(call, "s9".into())]);
    let offer = hall.open_offers()[0];
    hall.refuse(offer, Miss::Refused);
    hall.pass(seconds(30));
    assert_eq!(hall.overflowed[1].1, number("tel:+62811000112"));
}

#[test]
fn a_queue_without_people_sends_its_callers_on_at_once_and_on_again() {
    let when = OverflowWhen { unstaffed: true, paused: true, length: Some(2) };
    let chain = vec![Overflow::Queue("spare".into()), number("tel:+621")];
    let queues = [
        QueueSettings { overflow_when: when, ..queue("q", chain) },
        QueueSettings { overflow_when: when, ..queue("spare", vec![number("tel:+621")]) },
    ];
    let seats = [seat("s1", &["q"]), seat("s2", &["spare"])];
    let mut hall = Hall::new(&queues, &seats);
    // Nobody is signed in anywhere: through both to the number, in one step.
    hall.call("q", 0);
    let whys: Vec<&str> = hall.overflowed.iter().map(|o| o.2.as_str()).collect();
    assert_eq!(whys, ["no seat is signed in"; 2]);
    hall.overflowed.clear();
    hall.sign_in(&seats);
    let rings = hall.call("q", 0);
    hall.pass(seconds(1));
    assert!(hall.overflowed.is_empty(), "somebody is there");
    // The last one pauses while a caller rings there.
    hall.pause("s1", "break");
    assert_eq!(
        hall.overflowed,
        [(rings, Overflow::Queue("spare".into()), "every seat is paused".into())]
    );
    hall.resume("s1");
    hall.overflowed.clear();
    for _ in 0..5 {
        hall.call("q", 0);
    }
    assert!(hall.overflowed.iter().any(|o| o.2 == "2 wait already"), "{:?}", hall.overflowed);
}

#[test]
fn settings_change_under_waiting_and_talking_callers() {
    let mut hall = hall_of(2, Strategy::LongestIdle);
    let talking = hall.call("q", 0);
    let offer = hall.open_offers()[0];
    hall.take(offer);
    let waiting = hall.call("gone", 0);
    // The queue `q` is renamed, seat s1 is dropped while it talks.
    hall.adopt(&[queue("new", vec![])], &[seat("s2", &["new"])]);
    assert!(hall.made.contains(&(waiting, "s2".into())), "{:?}", hall.made);
    hall.leave(talking);
    hall.pass(seconds(5));
    assert!(hall.acd.seats().all(|s| s.seat == "s2".into()));
}

#[test]
fn a_shorter_wait_counts_for_those_who_wait_already() {
    let mut hall = Hall::new(&[queue("q", vec![number("tel:+621")])], &[seat("s1", &["q"])]);
    hall.call("q", 0);
    hall.pass(seconds(2));
    let shorter = QueueSettings { max_wait: seconds(5), ..hall.queues[0].clone() };
    hall.adopt(&[shorter], &hall.seats.clone());
    hall.pass(seconds(5));
    assert_eq!(hall.overflowed.len(), 1);
}

// ---- everything at once --------------------------------------------------------------------------

/// Settings by chance: strategies, skills, tiers, weights, bounds, overflow.
fn settings(pick: &mut impl FnMut(u64) -> u64) -> (Vec<QueueSettings>, Vec<SeatSettings>) {
    use Strategy::{FewestCalls, LastOperator, LongestIdle, Preference, RingAll, RoundRobin};
    let strategies = [LongestIdle, FewestCalls, RoundRobin, RingAll, Preference, LastOperator];
    let mut queues = Vec::new();
    for name in ["a", "b"] {
        let overflow = match name {
            "a" => vec![Overflow::Queue("b".into()), number("tel:+621")],
            _ => vec![number("tel:+621")],
        };
        let widen = match pick(3) {
            0 => vec![],
            1 => vec![Widen { after: seconds(10), lower: 1, tier: None }],
            _ => vec![
                Widen { after: seconds(5), lower: 1, tier: Some(1) },
                Widen { after: seconds(15), lower: 9, tier: Some(2) },
            ],
        };
        queues.push(QueueSettings {
            strategy: strategies[pick(6) as usize],
            widen,
            bounds: Bounds {
                usual: seconds(30 + pick(60)),
                silent: seconds(60),
                nuisance: seconds(90),
            },
            overflow_when: OverflowWhen {
                length: (pick(3) == 0).then_some(3),
                unstaffed: pick(2) == 0,
                paused: pick(2) == 0,
            },
            misses: pick(4) as u8,
            set_aside: seconds(20),
            wrap_up_most: seconds(10),
            ..queue(name, overflow)
        });
    }
    let seats = (1..=5).map(|n| {
        let served: &[&str] = [&["a"][..], &["b"], &["a", "b"]][pick(3) as usize];
        let mut seat = seat(&format!("s{n}"), served);
        for member in &mut seat.queues {
            let Membership { tier, preference, weight, .. } = member;
            *tier = 1 + pick(2) as u8;
            *preference = 1 + pick(5) as u8;
            *weight = 1 + pick(2) as u8;
        }
        if pick(2) == 0 {
            seat.skills.insert("mad".into(), 1 + pick(3) as u8);
        }
        seat.operator = Some(format!("op{n}").as_str().into());
        seat.auto_ready = pick(8) > 0;
        seat
    });
    let seats = seats.collect();
    (queues, seats)
}

/// One hour of a busy hall per seed.
fn hour(seed: u64) {
    let mut dice = Dice::from_number(seed);
    let mut pick = |n: u64| dice.number() % n;
    let (queues, seats) = settings(&mut pick);
    let (others, _) = settings(&mut pick);
    let mut hall = Hall::new(&queues, &seats);
    hall.sign_in(&seats);
    let one_of =
        |list: &[CallId], n: u64| (!list.is_empty()).then(|| list[n as usize % list.len()]);
    for _ in 0..400 {
        let name = format!("s{}", 1 + pick(5));
        let offers = hall.open_offers();
        let offer = (!offers.is_empty()).then(|| offers[pick(offers.len() as u64) as usize]);
        match pick(18) {
            0..=3 => {
                let queue = ["a", "b", "gone"][(pick(9) / 4) as usize];
                let mut ticket = hall.ticket(queue, pick(3) as u8);
                ticket.lane =
                    [Lane::Usual, Lane::Usual, Lane::Silent, Lane::Nuisance][pick(4) as usize];
                if pick(3) == 0 {
                    ticket.wants = vec![want("mad", 1 + pick(3) as u8)];
                }
                ticket.last = (pick(2) == 0).then(|| format!("op{}", 1 + pick(5)).as_str().into());
                hall.enter(ticket);
            }
            4 | 5 => offer.into_iter().for_each(|offer| hall.take(offer)),
            6 => {
                let miss = [Miss::Refused, Miss::Unreachable, Miss::NotMade][pick(3) as usize];
                offer.into_iter().for_each(|offer| hall.refuse(offer, miss));
            }
            7 | 8 => {
                let all: Vec<CallId> = hall.guests.keys().copied().collect();
                one_of(&all, pick(99)).into_iter().for_each(|call| hall.leave(call));
            }
            9 => match pick(4) {
                0 => hall.phone(&name, false),
                1 => hall.lose(&name),
                _ => hall.phone(&name, true),
            },
            10 => match pick(3) {
                0 => hall.pause(&name, "break"),
                _ => hall.resume(&name),
            },
            11 => match pick(3) {
                0 => hall.adopt(&others, &seats),
                _ => hall.adopt(&queues, &seats),
            },
            12 => hall.crash(),
            13 => {
                let all = hall.waiting();
                if let Some(call) = one_of(&all, pick(99)) {
                    hall.pick_up(call, &name);
                }
            }
            14 => offer.into_iter().for_each(|offer| hall.say(Input::Rings { offer })),
            15 => {
                let all: Vec<CallId> = hall.talks.keys().copied().collect();
                if let Some(call) = one_of(&all, pick(99)) {
                    hall.say(Input::Hold { call, held: pick(2) == 0 });
                }
            }
            16 => {
                let all = hall.waiting();
                if let Some(call) = one_of(&all, pick(99)) {
                    let known = hall.guests[&call].ticket.clone();
                    let lane = [Lane::Usual, Lane::Silent][pick(2) as usize];
                    hall.change(Ticket { lane, priority: pick(10) as u8, ..known });
                }
            }
            _ => hall.say(Input::WrapUp { seat: name.as_str().into(), more: seconds(pick(20)) }),
        }
        let span = Duration::from_millis(pick(4000));
        hall.pass(span);
    }
    // The faults stop: everybody is answered.
    hall.sign_in(&seats);
    for seat in &seats {
        hall.resume(seat.id.as_str());
    }
    for _ in 0..3000 {
        for offer in hall.open_offers() {
            if hall.offers.contains_key(&offer) && !hall.talks.contains_key(&hall.offers[&offer].0)
            {
                hall.take(offer);
            }
        }
        let talks: Vec<CallId> = hall.talks.keys().copied().collect();
        talks.into_iter().for_each(|call| hall.leave(call));
        hall.pass(seconds(1));
        if hall.waiting().is_empty() {
            break;
        }
    }
    if hall.served().len() == 2 {
        assert!(hall.waiting().is_empty(), "seed {seed}: {:?} never answered", hall.waiting());
        assert_eq!(hall.acd.live(), 0, "seed {seed}: something is left");
    }
}

#[test]
fn two_hundred_and_fifty_six_seeds_keep_every_promise() {
    for seed in 0..256 {
        hour(seed);
    }
}

/// Under any load that leaves seats free now and then, no caller of any lane waits longer than its
/// bound and the talks before it: the next free seat is theirs.
#[test]
fn a_caller_whose_bound_has_come_has_the_next_free_seat() {
    for seed in 0..32 {
        let mut dice = Dice::from_number(seed);
        let mut pick = |n: u64| dice.number() % n;
        let mut hall = hall_of(2, Strategy::LongestIdle);
        let mut waits: Vec<(Lane, u64)> = Vec::new();
        let mut came: std::collections::BTreeMap<CallId, (Lane, Moment)> = Default::default();
        // Two seats, talks of 10 s, and more callers than they can take.
        for _ in 0..300 {
            let lane =
                [Lane::Usual, Lane::Silent, Lane::Nuisance][(pick(10) / 8 + pick(2)) as usize % 3];
            if hall.waiting().len() < 12 {
                let ticket = Ticket { lane, ..hall.ticket("q", pick(3) as u8) };
                came.insert(ticket.call, (lane, hall.now));
                hall.enter(ticket);
            }
            for offer in hall.open_offers() {
                let (call, _) = hall.offers[&offer].clone();
                let (lane, at) = came[&call];
                waits.push((lane, hall.now.since(at).as_secs()));
                hall.take(offer);
            }
            hall.pass(seconds(4));
            let talks: Vec<CallId> = hall.talks.keys().copied().collect();
            if let Some(call) = talks.first() {
                hall.leave(*call);
            }
        }
        let most = |lane| waits.iter().filter(|w| w.0 == lane).map(|w| w.1).max().unwrap_or(0);
        // Twelve who wait, two seats, a seat every 4 to 6 s: those who are due before one are at
        // most the other eleven.
        for lane in Lane::ALL {
            let bound = Bounds::default().of(lane).as_secs();
            assert!(most(lane) <= bound + 11 * 6, "seed {seed}: {lane} waited {} s", most(lane));
        }
    }
    let _ = SECOND;
}
