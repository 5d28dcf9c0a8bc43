//! The live board: calls, queues, seats and trunks as they are now.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::callout::LiveChain;
use super::place::{LiveCell, LiveLocation, LivePlace};
use super::problem::Problem;
use super::who::Who;
use super::{Console, Desk, DeskError};
use crate::call::quality::{Heard, Quality};
use crate::store::At;
use crate::switchboard::orders::{Answer, Order};
use crate::switchboard::view::{
    Board, CallView, HopView, LineView, PartyView, QueueView, SeatView, TrunkView,
};

pub(super) async fn board(console: &Console) -> Result<Board, Problem> {
    board_of(&*console.desk).await
}

pub(super) async fn board_of(desk: &dyn Desk) -> Result<Board, Problem> {
    match desk.order(Order::Board).await? {
        Answer::Board(board) => Ok(*board),
        _ => Err(DeskError::Silent.into()),
    }
}

/// Live calls.
#[derive(Serialize, ToSchema)]
pub(super) struct Calls {
    /// When this was so.
    at: At,
    /// No new calls are taken.
    draining: bool,
    /// In order of arrival.
    calls: Vec<LiveCall>,
    /// Places that phones have told and that wait for a call of their number.
    locations_waiting: usize,
}

/// One live call.
#[derive(Serialize, ToSchema)]
pub(super) struct LiveCall {
    /// The call.
    id: String,
    /// Its incident.
    incident: String,
    /// The carrier; none when a seat dialled.
    trunk: Option<String>,
    /// The seat that dialled.
    from_seat: Option<String>,
    /// The caller's number.
    caller: String,
    /// Who calls; null when a seat dialled.
    who: Option<Who>,
    /// Languages that the call asks for, most wanted first.
    languages: Vec<String>,
    /// What was dialled.
    dialled: String,
    /// `arriving`, `waiting`, `ringing`, `talking`, `test` or `ending`.
    state: String,
    /// Where it waits or waited.
    queue: Option<String>,
    /// `usual`, `silent` or `nuisance`.
    lane: &'static str,
    /// 0 to 9, highest first.
    priority: u8,
    /// Skills that it asks of a seat, e.g. `mad:3`.
    wants: Vec<String>,
    /// What an operator should see at once: `spoke`, `tapped`, `pressed`, `wrote`, `noise`, `silent`,
    /// `returning`, `linked`, `caller-left` (hung up while somebody is called out), `text` (their telephone reads and writes), `fax`, `text-telephone`,
    /// `ring-back`, `busy-tone`, `unobtainable`; the last five with `called-` before them where they
    /// come from who was called.
    flags: Vec<String>,
    /// Keys that the caller has pressed, the newest last, 32 at most.
    keys: String,
    /// The seat that rings or talks.
    seat: Option<String>,
    /// Answer mode in force.
    answer_mode: String,
    /// When the INVITE came.
    received_at: At,
    /// Seconds since then.
    age_seconds: u64,
    /// Seconds until a seat answered.
    answered_after_seconds: Option<u64>,
    /// One side holds.
    on_hold: bool,
    /// Where the caller most likely is, of all that is known at this moment.
    place: LivePlace,
    /// Everything that was told of it, in the order in which it came.
    locations: Vec<LiveLocation>,
    /// The serving cell; null where the network names none.
    cell: Option<LiveCell>,
    /// Who was brought in, and who is being called for it.
    parties: Vec<Party>,
    /// Who is called out for it, the last time; null: nobody was.
    chain: Option<LiveChain>,
    /// The caller hears nothing of the talk.
    private: bool,
    /// How the caller's leg is heard; none before the first seconds.
    caller_audio: Option<Audio>,
    /// How the leg of who talks to the caller is heard.
    seat_audio: Option<Audio>,
    /// Nothing comes from the caller, who should speak.
    caller_mute: bool,
    /// Nothing comes from the other side.
    seat_mute: bool,
    /// For so long the caller says nothing, though audio comes; null while it does, or is on hold.
    caller_quiet_seconds: Option<u64>,
}

/// Somebody who was brought into a call.
#[derive(Serialize, ToSchema)]
struct Party {
    /// Their number in the call.
    party: u8,
    /// A seat, or a number.
    who: String,
    /// `talk`, `listen` or `whisper`.
    part: &'static str,
    /// Nobody hears them.
    muted: bool,
    /// `ringing`, `here` or `hold`.
    state: String,
}

/// How a leg is heard.
#[derive(Serialize, ToSchema)]
struct Audio {
    /// Packets that came.
    received: u64,
    /// Packets that never came.
    lost: u64,
    /// What we hear.
    here: Direction,
    /// What the peer hears of us, by its own reports.
    there: Option<Direction>,
    /// There and back, milliseconds.
    round_trip_ms: Option<u32>,
}

/// One direction of a leg.
#[derive(Serialize, ToSchema)]
struct Direction {
    /// Per cent.
    loss: f64,
    /// Milliseconds.
    jitter_ms: u32,
    /// Mean opinion score by the E-model (ITU-T G.107), 1 to 4.5.
    mos: f64,
}

