//! How entries are chained: each line carries its number and the hash of the line before, so that
//! a line that was edited, removed or put in later shows.
//!
//! It never touches a disk; bytes in, bytes out.

use std::fmt;

use serde::Deserialize;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::Entry;
use crate::vocabulary::{WallTime, hex};

/// SHA-256 of one line's bytes, without its line feed.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Link([u8; 32]);

impl Link {
    /// The link that a line hands to the next one.
    #[must_use]
    pub fn of(line: &[u8]) -> Self {
        Self(Sha256::digest(line).into())
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The end of a journal: what the next line must carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Number of the next line; the first is 1.
    pub next_seq: u64,
    /// Hash of the line before it; zeros before the first.
    pub prev: Link,
}

impl Default for Chain {
    fn default() -> Self {
        Self { next_seq: 1, prev: Link::default() }
    }
}

/// One line as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number.
    pub seq: u64,
    /// The hash of the line before, in hexadecimal, as it stands in the line.
    pub prev: String,
    /// The hash of this line.
    pub link: Link,
    /// What it says; none when the fact is of a kind that this version does not know, or locked.
    pub entry: Option<Entry>,
    /// Part of it is locked ([`super::sealed`]): whoever has the keys reads it.
    pub locked: bool,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ChainError {
    /// It is no JSON object with `seq` and `prev`.
    #[error("it is no journal line: {0}")]
    Unreadable(String),
    /// Lines are missing, doubled or out of order.
    #[error("it has number {found} where {wanted} was expected: lines are missing or were added")]
    Number {
        /// The number that was due.
        wanted: u64,
        /// The number in the line.
        found: u64,
    },
    /// The line before is not the one that was there when this one was written.
    #[error("the line before it was changed after it was written")]
    Broken,
}

#[derive(Deserialize)]
struct Head {
    seq: u64,
    prev: String,
    #[serde(default)]
    sealed: Option<serde::de::IgnoredAny>,
}

impl Chain {
    /// Appends one line with its line feed to `out` and moves on. `body` is what
    /// [`body`] made of the entry.
    pub fn seal(&mut self, body: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(
            format!("{{\"seq\":{},\"prev\":\"{}\",", self.next_seq, self.prev).as_bytes(),
        );
        out.extend_from_slice(body.strip_prefix(b"{").unwrap_or(body));
        self.prev = Link::of(out.get(start..).unwrap_or_default());
        self.next_seq += 1;
        out.push(b'\n');
    }

    /// Checks that `line` is the next one of this chain and moves on. After a fault the chain
    /// goes on from the faulty line, so that one edit is reported once.
    ///
    /// # Errors
    /// What is wrong with the line, or with the one before it.
    pub fn accept(&mut self, line: &[u8]) -> Result<Line, ChainError> {
        let (wanted, prev) = (self.next_seq, self.prev);
        self.prev = Link::of(line);
        self.next_seq += 1;
        let line = read(line)?;
        self.next_seq = line.seq.saturating_add(1);
        if line.seq != wanted {
            return Err(ChainError::Number { wanted, found: line.seq });
        }
        if line.prev != prev.to_string() {
            return Err(ChainError::Broken);
        }
        Ok(line)
    }

