//! Who calls, when, and what they will do: drawn before the first call, so that every policy meets
//! the same people.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use super::chance::{below, exponential, falls, log_normal, span, uniform};
use super::profile::{Profile, Spread};
use crate::vocabulary::{Dice, Moment};

const HOUR: u64 = 3_600_000_000;
/// Deviation of patience as a share of its mean: few leave in the first seconds.
const HASTE: f64 = 1.0;
/// Nobody rings more often than this in a row.
const TRIES: u8 = 20;

/// What a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A real emergency.
    Normal,
    /// A real emergency whose caller cannot speak.
    Silent,
    /// Somebody talks, but nothing is wrong.
    Prank,
    /// Nobody speaks.
    Ghost,
    /// A question.
    Information,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::Normal, Self::Silent, Self::Prank, Self::Ghost, Self::Information];

    /// What the operator said that it was.
    #[must_use]
    pub fn of_disposition(word: Option<&str>) -> Self {
        match word {
            Some("prank") => Self::Prank,
            Some("ghost") => Self::Ghost,
            Some("information" | "misrouted") => Self::Information,
            _ => Self::Normal,
        }
    }

    /// Whether somebody is in need.
    #[must_use]
    pub const fn is_real(self) -> bool {
        matches!(self, Self::Normal | Self::Silent)
    }

    /// The word of profiles and tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Silent => "silent",
            Self::Prank => "prank",
            Self::Ghost => "ghost",
            Self::Information => "information",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// One caller, and all that chance has for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// When they ring first.
    pub at: Moment,
    /// What it is.
    pub kind: Kind,
    /// Their number, as an index.
    pub number: u32,
    /// How long they will talk.
    pub talk: Duration,
    /// How long the seat's phone rings until it is answered.
    pub ring: Duration,
    /// How long they wait at each attempt.
    pub patience: Patience,
    /// How often they ring again after giving up …
    pub tries: u8,
    /// … after so long.
    pub again: Duration,
    /// Silent, but gives a sign when asked.
    pub gives_sign: bool,
    /// Hangs up when asked for a sign.
    pub leaves_when_asked: bool,
    /// The operator marks the number after the talk.
    pub gets_marked: bool,
}

/// How long somebody waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// For ever.
    Endless,
    /// So long.
    For(Duration),
    /// So long on average, drawn anew at each attempt from this number.
    About(Duration, u64),
}

impl Caller {
    /// How long they wait at this attempt; none: for ever.
    pub(super) fn patience(&self) -> Option<Duration> {
        match self.patience {
            Patience::Endless => None,
            Patience::For(span) => Some(span),
            Patience::About(mean, fate) => {
                let mut dice = Dice::from_number(fate.wrapping_add(self.tries.into()));
                Some(span(log_normal(&mut dice, mean.as_secs_f64(), HASTE)))
            }
        }
    }
}

/// One call of the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// From the beginning of the records.
    pub at: Duration,
    /// What the operator said it was; a real one where nothing is known.
    pub kind: Kind,
    /// The caller's number, as an index.
    pub number: u32,
    /// How long the caller waited.
    pub waited: Duration,
    /// The talk; none when the caller gave up.
    pub talk: Option<Duration>,
}

/// Everybody who calls on the days of a profile, in order of time.
#[must_use]
pub fn callers(profile: &Profile, seed: u64) -> Vec<Caller> {
    let hourly = profile.hourly();
    let mut arrivals = Dice::from_number(seed);
    let mut fates = Dice::from_number(seed ^ 0x5851_f42d_4c95_7f2d);
    let mut people = Vec::new();
    let hours = u64::from(profile.days) * 24;
    for (hour, rate) in (0..hours).zip(hourly.iter().cycle()) {
        // Each hour's process begins anew: the exponential has no memory.
        let mut at = exponential(&mut arrivals, 3600.0 / rate.max(1e-9));
        while at < 3600.0 {
            let moment = Moment(hour * HOUR).after(span(at));
            people.push(draw(profile, moment, people.len(), &mut fates));
            at += exponential(&mut arrivals, 3600.0 / rate.max(1e-9));
        }
    }
    people
}

