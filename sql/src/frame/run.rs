//! Running a query: from its relation to a stream of batches.

use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll};

use arrow::array::RecordBatch;
use datafusion::error::Result as DfResult;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{
    FairSpillPool, GreedyMemoryPool, MemoryPool, TrackConsumersPool,
};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::physical_plan::{ExecutionPlan, displayable, execute_stream};
use datafusion::prelude::SessionConfig;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt};
use holdfast_io::rng::Rng;
use holdfast_tail::columns::value_at;
use holdfast_value::{Context, SqlType, Value, ValueError};
use tokio::runtime::Handle;

use super::lower::Lower;
use super::plan::{Planner, strange};
use super::shared::Shared;
use super::source::Sources;
use super::{apart, hints, recursive, reorder, subquery, trouble};
use crate::algebra::{Output, Query};
use crate::error::{Result, SqlError};

/// What queries may take of this node.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Parts that one query's operators work in at the same time.
    pub partitions: usize,
    /// Memory of all queries together. [bytes]
    pub memory_bytes: usize,
    /// Rows of a batch.
    pub batch_rows: usize,
    /// Where sorts and aggregations put what does not fit; none: they fail instead.
    pub spill: Option<std::path::PathBuf>,
    /// Where queries are planned and run; none: where the sessions are that ask.
    pub runtime: Option<Handle>,
}

/// Runs queries. One for all sessions.
pub struct Engine {
    state: Arc<SessionState>,
    rng: Arc<dyn Rng>,
    /// [`Limits::runtime`].
    runtime: Option<Handle>,
}

impl Engine {
    /// An engine with these limits; `rng` is for `UUID()`.
    ///
    /// # Errors
    /// A folder that cannot be had.
    pub fn new(limits: &Limits, rng: Arc<dyn Rng>) -> Result<Self> {
        let tracked = NonZeroUsize::new(3).unwrap_or(NonZeroUsize::MIN);
        // Equal shares are for those that can spill; what cannot takes what there is.
        let pool: Arc<dyn MemoryPool> = match &limits.spill {
            Some(_) => {
                Arc::new(TrackConsumersPool::new(FairSpillPool::new(limits.memory_bytes), tracked))
            }
            None => Arc::new(TrackConsumersPool::new(
                GreedyMemoryPool::new(limits.memory_bytes),
                tracked,
            )),
        };
        let mode = match &limits.spill {
            Some(folder) => DiskManagerMode::Directories(vec![folder.clone()]),
            None => DiskManagerMode::Disabled,
        };
        let runtime: Arc<RuntimeEnv> = RuntimeEnvBuilder::new()
            .with_memory_pool(pool)
            .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(mode))
            .build_arc()
            .map_err(strange)?;
        let mut config = SessionConfig::new()
            .with_target_partitions(limits.partitions.max(1))
            .with_batch_size(limits.batch_rows.max(1))
            .with_information_schema(false);
        config.options_mut().sql_parser.enable_ident_normalization = false;
        // It makes room for as many groups as LIMIT says, before there is one.
        config.options_mut().optimizer.enable_topk_aggregation = false;
        // An outer join that becomes an inner one is nullable in one of the two plans only:
        // the physical one, whose batches are checked against its own schema anyway.
        config.options_mut().execution.skip_physical_aggregate_schema_check = true;
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(runtime)
            .with_optimizer_rules(reorder::rules())
            .build();
        Ok(Self { state: Arc::new(state), rng, runtime: limits.runtime.clone() })
    }

    /// Begins a query that [`resolve`](super::resolve) has gone through. `concat_max`
    /// is `group_concat_max_len`. Dropping the rows ends the query.
    ///
    /// # Errors
    /// What planning meets; recursive common table expressions have then run already.
    pub async fn run(
        &self,
        query: &Query,
        sources: &Arc<dyn Sources>,
        context: &Context,
        concat_max: usize,
    ) -> Result<Rows> {
        let shared = Shared::new(context, concat_max, &self.rng);
        let planning = self.planning(query, sources, &shared);
        let begun = async move {
            let task = planning.state.task_ctx();
            execute_stream(planning.plan().await?, task).map_err(strange)
        };
        let stream = match &self.runtime {
            None => begun.await?.boxed(),
            Some(runtime) => apart::rows(runtime, apart::done(runtime, begun).await??).boxed(),
        };
        Ok(Rows { stream, shared })
    }

    /// The plan of a query, a line for each step.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub async fn explain(
        &self,
        query: &Query,
        sources: &Arc<dyn Sources>,
        context: &Context,
    ) -> Result<String> {
        let shared = Shared::new(context, 1024, &self.rng);
        let plan = self.planning(query, sources, &shared).plan();
        let plan = match &self.runtime {
            None => plan.await?,
            Some(runtime) => apart::done(runtime, plan).await??,
        };
        Ok(displayable(plan.as_ref()).indent(false).to_string())
    }

    fn planning(
        &self,
        query: &Query,
        sources: &Arc<dyn Sources>,
        shared: &Arc<Shared>,
    ) -> Planning {
        Planning {
            query: query.clone(),
            sources: Arc::clone(sources),
            shared: Arc::clone(shared),
            state: Arc::clone(&self.state),
        }
    }
}

