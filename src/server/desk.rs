//! The gateway as the console sees it: orders go through the switchboard's one door, records come
//! from the store.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

use super::clock::Clock;
use super::inbox::InboxSender;
use super::kernel_drops::kernel_drops;
use super::policy::ServerPolicy;
use super::retention::SharedRules;
use super::switchboard_thread::Waiters;
use crate::acd::settings::QueueSettings;
use crate::agencies::{Issuer, Outbox};
use crate::callout::settings::CalloutSettings;
use crate::config::Loaded;
use crate::console::accounts::Accounts;
use crate::console::places::Outline;
use crate::console::policy::Policy;
use crate::console::proof::Verifier;
use crate::console::settings::{ConsoleSettings, Site};
use crate::console::{self, Boxed, Desk, DeskError, Pages};
use crate::incident::Choices;
use crate::journal::retention::Rules;
use crate::journal::{Entry, Fact};
use crate::media::MediaCounters;
use crate::recording::Library;
use crate::screening::Disposition;
use crate::sip::Listener;
use crate::sip::digest::Credential;
use crate::store::{Alarms, JournalHandle, Store};
use crate::switchboard::Input;
use crate::switchboard::orders::{Answer, Order};
use crate::switchboard::settings::SwitchboardSettings;
use crate::switchboard::view::Board;
use crate::telemetry::health::{Health, HealthSnapshot};
use crate::telemetry::metrics::{self, MediaCounts, Metrics};
use crate::vocabulary::{Dice, IncidentId, SeatId, Secret, WallTime};

/// How long a page waits for the switchboard or the disk.
const PATIENCE: Duration = Duration::from_secs(5);

/// The real desk.
pub(super) struct ServerDesk {
    pub data: PathBuf,
    pub clock: Clock,
    pub inbox: InboxSender,
    pub waiters: Waiters,
    /// Turns of the switchboard that may have changed the board.
    pub turns: Arc<AtomicU64>,
    pub next_order: AtomicU64,
    pub store: Store,
    pub health: Health,
    pub metrics: Metrics,
    pub media: Arc<MediaCounters>,
    pub journal: JournalHandle,
    pub recordings: Library,
    /// Changes with the configuration.
    pub issuer: Arc<RwLock<Issuer>>,
    pub receivers: Vec<Outbox>,
    pub rules: SharedRules,
    pub centre: String,
    pub site: Site,
    pub area_code: String,
    pub accounts: Accounts,
    pub aml_key: Option<Secret>,
    pub policy: ServerPolicy,
    pub verifier: Arc<dyn Verifier>,
    pub copy_to: Option<PathBuf>,
    /// Replaced by a reload.
    pub choices: Arc<RwLock<Arc<Choices>>>,
    pub dice: Mutex<Dice>,
    /// Addresses of the UDP sockets.
    pub udp: Vec<std::net::SocketAddr>,
}

/// What an operator may choose from, by a configuration.
pub(super) fn choices(settings: &SwitchboardSettings) -> Arc<Choices> {
    Arc::new(Choices {
        categories: settings.categories.clone(),
        kecamatan: settings.places.clone(),
        dispositions: Disposition::ALL.map(Disposition::word).to_vec(),
    })
}

/// What pages are told of this place.
pub(super) fn site(loaded: &Loaded, sip: &[Listener]) -> Site {
    let console = &loaded.console;
    Site {
        map_tiles: console.map_tiles.clone(),
        map_credit: console.map_credit.clone(),
        lock_minutes: console.lock_minutes,
        phone_url: console.phone_url.clone(),
        listeners: sip.to_vec(),
        realm: loaded.switchboard.sip.domain.clone(),
    }
}

impl ServerDesk {
    async fn ask(&self, order: Order) -> Result<Answer, DeskError> {
        let number = self.next_order.fetch_add(1, Ordering::Relaxed);
        let (answer, waited) = oneshot::channel();
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner).insert(number, answer);
        let asked = self.inbox.put(Input::Order { number, order });
        let answer = if asked { tokio::time::timeout(PATIENCE, waited).await.ok() } else { None };
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
        Ok(answer.and_then(Result::ok).ok_or(DeskError::Silent)??)
    }

    /// The live board.
    pub async fn board(&self) -> Result<Board, DeskError> {
        match self.ask(Order::Board).await? {
            Answer::Board(mut board) => {
                // What the inbox dropped never reached the switchboard.
                let counts = self.inbox.counts();
                board.unknown_source += counts.unknown;
                board.malformed += counts.malformed;
                Ok(*board)
            }
            _ => Err(DeskError::Silent),
        }
    }
}

