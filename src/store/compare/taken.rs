//! One node's rows of a shared database, taken as they are at one moment into a file that is compared and
//! then thrown away. Nothing of the database is changed.

use std::collections::HashSet;

use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};
use tokio::sync::mpsc;

use super::super::sql::{Row, Tx, query};
use super::Difference;

/// Rows on their way from one database to the other.
const ROWS: usize = 256;
/// Records that several nodes have written of, as far as this one has to do with them.
const SHARED: &str = "SELECT told.incident FROM record_step AS told
    LEFT JOIN incident ON incident.id = told.incident
    WHERE (told.node = ?1 AND (incident.node IS NULL OR incident.node <> ?1))
    OR (told.node <> ?1 AND incident.node = ?1)";
/// What is made of the steps of such records.
const MADE: [&str; 3] = ["form", "agency_notice", "words"];
/// Facts of other nodes that change rows which are not theirs.
const CLAIMS: [&str; 5] =
    ["disposed", "number-marked", "incident-held", "recording-held", "personal-erased"];
/// Tables whose rows have the line of a node's journal.
const LINES: [&str; 10] = [
    "access",
    "audit",
    "link",
    "location",
    "offer",
    "record_step",
    "retention",
    "seat_log",
    "signal",
    "step",
];
/// Rows that stand beside others in the transaction of any node that makes them, and are alone.
const ALONE: [(&str, &str); 7] = [
    ("arrival", "NOT EXISTS (SELECT 1 FROM incident WHERE incident.call = here.call)"),
    ("number_key", "NOT EXISTS (SELECT 1 FROM incident WHERE incident.call = here.call)"),
    ("form", "NOT EXISTS (SELECT 1 FROM record_step WHERE record_step.incident = here.incident)"),
    (
        "agency_notice",
        "NOT EXISTS (SELECT 1 FROM record_step WHERE record_step.incident = here.incident)",
    ),
    (
        "words",
        "NOT EXISTS (SELECT 1 FROM incident WHERE incident.id = here.incident)
         AND NOT EXISTS (SELECT 1 FROM record_step WHERE record_step.incident = here.incident)
         AND NOT EXISTS (SELECT 1 FROM step WHERE step.call = here.incident)",
    ),
    ("work_call", "NOT EXISTS (SELECT 1 FROM work WHERE work.work = here.work)"),
    ("work_attempt", "NOT EXISTS (SELECT 1 FROM work WHERE work.work = here.work)"),
];

/// A column and how it is read.
#[derive(Clone, Copy)]
enum Kind {
    Int,
    Text,
    Bytes,
    Real,
}

/// What other nodes have to do with this one's rows.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// There are others.
    pub others: bool,
    /// Records that several nodes have written of.
    pub incidents: u64,
    /// Numbers, as they are shown, whose mark another node took back.
    pub cleared: HashSet<String>,
    /// What others did before this time is not known any more.
    pub reaches: i64,
    /// Rows that no node can have written.
    pub strange: Vec<Difference>,
    /// How many there are.
    pub strangers: u64,
}

/// Copies what is the node's into `into`, whose tables are empty: its own rows, those of marks and holds,
/// which have no owner, and what others wrote where rows are made of what several have written. In the
/// copy this node has the number 1, and those of the others keep their order.
pub(super) async fn take(
    from: &mut Tx,
    node: &str,
    into: &mut SqliteConnection,
) -> sqlx::Result<Shared> {
    let nodes = query("SELECT id, name, seq, link FROM node").fetch_all(from).await?;
    let mut own = None;
    let mut shared = Shared { reaches: i64::MIN, ..Shared::default() };
    for row in &nodes {
        let (id, seq): (i64, i64) = (row.try_get("id")?, row.try_get("seq")?);
        if row.try_get::<String>("name")? == node {
            own = Some((id, seq, row.try_get::<String>("link")?));
        } else {
            shared.others |= seq > 0;
        }
    }
    let Some((id, seq, link)) = own else { return Ok(shared) };
    let place = sqlx::query("UPDATE node SET name = ?, seq = ?, link = ? WHERE id = 1");
    place.bind(node).bind(seq).bind(link).execute(&mut *into).await?;
    for name in super::names(into).await? {
        let columns = columns(into, &name).await?;
        copy(from, id, (&name, &name), &columns, whose(&name, &columns), into).await?;
    }
    if shared.others {
        others(from, id, into, &mut shared).await?;
    }
    strangers(from, &mut shared).await?;
    Ok(shared)
}

