//! GROUP BY, WITH ROLLUP, DISTINCT.
//!
//! ```text
//! input -> project   its columns, each key as c<id>, and where its collation makes
//!                    another of it: that as k<id> (F3)
//!       -> aggregate by k<id> or c<id>; c<id> is then any value of the group
//!       -> project   c<id> of keys and calls
//! ```

use datafusion::common::Column;
use datafusion::functions_aggregate::{count, grouping, min_max};
use datafusion::logical_expr::expr::{AggregateFunction, Sort};
use datafusion::logical_expr::{
    AggregateUDF, Case, Expr, GroupingSet, LogicalPlan, LogicalPlanBuilder, cast, lit,
};
use holdfast_tail::columns::data_type;
use holdfast_value::SqlType;
use std::sync::Arc;

use super::aggregate::{After, make};
use super::keys;
use super::lower::{Lower, column, name, named};
use super::plan::strange;
use crate::algebra::{Aggregate, AggregateKind};
use crate::error::{Result, SqlError};
use crate::expr::{ColumnId, Typed};

/// An aggregation.
pub(super) struct Groups<'a> {
    pub keys: &'a [(ColumnId, Typed)],
    pub calls: &'a [(ColumnId, Aggregate)],
    pub rollup: bool,
}

impl Groups<'_> {
    /// The plan of it over `input`.
    pub fn plan(&self, lower: &Lower, input: LogicalPlan) -> Result<LogicalPlan> {
        let input = self.with_keys(lower, input)?;
        let by: Vec<Expr> = self.keys.iter().map(|(id, key)| named(group_name(*id, key))).collect();
        let rolls = self.rollup && !by.is_empty();
        let mut calls = Vec::new();
        let mut outputs = Vec::new();
        for (id, key) in self.keys {
            let own = named(group_name(*id, key));
            if !keys::is_keyed(&key.of) {
                outputs.push(own.alias(name(*id)));
                continue;
            }
            let any = format!("any{id}");
            calls.push(aggregate(min_max::min_udaf(), column(*id)).alias(&any));
            let mut value = named(any);
            if rolls {
                let level = format!("level{id}");
                calls.push(aggregate(grouping::grouping_udaf(), own).alias(&level));
                let rolled = named(level).not_eq(lit(0i32));
                let when = vec![(Box::new(rolled), Box::new(lower.null(&key.of)?))];
                value = Expr::Case(Case::new(None, when, Some(Box::new(value))));
            }
            outputs.push(value.alias(name(*id)));
        }
        for (id, call) in self.calls {
            if call.kind == AggregateKind::Grouping {
                outputs.push(self.grouping(*id, call, rolls, &mut calls)?.alias(name(*id)));
                continue;
            }
            let made = make(lower, call)?;
            let after = made.after.clone();
            let own = format!("a{id}");
            calls.push(made.expr().alias(&own));
            outputs.push(match after {
                After::Nothing => named(own).alias(name(*id)),
                after => after.apply(named(own), &call.of).alias(name(*id)),
            });
        }
        if calls.is_empty() && by.is_empty() {
            calls.push(aggregate(count::count_udaf(), lit(1i64)).alias("rows"));
        }
        if !rolls {
            let plan = LogicalPlanBuilder::from(input).aggregate(by, calls).map_err(strange)?;
            return plan.project(outputs).and_then(LogicalPlanBuilder::build).map_err(strange);
        }
        let order = rolled_order(&by, &mut calls);
        let by = vec![Expr::GroupingSet(GroupingSet::Rollup(by))];
        let plan = LogicalPlanBuilder::from(input).aggregate(by, calls).map_err(strange)?;
        let plan = plan.sort(order).map_err(strange)?;
        plan.project(outputs).and_then(LogicalPlanBuilder::build).map_err(strange)
    }

    fn with_keys(&self, lower: &Lower, input: LogicalPlan) -> Result<LogicalPlan> {
        if self.keys.is_empty() {
            return Ok(input);
        }
        let columns = input.schema().columns().into_iter();
        let mut items: Vec<Expr> = columns.map(|column: Column| Expr::Column(column)).collect();
        for (id, key) in self.keys {
            let value = lower.value(key)?;
            if keys::is_keyed(&key.of) {
                items.push(keys::equal(value.clone(), &key.of).alias(group_name(*id, key)));
            }
            items.push(value.alias(name(*id)));
        }
        let plan = LogicalPlanBuilder::from(input).project(items);
        plan.and_then(LogicalPlanBuilder::build).map_err(strange)
    }

    /// GROUPING(a, b): a bit for each, set where it is rolled up.
    fn grouping(
        &self,
        id: ColumnId,
        call: &Aggregate,
        rolls: bool,
        calls: &mut Vec<Expr>,
    ) -> Result<Expr> {
        let mut sum = lit(0i64);
        for (at, arg) in call.args.iter().enumerate() {
            let found = self
                .keys
                .iter()
                .find(|(id, key)| key == arg || arg.expr == crate::expr::Expr::Column(*id));
            let Some((key_id, key)) = found else {
                return Err(SqlError::new(
                    3580,
                    format!("Argument #{at} of GROUPING function is not in GROUP BY"),
                ));
            };
            if rolls {
                let own = format!("g{id}_{at}");
                let by = named(group_name(*key_id, key));
                calls.push(aggregate(grouping::grouping_udaf(), by).alias(&own));
                let bit = cast(named(own), data_type(&SqlType::BIGINT));
                sum = sum * lit(2i64) + bit;
            }
        }
        Ok(sum)
    }
}

