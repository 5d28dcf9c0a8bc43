//! The free seats of every queue, in the order in which they ring.
//!
//! Seats of the same tier and skills stand in one line, so that the best one for a demand is found by
//! looking at the heads of a few lines, however many seats there are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::settings::{Membership, Strategy};
use super::waiting::Demand;
use crate::vocabulary::{Moment, QueueId, SeatId, Skill};

/// Levels by skill.
pub(super) type Skills = Arc<BTreeMap<Skill, u8>>;

/// What seats of one line have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Profile {
    tier: u8,
    skills: Skills,
}

/// Whether a seat may have a caller of this demand.
pub(super) fn fits(tier: u8, skills: &BTreeMap<Skill, u8>, demand: &Demand) -> bool {
    demand.tier.is_none_or(|last| tier <= last)
        && demand
            .wants
            .iter()
            .all(|want| skills.get(&want.skill).is_some_and(|level| *level >= want.level))
}

/// A seat's place among those of its line; the smallest rings first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
    /// By the queue's strategy.
    by: u64,
    /// The longest idle, where the strategy says nothing more.
    idle: Moment,
    seat: SeatId,
}

impl Turn {
    /// The turn of a seat in a queue of this strategy.
    pub fn new(
        strategy: Strategy,
        member: &Membership,
        (talks, last_offer): (u32, u64),
        idle: Moment,
        seat: &SeatId,
    ) -> Self {
        let by = match strategy {
            Strategy::LongestIdle | Strategy::RingAll | Strategy::LastOperator => 0,
            Strategy::FewestCalls => u64::from(talks),
            Strategy::RoundRobin => last_offer,
            Strategy::Preference => u64::from(9 - member.preference.min(9)),
        };
        Self { by, idle, seat: seat.clone() }
    }
}

/// Where a seat stands while it is free: what is needed to take it out again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    queue: QueueId,
    profile: Profile,
    turn: Turn,
}

/// The free seats of every queue.
#[derive(Clone, Debug, Default)]
pub(super) struct Free {
    queues: BTreeMap<QueueId, BTreeMap<Profile, BTreeSet<Turn>>>,
}

impl Free {
    pub fn insert(&mut self, member: &Membership, skills: &Skills, turn: Turn) -> Listed {
        let profile = Profile { tier: member.tier, skills: Arc::clone(skills) };
        let lines = self.queues.entry(member.queue.clone()).or_default();
        lines.entry(profile.clone()).or_default().insert(turn.clone());
        Listed { queue: member.queue.clone(), profile, turn }
    }

    pub fn remove(&mut self, listed: &Listed) {
        let Some(lines) = self.queues.get_mut(&listed.queue) else { return };
        if let Some(line) = lines.get_mut(&listed.profile) {
            line.remove(&listed.turn);
            if line.is_empty() {
                lines.remove(&listed.profile);
            }
        }
        if lines.is_empty() {
            self.queues.remove(&listed.queue);
        }
    }

    /// The first seat of a queue that may have a caller of this demand: the lowest tier first.
    pub fn best(&self, queue: &QueueId, demand: &Demand) -> Option<&SeatId> {
        self.queues
            .get(queue)?
            .iter()
            .filter(|(profile, _)| fits(profile.tier, &profile.skills, demand))
            .filter_map(|(profile, line)| Some((profile.tier, line.first()?)))
            .min()
            .map(|(_, turn)| &turn.seat)
    }

    /// Whether no seat of a queue is free.
    pub fn is_empty(&self, queue: &QueueId) -> bool {
        !self.queues.contains_key(queue)
    }

    /// How many seats of a queue are free.
    pub fn count(&self, queue: &QueueId) -> usize {
        let lines = self.queues.get(queue).into_iter().flat_map(BTreeMap::values);
        lines.map(BTreeSet::len).sum()
    }
}
