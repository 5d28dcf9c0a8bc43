//! Exchanges, fax machines and text telephones; and speech and music, in which there are none.

#![allow(clippy::cast_possible_truncation, reason = "test signals stay in range")]

use std::path::Path;

use super::*;
use crate::call::orders::Law;
use crate::media::player::decoded;
use crate::media::prompts::Prompts;

/// So many milliseconds of these frequencies, each of this peak.
type Part<'a> = (&'a [f32], u32);

fn made(parts: &[Part<'_>], peak: f32) -> Vec<i16> {
    let mut chance = 7u32;
    let mut out = Vec::new();
    for (tones, millis) in parts {
        for _ in 0..millis * 8 {
            chance ^= chance << 13;
            chance ^= chance >> 17;
            chance ^= chance << 5;
            let noise = (chance as f32 / u32::MAX as f32 - 0.5) * 60.0;
            let at = out.len() as f32 / 8_000.0;
            let sum: f32 = tones.iter().map(|hertz| (TAU * hertz * at).sin()).sum();
            out.push((sum * peak + noise) as i16);
        }
    }
    out
}

fn heard(samples: &[i16]) -> Vec<Sound> {
    let mut ear = Signals::new();
    samples.iter().filter_map(|&sample| ear.hear(sample)).collect()
}

/// A text telephone at 45.45 baud: a start bit, five of the letter, a long stop (V.18 Annex A).
fn typed(letters: &[u8], hold: u32) -> Vec<Part<'static>> {
    const MARK: &[f32] = &[1_400.0];
    const SPACE: &[f32] = &[1_800.0];
    let bit = |one: bool| (if one { MARK } else { SPACE }, 22);
    let letter = |&code: &u8| {
        let bits = (0..5).map(move |place| bit(code >> place & 1 == 1));
        std::iter::once(bit(false)).chain(bits).chain([(MARK, hold)])
    };
    std::iter::once((MARK, 150)).chain(letters.iter().flat_map(letter)).collect()
}

#[test]
fn tones_of_exchanges_and_machines_are_told_once_each() {
    let cadence = |tones: &'static [f32], on, off| [(tones, on), (&[][..], off)].repeat(4);
    let sit: Vec<Part<'_>> =
        vec![(&[950.0], 330), (&[1_400.0], 330), (&[1_800.0], 330), (&[], 1_000)];
    let letters = [0x10, 0x03, 0x12, 0x14, 0x01, 0x0c, 0x06, 0x0a, 0x15, 0x09];
    let cases: Vec<(&str, Vec<Part<'_>>, Sound)> = vec![
        ("ring-back of Indonesia", cadence(&[425.0], 1_000, 4_000), Sound::RingBack),
        ("ring-back of Europe", cadence(&[400.0, 450.0], 1_000, 3_000), Sound::RingBack),
        ("ring-back of America", cadence(&[440.0, 480.0], 2_000, 4_000), Sound::RingBack),
        ("busy", cadence(&[425.0], 500, 500), Sound::Busy),
        ("congestion", cadence(&[425.0], 250, 250), Sound::Busy),
        ("no such number", sit, Sound::Unobtainable),
        ("a fax that calls", cadence(&[1_100.0], 500, 3_000), Sound::Fax),
        ("a fax that calls, off its frequency", cadence(&[1_136.0], 500, 3_000), Sound::Fax),
        ("a fax that answers", vec![(&[], 500), (&[2_100.0], 3_000)], Sound::Fax),
        ("a text telephone", typed(&letters, 33), Sound::TextTelephone),
        ("a text telephone, slowly", typed(&letters, 120), Sound::TextTelephone),
    ];
    for (name, parts, sound) in cases {
        for peak in [1_000.0, 4_000.0, 12_000.0] {
            assert_eq!(heard(&made(&parts, peak)), [sound], "{name} at {peak}");
        }
    }
}

#[test]
fn what_only_resembles_a_signal_is_none() {
    let cases: [(&str, Vec<Part<'_>>); 6] = [
        ("a dial tone", vec![(&[425.0], 10_000), (&[], 3_000)]),
        ("a blip", vec![(&[], 500), (&[425.0], 200), (&[], 3_000)]),
        ("one note of a song", vec![(&[440.0], 400), (&[523.0], 400), (&[587.0], 400)]),
        ("a short 2100 Hz", vec![(&[2_100.0], 600), (&[], 2_000)]),
        ("a whistle", vec![(&[1_400.0], 1_500), (&[1_800.0], 1_500), (&[], 1_000)]),
        ("a key held", vec![(&[852.0, 1_336.0], 2_000), (&[], 2_000)]),
    ];
    for (name, parts) in cases {
        assert_eq!(heard(&made(&parts, 4_000.0)), [], "{name}");
    }
}

#[test]
fn there_are_none_in_recorded_speech_and_music() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/prompts");
    let mut seconds = 0;
    for language in ["", "id", "mad", "en"] {
        let prompts = Prompts::load(&folder.join(language)).0;
        let ids: Vec<_> = prompts.names().cloned().collect();
        for id in ids {
            let prompt = prompts.get(&id).expect("there");
            let audio = prompt.audio(Law::A).iter().map(|&code| decoded(Law::A, code));
            let audio: Vec<i16> = audio.collect();
            seconds += audio.len() / 8_000;
            assert_eq!(heard(&audio), [], "{language}/{id}");
        }
    }
    assert!(seconds > 100, "{seconds} s of sound");
}
