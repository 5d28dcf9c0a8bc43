//! What is past its time: which calls are due, who holds them, and what erasing takes out of the rows.
//!
//! Erasing a call leaves in the database what its journal still tells without its keys, no more. Whoever
//! adds a column says below whether it holds something of the caller; a test asks.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::apply::signed;
use super::hold::HELD;
use super::incident::At;
use super::sql::{Row, Tx, query};
use super::{Recording, Store, StoreError};
use crate::journal::retention::{Erased, Ran};
use crate::journal::{Entry, Fact, sealed};
use crate::screening::Disposition;
use crate::vocabulary::{CallId, IncidentId, Private, Uid, WallTime};

/// Rounds that a report shows.
const ROUNDS: u32 = 400;
/// Calls of one page.
const PAGE: u32 = 500;

/// A call of which something is kept, and which is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The call.
    pub call: CallId,
    /// Its incident.
    pub incident: IncidentId,
    /// What people said that it was.
    pub kind: Option<Disposition>,
    /// When it was over.
    pub ended: WallTime,
    /// Something personal is in its record.
    pub record: bool,
    /// Its SIP messages are there.
    pub trace: bool,
    /// Somebody holds it.
    pub held: bool,
}

/// One round of deletion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Round {
    /// The node whose calls they were.
    #[serde(default)]
    pub node: String,
    /// When.
    pub at: At,
    /// Recordings deleted.
    pub audio: u64,
    /// Their bytes.
    pub audio_bytes: u64,
    /// Calls whose record was erased.
    pub records: u64,
    /// Calls whose SIP messages were erased.
    pub traces: u64,
    /// Calls past their time that are kept because somebody holds them.
    pub held: u64,
    /// What could not be deleted and is tried again.
    pub failed: u64,
}

/// Follows a round of deletion.
pub(super) async fn ran(tx: &mut Tx, seq: i64, at: WallTime, ran: &Ran) -> sqlx::Result<()> {
    let kept =
        "INSERT INTO retention (node, seq, at, audio, audio_bytes, records, traces, held, failed)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let mut kept = query(kept).bind(tx.node()).bind(seq).bind(at.0);
    for count in [ran.audio, ran.audio_bytes, ran.records, ran.traces, ran.held, ran.failed] {
        kept = kept.bind(signed(count));
    }
    kept.execute(tx).await?;
    if let Some(before) = ran.log_before {
        let gone = query("DELETE FROM access WHERE node = ? AND at < ?");
        let gone = gone.bind(tx.node()).bind(before.0);
        gone.execute(tx).await?;
        let gone = query("DELETE FROM audit WHERE node = ? AND at < ?");
        gone.bind(tx.node()).bind(before.0).execute(tx).await?;
    }
    // Such lines of before had the time of the access log.
    for before in [ran.log_before, ran.no_call_before].into_iter().flatten() {
        let gone = query("DELETE FROM location WHERE call IS NULL AND node = ? AND at < ?");
        gone.bind(tx.node()).bind(before.0).execute(tx).await?;
    }
    Ok(())
}

/// Takes what is personal of a call out of every row.
pub(super) async fn erased(tx: &mut Tx, at: WallTime, erased: &Erased) -> sqlx::Result<()> {
    for call in std::iter::once(erased.call).chain(erased.also.iter().copied()) {
        let call = call.to_string();
        if erased.record {
            blank_ties(tx, &call).await?;
            for statement in [
                "UPDATE incident SET caller_raw = '', caller_e164 = NULL, place = NULL, cell = NULL,
                 category = told_category, kecamatan = told_kecamatan, placed_kecamatan = NULL,
                 record_erased_at = ?2 WHERE call = ?1",
                "DELETE FROM location WHERE call = ?1 AND ?2 > 0",
                "DELETE FROM arrival WHERE call = ?1 AND ?2 > 0",
                "DELETE FROM record_step WHERE incident = (SELECT id FROM incident WHERE call = ?1)
                 AND ?2 > 0",
                "DELETE FROM form WHERE incident = (SELECT id FROM incident WHERE call = ?1) AND ?2 > 0",
                "DELETE FROM agency_notice
                 WHERE incident = (SELECT id FROM incident WHERE call = ?1) AND ?2 > 0",
                "DELETE FROM number_key WHERE call = ?1 AND ?2 > 0",
                // A call back has no record of its own.
                "DELETE FROM words WHERE incident = coalesce((SELECT id FROM incident WHERE call = ?1), ?1)
                 AND ?2 > 0",
                "DELETE FROM mark WHERE call = ?1 AND at <= ?2",
                "UPDATE work SET number = NULL WHERE call = ?1 AND at <= ?2",
                "UPDATE seat_call SET record_erased_at = ?2 WHERE call = ?1",
                "UPDATE hold SET why = '' WHERE incident = (SELECT id FROM incident WHERE call = ?1)
                 AND at <= ?2",
            ] {
                query(statement).bind(&call).bind(at.0).execute(tx).await?;
            }
            let steps = query("SELECT node, seq, entry FROM step WHERE call = ?");
            for row in steps.bind(&call).fetch_all(tx).await? {
                let entry: String = row.try_get("entry")?;
                let entry: serde_json::Value = serde_json::from_str(&entry).unwrap_or_default();
                let kind = entry.get("fact").and_then(|kind| kind.as_str()).unwrap_or_default();
                if kind == "arrived" || sealed::is_open(kind) {
                    continue;
                }
                let (node, seq): (i64, i64) = (row.try_get("node")?, row.try_get("seq")?);
                let gone = query("DELETE FROM step WHERE call = ? AND node = ? AND seq = ?");
                gone.bind(&call).bind(node).bind(seq).execute(tx).await?;
            }
        }
        if erased.trace {
            for statement in [
                "DELETE FROM signal WHERE call = ?1 AND at <= ?2",
                "UPDATE incident SET trace_erased_at = ?2 WHERE call = ?1",
                "UPDATE seat_call SET trace_erased_at = ?2 WHERE call = ?1",
            ] {
                query(statement).bind(&call).bind(at.0).execute(tx).await?;
            }
        }
    }
    Ok(())
}

