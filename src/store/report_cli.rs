//! `siaga112 reports standards | ciamis | national`: the reports as tables, CSV and JSON.
//!
//! It writes to what it is given; CSV is the same here and in the API.

use std::io::Write;
use std::path::Path;

use jiff::tz::TimeZone;
use serde::Serialize;

use super::cli::{BYTE_ORDER_MARK, CliError, Format, lines};
use super::periods::{DAYS_BY_HOUR, Period, PeriodError};
use super::{By, CIAMIS_COLUMNS, CiamisReport, Figures, NationalReport, StandardsReport, Store};
use super::{HourFigures, HoursReport};

/// How well calls were answered: the whole first, then each slice.
///
/// # Errors
/// Too long a period; or the journal, the database or the output fails.
pub async fn standards(
    store: &Store,
    journal: &Path,
    (period, by): (Period, By),
    zone: &TimeZone,
    format: Format,
    out: &mut impl Write,
) -> Result<(), CliError> {
    bounded(period, by)?;
    store.catch_up(journal).await?;
    let report = store.standards_report(period, by, zone).await?;
    match format {
        Format::Table => out.write_all(table(&report).as_bytes())?,
        Format::Csv => out.write_all(standards_csv(&report)?.as_bytes())?,
        Format::Sheet => out.write_all(spreadsheet(&standards_csv(&report)?)?.as_bytes())?,
        Format::Json => json(&report, out)?,
    }
    Ok(())
}

/// The week by call taker.
///
/// # Errors
/// No such week; or the journal, the database or the output fails.
pub async fn ciamis(
    store: &Store,
    journal: &Path,
    week: &str,
    zone: &TimeZone,
    format: Format,
    out: &mut impl Write,
) -> Result<(), CliError> {
    store.catch_up(journal).await?;
    let report = store.ciamis(week, zone).await?;
    match format {
        Format::Table => {
            let rows = report.rows.iter().chain([&report.total]).map(|row| row.cells());
            let heading = CIAMIS_COLUMNS.map(str::to_owned);
            let cells: Vec<_> = std::iter::once(heading).chain(rows).collect();
            out.write_all(lines(&cells).as_bytes())?;
        }
        Format::Csv => out.write_all(ciamis_csv(&report)?.as_bytes())?,
        Format::Sheet => out.write_all(spreadsheet(&ciamis_csv(&report)?)?.as_bytes())?,
        Format::Json => json(&report, out)?,
    }
    Ok(())
}

/// The month, whole and by network.
///
/// # Errors
/// No such month; or the journal, the database or the output fails.
pub async fn national(
    store: &Store,
    journal: &Path,
    month: &str,
    zone: &TimeZone,
    format: Format,
    out: &mut impl Write,
) -> Result<(), CliError> {
    store.catch_up(journal).await?;
    let report = store.national(month, zone).await?;
    match format {
        Format::Table => out.write_all(sheet(&report)?.as_bytes())?,
        Format::Csv => out.write_all(national_csv(&report)?.as_bytes())?,
        Format::Sheet => out.write_all(spreadsheet(&national_csv(&report)?)?.as_bytes())?,
        Format::Json => json(&report, out)?,
    }
    Ok(())
}

/// Refuses a year hour by hour.
///
/// # Errors
/// [`PeriodError::TooLong`].
pub fn bounded(period: Period, by: By) -> Result<(), PeriodError> {
    if by == By::Hour && period.days() > DAYS_BY_HOUR {
        return Err(PeriodError::TooLong(DAYS_BY_HOUR));
    }
    Ok(())
}

/// One row for the whole, then one for each slice.
///
/// # Errors
/// When memory has no room for it.
pub fn standards_csv(report: &StandardsReport) -> Result<String, CliError> {
    csv_of(std::iter::once(&report.whole).chain(&report.slices))
}

/// One row for the whole, then those of hours, days, lanes and kinds, each named by what it is.
///
/// # Errors
/// When memory has no room for it.
pub fn hours_csv(report: &HoursReport) -> Result<String, CliError> {
    let parts = [
        ("all", std::slice::from_ref(&report.whole)),
        ("hour", &report.by_hour),
        ("day", &report.by_day),
        ("lane", &report.by_lane),
        ("disposition", &report.by_disposition),
    ];
    let named = |(by, rows): (&str, &[HourFigures])| {
        let name = |row: &HourFigures| {
            let slice = if by == "all" { by.to_owned() } else { format!("{by} {}", row.slice) };
            HourFigures { slice, ..row.clone() }
        };
        rows.iter().map(name).collect::<Vec<_>>()
    };
    let rows: Vec<HourFigures> = parts.into_iter().flat_map(named).collect();
    csv_of(rows.iter())
}

/// The form's own columns; the last row is the sum.
///
/// # Errors
/// When memory has no room for it.
pub fn ciamis_csv(report: &CiamisReport) -> Result<String, CliError> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(CIAMIS_COLUMNS)?;
    for row in report.rows.iter().chain([&report.total]) {
        csv.write_record(row.cells())?;
    }
    text(csv)
}

