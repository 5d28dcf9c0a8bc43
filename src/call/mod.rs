//! The back-to-back call: a caller leg and a seat leg, each with a dialog and its audio.
//!
//! Data and small steps; the switchboard moves them. Never knows queues' order, trunks' profiles
//! or the journal.
//!
//! ```text
//! Arriving -on disk-> Waiting -seat answers-> Talking -BYE-> Closing -streams closed-> gone
//! Arriving -on disk-> Test -time over, BYE-> Closing
//! Talking -transferred, the seat has left-> Calling -answered-> Talking
//! a seat dials, or has answered to call back: Calling -answered-> Talking -BYE-> Closing
//! any -CANCEL, BYE, fault-> Closing
//! ```

mod negotiation;
pub mod orders;
mod port_book;
mod ring_media;
pub mod quality;
pub mod table;
pub mod writing;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

use crate::incident::Brief;
use crate::screening::{Verdict, WorkId};
use crate::sip::{ClientId, Dialog, Flow, ServerId};
use orders::{MediaOrder, Role};
use table::Part;

use crate::vocabulary::{
    AnswerMode, CallId, Ending, IncidentId, Lane, Moment, Now, OfferId, OperatorId, Private,
    QueueId, SeatId, Stage, StreamId, TrunkId, Want,
};

pub use negotiation::{
    AnswerUnusable, LegMedia, Terms, Unusable, is_of_browser, offers_text, wanted_codec,
};
use orders::Aim;
pub use port_book::PortBook;
pub use ring_media::RingMedia;

/// What routing is asked again when the configuration changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The service URN asked for.
    pub service: String,
    /// Code of the kecamatan that the caller's location names.
    pub kecamatan: Option<String>,
    /// Languages and modalities that the caller needs, whatever the rules say.
    pub wants: Vec<Want>,
    /// By how much the call stands above what the rules give.
    pub raised: u8,
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its first entry is on its way to the disk.
    Arriving,
    /// In the queue, whether a seat rings or not.
    Waiting,
    /// A seat has answered.
    Talking,
    /// Somebody beside the queues is being called, and nobody talks to the caller meanwhile.
    Calling,
    /// The test call.
    Test,
    /// Over; its streams are being closed.
    Closing(Ending),
}

/// Which leg of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Who called: the trunk's, or that of a seat that dialled.
    Caller,
    /// Who answered: the seat's, or that of a number.
    Seat,
    /// Somebody who was brought in.
    Guest(PartyId),
}

/// Somebody who was brought into a call, by a number of that call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartyId(pub u8);

/// Somebody who was brought in.
#[derive(Clone, Debug)]
pub struct Joined {
    /// Who.
    pub who: Callee,
    /// What part they play.
    pub part: Part,
    /// Nobody hears them, whatever their part.
    pub muted: bool,
    /// Their leg.
    pub leg: Leg,
    /// Since when.
    pub since: Now,
}

impl Joined {
    /// Whether those at the table hear them now.
    #[must_use]
    pub const fn is_heard(&self) -> bool {
        !self.muted && !self.leg.held
    }
}

/// Somebody who is being called to be brought in.
#[derive(Clone, Debug)]
pub struct Inviting {
    /// Who.
    pub to: Callee,
    /// The part that they will play.
    pub part: Part,
    /// Nobody will hear them.
    pub muted: bool,
    /// The audio of the leg to be.
    pub media: RingMedia,
    /// The phones, or the way through a trunk, of this try.
    pub attempts: Vec<Attempt>,
    /// Ways that are left, best first.
    pub ways: VecDeque<(TrunkId, Flow)>,
    /// The trunk of this try.
    pub trunk: Option<TrunkId>,
}

/// How a key came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// In the audio, or as a telephone event (RFC 4733).
    Media,
    /// By a SIP INFO.
    Info,
}

/// One press of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pressed {
    /// `0` to `9`, `*`, `#`, `A` to `D`.
    pub key: char,
    /// How it came.
    pub way: Way,
    /// When.
    pub at: Moment,
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
    /// The phone's `+sip.instance`, when it has one.
    pub instance: Option<String>,
}

impl Leg {
    /// A leg of that dialog.
    #[must_use]
    pub const fn new(dialog: Dialog, media: Option<LegMedia>) -> Self {
        Self { dialog, media, awaits_answer: false, unacked: None, held: false, instance: None }
    }
}

