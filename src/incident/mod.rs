//! What is known of the emergency: caller, place, data, kind.
//!
//! A function room: values in, values out. Late facts are normal, and what cannot be understood
//! is kept with a finding. It never knows SIP transactions, queues or people at work.

pub mod aml;
mod best;
pub mod alert;
pub mod cell;
pub mod data;
mod brief;
pub mod xml;
mod category;
mod cell_table;
mod edit;
pub mod form;
mod history;
pub mod location;
mod order;
mod place;
mod reach;
mod record;
mod report;
pub mod settings;
mod vouched;
mod whereabouts;

pub use best::{Evidence, Guess, NeighbourHint, Place};
pub use brief::{Brief, Shown};
pub use category::{category, service_label};
pub use cell_table::{CellKey, CellTable, Learnt, LearntCells};
pub use edit::{Closing, Edit, Opened, Origin, Reopening, Step, Tie};
pub use form::{Changes, Choices, Field, Form, Notice, Point, Value, WrongField};
pub use history::{Conflict, Record, Shut, Tied};
pub use order::{Stamp, in_order};
pub use place::place;
pub use record::{
    AdditionalData, Arrival, Caller, Cell, DataCame, IdentityHeader, Location, Raw, Trust,
};
pub use report::{Device, How, Located, Report};
pub use vouched::{Badge, Doubt, IdentityChecked, Passport, Why};
pub use whereabouts::{Known, Remembered, Whereabouts};
