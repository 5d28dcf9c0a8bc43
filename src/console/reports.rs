//! Reports: how well calls were answered, the week by call taker, the month. They hold no number of
//! a caller; who asks for a spreadsheet gets CSV.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::Console;
use super::incidents::pairs;
use super::problem::Problem;
use crate::store::cli::CliError;
use crate::store::periods::{Period, PeriodError};
use crate::store::report_cli::{
    bounded, ciamis_csv, hours_csv, national_csv, spreadsheet, standards_csv,
};
use crate::store::{
    At, By, CiamisReport, HoursReport, NationalReport, SheetError, StandardsReport,
};

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    Csv,
    /// CSV for a spreadsheet that is set to Indonesian.
    Sheet,
}

/// A report's query: the keys that it knows, and `format`.
struct Question {
    form: Form,
    values: Vec<(&'static str, String)>,
}

impl Question {
    fn read(
        query: Option<&str>,
        headers: &HeaderMap,
        known: &[&'static str],
    ) -> Result<Self, Problem> {
        let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        let csv = accept.is_some_and(|accept| accept.to_ascii_lowercase().contains("text/csv"));
        let mut question = Self { form: if csv { Form::Csv } else { Form::Json }, values: vec![] };
        for (key, value) in pairs(query.unwrap_or_default()) {
            let known_key = known.iter().find(|known| **known == key);
            match (known_key, key.as_str(), value.as_str()) {
                (Some(key), ..) => question.values.push((key, value)),
                (None, "format", "json") => question.form = Form::Json,
                (None, "format", "csv") => question.form = Form::Csv,
                (None, "format", "sheet") => question.form = Form::Sheet,
                (None, "format", _) => {
                    return Err(Problem::bad_query("format is json, csv or sheet"));
                }
                _ => {
                    let shown: String = key.chars().take(40).collect();
                    let known = known.join(", ");
                    let detail = format!("there is no {shown:?}; known are {known}, format");
                    return Err(Problem::bad_query(detail));
                }
            }
        }
        Ok(question)
    }

    fn value(&self, key: &str) -> Option<&str> {
        let mut found = self.values.iter().filter(|(known, _)| *known == key);
        found.next_back().map(|(_, value)| value.as_str())
    }

    fn answer<T: Serialize>(
        &self,
        report: T,
        csv: fn(&T) -> Result<String, CliError>,
    ) -> Result<Response, Problem> {
        if self.form == Form::Json {
            return Ok(Json(report).into_response());
        }
        let text = csv(&report).and_then(|text| match self.form {
            Form::Sheet => spreadsheet(&text),
            Form::Json | Form::Csv => Ok(text),
        });
        let text = text.map_err(|error| {
            tracing::error!(%error, "a report cannot be written");
            Problem::too_slow()
        })?;
        Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response())
    }
}

/// How well calls were answered, counted from their INVITE. Every figure is explained at its name.
#[utoipa::path(get, path = "/api/v1/reports/standards", tag = "reports", params(
    ("since" = Option<String>, Query,
     description = "INVITE at or after this RFC 3339 time or a day's midnight; else today's"),
    ("until" = Option<String>, Query,
     description = "INVITE before this RFC 3339 time, or a day's midnight; now when left out"),
    ("by" = Option<String>, Query,
     description = "queue (when left out), trunk, hour (62 days at most) or operator"),
    ("format" = Option<String>, Query, description = "json, csv, or sheet: CSV for a \
     spreadsheet that is set to Indonesian (`;`, decimal commas, a byte order mark); else by the Accept header")),
    responses(
    (status = 200, description = "The whole and each slice", body = StandardsReport),
    (status = 400, description = "The query is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem)))]
pub(super) async fn standards(
    State(console): State<Console>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let question = Question::read(query.as_deref(), &headers, &["since", "until", "by"])?;
    let by: By = question
        .value("by")
        .map_or(Ok(By::Queue), str::parse)
        .map_err(|error| Problem::bad_query(format!("by={error}")))?;
    let (now, zone) = (console.desk.now(), console.desk.zone());
    let period = Period::between(question.value("since"), question.value("until"), now, &zone)?;
    bounded(period, by)?;
    let report = console.desk.store().standards_report(period, by, &zone).await?;
    question.answer(report, standards_csv)
}

/// When the centre was busy, and with what: by hour of day, by day, by lane and by what calls were.
#[utoipa::path(get, path = "/api/v1/reports/hours", tag = "reports", params(
    ("since" = Option<String>, Query,
     description = "INVITE at or after this RFC 3339 time or a day's midnight; else today's"),
    ("until" = Option<String>, Query,
     description = "INVITE before this RFC 3339 time, or a day's midnight; now when left out"),
    ("format" = Option<String>, Query, description = "json or csv; else by the Accept header")),
    responses(
    (status = 200, description = "The whole, and each slice", body = HoursReport),
    (status = 400, description = "The query is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem)))]
pub(super) async fn hours(
    State(console): State<Console>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let question = Question::read(query.as_deref(), &headers, &["since", "until"])?;
    let (now, zone) = (console.desk.now(), console.desk.zone());
    let period = Period::between(question.value("since"), question.value("until"), now, &zone)?;
    let report = console.desk.store().hours_report(period, &zone).await?;
    question.answer(report, hours_csv)
}

/// How it goes now.
#[derive(Serialize, ToSchema)]
pub(super) struct LiveStandards {
    /// When this was so.
    at: At,
    /// The current hour so far, by queue.
    hour: StandardsReport,
    /// The current day so far, by queue.
    day: StandardsReport,
}

/// How well calls were answered in the current hour and on the current day, from the records: a
/// second or so behind.
#[utoipa::path(get, path = "/api/v1/reports/live", tag = "reports", responses(
    (status = 200, description = "Hour and day so far", body = LiveStandards),
    (status = 401, description = "No token", body = Problem)))]
