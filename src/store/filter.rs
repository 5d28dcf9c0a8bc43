//! Which incidents a question is about. Words in, a checked filter out; every wrong word is
//! refused with what is allowed.

use jiff::tz::TimeZone;
use thiserror::Error;

use super::periods::moment;
use super::search;
use crate::screening::Disposition;
use crate::vocabulary::{IncidentId, Lane, WallTime};

/// Rows of one answer at most.
pub const LIMIT: u32 = 1000;
/// Rows of one answer when nothing is said.
pub const DEFAULT_LIMIT: u32 = 100;
/// Letters and digits of a number that are searched for at least: fewer would find everybody.
const NUMBER: usize = 3;
/// The disposition of calls that nobody has judged.
pub const UNJUDGED: &str = "none";

/// The keys of a filter and what each takes: for help texts and refusals.
pub const KEYS: &[(&str, &str)] = &[
    ("since", "received at or after this time, e.g. 2026-09-17T05:00:00Z, or a day: its midnight"),
    ("until", "received before this time, e.g. 2026-09-18T05:00:00+07:00, or a day: its midnight"),
    ("trunk", "name of a trunk"),
    ("seat", "name of the seat that answered or was offered the call"),
    ("operator", "name of the operator who answered"),
    ("queue", "name of a queue"),
    ("stage", "arriving, waiting, ringing, talking or test"),
    ("outcome", "answered, abandoned, test or other"),
    ("lane", "usual, silent or nuisance"),
    (
        "disposition",
        "normal, prank, ghost, information, misrouted, test, callback, abandoned, or none for \
         calls that nobody has judged",
    ),
    ("category", "code of a category"),
    ("place", "code of a kecamatan, or name of a desa"),
    ("number", "beginning or end of the caller's number, at least 3 letters or digits"),
    (
        "words",
        "words, or their beginnings, that all stand in what was written of it: notes, address, \
         report, agencies, text of the call",
    ),
    ("limit", "1 to 1000; 100 when left out"),
    ("before", "id of the last incident of the page before: only older ones"),
];

/// Which incidents; empty fields do not narrow. Newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Received at or after.
    pub since: Option<WallTime>,
    /// Received before.
    pub until: Option<WallTime>,
    /// By this trunk.
    pub trunk: Option<String>,
    /// Answered by, or offered to, this seat.
    pub seat: Option<String>,
    /// Answered by this operator.
    pub operator: Option<String>,
    /// In this queue.
    pub queue: Option<String>,
    /// Stage of a live call, or at its end.
    pub stage: Option<String>,
    /// What became of it.
    pub outcome: Option<String>,
    /// The lane that it stood in last.
    pub lane: Option<String>,
    /// What people said that it was; [`UNJUDGED`]: nobody has said.
    pub disposition: Option<String>,
    /// Of this category.
    pub category: Option<String>,
    /// In this kecamatan, by its code, or in this desa, by its name.
    pub place: Option<String>,
    /// Beginning or end of the caller's number, raw or E.164, however it is written.
    pub number: Option<String>,
    /// Words that all stand in what was written of it, or their beginnings.
    pub words: Option<String>,
    /// At most this many; 0 stands for [`DEFAULT_LIMIT`].
    pub limit: u32,
    /// Older than this incident.
    pub before: Option<IncidentId>,
}

/// A filter that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FilterError {
    /// No such key.
    #[error("there is no filter {key:?}; known are {}", names())]
    Key {
        /// As given.
        key: String,
    },
    /// The key takes something else.
    #[error("{key}={value:?} is not understood; {key} takes: {allowed}")]
    Value {
        /// Which key.
        key: &'static str,
        /// As given.
        value: String,
        /// What it takes.
        allowed: &'static str,
    },
}

fn names() -> String {
    KEYS.iter().map(|(key, _)| *key).collect::<Vec<_>>().join(", ")
}

