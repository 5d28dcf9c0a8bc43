//! Contacts and chains, as `callout.toml` has them.

use std::time::Duration;

use crate::vocabulary::{ChainId, ContactId};

/// Everybody who may be called out, and in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CalloutSettings {
    /// In the order of the file.
    pub contacts: Vec<Contact>,
    /// In the order of the file.
    pub chains: Vec<Chain>,
}

impl CalloutSettings {
    /// A contact by its name.
    #[must_use]
    pub fn contact(&self, id: &ContactId) -> Option<&Contact> {
        self.contacts.iter().find(|contact| contact.id == *id)
    }

    /// A chain by its name.
    #[must_use]
    pub fn chain(&self, id: &str) -> Option<&Chain> {
        self.chains.iter().find(|chain| chain.id.as_str() == id)
    }
}

/// Somebody who is called out: a person, or the desk of an agency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// The name in the configuration.
    pub id: ContactId,
    /// The name that people read.
    pub full_name: String,
    /// The agency, as `categories.toml` calls it.
    pub agency: Option<String>,
    /// What they are: `camat`, `puskesmas`, …
    pub role: Option<String>,
    /// Codes of the kecamatan that they answer for; empty: all.
    pub kecamatan: Vec<String>,
    /// In the order in which they are tried, as they are dialled; `user@host` for a neighbour.
    pub numbers: Vec<String>,
    /// For whoever calls.
    pub note: String,
}

impl Contact {
    /// Whether they answer for a kecamatan; where it is not known, only who answers for all.
    #[must_use]
    pub fn answers_for(&self, kecamatan: Option<&str>) -> bool {
        self.kecamatan.is_empty()
            || kecamatan.is_some_and(|code| self.kecamatan.iter().any(|known| known == code))
    }
}

/// Who is called one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The name in the configuration.
    pub id: ChainId,
    /// The name that people read.
    pub title: String,
    /// In order.
    pub steps: Vec<Step>,
    /// For which calls it is proposed; none: it is begun by hand only.
    pub when: Option<When>,
}

/// One link of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Who.
    pub who: Who,
    /// How long each of their numbers rings.
    pub ring: Duration,
}

/// Whom a step means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// This contact.
    Contact(ContactId),
    /// The contact of this role who answers for the kecamatan of the call.
    Role(String),
}

/// For which calls a chain is proposed. What is empty is true for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct When {
    /// Codes of categories.
    pub category: Vec<String>,
    /// Codes of kecamatan.
    pub kecamatan: Vec<String>,
}
