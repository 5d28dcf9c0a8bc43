//! What records are found by: numbers from either end, and the words that somebody said or wrote.
//!
//! Both databases see the same words, cut here: lower case, letters and digits only. What is kept
//! here is personal; whoever deletes a record's content deletes its rows of `number_key` and `words`.

use super::apply::signed;
use super::filter::UNJUDGED;
use super::sql::{Statement, Tx, Value, insert_rows, query};
use super::{Filter, dialect};
use crate::incident::{Arrival, Field, Form};
use crate::journal::Fact;
use crate::vocabulary::{CallId, Phone, Uid, WallTime};

/// Longest key of a number; what carriers send may be longer.
const KEY: usize = 40;
/// Longest text of one incident that is searched: PostgreSQL takes no more than 1 MiB of words.
const TEXT: i64 = 200_000;
/// A call's id says when it came, by the same clock as its time of arrival; this is for safety.
const SLACK_MICROS: i64 = 3_600_000_000;
/// So many calls of one key are not listed but met.
const COMMON: i64 = 5_000;
/// A number of a form with letters and digits alone, as far as people write others into one.
const WRITTEN: &str =
    "replace(replace(replace(replace(caller_number, '+', ''), ' ', ''), '-', ''), '.', '')";
/// The prefix of Indonesia, within which people dial a zero.
const HOME: &str = "62";

/// A number as it is searched: letters and digits of ASCII.
pub(super) fn number(text: &str) -> String {
    let kept = text.chars().filter(char::is_ascii_alphanumeric).take(KEY);
    kept.map(|letter| letter.to_ascii_lowercase()).collect()
}

fn backwards(key: &str) -> String {
    std::iter::once('<').chain(key.chars().rev()).collect()
}

