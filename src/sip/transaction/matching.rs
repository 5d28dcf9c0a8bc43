//! Which transaction a message belongs to (RFC 3261 §17.1.3 and §17.2.3).

use crate::sip::message::{Method, Request};

/// What every branch of RFC 3261 begins with.
pub const MAGIC_COOKIE: &str = "z9hG4bK";

/// The key of a server transaction. An ACK has the key of its INVITE; a CANCEL has its own, and
/// [`ServerKey::of_cancelled`] gives that of the INVITE it is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServerKey {
    text: Box<str>,
    cancel: bool,
}

impl ServerKey {
    /// The key of a request; none when its Via, From, Call-ID or CSeq cannot be read.
    #[must_use]
    pub fn of(request: &Request) -> Option<Self> {
        let cancel = request.method == Method::Cancel;
        Some(Self { text: Self::text(request, &request.method)?.into(), cancel })
    }

    /// The key of the INVITE that a CANCEL is for.
    #[must_use]
    pub fn of_cancelled(cancel: &Request) -> Option<Self> {
        Some(Self { text: Self::text(cancel, &Method::Invite)?.into(), cancel: false })
    }

    fn text(request: &Request, method: &Method) -> Option<String> {
        let via = request.headers.via()?;
        let method = match method {
            Method::Ack | Method::Cancel => "INVITE",
            other => other.as_str(),
        };
        let port = via.port.unwrap_or(0);
        let branch = via.branch();
        let host = via.host.to_ascii_lowercase();
        let call_id = request.headers.call_id()?;
        let number = request.headers.cseq()?.number;
        if branch.len() > MAGIC_COOKIE.len() && branch.starts_with(MAGIC_COOKIE) {
            // The branch should say it all (§17.2.3). Call-ID and number are the same in every
            // repetition; a switch that uses its branch again must not lose its second caller.
            return Some(format!("{branch}|{host}:{port}|{call_id}|{number}|{method}"));
        }
        // An element of RFC 2543 sends no usable branch: its dialog and sequence name it.
        let from = request.headers.from()?;
        let tag = from.tag().unwrap_or("");
        Some(format!("2543|{call_id}|{tag}|{number}|{host}:{port}|{method}"))
    }
}

/// What the copies of one request have in common, whichever way each of them came (RFC 3261
/// §8.2.2.2): a proxy that forks may send two branches of one call to the same place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MergeKey {
    call_id: Box<str>,
    from_tag: Box<str>,
    number: u32,
    method: Method,
}

impl MergeKey {
    /// The key of a request outside a dialog; none for the others, and for a sender of RFC 2543
    /// whose From has no tag to tell it by.
    #[must_use]
    pub fn of(request: &Request) -> Option<Self> {
        if matches!(request.method, Method::Ack | Method::Cancel)
            || request.headers.to()?.tag().is_some()
        {
            return None;
        }
        let from = request.headers.from()?;
        Some(Self {
            call_id: request.headers.call_id()?.into(),
            from_tag: from.tag().filter(|tag| !tag.is_empty())?.into(),
            number: request.headers.cseq()?.number,
            method: request.method.clone(),
        })
    }
}
