//! LOAD DATA LOCAL: a file of the client becomes rows.
//!
//! ```text
//! pieces -> split -> fill -> batch -> the INSERT machinery -> the transaction
//!           lines    rows    4,096 rows or 1 MiB, then: table locked whole
//! ```
//!
//! A file cannot be read again, so that a statement cannot be computed again from its
//! start as other changes are: each batch is computed, locked, and computed again by
//! itself. A file of more than one batch locks its table before the first row is
//! written; from then on nobody else changes it, and rows need no locks of their own.
//!
//! - D1: a load that errs, or whose client goes, leaves no row behind.
//! - D2: beside the transaction's changes, which go into objects from some size on, a
//!   batch and two lines are held, however long the file is; a line is at most
//!   `max_allowed_packet`.
//! - D3: rows of a batch are written at a timestamp since which what they rely on has
//!   not changed (`change` H1).
//!
//! Not here: the packets (`wire::infile`), who may (`session::load`).

mod charset;
mod fill;
mod format;
mod quick;
mod split;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use holdfast_api::txn::{LockWait, Lockable};
use holdfast_base::{TableId, Ts};
use holdfast_syntax::statement::LoadData;

use self::charset::FileCharset;
use self::fill::{Filler, Gathered};
use self::format::Format;
use self::split::Splitter;
use super::Statement;
use super::change::{Kept, Pass, TRIES, Writer};
use super::transaction::{Locks, Transaction};
use super::workspace::Mark;
use crate::bind::load::BoundLoad;
use crate::catalog::Table;
use crate::error::{Result, SqlError};

/// A batch: the rows and bytes of a file that are written at once.
const BATCH_ROWS: usize = if cfg!(test) { 8 } else { 4096 };
const BATCH_BYTES: usize = 1 << 20;
/// Others have their turn after so many rows.
const TURN_ROWS: usize = 256;

/// A load that runs.
pub struct Load {
    file: String,
    table: Arc<Table>,
    splitter: Splitter,
    filler: Filler,
    batch: Vec<Gathered>,
    batch_bytes: usize,
    /// The tables that are locked whole.
    whole: Arc<BTreeSet<TableId>>,
    mark: Mark,
    done: Loaded,
}

/// What a load did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Rows read.
    pub records: u64,
    /// Rows that are in the table now.
    pub copied: u64,
    /// Rows that REPLACE removed.
    pub deleted: u64,
    /// The first number that was generated.
    pub last_insert_id: Option<u64>,
}

impl Load {
    /// Begins a load: nothing of the file is wanted yet.
    ///
    /// # Errors
    /// MySQL's, of what can be seen without the file.
    pub fn begin(
        statement: &mut Statement,
        transaction: &mut Transaction,
        (load, bound): (&LoadData, BoundLoad),
    ) -> Result<Self> {
        if transaction.read_only {
            return Err(SqlError::new(
                1792,
                "Cannot execute statement in a READ ONLY transaction.",
            ));
        }
        let charset = FileCharset::named(load.charset.as_deref())?;
        let no_backslash = statement.variables.settings().mode.no_backslash_escapes();
        let format = Format::of(load, charset, no_backslash)?;
        let ignore = bound.insert.ignore;
        statement.ignores = ignore;
        statement.context.is_change = true;
        statement.context.mode.strict &= !ignore;
        let table = Arc::clone(&bound.insert.table);
        let splitter = Splitter::new(format, bound.goals.len());
        let filler = Filler::new(statement, bound, charset)?;
        Ok(Self {
            file: load.file.clone(),
            table,
            splitter,
            filler,
            batch: Vec::new(),
            batch_bytes: 0,
            whole: Arc::default(),
            mark: transaction.begin_statement(),
            done: Loaded::default(),
        })
    }

    /// The name of the file.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// More of the file.
    ///
    /// # Errors
    /// MySQL's; the load is to be undone (D1).
    pub async fn take(
        &mut self,
        statement: &mut Statement,
        transaction: &mut Transaction,
        bytes: &[u8],
    ) -> Result<()> {
        self.splitter.push(bytes);
        self.lines(statement, transaction).await?;
        let most = statement.variables.settings().bytes_max;
        if self.splitter.unfinished() as u64 > most {
            return Err(SqlError::new(
                1153,
                format!("A line of the file is longer than 'max_allowed_packet' ({most} bytes)"),
            ));
        }
        Ok(())
    }

    /// The file has ended; the transaction is not committed here.
    ///
    /// # Errors
    /// As [`Load::take`].
    pub async fn finish(
        &mut self,
        statement: &mut Statement,
        transaction: &mut Transaction,
    ) -> Result<Loaded> {
        self.splitter.finish();
        self.lines(statement, transaction).await?;
        self.write(statement, transaction).await?;
        transaction.end_statement();
        Ok(self.done.clone())
    }

    /// Undoes what was done (D1).
    pub fn undo(&self, transaction: &mut Transaction) {
        transaction.workspace.back_to(self.mark);
        transaction.end_statement();
    }

