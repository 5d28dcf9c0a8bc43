//! The distributor and a shadow that knows only what was said aloud: it checks each offer against
//! the promises, from the settings and the words alone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use siaga112::acd::settings::{Overflow, QueueSettings, SeatSettings, Strategy};
use siaga112::acd::{Distributor, Input, Kept, Miss, Output, Pause, SeatState, Ticket, Withdrawn};
use siaga112::vocabulary::{CallId, Lane, Moment, OfferId, QueueId, SeatId, Uid, WallTime};

pub const SECOND: u64 = 1_000_000;

/// A caller as the shadow knows it.
#[derive(Clone, Debug)]
pub struct Guest {
    pub ticket: Ticket,
    pub queues: Vec<QueueId>,
}

pub struct Hall {
    pub acd: Distributor,
    pub now: Moment,
    pub queues: Vec<QueueSettings>,
    pub seats: Vec<SeatSettings>,
    pub guests: BTreeMap<CallId, Guest>,
    pub offers: BTreeMap<OfferId, (CallId, SeatId)>,
    pub talks: BTreeMap<CallId, OfferId>,
    /// Every offer ever made, in order.
    pub made: Vec<(CallId, SeatId)>,
    pub withdrawn: Vec<(OfferId, Withdrawn)>,
    pub overflowed: Vec<(CallId, Overflow, String)>,
    pub aside: Vec<SeatId>,
    pub states: BTreeMap<SeatId, SeatState>,
    /// A person takes a caller out of turn: the order does not count for this offer.
    out_of_turn: Option<CallId>,
    pub gate: usize,
    next: u32,
}

impl Hall {
    pub fn new(queues: &[QueueSettings], seats: &[SeatSettings]) -> Self {
        let now = Moment(1000 * SECOND);
        let mut hall = Self {
            acd: Distributor::new(now, queues, seats),
            now,
            queues: queues.to_vec(),
            seats: seats.to_vec(),
            guests: BTreeMap::new(),
            offers: BTreeMap::new(),
            talks: BTreeMap::new(),
            made: Vec::new(),
            withdrawn: Vec::new(),
            overflowed: Vec::new(),
            aside: Vec::new(),
            states: BTreeMap::new(),
            out_of_turn: None,
            gate: usize::MAX,
            next: 0,
        };
        hall.hear();
        hall
    }

    pub fn sign_in(&mut self, seats: &[SeatSettings]) {
        for seat in seats {
            self.phone(seat.id.as_str(), true);
        }
    }

    pub fn phone(&mut self, seat: &str, reachable: bool) {
        self.say(Input::Reachable { seat: seat.into(), reachable, lost: false });
    }

    pub fn lose(&mut self, seat: &str) {
        self.say(Input::Reachable { seat: seat.into(), reachable: false, lost: true });
    }

    pub fn pause(&mut self, seat: &str, why: &str) {
        self.say(Input::Pause { seat: seat.into(), why: Pause::Person(why.to_owned()) });
    }

    pub fn resume(&mut self, seat: &str) {
        self.say(Input::Resume { seat: seat.into(), why: None });
    }

    pub fn say(&mut self, input: Input) {
        if let Input::Gate { room } = input {
            self.gate = room;
        }
        self.acd.handle(self.now, input);
        self.hear();
    }

    pub fn adopt(&mut self, queues: &[QueueSettings], seats: &[SeatSettings]) {
        (self.queues, self.seats) = (queues.to_vec(), seats.to_vec());
        for guest in self.guests.values_mut() {
            guest.queues.retain(|queue| queues.iter().any(|q| q.id == *queue));
            if guest.queues.is_empty() {
                guest.queues.push(queues[0].id.clone());
                guest.ticket.queue = queues[0].id.clone();
            }
        }
        self.acd.adopt(self.now, queues, seats);
        self.hear();
    }

    /// The process dies and goes on from what it has written down.
    pub fn crash(&mut self) {
        let text = serde_json::to_string(&self.acd.keep()).expect("plain data");
        let kept: Kept = serde_json::from_str(&text).expect("reads back");
        self.acd = Distributor::restore(self.now, kept);
        self.hear();
    }

    pub fn pass(&mut self, span: Duration) {
        let until = self.now.after(span);
        while let Some(at) = self.acd.poll_timeout().filter(|at| *at <= until) {
            assert!(at >= self.now, "a deadline in the past");
            self.now = at;
            self.acd.tick(at);
            self.hear();
        }
        self.now = until;
    }

