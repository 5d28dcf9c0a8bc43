//! Reads what a request brings: a body of JSON, small, and nothing in it that we do not know; and whose
//! call it is about.

use axum::body::Bytes;
use axum::extract::Path;
use axum::extract::rejection::{BytesRejection, PathRejection};
use serde::de::DeserializeOwned;

use super::BODY_BYTES;
use super::problem::Problem;
use crate::vocabulary::CallId;

/// Longest text that a person may write with a change, in characters.
pub(super) const WORDS: usize = 200;

/// The body as the value that is `wanted`, which is said when it is something else.
pub(super) fn read<T: DeserializeOwned>(
    body: Result<Bytes, BytesRejection>,
    wanted: &str,
) -> Result<T, Problem> {
    read_large(body, BODY_BYTES, wanted)
}

/// The same where a request may bring more.
pub(super) fn read_large<T: DeserializeOwned>(
    body: Result<Bytes, BytesRejection>,
    limit: usize,
    wanted: &str,
) -> Result<T, Problem> {
    let body = body.map_err(|_| Problem::body_too_large(limit))?;
    serde_json::from_slice(&body)
        .map_err(|error| Problem::bad_body(format!("{error}; wanted is {wanted}")))
}

/// The call that the path names.
pub(super) fn call_id(id: Result<Path<String>, PathRejection>) -> Result<CallId, Problem> {
    let Path(id) = id.map_err(|_| Problem::unknown_id("call", ""))?;
    id.parse().map_err(|_| Problem::unknown_id("call", &id))
}

/// Refuses a text that is too long for a record.
pub(super) fn bounded(name: &str, text: &str) -> Result<(), Problem> {
    if text.chars().count() > WORDS {
        return Err(Problem::bad_body(format!("{name} is longer than {WORDS} characters")));
    }
    Ok(())
}
