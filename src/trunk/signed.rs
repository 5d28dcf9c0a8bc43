//! What of an INVITE is compared with its signed identities (RFC 8224 §6.2): the number that the record
//! names the caller by, whom the call is for, and when it says that it was sent.
//!
//! It verifies nothing and fetches nothing: that takes a certificate from elsewhere, and no call waits.

use super::settings::Centre;
use super::{DialledKind, number_plan};
use crate::incident::Arrival;
use crate::sip::{Name, NameAddr, Request};
use crate::vocabulary::{Private, WallTime};

/// Identity headers looked at: a network writes one or two, and one for each diversion.
const HEADERS: usize = 8;
/// Bytes of one: a PASSporT with all that is known has under 2,000.
const BYTES: usize = 8 << 10;

/// The signed identities of a call and what they must agree with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signed {
    /// The values of Identity, as they came.
    pub headers: Vec<Private<String>>,
    /// The number that the caller is named by, digits only, with its country; none where there is none.
    pub number: Option<Private<String>>,
    /// Digits of whom the call is for: of To, the Request-URI, and the centre's own forms.
    pub dialled: Vec<String>,
    /// URIs of the same, in lower case.
    pub uris: Vec<String>,
    /// The Date header: when the INVITE says that it was sent.
    pub date: Option<WallTime>,
    /// When it came.
    pub received: WallTime,
}

/// What is to be verified of an INVITE; none where nothing is signed.
#[must_use]
pub fn signed(
    request: &Request,
    kind: DialledKind,
    arrival: &Arrival,
    centre: &Centre,
    received: WallTime,
) -> Option<Signed> {
    let headers = &request.headers;
    let values = headers.values(&Name::Identity).into_iter();
    let values: Vec<_> =
        values.filter(|value| value.len() <= BYTES).take(HEADERS).map(Private::new).collect();
    if values.is_empty() {
        return None;
    }
    let number = arrival.caller.phone.e164.as_ref().unwrap_or(&arrival.caller.phone.raw);
    let number = digits(number.reveal());
    let to = headers.to().map(|to: NameAddr| to.uri);
    let mut dialled = vec![digits(&arrival.dialled), digits(request.uri.user())];
    dialled.extend(to.as_ref().map(|to| digits(to.user())));
    let mut uris = vec![request.uri.as_str().to_ascii_lowercase(), arrival.service.clone()];
    uris.extend(to.map(|to| to.as_str().to_ascii_lowercase()));
    if kind == DialledKind::Emergency {
        // The carrier may have signed what the caller dialled, and sent what it is here.
        dialled.extend(centre.dialled.iter().map(|form| digits(form)));
    }
    dialled.retain(|form| !form.is_empty());
    dialled.sort();
    dialled.dedup();
    Some(Signed {
        headers: values,
        number: Some(number).filter(|number| !number.is_empty()).map(Private::new),
        dialled,
        uris,
        date: headers.text(&Name::Date).and_then(|text| date(&text)),
        received,
    })
}

/// The digits of a number without separators and plus; nothing of what is none.
fn digits(text: &str) -> String {
    let clean = number_plan::clean(text);
    let digits = clean.strip_prefix('+').unwrap_or(&clean);
    let all = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if all { digits.to_owned() } else { String::new() }
}

/// A SIP date (RFC 3261 §20.17): `Thu, 17 Sep 2026 05:12:31 GMT`.
fn date(text: &str) -> Option<WallTime> {
    let read = jiff::fmt::rfc2822::parse(text.trim()).ok()?;
    Some(WallTime(read.timestamp().as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trunk::tests::{centre, request, trunk};
    use crate::trunk::{arrival, dialled};

    fn read(text: &str) -> Option<Signed> {
        let request = request(text.as_bytes());
        let (centre, trunk) = (centre(), trunk("telco-b"));
        let kind = dialled(&request, &trunk, &centre).kind;
        let (arrival, _) = arrival(&request, &trunk, &centre, &[], &[]);
        signed(&request, kind, &arrival, &centre, WallTime(1))
    }

    #[test]
    fn what_is_signed_is_compared_with_what_the_record_says() {
        let found = read(
            "INVITE sip:0328112@gw SIP/2.0\r\nTo: <sip:112@gw>\r\n\
             From: <sip:anonymous@anonymous.invalid>;tag=1\r\n\
             P-Asserted-Identity: <tel:+62-812-3456-7890>\r\n\
             Date: Thu, 17 Sep 2026 05:12:31 GMT\r\n\
             Identity: a.b.c;info=<https://cert.example/p.cer>;alg=ES256;ppt=shaken\r\n\r\n",
        );
        let found = found.expect("signed");
        assert_eq!(found.number.as_ref().map(|n| n.reveal().as_str()), Some("6281234567890"));
        assert_eq!(found.date.map(WallTime::as_millis), Some(1_789_621_951_000));
        for form in ["112", "0328112"] {
            assert!(found.dialled.iter().any(|known| known == form), "{:?}", found.dialled);
        }
        assert!(found.uris.iter().any(|uri| uri == "urn:service:sos"));
        assert_eq!(read("INVITE sip:112@gw SIP/2.0\r\nTo: <sip:112@gw>\r\n\r\n"), None);
    }

    #[test]
    fn headers_are_bounded() {
        let one = "Identity: a.b.c;info=<https://x/>\r\n".repeat(30);
        let long = format!("Identity: {}\r\n", "x".repeat(9_000));
        let found = read(&format!("INVITE sip:112@gw SIP/2.0\r\n{long}{one}\r\n")).expect("signed");
        assert_eq!(found.headers.len(), HEADERS);
        assert!(found.headers.iter().all(|header| header.reveal().len() < 100));
    }
}