/// What a plan is made of.
struct Planning {
    query: Query,
    sources: Arc<dyn Sources>,
    shared: Arc<Shared>,
    state: Arc<SessionState>,
}

impl Planning {
    async fn plan(mut self) -> Result<Arc<dyn ExecutionPlan>> {
        subquery::unnest(&mut self.query)?;
        let mut planner = Planner {
            lower: Lower { shared: self.shared },
            sources: self.sources,
            hints: hints::of(&mut self.query),
            made: std::collections::BTreeMap::new(),
            working: std::collections::BTreeMap::new(),
            next: std::cell::Cell::new(0),
        };
        recursive::compute(&mut planner, &mut self.query, &self.state).await?;
        let logical = planner.query(&self.query)?;
        self.state.create_physical_plan(&logical).await.map_err(strange)
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

/// The rows of a running query. Batches have its columns, each once, in their order.
pub struct Rows {
    stream: BoxStream<'static, DfResult<RecordBatch>>,
    shared: Arc<Shared>,
}

impl Rows {
    /// The warnings so far, and how many there were; they are taken away.
    pub fn take_warnings(&self) -> (Vec<ValueError>, u64) {
        self.shared.take_warnings()
    }
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rows").finish_non_exhaustive()
    }
}

impl Stream for Rows {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Option<Self::Item>> {
        let next = self.stream.poll_next_unpin(task);
        next.map(|next| next.map(|batch| batch.map_err(|error| trouble::unwrap(&error))))
    }
}

/// The rows of a batch, a value for each of the query's columns.
///
/// # Errors
/// 1105 where the batch is not one of the query's.
pub fn rows_of(batch: &RecordBatch, columns: &[Output]) -> Result<Vec<Vec<Value>>> {
    let mut places: Vec<(usize, &SqlType)> = Vec::with_capacity(columns.len());
    let mut known = Vec::with_capacity(columns.len());
    for output in columns {
        let at = known.iter().position(|id| *id == output.id).unwrap_or(known.len());
        if at == known.len() {
            known.push(output.id);
        }
        places.push((at, &output.of));
    }
    if batch.num_columns() != known.len() {
        return Err(SqlError::internal(format!(
            "{} columns where {} are",
            batch.num_columns(),
            known.len()
        )));
    }
    let mut rows = Vec::with_capacity(batch.num_rows());
    for row in 0..batch.num_rows() {
        let values = places.iter().map(|(at, of)| value_at(batch.column(*at), row, of));
        rows.push(values.collect::<std::result::Result<Vec<_>, _>>()?);
    }
    Ok(rows)
}
