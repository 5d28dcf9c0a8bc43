//! The files of `config/` become every room's settings, or a list of all that is wrong with them.
//!
//! Rule of the room: a configuration is taken whole or not at all, and one that could lead an
//! emergency call nowhere is refused. Every finding says where, what and how to mend it; none
//! shows a secret. The files are the only source of settings, beside environment variables for
//! `gateway.toml`.

mod announce;
mod audio;
mod browsers;
mod callout;
mod categories;
mod cells;
mod changes;
mod clock;
mod console;
mod environment;
mod findings;
mod folder;
mod forms;
mod gateway;
mod lines;
mod location;
mod masks;
mod names;
mod outline;
mod places;
mod prompts;
mod proof;
mod queues;
mod reach;
mod receivers;
mod recording;
mod identity;
mod references;
mod retention;
mod routing;
mod screening;
mod seats;
mod secrets;
mod section;
mod sounds;
mod storage;
#[cfg(test)]
mod tests;
mod tls;
mod trunks;
mod versions;
mod waiting;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;

use crate::agencies::Issuer;
use crate::agencies::settings::{IdentitySettings, ReferenceSettings};
use crate::agencies::settings::{LoggerSettings, WebhookSettings};
use crate::callout::settings::CalloutSettings;
use crate::console::places::Outline;
use crate::console::settings::ConsoleSettings;
use crate::incident::CellTable;
use crate::incident::settings::{Category, Kecamatan, LocationSettings, Neighbour, SubCategory};
use crate::journal::retention::{FILE as RETENTION, Rules};
use crate::media::settings::MediaSettings;
use crate::recording::RecordingSettings;
use crate::store::StorageSettings;
use crate::switchboard::settings::{BrowserMedia, SwitchboardSettings};
use crate::telemetry::hep::HepSettings;
use crate::trunk::settings::{Centre, TrunkSettings};
use crate::vocabulary::{TrunkId, limits};

pub use changes::{Changes, digest_of, finish, is_editable, read_editable, signature, write};
pub use findings::{Finding, Findings, Severity};
pub use masks::{mask, unmask};
pub use sounds::{Sound, Sounds, is_sound, sounds_signature};
pub use tls::ConnectionSettings;
pub use versions::{Author, Version, Versions};

use findings::{At, Log, Place};
use folder::Folder;
use gateway::Gateway;
use names::Names;
use prompts::PromptFiles;
use secrets::Vault;

/// This machine among the nodes of a centre.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSettings {
    /// Its fully qualified name.
    pub name: String,
    /// Where it keeps journal, records and recordings; made when it does not exist. A relative
    /// path counts from the working directory.
    pub data_dir: PathBuf,
}

/// A whole configuration that may be used.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// This node.
    pub node: NodeSettings,
    /// What the switchboard decides by.
    pub switchboard: SwitchboardSettings,
    /// What connections are made with.
    pub connections: ConnectionSettings,
    /// The media plane.
    pub media: MediaSettings,
    /// How recordings are kept.
    pub recording: RecordingSettings,
    /// Who may be asked for what a call names by reference.
    pub references: ReferenceSettings,
    /// Who is trusted to sign callers' numbers.
    pub identity: IdentitySettings,
    /// The HTTP side.
    pub console: ConsoleSettings,
    /// What its pages are served with over TLS.
    pub console_tls: Option<Arc<ServerConfig>>,
    /// Where copies of SIP messages go.
    pub hep: Option<HepSettings>,
    /// Loggers of the region that get our log events.
    pub loggers: Vec<LoggerSettings>,
    /// Other programs that get our events.
    pub webhooks: Vec<WebhookSettings>,
    /// The database of the records.
    pub storage: StorageSettings,
    /// The borders that maps draw; none where the centre has none of its own.
    pub outline: Option<Arc<Outline>>,
    /// Where copies of the journal's signed heads are kept.
    pub proof_copy_to: Option<PathBuf>,
    /// How long what is kept of calls; nothing is deleted by age without rules.
    pub retention: Rules,
    /// DNS servers that carriers are looked up at; empty for those of the system.
    pub dns_servers: Vec<SocketAddr>,
    /// SHA-256 over names and contents of the files, lower-case hexadecimal. Password files and
    /// the environment are not part of it.
    pub digest: String,
    /// What somebody should look at.
    pub warnings: Findings,
}