/// What others wrote that rows of this node may hang on.
async fn others(
    from: &mut Tx,
    own: i64,
    into: &mut SqliteConnection,
    shared: &mut Shared,
) -> sqlx::Result<()> {
    for table in MADE {
        let columns = columns(into, table).await?;
        let whose = format!(
            "incident IN ({SHARED}) AND incident NOT IN (SELECT id FROM incident WHERE node = ?1)"
        );
        copy(from, own, (table, table), &columns, &whose, into).await?;
    }
    let steps = columns(into, "record_step").await?;
    let whose = format!("node <> ?1 AND incident IN ({SHARED})");
    copy(from, own, ("record_step", "record_step"), &steps, &whose, into).await?;
    let made = "CREATE TABLE claim (node INTEGER, seq INTEGER, call TEXT, entry TEXT, kind TEXT)";
    sqlx::query(made).execute(&mut *into).await?;
    let steps = columns(into, "step").await?;
    let kinds = CLAIMS.map(|kind| format!("entry LIKE '%\"fact\":\"{kind}\"%'")).join(" OR ");
    copy(from, own, ("step", "claim"), &steps, &format!("node <> ?1 AND ({kinds})"), into).await?;
    for sql in [
        "UPDATE claim SET kind = json_extract(entry, '$.fact')",
        "CREATE INDEX claim_kind ON claim (kind, call)",
    ] {
        sqlx::query(sql).execute(&mut *into).await?;
    }
    let count = format!(
        "SELECT count(*) AS many FROM (SELECT DISTINCT incident FROM ({SHARED}) AS of_several) AS each_one"
    );
    let count = query(count).bind(own).fetch_optional(from).await?;
    let count = count.map(|row| row.try_get::<i64>("many")).transpose()?.unwrap_or_default();
    shared.incidents = count.unsigned_abs();
    let cleared =
        "SELECT subject FROM audit WHERE node <> ? AND what = 'mark of a number taken back'";
    for row in query(cleared).bind(own).fetch_all(from).await? {
        shared.cleared.insert(row.try_get("subject")?);
    }
    // Only where rounds of deletion ran may the log of a node have lost its beginning.
    let begins = "SELECT coalesce((SELECT min(at) FROM audit WHERE audit.node = cut.node),
                  9223372036854775807) AS begins FROM (SELECT DISTINCT node FROM retention
                  WHERE node <> ?) AS cut";
    for row in query(begins).bind(own).fetch_all(from).await? {
        shared.reaches = shared.reaches.max(row.try_get("begins")?);
    }
    Ok(())
}

/// Looks for rows that no node can have written, whosever they are said to be.
async fn strangers(from: &mut Tx, shared: &mut Shared) -> sqlx::Result<()> {
    let mut found = |table: &str, many: i64, why: String| {
        shared.strangers += many.unsigned_abs();
        shared.strange.push(Difference { place: format!("table {table}, {many} rows"), why });
    };
    for table in LINES.into_iter().chain(["incident", "recording", "work"]) {
        let behind = if LINES.contains(&table) { "OR here.seq > node.seq" } else { "" };
        let sql = format!(
            "SELECT here.node AS nr, node.name AS name, count(*) AS many FROM {table} AS here
             LEFT JOIN node ON node.id = here.node WHERE node.id IS NULL {behind}
             GROUP BY here.node, node.name ORDER BY here.node"
        );
        for row in query(sql).fetch_all(from).await? {
            let why = match row.try_get::<Option<String>>("name")? {
                Some(name) => format!("they are behind the last line that came from node {name:?}"),
                None => format!("there is no node with the number {}", row.try_get::<i64>("nr")?),
            };
            found(table, row.try_get("many")?, why);
        }
    }
    for (table, alone) in ALONE {
        let sql = format!("SELECT count(*) AS many FROM {table} AS here WHERE {alone}");
        let row = query(sql).fetch_optional(from).await?;
        let many = row.map(|row| row.try_get::<i64>("many")).transpose()?.unwrap_or_default();
        if many > 0 {
            found(table, many, "no node writes such a row by itself".to_owned());
        }
    }
    Ok(())
}

