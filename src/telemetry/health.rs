//! Alive, ready, degraded, and which part says so.
//!
//! A check that fails is shown and never stops a call.

use std::sync::{Arc, PoisonError, RwLock};

use serde::Serialize;

use crate::vocabulary::WallTime;

/// The parts that report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Check {
    /// The journal is written.
    Journal,
    /// The database keeps up.
    Store,
    /// Recordings are written.
    Recording,
    /// Ports are there and audio flows.
    Media,
    /// The last configuration handed in was adopted.
    Config,
}

impl Check {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Journal, Self::Store, Self::Recording, Self::Media, Self::Config];

    /// Its name in `/readyz` and metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::Store => "store",
            Self::Recording => "recording",
            Self::Media => "media",
            Self::Config => "config",
        }
    }
}

/// What the gateway is doing as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Not yet ready for calls.
    #[default]
    Starting,
    /// Takes calls.
    Serving,
    /// Takes no new calls, finishes the live ones.
    Draining,
}

/// What one part says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckState {
    /// Which part.
    pub check: Check,
    /// What is wrong, and since when; none when all is well.
    pub trouble: Option<(String, WallTime)>,
}

/// All of it at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HealthSnapshot {
    /// What the gateway is doing.
    pub phase: Phase,
    /// Every check.
    pub checks: Vec<CheckState>,
}

impl HealthSnapshot {
    /// `starting`, `draining`, `ok` or `degraded`.
    #[must_use]
    pub fn status(&self) -> &'static str {
        match self.phase {
            Phase::Starting => "starting",
            Phase::Draining => "draining",
            Phase::Serving if self.checks.iter().all(|check| check.trouble.is_none()) => "ok",
            Phase::Serving => "degraded",
        }
    }

    /// Whether new calls are taken. Trouble with disk or database does not count: calls go on.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Serving)
    }
}

/// The shared board of checks. Cheap to clone; written on a change, read by the health pages.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<RwLock<State>>);

#[derive(Debug, Default)]
struct State {
    phase: Phase,
    trouble: [Option<(String, WallTime)>; 5],
}

impl Health {
    /// All well, and starting.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what the gateway is doing.
    pub fn set_phase(&self, phase: Phase) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).phase = phase;
    }

    /// Says that a part works.
    pub fn ok(&self, check: Check) {
        self.set(check, |_| None);
    }

    /// Says what is wrong with a part. The time is kept while trouble lasts, the detail is the
    /// latest.
    pub fn trouble(&self, check: Check, detail: &str, now: WallTime) {
        self.set(check, |before| Some((detail.to_owned(), before.map_or(now, |(_, since)| since))));
    }

    fn set(
        &self,
        check: Check,
        change: impl FnOnce(Option<(String, WallTime)>) -> Option<(String, WallTime)>,
    ) {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(trouble) = state.trouble.get_mut(check as usize) {
            *trouble = change(trouble.take());
        }
    }

    /// All of it now.
    #[must_use]
    pub fn snapshot(&self) -> HealthSnapshot {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let checks = Check::ALL.iter().zip(&state.trouble);
        let checks =
            checks.map(|(check, trouble)| CheckState { check: *check, trouble: trouble.clone() });
        HealthSnapshot { phase: state.phase, checks: checks.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_degrades_and_keeps_its_beginning_until_it_is_over() {
        let health = Health::new();
        assert_eq!((health.snapshot().status(), health.snapshot().is_ready()), ("starting", false));
        health.set_phase(Phase::Serving);
        assert_eq!(health.snapshot().status(), "ok");
        health.trouble(Check::Store, "locked", WallTime(5));
        health.trouble(Check::Store, "still locked", WallTime(9));
        let snapshot = health.snapshot();
        assert_eq!((snapshot.status(), snapshot.is_ready()), ("degraded", true));
        let store = snapshot.checks.iter().find(|check| check.check == Check::Store);
        let trouble = store.and_then(|check| check.trouble.clone());
        assert_eq!(trouble, Some(("still locked".to_owned(), WallTime(5))));
        health.ok(Check::Store);
        assert_eq!(health.snapshot().status(), "ok");
        health.set_phase(Phase::Draining);
        assert_eq!((health.snapshot().status(), health.snapshot().is_ready()), ("draining", false));
    }
}
