//! The stock of bound port pairs, so that no call waits for a socket.
//!
//! The range is walked round and round: a port that was just closed comes up again last, when
//! nobody sends to it any more.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use super::MediaError;
use super::sockets::Pair;

/// The even ports of a range, round and round.
#[derive(Debug)]
struct Walk {
    first: u16,
    pairs: u16,
    next: u16,
}

impl Walk {
    /// Begins `turn` pairs into the range, or returns nothing when the range holds no pair.
    fn new(range: &RangeInclusive<u16>, turn: u16) -> Option<Self> {
        let first = range.start().checked_next_multiple_of(2)?.max(2);
        let pairs = (range.end().checked_sub(first)?.checked_add(1)?) / 2;
        Some(Self { first, pairs, next: turn.checked_rem(pairs)? })
    }

    fn step(&mut self) -> u16 {
        let port = self.first + self.next * 2;
        self.next = (self.next + 1) % self.pairs;
        port
    }
}

/// Pairs bound ahead of need, and the ports in use.
#[derive(Debug)]
pub(super) struct PortStock {
    bind: IpAddr,
    walk: Walk,
    want: usize,
    ready: BTreeMap<u16, Pair>,
    used: BTreeSet<u16>,
    /// Why a whole round did not fill the stock: no use in trying again before a port is given
    /// back.
    dry: Option<String>,
    /// The stock is empty, and this was said.
    empty: bool,
}

/// What [`PortStock::fill`] did.
#[derive(Debug, Default)]
pub(super) struct Filled {
    /// Newly bound even ports.
    pub fresh: Vec<u16>,
    /// Nothing is left, and this is why.
    pub exhausted: Option<String>,
}

impl PortStock {
    /// A stock of up to `want` pairs, filled, with the ports that are ready.
    pub fn new(
        bind: IpAddr,
        range: &RangeInclusive<u16>,
        want: usize,
    ) -> Result<(Self, Vec<u16>), MediaError> {
        let (first, last) = (*range.start(), *range.end());
        // Starting anywhere keeps a restarted program off the ports of its last calls.
        let walk = Walk::new(range, rand::random()).ok_or(MediaError::NoPair { first, last })?;
        let want = want.clamp(1, usize::from(walk.pairs));
        let (ready, used) = (BTreeMap::new(), BTreeSet::new());
        let mut stock = Self { bind, walk, want, ready, used, dry: None, empty: false };
        let (fresh, fault) = stock.bind_missing();
        if fresh.is_empty() {
            let source = fault.unwrap_or_else(|| io::ErrorKind::AddrInUse.into());
            return Err(MediaError::NoPort { bind, first, last, source });
        }
        Ok((stock, fresh))
    }

    /// Takes a pair out of the stock. A port that is not in it (a call of before a restart) is
    /// bound now.
    pub fn take(&mut self, port: u16) -> io::Result<Pair> {
        let pair = match self.ready.remove(&port) {
            Some(pair) => pair,
            None => Pair::bind(self.bind, port)?,
        };
        self.used.insert(port);
        Ok(pair)
    }

    /// Notes that a pair was closed.
    pub fn give_back(&mut self, port: u16) {
        self.used.remove(&port);
        self.dry = None;
    }

    /// Binds what is missing from the stock. That nothing is left is said once.
    pub fn fill(&mut self) -> Filled {
        let mut fresh = Vec::new();
        if self.dry.is_none() {
            let fault;
            (fresh, fault) = self.bind_missing();
            self.dry = (self.ready.len() < self.want).then(|| match fault {
                Some(error) => {
                    format!("no further RTP port can be bound on {}: {error}", self.bind)
                }
                None => format!("all {} RTP port pairs are in use", self.walk.pairs),
            });
        }
        let was_empty = std::mem::replace(&mut self.empty, self.ready.is_empty());
        let exhausted = if self.empty && !was_empty { self.dry.clone() } else { None };
        Filled { fresh, exhausted }
    }

    /// Goes round at most once; a port that cannot be bound is skipped.
    fn bind_missing(&mut self) -> (Vec<u16>, Option<io::Error>) {
        let (mut fresh, mut fault) = (Vec::new(), None);
        for _ in 0..self.walk.pairs {
            if self.ready.len() >= self.want {
                break;
            }
            let port = self.walk.step();
            if self.used.contains(&port) || self.ready.contains_key(&port) {
                continue;
            }
            match Pair::bind(self.bind, port) {
                Ok(pair) => {
                    self.ready.insert(port, pair);
                    fresh.push(port);
                }
                Err(error) => fault = Some(error),
            }
        }
        (fresh, fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walk_visits_every_even_port_before_the_first_again() {
        let mut walk = Walk::new(&(20_001..=20_007), 1).expect("three pairs");
        let ports: Vec<u16> = (0..4).map(|_| walk.step()).collect();
        assert_eq!(ports, [20_004, 20_006, 20_002, 20_004]);
    }

    #[test]
    fn odd_ranges_are_walked_or_refused_but_never_overflow() {
        for (range, pairs) in [
            (20_000..=20_001, Some(1)),
            (20_001..=20_002, None),
            (20_000..=20_000, None),
            (0..=3, Some(1)),
            (65_534..=65_535, Some(1)),
            (65_535..=65_535, None),
            (0..=65_535, Some(32_767)),
        ] {
            let walk = Walk::new(&range, u16::MAX);
            assert_eq!(walk.map(|w| w.pairs).filter(|&p| p > 0), pairs, "{range:?}");
        }
        let mut last = Walk::new(&(0..=65_535), 32_766).expect("pairs");
        assert_eq!((last.step(), last.step()), (65_534, 2));
    }
}
