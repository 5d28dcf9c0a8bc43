//! What is known of the emergency: caller, place, data, kind.
//!
//! A function room: values in, values out. Late facts are normal, and what cannot be understood
//! is kept with a finding. It never knows SIP transactions, queues or people at work.

pub mod alert;
pub mod cell;
pub mod data;
pub mod location;
pub mod form;
pub mod settings;
pub mod xml;
mod brief;
mod category;
mod edit;
mod history;
mod place;
mod record;

pub use brief::{Brief, Shown};
pub use category::{category, service_label};
pub use edit::{Closing, Edit, Opened, Origin, Reopening, Step, Tie};
pub use form::{Changes, Choices, Field, Form, Notice, Point, Value, WrongField};
pub use history::{Conflict, Record, Shut, Tied};
pub use place::place;
pub use record::{
    AdditionalData, Arrival, Caller, Cell, DataCame, IdentityHeader, Location, Raw, Trust,
};
