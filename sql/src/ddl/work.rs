//! The transaction of a statement that changes definitions.
//!
//! - K1: [`Work::hold`] returns with a catalog in which everything that was asked for
//!   is what it was when it was locked.
//!
//! Not here: what a statement wants (its own module).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use holdfast_api::txn::{Check, LockWait, Lockable, RowKey};
use holdfast_base::{TableId, Ts};
use holdfast_tail::Pin;
use holdfast_value::{Value, ValueError};
use serde::Serialize;

use crate::catalog::definition::ROW_VERSION;
use crate::catalog::{Catalog, CounterRow, DatabaseRow, Entry, Table, TableRow, system};
use crate::engine::Engine;
use crate::error::{Result, SqlError};
use crate::exec::Statement;
use crate::exec::sequence::Counter;
use crate::exec::transaction::{Isolation, Locks, Transaction};
use crate::exec::view::View;

/// The longest wait for a lock.
const WAIT_MAX_S: u64 = 60;
/// How often the catalog may have changed while locks were taken.
const LOOKS: usize = 64;

/// A statement at work.
pub struct Work<'a> {
    /// The statement.
    pub statement: &'a mut Statement,
    /// The server.
    pub engine: Arc<Engine>,
    /// The definitions that it decides by.
    pub catalog: Arc<Catalog>,
    /// As of when rows are read.
    pub ts: Ts,
    /// Its changes.
    pub transaction: Transaction,
    pin: Pin,
    forgotten: Vec<Counter>,
}

/// What a name row holds.
#[derive(Serialize)]
struct NameRow {
    id: u64,
}

impl<'a> Work<'a> {
    /// Begins.
    pub async fn begin(statement: &'a mut Statement) -> Result<Self> {
        let engine = statement.engine.clone();
        let transaction = Transaction::begin(&engine, Isolation::ReadCommitted, true).await?;
        let ts = engine.now().await?;
        let pin = engine.tail.pin(ts)?;
        let catalog = engine.catalog()?;
        statement.catalog = Arc::clone(&catalog);
        let forgotten = Vec::new();
        Ok(Self { statement, engine, catalog, ts, transaction, pin, forgotten })
    }

    /// Locks what `want` asks for, until a look at the newest catalog asks for no more (K1).
    pub async fn hold(&mut self, want: impl Fn(&Catalog, &mut Wants) -> Result<()>) -> Result<()> {
        let wait = LockWait::For(Duration::from_secs(self.wait_s()));
        for _ in 0..LOOKS {
            let mut wants = Wants::default();
            want(&self.catalog, &mut wants)?;
            if self.transaction.not_held(&wants.0).is_empty() {
                return Ok(());
            }
            let grant = self.transaction.lock(&self.engine, &wants.0, self.ts, wait).await?;
            self.ts = self.ts.max(grant.at);
            self.pin = self.engine.tail.pin(self.ts)?;
            self.catalog = self.engine.catalog()?;
            self.statement.catalog = Arc::clone(&self.catalog);
        }
        Err(SqlError::deadlock())
    }

    fn wait_s(&self) -> u64 {
        let given = match self.statement.variables.get("lock_wait_timeout", false) {
            Some(Value::Int(seconds)) => u64::try_from(seconds).unwrap_or(0),
            Some(Value::UInt(seconds)) => seconds,
            _ => WAIT_MAX_S,
        };
        given.min(WAIT_MAX_S)
    }

    /// Commits.
    pub async fn commit(mut self) -> Result<()> {
        self.transaction.commit(&self.engine).await?;
        for counter in &self.forgotten {
            self.engine.sequences.forget(*counter);
        }
        Ok(())
    }

    /// Ends without changes.
    pub fn abandon(mut self) {
        self.transaction.rollback(&self.engine);
    }

