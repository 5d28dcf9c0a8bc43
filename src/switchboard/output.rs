//! The one list of everything we can do.

use super::orders::{Answer, Refusal};
use crate::call::orders::MediaOrder;
use crate::journal::Entry;
use crate::sip::Send;
use crate::sip::locate::Target;
use crate::trunk::Signed;
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
    /// Find out who vouches for a caller; [`super::Input::Vouched`] follows where the centre trusts
    /// anybody to sign.
    Vouch {
        /// The call.
        call: CallId,
        /// What is signed, and what it must agree with.
        signed: Box<Signed>,
    },
    /// Fetch data that a call names by reference; [`super::Input::DataFetched`] follows.
    FetchData {
        /// The call.
        call: CallId,
        /// What it is, `EmergencyCallData.…`.
        purpose: String,
        /// The reference.
        uri: String,
    },
    /// Draining, and the last call is over.
    Drained,
}
