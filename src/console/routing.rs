//! The configuration of routing by API: read, judged, compared, tried, adopted, brought back. It asks the
//! [`Policy`] and decides nothing.

use std::net::IpAddr;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Console;
use super::access::Holder;
use super::body::{bounded, read_large};
use super::policy::{
    Applied, Change, Difference, Judged, Policy, PolicyError, Proposal, ProposedFiles, Replayed,
    Shown, ShownVersion, Trial, Tried, WholeVersion,
};
use super::problem::Problem;
use crate::incident::WrongField;
use crate::journal::retention::FILE as RETENTION;
use crate::store::periods::{Period, moment};

/// Bytes of a body that brings files.
pub(super) const FILES_BYTES: usize = 4 << 20;

/// What a body with files looks like.
const FILES: &str = r#"{"files": {"routing.toml": "[[rule]] …"}}"#;

pub(super) fn policy(console: &Console) -> Result<&dyn Policy, Problem> {
    console.desk.policy().ok_or_else(|| Problem::not_now("this gateway keeps no configuration"))
}

/// The files of routing as they are, with the digest that a change must name.
#[utoipa::path(get, path = "/api/v1/routing", tag = "routing", responses(
    (status = 200, description = "The files; secrets are masked", body = Shown),
    (status = 401, description = "No token", body = Problem),
    (status = 503, description = "The files cannot be read", body = Problem)))]
pub(super) async fn show(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
) -> Result<Json<Shown>, Problem> {
    let shown = policy(&console)?.show().await?;
    console.desk.audit(&holder.name, "configuration read", &shown.digest);
    Ok(Json(shown))
}

/// What would come of a change: every mistake with file, line, column and how to mend it. Nothing changes.
#[utoipa::path(post, path = "/api/v1/routing/validate", tag = "routing", request_body = ProposedFiles,
    responses(
    (status = 200, description = "Whether it would be taken", body = Judged),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 503, description = "The files cannot be read", body = Problem)))]
pub(super) async fn validate(
    State(console): State<Console>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Judged>, Problem> {
    let ProposedFiles { files } = read_large(body, FILES_BYTES, FILES)?;
    Ok(Json(policy(&console)?.validate(files).await?))
}

/// Differences.
#[derive(Serialize, ToSchema)]
pub(super) struct Differences {
    /// File by file.
    changed: Vec<Difference>,
}

/// How a change differs from the files as they are.
#[utoipa::path(post, path = "/api/v1/routing/diff", tag = "routing", request_body = ProposedFiles,
    responses(
    (status = 200, description = "File by file", body = Differences),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 503, description = "The files cannot be read", body = Problem)))]
pub(super) async fn diff(
    State(console): State<Console>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Differences>, Problem> {
    let ProposedFiles { files } = read_large(body, FILES_BYTES, FILES)?;
    Ok(Json(Differences { changed: policy(&console)?.diff(files).await? }))
}

/// A change to adopt.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Apply {
    /// The digest of the files that the change was made on.
    base: String,
    /// Why, for the list of versions; 1 to 200 characters.
    why: String,
    /// Text by name; null removes a file. What is not named stays; `***` keeps a secret.
    #[schema(value_type = std::collections::HashMap<String, Option<String>>)]
    files: Proposal,
}

/// Adopts a change, whole or not at all; calls go on. A change with a mistake changes nothing. A change of
/// `retention.toml` needs a person who is logged in: what a shorter time deletes cannot be brought back.
#[utoipa::path(put, path = "/api/v1/routing", tag = "routing", request_body = Apply, responses(
    (status = 200, description = "Adopted", body = Applied),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 403, description = "A program may not change this file", body = Problem),
    (status = 409, description = "The files were changed meanwhile, or are so already", body = Problem),
    (status = 422, description = "Mistakes: see `findings`", body = Problem),
    (status = 503, description = "The disk refuses", body = Problem)))]
