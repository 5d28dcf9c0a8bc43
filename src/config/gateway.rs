//! `gateway.toml`: this node, its centre, and where it listens.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;

use super::findings::{At, Log, Place};
use super::folder::Entry;
use super::names::Names;
use super::secrets::{Found, PASSWORD, Vault};
use super::section::{Section, some_text};
use super::tls::{self, ConnectionSettings};
use super::{
    browsers, clock, console, forms, identity, location, proof, receivers, recording, references,
    screening, storage,
};
use crate::agencies::settings::{
    IdentitySettings, LoggerSettings, ReferenceSettings, WebhookSettings,
};
use crate::console::settings::ConsoleSettings;
use crate::media::settings::MediaSettings;
use crate::recording::RecordingSettings;
use crate::screening::settings::ScreeningSettings;
use crate::sip::digest::Algorithm;
use crate::sip::session_timer::Terms;
use crate::sip::settings::{Expires, SipSettings, Timers};
use crate::sip::{Listener, Transport};
use crate::store::StorageSettings;
use crate::telemetry::hep::HepSettings;
use crate::trunk::settings::Centre;
use crate::vocabulary::{Secret, limits};

/// Addresses of one machine or container, all of them.
const ANY: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
/// Port pairs beside those of the seats: a test call, a caller who waits, one who leaves.
const SPARE_PAIRS: usize = 4;
/// A longest registration above a day leaves dead phones on the board.
const DAY_SECONDS: u32 = 86_400;
/// The number that Homer shows this gateway under, where none is written.
const CAPTURE_ID: u32 = 112;

/// What `gateway.toml` says.
pub(super) struct Gateway {
    pub(super) name: String,
    pub(super) data_dir: PathBuf,
    pub(super) storage: StorageSettings,
    pub(super) centre: Centre,
    pub(super) sip: SipSettings,
    pub(super) connections: ConnectionSettings,
    pub(super) dns_servers: Vec<SocketAddr>,
    pub(super) media: MediaSettings,
    pub(super) console: ConsoleSettings,
    /// What pages are served with over TLS.
    pub(super) console_tls: Option<Arc<ServerConfig>>,
    pub(super) hep: Option<HepSettings>,
    pub(super) screening: ScreeningSettings,
    pub(super) recording: RecordingSettings,
    pub(super) references: ReferenceSettings,
    pub(super) identity: IdentitySettings,
    pub(super) loggers: Vec<LoggerSettings>,
    /// How far a phone's report and its call may be apart.
    pub(super) location_window: Duration,
    pub(super) webhooks: Vec<WebhookSettings>,
    /// Where copies of the journal's signed heads are kept.
    pub(super) proof_copy_to: Option<PathBuf>,
    /// Names of the trunks that lead to outside recorders.
    pub(super) recorders: Vec<At<String>>,
    ports_place: Place,
}

impl Gateway {
    /// Reads the file, and `vault` gets the realm of all accounts from it.
    pub(super) fn read(file: At<Vec<Entry>>, vault: &mut Vault<'_>, log: &Log) -> Self {
        let mut top = Section::top(file, log);
        let (name, data_dir) = node(&mut top.section_or_empty("node", "[node]"));
        let centre = centre(&mut top.section_or_empty("centre", "[centre]"));
        let (sip, connections, dns_servers) =
            sip(&mut top.section_or_empty("sip", "[sip]"), vault.dir);
        let mut section = top.section_or_empty("recording", "[recording]");
        let (recording, recorders) = recording::read(&mut section, &data_dir);
        drop(section);
        let (media, ports_place) = media(&mut top.section_or_empty("media", "[media]"), &sip);
        let usual = format!("sqlite:{}", data_dir.join("siaga112.db").display());
        let mut section = top.section_or_empty("storage", "[storage]");
        let storage = storage::read(&mut section, usual, &name, vault);
        drop(section);
        vault.realm.clone_from(&sip.domain);
        let location = location::read(&mut top.section_or_empty("location", "[location]"), vault);
        let mut section = top.section_or_empty("console", "[console]");
        let (mut console, console_tls) = console::read(&mut section, vault);
        drop(section);
        console.aml_key = location.aml_key;
        let mut section = top.section_or_empty("references", "[references]");
        let references = references::read(&mut section, vault.dir);
        drop(section);
        let mut receiver_names = Names::new("receiver", true);
        let hep = top.section("hep", "[hep]").and_then(|mut section| hep(&mut section, vault));
        Self {
            name,
            data_dir,
            storage,
            centre,
            sip,
            connections,
            dns_servers,
            media,
            console,
            console_tls,
            hep,
            screening: screening::read(top.section_or_empty("screening", "[screening]")),
            recording,
            location_window: location.window,
            identity: identity::read(
                &mut top.section_or_empty("identity", "[identity]"),
                &references,
                vault.dir,
            ),
            references,
            loggers: receivers::loggers(&mut top, &mut receiver_names, vault.dir),
            webhooks: receivers::webhooks(&mut top, &mut receiver_names, vault),
            proof_copy_to: proof::read(top.section_or_empty("proof", "[proof]")),
            recorders,
            ports_place,
        }
    }

