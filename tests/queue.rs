//! The queue under every order of events, on a virtual clock with seeds: no caller lost or offered
//! twice, no seat with two offers, no free seat beside a waiting caller, order kept.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::too_many_lines,
    reason = "a test may fail loudly"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use siaga112::acd::settings::{Overflow, QueueSettings, SeatSettings};
use siaga112::acd::{Distributor, Input, Miss, Output, Pause, SeatState, Ticket};
use siaga112::vocabulary::{CallId, Dice, Moment, OfferId, SeatId, Uid, WallTime};

const SECOND: u64 = 1_000_000;

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

/// The distributor and a shadow that knows only what was said aloud.
struct Hall {
    acd: Distributor,
    now: Moment,
    waiting: BTreeMap<CallId, Moment>,
    offers: BTreeMap<OfferId, (CallId, SeatId)>,
    talks: BTreeMap<CallId, OfferId>,
    /// Every offer ever made, in order.
    made: Vec<(CallId, SeatId)>,
    withdrawn: Vec<OfferId>,
    overflowed: Vec<(CallId, Overflow)>,
    states: BTreeMap<SeatId, SeatState>,
    next: u32,
}

impl Hall {
    fn new(queues: &[QueueSettings], seats: &[SeatSettings]) -> Self {
        let now = Moment(SECOND);
        let mut hall = Self {
            acd: Distributor::new(now, queues, seats),
            now,
            waiting: BTreeMap::new(),
            offers: BTreeMap::new(),
            talks: BTreeMap::new(),
            made: Vec::new(),
            withdrawn: Vec::new(),
            overflowed: Vec::new(),
            states: BTreeMap::new(),
            next: 0,
        };
        hall.hear();
        hall
    }

    fn sign_in(&mut self, seats: &[SeatSettings]) {
        for seat in seats {
            self.say(Input::Reachable { seat: seat.id.clone(), reachable: true, lost: false });
        }
    }

    fn say(&mut self, input: Input) {
        self.acd.handle(self.now, input);
        self.hear();
    }

    fn pass(&mut self, span: Duration) {
        let until = self.now.after(span);
        while let Some(at) = self.acd.poll_timeout().filter(|at| *at <= until) {
            assert!(at >= self.now, "a deadline in the past");
            self.now = at;
            self.acd.tick(at);
            self.hear();
        }
        self.now = until;
    }

    fn hear(&mut self) {
        while let Some(output) = self.acd.poll_output() {
            match output {
                Output::Offer { offer, call, seat, .. } => {
                    assert!(self.waiting.contains_key(&call), "{call} is not waiting");
                    let busy = self.offers.values().any(|(c, s)| *c == call || *s == seat);
                    assert!(!busy, "{call} or {seat} already has an offer");
                    self.made.push((call, seat.clone()));
                    self.offers.insert(offer, (call, seat));
                }
                Output::Withdraw { offer, call, .. } => {
                    assert_eq!(self.offers.remove(&offer).map(|o| o.0), Some(call));
                    self.withdrawn.push(offer);
                }
                Output::Overflowed { call, to, .. } => self.overflowed.push((call, to)),
                Output::SetAside { .. } => {}
                Output::SeatChanged { seat, state, .. } => {
                    self.states.insert(seat, state);
                }
            }
        }
        self.acd.check_invariants();
    }

    fn call(&mut self, queue: &str, priority: u8) -> CallId {
        self.next += 1;
        let call = CallId(Uid::new(WallTime(1000), self.next));
        self.waiting.insert(call, self.now);
        self.say(Input::Wait(Ticket::new(call, queue, priority, self.now)));
        call
    }

    fn take(&mut self, offer: OfferId) {
        let (call, _) = self.offers[&offer].clone();
        self.waiting.remove(&call);
        self.talks.insert(call, offer);
        self.say(Input::Taken { offer });
    }

    fn leave(&mut self, call: CallId) {
        self.waiting.remove(&call);
        self.talks.remove(&call);
        self.offers.retain(|_, (c, _)| *c != call);
        self.say(Input::Leave { call });
    }

    fn refuse(&mut self, offer: OfferId) {
        self.offers.remove(&offer);
        self.say(Input::Missed { offer, miss: Miss::Refused });
    }

