//! A stream's bytes to whole messages (RFC 3261 §18.3), however the network has cut them.
//!
//! Decisions:
//!
//! * A message without a Content-Length ends with its head: there is no other way to find the next.
//! * A Content-Length that cannot be read, or two that differ: where the message ends is not known.
//!   Its head is still given, for an INVITE must not be lost by a switch's mistake; then framing is
//!   lost and the connection must be closed.
//! * A first line without `SIP/` (a browser, a scanner, TLS on the plain port) loses it at once.

use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;

use crate::vocabulary::limits;

/// What comes out of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// One whole message.
    Message(Bytes),
    /// A double CRLF: the peer asks whether we are there, and gets [`PONG`] (RFC 5626 §4.4.1).
    Ping,
}

/// The answer to a [`Frame::Ping`].
pub const PONG: &[u8] = b"\r\n";

/// The stream cannot be cut into messages any more; the connection must be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Lost {
    /// The first line is none of SIP.
    #[error("the stream is no SIP")]
    NotSip,
    /// A message, or its head, is longer than any may be.
    #[error("a message longer than {} bytes", limits::SIP_MESSAGE_BYTES)]
    TooLong,
    /// Content-Length does not say where the message ends.
    #[error("a Content-Length that cannot be read")]
    Length,
}

/// Where the reading of a message stands.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// Between messages, after so many line ends (0 or 1).
    Between { ends: u8 },
    /// Within a head: the current line begins at `line`, and there is no line end before `seen`.
    Head { line: usize, seen: usize },
    /// The head is whole, and the message is this long.
    Body { whole: usize },
    /// Framing is lost.
    Lost(Lost),
}

/// Whether the first line is one of SIP, as far as can be told at a glance.
#[must_use]
pub fn is_sip(message: &[u8]) -> bool {
    let line = message.split(|byte| *byte == b'\n').next().unwrap_or_default();
    memchr::memmem::find(&line.to_ascii_uppercase(), b"SIP/").is_some()
}

/// One stream.
#[derive(Debug)]
pub struct Framer {
    buffer: BytesMut,
    place: Place,
}

impl Default for Framer {
    fn default() -> Self {
        Self { buffer: BytesMut::new(), place: Place::Between { ends: 0 } }
    }
}

