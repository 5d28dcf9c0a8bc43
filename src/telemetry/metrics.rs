//! Prometheus metrics: counters from journal entries, gauges from the live board at scrape time.

mod entry_counter;

use std::collections::BTreeSet;
use std::sync::{Mutex, OnceLock, PoisonError};

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use thiserror::Error;

use super::health::HealthSnapshot;
use crate::switchboard::view::Board;
use crate::vocabulary::Lane;

pub use entry_counter::EntryCounter;

/// Seconds from the INVITE to the answer: the marks that centres report by.
const ANSWER_SECONDS: &[f64] = &[5.0, 10.0, 15.0, 20.0, 30.0, 60.0];
/// Seconds of one group commit: from a fast SSD to the longest that 180 waits.
const COMMIT_SECONDS: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0];
/// The states that a seat can be in, as the board names them.
const SEAT_STATES: [&str; 10] = [
    "signed-out",
    "paused",
    "ready",
    "resting",
    "offered",
    "ringing",
    "talking",
    "hold",
    "engaged",
    "wrap-up",
];
/// Metrics could not be set up.
#[derive(Debug, Error)]
#[error("metrics cannot be set up: {0}")]
pub struct MetricsError(String);

/// The metrics of this process, as text for Prometheus.
#[derive(Clone, Debug)]
pub struct Metrics(PrometheusHandle);

/// Sets up metrics for this process; a second call gives the same ones.
///
/// # Errors
/// When another recorder was set up before.
pub fn install() -> Result<Metrics, MetricsError> {
    static INSTALLED: OnceLock<Result<PrometheusHandle, String>> = OnceLock::new();
    let make = || {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Full("siaga112_answer_seconds".into()), ANSWER_SECONDS)
            .and_then(|builder| {
                let name = Matcher::Full("siaga112_journal_commit_seconds".into());
                builder.set_buckets_for_metric(name, COMMIT_SECONDS)
            })
            .and_then(PrometheusBuilder::install_recorder);
        recorder.inspect(|_| describe()).map_err(|e| e.to_string())
    };
    let installed = INSTALLED.get_or_init(make);
    installed.clone().map(Metrics).map_err(MetricsError)
}

impl Metrics {
    /// Everything in Prometheus' text form.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.run_upkeep();
        self.0.render()
    }
}

fn describe() {
    for (name, help) in [
        ("siaga112_calls_total", "Calls that are over, by trunk and outcome"),
        ("siaga112_offered_total", "Calls that entered a queue, by trunk and first queue"),
        ("siaga112_answered_total", "Of these, answered by a seat"),
        ("siaga112_answered_within_total", "Of these, within so many seconds of the INVITE"),
        ("siaga112_abandoned_total", "Callers who left before an answer, by seconds waited"),
        ("siaga112_lane_total", "Decisions to put a call into a lane"),
        ("siaga112_heard_total", "What was heard of callers who wait, by sound"),
        ("siaga112_dispositions_total", "What people said that calls were"),
        ("siaga112_marks_total", "Marks on numbers set and taken back"),
        ("siaga112_mass_incidents_total", "Mass incidents noticed"),
        ("siaga112_work_opened_total", "Callers to be called back, by kind"),
        ("siaga112_work_tried_total", "Attempts to call back that are over, by outcome"),
        ("siaga112_work_closed_total", "Callers who need not be called back any more"),
        ("siaga112_picked_up_total", "Callers whom a person took out of turn"),
        ("siaga112_offers_total", "Offers to seats that are over, by outcome"),
        ("siaga112_recordings_total", "Recordings by what became of them"),
        ("siaga112_alarms_total", "Alarms by name"),
        ("siaga112_configs_total", "Configurations handed in, by result"),
        ("siaga112_journal_entries_total", "Journal entries on disk"),
        ("siaga112_journal_dropped_total", "Journal entries lost while the disk failed"),
        ("siaga112_rtp_packets_total", "RTP packets by direction"),
        ("siaga112_rtp_lost_total", "RTP packets missing by sequence number"),
        ("siaga112_hep_dropped_total", "SIP messages not sent to the Homer collector"),
        ("siaga112_unknown_source_total", "Messages of unknown sources refused or dropped"),
        ("siaga112_sip_connections_closed_total", "SIP connections that ended, by why"),
        ("siaga112_sip_connections_failed_total", "SIP connections that could not be opened"),
        ("siaga112_sip_connections_refused_total", "SIP connections not taken, by why"),
        ("siaga112_malformed_total", "Datagrams that were no SIP"),
        ("siaga112_refused_logins_total", "Registrations with a wrong name or password"),
        ("siaga112_sip_shed_total", "Messages turned away while the gateway was behind, by class"),
        ("siaga112_inbox_dropped_total", "Messages that waited until nobody waited for them"),
        ("siaga112_inbox_repeated_total", "INVITEs that came again while the first one waited"),
        ("siaga112_sip_kernel_drops_total", "Datagrams that the kernel had no room for"),
        ("siaga112_log_lines_lost_total", "Log lines lost while nobody took them"),
    ] {
        describe_counter!(name, help);
    }
    for (name, help) in [
        ("siaga112_calls_live", "Live calls by trunk"),
        ("siaga112_sip_connections", "Open SIP connections by transport"),
        ("siaga112_trunk_up", "1 while calls can be sent to a trunk (up or degraded)"),
        ("siaga112_trunk_registered", "1 while we are registered at a trunk's carrier"),
        ("siaga112_queue_waiting", "Callers waiting, ringing ones included"),
        ("siaga112_queue_oldest_wait_seconds", "Wait of the caller who waits longest"),
        ("siaga112_queue_lane_waiting", "Callers without an offer, by lane"),
        ("siaga112_work_open", "Callers who are to be called back"),
        ("siaga112_marks", "Marks on numbers that stand"),
        ("siaga112_mass_incidents", "Places from which a mass incident comes now"),
        ("siaga112_seats", "Seats by state"),
        ("siaga112_recordings_free_bytes", "Free bytes of the disk that recordings are on"),
        ("siaga112_orphans", "Calls set aside after an internal fault; must be 0"),
        ("siaga112_health", "1 while a part works, 0 while it is in trouble"),
        ("siaga112_draining", "1 while no new calls are taken"),
        ("siaga112_inbox_waiting", "Messages that wait for the switchboard, by lane"),
        ("siaga112_locked_sources", "Sources locked because they guessed passwords"),
    ] {
        describe_gauge!(name, help);
    }
    let answer = "From the INVITE to the answer of a seat";
    describe_histogram!("siaga112_answer_seconds", Unit::Seconds, answer);
    let commit = "One group commit: write and flush";
    describe_histogram!("siaga112_journal_commit_seconds", Unit::Seconds, commit);
}

