//! Where inputs wait for the switchboard, the urgent before the rest: the machine behind the inbox.
//! The policy is the table in [`crate::sip::urgency`]. No clock of its own, so that every story of
//! an overload can be told in a test.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;

use crate::sip::Flow;
use crate::sip::urgency::Lane;
use crate::switchboard::Input;
use crate::vocabulary::{Moment, limits};

const LANES: usize = Lane::ALL.len();

/// A transaction: its sender, and the hash of its branch.
pub(super) type Key = (SocketAddr, u64);

/// What became of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// It waits.
    Waits,
    /// It was here already: an INVITE that waits needs no second copy.
    Again,
    /// Its lane is over its mark.
    Over,
}

#[derive(Debug)]
struct Waiting {
    input: Input,
    since: Moment,
    key: Option<Key>,
    /// The CANCEL of a waiting INVITE: it must not overtake it.
    cancel: Option<Input>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    bytes: usize,
}

impl Queue {
    fn oldest(&self) -> Option<Moment> {
        self.waiting.front().map(|first| first.since)
    }

    fn push(&mut self, waiting: Waiting) {
        self.bytes += size(&waiting.input);
        self.waiting.push_back(waiting);
    }

    fn pop(&mut self) -> Option<Waiting> {
        let waiting = self.waiting.pop_front()?;
        self.bytes = self.bytes.saturating_sub(size(&waiting.input));
        // A flood's room is given back when it is over.
        if self.waiting.is_empty() && self.waiting.capacity() > limits::LANE {
            self.waiting = VecDeque::new();
        }
        Some(waiting)
    }
}

/// What was counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Waiting now.
    pub waiting: [usize; LANES],
    /// Turned away because the lane was over its mark.
    pub over: [u64; LANES],
    /// Waited until nobody waited for the answer.
    pub late: [u64; LANES],
    /// INVITEs that came again while they waited.
    pub again: u64,
}

/// The lanes.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    /// What media, journal, recorder and connections report: few, and always taken.
    reports: VecDeque<Input>,
    queues: [Queue; LANES],
    /// INVITEs that wait, by the number that each had when it came.
    invites: HashMap<Key, u64>,
    /// The number of the first INVITE that waits.
    first_call: u64,
    /// The CANCEL of the INVITE that was just taken.
    following: Option<Input>,
    turn: u64,
    /// The lower lane whose turn is next.
    next_lower: usize,
    counts: Counts,
}

impl Lanes {
    /// A report of the rim.
    pub(super) fn report(&mut self, input: Input) {
        self.reports.push_back(input);
    }

    /// Something that may have to wait. `key` is that of an INVITE in [`Lane::Calls`].
    pub(super) fn put(&mut self, now: Moment, lane: Lane, key: Option<Key>, input: Input) -> Put {
        if lane == Lane::Calls && key.is_some_and(|key| self.invites.contains_key(&key)) {
            self.counts.again += 1;
            return Put::Again;
        }
        let policy = lane.policy();
        let queue = self.queue(lane);
        let impatient = queue.oldest().is_some_and(|since| now.since(since) > policy.patience);
        let full = queue.waiting.len() >= policy.length
            || queue.bytes.saturating_add(size(&input)) > policy.bytes;
        if impatient || full {
            *count(&mut self.counts.over, lane) += 1;
            return Put::Over;
        }
        if let Some(key) = key.filter(|_| lane == Lane::Calls) {
            let number = self.first_call + self.queue(lane).waiting.len() as u64;
            self.invites.insert(key, number);
        }
        self.queue_mut(lane).push(Waiting { input, since: now, key, cancel: None });
        Put::Waits
    }

    /// A CANCEL whose INVITE waits here goes right behind it; any other is given back.
    pub(super) fn follow(&mut self, key: Key, cancel: Input) -> Result<(), Input> {
        let Some(number) = self.invites.get(&key) else { return Err(cancel) };
        let place = usize::try_from(number - self.first_call).unwrap_or(usize::MAX);
        match self.queue_mut(Lane::Calls).waiting.get_mut(place) {
            Some(waiting) => {
                waiting.cancel = Some(cancel);
                Ok(())
            }
            None => Err(cancel),
        }
    }

