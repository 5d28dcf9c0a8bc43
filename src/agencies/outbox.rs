//! Follows the journal for one receiver elsewhere, and sends it what is meant for it: in order, each at
//! least once, however often the receiver, the network or this program fails. The journal is the
//! queue; beside it there is a small file that says how far the receiver has been told.
//!
//! Nothing waits for it. What a receiver refuses for good is laid aside where a person can see it and
//! send it again. So is a letter that it fails at again and again while it takes others: one bad event
//! stops nobody. Which of the two it is, the next letters tell; while they are not taken either, all wait.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::dead::{DeadLetter, DeadLetters};
use super::post::{Endpoint, Failure, Outcome, Poster};
use crate::journal::Line;
use crate::store::journal_file::{JournalReader, read_from};
use crate::vocabulary::WallTime;

/// Pauses between attempts: the first, and the longest.
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));
/// A receiver that cannot be reached for longer is told of.
const TOLD_AFTER: i64 = 60_000_000;
/// Pause after the journal could not be read.
const READ_AGAIN: Duration = Duration::from_secs(10);
/// After so long of answers that do not take a letter the next is tried, microseconds.
const SUSPECT_AFTER: i64 = 600_000_000;
/// Letters that are passed over at once: more say that the receiver is at fault.
const SUSPECTS: usize = 8;
/// Lines that are read at once.
const BATCH: usize = 256;

/// What a receiver is told, and in which form.
pub trait Letters: Send + Sync + 'static {
    /// What is remembered from line to line; kept beside the place in the journal.
    type Memory: Default + Serialize + DeserializeOwned + Send;

    /// The letters of one line, in their order. It may ask the records, for a bounded time.
    fn of(
        &self,
        line: &Line,
        memory: &mut Self::Memory,
    ) -> impl Future<Output = Vec<Letter>> + Send;

    /// Headers that go with a letter which is sent at `now`.
    fn headers(&self, letter: &Letter, now: WallTime) -> Vec<(&'static str, String)>;
}

/// One thing that a receiver is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The same however often it is sent, so that a receiver can leave out what it has.
    pub id: String,
    /// What it is about, for people.
    pub kind: String,
    /// What is sent.
    pub body: Bytes,
}

/// How it goes with one receiver.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OutboxView {
    /// The last line of the journal that it was told of.
    pub after: u64,
    /// Why it cannot be reached, while it cannot.
    pub trouble: Option<String>,
    /// Since when.
    pub since: Option<WallTime>,
    /// Letters that it refused.
    pub dead: usize,
}

/// Tells people: a short name, and what and where.
pub type Alarm = dyn Fn(&str, String) + Send;

/// What the outbox needs of the program around it.
#[allow(missing_debug_implementations, reason = "functions have nothing to print")]
pub struct Surroundings {
    /// Where the journal is.
    pub journal: PathBuf,
    /// The number of its last line that is on disk.
    pub durable: watch::Receiver<u64>,
    /// Where outboxes keep their place.
    pub folder: PathBuf,
    /// The time of this moment.
    pub now: Box<dyn Fn() -> WallTime + Send>,
    /// Tells people that something must be mended: a short name, and what and where.
    pub alarm: Box<Alarm>,
}

