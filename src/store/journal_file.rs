//! The journal's files: segments of JSON lines, `<first seq, 16 digits>.jsonl`, that are only ever
//! appended to. Reading tolerates a torn tail; verifying walks the whole chain.
//!
//! It never writes; that is `journal_writer`'s.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::Serialize;
use thiserror::Error;

use super::call_keys::CallKeys;
use crate::journal::{Chain, ChainError, Line, chain};
use crate::vocabulary::WallTime;

/// Bytes of one line that are read: an INVITE of 64 KiB, escaped, with its parts kept beside it,
/// stays far below.
const LINE_BYTES: u64 = 16 << 20;

/// Faults that a verification lists one by one; more are only counted.
const LISTED_FAULTS: usize = 100;

/// What went wrong with the journal's files.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The operating system refused something.
    #[error("journal: cannot {what} {path}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process writes this journal.
    #[error(
        "journal: another siaga112 writes to {path}; stop it or give this one its own data_dir"
    )]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// A journal file was deleted under the running program.
    #[error("journal: {path} was deleted while it was being written")]
    Deleted {
        /// The file.
        path: PathBuf,
    },
}

impl JournalError {
    /// Names what was tried on which path.
    pub(super) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }
}

/// The segments of `folder` by their first number, oldest first. A folder that is not there has
/// none; files with other names are not ours.
///
/// # Errors
/// When the folder cannot be listed.
pub fn segments(folder: &Path) -> Result<Vec<(u64, PathBuf)>, JournalError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(JournalError::io("list", folder)(e)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(JournalError::io("list", folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let first = name.strip_suffix(".jsonl").filter(|digits| digits.len() == 16);
        if let Some(first) = first.and_then(|digits| digits.parse().ok()) {
            found.push((first, path));
        }
    }
    found.sort();
    Ok(found)
}

/// The name of the segment whose first line has number `first`.
pub(super) fn segment_name(first: u64) -> String {
    format!("{first:016}.jsonl")
}

/// Flushes the newest segment, whoever writes it.
pub(super) fn flush(folder: &Path) -> Result<(), JournalError> {
    let Some((_, path)) = segments(folder)?.pop() else { return Ok(()) };
    let flushed = File::open(&path).and_then(|file| file.sync_data());
    flushed.map_err(JournalError::io("flush", &path))
}

/// One step of reading a segment.
pub(super) enum Step {
    /// A line without its line feed.
    Whole(Vec<u8>),
    /// Bytes without a line feed at the end: cut off, or not yet written to the end.
    Torn,
    /// Nothing more.
    End,
}

/// One open segment, read line by line.
#[derive(Debug)]
pub(super) struct Segment {
    path: PathBuf,
    file: BufReader<File>,
    /// Where the next line begins.
    pub(super) offset: u64,
}

impl Segment {
    pub(super) fn open(path: &Path) -> Result<Self, JournalError> {
        let file = File::open(path).map_err(JournalError::io("open", path))?;
        Ok(Self { path: path.to_owned(), file: BufReader::with_capacity(1 << 16, file), offset: 0 })
    }

    pub(super) fn step(&mut self) -> Result<Step, JournalError> {
        let mut line = Vec::new();
        let read = (&mut self.file)
            .take(LINE_BYTES)
            .read_until(b'\n', &mut line)
            .map_err(JournalError::io("read", &self.path))?;
        if line.last() == Some(&b'\n') {
            self.offset += read as u64;
            line.pop();
            return Ok(Step::Whole(line));
        }
        self.rewind()?;
        Ok(if read == 0 { Step::End } else { Step::Torn })
    }

    /// Forgets what was read ahead: a writer that failed may have cut those bytes off again.
    fn rewind(&mut self) -> Result<(), JournalError> {
        let seek = self.file.seek(SeekFrom::Start(self.offset));
        seek.map(|_| ()).map_err(JournalError::io("read", &self.path))
    }
}

/// Reads a journal's lines in order, from any number on. At the end it can be asked again later:
/// it goes on where it stood, into the segments that have come since.
#[derive(Debug)]
pub struct JournalReader {
    folder: PathBuf,
    next_seq: u64,
    open: Option<(u64, Segment)>,
    keys: CallKeys,
}

/// Reads the journal in `folder` from line `seq` on. When that line is gone, the first later one
/// comes first.
#[must_use]
pub fn read_from(folder: &Path, seq: u64) -> JournalReader {
    let keys = CallKeys::of(folder);
    JournalReader { folder: folder.to_owned(), next_seq: seq, open: None, keys }
}

impl JournalReader {
    /// The number of the line that is due next.
    #[must_use]
    pub const fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Reads up to `limit` lines whose number is at most `until`.
    ///
    /// # Errors
    /// When the folder or a file cannot be read.
    pub fn batch(&mut self, until: u64, limit: usize) -> Result<Vec<Line>, JournalError> {
        if let Some((_, segment)) = &mut self.open {
            segment.rewind()?;
        }
        let mut lines = Vec::new();
        while lines.len() < limit && self.next_seq <= until {
            match self.next_line()? {
                Some(line) if line.seq <= until => lines.push(line),
                Some(_) | None => break,
            }
        }
        Ok(lines)
    }

    fn next_line(&mut self) -> Result<Option<Line>, JournalError> {
        let mut newer: Option<(u64, PathBuf)> = None;
        loop {
            let Some((first, segment)) = &mut self.open else {
                let all = segments(&self.folder)?;
                let at = all.partition_point(|(first, _)| *first <= self.next_seq);
                let Some((first, path)) = all.get(at.saturating_sub(1)) else { return Ok(None) };
                self.open = Some((*first, Segment::open(path)?));
                continue;
            };
            if let Step::Whole(bytes) = segment.step()? {
                match chain::read(&bytes) {
                    Ok(line) if line.seq < self.next_seq => {}
                    Ok(mut line) => {
                        if line.locked {
                            line.entry = self.keys.read(&bytes).1;
                        }
                        self.next_seq = line.seq + 1;
                        return Ok(Some(line));
                    }
                    Err(error) => {
                        tracing::error!(path = %segment.path.display(), %error,
                            "a journal line cannot be read and is passed over");
                    }
                }
                continue;
            }
            // A segment is over only when a newer one was there before its end was seen.
            if let Some((first, path)) = newer.take() {
                self.open = Some((first, Segment::open(&path)?));
                continue;
            }
            let first = *first;
            newer = segments(&self.folder)?.into_iter().find(|(other, _)| *other > first);
            if newer.is_none() {
                return Ok(None);
            }
        }
    }
}

impl Iterator for JournalReader {
    type Item = Result<Line, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_line().transpose()
    }
}

