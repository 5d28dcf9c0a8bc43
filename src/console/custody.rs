//! How long records are kept, who holds one longer, what was deleted, and who looked at what. Whoever
//! plays, searches, downloads or exports says why, and that is kept.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Console;
use super::access::Holder;
use super::body::{WORDS, bounded, read};
use super::incidents::{find, pairs, unescape};
use super::problem::Problem;
use crate::journal::Fact;
use crate::journal::retention::Hold;
use crate::store::access::{Access, AccessFilter, PAGE};
use crate::store::{Filter, Round};
use crate::vocabulary::WallTime;

/// The header that says why somebody looks at something personal.
pub(super) const REASON: &str = "siaga112-reason";
/// Shorter reasons say nothing.
const REASON_LEAST: usize = 4;

/// Why somebody asks: the header `Siaga112-Reason` (percent-encoded where it is not ASCII), or `reason` in
/// the query.
pub(super) fn reason(headers: &HeaderMap, query: Option<&str>) -> Result<String, Problem> {
    let reason = reason_if_given(headers, query)?;
    if reason.is_empty() { Err(Problem::reason_needed()) } else { Ok(reason) }
}

/// The same where none is needed: empty where nothing was typed, and kept where something was.
pub(super) fn reason_if_given(headers: &HeaderMap, query: Option<&str>) -> Result<String, Problem> {
    let header = headers.get(REASON).and_then(|value| value.to_str().ok()).map(unescape);
    let asked = || pairs(query.unwrap_or_default()).find(|(key, _)| key == "reason");
    let reason = header.or_else(|| asked().map(|(_, value)| value.replace('+', " ")));
    let reason = reason.unwrap_or_default().trim().to_owned();
    match reason.chars().count() {
        0 | REASON_LEAST..=WORDS => Ok(reason),
        _ => Err(Problem::reason_needed()),
    }
}

/// What must be kept, and for how long.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HoldBody {
    /// True until somebody takes it back.
    hold: bool,
    /// Why, for the record; 200 characters at most.
    why: String,
    /// RFC 3339; the hold ends then by itself. Left out: when somebody takes it back.
    #[serde(default)]
    until: Option<String>,
}

/// Says that all of an incident must be kept whatever its age, such as for a court; or need not any more. It
/// covers every record that is part of the incident, and the one that it is part of, also those that are merged
/// later: `hold.covers` of the record names them. It is taken back where it was said.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/hold", tag = "incidents",
    request_body = HoldBody,
    params(("id" = String, Path, description = "The incident's id, or its call's")), responses(
    (status = 204, description = "Done, and on disk"),
    (status = 400, description = "The body is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such incident", body = Problem),
    (status = 409, description = "It is held by what was said of another incident", body = Problem)))]
pub(super) async fn hold(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let Path(id) = id.map_err(|_| Problem::unknown_id("incident", ""))?;
    let wanted =
        r#"{"hold": true, "why": "asked for by a court", "until": "2028-01-01T00:00:00Z"}"#;
    let HoldBody { hold, why, until } = read(body, wanted)?;
    bounded("why", &why)?;
    if why.trim().is_empty() {
        return Err(Problem::bad_body(format!("why is empty; wanted is {wanted}")));
    }
    let until = until.map(|text| {
        let until = WallTime::parse(&text).filter(|until| *until > console.desk.now());
        until.ok_or_else(|| {
            Problem::bad_body(format!("until is no time to come; wanted is {wanted}"))
        })
    });
    let until = until.transpose()?;
    let summary = find(&console, &id).await?.summary;
    let unknown = |_| Problem::unknown_id("incident", &id);
    let call = summary.call.parse().map_err(unknown)?;
    let incident = summary.id.parse().map_err(unknown)?;
    if !hold {
        let holds = console.desk.store().holds(&summary.id).await?;
        if let Some(other) = holds.first()
            && holds.iter().all(|one| one.incident != summary.id)
        {
            return Err(Problem::not_now(format!(
                "It is kept by the hold that {} put on incident {}, which covers it: take that one back \
                 with POST /api/v1/incidents/{}/hold.",
                other.by, other.incident, other.incident
            )));
        }
    }
    let hold = Hold { call, incident, held: hold, by: holder.name, why, until };
    console.desk.keep_safely(Fact::IncidentHeld(Box::new(hold))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How long what is kept of calls of some kinds.
#[derive(Serialize, ToSchema)]
pub(super) struct Rule {
    /// Which calls, by what people said that they were; `none`: nobody has.
    calls: &'static str,
    /// Days that recordings are kept, from the end of the call.
    audio_days: u32,
    /// Days that it is known who called and what was written.
    record_days: u32,
    /// Days that SIP messages are kept.
    trace_days: u32,
    /// What lets the centre keep it so long.
    ground: String,
}

/// The rules in force, and what was deleted by them.
#[derive(Serialize, ToSchema)]
pub(super) struct Report {
    /// None: nothing is deleted by age.
    rules: Vec<Rule>,
    /// Days that it is known who looked at what; null: for ever.
    access_log_days: Option<u32>,
    /// Days that what belongs to no call is kept: where a phone was, messages that nobody could read; null: for
    /// ever.
    no_call_days: Option<u32>,
    /// What each round of deletion did, newest first.
    rounds: Vec<Round>,
}

/// How long what is kept, and what was deleted when.
#[utoipa::path(get, path = "/api/v1/retention/report", tag = "retention", responses(
    (status = 200, description = "Rules and rounds", body = Report),
    (status = 401, description = "No token", body = Problem)))]
