//! Writes the journal: one thread that takes all waiting entries, writes them at once and flushes
//! once for all (group commit), then says which are safe.
//!
//! A full disk or an unwritable folder never panics, never blocks whoever appends, and loses
//! nothing below [`HELD_BYTES`] of waiting entries.

use std::collections::{HashSet, VecDeque};
use std::fs::{self, File, TryLockError};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use super::alarms::Alarms;
use super::call_keys::{CallKeys, KeyMaker};
use super::journal_file::{JournalError, Segment, Step, segment_name, segments};
use super::recovered::{OpenFacts, Recovered};
use crate::journal::sealed::{self, Owner, Split};
use crate::journal::{Chain, Entry, Fact, Line, chain};
use crate::vocabulary::WallTime;

/// A segment is closed when it has this many bytes.
const SEGMENT_BYTES: u64 = 64 << 20;
/// Segments that are read at the start for what was going on: more than the calls of an hour.
const RECOVERED_SEGMENTS: usize = 6;
/// Bytes of entries that are kept in memory while the disk fails; beyond it the oldest go.
const HELD_BYTES: usize = 64 << 20;
/// Bytes that one write takes at most, so that the first of a flood is not kept waiting.
const BATCH_BYTES: usize = 8 << 20;
/// How long messages of ladders wait for something that somebody waits for: a flush of their own
/// for each would double what a call costs.
const LINGER: Duration = Duration::from_millis(100);
/// How often a failing disk is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// What the journal tells the switchboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JournalReport {
    /// Every entry up to this ticket is on disk.
    Durable {
        /// The highest ticket of the batch.
        ticket: u64,
    },
    /// Writing failed; entries are held in memory and tried again each second. Said once.
    Failed {
        /// What was tried and what the system said.
        why: String,
    },
    /// Writing works again and everything held is on disk.
    Recovered {
        /// Entries that had to be dropped because too many were held; the journal says so too.
        dropped: u64,
    },
}

/// Bounds of the writer; tests make them small.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    segment_bytes: u64,
    held_bytes: usize,
    retry: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { segment_bytes: SEGMENT_BYTES, held_bytes: HELD_BYTES, retry: RETRY }
    }
}

/// A journal for writing, not yet running.
#[derive(Debug)]
pub struct JournalWriter {
    folder: PathBuf,
    /// None until the folder could be opened.
    tail: Option<Tail>,
    bounds: Bounds,
}

impl JournalWriter {
    /// Opens the journal in `folder`, makes the folder when it is not there, and cuts off a torn
    /// last line.
    ///
    /// # Errors
    /// When the folder cannot be made, read or written, or another process writes to it.
    pub fn open(folder: &Path) -> Result<(Self, Recovered), JournalError> {
        let (tail, torn) = Tail::open(folder)?;
        let mut open = OpenFacts::default();
        let mut keys = CallKeys::of(folder);
        let all = segments(folder)?;
        for (_, path) in all.iter().skip(all.len().saturating_sub(RECOVERED_SEGMENTS)) {
            let mut segment = Segment::open(path)?;
            while let Step::Whole(bytes) = segment.step()? {
                keys.own(&bytes);
                if !chain::is_ladder(&bytes) {
                    keys.read(&bytes).1.iter().for_each(|entry| open.follow(entry));
                }
            }
        }
        let recovered = open.finish(tail.chain.next_seq, torn);
        Ok((Self { tail: Some(tail), ..Self::later(folder) }, recovered))
    }

