//! `siaga112 incidents list | show | export`: what a person reads in a terminal.
//!
//! It writes to what it is given, and reads nothing but the store and the journal.

mod places;

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;
use std::str::FromStr;

use jiff::tz::TimeZone;
use serde_json::{Map, Value};
use thiserror::Error;

use super::drawing::{Paper, draw};
use super::incident::{At, Incident, IncidentSummary, Recording, Work};
use super::{Filter, Store, StoreError, known};

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Table,
    /// One row each, for programs and spreadsheets set to English.
    Csv,
    /// The same for spreadsheets set to Indonesian: semicolons, and a byte order mark.
    Sheet,
    /// For programs.
    Json,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "table" => Ok(Self::Table),
            "csv" => Ok(Self::Csv),
            "sheet" => Ok(Self::Sheet),
            "json" => Ok(Self::Json),
            other => Err(format!("{other:?} is no format: write table, csv, sheet or json")),
        }
    }
}

/// What tells Windows that a text is UTF-8.
pub(super) const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Why a command failed.
#[derive(Debug, Error)]
pub enum CliError {
    /// The store or the journal.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The output.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
    /// The output, as CSV.
    #[error("cannot write the output: {0}")]
    Csv(#[from] csv::Error),
    /// The output, as JSON.
    #[error("cannot write the output: {0}")]
    Json(#[from] serde_json::Error),
    /// The question of a report.
    #[error(transparent)]
    Period(#[from] super::periods::PeriodError),
    /// A ladder has no columns.
    #[error("a ladder is drawn or written as JSON: leave --format csv or sheet out")]
    NoTable,
    /// No such record.
    #[error("there is no incident {0:?}; `siaga112 incidents list` shows what there is")]
    NoSuchIncident(String),
}

impl From<super::SheetError> for CliError {
    fn from(error: super::SheetError) -> Self {
        match error {
            super::SheetError::Period(error) => error.into(),
            super::SheetError::Store(error) => error.into(),
        }
    }
}

/// Writes the incidents that `filter` describes, newest first.
///
/// # Errors
/// When the journal, the database or the output fails.
pub async fn list(
    store: &Store,
    journal: &Path,
    filter: &Filter,
    format: Format,
    out: &mut impl Write,
) -> Result<(), CliError> {
    store.catch_up(journal).await?;
    let rows = store.list(filter).await?;
    match format {
        Format::Table => out.write_all(table(&rows).as_bytes())?,
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, &rows)?;
            writeln!(out)?;
        }
        Format::Csv | Format::Sheet => {
            let mut csv = csv_writer(format, out)?;
            rows.iter().try_for_each(|row| csv.serialize(harmless(row)))?;
            csv.flush()?;
        }
    }
    Ok(())
}

/// Writes one incident: a story for people, or JSON.
///
/// # Errors
/// No such incident; or the journal, the database or the output fails.
pub async fn show(
    store: &Store,
    journal: &Path,
    id: &str,
    format: Format,
    out: &mut impl Write,
) -> Result<(), CliError> {
    store.catch_up(journal).await?;
    let missing = || CliError::NoSuchIncident(id.chars().take(40).collect());
    let incident = store.show(id).await?.ok_or_else(missing)?;
    match format {
        Format::Table => out.write_all(story(&incident, &TimeZone::system()).as_bytes())?,
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, &incident)?;
            writeln!(out)?;
        }
        Format::Csv | Format::Sheet => {
            let mut csv = csv_writer(format, out)?;
            csv.serialize(harmless(&incident.summary))?;
            csv.flush()?;
        }
    }
    Ok(())
}

/// Writes the SIP messages of an incident: a drawing for people, or JSON.
///
/// # Errors
/// No such incident, CSV asked for; or the journal, the database or the output fails.
pub async fn ladder(
    store: &Store,
    journal: &Path,
    id: &str,
    format: Format,
    paper: Paper,
    out: &mut impl Write,
) -> Result<(), CliError> {
    if matches!(format, Format::Csv | Format::Sheet) {
        return Err(CliError::NoTable);
    }
    store.catch_up(journal).await?;
    let missing = || CliError::NoSuchIncident(id.chars().take(40).collect());
    let ladder = store.ladder(id).await?.ok_or_else(missing)?;
    if format == Format::Json {
        serde_json::to_writer_pretty(&mut *out, &ladder)?;
        writeln!(out)?;
    } else {
        out.write_all(draw(&ladder, &TimeZone::system(), paper).as_bytes())?;
    }
    Ok(())
}

