//! `callout.toml`: who is called out for an emergency, and in which order.

use super::findings::{At, Log, Place, did_you_mean};
use super::folder::Entry;
use super::names::Names;
use super::queues::overflow;
use super::section::{Section, Wrong, some_text};
use crate::acd::settings::Overflow;
use crate::callout::settings::{CalloutSettings, Chain, Contact, Step, When, Who};
use crate::incident::settings::{Category, Kecamatan};
use crate::sip::{Scheme, Uri};
use crate::trunk::number_plan;
use crate::trunk::settings::{Centre, TrunkSettings};
use crate::vocabulary::{ChainId, ContactId, NumberClass};

/// Fewer are no chain: whoever is ill or asleep would be the end of it.
const PEOPLE: usize = 2;
/// A longer one would ring for half an hour.
const STEPS: usize = 20;
/// Numbers of one contact.
const NUMBERS: usize = 5;
/// Characters of what people read.
const TITLE: usize = 80;
const NOTE: usize = 300;
/// Places that a finding names.
const NAMED: usize = 5;

/// What the file may refer to.
pub(super) struct Known<'n> {
    pub(super) centre: Option<&'n Centre>,
    pub(super) trunks: &'n [TrunkSettings],
    pub(super) categories: &'n [Category],
    pub(super) places: &'n [Kecamatan],
    pub(super) kecamatan: &'n Names,
}

/// Where the parts of a chain stand.
struct Places {
    chain: Place,
    steps: Vec<Place>,
}

/// Reads contacts and chains, and checks that each chain reaches somebody wherever it is proposed.
pub(super) fn read(file: At<Vec<Entry>>, known: &Known<'_>, log: &Log) -> CalloutSettings {
    let whole = file.place.clone();
    let mut top = Section::top(file, log);
    let mut names = Names::new("contact", true);
    let contacts: Vec<Contact> = top
        .sections("contact", "[[contact]]")
        .into_iter()
        .map(|section| read_contact(section, &mut names, known, log))
        .collect();
    let mut chain_names = Names::new("chain", true);
    let sections = top.sections("chain", "[[chain]]");
    let (chains, places): (Vec<Chain>, Vec<Places>) = sections
        .into_iter()
        .map(|section| read_chain(section, (&names, &mut chain_names), &contacts, known, log))
        .unzip();
    let settings = CalloutSettings { contacts, chains };
    for (chain, places) in settings.chains.iter().zip(&places) {
        check_plan(&settings, chain, places, known, log);
    }
    if !settings.chains.is_empty() && !known.trunks.iter().any(|trunk| trunk.line.is_some()) {
        log.warn(
            &whole,
            "no trunk has a target: no contact can be called from here",
            "give a trunk a target, such as target = \"sip:10.0.0.9\"",
        );
    }
    settings
}

fn read_contact(
    mut section: Section<'_>,
    names: &mut Names,
    known: &Known<'_>,
    log: &Log,
) -> Contact {
    let name = section.name("name", "\"camat-sapeken\"");
    names.add(&name, log);
    let full_name = section.required("full_name", "\"Camat Sapeken\"", |t| line(t, TITLE));
    let agency = section.word("agency", some_text);
    if let Some(agency) = &agency {
        check_agency(agency, known.categories, log);
    }
    let kecamatan = section.words("kecamatan", some_text);
    kecamatan.iter().for_each(|code| known.kecamatan.refer(code, log));
    if !section.has("numbers") {
        section.missing("numbers", "[\"+6281234567801\", \"0327123456\"]");
    } else if section.lists_nothing("numbers") {
        let what = format!("the contact {:?} has no number", name.value);
        log.error(&section.place, what, "write for example numbers = [\"+6281234567801\"]");
    }
    let written = section.words("numbers", number);
    Contact {
        id: ContactId::from(name.value),
        full_name: full_name.map(|it| it.value).unwrap_or_default(),
        agency: agency.map(|it| it.value),
        role: section.word("role", |text| line(text, TITLE)).map(|it| it.value),
        kecamatan: kecamatan.into_iter().map(|it| it.value).collect(),
        numbers: check_numbers(written, known, log),
        note: section.word("note", |text| line(text, NOTE)).map(|it| it.value).unwrap_or_default(),
    }
}