    /// A journal in a folder that cannot be opened now. Entries are held, and the folder is tried
    /// again with every batch and each second, as when a disk fails. What an earlier process left
    /// open there is closed by the next start.
    #[must_use]
    pub fn later(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), tail: None, bounds: Bounds::default() }
    }

    /// Starts the writing thread. `report` is called on that thread and must not block.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        self,
        report: impl Fn(JournalReport) + Send + 'static,
    ) -> Result<JournalHandle, JournalError> {
        let (work, inbox) = mpsc::channel();
        let (durable, durable_seen) = watch::channel(self.tail.as_ref().map_or(0, Tail::last_seq));
        let waiting = Arc::new(AtomicU64::new(0));
        let folder = self.folder.clone();
        let alarms = Alarms::recall(folder.parent().unwrap_or(&folder), &folder);
        let mut writer = Writer {
            folder: self.folder,
            tail: self.tail,
            bounds: self.bounds,
            inbox,
            held: VecDeque::new(),
            held_bytes: 0,
            held_ladders: 0,
            flush_at: None,
            dropped: 0,
            retry_at: None,
            durable,
            waiting: Arc::clone(&waiting),
            report,
        };
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || writer.run())
            .map_err(JournalError::io("start the thread of", &folder))?;
        let thread = Arc::new(Mutex::new(Some(thread)));
        Ok(JournalHandle { work, waiting, durable: durable_seen, thread, alarms })
    }
}

/// Where entries are handed in. Cheap to clone.
#[derive(Clone, Debug)]
pub struct JournalHandle {
    work: mpsc::Sender<Work>,
    waiting: Arc<AtomicU64>,
    durable: watch::Receiver<u64>,
    thread: Arc<Mutex<Option<JoinHandle<u64>>>>,
    alarms: Alarms,
}

#[derive(Debug)]
enum Work {
    Append(Vec<(u64, Entry)>),
    /// The sender learns the number of its line.
    Told(Box<Entry>, oneshot::Sender<u64>),
    /// No key of these owners is used from now on; the sender learns when that is so.
    Forget(HashSet<Owner>, oneshot::Sender<()>),
    Stop,
}

impl JournalHandle {
    /// Hands in one entry and returns at once; [`JournalReport::Durable`] with this ticket or a
    /// higher one follows. Tickets never fall; 0 when nobody waits for this entry.
    pub fn append(&self, ticket: u64, entry: Entry) {
        self.append_all(vec![(ticket, entry)]);
    }

    /// Hands in one entry and returns at once; the number of its line comes once it is on disk. An
    /// error says that it was lost or that the writer is gone. While the disk fails it takes until
    /// that is mended: whoever waits sets a time of their own, and the entry is kept all the same.
    pub fn append_told(&self, entry: Entry) -> oneshot::Receiver<u64> {
        let (told, waited) = oneshot::channel();
        self.alarms.follow(&entry);
        self.waiting.fetch_add(1, Ordering::Relaxed);
        if self.work.send(Work::Told(Box::new(entry), told)).is_err() {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            metrics::counter!("siaga112_journal_dropped_total").increment(1);
        }
        waited
    }

    /// Hands in entries that belong together: one flush makes them all safe.
    pub fn append_all(&self, entries: Vec<(u64, Entry)>) {
        let count = entries.len() as u64;
        entries.iter().for_each(|(_, entry)| self.alarms.follow(entry));
        self.waiting.fetch_add(count, Ordering::Relaxed);
        if self.work.send(Work::Append(entries)).is_err() {
            // After stop: the writer is gone and has said so.
            self.waiting.fetch_sub(count, Ordering::Relaxed);
            metrics::counter!("siaga112_journal_dropped_total").increment(count);
        }
    }

    /// Lets the writer use no key of these owners any more: they are about to be dropped. What is
    /// written of them later gets new ones. An error says that the writer is gone.
    pub fn forget_keys(&self, owners: HashSet<Owner>) -> oneshot::Receiver<()> {
        let (told, waited) = oneshot::channel();
        // An error drops the sender, which says it.
        let _ = self.work.send(Work::Forget(owners, told));
        waited
    }

    /// The alarms among what was handed in.
    #[must_use]
    pub const fn alarms(&self) -> &Alarms {
        &self.alarms
    }

    /// Entries handed in and not yet on disk.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// The number of the last line that is on disk, as it grows.
    #[must_use]
    pub fn durable(&self) -> watch::Receiver<u64> {
        self.durable.clone()
    }

