//! `places/kecamatan.csv`: the sub-districts of the regency.

use std::rc::Rc;

use super::findings::{At, Log, Place};
use super::names::Names;
use crate::incident::settings::Kecamatan;

/// The first line of the file.
const HEADER: [&str; 7] = ["code", "name", "aliases", "zone", "sea_access", "area_code", "note"];

/// Reads the rows; findings stand at the beginning of the row.
pub(super) fn read(text: &str, file: &Place, names: &mut Names, log: &Log) -> Vec<Kecamatan> {
    let (_, rows) = rows(text, file, &[&HEADER], log);
    let read =
        |(line, record): &(u64, csv::StringRecord)| read_row(record, &row(file, *line), names, log);
    rows.iter().filter_map(read).collect()
}

/// The rows of a table below its first line, which must be one of `headers`, with the number of that
/// header; a row of another length is noted and left out.
pub(super) fn rows(
    text: &str,
    file: &Place,
    headers: &[&[&str]],
    log: &Log,
) -> (usize, Vec<(u64, csv::StringRecord)>) {
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(text.as_bytes());
    let (mut form, mut rows) = (0, Vec::new());
    for (i, record) in reader.records().enumerate() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                log.error(&row(file, line), "the row cannot be read", "see the sample's rows");
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        if i == 0 {
            let named = |header: &&[&str]| record.iter().map(str::trim).eq(header.iter().copied());
            match headers.iter().position(named) {
                Some(found) => form = found,
                None => {
                    let known: Vec<_> = headers.iter().map(|header| header.join(",")).collect();
                    let mend = format!("let the first line be {}", known.join(" or "));
                    log.error(&row(file, line), "the first line does not name the columns", mend);
                }
            }
            continue;
        }
        let wanted = headers.get(form).copied().unwrap_or_default();
        if record.len() == wanted.len() {
            rows.push((line, record));
        } else {
            short(record.len(), wanted, &row(file, line), log);
        }
    }
    (form, rows)
}

/// The text reader counts lines in 64 bits.
pub(super) fn row(file: &Place, line: u64) -> Place {
    match file {
        Place::Whole(path) => Place::At(Rc::clone(path), usize::try_from(line).unwrap_or(0), 1),
        other => other.clone(),
    }
}

fn read_row(
    record: &csv::StringRecord,
    place: &Place,
    names: &mut Names,
    log: &Log,
) -> Option<Kecamatan> {
    let fields: Vec<&str> = record.iter().map(str::trim).collect();
    let [code, name, aliases, zone, ..] = fields.as_slice() else { return None };
    names.add(&At { place: place.clone(), value: (*code).to_owned() }, log);
    let parts: Vec<&str> = code.split('.').collect();
    let two_digits = |part: &&str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
    if parts.len() != 3 || !parts.iter().all(two_digits) {
        let what = format!("{code:?} is no kecamatan code");
        log.error(place, what, "write the Ministry of Home Affairs' code, for example 35.29.01");
    }
    if name.is_empty() {
        log.error(place, format!("the kecamatan {code} has no name"), "write it after the code");
    }
    if !matches!(*zone, "mainland" | "island") {
        let what = format!("{zone:?} is no zone");
        log.error(place, what, "write mainland or island into the column zone");
    }
    Some(Kecamatan {
        code: (*code).to_owned(),
        name: (*name).to_owned(),
        aliases: aliases.split('|').filter(|a| !a.is_empty()).map(str::to_owned).collect(),
        island: *zone == "island",
    })
}

fn short(found: usize, wanted: &[&str], place: &Place, log: &Log) {
    let mend = format!("write {}; an empty field is nothing between two commas", wanted.join(","));
    log.error(place, format!("the row has {found} fields, not {}", wanted.len()), mend);
}