/// Writes every incident that `filter` describes, however many there are (its limit does not
/// count): CSV has one row each, JSON the whole records.
///
/// # Errors
/// When the journal, the database or the output fails.
pub async fn export(
    store: &Store,
    journal: &Path,
    filter: &Filter,
    format: Format,
    out: &mut impl Write,
) -> Result<(), CliError> {
    store.catch_up(journal).await?;
    let mut pages = Pages::new(store, filter.clone());
    if format != Format::Json {
        let mut csv = csv_writer(format, &mut *out)?;
        while let Some(rows) = pages.next().await? {
            rows.iter().try_for_each(|row| csv.serialize(harmless(row)))?;
        }
        csv.flush()?;
        return Ok(());
    }
    let mut before = "[\n";
    while let Some(rows) = pages.next().await? {
        for row in &rows {
            if let Some(incident) = store.show(&row.call).await? {
                out.write_all(std::mem::replace(&mut before, ",\n").as_bytes())?;
                serde_json::to_writer(&mut *out, &incident)?;
            }
        }
    }
    out.write_all(if before == "[\n" { b"[]\n" } else { b"\n]\n" })?;
    out.flush()?;
    Ok(())
}

/// Walks through all incidents of a filter, page by page.
#[derive(Debug)]
pub struct Pages<'a> {
    store: &'a Store,
    next: Option<Filter>,
}

impl<'a> Pages<'a> {
    /// From the newest on; the filter's limit does not count.
    #[must_use]
    pub const fn new(store: &'a Store, filter: Filter) -> Self {
        Self { store, next: Some(filter) }
    }

    /// The next page; none behind the last.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next(&mut self) -> Result<Option<Vec<IncidentSummary>>, StoreError> {
        let Some(filter) = self.next.take() else { return Ok(None) };
        let filter = Filter { limit: super::filter::LIMIT, ..filter };
        let rows = self.store.list(&filter).await?;
        let last = rows.last().and_then(|row| row.call.parse().ok());
        if last.is_some() {
            self.next = Some(Filter { before: last, ..filter });
        }
        Ok(Some(rows).filter(|rows| !rows.is_empty()))
    }
}

/// A CSV writer whose heading is there even when no row follows.
fn csv_writer<W: Write>(format: Format, mut out: W) -> Result<csv::Writer<W>, CliError> {
    let mut sample = csv::Writer::from_writer(Vec::new());
    sample.serialize(IncidentSummary::default())?;
    let sample = sample.into_inner().map_err(|e| CliError::Output(e.into_error()))?;
    let mut sample = csv::Reader::from_reader(sample.as_slice());
    let mut writer = csv::WriterBuilder::new();
    if format == Format::Sheet {
        out.write_all(BYTE_ORDER_MARK.as_bytes())?;
        writer.delimiter(b';').terminator(csv::Terminator::CRLF);
    }
    let mut csv = writer.has_headers(false).from_writer(out);
    csv.write_record(sample.headers()?)?;
    Ok(csv)
}

/// A spreadsheet takes cells that begin like this for formulas; what a caller sent must not run
/// there. A number with its plus sign stays as it is.
fn harmless(row: &IncidentSummary) -> IncidentSummary {
    let number = |rest: &str| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit());
    let cell = |text: &String| {
        let formula = text.starts_with(['=', '@', '-', '+', '\t', '\r']);
        let harmless = !formula || text.strip_prefix('+').is_some_and(number);
        if harmless { text.clone() } else { format!("'{text}") }
    };
    IncidentSummary {
        dialled: cell(&row.dialled),
        service: cell(&row.service),
        caller_raw: cell(&row.caller_raw),
        caller_e164: row.caller_e164.as_ref().map(cell),
        caller_name: row.caller_name.as_ref().map(cell),
        caller_number: row.caller_number.as_ref().map(cell),
        text: row.text.as_ref().map(cell),
        address: row.address.as_ref().map(cell),
        desa: row.desa.as_ref().map(cell),
        landmark: row.landmark.as_ref().map(cell),
        agencies: row.agencies.as_ref().map(cell),
        field_report: row.field_report.as_ref().map(cell),
        result: row.result.as_ref().map(cell),
        source: cell(&row.source),
        closed_by: row.closed_by.as_ref().map(cell),
        ..row.clone()
    }
}

