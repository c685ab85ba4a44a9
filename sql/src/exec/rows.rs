//! The row engine: queries over few rows, without an optimizer.
//!
//! It takes a query whose tables are each reached by a key with few rows behind
//! it, or are small; everything else it leaves to DataFusion.
//!
//! - E1: it answers what DataFusion would answer, or "not mine".
//! - E2: it looks at no more than [`ROWS_MAX`] rows; one more, and it gives up.
//! - E3: of a table's columns only those are read that the query names.

mod first;
mod picked;

use std::collections::BTreeMap;

use holdfast_api::BoxFuture;
use holdfast_tail::table::KeyRange;
use holdfast_tail::{Direction, Key};
use holdfast_value::{SqlType, Value, compare};

use self::first::Ordered;
use self::picked::{Picked, named};
use super::path::{self, Path, Which};
use super::view::{Row, View};
use super::{Statement, aggregate};
use crate::algebra::{JoinKind, Order, Query, Rel, Scan};
use crate::error::{Result, SqlError};
use crate::expr::eval::{Env, Layout, eval, is_true};
use crate::expr::{ColumnId, Expr, Typed, walk};

/// E2.
pub const ROWS_MAX: usize = 4096;
/// A table of at most so many rows is read whole.
const SMALL: usize = 256;

/// Rows, and what their columns are.
pub struct Found {
    /// The columns.
    pub ids: Vec<ColumnId>,
    /// The rows.
    pub rows: Vec<Vec<Value>>,
}

impl Found {
    /// The same with its columns in this order: a join that was turned around gives
    /// them in another one.
    fn arranged(self, ids: &[ColumnId]) -> Self {
        if self.ids == ids {
            return self;
        }
        let layout = Layout::new(&self.ids);
        let places: Vec<usize> = ids.iter().filter_map(|id| layout.find(*id)).collect();
        let pick = |row: Vec<Value>| places.iter().map(|at| row[*at].clone()).collect();
        Self { ids: ids.to_vec(), rows: self.rows.into_iter().map(pick).collect() }
    }
}

/// What the engine reads through.
pub struct Reader<'a, 's> {
    /// The rows.
    pub view: View<'a>,
    /// The statement.
    pub statement: &'s mut Statement,
    looked_at: usize,
    /// The columns that the query names, ascending (E3).
    named: Vec<ColumnId>,
    /// Key ranges that were read, for locks.
    pub read: Vec<Touched>,
}

/// What a read looked at.
#[derive(Clone, Debug)]
pub struct Touched {
    /// The table or index.
    pub table: holdfast_base::TableId,
    /// The keys.
    pub range: KeyRange,
    /// At most one row can be there, and it was.
    pub is_point: bool,
}

impl<'a, 's> Reader<'a, 's> {
    /// A reader that has read nothing.
    pub fn new(view: View<'a>, statement: &'s mut Statement) -> Self {
        Self { view, statement, looked_at: 0, named: Vec::new(), read: Vec::new() }
    }

    /// Runs a query; `None`: it is not for this engine (E1).
    ///
    /// # Errors
    /// MySQL's.
    pub async fn query(&mut self, query: &Query) -> Result<Option<Vec<Vec<Value>>>> {
        if !is_simple(&query.rel) {
            return Ok(None);
        }
        self.named = named(query);
        let Some(found) = self.rel(&query.rel, &[]).await? else { return Ok(None) };
        let wanted: Vec<ColumnId> = query.columns.iter().map(|column| column.id).collect();
        Ok(Some(found.arranged(&wanted).rows))
    }

