//! Writes the journal: one thread that takes all waiting entries and writes them, and another that flushes once
//! for all that was written meanwhile (group commit); then it says which are safe. What is handed in while the disk
//! is slow to flush is written all the same, so that a killed process loses nothing of it.
//!
//! A full disk or an unwritable folder never panics, never blocks whoever appends, and loses
//! nothing below [`HELD_BYTES`] of waiting entries.

mod tail;

use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use self::tail::{Flush, Mark, Tail};
use super::alarms::Alarms;
use super::call_keys::{Block, CallKeys, KeyMaker};
use super::journal_file::{JournalError, Segment, Step, segments};
use super::recovered::{OpenFacts, Recovered};
use crate::journal::sealed::{self, Owner, Split};
use crate::journal::{Entry, Fact, chain};
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
/// How long entries wait to be written while a flush is under way: more of them go at once then.
const WRITE_BEHIND: Duration = Duration::from_millis(5);
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
        let (jobs, todo) = mpsc::channel();
        let done = work.clone();
        std::thread::Builder::new()
            .name("journal-flush".into())
            .spawn(move || todo.into_iter().for_each(|job: Job| job.run(&done)))
            .map_err(JournalError::io("start the flushing thread of", &self.folder))?;
        let (durable, durable_seen) = watch::channel(self.tail.as_ref().map_or(0, Tail::last_seq));
        let waiting = Arc::new(AtomicU64::new(0));
        let folder = self.folder.clone();
        let alarms = Alarms::recall(folder.parent().unwrap_or(&folder), &folder);
        let mut writer = Writer::new(self, (inbox, jobs), durable, Arc::clone(&waiting), report);
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || writer.run())
            .map_err(JournalError::io("start the thread of", &folder))?;
        let thread = Arc::new(Mutex::new(Some(thread)));
        let last = Arc::new(Last(work.clone()));
        Ok(JournalHandle { work, waiting, durable: durable_seen, thread, alarms, _last: last })
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
    _last: Arc<Last>,
}

/// Ends the writer when the last handle is gone.
#[derive(Debug)]
struct Last(mpsc::Sender<Work>);

impl Drop for Last {
    fn drop(&mut self) {
        // An error says that it has ended already.
        let _ = self.0.send(Work::Stop);
    }
}

#[derive(Debug)]
enum Work {
    Append(Vec<(u64, Entry)>),
    /// The sender learns the number of its line.
    Told(Box<Entry>, oneshot::Sender<u64>),
    /// No key of these owners is used from now on; the sender learns when that is so.
    Forget(HashSet<Owner>, oneshot::Sender<()>),
    /// The flush that was under way is over.
    Flushed(Result<(), JournalError>),
    /// Keys for calls to come.
    Keys(std::io::Result<Block>),
    Stop,
}

/// What waits for the disk beside the writer.
#[derive(Debug)]
enum Job {
    Flush(Flush),
    /// A block of keys for the journal in this folder.
    Keys(PathBuf),
}

impl Job {
    fn run(self, done: &mpsc::Sender<Work>) {
        let result = match self {
            Self::Flush(flush) => Work::Flushed(flush.run()),
            Self::Keys(journal) => Work::Keys(Block::make(&journal)),
        };
        // An error says that the writer is gone.
        let _ = done.send(result);
    }
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
    /// Tells of entries that were lost; not one that was handed in.
    gap: bool,
    body: Vec<u8>,
    /// The part of it that is to be locked, and whose it is.
    personal: Option<(Owner, Vec<u8>)>,
    /// Who waits for the number of the line.
    told: Option<oneshot::Sender<u64>>,
}

impl Held {
    fn of(ticket: u64, entry: &Entry, told: Option<oneshot::Sender<u64>>) -> Self {
        let Split { open: body, personal } = sealed::split(entry);
        let ladder = matches!(entry.fact, Fact::Signalled { .. });
        Self { ticket, at: entry.at, ladder, gap: false, body, personal, told }
    }

