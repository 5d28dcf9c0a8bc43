//! Offers: one pass gives every caller that can have one a seat; a seat has one at most, as a lease
//! with a deadline; the first to answer wins, once.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::time::Duration;

use super::callers::demand;
use super::distributor::{Caller, Distributor, Held, Offer, Timer};
use super::free::fits;
use super::seat::Bond;
use super::settings::Strategy;
use super::words::{Miss, Output, Ticket, Withdrawn};
use crate::vocabulary::{CallId, Moment, OfferId, QueueId, SeatId};

/// A seat that missed or refused is left alone this long, so that the next one gets its turn and
/// a phone that refuses everything is not asked a thousand times a second.
const REST: Duration = Duration::from_secs(3);

impl Distributor {
    // ---- who and where -----------------------------------------------------------------------

    /// One pass: min(callers, free seats that may have them) offers.
    pub(super) fn match_all(&mut self, now: Moment) {
        while self.room > 0 {
            if let Some((call, seat)) = self.next_match() {
                self.offer(now, call, &seat);
            } else if let Some((call, seat)) = self.next_beside(now) {
                self.offer(now, call, &seat);
            } else if let Some((call, offer)) = self.next_needed() {
                let seat = self.take_back(offer, Withdrawn::Needed);
                if let Some(seat) = seat {
                    self.offer(now, call, &seat);
                }
            } else {
                break;
            }
        }
    }

    /// The first caller in order that a free seat may have, and that seat. Among callers of the
    /// same urgency the seat's weights decide; of one that waits in several queues, its own comes
    /// first.
    fn next_match(&self) -> Option<(CallId, SeatId)> {
        let mut best: Option<((u8, Reverse<u8>, Moment, _, _), _)> = None;
        for queue in self.waiting.queues().filter(|queue| !self.free.is_empty(queue)) {
            let heaviest = self.heaviest.get(queue).copied().unwrap_or(u8::MAX);
            for (demand, place) in self.waiting.heads_of(queue) {
                // Most lines are out of the running by their head alone, whatever seat is free.
                let most = if place.rank == 0 { 0 } else { heaviest };
                let at_best = (place.rank, Reverse(most), place.when);
                if best.as_ref().is_some_and(|((r, w, at, ..), _)| (*r, *w, *at) < at_best) {
                    continue;
                }
                let Some(seat) = self.free.best(queue, demand) else { continue };
                // Whoever has waited as long as it may waits for no weight.
                let weight = if place.rank == 0 { 0 } else { self.weight(seat, queue) };
                let own = self.own_first(place.call, queue);
                let key = (place.rank, Reverse(weight), place.when, place.call, own);
                if best.as_ref().is_none_or(|(least, _)| key < *least) {
                    best = Some((key, (place.call, queue, demand, seat)));
                }
            }
        }
        let (_, (call, queue, demand, seat)) = best?;
        // Two free seats: the operator who knows the caller.
        let known = self.queues.get(queue)?.strategy == Strategy::LastOperator;
        let last = self.callers.get(&call)?.ticket.last.as_ref().filter(|_| known);
        let familiar = last.and_then(|operator| {
            self.sitting.get(operator)?.iter().find(|id| {
                let fits_here = |seat: &super::seat::Seat| {
                    let member = seat.settings.member(queue);
                    !seat.listed.is_empty()
                        && member.is_some_and(|m| fits(m.tier, &seat.settings.skills, demand))
                };
                self.seats.get(*id).is_some_and(fits_here)
            })
        });
        Some((call, familiar.unwrap_or(seat).clone()))
    }

    fn weight(&self, seat: &SeatId, queue: &QueueId) -> u8 {
        let member = self.seats.get(seat).and_then(|seat| seat.settings.member(queue));
        member.map_or(0, |member| member.weight)
    }

    fn own_first(&self, call: CallId, queue: &QueueId) -> usize {
        let queues = self.callers.get(&call).map(|caller| caller.queues.as_slice());
        queues.and_then(|queues| queues.iter().position(|q| q == queue)).unwrap_or(usize::MAX)
    }

    /// Where all seats ring: a free one for a caller that rings elsewhere already.
    fn next_beside(&self, now: Moment) -> Option<(CallId, SeatId)> {
        self.ring_all.iter().find_map(|(_, call)| {
            let caller = self.callers.get(call)?;
            let demand = demand(&caller.ticket, self.queue_of(*call)?, now);
            let seat = caller.queues.iter().find_map(|queue| self.free.best(queue, &demand))?;
            Some((*call, seat.clone()))
        })
    }

