//! Relations as DataFusion's logical plans (F1).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::catalog::{MemTable, TableProvider};
use datafusion::common::{Column, JoinType, NullEquality};
use datafusion::datasource::provider_as_source;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::Sort;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};
use holdfast_tail::columns::{Builder, data_type};
use holdfast_value::{SqlType, Value, Zone};

use super::group::{self, Groups};
use super::hints::Hints;
use super::lower::{Lower, column, name};
use super::set::Set;
use super::source::{Slot, Sources, Table};
use super::{compare, keys, subquery, trouble, window};
use crate::algebra::{JoinKind, Order, Query, Rel, Scan};
use crate::error::{Result, SqlError};
use crate::exec::rows::limit_of;
use crate::expr::{ColumnId, Expr as Bound, Typed, walk};

/// What DataFusion refuses of a plan that we made.
pub(super) fn strange(error: DataFusionError) -> SqlError {
    trouble::unwrap(&error)
}

/// Makes plans of one statement.
pub(super) struct Planner {
    pub lower: Lower,
    pub sources: Arc<dyn Sources>,
    pub hints: Hints,
    /// Rows of recursive common table expressions, by their number.
    pub made: BTreeMap<u32, Vec<RecordBatch>>,
    /// While one is computed: the rows made last.
    pub working: BTreeMap<u32, Arc<Slot>>,
    /// For columns that stand beside others for a while.
    pub next: std::cell::Cell<u32>,
}

impl Planner {
    /// A query: its columns, in order, and no others.
    pub fn query(&self, query: &Query) -> Result<LogicalPlan> {
        let plan = self.rel(&query.rel)?;
        let mut seen = BTreeSet::new();
        let columns = query.columns.iter().filter(|output| seen.insert(output.id));
        let columns: Vec<Expr> = columns.map(|output| column(output.id)).collect();
        built(LogicalPlanBuilder::from(plan).project(columns))
    }

    /// A relation.
    pub fn rel(&self, rel: &Rel) -> Result<LogicalPlan> {
        match rel {
            Rel::One => built(Ok(LogicalPlanBuilder::empty(true))),
            Rel::Nothing(ids) => self.memory(ids, Vec::new()),
            Rel::Scan(scan) => self.scan(scan),
            Rel::Virtual { table, ids } => {
                let shapes: Vec<(ColumnId, SqlType)> = ids
                    .iter()
                    .zip(table.columns)
                    .map(|(id, column)| (*id, column.of.clone()))
                    .collect();
                let rows = self.sources.rows(table)?;
                self.rows(&shapes, rows)
            }
            Rel::Values { rows, ids } => self.values(rows, ids),
            Rel::Join { kind, left, right, on } => self.join(*kind, left, right, on.as_ref()),
            Rel::Filter(input, test) => self.filter(input, test),
            Rel::Project(input, items) => {
                let plan = self.rel(input)?;
                let items = items
                    .iter()
                    .map(|(id, item)| Ok(self.lower.value(item)?.alias(name(*id))))
                    .collect::<Result<Vec<_>>>()?;
                built(LogicalPlanBuilder::from(plan).project(items))
            }
            Rel::Aggregate { input, keys, calls, rollup } => {
                let groups = Groups { keys, calls, rollup: *rollup };
                groups.plan(&self.lower, self.rel(input)?)
            }
            Rel::Window { input, calls } => window::plan(&self.lower, self.rel(input)?, calls),
            Rel::Distinct(input) => {
                let mut shapes = Vec::new();
                subquery::shapes(input, &mut shapes);
                group::distinct(&self.lower, self.rel(input)?, &shapes)
            }
            Rel::Sort(input, order) => {
                let plan = self.rel(input)?;
                built(LogicalPlanBuilder::from(plan).sort(sorts(&self.lower, order)?))
            }
            Rel::Limit { input, skip, fetch } => {
                let plan = self.rel(input)?;
                let skip = skip.as_ref().map(count).transpose()?.unwrap_or(0);
                let fetch = fetch.as_ref().map(count).transpose()?;
                built(LogicalPlanBuilder::from(plan).limit(skip, fetch))
            }
            Rel::Set { kind, all, left, right, ids } => {
                let set = Set { kind: *kind, all: *all, ids };
                let (a, b) = (self.rel(&left.rel)?, self.rel(&right.rel)?);
                set.plan(&self.lower, (left, a), (right, b))
            }
            Rel::Recursive { number, ids, .. } => {
                let batches = self.made.get(number).cloned();
                self.memory(ids, batches.ok_or_else(|| uncomputed(*number))?)
            }
            Rel::Working { number, ids } => {
                let slot = self.working.get(number).ok_or_else(|| uncomputed(*number))?;
                self.slot(slot, ids)
            }
        }
    }

