//! Statements on either database: one text, values of five kinds, rows by column name.
//!
//! It knows nothing of records. What SQLite and PostgreSQL say differently stands in `dialect`.
//! No statement waits for a database longer than [`WITHIN`], unless its transaction was made patient:
//! one that hangs is given up together with its connection.

use std::borrow::Cow;
use std::future::Future;
use std::io;
use std::time::Duration;

use futures_util::TryStreamExt;
use sqlx::pool::PoolConnection;
use sqlx::{
    AssertSqlSafe, Connection, Decode, PgPool, Postgres, Row as _, Sqlite, SqlitePool, Type,
};

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::dialect::{self, Dialect};

/// How long a statement, or the next row of an answer, may take.
pub(super) const WITHIN: Duration = Duration::from_secs(10);
/// How long where a whole table is looked through, which no call waits for.
const PATIENTLY: Duration = Duration::from_secs(3600);
/// How long a connection that is given back may take to forget its transaction.
const ROLLBACK_WITHIN: Duration = Duration::from_secs(2);

/// A value that a statement binds. Absent ones keep their kind, since PostgreSQL asks for it.
#[derive(Clone, PartialEq)]
pub(super) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
    Real(Option<f64>),
}

/// PostgreSQL keeps no NUL in a text, and what strangers send may have one.
fn storable(text: &str) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text.to_owned() }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Value {
    /// 0 or 1: neither database needs to know more.
    fn from(value: bool) -> Self {
        Self::Int(Some(value.into()))
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(Some(value))
    }
}

impl From<Option<f64>> for Value {
    fn from(value: Option<f64>) -> Self {
        Self::Real(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(Some(storable(value)))
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::from(value.as_str())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(Some(if value.contains('\0') { storable(&value) } else { value }))
    }
}

impl From<Option<&str>> for Value {
    fn from(value: Option<&str>) -> Self {
        Self::Text(value.map(storable))
    }
}

impl From<Option<&String>> for Value {
    fn from(value: Option<&String>) -> Self {
        Self::from(value.map(String::as_str))
    }
}

impl From<Option<String>> for Value {
    fn from(value: Option<String>) -> Self {
        Self::from(value.as_deref())
    }
}

impl From<&Option<String>> for Value {
    fn from(value: &Option<String>) -> Self {
        Self::from(value.as_deref())
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(Some(value))
    }
}

/// One statement with its values. `?` is the next value, `?2` the second one.
pub(super) struct Statement {
    sql: Cow<'static, str>,
    values: Vec<Value>,
}

/// A statement, its values still to be bound.
pub(super) fn query(sql: impl Into<Cow<'static, str>>) -> Statement {
    Statement { sql: sql.into(), values: Vec::new() }
}

impl Statement {
    /// The next value.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// More text. Never put in what somebody wrote: that is [`Self::push_bind`]'s.
    pub fn push(&mut self, sql: &str) -> &mut Self {
        self.sql.to_mut().push_str(sql);
        self
    }

    /// A value in its place.
    pub fn push_bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self.push("?")
    }

    /// Another statement, in its place.
    pub fn append(&mut self, other: Self) -> &mut Self {
        self.values.extend(other.values);
        self.push(&other.sql)
    }

    /// Values with commas in between.
    pub fn push_list<T: Into<Value>>(&mut self, values: impl IntoIterator<Item = T>) -> &mut Self {
        for (value, comma) in
            values.into_iter().zip(std::iter::once("").chain(std::iter::repeat(", ")))
        {
            self.push(comma).push_bind(value);
        }
        self
    }

    /// Changes rows; returns how many.
    pub async fn execute(self, tx: &mut Tx) -> sqlx::Result<u64> {
        // Boxed, so that who has many statements does not carry the size of each.
        Box::pin(self.executed(tx)).await
    }

    async fn executed(self, tx: &mut Tx) -> sqlx::Result<u64> {
        let most = tx.within;
        let done = match tx.live()? {
            Live::Sqlite(on) => {
                let done = self.for_sqlite().execute(&mut **on);
                within(most, async { done.await.map(|done| done.rows_affected()) }).await
            }
            Live::Postgres(on) => {
                let done = self.for_postgres().execute(&mut **on);
                within(most, async { done.await.map(|done| done.rows_affected()) }).await
            }
        };
        tx.seen(done)
    }

    /// Hands every row to `each`, as it comes.
    pub async fn fetch_each(
        self,
        tx: &mut Tx,
        each: impl FnMut(Row) -> sqlx::Result<()> + Send,
    ) -> sqlx::Result<()> {
        Box::pin(self.fetched(tx, each)).await
    }

