//! What people order: seats, callers out of turn, marks on numbers, the list of those to call back.
//!
//! Every order is answered in its turn and either carried out whole or refused; a refusal changes
//! nothing. Every change leaves a fact with the name of who ordered it.

use std::time::Duration;

use crate::acd;
use crate::call::{PartyId, State};
use crate::callout::Input;
use crate::journal::Fact;
use crate::routing;
use crate::screening::WorkId;
use crate::vocabulary::{CallId, Lane, Now, OperatorId, Private, QueueId, SeatId};

use super::Switchboard;
use super::inbound::ticket;
use super::orders::{Answer, Order, Refusal, SeatStatus};

/// The longest wrap-up that is asked for at once, seconds; the queue may allow less.
const WRAP_UP_MOST: u32 = 3600;
/// The word for a pause of which nobody says why.
const PAUSE: &str = "pause";
/// Reasons that a seat may be paused for at once: a page that makes up a new one each time fills nothing.
const PAUSES: usize = 8;

impl Switchboard {
    /// Carries out an order.
    ///
    /// # Errors
    /// Why it was not; nothing was changed.
    pub(super) fn obey(&mut self, now: Now, order: Order) -> Result<Answer, Refusal> {
        match order {
            Order::Board => return Ok(Answer::Board(Box::new(self.board(now)))),
            Order::Marks => return Ok(Answer::Marks(self.marks.list(now.wall))),
            Order::WorkList => return Ok(Answer::Work(self.work.list())),
            Order::ReportLocation { report } => {
                return Ok(Answer::Located(self.report(now, None, *report)));
            }
            Order::Join { call, to, part, by } => {
                return self.join(now, call, (&to, part), by).map(|party| Answer::Invited(party.0));
            }
            Order::ReadText { call } => return self.read_text(call),
            Order::WriteText { call, text, by } => self.write_text(now, call, &text, by),
            Order::SetPart { call, party, part, muted, by } => {
                self.set_part(now, call, PartyId(party), (part, muted), by)
            }
            Order::Remove { call, party, by } => self.remove_party(now, call, PartyId(party), &by),
            Order::TakeOver { call, party, by } => {
                self.guest_takes_over(now, call, PartyId(party), &by)
            }
            Order::BeginChain { call, chain, kecamatan, by } => {
                self.begin_chain(now, call, (chain, kecamatan), by)
            }
            Order::TakeChain { call, by } => self.tell_chain(now, call, Input::Take { by }),
            Order::NextInChain { call } => self.tell_chain(now, call, Input::Next),
            Order::StopChain { call, by } => {
                self.tell_chain(now, call, Input::Stop { by, why: String::new() })
            }
            Order::SetPrivate { call, private, by } => self.set_private(now, call, private, by),
            Order::SetSeat { seat, status, reason, by } => {
                self.set_seat(now, seat, status, reason.trim(), by)
            }
            Order::Sit { seat, operator, by } => self.sit(now, seat, operator, by),
            Order::ExtendWrapUp { seat, seconds, by } => {
                self.extend_wrap_up(now, seat, seconds, by)
            }
            Order::Move { call, queue, priority, lane, by } => {
                self.move_caller(now, call, (queue, priority, lane), &by)
            }
            Order::PickUp { call, seat, by } => self.pick_up(now, call, seat, by),
            Order::Dispose { call, disposition, by } => {
                // The call may be over for days.
                self.note(
                    now,
                    match disposition {
                        Some(disposition) => Fact::Disposed { call, disposition, by },
                        None => Fact::DispositionWithdrawn { call, by },
                    },
                );
                Ok(())
            }
            Order::MarkNumber { call, number, hours, by } => {
                self.mark_number(now, call, number, hours, by)
            }
            Order::ClearNumber { number, by } => self.clear_number(now, number, by),
            Order::CallBack { work, seat, by } => self.call_back(now, work, seat, by),
            Order::CloseWork { work, why, by } => self.close_work(now, work, why, by),
        }
        .map(|()| Answer::Done)
    }

