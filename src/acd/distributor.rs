//! The machine: inputs in, offers out, one deadline.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::seat::{Bond, Pause, Seat, SeatState};
use super::settings::{Membership, Overflow, QueueSettings, SeatSettings};
use super::waiting::{Place, Waiting};
use super::words::{Input, Miss, Output, QueueCount, SeatStatus, Why, Withdrawn};
use crate::vocabulary::{CallId, Deadlines, Moment, OfferId, QueueId, SeatId};

/// A seat that missed or refused is left alone this long, so that the next one gets its turn and
/// a phone that refuses everything is not asked a thousand times a second.
const REST: Duration = Duration::from_secs(3);

#[derive(Clone, Debug)]
struct Caller {
    place: Place,
    /// Where it waits: its own queue first, then those it overflowed to.
    queues: Vec<QueueId>,
    /// How many steps of its queue's overflow are behind it.
    overflowed: usize,
    held_by: Held,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    Nobody,
    Offer(OfferId),
    Talk(OfferId),
}

#[derive(Clone, Debug)]
struct Offer {
    call: CallId,
    seat: SeatId,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    /// The seat rang long enough.
    Ring(OfferId),
    /// Wrap-up or rest is over.
    Seat(SeatId),
    /// The caller waited too long.
    Wait(CallId),
}

