//! Folders of prompts, good and bad.

#![allow(clippy::cast_possible_truncation, reason = "test signals stay in range")]

use std::f32::consts::TAU;

use audio_codec_algorithms::{decode_alaw, decode_ulaw};

use super::*;

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/prompts")
}

/// Amplitude of `hertz` in samples of 8,000 a second, 1 for a full sine (Goertzel).
fn amplitude(prompt: &Prompt, hertz: f32) -> f32 {
    let turn = 2.0 * (TAU * hertz / 8_000.0).cos();
    let (mut last, mut before) = (0.0, 0.0);
    let audio = &prompt.audio(Law::A)[..prompt.samples()];
    for &code in audio {
        (last, before) = (f32::from(decode_alaw(code)) / 32_768.0 + turn * last - before, last);
    }
    let power: f32 = last * last + before * before - turn * last * before;
    power.max(0.0).sqrt() * 2.0 / audio.len() as f32
}

/// A WAV file of a second: `hertz` at half of full scale, the same on every channel.
fn wav(path: &Path, rate: u32, channels: u16, bits: u16, hertz: f32) {
    let float = bits == 32;
    let sample_format = if float { hound::SampleFormat::Float } else { hound::SampleFormat::Int };
    let spec = hound::WavSpec { channels, sample_rate: rate, bits_per_sample: bits, sample_format };
    let mut file = hound::WavWriter::create(path, spec).expect("created");
    for n in 0..rate {
        let value = (TAU * hertz * n as f32 / rate as f32).sin() * 0.5;
        for _ in 0..channels {
            if float {
                file.write_sample(value).expect("written");
            } else {
                file.write_sample((value * (1u32 << (bits - 1)) as f32) as i32).expect("written");
            }
        }
    }
    file.finalize().expect("written");
}

/// A WAV file of G.711 (format 6 is A-law, 7 mu-law).
fn wav_of_law(path: &Path, format: u8, audio: &[u8]) {
    let length = audio.len() as u32;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((38 + length).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(18u32.to_le_bytes());
    bytes.extend([format, 0, 1, 0]);
    bytes.extend(8_000u32.to_le_bytes());
    bytes.extend(8_000u32.to_le_bytes());
    bytes.extend([1, 0, 8, 0, 0, 0]);
    bytes.extend(b"data");
    bytes.extend(length.to_le_bytes());
    bytes.extend(audio);
    std::fs::write(path, bytes).expect("written");
}

fn load(folder: &Path) -> Prompts {
    let (prompts, errors) = Prompts::load(folder);
    assert!(errors.is_empty(), "{errors:#?}");
    prompts
}

#[test]
fn the_sample_prompts_are_whole_and_loud_enough() {
    let prompts = load(&samples());
    assert_eq!(prompts.doubts(), []);
    let names: Vec<String> = prompts.names().map(ToString::to_string).collect();
    for language in ["id", "mad", "en"] {
        for name in ["selamat-datang", "menunggu", "diam-1", "diam-2", "posisi", "ditandai"] {
            assert!(names.contains(&format!("{language}/{name}")), "{language}/{name}");
        }
    }
    for number in 1..=20 {
        let id = PromptId::from(format!("id/angka-{number}"));
        let length = prompts.duration(&id).expect("there");
        assert!((300..1_500).contains(&length.as_millis()), "{id}: {length:?}");
    }
    let music = prompts.duration(&PromptId::from("musik")).expect("music");
    assert_eq!(music.as_micros(), 28_800_000, "the loop is not longer by what the codec adds");
    assert!(!prompts.has(&PromptId::from("README")));
    let size: u64 = ["", "id", "mad", "en"]
        .iter()
        .flat_map(|part| std::fs::read_dir(samples().join(part)).expect("reads"))
        .map(|entry| entry.expect("reads").metadata().expect("there").len())
        .sum();
    assert!(size < 1 << 20, "{size} bytes");
}

#[test]
fn every_usual_wav_file_is_heard_as_what_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    for rate in [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000] {
        wav(&at(&format!("r{rate}.wav")), rate, 1, 16, 1_000.0);
    }
    wav(&at("stereo.WAV"), 44_100, 2, 16, 1_000.0);
    for bits in [8, 24, 32] {
        wav(&at(&format!("b{bits}.wav")), 48_000, 1, bits, 1_000.0);
    }
    let sine = |encode: fn(i16) -> u8| -> Vec<u8> {
        let wave = (0..8_000).map(|n| (TAU * 1_000.0 * n as f32 / 8_000.0).sin() * 16_384.0);
        wave.map(|value| encode(value as i16)).collect()
    };
    wav_of_law(&at("a.wav"), 6, &sine(audio_codec_algorithms::encode_alaw));
    wav_of_law(&at("mu.wav"), 7, &sine(audio_codec_algorithms::encode_ulaw));
    let prompts = load(folder.path());
    assert_eq!(prompts.names().count(), 13);
    for (id, prompt) in &prompts.prompts {
        assert!((7_990..=8_010).contains(&prompt.samples()), "{id}: {}", prompt.samples());
        let (tone, other) = (amplitude(prompt, 1_000.0), amplitude(prompt, 2_000.0));
        assert!((0.47..0.53).contains(&tone) && other < 0.02, "{id}: {tone} and {other}");
        assert_eq!(prompt.audio(Law::A).len() % 160, 0);
        let laws = prompt.audio(Law::A).iter().zip(prompt.audio(Law::Mu));
        for (&a, &mu) in laws {
            assert!(decode_alaw(a).abs_diff(decode_ulaw(mu)) < 2_000, "{id}");
        }
    }
}

