//! Copies of recordings that leave the house: whole, or with spans of a voice replaced by silence or a tone.
//!
//! A copy is as long as its original, which is only read. One with replaced spans is always WAV: nothing
//! of what was taken out can be left in it.

use std::fs::File;
use std::io::{self, Write};

use super::library::{Library, Reader};
use super::part::Pair;
use super::settings::Format;
use super::timeline::RATE;
use super::wav::{self, FRAME_BYTES, HEADER_BYTES};
use super::{RecordingError, ogg};

/// Bytes that are read at a time; whole frames.
const BLOCK: usize = 64 << 10;
/// Frames of one millisecond.
const PER_MS: u64 = RATE / 1000;
/// One period of 1 kHz, at a quarter of full scale.
const TONE: [i16; 8] = [0, 5_793, 8_192, 5_793, 0, -5_793, -8_192, -5_793];

/// A span of a recording that is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Milliseconds from the beginning of the file.
    pub from_ms: u64,
    /// The first millisecond behind it.
    pub to_ms: u64,
    /// What the caller's side says.
    pub caller: bool,
    /// What the operator's side says.
    pub operator: bool,
    /// A tone stands for it; silence without.
    pub tone: bool,
}

impl Span {
    fn apply(&self, at: u64, pair: &mut Pair) {
        if at < self.from_ms * PER_MS || at >= self.to_ms.saturating_mul(PER_MS) {
            return;
        }
        let place = usize::try_from(at % 8).unwrap_or_default();
        let instead = if self.tone { TONE.get(place).copied().unwrap_or_default() } else { 0 };
        for (sample, replaced) in pair.iter_mut().zip([self.caller, self.operator]) {
            if replaced {
                *sample = instead;
            }
        }
    }
}

impl Library {
    /// The file of a recording as it lies on disk, encrypted or not: what its SHA-256 was taken of.
    ///
    /// # Errors
    /// [`RecordingError`] when `name` is none of ours or it cannot be opened.
    pub fn as_sealed(&self, name: &str) -> Result<File, RecordingError> {
        let (path, ..) = self.find(name)?;
        File::open(&path).map_err(|source| RecordingError::File { tried: "opened", path, source })
    }

    /// Whether recordings of this name are encrypted.
    #[must_use]
    pub fn is_locked(&self, name: &str) -> bool {
        self.find(name).is_ok_and(|(_, _, locked)| locked)
    }
}

impl Reader {
    /// Writes the audio file as it would lie in the open; returns its bytes.
    ///
    /// # Errors
    /// When it cannot be read (`InvalidData`: it was altered) or written.
    pub fn copy(&self, out: &mut impl Write) -> io::Result<u64> {
        let (mut block, mut at) = (vec![0; BLOCK], 0);
        while at < self.length() {
            let count = self.read_at(&mut block, at)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            out.write_all(block.get(..count).unwrap_or_default())?;
            at += count as u64;
        }
        Ok(at)
    }

