//! One line of the journal as an event for others: its number, when, what, and what belongs to it. The
//! same for the stream of the API and for webhooks.
//!
//! What may tell who somebody is is left out unless it is asked for: only what is named here goes out
//! to everybody, so that a new kind of fact gives nothing away.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::incident::{Arrival, Location};
use crate::journal::{Entry, Fact, Line};
use crate::vocabulary::CallId;

/// The event that stands in the place of `queued` for whoever asks for it: everything that an operator
/// should see when a call comes.
pub const SCREEN_POP: &str = "screen-pop";
/// Kinds that come only to those who name them: there are many, or they are about people at work.
const ASKED_FOR: [&str; 2] = ["signalled", "audited"];
/// Members that say nothing of who somebody is.
const OPEN: [&str; 34] = [
    "call",
    "incident",
    "trunk",
    "queue",
    "rule",
    "priority",
    "answer",
    "lane",
    "seat",
    "operator",
    "offer",
    "outcome",
    "status",
    "after_ms",
    "ending",
    "prompt",
    "sound",
    "disposition",
    "until",
    "callers",
    "over",
    "work",
    "attempt",
    "party",
    "part",
    "muted",
    "private",
    "held",
    "recorder",
    "millis",
    "state",
    "version",
    "other",
    "origin",
];
/// Parts of an arrival that say nothing of who somebody is.
const OPEN_ARRIVAL: [&str; 4] = ["dialled", "service", "category", "kecamatan"];
/// Arrivals that are remembered until their calls are queued.
const ARRIVALS: usize = 1_000;
/// A position with a radius of up to so many metres can be driven to.
const NEAR_METRES: f64 = 200.0;

/// A kind that there is not.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "there is no event {0:?}: kinds are those of the journal's facts, such as arrived, answered, ended, \
     incident-edited, alarm, and screen-pop"
)]
pub struct UnknownKind(pub String);

/// Which events somebody wants, and what of them they may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// None: all but those that are asked for only.
    kinds: Option<BTreeSet<String>>,
    /// With numbers, names, places and texts.
    personal: bool,
}

impl Wish {
    /// All usual events.
    #[must_use]
    pub const fn all(personal: bool) -> Self {
        Self { kinds: None, personal }
    }

