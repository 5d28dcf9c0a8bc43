//! `categories.toml`: the kinds of emergency that an operator chooses from.

use super::findings::{At, Log};
use super::folder::Entry;
use super::forms;
use super::names::Names;
use super::section::{Section, some_text};
use crate::incident::settings::Category;

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
            sub: texts(section.words("sub", some_text)),
            agencies: texts(section.words("agencies", some_text)),
            services: texts(services),
        });
    }
    categories
}

fn texts(list: Vec<At<String>>) -> Vec<String> {
    list.into_iter().map(|text| text.value).collect()
}
