//! How much strangers may ask: a small budget for each source and one for all of them together.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;

use crate::vocabulary::{Moment, limits};

/// So many a second, and so many saved up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    rate: u32,
    /// Millionths of one.
    level: u64,
    burst: u32,
    at: Moment,
}

impl Bucket {
    /// A full one.
    pub(super) fn new(rate: u32, burst: u32) -> Self {
        Self { rate, level: u64::from(burst) * 1_000_000, burst, at: Moment::default() }
    }

    /// Takes one, if there is one.
    pub(super) fn take(&mut self, now: Moment) -> bool {
        // A moment is a millionth of a second: so many millionths have come since.
        let passed = u64::try_from(now.since(self.at).as_micros()).unwrap_or(u64::MAX);
        let come = passed.saturating_mul(u64::from(self.rate));
        self.level = self.level.saturating_add(come).min(u64::from(self.burst) * 1_000_000);
        self.at = self.at.max(now);
        let taken = self.level >= 1_000_000;
        if taken {
            self.level -= 1_000_000;
        }
        taken
    }
}

/// The budgets. Sources share counters by hash: a flood of sources never makes them grow, and the
/// hash has a key that nobody knows.
#[derive(Debug)]
pub(super) struct Strangers {
    all: Bucket,
    slots: Vec<Bucket>,
    hasher: RandomState,
}

impl Strangers {
    pub(super) fn new() -> Self {
        let one = Bucket::new(limits::STRANGER, limits::STRANGER_BURST);
        Self {
            all: Bucket::new(limits::STRANGERS, limits::STRANGERS),
            slots: vec![one; limits::STRANGER_SLOTS],
            hasher: RandomState::new(),
        }
    }

    /// Whether a message of that source is heard.
    pub(super) fn admit(&mut self, now: Moment, source: IpAddr) -> bool {
        let hash = self.hasher.hash_one(source.to_canonical());
        let place = usize::try_from(hash % limits::STRANGER_SLOTS as u64).unwrap_or(0);
        // Its own first: who asks too much takes nothing from the others.
        self.slots.get_mut(place).is_none_or(|slot| slot.take(now)) && self.all.take(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_source_takes_its_own_budget_and_all_together_theirs() {
        let mut strangers = Strangers::new();
        let mut now = Moment(1_000_000);
        let mut heard = |now, n: u32, times: u32| {
            let ip = IpAddr::from(std::net::Ipv4Addr::from(n));
            (0..times).map(|_| u32::from(strangers.admit(now, ip))).sum::<u32>()
        };
        assert_eq!(heard(now, 1, 1_000), limits::STRANGER_BURST);
        now = Moment(2_000_000);
        assert_eq!(heard(now, 1, 1_000), limits::STRANGER);
        let all: u32 = (2..10_000).map(|n| heard(now, n, 1)).sum();
        assert!((limits::STRANGERS - 2 * limits::STRANGER_BURST..limits::STRANGERS).contains(&all));
        assert_eq!(heard(Moment(3_000_000), 77, 1), 1);
    }
}
