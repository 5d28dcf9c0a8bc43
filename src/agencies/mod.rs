//! What other agencies' computers get from us and send us, and what they are asked. One bridge per file;
//! each can fail alone, and none is ever waited for by a call.

pub mod eido;
pub mod eido_export;
pub mod https;
pub mod i3_log;
mod issuer;
mod pidf;
pub mod settings;

pub use issuer::Issuer;
