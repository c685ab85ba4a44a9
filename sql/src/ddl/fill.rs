//! Rows that a definition changes: index entries, rows written anew, rows of a query.
//!
//! - F1: rows are locked, or of a table that nobody knows yet: what is read stays true.
//! - F2: rows that are written anew go under fresh ids, so no entry of before is in the way.
//!
//! Not here: which way a change takes (`alter`), single changes of rows (`exec::change`).

use std::sync::Arc;

use bytes::Bytes;
use holdfast_base::TableId;
use holdfast_syntax::{CreateTable, Duplicates};
use holdfast_value::{SqlType, Value, store};
use sqlparser::ast;

use super::alter::Applied;
use super::column::literal_text;
use super::create;
use super::draft::{Draft, DraftColumn};
use super::work::Work;
use crate::algebra::{Output, Query};
use crate::bind::change::{BoundInsert, BoundSource};
use crate::bind::{Binder, Setting, literal_of};
use crate::catalog::{ColumnRow, Default, DefaultRow, Table, TableBody, TableRow};
use crate::error::{Result, SqlError};
use crate::exec::change::{self, Pass, Writer, entry_text};
use crate::exec::sequence::Counter;
use crate::exec::view::{View, whole};
use crate::exec::workspace::Workspace;

/// Hidden row numbers are taken by so many.
const NUMBERS: u64 = 256;

/// An ALTER TABLE, as far as rows are concerned.
pub struct Change<'a> {
    /// The table before.
    pub old: &'a Arc<Table>,
    /// What became of its columns.
    pub draft: &'a Draft,
    /// The table after.
    pub row: &'a TableRow,
    /// All rows are written anew.
    pub is_new: bool,
    /// The rest.
    pub applied: &'a Applied,
}

/// The rows of CREATE TABLE AS, before they are read.
pub struct Rows {
    query: Query,
    columns: Vec<String>,
    ignore: bool,
    replace: bool,
}

/// A table that the catalog does not have yet.
fn table_of(database: &str, row: &TableRow, work: &Work<'_>) -> Result<Arc<Table>> {
    let body = row.table().cloned().ok_or_else(|| SqlError::internal("a view has no rows"))?;
    let place = (database.into(), work.ts);
    Ok(Arc::new(Table::new(row.clone(), body, place, &literal_of)?))
}

/// Binds the query of CREATE TABLE AS and adds its columns to the draft, then the keys.
pub async fn query(
    work: &mut Work<'_>,
    draft: &mut Draft,
    create: &CreateTable,
    query: &ast::Query,
) -> Result<Rows> {
    let bound = {
        let catalog = work.statement.temporary.over(&work.catalog)?;
        let facts = &work.statement.facts;
        let types =
            facts.variables.iter().map(|(name, (_, of))| (name.clone(), of.clone())).collect();
        let setting = Setting {
            database: facts.database.as_deref(),
            collation: holdfast_value::Collation::default(),
            full_group_by: true,
            pipes_as_concat: false,
            params: &[],
            variables: &types,
            system: crate::session::variables::type_of,
        };
        Binder::new(&catalog, setting, work.statement.context.clone()).query(query)?
    };
    let mut columns: Vec<String> = Vec::with_capacity(bound.columns.len());
    for output in &bound.columns {
        if columns.iter().any(|known| known.eq_ignore_ascii_case(&output.name)) {
            return Err(SqlError::new(1060, format!("Duplicate column name '{}'", output.name)));
        }
        columns.push(output.name.to_string());
        if draft.find(&output.name).is_none() {
            super::names::check_column(&output.name)?;
            draft.columns.push(selected(output));
        }
    }
    create::constraints(work, draft, create)?;
    let ignore = create.duplicates == Some(Duplicates::Ignore);
    let replace = create.duplicates == Some(Duplicates::Replace);
    Ok(Rows { query: bound, columns, ignore, replace })
}

