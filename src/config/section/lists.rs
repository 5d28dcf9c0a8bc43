//! Keys whose value is a table of free names, or a list of texts beside tables.

use std::ops::RangeInclusive;

use super::{Section, Wrong, kind, name};
use crate::config::findings::At;
use crate::config::folder::Value;

/// One entry of a list that may be written short or long.
pub(in crate::config) enum Item<'l> {
    /// `"darurat"`
    Text(At<String>),
    /// `{ queue = "darurat", tier = 2 }`
    Table(Section<'l>),
}

impl<'l> Section<'l> {
    /// A table whose keys are short names of the admin's, each with a whole number within `range`.
    pub(in crate::config) fn levels(
        &mut self,
        key: &'static str,
        range: &RangeInclusive<u8>,
    ) -> Vec<(At<String>, u8)> {
        let Some(At { place, value }) = self.take(key) else { return Vec::new() };
        let Value::Table(entries) = value else {
            self.wrong_type(key, &place, "a table", &value);
            return Vec::new();
        };
        let mut levels = Vec::new();
        for entry in entries {
            let level = match entry.value.value {
                Value::Number(number) => {
                    u8::try_from(number).ok().filter(|level| range.contains(level))
                }
                _ => None,
            };
            match (name(&entry.key), level) {
                (Ok(name), Some(level)) => {
                    levels.push((At { place: entry.place, value: name }, level));
                }
                (Err(Wrong(what, mend)), _) => self.log.error(&entry.place, what, mend),
                (Ok(name), None) => self.log.error(
                    &entry.value.place,
                    format!("the level of {name:?} is {}", told(&entry.value.value)),
                    format!("write a number from {} to {}", range.start(), range.end()),
                ),
            }
        }
        levels
    }

    /// A list whose entries are texts or tables; one of either alone is a list of one.
    pub(in crate::config) fn items(
        &mut self,
        key: &'static str,
        heading: &'static str,
    ) -> Vec<Item<'l>> {
        let entries = match self.take(key) {
            None => Vec::new(),
            Some(At { value: Value::List(entries), .. }) => entries,
            Some(alone) => vec![alone],
        };
        let mut items = Vec::new();
        for At { place, value } in entries {
            match value {
                Value::Text(value) => items.push(Item::Text(At { place, value })),
                Value::Table(entries) => {
                    let (asked, log) = (Vec::new(), self.log);
                    items.push(Item::Table(Self { heading, place, entries, asked, log }));
                }
                other => self.wrong_type(key, &place, "a list of texts and tables", &other),
            }
        }
        items
    }
}

fn told(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        other => kind(other).to_owned(),
    }
}
