//! Earlier calls of a number: what an operator should know before the first word.
//!
//! Answers are bounded; nothing here changes a row.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::incident::At;
use super::sql::{Row, query};
use super::{Store, StoreError};
use crate::vocabulary::{CallId, WallTime};

/// Calls of one number that are told, the latest first.
const CALLS: i64 = 20;

/// An earlier call of the same number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EarlierCall {
    /// Its incident.
    pub incident: String,
    /// The call.
    pub call: String,
    /// When it came.
    pub received_at: At,
    /// `answered`, `abandoned`, `test` or `other`; null while it lives.
    pub outcome: Option<String>,
    /// What kind of call it was, as a person said; null when nobody did.
    pub disposition: Option<String>,
    /// Code of its category.
    pub category: Option<String>,
    /// Code of its kecamatan.
    pub kecamatan: Option<String>,
    /// Milliseconds from the INVITE to the end; null while it lives.
    pub duration_ms: Option<i64>,
}

impl Store {
    /// The latest calls of a number (E.164, or as it was sent where it has no such form), but for one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn earlier(&self, number: &str, but: CallId) -> Result<Vec<EarlierCall>, StoreError> {
        let found = query(
            "SELECT id, call, received_at, outcome, disposition, category, kecamatan, duration_ms
             FROM incident WHERE call <> ?1
             AND (caller_e164 = ?2 OR (substr(caller_raw, 1, 64) = substr(?2, 1, 64)
             AND caller_raw = ?2 AND caller_e164 IS NULL))
             ORDER BY received_at DESC LIMIT ?3",
        )
        .bind(but.to_string())
        .bind(number)
        .bind(CALLS);
        let rows = found.fetch_all(&mut self.reading().await?).await.map_err(|e| self.error(e))?;
        rows.iter().map(earlier).collect::<sqlx::Result<_>>().map_err(|e| self.error(e))
    }

    /// Whether a mark of the number stood at that time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_marked(&self, number: &str, at: WallTime) -> Result<bool, StoreError> {
        let found = query("SELECT number FROM mark WHERE number = ? AND until > ?");
        let found = found.bind(number).bind(at.0).fetch_optional(&mut self.reading().await?).await;
        found.map(|mark| mark.is_some()).map_err(|e| self.error(e))
    }
}

fn earlier(row: &Row) -> sqlx::Result<EarlierCall> {
    Ok(EarlierCall {
        incident: row.try_get("id")?,
        call: row.try_get("call")?,
        received_at: At(WallTime(row.try_get("received_at")?)),
        outcome: row.try_get("outcome")?,
        disposition: row.try_get("disposition")?,
        category: row.try_get("category")?,
        kecamatan: row.try_get("kecamatan")?,
        duration_ms: row.try_get("duration_ms")?,
    })
}
