//! The live board: calls, queues, seats and trunks as they are at this moment, for the API, the
//! metrics and the demo. Derived from live state, never counted on the side.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::call::quality::Quality;
use crate::call::table::Part;
use crate::incident::{Brief, Cell, Location, Place};
use crate::vocabulary::{
    AnswerMode, CallId, ChainId, ContactId, IncidentId, Lane, OperatorId, Private, QueueId, SeatId,
    TrunkId, WallTime, Want,
};

/// Everything that lives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Board {
    /// When it was taken.
    pub at: WallTime,
    /// The gateway takes no new calls.
    pub draining: bool,
    /// Live calls in order of arrival.
    pub calls: Vec<CallView>,
    /// Queues as configured.
    pub queues: Vec<QueueView>,
    /// Seats as configured.
    pub seats: Vec<SeatView>,
    /// Trunks as configured.
    pub trunks: Vec<TrunkView>,
    /// Messages of unknown sources that were refused or dropped since the start.
    pub unknown_source: u64,
    /// Registrations refused for a wrong name or password since the start.
    pub refused_logins: u64,
    /// Sources that are locked now because they guessed passwords.
    #[serde(default)]
    pub locked_sources: usize,
    /// Datagrams that were no SIP since the start.
    pub malformed: u64,
    /// Calls set aside after an internal fault; must be 0.
    pub orphans: u64,
    /// Marks on numbers that stand.
    #[serde(default)]
    pub marks: usize,
    /// Open entries of the list of those to call back.
    #[serde(default)]
    pub work_open: usize,
    /// Places from which a mass incident comes now.
    #[serde(default)]
    pub mass_incidents: usize,
    /// Places that phones have told, and that wait for a call of their number.
    #[serde(default)]
    pub locations_waiting: usize,
}

/// One live call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallView {
    /// The call.
    pub call: CallId,
    /// Its incident.
    pub incident: IncidentId,
    /// The carrier; none when a seat dialled.
    pub trunk: Option<TrunkId>,
    /// The seat that dialled.
    pub from_seat: Option<SeatId>,
    /// Caller's number: E.164 where known, otherwise as sent.
    pub caller: Private<String>,
    /// Who calls and what came with the call; empty when a seat dialled.
    #[serde(default)]
    pub brief: Arc<Brief>,
    /// What was dialled.
    pub dialled: String,
    /// `arriving`, `waiting`, `ringing`, `talking`, `test` or `ending`.
    pub state: String,
    /// Where it waits or waited.
    pub queue: Option<QueueId>,
    /// Its lane there.
    #[serde(default)]
    pub lane: Lane,
    /// 0 to 9, highest first.
    #[serde(default)]
    pub priority: u8,
    /// Skills that it asks of a seat.
    #[serde(default)]
    pub wants: Vec<Want>,
    /// What an operator should see at once: `spoke`, `tapped`, `pressed`, `wrote`, `noise`, `silent`,
    /// `returning`, `linked`, `caller-left` (hung up while somebody is called out), `text` (their telephone reads and writes), `fax`, `text-telephone`,
    /// `ring-back`, `busy-tone`, `unobtainable`; the last five with `called-` before them where they
    /// come from who was called.
    #[serde(default)]
    pub flags: Vec<String>,
    /// Keys that the caller has pressed, the newest last, 32 at most.
    #[serde(default)]
    pub keys: String,
    /// The seat that rings or talks.
    pub seat: Option<SeatId>,
    /// Answer mode in force.
    pub answer: AnswerMode,
    /// When the INVITE came.
    pub received_at: WallTime,
    /// Seconds since then.
    pub age_seconds: u64,
    /// Seconds until a seat answered; none before that.
    pub answered_after_seconds: Option<u64>,
    /// Who was brought in, and who is being called for it.
    #[serde(default)]
    pub parties: Vec<PartyView>,
    /// Who is called out for it, the last time; none: nobody was.
    #[serde(default)]
    pub chain: Option<ChainView>,
    /// The caller hears nothing of the talk.
    #[serde(default)]
    pub private: bool,
    /// How its legs are heard.
    #[serde(default)]
    pub quality: QualityView,
    /// One side holds.
    pub on_hold: bool,
    /// Where the caller most likely is.
    #[serde(default)]
    pub place: Place,
    /// Everything that was told of it, in order.
    #[serde(default)]
    pub locations: Vec<Location>,
    /// The serving cell.
    #[serde(default)]
    pub cell: Option<Cell>,
}

/// Somebody who was brought into a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartyView {
    /// Their number in the call.
    pub party: u8,
    /// A seat, or a number.
    pub who: String,
    /// `talk`, `listen` or `whisper`.
    pub part: Part,
    /// Nobody hears them.
    #[serde(default)]
    pub muted: bool,
    /// `ringing`, `here` or `hold`.
    pub state: String,
}

