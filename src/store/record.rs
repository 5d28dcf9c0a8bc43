//! Records as people write them: the steps of each, kept as the journal has them, and the form that
//! comes of them, for lists and searches.
//!
//! What a step means is decided in [`crate::incident::Record`]; here it is only kept and shown.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::ToSchema;

use super::apply::signed;
use super::incident::At;
use super::sql::{Tx, query};
use super::work::CallNumber;
use super::{Store, StoreError};
use crate::incident::{Field, Form, Record, Stamp, Step, Tied, form, in_order};
use crate::journal::Entry;
use crate::vocabulary::{IncidentId, Private, WallTime};

/// A record and what goes with it, all of one moment.
#[derive(Clone, Debug)]
pub struct KnownRecord {
    /// As it stands in the database.
    pub record: Record,
    /// What was done to it, in order, each with its version.
    pub steps: Vec<(u64, KeptStep)>,
    /// The number of this node there.
    pub node: i64,
    /// The last line of this node's journal that the database has.
    pub applied: u64,
    /// The calls of the incident itself.
    pub calls: Vec<CallNumber>,
}

/// A step of a record, and where a journal has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptStep {
    /// The node whose journal that is.
    pub node: i64,
    /// The line.
    pub line: u64,
    /// What it says.
    pub entry: Entry,
}

impl KnownRecord {
    /// A record that no database has.
    #[must_use]
    pub const fn new(incident: IncidentId, calls: Vec<CallNumber>) -> Self {
        let record = Record::new(incident);
        Self { record, steps: Vec::new(), node: 0, applied: 0, calls }
    }

    /// Takes in lines of this node's journal that the database may not have yet. What it has already is
    /// nothing new, and neither is what is about other records.
    pub fn add<'a>(&mut self, lines: impl IntoIterator<Item = &'a (u64, Entry)>) {
        let incident = self.record.incident;
        let concerns = |entry: &Entry| {
            let step = entry.fact.step();
            step.is_some_and(|s| s.incident() == incident || s.other() == Some(incident))
        };
        let node = self.node;
        let more = lines.into_iter().filter(|(_, entry)| concerns(entry));
        let kept =
            |(line, entry): &(u64, Entry)| KeptStep { node, line: *line, entry: entry.clone() };
        let more: Vec<_> = more.map(kept).collect();
        if !more.is_empty() {
            let all = self.steps.drain(..).map(|(_, step)| step).chain(more).collect();
            (self.record, self.steps) = folded(incident, all);
        }
    }

    /// Every version, the oldest first.
    #[must_use]
    pub fn versions(&self) -> Vec<RecordVersion> {
        let steps: Vec<_> =
            self.steps.iter().map(|(version, step)| (*version, step.entry.clone())).collect();
        versions(self.record.incident, &steps)
    }
}

/// The record that comes of steps, and these in their order.
fn folded(incident: IncidentId, steps: Vec<KeptStep>) -> (Record, Vec<(u64, KeptStep)>) {
    let stamped = steps.into_iter().filter_map(|kept| {
        let step = kept.entry.fact.step()?;
        Some((Stamp::of(kept.node, kept.line, kept.entry.at, step), kept))
    });
    let steps = in_order(stamped.collect());
    let mut record = Record::new(incident);
    for (version, kept) in &steps {
        if let Some(step) = kept.entry.fact.step() {
            record.follow(*version, kept.entry.at, step);
        }
    }
    (record, steps)
}

/// What people have written of an incident.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecordView {
    /// Give this with the next change; 0: nobody has written yet.
    pub version: u64,
    /// `open`, `closed` or `merged`.
    pub state: String,
    /// How it became known: `call`, `walk-in`, `radio`, `cap`, `message`, `referral` or `other`.
    pub origin: String,
    /// When it was changed last.
    pub changed_at: Option<At>,
    /// By whom.
    pub changed_by: Option<String>,
    /// When it was closed; null while it is open.
    pub closed_at: Option<At>,
    /// By whom.
    pub closed_by: Option<String>,
    /// The form: `caller_name`, `category`, `text`, …, and `agencies` by their names.
    #[schema(value_type = Object)]
    pub form: Map<String, Json>,
    /// The record that this one is part of.
    pub merged_into: Option<TiedRecord>,
    /// Records that are part of this one, also through others.
    pub merged: Vec<TiedRecord>,
    /// Records that have to do with this one.
    pub linked: Vec<TiedRecord>,
}

