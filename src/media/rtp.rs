//! A view of one RTP packet (RFC 3550 §5.1): where things stand, nothing copied.
//!
//! The relay passes packets on as they are; it never builds one (`source` does that with the
//! `rtp` crate) and never trusts a length it has not checked.

use std::ops::Range;

/// The fixed header without contributing sources.
pub const HEADER_BYTES: usize = 12;
const VERSION: u8 = 2;
const MARKER: u8 = 0x80;

/// What the relay needs to know of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rtp {
    pub payload_type: u8,
    pub marker: bool,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    /// Where the payload stands, without extension and padding.
    pub payload: Range<usize>,
}

impl Rtp {
    /// Reads the header, or nothing when the bytes are no RTP.
    pub fn read(packet: &[u8]) -> Option<Self> {
        let [flags, kind, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3] = *packet.first_chunk()?;
        if flags >> 6 != VERSION {
            return None;
        }
        let mut start = HEADER_BYTES + usize::from(flags & 0x0f) * 4;
        if flags & 0x10 != 0 {
            let [_, _, high, low] = *packet.get(start..)?.first_chunk()?;
            start += 4 + usize::from(u16::from_be_bytes([high, low])) * 4;
        }
        // How much is padding stands in its last byte, never in the header (RFC 3550 §5.1).
        let padded = flags & 0x20 != 0;
        let padding = if padded { usize::from(*packet.get(start..)?.last()?) } else { 0 };
        let end = packet.len().checked_sub(padding)?;
        (start <= end).then_some(Self {
            payload_type: kind & !MARKER,
            marker: kind & MARKER != 0,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([c0, c1, c2, c3]),
            payload: start..end,
        })
    }
}

/// The first contributing source of a packet that [`Rtp::read`] took, where it names any.
pub fn contributing(packet: &[u8]) -> Option<u32> {
    let named = packet.first()? & 0x0f != 0;
    let source = packet.get(HEADER_BYTES..)?.first_chunk().map(|word| u32::from_be_bytes(*word));
    source.filter(|_| named)
}

/// Names one contributing source in a packet that is a plain fixed header and nothing more yet.
pub fn contribute(packet: &mut Vec<u8>, source: u32) {
    if let Some(flags) = packet.first_mut() {
        *flags |= 1;
        packet.extend(source.to_be_bytes());
    }
}

/// Writes a plain fixed header; a packet too short for one stays as it is.
pub fn write_header(packet: &mut [u8], kind: (u8, bool), sequence: u16, timestamp: u32, ssrc: u32) {
    if let Some(flags) = packet.first_mut() {
        *flags = VERSION << 6;
    }
    write_header_in_place(packet, kind, sequence, timestamp, ssrc);
}

/// Writes everything of a fixed header but what tells of contributing sources, extension and padding.
pub fn write_header_in_place(
    packet: &mut [u8],
    (payload_type, marker): (u8, bool),
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
) {
    let Some(head) = packet.first_chunk_mut::<HEADER_BYTES>() else { return };
    let [_, kind, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3] = head;
    *kind = payload_type & !MARKER | if marker { MARKER } else { 0 };
    [*s0, *s1] = sequence.to_be_bytes();
    [*t0, *t1, *t2, *t3] = timestamp.to_be_bytes();
    [*c0, *c1, *c2, *c3] = ssrc.to_be_bytes();
}

/// Whether the bytes can be RTCP (RFC 3550 §6.4, RFC 5761 §4): version 2, a known family of types.
pub fn is_rtcp(packet: &[u8]) -> bool {
    packet.len() >= 8
        && matches!(packet.first_chunk(), Some(&[flags, kind])
            if flags >> 6 == VERSION && (192..=223).contains(&kind))
}

/// Counts what is missing by sequence number (RFC 3550 appendix A.1, without its probation).
#[derive(Clone, Copy, Debug, Default)]
pub struct SequenceWatch {
    last: Option<(u32, u16)>,
    lost: u64,
}

impl SequenceWatch {
    /// A jump beyond this is a sender that started anew, not a loss: one minute of packets.
    const MAX_GAP: u16 = 3_000;
    /// A packet this far behind is late; further back the sender started anew.
    const MAX_LATE: u16 = 100;

    /// Takes note of a packet and returns how many before it are missing.
    pub fn see(&mut self, ssrc: u32, sequence: u16) -> u64 {
        let Some((known, highest)) = self.last else {
            self.last = Some((ssrc, sequence));
            return 0;
        };
        let ahead = sequence.wrapping_sub(highest);
        if known == ssrc && ahead.wrapping_neg() <= Self::MAX_LATE {
            if ahead != 0 {
                self.lost = self.lost.saturating_sub(1);
            }
            return 0;
        }
        self.last = Some((ssrc, sequence));
        if known != ssrc || ahead > Self::MAX_GAP {
            return 0;
        }
        let gap = u64::from(ahead - 1);
        self.lost += gap;
        gap
    }

