//! `[references]`: who may be asked for what a call names by reference, and who vouches for them.

use std::path::Path;

use ipnet::IpNet;

use super::section::{Section, Wrong, some_text};
use super::{forms, tls};
use crate::agencies::settings::ReferenceSettings;

/// Reads the section. Nobody is asked where no host is written.
pub(super) fn read(section: &mut Section<'_>, dir: &Path) -> ReferenceSettings {
    let hosts = section.words("hosts", forms::host);
    let networks = section.words("networks", network);
    let ca = section.word("ca", some_text);
    let tls = match hosts.as_slice() {
        [] => None,
        _ => tls::asks(ca.as_ref(), dir, section.log()),
    };
    ReferenceSettings {
        hosts: hosts.into_iter().map(|host| host.value).collect(),
        networks: networks.into_iter().map(|network| network.value).collect(),
        tls,
    }
}

/// An address or a network.
fn network(text: &str) -> Result<IpNet, Wrong> {
    let address = || text.parse().map(|address: std::net::IpAddr| IpNet::from(address));
    text.parse::<IpNet>().or_else(|_| address()).map(|network| network.trunc()).map_err(|_| {
        Wrong::new(
            format!("{text:?} is no network"),
            "write an address or a network, for example \"10.20.0.0/16\"",
        )
    })
}
