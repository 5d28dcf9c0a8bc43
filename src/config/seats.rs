//! `seats.toml`: positions, the SIP accounts of their phones, and the people who sit there.

use std::collections::BTreeMap;

use super::findings::{At, Log};
use super::folder::Entry;
use super::names::Names;
use super::secrets::{Vault, account_name};
use super::section::{Section, some_text};
use crate::acd::settings::{Membership, SeatSettings};
use crate::sip::settings::Account;
use crate::vocabulary::{OperatorId, SeatId};

/// Reads seats and their accounts.
pub(super) fn read(
    file: At<Vec<Entry>>,
    queues: &Names,
    usernames: &mut Names,
    vault: &Vault<'_>,
    log: &Log,
) -> (Vec<SeatSettings>, Vec<Account>) {
    let mut top = Section::top(file, log);
    let mut operators = Names::new("operator", true);
    for mut section in top.sections("operator", "[[operator]]") {
        operators.add(&section.name("name", "\"siti\""), log);
        section.required("full_name", "\"Siti Aminah\"", some_text);
    }
    let mut names = Names::new("seat", true);
    let mut sitting = BTreeMap::new();
    let (mut seats, mut accounts) = (Vec::new(), Vec::new());
    for section in top.sections("seat", "[[seat]]") {
        let place = section.place.clone();
        let (seat, account) = read_one(section, &mut names, usernames, vault);
        for queue in &seat.queues {
            queues.refer(queue, log);
        }
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
        accounts.extend(account.map(|credential| Account { seat: id.clone(), credential }));
        seats.push(SeatSettings {
            id,
            queues: seat
                .queues
                .into_iter()
                .map(|queue| Membership::new(queue.value.as_str()))
                .collect(),
            skills: BTreeMap::new(),
            auto_answer: false,
            operator: seat.operator.map(|operator| OperatorId::from(operator.value)),
            auto_ready: seat.auto_ready,
        });
    }
    (seats, accounts)
}

struct Written {
    name: String,
    queues: Vec<At<String>>,
    operator: Option<At<String>>,
    auto_ready: bool,
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
        queues: section.words("queues", some_text),
        operator: section.word("operator", some_text),
        auto_ready: section.truth("auto_ready", false),
    };
    (seat, account)
}