/// A record that belongs to another one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TiedRecord {
    /// That one.
    pub incident: String,
    /// What another system had called it before it came here; null where none had.
    #[serde(default)]
    pub emergency_incident_id: Option<String>,
    /// Since when.
    pub at: At,
    /// Who said so.
    pub by: String,
    /// Why.
    pub why: String,
    /// Its calls.
    #[serde(default)]
    pub calls: Vec<String>,
}

/// One step in the life of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecordVersion {
    /// Its number: microseconds since 1970, and more than that of the one before.
    pub version: u64,
    /// When.
    pub at: At,
    /// Who.
    pub by: String,
    /// `opened`, `edited`, `closed`, `reopened`, `merged`, `unmerged`, `linked` or `unlinked`.
    pub step: String,
    /// What it changed in the form.
    pub changes: Vec<FieldChange>,
    /// The other record, where two were tied or taken apart.
    pub other: Option<String>,
    /// Why, where that was said.
    pub why: Option<String>,
}

/// What became of one field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FieldChange {
    /// Its name; an agency's is `agencies.NAME`.
    pub field: String,
    /// What stood there; null where it was empty.
    #[schema(value_type = Object)]
    pub from: Json,
    /// What stands there; null where it was cleared.
    #[schema(value_type = Object)]
    pub to: Json,
}

/// A form as an object of its fields.
#[must_use]
pub fn shown(form: &Form) -> Map<String, Json> {
    let json = |value: &form::Value| serde_json::to_value(value).unwrap_or_default();
    let plain = form.0.iter().filter(|(field, _)| !matches!(field, Field::Agency(_)));
    let mut map: Map<String, Json> =
        plain.map(|(field, value)| (field.to_string(), json(value))).collect();
    let told: Map<String, Json> = form
        .agencies()
        .map(|(name, notice)| (name.to_owned(), serde_json::to_value(notice).unwrap_or_default()))
        .collect();
    if !told.is_empty() {
        map.insert("agencies".to_owned(), told.into());
    }
    map
}

impl RecordView {
    /// A record without the calls of those that belong to it.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        let (changed, closed) = (record.changed.as_ref(), record.closed.as_ref());
        Self {
            version: record.version,
            state: record.state().to_owned(),
            origin: record.origin.word().to_owned(),
            changed_at: changed.map(|(at, _)| At(*at)),
            changed_by: changed.map(|(_, by)| by.clone()),
            closed_at: closed.map(|(at, _)| At(*at)),
            closed_by: closed.map(|(_, by)| by.clone()),
            form: shown(&record.form),
            merged_into: record.merged_into.as_ref().map(TiedRecord::of),
            merged: record.merged.iter().map(TiedRecord::of).collect(),
            linked: record.links.iter().map(TiedRecord::of).collect(),
        }
    }
}

impl TiedRecord {
    fn of(tied: &Tied) -> Self {
        Self {
            incident: tied.incident.to_string(),
            emergency_incident_id: None,
            at: At(tied.at),
            by: tied.by.clone(),
            why: tied.why.reveal().clone(),
            calls: Vec::new(),
        }
    }
}

/// The versions of a record, from its steps in their order.
#[must_use]
pub fn versions(incident: IncidentId, steps: &[(u64, Entry)]) -> Vec<RecordVersion> {
    let mut record = Record::new(incident);
    let mut versions = Vec::new();
    for (version, entry) in steps {
        let Some(step) = entry.fact.step() else { continue };
        let json = |value: Option<&form::Value>| {
            value.and_then(|value| serde_json::to_value(value).ok()).unwrap_or_default()
        };
        let changes = step.changes().into_iter().flatten().map(|(field, to)| FieldChange {
            field: field.to_string(),
            from: json(record.form.get(field)),
            to: json(to.as_ref()),
        });
        let changes = changes.collect();
        let other = step
            .tie()
            .map(|tie| if tie.incident == incident { tie.other } else { tie.incident }.to_string());
        record.follow(*version, entry.at, step);
        versions.push(RecordVersion {
            version: *version,
            at: At(entry.at),
            by: step.by().to_owned(),
            step: step.word().to_owned(),
            changes,
            other,
            why: step.why().map(|why| why.reveal().clone()),
        });
    }
    versions
}

