//! `[identity]`: who is trusted to sign callers' numbers (STIR/SHAKEN), and how fresh a signature is.

use std::path::Path;
use std::sync::Arc;

use super::findings::{At, Log};
use super::section::{Section, some_text};
use super::tls;
use crate::agencies::revocation::{self, List};
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
    let named = section.words("crl", some_text);
    let follow_points = section.truth("crl_of_certificate", true);
    let log = section.log();
    if let (Some(ca), true) = (&ca, references.hosts.is_empty()) {
        log.warn(
            &ca.place,
            "no signature can be verified: nobody may be asked for certificates",
            "name the hosts of the carriers' certificates in [references] hosts",
        );
    }
    let store = ca.as_ref().and_then(|ca| tls::authorities(ca, dir, log));
    let (uris, files): (Vec<_>, Vec<_>) =
        named.into_iter().partition(|list| list.value.contains("://"));
    uris.iter().for_each(|uri| check_address(uri, references, log));
    let lists = files.iter().flat_map(|file| lists(file, dir, log)).map(Arc::new).collect();
    IdentitySettings {
        anchors: store.map(|store| store.roots.into()).unwrap_or_default(),
        fresh: fresh.value,
        lists,
        list_uris: uris.into_iter().map(|uri| uri.value).collect(),
        follow_points,
    }
}

fn lists(file: &At<String>, dir: &Path, log: &Log) -> Vec<List> {
    let Some(bytes) = tls::content(file, dir, log) else { return Vec::new() };
    revocation::read(&bytes, &file.value).unwrap_or_else(|error| {
        log.error(
            &file.place,
            format!("{:?}: {error}", file.value),
            "it must hold PEM (-----BEGIN X509 CRL-----) or DER, the authority's own whole list",
        );
        Vec::new()
    })
}

/// A list is fetched as everything else that a call names: from named hosts, over HTTPS.
fn check_address(uri: &At<String>, references: &ReferenceSettings, log: &Log) {
    let rest = uri.value.strip_prefix("https://");
    let Some(rest) = rest else {
        let what = format!("{:?} cannot be fetched: it is no https:// address", uri.value);
        return log.error(&uri.place, what, "write https://, or a file beside this one");
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
    if !references.hosts.contains(&host) {
        let what = format!("{:?} is never asked: its host is not named", uri.value);
        log.error(&uri.place, what, format!("add {host:?} to [references] hosts"));
    }
}