/// The records as a table for a terminal, in this machine's time zone.
#[must_use]
pub fn table(rows: &[IncidentSummary]) -> String {
    table_in(rows, &TimeZone::system())
}

fn table_in(rows: &[IncidentSummary], zone: &TimeZone) -> String {
    let heading = [
        "ID", "RECEIVED", "TRUNK", "CALLER", "DIALLED", "QUEUE", "SEAT", "AFTER", "ENDED", "KIND",
        "CATEGORY", "RECORD", "REC",
    ];
    let mut cells = vec![heading.map(str::to_owned)];
    cells.extend(rows.iter().map(|row| {
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
        let ended = match (&row.ended_at, &row.ended_by, &row.cause) {
            (Some(_), Some(by), Some(cause)) => format!("{}/{by}/{cause}", row.stage),
            _ if row.origin != "call" => format!("({})", row.record),
            _ => format!("({})", row.stage),
        };
        [
            row.id.clone(),
            local(row.received_at, zone),
            if row.trunk.is_empty() { row.origin.clone() } else { row.trunk.clone() },
            if row.number().is_empty() { "-".into() } else { plain(row.number()) },
            plain(row.dialled.trim_start_matches("urn:service:")),
            queue_and_lane(row),
            or_dash(&row.seat),
            row.answer_ms.map_or_else(|| "-".into(), seconds),
            ended,
            or_dash(&row.disposition),
            or_dash(&row.category),
            row.record.clone(),
            if row.recording_state.as_deref() == Some("sealed") { "yes" } else { "no" }.into(),
        ]
    }));
    let mut text = lines(&cells);
    if rows.is_empty() {
        text.push_str("no incidents\n");
    }
    text
}

/// The queue, and the lane when it is another than the usual one.
fn queue_and_lane(row: &IncidentSummary) -> String {
    let queue = row.queue.as_deref().unwrap_or("-");
    match row.lane.as_str() {
        "" | "usual" => queue.to_owned(),
        lane => format!("{queue}/{lane}"),
    }
}