    /// Rows that change from run to run, as these columns.
    pub fn slot(&self, slot: &Arc<Slot>, ids: &[(ColumnId, SqlType)]) -> Result<LogicalPlan> {
        let fields = slot.schema();
        let own: Vec<Expr> = ids
            .iter()
            .zip(fields.fields())
            .map(|((id, _), field)| {
                Expr::Column(Column::new(Some("s"), field.name())).alias(name(*id))
            })
            .collect();
        let source = provider_as_source(Arc::clone(slot) as Arc<dyn TableProvider>);
        let plan = LogicalPlanBuilder::scan("s", source, None);
        built(plan.and_then(|plan| plan.project(own)))
    }

    fn scan(&self, scan: &Scan) -> Result<LogicalPlan> {
        let zone = self.lower.shared.settings().zone;
        let mut filters = self.hints.get(&scan.first).cloned().unwrap_or_default();
        if zone != Zone::Fixed(0) {
            // What is stored is UTC, the filter is of the session's zone: a source that
            // looks for it in keys or statistics would look in the wrong place.
            filters.retain(|test| {
                !walk::columns(test).iter().any(|id| {
                    let column = scan.table.columns.get((id - scan.first) as usize);
                    column.is_some_and(|column| matches!(column.of, SqlType::Timestamp(_)))
                })
            });
        }
        let table = Table::new(scan.clone(), filters, Arc::clone(&self.sources));
        let own = |id| Expr::Column(Column::new(Some("t"), name(id))).alias(name(id));
        let items: Vec<Expr> = scan.ids().map(own).collect();
        let source = provider_as_source(Arc::new(table));
        let plan = LogicalPlanBuilder::scan("t", source, None);
        built(plan.and_then(|plan| plan.project(items)))
    }

    /// Rows in memory, as the columns of these types.
    fn memory(
        &self,
        ids: &[(ColumnId, SqlType)],
        batches: Vec<RecordBatch>,
    ) -> Result<LogicalPlan> {
        let schema = schema_of(ids);
        let batches = batches
            .into_iter()
            .map(|batch| {
                RecordBatch::try_new(Arc::clone(&schema), batch.columns().to_vec())
                    .map_err(SqlError::internal)
            })
            .collect::<Result<Vec<_>>>()?;
        let table = MemTable::try_new(Arc::clone(&schema), vec![batches]).map_err(strange)?;
        let own = ids
            .iter()
            .map(|(id, _)| Expr::Column(Column::new(Some("m"), name(*id))).alias(name(*id)));
        let source = provider_as_source(Arc::new(table));
        let plan = LogicalPlanBuilder::scan("m", source, None);
        built(plan.and_then(|plan| plan.project(own.collect::<Vec<_>>())))
    }

    fn rows(&self, ids: &[(ColumnId, SqlType)], rows: Vec<Vec<Value>>) -> Result<LogicalPlan> {
        let null = Value::Null;
        let slots = ids.iter().enumerate().map(|(at, (_, of))| (at, of, &null));
        let mut builder = Builder::new(slots, rows.len());
        for row in rows {
            let row = self.lower.shared.with(|context| {
                let fits = row.into_iter().zip(ids);
                fits.map(|(value, (_, of))| super::row::fit(value, of, context))
                    .collect::<std::result::Result<Vec<_>, _>>()
            })?;
            builder.push_values(&row)?;
        }
        let batch = RecordBatch::try_new(schema_of(ids), builder.finish());
        self.memory(ids, vec![batch.map_err(SqlError::internal)?])
    }

