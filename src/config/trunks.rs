//! `trunks/*.toml`: one profile for each carrier.

use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use super::findings::{At, Log};
use super::folder::Entry;
use super::names::Names;
use super::secrets::{Vault, account_name};
use super::section::{Section, Wrong, some_text};
use super::tls::{self, ConnectionSettings};
use super::{audio, forms, lines};
use crate::incident::IdentityHeader;
use crate::trunk::number_plan::Prefix;
use crate::trunk::settings::{CallerRules, Centre, EarlyMedia, TrunkSettings};
use crate::vocabulary::{AnswerMode, TrunkId};

/// The longest silence that can be waited for before an alarm: a week.
const QUIET_MINUTES: u32 = 7 * 24 * 60;

/// Reads one file's trunks; `sources` gathers the networks of all files.
pub(super) fn read(
    file: At<Vec<Entry>>,
    names: &mut Names,
    usernames: &mut Names,
    vault: &Vault<'_>,
    (centre, connections): (Option<&Centre>, Option<&ConnectionSettings>),
    sources: &mut Vec<(String, At<IpNet>)>,
    log: &Log,
) -> Vec<TrunkSettings> {
    let mut top = Section::top(file, log);
    let sections = top.sections("trunk", "[[trunk]]");
    let mut trunks = Vec::new();
    for mut section in sections {
        let name = section.name("name", "\"telco-a\"");
        names.add(&name, log);
        let written = section.has("source") && !section.lists_nothing("source");
        let networks = section.words("source", forms::network);
        let proved = section.has("tls_names") && !section.lists_nothing("tls_names");
        let tls_names = section.words("tls_names", forms::host);
        if let Some(connections) = connections {
            tls::check_names(&tls_names, connections, log);
        }
        let username = section.word("username", account_name);
        if let Some(username) = &username {
            usernames.add(username, log);
        }
        let called = section.has("target");
        if !written && !proved && !called && username.is_none() {
            log.error(
                &section.place,
                format!(
                    "the trunk {:?} has neither a source, nor a certificate's name, nor an account",
                    name.value
                ),
                "add source = [\"198.51.100.7\"], tls_names, or username with a password",
            );
        }
        let digest = vault.account(&mut section, username);
        for network in &networks {
            check_source(&name.value, network, sources, log);
        }
        let line = lines::read(&mut section, vault);
        let quiet = section.number("quiet_alarm_minutes", 0..=QUIET_MINUTES, 0).value;
        let area_code = section.word("area_code", forms::area_code);
        let test_number = section.word("test_number", forms::digits);
        if let (Some(number), Some(centre)) = (&test_number, centre) {
            check_test_number(number, centre, log);
        }
        let audio = audio::read(&mut section);
        let callers = callers(&mut section, log);
        trunks.push(TrunkSettings {
            id: TrunkId::from(name.value),
            sources: networks.into_iter().map(|network| network.value).collect(),
            tls_names: tls_names.into_iter().map(|name| name.value).collect(),
            digest,
            trust_identity: section.truth("trust_identity", false),
            area_code: area_code
                .map(|code| code.value)
                .or_else(|| centre.map(|centre| centre.area_code.clone()))
                .unwrap_or_default(),
            callers,
            answer: section.word("answer", answer_mode).map(|mode| mode.value),
            early_media: section
                .word("early_media", early_media)
                .map(|mode| mode.value)
                .unwrap_or_default(),
            test_number: test_number.map(|number| number.value),
            line: line.map(Arc::new),
            quiet_alarm: (quiet > 0).then(|| Duration::from_secs(u64::from(quiet) * 60)),
            audio,
        });
    }
    trunks
}

