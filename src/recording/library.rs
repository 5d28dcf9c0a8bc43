//! Recordings as they lie on disk: heard, heard while they grow, counted for room, deleted.
//!
//! Encrypted ones are opened on the way; no plain copy is ever made on disk. Nothing here writes to a
//! recording.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::locked::{End, LockedReader};
use super::part::{Pair, kind_of, newest_of};
use super::settings::Format;
use super::timeline::RATE;
use super::wav::{self, FRAME_BYTES, HEADER_BYTES};
use super::{RecordingError, RecordingSettings, keys, ogg};
use crate::vocabulary::CallId;

/// The recordings of this node.
#[derive(Clone, Debug)]
pub struct Library {
    pub(super) settings: RecordingSettings,
}

#[derive(Debug)]
enum Bytes {
    Open(File),
    Locked(LockedReader),
}

/// A recording to read from. One that still grows is as long as it was when it was opened.
#[derive(Debug)]
pub struct Reader {
    bytes: Bytes,
    format: Format,
    length: u64,
}

impl Reader {
    pub(super) fn over(file: File, format: Format) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self { bytes: Bytes::Open(file), format, length })
    }

    /// Bytes of the audio file, as it would lie in the open.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    pub(super) const fn format(&self) -> Format {
        self.format
    }

    /// Its media type (RFC 6838).
    #[must_use]
    pub const fn media_type(&self) -> &'static str {
        match self.format {
            Format::Wav => "audio/wav",
            Format::Ogg => "audio/ogg",
        }
    }

    /// What names of such files end with.
    #[must_use]
    pub const fn ending(&self) -> &'static str {
        match self.format {
            Format::Wav => "wav",
            Format::Ogg => "ogg",
        }
    }

    /// Whether it has its end. Only an encrypted one tells when something was cut off.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        match &self.bytes {
            Bytes::Open(_) => true,
            Bytes::Locked(locked) => locked.end() != End::Open,
        }
    }

    /// Fills as much of `to` as there is from `offset` on; returns how much.
    ///
    /// # Errors
    /// When the system refuses, or `InvalidData` when an encrypted recording was altered.
    pub fn read_at(&self, to: &mut [u8], offset: u64) -> io::Result<usize> {
        let left = usize::try_from(self.length.saturating_sub(offset)).unwrap_or(usize::MAX);
        let most = to.len().min(left);
        let to = to.get_mut(..most).unwrap_or_default();
        let count = match &self.bytes {
            Bytes::Open(file) => read_open(file, to, offset)?,
            Bytes::Locked(locked) => locked.read_at(to, offset)?,
        };
        if let (Bytes::Locked(_), Format::Wav, Ok(from)) =
            (&self.bytes, self.format, usize::try_from(offset))
        {
            // What is locked cannot be written again: only its reader knows how long it is.
            let header = wav::header(self.length.saturating_sub(HEADER_BYTES as u64));
            let header = header.get(from..).unwrap_or_default();
            to.iter_mut().zip(header).for_each(|(to, from)| *to = *from);
        }
        Ok(count)
    }

    /// Where the audio ends that is whole, in the bytes of the open file and in frames.
    pub(super) fn extent(&self) -> io::Result<(u64, u64)> {
        match self.format {
            Format::Ogg => ogg::extent(self),
            Format::Wav => {
                let frames =
                    self.length.saturating_sub(HEADER_BYTES as u64) / u64::from(FRAME_BYTES);
                Ok((HEADER_BYTES as u64 + frames * u64::from(FRAME_BYTES), frames))
            }
        }
    }

    /// The last `seconds`.
    fn tail(&self, seconds: u32) -> io::Result<Vec<Pair>> {
        if self.format == Format::Ogg {
            return ogg::tail(self, seconds);
        }
        let (end, frames) = self.extent()?;
        let bytes = (u64::from(seconds) * RATE).min(frames) * u64::from(FRAME_BYTES);
        let mut all = vec![0; usize::try_from(bytes).unwrap_or_default()];
        let count = self.read_at(&mut all, end - bytes)?;
        let pairs = all.get(..count).unwrap_or_default().as_chunks::<4>().0;
        let pair =
            |&[a, b, c, d]: &[u8; 4]| [i16::from_le_bytes([a, b]), i16::from_le_bytes([c, d])];
        Ok(pairs.iter().map(pair).collect())
    }
}

