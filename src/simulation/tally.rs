//! What is counted: waits by kind and lane, who was lost, how busy the seats were.

use std::collections::BTreeMap;
use std::time::Duration;

use super::callers::Kind;
use crate::vocabulary::Lane;

/// Who leaves sooner could not have been answered.
const AT_ONCE: Duration = Duration::from_secs(3);

/// The waits of one group of calls.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Waits {
    /// Calls, each attempt for itself.
    pub offered: usize,
    /// Callers who lost patience.
    pub left: usize,
    /// Of these: within the first three seconds, before anybody could answer.
    pub left_at_once: usize,
    /// Callers who hung up when they were asked for a sign.
    pub left_when_asked: usize,
    /// Seconds from the call to the answer of those who were answered.
    answered: Vec<f64>,
    sorted: bool,
}

impl Waits {
    fn answer(&mut self, wait: Duration) {
        self.answered.push(wait.as_secs_f64());
        self.sorted = false;
    }

    fn add(&mut self, other: &Self) {
        self.offered += other.offered;
        self.left += other.left;
        self.left_at_once += other.left_at_once;
        self.left_when_asked += other.left_when_asked;
        self.answered.extend(&other.answered);
        self.sorted = false;
    }

    /// Puts the waits in order, for [`Waits::percentile`].
    fn sort(&mut self) {
        self.answered.sort_by(f64::total_cmp);
        self.sorted = true;
    }

    /// How many were answered.
    #[must_use]
    pub fn answered(&self) -> usize {
        self.answered.len()
    }

    /// Mean wait of those who were answered, seconds; 0 when nobody was.
    #[must_use]
    pub fn mean(&self) -> f64 {
        // Not sum(): that of nobody is -0.0.
        self.answered.iter().fold(0.0, |all, wait| all + wait) / (self.answered.len().max(1) as f64)
    }

    /// The wait that so many percent of the answered did not exceed, seconds; 0 when nobody was.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> f64 {
        debug_assert!(self.sorted || self.answered.is_empty(), "only a finished tally is read");
        let place = (self.answered.len() * percent).div_ceil(100);
        self.answered.get(place.saturating_sub(1)).copied().unwrap_or_default()
    }

    /// The longest wait, seconds; 0 when nobody was answered.
    #[must_use]
    pub fn worst(&self) -> f64 {
        self.answered.iter().copied().fold(0.0, f64::max)
    }

    /// Answered within so many seconds, as a share of all but those who left within three or hung
    /// up when asked.
    #[must_use]
    pub fn within(&self, seconds: f64) -> f64 {
        let fast = self.answered.iter().filter(|wait| **wait <= seconds).count();
        let could = self.offered - self.left_when_asked - self.left_at_once;
        fast as f64 / (could.max(1) as f64)
    }

    /// Share of the answered who waited at all.
    #[must_use]
    pub fn waited(&self) -> f64 {
        let waited = self.answered.iter().filter(|wait| **wait > 0.0).count();
        waited as f64 / (self.answered.len().max(1) as f64)
    }
}

/// What came of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    kinds: BTreeMap<(Kind, Lane), Waits>,
    /// Real callers whom nobody ever answered, however often they rang.
    pub never_reached: usize,
    /// Seconds that seats talked or wrote.
    pub busy: f64,
    /// Seconds that seats were there.
    pub staffed: f64,
}

impl Tally {
    pub(super) fn answered(&mut self, kind: Kind, lane: Lane, wait: Duration) {
        let group = self.kinds.entry((kind, lane)).or_default();
        group.offered += 1;
        group.answer(wait);
    }

    pub(super) fn left(&mut self, kind: Kind, lane: Lane, waited: Duration) {
        let group = self.kinds.entry((kind, lane)).or_default();
        group.offered += 1;
        group.left += 1;
        group.left_at_once += usize::from(waited < AT_ONCE);
    }

    pub(super) fn left_when_asked(&mut self, kind: Kind, lane: Lane) {
        let group = self.kinds.entry((kind, lane)).or_default();
        group.offered += 1;
        group.left_when_asked += 1;
    }

    /// The calls that `which` is true for.
    #[must_use]
    pub fn of(&self, which: impl Fn(Kind, Lane) -> bool) -> Waits {
        let mut all = Waits::default();
        let groups = self.kinds.iter().filter(|((kind, lane), _)| which(*kind, *lane));
        groups.for_each(|(_, group)| all.add(group));
        all.sort();
        all
    }

    /// Everybody.
    #[must_use]
    pub fn all(&self) -> Waits {
        self.of(|_, _| true)
    }

    /// Those who are in need, whether they can speak or not.
    #[must_use]
    pub fn real(&self) -> Waits {
        self.of(|kind, _| kind.is_real())
    }

    /// Those in the lane of marked numbers or of silence.
    #[must_use]
    pub fn flagged(&self) -> Waits {
        self.of(|_, lane| lane != Lane::Usual)
    }

    /// Talk and wrap-up as a share of the time that seats were there.
    #[must_use]
    pub fn occupancy(&self) -> f64 {
        if self.staffed > 0.0 { self.busy / self.staffed } else { 0.0 }
    }
}
