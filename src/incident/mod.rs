//! What is known of the emergency: caller, place, data, kind.
//!
//! A function room: values in, values out. Late facts are normal, and what cannot be understood
//! is kept with a finding. It never knows SIP transactions, queues or people at work.

pub mod cell;
pub mod location;
pub mod settings;
mod category;
mod place;
mod record;

pub use category::{category, service_label};
pub use place::place;
pub use record::{AdditionalData, Arrival, Caller, Cell, IdentityHeader, Location, Raw, Trust};