/// A running outbox.
#[derive(Debug)]
pub struct Outbox {
    name: String,
    view: watch::Receiver<OutboxView>,
    dead: Arc<Mutex<DeadLetters>>,
    again: watch::Sender<u64>,
    stop: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Outbox {
    /// Starts a task for the receiver `name`. One that is new is told what happens from now on. Call
    /// it within a tokio runtime.
    pub fn start<L: Letters>(
        name: &str,
        endpoint: Endpoint,
        letters: L,
        around: Surroundings,
    ) -> Self {
        let (shown, view) = watch::channel(OutboxView::default());
        let (stop, stopping) = watch::channel(false);
        let (again, asked) = watch::channel(0);
        let dead = Arc::new(Mutex::new(DeadLetters::open(&around.folder, name)));
        let file = around.folder.join(format!("{name}.json"));
        let work = Work {
            name: name.to_owned(),
            poster: Poster::new(endpoint),
            letters,
            around,
            file,
            shown,
            stopping,
            asked,
            dead: Arc::clone(&dead),
            suspects: Vec::new(),
            told: false,
        };
        // What happens after this is told, whenever the task begins.
        let place = work.begin();
        let task = Mutex::new(Some(tokio::spawn(work.run(place))));
        Self { name: name.to_owned(), view, dead, again, stop, task }
    }

    /// The receiver's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it goes.
    #[must_use]
    pub fn view(&self) -> OutboxView {
        self.view.borrow().clone()
    }

    /// What the receiver refused and nobody has sent again.
    #[must_use]
    pub fn dead(&self) -> Vec<DeadLetter> {
        self.dead.lock().unwrap_or_else(PoisonError::into_inner).list()
    }

    /// Sends what was refused once more, after what waits. False when there is no such letter.
    #[must_use]
    pub fn send_again(&self, id: &str) -> bool {
        let asked = self.dead.lock().unwrap_or_else(PoisonError::into_inner).ask_again(id);
        if asked {
            self.again.send_modify(|times| *times += 1);
        }
        asked
    }

    /// Ends the task. What was not taken yet is sent after the next start.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(task) = task else { return };
        if let Err(error) = task.await {
            tracing::error!(%error, receiver = self.name, "an outbox ended by a fault");
        }
    }
}

/// How far the receiver has been told.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Place<M> {
    after: u64,
    memory: M,
}

struct Work<L: Letters> {
    name: String,
    poster: Poster,
    letters: L,
    around: Surroundings,
    file: PathBuf,
    shown: watch::Sender<OutboxView>,
    stopping: watch::Receiver<bool>,
    asked: watch::Receiver<u64>,
    dead: Arc<Mutex<DeadLetters>>,
    /// Letters that the receiver fails at, or would if it took any; in their order.
    suspects: Vec<Letter>,
    /// People were told that the receiver cannot be reached.
    told: bool,
}

/// The program ends.
struct Stopping;

impl<L: Letters> Work<L> {
    async fn run(mut self, mut place: Place<L::Memory>) {
        let mut reader = read_from(&self.around.journal, place.after + 1);
        let dead = {
            let mut dead = self.dead.lock().unwrap_or_else(PoisonError::into_inner);
            dead.ask_for_suspects();
            dead.list().len()
        };
        self.shown.send_modify(|view| (view.after, view.dead) = (place.after, dead));
        loop {
            let until = *self.around.durable.borrow_and_update();
            let lines = match read(reader, until).await {
                Ok((back, lines)) => {
                    reader = back;
                    lines
                }
                Err(why) => {
                    self.in_trouble(&why);
                    reader = read_from(&self.around.journal, place.after + 1);
                    if self.pause(READ_AGAIN).await.is_err() {
                        return;
                    }
                    continue;
                }
            };
            for line in &lines {
                let letters = self.letters.of(line, &mut place.memory).await;
                for letter in &letters {
                    if self.deliver(letter).await.is_err() {
                        return;
                    }
                }
                place.after = line.seq;
                if !letters.is_empty() {
                    self.keep(&place);
                }
            }
            if !lines.is_empty() {
                self.keep(&place);
            }
            if self.send_asked().await.is_err() {
                return;
            }
            if lines.is_empty() && self.wait().await.is_err() {
                return;
            }
        }
    }

