//! Who the carrier is, how far it is trusted, and what its INVITE says about the caller and the
//! emergency.
//!
//! A function room: values in, values out. What cannot be understood is kept with a finding and
//! never refuses a call. It never knows transactions, queues or seats.

pub mod number_plan;
pub mod settings;
