//! A session that ends by time leaves nobody at its seat: where no phone but that of a browser is, the seat takes
//! no call any more, and people are told. A talk goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::desk::ServerDesk;
use crate::console::Desk as _;
use crate::journal::Fact;
use crate::switchboard::orders::Order;
use crate::telemetry::metrics;
use crate::vocabulary::{OperatorId, SeatId};

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(5);
/// Who is told to have let somebody leave.
const BY: &str = "session over";

/// Watches for as long as the program runs.
pub(super) fn watch(desk: Arc<ServerDesk>) {
    tokio::spawn(async move {
        let mut tick = tokio::time::interval(EVERY);
        let mut before: BTreeMap<SeatId, OperatorId> = BTreeMap::new();
        // Whoever leaves by themselves does so between two looks: only what is so at the second counts.
        let mut gone: BTreeSet<(SeatId, OperatorId)> = BTreeSet::new();
        loop {
            tick.tick().await;
            let sits: BTreeMap<_, _> = desk.accounts.sitting(desk.now()).into_iter().collect();
            let still = |(seat, operator): &(SeatId, OperatorId)| sits.get(seat) != Some(operator);
            for left in std::mem::take(&mut gone).into_iter().filter(still) {
                if !end(&desk, &left.0, &left.1).await {
                    gone.insert(left);
                }
            }
            gone.extend(std::mem::replace(&mut before, sits.clone()).into_iter().filter(still));
        }
    });
}

/// Lets somebody leave whose session is over; false when it is to be tried again.
async fn end(desk: &ServerDesk, seat: &SeatId, operator: &OperatorId) -> bool {
    let Ok(board) = desk.board().await else { return false };
    let there = board.seats.iter().find(|view| view.seat == *seat);
    let Some(view) = there.filter(|view| view.signed_in.as_ref() == Some(operator)) else {
        return true;
    };
    if view.desk_phones > 0 {
        // Somebody works there without a page. Should the phone go, the seat is signed out anyway.
        return true;
    }
    let order = Order::Sit { seat: seat.clone(), operator: None, by: BY.to_owned() };
    if desk.order(order).await.is_err() {
        return false;
    }
    let detail = format!("{seat}: the session of {operator} is over, and nobody else is there");
    tracing::warn!(alarm = "session-over", detail, "alarm");
    metrics::alarm("session-over");
    desk.keep(Fact::Alarm { name: "session-over".to_owned(), detail });
    true
}
