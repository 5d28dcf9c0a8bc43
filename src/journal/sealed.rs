//! Which parts of a fact are personal, and how a line looks whose personal parts are locked away.
//!
//! A line can never be changed: the chain would break. So what is personal stands in it encrypted,
//! under a key that belongs to one call. When the key is destroyed, what it locked is gone from the
//! journal and from every copy of it, and the chain holds as before. What is left tells when what
//! happened, and of whom nothing.
//!
//! A fact about a call is personal as a whole unless it is named here. This room locks nothing
//! itself; bytes in, bytes out.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Entry, Fact, chain};
use crate::vocabulary::{Uid, UidError, WallTime};

/// What a key is for; each has a time of its own after which it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Who called, where they are, what was said and written about them.
    Record,
    /// The SIP messages of the call.
    Trace,
    /// Who looked at what, day by day: about no single call.
    Log,
    /// What came and belongs to no call, day by day: where a phone is, messages that nobody could read.
    NoCall,
}

/// Whose a key is: a call, an incident for what people wrote of it, or a day.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner {
    /// What for.
    pub class: Class,
    /// The call or the incident; for [`Class::Log`] and [`Class::NoCall`] an id that was made at the day's midnight (UTC).
    pub of: Uid,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = match self.class {
            Class::Record => 'r',
            Class::Trace => 't',
            Class::Log => 'l',
            Class::NoCall => 'n',
        };
        write!(f, "{class}{}", self.of)
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Owner {
    type Err = UidError;

    fn from_str(text: &str) -> Result<Self, UidError> {
        let (class, rest) = match text.split_at_checked(1) {
            Some(("r", rest)) => (Class::Record, rest),
            Some(("t", rest)) => (Class::Trace, rest),
            Some(("l", rest)) => (Class::Log, rest),
            Some(("n", rest)) => (Class::NoCall, rest),
            _ => (Class::Record, ""),
        };
        Ok(Self { class, of: rest.parse()? })
    }
}

/// An entry in two parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// A JSON object that everybody may read.
    pub open: Vec<u8>,
    /// Whose key locks the rest, and a JSON object with it.
    pub personal: Option<(Owner, Vec<u8>)>,
}

/// The locked part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locked {
    /// Where the key is.
    pub slot: u64,
    /// Whose it is.
    pub owner: Owner,
    /// What is locked.
    pub data: Vec<u8>,
}

/// Personal fields of one kind of fact, each with what stands for it once it is gone. A field without
/// that is needed: the fact is gone with it.
type Fields = &'static [(&'static str, &'static str)];

enum Parts {
    /// Nothing is personal.
    Open,
    /// These fields are.
    Fields(Class, Fields),
    /// All but which call it is about.
    Whole,
}

/// Where a shortened arrival stands in the open part: what statistics need.
const PUBLIC_ARRIVAL: &str = "arrival_open";
/// The parts of it.
const PUBLIC_FIELDS: [&str; 4] = ["dialled", "service", "category", "kecamatan"];
/// Fields that stay open in a fact of which all else is personal.
const ALWAYS_OPEN: [&str; 4] = ["at", "fact", "call", "incident"];

/// What is personal in a kind of fact. Whoever adds a kind about a call has it locked as a whole, and
/// names it here when statistics must be able to read it for ever.
fn parts(kind: &str) -> Parts {
    match kind {
        "arrived" => Parts::Fields(Class::Record, &[("arrival", "")]),
        "signalled" => Parts::Fields(Class::Trace, &[("messages", "[]")]),
        "text-written" => Parts::Fields(Class::Record, &[("text", "\"\""), ("name", "\"\"")]),
        "work-opened" => Parts::Fields(Class::Record, &[("number", "null")]),
        "number-marked" => Parts::Fields(Class::Record, &[("number", "\"\"")]),
        "key" => Parts::Fields(Class::Record, &[("key", "")]),
        "seat-dialled" | "called-out" | "call-out-ended" | "party-invited" | "transferred" => {
            Parts::Fields(Class::Record, &[("to", "\"\"")])
        }
        // Whose telephone it is that was called out.
        "chain-tried" => Parts::Fields(Class::Record, &[("to", "\"\""), ("name", "\"\"")]),
        "incident-opened" | "incident-edited" | "incident-closed" => {
            Parts::Fields(Class::Record, &[("changes", "{}")])
        }
        "incident-reopened" | "incident-merged" | "incident-unmerged" | "incident-linked"
        | "incident-unlinked" => Parts::Fields(Class::Record, &[("why", "\"\"")]),
        // Why somebody wants a record kept may name another case, a suspect, a witness.
        "incident-held" | "recording-held" => Parts::Fields(Class::Record, &[("why", "\"\"")]),
        "number-cleared" => Parts::Fields(Class::Log, &[("number", "\"\"")]),
        "audited" => Parts::Fields(Class::Log, &[("subject", "\"\""), ("reason", "\"\"")]),
        "queued"
        | "laned"
        | "early-media"
        | "prompted"
        | "heard"
        | "linked"
        | "picked-up"
        | "disposed"
        | "disposition-withdrawn"
        | "offered"
        | "offer-ended"
        | "caller-answered"
        | "answered"
        | "held"
        | "resumed"
        | "seat-call-ended"
        | "test-answered"
        | "ended"
        | "overflowed"
        | "recording-started"
        | "recording-sealed"
        | "recording-failed"
        | "recording-resumed"
        | "chain-begun"
        | "chain-tried-ended"
        | "chain-ended"
        | "recording-deleted"
        | "party-joined"
        | "party-changed"
        | "party-held"
        | "party-left"
        | "party-took-over"
        | "private-talk"
        | "audio-stalled"
        | "audio-flows"
        | "caller-quiet"
        | "caller-speaks"
        | "audio-heard"
        | "copy-started"
        | "copy-failed"
        | "personal-erased" => Parts::Open,
        _ => Parts::Whole,
    }
}

