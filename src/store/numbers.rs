//! Every record that has to do with one number: for whoever asks what is known of them.
//!
//! Unlike a search it compares whole numbers, and forgets none.

use serde_json::{Map, Value};

use super::query::step;
use super::search::number;
use super::sql::query;
use super::{Store, StoreError};

/// Steps that name a number which somebody called.
const CALLED: [&str; 5] =
    ["seat-dialled", "called-out", "call-out-ended", "party-invited", "transferred"];

/// Beginnings of numbers of other countries, as they are dialled here.
const ABROAD: [&str; 5] = ["", "00", "001", "007", "008"];
/// The prefix of Indonesia, within which people dial a zero.
const HOME: &str = "62";

/// Every way in which a number may have come, as it is searched: `+6281…`, `081…`, `81…`, `00181…`.
/// `number` is E.164 where it has such a form, or as it was sent.
#[must_use]
pub fn forms(e164: &str) -> Vec<String> {
    let key = number(e164);
    if !e164.starts_with('+') {
        return vec![key];
    }
    let mut all: Vec<String> = ABROAD.iter().map(|prefix| format!("{prefix}{key}")).collect();
    if let Some(national) = key.strip_prefix(HOME) {
        all.extend([format!("0{national}"), national.to_owned(), format!("{HOME}0{national}")]);
    }
    all
}

impl Store {
    /// The calls of a number in any of these forms, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn calls_by_forms(&self, forms: &[String]) -> Result<Vec<String>, StoreError> {
        let mut sql = query("SELECT DISTINCT call FROM number_key WHERE key IN (");
        sql.push_list(forms.iter().map(String::as_str)).push(") ORDER BY call");
        let rows = sql.fetch_all(&mut self.reading().await?).await.map_err(|e| self.error(e))?;
        let calls = rows.iter().map(|row| row.try_get("call"));
        calls.collect::<sqlx::Result<_>>().map_err(|e| self.error(e))
    }

    /// First calls of the incidents in whose form somebody wrote a number, and that number; the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn written_numbers(&self) -> Result<Vec<(String, String)>, StoreError> {
        let sql = "SELECT min(incident.call) AS call, form.caller_number AS number FROM form
                   JOIN incident ON incident.id = form.incident WHERE form.caller_number IS NOT NULL
                   GROUP BY form.incident, form.caller_number ORDER BY 1";
        let rows = query(sql).fetch_all(&mut self.reading().await?).await;
        let rows = rows.map_err(|e| self.error(e))?;
        let pairs = rows.iter().map(|row| Ok((row.try_get("call")?, row.try_get("number")?)));
        pairs.collect::<sqlx::Result<_>>().map_err(|e| self.error(e))
    }
}

/// A step of a call, as its record shows it.
pub type Step = Map<String, Value>;

impl Store {
    /// Steps in which a number that `is_wanted` was called: dialled at a seat, for a transfer or an overflow,
    /// or to be brought in; each with the call on whose time line it stands. It looks through all of them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn called(
        &self,
        is_wanted: impl Fn(&str) -> bool + Send + Sync,
    ) -> Result<Vec<(String, Step)>, StoreError> {
        let mut found: Vec<(String, Step)> = Vec::new();
        let mut tx = self.reading().await?.patient();
        let sql = "SELECT call, seq, entry FROM step WHERE entry LIKE '%\"to\":\"%'";
        let rows = query(sql).fetch_each(&mut tx, |row| {
            let step = step(&row)?;
            let said = |key: &str| step.get(key).and_then(Value::as_str).unwrap_or_default();
            if CALLED.contains(&said("fact")) && is_wanted(said("to")) {
                found.push((row.try_get("call")?, step));
            }
            Ok(())
        });
        rows.await.map_err(|e| self.error(e))?;
        found.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(found)
    }

    /// The steps of a call that has no record of its own, such as one that a seat dialled.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn steps_of(&self, call: &str) -> Result<Vec<Step>, StoreError> {
        let sql = "SELECT seq, entry FROM step WHERE call = ? ORDER BY node, seq";
        let rows = query(sql).bind(call).fetch_all(&mut self.reading().await?).await;
        let rows = rows.map_err(|e| self.error(e))?;
        rows.iter().map(step).collect::<sqlx::Result<_>>().map_err(|e| self.error(e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_every_form_that_it_may_have_come_in() {
        let all = forms("+6281234567890");
        for wanted in ["6281234567890", "081234567890", "81234567890", "0016281234567890"] {
            assert!(all.contains(&wanted.to_owned()), "{wanted} is not in {all:?}");
        }
        assert_eq!(forms("9112200001"), ["9112200001"]);
        assert!(!forms("+60123456789").contains(&"0123456789".to_owned()));
    }
}