fn read_open(file: &File, to: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = to.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + done as u64) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

impl Library {
    /// The recordings that are kept so.
    #[must_use]
    pub const fn new(settings: RecordingSettings) -> Self {
        Self { settings }
    }

    /// How they are kept.
    #[must_use]
    pub const fn settings(&self) -> &RecordingSettings {
        &self.settings
    }

    /// Where the file `name` lies, and what it is.
    pub(super) fn find(
        &self,
        name: &str,
    ) -> Result<(std::path::PathBuf, Format, bool), RecordingError> {
        let wrong = || RecordingError::Name { file: name.to_owned() };
        if Path::new(name).file_name().is_none_or(|plain| plain != name) {
            return Err(wrong());
        }
        let (format, locked) = kind_of(name).ok_or_else(wrong)?;
        Ok((self.settings.folder.join(name), format, locked))
    }

    /// The names of all files of recordings that lie there; none when the folder cannot be read.
    #[must_use]
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.settings.folder).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        names.filter(|name| kind_of(name).is_some()).collect()
    }

    /// Opens a recording to be heard, now or while it grows.
    ///
    /// # Errors
    /// [`RecordingError`] when `name` is none of ours, its file or its key is not there, or it was altered.
    pub fn open(&self, name: &str) -> Result<Reader, RecordingError> {
        let (path, format, locked) = self.find(name)?;
        let failed = |source| RecordingError::File { tried: "opened", path: path.clone(), source };
        let file = File::open(&path).map_err(failed)?;
        if !locked {
            return Reader::over(file, format).map_err(failed);
        }
        let key = keys::key_of(&self.settings.folder, name, &self.settings.master_key_file);
        let opened = key.and_then(|key| LockedReader::open(file, &key, name)).map_err(failed)?;
        let length = opened.length();
        Ok(Reader { bytes: Bytes::Locked(opened), format, length })
    }

    /// Name of the newest file of a call's recording; none when it has none.
    #[must_use]
    pub fn newest(&self, call: CallId) -> Option<String> {
        newest_of(&self.settings.folder, call)
    }

    /// The last `seconds` of a call that is being recorded, as a WAV file: up to about a second before
    /// now. Of a recording in several parts only the newest is heard. None when there is none.
    ///
    /// # Errors
    /// [`RecordingError`] when it cannot be read.
    pub fn replay(&self, call: CallId, seconds: u32) -> Result<Option<Vec<u8>>, RecordingError> {
        let Some(name) = newest_of(&self.settings.folder, call) else { return Ok(None) };
        let reader = self.open(&name)?;
        let path = self.settings.folder.join(name);
        let failed = |source| RecordingError::File { tried: "read", path, source };
        let frames = reader.tail(seconds).map_err(failed)?;
        let mut all = wav::header(frames.len() as u64 * u64::from(FRAME_BYTES)).to_vec();
        all.extend(frames.iter().flatten().flat_map(|sample| sample.to_le_bytes()));
        Ok(Some(all))
    }

    /// Deletes a recording: its key first, without which no copy of it is of use. One that is not there
    /// is deleted already.
    ///
    /// # Errors
    /// [`RecordingError`] when `name` is none of ours or the system refuses.
    pub fn delete(&self, name: &str) -> Result<(), RecordingError> {
        let (path, _, locked) = self.find(name)?;
        let key = if locked { keys::forget(&self.settings.folder, name) } else { Ok(()) };
        let file = key.and_then(|()| match std::fs::remove_file(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed,
        });
        file.map_err(|source| RecordingError::File { tried: "deleted", path, source })
    }

    /// Free bytes of the file system that recordings are written to, for us.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn free_bytes(&self) -> io::Result<u64> {
        let room = rustix::fs::statvfs(&self.settings.folder)?;
        Ok(room.f_bavail.saturating_mul(room.f_frsize))
    }
}
