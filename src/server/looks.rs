//! Takes in the access entries of commands (`store::looks`), within seconds: the journal is the gateway's
//! alone. No call waits for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::clock::Clock;
use crate::journal::{Entry, Fact};
use crate::store::JournalHandle;
use crate::store::looks::{self, Look};
use crate::telemetry::metrics;
use crate::vocabulary::WallTime;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(1);
/// An entry taken in later than this says when it was made.
const LATE_MICROS: i64 = 60_000_000;

/// Takes entries in for as long as the program runs.
pub(super) fn start(data: PathBuf, journal: JournalHandle, clock: Clock) {
    tokio::spawn(async move {
        let mut tick = tokio::time::interval(EVERY);
        let mut failing = false;
        loop {
            tick.tick().await;
            let trouble = take_in(&data, &journal, clock).await.err();
            if failing != trouble.is_some() {
                failing = trouble.is_some();
                let name = if failing { "access-not-kept" } else { "access-kept" };
                let detail = trouble.unwrap_or_else(|| "it is over".to_owned());
                tracing::warn!(alarm = name, detail, "alarm");
                metrics::alarm(name);
                let fact = Fact::Alarm { name: name.to_owned(), detail };
                journal.append(0, Entry { at: clock.now().wall, fact });
            }
        }
    });
}

async fn take_in(data: &Path, journal: &JournalHandle, clock: Clock) -> Result<(), String> {
    let folder = data.to_owned();
    let waiting = tokio::task::spawn_blocking(move || looks::waiting(&folder)).await;
    let waiting = waiting.map_err(|error| error.to_string())?;
    let shown = looks::folder(data);
    let waiting = waiting.map_err(|error| format!("{}: {error}", shown.display()))?;
    let mut refused = None;
    for (path, look) in waiting {
        let done = match look {
            Ok(look) => {
                let now = clock.now().wall;
                let kept = journal.append_told(Entry { at: now, fact: fact(look, now) });
                // An error means that the journal is gone: the entry waits for the next start.
                if kept.await.is_err() {
                    return Err("the journal takes nothing".to_owned());
                }
                fs::remove_file(&path)
            }
            // It is set aside, so that it is told once and can be looked at.
            Err(error) => {
                refused = Some(format!("{} is no access entry: {error}", path.display()));
                fs::rename(&path, path.with_extension("refused"))
            }
        };
        done.map_err(|error| format!("{}: {error}", path.display()))?;
    }
    refused.map_or(Ok(()), Err)
}

fn fact(look: Look, now: WallTime) -> Fact {
    let Look { at, by, what, subject, reason } = look;
    let late = now.0.saturating_sub(at.0) > LATE_MICROS;
    let reason = if late { format!("{reason} (at {})", at.to_rfc3339()) } else { reason };
    Fact::Audited { by, what, subject, reason }
}
