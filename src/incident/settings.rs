//! What the centre knows about its places and its kinds of emergency.

use std::time::Duration;

use serde::Serialize;

use super::cell_table::CellTable;

/// One sub-district of the regency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Kecamatan {
    /// Ministry of Home Affairs code, e.g. `35.29.25`.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Other names and spellings.
    pub aliases: Vec<String>,
    /// Whether it is reached over sea.
    pub island: bool,
}

/// One kind of emergency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Category {
    /// Short code, e.g. `kebakaran`.
    pub code: String,
    /// Indonesian name.
    pub name: String,
    /// English name.
    pub name_en: String,
    /// Its sub-categories.
    pub sub: Vec<SubCategory>,
    /// Agencies that come first.
    pub agencies: Vec<String>,
    /// Service URN branches that preselect it, e.g. `sos.fire`.
    pub services: Vec<String>,
    /// What other agencies' computers call it: a code of EIDO-IncidentType-Common, e.g. `FSTRU`.
    pub eido: Option<String>,
}

/// A finer kind of emergency within a category.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SubCategory {
    /// Short code, e.g. `henti-jantung`; once within its category.
    pub code: String,
    /// Indonesian name.
    pub name: String,
    /// English name.
    pub name_en: String,
    /// What other agencies' computers call it, where that differs from its category.
    pub eido: Option<String>,
}

/// What the centre knows of where calls come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocationSettings {
    /// A report of a phone and a call of its number belong together when they are so close.
    pub window: Duration,
    /// Which cell stands where.
    pub cells: CellTable,
    /// Regencies whose callers come here by mistake.
    pub neighbours: Vec<Neighbour>,
}

impl Default for LocationSettings {
    fn default() -> Self {
        let window = Duration::from_secs(20 * 60);
        Self { window, cells: CellTable::default(), neighbours: Vec::new() }
    }
}

/// A neighbouring regency and its centre.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Neighbour {
    /// Ministry of Home Affairs code, e.g. `35.28`.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Where its centre takes a warm transfer: `tel:+62…` or `sip:user@host`.
    pub number: String,
}
