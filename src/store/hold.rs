//! What must be kept whatever its age: who holds an incident, and which records that covers.
//!
//! Records that are of one event belong together: a hold on one covers all that are part of it and the one
//! that it is part of, also those that are merged with it later. Taking them apart does not end it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::incident::At;
use super::sql::{Row, Tx, query};
use super::{Store, StoreError};
use crate::incident::Tie;
use crate::journal::retention::Hold;
use crate::vocabulary::WallTime;

/// Who holds an incident.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Holding {
    /// Since when.
    pub at: At,
    /// Who said so.
    pub by: String,
    /// Why.
    pub why: String,
    /// When it ends by itself; null: when somebody takes it back.
    pub until: Option<At>,
    /// The incident that it was said of; it is taken back there.
    #[serde(default)]
    pub incident: String,
    /// Every incident that is kept by it: those that are, or were since, of one event with that one.
    #[serde(default)]
    pub covers: Vec<String>,
}

/// Whether a row of `incident` is held at `?1`.
pub(super) const HELD: &str = "(EXISTS (SELECT 1 FROM hold_cover
        JOIN hold ON hold.incident = hold_cover.hold WHERE hold_cover.incident = incident.id
        AND (hold.until IS NULL OR hold.until > ?1))
    OR EXISTS (SELECT 1 FROM recording WHERE recording.call = incident.call AND recording.held = 1))";

/// Follows a hold.
pub(super) async fn row(tx: &mut Tx, at: WallTime, hold: &Hold) -> sqlx::Result<()> {
    let incident = hold.incident.to_string();
    for gone in ["DELETE FROM hold_cover WHERE hold = ?", "DELETE FROM hold WHERE incident = ?"] {
        query(gone).bind(&incident).execute(tx).await?;
    }
    if !hold.held {
        return Ok(());
    }
    query("INSERT INTO hold (incident, at, by, why, until) VALUES (?, ?, ?, ?, ?)")
        .bind(&incident)
        .bind(at.0)
        .bind(&hold.by)
        .bind(&hold.why)
        .bind(hold.until.map(|until| until.0))
        .execute(tx)
        .await?;
    for member in of_one_event(tx, &incident).await? {
        cover(tx, &incident, &member).await?;
    }
    Ok(())
}

/// Follows a merging: what is held covers the records of both from now on.
pub(super) async fn merged(tx: &mut Tx, tie: &Tie) -> sqlx::Result<()> {
    let members = of_one_event(tx, &tie.incident.to_string()).await?;
    let mut holds = Vec::new();
    for member in &members {
        let covered = query("SELECT hold FROM hold_cover WHERE incident = ?").bind(member);
        for row in covered.fetch_all(tx).await? {
            holds.push(row.try_get::<String>("hold")?);
        }
    }
    for hold in &holds {
        for member in &members {
            cover(tx, hold, member).await?;
        }
    }
    Ok(())
}

async fn cover(tx: &mut Tx, hold: &str, incident: &str) -> sqlx::Result<()> {
    let insert = "INSERT INTO hold_cover (hold, incident) VALUES (?, ?) ON CONFLICT DO NOTHING";
    query(insert).bind(hold).bind(incident).execute(tx).await.map(drop)
}

/// An incident, the one that it is part of, and all that are part of that one.
async fn of_one_event(tx: &mut Tx, incident: &str) -> sqlx::Result<Vec<String>> {
    let mut all = vec![incident.to_owned()];
    let mut place = 0;
    while let Some(member) = all.get(place).cloned() {
        let near = "SELECT merged_into AS other FROM form
                    WHERE incident = ?1 AND merged_into IS NOT NULL
                    UNION SELECT incident AS other FROM form WHERE merged_into = ?1 ORDER BY 1";
        for row in query(near).bind(&member).fetch_all(tx).await? {
            let other: String = row.try_get("other")?;
            if !all.contains(&other) {
                all.push(other);
            }
        }
        place += 1;
    }
    Ok(all)
}

/// Who holds an incident, also when that is over by now: the hold that lasts longest first.
pub(super) async fn of_incident(tx: &mut Tx, incident: &str) -> sqlx::Result<Vec<Holding>> {
    let sql = "SELECT hold.incident, at, by, why, until FROM hold_cover
               JOIN hold ON hold.incident = hold_cover.hold WHERE hold_cover.incident = ?1
               ORDER BY CASE WHEN until IS NULL THEN 0 ELSE 1 END, until DESC,
               CASE WHEN hold.incident = ?1 THEN 0 ELSE 1 END, hold.incident";
    let rows = query(sql).bind(incident).fetch_all(tx).await?;
    let mut all = rows.iter().map(holding).collect::<sqlx::Result<Vec<_>>>()?;
    for holding in &mut all {
        let covers = "SELECT incident FROM hold_cover WHERE hold = ? ORDER BY incident";
        let rows = query(covers).bind(&holding.incident).fetch_all(tx).await?;
        holding.covers =
            rows.iter().map(|row| row.try_get("incident")).collect::<sqlx::Result<_>>()?;
    }
    Ok(all)
}

fn holding(row: &Row) -> sqlx::Result<Holding> {
    Ok(Holding {
        at: At(WallTime(row.try_get("at")?)),
        by: row.try_get("by")?,
        why: row.try_get("why")?,
        until: row.try_get::<Option<i64>>("until")?.map(|at| At(WallTime(at))),
        incident: row.try_get("incident")?,
        covers: Vec::new(),
    })
}

impl Store {
    /// Who holds an incident, by its id, also when that is over by now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn holds(&self, incident: &str) -> Result<Vec<Holding>, StoreError> {
        let mut tx = self.reading().await?;
        of_incident(&mut tx, incident).await.map_err(|e| self.error(e))
    }
}
