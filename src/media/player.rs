//! What a stream plays of its own: announcements one after the other, then ring-back, music or
//! nothing. Payloads out, 20 ms at a time; no socket, no clock, no allocation while it plays.
//!
//! Announcements fill whole packets, so one thing ends and the next begins between two packets.
//! Only music, which has no end, goes round within one.

use std::sync::Arc;

use audio_codec_algorithms::{decode_alaw, decode_ulaw, encode_alaw, encode_ulaw};

use super::prompts::{Prompt, Prompts};
use super::tone::{Cadence, SAMPLES, Tone};
use crate::call::orders::{Law, Programme, Then};

/// Samples in which what was cut off fades out and what replaces it fades in: 8 ms. A jump of the
/// waveform is a click.
const FADE: usize = 64;
/// The same as a number to weigh samples with.
const WEIGHT: i32 = 64;

/// What came of 20 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The payload is to be sent.
    Sound,
    /// Nothing is to be sent now.
    Pause,
    /// Nothing is to be sent until another programme.
    End,
}

/// What follows the announcements.
#[derive(Debug)]
enum Rest {
    Silence,
    RingBack,
    Music(Arc<Prompt>),
}

/// One stream's programme and its place in it.
#[derive(Debug)]
pub(super) struct Player {
    say: Vec<Arc<Prompt>>,
    /// Which of them plays, and the sample it is at; at the end of `say` the rest plays.
    turn: usize,
    at: usize,
    rest: Rest,
    /// Announcements are under way, and their end is to be told.
    saying: bool,
    cadence: Cadence,
    /// Where the music is; it goes on from here after each announcement.
    music_at: usize,
    /// What played when it was cut off.
    cut: Option<[i16; FADE]>,
}

impl Player {
    /// Plays nothing.
    pub const fn new() -> Self {
        Self {
            say: Vec::new(),
            turn: 0,
            at: 0,
            rest: Rest::Silence,
            saying: false,
            cadence: Cadence::START,
            music_at: 0,
            cut: None,
        }
    }

    /// Forgets the programme, whose end nobody hears any more.
    pub fn stop(&mut self) {
        (self.rest, self.saying, self.cut) = (Rest::Silence, false, None);
        self.say.clear();
    }

    /// After a fault of ours: who waited for something to hear hears the ring-back tone, and what failed is not
    /// tried again. True when this cut off an announcement, whose end somebody waits for.
    pub fn mend(&mut self) -> bool {
        let silent = matches!(self.rest, Rest::Silence);
        let saying = self.saying;
        *self = Self::new();
        if !silent {
            self.rest = Rest::RingBack;
        }
        saying
    }

    /// Plays the ring-back tone.
    pub fn ring_back(&mut self, tone: &Tone, law: Law) {
        self.begin(Vec::new(), Rest::RingBack, tone, law);
    }

    /// Plays a programme, of the prompts that are there. False when it has nothing to say: its end
    /// is here already.
    pub fn play(
        &mut self,
        programme: &Programme,
        prompts: &Prompts,
        tone: &Tone,
        law: Law,
    ) -> bool {
        let say: Vec<_> = programme.say.iter().filter_map(|id| prompts.get(id)).collect();
        let rest = match &programme.then {
            Then::Silence => Rest::Silence,
            Then::RingBack => Rest::RingBack,
            Then::Music(id) => prompts.get(id).map_or(Rest::RingBack, Rest::Music),
        };
        self.begin(say, rest, tone, law);
        self.saying
    }

    fn begin(&mut self, say: Vec<Arc<Prompt>>, rest: Rest, tone: &Tone, law: Law) {
        self.cut = self.upcoming(tone, law);
        let rings_on = self.turn >= self.say.len() && matches!(self.rest, Rest::RingBack);
        if !(rings_on && say.is_empty()) {
            self.cadence = Cadence::START;
        }
        (self.saying, self.say, self.rest) = (!say.is_empty(), say, rest);
        (self.turn, self.at) = (0, 0);
    }

