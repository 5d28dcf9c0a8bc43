//! Linear samples of any rate to G.711 of 8,000 a second, and whether anybody can hear them.

use audio_codec_algorithms::{encode_alaw, encode_ulaw};
use rubato::audioadapter_buffers::owned::InterleavedOwned;
use rubato::{Fft, FixedSync, Resampler};

use super::{Prompt, PromptDoubt, PromptMistake, RATE};
use crate::media::tone::SAMPLES;

/// Rates that are converted, samples a second.
const RATES: std::ops::RangeInclusive<u32> = 8_000..=192_000;
/// Full scale is 1; at this a sample is cut off.
const FULL: f32 = 0.999;
/// -50 dB below full scale: a quiet line is louder.
const SILENT: f32 = 0.003_16;

/// Brings samples to 8,000 a second, without what a telephone cannot carry (above 4 kHz).
pub(super) fn resample(samples: Vec<f32>, rate: u32) -> Result<Vec<f32>, PromptMistake> {
    if rate == RATE {
        return Ok(samples);
    }
    if !RATES.contains(&rate) {
        return Err(PromptMistake::Rate(rate));
    }
    let refuse = |error: &dyn ToString| PromptMistake::Decode(error.to_string());
    // Blocks of an eighth of a second: the low-pass has a thousand steps, so it is steep.
    let mut resampler =
        Fft::new_custom(rate as usize, RATE as usize, rate as usize / 8, 1, 1, WINDOW, BOTH)
            .map_err(|error| refuse(&error))?;
    let count = samples.len();
    let samples = InterleavedOwned::new_from(samples, 1, count).map_err(|error| refuse(&error))?;
    let all = resampler.process_all(&samples, count, None).map_err(|error| refuse(&error))?;
    Ok(all.take_data())
}

const WINDOW: rubato::WindowFunction = rubato::WindowFunction::BlackmanHarris2;
const BOTH: FixedSync = FixedSync::Both;

/// Codes samples of 8,000 a second by both laws, filled up to whole packets.
pub(super) fn code(samples: &[f32]) -> Prompt {
    let silence = samples.len().next_multiple_of(SAMPLES) - samples.len();
    let both = |encode: fn(i16) -> u8| {
        samples
            .iter()
            .map(|&sample| encode(linear(sample)))
            .chain(std::iter::repeat_n(encode(0), silence))
            .collect()
    };
    Prompt { a: both(encode_alaw), mu: both(encode_ulaw), samples: samples.len() }
}

#[allow(clippy::cast_possible_truncation, reason = "a cast of a float saturates, which is meant")]
fn linear(sample: f32) -> i16 {
    (sample * 32_768.0) as i16
}

/// What should be listened to.
pub(super) fn doubt(samples: &[f32]) -> Option<PromptDoubt> {
    let clipped = samples.iter().filter(|sample| sample.abs() >= FULL).count();
    if samples.iter().all(|sample| sample.abs() < SILENT) {
        Some(PromptDoubt::Silent)
    } else if clipped > samples.len() / 100 {
        Some(PromptDoubt::Clipped)
    } else {
        None
    }
}
