//! Seats: phones come and go, people pause and come back, wrap-up and rest end.

use std::collections::BTreeSet;
use std::time::Duration;

use super::distributor::{Distributor, Timer};
use super::free::Turn;
use super::seat::{Bond, Pause, Seat, SeatState, Staff};
use super::settings::SeatSettings;
use super::words::Output;
use crate::vocabulary::{CallId, Moment, OperatorId, QueueId, SeatId};

impl Distributor {
    /// Takes new settings of seats. One that is no more goes when its talk is over.
    pub(super) fn adopt_seats(&mut self, now: Moment, seats: &[SeatSettings]) {
        for settings in seats {
            match self.seats.get_mut(&settings.id) {
                Some(seat) => {
                    if settings.auto_ready && !seat.settings.auto_ready {
                        seat.pauses.remove(&Pause::Closed);
                    }
                    seat.skills = super::free::Skills::new(settings.skills.clone());
                    seat.settings = settings.clone();
                    seat.gone = false;
                }
                None => {
                    self.seats.insert(settings.id.clone(), Seat::new(now, settings.clone()));
                }
            }
        }
        let known: BTreeSet<&SeatId> = seats.iter().map(|settings| &settings.id).collect();
        let gone: Vec<SeatId> =
            self.seats.keys().filter(|id| !known.contains(id)).cloned().collect();
        for id in gone {
            let Some(seat) = self.seats.get_mut(&id) else { continue };
            seat.settings.queues.clear();
            seat.gone = true;
            if matches!(seat.bond, Bond::None | Bond::Rest | Bond::WrapUp { .. }) {
                self.forget_seat(&id);
            }
        }
    }

    pub(super) fn forget_seat(&mut self, id: &SeatId) {
        self.unlist_seat(id);
        self.seats.remove(id);
        self.deadlines.clear(&Timer::Seat(id.clone()));
        self.deadlines.clear(&Timer::Aside(id.clone()));
    }

    /// Makes what follows from the seats anew: free lists, numbers, who sits where.
    pub(super) fn index_seats(&mut self) {
        self.free = super::free::Free::default();
        self.staff.clear();
        self.sitting.clear();
        self.heaviest.clear();
        for member in self.seats.values().flat_map(|seat| &seat.settings.queues) {
            let heaviest = self.heaviest.entry(member.queue.clone()).or_default();
            *heaviest = member.weight.max(*heaviest);
        }
        let ids: Vec<SeatId> = self.seats.keys().cloned().collect();
        for id in ids {
            if let Some(seat) = self.seats.get_mut(&id) {
                seat.listed.clear();
                seat.counted = Staff::default();
                if let Some(operator) = seat.operator() {
                    self.sitting.entry(operator.clone()).or_default().insert(id.clone());
                }
            }
            self.count_staff(&id);
            self.list_seat(&id);
        }
    }

    // ---- what happens to a seat --------------------------------------------------------------

    pub(super) fn reachable(&mut self, now: Moment, id: &SeatId, reachable: bool, lost: bool) {
        let Some(seat) = self.seats.get_mut(id) else { return };
        self.touched.insert(id.clone());
        if seat.reachable == reachable {
            return;
        }
        self.unlist_seat(id);
        let Some(seat) = self.seats.get_mut(id) else { return };
        seat.reachable = reachable;
        if reachable {
            // Who was lost through no fault of the operator goes on as before; everybody else has
            // signed in.
            if !seat.pauses.remove(&Pause::LostPhone) {
                seat.idle_since = now;
                seat.talks = 0;
            }
        } else if lost {
            seat.pauses.insert(Pause::LostPhone);
        } else if !seat.settings.auto_ready {
            seat.pauses.insert(Pause::Closed);
        }
    }

    /// Somebody sits down, and leaves where they sat before; or nobody does any more. Whoever leaves
    /// takes no calls there; whoever comes takes them where the seat is ready by itself.
    pub(super) fn sit(&mut self, now: Moment, id: &SeatId, operator: Option<OperatorId>) {
        let left = self.seats.iter().filter(|(other, seat)| {
            *other != id && operator.is_some() && seat.signed_in == operator
        });
        let left: Vec<SeatId> = left.map(|(other, _)| other.clone()).collect();
        for other in left {
            self.sit_down(now, &other, None);
        }
        self.sit_down(now, id, operator);
        self.sitting.clear();
        for (id, seat) in &self.seats {
            if let Some(operator) = seat.operator() {
                self.sitting.entry(operator.clone()).or_default().insert(id.clone());
            }
        }
    }

    fn sit_down(&mut self, now: Moment, id: &SeatId, operator: Option<OperatorId>) {
        self.unlist_seat(id);
        self.touched.insert(id.clone());
        let Some(seat) = self.seats.get_mut(id) else { return };
        if seat.signed_in == operator {
            return;
        }
        if operator.is_none() {
            seat.pauses.insert(Pause::Closed);
        } else if seat.settings.auto_ready {
            seat.pauses.remove(&Pause::Closed);
        }
        seat.signed_in = operator;
        (seat.idle_since, seat.talks) = (now, 0);
    }

