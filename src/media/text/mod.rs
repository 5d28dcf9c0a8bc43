//! Real-time text: what a deaf caller types, letter by letter (T.140 over RTP, RFC 4103).
//!
//! Pure: packets in, text out, and back. `packet` is the form of a payload, `clean` what may be in a text,
//! `decode` makes letters of bytes, `reader` puts together what a peer writes, with what redundancy saves,
//! and `mixed` what a peer passes on of several; `writer` says when which packet is due, `turns` which of
//! several writers goes first. Knows no socket, stream or call. Text is a few packets a second, so unlike the audio
//! beside it this allocates; everything a stranger could make grow has a bound.

mod clean;
mod decode;
#[doc(hidden)]
pub mod mixed;
mod packet;
#[doc(hidden)]
pub mod reader;
mod turns;
#[doc(hidden)]
pub mod writer;

pub use mixed::Mixed;
pub use packet::Block;
pub use reader::Reader;
pub use turns::Turns;
pub use writer::Writer;

pub use crate::call::writing::{ERASE, MISSING, NEW_LINE};

/// Begins a session, and means nothing after that.
pub const BYTE_ORDER: char = '\u{feff}';
