//! Questions asked of the records. Answers are bounded; nothing here changes a row.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::apply::wall;
use super::incident::{At, Incident, IncidentSummary, Offer};
use super::sql::{Row, Statement, Tx, query};
use super::{Filter, Store, StoreError};

const COLUMNS: &str = "SELECT incident.*, recording.state AS recording_state FROM incident
    LEFT JOIN recording ON recording.call = incident.call AND recording.part = 1 WHERE 1 = 1";

impl Store {
    /// The incidents that `filter` describes, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self, filter: &Filter) -> Result<Vec<IncidentSummary>, StoreError> {
        let mut tx = self.reading().await?;
        page(&mut tx, filter).await.map_err(|e| self.error(e))
    }

    /// One incident by its id, or by its call's.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn show(&self, id: &str) -> Result<Option<Incident>, StoreError> {
        let mut tx = self.reading().await?;
        whole(&mut tx, &id.to_ascii_lowercase()).await.map_err(|e| self.error(e))
    }
}

/// The calls of the page first: what they are found by is small, their rows are not.
async fn page(tx: &mut Tx, filter: &Filter) -> sqlx::Result<Vec<IncidentSummary>> {
    let calls = super::search::calls(filter, tx).await?;
    let mut sql = query(COLUMNS);
    sql.push(" AND incident.call IN (SELECT call FROM (").append(calls);
    sql.push(") AS page) ORDER BY incident.call DESC");
    rows(tx, sql).await
}

async fn whole(tx: &mut Tx, id: &str) -> sqlx::Result<Option<Incident>> {
    let mut sql = query(COLUMNS);
    sql.push(" AND (incident.id = ").push_bind(id).push(" OR incident.call = ").push_bind(id);
    sql.push(") ORDER BY received_at, incident.call LIMIT 1");
    let Some(row) = sql.fetch_optional(tx).await? else { return Ok(None) };
    let mut summary = summary(&row)?;
    forms(tx, std::slice::from_mut(&mut summary)).await?;
    let written = super::record::of_incident(tx, &summary.id).await?;
    let of_call = |sql| query(sql).bind(&summary.call);
    let facts = of_call("SELECT facts FROM arrival WHERE call = ?").fetch_optional(tx).await?;
    let offers = of_call("SELECT * FROM offer WHERE call = ? ORDER BY node, seq");
    let offers = offers.fetch_all(tx).await?;
    let steps = of_call("SELECT seq, entry FROM step WHERE call = ? ORDER BY node, seq");
    let steps = steps.fetch_all(tx).await?;
    let mut recordings = super::recordings::of_call(tx, &summary.call).await?.into_iter();
    let hold = super::hold::of_incident(tx, &summary.id).await?.into_iter().next();
    let links = super::work::links(tx, &summary.call).await?;
    let work = super::work::of_call(tx, &summary.call).await?;
    let location_reports = super::locations::of_call(tx, &summary.call).await?;
    let place: Option<String> = row.try_get("place")?;
    let place = place.map(|place| serde_json::from_str(&place)).transpose();
    let place = place.map_err(|error| sqlx::Error::Decode(error.into()))?;
    let mut facts = facts.map_or_else(|| Ok(Map::new()), |row| object(&row, "facts"))?;
    // These stand in the summary.
    for column in ["dialled", "service", "category", "kecamatan", "place"] {
        facts.remove(column);
    }
    if let Some(priority) = facts.remove("priority") {
        facts.insert("priority_header".into(), priority);
    }
    let steps: Vec<_> = steps.iter().map(step).collect::<sqlx::Result<_>>()?;
    super::late::add(&mut facts, &steps);
    Ok(Some(Incident {
        summary,
        written,
        facts,
        recording: recordings.next(),
        further_recordings: recordings.collect(),
        offers: offers.iter().map(offer).collect::<sqlx::Result<_>>()?,
        links,
        place,
        location_reports,
        work,
        hold,
        steps,
    }))
}

pub(super) fn time(row: &Row, column: &str) -> sqlx::Result<Option<At>> {
    Ok(wall(row.try_get(column)?).map(At))
}

fn object(row: &Row, column: &str) -> sqlx::Result<Map<String, Value>> {
    serde_json::from_str(&row.try_get::<String>(column)?).map_err(|e| sqlx::Error::Decode(e.into()))
}