/// What a walk over the whole chain found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// Files read.
    pub segments: usize,
    /// Lines read.
    pub entries: u64,
    /// Number of the first line; 0 when there is none.
    pub first_seq: u64,
    /// Number of the last line; 0 when there is none.
    pub last_seq: u64,
    /// The last line was cut off or is just being written.
    pub torn: bool,
    /// How many faults there are.
    pub faults_total: u64,
    /// The first hundred of them.
    pub faults: Vec<Fault>,
}

/// One place where the chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The segment's file name.
    pub segment: String,
    /// Line within it, counted from 1.
    pub line: u64,
    /// What is wrong.
    pub why: String,
}

impl VerifyReport {
    /// Whether the chain holds from its first line to its last.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.faults_total == 0
    }

    fn fault(&mut self, segment: &Path, line: u64, why: &str) {
        self.faults_total += 1;
        if self.faults.len() < LISTED_FAULTS {
            let name = segment.file_name().unwrap_or_default().to_string_lossy().into_owned();
            self.faults.push(Fault { segment: name, line, why: why.to_owned() });
        }
    }
}

/// Walks the whole chain of the journal in `folder`.
///
/// # Errors
/// When the folder or a file cannot be read; what is wrong with the content is in the report.
pub fn verify(folder: &Path) -> Result<VerifyReport, JournalError> {
    walk(folder, 0, &mut |_, _| {})
}

/// The first line of the segment that was being written at `at`.
///
/// # Errors
/// When the folder or a file cannot be read.
pub fn segment_of(folder: &Path, at: WallTime) -> Result<u64, JournalError> {
    let mut found = 0;
    for (first, path) in segments(folder)? {
        let Step::Whole(line) = Segment::open(&path)?.step()? else { continue };
        if chain::time(&line).is_some_and(|begins| begins > at) {
            break;
        }
        found = first;
    }
    Ok(found)
}

/// Walks the chain of the journal in `folder` from the segment that begins with line `since`, from its
/// beginning with 0, and shows each line that can be read, with its bytes. It holds one line in memory.
///
/// # Errors
/// When the folder or a file cannot be read; what is wrong with the content is in the report.
pub fn walk(
    folder: &Path,
    since: u64,
    each: &mut dyn FnMut(&Line, &[u8]),
) -> Result<VerifyReport, JournalError> {
    let mut report = VerifyReport::default();
    let mut walk: Option<Chain> = None;
    let all: Vec<_> = segments(folder)?.into_iter().filter(|(first, _)| *first >= since).collect();
    if let Some((first, path)) = all.first().filter(|(first, _)| since == 0 && *first > 1) {
        let why = format!("the files before it are missing, with the lines 1 to {}", first - 1);
        report.fault(path, 0, &why);
    }
    report.segments = all.len();
    let newest = all.last().map(|(first, _)| *first);
    for (first, path) in &all {
        let mut segment = Segment::open(path)?;
        for number in 1.. {
            let bytes = match segment.step()? {
                Step::Whole(bytes) => bytes,
                Step::Torn if Some(*first) == newest => {
                    report.torn = true;
                    break;
                }
                Step::Torn => {
                    report.fault(path, number, "it is cut off");
                    break;
                }
                Step::End => break,
            };
            report.entries += 1;
            let result = match &mut walk {
                Some(chain) => chain.accept(&bytes),
                None => start(*first, &bytes).map(|(chain, line)| {
                    walk = Some(chain);
                    report.first_seq = line.seq;
                    line
                }),
            };
            match result {
                Ok(line) => {
                    report.last_seq = line.seq;
                    each(&line, &bytes);
                }
                Err(ChainError::Number { wanted, found }) if number == 1 && found > wanted => {
                    let last = found - 1;
                    let why =
                        format!("a file before it is missing, with the lines {wanted} to {last}");
                    report.fault(path, number, &why);
                }
                Err(error) => report.fault(path, number, &error.to_string()),
            }
        }
    }
    Ok(report)
}

/// The chain that begins with the oldest line that is left.
fn start(first: u64, bytes: &[u8]) -> Result<(Chain, Line), ChainError> {
    let line = chain::read(bytes)?;
    if line.seq != first {
        return Err(ChainError::Number { wanted: first, found: line.seq });
    }
    if first == 1 {
        let mut chain = Chain::default();
        chain.accept(bytes)?;
    }
    Ok((Chain::after(&line), line))
}
