//! How many seats: what Erlang C says, what the queue does under Erlang's assumptions, and what it
//! does with the profile's own callers.

use super::callers::callers;
use super::erlang;
use super::floor::{Crew, Order, run};
use super::profile::Profile;
use super::tally::Waits;

/// One number of seats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Staffing {
    /// How many.
    pub seats: u32,
    /// What Erlang C says of the busiest hour.
    pub erlang: Service,
    /// What the queue does with the busiest hour's calls under the same assumptions.
    pub assumed: Service,
    /// What the queue does with the profile itself: every caller.
    pub everybody: Service,
    /// The same of real callers alone.
    pub real: Service,
    /// How busy the seats were with the profile itself.
    pub occupancy: f64,
}

/// How callers are served.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Service {
    /// Share of them who wait at all.
    pub waits: f64,
    /// Mean wait, seconds; endless when the seats cannot serve them.
    pub mean: f64,
    /// Answered within 15 s.
    pub in_15: f64,
    /// Answered within 20 s.
    pub in_20: f64,
}

impl Service {
    pub(super) fn of(waits: &Waits) -> Self {
        Self {
            waits: waits.waited(),
            mean: waits.mean(),
            in_15: waits.within(15.0),
            in_20: waits.within(20.0),
        }
    }

    /// Whether it is what NENA asks for: 90% within 15 s, 95% within 20 s.
    #[must_use]
    pub fn is_enough(&self) -> bool {
        self.in_15 >= 0.90 && self.in_20 >= 0.95
    }
}

/// Every number of seats from the fewest that can serve the busiest hour to one more than Erlang's
/// formulas ask for, at least three of them.
pub fn staffing(
    profile: &Profile,
    crew: &Crew,
    seed: u64,
    mut progress: impl FnMut(usize, usize),
) -> Vec<Staffing> {
    let held = profile.held_seconds();
    let load = profile.busiest() * held / 3600.0;
    let needed = erlang::seats_needed(load, held);
    let fewest = (1..needed).find(|seats| f64::from(*seats) > load).unwrap_or(needed);
    let most = (needed + 1).max(fewest + 2);
    let assumed = profile.as_erlang_sees_it();
    let (people, alike) = (callers(profile, seed), callers(&assumed, seed));
    let rows = usize::try_from(most - fewest + 1).unwrap_or(usize::MAX);
    let all = (people.len() + alike.len()) * rows;
    let mut before = 0;
    let mut table = Vec::new();
    for seats in fewest..=most {
        let own = Crew { seats, ..crew.clone() };
        let theirs = run(profile, &own, &people, Order::Lanes, |done, _| {
            progress(before + done, all);
        });
        before += people.len();
        let plain = Crew { seats, queue: assumed.queue() };
        let same = run(&assumed, &plain, &alike, Order::Fifo, |done, _| {
            progress(before + done, all);
        });
        before += alike.len();
        table.push(Staffing {
            seats,
            erlang: Service {
                waits: erlang::waits(load, seats),
                mean: erlang::mean_wait(load, seats, held),
                in_15: erlang::within(load, seats, held, 15.0),
                in_20: erlang::within(load, seats, held, 20.0),
            },
            assumed: Service::of(&same.all()),
            everybody: Service::of(&theirs.all()),
            real: Service::of(&theirs.real()),
            occupancy: theirs.occupancy(),
        });
    }
    table
}
