//! Names that an entry gives itself, and references to them.

use std::collections::BTreeMap;

use super::findings::{At, Log, Place, did_you_mean};

/// All names of one kind.
pub(super) struct Names {
    kind: &'static str,
    known: BTreeMap<String, Place>,
    /// False when some names could not be read: references to them are not called missing.
    complete: bool,
}

impl Names {
    pub(super) fn new(kind: &'static str, complete: bool) -> Self {
        Self { kind, known: BTreeMap::new(), complete }
    }

    /// Takes a name in; false, and a finding, when it is taken already.
    pub(super) fn add(&mut self, name: &At<String>, log: &Log) -> bool {
        if name.value.is_empty() {
            // Refused already; references may well mean this one.
            self.complete = false;
            return false;
        }
        if let Some(first) = self.known.get(&name.value) {
            let (kind, value) = (self.kind, &name.value);
            log.error(
                &name.place,
                format!("{kind} {value:?} exists twice; the first one stands at {first}"),
                "keep one of them, or rename it",
            );
            return false;
        }
        self.known.insert(name.value.clone(), name.place.clone());
        true
    }

    /// Where a name stands.
    pub(super) fn place(&self, name: &str) -> Option<&Place> {
        self.known.get(name)
    }

    /// Notes when nothing of this name exists.
    pub(super) fn refer(&self, name: &At<String>, log: &Log) {
        if self.complete && !name.value.is_empty() && !self.known.contains_key(&name.value) {
            let known: Vec<&str> = self.known.keys().map(String::as_str).collect();
            log.error(
                &name.place,
                format!("no {} is called {:?}", self.kind, name.value),
                did_you_mean(&name.value, &known, self.kind),
            );
        }
    }
}
