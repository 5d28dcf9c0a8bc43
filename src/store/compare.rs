//! Whether the database is what the journal makes of it: the journal is projected anew beside it, and
//! the two are compared row by row.
//!
//! The database is read as it was at one moment, so that a gateway may run meanwhile. Nothing of it is
//! changed. Of a PostgreSQL that nodes share, this node's rows are compared with its journal, what several
//! nodes have made with what all of them wrote, and rows are found that none of them can have written.
//! With a time, only what came since is, and no more of the journal is projected.

mod agreed;
mod taken;

use std::path::Path;

use futures_util::TryStreamExt;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};

use super::database::read_batch;
use super::journal_file::{read_from, segment_of};
use super::{StorageSettings, Store, StoreError};
use crate::vocabulary::{Uid, WallTime};

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
    /// What was not compared, and why.
    pub notes: Vec<String>,
    /// Rows of erased records, of which the journal does not tell everything any more.
    untold: u64,
}

/// The file with what was taken of a server.
const TAKEN: &str = "taken.db";

/// Columns that need not be equal: what a mark counts depends on marks that were erased since, and what
/// was done may have named who was brought in. The numbers of rows of words are nobody's. Which talk a call
/// belonged to cannot be told anew of those that were erased before it was kept.
const LEFT_OUT: [(&str, &str); 4] =
    [("mark", "times"), ("audit", "what"), ("words", "nr"), ("seat_call", "during")];
/// What tells rows apart in tables without a key, in the order in which they are walked through.
const NUMBERED: [&str; 5] = ["node", "seq", "part", "call", "incident"];

/// Columns of a record that people may have said in its form: when it is erased the journal forgets them,
/// and statistics keep them.
const FORGOTTEN: [&str; 5] = ["category", "kecamatan", "disposition", "disposed_by", "disposed_at"];

/// Tables whose rows an older line may have begun: with a time they are not compared.
const BEGUN_BEFORE: [&str; 6] = ["mark", "work", "work_call", "work_attempt", "hold", "hold_cover"];

/// From where on rows are compared.
#[derive(Clone, Debug, Default)]
pub(super) struct Since {
    /// The first line that is projected.
    pub(super) line: u64,
    /// The first call.
    call: String,
}

/// A table as it is compared.
struct Table {
    name: String,
    columns: Vec<String>,
    key: Vec<usize>,
    sql: String,
    /// Of records: when they were erased, and what the journal does not tell then.
    erased: Option<(usize, Vec<usize>)>,
}

