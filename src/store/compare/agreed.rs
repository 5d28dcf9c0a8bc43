//! Where several nodes change the same rows: what this node's journal makes of them is brought together
//! with what the others have written, as the database has it, and what comes of both is made anew.
//!
//! Whether the others wrote what stands under their names is for their own journals to say. What hangs on
//! which of two nodes came first is right when any of them says so. Everything else stays as the journal
//! makes it, and is found when it differs.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::taken::Shared;
use crate::incident::{Field, Step, form};
use crate::journal::retention::{Erased, Hold};
use crate::journal::{Entry, sealed};
use crate::store::{Store, StoreError};
use crate::vocabulary::{Private, WallTime};

/// Tables whose rows go with an erased record, by what their condition names it.
const BY_INCIDENT: [&str; 3] = ["form", "agency_notice", "words"];

/// A fact of another node about a row that is not its own.
struct Claim {
    node: i64,
    entry: Value,
}

/// A text of an entry.
fn said<'a>(entry: &'a Value, key: &str) -> &'a str {
    entry.get(key).and_then(Value::as_str).unwrap_or_default()
}

impl Claim {
    fn text(&self, key: &str) -> &str {
        said(&self.entry, key)
    }

    /// The fact itself; its time stands beside it.
    fn fact<T: serde::de::DeserializeOwned>(&self) -> Option<T> {
        T::deserialize(&self.entry).ok()
    }

    fn at(&self) -> WallTime {
        WallTime::parse(self.text("at")).unwrap_or_default()
    }

    /// Steps have milliseconds, rows microseconds.
    fn is_of(&self, micros: i64) -> bool {
        WallTime(micros).to_rfc3339() == self.text("at")
    }
}

/// Brings the two together: `fresh` is what the own journal makes, and `taken` the file with what was taken.
pub(super) async fn agree(
    anew: &Store,
    fresh: &mut SqliteConnection,
    taken: &Path,
    shared: &Shared,
) -> Result<(), StoreError> {
    let attach = sqlx::query("ATTACH DATABASE ? AS live").bind(taken.display().to_string());
    attach.execute(&mut *fresh).await.map_err(|e| anew.error(e))?;
    let made = steps(fresh).await.map_err(|e| anew.error(e))?;
    anew.made_of_steps(&made).await?;
    rows(fresh, shared).await.map_err(|e| anew.error(e))
}

/// Takes in what others have written of records, and leaves out what they have erased; the records whose
/// rows are to be made of their steps.
async fn steps(fresh: &mut SqliteConnection) -> sqlx::Result<Vec<String>> {
    for claim in claims(fresh, "personal-erased", None).await? {
        if let Some(erased) = claim.fact::<Erased>().filter(|erased| erased.record) {
            forget(fresh, &erased, claim.at()).await?;
        }
    }
    let theirs = "INSERT INTO record_step SELECT * FROM live.record_step WHERE node <> 1";
    sqlx::query(theirs).execute(&mut *fresh).await?;
    let made = "SELECT incident FROM live.record_step WHERE node <> 1
                UNION SELECT incident FROM main.record_step
                WHERE incident NOT IN (SELECT id FROM main.incident)";
    sqlx::query_scalar(made).fetch_all(fresh).await
}

