//! What people may ask of the switchboard, and what it answers.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::view::Board;
use crate::call::table::Part;
use crate::call::writing::Written;
use crate::incident::Report;
use crate::screening::{Disposition, Mark, WorkEntry, WorkId};
use crate::vocabulary::{CallId, ChainId, Lane, OperatorId, Private, QueueId, SeatId};

/// A request of a person or a page, answered in the same turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Shows the live board.
    Board,
    /// Sets a seat's status.
    SetSeat {
        /// Which seat.
        seat: SeatId,
        /// Ready or paused.
        status: SeatStatus,
        /// Why it pauses, in free text. With ready: the one pause that is taken back; empty: all.
        reason: String,
        /// The token's name, for the audit entry.
        by: String,
    },
    /// Somebody signs in to a seat, or out of it.
    Sit {
        /// Which seat.
        seat: SeatId,
        /// Who; none: nobody any more.
        operator: Option<OperatorId>,
        /// The person's name; empty for who sat there before a restart.
        by: String,
    },
    /// An operator needs longer after a talk.
    ExtendWrapUp {
        /// Which seat.
        seat: SeatId,
        /// From now on.
        seconds: u32,
        /// The token's name.
        by: String,
    },
    /// Takes a caller for a seat, out of turn.
    PickUp {
        /// Who waits or rings elsewhere.
        call: CallId,
        /// For this seat.
        seat: SeatId,
        /// The token's name.
        by: String,
    },
    /// Lets a caller who waits, wait elsewhere or at another place.
    Move {
        /// Who waits.
        call: CallId,
        /// In this queue; none: where it is.
        queue: Option<QueueId>,
        /// 0 to 9, highest first; none: as it is.
        priority: Option<u8>,
        /// In this lane, and listening changes it no more; none: as it is.
        lane: Option<Lane>,
        /// The person's name.
        by: String,
    },
    /// Brings somebody into a call.
    Join {
        /// Which call.
        call: CallId,
        /// The name of a seat, or a number.
        to: String,
        /// The part that they are to play.
        part: Part,
        /// The token's name.
        by: String,
    },
    /// Gives somebody who takes part another part, or takes their voice away or gives it back.
    SetPart {
        /// Which call.
        call: CallId,
        /// Who.
        party: u8,
        /// From now on; none: as before.
        part: Option<Part>,
        /// Whether nobody hears them; none: as before.
        muted: Option<bool>,
        /// The token's name.
        by: String,
    },
    /// Lets somebody go who takes part, or is being called.
    Remove {
        /// Which call.
        call: CallId,
        /// Who.
        party: u8,
        /// The token's name.
        by: String,
    },
    /// Lets somebody who takes part have the caller; the operator is let go.
    TakeOver {
        /// Which call.
        call: CallId,
        /// Who.
        party: u8,
        /// The token's name.
        by: String,
    },
    /// Calls somebody out, one contact after the other.
    BeginChain {
        /// For which call.
        call: CallId,
        /// Which chain.
        chain: ChainId,
        /// Code of the kecamatan whose people are meant; none: not known.
        kecamatan: Option<String>,
        /// The token's name.
        by: String,
    },
    /// Whoever of the chain has answered comes.
    TakeChain {
        /// Of which call.
        call: CallId,
        /// The token's name.
        by: String,
    },
    /// The next of the chain is called.
    NextInChain {
        /// Of which call.
        call: CallId,
    },
    /// Nobody else of the chain is called.
    StopChain {
        /// Of which call.
        call: CallId,
        /// The token's name.
        by: String,
    },
    /// Lets the caller hear nothing of the talk, or again.
    SetPrivate {
        /// Which call.
        call: CallId,
        /// Whether so.
        private: bool,
        /// The token's name.
        by: String,
    },
    /// Shows what is written in a call.
    ReadText {
        /// Which call.
        call: CallId,
    },
    /// Writes to the caller.
    WriteText {
        /// Which call.
        call: CallId,
        /// T.140, fit to be shown.
        text: Private<String>,
        /// The token's name.
        by: String,
    },
    /// Says what kind of call it was.
    Dispose {
        /// Which call.
        call: CallId,
        /// What kind; none takes back what was said.
        disposition: Option<Disposition>,
        /// The token's name.
        by: String,
    },
    /// Marks the number of a call as a nuisance.
    MarkNumber {
        /// The call.
        call: CallId,
        /// Its number, E.164 where known.
        number: Private<String>,
        /// For so many hours; none: as configured.
        hours: Option<u32>,
        /// The token's name.
        by: String,
    },
    /// Takes the mark of a number back.
    ClearNumber {
        /// The number.
        number: Private<String>,
        /// The token's name.
        by: String,
    },
    /// A phone tells where it is.
    ReportLocation {
        /// What came.
        report: Box<Report>,
    },
    /// Shows the marks that stand.
    Marks,
    /// Shows who is to be called back.
    WorkList,
    /// Calls somebody of the work list back: the seat rings, then the number.
    CallBack {
        /// Which entry.
        work: WorkId,
        /// The seat.
        seat: SeatId,
        /// The token's name.
        by: String,
    },
    /// Closes an entry of the work list.
    CloseWork {
        /// Which entry.
        work: WorkId,
        /// Why, in the person's words.
        why: String,
        /// The token's name.
        by: String,
    },
}

/// What a person may set a seat to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SeatStatus {
    /// Takes calls.
    Ready,
    /// Takes none until set ready again.
    Paused,
}

/// What an order led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The board.
    Board(Box<Board>),
    /// The marks that stand.
    Marks(Vec<Mark>),
    /// Who is to be called back, the oldest first.
    Work(Vec<WorkEntry>),
    /// What is written in a call.
    Text(TextView),
    /// Somebody is being called, and has this number in the call.
    Invited(u8),
    /// The report was kept, for this call.
    Located(Option<CallId>),
    /// The order was carried out.
    Done,
}

/// What is written in a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextView {
    /// The latest lines in their order.
    pub lines: Vec<Written>,
    /// The caller can be written to now.
    pub can_write: bool,
}

/// Why an order was not carried out; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// No such seat.
    #[error("there is no seat {0:?}")]
    NoSuchSeat(SeatId),
    /// No such queue.
    #[error("there is no queue {0:?}")]
    NoSuchQueue(QueueId),
    /// No such live call.
    #[error("the call {0} does not live any more")]
    NoSuchCall(CallId),
    /// No such chain.
    #[error("there is no chain {0:?}")]
    NoSuchChain(ChainId),
    /// No such open entry.
    #[error("the work list has no open entry {0}")]
    NoSuchWork(WorkId),
    /// No such mark.
    #[error("the number is not marked")]
    NotMarked,
    /// The call or the seat is in a state in which that makes no sense.
    #[error("{0}")]
    NotNow(String),
}
