//! The one place that is shown first: the best location, the kecamatan, and a neighbour whose caller this
//! may be. Each with its reason, for an operator decides with it.
//!
//! The rule: of all locations the one counts within whose reach the caller is now, with 95 % confidence,
//! as near as can be; reach grows with age. One that nobody vouches for counts as twice as wide. The
//! kecamatan is the one that a civic address names, else the most certain guess from the cell. It never
//! forgets a location for being worse: the record has them all.

use serde::{Deserialize, Serialize};

use super::cell_table::{CellKey, LearntCells};
use super::place::{is_named, place};
use super::reach::{found_at, metres, metres_later};
use super::record::{Cell, Location};
use super::settings::{Kecamatan, LocationSettings, Neighbour};
use crate::vocabulary::{WallTime, rfc3339};

/// How sure a civic address is of its kecamatan, per cent; and one that nobody vouches for.
const CIVIC: [u8; 2] = [95, 60];
/// The same of a row of the cell table: the cell's own, and its area's.
const TABLE: [u8; 2] = [80, 50];

/// Where a caller most likely is.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Place {
    /// The best location.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Box<Location>>,
    /// Metres within which the caller was when it was found, with 95 % confidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within_m: Option<u32>,
    /// When it was found.
    #[serde(skip_serializing_if = "Option::is_none", with = "rfc3339")]
    pub found_at: Option<WallTime>,
    /// Why it is the best.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// The sub-district.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kecamatan: Option<Guess>,
    /// The caller may belong to a neighbouring centre.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub neighbour: Option<NeighbourHint>,
}

/// A sub-district, and how sure that is.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Guess {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Per cent.
    pub percent: u8,
    /// By what.
    pub why: String,
}

/// A neighbouring regency that the caller may be in, and where its centre takes a warm transfer.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NeighbourHint {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// `tel:` or `sip:`.
    pub number: String,
    /// Why.
    pub why: String,
}

/// What the centre knows of places.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Its sub-districts.
    pub kecamatan: &'a [Kecamatan],
    /// Cells and neighbours.
    pub settings: &'a LocationSettings,
    /// What was learnt of cells.
    pub learnt: &'a LearntCells,
}

impl Place {
    /// Nothing is known.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }

    /// Takes locations into account that came `how`; `vouched`: by somebody whose word counts.
    pub fn add_locations(
        &mut self,
        now: WallTime,
        locations: &[Location],
        (how, vouched): (&str, bool),
        evidence: &Evidence<'_>,
    ) {
        for location in locations {
            if location.latitude.is_none() && location.civic.is_empty() {
                continue;
            }
            let found = found_at(location, now);
            let reach = metres(location) * if vouched { 1.0 } else { 2.0 };
            let have = self.within_m.zip(self.found_at);
            let have = have.map(|(metres, at)| metres_later(f64::from(metres), at, now));
            if have.is_none_or(|have| metres_later(reach, found, now) <= have) {
                let beaten =
                    if have.is_some() { ", nearer than what was known before" } else { "" };
                let doubt = if vouched { "" } else { "; nobody vouches for it" };
                let within = whole(reach);
                self.why = format!("{how}: within {within} m{beaten}{doubt}");
                self.location = Some(Box::new(location.clone()));
                (self.within_m, self.found_at) = (Some(within), Some(found));
            }
        }
        if let Some(code) = place(locations, evidence.kecamatan) {
            let [sure, unsure] = CIVIC;
            let percent = if vouched { sure } else { unsure };
            self.guess(&code, percent, format!("the address says so ({how})"), evidence);
        }
        let elsewhere = evidence.settings.neighbours.iter().find(|neighbour| {
            locations.iter().any(|location| is_named(location, "A2", &neighbour.name))
        });
        if let Some(neighbour) = elsewhere {
            let why = format!("the address lies in {} ({how})", neighbour.name);
            self.neighbour = Some(hint(neighbour, why));
        }
    }

