//! (room)
pub mod settings;
