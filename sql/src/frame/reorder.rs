//! DataFusion's rule that reorders cross joins, kept from where it loses conditions.
//!
//! `eliminate_cross_join` takes a tree of inner joins apart and joins the parts again, so
//! that each has a key with those before it. A key that it took out of a join and cannot
//! place again is gone, and rows appear that the query excludes:
//!
//! ```text
//! a JOIN b JOIN c ON a.x + b.x = c.x AND a.k = c.k
//! a, then c by a.k = c.k, then b: nobody has both sides of a.x + b.x = c.x
//! ```
//!
//! It also gives all joins of the tree one meaning of NULL. Where a plan has such a tree
//! the rule does not run; its joins stay in the order that they were written in.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::common::{DFSchemaRef, JoinType, NullEquality};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, Join, LogicalPlan};
use datafusion::optimizer::optimizer::{ApplyOrder, Optimizer};
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

/// DataFusion's rules, with that one guarded.
pub(super) fn rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let guard = |rule: Arc<dyn OptimizerRule + Send + Sync>| match rule.name() {
        "eliminate_cross_join" => Arc::new(Guarded(rule)) as _,
        _ => rule,
    };
    Optimizer::new().rules.into_iter().map(guard).collect()
}

#[derive(Debug)]
struct Guarded(Arc<dyn OptimizerRule + Send + Sync>);

impl OptimizerRule for Guarded {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.0.apply_order()
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let mut is_safe = true;
        plan.apply_with_subqueries(|node| {
            is_safe = is_safe && keeps_its_keys(node);
            Ok(if is_safe { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
        })?;
        if is_safe { self.0.rewrite(plan, config) } else { Ok(Transformed::no(plan)) }
    }
}

/// False for a tree of inner joins that cannot be put together in every order: a side of
/// a key names several parts, or none.
fn keeps_its_keys(plan: &LogicalPlan) -> bool {
    let LogicalPlan::Join(join) = plan else { return true };
    if join.join_type != JoinType::Inner {
        return true;
    }
    let (mut parts, mut keys) = (Vec::new(), Vec::new());
    let mut nulls = Vec::new();
    take_apart(join, &mut parts, &mut keys, &mut nulls);
    let is_of_one = |side: &Expr| {
        let columns = side.column_refs();
        let has_all = |part: &DFSchemaRef| columns.iter().all(|column| part.has_column(column));
        !columns.is_empty() && parts.iter().any(|part| has_all(part))
    };
    let mixed = nulls.iter().any(|of| *of != join.null_equality);
    !mixed && keys.iter().all(|(left, right)| is_of_one(left) && is_of_one(right))
}

fn take_apart<'a>(
    join: &'a Join,
    parts: &mut Vec<&'a DFSchemaRef>,
    keys: &mut Vec<&'a (Expr, Expr)>,
    nulls: &mut Vec<NullEquality>,
) {
    keys.extend(&join.on);
    nulls.push(join.null_equality);
    for side in [&*join.left, &*join.right] {
        match side {
            LogicalPlan::Join(inner) if inner.join_type == JoinType::Inner => {
                take_apart(inner, parts, keys, nulls);
            }
            other => parts.push(other.schema()),
        }
    }
}
