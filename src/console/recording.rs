//! Plays a recording from disk, whole or in parts (RFC 9110 §14). The file name comes from the
//! record, never from the request.

use std::path::{Component, Path as FilePath};

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::io::{AsyncReadExt, AsyncSeekExt, SeekFrom};
use tokio_util::io::ReaderStream;

use super::Console;
use super::access::Holder;
use super::incidents::find;
use super::problem::Problem;

/// What was recorded under an id: the incident and the name of its file. A call back has a recording and
/// no incident of its own.
async fn recorded(console: &Console, id: &str) -> Result<(String, String), Problem> {
    let missing = match find(console, id).await {
        Ok(incident) => {
            let none = || Problem::no_recording("This incident has no recording.");
            let recording = incident.recording.filter(|r| !r.file.is_empty()).ok_or_else(none)?;
            return Ok((incident.summary.id, recording.file));
        }
        Err(missing) => missing,
    };
    let file = console.desk.store().recording_of(id).await?;
    file.map(|file| (id.to_ascii_lowercase(), file)).ok_or(missing)
}

/// The recording of an incident as WAV: the caller left, the operator right.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/recording", tag = "incidents", params(
    ("id" = String, Path, description = "The incident's id, or its call's, or that of a call back"),
    ("Range" = Option<String>, Header, description = "`bytes=first-last`; one range")),
    responses(
    (status = 200, description = "The file", content_type = "audio/wav"),
    (status = 206, description = "The part asked for", content_type = "audio/wav"),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such incident, or it has no recording", body = Problem),
    (status = 416, description = "The range lies outside", body = Problem)))]
pub(super) async fn play(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Path(id) = id.map_err(|_| Problem::unknown_id("incident", ""))?;
    let (subject, name) = recorded(&console, &id).await?;
    let gone = || Problem::no_recording("The record names a recording, but its file is not there.");
    let file = FilePath::new(&name);
    if !file.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(gone());
    }
    let path = console.desk.recordings().join(file);
    let mut file = tokio::fs::File::open(&path).await.map_err(|error| {
        tracing::warn!(incident = subject, %error, "a recording cannot be opened");
        gone()
    })?;
    let length = file.metadata().await.map_err(|_| gone())?.len();
    let asked = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let part = match asked.map_or(Range::Whole, |range| parse(range, length)) {
        Range::Whole => None,
        Range::Part(first, last) => Some((first, last)),
        Range::Outside => {
            let mut response = Problem::range_outside(length).into_response();
            let value = format!("bytes */{length}").parse().map_err(|_| gone())?;
            response.headers_mut().insert(header::CONTENT_RANGE, value);
            return Ok(response);
        }
    };
    console.desk.audit(&holder.0, "recording played", &subject);
    let (first, last) = part.unwrap_or((0, length.saturating_sub(1)));
    file.seek(SeekFrom::Start(first)).await.map_err(|_| gone())?;
    let bytes = if length == 0 { 0 } else { last - first + 1 };
    let answer = Response::builder()
        .header(header::CONTENT_TYPE, "audio/wav")
        .header(header::CONTENT_LENGTH, bytes)
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::CONTENT_DISPOSITION, format!("inline; filename=\"{subject}.wav\""));
    let answer = match part {
        None => answer.status(StatusCode::OK),
        Some(_) => answer
            .status(StatusCode::PARTIAL_CONTENT)
            .header(header::CONTENT_RANGE, format!("bytes {first}-{last}/{length}")),
    };
    answer.body(Body::from_stream(ReaderStream::new(file.take(bytes)))).map_err(|_| gone())
}

#[derive(Debug, PartialEq, Eq)]
enum Range {
    /// No range, or one that we do not know: the whole file is a right answer to it.
    Whole,
    /// First and last byte.
    Part(u64, u64),
    /// Nothing of it is there.
    Outside,
}

fn parse(header: &str, length: u64) -> Range {
    let Some(spec) = header.trim().strip_prefix("bytes=") else { return Range::Whole };
    let Some((first, last)) = spec.split_once('-') else { return Range::Whole };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let (first, last) = match (first.trim(), last.trim()) {
        ("", last) => match number(last) {
            None => return Range::Whole,
            Some(0) => return Range::Outside,
            Some(tail) => (length.saturating_sub(tail), length.saturating_sub(1)),
        },
        (first, "") => match number(first) {
            None => return Range::Whole,
            Some(first) => (first, length.saturating_sub(1)),
        },
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => {
                (first, last.min(length.saturating_sub(1)))
            }
            _ => return Range::Whole,
        },
    };
    if first >= length { Range::Outside } else { Range::Part(first, last) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_follow_rfc_9110() {
        for (header, wanted) in [
            ("bytes=0-0", Range::Part(0, 0)),
            ("bytes=2-4", Range::Part(2, 4)),
            ("bytes=2-", Range::Part(2, 9)),
            ("bytes=8-99", Range::Part(8, 9)),
            ("bytes=-3", Range::Part(7, 9)),
            ("bytes=-99", Range::Part(0, 9)),
            ("bytes=-0", Range::Outside),
            ("bytes=10-", Range::Outside),
            ("bytes=10-12", Range::Outside),
            ("bytes=4-2", Range::Whole),
            ("bytes=0-1,3-4", Range::Whole),
            ("bytes=x-", Range::Whole),
            ("bytes=", Range::Whole),
            ("lines=0-1", Range::Whole),
        ] {
            assert_eq!(parse(header, 10), wanted, "{header}");
        }
        assert_eq!(parse("bytes=0-", 0), Range::Outside);
        assert_eq!(parse("bytes=-5", 0), Range::Outside);
    }
}