fn read_chain(
    mut section: Section<'_>,
    (contact_names, names): (&Names, &mut Names),
    contacts: &[Contact],
    known: &Known<'_>,
    log: &Log,
) -> (Chain, Places) {
    let place = section.place.clone();
    let name = section.name("name", "\"kepulauan\"");
    names.add(&name, log);
    let title = section.required("title", "\"Kepulauan\"", |text| line(text, TITLE));
    let has_steps = section.has("steps");
    let (mut steps, mut places) = (Vec::new(), Vec::new());
    let written = section.sections("steps", "[[chain.steps]]");
    let count = written.len();
    for step in written {
        let at = step.place.clone();
        if let Some((step, place)) = read_step(step, (contact_names, contacts), log) {
            if let Who::Contact(_) = step.who
                && steps.iter().any(|earlier: &Step| earlier.who == step.who)
            {
                let what = format!("the chain {:?} calls this contact twice", name.value);
                log.error(
                    &place,
                    what,
                    "keep one of the steps: several numbers stand at the contact",
                );
            }
            steps.push(step);
            places.push(at);
        }
    }
    if !has_steps {
        section
            .missing("steps", "[{ role = \"camat\" }, { contact = \"bpbd\", ring_seconds = 30 }]");
    } else if count < PEOPLE {
        let what = format!("the chain {:?} has fewer than two people", name.value);
        log.error(&place, what, "add a step: whoever does not answer must not be the end of it");
    } else if count > STEPS {
        let what = format!("the chain {:?} has {} steps, {STEPS} are the most", name.value, count);
        log.error(&place, what, "make two chains of it");
    }
    let when = section.section("when", "when").map(|when| read_when(when, known, log));
    if when.is_none() {
        log.warn(
            &place,
            format!("the chain {:?} is never proposed: it is begun by hand only", name.value),
            "write for example when = { category = [\"kebakaran\"] }, or when = {} for every call",
        );
    }
    let chain = Chain {
        id: ChainId::from(name.value),
        title: title.map(|title| title.value).unwrap_or_default(),
        steps,
        when,
    };
    (chain, Places { chain: place, steps: places })
}

/// A step, and where stands whom it means.
fn read_step(
    mut section: Section<'_>,
    (names, contacts): (&Names, &[Contact]),
    log: &Log,
) -> Option<(Step, Place)> {
    let place = section.place.clone();
    let contact = section.word("contact", some_text);
    let role = section.word("role", some_text);
    let ring = section.seconds("ring_seconds", 5..=120, 25).value;
    let (who, place) = match (contact, role) {
        (Some(contact), None) => {
            names.refer(&contact, log);
            (Who::Contact(ContactId::from(contact.value)), contact.place)
        }
        (None, Some(role)) => {
            let mut roles: Vec<&str> = contacts.iter().filter_map(|c| c.role.as_deref()).collect();
            roles.sort_unstable();
            roles.dedup();
            if !roles.contains(&role.value.as_str()) {
                let what = format!("no contact has the role {:?}", role.value);
                log.error(&role.place, what, did_you_mean(&role.value, &roles, "role"));
            }
            (Who::Role(role.value), role.place)
        }
        (Some(_), Some(role)) => {
            log.error(&role.place, "a step has a contact or a role, not both", "keep one of them");
            return None;
        }
        (None, None) => {
            let mend = "write for example { contact = \"bpbd\" } or { role = \"camat\" }";
            log.error(&place, "this step calls nobody", mend);
            return None;
        }
    };
    Some((Step { who, ring }, place))
}

fn read_when(mut section: Section<'_>, known: &Known<'_>, log: &Log) -> When {
    let categories = section.words("category", some_text);
    let codes: Vec<&str> = known.categories.iter().map(|it| it.code.as_str()).collect();
    for category in &categories {
        if !codes.is_empty() && !codes.contains(&category.value.as_str()) {
            let what = format!("no category is called {:?}", category.value);
            log.error(&category.place, what, did_you_mean(&category.value, &codes, "category"));
        }
    }
    let kecamatan = section.words("kecamatan", some_text);
    kecamatan.iter().for_each(|code| known.kecamatan.refer(code, log));
    When {
        category: categories.into_iter().map(|it| it.value).collect(),
        kecamatan: kecamatan.into_iter().map(|it| it.value).collect(),
    }
}

