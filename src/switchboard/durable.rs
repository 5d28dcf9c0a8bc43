//! What waits until its record is on disk: new calls before their 180, alerts before their 200. The wait
//! is bounded (`limits::JOURNAL_WAIT`); after it they go on and a person is told.

use crate::vocabulary::{CallId, Now, limits};

use super::{Switchboard, Timer};

impl Switchboard {
    /// Every entry up to this ticket is on disk.
    pub(super) fn journal_reports(&mut self, now: Now, ticket: u64) {
        while let Some(entry) = self.arriving.first_entry() {
            if *entry.key() > ticket {
                break;
            }
            let call = entry.remove();
            self.journal_slow = false;
            self.deadlines.clear(&Timer::Journal(call));
            self.arrived(now, call);
        }
        self.answer_alerts(now, ticket);
    }

    pub(super) fn journal_is_slow(&mut self, now: Now, call: CallId) {
        let waiting = self.arriving.len();
        self.arriving.retain(|_, waiting| *waiting != call);
        // Said once: an alarm for each call would push the calls themselves out of what the journal
        // holds while it cannot write. A test call that waits for a port comes here too.
        if self.arriving.len() < waiting && !std::mem::replace(&mut self.journal_slow, true) {
            let waited = limits::JOURNAL_WAIT.as_millis();
            self.alarm(now, "journal-slow", format!("call {call} went on after {waited} ms"));
        }
        self.arrived(now, call);
    }
}