    /// Only these kinds.
    ///
    /// # Errors
    /// The first kind that there is not.
    pub fn of<'k>(
        kinds: impl IntoIterator<Item = &'k str>,
        personal: bool,
    ) -> Result<Self, UnknownKind> {
        let known = |kind: &&str| {
            // The reader of facts knows all kinds; whatever else it misses is of no account.
            let fact = json!({ "fact": kind }).to_string();
            let unknown = |error: serde_json::Error| error.to_string().contains("unknown variant");
            *kind == SCREEN_POP || !serde_json::from_str::<Fact>(&fact).err().is_some_and(unknown)
        };
        let read = |kind: &str| {
            let kind = kind.trim();
            let refuse = || UnknownKind(kind.chars().take(40).collect());
            Some(kind).filter(known).map(str::to_owned).ok_or_else(refuse)
        };
        let kinds = kinds.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self { kinds: Some(kinds), personal })
    }

    /// Whether numbers, names, places and texts are wanted.
    #[must_use]
    pub const fn is_personal(&self) -> bool {
        self.personal
    }

    fn wants(&self, kind: &str) -> bool {
        self.kinds.as_ref().map_or(!ASKED_FOR.contains(&kind), |kinds| kinds.contains(kind))
    }

    fn wants_pops(&self) -> bool {
        self.kinds.as_ref().is_some_and(|kinds| kinds.contains(SCREEN_POP))
    }

    /// The event of a line, when it is wanted. `arrivals` is told of every line in order.
    pub fn event(&self, line: &Line, arrivals: &mut Arrivals) -> Option<Event> {
        let entry = line.entry.as_ref()?;
        if let (Fact::Queued { call, .. }, true) = (&entry.fact, self.wants_pops()) {
            let known = arrivals.0.remove(call);
            return Some(self.pop(line.seq, entry, known));
        }
        arrivals.follow(entry, self.wants_pops());
        let Ok(Value::Object(mut all)) = serde_json::to_value(entry) else { return None };
        let kind = all.remove("fact")?.as_str()?.to_owned();
        if !self.wants(&kind) {
            return None;
        }
        all.remove("at");
        if let Some(Value::Object(arrival)) = all.get_mut("arrival") {
            if self.personal {
                // The message itself stands on the ladder.
                arrival.remove("raw");
            } else {
                arrival.retain(|name, _| OPEN_ARRIVAL.contains(&name.as_str()));
            }
        }
        if !self.personal {
            let open = |name: &str| OPEN.contains(&name) || name == "arrival";
            let alarm = |name: &str| kind == "alarm" && name == "name";
            all.retain(|name, _| open(name) || alarm(name));
        }
        Some(Event::new(line.seq, entry, &kind, all))
    }

    fn pop(&self, offset: u64, entry: &Entry, known: Option<Known>) -> Event {
        let Fact::Queued { call, queue, rule, priority, wants, .. } = &entry.fact else {
            return Event::new(offset, entry, SCREEN_POP, Map::new());
        };
        let mut all = Map::new();
        all.insert("call".into(), json!(call));
        all.insert("queue".into(), json!(queue));
        all.insert("rule".into(), json!(rule));
        all.insert("priority".into(), json!(priority));
        all.insert("wants".into(), json!(wants));
        let number = known.as_ref().and_then(|known| {
            known.arrival.caller.phone.e164.as_ref().map(|number| number.reveal().clone())
        });
        let mut received = entry.at.0;
        if let Some(Known { incident, trunk, at, arrival }) = known {
            received = at;
            all.insert("incident".into(), json!(incident));
            all.insert("trunk".into(), json!(trunk));
            all.insert("received_at".into(), json!(crate::vocabulary::WallTime(at).to_rfc3339()));
            all.insert("languages".into(), json!(arrival.languages));
            all.insert("service".into(), json!(arrival.service));
            all.insert("category".into(), json!(arrival.category));
            all.insert("kecamatan".into(), json!(arrival.kecamatan));
            if self.personal {
                let caller = &arrival.caller;
                let caller = json!({
                    "number": caller.phone.e164, "raw": caller.phone.raw, "name": caller.name,
                    "trust": caller.trust, "verstat": caller.verstat,
                    "can_call_back": caller.phone.class.can_be_called_back(),
                });
                all.insert("caller".into(), caller);
                all.insert("place".into(), place(&arrival));
            }
        }
        let ask = self.personal.then_some(number).flatten().map(|number| (number, *call));
        Event { ask, received, ..Event::new(offset, entry, SCREEN_POP, all) }
    }
}

/// Where the caller may be, and how far that can be relied on.
fn place(arrival: &Arrival) -> Value {
    let radius =
        |location: &Location| location.radius_m.as_ref().and_then(|r| r.parse::<f64>().ok());
    let cell = arrival.cell.as_ref();
    let located = arrival.locations.first();
    let confidence = match (located, cell) {
        (Some(place), _) if radius(place).is_some_and(|metres| metres <= NEAR_METRES) => "high",
        (Some(_), _) => "medium",
        (None, Some(cell)) if cell.network_provided => "low",
        (None, Some(_)) => "hint",
        (None, None) => "none",
    };
    json!({
        "confidence": confidence,
        "kecamatan": arrival.kecamatan,
        "location": located,
        "cell": cell,
    })
}

/// An event that may go out.
#[derive(Clone, Debug)]
pub struct Event {
    /// The number of the journal's line.
    pub offset: u64,
    /// What happened.
    pub kind: String,
    /// The number whose earlier calls belong to it, and the call that is none of them.
    pub ask: Option<(String, CallId)>,
    /// When the call came, microseconds since 1970.
    pub received: i64,
    members: Map<String, Value>,
}

impl Event {
    fn new(offset: u64, entry: &Entry, kind: &str, rest: Map<String, Value>) -> Self {
        let mut members = Map::new();
        members.insert("offset".into(), offset.into());
        members.insert("at".into(), entry.at.to_rfc3339().into());
        members.insert("kind".into(), kind.into());
        members.extend(
            rest.into_iter().filter(|(name, _)| !matches!(name.as_str(), "offset" | "kind")),
        );
        Self { offset, kind: kind.to_owned(), ask: None, received: entry.at.0, members }
    }

    /// Adds what the records say.
    pub fn add(&mut self, name: &str, value: Value) {
        self.members.insert(name.to_owned(), value);
    }

    /// The event as one line of JSON.
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::to_string(&self.members).unwrap_or_default()
    }
}

/// What calls said that are not queued yet.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Arrivals(BTreeMap<CallId, Known>);

/// What an arrival said.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Known {
    incident: String,
    trunk: String,
    at: i64,
    arrival: Box<Arrival>,
}