/// Leaves out what another node says that it has erased, as far as it is gone.
async fn forget(fresh: &mut SqliteConnection, erased: &Erased, at: WallTime) -> sqlx::Result<()> {
    let incident = erased.incident.to_string();
    // An erasure is told in milliseconds.
    let until = at.0.saturating_add(999);
    for sql in [
        "DELETE FROM record_step WHERE incident = ?1 AND at <= ?2 AND NOT EXISTS
         (SELECT 1 FROM live.record_step AS theirs WHERE theirs.incident = ?1
          AND theirs.node = 1 AND theirs.seq = record_step.seq)",
        "UPDATE hold SET why = '' WHERE incident = ?1 AND at <= ?2",
    ] {
        sqlx::query(sql).bind(&incident).bind(until).execute(&mut *fresh).await?;
    }
    let left = "SELECT count(*) FROM record_step WHERE incident = ?";
    let left: i64 = sqlx::query_scalar(left).bind(&incident).fetch_one(&mut *fresh).await?;
    for table in BY_INCIDENT.iter().filter(|_| left == 0) {
        let gone = format!("DELETE FROM {table} WHERE incident = ?");
        sqlx::query(sqlx::AssertSqlSafe(gone)).bind(&incident).execute(&mut *fresh).await?;
    }
    for call in std::iter::once(erased.call).chain(erased.also.iter().copied()) {
        let call = call.to_string();
        let gone = "DELETE FROM mark WHERE call = ?1 AND at <= ?2
                    AND number NOT IN (SELECT number FROM live.mark WHERE call = ?1)";
        sqlx::query(gone).bind(&call).bind(until).execute(&mut *fresh).await?;
        let steps = "SELECT seq, entry FROM step WHERE call = ?1 AND seq NOT IN
                     (SELECT seq FROM live.step WHERE call = ?1)";
        for row in sqlx::query(steps).bind(&call).fetch_all(&mut *fresh).await? {
            let entry: Value = serde_json::from_str(row.try_get("entry")?).unwrap_or_default();
            let kind = said(&entry, "fact");
            let when = WallTime::parse(said(&entry, "at")).unwrap_or_default();
            if !sealed::is_open(kind) && kind != "arrived" && when <= at {
                let gone = sqlx::query("DELETE FROM step WHERE call = ? AND seq = ?");
                let seq: i64 = row.try_get("seq")?;
                gone.bind(&call).bind(seq).execute(&mut *fresh).await?;
            }
        }
    }
    Ok(())
}

/// Rows that others may have changed.
async fn rows(fresh: &mut SqliteConnection, shared: &Shared) -> sqlx::Result<()> {
    // What came with a call is its own node's.
    let said = "UPDATE words SET said = (SELECT said FROM live.words AS theirs
                    WHERE theirs.incident = words.incident)
                WHERE incident NOT IN (SELECT id FROM main.incident)
                AND incident IN (SELECT incident FROM main.record_step)
                AND incident IN (SELECT incident FROM live.words)";
    sqlx::query(said).execute(&mut *fresh).await?;
    let differ = "SELECT own.call AS call, own.id AS id, theirs.category AS category,
        theirs.kecamatan AS kecamatan, theirs.disposition AS disposition,
        theirs.disposed_by AS disposed_by, theirs.disposed_at AS disposed_at,
        own.record_erased_at IS NOT NULL AND theirs.record_erased_at IS NULL AS due
        FROM main.incident AS own JOIN live.incident AS theirs ON theirs.call = own.call
        WHERE own.category IS NOT theirs.category OR own.kecamatan IS NOT theirs.kecamatan
        OR own.disposition IS NOT theirs.disposition OR own.disposed_by IS NOT theirs.disposed_by
        OR own.disposed_at IS NOT theirs.disposed_at
        OR own.record_erased_at IS NOT theirs.record_erased_at";
    for row in sqlx::query(differ).fetch_all(&mut *fresh).await? {
        incident(fresh, &row).await?;
    }
    let differ = "SELECT own.call AS call, own.part AS part, theirs.held AS held
        FROM main.recording AS own JOIN live.recording AS theirs
        ON theirs.call = own.call AND theirs.part = own.part WHERE own.held <> theirs.held";
    for row in sqlx::query(differ).fetch_all(&mut *fresh).await? {
        let (call, held): (String, i64) = (row.try_get("call")?, row.try_get("held")?);
        let told = claims(fresh, "recording-held", Some(&call)).await?;
        let is =
            |claim: &Claim| claim.entry.get("held").and_then(Value::as_bool) == Some(held != 0);
        if last(told).iter().any(is) {
            let set = sqlx::query("UPDATE recording SET held = ? WHERE call = ? AND part = ?");
            let part: i64 = row.try_get("part")?;
            set.bind(held).bind(call).bind(part).execute(&mut *fresh).await?;
        }
    }
    holds(fresh).await?;
    // What a hold covers hangs on the order in which several nodes tied records together.
    for sql in
        ["DELETE FROM main.hold_cover", "INSERT INTO main.hold_cover SELECT * FROM live.hold_cover"]
    {
        sqlx::query(sql).execute(&mut *fresh).await?;
    }
    marks(fresh, shared).await
}