    /// What the journal says in the place of entries that were lost.
    fn gap(at: WallTime, lost: u64) -> Self {
        let detail = format!("{lost} entries were lost while writing failed");
        let fact = Fact::Alarm { name: "journal-gap".into(), detail };
        Self { gap: true, ..Self::of(0, &Entry { at, fact }, None) }
    }

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

/// A flush that is under way.
struct Flight {
    /// The first so many entries that are held.
    entries: usize,
    mark: Mark,
    began: Instant,
    /// The first since writing failed.
    retry: bool,
}

struct Writer<R> {
    folder: PathBuf,
    tail: Option<Tail>,
    bounds: Bounds,
    inbox: mpsc::Receiver<Work>,
    jobs: mpsc::Sender<Job>,
    /// Oldest first. The first `written` of them stand in the file and are not known to be flushed.
    held: VecDeque<Held>,
    written: usize,
    held_bytes: usize,
    written_bytes: usize,
    /// Ladders among those that are not written.
    held_ladders: usize,
    flight: Option<Flight>,
    /// Set while there is something to write: when it is written at the latest.
    write_at: Option<Instant>,
    dropped: u64,
    /// Set while writing fails.
    retry_at: Option<Instant>,
    /// Keys for calls to come are being made.
    making_keys: bool,
    durable: watch::Sender<u64>,
    waiting: Arc<AtomicU64>,
    report: R,
}

impl<R: Fn(JournalReport)> Writer<R> {
    fn new(
        JournalWriter { folder, tail, bounds }: JournalWriter,
        (inbox, jobs): (mpsc::Receiver<Work>, mpsc::Sender<Job>),
        durable: watch::Sender<u64>,
        waiting: Arc<AtomicU64>,
        report: R,
    ) -> Self {
        Self {
            folder,
            tail,
            bounds,
            inbox,
            jobs,
            held: VecDeque::new(),
            written: 0,
            held_bytes: 0,
            written_bytes: 0,
            held_ladders: 0,
            flight: None,
            write_at: None,
            dropped: 0,
            retry_at: None,
            making_keys: false,
            durable,
            waiting,
            report,
        }
    }

    /// Runs until it is stopped or every handle is gone; returns the entries not written.
    fn run(&mut self) -> u64 {
        // Before the first call, so that it waits for the journal only.
        if let Some(Err(error)) = self.tail.as_mut().map(|tail| tail.keys.prepare()) {
            tracing::warn!(%error, "keys for calls cannot be made yet");
        }
        while self.gather() {
            self.write();
            self.flush();
        }
        self.finish()
    }

    /// Takes work until there is something to write or to flush. False when this was the last.
    fn gather(&mut self) -> bool {
        loop {
            let next = match self.due() {
                None => self.inbox.recv().map_err(|_| mpsc::RecvTimeoutError::Disconnected),
                Some(at) => match at.saturating_duration_since(instant()) {
                    Duration::ZERO => self.inbox.try_recv().map_err(|error| match error {
                        mpsc::TryRecvError::Empty => mpsc::RecvTimeoutError::Timeout,
                        mpsc::TryRecvError::Disconnected => mpsc::RecvTimeoutError::Disconnected,
                    }),
                    left => self.inbox.recv_timeout(left),
                },
            };
            match next {
                Ok(Work::Stop) | Err(mpsc::RecvTimeoutError::Disconnected) => return false,
                Ok(work) => self.take(work),
                Err(mpsc::RecvTimeoutError::Timeout) => return true,
            }
            // The first of a flood is not kept waiting, nor is the next try.
            let full = self.held_bytes - self.written_bytes >= BATCH_BYTES;
            let now = full || self.retry_at.is_some();
            if now && self.due().is_some_and(|at| at <= instant()) {
                return true;
            }
        }
    }

    /// When there is something to do beside taking work; none while only work can change that.
    fn due(&self) -> Option<Instant> {
        if self.flight.is_some() {
            return if self.must_wait() { None } else { self.write_at };
        }
        if self.retry_at.is_some() {
            return self.retry_at;
        }
        if self.written > 0 { Some(instant()) } else { self.write_at }
    }

    /// Whether nothing more is written before the flush under way is over: it tries again what failed, the
    /// segment is full, or what would have to be written again is as much as may be held.
    fn must_wait(&self) -> bool {
        self.retry_at.is_some()
            || self.written_bytes >= self.bounds.held_bytes
            || self.tail.as_ref().is_some_and(|tail| tail.is_full(self.bounds.segment_bytes))
    }

