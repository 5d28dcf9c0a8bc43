//! What is heard of somebody who waits: samples and events in, [`Sound`]s out. Nothing is kept of
//! what was said.
//!
//! Sound is looked at in frames of 16 ms. A frame is a voice's when a small neural network says so
//! (`earshot`, behind [`Voice`]); a knock, a cough or a tap is a burst that rises at once out of
//! quiet and is over soon; noise is loud for most of a second and neither. The network takes some
//! steady noise for a voice, so a voice must swing too: it has pauses, and steady noise has none. One voice, tap and noise
//! are told, then none until [`Hearing::rearm`]; keys are told each time.
//!
//! **Echo.** What we play comes back from the phone's loudspeaker or from a hybrid. So while
//! something plays, and for half a second after it, a sound counts only above a quarter of the
//! energy (-6 dB, the least loss of a hybrid that ITU-T G.122 lets stand) of the loudest that we
//! have sent meanwhile. The limits: whoever speaks more softly than that is heard only when we fall
//! silent, and a line that sends everything back undamped passes for a voice.
//!
//! **In a talk** the network costs too much. There it is asked only whether anything is said at all:
//! whatever swings like a voice is taken for one, a television as well.
//!
//! **Gaps.** Packets that are lost or not sent leave no silence here: time is counted in samples
//! that came. Only [`Hearing::watch`] knows the clock, so that a line which sends nothing is quiet.

use super::dtmf::{Events, Tones};
use super::signals::Signals;
use super::voice::{FRAME, Voice};
use crate::call::orders::{Ears, Sound};
use crate::vocabulary::limits;

/// Frames that are remembered, one bit each: a second.
const MEMORY: usize = 62;
const MASK: u64 = (1 << MEMORY) - 1;
/// A voice: so many frames of the last second, 208 ms (one short word). A click has none, a cough
/// few.
const VOICED: u32 = 13;
/// Noise: so many loud frames of the last second, 800 ms, …
const LOUD: u32 = 50;
/// … and fewer than this of a voice.
const UNVOICED: u32 = 8;
/// A voice is louder than this (mean square; rms 60, -55 dB of full scale): a whisper is.
const VOICE_LEAST: f32 = 60.0 * 60.0;
/// … and this much above the quietest frame of the last second: 10 dB. Speech has pauses.
const VOICE_SWING: f32 = 10.0;
/// Noise is louder than this (rms 260, -42 dB): comfort noise and quiet lines are below -50.
const NOISE_LEAST: f32 = 260.0 * 260.0;
/// A tap is louder than this (rms 400, -38 dB) …
const TAP_LEAST: f32 = 400.0 * 400.0;
/// … and 20 dB above what was there before.
const TAP_RISE: f32 = 100.0;
/// It is over when it has fallen by 16 dB.
const TAP_FALL: f32 = 0.025;
/// Frames of quiet before a tap, 96 ms, and after it, 64 ms: a knock may follow a knock.
const QUIET_BEFORE: u8 = 6;
const QUIET_AFTER: u8 = 4;
/// Frames of a tap, 320 ms (a cough), and of its rise, 48 ms.
const TAP_LONGEST: u8 = 20;
const TAP_SUDDEN: u8 = 3;
/// Part of the energy sent above which a sound is no echo of it.
const ECHO: f32 = 0.25;
/// Frames for which the loudest sent is remembered at least, 512 ms: there and back over a mobile
/// network, and the echo of a room.
const ECHO_FRAMES: u8 = 32;

/// The ear at one stream.
pub(super) struct Hearing {
    ears: Ears,
    /// Only for callers who wait.
    voice: Option<Voice>,
    tones: Tones,
    events: Events,
    signals: Signals,
    frame: [i16; FRAME],
    filled: usize,
    /// A bit for each frame, the newest is the lowest.
    voiced: u64,
    loud: u64,
    floor: Floor,
    burst: Bursts,
    echo: Echo,
    told: Told,
    quiet: Quiet,
}

/// Whether anything is said in a talk.
#[derive(Debug, Default)]
struct Quiet {
    /// Something was said since the last look.
    said: bool,
    /// Since when nothing is, microseconds.
    since: Option<u64>,
    told: bool,
}