#[test]
fn what_a_telephone_cannot_carry_is_left_out_and_not_folded_down() {
    let folder = tempfile::tempdir().expect("a folder");
    wav(&folder.path().join("high.wav"), 48_000, 1, 16, 7_000.0);
    wav(&folder.path().join("low.wav"), 48_000, 1, 16, 3_300.0);
    let prompts = load(folder.path());
    let amplitude =
        |name: &str, hertz| amplitude(&prompts.get(&PromptId::from(name)).expect("there"), hertz);
    assert!(amplitude("high", 1_000.0) < 0.001, "7 kHz would fold down to 1 kHz");
    assert!(amplitude("low", 3_300.0) > 0.45);
}

#[test]
fn every_mistake_is_told_at_once_with_its_file_and_its_remedy() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, content).expect("written");
    };
    wav(&folder.path().join("good.wav"), 8_000, 1, 16, 440.0);
    wav(&folder.path().join("fine.wav"), 8_000, 1, 16, 440.0);
    wav(&folder.path().join("slow.wav"), 4_000, 1, 16, 440.0);
    write("good.txt", b"beside");
    write("good.opus", b"");
    write("music.flac", b"fLaC");
    write("empty.opus", b"");
    write("text.wav", b"this is no audio at all, whatever its name says");
    write("README.md", b"beside");
    write(".hidden.wav", b"beside");
    write("a/b/c/d/e.wav", b"");
    let long = std::fs::File::create(folder.path().join("long.mp3")).expect("made");
    long.set_len(limits::PROMPT_BYTES + 1).expect("sized");
    let (prompts, errors) = Prompts::load(folder.path());
    assert!(prompts.has(&"fine".into()), "one bad file takes no other away");
    let mut told: Vec<String> = errors
        .iter()
        .map(|e| e.to_string().replace(&folder.path().display().to_string(), ""))
        .collect();
    told.sort();
    for (text, (file, words)) in told.iter().zip([
        ("/a/b/c/d", "move it up"),
        ("/empty.opus", "no audio"),
        ("/good.opus", "no audio"),
        ("/good.wav", "rename one"),
        ("/long.mp3", "20971521 bytes"),
        ("/music.flac", "take .wav, .opus, .ogg or .mp3"),
        ("/slow.wav", "4000 Hz"),
        ("/text.wav", "save it again"),
    ]) {
        assert!(text.starts_with(file) && text.contains(words), "{file}, {words}: {text}");
    }
    assert_eq!(told.len(), 8, "{told:#?}");
    let errors = Prompts::load(&folder.path().join("nothing")).1;
    assert!(errors[0].to_string().contains("check that it is there"), "{errors:?}");
}

#[test]
fn a_damaged_file_is_a_mistake_or_shorter_and_never_a_fault() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["id/menunggu.opus", "en/posisi.mp3", "id/angka-1.wav"] {
        let whole = std::fs::read(samples().join(name)).expect("reads");
        let ending = name.rsplit_once('.').expect("an ending").1;
        let path = folder.path().join(format!("x.{ending}"));
        for step in 0..40 {
            let mut bytes = whole[..whole.len() - step * whole.len() / 45].to_vec();
            let count = bytes.len();
            for place in 0..step {
                bytes[(place * 7_919 + step * 104_729) % count] ^= 0x55;
            }
            std::fs::write(&path, bytes).expect("written");
            if let Ok((prompt, ..)) = read(&path) {
                assert!(prompt.duration() < Duration::from_secs(60));
            }
        }
    }
}

#[test]
fn silence_and_distortion_are_doubted() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, sample: fn(u32) -> i16| {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 8_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut file = hound::WavWriter::create(folder.path().join(name), spec).expect("created");
        (0..8_000).for_each(|n| file.write_sample(sample(n)).expect("written"));
        file.finalize().expect("written");
    };
    write("silent.wav", |n| (n % 100) as i16 - 50);
    write("clipped.wav", |n| if n % 20 < 10 { i16::MAX } else { i16::MIN });
    write("good.wav", |n| (n % 20) as i16 * 1_000 - 10_000);
    let doubts: Vec<String> =
        load(folder.path()).doubts().iter().map(|(id, doubt)| format!("{id} {doubt:?}")).collect();
    assert_eq!(doubts, ["clipped Clipped", "silent Silent"]);
}

#[test]
fn too_long_too_many_and_too_much_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let eleven_minutes = vec![0xd5; 11 * 60 * 8_000];
    wav_of_law(&folder.path().join("long.wav"), 6, &eleven_minutes);
    let errors = Prompts::load(folder.path()).1;
    assert!(errors[0].to_string().contains("longer than 10 minutes"), "{errors:?}");
    std::fs::remove_file(folder.path().join("long.wav")).expect("removed");
    for number in 0..1_002 {
        wav_of_law(&folder.path().join(format!("{number}.wav")), 6, &[0xd5; 160]);
    }
    let errors = Prompts::load(folder.path()).1;
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert!(errors[0].to_string().contains("more than 1000 prompts"), "{errors:?}");
}
