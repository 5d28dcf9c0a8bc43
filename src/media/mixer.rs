//! Voices added up: 20 ms at a time, without clicks and without the rasp of an overflow.

use super::codec::FRAME;
use super::stream::FULL;

/// Samples in which who joins fades in and who leaves fades out: 8 ms.
const RAMP: i32 = 64;
/// Above this the sum is pressed together, so that two loud voices stay voices.
const KNEE: i32 = 24_576;

/// One frame of a mix.
#[derive(Debug)]
pub(super) struct Mix([i32; FRAME]);

impl Mix {
    /// Silence.
    pub const fn new() -> Self {
        Self([0; FRAME])
    }

    /// Adds a voice whose loudness goes from `level` to `wanted`, 0 to [`FULL`].
    pub fn add(&mut self, frame: &[i16; FRAME], level: i32, wanted: i32) {
        for ((sum, &sample), place) in self.0.iter_mut().zip(frame).zip(0i32..) {
            let weight = level + (wanted - level) * place.min(RAMP) / RAMP;
            *sum += i32::from(sample) * weight / FULL;
        }
    }

    /// The sum as samples.
    pub fn frame(&self) -> [i16; FRAME] {
        self.0.map(|sum| {
            let over = (sum.abs() - KNEE).max(0);
            // Three voices at full scale just reach it.
            let pressed = sum.abs().min(KNEE) + over / 9;
            i16::try_from(pressed.min(32_767) * sum.signum()).unwrap_or_default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_voice_stays_as_it_is_and_many_never_overflow() {
        let mut mix = Mix::new();
        mix.add(&[20_000; FRAME], FULL, FULL);
        assert_eq!(mix.frame(), [20_000; FRAME]);
        for _ in 0..2 {
            mix.add(&[i16::MAX; FRAME], FULL, FULL);
        }
        assert!(mix.frame().iter().all(|&sample| sample > 30_000));
        for _ in 0..20 {
            mix.add(&[i16::MIN; FRAME], FULL, FULL);
        }
        assert!(mix.frame().iter().all(|&sample| sample != 0));
    }

    #[test]
    fn who_joins_or_leaves_makes_no_step() {
        for (level, wanted) in [(0, FULL), (FULL, 0)] {
            let mut mix = Mix::new();
            mix.add(&[20_000; FRAME], level, wanted);
            let frame = mix.frame();
            let step = frame.windows(2).map(|pair| (pair[0] - pair[1]).abs()).max();
            assert!(step.is_some_and(|step| step <= 400), "{step:?}");
            assert_eq!(frame[FRAME - 1], if wanted == FULL { 20_000 } else { 0 });
        }
    }
}
