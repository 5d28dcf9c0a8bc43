//! Recordings in the database: each file's row, which one to play, and which may be deleted.

use std::collections::BTreeMap;

use super::apply::signed;
use super::sql::{Row, Tx, query};
use super::{Recording, Store, StoreError};
use crate::journal::{Entry, Fact};
use crate::vocabulary::CallId;

/// Follows a fact about a recording.
pub(super) async fn row(tx: &mut Tx, entry: &Entry) -> sqlx::Result<()> {
    match &entry.fact {
        Fact::RecordingStarted { call, file } => grow(tx, *call, file, None).await,
        Fact::RecordingResumed { call, file, missed_millis } => {
            grow(tx, *call, file, Some(*missed_millis)).await
        }
        Fact::RecordingSealed { call, file, sha256, millis, bytes } => {
            place(tx, *call, file).await?;
            let sealed = "UPDATE recording SET state = 'sealed', sha256 = ?, millis = ?, bytes = ?,
                          sealed_at = ? WHERE call = ? AND file = ?";
            query(sealed)
                .bind(sha256)
                .bind(signed(*millis))
                .bind(signed(*bytes))
                .bind(entry.at.0)
                .bind(call.to_string())
                .bind(file)
                .execute(tx)
                .await
                .map(drop)
        }
        Fact::RecordingFailed { call, file, why } => failed(tx, *call, file, why).await,
        Fact::RecordingDeleted { call, file, reason } => {
            let deleted =
                "UPDATE recording SET state = 'deleted', why = ? WHERE call = ? AND file = ?";
            let deleted = query(deleted).bind(reason).bind(call.to_string()).bind(file);
            deleted.execute(tx).await.map(drop)
        }
        Fact::RecordingHeld { call, held, .. } => {
            let held = query("UPDATE recording SET held = ? WHERE call = ?").bind(*held);
            held.bind(call.to_string()).execute(tx).await.map(drop)
        }
        _ => Ok(()),
    }
}

/// Sees to it that a file has a row: that of the call where none could be made, or a new one.
async fn place(tx: &mut Tx, call: CallId, file: &str) -> sqlx::Result<()> {
    for way in [
        "UPDATE recording SET file = ?2, node = ?3 WHERE call = ?1 AND file = ''",
        "INSERT INTO recording (call, part, file, state, held, node)
         SELECT ?1, coalesce(max(part), 0) + 1, ?2, 'recording', coalesce(max(held), 0), ?3
         FROM recording WHERE call = ?1",
    ] {
        let there = "SELECT 1 FROM recording WHERE call = ? AND file = ?";
        let there = query(there).bind(call.to_string()).bind(file);
        if there.fetch_optional(tx).await?.is_some() {
            break;
        }
        let way = query(way).bind(call.to_string()).bind(file).bind(tx.node());
        way.execute(tx).await?;
    }
    Ok(())
}

async fn grow(tx: &mut Tx, call: CallId, file: &str, missed: Option<u64>) -> sqlx::Result<()> {
    place(tx, call, file).await?;
    let grows = "UPDATE recording SET state = 'recording', missed = ? WHERE call = ? AND file = ?";
    let grows = query(grows).bind(missed.map(signed)).bind(call.to_string()).bind(file);
    grows.execute(tx).await.map(drop)
}

/// Entries of earlier versions name no file: they are about the newest.
async fn failed(tx: &mut Tx, call: CallId, file: &str, why: &str) -> sqlx::Result<()> {
    let failed = "UPDATE recording SET state = 'failed', why = ?3 WHERE call = ?1 AND part =
                  (SELECT max(part) FROM recording WHERE call = ?1 AND ?2 IN ('', file))";
    let failed = query(failed).bind(call.to_string()).bind(file).bind(why);
    if failed.execute(tx).await? == 0 {
        let made = "INSERT INTO recording (call, part, file, state, why, node)
                    SELECT ?1, coalesce(max(part), 0) + 1, ?2, 'failed', ?3, ?4
                    FROM recording WHERE call = ?1";
        let made = query(made).bind(call.to_string()).bind(file).bind(why).bind(tx.node());
        made.execute(tx).await?;
    }
    Ok(())
}

/// A call's files in their order.
pub(super) async fn of_call(tx: &mut Tx, call: &str) -> sqlx::Result<Vec<Recording>> {
    let rows = query("SELECT * FROM recording WHERE call = ? ORDER BY part");
    let rows = rows.bind(call).fetch_all(tx).await?;
    rows.iter().map(recorded).collect()
}

fn recorded(row: &Row) -> sqlx::Result<Recording> {
    Ok(Recording {
        part: row.try_get("part")?,
        file: row.try_get("file")?,
        sha256: row.try_get("sha256")?,
        millis: row.try_get("millis")?,
        bytes: row.try_get("bytes")?,
        state: row.try_get("state")?,
        missed_millis: row.try_get("missed")?,
        held: row.flag("held")?,
        why: row.try_get("why")?,
    })
}

impl Store {
    /// The files that were recorded of a call, in their order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recordings_of(&self, call: &str) -> Result<Vec<Recording>, StoreError> {
        let call = call.to_ascii_lowercase();
        let mut tx = self.reading().await?;
        of_call(&mut tx, &call).await.map_err(|e| self.error(e))
    }

    /// Which files of a call lie on another node's disk, each with that node's name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recordings_elsewhere(
        &self,
        call: &str,
    ) -> Result<BTreeMap<String, String>, StoreError> {
        let sql = "SELECT recording.file AS file, node.name AS name FROM recording
                   JOIN node ON node.id = recording.node WHERE call = ? AND node.name <> ?";
        let rows = query(sql).bind(call.to_ascii_lowercase()).bind(self.node());
        let rows = rows.fetch_all(&mut self.reading().await?).await;
        let rows = rows.map_err(|e| self.error(e))?;
        let pairs = rows.iter().map(|row| Ok((row.try_get("file")?, row.try_get("name")?)));
        pairs.collect::<sqlx::Result<_>>().map_err(|e| self.error(e))
    }
}