/// A column for what a query gives.
fn selected(output: &Output) -> DraftColumn {
    let of = match &output.of {
        SqlType::Null => SqlType::Binary(0),
        of => of.clone(),
    };
    let origin = output
        .source
        .as_ref()
        .and_then(|source| source.table.as_ref()?.body.columns.get(usize::from(source.column)));
    let default = origin.and_then(|origin| origin.default.clone());
    let row = ColumnRow {
        name: output.name.to_string(),
        slot: 0,
        of,
        nullable: output.nullable,
        default: default.filter(|default| !matches!(default, DefaultRow::Expression(_))),
        on_update: false,
        auto: false,
        comment: origin.map(|origin| origin.comment.clone()).unwrap_or_default(),
        fill: None,
        generated: None,
    };
    DraftColumn { row, from: None, wants_null: false }
}

/// Puts a query's rows into a new table; how many.
pub async fn insert(
    work: &mut Work<'_>,
    (database, row): (&str, &TableRow),
    rows: Rows,
) -> Result<u64> {
    let table = table_of(database, row, work)?;
    let find = |name: &String| {
        table.column(name).ok_or_else(|| SqlError::unknown_column(name, "field list"))
    };
    let bound = BoundInsert {
        columns: rows.columns.iter().map(find).collect::<Result<_>>()?,
        table: Arc::clone(&table),
        source: BoundSource::Query(Box::new(rows.query)),
        replace: rows.replace,
        ignore: rows.ignore,
        on_duplicate: Vec::new(),
        first: 0,
        first_new: 0,
    };
    let mut change = change::Change::Insert(bound);
    let ignores = std::mem::replace(&mut work.statement.ignores, rows.ignore);
    // The rows are committed with the definition.
    work.transaction.is_implicit = false;
    let done = change::run(work.statement, &mut work.transaction, &mut change).await;
    work.statement.ignores = ignores;
    work.statement.context.is_change = false;
    Ok(done?.affected)
}

/// What rows that are there have in columns that are new.
pub async fn fills(
    work: &mut Work<'_>,
    old: &Arc<Table>,
    draft: &Draft,
    body: &mut TableBody,
) -> Result<()> {
    for (column, row) in draft.columns.iter().zip(&mut body.columns) {
        if column.from.is_none() {
            let value = first_value(work, old, row).await?;
            row.fill = (!value.is_null()).then(|| literal_text(&value, &row.of));
        }
    }
    Ok(())
}

/// The stored value of a new column in an old row.
async fn first_value(work: &Work<'_>, old: &Arc<Table>, row: &ColumnRow) -> Result<Value> {
    let zone = &work.statement.context.zone;
    let local = match &row.default {
        Some(DefaultRow::Literal(text)) => literal_of(text, &row.of)?,
        Some(DefaultRow::Now(_)) => work.statement.now_as(&row.of),
        _ if row.nullable => Value::Null,
        _ => {
            let is_date =
                matches!(row.of, SqlType::Date | SqlType::DateTime(_) | SqlType::Timestamp(_));
            let mode = work.statement.context.mode;
            if is_date && mode.strict && mode.no_zero_date && has_rows(work, old).await? {
                let (kind, zero) = match row.of {
                    SqlType::Date => ("date", "0000-00-00"),
                    _ => ("datetime", "0000-00-00 00:00:00"),
                };
                return Err(SqlError::new(
                    1292,
                    format!("Incorrect {kind} value: '{zero}' for column '{}' at row 1", row.name),
                ));
            }
            store::zero(&row.of)
        }
    };
    Ok(match (&local, &row.of) {
        (Value::DateTime(micros), SqlType::Timestamp(_)) => Value::DateTime(zone.to_utc(*micros)),
        _ => local,
    })
}

async fn has_rows(work: &Work<'_>, table: &Table) -> Result<bool> {
    let mut rows = work.view().range(table.id, whole(), holdfast_tail::Direction::Forward)?;
    Ok(rows.next().await?.is_some())
}

