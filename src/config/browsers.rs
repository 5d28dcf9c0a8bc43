//! `[media] browser_port` and `browser_addresses`: where the audio of all browsers goes.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use super::findings::At;
use super::forms;
use super::section::Section;
use crate::sip::Transport;
use crate::sip::settings::SipSettings;

/// The addresses that browsers are told, each with the one port; none where no browser can register, or
/// the port is 0.
pub(super) fn read(
    section: &mut Section<'_>,
    sip: &SipSettings,
    address: IpAddr,
    ports: &RangeInclusive<u16>,
) -> Vec<SocketAddr> {
    let log = section.log();
    let written = section.has("browser_port");
    let port = section.number("browser_port", 0..=u16::MAX, beside(ports));
    let mut addresses: Vec<IpAddr> = Vec::new();
    for At { place, value } in section.words("browser_addresses", forms::reachable) {
        if addresses.contains(&value) {
            log.error(&place, format!("{value} is written twice"), "remove one of them");
        }
        addresses.push(value);
    }
    if addresses.is_empty() {
        addresses.push(address);
    }
    if port.value == 0 {
        return Vec::new();
    }
    if ports.contains(&port.value) {
        let what = format!("the port {} of browsers lies within the media ports", port.value);
        log.error(&port.place, what, format!("move one of them: {} is free", beside(ports)));
    }
    let udp = |it: &&crate::sip::Listener| it.transport == Transport::Udp;
    if let Some(listener) = sip.listen.iter().filter(udp).find(|it| it.address.port() == port.value)
    {
        let what = format!("the SIP listener {listener} has the port of browsers");
        log.error(&port.place, what, "move one of them");
    }
    if !sip.listen.iter().any(|listener| listener.transport.is_web()) {
        if written {
            let what = "no browser can register: [sip] listen has neither ws:// nor wss://";
            log.warn(&port.place, what, "add one, or remove browser_port");
        }
        return Vec::new();
    }
    addresses.into_iter().map(|address| SocketAddr::new(address, port.value)).collect()
}

/// The port below the media ports, or the one above them.
const fn beside(ports: &RangeInclusive<u16>) -> u16 {
    let below = ports.start().saturating_sub(1);
    if below >= 1024 { below } else { ports.end().saturating_add(1) }
}
