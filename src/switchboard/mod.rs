//! Owns the pure rooms: one door in, one queue out, one deadline.
pub mod orders;
pub mod settings;
pub mod view;
