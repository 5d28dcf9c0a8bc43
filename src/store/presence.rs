//! How long seats were signed in, from what the journal says of their states.
//!
//! A gateway that was killed leaves its seats signed in until it starts again; that time counts.

use std::collections::BTreeMap;

use super::periods::Period;
use crate::vocabulary::WallTime;

/// What the journal says of a seat.
#[derive(Clone, Debug)]
pub(super) struct SeatWord {
    /// Which; empty: every one.
    pub seat: String,
    /// Since when.
    pub at: WallTime,
    /// The acd room's word.
    pub state: String,
}

/// A seat's time in a period, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Presence {
    /// In any state but signed out.
    pub signed_in_ms: u64,
    /// Of it, left alone after talks.
    pub wrap_up_ms: u64,
}

/// Adds up the time of each seat; `words` in their order, those before the period included.
pub(super) fn of(words: &[SeatWord], period: Period) -> BTreeMap<String, Presence> {
    let mut sum: BTreeMap<String, Presence> = BTreeMap::new();
    spans(words, period, |seat, state, since, until| {
        let millis = (until.0 - since.0).unsigned_abs() / 1000;
        if millis > 0 {
            let presence = sum.entry(seat.to_owned()).or_default();
            presence.signed_in_ms += millis;
            presence.wrap_up_ms += if state == "wrap-up" { millis } else { 0 };
        }
    });
    sum
}

/// Shows each stretch of the period in which a seat was signed in, with its state.
pub(super) fn spans(
    words: &[SeatWord],
    period: Period,
    mut each: impl FnMut(&str, &str, WallTime, WallTime),
) {
    let mut now: BTreeMap<&str, (WallTime, &str)> = BTreeMap::new();
    let mut close = |seat: &str, (since, state): (WallTime, &str), until: WallTime| {
        let (since, until) = (since.max(period.since), until.clamp(period.since, period.until));
        if state != "signed-out" && since < until {
            each(seat, state, since, until);
        }
    };
    for word in words {
        if word.seat.is_empty() {
            for (seat, before) in std::mem::take(&mut now) {
                close(seat, before, word.at);
            }
        } else if let Some(before) = now.insert(&word.seat, (word.at, &word.state)) {
            close(&word.seat, before, word.at);
        }
    }
    for (seat, before) in now {
        close(seat, before, period.until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_cut_to_the_period_and_a_restart_signs_everybody_out() {
        let second = |n: i64| WallTime(n * 1_000_000);
        let period = Period { since: second(100), until: second(200) };
        let words: Vec<SeatWord> = [
            ("a", 10, "ready"),
            ("b", 20, "ready"),
            ("", 30, "signed-out"),
            ("a", 40, "ready"),
            ("a", 150, "wrap-up"),
            ("a", 160, "ready"),
            ("b", 170, "paused"),
            ("", 190, "signed-out"),
            ("b", 195, "signed-out"),
        ]
        .map(|(seat, at, state)| SeatWord {
            seat: seat.into(),
            at: second(at),
            state: state.into(),
        })
        .to_vec();
        let sums = of(&words, period);
        let presence = |signed_in_ms, wrap_up_ms| Presence { signed_in_ms, wrap_up_ms };
        assert_eq!(sums.get("a"), Some(&presence(90_000, 10_000)));
        assert_eq!(sums.get("b"), Some(&presence(20_000, 0)));
        assert_eq!(sums.len(), 2);
        let open = of(&words[..4], period);
        assert_eq!(open.get("a"), Some(&presence(100_000, 0)));
    }
}
