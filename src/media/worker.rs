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
use super::hearing::Hearing;
use super::ports::PortStock;
use super::prompts::Prompts;
use super::relay::{Left, Relay};
use super::source::INTERVAL;
use super::stream::{FarEnd, Own, Play, Stream};
use super::tap::{RecorderHandle, RecorderOrder};
use crate::call::orders::{Law, MediaOrder, MediaReport, Role, StreamCount};
use crate::vocabulary::StreamId;

/// The waker's token; all others are twice the slot, plus one for RTCP.
pub(super) const WAKE: Token = Token(usize::MAX);
/// Readiness events taken at once.
const EVENTS: usize = 1024;
/// Packets of our own sent late at once; beyond it the machine stood still and they are skipped.
const LATE_TICKS: u64 = 10;

/// What comes through the handle.
#[derive(Debug)]
pub(super) enum Inbox {
    Order(MediaOrder),
    Prompts(Arc<Prompts>),
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
    prompts: Arc<Prompts>,
    /// Slots that play something of their own, and when the next packets are due.
    playing: Vec<usize>,
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
        prompts: Arc<Prompts>,
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
            prompts,
            playing: Vec::new(),
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
            self.tell();
            if woken && !self.carry_out_orders() {
                return;
            }
            self.play_on();
            self.tell();
        }
    }

    /// Reports what happened to streams in this turn.
    fn tell(&mut self) {
        let report = &self.report;
        self.relay.heard.drain(..).for_each(|stream| report(MediaReport::Heard { stream }));
        self.relay.played.drain(..).for_each(|stream| report(MediaReport::Played { stream }));
        for (stream, sound) in self.relay.sounds.drain(..) {
            report(MediaReport::Sound { stream, sound });
        }
    }

    fn patience(&self, idle: bool) -> Option<Duration> {
        if !idle {
            Some(Duration::ZERO)
        } else if self.playing.is_empty() {
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

    fn play_on(&mut self) {
        if self.playing.is_empty() || self.now < self.next_tick {
            return;
        }
        let due = (self.now - self.next_tick) / INTERVAL + 1;
        for _ in 0..due.min(LATE_TICKS) {
            self.playing.retain(|&slot| self.relay.tick(slot, self.now));
        }
        self.next_tick += due * INTERVAL;
    }

    /// Returns false when told to stop.
    fn carry_out_orders(&mut self) -> bool {
        while let Ok(message) = self.inbox.try_recv() {
            match message {
                Inbox::Order(order) => self.carry_out(&order),
                Inbox::Prompts(prompts) => self.prompts = prompts,
                Inbox::Stop => return false,
            }
        }
        true
    }

    fn carry_out(&mut self, order: &MediaOrder) {
        match *order {
            MediaOrder::Open { stream, port } => self.open(stream, port),
            MediaOrder::OpenShared { stream, .. } => {
                tracing::error!(?stream, "no port is shared yet");
            }
            MediaOrder::Close { stream } => self.close(stream),
            MediaOrder::Aim { stream, ref aim } => {
                let aim = aim.clone();
                if let Some((_, stream)) = self.find(stream) {
                    match &mut stream.far {
                        Some(far) => far.aim(aim),
                        None => stream.far = Some(FarEnd::new(aim)),
                    }
                }
            }
            MediaOrder::Role { stream, ref role } => self.set_role(stream, role),
            MediaOrder::Listen { stream, on } => self.listen(stream, on),
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

    fn set_role(&mut self, id: StreamId, role: &Role) {
        let now = self.now;
        let Some((slot, stream)) = self.find(id) else { return };
        if let (Role::Idle | Role::Loop | Role::Hear(_), Some(own)) = (role, &mut stream.own) {
            own.player.stop();
            own.rest(now);
        }
        match role {
            Role::Idle => stream.play = Play::Idle,
            Role::Loop => stream.play = Play::Loop,
            Role::Hear(whom) => {
                let Some(&to) = whom.first() else {
                    stream.play = Play::Idle;
                    return;
                };
                stream.play = Play::Bridge { to, slot: usize::MAX };
                self.link(id, slot, to);
            }
            Role::RingBack | Role::Play(_) => self.play(id, slot, role),
        }
    }

    /// Lets a stream play something of its own, from the next tick on.
    fn play(&mut self, id: StreamId, slot: usize, role: &Role) {
        let Some(stream) = self.relay.streams.get_mut(slot).and_then(Option::as_mut) else {
            return;
        };
        let law = stream.far.as_ref().and_then(|far| Law::of(far.aim.codec)).unwrap_or(Law::A);
        let own = stream.own.get_or_insert_with(|| Box::new(Own::new(self.now)));
        own.wake(self.now);
        stream.play = Play::Own;
        let tone = &self.relay.tone;
        if let Role::Play(programme) = role {
            if !own.player.play(programme, &self.prompts, tone, law) {
                self.relay.played.push(id);
            }
        } else {
            own.player.ring_back(tone, law);
        }
        if self.playing.is_empty() {
            self.next_tick = self.now;
        }
        if !self.playing.contains(&slot) {
            self.playing.push(slot);
        }
    }

    /// An ear is made when it is wanted, so that a packet never allocates one.
    fn listen(&mut self, id: StreamId, on: bool) {
        let Some((_, stream)) = self.find(id) else { return };
        match (&mut stream.ear, on) {
            (ear, false) => *ear = None,
            (Some(ear), true) => ear.rearm(),
            (ear @ None, true) => *ear = Some(Box::new(Hearing::new())),
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
