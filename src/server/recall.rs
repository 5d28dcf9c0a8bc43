//! What outlives a restart is told to the switchboard again: marks, the work list, phones' reports of
//! where they are, and whose calls ended with the program. It never delays serving, and never gives up: the database may be away for
//! a while.

use std::time::Duration;

use tokio::sync::watch;

use super::clock::Clock;
use super::inbox::InboxSender;
use crate::store::{Store, StoreError};
use crate::switchboard::{CutOff, Input, Recall};

/// How long after a failure the database is asked again.
const AGAIN: Duration = Duration::from_secs(5);

/// What was found in the journal at the start.
pub(super) struct Found {
    /// The last line that was in it.
    pub last: u64,
    /// Whose calls ended with the program.
    pub cut_off: Vec<CutOff>,
    /// How far a phone's report and its call may be apart.
    pub window: Duration,
}

/// Tells the switchboard once, when the database has every line of the time before.
pub(super) fn start(
    store: Store,
    mut applied: watch::Receiver<u64>,
    inbox: InboxSender,
    clock: Clock,
    found: Found,
) {
    tokio::spawn(async move {
        // An error means that the program stops.
        if applied.wait_for(|applied| *applied >= found.last).await.is_err() {
            return;
        }
        let (kept, places) = loop {
            let now = clock.now().wall;
            let asked = async {
                Ok::<_, StoreError>((
                    store.recall(now).await?,
                    store.remembered(now, found.window, found.last).await?,
                ))
            };
            match asked.await {
                Ok(kept) => break kept,
                Err(error) => {
                    tracing::error!(%error, "marks, the work list and reports wait for the database");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        };
        let (marks, work, cut_off) = (kept.marks, kept.work, found.cut_off);
        let (count, lost) = (work.len(), cut_off.len());
        let reports = places.waiting.len();
        tracing::info!(
            marks = marks.len(),
            work = count,
            lost,
            reports,
            "recalled from the records"
        );
        inbox.put(Input::Recall(Box::new(Recall { marks, work, cut_off, places })));
    });
}
