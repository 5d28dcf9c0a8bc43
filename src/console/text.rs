//! What is written in a call, and writing to the caller: for operators whose phones have no text.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::Holder;
use super::body::{call_id, read};
use super::problem::Problem;
use super::{Console, DeskError};
use crate::call::writing::{ERASE, NEW_LINE, Written};
use crate::store::At;
use crate::switchboard::orders::{Answer, Order};
use crate::vocabulary::{Party, Private};

/// Longest text that is written at once, in characters: a minute of what a telephone can show.
const LONGEST: usize = 1_000;

/// What is written in a live call.
#[derive(Serialize, ToSchema)]
pub(super) struct Conversation {
    /// The latest lines in their order; those that are being written stand last.
    lines: Vec<TextLine>,
    /// The caller can be written to now.
    can_write: bool,
}

/// A line.
#[derive(Serialize, ToSchema)]
struct TextLine {
    /// When its first letter came.
    at: At,
    /// `caller`, `seat` (a telephone with text) or `staff` (a desk).
    #[schema(value_type = String)]
    by: Party,
    /// A seat, a number, or the name of a token; empty for the caller.
    name: String,
    /// U+FFFD stands for what was lost on the way, U+0008 takes back a letter of the line before.
    text: String,
    /// Its writer is still at it.
    open: bool,
}

impl From<Written> for TextLine {
    fn from(line: Written) -> Self {
        let Written { author, at, text, open } = line;
        let text = text.reveal().clone();
        Self { at: At(at), by: author.by, name: author.name, text, open }
    }
}

/// Shows what is written in a live call, letter by letter for whoever asks again and again.
#[utoipa::path(get, path = "/api/v1/calls/{id}/text", tag = "live",
    params(("id" = String, Path, description = "The call's id")), responses(
    (status = 200, description = "The lines", body = Conversation),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such live call", body = Problem)))]
pub(super) async fn show(
    State(console): State<Console>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Conversation>, Problem> {
    let call = call_id(id)?;
    let Answer::Text(text) = console.desk.order(Order::ReadText { call }).await? else {
        return Err(DeskError::Silent.into());
    };
    let lines = text.lines.into_iter().map(TextLine::from).collect();
    Ok(Json(Conversation { lines, can_write: text.can_write }))
}

/// What to write.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LineToSend)]
pub(super) struct Line {
    /// Up to 1,000 characters; U+0008 takes back the last one.
    text: String,
    /// The line goes on with the next text: for desks that send letter by letter.
    #[serde(default)]
    more: bool,
}

/// Writes to the caller, whose telephone has text; in the record under the token's name.
#[utoipa::path(post, path = "/api/v1/calls/{id}/text", tag = "live", request_body = Line,
    params(("id" = String, Path, description = "The call's id")), responses(
    (status = 204, description = "On its way"),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such live call", body = Problem),
    (status = 409, description = "The caller has no text, or cannot read now", body = Problem)))]
pub(super) async fn write(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let call = call_id(id)?;
    let Line { text, more } = read(body, r#"{"text": "Apa yang terjadi?"}"#)?;
    if text.is_empty() || text.chars().count() > LONGEST {
        return Err(Problem::bad_body(format!("text has 1 to {LONGEST} characters")));
    }
    let mut shown: String = text.replace("\r\n", "\n").replace(['\n', '\r'], "\u{2028}");
    shown.retain(|c| !c.is_control() || c == ERASE);
    if !more && !shown.ends_with(NEW_LINE) {
        shown.push(NEW_LINE);
    }
    let text = Private::new(shown);
    console.desk.order(Order::WriteText { call, text, by: holder.name }).await?;
    Ok(StatusCode::NO_CONTENT)
}
