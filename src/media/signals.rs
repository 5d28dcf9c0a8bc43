//! Tones that machines send: ring-back, busy, the special information tones, fax and the text
//! telephone of a deaf caller. Samples in, [`Sound`]s out; each kind once.
//!
//! One narrow filter for each frequency; a block of 10 ms is a tone's when one filter lets most of
//! its energy pass. What makes a signal of tones is their lengths (ITU-T E.180, T.30, V.18), so
//! nothing is told of a single block, and a vowel that happens to ring like 425 Hz is none.
//!
//! **Limits.** Time is counted in samples that came, so a pause that is not sent is not seen: a
//! cadence behind silence suppression is missed, never made up. 480 + 620 Hz (busy in North
//! America) is not known.

use std::f32::consts::TAU;

use crate::call::orders::Sound;

/// Samples of a block, 10 ms.
const BLOCK: usize = 80;
/// Less (mean square; rms 150, -47 dB of full scale) is quiet.
const LEAST: f32 = 150.0 * 150.0;
/// Part of a block's energy that a filter lets pass when it is its tone's.
const PURE: f32 = 0.72;
/// Blocks of the same kind that begin a new run: what is shorter is an edge.
const EDGE: u32 = 2;
/// Blocks of the two tones of a text telephone, of the last 1.28 s, and changes between them.
const TYPED: u32 = 40;
const TYPED_CHANGES: u32 = 10;
/// Blocks of anything else but quiet meanwhile.
const TYPED_OTHERS: u32 = 12;

/// What a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    Quiet,
    /// The call progress tones of Indonesia and its neighbours: 425, 400 + 450, 440 + 480 Hz.
    Progress,
    /// The first of the special information tones; the other two are 1400 and 1800 Hz (E.180 §6).
    First,
    /// 1100 Hz: a calling fax (T.30 §4).
    Calling,
    /// 1400 Hz: a mark of a text telephone (V.18 Annex A).
    Mark,
    /// 1800 Hz: a space.
    Space,
    /// 2100 Hz: a called fax or modem.
    Called,
    Other,
}

/// Centre and width in Hz of the filter of each tone. The widths allow for what the standards do.
const BANDS: [(Block, f32, f32); 6] = [
    (Block::Progress, 436.0, 170.0),
    (Block::First, 950.0, 150.0),
    (Block::Calling, 1_100.0, 150.0),
    (Block::Mark, 1_400.0, 200.0),
    (Block::Space, 1_800.0, 200.0),
    (Block::Called, 2_100.0, 120.0),
];

/// The filters side by side, for a processor that reckons four or eight at once: two pass nothing.
type Lanes = [f32; 8];

/// Band-passes of second order, one for each tone.
#[derive(Debug)]
struct Bands {
    gain: Lanes,
    turn: Lanes,
    fall: Lanes,
    /// What came out last, and before that.
    last: Lanes,
    before: Lanes,
}

impl Bands {
    fn new() -> Self {
        let (mut gain, mut turn, mut fall) = ([0.0; 8], [0.0; 8], [0.0; 8]);
        let places = gain.iter_mut().zip(&mut turn).zip(&mut fall);
        for (((gain, turn), fall), (_, hertz, width)) in places.zip(BANDS) {
            let (sine, cosine) = (TAU * hertz / 8_000.0).sin_cos();
            let alpha = sine * width / (2.0 * hertz);
            let whole = 1.0 + alpha;
            (*gain, *turn, *fall) = (alpha / whole, 2.0 * cosine / whole, (1.0 - alpha) / whole);
        }
        Self { gain, turn, fall, last: [0.0; 8], before: [0.0; 8] }
    }

    /// The energy that each lets pass of samples, each given less the one before the last.
    #[allow(clippy::indexing_slicing, clippy::needless_range_loop, reason = "eight lanes of eight")]
    fn hear(&mut self, rises: impl Iterator<Item = f32>) -> Lanes {
        let mut energy = [0.0; 8];
        for rise in rises {
            for n in 0..8 {
                let out = self.gain[n] * rise + self.turn[n] * self.last[n]
                    - self.fall[n] * self.before[n];
                self.before[n] = self.last[n];
                self.last[n] = out;
                energy[n] += out * out;
            }
        }
        energy
    }

    /// They forget what they have heard: a block that is next to nothing went by.
    const fn rest(&mut self) {
        (self.last, self.before) = ([0.0; 8], [0.0; 8]);
    }
}

/// Blocks of one kind, one after the other.
#[derive(Clone, Copy, Debug)]
struct Run {
    block: Block,
    length: u32,
}

/// The ear for machines at one stream.
#[derive(Debug)]
pub(super) struct Signals {
    bands: Bands,
    /// The last two samples of the block before, then a block.
    samples: [f32; BLOCK + 2],
    filled: usize,
    /// Energy of the last block: all, and what the first filter let pass.
    last: [f32; 2],
    /// The run that goes on, the one that may begin, and the two before, the newest first.
    run: Run,
    next: Run,
    before: [Run; 2],
    /// Beats of a busy tone so far.
    beats: u8,
    /// The last 128 blocks, one bit each: a mark, a space, neither nor quiet.
    marks: u128,
    spaces: u128,
    others: u128,
    told: [bool; 5],
}

