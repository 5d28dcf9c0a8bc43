//! `[sip] tls_cert`, `tls_key`, `tls_ca`, `ws_origins`: what connections are made with.
//!
//! Everything that could fail later fails here, so that a reload with a bad certificate is refused
//! whole and a start never ends half way.

use std::fmt::Display;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, InconsistentKeys, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::findings::{At, Log, Place};
use super::section::{Section, Wrong, some_text};
use crate::sip::Listener;

/// Where Debian keeps the authorities that everybody trusts.
const SYSTEM_AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";
/// A certificate is asked for again this many days before its end.
const RENEW_DAYS: u64 = 14;
const FOLDER: &str =
    "the path counts from the configuration directory; the gateway's user must be able to read it";

/// What connections are made with; a reload swaps it for new ones.
#[derive(Clone, Debug, Default)]
pub struct ConnectionSettings {
    /// For peers that connect over TLS.
    pub server: Option<Arc<ServerConfig>>,
    /// For peers that we connect to over TLS.
    pub client: Option<Arc<ClientConfig>>,
    /// Whether a peer that connects can prove its name: there are authorities for it.
    pub verifies: bool,
    /// Web pages that may open a WebSocket, lower case; empty: any.
    pub ws_origins: Vec<String>,
}

/// Reads the keys of `[sip]`; `listen` says whether they are needed.
pub(super) fn read(
    section: &mut Section<'_>,
    listen: &[At<Listener>],
    dir: &Path,
) -> ConnectionSettings {
    let log = section.log();
    let cert = section.word("tls_cert", some_text);
    let key = section.word("tls_key", some_text);
    let ca = section.word("tls_ca", some_text);
    let origins = section.words("ws_origins", origin);
    let ws_origins = origins.into_iter().map(|origin| origin.value).collect();
    let secure = listen.iter().find(|listener| listener.value.transport.is_secure());
    if let (Some(listener), None) = (secure, &cert) {
        log.error(
            &listener.place,
            format!("{} needs a certificate", listener.value),
            "add tls_cert = \"tls/cert.pem\" and tls_key = \"tls/key.pem\" below [sip]",
        );
    }
    let given = ca.is_some();
    let Some(authorities) = ca.map_or_else(
        || Some(if secure.is_some() { system_authorities() } else { RootCertStore::empty() }),
        |ca| authorities(&ca, dir, log),
    ) else {
        return ConnectionSettings { ws_origins, ..ConnectionSettings::default() };
    };
    if cert.is_none() && key.is_none() {
        return ConnectionSettings { ws_origins, ..ConnectionSettings::default() };
    }
    let own = pair(cert, key, dir, log);
    let made = own.and_then(|(place, own)| {
        let made = configs(own, Arc::new(authorities), given);
        made.map_err(|why| log.error(&place, format!("TLS cannot be set up: {why}"), "")).ok()
    });
    let (server, client) = made.map_or((None, None), |(s, c)| (Some(s), Some(c)));
    let verifies = given && server.is_some();
    ConnectionSettings { server, client, verifies, ws_origins }
}

/// `tls_cert` and `tls_key` of a section that answers HTTP. None where it does so without TLS.
pub(super) fn server(section: &mut Section<'_>, dir: &Path) -> Option<Arc<ServerConfig>> {
    let log = section.log();
    let (cert, key) = (section.word("tls_cert", some_text), section.word("tls_key", some_text));
    let (place, own) = pair(cert, key, dir, log)?;
    let made = configs(own, Arc::new(RootCertStore::empty()), false);
    let (server, _) =
        made.map_err(|why| log.error(&place, format!("TLS cannot be set up: {why}"), "")).ok()?;
    let mut server = Arc::unwrap_or_clone(server);
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Some(Arc::new(server))
}

/// A certificate and its key, with where the certificate is named; one without the other is a mistake.
fn pair(
    cert: Option<At<String>>,
    key: Option<At<String>>,
    dir: &Path,
    log: &Log,
) -> Option<(Place, CertifiedKey)> {
    match (cert, key) {
        (None, None) => None,
        (Some(cert), None) => {
            log.error(&cert.place, "a certificate without its key", "add tls_key");
            None
        }
        (None, Some(key)) => {
            log.error(&key.place, "a key without its certificate", "add tls_cert");
            None
        }
        (Some(cert), Some(key)) => own(&cert, &key, dir, log).map(|own| (cert.place, own)),
    }
}

/// A trunk that is known by a certificate's name needs an authority that vouches for it.
pub(super) fn check_names(names: &[At<String>], section: &ConnectionSettings, log: &Log) {
    if let (Some(name), false) = (names.first(), section.verifies) {
        log.warn(
            &name.place,
            format!(
                "nobody can prove to be {:?}: peers' certificates are not verified",
                name.value
            ),
            "listen on tls:// and add [sip] tls_ca, the authorities that sign them",
        );
    }
}

