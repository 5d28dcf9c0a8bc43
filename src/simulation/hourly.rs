//! How many seats each hour needs: the calls of that hour on many days, as they were recorded, shown to the
//! queue with more and more seats until enough of them are answered in time.

use super::callers::{Recorded, from_records};
use super::erlang;
use super::floor::{Crew, Order, run};
use super::profile::Profile;
use super::staffing::Service;
use crate::acd::settings::QueueSettings;

/// More seats than this for one hour are not tried.
const MOST: u32 = 200;
/// Seats beyond what Erlang's formulas ask for that are tried.
const BEYOND: u32 = 20;

/// What one hour needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Need {
    /// Calls that were recorded.
    pub calls: usize,
    /// Calls in one such hour.
    pub per_hour: f64,
    /// How long a call holds a seat on average: ringing, talk and wrap-up, seconds.
    pub held: f64,
    /// The fewest seats that are enough; one at least.
    pub seats: u32,
    /// How callers are served by them.
    pub service: Service,
    /// The share of their time that they would be held.
    pub busy: f64,
    /// Whether it is enough; false where even the most seats that were tried are not.
    pub enough: bool,
}

/// What an hour needs: `records` are the calls of `hours` such hours, put behind one another.
#[must_use]
pub fn need(
    profile: &Profile,
    queue: &QueueSettings,
    records: &[Recorded],
    hours: u32,
    seed: u64,
) -> Need {
    let talks: Vec<f64> =
        records.iter().filter_map(|record| Some(record.talk?.as_secs_f64())).collect();
    // Not sum(): that of nothing is -0.0.
    let talk = talks.iter().fold(0.0, |all, talk| all + talk) / talks.len().max(1) as f64;
    let held = profile.answer_seconds + talk + queue.wrap_up.as_secs_f64();
    let per_hour = records.len() as f64 / f64::from(hours.max(1));
    let load = per_hour * held / 3600.0;
    let nobody = Service { waits: 0.0, mean: 0.0, in_15: 1.0, in_20: 1.0 };
    let mut need = Need {
        calls: records.len(),
        per_hour,
        held,
        seats: 1,
        service: nobody,
        busy: load,
        enough: true,
    };
    if records.is_empty() {
        return need;
    }
    let people = from_records(records, profile, seed);
    let fewest = (1..MOST).find(|seats| f64::from(*seats) > load).unwrap_or(MOST);
    let most = (erlang::seats_needed(load, held) + BEYOND).clamp(fewest, MOST);
    for seats in fewest..=most {
        let crew = Crew { seats, queue: queue.clone() };
        let tally = run(profile, &crew, &people, Order::Lanes, |_, _| {});
        need.seats = seats;
        need.service = Service::of(&tally.all());
        need.busy = load / f64::from(seats);
        need.enough = need.service.is_enough();
        if need.enough {
            break;
        }
    }
    need
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::simulation::Kind;

    const PROFILE: &str = include_str!("../../config/profiles/sumenep.toml");

    fn calls(per_hour: u64, hours: u64) -> Vec<Recorded> {
        let apart = 3_600 / per_hour;
        let record = |n: u64| Recorded {
            at: Duration::from_secs(n * apart),
            kind: Kind::Normal,
            number: u32::try_from(n).unwrap_or_default(),
            waited: Duration::from_secs(5),
            talk: Some(Duration::from_secs(120)),
        };
        (0..per_hour * hours).map(record).collect()
    }

    #[test]
    fn more_calls_need_more_seats_and_nobody_needs_one() {
        let profile = Profile::parse(PROFILE).expect("a profile");
        let queue = QueueSettings::new("darurat");
        let need = |per_hour| need(&profile, &queue, &calls(per_hour, 20), 20, 1);
        let (few, many) = (need(6), need(60));
        assert!(few.enough && many.enough && few.seats < many.seats, "{few:?} {many:?}");
        // One after the other every ten minutes: two minutes of talk leave one seat free for the next.
        assert_eq!(few.seats, 1, "{few:?}");
        assert!(many.seats >= 3 && many.busy < 1.0, "{many:?}");
        let nothing = super::need(&profile, &queue, &[], 20, 1);
        assert_eq!((nothing.seats, nothing.calls, nothing.enough), (1, 0, true));
    }
}
