//! What a killed process left behind: calls without an ending and recordings without a seal are
//! closed, as is whoever was brought in, so that every INVITE has a whole record; the callers are handed
//! to the work list.

use super::clock::Clock;
use crate::callout::{ChainEnded, ChainTriedEnded, Outcome, Verdict};
use crate::journal::{Entry, Fact};
use crate::recording::Library;
use crate::store::{JournalHandle, OpenChain, Recovered};
use crate::switchboard::CutOff;
use crate::vocabulary::{CallId, Stage, WallTime};

/// Whoever was cut off longer ago has been reached by other ways, or by none.
const CUT_OFF_COUNTS_MICROS: i64 = 3_600_000_000;

/// Writes the missing entries; `records` says whether calls are recorded. Returns whose calls ended with the program and who is on no list yet:
/// the process may have been killed again before it came to that.
pub(super) fn close(
    recovered: &Recovered,
    recordings: &Library,
    records: bool,
    journal: &JournalHandle,
    clock: &Clock,
) -> Vec<CutOff> {
    let at = clock.now().wall;
    if recovered.torn {
        let detail = "the last line was cut off and has been removed; it was not acknowledged";
        let fact = Fact::Alarm { name: "journal-torn".to_owned(), detail: detail.to_owned() };
        journal.append(0, Entry { at, fact });
    }
    for (call, file) in &recovered.open_recordings {
        journal.append(0, Entry { at, fact: sealed(recordings, *call, file) });
    }
    for open in recovered.open_calls.iter().filter(|open| records && !open.recorded) {
        let call = open.call;
        let facts = match recordings.newest(call) {
            Some(file) => {
                let sealed = sealed(recordings, call, &file);
                vec![Fact::RecordingStarted { call, file }, sealed]
            }
            None if open.stage == Stage::Talking => {
                let why = "the program was stopped before the first sound".to_owned();
                vec![Fact::RecordingFailed { call, file: String::new(), why }]
            }
            None => Vec::new(),
        };
        facts.into_iter().for_each(|fact| journal.append(0, Entry { at, fact }));
    }
    for (call, party) in &recovered.open_parties {
        let fact =
            Fact::PartyLeft { call: *call, party: *party, how: "the program stopped".into() };
        journal.append(0, Entry { at, fact });
    }
    for chain in &recovered.open_chains {
        chain_facts(chain).into_iter().for_each(|fact| journal.append(0, Entry { at, fact }));
    }
    for open in &recovered.open_calls {
        tracing::warn!(call = %open.call, stage = open.stage.word(), "call ended by a restart");
        let (call, ending) = (open.call, open.ending());
        let fact = Fact::Ended { call, ending, caller_packets: None, seat_packets: None };
        journal.append(0, Entry { at, fact });
    }
    let oldest = WallTime(at.0.saturating_sub(CUT_OFF_COUNTS_MICROS));
    let before = recovered.cut_off.iter().filter(|lost| lost.at >= oldest).cloned();
    before.chain(recovered.open_calls.iter().filter_map(|open| open.cut_off(at))).collect()
}

/// A chain does not go on by itself: nobody may believe that it does.
fn chain_facts(open: &OpenChain) -> Vec<Fact> {
    const WHY: &str = "the program stopped";
    let OpenChain { call, chain, title, attempt } = open;
    let mut facts = Vec::new();
    if let Some((attempt, contact)) = attempt {
        facts.push(Fact::ChainTriedEnded(Box::new(ChainTriedEnded {
            call: *call,
            attempt: *attempt,
            contact: contact.clone(),
            outcome: Outcome::Stopped,
            answered_at: None,
            status: None,
        })));
    }
    facts.push(Fact::ChainEnded(Box::new(ChainEnded {
        call: *call,
        chain: chain.clone(),
        verdict: Verdict::Stopped,
        contact: None,
        agency: None,
        answered_at: None,
        by: String::new(),
        why: WHY.to_owned(),
    })));
    let detail = format!(
        "call {call}: the chain {title:?} stopped, {WHY}; nobody has said that they come, go on by hand"
    );
    facts.push(Fact::Alarm { name: "chain-stopped".to_owned(), detail });
    facts
}

fn sealed(recordings: &Library, call: CallId, file: &str) -> Fact {
    match recordings.seal_left_over(file) {
        Ok(sealed) => Fact::RecordingSealed {
            call,
            file: sealed.file,
            sha256: sealed.sha256,
            millis: sealed.millis,
            bytes: sealed.bytes,
        },
        Err(error) => {
            let (file, why) = (file.to_owned(), error.to_string());
            Fact::RecordingFailed { call, file, why }
        }
    }
}