    // ---- seats -------------------------------------------------------------------------------

    fn set_seat(
        &mut self,
        now: Now,
        seat: SeatId,
        status: SeatStatus,
        reason: &str,
        by: String,
    ) -> Result<(), Refusal> {
        self.know_seat(&seat)?;
        let (state, input) = match status {
            SeatStatus::Ready if reason.is_empty() => {
                ("set ready".to_owned(), acd::Input::Resume { seat: seat.clone(), why: None })
            }
            // Each pause stands for itself: this one is taken back, others stay.
            SeatStatus::Ready => {
                let pauses = self.acd.seats().find(|s| s.seat == seat).map(|s| s.pauses);
                let why = pauses.into_iter().flatten().find(|pause| pause.word() == reason);
                if why.is_none() {
                    let what = format!("seat {seat} is not paused for {reason:?}");
                    return Err(Refusal::NotNow(what));
                }
                let input = acd::Input::Resume { seat: seat.clone(), why };
                (format!("set ready {reason}"), input)
            }
            SeatStatus::Paused if self.pauses_of(&seat) >= PAUSES => {
                let what = format!("seat {seat} is paused for {PAUSES} reasons already");
                return Err(Refusal::NotNow(what));
            }
            SeatStatus::Paused => {
                let reason = if reason.is_empty() { PAUSE } else { reason }.to_owned();
                let why = acd::Pause::Person(reason.clone());
                (format!("set paused {reason}"), acd::Input::Pause { seat: seat.clone(), why })
            }
        };
        self.note(now, Fact::SeatChanged { seat, state, by });
        self.acd.handle(now.moment, input);
        Ok(())
    }

    fn sit(
        &mut self,
        now: Now,
        seat: SeatId,
        operator: Option<OperatorId>,
        by: String,
    ) -> Result<(), Refusal> {
        self.know_seat(&seat)?;
        let state = match &operator {
            Some(operator) => {
                self.acd
                    .may_sit(&seat, operator)
                    .map_err(|why| Refusal::NotNow(format!("seat {seat}: {why}")))?;
                format!("signed in as {operator}")
            }
            None => "signed out".to_owned(),
        };
        // Who sat there before a restart is on the record, and that nobody leaves is nothing.
        if !by.is_empty() && (operator.is_some() || self.acd.sits(&seat).is_some()) {
            self.note(now, Fact::SeatChanged { seat: seat.clone(), state, by });
        }
        self.acd.handle(now.moment, acd::Input::Sit { seat, operator });
        Ok(())
    }

    fn pauses_of(&self, seat: &SeatId) -> usize {
        self.acd.seats().find(|s| s.seat == *seat).map_or(0, |s| s.pauses.len())
    }

    fn extend_wrap_up(
        &mut self,
        now: Now,
        seat: SeatId,
        seconds: u32,
        by: String,
    ) -> Result<(), Refusal> {
        self.know_seat(&seat)?;
        let wraps_up = self.acd.seats().any(|s| s.seat == seat && s.wrap_up_until.is_some());
        if !wraps_up {
            return Err(Refusal::NotNow(format!("seat {seat} does not wrap up a call")));
        }
        let seconds = seconds.min(WRAP_UP_MOST);
        let state = format!("set wrap-up {seconds} s");
        self.note(now, Fact::SeatChanged { seat: seat.clone(), state, by });
        let more = Duration::from_secs(seconds.into());
        self.acd.handle(now.moment, acd::Input::WrapUp { seat, more });
        Ok(())
    }

    pub(super) fn know_seat(&self, seat: &SeatId) -> Result<(), Refusal> {
        if self.acd.has_seat(seat) { Ok(()) } else { Err(Refusal::NoSuchSeat(seat.clone())) }
    }

    // ---- callers -----------------------------------------------------------------------------