/// Rows as lines, each column as wide as its widest cell.
pub(super) fn lines(cells: &[impl AsRef<[String]>]) -> String {
    let widest = |column: usize| {
        let lengths = cells.iter().filter_map(|row| row.as_ref().get(column));
        lengths.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let columns = cells.iter().map(|row| row.as_ref().len()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns).map(widest).collect();
    cells.iter().fold(String::new(), |mut text, row| {
        let line =
            row.as_ref().iter().zip(&widths).fold(String::new(), |mut line, (cell, width)| {
                let _ = write!(line, "{cell:width$}  ");
                line
            });
        text.push_str(line.trim_end());
        text.push('\n');
        text
    })
}

/// Text from outside, fit for a terminal: no control characters, no endless cell.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

fn local(at: At, zone: &TimeZone) -> String {
    jiff::Timestamp::from_microsecond(at.0.0).map_or_else(
        |_| at.0.to_rfc3339(),
        |time| zone.to_datetime(time).strftime("%Y-%m-%d %H:%M:%S").to_string(),
    )
}

fn seconds(millis: i64) -> String {
    format!("{}.{} s", millis / 1000, millis % 1000 / 100)
}

/// A file of a recording in one line.
fn recorded(recording: &Recording) -> String {
    let missed = recording.missed_millis.filter(|ms| *ms > 0);
    let missed = missed.map(|ms| format!(", after {} that are missing", seconds(ms)));
    let length = recording.millis.map(|ms| format!(", {}", seconds(ms))).unwrap_or_default();
    let held = if recording.held { ", held" } else { "" };
    let hash = recording.sha256.as_ref().map(|h| format!(", SHA-256 {h}")).unwrap_or_default();
    let why = recording.why.as_ref().map(|w| format!(", {w}")).unwrap_or_default();
    let missed = missed.unwrap_or_default();
    let (file, state) = (&recording.file, &recording.state);
    format!("{file} ({state}{missed}{length}{held}{hash}{why})")
}

/// One incident told from its first step to its last.
fn story(incident: &Incident, zone: &TimeZone) -> String {
    let row = &incident.summary;
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "{name:<12} {}", plain_line(value));
        }
    };
    let optional = |value: &Option<String>| value.clone().unwrap_or_default();
    let fact = |path: &str| found(&incident.facts, path);
    line("incident", &row.id);
    let received = local(row.received_at, zone);
    if row.origin == "call" {
        line("call", &row.call);
        line("received", &format!("{received} from {} ({})", row.trunk, row.source));
        line("caller", &known::caller(incident));
    } else {
        line("opened", &format!("{received} by {}: {}", row.source, row.origin));
    }
    known::beside(incident).iter().for_each(|(name, value)| line(name, value));
    let service = if row.dialled == row.service { "" } else { &format!(" for {}", row.service) };
    line("dialled", &format!("{}{service}", row.dialled));
    line("category", &optional(&row.category));
    if incident.place.as_ref().is_none_or(|place| !place.contains_key("kecamatan")) {
        line("kecamatan", &optional(&row.kecamatan));
    }
    line("Call-ID", &fact("sip_call_id"));
    line("icid", &fact("icid"));
    line("i3 call", &fact("emergency_call_id"));
    places::told(incident, &mut line);
    line("languages", &fact("languages"));
    known::came_along(&incident.facts).iter().for_each(|(name, value)| line(name, value));
    line("findings", &fact("findings"));
    let queue = row.queue.as_ref().map(|queue| {
        let (rule, mode) = (optional(&row.rule), optional(&row.answer_mode));
        format!(
            "{queue}, rule {rule}, priority {}, answer {mode}",
            row.priority.unwrap_or_default()
        )
    });
    line("queue", &queue.unwrap_or_default());
    line("lane", &row.lane_why.as_ref().map(|w| format!("{}: {w}", row.lane)).unwrap_or_default());
    line("skills", &optional(&row.wants));
    line("heard", &optional(&row.heard));
    line("seat", [optional(&row.seat), optional(&row.operator)].join(" ").trim());
    line("answered", &row.answer_ms.map(|ms| format!("after {}", seconds(ms))).unwrap_or_default());
    let lives =
        if row.origin == "call" { format!("not yet: {}", row.stage) } else { String::new() };
    let ended = row.ended_at.map_or(lives, |at| {
        let (by, cause) = (optional(&row.ended_by), optional(&row.cause));
        let q850 = row.q850.map(|q| format!(", Q.850 {q}")).unwrap_or_default();
        format!("{} while {} by {by}: {cause}{q850}", local(at, zone), row.stage)
    });
    line("ended", &ended);
    line("outcome", &optional(&row.outcome));
    let judged = |kind: &String| format!("{kind}, said by {}", optional(&row.disposed_by));
    line("kind", &row.disposition.as_ref().map(judged).unwrap_or_default());
    for link in &incident.links {
        line("linked", &format!("{} {} ({})", link.order, link.incident, link.why));
    }
    written(incident, zone).iter().for_each(|(name, value)| line(name, value));
    incident.work.iter().for_each(|work| line("call back", &to_do(work)));
    let files = incident.recording.iter().chain(&incident.further_recordings);
    files.for_each(|file| line("recording", &recorded(file)));
    text.push('\n');
    incident.steps.iter().for_each(|step| text.push_str(&told(step, row.received_at)));
    text
}

