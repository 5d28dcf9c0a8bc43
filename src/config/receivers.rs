//! `[[logger]]`: loggers of a region that get our log events (NENA i3), and `[[webhook]]`: other programs
//! that get our events. Each is known by its name, and
//! told where it left off when it is there again.

use std::path::Path;

use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;

use super::findings::{At, Log};
use super::names::Names;
use super::secrets::{Found, SECRET, Vault};
use super::section::{Section, Wrong, some_text};
use super::tls;
use crate::agencies::event::Wish;
use crate::agencies::settings::{LoggerSettings, WebhookSettings};
use crate::agencies::{Endpoint, Issuer, Logger};

/// More are a mistake: the standard asks for two.
const LOGGERS: usize = 4;
/// Each follows the journal for itself.
const WEBHOOKS: usize = 16;

/// Reads the loggers.
pub(super) fn loggers(top: &mut Section<'_>, names: &mut Names, dir: &Path) -> Vec<LoggerSettings> {
    let log = top.log();
    let mut loggers = Vec::new();
    for mut section in top.sections("logger", "[[logger]]") {
        let name = section.name("name", "\"logger-1\"");
        names.add(&name, log);
        let url =
            section.required("url", "\"https://log.example/Logging/v1/LogEvents\"", some_text);
        let ca = section.word("ca", some_text);
        let key_file = section.word("key_file", some_text);
        let key = key_file.as_ref().and_then(|file| key(file, dir, log));
        let endpoint = url.and_then(|url| endpoint(&url, ca.as_ref(), dir, log));
        if loggers.len() == LOGGERS {
            let what = format!("these are more than {LOGGERS} loggers");
            log.error(&section.place, what, "one or two are enough: leave this one out");
        } else if let Some(endpoint) = endpoint {
            loggers.push(LoggerSettings { name: name.value, endpoint, key });
        }
    }
    loggers
}

/// Reads the webhooks. Receivers of either kind have a name of their own.
pub(super) fn webhooks(
    top: &mut Section<'_>,
    names: &mut Names,
    vault: &Vault<'_>,
) -> Vec<WebhookSettings> {
    let log = top.log();
    let mut webhooks = Vec::new();
    for mut section in top.sections("webhook", "[[webhook]]") {
        let name = section.name("name", "\"bpbd\"");
        names.add(&name, log);
        let url = section.required("url", "\"https://bpbd.example/112\"", some_text);
        let ca = section.word("ca", some_text);
        let endpoint = url.and_then(|url| endpoint(&url, ca.as_ref(), vault.dir, log));
        let personal = section.truth("personal", false);
        let wish = wish(&mut section, personal);
        let secret = match vault.secret(&mut section, &SECRET) {
            Found::Secret(secret) => Some(secret),
            Found::Unset(variable) => {
                let what = format!("the environment variable {} is not set", variable.value);
                log.error(&variable.place, what, "set it before the start, or use secret_file");
                None
            }
            Found::Nothing => {
                section
                    .missing("secret_file", "\"secrets/bpbd\", made with `openssl rand -hex 32`");
                None
            }
            Found::Refused => None,
        };
        if webhooks.len() == WEBHOOKS {
            let what = format!("these are more than {WEBHOOKS} webhooks");
            log.error(&section.place, what, "let one of them pass events on");
        } else if let (Some(endpoint), Some(secret), Some(wish)) = (endpoint, secret, wish) {
            webhooks.push(WebhookSettings { name: name.value, endpoint, secret, wish });
        }
    }
    webhooks
}

/// Which events; none, and a finding, when there is no such kind.
fn wish(section: &mut Section<'_>, personal: bool) -> Option<Wish> {
    if !section.has("kinds") {
        return Some(Wish::all(personal));
    }
    let kind = |text: &str| {
        Wish::of([text], personal).map(|_| text.trim().to_owned()).map_err(|error| {
            Wrong::new(error.to_string(), "write for example kinds = [\"screen-pop\", \"ended\"]")
        })
    };
    let kinds = section.words("kinds", kind);
    if kinds.is_empty() {
        let mend = "name some, or leave the key out for all";
        section.log().error(&section.place, "this webhook is told nothing", mend);
    }
    Wish::of(kinds.iter().map(|kind| kind.value.as_str()), personal).ok()
}

/// Where something is sent, and who vouches for it.
pub(super) fn endpoint(
    url: &At<String>,
    ca: Option<&At<String>>,
    dir: &Path,
    log: &Log,
) -> Option<Endpoint> {
    let tls = tls::asks(ca, dir, log);
    match Endpoint::parse(&url.value, tls) {
        Ok(endpoint) => Some(endpoint),
        Err(error) => {
            let what = format!("{:?} cannot be sent to: {error}", url.value);
            log.error(&url.place, what, "write for example \"https://log.example/events\"");
            None
        }
    }
}

/// The key that events are signed with.
fn key(file: &At<String>, dir: &Path, log: &Log) -> Option<Vec<u8>> {
    let path = dir.join(&file.value);
    let refuse = |why: String| {
        let what = format!("{:?} cannot be used: {why}", file.value);
        log.error(&file.place, what, "make one with `openssl genpkey -algorithm ed25519`");
        None
    };
    let pem = match std::fs::read(&path) {
        Ok(pem) => pem,
        Err(error) => return refuse(error.to_string()),
    };
    let Ok(der) = PrivatePkcs8KeyDer::from_pem_slice(&pem) else {
        return refuse("it must hold -----BEGIN PRIVATE KEY-----, unencrypted".to_owned());
    };
    let der = der.secret_pkcs8_der().to_vec();
    match Logger::new(Issuer::default(), Some(&der)) {
        Ok(_) => Some(der),
        Err(error) => refuse(error.to_string()),
    }
}
