//! Queries for DataFusion: the rows that it reads, and rows back.
//!
//! A table's rows are those of the tail at the statement's timestamp, less those
//! whose keys the transaction has changed, and the transaction's own.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, RecordBatch, TimestampMicrosecondArray,
};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures_util::{StreamExt, stream};
use holdfast_base::{TableId, Ts};
use holdfast_tail::columns::{Builder, data_type};
use holdfast_tail::table::{KeyRange, Scan as TailScan};
use holdfast_value::{SqlType, Value, Zone};

use super::Statement;
use super::path::{self, Which};
use super::workspace::Workspace;
use crate::algebra::{Query, Rel, Scan};
use crate::engine::Engine;
use crate::error::{Result, SqlError};
use crate::expr::Typed;
use crate::expr::eval::{Env, Facts, Layout};
use crate::frame::{self, Partition, Rows, Source, Sources};
use crate::session::schema::VirtualTable;

/// Every row of a query.
///
/// # Errors
/// MySQL's.
pub async fn all(
    statement: &mut Statement,
    own: &Workspace,
    query: &Query,
    ts: Ts,
) -> Result<Vec<Vec<Value>>> {
    let mut rows = begin(statement, own, query, ts).await?;
    let mut found = Vec::new();
    while let Some(batch) = rows.next().await {
        found.extend(frame::rows_of(&batch?, &query.columns)?);
    }
    take_warnings(statement, &rows);
    Ok(found)
}

/// Begins a query; its rows come as they are computed.
///
/// # Errors
/// MySQL's.
pub async fn begin(
    statement: &mut Statement,
    own: &Workspace,
    query: &Query,
    ts: Ts,
) -> Result<Rows> {
    let (query, sources) = prepare(statement, own, query, ts)?;
    let concat_max = statement.variables.settings().group_concat_max as usize;
    let engine = statement.engine.clone();
    engine.frame.run(&query, &sources, &statement.context, concat_max).await
}

/// The plan of a query, as text.
///
/// # Errors
/// MySQL's.
pub async fn explain(
    statement: &mut Statement,
    own: &Workspace,
    query: &Query,
    ts: Ts,
) -> Result<String> {
    let (query, sources) = prepare(statement, own, query, ts)?;
    let engine = statement.engine.clone();
    engine.frame.explain(&query, &sources, &statement.context).await
}

fn prepare(
    statement: &mut Statement,
    own: &Workspace,
    query: &Query,
    ts: Ts,
) -> Result<(Query, Arc<dyn Sources>)> {
    let mut query = query.clone();
    statement.with(|env| frame::resolve(&mut query, env))?;
    let mut tables = Tables {
        engine: statement.engine.clone(),
        ts,
        zone: statement.context.zone,
        own: BTreeMap::new(),
        computed: BTreeMap::new(),
        _pin: statement.engine.tail.pin(ts)?,
    };
    let mut trouble = Ok(());
    every_leaf(&mut query.rel, &mut |rel| match rel {
        Rel::Scan(scan) => {
            if let Some(changes) = own.all(scan.table.id) {
                tables.own.insert(scan.table.id, changes.clone());
            }
        }
        Rel::Virtual { table, .. } if trouble.is_ok() => match (table.rows)(statement) {
            Ok(rows) => {
                tables.computed.insert((table.database, table.name), rows);
            }
            Err(error) => trouble = Err(error),
        },
        _ => {}
    });
    trouble?;
    Ok((query, Arc::new(tables)))
}

/// What a query warned of becomes the statement's.
pub fn take_warnings(statement: &mut Statement, rows: &Rows) {
    let (warnings, count) = rows.take_warnings();
    let kept = warnings.len() as u64;
    for warning in warnings {
        statement.context.warn(warning);
    }
    statement.context.warning_count += count.saturating_sub(kept);
}

/// Calls `act` for every leaf, those of subqueries in expressions included.
fn every_leaf(rel: &mut Rel, act: &mut dyn FnMut(&Rel)) {
    match rel {
        Rel::Scan(_) | Rel::Virtual { .. } => act(rel),
        Rel::One | Rel::Nothing(_) | Rel::Values { .. } | Rel::Working { .. } => {}
        Rel::Join { left, right, .. } => {
            every_leaf(left, act);
            every_leaf(right, act);
        }
        Rel::Filter(input, _)
        | Rel::Project(input, _)
        | Rel::Aggregate { input, .. }
        | Rel::Window { input, .. }
        | Rel::Distinct(input)
        | Rel::Sort(input, _)
        | Rel::Limit { input, .. } => every_leaf(input, act),
        Rel::Set { left, right, .. } => {
            every_leaf(&mut left.rel, act);
            every_leaf(&mut right.rel, act);
        }
        Rel::Recursive { base, step, .. } => {
            every_leaf(&mut base.rel, act);
            every_leaf(&mut step.rel, act);
        }
    }
    subqueries(rel, act);
}