/// One row for every network together, then one for each.
///
/// # Errors
/// When memory has no room for it.
pub fn national_csv(report: &NationalReport) -> Result<String, CliError> {
    csv_of(std::iter::once(&report.whole).chain(&report.networks))
}

fn csv_of<'a, T: Serialize + 'a>(rows: impl Iterator<Item = &'a T>) -> Result<String, CliError> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    for row in rows {
        csv.serialize(row)?;
    }
    text(csv)
}

fn text(csv: csv::Writer<Vec<u8>>) -> Result<String, CliError> {
    let bytes = csv.into_inner().map_err(|e| CliError::Output(e.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// CSV as a spreadsheet set to Indonesian reads it: a byte order mark, semicolons, decimal commas, lines that
/// end as Windows ends them.
///
/// # Errors
/// When `csv` is none.
pub fn spreadsheet(csv: &str) -> Result<String, CliError> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv.as_bytes());
    let terminator = csv::Terminator::CRLF;
    let mut sheet =
        csv::WriterBuilder::new().delimiter(b';').terminator(terminator).from_writer(Vec::new());
    for row in reader.records() {
        let row = row?;
        let cells = row.iter().map(|cell| match cell.parse::<f64>() {
            Ok(_) => cell.replace('.', ","),
            Err(_) => cell.to_owned(),
        });
        sheet.write_record(cells)?;
    }
    Ok(format!("{BYTE_ORDER_MARK}{}", text(sheet)?))
}

fn json(report: &impl Serialize, out: &mut impl Write) -> Result<(), CliError> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    writeln!(out)?;
    Ok(())
}

fn table(report: &StandardsReport) -> String {
    let heading = [
        report.by.to_uppercase().as_str(),
        "OFFERED",
        "ANSWERED",
        "LEFT",
        "<3 S",
        "3-10",
        "10-30",
        ">30",
        "LOST",
        "WAITING",
        "<=10 S",
        "<=15 S",
        "<=20 S",
        "OF ALL",
        "MEAN",
        "P90",
        "P95",
        "SLOWEST",
        "BUSY",
        "EU",
        "NENA",
    ]
    .map(str::to_owned);
    let rows = std::iter::once(&report.whole).chain(&report.slices).map(cells);
    let cells: Vec<_> = std::iter::once(heading).chain(rows).collect();
    format!(
        "{}\n<=10/15/20 S: share answered so soon after the INVITE, of all but those who left within \
         3 s; OF ALL: the share within 15 s of every call.\n",
        lines(&cells)
    )
}

fn cells(figures: &Figures) -> [String; 21] {
    let share = |share: Option<f64>| share.map_or_else(|| "-".into(), percent);
    let seconds = |ms: Option<u64>| ms.map_or_else(|| "-".into(), tenths);
    let met = |met: Option<bool>| match met {
        None => "-".to_owned(),
        Some(true) => "yes".to_owned(),
        Some(false) => "no".to_owned(),
    };
    [
        figures.slice.clone(),
        figures.offered.to_string(),
        figures.answered.to_string(),
        figures.abandoned.to_string(),
        figures.abandoned_under_3s.to_string(),
        figures.abandoned_3_to_10s.to_string(),
        figures.abandoned_10_to_30s.to_string(),
        figures.abandoned_over_30s.to_string(),
        figures.lost.to_string(),
        figures.waiting.to_string(),
        share(figures.answered_10s),
        share(figures.answered_15s),
        share(figures.answered_20s),
        share(figures.answered_15s_of_all),
        seconds(figures.mean_ms),
        seconds(figures.p90_ms),
        seconds(figures.p95_ms),
        seconds(figures.mean_of_slowest_10pct_ms),
        share(figures.occupancy),
        met(figures.eu_met),
        met(figures.nena_met),
    ]
}

/// The month with a line for each figure and a column for each network.
fn sheet(report: &NationalReport) -> Result<String, CliError> {
    let csv = national_csv(report)?;
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let names = reader.headers()?.clone();
    let columns: Vec<_> = reader.records().collect::<Result<_, _>>()?;
    let row = |(place, name): (usize, &str)| -> Vec<String> {
        let cells = columns.iter().map(|column| cell(name, column.get(place).unwrap_or_default()));
        // The unit of a time stands in its cell.
        let label = name.strip_suffix("_ms").unwrap_or(name).replace('_', " ");
        std::iter::once(label).chain(cells).collect()
    };
    let cells: Vec<_> = names.iter().enumerate().map(row).collect();
    Ok(format!("month {}\n{}", report.month, lines(&cells)))
}

/// A figure as a person reads it.
fn cell(name: &str, value: &str) -> String {
    let share = name.ends_with("share") || name.starts_with("answered_");
    match value.parse::<f64>() {
        _ if value.is_empty() => "-".to_owned(),
        Ok(part) if share => percent(part),
        _ if name.ends_with("_ms") => value.parse().map_or_else(|_| value.to_owned(), tenths),
        _ => value.to_owned(),
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn tenths(ms: u64) -> String {
    format!("{}.{} s", ms / 1000, ms % 1000 / 100)
}
