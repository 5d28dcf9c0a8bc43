//! One line of the journal as an event for others: its number, when, what, and what belongs to it. The
//! same for the stream of the API and for webhooks.
//!
//! What may tell who somebody is is left out unless it is asked for: only what is named here goes out
//! to everybody, so that a new kind of fact gives nothing away.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::mine::Mine;
use crate::incident::{Arrival, Badge, Place};
use crate::journal::{Entry, Fact, Line};
use crate::vocabulary::{CallId, WallTime};

/// The event that stands in the place of `queued` for whoever asks for it: everything that an operator
/// should see when a call comes.
pub const SCREEN_POP: &str = "screen-pop";
/// Kinds that come only to those who name them: there are many, or they are about people at work.
const ASKED_FOR: [&str; 2] = ["signalled", "audited"];
/// Members that say nothing of who somebody is.
const OPEN: [&str; 37] = [
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
    "chain",
    "verdict",
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
    "verified",
];
/// Parts of an arrival that say nothing of who somebody is.
const OPEN_ARRIVAL: [&str; 4] = ["dialled", "service", "category", "kecamatan"];
/// Arrivals that are remembered until their calls are queued.
const ARRIVALS: usize = 1_000;
/// A position with a radius of up to so many metres can be driven to.
const NEAR_METRES: u32 = 200;

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

    /// The kinds that were asked for by name.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        self.kinds.iter().flatten().map(String::as_str)
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
        arrivals.follow(entry, self.wants_pops());
        match &entry.fact {
            Fact::Queued { call, .. } if self.wants_pops() => {
                Some(pop(line.seq, entry, *call, arrivals, self.personal))
            }
            _ => self.plain(line.seq, entry, self.personal),
        }
    }

    /// The same for somebody who reaches their own calls only: those events are whole, others' have
    /// nothing personal, and a screen pop stands in the place of `offered` at a seat of theirs.
    pub fn own_event(
        &self,
        line: &Line,
        arrivals: &mut Arrivals,
        mine: &mut Mine,
    ) -> Option<Event> {
        let entry = line.entry.as_ref()?;
        arrivals.follow(entry, self.wants_pops());
        mine.follow(entry);
        let own = mine.is(&entry.fact);
        match &entry.fact {
            Fact::Offered { call, .. } if own && self.wants_pops() => {
                Some(pop(line.seq, entry, *call, arrivals, self.personal))
            }
            _ => self.plain(line.seq, entry, own && self.personal),
        }
    }

    fn plain(&self, seq: u64, entry: &Entry, personal: bool) -> Option<Event> {
        let Ok(Value::Object(mut all)) = serde_json::to_value(entry) else { return None };
        let kind = all.remove("fact")?.as_str()?.to_owned();
        if !self.wants(&kind) {
            return None;
        }
        all.remove("at");
        if let Some(Value::Object(arrival)) = all.get_mut("arrival") {
            if personal {
                // The message itself stands on the ladder.
                arrival.remove("raw");
            } else {
                arrival.retain(|name, _| OPEN_ARRIVAL.contains(&name.as_str()));
            }
        }
        if !personal {
            let open = |name: &str| OPEN.contains(&name) || name == "arrival";
            let alarm = |name: &str| kind == "alarm" && name == "name";
            all.retain(|name, _| open(name) || alarm(name));
        }
        Some(Event::new(seq, entry, &kind, all))
    }
}

/// Everything that an operator should see of a call at once.
fn pop(seq: u64, entry: &Entry, call: CallId, arrivals: &Arrivals, personal: bool) -> Event {
    let mut all = Map::new();
    all.insert("call".into(), json!(call));
    let Some(known) = arrivals.0.get(&call) else {
        return Event::new(seq, entry, SCREEN_POP, all);
    };
    let arrival = &known.arrival;
    all.extend(known.queued.clone());
    all.insert("incident".into(), json!(known.incident));
    all.insert("trunk".into(), json!(known.trunk));
    all.insert("received_at".into(), json!(WallTime(known.at).to_rfc3339()));
    all.insert("languages".into(), json!(arrival.languages));
    all.insert("service".into(), json!(arrival.service));
    all.insert("category".into(), json!(arrival.category));
    let kecamatan = known.place.kecamatan.as_ref().map(|guess| &guess.code);
    all.insert("kecamatan".into(), json!(kecamatan.or(arrival.kecamatan.as_ref())));
    let mut ask = None;
    if personal {
        let caller = &arrival.caller;
        let told = json!({
            "number": caller.phone.e164, "raw": caller.phone.raw, "name": caller.name,
            "trust": caller.trust, "verstat": caller.verstat, "verified": known.verified,
            "can_call_back": caller.phone.class.can_be_called_back(),
        });
        all.insert("caller".into(), told);
        all.insert("place".into(), place(known));
        all.insert("flags".into(), json!(known.flags));
        ask = caller.phone.e164.as_ref().map(|number| (number.reveal().clone(), call));
    }
    Event { ask, received: known.at, ..Event::new(seq, entry, SCREEN_POP, all) }
}

