//! Queues, seats and offers: which call goes to which seat, and when to give up on one.
//!
//! A machine room that imports nothing but the vocabulary: the heart of the product can be read
//! and argued about by someone who knows no SIP. It never knows dialogs, media or people's pages.
//!
//! ```text
//! call   waiting -offer-> offered -taken-> talking -over-> gone
//!        offered -refused, missed-> waiting, at its old place
//!        waiting, offered -leaves-> gone
//! seat   signed-out <-> paused <-> ready -offer-> offered -> ringing -taken-> talking <-> hold
//!        talking -over-> wrap-up -> ready
//!        offered -refused, missed-> resting -> ready; too often -> paused, with a way back
//! ```
//!
//! A seat has at most one live offer, held as a lease with a deadline; a call has one seat at most,
//! decided once. At rest no free seat that may have a caller stands beside one who waits. The order is
//! the lane, the priority, then first arrival (`waiting`); whoever has waited as long as its lane may
//! is next, so that every lane reaches a person within its bound.

mod callers;
mod distributor;
mod free;
mod offers;
mod seat;
mod seats;
pub mod service_level;
pub mod settings;
mod views;
mod waiting;
mod words;

pub use distributor::{Distributor, Kept};
pub use seat::{Pause, SeatState};
pub use words::{Input, Miss, Output, QueueCount, SeatStatus, Ticket, Why, Withdrawn};
