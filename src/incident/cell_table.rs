//! Which cell stands where: by the admin's table, and by the places that operators have confirmed for
//! callers of it.
//!
//! A cell reaches over borders, so this is never more than a guess, and says how good it is.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::record::Cell;

/// Confirmed calls of a cell, below which nothing is learnt from them: one caller at the edge of a cell
/// says little.
const LEARNT_CALLS: u32 = 3;
/// Per cent of them that must be of one kecamatan.
const LEARNT_SHARE: u64 = 60;
/// The most that is said of what was learnt, per cent.
const LEARNT_MOST: u64 = 90;

/// A cell of any technology: its network, its area, itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CellKey {
    /// Mobile country code.
    pub mcc: u16,
    /// Mobile network code.
    pub mnc: u16,
    /// LAC or TAC.
    pub area: u32,
    /// CI, UTRAN cell identity, ECI or NCI.
    pub cell: u64,
}

impl CellKey {
    /// The key of a cell as a network names it.
    #[must_use]
    pub fn of(cell: &Cell) -> Option<Self> {
        Some(Self {
            mcc: cell.mcc.parse().ok()?,
            mnc: cell.mnc.parse().ok()?,
            area: u32::from_str_radix(&cell.area, 16).ok()?,
            cell: u64::from_str_radix(&cell.cell, 16).ok()?,
        })
    }
}

impl fmt::Display for CellKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mcc, mnc, area, cell } = self;
        write!(f, "{mcc}-{mnc:02}-{area:x}-{cell:x}")
    }
}

/// A text that is no cell of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a cell is written 510-10-1a2b-c3d4e5: country, network, area and cell, the last two hexadecimal"
)]
pub struct CellKeyError;

impl std::str::FromStr for CellKey {
    type Err = CellKeyError;

    /// Reads what [`fmt::Display`] wrote.
    fn from_str(text: &str) -> Result<Self, CellKeyError> {
        let parts: Vec<&str> = text.split('-').collect();
        let [mcc, mnc, area, cell] = parts.as_slice() else { return Err(CellKeyError) };
        Ok(Self {
            mcc: mcc.parse().map_err(|_| CellKeyError)?,
            mnc: mnc.parse().map_err(|_| CellKeyError)?,
            area: u32::from_str_radix(area, 16).map_err(|_| CellKeyError)?,
            cell: u64::from_str_radix(cell, 16).map_err(|_| CellKeyError)?,
        })
    }
}

/// The admin's table: codes of kecamatan, or of neighbouring regencies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CellTable {
    cells: BTreeMap<CellKey, String>,
    /// Whole areas, for cells that have no row of their own; their cell is 0.
    areas: BTreeMap<CellKey, String>,
}

impl CellTable {
    /// Puts a cell into a place, or all cells of its area; false when it had one already.
    pub fn add(&mut self, key: CellKey, whole_area: bool, place: String) -> bool {
        let table = if whole_area { &mut self.areas } else { &mut self.cells };
        table.insert(if whole_area { CellKey { cell: 0, ..key } } else { key }, place).is_none()
    }

    /// Code of the place of a cell, and whether only its area is known.
    #[must_use]
    pub fn place(&self, key: CellKey) -> Option<(&str, bool)> {
        let exact = self.cells.get(&key).map(|place| (place.as_str(), false));
        let area = || self.areas.get(&CellKey { cell: 0, ..key });
        exact.or_else(|| area().map(|place| (place.as_str(), true)))
    }

    /// How many rows it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cells.len() + self.areas.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What the confirmed places of a cell's callers say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learnt {
    /// Code of the kecamatan of most of them.
    pub kecamatan: String,
    /// How many were there.
    pub calls: u32,
    /// Of so many.
    pub of: u32,
}