    /// Writes what waits and ends the thread; returns how many entries could not be written.
    /// Blocks until then; later calls return 0 at once.
    #[must_use = "entries may have been lost"]
    pub fn stop(&self) -> u64 {
        // An error says that the thread has ended already; joining it tells the rest.
        let _ = self.work.send(Work::Stop);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        thread.map_or(0, |thread| thread.join().unwrap_or_default())
    }
}

struct Held {
    ticket: u64,
    at: WallTime,
    /// Messages of a ladder: the first to go when too much is held.
    ladder: bool,
    body: Vec<u8>,
    /// The part of it that is to be locked, and whose it is.
    personal: Option<(Owner, Vec<u8>)>,
    /// Who waits for the number of the line.
    told: Option<oneshot::Sender<u64>>,
}

impl Held {
    fn bytes(&self) -> usize {
        self.body.len() + self.personal.as_ref().map_or(0, |(_, personal)| personal.len())
    }

    /// Locks what is personal, once: a line that is tried again is the same.
    fn lock(&mut self, keys: &mut KeyMaker) -> std::io::Result<()> {
        if let Some((owner, personal)) = &self.personal {
            self.body = keys.lock(&self.body, *owner, personal)?;
            self.personal = None;
        }
        Ok(())
    }
}

struct Writer<R> {
    folder: PathBuf,
    tail: Option<Tail>,
    bounds: Bounds,
    inbox: mpsc::Receiver<Work>,
    held: VecDeque<Held>,
    held_bytes: usize,
    held_ladders: usize,
    /// Set while nothing but ladders is held: when they are written at the latest.
    flush_at: Option<Instant>,
    dropped: u64,
    /// Set while writing fails.
    retry_at: Option<Instant>,
    durable: watch::Sender<u64>,
    waiting: Arc<AtomicU64>,
    report: R,
}

impl<R: Fn(JournalReport)> Writer<R> {
    /// Runs until it is stopped or every handle is gone; returns the entries not written.
    fn run(&mut self) -> u64 {
        // Before the first call, so that it waits for the journal only.
        if let Some(Err(error)) = self.tail.as_mut().map(|tail| tail.keys.prepare()) {
            tracing::warn!(%error, "keys for calls cannot be made yet");
        }
        loop {
            let go_on = self.gather();
            self.commit();
            if !go_on {
                return self.held.len() as u64 + self.dropped;
            }
        }
    }

    /// Waits for work, then takes all there is; while writing fails, until it is time to try
    /// again. False when this was the last.
    fn gather(&mut self) -> bool {
        loop {
            let next = match self.retry_at {
                None if self.held.is_empty() => {
                    self.inbox.recv().map_err(|_| mpsc::RecvTimeoutError::Disconnected)
                }
                None if self.lingers() => {
                    let left =
                        self.flush_at.map_or(LINGER, |at| at.saturating_duration_since(instant()));
                    self.inbox.recv_timeout(left)
                }
                None => self.inbox.try_recv().map_err(|error| match error {
                    mpsc::TryRecvError::Empty => mpsc::RecvTimeoutError::Timeout,
                    mpsc::TryRecvError::Disconnected => mpsc::RecvTimeoutError::Disconnected,
                }),
                Some(at) => self.inbox.recv_timeout(at.saturating_duration_since(instant())),
            };
            match next {
                Ok(Work::Stop) => return self.take_the_rest(),
                Ok(work) => self.take(work),
                Err(mpsc::RecvTimeoutError::Timeout) => return true,
                Err(mpsc::RecvTimeoutError::Disconnected) => return self.take_the_rest(),
            }
            let full = self.retry_at.is_none() && self.held_bytes >= BATCH_BYTES;
            if full || self.retry_at.is_some_and(|at| at <= instant()) {
                return true;
            }
        }
    }

    /// Takes what was handed in before the end; false: there is no more.
    fn take_the_rest(&mut self) -> bool {
        while let Ok(work) = self.inbox.try_recv() {
            self.take(work);
        }
        false
    }