/// Does what the rows of a table need; how many rows were written anew.
pub async fn rows(work: &mut Work<'_>, change: &Change<'_>) -> Result<u64> {
    let table = table_of(&change.old.database, change.row, work)?;
    let needs = Needs::of(change, &table);
    work.transaction.make_table(&table);
    let mut highest = 0;
    let mut count = 0;
    if change.is_new || needs.any() {
        let was_change = std::mem::replace(&mut work.statement.context.is_change, true);
        let scanned = scan(work, change, (&table, &needs), &mut highest).await;
        work.statement.context.is_change = was_change;
        count = scanned?;
    }
    if let Some(next) = counter(work, change, &table, highest)? {
        work.put_counter(table.id, next)?;
    }
    Ok(if change.is_new { count } else { 0 })
}

/// The table's next AUTO_INCREMENT where it is to be written.
fn counter(
    work: &Work<'_>,
    change: &Change<'_>,
    table: &Table,
    highest: u64,
) -> Result<Option<u64>> {
    if table.auto.is_none() {
        return Ok(None);
    }
    let above = highest.saturating_add(1);
    let had = match change.old.auto {
        Some(_) => work.engine.sequences.peek(&work.engine, Counter::Auto(change.old.id))?,
        None => 1,
    };
    Ok(match change.applied.auto_increment {
        Some(given) => Some(given.max(above)),
        None if change.is_new || change.old.auto.is_none() => Some(had.max(above)),
        None => None,
    })
}

/// What rows that stay are looked at for.
struct Needs {
    /// New indexes, by position.
    indexes: Vec<usize>,
    /// Columns that may not be NULL any more.
    not_null: Vec<usize>,
    /// CHECKs.
    checks: bool,
    /// New foreign keys.
    foreign: bool,
    /// The highest AUTO_INCREMENT.
    auto: bool,
}

impl Needs {
    fn of(change: &Change<'_>, table: &Table) -> Self {
        let known: Vec<TableId> = change.old.indexes.iter().map(|index| index.id).collect();
        let is_fresh = |at: &usize| !known.contains(&table.indexes[*at].id);
        let was_nullable = |at: &usize| {
            let from = change.draft.columns[*at].from;
            from.is_some_and(|from| change.old.columns[from].nullable)
                && !table.columns[*at].nullable
        };
        Self {
            indexes: (0..table.indexes.len()).filter(is_fresh).collect(),
            not_null: (0..table.columns.len()).filter(was_nullable).collect(),
            checks: change.applied.new_checks,
            foreign: change.draft.foreign.iter().any(|foreign| foreign.is_new),
            auto: table.auto.is_some()
                && (change.old.auto.is_none() || change.applied.auto_increment.is_some()),
        }
    }

    fn any(&self) -> bool {
        !self.indexes.is_empty()
            || !self.not_null.is_empty()
            || self.checks
            || self.foreign
            || self.auto
    }
}

/// Looks at every row.
async fn scan(
    work: &mut Work<'_>,
    change: &Change<'_>,
    (table, needs): (&Arc<Table>, &Needs),
    highest: &mut u64,
) -> Result<u64> {
    let (engine, ts) = (work.engine.clone(), work.ts);
    let nothing = Workspace::default();
    let view = View { engine: &engine, ts, own: &nothing };
    let mut numbers = Numbers::default();
    let mut count = 0;
    // A cursor is not kept across a wait: rows come in batches.
    let mut range = whole();
    loop {
        let mut batch = Vec::with_capacity(BATCH);
        {
            let mut rows = view.range(change.old.id, range, holdfast_tail::Direction::Forward)?;
            while batch.len() < BATCH
                && let Some(row) = rows.next().await?
            {
                batch.push(row);
            }
        }
        let Some((last, _)) = batch.last() else { return Ok(count) };
        let mut from = last.to_vec();
        from.push(0);
        range = holdfast_tail::table::KeyRange { from, to: None };
        for (key, row) in batch {
            let key = Bytes::copy_from_slice(&key);
            count += 1;
            if change.is_new {
                let old = row.values(change.old)?;
                let values = convert(work, change, table, (&old, count)).await?;
                let values = finish_row(work, change, table, (values, highest)).await?;
                let key = new_key(work, change, table, (&key, &values), &mut numbers).await?;
                check_row(work, change, table, &values).await?;
                put(work, table, (&key, &values)).await?;
            } else {
                let values = row.values(table)?;
                note_highest(table, &values, highest);
                keep(work, table, needs, (&key, &values)).await?;
                if needs.checks || needs.foreign {
                    check_row(work, change, table, &values).await?;
                }
            }
        }
        let engine = work.engine.clone();
        work.transaction.spill_if_large(&engine).await?;
    }
}

