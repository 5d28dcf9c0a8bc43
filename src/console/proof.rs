//! How the proof of the records stands, and verifying it from here: what `siaga112 verify` does, beside the
//! calls and behind them.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Console;
use super::access::Holder;
use super::body::read;
use super::problem::Problem;
use crate::proof::standing::{Standing, standing};
use crate::store::At;
use crate::store::periods::moment;
use crate::vocabulary::WallTime;

/// Heads that are listed: a year and a month.
const HEADS: usize = 400;

/// Whoever verifies, one at a time.
pub trait Verifier: Send + Sync {
    /// Begins; false while another is going on.
    ///
    /// # Errors
    /// It cannot be begun.
    fn begin(&self, by: &str, since: Option<WallTime>) -> std::io::Result<bool>;
    /// Breaks off what goes on; false when nothing does.
    fn stop(&self) -> bool;
    /// What goes on or was the last.
    fn last(&self) -> Option<Verified>;
}

/// One run.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Verified {
    /// When it began, in microseconds since 1970.
    pub began: i64,
    /// Who began it.
    pub by: String,
    /// From when on records were looked at, in microseconds since 1970; all of them without it.
    pub since: Option<i64>,
    /// When it ended.
    pub ended: Option<i64>,
    /// `running`, `holds`, `faults`, `failed` or `stopped`.
    pub outcome: String,
    /// Lines of the journal that were looked at so far.
    pub lines: u64,
    /// What was found: as `siaga112 verify --json` says it.
    #[schema(value_type = Option<Object>)]
    pub report: Option<Value>,
    /// Why it failed.
    pub error: Option<String>,
}

/// A signed head of the journal.
#[derive(Serialize, ToSchema)]
pub(super) struct ShownHead {
    /// The day at the centre; of a file that is no head its name.
    date: String,
    /// RFC 3339.
    signed_at: String,
    /// The line of the journal that it signs, and with it every line before.
    line: u64,
    /// The hash of that line.
    hash: String,
    /// Whether it is signed with this node's key, follows the head before it and is as its copy.
    signature_ok: bool,
    /// What is wrong with it.
    wrong: Option<String>,
    /// When it was copied to `[proof] copy_to`.
    copied_at: Option<At>,
}

/// A run of `verify`.
#[derive(Serialize, ToSchema)]
pub(super) struct ShownRun {
    /// When it began.
    began: At,
    /// Who began it.
    by: String,
    /// From when on records were looked at; null for all of them.
    since: Option<At>,
    /// When it ended; null while it goes on.
    ended: Option<At>,
    /// `running`, `holds`, `faults`, `failed`, or `stopped` by a person or a restart.
    outcome: String,
    /// Lines of the journal that were looked at so far; the database is compared after them.
    lines: u64,
    /// What was found, as `siaga112 verify --json` says it: `faults`, `faults_total`, `notes`, `journal`,
    /// `heads`, `recordings`, `rows`.
    #[schema(value_type = Option<Object>)]
    report: Option<Value>,
    /// Why it failed.
    error: Option<String>,
}

/// How the proof of the records stands.
#[derive(Serialize, ToSchema)]
pub(super) struct Proof {
    /// Lines of the journal on disk.
    lines: u64,
    /// The public key, hexadecimal: who keeps it elsewhere proves the heads with it. Null before the first.
    public_key: Option<String>,
    /// Newest first, 400 at most.
    heads: Vec<ShownHead>,
    /// How many heads there are.
    heads_total: usize,
    /// Where copies of heads go (`[proof] copy_to`); null where none are made.
    copy_to: Option<String>,
    /// When the newest copy was made.
    copied_at: Option<At>,
    /// Why copies cannot be looked at.
    copy_wrong: Option<String>,
    /// The run that goes on, or the last one that was begun here.
    verify: Option<ShownRun>,
}

/// The signed heads with their signatures and copies, and the last verification that was begun here.
#[utoipa::path(get, path = "/api/v1/proof", tag = "proof", responses(
    (status = 200, description = "How it stands", body = Proof),
    (status = 401, description = "No token", body = Problem),
    (status = 503, description = "The heads cannot be read", body = Problem)))]
