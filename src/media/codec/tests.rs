//! Tones there and back through every codec, losses and rubbish.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "tests use small numbers"
)]

use super::*;

/// A sine of `pitch` Hz, frame by frame.
fn sine(pitch: f64, frame: usize) -> [i16; FRAME] {
    std::array::from_fn(|n| {
        let at = (frame * FRAME + n) as f64;
        ((at * pitch / 8_000.0 * std::f64::consts::TAU).sin() * 8_000.0) as i16
    })
}

/// Share of the energy at `pitch` Hz, and the root mean square.
fn look(samples: &[i16], pitch: f64) -> (f64, f64) {
    let turn = pitch / 8_000.0 * std::f64::consts::TAU;
    let (mut re, mut im, mut all) = (0.0, 0.0, 0.0);
    for (n, &sample) in samples.iter().enumerate() {
        let value = f64::from(sample);
        re += value * (turn * n as f64).cos();
        im += value * (turn * n as f64).sin();
        all += value * value;
    }
    let count = samples.len() as f64;
    ((re * re + im * im) * 2.0 / count / all.max(1.0), (all / count).sqrt())
}

fn there_and_back(codec: Codec, pitch: f64) -> Vec<i16> {
    let (mut encoder, mut decoder) = (Encoder::new(codec), Decoder::new(codec));
    let (mut payload, mut out, mut heard) = ([0; PAYLOAD], [0; LONGEST], Vec::new());
    for frame in 0..50 {
        let length = encoder.encode(&sine(pitch, frame), &mut payload);
        assert!(length > 0, "{codec}");
        let count = decoder.decode(&payload[..length], &mut out);
        assert_eq!(count, FRAME, "{codec}");
        heard.extend_from_slice(&out[..count]);
    }
    heard
}

#[test]
fn a_tone_survives_every_codec_at_its_level() {
    for codec in Codec::ALL {
        for pitch in [400.0, 1_000.0] {
            let heard = there_and_back(codec, pitch);
            let (share, level) = look(&heard[1_600..], pitch);
            assert!(share > 0.9, "{codec} at {pitch}: {share}");
            let decibels = 20.0 * (level / (8_000.0 / 2f64.sqrt())).log10();
            assert!(decibels.abs() < 1.0, "{codec} at {pitch}: {decibels} dB");
        }
    }
}

#[test]
fn what_is_lost_fades_and_never_jumps() {
    for codec in Codec::ALL {
        let (mut encoder, mut decoder) = (Encoder::new(codec), Decoder::new(codec));
        let (mut payload, mut out, mut lost) = ([0; PAYLOAD], [0; LONGEST], [0; FRAME]);
        for frame in 0..25 {
            let length = encoder.encode(&sine(400.0, frame), &mut payload);
            decoder.decode(&payload[..length], &mut out);
        }
        let mut levels = Vec::new();
        for _ in 0..20 {
            decoder.conceal(&mut lost);
            levels.push(look(&lost, 400.0).1);
        }
        assert!(levels[0] > 1_000.0, "{codec}: {levels:?}");
        assert!(levels[19] < 300.0, "{codec}: {levels:?}");
    }
}

#[test]
fn no_bytes_break_a_decoder() {
    let mut state = 1u32;
    let mut byte = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    for codec in Codec::ALL {
        let mut decoder = Decoder::new(codec);
        let mut out = [0; LONGEST];
        for _ in 0..3_000 {
            let length = usize::from(byte()) * usize::from(byte() % 7);
            let payload: Vec<u8> = (0..length).map(|_| byte()).collect();
            assert!(decoder.decode(&payload, &mut out) <= LONGEST);
        }
    }
}

#[test]
fn what_g722_is_given_has_no_mirror_above_4_khz() {
    let (mut encoder, mut decoder) = (Encoder::new(Codec::G722), G722Decoder::new());
    let (mut payload, mut heard) = ([0; PAYLOAD], Vec::new());
    for frame in 0..50 {
        let length = encoder.encode(&sine(1_000.0, frame), &mut payload);
        heard.extend(decoder.decode(&payload[..length]));
    }
    // 16,000 samples a second: half the pitch by the measure of 8,000.
    let (share, _) = look(&heard[3_200..], 500.0);
    let (mirror, _) = look(&heard[3_200..], 3_500.0);
    assert!(share > 0.95 && mirror < 0.001, "{share} {mirror}");
}
