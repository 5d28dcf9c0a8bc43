//! The incident records. Searching and reading leave an audit entry.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::Console;
use super::access::Holder;
use super::custody::{SEARCHES, reason, reason_if_given};
use super::own::operator;
use super::permissions::Grant;
use super::problem::Problem;
use crate::agencies::{eido, eido_export};
use crate::store::{Filter, Incident, IncidentSummary, Ladder};

/// One page of incidents.
#[derive(Serialize, ToSchema)]
pub(super) struct Incidents {
    /// Newest first.
    incidents: Vec<IncidentSummary>,
    /// Give this as `before` for the next page; null on the last one.
    next: Option<String>,
}

/// Incidents, newest first.
#[utoipa::path(get, path = "/api/v1/incidents", tag = "incidents", params(
    ("since" = Option<String>, Query,
     description = "Received at or after this RFC 3339 time, or a day's midnight at the centre"),
    ("until" = Option<String>, Query,
     description = "Received before this RFC 3339 time, or a day's midnight at the centre"),
    ("trunk" = Option<String>, Query, description = "Name of a trunk"),
    ("seat" = Option<String>, Query, description = "Seat that answered or was offered the call"),
    ("operator" = Option<String>, Query, description = "Operator who answered"),
    ("queue" = Option<String>, Query, description = "Name of a queue"),
    ("stage" = Option<String>, Query, description = "arriving, waiting, ringing, talking or test"),
    ("outcome" = Option<String>, Query, description = "answered, abandoned, test or other"),
    ("lane" = Option<String>, Query, description = "usual, silent or nuisance"),
    ("disposition" = Option<String>, Query,
     description = "What people said that it was, or none for calls that nobody has judged"),
    ("category" = Option<String>, Query, description = "Code of a category"),
    ("place" = Option<String>, Query,
     description = "Code of a kecamatan, or name of a desa"),
    ("number" = Option<String>, Query, description = "Beginning or end of the caller's number, \
     however it is written: at least 3 letters or digits"),
    ("words" = Option<String>, Query, description = "Words, or their beginnings, that all stand in \
     what was written of it: notes, address, report, agencies, text of the call"),
    ("reason" = Option<String>, Query,
     description = "Why, 4 to 200 characters, for the access log; needed but for a list of the incidents that \
                    the asker answered, without `number`, `words` and `place`. Or, better, the header \
                    `Siaga112-Reason`, percent-encoded where it is not ASCII"),
    ("limit" = Option<u32>, Query, description = "1 to 1000; 100 when left out"),
    ("before" = Option<String>, Query, description = "`next` of the page before")),
    responses(
    (status = 200, description = "One page", body = Incidents),
    (status = 400, description = "The query is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem)))]
pub(super) async fn list(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    Extension(grant): Extension<Grant>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Json<Incidents>, Problem> {
    let query = query.unwrap_or_default();
    let mut filter = Filter::default();
    let zone = console.desk.zone();
    let mut searches = false;
    for (key, value) in pairs(&query).filter(|(key, _)| key != "reason") {
        searches |= SEARCHES.contains(&key.as_str());
        filter.set(&key, &value, &zone)?;
    }
    if grant.own_only {
        filter.operator = Some(operator(&holder)?.to_string());
    }
    let own = holder
        .operator
        .as_ref()
        .is_some_and(|own| filter.operator.as_deref() == Some(own.as_str()));
    let reason = match searches || !own {
        true => reason(&headers, Some(&query))?,
        false => reason_if_given(&headers, Some(&query))?,
    };
    let incidents = console.desk.store().list(&filter).await?;
    let asked = subject(&query);
    console.desk.audit_why(&holder.name, "incidents searched", &asked, &reason);
    let full = incidents.len() >= filter.rows() as usize;
    let next = incidents.last().filter(|_| full).map(|last| last.call.clone());
    Ok(Json(Incidents { incidents, next }))
}

/// One incident, by its id or its call's.
#[utoipa::path(get, path = "/api/v1/incidents/{id}", tag = "incidents",
    params(("id" = String, Path, description = "The incident's id, or its call's")), responses(
    (status = 200, description = "The whole record", body = Incident),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such incident", body = Problem)))]
pub(super) async fn show(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Incident>, Problem> {
    let Path(id) = id.map_err(|_| Problem::unknown_id("incident", ""))?;
    let incident = find(&console, &id).await?;
    console.desk.audit(&holder.name, "incident read", &incident.summary.id);
    Ok(Json(incident))
}

/// One incident for another agency's computer: an EIDO (NENA-STA-021.1).
#[utoipa::path(get, path = "/api/v1/incidents/{id}/eido", tag = "incidents", params(
    ("id" = String, Path, description = "The incident's id, or its call's"),
    ("reason" = Option<String>, Query,
     description = "Why, 4 to 200 characters, for the access log. Or the header `Siaga112-Reason`")),
    responses(
    (status = 200, description = "The document", content_type = "application/emergency.eido+json",
     body = serde_json::Value),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such incident", body = Problem)))]
pub(super) async fn eido(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Path(id) = id.map_err(|_| Problem::unknown_id("incident", ""))?;
    let reason = reason(&headers, query.as_deref())?;
    let calls = eido_export::calls(console.desk.store(), &id).await?;
    let document = eido::eido(&calls, &console.desk.issuer());
    let document = document.ok_or_else(|| Problem::unknown_id("incident", &id))?;
    let subject = calls.first().map_or(id, |call| call.summary.id.clone());
    console.desk.audit_why(&holder.name, "incident exported as EIDO", &subject, &reason);
    Ok(([(CONTENT_TYPE, eido::EIDO)], document.to_string()).into_response())
}

/// The SIP messages of an incident: call by call, in their order, repeats included.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/ladder", tag = "incidents",
    params(("id" = String, Path, description = "The incident's id, or its call's")), responses(
    (status = 200, description = "Every message that was kept", body = Ladder),
    (status = 401, description = "No token", body = Problem),
    (status = 404, description = "No such incident", body = Problem)))]
pub(super) async fn ladder(
    State(console): State<Console>,
    Extension(holder): Extension<Holder>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Ladder>, Problem> {
    let Path(id) = id.map_err(|_| Problem::unknown_id("incident", ""))?;
    let ladder = console.desk.store().ladder(&id).await?;
    let ladder = ladder.ok_or_else(|| Problem::unknown_id("incident", &id))?;
    console.desk.audit(&holder.name, "ladder read", &ladder.incident);
    Ok(Json(ladder))
}

pub(super) async fn find(console: &Console, id: &str) -> Result<Incident, Problem> {
    let wanted = id.to_owned();
    let asked = console.records.ask(console, move |store| {
        let id = wanted.clone();
        Box::pin(async move { store.show(&id).await })
    });
    asked.await?.ok_or_else(|| Problem::unknown_id("incident", id))
}

/// What was asked for as it is kept: readable, and without why.
fn subject(query: &str) -> String {
    let pairs = pairs(query).filter(|(key, _)| key != "reason");
    let pairs: Vec<String> = pairs.map(|(key, value)| format!("{key}={value}")).collect();
    pairs.join("&").chars().take(200).collect()
}

/// The pairs of a query string; `+` and `%2B` are told apart, since numbers begin with one.
pub(super) fn pairs(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (unescape(key), unescape(value))
    })
}

/// Percent-decoding. A plus sign stays one: people type `number=+62…` and times with `+07:00`,
/// and none of our values holds a space.
pub(super) fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let digits = tail.get(..2).filter(|_| first == b'%');
        let code = digits.and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read_as_people_type_them() {
        let read = |query| pairs(query).collect::<Vec<_>>();
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let wanted = vec![pair("number", "+62812"), pair("since", "2026-01-01T00:00:00+07:00")];
        assert_eq!(read("number=+62812&since=2026-01-01T00:00:00+07:00"), wanted);
        assert_eq!(read("number=%2B62812&&since=2026-01-01T00%3A00:00%2b07:00"), wanted);
        assert_eq!(read("a&b=%zz&c=%f"), vec![pair("a", ""), pair("b", "%zz"), pair("c", "%f")]);
        assert_eq!(read(""), vec![]);
    }
}
