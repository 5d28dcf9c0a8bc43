//! What must hold whoever comes and goes: a caller hears somebody or a programme, nobody is heard who has
//! gone, a call is never ended by somebody who was brought in, and each of these has one end.

use std::collections::BTreeMap;

use siaga112::call::orders::{Channel, MediaOrder, Role};
use siaga112::call::table::Part;
use siaga112::journal::Fact;
use siaga112::vocabulary::{CallId, Cause, Dice, Party, SeatId, StreamId};

use siaga112::switchboard::orders::Order;

use super::World;

/// Who takes part in one call, as the record tells it.
#[derive(Debug, Default)]
struct Told {
    invited: BTreeMap<u8, String>,
    here: BTreeMap<u8, Part>,
    /// Who has the caller because the operator has left, where it is no seat.
    heir: Option<String>,
    /// Somebody talked when the call ended.
    talked_at_end: bool,
}

/// Follows a world.
#[derive(Debug, Default)]
pub struct Company {
    facts: usize,
    orders: usize,
    roles: BTreeMap<StreamId, Role>,
    callers: BTreeMap<CallId, StreamId>,
    calls: BTreeMap<CallId, Told>,
    /// How often what happened.
    pub seen: BTreeMap<&'static str, usize>,
}

impl Company {
    pub fn check(&mut self, world: &mut World) {
        for order in &world.orders[self.orders..] {
            match order {
                MediaOrder::Role { stream, role } => drop(self.roles.insert(*stream, role.clone())),
                MediaOrder::Close { stream } => drop(self.roles.remove(stream)),
                MediaOrder::Tap { stream, call, channel: Channel::Caller } => {
                    self.callers.insert(*call, *stream);
                }
                _ => {}
            }
        }
        self.orders = world.orders.len();
        for at in self.facts..world.facts.len() {
            self.tell(&world.facts[at].fact);
        }
        self.facts = world.facts.len();
        for (stream, role) in &self.roles {
            if let Role::Hear(whom) = role {
                let gone = whom.iter().find(|voice| !world.streams.contains_key(voice));
                assert_eq!(gone, None, "{stream:?} is to hear who has gone");
                assert!(!whom.contains(stream), "{stream:?} hears itself");
            }
        }
        for call in world.look().calls {
            let lives = ["waiting", "ringing", "talking"].contains(&call.state.as_str());
            let stream = self.callers.get(&call.call).filter(|s| world.streams.contains_key(s));
            let (true, Some(_), Some(stream)) = (lives, &call.trunk, stream) else { continue };
            let heard = match self.roles.get(stream) {
                Some(Role::Hear(whom)) => !whom.is_empty() || call.private,
                Some(Role::Play(_) | Role::RingBack) => true,
                _ => false,
            };
            assert!(heard, "{:?}: {call:#?}", self.roles.get(stream));
        }
    }

    fn count(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }

    fn tell(&mut self, fact: &Fact) {
        let Some(call) = fact.call() else { return };
        let told = self.calls.entry(call).or_default();
        match fact {
            Fact::PartyInvited { party, to, .. } => {
                assert_eq!(told.invited.insert(*party, to.clone()), None, "{told:?}");
            }
            Fact::PartyJoined { party, part, .. } => {
                assert!(told.invited.contains_key(party), "{told:?}");
                assert_eq!(told.here.insert(*party, *part), None, "{told:?}");
                self.count("joined");
            }
            Fact::PartyChanged { party, part, .. } => {
                assert!(told.invited.contains_key(party), "{told:?}");
                told.here.get_mut(party).into_iter().for_each(|old| *old = *part);
                self.count("changed");
            }
            Fact::PartyLeft { party, how, .. } => {
                assert!(told.invited.remove(party).is_some(), "{party} left twice: {told:?}");
                let part = told.here.remove(party);
                told.talked_at_end |= how == "the call ended" && part == Some(Part::Talk);
                self.count("left");
            }
            Fact::PartyTookOver { party, by, .. } => {
                let who = told.invited.remove(party).expect("who takes over was invited");
                assert!(told.here.remove(party).is_some(), "{told:?}");
                let heir = by.is_empty() && !who.starts_with("seat-");
                told.heir = heir.then_some(who);
                self.count(if heir { "an agency had the caller" } else { "took over" });
            }
            Fact::PrivateTalk { .. } => self.count("private"),
            Fact::PartyHeld { .. } => self.count("held"),
            Fact::CopyStarted { .. } => self.count("copied"),
            Fact::CopyFailed { .. } => self.count("not copied"),
            Fact::Transferred { to, .. } if told.heir.as_ref() != Some(to) => told.heir = None,
            Fact::Answered { .. } => told.heir = None,
            Fact::Queued { .. } if told.heir.take().is_some() => self.count("waits again"),
            Fact::CallOutEnded { status: 200, .. } => told.heir = None,
            // Its entry is told of with the emergency call that it was dialled in.
            Fact::SeatCallEnded { call, ending, .. } => {
                // Of the last two either ends it: there is no queue to wait in.
                self.calls.entry(*call).or_default().heir = None;
                self.ended(*call, ending.by == Party::Caller);
            }
            Fact::Ended { ending, .. } => {
                let by_seat = ending.by == Party::Seat && ending.cause != Cause::Transferred;
                self.ended(call, by_seat);
            }
            _ => {}
        }
    }

    fn ended(&mut self, call: CallId, by_operator: bool) {
        let Some(told) = self.calls.remove(&call) else { return };
        assert!(told.invited.is_empty(), "nobody told how they left: {told:?}");
        let left_alone = by_operator && (told.talked_at_end || told.heir.is_some());
        assert!(!left_alone, "the operator's leaving dropped the caller: {told:?}");
    }
}

/// An order about who takes part in some call, of no particular sense.
pub fn order(world: &mut World, dice: &mut Dice, seats: usize) {
    let mut below = |n: usize| usize::try_from(dice.number() % n.max(1) as u64).unwrap();
    let mut calls = world.look().calls;
    if below(8) != 0 {
        calls.retain(|call| call.state == "talking");
    }
    if calls.is_empty() {
        return;
    }
    let view = calls.swap_remove(below(calls.len()));
    let (call, by) = (view.call, "t".to_owned());
    let part = [Part::Talk, Part::Talk, Part::Listen, Part::Whisper][below(4)];
    let known = view.parties.get(below(view.parties.len())).filter(|_| below(8) != 0);
    let party = known.map_or(9, |party| party.party);
    let order = match below(11) {
        0..=4 => {
            let seat: SeatId = format!("seat-{}", 1 + below(seats)).as_str().into();
            let to = if below(3) != 0 { "+62811000113".to_owned() } else { seat.to_string() };
            Order::Join { call, to, part, by }
        }
        5 => Order::SetPart { call, party, part: Some(part), muted: None, by },
        6 => Order::SetPart { call, party, part: None, muted: Some(below(2) == 0), by },
        7 => Order::Remove { call, party, by },
        8 => Order::TakeOver { call, party, by },
        _ => Order::SetPrivate { call, private: below(2) == 0, by },
    };
    let _ = world.order(order);
}
