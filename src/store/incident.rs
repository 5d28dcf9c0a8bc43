//! The incident record as the API and the command line show it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::record::RecordView;
use crate::vocabulary::WallTime;

/// A time in RFC 3339, UTC, milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, format = DateTime, examples("2026-09-17T05:12:31.204Z"))]
pub struct At(pub WallTime);

impl Serialize for At {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0.to_rfc3339())
    }
}

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(from)?;
        let wrong = || serde::de::Error::custom("an RFC 3339 time is expected");
        WallTime::parse(&text).map(Self).ok_or_else(wrong)
    }
}

/// One incident in one row. Absent values are null.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IncidentSummary {
    /// The incident.
    pub id: String,
    /// Its call.
    pub call: String,
    /// The carrier.
    pub trunk: String,
    /// Transport and address that the INVITE came from.
    pub source: String,
    /// What was dialled.
    pub dialled: String,
    /// The service URN asked for.
    pub service: String,
    /// Code of the category that the form says; before that, the one that the service URN preselects.
    pub category: Option<String>,
    /// Code of the kecamatan that the form says; before that, the one that a location names.
    pub kecamatan: Option<String>,
    /// The caller's number as it was sent.
    pub caller_raw: String,
    /// The caller's number in E.164, where it has one certain reading.
    pub caller_e164: Option<String>,
    /// Where it waited.
    pub queue: Option<String>,
    /// The routing rule that said so.
    pub rule: Option<String>,
    /// 0 to 9, highest first.
    pub priority: Option<i64>,
    /// `usual`, `silent` or `nuisance`: where it stood last among those that wait.
    pub lane: String,
    /// Why it stood there, when that was said.
    pub lane_why: Option<String>,
    /// Skills that it asked of a seat, e.g. `mad:3 islands:2`.
    pub wants: Option<String>,
    /// What was heard of the caller, in order: `voice`, `tap`, `noise`, `key`, `text` while they waited;
    /// `fax`, `text-telephone`, `busy-tone`, `unobtainable` at any time.
    pub heard: Option<String>,
    /// The seat that answered.
    pub seat: Option<String>,
    /// Who sat there.
    pub operator: Option<String>,
    /// `on_agent`, `after_seconds:N` or `immediate`.
    pub answer_mode: Option<String>,
    /// When the INVITE came.
    pub received_at: At,
    /// When routing had decided.
    pub queued_at: Option<At>,
    /// When the caller's INVITE was answered before a seat was there.
    pub caller_answered_at: Option<At>,
    /// When a seat (or the test) answered.
    pub answered_at: Option<At>,
    /// When the call was over; null while it lives.
    pub ended_at: Option<At>,
    /// Milliseconds from the INVITE to the answer.
    pub answer_ms: Option<i64>,
    /// Milliseconds from the INVITE to the end.
    pub duration_ms: Option<i64>,
    /// How far the call has come, or had come at its end.
    pub stage: String,
    /// Who ended it.
    pub ended_by: Option<String>,
    /// Why it ended.
    pub cause: Option<String>,
    /// Q.850 cause, when one came.
    pub q850: Option<i64>,
    /// `answered`, `abandoned`, `test` or `other`; null while the call lives.
    pub outcome: Option<String>,
    /// What kind of call it was, as a person said: `normal`, `prank`, `ghost`, `information`,
    /// `misrouted`, `test`, `callback` or `abandoned`.
    pub disposition: Option<String>,
    /// Who said so.
    pub disposed_by: Option<String>,
    /// When.
    pub disposed_at: Option<At>,
    /// RTP packets that came from the caller.
    pub caller_packets: Option<i64>,
    /// RTP packets that came from the seat.
    pub seat_packets: Option<i64>,
    /// `recording`, `sealed`, `failed`, or null when there is none.
    pub recording_state: Option<String>,
    /// How it became known: `call`, or `walk-in`, `radio`, `cap`, … for a record without a call.
    #[serde(default)]
    pub origin: String,
    /// `open`, `closed` or `merged`.
    #[serde(default)]
    pub record: String,
    /// Version of the record; 0: nobody has written yet.
    #[serde(default)]
    pub version: i64,
    /// What the caller is called.
    #[serde(default)]
    pub caller_name: Option<String>,
    /// Where the caller can be reached otherwise.
    #[serde(default)]
    pub caller_number: Option<String>,
    /// Code of the sub-category.
    #[serde(default)]
    pub sub_category: Option<String>,
    /// What happened.
    #[serde(default)]
    pub text: Option<String>,
    /// Street and house.
    #[serde(default)]
    pub address: Option<String>,
    /// Village.
    #[serde(default)]
    pub desa: Option<String>,
    /// What stands nearby.
    #[serde(default)]
    pub landmark: Option<String>,
    /// Degrees, as the form says.
    #[serde(default)]
    pub latitude: Option<String>,
    /// Degrees, as the form says.
    #[serde(default)]
    pub longitude: Option<String>,
    /// How many have died.
    #[serde(default)]
    pub victims_dead: Option<i64>,
    /// How many are badly hurt.
    #[serde(default)]
    pub victims_severe: Option<i64>,
    /// How many are lightly hurt.
    #[serde(default)]
    pub victims_minor: Option<i64>,
    /// How many are missing.
    #[serde(default)]
    pub victims_missing: Option<i64>,
    /// How many had to leave their homes.
    #[serde(default)]
    pub victims_displaced: Option<i64>,
    /// The agencies that were told, each with its times.
    #[serde(default)]
    pub agencies: Option<String>,
    /// What the agency reports from the place.
    #[serde(default)]
    pub field_report: Option<String>,
    /// What came of it.
    #[serde(default)]
    pub result: Option<String>,
    /// When the record was closed.
    #[serde(default)]
    pub closed_at: Option<At>,
    /// By whom.
    #[serde(default)]
    pub closed_by: Option<String>,
    /// The record that it is part of.
    #[serde(default)]
    pub merged_into: Option<String>,
}

