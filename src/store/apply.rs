//! Journal lines → rows. Each line is applied once, in order, whoever does it: the check and the
//! rows are in one transaction.

use serde::Serialize;
use sqlx::{Connection, QueryBuilder, Row, Sqlite, SqliteConnection};

use crate::journal::{Entry, Fact, Line, OfferOutcome, Signal};
use crate::vocabulary::{CallId, Ending, IncidentId, Stage, TrunkId, WallTime};

/// Reads number and hash of the last line applied.
pub(super) async fn applied(connection: &mut SqliteConnection) -> sqlx::Result<(u64, String)> {
    let row =
        sqlx::query("SELECT seq, link FROM applied WHERE id = 1").fetch_one(connection).await?;
    let seq: i64 = row.try_get(0)?;
    Ok((seq.unsigned_abs(), row.try_get(1)?))
}

/// Applies those of `lines` that are not in yet; returns the number of the last line applied, or
/// none when the lines do not follow those in the database.
pub(super) async fn batch(
    connection: &mut SqliteConnection,
    lines: &[Line],
) -> sqlx::Result<Option<u64>> {
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    let (mut seq, mut link) = applied(&mut tx).await?;
    let before = seq;
    let (mut steps, mut signals) = (Vec::new(), Vec::new());
    for line in lines {
        let here = line.link.to_string();
        let same =
            if line.seq == seq { here == link } else { line.seq != seq + 1 || line.prev == link };
        if !same && seq > 0 {
            return Ok(None);
        }
        if line.seq <= seq {
            continue;
        }
        (seq, link) = (line.seq, here);
        if let Some(Entry { at, fact: Fact::Signalled { call, messages, cut } }) = &line.entry {
            let kept = |message| (*call, at.0, message);
            signals.extend(messages.iter().map(Some).map(kept));
            signals.extend(cut.then(|| kept(None)));
        } else if let Some(entry) = &line.entry {
            row(&mut tx, signed(seq), entry).await?;
            steps.extend(entry.fact.call().map(|call| step(seq, call, entry)));
        }
    }
    if seq > before {
        keep_steps(&mut tx, &steps).await?;
        keep_signals(&mut tx, &signals).await?;
        sqlx::query("UPDATE applied SET seq = ?, link = ? WHERE id = 1")
            .bind(signed(seq))
            .bind(link)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
    }
    Ok(Some(seq))
}

/// An entry as the record's time line shows it.
#[derive(Serialize)]
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
        fact => ShownFact::Whole(fact),
    };
    Step { seq, call, entry: Shown { at: entry.at.to_rfc3339(), fact } }
}

/// One step more, for an entry that does not name the call itself.
pub(super) async fn keep_step(
    tx: &mut SqliteConnection,
    seq: u64,
    call: CallId,
    entry: &Entry,
) -> sqlx::Result<()> {
    keep_steps(tx, &[step(seq, call, entry)]).await
}

