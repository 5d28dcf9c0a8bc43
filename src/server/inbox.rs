//! The switchboard's one door. Every reader of a socket puts its datagrams in here; they wait in
//! lanes by urgency ([`crate::sip::urgency`]), each bounded, so that a flood costs no memory and no
//! call in progress. Reports of the rim are few and always taken, so that no media or journal thread
//! ever waits here.
//!
//! What strangers send is mostly dropped here, before it is parsed. What a full lane turns away is
//! answered 503 here, at a bounded rate; the switchboard's thread sends it with its own outputs.

use std::collections::VecDeque;
use std::hash::RandomState;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::clock::Clock;
use super::known_sources::KnownSources;
use super::lanes::{Counts, Lanes, Put};
use super::strangers::{Bucket, Strangers};
use crate::sip::unavailable::unavailable;
use crate::sip::urgency::{Glance, Lane, Standing, Urgency, glance, is_keep_alive};
use crate::sip::{Flow, Send};
use crate::switchboard::Input;
use crate::switchboard::settings::SwitchboardSettings;
use crate::telemetry::metrics::Overload;
use crate::vocabulary::{Moment, limits};

/// The writing half.
#[derive(Clone, Debug)]
pub struct InboxSender {
    door: Arc<Door>,
}

/// The reading half.
#[derive(Debug)]
pub struct Inbox {
    shared: Arc<Shared>,
}

/// What all writers share; the last one closes it.
#[derive(Debug)]
struct Door(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    clock: Clock,
    known: KnownSources,
    hasher: RandomState,
    state: Mutex<State>,
    arrived: Condvar,
    unknown: AtomicU64,
    malformed: AtomicU64,
}

#[derive(Debug)]
struct State {
    lanes: Lanes,
    strangers: Strangers,
    /// 503s that wait to be sent.
    refusals: VecDeque<Send>,
    /// How many may be written: to lower lanes, to calls.
    budgets: [Bucket; 2],
    /// Spreads Retry-After.
    refused: u32,
    /// Nobody writes, nobody reads any more.
    no_writer: bool,
    no_reader: bool,
}

/// What the lanes and the door have counted since the start.
#[derive(Clone, Copy, Debug, Default)]
pub struct InboxCounts {
    pub(super) lanes: Counts,
    /// Messages of unknown sources that were dropped.
    pub(super) unknown: u64,
    /// Datagrams that were no SIP.
    pub(super) malformed: u64,
}

impl InboxCounts {
    /// New calls of trunks that were refused, and those that waited until nobody waited for them.
    pub(super) fn lost_calls(&self) -> (u64, u64) {
        let of = |counts: &[u64]| counts.get(Lane::Calls as usize).copied().unwrap_or_default();
        (of(&self.lanes.over), of(&self.lanes.late))
    }

    /// The same for the metrics.
    pub(super) fn figures(&self) -> Overload {
        let lanes = Lane::ALL.into_iter().zip(self.lanes.waiting);
        let lanes = lanes.zip(self.lanes.over.into_iter().zip(self.lanes.late));
        let row = |((lane, waiting), (over, late)): ((Lane, _), _)| {
            (lane.policy().word, waiting, over, late)
        };
        Overload { lanes: lanes.map(row).collect(), repeated: self.lanes.again }
    }

    /// Everything of known sources that was turned away.
    pub(super) fn turned_away(&self) -> u64 {
        let newcomers = self.lanes.over.get(Lane::Newcomers as usize).copied().unwrap_or_default();
        self.lanes.over.iter().chain(&self.lanes.late).sum::<u64>() - newcomers
    }
}

