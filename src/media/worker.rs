//! The media thread: waits for packets and orders, carries both out, reports.
//!
//! A turn reads the clock once, passes on what the sockets hold, then carries out orders: what
//! came before an order is treated before it, so a seal or an end cuts off nothing.

mod opening;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};

use super::arrival::Left;
use super::counters::MediaCounters;
use super::hearing::Hearing;
use super::player::Player;
use super::ports::PortStock;
use super::prompts::Prompts;
use super::relay::Relay;
use super::secure::Identity;
use super::shared::Shared;
use super::stream::{FULL, Play, Stream, Voice};
use super::tap::{RecorderHandle, RecorderOrder};
use crate::call::orders::{Ears, Law, MediaOrder, MediaReport, Role};
use crate::vocabulary::{CallId, StreamId};

/// The waker's token; all others are four times the slot, plus what they are for.
pub(super) const WAKE: Token = Token(usize::MAX);
/// The sockets of a stream: audio, its reports, text, its reports.
const EACH: usize = 4;
const OF_RTCP: usize = 1;
const OF_TEXT: usize = 2;
const OF_TEXT_RTCP: usize = 3;
/// The tokens of the shared sockets count down from here.
const SHARED: usize = usize::MAX - 1;
/// Datagrams taken from a shared socket before the others have their turn.
const SHARED_BURST: usize = 256;
/// Readiness events taken at once.
const EVENTS: usize = 1024;
/// Microseconds between two beats.
const INTERVAL: u64 = 20_000;
/// Microseconds between two looks at all streams.
const LOOK: u64 = 250_000;
/// A stream's faults are told once in this time, microseconds.
const FAULT_EVERY: u64 = 10_000_000;
/// Packets of our own sent late at once; beyond it the machine stood still and they are skipped.
const LATE_TICKS: u64 = 10;

/// What comes through the handle.
#[derive(Debug)]
pub(super) enum Inbox {
    Order(Box<MediaOrder>),
    Prompts(Arc<Prompts>),
    /// Another recorder from now on, and how much the one before has missed.
    Recorder(RecorderHandle, Duration),
    Stop,
    /// Lets a stream fail so many times.
    #[cfg(test)]
    Break(StreamId, u32),
}

/// What the thread works with.
pub(super) struct Means {
    pub ports: PortStock,
    pub shared: Shared,
    pub identity: Arc<Identity>,
    pub recorder: RecorderHandle,
    pub prompts: Arc<Prompts>,
}

/// The thread's state.
pub(super) struct Worker<R> {
    poll: Poll,
    inbox: Receiver<Inbox>,
    ports: PortStock,
    identity: Arc<Identity>,
    relay: Relay,
    slots: HashMap<StreamId, usize>,
    free: Vec<usize>,
    prompts: Arc<Prompts>,
    /// Streams that are named by those who hear them before they are open.
    early: HashMap<StreamId, Vec<StreamId>>,
    /// Slots that say something at each beat, which beat is next, and when.
    beating: Vec<usize>,
    beat: u64,
    next_beat: u64,
    /// Slots to whose peers something is to be written.
    writing: Vec<usize>,
    /// Whose recordings go on.
    recorded: BTreeSet<CallId>,
    /// When all streams are looked at again.
    next_look: u64,
    /// A fault that no stream can be blamed for, not told yet, and when the last one was told.
    fault: Option<String>,
    fault_told: Option<u64>,
    counters: Arc<MediaCounters>,
    started: Instant,
    now: u64,
    report: R,
}

impl<R: Fn(MediaReport)> Worker<R> {
    pub fn new(
        poll: Poll,
        inbox: Receiver<Inbox>,
        means: Means,
        counters: Arc<MediaCounters>,
        report: R,
    ) -> Self {
        let Means { ports, shared, identity, recorder, prompts } = means;
        let started = clock();
        Self {
            poll,
            inbox,
            ports,
            identity,
            relay: Relay::new(recorder, shared, started, wall()),
            slots: HashMap::new(),
            free: Vec::new(),
            prompts,
            early: HashMap::new(),
            beating: Vec::new(),
            beat: 0,
            next_beat: 0,
            writing: Vec::new(),
            recorded: BTreeSet::new(),
            next_look: 0,
            fault: None,
            fault_told: None,
            counters,
            started,
            now: 0,
            report,
        }
    }