impl Desk for ServerDesk {
    fn order(&self, order: Order) -> Boxed<'_, Result<Answer, DeskError>> {
        Box::pin(self.ask(order))
    }

    fn store(&self) -> &Store {
        &self.store
    }

    fn is_behind(&self) -> bool {
        self.inbox.is_behind()
    }

    fn alarms(&self) -> Alarms {
        self.journal.alarms().clone()
    }

    fn turns(&self) -> Option<u64> {
        Some(self.turns.load(Ordering::Relaxed))
    }

    fn health(&self) -> HealthSnapshot {
        self.health.snapshot()
    }

    fn metrics(&self) -> Boxed<'_, String> {
        Box::pin(async move {
            let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
            let media = MediaCounts {
                received: count(&self.media.rtp_received),
                sent: count(&self.media.rtp_sent),
                lost: count(&self.media.rtp_lost),
            };
            metrics::overload(&self.inbox.counts().figures(), kernel_drops(&self.udp));
            // A switchboard that is behind is not asked; the gauges stay as they were.
            if !self.inbox.is_behind()
                && let Ok(board) = self.board().await
            {
                metrics::gauges(&board, media, &self.health.snapshot());
            }
            self.metrics.render()
        })
    }

    fn keep(&self, fact: Fact) {
        self.journal.append(0, Entry { at: self.clock.now().wall, fact });
    }

    fn keep_safely(&self, fact: Fact) -> Boxed<'_, Result<u64, DeskError>> {
        let kept = self.journal.append_told(Entry { at: self.clock.now().wall, fact });
        Box::pin(async move {
            let kept = tokio::time::timeout(PATIENCE, kept).await;
            kept.ok().and_then(Result::ok).ok_or(DeskError::NotKept)
        })
    }

    fn recordings(&self) -> &Library {
        &self.recordings
    }

    fn issuer(&self) -> Issuer {
        self.issuer.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn receivers(&self) -> &[Outbox] {
        &self.receivers
    }

    fn policy(&self) -> Option<&dyn Policy> {
        Some(&self.policy)
    }

    fn outline(&self) -> Option<Arc<Outline>> {
        super::reload::locked(&self.policy.reloader.outline).clone()
    }

    fn queues(&self) -> Vec<QueueSettings> {
        let adopted = super::reload::locked(&self.policy.reloader.adopted);
        let mut queues = adopted.0.queues.clone();
        let last = adopted.0.rules.last().map(|rule| rule.queue.clone());
        queues.sort_by_key(|queue| Some(&queue.id) != last.as_ref());
        queues
    }

    fn verifier(&self) -> Option<&Arc<dyn Verifier>> {
        Some(&self.verifier)
    }

    fn copy_to(&self) -> Option<PathBuf> {
        self.copy_to.clone()
    }

    fn accounts(&self) -> Option<&Accounts> {
        Some(&self.accounts)
    }

    fn account(&self, seat: &SeatId) -> Option<Credential> {
        let adopted = super::reload::locked(&self.policy.reloader.adopted);
        let account = adopted.0.sip.accounts.iter().find(|account| account.seat == *seat);
        account.map(|account| account.credential.clone())
    }

    fn aml_key(&self) -> Option<Secret> {
        self.aml_key.clone()
    }

    fn rules(&self) -> Rules {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn site(&self) -> Site {
        self.site.clone()
    }

    fn centre(&self) -> String {
        self.centre.clone()
    }

    fn area_code(&self) -> String {
        self.area_code.clone()
    }

    fn data(&self) -> PathBuf {
        self.data.clone()
    }

    fn journal(&self) -> (PathBuf, watch::Receiver<u64>) {
        (super::journal_folder(&self.data), self.journal.durable())
    }

    fn choices(&self) -> Arc<Choices> {
        Arc::clone(&self.choices.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn callout(&self) -> CalloutSettings {
        super::reload::locked(&self.policy.reloader.adopted).0.callout.clone()
    }

    fn new_incident(&self) -> IncidentId {
        let mut dice = self.dice.lock().unwrap_or_else(PoisonError::into_inner);
        IncidentId(dice.uid(self.clock.now().wall))
    }

    fn now(&self) -> WallTime {
        self.clock.now().wall
    }
}

/// Starts the console's task.
pub(super) fn serve(
    listener: TcpListener,
    (settings, tls): (&ConsoleSettings, watch::Receiver<Option<Arc<ServerConfig>>>),
    desk: &Arc<ServerDesk>,
    mut stopping: watch::Receiver<bool>,
) -> tokio::task::JoinHandle<()> {
    let desk: Arc<dyn Desk> = Arc::clone(desk) as Arc<dyn Desk>;
    let tokens = settings.tokens.clone();
    let pages = Pages::of_this_build();
    if pages.is_empty() {
        tracing::warn!("this build has no pages: `make` builds them; calls and the API work");
    }
    tokio::spawn(async move {
        let stop = async move {
            // An error means that the server is gone.
            let _ = stopping.wait_for(|stop| *stop).await;
        };
        if let Err(error) = console::serve(listener, tokens, pages, tls, desk, stop).await {
            tracing::error!(%error, "the console has stopped; calls go on");
        }
    })
}
