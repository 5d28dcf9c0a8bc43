//! Session descriptions as values (RFC 8866) and how an offer is answered (RFC 3264).
//!
//! A function room: text in, values out, and back. The reader is tolerant and keeps what it does
//! not know; the writer is strict. It never knows calls, dialogs or sockets.
//!
//! A description is a list of lines: those of the session, then those of each media line. Order
//! matters and is kept.

mod answer;
mod audio;
mod description;
mod protection;
mod text;

pub use answer::{Choice, OurLine, OurSession, answer, choose, offer, our_events, our_payload};
pub use audio::{AudioOffer, CodecKind, Direction, PayloadType, audio, audio_lines};
pub use description::{Description, Line, Media, ParseError, parse};
pub use protection::{Crypto, Profile, Protected, Protection, Setup};
pub use text::{OurText, TextOffer, text_lines};