    /// A connection is gone: what it asked outside of calls is asked by nobody.
    pub(super) fn disconnected(&mut self, flow: &Flow) {
        let stays = |waiting: &Waiting| !matches!(&waiting.input, Input::Sip { flow: from, .. } if from == flow);
        for lane in Lane::ALL.into_iter().skip(FIRST_LOWER) {
            let queue = self.queue_mut(lane);
            queue.waiting.retain(stays);
            queue.bytes = queue.waiting.iter().map(|waiting| size(&waiting.input)).sum();
        }
    }

    /// The next input.
    pub(super) fn take(&mut self, now: Moment) -> Option<Input> {
        if let Some(input) = self.reports.pop_front().or_else(|| self.following.take()) {
            return Some(input);
        }
        self.turn = self.turn.wrapping_add(1);
        let behind = self.is_behind(now, &[Lane::InProgress, Lane::Calls], limits::BEHIND);
        if !behind && self.turn.is_multiple_of(limits::LOWER_SHARE) {
            if let Some(input) = self.lower(now, |_| true) {
                return Some(input);
            }
        } else if behind && self.turn.is_multiple_of(limits::REGISTER_SHARE) {
            let register = |lane| matches!(lane, Lane::Newcomers | Lane::Refreshes);
            if let Some(input) = self.lower(now, register) {
                return Some(input);
            }
        }
        if let Some(waiting) = self.queue_mut(Lane::InProgress).pop() {
            return Some(waiting.input);
        }
        self.call(now).or_else(|| self.lower(now, |_| true))
    }

    fn call(&mut self, now: Moment) -> Option<Input> {
        while let Some(waiting) = self.queue_mut(Lane::Calls).pop() {
            self.first_call += 1;
            if let Some(key) = waiting.key {
                self.invites.remove(&key);
            }
            if now.since(waiting.since) < limits::REQUEST_LIFE {
                self.following = waiting.cancel;
                return Some(waiting.input);
            }
            *count(&mut self.counts.late, Lane::Calls) += 1;
        }
        if self.invites.capacity() > limits::LANE {
            self.invites = HashMap::new();
        }
        None
    }

    /// The lower lanes one after the other: a storm in one of them does not starve the others.
    fn lower(&mut self, now: Moment, wanted: impl Fn(Lane) -> bool) -> Option<Input> {
        let lower = LANES - FIRST_LOWER;
        for step in 0..lower {
            let place = (self.next_lower + step) % lower;
            let Some(lane) = Lane::ALL.get(FIRST_LOWER + place).copied().filter(|l| wanted(*l))
            else {
                continue;
            };
            while let Some(waiting) = self.queue_mut(lane).pop() {
                if now.since(waiting.since) < limits::REQUEST_LIFE {
                    self.next_lower = (place + 1) % lower;
                    return Some(waiting.input);
                }
                *count(&mut self.counts.late, lane) += 1;
            }
        }
        None
    }

    /// Whether the oldest of any of these lanes has waited for `mark`.
    pub(super) fn is_behind(&self, now: Moment, lanes: &[Lane], mark: std::time::Duration) -> bool {
        let oldest = lanes.iter().filter_map(|lane| self.queue(*lane).oldest()).min();
        oldest.is_some_and(|since| now.since(since) >= mark)
    }

    /// What was counted.
    pub(super) fn counts(&self) -> Counts {
        Counts { waiting: Lane::ALL.map(|lane| self.queue(lane).waiting.len()), ..self.counts }
    }

    // A lane is an index into arrays that have a place for each.

    #[allow(clippy::indexing_slicing, reason = "one place for each lane")]
    const fn queue(&self, lane: Lane) -> &Queue {
        &self.queues[lane as usize]
    }

    #[allow(clippy::indexing_slicing, reason = "one place for each lane")]
    const fn queue_mut(&mut self, lane: Lane) -> &mut Queue {
        &mut self.queues[lane as usize]
    }
}

/// The lanes from here on are the lower ones.
const FIRST_LOWER: usize = Lane::Newcomers as usize;

#[allow(clippy::indexing_slicing, reason = "one place for each lane")]
const fn count(counts: &mut [u64; LANES], lane: Lane) -> &mut u64 {
    &mut counts[lane as usize]
}

/// Bytes that an input keeps.
fn size(input: &Input) -> usize {
    match input {
        Input::Sip { bytes, .. } => bytes.len() + size_of::<Waiting>(),
        _ => size_of::<Waiting>(),
    }
}

#[cfg(test)]
mod tests;
