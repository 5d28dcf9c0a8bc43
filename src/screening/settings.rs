//! Validated settings of the room.

use std::time::Duration;

/// How callers are screened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScreeningSettings {
    /// How long a mark on a number lasts.
    pub mark_lasts: Duration,
    /// A number that was marked as often, while marks stood, is refused unless a key is pressed; none:
    /// nobody ever is.
    pub refuse_after_marks: Option<u32>,
    /// So many different numbers …
    pub mass_callers: usize,
    /// … within so long from one cell or trunk are a mass incident: marks do not count …
    pub mass_within: Duration,
    /// … until so long after the last such moment.
    pub mass_lasts: Duration,
    /// A caller whose call was lost and who rings again within so long goes before others.
    pub returning_within: Duration,
    /// Priority of such a caller, at least, 0 to 9.
    pub returning_priority: u8,
    /// Calls of one number within so long are shown together.
    pub link_within: Duration,
}

impl Default for ScreeningSettings {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        Self {
            mark_lasts: minutes(24 * 60),
            refuse_after_marks: None,
            mass_callers: 8,
            mass_within: minutes(5),
            mass_lasts: minutes(15),
            returning_within: minutes(10),
            returning_priority: 7,
            link_within: minutes(60),
        }
    }
}
