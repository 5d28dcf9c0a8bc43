//! A profile: how calls come to a centre, what they are, and how callers and operators behave.
//!
//! Shares are from 0 to 1, times in seconds. `config/README.md` tells every key.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;

use super::callers::Kind;
use crate::acd::settings::{Bounds, QueueSettings};
use crate::switchboard::settings::Screen;

/// The name of the one queue.
pub(super) const QUEUE: &str = "darurat";
/// More calls a day than all of Indonesia's 112 has are a slip of the pen.
const CALLS_A_DAY: f64 = 1_000_000.0;

/// One centre, or one kind of day.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// What it is called.
    pub name: String,
    /// Where its numbers come from, and which of them are assumed.
    #[serde(default)]
    pub source: String,
    /// Calls a day, on average.
    pub calls_per_day: f64,
    /// Weight of each hour from midnight; all the same when it is not written.
    #[serde(default = "every_hour_alike")]
    pub by_hour: Vec<f64>,
    /// Days that are simulated.
    #[serde(default = "thirty")]
    pub days: u32,
    /// Seats, all of them at every hour.
    pub seats: u32,
    /// From the first ring of a seat's phone to its answer, mean.
    #[serde(default = "four")]
    pub answer_seconds: f64,
    /// How long a seat is left alone after a talk.
    #[serde(default)]
    pub wrap_up_seconds: f64,
    /// Deviation of talk times as a share of their mean, log-normal; 1 by default. Not written as
    /// a number but as `"exponential"`: exponential, as Erlang's formulas have it.
    #[serde(default)]
    pub talk_spread: Spread,
    /// What calls are, by the words `normal`, `prank`, `ghost` and `information`.
    pub kinds: BTreeMap<Kind, Habits>,
    /// Who gave up rings again with this probability …
    #[serde(default)]
    pub redial_share: f64,
    /// … after so long, mean.
    #[serde(default = "thirty_seconds")]
    pub redial_after_seconds: f64,
    /// How callers are listened to.
    #[serde(default)]
    pub screening: Screening,
    /// How numbers are marked.
    #[serde(default)]
    pub marks: Mark,
    /// How long each lane waits at most before it is next.
    #[serde(default)]
    pub bound_seconds: BoundSeconds,
}

/// How long talks are spread.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Spread {
    /// Log-normal, with this ratio of deviation to mean.
    Ratio(f64),
    /// A word.
    Word(SpreadWord),
}

/// The word that stands for a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SpreadWord {
    /// Exponential.
    Exponential,
}

impl Default for Spread {
    fn default() -> Self {
        Self::Ratio(1.0)
    }
}

/// How one kind of caller behaves.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Habits {
    /// Share of all calls.
    pub share: f64,
    /// Talk time, mean.
    pub talk_seconds: f64,
    /// Patience, mean, exponential; endless when it is not written.
    pub patience_seconds: Option<f64>,
}

/// How callers are listened to.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Screening {
    /// `never`, `while_waiting` or `first`.
    pub screen: ScreenWord,
    /// From the beginning to the end of listening and of both prompts.
    pub asked_seconds: f64,
    /// With `first`: how soon somebody who can speak is heard.
    pub speaks_after_seconds: f64,
    /// Ghosts that hang up when they are asked for a sign.
    pub ghosts_leave_share: f64,
    /// Real callers who cannot speak.
    pub silent_share: f64,
    /// Of these: who taps or presses a key when asked.
    pub sign_share: f64,
}

impl Default for Screening {
    fn default() -> Self {
        Self {
            screen: ScreenWord::Never,
            asked_seconds: 20.0,
            speaks_after_seconds: 2.0,
            ghosts_leave_share: 0.0,
            silent_share: 0.0,
            sign_share: 0.5,
        }
    }
}

/// [`Screen`] as a profile writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScreenWord {
    /// Nobody is listened to.
    Never,
    /// While they wait anyway.
    WhileWaiting,
    /// Before a seat rings.
    First,
}

