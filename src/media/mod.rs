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
//! Where to read: `worker` is the thread and the orders, `arrival` the way in of one packet and `relay`
//! the way on, `stream` the rules of one leg, `source` who its far end is, `outgoing` how its packets are numbered, `tap` the way out
//! to the recorder. `secure` proves and encrypts packets; `shared` and `ice` are the port that browsers
//! share. Who hears one other is passed that one's packets; who hears several, or another codec,
//! hears a mix: `jitter` puts packets into their place, `codec` makes samples of them, `mixer` adds
//! them up. `prompts` turns files into G.711, `player` makes payloads of them and of the `tone`.
//! `texting` is the text beside the audio, `text` what is in its packets.
//! `hearing` says what is heard, with `voice`, `dtmf` and `signals`.

mod arrival;
pub mod codec;
mod counters;
mod dtmf;
mod hearing;
#[doc(hidden)]
pub mod ice;
mod jitter;
mod mixer;
mod outgoing;
mod player;
mod ports;
pub mod prompts;
mod relay;
#[doc(hidden)]
pub mod rtcp;
#[doc(hidden)]
pub mod rtp;
#[doc(hidden)]
pub mod secure;
pub mod settings;
mod shared;
mod signals;
mod sockets;
mod source;
mod stream;
pub mod tap;
#[doc(hidden)]
pub mod text;
mod texting;
mod tone;
mod voice;
mod worker;

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use mio::{Interest, Poll, Waker};

use crate::call::orders::{MediaOrder, MediaReport};
use crate::vocabulary::Fingerprint;
use ports::PortStock;
use prompts::Prompts;
use secure::Identity;
use settings::MediaSettings;
use shared::Shared;
use tap::RecorderHandle;
use worker::{Inbox, Means, Worker};

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
    /// The port that browsers share cannot be had.
    #[error("cannot open {address} for browsers: {source}; choose another [media] browser_port")]
    Browsers {
        /// The address tried.
        address: SocketAddr,
        /// The operating system's words.
        source: io::Error,
    },
    /// No certificate could be made for DTLS-SRTP.
    #[error("a certificate for encrypted audio could not be made: {0}")]
    Certificate(String),
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
        let MediaSettings { bind, ports, browsers, .. } = settings;
        let (ports, ready) = PortStock::new(bind, &ports, stock)?;
        let identity = Arc::new(Identity::make().map_err(MediaError::Certificate)?);
        let certificate = identity.fingerprint();
        let poll = Poll::new().map_err(MediaError::Thread)?;
        let shared = open_shared(&poll, &browsers, bind)?;
        let waker = Waker::new(poll.registry(), worker::WAKE).map_err(MediaError::Thread)?;
        let (orders, inbox) = channel();
        let counters = Arc::new(MediaCounters::default());
        let counted = Arc::clone(&counters);
        let means = Means { ports, shared, identity, recorder, prompts };
        let worker = Worker::new(poll, inbox, means, counted, report);
        let thread = std::thread::Builder::new()
            .name("media".to_owned())
            .spawn(move || worker.run(ready))
            .map_err(MediaError::Thread)?;
        Ok(MediaHandle {
            orders,
            waker: Arc::new(waker),
            counters,
            certificate,
            thread: Arc::new(Mutex::new(Some(thread))),
        })
    }
}

fn open_shared(poll: &Poll, at: &[SocketAddr], bind: IpAddr) -> Result<Shared, MediaError> {
    let mut shared = Shared::default();
    for (n, &address) in at.iter().enumerate() {
        let mut socket = sockets::shared(address, bind)
            .map_err(|source| MediaError::Browsers { address, source })?;
        let token = worker::shared_token(n);
        poll.registry()
            .register(&mut socket, token, Interest::READABLE)
            .map_err(MediaError::Thread)?;
        shared.sockets.push(Arc::new(socket));
    }
    Ok(shared)
}

/// The way to the media plane; every clone leads to the same one.
#[derive(Clone)]
pub struct MediaHandle {
    orders: Sender<Inbox>,
    waker: Arc<Waker>,
    counters: Arc<MediaCounters>,
    certificate: Fingerprint,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl MediaHandle {
    /// Hands over an order. Never blocks; an order after [`MediaHandle::stop`] is lost.
    pub fn order(&self, order: MediaOrder) {
        self.orders([order]);
    }

    /// Hands over orders and wakes the thread once for all.
    pub fn orders(&self, orders: impl IntoIterator<Item = MediaOrder>) {
        self.put(orders.into_iter().map(|order| Inbox::Order(Box::new(order))));
    }

    /// Plays these prompts from now on; what plays already goes on with its old copy.
    pub fn adopt_prompts(&self, prompts: Arc<Prompts>) {
        self.put([Inbox::Prompts(prompts)]);
    }

    /// Gives all audio to this recorder from now on, because the one before does not move and has missed so much.
    pub fn adopt_recorder(&self, recorder: RecorderHandle, missed: Duration) {
        self.put([Inbox::Recorder(recorder, missed)]);
    }

    /// The certificate that DTLS-SRTP shows, for descriptions to name.
    #[must_use]
    pub fn certificate(&self) -> Fingerprint {
        self.certificate.clone()
    }

    /// Wakes the thread, so that a turn of it can be counted on.
    pub fn wake(&self) {
        self.put([]);
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
