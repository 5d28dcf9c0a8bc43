//! Addresses: `sip:`, `sips:`, `tel:` and `urn:` URIs, read tolerantly and kept as they came.

use std::borrow::Cow;
use std::fmt;

use super::flow::Transport;
use super::values::{Params, decimal};

/// What kind of URI it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `sip:` (RFC 3261 §19.1).
    Sip,
    /// `sips:`.
    Sips,
    /// `tel:` (RFC 3966).
    Tel,
    /// `urn:`, e.g. `urn:service:sos` (RFC 5031).
    Urn,
    /// Anything else.
    Other,
}

/// A URI: its text exactly as it came, and the parts that decide.
#[derive(Clone, PartialEq, Eq)]
pub struct Uri {
    text: Box<str>,
    scheme: Scheme,
    user: Box<str>,
    host: Box<str>,
    port: Option<u16>,
    params: Params,
}

impl Uri {
    /// Reads a URI; total: what is not understood has [`Scheme::Other`] or empty parts.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let text = text.trim();
        let (scheme, rest) = match text.split_once(':') {
            Some((s, rest)) if s.eq_ignore_ascii_case("sip") => (Scheme::Sip, rest),
            Some((s, rest)) if s.eq_ignore_ascii_case("sips") => (Scheme::Sips, rest),
            Some((s, rest)) if s.eq_ignore_ascii_case("tel") => (Scheme::Tel, rest),
            Some((s, rest)) if s.eq_ignore_ascii_case("urn") => (Scheme::Urn, rest),
            _ => (Scheme::Other, text),
        };
        let mut uri = Self {
            text: text.into(),
            scheme,
            user: "".into(),
            host: "".into(),
            port: None,
            params: Params::default(),
        };
        match scheme {
            Scheme::Sip | Scheme::Sips => uri.read_sip(rest),
            Scheme::Tel => {
                let (number, params) = rest.split_once(';').unwrap_or((rest, ""));
                uri.user = number.into();
                uri.params = Params::read(params);
            }
            Scheme::Urn | Scheme::Other => {}
        }
        uri
    }

    fn read_sip(&mut self, rest: &str) {
        // Headers (`?…`) come last; a `?` may also stand unescaped in the user part, before `@`.
        let at = rest.rfind('@').filter(|&at| !rest.get(..at).unwrap_or("").contains('>'));
        let (user, after) = match at {
            Some(at) => (rest.get(..at).unwrap_or(""), rest.get(at + 1..).unwrap_or("")),
            None => ("", rest),
        };
        let after = after.split('?').next().unwrap_or("");
        let (host_port, params) = after.split_once(';').unwrap_or((after, ""));
        // A password after the user is never used (RFC 3261 §19.1.1 advises against it). What looks
        // like one in `urn:service:sos` is none: switches put a service there as it is.
        let urn = user.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("urn:"));
        self.user = if urn { user } else { user.split(':').next().unwrap_or("") }.into();
        let (host, port) = split_host_port(host_port);
        self.host = host.into();
        self.port = port;
        self.params = Params::read(params);
    }

    /// The URI exactly as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The URI as a Request-URI: without headers, which have no place there (RFC 3261 §19.1.5).
    #[must_use]
    pub fn request_form(&self) -> &str {
        if !matches!(self.scheme, Scheme::Sip | Scheme::Sips) {
            return &self.text;
        }
        let host = self.text.rfind('@').unwrap_or(0);
        let headers = self.text.bytes().skip(host).position(|byte| byte == b'?');
        headers.and_then(|at| self.text.get(..host + at)).unwrap_or(&self.text)
    }

    /// The URI as it stands in a start line or between angle brackets: what would end it there is
    /// escaped, whoever wrote it (RFC 3261 §19.1.2).
    #[must_use]
    pub fn wire_form(&self) -> Cow<'_, str> {
        let text = self.request_form();
        let text = if self.is_bare_ipv6() { self.bracketed(text) } else { Cow::Borrowed(text) };
        if text.bytes().all(stays) {
            return text;
        }
        let mut out = String::with_capacity(text.len() + 16);
        for byte in text.bytes() {
            if stays(byte) {
                out.push(char::from(byte));
            } else {
                out.push_str(&format!("%{byte:02X}"));
            }
        }
        Cow::Owned(out)
    }

    /// Whether its host is an IPv6 address without brackets: nobody can tell it from a port
    /// (RFC 5118 §4.2).
    #[must_use]
    pub fn is_bare_ipv6(&self) -> bool {
        self.host.contains(':') && !self.text.contains('[')
    }

    fn bracketed<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let from = text.rfind('@').or_else(|| text.find(':')).map_or(0, |at| at + 1);
        let (head, tail) = text.split_at_checked(from).unwrap_or(("", text));
        Cow::Owned(format!("{head}{}", tail.replacen(&*self.host, &format!("[{}]", self.host), 1)))
    }

    /// Whether a request can be sent to it: a SIP URI with a host.
    #[must_use]
    pub fn is_target(&self) -> bool {
        matches!(self.scheme, Scheme::Sip | Scheme::Sips) && !self.host.is_empty()
    }

    /// Whether it can be written where it was read without a byte being escaped.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        !self.text.is_empty() && self.text.bytes().all(stays)
    }

    /// What kind of URI it is.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// User part of a SIP URI, without a password, or number of a tel URI, as it came; empty when
    /// there is none.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Host of a SIP URI, without brackets; empty when there is none.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Port of a SIP URI.
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// Parameters of a SIP or tel URI.
    #[must_use]
    pub const fn params(&self) -> &Params {
        &self.params
    }

    /// Host and port as a socket address, when the host is an address.
    #[must_use]
    pub fn socket(&self) -> Option<std::net::SocketAddr> {
        let ip: std::net::IpAddr = self.host.parse().ok()?;
        // An IPv4 address in IPv6's clothes is reached over IPv4 (RFC 5118 §4.9).
        let ip = ip.to_canonical();
        let transport = Transport::of_uri(self).unwrap_or(Transport::Udp);
        Some(std::net::SocketAddr::new(ip, self.port.unwrap_or(transport.default_port())))
    }
}

