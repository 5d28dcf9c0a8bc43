//! The stretches of time that reports are about: weeks and months of the centre's calendar.

use jiff::civil::{Date, ISOWeekDate, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};
use thiserror::Error;

use crate::vocabulary::WallTime;

/// The longest stretch of one report, in days.
pub const DAYS: i64 = 400;
/// The longest stretch that is told hour by hour, in days.
pub const DAYS_BY_HOUR: i64 = 62;

/// From a moment up to, and without, another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// From.
    pub since: WallTime,
    /// Up to, and without.
    pub until: WallTime,
}

/// A period that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PeriodError {
    /// It ends before it begins.
    #[error("until is not after since")]
    Backwards,
    /// It is longer than one report tells.
    #[error("the time from since to until is longer than {0} days: ask for less at once")]
    TooLong(i64),
    /// Neither an RFC 3339 time nor a day.
    #[error(
        "{name}={value:?} is no time; write it like 2026-09-17T05:00:00+07:00, or a day: 2026-09-17"
    )]
    Time {
        /// Which.
        name: &'static str,
        /// As given.
        value: String,
    },
    /// No ISO week.
    #[error("{0:?} is no week; write it like 2026-W48 (ISO 8601, Monday to Sunday)")]
    Week(String),
    /// No month.
    #[error("{0:?} is no month; write it like 2026-11")]
    Month(String),
}

impl Period {
    /// From `since` to `until`, as [`moment`] reads them; today up to `now` where left out.
    /// What lies after `now` is cut off: nothing has happened there.
    ///
    /// # Errors
    /// [`PeriodError`]: what is wrong with them.
    pub fn between(
        since: Option<&str>,
        until: Option<&str>,
        now: WallTime,
        zone: &TimeZone,
    ) -> Result<Self, PeriodError> {
        let read = |name, text: &str| {
            let value = || text.chars().take(40).collect();
            moment(text, zone).ok_or_else(|| PeriodError::Time { name, value: value() })
        };
        let until = until.map_or(Ok(now), |text| read("until", text))?.min(now);
        let since = since.map_or_else(|| Ok(day(until, zone).since), |text| read("since", text))?;
        let period = Self { since, until };
        if since >= until {
            return Err(PeriodError::Backwards);
        }
        if period.days() > DAYS {
            return Err(PeriodError::TooLong(DAYS));
        }
        Ok(period)
    }

    /// The ISO week `2026-W48`.
    ///
    /// # Errors
    /// [`PeriodError::Week`].
    pub fn week(text: &str, zone: &TimeZone) -> Result<Self, PeriodError> {
        let wrong = || PeriodError::Week(text.chars().take(40).collect());
        let (year, week) = text.trim().split_once("-W").ok_or_else(wrong)?;
        let (year, week) = (number(year, 4).ok_or_else(wrong)?, number(week, 2).ok_or_else(wrong)?);
        let week = i8::try_from(week).map_err(|_| wrong())?;
        let monday = ISOWeekDate::new(year, week, Weekday::Monday).map_err(|_| wrong())?.date();
        between(monday, 7.days(), zone).ok_or_else(wrong)
    }

    /// The month `2026-11`.
    ///
    /// # Errors
    /// [`PeriodError::Month`].
    pub fn month(text: &str, zone: &TimeZone) -> Result<Self, PeriodError> {
        let wrong = || PeriodError::Month(text.chars().take(40).collect());
        let (year, month) = text.trim().split_once('-').ok_or_else(wrong)?;
        let (year, month) =
            (number(year, 4).ok_or_else(wrong)?, number(month, 2).ok_or_else(wrong)?);
        let month = i8::try_from(month).map_err(|_| wrong())?;
        let first = Date::new(year, month, 1).map_err(|_| wrong())?;
        between(first, 1.month(), zone).ok_or_else(wrong)
    }

    /// The ISO week that `now` is in, as [`Period::week`] reads it.
    #[must_use]
    pub fn this_week(now: WallTime, zone: &TimeZone) -> String {
        let week = local(now, zone).date().iso_week_date();
        format!("{:04}-W{:02}", week.year(), week.week())
    }

    /// The month that `now` is in, as [`Period::month`] reads it.
    #[must_use]
    pub fn this_month(now: WallTime, zone: &TimeZone) -> String {
        local(now, zone).strftime("%Y-%m").to_string()
    }

    /// The current hour and the current day so far.
    #[must_use]
    pub fn so_far(now: WallTime, zone: &TimeZone) -> (Self, Self) {
        let until = WallTime(now.0.saturating_add(1));
        let hour = local(now, zone).date().at(local(now, zone).hour(), 0, 0, 0);
        let hour = zone.to_timestamp(hour).map_or(now, |t| WallTime(t.as_microsecond()));
        (Self { since: hour, until }, Self { since: day(now, zone).since, until })
    }

    /// So many whole days before that of `now`.
    #[must_use]
    pub fn days_before(now: WallTime, days: u32, zone: &TimeZone) -> Self {
        let until = day(now, zone).since;
        let first = local(until, zone).date().checked_sub(i64::from(days).days());
        let since = first.ok().and_then(|first| between(first, 1.day(), zone));
        Self { since: since.map_or(until, |first| first.since), until }
    }

    /// Midnight of the day before that of `now`.
    #[must_use]
    pub fn yesterday(now: WallTime, zone: &TimeZone) -> WallTime {
        let today = day(now, zone).since;
        day(WallTime(today.0.saturating_sub(1)), zone).since
    }

