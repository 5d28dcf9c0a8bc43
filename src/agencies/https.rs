//! Fetches over HTTPS what a message names by reference: a location, a certificate, additional data.
//!
//! A caller chooses these references, so each is held to account: HTTPS, a host that the centre has
//! named, an address that is public or in a network that it has named, a short time, few bytes and few
//! redirects, each of which is looked at in the same way. It never waits for anything else than its own
//! deadline, and never runs where a call waits.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderMap, LOCATION};
use hyper::{Method, Response, Uri};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;

use super::settings::ReferenceSettings;
use crate::vocabulary::limits;

/// Why nothing was fetched.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The reference is no HTTPS URI.
    #[error("{0} is not followed: only https references are")]
    NotHttps(String),
    /// The centre has not named its host.
    #[error("{0} is not asked: name it in [references] hosts if it is to be trusted")]
    HostNotNamed(String),
    /// It is at an address of this machine or of a private network.
    #[error(
        "{host} is at {address}, which is not public: name its network in [references] networks \
         if it is to be trusted"
    )]
    AddressNotNamed {
        /// The host.
        host: String,
        /// Where it is.
        address: IpAddr,
    },
    /// Nobody vouches for servers.
    #[error("no authority vouches for servers: set [references] ca")]
    NoAuthority,
    /// The name has no address.
    #[error("{0} cannot be looked up: {1}")]
    Lookup(String, io::Error),
    /// No connection, or it broke.
    #[error("{0} cannot be reached: {1}")]
    Connection(String, io::Error),
    /// It speaks no HTTP that we understand.
    #[error("{0} does not speak HTTP: {1}")]
    Http(String, hyper::Error),
    /// Too much.
    #[error("{0} sent more than {1} bytes")]
    TooLarge(String, usize),
    /// It sends us from place to place.
    #[error("{0} sent us on more than {most} times", most = limits::REFERENCE_REDIRECTS)]
    TooManyRedirects(String),
    /// Too late.
    #[error("{0} took longer than {most} s", most = limits::REFERENCE_TIME.as_secs())]
    TooSlow(String),
    /// It said no.
    #[error("{0} answered {1}")]
    Status(String, u16),
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Whom and what.
    pub uri: &'a str,
    /// Media types that we understand.
    pub accept: &'a str,
    /// Media type and body of a POST; none: GET.
    pub post: Option<(&'a str, &'a str)>,
    /// Bytes that may come.
    pub most: usize,
}

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Who answered at last.
    pub host: String,
    /// Its media type without parameters, in lower case.
    pub media_type: String,
    /// The bytes.
    pub body: Bytes,
    /// For so long it may be kept, where its server says so (RFC 9111 §5.2.2).
    pub fresh_for: Option<Duration>,
}

/// Who fetches. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Fetcher(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: RwLock<ReferenceSettings>,
    places: Semaphore,
}

impl Fetcher {
    /// A fetcher with these settings.
    #[must_use]
    pub fn new(settings: ReferenceSettings) -> Self {
        let places = Semaphore::new(limits::REFERENCES_AT_ONCE);
        Self(Arc::new(Inner { settings: RwLock::new(settings), places }))
    }

    /// From now on.
    pub fn adopt(&self, settings: ReferenceSettings) {
        *self.0.settings.write().unwrap_or_else(PoisonError::into_inner) = settings;
    }

    /// Fetches one thing, within [`limits::REFERENCE_TIME`].
    ///
    /// # Errors
    /// [`FetchError`]: why not, in words for the record.
    pub async fn fetch(&self, ask: Ask<'_>) -> Result<Fetched, FetchError> {
        let settings = self.0.settings.read().unwrap_or_else(PoisonError::into_inner).clone();
        // What is refused is refused at once, whoever waits for a place.
        let first = check(&settings, ask.uri)?;
        let host = first.name.clone();
        let fetched = async {
            // The semaphore is never closed; without a place the deadline ends it.
            let _place = self.0.places.acquire().await;
            follow(&settings, ask, first).await
        };
        let fetched = tokio::time::timeout(limits::REFERENCE_TIME, fetched).await;
        fetched.unwrap_or(Err(FetchError::TooSlow(host)))
    }
}

/// A host that may be asked.
struct Host {
    uri: Uri,
    name: String,
    port: u16,
}

