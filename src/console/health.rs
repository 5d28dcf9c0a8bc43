//! The pages for machines: alive, ready, metrics. They need no token and hold nothing personal.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::Console;
use crate::store::At;

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()),
    responses((status = 200, description = "`ok`", body = String)))]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// How the gateway is.
#[derive(Serialize, ToSchema)]
pub(super) struct Ready {
    /// `ok`, `degraded` (calls go on), `starting` or `draining`.
    status: &'static str,
    /// The centre.
    centre: String,
    /// Every check.
    checks: Vec<ReadyCheck>,
}

/// One check.
#[derive(Serialize, ToSchema)]
pub(super) struct ReadyCheck {
    /// `journal`, `store`, `recording`, `media` or `config`.
    name: &'static str,
    /// Whether it works.
    ok: bool,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// Since when it is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<At>,
}

/// Whether new calls are taken. Trouble with disk, database or recordings is shown as `degraded`
/// and is still 200, because calls go on.
#[utoipa::path(get, path = "/readyz", tag = "health", security(()), responses(
    (status = 200, description = "Takes calls", body = Ready),
    (status = 503, description = "Starting or draining", body = Ready)))]
pub(super) async fn readyz(State(console): State<Console>) -> Response {
    let health = console.desk.health();
    let status = if health.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let checks = health.checks.iter().map(|check| ReadyCheck {
        name: check.check.word(),
        ok: check.trouble.is_none(),
        detail: check.trouble.as_ref().map(|(detail, _)| detail.clone()),
        since: check.trouble.as_ref().map(|(_, since)| At(*since)),
    });
    let centre = console.desk.centre();
    let ready = Ready { status: health.status(), centre, checks: checks.collect() };
    (status, Json(ready)).into_response()
}

/// Metrics for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "health", security(()),
    responses((status = 200, description = "Prometheus text format", body = String)))]
pub(super) async fn metrics(State(console): State<Console>) -> Response {
    let text = console.desk.metrics().await;
    ([("content-type", "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}