/// Every step means somebody in each kecamatan that the chain is proposed for.
fn check_plan(
    settings: &CalloutSettings,
    chain: &Chain,
    places: &Places,
    known: &Known<'_>,
    log: &Log,
) {
    let Some(when) = &chain.when else { return };
    let here =
        |place: &&Kecamatan| when.kecamatan.is_empty() || when.kecamatan.contains(&place.code);
    let wanted: Vec<&Kecamatan> = known.places.iter().filter(here).collect();
    let mut nobody: Vec<Vec<&Kecamatan>> = vec![Vec::new(); chain.steps.len()];
    for place in &wanted {
        let plan = settings.plan(chain, Some(&place.code));
        for (missing, planned) in nobody.iter_mut().zip(&plan) {
            if planned.contact.is_none() {
                missing.push(*place);
            }
        }
    }
    for ((missing, step), place) in nobody.iter().zip(&chain.steps).zip(&places.steps) {
        // A contact or a role that does not exist was told of already.
        let Who::Role(role) = &step.who else { continue };
        let exists = settings.contacts.iter().any(|contact| contact.role.as_ref() == Some(role));
        if missing.is_empty() || !exists {
            continue;
        }
        let shown: Vec<String> = missing
            .iter()
            .take(NAMED)
            .map(|place| format!("{} ({})", place.name, place.code))
            .collect();
        let more = if missing.len() > NAMED {
            format!(" and {} more", missing.len() - NAMED)
        } else {
            String::new()
        };
        log.error(
            place,
            format!(
                "the chain {:?} is proposed for {}{more}, where no further contact has the role \
                 {role:?}",
                chain.id.as_str(),
                shown.join(", ")
            ),
            "add these codes to the kecamatan of such a contact, or take them out of when",
        );
    }
    if wanted.is_empty() && !known.places.is_empty() && !when.kecamatan.is_empty() {
        // Codes that do not exist were told of where they stand.
        return;
    }
    let leads = |number: &String| match number.split_once('@') {
        None => true,
        Some((_, host)) => known.trunks.iter().any(|trunk| {
            trunk.line.as_ref().is_some_and(|line| line.target.host.eq_ignore_ascii_case(host))
        }),
    };
    let reached = |step: &Step| match &step.who {
        Who::Contact(id) => settings.contact(id).is_none_or(|it| it.numbers.iter().any(leads)),
        Who::Role(_) => true,
    };
    if !chain.steps.is_empty() && !chain.steps.iter().any(reached) {
        log.warn(
            &places.chain,
            format!(
                "the chain {:?} reaches nobody: no trunk leads to its numbers",
                chain.id.as_str()
            ),
            "add a trunk with the target of these hosts, or write numbers",
        );
    }
}

fn check_agency(agency: &At<String>, categories: &[Category], log: &Log) {
    let mut known: Vec<&str> =
        categories.iter().flat_map(|it| &it.agencies).map(String::as_str).collect();
    known.sort_unstable();
    known.dedup();
    // Without categories nothing is known of agencies.
    if !known.is_empty() && !known.contains(&agency.value.as_str()) {
        let what = format!("no category has the agency {:?}", agency.value);
        log.error(&agency.place, what, agency_hint(&agency.value, &known));
    }
}

fn agency_hint(wrong: &str, known: &[&str]) -> String {
    match did_you_mean(wrong, known, "agency") {
        hint if hint.starts_with("did") => hint,
        _ => format!("known agencies: {}", known.join(", ")),
    }
}

/// Numbers that can be dialled, each once.
fn check_numbers(written: Vec<At<String>>, known: &Known<'_>, log: &Log) -> Vec<String> {
    let mut numbers: Vec<String> = Vec::new();
    let area = known.centre.map(|centre| centre.area_code.as_str()).unwrap_or_default();
    for At { place, value } in written {
        let ours = known.centre.is_some_and(|centre| centre.dialled.contains(&value));
        if ours {
            let what = format!("{value:?} is our own emergency number: the chain would call us");
            log.error(&place, what, "write the number of the contact");
        } else if number_plan::phone(&value, area).class == NumberClass::NoCallback {
            let what = format!("{value:?} is what phones without SIM show: nobody has it");
            log.error(&place, what, "write the number of the contact");
        } else if numbers.contains(&value) {
            log.error(&place, format!("{value:?} stands here twice"), "keep one of them");
        } else if numbers.len() == NUMBERS {
            log.error(&place, format!("{NUMBERS} numbers are the most"), "remove some");
        } else {
            numbers.push(value);
        }
    }
    numbers
}

/// A number as it is dialled, written with `tel:` or without; or a neighbour's SIP address.
fn number(text: &str) -> Result<String, Wrong> {
    let text = text.trim();
    let wrong = || {
        Wrong::new(
            format!("{text:?} is no number"),
            "write 3 to 15 digits, \"+6281234567801\" or \"115\", or \"sip:ntpd@pamekasan.example\"",
        )
    };
    let known = text.starts_with("tel:") || text.starts_with("sip:");
    let written = if known { text.to_owned() } else { format!("tel:{text}") };
    match overflow(&written) {
        Ok(Overflow::Number(written)) => {
            let uri = Uri::read(&written);
            Ok(match uri.scheme() {
                Scheme::Sip if !uri.user().is_empty() => format!("{}@{}", uri.user(), uri.host()),
                Scheme::Sip => return Err(wrong()),
                _ => uri.user().to_owned(),
            })
        }
        _ => Err(wrong()),
    }
}

/// A line that people read.
fn line(text: &str, most: usize) -> Result<String, Wrong> {
    let text = some_text(text)?;
    if text.chars().any(char::is_control) {
        return Err(Wrong::new("the text has more than one line", "write one line"));
    }
    match text.chars().count() {
        count if count > most => Err(Wrong::new(
            format!("the text has {count} characters, {most} are the most"),
            "write it shorter",
        )),
        _ => Ok(text),
    }
}
