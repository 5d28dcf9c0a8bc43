//! The facts we keep for years. Entries are appended and never edited; each carries the hash of
//! the one before.
//!
//! A function room: what a fact is and how entries are chained. Writing them to disk is `store`'s.

mod about;
pub mod chain;
mod deed;
mod entry;
mod head;
pub mod retention;
pub mod sealed;
mod signal;

pub use chain::{Chain, ChainError, Line, Link};
pub use deed::Deed;
pub use entry::{Entry, Fact, OfferOutcome};
pub use head::Head;
pub use signal::{Peer, Signal, Way};
