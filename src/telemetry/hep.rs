//! HEP version 3: one captured SIP message as the packet that a Homer collector takes.
//!
//! A pure writer: it never sends. A packet is the magic, its length, and chunks of vendor, type,
//! length and value, all numbers in network order.

use std::net::{IpAddr, SocketAddr};

use crate::vocabulary::{Secret, WallTime};

/// The longest packet that fits into one UDP datagram over IPv4.
const LONGEST: usize = 65_507;
/// Magic and length.
const HEAD: usize = 6;
/// Vendor, type and length of a chunk.
const CHUNK: usize = 6;
/// The payload is SIP.
const SIP: u8 = 1;

/// Where captures go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HepSettings {
    /// The collector's UDP address.
    pub collector: SocketAddr,
    /// The number that the collector knows this gateway by.
    pub capture_id: u32,
    /// The collector's password; empty when it asks for none.
    pub password: Secret,
}

/// One message as it was captured.
#[derive(Clone, Copy, Debug)]
pub struct Captured<'a> {
    /// When.
    pub at: WallTime,
    /// Who sent it.
    pub from: SocketAddr,
    /// Whom it was for.
    pub to: SocketAddr,
    /// The IP protocol under SIP: 17 for UDP, 6 for what goes over TCP.
    pub protocol: u8,
    /// The message.
    pub message: &'a [u8],
    /// What ties the legs of one call together; left out when it is empty.
    pub correlation: &'a str,
}

/// Who captures.
#[derive(Clone, Copy, Debug)]
pub struct Agent<'a> {
    /// The number that the collector knows this gateway by.
    pub id: u32,
    /// The collector's password; left out when it is empty.
    pub password: &'a str,
}

/// Writes one packet. A message that is too long for a datagram loses its end.
#[must_use]
pub fn packet(captured: &Captured<'_>, agent: &Agent<'_>) -> Vec<u8> {
    let micros = captured.at.0.max(0);
    let seconds = u32::try_from(micros / 1_000_000).unwrap_or(u32::MAX);
    let fraction = u32::try_from(micros % 1_000_000).unwrap_or_default();
    let mut packet = Packet(Vec::with_capacity(captured.message.len() + 160));
    packet.0.extend_from_slice(b"HEP3\0\0");
    let (from, to) = (captured.from.ip().to_canonical(), captured.to.ip().to_canonical());
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            packet.chunk(0x0001, &[2]);
            packet.chunk(0x0003, &from.octets());
            packet.chunk(0x0004, &to.octets());
        }
        (from, to) => {
            packet.chunk(0x0001, &[10]);
            packet.chunk(0x0005, &v6(from));
            packet.chunk(0x0006, &v6(to));
        }
    }
    packet.chunk(0x0002, &[captured.protocol]);
    packet.chunk(0x0007, &captured.from.port().to_be_bytes());
    packet.chunk(0x0008, &captured.to.port().to_be_bytes());
    packet.chunk(0x0009, &seconds.to_be_bytes());
    packet.chunk(0x000a, &fraction.to_be_bytes());
    packet.chunk(0x000b, &[SIP]);
    packet.chunk(0x000c, &agent.id.to_be_bytes());
    if !agent.password.is_empty() {
        packet.chunk(0x000e, agent.password.as_bytes());
    }
    if !captured.correlation.is_empty() {
        packet.chunk(0x0011, captured.correlation.as_bytes());
    }
    // Last, so that what is cut off is its end.
    packet.chunk(0x000f, captured.message);
    packet.finish()
}

fn v6(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

struct Packet(Vec<u8>);

impl Packet {
    fn chunk(&mut self, kind: u16, value: &[u8]) {
        let room = LONGEST.saturating_sub(self.0.len() + CHUNK);
        let value = value.get(..value.len().min(room)).unwrap_or_default();
        let Ok(length) = u16::try_from(value.len() + CHUNK) else { return };
        self.0.extend_from_slice(&0_u16.to_be_bytes());
        self.0.extend_from_slice(&kind.to_be_bytes());
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(value);
    }

    fn finish(mut self) -> Vec<u8> {
        let length = u16::try_from(self.0.len()).unwrap_or(u16::MAX).to_be_bytes();
        for (byte, digit) in self.0.iter_mut().skip(HEAD - 2).zip(length) {
            *byte = digit;
        }
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured<'a>(from: &str, to: &str, message: &'a [u8]) -> Captured<'a> {
        Captured {
            at: WallTime(1_789_621_951_204_005),
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            protocol: 17,
            message,
            correlation: "c1",
        }
    }

    #[test]
    fn a_packet_is_written_byte_for_byte() {
        let captured = captured("192.0.2.1:5060", "192.0.2.2:5070", b"BYE");
        let packet = packet(&captured, &Agent { id: 112, password: "pw" });
        let mut wanted = b"HEP3\0\x77".to_vec();
        for chunk in [
            &b"\0\0\0\x01\0\x07\x02"[..],
            b"\0\0\0\x03\0\x0a\xc0\0\x02\x01",
            b"\0\0\0\x04\0\x0a\xc0\0\x02\x02",
            b"\0\0\0\x02\0\x07\x11",
            b"\0\0\0\x07\0\x08\x13\xc4",
            b"\0\0\0\x08\0\x08\x13\xce",
            b"\0\0\0\x09\0\x0a\x6a\xab\x76\xbf",
            b"\0\0\0\x0a\0\x0a\0\x03\x1c\xe5",
            b"\0\0\0\x0b\0\x07\x01",
            b"\0\0\0\x0c\0\x0a\0\0\0\x70",
            b"\0\0\0\x0e\0\x08pw",
            b"\0\0\0\x11\0\x08c1",
            b"\0\0\0\x0f\0\x09BYE",
        ] {
            wanted.extend_from_slice(chunk);
        }
        wanted[5] = u8::try_from(wanted.len()).unwrap();
        assert_eq!(packet, wanted);
    }

    #[test]
    fn ipv6_has_its_own_chunks_and_a_long_message_fits_a_datagram() {
        let captured = captured("[2001:db8::1]:5060", "[2001:db8::2]:5060", &[b'x'; 65_535]);
        let packet = packet(&captured, &Agent { id: 1, password: "" });
        assert_eq!(packet.len(), LONGEST);
        assert_eq!(&packet[..7], b"HEP3\xff\xe3\0");
        assert_eq!(packet[12], 10);
        assert!(packet.windows(6).any(|w| w == [0, 0, 0, 5, 0, 22]));
        assert!(!packet.windows(6).any(|w| w[..4] == [0, 0, 0, 14]), "no password, no chunk");
    }
}
