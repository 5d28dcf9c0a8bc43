//! The serving cell out of P-Access-Network-Info and Cellular-Network-Info (3GPP 24.229 §7.2A.4).
//!
//! It never splits an identity that has not the length of its layout: half a cell misleads.

use super::record::Cell;

/// Hexadecimal digits of the area and of the cell; before them come MCC and MNC.
struct Layout {
    area: usize,
    cell: usize,
}

/// LAC and CI.
const GERAN: Layout = Layout { area: 4, cell: 4 };
/// LAC and UTRAN cell identity, or TAC and ECI.
const UTRAN: Layout = Layout { area: 4, cell: 7 };
/// 5G TAC and NCI.
const NR: Layout = Layout { area: 6, cell: 9 };

/// The cell that a header value names; of several, the first that the network vouches for.
#[must_use]
pub fn read(header_value: &str) -> Option<Cell> {
    let mut hint = None;
    for cell in unquoted(header_value, ',').filter_map(one) {
        if cell.network_provided {
            return Some(cell);
        }
        hint.get_or_insert(cell);
    }
    hint
}

fn one(spec: &str) -> Option<Cell> {
    let mut params = unquoted(spec, ';');
    let access = params.next()?.trim();
    let mut identity = None;
    let (mut network_provided, mut age_seconds) = (false, None);
    for param in params {
        let (name, value) = param.split_once('=').unwrap_or((param, ""));
        let name = name.trim().to_ascii_lowercase();
        match layout(&name, access) {
            Some(layout) if identity.is_none() => {
                identity = split(value.trim().trim_matches('"').trim(), &layout);
            }
            Some(_) => {}
            None if name == "cell-info-age" => age_seconds = value.trim().parse().ok(),
            None => network_provided |= name == "network-provided",
        }
    }
    let (mcc, mnc, area, cell) = identity.filter(|_| !access.is_empty())?;
    Some(Cell {
        access: access.to_owned(),
        mcc: mcc.to_owned(),
        mnc: mnc.to_owned(),
        area: area.to_owned(),
        cell: cell.to_owned(),
        network_provided,
        age_seconds,
    })
}

fn layout(name: &str, access: &str) -> Option<Layout> {
    match name {
        "cgi-3gpp" => Some(GERAN),
        "nrcell" => Some(NR),
        "utran-cell-id-3gpp" => {
            let access = access.to_ascii_uppercase();
            let nr = access.starts_with("3GPP-NR") || access.starts_with("3GPP-NG-RAN");
            Some(if nr { NR } else { UTRAN })
        }
        _ => None,
    }
}

/// MCC, MNC, area and cell. An MNC of three digits makes the identity one longer.
fn split<'a>(id: &'a str, layout: &Layout) -> Option<(&'a str, &'a str, &'a str, &'a str)> {
    let mnc = id.len().checked_sub(3 + layout.area + layout.cell)?;
    let (network, radio) = id.split_at_checked(3 + mnc)?;
    let sound = (2..=3).contains(&mnc)
        && network.bytes().all(|b| b.is_ascii_digit())
        && radio.bytes().all(|b| b.is_ascii_hexdigit());
    let (mcc, mnc) = network.split_at_checked(3)?;
    let (area, cell) = radio.split_at_checked(layout.area)?;
    sound.then_some((mcc, mnc, area, cell))
}

/// Splits where the separator is not within quotes.
fn unquoted(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c| {
        quoted ^= c == '"';
        c == separator && !quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn layouts() {
        for (value, parts) in [
            ("3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=510101A2B0C3D4E5", "510 10 1A2B 0C3D4E5"),
            ("3GPP-E-UTRAN-TDD; UTRAN-Cell-ID-3GPP = \"510101a2b0c3d4e5\"", "510 10 1a2b 0c3d4e5"),
            ("3GPP-UTRAN-FDD;utran-cell-id-3gpp=5100112340012ABC", "510 01 1234 0012ABC"),
            ("3GPP-GERAN;cgi-3gpp=5101012345678", "510 10 1234 5678"),
            ("3GPP-GERAN;cgi-3gpp=31041012345678", "310 410 1234 5678"),
            ("3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=3104101A2B0C3D4E5", "310 410 1A2B 0C3D4E5"),
            ("3GPP-NR-FDD;utran-cell-id-3gpp=51010ABCDEF123456789", "510 10 ABCDEF 123456789"),
            ("3GPP-NR;nrcell=51010ABCDEF123456789", "510 10 ABCDEF 123456789"),
            ("3GPP-NR-TDD;utran-cell-id-3gpp=310410ABCDEF123456789", "310 410 ABCDEF 123456789"),
            ("IEEE-802.11, 3GPP-GERAN;x=\"a;b,c\";cgi-3gpp=5101012345678", "510 10 1234 5678"),
        ] {
            let cell = read(value).expect(value);
            let found = format!("{} {} {} {}", cell.mcc, cell.mnc, cell.area, cell.cell);
            assert_eq!(found, parts, "{value}");
            assert!(!cell.network_provided, "{value}");
            assert!(cell.access.starts_with("3GPP-"), "{value}");
        }
    }

    #[test]
    fn what_fits_no_layout_is_no_cell() {
        for value in [
            "",
            ";",
            "3GPP-E-UTRAN-FDD",
            "IEEE-802.11;i-wlan-node-id=010203040506",
            ";utran-cell-id-3gpp=510101A2B0C3D4E5",
            "3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=",
            "3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=510101A2B0C3D4E",
            "3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=510101A2B0C3D4E5FF",
            "3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=510101123412345678",
            "3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=51O101A2B0C3D4E5",
            "3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=510101A2B0C3D4G5",
            "3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=5é0101A2B0C3D4E",
            "3GPP-NR-FDD;utran-cell-id-3gpp=510101A2B0C3D4E5",
        ] {
            assert_eq!(read(value), None, "{value}");
        }
    }

    #[test]
    fn a_cell_that_was_heard_last_has_its_age() {
        let cell = read("3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=510101A2B0C3D4E5;cell-info-age=90");
        assert_eq!(cell.and_then(|cell| cell.age_seconds), Some(90));
    }

    #[test]
    fn the_network_s_word_goes_first() {
        let value = "3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=510101A2B0C3D4E5, \
                     3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=510101A2B0C3D4E6;Network-Provided";
        let cell = read(value).expect("a cell");
        assert_eq!((cell.cell.as_str(), cell.network_provided), ("0C3D4E6", true));
    }

    proptest! {
        #[test]
        fn any_text_is_survived(value in "\\PC*", id in "[0-9A-Fé]{0,24}") {
            let _ = read(&value);
            let _ = read(&format!("3GPP-NR;utran-cell-id-3gpp={id};cgi-3gpp={id}"));
        }
    }
}
