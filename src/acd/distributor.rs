//! The machine: inputs in, offers out, one deadline. What it does with callers is in `callers`, with
//! offers in `offers`, with seats in `seats`; what others may see of it in `views`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::free::Free;
use super::seat::{Bond, Seat, SeatState, Staff};
use super::settings::{QueueSettings, SeatSettings};
use super::waiting::{Demand, Place, Waiting};
use super::words::{Input, Output, Ticket};
use crate::vocabulary::{CallId, Deadlines, Moment, OfferId, OperatorId, QueueId, SeatId};

/// One caller, waiting or talking.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Caller {
    pub ticket: Ticket,
    /// When it came into its queue.
    pub entered: Moment,
    /// Where it waits: its own queue first, then those it overflowed to.
    pub queues: Vec<QueueId>,
    /// How many steps of its queue's overflow are behind it.
    pub overflowed: usize,
    pub held_by: Held,
    /// Where it stands in the lines, while it does.
    #[serde(skip)]
    pub listed: Option<(Demand, Place)>,
}

/// What a caller has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Held {
    Nobody,
    /// One offer; several where all seats ring. Never none.
    Offers(BTreeSet<OfferId>),
    Talk(OfferId),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Offer {
    pub call: CallId,
    pub seat: SeatId,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Timer {
    /// The seat rang long enough.
    Ring(OfferId),
    /// Wrap-up or rest is over.
    Seat(SeatId),
    /// A seat was set aside long enough.
    Aside(SeatId),
    /// The caller waited too long.
    Wait(CallId),
    /// The caller's demands fall, or its lane's bound has come.
    Age(CallId),
}

/// Owns every queue, seat and offer.
#[derive(Clone, Debug, Default)]
pub struct Distributor {
    pub(super) queues: BTreeMap<QueueId, QueueSettings>,
    /// Where callers go whose queue is no more: the first one of the configuration.
    pub(super) first: Option<QueueId>,
    pub(super) seats: BTreeMap<SeatId, Seat>,
    /// The highest weight that a seat has in each queue.
    pub(super) heaviest: BTreeMap<QueueId, u8>,
    /// Seats by who sits there.
    pub(super) sitting: BTreeMap<OperatorId, BTreeSet<SeatId>>,
    pub(super) callers: BTreeMap<CallId, Caller>,
    pub(super) waiting: Waiting,
    pub(super) free: Free,
    pub(super) staff: BTreeMap<QueueId, Staff>,
    pub(super) offers: BTreeMap<OfferId, Offer>,
    /// Callers of queues in which all seats ring, who have an offer.
    pub(super) ring_all: BTreeSet<(Place, CallId)>,
    /// Calls that a seat took while it talked in another one.
    pub(super) beside: BTreeMap<CallId, SeatId>,
    pub(super) next_offer: u64,
    /// Offers that may still be made.
    pub(super) room: usize,
    /// Seats whose state may have changed since it was last reported.
    pub(super) touched: BTreeSet<SeatId>,
    pub(super) deadlines: Deadlines<Timer>,
    pub(super) outputs: VecDeque<Output>,
}

impl Distributor {
    /// A distributor with these queues and seats and nobody waiting.
    #[must_use]
    pub fn new(now: Moment, queues: &[QueueSettings], seats: &[SeatSettings]) -> Self {
        let mut distributor = Self { room: usize::MAX, ..Self::default() };
        distributor.adopt(now, queues, seats);
        distributor
    }

    /// Takes new settings. Waiting callers keep their places; callers of a queue that is no more
    /// go to the first queue that is; a seat that is no more goes when its talk is over.
    pub fn adopt(&mut self, now: Moment, queues: &[QueueSettings], seats: &[SeatSettings]) {
        self.queues = queues.iter().map(|q| (q.id.clone(), q.clone())).collect();
        self.first = queues.first().map(|q| q.id.clone());
        self.adopt_seats(now, seats);
        self.rehome_callers(now);
        self.index_seats();
        self.touched.extend(self.seats.keys().cloned());
        // The new settings may have left nobody in a queue.
        let queues: Vec<QueueId> = self.queues.keys().cloned().collect();
        for queue in queues {
            self.queue_emptied(now, &queue);
        }
        self.settle(now);
    }

    /// Takes one input. Total: what makes no sense any more (a late answer to an offer that is
    /// over) changes nothing.
    pub fn handle(&mut self, now: Moment, input: Input) {
        match input {
            Input::Wait(ticket) => self.wait(now, ticket),
            Input::Change(ticket) => self.change(now, ticket),
            Input::Leave { call } => self.leave(now, call),
            Input::Reachable { seat, reachable, lost } => {
                self.reachable(now, &seat, reachable, lost);
            }
            Input::Pause { seat, why } => self.pause(&seat, why),
            Input::Resume { seat, why } => self.resume(now, &seat, why.as_ref()),
            Input::Sit { seat, operator } => self.sit(now, &seat, operator),
            Input::WrapUp { seat, more } => self.wrap_up_longer(now, &seat, more),
            Input::PickUp { call, seat } => self.pick_up(now, call, &seat),
            Input::Rings { offer } => self.rings(offer),
            Input::Hold { call, held } => self.hold(call, held),
            Input::Taken { offer } => self.taken(offer),
            Input::Missed { offer, miss } => self.missed(now, offer, miss),
            Input::Join { ticket, seat } => {
                self.leave(now, ticket.call);
                self.join(now, ticket, seat);
            }
            Input::Engage { seat, call } => self.engage(now, &seat, |calls| calls.insert(call)),
            Input::Disengage { seat, call } => {
                self.engage(now, &seat, |calls| calls.remove(&call));
            }
            Input::Gate { room } => self.room = room,
        }
        self.settle(now);
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Moment) {
        while let Some(timer) = self.deadlines.pop_due(now) {
            match timer {
                Timer::Ring(offer) => self.rang_out(now, offer),
                Timer::Seat(seat) => self.seat_is_back(now, &seat),
                Timer::Aside(seat) => self.aside_is_over(now, &seat),
                Timer::Wait(call) => self.waited_out(now, call),
                Timer::Age(call) => self.age(now, call),
            }
        }
        self.settle(now);
    }

    /// The next output, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The earliest deadline, if anything waits for one.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Moment> {
        self.deadlines.next()
    }

    /// Reports changed seats, sends callers on whose queue has become empty of people, then gives
    /// every caller that can have one a seat: one pass.
    fn settle(&mut self, now: Moment) {
        self.report_seats(now);
        self.match_all(now);
        self.report_seats(now);
        self.check_invariants();
    }

    /// The settings of a caller's own queue.
    pub(super) fn queue_of(&self, call: CallId) -> Option<&QueueSettings> {
        self.queues.get(self.callers.get(&call)?.queues.first()?)
    }
}

