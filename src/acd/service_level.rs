//! How well calls were answered: the figures that a centre is measured by, counted once and in one
//! way for the live board, the metrics and every report.
//!
//! It counts what it is told and never looks at a call, a clock or a database.
//!
//! **The clock starts when the INVITE is received**, not when a seat rings, and stops when a person
//! answers, or when the caller leaves. A recorded voice is no answer.
//!
//! | figure | of |
//! |---|---|
//! | offered | every INVITE of a carrier for the queues, whatever became of it; test calls stand apart |
//! | answered, abandoned, lost | a person answered; the caller or the network left before; we ended it before |
//! | waiting | offered and none of these yet: it counts in no share |
//! | share of all | decided calls: answered, abandoned and lost |
//! | share without the short | decided calls without those abandoned under 3 s: pocket dials and second thoughts |
//!
//! Both shares are published side by side; a short abandon is never dropped in silence. Numbers and
//! means are exact. Answer times are kept in steps of 100 ms up to 10 minutes: a percentile is never
//! too low and at most 100 ms too high, and so is the mean of the slowest tenth within 100 ms; what
//! took longer than 10 minutes counts as the longest time seen.

use std::collections::BTreeMap;

/// Width of a step of answer times, in milliseconds.
const STEP_MS: u64 = 100;
/// Steps kept: 10 minutes.
const STEPS: u64 = 6_000;
/// Slices counted apart at most: hours of a year and more. What comes after counts in the whole only.
pub const SLICES: usize = 10_000;
/// The share that the EU's mark of 10 s is held to here; the EU publishes the share and sets none.
pub const EU_SHARE: f64 = 0.90;
/// NENA-STA-020.1-2020: 90 % within 15 s and 95 % within 20 s.
pub const NENA_SHARES: (f64, f64) = (0.90, 0.95);

/// How long a caller waited who left before an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Patience {
    /// Less than 3 s: shown apart, because many of these meant no call.
    Short,
    /// From 3 s to less than 10 s.
    Under10,
    /// From 10 s to less than 30 s.
    Under30,
    /// 30 s and more.
    Long,
}

impl Patience {
    /// All of them, the shortest first.
    pub const ALL: [Self; 4] = [Self::Short, Self::Under10, Self::Under30, Self::Long];

    /// Of a caller who left so many milliseconds after the INVITE.
    #[must_use]
    pub const fn of(after_ms: u64) -> Self {
        match after_ms {
            0..3_000 => Self::Short,
            3_000..10_000 => Self::Under10,
            10_000..30_000 => Self::Under30,
            30_000.. => Self::Long,
        }
    }

    /// The word used in metrics: seconds.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Short => "under-3",
            Self::Under10 => "3-10",
            Self::Under30 => "10-30",
            Self::Long => "over-30",
        }
    }
}

/// The times within which a call should be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// 10 s, the EU's.
    Ten,
    /// 15 s, the first of NENA's.
    Fifteen,
    /// 20 s, the second of NENA's.
    Twenty,
}

impl Target {
    /// All of them, the shortest first.
    pub const ALL: [Self; 3] = [Self::Ten, Self::Fifteen, Self::Twenty];

    /// Whether an answer so many milliseconds after the INVITE was in time; the last one is.
    #[must_use]
    pub const fn is_met(self, after_ms: u64) -> bool {
        after_ms
            <= match self {
                Self::Ten => 10_000,
                Self::Fifteen => 15_000,
                Self::Twenty => 20_000,
            }
    }

    /// The word used in metrics: seconds.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ten => "10",
            Self::Fifteen => "15",
            Self::Twenty => "20",
        }
    }
}

/// What is counted. Milliseconds count from the INVITE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A call came for the queues.
    Offered,
    /// A person answered it.
    Answered {
        /// So long after its INVITE.
        after_ms: u64,
    },
    /// The caller, or the network, left before that.
    Abandoned {
        /// So long after its INVITE.
        after_ms: u64,
    },
    /// The gateway ended it before that: a restart, a fault, draining.
    Lost,
    /// Somebody talked to a caller.
    Talked {
        /// For so long.
        ms: u64,
    },
    /// A seat was signed in, for part of the time left alone after a talk.
    Staffed {
        /// For so long, pauses included.
        signed_in_ms: u64,
        /// Of it, wrap-up.
        wrap_up_ms: u64,
    },
    /// A test call, which never enters a queue.
    Tested,
}

