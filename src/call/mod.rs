//! The back-to-back call: a caller leg and a seat leg, each with a dialog and its audio.
//!
//! Data and small steps; the switchboard moves them. Never knows queues' order, trunks' profiles
//! or the journal.
//!
//! ```text
//! Arriving -on disk-> Waiting -seat answers-> Talking -BYE-> Closing -streams closed-> gone
//! Arriving -on disk-> Test -time over, BYE-> Closing
//! any -CANCEL, BYE, fault-> Closing
//! ```

mod negotiation;
pub mod orders;
mod port_book;

use std::collections::BTreeMap;

use crate::sip::{ClientId, Dialog, Flow, ServerId};
use crate::vocabulary::{
    AnswerMode, CallId, Ending, IncidentId, Now, OfferId, OperatorId, Private, QueueId, SeatId,
    Stage, TrunkId,
};

pub use negotiation::{LegMedia, Unusable, wanted_law};
pub use port_book::PortBook;

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its first entry is on its way to the disk.
    Arriving,
    /// In the queue, whether a seat rings or not.
    Waiting,
    /// A seat has answered.
    Talking,
    /// The test call.
    Test,
    /// Over; its streams are being closed.
    Closing(Ending),
}

/// Which leg of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The trunk's.
    Caller,
    /// The seat's.
    Seat,
}

/// One established leg.
#[derive(Clone, Debug)]
pub struct Leg {
    /// Its dialog.
    pub dialog: Dialog,
    /// Its audio; the caller has none until a seat is rung or the call is answered.
    pub media: Option<LegMedia>,
    /// We sent the SDP offer in a 2xx and the answer comes in the ACK.
    pub awaits_answer: bool,
    /// Our 200 to its INVITE, until the ACK: no BYE may go out before (RFC 3261 §15).
    pub unacked: Option<ServerId>,
    /// The peer has put us on hold.
    pub held: bool,
}

/// One phone that is being rung.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The INVITE.
    pub client: ClientId,
    /// The phone's way.
    pub flow: Flow,
    /// Its final refusal.
    pub failed: Option<u16>,
}

/// One offer to a seat: all its phones ring, the first to answer wins.
#[derive(Clone, Debug)]
pub struct Ringing {
    /// The seat.
    pub seat: SeatId,
    /// Who sits there.
    pub operator: Option<OperatorId>,
    /// Its audio.
    pub media: LegMedia,
    /// Its phones.
    pub attempts: Vec<Attempt>,
}

/// The seat that answered.
#[derive(Clone, Debug)]
pub struct Talk {
    /// The seat.
    pub seat: SeatId,
    /// Its leg.
    pub leg: Leg,
    /// When it answered.
    pub answered: Now,
}

/// One call.
#[derive(Debug)]
pub struct Call {
    /// Its id.
    pub id: CallId,
    /// Its incident.
    pub incident: IncidentId,
    /// The carrier.
    pub trunk: TrunkId,
    /// When the INVITE came.
    pub received: Now,
    /// E.164 number where known, otherwise as sent; for the seat's display and the board.
    pub number: Private<String>,
    /// Display name.
    pub name: Option<Private<String>>,
    /// What was dialled.
    pub dialled: String,
    /// Where it stands.
    pub state: State,
    /// The trunk's INVITE, until it has a final response.
    pub invite: Option<ServerId>,
    /// The trunk's leg.
    pub caller: Leg,
    /// Where it waits.
    pub queue: Option<QueueId>,
    /// Its priority there, 0 to 9, highest first.
    pub priority: u8,
    /// When it is answered.
    pub answer: AnswerMode,
    /// Seats being rung.
    pub ringing: BTreeMap<OfferId, Ringing>,
    /// The seat that answered.
    pub talk: Option<Talk>,
    /// Its recording has begun.
    pub recorded: bool,
    /// Streams not closed yet, with the side that each one carries.
    pub streams: Vec<(crate::vocabulary::StreamId, Side)>,
    /// When it ended, while its streams are being closed.
    pub ended: Option<Now>,
    /// RTP packets received from the caller and from the seat.
    pub packets: (u64, u64),
}

impl Call {
    /// The stage that an ending now would have.
    #[must_use]
    pub fn stage(&self) -> Stage {
        match self.state {
            State::Arriving => Stage::Arriving,
            State::Waiting if self.ringing.is_empty() => Stage::Waiting,
            State::Waiting => Stage::Ringing,
            State::Talking => Stage::Talking,
            State::Test => Stage::Test,
            State::Closing(ending) => ending.stage,
        }
    }

    /// Whether it is over.
    #[must_use]
    pub const fn is_closing(&self) -> bool {
        matches!(self.state, State::Closing(_))
    }

    /// A leg by its side.
    pub fn leg_mut(&mut self, side: Side) -> Option<&mut Leg> {
        match side {
            Side::Caller => Some(&mut self.caller),
            Side::Seat => self.talk.as_mut().map(|talk| &mut talk.leg),
        }
    }
}