/// All that a distributor knows, without what follows from it, to be written down and read back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Kept {
    queues: Vec<QueueSettings>,
    first: Option<QueueId>,
    seats: Vec<Seat>,
    callers: Vec<Caller>,
    offers: Vec<(OfferId, Offer)>,
    beside: Vec<(CallId, SeatId)>,
    next_offer: u64,
    room: usize,
    deadlines: Vec<(Timer, Moment)>,
}

impl Distributor {
    /// What a restart needs to go on from here. Outputs must have been taken.
    #[must_use]
    pub fn keep(&self) -> Kept {
        Kept {
            queues: self.queues.values().cloned().collect(),
            first: self.first.clone(),
            seats: self.seats.values().cloned().collect(),
            callers: self.callers.values().cloned().collect(),
            offers: self.offers.iter().map(|(id, offer)| (*id, offer.clone())).collect(),
            beside: self.beside.iter().map(|(call, seat)| (*call, seat.clone())).collect(),
            next_offer: self.next_offer,
            room: self.room,
            deadlines: self.deadlines.iter().map(|(timer, at)| (timer.clone(), at)).collect(),
        }
    }

    /// Goes on from what was kept, as if nothing had been between.
    #[must_use]
    pub fn restore(now: Moment, kept: Kept) -> Self {
        let mut distributor = Self {
            queues: kept.queues.into_iter().map(|queue| (queue.id.clone(), queue)).collect(),
            first: kept.first,
            seats: kept.seats.into_iter().map(|s| (s.settings.id.clone(), s)).collect(),
            callers: kept.callers.into_iter().map(|c| (c.ticket.call, c)).collect(),
            offers: kept.offers.into_iter().collect(),
            beside: kept.beside.into_iter().collect(),
            next_offer: kept.next_offer,
            room: kept.room,
            ..Self::default()
        };
        for (timer, at) in kept.deadlines {
            distributor.deadlines.set(timer, at);
        }
        for seat in distributor.seats.values_mut() {
            seat.skills = super::free::Skills::new(seat.settings.skills.clone());
        }
        distributor.index_seats();
        distributor.list_all(now);
        distributor.check_invariants();
        distributor
    }

    /// Checks what must hold between inputs (tests and debug builds).
    pub fn check_invariants(&self) {
        if !cfg!(debug_assertions) {
            return;
        }
        for (id, offer) in &self.offers {
            let bound = match self.seats.get(&offer.seat).map(|s| s.bond) {
                Some(Bond::Offer { offer: o, call, .. } | Bond::Talk { offer: o, call, .. }) => {
                    o == *id && call == offer.call
                }
                _ => false,
            };
            debug_assert!(bound, "offer {id:?} is not what its seat holds");
            let held = self.callers.get(&offer.call).map(|c| &c.held_by);
            let holds = match held {
                Some(Held::Offers(offers)) => offers.contains(id),
                Some(Held::Talk(o)) => o == id,
                Some(Held::Nobody) | None => false,
            };
            debug_assert!(holds, "offer {id:?} is not what its caller holds: {held:?}");
        }
        for (queue, demand, place) in self.waiting.heads() {
            let seat = self.free.best(queue, demand);
            debug_assert!(
                self.room == 0 || seat.is_none(),
                "{place:?} waits in {queue} beside the free seat {seat:?}"
            );
        }
        for (id, seat) in &self.seats {
            let free = seat.derived() == SeatState::Ready && !seat.settings.queues.is_empty();
            debug_assert!(
                free != seat.listed.is_empty(),
                "{id} is {:?} and listed {:?}",
                seat.derived(),
                seat.listed
            );
        }
        for (call, caller) in &self.callers {
            let waits = caller.held_by == Held::Nobody;
            debug_assert!(waits == caller.listed.is_some(), "{call} stands in no line");
            let empty = matches!(&caller.held_by, Held::Offers(offers) if offers.is_empty());
            debug_assert!(!empty, "{call} holds no offer");
        }
    }
}
