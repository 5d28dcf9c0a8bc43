//! What a page is told: everything once, then what has changed between two boards. Values in, values out.
//!
//! Ages grow without anything having happened: they are no change, and a page counts on from where it was
//! told them.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::super::alarms::LiveAlarm;
use super::super::live::{LiveCall, LiveQueue, LiveSeat, LiveTrunk};
use crate::call::quality::Quality;
use crate::store::At;
use crate::switchboard::view::{Board, CallView, QualityView, QueueView, SeatView, TrunkView};
use crate::vocabulary::CallId;

/// One message of the live feed.
#[derive(Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(in super::super) enum LiveMessage {
    /// Everything as it is: the first message, and after a break that cannot be mended otherwise.
    Whole(Box<Whole>),
    /// What has changed since the message before.
    Changes(Box<Changes>),
    /// Nothing has: the gateway is there.
    Beat(Beat),
}

/// Everything as it is.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Whole {
    /// Grows by one with each message that changes something.
    pub(super) seq: u64,
    /// When this was so: ages in seconds count from here.
    pub(super) at: At,
    /// The build of the pages: another one than the page's own means that the page is old.
    pub(super) build: String,
    /// Live calls in order of arrival.
    pub(super) calls: Vec<LiveCall>,
    /// Queues as configured.
    pub(super) queues: Vec<LiveQueue>,
    /// Seats as configured.
    pub(super) seats: Vec<LiveSeat>,
    /// Trunks as configured.
    pub(super) trunks: Vec<LiveTrunk>,
    /// What else is counted.
    pub(super) counts: Counts,
    /// Alarms, for roles that see them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) alarms: Option<Vec<LiveAlarm>>,
}

/// What has changed. Whatever is listed takes the place of what had its `id`; lists are left out where
/// nothing has.
#[derive(Default, Serialize, ToSchema)]
pub(in super::super) struct Changes {
    /// One more than that of the message before.
    pub(super) seq: u64,
    /// When this was so.
    pub(super) at: At,
    /// Calls that are new or have changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(super) calls: Vec<LiveCall>,
    /// Calls that are over.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(super) calls_over: Vec<String>,
    /// Queues that have changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(super) queues: Vec<LiveQueue>,
    /// Queues that are no more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(super) queues_gone: Vec<String>,
    /// Seats that have changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(super) seats: Vec<LiveSeat>,
    /// Seats that are no more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(super) seats_gone: Vec<String>,
    /// Trunks that have changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(super) trunks: Vec<LiveTrunk>,
    /// Trunks that are no more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub(super) trunks_gone: Vec<String>,
    /// What else is counted, where that has changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) counts: Option<Counts>,
    /// All alarms, where one of them has changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) alarms: Option<Vec<LiveAlarm>>,
}

/// The gateway is there.
#[derive(Serialize, ToSchema)]
pub(in super::super) struct Beat {
    /// The message before had this one.
    pub(super) seq: u64,
    /// When the board was looked at last: one that stands still says that calls go first.
    pub(super) at: At,
}

/// What else is counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(in super::super) struct Counts {
    /// No new calls are taken.
    draining: bool,
    /// Places that phones have told and that wait for a call of their number.
    locations_waiting: usize,
    /// Open entries of the list of those to call back.
    work_open: usize,
    /// Places from which a mass incident comes now.
    mass_incidents: usize,
    /// Marks on numbers that stand.
    marks: usize,
    /// Calls that a fault set aside; must be 0.
    orphans: u64,
}

impl Counts {
    fn of(board: &Board) -> Self {
        Self {
            draining: board.draining,
            locations_waiting: board.locations_waiting,
            work_open: board.work_open,
            mass_incidents: board.mass_incidents,
            marks: board.marks,
            orphans: board.orphans,
        }
    }
}

impl Whole {
    pub(super) fn of(seq: u64, build: &str, board: &Board, alarms: Option<Vec<LiveAlarm>>) -> Self {
        Self {
            seq,
            at: At(board.at),
            build: build.to_owned(),
            calls: board.calls.iter().cloned().map(LiveCall::from).collect(),
            queues: board.queues.iter().cloned().map(LiveQueue::from).collect(),
            seats: board.seats.iter().cloned().map(LiveSeat::from).collect(),
            trunks: board.trunks.iter().cloned().map(LiveTrunk::from).collect(),
            counts: Counts::of(board),
            alarms,
        }
    }
}

/// What has changed between two boards; none when nothing has. Alarms are not looked at.
pub(super) fn between(seq: u64, before: &Board, now: &Board) -> Option<Changes> {
    let counts = Counts::of(now);
    let counts = (counts != Counts::of(before)).then_some(counts);
    let (calls, calls_over) = changed(&before.calls, &now.calls, |call| call.call, still_call);
    let (queues, queues_gone) =
        changed(&before.queues, &now.queues, |queue| queue.queue.clone(), still_queue);
    let (seats, seats_gone) =
        changed(&before.seats, &now.seats, |seat| seat.seat.clone(), still_seat);
    let (trunks, trunks_gone) =
        changed(&before.trunks, &now.trunks, |trunk| trunk.trunk.clone(), still_trunk);
    let changes = Changes {
        seq,
        at: At(now.at),
        calls: calls.into_iter().map(LiveCall::from).collect(),
        calls_over: calls_over.iter().map(CallId::to_string).collect(),
        queues: queues.into_iter().map(LiveQueue::from).collect(),
        queues_gone: queues_gone.iter().map(ToString::to_string).collect(),
        seats: seats.into_iter().map(LiveSeat::from).collect(),
        seats_gone: seats_gone.iter().map(ToString::to_string).collect(),
        trunks: trunks.into_iter().map(LiveTrunk::from).collect(),
        trunks_gone: trunks_gone.iter().map(ToString::to_string).collect(),
        counts,
        alarms: None,
    };
    (!changes.is_empty()).then_some(changes)
}

