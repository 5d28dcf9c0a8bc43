//! The values of a transfer: Refer-To (RFC 3515), Replaces (RFC 3891), and the progress that the
//! referrer is told (RFC 3420).

use super::message::{Headers, Request};
use super::name::Name;
use super::uri::Uri;
use super::values::{NameAddr, Params, split_list};
use super::write::phrase;

/// Which dialog a new one takes the place of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaces {
    /// Call-ID.
    pub call_id: String,
    /// The tag of whoever is asked to replace: ours, when the header comes to us.
    pub to_tag: String,
    /// The other side's tag.
    pub from_tag: String,
    /// Only while the dialog is not confirmed.
    pub early_only: bool,
}

impl Replaces {
    /// Reads a header's value; none when it lacks a part or names more than one dialog.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (call_id, params) = text.split_once(';')?;
        let params = Params::read(params);
        let tag = |name| params.get(name).filter(|tag| !tag.is_empty()).map(str::to_owned);
        let call_id = call_id.trim();
        if call_id.is_empty() || text.contains(',') {
            return None;
        }
        Some(Self {
            call_id: call_id.to_owned(),
            to_tag: tag("to-tag")?,
            from_tag: tag("from-tag")?,
            early_only: params.has("early-only"),
        })
    }

    /// The Replaces of an INVITE: none without the header.
    ///
    /// # Errors
    /// The header cannot be read, or there are several: 400 (RFC 3891 §3).
    pub fn of(request: &Request) -> Result<Option<Self>, Unreadable> {
        let lines: Vec<_> = request.headers.texts(&Name::Replaces).collect();
        match lines.as_slice() {
            [] => Ok(None),
            [line] => Self::read(line).map(Some).ok_or(Unreadable),
            _ => Err(Unreadable),
        }
    }
}

/// A Refer-To or Replaces that says nothing: answered 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a Refer-To or Replaces that cannot be read")]
pub struct Unreadable;

/// Whom a REFER asks to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferTo {
    /// The address, without its headers.
    pub uri: Uri,
    /// The dialog that the call takes the place of: an attended transfer.
    pub replaces: Option<Replaces>,
}

impl ReferTo {
    /// The one Refer-To of a REFER (RFC 3515 §2.1).
    ///
    /// # Errors
    /// There is none, or several, it cannot be read, or it asks for another method than INVITE.
    pub fn of(request: &Request) -> Result<Self, Unreadable> {
        let lines: Vec<_> = request.headers.texts(&Name::ReferTo).collect();
        let values: Vec<&str> = lines.iter().flat_map(|line| split_list(line)).collect();
        let [value] = values.as_slice() else { return Err(Unreadable) };
        let named = NameAddr::read(value).ok_or(Unreadable)?;
        let method = named.uri.params().get("method");
        if method.is_some_and(|method| !method.eq_ignore_ascii_case("INVITE")) {
            return Err(Unreadable);
        }
        let text = named.uri.as_str();
        let replaces = match text.split_once('?') {
            None => None,
            Some((_, headers)) => replaces_in(headers)?,
        };
        Ok(Self { uri: Uri::read(named.uri.request_form()), replaces })
    }
}

/// The Replaces among the headers of a URI (RFC 3261 §19.1.1).
fn replaces_in(headers: &str) -> Result<Option<Replaces>, Unreadable> {
    for header in headers.split('&') {
        let (name, value) = header.split_once('=').unwrap_or((header, ""));
        if name.eq_ignore_ascii_case("Replaces") {
            return Replaces::read(&unescape(value)).map(Some).ok_or(Unreadable);
        }
    }
    Ok(None)
}

/// Takes `%XX` off (RFC 3261 §19.1.2); what is no such escape stays.
fn unescape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escaped = (*first == b'%')
            .then(|| std::str::from_utf8(tail.get(..2)?).ok())
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match escaped {
            Some(byte) => {
                out.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Whether the sender of a REFER wants to be told how it goes (RFC 4488).
#[must_use]
pub fn wants_notice(headers: &Headers) -> bool {
    let refer_sub = headers.text(&Name::ReferSub);
    !refer_sub.is_some_and(|value| value.trim().to_ascii_lowercase().starts_with("false"))
}

/// A status as the body of a NOTIFY (RFC 3420): only the status line.
#[must_use]
pub fn fragment(code: u16) -> String {
    format!("SIP/2.0 {code} {}\r\n", phrase(code))
}

#[cfg(test)]
mod tests {
    use super::super::message::Method;
    use super::*;

    fn refer(lines: &[&str]) -> Request {
        lines.iter().fold(Request::new(Method::Refer, Uri::read("sip:us")), |request, line| {
            request.with(Name::ReferTo, (*line).to_owned())
        })
    }

    #[test]
    fn a_refer_to_is_read_with_the_dialog_that_it_replaces() {
        let blind = ReferTo::of(&refer(&["<sip:seat-2@c.example>"])).unwrap();
        assert_eq!((blind.uri.user(), blind.replaces), ("seat-2", None));
        let attended = ReferTo::of(&refer(&[
            "\"Budi\" <sip:seat-2@h;transport=tcp?Replaces=a%40h%3Bto-tag%3Dt1%3Bfrom-tag%3Df1&X=1>",
        ]))
        .unwrap();
        let replaces = attended.replaces.unwrap();
        assert_eq!(attended.uri.as_str(), "sip:seat-2@h;transport=tcp");
        assert_eq!(
            (replaces.call_id.as_str(), replaces.to_tag.as_str(), replaces.from_tag.as_str()),
            ("a@h", "t1", "f1")
        );
        assert!(!replaces.early_only);
    }

    #[test]
    fn what_asks_for_nothing_is_refused() {
        for lines in [
            &[][..],
            &["<sip:a@h>", "<sip:b@h>"],
            &["<sip:a@h>, <sip:b@h>"],
            &["<sip:a@h;method=BYE>"],
            &["<sip:a@h?Replaces=x>"],
            &["<sip:a@h?Replaces=x%3Bto-tag%3D1>"],
        ] {
            assert_eq!(ReferTo::of(&refer(lines)), Err(Unreadable), "{lines:?}");
        }
    }

    #[test]
    fn a_replaces_header_names_one_dialog() {
        let read = Replaces::read("98732@h;from-tag=r33;to-tag=ff;early-only").unwrap();
        assert!(read.early_only && read.to_tag == "ff" && read.from_tag == "r33");
        for text in ["", "x", "x;to-tag=1", ";to-tag=1;from-tag=2", "x;to-tag=;from-tag=2"] {
            assert!(Replaces::read(text).is_none(), "{text}");
        }
        let twice = Request::new(Method::Invite, Uri::read("sip:us"))
            .with(Name::Replaces, "a;to-tag=1;from-tag=2")
            .with(Name::Replaces, "b;to-tag=1;from-tag=2");
        assert_eq!(Replaces::of(&twice), Err(Unreadable));
    }

    #[test]
    fn escapes_are_taken_off_and_others_stay() {
        assert_eq!(unescape("a%40b%3"), "a@b%3");
        assert_eq!(unescape("%zz%"), "%zz%");
    }
}