impl From<PartyView> for Party {
    fn from(view: PartyView) -> Self {
        let PartyView { party, who, part, muted, state } = view;
        Self { party, who, part: part.word(), muted, state }
    }
}

impl From<Quality> for Audio {
    fn from(quality: Quality) -> Self {
        let direction = |heard: Heard| Direction {
            loss: f64::from(heard.loss) / 100.0,
            jitter_ms: heard.jitter_ms,
            mos: f64::from(heard.mos) / 100.0,
        };
        Self {
            received: quality.received,
            lost: quality.lost,
            here: direction(quality.here),
            there: quality.there.map(direction),
            round_trip_ms: quality.round_trip_ms,
        }
    }
}

impl From<CallView> for LiveCall {
    fn from(view: CallView) -> Self {
        Self {
            id: view.call.to_string(),
            incident: view.incident.to_string(),
            who: view.trunk.is_some().then(|| Who::from(&*view.brief)),
            languages: view.brief.languages.clone(),
            trunk: view.trunk.map(|trunk| trunk.to_string()),
            from_seat: view.from_seat.map(|seat| seat.to_string()),
            caller: view.caller.reveal().clone(),
            dialled: view.dialled,
            state: view.state,
            queue: view.queue.map(|queue| queue.to_string()),
            lane: view.lane.word(),
            priority: view.priority,
            wants: view.wants.iter().map(ToString::to_string).collect(),
            flags: view.flags,
            keys: view.keys,
            seat: view.seat.map(|seat| seat.to_string()),
            answer_mode: view.answer.to_string(),
            received_at: At(view.received_at),
            age_seconds: view.age_seconds,
            answered_after_seconds: view.answered_after_seconds,
            on_hold: view.on_hold,
            place: view.place.into(),
            locations: view.locations.into_iter().map(LiveLocation::from).collect(),
            cell: view.cell.map(LiveCell::from),
            parties: view.parties.into_iter().map(Party::from).collect(),
            chain: view.chain.map(LiveChain::from),
            private: view.private,
            caller_audio: view.quality.caller.map(Audio::from),
            seat_audio: view.quality.seat.map(Audio::from),
            caller_mute: view.quality.caller_mute,
            seat_mute: view.quality.seat_mute,
            caller_quiet_seconds: view.quality.caller_quiet_seconds,
        }
    }
}

/// Calls that live now, in order of arrival.
#[utoipa::path(get, path = "/api/v1/calls", tag = "live", responses(
    (status = 200, description = "Live calls", body = Calls),
    (status = 401, description = "No token", body = Problem)))]
pub(super) async fn calls(State(console): State<Console>) -> Result<Json<Calls>, Problem> {
    let board = board(&console).await?;
    let locations_waiting = board.locations_waiting;
    let calls = board.calls.into_iter().map(LiveCall::from).collect();
    Ok(Json(Calls { at: At(board.at), draining: board.draining, calls, locations_waiting }))
}

/// Queues.
#[derive(Serialize, ToSchema)]
pub(super) struct Queues {
    /// When this was so.
    at: At,
    /// As configured.
    queues: Vec<LiveQueue>,
}

/// One queue.
#[derive(Serialize, ToSchema)]
pub(super) struct LiveQueue {
    /// Its name.
    id: String,
    /// Callers waiting, those ringing at a seat included.
    waiting: usize,
    /// Of these, without an offer, by lane.
    lanes: Lanes,
    /// Of these, ringing at a seat.
    ringing: usize,
    /// Seconds that the oldest one waits.
    oldest_seconds: u64,
    /// Seats that serve it and are ready.
    ready_seats: usize,
    /// Seats that serve it.
    seats: usize,
}

/// Callers without an offer by lane.
#[derive(Serialize, ToSchema)]
struct Lanes {
    /// Everybody else.
    usual: usize,
    /// Nothing was heard of them.
    silent: usize,
    /// Of numbers that are marked.
    nuisance: usize,
}

impl From<[usize; 3]> for Lanes {
    fn from([usual, silent, nuisance]: [usize; 3]) -> Self {
        Self { usual, silent, nuisance }
    }
}

impl From<QueueView> for LiveQueue {
    fn from(view: QueueView) -> Self {
        Self {
            id: view.queue.to_string(),
            waiting: view.waiting,
            lanes: view.lanes.into(),
            ringing: view.ringing,
            oldest_seconds: view.oldest_seconds,
            ready_seats: view.ready_seats,
            seats: view.seats,
        }
    }
}

/// Queues as they are now.
#[utoipa::path(get, path = "/api/v1/queues", tag = "live", responses(
    (status = 200, description = "Queues", body = Queues),
    (status = 401, description = "No token", body = Problem)))]
pub(super) async fn queues(State(console): State<Console>) -> Result<Json<Queues>, Problem> {
    let board = board(&console).await?;
    let queues = board.queues.into_iter().map(LiveQueue::from).collect();
    Ok(Json(Queues { at: At(board.at), queues }))
}

