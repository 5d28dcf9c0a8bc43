//! Whether the database is what the journal makes of it: the journal is projected anew beside it, and
//! the two are compared row by row.
//!
//! The database is read as it was at one moment, so that a gateway may run meanwhile. Nothing of it is
//! changed.

use std::path::Path;

use futures_util::TryStreamExt;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};

use super::database::read_batch;
use super::journal_file::read_from;
use super::{StorageSettings, Store, StoreError};

/// A row that is not what the journal says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Table and key, and the journal's line where one is known.
    pub place: String,
    /// What differs.
    pub why: String,
}

/// What a comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Rows that are as they should be.
    pub rows: u64,
    /// How many are not.
    pub total: u64,
    /// The first of them.
    pub differences: Vec<Difference>,
    /// Why nothing was compared.
    pub note: Option<&'static str>,
}

/// Columns that need not be equal: what a mark counts depends on marks that were erased since, and what
/// was done may have named who was brought in. The numbers of rows of words are nobody's.
const LEFT_OUT: [(&str, &str); 3] = [("mark", "times"), ("audit", "what"), ("words", "nr")];
/// What tells rows apart in tables without a key, in the order in which they are walked through.
const NUMBERED: [&str; 5] = ["node", "seq", "part", "call", "incident"];

/// A table as it is compared.
struct Table {
    name: String,
    columns: Vec<String>,
    key: Vec<usize>,
    sql: String,
}

impl Store {
    /// Compares with the journal in `journal`; what is projected anew lies in the folder `work` meanwhile.
    /// At most `most` differences are told one by one.
    ///
    /// # Errors
    /// When the journal or a database cannot be read.
    pub async fn compare(
        &self,
        journal: &Path,
        work: &Path,
        most: usize,
    ) -> Result<Comparison, StoreError> {
        let mut found = Comparison::default();
        let Some(mut live) = self.file_reader().await? else {
            found.note = Some("the database was not compared: several nodes may share PostgreSQL");
            return Ok(found);
        };
        let url = format!("sqlite:{}", work.join("anew.db").display());
        let node = self.node().to_owned();
        let anew = Self::open(&StorageSettings { node, ..StorageSettings::at(&url) })?;
        let mut live = live.begin().await.map_err(|e| self.error(e))?;
        let (seq, link) = reached(&mut live).await.map_err(|e| self.error(e))?;
        anew.applied(journal).await?;
        let projected = match anew.project(journal, seq).await {
            Err(StoreError::OtherJournal { seq, .. }) => {
                found.total += 1;
                found.differences.push(Difference {
                    place: format!("line {seq}"),
                    why: "rows were not compared: the journal's chain is broken behind it"
                        .to_owned(),
                });
                anew.close().await;
                return Ok(found);
            }
            projected => projected?,
        };
        let fresh = anew.file_reader().await?;
        let mut fresh = fresh.ok_or_else(|| self.error(sqlx::Error::RowNotFound))?;
        let same = reached(&mut fresh).await.map_err(|e| anew.error(e))?;
        if projected < seq || (seq > 0 && same != (seq, link)) {
            let place = format!("line {seq}");
            let why = "the database has this line, and the journal has not or has another";
            found.total += 1;
            found.differences.push(Difference { place, why: why.to_owned() });
        }
        let tables = tables(&mut fresh).await.map_err(|e| anew.error(e))?;
        for table in tables {
            let compared = compare(&table, &mut fresh, &mut live, &mut found, most).await;
            compared.map_err(|e| self.error(e))?;
        }
        for difference in &mut found.differences {
            let place = with_line(&mut fresh, &difference.place).await;
            difference.place = place.map_err(|e| anew.error(e))?;
        }
        drop(fresh);
        anew.close().await;
        Ok(found)
    }

    async fn project(&self, journal: &Path, until: u64) -> Result<u64, StoreError> {
        let mut reader = Some(read_from(journal, 1));
        let mut reached = 0;
        while reached < until {
            let (back, lines) = read_batch(reader.take(), journal, until).await?;
            reader = Some(back);
            if lines.is_empty() {
                break;
            }
            reached = self.apply(&lines).await?;
        }
        Ok(reached)
    }
}

/// The last line that is in the database, and its hash.
async fn reached(db: &mut SqliteConnection) -> sqlx::Result<(u64, String)> {
    let row = sqlx::query("SELECT seq, link FROM node ORDER BY seq DESC LIMIT 1");
    let Some(row) = row.fetch_optional(db).await? else { return Ok((0, String::new())) };
    Ok((row.try_get::<i64, _>(0)?.unsigned_abs(), row.try_get(1)?))
}

