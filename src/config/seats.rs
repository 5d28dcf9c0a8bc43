//! `seats.toml`: positions, the SIP accounts of their phones, and the people who sit there.

use std::collections::BTreeMap;

use super::audio;
use super::findings::{At, Log};
use super::folder::Entry;
use super::names::Names;
use super::secrets::{Vault, account_name};
use super::section::{Item, Section, some_text};
use super::waiting::TIERS;
use crate::acd::settings::{Membership, SeatSettings};
use crate::sip::settings::Account;
use crate::vocabulary::{AudioPolicy, OperatorId, QueueId, SeatId, Skill};

/// Reads seats and their accounts.
pub(super) fn read(
    file: At<Vec<Entry>>,
    queues: &Names,
    usernames: &mut Names,
    vault: &Vault<'_>,
    log: &Log,
) -> Read {
    let mut top = Section::top(file, log);
    let mut operators = Names::new("operator", true);
    for mut section in top.sections("operator", "[[operator]]") {
        operators.add(&section.name("name", "\"siti\""), log);
        section.required("full_name", "\"Siti Aminah\"", some_text);
    }
    let mut names = Names::new("seat", true);
    let mut sitting = BTreeMap::new();
    let mut read = Read::default();
    for section in top.sections("seat", "[[seat]]") {
        let place = section.place.clone();
        let (seat, account) = read_one(section, &mut names, usernames, vault);
        check_queues(&seat, queues, log);
        if let Some(operator) = &seat.operator {
            operators.refer(operator, log);
            if let Some(other) = sitting.insert(operator.value.clone(), seat.name.clone()) {
                log.warn(
                    &operator.place,
                    format!("{:?} sits at {other:?} as well", operator.value),
                    "give each seat its own operator",
                );
            }
        }
        if seat.queues.is_empty() {
            let what = format!("the seat {:?} serves no queue: it never rings", seat.name);
            log.warn(&place, what, "write for example queues = [\"darurat\"]");
        }
        let id = SeatId::from(seat.name);
        let account = account.map(|credential| Account { seat: id.clone(), credential });
        read.accounts.extend(account);
        if seat.audio != AudioPolicy::default() {
            read.audio.insert(id.clone(), seat.audio);
        }
        read.seats.push(SeatSettings {
            id,
            queues: seat.queues.into_iter().map(|member| member.value).collect(),
            skills: seat.skills,
            auto_answer: seat.auto_answer,
            operator: seat.operator.map(|operator| OperatorId::from(operator.value)),
            auto_ready: seat.auto_ready,
        });
    }
    read
}

/// What `seats.toml` says.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub seats: Vec<SeatSettings>,
    pub accounts: Vec<Account>,
    /// How audio travels to a seat, where that is not the usual way.
    pub audio: BTreeMap<SeatId, AudioPolicy>,
}

struct Written {
    name: String,
    queues: Vec<At<Membership>>,
    skills: BTreeMap<Skill, u8>,
    operator: Option<At<String>>,
    auto_ready: bool,
    auto_answer: bool,
    audio: AudioPolicy,
}

fn read_one(
    mut section: Section<'_>,
    names: &mut Names,
    usernames: &mut Names,
    vault: &Vault<'_>,
) -> (Written, Option<crate::sip::digest::Credential>) {
    let log = section.log();
    let name = section.name("name", "\"seat-1\"");
    let is_new = names.add(&name, log);
    let username = match section.word("username", account_name) {
        Some(username) => {
            usernames.add(&username, log);
            username
        }
        None => {
            // A seat name that exists twice is one mistake, not two.
            if is_new {
                usernames.add(&name, log);
            }
            name.clone()
        }
    };
    let account = vault.account(&mut section, Some(username));
    let seat = Written {
        name: name.value,
        queues: memberships(&mut section),
        skills: section
            .levels("skills", &(1..=9))
            .into_iter()
            .map(|(skill, level)| (Skill::from(skill.value), level))
            .collect(),
        auto_answer: section.truth("auto_answer", false),
        operator: section.word("operator", some_text),
        auto_ready: section.truth("auto_ready", false),
        audio: audio::read(&mut section),
    };
    (seat, account)
}

/// `"darurat"`, or `{ queue = "darurat", tier = 2 }`.
fn memberships(section: &mut Section<'_>) -> Vec<At<Membership>> {
    let mut members = Vec::new();
    for item in section.items("queues", "queues") {
        let member = match item {
            Item::Text(queue) => {
                At { place: queue.place, value: Membership::new(queue.value.as_str()) }
            }
            Item::Table(mut table) => {
                let queue = table.name("queue", "\"darurat\"");
                let usual = Membership::new(queue.value.as_str());
                let value = Membership {
                    tier: table.number("tier", 1..=TIERS, usual.tier).value,
                    preference: table.number("preference", 1..=5, usual.preference).value,
                    weight: table.number("weight", 1..=9, usual.weight).value,
                    ..usual
                };
                At { place: queue.place, value }
            }
        };
        members.push(member);
    }
    members
}

fn check_queues(seat: &Written, queues: &Names, log: &Log) {
    let mut known: Vec<&QueueId> = Vec::new();
    for At { place, value: Membership { queue, .. } } in &seat.queues {
        queues.refer(&At { place: place.clone(), value: queue.as_str().to_owned() }, log);
        if known.contains(&queue) {
            log.error(
                place,
                format!("the seat {:?} serves the queue {queue:?} twice", seat.name),
                "keep one of them",
            );
        }
        known.push(queue);
    }
}
