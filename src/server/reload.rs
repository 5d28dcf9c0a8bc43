//! How a configuration is taken up while calls go on: by one path, whoever asks. SIGHUP, a file that was
//! changed by hand and the API all come here; each configuration that is adopted becomes a version.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::sync::watch;

use super::clock::Clock;
use super::connections::Connections;
use super::inbox::InboxSender;
use super::retention::SharedRules;
use super::{desk, prompts};
use crate::agencies::https::Fetcher;
use crate::agencies::{Issuer, Voucher};
use crate::config::{self, Author, Changes, Findings, Loaded, Version, Versions};
use crate::console::places::Outline;
use crate::incident::Choices;
use crate::journal::{Entry, Fact};
use crate::media::MediaHandle;
use crate::sip::Listener;
use crate::store::JournalHandle;
use crate::switchboard::Input;
use crate::switchboard::settings::{BrowserMedia, SwitchboardSettings};
use crate::telemetry::health::{Check, Health};

/// How often the folder is looked at; files that rested for so long are taken up.
const EVERY: Duration = Duration::from_secs(1);

/// Takes configurations up. One at a time.
pub(super) struct Reloader {
    pub clock: Clock,
    pub inbox: InboxSender,
    pub health: Health,
    pub journal: JournalHandle,
    pub media: MediaHandle,
    pub connections: Connections,
    /// Who follows references.
    pub fetcher: Fetcher,
    /// Who verifies callers' numbers.
    pub voucher: Voucher,
    /// Who we are to other agencies.
    pub issuer: Arc<RwLock<Issuer>>,
    /// How long what is kept.
    pub rules: SharedRules,
    /// The borders that maps draw.
    pub outline: Mutex<Option<Arc<Outline>>>,
    /// What the console's connections are encrypted with.
    pub console_tls: watch::Sender<Option<Arc<ServerConfig>>>,
    /// What a form may hold.
    pub choices: Arc<RwLock<Arc<Choices>>>,
    /// As bound at the start.
    pub sip: Vec<Listener>,
    pub folder: PathBuf,
    pub environment: Vec<(String, String)>,
    pub versions: Versions,
    /// What runs: where a section needs a restart, as it was at the start.
    pub running: Mutex<Loaded>,
    /// What the switchboard decides by now, and the digest of its files.
    pub adopted: Mutex<(SwitchboardSettings, String)>,
    /// Held by whoever reads the folder in order to change or adopt it.
    pub one: Mutex<()>,
    /// The state of the folder that was looked at last, good or not: the watch need not look again.
    pub seen: Mutex<String>,
    /// The prompts that callers hear, and the state of their folder that they were read from.
    pub prompts: Mutex<(prompts::Loaded, String)>,
}

/// A configuration that was adopted.
#[derive(Debug)]
pub(super) struct Adopted {
    /// Sections that wait for a restart.
    pub restart: Vec<&'static str>,
    /// What should be looked at.
    pub warnings: Findings,
    /// Its version; none when the disk does not keep it.
    pub version: Option<Version>,
}

impl Reloader {
    /// Takes the configuration of the folder, whole or not at all; and keeps it as a version.
    ///
    /// # Errors
    /// Every mistake; what runs goes on.
    pub fn reload(&self, by: &str, author: Author) -> Result<Adopted, Findings> {
        let _one = self.alone();
        self.reload_alone(by, author)
    }

    /// Nobody else changes or adopts anything while this is held.
    pub fn alone(&self) -> MutexGuard<'_, ()> {
        self.one.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same for whoever holds [`Self::alone`].
    pub fn reload_alone(&self, by: &str, author: Author) -> Result<Adopted, Findings> {
        if let Err(error) = config::finish(&self.folder) {
            // Every reader sees the change all the same.
            tracing::error!(%error, "a change of the configuration is not in its places yet");
        }
        let now = self.clock.now();
        *locked(&self.seen) = state_of(&self.folder);
        match config::load(&self.folder, self.environment.clone()) {
            Err(findings) => {
                let detail = format!("{}, the running one stays", findings.told());
                self.health.trouble(Check::Config, &detail, now.wall);
                let fact = Fact::ConfigRefused { mistakes: findings.errors(), by: by.to_owned() };
                self.journal.append(0, Entry { at: now.wall, fact });
                Err(findings)
            }
            Ok(loaded) => Ok(self.adopt(loaded, by, author)),
        }
    }

