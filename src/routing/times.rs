//! Hours, days and dates of a rule, judged by the centre's own clock.
//!
//! Hours over midnight belong to the day on which they begin: `fri` with `22:00-06:00` is true on
//! Saturday at two, and not on Friday at two.

use std::fmt;

use jiff::civil::{Date, DateTime, Weekday};

/// Minutes of a day and of a week.
const DAY: u16 = 24 * 60;
const WEEK: u16 = 7 * DAY;

/// Days of a week as they are written, from Monday on.
pub const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// How a day is written.
#[must_use]
pub fn day_word(day: Weekday) -> &'static str {
    DAYS.get(usize::from(offset(day))).copied().unwrap_or_default()
}

/// The day that a word of [`DAYS`] means.
#[must_use]
pub fn day_of(word: &str) -> Option<Weekday> {
    let at = DAYS.iter().position(|day| *day == word)?;
    Weekday::from_monday_zero_offset(i8::try_from(at).ok()?).ok()
}

/// Days since Monday, 0 to 6.
fn offset(day: Weekday) -> u16 {
    u16::from(day.to_monday_zero_offset().unsigned_abs())
}

/// A part of a day, its end not included; over midnight where it ends before it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    from: u16,
    to: u16,
}

impl Hours {
    /// From one minute of a day to another, 24:00 (1440) at most; none where there is no time
    /// between them.
    #[must_use]
    pub fn new(from: u16, to: u16) -> Option<Self> {
        (from < DAY && to <= DAY && from != to).then_some(Self { from, to })
    }

    fn over_midnight(self) -> bool {
        self.to < self.from
    }

    fn length(self) -> u16 {
        if self.over_midnight() { DAY - self.from + self.to } else { self.to - self.from }
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to } = self;
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
    }
}

/// Dates from the first to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dates {
    first: Date,
    last: Date,
}

impl Dates {
    /// None where the last is before the first.
    #[must_use]
    pub fn new(first: Date, last: Date) -> Option<Self> {
        (first <= last).then_some(Self { first, last })
    }

    fn has(self, date: Date) -> bool {
        self.first <= date && date <= self.last
    }
}

impl fmt::Display for Dates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first == self.last {
            true => write!(f, "{}", self.first),
            false => write!(f, "{}..{}", self.first, self.last),
        }
    }
}

/// When a rule applies; every list must match, an empty list matches all.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Times {
    /// Any of these parts of a day.
    pub hours: Vec<Hours>,
    /// Any of these days of a week.
    pub days: Vec<Weekday>,
    /// Any of these dates.
    pub dates: Vec<Dates>,
}

