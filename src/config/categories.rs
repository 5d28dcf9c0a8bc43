//! `categories.toml`: the kinds of emergency that an operator chooses from.

use super::findings::{At, Log};
use super::folder::Entry;
use super::forms;
use super::names::Names;
use super::section::{Item, Section, Wrong, some_text};
use crate::incident::settings::{Category, SubCategory};

/// Reads the categories.
pub(super) fn read(file: At<Vec<Entry>>, log: &Log) -> Vec<Category> {
    let mut top = Section::top(file, log);
    let mut codes = Names::new("category", true);
    let mut preselected = Names::new("service", true);
    let mut categories = Vec::new();
    for mut section in top.sections("category", "[[category]]") {
        let code = section.name("code", "\"kebakaran\"");
        codes.add(&code, log);
        let services = section.words("services", forms::service_form);
        for service in &services {
            preselected.add(service, log);
            forms::doubt_service(service, log);
        }
        let name = section.required("name", "\"Kebakaran\"", some_text);
        let name_en = section.required("name_en", "\"Fire\"", some_text);
        categories.push(Category {
            code: code.value,
            name: name.map(|name| name.value).unwrap_or_default(),
            name_en: name_en.map(|name| name.value).unwrap_or_default(),
            sub: subs(&mut section, log),
            agencies: texts(section.words("agencies", some_text)),
            services: texts(services),
            eido: section.word("eido", common_kind).map(|kind| kind.value),
        });
    }
    categories
}

/// Sub-categories, written short (`"rumah"`: code and both names) or long.
fn subs(section: &mut Section<'_>, log: &Log) -> Vec<SubCategory> {
    let mut codes = Names::new("sub-category", true);
    let mut subs = Vec::new();
    for item in section.items("sub", "sub") {
        let (code, name, name_en, eido) = match item {
            Item::Text(text) => match some_text(&text.value) {
                Ok(name) => (text, name.clone(), name, None),
                Err(Wrong(what, mend)) => {
                    log.error(&text.place, what, mend);
                    continue;
                }
            },
            Item::Table(mut table) => {
                let code = table.required("code", "\"pembunuhan\"", some_text);
                let name = table.required("name", "\"Pembunuhan\"", some_text);
                let name_en = table.required("name_en", "\"Murder\"", some_text);
                let eido = table.word("eido", common_kind).map(|kind| kind.value);
                let (Some(code), Some(name), Some(name_en)) = (code, name, name_en) else {
                    continue;
                };
                (code, name.value, name_en.value, eido)
            }
        };
        codes.add(&code, log);
        subs.push(SubCategory { code: code.value, name, name_en, eido });
    }
    subs
}

/// A code of EIDO-IncidentType-Common (NENA-STA-021.1 §3.2).
fn common_kind(text: &str) -> Result<String, Wrong> {
    let plain = text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    if plain && (2..=15).contains(&text.len()) {
        return Ok(text.to_owned());
    }
    Err(Wrong::new(
        format!("{text:?} is no code of an incident's type"),
        "write a code of EIDO-IncidentType-Common, for example \"FSTRU\"",
    ))
}

fn texts(list: Vec<At<String>>) -> Vec<String> {
    list.into_iter().map(|text| text.value).collect()
}
