//! Validated settings of what is asked of other computers.

use std::sync::Arc;

use ipnet::IpNet;
use rustls::ClientConfig;

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