/// Whether a step of this kind says nothing of the caller, and stays when the rest is erased.
#[must_use]
pub fn is_open(kind: &str) -> bool {
    matches!(parts(kind), Parts::Open)
}

/// Takes an entry apart.
#[must_use]
pub fn split(entry: &Entry) -> Split {
    let body = chain::body(entry);
    let open = |body| Split { open: body, personal: None };
    let (class, fields) = match parts(kind(&body)) {
        Parts::Open => return open(body),
        Parts::Fields(class, fields) => (class, Some(fields)),
        Parts::Whole => (Class::Record, None),
    };
    let owner = match (class, entry.fact.call()) {
        (Class::Log, _) => Owner { class, of: day_of(entry.at) },
        (_, Some(call)) => Owner { class, of: call.0 },
        // Where a phone is whose call has not come is about nobody's call: it goes with its day.
        // The same holds for what nobody could read.
        (_, None) if matches!(entry.fact, Fact::Located(_) | Fact::MalformedMessage(_)) => {
            Owner { class: Class::NoCall, of: day_of(entry.at) }
        }
        // What people write of an incident has a key of the incident: it may have no call, or several.
        (_, None) => match entry.fact.step() {
            Some(step) => Owner { class, of: step.incident().0 },
            None => return open(body),
        },
    };
    if let Fact::Signalled { call, messages, cut } = &entry.fact {
        // Most of a journal is made of these: they are written without a detour.
        let cut = if *cut { ",\"cut\":true" } else { "" };
        let open =
            format!("{{\"at\":{},\"fact\":\"signalled\",\"call\":\"{call}\"{cut}}}", entry.at.0);
        let messages = serde_json::to_vec(messages).unwrap_or_else(|_| b"[]".to_vec());
        let personal = [b"{\"messages\":", messages.as_slice(), b"}"].concat();
        return Split { open: open.into_bytes(), personal: Some((owner, personal)) };
    }
    let Ok(mut all) = serde_json::from_slice::<Map<String, Value>>(&body) else {
        return open(body);
    };
    let mut locked = Map::new();
    match fields {
        Some(fields) => {
            fields.iter().filter_map(|(name, _)| all.remove_entry(*name)).for_each(
                |(name, value)| {
                    locked.insert(name, value);
                },
            );
        }
        None => all.retain(|name, value| {
            let stays = ALWAYS_OPEN.contains(&name.as_str());
            if !stays {
                locked.insert(name.clone(), value.take());
            }
            stays
        }),
    }
    if let Some(Value::Object(arrival)) = locked.get("arrival").filter(|_| fields.is_some()) {
        let public = arrival.iter().filter(|(name, _)| PUBLIC_FIELDS.contains(&name.as_str()));
        let public = public.map(|(name, value)| (name.clone(), value.clone())).collect();
        all.insert(PUBLIC_ARRIVAL.into(), Value::Object(public));
    }
    let personal = serde_json::to_vec(&locked).unwrap_or_default();
    Split { open: in_order(all), personal: Some((owner, personal)) }
}

/// The id that stands for the day (UTC) of `at`.
#[must_use]
pub fn day_of(at: WallTime) -> Uid {
    const DAY: i64 = 86_400_000_000;
    Uid::new(WallTime(at.0.div_euclid(DAY) * DAY), 0)
}

