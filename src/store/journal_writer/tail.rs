//! The end of the journal on disk: finding it, repairing it, writing behind it. Writing and flushing are two
//! steps: what is written outlives a killed process at once, however long the disk takes to flush.
//!
//! It decides nothing about when: that is the writer's.

use std::fs::{self, File, TryLockError};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::journal::{Chain, Line, chain};
use crate::store::call_keys::KeyMaker;
use crate::store::journal_file::{JournalError, Segment, Step, segment_name, segments};

/// The end of the journal on disk.
#[derive(Debug)]
pub(super) struct Tail {
    folder: PathBuf,
    /// Behind the last line that is flushed.
    pub(super) safe: Chain,
    /// Behind the last line that is written.
    pub(super) chain: Chain,
    pub(super) segment: Option<Open>,
    pub(super) keys: KeyMaker,
    /// Held for as long as we write; the system frees it however the process ends.
    _lock: File,
}

/// The segment that is written to.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) path: PathBuf,
    /// Bytes of it that are flushed.
    good: u64,
    /// Bytes of it that are written.
    end: u64,
    /// None after a failure: it is opened anew, and what stands behind the good bytes is cut off.
    pub(super) file: Option<Arc<File>>,
}

/// What is written and is to be flushed.
#[derive(Debug)]
pub(super) struct Flush {
    file: Arc<File>,
    path: PathBuf,
    pub(super) mark: Mark,
}

/// How far a flush reaches.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    chain: Chain,
    end: u64,
}

impl Mark {
    /// Number of the last line that it reaches.
    pub(super) const fn last_seq(&self) -> u64 {
        self.chain.next_seq.saturating_sub(1)
    }
}

impl Flush {
    /// Waits until the disk has it.
    pub(super) fn run(&self) -> Result<(), JournalError> {
        let path = self.path.as_path();
        self.file.sync_data().map_err(JournalError::io("flush", path))?;
        let meta = self.file.metadata().map_err(JournalError::io("look at", path))?;
        if meta.nlink() == 0 {
            return Err(JournalError::Deleted { path: path.to_owned() });
        }
        Ok(())
    }
}

impl Tail {
    /// Takes the folder for this process, makes it when it is not there, and finds the end; true
    /// when a torn last line was cut off.
    pub(super) fn open(folder: &Path) -> Result<(Self, bool), JournalError> {
        fs::create_dir_all(folder).map_err(JournalError::io("make", folder))?;
        let lock = lock(folder)?;
        let (chain, segment, torn) = repair(folder)?;
        let keys = KeyMaker::of(folder);
        let folder = folder.to_owned();
        Ok((Self { folder, safe: chain, chain, segment, keys, _lock: lock }, torn))
    }

    /// Number of the last line that is flushed; 0 when there is none.
    pub(super) const fn last_seq(&self) -> u64 {
        self.safe.next_seq.saturating_sub(1)
    }

    /// Whether the segment has what it is to have, and the next line belongs into another.
    pub(super) fn is_full(&self, segment_bytes: u64) -> bool {
        self.segment.as_ref().is_some_and(|segment| segment.end >= segment_bytes)
    }

    /// Writes `bodies` as the next lines: they outlive this process, and a flush makes them outlive the machine.
    /// A full segment is left only when all of it is flushed, so who calls waits for that. After an error none
    /// of them counts, and [`Tail::rewind`] comes before the next try.
    pub(super) fn write<'a>(
        &mut self,
        bodies: impl Iterator<Item = &'a [u8]>,
        segment_bytes: u64,
    ) -> Result<(), JournalError> {
        let mut chain = self.chain;
        let mut bytes = Vec::new();
        bodies.for_each(|body| chain.seal(body, &mut bytes));
        if self.is_full(segment_bytes) {
            self.segment = None;
        }
        let path = self.folder.join(segment_name(self.chain.next_seq));
        let segment = self.segment.get_or_insert(Open { path, good: 0, end: 0, file: None });
        let path = segment.path.as_path();
        let file = match segment.file.take() {
            Some(file) => file,
            None => Arc::new(open_at(&self.folder, path, segment.good)?),
        };
        (&*file).write_all(&bytes).map_err(JournalError::io("write to", path))?;
        segment.end += bytes.len() as u64;
        segment.file = Some(file);
        self.chain = chain;
        Ok(())
    }

    /// What is to be flushed; nothing where a write has failed.
    pub(super) fn flush(&self) -> Option<Flush> {
        let segment = self.segment.as_ref()?;
        let mark = Mark { chain: self.chain, end: segment.end };
        Some(Flush { file: Arc::clone(segment.file.as_ref()?), path: segment.path.clone(), mark })
    }

    /// The disk has everything up to there.
    pub(super) const fn flushed(&mut self, mark: &Mark) {
        self.safe = mark.chain;
        if let Some(segment) = &mut self.segment {
            segment.good = mark.end;
        }
    }

    /// Goes back to what is flushed: after a failed flush the system forgets which pages were not written, so
    /// everything behind it is written again. A segment that was deleted is followed by a new one.
    pub(super) fn rewind(&mut self, deleted: bool) {
        self.chain = self.safe;
        if deleted {
            self.segment = None;
        }
        if let Some(segment) = &mut self.segment {
            segment.end = segment.good;
            segment.file = None;
        }
    }
}

