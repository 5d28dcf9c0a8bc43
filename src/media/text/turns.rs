//! Several writers for a reader who sees one text: one of them has the turn, the others wait for a place
//! where theirs can begin, on a line of its own and behind the writer's name (RFC 9071 §4.2).
//!
//! Who reads one writer alone sees that one's text as it is.

use std::collections::VecDeque;

use super::{ERASE, NEW_LINE};

/// Whoever has the turn and writes nothing for so long, microseconds, has no more claim to it.
const REST: u64 = 3_000_000;
/// Nobody has the turn for longer, microseconds, while others wait; then it ends behind the next word.
const LONGEST: u64 = 15_000_000;
/// Characters that wait of one writer; a turn ends at once rather than that more do.
const WAITING: usize = 500;

/// Whose text goes to one reader, and what waits. `W` is what a writer is known by.
#[derive(Debug)]
pub struct Turns<W> {
    /// Who has the turn; whoever had it last once it is over.
    writer: Option<W>,
    since: u64,
    last: u64,
    /// Characters of this turn that may still be taken back.
    erasable: usize,
    /// The last character that was written.
    end: Option<char>,
    waiting: VecDeque<Waiting<W>>,
}

#[derive(Debug)]
struct Waiting<W> {
    writer: W,
    name: String,
    text: String,
}

impl<W> Default for Turns<W> {
    fn default() -> Self {
        let (writer, waiting) = (None, VecDeque::new());
        Self { writer, since: 0, last: 0, erasable: 0, end: None, waiting }
    }
}

impl<W: Copy + PartialEq> Turns<W> {
    /// Takes what somebody wrote at `now` (microseconds), and appends what the reader is to see of it
    /// now. Nobody is named where `name` is none: the reader has no other writer.
    pub fn take(
        &mut self,
        (writer, name): (W, Option<&str>),
        text: &str,
        now: u64,
        to: &mut String,
    ) {
        if self.writer == Some(writer) || name.is_none() {
            if self.writer.replace(writer).is_some_and(|before| before != writer) {
                self.break_line(now, to);
            }
            self.write(text, now, to);
            return self.tick(now, to);
        }
        let name = name.unwrap_or_default();
        match self.waiting.iter_mut().find(|waiting| waiting.writer == writer) {
            Some(waiting) => waiting.text.push_str(text),
            None => {
                let (name, text) = (name.to_owned(), text.to_owned());
                self.waiting.push_back(Waiting { writer, name, text });
            }
        }
        self.tick(now, to);
    }

    /// Gives the turn to whoever waits, where it may end.
    pub fn tick(&mut self, now: u64, to: &mut String) {
        while let Some(next) = self.waiting.front() {
            let long = now.saturating_sub(self.since) >= LONGEST;
            let full = next.text.len() >= WAITING;
            let ends = match self.end {
                None | Some(NEW_LINE | '.' | '?' | '!') => true,
                Some(c) => long && c.is_whitespace(),
            };
            let rests = now.saturating_sub(self.last) >= REST;
            if !(self.writer.is_none() || ends || rests || full) {
                return;
            }
            let Some(Waiting { writer, name, text }) = self.waiting.pop_front() else { return };
            self.writer = Some(writer);
            self.break_line(now, to);
            to.push('[');
            to.extend(name.chars().filter(|c| !matches!(c, '[' | ']') && !c.is_control()));
            to.push_str("] ");
            self.write(&text, now, to);
        }
    }

    /// When [`Turns::tick`] is due; none when nobody waits.
    pub fn due(&self) -> Option<u64> {
        (!self.waiting.is_empty()).then_some(self.last + REST)
    }

    fn break_line(&mut self, now: u64, to: &mut String) {
        if self.end.is_some_and(|end| end != NEW_LINE) {
            to.push(NEW_LINE);
        }
        (self.since, self.erasable, self.end) = (now, 0, None);
    }

    fn write(&mut self, text: &str, now: u64, to: &mut String) {
        self.last = now;
        for c in text.chars() {
            if c == ERASE {
                // The names, and what others wrote, are nobody's to take back.
                if self.erasable == 0 {
                    continue;
                }
                self.erasable -= 1;
            } else {
                self.erasable += 1;
                self.end = Some(c);
            }
            to.push(c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::StreamId;

    const SECOND: u64 = 1_000_000;
    type Who<'a> = (StreamId, Option<&'a str>);

    const CALLER: Who<'_> = (StreamId(1), Some("+6281"));
    const SEAT: Who<'_> = (StreamId(2), Some("112"));
    const ALONE: Who<'_> = (StreamId(1), None);

    /// What the reader sees in the end of what is written at these times.
    fn seen(steps: &[(Who<'_>, &str, u64)]) -> String {
        let (mut turns, mut seen) = (Turns::default(), String::new());
        for (writer, text, now) in steps {
            turns.take(*writer, text, *now, &mut seen);
        }
        seen
    }

    #[test]
    fn one_writer_alone_is_seen_as_it_is() {
        assert_eq!(
            seen(&[(ALONE, "to", 0), (ALONE, "l\u{8}", 1), (ALONE, "ong", 2)]),
            "tol\u{8}ong"
        );
    }

    #[test]
    fn of_two_who_write_at_once_each_has_lines_with_its_name() {
        let steps = [
            (CALLER, "tolo", 0),
            (SEAT, "di ", 1),
            (CALLER, "ng", 2),
            (SEAT, "mana", 3),
            (CALLER, "!", 4),
            (CALLER, " cepat", 5),
            (SEAT, "?", 6),
        ];
        assert_eq!(seen(&steps), "[+6281] tolong!\u{2028}[112] di mana?\u{2028}[+6281]  cepat");
    }

    #[test]
    fn who_rests_or_never_ends_loses_the_turn() {
        let rests = [(CALLER, "tolo", 0), (SEAT, "ya", SECOND), (SEAT, "?", 3 * SECOND)];
        assert_eq!(seen(&rests), "[+6281] tolo\u{2028}[112] ya?");
        let mut steps = vec![(CALLER, "x", 0), (SEAT, "ya", 0)];
        steps.extend((1..20).map(|n| (CALLER, "xx ", n * SECOND)));
        let seen = seen(&steps);
        let (before, after) = seen.split_once("\u{2028}[112] ya").expect("a turn");
        assert_eq!(before.matches("xx").count(), 15, "{seen}");
        assert_eq!(after, "\u{2028}[+6281] xx xx xx xx ");
        let much = [(CALLER, "x", 0), (SEAT, &"y".repeat(WAITING), 1)];
        assert!(self::seen(&much).ends_with("yyy"));
    }

    #[test]
    fn nobody_takes_back_what_others_wrote() {
        let steps = [(CALLER, "api.", 0), (SEAT, "\u{8}\u{8}ya\u{8}", 1)];
        assert_eq!(seen(&steps), "[+6281] api.\u{2028}[112] ya\u{8}");
    }

    #[test]
    fn whoever_takes_the_place_of_another_begins_a_line() {
        let (other, mut turns, mut seen) = (StreamId(9), Turns::default(), String::new());
        turns.take(ALONE, "satu", 0, &mut seen);
        turns.take((other, None), "dua", 1, &mut seen);
        assert_eq!(seen, "satu\u{2028}dua");
    }
}
