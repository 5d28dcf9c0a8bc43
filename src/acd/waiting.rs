//! Who is next: the lane and the priority, then first arrival; whoever has waited as long as its lane
//! may is before all others. A call keeps its place however often it is offered.

use std::collections::{BTreeMap, BTreeSet};

use super::settings::Bounds;
use super::words::Ticket;
use crate::vocabulary::{CallId, Lane, Moment, QueueId, Want};

/// A place in the order; the smallest is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// 0: has waited as long as it may. Then the lanes, each from priority 9 to 0.
    pub rank: u8,
    /// When its INVITE came; of those of rank 0 when they had waited as long as they may, so that
    /// the wait of no lane grows beyond its bound by more than that of another.
    pub when: Moment,
    /// Two that came at once.
    pub call: CallId,
}

impl Place {
    /// The place of a caller at `now`.
    pub fn of(ticket: &Ticket, bounds: &Bounds, now: Moment) -> Self {
        let due = due(ticket, bounds);
        if due <= now {
            return Self { rank: 0, when: due, call: ticket.call };
        }
        let lane = match ticket.lane {
            Lane::Usual => 0,
            Lane::Silent => 1,
            Lane::Nuisance => 2,
        };
        let rank = 1 + lane * 10 + (9 - ticket.priority.min(9));
        Self { rank, when: ticket.arrived, call: ticket.call }
    }
}

/// When a caller has waited as long as its lane may.
pub(super) fn due(ticket: &Ticket, bounds: &Bounds) -> Moment {
    ticket.arrived.after(bounds.of(ticket.lane))
}

/// What a caller asks of a seat at this moment. Callers of the same demand stand in one line.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Demand {
    /// Skills, already lowered by what the caller has waited.
    pub wants: Vec<Want>,
    /// The last tier that is asked; none: all.
    pub tier: Option<u8>,
}

/// The waiting calls of every queue, in lines of one demand. A call that overflowed stands in
/// several queues.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    queues: BTreeMap<QueueId, Lines>,
}

/// The lines of one queue.
#[derive(Clone, Debug, Default)]
struct Lines {
    lines: BTreeMap<Demand, BTreeSet<Place>>,
    count: usize,
}

impl Waiting {
    pub fn insert(&mut self, queue: &QueueId, demand: &Demand, place: Place) {
        let lines = self.queues.entry(queue.clone()).or_default();
        let line = match lines.lines.get_mut(demand) {
            Some(line) => line,
            None => lines.lines.entry(demand.clone()).or_default(),
        };
        lines.count += usize::from(line.insert(place));
    }

    pub fn remove(&mut self, queue: &QueueId, demand: &Demand, place: &Place) {
        let Some(lines) = self.queues.get_mut(queue) else { return };
        let Some(line) = lines.lines.get_mut(demand) else { return };
        lines.count -= usize::from(line.remove(place));
        if line.is_empty() {
            lines.lines.remove(demand);
        }
        if lines.lines.is_empty() {
            self.queues.remove(queue);
        }
    }

    /// The head of each line of each queue.
    pub fn heads(&self) -> impl Iterator<Item = (&QueueId, &Demand, &Place)> {
        self.queues.iter().flat_map(|(queue, lines)| {
            let lines = lines.lines.iter();
            lines.filter_map(move |(demand, line)| Some((queue, demand, line.first()?)))
        })
    }

    /// The heads of one queue.
    pub fn heads_of(&self, queue: &QueueId) -> impl Iterator<Item = (&Demand, &Place)> {
        let lines = self.queues.get(queue).into_iter().flat_map(|lines| lines.lines.iter());
        lines.filter_map(|(demand, line)| Some((demand, line.first()?)))
    }

    /// Queues in which somebody waits.
    pub fn queues(&self) -> impl Iterator<Item = &QueueId> {
        self.queues.keys()
    }

    /// How many stand before a place in a queue, counted up to `most`.
    pub fn before(&self, queue: &QueueId, place: &Place, most: usize) -> usize {
        let lines = self.queues.get(queue).into_iter().flat_map(|lines| lines.lines.values());
        lines.flat_map(|line| line.range(..place)).take(most).count()
    }

    /// How many wait in a queue without an offer.
    pub fn count(&self, queue: &QueueId) -> usize {
        self.queues.get(queue).map_or(0, |lines| lines.count)
    }
}
