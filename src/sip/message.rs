//! Requests and responses as values. Header values stay bytes: a wrong UTF-8 byte in a name never
//! decides the fate of a call.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;

use super::name::Name;
use super::uri::Uri;
use super::values::{CSeq, NameAddr, Via, split_list, without_empty_tag};

/// The extensions that we take part in, as Supported names them.
pub const SUPPORTED: &str = "timer, 100rel, replaces, norefersub";

/// A request method (RFC 3261 §7.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each variant is the method that its name says")]
pub enum Method {
    Invite,
    Ack,
    Bye,
    Cancel,
    Options,
    Register,
    Info,
    Update,
    Prack,
    Message,
    Refer,
    Notify,
    Subscribe,
    Publish,
    /// Any other token.
    Other(Box<str>),
}

impl Method {
    /// The method as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Invite => "INVITE",
            Self::Ack => "ACK",
            Self::Bye => "BYE",
            Self::Cancel => "CANCEL",
            Self::Options => "OPTIONS",
            Self::Register => "REGISTER",
            Self::Info => "INFO",
            Self::Update => "UPDATE",
            Self::Prack => "PRACK",
            Self::Message => "MESSAGE",
            Self::Refer => "REFER",
            Self::Notify => "NOTIFY",
            Self::Subscribe => "SUBSCRIBE",
            Self::Publish => "PUBLISH",
            Self::Other(text) => text,
        }
    }

    /// Reads a method; methods are case-sensitive. None when it is no token.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if text.is_empty() || text.len() > 64 || !text.bytes().all(is_token_byte) {
            return None;
        }
        Some(match text {
            "INVITE" => Self::Invite,
            "ACK" => Self::Ack,
            "BYE" => Self::Bye,
            "CANCEL" => Self::Cancel,
            "OPTIONS" => Self::Options,
            "REGISTER" => Self::Register,
            "INFO" => Self::Info,
            "UPDATE" => Self::Update,
            "PRACK" => Self::Prack,
            "MESSAGE" => Self::Message,
            "REFER" => Self::Refer,
            "NOTIFY" => Self::Notify,
            "SUBSCRIBE" => Self::Subscribe,
            "PUBLISH" => Self::Publish,
            other => Self::Other(other.into()),
        })
    }
}

pub(crate) const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~')
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Header lines in the order they came, unfolded.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(Name, Bytes)>);

impl Headers {
    /// Appends a line.
    pub fn push(&mut self, name: Name, value: impl Into<Bytes>) {
        self.0.push((name, value.into()));
    }

    /// The bytes of the first line of that name.
    #[must_use]
    pub fn first(&self, name: &Name) -> Option<&Bytes> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }

    /// The first line of that name as text, wrong UTF-8 replaced.
    #[must_use]
    pub fn text(&self, name: &Name) -> Option<Cow<'_, str>> {
        self.first(name).map(|v| String::from_utf8_lossy(v))
    }

    /// Every line of that name as text.
    pub fn texts<'a>(&'a self, name: &'a Name) -> impl Iterator<Item = Cow<'a, str>> {
        self.lines(name).map(|v| String::from_utf8_lossy(v))
    }

    /// Every line of that name.
    pub fn lines<'a>(&'a self, name: &'a Name) -> impl Iterator<Item = &'a Bytes> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, v)| v)
    }

    /// Every value of that name: lists are split at their commas, whether they came in one line
    /// or in several.
    #[must_use]
    pub fn values(&self, name: &Name) -> Vec<String> {
        let mut values = Vec::new();
        for line in self.texts(name) {
            if name.is_list() {
                values.extend(split_list(&line).map(str::to_owned));
            } else {
                values.push(line.trim().to_owned());
            }
        }
        values
    }

    /// Whether a comma-separated list of tokens holds `token` (Supported, Require, Allow).
    #[must_use]
    pub fn lists(&self, name: &Name, token: &str) -> bool {
        self.texts(name).any(|line| split_list(&line).any(|t| t.eq_ignore_ascii_case(token)))
    }

    /// A header whose value is a number.
    #[must_use]
    pub fn number(&self, name: &Name) -> Option<u32> {
        super::values::decimal(&self.text(name)?)
    }

    /// All lines in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &Bytes)> {
        self.0.iter().map(|(n, v)| (n, v))
    }

    /// How many lines there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The topmost Via.
    #[must_use]
    pub fn via(&self) -> Option<Via> {
        let line = self.text(&Name::Via)?;
        Via::read(split_list(&line).next()?)
    }

    /// From, read.
    #[must_use]
    pub fn from(&self) -> Option<NameAddr> {
        NameAddr::read(&self.text(&Name::From)?)
    }

    /// To, read.
    #[must_use]
    pub fn to(&self) -> Option<NameAddr> {
        NameAddr::read(&self.text(&Name::To)?)
    }

    /// CSeq, read.
    #[must_use]
    pub fn cseq(&self) -> Option<CSeq> {
        CSeq::read(&self.text(&Name::CSeq)?)
    }

    /// Call-ID, trimmed.
    #[must_use]
    pub fn call_id(&self) -> Option<String> {
        self.text(&Name::CallId).map(|t| t.trim().to_owned()).filter(|t| !t.is_empty())
    }

    /// Every Contact, read; `*` is not an address and is left out.
    #[must_use]
    pub fn contacts(&self) -> Vec<NameAddr> {
        let values = self.values(&Name::Contact);
        values.iter().filter(|v| *v != "*").filter_map(|v| NameAddr::read(v)).collect()
    }

    /// `+sip.instance` of the first Contact: which phone it is (RFC 5626 §4.1).
    #[must_use]
    pub fn instance(&self) -> Option<String> {
        let contact = self.contacts().into_iter().next()?;
        contact.params.get("+sip.instance").map(str::to_owned)
    }

    /// Every Reason, read: protocol and cause (RFC 3326).
    #[must_use]
    pub fn reasons(&self) -> Vec<(String, u16)> {
        self.values(&Name::Reason).iter().filter_map(|v| super::values::read_reason(v)).collect()
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked.
    pub method: Method,
    /// Request-URI.
    pub uri: Uri,
    /// Header lines.
    pub headers: Headers,
    /// Body.
    pub body: Bytes,
    /// The message as it came; empty for one of ours.
    pub raw: Bytes,
}

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// 100 to 699.
    pub code: u16,
    /// Reason phrase.
    pub phrase: String,
    /// Header lines.
    pub headers: Headers,
    /// Body.
    pub body: Bytes,
    /// The message as it came; empty for one of ours.
    pub raw: Bytes,
}

