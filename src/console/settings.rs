//! Validated settings of the HTTP side.

use std::net::SocketAddr;
use std::time::Duration;

use ipnet::IpNet;

use crate::people::{Limits, Role};
use crate::vocabulary::Secret;

/// Where the HTTP API listens and who may use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleSettings {
    /// Listening address.
    pub listen: SocketAddr,
    /// Tokens that open `/api/v1`; without one only the health pages answer.
    pub tokens: Vec<Token>,
    /// How people come in.
    pub accounts: AccountSettings,
    /// Phones that sign their reports of where they are with it need no token.
    pub aml_key: Option<Secret>,
}

/// How people come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSettings {
    /// How long a session lasts.
    pub limits: Limits,
    /// Networks of proxies that are believed about whom they speak for.
    pub proxies: Vec<IpNet>,
}

impl Default for AccountSettings {
    fn default() -> Self {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        Self { limits: Limits { idle: hours(1), absolute: hours(12) }, proxies: Vec::new() }
    }
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