/// Every table that is made from the journal.
async fn tables(db: &mut SqliteConnection) -> sqlx::Result<Vec<Table>> {
    let names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'node'
                 AND name NOT LIKE '\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'words\\_index%' ESCAPE '\\' ORDER BY name";
    let names: Vec<String> = sqlx::query_scalar(names).fetch_all(&mut *db).await?;
    let mut tables = Vec::new();
    for name in names {
        let info = sqlx::query("SELECT name, pk FROM pragma_table_info(?) ORDER BY cid");
        let info = info.bind(&name).fetch_all(&mut *db).await?;
        let (mut columns, mut key) = (Vec::new(), Vec::new());
        for row in info {
            let (column, pk): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
            if LEFT_OUT.contains(&(name.as_str(), column.as_str())) {
                continue;
            }
            if pk > 0 {
                key.push(columns.len());
            }
            columns.push(column);
        }
        let quoted = columns.iter().map(|c| format!("quote(\"{c}\")")).collect::<Vec<_>>();
        if key.is_empty() {
            let place = |name: &&str| columns.iter().position(|column| column == name);
            key.extend(NUMBERED.iter().filter_map(place));
        }
        let order = key.iter().filter_map(|at| columns.get(*at));
        let order = order.map(|c| format!("\"{c}\"")).collect::<Vec<_>>().join(", ");
        let sql = format!("SELECT {} FROM \"{name}\" ORDER BY {order}", quoted.join(", "));
        tables.push(Table { name, columns, key, sql });
    }
    Ok(tables)
}

fn cells(row: &SqliteRow) -> sqlx::Result<Vec<String>> {
    (0..row.len()).map(|at| row.try_get(at)).collect()
}

/// Walks through both in the order of their keys.
async fn compare(
    table: &Table,
    fresh: &mut SqliteConnection,
    live: &mut SqliteConnection,
    found: &mut Comparison,
    most: usize,
) -> sqlx::Result<()> {
    let sql = || AssertSqlSafe(table.sql.clone());
    let mut fresh = sqlx::query(sql()).fetch(fresh);
    let mut live = sqlx::query(sql()).fetch(live);
    let next = |row: Option<SqliteRow>| row.as_ref().map(cells).transpose();
    let mut wanted = next(fresh.try_next().await?)?;
    let mut is = next(live.try_next().await?)?;
    loop {
        let (told, step) = match (&wanted, &is) {
            (None, None) => break,
            (Some(wanted), None) => {
                (Some((wanted, "the row is missing".to_owned())), (true, false))
            }
            (None, Some(is)) => {
                (Some((is, "the journal knows no such row".to_owned())), (false, true))
            }
            (Some(wanted), Some(is)) if wanted == is => {
                found.rows += 1;
                (None, (true, true))
            }
            (Some(wanted), Some(is)) if table.key_of(wanted) == table.key_of(is) => {
                (Some((wanted, table.difference(wanted, is))), (true, true))
            }
            (Some(wanted), Some(is)) if table.comes_first(wanted, is) => {
                (Some((wanted, "the row is missing".to_owned())), (true, false))
            }
            (Some(_), Some(is)) => {
                (Some((is, "the journal knows no such row".to_owned())), (false, true))
            }
        };
        if let Some((row, why)) = told {
            found.total += 1;
            if found.differences.len() < most {
                found.differences.push(Difference { place: table.place(row), why });
            }
        }
        if step.0 {
            wanted = next(fresh.try_next().await?)?;
        }
        if step.1 {
            is = next(live.try_next().await?)?;
        }
    }
    Ok(())
}

impl Table {
    fn key_of<'a>(&self, row: &'a [String]) -> Vec<&'a str> {
        self.key.iter().filter_map(|at| row.get(*at)).map(String::as_str).collect()
    }

    /// Numbers are compared as such: their text has no order.
    fn comes_first(&self, a: &[String], b: &[String]) -> bool {
        for (a, b) in self.key_of(a).into_iter().zip(self.key_of(b)) {
            let order = match (a.parse::<i64>(), b.parse::<i64>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                _ => a.cmp(b),
            };
            if order.is_ne() {
                return order.is_lt();
            }
        }
        false
    }

    /// The columns that differ. What stands in them may be personal, and is not told.
    fn difference(&self, wanted: &[String], is: &[String]) -> String {
        let differ = self.columns.iter().zip(wanted.iter().zip(is));
        let differ =
            differ.filter(|(_, (wanted, is))| wanted != is).map(|(column, _)| column.as_str());
        format!("{} not what the journal says", differ.collect::<Vec<_>>().join(", "))
    }

    fn place(&self, row: &[String]) -> String {
        let part = |(column, cell): (&String, &String)| {
            let named =
                matches!(column.as_str(), "call" | "seq" | "id" | "part" | "work" | "attempt");
            named.then(|| format!(" {column} {}", cell.trim_matches('\'')))
        };
        let parts: String = self.columns.iter().zip(row).filter_map(part).collect();
        format!("table {}{parts}", self.name)
    }
}

/// The journal's line that the call of a place begins with.
async fn with_line(fresh: &mut SqliteConnection, place: &str) -> sqlx::Result<String> {
    let call = place.split(" call ").nth(1).and_then(|rest| rest.split(' ').next());
    let Some(call) = call.filter(|_| !place.contains(" seq ")) else { return Ok(place.to_owned()) };
    let first: Option<i64> = sqlx::query_scalar("SELECT min(seq) FROM step WHERE call = ?")
        .bind(call)
        .fetch_one(fresh)
        .await?;
    Ok(first.map_or_else(|| place.to_owned(), |seq| format!("{place} (arrived in line {seq})")))
}