    /// A caller who has nobody, and the offer of one who has several seats ringing.
    fn next_needed(&self) -> Option<(CallId, OfferId)> {
        let several = |(_, call): &&(_, CallId)| {
            let held = self.callers.get(call).map(|caller| &caller.held_by);
            matches!(held, Some(Held::Offers(offers)) if offers.len() > 1)
        };
        self.ring_all.iter().find(several)?;
        let mut heads: Vec<_> = self.waiting.heads().collect();
        heads.sort_by_key(|(_, _, place)| **place);
        heads.into_iter().find_map(|(queue, demand, place)| {
            let spare = self.ring_all.iter().rev().filter(several).find_map(|(_, call)| {
                let Held::Offers(offers) = &self.callers.get(call)?.held_by else { return None };
                offers.iter().rev().find(|id| {
                    let offer = self.offers.get(id);
                    let seat = offer.and_then(|offer| self.seats.get(&offer.seat));
                    seat.is_some_and(|seat| {
                        let member = seat.settings.member(queue);
                        let takes_calls = seat.reachable && seat.pauses.is_empty();
                        takes_calls
                            && member.is_some_and(|m| fits(m.tier, &seat.settings.skills, demand))
                    })
                })
            })?;
            Some((place.call, *spare))
        })
    }

    // ---- leases ------------------------------------------------------------------------------

    fn offer(&mut self, now: Moment, call: CallId, seat_id: &SeatId) {
        self.room = self.room.saturating_sub(1);
        self.next_offer += 1;
        let id = OfferId(self.next_offer);
        self.unlist(call);
        self.unlist_seat(seat_id);
        let ring = self.queue_of(call).map_or(Duration::from_secs(20), |q| q.ring_timeout);
        let Some(caller) = self.callers.get_mut(&call) else { return };
        let Some(seat) = self.seats.get_mut(seat_id) else { return };
        match &mut caller.held_by {
            Held::Offers(offers) => {
                offers.insert(id);
            }
            held => *held = Held::Offers([id].into()),
        }
        seat.bond = Bond::Offer { offer: id, call, rings: false };
        seat.last_offer = self.next_offer;
        let operator = seat.operator().cloned();
        let seat = seat_id.clone();
        self.touched.insert(seat.clone());
        self.deadlines.clear(&Timer::Seat(seat.clone()));
        self.deadlines.set(Timer::Ring(id), now.after(ring));
        self.offers.insert(id, Offer { call, seat: seat.clone() });
        self.remember_ring_all(now, call);
        self.outputs.push_back(Output::Offer { offer: id, call, seat, operator });
    }

    /// Notes that a caller may ring at more seats.
    pub(super) fn remember_ring_all(&mut self, now: Moment, call: CallId) {
        let all = self.queue_of(call).is_some_and(|q| q.strategy == Strategy::RingAll);
        let Some(caller) = self.callers.get(&call).filter(|_| all) else { return };
        if matches!(caller.held_by, Held::Offers(_)) {
            self.forget_ring_all(call);
            if let Some(caller) = self.callers.get(&call) {
                self.ring_all.insert((self.place(caller, now), call));
            }
        }
    }

    pub(super) fn forget_ring_all(&mut self, call: CallId) {
        if !self.ring_all.is_empty() {
            self.ring_all.retain(|(_, other)| *other != call);
        }
    }

    pub(super) fn rings(&mut self, id: OfferId) {
        let Some(offer) = self.offers.get(&id) else { return };
        if let Some(seat) = self.seats.get_mut(&offer.seat)
            && let Bond::Offer { rings, .. } = &mut seat.bond
        {
            *rings = true;
            self.touched.insert(offer.seat.clone());
        }
    }

    /// The winner is decided here, once: whoever else rings for the call is let go in the same step.
    pub(super) fn taken(&mut self, id: OfferId) {
        let Some(Offer { call, seat }) = self.offers.get(&id).cloned() else { return };
        let Some(Held::Offers(offers)) = self.callers.get(&call).map(|c| c.held_by.clone()) else {
            return;
        };
        self.deadlines.clear(&Timer::Ring(id));
        self.deadlines.clear(&Timer::Wait(call));
        self.deadlines.clear(&Timer::Age(call));
        self.forget_ring_all(call);
        for other in offers.into_iter().filter(|other| *other != id) {
            self.take_back(other, Withdrawn::Elsewhere);
        }
        self.seat_takes(&seat, id, call);
        if let Some(caller) = self.callers.get_mut(&call) {
            caller.held_by = Held::Talk(id);
        }
    }