/// The kind of a body, which stands behind its time.
fn kind(body: &[u8]) -> &str {
    const BEFORE: &[u8] = b"\"fact\":\"";
    let head = body.get(..body.len().min(96)).unwrap_or_default();
    let Some(at) = memchr::memmem::find(head, BEFORE) else { return "" };
    let rest = head.get(at + BEFORE.len()..).unwrap_or_default();
    let end = memchr::memchr(b'"', rest).unwrap_or(rest.len());
    rest.get(..end).and_then(|kind| std::str::from_utf8(kind).ok()).unwrap_or_default()
}

/// The object with its time and kind first, where readers look for them.
fn in_order(mut all: Map<String, Value>) -> Vec<u8> {
    let first = ALWAYS_OPEN.into_iter().filter_map(|name| all.remove_entry(name));
    let first: Vec<(String, Value)> = first.collect();
    let mut out = vec![b'{'];
    for (name, value) in first.into_iter().chain(all) {
        if out.len() > 1 {
            out.push(b',');
        }
        out.extend(serde_json::to_vec(&name).unwrap_or_default());
        out.push(b':');
        out.extend(serde_json::to_vec(&value).unwrap_or_default());
    }
    out.push(b'}');
    out
}

/// The body of a line whose personal part is locked.
#[must_use]
pub fn close(open: &[u8], locked: &Locked) -> Vec<u8> {
    let Locked { slot, owner, data } = locked;
    let data = STANDARD_NO_PAD.encode(data);
    let locked =
        format!(",\"sealed\":{{\"slot\":{slot},\"of\":\"{owner}\",\"data\":\"{data}\"}}}}");
    [open.strip_suffix(b"}").unwrap_or(open), locked.as_bytes()].concat()
}

#[derive(Deserialize)]
struct Closed {
    sealed: Parcel,
}

#[derive(Deserialize)]
struct Parcel {
    slot: u64,
    of: String,
    data: String,
}

/// The locked part of a line, when it has one.
#[must_use]
pub fn locked(line: &[u8]) -> Option<Locked> {
    let Closed { sealed } = serde_json::from_slice(line).ok()?;
    let data = STANDARD_NO_PAD.decode(sealed.data).ok()?;
    Some(Locked { slot: sealed.slot, owner: sealed.of.parse().ok()?, data })
}

/// The entry of a line whose personal part was opened.
#[must_use]
pub fn whole(line: &[u8], opened: &[u8]) -> Option<Entry> {
    let opened = opened.strip_prefix(b"{")?;
    let line = line.strip_suffix(b"}")?;
    serde_json::from_slice(&[line, b",", opened].concat()).ok()
}

