//! What a person may change in the queue: a seat's status and wrap-up, and who is taken out of turn.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Console;
use super::access::Holder;
use super::body::{bounded, call_id, read};
use super::own::check_seat;
use super::permissions::Grant;
use super::problem::Problem;
use crate::switchboard::orders::{Order, SeatStatus};
use crate::vocabulary::Lane;

/// The longest wrap-up that may be asked for, in seconds; a queue may allow less.
const WRAP_UP: u32 = 3600;

/// What a seat is set to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetSeat {
    /// `ready` or `paused`.
    #[schema(value_type = String)]
    status: SeatStatus,
    /// Why it pauses; with `ready` the one pause that is taken back, all of them without it. Up to
    /// 200 characters.
    #[serde(default)]
    reason: String,
}

/// Sets a seat's status. A seat that talks stays in its call; the status counts from its end.
#[utoipa::path(post, path = "/api/v1/seats/{id}/status", tag = "live", request_body = SetSeat,
    params(("id" = String, Path, description = "The seat's name")), responses(
    (status = 204, description = "Done"),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such seat", body = Problem)))]
pub(super) async fn set_seat(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let Path(id) = id.map_err(|_| Problem::unknown_id("seat", ""))?;
    let set: SetSeat = read(body, r#"{"status": "ready" | "paused", "reason": "…"}"#)?;
    bounded("reason", &set.reason)?;
    let order =
        Order::SetSeat { seat: id.into(), status: set.status, reason: set.reason, by: holder.name };
    console.desk.order(order).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How much longer an operator needs after a talk.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WrapUp {
    /// From now on; 1 to 3600.
    seconds: u32,
}

/// Lets an operator finish writing: the seat gets no call for so many seconds from now on, within
/// the bound of its queue.
#[utoipa::path(post, path = "/api/v1/seats/{id}/wrap-up", tag = "live", request_body = WrapUp,
    params(("id" = String, Path, description = "The seat's name")), responses(
    (status = 204, description = "Done"),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such seat", body = Problem),
    (status = 409, description = "The seat is not in its wrap-up", body = Problem)))]
pub(super) async fn wrap_up(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let Path(id) = id.map_err(|_| Problem::unknown_id("seat", ""))?;
    let WrapUp { seconds } = read(body, r#"{"seconds": 60}"#)?;
    if !(1..=WRAP_UP).contains(&seconds) {
        return Err(Problem::bad_body(format!("seconds are 1 to {WRAP_UP}")));
    }
    let order = Order::ExtendWrapUp { seat: id.into(), seconds, by: holder.name };
    console.desk.order(order).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Where a caller is to wait.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MoveTo {
    /// In this queue; where it is when left out.
    #[serde(default)]
    queue: Option<String>,
    /// 0 to 9, highest first; as it is when left out.
    #[serde(default)]
    priority: Option<u8>,
    /// `usual`, `silent` or `nuisance`; as it is when left out. What is heard of the caller changes it no more.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    lane: Option<Lane>,
}

/// Lets a caller who waits, wait in another queue, with another priority or in another lane. Among those of the same
/// priority the time of arrival decides as before; new rules of routing leave the call there.
#[utoipa::path(post, path = "/api/v1/calls/{id}/move", tag = "live", request_body = MoveTo,
    params(("id" = String, Path, description = "The call's id")), responses(
    (status = 204, description = "Done"),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such live call, or no such queue", body = Problem),
    (status = 409, description = "The call does not wait", body = Problem)))]
pub(super) async fn move_call(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let call = call_id(id)?;
    let wanted = r#"{"queue": "darurat", "priority": 9, "lane": "usual"}, one of them at least"#;
    let MoveTo { queue, priority, lane } = read(body, wanted)?;
    let nothing = queue.is_none() && priority.is_none() && lane.is_none();
    if priority.is_some_and(|priority| priority > 9) || nothing {
        return Err(Problem::bad_body(format!("wanted is {wanted}; priorities are 0 to 9")));
    }
    let queue = queue.map(Into::into);
    let by = holder.name.clone();
    console.desk.order(Order::Move { call, queue, priority, lane, by }).await?;
    console.desk.audit(&holder.name, "waiting call moved", &call.to_string());
    Ok(StatusCode::NO_CONTENT)
}

/// For which seat.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ForSeat {
    /// The seat's name.
    seat: String,
}

impl ForSeat {
    pub(super) fn read(body: Result<Bytes, BytesRejection>) -> Result<String, Problem> {
        let Self { seat } = read(body, r#"{"seat": "seat-1"}"#)?;
        Ok(seat)
    }
}

/// Takes a caller who waits, or rings elsewhere, for a seat, out of turn.
#[utoipa::path(post, path = "/api/v1/calls/{id}/pick-up", tag = "live", request_body = ForSeat,
    params(("id" = String, Path, description = "The call's id")), responses(
    (status = 204, description = "The seat rings"),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such live call, or no such seat", body = Problem),
    (status = 409, description = "Somebody talks already, or the seat is not free",
     body = Problem)))]
pub(super) async fn pick_up(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    Extension(grant): Extension<Grant>,
    id: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let call = call_id(id)?;
    let seat = ForSeat::read(body)?.into();
    check_seat(&console, &holder, grant, &seat).await?;
    console.desk.order(Order::PickUp { call, seat, by: holder.name }).await?;
    Ok(StatusCode::NO_CONTENT)
}