    /// Takes a cell into account; `vouched` as above.
    pub fn add_cell(&mut self, cell: &Cell, vouched: bool, evidence: &Evidence<'_>) {
        let Some(key) = CellKey::of(cell) else { return };
        let doubt = if vouched { "" } else { "; only the phone says so" };
        let weaker = |percent: u8| if vouched { percent } else { percent / 2 };
        let learnt = evidence.learnt.cell(key);
        if let Some((code, whole_area)) = evidence.settings.cells.place(key) {
            let what = if whole_area { "the area of cell" } else { "the cell" };
            if let Some(neighbour) = evidence.settings.neighbours.iter().find(|n| n.holds(code)) {
                // Operators know better than a table.
                if learnt.is_none() {
                    let why = format!("{what} {key} stands in {}{doubt}", neighbour.name);
                    self.neighbour = Some(hint(neighbour, why));
                }
            } else {
                let [cell, area] = TABLE;
                let percent = weaker(if whole_area { area } else { cell });
                self.guess(code, percent, format!("{what} {key} stands there{doubt}"), evidence);
            }
        }
        if let Some(learnt) = learnt {
            let (calls, of) = (learnt.calls, learnt.of);
            let why = format!("{calls} of {of} callers of cell {key} were there{doubt}");
            self.guess(&learnt.kecamatan, weaker(learnt.percent()), why, evidence);
        }
    }

    fn guess(&mut self, code: &str, percent: u8, why: String, evidence: &Evidence<'_>) {
        if self.kecamatan.as_ref().is_some_and(|known| known.percent > percent) {
            return;
        }
        let Some(known) = evidence.kecamatan.iter().find(|known| known.code == code) else {
            return;
        };
        let (code, name) = (code.to_owned(), known.name.clone());
        self.kecamatan = Some(Guess { code, name, percent, why });
    }
}

