//! `places/cells.csv` and `places/neighbours.csv`: which cell stands where, and who serves callers beyond
//! the border. Both may be missing.

use super::findings::{At, Log, Place};
use super::names::Names;
use super::places::{row, rows};
use super::queues::overflow;
use super::section::Wrong;
use crate::acd::settings::Overflow;
use crate::incident::settings::{Kecamatan, Neighbour};
use crate::incident::{CellKey, CellTable};

/// The first line of `cells.csv`: areas and cells are hexadecimal, as SIP has them, or decimal, as
/// operators' lists have them.
const CELLS: [[&str; 6]; 2] = [
    ["mcc", "mnc", "area_hex", "cell_hex", "place", "note"],
    ["mcc", "mnc", "area_dec", "cell_dec", "place", "note"],
];
/// The first line of `neighbours.csv`.
const NEIGHBOURS: [&str; 4] = ["code", "name", "number", "note"];
/// The widest area (5G TAC) and cell (NCI).
const WIDEST: [u64; 2] = [0xff_ffff, 0xf_ffff_ffff];

/// Reads the neighbours.
pub(super) fn neighbours(text: &str, file: &Place, log: &Log) -> Vec<Neighbour> {
    let mut names = Names::new("neighbour", true);
    let mut neighbours = Vec::new();
    for (line, record) in rows(text, file, &[&NEIGHBOURS], log).1 {
        let place = row(file, line);
        let fields: Vec<&str> = record.iter().map(str::trim).collect();
        let [code, name, number, _] = fields.as_slice() else { continue };
        names.add(&At { place: place.clone(), value: (*code).to_owned() }, log);
        let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        if code.split('.').count() != 2 || !code.split('.').all(two_digits) {
            let what = format!("{code:?} is no code of a regency");
            log.error(&place, what, "write the Ministry of Home Affairs' code, for example 35.28");
        }
        if name.is_empty() {
            log.error(
                &place,
                format!("the neighbour {code} has no name"),
                "write it after the code",
            );
        }
        if let Err(wrong) = reachable(number) {
            log.error(&place, wrong.0, wrong.1);
        }
        let [code, name, number] = [code, name, number].map(|field| (*field).to_owned());
        neighbours.push(Neighbour { code, name, number });
    }
    neighbours
}

/// Where a neighbour takes calls: as the end of an overflow is written.
fn reachable(number: &str) -> Result<(), Wrong> {
    match overflow(number) {
        Ok(Overflow::Number(_)) => Ok(()),
        _ => Err(Wrong::new(
            format!("{number:?} is no number of a neighbouring centre"),
            "write \"tel:+62324112\" or \"sip:ntpd@pamekasan.example\"",
        )),
    }
}

/// Reads the cells; a place is a kecamatan or lies in a neighbour.
pub(super) fn cells(
    text: &str,
    file: &Place,
    (kecamatan, neighbours): (&[Kecamatan], &[Neighbour]),
    log: &Log,
) -> CellTable {
    let mut table = CellTable::default();
    let [hex, dec] = &CELLS;
    let (form, rows) = rows(text, file, &[hex, dec], log);
    let radix = if form == 1 { 10 } else { 16 };
    for (line, record) in rows {
        let at = row(file, line);
        let fields: Vec<&str> = record.iter().map(str::trim).collect();
        let [mcc, mnc, area, cell, place, _] = fields.as_slice() else { continue };
        let known = kecamatan.iter().any(|known| known.code == *place)
            || neighbours.iter().any(|neighbour| neighbour.holds(place));
        if !known {
            log.error(
                &at,
                format!("{place:?} is neither a kecamatan of kecamatan.csv nor in neighbours.csv"),
                "write the code of a kecamatan (35.29.25) or of a neighbouring regency (35.28)",
            );
        }
        let whole_area = *cell == "*";
        let code = |text: &str, digits: &[usize]| {
            let sound = digits.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
            sound.then(|| text.parse::<u16>().ok()).flatten()
        };
        let number = |text: &str, most: u64| {
            // An eNodeB and its cell, as operators write them.
            let parts = text.split_once('-').filter(|_| radix == 10);
            let whole = match parts {
                Some((node, cell)) => {
                    let (node, cell) = (node.parse::<u64>().ok()?, cell.parse::<u8>().ok()?);
                    node.checked_mul(256)? + u64::from(cell)
                }
                None => u64::from_str_radix(text, radix).ok()?,
            };
            (whole <= most && !text.starts_with('+')).then_some(whole)
        };
        let [widest_area, widest_cell] = WIDEST;
        let parts = (
            code(mcc, &[3]),
            code(mnc, &[2, 3]),
            number(area, widest_area),
            if whole_area { Some(0) } else { number(cell, widest_cell) },
        );
        let (Some(mcc), Some(mnc), Some(area), Some(cell)) = parts else {
            let shown = fields.get(..4).unwrap_or_default().join(",");
            let digits = if radix == 10 { "decimal" } else { "hexadecimal" };
            log.error(
                &at,
                format!("{shown} is no cell"),
                format!(
                    "write the country (510), the network (2 or 3 digits), area and cell in \
                     {digits}, or * for all cells of the area"
                ),
            );
            continue;
        };
        let area = u32::try_from(area).unwrap_or(0);
        let key = CellKey { mcc, mnc, area, cell };
        if !table.add(key, whole_area, (*place).to_owned()) {
            log.error(&at, format!("the cell {key} has a place already"), "keep one of its rows");
        }
    }
    table
}
