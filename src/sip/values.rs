//! Header values: parameters, name-addr, Via, CSeq, and lists split where commas separate.

use std::net::{IpAddr, SocketAddr};

use super::message::Method;
use super::uri::{Uri, split_host_port};

/// Parameters in the order they came: `;name` or `;name=value`, names compared without case.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Params(Vec<(Box<str>, Option<Box<str>>)>);

impl Params {
    /// Reads `a=1;b;c="x;y"`, with or without a leading semicolon. Quotes are taken off.
    #[must_use]
    pub fn read(text: &str) -> Self {
        Self::read_at(text, b';')
    }

    /// Reads parameters that another byte separates: credentials have commas.
    #[must_use]
    pub fn read_at(text: &str, separator: u8) -> Self {
        let mut params = Vec::new();
        for part in split_outside_quotes(text, separator) {
            let part = part.trim();
            if part.is_empty() {
                continue;
            }
            match part.split_once('=') {
                Some((name, value)) => {
                    params.push((name.trim().into(), Some(unquote(value.trim()).into())));
                }
                None => params.push((part.into(), None)),
            }
        }
        Self(params)
    }

    /// The value of a parameter; none when it is absent or has no value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).and_then(|(_, v)| v.as_deref())
    }

    /// Whether a parameter is there, with or without a value.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(n, _)| n.eq_ignore_ascii_case(name))
    }

    /// All parameters in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.iter().map(|(n, v)| (&**n, v.as_deref()))
    }
}

/// A `name-addr` or `addr-spec` with its header parameters (RFC 3261 §20.10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameAddr {
    /// Display name without quotes and escapes; empty when there is none.
    pub display: String,
    /// The address.
    pub uri: Uri,
    /// Parameters of the header, not of the URI.
    pub params: Params,
}

impl NameAddr {
    /// Reads one address. Without angle brackets, parameters belong to the header
    /// (RFC 3261 §20.10). None only when there is nothing that could be an address.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(open) = find_outside_quotes(text, b'<') {
            let display = unquote(text.get(..open)?.trim());
            let rest = text.get(open + 1..)?;
            let (uri, params) = rest.split_once('>').unwrap_or((rest, ""));
            return Some(Self { display, uri: Uri::read(uri), params: Params::read(params) });
        }
        let (uri, params) = text.split_once(';').unwrap_or((text, ""));
        if uri.trim().is_empty() {
            return None;
        }
        Some(Self { display: String::new(), uri: Uri::read(uri), params: Params::read(params) })
    }

    /// The `tag` parameter; an empty one names no dialog and is none.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        let mut tags = self.params.iter().filter(|(name, _)| name.eq_ignore_ascii_case("tag"));
        tags.find_map(|(_, value)| value.filter(|tag| !tag.is_empty()))
    }
}

/// One Via value (RFC 3261 §20.42).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Via {
    /// `UDP`, `TCP`, `TLS`, `WS`, `WSS`, upper case.
    pub transport: String,
    /// Host of sent-by.
    pub host: String,
    /// Port of sent-by.
    pub port: Option<u16>,
    /// Parameters.
    pub params: Params,
}

impl Via {
    /// Reads one Via value.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (protocol, rest) = split_protocol(text)?;
        let (sent_by, params) = rest.split_once(';').unwrap_or((rest, ""));
        let (host, port) = split_host_port(sent_by);
        if host.is_empty() {
            return None;
        }
        Some(Self {
            transport: protocol.to_ascii_uppercase(),
            host: host.to_owned(),
            port,
            params: Params::read(params),
        })
    }

    /// The branch, empty when there is none.
    #[must_use]
    pub fn branch(&self) -> &str {
        self.params.get("branch").unwrap_or("")
    }
}

/// `SIP / 2.0 / UDP host…` → (`UDP`, `host…`); white space is allowed around the slashes. Any
/// version will do: the 505 to a request of another version goes back by its Via.
pub(super) fn split_protocol(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.trim_start().split_once('/')?;
    let (_version, rest) = rest.split_once('/')?;
    if !name.trim().eq_ignore_ascii_case("SIP") {
        return None;
    }
    let rest = rest.trim_start();
    let end = rest.find(|c: char| c.is_ascii_whitespace())?;
    Some((rest.get(..end)?, rest.get(end..)?.trim_start()))
}

/// The Via value that a response must carry back: `received` and `rport` filled in as
/// RFC 3261 §18.2.1 and RFC 3581 §4 say.
#[must_use]
pub fn stamp_via(value: &str, via: &Via, source: SocketAddr) -> String {
    let mut text = String::with_capacity(value.len() + 40);
    let (sent_by, params) = value.split_once(';').unwrap_or((value, ""));
    text.push_str(sent_by.trim_end());
    for part in split_outside_quotes(params, b';') {
        let part = part.trim();
        let name = part.split('=').next().unwrap_or("").trim();
        let stamped = name.eq_ignore_ascii_case("rport") || name.eq_ignore_ascii_case("received");
        if !part.is_empty() && !stamped {
            text.push(';');
            text.push_str(part);
        }
    }
    let rport = via.params.has("rport");
    let canonical = source.ip().to_canonical();
    let same = via.host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical() == canonical);
    if !same || rport {
        text.push_str(&format!(";received={}", source.ip()));
    }
    if rport {
        text.push_str(&format!(";rport={}", source.port()));
    }
    text
}

/// CSeq: the number and the method (RFC 3261 §20.16).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CSeq {
    /// Below 2^31 in a valid message; up to 2^32 − 1 is read.
    pub number: u32,
    /// The method of the request.
    pub method: Method,
}

