//! What the records add to a screen pop: earlier calls of the number, marks, how long the caller waits.
//!
//! A database that does not answer at once is not waited for: the pop goes out without it and says so.

use std::time::Duration;

use serde_json::{Value, json};

use super::event::{Event, SCREEN_POP};
use crate::store::{EarlierCall, Store, StoreError};
use crate::vocabulary::WallTime;

/// The longest that the records are waited for: the pop shall be there within 100 ms of the INVITE.
const PATIENCE: Duration = Duration::from_millis(60);
/// A caller whose call was lost returns within this time, in microseconds.
const RETURNS: i64 = 3_600_000_000;
/// So many calls within a day are many.
const MANY: usize = 3;
const DAY: i64 = 86_400_000_000;

/// Fills a screen pop; leaves any other event as it is.
pub async fn fill(event: &mut Event, store: &Store, now: &(dyn Fn() -> WallTime + Send + Sync)) {
    if event.kind != SCREEN_POP {
        return;
    }
    if let Some((number, call)) = event.ask.take() {
        let at = WallTime(event.received);
        let asked = async {
            let calls = store.earlier(&number, call).await?;
            Ok::<_, StoreError>((calls, store.is_marked(&number, at).await?))
        };
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok((mut calls, marked))) => {
                // Told again later, it says what was known when the call came.
                calls.retain(|call| call.received_at.0 <= at);
                event.flag(flags(&calls, marked, event.received));
                event.add("history", serde_json::to_value(&calls).unwrap_or_default());
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "a screen pop goes without earlier calls");
                event.add("history", Value::Null);
            }
            Err(_) => event.add("history", Value::Null),
        }
    }
    let waited = (now().0 - event.received).max(0) / 1000;
    event.add("waiting_ms", json!(waited));
}

fn flags(calls: &[EarlierCall], marked: bool, received: i64) -> Vec<&'static str> {
    let ago = |call: &EarlierCall| received - call.received_at.0.0;
    let lost = |call: &EarlierCall| {
        ago(call) < RETURNS && call.outcome.as_deref().is_some_and(|outcome| outcome == "abandoned")
    };
    let told = [
        ("marked", marked),
        ("returning", calls.first().is_some_and(lost)),
        ("many-calls", calls.iter().filter(|call| ago(call) < DAY).count() >= MANY),
    ];
    told.into_iter().filter_map(|(flag, is)| is.then_some(flag)).collect()
}