impl From<ScreenWord> for Screen {
    fn from(word: ScreenWord) -> Self {
        match word {
            ScreenWord::Never => Self::Never,
            ScreenWord::WhileWaiting => Self::WhileWaiting,
            ScreenWord::First => Self::First,
        }
    }
}

/// How numbers are marked.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mark {
    /// Pranks that come from numbers that ring again and again.
    pub repeat_share: f64,
    /// How many such numbers there are.
    pub repeat_numbers: u32,
    /// Pranks after which the operator marks the number.
    pub marked_share: f64,
    /// How long a mark lasts.
    pub hours: f64,
    /// Real callers who ring from one of the repeating numbers: the phone of the family.
    pub real_share: f64,
}

impl Default for Mark {
    fn default() -> Self {
        Self {
            repeat_share: 0.0,
            repeat_numbers: 20,
            marked_share: 0.0,
            hours: 24.0,
            real_share: 0.0,
        }
    }
}

/// [`Bounds`] as a profile writes them, seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BoundSeconds {
    /// Of the usual lane.
    pub usual: u64,
    /// Of silent callers.
    pub silent: u64,
    /// Of marked numbers.
    pub nuisance: u64,
}

impl Default for BoundSeconds {
    fn default() -> Self {
        let Bounds { usual, silent, nuisance } = Bounds::default();
        Self { usual: usual.as_secs(), silent: silent.as_secs(), nuisance: nuisance.as_secs() }
    }
}

