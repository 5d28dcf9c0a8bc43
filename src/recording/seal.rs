//! Makes a finished recording safe: on disk (fsync), with the SHA-256 of the whole file.
//!
//! A sealed file is never opened for writing again.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek};
use std::iter;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use sha2::{Digest, Sha256};

use super::library::{Library, Reader};
use super::part::kind_of;
use super::settings::Format;
use super::timeline::RATE;
use super::wav::{self, HEADER_BYTES};
use super::{RecordingError, keys, locked};
use crate::call::orders::RecorderReport;
use crate::vocabulary::{CallId, hex};

/// A file that will not change again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// File name under the recordings folder.
    pub file: String,
    /// SHA-256 of the whole file, lower-case hexadecimal.
    pub sha256: String,
    /// Length of the audio in milliseconds.
    pub millis: u64,
    /// Length of the file in bytes.
    pub bytes: u64,
}

impl Library {
    /// Repairs and seals a file whose writer was stopped: what is no whole frame, page or chunk at its
    /// end is taken off, and its header is made to say how long it is.
    ///
    /// # Errors
    /// [`RecordingError`] when `file` is no name of a recording, is none of ours, its key is not there,
    /// or the system refuses. The file is untouched unless it is ours.
    pub fn seal_left_over(&self, file: &str) -> Result<Sealed, RecordingError> {
        let (path, format, locked) = self.find(file)?;
        let failed = |tried, source| RecordingError::File { tried, path: path.clone(), source };
        let handle = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .map_err(|error| failed("opened", error))?;
        if locked {
            let settings = &self.settings;
            let key = keys::key_of(&settings.folder, file, &settings.master_key_file);
            let key = key.map_err(|error| failed("opened", error))?;
            locked::repair(&handle, &key, file).map_err(|error| failed("repaired", error))?;
        } else {
            self.repair_open(&handle, format, &path)?;
        }
        let (_, frames) = self.open(file)?.extent().map_err(|error| failed("read", error))?;
        seal(&self.settings.folder, file, handle, frames).map_err(|error| failed("synced", error))
    }

    fn repair_open(&self, file: &File, format: Format, path: &Path) -> Result<(), RecordingError> {
        let failed = |tried, source| RecordingError::File { tried, path: path.to_owned(), source };
        let reader = file.try_clone().and_then(|file| Reader::over(file, format));
        let reader = reader.map_err(|error| failed("read", error))?;
        let mut start = vec![0; HEADER_BYTES];
        let count = reader.read_at(&mut start, 0).map_err(|error| failed("read", error))?;
        start.truncate(count);
        let ours = match format {
            Format::Wav => wav::is_ours(&start),
            Format::Ogg => start.iter().zip(b"OggS").all(|(found, wanted)| found == wanted),
        };
        if !ours {
            return Err(RecordingError::NotOurs { path: path.to_owned() });
        }
        let (end, _) = reader.extent().map_err(|error| failed("read", error))?;
        let header = wav::header(end.saturating_sub(HEADER_BYTES as u64));
        let repaired = file.set_len(end).and_then(|()| match format {
            Format::Wav => file.write_all_at(&header, 0),
            Format::Ogg => Ok(()),
        });
        repaired.map_err(|error| failed("repaired", error))
    }
}

fn seal(folder: &Path, name: &str, file: File, frames: u64) -> io::Result<Sealed> {
    file.sync_all()?;
    sync_key(folder, name)?;
    sync_folder(folder)?;
    hashed(name.to_owned(), file, frames)
}

/// A locked file is worth nothing without its key.
fn sync_key(folder: &Path, name: &str) -> io::Result<()> {
    match kind_of(name) {
        Some((_, true)) => keys::sync(folder, name),
        _ => Ok(()),
    }
}

/// The folder's entry of a new file is made safe apart from the file.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn hashed(name: String, mut file: File, frames: u64) -> io::Result<Sealed> {
    file.rewind()?;
    let (mut hash, mut buffer, mut bytes) = (Sha256::new(), vec![0; 64 << 10], 0);
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        hash.update(buffer.get(..count).unwrap_or_default());
        bytes += count as u64;
    }
    let sha256 = hex(&hash.finalize());
    Ok(Sealed { file: name, sha256, millis: frames * 1000 / RATE, bytes })
}

/// A file on its way to being sealed.
#[derive(Debug)]
pub(super) struct Finished {
    pub call: CallId,
    pub name: String,
    /// The closed file and its frames; none when writing it failed, so that it is to be repaired.
    pub file: Option<(File, u64)>,
}

/// The thread that seals, so that no fsync holds up the audio of other calls.
#[derive(Debug)]
pub(super) struct Sealer {
    files: Sender<Finished>,
    reports: Receiver<RecorderReport>,
    thread: JoinHandle<()>,
    waiting: usize,
}