/// What a line still says whose key is gone; none when nothing is left that could be told.
#[must_use]
pub fn blank(line: &[u8]) -> Option<Entry> {
    let mut all: Map<String, Value> = serde_json::from_slice(line).ok()?;
    all.remove("sealed");
    if let Some(public) = all.remove(PUBLIC_ARRIVAL) {
        all.insert("arrival".into(), public);
    }
    let Parts::Fields(_, fields) = parts(all.get("fact")?.as_str()?) else { return None };
    for (name, blank) in fields.iter().filter(|(_, blank)| !blank.is_empty()) {
        all.insert((*name).into(), serde_json::from_str(blank).ok()?);
    }
    serde_json::from_value(Value::Object(all)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::Arrival;
    use crate::vocabulary::{CallId, IncidentId, Private};

    fn call() -> CallId {
        CallId(Uid::new(WallTime(1_789_621_200_000_000), 7))
    }

    fn entry(fact: Fact) -> Entry {
        Entry { at: WallTime(1_789_621_951_204_000), fact }
    }

    fn arrived() -> Entry {
        let mut arrival = Arrival { dialled: "112".into(), ..Arrival::default() };
        arrival.caller.phone.raw = Private::new("081299887766".into());
        arrival.category = Some("kebakaran".into());
        let (trunk, source) = ("telco-a".into(), "udp:198.51.100.7:5060".into());
        let incident = IncidentId(call().0);
        entry(Fact::Arrived { call: call(), incident, trunk, source, arrival: Box::new(arrival) })
    }

    fn line(entry: &Entry) -> (Vec<u8>, Vec<u8>) {
        let Split { open, personal } = split(entry);
        let (owner, personal) = personal.expect("something is personal");
        let data = personal.iter().map(|byte| byte ^ 0x55).collect();
        let mut out = Vec::new();
        let body = close(&open, &Locked { slot: 3, owner, data });
        chain::Chain::default().seal(&body, &mut out);
        out.pop();
        (out, personal)
    }

    #[test]
    fn what_is_personal_is_locked_and_comes_back_whole() {
        for entry in [
            arrived(),
            entry(Fact::Key {
                call: call(),
                by: crate::vocabulary::Party::Caller,
                key: '7',
                after_ms: 5,
            }),
            entry(Fact::Signalled { call: call(), messages: Vec::new(), cut: true }),
            entry(Fact::NumberCleared {
                number: Private::new("081299887766".into()),
                by: "a".into(),
            }),
        ] {
            let (line, personal) = line(&entry);
            assert!(!String::from_utf8_lossy(&line).contains("081299887766"));
            let locked = locked(&line).expect("locked");
            let opened: Vec<u8> = locked.data.iter().map(|byte| byte ^ 0x55).collect();
            assert_eq!((locked.slot, opened.as_slice()), (3, personal.as_slice()));
            assert_eq!(whole(&line, &opened), Some(entry));
        }
    }

    #[test]
    fn what_people_write_of_an_incident_is_locked_by_its_own_key() {
        use crate::incident::{Edit, Field, Value};
        let value = Value::Text(Private::new("Bu Siti".into()));
        let changes = [(Field::CallerName, Some(value))].into();
        let edit =
            Edit { incident: IncidentId(call().0), by: "rani".into(), saw: 4, changes, version: 0 };
        let edited = entry(Fact::IncidentEdited(Box::new(edit)));
        let owner = split(&edited).personal.map(|(owner, _)| owner);
        assert_eq!(owner, Some(Owner { class: Class::Record, of: call().0 }));
        let (line, _) = line(&edited);
        let text = String::from_utf8_lossy(&line);
        assert!(!text.contains("Siti") && text.contains("rani"), "{text}");
        let parcel = locked(&line).expect("locked");
        let opened: Vec<u8> = parcel.data.iter().map(|byte| byte ^ 0x55).collect();
        assert_eq!(whole(&line, &opened), Some(edited));
        let Some(Fact::IncidentEdited(blank)) = blank(&line).map(|entry| entry.fact) else {
            panic!("who wrote when is left")
        };
        assert!(blank.changes.is_empty() && blank.by == "rani");
    }

    #[test]
    fn without_its_key_a_line_tells_what_statistics_need() {
        let (bare, _) = line(&arrived());
        let Some(Entry { fact: Fact::Arrived { arrival, trunk, .. }, .. }) = blank(&bare) else {
            panic!("nothing is left")
        };
        assert_eq!((trunk.as_str(), arrival.dialled.as_str()), ("telco-a", "112"));
        assert_eq!(arrival.category.as_deref(), Some("kebakaran"));
        assert_eq!(arrival.caller.phone.raw.reveal(), "");
        let key =
            Fact::Key { call: call(), by: crate::vocabulary::Party::Caller, key: '7', after_ms: 5 };
        let (pressed, _) = line(&entry(key));
        assert_eq!(blank(&pressed), None);
    }

    #[test]
    fn why_a_record_is_held_is_locked_and_who_held_it_until_when_is_not() {
        let hold = crate::journal::retention::Hold {
            call: call(),
            incident: IncidentId(call().0),
            held: true,
            by: "rina".into(),
            why: "perkara Budi".into(),
            until: Some(WallTime(1_889_621_200_000_000)),
        };
        let recording = Fact::RecordingHeld {
            call: call(),
            held: true,
            by: "rina".into(),
            why: "perkara Budi".into(),
        };
        for fact in [Fact::IncidentHeld(Box::new(hold)), recording] {
            let entry = entry(fact);
            let (line, personal) = line(&entry);
            let text = String::from_utf8_lossy(&line);
            assert!(!text.contains("Budi") && text.contains("rina"), "{text}");
            assert_eq!(whole(&line, &personal), Some(entry));
            assert!(blank(&line).is_some(), "that it was held is left");
        }
        let old = br#"{"at":5,"fact":"recording-held","call":"06f0000000000000","held":true,"by":"rina","why":"x"}"#;
        assert!(serde_json::from_slice::<Entry>(old).is_ok(), "older lines are read");
    }

    #[test]
    fn what_is_about_no_caller_stays_open() {
        let queued = entry(Fact::EarlyMedia { call: call() });
        assert_eq!(split(&queued), Split { open: chain::body(&queued), personal: None });
        let alarm = entry(Fact::Alarm { name: "journal-slow".into(), detail: "x".into() });
        assert_eq!(split(&alarm).personal, None);
    }

    #[test]
    fn owners_are_read_back() {
        for class in [Class::Record, Class::Trace, Class::Log, Class::NoCall] {
            let owner = Owner { class, of: call().0 };
            assert_eq!(owner.to_string().parse(), Ok(owner));
        }
        assert!("".parse::<Owner>().is_err() && "é06".parse::<Owner>().is_err());
    }
}
