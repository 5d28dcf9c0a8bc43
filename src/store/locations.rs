//! Where callers are: the rows of what was told beside the INVITE or after it, and what the records teach
//! of cells.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::incident::At;
use super::sql::{Row, Tx, query};
use super::{Store, StoreError};
use crate::incident::{CellKey, LearntCells, Located, Place};
use crate::vocabulary::WallTime;

/// Reports that belong to no call, at once.
const UNMATCHED: i64 = 200;
/// Pairs of cell and kecamatan that are learnt from: the newest calls of many centres.
const PAIRS: i64 = 100_000;

/// What was told of a caller's place beside the INVITE, or after it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LocationReport {
    /// The report; the same where a call of its number came later.
    pub id: String,
    /// When it came.
    pub at: At,
    /// The call; null while there is none of its number.
    pub call: Option<String>,
    /// `how` (`reference`, `aml-sms`, `aml-https`), `from`, `number`, `device`, `locations`, `cell`,
    /// `findings`; what is not known is left out.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub report: serde_json::Map<String, serde_json::Value>,
}

/// Rows of one report.
pub(super) async fn row(tx: &mut Tx, seq: i64, at: i64, located: &Located) -> sqlx::Result<()> {
    let report = json(&located.report)?;
    let call = located.call.map(|call| call.to_string());
    query("INSERT INTO location (node, seq, id, call, at, report) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(tx.node())
        .bind(seq)
        .bind(located.id.to_string())
        .bind(&call)
        .bind(at)
        .bind(report)
        .execute(tx)
        .await?;
    let (Some(call), Some(place)) = (call, &located.place) else { return Ok(()) };
    let guess = place.kecamatan.as_ref().map(|guess| &guess.code);
    // What a person wrote into the form stands, however late a report comes.
    query(
        "UPDATE incident SET place = ?1, placed_kecamatan = coalesce(?2, placed_kecamatan),
         kecamatan = coalesce((SELECT form.kecamatan FROM form WHERE form.incident = incident.id),
         ?2, kecamatan) WHERE call = ?3",
    )
    .bind(json(place)?)
    .bind(guess)
    .bind(call)
    .execute(tx)
    .await
    .map(drop)
}

/// The place as its column has it; none while nothing is known.
pub(super) fn column(place: &Place) -> sqlx::Result<Option<String>> {
    if place.is_unknown() { Ok(None) } else { json(place).map(Some) }
}

fn json(value: &impl Serialize) -> sqlx::Result<String> {
    serde_json::to_string(value).map_err(|error| sqlx::Error::Encode(error.into()))
}

/// Reports of one call, in order.
pub(super) async fn of_call(tx: &mut Tx, call: &str) -> sqlx::Result<Vec<LocationReport>> {
    let rows = query("SELECT * FROM location WHERE call = ? ORDER BY at, node, seq").bind(call);
    rows.fetch_all(tx).await?.iter().map(report).collect()
}

fn report(row: &Row) -> sqlx::Result<LocationReport> {
    let report = serde_json::from_str(&row.try_get::<String>("report")?);
    Ok(LocationReport {
        id: row.try_get("id")?,
        at: At(WallTime(row.try_get("at")?)),
        call: row.try_get("call")?,
        report: report.map_err(|error| sqlx::Error::Decode(error.into()))?,
    })
}

impl Store {
    /// Reports that belong to no call, the newest first; 200 at most.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unmatched_locations(&self) -> Result<Vec<LocationReport>, StoreError> {
        let rows = query(
            "SELECT * FROM location AS told WHERE call IS NULL AND NOT EXISTS
             (SELECT 1 FROM location WHERE location.id = told.id AND location.call IS NOT NULL)
             ORDER BY at DESC, node, seq DESC LIMIT ?",
        )
        .bind(UNMATCHED)
        .fetch_all(&mut self.reading().await?)
        .await
        .map_err(|error| self.error(error))?;
        rows.iter().map(report).collect::<sqlx::Result<_>>().map_err(|error| self.error(error))
    }

    /// What operators' confirmed places teach of the cells that their callers came from. Who played a
    /// prank or said nothing teaches nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn learn_cells(&self) -> Result<LearntCells, StoreError> {
        let rows = query(
            "SELECT incident.cell AS cell, form.kecamatan AS kecamatan, count(*) AS calls
             FROM incident JOIN form ON form.incident = incident.id
             WHERE incident.cell IS NOT NULL AND form.kecamatan IS NOT NULL
             AND coalesce(form.disposition, incident.disposition, 'normal') NOT IN ('prank', 'ghost')
             GROUP BY incident.cell, form.kecamatan ORDER BY calls DESC LIMIT ?",
        )
        .bind(PAIRS)
        .fetch_all(&mut self.reading().await?)
        .await
        .map_err(|error| self.error(error))?;
        let count = |row: &Row| -> sqlx::Result<Option<(CellKey, String, u32)>> {
            let cell: String = row.try_get("cell")?;
            let calls: i64 = row.try_get("calls")?;
            let calls = u32::try_from(calls).unwrap_or(u32::MAX);
            let kecamatan: String = row.try_get("kecamatan")?;
            Ok(cell.parse().ok().map(|cell| (cell, kecamatan, calls)))
        };
        let counts: sqlx::Result<Vec<_>> = rows.iter().map(count).collect();
        let counts = counts.map_err(|error| self.error(error))?;
        Ok(LearntCells::of(counts.into_iter().flatten()))
    }
}
