//! Who we are towards other agencies' computers (NENA-STA-010.3 §2.1): names that mean the same
//! everywhere.

use std::collections::BTreeMap;

use crate::vocabulary::{CallId, IncidentId};

/// The names under which this centre makes documents and log events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Issuer {
    /// The centre: a domain name, e.g. `112.sumenep.example`.
    pub agency: String,
    /// This machine: a domain name, e.g. `gw1.112.sumenep.example`.
    pub element: String,
    /// What people call the centre.
    pub name: String,
    /// Our categories (`kebakaran`) and sub-categories (`kebakaran/rumah`) as EIDO-IncidentType-Common
    /// has them, for those that it has.
    pub kinds: BTreeMap<String, String>,
    /// Names of our kecamatan by their codes.
    pub places: BTreeMap<String, String>,
}

impl Issuer {
    /// The name of a call everywhere: the network's own where it made one, which is never replaced.
    #[must_use]
    pub fn call(&self, call: CallId, given: Option<&str>) -> String {
        given.map_or_else(
            || format!("urn:emergency:uid:callid:{call}:{}", self.element),
            str::to_owned,
        )
    }

    /// The name of an incident everywhere, likewise.
    #[must_use]
    pub fn incident(&self, incident: IncidentId, given: Option<&str>) -> String {
        given.map_or_else(
            || format!("urn:emergency:uid:incidentid:{incident}:{}", self.element),
            str::to_owned,
        )
    }

    /// The name of somebody or something of this centre: `siti@112.sumenep.example`.
    #[must_use]
    pub fn own(&self, name: &str) -> String {
        format!("{name}@{}", self.agency)
    }
}