/// Why a record was tied to another stands in the steps of both, under the key of the first.
async fn blank_ties(tx: &mut Tx, call: &str) -> sqlx::Result<()> {
    let own = "SELECT incident, node, seq, entry FROM record_step
               WHERE incident = (SELECT id FROM incident WHERE call = ?)";
    for row in query(own).bind(call).fetch_all(tx).await? {
        let entry = serde_json::from_str(&row.try_get::<String>("entry")?);
        let mut entry: Entry = entry.map_err(|e| sqlx::Error::Decode(e.into()))?;
        let (Fact::IncidentMerged(tie)
        | Fact::IncidentUnmerged(tie)
        | Fact::IncidentLinked(tie)
        | Fact::IncidentUnlinked(tie)) = &mut entry.fact
        else {
            continue;
        };
        if tie.incident.to_string() != row.try_get::<String>("incident")? {
            continue;
        }
        tie.why = Private::default();
        let other = tie.other.to_string();
        let text = serde_json::to_string(&entry).map_err(|e| sqlx::Error::Encode(e.into()))?;
        query("UPDATE record_step SET entry = ? WHERE incident = ? AND node = ? AND seq = ?")
            .bind(text)
            .bind(other)
            .bind(row.try_get::<i64>("node")?)
            .bind(row.try_get::<i64>("seq")?)
            .execute(tx)
            .await?;
    }
    Ok(())
}

/// Something personal was written about a call that had been erased: it is due again.
pub(super) async fn written_after(tx: &mut Tx, of: Uid) -> sqlx::Result<()> {
    let due = "UPDATE incident SET record_erased_at = NULL
               WHERE (call = ?1 OR id = ?1) AND record_erased_at IS NOT NULL";
    query(due).bind(of.to_string()).execute(tx).await?;
    let due = "UPDATE seat_call SET record_erased_at = NULL
               WHERE call = ? AND record_erased_at IS NOT NULL";
    query(due).bind(of.to_string()).execute(tx).await.map(drop)
}

/// When a call was over; a record without a call has been over since it was made.
const OVER: &str = "coalesce(ended_at, CASE WHEN origin <> 'call' THEN received_at END)";

impl Kept {
    pub(super) fn read(row: &Row) -> sqlx::Result<Self> {
        let decode = |e: crate::vocabulary::UidError| sqlx::Error::Decode(Box::new(e));
        let (call, incident): (String, String) = (row.try_get("call")?, row.try_get("id")?);
        let kind: Option<String> = row.try_get("disposition")?;
        Ok(Self {
            call: call.parse().map_err(decode)?,
            incident: incident.parse().map_err(decode)?,
            kind: kind
                .and_then(|word| Disposition::ALL.into_iter().find(|kind| kind.word() == word)),
            ended: WallTime(row.try_get("over_at")?),
            record: row.flag("record")?,
            trace: row.flag("trace")?,
            held: row.flag("held")?,
        })
    }
}

