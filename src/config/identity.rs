//! `[identity]`: who is trusted to sign callers' numbers (STIR/SHAKEN), and how fresh a signature is.

use std::path::Path;

use super::section::{Section, some_text};
use super::tls;
use crate::agencies::settings::{IdentitySettings, ReferenceSettings};

/// Seconds between signing and the call: what RFC 8224 §6.2 recommends.
const FRESH_SECONDS: u32 = 60;

/// Reads the section. Nothing is verified where no authority is written.
pub(super) fn read(
    section: &mut Section<'_>,
    references: &ReferenceSettings,
    dir: &Path,
) -> IdentitySettings {
    let ca = section.word("ca", some_text);
    let fresh = section.seconds("fresh_seconds", 1..=600, FRESH_SECONDS);
    let log = section.log();
    if let (Some(ca), true) = (&ca, references.hosts.is_empty()) {
        log.warn(
            &ca.place,
            "no signature can be verified: nobody may be asked for certificates",
            "name the hosts of the carriers' certificates in [references] hosts",
        );
    }
    let store = ca.as_ref().and_then(|ca| tls::authorities(ca, dir, log));
    IdentitySettings {
        anchors: store.map(|store| store.roots.into()).unwrap_or_default(),
        fresh: fresh.value,
    }
}
