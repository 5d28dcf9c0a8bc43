//! Passwords and tokens: from a file, from the environment, or written into the configuration.
//!
//! Nothing here may print a secret: findings name the key, the file or the variable.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use md5::Md5;
use sha2::{Digest, Sha256};

use super::findings::{At, Log};
use super::section::{Section, Wrong};
use crate::sip::digest::Credential;
use crate::vocabulary::{Secret, hex};

/// What the passwords of the sample configuration begin with.
const SAMPLE: &str = "siaga112-contoh";

/// The keys that one kind of secret may be written by.
pub(super) struct Keys {
    pub(super) plain: &'static str,
    pub(super) file: &'static str,
    pub(super) variable: &'static str,
}

/// The keys of a password.
pub(super) const PASSWORD: Keys =
    Keys { plain: "password", file: "password_file", variable: "password_env" };
/// The keys of an API token.
pub(super) const TOKEN: Keys = Keys { plain: "token", file: "token_file", variable: "token_env" };

/// The keys of what webhooks are signed with.
pub(super) const SECRET: Keys =
    Keys { plain: "secret", file: "secret_file", variable: "secret_env" };

/// Where a secret was looked for, and what was found.
pub(super) enum Found {
    /// No key for it is written.
    Nothing,
    /// The environment variable of this name is not set.
    Unset(At<String>),
    /// It is given.
    Secret(Secret),
    /// It is not usable; the finding is noted.
    Refused,
}

/// Where secrets come from.
pub(super) struct Vault<'a> {
    /// The configuration directory, from which paths count.
    pub(super) dir: &'a Path,
    /// The process's environment.
    pub(super) environment: &'a BTreeMap<String, String>,
    /// The digest realm of all accounts.
    pub(super) realm: String,
}

impl Vault<'_> {
    /// The secret that a section gives by one of `keys`.
    pub(super) fn secret(&self, section: &mut Section<'_>, keys: &Keys) -> Found {
        let log = section.log();
        let plain = section.text(keys.plain);
        let file = section.text(keys.file);
        let variable = section.text(keys.variable);
        let given = [&plain, &file, &variable].into_iter().flatten().count();
        if given > 1 {
            log.error(
                &section.place,
                format!("the {} is given in {given} ways", keys.plain),
                format!("keep one of {}, {}, {}", keys.file, keys.variable, keys.plain),
            );
            return Found::Refused;
        }
        let secret = if let Some(plain) = plain {
            warn_of_plain(&plain, keys, log);
            plain
        } else if let Some(name) = variable {
            match self.environment.get(&name.value) {
                Some(value) if !value.is_empty() => At { place: name.place, value: value.clone() },
                _ => return Found::Unset(name),
            }
        } else if let Some(file) = file {
            match self.file_content(file, log) {
                Some(secret) => secret,
                None => return Found::Refused,
            }
        } else {
            return Found::Nothing;
        };
        if secret.value.is_empty() || secret.value.chars().any(char::is_control) {
            log.error(
                &secret.place,
                format!("the {} is empty or has a line break in it", keys.plain),
                "give one line of text",
            );
            return Found::Refused;
        }
        Found::Secret(Secret::new(secret.value))
    }

    fn file_content(&self, file: At<String>, log: &Log) -> Option<At<String>> {
        match fs::read_to_string(self.dir.join(&file.value)) {
            Ok(text) => {
                let value = text.trim_end_matches(['\r', '\n']).to_owned();
                Some(At { place: file.place, value })
            }
            Err(error) => {
                log.error(
                    &file.place,
                    format!("{:?} cannot be read: {error}", file.value),
                    "the path counts from the configuration directory; the gateway's user must \
                     be able to read it",
                );
                None
            }
        }
    }

    /// The SIP account of a section: a password, or its hashes. None when nothing usable is given;
    /// `username` is none when the section names no account.
    pub(super) fn account(
        &self,
        section: &mut Section<'_>,
        username: Option<At<String>>,
    ) -> Option<Credential> {
        let log = section.log();
        let place = section.place.clone();
        let hashed = section.has("ha1_md5") || section.has("ha1_sha256");
        let ha1_md5 = section.word("ha1_md5", |text| hash(text, "ha1_md5", 32));
        let ha1_sha256 = section.word("ha1_sha256", |text| hash(text, "ha1_sha256", 64));
        let found = self.secret(section, &PASSWORD);
        let given = hashed || !matches!(found, Found::Nothing);
        let Some(username) = username else {
            if given {
                log.error(&place, "a password without an account name", "add the key username");
            }
            return None;
        };
        match found {
            Found::Secret(_) if hashed => log.error(
                &place,
                "the account has both a password and its hash",
                "keep one of them",
            ),
            Found::Secret(password) => {
                return Some(from_password(&username.value, &self.realm, password.reveal()));
            }
            Found::Nothing if hashed => {
                let ha1_md5 = ha1_md5.map(|hash| hash.value);
                let ha1_sha256 = ha1_sha256.map(|hash| hash.value);
                return Some(Credential { username: username.value, ha1_md5, ha1_sha256 });
            }
            Found::Nothing => log.error(
                &place,
                format!("the account {:?} has no password", username.value),
                "add password_file, password_env, or ha1_md5 and ha1_sha256",
            ),
            Found::Unset(name) => log.error(
                &name.place,
                format!("the environment variable {} is not set", name.value),
                "set it before the start, or use password_file",
            ),
            Found::Refused => {}
        }
        None
    }
}

