//! INSERT and REPLACE.

use std::sync::Arc;

use bytes::Bytes;
use holdfast_base::Ts;
use holdfast_value::{SqlType, Value, ValueError, compare, store};

use super::{Pass, Writer};
use crate::algebra::{Output, Query, Rel};
use crate::bind::change::{BoundInsert, BoundSource};
use crate::catalog::{Default, Table};
use crate::error::{Result, SqlError};
use crate::exec::Statement;
use crate::exec::sequence::Counter;
use crate::exec::transaction::Transaction;
use crate::expr::eval::{Layout, eval};
use crate::expr::{Typed, walk};

/// What one computation leaves for the next: numbers are given out once.
#[derive(Default)]
pub struct Kept {
    /// Generated numbers, by row.
    auto: Vec<Option<u64>>,
    /// Hidden row numbers, by row.
    rows: Vec<u64>,
}

/// A row to be, and what it is made of.
struct Given {
    /// (value, its type); `None` is DEFAULT.
    values: Vec<Option<(Value, SqlType)>>,
}

/// Computes an INSERT at `ts`.
pub async fn compute(
    statement: &mut Statement,
    transaction: &mut Transaction,
    (insert, kept): (&BoundInsert, &mut Kept),
    ts: Ts,
) -> Result<Pass> {
    let mut pass = Pass::default();
    match &insert.source {
        BoundSource::Rows(rows) => {
            for (at, row) in rows.iter().enumerate() {
                let settled = settle(statement, transaction, (insert, row), ts).await?;
                let row = settled.as_deref().unwrap_or(row);
                let values = row_values(statement, &insert.table, (insert, row), at)?;
                let mut writer = Writer { statement, transaction, pass: &mut pass, ts };
                writer.insert(insert, (at, values), kept).await?;
            }
        }
        BoundSource::Query(query) => {
            let rows = crate::exec::select::all(statement, transaction, query, ts).await?;
            for (at, row) in rows.into_iter().enumerate() {
                let types = query.columns.iter().map(|column| column.of.clone());
                let given = Given { values: row.into_iter().zip(types).map(Some).collect() };
                let values = fill(statement, &insert.table, (&insert.columns, given), at)?;
                let mut writer = Writer { statement, transaction, pass: &mut pass, ts };
                writer.insert(insert, (at, values), kept).await?;
            }
        }
    }
    pass.done.matched = pass.done.affected;
    Ok(pass)
}

/// A VALUES row whose subqueries have become what they give; none: it has none.
async fn settle(
    statement: &mut Statement,
    transaction: &mut Transaction,
    (insert, row): (&BoundInsert, &[Option<Typed>]),
    ts: Ts,
) -> Result<Option<Vec<Option<Typed>>>> {
    if !row.iter().flatten().any(walk::has_subquery) {
        return Ok(None);
    }
    // Beyond the columns of VALUES: numbered after them.
    let id = insert.first_new;
    let mut settled = Vec::with_capacity(row.len());
    for item in row {
        let Some(item) = item.as_ref().filter(|item| walk::has_subquery(item)) else {
            settled.push(item.clone());
            continue;
        };
        let of = item.of.clone();
        let output =
            Output { id, name: "value".into(), of: of.clone(), nullable: true, source: None };
        let rel = Rel::Project(Box::new(Rel::One), vec![(id, item.clone())]);
        let query = Query { rel, columns: vec![output] };
        let rows = crate::exec::select::all(statement, transaction, &query, ts).await?;
        let value = rows.into_iter().next().and_then(|mut row| row.pop());
        settled.push(Some(Typed::literal(value.unwrap_or(Value::Null), of)));
    }
    Ok(Some(settled))
}

/// A row that has everything but its generated number.
#[derive(Clone)]
pub struct Filled {
    /// By column.
    pub values: Vec<Value>,
    /// The number is to be generated.
    pub wants_number: bool,
}

impl Filled {
    /// The row; none is left.
    pub fn take(&mut self) -> Self {
        Self { values: std::mem::take(&mut self.values), ..*self }
    }
}

