//! What a call names by reference, fetched from a real HTTPS server: only where the centre has said so,
//! and never more than it has said.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::net::{IpAddr, Ipv4Addr};

use siaga112::agencies::https::{Ask, FetchError, Fetched, Fetcher};
use siaga112::agencies::settings::ReferenceSettings;
use support::location_server::LocationServer;
use support::pki::Authority;
use tempfile::TempDir;

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const REQUEST: &str = "<locationRequest/>";

struct Lis {
    server: LocationServer,
    authority: Authority,
    _dir: TempDir,
}

fn lis() -> Lis {
    let (authority, dir) = (Authority::new(), TempDir::new().expect("a folder"));
    let server = LocationServer::start(&authority, HOME, dir.path());
    Lis { server, authority, _dir: dir }
}

/// Hosts that are named, and networks.
fn settings(lis: &Lis, hosts: &[&str], networks: &[&str]) -> ReferenceSettings {
    ReferenceSettings {
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        networks: networks.iter().map(|network| network.parse().expect("a network")).collect(),
        tls: Some(lis.authority.client(None)),
    }
}

fn fetch(settings: ReferenceSettings, uri: &str) -> Result<Fetched, FetchError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ask = Ask {
        uri,
        accept: "application/held+xml",
        post: Some(("text/plain", REQUEST)),
        most: 64 << 10,
    };
    runtime.block_on(Fetcher::new(settings).fetch(ask))
}

#[test]
fn what_the_centre_has_named_is_fetched_redirects_and_all() {
    let lis = lis();
    let all = || settings(&lis, &["127.0.0.1"], &["127.0.0.0/8"]);
    for path in ["/held", "/moved"] {
        let fetched = fetch(all(), &lis.server.uri(path)).expect("fetched");
        assert_eq!(fetched.media_type, "application/held+xml");
        assert!(fetched.body.starts_with(b"<locationResponse"), "{:?}", fetched.body);
        assert_eq!(lis.server.next_request(), format!("POST {path}"));
    }
    assert_eq!(lis.server.next_request(), "POST /held");
}

#[test]
fn nobody_else_is_asked() {
    let lis = lis();
    let held = lis.server.uri("/held");
    // The host is not named; it is, but lies on this machine; only its network is.
    for (hosts, networks) in [(&[][..], &[][..]), (&["127.0.0.1"], &[]), (&[], &["127.0.0.0/8"])] {
        let refused = fetch(settings(&lis, hosts, networks), &held);
        assert!(
            matches!(
                refused,
                Err(FetchError::HostNotNamed(_) | FetchError::AddressNotNamed { .. })
            ),
            "{hosts:?} {networks:?}: {refused:?}"
        );
    }
    let all = || settings(&lis, &["127.0.0.1"], &["127.0.0.0/8"]);
    let plain = held.replace("https:", "http:");
    assert!(matches!(fetch(all(), &plain), Err(FetchError::NotHttps(_))));
    // Nobody vouches for this certificate.
    let stranger = ReferenceSettings { tls: Some(Authority::new().client(None)), ..all() };
    assert!(matches!(fetch(stranger, &held), Err(FetchError::Connection(..))));
    assert_eq!(lis.server.asked(), [""; 0], "the server was asked");
}

#[test]
fn redirects_bytes_and_refusals_are_held_to_account() {
    let lis = lis();
    let all = || settings(&lis, &["127.0.0.1"], &["127.0.0.0/8"]);
    let of = |path: &str| fetch(all(), &lis.server.uri(path));
    assert!(matches!(of("/elsewhere"), Err(FetchError::HostNotNamed(_))));
    assert!(matches!(of("/round"), Err(FetchError::TooManyRedirects(_))));
    assert!(matches!(of("/large"), Err(FetchError::TooLarge(..))));
    assert!(matches!(of("/gone"), Err(FetchError::Status(_, 404))));
}