pub(super) async fn apply(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Applied>, Problem> {
    let wanted = r#"{"base": "digest of GET", "why": "…", "files": {"routing.toml": "…"}}"#;
    let Apply { base, why, files } = read_large(body, FILES_BYTES, wanted)?;
    let why = reason(&why)?;
    if files.contains_key(RETENTION) && holder.session.is_none() {
        // What a shorter time deletes is gone: that is no program's decision.
        return Err(Problem::person_needed(RETENTION));
    }
    let change = Change { files, base, by: holder.name, why };
    Ok(Json(policy(&console)?.apply(change).await?))
}

pub(super) fn reason(why: &str) -> Result<String, Problem> {
    bounded("why", why)?;
    let why: String = why.trim().chars().filter(|c| !c.is_control()).collect();
    if why.is_empty() {
        return Err(Problem::bad_body("why is empty: the list of versions needs a reason"));
    }
    Ok(why)
}

/// Versions.
#[derive(Serialize, ToSchema)]
pub(super) struct VersionList {
    /// Newest first.
    versions: Vec<ShownVersion>,
}

/// Every configuration that was adopted: who, when, why.
#[utoipa::path(get, path = "/api/v1/routing/versions", tag = "routing", responses(
    (status = 200, description = "Newest first", body = VersionList),
    (status = 401, description = "No token", body = Problem),
    (status = 503, description = "The disk refuses", body = Problem)))]
pub(super) async fn versions(State(console): State<Console>) -> Result<Json<VersionList>, Problem> {
    Ok(Json(VersionList { versions: policy(&console)?.versions().await? }))
}

/// One version: its files, masked, and how it differs from the one before.
#[utoipa::path(get, path = "/api/v1/routing/versions/{number}", tag = "routing",
    params(("number" = u64, Path, description = "The version's number")), responses(
    (status = 200, description = "The version", body = WholeVersion),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "There is none of the number", body = Problem),
    (status = 503, description = "The disk refuses", body = Problem)))]
pub(super) async fn version(
    State(console): State<Console>,
    number: Result<Path<String>, PathRejection>,
) -> Result<Json<WholeVersion>, Problem> {
    let Path(number) = number.map_err(|_| Problem::unknown_id("version", ""))?;
    let number = number.parse().map_err(|_| Problem::unknown_id("version", &number))?;
    Ok(Json(policy(&console)?.version(number).await?))
}

/// A version to bring back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RollBack {
    /// The version's number.
    version: u64,
    /// The digest of the files as they are now.
    base: String,
    /// Why, for the list of versions; 1 to 200 characters.
    why: String,
}

/// Brings a version back, as a new version; `retention.toml` stays as it is. One that would be refused today changes nothing.
#[utoipa::path(post, path = "/api/v1/routing/rollback", tag = "routing", request_body = RollBack,
    responses(
    (status = 200, description = "Adopted", body = Applied),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "There is none of the number", body = Problem),
    (status = 409, description = "The files were changed meanwhile, or are so already", body = Problem),
    (status = 422, description = "Mistakes: see `findings`", body = Problem),
    (status = 503, description = "The disk refuses", body = Problem)))]
pub(super) async fn roll_back(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Applied>, Problem> {
    let wanted = r#"{"version": 12, "base": "digest of GET", "why": "…"}"#;
    let RollBack { version, base, why } = read_large(body, FILES_BYTES, wanted)?;
    let why = reason(&why)?;
    let change = Change { files: Proposal::new(), base, by: holder.name, why };
    Ok(Json(policy(&console)?.roll_back(version, change).await?))
}

/// What to try: one INVITE, or the calls of a time.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DryRun {
    /// The change, as for `validate`; nothing for the files as they are.
    #[serde(default)]
    #[schema(value_type = std::collections::HashMap<String, Option<String>>)]
    files: Proposal,
    /// One INVITE as text.
    #[serde(default)]
    invite: Option<String>,
    /// The trunk that sends it.
    #[serde(default)]
    trunk: Option<String>,
    /// Or the address that it comes from.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    source: Option<IpAddr>,
    /// When the INVITE comes: an RFC 3339 time, or by the centre's clock `2026-12-25T02:00` or
    /// `02:00` of today; now when left out.
    #[serde(default)]
    at: Option<String>,
    /// Without an INVITE: calls from this RFC 3339 time or day on; since yesterday's midnight when
    /// left out.
    #[serde(default)]
    since: Option<String>,
    /// Calls before this time or day; now when left out.
    #[serde(default)]
    until: Option<String>,
}

