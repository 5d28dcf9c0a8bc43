//! What the machine is told and what it asks for: words only.

use super::seat::SeatState;
use super::settings::Overflow;
use crate::vocabulary::{CallId, Moment, OfferId, OperatorId, QueueId, SeatId};

/// What happens to queues and seats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A caller waits.
    Wait {
        /// The call.
        call: CallId,
        /// In this queue.
        queue: QueueId,
        /// 0 to 9, highest first.
        priority: u8,
        /// When its INVITE came.
        arrived: Moment,
    },
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
    },
    /// A person set a seat's status.
    Status {
        /// The seat.
        seat: SeatId,
        /// Takes calls.
        ready: bool,
        /// Why not.
        reason: String,
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
        /// The call.
        call: CallId,
        /// The seat.
        seat: SeatId,
        /// The call's queue, whose wrap-up time counts.
        queue: QueueId,
        /// 0 to 9, highest first.
        priority: u8,
        /// When its INVITE came.
        arrived: Moment,
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
    /// The seat refused, was busy or could not be reached.
    Refused,
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
    /// The seat did not answer in time: stop ringing it.
    Withdraw {
        /// The lease, over now.
        offer: OfferId,
        /// The call, waiting again.
        call: CallId,
        /// The seat, resting.
        seat: SeatId,
    },
    /// A caller waited too long.
    Overflowed {
        /// The call.
        call: CallId,
        /// Where it goes on to.
        to: Overflow,
        /// Seconds that it waited.
        waited: u64,
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
    /// Why it is paused.
    pub reason: String,
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
    /// Callers with one.
    pub ringing: usize,
    /// When the oldest of both came.
    pub oldest: Option<Moment>,
    /// Ready seats.
    pub ready_seats: usize,
    /// All seats that serve it.
    pub seats: usize,
}
