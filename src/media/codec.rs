//! Packets to linear samples and back, 8,000 a second, one channel: what a mixed leg, a prompt to a
//! leg without G.711 and a recording need. A relayed packet never comes here.
//!
//! Telephone speech is narrow-band: G.722 is decoded to its lower band and Opus at 8 kHz; only what
//! G.722 is to carry is brought to its 16 kHz. G.711 and G.722 hide a lost packet by the one before it, fading out within
//! 60 ms; Opus knows better ways itself.

use audio_codec::g722::{Bitrate, G722Decoder, G722Encoder};
use audio_codec::{Decoder as _, Encoder as _};
use audio_codec_algorithms::{decode_alaw, decode_ulaw, encode_alaw, encode_ulaw};
use opus_rs::{Application, OpusDecoder, OpusEncoder};

use crate::vocabulary::Codec;

/// Samples in a second.
pub const RATE: u32 = 8_000;
/// Samples of 20 ms: what is mixed, played and encoded at a time.
pub const FRAME: usize = 160;
/// The longest packet, samples: 120 ms (RFC 6716 §3.1). What is longer is cut.
pub const LONGEST: usize = 960;
/// The longest payload that an encoder makes of a frame, bytes.
pub const PAYLOAD: usize = 320;
/// Opus at 8 kHz: bits a second. Speech is clear at 16,000; browsers spend 32,000.
const OPUS_BITS: i32 = 24_000;
/// Lost frames after which nothing of the last one is left: 60 ms.
const FADED: u32 = 3;

/// Makes samples of one source's packets, in their order.
pub struct Decoder {
    kind: Decode,
    /// The end of what was decoded last, for what is lost next.
    last: [i16; FRAME],
    lost: u32,
}

enum Decode {
    A,
    Mu,
    G722(Box<G722Decoder>),
    Opus(Box<OpusDecoder>, Box<[f32; LONGEST]>),
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("lost", &self.lost).finish_non_exhaustive()
    }
}

impl Decoder {
    /// A decoder that has heard nothing.
    #[must_use]
    pub fn new(codec: Codec) -> Self {
        let kind = match codec {
            Codec::Pcma => Decode::A,
            Codec::Pcmu => Decode::Mu,
            Codec::G722 => {
                Decode::G722(Box::new(G722Decoder::with_options(Bitrate::Mode1_64000, false, true)))
            }
            // It refuses other rates and channels only.
            Codec::Opus => match OpusDecoder::new(RATE.cast_signed(), 1) {
                Ok(decoder) => Decode::Opus(Box::new(decoder), Box::new([0.0; LONGEST])),
                Err(_) => Decode::A,
            },
        };
        Self { kind, last: [0; FRAME], lost: 0 }
    }

    /// The samples of a payload; how many there are. Bytes that are no payload make none.
    pub fn decode(&mut self, payload: &[u8], out: &mut [i16; LONGEST]) -> usize {
        let count = match &mut self.kind {
            Decode::A => laws(payload, out, decode_alaw),
            Decode::Mu => laws(payload, out, decode_ulaw),
            Decode::G722(decoder) => {
                let payload = payload.get(..payload.len().min(LONGEST)).unwrap_or_default();
                decoder.decode_into(payload, out).unwrap_or(0)
            }
            Decode::Opus(decoder, samples) => {
                let most = samples.len();
                let count = decoder.decode(payload, most, &mut samples[..]).unwrap_or(0);
                linear(samples, out, count)
            }
        };
        self.remember(count, out);
        count
    }

    /// What stands in for 20 ms that are lost.
    pub fn conceal(&mut self, out: &mut [i16; FRAME]) {
        self.lost = self.lost.saturating_add(1);
        if let Decode::Opus(decoder, samples) = &mut self.kind
            && let Some(frame) = samples.get_mut(..FRAME)
            && decoder.decode(&[], FRAME, frame) == Ok(FRAME)
        {
            linear(samples, out, FRAME);
            return;
        }
        let left = (FADED + 1).saturating_sub(self.lost);
        let from = i32::try_from(left).unwrap_or(0);
        let steps = i32::try_from(FADED).unwrap_or(1) * 160;
        for ((sample, &old), place) in out.iter_mut().zip(&self.last).zip(0i32..) {
            let weight = (from * 160 - place).max(0);
            *sample = i16::try_from(i32::from(old) * weight / steps).unwrap_or_default();
        }
    }

    fn remember(&mut self, count: usize, out: &[i16; LONGEST]) {
        self.lost = 0;
        if let Some(end) = out.get(count.saturating_sub(FRAME)..count)
            && let Some(last) = self.last.last_chunk_mut::<FRAME>()
        {
            let short = last.len() - end.len();
            if let Some(place) = last.get_mut(short..) {
                place.copy_from_slice(end);
            }
        }
    }
}