impl Neighbour {
    /// The code is this regency's, or that of one of its kecamatan.
    #[must_use]
    pub fn holds(&self, code: &str) -> bool {
        let rest = code.strip_prefix(&self.code);
        !self.code.is_empty() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

fn hint(neighbour: &Neighbour, why: String) -> NeighbourHint {
    let Neighbour { code, name, number } = neighbour.clone();
    NeighbourHint { code, name, number, why }
}

/// Whole metres; the bound is the Earth's.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 4e7")]
fn whole(metres: f64) -> u32 {
    metres.ceil() as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::CellTable;

    const NOW: WallTime = WallTime(1_789_621_951_000_000);

    fn kecamatan(code: &str, name: &str) -> Kecamatan {
        let (code, name) = (code.to_owned(), name.to_owned());
        Kecamatan { code, name, aliases: Vec::new(), island: false }
    }

    struct Centre {
        places: [Kecamatan; 2],
        settings: LocationSettings,
        learnt: LearntCells,
    }

    fn key(cell: u64) -> CellKey {
        CellKey { mcc: 510, mnc: 10, area: 0x1a2b, cell }
    }

    fn cell(cell: &str) -> Cell {
        let [mcc, mnc, area] = ["510", "10", "1A2B"].map(str::to_owned);
        Cell { mcc, mnc, area, cell: cell.to_owned(), ..Cell::default() }
    }

    fn centre() -> Centre {
        let mut cells = CellTable::default();
        cells.add(key(1), false, "35.29.25".into());
        cells.add(key(2), false, "35.28.04".into());
        cells.add(key(0), true, "35.29.02".into());
        let [code, name, number] = ["35.28", "Pamekasan", "tel:+62324112"].map(str::to_owned);
        let neighbours = vec![Neighbour { code, name, number }];
        let learnt = LearntCells::of([
            (key(3), "35.29.25".into(), 5),
            (key(3), "35.29.02".into(), 1),
            (key(2), "35.29.02".into(), 1),
        ]);
        let settings = LocationSettings { cells, neighbours, ..LocationSettings::default() };
        Centre {
            places: [kecamatan("35.29.02", "Kalianget"), kecamatan("35.29.25", "Sapeken")],
            settings,
            learnt,
        }
    }

    impl Centre {
        fn evidence(&self) -> Evidence<'_> {
            Evidence { kecamatan: &self.places, settings: &self.settings, learnt: &self.learnt }
        }
    }

    fn circle(radius: &str, timestamp: Option<&str>) -> Location {
        Location {
            shape: "Circle".into(),
            latitude: Some("-7".into()),
            longitude: Some("113".into()),
            radius_m: Some(radius.into()),
            timestamp: timestamp.map(str::to_owned),
            ..Location::default()
        }
    }

    #[test]
    fn the_nearest_location_counts_and_age_and_doubt_make_it_wider() {
        let centre = centre();
        // what comes first, what comes after it and whether somebody vouches for it; whose radius counts
        for (first, second, best) in [
            (circle("100", None), (circle("35", None), true), "35"),
            (circle("35", None), (circle("100", None), true), "35"),
            (circle("35", None), (circle("35", None), true), "35"),
            (circle("100", None), (circle("60", None), false), "100"),
            (circle("100", None), (circle("49", None), false), "49"),
            // A minute and a half makes 135 m.
            (circle("14", Some("2026-09-17T05:11:01Z")), (circle("100", None), true), "100"),
            (circle("100", None), (circle("14", Some("2026-09-17T05:11:01Z")), true), "100"),
        ] {
            let mut place = Place::default();
            place.add_locations(NOW, &[first], ("PIDF-LO", true), &centre.evidence());
            let (second, vouched) = second;
            place.add_locations(NOW, &[second], ("AML", vouched), &centre.evidence());
            let radius = place.location.as_ref().and_then(|l| l.radius_m.clone());
            assert_eq!(radius.as_deref(), Some(best), "{}", place.why);
        }
        let mut place = Place::default();
        place.add_locations(NOW, &[Location::default()], ("PIDF-LO", true), &centre.evidence());
        assert!(place.is_unknown());
        place.add_locations(NOW, &[circle("35", None)], ("PIDF-LO", true), &centre.evidence());
        place.add_locations(NOW, &[circle("14", None)], ("AML by SMS", true), &centre.evidence());
        assert_eq!(place.why, "AML by SMS: within 14 m, nearer than what was known before");
    }

    #[test]
    fn the_most_certain_guess_names_the_kecamatan() {
        let centre = centre();
        let of = |cells: &[(&str, bool)], civic: &[(&str, bool)]| {
            let mut place = Place::default();
            for (hex, vouched) in cells {
                place.add_cell(&cell(hex), *vouched, &centre.evidence());
            }
            for (name, vouched) in civic {
                let civic = vec![("A3".to_owned(), (*name).to_owned())];
                let location = Location { shape: "civic".into(), civic, ..Location::default() };
                place.add_locations(NOW, &[location], ("PIDF-LO", *vouched), &centre.evidence());
            }
            place
        };
        let guess = |place: Place| place.kecamatan.map(|g| (g.name, g.percent, g.why));
        let found = guess(of(&[("0000001", true)], &[])).unwrap();
        assert_eq!(found, ("Sapeken".into(), 80, "the cell 510-10-1a2b-1 stands there".into()));
        let found = guess(of(&[("0000009", false)], &[])).unwrap();
        let why = "the area of cell 510-10-1a2b-9 stands there; only the phone says so";
        assert_eq!(found, ("Kalianget".into(), 25, why.into()));
        let found = guess(of(&[("0000003", true)], &[])).unwrap();
        let why = "5 of 6 callers of cell 510-10-1a2b-3 were there";
        assert_eq!(found, ("Sapeken".into(), 83, why.into()));
        let found = guess(of(&[("0000001", true)], &[("Kalianget", true)])).unwrap();
        assert_eq!((&*found.0, found.1), ("Kalianget", 95));
        let found = guess(of(&[("0000001", true)], &[("Kalianget", false)])).unwrap();
        assert_eq!((&*found.0, found.1), ("Sapeken", 80));
        assert_eq!(guess(of(&[("xyz", true)], &[("Pamekasan", true)])), None);
    }

    #[test]
    fn a_cell_or_an_address_beyond_the_border_names_the_neighbour() {
        let centre = centre();
        let mut place = Place::default();
        place.add_cell(&cell("0000002"), true, &centre.evidence());
        let hint = place.neighbour.expect("a neighbour");
        assert_eq!((&*hint.name, &*hint.number), ("Pamekasan", "tel:+62324112"));
        assert_eq!(hint.why, "the cell 510-10-1a2b-2 stands in Pamekasan");
        assert_eq!(place.kecamatan, None);
        let civic = vec![("A2".to_owned(), "Kabupaten Pamekasan".to_owned())];
        let mut place = Place::default();
        place.add_locations(
            NOW,
            &[Location { civic, ..Location::default() }],
            ("PIDF-LO", true),
            &centre.evidence(),
        );
        assert_eq!(place.neighbour.map(|n| n.code).as_deref(), Some("35.28"));
        let neighbour = &centre.settings.neighbours[0];
        assert!(neighbour.holds("35.28") && neighbour.holds("35.28.01"));
        assert!(!neighbour.holds("35.281") && !neighbour.holds("35.29"));
    }
}
