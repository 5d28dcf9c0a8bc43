//! The INVITEs of calls that were, so that a change of the routing can be tried on them.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;

use super::sql::{Row, query};
use super::{Store, StoreError};
use crate::incident::Raw;
use crate::vocabulary::{TrunkId, WallTime};

/// Calls of one page.
const PAGE: i64 = 500;

/// One INVITE as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    /// Its incident.
    pub incident: String,
    /// Its call.
    pub call: String,
    /// When it came.
    pub at: WallTime,
    /// The trunk that it was of.
    pub trunk: TrunkId,
    /// The address that it came from.
    pub source: Option<IpAddr>,
    /// The message; empty when it is not kept any more.
    pub message: Bytes,
}

impl Store {
    /// INVITEs that came from `since` up to, and without, `until`, oldest first: a page, after the call
    /// that ended the page before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn invites(
        &self,
        since: WallTime,
        until: WallTime,
        after: Option<(WallTime, String)>,
    ) -> Result<Vec<Invite>, StoreError> {
        let mut sql = query(
            "SELECT id, incident.call AS call, received_at, trunk, source, arrival.facts AS facts
             FROM incident JOIN arrival ON arrival.call = incident.call WHERE received_at >= ",
        );
        sql.push_bind(since.0).push(" AND received_at < ").push_bind(until.0);
        if let Some((at, call)) = after {
            sql.push(" AND (received_at > ").push_bind(at.0).push(" OR (received_at = ");
            sql.push_bind(at.0).push(" AND incident.call > ").push_bind(call).push("))");
        }
        sql.push(" AND source <> '' ORDER BY received_at, incident.call LIMIT ").push_bind(PAGE);
        let rows = sql.fetch_all(&mut self.reading().await?).await.map_err(|e| self.error(e))?;
        rows.iter().map(invite).collect::<sqlx::Result<_>>().map_err(|e| self.error(e))
    }
}

fn invite(row: &Row) -> sqlx::Result<Invite> {
    let facts: String = row.try_get("facts")?;
    let facts: serde_json::Value =
        serde_json::from_str(&facts).map_err(|error| sqlx::Error::Decode(error.into()))?;
    let raw = facts.get("raw").cloned().unwrap_or_default();
    let message = serde_json::from_value::<Raw>(raw).map(|raw| raw.0).unwrap_or_default();
    // `udp:198.51.100.7:5060`
    let source: String = row.try_get("source")?;
    let address =
        source.split_once(':').and_then(|(_, address)| address.parse::<SocketAddr>().ok());
    Ok(Invite {
        incident: row.try_get("id")?,
        call: row.try_get("call")?,
        at: WallTime(row.try_get("received_at")?),
        trunk: row.try_get::<String>("trunk")?.into(),
        source: address.map(|address| address.ip()),
        message,
    })
}
