//! Whose journals are in the database, and how far: one row for each node.
//!
//! A node's row is changed in the transaction that applies its lines, so no line is applied twice.

use super::apply::signed;
use super::sql::{Row, Tx, query};

/// How far the journal of a node was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Applied {
    pub id: i64,
    /// Empty: made before nodes had names.
    pub name: String,
    /// The last line.
    pub seq: u64,
    /// Its hash.
    pub link: String,
}

fn read(row: &Row) -> sqlx::Result<Applied> {
    Ok(Applied {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        seq: row.try_get::<i64>("seq")?.unsigned_abs(),
        link: row.try_get("link")?,
    })
}

/// The row of the node with this name. No other process applies lines of it until `tx` is over.
pub(super) async fn applied(tx: &mut Tx, name: &str) -> sqlx::Result<Option<Applied>> {
    let mut statement = query("SELECT id, name, seq, link FROM node WHERE name = ?").bind(name);
    statement.push(tx.dialect().locked());
    statement.fetch_optional(tx).await?.as_ref().map(read).transpose()
}

/// Lets no other node enter until this transaction is over: two that begin at once would take one row.
pub(super) async fn alone(tx: &mut Tx) -> sqlx::Result<()> {
    if tx.dialect().is_shared() {
        query("LOCK TABLE node IN EXCLUSIVE MODE").execute(tx).await?;
    }
    Ok(())
}

/// Every node.
pub(super) async fn all(tx: &mut Tx) -> sqlx::Result<Vec<Applied>> {
    let rows = query("SELECT id, name, seq, link FROM node ORDER BY id").fetch_all(tx).await?;
    rows.iter().map(read).collect()
}

/// Makes a row for the node with this name, or gives it the row that is its own.
pub(super) async fn enter(tx: &mut Tx, name: &str, ours: Option<&Applied>) -> sqlx::Result<()> {
    let made = match ours {
        Some(ours) => query("UPDATE node SET name = ? WHERE id = ?").bind(name).bind(ours.id),
        None => query(
            "INSERT INTO node (id, name, seq, link)
             SELECT coalesce(max(id), 0) + 1, ?, 0, '' FROM node",
        )
        .bind(name),
    };
    made.execute(tx).await.map(drop)
}

/// Lines up to this one were applied.
pub(super) async fn advance(tx: &mut Tx, seq: u64, link: &str) -> sqlx::Result<()> {
    let set = query("UPDATE node SET seq = ?, link = ? WHERE id = ?").bind(signed(seq)).bind(link);
    let node = tx.node();
    set.bind(node).execute(tx).await.map(drop)
}
