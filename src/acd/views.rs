//! What others may see of queues and seats.

use std::collections::BTreeMap;

use super::distributor::{Distributor, Held, Timer};
use super::seat::{Bond, Seat, SeatState};
use super::words::{QueueCount, SeatStatus};
use crate::vocabulary::{CallId, Lane, OperatorId, QueueId, SeatId};

impl Distributor {
    /// Every seat.
    pub fn seats(&self) -> impl Iterator<Item = SeatStatus> {
        self.seats.iter().map(|(id, seat)| SeatStatus {
            seat: id.clone(),
            operator: seat.operator().cloned(),
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

    /// Who sits at a seat.
    #[must_use]
    pub fn operator(&self, seat: &SeatId) -> Option<&OperatorId> {
        self.seats.get(seat).and_then(Seat::operator)
    }

    /// Who has signed in to a seat, whoever the settings name.
    #[must_use]
    pub fn sits(&self, seat: &SeatId) -> Option<&OperatorId> {
        self.seats.get(seat)?.signed_in.as_ref()
    }

    /// Whether an operator may sit down at a seat.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn may_sit(&self, seat: &SeatId, operator: &OperatorId) -> Result<(), String> {
        let Some(there) = self.seats.get(seat) else { return Ok(()) };
        if there.signed_in.as_ref() == Some(operator) {
            return Ok(());
        }
        if let Some(other) = &there.signed_in {
            return Err(format!("{other} sits there and has to sign out first"));
        }
        let busy = matches!(there.bond, Bond::Offer { .. } | Bond::Talk { .. });
        if (busy || !there.engaged.is_empty()) && there.operator() != Some(operator) {
            return Err("it is in a call; wait until that is over".to_owned());
        }
        Ok(())
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

    /// How many callers of the same queue stand before one that waits without an offer, counted up to
    /// `most`; none when it does not.
    #[must_use]
    pub fn before(&self, call: CallId, most: usize) -> Option<usize> {
        let caller = self.callers.get(&call)?;
        let (_, place) = caller.listed.as_ref()?;
        Some(self.waiting.before(caller.queues.first()?, place, most))
    }

    /// Every queue. Looks at each caller and each seat once.
    pub fn queues(&self) -> impl Iterator<Item = QueueCount> {
        let empty = |queue: &QueueId| QueueCount {
            queue: queue.clone(),
            waiting: self.waiting.count(queue),
            lanes: [0; Lane::ALL.len()],
            ringing: 0,
            oldest: None,
            ready_seats: self.free.count(queue),
            seats: 0,
        };
        let mut counts: BTreeMap<&QueueId, QueueCount> =
            self.queues.keys().map(|queue| (queue, empty(queue))).collect();
        for caller in self.callers.values().filter(|c| !matches!(c.held_by, Held::Talk(_))) {
            let own = caller.queues.first().and_then(|queue| counts.get_mut(queue));
            let Some(count) = own else { continue };
            let arrived = caller.ticket.arrived;
            count.oldest = Some(count.oldest.map_or(arrived, |oldest| oldest.min(arrived)));
            if caller.held_by == Held::Nobody {
                let lanes = Lane::ALL.into_iter().zip(&mut count.lanes);
                let own = lanes.filter(|(lane, _)| *lane == caller.ticket.lane);
                own.for_each(|(_, callers)| *callers += 1);
            } else {
                count.ringing += 1;
            }
        }
        for member in self.seats.values().flat_map(|seat| &seat.settings.queues) {
            if let Some(count) = counts.get_mut(&member.queue) {
                count.seats += 1;
            }
        }
        counts.into_values()
    }

    /// How many callers and offers are kept: 0 when nobody waits or talks. For tests.
    #[doc(hidden)]
    #[must_use]
    pub fn live(&self) -> usize {
        let engaged: usize = self.seats.values().map(|seat| seat.engaged.len()).sum();
        self.callers.len() + self.offers.len() + self.beside.len() + self.ring_all.len() + engaged
    }
}