    /// Rows as it sees them.
    pub fn view(&self) -> View<'_> {
        View { engine: &self.engine, ts: self.ts, own: &self.transaction.workspace }
    }

    /// `count` fresh ids in a row; the first.
    pub async fn ids(&self, count: usize) -> Result<u64> {
        self.engine.sequences.take(&self.engine, Counter::Id, count.max(1) as u64).await
    }

    /// Seconds since 1970.
    pub fn now_s(&self) -> i64 {
        self.statement.context.now.div_euclid(1_000_000)
    }

    /// A note or a warning.
    pub fn warn(&mut self, code: u16, message: impl Into<String>) {
        let error = SqlError::new(code, message);
        let (code, state, message) = (error.code, error.state, error.message);
        self.statement.context.warn(ValueError::Other { code, state, message });
    }

    /// Writes a row of a system table; none: removes it. It must be as it was when the
    /// catalog was looked at.
    pub fn put(&mut self, row: RowKey, value: Option<Bytes>) {
        let since = self.ts.max(self.catalog.ts);
        self.transaction.check(Check { row: row.clone(), since });
        self.transaction.workspace.put(row.table, row.key, value);
    }

    /// Writes a database and its name.
    pub fn put_database(&mut self, row: &DatabaseRow) -> Result<()> {
        self.put(system::database_key(row.id), Some(system::encode(row)?));
        self.put(system::name_key(0, &row.name), Some(system::encode(&NameRow { id: row.id })?));
        Ok(())
    }

    /// Removes a database and its name.
    pub fn remove_database(&mut self, row: &DatabaseRow) {
        self.put(system::database_key(row.id), None);
        self.put(system::name_key(0, &row.name), None);
    }

    /// Writes a table or view under its name.
    pub fn put_entry(&mut self, row: &TableRow) -> Result<()> {
        self.put(system::table_key(row.id), Some(system::encode(row)?));
        let name = system::encode(&NameRow { id: row.id.0 })?;
        self.put(system::name_key(row.database, &row.name), Some(name));
        Ok(())
    }

    /// Removes a definition and its name, and with a table its rows.
    pub fn remove_entry(&mut self, entry: &Entry) {
        let row = entry.row();
        self.put(system::table_key(row.id), None);
        self.put(system::name_key(row.database, &row.name), None);
        if let Entry::Table(table) = entry {
            self.remove_counter(table);
        }
    }

    /// A table's AUTO_INCREMENT is gone. Nobody checks the counter: rows are locked.
    pub fn remove_counter(&mut self, table: &Table) {
        if table.auto.is_none() {
            return;
        }
        let table = table.id;
        let row = system::auto_key(table);
        self.transaction.workspace.put(row.table, row.key, None);
        self.forgotten.push(Counter::Auto(table));
    }

    /// A table's next AUTO_INCREMENT.
    pub fn put_counter(&mut self, table: TableId, next: u64) -> Result<()> {
        let row = system::auto_key(table);
        let value = system::encode(&CounterRow { v: ROW_VERSION, next: next.max(1) })?;
        self.transaction.workspace.put(row.table, row.key, Some(value));
        self.forgotten.push(Counter::Auto(table));
        Ok(())
    }
}

/// What a statement wants locked (L1).
#[derive(Default)]
pub struct Wants(Locks);

impl Wants {
    /// A database, to put something into it or take something out.
    pub fn enter(&mut self, database: &DatabaseRow) {
        self.0.shared(Lockable::Row(system::database_key(database.id)));
    }

    /// A database, to drop or change it.
    pub fn seize(&mut self, database: &DatabaseRow) {
        self.0.exclusive(Lockable::Row(system::database_key(database.id)));
    }

    /// A name, to take it or give it up; database 0: a database's.
    pub fn name(&mut self, database: u64, name: &str) {
        self.0.exclusive(Lockable::Row(system::name_key(database, name)));
    }

    /// A definition and its rows, to change them.
    pub fn change(&mut self, entry: &Entry) {
        self.0.exclusive(Lockable::Row(system::table_key(entry.id())));
        if let Entry::Table(table) = entry {
            self.0.exclusive(Lockable::Table(table.id));
        }
    }

    /// A definition alone, to change it.
    pub fn redefine(&mut self, table: TableId) {
        self.0.exclusive(Lockable::Row(system::table_key(table)));
    }

    /// A definition, to rely on it.
    pub fn rely(&mut self, table: TableId) {
        self.0.shared(Lockable::Row(system::table_key(table)));
    }

    /// A table's rows, to rely on them.
    pub fn rely_on_rows(&mut self, table: TableId) {
        self.0.shared(Lockable::Table(table));
    }

    /// An account, to change it.
    pub fn account(&mut self, user: &str, host: &str) {
        self.0.exclusive(Lockable::Row(system::account_key(user, host)));
    }
}
