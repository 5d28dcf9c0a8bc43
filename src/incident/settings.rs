//! What the centre knows about its places and its kinds of emergency.

use serde::Serialize;

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
