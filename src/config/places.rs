//! `places/kecamatan.csv`: the sub-districts of the regency.

use std::rc::Rc;

use super::findings::{At, Log, Place};
use super::names::Names;
use crate::incident::settings::Kecamatan;

/// The first line of the file.
const HEADER: [&str; 7] = ["code", "name", "aliases", "zone", "sea_access", "area_code", "note"];

/// Reads the rows; findings stand at the beginning of the row.
pub(super) fn read(text: &str, file: &Place, names: &mut Names, log: &Log) -> Vec<Kecamatan> {
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(text.as_bytes());
    let mut places = Vec::new();
    for (i, record) in reader.records().enumerate() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                log.error(&row(file, line), "the row cannot be read", "see the sample's rows");
                continue;
            }
        };
        let place = row(file, record.position().map_or(0, csv::Position::line));
        if i == 0 {
            if !record.iter().map(str::trim).eq(HEADER) {
                let mend = format!("let the first line be {}", HEADER.join(","));
                log.error(&place, "the first line does not name the columns", mend);
            }
            continue;
        }
        places.extend(read_row(&record, &place, names, log));
    }
    places
}

/// The text reader counts lines in 64 bits.
fn row(file: &Place, line: u64) -> Place {
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
    let [code, name, aliases, zone, ..] = fields.as_slice() else {
        return short(&fields, place, log);
    };
    if fields.len() != HEADER.len() {
        return short(&fields, place, log);
    }
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

fn short(fields: &[&str], place: &Place, log: &Log) -> Option<Kecamatan> {
    log.error(
        place,
        format!("the row has {} fields, not {}", fields.len(), HEADER.len()),
        format!("write {}; an empty field is nothing between two commas", HEADER.join(",")),
    );
    None
}
