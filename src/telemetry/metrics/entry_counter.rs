//! Counters from journal entries: every entry comes by once, in order.

use std::collections::BTreeMap;

use metrics::{counter, histogram};

use crate::acd::service_level::{Patience, Target};
use crate::journal::{Entry, Fact};
use crate::store::outcome;
use crate::vocabulary::{CallId, Ending, Party, QueueId, TrunkId, WallTime};

/// Live calls whose trunk is remembered; above it the oldest are counted under no trunk.
const LIVE_CALLS: usize = 200_000;
/// Sounds, as the entries name them.
const SOUNDS: [&str; 9] = [
    "voice",
    "tap",
    "noise",
    "key",
    "fax",
    "text-telephone",
    "ring-back",
    "busy-tone",
    "unobtainable",
];

/// Counts entries. It remembers trunk, queue and arrival of each live call and nothing else.
#[derive(Debug, Default)]
pub struct EntryCounter {
    live: BTreeMap<CallId, Live>,
}

/// What the labels of a call are made of.
#[derive(Debug)]
struct Live {
    trunk: TrunkId,
    at: WallTime,
    queue: Option<QueueId>,
    answered: bool,
}

impl Live {
    fn labels(&self) -> [(&'static str, String); 2] {
        let queue = self.queue.as_ref().map_or("", |queue| queue.as_str());
        [("trunk", self.trunk.as_str().to_owned()), ("queue", queue.to_owned())]
    }
}

impl EntryCounter {
    /// Counts one entry; every entry comes here once, in order.
    #[allow(clippy::too_many_lines, reason = "one arm for each fact")]
    pub fn count(&mut self, entry: &Entry) {
        match &entry.fact {
            Fact::Arrived { call, trunk, .. } => {
                let (trunk, at) = (trunk.clone(), entry.at);
                self.live.insert(*call, Live { trunk, at, queue: None, answered: false });
                if self.live.len() > LIVE_CALLS {
                    self.live.pop_first();
                }
            }
            Fact::Queued { call, queue, .. } => {
                let Some(live) = self.live.get_mut(call) else { return };
                let first = live.queue.is_none();
                live.queue.get_or_insert_with(|| queue.clone());
                if first {
                    counter!("siaga112_offered_total", &live.labels()).increment(1);
                }
            }
            Fact::Ended { call, ending, .. } => self.ended(entry.at, *call, ending),
            Fact::Answered { call, after_ms, .. } => self.answered(*call, *after_ms),
            Fact::OfferEnded { outcome, .. } => {
                // The entry's own word: kebab-case, as in the record.
                let word = serde_json::to_value(outcome).ok();
                let word = word.as_ref().and_then(|w| w.as_str()).unwrap_or_default().to_owned();
                counter!("siaga112_offers_total", "outcome" => word).increment(1);
            }
            Fact::RecordingStarted { .. } => recording("started"),
            Fact::RecordingSealed { .. } => recording("sealed"),
            Fact::RecordingFailed { .. } => recording("failed"),
            Fact::RecordingResumed { .. } => recording("resumed"),
            Fact::RecordingDeleted { .. } => recording("deleted"),
            Fact::AudioHeard { call, by: Party::Caller, quality } => {
                let live = self.live.get(call).map(|live| live.trunk.as_str().to_owned());
                audio(live, quality.here.mos);
            }
            Fact::PartyJoined { part, .. } => {
                counter!("siaga112_parties_total", "part" => part.word()).increment(1);
            }
            Fact::Located(located) => {
                let matched = if located.call.is_some() { "call" } else { "none" };
                let how = located.report.how.word();
                counter!("siaga112_locations_total", "how" => how, "of" => matched).increment(1);
            }
            Fact::CopyStarted { .. } => recording("copied"),
            Fact::CopyFailed { .. } => recording("copy-failed"),
            Fact::Alarm { name, .. } => {
                counter!("siaga112_alarms_total", "name" => name.clone()).increment(1);
            }
            Fact::ConfigAdopted { .. } => {
                counter!("siaga112_configs_total", "result" => "adopted").increment(1);
            }
            Fact::ConfigRefused { .. } => {
                counter!("siaga112_configs_total", "result" => "refused").increment(1);
            }
            Fact::Laned { .. }
            | Fact::Heard { .. }
            | Fact::Disposed { .. }
            | Fact::DispositionWithdrawn { .. }
            | Fact::NumberMarked { .. }
            | Fact::NumberCleared { .. }
            | Fact::MassIncident { .. }
            | Fact::WorkOpened { .. }
            | Fact::WorkTriedEnded { .. }
            | Fact::WorkClosed { .. }
            | Fact::PickedUp { .. } => screened(&entry.fact),
            Fact::ChainEnded(it) => {
                counter!("siaga112_chains_total", "verdict" => it.verdict.word()).increment(1);
            }
            Fact::AlertReceived(alerted) => {
                let trunk = alerted.trunk.as_str().to_owned();
                counter!("siaga112_alerts_received_total", "trunk" => trunk).increment(1);
            }
            Fact::HeadSigned(_)
            | Fact::ClockJumped(_)
            | Fact::IncidentHeld(_)
            | Fact::PersonalErased(_)
            | Fact::RetentionRan(_)
            | Fact::NodeStarted { .. }
            | Fact::DataCame(_)
            | Fact::IdentityChecked(_)
            | Fact::CallerRecalled(_)
            | Fact::MalformedMessage(_)
            | Fact::NodeStopped
            | Fact::EarlyMedia { .. }
            | Fact::Prompted { .. }
            | Fact::Linked { .. }
            | Fact::WorkTried { .. }
            | Fact::Overflowed { .. }
            | Fact::Offered { .. }
            | Fact::CallerAnswered { .. }
            | Fact::Signalled { .. }
            | Fact::Held { .. }
            | Fact::Resumed { .. }
            | Fact::SeatDialled { .. }
            | Fact::SeatCallEnded { .. }
            | Fact::CalledOut { .. }
            | Fact::CallOutEnded { .. }
            | Fact::Transferred { .. }
            | Fact::TestAnswered { .. }
            | Fact::SeatChanged { .. }
            | Fact::IncidentOpened(_)
            | Fact::IncidentEdited(_)
            | Fact::IncidentClosed(_)
            | Fact::IncidentReopened(_)
            | Fact::IncidentMerged(_)
            | Fact::IncidentUnmerged(_)
            | Fact::IncidentLinked(_)
            | Fact::IncidentUnlinked(_)
            | Fact::PartyInvited { .. }
            | Fact::PartyChanged { .. }
            | Fact::PartyHeld { .. }
            | Fact::PartyLeft { .. }
            | Fact::PartyTookOver { .. }
            | Fact::ChainBegun(_)
            | Fact::ChainTried(_)
            | Fact::ChainTriedEnded(_)
            | Fact::PrivateTalk { .. }
            | Fact::AudioHeard { .. }
            | Fact::TextCarried(_)
            | Fact::AnswerUnusable(_)
            | Fact::CallerQuiet { .. }
            | Fact::CallerSpeaks { .. }
            | Fact::Key { .. }
            | Fact::RecordingHeld { .. }
            | Fact::TextWritten { .. }
            | Fact::AudioStalled { .. }
            | Fact::AudioFlows { .. }
            | Fact::Audited { .. } => {}
        }
    }

