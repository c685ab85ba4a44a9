//! Where the rows of a plan's leaves come from.
//!
//! Not here: reading the tail and the objects (`exec` implements [`Sources`]).

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Statistics;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
};
use futures_util::StreamExt;
use holdfast_api::BoxFuture;
use holdfast_tail::columns::data_type;
use holdfast_value::Value;
use parking_lot::Mutex;

use super::lower::name;
use super::trouble::wrap;
use crate::algebra::Scan;
use crate::error::Result;
use crate::expr::Typed;
use crate::session::schema::VirtualTable;

/// One part of a table's rows; may be called again.
pub type Partition = Arc<dyn Fn() -> Result<SendableRecordBatchStream> + Send + Sync>;

/// The rows of a table.
pub struct Source {
    /// Read at the same time. Batches have the columns that were asked for, in that
    /// order, typed as `holdfast_tail::columns` says; their names do not count. TIMESTAMPs
    /// are of the session's time zone.
    pub partitions: Vec<Partition>,
    /// How many rows there are, where that is known.
    pub rows: Option<usize>,
    /// Whether `rows` is exactly what the partitions give.
    pub exact: bool,
}

/// Gives tables their rows.
pub trait Sources: Send + Sync {
    /// The rows of a table: of the `columns` at these positions (one more than the
    /// last is the row's key), at least those for which all `filters` hold, in about
    /// `partitions` parts. It finds out where the rows are; the streams read them.
    ///
    /// # Errors
    /// What reading meets.
    fn scan<'a>(
        &'a self,
        scan: &'a Scan,
        columns: &'a [usize],
        filters: &'a [Typed],
        partitions: usize,
    ) -> BoxFuture<'a, Result<Source>>;

    /// The rows of a computed table.
    ///
    /// # Errors
    /// What computing meets.
    fn rows(&self, table: &'static VirtualTable) -> Result<Vec<Vec<Value>>>;
}

/// A scan as DataFusion's table.
pub(super) struct Table {
    scan: Scan,
    filters: Vec<Typed>,
    sources: Arc<dyn Sources>,
    schema: SchemaRef,
}

impl Table {
    pub fn new(scan: Scan, filters: Vec<Typed>, sources: Arc<dyn Sources>) -> Self {
        let column = |(at, column): (usize, &crate::catalog::Column)| {
            let id = scan.first + at as u32;
            Field::new(name(id), data_type(&column.of), column.nullable)
        };
        let mut fields: Vec<Field> = scan.table.columns.iter().enumerate().map(column).collect();
        if scan.key {
            fields.push(Field::new(name(scan.key_id()), DataType::BinaryView, false));
        }
        Self { schema: Arc::new(Schema::new(fields)), scan, filters, sources }
    }
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.scan.alias)
    }
}

#[async_trait]
impl TableProvider for Table {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let columns: Vec<usize> = match projection {
            Some(columns) => columns.clone(),
            None => (0..self.schema.fields().len()).collect(),
        };
        let schema = Arc::new(self.schema.project(&columns)?);
        let partitions = state.config().target_partitions();
        let source = self.sources.scan(&self.scan, &columns, &self.filters, partitions);
        let source = source.await.map_err(wrap)?;
        Ok(Arc::new(ScanExec::new(self.scan.alias.to_string(), schema, source)))
    }
}

/// Rows that change between two runs of the same plan.
pub(super) struct Slot {
    schema: SchemaRef,
    /// Held while the rows are copied in or out; their columns are shared, not copied.
    rows: Arc<Mutex<Vec<RecordBatch>>>,
}

impl Slot {
    /// A slot for rows of these columns.
    pub fn new(schema: SchemaRef) -> Self {
        Self { schema, rows: Arc::default() }
    }

    /// What the next run reads.
    pub fn set(&self, rows: Vec<RecordBatch>) {
        *self.rows.lock() = rows;
    }
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("rows made last")
    }
}

#[async_trait]
impl TableProvider for Slot {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let columns: Vec<usize> = match projection {
            Some(columns) => columns.clone(),
            None => (0..self.schema.fields().len()).collect(),
        };
        let schema = Arc::new(self.schema.project(&columns)?);
        let (rows, own) = (Arc::clone(&self.rows), Arc::clone(&schema));
        let open: Partition = Arc::new(move || {
            let rows = rows.lock().clone();
            let columns = columns.clone();
            let some = rows.into_iter().map(move |batch| Ok(batch.project(&columns)?));
            let stream = futures_util::stream::iter(some);
            Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&own), stream)))
        });
        let source = Source { partitions: vec![open], rows: None, exact: false };
        Ok(Arc::new(ScanExec::new("rows made last".to_owned(), schema, source)))
    }
}

/// The leaf of a physical plan.
struct ScanExec {
    alias: String,
    source: Source,
    properties: Arc<PlanProperties>,
}

impl ScanExec {
    fn new(alias: String, schema: SchemaRef, source: Source) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(source.partitions.len()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self { alias, source, properties: Arc::new(properties) }
    }
}

impl std::fmt::Debug for ScanExec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "scan {}", self.alias)
    }
}

impl DisplayAs for ScanExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Scan: {}", self.alias)?;
        match self.source.rows {
            Some(rows) => write!(f, ", rows={rows}"),
            None => Ok(()),
        }
    }
}

impl ExecutionPlan for ScanExec {
    fn name(&self) -> &str {
        "Scan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>,
    ) -> DfResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(
        &self,
        partition: usize,
        _: Arc<TaskContext>,
    ) -> DfResult<SendableRecordBatchStream> {
        let open = self.source.partitions.get(partition).ok_or_else(|| {
            DataFusionError::Internal(format!("{} has no part {partition}", self.alias))
        })?;
        let stream = open().map_err(wrap)?;
        let schema = self.schema();
        let own = Arc::clone(&schema);
        let renamed = stream.map(move |batch| {
            let batch = batch?;
            let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            let columns = batch.columns().to_vec();
            Ok(RecordBatch::try_new_with_options(Arc::clone(&own), columns, &rows)?)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, renamed)))
    }

    fn partition_statistics(&self, partition: Option<usize>) -> DfResult<Arc<Statistics>> {
        let mut statistics = Statistics::new_unknown(&self.schema());
        if let (None, Some(rows)) = (partition, self.source.rows) {
            statistics.num_rows = match self.source.exact {
                true => Precision::Exact(rows),
                false => Precision::Inexact(rows),
            };
        }
        Ok(Arc::new(statistics))
    }
}
