//! Is this frame a voice? The one place that knows the library which says so.

use earshot::Detector;

/// Samples of one frame, 16 ms at 8,000 a second.
pub(super) const FRAME: usize = 128;
/// The network's score, 0 to 1, above which it is a voice. On the narrow band of a telephone noise
/// scores up to 0.55 and soft speech 0.7.
const SURE: f32 = 0.6;
/// One side of the filter that finds the samples between ours: a sinc under a Hann window.
const SIDE: [f32; 6] = [0.625_2, -0.181, 0.080_1, -0.033_7, 0.010_3, -0.001];

/// The detector of one stream. It wants 16,000 samples a second.
pub(super) struct Voice {
    detector: Box<Detector>,
    /// The end of the last frame, then the frame.
    samples: [f32; FRAME + 2 * SIDE.len()],
}

impl Voice {
    pub fn new() -> Self {
        Self { detector: Box::new(Detector::default()), samples: [0.0; FRAME + 2 * SIDE.len()] }
    }

    /// Whether the frame is a voice's, by itself and by what was before it.
    pub fn hear(&mut self, frame: &[i16; FRAME]) -> bool {
        self.samples.copy_within(FRAME.., 0);
        for (place, &sample) in self.samples.iter_mut().skip(2 * SIDE.len()).zip(frame) {
            *place = f32::from(sample) / 32_768.0;
        }
        let mut wide = [0.0; 2 * FRAME];
        for (pair, around) in wide.chunks_exact_mut(2).zip(self.samples.windows(2 * SIDE.len())) {
            let (before, after) = around.split_at(SIDE.len());
            let between = SIDE.iter().zip(before.iter().rev().zip(after));
            let between: f32 = between.map(|(side, (left, right))| side * (left + right)).sum();
            let here = before.last().copied().unwrap_or_default();
            if let [first, second] = pair {
                (*first, *second) = (here, between.clamp(-1.0, 1.0));
            }
        }
        self.detector.predict_f32(&wide) >= SURE
    }
}