impl Arrivals {
    fn follow(&mut self, entry: &Entry, wanted: bool) {
        match &entry.fact {
            Fact::Arrived { call, incident, trunk, arrival, .. } if wanted => {
                let (incident, trunk) = (incident.to_string(), trunk.to_string());
                let mut arrival = arrival.clone();
                arrival.raw = crate::incident::Raw::default();
                self.0.insert(*call, Known { incident, trunk, at: entry.at.0, arrival });
                while self.0.len() > ARRIVALS {
                    self.0.pop_first();
                }
            }
            Fact::Ended { call, .. } => {
                self.0.remove(call);
            }
            _ => {}
        }
    }

    /// Reads a line whose event is not wanted any more.
    pub fn read(&mut self, line: &Line) {
        if let Some(entry) = &line.entry {
            self.follow(entry, true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Link;
    use crate::vocabulary::{IncidentId, Private, Uid, WallTime};

    fn line(seq: u64, fact: Fact) -> Line {
        let entry = Some(Entry { at: WallTime(1_000_000 * 60), fact });
        Line { seq, prev: String::new(), link: Link::default(), entry, locked: false }
    }

    fn arrived() -> Fact {
        let mut arrival = Arrival::default();
        arrival.caller.phone.e164 = Some(Private::new("+6281234567890".into()));
        arrival.caller.name = Some(Private::new("Bu Siti".into()));
        arrival.dialled = "112".into();
        let call = CallId(Uid::new(WallTime(0), 1));
        let incident = IncidentId(Uid::new(WallTime(0), 2));
        let arrival = Box::new(arrival);
        Fact::Arrived { call, incident, trunk: "telco-a".into(), source: "udp:x".into(), arrival }
    }

    #[test]
    fn what_is_personal_goes_only_to_whoever_may_see_it() {
        let written = Fact::TextWritten {
            call: CallId::default(),
            by: crate::vocabulary::Party::Caller,
            name: "+6281234567890".into(),
            began: WallTime(0),
            text: Private::new("tolong".into()),
        };
        for fact in [arrived(), written] {
            let line = line(7, fact);
            let masked = Wish::all(false).event(&line, &mut Arrivals::default()).expect("an event");
            let text = masked.json();
            for personal in ["081234", "6281234", "Siti", "tolong"] {
                assert!(!text.contains(personal), "{text}");
            }
            assert!(text.contains("\"offset\":7"), "{text}");
            let whole = Wish::all(true).event(&line, &mut Arrivals::default()).expect("an event");
            assert!(whole.json().contains("6281234567890"), "{}", whole.json());
        }
    }

    #[test]
    fn kinds_are_those_that_there_are() {
        let wish = Wish::of(["answered", "ended"], true).expect("known");
        assert!(wish.event(&line(1, arrived()), &mut Arrivals::default()).is_none());
        assert!(wish.event(&line(1, Fact::NodeStopped), &mut Arrivals::default()).is_none());
        assert_eq!(Wish::of(["answerd"], true), Err(UnknownKind("answerd".into())));
        let usual = Wish::all(true);
        let audited = Fact::Audited {
            by: "a".into(),
            what: "b".into(),
            subject: "c".into(),
            reason: String::new(),
        };
        assert!(usual.event(&line(1, audited), &mut Arrivals::default()).is_none());
    }

    #[test]
    fn a_screen_pop_says_who_and_where_as_soon_as_the_call_is_queued() {
        let queued = Fact::Queued {
            call: CallId(Uid::new(WallTime(0), 1)),
            queue: "darurat".into(),
            rule: "semua".into(),
            priority: 5,
            answer: crate::vocabulary::AnswerMode::OnAgent,
            wants: Vec::new(),
        };
        let wish = Wish::of([SCREEN_POP], true).expect("known");
        let mut arrivals = Arrivals::default();
        assert!(wish.event(&line(1, arrived()), &mut arrivals).is_none());
        let pop = wish.event(&line(2, queued), &mut arrivals).expect("a pop");
        let json: Value = serde_json::from_str(&pop.json()).expect("JSON");
        assert_eq!((&json["kind"], &json["trunk"]), (&json!("screen-pop"), &json!("telco-a")));
        assert_eq!(json["caller"]["number"], "+6281234567890");
        assert_eq!(json["place"]["confidence"], "none");
        assert_eq!(pop.ask.map(|(number, _)| number).as_deref(), Some("+6281234567890"));
        assert!(arrivals.0.is_empty());
    }
}
