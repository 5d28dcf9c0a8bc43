//! Whose a call, an incident or a seat is: an operator's are those of the seat where the configuration
//! says that the operator sits, and the incidents that the operator answered.

use super::Console;
use super::access::Holder;
use super::live::board;
use super::permissions::{About, Grant};
use super::problem::Problem;
use crate::agencies::Mine;
use crate::switchboard::view::{Board, CallView};
use crate::vocabulary::{OperatorId, SeatId};

/// Refuses what is not the holder's own, and what does not exist in the same words.
pub(super) async fn check(
    console: &Console,
    holder: &Holder,
    about: About,
    id: &str,
) -> Result<(), Problem> {
    let operator = operator(holder)?;
    let board = board(console).await?;
    let own = match about {
        About::Nothing => true,
        About::Seat => seats(&board, operator).any(|seat| seat.as_str() == id),
        About::Call => talks(&board, operator, |call, _| call.eq_ignore_ascii_case(id)),
        About::Incident => {
            let here = |call: &str, incident: &str| {
                call.eq_ignore_ascii_case(id) || incident.eq_ignore_ascii_case(id)
            };
            talks(&board, operator, here) || answered(console, id, operator).await?
        }
    };
    if own { Ok(()) } else { Err(Problem::not_own(operator)) }
}

/// Whether the operator answered a call of the incident.
async fn answered(console: &Console, id: &str, operator: &OperatorId) -> Result<bool, Problem> {
    let (id, operator) = (id.to_owned(), operator.to_string());
    let asked = console.records.ask(console, move |store| {
        let (id, operator) = (id.clone(), operator.clone());
        Box::pin(async move { Ok(store.answered_by(&id, &operator).await?.then_some(())) })
    });
    Ok(asked.await?.is_some())
}

/// For handlers whose request names the seat: refuses a seat of somebody else.
pub(super) async fn check_seat(
    console: &Console,
    holder: &Holder,
    grant: Grant,
    seat: &SeatId,
) -> Result<(), Problem> {
    if grant.own_only { check(console, holder, About::Seat, seat.as_str()).await } else { Ok(()) }
}

/// Whose calls are the holder's own.
pub(super) fn operator(holder: &Holder) -> Result<&OperatorId, Problem> {
    holder.operator.as_ref().ok_or_else(Problem::no_operator)
}

/// What is the holder's own at this moment, for a stream that goes on from here.
pub(super) async fn mine(console: &Console, holder: &Holder) -> Result<Mine, Problem> {
    let Some(operator) = &holder.operator else { return Ok(Mine::default()) };
    let board = board(console).await?;
    let here: Vec<SeatId> = seats(&board, operator).cloned().collect();
    let own = |call: &&CallView| {
        let id = call.call.to_string();
        talks(&board, operator, |wanted, _| wanted == id)
    };
    let now: Vec<_> = board.calls.iter().filter(own).map(|c| (c.call, c.incident)).collect();
    Ok(Mine::new(Some(operator.clone()), here, now))
}

fn seats<'b>(board: &'b Board, operator: &OperatorId) -> impl Iterator<Item = &'b SeatId> {
    let here = move |seat: &&crate::switchboard::view::SeatView| {
        seat.operator.as_ref().is_some_and(|sits| sits == operator)
    };
    board.seats.iter().filter(here).map(|seat| &seat.seat)
}

/// Whether the operator's seat rings or talks in a call of this id, or was brought into it.
fn talks(board: &Board, operator: &OperatorId, wanted: impl Fn(&str, &str) -> bool) -> bool {
    let seats: Vec<&SeatId> = seats(board, operator).collect();
    board.calls.iter().any(|call| {
        let there = |name: &str| seats.iter().any(|seat| seat.as_str() == name);
        wanted(&call.call.to_string(), &call.incident.to_string())
            && (call.seat.as_ref().is_some_and(|seat| there(seat.as_str()))
                || call.parties.iter().any(|party| there(&party.who)))
    })
}
