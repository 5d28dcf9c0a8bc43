//! The tolerant reader: bytes to a message. Accepts what can be understood, says what was odd,
//! keeps the raw bytes. Total: no input panics, none allocates beyond its own size.

use std::borrow::Cow;

use bytes::Bytes;
use thiserror::Error;

use super::message::{Headers, Message, Method, Request, Response};
use super::name::Name;
use super::uri::Uri;
use super::values::decimal;
use crate::vocabulary::limits;

/// Why bytes are no SIP message at all. Nothing is sent back for these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotSip {
    /// Nothing but line ends: a keep-alive (RFC 5626 §3.5.1).
    #[error("empty: a keep-alive")]
    KeepAlive,
    /// Longer than any message may be.
    #[error("longer than {} bytes", limits::SIP_MESSAGE_BYTES)]
    TooLong,
    /// The first line is neither a request line nor a status line.
    #[error("first line is neither a request nor a status line")]
    NoStartLine,
}

/// What was odd about a message that was read all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Oddity {
    /// The version is not SIP/2.0; a request gets 505.
    #[error("version other than SIP/2.0")]
    Version,
    /// Content-Length is no number, negative or repeated with another value.
    #[error("Content-Length is wrong")]
    ContentLength,
    /// Fewer body bytes than Content-Length says.
    #[error("body shorter than Content-Length")]
    BodyShort,
    /// A header line without a colon or without a name before it, left out.
    #[error("header line without a name and a colon")]
    NoColon,
    /// More header lines than any message needs; those beyond the bound are left out.
    #[error("more than {} header lines", limits::SIP_HEADERS)]
    TooManyHeaders,
    /// The request line has white space or angle brackets in its URI, or an IPv6 address without
    /// its square ones.
    #[error("request line not well formed")]
    RequestLine,
    /// The message ended within its headers.
    #[error("no empty line after the headers")]
    NoHeaderEnd,
}

/// A message and what was odd about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The message.
    pub message: Message,
    /// What was odd.
    pub oddities: Vec<Oddity>,
}

/// Reads one datagram.
///
/// # Errors
/// [`NotSip`] when no message can be made out; nobody is answered then.
pub fn parse(datagram: &Bytes) -> Result<Read, NotSip> {
    if datagram.len() > limits::SIP_MESSAGE_BYTES {
        return Err(NotSip::TooLong);
    }
    // Line ends before the start line are to be ignored (RFC 3261 §7.5).
    let start =
        datagram.iter().position(|b| !matches!(b, b'\r' | b'\n')).ok_or(NotSip::KeepAlive)?;
    let raw = datagram.slice(start..);
    let (line, mut at) = next_line(&raw, 0);
    let mut oddities = Vec::new();
    let start_line = read_start(&String::from_utf8_lossy(&raw.slice(line)), &mut oddities)
        .ok_or(NotSip::NoStartLine)?;
    let headers = read_headers(&raw, &mut at, &mut oddities);
    let body = read_body(&raw, at, &headers, &mut oddities);
    let message = match start_line {
        Start::Request(method, uri) => {
            Message::Request(Request { method, uri, headers, body, raw })
        }
        Start::Status(code, phrase) => {
            Message::Response(Response { code, phrase, headers, body, raw })
        }
    };
    Ok(Read { message, oddities })
}

/// Reads the header block of a body part; what follows is the part's content. A part may have no
/// header at all.
pub(super) fn part_headers(part: &Bytes) -> (Headers, Bytes) {
    let mut at = 0;
    let headers = read_headers(part, &mut at, &mut Vec::new());
    (headers, part.slice(at.min(part.len())..))
}

enum Start {
    Request(Method, Uri),
    Status(u16, String),
}

fn read_start(line: &str, oddities: &mut Vec<Oddity>) -> Option<Start> {
    if let Some(rest) = strip_prefix_no_case(line, "SIP/") {
        let (version, rest) = rest.split_once(' ')?;
        let (code, phrase) = rest.trim_start().split_once(' ').unwrap_or((rest.trim(), ""));
        if version != "2.0" {
            oddities.push(Oddity::Version);
        }
        let code = decimal(code).filter(|c| (100..700).contains(c))?;
        return Some(Start::Status(code, phrase.trim().to_owned()));
    }
    let (method, rest) = line.split_once([' ', '\t'])?;
    let method = Method::read(method)?;
    let rest = rest.trim();
    let (uri, version) = rest.rsplit_once([' ', '\t'])?;
    let number = strip_prefix_no_case(version, "SIP/")?;
    if number != "2.0" {
        oddities.push(Oddity::Version);
    }
    let bare = uri.trim().trim_start_matches('<').trim_end_matches('>').trim();
    if uri.len() != bare.len() || bare.contains([' ', '\t']) || line.ends_with([' ', '\t']) {
        oddities.push(Oddity::RequestLine);
    }
    if bare.is_empty() {
        return None;
    }
    let uri = Uri::read(bare);
    // Without brackets nobody can tell an IPv6 address from its port (RFC 5118 §4.2).
    if uri.is_bare_ipv6() {
        note(oddities, Oddity::RequestLine);
    }
    Some(Start::Request(method, uri))
}

pub(super) fn strip_prefix_no_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| text.get(prefix.len()..)).flatten()
}

/// The next line's range without its end (CRLF or LF), and where the one after begins.
pub(super) fn next_line(raw: &[u8], at: usize) -> (std::ops::Range<usize>, usize) {
    let rest = raw.get(at..).unwrap_or_default();
    match memchr::memchr(b'\n', rest) {
        Some(end) => {
            let carriage = end > 0 && rest.get(end - 1) == Some(&b'\r');
            (at..at + end - usize::from(carriage), at + end + 1)
        }
        None => (at..raw.len(), raw.len()),
    }
}

