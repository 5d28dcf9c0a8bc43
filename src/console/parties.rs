//! More than two in a call: bringing somebody in, their part, letting them go, talking in private.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Console;
use super::access::Holder;
use super::body::{bounded, call_id, read};
use super::problem::Problem;
use crate::call::table::Part;
use crate::switchboard::orders::{Answer, Order};
use crate::vocabulary::CallId;

/// Whom to bring in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Bring {
    /// The name of a seat, or a number.
    to: String,
    /// `talk` (hears all, heard by all), `listen` (heard by nobody) or `whisper` (heard by the
    /// operator alone).
    #[schema(value_type = String)]
    part: Part,
}

/// Who is being called.
#[derive(Serialize, ToSchema)]
pub(super) struct Brought {
    /// The number by which they are known in the call.
    party: u8,
}

/// Calls somebody and brings them into a call, whose talk goes on meanwhile.
#[utoipa::path(post, path = "/api/v1/calls/{id}/parties", tag = "live", request_body = Bring,
    params(("id" = String, Path, description = "The call's id")), responses(
    (status = 202, description = "They are being called", body = Brought),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such live call", body = Problem),
    (status = 409, description = "Nobody talks, or they cannot be called now", body = Problem)))]
pub(super) async fn bring(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Brought>), Problem> {
    let call = call_id(id)?;
    let Bring { to, part } = read(body, r#"{"to": "seat-2" | "+62…", "part": "talk"}"#)?;
    bounded("to", &to)?;
    let order = Order::Join { call, to, part, by: holder.name };
    let Answer::Invited(party) = console.desk.order(order).await? else {
        return Err(Problem::bad_body("nobody was called".to_owned()));
    };
    Ok((StatusCode::ACCEPTED, Json(Brought { party })))
}

/// Another part for somebody, or their voice; what is not written stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPart {
    /// As when they were brought in.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    part: Option<Part>,
    /// Nobody hears them, whatever their part.
    #[serde(default)]
    muted: Option<bool>,
}

/// Changes the part that somebody plays: a supervisor who listens may whisper, or join the talk.
#[utoipa::path(patch, path = "/api/v1/calls/{id}/parties/{party}", tag = "live",
    request_body = NewPart, params(
    ("id" = String, Path, description = "The call's id"),
    ("party" = u8, Path, description = "Their number in the call")), responses(
    (status = 204, description = "Done"),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such live call", body = Problem),
    (status = 409, description = "Nobody of that number takes part", body = Problem)))]
pub(super) async fn change(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    place: Result<Path<(String, String)>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let (call, party) = party(place)?;
    let form = r#"{"part": "talk" | "listen" | "whisper", "muted": true}"#;
    let NewPart { part, muted } = read(body, form)?;
    if part.is_none() && muted.is_none() {
        return Err(Problem::bad_body(format!("write what is to change: {form}")));
    }
    console.desk.order(Order::SetPart { call, party, part, muted, by: holder.name }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets somebody go who takes part, or calls them no longer.
#[utoipa::path(delete, path = "/api/v1/calls/{id}/parties/{party}", tag = "live", params(
    ("id" = String, Path, description = "The call's id"),
    ("party" = u8, Path, description = "Their number in the call")), responses(
    (status = 204, description = "Done"),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such live call", body = Problem),
    (status = 409, description = "Nobody of that number takes part", body = Problem)))]
pub(super) async fn remove(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    place: Result<Path<(String, String)>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let (call, party) = party(place)?;
    console.desk.order(Order::Remove { call, party, by: holder.name }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives the caller to somebody who takes part; the operator is let go.
#[utoipa::path(post, path = "/api/v1/calls/{id}/parties/{party}/take-over", tag = "live", params(
    ("id" = String, Path, description = "The call's id"),
    ("party" = u8, Path, description = "Their number in the call")), responses(
    (status = 204, description = "Done"),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such live call", body = Problem),
    (status = 409, description = "Nobody of that number takes part", body = Problem)))]
pub(super) async fn take_over(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    place: Result<Path<(String, String)>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let (call, party) = party(place)?;
    console.desk.order(Order::TakeOver { call, party, by: holder.name }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether the caller hears the talk.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Private {
    /// The caller hears music or silence, and is heard by the operator alone.
    private: bool,
}

/// Lets the operator talk in private with those who were brought in, or with the caller again.
#[utoipa::path(post, path = "/api/v1/calls/{id}/private", tag = "live", request_body = Private,
    params(("id" = String, Path, description = "The call's id")), responses(
    (status = 204, description = "Done"),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such live call", body = Problem),
    (status = 409, description = "Nobody talks in the call", body = Problem)))]
pub(super) async fn private(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let call = call_id(id)?;
    let Private { private } = read(body, r#"{"private": true}"#)?;
    console.desk.order(Order::SetPrivate { call, private, by: holder.name }).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn party(place: Result<Path<(String, String)>, PathRejection>) -> Result<(CallId, u8), Problem> {
    let Path((id, party)) = place.map_err(|_| Problem::unknown_id("call", ""))?;
    let call = id.parse().map_err(|_| Problem::unknown_id("call", &id))?;
    let party = party.parse().map_err(|_| Problem::unknown_id("party", &party))?;
    Ok((call, party))
}