/// Rows between two waits.
const BATCH: usize = 4096;

/// What a row that stays needs: entries of new indexes, no NULL where none may be.
async fn keep(
    work: &mut Work<'_>,
    table: &Table,
    needs: &Needs,
    (key, values): (&Bytes, &[Value]),
) -> Result<()> {
    if needs.not_null.iter().any(|at| values[*at].is_null()) {
        return Err(invalid_null());
    }
    for at in &needs.indexes {
        put_entry(work, table, *at, (key, values)).await?;
    }
    Ok(())
}

fn invalid_null() -> SqlError {
    let mut error = SqlError::new(1138, "Invalid use of NULL value");
    error.state = "22004";
    error
}

async fn put_entry(
    work: &mut Work<'_>,
    table: &Table,
    at: usize,
    (key, values): (&Bytes, &[Value]),
) -> Result<()> {
    let index = &table.indexes[at];
    let (entry, row) = table.entry(index, values, key)?;
    if index.is_settled(values) && has_put(work, index.id, &entry).await? {
        let columns: Vec<usize> = index.key.columns().collect();
        let shown = entry_text(table, &columns, values);
        return Err(SqlError::duplicate(shown, format_args!("{}.{}", table.name, index.name)));
    }
    work.transaction.workspace.put(index.id, entry, Some(row));
    Ok(())
}

/// Puts a row of a table that is written anew.
async fn put(work: &mut Work<'_>, table: &Table, (key, values): (&Bytes, &[Value])) -> Result<()> {
    if has_put(work, table.id, key).await? {
        let columns: Vec<usize> = table.primary.columns().collect();
        let shown = entry_text(table, &columns, values);
        return Err(SqlError::duplicate(shown, format_args!("{}.PRIMARY", table.name)));
    }
    work.transaction.workspace.put(table.id, key.clone(), Some(table.encode(values)?));
    for at in 0..table.indexes.len() {
        put_entry(work, table, at, (key, values)).await?;
    }
    Ok(())
}

/// Whether this statement has put a row under a key, in memory or in objects.
async fn has_put(work: &Work<'_>, table: TableId, key: &Bytes) -> Result<bool> {
    let own = &work.transaction.workspace;
    if let Some(row) = own.get(table, key) {
        return Ok(row.is_some());
    }
    match own.written(table) {
        Some(written) => Ok(work.engine.store.reader.get(written, key).await?.is_some()),
        None => Ok(false),
    }
}

/// The values of a row by the new definition, as they are stored; generated columns and
/// numbers come later.
async fn convert(
    work: &mut Work<'_>,
    change: &Change<'_>,
    table: &Arc<Table>,
    (old, count): (&[Value], u64),
) -> Result<Vec<Value>> {
    let mut values = Vec::with_capacity(table.columns.len());
    for (at, column) in change.draft.columns.iter().enumerate() {
        let value = match column.from {
            Some(from) => {
                let source = &change.old.columns[from].of;
                as_new(work, table, at, (&old[from], source, count))?
            }
            None => match &table.columns[at].default {
                Default::Expression(_) => Value::Null,
                _ if table.auto == Some(at) || column.row.generated.is_some() => Value::Null,
                _ => first_value(work, change.old, &column.row).await?,
            },
        };
        values.push(value);
    }
    Ok(values)
}

/// A stored value as another column's.
fn as_new(
    work: &mut Work<'_>,
    table: &Table,
    at: usize,
    (value, source, row): (&Value, &SqlType, u64),
) -> Result<Value> {
    let column = &table.columns[at];
    if value.is_null() && !column.nullable && table.auto != Some(at) {
        if work.statement.context.mode.strict {
            return Err(invalid_null());
        }
        work.warn(1265, format!("Data truncated for column '{}' at row {row}", column.name));
        return Ok(store::zero(&column.of));
    }
    if *source == column.of || value.is_null() {
        return Ok(value.clone());
    }
    let context = &mut work.statement.context;
    let local = store::load(value.clone(), source, context);
    let source = store::Source { of: source, row, ignore: false };
    let target = store::Target { name: &column.name, of: &column.of, nullable: column.nullable };
    Ok(store::store(local, &source, &target, context)?)
}

