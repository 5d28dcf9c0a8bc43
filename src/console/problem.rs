//! Every refusal as a problem document (RFC 9457): a stable code, a sentence, what to do.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::desk::DeskError;
use crate::people::Role;
use crate::store::{FilterError, StoreError};
use crate::switchboard::orders::Refusal;
use crate::vocabulary::OperatorId;

/// The code of the one refusal that says when to come again.
const OVERLOADED: &str = "overloaded";
/// After how many seconds.
const RETRY_AFTER: u32 = 5;

/// A refusal.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Problem {
    /// Stable name of the kind, e.g. `urn:siaga112:problem:unknown-id`.
    #[serde(rename = "type")]
    kind: String,
    /// The HTTP status.
    status: u16,
    /// The kind in words.
    title: &'static str,
    /// What happened and what to do.
    detail: String,
}

impl Problem {
    fn new(status: StatusCode, code: &str, title: &'static str, detail: impl Into<String>) -> Self {
        let kind = format!("urn:siaga112:problem:{code}");
        Self { kind, status: status.as_u16(), title, detail: detail.into() }
    }

    pub(super) fn no_token_configured() -> Self {
        let detail = "The API is closed because no token is configured. Add one to gateway.toml: \
                      [[console.token]] with name = \"…\" and token = \"…\", then reload.";
        Self::new(StatusCode::UNAUTHORIZED, "no-token-configured", "No token configured", detail)
    }

    pub(super) fn token_needed() -> Self {
        let detail = "Send a configured token: Authorization: Bearer <token>.";
        Self::new(StatusCode::UNAUTHORIZED, "token-needed", "A token is needed", detail)
    }

    pub(super) fn token_wrong() -> Self {
        let detail = "The token is none of the configured ones.";
        Self::new(StatusCode::UNAUTHORIZED, "token-wrong", "Unknown token", detail)
    }

    pub(super) fn role_may_not(role: Role, may: impl Iterator<Item = Role>) -> Self {
        let may: Vec<&str> = may.map(Role::word).collect();
        let detail =
            format!("You are here as {role}, which may not do this; {} may.", may.join(" and "));
        Self::new(StatusCode::FORBIDDEN, "role-may-not", "Not for this role", detail)
    }

    pub(super) fn not_own(operator: &OperatorId) -> Self {
        let detail = format!(
            "As call-taker you reach what is your own: the seat where operator {operator} sits, its \
             calls, and the incidents that {operator} answered. This is none of them; a supervisor \
             reaches all."
        );
        Self::new(StatusCode::FORBIDDEN, "not-own", "Not your own", detail)
    }

    pub(super) fn no_operator() -> Self {
        let detail = "As call-taker you reach your own calls, and your account does not say which \
                      operator of seats.toml you are. An admin can set it.";
        Self::new(StatusCode::FORBIDDEN, "no-operator", "No operator", detail)
    }

    pub(super) fn closed_to_all(path: &str) -> Self {
        let detail = format!("{path} has no row in the table of permissions: nobody may use it.");
        Self::new(StatusCode::FORBIDDEN, "closed", "Closed to everybody", detail)
    }

    pub(super) fn unknown_path(path: &str) -> Self {
        let detail = format!("There is nothing at {path}. /api/openapi.json lists what there is.");
        Self::new(StatusCode::NOT_FOUND, "unknown-path", "Unknown path", detail)
    }

    pub(super) fn wrong_method(method: &str, path: &str) -> Self {
        let detail = format!("{path} does not take {method}; the Allow header says what it takes.");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "wrong-method", "Method not allowed", detail)
    }

    pub(super) fn unknown_id(what: &str, id: &str) -> Self {
        let id: String = id.chars().take(40).collect();
        let detail = format!("There is no {what} {id:?}.");
        Self::new(StatusCode::NOT_FOUND, "unknown-id", "No such record", detail)
    }

    pub(super) fn no_recording(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "no-recording", "No recording", detail)
    }

    pub(super) fn damaged_recording(detail: impl Into<String>) -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(status, "recording-damaged", "The recording is damaged", detail)
    }

    pub(super) fn bad_query(detail: impl Into<String>) -> Self {
        let title = "The query is not understood";
        Self::new(StatusCode::BAD_REQUEST, "bad-query", title, detail)
    }

    pub(super) fn not_now(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "not-now", "Not in this state", detail)
    }

    pub(super) fn bad_body(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-body", "The body is not understood", detail)
    }

    pub(super) fn body_too_large(limit: usize) -> Self {
        let detail = format!("The body is longer than {limit} bytes.");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "Body too large", detail)
    }

    pub(super) fn range_outside(length: u64) -> Self {
        let detail = format!("The recording has {length} bytes.");
        let status = StatusCode::RANGE_NOT_SATISFIABLE;
        Self::new(status, "range-outside", "Range not satisfiable", detail)
    }

    pub(super) fn overloaded() -> Self {
        let detail = "More calls come than can be taken, and they go first. Nothing is lost; try \
                      again in a few seconds.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, OVERLOADED, "Calls go first", detail)
    }

    pub(super) fn too_slow() -> Self {
        let detail = "The answer took too long; try again.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "too-slow", "Too slow", detail)
    }
}

impl From<FilterError> for Problem {
    fn from(error: FilterError) -> Self {
        Self::bad_query(error.to_string())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a question to the incident records failed");
        let detail = "The records cannot be read now; calls go on and nothing is lost. /readyz and \
                      the log say why.";
        let title = "Records not available";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "store-failed", title, detail)
    }
}

impl From<DeskError> for Problem {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Refused(Refusal::NotNow(why)) => Self::not_now(why),
            DeskError::Refused(refusal) => Self::new(
                StatusCode::NOT_FOUND,
                "unknown-id",
                "No such record",
                refusal.to_string(),
            ),
            DeskError::Silent => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "switchboard-silent",
                "The switchboard does not answer",
                "Try again; /readyz says how the gateway is.",
            ),
            DeskError::NotKept => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "not-on-disk",
                "The disk does not take it now",
                "It is held in memory and written as soon as the disk works; do not send it again. \
                 /readyz says how the disk is.",
            ),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let overloaded = self.kind.ends_with(OVERLOADED);
        let mut response = (status, axum::Json(self)).into_response();
        let headers = response.headers_mut();
        let problem = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, problem);
        if overloaded {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER));
        }
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"siaga112\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