impl Store {
    /// Calls that were over before `before` and of which something is left, the first over first, from
    /// behind `after` on; a page at most.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn kept_before(
        &self,
        before: WallTime,
        after: Option<&Kept>,
        now: WallTime,
    ) -> Result<Vec<Kept>, StoreError> {
        let sql = format!(
            "SELECT call, id, disposition, {OVER} AS over_at,
             CASE WHEN record_erased_at IS NULL THEN 1 ELSE 0 END AS record,
             CASE WHEN trace_erased_at IS NULL THEN 1 ELSE 0 END AS trace,
             CASE WHEN {HELD} THEN 1 ELSE 0 END AS held FROM incident
             WHERE {OVER} < ?2 AND ({OVER} > ?3 OR ({OVER} = ?3 AND call > ?4))
             AND node = (SELECT id FROM node WHERE name = ?5)
             AND (record_erased_at IS NULL OR trace_erased_at IS NULL OR EXISTS
                  (SELECT 1 FROM recording WHERE recording.call = incident.call
                   AND recording.file <> '' AND recording.state IN ('sealed', 'failed')))
             ORDER BY {OVER}, call LIMIT {PAGE}"
        );
        let rows = query(sql)
            .bind(now.0)
            .bind(before.0)
            .bind(after.map_or(i64::MIN, |kept| kept.ended.0))
            .bind(after.map(|kept| kept.call.to_string()).unwrap_or_default())
            .bind(self.node())
            .fetch_all(&mut self.reading().await?)
            .await
            .map_err(|e| self.error(e))?;
        rows.iter().map(Kept::read).collect::<sqlx::Result<_>>().map_err(|e| self.error(e))
    }

    /// What the rounds of deletion did on every node, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rounds(&self) -> Result<Vec<Round>, StoreError> {
        let sql = "SELECT retention.*, node.name AS name FROM retention
                   JOIN node ON node.id = retention.node
                   ORDER BY at DESC, retention.node DESC, retention.seq DESC LIMIT ?";
        let rows = query(sql).bind(i64::from(ROUNDS));
        let rows = rows.fetch_all(&mut self.reading().await?).await;
        let rows = rows.map_err(|e| self.error(e))?;
        let round = |row: &Row| {
            let count = |name: &str| row.try_get::<i64>(name).map(i64::unsigned_abs);
            Ok(Round {
                node: row.try_get("name")?,
                at: At(WallTime(row.try_get("at")?)),
                audio: count("audio")?,
                audio_bytes: count("audio_bytes")?,
                records: count("records")?,
                traces: count("traces")?,
                held: count("held")?,
                failed: count("failed")?,
            })
        };
        rows.iter().map(round).collect::<sqlx::Result<_>>().map_err(|e| self.error(e))
    }
}