    fn open_offers(&self) -> Vec<OfferId> {
        self.offers.keys().filter(|o| !self.talks.values().any(|t| t == *o)).copied().collect()
    }
}

#[test]
fn the_longest_idle_seat_comes_first_and_callers_in_order() {
    let seats = [seat("s1", &["q"]), seat("s2", &["q"])];
    let mut hall = Hall::new(&[queue("q", vec![])], &seats);
    hall.sign_in(&seats[1..]);
    hall.pass(Duration::from_secs(1));
    hall.sign_in(&seats[..1]);
    let calls: Vec<CallId> = (0..3).map(|_| hall.call("q", 0)).collect();
    let urgent = hall.call("q", 5);
    let offered: Vec<&str> = hall.made.iter().map(|(_, s)| s.as_str()).collect();
    assert_eq!(offered, ["s2", "s1"], "the seat that signed in first has been idle longest");
    assert_eq!((hall.made[0].0, hall.made[1].0), (calls[0], calls[1]));
    let first = hall.open_offers()[0];
    hall.take(first);
    hall.leave(calls[0]);
    hall.pass(Duration::from_secs(2));
    assert_eq!(hall.made[2].0, urgent, "priority goes before arrival");
}

#[test]
fn a_seat_that_does_not_answer_rests_and_the_next_one_rings_at_once() {
    let seats = [seat("s1", &["q"]), seat("s2", &["q"])];
    let mut hall = Hall::new(&[queue("q", vec![])], &seats);
    hall.sign_in(&seats);
    let call = hall.call("q", 0);
    hall.pass(Duration::from_secs(8));
    assert_eq!(hall.withdrawn.len(), 1);
    let seats: Vec<&str> = hall.made.iter().map(|(_, s)| s.as_str()).collect();
    assert_eq!(seats, ["s1", "s2"]);
    assert_eq!(hall.states["s1"], SeatState::Resting);
    hall.pass(Duration::from_secs(3));
    assert_eq!(hall.states["s1"], SeatState::Ready);
    // A late answer to an offer that is over changes nothing.
    hall.say(Input::Taken { offer: hall.withdrawn[0] });
    assert!(hall.waiting.contains_key(&call));
}

#[test]
fn the_only_seat_may_refuse_for_ever_and_is_asked_at_a_walking_pace() {
    let seats = [seat("s1", &["q"])];
    let mut hall = Hall::new(&[queue("q", vec![])], &seats);
    hall.sign_in(&seats);
    hall.call("q", 0);
    for _ in 0..20 {
        let offers = hall.open_offers();
        if let Some(offer) = offers.first() {
            hall.refuse(*offer);
        }
        hall.pass(Duration::from_secs(1));
    }
    assert!((5..=8).contains(&hall.made.len()), "{} offers in 20 s", hall.made.len());
}

#[test]
fn a_closed_gate_holds_offers_back_and_loses_nobody() {
    let seats = [seat("s1", &["q"]), seat("s2", &["q"])];
    let mut hall = Hall::new(&[queue("q", vec![])], &seats);
    hall.sign_in(&seats);
    hall.say(Input::Gate { room: 0 });
    hall.call("q", 0);
    hall.call("q", 0);
    assert!(hall.made.is_empty());
    hall.say(Input::Gate { room: 1 });
    assert_eq!(hall.made.len(), 1);
    hall.say(Input::Gate { room: 1 });
    assert_eq!(hall.made.len(), 2);
}

#[test]
fn who_waits_too_long_is_offered_to_the_overflow_queue_as_well() {
    let seats = [seat("s9", &["spare"])];
    let number = Overflow::Number("tel:+62811000112".to_owned());
    let queues =
        [queue("q", vec![Overflow::Queue("spare".into()), number.clone()]), queue("spare", vec![])];
    let mut hall = Hall::new(&queues, &seats);
    let call = hall.call("q", 0);
    hall.pass(Duration::from_secs(30));
    assert_eq!(hall.overflowed, [(call, Overflow::Queue("spare".into()))]);
    hall.sign_in(&seats);
    assert_eq!(hall.made, [(call, "s9".into())]);
    let offer = hall.open_offers()[0];
    hall.refuse(offer);
    hall.pass(Duration::from_secs(30));
    assert!(hall.overflowed.contains(&(call, number)));
}