    fn take(&mut self, work: Work) {
        match work {
            Work::Append(entries) => {
                entries.iter().for_each(|(ticket, entry)| self.hold(*ticket, entry, None));
            }
            Work::Told(entry, told) => self.hold(0, &entry, Some(told)),
            Work::Forget(owners, told) => {
                self.tail.iter_mut().for_each(|tail| tail.keys.forget(&owners));
                // An error says that nobody waits any more.
                let _ = told.send(());
            }
            Work::Stop => {}
        }
    }

    fn hold(&mut self, ticket: u64, entry: &Entry, told: Option<oneshot::Sender<u64>>) {
        let Split { open: body, personal } = sealed::split(entry);
        let ladder = matches!(entry.fact, Fact::Signalled { .. });
        let held = Held { ticket, at: entry.at, ladder, body, personal, told };
        if ladder && self.held_bytes + held.bytes() > self.bounds.held_bytes {
            self.lost(1);
            return;
        }
        self.held_bytes += held.bytes();
        self.held_ladders += usize::from(ladder);
        self.held.push_back(held);
        if self.held_bytes > self.bounds.held_bytes && self.held_ladders > 0 {
            self.held.retain(|held| !held.ladder);
            self.held_bytes = self.held.iter().map(Held::bytes).sum();
            let ladders = std::mem::take(&mut self.held_ladders);
            self.lost(ladders as u64);
        }
        while self.held_bytes > self.bounds.held_bytes {
            let Some(oldest) = self.held.pop_front() else { break };
            self.held_bytes -= oldest.bytes();
            self.lost(1);
        }
        if self.held.len() > self.held_ladders {
            self.flush_at = None;
        } else if self.flush_at.is_none() {
            self.flush_at = Some(instant() + LINGER);
        }
    }

    fn lost(&mut self, entries: u64) {
        self.dropped += entries;
        self.waiting.fetch_sub(entries, Ordering::Relaxed);
    }

    /// Whether only ladders are held, and not for long.
    fn lingers(&self) -> bool {
        self.flush_at.is_some_and(|at| at > instant())
    }

    fn commit(&mut self) {
        let Some(first) = self.held.front() else { return };
        let gap = (self.dropped > 0).then(|| {
            let name = "journal-gap".into();
            let detail = format!("{} entries were lost while writing failed", self.dropped);
            chain::body(&Entry { at: first.at, fact: Fact::Alarm { name, detail } })
        });
        let began = instant();
        let opened = match &mut self.tail {
            Some(tail) => Ok(tail),
            none => Tail::open(&self.folder).map(|(tail, _)| none.insert(tail)),
        };
        let (folder, held) = (&self.folder, &mut self.held);
        let written = opened.and_then(|tail| {
            let locked = held.iter_mut().try_for_each(|held| held.lock(&mut tail.keys));
            locked.map_err(JournalError::io("make keys in", folder))?;
            let bodies = gap.iter().chain(held.iter().map(|held| &held.body));
            tail.write(bodies.map(Vec::as_slice), self.bounds.segment_bytes)?;
            Ok(tail.last_seq())
        });
        match written {
            Ok(last_seq) => self.committed(began, last_seq),
            Err(error) => {
                let first_failure = self.retry_at.is_none();
                self.retry_at = Some(instant() + self.bounds.retry);
                if first_failure {
                    tracing::error!(%error, "the journal cannot be written; entries are held");
                    (self.report)(JournalReport::Failed { why: error.to_string() });
                }
            }
        }
    }

