//! What a journal says was going on when its writer stopped: calls without an ending, recordings
//! without a seal, and callers whom an earlier start cut off and did not put onto the work list.
//!
//! It never reads a file; entries in, answer out.

use std::collections::{BTreeMap, BTreeSet};

use crate::journal::{Entry, Fact, OfferOutcome};
use crate::screening::{kind_of, known_number};
use crate::switchboard::CutOff;
use crate::vocabulary::{
    CallId, Cause, ChainId, ContactId, Ending, IncidentId, OfferId, OperatorId, Party, Phone,
    Private, Stage, WallTime,
};

/// What was found when a journal was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Number of the next line.
    pub next_seq: u64,
    /// When the last entry was kept.
    pub last_at: Option<WallTime>,
    /// The last line was cut off and has been removed: it was never acknowledged.
    pub torn: bool,
    /// Calls that arrived and never ended, oldest first.
    pub open_calls: Vec<OpenCall>,
    /// Calls that a restart ended, and of which the work list has not been told.
    pub cut_off: Vec<CutOff>,
    /// Every recording's file that was begun and neither sealed nor given up for good; those of calls
    /// that did end included.
    pub open_recordings: Vec<(CallId, String)>,
    /// Who was brought in, or was being called for it, and has not left, by their number in the call.
    pub open_parties: Vec<(CallId, u8)>,
    /// Chains that were begun and are not over.
    pub open_chains: Vec<OpenChain>,
}

/// A chain that the writer left in the middle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenChain {
    /// For which call.
    pub call: CallId,
    /// Which.
    pub chain: ChainId,
    /// What people call it.
    pub title: String,
    /// The attempt that lasted.
    pub attempt: Option<(u16, ContactId)>,
}

/// One call without an ending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenCall {
    /// The call.
    pub call: CallId,
    /// Its incident.
    pub incident: IncidentId,
    /// How far it had come.
    pub stage: Stage,
    /// Its recording's file name, when it was started and not closed.
    pub recording: Option<String>,
    /// Something was kept about its recording; nothing is when the writer stopped just after the answer.
    pub recorded: bool,
    /// The number by which its caller is known again.
    pub known: Option<Private<String>>,
    /// The number to call back, E.164.
    pub callable: Option<Private<String>>,
    /// Who talked to the caller last.
    pub operator: Option<OperatorId>,
}

impl OpenCall {
    /// How it ends: with the program.
    #[must_use]
    pub const fn ending(&self) -> Ending {
        Ending { stage: self.stage, by: Party::Gateway, cause: Cause::Restart, q850: None }
    }

    /// The call as the work list is told of it; none when its caller is not to be called back.
    #[must_use]
    pub fn cut_off(&self, at: WallTime) -> Option<CutOff> {
        kind_of(&self.ending(), None).map(|_| CutOff {
            call: self.call,
            incident: self.incident,
            known: self.known.clone(),
            callable: self.callable.clone(),
            operator: self.operator.clone(),
            at,
        })
    }
}

/// Follows entries in their order and knows what is open.
#[derive(Debug, Default)]
pub(super) struct OpenFacts {
    calls: BTreeMap<CallId, Live>,
    cut_off: BTreeMap<CallId, CutOff>,
    /// Files without a seal, and whether they have failed once: then they are to be repaired.
    recordings: BTreeMap<(CallId, String), bool>,
    parties: BTreeSet<(CallId, u8)>,
    chains: BTreeMap<CallId, OpenChain>,
    last_at: Option<WallTime>,
}

#[derive(Debug)]
struct Live {
    incident: IncidentId,
    stage: Stage,
    ringing: Vec<OfferId>,
    phone: Phone,
    operator: Option<OperatorId>,
    /// Something was kept about its recording.
    recorded: bool,
}

impl OpenFacts {
    pub(super) fn follow(&mut self, entry: &Entry) {
        self.last_at = Some(entry.at);
        if let Fact::RecordingStarted { call, .. } | Fact::RecordingFailed { call, .. } =
            &entry.fact
            && let Some(live) = self.calls.get_mut(call)
        {
            live.recorded = true;
        }
        match &entry.fact {
            Fact::Arrived { call, incident, arrival, .. } => {
                let live = Live {
                    incident: *incident,
                    stage: Stage::Arriving,
                    ringing: Vec::new(),
                    phone: arrival.caller.phone.clone(),
                    operator: None,
                    recorded: false,
                };
                self.calls.insert(*call, live);
            }
            Fact::Ended { call, ending, .. } => {
                let live = self.calls.remove(call).filter(|_| ending.cause == Cause::Restart);
                let lost = live.and_then(|live| live.open(*call, None).cut_off(entry.at));
                if let Some(lost) = lost {
                    self.cut_off.insert(*call, lost);
                }
            }
            Fact::WorkOpened { call, .. } => {
                self.cut_off.remove(call);
            }
            Fact::RecordingStarted { call, file } | Fact::RecordingResumed { call, file, .. } => {
                self.recordings.insert((*call, file.clone()), false);
            }
            Fact::RecordingSealed { call, file, .. } => {
                self.recordings.remove(&(*call, file.clone()));
            }
            Fact::RecordingFailed { call, file, .. } => self.failed(*call, file),
            fact => {
                self.company(fact);
                if let Some(live) = fact.call().and_then(|call| self.calls.get_mut(&call)) {
                    live.step(fact);
                }
            }
        }
    }

