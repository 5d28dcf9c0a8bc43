//! G.711 to linear samples, through one table per law.

use audio_codec_algorithms::{decode_alaw, decode_ulaw};

use crate::call::orders::Law;

/// The 256 values of each law.
#[derive(Debug)]
pub(super) struct Decode {
    a: [i16; 256],
    mu: [i16; 256],
}

impl Decode {
    pub fn new() -> Self {
        let table = |decode: fn(u8) -> i16| {
            let mut values = [0; 256];
            for (value, code) in values.iter_mut().zip(0..=u8::MAX) {
                *value = decode(code);
            }
            values
        };
        Self { a: table(decode_alaw), mu: table(decode_ulaw) }
    }

    /// The samples of coded audio.
    pub fn samples<'a>(&'a self, law: Law, audio: &'a [u8]) -> impl Iterator<Item = i16> + 'a {
        let table = match law {
            Law::A => &self.a,
            Law::Mu => &self.mu,
        };
        audio.iter().map(|&code| table.get(usize::from(code)).copied().unwrap_or_default())
    }
}