/// WITH ROLLUP: groups by their keys, totals behind what they are totals of.
fn rolled_order(by: &[Expr], calls: &mut Vec<Expr>) -> Vec<Sort> {
    let mut order = Vec::with_capacity(by.len() * 2);
    for (at, key) in by.iter().enumerate() {
        let total = format!("total{at}");
        calls.push(aggregate(grouping::grouping_udaf(), key.clone()).alias(&total));
        order.push(Sort::new(named(total), true, true));
        order.push(Sort::new(key.clone(), true, true));
    }
    order
}

fn group_name(id: ColumnId, key: &Typed) -> String {
    if keys::is_keyed(&key.of) { format!("k{id}") } else { name(id) }
}

pub(super) fn aggregate(function: Arc<AggregateUDF>, arg: Expr) -> Expr {
    let call = AggregateFunction::new_udf(function, vec![arg], false, None, Vec::new(), None);
    Expr::AggregateFunction(call)
}

/// Each row once, under its columns' collations.
pub(super) fn distinct(
    lower: &Lower,
    input: LogicalPlan,
    columns: &[(ColumnId, SqlType)],
) -> Result<LogicalPlan> {
    if !columns.iter().any(|(_, of)| keys::is_keyed(of)) {
        let plan = LogicalPlanBuilder::from(input).distinct();
        return plan.and_then(LogicalPlanBuilder::build).map_err(strange);
    }
    // Keys get names of their own for a while, for theirs are taken by the input.
    let own = |at: usize| format!("d{at}");
    let mut items = Vec::new();
    let mut by = Vec::new();
    let mut calls = Vec::new();
    let mut outputs = Vec::new();
    for (at, (id, of)) in columns.iter().enumerate() {
        if keys::is_keyed(of) {
            items.push(column(*id));
            items.push(keys::equal(column(*id), of).alias(own(at)));
            calls.push(aggregate(min_max::min_udaf(), column(*id)).alias(format!("any{at}")));
            by.push(named(own(at)));
            outputs.push(named(format!("any{at}")).alias(name(*id)));
        } else {
            items.push(column(*id));
            by.push(column(*id));
            outputs.push(column(*id));
        }
    }
    let _ = lower;
    LogicalPlanBuilder::from(input)
        .project(items)
        .and_then(|plan| plan.aggregate(by, calls))
        .and_then(|plan| plan.project(outputs))
        .and_then(LogicalPlanBuilder::build)
        .map_err(strange)
}
