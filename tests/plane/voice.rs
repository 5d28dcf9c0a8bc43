//! A voice whose every sample tells where in it one is: noise from a seed. So what was heard, or recorded, is
//! known to the sample: what is missing, what came twice, what stands in the wrong place.
//!
//! Tones cannot tell that: a piece of 20 ms that is said twice, or left out, is the same tone.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests use small numbers"
)]

use std::ops::Range;

/// Samples of 20 ms: what is looked for at a time.
pub const PIECE: usize = 160;
/// How like the voice a piece must be, 0 to 1, where it should be; and where it is looked for at many thousand places.
/// Of two voices in a mix each is like 0.71; noise is like 0.1, and among many thousand places like 0.5 at some.
const LIKE: f64 = 0.4;
const FOUND: f64 = 0.6;
/// Signs of samples that show at most places that it is not there, and how many must be the same: of two voices in a
/// mix three quarters are.
const GLANCE: usize = 128;
const ALIKE: u32 = 84;
/// How loud it must be, 1 being as it was said. What hides a loss is the piece before it, fading out. Among
/// other voices loudness is not known so well, and a piece that is the one before it again is taken for that.
const LOUD: f64 = 0.9;
const ALONE: f64 = 0.9;
const AMONG_OTHERS: f64 = 0.5;
/// How far from where it should be a piece is looked for, samples: 250 ms.
const NEAR: i64 = 2_000;
/// Samples by which what follows may stand nearer: the silence that the first piece after a pause, and the last one
/// before it, may hold, and what clocks are put right by. 8 ms.
const SLACK: i64 = 64;

/// Noise from a seed, and so much of it.
pub struct Voice(Vec<i16>);

impl Voice {
    /// So many pieces of 20 ms.
    pub fn new(seed: u32, pieces: u32) -> Self {
        let white = |n: u32| {
            let mixed = (u64::from(n) << 20 ^ u64::from(seed)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            ((mixed >> 40) % 7_001) as i16 - 3_500
        };
        // Two in a row added up: narrower than white noise, as what coders carry.
        Self((0..pieces * PIECE as u32).map(|n| white(n) + white(n + 1)).collect())
    }

    /// All of it.
    pub fn samples(&self) -> &[i16] {
        &self.0
    }

    /// The nth piece.
    pub fn piece(&self, n: u32) -> &[i16; PIECE] {
        self.0[n as usize * PIECE..].first_chunk().expect("it is as long as its plan")
    }

    /// Whether samples are the nth piece.
    pub fn is(&self, samples: &[i16], n: u32) -> bool {
        samples.len() == PIECE && self.likeness(samples, i64::from(n) * PIECE as i64).0 > ALONE
    }

    /// How like the voice a piece is at a place, and how loud.
    fn likeness(&self, piece: &[i16], place: i64) -> (f64, f64) {
        let own = usize::try_from(place).ok().and_then(|at| self.0.get(at..at + piece.len()));
        let Some(own) = own else { return (0.0, 0.0) };
        let (mut both, mut one, mut two) = (0i64, 1i64, 1i64);
        for (a, b) in piece.iter().zip(own) {
            let (a, b) = (i64::from(*a), i64::from(*b));
            both += a * b;
            one += a * a;
            two += b * b;
        }
        let both = both as f64;
        (both / (one as f64 * two as f64).sqrt(), both / two as f64)
    }

    /// Where each piece of what was heard stands in the voice; nothing where the voice is not in it.
    pub fn heard(&self, heard: &[i16]) -> Heard {
        let (mut offset, mut last): (Option<i64>, Option<i64>) = (None, None);
        let (mut places, mut silent) = (Vec::new(), 0);
        let own = signs(&self.0);
        for (n, piece) in heard.chunks_exact(PIECE).enumerate() {
            let here = (n * PIECE) as i64;
            let level = piece.iter().map(|sample| i64::from(sample.abs())).sum::<i64>();
            let is = |place, wanted| {
                let (like, loud) = self.likeness(piece, place);
                let again = last.is_some_and(|last| (place - last).abs() <= SLACK);
                let hides = if like > ALONE { loud <= LOUD } else { loud <= AMONG_OTHERS || again };
                (like > wanted && !hides).then_some((like, place))
            };
            let place = if level < 100 * PIECE as i64 {
                None
            } else {
                let usual = offset.and_then(|offset| is(here + offset, LIKE));
                usual.or_else(|| {
                    let whole = 0..self.0.len() as i64;
                    // Whoever was silent may have stood still.
                    let near = offset.map_or(whole, |o| here + o - NEAR - silent..here + o + NEAR);
                    let shown = signs(&piece[..GLANCE])[0];
                    let alike = |at: &i64| {
                        let own = usize::try_from(*at).ok().and_then(|at| own.get(at));
                        own.is_some_and(|own| (own ^ shown).count_zeros() >= ALIKE)
                    };
                    near.filter(alike)
                        .filter_map(|at| is(at, FOUND))
                        .max_by(|one, two| one.0.total_cmp(&two.0))
                })
            };
            let place = place.map(|(_, place)| place);
            offset = place.map(|place| place - here).or(offset);
            last = place.or(last);
            silent = if place.is_some() { 0 } else { silent + PIECE as i64 };
            places.push(place);
        }
        Heard(places)
    }
}

/// For each place the signs of the samples that follow.
fn signs(samples: &[i16]) -> Vec<u128> {
    let mut word = 0u128;
    let words = samples.iter().map(|sample| {
        word = word << 1 | u128::from(*sample < 0);
        word
    });
    words.skip(GLANCE - 1).collect()
}

/// What was heard of a voice: for each 20 ms the place in the voice, samples.
pub struct Heard(pub Vec<Option<i64>>);

impl Heard {
    /// The pieces in which it is heard: which, and the place.
    fn pieces(&self) -> Vec<(i64, i64)> {
        let all = self.0.iter().enumerate();
        all.filter_map(|(n, place)| place.map(|place| (n as i64, place))).collect()
    }

