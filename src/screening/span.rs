//! Sums of calendar time. A clock that was set back gives a span of nothing, never a negative one.

use std::time::Duration;

use crate::vocabulary::WallTime;

/// The calendar time `span` after `at`; saturates.
pub(super) fn after(at: WallTime, span: Duration) -> WallTime {
    WallTime(at.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
}

/// From `earlier` to `now`; zero when `earlier` is later.
pub(super) fn since(now: WallTime, earlier: WallTime) -> Duration {
    Duration::from_micros(u64::try_from(now.0.saturating_sub(earlier.0)).unwrap_or(0))
}

/// `40 seconds`, `1 minute`, `3 hours`: whole ones, for a sentence.
pub(super) fn in_words(span: Duration) -> String {
    let (count, unit) = match span.as_secs() {
        seconds @ 0..60 => (seconds, "second"),
        seconds @ 60..3600 => (seconds / 60, "minute"),
        seconds => (seconds / 3600, "hour"),
    };
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{s}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_saturate_and_read_well() {
        let minute = Duration::from_secs(60);
        assert_eq!(after(WallTime(5), minute), WallTime(60_000_005));
        assert_eq!(after(WallTime(5), Duration::MAX), WallTime(i64::MAX));
        assert_eq!(since(WallTime(60_000_005), WallTime(5)), minute);
        assert_eq!(since(WallTime(5), WallTime(9)), Duration::ZERO);
        assert_eq!(since(WallTime(i64::MAX), WallTime(i64::MIN)).as_micros(), i64::MAX as u128);
        let words = [0, 1, 59, 60, 240, 7_300].map(|s| in_words(Duration::from_secs(s)));
        assert_eq!(
            words,
            ["0 seconds", "1 second", "59 seconds", "1 minute", "4 minutes", "2 hours"]
        );
    }
}
