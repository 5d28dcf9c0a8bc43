//! What outlives a restart and what belongs to a call: marks, the work list, linked calls.

use std::str::FromStr;

use serde::de::DeserializeOwned;

use super::incident::{At, LinkedCall, Work, WorkAttempt};
use super::query::time;
use super::sql::{Row, Tx, query};
use super::{Store, StoreError};
use crate::screening::{Attempt, Mark, WorkEntry};
use crate::vocabulary::{CallId, Private, WallTime};

/// What the screening room goes on with after a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recall {
    /// Marks that stand, by number.
    pub marks: Vec<Mark>,
    /// Open entries of the work list, the oldest first. An attempt that the stop cut off has no
    /// outcome.
    pub work: Vec<WorkEntry>,
}

/// A call and the number that it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallNumber {
    /// The call.
    pub call: CallId,
    /// E.164 where known, else as it was sent; empty when none was.
    pub number: Private<String>,
}

impl Store {
    /// What a restart needs of the records. Catch up with the journal before, or it is what was
    /// known a while ago.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recall(&self, now: WallTime) -> Result<Recall, StoreError> {
        let mut tx = self.reading().await?;
        recalled(&mut tx, self.node(), now).await.map_err(|e| self.error(e))
    }

    /// The calls of an incident and their numbers, oldest first: of the incident with this id, or
    /// of the one call with it. Empty when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn calls_of(&self, id: &str) -> Result<Vec<CallNumber>, StoreError> {
        let found = "SELECT call, coalesce(caller_e164, caller_raw) AS number FROM incident
                     WHERE id = ?1 OR call = ?1 ORDER BY received_at LIMIT 100";
        let found = query(found).bind(id.to_ascii_lowercase());
        let rows = found.fetch_all(&mut self.reading().await?).await.map_err(|e| self.error(e))?;
        let call = |row: &Row| {
            let number = Private::new(row.try_get("number")?);
            Ok(CallNumber { call: id_in(row, "call")?, number })
        };
        rows.iter().map(call).collect::<sqlx::Result<_>>().map_err(|e| self.error(e))
    }
}

impl Store {
    /// Whether this operator answered a call of the incident, or the one call with this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn answered_by(&self, id: &str, operator: &str) -> Result<bool, StoreError> {
        let found = "SELECT 1 FROM incident WHERE (id = ?1 OR call = ?1) AND operator = ?2 LIMIT 1";
        let found = query(found).bind(id.to_ascii_lowercase()).bind(operator);
        let row = found.fetch_optional(&mut self.reading().await?).await;
        Ok(row.map_err(|e| self.error(e))?.is_some())
    }
}

/// Marks count wherever they were set; whom a node has to call back is its own.
async fn recalled(tx: &mut Tx, node: &str, now: WallTime) -> sqlx::Result<Recall> {
    let marks = "SELECT * FROM mark WHERE until > ? ORDER BY number";
    let marks = query(marks).bind(now.0).fetch_all(tx).await?;
    let open = "SELECT work.*,
                (SELECT count(*) FROM work_call WHERE work_call.work = work.work) AS times
                FROM work WHERE closed_at IS NULL
                AND node = (SELECT id FROM node WHERE name = ?) ORDER BY at, work";
    let open = query(open).bind(node).fetch_all(tx).await?;
    let mut work = Vec::with_capacity(open.len());
    for row in &open {
        let mut entry = entry(row)?;
        for tried in attempts(tx, &entry.id.to_string()).await? {
            entry.attempts.push(attempt(&tried)?);
        }
        work.push(entry);
    }
    Ok(Recall { marks: marks.iter().map(mark).collect::<sqlx::Result<_>>()?, work })
}

