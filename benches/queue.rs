//! What one decision of the queue costs, and how it grows: seats and callers from a village to a
//! province. `cargo bench --bench queue`.
//!
//! A decision is one input with all its outputs: a caller comes, a seat answers, a talk ends, a caller
//! leaves. Each is told as its median and 99th percentile over many, beside the same of a hall of ten
//! seats in the same run.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock and may fail loudly"
)]

use std::time::{Duration, Instant};

use siaga112::acd::settings::{QueueSettings, SeatSettings, Widen};
use siaga112::acd::{Distributor, Input, Output, Ticket};
use siaga112::vocabulary::{CallId, Dice, Lane, Moment, OfferId, SeatId, Uid, WallTime, Want};

/// Decisions of each kind that are measured.
const ROUNDS: usize = 20_000;

struct Hall {
    acd: Distributor,
    now: Moment,
    next: u32,
    /// Offers made and not answered, talks, in order.
    offers: Vec<(OfferId, CallId)>,
    talks: Vec<CallId>,
    waiting: Vec<CallId>,
    dice: Dice,
}

impl Hall {
    fn new(seats: usize, waiting: usize) -> Self {
        let names = ["mad", "jv", "bdl", "text"];
        let queues: Vec<QueueSettings> = (0..8)
            .map(|n| QueueSettings {
                ring_timeout: Duration::from_secs(3600),
                wrap_up: Duration::ZERO,
                max_wait: Duration::from_secs(3600),
                widen: vec![
                    Widen { after: Duration::from_secs(15), lower: 2, tier: Some(1) },
                    Widen { after: Duration::from_secs(30), lower: 9, tier: None },
                ],
                ..QueueSettings::new(format!("q{n}").as_str())
            })
            .collect();
        let desks: Vec<SeatSettings> = (0..seats)
            .map(|n| {
                let first = format!("q{}", n % 8);
                let second = format!("q{}", (n / 8) % 8);
                let mut seat = SeatSettings::new(format!("s{n}").as_str(), &[&first, &second]);
                seat.queues.dedup_by(|a, b| a.queue == b.queue);
                seat.queues[0].tier = 1 + (n % 3 == 0) as u8;
                seat.skills.insert(names[n % 4].into(), 1 + (n % 5) as u8);
                seat
            })
            .collect();
        let now = Moment(1_000_000_000);
        let acd = Distributor::new(now, &queues, &desks);
        let dice = Dice::from_number(112);
        let (offers, talks, waits) = (Vec::new(), Vec::new(), Vec::new());
        let mut hall = Self { acd, now, next: 0, offers, talks, waiting: waits, dice };
        for seat in &desks {
            let seat = SeatId::from(seat.id.as_str());
            hall.say(Input::Reachable { seat, reachable: true, lost: false });
        }
        // Every seat talks, and the rest waits.
        for _ in 0..seats + waiting {
            hall.arrive();
            hall.answer();
        }
        hall
    }

    fn say(&mut self, input: Input) {
        self.now = self.now.after(Duration::from_micros(50));
        self.acd.handle(self.now, input);
        while let Some(output) = self.acd.poll_output() {
            if let Output::Offer { offer, call, .. } = output {
                self.offers.push((offer, call));
            }
        }
    }

    fn arrive(&mut self) {
        self.next += 1;
        let call = CallId(Uid::new(WallTime(1000), self.next));
        let chance = self.dice.number();
        let mut ticket = Ticket::new(
            call,
            format!("q{}", chance % 8).as_str(),
            (chance >> 8) as u8 % 3,
            self.now,
        );
        ticket.lane = [Lane::Usual, Lane::Silent, Lane::Nuisance][(chance >> 16) as usize % 3];
        if (chance >> 24).is_multiple_of(4) {
            let skill = ["mad", "jv", "bdl", "text"][(chance >> 32) as usize % 4].into();
            ticket.wants = vec![Want { skill, level: 1 + (chance >> 40) as u8 % 5 }];
        }
        self.waiting.push(call);
        self.say(Input::Wait(ticket));
    }

    fn answer(&mut self) {
        if let Some((offer, call)) = self.offers.pop() {
            self.waiting.retain(|other| *other != call);
            self.talks.push(call);
            self.say(Input::Taken { offer });
        }
    }
}

fn told(times: &mut [Duration]) -> (f64, f64) {
    times.sort_unstable();
    let at = |share: f64| times[(times.len() as f64 * share) as usize].as_secs_f64() * 1e6;
    (at(0.5), at(0.99))
}

/// Median and p99 in microseconds of: a caller who must wait comes; a talk ends and the next caller
/// is offered; that seat answers; a waiting caller leaves.
fn measure(seats: usize, waiting: usize) -> [(f64, f64); 4] {
    let mut hall = Hall::new(seats, waiting);
    let mut times: [Vec<Duration>; 4] = Default::default();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        hall.arrive();
        times[0].push(begun.elapsed());
        let talk = hall.dice.number() as usize % hall.talks.len();
        let call = hall.talks.swap_remove(talk);
        let begun = Instant::now();
        hall.say(Input::Leave { call });
        hall.acd.tick(hall.now.after(Duration::from_micros(1)));
        while let Some(output) = hall.acd.poll_output() {
            if let Output::Offer { offer, call, .. } = output {
                hall.offers.push((offer, call));
            }
        }
        times[1].push(begun.elapsed());
        if let Some((offer, call)) = hall.offers.pop() {
            let begun = Instant::now();
            hall.say(Input::Taken { offer });
            times[2].push(begun.elapsed());
            hall.talks.push(call);
        }
        let chance = hall.dice.number() as usize % hall.waiting.len();
        let call = hall.waiting.swap_remove(chance);
        if !hall.talks.contains(&call) {
            hall.arrive();
            let begun = Instant::now();
            hall.say(Input::Leave { call });
            times[3].push(begun.elapsed());
        }
    }
    times.each_mut().map(|times| told(times))
}

fn main() {
    println!(
        "microseconds for one decision: median and p99 of {ROUNDS}, in a hall of 8 queues, skills,\n\
         tiers, three lanes; every seat talks\n"
    );
    println!(
        "{:>7} {:>8}  {:>13} {:>13} {:>13} {:>13}",
        "seats", "waiting", "caller comes", "talk ends,", "seat answers", "caller leaves"
    );
    println!("{:>7} {:>8}  {:>13} {:>13}", "", "", "", "next offered");
    let mut first = None;
    for (seats, waiting) in [(10, 100), (100, 1_000), (1_000, 10_000), (10_000, 100_000)] {
        let result = measure(seats, waiting);
        let cells = result.map(|(median, p99)| format!("{median:>5.1} {p99:>7.1}"));
        println!("{seats:>7} {waiting:>8}  {}", cells.join(" "));
        let least = *first.get_or_insert(result);
        if seats == 10_000 {
            let grown = |n: usize| result[n].0 / least[n].0;
            println!(
                "\na thousand times as many: {:.1}, {:.1}, {:.1} and {:.1} times the median",
                grown(0),
                grown(1),
                grown(2),
                grown(3)
            );
        }
    }
}
