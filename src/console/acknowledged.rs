//! Whoever says in a chain that they come has their agency's times in the incident's form, whether the call
//! taker said so or the contact pressed the key: both stand in the journal, and this follows it.
//!
//! It fills what is empty and overwrites nothing that a person wrote.

use tokio::sync::watch;

use super::Console;
use super::records::note_agency;
use crate::callout::{ChainEnded, Verdict};
use crate::journal::{Entry, Fact, Line};
use crate::store::journal_file::{JournalReader, read_from};

/// Lines that are read at once.
const BATCH: usize = 256;

/// Follows the journal from now on, until it is closed.
pub(super) fn start(console: Console) {
    let (folder, durable) = console.desk.journal();
    let from = *durable.borrow() + 1;
    tokio::spawn(async move { follow(&console, read_from(&folder, from), durable).await });
}

async fn follow(console: &Console, mut reader: JournalReader, mut durable: watch::Receiver<u64>) {
    while durable.changed().await.is_ok() {
        loop {
            let until = *durable.borrow_and_update();
            let (back, lines) = match read(reader, until).await {
                Ok(read) => read,
                Err(error) => {
                    tracing::error!(%error, "agencies that come are not noted in forms any more");
                    return;
                }
            };
            reader = back;
            if lines.is_empty() {
                break;
            }
            for entry in lines.into_iter().filter_map(|line| line.entry) {
                if let Entry { at, fact: Fact::ChainEnded(ended) } = entry
                    && let ChainEnded { verdict: Verdict::Taken, agency: Some(agency), .. } =
                        &*ended
                {
                    let told = note_agency(console, at, &ended, agency).await;
                    if told.is_err() {
                        let call = ended.call;
                        tracing::warn!(%call, "an agency comes, and its times could not be noted");
                    }
                }
            }
        }
    }
}

/// Reads lines on a thread that may block.
async fn read(mut reader: JournalReader, until: u64) -> Result<(JournalReader, Vec<Line>), String> {
    let read = tokio::task::spawn_blocking(move || {
        let lines = reader.batch(until, BATCH);
        lines.map(|lines| (reader, lines)).map_err(|error| error.to_string())
    });
    read.await.unwrap_or_else(|error| Err(error.to_string()))
}
