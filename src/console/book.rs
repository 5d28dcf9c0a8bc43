//! Records as the desk knows them: the database's, with what was kept since and is not in there yet.
//!
//! It decides nothing about a record. While the database is away, records of live calls and those that
//! were made meanwhile can be written all the same.

use std::sync::{Mutex, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, MutexGuard};

use super::Console;
use super::live::board;
use super::problem::Problem;
use crate::incident::Record;
use crate::journal::{Entry, Fact};
use crate::store::{CallNumber, KnownRecord};
use crate::vocabulary::{IncidentId, WallTime};

/// Records that may be written at once; two that share a lock only wait for each other.
const LOCKS: usize = 64;
/// Lines that are remembered while the database is away; all are on disk.
const PENDING: usize = 10_000;

/// The book of records.
pub(super) struct Book {
    locks: [AsyncMutex<()>; LOCKS],
    /// What was kept and may not be in the database yet, by the number of its line.
    pending: Mutex<Vec<(u64, Entry)>>,
}

impl Default for Book {
    fn default() -> Self {
        Self { locks: std::array::from_fn(|_| AsyncMutex::default()), pending: Mutex::default() }
    }
}

impl Book {
    fn place(incident: IncidentId) -> usize {
        incident.to_string().bytes().fold(0, |sum, byte| (sum * 31 + usize::from(byte)) % LOCKS)
    }

    /// Lets nobody else write to a record.
    pub(super) async fn lock(&self, incident: IncidentId) -> MutexGuard<'_, ()> {
        let [first, ..] = &self.locks;
        self.locks.get(Self::place(incident)).unwrap_or(first).lock().await
    }

    /// Lets nobody else write to two records; always in the same order, so that nobody waits for
    /// whoever waits for them.
    pub(super) async fn lock_two(
        &self,
        one: IncidentId,
        other: IncidentId,
    ) -> Vec<MutexGuard<'_, ()>> {
        let mut places = [Self::place(one), Self::place(other)];
        places.sort_unstable();
        let mut locks = Vec::new();
        let [first, second] = places;
        for place in std::iter::once(first).chain((second != first).then_some(second)) {
            if let Some(lock) = self.locks.get(place) {
                locks.push(lock.lock().await);
            }
        }
        locks
    }

    /// Remembers what was kept until the database has it.
    pub(super) fn kept(&self, line: u64, at: WallTime, fact: Fact) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.len() >= PENDING {
            pending.remove(0);
        }
        pending.push((line, Entry { at, fact }));
    }

    /// Adds to the steps of a record those that the database does not have yet.
    pub(super) fn add_pending(&self, incident: IncidentId, steps: &mut Vec<(u64, Entry)>) {
        let last = steps.last().map_or(0, |(line, _)| *line);
        let pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let concerns = |entry: &Entry| {
            let step = entry.fact.step();
            step.is_some_and(|s| s.incident() == incident || s.other() == Some(incident))
        };
        let newer = pending.iter().filter(|(line, entry)| *line > last && concerns(entry));
        steps.extend(newer.cloned());
    }

    /// The record of an incident, by its id or its call's.
    pub(super) async fn find(&self, console: &Console, id: &str) -> Result<KnownRecord, Problem> {
        let mut known = match console.desk.store().record(id).await {
            Ok(Some(known)) => known,
            Ok(None) => {
                self.without_database(console, id, Problem::unknown_id("incident", id)).await?
            }
            Err(error) => self.without_database(console, id, error.into()).await?,
        };
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.retain(|(line, _)| *line > known.applied);
        for (line, entry) in pending.iter() {
            if let Some(step) = entry.fact.step() {
                known.record.follow(*line, entry.at, step);
            }
        }
        Ok(known)
    }

    /// A record that the database does not have, or cannot say: of a live call, or made just now.
    async fn without_database(
        &self,
        console: &Console,
        id: &str,
        problem: Problem,
    ) -> Result<KnownRecord, Problem> {
        let made =
            |incident, calls| KnownRecord { record: Record::new(incident), applied: 0, calls };
        if let Ok(incident) = id.parse::<IncidentId>() {
            let pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            let opened = |entry: &Entry| matches!(&entry.fact, Fact::IncidentOpened(opened) if opened.incident == incident);
            if pending.iter().any(|(_, entry)| opened(entry)) {
                return Ok(made(incident, Vec::new()));
            }
        }
        let Ok(board) = board(console).await else { return Err(problem) };
        let is = |known: String| known.eq_ignore_ascii_case(id);
        let live = board.calls.into_iter().filter(|call| {
            call.trunk.is_some() && (is(call.incident.to_string()) || is(call.call.to_string()))
        });
        let live: Vec<_> = live.collect();
        let incident = live.first().map(|call| call.incident).ok_or(problem)?;
        let calls = live.into_iter();
        let calls = calls.map(|view| CallNumber { call: view.call, number: view.caller }).collect();
        Ok(made(incident, calls))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Uid;

    #[tokio::test]
    async fn two_records_are_locked_in_one_order_and_one_lock_is_not_taken_twice() {
        let book = Book::default();
        let id = |n| IncidentId(Uid::new(WallTime(0), n));
        let same = (1..).map(id).find(|other| Book::place(*other) == Book::place(id(0)));
        assert_eq!(book.lock_two(id(0), same.expect("one of them")).await.len(), 1);
        for n in 1..200 {
            let there = book.lock_two(id(0), id(n)).await.len();
            assert_eq!(book.lock_two(id(n), id(0)).await.len(), there);
        }
    }
}
