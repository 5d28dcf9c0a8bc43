//! The media thread: waits for packets and orders, carries both out, reports.
//!
//! A turn reads the clock once, passes on what the sockets hold, then carries out orders: what
//! came before an order is treated before it, so a seal or an end cuts off nothing.

use std::collections::{HashMap, VecDeque};
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};

use super::counters::MediaCounters;
use super::ports::PortStock;
use super::relay::{Left, Relay};
use super::stream::{FarEnd, Play, Stream};
use super::tap::{RecorderHandle, RecorderOrder};
use super::tone::{INTERVAL, RingBack};
use crate::call::orders::{MediaOrder, MediaReport, Role, StreamCount};
use crate::vocabulary::StreamId;

/// The waker's token; all others are twice the slot, plus one for RTCP.
pub(super) const WAKE: Token = Token(usize::MAX);
/// Readiness events taken at once.
const EVENTS: usize = 1024;
/// Tone packets sent late at once; beyond it the machine stood still and the tone skips.
const LATE_TICKS: u64 = 10;

/// What comes through the handle.
#[derive(Debug)]
pub(super) enum Inbox {
    Order(MediaOrder),
    Stop,
}

/// The thread's state.
pub(super) struct Worker<R> {
    poll: Poll,
    inbox: Receiver<Inbox>,
    ports: PortStock,
    relay: Relay,
    slots: HashMap<StreamId, usize>,
    free: Vec<usize>,
    /// Slots that play the ring-back tone, and when the next packets are due.
    ringing: Vec<usize>,
    next_tick: u64,
    counters: Arc<MediaCounters>,
    started: Instant,
    now: u64,
    report: R,
}

impl<R: Fn(MediaReport)> Worker<R> {
    pub fn new(
        poll: Poll,
        inbox: Receiver<Inbox>,
        ports: PortStock,
        recorder: RecorderHandle,
        counters: Arc<MediaCounters>,
        report: R,
    ) -> Self {
        Self {
            poll,
            inbox,
            ports,
            relay: Relay::new(recorder),
            slots: HashMap::new(),
            free: Vec::new(),
            ringing: Vec::new(),
            next_tick: 0,
            counters,
            started: clock(),
            now: 0,
            report,
        }
    }

    /// Works until told to stop.
    pub fn run(mut self, ready: Vec<u16>) {
        (self.report)(MediaReport::PortsReady(ready));
        let mut events = Events::with_capacity(EVENTS);
        let mut unfinished = VecDeque::new();
        loop {
            if let Err(error) = self.poll.poll(&mut events, self.patience(unfinished.is_empty()))
                && error.kind() != ErrorKind::Interrupted
            {
                self.relay.tally.faults += 1;
            }
            self.now = u64::try_from((clock() - self.started).as_micros()).unwrap_or(u64::MAX);
            for _ in 0..unfinished.len() {
                let Some(token) = unfinished.pop_front() else { break };
                self.drain(token, &mut unfinished);
            }
            let mut woken = false;
            for event in &events {
                match event.token() {
                    WAKE => woken = true,
                    token => self.drain(token, &mut unfinished),
                }
            }
            self.relay.tally.publish(&self.counters);
            for stream in self.relay.heard.drain(..) {
                (self.report)(MediaReport::Heard { stream });
            }
            if woken && !self.carry_out_orders() {
                return;
            }
            self.play_tones();
        }
    }

    fn patience(&self, idle: bool) -> Option<Duration> {
        if !idle {
            Some(Duration::ZERO)
        } else if self.ringing.is_empty() {
            None
        } else {
            Some(Duration::from_micros(self.next_tick.saturating_sub(self.now)))
        }
    }

    fn drain(&mut self, token: Token, unfinished: &mut VecDeque<Token>) {
        let slot = token.0 / 2;
        let left = if token.0.is_multiple_of(2) {
            self.relay.drain_rtp(slot, self.now)
        } else {
            self.relay.drain_rtcp(slot, self.now)
        };
        // Readiness is told once (edge-triggered): what is left must be remembered.
        if left == Left::Perhaps {
            unfinished.push_back(token);
        }
    }

    fn play_tones(&mut self) {
        if self.ringing.is_empty() || self.now < self.next_tick {
            return;
        }
        let due = (self.now - self.next_tick) / INTERVAL + 1;
        for _ in 0..due.min(LATE_TICKS) {
            self.ringing.retain(|&slot| self.relay.tick_tone(slot));
        }
        self.next_tick += due * INTERVAL;
    }

    /// Returns false when told to stop.
    fn carry_out_orders(&mut self) -> bool {
        while let Ok(message) = self.inbox.try_recv() {
            match message {
                Inbox::Order(order) => self.carry_out(&order),
                Inbox::Stop => return false,
            }
        }
        true
    }

