//! What people may ask of the switchboard, and what it answers.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::view::Board;
use crate::vocabulary::SeatId;

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
        /// Why it pauses; free text.
        reason: String,
        /// The token's name, for the audit entry.
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
    /// The order was carried out.
    Done,
}

/// Why an order was not carried out; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// No such seat.
    #[error("there is no seat {0:?}")]
    NoSuchSeat(SeatId),
}