    fn seat_takes(&mut self, seat_id: &SeatId, offer: OfferId, call: CallId) {
        let Some(seat) = self.seats.get_mut(seat_id) else { return };
        seat.bond = Bond::Talk { offer, call, held: false };
        seat.talks = seat.talks.saturating_add(1);
        seat.misses = 0;
        self.touched.insert(seat_id.clone());
        self.deadlines.clear(&Timer::Seat(seat_id.clone()));
    }

    /// Ends an offer through no doing of its seat, which keeps its place among the idle.
    fn take_back(&mut self, id: OfferId, why: Withdrawn) -> Option<SeatId> {
        let Offer { call, seat } = self.offers.get(&id)?.clone();
        self.release(id, Bond::None);
        let out = Output::Withdraw { offer: id, call, seat: seat.clone(), why };
        self.outputs.push_back(out);
        Some(seat)
    }

    pub(super) fn hold(&mut self, call: CallId, now_held: bool) {
        let offer = match self.callers.get(&call).map(|caller| &caller.held_by) {
            Some(Held::Talk(offer)) => self.offers.get(offer),
            _ => None,
        };
        let Some(offer) = offer else { return };
        if let Some(seat) = self.seats.get_mut(&offer.seat)
            && let Bond::Talk { held, .. } = &mut seat.bond
        {
            *held = now_held;
            self.touched.insert(offer.seat.clone());
        }
    }