/// Counts an alarm that does not come by the switchboard, such as `journal-failed` or
/// `recordings-disk-low`, once when the failure begins.
pub fn alarm(name: &'static str) {
    counter!("siaga112_alarms_total", "name" => name).increment(1);
}

/// Says how much room there is for recordings.
pub fn recordings_free(bytes: u64) {
    gauge!("siaga112_recordings_free_bytes").set(bytes as f64);
}

/// What the media plane has counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MediaCounts {
    /// RTP packets received.
    pub received: u64,
    /// RTP packets sent.
    pub sent: u64,
    /// RTP packets missing by sequence number.
    pub lost: u64,
}

/// What waits before the switchboard and what was turned away there since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overload {
    /// For each lane: its name, what waits, what was turned away, what waited in vain.
    pub lanes: Vec<(&'static str, usize, u64, u64)>,
    /// INVITEs that came again while the first one waited.
    pub repeated: u64,
}

/// Tells of overload; called at scrape time, and needs nothing of the switchboard.
pub fn overload(counts: &Overload, kernel_drops: u64) {
    for (lane, waiting, shed, late) in &counts.lanes {
        gauge!("siaga112_inbox_waiting", "lane" => *lane).set(*waiting as f64);
        counter!("siaga112_sip_shed_total", "class" => *lane).absolute(*shed);
        counter!("siaga112_inbox_dropped_total", "lane" => *lane).absolute(*late);
    }
    counter!("siaga112_inbox_repeated_total").absolute(counts.repeated);
    counter!("siaga112_sip_kernel_drops_total").absolute(kernel_drops);
}

/// Sets the gauges; called at scrape time.
pub fn gauges(board: &Board, media: MediaCounts, health: &HealthSnapshot) {
    let mut set = Gauges::default();
    for queue in &board.queues {
        let name = queue.queue.as_str();
        set.labelled("siaga112_queue_waiting", "queue", name, queue.waiting as f64);
        let oldest = queue.oldest_seconds as f64;
        set.labelled("siaga112_queue_oldest_wait_seconds", "queue", name, oldest);
        for (lane, waiting) in Lane::ALL.iter().zip(queue.lanes) {
            let labels = [("queue", name.to_owned()), ("lane", lane.word().to_owned())];
            set.gauge("siaga112_queue_lane_waiting", &labels, waiting as f64);
        }
    }
    for state in SEAT_STATES {
        let seats = board.seats.iter().filter(|seat| seat.state == state).count();
        set.labelled("siaga112_seats", "state", state, seats as f64);
    }
    for trunk in &board.trunks {
        let name = trunk.trunk.as_str();
        set.labelled("siaga112_calls_live", "trunk", name, trunk.calls as f64);
        if let Some(line) = &trunk.line {
            let up = matches!(line.state.as_str(), "up" | "degraded");
            set.labelled("siaga112_trunk_up", "trunk", name, f64::from(u8::from(up)));
            if line.registers {
                let registered = f64::from(u8::from(line.registered_until.is_some()));
                set.labelled("siaga112_trunk_registered", "trunk", name, registered);
            }
        }
    }
    for check in &health.checks {
        let works = f64::from(u8::from(check.trouble.is_none()));
        set.labelled("siaga112_health", "check", check.check.word(), works);
    }
    set.finish();
    counter!("siaga112_log_lines_lost_total").absolute(super::logs::lost());
    gauge!("siaga112_work_open").set(board.work_open as f64);
    gauge!("siaga112_marks").set(board.marks as f64);
    gauge!("siaga112_mass_incidents").set(board.mass_incidents as f64);
    gauge!("siaga112_draining").set(f64::from(u8::from(board.draining)));
    gauge!("siaga112_orphans").set(board.orphans as f64);
    counter!("siaga112_unknown_source_total").absolute(board.unknown_source);
    counter!("siaga112_refused_logins_total").absolute(board.refused_logins);
    gauge!("siaga112_locked_sources").set(board.locked_sources as f64);
    counter!("siaga112_malformed_total").absolute(board.malformed);
    counter!("siaga112_rtp_packets_total", "direction" => "received").absolute(media.received);
    counter!("siaga112_rtp_packets_total", "direction" => "sent").absolute(media.sent);
    counter!("siaga112_rtp_lost_total").absolute(media.lost);
}

