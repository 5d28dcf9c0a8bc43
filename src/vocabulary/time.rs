//! Time as plain values: `Moment` for durations and deadlines, `WallTime` for the calendar.
//!
//! Nothing here reads a clock. The rim reads both clocks once a turn and passes them in as `Now`,
//! so a turn can be replayed next year and simulated in a microsecond.

use std::fmt;
use std::time::Duration;

use jiff::civil::{self, DateTime};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// Monotonic time in microseconds since the switchboard's start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Moment(pub u64);

impl Moment {
    /// Later than every real moment.
    pub const NEVER: Self = Self(u64::MAX);

    /// The moment `span` after this one; saturates.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_micros()).unwrap_or(u64::MAX)))
    }

    /// Time from `earlier` to this moment; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}.{:06}s", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// What [`WallTime::asked`] reads, for whoever wrote something else.
pub const WANTED_TIME: &str = "write 02:00 for today, or 2026-12-25T02:00, or an RFC 3339 time";

/// Calendar time in microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct WallTime(pub i64);

impl WallTime {
    /// RFC 3339 in UTC with milliseconds, as the journal and the API write it.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        jiff::Timestamp::from_microsecond(self.0)
            .map_or_else(|_| self.0.to_string(), |t| format!("{t:.3}"))
    }

    /// Reads what [`WallTime::to_rfc3339`] wrote, or any RFC 3339 time.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|t| Self(t.as_microsecond()))
    }

    /// What a clock of this zone shows.
    #[must_use]
    pub fn local(self, zone: &TimeZone) -> DateTime {
        let at = jiff::Timestamp::from_microsecond(self.0);
        let late = if self.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        zone.to_datetime(at.unwrap_or(late))
    }

    /// A time as people ask for it: RFC 3339, a date and time of this zone, or `HH:MM` of today there.
    #[must_use]
    pub fn asked(text: &str, now: Self, zone: &TimeZone) -> Option<Self> {
        let text = text.trim();
        if let Some(at) = Self::parse(text) {
            return Some(at);
        }
        // What is only a date, or names another zone, has no time that could be meant.
        if !text.contains(':') || text.contains(['[', 'Z', 'z', '+']) {
            return None;
        }
        let clock =
            text.parse::<civil::Time>().map(|time| now.local(zone).date().to_datetime(time));
        let at = if text.contains('-') { text.parse().ok()? } else { clock.ok()? };
        let at = zone.to_timestamp(at).ok()?;
        Some(Self(at.as_microsecond()))
    }

    /// Whole milliseconds since 1970.
    #[must_use]
    pub fn as_millis(self) -> i64 {
        self.0.div_euclid(1000)
    }
}

impl fmt::Debug for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

/// A time that may be missing, in JSON as RFC 3339: for `#[serde(with)]`.
pub mod rfc3339 {
    use super::WallTime;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    /// Writes it.
    ///
    /// # Errors
    /// The writer's own.
    #[allow(clippy::ref_option, reason = "serde asks so")]
    pub fn serialize<S: Serializer>(time: &Option<WallTime>, to: S) -> Result<S::Ok, S::Error> {
        time.map(WallTime::to_rfc3339).serialize(to)
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it is a text that is no time.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<WallTime>, D::Error> {
        let wrong = || serde::de::Error::custom("an RFC 3339 time is expected");
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| WallTime::parse(&text).ok_or_else(wrong)).transpose()
    }
}

/// Both clocks, read together once a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Now {
    /// For durations and deadlines.
    pub moment: Moment,
    /// For people and records.
    pub wall: WallTime,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_time_prints_and_reads_back() {
        let t = WallTime(1_789_621_951_204_000);
        assert_eq!(t.to_rfc3339(), "2026-09-17T05:12:31.204Z");
        assert_eq!(WallTime::parse("2026-09-17T05:12:31.204Z"), Some(t));
        assert_eq!(WallTime::parse("2026-09-17T12:12:31.204+07:00"), Some(t));
        assert_eq!(WallTime::parse("yesterday"), None);
    }

    #[test]
    fn a_time_that_is_asked_for_is_of_the_centre_s_clock() {
        let zone = TimeZone::fixed(jiff::tz::offset(7));
        let now = WallTime::parse("2026-11-26T18:30:00Z").expect("a time");
        assert_eq!(now.local(&zone).to_string(), "2026-11-27T01:30:00");
        for (text, at) in [
            ("02:00", Some("2026-11-26T19:00:00.000Z")),
            ("23:59:30", Some("2026-11-27T16:59:30.000Z")),
            ("2026-12-25T02:00", Some("2026-12-24T19:00:00.000Z")),
            ("2026-12-25 02:00", Some("2026-12-24T19:00:00.000Z")),
            ("2026-12-25T02:00:00+08:00", Some("2026-12-24T18:00:00.000Z")),
            ("2026-12-25T02:00:00Z", Some("2026-12-25T02:00:00.000Z")),
            ("2026-12-25", None),
            ("25:00", None),
            ("02:00Z", None),
            ("two", None),
            ("", None),
        ] {
            let read = WallTime::asked(text, now, &zone).map(WallTime::to_rfc3339);
            assert_eq!(read.as_deref(), at, "{text}");
        }
        assert_eq!(WallTime(i64::MAX).local(&zone).year(), 9999);
    }

    #[test]
    fn moments_never_wrap() {
        assert_eq!(Moment(5).after(Duration::MAX), Moment::NEVER);
        assert_eq!(Moment(5).since(Moment(9)), Duration::ZERO);
        assert_eq!(Moment(1).after(Duration::from_millis(2)), Moment(2001));
    }
}
