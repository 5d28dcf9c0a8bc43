//! The two files that people are kept in: replaced whole or not at all, readable by their owner alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// Bytes of a file that are read: a thousand people and tokens stay far below.
const BYTES: u64 = 16 << 20;

/// Why a file of people could not be read or written.
#[derive(Debug, Error)]
#[error("cannot {what} {}: {source}; mend {how}", path.display())]
pub struct FileError {
    what: &'static str,
    path: PathBuf,
    source: io::Error,
    how: &'static str,
}

impl FileError {
    fn new<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + use<'a> {
        move |source| {
            let how = match source.kind() {
                ErrorKind::InvalidData => {
                    "the file, or put back a copy; it is not touched until then"
                }
                _ => "room and rights of the folder: the gateway's user must own it",
            };
            Self { what, path: path.to_owned(), source, how }
        }
    }
}

/// Tells one content of a file from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp(u64, i64, i64, u64);

/// The stamp of a file; none when it is not there.
pub(super) fn stamp(path: &Path) -> Option<Stamp> {
    let meta = fs::metadata(path).ok()?;
    Some(Stamp(meta.ino(), meta.mtime(), meta.mtime_nsec(), meta.len()))
}

/// Reads a file; what it stands for when nobody has written one yet.
pub(super) fn read<T: DeserializeOwned + Default>(path: &Path) -> Result<T, FileError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(T::default()),
        Err(error) => return Err(FileError::new("read", path)(error)),
    };
    let content = io::read_to_string(io::Read::take(file, BYTES));
    let content = content.map_err(FileError::new("read", path))?;
    serde_json::from_str(&content).map_err(|error| {
        // The words of the parser may hold what stands in the file.
        let place = format!("line {}, column {}", error.line(), error.column());
        FileError::new("read", path)(io::Error::new(ErrorKind::InvalidData, place))
    })
}

/// Replaces a file. A power cut leaves the old one or the new one.
pub(super) fn write(path: &Path, value: &impl Serialize) -> Result<(), FileError> {
    let text = serde_json::to_vec_pretty(value);
    let text = text.map_err(|error| FileError::new("write", path)(error.into()))?;
    let new = path.with_extension("json.new");
    replace(path, &new, &text).map_err(FileError::new("write", path))
}

fn replace(path: &Path, new: &Path, text: &[u8]) -> io::Result<()> {
    // One that a crash has left may be somebody's trap: it is never written through.
    match fs::remove_file(new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(new)?;
    file.write_all(text)?;
    file.write_all(b"\n")?;
    if let Some(folder) = path.parent() {
        // The command may run as root, and the gateway must be able to read it: it goes to whom the
        // folder belongs. Whoever may not give files away is that user already.
        let owner = fs::metadata(folder)?;
        let _ = chown(new, Some(owner.uid()), Some(owner.gid()));
    }
    file.sync_all()?;
    fs::rename(new, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// Lets one process at a time change the files of a folder; held until it is dropped.
pub(super) fn lock(path: &Path) -> Result<File, FileError> {
    let locked = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    let locked = locked.and_then(|file| file.lock().map(|()| file));
    locked.map_err(FileError::new("lock", path))
}
