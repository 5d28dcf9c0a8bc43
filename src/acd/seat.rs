//! A seat's state: one fact, one owner.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::free::{Listed, Skills};
use super::settings::SeatSettings;
use crate::vocabulary::{CallId, Moment, OfferId, OperatorId};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Bond {
    None,
    Offer {
        offer: OfferId,
        call: CallId,
        rings: bool,
    },
    Talk {
        offer: OfferId,
        call: CallId,
        held: bool,
    },
    /// Until its deadline, which an operator may put off until `most`.
    WrapUp {
        most: Moment,
    },
    Rest,
}

/// One seat.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Seat {
    pub settings: SeatSettings,
    /// Who has signed in, in the place of whom the settings name.
    #[serde(default)]
    pub signed_in: Option<OperatorId>,
    /// The configuration has it no more: it goes when its talk is over.
    pub gone: bool,
    pub reachable: bool,
    pub pauses: BTreeSet<Pause>,
    pub bond: Bond,
    /// Its calls beside the queues.
    pub engaged: BTreeSet<CallId>,
    /// Since when it has had nothing to do; the longest idle comes first.
    pub idle_since: Moment,
    /// Talks since it signed in.
    pub talks: u32,
    /// Its last offer.
    pub last_offer: u64,
    /// Offers in a row that it missed.
    pub misses: u8,
    /// The last state reported, and since when.
    pub state: SeatState,
    pub state_since: Moment,
    /// Where it stands among the free seats, while it does.
    #[serde(skip)]
    pub listed: Vec<Listed>,
    /// As what it is counted in its queues.
    #[serde(skip)]
    pub counted: Staff,
    #[serde(skip)]
    pub skills: Skills,
}

/// How many seats of a queue have a phone, and how many of those take calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Staff {
    pub signed_in: usize,
    pub open: usize,
}

impl Seat {
    pub fn new(now: Moment, settings: SeatSettings) -> Self {
        let pauses = if settings.auto_ready { BTreeSet::new() } else { [Pause::Closed].into() };
        Self {
            skills: Skills::new(settings.skills.clone()),
            settings,
            signed_in: None,
            gone: false,
            reachable: false,
            pauses,
            bond: Bond::None,
            engaged: BTreeSet::new(),
            idle_since: now,
            talks: 0,
            last_offer: 0,
            misses: 0,
            state: SeatState::SignedOut,
            state_since: now,
            listed: Vec::new(),
            counted: Staff::default(),
        }
    }

    /// The state that follows from what is known. A talk outlives a lost registration: the seat
    /// is talking as long as its dialog lives.
    pub fn derived(&self) -> SeatState {
        match self.bond {
            Bond::Offer { rings: true, .. } => SeatState::Ringing,
            Bond::Offer { .. } => SeatState::Offered,
            Bond::Talk { held: true, .. } => SeatState::Hold,
            Bond::Talk { .. } => SeatState::Talking,
            _ if !self.engaged.is_empty() => SeatState::Engaged,
            _ if self.pauses.contains(&Pause::LostPhone) => SeatState::Paused,
            _ if !self.reachable => SeatState::SignedOut,
            _ if !self.pauses.is_empty() => SeatState::Paused,
            Bond::WrapUp { .. } => SeatState::WrapUp,
            Bond::Rest => SeatState::Resting,
            Bond::None => SeatState::Ready,
        }
    }

    /// Who sits there.
    pub fn operator(&self) -> Option<&OperatorId> {
        self.signed_in.as_ref().or(self.settings.operator.as_ref())
    }

    /// As what it counts in its queues.
    pub fn staff(&self) -> Staff {
        let signed_in = self.reachable && !self.gone;
        let open = signed_in && self.pauses.is_empty();
        Staff { signed_in: usize::from(signed_in), open: usize::from(open) }
    }

    /// Whether it could ring now, if a person wanted it to.
    pub fn could_ring(&self) -> bool {
        let idle = matches!(self.bond, Bond::None | Bond::Rest | Bond::WrapUp { .. });
        idle && self.reachable && self.engaged.is_empty() && !self.gone
    }
}