/// Files of a call that are there to be deleted.
#[must_use]
pub fn deletable(files: Vec<Recording>) -> Vec<Recording> {
    let there = |file: &Recording| {
        !file.file.is_empty() && file.state != "deleted" && file.state != "recording"
    };
    let mut seen = HashSet::new();
    files.into_iter().filter(there).filter(|file| seen.insert(file.file.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Columns that erasing empties, or whose rows it deletes.
    const PERSONAL: &[&str] = &[
        "incident.caller_raw",
        "incident.caller_e164",
        "location.report",
        "incident.place",
        "incident.placed_kecamatan",
        "incident.cell",
        "arrival.facts",
        "record_step.entry",
        "agency_notice.note",
        "form.caller_name",
        "form.caller_number",
        "form.text",
        "form.address",
        "form.landmark",
        "form.latitude",
        "form.longitude",
        "form.field_report",
        "form.result",
        "form.desa",
        "form.kecamatan",
        "form.agencies",
        "mark.number",
        "work.number",
        "step.entry",
        "signal.message",
        "signal.local",
        "signal.remote",
        "number_key.key",
        "words.said",
        "words.form",
        // With a time of their own.
        "access.subject",
        "audit.subject",
        "access.reason",
    ];

    /// Columns that say nothing of a caller.
    const PLAIN: &[&str] = &[
        "number_key.call",
        "words.nr",
        "words.incident",
        "location.node",
        "location.seq",
        "location.id",
        "location.call",
        "location.at",
        "audit.node",
        "audit.seq",
        "audit.at",
        "audit.who",
        "audit.what",
        "access.node",
        "agency_notice.incident",
        "agency_notice.agency",
        "agency_notice.notified_at",
        "agency_notice.accepted_at",
        "agency_notice.arrived_at",
        "agency_notice.done_at",
        "arrival.call",
        "form.incident",
        "form.version",
        "form.state",
        "form.changed_at",
        "form.changed_by",
        "form.closed_at",
        "form.closed_by",
        "form.merged_into",
        "form.category",
        "form.sub_category",
        "form.victims_dead",
        "form.victims_severe",
        "form.victims_minor",
        "form.victims_missing",
        "form.victims_displaced",
        "form.disposition",
        "incident.node",
        "incident.origin",
        "link.node",
        "node.id",
        "node.name",
        "node.seq",
        "node.link",
        "offer.node",
        "record_step.incident",
        "record_step.node",
        "record_step.seq",
        "record_step.at",
        "recording.node",
        "retention.node",
        "seat_log.node",
        "signal.node",
        "signal.seq",
        "signal.part",
        "step.node",
        "work.node",
        "access.seq",
        "access.at",
        "access.by",
        "access.what",
        "hold_cover.hold",
        "hold_cover.incident",
        "seat_call.call",
        "seat_call.node",
        "seat_call.during",
        "seat_call.record_erased_at",
        "seat_call.trace_erased_at",
        "hold.incident",
        "hold.at",
        "hold.by",
        "hold.why",
        "hold.until",
        "incident.call",
        "incident.id",
        "incident.trunk",
        "incident.source",
        "incident.dialled",
        "incident.service",
        "incident.category",
        "incident.kecamatan",
        "incident.told_category",
        "incident.told_kecamatan",
        "incident.queue",
        "incident.rule",
        "incident.priority",
        "incident.seat",
        "incident.operator",
        "incident.answer_mode",
        "incident.received_at",
        "incident.queued_at",
        "incident.caller_answered_at",
        "incident.answered_at",
        "incident.ended_at",
        "incident.answer_ms",
        "incident.duration_ms",
        "incident.stage",
        "incident.ended_by",
        "incident.cause",
        "incident.q850",
        "incident.outcome",
        "incident.caller_packets",
        "incident.seat_packets",
        "incident.lane",
        "incident.lane_why",
        "incident.wants",
        "incident.heard",
        "incident.disposition",
        "incident.disposed_by",
        "incident.disposed_at",
        "incident.record_erased_at",
        "incident.trace_erased_at",
        "link.seq",
        "link.call",
        "link.earlier",
        "link.why",
        "mark.call",
        "mark.at",
        "mark.until",
        "mark.by",
        "mark.times",
        "offer.seq",
        "offer.call",
        "offer.offer",
        "offer.seat",
        "offer.operator",
        "offer.at",
        "offer.ended_at",
        "offer.outcome",
        "offer.status",
        "recording.call",
        "recording.part",
        "recording.file",
        "recording.state",
        "recording.sha256",
        "recording.millis",
        "recording.bytes",
        "recording.held",
        "recording.missed",
        "recording.sealed_at",
        "recording.why",
        "retention.seq",
        "retention.at",
        "retention.audio",
        "retention.audio_bytes",
        "retention.records",
        "retention.traces",
        "retention.held",
        "retention.failed",
        "seat_log.seq",
        "seat_log.seat",
        "seat_log.at",
        "seat_log.state",
        "signal.call",
        "signal.at",
        "signal.direction",
        "signal.peer",
        "signal.transport",
        "step.seq",
        "step.call",
        "work.work",
        "work.call",
        "work.incident",
        "work.kind",
        "work.at",
        "work.closed_at",
        "work.why",
        "work.by_call",
        "work.by",
        "work_attempt.attempt",
        "work_attempt.work",
        "work_attempt.seat",
        "work_attempt.by",
        "work_attempt.at",
        "work_attempt.ended_at",
        "work_attempt.outcome",
        "work_call.call",
        "work_call.work",
    ];

    #[tokio::test]
    async fn every_column_says_whether_it_holds_something_of_a_caller() {
        let dir = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", dir.path().join("x.db").display());
        let store = Store::open(&super::super::StorageSettings::at(&url)).expect("a URL");
        let sql = "SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c
                   WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE 'words\\_index%'
                   ESCAPE '\\' AND m.name NOT LIKE '\\_sqlx%'
                   ESCAPE '\\'";
        let columns: Vec<String> = sqlx::query_scalar(sql)
            .fetch_all(&mut *store.file_reader().await.expect("opens").expect("a file"))
            .await
            .expect("lists");
        let unsaid: Vec<&String> = columns
            .iter()
            .filter(|column| {
                !PERSONAL.contains(&column.as_str()) && !PLAIN.contains(&column.as_str())
            })
            .collect();
        assert!(
            unsaid.is_empty(),
            "name these in PERSONAL (and erase them) or in PLAIN: {unsaid:?}"
        );
        let gone = |named: &&&str| !columns.iter().any(|column| column == **named);
        let gone: Vec<_> = PERSONAL.iter().chain(PLAIN).filter(gone).collect();
        assert!(gone.is_empty(), "these are no columns any more: {gone:?}");
    }
}