    async fn fetched(
        self,
        tx: &mut Tx,
        mut each: impl FnMut(Row) -> sqlx::Result<()> + Send,
    ) -> sqlx::Result<()> {
        let most = tx.within;
        let done = match tx.live()? {
            Live::Sqlite(on) => {
                let mut rows = self.for_sqlite().fetch(&mut **on);
                loop {
                    match within(most, rows.try_next()).await {
                        Ok(Some(row)) => each(Row::Sqlite(row))?,
                        Ok(None) => break Ok(()),
                        Err(error) => break Err(error),
                    }
                }
            }
            Live::Postgres(on) => {
                let mut rows = self.for_postgres().fetch(&mut **on);
                loop {
                    match within(most, rows.try_next()).await {
                        Ok(Some(row)) => each(Row::Postgres(row))?,
                        Ok(None) => break Ok(()),
                        Err(error) => break Err(error),
                    }
                }
            }
        };
        tx.seen(done)
    }

    /// Sends every row to `to`, as fast as they are taken.
    pub async fn fetch_to(self, tx: &mut Tx, to: mpsc::Sender<Row>) -> sqlx::Result<()> {
        let most = tx.within;
        let done = match tx.live()? {
            Live::Sqlite(on) => {
                let mut rows = self.for_sqlite().fetch(&mut **on);
                sent(&to, async || Ok(within(most, rows.try_next()).await?.map(Row::Sqlite))).await
            }
            Live::Postgres(on) => {
                let mut rows = self.for_postgres().fetch(&mut **on);
                sent(&to, async || Ok(within(most, rows.try_next()).await?.map(Row::Postgres)))
                    .await
            }
        };
        tx.seen(done)
    }

    /// Every row.
    pub async fn fetch_all(self, tx: &mut Tx) -> sqlx::Result<Vec<Row>> {
        let mut all = Vec::new();
        self.fetch_each(tx, |row| {
            all.push(row);
            Ok(())
        })
        .await?;
        Ok(all)
    }

    /// The first row, when there is one.
    pub async fn fetch_optional(self, tx: &mut Tx) -> sqlx::Result<Option<Row>> {
        Ok(self.fetch_all(tx).await?.into_iter().next())
    }

    fn for_sqlite(self) -> sqlx::query::Query<'static, Sqlite, sqlx::sqlite::SqliteArguments> {
        // sqlx counts plain ones for themselves where both kinds stand.
        let mixed = self.sql.contains("?1");
        let sql = if mixed { dialect::numbered(&self.sql, '?') } else { self.sql.into_owned() };
        let statement = sqlx::query(AssertSqlSafe(sql));
        self.values.into_iter().fold(statement, |statement, value| match value {
            Value::Int(value) => statement.bind(value),
            Value::Text(value) => statement.bind(value),
            Value::Bytes(value) => statement.bind(value),
            Value::Real(value) => statement.bind(value),
        })
    }

    fn for_postgres(self) -> sqlx::query::Query<'static, Postgres, sqlx::postgres::PgArguments> {
        let statement = sqlx::query(AssertSqlSafe(dialect::numbered(&self.sql, '$')));
        self.values.into_iter().fold(statement, |statement, value| match value {
            Value::Int(value) => statement.bind(value),
            Value::Text(value) => statement.bind(value),
            Value::Bytes(value) => statement.bind(value),
            Value::Real(value) => statement.bind(value),
        })
    }
}

/// Rows of one statement. Few sizes, so that each statement is prepared once.
const ROWS: [usize; 3] = [64, 8, 1];

/// Inserts many rows by few statements, each of which costs more than a row. `into` is
/// `INSERT INTO table (columns)`.
pub(super) async fn insert_rows(
    tx: &mut Tx,
    into: &'static str,
    rows: impl IntoIterator<Item = Vec<Value>>,
) -> sqlx::Result<()> {
    let mut rows: Vec<Vec<Value>> = rows.into_iter().collect();
    for size in ROWS {
        while rows.len() >= size {
            let rest = rows.split_off(size);
            let mut statement = query(into);
            for (row, before) in
                rows.into_iter().zip(std::iter::once(" VALUES (").chain(std::iter::repeat(", (")))
            {
                statement.push(before).push_list(row).push(")");
            }
            statement.execute(tx).await?;
            rows = rest;
        }
    }
    Ok(())
}

/// One row of an answer.
pub(super) enum Row {
    Sqlite(sqlx::sqlite::SqliteRow),
    Postgres(sqlx::postgres::PgRow),
}

/// What a column may be read as: `i64`, `f64`, `String`, `Vec<u8>`, each also optional.
pub(super) trait Field:
    for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>
{
}

impl<T> Field for T where
    T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>
{
}

impl Row {
    /// The column of this name.
    pub fn try_get<T: Field>(&self, column: &str) -> sqlx::Result<T> {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
    }

    /// A column of 0 and 1.
    pub fn flag(&self, column: &str) -> sqlx::Result<bool> {
        self.try_get::<i64>(column).map(|value| value != 0)
    }
}