fn summary(row: &Row) -> sqlx::Result<IncidentSummary> {
    Ok(IncidentSummary {
        id: row.try_get("id")?,
        call: row.try_get("call")?,
        trunk: row.try_get("trunk")?,
        source: row.try_get("source")?,
        dialled: row.try_get("dialled")?,
        service: row.try_get("service")?,
        category: row.try_get("category")?,
        kecamatan: row.try_get("kecamatan")?,
        caller_raw: row.try_get("caller_raw")?,
        caller_e164: row.try_get("caller_e164")?,
        queue: row.try_get("queue")?,
        rule: row.try_get("rule")?,
        priority: row.try_get("priority")?,
        lane: row.try_get("lane")?,
        lane_why: row.try_get("lane_why")?,
        wants: row.try_get("wants")?,
        heard: row.try_get("heard")?,
        seat: row.try_get("seat")?,
        operator: row.try_get("operator")?,
        answer_mode: row.try_get("answer_mode")?,
        received_at: At(crate::vocabulary::WallTime(row.try_get("received_at")?)),
        queued_at: time(row, "queued_at")?,
        caller_answered_at: time(row, "caller_answered_at")?,
        answered_at: time(row, "answered_at")?,
        ended_at: time(row, "ended_at")?,
        answer_ms: row.try_get("answer_ms")?,
        duration_ms: row.try_get("duration_ms")?,
        stage: row.try_get("stage")?,
        ended_by: row.try_get("ended_by")?,
        cause: row.try_get("cause")?,
        q850: row.try_get("q850")?,
        outcome: row.try_get("outcome")?,
        disposition: row.try_get("disposition")?,
        disposed_by: row.try_get("disposed_by")?,
        disposed_at: time(row, "disposed_at")?,
        caller_packets: row.try_get("caller_packets")?,
        seat_packets: row.try_get("seat_packets")?,
        recording_state: row.try_get("recording_state")?,
        origin: row.try_get("origin")?,
        record: "open".to_owned(),
        ..IncidentSummary::default()
    })
}

async fn rows(tx: &mut Tx, sql: Statement) -> sqlx::Result<Vec<IncidentSummary>> {
    let rows = sql.fetch_all(tx).await?;
    let mut rows = rows.iter().map(summary).collect::<sqlx::Result<Vec<_>>>()?;
    forms(tx, &mut rows).await?;
    Ok(rows)
}

/// Lays what people have written over rows: one question for all of them.
async fn forms(tx: &mut Tx, rows: &mut [IncidentSummary]) -> sqlx::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut sql = query("SELECT * FROM form WHERE incident IN (");
    sql.push_list(rows.iter().map(|row| row.id.as_str())).push(")");
    let found = sql.fetch_all(tx).await?;
    let mut forms = HashMap::new();
    for form in &found {
        forms.insert(form.try_get::<String>("incident")?, form);
    }
    for row in rows {
        let Some(form) = forms.get(&row.id) else { continue };
        row.record = form.try_get("state")?;
        row.version = form.try_get("version")?;
        row.caller_name = form.try_get("caller_name")?;
        row.caller_number = form.try_get("caller_number")?;
        row.sub_category = form.try_get("sub_category")?;
        row.text = form.try_get("text")?;
        row.address = form.try_get("address")?;
        row.desa = form.try_get("desa")?;
        row.landmark = form.try_get("landmark")?;
        row.latitude = form.try_get("latitude")?;
        row.longitude = form.try_get("longitude")?;
        row.victims_dead = form.try_get("victims_dead")?;
        row.victims_severe = form.try_get("victims_severe")?;
        row.victims_minor = form.try_get("victims_minor")?;
        row.victims_missing = form.try_get("victims_missing")?;
        row.victims_displaced = form.try_get("victims_displaced")?;
        row.agencies = form.try_get("agencies")?;
        row.field_report = form.try_get("field_report")?;
        row.result = form.try_get("result")?;
        row.closed_at = time(form, "closed_at")?;
        row.closed_by = form.try_get("closed_by")?;
        row.merged_into = form.try_get("merged_into")?;
    }
    Ok(())
}

fn offer(row: &Row) -> sqlx::Result<Offer> {
    Ok(Offer {
        seat: row.try_get("seat")?,
        operator: row.try_get("operator")?,
        at: At(crate::vocabulary::WallTime(row.try_get("at")?)),
        ended_at: time(row, "ended_at")?,
        outcome: row.try_get("outcome")?,
        status: row.try_get("status")?,
    })
}

pub(super) fn step(row: &Row) -> sqlx::Result<Map<String, Value>> {
    let seq: i64 = row.try_get("seq")?;
    let mut step = object(row, "entry")?;
    step.insert("seq".into(), seq.into());
    Ok(step)
}