/// Figures of many slices (queues, trunks, hours, operators) and of the whole.
#[derive(Clone, Debug)]
pub struct Standards<K> {
    whole: ServiceLevel,
    slices: BTreeMap<K, ServiceLevel>,
}

impl<K> Default for Standards<K> {
    fn default() -> Self {
        Self { whole: ServiceLevel::default(), slices: BTreeMap::new() }
    }
}

impl<K: Ord> Standards<K> {
    /// Counts an event in its slice and in the whole.
    pub fn tell(&mut self, slice: K, event: Event) {
        self.whole.tell(event);
        if let Some(known) = self.slices.get_mut(&slice) {
            known.tell(event);
        } else if self.slices.len() < SLICES {
            self.slices.entry(slice).or_default().tell(event);
        }
    }

    /// Counts an event that belongs to no slice.
    pub fn tell_whole(&mut self, event: Event) {
        self.whole.tell(event);
    }

    /// Everything together.
    #[must_use]
    pub const fn whole(&self) -> &ServiceLevel {
        &self.whole
    }

    /// Each slice in the order of its key.
    pub fn slices(&self) -> impl Iterator<Item = (&K, &ServiceLevel)> {
        self.slices.iter()
    }
}

/// The figures of one slice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceLevel {
    offered: u64,
    lost: u64,
    tests: u64,
    /// By [`Patience`].
    abandoned: [u64; 4],
    answers: AnswerTimes,
    talk_ms: u64,
    wrap_up_ms: u64,
    signed_in_ms: u64,
}

/// Whether the marks are met, by the share of the calls without the short abandons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// [`EU_SHARE`] within 10 s.
    pub eu: bool,
    /// [`NENA_SHARES`] within 15 s and 20 s.
    pub nena: bool,
}

impl ServiceLevel {
    /// Counts an event.
    pub fn tell(&mut self, event: Event) {
        match event {
            Event::Offered => self.offered += 1,
            Event::Answered { after_ms } => self.answers.add(after_ms),
            Event::Abandoned { after_ms } => {
                if let Some(count) = self.abandoned.get_mut(Patience::of(after_ms) as usize) {
                    *count += 1;
                }
            }
            Event::Lost => self.lost += 1,
            Event::Talked { ms } => self.talk_ms = self.talk_ms.saturating_add(ms),
            Event::Staffed { signed_in_ms, wrap_up_ms } => {
                self.signed_in_ms = self.signed_in_ms.saturating_add(signed_in_ms);
                self.wrap_up_ms = self.wrap_up_ms.saturating_add(wrap_up_ms);
            }
            Event::Tested => self.tests += 1,
        }
    }

    /// Calls that came.
    #[must_use]
    pub const fn offered(&self) -> u64 {
        self.offered
    }

    /// Calls that a person answered.
    #[must_use]
    pub const fn answered(&self) -> u64 {
        self.answers.count
    }

    /// Callers who left before an answer, the short ones included.
    #[must_use]
    pub fn abandoned(&self) -> u64 {
        self.abandoned.iter().sum()
    }

    /// Callers who left after so long.
    #[must_use]
    pub fn abandoned_after(&self, patience: Patience) -> u64 {
        self.abandoned.get(patience as usize).copied().unwrap_or_default()
    }