#[test]
fn settings_change_under_waiting_and_talking_callers() {
    let seats = [seat("s1", &["q"]), seat("s2", &["q"])];
    let mut hall = Hall::new(&[queue("q", vec![])], &seats);
    hall.sign_in(&seats);
    let talking = hall.call("q", 0);
    let offer = hall.open_offers()[0];
    hall.take(offer);
    let waiting = hall.call("gone", 0);
    // The queue `q` is renamed, seat s1 is dropped while it talks.
    let seats = [seat("s2", &["new"])];
    hall.acd.adopt(hall.now, &[queue("new", vec![])], &seats);
    hall.hear();
    assert!(hall.made.contains(&(waiting, "s2".into())), "{:?}", hall.made);
    hall.leave(talking);
    hall.pass(Duration::from_secs(5));
    assert!(hall.acd.seats().all(|s| s.seat == "s2".into()));
}

/// One hour of a busy hall per seed.
fn hour(seed: u64) {
    let mut dice = Dice::from_number(seed);
    let mut pick = |n: u64| dice.number() % n;
    let names = ["s1", "s2", "s3", "s4", "s5"];
    let seats: Vec<SeatSettings> = names
        .iter()
        .map(|name| match pick(3) {
            0 => seat(name, &["a"]),
            1 => seat(name, &["b"]),
            _ => seat(name, &["a", "b"]),
        })
        .collect();
    let queues = [
        queue("a", vec![Overflow::Queue("b".into()), Overflow::Number("tel:+621".into())]),
        queue("b", vec![Overflow::Number("tel:+621".into())]),
    ];
    let mut hall = Hall::new(&queues, &seats);
    hall.sign_in(&seats);
    for _ in 0..400 {
        let seat_name: SeatId = names[pick(5) as usize].into();
        match pick(12) {
            0..=3 => {
                let name = if pick(2) == 0 { "a" } else { "b" };
                let priority = pick(3) as u8;
                hall.call(name, priority);
            }
            4 | 5 => {
                let offers = hall.open_offers();
                if !offers.is_empty() {
                    hall.take(offers[pick(offers.len() as u64) as usize]);
                }
            }
            6 => {
                let offers = hall.open_offers();
                if !offers.is_empty() {
                    hall.refuse(offers[pick(offers.len() as u64) as usize]);
                }
            }
            7 | 8 => {
                let all: Vec<CallId> =
                    hall.waiting.keys().chain(hall.talks.keys()).copied().collect();
                if !all.is_empty() {
                    hall.leave(all[pick(all.len() as u64) as usize]);
                }
            }
            9 => {
                let reachable = pick(3) > 0;
                hall.say(Input::Reachable { seat: seat_name, reachable, lost: false });
            }
            10 => {
                let ready = pick(3) > 0;
                let why = Pause::Person("break".into());
                hall.say(match ready {
                    true => Input::Resume { seat: seat_name, why: None },
                    false => Input::Pause { seat: seat_name, why },
                });
            }
            _ => hall.acd.adopt(hall.now, &queues, &seats),
        }
        hall.hear();
        let span = Duration::from_millis(pick(4000));
        hall.pass(span);
    }
    // The faults stop: everybody is answered.
    hall.sign_in(&seats);
    for name in names {
        hall.say(Input::Resume { seat: name.into(), why: None });
    }
    for _ in 0..3000 {
        for offer in hall.open_offers() {
            hall.take(offer);
        }
        let talks: Vec<CallId> = hall.talks.keys().copied().collect();
        for call in talks {
            hall.leave(call);
        }
        hall.pass(Duration::from_secs(1));
        if hall.waiting.is_empty() {
            break;
        }
    }
    let served: BTreeSet<&str> =
        seats.iter().flat_map(|s| s.queues.iter()).map(|m| m.queue.as_str()).collect();
    if served.len() == 2 {
        assert!(hall.waiting.is_empty(), "seed {seed}: {} never answered", hall.waiting.len());
    }
}

#[test]
fn two_hundred_and_fifty_six_seeds_keep_every_promise() {
    for seed in 0..256 {
        hour(seed);
    }
}
