//! One TCP or TLS connection: its bytes are cut into messages, what waits is written.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::time::{Instant, timeout, timeout_at};

use super::Shared;
use super::book::Presence;
use super::open::Pipe;
use crate::sip::framing::{Frame, Framer, Lost, PONG};

/// Bytes read at once: a few messages.
const READ: usize = 4096;
/// Messages that wait are written together up to so many bytes: one TLS record.
const WRITE: usize = 16 * 1024;

/// Why a connection ends.
#[derive(Debug, Error)]
pub(super) enum Closed {
    #[error("the peer has closed it")]
    ByPeer,
    #[error(transparent)]
    Lost(#[from] Lost),
    #[error("no whole message came in time")]
    Slow,
    #[error("nothing came for too long")]
    Idle,
    #[error("the peer does not read")]
    NotReading,
    #[error("another connection has taken its place")]
    Replaced,
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("the gateway stops")]
    Stopping,
    #[error("{0}")]
    WebSocket(String),
}

/// When a connection has to be given up: the reading half asks, the writing half tells.
#[derive(Debug)]
pub(super) struct Watch {
    opened: Instant,
    /// Milliseconds from the opening to the last byte, either way.
    last: AtomicU64,
    message: Duration,
    idle: Duration,
}

impl Watch {
    pub fn new(shared: &Shared) -> Self {
        let (message, idle) = (shared.patience.message, shared.adopted().idle);
        Self { opened: Instant::now(), last: AtomicU64::new(0), message, idle }
    }

    pub fn touch(&self) {
        let millis = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.fetch_max(millis, Ordering::Relaxed);
    }

    /// Until when to wait for bytes. A peer that has not sent a whole message yet, or is within one
    /// that began at `begun`, has less time.
    pub fn until(&self, begun: Option<Instant>) -> Instant {
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        begun.map_or(self.opened + last + self.idle, |begun| begun + self.message)
    }

    /// Whether to give up when that moment has come: something may have been written meanwhile.
    pub fn give_up(&self, begun: Option<Instant>) -> Option<Closed> {
        if begun.is_some() {
            return Some(Closed::Slow);
        }
        (self.until(None) <= Instant::now()).then_some(Closed::Idle)
    }

    pub const fn opened(&self) -> Instant {
        self.opened
    }
}

/// Serves a connection to its end.
pub(super) async fn run(shared: &Shared, mut presence: Presence, pipe: Box<dyn Pipe>) {
    let (reader, writer) = tokio::io::split(pipe);
    let watch = Watch::new(shared);
    let Some(queue) = presence.queue() else { return };
    let why = tokio::select! {
        why = read(reader, &presence, &watch) => why,
        why = write(writer, queue, &presence, &watch, shared.patience.write) => why,
        () = presence.closed() => Closed::NotReading,
    };
    ended(&presence, &why);
}

pub(super) fn ended(presence: &Presence, why: &Closed) {
    let word = match why {
        Closed::ByPeer => "peer",
        Closed::Lost(_) | Closed::WebSocket(_) => "framing",
        Closed::Slow => "slow",
        Closed::Idle => "idle",
        Closed::NotReading => "not-reading",
        Closed::Replaced => "replaced",
        Closed::Io(_) => "error",
        Closed::Stopping => "stopping",
    };
    metrics::counter!("siaga112_sip_connections_closed_total", "why" => word).increment(1);
    tracing::debug!(flow = %presence.flow, %why, "connection closed");
}

async fn read(mut reader: ReadHalf<Box<dyn Pipe>>, presence: &Presence, watch: &Watch) -> Closed {
    let mut framer = Framer::default();
    let mut buffer = vec![0; READ];
    // Until the first message is whole, the connection is as old as the message.
    let mut begun = Some(watch.opened());
    loop {
        let length = match timeout_at(watch.until(begun), reader.read(&mut buffer)).await {
            Ok(Ok(0)) => return Closed::ByPeer,
            Ok(Ok(length)) => length,
            Ok(Err(error)) => return error.into(),
            Err(_) => match watch.give_up(begun) {
                Some(closed) => return closed,
                None => continue,
            },
        };
        watch.touch();
        framer.put(buffer.get(..length).unwrap_or_default());
        loop {
            match framer.poll() {
                Ok(Some(Frame::Message(bytes))) => {
                    begun = None;
                    if !presence.deliver(bytes).await {
                        return Closed::Replaced;
                    }
                }
                Ok(Some(Frame::Ping)) => {
                    if !presence.reply(PONG) {
                        return Closed::NotReading;
                    }
                }
                Ok(None) => break,
                Err(lost) => return lost.into(),
            }
        }
        if framer.is_within() && begun.is_none() {
            begun = Some(Instant::now());
        }
    }
}

async fn write(
    mut writer: WriteHalf<Box<dyn Pipe>>,
    mut queue: tokio::sync::mpsc::UnboundedReceiver<bytes::Bytes>,
    presence: &Presence,
    watch: &Watch,
    patience: Duration,
) -> Closed {
    let mut batch = Vec::new();
    while let Some(first) = queue.recv().await {
        batch.clear();
        batch.extend_from_slice(&first);
        while batch.len() < WRITE
            && let Ok(more) = queue.try_recv()
        {
            batch.extend_from_slice(&more);
        }
        let written = timeout(patience, async {
            writer.write_all(&batch).await?;
            writer.flush().await
        });
        match written.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return error.into(),
            Err(_) => return Closed::NotReading,
        }
        presence.written(batch.len());
        watch.touch();
        batch.shrink_to(WRITE);
    }
    // The book has let go of it: everything is written.
    let _ = timeout(patience, writer.shutdown()).await;
    Closed::Stopping
}
