//! Addresses of one test's own: a block of the loopback network and a block of media ports, so
//! that tests run beside each other and every peer can have port 5060.

use std::net::{Ipv4Addr, UdpSocket};
use std::ops::RangeInclusive;

/// Media ports of one test.
const MEDIA_PORTS: u16 = 200;
/// The first media port of the first site: below the range that Linux gives out by itself.
const FIRST_MEDIA_PORT: u16 = 10_000;
/// Whoever has bound this port of a site has the site.
const LEASE_PORT: u16 = 9112;
/// Sites there are; more tests than this never run at once.
const SITES: u8 = 110;

/// One test's addresses, leased for as long as the value lives.
#[derive(Debug)]
pub struct Site {
    number: u8,
    /// Held so that no other test, in this process or another, takes the same site.
    _lease: UdpSocket,
}

impl Site {
    /// Takes the first site that is free.
    pub fn lease() -> Self {
        (0..SITES).find_map(Self::take).expect("one of the sites is free")
    }

    fn take(number: u8) -> Option<Self> {
        let lease = UdpSocket::bind((address(number, 254), LEASE_PORT)).ok()?;
        let site = Self { number, _lease: lease };
        site.media_ports().all(|port| UdpSocket::bind(("0.0.0.0", port)).is_ok()).then_some(site)
    }

    /// Ports for the gateway's audio.
    pub fn media_ports(&self) -> RangeInclusive<u16> {
        let first = FIRST_MEDIA_PORT + u16::from(self.number) * MEDIA_PORTS;
        first..=first + MEDIA_PORTS - 1
    }

    /// The gateway.
    pub fn gateway(&self) -> Ipv4Addr {
        address(self.number, 1)
    }

    /// The trunk whose address the gateway knows.
    pub fn trunk(&self) -> Ipv4Addr {
        address(self.number, 11)
    }

    /// The phone of seat 1, 2, ….
    pub fn seat(&self, number: u8) -> Ipv4Addr {
        address(self.number, 20 + number)
    }

    /// An address that the gateway does not know.
    pub fn stranger(&self) -> Ipv4Addr {
        address(self.number, 99)
    }
}

fn address(site: u8, host: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 112, site, host)
}
