//! The media plane: RTP between the caller's network and the operators' phones.
//!
//! One thread relays every packet: it takes it from a stream's socket, checks who sent it, hands
//! a copy to the recorder, and sends it on from the other stream's socket. Signalling says what is
//! connected ([`MediaOrder`]) and hears back little ([`MediaReport`]); nobody on the call path ever
//! waits for this room, and this room waits for nobody. A fault here is counted and never ends a
//! call. The room never sees a SIP message, a file or a queue.
//!
//! Who waits hears what signalling ordered (a `Programme`) and may be listened to: a voice, a tap,
//! a key. What is said is neither kept nor understood here, and no file is read while calls run:
//! the prompts come in whole, as [`Prompts`].
//!
//! Where to read: `worker` is the thread and the orders, `relay` the path of one packet,
//! `stream` the rules of one leg, `outgoing` how its packets are numbered, `tap` the way out to the
//! recorder. Who hears one other is passed that one's packets; who hears several, or another codec,
//! hears a mix: `jitter` puts packets into their place, `codec` makes samples of them, `mixer` adds
//! them up. `prompts` turns files into G.711, `player` makes payloads of them and of the `tone`.
//! `hearing` says what is heard, with `voice` and `dtmf`.

pub mod codec;
mod counters;
mod dtmf;
mod hearing;
mod jitter;
mod mixer;
mod outgoing;
mod player;
mod ports;
pub mod prompts;
mod relay;
mod rtcp;
#[doc(hidden)]
pub mod rtp;
mod secure;
pub mod settings;
mod sockets;
mod stream;
pub mod tap;
mod tone;
mod voice;
mod worker;

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use mio::{Poll, Waker};

use crate::call::orders::{MediaOrder, MediaReport};
use ports::PortStock;
use prompts::Prompts;
use settings::MediaSettings;
use tap::RecorderHandle;
use worker::{Inbox, Worker};

pub use counters::MediaCounters;

/// Why the media plane could not start. Each is for an admin to mend.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MediaError {
    /// The range holds no even port followed by an odd one.
    #[error(
        "media ports {first}-{last} hold no pair of an even and the next odd port; widen [media] ports"
    )]
    NoPair {
        /// First port of the range.
        first: u16,
        /// Last port of the range.
        last: u16,
    },
    /// Not one pair of the range could be bound.
    #[error(
        "no RTP port of {first}-{last} could be bound on {bind}; check that the address belongs \
         to this machine, that the range is free and that the limit of open files is high enough"
    )]
    NoPort {
        /// The address tried.
        bind: IpAddr,
        /// First port of the range.
        first: u16,
        /// Last port of the range.
        last: u16,
        /// The operating system's words for the last port tried.
        source: io::Error,
    },
    /// The operating system gave no poller or no thread.
    #[error("the media thread could not be started: {0}")]
    Thread(#[source] io::Error),
}

/// The media plane; see [`Media::start`].
#[derive(Debug)]
pub struct Media;

impl Media {
    /// Binds up to `stock` port pairs ahead of need, starts the thread and returns the way to it.
    ///
    /// `report` is called on the media thread and must not block. The limit of open files is
    /// raised to what the system allows, as each stream holds two sockets.
    ///
    /// # Errors
    /// [`MediaError`], when not one pair can be bound or the thread cannot be made.
    pub fn start(
        settings: MediaSettings,
        stock: usize,
        recorder: RecorderHandle,
        prompts: Arc<Prompts>,
        report: impl Fn(MediaReport) + Send + 'static,
    ) -> Result<MediaHandle, MediaError> {
        if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
            tracing::warn!(%error, "the limit of open files could not be raised");
        }
        let MediaSettings { bind, ports, .. } = settings;
        let (ports, ready) = PortStock::new(bind, &ports, stock)?;
        let poll = Poll::new().map_err(MediaError::Thread)?;
        let waker = Waker::new(poll.registry(), worker::WAKE).map_err(MediaError::Thread)?;
        let (orders, inbox) = channel();
        let counters = Arc::new(MediaCounters::default());
        let shared = Arc::clone(&counters);
        let worker = Worker::new(poll, inbox, ports, recorder, prompts, shared, report);
        let thread = std::thread::Builder::new()
            .name("media".to_owned())
            .spawn(move || worker.run(ready))
            .map_err(MediaError::Thread)?;
        Ok(MediaHandle {
            orders,
            waker: Arc::new(waker),
            counters,
            thread: Arc::new(Mutex::new(Some(thread))),
        })
    }
}

/// The way to the media plane; every clone leads to the same one.
#[derive(Clone)]
pub struct MediaHandle {
    orders: Sender<Inbox>,
    waker: Arc<Waker>,
    counters: Arc<MediaCounters>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl MediaHandle {
    /// Hands over an order. Never blocks; an order after [`MediaHandle::stop`] is lost.
    pub fn order(&self, order: MediaOrder) {
        self.orders([order]);
    }

    /// Hands over orders and wakes the thread once for all.
    pub fn orders(&self, orders: impl IntoIterator<Item = MediaOrder>) {
        self.put(orders.into_iter().map(Inbox::Order));
    }

    /// Plays these prompts from now on; what plays already goes on with its old copy.
    pub fn adopt_prompts(&self, prompts: Arc<Prompts>) {
        self.put([Inbox::Prompts(prompts)]);
    }

    /// What the plane has counted since it started.
    #[must_use]
    pub fn counters(&self) -> Arc<MediaCounters> {
        Arc::clone(&self.counters)
    }

    /// Ends all streams and the thread, after the orders given so far; returns when it is over.
    /// The recorder then seals what is open and ends too.
    pub fn stop(&self) {
        self.put([Inbox::Stop]);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the media thread had panicked");
        }
    }

    fn put(&self, messages: impl IntoIterator<Item = Inbox>) {
        // Both fail only when the thread is gone, and then there is nobody to carry it out.
        for message in messages {
            let _ = self.orders.send(message);
        }
        let _ = self.waker.wake();
    }
}

impl fmt::Debug for MediaHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaHandle").field("counters", &self.counters).finish_non_exhaustive()
    }
}