    fn adopt(&self, loaded: Loaded, by: &str, author: Author) -> Adopted {
        self.health.ok(Check::Config);
        let mut running = locked(&self.running);
        let restart = config::needs_restart(&running, &loaded);
        // What was bound at the start stays as it is until the next one.
        let mut settings = loaded.switchboard.clone();
        settings.media_address = running.switchboard.media_address;
        settings.browser = BrowserMedia {
            candidates: running.switchboard.browser.candidates.clone(),
            certificate: Some(self.media.certificate()),
        };
        settings.node.clone_from(&running.switchboard.node);
        settings.sip.listen.clone_from(&self.sip);
        settings.sip.domain.clone_from(&running.switchboard.sip.domain);
        settings.sip.external_address = running.switchboard.sip.external_address;
        *self.issuer.write().unwrap_or_else(PoisonError::into_inner) = loaded.issuer();
        *self.choices.write().unwrap_or_else(PoisonError::into_inner) =
            desk::choices(&loaded.switchboard);
        *locked(&self.rules) = loaded.retention.clone();
        self.connections.adopt(&loaded);
        self.fetcher.adopt(loaded.references.clone());
        self.voucher.adopt(loaded.identity.clone());
        locked(&self.outline).clone_from(&loaded.outline);
        // Whether there is any is decided at the start: addresses of pages say it.
        if self.console_tls.borrow().is_some() && loaded.console_tls.is_some() {
            self.console_tls.send_replace(loaded.console_tls.clone());
        }
        self.read_prompts();
        *locked(&self.adopted) = (settings.clone(), loaded.digest.clone());
        self.inbox.put(Input::Adopt {
            settings: Box::new(settings),
            digest: loaded.digest,
            by: by.to_owned(),
        });
        // Compared with what runs: a second reload still says what waits for a restart.
        running.warnings = loaded.warnings.clone();
        drop(running);
        Adopted { restart, warnings: loaded.warnings, version: self.keep(author) }
    }

    fn read_prompts(&self) {
        let state = config::sounds_signature(&self.folder);
        let read = prompts::read(&self.folder);
        self.media.adopt_prompts(Arc::clone(&read.prompts));
        *locked(&self.prompts) = (read, state);
    }

    /// Keeps the files of the folder as a version.
    pub fn keep(&self, author: Author) -> Option<Version> {
        let kept = self.files().and_then(|files| {
            self.versions.keep(self.clock.now().wall, author, &files, &self.folder)
        });
        kept.inspect_err(|error| {
            tracing::error!(%error, "the configuration is adopted, and not kept as a version");
        })
        .ok()
    }

    /// The files that may be changed, as they are.
    pub fn files(&self) -> std::io::Result<BTreeMap<String, String>> {
        config::read_editable(&self.folder)
    }

    /// What a change would give.
    pub fn judge(&self, changes: &Changes) -> Result<Loaded, Findings> {
        config::load_changed(&self.folder, self.environment.clone(), changes)
    }
}

impl Reloader {
    /// Takes up what somebody has changed by hand, once the files have rested: `before` is their state
    /// when they were looked at last.
    fn look(&self, before: &mut String) {
        let sounds = config::sounds_signature(&self.folder);
        let here = config::signature(&self.folder) + &sounds;
        let rested = std::mem::replace(before, here.clone()) == here;
        if !rested || here == *locked(&self.seen) {
            return;
        }
        let _one = self.alone();
        let same = sounds == locked(&self.prompts).1
            && config::load(&self.folder, self.environment.clone())
                .is_ok_and(|loaded| loaded.digest == locked(&self.adopted).1);
        if same {
            here.clone_into(&mut locked(&self.seen));
            return;
        }
        match self.reload_alone("file", Author::by_hand("files were changed")) {
            Ok(adopted) if adopted.restart.is_empty() => tracing::info!("changed files adopted"),
            Ok(adopted) => {
                let restart = adopted.restart.join(", ");
                tracing::warn!(restart, "changed files adopted; these sections need a restart");
            }
            Err(findings) => {
                tracing::error!("changed files refused, what runs stays:\n{findings}");
            }
        }
    }

    /// Ends a change that a kill has cut off, and keeps what the program starts with.
    fn begin(&self) {
        let _one = self.alone();
        let note = config::finish(&self.folder).unwrap_or_else(|error| {
            tracing::error!(%error, "a change of the configuration is not in its places yet");
            None
        });
        let author = note.and_then(|note| serde_json::from_str(&note).ok());
        *locked(&self.seen) = state_of(&self.folder);
        self.keep(author.unwrap_or_else(|| Author::by_hand("found at the start")));
    }
}

/// Watches the folder for changes by hand, until the console is told to stop.
pub(super) fn watch(reloader: Arc<Reloader>, mut stopping: watch::Receiver<bool>) {
    tokio::spawn(async move {
        let begun = Arc::clone(&reloader);
        // A panic of it is logged by its thread, and the watch goes on.
        let _ = tokio::task::spawn_blocking(move || begun.begin()).await;
        let mut before = locked(&reloader.seen).clone();
        loop {
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                _ = stopping.wait_for(|stop| *stop) => return,
            }
            let looks = Arc::clone(&reloader);
            let looked = tokio::task::spawn_blocking(move || {
                looks.look(&mut before);
                before
            });
            before = looked.await.unwrap_or_default();
        }
    });
}

/// The state of all files that a reload reads.
pub(super) fn state_of(folder: &Path) -> String {
    config::signature(folder) + &config::sounds_signature(folder)
}

/// A lock that no panic of another thread closes for good.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