/// Evaluates a VALUES row: expressions see the columns before them.
fn row_values(
    statement: &mut Statement,
    table: &Arc<Table>,
    (insert, row): (&BoundInsert, &[Option<Typed>]),
    at: usize,
) -> Result<Filled> {
    let (columns, first) = (&insert.columns, insert.first);
    let names_columns =
        row.iter().flatten().any(|item| !crate::expr::walk::columns(item).is_empty());
    let (mut so_far, mut layout) = (Vec::new(), Layout::default());
    if names_columns {
        so_far = initial(statement, table)?;
        let ids: Vec<u32> = (first..first + table.columns.len() as u32).collect();
        layout = Layout::new(&ids);
    }
    let mut values = Vec::with_capacity(row.len());
    for (column, item) in columns.iter().zip(row) {
        let Some(item) = item else {
            values.push(None);
            continue;
        };
        let value = statement.with_row(&layout, &so_far, |env| eval(item, env))?;
        if !so_far.is_empty() {
            so_far[*column] =
                stored(statement, table, *column, (value.clone(), &item.of), (at, true))
                    .unwrap_or(Value::Null);
        }
        values.push(Some((value, item.of.clone())));
    }
    fill(statement, table, (columns, Given { values }), at)
}

fn initial(statement: &mut Statement, table: &Arc<Table>) -> Result<Vec<Value>> {
    (0..table.columns.len()).map(|at| default_of(statement, table, (at, &[]))).collect()
}

/// A column's default.
fn default_of(
    statement: &mut Statement,
    table: &Arc<Table>,
    (column, row): (usize, &[Value]),
) -> Result<Value> {
    let definition = &table.columns[column];
    Ok(match &definition.default {
        Default::Missing => Value::Null,
        Default::Value(value) => value.clone(),
        Default::Now => statement.now_as(&definition.of),
        Default::Expression(_) if row.is_empty() => Value::Null,
        Default::Expression(_) => table.rules()?.default(statement, table, (column, row))?,
    })
}

/// What MySQL puts where it may not refuse: 0, the empty text, the first ENUM value.
fn implicit(of: &SqlType) -> Value {
    match of {
        SqlType::Enum(values, _) => {
            Value::text(values.first().map(String::as_str).unwrap_or_default())
        }
        of if of.is_text() => Value::text(""),
        of if of.is_bytes() => Value::Bytes(Bytes::new()),
        of if of.is_unsigned() && of.is_integer() => Value::UInt(0),
        SqlType::Int { .. } => Value::Int(0),
        SqlType::Decimal { scale, .. } => {
            let zero = holdfast_value::Decimal::from_i64(0);
            Value::Decimal(zero.rescale(*scale).unwrap_or(zero))
        }
        SqlType::Float { .. } | SqlType::Double { .. } => Value::Double(0.0),
        SqlType::Time(_) => Value::Time(0),
        SqlType::Json => Value::Json("null".into()),
        _ => Value::Null,
    }
}

fn stored(
    statement: &mut Statement,
    table: &Table,
    column: usize,
    (value, of): (Value, &SqlType),
    (at, ignore): (usize, bool),
) -> Result<Value> {
    let definition = &table.columns[column];
    let source = store::Source { of, row: at as u64 + 1, ignore };
    let target =
        store::Target { name: &definition.name, of: &definition.of, nullable: definition.nullable };
    let stored = store::store(value, &source, &target, &mut statement.context)?;
    Ok(store::load(stored, &definition.of, &statement.context))
}