impl Learnt {
    /// How sure that is, per cent.
    #[must_use]
    pub fn percent(&self) -> u8 {
        let share = u64::from(self.calls) * 100 / u64::from(self.of.max(1));
        u8::try_from(share.min(LEARNT_MOST)).unwrap_or(0)
    }
}

/// What was learnt of all cells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LearntCells(BTreeMap<CellKey, Learnt>);

impl LearntCells {
    /// Learns from counts of confirmed calls by cell and kecamatan, in any order. A cell with few of
    /// them, or whose callers were here and there, stays unknown.
    #[must_use]
    pub fn of(counts: impl IntoIterator<Item = (CellKey, String, u32)>) -> Self {
        let mut all: BTreeMap<CellKey, BTreeMap<String, u32>> = BTreeMap::new();
        for (cell, kecamatan, calls) in counts {
            let of_place = all.entry(cell).or_default().entry(kecamatan).or_default();
            *of_place = of_place.saturating_add(calls);
        }
        let learnt = all.into_iter().filter_map(|(cell, places)| {
            let of = places.values().fold(0_u32, |sum, calls| sum.saturating_add(*calls));
            let (kecamatan, calls) = places.into_iter().max_by_key(|(_, calls)| *calls)?;
            let enough =
                calls >= LEARNT_CALLS && u64::from(calls) * 100 >= u64::from(of) * LEARNT_SHARE;
            enough.then_some((cell, Learnt { kecamatan, calls, of }))
        });
        Self(learnt.collect())
    }

    /// What was learnt of one.
    #[must_use]
    pub fn cell(&self, key: CellKey) -> Option<&Learnt> {
        self.0.get(&key)
    }

    /// Of how many cells.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether of none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(cell: u64) -> CellKey {
        CellKey { mcc: 510, mnc: 10, area: 0x1a2b, cell }
    }

    #[test]
    fn a_cell_goes_before_its_area_and_digits_are_read_as_hexadecimal() {
        let mut table = CellTable::default();
        assert!(table.add(key(0xc3d4e5), false, "35.29.25".into()));
        assert!(table.add(key(7), true, "35.28".into()));
        assert!(!table.add(key(9), true, "35.28".into()), "the area twice");
        assert_eq!(table.len(), 2);
        let cell = Cell {
            mcc: "510".into(),
            mnc: "10".into(),
            area: "1A2B".into(),
            cell: "0C3D4E5".into(),
            ..Cell::default()
        };
        let found = CellKey::of(&cell).expect("a key");
        assert_eq!(found, key(0xc3d4e5));
        assert_eq!(found.to_string(), "510-10-1a2b-c3d4e5");
        assert_eq!("510-10-1a2b-c3d4e5".parse(), Ok(found));
        assert_eq!("510-10-1a2b".parse::<CellKey>(), Err(CellKeyError));
        assert_eq!(table.place(found), Some(("35.29.25", false)));
        assert_eq!(table.place(key(1)), Some(("35.28", true)));
        assert_eq!(table.place(CellKey { mnc: 11, ..key(1) }), None);
        assert_eq!(CellKey::of(&Cell { cell: "x".into(), ..cell }), None);
    }

    #[test]
    fn little_teaches_nothing_and_much_is_never_certain() {
        let of = |counts: &[(&str, u32)]| {
            let counts = counts.iter().map(|(place, n)| (key(1), (*place).to_owned(), *n));
            LearntCells::of(counts).cell(key(1)).map(|l| (l.kecamatan.clone(), l.percent()))
        };
        assert_eq!(of(&[("35.29.25", 2)]), None);
        assert_eq!(of(&[("35.29.25", 3)]), Some(("35.29.25".into(), 90)));
        assert_eq!(of(&[("35.29.25", 3), ("35.29.24", 3)]), None);
        assert_eq!(of(&[("35.29.25", 6), ("35.29.24", 2)]), Some(("35.29.25".into(), 75)));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("a", u32::MAX), ("a", 9)]).map(|l| l.1), Some(90));
    }
}
