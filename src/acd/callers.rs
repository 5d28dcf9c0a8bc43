//! Callers: they wait, age, overflow and leave.

use super::distributor::{Caller, Distributor, Held, Timer};
use super::seat::Bond;
use super::settings::{Overflow, QueueSettings};
use super::waiting::{Demand, Place, due};
use super::words::{Output, Ticket, Why};
use crate::vocabulary::{CallId, Moment, QueueId, Want};
use std::time::Duration;

impl Distributor {
    pub(super) fn wait(&mut self, now: Moment, mut ticket: Ticket) {
        let call = ticket.call;
        if self.callers.contains_key(&call) {
            return;
        }
        // The configuration may have dropped the queue while the call arrived.
        if !self.queues.contains_key(&ticket.queue)
            && let Some(first) = &self.first
        {
            ticket.queue = first.clone();
        }
        let queues = vec![ticket.queue.clone()];
        let (held_by, listed) = (Held::Nobody, None);
        let caller = Caller { ticket, entered: now, queues, overflowed: 0, held_by, listed };
        // Who comes to a full queue is not counted himself.
        let early = self.early(&caller.ticket.queue);
        self.callers.insert(call, caller);
        self.list(now, call);
        self.wait_for_overflow(now, call);
        if let Some(why) = early {
            self.overflow(now, call, why);
        }
    }

    /// What is known of a caller has changed.
    pub(super) fn change(&mut self, now: Moment, mut ticket: Ticket) {
        let call = ticket.call;
        let Some(caller) = self.callers.get_mut(&call) else { return };
        if matches!(caller.held_by, Held::Talk(_)) {
            caller.ticket = ticket;
            return;
        }
        if !self.queues.contains_key(&ticket.queue) {
            ticket.queue = caller.ticket.queue.clone();
        }
        let moves = ticket.queue != caller.ticket.queue;
        self.unlist(call);
        self.forget_ring_all(call);
        let Some(caller) = self.callers.get_mut(&call) else { return };
        caller.ticket = ticket;
        if moves {
            caller.queues = vec![caller.ticket.queue.clone()];
            caller.overflowed = 0;
            self.wait_for_overflow(now, call);
        }
        self.list(now, call);
        self.remember_ring_all(now, call);
    }

    pub(super) fn leave(&mut self, now: Moment, call: CallId) {
        if let Some(seat) = self.beside.remove(&call) {
            self.engage(now, &seat, |calls| calls.remove(&call));
        }
        self.unlist(call);
        self.forget_ring_all(call);
        self.deadlines.clear(&Timer::Wait(call));
        self.deadlines.clear(&Timer::Age(call));
        let queue = self.queue_of(call);
        let wrap_up = queue.map_or(Duration::ZERO, |queue| queue.wrap_up);
        let most = queue.map_or(Duration::ZERO, |queue| queue.wrap_up_most).max(wrap_up);
        let Some(caller) = self.callers.remove(&call) else { return };
        match caller.held_by {
            Held::Nobody => {}
            // The seats did nothing wrong: they keep their places among the idle.
            Held::Offers(offers) => {
                for offer in offers {
                    self.release(offer, Bond::None);
                }
            }
            Held::Talk(offer) => {
                let seat = self.offers.get(&offer).map(|o| o.seat.clone());
                self.release(offer, Bond::WrapUp { most: now.after(most) });
                if let Some(seat) = seat {
                    self.deadlines.set(Timer::Seat(seat), now.after(wrap_up));
                }
            }
        }
    }

    /// After new settings: callers of a queue that is no more go to the first one; all stand in line
    /// by the new settings.
    pub(super) fn rehome_callers(&mut self, now: Moment) {
        let calls: Vec<CallId> = self.callers.keys().copied().collect();
        for call in calls {
            self.unlist(call);
            self.forget_ring_all(call);
            let Some(caller) = self.callers.get_mut(&call) else { continue };
            caller.queues.retain(|queue| self.queues.contains_key(queue));
            if caller.queues.is_empty()
                && let Some(first) = &self.first
            {
                caller.queues.push(first.clone());
                caller.ticket.queue = first.clone();
                caller.overflowed = 0;
                caller.entered = now;
                self.wait_for_overflow(now, call);
            }
            self.wait_no_longer(now, call);
            self.go_on_overflowing(now, call);
            self.list(now, call);
            self.remember_ring_all(now, call);
        }
    }