impl std::fmt::Debug for IncidentSummary {
    /// Leaves the caller out: this may end in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "incident {} ({})", self.id, self.stage)
    }
}

impl IncidentSummary {
    /// The caller's number to show: E.164 where there is one, otherwise as it was sent.
    #[must_use]
    pub fn number(&self) -> &str {
        self.caller_e164.as_deref().unwrap_or(&self.caller_raw)
    }
}

/// One incident, whole. Besides the fields named here it has everything that the INVITE told us,
/// under the names of the arrival: `caller`, `locations`, `findings`, `raw` and so on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Incident {
    /// The scalar columns.
    #[serde(flatten)]
    pub summary: IncidentSummary,
    /// What people have written of it.
    #[serde(default)]
    pub written: RecordView,
    /// What the INVITE told us.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub facts: serde_json::Map<String, serde_json::Value>,
    /// The recording, when there is or should be one.
    #[schema(value_type = Option<Recording>)]
    pub recording: Option<Recording>,
    /// Its further files, where one broke off.
    #[serde(default)]
    pub further_recordings: Vec<Recording>,
    /// Offers to seats in their order.
    pub offers: Vec<Offer>,
    /// Calls of the same number or about the same event, before it and after it.
    #[serde(default)]
    pub links: Vec<LinkedCall>,
    /// Where the caller most likely is, of all that is known: `location`, `within_m` (metres, with 95 %
    /// confidence), `found_at`, `why`; `kecamatan` with `percent` and `why`; `neighbour` with the number of
    /// its centre. What is not known is left out.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub place: Option<serde_json::Map<String, serde_json::Value>>,
    /// What was told of the caller's place beside the INVITE, or after it.
    #[serde(default)]
    pub location_reports: Vec<super::LocationReport>,
    /// Its entries of the list of those to call back.
    #[serde(default)]
    pub work: Vec<Work>,
    /// Who holds it, so that it is kept whatever its age; null when nobody does.
    #[serde(default)]
    pub hold: Option<super::Holding>,
    /// Every fact of the call in its order: `seq`, `at`, `fact` and the fact's own fields.
    #[schema(value_type = Vec<Object>)]
    pub steps: Vec<serde_json::Map<String, serde_json::Value>>,
}

/// One offer to a seat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Offer {
    /// The seat.
    pub seat: String,
    /// Who sat there.
    pub operator: Option<String>,
    /// When its phone was invited.
    pub at: At,
    /// When the offer was over.
    pub ended_at: Option<At>,
    /// How it ended.
    pub outcome: Option<String>,
    /// The seat's final SIP status.
    pub status: Option<i64>,
}

/// One file of a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Recording {
    /// Its number, from 1 on; a call has one file, and a further one after each failure.
    #[serde(default = "first")]
    pub part: i64,
    /// File name under the recordings folder; empty when none could be made.
    pub file: String,
    /// SHA-256 of the file, once it is sealed.
    pub sha256: Option<String>,
    /// Length of the audio in milliseconds, once it is sealed.
    pub millis: Option<i64>,
    /// Length of the file in bytes, once it is sealed.
    pub bytes: Option<i64>,
    /// `recording`, `sealed`, `failed` or `deleted`.
    pub state: String,
    /// Milliseconds of the call before this file that are in no file.
    #[serde(default)]
    pub missed_millis: Option<i64>,
    /// Nobody may delete it.
    #[serde(default)]
    pub held: bool,
    /// Why it broke off or was deleted.
    pub why: Option<String>,
}

const fn first() -> i64 {
    1
}

/// A call that belongs to another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LinkedCall {
    /// Its incident.
    pub incident: String,
    /// What another system had called it before it came here; null where none had.
    #[serde(default)]
    pub emergency_incident_id: Option<String>,
    /// The call.
    pub call: String,
    /// `earlier` or `later` than the one that is shown.
    pub order: String,
    /// Why they belong together, as the later one's record says.
    pub why: String,
}

/// Somebody who is to be called back, or was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Work {
    /// The entry.
    pub id: String,
    /// `abandoned`, `ghost-with-noise` or `dropped`.
    pub kind: String,
    /// When the call was lost.
    pub at: At,
    /// When it was done; null while it is open.
    pub closed_at: Option<At>,
    /// Why it was done.
    pub why: Option<String>,
    /// Who closed it; null for the gateway itself.
    pub by: Option<String>,
    /// The call that closed it.
    pub by_call: Option<String>,
    /// Attempts to call back.
    pub attempts: Vec<WorkAttempt>,
}

/// One attempt to call back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkAttempt {
    /// Its call.
    pub call: String,
    /// The seat that called.
    pub seat: String,
    /// Who asked for it.
    pub by: String,
    /// When it began.
    pub at: At,
    /// When it was over.
    pub ended_at: Option<At>,
    /// `answered`, `no-answer`, `busy`, `unreachable`, `forwarded` or `seat-left`.
    pub outcome: Option<String>,
}