    /// Works until told to stop. A fault of ours outside of a stream and an order costs the rest of a turn: what
    /// the sockets and the inbox hold is looked for again.
    pub fn run(mut self, ready: Vec<u16>) {
        (self.report)(MediaReport::PortsReady(ready));
        let mut events = Events::with_capacity(EVENTS);
        let mut unfinished = VecDeque::new();
        loop {
            let turn = AssertUnwindSafe(|| self.turn(&mut events, &mut unfinished));
            match catch_unwind(turn) {
                Ok(true) => {}
                Ok(false) => return,
                Err(panic) => {
                    self.relay.tally.faults += 1;
                    self.fault = Some(said(&*panic));
                    unfinished = VecDeque::from([WAKE]);
                    let shared = (0..self.relay.shared.sockets.len()).map(shared_token);
                    unfinished.extend((0..self.relay.streams.len() * EACH).map(Token));
                    unfinished.extend(shared);
                }
            }
        }
    }

    /// Returns false when told to stop.
    fn turn(&mut self, events: &mut Events, unfinished: &mut VecDeque<Token>) -> bool {
        if let Err(error) = self.poll.poll(events, self.patience(unfinished.is_empty()))
            && error.kind() != ErrorKind::Interrupted
        {
            self.relay.tally.faults += 1;
        }
        self.now = u64::try_from((clock() - self.started).as_micros()).unwrap_or(u64::MAX);
        self.counters.turns.fetch_add(1, Ordering::Relaxed);
        let mut woken = false;
        for _ in 0..unfinished.len() {
            match unfinished.pop_front() {
                Some(WAKE) => woken = true,
                Some(token) => self.drain(token, unfinished),
                None => break,
            }
        }
        for event in &*events {
            match event.token() {
                WAKE => woken = true,
                token => self.drain(token, unfinished),
            }
        }
        self.relay.tally.publish(&self.counters);
        self.tell();
        if woken && !self.carry_out_orders() {
            return false;
        }
        self.beat_on();
        self.write_on();
        self.look_around();
        self.tell();
        true
    }

    /// Now and then every stream is looked at: is a report due, does anything come at all?
    fn look_around(&mut self) {
        if self.slots.is_empty() || self.now < self.next_look {
            return;
        }
        self.next_look = self.now + LOOK;
        for slot in 0..self.relay.streams.len() {
            let now = self.now;
            let mut writing = std::mem::take(&mut self.writing);
            let (quality, told) = self.guarded(slot, (None, [None, None]), |relay| {
                relay.shake(slot, None, now);
                let text = relay.look_at_text(slot, now, &mut writing);
                relay.report_text(slot, now, false);
                (relay.report(slot, now, false), [relay.watch(slot, now), text])
            });
            self.writing = writing;
            let Some(Some(stream)) = self.relay.streams.get(slot) else { continue };
            let stream = stream.id;
            if let Some(quality) = quality {
                (self.report)(MediaReport::Quality { stream, quality });
            }
            told.into_iter().flatten().for_each(&self.report);
        }
    }

    /// Reports what happened to streams in this turn.
    fn tell(&mut self) {
        self.tell_fault();
        let report = &self.report;
        self.relay.heard.drain(..).for_each(|stream| report(MediaReport::Heard { stream }));
        self.relay.played.drain(..).for_each(|stream| report(MediaReport::Played { stream }));
        for (stream, sound) in self.relay.sounds.drain(..) {
            report(MediaReport::Sound { stream, sound });
        }
        for (stream, outcome) in self.relay.secured.drain(..) {
            report(MediaReport::Secured { stream, outcome });
        }
    }

    /// Told at most once in a while: what fails at all may fail at every packet.
    fn tell_fault(&mut self) {
        let Some(why) = self.fault.take() else { return };
        if self.fault_told.is_none_or(|told| self.now - told >= FAULT_EVERY) {
            self.fault_told = Some(self.now);
            (self.report)(MediaReport::Fault { stream: None, why });
        }
    }

    fn patience(&self, idle: bool) -> Option<Duration> {
        if !idle {
            return Some(Duration::ZERO);
        }
        let beat = (!self.beating.is_empty()).then_some(self.next_beat);
        let look = (!self.slots.is_empty()).then_some(self.next_look);
        let text = self.writing.iter().filter_map(|slot| self.relay.text_due(*slot)).min();
        let next = beat.into_iter().chain(look).chain(text).min()?;
        Some(Duration::from_micros(next.saturating_sub(self.now)))
    }

