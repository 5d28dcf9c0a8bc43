//! The ring-back tone of the Indonesian network: 425 Hz, 1 s on, 4 s off (ITU-T E.180).
//!
//! The off time is not sent (a pause in talk, RFC 3551 §4.1): with thousands of callers waiting,
//! silence would be four fifths of all packets. 425 Hz repeats every 320 samples, so two payloads
//! are all the tone there is.

use bytes::Bytes;

use crate::call::orders::Law;

/// Samples, and bytes of G.711, in one packet of 20 ms.
pub(super) const SAMPLES: usize = 160;
/// Packets' time of one period, 5 s, and the part of it that sounds, 1 s.
const PERIOD: u16 = 250;
const SOUNDING: u16 = 50;
/// Peak of the sine: -13 dBm0, as loud as exchanges ring.
const PEAK: f64 = 5_000.0;

/// The sound itself, made once.
#[derive(Debug)]
pub(super) struct Tone {
    a: [Bytes; 2],
    mu: [Bytes; 2],
}

impl Tone {
    pub fn new() -> Self {
        use audio_codec_algorithms::{encode_alaw, encode_ulaw};
        let half = |from: usize, encode: fn(i16) -> u8| {
            (from..from + SAMPLES).map(|sample| encode(sine(sample))).collect::<Bytes>()
        };
        let both = |encode| [half(0, encode), half(SAMPLES, encode)];
        Self { a: both(encode_alaw), mu: both(encode_ulaw) }
    }

    /// The payload at a place in the cadence, if the tone sounds there.
    pub fn at(&self, cadence: Cadence, law: Law) -> Option<&[u8]> {
        let [even, odd] = match law {
            Law::A => &self.a,
            Law::Mu => &self.mu,
        };
        let payload = if cadence.0.is_multiple_of(2) { even } else { odd };
        (cadence.0 < SOUNDING).then_some(payload)
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the peak is far within 16 bits")]
fn sine(sample: usize) -> i16 {
    let turns = 425.0 * sample as f64 / 8_000.0;
    ((turns * std::f64::consts::TAU).sin() * PEAK) as i16
}

/// A place in the cadence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cadence(u16);

impl Cadence {
    /// The beginning of the tone.
    pub const START: Self = Self(0);

    /// 20 ms later.
    pub const fn next(self) -> Self {
        Self((self.0 + 1) % PERIOD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tone_is_one_second_in_five() {
        let (tone, mut cadence) = (Tone::new(), Cadence::START);
        let mut sounding = Vec::new();
        for tick in 0..500u32 {
            if tone.at(cadence, Law::A).is_some() {
                sounding.push(tick);
            }
            cadence = cadence.next();
        }
        assert_eq!(sounding, (0..50).chain(250..300).collect::<Vec<u32>>());
    }

    #[test]
    fn two_payloads_are_a_whole_number_of_waves() {
        for sample in 0..320 {
            assert!((sine(sample) - sine(sample + 320)).abs() <= 1);
        }
        let (tone, first) = (Tone::new(), Cadence::START);
        assert_ne!(tone.at(first, Law::Mu), tone.at(first.next(), Law::Mu));
        assert_eq!(tone.at(first, Law::Mu), tone.at(first.next().next(), Law::Mu));
    }
}
