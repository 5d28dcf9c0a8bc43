//! The incident form at the desk: a record is opened, written, closed, opened again, merged, linked.
//!
//! Whoever saves something is told so once it is on disk. Two editors never overwrite each other unseen:
//! different fields go together, and the second of one field is told what the first has written.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::Console;
use super::access::Holder;
use super::body::{bounded, read};
use super::fields::{FieldsDoc, fields};
use super::problem::Problem;
use crate::callout::ChainEnded;
use crate::incident::settings::{Category, Kecamatan};
use crate::incident::{
    Changes, Closing, Edit, Field, Opened, Origin, Record, Reopening, Tie, WrongField,
};
use crate::journal::Fact;
use crate::screening::Disposition;
use crate::store::{KnownRecord, RecordVersion, RecordView};
use crate::switchboard::orders::Order;
use crate::vocabulary::{Private, WallTime};

/// What a change of the form looks like, for whoever sent something else.
const WANTED: &str = r#"{"version": 0, "category": "kebakaran", "text": "…", "agencies": {"Damkar 113": {"notified_at": "2026-09-17T05:13:00Z"}}}"#;

/// A record as it was saved.
#[derive(Serialize, ToSchema)]
pub(super) struct Saved {
    /// The incident.
    incident: String,
    /// The record.
    #[serde(flatten)]
    record: RecordView,
}

impl Saved {
    fn of(record: &Record) -> Json<Self> {
        let (incident, record) = (record.incident.to_string(), RecordView::of(record));
        Json(Self { incident, record })
    }
}

/// Makes a record without a call: somebody came, or told it by radio.
#[utoipa::path(post, path = "/api/v1/incidents", tag = "incidents", request_body = FieldsDoc,
    responses(
    (status = 201, description = "Made, and on disk", body = Saved),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 422, description = "Fields are refused: `errors` names each", body = Problem)))]
pub(super) async fn open(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Saved>), Problem> {
    let mut body: Map<String, Value> = read(body, r#"{"origin": "walk-in", "text": "…"}"#)?;
    let given = body.remove("origin").unwrap_or_default();
    let choosable = || Origin::ALL.into_iter().filter(|origin| *origin != Origin::Call);
    let origin = choosable().find(|origin| Some(origin.word()) == given.as_str());
    let Some(origin) = origin else {
        let words: Vec<&str> = choosable().map(Origin::word).collect();
        let why = format!("how it became known; takes one of: {}", words.join(", "));
        return Err(Problem::wrong_fields(vec![WrongField { field: "origin".into(), why }]));
    };
    let choices = console.desk.choices();
    let mut changes = fields(body, &choices)?;
    let record = Record::new(console.desk.new_incident());
    record.form.fit(&mut changes, &choices).map_err(Problem::wrong_fields)?;
    let opened = Opened {
        incident: record.incident,
        origin,
        by: holder.name,
        operator: holder.operator,
        emergency_incident_id: None,
        changes,
        version: next(&console, &[&record]),
    };
    let record = keep(&console, record, Fact::IncidentOpened(Box::new(opened))).await?;
    Ok((StatusCode::CREATED, Saved::of(&record)))
}

/// Changes fields of the form. `version` is the one that the editor saw. What somebody else has written
/// into the same field since then is a conflict, and nothing is saved; different fields go together.
#[utoipa::path(patch, path = "/api/v1/incidents/{id}", tag = "incidents", request_body = FieldsDoc,
    params(("id" = String, Path, description = "The incident's id, or its call's")), responses(
    (status = 200, description = "Saved, and on disk: the record as it stands now", body = Saved),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such incident", body = Problem),
    (status = 409, description = "Somebody else has changed the same field: `errors` says what, and \
     `version` is the one to go on from; or the record is closed or merged", body = Problem),
    (status = 422, description = "Fields are refused: `errors` names each", body = Problem)))]
