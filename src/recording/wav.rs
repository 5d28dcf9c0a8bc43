//! A WAV file that is readable at every moment: 8,000 Hz, 16 bits, two channels.
//!
//! Samples are written first and the sizes in the header after them, so a process that is killed
//! in between leaves a file that is a little short, never one that promises more than it has.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;

use super::timeline::RATE;

/// Bytes before the samples.
pub(super) const HEADER_BYTES: usize = 44;
/// Bytes of one frame: a sample of each channel.
pub(super) const FRAME_BYTES: u32 = 4;
/// Recordings of one call: a new one is begun after a failure or a restart.
const PARTS: u32 = 99;

/// Makes the folder of the recordings, for its owner only.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// A file that grows.
#[derive(Debug)]
pub(super) struct WavFile {
    file: File,
    bytes: u64,
}

impl WavFile {
    /// Makes a new file for `call` in `folder`, for its owner only, and returns it with its name:
    /// `<call>.wav`, or `<call>-2.wav` and so on when there is one already, which is never touched.
    /// A folder that is not there is made.
    pub fn create(folder: &Path, call: &str) -> io::Result<(Self, String)> {
        for part in 1..=PARTS {
            let name = if part == 1 { format!("{call}.wav") } else { format!("{call}-{part}.wav") };
            let path = folder.join(&name);
            let mut new = OpenOptions::new();
            new.read(true).write(true).create_new(true).mode(0o600);
            let made = match new.open(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    make_folder(folder)?;
                    new.open(&path)
                }
                made => made,
            };
            match made {
                Ok(file) => {
                    file.write_all_at(&header(0), 0)?;
                    return Ok((Self { file, bytes: 0 }, name));
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    }

    /// Writes to a file that a test has opened, such as a full disk's.
    #[cfg(test)]
    pub const fn over(file: File) -> Self {
        Self { file, bytes: 0 }
    }

    /// Appends whole frames and then says so in the header.
    pub fn append(&mut self, frames: &[u8]) -> io::Result<()> {
        self.file.write_all_at(frames, HEADER_BYTES as u64 + self.bytes)?;
        self.bytes += frames.len() as u64;
        self.file.write_all_at(&header(self.bytes), 0)
    }

    /// The file itself, to be sealed.
    pub fn into_file(self) -> File {
        self.file
    }
}

/// The header of a file with so many bytes of samples. Sizes beyond 32 bits (37 hours) stay at
/// the largest that can be said, which readers take as "to the end".
#[allow(clippy::cast_possible_truncation, reason = "the constants are small")]
pub(super) fn header(samples: u64) -> [u8; HEADER_BYTES] {
    let largest = u32::MAX - HEADER_BYTES as u32;
    let samples =
        u32::try_from(samples).unwrap_or(largest).min(largest) / FRAME_BYTES * FRAME_BYTES;
    let rate = RATE as u32;
    let fields: [&[u8]; 13] = [
        b"RIFF",
        &(samples + HEADER_BYTES as u32 - 8).to_le_bytes(),
        b"WAVE",
        b"fmt ",
        &16u32.to_le_bytes(),
        &1u16.to_le_bytes(), // PCM
        &2u16.to_le_bytes(), // channels
        &rate.to_le_bytes(),
        &(rate * FRAME_BYTES).to_le_bytes(),
        &(FRAME_BYTES as u16).to_le_bytes(),
        &16u16.to_le_bytes(), // bits of a sample
        b"data",
        &samples.to_le_bytes(),
    ];
    let mut header = [0; HEADER_BYTES];
    for (to, from) in header.iter_mut().zip(fields.into_iter().flatten()) {
        *to = *from;
    }
    header
}

/// Whether a file that begins so is one of ours, whatever sizes it names. One that was killed
/// before its header was written is empty and ours too.
pub(super) fn is_ours(start: &[u8]) -> bool {
    let ours = header(0);
    let sizes = [4..8, 40..44];
    start.iter().zip(&ours).enumerate().all(|(place, (found, expected))| {
        found == expected || sizes.iter().any(|size| size.contains(&place))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_read_by_others() {
        let mut bytes = header(8).to_vec();
        bytes.extend([1, 0, 2, 0, 3, 0, 4, 0]);
        let mut reader = hound::WavReader::new(&bytes[..]).expect("a WAV file");
        let spec = reader.spec();
        assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (2, 8_000, 16));
        let samples: Vec<i16> = reader.samples().map(|sample| sample.expect("reads")).collect();
        assert_eq!(samples, [1, 2, 3, 4]);
    }

    #[test]
    fn only_our_files_are_ours() {
        assert!(is_ours(&header(12_345)));
        assert!(is_ours(&[]));
        assert!(!is_ours(b"RIFF----WAVEfmt \x10\0\0\0\x01\0\x01\0"));
        assert!(!is_ours(b"#!/bin/sh"));
    }

    #[test]
    fn a_folder_that_was_removed_is_made_again_for_its_owner() {
        use std::os::unix::fs::PermissionsExt;
        let parent = tempfile::tempdir().expect("a folder");
        let folder = parent.path().join("data/recordings");
        let (_, name) = WavFile::create(&folder, "call").expect("made");
        assert!(folder.join(name).is_file());
        let mode = std::fs::metadata(&folder).expect("a folder").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn a_second_file_of_a_call_does_not_touch_the_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut first, name) = WavFile::create(folder.path(), "call").expect("made");
        first.append(&[7; 4]).expect("written");
        let (_, second) = WavFile::create(folder.path(), "call").expect("made");
        assert_eq!((name.as_str(), second.as_str()), ("call.wav", "call-2.wav"));
        let kept = std::fs::read(folder.path().join("call.wav")).expect("reads");
        assert_eq!(kept.len(), 48);
    }
}