/// Stores what is given and puts defaults where nothing is.
fn fill(
    statement: &mut Statement,
    table: &Arc<Table>,
    (columns, given): (&[usize], Given),
    at: usize,
) -> Result<Filled> {
    let ignore = statement.ignores;
    let mut by_column: Vec<Option<Option<(Value, SqlType)>>> = vec![None; table.columns.len()];
    for (column, value) in columns.iter().zip(given.values) {
        by_column[*column] = Some(value);
    }
    let rules = table.rules()?;
    let mut values = vec![Value::Null; table.columns.len()];
    let mut wants_number = false;
    let mut late = Vec::new();
    for (column, given) in by_column.into_iter().enumerate() {
        let definition = &table.columns[column];
        let is_auto = table.auto == Some(column);
        match given {
            _ if rules.is_generated(column) => match given {
                None | Some(None) => {}
                Some(Some(_)) => {
                    return Err(SqlError::new(
                        3105,
                        format!(
                            "The value specified for generated column '{}' in table '{}' is not allowed.",
                            definition.name, table.name
                        ),
                    ));
                }
            },
            Some(Some((value, _))) if is_auto && value.is_null() => wants_number = true,
            Some(Some((value, of))) => {
                let value = stored(statement, table, column, (value, &of), (at, ignore))?;
                let is_zero = matches!(value, Value::Int(0) | Value::UInt(0))
                    || matches!(value, Value::Double(number) if number == 0.0);
                if is_auto
                    && is_zero
                    && !statement.variables.settings().mode.no_auto_value_on_zero()
                {
                    wants_number = true;
                } else {
                    values[column] = value;
                }
            }
            None | Some(None) if is_auto => wants_number = true,
            None | Some(None) => match &definition.default {
                Default::Expression(_) => late.push(column),
                Default::Missing if definition.nullable => {}
                Default::Missing => {
                    let trouble = ValueError::Other {
                        code: 1364,
                        state: "HY000",
                        message: format!(
                            "Field '{}' doesn't have a default value",
                            definition.name
                        ),
                    };
                    if ignore {
                        statement.context.warn(trouble);
                    } else {
                        statement.context.warn_or_refuse(trouble)?;
                    }
                    values[column] = implicit(&definition.of);
                }
                _ => values[column] = default_of(statement, table, (column, &[]))?,
            },
        }
    }
    for column in late {
        values[column] = default_of(statement, table, (column, &values.clone()))?;
    }
    Ok(Filled { values, wants_number })
}

