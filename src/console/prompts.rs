//! Prompts by API: listed, played, put, replaced, taken away. Each change is a version of the configuration,
//! brought back like any other (`POST /api/v1/routing/rollback`).

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};

use super::Console;
use super::access::Holder;
use super::incidents::{pairs, unescape};
use super::policy::prompts::{PromptChange, PromptChanged, PromptFile, PromptList, PromptName};
use super::problem::Problem;
use super::recording::{Range, parse};
use super::routing::{policy, reason};
use crate::vocabulary::limits;

/// Bytes of a body that brings a prompt: one with a little more than it may have is judged, and told so.
pub(super) const BYTES: usize = 21 << 20;
const _: () = assert!(limits::PROMPT_BYTES < 21 << 20, "every prompt that may be kept comes in");
/// Stands for no language in a path.
const NO_LANGUAGE: &str = "-";

/// Every prompt by language, where callers hear it, and which translations are missing.
#[utoipa::path(get, path = "/api/v1/prompts", tag = "prompts", responses(
    (status = 200, description = "All of them", body = PromptList),
    (status = 401, description = "No token", body = Problem),
    (status = 503, description = "The files cannot be read", body = Problem)))]
pub(super) async fn list(State(console): State<Console>) -> Result<Json<PromptList>, Problem> {
    Ok(Json(policy(&console)?.prompts().await?))
}

type Named = Result<Path<(String, String)>, PathRejection>;

/// The prompt that a path names.
fn named(path: Named) -> Result<PromptName, Problem> {
    let Path((language, name)) = path.map_err(|_| Problem::unknown_id("prompt", ""))?;
    let plain = |text: &str, most: usize, more: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
        (1..=most).contains(&text.len()) && text.chars().all(fits) && !text.starts_with('.')
    };
    if !plain(&name, 64, "-_.") {
        return Err(Problem::bad_query(format!(
            "{name:?} cannot be a prompt's name: 1 to 64 letters, digits, hyphens, underscores and dots"
        )));
    }
    if language == NO_LANGUAGE {
        return Ok(PromptName { language: None, name });
    }
    if language.len() < 2 || !plain(&language, 16, "-") {
        return Err(Problem::bad_query(format!(
            "{language:?} is no language: a tag such as id or mad, or - for none"
        )));
    }
    Ok(PromptName { language: Some(language), name })
}

/// `base` and `why` of a query; nothing else is known.
fn asked(query: Option<&str>) -> Result<(Option<String>, String), Problem> {
    let (mut base, mut why) = (None, String::new());
    for (key, value) in pairs(query.unwrap_or_default()) {
        match key.as_ref() {
            "base" => base = Some(value.to_string()).filter(|base| !base.is_empty()),
            "why" => why = unescape(&value.replace('+', " ")),
            _ => {
                let detail = format!("{key} is not known here; wanted is why=…&base=SHA-256");
                return Err(Problem::bad_query(detail));
            }
        }
    }
    Ok((base, reason(&why)?))
}

/// The sound of a prompt, as its file lies there.
#[utoipa::path(get, path = "/api/v1/prompts/{language}/{name}/audio", tag = "prompts", params(
    ("language" = String, Path, description = "The language; `-` for none"),
    ("name" = String, Path, description = "The prompt's name within the language"),
    ("Range" = Option<String>, Header, description = "`bytes=first-last`; one range")), responses(
    (status = 200, description = "WAV, Ogg or MP3", content_type = "audio/wav"),
    (status = 206, description = "The part asked for", content_type = "audio/wav"),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such prompt", body = Problem),
    (status = 416, description = "The range lies outside", body = Problem),
    (status = 503, description = "The file cannot be read", body = Problem)))]