/// A record whose columns another node may have changed, which is right when one of them did.
async fn incident(fresh: &mut SqliteConnection, row: &SqliteRow) -> sqlx::Result<()> {
    let (call, id): (String, String) = (row.try_get("call")?, row.try_get("id")?);
    let steps = "SELECT node, entry FROM live.record_step WHERE incident = ? AND node <> 1
                 ORDER BY node, seq";
    let steps = sqlx::query(steps).bind(&id).fetch_all(&mut *fresh).await?;
    // The last word of each node: category, kecamatan, and who said what kind of call it was.
    let (mut categories, mut places) = (BTreeMap::new(), BTreeMap::new());
    let mut kinds: BTreeMap<i64, Vec<(String, String, String)>> = BTreeMap::new();
    for row in &steps {
        let node: i64 = row.try_get("node")?;
        let Ok(entry) = serde_json::from_str::<Entry>(row.try_get("entry")?) else { continue };
        let Some(changes) = entry.fact.step().filter(|it| it.incident().to_string() == id) else {
            continue;
        };
        let by = changes.by().to_owned();
        let Some(changes) = Step::changes(changes) else { continue };
        let said =
            |field: &Field| changes.get(field).and_then(Option::as_ref).map(form::Value::shown);
        categories.extend(said(&Field::Category).map(|code| (node, code)));
        places.extend(said(&Field::Kecamatan).map(|code| (node, code)));
        let kind = said(&Field::Disposition).map(|word| (word, by, entry.at.to_rfc3339()));
        kinds.entry(node).or_default().extend(kind);
    }
    for claim in claims(fresh, "disposed", Some(&call)).await? {
        let kind = [claim.text("disposition"), claim.text("by"), claim.text("at")];
        let [word, by, at] = kind.map(str::to_owned);
        kinds.entry(claim.node).or_default().push((word, by, at));
    }
    for (column, said) in [("category", &categories), ("kecamatan", &places)] {
        let is: Option<String> = row.try_get(column)?;
        if is.is_some_and(|is| said.values().any(|said| *said == is)) {
            let set = format!(
                "UPDATE incident SET {column} = (SELECT {column} FROM live.incident AS theirs
                 WHERE theirs.call = incident.call) WHERE call = ?"
            );
            sqlx::query(sqlx::AssertSqlSafe(set)).bind(&call).execute(&mut *fresh).await?;
        }
    }
    let is: (Option<String>, Option<String>, Option<i64>) =
        (row.try_get("disposition")?, row.try_get("disposed_by")?, row.try_get("disposed_at")?);
    if let (Some(word), Some(by), Some(at)) = is {
        let is = (word, by, WallTime(at).to_rfc3339());
        // Of one node the later counts, by its own clock.
        let last = |said: &Vec<(String, String, String)>| {
            said.iter().map(|(.., at)| at.as_str()).max() == Some(is.2.as_str())
                && said.contains(&is)
        };
        if kinds.values().any(last) {
            let set = "UPDATE incident SET (disposition, disposed_by, disposed_at) =
                       (SELECT disposition, disposed_by, disposed_at FROM live.incident AS theirs
                        WHERE theirs.call = incident.call) WHERE call = ?";
            sqlx::query(set).bind(&call).execute(&mut *fresh).await?;
        }
    }
    let due: bool = row.try_get("due")?;
    if due && (!steps.is_empty() || !claims(fresh, "number-marked", Some(&call)).await?.is_empty())
    {
        // Somebody wrote of it after it was erased: it is due again. What had been written is gone.
        let set = "UPDATE incident SET record_erased_at = NULL, (category, kecamatan, disposition,
                   disposed_by, disposed_at) = (SELECT category, kecamatan, disposition, disposed_by,
                   disposed_at FROM live.incident AS theirs WHERE theirs.call = incident.call)
                   WHERE call = ?";
        sqlx::query(set).bind(&call).execute(&mut *fresh).await?;
    }
    Ok(())
}

