//! The header of a WAV file: 8,000 Hz, 16 bits, two channels.

use super::timeline::RATE;

/// Bytes before the samples.
pub(super) const HEADER_BYTES: usize = 44;
/// Bytes of one frame: a sample of each channel.
pub(super) const FRAME_BYTES: u32 = 4;

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
}
