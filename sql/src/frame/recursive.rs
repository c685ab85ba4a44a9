//! WITH RECURSIVE: the step is run over the rows made last until it makes none.
//!
//! The step is planned once; its leaf reads a slot into which each round puts the rows
//! that it made.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures_util::TryStreamExt;

use super::plan::{Planner, schema_of, strange};
use super::source::Slot;
use super::{group, set};
use crate::algebra::{Query, Rel, SetKind};
use crate::error::{Result, SqlError};
use crate::expr::ColumnId;
use holdfast_value::SqlType;

/// `cte_max_recursion_depth`.
const ROUNDS_MAX: usize = 1000;

/// One recursion.
struct Recursion {
    number: u32,
    base: Query,
    step: Query,
    all: bool,
    ids: Vec<(ColumnId, SqlType)>,
}

/// Computes every recursion of a query; their rows are then the planner's.
///
/// # Errors
/// 3636 where one goes on too long.
pub(super) async fn compute(
    planner: &mut Planner,
    query: &mut Query,
    state: &SessionState,
) -> Result<()> {
    let mut found = Vec::new();
    super::subquery::every(&mut query.rel, &mut |rel| {
        if let Rel::Recursive { number, base, step, all, ids } = rel {
            found.push(Recursion {
                number: *number,
                base: (**base).clone(),
                step: (**step).clone(),
                all: *all,
                ids: ids.clone(),
            });
        }
    });
    // Those inside others come after them, and are wanted first.
    for recursion in found.into_iter().rev() {
        let rows = recursion.run(planner, state).await?;
        planner.made.insert(recursion.number, rows);
    }
    Ok(())
}

impl Recursion {
    async fn run(&self, planner: &mut Planner, state: &SessionState) -> Result<Vec<RecordBatch>> {
        let base = planner.rel(&self.base.rel)?;
        let base = set::aligned(&planner.lower, base, &self.base, &self.ids)?;
        let base = if self.all { base } else { group::distinct(&planner.lower, base, &self.ids)? };
        let mut last = run_once(state, &physical(state, &base).await?).await?;
        let mut all = last.clone();
        let (working, known) = (self.slot(), self.slot());
        planner.working.insert(self.number, Arc::clone(&working));
        let step = planner.rel(&self.step.rel)?;
        let mut step = set::aligned(&planner.lower, step, &self.step, &self.ids)?;
        if !self.all {
            // Rows that no round before made.
            let kind = SetKind::Except;
            let except = set::Set { kind, all: false, ids: &self.ids };
            let known = planner.slot(&known, &self.ids)?;
            step = except.of_plans(&planner.lower, step, known)?;
        }
        let step = physical(state, &step).await?;
        for _ in 0..ROUNDS_MAX {
            if last.iter().all(|batch| batch.num_rows() == 0) {
                return Ok(all);
            }
            working.set(std::mem::take(&mut last));
            if !self.all {
                known.set(all.clone());
            }
            last = run_once(state, &reset_plan_states(Arc::clone(&step)).map_err(strange)?).await?;
            last.retain(|batch| batch.num_rows() > 0);
            all.extend(last.iter().cloned());
        }
        if last.is_empty() {
            return Ok(all);
        }
        Err(SqlError::new(
            3636,
            format!(
                "Recursive query aborted after {} iterations. Try increasing @@cte_max_recursion_depth to a larger value.",
                ROUNDS_MAX + 1
            ),
        ))
    }

    fn slot(&self) -> Arc<Slot> {
        Arc::new(Slot::new(schema_of(&self.ids)))
    }
}

async fn physical(state: &SessionState, plan: &LogicalPlan) -> Result<Arc<dyn ExecutionPlan>> {
    state.create_physical_plan(plan).await.map_err(strange)
}

async fn run_once(state: &SessionState, plan: &Arc<dyn ExecutionPlan>) -> Result<Vec<RecordBatch>> {
    let stream = execute_stream(Arc::clone(plan), state.task_ctx());
    stream.map_err(strange)?.try_collect().await.map_err(strange)
}
