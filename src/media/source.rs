//! One RTP source (RFC 3550 §5.1): who sends, under which number, at which time. What is said is not
//! its affair.

use rtp::header::Header;
use webrtc_util::marshal::Marshal;

use super::rtp::HEADER_BYTES;
use super::tone::SAMPLES;

/// Bytes of one packet.
pub(super) const PACKET_BYTES: usize = HEADER_BYTES + SAMPLES;
/// Microseconds between packets.
pub(super) const INTERVAL: u64 = 20_000;
/// The same as a step of the timestamp, 8,000 a second.
const STEP: u32 = 160;
/// Microseconds of one step of the timestamp.
const SAMPLE: u64 = 125;

/// A source that lives as long as its stream, so the far end hears one sender whatever is played.
#[derive(Debug)]
pub(super) struct Source {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    /// Nothing was sent in the 20 ms before.
    silent: bool,
}

impl Source {
    /// Source, sequence and timestamp start anywhere (RFC 3550 §5.1).
    pub fn new() -> Self {
        let (ssrc, sequence, timestamp) = rand::random();
        Self { ssrc, sequence, timestamp, silent: true }
    }

    /// Lets 20 ms go by unsent.
    pub const fn pause(&mut self) {
        self.timestamp = self.timestamp.wrapping_add(STEP);
        self.silent = true;
    }

    /// Lets `micros` go by unsent.
    #[allow(clippy::cast_possible_truncation, reason = "timestamps wrap")]
    pub const fn rest(&mut self, micros: u64) {
        self.timestamp = self.timestamp.wrapping_add((micros / SAMPLE) as u32);
        self.silent = true;
    }

    /// Writes the header of the next 20 ms; the first after silence has the marker (RFC 3551 §4.1).
    pub fn head(&mut self, payload_type: u8, packet: &mut [u8; PACKET_BYTES]) -> bool {
        let header = Header {
            version: 2,
            marker: self.silent,
            payload_type,
            sequence_number: self.sequence,
            timestamp: self.timestamp,
            ssrc: self.ssrc,
            ..Header::default()
        };
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(STEP);
        self.silent = false;
        packet.get_mut(..HEADER_BYTES).is_some_and(|head| header.marshal_to(head).is_ok())
    }
}