/// Connections to one database.
#[derive(Clone, Debug)]
pub(super) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Pool {
    /// A connection of its own, outside of any transaction.
    pub async fn acquire(&self) -> sqlx::Result<Live> {
        Ok(match self {
            Self::Sqlite(pool) => Live::Sqlite(pool.acquire().await?),
            Self::Postgres(pool) => Live::Postgres(pool.acquire().await?),
        })
    }

    /// Begins a transaction: one that will change rows, or one that reads all of the same moment.
    pub async fn begin(&self, writes: bool) -> sqlx::Result<Tx> {
        let dialect = match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        };
        let live = Some(self.acquire().await?);
        let mut tx = Tx { live, dialect, node: 0, within: WITHIN, broken: false, over: false };
        query(dialect.begin(writes)).plainly(&mut tx).await?;
        Ok(tx)
    }

    /// Closes every connection.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Statement {
    /// Without preparing it: what begins and ends a transaction.
    async fn plainly(self, tx: &mut Tx) -> sqlx::Result<()> {
        let sql = AssertSqlSafe(self.sql.into_owned());
        let most = tx.within;
        let done = match tx.live()? {
            Live::Sqlite(on) => within(most, sqlx::raw_sql(sql).execute(&mut **on)).await.map(drop),
            Live::Postgres(on) => {
                within(most, sqlx::raw_sql(sql).execute(&mut **on)).await.map(drop)
            }
        };
        tx.seen(done)
    }
}

/// A connection.
pub(super) enum Live {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

impl Live {
    /// Away with it: no goodbye, the far end may not listen.
    async fn close_hard(self) {
        // There is nobody to tell: the connection is gone either way.
        let _ = match self {
            Self::Sqlite(on) => on.detach().close_hard().await,
            Self::Postgres(on) => on.detach().close_hard().await,
        };
    }
}

/// A transaction: what is not committed is undone when it is dropped.
pub(super) struct Tx {
    /// None once it is over.
    live: Option<Live>,
    dialect: Dialect,
    /// The node whose journal is being applied; 0 in transactions that only read.
    node: i64,
    /// How long each of its statements may take.
    within: Duration,
    /// Its connection answered in no time, or not as it should: nobody must have it after us.
    broken: bool,
    /// It is on its way back to the pool.
    over: bool,
}

impl Tx {
    /// Which database it is on.
    pub const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The number of the node whose journal is being applied: what is numbered by a journal's
    /// lines carries it beside the line's number.
    pub const fn node(&self) -> i64 {
        self.node
    }

    /// Says whose journal is being applied.
    pub const fn set_node(&mut self, node: i64) {
        self.node = node;
    }

    /// Lets each statement take its time: for questions that look through whole tables.
    pub const fn patient(mut self) -> Self {
        self.within = PATIENTLY;
        self
    }

    /// Makes the changes last.
    pub async fn commit(mut self) -> sqlx::Result<()> {
        query("COMMIT").plainly(&mut self).await?;
        // Nothing is left to undo: the connection goes back as it is.
        drop(self.live.take());
        Ok(())
    }

    /// Undoes what was not committed; a connection that cannot even do that is closed.
    async fn give_back(mut self) {
        if !self.broken {
            let undo = query("ROLLBACK").plainly(&mut self);
            let undone = tokio::time::timeout(ROLLBACK_WITHIN, undo).await;
            self.broken = !matches!(undone, Ok(Ok(())));
        }
        match self.live.take() {
            Some(live) if self.broken => live.close_hard().await,
            live => drop(live),
        }
    }

    fn live(&mut self) -> sqlx::Result<&mut Live> {
        self.live.as_mut().ok_or(sqlx::Error::PoolClosed)
    }

    fn seen<T>(&mut self, done: sqlx::Result<T>) -> sqlx::Result<T> {
        self.broken |= matches!(done, Err(sqlx::Error::Io(_) | sqlx::Error::Protocol(_)));
        done
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        let Some(live) = self.live.take() else { return };
        // Without a runtime nothing can be told to the database any more; and one that is being
        // shut down drops what it was to do.
        match Handle::try_current() {
            Ok(runtime) if !self.over => {
                let (dialect, node, broken) = (self.dialect, self.node, self.broken);
                let live = Some(live);
                let tx = Self { live, dialect, node, within: WITHIN, broken, over: true };
                runtime.spawn(tx.give_back());
            }
            _ => drop(live),
        }
    }
}

/// Hands rows on until there is none, or nobody takes them any more.
async fn sent(
    to: &mpsc::Sender<Row>,
    mut next: impl AsyncFnMut() -> sqlx::Result<Option<Row>>,
) -> sqlx::Result<()> {
    while let Some(row) = next().await? {
        if to.send(row).await.is_err() {
            break;
        }
    }
    Ok(())
}

async fn within<T>(
    most: Duration,
    answer: impl Future<Output = sqlx::Result<T>>,
) -> sqlx::Result<T> {
    tokio::time::timeout(most, answer).await.unwrap_or_else(|_| {
        let why = format!("no answer within {} s", most.as_secs());
        Err(sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, why)))
    })
}