    /// Goes on by 20 ms, and writes what sounds in them. Says in `played` when the announcements
    /// have come to their end.
    pub fn step(
        &mut self,
        tone: &Tone,
        law: Law,
        payload: &mut [u8; SAMPLES],
        played: &mut bool,
    ) -> Step {
        *played = self.saying && self.turn >= self.say.len();
        if *played {
            self.saying = false;
            self.say.clear();
            self.turn = 0;
            // The music goes on in the midst of a tone.
            self.cut = self.cut.or(Some([0; FADE]));
        }
        let step = self.sound(tone, law, payload);
        if let Some(cut) = self.cut.take() {
            return fade(&cut, step, law, payload);
        }
        step
    }

    fn sound(&mut self, tone: &Tone, law: Law, payload: &mut [u8; SAMPLES]) -> Step {
        if let Some(prompt) = self.say.get(self.turn) {
            let rest = prompt.audio(law).get(self.at..).unwrap_or_default();
            let Some((audio, rest)) = rest.split_first_chunk() else {
                (self.turn, self.at) = (self.turn + 1, 0);
                return Step::Pause;
            };
            *payload = *audio;
            self.at += SAMPLES;
            if rest.is_empty() {
                (self.turn, self.at) = (self.turn + 1, 0);
            }
            return Step::Sound;
        }
        match &self.rest {
            Rest::Silence => Step::End,
            Rest::RingBack => {
                let sound = tone.at(self.cadence, law);
                self.cadence = self.cadence.next();
                let Some(sound) = sound else { return Step::Pause };
                payload.copy_from_slice(sound);
                Step::Sound
            }
            Rest::Music(music) => {
                self.music_at = round(music, law, self.music_at, payload);
                Step::Sound
            }
        }
    }

    /// The first samples of what would play next, when something would.
    fn upcoming(&self, tone: &Tone, law: Law) -> Option<[i16; FADE]> {
        let mut next = [0; SAMPLES];
        if let Some(prompt) = self.say.get(self.turn) {
            next = *prompt.audio(law).get(self.at..)?.first_chunk()?;
        } else {
            match &self.rest {
                Rest::Silence => return None,
                Rest::RingBack => next.copy_from_slice(tone.at(self.cadence, law)?),
                Rest::Music(music) => {
                    round(music, law, self.music_at, &mut next);
                }
            }
        }
        let mut samples = [0; FADE];
        for (sample, &code) in samples.iter_mut().zip(&next) {
            *sample = decoded(law, code);
        }
        Some(samples)
    }
}

/// Fills a payload from `at`, round and round, and returns the place after it.
fn round(music: &Prompt, law: Law, at: usize, payload: &mut [u8; SAMPLES]) -> usize {
    let audio = music.audio(law).get(..music.samples()).unwrap_or_default();
    // After a reload the music may be shorter than it was.
    let mut at = if at < audio.len() { at } else { 0 };
    let mut rest = &mut payload[..];
    while !rest.is_empty() && !audio.is_empty() {
        let piece = audio.get(at..).unwrap_or_default();
        let count = piece.len().min(rest.len());
        let (now, later) = rest.split_at_mut(count);
        now.copy_from_slice(piece.get(..count).unwrap_or_default());
        (rest, at) = (later, (at + count) % audio.len());
    }
    at
}

/// Lets `cut` fade out under the beginning of what replaces it.
fn fade(cut: &[i16; FADE], step: Step, law: Law, payload: &mut [u8; SAMPLES]) -> Step {
    let silent = cut.iter().all(|&sample| sample == 0);
    if step != Step::Sound {
        if silent {
            return step;
        }
        payload.fill(encoded(law, 0));
    }
    for ((code, &old), place) in payload.iter_mut().zip(cut).zip(0i32..) {
        let new = i32::from(decoded(law, *code));
        let mixed = (new * place + i32::from(old) * (WEIGHT - place)) / WEIGHT;
        *code = encoded(law, i16::try_from(mixed).unwrap_or_default());
    }
    Step::Sound
}

/// The sample of a code.
pub(super) fn decoded(law: Law, code: u8) -> i16 {
    match law {
        Law::A => decode_alaw(code),
        Law::Mu => decode_ulaw(code),
    }
}

fn encoded(law: Law, sample: i16) -> u8 {
    match law {
        Law::A => encode_alaw(sample),
        Law::Mu => encode_ulaw(sample),
    }
}

#[cfg(test)]
mod tests;