pub(super) async fn edit(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Saved>, Problem> {
    let Path(id) = id.map_err(|_| Problem::unknown_id("incident", ""))?;
    let mut body: Map<String, Value> = read(body, WANTED)?;
    let saw = body.remove("version").and_then(|version| version.as_u64());
    let saw = saw.ok_or_else(|| {
        let why = "the version that you saw, as the record says; 0 where nobody has written".into();
        Problem::wrong_fields(vec![WrongField { field: "version".into(), why }])
    })?;
    let changes = fields(body, &console.desk.choices())?;
    let (_lock, known) = lock(&console, &id).await?;
    let by = holder.name;
    let Some(changes) = written(&console, &known.record, saw, changes)? else {
        return Ok(Saved::of(&known.record));
    };
    let said = disposition(&changes);
    let (incident, version) = (known.record.incident, next(&console, &[&known.record]));
    let edit = Edit { incident, by: by.clone(), saw, changes, version };
    let record = keep(&console, known.record, Fact::IncidentEdited(Box::new(edit))).await?;
    dispose(&console, &known.calls, said, &by).await;
    Ok(Saved::of(&record))
}

/// Every version of a record, the oldest first: who changed what, when, and why.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/versions", tag = "incidents",
    params(("id" = String, Path, description = "The incident's id, or its call's")), responses(
    (status = 200, description = "All versions", body = Vec<RecordVersion>),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such incident", body = Problem)))]
pub(super) async fn versions(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Vec<RecordVersion>>, Problem> {
    let Path(id) = id.map_err(|_| Problem::unknown_id("incident", ""))?;
    let known = console.records.find(&console, &id).await?;
    let incident = known.record.incident.to_string();
    console.desk.audit(&holder.name, "record versions read", &incident);
    Ok(Json(known.versions()))
}

/// Closes a record, with its last fields. Nobody writes to a closed one.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/close", tag = "incidents",
    request_body = FieldsDoc,
    params(("id" = String, Path, description = "The incident's id, or its call's")), responses(
    (status = 200, description = "Closed, and on disk", body = Saved),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such incident", body = Problem),
    (status = 409, description = "Somebody else has changed the same field, or the record is closed \
     or merged", body = Problem),
    (status = 422, description = "Fields are refused: `errors` names each", body = Problem)))]
pub(super) async fn close(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Saved>, Problem> {
    let Path(id) = id.map_err(|_| Problem::unknown_id("incident", ""))?;
    let mut body: Map<String, Value> = read(body, r#"{"version": 7, "result": "api padam"}"#)?;
    let saw = body.remove("version").and_then(|version| version.as_u64()).unwrap_or(u64::MAX);
    let changes = fields(body, &console.desk.choices())?;
    let (_lock, known) = lock(&console, &id).await?;
    let changes = written(&console, &known.record, saw, changes)?.unwrap_or_default();
    let (by, said) = (holder.name, disposition(&changes));
    let (incident, version) = (known.record.incident, next(&console, &[&known.record]));
    let closing = Closing { incident, by: by.clone(), changes, version };
    let record = keep(&console, known.record, Fact::IncidentClosed(Box::new(closing))).await?;
    dispose(&console, &known.calls, said, &by).await;
    Ok(Saved::of(&record))
}

/// Why something is done to a record.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Why {
    /// In a person's words; 1 to 200 characters.
    why: String,
}

/// Opens a closed record again.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/reopen", tag = "incidents", request_body = Why,
    params(("id" = String, Path, description = "The incident's id, or its call's")), responses(
    (status = 200, description = "Open again, and on disk", body = Saved),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such incident", body = Problem),
    (status = 409, description = "The record is not closed", body = Problem)))]