    fn carry_out(&mut self, order: &MediaOrder) {
        match *order {
            MediaOrder::Open { stream, port } => self.open(stream, port),
            MediaOrder::Close { stream } => self.close(stream),
            MediaOrder::Aim { stream, aim } => {
                if let Some((_, stream)) = self.find(stream) {
                    match &mut stream.far {
                        Some(far) => far.aim(aim),
                        None => stream.far = Some(FarEnd::new(aim)),
                    }
                }
            }
            MediaOrder::Role { stream, ref role } => self.play(stream, role),
            MediaOrder::Listen { .. } => {}
            MediaOrder::Tap { stream, call, channel } => {
                if let Some((_, stream)) = self.find(stream) {
                    stream.tap = Some((call, channel));
                }
            }
            MediaOrder::Record { call, at } => {
                self.relay.recorder.order(RecorderOrder::Record { call, at }, self.now);
            }
            MediaOrder::Seal { call } => {
                self.relay.recorder.order(RecorderOrder::Seal { call }, self.now);
            }
        }
    }

    fn find(&mut self, id: StreamId) -> Option<(usize, &mut Stream)> {
        let slot = *self.slots.get(&id)?;
        Some((slot, self.relay.streams.get_mut(slot)?.as_mut()?))
    }

    fn open(&mut self, id: StreamId, port: u16) {
        if self.slots.contains_key(&id) {
            tracing::error!(?id, "a stream was opened twice");
            return;
        }
        match self.ports.take(port) {
            Ok(sockets) => self.place(Stream::new(id, port, sockets)),
            // Close is answered all the same, so signalling does not wait for it.
            Err(error) => tracing::error!(%error, ?id, port, "a stream has no sockets"),
        }
        self.refill();
    }

    fn place(&mut self, mut stream: Stream) {
        let slot = self.free.pop().unwrap_or(self.relay.streams.len());
        let registry = self.poll.registry();
        let (rtp, rtcp) = (&mut stream.sockets.rtp, &mut stream.sockets.rtcp);
        let registered = registry
            .register(rtp, Token(slot * 2), Interest::READABLE)
            .and_then(|()| registry.register(rtcp, Token(slot * 2 + 1), Interest::READABLE));
        if let Err(error) = registered {
            tracing::error!(%error, id = ?stream.id, "a stream cannot hear");
            self.relay.tally.faults += 1;
        }
        self.slots.insert(stream.id, slot);
        if slot == self.relay.streams.len() {
            self.relay.streams.push(Some(stream));
        } else if let Some(place) = self.relay.streams.get_mut(slot) {
            *place = Some(stream);
        }
        self.counters.open_streams.store(self.slots.len() as u64, Ordering::Relaxed);
    }

    fn close(&mut self, id: StreamId) {
        let slot = self.slots.remove(&id);
        let stream = slot.and_then(|slot| self.relay.streams.get_mut(slot)?.take());
        let mut count = StreamCount::default();
        if let (Some(slot), Some(stream)) = (slot, stream) {
            count = stream.count();
            self.free.push(slot);
            self.ports.give_back(stream.port);
            self.counters.open_streams.store(self.slots.len() as u64, Ordering::Relaxed);
        }
        (self.report)(MediaReport::Closed { stream: id, count });
        self.refill();
    }

    fn refill(&mut self) {
        let filled = self.ports.fill();
        if !filled.fresh.is_empty() {
            (self.report)(MediaReport::PortsReady(filled.fresh));
        }
        if let Some(why) = filled.exhausted {
            (self.report)(MediaReport::PortsExhausted { why });
        }
    }

    /// Tells both sides of a bridge the other's slot, once both were ordered: one may have been
    /// ordered before the other was open.
    fn link(&mut self, id: StreamId, slot: usize, other: StreamId) {
        let Some((other_slot, theirs)) = self.find(other) else { return };
        if let Play::Bridge { to, slot: place } = &mut theirs.play
            && *to == id
        {
            *place = slot;
            if let Some((_, Stream { play: Play::Bridge { slot: place, .. }, .. })) = self.find(id)
            {
                *place = other_slot;
            }
        }
    }

    fn play(&mut self, id: StreamId, role: &Role) {
        let Some((slot, stream)) = self.find(id) else { return };
        match *role {
            Role::Play(_) => {}
            Role::Idle => stream.play = Play::Idle,
            Role::Loop => stream.play = Play::Loop,
            Role::Bridge(to) => {
                stream.play = Play::Bridge { to, slot: usize::MAX };
                self.link(id, slot, to);
            }
            Role::RingBack => {
                if matches!(stream.play, Play::RingBack(_)) {
                    return;
                }
                stream.play = Play::RingBack(RingBack::new());
                if self.ringing.is_empty() {
                    self.next_tick = self.now;
                }
                if !self.ringing.contains(&slot) {
                    self.ringing.push(slot);
                }
            }
        }
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "the media plane's own clock, read once a turn here and nowhere else"
)]
fn clock() -> Instant {
    Instant::now()
}