    /// Packets missing so far; one that came late is no longer missing.
    pub const fn lost(&self) -> u64 {
        self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(flags: u8, tail: &[u8]) -> Vec<u8> {
        let mut bytes = vec![flags, 0x80 | 8, 0x12, 0x34, 0, 0, 1, 0, 0xca, 0xfe, 0xba, 0xbe];
        bytes.extend_from_slice(tail);
        bytes
    }

    #[test]
    fn the_payload_stands_between_extension_and_padding() {
        for (name, bytes, payload) in [
            ("plain", packet(0x80, &[1, 2, 3]), Some(12..15)),
            ("empty", packet(0x80, &[]), Some(12..12)),
            ("one contributing source", packet(0x81, &[9, 9, 9, 9, 1]), Some(16..17)),
            ("extension", packet(0x90, &[0xbe, 0xde, 0, 1, 0, 0, 0, 0, 1, 2]), Some(20..22)),
            ("padding", packet(0xa0, &[1, 2, 0, 2]), Some(12..14)),
            ("version 1", packet(0x40, &[1]), None),
            ("extension longer than the packet", packet(0x90, &[0, 0, 0xff, 0xff, 1]), None),
            ("padding longer than the packet", packet(0xa0, &[200]), None),
            ("sources missing", packet(0x8f, &[1, 2]), None),
            ("cut header", packet(0x80, &[])[..11].to_vec(), None),
            ("nothing", Vec::new(), None),
        ] {
            assert_eq!(Rtp::read(&bytes).map(|rtp| rtp.payload), payload, "{name}");
        }
        let rtp = Rtp::read(&packet(0x80, &[1])).expect("reads");
        assert_eq!((rtp.payload_type, rtp.sequence), (8, 0x1234));
        assert_eq!((rtp.timestamp, rtp.ssrc), (256, 0xcafe_babe));
    }

    #[test]
    fn a_header_is_written_as_it_is_read() {
        let mut bytes = packet(0xb1, &[9, 9, 9, 9, 0xbe, 0xde, 0, 0, 1, 1]);
        write_header_in_place(&mut bytes, (101, true), 7, 8, 9);
        assert_eq!(bytes[0], 0xb1, "what follows the header is still told");
        let rtp = Rtp::read(&bytes).expect("reads");
        assert_eq!((rtp.payload_type, rtp.sequence, rtp.timestamp, rtp.ssrc), (101, 7, 8, 9));
        assert!(rtp.marker);
        write_header(&mut bytes, (8, false), 1, 2, 3);
        assert_eq!(bytes[..2], [0x80, 8]);
    }

    #[test]
    fn a_contributing_source_is_written_as_it_is_read() {
        let mut bytes = packet(0x80, &[]);
        assert_eq!(contributing(&bytes), None);
        contribute(&mut bytes, 0xdead_beef);
        assert_eq!(contributing(&bytes), Some(0xdead_beef));
        assert_eq!(Rtp::read(&bytes).map(|rtp| rtp.payload), Some(16..16));
        assert_eq!((contributing(&[0x81; 13]), contributing(&[])), (None, None));
    }

    #[test]
    fn loss_is_counted_and_late_packets_are_not_loss() {
        for (name, packets, lost) in [
            ("in order", &[(1, 10), (1, 11), (1, 12)][..], 0),
            ("two missing", &[(1, 10), (1, 13)], 2),
            ("over the end", &[(1, 65_535), (1, 0), (1, 2)], 1),
            ("late", &[(1, 10), (1, 12), (1, 11), (1, 13)], 0),
            ("twice the same", &[(1, 10), (1, 12), (1, 12)], 1),
            ("another sender", &[(1, 10), (2, 500), (2, 501)], 0),
            ("started anew", &[(1, 10), (1, 40_000), (1, 40_001)], 0),
        ] {
            let mut watch = SequenceWatch::default();
            for &(ssrc, sequence) in packets {
                watch.see(ssrc, sequence);
            }
            assert_eq!(watch.lost(), lost, "{name}");
        }
    }

    #[test]
    fn rtcp_is_told_from_other_bytes() {
        assert!(is_rtcp(&[0x80, 200, 0, 1, 0, 0, 0, 1]));
        assert!(is_rtcp(&[0x81, 201, 0, 1, 0, 0, 0, 1]));
        assert!(!is_rtcp(&[0x80, 200, 0, 1]));
        assert!(!is_rtcp(&[0x00, 200, 0, 1, 0, 0, 0, 1]));
        assert!(!is_rtcp(&[0x80, 8, 0, 1, 0, 0, 0, 1]));
    }
}
