//! Journal lines → rows. Each line is applied once, in order, whoever does it: the check and the
//! rows are in one transaction.

use serde::Serialize;

use super::sql::{Tx, Value, insert_rows, query};
use crate::incident::CellKey;
use crate::incident::alert::Alerted;
use crate::journal::{Entry, Fact, Line, OfferOutcome, Signal};
use crate::vocabulary::{CallId, Ending, IncidentId, Stage, TrunkId, Uid, WallTime};

/// Applies those of `lines` that are not in yet, which are of the journal of `node`; returns the
/// number of the last line applied. An error within says that the lines do not follow those in the
/// database, and which is the last of these.
pub(super) async fn batch(
    mut tx: Tx,
    node: &str,
    lines: &[Line],
) -> sqlx::Result<Result<u64, u64>> {
    let found = super::node::applied(&mut tx, node).await?.ok_or(sqlx::Error::RowNotFound)?;
    tx.set_node(found.id);
    let (mut seq, mut link) = (found.seq, found.link);
    let before = seq;
    let (mut steps, mut signals) = (Vec::new(), Vec::new());
    for line in lines {
        let here = line.link.to_string();
        let same =
            if line.seq == seq { here == link } else { line.seq != seq + 1 || line.prev == link };
        if !same && seq > 0 {
            return Ok(Err(seq));
        }
        if line.seq <= seq {
            continue;
        }
        (seq, link) = (line.seq, here);
        if let Some(Entry { at, fact: Fact::Signalled { call, messages, cut } }) = &line.entry {
            let messages = messages.iter().map(Some).chain(cut.then_some(None));
            let kept = |(part, message)| (seq, part, *call, at.0, message);
            signals.extend((0_i64..).zip(messages).map(kept));
        } else if let Some(entry) = &line.entry {
            if matches!(entry.fact, Fact::PersonalErased(_)) {
                // What stands before it is to go as well.
                keep_steps(&mut tx, &steps).await?;
                keep_signals(&mut tx, &signals).await?;
                steps.clear();
                signals.clear();
            }
            row(&mut tx, signed(seq), entry).await?;
            super::audit::keep(&mut tx, seq, entry).await?;
            super::search::keep_said(&mut tx, &entry.fact).await?;
            if let Some(of) = written_about(&entry.fact) {
                super::erase::written_after(&mut tx, of).await?;
            }
            steps.extend(entry.fact.call().map(|call| step(seq, call, entry)));
        }
    }
    if seq > before {
        keep_steps(&mut tx, &steps).await?;
        keep_signals(&mut tx, &signals).await?;
        super::node::advance(&mut tx, seq, &link).await?;
        tx.commit().await?;
    }
    Ok(Ok(seq))
}

/// What a fact says something personal about that people may write after it was erased.
fn written_about(fact: &Fact) -> Option<Uid> {
    match fact {
        Fact::NumberMarked { call, .. }
        | Fact::WorkOpened { call, .. }
        | Fact::TextWritten { call, .. } => Some(call.0),
        fact => fact.step().map(|step| step.incident().0),
    }
}

/// An entry as the record's time line shows it.
struct Step<'a> {
    seq: u64,
    call: CallId,
    entry: Shown<'a>,
}

#[derive(Serialize)]
struct Shown<'a> {
    at: String,
    #[serde(flatten)]
    fact: ShownFact<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ShownFact<'a> {
    Whole(&'a Fact),
    /// What an arrival said stands in the incident's own columns.
    Arrived {
        fact: &'static str,
        call: &'a CallId,
        incident: &'a IncidentId,
        trunk: &'a TrunkId,
        source: &'a str,
    },
}

fn step(seq: u64, call: CallId, entry: &Entry) -> Step<'_> {
    let fact = match &entry.fact {
        Fact::Arrived { call, incident, trunk, source, .. } => {
            ShownFact::Arrived { fact: "arrived", call, incident, trunk, source }
        }
        Fact::AlertReceived(alerted) => ShownFact::Arrived {
            fact: "alert-received",
            call: &alerted.call,
            incident: &alerted.incident,
            trunk: &alerted.trunk,
            source: &alerted.source,
        },
        fact => ShownFact::Whole(fact),
    };
    Step { seq, call, entry: Shown { at: entry.at.to_rfc3339(), fact } }
}

