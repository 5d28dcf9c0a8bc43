//! Programmes and the payloads that come of them.

#![allow(clippy::cast_possible_truncation, reason = "test signals stay in range")]

use super::*;
use crate::vocabulary::PromptId;

/// Prompts of one level each, and music of a ramp that shows the place.
fn prompts() -> Prompts {
    Prompts::of(&[
        ("one", &[1_000; 400]),
        ("two", &[2_000; 160]),
        ("music", &std::array::from_fn::<i16, 400, _>(|n| 4_000 + n as i16 * 10)),
    ])
}

fn programme(say: &[&str], then: Then) -> Programme {
    Programme { say: say.iter().map(|&name| PromptId::from(name)).collect(), then }
}

fn music() -> Then {
    Then::Music(PromptId::from("music"))
}

struct Stage {
    player: Player,
    tone: Tone,
    prompts: Prompts,
}

impl Stage {
    fn new() -> Self {
        Self { player: Player::new(), tone: Tone::new(), prompts: prompts() }
    }

    fn play(&mut self, say: &[&str], then: Then) -> bool {
        self.player.play(&programme(say, then), &self.prompts, &self.tone, Law::A)
    }

    /// The samples of the next packet, and whether the announcements were over before it.
    fn next(&mut self) -> (Step, Vec<i16>, bool) {
        let (mut payload, mut played) = ([0; SAMPLES], false);
        let step = self.player.step(&self.tone, Law::A, &mut payload, &mut played);
        (step, payload.iter().map(|&code| decoded(Law::A, code)).collect(), played)
    }
}

fn near(sample: i16, value: i16) -> bool {
    sample.abs_diff(value) < 150
}

#[test]
fn announcements_play_one_after_the_other_and_their_end_is_told_once() {
    let mut stage = Stage::new();
    assert!(stage.play(&["one", "missing", "two"], Then::Silence));
    let (step, samples, played) = stage.next();
    assert_eq!((step, played), (Step::Sound, false));
    assert!(samples.iter().all(|&s| near(s, 1_000)));
    stage.next();
    let (_, samples, _) = stage.next();
    assert!(near(samples[79], 1_000) && near(samples[80], 0), "filled up with silence");
    let (_, samples, played) = stage.next();
    assert!(samples.iter().all(|&s| near(s, 2_000)) && !played);
    assert_eq!((stage.next().0, stage.next().2), (Step::End, false));
    assert!(stage.play(&["two"], Then::Silence), "and again");
    stage.next();
    let (step, _, played) = stage.next();
    assert_eq!((step, played), (Step::End, true));
}

#[test]
fn a_programme_without_a_prompt_that_is_there_is_over_at_once() {
    let mut stage = Stage::new();
    assert!(!stage.play(&["missing"], Then::Silence));
    assert_eq!(stage.next().0, Step::End);
    // Without the music it rings: nobody waits in silence.
    assert!(!stage.play(&["missing"], Then::Music(PromptId::from("missing"))));
    assert_eq!(stage.next().0, Step::Sound);
    assert!(!stage.play(&[], music()));
    assert_eq!((stage.next().0, stage.next().2), (Step::Sound, false));
}

#[test]
fn music_has_no_seam_and_goes_on_after_an_announcement() {
    let mut stage = Stage::new();
    stage.play(&[], music());
    let mut heard = Vec::new();
    for _ in 0..5 {
        heard.extend(stage.next().1);
    }
    for (n, &sample) in heard.iter().enumerate() {
        assert!(near(sample, 4_000 + (n % 400) as i16 * 10), "{sample} at {n}");
    }
    // 800 samples are twice around; one more packet and the place is 160.
    stage.next();
    stage.play(&["two"], music());
    stage.next();
    let (_, samples, played) = stage.next();
    assert!(played && samples[0] < 100, "fades in: {}", samples[0]);
    assert!(near(samples[100], 4_000 + 2_600), "{}", samples[100]);
}

#[test]
fn what_is_cut_off_fades_out_under_what_replaces_it() {
    let mut stage = Stage::new();
    stage.play(&["one"], Then::Silence);
    stage.next();
    stage.play(&["two"], Then::Silence);
    let (_, samples, _) = stage.next();
    assert!(near(samples[0], 1_000) && near(samples[32], 1_500) && near(samples[64], 2_000));
    assert!(samples.windows(2).all(|pair| pair[0].abs_diff(pair[1]) < 150), "no jump");
    // Into silence: one more packet, in which it dies away.
    stage.play(&["two"], Then::Silence);
    stage.next();
    stage.play(&["one"], Then::Silence);
    stage.play(&[], Then::Silence);
    let (step, samples, _) = stage.next();
    assert_eq!(step, Step::Sound);
    assert!(near(samples[0], 1_000) && near(samples[64], 0) && near(samples[159], 0));
    assert_eq!(stage.next().0, Step::End);
}

#[test]
fn the_tone_goes_on_in_its_cadence_when_it_is_ordered_again() {
    let mut stage = Stage::new();
    stage.player.ring_back(&stage.tone, Law::A);
    for tick in 0..100 {
        assert_eq!(stage.next().0, if tick < 50 { Step::Sound } else { Step::Pause }, "{tick}");
        if tick % 7 == 0 {
            stage.play(&[], Then::RingBack);
        }
    }
    stage.play(&["two"], Then::RingBack);
    stage.next();
    let (step, samples, played) = stage.next();
    assert!((step, played) == (Step::Sound, true) && samples.iter().any(|&s| s > 4_000));
}

#[test]
fn music_that_became_shorter_begins_anew() {
    let mut stage = Stage::new();
    stage.play(&[], music());
    stage.next();
    stage.next();
    stage.prompts = Prompts::of(&[("music", &[500; 170])]);
    stage.play(&[], music());
    stage.next();
    assert!(stage.next().1.iter().all(|&s| near(s, 500)));
}
