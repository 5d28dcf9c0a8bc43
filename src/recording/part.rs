//! One file of a recording while it grows. What it holds (WAV or Ogg Opus) and how it lies on disk
//! (in the open or locked) are two choices that know nothing of one another.
//!
//! Readable at every moment: samples of a WAV file are written before the header that counts them,
//! Ogg goes to disk in whole pages, and a locked file in whole chunks.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;

use super::RecordingSettings;
use super::keys::{self, MasterKeys};
use super::locked::LockedWriter;
use super::ogg::OggWriter;
use super::settings::Format;
use super::wav;
use crate::vocabulary::CallId;

/// Files of one call: a new one is begun after a failure.
const PARTS: u32 = 99;
/// What the name of a locked file ends with.
const LOCKED: &str = "enc";

/// Both channels of one moment: the caller's sample, the operator's.
pub(super) type Pair = [i16; 2];

/// Makes the folder of the recordings, for its owner only.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// The name of a call's file: `<call>.wav`, `<call>-2.ogg.enc` and so on.
pub(super) fn name_of(call: CallId, part: u32, format: Format, locked: bool) -> String {
    let part = if part > 1 { format!("-{part}") } else { String::new() };
    let format = match format {
        Format::Wav => "wav",
        Format::Ogg => "ogg",
    };
    let locked = if locked { format!(".{LOCKED}") } else { String::new() };
    format!("{call}{part}.{format}{locked}")
}

/// What a file of this name holds, and whether it is locked. None for a name that none of ours has.
pub(super) fn kind_of(name: &str) -> Option<(Format, bool)> {
    let (name, locked) = match name.strip_suffix(LOCKED) {
        Some(name) => (name.strip_suffix('.')?, true),
        None => (name, false),
    };
    let (_, ending) = name.rsplit_once('.')?;
    match ending {
        "wav" => Some((Format::Wav, locked)),
        "ogg" => Some((Format::Ogg, locked)),
        _ => None,
    }
}

/// The name of the last file that a call has in `folder`.
pub(super) fn newest_of(folder: &Path, call: CallId) -> Option<String> {
    let there = |part| {
        let kinds = [(Format::Wav, false), (Format::Ogg, false), (Format::Wav, true)];
        let names = kinds.into_iter().chain([(Format::Ogg, true)]);
        let mut names = names.map(|(format, locked)| name_of(call, part, format, locked));
        names.find(|name| folder.join(name).exists())
    };
    (1..=PARTS).map_while(there).last()
}

/// How the bytes lie on disk.
#[derive(Debug)]
enum Disk {
    Open { file: File, bytes: u64 },
    Locked(LockedWriter),
}

impl Disk {
    fn append(&mut self, more: &[u8]) -> io::Result<()> {
        match self {
            Self::Open { file, bytes } => {
                file.write_all_at(more, *bytes)?;
                *bytes += more.len() as u64;
                Ok(())
            }
            Self::Locked(locked) => locked.append(more),
        }
    }
}

/// What the bytes mean.
#[derive(Debug)]
enum Form {
    Wav,
    Ogg(Box<OggWriter>),
}

/// A file that grows.
#[derive(Debug)]
pub(super) struct Part {
    disk: Disk,
    form: Form,
    frames: u64,
    scratch: Vec<u8>,
}

impl Part {
    /// Makes a new file for `call`, for its owner only, and returns it with its name. A file that is
    /// there already is never touched; a folder that is not there is made.
    pub fn create(settings: &RecordingSettings, call: CallId) -> io::Result<(Self, String)> {
        let folder = &settings.folder;
        for part in 1..=PARTS {
            let name = name_of(call, part, settings.format, settings.encrypt);
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
            let begun = match made {
                Ok(file) => Self::begin(settings, &name, file),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
            };
            if begun.is_err() {
                // Nothing is in it, and it would stand in the way of the next try.
                let _ = std::fs::remove_file(&path);
                keys::forget(folder, &name).unwrap_or_default();
            }
            return begun.map(|part| (part, name));
        }
        Err(ErrorKind::AlreadyExists.into())
    }