    fn pick_up(&mut self, now: Now, call: CallId, seat: SeatId, by: String) -> Result<(), Refusal> {
        if self.calls.get(&call).is_none_or(|call| call.is_closing()) {
            return Err(Refusal::NoSuchCall(call));
        }
        self.know_seat(&seat)?;
        let held_back = self.is_held_back(call);
        let may =
            if held_back { self.acd.may_take(&seat) } else { self.acd.may_pick_up(call, &seat) };
        may.map_err(|why| Refusal::NotNow(why.to_owned()))?;
        self.note(now, Fact::PickedUp { call, seat: seat.clone(), by });
        if held_back {
            // The queue offers the caller to nobody else in between.
            self.acd.handle(now.moment, acd::Input::Gate { room: 0 });
            self.admit_picked_up(now, call);
        }
        self.acd.handle(now.moment, acd::Input::PickUp { call, seat });
        if held_back {
            self.acd.handle(now.moment, acd::Input::Gate { room: self.ports.len() / 2 });
        }
        Ok(())
    }

    /// Only who waits is moved; the place within a priority stays that of the INVITE.
    fn move_caller(
        &mut self,
        now: Now,
        id: CallId,
        (queue, priority, lane): (Option<QueueId>, Option<u8>, Option<Lane>),
        by: &str,
    ) -> Result<(), Refusal> {
        let call = self.calls.get_mut(&id).filter(|call| !call.is_closing());
        let call = call.ok_or(Refusal::NoSuchCall(id))?;
        let Some(here) = call.queue.clone().filter(|_| call.state == State::Waiting) else {
            return Err(Refusal::NotNow(format!("the call {id} does not wait in a queue")));
        };
        let queue = queue.unwrap_or(here);
        if !self.acd.has_queue(&queue) {
            return Err(Refusal::NoSuchQueue(queue));
        }
        // New rules leave it where a person has put it.
        call.placed = true;
        call.laned |= lane.is_some();
        let other = lane.filter(|lane| *lane != call.lane);
        call.lane = lane.unwrap_or(call.lane);
        let (answer, wants) = (call.answer, call.wants.clone());
        let priority = priority.unwrap_or(call.priority).min(9);
        let rule = format!("moved by {by}");
        if let Some(lane) = other {
            self.note(now, Fact::Laned { call: id, lane, why: rule.clone() });
        }
        self.assign(now, id, routing::Decision { queue, rule, priority, wants }, answer);
        if let Some(ticket) = self.calls.get(&id).and_then(|call| ticket(call)) {
            self.acd.handle(now.moment, acd::Input::Change(ticket));
        }
        Ok(())
    }

    // ---- numbers -----------------------------------------------------------------------------

    fn mark_number(
        &mut self,
        now: Now,
        call: CallId,
        number: Private<String>,
        hours: Option<u32>,
        by: String,
    ) -> Result<(), Refusal> {
        let lasts = hours.map(|hours| Duration::from_secs(u64::from(hours) * 3600));
        let lasts = lasts.unwrap_or(self.settings.screening.mark_lasts);
        let mark = self.marks.mark(now.wall, &number, lasts, &by, call);
        let until = mark.map_err(|why| Refusal::NotNow(why.to_string()))?.until;
        self.note(now, Fact::NumberMarked { number, call, until, by });
        Ok(())
    }

    fn clear_number(
        &mut self,
        now: Now,
        number: Private<String>,
        by: String,
    ) -> Result<(), Refusal> {
        if !self.marks.clear(&number) {
            return Err(Refusal::NotMarked);
        }
        self.note(now, Fact::NumberCleared { number, by });
        Ok(())
    }

    // ---- the work list -----------------------------------------------------------------------

    fn close_work(
        &mut self,
        now: Now,
        work: WorkId,
        why: String,
        by: String,
    ) -> Result<(), Refusal> {
        self.work.close(work).ok_or(Refusal::NoSuchWork(work))?;
        self.note(now, Fact::WorkClosed { work, why, by_call: None, by });
        Ok(())
    }
}
