//! The written forms of zones, hours, days and dates.

use jiff::civil::{Date, Weekday};
use jiff::tz::{self, TimeZone};

use super::findings::nearest;
use super::section::Wrong;
use crate::routing::times::{DAYS, Dates, Hours, day_of};

/// The zone of most of Indonesia, where none is written.
const USUAL: &str = "Asia/Jakarta";
/// How people call Indonesia's zones, and their names in the list of IANA.
const ZONES: [(&str, &str); 4] =
    [("wib", USUAL), ("wita", "Asia/Makassar"), ("wit", "Asia/Jayapura"), ("jakarta", USUAL)];
/// Days as people may write them, in the order of [`DAYS`].
const OTHER_DAYS: [&[&str]; 7] = [
    &["senin", "monday"],
    &["selasa", "tuesday"],
    &["rabu", "wednesday"],
    &["kamis", "thursday"],
    &["jumat", "jum'at", "friday"],
    &["sabtu", "saturday"],
    &["minggu", "ahad", "sunday"],
];

/// The zone where none is written.
pub(super) fn usual_zone() -> TimeZone {
    TimeZone::get(USUAL).unwrap_or_else(|_| TimeZone::fixed(tz::offset(7)))
}

/// A zone by its name in the list of IANA.
pub(super) fn zone(text: &str) -> Result<TimeZone, Wrong> {
    TimeZone::get(text).map_err(|_| {
        let lower = text.to_lowercase();
        let called = ZONES.iter().find(|(called, _)| *called == lower).map(|(_, name)| *name);
        let names: Vec<String> = tz::db().available().map(|name| name.to_string()).collect();
        let near = called.or_else(|| nearest(text, names.iter().map(String::as_str)));
        let mend = match near {
            Some(name) => format!("did you mean {name:?}?"),
            None => "write \"Asia/Jakarta\", \"Asia/Makassar\" or \"Asia/Jayapura\"".to_owned(),
        };
        Wrong::new(format!("{text:?} is no time zone"), mend)
    })
}

/// `22:00-06:00`.
pub(super) fn hours(text: &str) -> Result<Hours, Wrong> {
    let wrong = |mend: String| Wrong::new(format!("{text:?} are no hours"), mend);
    let usual = || "write from and to with colons, for example \"22:00-06:00\"".to_owned();
    let strict = |part: &str| {
        let two = |digits: &str| {
            let fits = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
            fits.then(|| digits.parse::<u16>().ok()).flatten()
        };
        let (hour, minute) = part.split_once(':')?;
        let (hour, minute) = (two(hour)?, two(minute).filter(|minute| *minute < 60)?);
        Some(hour * 60 + minute).filter(|minutes| *minutes <= 24 * 60)
    };
    let split = text.split_once('-').map(|(from, to)| (strict(from), strict(to)));
    let Some((Some(from), Some(to))) = split else {
        return Err(wrong(meant(text).map_or_else(usual, |hours| format!("write {hours:?}"))));
    };
    Hours::new(from, to).ok_or_else(|| match from == to {
        true => Wrong::new(
            format!("{text:?} is no time at all: it ends when it begins"),
            "write \"00:00-24:00\" for a whole day, or leave hours out",
        ),
        false => wrong("write 00:00 for the beginning of a day".to_owned()),
    })
}

/// `22.00 - 6.00`, `22-6`: hours all the same, in another spelling.
fn meant(text: &str) -> Option<String> {
    let part = |part: &str| {
        let part = part.trim();
        let (hour, minute) = part.split_once([':', '.']).unwrap_or((part, "00"));
        let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
        (hour <= 24 && minute < 60).then(|| format!("{hour:02}:{minute:02}"))
    };
    let (from, to) = text.split_once(['-', '–'])?;
    Some(format!("{}-{}", part(from)?, part(to)?))
}

/// `mon`.
pub(super) fn day(text: &str) -> Result<Weekday, Wrong> {
    day_of(text).ok_or_else(|| {
        let lower = text.to_lowercase();
        let known = DAYS.iter().zip(OTHER_DAYS);
        let mut other = known.filter(|(day, other)| **day == lower || other.contains(&&*lower));
        let mend = match other.next() {
            Some((day, _)) => format!("write {day:?}"),
            None => match nearest(text, DAYS) {
                Some(day) => format!("did you mean {day:?}?"),
                None => format!("days are written {}", DAYS.join(", ")),
            },
        };
        Wrong::new(format!("{text:?} is no day"), mend)
    })
}

/// `2026-12-25`, or `2026-12-24..2026-12-26`.
pub(super) fn dates(text: &str) -> Result<Dates, Wrong> {
    let date = |part: &str| {
        let fits =
            part.len() == 10 && part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        fits.then(|| part.parse::<Date>().ok()).flatten()
    };
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let (Some(first), Some(last)) = (date(first), date(last)) else {
        return Err(Wrong::new(
            format!("{text:?} is no date"),
            "write year, month and day, \"2026-12-25\", or two with .. between them",
        ));
    };
    Dates::new(first, last).ok_or_else(|| {
        let mend = format!("write \"{last}..{first}\"");
        Wrong::new(format!("{text:?} ends before it begins"), mend)
    })
}