impl Loaded {
    /// Who we are towards other agencies' computers.
    #[must_use]
    pub fn issuer(&self) -> Issuer {
        let places = self.switchboard.places.iter();
        Issuer {
            agency: self.switchboard.sip.domain.clone(),
            element: self.node.name.clone(),
            name: self.switchboard.centre.name.clone(),
            kinds: kinds(&self.switchboard.categories),
            places: places.map(|place| (place.code.clone(), place.name.clone())).collect(),
        }
    }
}

/// What other agencies call our kinds of emergency.
fn kinds(categories: &[Category]) -> BTreeMap<String, String> {
    let mut kinds = BTreeMap::new();
    for category in categories {
        let whole = category.eido.iter().map(|kind| (category.code.clone(), kind.clone()));
        kinds.extend(whole);
        let key = |sub: &SubCategory| format!("{}/{}", category.code, sub.code);
        kinds.extend(category.sub.iter().filter_map(|sub| Some((key(sub), sub.eido.clone()?))));
    }
    kinds
}

/// Reads the configuration of a directory, with `environment` laid over `gateway.toml`.
///
/// # Errors
///
/// All findings at once, when one of them is an error.
pub fn load(
    dir: &Path,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Loaded, Findings> {
    load_changed(dir, environment, &Changes::default())
}

/// The same as it would be with `changes`, which are not written anywhere.
///
/// # Errors
///
/// All findings at once, when one of them is an error.
pub fn load_changed(
    dir: &Path,
    environment: impl IntoIterator<Item = (String, String)>,
    changes: &Changes,
) -> Result<Loaded, Findings> {
    let environment: BTreeMap<String, String> = environment.into_iter().collect();
    let log = Log::default();
    let changes = changes.over(&Changes::pending(dir));
    let loaded = read(dir, changes, &environment, &log);
    let findings = log.into_findings();
    match loaded {
        Some(loaded) if findings.errors() == 0 => Ok(Loaded { warnings: findings, ..loaded }),
        _ => Err(findings),
    }
}

/// The process environment, for [`load`]: the one place that reads it. Variables that are no
/// UTF-8 cannot be ours.
#[must_use]
pub fn environment() -> Vec<(String, String)> {
    let utf8 = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(utf8).collect()
}

/// Sections whose change is only taken up by a restart.
#[must_use]
pub fn needs_restart(old: &Loaded, new: &Loaded) -> Vec<&'static str> {
    let changed = [
        ("[node]", old.node != new.node),
        ("[sip] listen", old.switchboard.sip.listen != new.switchboard.sip.listen),
        ("[sip] domain", old.switchboard.sip.domain != new.switchboard.sip.domain),
        (
            "[sip] external_address",
            old.switchboard.sip.external_address != new.switchboard.sip.external_address,
        ),
        ("[sip] dns_servers", old.dns_servers != new.dns_servers),
        ("[media]", old.media != new.media),
        ("[recording]", old.recording != new.recording),
        ("[storage]", old.storage != new.storage),
        ("[proof]", old.proof_copy_to != new.proof_copy_to),
        ("[console]", old.console != new.console),
        ("[hep]", old.hep != new.hep),
        ("[[logger]]", old.loggers != new.loggers),
        ("[[webhook]]", old.webhooks != new.webhooks),
    ];
    changed.into_iter().filter(|(_, changed)| *changed).map(|(section, _)| section).collect()
}

/// Outside recorders are trunks that can be called.
fn recorders(named: Vec<At<String>>, trunks: &[TrunkSettings], log: &Log) -> Vec<TrunkId> {
    let mut recorders: Vec<TrunkId> = Vec::new();
    for name in named {
        let trunk = trunks.iter().find(|trunk| trunk.id.as_str() == name.value);
        let how = "name a [[trunk]] with a target, such as target = \"sip:10.0.0.9\"";
        match trunk {
            None => {
                let what = format!("there is no trunk {:?} to copy calls to", name.value);
                log.error(&name.place, what, how);
            }
            Some(trunk) if trunk.line.is_none() => {
                let what = format!("the trunk {:?} cannot be called: it has no target", name.value);
                log.error(&name.place, what, how);
            }
            Some(trunk) if recorders.contains(&trunk.id) || recorders.len() == 2 => {
                let what = format!("{:?} is one recorder too many", name.value);
                log.error(&name.place, what, "name one or two, each once");
            }
            Some(trunk) => recorders.push(trunk.id.clone()),
        }
    }
    recorders
}

