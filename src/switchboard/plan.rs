//! What would become of an INVITE under a configuration: the same reading and the same rules as for a
//! call, and nothing happens. So a change can be tried on one INVITE or on all of yesterday's.
//!
//! It cannot know what is known only in the moment: marks, earlier calls, who is free.

use std::fmt;
use std::net::IpAddr;

use bytes::Bytes;
use thiserror::Error;

use super::settings::SwitchboardSettings;
use crate::acd::settings::Overflow;
use crate::incident::Arrival;
use crate::routing;
use crate::sip::message::Message;
use crate::sip::{Method, Request, parse};
use crate::trunk::settings::TrunkSettings;
use crate::trunk::{self, DialledKind, Trunks};
use crate::vocabulary::{AnswerMode, QueueId, TrunkId, WallTime, Want};

/// Where an INVITE is said to come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SentBy {
    /// This trunk, whatever its sources; one that the configuration has not is a stranger.
    pub trunk: Option<TrunkId>,
    /// This address, which decides where no trunk is named.
    pub source: Option<IpAddr>,
}

/// Why nothing can be said.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlanError {
    /// It is no SIP.
    #[error("this is no SIP message: {0}")]
    NotSip(String),
    /// It is SIP, and no INVITE.
    #[error("this is no INVITE")]
    NoInvite,
}

/// Where a call would go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Nobody known sends it: 403, or asked for a password.
    Stranger,
    /// The test call, which reaches no operator.
    Test {
        /// The trunk.
        trunk: TrunkId,
    },
    /// A queue.
    Queue {
        /// The trunk.
        trunk: TrunkId,
        /// Where it waits.
        queue: QueueId,
        /// The rule that says so.
        rule: String,
        /// 0 to 9, highest first.
        priority: u8,
        /// Skills that it asks of a seat.
        wants: Vec<Want>,
        /// When the caller is answered.
        answer: AnswerMode,
    },
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stranger => f.write_str("refused: no trunk sends it"),
            Self::Test { trunk } => write!(f, "the test call, by trunk {trunk}"),
            Self::Queue { trunk, queue, rule, priority, wants, answer } => {
                write!(f, "queue {queue} with priority {priority} by rule {rule}, trunk {trunk}")?;
                for want in wants {
                    write!(f, ", asking for {want}")?;
                }
                write!(f, ", answered {answer}")
            }
        }
    }
}

/// What would become of an INVITE, step by step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Where it would go.
    pub destination: Destination,
    /// Each step in a sentence; numbers of callers are masked.
    pub steps: Vec<String>,
}

/// What would become of an INVITE that comes at this time.
///
/// # Errors
/// It is none.
pub fn plan(
    settings: &SwitchboardSettings,
    invite: &Bytes,
    from: &SentBy,
    at: WallTime,
) -> Result<Plan, PlanError> {
    let request = read(invite)?;
    let trunks = Trunks::new(settings.trunks.clone());
    let (trunk, sentence) = whose(&trunks, from);
    let mut steps = vec![sentence];
    let Some(trunk) = trunk else {
        steps.push("A stranger's call is refused with 403, or asked for a password.".to_owned());
        return Ok(Plan { destination: Destination::Stranger, steps });
    };
    let (arrival, kind) =
        trunk::arrival(&request, trunk, &settings.centre, &settings.places, &settings.categories);
    told(&arrival, kind, trunk, &mut steps);
    steps.push(when_told(settings, at));
    let destination = destination(settings, trunk, &arrival, kind, at);
    match &destination {
        Destination::Queue { queue, priority, answer, .. } => {
            steps.extend(routing::explain(&settings.rules, &facts(settings, trunk, &arrival, at)));
            queue_told(settings, queue, *priority, *answer, &mut steps);
        }
        Destination::Test { .. } => {
            steps.push("The test call: answered, sent its own audio, and nobody's.".to_owned());
        }
        Destination::Stranger => {}
    }
    Ok(Plan { destination, steps })
}

/// Where a call would go; the steps are not asked for.
///
/// # Errors
/// It is no INVITE.
pub fn goes_to(
    settings: &SwitchboardSettings,
    trunks: &Trunks,
    invite: &Bytes,
    from: &SentBy,
    at: WallTime,
) -> Result<Destination, PlanError> {
    let request = read(invite)?;
    let Some(trunk) = whose(trunks, from).0 else { return Ok(Destination::Stranger) };
    let (arrival, kind) =
        trunk::arrival(&request, trunk, &settings.centre, &settings.places, &settings.categories);
    Ok(destination(settings, trunk, &arrival, kind, at))
}