fn draw(profile: &Profile, at: Moment, index: usize, dice: &mut Dice) -> Caller {
    let mut kind = kind(profile, uniform(dice));
    let habits = profile.kinds.get(&kind);
    let talk = habits.map_or(0.0, |habits| habits.talk_seconds);
    let patience = habits.and_then(|habits| habits.patience_seconds);
    if falls(dice, profile.screening.silent_share) && kind == Kind::Normal {
        kind = Kind::Silent;
    }
    let marks = &profile.marks;
    let repeats = falls(dice, if kind.is_real() { marks.real_share } else { marks.repeat_share });
    let repeats = repeats && (kind.is_real() || kind == Kind::Prank);
    let pool = below(dice, marks.repeat_numbers);
    let alone = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(marks.repeat_numbers);
    Caller {
        at,
        kind,
        number: if repeats { pool } else { alone },
        talk: span(match profile.talk_spread {
            Spread::Ratio(spread) => log_normal(dice, talk, spread),
            Spread::Word(_) => exponential(dice, talk),
        }),
        ring: span(log_normal(dice, profile.answer_seconds, 0.4)),
        patience: match (dice.number(), patience) {
            (fate, Some(mean)) => Patience::About(span(mean), fate),
            (_, None) => Patience::Endless,
        },
        tries: tries(dice, profile.redial_share),
        again: span(exponential(dice, profile.redial_after_seconds)),
        gives_sign: falls(dice, profile.screening.sign_share) && kind == Kind::Silent,
        leaves_when_asked: falls(dice, profile.screening.ghosts_leave_share) && kind == Kind::Ghost,
        gets_marked: falls(dice, marks.marked_share) && kind == Kind::Prank,
    }
}

fn kind(profile: &Profile, chance: f64) -> Kind {
    let mut below = 0.0;
    for (kind, habits) in &profile.kinds {
        below += habits.share;
        if chance < below {
            return *kind;
        }
    }
    profile.kinds.keys().next_back().copied().unwrap_or(Kind::Normal)
}

fn tries(dice: &mut Dice, share: f64) -> u8 {
    let mut tries = 0;
    while tries < TRIES && falls(dice, share) {
        tries += 1;
    }
    tries
}

/// The callers of records: times, talks and waits as they were, and behaviour that records do not
/// tell from a profile.
#[must_use]
pub fn from_records(records: &[Recorded], profile: &Profile, seed: u64) -> Vec<Caller> {
    let mut dice = Dice::from_number(seed);
    let mut people: Vec<Caller> = Vec::new();
    for record in records {
        let drawn = draw(profile, Moment::default().after(record.at), people.len(), &mut dice);
        let habits = profile.kinds.get(&record.kind);
        let further = habits.and_then(|habits| habits.patience_seconds);
        let screening = &profile.screening;
        people.push(Caller {
            kind: record.kind,
            number: record.number,
            talk: record.talk.unwrap_or(drawn.talk),
            // Who was answered had some patience left; how much, nobody knows.
            patience: match (record.talk, further) {
                (None, _) => Patience::For(record.waited),
                (Some(_), Some(mean)) => {
                    Patience::For(record.waited + span(exponential(&mut dice, mean)))
                }
                (Some(_), None) => Patience::Endless,
            },
            // Who rang again is in the records.
            tries: 0,
            gives_sign: false,
            leaves_when_asked: record.kind == Kind::Ghost
                && falls(&mut dice, screening.ghosts_leave_share),
            gets_marked: record.kind == Kind::Prank && falls(&mut dice, profile.marks.marked_share),
            ..drawn
        });
    }
    people.sort_by_key(|caller| caller.at);
    people
}