/// Makes the door.
#[must_use]
pub fn inbox(clock: Clock, settings: &SwitchboardSettings) -> (InboxSender, Inbox) {
    let shared = Arc::new(Shared {
        clock,
        known: KnownSources::new(settings),
        hasher: RandomState::new(),
        state: Mutex::new(State {
            lanes: Lanes::default(),
            strangers: Strangers::new(),
            refusals: VecDeque::new(),
            budgets: [limits::REFUSALS, limits::CALL_REFUSALS].map(|rate| Bucket::new(rate, rate)),
            refused: 0,
            no_writer: false,
            no_reader: false,
        }),
        arrived: Condvar::new(),
        unknown: AtomicU64::new(0),
        malformed: AtomicU64::new(0),
    });
    (InboxSender { door: Arc::new(Door(Arc::clone(&shared))) }, Inbox { shared })
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One datagram: seen at a glance, weighed, and put into its lane.
    fn datagram(&self, now: Moment, flow: Flow, bytes: &Bytes) {
        let seen = glance(bytes, &self.hasher);
        if seen.urgency == Urgency::Junk {
            if !is_keep_alive(bytes) {
                self.malformed.fetch_add(1, Ordering::Relaxed);
            }
            return;
        }
        let standing = self.known.standing(now, &flow);
        let Some(lane) = Lane::of(seen.urgency, standing) else {
            self.unknown.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let mut state = self.state();
        if standing == Standing::Unknown && !state.strangers.admit(now, flow.remote.ip()) {
            self.unknown.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let refuse = state.put(now, lane, flow, &seen, bytes);
        drop(state);
        self.arrived.notify_one();
        if let Some(retry_after) = refuse
            && let Some(send) = unavailable(flow, bytes, retry_after)
        {
            self.state().refusals.push_back(send);
        }
    }
}

impl State {
    /// Puts a datagram into its lane. Says after how many seconds its sender may come again when it
    /// is to be refused.
    fn put(
        &mut self,
        now: Moment,
        lane: Lane,
        flow: Flow,
        seen: &Glance,
        bytes: &Bytes,
    ) -> Option<u32> {
        let key = seen.branch.map(|branch| (flow.remote, branch));
        let mut input = Input::Sip { flow, bytes: bytes.clone() };
        if let Some(key) = key.filter(|_| seen.cancel) {
            input = self.lanes.follow(key, input).err()?;
        }
        if self.lanes.put(now, lane, key, input) != Put::Over {
            return None;
        }
        // Nothing in progress is refused, and a stranger may have forged its source.
        let budget = match lane {
            Lane::InProgress | Lane::Newcomers => return None,
            Lane::Calls => 1,
            _ => 0,
        };
        let budget = self.budgets.get_mut(budget)?;
        if self.refusals.len() >= limits::LANE || !budget.take(now) {
            return None;
        }
        self.refused = self.refused.wrapping_add(7);
        let (from, to) = limits::RETRY_AFTER;
        Some(from + self.refused % (to - from + 1))
    }
}

impl InboxSender {
    /// A datagram or a message of a connection.
    pub fn datagram(&self, input: Input) {
        self.put(input);
    }

    /// Anything. False when it was not taken: an order when the switchboard is too far behind, a
    /// report only when the switchboard is gone.
    pub fn put(&self, input: Input) -> bool {
        let shared = &self.door.0;
        let now = shared.clock.now().moment;
        match input {
            Input::Sip { flow, bytes } => {
                shared.datagram(now, flow, &bytes);
                return true;
            }
            Input::Order { .. } => {
                let put = shared.state().lanes.put(now, Lane::Web, None, input);
                shared.arrived.notify_one();
                return put == Put::Waits;
            }
            Input::Connected { flow, ref names } => shared.known.connected(flow, names),
            Input::Disconnected { flow } => {
                shared.known.disconnected(&flow);
                shared.state().lanes.disconnected(&flow);
            }
            Input::Located { ref trunk, ref hops, .. } => shared.known.located(trunk, hops),
            Input::Adopt { ref settings, .. } => shared.known.adopt(settings),
            _ => {}
        }
        let mut state = shared.state();
        state.lanes.report(input);
        let taken = !state.no_reader;
        drop(state);
        shared.arrived.notify_one();
        taken
    }

    /// Whether the switchboard is so far behind that the web is turned away.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        let shared = &self.door.0;
        let now = shared.clock.now().moment;
        let lanes = [Lane::InProgress, Lane::Calls, Lane::Web];
        shared.state().lanes.is_behind(now, &lanes, limits::WEB_BEHIND)
    }

    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> InboxCounts {
        self.door.0.counts()
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.0.state().no_writer = true;
        self.0.arrived.notify_one();
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.shared.state().no_reader = true;
    }
}

impl Shared {
    fn counts(&self) -> InboxCounts {
        InboxCounts {
            lanes: self.state().lanes.counts(),
            unknown: self.unknown.load(Ordering::Relaxed),
            malformed: self.malformed.load(Ordering::Relaxed),
        }
    }
}

impl Inbox {
    /// The next input, or none when `wait` is over. An error when every sender is gone.
    ///
    /// # Errors
    /// [`RecvTimeoutError::Disconnected`] only.
    pub fn next(&self, wait: Duration) -> Result<Option<Input>, RecvTimeoutError> {
        let mut state = self.shared.state();
        let mut waited = false;
        loop {
            if let Some(input) = state.lanes.take(self.shared.clock.now().moment) {
                return Ok(Some(input));
            }
            if state.no_writer {
                return Err(RecvTimeoutError::Disconnected);
            }
            // What only has a refusal to send wakes up too.
            if waited || !state.refusals.is_empty() {
                return Ok(None);
            }
            let woken = self.shared.arrived.wait_timeout(state, wait);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
            waited = true;
        }
    }

    /// The next input that is already there.
    #[must_use]
    pub fn ready(&self) -> Option<Input> {
        self.shared.state().lanes.take(self.shared.clock.now().moment)
    }

    /// The 503s that were written since the last time.
    #[must_use]
    pub fn refusals(&self) -> VecDeque<Send> {
        std::mem::take(&mut self.shared.state().refusals)
    }

    /// Learns from what is sent who is known.
    pub fn we_send(&self, now: Moment, send: &Send) {
        self.shared.known.we_send(now, send);
    }

    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> InboxCounts {
        self.shared.counts()
    }
}

#[cfg(test)]
mod tests;