impl Store {
    /// Compares with the journal in `journal`, from `since` on; what is projected anew lies in the folder
    /// `work` meanwhile. At most `most` differences are told one by one.
    ///
    /// # Errors
    /// When the journal or a database cannot be read.
    pub async fn compare(
        &self,
        journal: &Path,
        work: &Path,
        most: usize,
        since: Option<WallTime>,
    ) -> Result<Comparison, StoreError> {
        let mut found = Comparison::default();
        let anew = self.beside(work, "anew.db")?;
        let (copy, shared) = self.taken(work).await?;
        let live = match &copy {
            Some(copy) => copy.file_reader().await?,
            None => self.file_reader().await?,
        };
        let mut held = live.ok_or_else(|| self.error(sqlx::Error::RowNotFound))?;
        let mut live = held.begin().await.map_err(|e| self.error(e))?;
        let (seq, link) = reached(&mut live).await.map_err(|e| self.error(e))?;
        anew.applied(journal).await?;
        let since = match since {
            Some(at) => Some(anew.begin_at(journal, at).await?).filter(|since| since.line > 1),
            None => None,
        };
        let first = since.as_ref().map_or(1, |since| since.line);
        let projected = match anew.project(journal, first, seq).await {
            Err(StoreError::OtherJournal { seq, .. }) => {
                found.total += 1;
                found.differences.push(Difference {
                    place: format!("line {seq}"),
                    why: "rows were not compared: the journal's chain is broken behind it"
                        .to_owned(),
                });
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
        if shared.others {
            agreed::agree(&anew, &mut fresh, &work.join(TAKEN), &shared).await?;
            found.notes.push(with_others(shared.incidents));
        }
        found.total += shared.strangers;
        found.differences.extend(shared.strange.into_iter().take(most));
        let tables = tables(&mut fresh, since.as_ref()).await.map_err(|e| anew.error(e))?;
        for table in tables {
            let compared = compare(&table, &mut fresh, &mut live, &mut found, most).await;
            compared.map_err(|e| self.error(e))?;
        }
        found.notes.extend(untold(found.untold));
        for difference in &mut found.differences {
            let place = with_line(&mut fresh, &difference.place).await;
            difference.place = place.map_err(|e| anew.error(e))?;
        }
        drop((fresh, live));
        drop(held);
        anew.close().await;
        if let Some(copy) = copy {
            copy.close().await;
        }
        Ok(found)
    }

    /// A file of the same node in `work`.
    fn beside(&self, work: &Path, name: &str) -> Result<Self, StoreError> {
        let url = format!("sqlite:{}", work.join(name).display());
        let node = self.node().to_owned();
        Self::open(&StorageSettings { node, ..StorageSettings::at(&url) })
    }

    /// The rows of this node where the database is a server, as they are now; none where it is a file.
    async fn taken(&self, work: &Path) -> Result<(Option<Self>, taken::Shared), StoreError> {
        if self.file_reader().await?.is_some() {
            return Ok((None, taken::Shared::default()));
        }
        let copy = self.beside(work, TAKEN)?;
        let mut file = copy.file_reader().await?;
        let file = file.as_mut().ok_or_else(|| self.error(sqlx::Error::RowNotFound))?;
        let mut tx = self.reading().await?.patient();
        let shared = taken::take(&mut tx, self.node(), file).await.map_err(|e| self.error(e))?;
        Ok((Some(copy), shared))
    }

    /// Lets the empty tables begin with the journal's file that was written at this time.
    pub(super) async fn begin_at(&self, journal: &Path, at: WallTime) -> Result<Since, StoreError> {
        let line = segment_of(journal, at)?;
        let (_, lines) = read_batch(Some(read_from(journal, line)), journal, line).await?;
        if let Some(first) = lines.first().filter(|first| first.seq > 1) {
            let mut file = self.file_reader().await?;
            let file = file.as_mut().ok_or_else(|| self.error(sqlx::Error::RowNotFound))?;
            let begins = sqlx::query("UPDATE node SET seq = ?, link = ? WHERE name = ?");
            let before = i64::try_from(first.seq - 1).unwrap_or_default();
            let begins = begins.bind(before).bind(&first.prev).bind(self.node());
            begins.execute(&mut **file).await.map_err(|e| self.error(e))?;
        }
        Ok(Since { line, call: Uid::new(WallTime(at.0.max(0)), 0).to_string() })
    }

    async fn project(&self, journal: &Path, from: u64, until: u64) -> Result<u64, StoreError> {
        let mut reader = Some(read_from(journal, from));
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

fn with_others(records: u64) -> String {
    format!(
        "other nodes write here too, of {records} records that this one has to do with: its own rows were \
         compared with its journal, and what several nodes have made with what the database has of each; \
         what stands there under another node's name is compared where that node's journal is: run it on \
         every node"
    )
}

fn untold(records: u64) -> Option<String> {
    let told = format!(
        "of {records} erased records it was not compared which category, kecamatan and kind of call people \
         had said: the journal does not tell it any more"
    );
    (records > 0).then_some(told)
}

/// The last line that is in the database, and its hash.
async fn reached(db: &mut SqliteConnection) -> sqlx::Result<(u64, String)> {
    let row = sqlx::query("SELECT seq, link FROM node ORDER BY seq DESC LIMIT 1");
    let Some(row) = row.fetch_optional(db).await? else { return Ok((0, String::new())) };
    Ok((row.try_get::<i64, _>(0)?.unsigned_abs(), row.try_get(1)?))
}

/// The names of all tables that are made from the journal.
async fn names(db: &mut SqliteConnection) -> sqlx::Result<Vec<String>> {
    let names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'node'
                 AND name NOT LIKE '\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'
                 AND name NOT LIKE 'words\\_index%' ESCAPE '\\' ORDER BY name";
    sqlx::query_scalar(names).fetch_all(db).await
}

/// The condition for rows that came since; none where an older line may have begun them.
fn condition(table: &str, columns: &[String], since: &Since) -> Option<String> {
    let has = |name: &str| columns.iter().any(|column| column == name);
    let Since { line, call } = since;
    match () {
        () if BEGUN_BEFORE.contains(&table) => None,
        () if has("call") => Some(format!("call >= '{call}'")),
        () if has("incident") => Some(format!("incident >= '{call}'")),
        () if has("seq") => Some(format!("seq >= {line}")),
        () => None,
    }
}

/// Every table that is made from the journal, as far as it is compared.
async fn tables(db: &mut SqliteConnection, since: Option<&Since>) -> sqlx::Result<Vec<Table>> {
    let names = names(db).await?;
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
        let wanted = match since {
            None => String::new(),
            Some(since) => match condition(&name, &columns, since) {
                Some(condition) => format!(" WHERE {condition}"),
                None => continue,
            },
        };
        let quoted = quoted.join(", ");
        let sql = format!("SELECT {quoted} FROM \"{name}\"{wanted} ORDER BY {order}");
        let place = |name: &str| columns.iter().position(|column| column == name);
        let erased = place("record_erased_at").map(|erased| {
            (erased, FORGOTTEN.iter().filter_map(|name| place(name)).collect::<Vec<_>>())
        });
        tables.push(Table { name, columns, key, sql, erased });
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
            (Some(wanted), Some(is)) if table.is_forgotten(wanted, is) => {
                found.rows += 1;
                found.untold += 1;
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

    /// Whether two rows of an erased record differ only in what the journal has forgotten.
    fn is_forgotten(&self, wanted: &[String], is: &[String]) -> bool {
        let Some((erased, forgotten)) = &self.erased else { return false };
        let same = |(at, (wanted, is)): (usize, (&String, &String))| {
            wanted == is || forgotten.contains(&at)
        };
        wanted.get(*erased).is_some_and(|at| at != "NULL")
            && wanted.iter().zip(is).enumerate().all(same)
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