/// A hold stands as a node says last, or not when one of them has taken it back.
async fn holds(fresh: &mut SqliteConnection) -> sqlx::Result<()> {
    let differ = "SELECT incident FROM main.hold UNION SELECT incident FROM live.hold
                  EXCEPT SELECT own.incident FROM main.hold AS own JOIN live.hold AS theirs
                  ON theirs.incident = own.incident AND theirs.at = own.at AND theirs.by = own.by
                  AND theirs.why = own.why AND theirs.until IS own.until";
    let differ: Vec<String> = sqlx::query_scalar(differ).fetch_all(&mut *fresh).await?;
    if differ.is_empty() {
        return Ok(());
    }
    let said = claims(fresh, "incident-held", None).await?;
    for incident in differ {
        let is = "SELECT at, by, why, until FROM live.hold WHERE incident = ?";
        let is = sqlx::query(is).bind(&incident).fetch_optional(&mut *fresh).await?;
        let right = |claim: &Claim| -> sqlx::Result<bool> {
            let Some(hold) = claim.fact::<Hold>() else { return Ok(false) };
            let Some(is) = is.as_ref().filter(|_| hold.held) else {
                return Ok(is.is_none() && !hold.held);
            };
            let (by, why): (String, String) = (is.try_get("by")?, is.try_get("why")?);
            let until: Option<i64> = is.try_get("until")?;
            Ok(claim.is_of(is.try_get("at")?)
                && by == hold.by
                // Why goes with the record.
                && (why == hold.why || why.is_empty())
                && until == hold.until.map(|until| until.0))
        };
        let of = said.iter().filter(|claim| claim.text("incident") == incident);
        if of.map(right).collect::<sqlx::Result<Vec<_>>>()?.contains(&true) {
            replace(fresh, "hold", "incident", &incident).await?;
        }
    }
    Ok(())
}

/// A mark stands as a node has set it last, or not when one of them has taken it back.
async fn marks(fresh: &mut SqliteConnection, shared: &Shared) -> sqlx::Result<()> {
    let differ = "SELECT number FROM main.mark UNION SELECT number FROM live.mark
                  EXCEPT SELECT own.number FROM main.mark AS own JOIN live.mark AS theirs
                  ON theirs.number = own.number AND theirs.call = own.call AND theirs.at = own.at
                  AND theirs.until = own.until AND theirs.by = own.by";
    let differ: Vec<String> = sqlx::query_scalar(differ).fetch_all(&mut *fresh).await?;
    for number in differ {
        let is = "SELECT call, at, until, by FROM live.mark WHERE number = ?";
        let right = match sqlx::query(is).bind(&number).fetch_optional(&mut *fresh).await? {
            Some(is) => {
                let (call, by): (String, String) = (is.try_get("call")?, is.try_get("by")?);
                let (at, until): (i64, i64) = (is.try_get("at")?, is.try_get("until")?);
                let said = claims(fresh, "number-marked", Some(&call)).await?;
                said.iter().any(|claim| {
                    claim.text("number") == number
                        && claim.text("by") == by
                        && claim.entry.get("until").and_then(Value::as_i64) == Some(until)
                        && claim.is_of(at)
                })
            }
            None => {
                let until = "SELECT until FROM main.mark WHERE number = ?";
                let until = sqlx::query_scalar::<_, i64>(until).bind(&number);
                let until = until.fetch_one(&mut *fresh).await?;
                let shown = Private::new(number.clone()).to_string();
                shared.cleared.contains(&shown) || until <= shared.reaches
            }
        };
        if right {
            replace(fresh, "mark", "number", &number).await?;
        }
    }
    Ok(())
}

/// Lets a row be what it is in the database, or not be.
async fn replace(
    fresh: &mut SqliteConnection,
    table: &str,
    key: &str,
    value: &str,
) -> sqlx::Result<()> {
    for sql in [
        format!("DELETE FROM main.{table} WHERE {key} = ?"),
        format!("INSERT INTO main.{table} SELECT * FROM live.{table} WHERE {key} = ?"),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(value).execute(&mut *fresh).await?;
    }
    Ok(())
}

/// What other nodes say of this kind, of one call or of all, in the order of their lines.
async fn claims(
    fresh: &mut SqliteConnection,
    kind: &str,
    call: Option<&str>,
) -> sqlx::Result<Vec<Claim>> {
    let sql = "SELECT node, entry FROM live.claim WHERE kind = ?1 AND (?2 IS NULL OR call = ?2)
               ORDER BY node, seq";
    let rows = sqlx::query(sql).bind(kind).bind(call).fetch_all(fresh).await?;
    let read = |row: &SqliteRow| {
        let entry = serde_json::from_str(row.try_get("entry")?).unwrap_or_default();
        Ok(Claim { node: row.try_get("node")?, entry })
    };
    rows.iter().map(read).collect()
}

/// The last of each node.
fn last(claims: Vec<Claim>) -> Vec<Claim> {
    let by_node: BTreeMap<i64, Claim> =
        claims.into_iter().map(|claim| (claim.node, claim)).collect();
    by_node.into_values().collect()
}
