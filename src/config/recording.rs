//! `[recording]` of `gateway.toml`: how calls are recorded, and who else gets a copy. For how long they are kept stands
//! in `retention.toml`.

use std::path::{Path, PathBuf};

use super::findings::At;
use super::section::{Section, Wrong, some_text};
use crate::recording::{Format, RecordingSettings};

/// Free megabytes below which people are told: an hour of 18 calls as WAV.
const LOW_DISK_MB: u64 = 2_048;
/// A thousand terabytes: what is above it is a mistake.
const MOST_MB: u64 = 1_000_000_000;

/// The section, and the names of the trunks that lead to outside recorders.
pub(super) fn read(
    section: &mut Section<'_>,
    data_dir: &Path,
) -> (RecordingSettings, Vec<At<String>>) {
    let recorders = section.words("siprec", some_text);
    let format = section.word("format", format).map_or(Format::Wav, |format| format.value);
    let encrypt = section.truth("encrypt", false);
    let key_file = section.word("master_key_file", some_text);
    let low = section.number("low_disk_mb", 0..=MOST_MB.cast_signed(), LOW_DISK_MB.cast_signed());
    let settings = RecordingSettings {
        folder: data_dir.join("recordings"),
        format,
        encrypt,
        master_key_file: key_file
            .map_or_else(|| data_dir.join("recordings.key"), |file| PathBuf::from(file.value)),
        low_disk_bytes: low.value.unsigned_abs() << 20,
    };
    (settings, recorders)
}

fn format(text: &str) -> Result<Format, Wrong> {
    match text {
        "wav" => Ok(Format::Wav),
        "ogg" => Ok(Format::Ogg),
        _ => Err(Wrong::new(
            format!("{text:?} is no format of recordings"),
            "write \"wav\", or \"ogg\" for Opus, which takes a fifth of the room",
        )),
    }
}