/// Reads all files, each as far as it goes. None when a file that everything hangs on could not
/// be read; otherwise settings that may be used if no error was noted.
#[allow(clippy::too_many_lines, reason = "every file in its order, read in one piece")]
fn read(
    dir: &Path,
    changes: Changes,
    environment: &BTreeMap<String, String>,
    log: &Log,
) -> Option<Loaded> {
    let mut folder = Folder::open(dir, changes, log)?;
    let mut vault = Vault { dir, environment, realm: String::new() };
    let gateway = folder.table("gateway.toml").map(|mut file| {
        environment::overlay(&mut file, environment);
        Gateway::read(file, &mut vault, log)
    });
    let centre = gateway.as_ref().map(|gateway| &gateway.centre);
    let mut usernames = Names::new("account", true);

    let (places, kecamatan, location) = read_places(&mut folder, log);
    let known = (centre, gateway.as_ref().map(|gateway| &gateway.connections));
    let (trunks, trunk_names) = read_trunks(&mut folder, &mut usernames, &vault, known, log);
    let (queues, queue_names) = read_queues(&mut folder, log);
    let known =
        routing::Known { trunks: &trunk_names, queues: &queue_names, kecamatan: &kecamatan };
    let file = folder.table("routing.toml");
    let rules = file.map(|file| routing::read(file, &known, log)).unwrap_or_default();
    let file = folder.table("seats.toml");
    let read_seats = file.map(|file| seats::read(file, &queue_names, &mut usernames, &vault, log));
    if let Some(seats::Read { seats, .. }) = &read_seats {
        let refuses =
            gateway.as_ref().is_some_and(|file| file.screening.refuse_after_marks.is_some());
        let centre = reach::Centre { trunks: &trunks, rules: &rules, queues: &queues, seats };
        centre.check(&queue_names, refuses, log);
    }
    let rules = rules.into_iter().map(|written| written.rule.value).collect();
    let announcements =
        queues.iter().map(|q| (q.settings.id.clone(), q.announcements.clone())).collect();
    let queues = queues.into_iter().map(|written| written.settings).collect();
    let seats::Read { seats, accounts, audio } = read_seats.unwrap_or_default();
    let file = folder.table("categories.toml");
    let categories = file.map(|file| categories::read(file, log)).unwrap_or_default();

    let known = callout::Known {
        centre,
        trunks: &trunks,
        categories: &categories,
        places: &places,
        kecamatan: &kecamatan,
    };
    let callout = read_callout(&mut folder, &known, log);
    let retention = read_retention(&mut folder, log);
    let outline = read_outline(&mut folder, &places, log);
    let gateway = gateway?;
    gateway.check_ports(seats.len(), log);
    lines::check_listeners(&trunks, &gateway.sip.listen, |name| trunk_names.place(name), log);
    let recorders = recorders(gateway.recorders, &trunks, log);
    let mut sip = gateway.sip;
    sip.accounts = accounts;
    Some(Loaded {
        switchboard: SwitchboardSettings {
            centre: gateway.centre,
            node: gateway.name.clone(),
            sip,
            media_address: gateway.media.address,
            browser: BrowserMedia { candidates: gateway.media.browsers.clone(), certificate: None },
            record: gateway.media.record,
            recorders,
            seat_audio: audio,
            trunks,
            rules,
            queues,
            announcements,
            screening: gateway.screening,
            seats,
            categories,
            places,
            callout,
            location: LocationSettings { window: gateway.location_window, ..location },
        },
        node: NodeSettings { name: gateway.name, data_dir: gateway.data_dir },
        connections: gateway.connections,
        media: gateway.media,
        recording: gateway.recording,
        references: gateway.references,
        identity: gateway.identity,
        console: gateway.console,
        console_tls: gateway.console_tls,
        hep: gateway.hep,
        loggers: gateway.loggers,
        webhooks: gateway.webhooks,
        storage: gateway.storage,
        outline,
        proof_copy_to: gateway.proof_copy_to,
        retention,
        dns_servers: gateway.dns_servers,
        digest: folder.digest(),
        warnings: Findings::default(),
    })
}

