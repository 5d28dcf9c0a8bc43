//! Validated settings of queues and seats.

use std::time::Duration;

use crate::vocabulary::{AnswerMode, OperatorId, QueueId, SeatId};

/// One queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSettings {
    /// Its name in the configuration.
    pub id: QueueId,
    /// When a caller in this queue is answered.
    pub answer: AnswerMode,
    /// How long one seat rings before the next is tried.
    pub ring_timeout: Duration,
    /// How long a seat is left alone after a talk.
    pub wrap_up: Duration,
    /// How long a caller waits before the overflow is taken.
    pub max_wait: Duration,
    /// Where to next, in order; the last is a number or URI outside.
    pub overflow: Vec<Overflow>,
}

/// Where a caller goes who has waited too long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// Also offered to the seats of another queue.
    Queue(QueueId),
    /// A `sip:` or `tel:` URI outside the centre.
    Number(String),
}

/// One seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatSettings {
    /// Its name in the configuration.
    pub id: SeatId,
    /// Queues that it serves.
    pub queues: Vec<QueueId>,
    /// Who sits there, until the console lets people sign in.
    pub operator: Option<OperatorId>,
    /// Ready as soon as its phone registers.
    pub auto_ready: bool,
}