    /// Constants become rows in memory; others a union of one-row projections.
    fn values(&self, rows: &[Vec<Typed>], ids: &[(ColumnId, SqlType)]) -> Result<LogicalPlan> {
        if rows.iter().flatten().all(|item| item.constant().is_some()) && !ids.is_empty() {
            let convert = |item: &Typed, of: &SqlType| {
                let value = item.constant().cloned().unwrap_or(Value::Null);
                let shared = &self.lower.shared;
                shared.with(|context| holdfast_value::cast::convert(value, &item.of, of, context))
            };
            let mut made = Vec::with_capacity(rows.len());
            for row in rows {
                let row = row.iter().zip(ids).map(|(item, (_, of))| convert(item, of));
                made.push(row.collect::<std::result::Result<Vec<_>, _>>()?);
            }
            return self.rows(ids, made);
        }
        let mut all: Option<LogicalPlanBuilder> = None;
        for row in rows {
            let items = row
                .iter()
                .zip(ids)
                .map(|(item, (id, of))| Ok(self.lower.converted(item, of)?.alias(name(*id))))
                .collect::<Result<Vec<_>>>()?;
            let one = built(LogicalPlanBuilder::empty(true).project(items))?;
            all = Some(match all {
                None => LogicalPlanBuilder::from(one),
                Some(all) => all.union(one).map_err(strange)?,
            });
        }
        match all {
            Some(all) => built(Ok(all)),
            None => self.memory(ids, Vec::new()),
        }
    }

    fn join(
        &self,
        kind: JoinKind,
        left: &Rel,
        right: &Rel,
        on: Option<&Typed>,
    ) -> Result<LogicalPlan> {
        let (left, right) = (self.rel(left)?, self.rel(right)?);
        let on = on.cloned().map(walk::conjuncts).unwrap_or_default();
        let tests = on.iter().map(|test| self.lower.test(test)).collect::<Result<Vec<_>>>()?;
        let left = LogicalPlanBuilder::from(left);
        built(match kind {
            JoinKind::Inner if tests.is_empty() => left.cross_join(right),
            JoinKind::Inner => left.join_on(right, JoinType::Inner, tests),
            JoinKind::Left => left.join_on(right, JoinType::Left, or_true(tests)),
            JoinKind::Right => left.join_on(right, JoinType::Right, or_true(tests)),
        })
    }

    fn filter(&self, input: &Rel, test: &Typed) -> Result<LogicalPlan> {
        let mut plan = self.rel(input)?;
        let (joins, tests): (Vec<_>, Vec<_>) = walk::conjuncts(test.clone())
            .into_iter()
            .partition(|test| matches!(test.expr, Bound::Exists { .. } | Bound::InQuery { .. }));
        if !tests.is_empty() {
            let test = self.lower.all(&tests)?;
            plan = built(LogicalPlanBuilder::from(plan).filter(test))?;
        }
        for join in joins {
            plan = self.half_join(plan, &join)?;
        }
        Ok(plan)
    }