    /// Calls that the gateway ended before an answer.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// Calls of which nothing is decided yet.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.offered.saturating_sub(self.decided())
    }

    /// Test calls.
    #[must_use]
    pub const fn tests(&self) -> u64 {
        self.tests
    }

    /// Share of all decided calls that was answered in time; none without a call.
    #[must_use]
    pub fn within_of_all(&self, target: Target) -> Option<f64> {
        share(self.answers.within(target), self.decided())
    }

    /// The same share, of the decided calls without those abandoned under 3 s.
    #[must_use]
    pub fn within(&self, target: Target) -> Option<f64> {
        let short = self.abandoned_after(Patience::Short);
        share(self.answers.within(target), self.decided().saturating_sub(short))
    }

    /// Share of all decided calls whose callers left before an answer.
    #[must_use]
    pub fn abandoned_share(&self) -> Option<f64> {
        share(self.abandoned(), self.decided())
    }

    /// Mean milliseconds to the answer.
    #[must_use]
    pub fn mean_ms(&self) -> Option<u64> {
        self.answers.sum_ms.checked_div(self.answers.count)
    }

    /// So many per cent of the answers took no longer than this many milliseconds (nearest rank).
    #[must_use]
    pub fn percentile_ms(&self, percent: u64) -> Option<u64> {
        self.answers.percentile(percent)
    }

    /// Mean milliseconds of the slowest tenth of the answers, of one answer at least.
    #[must_use]
    pub fn slowest_tenth_ms(&self) -> Option<u64> {
        self.answers.slowest_tenth()
    }

    /// Milliseconds of talk.
    #[must_use]
    pub const fn talk_ms(&self) -> u64 {
        self.talk_ms
    }

    /// Milliseconds that seats were signed in.
    #[must_use]
    pub const fn signed_in_ms(&self) -> u64 {
        self.signed_in_ms
    }

    /// Share of the signed-in time that was talk or wrap-up, 1 at most: a talk outlives the
    /// registration of its phone. None when nobody was signed in.
    #[must_use]
    pub fn occupancy(&self) -> Option<f64> {
        share(
            self.talk_ms.saturating_add(self.wrap_up_ms).min(self.signed_in_ms),
            self.signed_in_ms,
        )
    }

    /// Whether the marks are met; none without a decided call.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        let (ten, fifteen) = (self.within(Target::Ten)?, self.within(Target::Fifteen)?);
        let twenty = self.within(Target::Twenty)?;
        let (share_15, share_20) = NENA_SHARES;
        Some(Verdict { eu: ten >= EU_SHARE, nena: fifteen >= share_15 && twenty >= share_20 })
    }

    fn decided(&self) -> u64 {
        self.answered() + self.abandoned() + self.lost
    }
}

fn share(part: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| part as f64 / of as f64)
}

/// Answer times: exact in number and sum, in steps for the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct AnswerTimes {
    count: u64,
    sum_ms: u64,
    /// Those in time, by [`Target`]: a time between two steps must not decide a verdict.
    in_time: [u64; 3],
    steps: BTreeMap<u64, Step>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Step {
    count: u64,
    sum_ms: u64,
    most_ms: u64,
}

impl AnswerTimes {
    fn add(&mut self, ms: u64) {
        self.count += 1;
        self.sum_ms = self.sum_ms.saturating_add(ms);
        for (count, target) in self.in_time.iter_mut().zip(Target::ALL) {
            *count += u64::from(target.is_met(ms));
        }
        let step = self.steps.entry((ms / STEP_MS).min(STEPS)).or_default();
        step.count += 1;
        step.sum_ms = step.sum_ms.saturating_add(ms);
        step.most_ms = step.most_ms.max(ms);
    }

    fn within(&self, target: Target) -> u64 {
        self.in_time.get(target as usize).copied().unwrap_or_default()
    }

    fn percentile(&self, percent: u64) -> Option<u64> {
        let rank = (self.count * percent.min(100)).div_ceil(100).max(1);
        let mut seen = 0;
        let mut reached = self.steps.values().skip_while(|step| {
            seen += step.count;
            seen < rank
        });
        reached.next().map(|step| step.most_ms)
    }