    /// Notes when there are too few media ports for this many seats.
    pub(super) fn check_ports(&self, seats: usize, log: &Log) {
        let (first, last) = (*self.media.ports.start(), *self.media.ports.end());
        let pairs = usize::from((last - first).div_ceil(2));
        let needed = 2 * seats + SPARE_PAIRS;
        if pairs < needed {
            let start = usize::from(first).min(65_536_usize.saturating_sub(2 * needed));
            let end = start + 2 * needed - 1;
            log.error(
                &self.ports_place,
                format!("the ports {first}-{last} are {pairs} pairs, {needed} are needed"),
                format!(
                    "each call takes two pairs: write at least \"{start}-{end}\" for {seats} seats"
                ),
            );
        }
    }
}

fn node(section: &mut Section<'_>) -> (String, PathBuf) {
    let name = section.required("name", "\"gw1.112.sumenep.example\"", forms::host);
    let data_dir = section.word("data_dir", some_text);
    (
        name.map(|name| name.value).unwrap_or_default(),
        PathBuf::from(data_dir.map_or_else(|| "data".to_owned(), |dir| dir.value)),
    )
}

fn centre(section: &mut Section<'_>) -> Centre {
    let name = section.required("name", "\"NTPD 112 Sumenep\"", some_text);
    let area_code = section.required("area_code", "\"0328\"", forms::area_code);
    let example = "[\"112\", \"0328112\", \"urn:service:sos\"]";
    if !section.has("dialled") || section.lists_nothing("dialled") {
        section.missing("dialled", example);
    }
    let dialled = section.words("dialled", forms::dialled);
    let timezone = section.word("timezone", clock::zone);
    Centre {
        name: name.map(|name| name.value).unwrap_or_default(),
        area_code: area_code.map(|code| code.value).unwrap_or_default(),
        dialled: dialled.into_iter().map(|form| form.value).collect(),
        timezone: timezone.map_or_else(clock::usual_zone, |zone| zone.value),
    }
}

fn sip(
    section: &mut Section<'_>,
    dir: &Path,
) -> (SipSettings, ConnectionSettings, Vec<SocketAddr>) {
    let log = section.log();
    let written = section.has("listen");
    if section.lists_nothing("listen") {
        let mend = "write for example listen = [\"udp://0.0.0.0:5060\"]";
        log.error(&section.place, "[sip] listens nowhere: no call could come in", mend);
    }
    let mut listen: Vec<Listener> = Vec::new();
    let listeners = section.words("listen", forms::listener);
    for listener in &listeners {
        if listen.contains(&listener.value) {
            let what = format!("{} is listened on twice", listener.value);
            log.error(&listener.place, what, "remove one of them");
        }
        listen.push(listener.value);
    }
    if !written {
        listen.push(Listener {
            transport: Transport::Udp,
            address: SocketAddr::new(ANY[0], Transport::Udp.default_port()),
        });
    }
    let domain = section.required("domain", "\"112.sumenep.example\"", forms::host);
    let external = section.word("external_address", forms::reachable);
    let digest = digest(section);
    let connections = tls::read(section, &listeners, dir);
    let dns_servers = section.words("dns_servers", forms::dns_server);
    let settings = SipSettings {
        listen,
        domain: domain.map(|domain| domain.value).unwrap_or_default(),
        external_address: external.map(|address| address.value),
        user_agent: concat!("siaga112/", env!("CARGO_PKG_VERSION")).to_owned(),
        timers: Timers::default(),
        digest,
        expires: expires(section),
        reliable_provisionals: section.truth("reliable_provisionals", false),
        session: session(section),
        accounts: Vec::new(),
    };
    let dns_servers = dns_servers.into_iter().map(|server| server.value).collect();
    (settings, connections, dns_servers)
}

/// Which challenges are sent, best first; both by default (RFC 8760 §2.4).
fn digest(section: &mut Section<'_>) -> Vec<Algorithm> {
    let written = section.has("digest");
    let mut algorithms = Vec::new();
    for algorithm in section.words("digest", forms::algorithm) {
        if !algorithms.contains(&algorithm.value) {
            algorithms.push(algorithm.value);
        }
    }
    if !written {
        return vec![Algorithm::Sha256, Algorithm::Md5];
    }
    if algorithms.is_empty() {
        let mend = "write digest = [\"SHA-256\", \"MD5\"], or [\"MD5\"] for old phones";
        section.log().error(&section.place, "no challenge is left in [sip] digest", mend);
    }
    algorithms
}