impl Changes {
    /// Alarms alone.
    pub(super) fn of_alarms(seq: u64, at: At) -> Self {
        Self { seq, at, ..Self::default() }
    }

    fn is_empty(&self) -> bool {
        let lists = [
            self.calls.len(),
            self.calls_over.len(),
            self.queues.len(),
            self.queues_gone.len(),
            self.seats.len(),
            self.seats_gone.len(),
            self.trunks.len(),
            self.trunks_gone.len(),
        ];
        lists.iter().all(|length| *length == 0) && self.counts.is_none() && self.alarms.is_none()
    }
}

/// Those that are new or differ when they stand still, and the names of those that are no more.
fn changed<V: Clone + PartialEq, K: Ord>(
    before: &[V],
    now: &[V],
    key: impl Fn(&V) -> K,
    still: impl Fn(&V) -> V,
) -> (Vec<V>, Vec<K>) {
    let mut known: BTreeMap<K, &V> = before.iter().map(|view| (key(view), view)).collect();
    let mut different = Vec::new();
    for view in now {
        let same = known.remove(&key(view)).is_some_and(|was| still(was) == still(view));
        if !same {
            different.push(view.clone());
        }
    }
    (different, known.into_keys().collect())
}

/// A call without what grows by itself: ages, and figures of the audio that nobody could read so fast.
fn still_call(call: &CallView) -> CallView {
    let quality = QualityView {
        caller: call.quality.caller.map(still_audio),
        seat: call.quality.seat.map(still_audio),
        caller_quiet_seconds: call.quality.caller_quiet_seconds.map(|_| 0),
        ..call.quality
    };
    CallView { age_seconds: 0, quality, ..call.clone() }
}

/// Half a step of opinion, and a per cent of loss, are what a person hears.
fn still_audio(quality: Quality) -> Quality {
    let coarse = |mut heard: crate::call::quality::Heard| {
        heard.loss /= 100;
        heard.mos /= 50;
        heard.jitter_ms /= 50;
        heard
    };
    Quality {
        received: 0,
        lost: 0,
        here: coarse(quality.here),
        there: quality.there.map(coarse),
        round_trip_ms: quality.round_trip_ms.map(|ms| ms / 100),
    }
}

fn still_queue(queue: &QueueView) -> QueueView {
    QueueView { oldest_seconds: 0, ..queue.clone() }
}

fn still_seat(seat: &SeatView) -> SeatView {
    SeatView { seconds: 0, ..seat.clone() }
}

fn still_trunk(trunk: &TrunkView) -> TrunkView {
    let mut still = TrunkView { last_heard_seconds: None, ..trunk.clone() };
    for hop in still.line.iter_mut().flat_map(|line| &mut line.hops) {
        hop.round_trip_ms = hop.round_trip_ms.map(|ms| ms / 100);
    }
    still
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::{Uid, WallTime};

    fn call(n: u32, state: &str, age_seconds: u64) -> CallView {
        let json = serde_json::json!({
            "call": CallId(Uid::new(WallTime(1_789_621_200_000_000), n)),
            "incident": crate::vocabulary::IncidentId(Uid::new(WallTime(1), n)),
            "trunk": "telco-a", "from_seat": null, "caller": "+62811", "dialled": "112",
            "state": state, "queue": "darurat", "seat": null, "answer": "on_agent",
            "received_at": 1, "age_seconds": age_seconds, "answered_after_seconds": null,
            "on_hold": false
        });
        serde_json::from_value(json).expect("a call")
    }

    fn board(calls: Vec<CallView>) -> Board {
        Board { calls, ..Board::default() }
    }

    #[test]
    fn growing_older_is_no_change_and_everything_else_is() {
        let before = board(vec![call(1, "waiting", 3), call(2, "waiting", 1)]);
        let older = board(vec![call(1, "waiting", 9), call(2, "waiting", 7)]);
        assert!(between(1, &before, &older).is_none());
        let now = board(vec![call(1, "ringing", 9), call(3, "arriving", 0)]);
        let changes = between(2, &before, &now).expect("changes");
        let json = serde_json::to_value(&changes).expect("JSON");
        let ids = |list: &str| json[list].as_array().map_or(0, Vec::len);
        assert_eq!((ids("calls"), ids("calls_over")), (2, 1), "{json}");
        assert!(json.get("seats").is_none() && json.get("counts").is_none(), "{json}");
        let draining = Board { draining: true, ..before.clone() };
        let json = serde_json::to_value(between(3, &before, &draining)).expect("JSON");
        assert_eq!(json["counts"]["draining"], true);
    }
}
