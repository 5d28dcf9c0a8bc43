//! How urgent a datagram is, seen at a glance, and what is done with it when the gateway is behind.
//!
//! Ten times the rate that a machine can take must cost the callers who are being served nothing.
//! So datagrams wait in lanes. This table is the whole policy; [`Lane::policy`] is the same in code.
//!
//! | lane | what waits in it | taken | when it is over its mark |
//! |---|---|---|---|
//! | `in-progress` | ACK, BYE, CANCEL, PRACK, requests with a To tag, responses, of known sources | first | kept up to its bound |
//! | `calls` | INVITEs of known trunks | second | kept up to its bound, which is memory alone; then 503, so that the trunk fails over, and an alarm. After Timer B (32 s) nobody waits for the answer: dropped |
//! | `newcomers` | what an unknown source may say: REGISTER, INVITE, and what claims to belong to a call; INVITEs of phones | in turn | last of all: dropped. A new registration brings a seat |
//! | `web` | orders of the console and of the API | in turn | fourth: 503 |
//! | `subscriptions` | SUBSCRIBE, PUBLISH, NOTIFY of no call | in turn | third: 503 |
//! | `options` | OPTIONS and every other request of no call, of known sources | in turn | second: 503 |
//! | `refreshes` | REGISTER of an address where a phone is known | in turn | first: 503; of several refreshes losing one is harmless |
//!
//! "In turn": after both upper lanes are empty, and one time in [`limits::LOWER_SHARE`] while they
//! are not. When the upper lanes are behind themselves, only the two lanes of REGISTER keep a share
//! ([`limits::REGISTER_SHARE`]), so that an overload of many minutes does not sign the seats out.
//!
//! A lane is over its mark when its oldest has waited longer than its patience or its bound is
//! reached. A glance reads the start line and, where the class hangs on it, To and the topmost Via:
//! without a copy unless a line is folded. It is as tolerant as the parser and agrees with it.

use std::borrow::Cow;
use std::hash::BuildHasher;
use std::time::Duration;

use super::parse::{next_line, strip_prefix_no_case};
use super::stun;
use super::transaction::matching::MAGIC_COOKIE;
use super::uri::split_host_port;
use super::values::{
    find_outside_quotes, split_list, split_outside_quotes, split_protocol, unquote,
};
use crate::vocabulary::limits;

/// What a datagram is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Urgency {
    /// Belongs to a call or answers us: ACK, BYE, CANCEL, PRACK, a To tag, any response.
    InProgress,
    /// A new INVITE.
    Call,
    /// REGISTER.
    Register,
    /// OPTIONS of no call.
    Options,
    /// SUBSCRIBE and PUBLISH; NOTIFY of no call.
    Subscription,
    /// Any other request of no call.
    Other,
    /// No SIP: the parser would say so too.
    Junk,
}

/// How well the sender is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// An address or connection of a carrier.
    Trunk,
    /// A registered phone, or an address that we ourselves called.
    Peer,
    /// Anybody.
    Unknown,
}

/// What was seen of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance {
    /// What it is about.
    pub urgency: Urgency,
    /// Hash of the topmost Via's branch, of an INVITE without a To tag and of a CANCEL, when it is
    /// one of RFC 3261 (with the magic cookie) and so names the transaction.
    pub branch: Option<u64>,
    /// It is a CANCEL.
    pub cancel: bool,
}

/// Where datagrams wait, in the order of the table above.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Calls in progress.
    InProgress,
    /// New calls of trunks.
    Calls,
    /// What unknown sources may say.
    Newcomers,
    /// The console and the API.
    Web,
    /// Subscriptions.
    Subscriptions,
    /// OPTIONS and the rest.
    Options,
    /// Refreshes of registrations.
    Refreshes,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its name in metrics.
    pub word: &'static str,
    /// How long the oldest may wait before new arrivals are turned away.
    pub patience: Duration,
    /// The most that waits.
    pub length: usize,
    /// The most bytes that wait.
    pub bytes: usize,
}

impl Lane {
    /// All of them, most urgent first.
    pub const ALL: [Self; 7] = [
        Self::InProgress,
        Self::Calls,
        Self::Newcomers,
        Self::Web,
        Self::Subscriptions,
        Self::Options,
        Self::Refreshes,
    ];