pub(super) async fn audio(
    State(console): State<Console>,
    path: Named,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let file = policy(&console)?.prompt(named(path)?).await?;
    let PromptFile { media_type, sha256, content } = file;
    let (content, range) = (Bytes::from(content), range_of(&headers));
    let whole = content.len() as u64;
    let asked = range.map_or(Range::Whole, |range| parse(range, whole));
    let answer = Response::builder()
        .header(header::CONTENT_TYPE, media_type)
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::CACHE_CONTROL, "private, no-cache")
        .header(header::ETAG, format!("\"{sha256}\""));
    let failed = |_| Problem::disk_refuses("the prompt cannot be sent".to_owned());
    let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
    match asked {
        Range::Whole => answer.body(content.into()).map_err(failed),
        Range::Part(first, last) => answer
            .status(StatusCode::PARTIAL_CONTENT)
            .header(header::CONTENT_RANGE, format!("bytes {first}-{last}/{whole}"))
            .body(content.slice(place(first)..place(last + 1).min(content.len())).into())
            .map_err(failed),
        Range::Outside => {
            let mut response = Problem::range_outside(whole).into_response();
            if let Ok(value) = format!("bytes */{whole}").parse() {
                response.headers_mut().insert(header::CONTENT_RANGE, value);
            }
            Ok(response)
        }
    }
}

fn range_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::RANGE).and_then(|range| range.to_str().ok())
}

/// Puts a prompt or replaces it; the body is the file: WAV, Ogg Opus or MP3. It is decoded and judged before it
/// is kept, and callers hear it from their next prompt on. What is wrong with it stands at the field `file`.
#[utoipa::path(put, path = "/api/v1/prompts/{language}/{name}", tag = "prompts", params(
    ("language" = String, Path, description = "The language; `-` for none"),
    ("name" = String, Path, description = "The prompt's name within the language"),
    ("why" = String, Query, description = "Why, for the list of versions; 1 to 200 characters"),
    ("base" = Option<String>, Query,
     description = "`sha256` of the file that it replaces; left out for one that is not there yet")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream",
        description = "The file, 20 MiB and 10 minutes at most"), responses(
    (status = 200, description = "Adopted; `prompt.doubt` says when somebody should listen to it",
     body = PromptChanged),
    (status = 400, description = "The name or query is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 409, description = "It was changed meanwhile, or is so already", body = Problem),
    (status = 413, description = "The file is too long", body = Problem),
    (status = 422, description = "The file is no prompt: see `errors`", body = Problem),
    (status = 503, description = "The disk refuses", body = Problem)))]
pub(super) async fn put(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    path: Named,
    RawQuery(query): RawQuery,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<PromptChanged>, Problem> {
    let prompt = named(path)?;
    let (base, why) = asked(query.as_deref())?;
    let body = body.map_err(|_| Problem::body_too_large(BYTES))?;
    let what = if base.is_some() { "prompt replaced" } else { "prompt added" };
    changed(&console, &holder, what, (prompt, Some(body.into())), (base, why)).await
}

/// Takes a prompt away that callers do not hear.
#[utoipa::path(delete, path = "/api/v1/prompts/{language}/{name}", tag = "prompts", params(
    ("language" = String, Path, description = "The language; `-` for none"),
    ("name" = String, Path, description = "The prompt's name within the language"),
    ("why" = String, Query, description = "Why, for the list of versions; 1 to 200 characters"),
    ("base" = String, Query, description = "`sha256` of the file as the list shows it")), responses(
    (status = 200, description = "It is gone; the version of before brings it back",
     body = PromptChanged),
    (status = 400, description = "The name or query is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such prompt", body = Problem),
    (status = 409, description = "Callers hear it, or it was changed meanwhile", body = Problem),
    (status = 503, description = "The disk refuses", body = Problem)))]
pub(super) async fn remove(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    path: Named,
    RawQuery(query): RawQuery,
) -> Result<Json<PromptChanged>, Problem> {
    let prompt = named(path)?;
    let asked = asked(query.as_deref())?;
    changed(&console, &holder, "prompt removed", (prompt, None), asked).await
}

async fn changed(
    console: &Console,
    holder: &Holder,
    what: &str,
    (prompt, file): (PromptName, Option<Vec<u8>>),
    (base, why): (Option<String>, String),
) -> Result<Json<PromptChanged>, Problem> {
    let (id, by) = (prompt.id(), holder.name.clone());
    let change = PromptChange { prompt, file, base, by, why: why.clone() };
    let done = policy(console)?.change_prompt(change).await?;
    console.desk.audit_why(&holder.name, what, &id, &why);
    Ok(Json(done))
}
