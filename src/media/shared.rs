//! The port that all browsers share: whose a datagram is. A peer is known by the login that it proves
//! (`ice`), and from then on by where it is. Strangers are in no table.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use mio::net::UdpSocket;

use super::ice::Ice;

/// The sockets, one for each address, and who is known there; a place is one of the table of streams.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub sockets: Vec<Arc<UdpSocket>>,
    logins: HashMap<String, usize>,
    sources: HashMap<SocketAddr, usize>,
}

impl Shared {
    /// Knows a stream by our login from now on.
    pub fn enter(&mut self, ufrag: String, place: usize) {
        self.logins.insert(ufrag, place);
    }

    /// Knows a login no more.
    pub fn forget_login(&mut self, ufrag: &str) {
        self.logins.remove(ufrag);
    }

    /// The stream of a login.
    pub fn of_login(&self, ufrag: &str) -> Option<usize> {
        self.logins.get(ufrag).copied()
    }

    /// The stream of a peer that has proved to be there.
    pub fn of_source(&self, source: SocketAddr) -> Option<usize> {
        self.sources.get(&source).copied()
    }

    /// A stream's peer has proved to be there.
    pub fn learn(&mut self, ice: &mut Ice, source: SocketAddr, place: usize) {
        if let Some(forgotten) = ice.learn(source) {
            self.forget(forgotten, place);
        }
        self.sources.insert(source, place);
    }

    /// A stream is over.
    pub fn leave(&mut self, ice: &Ice, place: usize) {
        self.logins.remove(&ice.login.ufrag);
        ice.before.iter().for_each(|before| self.forget_login(&before.ufrag));
        ice.sources.iter().for_each(|source| self.forget(*source, place));
    }

    /// Another stream may have the address by now: a browser uses a port again.
    fn forget(&mut self, source: SocketAddr, place: usize) {
        if self.sources.get(&source) == Some(&place) {
            self.sources.remove(&source);
        }
    }
}
