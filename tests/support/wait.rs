//! Waiting for something to become true, with a limit; the suites' only clock.

use std::time::{Duration, Instant};

/// The longest that anything in a story may take, on a slow and busy machine.
pub const LIMIT: Duration = Duration::from_secs(40);

/// A point in time by which something must have happened.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// `span` from now.
    #[allow(clippy::disallowed_methods, reason = "the suites' only clock")]
    pub fn after(span: Duration) -> Self {
        Self(Instant::now() + span)
    }

    /// Time left; zero when it has passed.
    #[allow(clippy::disallowed_methods, reason = "the suites' only clock")]
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether it has passed.
    pub fn has_passed(self) -> bool {
        self.left().is_zero()
    }

    /// The same, `span` later.
    pub fn later(self, span: Duration) -> Self {
        Self(self.0 + span)
    }

    /// Waits until it has passed: the beat of an RTP sender, never a synchronisation.
    #[allow(clippy::disallowed_methods, reason = "an RTP sender keeps time")]
    pub fn sleep(self) {
        std::thread::sleep(self.left());
    }
}

/// Looks again and again until `look` finds something.
///
/// # Panics
/// When [`LIMIT`] is over: with `what` was awaited.
pub fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(LIMIT, look).unwrap_or_else(|| panic!("waited {LIMIT:?} in vain until {what}"))
}

/// Looks again and again until `look` finds something or `limit` is over.
pub fn within<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Deadline::after(limit);
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if deadline.has_passed() {
            return None;
        }
        Deadline::after(Duration::from_millis(20)).sleep();
    }
}

/// Seconds since 1970, as signatures tell the time.
#[allow(clippy::disallowed_methods, reason = "the suites' only clock")]
pub fn unix_seconds() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(now.expect("after 1970").as_secs()).expect("not yet")
}