/// A centre may have no such file: then nothing goes by age.
fn read_retention(folder: &mut Folder<'_>, log: &Log) -> Rules {
    let written = folder.names("").iter().any(|name| name == RETENTION);
    let file = written.then(|| folder.table(RETENTION)).flatten();
    file.map(|file| retention::read(file, log)).unwrap_or_default()
}

/// A centre may have none of its own: then maps draw the shipped one.
fn read_outline(folder: &mut Folder<'_>, places: &[Kecamatan], log: &Log) -> Option<Arc<Outline>> {
    let name = outline::FILE.rsplit('/').next().unwrap_or_default();
    let written = folder.names("places").iter().any(|file| file == name);
    let text = written.then(|| folder.text(outline::FILE)).flatten()?;
    let text = outline::read(&text, &folder.whole(outline::FILE), places, log)?;
    let sha256 = Sound::of(text.as_bytes()).sha256;
    Some(Arc::new(Outline { text, sha256 }))
}

/// A centre may have no such file: then nobody is called out but by hand.
fn read_callout(folder: &mut Folder<'_>, known: &callout::Known<'_>, log: &Log) -> CalloutSettings {
    const FILE: &str = "callout.toml";
    let written = folder.names("").iter().any(|name| name == FILE);
    let file = written.then(|| folder.table(FILE)).flatten();
    file.map(|file| callout::read(file, known, log)).unwrap_or_default()
}

fn read_queues(folder: &mut Folder<'_>, log: &Log) -> (Vec<queues::Written>, Names) {
    let file = folder.table("queues.toml");
    let mut names = Names::new("queue", file.is_some());
    let mut prompts = PromptFiles::list(folder);
    let queues =
        file.map(|file| queues::read(file, &mut names, &mut prompts, log)).unwrap_or_default();
    prompts.used().for_each(|file| folder.take_part(file, limits::PROMPT_BYTES));
    (queues, names)
}

fn read_places(folder: &mut Folder<'_>, log: &Log) -> (Vec<Kecamatan>, Names, LocationSettings) {
    const FILE: &str = "places/kecamatan.csv";
    let text = folder.text(FILE);
    let mut names = Names::new("kecamatan", text.is_some());
    let file = folder.whole(FILE);
    let places = text.map(|text| places::read(&text, &file, &mut names, log)).unwrap_or_default();
    let (cells, neighbours) = read_cells(folder, &places, log);
    let location = LocationSettings { cells, neighbours, ..LocationSettings::default() };
    (places, names, location)
}

/// Both tables may be missing: then cells say nothing.
fn read_cells(
    folder: &mut Folder<'_>,
    places: &[Kecamatan],
    log: &Log,
) -> (CellTable, Vec<Neighbour>) {
    let there = folder.names("places");
    let mut table = |name: &str| {
        let path = format!("places/{name}");
        let text = there.iter().any(|file| file == name).then(|| folder.text(&path)).flatten();
        (text.unwrap_or_default(), folder.whole(&path))
    };
    let (text, file) = table("neighbours.csv");
    let neighbours = cells::neighbours(&text, &file, log);
    let (text, file) = table("cells.csv");
    let cells = cells::cells(&text, &file, (places, &neighbours), log);
    (cells, neighbours)
}

fn read_trunks(
    folder: &mut Folder<'_>,
    usernames: &mut Names,
    vault: &Vault<'_>,
    gateway: (Option<&Centre>, Option<&ConnectionSettings>),
    log: &Log,
) -> (Vec<TrunkSettings>, Names) {
    let Some(files) = folder.tables_below("trunks") else {
        return (Vec::new(), Names::new("trunk", false));
    };
    let tables: Vec<_> = files.iter().map(|name| folder.table(name)).collect();
    let complete = tables.iter().all(Option::is_some);
    let mut names = Names::new("trunk", complete);
    let (mut sources, mut trunks) = (Vec::new(), Vec::new());
    for file in tables.into_iter().flatten() {
        trunks.extend(trunks::read(file, &mut names, usernames, vault, gateway, &mut sources, log));
    }
    if complete && trunks.is_empty() {
        let place: Place = folder.whole("trunks");
        log.error(
            &place,
            "there is no trunk: no call could come in",
            "add a file with a [[trunk]]",
        );
    }
    (trunks, names)
}