    /// Writes and flushes what was handed in before the end, as far as the disk takes it.
    fn finish(&mut self) -> u64 {
        while let Ok(work) = self.inbox.try_recv() {
            self.take(work);
        }
        loop {
            if self.flight.is_none() {
                self.write();
                self.flush();
            }
            if self.flight.is_none() {
                return self.held.iter().filter(|held| !held.gap).count() as u64 + self.dropped;
            }
            match self.inbox.recv() {
                Ok(work) => self.take(work),
                Err(mpsc::RecvError) => self.flight = None,
            }
        }
    }

    fn take(&mut self, work: Work) {
        match work {
            Work::Append(entries) => {
                for (ticket, entry) in &entries {
                    self.hold(Held::of(*ticket, entry, None));
                }
            }
            Work::Told(entry, told) => self.hold(Held::of(0, &entry, Some(told))),
            Work::Forget(owners, told) => {
                self.tail.iter_mut().for_each(|tail| tail.keys.forget(&owners));
                // An error says that nobody waits any more.
                let _ = told.send(());
            }
            Work::Flushed(result) => self.landed(result),
            Work::Keys(made) => {
                self.making_keys = false;
                match (made, &mut self.tail) {
                    (Ok(block), Some(tail)) => tail.keys.take(block),
                    (Ok(_), None) => {}
                    // What is left serves until the next try.
                    (Err(error), _) => {
                        tracing::warn!(%error, "keys for calls to come cannot be made yet");
                    }
                }
            }
            Work::Stop => {}
        }
    }

    fn hold(&mut self, held: Held) {
        if held.ladder && self.held_bytes + held.bytes() > self.bounds.held_bytes {
            self.lost(1);
            return;
        }
        self.held_bytes += held.bytes();
        self.held_ladders += usize::from(held.ladder);
        // Ladders alone linger. While a flush is under way a few more are waited for: it could not begin anyway.
        let linger = match (held.ladder, &self.flight) {
            (true, _) => LINGER,
            (false, Some(_)) => WRITE_BEHIND,
            (false, None) => Duration::ZERO,
        };
        let at = instant() + linger;
        self.write_at = Some(self.write_at.map_or(at, |before| before.min(at)));
        self.held.push_back(held);
        if self.held_bytes > self.bounds.held_bytes && self.held_ladders > 0 {
            let ladders = std::mem::take(&mut self.held_ladders);
            let mut place = 0..;
            self.held.retain(|held| {
                place.next().is_some_and(|place| place < self.written) || !held.ladder
            });
            self.held_bytes = self.held.iter().map(Held::bytes).sum();
            self.lost(ladders as u64);
        }
        while self.held_bytes > self.bounds.held_bytes {
            let Some(oldest) = self.held.remove(self.written) else { break };
            self.held_bytes -= oldest.bytes();
            self.lost(1);
        }
    }

    fn lost(&mut self, entries: u64) {
        self.dropped += entries;
        self.waiting.fetch_sub(entries, Ordering::Relaxed);
    }

    /// Writes what is not written, if now is the time.
    fn write(&mut self) {
        let waits = self.flight.is_some() && self.must_wait();
        let Some(at) = self.held.get(self.written).map(|first| first.at).filter(|_| !waits) else {
            return;
        };
        if self.dropped > 0 && !self.held.iter().any(|held| held.gap) {
            let gap = Held::gap(at, self.dropped);
            self.held_bytes += gap.bytes();
            self.held.insert(self.written, gap);
        }
        let opened = match &mut self.tail {
            Some(tail) => Ok(tail),
            none => Tail::open(&self.folder).map(|(tail, _)| none.insert(tail)),
        };
        let (folder, held, written) = (&self.folder, &mut self.held, self.written);
        let before: usize = held.iter().skip(written).map(Held::bytes).sum();
        let done = opened.and_then(|tail| {
            let locked =
                held.iter_mut().skip(written).try_for_each(|held| held.lock(&mut tail.keys));
            locked.map_err(JournalError::io("make keys in", folder))?;
            let bodies = held.iter().skip(written).map(|held| held.body.as_slice());
            tail.write(bodies, self.bounds.segment_bytes)
        });
        // Locking has made them longer.
        let after: usize = self.held.iter().skip(self.written).map(Held::bytes).sum();
        self.held_bytes = self.held_bytes + after - before;
        match done {
            Ok(()) => {
                self.written = self.held.len();
                self.written_bytes = self.held_bytes;
                self.held_ladders = 0;
                self.write_at = None;
            }
            Err(error) => self.failed(&error),
        }
    }