    /// Who was brought in, and who is called out.
    fn company(&mut self, fact: &Fact) {
        match fact {
            Fact::PartyInvited { call, party, .. } => drop(self.parties.insert((*call, *party))),
            Fact::PartyLeft { call, party, .. } | Fact::PartyTookOver { call, party, .. } => {
                self.parties.remove(&(*call, *party));
            }
            Fact::ChainBegun(begun) => {
                let (call, chain, title) = (begun.call, begun.chain.clone(), begun.title.clone());
                self.chains.insert(call, OpenChain { call, chain, title, attempt: None });
            }
            Fact::ChainTried(tried) => {
                if let Some(chain) = self.chains.get_mut(&tried.call) {
                    chain.attempt = Some((tried.attempt, tried.contact.clone()));
                }
            }
            Fact::ChainTriedEnded(tried) => {
                if let Some(chain) = self.chains.get_mut(&tried.call) {
                    chain.attempt = None;
                }
            }
            Fact::ChainEnded(ended) => drop(self.chains.remove(&ended.call)),
            _ => {}
        }
    }

    /// What failed twice is past repair. Entries of earlier versions name no file.
    fn failed(&mut self, call: CallId, file: &str) {
        self.recordings.retain(|(of, name), failed| {
            let gone = *of == call && (file.is_empty() || name == file && *failed);
            *failed |= *of == call && name == file;
            !gone
        });
    }

    pub(super) fn finish(self, next_seq: u64, torn: bool) -> Recovered {
        let open = |(call, live): (CallId, Live)| {
            let mut files = self.recordings.keys().filter(|(of, _)| *of == call);
            live.open(call, files.next_back().map(|(_, file)| file.clone()))
        };
        let open_calls = self.calls.into_iter().map(open).collect();
        Recovered {
            next_seq,
            last_at: self.last_at,
            torn,
            open_calls,
            cut_off: self.cut_off.into_values().collect(),
            open_recordings: self.recordings.into_keys().collect(),
            open_parties: self.parties.into_iter().collect(),
            open_chains: self.chains.into_values().collect(),
        }
    }
}

impl Live {
    fn open(self, call: CallId, recording: Option<String>) -> OpenCall {
        let Self { incident, stage, phone, operator, recorded, .. } = self;
        let known = known_number(&phone);
        let callable = phone.e164.filter(|_| known.is_some());
        OpenCall { call, incident, stage, recording, recorded, known, callable, operator }
    }

