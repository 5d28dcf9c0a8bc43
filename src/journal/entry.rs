//! Every kind of fact that is kept for years, one variant each. Appended, never changed.

use serde::{Deserialize, Serialize};

use super::retention::{ClockJump, Erased, Hold, Ran};
use super::{Head, Signal};
use crate::call::AnswerUnusable;
use crate::call::quality::{Quality, TextCarried};
use crate::call::table::Part;
use crate::callout::{ChainBegun, ChainEnded, ChainTried, ChainTriedEnded};
use crate::incident::alert::Alerted;
use crate::incident::{
    Arrival, Closing, DataCame, Edit, IdentityChecked, Located, Opened, Reopening, Tie,
};
use crate::screening::{Disposition, Recalled, WorkId, WorkKind, WorkOutcome};
use crate::trunk::Malformed;
use crate::vocabulary::{
    AnswerMode, CallId, Ending, IncidentId, Lane, OfferId, OperatorId, Party, Private, QueueId,
    SeatId, TrunkId, WallTime, Want,
};

/// One kept fact and when it happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: WallTime,
    /// What.
    #[serde(flatten)]
    pub fact: Fact,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum Fact {
    /// The program started.
    NodeStarted {
        /// Program version.
        version: String,
    },
    /// The program stopped on request.
    NodeStopped,
    /// An INVITE from a known trunk came; on disk before the caller hears 180.
    Arrived {
        /// The call.
        call: CallId,
        /// Its incident.
        incident: IncidentId,
        /// The carrier.
        trunk: TrunkId,
        /// Transport and address that it came from, e.g. `udp:198.51.100.7:5060`.
        source: String,
        /// What the INVITE said.
        arrival: Box<Arrival>,
    },
    /// An alert came, without a call.
    AlertReceived(Box<Alerted>),
    /// Additional data of a call came after its INVITE.
    DataCame(Box<DataCame>),
    /// It is known who vouches for the caller's number.
    IdentityChecked(Box<IdentityChecked>),
    /// Something is known here of the number that calls.
    CallerRecalled(Box<Recalled>),
    /// A carrier sent what could not be read.
    MalformedMessage(Box<Malformed>),
    /// Routing decided.
    Queued {
        /// The call.
        call: CallId,
        /// Where it waits.
        queue: QueueId,
        /// The rule that said so.
        rule: String,
        /// 0 to 9, highest first.
        priority: u8,
        /// When the caller is answered.
        answer: AnswerMode,
        /// Skills that it asks of a seat.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        wants: Vec<Want>,
    },
    /// The call stands in another lane, or in its first one for a reason.
    Laned {
        /// The call.
        call: CallId,
        /// Which.
        lane: Lane,
        /// Why, in words.
        why: String,
    },
    /// The caller hears announcements before anybody answers.
    EarlyMedia {
        /// The call.
        call: CallId,
    },
    /// A caller of whom nothing was heard is asked to give a sign.
    Prompted {
        /// The call.
        call: CallId,
        /// 1 or 2.
        prompt: u8,
    },
    /// A side pressed a key of the telephone, while it waited or in a talk.
    Key {
        /// The call.
        call: CallId,
        /// The caller or the seat.
        by: Party,
        /// `0` to `9`, `*`, `#`, `A` to `D`.
        key: char,
        /// Milliseconds since the INVITE came.
        after_ms: u64,
    },
    /// Something was heard of a caller who waits, or a machine or an exchange at any side.
    Heard {
        /// The call.
        call: CallId,
        /// `voice`, `tap`, `noise`, `key` or `text`; `fax`, `text-telephone`, `ring-back`, `busy-tone`,
        /// `unobtainable`.
        sound: String,
        /// At which side.
        #[serde(default = "the_caller", skip_serializing_if = "is_the_caller")]
        by: Party,
        /// Milliseconds since the INVITE came.
        after_ms: u64,
    },
    /// Calls of the same number, or about the same event.
    Linked {
        /// The later call.
        call: CallId,
        /// The earlier one.
        to: CallId,
        /// `same number, 4 minutes before`.
        why: String,
    },
    /// A person took a caller out of turn.
    PickedUp {
        /// The call.
        call: CallId,
        /// For this seat.
        seat: SeatId,
        /// The token's name.
        by: String,
    },
    /// A person said what kind of call it was.
    Disposed {
        /// The call.
        call: CallId,
        /// What kind.
        disposition: Disposition,
        /// The token's name.
        by: String,
    },
    /// A person took back what they had said of a call: nobody has judged it any more.
    DispositionWithdrawn {
        /// The call.
        call: CallId,
        /// The token's name.
        by: String,
    },
    /// A person marked a number as a nuisance, until the mark expires.
    NumberMarked {
        /// E.164 where known.
        number: Private<String>,
        /// The call that it was marked for.
        call: CallId,
        /// When the mark expires.
        until: WallTime,
        /// The token's name.
        by: String,
    },
    /// Somebody told where a caller is, beside the INVITE or after it.
    Located(Box<Located>),
    /// A person took the mark of a number back.
    NumberCleared {
        /// The number.
        number: Private<String>,
        /// The token's name.
        by: String,
    },
    /// Many different numbers call from one place: marks do not count until it is over.
    MassIncident {
        /// `cell 510-10-1a2b-…` or `trunk telco-a`.
        place: String,
        /// Different numbers in the time of the window.
        callers: usize,
        /// It is over.
        over: bool,
    },
    /// Somebody is to be called back.
    WorkOpened {
        /// The entry of the work list.
        work: WorkId,
        /// The call that was lost.
        call: CallId,
        /// What happened.
        kind: WorkKind,
        /// The number to call; none can be called without one.
        number: Option<Private<String>>,
    },
    /// A seat calls back.
    WorkTried {
        /// The entry.
        work: WorkId,
        /// The call of the attempt.
        attempt: CallId,
        /// The seat.
        seat: SeatId,
        /// The token's name, or the seat's.
        by: String,
    },
    /// An attempt to call back is over.
    WorkTriedEnded {
        /// The entry.
        work: WorkId,
        /// The call of the attempt.
        attempt: CallId,
        /// What came of it.
        outcome: WorkOutcome,
    },
    /// An entry of the work list is done.
    WorkClosed {
        /// The entry.
        work: WorkId,
        /// Why, in words: `the caller rang again`, or what the person wrote.
        why: String,
        /// The call that closed it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by_call: Option<CallId>,
        /// The token's name; empty for the gateway itself.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        by: String,
    },
    /// The call went on to another queue as well.
    Overflowed {
        /// The call.
        call: CallId,
        /// The queue or number it goes on to.
        to: String,
        /// Why.
        why: String,
    },
    /// A seat's phone was invited.
    Offered {
        /// The call.
        call: CallId,
        /// This offer.
        offer: OfferId,
        /// The seat.
        seat: SeatId,
        /// Who sits there.
        operator: Option<OperatorId>,
    },
    /// An offer is over.
    OfferEnded {
        /// The call.
        call: CallId,
        /// The offer.
        offer: OfferId,
        /// The seat.
        seat: SeatId,
        /// How.
        outcome: OfferOutcome,
        /// The seat's final SIP status, when there was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
    },
    /// The caller's INVITE was answered with 200 before a seat was there.
    CallerAnswered {
        /// The call.
        call: CallId,
        /// Milliseconds since the INVITE came.
        after_ms: u64,
    },
    /// A seat answered and both sides were connected.
    Answered {
        /// The call.
        call: CallId,
        /// The seat.
        seat: SeatId,
        /// Who sits there.
        operator: Option<OperatorId>,
        /// Milliseconds since the INVITE came.
        after_ms: u64,
    },
    /// One side put the other on hold.
    Held {
        /// The call.
        call: CallId,
        /// Who did.
        by: Party,
    },
    /// One side took the other back from hold.
    Resumed {
        /// The call.
        call: CallId,
        /// Who did.
        by: Party,
    },
    /// A seat dialled, beside the queues.
    SeatDialled {
        /// The new call.
        call: CallId,
        /// Who dialled.
        seat: SeatId,
        /// A seat or a number.
        to: String,
        /// The emergency call that the seat was talking in: its record tells of this one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        during: Option<CallId>,
    },
    /// A call that a seat dialled is over.
    SeatCallEnded {
        /// The call.
        call: CallId,
        /// The emergency call that it belonged to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        during: Option<CallId>,
        /// How.
        ending: Ending,
    },
    /// Somebody beside the queues is called for this call.
    CalledOut {
        /// The call.
        call: CallId,
        /// A seat or a number.
        to: String,
        /// `overflow`, or the seat that transfers.
        why: String,
    },
    /// Whoever was called beside the queues has answered or not.
    CallOutEnded {
        /// The call.
        call: CallId,
        /// A seat or a number.
        to: String,
        /// The final SIP status; 200 is an answer, 487 taken back.
        status: u16,
    },
    /// The caller talks to somebody else from now on.
    Transferred {
        /// The call.
        call: CallId,
        /// Who transferred.
        from: SeatId,
        /// A seat, a number or a queue.
        to: String,
        /// The two had talked before.
        attended: bool,
    },
    /// The test call was answered.
    TestAnswered {
        /// The call.
        call: CallId,
        /// Milliseconds since the INVITE came.
        after_ms: u64,
    },
    /// The call is over.
    Ended {
        /// The call.
        call: CallId,
        /// How.
        ending: Ending,
        /// RTP packets that came from the caller; none when nobody has counted to the end, as
        /// for a call that a restart has ended.
        caller_packets: Option<u64>,
        /// RTP packets that came from the seat; none likewise.
        seat_packets: Option<u64>,
    },
    /// SIP messages of the call came and went; also for a while after its end.
    Signalled {
        /// The call.
        call: CallId,
        /// In their order.
        messages: Vec<Signal>,
        /// There were more, and none after these is kept.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        cut: bool,
    },
    /// A recording's file exists.
    RecordingStarted {
        /// The call.
        call: CallId,
        /// File name under the recordings folder.
        file: String,
    },
    /// A recording is closed and will not change again.
    RecordingSealed {
        /// The call.
        call: CallId,
        /// File name under the recordings folder.
        file: String,
        /// SHA-256 of the file.
        sha256: String,
        /// Length of the audio in milliseconds.
        millis: u64,
        /// Length of the file in bytes.
        bytes: u64,
    },
    /// A recording's file could not be written or sealed; the call went on.
    RecordingFailed {
        /// The call.
        call: CallId,
        /// The file, empty when none could be made.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        file: String,
        /// What was tried and what the system said.
        why: String,
    },
    /// After a failure a recording went on in a further file.
    RecordingResumed {
        /// The call.
        call: CallId,
        /// File name under the recordings folder.
        file: String,
        /// Milliseconds of the call that are in no file.
        missed_millis: u64,
    },
    /// Somebody said that a call's recording must be kept whatever its age, or need not any more.
    RecordingHeld {
        /// The call.
        call: CallId,
        /// Whether it must.
        held: bool,
        /// Who said so.
        by: String,
        /// Why.
        why: String,
    },
    /// A recording's file was deleted, with its key where it was encrypted.
    RecordingDeleted {
        /// The call.
        call: CallId,
        /// File name under the recordings folder.
        file: String,
        /// Why that was allowed, and why it was done.
        reason: String,
    },
    /// Somebody is called to be brought into a call.
    PartyInvited {
        /// The call.
        call: CallId,
        /// The number that they have in it.
        party: u8,
        /// A seat, or a number.
        to: String,
        /// The part that they will play.
        part: Part,
        /// Who asked.
        by: String,
    },
    /// They take part.
    PartyJoined {
        /// The call.
        call: CallId,
        /// Who.
        party: u8,
        /// With this part.
        part: Part,
    },
    /// They play another part.
    PartyChanged {
        /// The call.
        call: CallId,
        /// Who.
        party: u8,
        /// From now on.
        part: Part,
        /// Nobody hears them, whatever their part.
        #[serde(default)]
        muted: bool,
        /// Who asked.
        by: String,
    },
    /// Their phone holds the talk, or no more.
    PartyHeld {
        /// The call.
        call: CallId,
        /// Who.
        party: u8,
        /// Whether so.
        held: bool,
    },
    /// They do not take part any more, or never did.
    PartyLeft {
        /// The call.
        call: CallId,
        /// Who.
        party: u8,
        /// How it came.
        how: String,
    },
    /// They have the caller from now on.
    PartyTookOver {
        /// The call.
        call: CallId,
        /// Who.
        party: u8,
        /// Who asked; empty: the operator had left.
        by: String,
    },
    /// A person began to call somebody out, one contact after the other.
    ChainBegun(Box<ChainBegun>),
    /// One of them is called.
    ChainTried(Box<ChainTried>),
    /// That is over.
    ChainTriedEnded(Box<ChainTriedEnded>),
    /// Somebody comes, all were called in vain, or it was stopped.
    ChainEnded(Box<ChainEnded>),
    /// The caller hears nothing of the talk, or again.
    PrivateTalk {
        /// The call.
        call: CallId,
        /// Whether so.
        private: bool,
        /// Who asked.
        by: String,
    },
    /// Somebody wrote a line.
    TextWritten {
        /// The call.
        call: CallId,
        /// Who.
        by: Party,
        /// A seat, a number, or the name of a token; empty for the caller.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        name: String,
        /// When its first letter came.
        began: WallTime,
        /// What; U+FFFD stands for what was lost on the way.
        text: Private<String>,
    },
    /// Nothing comes from somebody who should speak; the call goes on.
    AudioStalled {
        /// The call.
        call: CallId,
        /// From whom.
        by: Party,
        /// Their reports of what they hear still come: they live.
        reports: bool,
    },
    /// They are heard again.
    AudioFlows {
        /// The call.
        call: CallId,
        /// Who.
        by: Party,
    },
    /// The caller says nothing in a talk, though audio comes.
    CallerQuiet {
        /// The call.
        call: CallId,
        /// For so long.
        seconds: u64,
    },
    /// The caller says something again.
    CallerSpeaks {
        /// The call.
        call: CallId,
    },
    /// How a leg was heard, told at its end.
    AudioHeard {
        /// The call.
        call: CallId,
        /// Whose leg.
        by: Party,
        /// So.
        quality: Quality,
    },
    /// A phone answered with a description that could not be used, and was let go.
    AnswerUnusable(Box<AnswerUnusable>),
    /// What became of a leg's text, told at its end.
    TextCarried(Box<TextCarried>),
    /// An outside recorder takes the call's audio.
    CopyStarted {
        /// The call.
        call: CallId,
        /// The recorder's trunk.
        recorder: TrunkId,
    },
    /// An outside recorder does not take the call's audio, or no more; the call went on.
    CopyFailed {
        /// The call.
        call: CallId,
        /// The recorder's trunk.
        recorder: TrunkId,
        /// What was tried and what came of it.
        why: String,
    },
    /// A record was made without a call.
    IncidentOpened(Box<Opened>),
    /// A person changed fields of a record's form.
    IncidentEdited(Box<Edit>),
    /// A person closed a record.
    IncidentClosed(Box<Closing>),
    /// A person opened a closed record again.
    IncidentReopened(Box<Reopening>),
    /// A person made one record part of another: both are of one event.
    IncidentMerged(Box<Tie>),
    /// A person took a record out of another again.
    IncidentUnmerged(Box<Tie>),
    /// A person said that two records have to do with each other.
    IncidentLinked(Box<Tie>),
    /// A person took that back.
    IncidentUnlinked(Box<Tie>),
    /// A seat changed its state.
    SeatChanged {
        /// The seat.
        seat: SeatId,
        /// `signed-out`, `ready`, `paused`, …: the acd room's words.
        state: String,
        /// Token or seat that did it; empty for the gateway itself.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        by: String,
    },
    /// A configuration was adopted.
    ConfigAdopted {
        /// SHA-256 of all its files.
        digest: String,
        /// Who asked: `start`, `SIGHUP`, a token's name.
        by: String,
    },
    /// A configuration was refused; the running one stayed.
    ConfigRefused {
        /// How many mistakes; warnings are none.
        mistakes: usize,
        /// Who asked.
        by: String,
    },
    /// A person read or fetched something personal.
    Audited {
        /// The token's name.
        by: String,
        /// What was done, e.g. `recording played`.
        what: String,
        /// The record concerned.
        subject: String,
        /// Why, as they typed; empty where none is asked for.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// The journal's end was signed.
    HeadSigned(Box<Head>),
    /// The wall clock was moved.
    ClockJumped(Box<ClockJump>),
    /// Somebody said that all of an incident must be kept, or need not any more.
    IncidentHeld(Box<Hold>),
    /// What is personal of a call was destroyed.
    PersonalErased(Box<Erased>),
    /// What was past its time was deleted.
    RetentionRan(Box<Ran>),
    /// Something is wrong that a person may have to mend.
    Alarm {
        /// Short stable name, e.g. `journal-slow`.
        name: String,
        /// What and where.
        detail: String,
    },
}

/// How an offer to a seat ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OfferOutcome {
    /// The seat answered.
    Answered,
    /// The seat's phone was busy (486, 600).
    Busy,
    /// The seat refused (any other final response).
    Declined,
    /// The seat rang and did not answer in time.
    NoAnswer,
    /// The phone could not be reached.
    Unreachable,
    /// The caller left while the seat rang.
    CallerLeft,
    /// Another seat has the call.
    Elsewhere,
    /// The seat was needed for a caller who had none.
    Needed,
}

const fn the_caller() -> Party {
    Party::Caller
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_the_caller(party: &Party) -> bool {
    matches!(party, Party::Caller)
}
