//! `[[logger]]`: loggers of a region that get our log events (NENA i3). Each is known by its name, and
//! told where it left off when it is there again.

use std::path::Path;

use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;

use super::findings::{At, Log};
use super::names::Names;
use super::section::{Section, some_text};
use super::tls;
use crate::agencies::settings::LoggerSettings;
use crate::agencies::{Endpoint, Issuer, Logger};

/// More are a mistake: the standard asks for two.
const LOGGERS: usize = 4;

/// Reads the loggers.
pub(super) fn loggers(top: &mut Section<'_>, dir: &Path) -> Vec<LoggerSettings> {
    let log = top.log();
    let mut names = Names::new("receiver", true);
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