    /// The policy.
    #[must_use]
    pub fn policy(self) -> Policy {
        use limits::{CALLS_LANE, LANE, LANE_BYTES, LANE_PATIENCE, UPPER_LANE, UPPER_LANE_BYTES};
        let lower = |word, steps| Policy {
            word,
            patience: LANE_PATIENCE * steps,
            length: LANE,
            bytes: LANE_BYTES,
        };
        let upper = |word| Policy {
            word,
            patience: Duration::MAX,
            length: UPPER_LANE,
            bytes: UPPER_LANE_BYTES,
        };
        match self {
            Self::InProgress => upper("in-progress"),
            Self::Calls => Policy { length: CALLS_LANE, ..upper("calls") },
            Self::Newcomers => lower("newcomers", 8),
            Self::Web => lower("web", 4),
            Self::Subscriptions => lower("subscriptions", 3),
            Self::Options => lower("options", 2),
            Self::Refreshes => lower("refreshes", 1),
        }
    }

    /// Where a datagram of such a sender waits; none when nobody listens to it.
    #[must_use]
    pub const fn of(urgency: Urgency, standing: Standing) -> Option<Self> {
        Some(match (urgency, standing) {
            (Urgency::Junk, _) => return None,
            (Urgency::InProgress, Standing::Trunk | Standing::Peer) => Self::InProgress,
            (Urgency::Call, Standing::Trunk) => Self::Calls,
            (Urgency::Call, _) | (Urgency::Register | Urgency::InProgress, Standing::Unknown) => {
                Self::Newcomers
            }
            (_, Standing::Unknown) => return None,
            (Urgency::Register, _) => Self::Refreshes,
            (Urgency::Subscription, _) => Self::Subscriptions,
            (Urgency::Options | Urgency::Other, _) => Self::Options,
        })
    }
}

/// Looks at a datagram. `hasher` hashes the branch; with keys that nobody knows, nobody can make
/// two branches look like one.
#[must_use]
pub fn glance(datagram: &[u8], hasher: &impl BuildHasher) -> Glance {
    let junk = Glance { urgency: Urgency::Junk, branch: None, cancel: false };
    if stun::read(datagram).is_some() {
        // A phone keeps its way through a NAT open (RFC 5626 §3.5.2).
        return Glance { urgency: Urgency::Other, ..junk };
    }
    let Some(start) = datagram.iter().position(|b| !matches!(b, b'\r' | b'\n')) else {
        return junk;
    };
    let raw = datagram.get(start..).unwrap_or_default();
    if datagram.len() > limits::SIP_MESSAGE_BYTES {
        return junk;
    }
    let (line, next) = next_line(raw, 0);
    let line = String::from_utf8_lossy(raw.get(line).unwrap_or_default());
    let Some(start) = read_start(&line) else { return junk };
    let headers = raw.get(next..).unwrap_or_default();
    let by_tag = |without| if has_to_tag(headers) { Urgency::InProgress } else { without };
    let (urgency, cancel) = match start {
        Start::Response => (Urgency::InProgress, false),
        Start::Request("CANCEL") => (Urgency::InProgress, true),
        Start::Request(method) => {
            let urgency = match method {
                "ACK" | "BYE" | "PRACK" => Urgency::InProgress,
                "REGISTER" => Urgency::Register,
                "SUBSCRIBE" | "PUBLISH" => Urgency::Subscription,
                "NOTIFY" => by_tag(Urgency::Subscription),
                "INVITE" => by_tag(Urgency::Call),
                "OPTIONS" => by_tag(Urgency::Options),
                _ => by_tag(Urgency::Other),
            };
            (urgency, false)
        }
    };
    let named = cancel || urgency == Urgency::Call;
    let branch = if named { branch(headers, hasher) } else { None };
    Glance { urgency, branch, cancel }
}

/// Whether a datagram is nothing but line ends: a keep-alive, which is no fault (RFC 5626 §3.5.1).
#[must_use]
pub fn is_keep_alive(datagram: &[u8]) -> bool {
    datagram.iter().all(|b| matches!(b, b'\r' | b'\n'))
}

enum Start<'a> {
    Request(&'a str),
    Response,
}

/// What the parser's own reader of start lines takes, without making anything of it.
fn read_start(line: &str) -> Option<Start<'_>> {
    if let Some(rest) = strip_prefix_no_case(line, "SIP/") {
        let (_version, rest) = rest.split_once(' ')?;
        let code = rest.trim_start().split_once(' ').map_or(rest.trim(), |(code, _)| code);
        let code: u16 = code.parse().ok()?;
        return (100..700).contains(&code).then_some(Start::Response);
    }
    let (method, rest) = line.split_once([' ', '\t'])?;
    let token = method.bytes().all(super::message::is_token_byte);
    if method.is_empty() || method.len() > 64 || !token {
        return None;
    }
    let (uri, version) = rest.trim().rsplit_once([' ', '\t'])?;
    strip_prefix_no_case(version, "SIP/")?;
    let bare = uri.trim().trim_start_matches('<').trim_end_matches('>');
    (!bare.is_empty()).then_some(Start::Request(method))
}

