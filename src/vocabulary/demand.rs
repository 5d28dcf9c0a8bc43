//! What a call asks of a seat, and the lane in which it waits.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::Skill;

/// A skill that a call needs, and how much of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Want {
    /// Which skill: a language (`mad`), a modality (`text`), a topic (`islands`).
    pub skill: Skill,
    /// 1 to 9; a seat has the skill when its own level is at least this.
    pub level: u8,
}

impl fmt::Display for Want {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.skill, self.level)
    }
}

/// Where a call stands among those that wait. A lane changes the order only: each reaches a person
/// within its bound, and nobody is refused.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Lane {
    /// Of a number that operators have marked: behind the others.
    Nuisance,
    /// Nothing was heard after two prompts: behind those who speak.
    Silent,
    /// Everybody else.
    #[default]
    Usual,
}

impl Lane {
    /// All lanes, the first to be served first.
    pub const ALL: [Self; 3] = [Self::Usual, Self::Silent, Self::Nuisance];

    /// The word used in records, the API and metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nuisance => "nuisance",
            Self::Silent => "silent",
            Self::Usual => "usual",
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