/// One step more, for an entry that does not name the call itself.
pub(super) async fn keep_step(
    tx: &mut Tx,
    seq: u64,
    call: CallId,
    entry: &Entry,
) -> sqlx::Result<()> {
    keep_steps(tx, &[step(seq, call, entry)]).await
}

/// All steps of a batch.
async fn keep_steps(tx: &mut Tx, steps: &[Step<'_>]) -> sqlx::Result<()> {
    let node = tx.node();
    let row = |step: &Step<'_>| {
        let entry =
            serde_json::to_string(&step.entry).map_err(|e| sqlx::Error::Encode(e.into()))?;
        Ok(vec![node.into(), signed(step.seq).into(), step.call.to_string().into(), entry.into()])
    };
    let rows = steps.iter().map(row).collect::<sqlx::Result<Vec<_>>>()?;
    insert_rows(tx, "INSERT INTO step (node, seq, call, entry)", rows).await
}

/// A message of a call, none for the word that no later one was kept: line, part of it, call, time.
type Kept<'a> = (u64, i64, CallId, i64, Option<&'a Signal>);

/// All messages of a batch.
async fn keep_signals(tx: &mut Tx, signals: &[Kept<'_>]) -> sqlx::Result<()> {
    let node = tx.node();
    let row = |(seq, part, call, at, signal): &Kept<'_>| {
        let text = |text: fn(&Signal) -> String| signal.map(text).unwrap_or_default();
        vec![
            Value::from(node),
            signed(*seq).into(),
            (*part).into(),
            call.to_string().into(),
            (*at).into(),
            signal.map_or("cut", |signal| signal.way.word()).into(),
            text(|signal| signal.peer.to_string()).into(),
            signal.map_or("", |signal| signal.transport.word()).into(),
            text(|signal| signal.local.to_string()).into(),
            text(|signal| signal.remote.to_string()).into(),
            signal.map_or(&b""[..], |signal| &signal.message.0).to_vec().into(),
        ]
    };
    let into = "INSERT INTO signal
                (node, seq, part, call, at, direction, peer, transport, local, remote, message)";
    insert_rows(tx, into, signals.iter().map(row)).await
}