    fn drain(&mut self, token: Token, unfinished: &mut VecDeque<Token>) {
        if let Some(n) =
            SHARED.checked_sub(token.0).filter(|n| *n < self.relay.shared.sockets.len())
        {
            if self.drain_shared(n) == Left::Perhaps {
                unfinished.push_back(token);
            }
            return;
        }
        let (slot, now) = (token.0 / EACH, self.now);
        let mut writing = std::mem::take(&mut self.writing);
        let left = self.guarded(slot, Left::Perhaps, |relay| match token.0 % EACH {
            OF_TEXT => relay.drain_text(slot, now, &mut writing),
            OF_TEXT_RTCP => relay.drain_text_reports(slot, now),
            OF_RTCP => relay.drain_rtcp(slot, now),
            _ => relay.drain_rtp(slot, now),
        });
        self.writing = writing;
        // Readiness is told once (edge-triggered): what is left must be remembered.
        if left == Left::Perhaps {
            unfinished.push_back(token);
        }
    }

    fn drain_shared(&mut self, n: usize) -> Left {
        for _ in 0..SHARED_BURST {
            // Whose it is is not known yet.
            let failed = (true, None);
            let (more, datagram) =
                self.guarded(usize::MAX, failed, |relay| relay.receive_shared(n));
            if !more {
                return Left::Nothing;
            }
            if let Some((slot, length, from)) = datagram {
                let now = self.now;
                self.guarded(slot, (), |relay| relay.take_datagram(slot, length, from, now));
            }
        }
        Left::Perhaps
    }

    fn beat_on(&mut self) {
        if self.beating.is_empty() || self.now < self.next_beat {
            return;
        }
        let due = (self.now - self.next_beat) / INTERVAL + 1;
        self.next_beat += due * INTERVAL;
        for _ in 0..due.min(LATE_TICKS) {
            let (beat, now) = (self.beat, self.now);
            let mut n = 0;
            while let Some(&slot) = self.beating.get(n) {
                if self.guarded(slot, true, |relay| relay.beat(slot, beat, now)) {
                    n += 1;
                } else {
                    self.beating.swap_remove(n);
                }
            }
            self.beat += 1;
        }
    }

    /// Sends the packets of text that are due.
    fn write_on(&mut self) {
        self.writing.sort_unstable();
        self.writing.dedup();
        let mut n = 0;
        while let Some(&slot) = self.writing.get(n) {
            let now = self.now;
            let due = self.guarded(slot, None, |relay| {
                if relay.text_due(slot).is_some_and(|due| due <= now) {
                    relay.send_text(slot, now);
                }
                relay.text_due(slot)
            });
            if due.is_some() {
                n += 1;
            } else {
                self.writing.remove(n);
            }
        }
    }

    /// Works for one stream. A fault of ours there costs it what it was about to say: its decoders, its player
    /// and its ear are made anew, people are told, and no other stream notices.
    fn guarded<T>(&mut self, slot: usize, failed: T, work: impl FnOnce(&mut Relay) -> T) -> T {
        let panic = match catch_unwind(AssertUnwindSafe(|| work(&mut self.relay))) {
            Ok(done) => return done,
            Err(panic) => panic,
        };
        self.relay.tally.faults += 1;
        let Some(stream) = self.relay.streams.get_mut(slot).and_then(Option::as_mut) else {
            self.fault = Some(said(&*panic));
            return failed;
        };
        let id = stream.id;
        if stream.mend() {
            self.relay.played.push(id);
        }
        if stream.fault_told.is_none_or(|told| self.now - told >= FAULT_EVERY) {
            stream.fault_told = Some(self.now);
            (self.report)(MediaReport::Fault { stream: Some(id), why: said(&*panic) });
        }
        failed
    }

    /// Lets a stream speak at each beat where it is to, from the next one on.
    fn set_beating(&mut self, slot: usize) {
        if !self.relay.beats(slot) || self.beating.contains(&slot) {
            return;
        }
        if self.beating.is_empty() {
            self.next_beat = self.now;
        }
        self.beating.push(slot);
    }

