//! Erlang's formulas: what a queue does whose callers come at random (Poisson), talk for
//! exponential times, never lose patience and are served in order.
//!
//! `load` is in erlang: calls a second times the seconds that each holds a seat.

/// Share of calls that find every one of `lines` busy and are lost (Erlang B).
#[must_use]
pub fn blocked(load: f64, lines: u32) -> f64 {
    (1..=lines).fold(1.0, |lost, line| load * lost / (f64::from(line) + load * lost))
}

/// Share of calls that have to wait (Erlang C); 1 when the load is more than the seats can serve.
#[must_use]
pub fn waits(load: f64, seats: u32) -> f64 {
    let seats_f = f64::from(seats);
    if load >= seats_f {
        return 1.0;
    }
    let lost = blocked(load, seats);
    seats_f * lost / (seats_f - load * (1.0 - lost))
}

/// Mean wait over all calls, seconds; each call holds a seat for `held` seconds.
#[must_use]
pub fn mean_wait(load: f64, seats: u32, held: f64) -> f64 {
    let spare = f64::from(seats) - load;
    if spare <= 0.0 { f64::INFINITY } else { waits(load, seats) * held / spare }
}

/// Share of calls that wait for `seconds` at most.
#[must_use]
pub fn within(load: f64, seats: u32, held: f64, seconds: f64) -> f64 {
    let spare = f64::from(seats) - load;
    if spare <= 0.0 { 0.0 } else { 1.0 - waits(load, seats) * (-spare * seconds / held).exp() }
}

/// The fewest seats by which 90% of calls wait 15 s at most and 95% wait 20 s at most (NENA),
/// and never fewer than two: one person has to leave the room some time.
#[must_use]
pub fn seats_needed(load: f64, held: f64) -> u32 {
    const MOST: u32 = 10_000;
    let enough = |seats: &u32| {
        within(load, *seats, held, 15.0) >= 0.90 && within(load, *seats, held, 20.0) >= 0.95
    };
    (2..MOST).find(enough).unwrap_or(MOST)
}

/// The fewest lines by which one call in a thousand finds all busy.
#[must_use]
pub fn lines_needed(load: f64) -> u32 {
    const MOST: u32 = 100_000;
    (1..MOST).find(|lines| blocked(load, *lines) <= 0.001).unwrap_or(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls an hour, seconds held, seats, mean wait, share within 15 s, lines: worked out apart
    /// from this code.
    const KNOWN: [(f64, f64, u32, f64, f64, u32); 9] = [
        (10.0, 60.0, 2, 0.4, 0.992, 3),
        (10.0, 120.0, 2, 3.4, 0.961, 4),
        (20.0, 120.0, 3, 1.7, 0.976, 5),
        (40.0, 120.0, 4, 2.3, 0.963, 7),
        (60.0, 120.0, 5, 2.4, 0.959, 8),
        (60.0, 180.0, 7, 1.7, 0.973, 10),
        (120.0, 90.0, 7, 0.8, 0.981, 10),
        (120.0, 120.0, 8, 1.8, 0.964, 12),
        (240.0, 120.0, 13, 1.8, 0.959, 18),
    ];

    #[test]
    fn the_formulas_agree_with_a_table_that_was_worked_out_apart() {
        for (an_hour, held, seats, wait, fast, lines) in KNOWN {
            let load = an_hour * held / 3600.0;
            assert_eq!(seats_needed(load, held), seats, "{an_hour} an hour of {held} s");
            assert_eq!(lines_needed(load), lines, "{an_hour} an hour of {held} s");
            assert!((mean_wait(load, seats, held) - wait).abs() < 0.06, "{an_hour} {held}");
            assert!((within(load, seats, held, 15.0) - fast).abs() < 0.0006, "{an_hour} {held}");
        }
    }

    #[test]
    fn too_few_seats_never_serve() {
        assert!((waits(3.0, 3) - 1.0).abs() < f64::EPSILON);
        assert!(mean_wait(3.0, 2, 60.0).is_infinite());
        assert!(within(3.0, 3, 60.0, 1e9) <= 0.0);
    }
}
