//! STUN on the SIP port: a phone keeps its way through a NAT open with binding requests and learns
//! when it has changed (RFC 5626 §3.5.2, RFC 5389). Read and answered, nothing kept.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;

/// In every message of RFC 5389; the first byte of SIP is a letter, so the two never mix.
const MAGIC: u32 = 0x2112_a442;
const HEADER: usize = 20;
const BINDING_REQUEST: u16 = 0x0001;
const BINDING_SUCCESS: u16 = 0x0101;
const BINDING_ERROR: u16 = 0x0111;
const ERROR_CODE: u16 = 0x0009;
const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
/// Attributes that must be understood and may be left unread: USERNAME, MESSAGE-INTEGRITY, REALM
/// and NONCE say who asks, which the switchboard knows by the address.
const IGNORED: [u16; 4] = [0x0006, 0x0008, 0x0014, 0x0015];
/// Attributes that must be understood named in one refusal: enough to be understood.
const NAMED: usize = 8;

/// A binding request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    transaction: [u8; 12],
    /// Attributes that must be understood, and are not.
    unknown: Vec<u16>,
}

/// Reads a datagram; none when it is no binding request.
#[must_use]
pub fn read(datagram: &[u8]) -> Option<Binding> {
    let (header, mut rest) = datagram.split_at_checked(HEADER)?;
    let [t0, t1, l0, l1, m0, m1, m2, m3, transaction @ ..] = header else { return None };
    let fits = usize::from(u16::from_be_bytes([*l0, *l1])) == rest.len() && rest.len() % 4 == 0;
    let magic = u32::from_be_bytes([*m0, *m1, *m2, *m3]) == MAGIC;
    if u16::from_be_bytes([*t0, *t1]) != BINDING_REQUEST || !magic || !fits {
        return None;
    }
    let mut unknown = Vec::new();
    while let [k0, k1, l0, l1, after @ ..] = rest {
        let kind = u16::from_be_bytes([*k0, *k1]);
        let length = usize::from(u16::from_be_bytes([*l0, *l1])).next_multiple_of(4);
        rest = after.get(length..)?;
        if kind < 0x8000 && !IGNORED.contains(&kind) && unknown.len() < NAMED {
            unknown.push(kind);
        }
    }
    Some(Binding { transaction: transaction.try_into().ok()?, unknown })
}

/// The answer: where the request came from, or which attributes were not understood.
#[must_use]
pub fn answer(binding: &Binding, source: SocketAddr) -> Bytes {
    let mut attributes = Vec::new();
    let kind = if binding.unknown.is_empty() {
        attribute(&mut attributes, XOR_MAPPED_ADDRESS, &mapped(source, &binding.transaction));
        BINDING_SUCCESS
    } else {
        attribute(&mut attributes, ERROR_CODE, b"\0\0\x04\x14Unknown Attribute");
        let named: Vec<u8> = binding.unknown.iter().flat_map(|kind| kind.to_be_bytes()).collect();
        attribute(&mut attributes, UNKNOWN_ATTRIBUTES, &named);
        BINDING_ERROR
    };
    let length = u16::try_from(attributes.len()).unwrap_or(0);
    let mut message = Vec::with_capacity(HEADER + attributes.len());
    message.extend(kind.to_be_bytes());
    message.extend(length.to_be_bytes());
    message.extend(MAGIC.to_be_bytes());
    message.extend(binding.transaction);
    message.extend(attributes);
    message.into()
}

/// RFC 5389 §15.2.
fn mapped(source: SocketAddr, transaction: &[u8; 12]) -> Vec<u8> {
    let magic = MAGIC.to_be_bytes();
    let port = source.port() ^ u16::from_be_bytes([magic[0], magic[1]]);
    let (family, address) = match source.ip() {
        IpAddr::V4(ip) => (1, ip.octets().to_vec()),
        IpAddr::V6(ip) => (2, ip.octets().to_vec()),
    };
    let mut value = vec![0, family];
    value.extend(port.to_be_bytes());
    let key = magic.iter().chain(transaction);
    value.extend(address.iter().zip(key).map(|(byte, key)| byte ^ key));
    value
}

fn attribute(to: &mut Vec<u8>, kind: u16, value: &[u8]) {
    to.extend(kind.to_be_bytes());
    to.extend(u16::try_from(value.len()).unwrap_or(0).to_be_bytes());
    to.extend(value);
    to.resize(to.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5769 §2: the transaction of its sample messages.
    const TRANSACTION: [u8; 12] =
        [0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae];

    fn request(attributes: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 1, 0, u8::try_from(attributes.len()).unwrap()];
        bytes.extend(MAGIC.to_be_bytes());
        bytes.extend(TRANSACTION);
        bytes.extend(attributes);
        bytes
    }

    #[test]
    fn the_answers_are_those_of_rfc_5769() {
        let binding = read(&request(&[])).unwrap();
        let v4 = answer(&binding, "192.0.2.1:32853".parse().unwrap());
        assert_eq!(v4[..8], [1, 1, 0, 12, 0x21, 0x12, 0xa4, 0x42]);
        assert_eq!(v4[8..20], TRANSACTION);
        assert_eq!(v4[20..], [0, 0x20, 0, 8, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43]);
        let v6 = answer(&binding, "[2001:db8:1234:5678:11:2233:4455:6677]:32853".parse().unwrap());
        let sample = [
            0, 0x20, 0, 0x14, 0, 2, 0xa1, 0x47, 1, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79, 0xbc,
            0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9,
        ];
        assert_eq!(v6[20..], sample);
    }

    #[test]
    fn only_a_whole_binding_request_is_one() {
        // SOFTWARE (may be unknown) and USERNAME.
        let known = request(&[0x80, 0x22, 0, 1, b'x', 0, 0, 0, 0, 6, 0, 0]);
        assert!(read(&known).unwrap().unknown.is_empty());
        for length in 0..known.len() {
            assert_eq!(read(&known[..length]), None, "{length} bytes");
        }
        let mut success = known.clone();
        success[0] = 1;
        let mut magic = known;
        magic[4] ^= 1;
        let (long, odd) = (request(&[0, 6, 0, 9]), request(&[0x80, 0x22, 0, 0, 0, 0]));
        for other in [&success[..], &magic, b"OPTIONS sip:a SIP/2.0\r\n\r\n", &long, &odd] {
            assert_eq!(read(other), None);
        }
        // CHANGE-REQUEST of RFC 3489 must be understood.
        let old = read(&request(&[0, 3, 0, 4, 0, 0, 0, 6])).unwrap();
        let refusal = answer(&old, "192.0.2.1:32853".parse().unwrap());
        assert_eq!(refusal[..2], [1, 0x11]);
        assert_eq!(refusal[refusal.len() - 8..], [0, 0x0a, 0, 2, 0, 3, 0, 0]);
        assert_eq!(usize::from(refusal[3]), refusal.len() - 20);
    }
}