    /// Where it left off, or the end of the journal for a receiver that is new.
    fn begin(&self) -> Place<L::Memory> {
        let end = *self.around.durable.borrow();
        match fs::read(&self.file) {
            Ok(bytes) => match serde_json::from_slice::<Place<L::Memory>>(&bytes) {
                // A journal that was begun anew has smaller numbers.
                Ok(place) if place.after <= end => return place,
                Ok(_) => {}
                Err(error) => {
                    let detail = format!("{}: {error}; it is told from now on", self.name);
                    (self.around.alarm)("receiver-place-lost", detail);
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let detail = format!("{}: {}: {error}", self.name, self.file.display());
                (self.around.alarm)("receiver-place-lost", detail);
            }
        }
        let place = Place { after: end, memory: L::Memory::default() };
        self.keep(&place);
        place
    }

    /// Writes down how far it is. Whoever stops before this sends a line again: at least once.
    fn keep(&self, place: &Place<L::Memory>) {
        self.shown.send_modify(|view| view.after = place.after);
        if let Err(error) = write(&self.file, place) {
            tracing::error!(%error, receiver = self.name, "the place of an outbox cannot be kept");
        }
    }

    /// Sends one letter until it is taken or refused.
    async fn deliver(&mut self, letter: &Letter) -> Result<(), Stopping> {
        let (mut pause, mut since) = (BACK_OFF.0, None);
        loop {
            if *self.stopping.borrow() {
                return Err(Stopping);
            }
            self.try_suspects(false).await;
            match self.post(letter).await {
                Outcome::Taken => {
                    self.recovered();
                    // It takes others: what it fails at now is at fault itself.
                    self.try_suspects(true).await;
                    return Ok(());
                }
                Outcome::Refused(status) => {
                    self.recovered();
                    self.lay_aside(letter, status);
                    return Ok(());
                }
                Outcome::Failed(Failure { why, wait, status }) => {
                    self.in_trouble(&why);
                    let now = (self.around.now)();
                    since = status.map(|_| since.unwrap_or(now));
                    let long = since.is_some_and(|since| now.0 - since.0 >= SUSPECT_AFTER);
                    if let Some(status) = status.filter(|_| long && self.suspects.len() < SUSPECTS)
                    {
                        self.suspect(letter, status);
                        return Ok(());
                    }
                    let longest = wait.unwrap_or(pause).clamp(pause, 2 * BACK_OFF.1);
                    self.pause(longest).await?;
                    pause = (pause * 2).min(BACK_OFF.1);
                }
            }
        }
    }

    async fn post(&mut self, letter: &Letter) -> Outcome {
        let headers = self.letters.headers(letter, (self.around.now)());
        self.poster.post(&headers, letter.body.clone()).await
    }

    /// Goes on without a letter for now. It is kept with those that were refused, so that a crash loses
    /// nothing.
    fn suspect(&mut self, letter: &Letter, status: u16) {
        self.put_down(letter, status, true);
        self.suspects.push(letter.clone());
    }

    /// Sends once more what was passed over, each once. With `at_fault` the receiver has just taken another:
    /// what it answers without taking it is laid aside.
    async fn try_suspects(&mut self, at_fault: bool) {
        for letter in std::mem::take(&mut self.suspects) {
            let refused = match self.post(&letter).await {
                Outcome::Taken => None,
                Outcome::Refused(status) => Some(status),
                Outcome::Failed(Failure { status: Some(status), .. }) if at_fault => Some(status),
                Outcome::Failed(_) => {
                    self.suspects.push(letter);
                    continue;
                }
            };
            let left = {
                let mut dead = self.dead.lock().unwrap_or_else(PoisonError::into_inner);
                dead.settle(&letter.id, refused);
                dead.list().len()
            };
            self.shown.send_modify(|view| view.dead = left);
            match refused {
                Some(status) => self.tell_refused(&letter, status),
                None => self.recovered(),
            }
        }
    }

    fn lay_aside(&self, letter: &Letter, status: u16) {
        self.put_down(letter, status, false);
        self.tell_refused(letter, status);
    }

    fn put_down(&self, letter: &Letter, status: u16, suspect: bool) {
        let mut dead = self.dead.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = dead.add(DeadLetter {
            id: letter.id.clone(),
            kind: letter.kind.clone(),
            at: (self.around.now)(),
            status,
            body: String::from_utf8_lossy(&letter.body).into_owned(),
            asked_again: false,
            suspect,
        });
        self.shown.send_modify(|view| view.dead = dead.list().len());
        drop(dead);
        if let Err(error) = kept {
            tracing::error!(%error, receiver = self.name, "a refused letter cannot be kept");
        }
    }

    fn tell_refused(&self, letter: &Letter, status: u16) {
        let detail = format!("{} refused {} ({}) with {status}", self.name, letter.id, letter.kind);
        (self.around.alarm)("dead-letter", detail);
    }

    /// Sends what people asked for again.
    async fn send_asked(&mut self) -> Result<(), Stopping> {
        self.asked.mark_unchanged();
        let asked = |dead: &Mutex<DeadLetters>| {
            dead.lock().unwrap_or_else(PoisonError::into_inner).take_asked()
        };
        while let Some(letter) = asked(&self.dead) {
            let letter =
                Letter { id: letter.id, kind: letter.kind, body: Bytes::from(letter.body) };
            self.deliver(&letter).await?;
            let left = self.dead.lock().unwrap_or_else(PoisonError::into_inner).list().len();
            self.shown.send_modify(|view| view.dead = left);
        }
        Ok(())
    }

    fn in_trouble(&mut self, why: &str) {
        let now = (self.around.now)();
        let since = self.shown.borrow().since.unwrap_or(now);
        let trouble = Some(why.to_owned());
        self.shown.send_modify(|view| (view.trouble, view.since) = (trouble, Some(since)));
        if !self.told && now.0 - since.0 >= TOLD_AFTER {
            self.told = true;
            let detail =
                format!("{} cannot be reached since {}: {why}", self.name, since.to_rfc3339());
            (self.around.alarm)("receiver-down", detail);
        }
    }

    fn recovered(&mut self) {
        self.told = false;
        if self.shown.borrow().trouble.is_some() {
            tracing::info!(receiver = self.name, "a receiver can be reached again");
            self.shown.send_modify(|view| (view.trouble, view.since) = (None, None));
        }
    }

    /// Waits for more to tell; or until what was passed over is to be tried again.
    async fn wait(&mut self) -> Result<(), Stopping> {
        let waits = !self.suspects.is_empty();
        let Self { around, asked, stopping, .. } = self;
        let more = async {
            if around.durable.changed().await.is_err() {
                // The journal is closed: only the end of the program is left.
                std::future::pending::<()>().await;
            }
        };
        let again = tokio::select! {
            () = more => false,
            // An error says that the outbox is gone, and with it whoever could ask.
            _ = asked.changed() => false,
            _ = stopping.wait_for(|stop| *stop) => return Err(Stopping),
            () = tokio::time::sleep(BACK_OFF.1), if waits => true,
        };
        if again {
            self.try_suspects(false).await;
        }
        Ok(())
    }

    async fn pause(&mut self, time: Duration) -> Result<(), Stopping> {
        tokio::select! {
            () = tokio::time::sleep(time) => Ok(()),
            _ = self.stopping.wait_for(|stop| *stop) => Err(Stopping),
        }
    }
}

/// Reads lines on a thread that may block; the reader is lost with an error.
async fn read(mut reader: JournalReader, until: u64) -> Result<(JournalReader, Vec<Line>), String> {
    let read = tokio::task::spawn_blocking(move || {
        let lines = reader.batch(until, BATCH);
        lines.map(|lines| (reader, lines)).map_err(|error| error.to_string())
    });
    read.await.unwrap_or_else(|error| Err(error.to_string()))
}

/// Replaces a file whole.
pub(super) fn write(path: &Path, what: &impl Serialize) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let beside = path.with_extension("new");
    fs::write(&beside, serde_json::to_vec(what)?)?;
    fs::rename(&beside, path)
}
