//! Who looked at what, and why: rows of the audit entries. Appended; nothing here changes one.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::audit::Place;
use super::incident::At;
use super::sql::{Row, Tx, query};
use super::{Store, StoreError};
use crate::journal::{Entry, Fact};
use crate::vocabulary::WallTime;

/// Rows of one page.
pub const PAGE: u32 = 200;

/// One look at something personal, on whichever node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Access {
    /// Where it stands among all.
    #[serde(skip)]
    pub place: Place,
    /// The node on which it was.
    #[serde(default)]
    pub node: String,
    /// Line of that node's journal.
    pub seq: i64,
    /// When.
    pub at: At,
    /// Who: a person, or the token of a program.
    pub by: String,
    /// What they did, e.g. `recording played`.
    pub what: String,
    /// The record concerned, or what was searched for.
    pub subject: String,
    /// Why, as they typed; empty where none is asked for.
    pub reason: String,
}

/// Which looks are asked for.
#[derive(Clone, Debug, Default)]
pub struct AccessFilter {
    /// At or after.
    pub since: Option<WallTime>,
    /// Before.
    pub until: Option<WallTime>,
    /// By this person.
    pub by: Option<String>,
    /// About this record.
    pub subject: Option<String>,
    /// One of these deeds; none: any.
    pub what: &'static [&'static str],
    /// Older than this one: the next page.
    pub before: Option<Place>,
}

/// Follows an audit entry.
pub(super) async fn row(tx: &mut Tx, seq: i64, entry: &Entry) -> sqlx::Result<()> {
    let Fact::Audited { by, what, subject, reason } = &entry.fact else { return Ok(()) };
    query("INSERT INTO access (node, seq, at, by, what, subject, reason) VALUES (?, ?, ?, ?, ?, ?, ?)")
        .bind(tx.node())
        .bind(seq)
        .bind(entry.at.0)
        .bind(by)
        .bind(what)
        .bind(subject)
        .bind(reason)
        .execute(tx)
        .await
        .map(drop)
}

impl Store {
    /// Who looked at what, newest first, a page at most.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn access(&self, filter: &AccessFilter) -> Result<Vec<Access>, StoreError> {
        let mut sql = query(
            "SELECT access.node AS node, name, access.seq AS seq, at, by, what, subject, reason
             FROM access JOIN node ON node.id = access.node WHERE 1 = 1",
        );
        if let Some(since) = filter.since {
            sql.push(" AND at >= ").push_bind(since.0);
        }
        if let Some(until) = filter.until {
            sql.push(" AND at < ").push_bind(until.0);
        }
        if let Some(by) = &filter.by {
            sql.push(" AND by = ").push_bind(by.clone());
        }
        if let Some(subject) = &filter.subject {
            sql.push(" AND subject = ").push_bind(subject.clone());
        }
        if !filter.what.is_empty() {
            sql.push(" AND what IN (").push_list(filter.what.iter().copied()).push(")");
        }
        if let Some(Place { at, node, seq }) = filter.before {
            sql.push(" AND (at < ").push_bind(at).push(" OR (at = ").push_bind(at);
            sql.push(" AND (access.node < ").push_bind(node).push(" OR (access.node = ");
            sql.push_bind(node).push(" AND access.seq < ").push_bind(seq).push("))))");
        }
        sql.push(" ORDER BY at DESC, access.node DESC, access.seq DESC LIMIT ")
            .push_bind(i64::from(PAGE));
        let rows = sql.fetch_all(&mut self.reading().await?).await.map_err(|e| self.error(e))?;
        let access = |row: &Row| {
            let (at, node, seq) = (row.try_get("at")?, row.try_get("node")?, row.try_get("seq")?);
            Ok(Access {
                place: Place { at, node, seq },
                node: row.try_get("name")?,
                seq,
                at: At(WallTime(at)),
                by: row.try_get("by")?,
                what: row.try_get("what")?,
                subject: row.try_get("subject")?,
                reason: row.try_get("reason")?,
            })
        };
        rows.iter().map(access).collect::<sqlx::Result<_>>().map_err(|e| self.error(e))
    }
}
