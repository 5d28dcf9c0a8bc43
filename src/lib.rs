//! Siaga112: the 112 gateway of a regency. Trunks in, queue, operator seats, incident record.
//!
//! The rooms, in the order a call meets them. A room imports only rooms above it; `tests/
//! architecture.rs` holds that.

pub mod vocabulary;

// The pure rooms: values in, values out; no I/O, no clock, no thread.
pub mod sdp;
pub mod sip;
pub mod incident;
pub mod trunk;
pub mod routing;
pub mod screening;
pub mod call;
pub mod acd;
pub mod callout;
pub mod journal;
pub mod switchboard;
pub mod simulation;
pub mod people;

// The rim: sockets, threads, disk, people.
pub mod media;
pub mod recording;
pub mod store;
pub mod proof;
pub mod agencies;
pub mod telemetry;
pub mod console;
pub mod config;
pub mod server;
/// Simulated carriers and seats around the real gateway.
pub mod demo;