    fn strategy(&self, queue: &QueueId) -> Strategy {
        self.queues.iter().find(|q| q.id == *queue).map_or(Strategy::LongestIdle, |q| q.strategy)
    }

    pub fn hear(&mut self) {
        while let Some(output) = self.acd.poll_output() {
            match output {
                Output::Offer { offer, call, seat, .. } => self.check_offer(offer, call, &seat),
                Output::Withdraw { offer, call, why, .. } => {
                    assert_eq!(self.offers.remove(&offer).map(|o| o.0), Some(call));
                    self.withdrawn.push((offer, why));
                }
                Output::Overflowed { call, to, why } => {
                    if let (Overflow::Queue(queue), Some(guest)) = (&to, self.guests.get_mut(&call))
                        && !guest.queues.contains(queue)
                    {
                        guest.queues.push(queue.clone());
                    }
                    self.overflowed.push((call, to, why.to_string()));
                }
                Output::SeatChanged { seat, from, state } => {
                    if let Some(known) = self.states.insert(seat.clone(), state) {
                        assert_eq!(known, from, "{seat} was something else");
                    }
                }
                Output::SetAside { seat, .. } => self.aside.push(seat),
            }
        }
        self.acd.check_invariants();
        self.check_rest();
    }

    fn check_offer(&mut self, offer: OfferId, call: CallId, seat: &SeatId) {
        let guest = self.guests.get(&call).unwrap_or_else(|| panic!("{call} is not here"));
        assert!(!self.talks.contains_key(&call), "{call} talks already");
        let busy = self.offers.values().any(|(_, s)| s == seat);
        assert!(!busy, "{seat} already has an offer");
        let elsewhere = self.offers.values().any(|(c, _)| *c == call);
        let all = self.strategy(&guest.queues[0]) == Strategy::RingAll;
        assert!(!elsewhere || all, "{call} already has an offer");
        if self.out_of_turn.take() != Some(call) && !elsewhere {
            self.check_order(call, seat);
        }
        self.made.push((call, seat.clone()));
        self.offers.insert(offer, (call, seat.clone()));
    }

    fn waits(&self, call: CallId) -> bool {
        !self.talks.contains_key(&call) && !self.offers.values().any(|(c, _)| *c == call)
    }

    /// The best claim of a caller on a seat: rank, weight, since when. None when it may not have it.
    fn claim(&self, guest: &Guest, seat: &SeatSettings) -> Option<(u32, i32, Moment)> {
        let own = self.queues.iter().find(|q| q.id == guest.queues[0])?;
        let waited = self.now.since(guest.ticket.arrived);
        let bound = own.bounds.of(guest.ticket.lane);
        let due = waited >= bound;
        let step = own.widen.iter().rev().find(|step| step.after <= waited);
        let tier = match step {
            _ if due => None,
            Some(step) => step.tier,
            None if own.widen.iter().any(|step| step.tier.is_some()) => Some(1),
            None => None,
        };
        let lower = step.map_or(0, |step| step.lower);
        let able = due
            || guest.ticket.wants.iter().all(|want| {
                let level = seat.skills.get(&want.skill).copied().unwrap_or(0);
                level + lower >= want.level
            });
        let weights = guest.queues.iter().filter_map(|queue| {
            let member = seat.member(queue)?;
            tier.is_none_or(|last| member.tier <= last).then_some(i32::from(member.weight))
        });
        let weight = weights.filter(|_| able).max()?;
        let lane = match guest.ticket.lane {
            Lane::Usual => 1,
            Lane::Silent => 11,
            Lane::Nuisance => 21,
        };
        Some(match due {
            true => (0, 0, guest.ticket.arrived.after(bound)),
            false => (lane + 9 - u32::from(guest.ticket.priority), -weight, guest.ticket.arrived),
        })
    }

    /// Nobody with a better claim on this seat waits: priority and lane first, bounds before all.
    fn check_order(&self, call: CallId, seat: &SeatId) {
        let settings = self.seats.iter().find(|s| s.id == *seat).expect("a configured seat");
        let claim = self.claim(&self.guests[&call], settings).expect("it may have the seat");
        for (other, guest) in self.guests.iter().filter(|(c, _)| **c != call && self.waits(**c)) {
            let Some(theirs) = self.claim(guest, settings) else { continue };
            // Where a seat serves queues of several weights, those decide among equals only.
            assert!(
                theirs.0 >= claim.0 || self.has_own_better(guest, seat),
                "{seat} was given to {call} {claim:?} while {other} waits {theirs:?}"
            );
            let same = theirs.0 == claim.0 && theirs.1 == claim.1 && guest.queues.len() == 1;
            let first = same && theirs.2 < claim.2;
            assert!(!first || self.has_own_better(guest, seat), "{other} came before {call}");
        }
    }

