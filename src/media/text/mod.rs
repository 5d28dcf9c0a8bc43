//! Real-time text: what a deaf caller types, letter by letter (T.140 over RTP, RFC 4103).
//!
//! Pure: packets in, text out, and back. `packet` is the form of a payload, `clean` what may be in a text,
//! `reader` puts together what a peer writes, with what redundancy saves, and `writer` says when which
//! packet is due. Knows no socket, stream or call. Text is a few packets a second, so unlike the audio
//! beside it this allocates; everything a stranger could make grow has a bound.

mod clean;
mod packet;
#[doc(hidden)]
pub mod reader;
#[doc(hidden)]
pub mod writer;

pub use reader::Reader;
pub use writer::Writer;

/// Stands for text that was lost on the way (T.140 addendum 1).
pub const MISSING: char = '\u{fffd}';
/// Begins a new line (T.140 §8).
pub const NEW_LINE: char = '\u{2028}';
/// Takes the last character back.
pub const ERASE: char = '\u{8}';
/// Begins a session, and means nothing after that.
pub const BYTE_ORDER: char = '\u{feff}';
