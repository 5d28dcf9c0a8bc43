//! What is written in a call: lines of several writers who type at the same time, letter by letter.
//!
//! A line is done when its writer begins another or rests; then it is on the record and stays as it is.
//! Only what was left standing is kept: a letter that its writer took back within the line is gone.

use std::collections::VecDeque;
use std::time::Duration;

use crate::vocabulary::{Moment, Now, Party, Private, WallTime};

/// Stands for text that was lost on the way (T.140 addendum 1).
pub const MISSING: char = '\u{fffd}';
/// Begins a new line (T.140 §8).
pub const NEW_LINE: char = '\u{2028}';
/// Takes the last character back.
pub const ERASE: char = '\u{8}';
/// Calls for attention.
const BELL: char = '\u{7}';

/// A line is done when its writer has rested for so long.
pub const REST: Duration = Duration::from_secs(2);
/// Characters of a line; what is longer is two.
const LINE: usize = 500;
/// Lines of a call that are shown.
const SHOWN: usize = 500;
/// Bytes of a call that are kept: hours of a fast typist. A machine that writes must not fill the disk.
const KEPT: usize = 512 * 1024;

/// Who writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// In which part.
    pub by: Party,
    /// A seat, a number, or the name of a token; empty for the caller.
    pub name: String,
}

/// A line, done or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Who.
    pub author: Author,
    /// When its first letter came.
    pub at: WallTime,
    /// What.
    pub text: Private<String>,
    /// Its writer is still at it.
    pub open: bool,
}

/// What is written in one call.
#[derive(Clone, Debug, Default)]
pub struct Writing {
    /// The latest lines that are done.
    done: VecDeque<Written>,
    open: Vec<Open>,
    kept: usize,
}

#[derive(Clone, Debug)]
struct Open {
    author: Author,
    at: WallTime,
    text: String,
    last: Moment,
}

impl Writing {
    /// Takes what somebody wrote, and returns the lines that are done by it.
    pub fn take(&mut self, now: Now, author: &Author, text: &str) -> Vec<Written> {
        let mut done = Vec::new();
        for c in text.chars() {
            let at = self.open.iter().position(|open| open.author == *author);
            match (c, at) {
                (BELL, _) | (NEW_LINE, None) => {}
                (NEW_LINE, Some(at)) => done.extend(self.finish(at)),
                (ERASE, Some(at)) if self.erase(at, now) => {}
                // Of a line that is done nothing is taken back: that it was meant to be is shown.
                (c, at) => {
                    let place = at.unwrap_or_else(|| self.begin(now, author));
                    let Some(open) = self.open.get_mut(place) else { continue };
                    open.text.push(c);
                    open.last = now.moment;
                    if open.text.chars().count() >= LINE {
                        done.extend(self.finish(place));
                    }
                }
            }
        }
        done
    }

    /// The lines whose writers have rested, or all of them where the call is over.
    pub fn rest(&mut self, now: Moment, over: bool) -> Vec<Written> {
        let mut done = Vec::new();
        let mut n = 0;
        while let Some(open) = self.open.get(n) {
            if over || now.since(open.last) >= REST {
                done.extend(self.finish(n));
            } else {
                n += 1;
            }
        }
        done
    }

    /// When somebody will have rested.
    #[must_use]
    pub fn due(&self) -> Option<Moment> {
        self.open.iter().map(|open| open.last.after(REST)).min()
    }

    /// The lines of the call, those that are being written last.
    #[must_use]
    pub fn lines(&self) -> Vec<Written> {
        let open = self.open.iter().map(|open| Written {
            author: open.author.clone(),
            at: open.at,
            text: Private::new(open.text.clone()),
            open: true,
        });
        self.done.iter().cloned().chain(open).collect()
    }

    /// Whether nothing was written yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.done.is_empty() && self.open.is_empty()
    }

    /// More was written than is kept.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.kept > KEPT
    }

    fn begin(&mut self, now: Now, author: &Author) -> usize {
        let (author, text) = (author.clone(), String::new());
        self.open.push(Open { author, at: now.wall, text, last: now.moment });
        self.open.len() - 1
    }

    /// Takes the last character of a line back; false when there is none.
    fn erase(&mut self, at: usize, now: Now) -> bool {
        let Some(open) = self.open.get_mut(at) else { return false };
        open.last = now.moment;
        let erased = !open.text.ends_with(ERASE) && open.text.pop().is_some();
        if open.text.is_empty() {
            self.open.remove(at);
        }
        erased
    }

    fn finish(&mut self, at: usize) -> Option<Written> {
        let Open { author, at, text, .. } = self.open.remove(at);
        self.kept = self.kept.saturating_add(text.len());
        if self.is_full() {
            return None;
        }
        let line = Written { author, at, text: Private::new(text), open: false };
        if self.done.len() >= SHOWN {
            self.done.pop_front();
        }
        self.done.push_back(line.clone());
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Now {
        let moment = Moment::default().after(Duration::from_secs(seconds));
        Now { moment, ..Now::default() }
    }

    fn caller() -> Author {
        Author { by: Party::Caller, name: String::new() }
    }

    fn texts(lines: &[Written]) -> Vec<&str> {
        lines.iter().map(|line| line.text.reveal().as_str()).collect()
    }

    #[test]
    fn two_who_type_at_once_have_a_line_each() {
        let seat = Author { by: Party::Seat, name: "seat-1".into() };
        let mut writing = Writing::default();
        assert_eq!(writing.take(at(0), &caller(), "tolo"), []);
        assert_eq!(writing.take(at(1), &seat, "di ma"), []);
        let done = writing.take(at(1), &caller(), "ng\u{2028}rumah");
        assert_eq!(texts(&done), ["tolong"]);
        assert_eq!(texts(&writing.lines()), ["tolong", "di ma", "rumah"]);
        assert_eq!(texts(&writing.rest(at(3).moment, false)), ["di ma", "rumah"]);
        assert_eq!((writing.due(), writing.lines().len()), (None, 3));
    }

    #[test]
    fn what_is_taken_back_in_time_is_gone_and_later_it_is_shown() {
        let mut writing = Writing::default();
        writing.take(at(0), &caller(), "bar\u{8}nt\u{8}\u{8}ca");
        assert_eq!(texts(&writing.rest(at(2).moment, false)), ["baca"]);
        writing.take(at(3), &caller(), "\u{8}\u{8}tu");
        assert_eq!(texts(&writing.rest(at(3).moment, true)), ["\u{8}\u{8}tu"]);
        writing.take(at(4), &caller(), "x\u{8}");
        assert_eq!((writing.due(), writing.lines().len()), (None, 2));
    }

    #[test]
    fn a_machine_that_writes_fills_nothing() {
        let mut writing = Writing::default();
        let mut kept = 0;
        for _ in 0..2_000 {
            let done = writing.take(at(0), &caller(), &"x".repeat(1_000));
            kept += done.iter().map(|line| line.text.reveal().len()).sum::<usize>();
        }
        assert!(kept <= KEPT && writing.is_full() && writing.lines().len() <= SHOWN);
    }
}