/// Either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A request.
    Request(Request),
    /// A response.
    Response(Response),
}

impl Request {
    /// A request of ours with no headers yet.
    #[must_use]
    pub fn new(method: Method, uri: Uri) -> Self {
        Self { method, uri, headers: Headers::default(), body: Bytes::new(), raw: Bytes::new() }
    }

    /// Appends a header line.
    #[must_use]
    pub fn with(mut self, name: Name, value: impl Into<Bytes>) -> Self {
        self.headers.push(name, value);
        self
    }

    /// The response's head that answers this request: Via, From, To, Call-ID and CSeq copied byte
    /// for byte (RFC 3261 §8.2.6.2), each but Via once however often it came. `tag` is added to
    /// To where it has none.
    #[must_use]
    pub fn response(&self, code: u16, tag: &str) -> Response {
        let mut headers = Headers::default();
        for (name, value) in self.headers.iter() {
            let repeats = matches!(name, Name::From | Name::To | Name::CallId | Name::CSeq)
                && headers.first(name).is_some();
            match name {
                _ if repeats => {}
                Name::To if code > 100 && self.headers.to().is_some_and(|t| t.tag().is_none()) => {
                    let empty = self.headers.to().is_some_and(|t| t.params.has("tag"));
                    let mut to = if empty {
                        without_empty_tag(&String::from_utf8_lossy(value)).into_bytes()
                    } else {
                        value.to_vec()
                    };
                    to.extend_from_slice(b";tag=");
                    to.extend_from_slice(tag.as_bytes());
                    headers.push(Name::To, to);
                }
                Name::Via | Name::From | Name::To | Name::CallId | Name::CSeq => {
                    headers.push(name.clone(), value.clone());
                }
                // A proxy that recorded itself must be in the dialog's route set (§12.1.1).
                Name::RecordRoute
                    if self.method == Method::Invite && (101..300).contains(&code) =>
                {
                    headers.push(name.clone(), value.clone());
                }
                _ => {}
            }
        }
        let phrase = super::write::phrase(code).to_owned();
        Response { code, phrase, headers, body: Bytes::new(), raw: Bytes::new() }
    }

    /// The extensions that the sender insists on and that we do not take part in.
    #[must_use]
    pub fn unknown_extensions(&self) -> Vec<String> {
        let mut required = self.headers.values(&Name::Require);
        required.retain(|tag| !split_list(SUPPORTED).any(|ours| ours.eq_ignore_ascii_case(tag)));
        required
    }

    /// The 420 to a request that requires an extension which we have not (RFC 3261 §8.2.2.3).
    #[must_use]
    pub fn bad_extension(&self, tag: &str) -> Option<Response> {
        let unknown = self.unknown_extensions();
        let refuse = || self.response(420, tag).with(Name::Unsupported, unknown.join(", "));
        (!unknown.is_empty()).then(refuse)
    }
}

impl Response {
    /// Appends a header line.
    #[must_use]
    pub fn with(mut self, name: Name, value: impl Into<Bytes>) -> Self {
        self.headers.push(name, value);
        self
    }

    /// Sets the body and its type.
    #[must_use]
    pub fn with_body(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.headers.push(Name::ContentType, content_type.to_owned());
        self.body = body.into();
        self
    }

    /// 1xx.
    #[must_use]
    pub const fn is_provisional(&self) -> bool {
        self.code < 200
    }

    /// 2xx.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.code >= 200 && self.code < 300
    }
}