    /// Begins to flush what is written, unless that is under way.
    fn flush(&mut self) {
        if self.flight.is_some() || self.written == 0 {
            return;
        }
        let Some(flush) = self.tail.as_ref().and_then(Tail::flush) else { return };
        let (entries, retry) = (self.written, self.retry_at.is_some());
        self.flight = Some(Flight { entries, mark: flush.mark, began: instant(), retry });
        if self.jobs.send(Job::Flush(flush)).is_err() {
            // Its thread ends with this one and not before; were it gone, nothing would be safe any more.
            let gone = std::io::Error::other("the flushing thread has ended");
            self.landed(Err(JournalError::io("flush", &self.folder)(gone)));
        }
    }

    fn landed(&mut self, result: Result<(), JournalError>) {
        let Some(flight) = self.flight.take() else { return };
        match result {
            Ok(()) => {
                self.committed(&flight);
                if self.retry_at.is_some() && !flight.retry {
                    // Something that was written behind it has failed meanwhile.
                    self.rewind(false);
                }
            }
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&mut self, error: &JournalError) {
        let first_failure = self.retry_at.is_none();
        self.retry_at = Some(instant() + self.bounds.retry);
        // A flush that is under way may still make safe what it is about.
        if self.flight.is_none() {
            self.rewind(matches!(error, JournalError::Deleted { .. }));
        }
        if first_failure {
            tracing::error!(%error, "the journal cannot be written; entries are held");
            (self.report)(JournalReport::Failed { why: error.to_string() });
        }
    }

    /// Goes back to what is flushed: everything else is to be written.
    fn rewind(&mut self, deleted: bool) {
        self.tail.iter_mut().for_each(|tail| tail.rewind(deleted));
        (self.written, self.written_bytes) = (0, 0);
        self.held.retain(|held| !held.gap);
        self.held_bytes = self.held.iter().map(Held::bytes).sum();
        self.held_ladders = self.held.iter().filter(|held| held.ladder).count();
    }

    fn committed(&mut self, flight: &Flight) {
        if let Some(tail) = &mut self.tail {
            tail.flushed(&flight.mark);
        }
        let last_seq = flight.mark.last_seq();
        let safe: Vec<Held> = self.held.drain(..flight.entries).collect();
        let count = safe.iter().filter(|held| !held.gap).count() as u64;
        let ticket = safe.iter().map(|held| held.ticket).max().unwrap_or_default();
        let bytes: usize = safe.iter().map(Held::bytes).sum();
        self.held_bytes -= bytes;
        self.written -= flight.entries;
        self.written_bytes -= bytes;
        // Whoever is told that a line is on disk finds it there, and finds it waiting no more.
        self.waiting.fetch_sub(count, Ordering::Relaxed);
        self.durable.send_replace(last_seq);
        let first_seq = (last_seq + 1).saturating_sub(safe.len() as u64);
        for (seq, held) in (first_seq..).zip(safe) {
            // An error says that nobody waits any more.
            let _ = held.told.map(|told| told.send(seq));
        }
        metrics::histogram!("siaga112_journal_commit_seconds").record(flight.began.elapsed());
        metrics::counter!("siaga112_journal_entries_total").increment(count);
        if ticket > 0 {
            (self.report)(JournalReport::Durable { ticket });
        }
        let runs_low = self.tail.as_ref().is_some_and(|tail| tail.keys.runs_low());
        if runs_low && !self.making_keys {
            self.making_keys = self.jobs.send(Job::Keys(self.folder.clone())).is_ok();
        }
        if flight.retry && self.retry_at.take().is_some() {
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

#[cfg(test)]
mod tests;