#[allow(clippy::too_many_lines, reason = "one arm for each fact, each one or two statements")]
async fn row(tx: &mut Tx, seq: i64, entry: &Entry) -> sqlx::Result<()> {
    let at = entry.at.0;
    match &entry.fact {
        Fact::Arrived { .. } => arrived(tx, entry).await,
        Fact::Located(located) => super::locations::row(tx, seq, at, located).await,
        Fact::AlertReceived(alerted) => alert(tx, at, alerted).await,
        Fact::Queued { call, queue, rule, priority, answer, wants } => query(
            "UPDATE incident SET queue = ?, rule = ?, priority = ?, answer_mode = ?, queued_at = ?,
             wants = ?, stage = CASE stage WHEN 'arriving' THEN 'waiting' ELSE stage END
             WHERE call = ? AND ended_at IS NULL",
        )
        .bind(queue.as_str())
        .bind(rule)
        .bind(i64::from(*priority))
        .bind(answer.to_string())
        .bind(at)
        .bind(Some(spaced(wants)).filter(|wants| !wants.is_empty()))
        .bind(call.to_string())
        .execute(tx)
        .await
        .map(drop),
        Fact::Offered { call, offer, seat, operator } => {
            query(
                "INSERT INTO offer (node, seq, call, offer, seat, operator, at)
                 VALUES (?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(tx.node())
            .bind(seq)
            .bind(call.to_string())
            .bind(signed(offer.0))
            .bind(seat.as_str())
            .bind(operator.as_ref().map(|o| o.as_str()))
            .bind(at)
            .execute(tx)
            .await?;
            let live = "UPDATE incident SET stage = 'ringing'
                        WHERE call = ? AND ended_at IS NULL AND answered_at IS NULL";
            query(live).bind(call.to_string()).execute(tx).await.map(drop)
        }
        Fact::OfferEnded { call, offer, outcome, status, .. } => {
            query(
                "UPDATE offer SET ended_at = ?, outcome = ?, status = ?
                 WHERE call = ? AND offer = ? AND ended_at IS NULL",
            )
            .bind(at)
            .bind(word(outcome))
            .bind(status.map(i64::from))
            .bind(call.to_string())
            .bind(signed(offer.0))
            .execute(tx)
            .await?;
            if *outcome == OfferOutcome::Answered {
                return Ok(());
            }
            query(
                "UPDATE incident SET stage = 'waiting'
                 WHERE call = ?1 AND stage = 'ringing' AND ended_at IS NULL AND NOT EXISTS
                 (SELECT 1 FROM offer WHERE offer.call = ?1 AND offer.ended_at IS NULL)",
            )
            .bind(call.to_string())
            .execute(tx)
            .await
            .map(drop)
        }
        Fact::CallerAnswered { call, .. } => {
            let set = "UPDATE incident SET caller_answered_at = ? WHERE call = ?";
            query(set).bind(at).bind(call.to_string()).execute(tx).await.map(drop)
        }
        Fact::Answered { call, seat, operator, after_ms } => query(
            // A caller who is handed on, or waits again, was answered when somebody answered first.
            "UPDATE incident SET answered_at = coalesce(answered_at, ?),
             answer_ms = coalesce(answer_ms, ?), seat = ?, operator = ?,
             stage = 'talking' WHERE call = ? AND ended_at IS NULL",
        )
        .bind(at)
        .bind(signed(*after_ms))
        .bind(seat.as_str())
        .bind(operator.as_ref().map(|o| o.as_str()))
        .bind(call.to_string())
        .execute(tx)
        .await
        .map(drop),
        // A caller who waited too long was answered at a number.
        Fact::CallOutEnded { call, status: 200, .. } => query(
            "UPDATE incident SET answered_at = ?1, answer_ms = 
             CASE WHEN ?1 > received_at THEN (?1 - received_at) / 1000 ELSE 0 END,
             stage = 'talking' WHERE call = ?2 AND answered_at IS NULL AND ended_at IS NULL",
        )
        .bind(at)
        .bind(call.to_string())
        .execute(tx)
        .await
        .map(drop),
        Fact::TestAnswered { call, after_ms } => query(
            "UPDATE incident SET answered_at = ?, answer_ms = ?, stage = 'test'
             WHERE call = ? AND ended_at IS NULL",
        )
        .bind(at)
        .bind(signed(*after_ms))
        .bind(call.to_string())
        .execute(tx)
        .await
        .map(drop),
        Fact::Ended { call, ending, caller_packets, seat_packets } => query(
            "UPDATE incident SET ended_at = ?1, duration_ms =
             CASE WHEN ?1 > received_at THEN (?1 - received_at) / 1000 ELSE 0 END,
             stage = ?, ended_by = ?, cause = ?, q850 = ?, outcome = ?, caller_packets = ?,
             seat_packets = ? WHERE call = ? AND ended_at IS NULL",
        )
        .bind(at)
        .bind(ending.stage.word())
        .bind(word(&ending.by))
        .bind(word(&ending.cause))
        .bind(ending.q850.map(i64::from))
        .bind(outcome(ending))
        .bind(caller_packets.map(signed))
        .bind(seat_packets.map(signed))
        .bind(call.to_string())
        .execute(tx)
        .await
        .map(drop),
        Fact::RecordingStarted { .. }
        | Fact::RecordingSealed { .. }
        | Fact::RecordingFailed { .. }
        | Fact::RecordingResumed { .. }
        | Fact::RecordingHeld { .. }
        | Fact::RecordingDeleted { .. } => super::recordings::row(tx, entry).await,
        Fact::IncidentHeld(hold) => super::hold::row(tx, entry.at, hold).await,
        Fact::PersonalErased(erased) => super::erase::erased(tx, entry.at, erased).await,
        Fact::RetentionRan(ran) => super::erase::ran(tx, seq, entry.at, ran).await,
        Fact::Audited { .. } => super::access::row(tx, seq, entry).await,
        Fact::Laned { .. }
        | Fact::Heard { .. }
        | Fact::Linked { .. }
        | Fact::Disposed { .. }
        | Fact::DispositionWithdrawn { .. }
        | Fact::NumberMarked { .. }
        | Fact::NumberCleared { .. }
        | Fact::WorkOpened { .. }
        | Fact::WorkTried { .. }
        | Fact::WorkTriedEnded { .. }
        | Fact::WorkClosed { .. }
        | Fact::SeatChanged { .. }
        | Fact::NodeStarted { .. }
        | Fact::NodeStopped => super::screened::row(tx, seq, entry).await,
        Fact::IncidentOpened(_)
        | Fact::IncidentEdited(_)
        | Fact::IncidentClosed(_)
        | Fact::IncidentReopened(_)
        | Fact::IncidentUnmerged(_)
        | Fact::IncidentLinked(_)
        | Fact::IncidentUnlinked(_) => super::record::row(tx, seq, entry).await,
        Fact::IncidentMerged(tie) => {
            super::record::row(tx, seq, entry).await?;
            super::hold::merged(tx, tie).await
        }
        Fact::SeatDialled { .. } => super::dialled::row(tx, entry).await,
        // Steps of the time line, messages (`keep_signals`), or facts about no call.
        Fact::DataCame(_)
        | Fact::IdentityChecked(_)
        | Fact::CallerRecalled(_)
        | Fact::MalformedMessage(_)
        | Fact::Overflowed { .. }
        | Fact::EarlyMedia { .. }
        | Fact::Prompted { .. }
        | Fact::PickedUp { .. }
        | Fact::MassIncident { .. }
        | Fact::Signalled { .. }
        | Fact::PartyInvited { .. }
        | Fact::PartyJoined { .. }
        | Fact::PartyChanged { .. }
        | Fact::PartyHeld { .. }
        | Fact::PartyLeft { .. }
        | Fact::PartyTookOver { .. }
        | Fact::ChainBegun(_)
        | Fact::ChainTried(_)
        | Fact::ChainTriedEnded(_)
        | Fact::ChainEnded(_)
        | Fact::PrivateTalk { .. }
        | Fact::TextWritten { .. }
        | Fact::AudioStalled { .. }
        | Fact::AudioFlows { .. }
        | Fact::AudioHeard { .. }
        | Fact::TextCarried(_)
        | Fact::AnswerUnusable(_)
        | Fact::CallerQuiet { .. }
        | Fact::CallerSpeaks { .. }
        | Fact::Key { .. }
        | Fact::CopyStarted { .. }
        | Fact::CopyFailed { .. }
        | Fact::Held { .. }
        | Fact::Resumed { .. }
        | Fact::SeatCallEnded { .. }
        | Fact::CalledOut { .. }
        | Fact::CallOutEnded { .. }
        | Fact::Transferred { .. }
        | Fact::ConfigAdopted { .. }
        | Fact::ConfigRefused { .. }
        | Fact::HeadSigned(_)
        | Fact::ClockJumped(_)
        | Fact::Alarm { .. } => Ok(()),
    }
}

async fn arrived(tx: &mut Tx, entry: &Entry) -> sqlx::Result<()> {
    let Fact::Arrived { call, incident, trunk, source, arrival } = &entry.fact else {
        return Ok(());
    };
    let facts = serde_json::to_string(arrival).map_err(|e| sqlx::Error::Encode(e.into()))?;
    query(
        "INSERT INTO incident (call, id, trunk, source, dialled, service, category, kecamatan,
         told_category, told_kecamatan, caller_raw, caller_e164, received_at, stage, node, place, cell)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6,
         coalesce((SELECT form.category FROM form WHERE form.incident = ?2), ?7),
         coalesce((SELECT form.kecamatan FROM form WHERE form.incident = ?2), ?8),
         ?7, ?8, ?9, ?10, ?11, 'arriving', ?12, ?13, ?14)
         ON CONFLICT (call) DO NOTHING",
    )
    .bind(call.to_string())
    .bind(incident.to_string())
    .bind(trunk.as_str())
    .bind(source)
    .bind(&arrival.dialled)
    .bind(&arrival.service)
    .bind(&arrival.category)
    .bind(&arrival.kecamatan)
    .bind(arrival.caller.phone.raw.reveal())
    .bind(arrival.caller.phone.e164.as_ref().map(|number| number.reveal()))
    .bind(entry.at.0)
    .bind(tx.node())
    .bind(super::locations::column(&arrival.place)?)
    .bind(arrival.cell.as_ref().and_then(CellKey::of).map(|cell| cell.to_string()))
    .execute(tx)
    .await?;
    query("INSERT INTO arrival (call, facts) VALUES (?, ?) ON CONFLICT (call) DO NOTHING")
        .bind(call.to_string())
        .bind(facts)
        .execute(tx)
        .await?;
    super::search::keep_number(tx, *call, &arrival.caller.phone).await
}

