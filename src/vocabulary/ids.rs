//! Ids, one type each, never interchangeable.
//!
//! Names that an admin chooses (trunk, queue, seat, operator) are shared strings: they mean the
//! same thing after a reload. Things that happen (call, incident) carry a time-ordered [`Uid`].

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::WallTime;

/// Crockford's base 32, lower case: no `i`, `l`, `o`, `u`, so an id can be read out over a radio.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// 80 bits: 48 of wall-clock milliseconds, 32 of chance. Printed as 16 characters that sort by
/// time; fits NENA's form of an identifier (10 to 32 alphanumerics).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Uid(u128);

impl Uid {
    /// An id made at `wall` with 32 random bits.
    #[must_use]
    pub fn new(wall: WallTime, chance: u32) -> Self {
        let millis = u128::from(wall.as_millis().max(0).unsigned_abs()) & 0xffff_ffff_ffff;
        Self(millis << 32 | u128::from(chance))
    }

    /// When it was made, to the millisecond.
    #[must_use]
    pub fn at(self) -> WallTime {
        let millis = u64::try_from(self.0 >> 32 & 0xffff_ffff_ffff).unwrap_or_default();
        WallTime(i64::try_from(millis).unwrap_or_default().saturating_mul(1_000))
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [b'0'; 16];
        for (letter, i) in text.iter_mut().rev().zip(0..) {
            let digit = (self.0 >> (i * 5)) as usize & 31;
            *letter = ALPHABET.get(digit).copied().unwrap_or(b'0');
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not an id of this program.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is not an id: 16 characters of 0-9 and a-z without i, l, o, u are expected")]
pub struct UidError(String);

impl FromStr for Uid {
    type Err = UidError;

    fn from_str(text: &str) -> Result<Self, UidError> {
        let refuse = || UidError(text.chars().take(40).collect());
        if text.len() != 16 {
            return Err(refuse());
        }
        text.bytes()
            .try_fold(0u128, |sum, byte| {
                let digit = ALPHABET.iter().position(|&c| c == byte.to_ascii_lowercase());
                digit.map(|d| sum << 5 | d as u128).ok_or_else(refuse)
            })
            .map(Self)
    }
}

impl Serialize for Uid {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Uid {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

macro_rules! happening {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub Uid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = UidError;

            fn from_str(text: &str) -> Result<Self, UidError> {
                text.parse().map(Self)
            }
        }
    };
}

happening!(
    /// One call: everything between one INVITE from outside and its ending, both legs.
    CallId
);
happening!(
    /// One incident, the event out there; it may have many calls.
    IncidentId
);

/// One offer of a call to a seat, numbered within the running program.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct OfferId(pub u64);

/// One leg's audio in the media plane, numbered within the running program.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct StreamId(pub u64);

impl StreamId {
    /// What our reports and descriptions call its source (RFC 3550 §6.5.1).
    #[must_use]
    pub fn cname(self) -> String {
        format!("{:x}@siaga112.invalid", self.0)
    }
}

macro_rules! named {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as the admin wrote it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self(Arc::from(name))
            }
        }

        impl From<String> for $name {
            fn from(name: String) -> Self {
                Self(Arc::from(name))
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

named!(
    /// One carrier's connection, by its name in the configuration.
    TrunkId
);
named!(
    /// Where calls wait, by its name in the configuration.
    QueueId
);
named!(
    /// A position with a phone, by its name in the configuration.
    SeatId
);
named!(
    /// The person at a seat, by the name in the configuration.
    OperatorId
);
named!(
    /// Somebody who is called out, by their name in the configuration.
    ContactId
);
named!(
    /// An order in which contacts are called out, by its name in the configuration.
    ChainId
);
named!(
    /// Something that not every operator can: a language, a modality, a topic.
    Skill
);
named!(
    /// One announcement or piece of music, by its path below the prompts without the ending:
    /// `id/menunggu`.
    PromptId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_prints_sorts_and_reads_back() {
        let early = Uid::new(WallTime(1_789_621_951_204_000), u32::MAX);
        let late = Uid::new(WallTime(1_789_621_951_205_000), 0);
        assert!(early < late && early.to_string() < late.to_string());
        assert_eq!(early.to_string().len(), 16);
        assert_eq!(early.to_string().parse(), Ok(early));
        assert_eq!(early.to_string().to_uppercase().parse(), Ok(early));
    }

    #[test]
    fn a_wrong_id_is_refused_with_its_text() {
        for wrong in ["", "abc", "0123456789abcdeu", "0123456789abcdefg", "0123456789abcd\u{e9}"] {
            let error = wrong.parse::<Uid>().expect_err("refused");
            assert!(error.to_string().contains("16 characters"), "{error}");
        }
    }
}
