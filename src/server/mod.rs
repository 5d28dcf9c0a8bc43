//! Start order, stop order, and everything that touches the world: clocks, sockets, threads.
//!
//! ```text
//! udp reader ─┐                        ┌─▶ socket
//! connections ┤                        ├─▶ connections (tokio)
//! media ──────┤                        ├─▶ media thread ─▶ recorder thread
//! recorder ───┼─▶ inbox ▶ switchboard ─┤
//! journal ────┤                        ├─▶ journal thread ─▶ (files) ─▶ projector ─▶ database
//! console ────┘                        ├─▶ console
//!                                      └─▶ hep thread ─▶ socket
//! ```

mod clock;
mod connections;
mod desk;
mod entropy;
mod heads;
mod hep;
mod inbox;
mod kernel_drops;
mod known_sources;
mod lanes;
mod left_over;
mod locator;
mod looks;
mod media;
mod recall;
mod receivers;
mod recordings;
mod reload;
mod policy;
mod retention;
mod prompts;
mod remembered;
mod sip_udp;
mod sitting;
mod spoken;
mod strangers;
mod switchboard_thread;
mod whereabouts;
mod time_watch;
mod verifier;

use std::collections::HashMap;
use std::fs::{DirBuilder, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::agencies::KeyError;
use crate::agencies::Voucher;
use crate::agencies::https::Fetcher;
use crate::config::{self, Author, Loaded};
use crate::console::accounts::Accounts;
use crate::journal::{Entry, Fact};
use crate::media::prompts::Prompts;
use crate::media::{Media, MediaError, MediaHandle};
use crate::recording::{Library, Recorder, RecordingError};
use crate::sip::{Listener, Transport};
use crate::store::{
    JournalError, JournalHandle, JournalReport, JournalWriter, Projector, Recovered, Store,
    StoreError, StoreHealth,
};
use crate::switchboard::orders::Order;
use crate::switchboard::view::Board;
use crate::switchboard::{Input, Switchboard};
use crate::telemetry::health::{Check, Health, Phase};
use crate::telemetry::metrics::{self, EntryCounter, MetricsError};
use crate::vocabulary::limits;

pub use clock::Clock;
use connections::{Connections, Patience, StreamListener};
use desk::ServerDesk;
pub use entropy::dice;
use hep::Hep;
use inbox::InboxSender;
use locator::Locator;
use policy::ServerPolicy;
use recordings::RecordingHealth;
use reload::Reloader;
use retention::SharedRules;
use sip_udp::{ListenError, UdpListener};
use switchboard_thread::Rim;
use time_watch::ClockTrust;
use verifier::ServerVerifier;
use whereabouts::Dereferencer;

/// Why the gateway does not start. Nothing is left running.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// A SIP listener.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The console's listener.
    #[error(
        "cannot listen on {address} for the console: {source}; choose another [console] listen"
    )]
    Console {
        /// The address tried.
        address: SocketAddr,
        /// The system's words.
        source: std::io::Error,
    },
    /// Another process writes the journal, or it got no thread.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The database's address.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The recorder.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The media plane.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// A logger's key.
    #[error("[[logger]] key_file: {0}")]
    Key(#[from] KeyError),
    /// The metrics.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The system gave no thread.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// The switchboard does not answer any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the switchboard has stopped")]
pub struct Stopped;

/// A running gateway.
#[allow(missing_debug_implementations, reason = "threads and sockets have nothing to print")]
pub struct Server {
    clock: Clock,
    inbox: InboxSender,
    desk: Arc<ServerDesk>,
    health: Health,
    store: Store,
    projector: Projector,
    journal: JournalHandle,
    media: MediaHandle,
    recorder: Arc<Recorder>,
    sip: Vec<Listener>,
    connections: Connections,
    console: SocketAddr,
    threads: Vec<JoinHandle<()>>,
    stop_readers: Arc<AtomicBool>,
    stop_console: watch::Sender<bool>,
    console_task: tokio::task::JoinHandle<()>,
    drained: watch::Receiver<bool>,
    reloader: Arc<Reloader>,
}

impl Server {
    /// Starts everything, in the order that lets the first call be recorded.
    ///
    /// # Errors
    /// [`StartError`]: what could not be had, and what to do about it.
    #[allow(clippy::too_many_lines, reason = "the start order is read in one piece")]
    pub async fn start(
        loaded: Loaded,
        config_folder: PathBuf,
        environment: Vec<(String, String)>,
    ) -> Result<Self, StartError> {
        let clock = Clock::start();
        let health = Health::new();
        let metrics = metrics::install()?;
        let data = loaded.node.data_dir.clone();
        make_data(&data);
        let (inbox, door) = inbox::inbox(clock, &loaded.switchboard);
        let rules: SharedRules = Arc::new(Mutex::new(loaded.retention.clone()));
        let recordings = Library::new(loaded.recording.clone());
        let recording_health = RecordingHealth::new(health.clone(), clock);

        let (journal, projector, store) =
            keep_records(&loaded, &inbox, &health, clock, &recordings, &rules)?;
        let prompts = prompts::read(&config_folder);
        let heard = Arc::clone(&prompts.prompts);
        let (recorder, media) = hear(&loaded, &inbox, &recording_health, clock, heard)?;
        let (udp, streams) = listen(&loaded)?;
        let sip = bound(&loaded, &udp, &streams);
        let address = loaded.console.listen;
        let console_listener = TcpListener::bind(address)
            .await
            .map_err(|source| StartError::Console { address, source })?;
        let console = console_listener.local_addr()?;

        let connections = Connections::start(streams, &loaded, inbox.clone(), Patience::default());

        let mut threads = Vec::new();
        let hep = match loaded.hep.clone() {
            Some(settings) => {
                let (hep, thread) = Hep::start(settings, loaded.switchboard.media_address)?;
                threads.push(thread);
                Some(hep)
            }
            None => None,
        };
        let (drained_sender, drained) = watch::channel(false);
        let fetcher = Fetcher::new(loaded.references.clone());
        let voucher = Voucher::new(loaded.identity.clone(), fetcher.clone());
        let waiters = switchboard_thread::Waiters::default();
        let turns = Arc::new(AtomicU64::new(0));
        let rim = Rim {
            clock,
            inbox: door,
            locator: Locator::new(
                inbox.clone(),
                sip.iter().map(|listener| listener.transport).collect(),
                loaded.dns_servers.clone(),
            ),
            dereferencer: Dereferencer::new(
                inbox.clone(),
                fetcher.clone(),
                voucher.clone(),
                (journal.clone(), clock),
            ),
            sip: udp.iter().map(|l| (l.address, l.sender())).collect::<HashMap<_, _>>(),
            connections: connections.clone(),
            media: media.clone(),
            journal: journal.clone(),
            counter: EntryCounter::default(),
            waiters: Arc::clone(&waiters),
            turns: Arc::clone(&turns),
            hep,
            drained: Box::new(move || {
                drained_sender.send_replace(true);
            }),
        };
        let mut settings = loaded.switchboard.clone();
        settings.sip.listen.clone_from(&sip);
        settings.browser.certificate = Some(media.certificate());
        crate::trunk::read_tables();
        let adopted = Mutex::new((settings.clone(), loaded.digest.clone()));
        let switchboard = Switchboard::new(clock.now(), settings, dice());
        threads.push(spawn("switchboard", move || {
            switchboard_thread::run(switchboard, rim);
        })?);
        let issuer = Arc::new(RwLock::new(loaded.issuer()));
        let choices = Arc::new(RwLock::new(desk::choices(&loaded.switchboard)));
        let verifier = ServerVerifier::new(clock, &config_folder, &environment, &data);
        let reloader = Arc::new(Reloader {
            issuer: Arc::clone(&issuer),
            choices: Arc::clone(&choices),
            outline: Mutex::new(loaded.outline.clone()),
            console_tls: watch::Sender::new(loaded.console_tls.clone()),
            rules: Arc::clone(&rules),
            clock,
            inbox: inbox.clone(),
            health: health.clone(),
            journal: journal.clone(),
            media: media.clone(),
            connections: connections.clone(),
            fetcher,
            voucher,
            sip: sip.clone(),
            seen: Mutex::new(reload::state_of(&config_folder)),
            prompts: Mutex::new((prompts, config::sounds_signature(&config_folder))),
            folder: config_folder,
            environment,
            versions: config::Versions::below(&data),
            running: Mutex::new(loaded.clone()),
            adopted,
            one: Mutex::new(()),
        });
        let post = receivers::Post { data: &data, journal: &journal, clock };
        let mut receivers = post.loggers(&loaded.loggers, &loaded.issuer())?;
        receivers.extend(post.webhooks(&loaded.webhooks, &store));
        let desk = Arc::new(ServerDesk {
            clock,
            data: data.clone(),
            inbox: inbox.clone(),
            waiters,
            turns,
            next_order: AtomicU64::new(1),
            store: store.clone(),
            health: health.clone(),
            metrics,
            media: media.counters(),
            journal: journal.clone(),
            recordings,
            issuer,
            receivers,
            rules: Arc::clone(&rules),
            centre: loaded.switchboard.centre.name.clone(),
            site: desk::site(&loaded, &sip),
            area_code: loaded.switchboard.centre.area_code.clone(),
            policy: ServerPolicy { reloader: Arc::clone(&reloader), store: store.clone() },
            verifier: Arc::new(verifier),
            copy_to: loaded.proof_copy_to.clone(),
            accounts: Accounts::open(&data, loaded.console.accounts.clone()),
            aml_key: loaded.console.aml_key.clone(),
            choices,
            dice: Mutex::new(dice()),
            udp: sip
                .iter()
                .filter(|listener| listener.transport == Transport::Udp)
                .map(|listener| listener.address)
                .collect(),
        });
        let watch = recordings::Watch {
            library: desk.recordings.clone(),
            recorder: Arc::clone(&recorder),
            media: media.clone(),
            health: recording_health,
            journal: journal.clone(),
            clock,
        };
        watch.start();
        let watch = media::Watch {
            media: media.clone(),
            health: health.clone(),
            journal: journal.clone(),
            clock,
        };
        watch.start();
        remembered::start(data.clone(), journal.clone(), clock);
        whereabouts::learn_cells(store.clone(), inbox.clone());
        // Who had signed in sits there still.
        for (seat, operator) in desk.accounts.sitting(clock.now().wall) {
            let order = Order::Sit { seat, operator: Some(operator), by: String::new() };
            inbox.put(Input::Order { number: 0, order });
        }
        sitting::watch(Arc::clone(&desk));
        let (stop_console, stopping) = watch::channel(false);
        reload::watch(Arc::clone(&reloader), stopping.clone());
        let console_task = desk::serve(
            console_listener,
            (&loaded.console, reloader.console_tls.subscribe()),
            &desk,
            stopping,
        );
        let stop_readers = Arc::new(AtomicBool::new(false));
        for listener in udp {
            let (inbox, stop) = (inbox.clone(), Arc::clone(&stop_readers));
            threads.push(spawn("sip-udp", move || listener.read(&inbox, &stop))?);
        }
        health.set_phase(Phase::Serving);
        Ok(Self {
            clock,
            inbox,
            desk,
            health,
            store,
            projector,
            journal,
            media,
            recorder,
            sip,
            connections,
            console,
            threads,
            stop_readers,
            stop_console,
            console_task,
            drained,
            reloader,
        })
    }

    /// Where SIP is taken, as bound, in the order of the configuration.
    #[must_use]
    pub fn sip_listeners(&self) -> &[Listener] {
        &self.sip
    }

    /// Address of the console.
    #[must_use]
    pub const fn console_address(&self) -> SocketAddr {
        self.console
    }

    /// The clock of this process.
    #[must_use]
    pub const fn clock(&self) -> Clock {
        self.clock
    }

    /// The incident store.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The live board.
    ///
    /// # Errors
    /// [`Stopped`] when the switchboard is gone.
    pub async fn board(&self) -> Result<Board, Stopped> {
        self.desk.board().await.map_err(|_| Stopped)
    }

    /// Takes the configuration of the folder again, whole or not at all. Live calls go on.
    ///
    /// # Errors
    /// Every mistake; the running configuration stays.
    pub fn reload(&self, by: &str) -> Result<Vec<&'static str>, config::Findings> {
        let adopted = self.reloader.reload(by, Author::by_hand(by))?;
        Ok(adopted.restart)
    }

    /// Takes no new calls; returns when the last one is over.
    pub async fn drain(&self) {
        self.health.set_phase(Phase::Draining);
        self.inbox.put(Input::Drain);
        let mut drained = self.drained.clone();
        // An error means that the switchboard is gone, and its calls with it.
        let _ = drained.wait_for(|drained| *drained).await;
    }

    /// Waits until what has been journaled is in the database, `patience` at most.
    pub async fn settle(&self, patience: Duration) {
        let mut applied = self.projector.applied();
        let up_to_date = async {
            while self.journal.waiting() > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            let durable = *self.journal.durable().borrow();
            // An error means that the projector has ended.
            let _ = applied.wait_for(|applied| *applied >= durable).await;
        };
        let _ = tokio::time::timeout(patience, up_to_date).await;
    }

    /// Ends every call and stops: readers, switchboard, media, recorder, journal, database.
    pub async fn stop(self) {
        self.stop_readers.store(true, std::sync::atomic::Ordering::Relaxed);
        self.health.set_phase(Phase::Draining);
        self.inbox.put(Input::Shutdown);
        self.stop_console.send_replace(true);
        let Self {
            threads,
            connections,
            media,
            recorder,
            journal,
            projector,
            console_task,
            clock,
            desk,
            ..
        } = self;
        let data = desk.data.clone();
        let decided = tokio::task::spawn_blocking(move || {
            for thread in threads {
                if thread.join().is_err() {
                    tracing::error!("a thread ended by a fault");
                }
            }
        });
        if decided.await.is_err() {
            tracing::error!("stopping did not go well");
        }
        // The last BYEs are in the connections' queues now.
        connections.stop().await;
        let last = tokio::task::spawn_blocking(move || {
            media.stop();
            recorder.stop();
            journal.append(0, Entry { at: clock.now().wall, fact: Fact::NodeStopped });
            let (alarms, durable) = (journal.alarms().clone(), journal.durable());
            let lost = journal.stop();
            if lost > 0 {
                tracing::error!(lost, "entries could not be written to the journal");
            }
            if let Err(error) = alarms.keep(&data, *durable.borrow()) {
                tracing::error!(%error, "alarms could not be written down");
            }
        });
        if last.await.is_err() {
            tracing::error!("stopping did not go well");
        }
        projector.stop().await;
        for outbox in &desk.receivers {
            outbox.stop().await;
        }
        let _ = console_task.await;
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(run)
}

/// Makes the data folder for its owner only: it holds who called and what was said. Calls are
/// served without one, and what needs it says so.
pub fn make_data(folder: &Path) {
    if let Err(error) = DirBuilder::new().recursive(true).mode(0o700).create(folder) {
        let folder = folder.display();
        tracing::error!(%folder, %error, "the data folder cannot be made; calls are taken anyway");
        return;
    }
    // One that was there before may belong to somebody else, who has chosen its mode.
    if let Err(error) = std::fs::set_permissions(folder, Permissions::from_mode(0o700)) {
        tracing::debug!(folder = %folder.display(), %error, "the data folder keeps its mode");
    }
}

/// Journal and database: the first call can be recorded. Two writers would spoil the record, so a
/// journal in use stops the start; one that cannot be opened is tried again while calls go on.
fn keep_records(
    loaded: &Loaded,
    inbox: &InboxSender,
    health: &Health,
    clock: Clock,
    recordings: &Library,
    rules: &SharedRules,
) -> Result<(JournalHandle, Projector, Store), StartError> {
    let data = &loaded.node.data_dir;
    let folder = journal_folder(data);
    let (writer, recovered) = match JournalWriter::open(&folder) {
        Ok(opened) => opened,
        Err(in_use @ JournalError::InUse { .. }) => return Err(in_use.into()),
        Err(error) => {
            tracing::error!(%error, "the journal cannot be opened; calls are taken anyway");
            (JournalWriter::later(&folder), Recovered::default())
        }
    };
    let journal = writer.start(journal_report(inbox.clone(), health.clone(), clock))?;
    start_entries(&journal, &clock, loaded);
    let cut_off =
        left_over::close(&recovered, recordings, loaded.switchboard.record, &journal, &clock);
    let store = Store::open(&loaded.storage)?;
    let projector = Projector::start(store.clone(), folder, journal.durable());
    watch_store(&projector, health.clone(), clock);
    let window = loaded.switchboard.location.window;
    let found = recall::Found { last: recovered.next_seq.saturating_sub(1), cut_off, window };
    recall::start(store.clone(), projector.applied(), inbox.clone(), clock, found);
    let heads = heads::Heads {
        node: loaded.node.name.clone(),
        data: data.clone(),
        journal_folder: journal_folder(data),
        copy_to: loaded.proof_copy_to.clone(),
        journal: journal.clone(),
        clock,
    };
    heads.start();
    looks::start(data.clone(), journal.clone(), clock);
    let trust = ClockTrust::default();
    time_watch::start(journal.clone(), clock, trust.clone(), recovered.last_at);
    let retention = retention::Retention {
        rules: Arc::clone(rules),
        library: recordings.clone(),
        store: store.clone(),
        journal: journal.clone(),
        journal_folder: journal_folder(data),
        applied: projector.applied(),
        clock,
        trust,
    };
    retention.start();
    Ok((journal, projector, store))
}

/// Recorder and media plane.
fn hear(
    loaded: &Loaded,
    inbox: &InboxSender,
    health: &RecordingHealth,
    clock: Clock,
    prompts: Arc<Prompts>,
) -> Result<(Arc<Recorder>, MediaHandle), StartError> {
    let (reports, health) = (inbox.clone(), health.clone());
    let (recorder, tap) = Recorder::start(
        loaded.recording.clone(),
        move || clock.now(),
        move |report| {
            health.follow(&report);
            reports.put(Input::Recorder(report));
        },
    )?;
    let reports = inbox.clone();
    let stock = limits::PORT_STOCK;
    let media = Media::start(loaded.media.clone(), stock, tap, prompts, move |report| {
        reports.put(Input::Media(report));
    })?;
    Ok((Arc::new(recorder), media))
}

fn listen(loaded: &Loaded) -> Result<(Vec<UdpListener>, Vec<StreamListener>), ListenError> {
    let (mut udp, mut streams) = (Vec::new(), Vec::new());
    for listener in &loaded.switchboard.sip.listen {
        match listener.transport {
            Transport::Udp => udp.push(UdpListener::bind(listener.address)?),
            _ => streams.push(StreamListener::bind(*listener)?),
        }
    }
    Ok((udp, streams))
}

/// The listeners as bound, in the order of the configuration: a port 0 has become one.
fn bound(loaded: &Loaded, udp: &[UdpListener], streams: &[StreamListener]) -> Vec<Listener> {
    let (mut udp, mut streams) = (udp.iter(), streams.iter());
    let listeners = loaded.switchboard.sip.listen.iter();
    let bound = listeners.filter_map(|listener| match listener.transport {
        Transport::Udp => udp.next().map(|l| Listener { address: l.address, ..*listener }),
        _ => streams.next().map(|l| l.listener),
    });
    bound.collect()
}

fn start_entries(journal: &JournalHandle, clock: &Clock, loaded: &Loaded) {
    let at = clock.now().wall;
    let version = env!("CARGO_PKG_VERSION").to_owned();
    journal.append(0, Entry { at, fact: Fact::NodeStarted { version } });
    let fact = Fact::ConfigAdopted { digest: loaded.digest.clone(), by: "start".to_owned() };
    journal.append(0, Entry { at, fact });
}

fn journal_report(
    inbox: InboxSender,
    health: Health,
    clock: Clock,
) -> impl Fn(JournalReport) + Send + 'static {
    move |report| match report {
        JournalReport::Durable { ticket } => {
            inbox.put(Input::Durable { ticket });
        }
        JournalReport::Failed { why } => {
            tracing::error!(why, "the journal cannot be written; calls go on");
            metrics::alarm("journal-failed");
            health.trouble(Check::Journal, &why, clock.now().wall);
        }
        JournalReport::Recovered { .. } => {
            tracing::info!("the journal is written again");
            health.ok(Check::Journal);
        }
    }
}

fn watch_store(projector: &Projector, health: Health, clock: Clock) {
    let mut state = projector.health();
    tokio::spawn(async move {
        let mut failing = false;
        loop {
            let now = state.borrow_and_update().clone();
            match now {
                StoreHealth::Failed { why } => {
                    // Each retry fails anew; the failure is told when it begins.
                    if !std::mem::replace(&mut failing, true) {
                        tracing::error!(why, "the database cannot be written; calls go on");
                        metrics::alarm("store-failed");
                    }
                    health.trouble(Check::Store, &why, clock.now().wall);
                }
                StoreHealth::Ok => {
                    if std::mem::take(&mut failing) {
                        tracing::info!("the database is written again");
                    }
                    health.ok(Check::Store);
                }
                StoreHealth::Behind { .. } => {}
            }
            if state.changed().await.is_err() {
                break;
            }
        }
    });
}

/// Whether a path is the one that a running gateway keeps its data in; for the commands.
#[must_use]
pub fn journal_folder(data_dir: &Path) -> PathBuf {
    data_dir.join("journal")
}
