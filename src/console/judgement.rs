//! What people say of a call afterwards: its kind, and whether its number is a nuisance. A mark
//! changes the order of waiting only, and expires.

use std::collections::BTreeSet;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::Holder;
use super::body::read;
use super::live::board;
use super::problem::Problem;
use super::records::to_judge;
use super::{Console, DeskError};
use crate::screening::{Disposition, Mark};
use crate::store::{At, CallNumber};
use crate::switchboard::orders::{Answer, Order};
use crate::vocabulary::Private;

/// The longest mark, in hours: a year.
const HOURS: u32 = 8_760;

/// What a call must have been for its number to be marked: no mark may come from a caller in need,
/// nor from a mistake of ours or of a network.
const NUISANCES: [Disposition; 3] =
    [Disposition::Prank, Disposition::Ghost, Disposition::Information];

/// What kind of call it was.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Judgement {
    /// `normal`, `prank`, `ghost`, `information`, `misrouted`, `test`, `callback` or `abandoned`.
    #[schema(value_type = String)]
    disposition: Disposition,
    /// The version of the record that whoever says it has seen: what somebody else has said since is then
    /// a conflict. Left out: the last word counts.
    #[serde(default)]
    version: Option<u64>,
    /// Marks its number as a nuisance, too: only with `prank`, `ghost` or `information`.
    #[serde(default)]
    nuisance: bool,
    /// For so many hours, 1 to 8760; as configured when left out.
    #[serde(default)]
    hours: Option<u32>,
}

/// Says what kind of call it was, as often as somebody knows better, as long as the record is open.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/disposition", tag = "incidents",
    request_body = Judgement,
    params(("id" = String, Path, description = "The incident's id, or its call's")), responses(
    (status = 204, description = "Done"),
    (status = 400, description = "The body is not understood, or its nuisance does not go with its \
     disposition", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such incident", body = Problem),
    (status = 409, description = "Somebody else has said something else since `version`; or the record \
     is closed or merged; or its number cannot be marked. Nothing was changed", body = Problem)))]
pub(super) async fn dispose(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let Path(id) = id.map_err(|_| Problem::unknown_id("incident", ""))?;
    let wanted = r#"{"disposition": "normal", "version": 7, "nuisance": false, "hours": 24}"#;
    let Judgement { disposition, version, nuisance, hours } = read(body, wanted)?;
    if hours.is_some_and(|hours| !nuisance || !(1..=HOURS).contains(&hours)) {
        let detail = format!("hours are 1 to {HOURS}, and only with \"nuisance\": true");
        return Err(Problem::bad_body(detail));
    }
    if nuisance && !NUISANCES.contains(&disposition) {
        let detail = format!(
            "\"nuisance\": true goes with {} only, not with {}: a mark lets all further calls of \
             the number wait, and this call says nothing against it; nothing was changed",
            NUISANCES.map(Disposition::word).join(", "),
            disposition.word()
        );
        return Err(Problem::bad_body(detail));
    }
    let calls = calls(&console, &id).await?;
    let form = to_judge(&console, &id, disposition, version).await?;
    // The mark first: it is what may be refused, and then nothing was changed.
    let mut marked = BTreeSet::new();
    for CallNumber { call, number } in calls.iter().filter(|_| nuisance) {
        if number.reveal().is_empty() {
            return Err(Problem::not_now("the call came without a number; nothing was changed"));
        }
        if marked.insert(number.clone()) {
            let (number, by) = (number.clone(), holder.name.clone());
            console.desk.order(Order::MarkNumber { call: *call, number, hours, by }).await?;
        }
    }
    for CallNumber { call, .. } in calls {
        let order =
            Order::Dispose { call, disposition: Some(disposition), by: holder.name.clone() };
        console.desk.order(order).await?;
    }
    form.note(&console, &holder.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes the mark of an incident's number back.
#[utoipa::path(delete, path = "/api/v1/incidents/{id}/nuisance", tag = "incidents",
    params(("id" = String, Path, description = "The incident's id, or its call's")), responses(
    (status = 204, description = "Done"),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such incident, or its number is not marked",
     body = Problem)))]
pub(super) async fn clear(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let Path(id) = id.map_err(|_| Problem::unknown_id("incident", ""))?;
    let numbers: BTreeSet<Private<String>> =
        calls(&console, &id).await?.into_iter().map(|call| call.number).collect();
    for number in numbers {
        let order = Order::ClearNumber { number, by: holder.name.clone() };
        console.desk.order(order).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The calls of an incident: of the records, or of the live board while the records do not have it
/// or cannot be read.
async fn calls(console: &Console, id: &str) -> Result<Vec<CallNumber>, Problem> {
    let of = id.to_owned();
    let asked = console.records.ask(console, move |store| {
        let id = of.clone();
        Box::pin(async move {
            let calls = store.calls_of(&id).await?;
            Ok(Some(calls).filter(|calls| !calls.is_empty()))
        })
    });
    let (mut calls, failed) = match asked.await {
        Ok(calls) => (calls.unwrap_or_default(), None),
        Err(problem) => (Vec::new(), Some(problem)),
    };
    if calls.is_empty() {
        let wanted = |call: &crate::switchboard::view::CallView| {
            let is = |known: String| known.eq_ignore_ascii_case(id);
            is(call.incident.to_string()) || is(call.call.to_string())
        };
        let live = board(console).await?.calls.into_iter().filter(wanted);
        calls.extend(live.map(|view| CallNumber { call: view.call, number: view.caller }));
    }
    match failed {
        _ if !calls.is_empty() => Ok(calls),
        Some(problem) => Err(problem),
        None => Err(Problem::unknown_id("incident", id)),
    }
}

/// Marks on numbers.
#[derive(Serialize, ToSchema)]
pub(super) struct Marks {
    /// Those that stand.
    marks: Vec<MarkedNumber>,
}

/// One mark.
#[derive(Serialize, ToSchema)]
struct MarkedNumber {
    /// The number, E.164 where known.
    number: String,
    /// When it was marked last.
    at: At,
    /// When the mark expires.
    until: At,
    /// Who marked it last.
    by: String,
    /// How often it was marked while a mark stood.
    times: u32,
}

impl From<Mark> for MarkedNumber {
    fn from(mark: Mark) -> Self {
        let Mark { number, at, until, by, times } = mark;
        Self { number: number.reveal().clone(), at: At(at), until: At(until), by, times }
    }
}

/// Numbers that are marked as a nuisance now.
#[utoipa::path(get, path = "/api/v1/marks", tag = "live", responses(
    (status = 200, description = "Marks", body = Marks),
    (status = 401, description = "No token", body = Problem)))]
pub(super) async fn marks(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
) -> Result<Json<Marks>, Problem> {
    let Answer::Marks(marks) = console.desk.order(Order::Marks).await? else {
        return Err(DeskError::Silent.into());
    };
    console.desk.audit(&holder.name, "marks read", "");
    Ok(Json(Marks { marks: marks.into_iter().map(MarkedNumber::from).collect() }))
}