    fn slowest_tenth(&self) -> Option<u64> {
        let wanted = self.count.div_ceil(10);
        let (mut left, mut sum) = (wanted, 0u64);
        for step in self.steps.values().rev() {
            let taken = step.count.min(left);
            left -= taken;
            // Of the step that is cut, its mean stands for those that are taken.
            let part =
                if taken == step.count { step.sum_ms } else { step.sum_ms / step.count * taken };
            sum = sum.saturating_add(part);
            if left == 0 {
                break;
            }
        }
        sum.checked_div(wanted)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(events: &[Event]) -> ServiceLevel {
        let mut level = ServiceLevel::default();
        events.iter().for_each(|event| level.tell(*event));
        level
    }

    #[test]
    fn the_marks_are_inclusive_and_the_short_stand_apart() {
        let mut level = ServiceLevel::default();
        for ms in [9_999, 10_000, 10_001, 15_000, 15_001, 20_000, 20_001, 700_000] {
            level.tell(Event::Offered);
            level.tell(Event::Answered { after_ms: ms });
        }
        for ms in [0, 2_999, 3_000, 9_999, 10_000, 29_999, 30_000, 90_000] {
            level.tell(Event::Offered);
            level.tell(Event::Abandoned { after_ms: ms });
        }
        level.tell(Event::Offered);
        level.tell(Event::Lost);
        level.tell(Event::Offered);
        level.tell(Event::Tested);
        assert_eq!((level.offered(), level.answered(), level.abandoned()), (18, 8, 8));
        assert_eq!((level.lost(), level.waiting(), level.tests()), (1, 1, 1));
        assert_eq!(Patience::ALL.map(|patience| level.abandoned_after(patience)), [2, 2, 2, 2]);
        assert_eq!(level.within_of_all(Target::Ten), Some(2.0 / 17.0));
        assert_eq!(level.within(Target::Ten), Some(2.0 / 15.0));
        assert_eq!(level.within(Target::Fifteen), Some(4.0 / 15.0));
        assert_eq!(level.within(Target::Twenty), Some(6.0 / 15.0));
        assert_eq!(level.abandoned_share(), Some(8.0 / 17.0));
        assert_eq!(level.slowest_tenth_ms(), Some(700_000));
        assert_eq!(level.percentile_ms(100), Some(700_000));
    }

    #[test]
    fn nothing_has_no_figures() {
        let level = told(&[Event::Tested, Event::Offered]);
        assert_eq!(
            (level.within(Target::Ten), level.within_of_all(Target::Ten), level.mean_ms()),
            (None, None, None)
        );
        assert_eq!((level.percentile_ms(90), level.slowest_tenth_ms()), (None, None));
        assert_eq!((level.occupancy(), level.verdict()), (None, None));
        let only_short = told(&[Event::Offered, Event::Abandoned { after_ms: 1 }]);
        assert_eq!(
            (only_short.within(Target::Ten), only_short.within_of_all(Target::Ten)),
            (None, Some(0.0))
        );
    }

    #[test]
    fn verdicts_need_ninety_within_15_and_ninety_five_within_20() {
        let answers = |quick: usize, slow: usize, slower: usize| {
            let mut events = vec![Event::Answered { after_ms: 10_000 }; quick];
            events.extend(vec![Event::Answered { after_ms: 20_000 }; slow]);
            events.extend(vec![Event::Answered { after_ms: 20_001 }; slower]);
            told(&events).verdict().expect("calls")
        };
        assert_eq!(answers(90, 5, 5), Verdict { eu: true, nena: true });
        assert_eq!(answers(90, 4, 6), Verdict { eu: true, nena: false });
        assert_eq!(answers(89, 11, 0), Verdict { eu: false, nena: false });
    }

    #[test]
    fn occupancy_is_talk_and_wrap_up_of_the_time_signed_in() {
        let staffed = Event::Staffed { signed_in_ms: 10_000, wrap_up_ms: 1_000 };
        let level = told(&[staffed, Event::Talked { ms: 4_000 }]);
        assert_eq!(level.occupancy(), Some(0.5));
        assert_eq!(told(&[staffed, Event::Talked { ms: 40_000 }]).occupancy(), Some(1.0));
    }

    #[test]
    fn slices_are_bounded_and_the_whole_is_not() {
        let mut standards = Standards::default();
        for slice in 0..SLICES + 5 {
            standards.tell(slice, Event::Offered);
        }
        standards.tell(0, Event::Offered);
        assert_eq!(standards.slices().count(), SLICES);
        assert_eq!(standards.whole().offered(), SLICES as u64 + 6);
    }

    fn event() -> impl Strategy<Value = Event> {
        let ms = prop_oneof![0..40_000u64, 0..900_000u64];
        prop_oneof![
            4 => ms.clone().prop_map(|after_ms| Event::Answered { after_ms }),
            2 => ms.clone().prop_map(|after_ms| Event::Abandoned { after_ms }),
            1 => Just(Event::Lost),
            1 => Just(Event::Tested),
            1 => ms.prop_map(|ms| Event::Talked { ms }),
        ]
    }

    /// The figures as one would count them by hand over the whole list.
    struct Recount {
        answers: Vec<u64>,
        abandons: Vec<u64>,
        lost: usize,
    }

    impl Recount {
        fn of(events: &[Event]) -> Self {
            let mut recount = Self { answers: Vec::new(), abandons: Vec::new(), lost: 0 };
            for event in events {
                match event {
                    Event::Answered { after_ms } => recount.answers.push(*after_ms),
                    Event::Abandoned { after_ms } => recount.abandons.push(*after_ms),
                    Event::Lost => recount.lost += 1,
                    _ => {}
                }
            }
            recount.answers.sort_unstable();
            recount
        }

        fn within(&self, ms: u64, short_too: bool) -> Option<f64> {
            let abandons = self.abandons.iter().filter(|ms| short_too || **ms >= 3_000).count();
            let of = self.answers.len() + abandons + self.lost;
            let part = self.answers.iter().filter(|answer| **answer <= ms).count();
            (of > 0).then(|| part as f64 / of as f64)
        }

        fn percentile(&self, percent: usize) -> Option<u64> {
            let rank = (self.answers.len() * percent).div_ceil(100).max(1);
            self.answers.get(rank - 1).copied()
        }
    }

    proptest! {
        #[test]
        fn the_figures_are_those_of_a_recount_by_hand(
            events in prop::collection::vec((0u8..3, event()), 0..300)
        ) {
            let mut standards = Standards::default();
            for (slice, event) in &events {
                standards.tell(*slice, *event);
            }
            for slice in [None, Some(0u8), Some(1), Some(2)] {
                let mine: Vec<Event> = events.iter()
                    .filter(|(of, _)| slice.is_none_or(|slice| slice == *of))
                    .map(|(_, event)| *event)
                    .collect();
                let recount = Recount::of(&mine);
                let nothing = ServiceLevel::default();
                let level = slice.map_or(standards.whole(), |slice| {
                    standards.slices().find(|(s, _)| **s == slice).map_or(&nothing, |(_, l)| l)
                });
                for (target, ms) in Target::ALL.into_iter().zip([10_000, 15_000, 20_000]) {
                    prop_assert_eq!(level.within(target), recount.within(ms, false));
                    prop_assert_eq!(level.within_of_all(target), recount.within(ms, true));
                }
                let answers = recount.answers.len() as u64;
                let mean = recount.answers.iter().sum::<u64>().checked_div(answers);
                prop_assert_eq!(level.mean_ms(), mean);
                prop_assert_eq!(level.answered(), answers);
                for percent in [50, 90, 95, 100] {
                    let (ours, exact) =
                        (level.percentile_ms(percent as u64), recount.percentile(percent));
                    match (ours, exact) {
                        (Some(ours), Some(exact)) if exact < STEPS * STEP_MS => {
                            prop_assert!(ours >= exact && ours < exact + STEP_MS);
                        }
                        (ours, exact) => prop_assert_eq!(ours.is_some(), exact.is_some()),
                    }
                }
                let tenth = recount.answers.len().div_ceil(10);
                let slowest: u64 = recount.answers.iter().rev().take(tenth).sum();
                match (level.slowest_tenth_ms(), slowest.checked_div(tenth as u64)) {
                    // Steps beyond the last one are one step: only their sum is known.
                    (Some(ours), Some(exact))
                        if recount.percentile(90).is_some_and(|ms| ms < STEPS * STEP_MS) =>
                    {
                        prop_assert!(ours.abs_diff(exact) <= STEP_MS, "{} {}", ours, exact);
                    }
                    (ours, exact) => prop_assert_eq!(ours.is_some(), exact.is_some()),
                }
            }
        }
    }
}