/// Both ends, for TLS 1.2 and 1.3. A client's certificate is asked for when there are authorities
/// that could vouch for it; none is needed, a wrong one ends the handshake.
fn configs(
    own: CertifiedKey,
    authorities: Arc<RootCertStore>,
    verify: bool,
) -> Result<(Arc<ServerConfig>, Arc<ClientConfig>), Box<dyn std::error::Error>> {
    let own = Arc::new(SingleCertAndKey::from(own));
    let server =
        ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let server = if verify {
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::clone(&authorities), provider())
                .allow_unauthenticated()
                .build()?;
        server.with_client_cert_verifier(verifier)
    } else {
        server.with_no_client_auth()
    };
    let server = server.with_cert_resolver(Arc::clone(&own) as _);
    let client = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(authorities)
        .with_client_cert_resolver(own);
    Ok((Arc::new(server), Arc::new(client)))
}

/// What servers are asked with that are named in the configuration: verified against `ca`, or the
/// system's list; we show no certificate. None, and a finding, where that cannot be.
pub(super) fn asks(ca: Option<&At<String>>, dir: &Path, log: &Log) -> Option<Arc<ClientConfig>> {
    let authorities = ca.map_or_else(|| Some(system_authorities()), |ca| authorities(ca, dir, log));
    let builder =
        ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    // The provider has both versions.
    let builder = builder.ok()?.with_root_certificates(authorities?);
    Some(Arc::new(builder.with_no_client_auth()))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Our certificate with its chain and key.
fn own(cert: &At<String>, key: &At<String>, dir: &Path, log: &Log) -> Option<CertifiedKey> {
    let chain = certificates(cert, dir, log);
    let key_pem = content(key, dir, log);
    let (chain, key_pem) = (chain?, key_pem?);
    let Ok(secret) = PrivateKeyDer::from_pem_slice(&key_pem) else {
        let what = format!("{:?} holds no private key", key.value);
        log.error(&key.place, what, "it must hold -----BEGIN PRIVATE KEY-----, unencrypted");
        return None;
    };
    check_validity(chain.first()?, cert, log)?;
    match CertifiedKey::from_der(chain, secret, &provider()) {
        Ok(own) => Some(own),
        Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            log.error(
                &key.place,
                format!("the key {:?} is not that of the certificate {:?}", key.value, cert.value),
                "the server's own certificate comes first in tls_cert, then its chain",
            );
            None
        }
        Err(error) => {
            let what = format!("the key {:?} cannot be used: {error}", key.value);
            log.error(&key.place, what, "make one with RSA, ECDSA P-256 or Ed25519");
            None
        }
    }
}

/// A certificate that is over is taken: TLS with peers that do not look is better than none.
fn check_validity(leaf: &CertificateDer<'_>, cert: &At<String>, log: &Log) -> Option<()> {
    let Ok((_, leaf)) = X509Certificate::from_der(leaf) else {
        unreadable(cert, "its first certificate is broken", log);
        return None;
    };
    let validity = leaf.validity();
    let days = validity.time_to_expiration().map(|left| left.whole_days().unsigned_abs());
    if !validity.is_valid() {
        let what = format!(
            "the certificate is valid from {} to {}",
            validity.not_before, validity.not_after
        );
        log.warn(&cert.place, what, "peers refuse it today: renew it, or set the clock");
    } else if let Some(days) = days.filter(|days| *days < RENEW_DAYS) {
        let what = format!("the certificate ends in {days} days, on {}", validity.not_after);
        log.warn(&cert.place, what, "renew it, then reload");
    }
    Some(())
}

/// The certificates of a bundle; none, and a finding, where it cannot be used.
pub(super) fn authorities(ca: &At<String>, dir: &Path, log: &Log) -> Option<RootCertStore> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(ca, dir, log)? {
        if let Err(error) = store.add(certificate) {
            unreadable(ca, error, log);
            return None;
        }
    }
    Some(store)
}

/// What the system trusts; nothing where it keeps no list, and then no peer can be verified.
fn system_authorities() -> RootCertStore {
    let mut store = RootCertStore::empty();
    let pem = fs::read(SYSTEM_AUTHORITIES).unwrap_or_default();
    store.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok));
    store
}

fn certificates(file: &At<String>, dir: &Path, log: &Log) -> Option<Vec<CertificateDer<'static>>> {
    let pem = content(file, dir, log)?;
    match CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>() {
        Ok(chain) if !chain.is_empty() => Some(chain),
        Ok(_) => {
            unreadable(file, "there is none in it", log);
            None
        }
        Err(error) => {
            unreadable(file, error, log);
            None
        }
    }
}

fn unreadable(file: &At<String>, why: impl Display, log: &Log) {
    let what = format!("{:?} holds no usable certificates: {why}", file.value);
    log.error(&file.place, what, "it must hold PEM: -----BEGIN CERTIFICATE-----");
}

pub(super) fn content(file: &At<String>, dir: &Path, log: &Log) -> Option<Vec<u8>> {
    let read = fs::read(dir.join(&file.value));
    let refuse = |error| {
        let place: &Place = &file.place;
        log.error(place, format!("{:?} cannot be read: {error}", file.value), FOLDER);
    };
    read.map_err(refuse).ok()
}

/// Scheme, host and port of a web page, as browsers write it (RFC 6454 §6.1).
fn origin(text: &str) -> Result<String, Wrong> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let bare = |rest: &&str| !rest.is_empty() && !rest.contains(['/', '?', '#', ' ', '@']);
    if rest.filter(bare).is_some() {
        return Ok(text.to_ascii_lowercase());
    }
    Err(Wrong::new(
        format!("{text:?} is no origin of a web page"),
        "write scheme, host and port only, for example \"https://seats.112.example\"",
    ))
}
