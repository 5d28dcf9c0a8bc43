//! How a call ended: at which stage, by whom, and why. There is no "unknown".

use serde::{Deserialize, Serialize};

/// Whose act something was, or whose fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Party {
    /// The person who called, through the trunk.
    Caller,
    /// The operator's phone.
    Seat,
    /// This gateway.
    Gateway,
    /// The carrier's network, or the path to it.
    Network,
    /// An admin or supervisor.
    Staff,
}

/// How far a call had come when it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Received, not yet queued.
    Arriving,
    /// Queued, no seat ringing.
    Waiting,
    /// A seat was ringing.
    Ringing,
    /// A seat had answered and the caller's ACK was outstanding or done.
    Talking,
    /// The test call, which never enters a queue.
    Test,
}

impl Stage {
    /// The word used in records, the API and metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Arriving => "arriving",
            Self::Waiting => "waiting",
            Self::Ringing => "ringing",
            Self::Talking => "talking",
            Self::Test => "test",
        }
    }
}

/// Why a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// A BYE after a conversation.
    HungUp,
    /// A CANCEL before the answer.
    Cancelled,
    /// A CANCEL whose Reason says that the network's own timer ran out: we were too slow.
    NetworkTimer,
    /// A CANCEL or BYE whose Reason names a fault of the radio or the network.
    NetworkFault,
    /// The caller's network never acknowledged our 200.
    NoAck,
    /// The dialog was gone at the other side (408 or 481 to a request of ours).
    DialogLost,
    /// Whoever was called beside the queues did not answer.
    NotReached,
    /// The two at its ends were brought together in another call.
    Transferred,
    /// The test call's time was over.
    TestOver,
    /// The gateway takes no new calls; the trunk was told to try elsewhere.
    Draining,
    /// Its number was marked again and again, and no key was pressed.
    Nuisance,
    /// More test calls than may run at once.
    TooManyTests,
    /// The program was stopped or killed while the call lived.
    Restart,
    /// A fault of this program ended this call and no other.
    InternalFault,
}

/// How a call ended, as the record, the metrics and the lost-call report all show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// How far the call had come.
    pub stage: Stage,
    /// Who ended it.
    pub by: Party,
    /// Why.
    pub cause: Cause,
    /// Q.850 cause from a Reason header (RFC 3326), when one came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q850: Option<u16>,
}

impl Ending {
    /// Whether the caller left before any seat answered.
    #[must_use]
    pub const fn is_abandoned(&self) -> bool {
        matches!(self.by, Party::Caller | Party::Network)
            && matches!(self.stage, Stage::Arriving | Stage::Waiting | Stage::Ringing)
    }
}