/// What came of it: `one` for an INVITE, `calls` for a time.
#[derive(Serialize, ToSchema)]
pub(super) struct DryRunDone {
    /// What would become of the INVITE.
    one: Option<Tried>,
    /// What would have become of the calls.
    calls: Option<Replayed>,
}

/// Tries a change, and nothing happens: on one INVITE, step by step; or on the calls that were, of which it
/// says how many would have gone elsewhere.
#[utoipa::path(post, path = "/api/v1/routing/dry-run", tag = "routing", request_body = DryRun, responses(
    (status = 200, description = "What would happen", body = DryRunDone),
    (status = 400, description = "The body is not understood, or the INVITE is none", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 422, description = "Mistakes: see `findings`", body = Problem),
    (status = 503, description = "Files or records cannot be read", body = Problem)))]
pub(super) async fn dry_run(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<DryRunDone>, Problem> {
    let wanted =
        r#"{"files": {…}, "invite": "INVITE …", "trunk": "telco-a"} or "since" for "invite""#;
    let DryRun { files, invite, trunk, source, at, since, until } =
        read_large(body, FILES_BYTES, wanted)?;
    let policy = policy(&console)?;
    if let Some(invite) = invite {
        let one = policy.try_one(Trial { files, invite, trunk, source, at }).await?;
        return Ok(Json(DryRunDone { one: Some(one), calls: None }));
    }
    if at.is_some() {
        return Err(Problem::bad_body(
            "at is the time of an invite: calls that were are judged by their own",
        ));
    }
    let (now, zone) = (console.desk.now(), console.desk.zone());
    let time = |name: &str, text: &str| {
        let wrong = || {
            Problem::bad_body(format!("{name} is a time such as 2026-11-26T05:00:00Z, or a day"))
        };
        moment(text, &zone).ok_or_else(wrong)
    };
    let since = match since {
        Some(since) => time("since", &since)?,
        None => Period::yesterday(now, &zone),
    };
    let until = until.map_or(Ok(now), |until| time("until", &until))?;
    let calls = policy.replay(files, since, until).await?;
    console.desk.audit(&holder.name, "routing tried on calls that were", &calls.says);
    Ok(Json(DryRunDone { one: None, calls: Some(calls) }))
}

impl From<PolicyError> for Problem {
    fn from(error: PolicyError) -> Self {
        let detail = error.to_string();
        match error {
            PolicyError::NotEditable(_) | PolicyError::NoInvite(_) | PolicyError::NoTime(_) => {
                Self::bad_body(detail)
            }
            PolicyError::Moved(_)
            | PolicyError::Same
            | PolicyError::PromptMoved { .. }
            | PolicyError::PromptUsed { .. } => Self::not_now(detail),
            PolicyError::NoPrompt(id) => Self::unknown_id("prompt", &id),
            PolicyError::WrongFile(why) => {
                Self::wrong_fields(vec![WrongField { field: "file".to_owned(), why }])
            }
            PolicyError::Mistakes(findings) => Self::mistakes(detail, findings),
            PolicyError::NoVersion(number) => Self::unknown_id("version", &number.to_string()),
            PolicyError::Records => Self::records_away(),
            PolicyError::Disk(why) => Self::disk_refuses(why),
        }
    }
}