fn laws(payload: &[u8], out: &mut [i16; LONGEST], decode: fn(u8) -> i16) -> usize {
    for (sample, &code) in out.iter_mut().zip(payload) {
        *sample = decode(code);
    }
    payload.len().min(out.len())
}

#[allow(clippy::cast_possible_truncation, reason = "clamped to what 16 bits hold")]
fn linear(samples: &[f32; LONGEST], out: &mut [i16], count: usize) -> usize {
    for (sample, &value) in out.iter_mut().zip(samples).take(count) {
        *sample = (value * 32_768.0).clamp(-32_768.0, 32_767.0) as i16;
    }
    count
}

/// Makes payloads of one stream's frames.
pub struct Encoder(Encode);

enum Encode {
    A,
    Mu,
    G722(Box<G722Encoder>, Box<Doubled>),
    Opus(Box<OpusEncoder>),
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder").finish_non_exhaustive()
    }
}

impl Encoder {
    /// An encoder that has said nothing.
    #[must_use]
    pub fn new(codec: Codec) -> Self {
        Self(match codec {
            Codec::Pcma => Encode::A,
            Codec::Pcmu => Encode::Mu,
            Codec::G722 => {
                let encoder = G722Encoder::with_options(Bitrate::Mode1_64000, false, false);
                Encode::G722(Box::new(encoder), Box::new(Doubled::new()))
            }
            // It refuses other rates and channels only.
            Codec::Opus => match OpusEncoder::new(RATE.cast_signed(), 1, Application::Voip) {
                Ok(mut encoder) => {
                    encoder.bitrate_bps = OPUS_BITS;
                    encoder.use_inband_fec = true;
                    encoder.packet_loss_perc = 5;
                    encoder.complexity = 5;
                    Encode::Opus(Box::new(encoder))
                }
                Err(_) => Encode::A,
            },
        })
    }

    /// The payload of 20 ms; how many bytes it has.
    pub fn encode(&mut self, frame: &[i16; FRAME], out: &mut [u8; PAYLOAD]) -> usize {
        let law = |out: &mut [u8; PAYLOAD], encode: fn(i16) -> u8| {
            for (code, &sample) in out.iter_mut().zip(frame) {
                *code = encode(sample);
            }
            FRAME
        };
        match &mut self.0 {
            Encode::A => law(out, encode_alaw),
            Encode::Mu => law(out, encode_ulaw),
            Encode::G722(encoder, doubled) => {
                encoder.encode_into(doubled.of(frame), out).unwrap_or(0)
            }
            Encode::Opus(encoder) => encoder.encode_i16(frame, FRAME, &mut out[..]).unwrap_or(0),
        }
    }
}

/// Half of the taps of [`Doubled`].
const TAPS: usize = 8;

/// 8 kHz brought to 16 kHz: between each two samples stands one that eight on either side give
/// (a half-band filter: a sinc under a Hann window). It delays by 1 ms.
struct Doubled {
    taps: [f32; TAPS],
    /// The end of the frame before, then the frame.
    line: [i16; FRAME + 2 * TAPS],
    out: [i16; 2 * FRAME],
}

impl Doubled {
    fn new() -> Self {
        use std::f32::consts::PI;
        let mut taps = [0.0; TAPS];
        for (tap, n) in taps.iter_mut().zip(0u8..) {
            let at = f32::from(n) + 0.5;
            let window = 0.5 + 0.5 * (PI * at / (TAPS as f32 + 0.5)).cos();
            *tap = (PI * at).sin() / (PI * at) * window;
        }
        let sum: f32 = 2.0 * taps.iter().sum::<f32>();
        taps.iter_mut().for_each(|tap| *tap /= sum);
        Self { taps, line: [0; FRAME + 2 * TAPS], out: [0; 2 * FRAME] }
    }

    #[allow(clippy::cast_possible_truncation, reason = "clamped to what 16 bits hold")]
    fn of(&mut self, frame: &[i16; FRAME]) -> &[i16] {
        self.line.copy_within(FRAME.., 0);
        if let Some(place) = self.line.last_chunk_mut::<FRAME>() {
            *place = *frame;
        }
        for (pair, around) in self.out.chunks_exact_mut(2).zip(self.line.windows(2 * TAPS)) {
            let (before, after) = around.split_at(TAPS);
            let between: f32 = self
                .taps
                .iter()
                .zip(before.iter().rev().zip(after))
                .map(|(tap, (&old, &new))| tap * (f32::from(old) + f32::from(new)))
                .sum();
            if let ([here, next], Some(&now)) = (pair, before.last()) {
                *here = now;
                *next = between.clamp(-32_768.0, 32_767.0) as i16;
            }
        }
        &self.out
    }
}

#[cfg(test)]
mod tests;
