//! One node's rows of a shared database, taken as they are at one moment into a file that is compared and
//! then thrown away. Nothing of the database is changed.

use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};
use tokio::sync::mpsc;

use super::super::sql::{Row, Tx, query};

/// Rows on their way from one database to the other.
const ROWS: usize = 256;
/// What other nodes may have changed as well, where there are others.
const EVERYBODY_S: [&str; 5] = ["mark", "work", "work_call", "work_attempt", "hold_cover"];
/// Tables by incident of which a record of several nodes is taken out.
const BY_INCIDENT: [&str; 6] =
    ["form", "form_number_key", "agency_notice", "words", "record_step", "hold"];

/// A column and how it is read.
#[derive(Clone, Copy)]
enum Kind {
    Int,
    Text,
    Bytes,
    Real,
}

/// What cannot be compared because other nodes write it as well.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// There are others.
    pub others: bool,
    /// Incidents that several nodes have written of.
    pub incidents: Vec<String>,
}

/// Copies what is the node's into `into`, whose tables are empty.
pub(super) async fn take(
    from: &mut Tx,
    node: &str,
    into: &mut SqliteConnection,
) -> sqlx::Result<Shared> {
    let nodes = query("SELECT id, name, seq, link FROM node").fetch_all(from).await?;
    let mut own = None;
    let mut shared = Shared::default();
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
        copy(from, id, &name, &columns, into).await?;
    }
    for sql in [
        "SELECT DISTINCT record_step.incident AS id FROM record_step
         JOIN incident ON incident.id = record_step.incident
         WHERE incident.node = ?1 AND record_step.node <> ?1",
        "SELECT DISTINCT incident.id AS id FROM step JOIN incident ON incident.call = step.call
         WHERE incident.node = ?1 AND step.node <> ?1",
        "SELECT DISTINCT record_step.incident AS id FROM record_step
         JOIN incident ON incident.id = record_step.incident
         WHERE incident.node <> ?1 AND record_step.node = ?1",
    ] {
        for row in query(sql).bind(id).fetch_all(from).await? {
            shared.incidents.push(row.try_get("id")?);
        }
    }
    Ok(shared)
}

/// Takes out of one of the two what cannot be compared.
pub(super) async fn leave_out(shared: &Shared, of: &mut SqliteConnection) -> sqlx::Result<()> {
    for table in EVERYBODY_S.iter().filter(|_| shared.others) {
        sqlx::query(AssertSqlSafe(format!("DELETE FROM \"{table}\""))).execute(&mut *of).await?;
    }
    for incident in &shared.incidents {
        let calls = "IN (SELECT call FROM incident WHERE id = ?)";
        for table in ["step", "offer", "link"] {
            let gone = format!("DELETE FROM \"{table}\" WHERE call {calls}");
            sqlx::query(AssertSqlSafe(gone)).bind(incident).execute(&mut *of).await?;
        }
        for table in BY_INCIDENT {
            let gone = format!("DELETE FROM \"{table}\" WHERE incident = ?");
            sqlx::query(AssertSqlSafe(gone)).bind(incident).execute(&mut *of).await?;
        }
        let gone = sqlx::query("DELETE FROM incident WHERE id = ?").bind(incident);
        gone.execute(&mut *of).await?;
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
fn whose(columns: &[(String, Kind)]) -> &'static str {
    let has = |name: &str| columns.iter().any(|(column, _)| column == name);
    if has("node") {
        "node = ?1"
    } else if has("call") {
        "call IN (SELECT call FROM incident WHERE node = ?1)"
    } else if has("incident") {
        "incident IN (SELECT id FROM incident WHERE node = ?1)"
    } else {
        "work IN (SELECT work FROM work WHERE node = ?1)"
    }
}

async fn copy(
    from: &mut Tx,
    node: i64,
    table: &str,
    columns: &[(String, Kind)],
    into: &mut SqliteConnection,
) -> sqlx::Result<()> {
    let named: Vec<String> = columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let named = named.join(", ");
    let select = format!("SELECT {named} FROM \"{table}\" WHERE {}", whose(columns));
    let places = vec!["?"; columns.len()].join(", ");
    let insert = format!("INSERT INTO \"{table}\" ({named}) VALUES ({places})");
    let (rows, mut taken) = mpsc::channel::<Row>(ROWS);
    let reading = query(select).bind(node).fetch_to(from, rows);
    let writing = async {
        sqlx::query("BEGIN").execute(&mut *into).await?;
        while let Some(row) = taken.recv().await {
            let mut put = sqlx::query(AssertSqlSafe(insert.clone()));
            for (name, kind) in columns {
                // The node has number 1 where it is alone.
                put = match kind {
                    Kind::Int if name == "node" => put.bind(1_i64),
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
