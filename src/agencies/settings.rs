//! Validated settings of what is asked of other computers.

use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use rustls::ClientConfig;
use rustls_pki_types::TrustAnchor;

use super::event::Wish;
use super::post::Endpoint;
use super::revocation::List;
use crate::vocabulary::Secret;

/// Who may be asked for what a call names by reference.
#[derive(Clone, Debug, Default)]
pub struct ReferenceSettings {
    /// Hosts, in lower case; nobody else is asked.
    pub hosts: Vec<String>,
    /// Networks of theirs that are not public; an address there is called all the same.
    pub networks: Vec<IpNet>,
    /// Who vouches for them; none: nobody is asked.
    pub tls: Option<Arc<ClientConfig>>,
}

/// Who is trusted to sign callers' numbers.
#[derive(Clone, Debug, Default)]
pub struct IdentitySettings {
    /// The authorities; none: no signature is verified.
    pub anchors: Arc<[TrustAnchor<'static>]>,
    /// A signature and its call may be so far apart.
    pub fresh: Duration,
    /// Lists of revoked certificates that lie beside the configuration.
    pub lists: Arc<[Arc<List>]>,
    /// Addresses of further ones.
    pub list_uris: Arc<[String]>,
    /// Whether those are asked for, too, that the certificates themselves name.
    pub follow_points: bool,
}

/// A logger of a region.
#[derive(Clone, PartialEq)]
pub struct LoggerSettings {
    /// Its name.
    pub name: String,
    /// Where events are sent.
    pub endpoint: Endpoint,
    /// What they are signed with (PKCS#8, Ed25519); unsigned without one.
    pub key: Option<Vec<u8>>,
}

impl std::fmt::Debug for LoggerSettings {
    /// Leaves the key out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "logger {} at {}", self.name, self.endpoint.host())
    }
}

/// Another program that gets our events.
#[derive(Clone, Debug, PartialEq)]
pub struct WebhookSettings {
    /// Its name.
    pub name: String,
    /// Where events are sent.
    pub endpoint: Endpoint,
    /// What they are signed with.
    pub secret: Secret,
    /// Which events, and whether with personal data.
    pub wish: Wish,
}
