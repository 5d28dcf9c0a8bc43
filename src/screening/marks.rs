//! Numbers that people have marked as a nuisance. A mark is set by a person, expires by itself, and
//! moves calls to a later lane; nothing here refuses anybody.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Mark;
use super::number::is_real;
use super::span::after;
use crate::vocabulary::{CallId, Private, WallTime, limits};

/// Why a number was not marked; nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unmarkable {
    /// Behind it may be anybody: a withheld or pseudo number, a service, a word.
    #[error("this caller has no number of their own: only 5 to 20 digits can be marked")]
    NoNumber,
}

/// Marks by number. Calendar time throughout: a mark outlives the program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    by_number: BTreeMap<Private<String>, Mark>,
    /// For which call each was set last: who says the same twice says it once.
    calls: BTreeMap<Private<String>, CallId>,
}

impl Marks {
    /// A person marks a number for `lasts`, at most [`limits::MARK_LASTS`], for a call of it. A mark
    /// that stands is set once more, and lasts at least as long as before; for the same call that is no
    /// further time.
    ///
    /// When the list is full the mark that expires next gives way.
    ///
    /// # Errors
    ///
    /// The number is nobody's own.
    pub fn mark(
        &mut self,
        now: WallTime,
        number: &Private<String>,
        lasts: Duration,
        by: &str,
        call: CallId,
    ) -> Result<Mark, Unmarkable> {
        if !is_real(number.reveal()) {
            return Err(Unmarkable::NoNumber);
        }
        let mut mark = Mark {
            number: number.clone(),
            at: now,
            until: after(now, lasts.min(limits::MARK_LASTS)),
            by: by.to_owned(),
            times: 1,
        };
        if let Some(before) = self.standing(now, number) {
            let again = self.calls.get(number) != Some(&call);
            mark.times = before.times.saturating_add(u32::from(again));
            mark.until = mark.until.max(before.until);
        }
        self.keep(now, mark.clone());
        self.calls.insert(number.clone(), call);
        if self.calls.len() > self.by_number.len() {
            self.calls.retain(|number, _| self.by_number.contains_key(number));
        }
        Ok(mark)
    }

    /// A person takes a mark back. Says whether there was one, standing or expired.
    pub fn clear(&mut self, number: &Private<String>) -> bool {
        self.by_number.remove(number).is_some()
    }

    /// The mark that stands on a number.
    #[must_use]
    pub fn standing(&self, now: WallTime, number: &Private<String>) -> Option<&Mark> {
        self.by_number.get(number).filter(|mark| mark.until > now)
    }

    /// Every mark that stands, the next to expire first.
    #[must_use]
    pub fn list(&self, now: WallTime) -> Vec<Mark> {
        let mut standing: Vec<_> =
            self.by_number.values().filter(|mark| mark.until > now).cloned().collect();
        standing.sort_by_key(|mark| mark.until);
        standing
    }

    /// How many marks stand.
    #[must_use]
    pub fn count(&self, now: WallTime) -> usize {
        self.by_number.values().filter(|mark| mark.until > now).count()
    }

    /// Forgets what has expired, and returns it. A mark that nobody has forgotten yet counts as little.
    pub fn expire(&mut self, now: WallTime) -> Vec<Mark> {
        let expired: Vec<_> =
            self.by_number.values().filter(|mark| mark.until <= now).cloned().collect();
        self.by_number.retain(|_, mark| mark.until > now);
        expired
    }

    /// Takes over marks that were kept, the newest of each number; expired ones and those that could
    /// not be set today are left out.
    pub fn restore(&mut self, now: WallTime, marks: Vec<Mark>) {
        for mut mark in marks {
            mark.until = mark.until.min(after(mark.at, limits::MARK_LASTS));
            let newer = self.by_number.get(&mark.number).is_none_or(|known| known.at <= mark.at);
            if newer && mark.until > now && is_real(mark.number.reveal()) {
                self.keep(now, mark);
            }
        }
    }