    /// Returns false when told to stop. An order that fails costs no other.
    fn carry_out_orders(&mut self) -> bool {
        while let Ok(message) = self.inbox.try_recv() {
            match message {
                Inbox::Order(order) => {
                    let work = AssertUnwindSafe(|| self.carry_out(&order));
                    if let Err(panic) = catch_unwind(work) {
                        self.relay.tally.faults += 1;
                        self.fault = Some(format!("an order failed: {}", said(&*panic)));
                    }
                }
                #[cfg(test)]
                Inbox::Break(stream, times) => {
                    if let Some((_, stream)) = self.find(stream) {
                        stream.broken = times;
                    }
                }
                Inbox::Prompts(prompts) => self.prompts = prompts,
                Inbox::Recorder(recorder, missed) => self.change_recorder(recorder, missed),
                Inbox::Stop => return false,
            }
        }
        true
    }

    fn carry_out(&mut self, order: &MediaOrder) {
        match *order {
            MediaOrder::Open { stream, port } => self.open(stream, port),
            MediaOrder::OpenShared { stream, ref login, ssrc } => {
                self.open_shared(stream, login, ssrc);
            }
            MediaOrder::Relogin { stream, ref login } => self.relogin(stream, login),
            MediaOrder::OpenText { stream, port } => self.open_text(stream, port),
            MediaOrder::Write { stream, by, ref text } => {
                let now = self.now;
                if let Some((slot, _)) = self.find(stream) {
                    self.relay.write_text(slot, by, text.reveal(), now);
                    self.writing.push(slot);
                }
            }
            MediaOrder::Name { stream, ref name } => {
                if let Some((_, stream)) = self.find(stream) {
                    stream.name.clone_from(name);
                }
            }
            MediaOrder::Close { stream } => self.close(stream),
            MediaOrder::Hint { stream, host } => {
                if let Some((_, stream)) = self.find(stream) {
                    stream.signals = Some(host);
                }
            }
            MediaOrder::Aim { stream, ref aim } => {
                let (identity, now) = (Arc::clone(&self.identity), self.now);
                let Some((slot, stream)) = self.find(stream) else { return };
                stream.aim(aim.clone(), &identity);
                self.guarded(slot, (), |relay| relay.shake(slot, None, now));
                let Some(Some(stream)) = self.relay.streams.get(slot) else { return };
                // Another codec may make a mix of what was passed on, for it and for who hears it.
                let heard_by = stream.heard_by.clone();
                self.set_beating(slot);
                self.writing.push(slot);
                heard_by.into_iter().for_each(|listener| self.set_beating(listener));
            }
            MediaOrder::Role { stream, ref role } => self.set_role(stream, role),
            MediaOrder::Read { stream, ref whom } => {
                // Who plays something of its own passes on nobody's audio.
                if let Some((slot, Stream { play: Play::Own, .. })) = self.find(stream) {
                    self.set_hears(stream, slot, whom);
                }
            }
            MediaOrder::Listen { stream, ears } => self.listen(stream, ears),
            MediaOrder::Tap { stream, call, channel } => {
                if let Some((_, stream)) = self.find(stream) {
                    stream.tap = Some((call, channel));
                }
            }
            MediaOrder::Record { call, at } => {
                self.recorded.insert(call);
                self.relay.recorder.order(RecorderOrder::Record { call, at }, self.now);
            }
            MediaOrder::Seal { call } => {
                self.recorded.remove(&call);
                self.relay.recorder.order(RecorderOrder::Seal { call }, self.now);
            }
        }
    }

    /// Gives all audio to another recorder. The one before sees its tap end, and seals what it has as soon as it
    /// moves again.
    fn change_recorder(&mut self, recorder: RecorderHandle, missed: Duration) {
        self.relay.recorder = recorder;
        for &call in &self.recorded {
            self.relay.recorder.order(RecorderOrder::Resume { call, missed }, self.now);
        }
    }

    fn find(&mut self, id: StreamId) -> Option<(usize, &mut Stream)> {
        let slot = *self.slots.get(&id)?;
        Some((slot, self.relay.streams.get_mut(slot)?.as_mut()?))
    }