impl Filter {
    /// Sets one key from text. A day alone is its midnight in the `zone`.
    ///
    /// # Errors
    /// Unknown key, or a value that it does not take.
    pub fn set(&mut self, key: &str, value: &str, zone: &TimeZone) -> Result<(), FilterError> {
        let known = KEYS.iter().find(|(name, _)| *name == key);
        let Some(&(key, allowed)) = known else {
            return Err(FilterError::Key { key: key.chars().take(40).collect() });
        };
        let value = value.trim();
        let refuse =
            || FilterError::Value { key, value: value.chars().take(80).collect(), allowed };
        let one_of = |words: &[&str]| words.contains(&value).then(|| value.to_owned());
        let text = || (!value.is_empty() && value.len() <= 200).then(|| value.to_owned());
        match key {
            "since" => self.since = Some(moment(value, zone).ok_or_else(refuse)?),
            "until" => self.until = Some(moment(value, zone).ok_or_else(refuse)?),
            "trunk" => self.trunk = Some(text().ok_or_else(refuse)?),
            "seat" => self.seat = Some(text().ok_or_else(refuse)?),
            "operator" => self.operator = Some(text().ok_or_else(refuse)?),
            "queue" => self.queue = Some(text().ok_or_else(refuse)?),
            "category" => self.category = Some(text().ok_or_else(refuse)?),
            "place" => self.place = Some(text().ok_or_else(refuse)?),
            "number" => {
                let long = |typed: &String| search::number(typed).len() >= NUMBER;
                self.number = Some(text().filter(long).ok_or_else(refuse)?);
            }
            "words" => {
                let some = |typed: &String| !search::words(typed).is_empty();
                self.words = Some(text().filter(some).ok_or_else(refuse)?);
            }
            "stage" => {
                let words = ["arriving", "waiting", "ringing", "talking", "test"];
                self.stage = Some(one_of(&words).ok_or_else(refuse)?);
            }
            "outcome" => {
                let words = ["answered", "abandoned", "test", "other"];
                self.outcome = Some(one_of(&words).ok_or_else(refuse)?);
            }
            "lane" => {
                let words = Lane::ALL.map(Lane::word);
                self.lane = Some(one_of(&words).ok_or_else(refuse)?);
            }
            "disposition" => {
                let words = Disposition::ALL.map(Disposition::word);
                let unjudged = || one_of(&[UNJUDGED]);
                self.disposition = Some(one_of(&words).or_else(unjudged).ok_or_else(refuse)?);
            }
            "limit" => {
                let limit = value.parse().ok().filter(|n| (1..=LIMIT).contains(n));
                self.limit = limit.ok_or_else(refuse)?;
            }
            _ => self.before = Some(value.parse().map_err(|_| refuse())?),
        }
        Ok(())
    }

    /// Rows of one answer.
    #[must_use]
    pub const fn rows(&self) -> u32 {
        match self.limit {
            0 => DEFAULT_LIMIT,
            LIMIT.. => LIMIT,
            limit => limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_taken_and_refuses_nonsense_with_what_it_takes() {
        let good = [
            ("since", "2026-09-17T05:12:31Z"),
            ("until", "2026-09-17T12:12:31+07:00"),
            ("trunk", "telkom"),
            ("seat", "seat-1"),
            ("operator", "siti"),
            ("queue", "112"),
            ("stage", "ringing"),
            ("outcome", "abandoned"),
            ("lane", "nuisance"),
            ("disposition", "prank"),
            ("category", "01"),
            ("place", "Sapeken"),
            ("number", "+6281"),
            ("words", "kebakaran pasar"),
            ("limit", "1000"),
            ("before", "0123456789abcdef"),
        ];
        assert_eq!(
            good.map(|(key, _)| key).as_slice(),
            KEYS.iter().map(|k| k.0).collect::<Vec<_>>()
        );
        let mut filter = Filter::default();
        for (key, value) in good {
            filter.set(key, value, &TimeZone::UTC).expect(key);
        }
        assert_eq!(filter.since, filter.until);
        let jakarta = TimeZone::fixed(jiff::tz::offset(7));
        filter.set("since", "2026-09-17", &jakarta).expect("a day");
        filter.set("until", "2026-09-17T00:00:00+07:00", &jakarta).expect("its midnight");
        assert_eq!(filter.since, filter.until);
        for (key, value) in [
            ("since", "yesterday"),
            ("until", ""),
            ("stage", "gone"),
            ("outcome", "lost"),
            ("lane", "fast"),
            ("disposition", "joke"),
            ("limit", "0"),
            ("limit", "1001"),
            ("before", "x"),
            ("trunk", ""),
            ("number", "%+1"),
            ("words", "*\" -"),
        ] {
            let error = filter.set(key, value, &TimeZone::UTC).expect_err(key).to_string();
            assert!(error.contains(key) && error.contains("takes:"), "{error}");
        }
        let error = filter.set("stages", "x", &TimeZone::UTC).expect_err("no such key").to_string();
        assert!(error.contains("stages") && error.contains("stage, outcome"), "{error}");
        filter.set("disposition", UNJUDGED, &TimeZone::UTC).expect("is taken");
    }
}