/// The value of the first header of that name, long or compact, unfolded.
fn first_value<'a>(headers: &'a [u8], long: &str, compact: &str) -> Option<Cow<'a, [u8]>> {
    let mut at = 0;
    while at < headers.len() {
        let (line, mut next) = next_line(headers, at);
        if line.is_empty() {
            return None;
        }
        let mut text = Cow::Borrowed(headers.get(line).unwrap_or_default());
        let folded = |next: usize| matches!(headers.get(next), Some(b' ' | b'\t'));
        // Another header's continuation is only passed over.
        let wanted = |text: &[u8]| {
            let end = memchr::memchr(b':', text).unwrap_or(text.len());
            let name = String::from_utf8_lossy(text.get(..end).unwrap_or_default());
            name.trim().eq_ignore_ascii_case(long) || name.trim().eq_ignore_ascii_case(compact)
        };
        let ours = wanted(&text);
        while folded(next) {
            let (more, after) = next_line(headers, next);
            if ours {
                let more = headers.get(more).unwrap_or_default().trim_ascii();
                let whole = text.to_mut();
                whole.push(b' ');
                whole.extend_from_slice(more);
            }
            next = after;
        }
        at = next;
        // A name whose colon came late may have become another name.
        if ours
            && wanted(&text)
            && let Some(colon) = memchr::memchr(b':', &text)
        {
            return Some(match text {
                Cow::Borrowed(text) => {
                    Cow::Borrowed(text.get(colon + 1..).unwrap_or_default().trim_ascii())
                }
                Cow::Owned(text) => {
                    Cow::Owned(text.get(colon + 1..).unwrap_or_default().trim_ascii().to_vec())
                }
            });
        }
    }
    None
}

/// Whether To has a tag, as [`super::NameAddr::tag`] sees it.
fn has_to_tag(headers: &[u8]) -> bool {
    let Some(value) = first_value(headers, "To", "t") else { return false };
    let text = String::from_utf8_lossy(&value);
    let text = text.trim();
    let params = match find_outside_quotes(text, b'<') {
        Some(open) => {
            let rest = text.get(open + 1..).unwrap_or_default();
            rest.split_once('>').map_or("", |(_, params)| params)
        }
        None => match text.split_once(';') {
            Some((uri, params)) if !uri.trim().is_empty() => params,
            _ => return false,
        },
    };
    let mut parts = split_outside_quotes(params, b';').filter_map(|part| part.split_once('='));
    parts.any(|(name, value)| {
        name.trim().eq_ignore_ascii_case("tag") && !unquote(value.trim()).is_empty()
    })
}

fn branch(headers: &[u8], hasher: &impl BuildHasher) -> Option<u64> {
    let value = first_value(headers, "Via", "v")?;
    let text = String::from_utf8_lossy(&value);
    let (_transport, rest) = split_protocol(split_list(&text).next()?)?;
    let (sent_by, params) = rest.split_once(';')?;
    if split_host_port(sent_by).0.is_empty() {
        return None;
    }
    let branch = param(params, "branch")?;
    let named = branch.len() > MAGIC_COOKIE.len() && branch.starts_with(MAGIC_COOKIE);
    named.then(|| hasher.hash_one(branch))
}

