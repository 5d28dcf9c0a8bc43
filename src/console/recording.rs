//! Plays recordings from disk, whole or in parts (RFC 9110 §14), and the last minute of a call that is
//! going on. File names come from the record, never from the request.

use std::io::ErrorKind;
use std::sync::Arc;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Console;
use super::access::Holder;
use super::body::{bounded, call_id, read};
use super::custody::reason;
use super::incidents::{find, pairs};
use super::live::board;
use super::problem::Problem;
use crate::journal::Fact;
use crate::recording::{Reader, RecordingError};
use crate::store::Recording;

/// Bytes that are read from disk at a time.
const BLOCK: u64 = 64 << 10;
/// Seconds of a live call that are heard again when the request names none.
const REPLAY: u32 = 60;
/// The most of them: five minutes are 10 MB.
const REPLAY_MOST: u32 = 300;

/// The files that were recorded under an id, and whose they are. A call back has recordings and no
/// incident of its own.
async fn recorded(console: &Console, id: &str) -> Result<(String, Vec<Recording>), Problem> {
    let missing = match find(console, id).await {
        Ok(incident) => {
            let files = incident.recording.into_iter().chain(incident.further_recordings);
            return Ok((incident.summary.id, files.collect()));
        }
        Err(missing) => missing,
    };
    let files = console.desk.store().recordings_of(id).await?;
    if files.is_empty() { Err(missing) } else { Ok((id.to_ascii_lowercase(), files)) }
}

/// The file of the part that was asked for.
fn part_of(files: Vec<Recording>, part: i64) -> Result<Recording, Problem> {
    let file = files.into_iter().find(|file| file.part == part && !file.file.is_empty());
    let none = || Problem::no_recording("This incident has no such recording.");
    let file = file.ok_or_else(none)?;
    if file.state == "deleted" {
        let why = file.why.unwrap_or_default();
        return Err(Problem::no_recording(format!("The recording was deleted: {why}.")));
    }
    Ok(file)
}

fn not_opened(subject: &str, error: &RecordingError) -> Problem {
    tracing::warn!(subject, %error, "a recording cannot be opened");
    match error {
        RecordingError::File { source, .. } if source.kind() == ErrorKind::InvalidData => {
            Problem::damaged_recording(
                "It was altered, or its key cannot be used; the log says more.",
            )
        }
        _ => Problem::no_recording("The record names a recording, but its file is not there."),
    }
}

/// Opens and reads where waiting for a disk holds up nobody.
async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Problem::damaged_recording("Reading it failed; the log says why."))
}

/// One value of the query, as a number; every other name is refused.
fn number(query: Option<&str>, name: &str, usual: u32, most: u32) -> Result<u32, Problem> {
    let mut number = usual;
    for (key, value) in pairs(query.unwrap_or_default()).filter(|(key, _)| key != "reason") {
        let wanted = format!("wanted is {name}=1 to {most}");
        if key != name {
            return Err(Problem::bad_query(format!("{key} is not known here; {wanted}")));
        }
        let read = value.parse().ok().filter(|number| (1..=most).contains(number));
        number = read.ok_or_else(|| Problem::bad_query(format!("{name}={value}; {wanted}")))?;
    }
    Ok(number)
}

/// The recording of an incident, WAV or Opus in Ogg: the caller left, the operator right.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/recording", tag = "incidents", params(
    ("id" = String, Path, description = "The incident's id, or its call's, or that of a call back"),
    ("part" = Option<u32>, Query, description = "Which file, where one broke off; 1 when left out"),
    ("reason" = Option<String>, Query,
     description = "Why, 4 to 200 characters, for the access log. Or the header `Siaga112-Reason`"),
    ("Range" = Option<String>, Header, description = "`bytes=first-last`; one range")),
    responses(
    (status = 200, description = "The file, `audio/wav` or `audio/ogg`", content_type = "audio/wav"),
    (status = 206, description = "The part asked for", content_type = "audio/wav"),
    (status = 400, description = "The query is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such incident, or it has no recording", body = Problem),
    (status = 416, description = "The range lies outside", body = Problem),
    (status = 500, description = "The recording was altered or cut off", body = Problem)))]