/// Where the caller most likely is, by the one rule of [`Place`], and how far that can be relied on.
fn place(known: &Known) -> Value {
    let (place, cell) = (&known.place, known.arrival.cell.as_ref());
    let confidence = match (&place.location, cell) {
        (Some(_), _) if place.within_m.is_some_and(|metres| metres <= NEAR_METRES) => "high",
        (Some(_), _) => "medium",
        (None, Some(cell)) if cell.network_provided => "low",
        (None, Some(_)) => "hint",
        (None, None) => "none",
    };
    let mut told = serde_json::to_value(place).unwrap_or_default();
    if let Value::Object(told) = &mut told {
        told.insert("confidence".into(), json!(confidence));
        told.insert("cell".into(), json!(cell));
    }
    told
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

    /// Adds flags that it has not yet.
    pub fn flag(&mut self, flags: impl IntoIterator<Item = &'static str>) {
        let list = self.members.entry("flags").or_insert_with(|| json!([]));
        if let Value::Array(list) = list {
            for flag in flags {
                if !list.iter().any(|known| known == flag) {
                    list.push(flag.into());
                }
            }
        }
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
    /// The best place by now.
    #[serde(default)]
    place: Place,
    /// Who vouches for the number, once that is known.
    #[serde(default)]
    verified: Option<Badge>,
    /// What is known of the number here.
    #[serde(default)]
    flags: Vec<String>,
    /// Where it waits, and why there.
    #[serde(default)]
    queued: Map<String, Value>,
}

impl Known {
    /// What later lines say of the call.
    fn learn(&mut self, fact: &Fact) {
        match fact {
            Fact::Located(located) => self.place = located.place.clone().unwrap_or_default(),
            Fact::IdentityChecked(checked) => self.verified = Some(checked.verified),
            Fact::CallerRecalled(recalled) => self.flags.clone_from(&recalled.flags),
            Fact::Queued { queue, rule, priority, wants, .. } => {
                let told = [
                    ("queue", json!(queue)),
                    ("rule", json!(rule)),
                    ("priority", json!(priority)),
                    ("wants", json!(wants)),
                ];
                self.queued =
                    told.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
            }
            _ => {}
        }
    }
}

impl Arrivals {
    fn follow(&mut self, entry: &Entry, wanted: bool) {
        match &entry.fact {
            Fact::Arrived { call, incident, trunk, arrival, .. } if wanted => {
                let (incident, trunk) = (incident.to_string(), trunk.to_string());
                let mut arrival = arrival.clone();
                arrival.raw = crate::incident::Raw::default();
                let (place, at) = (std::mem::take(&mut arrival.place), entry.at.0);
                let (verified, flags, queued) = (None, Vec::new(), Map::new());
                let known = Known { incident, trunk, at, arrival, place, verified, flags, queued };
                self.0.insert(*call, known);
                while self.0.len() > ARRIVALS {
                    self.0.pop_first();
                }
            }
            Fact::Ended { call, .. } => {
                self.0.remove(call);
            }
            fact => {
                if let Some(known) = fact.call().and_then(|call| self.0.get_mut(&call)) {
                    known.learn(fact);
                }
            }
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
        assert!(json["flags"].is_array());
        // Who is not there yet sees nothing of the caller; at the own seat everything.
        let mut mine = Mine::new(Some("siti".into()), ["meja-1".into()], []);
        let offered = |seat: &str| Fact::Offered {
            call: CallId(Uid::new(WallTime(0), 1)),
            offer: crate::vocabulary::OfferId(1),
            seat: seat.into(),
            operator: None,
        };
        let wish = Wish::of([SCREEN_POP, "offered"], true).expect("known");
        let other = wish.own_event(&line(3, offered("meja-2")), &mut arrivals, &mut mine);
        assert_eq!(other.map(|event| event.kind), Some("offered".to_owned()));
        let own = wish.own_event(&line(4, offered("meja-1")), &mut arrivals, &mut mine);
        let own: Value = serde_json::from_str(&own.expect("a pop").json()).expect("JSON");
        assert_eq!((&own["kind"], &own["queue"]), (&json!("screen-pop"), &json!("darurat")));
        assert_eq!(own["caller"]["number"], "+6281234567890");
    }
}
