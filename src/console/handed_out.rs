//! Copies that leave the house: bundles for a court, redacted copies, packs of one number. Whoever asks
//! says why; the entry of the access log is on disk before the first byte goes out.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use utoipa::ToSchema;

use super::Console;
use super::access::Holder;
use super::body::{bounded, read};
use super::custody::reason;
use super::problem::Problem;
use crate::journal::Fact;
use crate::proof::ProofError;
use crate::proof::bundle::{Archivist, Asked, Found};
use crate::proof::pack::Wanted;
use crate::proof::redaction::Redaction;
use crate::vocabulary::Private;

/// Bytes of one piece that is sent, and pieces that wait for a slow reader.
const PIECE: usize = 64 << 10;
const PIECES: usize = 4;
/// Copies that are made at once: each holds a thread and reads the disk that calls are recorded on.
pub(super) const COPIES: usize = 4;
/// Whoever takes nothing for so long gets nothing more.
const PATIENCE: Duration = Duration::from_mins(1);

/// Whose records are packed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PackBody {
    /// The number, however it is written.
    number: String,
    /// With recordings.
    #[serde(default)]
    audio: bool,
    /// With numbers of others, which are hidden otherwise.
    #[serde(default)]
    third_parties: bool,
}

fn archivist(console: &Console) -> Archivist {
    let desk = &console.desk;
    Archivist {
        store: desk.store().clone(),
        journal: desk.journal().0,
        data: desk.data(),
        library: desk.recordings().clone(),
        brought: Vec::new(),
        centre: desk.centre(),
        area_code: desk.area_code(),
        zone: desk.zone(),
    }
}

impl From<ProofError> for Problem {
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::NoSuchIncident(id) => Self::unknown_id("incident", &id),
            ProofError::NoNumber => Self::bad_body(error.to_string()),
            ProofError::NoRecords => Self::unknown_id("record of this number", ""),
            ProofError::Redaction(mistake) => Self::bad_body(mistake.to_string()),
            ProofError::Store(error) => error.into(),
            other => Self::disk_refuses(other.to_string()),
        }
    }
}

/// A place among those whose copies are made.
fn turn(copies: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Problem> {
    Arc::clone(copies).try_acquire_owned().map_err(|_| Problem::too_many_copies(COPIES))
}

/// Keeps who gets what, and why, on disk.
async fn note(
    console: &Console,
    holder: &Holder,
    (what, subject, reason): (&str, &str, String),
) -> Result<Asked, Problem> {
    let at = console.desk.now();
    let (by, what, subject) = (holder.name.clone(), what.to_owned(), subject.to_owned());
    let fact = Fact::Audited { by, what, subject, reason: reason.clone() };
    console.desk.keep_safely(fact).await?;
    Ok(Asked { by: holder.name.clone(), reason, at })
}

/// One incident for a court or the police, as a ZIP file: the record, a page to read it, versions of the form,
/// audio, SIP messages, the journal's lines with the signed heads that cover them, the public key, the SHA-256 of
/// every part with a signature, and the steps by which anybody checks it with `sha256sum` and `openssl`.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/bundle", tag = "incidents", params(
    ("id" = String, Path, description = "The incident's id, or its call's"),
    ("reason" = Option<String>, Query,
     description = "Why, 4 to 200 characters, for the access log. Or the header `Siaga112-Reason`")),
    responses(
    (status = 200, description = "The bundle", content_type = "application/zip"),
    (status = 400, description = "No reason", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such incident", body = Problem),
    (status = 503, description = "Four copies are being made; Retry-After says when to try again", body = Problem)))]
pub(super) async fn bundle(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Path(id) = id.map_err(|_| Problem::unknown_id("incident", ""))?;
    let reason = reason(&headers, query.as_deref())?;
    let turn = turn(&console.copies)?;
    let archivist = archivist(&console);
    archivist.signer()?;
    let found = archivist.find(&id).await?;
    let what = ("incident bundled for others", found.incident.as_str(), reason);
    let asked = note(&console, &holder, what).await?;
    Ok(bundled(turn, archivist, found, asked, None))
}

/// A redacted copy of an incident, as a ZIP file: without names, numbers, places but for the kecamatan, parts of
/// texts and of recordings; with a note of what was taken out, by whom and why. The original stays as it is.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/redacted", tag = "incidents",
    request_body = Redaction, params(
    ("id" = String, Path, description = "The incident's id, or its call's"),
    ("reason" = Option<String>, Query,
     description = "Why, 4 to 200 characters, for the access log. Or the header `Siaga112-Reason`")),
    responses(
    (status = 200, description = "The copy", content_type = "application/zip"),
    (status = 400, description = "No reason, or what is to be taken out is not there", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such incident", body = Problem),
    (status = 503, description = "Four copies are being made; Retry-After says when to try again", body = Problem)))]
pub(super) async fn redacted(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let Path(id) = id.map_err(|_| Problem::unknown_id("incident", ""))?;
    let wanted =
        r#"{"text": [{"in": "text", "from": 0, "to": 20}], "audio": [{"from": 3.2, "to": 7.9}]}"#;
    let redaction: Redaction = read(body, wanted)?;
    let reason = reason(&headers, query.as_deref())?;
    let turn = turn(&console.copies)?;
    let archivist = archivist(&console);
    archivist.signer()?;
    let found = archivist.find(&id).await?;
    found.check(&redaction)?;
    let what = ("redacted copy made", found.incident.as_str(), reason);
    let asked = note(&console, &holder, what).await?;
    Ok(bundled(turn, archivist, found, asked, Some(redaction)))
}