/// Numbers, defaults that are expressions, generated columns.
async fn finish_row(
    work: &mut Work<'_>,
    change: &Change<'_>,
    table: &Arc<Table>,
    (mut values, highest): (Vec<Value>, &mut u64),
) -> Result<Vec<Value>> {
    if let Some(at) = table.auto {
        let is_zero = match &values[at] {
            Value::Null | Value::Int(0) | Value::UInt(0) => true,
            Value::Double(number) => *number == 0.0,
            _ => false,
        };
        let keeps_zero = work.statement.variables.settings().mode.no_auto_value_on_zero()
            && !values[at].is_null();
        if is_zero && !keeps_zero {
            let least = change.applied.auto_increment.unwrap_or(1).max(1);
            let next = highest.saturating_add(1).max(least);
            let number = (&Value::UInt(next), &SqlType::BIGINT_UNSIGNED, 1);
            values[at] = as_new(work, table, at, number)?;
        }
        note_highest(table, &values, highest);
    }
    let rules = table.rules()?;
    work.statement.localize(table, &mut values);
    for (at, column) in change.draft.columns.iter().enumerate() {
        if column.from.is_none() && matches!(table.columns[at].default, Default::Expression(_)) {
            values[at] = rules.default(work.statement, table, (at, &values))?;
        }
    }
    rules.generate(work.statement, table, &mut values)?;
    work.statement.globalize(table, &mut values);
    Ok(values)
}

fn note_highest(table: &Table, values: &[Value], highest: &mut u64) {
    let Some(at) = table.auto else { return };
    let number = match &values[at] {
        Value::Int(number) => u64::try_from(*number).unwrap_or(0),
        Value::UInt(number) => *number,
        Value::Double(number) if *number >= 1.0 => *number as u64,
        _ => 0,
    };
    *highest = (*highest).max(number);
}

/// Hidden row numbers that are taken and not given.
#[derive(Default)]
struct Numbers {
    next: u64,
    left: u64,
}

/// The key of a row that is written anew.
async fn new_key(
    work: &mut Work<'_>,
    change: &Change<'_>,
    table: &Table,
    (old, values): (&Bytes, &[Value]),
    numbers: &mut Numbers,
) -> Result<Bytes> {
    if !table.is_keyless() {
        return table.key(values);
    }
    if change.old.is_keyless() {
        return Ok(old.clone());
    }
    if numbers.left == 0 {
        numbers.next = work.engine.sequences.take(&work.engine, Counter::Row, NUMBERS).await?;
        numbers.left = NUMBERS;
    }
    let number = numbers.next;
    numbers.next += 1;
    numbers.left -= 1;
    Ok(Bytes::copy_from_slice(&number.to_be_bytes()))
}

/// CHECKs and new foreign keys.
async fn check_row(
    work: &mut Work<'_>,
    change: &Change<'_>,
    table: &Arc<Table>,
    values: &[Value],
) -> Result<()> {
    if !table.body.checks.is_empty() {
        let mut local = values.to_vec();
        work.statement.localize(table, &mut local);
        table.rules()?.check(work.statement, &local)?;
    }
    let new: Vec<usize> = (0..table.body.foreign.len())
        .filter(|at| change.draft.foreign.get(*at).is_some_and(|foreign| foreign.is_new))
        .collect();
    if new.is_empty() || !work.statement.variables.settings().foreign_keys {
        return Ok(());
    }
    let mut pass = Pass::default();
    let ts = work.ts;
    let mut writer = Writer {
        statement: work.statement,
        transaction: &mut work.transaction,
        pass: &mut pass,
        ts,
    };
    for at in new {
        writer.check_parent_at(table, at, values).await?;
    }
    Ok(())
}
