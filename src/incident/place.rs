//! The kecamatan that a civic address names.
//!
//! It never guesses: a name that two kecamatan share names neither.

use super::record::Location;
use super::settings::Kecamatan;

/// Civic elements that may name a kecamatan, best first: A3 is the kecamatan, A4 the village,
/// then what people write where they know no better (RFC 5139).
const ELEMENTS: [&str; 5] = ["A3", "A4", "LOC", "LMK", "PLC"];

/// Code of the kecamatan that the first telling location names, by name or alias; compared without
/// case, spaces, hyphens, apostrophes and a leading "kecamatan" or "kec.", "kabupaten" or "kab.".
#[must_use]
pub fn place(locations: &[Location], places: &[Kecamatan]) -> Option<String> {
    locations.iter().find_map(|location| {
        ELEMENTS.iter().find_map(|element| {
            location
                .civic
                .iter()
                .filter(|(name, _)| name == element)
                .find_map(|(_, text)| named(text, places))
        })
    })
}

/// Whether a civic element has this name, spelt in any way.
pub(super) fn is_named(location: &Location, element: &str, name: &str) -> bool {
    let wanted = plain(name);
    let said = |text: &str| plain(text) == wanted;
    !wanted.is_empty() && location.civic.iter().any(|(of, text)| of == element && said(text))
}

/// Code of the kecamatan of this name, in any of its spellings. A name goes before an alias; several
/// kecamatan share one island's name as an alias.
pub(super) fn named(text: &str, places: &[Kecamatan]) -> Option<String> {
    let text = plain(text);
    if text.is_empty() {
        return None;
    }
    if let Some(place) = places.iter().find(|place| plain(&place.name) == text) {
        return Some(place.code.clone());
    }
    let mut by_alias =
        places.iter().filter(|place| place.aliases.iter().any(|alias| plain(alias) == text));
    match (by_alias.next(), by_alias.next()) {
        (Some(place), None) => Some(place.code.clone()),
        _ => None,
    }
}

fn plain(text: &str) -> String {
    let text = text.trim().to_lowercase();
    let text = ["kecamatan", "kec.", "kec ", "kabupaten ", "kab.", "kab "]
        .iter()
        .find_map(|title| text.strip_prefix(title))
        .unwrap_or(&text);
    text.chars().filter(|c| !c.is_whitespace() && !"-‐‑–'’‘ʼ`´".contains(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Vec<Kecamatan> {
        [
            ("35.29.01", "Kota Sumenep", "Sumenep|Kota"),
            ("35.29.02", "Kalianget", ""),
            ("35.29.08", "Giligenting", "Giliginting|Gili Genting"),
            ("35.29.09", "Guluk-Guluk", ""),
            ("35.29.22", "Raas", "Ra'as"),
            ("35.29.24", "Arjasa", "Kangean"),
            ("35.29.25", "Sapeken", ""),
            ("35.29.27", "Kangayan", "Kangean"),
        ]
        .into_iter()
        .map(|(code, name, aliases)| Kecamatan {
            code: code.into(),
            name: name.into(),
            aliases: aliases.split('|').filter(|a| !a.is_empty()).map(Into::into).collect(),
            island: false,
        })
        .collect()
    }

    fn at(civic: &[(&str, &str)]) -> Location {
        let civic = civic.iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned())).collect();
        Location { civic, ..Location::default() }
    }

    #[test]
    fn spellings() {
        for (text, code) in [
            ("Sapeken", Some("35.29.25")),
            ("KEC. SAPEKEN", Some("35.29.25")),
            ("Kec Sapeken", Some("35.29.25")),
            ("kecamatan  sapeken ", Some("35.29.25")),
            ("guluk guluk", Some("35.29.09")),
            ("GULUKGULUK", Some("35.29.09")),
            ("Ra’as", Some("35.29.22")),
            ("Gili-Genting", Some("35.29.08")),
            ("Sumenep", Some("35.29.01")),
            ("Kangean", None),
            ("Kecamatan", None),
            ("", None),
            ("Pamekasan", None),
        ] {
            assert_eq!(place(&[at(&[("A3", text)])], &places()).as_deref(), code, "{text}");
        }
    }

    #[test]
    fn elements_and_locations_in_order() {
        let both = at(&[("LMK", "Kalianget"), ("A3", "Raas")]);
        assert_eq!(place(&[both], &places()).as_deref(), Some("35.29.22"));
        let village = at(&[("A2", "Sumenep"), ("A3", "Kangean"), ("LOC", "Arjasa")]);
        assert_eq!(place(&[village], &places()).as_deref(), Some("35.29.24"));
        assert_eq!(place(&[at(&[("A2", "Sumenep"), ("RD", "Raas")])], &places()), None);
        let second = [at(&[]), at(&[("PLC", "Sapeken")])];
        assert_eq!(place(&second, &places()).as_deref(), Some("35.29.25"));
        assert_eq!(place(&second, &[]), None);
    }
}