    fn answered(&mut self, call: CallId, after_ms: u64) {
        let span = std::time::Duration::from_millis(after_ms);
        histogram!("siaga112_answer_seconds").record(span);
        let Some(live) = self.live.get_mut(&call).filter(|live| !live.answered) else { return };
        // A caller who is handed on, or waits again, was answered once.
        live.answered = true;
        counter!("siaga112_answered_total", &live.labels()).increment(1);
        for target in Target::ALL.into_iter().filter(|target| target.is_met(after_ms)) {
            let [trunk, queue] = live.labels();
            let labels = [trunk, queue, ("seconds", target.word().to_owned())];
            counter!("siaga112_answered_within_total", &labels).increment(1);
        }
    }

    fn ended(&mut self, at: WallTime, call: CallId, ending: &Ending) {
        let live = self.live.remove(&call);
        let outcome = outcome(ending);
        if let Some(live) = live.as_ref().filter(|live| outcome == "abandoned" && !live.answered) {
            let waited = at.0.saturating_sub(live.at.0).max(0).unsigned_abs() / 1000;
            let [trunk, queue] = live.labels();
            let labels = [trunk, queue, ("after", Patience::of(waited).word().to_owned())];
            counter!("siaga112_abandoned_total", &labels).increment(1);
        }
        let trunk = live.map_or_else(|| "unknown".to_owned(), |l| l.trunk.as_str().to_owned());
        counter!("siaga112_calls_total", "trunk" => trunk, "outcome" => outcome).increment(1);
    }
}

/// A caller's leg was heard so.
fn audio(trunk: Option<String>, mos: u16) {
    let trunk = trunk.unwrap_or_else(|| "unknown".to_owned());
    counter!("siaga112_audio_legs_total", "trunk" => trunk, "grade" => grade(mos)).increment(1);
}

/// How a listener would call a leg (ITU-T G.109).
const fn grade(mos: u16) -> &'static str {
    match mos {
        403.. => "good",
        360..403 => "fair",
        310..360 => "low",
        _ => "poor",
    }
}