/// The leaves of queries in the expressions of one relation (not of those below it).
fn subqueries(rel: &mut Rel, act: &mut dyn FnMut(&Rel)) {
    let mut typed: Vec<&mut Typed> = Vec::new();
    match rel {
        Rel::Values { rows, .. } => typed.extend(rows.iter_mut().flatten()),
        Rel::Join { on: Some(on), .. } => typed.push(on),
        Rel::Filter(_, test) => typed.push(test),
        Rel::Project(_, items) => typed.extend(items.iter_mut().map(|(_, item)| item)),
        Rel::Aggregate { keys, calls, .. } => {
            typed.extend(keys.iter_mut().map(|(_, key)| key));
            typed.extend(calls.iter_mut().flat_map(|(_, call)| &mut call.args));
        }
        Rel::Window { calls, .. } => {
            for (_, call) in calls {
                typed.extend(&mut call.args);
                typed.extend(&mut call.partition);
                typed.extend(call.order.iter_mut().map(|key| &mut key.by));
            }
        }
        Rel::Sort(_, keys) => typed.extend(keys.iter_mut().map(|key| &mut key.by)),
        Rel::Limit { skip, fetch, .. } => typed.extend([skip, fetch].into_iter().flatten()),
        _ => {}
    }
    for typed in typed {
        let mut found = Vec::new();
        crate::expr::walk::subqueries_mut(typed, &mut found);
        for query in found {
            every_leaf(&mut query.rel, act);
        }
    }
}

/// The rows of one statement's tables.
struct Tables {
    engine: Arc<Engine>,
    ts: Ts,
    zone: Zone,
    own: BTreeMap<TableId, BTreeMap<Bytes, Option<Bytes>>>,
    computed: BTreeMap<(&'static str, &'static str), Vec<Vec<Value>>>,
    _pin: holdfast_tail::Pin,
}

impl Sources for Tables {
    fn scan(
        &self,
        scan: &Scan,
        columns: &[usize],
        filters: &[Typed],
        partitions: usize,
    ) -> Result<Source> {
        let schema = self.schema(scan, columns);
        let mut batches = Vec::new();
        for range in self.ranges(scan, filters)? {
            self.read(scan, columns, (range, &schema), &mut batches)?;
        }
        let rows = batches.iter().map(RecordBatch::num_rows).sum();
        let parts = partitions.clamp(1, batches.len().max(1));
        let mut split: Vec<Vec<RecordBatch>> = vec![Vec::new(); parts];
        for (at, batch) in batches.into_iter().enumerate() {
            split[at % parts].push(batch);
        }
        let partition = |batches: Vec<RecordBatch>| -> Partition {
            let schema = Arc::clone(&schema);
            Arc::new(move || {
                let batches = stream::iter(batches.clone().into_iter().map(Ok));
                Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&schema), batches)))
            })
        };
        Ok(Source { partitions: split.into_iter().map(partition).collect(), rows: Some(rows) })
    }

    fn rows(&self, table: &'static VirtualTable) -> Result<Vec<Vec<Value>>> {
        self.computed
            .get(&(table.database, table.name))
            .cloned()
            .ok_or_else(|| SqlError::internal(format!("{table:?} was not computed")))
    }
}

impl Tables {
    fn schema(&self, scan: &Scan, columns: &[usize]) -> SchemaRef {
        let field = |at: &usize| match scan.table.columns.get(*at) {
            Some(column) => Field::new(&*column.name, data_type(&column.of), true),
            None => Field::new("key", DataType::BinaryView, true),
        };
        // Names need not differ: nobody looks at them here.
        Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
    }

    /// The ranges of the primary key that the filters leave.
    fn ranges(&self, scan: &Scan, filters: &[Typed]) -> Result<Vec<KeyRange>> {
        let mut context = holdfast_value::Context { zone: self.zone, ..Default::default() };
        let mut env = Env {
            row: &[],
            layout: &Layout::default(),
            params: &[],
            facts: &mut Facts::default(),
            system: &|_, _| None,
            rng: &*self.engine.rng,
            context: &mut context,
        };
        Ok(match path::choose(scan, filters, &mut env)? {
            Some(path) if path.which == Which::Primary => path.ranges,
            _ => vec![KeyRange::all()],
        })
    }

