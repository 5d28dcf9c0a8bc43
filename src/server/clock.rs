//! The only reader of clocks.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::vocabulary::{Moment, Now, WallTime};

/// Both clocks of this process.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock whose moments count from now.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "this is the one home of the clocks")]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// Reads both clocks.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "this is the one home of the clocks")]
    pub fn now(&self) -> Now {
        let micros = self.start.elapsed().as_micros();
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        Now {
            moment: Moment(u64::try_from(micros).unwrap_or(u64::MAX)),
            wall: WallTime(i64::try_from(wall).unwrap_or(i64::MAX)),
        }
    }
}