/// An alert is a record of its own that is over when it has come.
async fn alert(tx: &mut Tx, at: i64, alerted: &Alerted) -> sqlx::Result<()> {
    let Alerted { call, incident, trunk, source, arrival, alert } = alerted;
    let wrong = |e: serde_json::Error| sqlx::Error::Encode(e.into());
    let mut facts = serde_json::to_value(arrival).map_err(wrong)?;
    if let Some(facts) = facts.as_object_mut() {
        facts.insert("alert".to_owned(), serde_json::to_value(alert).map_err(wrong)?);
    }
    query(
        "INSERT INTO incident (call, id, trunk, source, dialled, service, category, kecamatan,
         told_category, told_kecamatan, caller_raw, received_at, stage, origin, node)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?7, ?8, ?9, ?10, 'none', 'cap', ?11)
         ON CONFLICT (call) DO NOTHING",
    )
    .bind(call.to_string())
    .bind(incident.to_string())
    .bind(trunk.as_str())
    .bind(source)
    .bind(&arrival.dialled)
    .bind(&arrival.service)
    .bind(&arrival.category)
    .bind(&arrival.kecamatan)
    .bind(arrival.caller.phone.raw.reveal())
    .bind(at)
    .bind(tx.node())
    .execute(tx)
    .await?;
    query("INSERT INTO arrival (call, facts) VALUES (?, ?) ON CONFLICT (call) DO NOTHING")
        .bind(call.to_string())
        .bind(facts.to_string())
        .execute(tx)
        .await
        .map(drop)
}

/// What became of a call, in one word: `answered`, `abandoned`, `test` or `other`. Records and
/// metrics both use it, so they cannot disagree.
#[must_use]
pub const fn outcome(ending: &Ending) -> &'static str {
    match ending.stage {
        Stage::Talking => "answered",
        Stage::Test => "test",
        Stage::Arriving | Stage::Waiting | Stage::Ringing if ending.is_abandoned() => "abandoned",
        Stage::Arriving | Stage::Waiting | Stage::Ringing => "other",
    }
}

/// The word that serde writes for a plain variant.
fn word(variant: &impl Serialize) -> String {
    match serde_json::to_value(variant) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(_) | Err(_) => String::new(),
    }
}

/// Values in one column, with spaces in between.
fn spaced(values: &[impl ToString]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// The databases' integers are signed; none of ours comes near the border.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Reads a time column.
pub(super) fn wall(micros: Option<i64>) -> Option<WallTime> {
    micros.map(WallTime)
}