impl Writer<'_> {
    /// Puts one row, whatever is in its way being dealt with as the statement says.
    pub async fn insert(
        &mut self,
        insert: &BoundInsert,
        (at, filled): (usize, Filled),
        kept: &mut Kept,
    ) -> Result<()> {
        let table = &insert.table;
        self.pass.done.records += 1;
        let Filled { mut values, wants_number } = filled;
        self.number(table, (at, wants_number), (&mut values, kept)).await?;
        let rules = table.rules()?;
        rules.generate(self.statement, table, &mut values)?;
        if let Err(error) = rules.check(self.statement, &values) {
            return self.skip_or(insert, error);
        }
        self.statement.globalize(table, &mut values);
        let key = self.key(table, &values, (at, kept)).await?;
        let mut hops = 0;
        while let Some(conflict) = self.conflict(table, (&key, &values), None).await? {
            hops += 1;
            if hops == 1 {
                self.pass.done.duplicates += 1;
            }
            if insert.replace {
                self.displace(table, &conflict.row).await?;
            } else if !insert.on_duplicate.is_empty() {
                return self.update_duplicate(insert, &conflict.row, &values).await;
            } else {
                return self.skip_or(insert, conflict.refuse());
            }
        }
        if let Err(error) = self.check_parents(table, &values).await {
            return self.skip_or(insert, error);
        }
        self.put(table, &key, &values)?;
        self.pass.done.affected += 1;
        Ok(())
    }

    /// IGNORE makes a warning of it and leaves the row out.
    fn skip_or(&mut self, insert: &BoundInsert, error: SqlError) -> Result<()> {
        if !insert.ignore {
            return Err(error);
        }
        let (code, state, message) = (error.code, error.state, error.message);
        self.statement.context.warn(ValueError::Other { code, state, message });
        Ok(())
    }

    /// AUTO_INCREMENT.
    async fn number(
        &mut self,
        table: &Table,
        (at, wanted): (usize, bool),
        (values, kept): (&mut [Value], &mut Kept),
    ) -> Result<()> {
        let Some(column) = table.auto else { return Ok(()) };
        let engine = self.statement.engine.clone();
        let counter = Counter::Auto(table.id);
        let of = &table.columns[column].of;
        if !wanted {
            let given = match &values[column] {
                Value::Int(number) => u64::try_from(*number).ok(),
                Value::UInt(number) => Some(*number),
                Value::Double(number) if *number >= 1.0 => Some(*number as u64),
                _ => None,
            };
            if let Some(given) = given.filter(|given| *given > 0) {
                engine.sequences.pass(&engine, counter, given).await?;
            }
            return Ok(());
        }
        if kept.auto.len() <= at {
            kept.auto.resize(at + 1, None);
        }
        let number = match kept.auto[at] {
            Some(number) => number,
            None => {
                let settings = self.statement.variables.settings();
                let (step, offset) = (settings.auto_step, settings.auto_offset);
                let number =
                    engine.sequences.take_stepped(&engine, counter, (step, offset)).await?;
                kept.auto[at] = Some(number);
                number
            }
        };
        let value = (Value::UInt(number), &SqlType::BIGINT_UNSIGNED);
        let mode = self.statement.context.mode;
        self.statement.context.mode.strict = true;
        let value = stored(self.statement, table, column, value, (at, false));
        self.statement.context.mode = mode;
        values[column] = value.map_err(|_| {
            let _ = of;
            SqlError::new(1467, "Failed to read auto-increment value from storage engine")
        })?;
        self.pass.done.last_insert_id.get_or_insert(number);
        Ok(())
    }

    /// The row's key.
    async fn key(
        &mut self,
        table: &Table,
        values: &[Value],
        (at, kept): (usize, &mut Kept),
    ) -> Result<Bytes> {
        if !table.is_keyless() {
            return table.key(values);
        }
        let number = match kept.rows.get(at) {
            Some(number) => *number,
            None => {
                let engine = self.statement.engine.clone();
                let number = engine.sequences.take(&engine, Counter::Row, 1).await?;
                kept.rows.resize(at, 0);
                kept.rows.push(number);
                number
            }
        };
        Ok(Bytes::copy_from_slice(&number.to_be_bytes()))
    }

    /// REPLACE: what is in the way goes.
    async fn displace(&mut self, table: &Arc<Table>, key: &Bytes) -> Result<()> {
        let Some(old) = self.read(table, key).await? else { return Ok(()) };
        self.delete_row(table, key, &old, 0).await?;
        self.pass.done.affected += 1;
        Ok(())
    }

    /// ON DUPLICATE KEY UPDATE.
    async fn update_duplicate(
        &mut self,
        insert: &BoundInsert,
        key: &Bytes,
        new: &[Value],
    ) -> Result<()> {
        let table = &insert.table;
        self.pass.locks.exclusive(super::row_lock(table.id, key));
        let Some(old) = self.read(table, key).await? else { return Err(SqlError::deadlock()) };
        let count = table.columns.len();
        let mut local_old = old.clone();
        self.statement.localize(table, &mut local_old);
        let mut local_new = new.to_vec();
        self.statement.localize(table, &mut local_new);
        let mut ids: Vec<u32> = (insert.first..insert.first + count as u32).collect();
        ids.extend(insert.first_new..insert.first_new + count as u32);
        let layout = Layout::new(&ids);
        let mut row = local_old.clone();
        row.extend(local_new);
        let changed = self.assign(table, &insert.on_duplicate, (&layout, &mut row), 0)?;
        let mut updated = row[..count].to_vec();
        if !changed && updated == local_old {
            return Ok(());
        }
        self.touch(table, &local_old, (&insert.on_duplicate, &mut updated))?;
        let is_same = same(table, &updated, &local_old);
        self.statement.globalize(table, &mut updated);
        if !is_same {
            self.update_row(table, (key, &old), updated, 0).await?;
            self.pass.done.affected += 2;
        } else if self.statement.found_rows {
            self.pass.done.affected += 1;
        }
        Ok(())
    }
}

/// Whether two rows are the same to the bit: what MySQL calls not changed.
pub(super) fn same(table: &Table, a: &[Value], b: &[Value]) -> bool {
    let each = table.columns.iter().zip(a.iter().zip(b));
    each.into_iter().all(|(column, (a, b))| match (a, b) {
        (Value::Text(a), Value::Text(b)) => a == b,
        _ => a == b || compare::order(a, b, &column.of).is_eq(),
    })
}
