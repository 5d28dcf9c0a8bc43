//! Which call an entry is about, or which record: it shows there as a step. It reads facts and changes none.

use super::Fact;
use crate::incident::Step;
use crate::vocabulary::CallId;

impl Fact {
    /// The call that the fact is about, when it is about one.
    #[must_use]
    #[allow(clippy::too_many_lines, reason = "each fact is named, so that none is forgotten")]
    pub const fn call(&self) -> Option<CallId> {
        match self {
            Self::Arrived { call, .. }
            | Self::Queued { call, .. }
            | Self::Laned { call, .. }
            | Self::EarlyMedia { call }
            | Self::Prompted { call, .. }
            | Self::Heard { call, .. }
            | Self::Key { call, .. }
            | Self::Linked { call, .. }
            | Self::PickedUp { call, .. }
            | Self::Disposed { call, .. }
            | Self::DispositionWithdrawn { call, .. }
            | Self::NumberMarked { call, .. }
            | Self::WorkOpened { call, .. }
            | Self::Overflowed { call, .. }
            | Self::Offered { call, .. }
            | Self::OfferEnded { call, .. }
            | Self::CallerAnswered { call, .. }
            | Self::Answered { call, .. }
            | Self::Held { call, .. }
            | Self::Resumed { call, .. }
            | Self::CalledOut { call, .. }
            | Self::CallOutEnded { call, .. }
            | Self::Transferred { call, .. }
            | Self::TestAnswered { call, .. }
            | Self::Ended { call, .. }
            | Self::Signalled { call, .. }
            | Self::RecordingStarted { call, .. }
            | Self::RecordingSealed { call, .. }
            | Self::RecordingFailed { call, .. }
            | Self::RecordingResumed { call, .. }
            | Self::RecordingHeld { call, .. }
            | Self::RecordingDeleted { call, .. }
            | Self::PartyInvited { call, .. }
            | Self::PartyJoined { call, .. }
            | Self::PartyChanged { call, .. }
            | Self::PartyHeld { call, .. }
            | Self::PartyLeft { call, .. }
            | Self::PartyTookOver { call, .. }
            | Self::PrivateTalk { call, .. }
            | Self::TextWritten { call, .. }
            | Self::AudioStalled { call, .. }
            | Self::AudioFlows { call, .. }
            | Self::CallerQuiet { call, .. }
            | Self::CallerSpeaks { call }
            | Self::AudioHeard { call, .. }
            | Self::CopyStarted { call, .. }
            | Self::CopyFailed { call, .. } => Some(*call),
            Self::ChainBegun(chain) => Some(chain.call),
            Self::ChainTried(tried) => Some(tried.call),
            Self::ChainTriedEnded(tried) => Some(tried.call),
            Self::ChainEnded(chain) => Some(chain.call),
            Self::TextCarried(carried) => Some(carried.call),
            Self::AnswerUnusable(answer) => Some(answer.call),
            Self::AlertReceived(alerted) => Some(alerted.call),
            Self::DataCame(came) => Some(came.call),
            Self::IdentityChecked(checked) => Some(checked.call),
            Self::CallerRecalled(recalled) => Some(recalled.call),
            Self::SeatDialled { call, during, .. } | Self::SeatCallEnded { call, during, .. } => {
                match during {
                    Some(during) => Some(*during),
                    None => Some(*call),
                }
            }
            Self::Located(located) => located.call,
            Self::IncidentHeld(hold) => Some(hold.call),
            Self::PersonalErased(erased) => Some(erased.call),
            Self::MalformedMessage(_)
            | Self::NodeStarted { .. }
            | Self::NodeStopped
            | Self::NumberCleared { .. }
            | Self::MassIncident { .. }
            | Self::WorkTried { .. }
            | Self::WorkTriedEnded { .. }
            | Self::WorkClosed { .. }
            | Self::IncidentOpened(_)
            | Self::IncidentEdited(_)
            | Self::IncidentClosed(_)
            | Self::IncidentReopened(_)
            | Self::IncidentMerged(_)
            | Self::IncidentUnmerged(_)
            | Self::IncidentLinked(_)
            | Self::IncidentUnlinked(_)
            | Self::SeatChanged { .. }
            | Self::ConfigAdopted { .. }
            | Self::ConfigRefused { .. }
            | Self::HeadSigned(_)
            | Self::ClockJumped(_)
            | Self::RetentionRan(_)
            | Self::Audited { .. }
            | Self::Alarm { .. } => None,
        }
    }

    /// What it did to a record, when it did something.
    #[must_use]
    pub fn step(&self) -> Option<Step<'_>> {
        match self {
            Self::IncidentOpened(opened) => Some(Step::Opened(opened)),
            Self::IncidentEdited(edit) => Some(Step::Edited(edit)),
            Self::IncidentClosed(closing) => Some(Step::Closed(closing)),
            Self::IncidentReopened(reopening) => Some(Step::Reopened(reopening)),
            Self::IncidentMerged(tie) => Some(Step::Merged(tie)),
            Self::IncidentUnmerged(tie) => Some(Step::Unmerged(tie)),
            Self::IncidentLinked(tie) => Some(Step::Linked(tie)),
            Self::IncidentUnlinked(tie) => Some(Step::Unlinked(tie)),
            _ => None,
        }
    }
}