    pub(super) fn list_all(&mut self, now: Moment) {
        let calls: Vec<CallId> = self.callers.keys().copied().collect();
        for call in calls {
            self.list(now, call);
            self.remember_ring_all(now, call);
        }
    }

    // ---- lines -------------------------------------------------------------------------------

    /// Puts a caller who has nobody into the lines of its queues.
    pub(super) fn list(&mut self, now: Moment, call: CallId) {
        let Some(caller) = self.callers.get(&call) else { return };
        if matches!(caller.held_by, Held::Talk(_)) {
            self.deadlines.clear(&Timer::Age(call));
            return;
        }
        let own = caller.queues.first().and_then(|queue| self.queues.get(queue));
        let next = own.and_then(|queue| next_age(&caller.ticket, queue, now));
        match next {
            Some(at) => self.deadlines.set(Timer::Age(call), at),
            None => self.deadlines.clear(&Timer::Age(call)),
        }
        if caller.held_by != Held::Nobody || caller.listed.is_some() {
            return;
        }
        let demand = own.map(|queue| demand(&caller.ticket, queue, now)).unwrap_or_default();
        let place = self.place(caller, now);
        for queue in &caller.queues {
            self.waiting.insert(queue, &demand, place);
        }
        if let Some(caller) = self.callers.get_mut(&call) {
            caller.listed = Some((demand, place));
        }
    }

    pub(super) fn unlist(&mut self, call: CallId) {
        let Some(caller) = self.callers.get_mut(&call) else { return };
        let Some((demand, place)) = caller.listed.take() else { return };
        for queue in &caller.queues {
            self.waiting.remove(queue, &demand, &place);
        }
    }

    pub(super) fn place(&self, caller: &Caller, now: Moment) -> Place {
        let own = caller.queues.first().and_then(|queue| self.queues.get(queue));
        let bounds = own.map(|queue| queue.bounds).unwrap_or_default();
        Place::of(&caller.ticket, &bounds, now)
    }

    /// A caller's demands fall, or its bound has come.
    pub(super) fn age(&mut self, now: Moment, call: CallId) {
        self.unlist(call);
        self.forget_ring_all(call);
        self.list(now, call);
        self.remember_ring_all(now, call);
    }

    // ---- overflow ----------------------------------------------------------------------------

    fn wait_for_overflow(&mut self, now: Moment, call: CallId) {
        match self.queue_of(call).map(|queue| queue.max_wait) {
            Some(limit) => self.deadlines.set(Timer::Wait(call), now.after(limit)),
            None => self.deadlines.clear(&Timer::Wait(call)),
        }
    }

    /// New settings may have a step of the overflow for one who had taken the last.
    fn go_on_overflowing(&mut self, now: Moment, call: CallId) {
        let (Some(queue), Some(caller)) = (self.queue_of(call), self.callers.get(&call)) else {
            return;
        };
        let waits = !matches!(caller.held_by, Held::Talk(_));
        let more = waits && caller.overflowed < queue.overflow.len();
        if more && self.deadlines.get(&Timer::Wait(call)).is_none() {
            let at = caller.entered.after(queue.max_wait).max(now);
            self.deadlines.set(Timer::Wait(call), at);
        }
    }

    /// A shorter wait of new settings counts for those who wait already.
    fn wait_no_longer(&mut self, now: Moment, call: CallId) {
        let timer = Timer::Wait(call);
        let limit = self.queue_of(call).map(|queue| now.after(queue.max_wait));
        if let (Some(at), Some(limit)) = (self.deadlines.get(&timer), limit)
            && limit < at
        {
            self.deadlines.set(timer, limit);
        }
    }

