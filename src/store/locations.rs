//! Where callers are: the rows of what was told beside the INVITE or after it, and what the records teach
//! of cells.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::incident::At;
use super::sql::{Row, Tx, query};
use super::{Store, StoreError};
use crate::incident::{Arrival, CellKey, Known, LearntCells, Located, Place, Remembered, Report};
use crate::screening::known_number;
use crate::vocabulary::{CallId, Uid, WallTime, limits};

/// Reports that belong to no call, at once.
const UNMATCHED: i64 = 200;
/// Whoever still talks may have called long before the window; after so long no phone reports any more.
const LONGEST_CALL_MICROS: i64 = 4 * 3_600 * 1_000_000;
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

/// What the rows of a node know that came up to `last` and not before `oldest`. Another node goes on with
/// its own reports, so that none is given to two calls.
async fn remembered(
    tx: &mut Tx,
    node: &str,
    (now, oldest): (WallTime, WallTime),
    last: i64,
) -> sqlx::Result<Remembered> {
    let rows = query(
        "SELECT at, id, report FROM location AS told WHERE call IS NULL AND at >= ? AND seq <= ?
         AND node = (SELECT id FROM node WHERE name = ?) AND NOT EXISTS
         (SELECT 1 FROM location WHERE location.id = told.id AND location.call IS NOT NULL)
         ORDER BY at DESC, seq DESC LIMIT ?",
    );
    let rows = rows.bind(oldest.0).bind(last).bind(node).bind(most(limits::LOCATION_REPORTS));
    let rows = rows.fetch_all(tx).await?;
    let waits = |(_, _, report): &(WallTime, Uid, Report)| report.number.is_some();
    let waiting = rows.iter().rev().map(waiting).filter_map(readable).filter(waits).collect();
    let rows = query(
        "SELECT incident.call AS call, received_at, ended_at, place, arrival.facts AS facts
         FROM incident JOIN arrival ON arrival.call = incident.call
         WHERE received_at >= ? AND coalesce(ended_at, ?) >= ?
         AND incident.node = (SELECT id FROM node WHERE name = ?)
         ORDER BY received_at DESC LIMIT ?",
    );
    let began = oldest.0.saturating_sub(LONGEST_CALL_MICROS);
    let rows = rows.bind(began).bind(now.0).bind(oldest.0).bind(node);
    let rows = rows.bind(most(limits::LOCATED_CALLS)).fetch_all(tx).await?;
    let calls = rows.iter().map(|row| past(row, now)).filter_map(readable).collect();
    Ok(Remembered { waiting, calls })
}

/// One row that cannot be read hides no other.
fn readable<T>(row: sqlx::Result<T>) -> Option<T> {
    row.inspect_err(|error| tracing::warn!(%error, "a place of before the start is left out")).ok()
}

fn waiting(row: &Row) -> sqlx::Result<(WallTime, Uid, Report)> {
    let report = read(&row.try_get::<String>("report")?)?;
    Ok((WallTime(row.try_get("at")?), id(row, "id")?, report))
}

fn id(row: &Row, column: &str) -> sqlx::Result<Uid> {
    let id = row.try_get::<String>(column)?.parse::<Uid>();
    id.map_err(|error| sqlx::Error::Decode(error.into()))
}

/// A call that is over, as far as a late report needs it.
fn past(row: &Row, now: WallTime) -> sqlx::Result<(WallTime, CallId, Known)> {
    let call = id(row, "call")?;
    let arrival: Arrival = read(&row.try_get::<String>("facts")?)?;
    let place: Option<String> = row.try_get("place")?;
    let known = Known {
        number: known_number(&arrival.caller.phone),
        received: WallTime(row.try_get("received_at")?),
        locations: arrival.locations,
        cell: arrival.cell,
        place: place.map_or(Ok(arrival.place), |place| read(&place))?,
    };
    let ended = row.try_get::<Option<i64>>("ended_at")?.map_or(now, WallTime);
    Ok((ended, CallId(call), known))
}

fn most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn read<T: DeserializeOwned>(text: &str) -> sqlx::Result<T> {
    serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(error.into()))
}

impl Store {
    /// Where callers were before a restart: reports that this node took and that wait for their call, and
    /// calls of the last `window`, from the lines up to `last` of the journal.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remembered(
        &self,
        now: WallTime,
        window: Duration,
        last: u64,
    ) -> Result<Remembered, StoreError> {
        let window = i64::try_from(window.as_micros()).unwrap_or(i64::MAX);
        let times = (now, WallTime(now.0.saturating_sub(window)));
        let last = i64::try_from(last).unwrap_or(i64::MAX);
        let mut tx = self.reading().await?;
        remembered(&mut tx, self.node(), times, last).await.map_err(|error| self.error(error))
    }

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