    /// Whole days, the last one begun.
    #[must_use]
    pub const fn days(&self) -> i64 {
        const DAY: i64 = 24 * 3600 * 1_000_000;
        (self.until.0.saturating_sub(self.since.0).saturating_add(DAY - 1)) / DAY
    }
}

/// An RFC 3339 time, or a day alone, `2026-11-26`: its midnight.
#[must_use]
pub fn moment(text: &str, zone: &TimeZone) -> Option<WallTime> {
    let text = text.trim();
    let midnight = || {
        let mut parts = text.splitn(3, '-');
        let mut part = |digits| number(parts.next()?, digits);
        let (year, month, day) = (part(4)?, part(2)?, part(2)?);
        let date = Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok()?;
        between(date, 1.day(), zone).map(|day| day.since)
    };
    WallTime::parse(text).or_else(midnight)
}

/// The hour that a moment is in, `2026-11-25 13:00`.
#[must_use]
pub fn hour(at: WallTime, zone: &TimeZone) -> String {
    local(at, zone).strftime("%Y-%m-%d %H:00").to_string()
}

/// The day of the week, from 1 for Monday to 7, and the hour that a moment is in.
#[must_use]
pub fn by_the_clock(at: WallTime, zone: &TimeZone) -> (u8, u8) {
    let at = local(at, zone);
    (at.date().weekday().to_monday_one_offset().unsigned_abs(), at.hour().unsigned_abs())
}

/// A moment by the centre's clock.
pub(super) fn local(at: WallTime, zone: &TimeZone) -> jiff::civil::DateTime {
    let at = jiff::Timestamp::from_microsecond(at.0).unwrap_or_default();
    zone.to_datetime(at)
}

/// The day that a moment is in.
fn day(at: WallTime, zone: &TimeZone) -> Period {
    between(local(at, zone).date(), 1.day(), zone).unwrap_or(Period { since: at, until: at })
}

fn between(first: Date, length: Span, zone: &TimeZone) -> Option<Period> {
    let moment = |date: Date| {
        let midnight = zone.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
        Some(WallTime(midnight.as_microsecond()))
    };
    let after = first.checked_add(length).ok()?;
    Some(Period { since: moment(first)?, until: moment(after)? })
}

/// Exactly so many digits.
fn number(text: &str, digits: usize) -> Option<i16> {
    let plain = text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jakarta() -> TimeZone {
        TimeZone::fixed(jiff::tz::offset(7))
    }

    fn told(period: Period) -> (String, String) {
        (period.since.to_rfc3339(), period.until.to_rfc3339())
    }

    #[test]
    fn weeks_and_months_are_those_of_the_centre() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let week = Period::week("2026-W48", &jakarta()).expect("a week");
        let wanted = pair("2026-11-22T17:00:00.000Z", "2026-11-29T17:00:00.000Z");
        assert_eq!(told(week), wanted);
        let month = Period::month("2026-12", &jakarta()).expect("a month");
        let wanted = pair("2026-11-30T17:00:00.000Z", "2026-12-31T17:00:00.000Z");
        assert_eq!(told(month), wanted);
        assert_eq!(Period::this_week(week.since, &jakarta()), "2026-W48");
        assert_eq!(Period::this_month(month.since, &jakarta()), "2026-12");
        assert_eq!(hour(week.since, &jakarta()), "2026-11-23 00:00");
        for wrong in ["2026-48", "2026-W54", "2026-W0", "26-W48", "2026-W48x", "", "+026-W48"] {
            assert!(Period::week(wrong, &jakarta()).is_err(), "{wrong}");
        }
        for wrong in ["2026-13", "2026-1", "2026", "2026-00", "2026-11-01"] {
            assert!(Period::month(wrong, &jakarta()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_period_is_bounded_ends_now_and_begins_today() {
        let now = WallTime::parse("2026-11-25T20:30:00Z").expect("a time");
        let read = |since, until| Period::between(since, until, now, &jakarta());
        let today = read(None, None).expect("today");
        assert_eq!(
            (today.since.to_rfc3339().as_str(), today.until),
            ("2026-11-25T17:00:00.000Z", now)
        );
        let future = read(Some("2026-11-25T00:00:00Z"), Some("2027-01-01T00:00:00Z"));
        assert_eq!(future.expect("a period").until, now);
        assert_eq!(read(Some("2026-11-26T00:00:00Z"), None), Err(PeriodError::Backwards));
        assert_eq!(read(Some("2020-01-01T00:00:00Z"), None), Err(PeriodError::TooLong(DAYS)));
        assert!(matches!(read(Some("x"), None), Err(PeriodError::Time { name: "since", .. })));
        let days = read(Some("2026-11-24"), Some(" 2026-11-25 ")).expect("days");
        let midnight = |day: &str| format!("2026-11-{day}T17:00:00.000Z");
        assert_eq!(told(days), (midnight("23"), midnight("24")));
        for wrong in
            ["2026-11-31", "2026-11", "26-11-24", "20261124", "2026-11-24T05:00", "2026-11-24x"]
        {
            assert!(moment(wrong, &jakarta()).is_none(), "{wrong}");
        }
        let (hour, day) = Period::so_far(now, &jakarta());
        assert_eq!(hour.since.to_rfc3339(), "2026-11-25T20:00:00.000Z");
        assert_eq!(day.since, today.since);
        assert!(hour.until > now);
    }
}