fn check(settings: &ReferenceSettings, reference: &str) -> Result<Host, FetchError> {
    let shown = || reference.chars().filter(|c| !c.is_control()).take(100).collect::<String>();
    let uri: Uri = reference.trim().parse().map_err(|_| FetchError::NotHttps(shown()))?;
    let https = uri.scheme_str().is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
    let named = uri.authority().filter(|authority| https && !authority.as_str().contains('@'));
    let Some(authority) = named else { return Err(FetchError::NotHttps(shown())) };
    let name = authority.host().trim_matches(['[', ']']).to_ascii_lowercase();
    if !settings.hosts.contains(&name) {
        return Err(FetchError::HostNotNamed(name));
    }
    let port = authority.port_u16().unwrap_or(443);
    Ok(Host { uri, name, port })
}

async fn follow(
    settings: &ReferenceSettings,
    mut ask: Ask<'_>,
    mut host: Host,
) -> Result<Fetched, FetchError> {
    for _ in 0..=limits::REFERENCE_REDIRECTS {
        let response = exchange(settings, &ask, &host).await?;
        let status = response.status();
        if status.is_redirection() {
            let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            let Some(to) = to else { return Err(FetchError::Status(host.name, status.as_u16())) };
            let to = absolute(&host, to);
            // 303 asks for another thing; the others for the same one elsewhere (RFC 9110 §15.4).
            if status.as_u16() == 303 {
                ask.post = None;
            }
            host = check(settings, &to)?;
            continue;
        }
        if !status.is_success() {
            return Err(FetchError::Status(host.name, status.as_u16()));
        }
        let media_type = response.headers().get(CONTENT_TYPE).and_then(|text| text.to_str().ok());
        let media_type = media_type.and_then(|text| text.split(';').next()).unwrap_or_default();
        let media_type = media_type.trim().to_ascii_lowercase();
        let fresh_for = fresh_for(response.headers());
        let body = Limited::new(response.into_body(), ask.most).collect().await;
        let body = body.map_err(|error| match error.downcast::<hyper::Error>() {
            Ok(error) => FetchError::Http(host.name.clone(), *error),
            Err(error) if error.is::<LengthLimitError>() => {
                FetchError::TooLarge(host.name.clone(), ask.most)
            }
            Err(error) => FetchError::Connection(host.name.clone(), io::Error::other(error)),
        })?;
        let body = body.to_bytes();
        return Ok(Fetched { host: host.name, media_type, body, fresh_for });
    }
    Err(FetchError::TooManyRedirects(host.name))
}

/// What Cache-Control allows: nothing with `no-store` or `no-cache`.
fn fresh_for(headers: &HeaderMap) -> Option<Duration> {
    let lines = headers.get_all(CACHE_CONTROL).iter().filter_map(|line| line.to_str().ok());
    let mut words =
        lines.flat_map(|line| line.split(',')).map(|word| word.trim().to_ascii_lowercase());
    let mut found = None;
    words
        .try_for_each(|word| {
            if matches!(&*word, "no-store" | "no-cache") {
                found = Some(Duration::ZERO);
                return Err(());
            }
            let seconds = word.strip_prefix("max-age=").and_then(|text| text.parse().ok());
            found = seconds.map(Duration::from_secs).or(found);
            Ok(())
        })
        .unwrap_or_default();
    found
}

/// A Location that names no host is about the same one.
fn absolute(host: &Host, to: &str) -> String {
    let authority = host.uri.authority().map(ToString::to_string).unwrap_or_default();
    if to.starts_with('/') && !to.starts_with("//") {
        format!("https://{authority}{to}")
    } else {
        to.to_owned()
    }
}

/// One request on a connection of its own.
async fn exchange(
    settings: &ReferenceSettings,
    ask: &Ask<'_>,
    host: &Host,
) -> Result<Response<Incoming>, FetchError> {
    let tls = settings.tls.clone().ok_or(FetchError::NoAuthority)?;
    let lost = |error| FetchError::Connection(host.name.clone(), error);
    let http = |error| FetchError::Http(host.name.clone(), error);
    let stream = connect(settings, host).await?;
    let name =
        ServerName::try_from(host.name.clone()).map_err(|error| lost(io::Error::other(error)))?;
    let stream = TlsConnector::from(tls).connect(name, stream).await.map_err(lost)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(http)?;
    // Ends with the response, or with the sender when the deadline comes.
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to a location server ended");
        }
    });
    let path = host.uri.path_and_query().map_or("/", hyper::http::uri::PathAndQuery::as_str);
    let authority = host.uri.authority().map(ToString::to_string).unwrap_or_default();
    let request = hyper::Request::builder()
        .method(if ask.post.is_some() { Method::POST } else { Method::GET })
        .uri(path)
        .header(HOST, authority)
        .header(ACCEPT, ask.accept);
    let request = match ask.post {
        Some((media_type, body)) => request
            .header(CONTENT_TYPE, media_type)
            .body(Full::new(Bytes::copy_from_slice(body.as_bytes()))),
        None => request.body(Full::default()),
    };
    let request = request.map_err(|error| lost(io::Error::other(error)))?;
    sender.send_request(request).await.map_err(http)
}

