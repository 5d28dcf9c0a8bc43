//! Who is logged in. A session ends after a time without use, after a time whatever its use, when its
//! person leaves, and when the person may not work here any more.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Fingerprint;
use crate::vocabulary::{SeatId, WallTime};

/// Sessions of one person at most; the one that was used longest ago goes.
const EACH: usize = 20;
/// The time of the last use is kept as closely as this: every use would write to the disk.
const CLOSELY: Duration = Duration::from_secs(60);

/// How long a session lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Without use.
    pub idle: Duration,
    /// In all.
    pub absolute: Duration,
}

/// One session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Whose.
    pub person: String,
    /// When they logged in.
    pub since: WallTime,
    /// When they last asked for something.
    pub used: WallTime,
    /// The page covers itself: nothing is shown or done before the password was given again.
    #[serde(default)]
    pub locked: bool,
    /// The seat that they have signed in to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seat: Option<SeatId>,
}

/// All of them, by what is kept of their secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sessions(BTreeMap<Fingerprint, Session>);

impl Session {
    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self, now: WallTime, limits: Limits) -> bool {
        let over = |from: WallTime, span: Duration| {
            // A clock that was set back makes no session longer.
            now < self.since || now.0.saturating_sub(from.0) >= micros(span)
        };
        over(self.used, limits.idle) || over(self.since, limits.absolute)
    }

    /// When it ends at the latest.
    #[must_use]
    pub fn ends(&self, limits: Limits) -> WallTime {
        WallTime(self.since.0.saturating_add(micros(limits.absolute)))
    }
}

impl Sessions {
    /// Somebody has logged in.
    pub fn open(
        &mut self,
        now: WallTime,
        kept: Fingerprint,
        person: &str,
        limits: Limits,
    ) -> Session {
        self.0.retain(|_, session| !session.is_over(now, limits));
        while self.of(person) >= EACH {
            let own = self.0.iter().filter(|(_, session)| session.person == person);
            let Some(oldest) =
                own.min_by_key(|(_, session)| session.used).map(|(key, _)| key.clone())
            else {
                break;
            };
            self.0.remove(&oldest);
        }
        let session =
            Session { person: person.to_owned(), since: now, used: now, locked: false, seat: None };
        self.0.insert(kept, session.clone());
        session
    }

    /// The session of a secret, and whether its use should be written to the disk.
    pub fn used(
        &mut self,
        now: WallTime,
        kept: &Fingerprint,
        limits: Limits,
    ) -> Option<(&Session, bool)> {
        if self.0.get(kept)?.is_over(now, limits) {
            self.0.remove(kept);
            return None;
        }
        let session = self.0.get_mut(kept)?;
        let later = now.0.saturating_sub(session.used.0) >= micros(CLOSELY);
        if later {
            session.used = now;
        }
        Some((session, later))
    }

    /// Covers a session, or uncovers it.
    pub fn lock(&mut self, kept: &Fingerprint, locked: bool) {
        if let Some(session) = self.0.get_mut(kept) {
            session.locked = locked;
        }
    }

    /// Notes a seat: it is nobody else's any more, in whatever session.
    pub fn sit(&mut self, kept: &Fingerprint, seat: Option<SeatId>) {
        if seat.is_some() {
            for other in self.0.values_mut().filter(|other| other.seat == seat) {
                other.seat = None;
            }
        }
        if let Some(session) = self.0.get_mut(kept) {
            session.seat = seat;
        }
    }

    /// Nobody has signed in to a seat any more.
    pub fn nobody_sits(&mut self, seat: &SeatId) {
        for session in self.0.values_mut().filter(|it| it.seat.as_ref() == Some(seat)) {
            session.seat = None;
        }
    }

    /// Every session.
    pub fn all(&self) -> impl Iterator<Item = &Session> {
        self.0.values()
    }

    /// Somebody leaves.
    pub fn close(&mut self, kept: &Fingerprint) -> Option<Session> {
        self.0.remove(kept)
    }

    /// A person is logged out everywhere; but for one session, which has changed the password.
    pub fn close_all(&mut self, person: &str, but: Option<&Fingerprint>) -> usize {
        let before = self.0.len();
        self.0.retain(|kept, session| session.person != person || Some(kept) == but);
        before - self.0.len()
    }

    /// How many a person has.
    #[must_use]
    pub fn of(&self, person: &str) -> usize {
        self.0.values().filter(|session| session.person == person).count()
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits =
        Limits { idle: Duration::from_secs(3600), absolute: Duration::from_secs(12 * 3600) };

    fn at(minutes: i64) -> WallTime {
        WallTime(minutes * 60_000_000)
    }

    #[test]
    fn a_session_ends_unused_or_after_its_day() {
        let kept = Fingerprint::of("one");
        let mut sessions = Sessions::default();
        sessions.open(at(0), kept.clone(), "siti", LIMITS);
        for minutes in (50..12 * 60).step_by(50) {
            assert!(sessions.used(at(minutes), &kept, LIMITS).is_some(), "{minutes}");
        }
        assert!(sessions.used(at(12 * 60), &kept, LIMITS).is_none());
        sessions.open(at(0), kept.clone(), "siti", LIMITS);
        assert!(sessions.used(at(59), &kept, LIMITS).is_some());
        assert!(sessions.used(at(59 + 60), &kept, LIMITS).is_none());
        assert!(sessions.used(at(60), &kept, LIMITS).is_none(), "it is gone for good");
    }

    #[test]
    fn a_clock_that_was_set_back_ends_it_rather_than_making_it_longer() {
        let kept = Fingerprint::of("one");
        let mut sessions = Sessions::default();
        sessions.open(at(100), kept.clone(), "siti", LIMITS);
        assert!(sessions.used(at(10), &kept, LIMITS).is_none());
    }

    #[test]
    fn a_person_has_so_many_and_is_logged_out_everywhere_but_here() {
        let mut sessions = Sessions::default();
        for n in 0..30 {
            sessions.open(at(n), Fingerprint::of(&n.to_string()), "siti", LIMITS);
        }
        sessions.open(at(30), Fingerprint::of("budi"), "budi", LIMITS);
        assert_eq!((sessions.of("siti"), sessions.of("budi")), (EACH, 1));
        assert!(sessions.used(at(30), &Fingerprint::of("0"), LIMITS).is_none());
        let here = Fingerprint::of("29");
        assert_eq!(sessions.close_all("siti", Some(&here)), EACH - 1);
        assert!(sessions.used(at(30), &here, LIMITS).is_some());
        assert!(sessions.close(&here).is_some() && sessions.close(&here).is_none());
    }
}
