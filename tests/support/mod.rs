//! What the suites against the real program share: a gateway on a configuration of its own, the
//! peers that talk to it, and the eyes that look at what it wrote. Nothing in here waits for a
//! fixed time: it waits for what must happen, with a limit.

#![allow(dead_code, reason = "each suite uses its own part of the support")]

pub mod caller;
pub mod digest;
pub mod gateway;
pub mod helper;
pub mod http;
pub mod location_server;
pub mod people;
pub mod person;
pub mod phone;
pub mod pki;
pub mod postgres;
pub mod record;
pub mod seat;
pub mod sipp;
pub mod sipp_caller;
pub mod site;
pub mod tone;
pub mod wait;
pub mod wire;
