//! Bodies: one part or many (RFC 2046 §5.1, RFC 5621), flattened into a bounded list.

use bytes::Bytes;

use super::message::Headers;
use super::name::Name;
use super::values::{Params, unquote};
use crate::vocabulary::limits;

/// One leaf part of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Media type in lower case, without parameters, e.g. `application/sdp`.
    pub media_type: String,
    /// Content-Type as it came.
    pub content_type: String,
    /// Content-ID without its angle brackets; empty when there is none.
    pub content_id: String,
    /// Content-Disposition as it came; empty when there is none.
    pub disposition: String,
    /// The bytes.
    pub body: Bytes,
}

/// The leaf parts of a message body, in order; and what was odd.
#[must_use]
pub fn parts(headers: &Headers, body: &Bytes) -> (Vec<Part>, Vec<String>) {
    let mut found = Found { parts: Vec::new(), findings: Vec::new() };
    if !body.is_empty() {
        found.take(headers, body, 0);
    }
    (found.parts, found.findings)
}

/// The first SDP of a body, wherever it is (also within nested parts).
#[must_use]
pub fn sdp(headers: &Headers, body: &Bytes) -> Option<Bytes> {
    if body.is_empty() {
        return None;
    }
    // The common case costs no list.
    if media_type(&content_type(headers), body) == "application/sdp" {
        return Some(body.clone());
    }
    parts(headers, body).0.into_iter().find(|p| p.media_type == "application/sdp").map(|p| p.body)
}

/// One part to be written. What is empty is left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Piece<'a> {
    /// Content-Type.
    pub content_type: &'a str,
    /// Content-Disposition.
    pub disposition: &'a str,
    /// Content-ID without its angle brackets.
    pub content_id: &'a str,
    /// The bytes.
    pub body: &'a [u8],
}

