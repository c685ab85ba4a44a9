//! SELECT: the row engine where it can, DataFusion where it cannot.

use holdfast_api::txn::{LockWait, Lockable};
use holdfast_base::Ts;
use holdfast_value::Value;

use super::change::{range_lock, row_lock, touched_lock};
use super::rows::Reader;
use super::transaction::{Locks, Transaction};
use super::view::{View, whole};
use super::{Statement, workspace::Workspace};
use crate::algebra::{Query, Rel};
use crate::error::{Result, SqlError};

/// How often a locking read is tried.
const TRIES: usize = 100;

/// FOR UPDATE, FOR SHARE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Locking {
    /// FOR UPDATE, else FOR SHARE.
    pub exclusive: bool,
    /// What to do where a row is locked.
    pub wait: LockWait,
}

/// Every row of a query at `ts`, the transaction's own changes included.
///
/// # Errors
/// MySQL's.
pub async fn all(
    statement: &mut Statement,
    transaction: &mut Transaction,
    query: &Query,
    ts: Ts,
) -> Result<Vec<Vec<Value>>> {
    over(statement, &transaction.workspace, query, ts).await
}

/// Every row of a query at `ts` over a workspace.
///
/// # Errors
/// MySQL's.
pub async fn over(
    statement: &mut Statement,
    own: &Workspace,
    query: &Query,
    ts: Ts,
) -> Result<Vec<Vec<Value>>> {
    let engine = statement.engine.clone();
    let view = View { engine: &engine, ts, own };
    if let Some(rows) = Reader::new(view, statement).query(query).await? {
        return Ok(rows);
    }
    super::vectors::all(statement, own, query, ts).await
}

/// A locking read: the newest rows, locked.
///
/// # Errors
/// MySQL's.
pub async fn locking(
    statement: &mut Statement,
    transaction: &mut Transaction,
    query: &Query,
    locking: Locking,
) -> Result<Vec<Vec<Value>>> {
    let engine = statement.engine.clone();
    let mut at = None;
    let mut skipped: Vec<Lockable> = Vec::new();
    for _ in 0..TRIES {
        let ts = match at {
            Some(ts) => ts,
            None => engine.now().await?,
        };
        let _pin = engine.tail.pin(ts)?;
        let mut keyed = query.clone();
        let keys = keyed_columns(&mut keyed);
        let view = View { engine: &engine, ts, own: &transaction.workspace };
        let mut reader = Reader::new(view, statement);
        let found = if keys.is_empty() { None } else { reader.query(&keyed).await? };
        let read = std::mem::take(&mut reader.read);
        let mut locks = Locks::default();
        let mut want = |lock: Lockable| {
            if locking.exclusive { locks.exclusive(lock) } else { locks.shared(lock) }
        };
        let mut rows = match found {
            Some(rows) => {
                if locking.wait != LockWait::SkipLocked {
                    let ranges = read
                        .iter()
                        .filter_map(|touched| touched_lock(touched, transaction.isolation));
                    ranges.for_each(&mut want);
                }
                rows
            }
            None => {
                tables(&query.rel, &mut |table| want(range_lock(table, &whole())));
                over(statement, &transaction.workspace, query, ts).await?
            }
        };
        let shown = query.columns.len();
        let row_locks = |row: &[Value]| -> Vec<Lockable> {
            keys.iter()
                .zip(row.get(shown..).unwrap_or_default())
                .filter_map(|(table, key)| match key {
                    Value::Bytes(key) => Some(row_lock(*table, key)),
                    _ => None,
                })
                .collect()
        };
        rows.retain(|row| !row_locks(row).iter().any(|lock| skipped.contains(lock)));
        rows.iter().flat_map(|row| row_locks(row)).for_each(&mut want);
        let grant = transaction.lock(&engine, &locks, ts, locking.wait).await?;
        if !grant.skipped.is_empty() {
            skipped.extend(transaction.not_held(&locks));
            rows.retain(|row| !row_locks(row).iter().any(|lock| skipped.contains(lock)));
        }
        if !grant.changed {
            rows.iter_mut().for_each(|row| row.truncate(shown));
            return Ok(rows);
        }
        at = Some(grant.at);
    }
    Err(SqlError::deadlock())
}

/// Adds the key of each table of a plain query as a column; the tables, in order.
/// None where rows are no longer rows of tables (groups, sets, DISTINCT).
fn keyed_columns(query: &mut Query) -> Vec<holdfast_base::TableId> {
    let mut keys: Vec<(holdfast_base::TableId, u32)> = Vec::new();
    let Rel::Project(input, items) = through_limits(&mut query.rel) else { return Vec::new() };
    if !add_keys(input, &mut keys) {
        return Vec::new();
    }
    for (_, id) in &keys {
        let of = holdfast_value::SqlType::VarBinary(u32::MAX);
        items.push((*id, crate::expr::Typed::column(*id, of.clone(), true)));
        query.columns.push(crate::algebra::Output {
            id: *id,
            name: "key".into(),
            of,
            nullable: true,
            source: None,
        });
    }
    keys.into_iter().map(|(table, _)| table).collect()
}

fn through_limits(rel: &mut Rel) -> &mut Rel {
    match rel {
        Rel::Sort(input, _) | Rel::Limit { input, .. } => through_limits(input),
        other => other,
    }
}

fn add_keys(rel: &mut Rel, keys: &mut Vec<(holdfast_base::TableId, u32)>) -> bool {
    match rel {
        Rel::Scan(scan) => {
            scan.key = true;
            keys.push((scan.table.id, scan.key_id()));
            true
        }
        Rel::Join { left, right, .. } => add_keys(left, keys) && add_keys(right, keys),
        Rel::Filter(input, _) => add_keys(input, keys),
        _ => false,
    }
}

/// Every table that a query reads, but those of subqueries in expressions.
pub fn tables(rel: &Rel, act: &mut dyn FnMut(holdfast_base::TableId)) {
    match rel {
        Rel::Scan(scan) => act(scan.table.id),
        Rel::Join { left, right, .. } => {
            tables(left, act);
            tables(right, act);
        }
        Rel::Set { left, right, .. } => {
            tables(&left.rel, act);
            tables(&right.rel, act);
        }
        Rel::Recursive { base, step, .. } => {
            tables(&base.rel, act);
            tables(&step.rel, act);
        }
        Rel::Filter(input, _)
        | Rel::Project(input, _)
        | Rel::Distinct(input)
        | Rel::Sort(input, _)
        | Rel::Limit { input, .. }
        | Rel::Aggregate { input, .. }
        | Rel::Window { input, .. } => tables(input, act),
        Rel::One
        | Rel::Nothing(_)
        | Rel::Virtual { .. }
        | Rel::Values { .. }
        | Rel::Working { .. } => {}
    }
}