    fn committed(&mut self, began: Instant, last_seq: u64) {
        let count = self.held.len() as u64;
        let ticket = self.held.iter().map(|held| held.ticket).max().unwrap_or_default();
        // Whoever is told that a line is on disk finds it there, and finds it waiting no more.
        self.waiting.fetch_sub(count, Ordering::Relaxed);
        self.durable.send_replace(last_seq);
        let first_seq = (last_seq + 1).saturating_sub(count);
        for (seq, held) in (first_seq..).zip(self.held.drain(..)) {
            // An error says that nobody waits any more.
            let _ = held.told.map(|told| told.send(seq));
        }
        self.held_bytes = 0;
        self.held_ladders = 0;
        self.flush_at = None;
        metrics::histogram!("siaga112_journal_commit_seconds").record(began.elapsed());
        metrics::counter!("siaga112_journal_entries_total").increment(count);
        if ticket > 0 {
            (self.report)(JournalReport::Durable { ticket });
        }
        if let Some(tail) = self.tail.as_mut().filter(|tail| tail.keys.runs_low())
            && let Err(error) = tail.keys.renew()
        {
            // What is left serves until the next try.
            tracing::warn!(%error, "keys for calls to come cannot be made yet");
        }
        if self.retry_at.take().is_some() {
            let dropped = std::mem::take(&mut self.dropped);
            metrics::counter!("siaga112_journal_dropped_total").increment(dropped);
            tracing::warn!(dropped, "the journal is written again");
            (self.report)(JournalReport::Recovered { dropped });
        }
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "measures the commit and paces the retries of this thread; never reaches an entry"
)]
fn instant() -> Instant {
    Instant::now()
}

/// The end of the journal on disk.
#[derive(Debug)]
struct Tail {
    folder: PathBuf,
    chain: Chain,
    segment: Option<Open>,
    keys: KeyMaker,
    /// Held for as long as we write; the system frees it however the process ends.
    _lock: File,
}

/// The segment that is written to.
#[derive(Debug)]
struct Open {
    path: PathBuf,
    /// Bytes of it that are flushed; what stands behind them is of a write that failed.
    good: u64,
    /// None after a failure: it is opened anew.
    file: Option<File>,
}

impl Tail {
    /// Takes the folder for this process, makes it when it is not there, and finds the end; true
    /// when a torn last line was cut off.
    fn open(folder: &Path) -> Result<(Self, bool), JournalError> {
        fs::create_dir_all(folder).map_err(JournalError::io("make", folder))?;
        let lock = lock(folder)?;
        let (chain, segment, torn) = repair(folder)?;
        let keys = KeyMaker::of(folder);
        Ok((Self { folder: folder.to_owned(), chain, segment, keys, _lock: lock }, torn))
    }

    /// Number of the last line; 0 when there is none.
    const fn last_seq(&self) -> u64 {
        self.chain.next_seq.saturating_sub(1)
    }

    /// Writes and flushes `bodies` as the next lines. After an error none of them counts.
    fn write<'a>(
        &mut self,
        bodies: impl Iterator<Item = &'a [u8]>,
        segment_bytes: u64,
    ) -> Result<(), JournalError> {
        let mut chain = self.chain;
        let mut bytes = Vec::new();
        bodies.for_each(|body| chain.seal(body, &mut bytes));
        if self.segment.as_ref().is_some_and(|segment| segment.good >= segment_bytes) {
            self.segment = None;
        }
        let result = self.append(&bytes);
        match &result {
            Ok(()) => self.chain = chain,
            Err(JournalError::Deleted { .. }) => self.segment = None,
            // The file was taken out before it was used: the next write opens it anew.
            Err(_) => {}
        }
        result
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), JournalError> {
        let path = self.folder.join(segment_name(self.chain.next_seq));
        let segment = self.segment.get_or_insert(Open { path, good: 0, file: None });
        let path = segment.path.as_path();
        let mut file = match segment.file.take() {
            Some(file) => file,
            None => open_at(&self.folder, path, segment.good)?,
        };
        file.write_all(bytes).map_err(JournalError::io("write to", path))?;
        // After a failed flush the system forgets which pages were not written, so the batch is
        // written again from the last good byte.
        file.sync_data().map_err(JournalError::io("flush", path))?;
        let meta = file.metadata().map_err(JournalError::io("look at", path))?;
        if meta.nlink() == 0 {
            return Err(JournalError::Deleted { path: path.to_owned() });
        }
        segment.good += bytes.len() as u64;
        segment.file = Some(file);
        Ok(())
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
        return Ok((Chain::after(&line), Some(Open { path, good, file: Some(file) }), torn));
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

#[cfg(test)]
mod tests;
