//! The one list of everything we can do.

use super::orders::{Answer, Refusal};
use crate::call::orders::MediaOrder;
use crate::journal::Entry;
use crate::sip::Send;
use crate::sip::locate::Target;
use crate::vocabulary::{CallId, TrunkId};

/// What the rim is asked to do, in order.
#[derive(Debug)]
pub enum Output {
    /// Send a datagram.
    Send(Send),
    /// Order the media plane.
    Media(MediaOrder),
    /// Keep a fact; [`super::Input::Durable`] names the ticket when it is on disk.
    Journal {
        /// Rises by one with each entry; 0 when nobody waits for this one.
        ticket: u64,
        /// The fact.
        entry: Box<Entry>,
    },
    /// The answer to an order.
    Answer {
        /// The order's number.
        number: u64,
        /// What came of it.
        answer: Result<Answer, Refusal>,
    },
    /// Look up where a trunk's carrier is; [`super::Input::Located`] follows.
    Locate {
        /// The trunk.
        trunk: TrunkId,
        /// What of its address decides.
        target: Target,
    },
    /// Ask where a reference of a call leads to; [`super::Input::LocationReport`] follows.
    Dereference {
        /// The call.
        call: CallId,
        /// The reference.
        uri: String,
    },
    /// Draining, and the last call is over.
    Drained,
}