pub(super) async fn live(State(console): State<Console>) -> Result<Json<LiveStandards>, Problem> {
    let (now, zone) = (console.desk.now(), console.desk.zone());
    let (hour, day) = Period::so_far(now, &zone);
    let store = console.desk.store();
    Ok(Json(LiveStandards {
        at: At(now),
        hour: store.standards_report(hour, By::Queue, &zone).await?,
        day: store.standards_report(day, By::Queue, &zone).await?,
    }))
}

/// One week by call taker, in the columns of the form that centres hand in.
#[utoipa::path(get, path = "/api/v1/reports/ciamis", tag = "reports", params(
    ("week" = Option<String>, Query,
     description = "ISO 8601 week, 2026-W48; the current one when left out"),
    ("format" = Option<String>, Query, description = "json, csv, or sheet: CSV for a \
     spreadsheet that is set to Indonesian (`;`, decimal commas, a byte order mark); else by the Accept header")),
    responses(
    (status = 200, description = "A row for each call taker, and the sum", body = CiamisReport),
    (status = 400, description = "The query is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem)))]
pub(super) async fn ciamis(
    State(console): State<Console>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let question = Question::read(query.as_deref(), &headers, &["week"])?;
    let zone = console.desk.zone();
    let this_week = Period::this_week(console.desk.now(), &zone);
    let week = question.value("week").unwrap_or(&this_week);
    let report = console.desk.store().ciamis(week, &zone).await?;
    question.answer(report, ciamis_csv)
}

/// One month for the national monitoring centre, whole and by network.
#[utoipa::path(get, path = "/api/v1/reports/national", tag = "reports", params(
    ("month" = Option<String>, Query,
     description = "Month, 2026-11; the current one when left out"),
    ("format" = Option<String>, Query, description = "json, csv, or sheet: CSV for a \
     spreadsheet that is set to Indonesian (`;`, decimal commas, a byte order mark); else by the Accept header")),
    responses(
    (status = 200, description = "Every network together, and each", body = NationalReport),
    (status = 400, description = "The query is not understood", body = Problem),
    (status = 401, description = "No token", body = Problem)))]
pub(super) async fn national(
    State(console): State<Console>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let question = Question::read(query.as_deref(), &headers, &["month"])?;
    let zone = console.desk.zone();
    let this_month = Period::this_month(console.desk.now(), &zone);
    let month = question.value("month").unwrap_or(&this_month);
    let report = console.desk.store().national(month, &zone).await?;
    question.answer(report, national_csv)
}

impl From<PeriodError> for Problem {
    fn from(error: PeriodError) -> Self {
        Self::bad_query(error.to_string())
    }
}

impl From<SheetError> for Problem {
    fn from(error: SheetError) -> Self {
        match error {
            SheetError::Period(error) => error.into(),
            SheetError::Store(error) => error.into(),
        }
    }
}