/// One phone that is being rung.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The INVITE.
    pub client: ClientId,
    /// The phone's way.
    pub flow: Flow,
    /// The phone's `+sip.instance`, when it has one.
    pub instance: Option<String>,
    /// Its final refusal.
    pub failed: Option<u16>,
}

impl Attempt {
    /// The way by which the phone was rung that answers this INVITE.
    #[must_use]
    pub fn way(attempts: &[Self], client: ClientId) -> Option<Flow> {
        attempts.iter().find(|attempt| attempt.client == client).map(|attempt| attempt.flow)
    }
}

/// One offer to a seat: all its phones ring, the first to answer wins.
#[derive(Clone, Debug)]
pub struct Ringing {
    /// The seat.
    pub seat: SeatId,
    /// Who sits there.
    pub operator: Option<OperatorId>,
    /// Its audio.
    pub media: RingMedia,
    /// Its phones.
    pub attempts: Vec<Attempt>,
}

/// Where a call came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A carrier.
    Trunk(TrunkId),
    /// A seat that dialled, or whoever has taken its place since.
    Dialled(Callee),
}

/// The other end of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Callee {
    /// A seat.
    Seat(SeatId),
    /// A number reached through a trunk.
    Number(String),
}

impl Callee {
    /// The seat, when it is one.
    #[must_use]
    pub const fn seat(&self) -> Option<&SeatId> {
        match self {
            Self::Seat(seat) => Some(seat),
            Self::Number(_) => None,
        }
    }
}

impl std::fmt::Display for Callee {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Seat(seat) => write!(f, "{seat}"),
            Self::Number(number) => f.write_str(number),
        }
    }
}

/// Why somebody is called beside the queues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Errand {
    /// A seat dialled.
    Dialled,
    /// The caller waited too long; the queue goes on meanwhile.
    Overflow,
    /// A seat transfers its caller (RFC 3515).
    Transfer {
        /// Who transfers.
        from: SeatId,
        /// It wants to hear how it goes (RFC 4488 lets it decline).
        told: bool,
    },
}

/// Somebody who is being called beside the queues: one try at a time, the first phone to answer
/// wins.
#[derive(Clone, Debug)]
pub struct Calling {
    /// Who.
    pub to: Callee,
    /// Only this phone of the seat, by its `+sip.instance`.
    pub phone: Option<String>,
    /// Why.
    pub errand: Errand,
    /// The audio of the leg to be.
    pub media: RingMedia,
    /// The phones, or the way through a trunk, of this try.
    pub attempts: Vec<Attempt>,
    /// Ways that are left, best first.
    pub ways: VecDeque<(TrunkId, Flow)>,
    /// The trunk of this try.
    pub trunk: Option<TrunkId>,
    /// It rang there.
    pub rang: bool,
    /// The network has said that it was diverted, perhaps to a mailbox.
    pub diverted: bool,
}

/// Who answered.
#[derive(Clone, Debug)]
pub struct Talk {
    /// Who.
    pub with: Callee,
    /// Its leg.
    pub leg: Leg,
    /// When it answered.
    pub answered: Now,
    /// Was brought in, and has the caller because the operator left: nobody gave them the caller.
    pub heir: bool,
}

/// The caller has hung up, and the operator goes on for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// When.
    pub at: Now,
    /// How the call ended for the caller.
    pub ending: Ending,
    /// The record of the call has its ending.
    pub told: bool,
}

