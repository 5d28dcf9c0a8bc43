//! Who did what: pages for an auditor. Asking is a deed itself.

use axum::extract::{RawQuery, State};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::Console;
use super::access::Holder;
use super::incidents::pairs;
use super::problem::Problem;
use crate::store::periods::moment;
use crate::store::{At, AuditFilter, Audited};

/// Deeds of one page when nothing is said, and at most.
const PAGE: (u32, u32) = (100, 1_000);
/// Longest value of the query, in bytes.
const VALUE: usize = 200;

/// One page of deeds.
#[derive(Serialize, ToSchema)]
pub(super) struct Audit {
    /// Newest first.
    deeds: Vec<Deed>,
    /// Give this as `before` for the next page; null on the last one.
    next: Option<String>,
}

/// What somebody did.
#[derive(Serialize, ToSchema)]
struct Deed {
    /// Its line of the journal, which nobody can change without showing it.
    line: u64,
    /// When.
    at: At,
    /// A person, the token of a program, or a seat; `nobody` for who could not log in.
    by: String,
    /// What, in words.
    what: String,
    /// To which record, person or seat.
    subject: String,
}

impl From<Audited> for Deed {
    fn from(deed: Audited) -> Self {
        let Audited { line, at, by, what, subject, .. } = deed;
        Self { line, at: At(at), by, what, subject }
    }
}

/// Who did what, newest first; a second or so behind.
#[utoipa::path(get, path = "/api/v1/audit", tag = "people", params(
    ("since" = Option<String>, Query,
     description = "Done at or after this RFC 3339 time, or a day's midnight at the centre"),
    ("until" = Option<String>, Query, description = "Done before this time, or a day's midnight"),
    ("by" = Option<String>, Query, description = "Name of a person, token or seat"),
    ("what" = Option<String>, Query, description = "Part of what was done, such as `recording`"),
    ("subject" = Option<String>, Query, description = "Id of a record, or name of a person or seat"),
    ("limit" = Option<u32>, Query, description = "1 to 1000; 100 when left out"),
    ("before" = Option<String>, Query, description = "`next` of the page before")), responses(
    (status = 200, description = "One page", body = Audit),
    (status = 400, description = "The query is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem)))]
pub(super) async fn list(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    RawQuery(query): RawQuery,
) -> Result<Json<Audit>, Problem> {
    let query = query.unwrap_or_default();
    let filter = filter(&console, &query)?;
    let deeds = console.desk.store().audit(&filter).await?;
    let shown: String = query.chars().take(VALUE).collect();
    console.desk.audit(&holder.name, "audit read", &shown);
    let full = deeds.len() >= filter.limit as usize;
    let next = deeds.last().filter(|_| full).map(|deed| deed.place.to_string());
    Ok(Json(Audit { deeds: deeds.into_iter().map(Deed::from).collect(), next }))
}

fn filter(console: &Console, query: &str) -> Result<AuditFilter, Problem> {
    let mut filter = AuditFilter { limit: PAGE.0, ..AuditFilter::default() };
    let zone = console.desk.zone();
    for (key, value) in pairs(query) {
        let shown: String = value.chars().take(80).collect();
        let wrong =
            |wanted: &str| Problem::bad_query(format!("{key}={shown:?}; wanted is {wanted}"));
        let text = || {
            let fits = !value.is_empty() && value.len() <= VALUE;
            fits.then(|| Some(value.clone())).ok_or_else(|| wanted_text(&key))
        };
        let time = || {
            let found = moment(&value, &zone);
            found.map(Some).ok_or_else(|| wrong("a time such as 2026-11-26T05:00:00Z, or a day"))
        };
        match key.as_str() {
            "since" => filter.since = time()?,
            "until" => filter.until = time()?,
            "by" => filter.by = text()?,
            "what" => filter.what = text()?,
            "subject" => filter.subject = text()?,
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=PAGE.1).contains(limit));
                filter.limit = limit.ok_or_else(|| wrong("1 to 1000"))?;
            }
            "before" => {
                let before = value.parse().ok();
                filter.before = Some(before.ok_or_else(|| wrong("`next` of the page before"))?);
            }
            _ => {
                let shown: String = key.chars().take(40).collect();
                let known = "since, until, by, what, subject, limit, before";
                let detail = format!("there is no {shown:?}; known are {known}");
                return Err(Problem::bad_query(detail));
            }
        }
    }
    Ok(filter)
}

fn wanted_text(key: &str) -> Problem {
    Problem::bad_query(format!("{key} is 1 to {VALUE} bytes of text"))
}
