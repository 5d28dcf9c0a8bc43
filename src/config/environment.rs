//! Settings of `gateway.toml` given by environment variables, `SIAGA112__SECTION__KEY`.

use std::collections::BTreeMap;
use std::rc::Rc;

use config::{Environment, Source};

use super::findings::{At, Place};
use super::folder::{Entry, Value};

/// What the variables of this program begin with.
pub(super) const PREFIX: &str = "SIAGA112";

/// Lays the variables over the content of `gateway.toml`: a variable beats the file.
///
/// A variable that is set but empty counts as not set, as container tools write it.
pub(super) fn overlay(file: &mut At<Vec<Entry>>, environment: &BTreeMap<String, String>) {
    let source = Environment::with_prefix(PREFIX)
        .separator("__")
        .ignore_empty(true)
        .source(Some(environment.clone().into_iter().collect()));
    // `Environment` only fails on text that is not Unicode, which a `String` cannot be.
    let variables: BTreeMap<_, _> = source.collect().unwrap_or_default().into_iter().collect();
    for (path, value) in variables {
        let variable = format!("{PREFIX}__{}", path.to_uppercase().replace('.', "__"));
        let place = Place::Variable(Rc::from(variable));
        let value =
            At { place: place.clone(), value: Value::Raw(value.into_string().unwrap_or_default()) };
        match path.split_once('.') {
            None => set(&mut file.value, &path, place, value),
            Some((section, key)) => set_within(file, section, key, place, value),
        }
    }
}

fn set_within(file: &mut At<Vec<Entry>>, section: &str, key: &str, place: Place, value: At<Value>) {
    match file.value.iter_mut().find(|entry| entry.key == section) {
        Some(entry) => {
            // A section that is no table stays: its reader says what is wrong with it.
            if let Value::Table(keys) = &mut entry.value.value {
                set(keys, key, place, value);
            }
        }
        None => {
            let keys = vec![Entry { key: key.to_owned(), place: place.clone(), value }];
            let value = At { place: file.place.clone(), value: Value::Table(keys) };
            file.value.push(Entry { key: section.to_owned(), place, value });
        }
    }
}

fn set(entries: &mut Vec<Entry>, key: &str, place: Place, value: At<Value>) {
    entries.retain(|entry| entry.key != key);
    entries.push(Entry { key: key.to_owned(), place, value });
}
