//! The switchboard's one door: a bounded channel of inputs.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use crate::switchboard::Input;
use crate::vocabulary::limits;

/// The writing half.
#[derive(Clone, Debug)]
pub struct InboxSender {
    sender: SyncSender<Input>,
}

/// The reading half.
#[derive(Debug)]
pub struct Inbox {
    receiver: Receiver<Input>,
}

/// Makes the door.
#[must_use]
pub fn inbox() -> (InboxSender, Inbox) {
    let (sender, receiver) = sync_channel(limits::INBOX);
    (InboxSender { sender }, Inbox { receiver })
}

impl InboxSender {
    /// A datagram: dropped and counted when the switchboard is that far behind.
    pub fn datagram(&self, input: Input) {
        if self.sender.try_send(input).is_err() {
            metrics::counter!("siaga112_inbox_dropped_total").increment(1);
        }
    }

    /// An order of a page: refused when the switchboard is that far behind, so that no page ever
    /// waits in a thread that others need. False when it was not taken.
    pub fn order(&self, input: Input) -> bool {
        self.sender.try_send(input).is_ok()
    }

    /// A report of the rim: never dropped; waits for room. False when the switchboard is gone.
    pub fn put(&self, input: Input) -> bool {
        self.sender.send(input).is_ok()
    }
}

impl Inbox {
    /// The next input, or none when `wait` is over. An error when every sender is gone.
    ///
    /// # Errors
    /// [`RecvTimeoutError::Disconnected`] only.
    pub fn next(&self, wait: Duration) -> Result<Option<Input>, RecvTimeoutError> {
        match self.receiver.recv_timeout(wait) {
            Ok(input) => Ok(Some(input)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(gone) => Err(gone),
        }
    }

    /// The next input that is already there.
    #[must_use]
    pub fn ready(&self) -> Option<Input> {
        self.receiver.try_recv().ok()
    }
}
