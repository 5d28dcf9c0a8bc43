//! What others may see of queues and seats.

use super::distributor::{Caller, Distributor, Held, Timer};
use super::seat::{Bond, SeatState};
use super::words::{QueueCount, SeatStatus};
use crate::vocabulary::{CallId, Lane, QueueId, SeatId};

impl Distributor {
    /// Every seat.
    pub fn seats(&self) -> impl Iterator<Item = SeatStatus> {
        self.seats.iter().map(|(id, seat)| SeatStatus {
            seat: id.clone(),
            operator: seat.settings.operator.clone(),
            state: seat.state,
            since: seat.state_since,
            pauses: seat.pauses.iter().cloned().collect(),
            wrap_up_until: match seat.bond {
                Bond::WrapUp { .. } => self.deadlines.get(&Timer::Seat(id.clone())),
                _ => None,
            },
            talks: seat.talks,
            call: match seat.bond {
                Bond::Offer { call, .. } | Bond::Talk { call, .. } => Some(call),
                Bond::None | Bond::WrapUp { .. } | Bond::Rest => seat.engaged.first().copied(),
            },
            queues: seat.settings.queues.iter().map(|member| member.queue.clone()).collect(),
        })
    }

    /// Whether a seat of that name is configured.
    #[must_use]
    pub fn has_seat(&self, seat: &SeatId) -> bool {
        self.seats.contains_key(seat)
    }

    /// What a seat is doing; none when it is not configured.
    #[must_use]
    pub fn state(&self, seat: &SeatId) -> Option<SeatState> {
        self.seats.get(seat).map(|seat| seat.state)
    }

    /// Whether a queue of that name is configured.
    #[must_use]
    pub fn has_queue(&self, queue: &QueueId) -> bool {
        self.queues.contains_key(queue)
    }

    /// How many callers of the same queue stand before one that waits without an offer; none when it
    /// does not.
    #[must_use]
    pub fn before(&self, call: CallId) -> Option<usize> {
        let caller = self.callers.get(&call)?;
        let (_, place) = caller.listed.as_ref()?;
        let own = caller.queues.first()?;
        let first = |other: &&Caller| {
            other.queues.contains(own) && other.listed.as_ref().is_some_and(|(_, p)| p < place)
        };
        Some(self.callers.values().filter(first).count())
    }

    /// Every queue.
    pub fn queues(&self) -> impl Iterator<Item = QueueCount> {
        self.queues.keys().map(|queue| {
            let here = |c: &&Caller| {
                !matches!(c.held_by, Held::Talk(_)) && c.queues.first() == Some(queue)
            };
            let offered = |c: &&Caller| matches!(c.held_by, Held::Offers(_));
            let lane = |lane: Lane| {
                let there = |c: &&Caller| c.ticket.lane == lane && c.held_by == Held::Nobody;
                self.callers.values().filter(here).filter(there).count()
            };
            QueueCount {
                queue: queue.clone(),
                waiting: self.waiting.count(queue),
                lanes: Lane::ALL.map(lane),
                ringing: self.callers.values().filter(here).filter(offered).count(),
                oldest: self.callers.values().filter(here).map(|c| c.ticket.arrived).min(),
                ready_seats: self.free.count(queue),
                seats: self.seats.values().filter(|s| s.settings.member(queue).is_some()).count(),
            }
        })
    }

    /// How many callers and offers are kept: 0 when nobody waits or talks. For tests.
    #[doc(hidden)]
    #[must_use]
    pub fn live(&self) -> usize {
        let engaged: usize = self.seats.values().map(|seat| seat.engaged.len()).sum();
        self.callers.len() + self.offers.len() + self.beside.len() + self.ring_all.len() + engaged
    }
}
