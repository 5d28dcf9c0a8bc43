//! Validated settings of the HTTP side.

use std::net::SocketAddr;

use crate::people::Role;
use crate::vocabulary::Secret;

/// Where the HTTP API listens and who may use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleSettings {
    /// Listening address.
    pub listen: SocketAddr,
    /// Tokens that open `/api/v1`; without one only the health pages answer.
    pub tokens: Vec<Token>,
}

/// One API token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Who holds it: written into the audit entry of every change.
    pub name: String,
    /// The token itself.
    pub secret: Secret,
    /// What its holder may do.
    pub role: Role,
}