/// Whose network it is, and how its identities are read.
fn callers(section: &mut Section<'_>, log: &Log) -> CallerRules {
    let network = section.word("network", some_text).map(|network| network.value);
    let mut order: Vec<IdentityHeader> = Vec::new();
    for At { place, value } in section.words("identity_order", identity_header) {
        if order.contains(&value) {
            log.error(&place, "the header is named twice", "name each header once");
        } else {
            order.push(value);
        }
    }
    let mut prefixes: Vec<Prefix> = Vec::new();
    for At { place, value } in section.words("prefixes", prefix) {
        if prefixes.iter().any(|known| known.from == value.from) {
            let what = format!("{:?} is given two meanings", value.from);
            log.error(&place, what, "keep one of them");
        } else {
            prefixes.push(value);
        }
    }
    CallerRules { network, order, prefixes }
}

/// A header that names the caller.
fn identity_header(text: &str) -> Result<IdentityHeader, Wrong> {
    let known = [
        ("P-Asserted-Identity", IdentityHeader::Asserted),
        ("Remote-Party-ID", IdentityHeader::RemoteParty),
        ("From", IdentityHeader::From),
    ];
    let found = known.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    found.map(|(_, header)| header).ok_or_else(|| {
        Wrong::new(
            format!("{text:?} is no header that names a caller"),
            "write \"P-Asserted-Identity\", \"Remote-Party-ID\" or \"From\"",
        )
    })
}

/// `8=+628`: what the beginning of a number means.
fn prefix(text: &str) -> Result<Prefix, Wrong> {
    let digits = |text: &str| text.len() <= 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    let read = text.split_once('=').map(|(from, to)| (from.trim(), to.trim()));
    match read {
        Some((from, to))
            if !from.is_empty()
                && digits(from)
                && to.strip_prefix(['+', '0']).is_some_and(digits) =>
        {
            Ok(Prefix { from: from.to_owned(), to: to.to_owned() })
        }
        _ => Err(Wrong::new(
            format!("{text:?} does not say what a beginning means"),
            "write digits, = and what they stand for: \"8=+628\" or \"00=+\"",
        )),
    }
}

/// When a call is answered, as queues and trunks write it.
pub(super) fn answer_mode(text: &str) -> Result<AnswerMode, Wrong> {
    text.parse().map_err(|_| {
        Wrong::new(
            format!("{text:?} is no answer mode"),
            "write \"on_agent\", \"immediate\" or \"after_seconds:N\" with N from 1 to 600",
        )
    })
}

/// What a network does with audio before the answer.
fn early_media(text: &str) -> Result<EarlyMedia, Wrong> {
    match text {
        "no" => Ok(EarlyMedia::No),
        "heard" => Ok(EarlyMedia::Heard),
        "both" => Ok(EarlyMedia::Both),
        _ => Err(Wrong::new(
            format!("{text:?} is not known of audio before the answer"),
            "write \"no\", \"heard\" (the caller hears us) or \"both\" (and we hear the caller)",
        )),
    }
}

/// A packet must tell its carrier by its source alone.
fn check_source(
    trunk: &str,
    network: &At<IpNet>,
    sources: &mut Vec<(String, At<IpNet>)>,
    log: &Log,
) {
    if network.value.prefix_len() == 0 {
        log.warn(
            &network.place,
            format!("{} makes everybody the carrier {trunk:?}", network.value),
            "write the carrier's own networks",
        );
    }
    for (other, known) in sources.iter() {
        let nested = known.value.contains(&network.value) || network.value.contains(&known.value);
        if nested && other != trunk {
            log.error(
                &network.place,
                format!(
                    "{} of trunk {trunk:?} overlaps {} of trunk {other:?} at {}",
                    network.value, known.value, known.place
                ),
                "let each address belong to one trunk",
            );
        }
    }
    sources.push((trunk.to_owned(), network.clone()));
}

/// A number that people dial in need must never reach the test call.
fn check_test_number(number: &At<String>, centre: &Centre, log: &Log) {
    if centre.dialled.contains(&number.value) {
        log.error(
            &number.place,
            format!("the test number {:?} is also an emergency number of [centre]", number.value),
            "let the test number be one that nobody dials in need",
        );
    }
}