    pub(super) fn pause(&mut self, id: &SeatId, why: Pause) {
        self.touched.insert(id.clone());
        if let Some(seat) = self.seats.get_mut(id) {
            seat.pauses.insert(why);
        }
    }

    pub(super) fn resume(&mut self, now: Moment, id: &SeatId, why: Option<&Pause>) {
        self.unlist_seat(id);
        self.touched.insert(id.clone());
        let Some(seat) = self.seats.get_mut(id) else { return };
        let paused = !seat.pauses.is_empty();
        match why {
            Some(why) => drop(seat.pauses.remove(why)),
            // A lost phone is no pause that a person could end.
            None => seat.pauses.retain(|pause| *pause == Pause::LostPhone),
        }
        if paused && seat.pauses.is_empty() {
            seat.idle_since = now;
            seat.misses = 0;
        }
        let aside = seat.pauses.contains(&Pause::Misses);
        // Only who says that all is well ends what follows a call.
        if why.is_none() && matches!(seat.bond, Bond::WrapUp { .. } | Bond::Rest) {
            seat.bond = Bond::None;
            seat.idle_since = now;
            self.deadlines.clear(&Timer::Seat(id.clone()));
        }
        // Who is set aside still keeps the way back.
        if !aside {
            self.deadlines.clear(&Timer::Aside(id.clone()));
        }
    }

    pub(super) fn wrap_up_longer(&mut self, now: Moment, id: &SeatId, more: Duration) {
        let bond = self.seats.get(id).map(|seat| seat.bond);
        if let Some(Bond::WrapUp { most }) = bond {
            self.deadlines.set(Timer::Seat(id.clone()), now.after(more).min(most));
        }
    }

    /// Wrap-up or rest is over.
    pub(super) fn seat_is_back(&mut self, now: Moment, id: &SeatId) {
        self.touched.insert(id.clone());
        let Some(seat) = self.seats.get_mut(id) else { return };
        match seat.bond {
            Bond::WrapUp { .. } => {
                seat.bond = Bond::None;
                seat.idle_since = now;
            }
            Bond::Rest => seat.bond = Bond::None,
            Bond::None | Bond::Offer { .. } | Bond::Talk { .. } => {}
        }
    }

    /// A seat that missed too many offers has its way back.
    pub(super) fn aside_is_over(&mut self, now: Moment, id: &SeatId) {
        self.resume(now, id, Some(&Pause::Misses));
    }

    pub(super) fn engage(
        &mut self,
        now: Moment,
        id: &SeatId,
        change: impl FnOnce(&mut BTreeSet<CallId>) -> bool,
    ) {
        self.unlist_seat(id);
        self.touched.insert(id.clone());
        if let Some(seat) = self.seats.get_mut(id)
            && change(&mut seat.engaged)
        {
            seat.idle_since = now;
        }
    }

    // ---- what follows ------------------------------------------------------------------------

    /// Tells what has changed, lists who is free, and sends callers on whose queue is empty now.
    pub(super) fn report_seats(&mut self, now: Moment) {
        while !self.touched.is_empty() {
            let mut emptied = BTreeSet::new();
            for id in std::mem::take(&mut self.touched) {
                emptied.extend(self.count_staff(&id));
                let Some(seat) = self.seats.get_mut(&id) else { continue };
                let state = seat.derived();
                let from = std::mem::replace(&mut seat.state, state);
                if state != from {
                    seat.state_since = now;
                    self.outputs.push_back(Output::SeatChanged { seat: id.clone(), from, state });
                }
                self.list_seat(&id);
            }
            for queue in emptied {
                self.queue_emptied(now, &queue);
            }
        }
    }

    /// Counts a seat in its queues; returns those in which it was the last one, if it was.
    pub(super) fn count_staff(&mut self, id: &SeatId) -> Vec<QueueId> {
        let Some(seat) = self.seats.get_mut(id) else { return Vec::new() };
        let staff = seat.staff();
        let before = std::mem::replace(&mut seat.counted, staff);
        if staff == before {
            return Vec::new();
        }
        let mut emptied = Vec::new();
        for member in &seat.settings.queues {
            let count = self.staff.entry(member.queue.clone()).or_default();
            count.signed_in = (count.signed_in + staff.signed_in).saturating_sub(before.signed_in);
            count.open = (count.open + staff.open).saturating_sub(before.open);
            if count.open == 0 || count.signed_in == 0 {
                emptied.push(member.queue.clone());
            }
        }
        emptied
    }

    /// Lists a seat among the free ones, if it is.
    pub(super) fn list_seat(&mut self, id: &SeatId) {
        self.unlist_seat(id);
        let Some(seat) = self.seats.get_mut(id) else { return };
        if seat.derived() != SeatState::Ready {
            return;
        }
        for member in &seat.settings.queues {
            let Some(queue) = self.queues.get(&member.queue) else { continue };
            let counts = (seat.talks, seat.last_offer);
            let turn = Turn::new(queue.strategy, member, counts, seat.idle_since, id);
            seat.listed.push(self.free.insert(member, &seat.skills, turn));
        }
    }

    pub(super) fn unlist_seat(&mut self, id: &SeatId) {
        let Some(seat) = self.seats.get_mut(id) else { return };
        for listed in seat.listed.drain(..) {
            self.free.remove(&listed);
        }
    }
}