    fn begin(settings: &RecordingSettings, name: &str, file: File) -> io::Result<Self> {
        let disk = if settings.encrypt {
            let masters = MasterKeys::load(&settings.master_key_file)?;
            let key = keys::new_key(&settings.folder, name, &masters)?;
            Disk::Locked(LockedWriter::begin(file, &key, name)?)
        } else {
            Disk::Open { file, bytes: 0 }
        };
        let form = match settings.format {
            Format::Wav => Form::Wav,
            Format::Ogg => Form::Ogg(Box::new(OggWriter::new())),
        };
        let mut part = Self { disk, form, frames: 0, scratch: Vec::new() };
        match &mut part.form {
            // What is locked is never written twice: its header counts nothing, readers do.
            Form::Wav => part.disk.append(&wav::header(0))?,
            Form::Ogg(ogg) => {
                ogg.head(&mut part.scratch)?;
                part.disk.append(&part.scratch)?;
            }
        }
        Ok(part)
    }

    /// Goes on in a file that a test has opened, such as a full disk's.
    #[cfg(test)]
    pub fn move_to(&mut self, file: File) {
        self.disk = Disk::Open { file, bytes: 0 };
    }

    /// Frames that it has been given.
    pub const fn frames(&self) -> u64 {
        self.frames
    }

    /// Appends both channels.
    pub fn append(&mut self, frames: &[Pair]) -> io::Result<()> {
        self.scratch.clear();
        match &mut self.form {
            Form::Wav => {
                self.scratch
                    .extend(frames.iter().flatten().flat_map(|sample| sample.to_le_bytes()));
            }
            Form::Ogg(ogg) => ogg.encode(frames, &mut self.scratch)?,
        }
        self.disk.append(&self.scratch)?;
        if let (Disk::Open { file, bytes }, Form::Wav) = (&self.disk, &self.form) {
            let samples = bytes.saturating_sub(wav::HEADER_BYTES as u64);
            file.write_all_at(&wav::header(samples), 0)?;
        }
        self.frames += frames.len() as u64;
        Ok(())
    }

    /// Writes what was kept back and returns the file, to be made safe.
    pub fn close(mut self) -> io::Result<File> {
        if let Form::Ogg(ogg) = &mut self.form {
            self.scratch.clear();
            ogg.finish(&mut self.scratch)?;
            self.disk.append(&self.scratch)?;
        }
        match self.disk {
            Disk::Open { file, .. } => Ok(file),
            Disk::Locked(locked) => locked.close(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::{Uid, WallTime};

    fn call() -> CallId {
        CallId(Uid::new(WallTime(1_789_621_951_204_000), 7))
    }

    #[test]
    fn a_name_says_what_the_file_is_and_foreign_names_say_nothing() {
        for (part, format, locked) in
            [(1, Format::Wav, false), (2, Format::Ogg, false), (12, Format::Ogg, true)]
        {
            let name = name_of(call(), part, format, locked);
            assert_eq!(kind_of(&name), Some((format, locked)), "{name}");
        }
        for name in ["", "notes.txt", "wav", "a.enc", "a.wavenc", "a.wav.key", "a.mp3.enc"] {
            assert_eq!(kind_of(name), None, "{name}");
        }
    }

    #[test]
    fn a_folder_that_was_removed_is_made_again_for_its_owner() {
        use std::os::unix::fs::PermissionsExt;
        let parent = tempfile::tempdir().expect("a folder");
        let folder = parent.path().join("data/recordings");
        let settings = RecordingSettings::plain(folder.clone());
        let (_, name) = Part::create(&settings, call()).expect("made");
        assert!(folder.join(name).is_file());
        let mode = std::fs::metadata(&folder).expect("a folder").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn a_second_file_of_a_call_does_not_touch_the_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = RecordingSettings::plain(folder.path().to_owned());
        let (mut first, one) = Part::create(&settings, call()).expect("made");
        first.append(&[[7, 7]]).expect("written");
        let (_, two) = Part::create(&settings, call()).expect("made");
        assert_eq!([one.clone(), two], [1, 2].map(|n| name_of(call(), n, Format::Wav, false)));
        assert_eq!(std::fs::read(folder.path().join(one)).expect("reads").len(), 48);
    }

    #[test]
    fn without_a_key_nothing_is_written_in_the_open() {
        let folder = tempfile::tempdir().expect("a folder");
        let plain = RecordingSettings::plain(folder.path().to_owned());
        let settings = RecordingSettings { encrypt: true, ..plain };
        Part::create(&settings, call()).expect_err("there is no key");
        let files = std::fs::read_dir(folder.path()).expect("a folder");
        assert_eq!(files.filter(|f| f.as_ref().is_ok_and(|f| f.path().is_file())).count(), 0);
    }
}
