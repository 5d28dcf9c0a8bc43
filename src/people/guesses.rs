//! Who guesses passwords. After a few wrong ones each further try has to wait, longer each time, up to
//! a bound: by account, and by source. So guessing is slow, and nobody can lock another out for good:
//!
//! * a source where the person has logged in before is judged by its own tries with that account, so
//!   what others do elsewhere changes nothing for the person's own desk;
//! * a wait is bounded, and tries that come too early do not make it longer;
//! * sessions and tokens that work are never asked about here.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use crate::vocabulary::WallTime;

/// What one kind of counter allows.
struct Policy {
    /// Wrong tries that cost nothing.
    free: u32,
    /// The longest wait.
    most: Duration,
}

/// Tries at an account, from anywhere that is not known.
const ACCOUNT: Policy = Policy { free: 5, most: Duration::from_secs(30) };
/// Tries at an account from where its person has logged in before.
const OWN_DESK: Policy = Policy { free: 5, most: Duration::from_secs(60) };
/// Tries from one source at any account. An office behind one address mistypes more often.
const SOURCE: Policy = Policy { free: 20, most: Duration::from_secs(300) };
/// Without a wrong try for so long everything is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(900);
/// Counters of each kind: beyond it the one that is the oldest goes.
const COUNTERS: usize = 10_000;
/// Sources that are known of one account.
const DESKS: usize = 8;
/// Accounts whose sources are known.
const ACCOUNTS: usize = 1_000;

#[derive(Clone, Copy, Debug, Default)]
struct Wrong {
    count: u32,
    last: WallTime,
    until: WallTime,
}

/// Wrong logins so far.
#[derive(Debug, Default)]
pub struct Guesses {
    accounts: HashMap<String, Wrong>,
    sources: HashMap<IpAddr, Wrong>,
    pairs: HashMap<(String, IpAddr), Wrong>,
    desks: HashMap<String, VecDeque<IpAddr>>,
}

impl Guesses {
    /// How long a login with this name from this source has to wait; none when it may be tried.
    #[must_use]
    pub fn wait(&self, now: WallTime, name: &str, source: IpAddr) -> Option<Duration> {
        let source = network(source);
        let until = if self.is_own_desk(name, source) {
            self.pairs.get(&(name.to_owned(), source)).map(|wrong| wrong.until)
        } else {
            let by = [self.accounts.get(name), self.sources.get(&source)];
            by.into_iter().flatten().map(|wrong| wrong.until).max()
        };
        let left = until?.0.saturating_sub(now.0);
        // A clock that was set back makes nobody wait longer than the bound.
        let left = Duration::from_micros(u64::try_from(left).ok()?).min(SOURCE.most);
        (!left.is_zero()).then_some(left)
    }

    /// A login was wrong; says how long the next one has to wait. `name` is none when no account has
    /// the name: nothing is kept of what somebody typed.
    pub fn wrong(&mut self, now: WallTime, name: Option<&str>, source: IpAddr) -> Duration {
        let source = network(source);
        let Some(name) = name else { return count(&mut self.sources, source, now, &SOURCE) };
        if self.is_own_desk(name, source) {
            return count(&mut self.pairs, (name.to_owned(), source), now, &OWN_DESK);
        }
        let account = count(&mut self.accounts, name.to_owned(), now, &ACCOUNT);
        account.max(count(&mut self.sources, source, now, &SOURCE))
    }

    /// A login was right: this is one of the person's own desks from now on. The source's other tries
    /// stay counted, or a guesser with an account would log in between guesses.
    pub fn right(&mut self, name: &str, source: IpAddr) {
        let source = network(source);
        self.pairs.remove(&(name.to_owned(), source));
        if self.desks.len() >= ACCOUNTS && !self.desks.contains_key(name) {
            return;
        }
        let desks = self.desks.entry(name.to_owned()).or_default();
        desks.retain(|desk| *desk != source);
        desks.push_back(source);
        if desks.len() > DESKS {
            desks.pop_front();
        }
    }

    fn is_own_desk(&self, name: &str, source: IpAddr) -> bool {
        self.desks.get(name).is_some_and(|desks| desks.contains(&source))
    }
}

