//! Records as the desk knows them: the database's, with what was kept since and is not in there yet.
//!
//! It decides nothing about a record. While the database is away, hangs or takes nothing, what is asked of
//! one record is answered from the last hours of the journal: a form opens, and is written, all the same.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as AsyncMutex, MutexGuard};

use super::Console;
use super::desk::Boxed;
use super::live::board;
use super::problem::Problem;
use crate::journal::{Entry, Fact};
use crate::store::{CallNumber, KnownRecord, Standby, Store, StoreError};
use crate::telemetry::health::Check;
use crate::vocabulary::{IncidentId, WallTime};

/// Records that may be written at once; two that share a lock only wait for each other.
const LOCKS: usize = 64;
/// Lines that are remembered while the database is away; all are on disk.
const PENDING: usize = 10_000;
/// How long a form waits for a database that does not answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// What stands in for the database begins so long ago: more than a shift.
const RECENT_MICROS: i64 = 12 * 3_600_000_000;

/// The book of records.
pub(super) struct Book {
    locks: [AsyncMutex<()>; LOCKS],
    /// What was kept and may not be in the database yet, by the number of its line.
    pending: Mutex<Vec<(u64, Entry)>>,
    /// What stands in for a database that cannot be asked, as long as that lasts.
    standby: AsyncMutex<Option<Standby>>,
}

/// An answer about one record.
struct Told<T> {
    value: T,
    /// It is the database's own.
    usual: bool,
}

impl Default for Book {
    fn default() -> Self {
        Self {
            locks: std::array::from_fn(|_| AsyncMutex::default()),
            pending: Mutex::default(),
            standby: AsyncMutex::default(),
        }
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

    /// Asks something about one record of the database, or of what stands in for it. None: there is no
    /// such record.
    ///
    /// # Errors
    /// When neither can say it.
    pub(super) async fn ask<T: Send>(
        &self,
        console: &Console,
        what: impl Fn(Store) -> Boxed<'static, Result<Option<T>, StoreError>> + Send + Sync,
    ) -> Result<Option<T>, Problem> {
        Ok(self.told(console, what).await?.map(|told| told.value))
    }

    async fn told<T: Send>(
        &self,
        console: &Console,
        what: impl Fn(Store) -> Boxed<'static, Result<Option<T>, StoreError>> + Send + Sync,
    ) -> Result<Option<Told<T>>, Problem> {
        let of = |usual: bool| move |value| Told { value, usual };
        let trouble = is_in_trouble(console);
        let mut problem = None;
        if !trouble {
            match usual(console, &what).await {
                Ok(found) => {
                    self.stand_down();
                    return Ok(found.map(of(true)));
                }
                Err(why) => problem = Some(why),
            }
        }
        match self.stand_in(console).await {
            Ok(store) => match what(store).await {
                Ok(Some(found)) => return Ok(Some(Told { value: found, usual: false })),
                Ok(None) => {}
                Err(error) => problem = Some(error.into()),
            },
            Err(error) => problem = Some(error.into()),
        }
        match problem {
            Some(problem) if !trouble => Err(problem),
            // What is older may still be read.
            _ => Ok(usual(console, &what).await?.map(of(true))),
        }
    }

    /// What stands in for the database, as far as the journal is on disk.
    async fn stand_in(&self, console: &Console) -> Result<Store, StoreError> {
        let (journal, durable) = console.desk.journal();
        let until = *durable.borrow();
        let mut standby = self.standby.lock().await;
        if standby.is_none() {
            let since = WallTime(console.desk.now().0.saturating_sub(RECENT_MICROS));
            *standby = Some(Standby::begin(&console.desk.data(), &journal, since).await?);
        }
        match standby.as_mut() {
            Some(standby) => standby.caught_up(until).await,
            None => Ok(console.desk.store().clone()),
        }
    }

    /// The database is asked again: what stood in for it goes.
    fn stand_down(&self) {
        if let Ok(mut standby) = self.standby.try_lock() {
            standby.take();
        }
    }

    /// The record of an incident, by its id or its call's.
    pub(super) async fn find(&self, console: &Console, id: &str) -> Result<KnownRecord, Problem> {
        let wanted = id.to_owned();
        let told = self.told(console, move |store| {
            let id = wanted.clone();
            Box::pin(async move { store.record(&id).await })
        });
        let Told { value: mut known, usual } = match told.await {
            Ok(Some(told)) => told,
            Ok(None) => {
                let unknown = Problem::unknown_id("incident", id);
                Told { value: self.without_database(console, id, unknown).await?, usual: false }
            }
            Err(problem) => {
                Told { value: self.without_database(console, id, problem).await?, usual: false }
            }
        };
        if usual && is_in_trouble(console) {
            // It is older than what stands in, and what was written since is in there alone.
            let standby = self.standby.lock().await;
            if let Some(standby) = standby.as_ref() {
                known.add(&standby.steps(known.record.incident).await?);
            }
        }
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if usual {
            pending.retain(|(line, _)| *line > known.applied);
        }
        known.add(pending.iter());
        drop(pending);
        Ok(known)
    }

    /// A record that the database does not have, or cannot say: of a live call, or made just now.
    async fn without_database(
        &self,
        console: &Console,
        id: &str,
        problem: Problem,
    ) -> Result<KnownRecord, Problem> {
        if let Ok(incident) = id.parse::<IncidentId>() {
            let pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            let opened = |entry: &Entry| matches!(&entry.fact, Fact::IncidentOpened(opened) if opened.incident == incident);
            if pending.iter().any(|(_, entry)| opened(entry)) {
                return Ok(KnownRecord::new(incident, Vec::new()));
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
        Ok(KnownRecord::new(incident, calls))
    }
}

/// Whether the database is known not to be written, so that it may be behind for long.
fn is_in_trouble(console: &Console) -> bool {
    let checks = console.desk.health().checks;
    checks.iter().any(|check| check.check == Check::Store && check.trouble.is_some())
}

/// What the database itself says, within the time that a person at a form can wait.
async fn usual<T: Send>(
    console: &Console,
    what: &(impl Fn(Store) -> Boxed<'static, Result<Option<T>, StoreError>> + Send + Sync),
) -> Result<Option<T>, Problem> {
    let asked = what(console.desk.store().clone());
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Problem::records_silent()),
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
