//! Makes a finished recording safe: on disk (fsync), with the SHA-256 of the whole file.
//!
//! A sealed file is never opened for writing again.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek};
use std::iter;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use sha2::{Digest, Sha256};

use super::RecordingError;
use super::timeline::RATE;
use super::wav::{self, FRAME_BYTES, HEADER_BYTES};
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

/// Repairs and seals a recording that a killed process left in `folder`: its header is made to say
/// how long the file is, a last frame cut in the middle is taken off.
///
/// # Errors
/// [`RecordingError`] when `file` is not a plain name, is none of our recordings, or the system
/// refuses. The file is untouched unless it is ours.
pub fn seal_left_over(folder: &Path, file: &str) -> Result<Sealed, RecordingError> {
    if Path::new(file).file_name().is_none_or(|name| name != file) {
        return Err(RecordingError::Name { file: file.to_owned() });
    }
    let path = folder.join(file);
    let failed = |tried, source| RecordingError::File { tried, path: path.clone(), source };
    let mut handle = OpenOptions::new()
        .read(true)
        .write(true)
        .open(&path)
        .map_err(|error| failed("opened", error))?;
    let mut start = Vec::new();
    Read::by_ref(&mut handle)
        .take(HEADER_BYTES as u64)
        .read_to_end(&mut start)
        .map_err(|error| failed("read", error))?;
    if !wav::is_ours(&start) {
        return Err(RecordingError::NotOurs { path });
    }
    let length = handle.metadata().map_err(|error| failed("read", error))?.len();
    let samples = length.saturating_sub(HEADER_BYTES as u64);
    let samples = samples - samples % u64::from(FRAME_BYTES);
    handle
        .set_len(HEADER_BYTES as u64 + samples)
        .and_then(|()| handle.write_all_at(&wav::header(samples), 0))
        .map_err(|error| failed("repaired", error))?;
    seal(folder, file.to_owned(), handle).map_err(|error| failed("synced", error))
}

fn seal(folder: &Path, name: String, file: File) -> io::Result<Sealed> {
    file.sync_all()?;
    sync_folder(folder)?;
    hashed(name, file)
}

/// The folder's entry of a new file is made safe apart from the file.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn hashed(name: String, mut file: File) -> io::Result<Sealed> {
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
    let frames = bytes.saturating_sub(HEADER_BYTES as u64) / u64::from(FRAME_BYTES);
    Ok(Sealed { file: name, sha256, millis: frames * 1000 / RATE, bytes })
}

/// A finished file on its way to being sealed.
#[derive(Debug)]
pub(super) struct Finished {
    pub call: CallId,
    pub name: String,
    pub file: File,
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
fn seal_all(folder: &Path, files: Vec<Finished>) -> Vec<RecorderReport> {
    let synced: Vec<io::Result<()>> = files.iter().map(|it| it.file.sync_all()).collect();
    let entries = sync_folder(folder).map_err(|error| (error.kind(), error.to_string()));
    let seal = |(Finished { call, name, file }, synced): (Finished, io::Result<()>)| {
        let tried = format!("sealing {}", folder.join(&name).display());
        let entries = entries.clone().map_err(|(kind, why)| io::Error::new(kind, why));
        match synced.and(entries).and_then(|()| hashed(name, file)) {
            Ok(Sealed { file, sha256, millis, bytes }) => {
                RecorderReport::Sealed { call, file, sha256, millis, bytes }
            }
            Err(error) => RecorderReport::Failed { call, why: format!("{tried}: {error}") },
        }
    };
    files.into_iter().zip(synced).map(seal).collect()
}

impl Sealer {
    pub fn start(folder: PathBuf) -> io::Result<Self> {
        let (files, inbox) = channel::<Finished>();
        let (outbox, reports) = channel();
        let thread = std::thread::Builder::new().name("sealer".to_owned()).spawn(move || {
            for first in &inbox {
                let files: Vec<Finished> = iter::once(first).chain(inbox.try_iter()).collect();
                for report in seal_all(&folder, files) {
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
        let sealed = seal_left_over(folder.path(), "left.wav").expect("sealed");
        assert_eq!((sealed.bytes, sealed.millis), (76, 1));
        let reader = hound::WavReader::open(folder.path().join("left.wav")).expect("a WAV file");
        assert_eq!(reader.duration(), 8);
        assert_eq!(seal_left_over(folder.path(), "left.wav").expect("again"), sealed);
    }

    #[test]
    fn a_file_killed_at_birth_becomes_an_empty_recording() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "born.wav", b"");
        let sealed = seal_left_over(folder.path(), "born.wav").expect("sealed");
        assert_eq!((sealed.bytes, sealed.millis), (44, 0));
        // sha256sum of the 44 bytes of an empty recording.
        assert_eq!(sealed.sha256.len(), 64);
    }

    #[test]
    fn the_hash_is_the_one_that_everybody_computes() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "abc", b"abc");
        let file = File::open(folder.path().join("abc")).expect("opens");
        let sealed = seal(folder.path(), "abc".to_owned(), file).expect("sealed");
        // FIPS 180-4, example of "abc".
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sealed.sha256, known);
    }

    #[test]
    fn foreign_files_and_ways_out_of_the_folder_are_refused_untouched() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "notes.txt", b"not a recording at all");
        let refused = seal_left_over(folder.path(), "notes.txt");
        assert!(matches!(refused, Err(RecordingError::NotOurs { .. })), "{refused:?}");
        let kept = std::fs::read(folder.path().join("notes.txt")).expect("reads");
        assert_eq!(kept, b"not a recording at all");
        for name in ["../notes.txt", "", "..", "/etc/passwd", "a/b.wav", "a.wav/"] {
            let refused = seal_left_over(folder.path(), name);
            assert!(matches!(refused, Err(RecordingError::Name { .. })), "{name:?}: {refused:?}");
        }
        let missing = seal_left_over(folder.path(), "gone.wav");
        assert!(matches!(missing, Err(RecordingError::File { tried: "opened", .. })));
    }
}
