//! Which calls are one operator's own, told from the journal line by line: those that ring at or were
//! answered at a seat of theirs, and those that they were brought into. What is not known to be theirs is
//! not.

use std::collections::{BTreeMap, BTreeSet};

use crate::journal::{Entry, Fact, OfferOutcome};
use crate::vocabulary::{CallId, IncidentId, OperatorId, SeatId};

/// Calls and incidents that are remembered, the oldest forgotten first.
const KEPT: usize = 10_000;

/// Whose, and what is theirs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mine {
    operator: Option<OperatorId>,
    seats: BTreeSet<SeatId>,
    ringing: BTreeSet<CallId>,
    /// Answered, transferred to them, or theirs when the stream began.
    answered: BTreeSet<CallId>,
    parties: BTreeSet<(CallId, u8)>,
    /// Incidents of calls that may become theirs.
    incidents: BTreeMap<CallId, IncidentId>,
    own: BTreeSet<IncidentId>,
}

impl Mine {
    /// Of an operator at these seats; `now` are the calls and incidents that are theirs at this moment.
    #[must_use]
    pub fn new(
        operator: Option<OperatorId>,
        seats: impl IntoIterator<Item = SeatId>,
        now: impl IntoIterator<Item = (CallId, IncidentId)>,
    ) -> Self {
        let mut mine = Self { operator, seats: seats.into_iter().collect(), ..Self::default() };
        for (call, incident) in now {
            mine.answered.insert(call);
            mine.incidents.insert(call, incident);
            mine.own.insert(incident);
        }
        mine
    }

    /// Takes the next line into account.
    pub fn follow(&mut self, entry: &Entry) {
        match &entry.fact {
            Fact::Arrived { call, incident, .. } => {
                self.incidents.insert(*call, *incident);
            }
            Fact::Offered { call, seat, operator, .. } if self.is_here(seat, operator.as_ref()) => {
                self.ringing.insert(*call);
            }
            Fact::OfferEnded { call, seat, outcome, .. }
                if self.is_here(seat, None) && *outcome != OfferOutcome::Answered =>
            {
                self.ringing.remove(call);
            }
            Fact::Answered { call, seat, operator, .. }
                if self.is_here(seat, operator.as_ref()) =>
            {
                self.has(*call);
            }
            Fact::Transferred { call, to, .. } if self.is_seat(to) => self.has(*call),
            Fact::PartyInvited { call, party, to, .. } if self.is_seat(to) => {
                self.parties.insert((*call, *party));
            }
            Fact::PartyLeft { call, party, .. } => drop(self.parties.remove(&(*call, *party))),
            Fact::PartyTookOver { call, party, .. } if self.parties.contains(&(*call, *party)) => {
                self.has(*call);
            }
            Fact::Ended { call, .. } => {
                self.ringing.remove(call);
                self.parties.retain(|(of, _)| of != call);
            }
            _ => {}
        }
        while self.incidents.len() > KEPT {
            self.incidents.pop_first();
        }
        while self.answered.len() > KEPT {
            self.answered.pop_first();
        }
        while self.own.len() > KEPT {
            self.own.pop_first();
        }
    }

    /// Whether a line is about something of theirs. Ask after [`Mine::follow`].
    #[must_use]
    pub fn is(&self, fact: &Fact) -> bool {
        if let Some(call) = fact.call() {
            return self.ringing.contains(&call)
                || self.answered.contains(&call)
                || self.parties.iter().any(|(of, _)| *of == call);
        }
        fact.step().is_some_and(|step| self.own.contains(&step.incident()))
    }

    fn has(&mut self, call: CallId) {
        self.ringing.remove(&call);
        self.answered.insert(call);
        self.own.extend(self.incidents.get(&call).copied());
    }

    fn is_here(&self, seat: &SeatId, operator: Option<&OperatorId>) -> bool {
        self.seats.contains(seat) || operator.is_some() && operator == self.operator.as_ref()
    }

    fn is_seat(&self, to: &str) -> bool {
        self.seats.iter().any(|seat| seat.as_str() == to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::{OfferId, Uid, WallTime};

    fn call(n: u32) -> CallId {
        CallId(Uid::new(WallTime(0), n))
    }

    fn offered(n: u32, seat: &str) -> Fact {
        Fact::Offered { call: call(n), offer: OfferId(1), seat: seat.into(), operator: None }
    }

    fn not_answered(n: u32, seat: &str) -> Fact {
        let outcome = OfferOutcome::NoAnswer;
        Fact::OfferEnded {
            call: call(n),
            offer: OfferId(1),
            seat: seat.into(),
            outcome,
            status: None,
        }
    }

    fn answered(n: u32, seat: &str, operator: &str) -> Fact {
        let operator = Some(operator.into());
        Fact::Answered { call: call(n), seat: seat.into(), operator, after_ms: 1 }
    }

    #[test]
    fn what_rings_or_was_answered_here_is_mine_and_nothing_else() {
        let key = |n| Fact::EarlyMedia { call: call(n) };
        let mut mine = Mine::new(Some("siti".into()), ["meja-1".into()], []);
        for (fact, of, is) in [
            (offered(1, "meja-2"), 1, false),
            (offered(1, "meja-1"), 1, true),
            (not_answered(1, "meja-2"), 1, true),
            (not_answered(1, "meja-1"), 1, false),
            (offered(2, "meja-1"), 2, true),
            (answered(2, "meja-1", "siti"), 2, true),
            (not_answered(2, "meja-1"), 2, true),
            (answered(3, "meja-9", "siti"), 3, true),
            (answered(4, "meja-9", "budi"), 4, false),
        ] {
            mine.follow(&Entry { at: WallTime(0), fact: fact.clone() });
            assert_eq!(mine.is(&key(of)), is, "{fact:?}");
        }
        assert!(!Mine::new(None, [], []).is(&key(1)));
        assert!(Mine::new(None, [], [(call(7), IncidentId::default())]).is(&key(7)));
    }
}
