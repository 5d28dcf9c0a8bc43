//! Journal lines → rows, the part of the queue: lanes, signs of life, what people said of a call,
//! marks on numbers, the work list, and when seats were signed in.

use super::apply::keep_step;
use super::sql::{Tx, query};
use crate::journal::{Entry, Fact};
use crate::screening::WorkId;
use crate::vocabulary::{CallId, Party};

/// Rows of one fact; nothing for facts that `apply` knows itself.
pub(super) async fn row(tx: &mut Tx, seq: i64, entry: &Entry) -> sqlx::Result<()> {
    let at = entry.at.0;
    match &entry.fact {
        Fact::Laned { call, lane, why } => {
            let set = "UPDATE incident SET lane = ?, lane_why = ?
                       WHERE call = ? AND ended_at IS NULL";
            let set = query(set).bind(lane.word()).bind(why).bind(call.to_string());
            set.execute(tx).await.map(drop)
        }
        Fact::Heard { call, sound, by: Party::Caller, .. } => heard(tx, *call, sound).await,
        Fact::Linked { call, to, why } => {
            let insert = "INSERT INTO link (node, seq, call, earlier, why) VALUES (?, ?, ?, ?, ?)";
            let insert =
                query(insert).bind(tx.node()).bind(seq).bind(call.to_string()).bind(to.to_string());
            insert.bind(why).execute(tx).await.map(drop)
        }
        Fact::Disposed { call, disposition, by } => {
            let set = "UPDATE incident SET disposition = ?, disposed_by = ?, disposed_at = ?
                       WHERE call = ?";
            let set = query(set).bind(disposition.word()).bind(by).bind(at);
            set.bind(call.to_string()).execute(tx).await.map(drop)
        }
        Fact::DispositionWithdrawn { call, .. } => {
            let set =
                "UPDATE incident SET disposition = NULL, disposed_by = NULL, disposed_at = NULL
                       WHERE call = ?";
            query(set).bind(call.to_string()).execute(tx).await.map(drop)
        }
        Fact::NumberMarked { number, call, until, by } => query(
            "INSERT INTO mark (number, call, at, until, by, times) VALUES (?, ?, ?, ?, ?, 1)
             ON CONFLICT (number) DO UPDATE SET call = excluded.call, at = excluded.at,
             until = excluded.until, by = excluded.by,
             times = CASE WHEN mark.until <= excluded.at THEN 1
             WHEN mark.call = excluded.call THEN mark.times ELSE mark.times + 1 END",
        )
        .bind(number.reveal())
        .bind(call.to_string())
        .bind(at)
        .bind(until.0)
        .bind(by)
        .execute(tx)
        .await
        .map(drop),
        Fact::NumberCleared { number, .. } => {
            let delete = query("DELETE FROM mark WHERE number = ?").bind(number.reveal());
            delete.execute(tx).await.map(drop)
        }
        Fact::WorkOpened { .. } => opened(tx, entry).await,
        Fact::WorkTried { .. } | Fact::WorkTriedEnded { .. } | Fact::WorkClosed { .. } => {
            worked(tx, seq, entry).await
        }
        // What a person asked of a seat is not yet what the seat is.
        Fact::SeatChanged { seat, state, by } if by.is_empty() => {
            seat_is(tx, seq, at, seat.as_str(), state).await
        }
        // No phone is registered before the first one has registered again.
        Fact::NodeStarted { .. } | Fact::NodeStopped => {
            seat_is(tx, seq, at, "", "signed-out").await
        }
        _ => Ok(()),
    }
}

async fn heard(tx: &mut Tx, call: CallId, sound: &str) -> sqlx::Result<()> {
    // Each sound once, in the order of the first time.
    let set = "UPDATE incident SET heard = trim(coalesce(heard, '') || ' ' || ?1)
               WHERE call = ?2 AND ' ' || coalesce(heard, '') || ' ' NOT LIKE '% ' || ?1 || ' %'";
    query(set).bind(sound).bind(call.to_string()).execute(tx).await.map(drop)
}