/// What was told since the ear was armed.
#[derive(Debug, Default)]
struct Told {
    voice: bool,
    tap: bool,
    noise: bool,
}

impl Hearing {
    pub fn new(ears: Ears) -> Self {
        Self {
            ears,
            voice: (ears == Ears::Waiting).then(Voice::new),
            tones: Tones::new(),
            events: Events::default(),
            signals: Signals::new(),
            frame: [0; FRAME],
            filled: 0,
            voiced: 0,
            loud: 0,
            floor: Floor::default(),
            burst: Bursts::default(),
            echo: Echo::default(),
            told: Told::default(),
            quiet: Quiet::default(),
        }
    }

    /// For what it listens.
    pub const fn ears(&self) -> Ears {
        self.ears
    }

    /// Listens anew: each kind of sound may be told again, for what is heard from now on.
    pub fn rearm(&mut self) {
        (self.voiced, self.loud) = (0, 0);
        self.burst.forget();
        self.told = Told::default();
        self.signals = Signals::new();
        self.quiet = Quiet::default();
    }

    /// Looks at the clock, microseconds, while the stream talks: has nothing been said for long, or is
    /// something said again?
    pub fn watch(&mut self, now: u64) -> Option<Sound> {
        if self.ears != Ears::Line {
            return None;
        }
        if std::mem::take(&mut self.quiet.said) {
            self.quiet.since = Some(now);
            return std::mem::take(&mut self.quiet.told).then_some(Sound::Voice);
        }
        let since = *self.quiet.since.get_or_insert(now);
        let long = u128::from(now.saturating_sub(since)) >= limits::QUIET.as_micros();
        if long {
            (self.quiet.since, self.quiet.told) = (Some(now), true);
        }
        long.then_some(Sound::Quiet)
    }

    /// The stream does not talk now: the time does not count.
    pub const fn pauses(&mut self) {
        self.quiet.since = None;
    }

    /// Takes note of what we send.
    pub fn plays(&mut self, samples: impl Iterator<Item = i16>) {
        let (sum, count) = samples.fold((0.0f32, 0.0f32), |(sum, count), sample| {
            (sum + f32::from(sample) * f32::from(sample), count + 1.0)
        });
        self.echo.plays(sum / count.max(1.0));
    }

    /// Takes note of a telephone event.
    pub fn event(&mut self, ssrc: u32, timestamp: u32, payload: &[u8]) -> Option<Sound> {
        self.events.see(ssrc, timestamp, payload).map(Sound::Key)
    }

    /// Hears samples, 8,000 a second; keys in them only when they do not come as events (`tones`).
    pub fn hear(
        &mut self,
        samples: impl Iterator<Item = i16>,
        tones: bool,
        mut found: impl FnMut(Sound),
    ) {
        if self.ears == Ears::Keys && !tones {
            return;
        }
        for sample in samples {
            if tones && let Some(key) = self.tones.hear(sample) {
                // The press itself is a burst too.
                self.burst.forget();
                found(Sound::Key(key));
            }
            if self.ears == Ears::Keys {
                continue;
            }
            if let Some(signal) = self.signals.hear(sample) {
                found(signal);
            }
            if let Some(place) = self.frame.get_mut(self.filled) {
                *place = sample;
            }
            self.filled += 1;
            if self.filled == FRAME {
                self.filled = 0;
                self.judge(&mut found);
            }
        }
    }

    fn judge(&mut self, found: &mut impl FnMut(Sound)) {
        let sound = level(&self.frame);
        let level = if sound > self.echo.gate() { sound } else { 0.0 };
        let floor = self.floor.before(level);
        let voiced = self.voice.as_mut().is_none_or(|network| network.hear(&self.frame));
        let voiced = voiced && level > VOICE_LEAST && level > floor * VOICE_SWING;
        self.voiced = (self.voiced << 1 | u64::from(voiced)) & MASK;
        if self.voice.is_none() {
            self.quiet.said |= self.voiced.count_ones() >= VOICED;
            return;
        }
        self.loud = (self.loud << 1 | u64::from(level > NOISE_LEAST)) & MASK;
        let tap = self.burst.hear(level, floor, voiced);
        let voice = self.voiced.count_ones() >= VOICED;
        let noise = self.loud.count_ones() >= LOUD && self.voiced.count_ones() < UNVOICED;
        let Told { voice: voice_told, tap: tap_told, noise: noise_told } = &mut self.told;
        for (is, told, sound) in [
            (voice, voice_told, Sound::Voice),
            (tap, tap_told, Sound::Tap),
            (noise, noise_told, Sound::Noise),
        ] {
            if is && !std::mem::replace(told, true) {
                found(sound);
            }
        }
    }
}

