//! The alarms of this moment, and seeing them. What an alarm means stands in the manual; here it is told
//! that it was, how often, and whether somebody has seen it.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::Holder;
use super::body::read;
use super::problem::Problem;
use super::{Console, Desk};
use crate::store::{At, Seen};

/// Alarms.
#[derive(Serialize, ToSchema)]
pub(super) struct Alarms {
    /// When this was so.
    at: At,
    /// What is wrong now first; then the newest first.
    alarms: Vec<LiveAlarm>,
}

/// One alarm.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(super) struct LiveAlarm {
    /// Its name, `journal-slow`; of a part that does not work now `part-journal`, `part-store`,
    /// `part-recording`, `part-media` or `part-config`.
    id: String,
    /// What was told last.
    detail: String,
    /// Whether it is so at this moment: it ends by itself, and cannot be taken as seen before.
    standing: bool,
    /// How often it was told since somebody has seen it last.
    count: u64,
    /// When it was told first since then.
    first_at: At,
    /// When it was told last.
    last_at: At,
    /// Who has seen it.
    seen_by: Option<String>,
    /// When.
    seen_at: Option<At>,
}

/// What is wrong now, and what was told since the start.
pub(super) fn list(desk: &dyn Desk) -> Vec<LiveAlarm> {
    let standing = desk.health().checks.into_iter().filter_map(|check| {
        let (detail, since) = check.trouble?;
        Some(LiveAlarm {
            id: format!("part-{}", check.check.word()),
            detail,
            standing: true,
            count: 1,
            first_at: At(since),
            last_at: At(since),
            seen_by: None,
            seen_at: None,
        })
    });
    let told = desk.alarms().list(desk.now()).into_iter().map(|alarm| {
        let (seen_by, seen_at) = alarm.seen.unzip();
        LiveAlarm {
            id: alarm.name,
            detail: alarm.detail,
            standing: false,
            count: alarm.count,
            first_at: At(alarm.first),
            last_at: At(alarm.last),
            seen_by,
            seen_at: seen_at.map(At),
        }
    });
    standing.chain(told).collect()
}

/// Alarms that nobody has seen, and those of the last day.
#[utoipa::path(get, path = "/api/v1/alarms", tag = "live", responses(
    (status = 200, description = "Alarms", body = Alarms),
    (status = 401, description = "No token", body = Problem)))]
pub(super) async fn show(State(console): State<Console>) -> Json<Alarms> {
    Json(Alarms { at: At(console.desk.now()), alarms: list(&*console.desk) })
}

/// What was seen of an alarm.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SeenBody {
    /// `last_at` as the list showed it: one that came after it is not taken as seen.
    #[serde(default)]
    last_at: Option<At>,
}

/// Takes an alarm as seen; when it comes again it is a new one. Who has seen it, and when, outlives a restart.
#[utoipa::path(post, path = "/api/v1/alarms/{id}/seen", tag = "live",
    request_body = Option<SeenBody>,
    params(("id" = String, Path, description = "The alarm's name")), responses(
    (status = 204, description = "Done, and on disk"),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such alarm that nobody has seen", body = Problem),
    (status = 409, description = "It was told again meanwhile: look at it first", body = Problem),
    (status = 503, description = "The disk refuses; it is seen, and a restart may forget it",
     body = Problem)))]
pub(super) async fn see(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let Path(id) = id.map_err(|_| Problem::unknown_id("alarm", ""))?;
    let empty = body.as_ref().is_ok_and(Bytes::is_empty);
    let wanted = r#"{"last_at": "last_at of the list"} or nothing"#;
    let SeenBody { last_at } = if empty { SeenBody::default() } else { read(body, wanted)? };
    let (alarms, now) = (console.desk.alarms(), console.desk.now());
    match alarms.see(now, &id, &holder.name, last_at.map(|last| last.0)) {
        Seen::Done => {}
        Seen::Unknown => return Err(Problem::unknown_id("alarm", &id)),
        Seen::Newer(last) => {
            let last = last.to_rfc3339();
            let detail = format!("{id} was told again at {last}; look at it, and send that time");
            return Err(Problem::not_now(detail));
        }
    }
    console.desk.audit(&holder.name, "alarm seen", &id);
    let (data, line) = (console.desk.data(), *console.desk.journal().1.borrow());
    let kept = tokio::task::spawn_blocking(move || alarms.keep(&data, line)).await;
    let why = match kept {
        Ok(Ok(())) => return Ok(StatusCode::NO_CONTENT),
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    Err(Problem::disk_refuses(format!("it is seen, and could not be written down: {why}")))
}
