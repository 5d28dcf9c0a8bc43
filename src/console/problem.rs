//! Every refusal as a problem document (RFC 9457): a stable code, a sentence, what to do.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::accounts::{AccountsError, Limit};
use super::desk::DeskError;
use super::policy::ShownFinding;
use crate::incident::{Conflict, WrongField};
use crate::people::{BookError, PasswordError, Role};
use crate::store::{At, FilterError, StoreError};
use crate::switchboard::orders::Refusal;
use crate::vocabulary::OperatorId;

/// After how many seconds to come again when calls go first.
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
    #[schema(value_type = String)]
    detail: Box<str>,
    /// Mistakes of a configuration.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    findings: Box<[ShownFinding]>,
    /// After how many seconds to come again.
    #[serde(skip)]
    retry_after: Option<u32>,
    /// Each field that is refused, where it is about fields.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: Box<[FieldProblem]>,
    /// The version to go on from, where somebody else has changed the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
}

/// A field that is refused.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct FieldProblem {
    /// Its name; an agency's is `agencies.NAME`.
    field: String,
    /// What it takes, or who has changed it.
    detail: String,
    /// What was to be written, where somebody else has changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    yours: Option<Value>,
    /// What they wrote; left out where they cleared it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    theirs: Option<Value>,
    /// Who.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<At>,
}

impl Problem {
    fn new(status: StatusCode, code: &str, title: &'static str, detail: impl Into<String>) -> Self {
        let kind = format!("urn:siaga112:problem:{code}");
        Self {
            kind,
            status: status.as_u16(),
            title,
            detail: detail.into().into(),
            findings: Box::default(),
            retry_after: None,
            errors: Box::default(),
            version: None,
        }
    }

    pub(super) fn no_token_configured() -> Self {
        let detail = "The API is closed because nobody is known. Make the first admin on the machine: \
                      siaga112 passwd --person NAME --role admin --config DIR; or add a \
                      [[console.token]] with name and token to gateway.toml and restart.";
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

    pub(super) fn mistakes(detail: String, findings: Vec<ShownFinding>) -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let problem = Self::new(status, "mistakes", "The configuration has mistakes", detail);
        Self { findings: findings.into(), ..problem }
    }

    pub(super) fn records_away() -> Self {
        let detail = "The records cannot be read now; calls go on. /readyz and the log say why.";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::new(status, "store-failed", "Records not available", detail)
    }

