//! The queue of the real program on a virtual clock: months of calls in seconds.
//!
//! Callers come from a [`Profile`] or from records; the [`Distributor`](crate::acd::Distributor) is
//! the one that serves calls. What callers and operators do is drawn from seeded dice, so a run can
//! be repeated, and two policies can be shown to the very same callers. Pure: the same seed and the
//! same profile give the same numbers. It must never hold a rule of the queue of its own.

mod callers;
mod chance;
pub mod erlang;
mod floor;
mod hourly;
mod profile;
mod report;
mod staffing;
mod tally;

pub use callers::{Caller, Kind, Patience, Recorded, callers, from_records};
pub use floor::{Crew, Order, run};
pub use hourly::{Need, need};
pub use profile::{
    BoundSeconds, Habits, Mark, Profile, ProfileError, ScreenWord, Screening, Spread, SpreadWord,
};
pub use report::{compared, one_run, seats};
pub use staffing::{Service, Staffing, staffing};
pub use tally::{Tally, Waits};