fn warn_of_plain(secret: &At<String>, keys: &Keys, log: &Log) {
    if secret.value.starts_with(SAMPLE) {
        log.warn_once(
            &secret.place,
            "passwords of the sample are in use: everybody knows them",
            "give each account its own before phones outside this machine are let in",
        );
    } else {
        log.warn_once(
            &secret.place,
            &format!("a {} stands here for all to read", keys.plain),
            &format!("prefer {} or {}", keys.file, keys.variable),
        );
    }
}

/// The hashes of `username:realm:password` (RFC 7616 §3.4.2), for both algorithms.
fn from_password(username: &str, realm: &str, password: &str) -> Credential {
    let a1 = format!("{username}:{realm}:{password}");
    Credential {
        username: username.to_owned(),
        ha1_md5: Some(Secret::new(hex(&Md5::digest(&a1)))),
        ha1_sha256: Some(Secret::new(hex(&Sha256::digest(&a1)))),
    }
}

fn hash(text: &str, key: &str, length: usize) -> Result<Secret, Wrong> {
    if text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Secret::new(text.to_ascii_lowercase()));
    }
    Err(Wrong::new(
        format!("{key} is no hash of username:domain:password"),
        format!("write its {length} hexadecimal digits"),
    ))
}

/// A SIP account name: what may stand before the first colon of `username:realm:password`.
pub(super) fn account_name(text: &str) -> Result<String, Wrong> {
    let fits = |c: char| c.is_ascii_graphic() && !matches!(c, ':' | '"' | '\\' | '<' | '>');
    if !text.is_empty() && text.len() <= 64 && text.chars().all(fits) {
        return Ok(text.to_owned());
    }
    Err(Wrong::new(
        format!("{text:?} cannot be an account name"),
        "write 1 to 64 visible characters without colon, quote and space",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_rfc_7616() {
        // RFC 7616 §3.9.1: username "Mufasa", realm "http-auth@example.org".
        let mufasa = from_password("Mufasa", "http-auth@example.org", "Circle of Life");
        let md5 = mufasa.ha1_md5.expect("MD5");
        let sha = mufasa.ha1_sha256.expect("SHA-256");
        assert_eq!(md5.reveal(), "3d78807defe7de2157e2b0b6573a855f");
        assert_eq!(
            sha.reveal(),
            "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232"
        );
    }
}