impl Store {
    /// The record of an incident, by its id or its call's; none when there is no such incident.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record(&self, id: &str) -> Result<Option<KnownRecord>, StoreError> {
        let id = id.to_ascii_lowercase();
        let mut tx = self.reading().await?;
        known(&mut tx, self.node(), &id).await.map_err(|e| self.error(e))
    }

    /// Every step of a record, in order, with its version.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record_steps(
        &self,
        incident: IncidentId,
    ) -> Result<Vec<(u64, Entry)>, StoreError> {
        let steps = self.kept_steps(incident).await?;
        let (_, steps) = folded(incident, steps);
        Ok(steps.into_iter().map(|(version, kept)| (version, kept.entry)).collect())
    }

    /// The same, as the journals have them, in no order.
    pub(super) async fn kept_steps(
        &self,
        incident: IncidentId,
    ) -> Result<Vec<KeptStep>, StoreError> {
        let mut tx = self.reading().await?;
        steps(&mut tx, incident).await.map_err(|e| self.error(e))
    }
}

impl Store {
    /// Makes the rows that lists and searches look at anew from the steps of these records.
    pub(super) async fn made_of_steps(&self, incidents: &[String]) -> Result<(), StoreError> {
        let mut tx = self.writing().await?;
        for incident in incidents {
            made(&mut tx, incident).await.map_err(|e| self.error(e))?;
        }
        tx.commit().await.map_err(|e| self.error(e))
    }
}

async fn made(tx: &mut Tx, incident: &str) -> sqlx::Result<()> {
    let any = query("SELECT 1 FROM record_step WHERE incident = ? LIMIT 1").bind(incident);
    if any.fetch_optional(tx).await?.is_some() {
        let record = read(tx, parse(incident)?).await?;
        return keep(tx, &record).await;
    }
    for gone in
        ["DELETE FROM form WHERE incident = ?", "DELETE FROM agency_notice WHERE incident = ?"]
    {
        query(gone).bind(incident).execute(tx).await?;
    }
    Ok(())
}

async fn known(tx: &mut Tx, node: &str, id: &str) -> sqlx::Result<Option<KnownRecord>> {
    let own = "SELECT id, seq FROM node WHERE name = ?";
    let own = query(own).bind(node).fetch_optional(tx).await?;
    let own = own
        .map(|row| -> sqlx::Result<(i64, i64)> { Ok((row.try_get("id")?, row.try_get("seq")?)) });
    let (node, applied) = own.transpose()?.unwrap_or_default();
    let found = "SELECT id, call, origin, coalesce(caller_e164, caller_raw) AS number
                 FROM incident WHERE id = (SELECT id FROM incident
                 WHERE id = ?1 OR call = ?1 ORDER BY received_at LIMIT 1) ORDER BY call";
    let rows = query(found).bind(id).fetch_all(tx).await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let incident = parse(&first.try_get::<String>("id")?)?;
    let mut calls = Vec::new();
    for row in &rows {
        if row.try_get::<String>("origin")? == "call" {
            let call: String = row.try_get("call")?;
            let call = call.parse().map_err(|e| sqlx::Error::Decode(Box::new(e)))?;
            let number = Private::new(row.try_get("number")?);
            calls.push(CallNumber { call, number });
        }
    }
    let (record, steps) = folded(incident, steps(tx, incident).await?);
    Ok(Some(KnownRecord { record, steps, node, applied: applied.unsigned_abs(), calls }))
}

