//! What the machine is told and what it asks for: words only.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::seat::{Pause, SeatState};
use super::settings::Overflow;
use crate::vocabulary::{CallId, Lane, Moment, OfferId, OperatorId, QueueId, SeatId, Want};

/// A caller as the queue sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The call.
    pub call: CallId,
    /// Where it waits.
    pub queue: QueueId,
    /// 0 to 9, highest first.
    pub priority: u8,
    /// When its INVITE came.
    pub arrived: Moment,
    /// Its lane.
    pub lane: Lane,
    /// Skills that it needs.
    pub wants: Vec<Want>,
    /// Who talked to the same caller last.
    pub last: Option<OperatorId>,
}

impl Ticket {
    /// A caller of no particular demands.
    #[must_use]
    pub fn new(call: CallId, queue: impl Into<QueueId>, priority: u8, arrived: Moment) -> Self {
        let (lane, wants, last) = (Lane::Usual, Vec::new(), None);
        Self { call, queue: queue.into(), priority, arrived, lane, wants, last }
    }
}

/// What happens to queues and seats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A caller waits.
    Wait(Ticket),
    /// What is known of a waiting caller has changed: its lane, its priority, its queue. One that
    /// has a seat already keeps it.
    Change(Ticket),
    /// A caller left, in whatever state; its offer and its talk are over.
    Leave {
        /// The call.
        call: CallId,
    },
    /// A seat's first phone registered or its last went away.
    Reachable {
        /// The seat.
        seat: SeatId,
        /// Whether any phone is registered.
        reachable: bool,
        /// It went away without a word: the network's or the phone's doing, not the operator's.
        lost: bool,
    },
    /// A person pauses a seat. Each reason stands for itself.
    Pause {
        /// The seat.
        seat: SeatId,
        /// Why.
        why: Pause,
    },
    /// A person takes a pause back; that ends a wrap-up too.
    Resume {
        /// The seat.
        seat: SeatId,
        /// Which pause; none: every one.
        why: Option<Pause>,
    },
    /// Somebody signs in to a seat, whoever the configuration says; none: nobody any more.
    Sit {
        /// The seat.
        seat: SeatId,
        /// Who.
        operator: Option<OperatorId>,
    },
    /// An operator needs longer after a talk: until so much after now, within the queue's bound.
    WrapUp {
        /// The seat.
        seat: SeatId,
        /// From now on.
        more: std::time::Duration,
    },
    /// A person takes a caller for a seat, out of turn: whoever else it rings at is let go.
    PickUp {
        /// The call.
        call: CallId,
        /// The seat.
        seat: SeatId,
    },
    /// The seat's phone rings.
    Rings {
        /// Which offer.
        offer: OfferId,
    },
    /// One side of a talk put the other on hold, or took it back.
    Hold {
        /// The call.
        call: CallId,
        /// Whether it is held.
        held: bool,
    },
    /// The seat answered.
    Taken {
        /// Which offer.
        offer: OfferId,
    },
    /// The offer came to nothing.
    Missed {
        /// Which offer.
        offer: OfferId,
        /// Whose doing.
        miss: Miss,
    },
    /// A call and a seat talk, whatever the call did before: it was transferred there. The seat
    /// that had it, if any, is left alone as after any talk.
    Join {
        /// The call, whose queue's wrap-up time counts.
        ticket: Ticket,
        /// The seat.
        seat: SeatId,
    },
    /// A seat has a call beside the queues: no offers while it lasts.
    Engage {
        /// The seat.
        seat: SeatId,
        /// Its call.
        call: CallId,
    },
    /// Such a call is over.
    Disengage {
        /// The seat.
        seat: SeatId,
        /// The call.
        call: CallId,
    },
    /// How many new offers could be carried out now (ports). Without a word there is no bound.
    Gate {
        /// Offers that may be made until the next word.
        room: usize,
    },
}

/// Why an offer came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Miss {
    /// The seat refused or was busy.
    Refused,
    /// Its phone could not be reached: no doing of the operator's.
    Unreachable,
    /// The offer could not be carried out, through no doing of the seat.
    NotMade,
}

/// What the machine asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Ring a seat for a call.
    Offer {
        /// The lease.
        offer: OfferId,
        /// The call.
        call: CallId,
        /// The seat.
        seat: SeatId,
        /// Who sits there.
        operator: Option<OperatorId>,
    },
    /// An offer is over: stop ringing the seat.
    Withdraw {
        /// The lease, over now.
        offer: OfferId,
        /// The call.
        call: CallId,
        /// The seat.
        seat: SeatId,
        /// Why.
        why: Withdrawn,
    },
    /// A caller waited too long.
    Overflowed {
        /// The call.
        call: CallId,
        /// Where it goes on to.
        to: Overflow,
        /// Why.
        why: Why,
    },
    /// A seat's state changed.
    SeatChanged {
        /// The seat.
        seat: SeatId,
        /// What it was.
        from: SeatState,
        /// What it is now.
        state: SeatState,
    },
    /// A seat missed so many offers in a row that it is set aside until its operator is back, or for
    /// the queue's time.
    SetAside {
        /// The seat.
        seat: SeatId,
        /// How many.
        misses: u8,
    },
}

/// Why an offer is over before the seat answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withdrawn {
    /// It rang long enough.
    RangOut,
    /// Another seat has the call.
    Elsewhere,
    /// The seat is needed for somebody who has none.
    Needed,
}

/// Why a caller goes on to the overflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// It waited this many seconds.
    Waited(u64),
    /// So many wait already.
    Length(usize),
    /// No seat of the queue has a phone.
    Unstaffed,
    /// Every seat of the queue is paused.
    Paused,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waited(seconds) => write!(f, "waited {seconds} s"),
            Self::Length(length) => write!(f, "{length} wait already"),
            Self::Unstaffed => f.write_str("no seat is signed in"),
            Self::Paused => f.write_str("every seat is paused"),
        }
    }
}

/// One seat as others may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatStatus {
    /// The seat.
    pub seat: SeatId,
    /// Who sits there.
    pub operator: Option<OperatorId>,
    /// What it does.
    pub state: SeatState,
    /// Since when.
    pub since: Moment,
    /// Why it is paused, each for itself.
    pub pauses: Vec<Pause>,
    /// When its wrap-up ends by itself.
    pub wrap_up_until: Option<Moment>,
    /// Talks since it signed in.
    pub talks: u32,
    /// Its call.
    pub call: Option<CallId>,
    /// Queues that it serves.
    pub queues: Vec<QueueId>,
}

/// One queue as others may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueCount {
    /// The queue.
    pub queue: QueueId,
    /// Callers without an offer.
    pub waiting: usize,
    /// Of these, by lane: usual, silent, nuisance.
    pub lanes: [usize; 3],
    /// Callers with one.
    pub ringing: usize,
    /// When the oldest of both came.
    pub oldest: Option<Moment>,
    /// Ready seats.
    pub ready_seats: usize,
    /// All seats that serve it.
    pub seats: usize,
}
