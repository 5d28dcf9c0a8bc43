//! Draws from seeded dice.

use std::time::Duration;

use crate::vocabulary::Dice;

/// From 0 up to, but not including, 1.
pub(super) fn uniform(dice: &mut Dice) -> f64 {
    const BITS: u32 = 53;
    (dice.number() >> (u64::BITS - BITS)) as f64 / (1_u64 << BITS) as f64
}

/// True with this probability.
pub(super) fn falls(dice: &mut Dice, probability: f64) -> bool {
    uniform(dice) < probability
}

/// A whole number below `end`; 0 when there is none.
pub(super) fn below(dice: &mut Dice, end: u32) -> u32 {
    u32::try_from(dice.number() % u64::from(end.max(1))).unwrap_or(0)
}

/// Exponential, seconds.
pub(super) fn exponential(dice: &mut Dice, mean: f64) -> f64 {
    -mean * (1.0 - uniform(dice)).ln()
}

/// Log-normal with this mean, seconds, and this ratio of deviation to mean.
pub(super) fn log_normal(dice: &mut Dice, mean: f64, spread: f64) -> f64 {
    let variance = (1.0 + spread * spread).ln();
    let normal =
        (-2.0 * (1.0 - uniform(dice)).ln()).sqrt() * (std::f64::consts::TAU * uniform(dice)).cos();
    (mean.ln() - variance / 2.0 + variance.sqrt() * normal).exp()
}

/// Seconds as a span; what is no number, or less than nothing, is nothing.
pub(super) fn span(seconds: f64) -> Duration {
    const DECADE: f64 = 315_360_000.0;
    Duration::try_from_secs_f64(seconds.clamp(0.0, DECADE)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_the_mean_that_is_asked_for() {
        let mut dice = Dice::from_number(1);
        let mean = |draw: &mut dyn FnMut() -> f64| (0..40_000).map(|_| draw()).sum::<f64>() / 4e4;
        let exponential = mean(&mut || exponential(&mut dice, 30.0));
        assert!((29.0..31.0).contains(&exponential), "{exponential}");
        let mut dice = Dice::from_number(2);
        let log_normal = mean(&mut || log_normal(&mut dice, 90.0, 1.0));
        assert!((87.0..93.0).contains(&log_normal), "{log_normal}");
    }

    #[test]
    fn no_draw_makes_a_span_that_cannot_be() {
        for seconds in [f64::NAN, -1.0, f64::NEG_INFINITY] {
            assert_eq!(span(seconds), Duration::ZERO);
        }
        assert!(span(f64::INFINITY) > Duration::from_secs(1_000_000));
    }
}
