//! Queues, seats and offers: which call goes to which seat, and when to give up on one.
//!
//! A machine room that imports nothing but the vocabulary: the heart of the product can be read
//! and argued about by someone who knows no SIP. It never knows dialogs, media or people's pages.
//!
//! ```text
//! call   waiting -offer-> offered -taken-> talking -over-> gone
//!        offered -refused, missed-> waiting, at its old place
//!        waiting, offered -leaves-> gone
//! seat   signed-out <-> paused <-> ready -offer-> offered -taken-> talking -over-> wrap-up -> ready
//!        offered -refused, missed-> resting -> ready
//! ```
//!
//! A seat has at most one live offer, held as a lease with a deadline.

mod distributor;
mod seat;
pub mod settings;
mod waiting;
mod words;

pub use distributor::Distributor;
pub use seat::{Pause, SeatState};
pub use words::{Input, Miss, Output, QueueCount, SeatStatus, Ticket, Why, Withdrawn};