    /// The chain after `line`.
    #[must_use]
    pub const fn after(line: &Line) -> Self {
        Self { next_seq: line.seq.saturating_add(1), prev: line.link }
    }
}

/// An entry as one JSON object, not yet chained: its place is known only when it is written.
#[must_use]
pub fn body(entry: &Entry) -> Vec<u8> {
    // Entries hold text, numbers and lists: nothing that JSON could refuse.
    serde_json::to_vec(entry).unwrap_or_else(|_| b"{\"fact\":\"unwritable\"}".to_vec())
}

/// Reads one line without its line feed.
///
/// # Errors
/// [`ChainError::Unreadable`] when it is no JSON object with `seq` and `prev`.
pub fn read(line: &[u8]) -> Result<Line, ChainError> {
    let head: Head =
        serde_json::from_slice(line).map_err(|e| ChainError::Unreadable(e.to_string()))?;
    let locked = head.sealed.is_some();
    let entry = if locked { None } else { entry(line) };
    Ok(Line { seq: head.seq, prev: head.prev, link: Link::of(line), entry, locked })
}

/// Whether a line holds messages of a ladder, told by its first bytes: most of a journal is made of
/// these, and few readers want them.
#[must_use]
pub fn is_ladder(line: &[u8]) -> bool {
    let head = line.get(..line.len().min(LADDER_HEAD)).unwrap_or_default();
    memchr::memmem::find(head, br#","fact":"signalled","#).is_some()
}

/// When a line was kept.
#[must_use]
pub fn time(line: &[u8]) -> Option<WallTime> {
    #[derive(Deserialize)]
    struct Kept {
        at: WallTime,
    }
    serde_json::from_slice(line).ok().map(|Kept { at }| at)
}

/// Number, hash, time and kind stand in so many bytes of a line.
const LADDER_HEAD: usize = 160;

/// Reads only what a line says, for those who need neither its place nor its hash.
#[must_use]
pub fn entry(line: &[u8]) -> Option<Entry> {
    serde_json::from_slice(line).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Fact;
    use crate::vocabulary::CallId;

    fn lines(count: i64) -> Vec<Vec<u8>> {
        let (mut chain, mut out) = (Chain::default(), Vec::new());
        for n in 0..count {
            let fact = Fact::Alarm { name: format!("alarm-{n}"), detail: "x".into() };
            chain.seal(&body(&Entry { at: WallTime(n), fact }), &mut out);
        }
        out.split(|&b| b == b'\n').filter(|l| !l.is_empty()).map(<[u8]>::to_vec).collect()
    }

    fn walk(lines: &[Vec<u8>]) -> Vec<Result<u64, ChainError>> {
        let mut chain = Chain::default();
        lines.iter().map(|line| chain.accept(line).map(|l| l.seq)).collect()
    }

    #[test]
    fn a_line_carries_number_hash_and_entry() {
        let lines = lines(2);
        assert!(lines[0].starts_with(b"{\"seq\":1,\"prev\":\"000000"));
        let second = read(&lines[1]).expect("reads");
        assert_eq!((second.seq, second.prev), (2, Link::of(&lines[0]).to_string()));
        assert_eq!(second.entry.map(|e| e.at), Some(WallTime(1)));
        assert!(walk(&lines).iter().all(Result::is_ok));
    }

    #[test]
    fn an_edited_a_missing_and_an_added_line_show() {
        let mut edited = lines(4);
        edited[1] =
            String::from_utf8(edited[1].clone()).unwrap().replace("alarm-1", "alarm-9").into();
        assert_eq!(walk(&edited), [Ok(1), Ok(2), Err(ChainError::Broken), Ok(4)]);

        let mut missing = lines(4);
        missing.remove(1);
        let wrong = Err(ChainError::Number { wanted: 2, found: 3 });
        assert_eq!(walk(&missing), [Ok(1), wrong, Ok(4)]);

        let mut garbled = lines(3);
        garbled[1] = b"\xff".to_vec();
        assert!(matches!(walk(&garbled)[1], Err(ChainError::Unreadable(_))));
    }

    #[test]
    fn a_line_of_a_ladder_is_told_by_its_head() {
        let fact = Fact::Signalled { call: CallId::default(), messages: Vec::new(), cut: false };
        let mut out = Vec::new();
        let mut chain = Chain { next_seq: u64::MAX - 1, prev: Link::default() };
        chain.seal(&body(&Entry { at: WallTime(i64::MIN), fact }), &mut out);
        assert!(is_ladder(&out), "{}", String::from_utf8_lossy(&out));
        let other = Fact::Alarm { name: ",\"fact\":\"signalled\",".into(), detail: String::new() };
        let mut line = Vec::new();
        Chain::default().seal(&body(&Entry { at: WallTime(1), fact: other }), &mut line);
        assert!(!is_ladder(&line));
        assert!(!is_ladder(b""));
    }

    #[test]
    fn a_fact_of_a_later_version_is_kept_in_the_chain_without_its_meaning() {
        let line = br#"{"seq":1,"prev":"00","at":5,"fact":"seat-flew-away","seat":"s1"}"#;
        assert_eq!(read(line).expect("reads").entry, None);
    }
}