/// A chain as it runs, or has run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainView {
    /// Its name.
    pub chain: ChainId,
    /// What people call it.
    pub title: String,
    /// Who began it.
    pub by: String,
    /// When.
    pub begun_at: WallTime,
    /// Code of the kecamatan by which its roles were looked up.
    pub kecamatan: Option<String>,
    /// `ringing`, `answered`, `taken`, `exhausted` or `stopped`.
    pub state: String,
    /// Why it was stopped, where no person did.
    pub why: String,
    /// Its steps in order.
    pub steps: Vec<ChainStepView>,
}

/// One step of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainStepView {
    /// The role that was asked for.
    pub role: Option<String>,
    /// Whom it means; none: nobody, and it is left out.
    pub contact: Option<ContactId>,
    /// What they are called.
    pub name: String,
    /// Their agency.
    pub agency: Option<String>,
    /// For whoever calls.
    pub note: String,
    /// Their numbers in the order in which they are tried, and what came of each.
    pub numbers: Vec<ChainNumberView>,
}

/// One number of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainNumberView {
    /// The number.
    pub to: String,
    /// `waiting`, `ringing`, `answered`, or what came of it: `taken`, `busy`, `no-answer`, `refused`,
    /// `unreachable`, `not-taken`, `passed-over` or `stopped`.
    pub state: String,
    /// When it was called.
    pub began_at: Option<WallTime>,
    /// When it was answered.
    pub answered_at: Option<WallTime>,
    /// Who they are among the parties of the call.
    pub party: Option<u8>,
}

/// How the legs of a call are heard, as told last; none before the first seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QualityView {
    /// The caller's.
    pub caller: Option<Quality>,
    /// That of who talks to the caller.
    pub seat: Option<Quality>,
    /// Nothing comes from the caller, who should speak.
    pub caller_mute: bool,
    /// Nothing comes from the other side.
    pub seat_mute: bool,
    /// For so long the caller says nothing, though audio comes; none while it does.
    #[serde(default)]
    pub caller_quiet_seconds: Option<u64>,
}

/// One queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueView {
    /// Its name.
    pub queue: QueueId,
    /// Callers waiting, those ringing at a seat included.
    pub waiting: usize,
    /// Those without an offer by lane, in the order of [`Lane::ALL`].
    #[serde(default)]
    pub lanes: [usize; 3],
    /// Callers to whom a seat rings.
    pub ringing: usize,
    /// Seconds that the oldest one waits.
    pub oldest_seconds: u64,
    /// Seats that serve it and are ready.
    pub ready_seats: usize,
    /// Seats that serve it.
    pub seats: usize,
}

/// One seat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatView {
    /// Its name.
    pub seat: SeatId,
    /// Who sits there.
    pub operator: Option<OperatorId>,
    /// `signed-out`, `paused`, `ready`, `resting`, `offered`, `ringing`, `talking`, `hold`,
    /// `engaged` or `wrap-up`.
    pub state: String,
    /// Why it is paused, in one line.
    pub reason: String,
    /// Why it is paused, each reason for itself.
    #[serde(default)]
    pub pauses: Vec<String>,
    /// When its wrap-up ends by itself.
    #[serde(default)]
    pub wrap_up_until: Option<WallTime>,
    /// Talks since it signed in.
    #[serde(default)]
    pub talks: u32,
    /// Phones registered.
    pub phones: usize,
    /// Of these, those that are none in a browser.
    #[serde(default)]
    pub desk_phones: usize,
    /// Who has signed in to it; none where it is that of its operator in `seats.toml`.
    #[serde(default)]
    pub signed_in: Option<OperatorId>,
    /// The call that rings or talks there.
    pub call: Option<CallId>,
    /// Seconds in this state.
    pub seconds: u64,
    /// Queues that it serves.
    pub queues: Vec<QueueId>,
}

/// One trunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrunkView {
    /// Its name.
    pub trunk: TrunkId,
    /// Live calls.
    pub calls: usize,
    /// Calls since the start.
    pub calls_total: u64,
    /// Seconds since its last message; none when there was none since the start.
    pub last_heard_seconds: Option<u64>,
    /// Its outgoing side; none for a carrier that only calls.
    pub line: Option<LineView>,
}

/// The outgoing side of a trunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineView {
    /// `unknown`, `locating`, `registering`, `up`, `degraded` or `down`.
    pub state: String,
    /// Since when.
    pub since: WallTime,
    /// Why, where something is wrong; else empty.
    pub reason: String,
    /// Until when the registration counts; none when there is none.
    pub registered_until: Option<WallTime>,
    /// Whether it registers at all.
    pub registers: bool,
    /// Places of the carrier in the order that it wishes.
    pub hops: Vec<HopView>,
}

/// One place of a carrier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HopView {
    /// Transport and address, `tls:198.51.100.7:5061`.
    pub address: String,
    /// It does not count as dead.
    pub alive: bool,
    /// Milliseconds from our last answered OPTIONS to its answer.
    pub round_trip_ms: Option<u64>,
}
