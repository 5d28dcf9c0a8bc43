//! What other agencies' computers get from us and send us, and what they are asked. One bridge per file;
//! each can fail alone, and none is ever waited for by a call.

pub mod certificate;
pub mod data_fetch;
mod dead;
pub mod eido;
pub mod eido_export;
pub mod event;
pub mod held;
pub mod https;
pub mod i3_log;
mod i3_logger;
mod issuer;
mod list_keeper;
mod mine;
mod outbox;
pub mod passport;
mod pidf;
mod webhook;
pub mod settings;
pub mod pops;
mod post;
pub mod revocation;
mod vouching;

pub use dead::DeadLetter;
pub use i3_logger::{KeyError, Logger};
pub use issuer::Issuer;
pub use mine::Mine;
pub use outbox::{Letter, Letters, Outbox, OutboxView, Surroundings};
pub use post::{Endpoint, EndpointError};
pub use vouching::Voucher;
pub use webhook::Webhook;
