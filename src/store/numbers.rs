//! Every record that has to do with one number: for whoever asks what is known of them.
//!
//! Unlike a search it compares whole numbers, and forgets none.

use super::search::number;
use super::sql::query;
use super::{Store, StoreError};

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
