//! (room)
pub mod settings;
pub mod digest;