/// All steps of a batch by one statement.
async fn keep_steps(tx: &mut SqliteConnection, steps: &[Step<'_>]) -> sqlx::Result<()> {
    let steps = serde_json::to_string(steps).map_err(|e| sqlx::Error::Encode(e.into()))?;
    sqlx::query(
        "INSERT INTO step (seq, call, entry)
         SELECT value ->> 'seq', value ->> 'call', value -> 'entry' FROM json_each(?)",
    )
    .bind(steps)
    .execute(tx)
    .await
    .map(drop)
}

/// Rows of one statement. Few sizes, so that each statement is prepared once.
const ROWS: [usize; 3] = [64, 8, 1];

/// All messages of a batch by few statements: each statement costs more than a row.
async fn keep_signals(
    tx: &mut SqliteConnection,
    mut signals: &[(CallId, i64, Option<&Signal>)],
) -> sqlx::Result<()> {
    for rows in ROWS {
        while let Some((first, rest)) = signals.split_at_checked(rows) {
            signals = rest;
            let mut sql = QueryBuilder::<Sqlite>::new(
                "INSERT INTO signal
                 (call, at, direction, peer, transport, local, remote, message) ",
            );
            sql.push_values(first, |mut row, (call, at, signal)| {
                row.push_bind(call.to_string()).push_bind(*at);
                row.push_bind(signal.map_or("cut", |signal| signal.way.word()));
                let text = |text: fn(&Signal) -> String| signal.map(text).unwrap_or_default();
                row.push_bind(text(|signal| signal.peer.to_string()))
                    .push_bind(signal.map_or("", |signal| signal.transport.word()))
                    .push_bind(text(|signal| signal.local.to_string()))
                    .push_bind(text(|signal| signal.remote.to_string()))
                    .push_bind(signal.map_or(&b""[..], |signal| &signal.message.0).to_vec());
            });
            sql.build().execute(&mut *tx).await?;
        }
    }
    Ok(())
}

#[allow(clippy::too_many_lines, reason = "one arm for each fact, each one or two statements")]
async fn row(tx: &mut SqliteConnection, seq: i64, entry: &Entry) -> sqlx::Result<()> {
    let at = entry.at.0;
    match &entry.fact {
        Fact::Arrived { .. } => arrived(tx, entry).await,
        Fact::Queued { call, queue, rule, priority, answer, wants } => sqlx::query(
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
            sqlx::query(
                "INSERT INTO offer (seq, call, offer, seat, operator, at) VALUES (?, ?, ?, ?, ?, ?)",
            )
            .bind(seq)
            .bind(call.to_string())
            .bind(signed(offer.0))
            .bind(seat.as_str())
            .bind(operator.as_ref().map(|o| o.as_str()))
            .bind(at)
            .execute(&mut *tx)
            .await?;
            let live = "UPDATE incident SET stage = 'ringing'
                        WHERE call = ? AND ended_at IS NULL AND answered_at IS NULL";
            sqlx::query(live).bind(call.to_string()).execute(tx).await.map(drop)
        }
        Fact::OfferEnded { call, offer, outcome, status, .. } => {
            sqlx::query(
                "UPDATE offer SET ended_at = ?, outcome = ?, status = ?
                 WHERE call = ? AND offer = ? AND ended_at IS NULL",
            )
            .bind(at)
            .bind(word(outcome))
            .bind(status.map(i64::from))
            .bind(call.to_string())
            .bind(signed(offer.0))
            .execute(&mut *tx)
            .await?;
            if *outcome == OfferOutcome::Answered {
                return Ok(());
            }
            sqlx::query(
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
            sqlx::query(set).bind(at).bind(call.to_string()).execute(tx).await.map(drop)
        }
        Fact::Answered { call, seat, operator, after_ms } => sqlx::query(
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
        Fact::CallOutEnded { call, status: 200, .. } => sqlx::query(
            "UPDATE incident SET answered_at = ?1, answer_ms = max(0, ?1 - received_at) / 1000,
             stage = 'talking' WHERE call = ?2 AND answered_at IS NULL AND ended_at IS NULL",
        )
        .bind(at)
        .bind(call.to_string())
        .execute(tx)
        .await
        .map(drop),
        Fact::TestAnswered { call, after_ms } => sqlx::query(
            "UPDATE incident SET answered_at = ?, answer_ms = ?, stage = 'test'
             WHERE call = ? AND ended_at IS NULL",
        )
        .bind(at)
        .bind(signed(*after_ms))
        .bind(call.to_string())
        .execute(tx)
        .await
        .map(drop),
        Fact::Ended { call, ending, caller_packets, seat_packets } => sqlx::query(
            "UPDATE incident SET ended_at = ?, duration_ms = max(0, ? - received_at) / 1000,
             stage = ?, ended_by = ?, cause = ?, q850 = ?, outcome = ?, caller_packets = ?,
             seat_packets = ? WHERE call = ? AND ended_at IS NULL",
        )
        .bind(at)
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
        Fact::Laned { .. }
        | Fact::Heard { .. }
        | Fact::Linked { .. }
        | Fact::Disposed { .. }
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
        | Fact::IncidentMerged(_)
        | Fact::IncidentUnmerged(_)
        | Fact::IncidentLinked(_)
        | Fact::IncidentUnlinked(_) => super::record::row(tx, seq, entry).await,
        // Steps of the time line, messages (`keep_signals`), or facts about no call.
        Fact::Overflowed { .. }
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
        | Fact::PrivateTalk { .. }
        | Fact::TextWritten { .. }
        | Fact::AudioStalled { .. }
        | Fact::AudioFlows { .. }
        | Fact::AudioHeard { .. }
        | Fact::TextCarried(_)
        | Fact::CallerQuiet { .. }
        | Fact::CallerSpeaks { .. }
        | Fact::Key { .. }
        | Fact::CopyStarted { .. }
        | Fact::CopyFailed { .. }
        | Fact::Held { .. }
        | Fact::Resumed { .. }
        | Fact::SeatDialled { .. }
        | Fact::SeatCallEnded { .. }
        | Fact::CalledOut { .. }
        | Fact::CallOutEnded { .. }
        | Fact::Transferred { .. }
        | Fact::ConfigAdopted { .. }
        | Fact::ConfigRefused { .. }
        | Fact::Audited { .. }
        | Fact::Alarm { .. } => Ok(()),
    }
}

async fn arrived(tx: &mut SqliteConnection, entry: &Entry) -> sqlx::Result<()> {
    let Fact::Arrived { call, incident, trunk, source, arrival } = &entry.fact else {
        return Ok(());
    };
    let facts = serde_json::to_string(arrival).map_err(|e| sqlx::Error::Encode(e.into()))?;
    sqlx::query(
        "INSERT INTO incident (call, id, trunk, source, dialled, service, category, kecamatan,
         caller_raw, caller_e164, received_at, stage, facts)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'arriving', ?)
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
    .bind(facts)
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

/// SQLite's integers are signed; none of ours comes near the border.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Reads a time column.
pub(super) fn wall(micros: Option<i64>) -> Option<WallTime> {
    micros.map(WallTime)
}
