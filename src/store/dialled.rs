//! Calls that seats dialled: no record is born by them, and what is kept of them is deleted by rule all the
//! same. A call in the course of a talk, or back to a caller who was lost, goes with that caller's; any other
//! is kept as a call that nobody has judged.

use std::collections::BTreeMap;

use super::erase::Kept;
use super::hold::HELD;
use super::sql::{Tx, query};
use super::{Store, StoreError};
use crate::journal::retention::{Due, Rules};
use crate::journal::{Entry, Fact};
use crate::screening::Disposition;
use crate::vocabulary::{CallId, Uid, WallTime};

/// Calls of one page.
const PAGE: u32 = 500;

/// A call that a seat dialled, of which something is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialled {
    /// The call.
    pub call: CallId,
    /// When it was dialled.
    pub at: WallTime,
    /// Something personal is kept of it.
    pub record: bool,
    /// Its SIP messages are there.
    pub trace: bool,
    /// The callers' calls that it belonged to.
    pub with: Vec<Kept>,
}

impl Dialled {
    /// What of it is past its time: it goes with the last of those that it belonged to.
    #[must_use]
    pub fn due(&self, rules: &Rules, now: WallTime) -> Due {
        let all = self.with.iter().map(|kept| {
            let due = rules.due(kept.kind, kept.ended, now);
            Due { record: due.record || !kept.record, trace: due.trace || !kept.trace, ..due }
        });
        let both = |one: Due, other: Due| Due {
            audio: one.audio && other.audio,
            record: one.record && other.record,
            trace: one.trace && other.trace,
        };
        let due = all.reduce(both).unwrap_or_else(|| rules.due(None, self.at, now));
        Due { record: due.record && self.record, trace: due.trace && self.trace, ..due }
    }

    /// Whether somebody holds one of those that it belonged to.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.with.iter().any(|kept| kept.held)
    }

    /// What kind of call's rule it is kept by.
    #[must_use]
    pub fn kind(&self) -> Option<Disposition> {
        self.with.last().and_then(|kept| kept.kind)
    }
}

/// Follows a call that a seat dialled, or that was made for it.
pub(super) async fn row(tx: &mut Tx, entry: &Entry) -> sqlx::Result<()> {
    let (call, during) = match &entry.fact {
        Fact::SeatDialled { call, during, .. } => (call, *during),
        Fact::WorkTried { attempt, .. } => (attempt, None),
        _ => return Ok(()),
    };
    query("INSERT INTO seat_call (call, node, during) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
        .bind(call.to_string())
        .bind(tx.node())
        .bind(during.map(|during| during.to_string()))
        .execute(tx)
        .await
        .map(drop)
}

impl Store {
    /// Calls that seats dialled before `before` and of which something is left, the oldest first, from
    /// behind `after` on; a page at most.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn dialled_before(
        &self,
        before: WallTime,
        after: Option<CallId>,
        now: WallTime,
    ) -> Result<Vec<Dialled>, StoreError> {
        let mut tx = self.reading().await?;
        dialled(&mut tx, self.node(), before, after, now).await.map_err(|e| self.error(e))
    }
}

async fn dialled(
    tx: &mut Tx,
    node: &str,
    before: WallTime,
    after: Option<CallId>,
    now: WallTime,
) -> sqlx::Result<Vec<Dialled>> {
    // Ids sort by time.
    let sql = format!(
        "SELECT call, CASE WHEN record_erased_at IS NULL THEN 1 ELSE 0 END AS record,
         CASE WHEN trace_erased_at IS NULL THEN 1 ELSE 0 END AS trace FROM seat_call
         WHERE call < ?1 AND call > ?2 AND node = (SELECT id FROM node WHERE name = ?3)
         AND (record_erased_at IS NULL OR trace_erased_at IS NULL OR EXISTS
              (SELECT 1 FROM recording WHERE recording.call = seat_call.call
               AND recording.file <> '' AND recording.state IN ('sealed', 'failed')))
         ORDER BY call LIMIT {PAGE}"
    );
    let rows = query(sql)
        .bind(Uid::new(before, 0).to_string())
        .bind(after.map(|call| call.to_string()).unwrap_or_default())
        .bind(node)
        .fetch_all(tx)
        .await?;
    let calls = rows.iter().map(|row| row.try_get("call")).collect::<sqlx::Result<Vec<_>>>()?;
    let mut with = with(tx, &calls, now).await?;
    let mut all = Vec::new();
    for (row, id) in rows.iter().zip(calls) {
        let call: CallId = id.parse().map_err(|e| sqlx::Error::Decode(Box::new(e)))?;
        let (record, trace) = (row.flag("record")?, row.flag("trace")?);
        let with = with.remove(&id).unwrap_or_default();
        all.push(Dialled { call, at: call.0.at(), record, trace, with });
    }
    Ok(all)
}

