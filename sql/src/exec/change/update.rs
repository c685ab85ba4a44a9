//! UPDATE and DELETE.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use holdfast_base::Ts;
use holdfast_value::{SqlType, Value, store};

use super::{Pass, Writer, insert, range_lock, row_lock, touched_lock};
use crate::algebra::Rel;
use crate::bind::change::{BoundChange, Target};
use crate::catalog::{Default, Table};
use crate::error::{Result, SqlError};
use crate::exec::Statement;
use crate::exec::rows::{Reader, Touched};
use crate::exec::transaction::{Isolation, Transaction};
use crate::exec::view::{View, whole};
use crate::expr::Typed;
use crate::expr::eval::{Layout, eval};

/// Computes an UPDATE or DELETE at `ts`.
pub async fn compute(
    statement: &mut Statement,
    transaction: &mut Transaction,
    change: &BoundChange,
    ts: Ts,
) -> Result<Pass> {
    let mut pass = Pass::default();
    let engine = statement.engine.clone();
    let view = View { engine: &engine, ts, own: &transaction.workspace };
    let mut reader = Reader::new(view, statement);
    let found = reader.query(&change.query).await?;
    let read = std::mem::take(&mut reader.read);
    let rows = match found {
        Some(rows) => {
            lock_read(&read, transaction.isolation, &mut pass);
            rows
        }
        None => {
            lock_tables(&change.query.rel, transaction.isolation, &mut pass);
            crate::exec::select::all(statement, transaction, &change.query, ts).await?
        }
    };
    let ids: Vec<u32> = change.query.columns.iter().map(|column| column.id).collect();
    let layout = Layout::new(&ids);
    let mut seen: BTreeSet<(usize, Bytes)> = BTreeSet::new();
    for (number, mut row) in rows.into_iter().enumerate() {
        for (which, target) in change.targets.iter().enumerate() {
            let count = target.table.columns.len();
            let at = layout.find(target.first).ok_or_else(|| SqlError::internal("a target"))?;
            // The inner side of an outer join may have no row.
            let Value::Bytes(key) = row[at + count].clone() else { continue };
            if !seen.insert((which, key.clone())) {
                continue;
            }
            pass.locks.exclusive(row_lock(target.table.id, &key));
            let mut writer = Writer { statement, transaction, pass: &mut pass, ts };
            writer.change(change, (target, &key), ((&layout, at), &mut row), number).await?;
        }
    }
    Ok(pass)
}

/// What a locking read has looked at is locked.
fn lock_read(read: &[Touched], isolation: Isolation, pass: &mut Pass) {
    for touched in read {
        if let Some(lock) = touched_lock(touched, isolation) {
            pass.locks.exclusive(lock);
        }
    }
}

/// A query that DataFusion ran has looked at whole tables.
fn lock_tables(rel: &Rel, isolation: Isolation, pass: &mut Pass) {
    if isolation == Isolation::ReadCommitted {
        return;
    }
    match rel {
        Rel::Scan(scan) => pass.locks.exclusive(range_lock(scan.table.id, &whole())),
        Rel::Join { left, right, .. } => {
            lock_tables(left, isolation, pass);
            lock_tables(right, isolation, pass);
        }
        Rel::Filter(input, _)
        | Rel::Project(input, _)
        | Rel::Distinct(input)
        | Rel::Sort(input, _)
        | Rel::Limit { input, .. }
        | Rel::Aggregate { input, .. }
        | Rel::Window { input, .. } => lock_tables(input, isolation, pass),
        _ => {}
    }
}

type RowAt<'a> = ((&'a Layout, usize), &'a mut Vec<Value>);

