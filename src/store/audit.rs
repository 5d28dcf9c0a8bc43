//! Who did what: a row for each deed of the journal, and the question for them.

use std::fmt;
use std::str::FromStr;

use super::apply::signed;
use super::sql::{Tx, query};
use super::{Store, StoreError};
use crate::journal::Entry;
use crate::vocabulary::WallTime;

/// Which deeds; empty fields do not narrow. Newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Done at or after.
    pub since: Option<WallTime>,
    /// Done before.
    pub until: Option<WallTime>,
    /// By this person, token or seat.
    pub by: Option<String>,
    /// With this in what was done.
    pub what: Option<String>,
    /// To this record, person or seat.
    pub subject: Option<String>,
    /// Older than this one.
    pub before: Option<Place>,
    /// At most so many.
    pub limit: u32,
}

/// Where a deed stands among all: its time, its node, its line of that node's journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub(super) at: i64,
    pub(super) node: i64,
    pub(super) seq: i64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.at, self.node, self.seq)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut numbers = text.splitn(3, '.').map(str::parse);
        let mut next = || numbers.next().and_then(Result::ok).ok_or(());
        Ok(Self { at: next()?, node: next()?, seq: next()? })
    }
}

/// One deed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audited {
    /// Where it stands.
    pub place: Place,
    /// Its line of the journal.
    pub line: u64,
    /// When.
    pub at: WallTime,
    /// Who.
    pub by: String,
    /// What.
    pub what: String,
    /// To which record, person or seat.
    pub subject: String,
}

/// Keeps what somebody did, when the entry is of a deed.
pub(super) async fn keep(tx: &mut Tx, seq: u64, entry: &Entry) -> sqlx::Result<()> {
    let Some(deed) = entry.fact.deed() else { return Ok(()) };
    let node = tx.node();
    query("INSERT INTO audit (node, seq, at, who, what, subject) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(node)
        .bind(signed(seq))
        .bind(entry.at.0)
        .bind(deed.by)
        .bind(deed.what)
        .bind(deed.subject)
        .execute(tx)
        .await
        .map(drop)
}

impl Store {
    /// What was done, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit(&self, filter: &AuditFilter) -> Result<Vec<Audited>, StoreError> {
        let mut sql = query("SELECT node, seq, at, who, what, subject FROM audit WHERE 1 = 1");
        if let Some(since) = filter.since {
            sql.push(" AND at >= ").push_bind(since.0);
        }
        if let Some(until) = filter.until {
            sql.push(" AND at < ").push_bind(until.0);
        }
        if let Some(by) = &filter.by {
            sql.push(" AND who = ").push_bind(by);
        }
        if let Some(what) = &filter.what {
            let plain =
                what.to_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_");
            sql.push(" AND lower(what) LIKE ").push_bind(format!("%{plain}%")).push(" ESCAPE '!'");
        }
        if let Some(subject) = &filter.subject {
            sql.push(" AND subject = ").push_bind(subject);
        }
        if let Some(Place { at, node, seq }) = filter.before {
            sql.push(" AND (at < ").push_bind(at).push(" OR (at = ").push_bind(at);
            sql.push(" AND (node < ").push_bind(node).push(" OR (node = ").push_bind(node);
            sql.push(" AND seq < ").push_bind(seq).push("))))");
        }
        sql.push(" ORDER BY at DESC, node DESC, seq DESC LIMIT ")
            .push_bind(i64::from(filter.limit));
        let rows = sql.fetch_all(&mut self.reading().await?).await.map_err(|e| self.error(e))?;
        let read = rows.iter().map(|row| {
            let (at, node, seq) = (row.try_get("at")?, row.try_get("node")?, row.try_get("seq")?);
            let line: i64 = seq;
            Ok(Audited {
                place: Place { at, node, seq },
                line: line.unsigned_abs(),
                at: WallTime(at),
                by: row.try_get("who")?,
                what: row.try_get("what")?,
                subject: row.try_get("subject")?,
            })
        });
        read.collect::<sqlx::Result<_>>().map_err(|e| self.error(e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_is_written() {
        let place = Place { at: 1_789_621_200_000_000, node: 2, seq: 77 };
        assert_eq!(place.to_string().parse(), Ok(place));
        for wrong in ["", "1", "1.2", "1.2.x", "1.2.3.4", "..", "1..3"] {
            assert_eq!(wrong.parse::<Place>(), Err(()), "{wrong}");
        }
    }
}
