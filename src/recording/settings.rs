//! How recordings are kept: plain values, made by the configuration.

use std::path::PathBuf;

/// What a recording's file holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Samples of 16 bits: 115 MB an hour, played everywhere.
    #[default]
    Wav,
    /// Opus in Ogg (RFC 7845): about a fifth of it.
    Ogg,
}

/// How recordings are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingSettings {
    /// Where the files are.
    pub folder: PathBuf,
    /// What new files hold.
    pub format: Format,
    /// New files are encrypted; what is there stays as it is.
    pub encrypt: bool,
    /// The node's master keys, without which no encrypted recording can be made or heard.
    pub master_key_file: PathBuf,
    /// Free bytes of the folder's file system below which people are told. Nothing is deleted for want of room.
    pub low_disk_bytes: u64,
}

impl RecordingSettings {
    /// WAV in the open.
    #[must_use]
    pub fn plain(folder: PathBuf) -> Self {
        Self {
            master_key_file: folder.join("master.key"),
            folder,
            format: Format::Wav,
            encrypt: false,
            low_disk_bytes: 0,
        }
    }
}