impl Writer<'_> {
    async fn change(
        &mut self,
        change: &BoundChange,
        (target, key): (&Target, &Bytes),
        ((layout, at), row): RowAt<'_>,
        number: usize,
    ) -> Result<()> {
        let table = &target.table;
        // What was read is the session's time zone; what is stored is read again.
        let Some(old) = self.read(table, key).await? else {
            return if change.is_single { Err(SqlError::deadlock()) } else { Ok(()) };
        };
        self.pass.done.matched += 1;
        if target.delete {
            self.delete_row(table, key, &old, 0).await?;
            self.pass.done.affected += 1;
            return Ok(());
        }
        let count = table.columns.len();
        let before = row[at..at + count].to_vec();
        self.assign(table, &target.assignments, (layout, row), at)?;
        let mut after = row[at..at + count].to_vec();
        if insert::same(table, &after, &before) {
            return Ok(());
        }
        let checked = self.touch(table, &before, (&target.assignments, &mut after));
        let done = match checked {
            Ok(()) => {
                self.statement.globalize(table, &mut after);
                self.update_row(table, (key, &old), after, 0).await
            }
            Err(error) => Err(error),
        };
        match done {
            Ok(()) => self.pass.done.affected += 1,
            Err(error) if change.ignore && !error.ends_transaction() => {
                let (code, state, message) = (error.code, error.state, error.message);
                self.statement.context.warn(holdfast_value::ValueError::Other {
                    code,
                    state,
                    message,
                });
            }
            Err(error) => return Err(error),
        }
        let _ = number;
        Ok(())
    }

    /// Evaluates assignments from left to right; each sees those before it. True
    /// where one was made.
    pub(super) fn assign(
        &mut self,
        table: &Arc<Table>,
        assignments: &[(usize, Option<Typed>)],
        (layout, row): (&Layout, &mut Vec<Value>),
        at: usize,
    ) -> Result<bool> {
        let rules = table.rules()?;
        for (column, value) in assignments {
            let definition = &table.columns[*column];
            if rules.is_generated(*column) {
                return Err(SqlError::new(
                    3105,
                    format!(
                        "The value specified for generated column '{}' in table '{}' is not allowed.",
                        definition.name, table.name
                    ),
                ));
            }
            let (value, of) = match value {
                Some(value) => {
                    let result = self.statement.with_row(layout, row, |env| eval(value, env))?;
                    (result, value.of.clone())
                }
                None => (self.default_value(table, *column, &row[at..])?, definition.of.clone()),
            };
            let ignore = self.statement.ignores;
            let source = store::Source { of: &of, row: self.pass.done.matched.max(1), ignore };
            let target = store::Target {
                name: &definition.name,
                of: &definition.of,
                nullable: definition.nullable,
            };
            let stored = store::store(value, &source, &target, &mut self.statement.context)?;
            row[at + column] = store::load(stored, &definition.of, &self.statement.context);
        }
        Ok(!assignments.is_empty())
    }

    fn default_value(&mut self, table: &Arc<Table>, column: usize, row: &[Value]) -> Result<Value> {
        let definition = &table.columns[column];
        match &definition.default {
            Default::Missing if definition.nullable => Ok(Value::Null),
            Default::Missing => Err(SqlError::new(
                1364,
                format!("Field '{}' doesn't have a default value", definition.name),
            )),
            Default::Value(value) => Ok(value.clone()),
            Default::Now => Ok(self.statement.now_as(&definition.of)),
            Default::Expression(_) => {
                let row = row[..table.columns.len()].to_vec();
                table.rules()?.default(self.statement, table, (column, &row))
            }
        }
    }

    /// ON UPDATE CURRENT_TIMESTAMP, generated columns, CHECK.
    pub(super) fn touch(
        &mut self,
        table: &Arc<Table>,
        before: &[Value],
        (assignments, after): (&[(usize, Option<Typed>)], &mut Vec<Value>),
    ) -> Result<()> {
        if !insert::same(table, after, before) {
            for (at, column) in table.columns.iter().enumerate() {
                if column.on_update && assignments.iter().all(|(assigned, _)| *assigned != at) {
                    after[at] = self.statement.now_as(&column.of);
                }
            }
        }
        let rules = table.rules()?;
        rules.generate(self.statement, table, after)?;
        rules.check(self.statement, after)
    }

    /// A row becomes another: keys, foreign keys and index entries with it.
    pub(super) async fn update_row(
        &mut self,
        table: &Arc<Table>,
        (key, old): (&Bytes, &[Value]),
        new: Vec<Value>,
        depth: usize,
    ) -> Result<()> {
        let new_key = if table.is_keyless() { key.clone() } else { table.key(&new)? };
        if let Some(conflict) = self.conflict(table, (&new_key, &new), Some(key)).await? {
            return Err(conflict.refuse());
        }
        self.check_new_parents(table, old, &new).await?;
        self.replace(table, (key, old), (&new_key, &new))?;
        self.follow_update(table, (old, &new), depth).await
    }

    /// A row goes: its children's foreign keys with it.
    pub(super) async fn delete_row(
        &mut self,
        table: &Arc<Table>,
        key: &Bytes,
        old: &[Value],
        depth: usize,
    ) -> Result<()> {
        self.remove(table, key, old)?;
        self.follow_delete(table, old, depth).await
    }
}

impl Statement {
    /// The statement's time as a column's type has it, in the session's time zone.
    pub fn now_as(&self, of: &SqlType) -> Value {
        let micros = self.context.zone.from_utc(self.context.now);
        let unit = |fsp: u8| 10_i64.pow(6 - u32::from(fsp.min(6)));
        match of {
            SqlType::DateTime(fsp) | SqlType::Timestamp(fsp) => {
                Value::DateTime(micros - micros.rem_euclid(unit(*fsp)))
            }
            SqlType::Date => Value::Date(micros.div_euclid(86_400_000_000) as i32),
            SqlType::Time(fsp) => {
                let of_day = micros.rem_euclid(86_400_000_000);
                Value::Time(of_day - of_day.rem_euclid(unit(*fsp)))
            }
            _ => Value::DateTime(micros),
        }
    }
}