/// One call.
#[derive(Debug)]
pub struct Call {
    /// Its id.
    pub id: CallId,
    /// Its incident.
    pub incident: IncidentId,
    /// Where it came from.
    pub origin: Origin,
    /// The emergency call that the seat was in when it dialled this one.
    pub during: Option<CallId>,
    /// Max-Forwards that it came with (RFC 3261 §20.22).
    pub hops: u32,
    /// When the INVITE came.
    pub received: Now,
    /// E.164 number where known, otherwise as sent; for the seat's display and the board.
    pub number: Private<String>,
    /// Display name.
    pub name: Option<Private<String>>,
    /// Who calls and what came with the call, for the board; empty when a seat dialled.
    pub brief: Arc<Brief>,
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
    /// The number by which the caller is known again; none for who has none.
    pub known: Option<Private<String>>,
    /// The number to call back, E.164.
    pub callable: Option<Private<String>>,
    /// The caller was lost before, or was called back in vain, and rings again.
    pub returning: bool,
    /// It belongs to an earlier call.
    pub linked: bool,
    /// What routing is asked again when the configuration changes.
    pub asked: Asked,
    /// Whether the caller may be asked for a sign.
    pub listen: bool,
    /// The caller is refused unless a key is pressed.
    pub refuse: bool,
    /// An operator has talked to the caller.
    pub talked: bool,
    /// A person has said where it waits.
    pub placed: bool,
    /// A person has said in which lane it waits: what is heard of the caller changes it no more.
    pub laned: bool,
    /// Our description in a 183, which the 200 repeats.
    pub early: Option<Bytes>,
    /// Keys told lately, of each side.
    pub keys: BTreeMap<Side, VecDeque<Pressed>>,
    /// How many keys are on the record.
    pub keys_kept: u16,
    /// The keys that the caller has pressed, the newest last.
    pub typed: VecDeque<char>,
    /// Machines and exchanges heard: at which side, and the word of the record.
    pub machines: Vec<(Side, &'static str)>,
    /// When it was told that the caller says nothing.
    pub quiet: Option<Moment>,
    /// What listening to the caller found, when it is over.
    pub verdict: Option<Verdict>,
    /// The entry of the work list that this call tries to call back.
    pub callback: Option<WorkId>,
    /// Its lane there.
    pub lane: Lane,
    /// Skills that it asks of a seat.
    pub wants: Vec<Want>,
    /// Who talked to the same caller last.
    pub last: Option<OperatorId>,
    /// When it is answered.
    pub answer: AnswerMode,
    /// Seats being rung.
    pub ringing: BTreeMap<OfferId, Ringing>,
    /// Who is being called beside the queues.
    pub calling: Option<Calling>,
    /// Who answered.
    pub talk: Option<Talk>,
    /// Its recording has begun.
    pub recorded: bool,
    /// Streams not closed yet, with the side that each one carries.
    pub streams: Vec<(StreamId, Side)>,
    /// When it ended, while its streams are being closed.
    pub ended: Option<Now>,
    /// The Reason that the side which ended it gave (RFC 3326), for the other side.
    pub reason: Option<Box<str>>,
    /// The caller has hung up; those who are called out for them talk on with the operator.
    pub left: Option<Left>,
    /// Who was brought in, and who is being called for it.
    pub parties: BTreeMap<PartyId, Joined>,
    /// See `parties`.
    pub inviting: BTreeMap<PartyId, Inviting>,
    /// The number of the last of them.
    pub next_party: u8,
    /// The caller hears nothing of the talk.
    pub private: bool,
    /// What each stream at the table was ordered to do last.
    pub roles: BTreeMap<StreamId, Role>,
    /// Whom who hears a programme reads meanwhile.
    pub reads: BTreeMap<StreamId, Vec<StreamId>>,
    /// RTP packets received from the caller and from the seat.
    pub packets: (u64, u64),
    /// How the caller's leg and the other one are heard, as told last.
    pub quality: [Option<quality::Quality>; 2],
    /// Nothing comes from the caller, or from the other side, who should speak.
    pub mute: [bool; 2],
    /// What is written in it.
    pub writing: writing::Writing,
}

/// What is known of a call when it is born.
#[derive(Debug)]
pub struct Born {
    /// Its id.
    pub id: CallId,
    /// Its incident.
    pub incident: IncidentId,
    /// Where it came from.
    pub origin: Origin,
    /// The emergency call that the seat was in when it dialled this one.
    pub during: Option<CallId>,
    /// Max-Forwards that it came with (RFC 3261 §20.22).
    pub hops: u32,
    /// When the INVITE came.
    pub received: Now,
    /// E.164 number where known, otherwise as sent; for the seat's display and the board.
    pub number: Private<String>,
    /// Display name.
    pub name: Option<Private<String>>,
    /// What was dialled.
    pub dialled: String,
    /// Where it begins.
    pub state: State,
    /// Its INVITE; none when we have called who calls.
    pub invite: Option<ServerId>,
    /// The leg of who called.
    pub caller: Leg,
}

impl Call {
    /// Takes note of what a stream at the table was ordered; another role ends what its peer read.
    pub fn ordered(&mut self, order: &MediaOrder) {
        match order {
            MediaOrder::Role { stream, role } => {
                self.roles.get_mut(stream).into_iter().for_each(|last| last.clone_from(role));
                self.reads.remove(stream);
            }
            MediaOrder::Close { stream } => {
                self.roles.remove(stream);
                self.reads.remove(stream);
            }
            _ => {}
        }
    }