/// Seats.
#[derive(Serialize, ToSchema)]
pub(super) struct Seats {
    /// When this was so.
    at: At,
    /// As configured.
    seats: Vec<LiveSeat>,
}

/// One seat.
#[derive(Serialize, ToSchema)]
pub(super) struct LiveSeat {
    /// Its name.
    id: String,
    /// Who sits there.
    operator: Option<String>,
    /// `signed-out`, `paused`, `ready`, `resting`, `offered`, `ringing`, `talking`, `hold`,
    /// `engaged` or `wrap-up`.
    state: String,
    /// Why it is paused, in one line.
    reason: String,
    /// Why it is paused, each reason for itself.
    pauses: Vec<String>,
    /// When its wrap-up ends by itself.
    wrap_up_until: Option<At>,
    /// Talks since it signed in.
    talks: u32,
    /// Phones registered.
    phones: usize,
    /// The call that rings or talks there.
    call: Option<String>,
    /// Seconds in this state.
    seconds: u64,
    /// Queues that it serves.
    queues: Vec<String>,
}

impl From<SeatView> for LiveSeat {
    fn from(view: SeatView) -> Self {
        Self {
            id: view.seat.to_string(),
            operator: view.operator.map(|operator| operator.to_string()),
            state: view.state,
            reason: view.reason,
            pauses: view.pauses,
            wrap_up_until: view.wrap_up_until.map(At),
            talks: view.talks,
            phones: view.phones,
            call: view.call.map(|call| call.to_string()),
            seconds: view.seconds,
            queues: view.queues.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Seats as they are now.
#[utoipa::path(get, path = "/api/v1/seats", tag = "live", responses(
    (status = 200, description = "Seats", body = Seats),
    (status = 401, description = "No token", body = Problem)))]
pub(super) async fn seats(State(console): State<Console>) -> Result<Json<Seats>, Problem> {
    let board = board(&console).await?;
    let seats = board.seats.into_iter().map(LiveSeat::from).collect();
    Ok(Json(Seats { at: At(board.at), seats }))
}

/// Trunks.
#[derive(Serialize, ToSchema)]
pub(super) struct Trunks {
    /// When this was so.
    at: At,
    /// As configured.
    trunks: Vec<LiveTrunk>,
}

/// One trunk.
#[derive(Serialize, ToSchema)]
pub(super) struct LiveTrunk {
    /// Its name.
    id: String,
    /// Live calls.
    calls: usize,
    /// Calls since the start.
    calls_total: u64,
    /// Seconds since its last request.
    last_heard_seconds: Option<u64>,
    /// Its outgoing side; null for a carrier that only calls.
    line: Option<Line>,
}

/// The outgoing side of a trunk.
#[derive(Serialize, ToSchema)]
struct Line {
    /// `unknown` (found, nobody asked yet), `locating`, `registering`, `up`, `degraded` (calls can
    /// be made, but something is wrong) or `down`.
    state: String,
    /// Since when.
    since: At,
    /// Why, where something is wrong; else empty.
    reason: String,
    /// Whether we register there.
    registers: bool,
    /// Until when the registration counts; null when there is none.
    registered_until: Option<At>,
    /// Places of the carrier in the order that it wishes.
    hops: Vec<Hop>,
}

/// One place of a carrier.
#[derive(Serialize, ToSchema)]
struct Hop {
    /// Transport and address, `tls:198.51.100.7:5061`.
    address: String,
    /// It does not count as dead.
    alive: bool,
    /// Milliseconds from our last answered OPTIONS to its answer; null when it never answered.
    round_trip_ms: Option<u64>,
}

impl From<HopView> for Hop {
    fn from(view: HopView) -> Self {
        Self { address: view.address, alive: view.alive, round_trip_ms: view.round_trip_ms }
    }
}

impl From<LineView> for Line {
    fn from(view: LineView) -> Self {
        Self {
            state: view.state,
            since: At(view.since),
            reason: view.reason,
            registers: view.registers,
            registered_until: view.registered_until.map(At),
            hops: view.hops.into_iter().map(Hop::from).collect(),
        }
    }
}

impl From<TrunkView> for LiveTrunk {
    fn from(view: TrunkView) -> Self {
        Self {
            id: view.trunk.to_string(),
            calls: view.calls,
            calls_total: view.calls_total,
            last_heard_seconds: view.last_heard_seconds,
            line: view.line.map(Line::from),
        }
    }
}

/// Trunks as they are now.
#[utoipa::path(get, path = "/api/v1/trunks", tag = "live", responses(
    (status = 200, description = "Trunks", body = Trunks),
    (status = 401, description = "No token", body = Problem)))]
pub(super) async fn trunks(State(console): State<Console>) -> Result<Json<Trunks>, Problem> {
    let board = board(&console).await?;
    let trunks = board.trunks.into_iter().map(LiveTrunk::from).collect();
    Ok(Json(Trunks { at: At(board.at), trunks }))
}
