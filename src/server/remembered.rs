//! Writes the alarms down for the next start ([`crate::store::Alarms`]). No call waits for it.

use std::path::PathBuf;
use std::time::Duration;

use super::clock::Clock;
use crate::journal::{Entry, Fact};
use crate::store::JournalHandle;
use crate::telemetry::metrics;

/// How often: what comes between is read from the journal.
const EVERY: Duration = Duration::from_secs(5);

/// Writes for as long as the program runs.
pub(super) fn start(data: PathBuf, journal: JournalHandle, clock: Clock) {
    tokio::spawn(async move {
        let mut tick = tokio::time::interval(EVERY);
        let mut failing = false;
        loop {
            tick.tick().await;
            let (alarms, line) = (journal.alarms().clone(), *journal.durable().borrow());
            let folder = data.clone();
            let kept = tokio::task::spawn_blocking(move || alarms.keep(&folder, line)).await;
            let trouble = match kept {
                Ok(kept) => kept.err().map(|error| error.to_string()),
                Err(error) => Some(error.to_string()),
            };
            // Only its beginning is an alarm: its end would have to be written down as well.
            if let Some(detail) = trouble.as_ref().filter(|_| !failing) {
                tracing::warn!(alarm = "alarms-not-kept", detail, "alarm");
                metrics::alarm("alarms-not-kept");
                let fact =
                    Fact::Alarm { name: "alarms-not-kept".to_owned(), detail: detail.clone() };
                journal.append(0, Entry { at: clock.now().wall, fact });
            }
            failing = trouble.is_some();
        }
    });
}