async fn columns(into: &mut SqliteConnection, table: &str) -> sqlx::Result<Vec<(String, Kind)>> {
    let info = sqlx::query("SELECT name, type FROM pragma_table_info(?) ORDER BY cid");
    let rows = info.bind(table).fetch_all(into).await?;
    let column = |row: &sqlx::sqlite::SqliteRow| {
        let (name, kind): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let kind = match kind.as_str() {
            "INTEGER" => Kind::Int,
            "REAL" => Kind::Real,
            "BLOB" => Kind::Bytes,
            _ => Kind::Text,
        };
        Ok((name, kind))
    };
    // The numbers of rows of words are SQLite's own.
    let all: sqlx::Result<Vec<_>> = rows.iter().map(column).collect();
    Ok(all?.into_iter().filter(|(name, _)| (table, name.as_str()) != ("words", "nr")).collect())
}

/// Whose a row is, by the columns that its table has.
fn whose(table: &str, columns: &[(String, Kind)]) -> &'static str {
    let has = |name: &str| columns.iter().any(|(column, _)| column == name);
    match table {
        // The last node that said something of them has the word.
        "mark" | "hold" | "hold_cover" => "?1 > 0",
        // Calls that a seat dials have steps and no record.
        "words" => {
            "incident IN (SELECT id FROM incident WHERE node = ?1)
             OR (incident IN (SELECT call FROM step WHERE node = ?1)
             AND NOT EXISTS (SELECT 1 FROM incident WHERE incident.id = words.incident)
             AND NOT EXISTS (SELECT 1 FROM record_step WHERE record_step.incident = words.incident))"
        }
        _ if has("node") => "node = ?1",
        _ if has("call") => "call IN (SELECT call FROM incident WHERE node = ?1)",
        _ if has("incident") => "incident IN (SELECT id FROM incident WHERE node = ?1)",
        _ => "work IN (SELECT work FROM work WHERE node = ?1)",
    }
}

async fn copy(
    source: &mut Tx,
    own: i64,
    (from, to): (&str, &str),
    columns: &[(String, Kind)],
    whose: &str,
    into: &mut SqliteConnection,
) -> sqlx::Result<()> {
    let named: Vec<String> = columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let named = named.join(", ");
    let select = format!("SELECT {named} FROM \"{from}\" WHERE {whose}");
    let places = vec!["?"; columns.len()].join(", ");
    let insert = format!("INSERT INTO \"{to}\" ({named}) VALUES ({places})");
    let (rows, mut taken) = mpsc::channel::<Row>(ROWS);
    let reading = query(select).bind(own).fetch_to(source, rows);
    let writing = async {
        sqlx::query("BEGIN").execute(&mut *into).await?;
        while let Some(row) = taken.recv().await {
            let mut put = sqlx::query(AssertSqlSafe(insert.clone()));
            for (name, kind) in columns {
                put = match kind {
                    Kind::Int if name == "node" => {
                        put.bind(row.try_get::<i64>(name)?.saturating_sub(own).saturating_add(1))
                    }
                    Kind::Int => put.bind(row.try_get::<Option<i64>>(name)?),
                    Kind::Text => put.bind(row.try_get::<Option<String>>(name)?),
                    Kind::Bytes => put.bind(row.try_get::<Option<Vec<u8>>>(name)?),
                    Kind::Real => put.bind(row.try_get::<Option<f64>>(name)?),
                };
            }
            put.execute(&mut *into).await?;
        }
        sqlx::query("COMMIT").execute(&mut *into).await.map(drop)
    };
    let (read, written) = tokio::join!(reading, writing);
    written.and(read)
}
