//! One record as it stands after everything that was done to it: the form, its version, whether it is
//! open, and which records belong to it.
//!
//! A version is a time in microseconds, and more than every version before it ([`super::in_order`]), so
//! that it is the same wherever the steps are read. It never says who may write: it says what stands in
//! the way.

use std::collections::BTreeMap;

use super::edit::{Origin, Step};
use super::form::{Changes, Field, Form, Value};
use crate::vocabulary::{IncidentId, Private, WallTime};

/// A record of an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whose.
    pub incident: IncidentId,
    /// How it became known.
    pub origin: Origin,
    /// That of the last change; 0: nobody has written yet.
    pub version: u64,
    /// When and by whom that was.
    pub changed: Option<(WallTime, String)>,
    /// The form.
    pub form: Form,
    /// When and by whom it was closed; none while it is open.
    pub closed: Option<(WallTime, String)>,
    /// The record that it was merged into.
    pub merged_into: Option<Tied>,
    /// Records that were merged into this one.
    pub merged: Vec<Tied>,
    /// Records that have to do with this one.
    pub links: Vec<Tied>,
    /// The last change of each field.
    touched: BTreeMap<Field, Touch>,
}

/// A record that belongs to another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tied {
    /// That one.
    pub incident: IncidentId,
    /// Since when.
    pub at: WallTime,
    /// Who said so.
    pub by: String,
    /// Why.
    pub why: Private<String>,
}

/// The last change of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Touch {
    version: u64,
    at: WallTime,
    by: String,
}

/// A field that somebody else has changed meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Which.
    pub field: Field,
    /// What was to be written.
    pub yours: Option<Value>,
    /// What stands there.
    pub theirs: Option<Value>,
    /// The version that made it.
    pub version: u64,
    /// When.
    pub at: WallTime,
    /// By whom.
    pub by: String,
}

/// Why a record cannot be written to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Shut {
    /// It is closed.
    #[error("the record was closed by {by}: reopen it first, with a reason")]
    Closed {
        /// Who closed it.
        by: String,
    },
    /// It is part of another one.
    #[error("the record was merged into {into}: write there, or take it out again first")]
    Merged {
        /// Which.
        into: IncidentId,
    },
}

impl Record {
    /// A record to which nothing was done yet.
    #[must_use]
    pub const fn new(incident: IncidentId) -> Self {
        Self {
            incident,
            origin: Origin::Call,
            version: 0,
            changed: None,
            form: Form(BTreeMap::new()),
            closed: None,
            merged_into: None,
            merged: Vec::new(),
            links: Vec::new(),
            touched: BTreeMap::new(),
        }
    }

    /// The version that a change makes now.
    #[must_use]
    pub fn next_version(&self, now: WallTime) -> u64 {
        now.0.unsigned_abs().max(self.version + 1)
    }

    /// Takes in what was done, in its order ([`super::in_order`]). Steps of other records are none of
    /// its own.
    pub fn follow(&mut self, version: u64, at: WallTime, step: Step<'_>) {
        let concerns = step.incident() == self.incident || step.other() == Some(self.incident);
        if !concerns {
            return;
        }
        self.version = version;
        self.changed = Some((at, step.by().to_owned()));
        for (field, _) in step.changes().into_iter().flatten() {
            let touch = Touch { version, at, by: step.by().to_owned() };
            self.touched.insert(field.clone(), touch);
        }
        if let Some(changes) = step.changes() {
            self.form.apply(changes);
        }
        match step {
            Step::Opened(opened) => self.origin = opened.origin,
            Step::Edited(_) => {}
            Step::Closed(closing) => self.closed = Some((at, closing.by.clone())),
            Step::Reopened(_) => self.closed = None,
            Step::Merged(tie) if tie.incident == self.incident => {
                self.merged_into = Some(Tied::new(tie.other, at, &tie.by, &tie.why));
            }
            Step::Merged(tie) => {
                tied(&mut self.merged, Tied::new(tie.incident, at, &tie.by, &tie.why))
            }
            Step::Unmerged(tie) if tie.incident == self.incident => self.merged_into = None,
            Step::Unmerged(tie) => self.merged.retain(|tied| tied.incident != tie.incident),
            Step::Linked(tie) => {
                let other = if tie.incident == self.incident { tie.other } else { tie.incident };
                tied(&mut self.links, Tied::new(other, at, &tie.by, &tie.why));
            }
            Step::Unlinked(tie) => {
                let other = if tie.incident == self.incident { tie.other } else { tie.incident };
                self.links.retain(|tied| tied.incident != other);
            }
        }
    }

    /// `open`, `closed` or `merged`.
    #[must_use]
    pub const fn state(&self) -> &'static str {
        match (&self.merged_into, &self.closed) {
            (Some(_), _) => "merged",
            (None, Some(_)) => "closed",
            (None, None) => "open",
        }
    }

    /// Whether it may be written to.
    ///
    /// # Errors
    /// What stands in the way.
    pub fn is_open(&self) -> Result<(), Shut> {
        match (&self.merged_into, &self.closed) {
            (Some(tied), _) => Err(Shut::Merged { into: tied.incident }),
            (None, Some((_, by))) => Err(Shut::Closed { by: by.clone() }),
            (None, None) => Ok(()),
        }
    }

    /// Which of `changes` somebody else has made otherwise since the version that the editor `saw`.
    /// Changes of different fields go together, and so do the same changes.
    #[must_use]
    pub fn conflicts(&self, saw: u64, changes: &Changes) -> Vec<Conflict> {
        let conflict = |(field, yours): (&Field, &Option<Value>)| {
            let touch = self.touched.get(field).filter(|touch| touch.version > saw)?;
            let theirs = self.form.get(field);
            (theirs != yours.as_ref()).then(|| Conflict {
                field: field.clone(),
                yours: yours.clone(),
                theirs: theirs.cloned(),
                version: touch.version,
                at: touch.at,
                by: touch.by.clone(),
            })
        };
        changes.iter().filter_map(conflict).collect()
    }
}

impl Tied {
    fn new(incident: IncidentId, at: WallTime, by: &str, why: &Private<String>) -> Self {
        Self { incident, at, by: by.to_owned(), why: why.clone() }
    }
}

/// Each record is tied once, by the last word.
fn tied(all: &mut Vec<Tied>, new: Tied) {
    all.retain(|tied| tied.incident != new.incident);
    all.push(new);
}

#[cfg(test)]
mod tests;