/// Seals files that wait together: their entries in the folder are made safe by one flush.
fn seal_all(library: &Library, files: Vec<Finished>) -> Vec<RecorderReport> {
    let folder = &library.settings.folder;
    let sync = |it: &Finished| match &it.file {
        Some((file, _)) => file.sync_all().and_then(|()| sync_key(folder, &it.name)),
        None => Ok(()),
    };
    let synced: Vec<io::Result<()>> = files.iter().map(sync).collect();
    let entries = sync_folder(folder).map_err(|error| (error.kind(), error.to_string()));
    let seal = |(Finished { call, name, file }, synced): (Finished, io::Result<()>)| {
        let tried = format!("sealing {}", folder.join(&name).display());
        let entries = entries.clone().map_err(|(kind, why)| io::Error::new(kind, why));
        let sealed = match file {
            Some((file, frames)) => synced
                .and(entries)
                .and_then(|()| hashed(name.clone(), file, frames))
                .map_err(|error| error.to_string()),
            None => library.seal_left_over(&name).map_err(|error| error.to_string()),
        };
        match sealed {
            Ok(Sealed { file, sha256, millis, bytes }) => {
                RecorderReport::Sealed { call, file, sha256, millis, bytes }
            }
            Err(error) => {
                RecorderReport::Failed { call, file: name, why: format!("{tried}: {error}") }
            }
        }
    };
    files.into_iter().zip(synced).map(seal).collect()
}

impl Sealer {
    pub fn start(library: Library) -> io::Result<Self> {
        let (files, inbox) = channel::<Finished>();
        let (outbox, reports) = channel();
        let thread = std::thread::Builder::new().name("sealer".to_owned()).spawn(move || {
            for first in &inbox {
                let files: Vec<Finished> = iter::once(first).chain(inbox.try_iter()).collect();
                for report in seal_all(&library, files) {
                    if outbox.send(report).is_err() {
                        return;
                    }
                }
            }
        })?;
        Ok(Self { files, reports, thread, waiting: 0 })
    }

    pub fn seal(&mut self, finished: Finished) {
        self.waiting += usize::from(self.files.send(finished).is_ok());
    }

    /// Whether reports are still to come.
    pub const fn is_busy(&self) -> bool {
        self.waiting > 0
    }

    /// Reports that have come in.
    pub fn reports(&mut self) -> Vec<RecorderReport> {
        let reports: Vec<RecorderReport> = self.reports.try_iter().collect();
        self.waiting = self.waiting.saturating_sub(reports.len());
        reports
    }

    /// Waits until everything is sealed and returns the last reports.
    pub fn finish(self) -> Vec<RecorderReport> {
        drop(self.files);
        let reports = self.reports.iter().collect();
        if self.thread.join().is_err() {
            tracing::error!("the sealing thread had panicked");
        }
        reports
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library(folder: &tempfile::TempDir) -> Library {
        Library::new(super::super::RecordingSettings::plain(folder.path().to_owned()))
    }

    fn write(folder: &Path, name: &str, bytes: &[u8]) {
        std::fs::write(folder.join(name), bytes).expect("writes");
    }

    #[test]
    fn a_left_over_file_is_repaired_and_sealed() {
        let folder = tempfile::tempdir().expect("a folder");
        // The header says 8 bytes; 32 and a cut frame are there.
        let mut bytes = wav::header(8).to_vec();
        bytes.extend([5; 35]);
        write(folder.path(), "left.wav", &bytes);
        let sealed = library(&folder).seal_left_over("left.wav").expect("sealed");
        assert_eq!((sealed.bytes, sealed.millis), (76, 1));
        let reader = hound::WavReader::open(folder.path().join("left.wav")).expect("a WAV file");
        assert_eq!(reader.duration(), 8);
        assert_eq!(library(&folder).seal_left_over("left.wav").expect("again"), sealed);
    }

    #[test]
    fn a_file_killed_at_birth_becomes_an_empty_recording() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "born.wav", b"");
        let sealed = library(&folder).seal_left_over("born.wav").expect("sealed");
        assert_eq!((sealed.bytes, sealed.millis), (44, 0));
        // sha256sum of the 44 bytes of an empty recording.
        assert_eq!(sealed.sha256.len(), 64);
    }

    #[test]
    fn the_hash_is_the_one_that_everybody_computes() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "abc", b"abc");
        let file = File::open(folder.path().join("abc")).expect("opens");
        let sealed = seal(folder.path(), "abc", file, 0).expect("sealed");
        // FIPS 180-4, example of "abc".
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sealed.sha256, known);
    }

    #[test]
    fn foreign_files_and_ways_out_of_the_folder_are_refused_untouched() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["notes.wav", "notes.ogg", "notes.txt"] {
            write(folder.path(), name, b"not a recording at all");
            library(&folder).seal_left_over(name).expect_err("none of ours");
            let kept = std::fs::read(folder.path().join(name)).expect("reads");
            assert_eq!(kept, b"not a recording at all");
        }
        for name in ["../notes.txt", "", "..", "/etc/passwd", "a/b.wav", "a.wav/"] {
            let refused = library(&folder).seal_left_over(name);
            assert!(matches!(refused, Err(RecordingError::Name { .. })), "{name:?}: {refused:?}");
        }
        let missing = library(&folder).seal_left_over("gone.wav");
        assert!(matches!(missing, Err(RecordingError::File { tried: "opened", .. })));
    }
}
