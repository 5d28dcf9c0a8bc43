//! `[location]`: how places that phones report find their calls, and who may report.

use std::time::Duration;

use super::secrets::{Found, Keys, Vault};
use super::section::Section;
use crate::vocabulary::Secret;

/// The keys of the secret that phones' reports are signed with.
const AML: Keys = Keys { plain: "aml_key", file: "aml_key_file", variable: "aml_key_env" };
/// A report and a call of its number belong together within so long.
const WINDOW_MINUTES: u32 = 20;

/// What the section says.
pub(super) struct Read {
    /// How far a report and its call may be apart.
    pub(super) window: Duration,
    /// Who signs with it needs no token.
    pub(super) aml_key: Option<Secret>,
}

/// Reads the section.
pub(super) fn read(section: &mut Section<'_>, vault: &Vault<'_>) -> Read {
    let minutes = section.number("aml_window_minutes", 1..=240, WINDOW_MINUTES);
    let aml_key = match vault.secret(section, &AML) {
        Found::Secret(key) => Some(key),
        Found::Unset(variable) => {
            section.log().error(
                &variable.place,
                format!("the environment variable {} is not set", variable.value),
                "set it before the start, or remove aml_key_env",
            );
            None
        }
        Found::Nothing | Found::Refused => None,
    };
    Read { window: Duration::from_secs(u64::from(minutes.value) * 60), aml_key }
}