impl Framer {
    /// Takes bytes as they came. The caller asks [`Framer::poll`] until it is empty before it takes
    /// more, so that never more than a message and one read are held.
    pub fn put(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether a message has begun and is not whole yet.
    #[must_use]
    pub const fn is_within(&self) -> bool {
        matches!(self.place, Place::Head { .. } | Place::Body { .. })
    }

    /// The next frame; none until more bytes came.
    ///
    /// # Errors
    /// [`Lost`], and from then on always.
    pub fn poll(&mut self) -> Result<Option<Frame>, Lost> {
        loop {
            match self.place {
                Place::Between { ends } => match self.skip(ends) {
                    Step::More => return Ok(None),
                    Step::Frame(frame) => return Ok(Some(frame)),
                    Step::On => {}
                },
                Place::Head { line, seen } => match self.head(line, seen) {
                    Ok(true) => {}
                    Ok(false) => return Ok(None),
                    Err(lost @ Lost::Length) => {
                        // The head alone; the error is told next time.
                        self.place = Place::Lost(lost);
                        let head = Bytes::copy_from_slice(&self.buffer);
                        self.buffer.clear();
                        return Ok(Some(Frame::Message(head)));
                    }
                    Err(lost) => {
                        self.place = Place::Lost(lost);
                        self.buffer.clear();
                    }
                },
                Place::Body { whole } => {
                    if self.buffer.len() < whole {
                        return Ok(None);
                    }
                    // A copy: a short message that lives long must not keep the read buffer alive.
                    let message = Bytes::copy_from_slice(self.buffer.get(..whole).unwrap_or(&[]));
                    self.buffer.advance(whole);
                    self.place = Place::Between { ends: 0 };
                    return Ok(Some(Frame::Message(message)));
                }
                Place::Lost(lost) => return Err(lost),
            }
        }
    }

    /// Line ends before a message: a pair is a ping, one alone means nothing (RFC 3261 §7.5).
    fn skip(&mut self, mut ends: u8) -> Step {
        loop {
            let skipped = match (self.buffer.first(), self.buffer.get(1)) {
                (Some(b'\r'), None) | (None, _) => {
                    self.place = Place::Between { ends };
                    return Step::More;
                }
                (Some(b'\r'), Some(b'\n')) => 2,
                (Some(b'\n'), _) => 1,
                // A CR that ends no line is rubbish; the first line will tell.
                _ => {
                    self.place = Place::Head { line: 0, seen: 0 };
                    return Step::On;
                }
            };
            self.buffer.advance(skipped);
            ends += 1;
            if ends == 2 {
                self.place = Place::Between { ends: 0 };
                return Step::Frame(Frame::Ping);
            }
        }
    }

    /// Looks for the empty line. True when the place has moved on.
    fn head(&mut self, mut line: usize, mut seen: usize) -> Result<bool, Lost> {
        loop {
            let unread = self.buffer.get(seen..).unwrap_or_default();
            let Some(found) = memchr::memchr(b'\n', unread) else {
                if self.buffer.len() > limits::SIP_MESSAGE_BYTES {
                    return Err(Lost::TooLong);
                }
                self.place = Place::Head { line, seen: self.buffer.len() };
                return Ok(false);
            };
            let end = seen + found;
            let text = self.buffer.get(line..end).unwrap_or_default();
            if line == 0 && !is_sip(text) {
                return Err(Lost::NotSip);
            }
            let empty = text.is_empty() || text == b"\r";
            (line, seen) = (end + 1, end + 1);
            if line > limits::SIP_MESSAGE_BYTES {
                return Err(Lost::TooLong);
            }
            if !empty {
                continue;
            }
            let head = self.buffer.get(..line).unwrap_or_default();
            let Some(body) = content_length(head) else {
                self.buffer.truncate(line);
                return Err(Lost::Length);
            };
            let whole = line.saturating_add(body);
            if whole > limits::SIP_MESSAGE_BYTES {
                return Err(Lost::TooLong);
            }
            self.place = Place::Body { whole };
            return Ok(true);
        }
    }
}

enum Step {
    More,
    On,
    Frame(Frame),
}

/// What the head says of its body; 0 when it says nothing, none when it cannot be read. Read as the
/// parser does it: compact form, folded lines, space before the colon.
fn content_length(head: &[u8]) -> Option<usize> {
    let mut length: Option<usize> = None;
    let mut value: Option<Vec<u8>> = None;
    for line in head.split(|byte| *byte == b'\n').skip(1) {
        if matches!(line.first(), Some(b' ' | b'\t')) {
            if let Some(value) = &mut value {
                value.push(b' ');
                value.extend_from_slice(line.trim_ascii());
            }
            continue;
        }
        take_length(&mut length, value.take())?;
        let colon = memchr::memchr(b':', line);
        let (name, rest) = line.split_at(colon.unwrap_or(0));
        let name = name.trim_ascii();
        if name.eq_ignore_ascii_case(b"content-length") || name.eq_ignore_ascii_case(b"l") {
            value = Some(rest.get(1..).unwrap_or_default().trim_ascii().to_vec());
        }
    }
    take_length(&mut length, value)?;
    Some(length.unwrap_or(0))
}

fn take_length(length: &mut Option<usize>, value: Option<Vec<u8>>) -> Option<()> {
    let Some(value) = value else { return Some(()) };
    let number = std::str::from_utf8(value.trim_ascii()).ok()?.parse().ok()?;
    match length.replace(number) {
        Some(other) if other != number => None,
        _ => Some(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OPTIONS: &str = "OPTIONS sip:a SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 0\r\n\r\n";

    fn cut(text: &[u8], splits: &[usize]) -> (Vec<Frame>, Option<Lost>) {
        let mut framer = Framer::default();
        let mut frames = Vec::new();
        let mut splits: Vec<usize> = splits.iter().map(|s| s % (text.len() + 1)).collect();
        splits.push(text.len());
        splits.sort_unstable();
        let mut from = 0;
        for to in splits {
            framer.put(&text[from..to]);
            from = to;
            loop {
                match framer.poll() {
                    Ok(Some(frame)) => frames.push(frame),
                    Ok(None) => break,
                    Err(lost) => return (frames, Some(lost)),
                }
            }
        }
        (frames, None)
    }

    fn message(text: &str) -> Frame {
        Frame::Message(Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn glued_messages_pings_and_pongs_are_told_apart() {
        let invite = "INVITE sip:112@a SIP/2.0\nl :\r\n  5\n\nabcde";
        let none = "SIP/2.0 200 OK\r\nCall-ID: 2\r\n\r\n";
        let text = format!("\r\n\r\n\r\n{OPTIONS}{invite}\r\n{none}\r\n\r\n\r\n\r\n");
        let (frames, lost) = cut(text.as_bytes(), &[]);
        let expected = [
            Frame::Ping,
            message(OPTIONS),
            message(invite),
            message(none),
            Frame::Ping,
            Frame::Ping,
        ];
        assert_eq!(frames, expected);
        assert_eq!(lost, None);
    }

    #[test]
    fn what_cannot_be_cut_closes_the_connection() {
        let long = format!("INVITE sip:a SIP/2.0\r\nSubject: {}", "x".repeat(70_000));
        let claims = "INVITE sip:a SIP/2.0\r\nContent-Length: 65535\r\n\r\n";
        let huge = format!("INVITE sip:a SIP/2.0\r\nl: {}0\r\n\r\n", usize::MAX);
        for (text, lost) in [
            ("GET / HTTP/1.1\r\n", Lost::NotSip),
            ("\x16\x03\x01\n", Lost::NotSip),
            ("\rINVITE\n", Lost::NotSip),
            (&long, Lost::TooLong),
            (claims, Lost::TooLong),
        ] {
            assert_eq!(cut(text.as_bytes(), &[]), (Vec::new(), Some(lost)), "{text:.40}");
        }
        // Where it ends is not known, but what it asks for is.
        for length in ["-1", "x", "1\r\nl: 2", ""] {
            let head = format!("INVITE sip:a SIP/2.0\r\nContent-Length: {length}\r\n\r\n");
            let (frames, lost) = cut(format!("{head}abc").as_bytes(), &[]);
            assert_eq!((frames, lost), (vec![message(&head)], Some(Lost::Length)), "{length}");
        }
        assert_eq!(cut(huge.as_bytes(), &[]).1, Some(Lost::Length));
    }

    fn pieces() -> impl Strategy<Value = Vec<u8>> {
        let body = proptest::collection::vec(any::<u8>(), 0..60);
        let whole = body.prop_map(|body| {
            let mut text = format!("INFO sip:a SIP/2.0\r\nContent-Length: {}\r\n\r\n", body.len())
                .into_bytes();
            text.extend(body);
            text
        });
        let other = prop_oneof![
            Just(b"\r\n".to_vec()),
            Just(b"\r\n\r\n".to_vec()),
            Just(b"\n".to_vec()),
            Just(OPTIONS.as_bytes().to_vec()),
            Just(b"SIP/2.0 200 OK\r\nl:2,\r\n\r\n".to_vec()),
            Just(b"BYE sip:a SIP/2.0\nl: 1\nl: 1\n\nx".to_vec()),
            proptest::collection::vec(any::<u8>(), 0..8),
        ];
        let piece = prop_oneof![3 => whole, 2 => other];
        proptest::collection::vec(piece, 1..8).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn the_cuts_of_the_network_change_nothing(
            text in pieces(),
            splits in proptest::collection::vec(any::<usize>(), 0..12),
        ) {
            let every: Vec<usize> = (0..text.len()).collect();
            let whole = cut(&text, &[]);
            prop_assert_eq!(&cut(&text, &splits), &whole);
            prop_assert_eq!(&cut(&text, &every), &whole);
        }
    }
}