impl CSeq {
    /// Reads `10 INVITE`.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace();
        let number = decimal(words.next()?)?;
        let method = Method::read(words.next()?)?;
        Some(Self { number, method })
    }
}

/// A number of digits alone, with white space around: no sign, which Rust would read.
#[must_use]
pub fn decimal<T: std::str::FromStr>(text: &str) -> Option<T> {
    let text = text.trim();
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// The Reason of a CANCEL or BYE: protocol and cause (RFC 3326).
#[must_use]
pub fn read_reason(text: &str) -> Option<(String, u16)> {
    let (protocol, params) = text.split_once(';').unwrap_or((text, ""));
    let cause = Params::read(params).get("cause").and_then(decimal)?;
    Some((protocol.trim().to_ascii_uppercase(), cause))
}

/// Splits at a byte that stands outside quoted strings.
pub(crate) fn split_outside_quotes(text: &str, at: u8) -> impl Iterator<Item = &str> {
    split_outside(text, at, false)
}

/// An address without its empty `tag` parameters, so that one can be added.
pub(crate) fn without_empty_tag(address: &str) -> String {
    let empty = |part: &&str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        name.trim().eq_ignore_ascii_case("tag") && value.trim().is_empty()
    };
    let kept: Vec<&str> = split_outside(address, b';', true).filter(|part| !empty(part)).collect();
    kept.join(";")
}

/// Splits a comma-separated list outside quoted strings and angle brackets.
pub(crate) fn split_list(text: &str) -> impl Iterator<Item = &str> {
    split_outside(text, b',', true).map(str::trim).filter(|part| !part.is_empty())
}

fn split_outside(text: &str, at: u8, angle: bool) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut quoted = false;
        let mut escaped = false;
        let mut inside = false;
        for (i, byte) in text.bytes().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                b'<' if angle && !quoted => inside = true,
                b'>' if angle && !quoted => inside = false,
                _ if byte == at && !quoted && !inside => {
                    rest = text.get(i + 1..);
                    return text.get(..i);
                }
                _ => {}
            }
        }
        rest = None;
        Some(text)
    })
}

pub(super) fn find_outside_quotes(text: &str, wanted: u8) -> Option<usize> {
    let mut quoted = false;
    let mut escaped = false;
    for (i, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if byte == wanted && !quoted => return Some(i),
            _ => {}
        }
    }
    // An unbalanced quote in a display name must not hide the address behind it.
    text.bytes().position(|byte| byte == wanted)
}

/// Takes quotes and backslash escapes off; text without quotes stays as it is.
#[must_use]
pub fn unquote(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"') else { return text.to_owned() };
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            '"' => break,
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_with_and_without_brackets() {
        let a =
            NameAddr::read("\"Pak \\\"Budi\\\", <desa>\" <sip:0812@h;user=phone>;tag=x1").unwrap();
        assert_eq!(a.display, "Pak \"Budi\", <desa>");
        assert_eq!((a.uri.user(), a.tag()), ("0812", Some("x1")));
        let b = NameAddr::read("sip:0812@h;tag=x2").unwrap();
        assert_eq!((b.uri.as_str(), b.tag()), ("sip:0812@h", Some("x2")));
        let c = NameAddr::read("<urn:service:sos>").unwrap();
        assert_eq!(c.uri.as_str(), "urn:service:sos");
        assert!(NameAddr::read(" ").is_none());
        let d = NameAddr::read("\"broken <sip:a@b>").unwrap();
        assert_eq!(d.uri.user(), "a");
    }

    #[test]
    fn a_via_is_read_with_white_space_and_stamped() {
        let text = "SIP / 2.0 / UDP 192.0.2.4:5070 ;branch=z9hG4bK1;rport;maddr=x";
        let via = Via::read(text).unwrap();
        assert_eq!(
            (via.host.as_str(), via.port, via.branch()),
            ("192.0.2.4", Some(5070), "z9hG4bK1")
        );
        let stamped = stamp_via(text, &via, "192.0.2.9:6000".parse().unwrap());
        let again = Via::read(&stamped).unwrap();
        assert_eq!(again.params.get("received"), Some("192.0.2.9"));
        assert_eq!(again.params.get("rport"), Some("6000"));
        assert_eq!(again.branch(), "z9hG4bK1");
        assert!(Via::read("SIP/2.0/UDP").is_none());
        assert_eq!(Via::read("SIP/7.0/UDP h;branch=b").unwrap().branch(), "b");
        assert_eq!(
            Via::read("SIP/2.0/TLS [2001:db8::9]:5061;branch=b").unwrap().host,
            "2001:db8::9"
        );
    }

    #[test]
    fn lists_split_outside_quotes_and_brackets() {
        let list = "\"A, B\" <sip:a,b@h>, <tel:+62>,, sip:c@h";
        let parts: Vec<_> = split_list(list).collect();
        assert_eq!(parts, ["\"A, B\" <sip:a,b@h>", "<tel:+62>", "sip:c@h"]);
    }

    #[test]
    fn cseq_and_reason_are_read() {
        assert_eq!(CSeq::read(" 10\t INVITE ").unwrap().number, 10);
        assert!(CSeq::read("4294967296 INVITE").is_none());
        assert_eq!(read_reason("Q.850 ;cause=16;text=\"x;y\""), Some(("Q.850".into(), 16)));
        assert_eq!(read_reason("SIP;text=x"), None);
    }
}