pub(super) async fn report(State(console): State<Console>) -> Result<Json<Report>, Problem> {
    let rules = console.desk.rules();
    let kinds = rules.by.iter().map(|(kind, keep)| (kind.word(), keep));
    let kinds = kinds.chain(rules.unjudged.iter().map(|keep| ("none", keep)));
    let rule = |(calls, keep): (&'static str, &crate::journal::retention::Keep)| Rule {
        calls,
        audio_days: keep.audio_days,
        record_days: keep.record_days,
        trace_days: keep.trace_days,
        ground: keep.ground.clone(),
    };
    Ok(Json(Report {
        rules: kinds.map(rule).collect(),
        access_log_days: rules.log_days,
        no_call_days: rules.no_call_days,
        rounds: console.desk.store().rounds().await?,
    }))
}

/// One page of who looked at what.
#[derive(Serialize, ToSchema)]
pub(super) struct AccessLog {
    /// Newest first.
    access: Vec<Access>,
    /// Give this as `before` for the next page; null on the last one.
    next: Option<String>,
}

/// Who looked at what, and why, newest first.
#[utoipa::path(get, path = "/api/v1/access-log", tag = "retention", params(
    ("since" = Option<String>, Query, description = "At or after this RFC 3339 time, or a day's midnight"),
    ("until" = Option<String>, Query, description = "Before this time"),
    ("by" = Option<String>, Query, description = "By this person or token"),
    ("subject" = Option<String>, Query, description = "About this incident"),
    ("before" = Option<String>, Query, description = "`next` of the page before")), responses(
    (status = 200, description = "One page", body = AccessLog),
    (status = 400, description = "The query is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem)))]
pub(super) async fn access_log(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    RawQuery(query): RawQuery,
) -> Result<Json<AccessLog>, Problem> {
    let (mut filter, mut times) = (AccessFilter::default(), Filter::default());
    let zone = console.desk.zone();
    for (key, value) in pairs(query.as_deref().unwrap_or_default()) {
        match key.as_str() {
            "since" | "until" => times.set(&key, &value, &zone)?,
            "by" => filter.by = Some(value),
            "subject" => filter.subject = Some(value),
            "before" => {
                let wrong = || {
                    Problem::bad_query(format!(
                        "before={value}; wanted is `next` of the page before"
                    ))
                };
                filter.before = Some(value.parse().map_err(|_| wrong())?);
            }
            "reason" => {}
            _ => {
                let known = "known are since, until, by, subject, before";
                return Err(Problem::bad_query(format!("{key} is not known here; {known}")));
            }
        }
    }
    (filter.since, filter.until) = (times.since, times.until);
    let access = console.desk.store().access(&filter).await?;
    console.desk.audit(&holder.name, "access log read", "");
    let full = access.len() >= PAGE as usize;
    let next = access.last().filter(|_| full).map(|last| last.place.to_string());
    Ok(Json(AccessLog { access, next }))
}

/// What a search of the records must say a reason for: that it looks for somebody.
pub(super) const SEARCHES: [&str; 3] = ["number", "words", "place"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_typed_in_a_header_or_the_query_and_says_something() {
        let ask = |header: Option<&str>, query: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(value) = header {
                headers.insert(REASON, value.parse().expect("a header"));
            }
            reason(&headers, query).ok()
        };
        assert_eq!(
            ask(Some("permintaan polisi 12/2026"), None).as_deref(),
            Some("permintaan polisi 12/2026")
        );
        assert_eq!(ask(Some("ke%20sidang"), None).as_deref(), Some("ke sidang"));
        assert_eq!(ask(None, Some("part=1&reason=ke+sidang")).as_deref(), Some("ke sidang"));
        for (header, query) in
            [(None, None), (Some("x"), None), (None, Some("reason=")), (None, Some("why=abcdef"))]
        {
            assert_eq!(ask(header, query), None);
        }
        assert_eq!(ask(Some(&"x".repeat(WORDS + 1)), None), None);
    }
}
