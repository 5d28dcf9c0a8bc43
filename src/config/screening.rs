//! `[screening]` of `gateway.toml`: marks, mass incidents, callers who ring again.

use std::time::Duration;

use super::section::Section;
use crate::screening::settings::ScreeningSettings;

const DAY_MINUTES: u32 = 24 * 60;
/// A mark that lasts for longer than a month is a block.
const MARK_HOURS: u32 = 30 * 24;

/// Reads the section, empty when it is not written.
pub(super) fn read(mut section: Section<'_>) -> ScreeningSettings {
    let usual = ScreeningSettings::default();
    let log = section.log();
    let refuses = section.has("refuse_after_marks");
    let refuse = section.number("refuse_after_marks", 1..=1000_u32, 3);
    if refuses {
        log.warn(
            &refuse.place,
            format!(
                "EMERGENCY CALLS ARE REFUSED: whose number was marked {} times reaches an operator \
                 only by pressing a key",
                refuse.value
            ),
            "remove refuse_after_marks: marked callers then wait behind the others",
        );
    }
    let mut minutes = |key: &'static str, most: u32, usual: Duration| {
        let usual = u32::try_from(usual.as_secs() / 60).unwrap_or(most);
        Duration::from_secs(u64::from(section.number(key, 1..=most, usual).value) * 60)
    };
    let mass_within = minutes("mass_within_minutes", 60, usual.mass_within);
    let mass_lasts = minutes("mass_lasts_minutes", DAY_MINUTES, usual.mass_lasts);
    let returning_within = minutes("returning_within_minutes", DAY_MINUTES, usual.returning_within);
    let link_within = minutes("link_within_minutes", DAY_MINUTES, usual.link_within);
    let hours = section.number("mark_hours", 1..=MARK_HOURS, 24).value;
    let callers = section.number("mass_callers", 2..=10_000_u32, 8).value;
    ScreeningSettings {
        mark_lasts: Duration::from_secs(u64::from(hours) * 3600),
        refuse_after_marks: refuses.then_some(refuse.value),
        mass_callers: usize::try_from(callers).unwrap_or(usize::MAX),
        mass_within,
        mass_lasts,
        returning_within,
        returning_priority: section
            .number("returning_priority", 0..=9, usual.returning_priority)
            .value,
        link_within,
    }
}