/// The callers' calls that dialled ones belonged to. What was said to somebody who was lost is theirs,
/// whatever the seat talked of beside it.
async fn with(
    tx: &mut Tx,
    calls: &[String],
    now: WallTime,
) -> sqlx::Result<BTreeMap<String, Vec<Kept>>> {
    let mut all: BTreeMap<String, Vec<Kept>> = BTreeMap::new();
    if calls.is_empty() {
        return Ok(all);
    }
    let lost = "SELECT attempt AS dialled, work_call.call AS owner FROM work_attempt
                JOIN work_call ON work_call.work = work_attempt.work WHERE attempt";
    let mut sql = query(format!(
        "SELECT pairs.dialled AS dialled, call, id, disposition, coalesce(ended_at, ?1) AS over_at,
         CASE WHEN record_erased_at IS NULL THEN 1 ELSE 0 END AS record,
         CASE WHEN trace_erased_at IS NULL THEN 1 ELSE 0 END AS trace,
         CASE WHEN {HELD} THEN 1 ELSE 0 END AS held FROM ({lost} IN ("
    ));
    sql = sql.bind(now.0);
    sql.push_list(calls).push(
        ") UNION SELECT call AS dialled, during AS owner FROM seat_call
         WHERE during IS NOT NULL AND call IN (",
    );
    sql.push_list(calls).push(") AND NOT EXISTS (").push(lost);
    sql.push(
        " = seat_call.call)) AS pairs JOIN incident ON incident.call = pairs.owner ORDER BY call",
    );
    for row in sql.fetch_all(tx).await? {
        all.entry(row.try_get("dialled")?).or_default().push(Kept::read(&row)?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::retention::Keep;
    use crate::vocabulary::IncidentId;

    const DAY: i64 = 86_400_000_000;

    fn kept(kind: Disposition, held: bool) -> Kept {
        let (call, incident) = (CallId::default(), IncidentId::default());
        let ended = WallTime(0);
        Kept { call, incident, kind: Some(kind), ended, record: true, trace: true, held }
    }

    #[test]
    fn it_goes_with_the_last_of_those_that_it_belonged_to() {
        let keep = |days| Keep {
            audio_days: days,
            record_days: days,
            trace_days: days,
            ground: String::new(),
        };
        let by = [(Disposition::Prank, keep(90)), (Disposition::Normal, keep(730))];
        let rules = Rules { by: BTreeMap::from(by), unjudged: Some(keep(400)), ..Rules::default() };
        let due = |with: Vec<Kept>, days: i64| {
            let dialled = Dialled {
                call: CallId::default(),
                at: WallTime(0),
                record: true,
                trace: true,
                with,
            };
            let due = dialled.due(&rules, WallTime(days * DAY));
            assert_eq!((due.audio, due.record), (due.record, due.trace));
            due.record
        };
        let (prank, normal) =
            (|| kept(Disposition::Prank, false), || kept(Disposition::Normal, true));
        assert!(!due(vec![prank()], 89) && due(vec![prank()], 91));
        assert!(!due(vec![prank(), normal()], 91) && due(vec![prank(), normal()], 731));
        assert!(!due(Vec::new(), 399) && due(Vec::new(), 401));
        // A kind that no rule names is never deleted, and keeps what belongs to it.
        assert!(!due(vec![prank(), kept(Disposition::Ghost, false)], 9_999));
    }
}
