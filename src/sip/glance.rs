//! A glance at the bytes of a message, without reading all of it: whose message is it, and which
//! of its bytes must not be kept?
//!
//! It sees header lines as [`super::parse`] does: any letter case, compact names, folded lines and
//! bare line feeds included.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

/// Before a secret of SDP: a key (RFC 4568 §9.2), a password of ICE (RFC 8839 §5.4).
const KEYS: [&[u8]; 2] = [b"inline:", b"ice-pwd:"];
/// Parameters of digest credentials that give nothing away (RFC 7616 §3.4); all others are masked.
const HARMLESS: [&str; 9] =
    ["username", "realm", "nonce", "uri", "algorithm", "cnonce", "opaque", "qop", "nc"];
const MASK: &[u8] = b"\"***\"";

/// The Call-ID of a message; none when it has none, or is no message.
#[must_use]
pub fn call_id(message: &[u8]) -> Option<Cow<'_, str>> {
    Lines::of(message)
        .find_map(|line| {
            let line = unfolded(message.get(line)?);
            let (name, value) = parts(&line)?;
            let is = name.eq_ignore_ascii_case(b"call-id") || name.eq_ignore_ascii_case(b"i");
            let start = line.len() - value.len();
            is.then(|| match &line {
                Cow::Borrowed(line) => text(line.get(start..).unwrap_or_default()),
                Cow::Owned(line) => {
                    Cow::Owned(text(line.get(start..).unwrap_or_default()).into_owned())
                }
            })
        })
        .filter(|id| !id.is_empty())
}

/// A header line in one piece, as the reader puts it together: what continues it has its white
/// space taken off, and one space before it.
fn unfolded(line: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\n', line).is_none() {
        return Cow::Borrowed(line);
    }
    let mut lines = line.split(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let mut whole = first.strip_suffix(b"\r").unwrap_or(first).to_vec();
    for more in lines {
        whole.push(b' ');
        whole.extend_from_slice(more.trim_ascii());
    }
    Cow::Owned(whole)
}

fn text(value: &[u8]) -> Cow<'_, str> {
    match String::from_utf8_lossy(value) {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

/// The message without what would let a reader act in somebody's name or hear the talk: digest
/// responses, other credentials and what SDP keeps secret. A message without them is
/// shared, not copied.
#[must_use]
pub fn masked(message: &Bytes) -> Bytes {
    let mut lines = Lines::of(message);
    let secret = |line: &Range<usize>| {
        let name = message.get(line.clone()).and_then(parts).map_or(&b""[..], |(name, _)| name);
        name.eq_ignore_ascii_case(b"authorization")
            || name.eq_ignore_ascii_case(b"proxy-authorization")
    };
    let credentials: Vec<Range<usize>> = lines.by_ref().filter(secret).collect();
    let body = lines.at.min(message.len());
    let rest = message.get(body..).unwrap_or_default();
    let keys: Vec<usize> = KEYS
        .iter()
        .flat_map(|name| memchr::memmem::find_iter(rest, name).map(|at| at + name.len()))
        .collect();
    if credentials.is_empty() && keys.is_empty() {
        return message.clone();
    }
    let mut out = Vec::with_capacity(message.len());
    let mut at = 0;
    for line in credentials {
        out.extend_from_slice(message.get(at..line.start).unwrap_or_default());
        mask_line(message.get(line.clone()).unwrap_or_default(), &mut out);
        at = line.end;
    }
    out.extend_from_slice(message.get(at..body).unwrap_or_default());
    // The length of the body stays what Content-Length says.
    let mut hidden = rest.to_vec();
    for key in keys {
        let key = hidden.iter_mut().skip(key);
        key.take_while(|byte| !byte.is_ascii_whitespace() && **byte != b'|')
            .for_each(|byte| *byte = b'*');
    }
    out.extend_from_slice(&hidden);
    out.into()
}

/// `Authorization: Digest …` with every telling parameter masked.
fn mask_line(line: &[u8], out: &mut Vec<u8>) {
    let start = memchr::memchr(b':', line).map_or(line.len(), |colon| colon + 1);
    let (head, value) = line.split_at_checked(start).unwrap_or((line, b""));
    out.extend_from_slice(head);
    let spaces = value.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let word = value.iter().skip(spaces).take_while(|byte| !byte.is_ascii_whitespace()).count();
    let (scheme, credentials) = value.split_at_checked(spaces + word).unwrap_or((value, b""));
    out.extend_from_slice(scheme);
    // What cannot be taken apart for certain is hidden whole.
    let quotes = memchr::memchr_iter(b'"', credentials).count();
    let known = scheme.trim_ascii().eq_ignore_ascii_case(b"digest") && quotes.is_multiple_of(2);
    if !known || memchr::memchr(b'\\', credentials).is_some() {
        out.push(b' ');
        out.extend_from_slice(MASK);
        return;
    }
    let mut quoted = false;
    let pieces = credentials.split(|byte| {
        quoted ^= *byte == b'"';
        *byte == b',' && !quoted
    });
    for (number, piece) in pieces.enumerate() {
        if number > 0 {
            out.push(b',');
        }
        let equals = memchr::memchr(b'=', piece).unwrap_or(piece.len());
        let name = piece.get(..equals).unwrap_or_default();
        let harmless =
            HARMLESS.iter().any(|h| name.trim_ascii().eq_ignore_ascii_case(h.as_bytes()));
        if harmless || piece.trim_ascii().is_empty() {
            out.extend_from_slice(piece);
        } else {
            out.extend_from_slice(name);
            out.push(b'=');
            out.extend_from_slice(MASK);
        }
    }
}

/// Name and value of one header line, the name trimmed.
fn parts(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', line)?;
    Some((line.get(..colon)?.trim_ascii(), line.get(colon + 1..)?))
}

/// The header lines of a message, each with its folds and without its last line end.
struct Lines<'a> {
    message: &'a [u8],
    /// Where the next line begins; once they are over, where the body does.
    at: usize,
    over: bool,
}