impl Signals {
    pub fn new() -> Self {
        let quiet = Run { block: Block::Quiet, length: 0 };
        Self {
            bands: Bands::new(),
            samples: [0.0; BLOCK + 2],
            filled: 0,
            last: [0.0; 2],
            run: quiet,
            next: quiet,
            before: [quiet; 2],
            beats: 0,
            marks: 0,
            spaces: 0,
            others: 0,
            told: [false; 5],
        }
    }

    /// Hears a sample, 8,000 a second.
    pub fn hear(&mut self, sample: i16) -> Option<Sound> {
        if let Some(place) = self.samples.get_mut(2 + self.filled) {
            *place = f32::from(sample);
        }
        self.filled += 1;
        if self.filled < BLOCK {
            return None;
        }
        self.filled = 0;
        let block = self.block();
        let found = self.typed(block).or_else(|| self.runs(block))?;
        let place = match found {
            Sound::RingBack => 0,
            Sound::Busy => 1,
            Sound::Unobtainable => 2,
            Sound::Fax => 3,
            _ => 4,
        };
        let told = self.told.get_mut(place)?;
        (!std::mem::replace(told, true)).then_some(found)
    }

    fn block(&mut self) -> Block {
        let energy: f32 = self.samples.iter().skip(2).map(|sample| sample * sample).sum();
        // Half of a talk is quiet: what is too faint for a tone goes through no filter.
        let passed = if energy < LEAST * BLOCK as f32 / 4.0 {
            self.bands.rest();
            [0.0; 8]
        } else {
            let rises = self.samples.iter().zip(self.samples.iter().skip(2));
            self.bands.hear(rises.map(|(before, sample)| sample - before))
        };
        self.samples.copy_within(BLOCK.., 0);
        // Two tones beat: only the two blocks of 20 ms together have all of both.
        let progress = passed.first().copied().unwrap_or_default();
        let [all, most] = std::mem::replace(&mut self.last, [energy, progress]);
        if energy + all < 2.0 * LEAST * BLOCK as f32 {
            return Block::Quiet;
        }
        if progress + most > (energy + all) * PURE {
            return Block::Progress;
        }
        let bands = BANDS.iter().zip(passed);
        let best = bands.max_by(|a, b| a.1.total_cmp(&b.1));
        best.filter(|(_, passed)| *passed > energy * PURE).map_or(Block::Other, |(band, _)| band.0)
    }

    /// Whether somebody types: two tones that change often, and nothing else.
    fn typed(&mut self, block: Block) -> Option<Sound> {
        let bit = |is: bool| u128::from(is);
        self.marks = self.marks << 1 | bit(block == Block::Mark);
        self.spaces = self.spaces << 1 | bit(block == Block::Space);
        let known = matches!(block, Block::Mark | Block::Space | Block::Quiet);
        self.others = self.others << 1 | bit(!known);
        // From a mark to a space, at once or over one block that is neither.
        let changes = (self.marks << 1 | self.marks << 2) & self.spaces & !(self.spaces << 1);
        let typed = (self.marks | self.spaces).count_ones() >= TYPED
            && 2 * changes.count_ones() >= TYPED_CHANGES
            && self.others.count_ones() <= TYPED_OTHERS;
        typed.then_some(Sound::TextTelephone)
    }

    fn runs(&mut self, block: Block) -> Option<Sound> {
        if block == self.run.block {
            self.run.length += self.next.length + 1;
            self.next.length = 0;
            return self.goes_on();
        }
        if block != self.next.block {
            self.run.length += self.next.length;
            self.next = Run { block, length: 0 };
        }
        self.next.length += 1;
        if self.next.length < EDGE {
            return None;
        }
        let ended = std::mem::replace(&mut self.run, self.next);
        self.next.length = 0;
        let found = self.ended(ended);
        self.before = [ended, self.before[0]];
        found
    }

    /// The run has become longer by a block.
    fn goes_on(&self) -> Option<Sound> {
        let [last, before] = self.before;
        match (self.run.block, self.run.length, last.block, last.length) {
            (Block::Quiet, 100.., Block::Progress, 35..=250) if self.beats < 2 => {
                Some(Sound::RingBack)
            }
            (Block::Quiet, 100.., Block::Calling, 40..=60) => Some(Sound::Fax),
            (Block::Called, 150.., _, _) => Some(Sound::Fax),
            (Block::Space, 20.., Block::Mark, 20..=45)
                if before.block == Block::First && (20..=45).contains(&before.length) =>
            {
                Some(Sound::Unobtainable)
            }
            _ => None,
        }
    }

    /// A run has come to its end.
    fn ended(&mut self, ended: Run) -> Option<Sound> {
        match ended.block {
            Block::Progress => {
                let [off, on] = self.before;
                let even = (15..=60).contains(&ended.length)
                    && off.block == Block::Quiet
                    && on.block == Block::Progress
                    && ended.length.abs_diff(off.length) <= 7
                    && ended.length.abs_diff(on.length) <= 7;
                self.beats = if even { self.beats.saturating_add(1) } else { 0 };
                (self.beats >= 2).then_some(Sound::Busy)
            }
            Block::Quiet => None,
            _ => {
                self.beats = 0;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