/// Calls that a call is linked to, by its own record or by theirs.
pub(super) async fn links(tx: &mut Tx, call: &str) -> sqlx::Result<Vec<LinkedCall>> {
    let rows = query(
        "SELECT node, seq, why, 'earlier' AS side, earlier AS other,
         coalesce((SELECT id FROM incident WHERE call = link.earlier), earlier) AS incident
         FROM link WHERE call = ?1
         UNION ALL SELECT node, seq, why, 'later', call,
         coalesce((SELECT id FROM incident WHERE incident.call = link.call), call)
         FROM link WHERE earlier = ?1 ORDER BY node, seq LIMIT 100",
    )
    .bind(call)
    .fetch_all(tx)
    .await?;
    let linked = |row: &Row| {
        Ok(LinkedCall {
            incident: row.try_get("incident")?,
            emergency_incident_id: None,
            call: row.try_get("other")?,
            order: row.try_get("side")?,
            why: row.try_get("why")?,
        })
    };
    let mut links: Vec<LinkedCall> = rows.iter().map(linked).collect::<sqlx::Result<_>>()?;
    for link in &mut links {
        link.emergency_incident_id = super::record::given(tx, &link.incident).await?;
    }
    Ok(links)
}

/// The entries of the work list that a call belongs to.
pub(super) async fn of_call(tx: &mut Tx, call: &str) -> sqlx::Result<Vec<Work>> {
    let rows = query(
        "SELECT work.* FROM work JOIN work_call ON work_call.work = work.work
         WHERE work_call.call = ? ORDER BY work.at",
    )
    .bind(call)
    .fetch_all(tx)
    .await?;
    let mut all = Vec::with_capacity(rows.len());
    for row in &rows {
        let id: String = row.try_get("work")?;
        let tried = attempts(tx, &id).await?;
        all.push(Work {
            id,
            kind: row.try_get("kind")?,
            at: At(WallTime(row.try_get("at")?)),
            closed_at: time(row, "closed_at")?,
            why: row.try_get("why")?,
            by: row.try_get("by")?,
            by_call: row.try_get("by_call")?,
            attempts: tried.iter().map(shown).collect::<sqlx::Result<_>>()?,
        });
    }
    Ok(all)
}

async fn attempts(tx: &mut Tx, work: &str) -> sqlx::Result<Vec<Row>> {
    let tried = "SELECT * FROM work_attempt WHERE work = ? ORDER BY at, attempt";
    query(tried).bind(work).fetch_all(tx).await
}

fn shown(row: &Row) -> sqlx::Result<WorkAttempt> {
    Ok(WorkAttempt {
        call: row.try_get("attempt")?,
        seat: row.try_get("seat")?,
        by: row.try_get("by")?,
        at: At(WallTime(row.try_get("at")?)),
        ended_at: time(row, "ended_at")?,
        outcome: row.try_get("outcome")?,
    })
}

fn mark(row: &Row) -> sqlx::Result<Mark> {
    let times: i64 = row.try_get("times")?;
    Ok(Mark {
        number: Private::new(row.try_get("number")?),
        at: WallTime(row.try_get("at")?),
        until: WallTime(row.try_get("until")?),
        by: row.try_get("by")?,
        times: u32::try_from(times).unwrap_or(u32::MAX),
    })
}

fn entry(row: &Row) -> sqlx::Result<WorkEntry> {
    let number: Option<String> = row.try_get("number")?;
    Ok(WorkEntry {
        id: id_in(row, "work")?,
        call: id_in(row, "call")?,
        incident: id_in(row, "incident")?,
        kind: named(&row.try_get::<String>("kind")?)?,
        number: number.map(Private::new),
        at: WallTime(row.try_get("at")?),
        times: u32::try_from(row.try_get::<i64>("times")?).unwrap_or(u32::MAX).max(1),
        attempts: Vec::new(),
    })
}

fn attempt(row: &Row) -> sqlx::Result<Attempt> {
    let outcome: Option<String> = row.try_get("outcome")?;
    Ok(Attempt {
        call: id_in(row, "attempt")?,
        seat: row.try_get::<String>("seat")?.into(),
        at: WallTime(row.try_get("at")?),
        outcome: outcome.map(|word| named(&word)).transpose()?,
    })
}

fn id_in<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    row: &Row,
    column: &str,
) -> sqlx::Result<T> {
    row.try_get::<String>(column)?.parse().map_err(|e: T::Err| sqlx::Error::Decode(e.into()))
}

/// The variant that serde writes as this word.
fn named<T: DeserializeOwned>(word: &str) -> sqlx::Result<T> {
    serde_json::from_value(word.into()).map_err(|e| sqlx::Error::Decode(e.into()))
}
