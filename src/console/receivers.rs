//! Receivers elsewhere: how far each was told, and what it refused.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::Console;
use super::access::Holder;
use super::problem::Problem;
use crate::agencies::{DeadLetter, Outbox};
use crate::store::At;

/// Receivers.
#[derive(Serialize, ToSchema)]
pub(super) struct Receivers {
    /// In the order of the configuration.
    receivers: Vec<Receiver>,
}

/// One receiver.
#[derive(Serialize, ToSchema)]
struct Receiver {
    /// Its name.
    name: String,
    /// The last line of the journal that it was told of.
    after: u64,
    /// Why it cannot be reached; null while it can.
    trouble: Option<String>,
    /// Since when.
    since: Option<At>,
    /// How many letters it has refused.
    refused: usize,
}

impl From<&Outbox> for Receiver {
    fn from(outbox: &Outbox) -> Self {
        let view = outbox.view();
        Self {
            name: outbox.name().to_owned(),
            after: view.after,
            trouble: view.trouble,
            since: view.since.map(At),
            refused: view.dead,
        }
    }
}

/// Who is told what happens here, and how it goes.
#[utoipa::path(get, path = "/api/v1/receivers", tag = "receivers", responses(
    (status = 200, description = "Receivers", body = Receivers),
    (status = 401, description = "No token", body = Problem)))]
pub(super) async fn list(State(console): State<Console>) -> Json<Receivers> {
    Json(Receivers { receivers: console.desk.receivers().iter().map(Receiver::from).collect() })
}

/// What a receiver refused.
#[derive(Serialize, ToSchema)]
pub(super) struct Refused {
    /// The oldest first.
    letters: Vec<RefusedLetter>,
}

/// One letter; what it says stands in the record that it is about.
#[derive(Serialize, ToSchema)]
struct RefusedLetter {
    /// Its id: the number of the journal's line, and of the letter in it.
    id: String,
    /// What it is about.
    kind: String,
    /// When it was refused.
    at: At,
    /// With which HTTP status.
    status: u16,
    /// It is being sent again.
    asked_again: bool,
}

impl From<DeadLetter> for RefusedLetter {
    fn from(letter: DeadLetter) -> Self {
        let DeadLetter { id, kind, at, status, asked_again, .. } = letter;
        Self { id, kind, at: At(at), status, asked_again }
    }
}

/// What a receiver refused and nobody has sent again.
#[utoipa::path(get, path = "/api/v1/receivers/{name}/refused", tag = "receivers",
    params(("name" = String, Path, description = "The receiver's name")), responses(
    (status = 200, description = "Letters", body = Refused),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such receiver", body = Problem)))]
pub(super) async fn refused(
    State(console): State<Console>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<Refused>, Problem> {
    let Path(name) = name.map_err(|_| Problem::unknown_id("receiver", ""))?;
    let outbox = outbox(&console, &name)?;
    Ok(Json(Refused { letters: outbox.dead().into_iter().map(RefusedLetter::from).collect() }))
}

/// Sends a refused letter once more.
#[utoipa::path(post, path = "/api/v1/receivers/{name}/refused/{id}/send", tag = "receivers",
    params(("name" = String, Path, description = "The receiver's name"),
        ("id" = String, Path, description = "The letter's id")), responses(
    (status = 202, description = "It is sent after what waits"),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such receiver or letter", body = Problem)))]
pub(super) async fn send(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let Path((name, id)) = path.map_err(|_| Problem::unknown_id("receiver", ""))?;
    if !outbox(&console, &name)?.send_again(&id) {
        return Err(Problem::unknown_id("letter", &id));
    }
    console.desk.audit(&holder.name, "letter sent again", &format!("{name} {id}"));
    Ok(StatusCode::ACCEPTED)
}

fn outbox<'a>(console: &'a Console, name: &str) -> Result<&'a Outbox, Problem> {
    let found = console.desk.receivers().iter().find(|outbox| outbox.name() == name);
    found.ok_or_else(|| Problem::unknown_id("receiver", name))
}