    /// Pieces in which it is heard.
    pub fn len(&self) -> usize {
        self.pieces().len()
    }

    /// The longest time without it between its first and its last piece, milliseconds.
    pub fn hole(&self) -> i64 {
        let pieces = self.pieces();
        pieces.windows(2).map(|pair| (pair[1].0 - pair[0].0 - 1) * 20).max().unwrap_or(i64::MAX)
    }

    /// The longest part of the voice that is not heard between its first and its last piece, milliseconds.
    pub fn missing(&self) -> i64 {
        let pieces = self.pieces();
        let gap = |pair: &[(i64, i64)]| (pair[1].1 - pair[0].1 - PIECE as i64) / 8;
        pieces.windows(2).map(gap).max().unwrap_or(i64::MAX)
    }

    /// What is heard twice, or out of order: where in what was heard, pieces.
    pub fn twice(&self) -> Vec<i64> {
        let pieces = self.pieces();
        let pairs = pieces.windows(2);
        let twice = pairs.filter(|pair| pair[1].1 - pair[0].1 < PIECE as i64 - SLACK);
        twice.map(|pair| pair[1].0).collect()
    }

    /// Which 20 ms of the voice are heard at their whole length, of those in the range.
    pub fn share(&self, of: Range<u32>) -> f64 {
        let range = i64::from(of.start) * PIECE as i64..i64::from(of.end) * PIECE as i64;
        let heard = self.0.iter().flatten().filter(|place| range.contains(place)).count();
        heard as f64 / f64::from(of.end - of.start)
    }

    /// What is heard at the same time of it and of another one: both places.
    pub fn beside(&self, other: &Self) -> Vec<(i64, i64)> {
        self.0.iter().zip(&other.0).filter_map(|(one, two)| one.zip(*two)).collect()
    }
}

#[test]
fn a_voice_tells_what_is_missing_twice_and_late() {
    let (voice, other) = (Voice::new(1, 50), Voice::new(2, 50));
    let said: Vec<i16> = voice.0.clone();
    let heard = voice.heard(&said);
    assert_eq!((heard.len(), heard.hole(), heard.missing()), (50, 0, 0));
    assert!(heard.twice().is_empty() && heard.share(0..50) == 1.0);
    assert_eq!(other.heard(&said).len(), 0);
    // In a mix, 3 ms later.
    let mixed: Vec<i16> = std::iter::repeat_n(0, 24)
        .chain(said.iter().copied())
        .zip(&other.0)
        .map(|(a, b)| a + b)
        .collect();
    assert_eq!(other.heard(&mixed).len(), 50);
    let late = voice.heard(&mixed);
    assert!(late.len() >= 49, "{}", late.len());
    assert!(late.beside(&other.heard(&mixed)).iter().all(|(one, two)| two - one == 24));
    // 40 ms left out, 60 ms of silence put in, 20 ms said twice.
    let without = [&said[..1_600], &said[1_920..]].concat();
    let heard = voice.heard(&without);
    assert_eq!((heard.hole(), heard.missing(), heard.twice().len()), (0, 40, 0));
    let apart = [&said[..1_600], &[0; 480], &said[1_600..]].concat();
    let heard = voice.heard(&apart);
    assert_eq!((heard.hole(), heard.missing(), heard.twice().len()), (60, 0, 0));
    let twice = [&said[..1_600], &said[1_440..]].concat();
    assert_eq!(voice.heard(&twice).twice(), [10]);
}