    /// A call that nobody has answered yet.
    #[must_use]
    pub fn new(born: Born) -> Self {
        Self {
            id: born.id,
            incident: born.incident,
            origin: born.origin,
            during: born.during,
            hops: born.hops,
            received: born.received,
            number: born.number,
            name: born.name,
            brief: Arc::default(),
            dialled: born.dialled,
            state: born.state,
            invite: born.invite,
            caller: born.caller,
            queue: None,
            priority: 0,
            known: None,
            callable: None,
            returning: false,
            linked: false,
            asked: Asked::default(),
            listen: true,
            refuse: false,
            talked: false,
            placed: false,
            laned: false,
            early: None,
            keys: BTreeMap::new(),
            keys_kept: 0,
            typed: VecDeque::new(),
            machines: Vec::new(),
            quiet: None,
            verdict: None,
            callback: None,
            lane: Lane::Usual,
            wants: Vec::new(),
            last: None,
            answer: AnswerMode::OnAgent,
            ringing: BTreeMap::new(),
            calling: None,
            talk: None,
            recorded: false,
            streams: Vec::new(),
            ended: None,
            reason: None,
            left: None,
            parties: BTreeMap::new(),
            inviting: BTreeMap::new(),
            next_party: 0,
            private: false,
            roles: BTreeMap::new(),
            reads: BTreeMap::new(),
            packets: (0, 0),
            quality: [None; 2],
            mute: [false; 2],
            writing: writing::Writing::default(),
        }
    }

    /// The stage that an ending now would have.
    #[must_use]
    pub fn stage(&self) -> Stage {
        match self.state {
            State::Arriving => Stage::Arriving,
            State::Waiting if self.ringing.is_empty() => Stage::Waiting,
            State::Waiting | State::Calling => Stage::Ringing,
            State::Talking => Stage::Talking,
            State::Test => Stage::Test,
            State::Closing(ending) => ending.stage,
        }
    }

    /// Whether the caller hears somebody who was brought in.
    #[must_use]
    pub fn has_company(&self) -> bool {
        self.parties.values().any(|party| party.part == Part::Talk && party.is_heard())
    }

    /// The carrier that it came from; none when a seat dialled.
    #[must_use]
    pub const fn trunk(&self) -> Option<&TrunkId> {
        match &self.origin {
            Origin::Trunk(trunk) => Some(trunk),
            Origin::Dialled(_) => None,
        }
    }

    /// The leg of whoever has the call: who answered, or who dialled.
    #[must_use]
    pub const fn operator_side(&self) -> Side {
        match &self.origin {
            Origin::Trunk(_) => Side::Seat,
            Origin::Dialled(_) => Side::Caller,
        }
    }

    /// The seat at one side of it.
    #[must_use]
    pub fn seat(&self, side: Side) -> Option<&SeatId> {
        match (side, &self.origin) {
            (Side::Caller, Origin::Dialled(who)) => who.seat(),
            (Side::Caller, Origin::Trunk(_)) => None,
            (Side::Seat, _) => self.talk.as_ref().and_then(|talk| talk.with.seat()),
            (Side::Guest(party), _) => self.parties.get(&party).and_then(|it| it.who.seat()),
        }
    }

    /// Max-Forwards of a request sent on for this call, one less than it came with; none when it
    /// may not leave us again (483). So calls that circle between centres come to an end.
    #[must_use]
    pub const fn hops_onward(&self) -> Option<u32> {
        self.hops.checked_sub(1)
    }

    /// Whether it is over.
    #[must_use]
    pub const fn is_closing(&self) -> bool {
        matches!(self.state, State::Closing(_))
    }

    /// The sides of all its legs.
    #[must_use]
    pub fn sides(&self) -> Vec<Side> {
        let guests = self.parties.keys().map(|party| Side::Guest(*party));
        [Side::Caller, Side::Seat].into_iter().chain(guests).collect()
    }

    /// A leg by its side.
    #[must_use]
    pub fn leg(&self, side: Side) -> Option<&Leg> {
        match side {
            Side::Caller => Some(&self.caller),
            Side::Seat => self.talk.as_ref().map(|talk| &talk.leg),
            Side::Guest(party) => self.parties.get(&party).map(|party| &party.leg),
        }
    }

    /// A leg by its side, to be changed.
    pub fn leg_mut(&mut self, side: Side) -> Option<&mut Leg> {
        match side {
            Side::Caller => Some(&mut self.caller),
            Side::Seat => self.talk.as_mut().map(|talk| &mut talk.leg),
            Side::Guest(party) => self.parties.get_mut(&party).map(|party| &mut party.leg),
        }
    }
}
