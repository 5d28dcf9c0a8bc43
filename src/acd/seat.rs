//! A seat's state: one fact, one owner.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::settings::SeatSettings;
use crate::vocabulary::{CallId, Moment, OfferId};

/// What a seat is doing. Reachable and ready are inputs; the rest follows from offers and talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SeatState {
    /// No phone is registered.
    SignedOut,
    /// The operator takes no calls.
    Paused,
    /// Free.
    Ready,
    /// Refused or missed an offer a moment ago; others come first.
    Resting,
    /// One offer, until its deadline.
    Offered,
    /// Its phone rings for it.
    Ringing,
    /// One talk.
    Talking,
    /// One talk, on hold.
    Hold,
    /// In a call of its own: it dialled, or was dialled, beside the queues.
    Engaged,
    /// Left alone after a talk.
    WrapUp,
}

impl SeatState {
    /// The word used in records, the API and metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::SignedOut => "signed-out",
            Self::Paused => "paused",
            Self::Ready => "ready",
            Self::Resting => "resting",
            Self::Offered => "offered",
            Self::Ringing => "ringing",
            Self::Talking => "talking",
            Self::Hold => "hold",
            Self::Engaged => "engaged",
            Self::WrapUp => "wrap-up",
        }
    }
}

/// Why a seat takes no calls. Each reason is set and taken back for itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Pause {
    /// It never said that it is ready.
    Closed,
    /// Its operator, or a supervisor, in their words: `break`, `training`.
    Person(String),
    /// It missed too many offers in a row.
    Misses,
    /// Its phone was lost without a word; over as soon as it is back.
    LostPhone,
}

impl Pause {
    /// The words used in records and the API.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Closed => "not yet ready",
            Self::Person(words) => words,
            Self::Misses => "missed calls",
            Self::LostPhone => "lost registration",
        }
    }
}

/// What binds a seat to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bond {
    None,
    Offer(OfferId, CallId),
    Talk(OfferId, CallId),
    WrapUp,
    Rest,
}

/// One seat.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    pub settings: SeatSettings,
    /// The configuration has it no more: it goes when its talk is over.
    pub gone: bool,
    pub reachable: bool,
    pub ready: bool,
    pub reason: String,
    pub bond: Bond,
    /// Its calls beside the queues.
    pub engaged: BTreeSet<CallId>,
    /// Since when it has had nothing to do; the longest idle comes first.
    pub idle_since: Moment,
    /// The last state reported, and since when.
    pub state: SeatState,
    pub state_since: Moment,
    /// The idle moment under which it stands among the free seats, while it does.
    pub listed: Option<Moment>,
}

impl Seat {
    pub fn new(now: Moment, settings: SeatSettings) -> Self {
        Self {
            ready: settings.auto_ready,
            settings,
            gone: false,
            reachable: false,
            reason: String::new(),
            bond: Bond::None,
            engaged: BTreeSet::new(),
            idle_since: now,
            state: SeatState::SignedOut,
            state_since: now,
            listed: None,
        }
    }

    /// The state that follows from what is known. A talk outlives a lost registration: the seat
    /// is talking as long as its dialog lives.
    pub fn derived(&self) -> SeatState {
        match self.bond {
            Bond::Offer(..) => SeatState::Offered,
            Bond::Talk(..) => SeatState::Talking,
            _ if !self.engaged.is_empty() => SeatState::Engaged,
            _ if !self.reachable => SeatState::SignedOut,
            _ if !self.ready => SeatState::Paused,
            Bond::WrapUp => SeatState::WrapUp,
            Bond::Rest => SeatState::Resting,
            Bond::None => SeatState::Ready,
        }
    }
}
