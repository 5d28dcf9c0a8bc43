//! Bytes to messages to transactions to dialogs, and back (RFC 3261).
//!
//! A machine room: bytes in, events and bytes out. It never knows trunks, calls or queues, never
//! reads a clock and never touches a socket. The reader is tolerant, the writer strict.

pub mod body;
pub mod dialog;
pub mod digest;
pub mod endpoint;
pub mod event;
pub mod flow;
pub mod framing;
pub mod glance;
pub mod guesses;
pub mod locate;
pub mod message;
pub mod name;
pub mod parse;
pub mod refer;
pub mod registrar;
pub mod reliable;
pub mod session_timer;
pub mod settings;
pub mod stun;
mod transaction;
pub mod unavailable;
pub mod uri;
pub mod urgency;
pub mod values;
pub mod write;

pub use dialog::Dialog;
pub use endpoint::Endpoint;
pub use event::{ClientId, Event, Send, ServerId};
pub use flow::{Flow, Listener, Transport};
pub use message::{Headers, Message, Method, Request, Response};
pub use name::Name;
pub use uri::{Scheme, Uri};
pub use values::{CSeq, NameAddr, Params, Via};
