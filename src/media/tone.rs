//! The ring-back tone of the Indonesian network: 425 Hz, 1 s on, 4 s off (ITU-T E.180).
//!
//! The off time is not sent (a pause in talk, RFC 3551 §4.1): with thousands of callers waiting,
//! silence would be four fifths of all packets. 425 Hz repeats every 320 samples, so two payloads
//! are all the tone there is.

use bytes::Bytes;
use rtp::header::Header;
use webrtc_util::marshal::Marshal;

use super::rtp::HEADER_BYTES;
use crate::call::orders::Law;

/// Samples, and bytes of G.711, in 20 ms.
const SAMPLES: usize = 160;
/// The same as a step of the timestamp.
const STEP: u32 = 160;
/// Bytes of one tone packet.
pub(super) const PACKET_BYTES: usize = HEADER_BYTES + SAMPLES;
/// Microseconds between packets.
pub(super) const INTERVAL: u64 = 20_000;
/// Packets' time of one period, 5 s, and the part of it that sounds, 1 s.
const PERIOD: u16 = 250;
const SOUNDING: u16 = 50;
/// Peak of the sine: -13 dBm0, as loud as exchanges ring.
const PEAK: f64 = 5_000.0;

/// The sound itself, made once.
#[derive(Debug)]
pub(super) struct Sound {
    a: [Bytes; 2],
    mu: [Bytes; 2],
}

impl Sound {
    pub fn new() -> Self {
        use audio_codec_algorithms::{encode_alaw, encode_ulaw};
        let half = |from: usize, encode: fn(i16) -> u8| {
            (from..from + SAMPLES).map(|sample| encode(sine(sample))).collect::<Bytes>()
        };
        let both = |encode| [half(0, encode), half(SAMPLES, encode)];
        Self { a: both(encode_alaw), mu: both(encode_ulaw) }
    }

    fn payload(&self, law: Law, tick: u16) -> &[u8] {
        let [even, odd] = match law {
            Law::A => &self.a,
            Law::Mu => &self.mu,
        };
        if tick.is_multiple_of(2) { even } else { odd }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the peak is far within 16 bits")]
fn sine(sample: usize) -> i16 {
    let turns = 425.0 * sample as f64 / 8_000.0;
    ((turns * std::f64::consts::TAU).sin() * PEAK) as i16
}

/// One stream's place in the cadence, with its own source, sequence and timestamp.
#[derive(Debug)]
pub(super) struct RingBack {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    tick: u16,
}

impl RingBack {
    /// Begins with the tone. Source, sequence and timestamp start anywhere (RFC 3550 §5.1).
    pub fn new() -> Self {
        let (ssrc, sequence, timestamp) = rand::random();
        Self { ssrc, sequence, timestamp, tick: 0 }
    }

    /// Goes on by 20 ms and writes the packet that is due, if the tone sounds.
    pub fn tick(
        &mut self,
        sound: &Sound,
        law: Law,
        payload_type: u8,
        packet: &mut [u8; PACKET_BYTES],
    ) -> bool {
        let (tick, timestamp) = (self.tick, self.timestamp);
        self.tick = (tick + 1) % PERIOD;
        self.timestamp = timestamp.wrapping_add(STEP);
        if tick >= SOUNDING {
            return false;
        }
        let header = Header {
            version: 2,
            marker: tick == 0,
            payload_type,
            sequence_number: self.sequence,
            timestamp,
            ssrc: self.ssrc,
            ..Header::default()
        };
        self.sequence = self.sequence.wrapping_add(1);
        let Some((head, payload)) = packet.split_at_mut_checked(HEADER_BYTES) else {
            return false;
        };
        payload.copy_from_slice(sound.payload(law, tick));
        header.marshal_to(head).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::rtp::Rtp;
    use super::*;

    #[test]
    fn the_tone_is_one_second_in_five() {
        let (sound, mut tone) = (Sound::new(), RingBack::new());
        let mut packet = [0; PACKET_BYTES];
        let first = tone.timestamp;
        let mut sounding = Vec::new();
        for tick in 0..500u32 {
            if tone.tick(&sound, Law::A, 8, &mut packet) {
                let rtp = Rtp::read(&packet).expect("RTP");
                assert_eq!(rtp.timestamp, first.wrapping_add(tick * 160));
                assert_eq!(packet[1], if tick % 250 == 0 { 0x80 | 8 } else { 8 });
                sounding.push((tick, rtp.sequence));
            }
        }
        let ticks: Vec<u32> = sounding.iter().map(|&(tick, _)| tick).collect();
        assert_eq!(ticks, (0..50).chain(250..300).collect::<Vec<u32>>());
        for pair in sounding.windows(2) {
            assert_eq!(pair[1].1, pair[0].1.wrapping_add(1));
        }
    }

    #[test]
    fn two_payloads_are_a_whole_number_of_waves() {
        for sample in 0..320 {
            assert!((sine(sample) - sine(sample + 320)).abs() <= 1);
        }
    }
}