/// What people wrote of an incident: the form, and what became of the record.
fn written(incident: &Incident, zone: &TimeZone) -> Vec<(String, String)> {
    let record = &incident.written;
    let mut lines = Vec::new();
    let mut say = |name: &str, value: String| lines.push((name.to_owned(), value));
    for (field, value) in &record.form {
        match value {
            Value::Object(agencies) if field == "agencies" => {
                for (name, told) in agencies {
                    let mut words = Vec::new();
                    say_parts(told, &mut words);
                    say("agency", format!("{name}: {}", words.join(", ")));
                }
            }
            // Stands above already, with who said so.
            _ if matches!(field.as_str(), "category" | "kecamatan" | "disposition") => {}
            Value::Object(_) => {
                let mut words = Vec::new();
                say_parts(value, &mut words);
                say(field, words.join(", "));
            }
            other => say(field, text(other)),
        }
    }
    let by = |by: &Option<String>| by.clone().unwrap_or_default();
    if let Some(at) = record.closed_at {
        say("closed", format!("{} by {}", local(at, zone), by(&record.closed_by)));
    }
    let tied = |tied: &super::TiedRecord| format!("{} by {}: {}", tied.incident, tied.by, tied.why);
    record.merged_into.iter().for_each(|it| say("part of", tied(it)));
    record.merged.iter().for_each(|it| say("merged", tied(it)));
    record.linked.iter().for_each(|it| say("linked", tied(it)));
    if let Some(at) = record.changed_at {
        let (at, by) = (local(at, zone), by(&record.changed_by));
        say("written", format!("{at} by {by}, version {}", record.version));
    }
    lines
}

/// The parts of an object, each `name value`.
fn say_parts(value: &Value, words: &mut Vec<String>) {
    let parts = value.as_object().into_iter().flatten();
    words.extend(
        parts.map(|(key, value)| format!("{} {}", key.trim_end_matches("_at"), text(value))),
    );
}

/// An entry of the work list in a sentence.
fn to_do(work: &Work) -> String {
    let tried: Vec<String> = work
        .attempts
        .iter()
        .map(|a| format!("{} {}", a.seat, a.outcome.as_deref().unwrap_or("calls")))
        .collect();
    let tried = if tried.is_empty() { "not tried".to_owned() } else { tried.join(", ") };
    let why = work.why.as_deref().unwrap_or("open");
    let by = work.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    format!("{}, {} ({tried}; {why}{by})", work.id, work.kind)
}

/// A value by its dotted path, as text; empty when it is absent, null or empty.
fn found(facts: &Map<String, Value>, path: &str) -> String {
    let mut parts = path.split('.');
    let top = parts.next().and_then(|part| facts.get(part));
    match parts.try_fold(top, |value, part| Some(value?.get(part))).flatten() {
        None | Some(Value::Null) => String::new(),
        Some(value) => text(value),
    }
}

/// One step: seconds since the INVITE, the fact, and what belongs to it.
fn told(step: &Map<String, Value>, received: At) -> String {
    let at = step.get("at").and_then(Value::as_str).and_then(crate::vocabulary::WallTime::parse);
    let after = at.map_or(0, |at| (at.0 - received.0.0).max(0)) / 1000;
    let fact = step.get("fact").and_then(Value::as_str).unwrap_or_default();
    let rest = step
        .iter()
        .filter(|(key, _)| !matches!(key.as_str(), "at" | "seq" | "fact" | "call" | "incident"));
    let mut words = Vec::new();
    rest.for_each(|(key, value)| say(key, value, &mut words));
    let line =
        format!("  +{:>4}.{:03} s  {fact:<18} {}", after / 1000, after % 1000, words.join(" "));
    format!("{}\n", plain_line(line.trim_end()))
}

/// `key=value`; what an object holds is said as if it stood beside it, and an absent value is not.
fn say(key: &str, value: &Value, words: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::Object(parts) => parts.iter().for_each(|(key, value)| say(key, value, words)),
        other => words.push(format!("{key}={}", text(other))),
    }
}

/// A value as a person reads it: a text without quotes, a list of texts with "; " in between.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) if list.iter().all(Value::is_string) => {
            list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}

fn plain_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(2000).collect()
}
