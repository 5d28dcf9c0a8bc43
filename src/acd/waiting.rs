//! Who is next: priority, then first arrival. A call keeps its place however often it is offered.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::vocabulary::{CallId, Moment, QueueId};

/// A place in the order: higher priority first, then earlier arrival, then the id.
pub(super) type Place = (Reverse<u8>, Moment, CallId);

/// The waiting calls of every queue. A call that overflowed stands in several.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    queues: BTreeMap<QueueId, BTreeSet<Place>>,
}

impl Waiting {
    pub fn insert(&mut self, queue: &QueueId, place: Place) {
        self.queues.entry(queue.clone()).or_default().insert(place);
    }

    pub fn remove(&mut self, queue: &QueueId, place: &Place) {
        if let Some(places) = self.queues.get_mut(queue) {
            places.remove(place);
            if places.is_empty() {
                self.queues.remove(queue);
            }
        }
    }

    /// The first place of each queue that has any.
    pub fn heads(&self) -> impl Iterator<Item = (&QueueId, &Place)> {
        self.queues.iter().filter_map(|(queue, places)| Some((queue, places.first()?)))
    }

    /// How many wait in a queue without an offer, and the earliest arrival among them.
    pub fn count(&self, queue: &QueueId) -> usize {
        self.queues.get(queue).map_or(0, BTreeSet::len)
    }
}