    /// Milliseconds of audio in it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn millis(&self) -> io::Result<u64> {
        Ok(self.extent()?.1 / PER_MS)
    }

    /// Writes a WAV file of the same length in which `spans` are replaced; returns its milliseconds.
    ///
    /// # Errors
    /// When it cannot be read (`InvalidData`: it was altered) or written.
    pub fn redacted(&self, spans: &[Span], out: &mut impl Write) -> io::Result<u64> {
        let (end, frames) = self.extent()?;
        out.write_all(&wav::header(frames * u64::from(FRAME_BYTES)))?;
        let mut done = 0;
        let mut put = |pairs: &mut [Pair]| {
            let mut bytes = Vec::with_capacity(pairs.len() * 4);
            for pair in pairs.iter_mut().take(usize::try_from(frames - done).unwrap_or(usize::MAX))
            {
                spans.iter().for_each(|span| span.apply(done, pair));
                bytes.extend(pair.iter().flat_map(|sample| sample.to_le_bytes()));
                done += 1;
            }
            out.write_all(&bytes)
        };
        match self.format() {
            Format::Ogg => ogg::each(self, &mut put)?,
            Format::Wav => {
                let (mut block, mut at) = (vec![0; BLOCK], HEADER_BYTES as u64);
                while at < end {
                    let most = usize::try_from(end - at).unwrap_or(BLOCK).min(BLOCK);
                    let count = self.read_at(block.get_mut(..most).unwrap_or_default(), at)?;
                    if count < most {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    let bytes = block.get(..count).unwrap_or_default().as_chunks::<4>().0;
                    let pair = |&[a, b, c, d]: &[u8; 4]| {
                        [i16::from_le_bytes([a, b]), i16::from_le_bytes([c, d])]
                    };
                    put(&mut bytes.iter().map(pair).collect::<Vec<Pair>>())?;
                    at += count as u64;
                }
            }
        }
        // A decoder may come short at the end of a file that was cut off: the length is kept.
        let missing = usize::try_from(frames.saturating_sub(done)).unwrap_or_default();
        for _ in 0..missing {
            out.write_all(&[0; 4])?;
        }
        Ok(frames / PER_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::ogg::OggWriter;

    fn reader(bytes: &[u8], format: Format) -> Reader {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(bytes).expect("written");
        Reader::over(file, format).expect("opens")
    }

    fn span(from_ms: u64, to_ms: u64, caller: bool, operator: bool, tone: bool) -> Span {
        Span { from_ms, to_ms, caller, operator, tone }
    }

    fn samples(wav: &[u8]) -> Vec<[i16; 2]> {
        let mut read = hound::WavReader::new(wav).expect("a WAV file");
        let all: Vec<i16> = read.samples().map(|sample| sample.expect("a sample")).collect();
        all.as_chunks::<2>().0.to_vec()
    }

    #[test]
    fn spans_are_replaced_to_the_sample_on_their_side_and_the_length_is_kept() {
        let mut bytes = wav::header(4 * 8_000 * 30).to_vec();
        for n in 0..8_000 * 30 {
            let left = i16::try_from(n % 100 + 1).expect("small");
            bytes.extend([left, -left].iter().flat_map(|s| s.to_le_bytes()));
        }
        let original = samples(&bytes);
        let spans =
            [span(1_000, 2_000, true, false, false), span(20_000, 20_010, true, true, true)];
        let mut out = Vec::new();
        let source = reader(&bytes, Format::Wav);
        assert_eq!(source.redacted(&spans, &mut out).expect("made"), 30_000);
        let made = samples(&out);
        assert_eq!((out.len(), made.len()), (bytes.len(), original.len()));
        for (n, (is, was)) in made.iter().zip(&original).enumerate() {
            match n {
                8_000..16_000 => assert_eq!(*is, [0, was[1]], "{n}"),
                160_000..160_080 => assert_eq!(*is, [TONE[n % 8]; 2], "{n}"),
                _ => assert_eq!(is, was, "{n}"),
            }
        }
        let mut whole = Vec::new();
        assert_eq!(source.copy(&mut whole).expect("copied"), bytes.len() as u64);
        assert_eq!(whole, bytes);
    }

    #[test]
    fn an_ogg_recording_becomes_wav_of_the_same_length_without_what_was_said() {
        let (mut ogg, mut bytes) = (OggWriter::new(), Vec::new());
        ogg.head(&mut bytes).expect("begun");
        let loud: Vec<Pair> = (0..8_000 * 3).map(|n| [TONE[n % 8]; 2]).collect();
        ogg.encode(&loud, &mut bytes).expect("encoded");
        ogg.finish(&mut bytes).expect("ended");
        let source = reader(&bytes, Format::Ogg);
        let mut out = Vec::new();
        let spans = [span(1_000, 2_000, true, false, false)];
        assert_eq!(source.redacted(&spans, &mut out).expect("made"), 3_000);
        let made = samples(&out);
        assert_eq!(made.len(), 24_000);
        assert!(made[8_000..16_000].iter().all(|pair| pair[0] == 0));
        let loudest = |from: usize, side: usize| {
            made[from..from + 4_000].iter().map(|pair| pair[side].abs()).max().expect("some")
        };
        assert!(loudest(10_000, 1) > 4_000 && loudest(2_000, 0) > 4_000);
        assert!(loudest(18_000, 0) > 4_000);
    }
}
