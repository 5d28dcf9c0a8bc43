//! Validated settings of queues and seats.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::vocabulary::{AnswerMode, Lane, OperatorId, QueueId, SeatId, Skill};

/// One queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueSettings {
    /// Its name in the configuration.
    pub id: QueueId,
    /// When a caller in this queue is answered.
    pub answer: AnswerMode,
    /// Which of the free seats rings.
    pub strategy: Strategy,
    /// How long one seat rings before the next is tried.
    pub ring_timeout: Duration,
    /// How long a seat is left alone after a talk.
    pub wrap_up: Duration,
    /// The longest wrap-up that an operator may ask for.
    pub wrap_up_most: Duration,
    /// How long a caller waits before the overflow is taken, and before each further step of it.
    pub max_wait: Duration,
    /// Where to next, in order; the last is a number or URI outside.
    pub overflow: Vec<Overflow>,
    /// When the overflow is taken before its time.
    pub overflow_when: OverflowWhen,
    /// After so long in a lane, counted from the INVITE, the next free seat of the queue takes the
    /// caller, whatever the lane, the skills and the tiers.
    pub bounds: Bounds,
    /// How the demands of a caller fall while it waits, in order of time.
    pub widen: Vec<Widen>,
    /// Offers in a row that a seat may miss before it is set aside; 0: it never is.
    pub misses: u8,
    /// How long a seat is set aside, unless its operator comes back before.
    pub set_aside: Duration,
}

impl QueueSettings {
    /// A queue of usual habits that ends nowhere.
    #[must_use]
    pub fn new(id: impl Into<QueueId>) -> Self {
        Self {
            id: id.into(),
            answer: AnswerMode::OnAgent,
            strategy: Strategy::LongestIdle,
            ring_timeout: Duration::from_secs(20),
            wrap_up: Duration::from_secs(10),
            wrap_up_most: Duration::from_secs(300),
            max_wait: Duration::from_secs(60),
            overflow: Vec::new(),
            overflow_when: OverflowWhen::default(),
            bounds: Bounds::default(),
            widen: Vec::new(),
            misses: 3,
            set_aside: Duration::from_secs(120),
        }
    }
}

/// Which of the free seats rings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// The one that has had nothing to do for the longest time.
    #[default]
    LongestIdle,
    /// The one with the fewest talks since it signed in.
    FewestCalls,
    /// The one whose last offer is the longest ago.
    RoundRobin,
    /// All of them; the first to answer has the call.
    RingAll,
    /// The one with the highest preference (1 to 5) for this queue.
    Preference,
    /// The one whose operator talked to the caller last; else the longest idle.
    LastOperator,
}

/// How long each lane may wait at most before it is next, whatever came before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Of [`Lane::Usual`].
    pub usual: Duration,
    /// Of [`Lane::Silent`].
    pub silent: Duration,
    /// Of [`Lane::Nuisance`].
    pub nuisance: Duration,
}

impl Bounds {
    /// The bound of a lane.
    #[must_use]
    pub const fn of(&self, lane: Lane) -> Duration {
        match lane {
            Lane::Usual => self.usual,
            Lane::Silent => self.silent,
            Lane::Nuisance => self.nuisance,
        }
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            usual: Duration::from_secs(60),
            silent: Duration::from_secs(90),
            nuisance: Duration::from_secs(120),
        }
    }
}

/// One step by which the demands of a caller fall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Widen {
    /// After so long, counted from the INVITE.
    pub after: Duration,
    /// Levels that a seat may lack, of each skill; 9 or more: no skill is needed.
    pub lower: u8,
    /// Seats up to this tier are asked; none: of every tier.
    pub tier: Option<u8>,
}

/// When a queue's overflow is taken before its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverflowWhen {
    /// As many wait already, without an offer.
    pub length: Option<usize>,
    /// No seat of the queue has a phone that could ring.
    pub unstaffed: bool,
    /// Every seat of the queue is paused or has no phone.
    pub paused: bool,
}

/// Where a caller goes who has waited too long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Overflow {
    /// Also offered to the seats of another queue.
    Queue(QueueId),
    /// A `sip:` or `tel:` URI outside the centre.
    Number(String),
}

/// A queue that a seat serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Which.
    pub queue: QueueId,
    /// 1 is asked first; where the queue widens by tiers, 2 only later.
    pub tier: u8,
    /// 1 to 5, 5 being asked first, for [`Strategy::Preference`].
    pub preference: u8,
    /// 1 to 9: of callers of the same urgency in several queues, those of the highest go first.
    pub weight: u8,
}

impl Membership {
    /// A seat like any other of the queue.
    #[must_use]
    pub fn new(queue: impl Into<QueueId>) -> Self {
        Self { queue: queue.into(), tier: 1, preference: 3, weight: 1 }
    }
}

impl From<&str> for Membership {
    fn from(queue: &str) -> Self {
        Self::new(queue)
    }
}

/// One seat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatSettings {
    /// Its name in the configuration.
    pub id: SeatId,
    /// Queues that it serves.
    pub queues: Vec<Membership>,
    /// Skills of whoever sits there, 1 to 9.
    pub skills: BTreeMap<Skill, u8>,
    /// Who sits there, until the console lets people sign in.
    pub operator: Option<OperatorId>,
    /// Ready as soon as its phone registers.
    pub auto_ready: bool,
    /// Its phone is asked to answer by itself (RFC 5373).
    pub auto_answer: bool,
}

impl SeatSettings {
    /// A seat of usual habits.
    #[must_use]
    pub fn new(id: impl Into<SeatId>, queues: &[&str]) -> Self {
        Self {
            id: id.into(),
            queues: queues.iter().map(|queue| Membership::new(*queue)).collect(),
            skills: BTreeMap::new(),
            operator: None,
            auto_ready: true,
            auto_answer: false,
        }
    }

    /// Its place in a queue; none when it does not serve it.
    #[must_use]
    pub fn member(&self, queue: &QueueId) -> Option<&Membership> {
        self.queues.iter().find(|member| member.queue == *queue)
    }
}