fn count<K: std::hash::Hash + Eq + Clone>(
    counters: &mut HashMap<K, Wrong>,
    key: K,
    now: WallTime,
    policy: &Policy,
) -> Duration {
    let forgotten = micros(FORGOTTEN);
    if counters.len() >= COUNTERS && !counters.contains_key(&key) {
        counters.retain(|_, wrong| now.0.saturating_sub(wrong.last.0) < forgotten);
        if counters.len() >= COUNTERS
            && let Some(oldest) = counters.iter().min_by_key(|(_, wrong)| wrong.last)
        {
            let oldest = oldest.0.clone();
            counters.remove(&oldest);
        }
    }
    let wrong = counters.entry(key).or_default();
    if now.0.saturating_sub(wrong.last.0) >= forgotten {
        wrong.count = 0;
    }
    wrong.count = wrong.count.saturating_add(1);
    wrong.last = now;
    let wait = match wrong.count.checked_sub(policy.free + 1) {
        None => Duration::ZERO,
        Some(over) => Duration::from_secs(1 << over.min(16)).min(policy.most),
    };
    wrong.until = WallTime(now.0.saturating_add(micros(wait)));
    wait
}

/// Who has an IPv6 network has all addresses of its /64.
fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(v6) => {
            let network = u128::from(v6) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(network))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUESSER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 9));
    const DESK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 5));

    fn at(seconds: i64) -> WallTime {
        WallTime(1_789_621_200_000_000 + seconds * 1_000_000)
    }

    fn other(n: u8) -> IpAddr {
        IpAddr::from([203, 0, 113, n])
    }

    #[test]
    fn guessing_waits_longer_each_time_up_to_a_bound() {
        let mut guesses = Guesses::default();
        let waits: Vec<u64> =
            (0..12).map(|_| guesses.wrong(at(0), Some("siti"), GUESSER).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(guesses.wait(at(0), "siti", GUESSER), Some(Duration::from_secs(30)));
        assert_eq!(guesses.wait(at(29), "siti", GUESSER), Some(Duration::from_secs(1)));
        assert_eq!(guesses.wait(at(30), "siti", GUESSER), None);
        assert_eq!(guesses.wait(at(0), "budi", other(1)), None, "nobody else waits");
        guesses.wrong(at(1000), Some("siti"), GUESSER);
        assert_eq!(guesses.wait(at(1000), "siti", GUESSER), None, "forgotten after a while");
    }

    #[test]
    fn many_sources_at_one_account_do_not_keep_its_person_from_the_own_desk() {
        let mut guesses = Guesses::default();
        guesses.right("siti", DESK);
        for n in 0..200 {
            guesses.wrong(at(0), Some("siti"), other(n));
        }
        assert!(guesses.wait(at(0), "siti", other(201)).is_some());
        assert_eq!(guesses.wait(at(0), "siti", DESK), None);
        // Even there guessing is slow.
        for _ in 0..6 {
            guesses.wrong(at(0), Some("siti"), DESK);
        }
        assert_eq!(guesses.wait(at(0), "siti", DESK), Some(Duration::from_secs(1)));
        assert_eq!(guesses.wait(at(0), "budi", DESK), None, "the desk's other people do not wait");
    }

    #[test]
    fn one_source_at_many_names_waits_and_an_account_of_its_own_does_not_help() {
        let mut guesses = Guesses::default();
        for _ in 0..25 {
            guesses.wrong(at(0), None, GUESSER);
            guesses.right("mallory", GUESSER);
        }
        assert!(guesses.wait(at(0), "siti", GUESSER).is_some());
        assert_eq!(guesses.wait(at(0), "siti", DESK), None);
    }

    #[test]
    fn a_network_of_ipv6_is_one_source_and_memory_is_bounded() {
        let mut guesses = Guesses::default();
        for n in 0..30_u16 {
            let source: IpAddr = format!("2001:db8::{n:x}").parse().expect("an address");
            guesses.wrong(at(0), None, source);
        }
        assert!(guesses.wait(at(0), "siti", "2001:db8::ffff".parse().expect("one")).is_some());
        for n in 0..20_000_u32 {
            guesses.wrong(at(0), None, IpAddr::from(n.to_be_bytes()));
        }
        assert!(guesses.sources.len() <= COUNTERS);
    }
}