    fn step(&mut self, fact: &Fact) {
        match fact {
            // Who waits again has talked before; a queue may be told of while seats ring.
            Fact::Queued { .. } if self.stage != Stage::Ringing => self.stage = Stage::Waiting,
            Fact::Offered { offer, .. } if self.stage < Stage::Talking => {
                self.ringing.push(*offer);
                self.stage = Stage::Ringing;
            }
            Fact::OfferEnded { offer, outcome, .. } => {
                self.ringing.retain(|live| live != offer);
                let over = self.ringing.is_empty() && *outcome != OfferOutcome::Answered;
                if over && self.stage == Stage::Ringing {
                    self.stage = Stage::Waiting;
                }
            }
            Fact::Answered { operator, .. } => {
                self.stage = Stage::Talking;
                self.operator.clone_from(operator);
            }
            Fact::Transferred { .. }
            | Fact::PartyTookOver { .. }
            | Fact::CallOutEnded { status: 200, .. } => self.stage = Stage::Talking,
            Fact::TestAnswered { .. } => self.stage = Stage::Test,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::table::Part;
    use crate::vocabulary::{AnswerMode, Cause, Ending, Party, Uid, WallTime};

    fn call(n: u32) -> CallId {
        CallId(Uid::new(WallTime(1_000_000), n))
    }

    fn stage_after(facts: Vec<Fact>) -> Option<Stage> {
        let mut open = OpenFacts::default();
        facts.into_iter().for_each(|fact| open.follow(&Entry { at: WallTime(0), fact }));
        open.finish(1, false).open_calls.first().map(|call| call.stage)
    }

    #[test]
    fn the_stage_follows_the_facts() {
        let (call, seat) = (call(1), "seat-1".into());
        let seat: crate::vocabulary::SeatId = seat;
        let mut facts = Vec::new();
        let mut expect = |fact: Fact, stage: Option<Stage>| {
            facts.push(fact);
            assert_eq!(stage_after(facts.clone()), stage, "{facts:?}");
        };
        let offered =
            |n| Fact::Offered { call, offer: OfferId(n), seat: seat.clone(), operator: None };
        let ended = |n, outcome| Fact::OfferEnded {
            call,
            offer: OfferId(n),
            seat: seat.clone(),
            outcome,
            status: None,
        };
        let arrived = Fact::Arrived {
            call,
            incident: IncidentId(call.0),
            trunk: "t".into(),
            source: String::new(),
            arrival: Box::default(),
        };
        let queued = Fact::Queued {
            call,
            queue: "112".into(),
            rule: "all".into(),
            priority: 5,
            answer: AnswerMode::OnAgent,
            wants: Vec::new(),
        };
        let answered = Fact::Answered { call, seat: seat.clone(), operator: None, after_ms: 1 };
        let ending =
            Ending { stage: Stage::Talking, by: Party::Caller, cause: Cause::HungUp, q850: None };
        expect(arrived, Some(Stage::Arriving));
        expect(queued.clone(), Some(Stage::Waiting));
        expect(offered(1), Some(Stage::Ringing));
        expect(offered(2), Some(Stage::Ringing));
        expect(ended(1, OfferOutcome::Busy), Some(Stage::Ringing));
        expect(ended(2, OfferOutcome::NoAnswer), Some(Stage::Waiting));
        expect(offered(3), Some(Stage::Ringing));
        expect(ended(3, OfferOutcome::Answered), Some(Stage::Ringing));
        expect(answered, Some(Stage::Talking));
        // Whoever had the caller has left.
        expect(queued.clone(), Some(Stage::Waiting));
        expect(offered(4), Some(Stage::Ringing));
        expect(queued, Some(Stage::Ringing));
        expect(Fact::PartyTookOver { call, party: 1, by: "".into() }, Some(Stage::Talking));
        expect(Fact::Ended { call, ending, caller_packets: None, seat_packets: None }, None);
    }
    #[test]
    fn whoever_was_brought_in_is_there_until_they_leave_or_become_the_operator() {
        let (id, by) = (call(1), String::new());
        let invited = |party| {
            let (to, by) = ("+62811000113".into(), by.clone());
            Fact::PartyInvited { call: id, party, to, part: Part::Talk, by }
        };
        let joined = Fact::PartyJoined { call: id, party: 1, part: Part::Talk };
        let left = Fact::PartyLeft { call: id, party: 2, how: "hung up".into() };
        let took = Fact::PartyTookOver { call: id, party: 3, by: by.clone() };
        let mut open = OpenFacts::default();
        for fact in [invited(1), joined, invited(2), left, invited(3), took, invited(4)] {
            open.follow(&Entry { at: WallTime(0), fact });
        }
        assert_eq!(open.finish(1, false).open_parties, [(id, 1), (id, 4)]);
    }

    #[test]
    fn a_chain_that_is_not_over_is_found_with_the_attempt_that_lasted() {
        use crate::callout::{
            ChainBegun, ChainEnded, ChainTried, ChainTriedEnded, Outcome, Verdict,
        };
        let begun = |call, chain: &str| {
            let (chain, title, by) = (chain.into(), chain.to_owned(), "siti".to_owned());
            Fact::ChainBegun(Box::new(ChainBegun {
                call,
                chain,
                title,
                kecamatan: None,
                people: 2,
                by,
            }))
        };
        let tried = |call, attempt, contact: &str| {
            let (contact, name, agency, to) = (contact.into(), String::new(), None, "115".into());
            Fact::ChainTried(Box::new(ChainTried { call, attempt, contact, name, agency, to }))
        };
        let over = |call, attempt, contact: &str| {
            let (contact, outcome) = (contact.into(), Outcome::Busy);
            let (answered_at, status) = (None, Some(486));
            let over = ChainTriedEnded { call, attempt, contact, outcome, answered_at, status };
            Fact::ChainTriedEnded(Box::new(over))
        };
        let ended = |call, chain: &str| {
            Fact::ChainEnded(Box::new(ChainEnded {
                call,
                chain: chain.into(),
                verdict: Verdict::Exhausted,
                contact: None,
                agency: None,
                answered_at: None,
                by: String::new(),
                why: String::new(),
            }))
        };
        let (one, two) = (call(1), call(2));
        let mut open = OpenFacts::default();
        for fact in [
            begun(one, "laut"),
            tried(one, 1, "bpbd"),
            begun(two, "medis"),
            over(one, 1, "bpbd"),
            tried(one, 2, "sar"),
            tried(two, 1, "psc"),
            over(two, 1, "psc"),
            ended(two, "medis"),
        ] {
            open.follow(&Entry { at: WallTime(0), fact });
        }
        let found = open.finish(1, false).open_chains;
        let lasted = Some((2, "sar".into()));
        let (chain, title) = ("laut".into(), "laut".to_owned());
        assert_eq!(found, [OpenChain { call: one, chain, title, attempt: lasted }]);
    }
}