/// Gauges by name and labels.
type Names = BTreeSet<(&'static str, Vec<(&'static str, String)>)>;

/// Sets labelled gauges, and to 0 those whose queue or trunk is gone since the scrape before.
#[derive(Default)]
struct Gauges(Names);

impl Gauges {
    fn labelled(&mut self, name: &'static str, label: &'static str, value: &str, to: f64) {
        self.gauge(name, &[(label, value.to_owned())], to);
    }

    fn gauge(&mut self, name: &'static str, labels: &[(&'static str, String)], to: f64) {
        gauge!(name, labels).set(to);
        self.0.insert((name, labels.to_vec()));
    }

    fn finish(self) {
        static BEFORE: Mutex<Names> = Mutex::new(BTreeSet::new());
        let mut before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, labels) in before.difference(&self.0) {
            gauge!(*name, labels).set(0.0);
        }
        *before = self.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::switchboard::view::{LineView, TrunkView};
    use crate::telemetry::health::Health;
    use crate::vocabulary::WallTime;

    fn trunk(state: &str, registered: Option<i64>) -> TrunkView {
        let line = LineView {
            state: state.into(),
            since: WallTime(0),
            reason: String::new(),
            registered_until: registered.map(WallTime),
            registers: true,
            hops: Vec::new(),
        };
        TrunkView {
            trunk: format!("metrics-{state}").into(),
            calls: 0,
            calls_total: 0,
            last_heard_seconds: None,
            line: Some(line),
        }
    }

    #[test]
    fn the_board_becomes_metrics_and_what_is_gone_is_0() {
        let metrics = install().expect("installs");
        let _again = install().expect("gives the same");
        let queue = |waiting| crate::switchboard::view::QueueView {
            queue: "metrics-queue".into(),
            waiting,
            lanes: [1, 2, 0],
            ringing: 0,
            oldest_seconds: 4,
            ready_seats: 0,
            seats: 0,
        };
        let board = Board {
            queues: vec![queue(3)],
            trunks: vec![trunk("degraded", Some(1)), trunk("down", None)],
            work_open: 2,
            marks: 3,
            ..Board::default()
        };
        let media = MediaCounts { received: 10, sent: 9, lost: 1 };
        gauges(&board, media, &Health::new().snapshot());
        let text = metrics.render();
        for line in [
            r#"siaga112_queue_lane_waiting{queue="metrics-queue",lane="silent"} 2"#,
            "siaga112_work_open 2",
            "siaga112_marks 3",
            r#"siaga112_queue_waiting{queue="metrics-queue"} 3"#,
            r#"siaga112_queue_oldest_wait_seconds{queue="metrics-queue"} 4"#,
            r#"siaga112_seats{state="ready"} 0"#,
            r#"siaga112_trunk_up{trunk="metrics-degraded"} 1"#,
            r#"siaga112_trunk_registered{trunk="metrics-degraded"} 1"#,
            r#"siaga112_trunk_up{trunk="metrics-down"} 0"#,
            r#"siaga112_trunk_registered{trunk="metrics-down"} 0"#,
            r#"siaga112_rtp_packets_total{direction="received"} 10"#,
            r#"siaga112_health{check="journal"} 1"#,
            "siaga112_orphans 0",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\nis not in\n{text}");
        }
        gauges(&Board::default(), media, &Health::new().snapshot());
        let text = metrics.render();
        assert!(text.contains(r#"siaga112_queue_waiting{queue="metrics-queue"} 0"#), "{text}");
        let lane = r#"siaga112_queue_lane_waiting{queue="metrics-queue",lane="silent"} 0"#;
        assert!(text.contains(lane), "{text}");
    }
}