    /// Runs a relation of which those rows are wanted for which `conjuncts` hold;
    /// it may give others, too.
    pub fn rel<'f>(
        &'f mut self,
        rel: &'f Rel,
        conjuncts: &'f [Typed],
    ) -> BoxFuture<'f, Result<Option<Found>>> {
        Box::pin(self.run(rel, conjuncts))
    }

    async fn run(&mut self, rel: &Rel, conjuncts: &[Typed]) -> Result<Option<Found>> {
        match rel {
            Rel::One => Ok(Some(Found { ids: Vec::new(), rows: vec![Vec::new()] })),
            Rel::Nothing(ids) => {
                Ok(Some(Found { ids: ids.iter().map(|(id, _)| *id).collect(), rows: Vec::new() }))
            }
            Rel::Scan(scan) => self.scan(scan, conjuncts).await,
            Rel::Virtual { table, ids } => {
                let rows = (table.rows)(self.statement)?;
                Ok(Some(Found { ids: ids.clone(), rows }))
            }
            Rel::Values { rows, ids } => self.values(rows, ids),
            Rel::Filter(input, test) => self.filter(input, test).await,
            Rel::Project(input, items) => self.project(input, items).await,
            Rel::Sort(input, keys) => {
                let Some(mut found) = self.rel(input, conjuncts).await? else { return Ok(None) };
                self.sort(&mut found, keys)?;
                Ok(Some(found))
            }
            Rel::Limit { input, skip, fetch } => {
                self.limit(input, skip.as_ref(), fetch.as_ref()).await
            }
            Rel::Distinct(input) => {
                let Some(mut found) = self.rel(input, &[]).await? else { return Ok(None) };
                let Some(types) = types_of(input) else { return Ok(None) };
                distinct(&mut found.rows, &types);
                Ok(Some(found))
            }
            Rel::Aggregate { input, keys, calls, rollup: false } => {
                let Some(found) = self.rel(input, &[]).await? else { return Ok(None) };
                aggregate::run(self, found, keys, calls)
            }
            Rel::Join { kind, left, right, on } => {
                self.join(*kind, (left, right), on.as_ref(), conjuncts).await
            }
            _ => Ok(None),
        }
    }

    /// Evaluates over a row.
    pub fn with<T>(
        &mut self,
        layout: &Layout,
        row: &[Value],
        work: impl FnOnce(&mut Env<'_>) -> Result<T>,
    ) -> Result<T> {
        self.statement.with_row(layout, row, work)
    }

    async fn scan(&mut self, scan: &Scan, conjuncts: &[Typed]) -> Result<Option<Found>> {
        let empty = Layout::default();
        let path = self.with(&empty, &[], |env| path::choose(scan, conjuncts, env))?;
        self.read_path(scan, path).await
    }

    async fn read_path(&mut self, scan: &Scan, path: Option<Path>) -> Result<Option<Found>> {
        let table = &scan.table;
        let picked = Picked::new(scan, &self.named);
        let mut found = Found { ids: picked.ids.clone(), rows: Vec::new() };
        let Some(path) = path else {
            if self.view.size(table.id) > SMALL {
                return Ok(None);
            }
            let whole = super::view::whole();
            let source = (scan, &picked, Which::Primary);
            if !self.read_range(source, &whole, (false, &mut found)).await? {
                return Ok(None);
            }
            return Ok(Some(found));
        };
        for range in &path.ranges {
            let source = (scan, &picked, path.which);
            if !self.read_range(source, range, (path.is_point, &mut found)).await? {
                return Ok(None);
            }
        }
        Ok(Some(found))
    }

    /// False: there are too many (E2).
    async fn read_range(
        &mut self,
        (scan, picked, which): (&Scan, &Picked, Which),
        range: &KeyRange,
        (is_point, found): (bool, &mut Found),
    ) -> Result<bool> {
        let table = &*scan.table;
        let id = match which {
            Which::Primary => table.id,
            Which::Index(at) => table.indexes[at].id,
        };
        if is_point {
            let row = self.view.get(id, &range.from).await?;
            let was_there = row.is_some();
            self.read.push(Touched { table: id, range: range.clone(), is_point: was_there });
            if let Some(row) = row {
                let key = Key::new(&range.from);
                self.take((scan, picked, which), (key, row), found).await?;
            }
            return Ok(self.looked_at <= ROWS_MAX);
        }
        self.read.push(Touched { table: id, range: range.clone(), is_point: false });
        let mut rows = self.view.range(id, range.clone(), Direction::Forward)?;
        while let Some((key, row)) = rows.next().await? {
            self.take((scan, picked, which), (key, row), found).await?;
            if self.looked_at > ROWS_MAX {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn take(
        &mut self,
        (scan, picked, which): (&Scan, &Picked, Which),
        (key, row): (Key, Row),
        found: &mut Found,
    ) -> Result<()> {
        self.looked_at += 1;
        let Which::Index(at) = which else {
            found.rows.push(picked.values(scan, (&key, &row), &self.statement.context.zone)?);
            return Ok(());
        };
        let (entry, key) = (key, row.leads_to()?);
        let is_own = self.view.own.touches(scan.table.id, &key);
        let row = match self.view.get(scan.table.id, &key).await? {
            // The entry may be the snapshot's while the row is the transaction's own.
            Some(row) if is_own && !is_entry(scan, at, (&entry, &key), &row)? => return Ok(()),
            Some(row) => row,
            None if is_own => return Ok(()),
            None => {
                let name = &scan.table.name;
                let text = format!("an index of '{name}' leads to a row that is not there");
                return Err(SqlError::new(1712, text));
            }
        };
        found.rows.push(picked.values(scan, (&key, &row), &self.statement.context.zone)?);
        Ok(())
    }

    fn values(
        &mut self,
        rows: &[Vec<Typed>],
        ids: &[(ColumnId, SqlType)],
    ) -> Result<Option<Found>> {
        let mut out = Vec::with_capacity(rows.len());
        for row in rows {
            let layout = Layout::default();
            let values = self.with(&layout, &[], |env| {
                let convert = |(item, (_, of)): (&Typed, &(ColumnId, SqlType))| {
                    let value = eval(item, env)?;
                    if value.is_null() || item.of == *of {
                        return Ok(value);
                    }
                    Ok(holdfast_value::cast::convert(value, &item.of, of, env.context)?)
                };
                row.iter().zip(ids).map(convert).collect::<Result<Vec<_>>>()
            })?;
            out.push(values);
        }
        Ok(Some(Found { ids: ids.iter().map(|(id, _)| *id).collect(), rows: out }))
    }

    async fn filter(&mut self, input: &Rel, test: &Typed) -> Result<Option<Found>> {
        let mut conjuncts = walk::conjuncts(test.clone());
        conjuncts.extend(path::implied(&conjuncts));
        let Some(mut found) = self.rel(input, &conjuncts).await? else { return Ok(None) };
        self.keep(&mut found, test)?;
        Ok(Some(found))
    }

    fn keep(&mut self, found: &mut Found, test: &Typed) -> Result<()> {
        let layout = Layout::new(&found.ids);
        let mut kept = Vec::with_capacity(found.rows.len());
        for row in std::mem::take(&mut found.rows) {
            if self.with(&layout, &row, |env| is_true(test, env))? {
                kept.push(row);
            }
        }
        found.rows = kept;
        Ok(())
    }

    async fn project(&mut self, input: &Rel, items: &[(ColumnId, Typed)]) -> Result<Option<Found>> {
        let Some(found) = self.rel(input, &[]).await? else { return Ok(None) };
        let layout = Layout::new(&found.ids);
        let ids = items.iter().map(|(id, _)| *id).collect();
        if let Some(places) = places(items, &layout) {
            let pick = |mut row: Vec<Value>| -> Vec<Value> {
                places.iter().map(|at| std::mem::replace(&mut row[*at], Value::Null)).collect()
            };
            return Ok(Some(Found { ids, rows: found.rows.into_iter().map(pick).collect() }));
        }
        let mut rows = Vec::with_capacity(found.rows.len());
        for row in found.rows {
            let values = self.with(&layout, &row, |env| {
                items.iter().map(|(_, item)| eval(item, env)).collect::<Result<Vec<_>>>()
            })?;
            rows.push(values);
        }
        Ok(Some(Found { ids, rows }))
    }

    fn sort(&mut self, found: &mut Found, keys: &[Order]) -> Result<()> {
        let layout = Layout::new(&found.ids);
        let mut keyed = Vec::with_capacity(found.rows.len());
        for row in std::mem::take(&mut found.rows) {
            let by = self.with(&layout, &row, |env| {
                keys.iter().map(|key| eval(&key.by, env)).collect::<Result<Vec<_>>>()
            })?;
            keyed.push((by, row));
        }
        keyed.sort_by(|(a, _), (b, _)| {
            let each = keys.iter().zip(a.iter().zip(b));
            each.fold(std::cmp::Ordering::Equal, |so_far, (key, (a, b))| {
                so_far.then_with(|| {
                    let order = compare::order(a, b, &key.by.of);
                    if key.desc { order.reverse() } else { order }
                })
            })
        });
        found.rows = keyed.into_iter().map(|(_, row)| row).collect();
        Ok(())
    }

    async fn limit(
        &mut self,
        input: &Rel,
        skip: Option<&Typed>,
        fetch: Option<&Typed>,
    ) -> Result<Option<Found>> {
        let (skip, fetch) = (self.count(skip)?.unwrap_or(0), self.count(fetch)?);
        let first = match (fetch, Ordered::of(input)) {
            (Some(fetch), Some(ordered)) => {
                self.first_rows(&ordered, skip.saturating_add(fetch)).await?
            }
            _ => None,
        };
        let found = match first {
            Some(found) => Some(found),
            None => self.rel(input, &[]).await?,
        };
        let Some(mut found) = found else { return Ok(None) };
        found.rows.drain(..skip.min(found.rows.len()));
        if let Some(fetch) = fetch {
            found.rows.truncate(fetch);
        }
        Ok(Some(found))
    }

    /// A number of LIMIT.
    fn count(&mut self, count: Option<&Typed>) -> Result<Option<usize>> {
        let Some(count) = count else { return Ok(None) };
        let value = self.with(&Layout::default(), &[], |env| eval(count, env))?;
        limit_of(&value).map(Some)
    }

    /// A nested loop; the right side is read by key where the left row gives one.
    async fn join(
        &mut self,
        kind: JoinKind,
        (left, right): (&Rel, &Rel),
        on: Option<&Typed>,
        conjuncts: &[Typed],
    ) -> Result<Option<Found>> {
        if kind == JoinKind::Right {
            return Box::pin(self.join(JoinKind::Left, (right, left), on, conjuncts)).await;
        }
        let Some(outer) = self.rel(left, conjuncts).await? else { return Ok(None) };
        let mut inner_ids = right.ids();
        inner_ids.retain(|id| self.named.binary_search(id).is_ok());
        let mut tests: Vec<Typed> = on.cloned().map(walk::conjuncts).unwrap_or_default();
        if kind == JoinKind::Inner {
            tests.extend(conjuncts.iter().cloned());
        }
        let mut ids = outer.ids.clone();
        ids.extend(&inner_ids);
        let (outer_layout, layout) = (Layout::new(&outer.ids), Layout::new(&ids));
        let mut rows = Vec::new();
        for row in outer.rows {
            let bound = bind_row(&tests, &outer_layout, &row);
            let Some(inner) = self.rel(right, &bound).await? else { return Ok(None) };
            let inner = inner.arranged(&inner_ids);
            let before = rows.len();
            for other in inner.rows {
                let mut both = row.clone();
                both.extend(other);
                let fits = match on {
                    Some(on) => self.with(&layout, &both, |env| is_true(on, env))?,
                    None => true,
                };
                if fits {
                    rows.push(both);
                }
                self.looked_at += 1;
            }
            if self.looked_at > ROWS_MAX {
                return Ok(None);
            }
            if kind == JoinKind::Left && rows.len() == before {
                let mut alone = row;
                alone.resize(ids.len(), Value::Null);
                rows.push(alone);
            }
        }
        Ok(Some(Found { ids, rows }))
    }
}

/// Where a projection's columns are, if it is nothing else than columns, each once.
fn places(items: &[(ColumnId, Typed)], layout: &Layout) -> Option<Vec<usize>> {
    let mut places: Vec<usize> = Vec::with_capacity(items.len());
    for (_, item) in items {
        let Expr::Column(id) = item.expr else { return None };
        places.push(layout.find(id).filter(|at| !places.contains(at))?);
    }
    Some(places)
}

/// Whether a row has this entry in an index now.
fn is_entry(scan: &Scan, index: usize, (entry, key): (&[u8], &[u8]), row: &Row) -> Result<bool> {
    let values = row.values(&scan.table)?;
    let (has, _) = scan.table.entry(&scan.table.indexes[index], &values, &key.to_vec().into())?;
    Ok(has == entry)
}

/// Conditions with a row's values in them.
fn bind_row(tests: &[Typed], layout: &Layout, row: &[Value]) -> Vec<Typed> {
    let put = |test: &Typed| {
        let mut test = test.clone();
        walk::each_mut(&mut test, &mut |item| {
            if let Expr::Column(id) = item.expr
                && let Some(at) = layout.find(id)
            {
                item.expr = Expr::Literal(row[at].clone());
            }
            true
        });
        test
    };
    tests.iter().map(put).collect()
}

/// A LIMIT's number.
///
/// # Errors
/// 1210 for what is no number, or negative.
pub fn limit_of(value: &Value) -> Result<usize> {
    let count = match value {
        Value::Int(count) => u64::try_from(*count).ok(),
        Value::UInt(count) => Some(*count),
        // Some drivers bind every number as one of these.
        Value::Double(count) if *count >= 0.0 && count.fract() == 0.0 => Some(*count as u64),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    };
    let count = count.ok_or_else(|| SqlError::new(1210, "Incorrect arguments to LIMIT"))?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Whether every part of a query is one that this engine knows.
fn is_simple(rel: &Rel) -> bool {
    let plain = |typed: &Typed| !walk::has_subquery(typed);
    match rel {
        Rel::One | Rel::Nothing(_) | Rel::Scan(_) | Rel::Virtual { .. } => true,
        Rel::Values { rows, .. } => rows.iter().flatten().all(plain),
        Rel::Join { left, right, on, .. } => {
            is_simple(left) && is_simple(right) && on.as_ref().is_none_or(plain)
        }
        Rel::Filter(input, test) => is_simple(input) && plain(test),
        Rel::Project(input, items) => is_simple(input) && items.iter().all(|(_, item)| plain(item)),
        Rel::Aggregate { input, keys, calls, rollup } => {
            !rollup
                && is_simple(input)
                && keys.iter().all(|(_, key)| plain(key))
                && calls.iter().all(|(_, call)| aggregate::is_known(call))
        }
        Rel::Distinct(input) => is_simple(input) && types_of(input).is_some(),
        Rel::Sort(input, keys) => is_simple(input) && keys.iter().all(|key| plain(&key.by)),
        Rel::Limit { input, .. } => is_simple(input),
        Rel::Window { .. } | Rel::Set { .. } | Rel::Recursive { .. } | Rel::Working { .. } => false,
    }
}

/// The types of a projection's columns.
fn types_of(rel: &Rel) -> Option<Vec<SqlType>> {
    match rel {
        Rel::Project(_, items) => Some(items.iter().map(|(_, item)| item.of.clone()).collect()),
        Rel::Sort(input, _) | Rel::Filter(input, _) | Rel::Limit { input, .. } => types_of(input),
        _ => None,
    }
}

/// A row as bytes that are equal where the row is.
///
/// # Errors
/// A value that is not of its type.
pub fn row_identity(row: &[Value], types: &[SqlType]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    holdfast_value::key::encode(row, types, &mut out)?;
    Ok(out)
}

fn distinct(rows: &mut Vec<Vec<Value>>, types: &[SqlType]) {
    let mut seen = BTreeMap::new();
    rows.retain(|row| match row_identity(row, types) {
        Ok(identity) => seen.insert(identity, ()).is_none(),
        Err(_) => true,
    });
}
