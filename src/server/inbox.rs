//! The switchboard's one door. Datagrams and orders are bounded, so that a flood costs no memory;
//! reports of the rim are few and always taken, so that no media or journal thread ever waits here.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use crate::switchboard::Input;
use crate::vocabulary::limits;

/// The writing half.
#[derive(Clone, Debug)]
pub struct InboxSender {
    sender: Sender<Input>,
    bounded: Arc<AtomicUsize>,
}

/// The reading half.
#[derive(Debug)]
pub struct Inbox {
    receiver: Receiver<Input>,
    /// Datagrams and orders within.
    bounded: Arc<AtomicUsize>,
}

/// Makes the door.
#[must_use]
pub fn inbox() -> (InboxSender, Inbox) {
    let (sender, receiver) = channel();
    let bounded = Arc::new(AtomicUsize::new(0));
    (InboxSender { sender, bounded: Arc::clone(&bounded) }, Inbox { receiver, bounded })
}

const fn is_bounded(input: &Input) -> bool {
    matches!(input, Input::Sip { .. } | Input::Order { .. })
}

impl InboxSender {
    /// A datagram: dropped and counted when the switchboard is that far behind.
    pub fn datagram(&self, input: Input) {
        if !self.put(input) {
            metrics::counter!("siaga112_inbox_dropped_total").increment(1);
        }
    }

    /// Anything. False when it was not taken: a datagram or an order when the switchboard is that
    /// far behind, a report only when the switchboard is gone.
    pub fn put(&self, input: Input) -> bool {
        if is_bounded(&input) && self.bounded.fetch_add(1, Ordering::Relaxed) >= limits::INBOX {
            self.bounded.fetch_sub(1, Ordering::Relaxed);
            return false;
        }
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
            Ok(input) => Ok(Some(self.out(input))),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(gone) => Err(gone),
        }
    }

    /// The next input that is already there.
    #[must_use]
    pub fn ready(&self) -> Option<Input> {
        Some(self.out(self.receiver.try_recv().ok()?))
    }

    fn out(&self, input: Input) -> Input {
        if is_bounded(&input) {
            self.bounded.fetch_sub(1, Ordering::Relaxed);
        }
        input
    }
}