pub(super) async fn reopen(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Saved>, Problem> {
    let Path(id) = id.map_err(|_| Problem::unknown_id("incident", ""))?;
    let Why { why } = read(body, r#"{"why": "the fire has come back"}"#)?;
    let why = reason(&why)?;
    let (_lock, known) = lock(&console, &id).await?;
    if known.record.closed.is_none() {
        return Err(Problem::not_now("the record is open"));
    }
    let (incident, version) = (known.record.incident, next(&console, &[&known.record]));
    let reopening = Reopening { incident, by: holder.name, why, version };
    let fact = Fact::IncidentReopened(Box::new(reopening));
    Ok(Saved::of(&keep(&console, known.record, fact).await?))
}

/// With which record, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct With {
    /// The other incident's id, or its call's.
    incident: String,
    /// In a person's words; 1 to 200 characters.
    why: String,
}

/// Makes the record part of another one: both are of one event. It keeps its number, its calls and what
/// was written; from then on people write in the other one.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/merge", tag = "incidents", request_body = With,
    params(("id" = String, Path, description = "The incident's id, or its call's")), responses(
    (status = 200, description = "Merged, and on disk", body = Saved),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such incident", body = Problem),
    (status = 409, description = "One of them is part of another already", body = Problem)))]
pub(super) async fn merge(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Saved>, Problem> {
    let (_locks, one, other, why) = two(&console, id, body).await?;
    for (record, which) in [(&one, "the record"), (&other, "the other record")] {
        if let Some(tied) = &record.merged_into {
            let detail = format!(
                "{which} was merged into {} by {}: take it out again first, or merge with that one",
                tied.incident, tied.by
            );
            return Err(Problem::not_now(detail));
        }
    }
    let version = next(&console, &[&one, &other]);
    let (incident, other) = (one.incident, other.incident);
    let tie = Tie { incident, other, by: holder.name, why, version };
    Ok(Saved::of(&keep(&console, one, Fact::IncidentMerged(Box::new(tie))).await?))
}

/// Takes a record out of the one that it was merged into.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/unmerge", tag = "incidents", request_body = Why,
    params(("id" = String, Path, description = "The incident's id, or its call's")), responses(
    (status = 200, description = "It stands for itself again, and that is on disk", body = Saved),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such incident", body = Problem),
    (status = 409, description = "It is part of no other one", body = Problem)))]
pub(super) async fn unmerge(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Saved>, Problem> {
    let Path(id) = id.map_err(|_| Problem::unknown_id("incident", ""))?;
    let Why { why } = read(body, r#"{"why": "two fires"}"#)?;
    let why = reason(&why)?;
    let (_lock, known) = lock(&console, &id).await?;
    let Some(tied) = &known.record.merged_into else {
        return Err(Problem::not_now("the record is part of no other one"));
    };
    let (incident, other) = (known.record.incident, tied.incident);
    let other_record = console.records.find(&console, &other.to_string()).await?.record;
    let version = next(&console, &[&known.record, &other_record]);
    let tie = Tie { incident, other, by: holder.name, why, version };
    let fact = Fact::IncidentUnmerged(Box::new(tie));
    Ok(Saved::of(&keep(&console, known.record, fact).await?))
}

/// Says that two records have to do with each other; each stays for itself.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/link", tag = "incidents", request_body = With,
    params(("id" = String, Path, description = "The incident's id, or its call's")), responses(
    (status = 200, description = "Linked, and on disk", body = Saved),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such incident", body = Problem)))]
pub(super) async fn link(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Saved>, Problem> {
    let (_locks, one, other, why) = two(&console, id, body).await?;
    let version = next(&console, &[&one, &other]);
    let (incident, other) = (one.incident, other.incident);
    let tie = Tie { incident, other, by: holder.name, why, version };
    Ok(Saved::of(&keep(&console, one, Fact::IncidentLinked(Box::new(tie))).await?))
}

/// Takes a link back.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/unlink", tag = "incidents", request_body = With,
    params(("id" = String, Path, description = "The incident's id, or its call's")), responses(
    (status = 200, description = "Linked no more, and that is on disk", body = Saved),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such incident", body = Problem),
    (status = 409, description = "They are not linked", body = Problem)))]
pub(super) async fn unlink(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Saved>, Problem> {
    let (_locks, one, other, why) = two(&console, id, body).await?;
    if !one.links.iter().any(|tied| tied.incident == other.incident) {
        return Err(Problem::not_now("the two records are not linked"));
    }
    let version = next(&console, &[&one, &other]);
    let (incident, other) = (one.incident, other.incident);
    let tie = Tie { incident, other, by: holder.name, why, version };
    Ok(Saved::of(&keep(&console, one, Fact::IncidentUnlinked(Box::new(tie))).await?))
}

/// What an operator may choose from.
#[derive(Serialize, ToSchema)]
pub(super) struct Choosable {
    /// Kinds of emergency.
    #[schema(value_type = Vec<Object>)]
    categories: Vec<Category>,
    /// Sub-districts.
    #[schema(value_type = Vec<Object>)]
    kecamatan: Vec<Kecamatan>,
    /// What kind of call it was.
    dispositions: Vec<&'static str>,
    /// How an incident became known.
    origins: Vec<&'static str>,
}

/// What an operator may choose from in the form: categories with their sub-categories and agencies in
/// both languages, sub-districts, dispositions.
#[utoipa::path(get, path = "/api/v1/categories", tag = "incidents", responses(
    (status = 200, description = "As configured", body = Choosable),
    (status = 401, description = "No token", body = Problem)))]
