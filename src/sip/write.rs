//! The strict writer: messages to bytes. Content-Length is always written and always right, and
//! nothing breaks out of the place that it is written to, whoever it came from.

use bytes::Bytes;

use super::message::{Headers, Request, Response, is_token_byte};
use super::name::Name;

impl Request {
    /// The message on the wire.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut out = Vec::with_capacity(room(&self.headers, &self.body));
        out.extend(self.method.as_str().bytes().filter(|byte| is_token_byte(*byte)));
        out.push(b' ');
        out.extend_from_slice(self.uri.wire_form().as_bytes());
        out.extend_from_slice(b" SIP/2.0\r\n");
        finish(out, &self.headers, &self.body)
    }
}

impl Response {
    /// The message on the wire.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut out = Vec::with_capacity(room(&self.headers, &self.body));
        out.extend_from_slice(b"SIP/2.0 ");
        out.extend_from_slice(self.code.to_string().as_bytes());
        out.push(b' ');
        let phrase: String =
            self.phrase.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        out.extend_from_slice(phrase.trim().as_bytes());
        out.extend_from_slice(b"\r\n");
        finish(out, &self.headers, &self.body)
    }
}

/// Enough for a whole message with a start line of usual length.
fn room(headers: &Headers, body: &[u8]) -> usize {
    let lines = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    128 + lines.sum::<usize>() + body.len()
}

fn finish(mut out: Vec<u8>, headers: &Headers, body: &[u8]) -> Bytes {
    let token = |name: &Name| name.as_str().bytes().all(is_token_byte) && !name.as_str().is_empty();
    let written = |name: &Name| *name != Name::ContentLength && token(name);
    for (name, value) in headers.iter().filter(|(name, _)| written(name)) {
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        // A value never breaks out of its line, whatever it was built from.
        let from = out.len();
        out.extend_from_slice(value.trim_ascii());
        for byte in out.iter_mut().skip(from).filter(|byte| matches!(byte, b'\r' | b'\n')) {
            *byte = b' ';
        }
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"Content-Length: ");
    out.extend_from_slice(body.len().to_string().as_bytes());
    out.extend_from_slice(b"\r\n\r\n");
    out.extend_from_slice(body);
    Bytes::from(out)
}

/// The reason phrase of a status code (RFC 3261 §21 and later).
#[must_use]
pub const fn phrase(code: u16) -> &'static str {
    match code {
        100 => "Trying",
        180 => "Ringing",
        183 => "Session Progress",
        200 => "OK",
        202 => "Accepted",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        413 => "Request Entity Too Large",
        415 => "Unsupported Media Type",
        416 => "Unsupported URI Scheme",
        420 => "Bad Extension",
        422 => "Session Interval Too Small",
        430 => "Flow Failed",
        439 => "First Hop Lacks Outbound Support",
        423 => "Interval Too Brief",
        425 => "Bad Alert Message",
        469 => "Bad Info Package",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        489 => "Bad Event",
        491 => "Request Pending",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "Version Not Supported",
        _ => "Unknown",
    }
}

/// Quotes a display name or quoted string (RFC 3261 §25.1).
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(if c.is_control() { ' ' } else { c });
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::super::message::{Message, Method};
    use super::super::parse::parse;
    use super::super::uri::Uri;
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let request = Request::new(Method::Options, Uri::read("sip:a?1@b;x=y?Route=c"))
            .with(Name::CallId, "one")
            .with(Name::Subject, "a\r\nInjected: yes");
        let read = parse(&request.to_bytes()).unwrap();
        assert!(read.oddities.is_empty());
        let Message::Request(back) = read.message else { panic!("a request") };
        assert_eq!(back.headers.len(), 3);
        assert_eq!(back.headers.number(&Name::ContentLength), Some(0));
        assert_eq!(back.uri.as_str(), "sip:a?1@b;x=y");
    }
}
