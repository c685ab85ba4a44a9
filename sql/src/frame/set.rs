//! UNION, INTERSECT, EXCEPT.

use datafusion::common::{JoinType, NullEquality};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use holdfast_value::SqlType;

use super::convert::convert;
use super::lower::{Lower, column, name, named};
use super::plan::strange;
use super::{group, keys, window};
use crate::algebra::{Query, SetKind};
use crate::error::Result;
use crate::expr::ColumnId;

/// A set operation's result.
pub(super) struct Set<'a> {
    pub kind: SetKind,
    pub all: bool,
    pub ids: &'a [(ColumnId, SqlType)],
}

impl Set<'_> {
    pub fn plan(
        &self,
        lower: &Lower,
        (left, left_plan): (&Query, LogicalPlan),
        (right, right_plan): (&Query, LogicalPlan),
    ) -> Result<LogicalPlan> {
        let left = aligned(lower, left_plan, left, self.ids)?;
        let right = aligned(lower, right_plan, right, self.ids)?;
        self.of_plans(lower, left, right)
    }

    /// Of sides that have the result's columns.
    pub fn of_plans(
        &self,
        lower: &Lower,
        left: LogicalPlan,
        right: LogicalPlan,
    ) -> Result<LogicalPlan> {
        match self.kind {
            SetKind::Union => {
                let both = LogicalPlanBuilder::from(left)
                    .union(right)
                    .and_then(LogicalPlanBuilder::build)
                    .map_err(strange)?;
                if self.all { Ok(both) } else { group::distinct(lower, both, self.ids) }
            }
            SetKind::Intersect => self.filtered(lower, left, right, JoinType::LeftSemi),
            SetKind::Except => self.filtered(lower, left, right, JoinType::LeftAnti),
        }
    }

    /// The left rows that are, or are not, among the right ones. With ALL the nth of
    /// equal rows meets the nth.
    fn filtered(
        &self,
        lower: &Lower,
        left: LogicalPlan,
        right: LogicalPlan,
        kind: JoinType,
    ) -> Result<LogicalPlan> {
        let left = if self.all { left } else { group::distinct(lower, left, self.ids)? };
        let (left, left_keys) = self.keyed(left, "l")?;
        let (right, right_keys) = self.keyed(right, "r")?;
        // The right side's columns give up their names.
        let renamed = right_keys.iter().map(|key| named(key.clone()));
        let right = LogicalPlanBuilder::from(right)
            .project(renamed)
            .and_then(LogicalPlanBuilder::build)
            .map_err(strange)?;
        let own = self.ids.iter().map(|(id, _)| column(*id));
        LogicalPlanBuilder::from(left)
            .join_detailed(right, kind, (left_keys, right_keys), None, NullEquality::NullEqualsNull)
            .and_then(|plan| plan.project(own))
            .and_then(LogicalPlanBuilder::build)
            .map_err(strange)
    }

    fn keyed(&self, plan: LogicalPlan, side: &str) -> Result<(LogicalPlan, Vec<String>)> {
        let own = |at: usize| format!("{side}{at}");
        let mut items: Vec<Expr> = self.ids.iter().map(|(id, _)| column(*id)).collect();
        let mut names = Vec::with_capacity(self.ids.len() + 1);
        for (at, (id, of)) in self.ids.iter().enumerate() {
            items.push(keys::equal(column(*id), of).alias(own(at)));
            names.push(own(at));
        }
        let mut plan = LogicalPlanBuilder::from(plan)
            .project(items)
            .and_then(LogicalPlanBuilder::build)
            .map_err(strange)?;
        if self.all {
            let by = names.iter().map(|key| named(key.clone())).collect();
            let number = format!("{side}nth");
            plan = window::numbered(plan, by, Vec::new(), &number)?;
            names.push(number);
        }
        Ok((plan, names))
    }
}

/// A side's columns under the result's names and types.
pub(super) fn aligned(
    lower: &Lower,
    plan: LogicalPlan,
    query: &Query,
    ids: &[(ColumnId, SqlType)],
) -> Result<LogicalPlan> {
    let items: Vec<Expr> = query
        .columns
        .iter()
        .zip(ids)
        .map(|(output, (id, of))| {
            convert(column(output.id), &output.of, of, &lower.shared).alias(name(*id))
        })
        .collect();
    let plan = LogicalPlanBuilder::from(plan).project(items);
    plan.and_then(LogicalPlanBuilder::build).map_err(strange)
}