    fn set_role(&mut self, id: StreamId, role: &Role) {
        let Some((slot, stream)) = self.find(id) else { return };
        if let (Role::Idle | Role::Loop | Role::Hear(_), Some(player)) = (role, &mut stream.player)
        {
            player.stop();
            stream.out.pause();
        }
        let hears: &[StreamId] = if let Role::Hear(whom) = role { whom } else { &[] };
        self.set_hears(id, slot, hears);
        let Some(stream) = self.relay.streams.get_mut(slot).and_then(Option::as_mut) else {
            return;
        };
        match role {
            Role::Idle => stream.play = Play::Idle,
            Role::Loop => stream.play = Play::Loop,
            Role::Hear(_) => stream.play = Play::Hear,
            Role::RingBack | Role::Play(_) => self.play(id, slot, role),
        }
        self.set_beating(slot);
    }

    /// Says whom a stream hears. Who joins a mix fades in and who leaves it fades out.
    fn set_hears(&mut self, id: StreamId, slot: usize, whom: &[StreamId]) {
        let Some(stream) = self.relay.streams.get_mut(slot).and_then(Option::as_mut) else {
            return;
        };
        let mixes = stream.play == Play::Hear && stream.hears.len() > 1;
        let before = std::mem::take(&mut stream.hears);
        for voice in &before {
            if let Some(speaker) = self.relay.streams.get_mut(voice.slot).and_then(Option::as_mut)
                && speaker.id == voice.id
            {
                speaker.heard_by.retain(|listener| *listener != slot);
            }
        }
        let mut hears = Vec::with_capacity(whom.len());
        for &named in whom.iter().filter(|named| **named != id) {
            let known = before.iter().find(|voice| voice.id == named).map(|voice| voice.level);
            let level = known.unwrap_or(if mixes { 0 } else { FULL });
            let place = self.slots.get(&named).copied();
            match place {
                Some(place) => self.heard_at(place, slot),
                None => self.early.entry(named).or_default().push(id),
            }
            let place = place.unwrap_or(usize::MAX);
            hears.push(Voice { id: named, slot: place, level, wanted: FULL });
        }
        if mixes && !hears.is_empty() {
            let gone = before.iter().filter(|voice| !whom.contains(&voice.id) && voice.level > 0);
            for voice in gone {
                self.heard_at(voice.slot, slot);
                hears.push(Voice { wanted: 0, ..*voice });
            }
        }
        if let Some(Some(stream)) = self.relay.streams.get_mut(slot) {
            stream.hears = hears;
        }
    }

    fn heard_at(&mut self, place: usize, listener: usize) {
        let speaker = self.relay.streams.get_mut(place).and_then(Option::as_mut);
        if let Some(speaker) = speaker.filter(|speaker| !speaker.heard_by.contains(&listener)) {
            speaker.heard_by.push(listener);
        }
    }

    /// Lets a stream play something of its own, from the next beat on.
    fn play(&mut self, id: StreamId, slot: usize, role: &Role) {
        let Some(stream) = self.relay.streams.get_mut(slot).and_then(Option::as_mut) else {
            return;
        };
        let law = stream.codec().and_then(Law::of).unwrap_or(Law::A);
        let player = stream.player.get_or_insert_with(|| Box::new(Player::new()));
        stream.play = Play::Own;
        let tone = &self.relay.tone;
        if let Role::Play(programme) = role {
            if !player.play(programme, &self.prompts, tone, law) {
                self.relay.played.push(id);
            }
        } else {
            player.ring_back(tone, law);
        }
    }

    /// An ear is made when it is wanted, so that a packet never allocates one.
    fn listen(&mut self, id: StreamId, ears: Option<Ears>) {
        let Some((_, stream)) = self.find(id) else { return };
        stream.ear_decoder = None;
        match (&mut stream.ear, ears) {
            (ear, None) => *ear = None,
            (Some(ear), Some(ears)) if ear.ears() == ears => ear.rearm(),
            (ear, Some(ears)) => *ear = Some(Box::new(Hearing::new(ears))),
        }
    }
}

/// The token of the `n`th shared socket.
pub(super) const fn shared_token(n: usize) -> Token {
    Token(SHARED - n)
}

/// What a panic said.
fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".to_owned())
}

/// The calendar, read once: reports name both clocks (RFC 3550 §4).
#[allow(clippy::disallowed_methods, reason = "read once, at the start")]
fn wall() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}

#[allow(
    clippy::disallowed_methods,
    reason = "the media plane's own clock, read once a turn here and nowhere else"
)]
fn clock() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests;
