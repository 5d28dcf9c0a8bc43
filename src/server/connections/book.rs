//! Who is connected: each live connection's queue by its flow, and how many there are of each source.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, mpsc};

use super::Shared;
use crate::sip::Flow;
use crate::switchboard::Input;
use crate::vocabulary::limits;

/// How long a full inbox is left alone before it is tried again.
const FULL: Duration = Duration::from_millis(5);

/// Every live connection.
#[derive(Debug, Default)]
pub(super) struct Book {
    lines: HashMap<Flow, Line>,
    sources: HashMap<IpAddr, usize>,
    open: usize,
    last_id: u64,
}

/// The writing half of one connection.
#[derive(Debug)]
struct Line {
    id: u64,
    queue: mpsc::UnboundedSender<Bytes>,
    gauge: Arc<Gauge>,
}

/// What both halves know.
#[derive(Debug, Default)]
struct Gauge {
    /// Bytes that wait to be written.
    waiting: AtomicUsize,
    close: Notify,
    /// The switchboard knows of it, so it must hear of its end.
    told: AtomicBool,
}

impl Book {
    /// Hands bytes to a connection: none when there is no such one, false when so much waits in it
    /// that its peer cannot be reading, and it is closed.
    pub fn push(&mut self, flow: &Flow, bytes: &Bytes) -> Option<bool> {
        let line = self.lines.get(flow)?;
        let waiting = line.gauge.waiting.fetch_add(bytes.len(), Ordering::Relaxed);
        let taken =
            waiting <= limits::SIP_WRITE_QUEUE_BYTES && line.queue.send(bytes.clone()).is_ok();
        if !taken {
            line.gauge.close.notify_one();
        }
        Some(taken)
    }

    /// Lets every connection write what waits, and end.
    pub fn close_all(&mut self) {
        self.lines.clear();
    }
}

/// One of the connections that we have room for; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Admission {
    shared: Arc<Shared>,
    source: IpAddr,
    transport: &'static str,
}

impl Admission {
    /// Asks for room. A known trunk has no limit of its own, and some room that is kept for it.
    pub fn ask(shared: &Arc<Shared>, book: &mut Book, flow: &Flow, trunk: bool) -> Option<Self> {
        let source = flow.remote.ip().to_canonical();
        let of_source = book.sources.get(&source).copied().unwrap_or(0);
        let room =
            limits::SIP_CONNECTIONS - if trunk { 0 } else { limits::SIP_CONNECTIONS_FOR_TRUNKS };
        if book.open >= room || (!trunk && of_source >= limits::SIP_CONNECTIONS_PER_SOURCE) {
            let why = if book.open >= room { "full" } else { "source" };
            metrics::counter!("siaga112_sip_connections_refused_total", "why" => why).increment(1);
            return None;
        }
        book.open += 1;
        *book.sources.entry(source).or_default() += 1;
        let transport = flow.transport.word();
        metrics::gauge!("siaga112_sip_connections", "transport" => transport).increment(1.0);
        Some(Self { shared: Arc::clone(shared), source, transport })
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        metrics::gauge!("siaga112_sip_connections", "transport" => self.transport).decrement(1.0);
        let mut book = self.shared.book();
        book.open = book.open.saturating_sub(1);
        if let Some(count) = book.sources.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                book.sources.remove(&self.source);
            }
        }
    }
}

/// A connection that is in the book; dropped, it is out of it and its end is told, if anything was
/// told of it before.
#[derive(Debug)]
pub(super) struct Presence {
    shared: Arc<Shared>,
    pub flow: Flow,
    id: u64,
    gauge: Arc<Gauge>,
    /// What is to be written, until the book lets go of the connection.
    queue: Option<mpsc::UnboundedReceiver<Bytes>>,
}

impl Presence {
    /// Enters a connection. One of the same flow, which a peer that uses one port both ways can
    /// have, makes room: it is closed, and nothing that it says is taken any more.
    pub fn enter(shared: &Arc<Shared>, book: &mut Book, flow: Flow) -> Self {
        book.last_id += 1;
        let (queue, waiting) = mpsc::unbounded_channel();
        let gauge = Arc::new(Gauge::default());
        let line = Line { id: book.last_id, queue, gauge: Arc::clone(&gauge) };
        if let Some(old) = book.lines.insert(flow, line) {
            old.gauge.close.notify_one();
            // What the old one has proved is not proved of the new one.
            shared.inbox.put(Input::Connected { flow, names: Vec::new() });
            gauge.told.store(true, Ordering::Relaxed);
        }
        let shared = Arc::clone(shared);
        Self { shared, flow, id: book.last_id, gauge, queue: Some(waiting) }
    }

    /// It was opened for messages of the switchboard.
    pub fn is_awaited(&self) {
        self.gauge.told.store(true, Ordering::Relaxed);
    }

    /// What is to be written; once.
    pub fn queue(&mut self) -> Option<mpsc::UnboundedReceiver<Bytes>> {
        self.queue.take()
    }

    /// So many bytes of the queue are written.
    pub fn written(&self, bytes: usize) {
        self.gauge.waiting.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Writes of our own accord; false when the peer does not read.
    pub fn reply(&self, bytes: &'static [u8]) -> bool {
        let mut book = self.shared.book();
        let ours = book.lines.get(&self.flow).is_some_and(|line| line.id == self.id);
        ours && book.push(&self.flow, &Bytes::from_static(bytes)) == Some(true)
    }

    /// Waits until somebody wants it closed.
    pub async fn closed(&self) {
        self.gauge.close.notified().await;
    }

    /// Tells what the peer has proved.
    pub fn prove(&self, names: Vec<String>) {
        self.put(|flow| Input::Connected { flow, names });
    }

    /// Hands a message to the switchboard. While its inbox is full nothing more is read, so that
    /// the peer slows down: over a connection nothing is sent again. False when another connection
    /// has taken the place of this one.
    pub async fn deliver(&self, bytes: Bytes) -> bool {
        loop {
            match self.put(|flow| Input::Sip { flow, bytes: bytes.clone() }) {
                Some(true) => return true,
                Some(false) => tokio::time::sleep(FULL).await,
                None => return false,
            }
        }
    }

    /// Puts an input while the book says that the flow is ours: none when it is not.
    fn put(&self, input: impl FnOnce(Flow) -> Input) -> Option<bool> {
        let book = self.shared.book();
        let ours = book.lines.get(&self.flow).is_some_and(|line| line.id == self.id);
        ours.then(|| {
            self.gauge.told.store(true, Ordering::Relaxed);
            self.shared.inbox.put(input(self.flow))
        })
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut book = self.shared.book();
        if book.lines.get(&self.flow).is_some_and(|line| line.id == self.id) {
            book.lines.remove(&self.flow);
            if self.gauge.told.load(Ordering::Relaxed) {
                self.shared.inbox.put(Input::Disconnected { flow: self.flow });
            }
        }
    }
}
