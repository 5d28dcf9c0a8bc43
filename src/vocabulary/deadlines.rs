//! One table of deadlines for a machine room: absolute moments, at most one for a key. There is no
//! stale timer to guard against: setting replaces, clearing removes.

use std::collections::{BTreeMap, BTreeSet};

use super::Moment;

/// Deadlines by key.
#[derive(Clone, Debug)]
pub struct Deadlines<K> {
    by_moment: BTreeSet<(Moment, K)>,
    by_key: BTreeMap<K, Moment>,
}

impl<K> Default for Deadlines<K> {
    fn default() -> Self {
        Self { by_moment: BTreeSet::new(), by_key: BTreeMap::new() }
    }
}

impl<K: Ord + Clone> Deadlines<K> {
    /// Sets the deadline of `key`, replacing the one it had.
    pub fn set(&mut self, key: K, at: Moment) {
        self.clear(&key);
        self.by_key.insert(key.clone(), at);
        self.by_moment.insert((at, key));
    }

    /// Removes the deadline of `key`.
    pub fn clear(&mut self, key: &K) {
        if let Some(at) = self.by_key.remove(key) {
            self.by_moment.remove(&(at, key.clone()));
        }
    }

    /// The deadline of `key`.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<Moment> {
        self.by_key.get(key).copied()
    }

    /// The earliest deadline.
    #[must_use]
    pub fn next(&self) -> Option<Moment> {
        self.by_moment.first().map(|(at, _)| *at)
    }

    /// Takes the earliest deadline that has come by `now`.
    pub fn pop_due(&mut self, now: Moment) -> Option<K> {
        let (at, key) = self.by_moment.first()?;
        if *at > now {
            return None;
        }
        let key = key.clone();
        self.clear(&key);
        Some(key)
    }

    /// Every key with its deadline, in the order of keys.
    pub fn iter(&self) -> impl Iterator<Item = (&K, Moment)> {
        self.by_key.iter().map(|(key, at)| (key, *at))
    }

    /// How many are set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether none is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_come_in_order_and_only_once() {
        let mut deadlines = Deadlines::default();
        deadlines.set("b", Moment(20));
        deadlines.set("a", Moment(10));
        deadlines.set("c", Moment(5));
        deadlines.set("c", Moment(30));
        deadlines.clear(&"b");
        assert_eq!(deadlines.next(), Some(Moment(10)));
        assert_eq!(deadlines.pop_due(Moment(9)), None);
        assert_eq!(deadlines.pop_due(Moment(40)), Some("a"));
        assert_eq!(deadlines.pop_due(Moment(40)), Some("c"));
        assert_eq!(deadlines.pop_due(Moment(40)), None);
        assert!(deadlines.is_empty());
    }
}