/// Connects to an address that was looked at: a name cannot lead elsewhere between look-up and call.
async fn connect(settings: &ReferenceSettings, host: &Host) -> Result<TcpStream, FetchError> {
    let found = tokio::net::lookup_host((host.name.as_str(), host.port)).await;
    let found = found.map_err(|error| FetchError::Lookup(host.name.clone(), error))?;
    let mut failed = None;
    for address in found.take(limits::ADDRESSES) {
        if !may_be_called(settings, address.ip()) {
            let (host, address) = (host.name.clone(), address.ip());
            failed = Some(FetchError::AddressNotNamed { host, address });
            continue;
        }
        match TcpStream::connect(SocketAddr::new(address.ip(), host.port)).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = Some(FetchError::Connection(host.name.clone(), error)),
        }
    }
    let nothing = || io::Error::new(io::ErrorKind::NotFound, "it has no address");
    Err(failed.unwrap_or_else(|| FetchError::Lookup(host.name.clone(), nothing())))
}

fn may_be_called(settings: &ReferenceSettings, address: IpAddr) -> bool {
    let address = address.to_canonical();
    is_public(address) || settings.networks.iter().any(|network| network.contains(&address))
}

/// Neither of this machine nor of a network behind it (RFC 6890).
fn is_public(address: IpAddr) -> bool {
    let shared = |v4: Ipv4Addr| v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64;
    match address {
        IpAddr::V4(v4) => {
            let zero = v4.octets()[0] == 0 || v4.octets()[0] >= 240;
            let local = v4.is_loopback() || v4.is_private() || v4.is_link_local();
            !(zero || local || v4.is_multicast() || shared(v4))
        }
        IpAddr::V6(v6) => {
            let local = v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local();
            // NAT64 and 6to4 lead to any IPv4 address.
            let mapped = matches!(v6.segments(), [0x64, 0xff9b, ..] | [0x2002, ..] | [0, 0, ..]);
            !(local || mapped || v6.is_unspecified() || v6.is_multicast())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_hosts_over_https_are_asked() {
        let hosts = vec!["lis.telco.example".to_owned(), "::1".to_owned()];
        let settings = ReferenceSettings { hosts, ..ReferenceSettings::default() };
        for (uri, asked) in [
            ("https://lis.telco.example/loc/7f3c?x=1", true),
            ("HTTPS://LIS.telco.example:8443/", true),
            ("https://[::1]/", true),
            ("http://lis.telco.example/loc", false),
            ("https://lis.telco.example.evil.example/", false),
            ("https://evil.example/lis.telco.example", false),
            ("https://lis.telco.example@evil.example/", false),
            ("https://evil.example@lis.telco.example/", false),
            ("https://127.0.0.1/", false),
            ("sip:lis.telco.example", false),
            ("pres:x@lis.telco.example", false),
            ("https:///x", false),
            ("", false),
            ("https://lis.telco.example\r\nHost: x/", false),
        ] {
            assert_eq!(check(&settings, uri).is_ok(), asked, "{uri}");
        }
    }

    #[test]
    fn only_public_addresses_and_named_networks_are_called() {
        let networks = vec!["10.20.0.0/16".parse().expect("a network")];
        let settings = ReferenceSettings { networks, ..ReferenceSettings::default() };
        for (address, called) in [
            ("203.0.113.9", true),
            ("2001:db8::1", true),
            ("10.20.0.9", true),
            ("::ffff:10.20.0.9", true),
            ("10.21.0.9", false),
            ("127.0.0.1", false),
            ("127.112.0.1", false),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
            ("169.254.169.254", false),
            ("192.168.1.1", false),
            ("172.16.0.1", false),
            ("100.64.0.1", false),
            ("0.0.0.0", false),
            ("255.255.255.255", false),
            ("224.0.0.1", false),
            ("fe80::1", false),
            ("fd00::1", false),
            ("64:ff9b::7f00:1", false),
            ("2002:7f00:1::", false),
        ] {
            let address: IpAddr = address.parse().expect("an address");
            assert_eq!(may_be_called(&settings, address), called, "{address}");
        }
    }
}
