//! The work list: callers who were lost and are to be called back. One press calls; an entry closes
//! when somebody answers, when the caller rings again, or when a person says why.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::Holder;
use super::body::{bounded, read};
use super::own::check_seat;
use super::permissions::Grant;
use super::problem::Problem;
use super::queue::ForSeat;
use super::{Console, DeskError};
use crate::screening::{Attempt, WorkEntry, WorkId};
use crate::store::At;
use crate::switchboard::orders::{Answer, Order};

/// Who is to be called back.
#[derive(Serialize, ToSchema)]
pub(super) struct WorkList {
    /// The oldest first.
    work: Vec<OpenWork>,
}

/// One caller who is to be called back.
#[derive(Serialize, ToSchema)]
struct OpenWork {
    /// The entry.
    id: String,
    /// The incident of the call that was lost.
    incident: String,
    /// The call that was lost.
    call: String,
    /// `abandoned`, `ghost-with-noise` or `dropped`.
    kind: &'static str,
    /// The number to call; null when the caller cannot be called.
    number: Option<String>,
    /// When the call was lost.
    at: At,
    /// Attempts so far.
    attempts: Vec<Tried>,
}

/// One attempt to call back.
#[derive(Serialize, ToSchema)]
#[schema(as = TriedToReach)]
struct Tried {
    /// Its call.
    call: String,
    /// The seat that calls.
    seat: String,
    /// When it began.
    at: At,
    /// `answered`, `no-answer`, `busy`, `unreachable`, `forwarded` or `seat-left`; null while it
    /// goes on.
    outcome: Option<&'static str>,
}

impl From<Attempt> for Tried {
    fn from(attempt: Attempt) -> Self {
        Self {
            call: attempt.call.to_string(),
            seat: attempt.seat.to_string(),
            at: At(attempt.at),
            outcome: attempt.outcome.map(crate::screening::WorkOutcome::word),
        }
    }
}

impl From<WorkEntry> for OpenWork {
    fn from(entry: WorkEntry) -> Self {
        Self {
            id: entry.id.to_string(),
            incident: entry.incident.to_string(),
            call: entry.call.to_string(),
            kind: entry.kind.word(),
            number: entry.number.map(|number| number.reveal().clone()),
            at: At(entry.at),
            attempts: entry.attempts.into_iter().map(Tried::from).collect(),
        }
    }
}

/// Who is to be called back, the oldest first.
#[utoipa::path(get, path = "/api/v1/work-list", tag = "work list", responses(
    (status = 200, description = "Open entries", body = WorkList),
    (status = 401, description = "No token", body = Problem)))]
pub(super) async fn list(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
) -> Result<Json<WorkList>, Problem> {
    let Answer::Work(work) = console.desk.order(Order::WorkList).await? else {
        return Err(DeskError::Silent.into());
    };
    console.desk.audit(&holder.name, "work list read", "");
    Ok(Json(WorkList { work: work.into_iter().map(OpenWork::from).collect() }))
}

/// Calls somebody back: the seat rings, then the number. One attempt at a time for a number.
#[utoipa::path(post, path = "/api/v1/work-list/{id}/call", tag = "work list",
    request_body = ForSeat, params(("id" = String, Path, description = "The entry's id")),
    responses(
    (status = 204, description = "The seat rings"),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such open entry, or no such seat", body = Problem),
    (status = 409, description = "The number is being called, there is none, or the seat is busy",
     body = Problem)))]
pub(super) async fn call(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    Extension(grant): Extension<Grant>,
    id: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let work = work_id(id)?;
    let seat = ForSeat::read(body)?.into();
    check_seat(&console, &holder, grant, &seat).await?;
    console.desk.order(Order::CallBack { work, seat, by: holder.name }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Why an entry is done.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Close {
    /// In a person's words; 1 to 200 characters.
    why: String,
}

/// Closes an entry without a call.
#[utoipa::path(post, path = "/api/v1/work-list/{id}/close", tag = "work list",
    request_body = Close, params(("id" = String, Path, description = "The entry's id")),
    responses(
    (status = 204, description = "Done"),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such open entry", body = Problem)))]
pub(super) async fn close(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let work = work_id(id)?;
    let Close { why } = read(body, r#"{"why": "reached by the camat"}"#)?;
    bounded("why", &why)?;
    let why = why.trim().to_owned();
    if why.is_empty() {
        return Err(Problem::bad_body("why is empty: the record needs a reason"));
    }
    console.desk.order(Order::CloseWork { work, why, by: holder.name }).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn work_id(id: Result<Path<String>, PathRejection>) -> Result<WorkId, Problem> {
    let unknown = |id: &str| Problem::unknown_id("entry of the work list", id);
    let Path(id) = id.map_err(|_| unknown(""))?;
    id.parse().map_err(|_| unknown(&id))
}
