//! Where the records are kept, as the configuration says.

use super::dialect::{self, Address};
use crate::vocabulary::Secret;

/// The database of a node.
#[derive(Clone, PartialEq, Eq)]
pub struct StorageSettings {
    /// `sqlite:PATH` or `postgres://USER@HOST:PORT/DATABASE`.
    pub url: String,
    /// PostgreSQL's password, where the URL has none.
    pub password: Option<Secret>,
    /// This node's name: nodes that share a database are told apart by it.
    pub node: String,
}

impl StorageSettings {
    /// A database of a node that has no name of its own.
    #[must_use]
    pub fn at(url: &str) -> Self {
        Self { url: url.to_owned(), password: None, node: "siaga112".to_owned() }
    }

    /// Whether the address is one of ours.
    #[must_use]
    pub fn is_understood(&self) -> bool {
        dialect::address(self).is_some()
    }

    /// Whether several nodes may share the database.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(dialect::address(self), Some(Address::Postgres(_)))
    }

    /// Whether others on the way can read what goes to the database, or answer in its place.
    #[must_use]
    pub fn is_open_to_others(&self) -> bool {
        dialect::address(self).is_some_and(|address| address.is_open_to_others())
    }
}

impl std::fmt::Debug for StorageSettings {
    /// Leaves the address out: it may have a password in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = self.url.split(':').next().unwrap_or_default();
        write!(f, "{scheme} of node {}", self.node)
    }
}