impl std::fmt::Debug for Hearing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hearing").field("told", &self.told).finish_non_exhaustive()
    }
}

/// Mean square, without what does not swing.
fn level(frame: &[i16; FRAME]) -> f32 {
    let count = FRAME as f32;
    let (sum, squares) = frame.iter().fold((0.0f32, 0.0f32), |(sum, squares), &sample| {
        let sample = f32::from(sample);
        (sum + sample, squares + sample * sample)
    });
    (squares / count - (sum / count) * (sum / count)).max(0.0)
}

/// The loudest that was sent in the last half second to second.
#[derive(Debug, Default)]
struct Echo {
    now: f32,
    before: f32,
    frames: u8,
}

impl Echo {
    fn plays(&mut self, level: f32) {
        self.now = self.now.max(level);
    }

    /// Below this it may be an echo. Called once a frame.
    fn gate(&mut self) -> f32 {
        let gate = self.now.max(self.before) * ECHO;
        self.frames += 1;
        if self.frames >= ECHO_FRAMES {
            (self.now, self.before, self.frames) = (0.0, self.now, 0);
        }
        gate
    }
}

/// The quietest frame of the last second: what is there when nothing happens.
#[derive(Debug)]
struct Floor {
    levels: [f32; MEMORY],
    next: usize,
}

impl Default for Floor {
    fn default() -> Self {
        Self { levels: [f32::MAX; MEMORY], next: 0 }
    }
}

impl Floor {
    /// The least floor (mean square; rms 10): below is the coding's own.
    const LEAST: f32 = 100.0;

    /// The floor before this frame; before the first it is the frame itself.
    fn before(&mut self, level: f32) -> f32 {
        let floor = self.levels.iter().copied().fold(f32::MAX, f32::min);
        if let Some(place) = self.levels.get_mut(self.next) {
            *place = level;
        }
        self.next = (self.next + 1) % MEMORY;
        (if floor == f32::MAX { level } else { floor }).max(Self::LEAST)
    }
}

/// Finds short sounds that come out of quiet.
#[derive(Debug, Default)]
struct Bursts {
    quiet: u8,
    burst: Option<Burst>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Burst {
    frames: u8,
    peak: f32,
    /// The frame of the peak, counted from 1.
    peak_at: u8,
    voiced: u8,
    /// Frames since it fell.
    over: u8,
}

impl Bursts {
    /// Drops a burst that is under way.
    fn forget(&mut self) {
        (self.burst, self.quiet) = (None, 0);
    }

    /// Whether a tap ended with this frame.
    fn hear(&mut self, level: f32, floor: f32, voiced: bool) -> bool {
        let Some(burst) = &mut self.burst else {
            if level > TAP_LEAST && level > floor * TAP_RISE && self.quiet >= QUIET_BEFORE {
                let voiced = u8::from(voiced);
                self.burst = Some(Burst { frames: 1, peak: level, peak_at: 1, voiced, over: 0 });
            }
            let quiet = level < TAP_LEAST / 4.0 || level < floor * 4.0;
            self.quiet = if quiet { self.quiet.saturating_add(1) } else { 0 };
            return false;
        };
        burst.frames += 1;
        if level > burst.peak {
            (burst.peak, burst.peak_at) = (level, burst.frames);
        }
        if level < burst.peak * TAP_FALL {
            burst.over += 1;
        } else {
            burst.over = 0;
            burst.voiced += u8::from(voiced);
        }
        let (burst, length) = (*burst, burst.frames - burst.over);
        let ended = burst.over >= QUIET_AFTER;
        if ended || length > TAP_LONGEST {
            self.forget();
            self.quiet = burst.over;
        }
        // A short word rises more slowly than a tap, or is heard as a voice.
        ended && burst.peak_at <= TAP_SUDDEN && burst.voiced * 2 < length.max(1)
    }
}

#[cfg(test)]
mod tests;