impl Times {
    /// Whether it is true at any time.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.hours.is_empty() && self.days.is_empty() && self.dates.is_empty()
    }

    /// Whether it is true at this time of the centre's clock.
    #[must_use]
    pub fn hold(&self, at: DateTime) -> bool {
        let today = at.date();
        if self.hours.is_empty() {
            return self.on(today);
        }
        let minute =
            u16::from(at.hour().unsigned_abs()) * 60 + u16::from(at.minute().unsigned_abs());
        self.hours.iter().any(|hours| match hours.over_midnight() {
            false => (hours.from..hours.to).contains(&minute) && self.on(today),
            true if minute >= hours.from => self.on(today),
            true => minute < hours.to && today.yesterday().is_ok_and(|began| self.on(began)),
        })
    }

    fn on(&self, date: Date) -> bool {
        let day = self.days.is_empty() || self.days.contains(&date.weekday());
        day && (self.dates.is_empty() || self.dates.iter().any(|dates| dates.has(date)))
    }

    /// Whether there is any time at which it is true.
    #[must_use]
    pub fn can_hold(&self) -> bool {
        let meets = |dates: &Dates| {
            let mut days = dates.first.series(jiff::ToSpan::days(1)).take(7);
            days.any(|date| dates.has(date) && self.days.contains(&date.weekday()))
        };
        self.days.is_empty() || self.dates.is_empty() || self.dates.iter().any(meets)
    }

    /// Whether it is true whenever `narrow` is. Dates are compared one by one, so of two that
    /// only together are as long it may say no.
    #[must_use]
    pub fn cover(&self, narrow: &Self) -> bool {
        if self.dates.is_empty() {
            let (wide, narrow) = (self.week(), narrow.week());
            return wide.iter().zip(narrow).all(|(wide, narrow)| *wide || !narrow);
        }
        let whole = self.hours.is_empty() && !narrow.hours.iter().any(|h| h.over_midnight());
        let days = self.days.is_empty()
            || (!narrow.days.is_empty() && narrow.days.iter().all(|day| self.days.contains(day)));
        let within = |dates: &Dates| {
            self.dates.iter().any(|wide| wide.has(dates.first) && wide.has(dates.last))
        };
        let dates = !narrow.dates.is_empty() && narrow.dates.iter().all(within);
        dates && days && (whole || self.hours == narrow.hours)
    }

    /// Each minute of a week from Monday on: whether days and hours hold. Dates are left out.
    fn week(&self) -> Vec<bool> {
        let mut week = vec![false; usize::from(WEEK)];
        let all = [Hours { from: 0, to: DAY }];
        let hours = if self.hours.is_empty() { &all[..] } else { &self.hours };
        for day in (0..7).filter(|day| {
            self.days.is_empty() || self.days.iter().any(|known| offset(*known) == *day)
        }) {
            for part in hours {
                for minute in 0..part.length() {
                    let at = usize::from((day * DAY + part.from + minute) % WEEK);
                    if let Some(minute) = week.get_mut(at) {
                        *minute = true;
                    }
                }
            }
        }
        week
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn list(items: impl Iterator<Item = String>) -> Option<String> {
            let items: Vec<String> = items.collect();
            (!items.is_empty()).then(|| items.join(" or "))
        }
        let parts = [
            list(self.hours.iter().map(ToString::to_string)),
            list(self.days.iter().map(|day| day_word(*day).to_owned())),
            list(self.dates.iter().map(ToString::to_string)),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        f.write_str(&parts.join(" on "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(hours: &[(u16, u16)], days: &[&str], dates: &[(&str, &str)]) -> Times {
        let date = |text: &str| text.parse::<Date>().expect("a date");
        Times {
            hours: hours
                .iter()
                .map(|(from, to)| Hours::new(from * 60, to * 60).expect("hours"))
                .collect(),
            days: days.iter().map(|day| day_of(day).expect("a day")).collect(),
            dates: dates
                .iter()
                .map(|(first, last)| Dates::new(date(first), date(last)).expect("dates"))
                .collect(),
        }
    }

    fn holds(times: &Times, at: &str) -> bool {
        times.hold(at.parse().expect("a time"))
    }

    #[test]
    fn hours_begin_with_their_first_minute_and_end_before_their_last() {
        let day = times(&[(6, 14), (20, 24)], &[], &[]);
        for (at, is) in [
            ("2026-11-27T05:59:59", false),
            ("2026-11-27T06:00", true),
            ("2026-11-27T13:59:59", true),
            ("2026-11-27T14:00", false),
            ("2026-11-27T20:00", true),
            ("2026-11-27T23:59:59.999", true),
            ("2026-11-28T00:00", false),
        ] {
            assert_eq!(holds(&day, at), is, "{at}");
        }
        assert_eq!(Hours::new(360, 360), None);
        assert_eq!(Hours::new(1440, 60), None);
        assert_eq!(Hours::new(0, 1441), None);
    }

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_begins() {
        // 2026-11-27 is a Friday.
        let night = times(&[(22, 6)], &["fri"], &[]);
        for (at, is) in [
            ("2026-11-27T02:00", false),
            ("2026-11-27T21:59", false),
            ("2026-11-27T22:00", true),
            ("2026-11-28T02:00", true),
            ("2026-11-28T05:59", true),
            ("2026-11-28T06:00", false),
            ("2026-11-28T22:00", false),
        ] {
            assert_eq!(holds(&night, at), is, "{at}");
        }
        let christmas = times(&[(22, 6)], &[], &[("2026-12-24", "2026-12-25")]);
        assert!(!holds(&christmas, "2026-12-24T01:00") && holds(&christmas, "2026-12-26T01:00"));
        assert!(!holds(&christmas, "2026-12-26T22:00") && !holds(&christmas, "2027-12-24T23:00"));
    }

    #[test]
    fn days_and_dates_must_both_fit() {
        let both = times(&[], &["sat", "sun"], &[("2026-12-19", "2026-12-31")]);
        assert!(holds(&both, "2026-12-20T12:00") && !holds(&both, "2026-12-21T12:00"));
        assert!(!holds(&both, "2027-01-02T12:00") && both.can_hold());
        assert!(!times(&[], &["mon"], &[("2026-12-25", "2026-12-27")]).can_hold());
        assert!(times(&[], &["mon"], &[("2026-12-25", "2026-12-28")]).can_hold());
        assert!(times(&[], &["mon"], &[("0001-01-01", "9999-12-31")]).can_hold());
    }

    #[test]
    fn what_is_covered_is_worked_out_by_the_minute() {
        let any = Times::default();
        let night = times(&[(22, 6)], &[], &[]);
        let cases = [
            (&any, times(&[(1, 2)], &["mon"], &[]), true),
            (&night, times(&[(23, 5)], &[], &[]), true),
            (&night, times(&[(0, 6)], &["sun"], &[("2026-12-20", "2026-12-20")]), true),
            (&night, times(&[(21, 23)], &[], &[]), false),
            (&night, any.clone(), false),
            // Two that together are a whole day, and a week that is whole.
            (&times(&[(22, 6), (6, 22)], &[], &[]), any.clone(), true),
            (&times(&[], &DAYS, &[]), any.clone(), true),
            // Saturday's first hours are of Friday's night.
            (&times(&[(22, 6)], &["fri"], &[]), times(&[(0, 6)], &["sat"], &[]), true),
            (&times(&[(22, 6)], &["fri"], &[]), times(&[(0, 6)], &["fri"], &[]), false),
            (&times(&[(22, 6)], &["sun"], &[]), times(&[(1, 2)], &["mon"], &[]), true),
        ];
        for (wide, narrow, covered) in cases {
            assert_eq!(wide.cover(&narrow), covered, "{wide} over {narrow}");
        }
        let december = times(&[], &[], &[("2026-12-01", "2026-12-31")]);
        assert!(december.cover(&times(&[(8, 9)], &["mon"], &[("2026-12-24", "2026-12-24")])));
        assert!(!december.cover(&times(&[(22, 6)], &[], &[("2026-12-31", "2026-12-31")])));
        assert!(!december.cover(&times(&[], &[], &[("2026-12-31", "2027-01-01")])));
        assert!(!december.cover(&times(&[], &["mon"], &[])) && december.cover(&december));
    }

    #[test]
    fn times_are_told_as_they_are_written() {
        let told = times(&[(22, 6), (12, 24)], &["mon", "sun"], &[("2026-12-25", "2026-12-25")]);
        assert_eq!(told.to_string(), "22:00-06:00 or 12:00-24:00 on mon or sun on 2026-12-25");
        assert_eq!(
            times(&[], &[], &[("2026-12-24", "2026-12-26")]).to_string(),
            "2026-12-24..2026-12-26"
        );
    }
}