fn expires(section: &mut Section<'_>) -> Expires {
    let usual = Expires::default();
    let min = section.number("min_expires_seconds", 1..=DAY_SECONDS, usual.min);
    let default = section.number("default_expires_seconds", 1..=DAY_SECONDS, usual.default);
    let max = section.number("max_expires_seconds", 1..=DAY_SECONDS, usual.max);
    if !(min.value <= default.value && default.value <= max.value) {
        section.log().error(
            &default.place,
            format!(
                "registrations of at least {} s, usually {} s and at most {} s contradict each \
                 other",
                min.value, default.value, max.value
            ),
            "let min_expires_seconds <= default_expires_seconds <= max_expires_seconds",
        );
    }
    Expires { min: min.value, default: default.value, max: max.value }
}

/// Session timers (RFC 4028): neither side may be asked for a shorter one than the RFC allows.
fn session(section: &mut Section<'_>) -> Terms {
    let usual = Terms::default();
    let range = limits::SESSION_FLOOR..=limits::SESSION_MOST;
    let expires = section.number("session_expires_seconds", range.clone(), usual.expires);
    let min = section.number("min_se_seconds", range, usual.min);
    if min.value > expires.value {
        section.log().error(
            &min.place,
            format!(
                "sessions of {} s are shorter than the least of {} s",
                expires.value, min.value
            ),
            "let min_se_seconds <= session_expires_seconds",
        );
    }
    Terms { expires: expires.value, min: min.value }
}

fn media(section: &mut Section<'_>, sip: &SipSettings) -> (MediaSettings, Place) {
    let log = section.log();
    let refused = section.has("address");
    let address = section.word("address", forms::reachable);
    let bind = section.word("bind", forms::bindable);
    let record = section.truth("record", true);
    let usual = At { place: section.place.clone(), value: 20_000..=29_999 };
    let ports = section.word("ports", forms::ports).unwrap_or(usual);
    let (bind, address) = match (bind, address) {
        (Some(bind), None) if !bind.value.is_unspecified() => (bind.value, bind.value),
        (_, None) => {
            if !refused {
                section.missing("address", "\"192.0.2.10\", the address written into SDP");
            }
            (ANY[0], ANY[0])
        }
        // Behind NAT the written address is none of this machine's: all are bound, unless the
        // audio is for this machine only.
        (None, Some(At { value: address, .. })) => {
            let any = if address.is_ipv4() { ANY[0] } else { ANY[1] };
            (if address.is_loopback() { address } else { any }, address)
        }
        (Some(bind), Some(address)) => {
            if bind.value.is_ipv4() != address.value.is_ipv4() {
                let what = format!("{} and {} are of two IP versions", bind.value, address.value);
                log.error(&bind.place, what, "let bind and address be of one version");
            }
            (bind.value, address.value)
        }
    };
    if let Some(listener) = sip.listen.iter().find(|at| ports.value.contains(&at.address.port())) {
        let what = format!("the SIP listener {listener} lies within the media ports");
        log.error(&ports.place, what, "move one of them");
    }
    let place = ports.place.clone();
    let ports = whole_pairs(&ports, log);
    let browsers = browsers::read(section, sip, address, &ports);
    (MediaSettings { bind, address, ports, browsers, record }, place)
}

/// RTP has the even port, RTCP the odd one after it (RFC 3550 §11): what is left over at either
/// end is not used.
fn whole_pairs(ports: &At<RangeInclusive<u16>>, log: &Log) -> RangeInclusive<u16> {
    let (first, last) = (*ports.value.start(), *ports.value.end());
    let (even, odd) = (first + first % 2, last - (1 - last % 2));
    if even >= odd {
        log.error(&ports.place, format!("{first}-{last} holds no pair of ports"), "widen it");
        return ports.value.clone();
    }
    if (even, odd) != (first, last) {
        log.warn(
            &ports.place,
            format!("pairs begin at even ports: of {first}-{last} only {even}-{odd} are used"),
            format!("write \"{even}-{odd}\""),
        );
    }
    even..=odd
}

/// None without a collector: the mistake is noted.
fn hep(section: &mut Section<'_>, vault: &Vault<'_>) -> Option<HepSettings> {
    let log = section.log();
    let collector = section.required("collector", "\"udp://192.0.2.5:9060\"", forms::collector);
    let capture_id = section.number("capture_id", 1..=u32::MAX, CAPTURE_ID);
    let password = match vault.secret(section, &PASSWORD) {
        Found::Secret(password) => password,
        Found::Unset(variable) => {
            log.error(
                &variable.place,
                format!("the environment variable {} is not set", variable.value),
                "set it before the start, or remove password_env",
            );
            return None;
        }
        Found::Nothing => Secret::default(),
        Found::Refused => return None,
    };
    Some(HepSettings { collector: collector?.value, capture_id: capture_id.value, password })
}