pub(super) async fn play(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Path(id) = id.map_err(|_| Problem::unknown_id("incident", ""))?;
    let part = number(query.as_deref(), "part", 1, u32::from(u8::MAX))?;
    let reason = reason(&headers, query.as_deref())?;
    let (subject, files) = recorded(&console, &id).await?;
    let Recording { file, state, .. } = part_of(files, i64::from(part))?;
    let library = console.desk.recordings().clone();
    let opened = on_disk(move || library.open(&file)).await?;
    let reader = opened.map_err(|error| not_opened(&subject, &error))?;
    if state == "sealed" && !reader.is_whole() {
        return Err(Problem::damaged_recording("Its end was cut off after it was sealed."));
    }
    let length = reader.length();
    let gone = || Problem::no_recording("The recording cannot be sent.");
    let asked = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let range = match asked.map_or(Range::Whole, |range| parse(range, length)) {
        Range::Whole => None,
        Range::Part(first, last) => Some((first, last)),
        Range::Outside => {
            let mut response = Problem::range_outside(length).into_response();
            let value = format!("bytes */{length}").parse().map_err(|_| gone())?;
            response.headers_mut().insert(header::CONTENT_RANGE, value);
            return Ok(response);
        }
    };
    console.desk.audit_why(&holder.name, "recording played", &subject, &reason);
    let (first, last) = range.unwrap_or((0, length.saturating_sub(1)));
    let bytes = if length == 0 { 0 } else { last - first + 1 };
    let name = if part == 1 { subject } else { format!("{subject}-{part}") };
    let name = format!("inline; filename=\"{name}.{}\"", reader.ending());
    let answer = Response::builder()
        .header(header::CONTENT_TYPE, reader.media_type())
        .header(header::CONTENT_LENGTH, bytes)
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::CONTENT_DISPOSITION, name);
    let answer = match range {
        None => answer.status(StatusCode::OK),
        Some(_) => answer
            .status(StatusCode::PARTIAL_CONTENT)
            .header(header::CONTENT_RANGE, format!("bytes {first}-{last}/{length}")),
    };
    answer.body(body(reader, first, bytes)).map_err(|_| gone())
}

/// `bytes` of a recording from `first` on, read as they are sent. What turns out to be damaged on the
/// way breaks the answer off.
fn body(reader: Reader, first: u64, bytes: u64) -> Body {
    let reader = Arc::new(reader);
    let blocks = stream::try_unfold((first, bytes), move |(at, left)| {
        let reader = Arc::clone(&reader);
        async move {
            if left == 0 {
                return Ok::<_, std::io::Error>(None);
            }
            let block = usize::try_from(left.min(BLOCK)).unwrap_or_default();
            let read = tokio::task::spawn_blocking(move || {
                let mut block = vec![0; block];
                let count = reader.read_at(&mut block, at)?;
                block.truncate(count);
                Ok::<_, std::io::Error>(block)
            });
            let block = read.await.map_err(std::io::Error::other)??;
            if block.is_empty() {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let count = block.len() as u64;
            Ok(Some((Bytes::from(block), (at + count, left - count))))
        }
    });
    Body::from_stream(blocks)
}

/// The last of a call that is going on, as WAV, to about a second before now: the caller left, the
/// operator right. The recording itself goes on.
#[utoipa::path(get, path = "/api/v1/calls/{id}/replay", tag = "calls", params(
    ("id" = String, Path, description = "The call"),
    ("seconds" = Option<u32>, Query, description = "How much, 1 to 300; 60 when left out")),
    responses(
    (status = 200, description = "The audio", content_type = "audio/wav"),
    (status = 400, description = "The query is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such live call, or it is not recorded", body = Problem),
    (status = 500, description = "The recording was altered", body = Problem)))]
pub(super) async fn replay(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let call = call_id(id)?;
    let seconds = number(query.as_deref(), "seconds", REPLAY, REPLAY_MOST)?;
    let live = board(&console).await?.calls.iter().any(|live| live.call == call);
    if !live {
        return Err(Problem::unknown_id("live call", &call.to_string()));
    }
    let library = console.desk.recordings().clone();
    let replayed = on_disk(move || library.replay(call, seconds)).await?;
    let replayed = replayed.map_err(|error| not_opened(&call.to_string(), &error))?;
    let none = || Problem::no_recording("This call is not recorded, or not yet.");
    let audio = replayed.ok_or_else(none)?;
    console.desk.audit(&holder.name, "live recording played", &call.to_string());
    let headers = [(header::CONTENT_TYPE, "audio/wav"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, audio).into_response())
}

/// Whether a recording must be kept.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Hold {
    /// True until somebody takes it back.
    hold: bool,
    /// Why, for the record; 200 characters at most.
    why: String,
}

/// Says that a recording must be kept whatever its age, such as for a court; or need not any more.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/recording/hold", tag = "incidents",
    request_body = Hold,
    params(("id" = String, Path, description = "The incident's id, or its call's")), responses(
    (status = 204, description = "Done"),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such incident, or it has no recording", body = Problem)))]
pub(super) async fn hold(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let Path(id) = id.map_err(|_| Problem::unknown_id("incident", ""))?;
    let Hold { hold, why } = read(body, r#"{"hold": true, "why": "asked for by a court"}"#)?;
    bounded("why", &why)?;
    let incident = find(&console, &id).await?;
    if incident.recording.is_none() {
        return Err(Problem::no_recording("This incident has no recording."));
    }
    let call = incident.summary.call.parse();
    let call = call.map_err(|_| Problem::unknown_id("incident", &id))?;
    let fact = Fact::RecordingHeld { call, held: hold, by: holder.name, why };
    console.desk.keep_safely(fact).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What of a file is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Range {
    /// No range, or one that we do not know: the whole file is a right answer to it.
    Whole,
    /// First and last byte.
    Part(u64, u64),
    /// Nothing of it is there.
    Outside,
}

/// Reads a Range header (RFC 9110 §14).
pub(super) fn parse(header: &str, length: u64) -> Range {
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
