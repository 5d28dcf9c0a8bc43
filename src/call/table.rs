//! Who hears whom in a call with any number of people: one table, worked out anew whenever somebody comes,
//! goes or changes their part.
//!
//! | hears → | caller | operator | talks | listens | whispers |
//! |---|---|---|---|---|---|
//! | caller | | yes | yes | no | no |
//! | operator | yes | | yes | no | yes |
//! | talks | yes | yes | yes | no | no |
//! | listens | yes | yes | yes | no | yes |
//! | whispers | yes | yes | yes | no | yes |
//!
//! While the operator talks in private, the caller hears none of it; the operator still hears the caller,
//! who may scream, and the others do not.

use serde::{Deserialize, Serialize};

use crate::vocabulary::StreamId;

/// The part that somebody plays who was brought into a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Hears all and is heard by all: an agency, a neighbouring centre, whoever barges in.
    Talk,
    /// Hears all and is heard by nobody (monitoring).
    Listen,
    /// Hears all and is heard by the operator alone.
    Whisper,
}

impl Part {
    /// The word used in records and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Talk => "talk",
            Self::Listen => "listen",
            Self::Whisper => "whisper",
        }
    }
}

/// Everybody's place at the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Who called.
    Caller,
    /// Who answered.
    Operator,
    /// Who was brought in.
    Guest(Part),
}

/// Whom each stream's peer hears; the caller's is to hear the centre's hold music when it is none.
#[must_use]
pub fn hears(table: &[(StreamId, Place)], private: bool) -> Vec<(StreamId, Vec<StreamId>)> {
    let row = |&(stream, listener): &(StreamId, Place)| {
        let others = table
            .iter()
            .filter(|(voice, speaker)| *voice != stream && is_heard(*speaker, listener, private));
        (stream, others.map(|(voice, _)| *voice).collect())
    };
    table.iter().map(row).collect()
}

const fn is_heard(speaker: Place, listener: Place, private: bool) -> bool {
    match (speaker, listener) {
        (_, Place::Caller) if private => false,
        (Place::Guest(Part::Listen), _) => false,
        (
            Place::Guest(Part::Whisper),
            Place::Operator | Place::Guest(Part::Listen | Part::Whisper),
        ) => true,
        (Place::Guest(Part::Whisper), _) => false,
        (Place::Caller, Place::Guest(Part::Talk)) => !private,
        (Place::Caller | Place::Operator | Place::Guest(Part::Talk), _) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALLER: (StreamId, Place) = (StreamId(1), Place::Caller);
    const OPERATOR: (StreamId, Place) = (StreamId(2), Place::Operator);

    fn guest(stream: u64, part: Part) -> (StreamId, Place) {
        (StreamId(stream), Place::Guest(part))
    }

    fn rows(table: &[(StreamId, Place)], private: bool) -> Vec<(u64, Vec<u64>)> {
        let row = |(of, whom): (StreamId, Vec<StreamId>)| {
            (of.0, whom.into_iter().map(|stream| stream.0).collect())
        };
        hears(table, private).into_iter().map(row).collect()
    }

    #[test]
    fn two_hear_each_other() {
        assert_eq!(rows(&[CALLER, OPERATOR], false), [(1, vec![2]), (2, vec![1])]);
    }

    #[test]
    fn everybody_hears_what_the_table_says() {
        let all = [
            CALLER,
            OPERATOR,
            guest(3, Part::Talk),
            guest(4, Part::Listen),
            guest(5, Part::Whisper),
        ];
        assert_eq!(
            rows(&all, false),
            [
                (1, vec![2, 3]),
                (2, vec![1, 3, 5]),
                (3, vec![1, 2]),
                (4, vec![1, 2, 3, 5]),
                (5, vec![1, 2, 3]),
            ]
        );
        assert_eq!(
            rows(&all, true),
            [
                (1, vec![]),
                (2, vec![1, 3, 5]),
                (3, vec![2]),
                (4, vec![1, 2, 3, 5]),
                (5, vec![1, 2, 3]),
            ]
        );
    }
}