fn parse(text: &str) -> sqlx::Result<IncidentId> {
    text.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// The record as its steps say.
async fn read(tx: &mut Tx, incident: IncidentId) -> sqlx::Result<Record> {
    Ok(folded(incident, steps(tx, incident).await?).0)
}

async fn steps(tx: &mut Tx, incident: IncidentId) -> sqlx::Result<Vec<KeptStep>> {
    let rows = query("SELECT node, seq, entry FROM record_step WHERE incident = ?")
        .bind(incident.to_string())
        .fetch_all(tx)
        .await?;
    let kept = |row: &super::sql::Row| {
        let line: i64 = row.try_get("seq")?;
        let entry = serde_json::from_str(&row.try_get::<String>("entry")?);
        let entry = entry.map_err(|e| sqlx::Error::Decode(e.into()))?;
        Ok(KeptStep { node: row.try_get("node")?, line: line.unsigned_abs(), entry })
    };
    rows.iter().map(kept).collect()
}

/// What the record of an incident shows, with the calls of those that belong to it.
pub(super) async fn of_incident(tx: &mut Tx, incident: &str) -> sqlx::Result<RecordView> {
    let record = read(tx, parse(incident)?).await?;
    let mut view = RecordView::of(&record);
    // Those that were merged into the merged ones belong to it as well. A record is part of one other
    // at most, so this ends.
    let mut place = 0;
    while let Some(tied) = view.merged.get(place).map(|tied| tied.incident.clone()) {
        let deeper = read(tx, parse(&tied)?).await?;
        let known =
            |other: &Tied| view.merged.iter().any(|t| t.incident == other.incident.to_string());
        let new: Vec<TiedRecord> =
            deeper.merged.iter().filter(|other| !known(other)).map(TiedRecord::of).collect();
        view.merged.extend(new);
        place += 1;
    }
    for tied in view.merged.iter_mut().chain(&mut view.linked).chain(&mut view.merged_into) {
        let calls = "SELECT call FROM incident WHERE id = ? AND origin = 'call' ORDER BY call";
        let rows = query(calls).bind(&tied.incident).fetch_all(tx).await?;
        tied.calls = rows.iter().map(|row| row.try_get("call")).collect::<sqlx::Result<_>>()?;
        tied.emergency_incident_id = given(tx, &tied.incident).await?;
    }
    Ok(view)
}

/// What another system had called an incident before it came here.
pub(super) async fn given(tx: &mut Tx, incident: &str) -> sqlx::Result<Option<String>> {
    let facts = "SELECT facts FROM arrival WHERE call IN (SELECT call FROM incident WHERE id = ?)
                 ORDER BY call";
    for row in query(facts).bind(incident).fetch_all(tx).await? {
        let facts: Json =
            serde_json::from_str(&row.try_get::<String>("facts")?).unwrap_or_default();
        if let Some(given) = facts.get("emergency_incident_id").and_then(Json::as_str) {
            return Ok(Some(given.to_owned()));
        }
    }
    Ok(None)
}

/// Rows of one step.
pub(super) async fn row(tx: &mut Tx, seq: i64, entry: &Entry) -> sqlx::Result<()> {
    let Some(step) = entry.fact.step() else { return Ok(()) };
    if let Step::Opened(opened) = step {
        // Such a record stands among those of calls, with its own number in the place of a call's.
        query(
            "INSERT INTO incident (call, id, trunk, source, dialled, service, caller_raw,
             received_at, stage, origin, node, operator)
             VALUES (?1, ?1, '', ?2, '', '', '', ?3, 'none', ?4, ?5, ?6)
             ON CONFLICT (call) DO NOTHING",
        )
        .bind(opened.incident.to_string())
        .bind(&opened.by)
        .bind(entry.at.0)
        .bind(opened.origin.word())
        .bind(tx.node())
        .bind(opened.operator.as_ref().map(|operator| operator.as_str()))
        .execute(tx)
        .await?;
        query("INSERT INTO arrival (call, facts) VALUES (?, ?) ON CONFLICT (call) DO NOTHING")
            .bind(opened.incident.to_string())
            .bind(facts(opened.emergency_incident_id.as_ref()))
            .execute(tx)
            .await?;
    }
    let text = serde_json::to_string(entry).map_err(|e| sqlx::Error::Encode(e.into()))?;
    for incident in std::iter::once(step.incident()).chain(step.other()) {
        query("INSERT INTO record_step (incident, node, seq, at, entry) VALUES (?, ?, ?, ?, ?)")
            .bind(incident.to_string())
            .bind(tx.node())
            .bind(seq)
            .bind(entry.at.0)
            .bind(&text)
            .execute(tx)
            .await?;
        let record = read(tx, incident).await?;
        keep(tx, &record).await?;
    }
    if let Some(changes) = step.changes() {
        let told =
            [Field::Category, Field::Kecamatan].iter().any(|field| changes.contains_key(field));
        if told {
            lay_over(tx, step.incident()).await?;
        }
        if let Some(number) = changes.get(&Field::CallerNumber) {
            let number = number.as_ref().map(form::Value::shown);
            let incident = step.incident().to_string();
            super::search::keep_written_number(tx, &incident, number.as_deref()).await?;
        }
        if let Some(said) = changes.get(&Field::Disposition) {
            let word = said.as_ref().map(form::Value::shown);
            let judged = word.is_some();
            // Where the call's own line says the same already, its name and time stay: they are all that
            // is left when the form is erased.
            let set = "UPDATE incident SET disposition = ?1, disposed_by = ?2, disposed_at = ?3
                       WHERE id = ?4 AND (disposition IS NULL OR ?1 IS NULL OR disposition <> ?1)";
            let set = query(set).bind(word).bind(judged.then(|| step.by().to_owned()));
            let set = set.bind(judged.then_some(entry.at.0));
            set.bind(step.incident().to_string()).execute(tx).await?;
        }
    }
    Ok(())
}