    /// The rows for which a subquery has some, or has none.
    fn half_join(&self, left: LogicalPlan, test: &Typed) -> Result<LogicalPlan> {
        let (query, items, negated) = match &test.expr {
            Bound::Exists { query, negated } => (query, &[][..], *negated),
            Bound::InQuery { items, query, negated } => (query, &items[..], *negated),
            _ => return Err(SqlError::internal("no subquery where one was")),
        };
        let outer = subquery::free(&query.rel);
        let Some((rel, tests)) = subquery::stripped(query.rel.clone(), &outer) else {
            return Err(SqlError::internal("a subquery that does not come apart"));
        };
        let is_apart = tests.is_empty();
        let right = self.rel(&rel)?;
        let mut on = tests.iter().map(|test| self.lower.test(test)).collect::<Result<Vec<_>>>()?;
        let kind = if negated { JoinType::LeftAnti } else { JoinType::LeftSemi };
        let is_nullable =
            items.iter().zip(&query.columns).any(|(item, output)| item.nullable || output.nullable);
        if let ([item], [output], true, true, true) =
            (items, &query.columns[..], negated, is_nullable, is_apart)
        {
            let other = Typed::column(output.id, output.of.clone(), output.nullable);
            if let Some(sides) = compare::pair(&self.lower, item, &other)? {
                return self.not_in(left, right, sides);
            }
        }
        for (item, output) in items.iter().zip(&query.columns) {
            let other = Typed::column(output.id, output.of.clone(), output.nullable);
            let same = subquery::call("=", vec![item.clone(), other])?;
            let same = self.lower.test(&same)?;
            // NOT IN is true where every comparison is false.
            on.push(if negated && is_nullable { same.is_not_false() } else { same });
        }
        if on.is_empty() {
            let first = built(LogicalPlanBuilder::from(right).limit(0, Some(1)))?;
            return built(LogicalPlanBuilder::from(left).join_on(first, kind, vec![lit(true)]));
        }
        built(LogicalPlanBuilder::from(left).join_on(right, kind, on))
    }

    /// `item NOT IN (values)` with NULLs on either side, by hash.
    fn not_in(
        &self,
        left: LogicalPlan,
        right: LogicalPlan,
        (item, value): (Expr, Expr),
    ) -> Result<LogicalPlan> {
        let number = self.next.get();
        self.next.set(number + 1);
        let (x, y) = (format!("x{number}"), format!("y{number}"));
        let own: Vec<Expr> = left.schema().columns().into_iter().map(Expr::Column).collect();
        let mut with_item = own.clone();
        with_item.push(item.alias(&x));
        let left = built(LogicalPlanBuilder::from(left).project(with_item))?;
        let right = built(LogicalPlanBuilder::from(right).project(vec![value.alias(&y)]))?;
        let joined = LogicalPlanBuilder::from(left).join_detailed_with_options(
            right,
            JoinType::LeftAnti,
            (vec![Column::new_unqualified(x)], vec![Column::new_unqualified(y)]),
            None,
            NullEquality::NullEqualsNothing,
            true,
        );
        built(joined.and_then(|plan| plan.project(own)))
    }
}

fn or_true(tests: Vec<Expr>) -> Vec<Expr> {
    if tests.is_empty() { vec![lit(true)] } else { tests }
}

/// The plan of a builder.
pub(super) fn built(
    builder: std::result::Result<LogicalPlanBuilder, DataFusionError>,
) -> Result<LogicalPlan> {
    builder.and_then(LogicalPlanBuilder::build).map_err(strange)
}

/// NULL is the least.
pub(super) fn sorts(lower: &Lower, order: &[Order]) -> Result<Vec<Sort>> {
    let sort = |key: &Order| {
        let by = keys::order(lower.value(&key.by)?, &key.by.of);
        Ok(Sort::new(by, !key.desc, !key.desc))
    };
    order.iter().map(sort).collect()
}

fn uncomputed(number: u32) -> SqlError {
    SqlError::internal(format!("recursion {number} was not computed"))
}

pub(super) fn schema_of(ids: &[(ColumnId, SqlType)]) -> SchemaRef {
    let field = |(id, of): &(ColumnId, SqlType)| Field::new(name(*id), data_type(of), true);
    Arc::new(Schema::new(ids.iter().map(field).collect::<Vec<_>>()))
}

/// A constant of LIMIT.
fn count(typed: &Typed) -> Result<usize> {
    // What is added to it must not overflow.
    const MOST: usize = usize::MAX >> 2;
    limit_of(typed.constant().unwrap_or(&Value::Null)).map(|count| count.min(MOST))
}