/// The value of the first parameter of that name; none when that one has no value.
fn param<'a>(params: &'a str, name: &str) -> Option<&'a str> {
    let mut parts = split_outside_quotes(params, b';');
    let is_it = |part: &&str| {
        let own = part.split('=').next().unwrap_or("").trim();
        own.eq_ignore_ascii_case(name)
    };
    parts.find(is_it)?.split_once('=').map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use std::hash::RandomState;

    use super::*;

    fn look(text: &str) -> Urgency {
        glance(text.as_bytes(), &RandomState::new()).urgency
    }

    #[test]
    fn the_class_of_each_kind_of_message() {
        let with = |method: &str, to: &str| format!("{method} sip:a SIP/2.0\r\n{to}\r\n\r\n");
        for (method, without, within) in [
            ("INVITE", Urgency::Call, Urgency::InProgress),
            ("ACK", Urgency::InProgress, Urgency::InProgress),
            ("BYE", Urgency::InProgress, Urgency::InProgress),
            ("CANCEL", Urgency::InProgress, Urgency::InProgress),
            ("PRACK", Urgency::InProgress, Urgency::InProgress),
            ("UPDATE", Urgency::Other, Urgency::InProgress),
            ("INFO", Urgency::Other, Urgency::InProgress),
            ("MESSAGE", Urgency::Other, Urgency::InProgress),
            ("NOTIFY", Urgency::Subscription, Urgency::InProgress),
            ("OPTIONS", Urgency::Options, Urgency::InProgress),
            ("SUBSCRIBE", Urgency::Subscription, Urgency::Subscription),
            ("PUBLISH", Urgency::Subscription, Urgency::Subscription),
            ("REGISTER", Urgency::Register, Urgency::Register),
            ("FOO", Urgency::Other, Urgency::InProgress),
        ] {
            assert_eq!(look(&with(method, "To: <sip:a@b>")), without, "{method}");
            assert_eq!(look(&with(method, "To: <sip:a@b>;tag=1")), within, "{method} within");
        }
        assert_eq!(look("SIP/2.0 200 OK\r\n\r\n"), Urgency::InProgress);
        for junk in ["", "\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "SIP/2.0 99 X\r\n", "INVITE\r\n"] {
            assert_eq!(look(junk), Urgency::Junk, "{junk:?}");
        }
    }

    #[test]
    fn to_is_found_wherever_the_parser_finds_it() {
        let table = [
            ("t: sip:a@b;tag=1", true),
            ("TO :\"x;tag=1\" <sip:a;tag=2@b>", false),
            ("To: \"x <y>\" <sip:a@b> ; x ; TAG = 1", true),
            ("To: <sip:a@b>;tag", false),
            ("Subject: a\r\n To: <sip:a@b>;tag=1", false),
            ("To: <sip:a@b>\r\n\t;tag=1", true),
            ("To\r\n : <sip:a@b>;tag=1", true),
            ("To: <sip:a@b>\r\nTo: <sip:a@b>;tag=1", false),
            ("From: <sip:a@b>;tag=1\n\nTo: <sip:a@b>;tag=1", false),
        ];
        for (lines, tagged) in table {
            let urgency = look(&format!("\r\nINVITE sip:a SIP/2.0\r\n{lines}\r\n\r\n"));
            let expected = if tagged { Urgency::InProgress } else { Urgency::Call };
            assert_eq!(urgency, expected, "{lines:?}");
        }
    }

    #[test]
    fn an_invite_and_its_cancel_have_one_branch() {
        let hasher = RandomState::new();
        let text = |method: &str, via: &str| {
            let text = format!("{method} sip:a SIP/2.0\r\n{via}\r\nTo: <sip:a>\r\n\r\n");
            glance(text.as_bytes(), &hasher)
        };
        let invite = text("INVITE", "Via: SIP/2.0/UDP h;rport;branch=z9hG4bK1, SIP/2.0/UDP x");
        assert!(invite.branch.is_some() && !invite.cancel);
        let cancel = text("CANCEL", "v: SIP/2.0/UDP h\r\n ;branch=z9hG4bK1");
        assert_eq!((cancel.branch, cancel.cancel), (invite.branch, true));
        assert_ne!(text("INVITE", "Via: SIP/2.0/UDP h;branch=z9hG4bK2").branch, invite.branch);
        // A branch of RFC 2543 names no transaction.
        assert_eq!(text("INVITE", "Via: SIP/2.0/UDP h;branch=1").branch, None);
    }

    #[test]
    fn what_is_shed_first_has_the_least_patience() {
        let patience: Vec<_> = Lane::ALL.iter().map(|lane| lane.policy().patience).collect();
        assert!(patience.windows(2).all(|two| two[0] >= two[1]), "{patience:?}");
        let lower = &patience[2..];
        assert!(lower.windows(2).all(|two| two[0] > two[1]), "{lower:?}");
        assert_eq!(Lane::of(Urgency::Call, Standing::Trunk), Some(Lane::Calls));
        assert_eq!(Lane::of(Urgency::Register, Standing::Peer), Some(Lane::Refreshes));
        assert_eq!(Lane::of(Urgency::Register, Standing::Unknown), Some(Lane::Newcomers));
        assert_eq!(Lane::of(Urgency::Options, Standing::Unknown), None);
        assert_eq!(Lane::of(Urgency::Junk, Standing::Trunk), None);
    }
}