    pub(super) fn waited_out(&mut self, now: Moment, call: CallId) {
        let Some(caller) = self.callers.get(&call) else { return };
        let waited = now.since(caller.ticket.arrived).as_secs();
        self.overflow(now, call, Why::Waited(waited));
    }

    /// Why callers of a queue go on at once, if they do.
    fn early(&self, queue: &QueueId) -> Option<Why> {
        let when = &self.queues.get(queue)?.overflow_when;
        let staff = self.staff.get(queue).copied().unwrap_or_default();
        let waiting = self.waiting.count(queue);
        if when.unstaffed && staff.signed_in == 0 {
            Some(Why::Unstaffed)
        } else if when.paused && staff.open == 0 {
            Some(Why::Paused)
        } else {
            when.length.filter(|most| waiting >= *most).map(|_| Why::Length(waiting))
        }
    }

    /// The last seat of a queue went: those who wait there go on.
    pub(super) fn queue_emptied(&mut self, now: Moment, queue: &QueueId) {
        let why = self.early(queue).filter(|why| !matches!(why, Why::Length(_)));
        let Some(why) = why else { return };
        let waits = |caller: &&Caller| {
            caller.queues.first() == Some(queue)
                && caller.overflowed == 0
                && !matches!(caller.held_by, Held::Talk(_))
        };
        let calls: Vec<CallId> =
            self.callers.values().filter(waits).map(|caller| caller.ticket.call).collect();
        for call in calls {
            self.overflow(now, call, why);
        }
    }

    /// Takes the next step of a caller's overflow, and more where nobody is there either.
    fn overflow(&mut self, now: Moment, call: CallId, why: Why) {
        let mut why = why;
        loop {
            let Some(own) = self.queue_of(call) else { return };
            let (again, steps) = (own.max_wait, own.overflow.len());
            let Some(caller) = self.callers.get(&call) else { return };
            let Some(next) = own.overflow.get(caller.overflowed).cloned() else { return };
            if matches!(caller.held_by, Held::Talk(_)) {
                return;
            }
            self.unlist(call);
            let Some(caller) = self.callers.get_mut(&call) else { return };
            caller.overflowed += 1;
            let more = caller.overflowed < steps;
            if let Overflow::Queue(queue) = &next
                && !caller.queues.contains(queue)
            {
                caller.queues.push(queue.clone());
            }
            self.list(now, call);
            self.outputs.push_back(Output::Overflowed { call, to: next.clone(), why });
            self.deadlines.set(Timer::Wait(call), now.after(again));
            let Overflow::Queue(queue) = next else { return };
            match self.early(&queue).filter(|_| more) {
                Some(still @ (Why::Unstaffed | Why::Paused)) => why = still,
                _ => return,
            }
        }
    }
}

/// What a caller asks of a seat by now.
pub(super) fn demand(ticket: &Ticket, queue: &QueueSettings, now: Moment) -> Demand {
    if due(ticket, &queue.bounds) <= now {
        return Demand::default();
    }
    let waited = now.since(ticket.arrived);
    let step = queue.widen.iter().rev().find(|step| step.after <= waited);
    let tiers = queue.widen.iter().any(|step| step.tier.is_some());
    let lower = step.map_or(0, |step| step.lower);
    let lowered = |want: &Want| {
        let level = want.level.saturating_sub(lower);
        (level > 0).then(|| Want { skill: want.skill.clone(), level })
    };
    let mut wants: Vec<Want> = ticket.wants.iter().filter_map(lowered).collect();
    wants.sort();
    let tier = match step {
        Some(step) => step.tier,
        None => tiers.then_some(1),
    };
    Demand { wants, tier }
}

/// When that changes next.
fn next_age(ticket: &Ticket, queue: &QueueSettings, now: Moment) -> Option<Moment> {
    let steps = queue.widen.iter().map(|step| ticket.arrived.after(step.after));
    steps.chain([due(ticket, &queue.bounds)]).filter(|at| *at > now).min()
}
