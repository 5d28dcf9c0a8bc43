//! Speech, knocks, rain and quiet lines, and what is heard in them.

#![allow(clippy::cast_possible_truncation, reason = "test signals stay in range")]

use std::collections::BTreeMap;
use std::f32::consts::TAU;
use std::path::Path;

use super::*;
use crate::call::orders::Law;
use crate::media::player::decoded;
use crate::media::prompts::Prompts;

/// Noise by chance that is the same each time (xorshift), -1 to 1.
struct Chance(u32);

impl Chance {
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 as f32 / u32::MAX as f32 * 2.0 - 1.0
    }
}

/// White noise of this rms.
fn noise(millis: usize, rms: f32, seed: u32) -> Vec<i16> {
    let mut chance = Chance(seed);
    (0..millis * 8).map(|_| (chance.next() * rms * 3f32.sqrt()) as i16).collect()
}

/// Traffic: noise with most of its energy below 300 Hz.
fn rumble(millis: usize, rms: f32) -> Vec<i16> {
    let mut low = 0.0;
    noise(millis, rms * 3.0, 5)
        .into_iter()
        .map(|sample| {
            low += (f32::from(sample) - low) * 0.2;
            low as i16
        })
        .collect()
}

/// A knock: a noise that dies away within `millis`.
fn knock(millis: usize, peak: f32) -> Vec<i16> {
    let mut chance = Chance(3);
    let fall = millis as f32 * 8.0 / 5.0;
    (0..millis * 8).map(|n| (chance.next() * peak * (-(n as f32) / fall).exp()) as i16).collect()
}

fn mixed(a: &[i16], b: &[i16], scale: f32) -> Vec<i16> {
    let b = b.iter().map(|&b| (f32::from(b) * scale) as i16).chain(std::iter::repeat(0));
    a.iter().zip(b).map(|(a, b)| a.saturating_add(b)).collect()
}

/// Recorded speech, by the name of its prompt.
fn speech() -> BTreeMap<String, Vec<i16>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/prompts");
    ["id", "mad", "en"]
        .into_iter()
        .flat_map(|language| {
            let prompts = Prompts::load(&folder.join(language)).0;
            let ids: Vec<_> = prompts.names().cloned().collect();
            ids.into_iter().map(move |id| {
                let prompt = prompts.get(&id).expect("there");
                let audio = prompt.audio(Law::A).iter().map(|&code| decoded(Law::A, code));
                (format!("{language}/{id}"), audio.collect())
            })
        })
        .collect()
}

/// A second of quiet line, the sound, and another second.
fn in_quiet(sound: &[i16]) -> Vec<i16> {
    let mut line = noise(1_000, 30.0, 7);
    line.extend(mixed(&noise(sound.len() / 8, 30.0, 8), sound, 1.0));
    line.extend(noise(1_000, 30.0, 9));
    line
}

fn heard(samples: &[i16]) -> Vec<Sound> {
    let (mut ear, mut sounds) = (Hearing::new(Ears::Waiting), Vec::new());
    for packet in samples.chunks(160) {
        ear.hear(packet.iter().copied(), true, |sound| sounds.push(sound));
    }
    sounds
}

