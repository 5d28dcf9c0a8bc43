//! SIP over connections: TCP, TLS, WebSocket. One task for each; the switchboard's thread hands
//! messages over and never waits.
//!
//! A [`Flow`] names a connection whoever opened it: `local` is our listener. Its end, or that it
//! could not be opened, is told once by [`Input::Disconnected`]; what a certificate proves is told
//! by [`Input::Connected`] before the first message.

mod book;
mod listener;
mod open;
mod stream;
#[cfg(test)]
mod tests;
mod websocket;

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use ipnet::IpNet;
use tokio::sync::{mpsc, watch};

use super::inbox::InboxSender;
use crate::config::{ConnectionSettings, Loaded};
use crate::sip::{Flow, Listener, Send, Transport};
use crate::switchboard::Input;
use crate::vocabulary::limits;

use book::{Admission, Book, Presence};
pub(super) use listener::StreamListener;

/// How long each thing may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// To connect.
    pub connect: Duration,
    /// TLS and WebSocket handshakes together.
    pub handshake: Duration,
    /// From the first byte of a message to its last; also from the opening to the first message.
    pub message: Duration,
    /// One write.
    pub write: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: limits::SIP_CONNECT,
            handshake: limits::SIP_HANDSHAKE,
            message: limits::SIP_MESSAGE_TIME,
            write: limits::SIP_WRITE,
        }
    }
}

/// What a reload swaps, for connections made after it.
#[derive(Debug)]
struct Adopted {
    made_with: ConnectionSettings,
    trunks: Vec<IpNet>,
    /// A connection without a byte for so long is closed.
    idle: Duration,
}

impl Adopted {
    fn of(loaded: &Loaded) -> Self {
        let board = &loaded.switchboard;
        // A phone that is silent from one registration to the next must not lose its seat.
        let registered = Duration::from_secs(u64::from(board.sip.expires.max));
        Self {
            made_with: loaded.connections.clone(),
            trunks: board.trunks.iter().flat_map(|trunk| trunk.sources.clone()).collect(),
            idle: limits::SIP_IDLE.max(registered + limits::SIP_MESSAGE_TIME),
        }
    }
}

/// Every connection.
#[derive(Clone, Debug)]
pub(super) struct Connections(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    runtime: tokio::runtime::Handle,
    inbox: InboxSender,
    patience: Patience,
    listeners: Vec<Listener>,
    adopted: Mutex<Arc<Adopted>>,
    book: Mutex<Book>,
    stopping: watch::Sender<bool>,
    /// Held by every task; [`Connections::stop`] waits until the last one is gone.
    alive: Mutex<Option<mpsc::Sender<()>>>,
    over: tokio::sync::Mutex<mpsc::Receiver<()>>,
}

impl Connections {
    /// Serves the listeners on this runtime.
    pub fn start(
        listeners: Vec<StreamListener>,
        loaded: &Loaded,
        inbox: InboxSender,
        patience: Patience,
    ) -> Self {
        let (alive, over) = mpsc::channel(1);
        let connections = Self(Arc::new(Shared {
            runtime: tokio::runtime::Handle::current(),
            inbox,
            patience,
            listeners: listeners.iter().map(|listener| listener.listener).collect(),
            adopted: Mutex::new(Arc::new(Adopted::of(loaded))),
            book: Mutex::new(Book::default()),
            stopping: watch::Sender::new(false),
            alive: Mutex::new(Some(alive)),
            over: tokio::sync::Mutex::new(over),
        }));
        for listener in listeners {
            connections.0.spawn(listener::accept(listener, Arc::clone(&connections.0)));
        }
        connections
    }

    /// Takes a new configuration for connections to come; those that live go on as they are.
    pub fn adopt(&self, loaded: &Loaded) {
        let mut adopted = self.0.adopted.lock().unwrap_or_else(PoisonError::into_inner);
        let mut new = Adopted::of(loaded);
        // A listener stays until the next start, and with it what it was made with.
        if new.made_with.server.is_none() {
            new.made_with.server.clone_from(&adopted.made_with.server);
        }
        *adopted = Arc::new(new);
    }

    /// Sends on the connection of that flow; opens it when there is none and it can be.
    pub fn send(&self, send: Send) {
        let Send { flow, bytes, server_name } = send;
        let mut book = self.0.book();
        if let Some(sent) = book.push(&flow, &bytes) {
            if !sent {
                metrics::counter!("siaga112_sip_connections_closed_total", "why" => "not-reading")
                    .increment(1);
            }
            return;
        }
        let own = Listener { transport: flow.transport, address: flow.local };
        let dialled = matches!(flow.transport, Transport::Tcp | Transport::Tls)
            && self.0.listeners.contains(&own)
            && !*self.0.stopping.borrow();
        let trusted = self.0.adopted().is_trunk(flow.remote.ip());
        let admission = dialled.then(|| Admission::ask(&self.0, &mut book, &flow, trusted));
        let Some(Some(admission)) = admission else {
            self.0.inbox.put(Input::Disconnected { flow });
            return;
        };
        let presence = Presence::enter(&self.0, &mut book, flow);
        presence.is_awaited();
        book.push(&flow, &bytes);
        drop(book);
        self.0.spawn(open::dial(Arc::clone(&self.0), admission, presence, server_name));
    }

    /// Closes every connection once what waits has been written, `limits::SIP_STOP` at most.
    pub async fn stop(&self) {
        self.0.stopping.send_replace(true);
        self.0.book().close_all();
        drop(self.0.alive.lock().unwrap_or_else(PoisonError::into_inner).take());
        let mut over = self.0.over.lock().await;
        if tokio::time::timeout(limits::SIP_STOP, over.recv()).await.is_err() {
            tracing::warn!("connections did not close in time");
        }
    }
}

impl Adopted {
    fn is_trunk(&self, source: IpAddr) -> bool {
        let source = source.to_canonical();
        self.trunks.iter().any(|network| network.contains(&source))
    }
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn adopted(&self) -> Arc<Adopted> {
        Arc::clone(&self.adopted.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs a task that [`Connections::stop`] waits for.
    fn spawn(&self, task: impl Future<Output = ()> + std::marker::Send + 'static) {
        let alive = self.alive.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(alive) = alive {
            self.runtime.spawn(async move {
                task.await;
                drop(alive);
            });
        }
    }
}

/// The flow of a connection that was accepted.
const fn flow_of(listener: Listener, remote: SocketAddr) -> Flow {
    Flow { transport: listener.transport, local: listener.address, remote }
}

/// Whether bytes are nothing but line ends.
fn is_blank(bytes: &Bytes) -> bool {
    bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n'))
}