/// Owns every queue, seat and offer.
#[derive(Debug, Default)]
pub struct Distributor {
    queues: BTreeMap<QueueId, QueueSettings>,
    /// Where callers go whose queue is no more: the first one of the configuration.
    first: Option<QueueId>,
    seats: BTreeMap<SeatId, Seat>,
    callers: BTreeMap<CallId, Caller>,
    waiting: Waiting,
    /// Ready seats of each queue, longest idle first.
    free: BTreeMap<QueueId, BTreeSet<(Moment, SeatId)>>,
    offers: BTreeMap<OfferId, Offer>,
    /// Calls that a seat took while it talked in another one.
    beside: BTreeMap<CallId, SeatId>,
    next_offer: u64,
    /// Offers that may still be made.
    room: usize,
    /// Seats whose state may have changed since it was last reported.
    touched: BTreeSet<SeatId>,
    deadlines: Deadlines<Timer>,
    outputs: VecDeque<Output>,
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
        for settings in seats {
            match self.seats.get_mut(&settings.id) {
                Some(seat) => {
                    let turned_ready = settings.auto_ready && !seat.settings.auto_ready;
                    seat.ready |= turned_ready;
                    seat.settings = settings.clone();
                    seat.gone = false;
                }
                None => {
                    self.seats.insert(settings.id.clone(), Seat::new(now, settings.clone()));
                }
            }
        }
        let gone: Vec<SeatId> =
            self.seats.keys().filter(|id| !seats.iter().any(|s| s.id == **id)).cloned().collect();
        for id in gone {
            let Some(seat) = self.seats.get_mut(&id) else { continue };
            seat.settings.queues.clear();
            seat.gone = true;
            if matches!(seat.bond, Bond::None | Bond::Rest | Bond::WrapUp) {
                self.seats.remove(&id);
                self.deadlines.clear(&Timer::Seat(id));
            }
        }
        self.rehome_callers(now);
        self.touched.extend(self.seats.keys().cloned());
        self.rebuild_free();
        self.settle(now);
    }

    fn rehome_callers(&mut self, now: Moment) {
        let Some(first) = self.first.clone() else { return };
        let calls: Vec<CallId> = self.callers.keys().copied().collect();
        for call in calls {
            self.unlist(call);
            let Some(caller) = self.callers.get_mut(&call) else { continue };
            caller.queues.retain(|q| self.queues.contains_key(q));
            if caller.queues.is_empty() {
                caller.queues.push(first.clone());
                caller.overflowed = 0;
                let limit = self.queues.get(&first).map_or(Duration::ZERO, |q| q.max_wait);
                self.deadlines.set(Timer::Wait(call), now.after(limit));
            }
            if caller.held_by == Held::Nobody {
                self.list(call);
            }
        }
    }

    fn rebuild_free(&mut self) {
        self.free.clear();
        let ids: Vec<SeatId> = self.seats.keys().cloned().collect();
        for id in ids {
            if let Some(seat) = self.seats.get_mut(&id) {
                seat.listed = None;
                let ready = seat.state == SeatState::Ready;
                self.set_free(&id, ready);
            }
        }
    }

    /// Takes one input. Total: what makes no sense any more (a late answer to an offer that is
    /// over) changes nothing.
    pub fn handle(&mut self, now: Moment, input: Input) {
        match input {
            Input::Wait(t) => self.wait(now, t.call, t.queue, t.priority, t.arrived),
            Input::Change(_) | Input::WrapUp { .. } | Input::PickUp { .. } => {}
            Input::Rings { .. } | Input::Hold { .. } => {}
            Input::Leave { call } => self.leave(now, call),
            Input::Reachable { seat, reachable, .. } => {
                self.touched.insert(seat.clone());
                if let Some(seat) = self.seats.get_mut(&seat) {
                    seat.reachable = reachable;
                    // A new sign-in starts the idle clock; a lost phone is no fault of anybody.
                    seat.idle_since = now;
                }
            }
            Input::Pause { seat, why } => {
                self.touched.insert(seat.clone());
                if let Some(seat) = self.seats.get_mut(&seat) {
                    seat.ready = false;
                    seat.reason = why.word().to_owned();
                }
            }
            Input::Resume { seat, .. } => {
                self.touched.insert(seat.clone());
                if let Some(seat) = self.seats.get_mut(&seat) {
                    if !seat.ready {
                        seat.idle_since = now;
                    }
                    seat.ready = true;
                    seat.reason = String::new();
                    if matches!(seat.bond, Bond::WrapUp | Bond::Rest) {
                        seat.bond = Bond::None;
                    }
                }
            }
            Input::Taken { offer } => self.taken(offer),
            Input::Missed { offer, miss } => self.missed(now, offer, miss),
            Input::Join { ticket: t, seat } => {
                self.leave(now, t.call);
                self.join(now, t.call, seat, t.queue, (Reverse(t.priority), t.arrived, t.call));
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
                Timer::Seat(seat) => {
                    self.touched.insert(seat.clone());
                    if let Some(seat) = self.seats.get_mut(&seat)
                        && matches!(seat.bond, Bond::WrapUp | Bond::Rest)
                    {
                        if seat.bond == Bond::WrapUp {
                            seat.idle_since = now;
                        }
                        seat.bond = Bond::None;
                    }
                }
                Timer::Wait(call) => self.waited_out(now, call),
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

    // ---- callers -----------------------------------------------------------------------------

    fn wait(&mut self, now: Moment, call: CallId, queue: QueueId, priority: u8, arrived: Moment) {
        if self.callers.contains_key(&call) {
            return;
        }
        // The configuration may have dropped the queue while the call arrived.
        let known = self.queues.contains_key(&queue);
        let queue = self.first.clone().filter(|_| !known).unwrap_or(queue);
        let place = (Reverse(priority), arrived, call);
        let limit = self.queues.get(&queue).map(|q| q.max_wait);
        let caller = Caller { place, queues: vec![queue], overflowed: 0, held_by: Held::Nobody };
        self.callers.insert(call, caller);
        self.list(call);
        if let Some(limit) = limit {
            self.deadlines.set(Timer::Wait(call), now.after(limit));
        }
    }

    fn leave(&mut self, now: Moment, call: CallId) {
        if let Some(seat) = self.beside.remove(&call) {
            self.engage(now, &seat, |calls| calls.remove(&call));
        }
        self.unlist(call);
        self.deadlines.clear(&Timer::Wait(call));
        let Some(caller) = self.callers.remove(&call) else { return };
        match caller.held_by {
            Held::Nobody => {}
            // The seat did nothing wrong: it keeps its place among the idle.
            Held::Offer(offer) => self.release(offer, Bond::None),
            Held::Talk(offer) => {
                let wrap_up = caller
                    .queues
                    .first()
                    .and_then(|queue| self.queues.get(queue))
                    .map_or(Duration::ZERO, |q| q.wrap_up);
                let seat = self.offers.get(&offer).map(|o| o.seat.clone());
                self.release(offer, Bond::WrapUp);
                if let Some(seat) = seat {
                    self.deadlines.set(Timer::Seat(seat), now.after(wrap_up));
                }
            }
        }
    }

    /// Lists a caller in its queues.
    fn list(&mut self, call: CallId) {
        if let Some(caller) = self.callers.get(&call) {
            for queue in &caller.queues {
                self.waiting.insert(queue, caller.place);
            }
        }
    }

    fn unlist(&mut self, call: CallId) {
        if let Some(caller) = self.callers.get(&call) {
            for queue in &caller.queues {
                self.waiting.remove(queue, &caller.place);
            }
        }
    }

    fn waited_out(&mut self, now: Moment, call: CallId) {
        let Some(caller) = self.callers.get_mut(&call) else { return };
        if matches!(caller.held_by, Held::Talk(_)) {
            return;
        }
        let Some(own) = caller.queues.first().and_then(|queue| self.queues.get(queue)) else {
            return;
        };
        let Some(next) = own.overflow.get(caller.overflowed).cloned() else { return };
        caller.overflowed += 1;
        let again = own.max_wait;
        let waited = now.since(caller.place.1).as_secs();
        let free = caller.held_by == Held::Nobody;
        if let Overflow::Queue(queue) = &next
            && !caller.queues.contains(queue)
        {
            caller.queues.push(queue.clone());
            if free {
                let place = caller.place;
                self.waiting.insert(queue, place);
            }
        }
        self.outputs.push_back(Output::Overflowed { call, to: next, why: Why::Waited(waited) });
        self.deadlines.set(Timer::Wait(call), now.after(again));
    }

    // ---- offers ------------------------------------------------------------------------------

    fn taken(&mut self, id: OfferId) {
        let Some(offer) = self.offers.get(&id) else { return };
        self.deadlines.clear(&Timer::Ring(id));
        self.deadlines.clear(&Timer::Wait(offer.call));
        if let Some(seat) = self.seats.get_mut(&offer.seat) {
            seat.bond = Bond::Talk(id, offer.call);
            self.touched.insert(offer.seat.clone());
        }
        if let Some(caller) = self.callers.get_mut(&offer.call) {
            caller.held_by = Held::Talk(id);
        }
    }

    fn join(&mut self, now: Moment, call: CallId, seat_id: SeatId, queue: QueueId, place: Place) {
        match self.seats.get(&seat_id).map(|seat| seat.bond) {
            None => return,
            // Who rang there is better served elsewhere.
            Some(Bond::Offer(offer, other)) => {
                self.missed(now, offer, Miss::NotMade);
                let seat = seat_id.clone();
                let why = Withdrawn::Elsewhere;
                self.outputs.push_back(Output::Withdraw { offer, call: other, seat, why });
            }
            // A seat holds one call of the queues at most; this one it has taken beside it.
            Some(Bond::Talk(..)) => {
                self.engage(now, &seat_id, |calls| calls.insert(call));
                self.beside.insert(call, seat_id);
                return;
            }
            Some(Bond::None | Bond::WrapUp | Bond::Rest) => {}
        }
        let Some(seat) = self.seats.get_mut(&seat_id) else { return };
        self.next_offer += 1;
        let id = OfferId(self.next_offer);
        seat.bond = Bond::Talk(id, call);
        self.deadlines.clear(&Timer::Seat(seat_id.clone()));
        self.touched.insert(seat_id.clone());
        let caller = Caller { place, queues: vec![queue], overflowed: 0, held_by: Held::Talk(id) };
        self.callers.insert(call, caller);
        self.offers.insert(id, Offer { call, seat: seat_id });
    }

    fn engage(
        &mut self,
        now: Moment,
        id: &SeatId,
        change: impl FnOnce(&mut BTreeSet<CallId>) -> bool,
    ) {
        if let Some(seat) = self.seats.get_mut(id)
            && change(&mut seat.engaged)
        {
            seat.idle_since = now;
            self.touched.insert(id.clone());
        }
    }

    fn missed(&mut self, now: Moment, id: OfferId, miss: Miss) {
        let Some(offer) = self.offers.get(&id).cloned() else { return };
        let talking =
            self.callers.get(&offer.call).is_some_and(|c| matches!(c.held_by, Held::Talk(_)));
        if talking {
            return;
        }
        match miss {
            Miss::Refused => {
                // Behind the others: an operator who is not there costs one caller the ring time,
                // not every one.
                if let Some(seat) = self.seats.get_mut(&offer.seat) {
                    seat.idle_since = now;
                }
                self.release(id, Bond::Rest);
                self.deadlines.set(Timer::Seat(offer.seat), now.after(REST));
            }
            Miss::NotMade => self.release(id, Bond::None),
        }
        self.wait_again(offer.call);
    }

    fn rang_out(&mut self, now: Moment, id: OfferId) {
        let Some(offer) = self.offers.get(&id).cloned() else { return };
        self.missed(now, id, Miss::Refused);
        let (call, seat, why) = (offer.call, offer.seat, Withdrawn::RangOut);
        self.outputs.push_back(Output::Withdraw { offer: id, call, seat, why });
    }

    fn wait_again(&mut self, call: CallId) {
        if let Some(caller) = self.callers.get_mut(&call) {
            caller.held_by = Held::Nobody;
        }
        self.list(call);
    }

    /// Ends a lease and leaves the seat in `bond`.
    fn release(&mut self, id: OfferId, bond: Bond) {
        self.deadlines.clear(&Timer::Ring(id));
        let Some(offer) = self.offers.remove(&id) else { return };
        let Some(seat) = self.seats.get_mut(&offer.seat) else { return };
        self.touched.insert(offer.seat.clone());
        seat.bond = bond;
        if seat.gone {
            // The configuration dropped this seat while it was busy.
            self.seats.remove(&offer.seat);
        }
    }

    /// Reports changed seats, then gives every caller that can have one a seat: one pass.
    fn settle(&mut self, now: Moment) {
        self.report_seats(now);
        while self.room > 0 {
            let Some((call, seat)) = self.next_match() else { break };
            self.offer(now, call, seat);
        }
        self.report_seats(now);
        self.check_invariants();
    }

    /// The first caller in order that a free seat serves, and the longest idle such seat.
    fn next_match(&self) -> Option<(CallId, SeatId)> {
        let (_, place) = self
            .waiting
            .heads()
            .filter(|(queue, _)| self.free.get(*queue).is_some_and(|seats| !seats.is_empty()))
            .min_by_key(|(_, place)| **place)?;
        let caller = self.callers.get(&place.2)?;
        let (_, seat) = caller
            .queues
            .iter()
            .filter_map(|queue| self.free.get(queue)?.first())
            .min_by_key(|(idle, _)| *idle)?;
        Some((place.2, seat.clone()))
    }

    fn offer(&mut self, now: Moment, call: CallId, seat_id: SeatId) {
        self.room = self.room.saturating_sub(1);
        self.next_offer += 1;
        let id = OfferId(self.next_offer);
        self.unlist(call);
        self.set_free(&seat_id, false);
        let Some(caller) = self.callers.get_mut(&call) else { return };
        let Some(seat) = self.seats.get_mut(&seat_id) else { return };
        caller.held_by = Held::Offer(id);
        seat.bond = Bond::Offer(id, call);
        self.touched.insert(seat_id.clone());
        let ring = caller.queues.first().and_then(|queue| self.queues.get(queue));
        let ring = ring.map_or(Duration::from_secs(20), |q| q.ring_timeout);
        self.deadlines.set(Timer::Ring(id), now.after(ring));
        let operator = seat.settings.operator.clone();
        self.offers.insert(id, Offer { call, seat: seat_id.clone() });
        self.outputs.push_back(Output::Offer { offer: id, call, seat: seat_id, operator });
    }

    // ---- seats -------------------------------------------------------------------------------

    fn report_seats(&mut self, now: Moment) {
        for id in std::mem::take(&mut self.touched) {
            let Some(seat) = self.seats.get_mut(&id) else { continue };
            let state = seat.derived();
            if state == seat.state {
                continue;
            }
            let from = std::mem::replace(&mut seat.state, state);
            seat.state_since = now;
            self.set_free(&id, state == SeatState::Ready);
            self.outputs.push_back(Output::SeatChanged { seat: id, from, state });
        }
    }

    fn set_free(&mut self, id: &SeatId, free: bool) {
        let Some(seat) = self.seats.get_mut(id) else { return };
        let listed = std::mem::replace(&mut seat.listed, free.then_some(seat.idle_since));
        for Membership { queue, .. } in &seat.settings.queues {
            let seats = self.free.entry(queue.clone()).or_default();
            if let Some(idle) = listed {
                seats.remove(&(idle, id.clone()));
            }
            if let Some(idle) = seat.listed {
                seats.insert((idle, id.clone()));
            }
        }
    }

    // ---- views -------------------------------------------------------------------------------

    /// Every seat.
    pub fn seats(&self) -> impl Iterator<Item = SeatStatus> {
        self.seats.iter().map(|(id, seat)| SeatStatus {
            seat: id.clone(),
            operator: seat.settings.operator.clone(),
            state: seat.state,
            since: seat.state_since,
            pauses: if seat.ready { vec![] } else { vec![Pause::Person(seat.reason.clone())] },
            wrap_up_until: None,
            talks: 0,
            call: match seat.bond {
                Bond::Offer(_, call) | Bond::Talk(_, call) => Some(call),
                Bond::None | Bond::WrapUp | Bond::Rest => seat.engaged.first().copied(),
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

    /// Every queue.
    pub fn queues(&self) -> impl Iterator<Item = QueueCount> {
        self.queues.keys().map(|queue| {
            let offered = |c: &&Caller| {
                matches!(c.held_by, Held::Offer(_)) && c.queues.first() == Some(queue)
            };
            let here = |c: &&Caller| {
                !matches!(c.held_by, Held::Talk(_)) && c.queues.first() == Some(queue)
            };
            let serves = |s: &&Seat| s.settings.member(queue).is_some();
            QueueCount {
                queue: queue.clone(),
                waiting: self.waiting.count(queue),
                lanes: [self.waiting.count(queue), 0, 0],
                ringing: self.callers.values().filter(offered).count(),
                oldest: self.callers.values().filter(here).map(|c| c.place.1).min(),
                ready_seats: self.free.get(queue).map_or(0, BTreeSet::len),
                seats: self.seats.values().filter(serves).count(),
            }
        })
    }

    /// How many callers and offers are kept: 0 when nobody waits or talks. For tests.
    #[doc(hidden)]
    #[must_use]
    pub fn live(&self) -> usize {
        let engaged: usize = self.seats.values().map(|seat| seat.engaged.len()).sum();
        self.callers.len() + self.offers.len() + self.beside.len() + engaged
    }

    /// Checks what must hold between inputs (tests and debug builds).
    pub fn check_invariants(&self) {
        if !cfg!(debug_assertions) {
            return;
        }
        for (id, offer) in &self.offers {
            let seat = self.seats.get(&offer.seat).map(|s| s.bond);
            let bound = Some(Bond::Offer(*id, offer.call)) == seat
                || Some(Bond::Talk(*id, offer.call)) == seat;
            debug_assert!(bound, "offer {id:?} is not what its seat holds: {seat:?}");
            let held = self.callers.get(&offer.call).map(|c| c.held_by);
            let holds = matches!(held, Some(Held::Offer(o) | Held::Talk(o)) if o == *id);
            debug_assert!(holds, "offer {id:?} is not what its caller holds: {held:?}");
        }
        for (queue, seats) in &self.free {
            let idle = !seats.is_empty();
            let left = self.waiting.count(queue) > 0;
            debug_assert!(
                self.room == 0 || !(idle && left),
                "a caller waits in {queue} beside a free seat"
            );
            for (_, seat) in seats {
                let ready = self.seats.get(seat).is_some_and(|s| s.derived() == SeatState::Ready);
                debug_assert!(ready, "{seat} is listed free and is not ready");
            }
        }
    }
}