#[test]
fn speech_is_a_voice_in_every_prompt_and_in_noise_and_nothing_else() {
    let mut missed = Vec::new();
    for (name, audio) in speech() {
        let quieter: Vec<i16> = audio.iter().map(|&sample| sample / 4).collect();
        let street = mixed(&noise(audio.len() / 8, 230.0, 11), &audio, 1.0);
        for (how, sound) in [("as it is", audio), ("12 dB softer", quieter), ("in noise", street)] {
            let found = heard(&in_quiet(&sound));
            if found != [Sound::Voice] {
                missed.push(format!("{name} {how}: {found:?}"));
            }
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn a_quiet_line_is_nothing() {
    for (name, samples) in [
        ("digital silence", vec![0; 80_000]),
        ("the least step of A-law", [-8, 8].repeat(40_000)),
        ("comfort noise", noise(10_000, 60.0, 13)),
        ("loud comfort noise", noise(10_000, 150.0, 13)),
        ("a line that is switched on", [vec![0; 8_000], noise(5_000, 100.0, 13)].concat()),
        ("an offset", vec![2_000; 80_000]),
    ] {
        assert_eq!(heard(&samples), [], "{name}");
    }
}

#[test]
fn a_knock_a_cough_or_a_click_is_a_tap_and_no_voice() {
    let knocks = [knock(60, 12_000.0), noise(150, 30.0, 1), knock(60, 12_000.0)].concat();
    for (name, sound) in [
        ("a knock", knock(60, 12_000.0)),
        ("a soft tap", knock(30, 3_000.0)),
        ("two knocks", knocks),
        ("a cough", knock(280, 9_000.0)),
        ("a click", vec![20_000; 8]),
    ] {
        assert_eq!(heard(&in_quiet(&sound)), [Sound::Tap], "{name}");
    }
    assert_eq!(heard(&in_quiet(&knock(30, 500.0))), [], "too soft");
}

#[test]
fn what_lasts_and_is_no_voice_is_noise() {
    for (name, sound) in [
        ("rain", noise(4_000, 1_000.0, 17)),
        ("traffic", rumble(4_000, 1_500.0)),
        ("a hum", (0..32_000).map(|n| ((TAU * n as f32 / 160.0).sin() * 2_000.0) as i16).collect()),
    ] {
        assert_eq!(heard(&in_quiet(&sound)), [Sound::Noise], "{name}");
        assert_eq!(heard(&sound), [Sound::Noise], "{name} from the beginning");
        assert_eq!(heard(&in_quiet(&sound[..4_000])), [], "half a second of {name}");
    }
}

#[test]
fn each_sound_is_told_once_until_the_ear_is_armed_again() {
    let audio = in_quiet(&knock(60, 12_000.0));
    let (mut ear, mut sounds) = (Hearing::new(Ears::Waiting), Vec::new());
    for _ in 0..3 {
        ear.hear(audio.iter().copied(), true, |sound| sounds.push(sound));
    }
    assert_eq!(sounds, [Sound::Tap]);
    ear.rearm();
    ear.hear(noise(2_000, 30.0, 1).into_iter(), true, |sound| sounds.push(sound));
    assert_eq!(sounds, [Sound::Tap], "nothing old is told again");
    ear.hear(audio.iter().copied(), true, |sound| sounds.push(sound));
    assert_eq!(sounds, [Sound::Tap; 2]);
}

#[test]
fn a_key_is_a_key_and_no_tap_whether_it_comes_as_tone_or_as_event() {
    let tone: Vec<i16> = (0..800)
        .map(|n| {
            let sine = |hertz: f32| (TAU * hertz * n as f32 / 8_000.0).sin() * 4_000.0;
            (sine(770.0) + sine(1_336.0)) as i16
        })
        .collect();
    assert_eq!(heard(&in_quiet(&tone)), [Sound::Key('5')]);
    let mut ear = Hearing::new(Ears::Waiting);
    assert_eq!(ear.event(1, 100, &[5, 0x0a, 0, 160]), Some(Sound::Key('5')));
    assert_eq!(ear.event(1, 100, &[5, 0x8a, 0, 160]), None);
    ear.rearm();
    assert_eq!(ear.event(1, 100, &[5, 0x8a, 0, 160]), None, "still the same press");
}

#[test]
fn speech_and_music_hold_no_keys() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/prompts");
    let prompts = Prompts::load(&folder).0;
    for id in prompts.names() {
        let prompt = prompts.get(id).expect("there");
        let mut ear = Tones::new();
        let audio = prompt.audio(Law::A).iter().map(|&code| decoded(Law::A, code));
        let keys: String = audio.filter_map(|sample| ear.hear(sample)).collect();
        assert_eq!(keys, "", "{id}");
    }
}

/// Hears `line` while `played` is played, packet by packet.
fn heard_while(played: &[i16], line: &[i16]) -> Vec<Sound> {
    let (mut ear, mut sounds) = (Hearing::new(Ears::Waiting), Vec::new());
    let mut played = played.chunks(160);
    for packet in line.chunks(160) {
        if let Some(sent) = played.next() {
            ear.plays(sent.iter().copied());
        }
        ear.hear(packet.iter().copied(), true, |sound| sounds.push(sound));
    }
    sounds
}

#[test]
fn our_own_prompt_that_comes_back_is_nobody_s_voice() {
    let speech = speech();
    let ours = &speech["id/selamat-datang"];
    for (delay, scale) in [(20, 0.45), (150, 0.3), (400, 0.2)] {
        let echo: Vec<i16> = [vec![0; delay * 8], ours.clone(), vec![0; 16_000]].concat();
        let echo = mixed(&noise(echo.len() / 8, 30.0, 19), &echo, scale);
        assert_eq!(heard_while(ours, &echo), [], "{delay} ms, {scale}");
        assert_eq!(heard(&echo), [Sound::Voice], "it would be one");
    }
}

#[test]
fn a_caller_who_speaks_up_is_heard_over_the_echo_of_our_prompt() {
    let speech = speech();
    let (ours, theirs) = (&speech["id/selamat-datang"], &speech["mad/menunggu"]);
    let echo = mixed(&noise(ours.len() / 8, 30.0, 19), ours, 0.2);
    let line = mixed(&echo, theirs, 2.0);
    assert_eq!(heard_while(ours, &line), [Sound::Voice]);
    // And as softly as they like when we have fallen silent.
    let line = [echo, noise(1_000, 30.0, 20), theirs.iter().map(|&s| s / 8).collect()].concat();
    assert_eq!(heard_while(ours, &line), [Sound::Voice]);
}

#[test]
fn in_a_talk_who_says_nothing_for_long_is_told_of_again_and_again_until_they_speak() {
    const SECOND: u64 = 1_000_000;
    let quiet = noise(1_000, 120.0, 6);
    let mut ear = Hearing::new(Ears::Line);
    let mut at = 0;
    let mut told = Vec::new();
    let mut second = |ear: &mut Hearing, samples: &[i16]| {
        ear.hear(samples.iter().copied(), false, |sound| panic!("{sound:?} is none"));
        at += SECOND;
        told.extend(ear.watch(at).map(|sound| (sound, at / SECOND)));
    };
    (0..70).for_each(|_| second(&mut ear, &quiet));
    // No packets at all are quiet too.
    (0..30).for_each(|_| second(&mut ear, &[]));
    let speech = speech();
    let words = speech.values().find(|words| words.len() > 32_000).expect("four seconds of speech");
    words.chunks(8_000).take(4).for_each(|words| second(&mut ear, words));
    (0..20).for_each(|_| second(&mut ear, &quiet));
    ear.pauses();
    (0..31).for_each(|_| second(&mut ear, &quiet));
    use Sound::{Quiet, Voice};
    let voice = told.get(3).map_or(0, |told| told.1);
    assert!((101..=103).contains(&voice), "{told:?}");
    assert_eq!(told, [(Quiet, 31), (Quiet, 61), (Quiet, 91), (Voice, voice), (Quiet, 155)]);
}

#[test]
fn who_only_has_keys_to_listen_for_hears_nothing_else() {
    let mut ear = Hearing::new(Ears::Keys);
    let fax: Vec<i16> = (0..32_000)
        .map(|n| ((TAU * 2_100.0 * n as f32 / 8_000.0).sin() * 8_000.0) as i16)
        .collect();
    ear.hear(fax.into_iter(), true, |sound| panic!("{sound:?}"));
    assert_eq!((1..90).find_map(|second| ear.watch(second * 1_000_000)), None);
    assert_eq!(ear.event(1, 100, &[5, 0x0a, 0, 160]), Some(Sound::Key('5')));
}
