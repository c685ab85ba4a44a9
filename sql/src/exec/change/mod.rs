//! INSERT, UPDATE, DELETE: compute, lock, compute again if something changed, commit.
//!
//! ```text
//! at now: read -> new rows into the workspace, locks that they need
//!    explicit transaction: lock ----------- changed since? -> undo, at the grant's timestamp again
//!    autocommit:           lock_and_commit - changed since? -> undo, again, then commit
//! ```
//!
//! - H1: what stays in the workspace was computed from rows that are locked, at a
//!   timestamp since which they have not changed.
//! - H2: a statement that errs leaves the workspace as it found it.
//! - H3: rows and all their index entries change together.
//!
//! Not here: binding (`bind::change`), the transaction (`transaction`).

mod foreign;
mod insert;
mod rows;
mod update;

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use holdfast_api::txn::{LockWait, Lockable, RowKey};
use holdfast_base::{TableId, Ts};
use holdfast_tail::table::KeyRange;

use super::transaction::{Isolation, Locks, Transaction};
use super::{Statement, rows::Touched};
use crate::bind::change::{BoundChange, BoundInsert};
use crate::error::{Result, SqlError};

pub(super) use insert::{Filled, Kept};
pub use rows::{Writer, entry_text};

/// How often a statement is computed before it is given up as a deadlock.
pub(super) const TRIES: usize = 100;

/// A statement that changes rows.
#[derive(Clone, Debug)]
pub enum Change {
    /// INSERT, REPLACE.
    Insert(BoundInsert),
    /// UPDATE, DELETE.
    Rows(BoundChange),
}

/// What a change did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Rows found.
    pub matched: u64,
    /// Rows changed: what clients call affected.
    pub affected: u64,
    /// Rows of an INSERT.
    pub records: u64,
    /// Rows of an INSERT that were there.
    pub duplicates: u64,
    /// The first number that was generated.
    pub last_insert_id: Option<u64>,
}

/// What a computation finds out beside its rows.
#[derive(Default)]
pub struct Pass {
    /// What was done.
    pub done: Done,
    /// What must be locked.
    pub locks: Wanted,
}

/// Locks that a computation wants.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    locks: Locks,
    /// Tables that are locked whole already: their keys need no locks of their own.
    pub whole: Arc<BTreeSet<TableId>>,
}

impl Wanted {
    /// Wants an exclusive lock.
    pub fn exclusive(&mut self, lockable: Lockable) {
        if !self.is_covered(&lockable) {
            self.locks.exclusive(lockable);
        }
    }

    /// Wants a shared lock.
    pub fn shared(&mut self, lockable: Lockable) {
        if !self.is_covered(&lockable) {
            self.locks.shared(lockable);
        }
    }

    fn is_covered(&self, lockable: &Lockable) -> bool {
        let table = match lockable {
            Lockable::Row(row) => row.table,
            Lockable::Range { table, .. } | Lockable::Table(table) => *table,
        };
        self.whole.contains(&table)
    }
}

impl Deref for Wanted {
    type Target = Locks;

    fn deref(&self) -> &Locks {
        &self.locks
    }
}

/// Runs a change in a transaction. A transaction that is the statement's own is
/// committed with it.
///
/// # Errors
/// MySQL's; H2.
pub async fn run(
    statement: &mut Statement,
    transaction: &mut Transaction,
    change: &mut Change,
) -> Result<Done> {
    if transaction.read_only {
        return Err(SqlError::new(1792, "Cannot execute statement in a READ ONLY transaction."));
    }
    let engine = statement.engine.clone();
    let mark = transaction.begin_statement();
    let wait = LockWait::For(Duration::from_secs(statement.variables.settings().lock_wait_s));
    statement.context.is_change = true;
    let mut at: Option<Ts> = None;
    let mut kept = insert::Kept::default();
    for _ in 0..TRIES {
        let ts = match at {
            Some(ts) => ts,
            None => engine.now().await?,
        };
        let _pin = engine.tail.pin(ts)?;
        let warnings = (statement.context.warnings.len(), statement.context.warning_count);
        let pass = match change {
            Change::Insert(insert) => {
                insert::compute(statement, transaction, (insert, &mut kept), ts).await
            }
            Change::Rows(rows) => update::compute(statement, transaction, rows, ts).await,
        };
        let pass = match pass {
            Ok(pass) => pass,
            Err(error) => {
                transaction.workspace.back_to(mark);
                return Err(error);
            }
        };
        let again = if transaction.is_implicit {
            transaction.told = pass.done.clone();
            transaction.commit_with(&engine, &pass.locks, ts, wait).await
        } else {
            let grant = transaction.lock(&engine, &pass.locks, ts, wait).await;
            grant.map(|grant| grant.changed.then_some(grant.at))
        };
        match again {
            Ok(None) => {
                transaction.end_statement();
                statement.context.is_change = false;
                return Ok(pass.done);
            }
            Ok(Some(ts)) => {
                transaction.workspace.back_to(mark);
                statement.context.warnings.truncate(warnings.0);
                statement.context.warning_count = warnings.1;
                at = Some(ts);
            }
            Err(error) => {
                transaction.workspace.back_to(mark);
                return Err(error);
            }
        }
    }
    transaction.workspace.back_to(mark);
    Err(SqlError::deadlock())
}

/// A row's lock.
pub(crate) fn row_lock(table: TableId, key: &bytes::Bytes) -> Lockable {
    Lockable::Row(RowKey { table, key: key.clone() })
}

/// What a locking read of `touched` locks, beside the rows that it finds.
pub(crate) fn touched_lock(touched: &Touched, isolation: Isolation) -> Option<Lockable> {
    let key = || bytes::Bytes::copy_from_slice(&touched.range.from);
    match (isolation, touched.is_point) {
        (_, true) => Some(row_lock(touched.table, &key())),
        (Isolation::ReadCommitted, false) => None,
        (Isolation::RepeatableRead, false) => Some(range_lock(touched.table, &touched.range)),
    }
}

/// A range's lock.
pub(crate) fn range_lock(table: TableId, range: &KeyRange) -> Lockable {
    Lockable::Range {
        table,
        from: bytes::Bytes::copy_from_slice(&range.from),
        to: range.to.as_deref().map(bytes::Bytes::copy_from_slice),
    }
}