    fn keep(&mut self, now: WallTime, mark: Mark) {
        if self.by_number.len() >= limits::MARKS && !self.by_number.contains_key(&mark.number) {
            self.expire(now);
        }
        self.by_number.insert(mark.number.clone(), mark);
        if self.by_number.len() > limits::MARKS {
            let next = self.by_number.values().min_by_key(|mark| mark.until);
            if let Some(number) = next.map(|mark| mark.number.clone()) {
                self.by_number.remove(&number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn number(n: u64) -> Private<String> {
        Private::new(format!("+62812345{n:05}"))
    }

    fn call(n: u32) -> CallId {
        CallId(crate::vocabulary::Uid::new(WallTime(1), n))
    }

    fn at(hours: i64) -> WallTime {
        WallTime(hours * 3_600_000_000)
    }

    #[test]
    fn a_mark_stands_until_it_expires_or_is_taken_back() {
        let mut marks = Marks::default();
        let mark = marks.mark(at(0), &number(1), 24 * HOUR, "sari", call(1)).unwrap();
        assert_eq!((mark.times, mark.until), (1, at(24)));
        assert_eq!(marks.standing(at(23), &number(1)), Some(&mark));
        assert_eq!(marks.standing(at(24), &number(1)), None);
        assert_eq!(marks.standing(at(1), &number(2)), None);
        assert_eq!(marks.expire(at(23)), []);
        assert_eq!(marks.expire(at(24)), [mark]);

        marks.mark(at(30), &number(1), HOUR, "sari", call(2)).unwrap();
        assert!(marks.clear(&number(1)) && !marks.clear(&number(1)));
        assert_eq!(marks.list(at(30)), []);
    }

    #[test]
    fn a_mark_set_again_while_it_stands_counts_and_never_gets_shorter() {
        let mut marks = Marks::default();
        marks.mark(at(0), &number(1), 24 * HOUR, "sari", call(3)).unwrap();
        let again = marks.mark(at(1), &number(1), HOUR, "budi", call(4)).unwrap();
        assert_eq!((again.times, again.until, again.by.as_str()), (2, at(24), "budi"));
        let longer_call = call(5);
        let longer = marks.mark(at(2), &number(1), 24 * HOUR, "budi", longer_call).unwrap();
        assert_eq!((longer.times, longer.until), (3, at(26)));
        // Pressed twice for one call.
        let twice = marks.mark(at(2), &number(1), 24 * HOUR, "budi", longer_call).unwrap();
        assert_eq!(twice.times, 3);
        // After its time it is a new one.
        assert_eq!(marks.mark(at(26), &number(1), HOUR, "budi", call(6)).unwrap().times, 1);
    }

    #[test]
    fn nobody_can_be_marked_for_another_and_nobody_for_ever() {
        let mut marks = Marks::default();
        for nobody in ["anonymous", "", "112", "+", "000000", "81234 5678", "restricted"] {
            let number = Private::new(nobody.to_owned());
            let refused = marks.mark(at(0), &number, HOUR, "sari", call(7));
            assert_eq!(refused, Err(Unmarkable::NoNumber), "{nobody}");
        }
        assert_eq!(marks, Marks::default());
        let mark = marks.mark(at(0), &number(1), Duration::MAX, "sari", call(8)).unwrap();
        assert_eq!(mark.until, after(at(0), limits::MARK_LASTS));
    }

    #[test]
    fn what_was_kept_comes_back_without_what_has_expired() {
        let mut marks = Marks::default();
        let long = marks.mark(at(0), &number(1), 24 * HOUR, "sari", call(9)).unwrap();
        let short = marks.mark(at(0), &number(2), HOUR, "sari", call(10)).unwrap();
        let text = serde_json::to_string(&marks).unwrap();
        assert_eq!(serde_json::from_str::<Marks>(&text).unwrap(), marks);

        let mut restored = Marks::default();
        let older = Mark { at: at(-1), times: 9, ..long.clone() };
        restored.restore(at(2), vec![long.clone(), older, short]);
        assert_eq!(restored.list(at(2)), [long]);
    }

    #[test]
    fn a_full_list_lets_the_mark_go_that_expires_next() {
        let mut marks = Marks::default();
        let many = u64::try_from(limits::MARKS).unwrap();
        for n in 0..many {
            marks.mark(at(0), &number(n), HOUR + Duration::from_secs(n), "sari", call(11)).unwrap();
        }
        marks.mark(at(0), &number(many), 24 * HOUR, "sari", call(12)).unwrap();
        assert_eq!(marks.list(at(0)).len(), limits::MARKS);
        assert!(marks.standing(at(0), &number(0)).is_none());
        assert!(marks.standing(at(0), &number(many)).is_some());
    }
}