/// Where a call goes that came at this time: for the call itself, too.
pub(super) fn destination(
    settings: &SwitchboardSettings,
    trunk: &TrunkSettings,
    arrival: &Arrival,
    kind: DialledKind,
    at: WallTime,
) -> Destination {
    if kind == DialledKind::Test {
        return Destination::Test { trunk: trunk.id.clone() };
    }
    // A checked configuration has a rule that is always true; without it the first queue is
    // better than none.
    let facts = facts(settings, trunk, arrival, at);
    let decision = routing::decide(&settings.rules, &facts).unwrap_or_else(|| {
        let queue = settings.queues.first().map(|queue| queue.id.clone());
        routing::Decision {
            queue: queue.unwrap_or_else(|| "".into()),
            rule: "no rule matched".to_owned(),
            priority: 0,
            wants: Vec::new(),
        }
    });
    let queue = settings.queues.iter().find(|queue| queue.id == decision.queue);
    let answer = trunk.answer.or_else(|| queue.map(|queue| queue.answer)).unwrap_or_default();
    let routing::Decision { queue, rule, priority, wants } = decision;
    Destination::Queue { trunk: trunk.id.clone(), queue, rule, priority, wants, answer }
}

fn facts<'a>(
    settings: &SwitchboardSettings,
    trunk: &'a TrunkSettings,
    arrival: &'a Arrival,
    at: WallTime,
) -> routing::Facts<'a> {
    routing::Facts {
        trunk: &trunk.id,
        service: &arrival.service,
        dialled: &arrival.dialled,
        kecamatan: arrival.kecamatan.as_deref(),
        local: at.local(&settings.centre.timezone),
    }
}

fn when_told(settings: &SwitchboardSettings, at: WallTime) -> String {
    let zone = &settings.centre.timezone;
    let clock = routing::clock(at.local(zone));
    match zone.iana_name() {
        Some(name) => format!("The call comes on {clock}, {name}."),
        None => format!("The call comes on {clock}."),
    }
}

fn read(invite: &Bytes) -> Result<Request, PlanError> {
    let read = parse::parse(invite).map_err(|error| PlanError::NotSip(error.to_string()))?;
    match read.message {
        Message::Request(request) if request.method == Method::Invite => Ok(request),
        _ => Err(PlanError::NoInvite),
    }
}

fn whose<'t>(trunks: &'t Trunks, from: &SentBy) -> (Option<&'t TrunkSettings>, String) {
    if let Some(name) = &from.trunk {
        return match trunks.get(name) {
            Some(trunk) => (Some(trunk), format!("The call comes from trunk {name}.")),
            None => (None, format!("There is no trunk {name}.")),
        };
    }
    let Some(source) = from.source else {
        return (None, "Neither a trunk nor an address is said to send it.".to_owned());
    };
    match trunks.by_source(source) {
        Some(trunk) => (Some(trunk), format!("{source} is trunk {}.", trunk.id)),
        None => (None, format!("{source} is no trunk's address.")),
    }
}

fn told(arrival: &Arrival, kind: DialledKind, trunk: &TrunkSettings, steps: &mut Vec<String>) {
    let dialled = &arrival.dialled;
    steps.push(match kind {
        DialledKind::Emergency => format!("Dialled was {dialled}: an emergency form of [centre]."),
        DialledKind::Test => format!("Dialled was {dialled}: the test call."),
        DialledKind::Other => {
            format!("Dialled was {dialled}: none of the centre's forms, and taken all the same.")
        }
    });
    let phone = &arrival.caller.phone;
    let number = phone.e164.as_ref().unwrap_or(&phone.raw);
    let trusted = if trunk.trust_identity { "is believed" } else { "is not believed" };
    steps.push(format!(
        "The caller's number is {number}; what trunk {} asserts of its callers {trusted}.",
        trunk.id
    ));
    steps.push(match (&arrival.kecamatan, arrival.locations.is_empty()) {
        (Some(code), _) => format!("The location names kecamatan {code}."),
        (None, false) => "The location names no kecamatan that we know.".to_owned(),
        (None, true) => "No location comes with it.".to_owned(),
    });
    steps.push(format!("The service asked for is {}.", arrival.service));
    if !arrival.languages.is_empty() {
        steps.push(format!("Languages: {}.", arrival.languages.join(", ")));
    }
    for finding in arrival.findings.iter().take(16) {
        steps.push(format!("Noted on the record: {finding}."));
    }
}

fn queue_told(
    settings: &SwitchboardSettings,
    queue: &QueueId,
    priority: u8,
    answer: AnswerMode,
    steps: &mut Vec<String>,
) {
    let seats: Vec<&str> = settings
        .seats
        .iter()
        .filter(|seat| seat.member(queue).is_some())
        .map(|seat| seat.id.as_str())
        .collect();
    steps.push(format!(
        "The call waits in queue {queue} with priority {priority}; the caller is answered {answer}."
    ));
    steps.push(match seats.as_slice() {
        [] => "No seat serves the queue.".to_owned(),
        seats => format!("Seats that serve it: {}.", seats.join(", ")),
    });
    if let Some(queue) = settings.queues.iter().find(|known| known.id == *queue) {
        let on: Vec<String> = queue
            .overflow
            .iter()
            .map(|step| match step {
                Overflow::Queue(queue) => format!("queue {queue}"),
                Overflow::Number(number) => number.clone(),
            })
            .collect();
        if !on.is_empty() {
            let after = queue.max_wait.as_secs();
            steps.push(format!("After each {after} s it goes on to: {}.", on.join(", then ")));
        }
    }
    steps.push(
        "Marks on the number, earlier calls and mass incidents may change lane and priority in the \
         moment."
            .to_owned(),
    );
}