/// Words as they are searched, with one space in between.
pub(super) fn words(text: &str) -> Vec<String> {
    let parts = text.split(|letter: char| !letter.is_alphanumeric());
    parts.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// The number of a caller, from either end and as it is dialled at home.
pub(super) async fn keep_number(tx: &mut Tx, call: CallId, phone: &Phone) -> sqlx::Result<()> {
    let e164 = phone.e164.as_ref().map(|e164| number(e164.reveal()));
    keep_keys(tx, &call.to_string(), [number(phone.raw.reveal())].into_iter().chain(e164)).await
}

/// The number that stands in the form of an incident, none where it was cleared: its calls are found by
/// it, and by their own.
pub(super) async fn keep_written_number(
    tx: &mut Tx,
    incident: &str,
    written: Option<&str>,
) -> sqlx::Result<()> {
    let calls = "SELECT call, caller_raw, caller_e164 FROM incident WHERE id = ?";
    for row in query(calls).bind(incident).fetch_all(tx).await? {
        let call: String = row.try_get("call")?;
        let gone = query("DELETE FROM number_key WHERE call = ?").bind(&call);
        gone.execute(tx).await?;
        let own = [Some(row.try_get::<String>("caller_raw")?), row.try_get("caller_e164")?];
        let all = own.iter().flatten().map(String::as_str).chain(written).map(number);
        keep_keys(tx, &call, all.collect::<Vec<_>>()).await?;
    }
    Ok(())
}

/// The keys of numbers that belong to one call.
async fn keep_keys(
    tx: &mut Tx,
    call: &str,
    numbers: impl IntoIterator<Item = String>,
) -> sqlx::Result<()> {
    let each = numbers.into_iter().flat_map(|key| [at_home(&key), abroad(&key), Some(key)]);
    let forwards = each.flatten().filter(|key| !key.is_empty());
    let mut keys: Vec<String> = forwards.flat_map(|key| [backwards(&key), key]).collect();
    keys.sort_unstable();
    keys.dedup();
    let rows = keys.into_iter().map(|key| vec![Value::from(key), call.into()]);
    insert_rows(tx, "INSERT INTO number_key (key, call)", rows).await
}

/// `62812…` as it is dialled at home.
fn at_home(key: &str) -> Option<String> {
    key.strip_prefix(HOME).map(|rest| format!("0{rest}"))
}

/// `0812…` as it is dialled from abroad.
fn abroad(key: &str) -> Option<String> {
    key.strip_prefix('0').filter(|rest| !rest.starts_with('0')).map(|rest| format!("{HOME}{rest}"))
}

/// What a fact adds to the words of its call.
pub(super) async fn keep_said(tx: &mut Tx, fact: &Fact) -> sqlx::Result<()> {
    let (call, text) = match fact {
        Fact::Arrived { call, arrival, .. } => (call, told(arrival)),
        Fact::TextWritten { call, text, .. } => (call, text.reveal().clone()),
        _ => return Ok(()),
    };
    let text = words(&text).join(" ");
    if text.is_empty() {
        return Ok(());
    }
    query(
        "INSERT INTO words (incident, said)
         VALUES (coalesce((SELECT id FROM incident WHERE call = ?1), ?1), substr(?2, 1, 200000))
         ON CONFLICT (incident) DO UPDATE SET
         said = substr(words.said || ' ' || excluded.said, 1, 200000)",
    )
    .bind(call.to_string())
    .bind(text)
    .bind(TEXT)
    .execute(tx)
    .await
    .map(drop)
}

/// What an INVITE told in words: who the caller is called, and addresses.
fn told(arrival: &Arrival) -> String {
    let name = arrival.caller.name.iter().map(|name| name.reveal().as_str());
    let civic = arrival.locations.iter().flat_map(|place| &place.civic);
    name.chain(civic.map(|(_, value)| value.as_str())).collect::<Vec<_>>().join(" ")
}

/// The words of a form as it stands.
pub(super) async fn keep_form(tx: &mut Tx, incident: &str, form: &Form) -> sqlx::Result<()> {
    let fields = [
        Field::CallerName,
        Field::Text,
        Field::Address,
        Field::Desa,
        Field::Landmark,
        Field::FieldReport,
        Field::Result,
    ];
    let told = form.agencies().map(|(name, notice)| format!("{name} {notice}"));
    let fields = fields.iter().filter_map(|field| form.text(field)).map(str::to_owned);
    let text = words(&fields.chain(told).collect::<Vec<_>>().join(" ")).join(" ");
    query(
        "INSERT INTO words (incident, form) VALUES (?1, substr(?2, 1, 200000))
         ON CONFLICT (incident) DO UPDATE SET form = excluded.form",
    )
    .bind(incident)
    .bind(text)
    .bind(TEXT)
    .execute(tx)
    .await
    .map(drop)
}

/// The calls that a filter describes, newest first, as a statement without its end.
pub(super) async fn calls(filter: &Filter, tx: &mut Tx) -> sqlx::Result<Statement> {
    let mut sql = query("SELECT call FROM incident WHERE 1 = 1");
    // Ids sort by time, and pages are in their order: within a time there is nothing to sort.
    if let Some(since) = filter.since {
        sql.push(" AND received_at >= ").push_bind(since.0);
        sql.push(" AND call >= ").push_bind(first(since.0.saturating_sub(SLACK_MICROS)));
    }
    if let Some(until) = filter.until {
        sql.push(" AND received_at < ").push_bind(until.0);
        sql.push(" AND call < ").push_bind(first(until.0.saturating_add(SLACK_MICROS)));
    }
    for (column, wanted) in [
        (" AND trunk = ", &filter.trunk),
        (" AND operator = ", &filter.operator),
        (" AND queue = ", &filter.queue),
        (" AND stage = ", &filter.stage),
        (" AND outcome = ", &filter.outcome),
        (" AND lane = ", &filter.lane),
        (" AND category = ", &filter.category),
        (" AND disposition = ", &filter.disposition.clone().filter(|word| word != UNJUDGED)),
    ] {
        if let Some(wanted) = wanted {
            sql.push(column).push_bind(wanted);
        }
    }
    if filter.disposition.as_deref() == Some(UNJUDGED) {
        sql.push(" AND disposition IS NULL");
    }
    if let Some(seat) = &filter.seat {
        sql.push(" AND call IN (SELECT call FROM incident WHERE seat = ").push_bind(seat);
        sql.push(" UNION ALL SELECT call FROM offer WHERE seat = ").push_bind(seat).push(")");
    }
    if let Some(place) = &filter.place {
        sql.push(" AND call IN (SELECT call FROM incident WHERE kecamatan = ").push_bind(place);
        sql.push(" UNION ALL SELECT call FROM incident WHERE id IN (SELECT incident FROM form");
        sql.push(" WHERE kecamatan = ").push_bind(place);
        sql.push(" OR lower(desa) = ").push_bind(place.to_lowercase()).push("))");
    }
    if let Some(typed) = &filter.number {
        let key = number(typed);
        if is_common(tx, &key).await? {
            like(&mut sql, &key);
        } else {
            sql.push(" AND call IN (").append(by_number(&key)).push(")");
        }
    }
    if let Some(typed) = &filter.words {
        let (before, wanted, after) = dialect::found(tx.dialect(), &words(typed));
        sql.push(" AND id IN (").push(before).push_bind(wanted).push(after).push(")");
    }
    if let Some(before) = filter.before {
        sql.push(" AND call < ").push_bind(before.to_string());
    }
    sql.push(" ORDER BY call DESC LIMIT ").push_bind(signed(filter.rows().into()));
    Ok(sql)
}

/// The calls whose number begins or ends like this.
fn by_number(key: &str) -> Statement {
    let back = backwards(key);
    let mut sql = query("SELECT call FROM number_key WHERE key >= ");
    // Keys are letters and digits; what begins like this comes before it with a tilde.
    sql.push_bind(key).push(" AND key < ").push_bind(format!("{key}~"));
    sql.push(" UNION ALL SELECT call FROM number_key WHERE key >= ").push_bind(&back);
    sql.push(" AND key < ").push_bind(format!("{back}~"));
    sql
}

/// Whether so many numbers begin or end like this that the newest are met by walking back from now.
async fn is_common(tx: &mut Tx, key: &str) -> sqlx::Result<bool> {
    let mut sql = query("SELECT count(*) AS many FROM (");
    sql.append(by_number(key)).push(" LIMIT ").push_bind(COMMON).push(") AS these");
    let row = sql.fetch_optional(tx).await?;
    Ok(row.map(|row| row.try_get::<i64>("many")).transpose()?.unwrap_or_default() >= COMMON)
}

/// The same condition for a walk: no index is asked, since the first rows that are met will do.
fn like(sql: &mut Statement, key: &str) {
    let home = key.strip_prefix('0').map(|rest| format!("+{HOME}{rest}%"));
    let e164 = [Some(format!("+{key}%")), Some(format!("%{key}")), home];
    sql.push(" AND (caller_raw LIKE ").push_bind(format!("{key}%"));
    sql.push(" OR caller_raw LIKE ").push_bind(format!("%{key}"));
    for pattern in e164.into_iter().flatten() {
        sql.push(" OR caller_e164 LIKE ").push_bind(pattern);
    }
    // What stands in a form is kept as somebody typed it.
    sql.push(" OR id IN (SELECT incident FROM form WHERE ").push(WRITTEN);
    sql.push(" LIKE ").push_bind(format!("{key}%"));
    for pattern in [Some(format!("%{key}")), at_home(key), abroad(key)].into_iter().flatten() {
        let pattern = if pattern.starts_with('%') { pattern } else { format!("{pattern}%") };
        sql.push(" OR ").push(WRITTEN).push(" LIKE ").push_bind(pattern);
    }
    sql.push("))");
}

/// The lowest id of its time.
fn first(micros: i64) -> String {
    Uid::new(WallTime(micros.max(0)), 0).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_words_are_cut_alike_however_they_are_written() {
        assert_eq!(number(" +62 812-3456 "), "628123456");
        assert_eq!(number("sip:Ani@x"), "sipanix");
        assert_eq!(backwards("0812"), "<2180");
        assert_eq!(at_home("62812").as_deref(), Some("0812"));
        assert_eq!((abroad("0812").as_deref(), abroad("0062812")), (Some("62812"), None));
        assert_eq!(
            words("Jl.Merdeka no. 5, KEBAKARAN!"),
            ["jl", "merdeka", "no", "5", "kebakaran"]
        );
        assert_eq!(words("' OR \"1\" * : &"), ["or", "1"]);
        assert_eq!(number(&"1".repeat(90)).len(), KEY);
    }
}