fn read_headers(raw: &Bytes, at: &mut usize, oddities: &mut Vec<Oddity>) -> Headers {
    let mut headers = Headers::default();
    loop {
        if *at >= raw.len() {
            note(oddities, Oddity::NoHeaderEnd);
            return headers;
        }
        let (line, mut next) = next_line(raw, *at);
        if line.is_empty() {
            *at = next;
            return headers;
        }
        let mut value: Cow<'_, [u8]> = Cow::Borrowed(raw.get(line.clone()).unwrap_or_default());
        // A line that begins with white space continues the one before (RFC 3261 §7.3.1).
        while matches!(raw.get(next), Some(b' ' | b'\t')) {
            let (more, after) = next_line(raw, next);
            let text = raw.get(more.clone()).unwrap_or_default().trim_ascii();
            let whole = value.to_mut();
            whole.push(b' ');
            whole.extend_from_slice(text);
            next = after;
        }
        *at = next;
        let colon = memchr::memchr(b':', &value).unwrap_or(0);
        let name = String::from_utf8_lossy(value.get(..colon).unwrap_or_default());
        let name = name.trim();
        if name.is_empty() {
            note(oddities, Oddity::NoColon);
            continue;
        }
        if headers.len() == limits::SIP_HEADERS {
            note(oddities, Oddity::TooManyHeaders);
            continue;
        }
        let name = Name::read(name);
        let text = value.get(colon + 1..).unwrap_or_default().trim_ascii();
        // An unfolded value stays a slice of the datagram: no copy.
        let bytes = match &value {
            Cow::Borrowed(_) => raw.slice_ref(text),
            Cow::Owned(_) => Bytes::copy_from_slice(text),
        };
        headers.push(name, bytes);
    }
}

/// An oddity is told once, however often it is met.
fn note(oddities: &mut Vec<Oddity>, oddity: Oddity) {
    if !oddities.contains(&oddity) {
        oddities.push(oddity);
    }
}

/// The body by Content-Length; over UDP a missing or wrong one means "to the end"
/// (RFC 3261 §18.3).
fn read_body(raw: &Bytes, at: usize, headers: &Headers, oddities: &mut Vec<Oddity>) -> Bytes {
    let rest = raw.slice(at.min(raw.len())..);
    let mut lengths = headers.texts(&Name::ContentLength).map(|t| decimal::<usize>(&t));
    let Some(first) = lengths.next() else { return rest };
    let agreed = first.filter(|_| lengths.all(|other| other == first));
    match agreed {
        None => {
            oddities.push(Oddity::ContentLength);
            rest
        }
        Some(length) if length > rest.len() => {
            oddities.push(Oddity::BodyShort);
            rest
        }
        Some(length) => rest.slice(..length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Read {
        parse(&Bytes::copy_from_slice(text.as_bytes())).expect("read")
    }

    fn request(read: Read) -> Request {
        match read.message {
            Message::Request(request) => request,
            Message::Response(_) => panic!("request expected"),
        }
    }

    #[test]
    fn folding_compact_names_and_bare_line_feeds_are_read() {
        let r = request(read(
            "\r\nINVITE urn:service:sos SIP/2.0\nv: SIP/2.0/UDP h;branch=z9hG4bKx\n\
             Subject : a\n\t folded\n  value\nI:  id1 \nl: 2\n\nok--",
        ));
        assert_eq!(r.method, Method::Invite);
        assert_eq!(r.headers.text(&Name::Subject).unwrap(), "a folded value");
        assert_eq!(r.headers.call_id().unwrap(), "id1");
        assert_eq!(&r.body[..], b"ok");
    }

    #[test]
    fn wrong_lengths_are_noted_and_the_body_kept() {
        for (length, oddity) in [
            ("-1", Oddity::ContentLength),
            ("+3", Oddity::ContentLength),
            ("99", Oddity::BodyShort),
            ("99999999999999999999999", Oddity::ContentLength),
            ("x", Oddity::ContentLength),
            ("", Oddity::ContentLength),
        ] {
            let got = read(&format!("BYE sip:a SIP/2.0\r\nContent-Length: {length}\r\n\r\nabc"));
            assert_eq!(got.oddities, [oddity]);
            assert_eq!(&request(got).body[..], b"abc");
        }
    }

    #[test]
    fn a_latin_1_byte_keeps_the_rest_of_the_message() {
        let bytes = Bytes::from_static(
            b"INVITE sip:112@h SIP/2.0\r\nFrom: \"Jos\xe9\" <sip:a@b>;tag=1\r\nCSeq: 1 INVITE\r\n\r\nv=0",
        );
        let r = request(parse(&bytes).unwrap());
        assert_eq!(r.headers.from().unwrap().uri.user(), "a");
        assert_eq!(r.headers.cseq().unwrap().number, 1);
        assert_eq!(&r.body[..], b"v=0");
    }

    #[test]
    fn junk_is_told_apart() {
        let parse = |b: &'static [u8]| parse(&Bytes::from_static(b));
        assert_eq!(parse(b"\r\n\r\n"), Err(NotSip::KeepAlive));
        assert_eq!(parse(b"\x00\x01\x02"), Err(NotSip::NoStartLine));
        assert_eq!(parse(b"GET / HTTP/1.1\r\n\r\n"), Err(NotSip::NoStartLine));
        assert!(
            parse(b"INVITE sip:112@h SIP/7.0\r\n\r\n").unwrap().oddities.contains(&Oddity::Version)
        );
    }
}