/// Bytes that may stand in a URI as they are; the rest would end it or is no ASCII.
const fn stays(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"')
}

/// Splits `host`, `host:port`, `[v6]` and `[v6]:port`; the brackets are taken off.
pub(crate) fn split_host_port(text: &str) -> (&str, Option<u16>) {
    let text = text.trim();
    if let Some(inner) = text.strip_prefix('[') {
        let (host, rest) = inner.split_once(']').unwrap_or((inner, ""));
        return (host, rest.strip_prefix(':').and_then(decimal));
    }
    match text.rsplit_once(':') {
        // More than one colon without brackets is a bare IPv6 address (tolerated).
        Some((host, _)) if host.contains(':') => (text, None),
        Some((host, port)) => (host.trim(), decimal(port)),
        None => (text, None),
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A URI holds a caller's number; logs get its shape only.
        write!(f, "{:?}:***@{}", self.scheme, self.host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_that_a_112_call_uses_is_read() {
        // text, user, host, port
        let table = [
            ("sip:0328112@203.0.113.10:5060;user=phone", "0328112", "203.0.113.10", Some(5060)),
            ("sip:gw.example", "", "gw.example", None),
            ("sips:a@[2001:db8::1]:5061;transport=tls", "a", "2001:db8::1", Some(5061)),
            ("tel:+6281234567890;phone-context=+62", "+6281234567890", "", None),
            ("urn:service:sos.fire", "", "", None),
            ("SIP:seat_1@host_name.example;lr", "seat_1", "host_name.example", None),
            (
                "sip:user;par=u%40example.net@example.com",
                "user;par=u%40example.net",
                "example.com",
                None,
            ),
            ("sip:a@b?Subject=x", "a", "b", None),
            ("sip:0812:secret@h", "0812", "h", None),
            ("sip:urn:service:sos@h", "urn:service:sos", "h", None),
            ("sip:[::1]", "", "::1", None),
            ("sip:x@h:99999", "x", "h", None),
            ("sip:x@h:+5060", "x", "h", None),
            ("nonsense", "", "", None),
        ];
        for (text, user, host, port) in table {
            let uri = Uri::read(text);
            assert_eq!((uri.user(), uri.host(), uri.port()), (user, host, port), "{text}");
            assert_eq!(uri.as_str(), text);
        }
        assert_eq!(Uri::read("urn:service:sos").scheme(), Scheme::Urn);
        assert!(Uri::read("sip:a@b;lr").params().has("LR"));
    }

    #[test]
    fn what_would_end_a_uri_is_escaped_where_it_is_written() {
        // as it came, as it is written
        let table = [
            ("sip:0812;x=1@h;lr?Subject=a", "sip:0812;x=1@h;lr"),
            ("sip:a b\r\nEvil:\"<>@h", "sip:a%20b%0D%0AEvil:%22%3C%3E@h"),
            ("sip:\u{e9}@h", "sip:%C3%A9@h"),
            ("sip:t@2001:db8::9;lr", "sip:t@[2001:db8::9];lr"),
            ("sip:2001:db8::9", "sip:[2001:db8::9]"),
            ("sip:t@[2001:db8::9]:5070", "sip:t@[2001:db8::9]:5070"),
            ("urn:service:sos", "urn:service:sos"),
        ];
        for (text, written) in table {
            assert_eq!(Uri::read(text).wire_form(), written);
            assert_eq!(Uri::read(written).wire_form(), written, "once is enough");
        }
    }

    #[test]
    fn a_debug_print_does_not_show_the_number() {
        assert!(!format!("{:?}", Uri::read("tel:+6281234567890")).contains("6281"));
    }
}
