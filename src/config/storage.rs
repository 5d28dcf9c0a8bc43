//! `[storage]`: the database that the incident records are kept in.
//!
//! Nothing here may print an address: it may have a password in it.

use super::secrets::{Found, PASSWORD, Vault};
use super::section::{Section, Wrong};
use crate::store::StorageSettings;

/// What can be written, for hints.
const WAYS: &str = "write for example \"sqlite:data/siaga112.db\" or \
                    \"postgres://siaga112@db.example:5432/siaga112\"";

/// Reads the section; `usual` is the address where none is written.
pub(super) fn read(
    section: &mut Section<'_>,
    usual: String,
    node: &str,
    vault: &Vault<'_>,
) -> StorageSettings {
    let log = section.log();
    let url = section.word("url", address);
    let place = url.as_ref().map_or_else(|| section.place.clone(), |url| url.place.clone());
    let mut settings = StorageSettings {
        url: url.map_or(usual, |url| url.value),
        password: None,
        node: node.to_owned(),
    };
    match vault.secret(section, &PASSWORD) {
        Found::Secret(_) if !settings.is_shared() => {
            log.error(&place, "SQLite takes no password", "remove it; file modes guard the file");
        }
        Found::Secret(password) => settings.password = Some(password),
        Found::Unset(variable) => log.error(
            &variable.place,
            format!("the environment variable {} is not set", variable.value),
            "set it before the start, or remove password_env",
        ),
        Found::Nothing | Found::Refused => {}
    }
    if settings.is_open_to_others() {
        log.warn(
            &place,
            "the records go over the network, and nobody proves to be the database",
            "add ?sslmode=verify-full&sslrootcert=/path/to/ca.pem to the address",
        );
    }
    settings
}

/// Messages name no more than the scheme.
fn address(text: &str) -> Result<String, Wrong> {
    let settings = StorageSettings::at(text);
    if !settings.is_understood() || text == "sqlite:" {
        return Err(Wrong::new("this is no storage URL", WAYS));
    }
    let authority = text.split_once("://").map_or("", |(_, rest)| rest);
    let user = authority.split('/').next().and_then(|host| host.rsplit_once('@'));
    if settings.is_shared() && user.is_some_and(|(user, _)| user.contains(':')) {
        return Err(Wrong::new(
            "a password stands in the storage URL",
            "write postgres://USER@HOST/DATABASE, and the password by password_file or password_env",
        ));
    }
    Ok(text.to_owned())
}