pub(super) async fn choices(State(console): State<Console>) -> Json<Choosable> {
    let choices = console.desk.choices();
    Json(Choosable {
        categories: choices.categories.clone(),
        kecamatan: choices.kecamatan.clone(),
        dispositions: choices.dispositions.clone(),
        origins: Origin::ALL.map(Origin::word).to_vec(),
    })
}

/// A record in whose form it is to be said what kind of call it was, and nobody else writes to it
/// meanwhile.
pub(super) struct ToJudge<'a> {
    _lock: Lock<'a>,
    record: Record,
    changes: Option<Changes>,
    saw: u64,
}

/// Whether the kind of call may be written into the form: the record is open, and nobody else has said
/// something else since the version that the editor `saw`.
pub(super) async fn to_judge<'a>(
    console: &'a Console,
    id: &str,
    disposition: Disposition,
    saw: Option<u64>,
) -> Result<ToJudge<'a>, Problem> {
    let word = crate::incident::Value::Text(Private::new(disposition.word().to_owned()));
    let changes = Changes::from([(Field::Disposition, Some(word))]);
    let (lock, KnownRecord { record, .. }) = lock(console, id).await?;
    let saw = saw.unwrap_or(record.version);
    let changes = written(console, &record, saw, changes)?;
    Ok(ToJudge { _lock: lock, record, changes, saw })
}

impl ToJudge<'_> {
    /// Writes it, where it does not stand there already.
    pub(super) async fn note(self, console: &Console, by: &str) -> Result<(), Problem> {
        let Self { record, changes, saw, .. } = self;
        let Some(changes) = changes else { return Ok(()) };
        let (incident, version) = (record.incident, next(console, &[&record]));
        let edit = Edit { incident, by: by.to_owned(), saw, changes, version };
        keep(console, record, Fact::IncidentEdited(Box::new(edit))).await?;
        Ok(())
    }
}

/// The agency of whoever comes was told, and comes: where nobody has written that already.
pub(super) async fn note_agency(
    console: &Console,
    at: WallTime,
    ended: &ChainEnded,
    agency: &str,
) -> Result<(), Problem> {
    let (_lock, KnownRecord { record, .. }) = lock(console, &ended.call.to_string()).await?;
    record.is_open().map_err(|shut| Problem::not_now(shut.to_string()))?;
    let known = record.form.agencies().find(|(name, _)| *name == agency);
    let known = known.map(|(_, notice)| notice.clone()).unwrap_or_default();
    let Some(notice) = known.acknowledged(ended.answered_at.unwrap_or(at), at) else {
        return Ok(());
    };
    let by = match (&ended.contact, ended.by.is_empty()) {
        (Some(contact), true) => contact.as_str().to_owned(),
        _ => ended.by.clone(),
    };
    let field = Field::Agency(agency.to_owned());
    let changes = Changes::from([(field, Some(crate::incident::Value::Notice(notice)))]);
    let edit = Edit { incident: record.incident, by, saw: record.version, changes };
    keep(console, record, Fact::IncidentEdited(Box::new(edit))).await.map(drop)
}