    /// Whether a person may take a caller for a seat now; why not.
    ///
    /// # Errors
    /// A sentence for the person.
    pub fn may_pick_up(&self, call: CallId, seat: &SeatId) -> Result<(), &'static str> {
        let Some(caller) = self.callers.get(&call) else {
            return Err("the call does not wait");
        };
        if matches!(caller.held_by, Held::Talk(_)) {
            return Err("somebody talks to the caller already");
        }
        self.may_take(seat)
    }

    /// Whether a person may let a seat ring now; why not.
    ///
    /// # Errors
    /// A sentence for the person.
    pub fn may_take(&self, seat: &SeatId) -> Result<(), &'static str> {
        match self.seats.get(seat) {
            None => Err("there is no such seat"),
            Some(seat) if !seat.reachable => Err("the seat has no phone that could ring"),
            Some(seat) if !seat.could_ring() => Err("the seat is busy with another call"),
            Some(_) => Ok(()),
        }
    }

    /// Takes a caller for a seat, out of turn.
    pub(super) fn pick_up(&mut self, now: Moment, call: CallId, seat: &SeatId) {
        if self.may_pick_up(call, seat).is_err() {
            return;
        }
        let held = self.callers.get(&call).map(|caller| caller.held_by.clone());
        if let Some(Held::Offers(offers)) = held {
            for offer in offers {
                self.take_back(offer, Withdrawn::Elsewhere);
            }
        }
        if let Some(caller) = self.callers.get_mut(&call) {
            caller.held_by = Held::Nobody;
        }
        self.offer(now, call, seat);
        // Where all seats ring, the others do not ring again while this one does.
        self.forget_ring_all(call);
    }

    pub(super) fn join(&mut self, now: Moment, ticket: Ticket, seat_id: SeatId) {
        let call = ticket.call;
        match self.seats.get(&seat_id).map(|seat| seat.bond) {
            None => return,
            // Who rang there is better served elsewhere.
            Some(Bond::Offer { offer, .. }) => {
                let held = self.offers.get(&offer).cloned();
                self.take_back(offer, Withdrawn::Elsewhere);
                if let Some(held) = held {
                    self.without_offer(now, held.call, offer);
                }
            }
            // A seat holds one call of the queues at most; this one it has taken beside it.
            Some(Bond::Talk { .. }) => {
                self.engage(now, &seat_id, |calls| calls.insert(call));
                self.beside.insert(call, seat_id);
                return;
            }
            Some(Bond::None | Bond::WrapUp { .. } | Bond::Rest) => {}
        }
        self.next_offer += 1;
        let id = OfferId(self.next_offer);
        self.unlist_seat(&seat_id);
        self.seat_takes(&seat_id, id, call);
        let (queues, held_by) = (vec![ticket.queue.clone()], Held::Talk(id));
        let caller = Caller { ticket, entered: now, queues, overflowed: 0, held_by, listed: None };
        self.callers.insert(call, caller);
        self.offers.insert(id, Offer { call, seat: seat_id });
    }

    // ---- what comes to nothing ---------------------------------------------------------------

    pub(super) fn missed(&mut self, now: Moment, id: OfferId, miss: Miss) {
        let Some(Offer { call, seat }) = self.offers.get(&id).cloned() else { return };
        let held = self.callers.get(&call).map(|caller| &caller.held_by);
        if !matches!(held, Some(Held::Offers(_))) {
            return;
        }
        let bond = match miss {
            // Behind the others: an operator who is not there costs one caller the ring time, not
            // every one.
            Miss::Refused | Miss::Unreachable => Bond::Rest,
            Miss::NotMade => Bond::None,
        };
        self.release(id, bond);
        if bond == Bond::Rest {
            self.rest(now, call, &seat, miss == Miss::Refused);
        }
        self.without_offer(now, call, id);
    }

    fn rest(&mut self, now: Moment, call: CallId, seat_id: &SeatId, its_doing: bool) {
        let queue = self.queue_of(call);
        // The last open seat of any queue stays: better a phone that rings unheard than nobody.
        let most = queue.filter(|_| !self.is_last_open(seat_id)).map_or(0, |queue| queue.misses);
        let aside = queue.map_or(Duration::ZERO, |queue| queue.set_aside);
        let Some(seat) = self.seats.get_mut(seat_id) else { return };
        seat.idle_since = now;
        self.deadlines.set(Timer::Seat(seat_id.clone()), now.after(REST));
        if !its_doing {
            return;
        }
        seat.misses = seat.misses.saturating_add(1);
        if most > 0 && seat.misses >= most {
            let misses = std::mem::take(&mut seat.misses);
            seat.pauses.insert(super::seat::Pause::Misses);
            self.deadlines.set(Timer::Aside(seat_id.clone()), now.after(aside));
            self.outputs.push_back(Output::SetAside { seat: seat_id.clone(), misses });
            // The next one that misses in this moment is to know of it. No queue is emptied by it.
            self.count_staff(seat_id);
        }
    }

    /// Whether a queue of this seat has no other one that takes calls.
    fn is_last_open(&self, seat_id: &SeatId) -> bool {
        let Some(seat) = self.seats.get(seat_id) else { return false };
        let open = |queue| self.staff.get(queue).map_or(0, |staff| staff.open);
        seat.settings.queues.iter().any(|member| open(&member.queue) <= seat.counted.open)
    }

    pub(super) fn rang_out(&mut self, now: Moment, id: OfferId) {
        let Some(Offer { call, seat }) = self.offers.get(&id).cloned() else { return };
        self.release(id, Bond::Rest);
        self.rest(now, call, &seat, true);
        self.without_offer(now, call, id);
        let why = Withdrawn::RangOut;
        self.outputs.push_back(Output::Withdraw { offer: id, call, seat, why });
    }

    /// A caller has lost an offer: it waits again at its old place, unless it rings elsewhere.
    fn without_offer(&mut self, now: Moment, call: CallId, id: OfferId) {
        let Some(caller) = self.callers.get_mut(&call) else { return };
        if let Held::Offers(offers) = &mut caller.held_by {
            offers.remove(&id);
            if offers.is_empty() {
                caller.held_by = Held::Nobody;
            }
        }
        if caller.held_by == Held::Nobody {
            self.forget_ring_all(call);
        }
        self.list(now, call);
    }

    /// Ends a lease and leaves the seat in `bond`.
    pub(super) fn release(&mut self, id: OfferId, bond: Bond) {
        self.deadlines.clear(&Timer::Ring(id));
        let Some(offer) = self.offers.remove(&id) else { return };
        if let Some(Held::Offers(offers)) =
            self.callers.get_mut(&offer.call).map(|caller| &mut caller.held_by)
            && offers.len() > 1
        {
            offers.remove(&id);
        }
        let Some(seat) = self.seats.get_mut(&offer.seat) else { return };
        self.touched.insert(offer.seat.clone());
        seat.bond = bond;
        if seat.gone {
            // The configuration dropped this seat while it was busy.
            self.forget_seat(&offer.seat);
        }
    }

    /// The offers that a caller has.
    #[must_use]
    pub fn offers_of(&self, call: CallId) -> BTreeSet<OfferId> {
        match self.callers.get(&call).map(|caller| &caller.held_by) {
            Some(Held::Offers(offers)) => offers.clone(),
            Some(Held::Talk(offer)) => [*offer].into(),
            Some(Held::Nobody) | None => BTreeSet::new(),
        }
    }
}
