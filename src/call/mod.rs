//! (room)
pub mod orders;