// ---- what all of them do ----------------------------------------------------------------------

type Lock<'a> = tokio::sync::MutexGuard<'a, ()>;

/// The record, and nobody else writes to it meanwhile.
async fn lock<'a>(console: &'a Console, id: &str) -> Result<(Lock<'a>, KnownRecord), Problem> {
    let incident = console.records.find(console, id).await?.record.incident;
    let lock = console.records.lock(incident).await;
    Ok((lock, console.records.find(console, id).await?))
}

/// Two records that are to be tied, and why.
async fn two<'a>(
    console: &'a Console,
    id: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<(Vec<Lock<'a>>, Record, Record, Private<String>), Problem> {
    let Path(id) = id.map_err(|_| Problem::unknown_id("incident", ""))?;
    let wanted = r#"{"incident": "01m2…", "why": "one fire"}"#;
    let With { incident: with, why } = read(body, wanted)?;
    let why = reason(&why)?;
    let records = &console.records;
    let one = records.find(console, &id).await?.record.incident;
    let other = records.find(console, &with).await?.record.incident;
    if one == other {
        return Err(Problem::bad_body("incident is the record itself; name another one"));
    }
    let locks = records.lock_two(one, other).await;
    let one = records.find(console, &id).await?.record;
    Ok((locks, one, records.find(console, &with).await?.record, why))
}

/// What there is to write; none when it all stands there already.
fn written(
    console: &Console,
    record: &Record,
    saw: u64,
    mut changes: Changes,
) -> Result<Option<Changes>, Problem> {
    record.is_open().map_err(|shut| Problem::not_now(shut.to_string()))?;
    record.form.fit(&mut changes, &console.desk.choices()).map_err(Problem::wrong_fields)?;
    let conflicts = record.conflicts(saw, &changes);
    if !conflicts.is_empty() {
        return Err(Problem::conflict(record.version, conflicts));
    }
    Ok(Some(changes).filter(|changes| !changes.is_empty()))
}

/// The version that a change of these records makes now.
fn next(console: &Console, records: &[&Record]) -> u64 {
    let now = console.desk.now();
    records.iter().map(|record| record.next_version(now)).max().unwrap_or_default()
}

/// Keeps a fact on disk; returns the record as it stands with it.
async fn keep(console: &Console, mut record: Record, fact: Fact) -> Result<Record, Problem> {
    let at = console.desk.now();
    let line = console.desk.keep_safely(fact.clone()).await?;
    if let Some(step) = fact.step() {
        record.follow(step.version(), at, step);
    }
    console.records.kept(line, at, fact);
    Ok(record)
}

/// What the changes say of the kind of call: nothing, that nobody knows it any more, or which.
fn disposition(changes: &Changes) -> Option<Option<Disposition>> {
    let said = changes.get(&Field::Disposition)?;
    let known = |value: &crate::incident::Value| {
        Disposition::ALL.into_iter().find(|known| known.word() == value.shown())
    };
    Some(said.as_ref().and_then(known))
}

/// Tells the calls what the form says that they were. The record has it already: a switchboard that
/// does not answer takes nothing back.
async fn dispose(
    console: &Console,
    calls: &[crate::store::CallNumber],
    said: Option<Option<Disposition>>,
    by: &str,
) {
    let Some(disposition) = said else { return };
    for call in calls {
        let order = Order::Dispose { call: call.call, disposition, by: by.to_owned() };
        if let Err(error) = console.desk.order(order).await {
            tracing::warn!(call = %call.call, %error, "what kind of call it was is in its form only");
        }
    }
}

fn reason(why: &str) -> Result<Private<String>, Problem> {
    bounded("why", why)?;
    let why = why.trim();
    if why.is_empty() {
        return Err(Problem::bad_body("why is empty: the record needs a reason"));
    }
    Ok(Private::new(why.to_owned()))
}
