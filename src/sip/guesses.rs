//! Who guesses passwords: the source of too many wrong logins is locked for a while, never the seat.
//!
//! A seat that could be locked would let anybody sign any operator out. Whoever asks decides which
//! sources are never locked (trunks) and which logins are checked all the same (a phone that is
//! registered from that very address).

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::vocabulary::{Moment, limits};

/// What is known of one source.
#[derive(Clone, Copy, Debug)]
struct Source {
    /// Wrong logins since `since`.
    wrong: u32,
    since: Moment,
    locked_until: Moment,
    /// How long the last lock was; zero before the first.
    lock: Duration,
    /// A digest trunk has proved itself there: never locked until then.
    trunk_until: Moment,
}

impl Source {
    const fn new(now: Moment) -> Self {
        Self {
            wrong: 0,
            since: now,
            locked_until: Moment(0),
            lock: Duration::ZERO,
            trunk_until: Moment(0),
        }
    }

    fn is_locked(&self, now: Moment) -> bool {
        self.locked_until > now && self.trunk_until <= now
    }

    /// When nothing of it matters any more.
    fn forgotten_at(&self) -> Moment {
        let counted = self.since.after(limits::GUESSES_WITHIN);
        let counted = counted.max(self.trunk_until);
        if self.lock.is_zero() {
            return counted;
        }
        counted.max(self.locked_until.after(limits::GUESS_LOCK_MOST))
    }
}

/// Wrong logins by source.
#[derive(Debug, Default)]
pub struct Guesses {
    sources: HashMap<IpAddr, Source>,
}

impl Guesses {
    /// Whether logins of a source are refused unseen.
    #[must_use]
    pub fn is_locked(&self, now: Moment, source: IpAddr) -> bool {
        self.sources.get(&source.to_canonical()).is_some_and(|s| s.is_locked(now))
    }

    /// How many sources are locked.
    #[must_use]
    pub fn locked(&self, now: Moment) -> usize {
        self.sources.values().filter(|s| s.is_locked(now)).count()
    }

    /// A login was wrong. Says for how long the source is locked when this was one too many.
    pub fn wrong(&mut self, now: Moment, source: IpAddr) -> Option<Duration> {
        let known = self.source(now, source);
        if known.forgotten_at() <= now {
            *known = Source::new(now);
        }
        if now.since(known.since) > limits::GUESSES_WITHIN {
            (known.wrong, known.since) = (0, now);
        }
        known.wrong += 1;
        if known.wrong < limits::GUESSES || known.locked_until > now || known.trunk_until > now {
            return None;
        }
        known.lock = (known.lock * 2).clamp(limits::GUESS_LOCK, limits::GUESS_LOCK_MOST);
        known.locked_until = now.after(known.lock);
        (known.wrong, known.since) = (0, known.locked_until);
        Some(known.lock)
    }

    /// A digest trunk has proved itself from there: its source is not locked for an hour, whatever
    /// its neighbours behind the same address do.
    pub fn proved(&mut self, now: Moment, source: IpAddr) {
        self.source(now, source).trunk_until = now.after(limits::GUESS_LOCK_MOST);
    }

    fn source(&mut self, now: Moment, source: IpAddr) -> &mut Source {
        let source = source.to_canonical();
        if !self.sources.contains_key(&source) {
            self.make_room(now);
        }
        self.sources.entry(source).or_insert_with(|| Source::new(now))
    }

    /// The table stays bounded: what is forgotten goes, else the source that matters least.
    fn make_room(&mut self, now: Moment) {
        if self.sources.len() < limits::GUESS_SOURCES {
            return;
        }
        self.sources.retain(|_, s| s.forgotten_at() > now);
        if self.sources.len() >= limits::GUESS_SOURCES {
            let least = self
                .sources
                .iter()
                .min_by_key(|(_, s)| (s.locked_until.max(s.trunk_until), s.since));
            if let Some(source) = least.map(|(source, _)| *source) {
                self.sources.remove(&source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn ip(n: u32) -> IpAddr {
        IpAddr::from(std::net::Ipv4Addr::from(n))
    }

    fn guess(guesses: &mut Guesses, now: Moment, times: u32) -> Option<Duration> {
        (0..times).filter_map(|_| guesses.wrong(now, ip(1))).next()
    }

    #[test]
    fn ten_wrong_in_ten_minutes_lock_the_source_longer_each_time() {
        let mut guesses = Guesses::default();
        let mut now = Moment(5);
        assert_eq!(guess(&mut guesses, now, 9), None);
        // Too slow: it begins anew.
        now = now.after(11 * MINUTE);
        assert_eq!(guess(&mut guesses, now, 9), None);
        assert!(!guesses.is_locked(now, ip(1)));
        for minutes in [5, 10, 20, 40, 60, 60] {
            let missing = if minutes == 5 { 1 } else { 10 };
            assert_eq!(guess(&mut guesses, now, missing), Some(minutes * MINUTE));
            assert!(guesses.is_locked(now, ip(1)) && !guesses.is_locked(now, ip(2)));
            assert!(guesses.is_locked(now, "::ffff:0.0.0.1".parse().unwrap()));
            assert_eq!(guesses.locked(now), 1);
            now = now.after(minutes * MINUTE);
            assert!(!guesses.is_locked(now, ip(1)));
        }
        // After a quiet hour it is a source like any other.
        now = now.after(61 * MINUTE);
        assert_eq!(guess(&mut guesses, now, 10), Some(5 * MINUTE));
    }

    #[test]
    fn where_a_trunk_has_proved_itself_nobody_is_locked() {
        let mut guesses = Guesses::default();
        let mut now = Moment(5);
        assert!(guess(&mut guesses, now, 10).is_some());
        guesses.proved(now, ip(1));
        assert!(!guesses.is_locked(now, ip(1)));
        now = now.after(30 * MINUTE);
        assert_eq!(guess(&mut guesses, now, 50), None);
        now = now.after(31 * MINUTE);
        assert!(guess(&mut guesses, now, 10).is_some());
    }

    #[test]
    fn a_flood_of_sources_neither_grows_the_table_nor_frees_a_locked_one() {
        let mut guesses = Guesses::default();
        guess(&mut guesses, Moment(5), 10);
        let many = u32::try_from(limits::GUESS_SOURCES).unwrap() + 500;
        for n in 2..many {
            assert_eq!(guesses.wrong(Moment(u64::from(n)), ip(n)), None);
        }
        assert_eq!(guesses.sources.len(), limits::GUESS_SOURCES);
        assert!(guesses.is_locked(Moment(9_999), ip(1)));
    }
}