impl<'a> Lines<'a> {
    fn of(message: &'a [u8]) -> Self {
        let ends = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let start = message.iter().take_while(|byte| ends(byte)).count();
        let mut lines = Self { message, at: start, over: false };
        lines.skip_line();
        lines
    }

    /// Goes to the next line; returns where this one ends, without its line end.
    fn skip_line(&mut self) -> usize {
        let rest = self.message.get(self.at..).unwrap_or_default();
        match memchr::memchr(b'\n', rest) {
            Some(end) => {
                let carriage = end > 0 && rest.get(end - 1) == Some(&b'\r');
                let line_end = self.at + end - usize::from(carriage);
                self.at += end + 1;
                line_end
            }
            None => {
                self.at = self.message.len();
                self.at
            }
        }
    }
}

impl Iterator for Lines<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over || self.at >= self.message.len() {
            return None;
        }
        let start = self.at;
        let mut end = self.skip_line();
        if end == start {
            self.over = true;
            return None;
        }
        while matches!(self.message.get(self.at), Some(b' ' | b'\t')) {
            end = self.skip_line();
        }
        Some(start..end)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sip::message::Message;
    use crate::sip::parse::parse;

    fn hidden(text: &str) -> String {
        let masked = masked(&Bytes::copy_from_slice(text.as_bytes()));
        String::from_utf8(masked.to_vec()).unwrap()
    }

    #[test]
    fn the_call_id_is_found_however_it_is_written() {
        for (text, wanted) in [
            ("BYE sip:a SIP/2.0\r\nCall-ID: a@b\r\n\r\n", Some("a@b")),
            ("\r\n\r\nBYE sip:a SIP/2.0\nTo: x\nI:a@b\n\n", Some("a@b")),
            ("SIP/2.0 200 OK\r\nCALL-id :\r\n  a@b \r\n\r\n", Some("a@b")),
            ("SIP/2.0 200 OK\r\nCall-ID: a\r\n b\r\n\r\n", Some("a b")),
            ("SIP/2.0 200 OK\r\nSubject: x\r\n Call-ID: no\r\ni: yes\r\n\r\n", Some("yes")),
            ("SIP/2.0 200 OK\r\n i\r\n :@ \r\n i:\r\n\r\n", Some("@ i:")),
            ("SIP/2.0 200 OK\r\nCall-ID \r\n :x\r\n\r\n", Some("x")),
            ("SIP/2.0 200 OK\r\nTo: x\r\n\r\nCall-ID: in the body\r\n", None),
            ("Call-ID: in the first line\r\n\r\n", None),
            ("SIP/2.0 200 OK\r\nCall-ID:\r\n\r\n", None),
            ("", None),
        ] {
            assert_eq!(call_id(text.as_bytes()).as_deref(), wanted, "{text:?}");
        }
    }

    #[test]
    fn credentials_are_hidden_and_the_rest_stays() {
        let text = "INVITE sip:112@h SIP/2.0\r\nauthorization : Digest username=\"a, b\", \
                    realm=\"r\", response = \"6629fae4\",\r\n uri=\"sip:h\", new=1\r\n\
                    Proxy-Authorization: Basic c2VjcmV0\r\nTo: x\r\n\r\nv=0\r\n";
        assert_eq!(
            hidden(text),
            "INVITE sip:112@h SIP/2.0\r\nauthorization : Digest username=\"a, b\", realm=\"r\", \
             response =\"***\",\r\n uri=\"sip:h\", new=\"***\"\r\n\
             Proxy-Authorization: Basic \"***\"\r\nTo: x\r\n\r\nv=0\r\n"
        );
        for spoilt in
            ["Digest username=\"a, response=6629fae4", "Digest username=\"\\\", response=6629fae4"]
        {
            let text = format!("BYE sip:h SIP/2.0\r\nAuthorization: {spoilt}\r\n\r\n");
            assert!(!hidden(&text).contains("6629fae4"), "{}", hidden(&text));
        }
    }

    #[test]
    fn keys_of_a_session_are_hidden_and_lengths_stay() {
        let text = "SIP/2.0 200 OK\r\nTo: x\r\n\r\na=ice-pwd:c2VjcmV0\r\na=crypto:1 AES inline:c2VjcmV0|2^20\r\nm=x\r\n";
        let wanted = text.replace("c2VjcmV0", "********");
        assert_eq!(hidden(text), wanted);
    }

    #[test]
    fn a_message_without_secrets_is_not_copied() {
        let message = Bytes::from_static(b"BYE sip:h SIP/2.0\r\nTo: x\r\n\r\n");
        assert_eq!(masked(&message).as_ptr(), message.as_ptr());
    }

    fn line() -> impl Strategy<Value = String> {
        let name = prop_oneof![
            Just("Call-ID"),
            Just("i"),
            Just("CALL-ID"),
            Just("To"),
            Just("X"),
            Just(" i"),
            Just("")
        ];
        let gap = prop_oneof![Just(""), Just(" "), Just("\r\n "), Just("\n\t")];
        let colon = prop_oneof![9 => Just(":"), 1 => Just("")];
        let value = "[a-c@ :\u{e9}]{0,6}";
        let end =
            prop_oneof![9 => Just("\r\n"), 3 => Just("\n"), 1 => Just("\r\r\n"), 1 => Just("\r")];
        (name, gap.clone(), colon, gap, value, end)
            .prop_map(|(name, a, colon, b, value, end)| format!("{name}{a}{colon}{b}{value}{end}"))
    }

    proptest! {
        #[test]
        fn the_glance_and_the_reader_see_the_same_call_id(
            before in "[\r\n]{0,2}",
            lines in proptest::collection::vec(line(), 0..6),
            tail in prop_oneof![Just(""), Just("\r\n"), Just("\r\ni: body\r\n")],
            wrong in proptest::option::of((0usize..80, any::<u8>())),
        ) {
            let mut bytes = format!("{before}BYE sip:a SIP/2.0\r\n{}{tail}", lines.concat()).into_bytes();
            if let Some((at, byte)) = wrong
                && let Some(place) = bytes.get_mut(at)
            {
                *place = byte;
            }
            let bytes = Bytes::from(bytes);
            if let Ok(read) = parse(&bytes) {
                let headers = match read.message {
                    Message::Request(request) => request.headers,
                    Message::Response(response) => response.headers,
                };
                let (seen, read) = (call_id(&bytes).map(Cow::into_owned), headers.call_id());
                prop_assert_eq!(seen, read);
            }
        }

        #[test]
        fn no_bytes_are_too_odd(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let bytes = Bytes::from(bytes);
            let _ = call_id(&bytes);
            let _ = masked(&bytes);
        }
    }
}