/// Why a text is no profile.
#[derive(Debug, Error)]
pub enum ProfileError {
    /// It is no TOML, or a key is missing, unknown or of another type.
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    /// A number makes no sense.
    #[error("{key} = {value} is out of range; write {mend}")]
    Range {
        /// Where.
        key: String,
        /// What stands there.
        value: f64,
        /// What could.
        mend: &'static str,
    },
    /// Something contradicts itself.
    #[error("{what}; {mend}")]
    Contradiction {
        /// What is wrong.
        what: String,
        /// How to mend it.
        mend: &'static str,
    },
}

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// The first mistake: with line and column where it is one of form.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        let mut profile: Self = toml::from_str(text)?;
        profile.check()?;
        let shares: f64 = profile.kinds.values().map(|kind| kind.share).sum();
        profile.kinds.values_mut().for_each(|kind| kind.share /= shares);
        Ok(profile)
    }

    fn check(&self) -> Result<(), ProfileError> {
        let between = |key: &str, value: f64, least: f64, most: f64, mend: &'static str| {
            let fits = value.is_finite() && value >= least && value <= most;
            let wrong = || ProfileError::Range { key: key.to_owned(), value, mend };
            if fits { Ok(()) } else { Err(wrong()) }
        };
        let share = |key: &str, value| between(key, value, 0.0, 1.0, "a share from 0 to 1");
        let seconds =
            |key: &str, value| between(key, value, 0.0, 86_400.0, "seconds from 0 to 86400");
        let calls = self.calls_per_day;
        between("calls_per_day", calls, 0.1, CALLS_A_DAY, "calls from 0.1 to 1000000")?;
        between("days", self.days.into(), 1.0, 3660.0, "days from 1 to 3660")?;
        between("seats", self.seats.into(), 1.0, 1000.0, "seats from 1 to 1000")?;
        seconds("answer_seconds", self.answer_seconds)?;
        seconds("wrap_up_seconds", self.wrap_up_seconds)?;
        share("redial_share", self.redial_share)?;
        seconds("redial_after_seconds", self.redial_after_seconds)?;
        if let Spread::Ratio(ratio) = self.talk_spread {
            between("talk_spread", ratio, 0.0, 5.0, "a ratio from 0 to 5, or \"exponential\"")?;
        }
        for (kind, habits) in &self.kinds {
            share(&format!("kinds.{kind}.share"), habits.share)?;
            seconds(&format!("kinds.{kind}.talk_seconds"), habits.talk_seconds)?;
            let patience = habits.patience_seconds.unwrap_or_default();
            seconds(&format!("kinds.{kind}.patience_seconds"), patience)?;
        }
        let screening = &self.screening;
        seconds("screening.asked_seconds", screening.asked_seconds)?;
        seconds("screening.speaks_after_seconds", screening.speaks_after_seconds)?;
        share("screening.ghosts_leave_share", screening.ghosts_leave_share)?;
        share("screening.silent_share", screening.silent_share)?;
        share("screening.sign_share", screening.sign_share)?;
        let marks = &self.marks;
        share("marks.repeat_share", marks.repeat_share)?;
        share("marks.marked_share", marks.marked_share)?;
        share("marks.real_share", marks.real_share)?;
        between("marks.hours", marks.hours, 0.0, 8784.0, "hours from 0 to 8784")?;
        self.check_sums()
    }

    fn check_sums(&self) -> Result<(), ProfileError> {
        let wrong = |what: String, mend| Err(ProfileError::Contradiction { what, mend });
        let shares: f64 = self.kinds.values().map(|kind| kind.share).sum();
        if (shares - 1.0).abs() > 0.02 {
            let what = format!("the shares of [kinds] are {shares:.3} together");
            return wrong(what, "let them be 1 together");
        }
        if self.kinds.contains_key(&Kind::Silent) {
            let what = "silent is no kind of its own: it is a share of normal".to_owned();
            return wrong(what, "write [screening] silent_share");
        }
        let weights: f64 = self.by_hour.iter().sum();
        let good = self.by_hour.iter().all(|weight| weight.is_finite() && *weight >= 0.0);
        if self.by_hour.len() != 24 || !good || weights <= 0.0 {
            let what = format!("by_hour has {} weights", self.by_hour.len());
            return wrong(what, "write 24, from midnight on, none negative and not all 0");
        }
        Ok(())
    }

    /// Calls an hour in each hour of the day.
    #[must_use]
    pub fn hourly(&self) -> Vec<f64> {
        let all: f64 = self.by_hour.iter().sum();
        self.by_hour.iter().map(|weight| self.calls_per_day * weight / all).collect()
    }

    /// Calls an hour in the busiest hour.
    #[must_use]
    pub fn busiest(&self) -> f64 {
        self.hourly().into_iter().fold(0.0, f64::max)
    }

    /// How long a call holds a seat on average: ringing, talk and wrap-up, seconds.
    #[must_use]
    pub fn held_seconds(&self) -> f64 {
        let talk: f64 = self.kinds.values().map(|kind| kind.share * kind.talk_seconds).sum();
        self.answer_seconds + talk + self.wrap_up_seconds
    }

    /// The queue that it asks for: the usual one with its bounds and its wrap-up.
    #[must_use]
    pub fn queue(&self) -> QueueSettings {
        let bound = self.bound_seconds;
        QueueSettings {
            wrap_up: super::chance::span(self.wrap_up_seconds),
            bounds: Bounds {
                usual: Duration::from_secs(bound.usual),
                silent: Duration::from_secs(bound.silent),
                nuisance: Duration::from_secs(bound.nuisance),
            },
            ..QueueSettings::new(QUEUE)
        }
    }

    /// The same centre as Erlang's formulas see it: its busiest hour all day, one kind of call,
    /// exponential times that hold everything, and endless patience.
    #[must_use]
    pub fn as_erlang_sees_it(&self) -> Self {
        let held = self.held_seconds();
        let every = Habits { share: 1.0, talk_seconds: held, patience_seconds: None };
        Self {
            calls_per_day: self.busiest() * 24.0,
            by_hour: every_hour_alike(),
            answer_seconds: 0.0,
            wrap_up_seconds: 0.0,
            talk_spread: Spread::Word(SpreadWord::Exponential),
            kinds: BTreeMap::from([(Kind::Normal, every)]),
            redial_share: 0.0,
            screening: Screening::default(),
            marks: Mark::default(),
            ..self.clone()
        }
    }
}

fn every_hour_alike() -> Vec<f64> {
    vec![1.0; 24]
}

const fn thirty() -> u32 {
    30
}

const fn thirty_seconds() -> f64 {
    30.0
}

const fn four() -> f64 {
    4.0
}