/// Opens a segment for writing behind its `good` bytes and cuts off what follows them.
fn open_at(folder: &Path, path: &Path, good: u64) -> Result<File, JournalError> {
    if good == 0 {
        fs::create_dir_all(folder).map_err(JournalError::io("make", folder))?;
    }
    let mut file =
        File::options().write(true).create(good == 0).truncate(false).open(path).map_err(|e| {
            match e.kind() {
                std::io::ErrorKind::NotFound if good > 0 => {
                    JournalError::Deleted { path: path.to_owned() }
                }
                _ => JournalError::io("open", path)(e),
            }
        })?;
    let length = file.metadata().map_err(JournalError::io("look at", path))?.len();
    if length < good {
        return Err(JournalError::Deleted { path: path.to_owned() });
    }
    if length > good {
        file.set_len(good).map_err(JournalError::io("cut", path))?;
    }
    file.seek(SeekFrom::Start(good)).map_err(JournalError::io("open", path))?;
    if good == 0 {
        // A new name is safe only when its folder is flushed too.
        let flushed = File::open(folder).and_then(|folder| folder.sync_all());
        flushed.map_err(JournalError::io("flush", folder))?;
    }
    Ok(file)
}

fn lock(folder: &Path) -> Result<File, JournalError> {
    let path = folder.join("writer.lock");
    let file = File::options().write(true).create(true).truncate(false).open(&path);
    let file = file.map_err(JournalError::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(JournalError::InUse { path: folder.to_owned() }),
        Err(TryLockError::Error(e)) => Err(JournalError::io("lock", &path)(e)),
    }
}

/// Finds the last whole line, cuts off what stands behind it, and says where the chain goes on.
/// Segments that hold no whole line are removed: nothing in them was ever acknowledged.
fn repair(folder: &Path) -> Result<(Chain, Option<Open>, bool), JournalError> {
    let mut torn = false;
    for (_, path) in segments(folder)?.into_iter().rev() {
        let last = last_line(&path)?;
        let length = fs::metadata(&path).map_err(JournalError::io("look at", &path))?.len();
        let Some((line, good)) = last else {
            torn |= length > 0;
            fs::remove_file(&path).map_err(JournalError::io("remove the empty", &path))?;
            continue;
        };
        torn |= length > good;
        let file = open_at(folder, &path, good)?;
        file.sync_data().map_err(JournalError::io("flush", &path))?;
        return Ok((
            Chain::after(&line),
            Some(Open { path, good, end: good, file: Some(Arc::new(file)) }),
            torn,
        ));
    }
    Ok((Chain::default(), None, torn))
}

/// The last line of a segment that can be read, and where it ends. Those before it are not
/// looked into: a restart must be quick.
fn last_line(path: &Path) -> Result<Option<(Line, u64)>, JournalError> {
    let mut segment = Segment::open(path)?;
    let mut ends = vec![0];
    while let Step::Whole(_) = segment.step()? {
        ends.push(segment.offset);
    }
    let file = File::open(path).map_err(JournalError::io("open", path))?;
    while let (Some(end), Some(start)) = (ends.pop(), ends.last()) {
        let length = usize::try_from(end - start).unwrap_or_default();
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, *start).map_err(JournalError::io("read", path))?;
        bytes.pop();
        if let Ok(line) = chain::read(&bytes) {
            return Ok(Some((line, end)));
        }
    }
    Ok(None)
}