pub(super) async fn show(State(console): State<Console>) -> Result<Json<Proof>, Problem> {
    let (data, copy_to) = (console.desk.data(), console.desk.copy_to());
    let to = copy_to.clone();
    let looked = tokio::task::spawn_blocking(move || standing(&data, to.as_deref())).await;
    let refused = |error: &dyn std::fmt::Display| Problem::disk_refuses(error.to_string());
    let looked = looked.map_err(|error| refused(&error))?.map_err(|error| refused(&error))?;
    let Standing { key, heads, copies_wrong } = looked;
    let copied = heads.iter().filter_map(|head| head.copied).max();
    let shown = heads.iter().take(HEADS).map(|head| ShownHead {
        date: head.date.clone(),
        signed_at: head.signed_at.clone(),
        line: head.line,
        hash: head.link.clone(),
        signature_ok: head.signed,
        wrong: head.wrong.clone(),
        copied_at: head.copied.map(At),
    });
    let verify = console.desk.verifier().and_then(|verifier| verifier.last()).map(run);
    Ok(Json(Proof {
        lines: *console.desk.journal().1.borrow(),
        public_key: key,
        heads: shown.collect(),
        heads_total: heads.len(),
        copy_to: copy_to.map(|to| to.display().to_string()),
        copied_at: copied.map(At),
        copy_wrong: copies_wrong,
        verify,
    }))
}

fn run(run: Verified) -> ShownRun {
    let Verified { began, by, since, ended, outcome, lines, report, error } = run;
    let at = |at: i64| At(WallTime(at));
    ShownRun {
        began: at(began),
        by,
        since: since.map(at),
        ended: ended.map(at),
        outcome,
        lines,
        report,
        error,
    }
}

/// What is to be verified.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VerifyBody {
    /// Only what was kept since this RFC 3339 time or day; everything when left out.
    #[serde(default)]
    since: Option<String>,
}

fn verifier(console: &Console) -> Result<&Arc<dyn Verifier>, Problem> {
    console.desk.verifier().ok_or_else(|| Problem::not_now("this gateway verifies nothing"))
}

/// Begins to verify what is here, beside the calls and with the lowest priority; `GET /api/v1/proof` tells how
/// far it is. One at a time.
#[utoipa::path(post, path = "/api/v1/proof/verify", tag = "proof", request_body = VerifyBody,
    responses(
    (status = 202, description = "Begun"),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 409, description = "One goes on already", body = Problem),
    (status = 503, description = "It cannot be begun", body = Problem)))]
pub(super) async fn verify(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let empty = body.as_ref().is_ok_and(Bytes::is_empty);
    let wanted = r#"{"since": "2026-11-01"} or nothing"#;
    let VerifyBody { since } = if empty { VerifyBody::default() } else { read(body, wanted)? };
    let since = since.map(|text| {
        let wrong = || Problem::bad_body(format!("since is no time; wanted is {wanted}"));
        moment(&text, &console.desk.zone()).ok_or_else(wrong)
    });
    let since = since.transpose()?;
    let begun = verifier(&console)?.begin(&holder.name, since);
    match begun {
        Ok(true) => {}
        Ok(false) => return Err(Problem::not_now("records are being verified already")),
        Err(error) => {
            return Err(Problem::disk_refuses(format!("verifying cannot begin: {error}")));
        }
    }
    let whole = since.map_or_else(|| "everything".to_owned(), |since| since.to_rfc3339());
    console.desk.audit(&holder.name, "verification begun", &whole);
    Ok(StatusCode::ACCEPTED.into_response())
}

/// Breaks off a verification.
#[utoipa::path(delete, path = "/api/v1/proof/verify", tag = "proof", responses(
    (status = 204, description = "Broken off"),
    (status = 401, description = "No token", body = Problem),
    (status = 409, description = "None goes on", body = Problem)))]
pub(super) async fn stop(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
) -> Result<StatusCode, Problem> {
    if !verifier(&console)?.stop() {
        return Err(Problem::not_now("nothing is being verified"));
    }
    console.desk.audit(&holder.name, "verification broken off", "");
    Ok(StatusCode::NO_CONTENT)
}