    /// A free seat stands there for the other one as well, and it gets it in the same pass.
    fn has_own_better(&self, guest: &Guest, taken: &SeatId) -> bool {
        self.seats.iter().any(|seat| {
            seat.id != *taken
                && self.states.get(&seat.id) == Some(&SeatState::Ready)
                && !self.offers.values().any(|(_, s)| *s == seat.id)
                && self.claim(guest, seat).is_some()
        })
    }

    /// At rest nobody waits beside a free seat that may have them.
    fn check_rest(&self) {
        if self.gate == 0 {
            return;
        }
        for (call, guest) in self.guests.iter().filter(|(call, _)| self.waits(**call)) {
            for seat in &self.seats {
                let ready = self.states.get(&seat.id) == Some(&SeatState::Ready);
                let may = ready && self.claim(guest, seat).is_some();
                assert!(!may || self.gate < 9, "{call} waits beside {}", seat.id);
            }
        }
    }

    // ---- people ------------------------------------------------------------------------------

    pub fn ticket(&mut self, queue: &str, priority: u8) -> Ticket {
        self.next += 1;
        let call = CallId(Uid::new(WallTime(1000), self.next));
        Ticket::new(call, queue, priority, self.now)
    }

    pub fn enter(&mut self, ticket: Ticket) -> CallId {
        let call = ticket.call;
        let known = self.queues.iter().any(|q| q.id == ticket.queue);
        let own = if known { ticket.queue.clone() } else { self.queues[0].id.clone() };
        let guest =
            Guest { ticket: Ticket { queue: own.clone(), ..ticket.clone() }, queues: vec![own] };
        self.guests.insert(call, guest);
        self.say(Input::Wait(ticket));
        call
    }

    pub fn call(&mut self, queue: &str, priority: u8) -> CallId {
        let ticket = self.ticket(queue, priority);
        self.enter(ticket)
    }

    pub fn change(&mut self, ticket: Ticket) {
        if let Some(guest) = self.guests.get_mut(&ticket.call) {
            if ticket.queue != guest.ticket.queue && !self.talks.contains_key(&ticket.call) {
                guest.queues = vec![ticket.queue.clone()];
            }
            guest.ticket = ticket.clone();
        }
        self.say(Input::Change(ticket));
    }

    pub fn take(&mut self, offer: OfferId) {
        let (call, _) = self.offers[&offer].clone();
        self.talks.insert(call, offer);
        self.say(Input::Taken { offer });
        let left: Vec<_> = self.offers.iter().filter(|(_, (c, _))| *c == call).collect();
        assert_eq!(left.len(), 1, "only the winner is left: {left:?}");
    }

    pub fn leave(&mut self, call: CallId) {
        self.guests.remove(&call);
        self.talks.remove(&call);
        self.offers.retain(|_, (c, _)| *c != call);
        self.say(Input::Leave { call });
    }

    pub fn refuse(&mut self, offer: OfferId, miss: Miss) {
        self.offers.remove(&offer);
        self.say(Input::Missed { offer, miss });
    }

    pub fn pick_up(&mut self, call: CallId, seat: &str) -> bool {
        let may = self.acd.may_pick_up(call, &seat.into()).is_ok();
        self.out_of_turn = may.then_some(call);
        self.say(Input::PickUp { call, seat: seat.into() });
        self.out_of_turn = None;
        may
    }

    pub fn open_offers(&self) -> Vec<OfferId> {
        self.offers.keys().filter(|o| !self.talks.values().any(|t| t == *o)).copied().collect()
    }

    pub fn waiting(&self) -> Vec<CallId> {
        self.guests.keys().filter(|call| !self.talks.contains_key(call)).copied().collect()
    }

    pub fn rang(&self) -> Vec<&str> {
        self.made.iter().map(|(_, seat)| seat.as_str()).collect()
    }

    pub fn served(&self) -> BTreeSet<&str> {
        self.seats.iter().flat_map(|s| &s.queues).map(|m| m.queue.as_str()).collect()
    }
}
