//! What somebody did, as the audit lists it. It reads facts and changes none; numbers and names of
//! callers stay out of it.

use super::Fact;

/// One line of the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// A person, the token of a program, or a seat.
    pub by: String,
    /// What, in words.
    pub what: String,
    /// To which record, person, seat or number of a version.
    pub subject: String,
}

impl Fact {
    /// What somebody did, when the fact is something that somebody did.
    #[must_use]
    #[allow(clippy::too_many_lines, reason = "one arm for each kind of deed")]
    pub fn deed(&self) -> Option<Deed> {
        let (by, what, subject) = match self {
            Self::Audited { by, what, subject, .. } => (by, what.clone(), subject.clone()),
            Self::PickedUp { call, seat, by } => {
                (by, format!("picked up for {seat}"), call.to_string())
            }
            Self::Disposed { call, disposition, by } => {
                (by, format!("call judged as {}", disposition.word()), call.to_string())
            }
            Self::DispositionWithdrawn { call, by } => {
                (by, "judgement of a call taken back".to_owned(), call.to_string())
            }
            Self::NumberMarked { call, by, .. } => {
                (by, "number marked as a nuisance".to_owned(), call.to_string())
            }
            Self::NumberCleared { number, by } => {
                (by, "mark of a number taken back".to_owned(), number.to_string())
            }
            Self::WorkTried { work, seat, by, .. } => {
                (by, format!("called back from {seat}"), work.to_string())
            }
            Self::WorkClosed { work, by, .. } => {
                (by, "call back closed without a call".to_owned(), work.to_string())
            }
            Self::RecordingHeld { call, held, by, .. } => {
                let what = if *held { "recording held" } else { "recording let go" };
                (by, what.to_owned(), call.to_string())
            }
            Self::IncidentHeld(hold) => {
                let what = if hold.held { "incident held" } else { "incident let go" };
                (&hold.by, what.to_owned(), hold.incident.to_string())
            }
            Self::PartyInvited { call, to, part, by, .. } => {
                // A number outside is somebody's; the record of the call has it whole.
                let is_number = to.starts_with('+') || to.starts_with("tel:");
                let to = if is_number { "a number" } else { to };
                (by, format!("brought in {to} to {}", part.word()), call.to_string())
            }
            Self::PartyChanged { call, part, by, .. } => {
                (by, format!("part changed to {}", part.word()), call.to_string())
            }
            Self::PartyTookOver { call, by, .. } => {
                (by, "caller handed to who was brought in".to_owned(), call.to_string())
            }
            Self::ChainBegun(it) => {
                (&it.by, format!("chain {} begun", it.chain), it.call.to_string())
            }
            Self::ChainEnded(it) => {
                (&it.by, format!("chain {} {}", it.chain, it.verdict.word()), it.call.to_string())
            }
            Self::PrivateTalk { call, private, by } => {
                let what = if *private { "talk in private" } else { "talk with the caller again" };
                (by, what.to_owned(), call.to_string())
            }
            Self::IncidentOpened(opened) => {
                (&opened.by, "record made".to_owned(), opened.incident.to_string())
            }
            Self::IncidentEdited(edit) => {
                (&edit.by, "record edited".to_owned(), edit.incident.to_string())
            }
            Self::IncidentClosed(closing) => {
                (&closing.by, "record closed".to_owned(), closing.incident.to_string())
            }
            Self::IncidentReopened(again) => {
                (&again.by, "record opened again".to_owned(), again.incident.to_string())
            }
            Self::IncidentMerged(tie) => {
                (&tie.by, format!("record merged into {}", tie.other), tie.incident.to_string())
            }
            Self::IncidentUnmerged(tie) => {
                (&tie.by, format!("record taken out of {}", tie.other), tie.incident.to_string())
            }
            Self::IncidentLinked(tie) => {
                (&tie.by, format!("record linked with {}", tie.other), tie.incident.to_string())
            }
            Self::IncidentUnlinked(tie) => {
                (&tie.by, format!("link with {} taken back", tie.other), tie.incident.to_string())
            }
            Self::SeatChanged { seat, state, by } => {
                (by, format!("seat set to {state}"), seat.to_string())
            }
            Self::ConfigAdopted { digest, by } => {
                (by, "configuration adopted".to_owned(), digest.clone())
            }
            Self::ConfigRefused { mistakes, by } => {
                (by, format!("configuration refused, mistakes: {mistakes}"), String::new())
            }
            _ => return None,
        };
        // The gateway itself does much; it is nobody.
        (!by.is_empty()).then(|| Deed { by: by.clone(), what, subject })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::table::Part;
    use crate::vocabulary::{CallId, Private};

    #[test]
    fn a_deed_names_who_and_hides_numbers() {
        let number = Private::new("+6281234567890".to_owned());
        let by = "siti".to_owned();
        let deed = Fact::NumberCleared { number, by: by.clone() }.deed().expect("a deed");
        assert_eq!((deed.by.as_str(), deed.subject.as_str()), ("siti", "***90"));
        let (call, to) = (CallId::default(), "+6281234567890".to_owned());
        let invited = Fact::PartyInvited { call, party: 1, to, part: Part::Talk, by };
        assert!(!invited.deed().expect("a deed").what.contains("812"));
    }

    #[test]
    fn what_the_gateway_does_by_itself_is_no_deed() {
        let state = "ready".to_owned();
        let changed = Fact::SeatChanged { seat: "seat-1".into(), state, by: String::new() };
        assert_eq!(changed.deed(), None);
        assert_eq!(Fact::NodeStopped.deed(), None);
    }
}