    fn read(
        &self,
        scan: &Scan,
        columns: &[usize],
        (range, schema): (KeyRange, &SchemaRef),
        out: &mut Vec<RecordBatch>,
    ) -> Result<()> {
        let table = &scan.table;
        let wants_key = columns.iter().any(|at| *at >= table.columns.len());
        let own = self.own.get(&table.id);
        let slots: Vec<usize> = columns
            .iter()
            .filter_map(|at| table.columns.get(*at))
            .map(|column| column.slot)
            .collect();
        if let Some(tail) = self.engine.tail.table(table.id) {
            let with_key = wants_key || own.is_some();
            let tail_scan = TailScan {
                ts: self.ts,
                slots: &slots,
                range: range.clone(),
                with_key,
                ..TailScan::default()
            };
            for batch in tail.scan(&tail_scan)? {
                let batch = match own {
                    Some(own) => without(&batch, own)?,
                    None => batch,
                };
                if batch.num_rows() > 0 {
                    out.push(self.arranged(scan, columns, (&batch, schema))?);
                }
            }
        }
        if let Some(own) = own {
            out.extend(self.own_rows(scan, columns, (own, &range, schema))?);
        }
        Ok(())
    }

    /// The tail's columns in the order that was asked for.
    fn arranged(
        &self,
        scan: &Scan,
        columns: &[usize],
        (batch, schema): (&RecordBatch, &SchemaRef),
    ) -> Result<RecordBatch> {
        let mut next = 0;
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(columns.len());
        let key = batch.schema().index_of(TailScan::KEY).ok();
        for at in columns {
            let array = match scan.table.columns.get(*at) {
                Some(column) => {
                    next += 1;
                    self.localized(batch.column(next - 1), &column.of)
                }
                None => {
                    let key = key.ok_or_else(|| SqlError::internal("a scan without its keys"))?;
                    arrow::compute::cast(batch.column(key), &DataType::BinaryView)
                        .map_err(SqlError::internal)?
                }
            };
            arrays.push(array);
        }
        assemble(schema, arrays, batch.num_rows())
    }

    /// TIMESTAMPs in the session's time zone.
    fn localized(&self, array: &ArrayRef, of: &SqlType) -> ArrayRef {
        let is_utc = self.zone == Zone::Fixed(0) || !matches!(of, SqlType::Timestamp(_));
        match array.as_any().downcast_ref::<TimestampMicrosecondArray>() {
            Some(micros) if !is_utc => {
                let local: TimestampMicrosecondArray =
                    micros.iter().map(|at| at.map(|at| self.zone.from_utc(at))).collect();
                Arc::new(local)
            }
            _ => Arc::clone(array),
        }
    }

    /// The transaction's own rows.
    fn own_rows(
        &self,
        scan: &Scan,
        columns: &[usize],
        (own, range, schema): (&BTreeMap<Bytes, Option<Bytes>>, &KeyRange, &SchemaRef),
    ) -> Result<Option<RecordBatch>> {
        let key_type = SqlType::VarBinary(u32::MAX);
        let types: Vec<&SqlType> = columns
            .iter()
            .map(|at| scan.table.columns.get(*at).map_or(&key_type, |column| &column.of))
            .collect();
        let mut count = 0;
        let mut builder = Builder::new(types.iter().map(|of| (0, *of, &Value::Null)), own.len());
        for (key, row) in own.iter().filter(|(key, _)| range.contains(key)) {
            let Some(row) = row else { continue };
            let mut values = scan.table.decode(row)?;
            for at in &scan.table.timestamps {
                if let Value::DateTime(micros) = &mut values[*at] {
                    *micros = self.zone.from_utc(*micros);
                }
            }
            values.push(Value::Bytes(key.clone()));
            let wanted: Vec<Value> = columns
                .iter()
                .map(|at| values[(*at).min(scan.table.columns.len())].clone())
                .collect();
            builder.push_values(&wanted)?;
            count += 1;
        }
        if count == 0 {
            return Ok(None);
        }
        assemble(schema, builder.finish(), count).map(Some)
    }
}

fn assemble(schema: &SchemaRef, arrays: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options)
        .map_err(SqlError::internal)
}

/// The rows whose keys were not changed.
fn without(batch: &RecordBatch, own: &BTreeMap<Bytes, Option<Bytes>>) -> Result<RecordBatch> {
    let at = batch.schema().index_of(TailScan::KEY).map_err(SqlError::internal)?;
    let keys = batch.column(at).as_any().downcast_ref::<BinaryArray>();
    let keys = keys.ok_or_else(|| SqlError::internal("keys that are no bytes"))?;
    let kept: BooleanArray =
        (0..keys.len()).map(|row| Some(!own.contains_key(keys.value(row)))).collect();
    filter_record_batch(batch, &kept).map_err(SqlError::internal)
}