/// What people and screening said of calls.
fn screened(fact: &Fact) {
    match fact {
        Fact::Laned { lane, .. } => {
            counter!("siaga112_lane_total", "lane" => lane.word()).increment(1);
        }
        Fact::Heard { sound, .. } => {
            let sound = SOUNDS.iter().find(|known| *known == sound).unwrap_or(&"other");
            counter!("siaga112_heard_total", "sound" => *sound).increment(1);
        }
        Fact::Disposed { disposition, .. } => {
            let word = disposition.word();
            counter!("siaga112_dispositions_total", "disposition" => word).increment(1);
        }
        Fact::NumberMarked { .. } => {
            counter!("siaga112_marks_total", "change" => "set").increment(1);
        }
        Fact::NumberCleared { .. } => {
            counter!("siaga112_marks_total", "change" => "cleared").increment(1);
        }
        Fact::MassIncident { over: false, .. } => {
            counter!("siaga112_mass_incidents_total").increment(1);
        }
        Fact::WorkOpened { kind, .. } => {
            counter!("siaga112_work_opened_total", "kind" => kind.word()).increment(1);
        }
        Fact::WorkTriedEnded { outcome, .. } => {
            counter!("siaga112_work_tried_total", "outcome" => outcome.word()).increment(1);
        }
        Fact::WorkClosed { .. } => counter!("siaga112_work_closed_total").increment(1),
        Fact::PickedUp { .. } => counter!("siaga112_picked_up_total").increment(1),
        _ => {}
    }
}

fn recording(state: &'static str) {
    counter!("siaga112_recordings_total", "state" => state).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screening::Disposition;
    use crate::telemetry::metrics::install;
    use crate::vocabulary::{AnswerMode, Cause, IncidentId, Lane, Party, Stage, Uid};

    fn call(n: u32) -> CallId {
        CallId(Uid::new(WallTime(1_000), n))
    }

    fn arrived(call: CallId) -> Fact {
        Fact::Arrived {
            call,
            incident: IncidentId(call.0),
            trunk: "entry-trunk".into(),
            source: String::new(),
            arrival: Box::default(),
        }
    }

    fn queued(call: CallId) -> Fact {
        Fact::Queued {
            call,
            queue: "entry-queue".into(),
            rule: String::new(),
            priority: 5,
            answer: AnswerMode::OnAgent,
            wants: Vec::new(),
        }
    }

    fn ended(call: CallId, stage: Stage) -> Fact {
        let ending = Ending { stage, by: Party::Caller, cause: Cause::HungUp, q850: None };
        Fact::Ended { call, ending, caller_packets: None, seat_packets: None }
    }

    #[test]
    fn entries_become_metrics_and_nothing_of_a_call_is_left() {
        let metrics = install().expect("installs");
        let (call, second) = (call(1), call(2));
        let mut counter = EntryCounter::default();
        for fact in [
            arrived(call),
            queued(call),
            queued(call),
            Fact::Answered { call, seat: "s".into(), operator: None, after_ms: 12_000 },
            Fact::Answered { call, seat: "t".into(), operator: None, after_ms: 7_000 },
            Fact::Laned { call, lane: Lane::Silent, why: String::new() },
            Fact::Heard { call, sound: "tap".into(), by: Party::Caller, after_ms: 1 },
            Fact::Heard { call, sound: "sneeze".into(), by: Party::Caller, after_ms: 1 },
            Fact::Disposed { call, disposition: Disposition::Ghost, by: "siti".into() },
            ended(call, Stage::Talking),
            arrived(second),
            queued(second),
            ended(second, Stage::Waiting),
            Fact::Alarm { name: "entry-alarm".into(), detail: String::new() },
        ] {
            let at = WallTime(if matches!(fact, Fact::Ended { .. }) { 12_000_000 } else { 0 });
            counter.count(&Entry { at, fact });
        }
        assert!(counter.live.is_empty());
        let text = metrics.render();
        let of = r#"{trunk="entry-trunk",queue="entry-queue""#;
        for line in [
            r#"siaga112_calls_total{trunk="entry-trunk",outcome="answered"} 1"#.to_owned(),
            r#"siaga112_calls_total{trunk="entry-trunk",outcome="abandoned"} 1"#.to_owned(),
            r#"siaga112_answer_seconds_bucket{le="5"} 0"#.to_owned(),
            r#"siaga112_answer_seconds_bucket{le="10"} 1"#.to_owned(),
            r#"siaga112_answer_seconds_bucket{le="15"} 2"#.to_owned(),
            format!("siaga112_offered_total{of}}} 2"),
            format!("siaga112_answered_total{of}}} 1"),
            format!("siaga112_answered_within_total{of},seconds=\"15\"}} 1"),
            format!("siaga112_answered_within_total{of},seconds=\"20\"}} 1"),
            format!("siaga112_abandoned_total{of},after=\"10-30\"}} 1"),
            r#"siaga112_lane_total{lane="silent"} 1"#.to_owned(),
            r#"siaga112_heard_total{sound="tap"} 1"#.to_owned(),
            r#"siaga112_heard_total{sound="other"} 1"#.to_owned(),
            r#"siaga112_dispositions_total{disposition="ghost"} 1"#.to_owned(),
            r#"siaga112_alarms_total{name="entry-alarm"} 1"#.to_owned(),
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\nis not in\n{text}");
        }
        assert!(!text.contains(r#"seconds="10""#), "{text}");
    }
}