    pub(super) fn disk_refuses(why: String) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::new(status, "disk-refuses", "The disk refuses", why)
    }

    pub(super) fn session_over() -> Self {
        let detail = "The session is over. Log in again.";
        Self::new(StatusCode::UNAUTHORIZED, "session-over", "Log in again", detail)
    }

    pub(super) fn forged() -> Self {
        let detail = "With the cookie alone everything but GET needs the header X-Siaga112: 1, and no \
                      page of another host may ask. Programs send Authorization: Bearer.";
        Self::new(StatusCode::FORBIDDEN, "forged", "Not from a page of ours", detail)
    }

    pub(super) fn no_people() -> Self {
        let detail = "This gateway keeps no people; it opens to configured tokens only.";
        Self::new(StatusCode::NOT_FOUND, "no-people", "No people are kept", detail)
    }

    pub(super) fn limited(limit: Limit) -> Self {
        match limit {
            Limit::Locked => {
                let detail = "The page is covered: POST /api/v1/me/unlock with the password.";
                Self::new(StatusCode::LOCKED, "locked", "Locked", detail)
            }
            Limit::NoSecond => {
                let detail = "Your role comes in with a one-time code beside the password: set it up \
                              with POST /api/v1/me/second-factor.";
                let title = "A second factor is needed";
                Self::new(StatusCode::FORBIDDEN, "second-factor-missing", title, detail)
            }
        }
    }

    pub(super) fn role_may_not(role: Role, may: impl Iterator<Item = Role>) -> Self {
        let may: Vec<&str> = may.map(Role::word).collect();
        let detail =
            format!("You are here as {role}, which may not do this; {} may.", may.join(" and "));
        Self::new(StatusCode::FORBIDDEN, "role-may-not", "Not for this role", detail)
    }

    pub(super) fn kind_not_for(kind: &str, role: Role, may: &[Role]) -> Self {
        let may: Vec<&str> = may.iter().copied().map(Role::word).collect();
        let detail = format!(
            "You are here as {role}, who is not told of {kind:?}; {} may be. Leave it out of kinds.",
            if may.is_empty() { "nobody".to_owned() } else { may.join(" and ") }
        );
        Self::new(StatusCode::FORBIDDEN, "role-may-not", "Not for this role", detail)
    }

    pub(super) fn person_needed(file: &str) -> Self {
        let detail = format!(
            "{file} says what is deleted for ever: a person changes it, who is logged in (POST \
             /api/v1/login). A program's token may read it and have it judged."
        );
        Self::new(StatusCode::FORBIDDEN, "person-needed", "A person is needed", detail)
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

    pub(super) fn signature_wrong() -> Self {
        let detail =
            "hmac is not that of the body before it by [location] aml_key; nothing was kept.";
        Self::new(StatusCode::FORBIDDEN, "signature-wrong", "Wrong signature", detail)
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

    /// Fields do not take what was written; nothing was saved.
    pub(super) fn wrong_fields(wrong: Vec<WrongField>) -> Self {
        let named: Vec<String> =
            wrong.iter().map(|wrong| format!("{} {}", wrong.field, wrong.why)).collect();
        let detail = format!("Nothing was saved. {}.", named.join("; "));
        let (status, title) = (StatusCode::UNPROCESSABLE_ENTITY, "Fields are refused");
        let errors = wrong.into_iter().map(|WrongField { field, why }| FieldProblem {
            field,
            detail: why,
            yours: None,
            theirs: None,
            by: None,
            at: None,
        });
        Self { errors: errors.collect(), ..Self::new(status, "fields-refused", title, detail) }
    }

    /// Somebody else has changed the same fields; nothing was saved.
    pub(super) fn conflict(version: u64, conflicts: Vec<Conflict>) -> Self {
        let named: Vec<String> =
            conflicts.iter().map(|it| format!("{} (by {})", it.field, it.by)).collect();
        let detail = format!(
            "Nothing was saved: since the version that you saw, somebody else has changed {}. Look at \
             what they wrote, and save again with version {version}.",
            named.join(", ")
        );
        let json = |value: &Option<crate::incident::Value>| {
            value.as_ref().and_then(|value| serde_json::to_value(value).ok())
        };
        let errors = conflicts.into_iter().map(|it| FieldProblem {
            field: it.field.to_string(),
            detail: format!("changed by {}", it.by),
            yours: json(&it.yours),
            theirs: json(&it.theirs),
            by: Some(it.by),
            at: Some(At(it.at)),
        });
        let (errors, title) = (errors.collect(), "Somebody else has changed it");
        let problem = Self::new(StatusCode::CONFLICT, "changed-meanwhile", title, detail);
        Self { errors, version: Some(version), ..problem }
    }

    pub(super) fn no_websocket() -> Self {
        let detail = "Events come over a WebSocket (RFC 6455, version 13): Connection: Upgrade, \
                      Upgrade: websocket.";
        Self::new(StatusCode::UPGRADE_REQUIRED, "no-websocket", "A WebSocket is needed", detail)
    }

    pub(super) fn too_many_streams(most: usize) -> Self {
        let detail = format!("{most} clients follow the events already; let one of them go.");
        let (status, title) = (StatusCode::SERVICE_UNAVAILABLE, "Too many clients");
        Self::new(status, "too-many-streams", title, detail)
    }

    pub(super) fn body_too_large(limit: usize) -> Self {
        let detail = format!("The body is longer than {limit} bytes.");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "Body too large", detail)
    }

    pub(super) fn reason_needed() -> Self {
        let detail = "Say why, in 4 to 200 characters: the header Siaga112-Reason, or reason=... in \
                      the query. It is kept in the access log.";
        Self::new(StatusCode::BAD_REQUEST, "reason-needed", "A reason is needed", detail)
    }

    pub(super) fn range_outside(length: u64) -> Self {
        let detail = format!("The recording has {length} bytes.");
        let status = StatusCode::RANGE_NOT_SATISFIABLE;
        Self::new(status, "range-outside", "Range not satisfiable", detail)
    }

    pub(super) fn overloaded() -> Self {
        let detail = "More calls come than can be taken, and they go first. Nothing is lost; try \
                      again in a few seconds.";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let problem = Self::new(status, "overloaded", "Calls go first", detail);
        Self { retry_after: Some(RETRY_AFTER), ..problem }
    }

    pub(super) fn too_many_copies(most: usize) -> Self {
        let detail = format!(
            "{most} copies of records are being made already; try again when one of them is done."
        );
        let (status, title) = (StatusCode::SERVICE_UNAVAILABLE, "Too many copies at once");
        let problem = Self::new(status, "too-many-copies", title, detail);
        Self { retry_after: Some(RETRY_AFTER), ..problem }
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

impl Problem {
    /// The database has not answered while a person waited.
    pub(super) fn records_silent() -> Self {
        tracing::error!("the database did not answer a question about a record in time");
        Self::records_failed()
    }

    fn records_failed() -> Self {
        let detail = "The records cannot be read now; calls go on and nothing is lost. /readyz and \
                      the log say why.";
        let title = "Records not available";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "store-failed", title, detail)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a question to the incident records failed");
        Self::records_failed()
    }
}

impl From<AccountsError> for Problem {
    fn from(error: AccountsError) -> Self {
        let detail = error.to_string();
        let refused = |code, title| Self::new(StatusCode::BAD_REQUEST, code, title, detail.clone());
        match error {
            AccountsError::Wait(wait) => {
                let title = "Too many wrong tries";
                let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "login-wait", title, detail);
                Self {
                    retry_after: Some(u32::try_from(wait.as_secs().max(1)).unwrap_or(u32::MAX)),
                    ..problem
                }
            }
            AccountsError::Wrong { .. } => {
                let detail = "Name or password is wrong, or the account may not log in.";
                let title = "Not logged in";
                Self::new(StatusCode::UNAUTHORIZED, "login-wrong", title, detail)
            }
            AccountsError::CodeNeeded => {
                let detail = "Send the one-time code, or a recovery code, as `code` as well.";
                Self::new(StatusCode::UNAUTHORIZED, "code-needed", "A code is needed", detail)
            }
            AccountsError::WrongCode { .. } => {
                let detail = "The code is wrong, or was used already: wait for the next one.";
                Self::new(StatusCode::UNAUTHORIZED, "code-wrong", "Wrong code", detail)
            }
            AccountsError::Book(BookError::NoPerson(name)) => Self::unknown_id("person", &name),
            AccountsError::Book(BookError::NoToken(name)) => Self::unknown_id("token", &name),
            AccountsError::Book(BookError::Name(_) | BookError::FullName) => {
                refused("bad-body", "The body is not understood")
            }
            AccountsError::Book(_) => Self::not_now(detail),
            AccountsError::Password(PasswordError::Weak(_)) => {
                refused("weak-password", "Too easily guessed")
            }
            _ => {
                tracing::error!(%error, "people cannot be read or changed");
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Self::new(status, "people-failed", "Not possible now", "The log says why.")
            }
        }
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
        let retry_after = self.retry_after;
        let mut response = (status, axum::Json(self)).into_response();
        let headers = response.headers_mut();
        let problem = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, problem);
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"siaga112\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