/// Writes a body of several parts: the whole's Content-Type, and the bytes. The boundary occurs in none
/// of the parts.
#[must_use]
pub fn multipart(parts: &[Piece<'_>]) -> (String, Bytes) {
    let taken = |boundary: &String| {
        let finder = memchr::memmem::Finder::new(boundary);
        parts.iter().any(|part| finder.find(part.body).is_some())
    };
    let mut names = (0u32..).map(|number| format!("siaga112-{number}"));
    let boundary = names.find(|name| !taken(name)).unwrap_or_default();
    let mut out = Vec::new();
    for Piece { content_type, disposition, content_id, body } in parts {
        let line = |text: &str| text.replace(['\r', '\n'], " ");
        let head = format!("--{boundary}\r\nContent-Type: {}\r\n", line(content_type));
        out.extend_from_slice(head.as_bytes());
        if !disposition.is_empty() {
            let head = format!("Content-Disposition: {}\r\n", line(disposition));
            out.extend_from_slice(head.as_bytes());
        }
        if !content_id.is_empty() {
            let head = format!("Content-ID: <{}>\r\n", line(content_id));
            out.extend_from_slice(head.as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(body);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (format!("multipart/mixed;boundary={boundary}"), out.into())
}

fn content_type(headers: &Headers) -> String {
    headers.text(&Name::ContentType).map_or_else(String::new, |t| t.trim().to_owned())
}

/// The media type in lower case. A session description whose Content-Type got lost on the way is
/// one all the same: without it a call would have no sound.
fn media_type(content_type: &str, body: &[u8]) -> String {
    let named = content_type.split(';').next().unwrap_or("").trim();
    if named.is_empty() && body.starts_with(b"v=0") {
        return "application/sdp".to_owned();
    }
    named.to_ascii_lowercase()
}

struct Found {
    parts: Vec<Part>,
    findings: Vec<String>,
}

impl Found {
    fn take(&mut self, headers: &Headers, body: &Bytes, depth: usize) {
        let full = content_type(headers);
        let media_type = media_type(&full, body);
        if media_type.starts_with("multipart/") {
            let params = full.split_once(';').map_or("", |(_, p)| p);
            match Params::read(params).get("boundary") {
                Some(boundary) if depth < limits::BODY_DEPTH && !boundary.is_empty() => {
                    return self.split(boundary, body, depth);
                }
                Some(_) => self.findings.push("multipart body nested too deeply".to_owned()),
                None => self.findings.push("multipart body without a boundary".to_owned()),
            }
        }
        if self.parts.len() >= limits::BODY_PARTS {
            self.findings.push(format!("more than {} body parts", limits::BODY_PARTS));
            return;
        }
        let id = headers.text(&Name::ContentId).unwrap_or_default();
        self.parts.push(Part {
            media_type,
            content_type: full,
            content_id: unquote(id.trim().trim_start_matches('<').trim_end_matches('>')),
            disposition: headers
                .text(&Name::ContentDisposition)
                .map_or_else(String::new, |t| t.into_owned()),
            body: body.clone(),
        });
    }

    fn split(&mut self, boundary: &str, body: &Bytes, depth: usize) {
        let mut delimiter = b"--".to_vec();
        delimiter.extend_from_slice(boundary.as_bytes());
        let mut starts = Vec::new();
        for at in memchr::memmem::find_iter(body, &delimiter) {
            // A delimiter is a line of its own: that of a part within may begin with the same text.
            let at_line_start = at == 0 || body.get(at - 1) == Some(&b'\n');
            let ends_there = match body.get(at + delimiter.len()..) {
                None | Some([] | [b' ' | b'\t' | b'\r' | b'\n', ..] | [b'-', b'-', ..]) => true,
                Some(_) => false,
            };
            if at_line_start && ends_there {
                starts.push(at);
            }
            if starts.len() > limits::BODY_PARTS + 1 {
                break;
            }
        }
        let mut closed = false;
        for (i, &start) in starts.iter().enumerate() {
            let after = start + delimiter.len();
            if body.get(after..after + 2) == Some(b"--") {
                closed = true;
                break;
            }
            let end = starts.get(i + 1).copied().unwrap_or(body.len());
            let part = body.slice(after.min(end)..end);
            self.take_part(&part, depth);
        }
        if !closed {
            self.findings.push("multipart body has no closing boundary".to_owned());
        }
    }

    fn take_part(&mut self, part: &Bytes, depth: usize) {
        // Skip the rest of the delimiter line; the line end before the next delimiter is its.
        let Some(line) = memchr::memchr(b'\n', part) else { return };
        let mut end = part.len();
        if part.get(end.wrapping_sub(1)) == Some(&b'\n') {
            end -= 1;
            if end > 0 && part.get(end - 1) == Some(&b'\r') {
                end -= 1;
            }
        }
        let start = (line + 1).min(end);
        let (headers, body) = super::parse::part_headers(&part.slice(start..end));
        self.take(&headers, &body, depth + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn multipart(text: &str) -> (Vec<Part>, Vec<String>) {
        let mut headers = Headers::default();
        headers.push(Name::ContentType, "multipart/mixed; boundary=\"b 1\"");
        parts(&headers, &Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn parts_keep_their_bytes_and_names() {
        let (parts, findings) = multipart(
            "preamble\r\n--b 1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\ns=-\r\n\r\n--b 1\r\n\
             Content-Type: application/pidf+xml\r\nContent-ID: <loc1@a>\r\n\r\n<x/>\r\n--b 1--\r\n",
        );
        assert!(findings.is_empty(), "{findings:?}");
        assert_eq!(parts.len(), 2);
        assert_eq!(&parts[0].body[..], b"v=0\r\ns=-\r\n");
        assert_eq!((parts[1].content_id.as_str(), &parts[1].body[..]), ("loc1@a", &b"<x/>"[..]));
    }

    #[test]
    fn a_description_without_its_content_type_is_found() {
        let body = Bytes::from_static(b"v=0\r\nm=audio 1 RTP/AVP 8\r\n");
        assert_eq!(sdp(&Headers::default(), &body), Some(body.clone()));
        assert_eq!(parts(&Headers::default(), &body).0[0].media_type, "application/sdp");
        assert_eq!(sdp(&Headers::default(), &Bytes::from_static(b"<x/>")), None);
    }

    #[test]
    fn a_boundary_that_begins_like_another_is_none_of_its_parts() {
        let mut headers = Headers::default();
        headers.push(Name::ContentType, "multipart/mixed;boundary=b");
        let text = "--b\r\nContent-Type: multipart/mixed;boundary=b2\r\n\r\n--b2\r\n\
                    Content-Type: application/sdp\r\n\r\nv=0\r\n--b2--\r\n--b \t\r\n\r\nlast\r\n--b--";
        let (parts, findings) = parts(&headers, &Bytes::from_static(text.as_bytes()));
        assert_eq!(findings, [] as [String; 0]);
        let bodies: Vec<&[u8]> = parts.iter().map(|part| &part.body[..]).collect();
        assert_eq!(bodies, [&b"v=0"[..], b"last"]);
    }

    #[test]
    fn what_is_written_never_holds_its_own_boundary() {
        let tricky = b"x\r\n--siaga112-0--\r\nsiaga112-1";
        let (content_type, body) = super::multipart(&[
            Piece { content_type: "text/plain", body: tricky, ..Piece::default() },
            Piece {
                content_type: "a/b",
                disposition: "render",
                content_id: "1@h",
                ..Piece::default()
            },
        ]);
        assert_eq!(content_type, "multipart/mixed;boundary=siaga112-2");
        let mut headers = Headers::default();
        headers.push(Name::ContentType, content_type);
        let (parts, findings) = parts(&headers, &body);
        assert_eq!(findings, [] as [String; 0]);
        assert_eq!(
            (&parts[0].body[..], &parts[1].body[..], &*parts[1].content_id),
            (&tricky[..], &b""[..], "1@h")
        );
    }

    #[test]
    fn nested_unclosed_and_endless_bodies_are_bounded() {
        let (parts, findings) = multipart(
            "--b 1\nContent-Type: multipart/alternative;boundary=i\n\n--i\nContent-Type: application/sdp\n\nv=0\n--i--\n",
        );
        assert_eq!(parts[0].media_type, "application/sdp");
        assert_eq!(findings.len(), 1);
        let (parts, findings) = multipart(&"--b 1\n\nx\n".repeat(500));
        assert!(parts.len() <= limits::BODY_PARTS && !findings.is_empty());
    }
}