fn bundled(
    turn: OwnedSemaphorePermit,
    archivist: Archivist,
    found: Found,
    asked: Asked,
    redaction: Option<Redaction>,
) -> Response {
    let kind = if redaction.is_some() { "redacted" } else { "bundle" };
    let name = format!("{}-{kind}.zip", found.incident);
    sent(&name, turn, move |out| archivist.bundle(&found, &asked, redaction.as_ref(), out))
}

/// Everything that is kept of one number, for the person whose it is, as a ZIP file: every call, record and
/// who looked at them; the number is found however it was written. Numbers of others are hidden.
#[utoipa::path(post, path = "/api/v1/packs", tag = "incidents", request_body = PackBody, params(
    ("reason" = Option<String>, Query,
     description = "Why, 4 to 200 characters, for the access log. Or the header `Siaga112-Reason`")),
    responses(
    (status = 200, description = "The pack", content_type = "application/zip"),
    (status = 400, description = "No reason, or the body is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No record has to do with this number", body = Problem),
    (status = 503, description = "Four copies are being made; Retry-After says when to try again", body = Problem)))]
pub(super) async fn pack(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let PackBody { number, audio, third_parties } =
        read(body, r#"{"number": "+6281234567890", "audio": false, "third_parties": false}"#)?;
    bounded("number", &number)?;
    let reason = reason(&headers, query.as_deref())?;
    let turn = turn(&console.copies)?;
    let archivist = archivist(&console);
    archivist.signer()?;
    // What is looked for is kept also when there is nothing.
    let subject = archivist.normal(&number);
    let asked = note(&console, &holder, ("records of a number packed", &subject, reason)).await?;
    let found = archivist.look_for(&number).await?;
    let wanted = Wanted { number: Private::new(number), audio, third_parties };
    let runtime = Handle::current();
    Ok(sent("pack.zip", turn, move |out| archivist.pack(&found, &wanted, &asked, &runtime, out)))
}

/// Sends what is being made. What fails on the way breaks the answer off.
fn sent(
    name: &str,
    turn: OwnedSemaphorePermit,
    write: impl FnOnce(&mut io::BufWriter<Pipe>) -> Result<(), ProofError> + Send + 'static,
) -> Response {
    let (pieces, mut waiting) = mpsc::channel::<io::Result<Bytes>>(PIECES);
    let pipe = Pipe { pieces: pieces.clone(), runtime: Handle::current(), patience: PATIENCE };
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let mut out = io::BufWriter::with_capacity(PIECE, pipe);
        let written = write(&mut out);
        // What is left in it would wait for the reader once more.
        let _ = out.into_parts();
        if let Err(error) = written {
            tracing::error!(%error, "a copy of records broke off");
            // Whoever reads may be gone, or take nothing: then the answer ends without its end.
            let _ = pieces.try_send(Err(io::Error::other("it broke off")));
        }
    });
    let body = Body::from_stream(futures_util::stream::poll_fn(move |cx| waiting.poll_recv(cx)));
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, body).into_response()
}

/// Pieces on their way to whoever reads; a slow one makes the writer wait, but not for ever.
struct Pipe {
    pieces: mpsc::Sender<io::Result<Bytes>>,
    runtime: Handle,
    patience: Duration,
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = Ok(Bytes::copy_from_slice(bytes));
        let sent = self.runtime.block_on(self.pieces.send_timeout(piece, self.patience));
        sent.map(|()| bytes.len()).map_err(|error| match error {
            mpsc::error::SendTimeoutError::Timeout(_) => io::ErrorKind::TimedOut.into(),
            mpsc::error::SendTimeoutError::Closed(_) => io::ErrorKind::BrokenPipe.into(),
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_copies_are_made_at_once_and_the_fifth_is_told_when_to_come_again() {
        let copies = Arc::new(Semaphore::new(COPIES));
        let mut made: Vec<_> = (0..COPIES).map(|_| turn(&copies).expect("a place")).collect();
        let told = turn(&copies).expect_err("no place").into_response();
        assert_eq!(told.status(), 503);
        assert!(told.headers().contains_key(header::RETRY_AFTER));
        made.pop();
        assert!(turn(&copies).is_ok());
    }

    #[test]
    fn whoever_takes_nothing_is_given_up() {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build();
        let runtime = runtime.expect("a runtime");
        let (pieces, mut waiting) = mpsc::channel(1);
        let patience = Duration::ZERO;
        let mut pipe = Pipe { pieces, runtime: runtime.handle().clone(), patience };
        assert_eq!(pipe.write(b"one").expect("there is room"), 3);
        let stalled = pipe.write(b"two").expect_err("nobody takes it");
        assert_eq!(stalled.kind(), io::ErrorKind::TimedOut);
        assert!(waiting.try_recv().is_ok());
        drop(waiting);
        let gone = pipe.write(b"three").expect_err("nobody is there");
        assert_eq!(gone.kind(), io::ErrorKind::BrokenPipe);
    }
}
