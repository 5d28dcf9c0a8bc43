//! One table of a file, read key by key.
//!
//! A reader asks for the keys it knows, by type and range; what is wrong is noted and a harmless
//! value given in its place, so that reading goes on and all mistakes are found at once. What
//! nobody asked for by the end is unknown, and says so when the section is dropped.

mod lists;

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::findings::{At, Log, Place, nearest};
use super::folder::{Entry, Value};

pub(super) use lists::Item;

/// What is wrong with a word, and how to mend it.
pub(super) struct Wrong(pub(super) String, pub(super) String);

impl Wrong {
    pub(super) fn new(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self(what.into(), mend.into())
    }
}

/// One table while it is read.
pub(super) struct Section<'l> {
    /// How messages call it: `[sip]`, `[[queue]]`, `when`, or empty for the top of a file.
    heading: &'static str,
    /// Where it stands.
    pub(super) place: Place,
    entries: Vec<Entry>,
    asked: Vec<&'static str>,
    log: &'l Log,
}

impl<'l> Section<'l> {
    /// The top of a file.
    pub(super) fn top(file: At<Vec<Entry>>, log: &'l Log) -> Self {
        Self { heading: "", place: file.place, entries: file.value, asked: Vec::new(), log }
    }

    /// Where findings go.
    pub(super) fn log(&self) -> &'l Log {
        self.log
    }

    fn take(&mut self, key: &'static str) -> Option<At<Value>> {
        self.asked.push(key);
        let at = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.remove(at).value)
    }

    /// The table below `key`.
    pub(super) fn section(&mut self, key: &'static str, heading: &'static str) -> Option<Self> {
        let At { place, value } = self.take(key)?;
        match value {
            Value::Table(entries) => {
                Some(Self { heading, place, entries, asked: Vec::new(), log: self.log })
            }
            other => {
                self.wrong_type(key, &place, "a table", &other);
                None
            }
        }
    }

    /// The table below `key`, empty when it is not written: each of its keys then counts as absent.
    pub(super) fn section_or_empty(&mut self, key: &'static str, heading: &'static str) -> Self {
        let place = self.place.clone();
        self.section(key, heading).unwrap_or(Self {
            heading,
            place,
            entries: Vec::new(),
            asked: Vec::new(),
            log: self.log,
        })
    }

    /// The tables of a list of tables, `[[key]]`.
    pub(super) fn sections(&mut self, key: &'static str, heading: &'static str) -> Vec<Self> {
        let Some(At { place, value }) = self.take(key) else { return Vec::new() };
        let Value::List(items) = value else {
            let what = format!("{key:?} is {}, not a list of tables", kind(&value));
            self.log.error(&place, what, format!("write {heading} above each of them"));
            return Vec::new();
        };
        let mut sections = Vec::new();
        for At { place, value } in items {
            match value {
                Value::Table(entries) => {
                    let asked = Vec::new();
                    sections.push(Self { heading, place, entries, asked, log: self.log });
                }
                other => self.wrong_type(key, &place, "a table", &other),
            }
        }
        sections
    }

    /// Whether the key is written.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// Whether the key is written as a list of nothing.
    pub(super) fn lists_nothing(&self, key: &str) -> bool {
        let nothing = |value: &Value| matches!(value, Value::List(items) if items.is_empty());
        self.entries.iter().any(|entry| entry.key == key && nothing(&entry.value.value))
    }

    /// Notes that `key` is missing.
    pub(super) fn missing(&self, key: &str, example: &str) {
        let within = if self.heading.is_empty() { "this file" } else { self.heading };
        self.log.error(
            &self.place,
            format!("key {key:?} is missing in {within}"),
            format!("write for example {key} = {example}"),
        );
    }

    /// A text.
    pub(super) fn text(&mut self, key: &'static str) -> Option<At<String>> {
        let At { place, value } = self.take(key)?;
        match value {
            Value::Text(value) | Value::Raw(value) => Some(At { place, value }),
            other => {
                self.wrong_type(key, &place, "a text in quotes", &other);
                None
            }
        }
    }

    /// A text that `parse` understands.
    pub(super) fn word<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Option<At<T>> {
        let word = self.text(key)?;
        self.parsed(&word, parse)
    }

    /// A text that must be there.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        example: &str,
        parse: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Option<At<T>> {
        if !self.has(key) {
            self.missing(key, example);
        }
        self.word(key, parse)
    }

    /// A short name that must be there; empty, with a finding, when it is not usable.
    pub(super) fn name(&mut self, key: &'static str, example: &str) -> At<String> {
        self.required(key, example, name)
            .unwrap_or(At { place: self.place.clone(), value: String::new() })
    }

    /// A list of texts, each understood by `parse`; one text alone is a list of one.
    pub(super) fn words<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Vec<At<T>> {
        let words = match self.take(key) {
            None => Vec::new(),
            Some(At { place, value: Value::Text(value) }) => vec![At { place, value }],
            Some(At { place, value: Value::Raw(value) }) => value
                .split(',')
                .map(|word| At { place: place.clone(), value: word.trim().to_owned() })
                .collect(),
            Some(At { value: Value::List(items), .. }) => {
                let mut words = Vec::new();
                for At { place, value } in items {
                    match value {
                        Value::Text(value) => words.push(At { place, value }),
                        other => self.wrong_type(key, &place, "a list of texts", &other),
                    }
                }
                words
            }
            Some(At { place, value }) => {
                self.wrong_type(key, &place, "a list of texts", &value);
                Vec::new()
            }
        };
        words.iter().filter_map(|word| self.parsed(word, &parse)).collect()
    }

    fn parsed<T>(
        &self,
        word: &At<String>,
        parse: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Option<At<T>> {
        match parse(&word.value) {
            Ok(value) => Some(At { place: word.place.clone(), value }),
            Err(Wrong(what, mend)) => {
                self.log.error(&word.place, what, mend);
                None
            }
        }
    }

    /// A whole number within `range`, `default` when it is not written.
    pub(super) fn number<N>(
        &mut self,
        key: &'static str,
        range: RangeInclusive<N>,
        default: N,
    ) -> At<N>
    where
        N: TryFrom<i64> + PartialOrd + Display + Copy,
    {
        let fallback = At { place: self.place.clone(), value: default };
        let Some(At { place, value }) = self.take(key) else { return fallback };
        let number = match value {
            Value::Number(number) => number,
            Value::Raw(ref text) => match text.trim().parse() {
                Ok(number) => number,
                Err(_) => {
                    self.wrong_type(key, &place, "a whole number", &value);
                    return fallback;
                }
            },
            other => {
                self.wrong_type(key, &place, "a whole number", &other);
                return fallback;
            }
        };
        match N::try_from(number).ok().filter(|n| range.contains(n)) {
            Some(value) => At { place, value },
            None => {
                let (low, high) = (range.start(), range.end());
                self.log.error(
                    &place,
                    format!("{key} = {number} is out of range"),
                    format!("write a number from {low} to {high}, for example {default}"),
                );
                fallback
            }
        }
    }

    /// Whole seconds within `range`, `default` when they are not written.
    pub(super) fn seconds(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u32>,
        default: u32,
    ) -> At<Duration> {
        let At { place, value } = self.number(key, range, default);
        At { place, value: Duration::from_secs(u64::from(value)) }
    }

    /// `true` or `false`, `default` when it is not written.
    pub(super) fn truth(&mut self, key: &'static str, default: bool) -> bool {
        let Some(At { place, value }) = self.take(key) else { return default };
        match value {
            Value::Truth(truth) => truth,
            Value::Raw(ref text) if text.eq_ignore_ascii_case("true") => true,
            Value::Raw(ref text) if text.eq_ignore_ascii_case("false") => false,
            other => {
                self.wrong_type(key, &place, "true or false", &other);
                default
            }
        }
    }

    fn wrong_type(&self, key: &str, place: &Place, wanted: &str, got: &Value) {
        let what = format!("{key:?} is {}, not {wanted}", kind(got));
        self.log.error(place, what, format!("write {wanted}"));
    }

    fn unknown(&self, entry: &Entry) {
        let known = nearest(&entry.key, self.asked.iter().copied());
        if let Place::Variable(name) = &entry.place {
            // SIAGA112__SECTION__KEY: the part at fault is the section at the top, else the key.
            let at = if self.heading.is_empty() { 1 } else { 2 };
            let mut parts: Vec<String> = name.split("__").map(str::to_owned).collect();
            if let (Some(part), Some(known)) = (parts.get_mut(at), known) {
                *part = known.to_uppercase();
            }
            let mend = match known {
                Some(_) => format!("did you mean {}?", parts.join("__")),
                None => {
                    "variables are called SIAGA112__SECTION__KEY, after gateway.toml".to_owned()
                }
            };
            self.log.error(&entry.place, "no setting has this name", mend);
            return;
        }
        let within = if self.heading.is_empty() { "at the top of this file" } else { self.heading };
        let within =
            if self.heading.is_empty() { within.to_owned() } else { format!("in {within}") };
        let mend = match known {
            Some(known) => format!("did you mean {known:?}?"),
            None => format!("known keys: {}", self.asked.join(", ")),
        };
        self.log.error(&entry.place, format!("unknown key {:?} {within}", entry.key), mend);
    }
}

impl Drop for Section<'_> {
    fn drop(&mut self) {
        for entry in std::mem::take(&mut self.entries) {
            self.unknown(&entry);
        }
    }
}

/// What a value is, in words; never the value itself, which may be a secret.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Text(_) => "a text",
        Value::Raw(_) => "another text",
        Value::Number(_) => "a number",
        Value::Truth(_) => "true or false",
        Value::List(_) => "a list",
        Value::Table(_) => "a table",
        Value::Other(kind) => kind,
    }
}

/// Any text that is not empty.
pub(super) fn some_text(text: &str) -> Result<String, Wrong> {
    match text.trim() {
        "" => Err(Wrong::new("the text is empty", "write something, or leave the key out")),
        text => Ok(text.to_owned()),
    }
}

/// A short name: it becomes a metric label, a SIP user part and a path of the API.
pub(super) fn name(text: &str) -> Result<String, Wrong> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !text.is_empty() && text.len() <= 64 && text.chars().all(fits) {
        return Ok(text.to_owned());
    }
    Err(Wrong::new(
        format!("{text:?} cannot be a name"),
        "write 1 to 64 letters, digits, hyphens, underscores and dots, for example \"telco-a\"",
    ))
}