/// Another lost call of the same number joins the entry that is open.
async fn opened(tx: &mut Tx, entry: &Entry) -> sqlx::Result<()> {
    let Fact::WorkOpened { work, call, kind, number } = &entry.fact else { return Ok(()) };
    let (work, call) = (work.to_string(), call.to_string());
    query(
        "INSERT INTO work (work, call, incident, kind, number, at, node)
         VALUES (?1, ?2, coalesce((SELECT id FROM incident WHERE call = ?2), ?2), ?3, ?4, ?5, ?6)
         ON CONFLICT (work) DO UPDATE SET kind = excluded.kind,
         number = coalesce(work.number, excluded.number)",
    )
    .bind(&work)
    .bind(&call)
    .bind(kind.word())
    .bind(number.as_ref().map(|number| number.reveal()))
    .bind(entry.at.0)
    .bind(tx.node())
    .execute(tx)
    .await?;
    query("INSERT INTO work_call (call, work) VALUES (?, ?) ON CONFLICT DO NOTHING")
        .bind(call)
        .bind(work)
        .execute(tx)
        .await
        .map(drop)
}

async fn worked(tx: &mut Tx, seq: i64, entry: &Entry) -> sqlx::Result<()> {
    let at = entry.at.0;
    match &entry.fact {
        Fact::WorkTried { work, attempt, seat, by } => {
            query(
                "INSERT INTO work_attempt (attempt, work, seat, by, at) VALUES (?, ?, ?, ?, ?)
                 ON CONFLICT (attempt) DO NOTHING",
            )
            .bind(attempt.to_string())
            .bind(work.to_string())
            .bind(seat.as_str())
            .bind(by)
            .bind(at)
            .execute(tx)
            .await?;
            super::dialled::row(tx, entry).await?;
            step(tx, seq, *work, entry).await
        }
        Fact::WorkTriedEnded { work, attempt, outcome } => {
            let set = "UPDATE work_attempt SET ended_at = ?, outcome = ?
                       WHERE attempt = ? AND ended_at IS NULL";
            let set = query(set).bind(at).bind(outcome.word()).bind(attempt.to_string());
            set.execute(tx).await?;
            step(tx, seq, *work, entry).await
        }
        Fact::WorkClosed { work, why, by_call, by } => {
            query(
                "UPDATE work SET closed_at = ?, why = ?, by_call = ?, by = ?
                 WHERE work = ? AND closed_at IS NULL",
            )
            .bind(at)
            .bind(why)
            .bind(by_call.map(|call| call.to_string()))
            .bind(Some(by).filter(|by| !by.is_empty()))
            .bind(work.to_string())
            .execute(tx)
            .await?;
            step(tx, seq, *work, entry).await
        }
        _ => Ok(()),
    }
}

/// What happens to an entry of the work list stands on the time line of the call that was lost.
async fn step(tx: &mut Tx, seq: i64, work: WorkId, entry: &Entry) -> sqlx::Result<()> {
    let lost = "SELECT call FROM work WHERE work = ?";
    let lost = query(lost).bind(work.to_string()).fetch_optional(tx).await?;
    let call: Option<String> = lost.map(|row| row.try_get("call")).transpose()?;
    match call.and_then(|call| call.parse().ok()) {
        Some(call) => keep_step(tx, seq.unsigned_abs(), call, entry).await,
        None => Ok(()),
    }
}

async fn seat_is(tx: &mut Tx, seq: i64, at: i64, seat: &str, state: &str) -> sqlx::Result<()> {
    let insert = "INSERT INTO seat_log (node, seq, seat, at, state) VALUES (?, ?, ?, ?, ?)";
    let insert = query(insert).bind(tx.node()).bind(seq).bind(seat).bind(at).bind(state);
    insert.execute(tx).await.map(drop)
}