/// What lists, figures and deletion go by: the form's word, and where it says nothing, or nothing any
/// more, what came with the call.
async fn lay_over(tx: &mut Tx, incident: IncidentId) -> sqlx::Result<()> {
    query(
        "UPDATE incident SET
         category = coalesce((SELECT form.category FROM form WHERE form.incident = incident.id),
         told_category),
         kecamatan = coalesce((SELECT form.kecamatan FROM form WHERE form.incident = incident.id),
         placed_kecamatan, told_kecamatan) WHERE id = ?",
    )
    .bind(incident.to_string())
    .execute(tx)
    .await
    .map(drop)
}

/// What stands in the place of what an INVITE told.
fn facts(emergency_incident_id: Option<&String>) -> String {
    serde_json::json!({ "emergency_incident_id": emergency_incident_id }).to_string()
}

/// The rows that lists and searches look at.
async fn keep(tx: &mut Tx, record: &Record) -> sqlx::Result<()> {
    let incident = record.incident.to_string();
    query("DELETE FROM form WHERE incident = ?").bind(&incident).execute(tx).await?;
    let form = &record.form;
    let text = |field: Field| form.text(&field).map(str::to_owned);
    let count = |field: Field| match form.get(&field) {
        Some(form::Value::Count(count)) => Some(i64::from(*count)),
        _ => None,
    };
    let point = match form.get(&Field::Coordinates) {
        Some(form::Value::Point(point)) => Some(point.reveal().clone()),
        _ => None,
    };
    let told: Vec<String> =
        form.agencies().map(|(name, notice)| format!("{name}: {notice}")).collect();
    let (changed_at, changed_by) = record.changed.clone().unwrap_or_default();
    query(
        "INSERT INTO form (incident, version, state, changed_at, changed_by, closed_at, closed_by,
         merged_into, caller_name, caller_number, category, sub_category, text, address, desa,
         kecamatan, landmark, latitude, longitude, victims_dead, victims_severe, victims_minor,
         victims_missing, victims_displaced, disposition, field_report, result, agencies)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&incident)
    .bind(signed(record.version))
    .bind(record.state())
    .bind(changed_at.0)
    .bind(changed_by)
    .bind(record.closed.as_ref().map(|(at, _)| at.0))
    .bind(record.closed.as_ref().map(|(_, by)| by.clone()))
    .bind(record.merged_into.as_ref().map(|tied| tied.incident.to_string()))
    .bind(text(Field::CallerName))
    .bind(text(Field::CallerNumber))
    .bind(text(Field::Category))
    .bind(text(Field::SubCategory))
    .bind(text(Field::Text))
    .bind(text(Field::Address))
    .bind(text(Field::Desa))
    .bind(text(Field::Kecamatan))
    .bind(text(Field::Landmark))
    .bind(point.as_ref().map(|point| point.latitude.clone()))
    .bind(point.map(|point| point.longitude))
    .bind(count(Field::VictimsDead))
    .bind(count(Field::VictimsSevere))
    .bind(count(Field::VictimsMinor))
    .bind(count(Field::VictimsMissing))
    .bind(count(Field::VictimsDisplaced))
    .bind(text(Field::Disposition))
    .bind(text(Field::FieldReport))
    .bind(text(Field::Result))
    .bind(Some(told.join("; ")).filter(|told| !told.is_empty()))
    .execute(tx)
    .await?;
    super::search::keep_form(tx, &incident, form).await?;
    keep_notices(tx, &incident, form).await
}

async fn keep_notices(tx: &mut Tx, incident: &str, form: &Form) -> sqlx::Result<()> {
    let delete = query("DELETE FROM agency_notice WHERE incident = ?").bind(incident);
    delete.execute(tx).await?;
    for (name, notice) in form.agencies() {
        let micros = |at: Option<WallTime>| at.map(|at| at.0);
        query(
            "INSERT INTO agency_notice (incident, agency, notified_at, accepted_at, arrived_at,
             done_at, note) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(incident)
        .bind(name)
        .bind(micros(notice.notified_at))
        .bind(micros(notice.accepted_at))
        .bind(micros(notice.arrived_at))
        .bind(micros(notice.done_at))
        .bind(notice.note.as_ref().map(|note| note.reveal().clone()))
        .execute(tx)
        .await?;
    }
    Ok(())
}
