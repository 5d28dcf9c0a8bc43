//! What a killed process left behind: calls without an ending and recordings without a seal are
//! closed, so that every INVITE has a whole record.

use std::path::Path;

use super::clock::Clock;
use crate::journal::{Entry, Fact};
use crate::recording::seal_left_over;
use crate::store::{JournalHandle, Recovered};
use crate::vocabulary::{Cause, Ending, Party};

/// Writes the missing entries.
pub(super) fn close(
    recovered: &Recovered,
    recordings: &Path,
    journal: &JournalHandle,
    clock: &Clock,
) {
    let at = clock.now().wall;
    if recovered.torn {
        let detail = "the last line was cut off and has been removed; it was not acknowledged";
        let fact = Fact::Alarm { name: "journal-torn".to_owned(), detail: detail.to_owned() };
        journal.append(0, Entry { at, fact });
    }
    for (call, file) in &recovered.open_recordings {
        let call = *call;
        let fact = match seal_left_over(recordings, file) {
            Ok(sealed) => Fact::RecordingSealed {
                call,
                file: sealed.file,
                sha256: sealed.sha256,
                millis: sealed.millis,
                bytes: sealed.bytes,
            },
            Err(error) => Fact::RecordingFailed { call, why: error.to_string() },
        };
        journal.append(0, Entry { at, fact });
    }
    for open in &recovered.open_calls {
        tracing::warn!(call = %open.call, stage = open.stage.word(), "call ended by a restart");
        let ending =
            Ending { stage: open.stage, by: Party::Gateway, cause: Cause::Restart, q850: None };
        let fact =
            Fact::Ended { call: open.call, ending, caller_packets: None, seat_packets: None };
        journal.append(0, Entry { at, fact });
    }
}