    /// Every line that is there.
    async fn lines(
        &mut self,
        statement: &mut Statement,
        transaction: &mut Transaction,
    ) -> Result<()> {
        loop {
            if self.batch.len() >= BATCH_ROWS || self.batch_bytes >= BATCH_BYTES {
                if self.whole.is_empty() {
                    self.lock_whole(statement, transaction).await?;
                }
                self.write(statement, transaction).await?;
            }
            let Some(line) = self.splitter.next_line() else { return Ok(()) };
            self.done.records += 1;
            self.batch_bytes += line.bytes();
            let row = self.filler.gather(statement, &line, self.done.records)?;
            self.batch.push(row);
        }
    }

    /// Locks the table whole, and the parents of its rows against change.
    async fn lock_whole(
        &mut self,
        statement: &mut Statement,
        transaction: &mut Transaction,
    ) -> Result<()> {
        let mut whole = BTreeSet::new();
        let mut locks = Locks::default();
        for id in ids(&self.table) {
            whole.insert(id);
            locks.exclusive(Lockable::Table(id));
        }
        if statement.variables.settings().foreign_keys {
            for foreign in &self.table.body.foreign {
                let name = (&foreign.parent_database, &foreign.parent);
                let Ok(parent) = statement.catalog.table(name.0, name.1) else { continue };
                for id in ids(&parent).filter(|id| !whole.contains(id)).collect::<Vec<_>>() {
                    whole.insert(id);
                    locks.shared(Lockable::Table(id));
                }
            }
        }
        let engine = Arc::clone(&statement.engine);
        let since = engine.now().await?;
        transaction.lock(&engine, &locks, since, wait(statement)).await?;
        self.whole = Arc::new(whole);
        // Rows were made by a definition that may have changed while this waited.
        let now = engine.catalog()?;
        let newest = now.table(&self.table.database, &self.table.name);
        let is_same = newest.is_ok_and(|it| it.row.version == self.table.row.version);
        match is_same || self.table.is_temporary {
            true => Ok(()),
            false => Err(SqlError::table_changed()),
        }
    }

    /// Writes the batch (D3).
    async fn write(
        &mut self,
        statement: &mut Statement,
        transaction: &mut Transaction,
    ) -> Result<()> {
        self.batch_bytes = 0;
        let engine = Arc::clone(&statement.engine);
        let mark = transaction.workspace.mark();
        let mut at = None;
        let mut kept = Kept::default();
        for _ in 0..TRIES {
            let ts = match at {
                Some(ts) => ts,
                None => engine.now().await?,
            };
            let _pin = engine.tail.pin(ts)?;
            let warnings = (statement.context.warnings.len(), statement.context.warning_count);
            let mut pass = Pass::default();
            pass.locks.whole = Arc::clone(&self.whole);
            let done = self.compute((statement, transaction, &mut pass), &mut kept, ts).await?;
            let grant = transaction.lock(&engine, &pass.locks, ts, wait(statement)).await?;
            if !grant.changed {
                self.batch.clear();
                self.done.copied += done.copied;
                self.done.deleted += done.deleted;
                let first = &mut self.done.last_insert_id;
                *first = first.or(pass.done.last_insert_id);
                if !self.whole.is_empty() {
                    transaction.spill_if_large(&engine).await?;
                }
                return Ok(());
            }
            transaction.workspace.back_to(mark);
            statement.context.warnings.truncate(warnings.0);
            statement.context.warning_count = warnings.1;
            at = Some(grant.at);
        }
        Err(SqlError::deadlock())
    }

    async fn compute(
        &mut self,
        (statement, transaction, pass): (&mut Statement, &mut Transaction, &mut Pass),
        kept: &mut Kept,
        ts: Ts,
    ) -> Result<Loaded> {
        let insert = &self.filler.bound().insert;
        // Whatever is relied on is locked: the batch is written once.
        let is_once = !self.whole.is_empty() && !insert.replace;
        let mut done = Loaded::default();
        for (at, row) in self.batch.iter_mut().enumerate() {
            if at % TURN_ROWS == TURN_ROWS - 1 {
                tokio::task::yield_now().await;
            }
            row.said.iter().for_each(|said| statement.context.warn(said.clone()));
            let filled = match is_once {
                true => row.filled.take(),
                false => row.filled.clone(),
            };
            let before = pass.done.affected;
            let mut writer = Writer { statement, transaction, pass, ts };
            writer.insert(insert, (at, filled), kept).await?;
            let affected = pass.done.affected - before;
            done.copied += affected.min(1);
            done.deleted += affected.saturating_sub(1);
        }
        Ok(done)
    }
}

/// A table and its indexes.
fn ids(table: &Table) -> impl Iterator<Item = TableId> + '_ {
    std::iter::once(table.id).chain(table.indexes.iter().map(|index| index.id))
}

fn wait(statement: &Statement) -> LockWait {
    LockWait::For(Duration::from_secs(statement.variables.settings().lock_wait_s))
}

#[cfg(test)]
mod tests;
