//! A table's rows as batches for DataFusion.
//!
//! ```text
//! objects       less what is dead, less the keys of everything above      streams, in parts
//! tail          less the keys that the transaction has changed            batches
//! own changes   in objects, less those changed again; in memory           streams; a batch
//! ```
//!
//! - S1: of each key the row of the highest layer is given, once; `view` gives the same.
//! - S2: what a filter says of the primary key or of statistics leaves rows out before they
//!   are read; every row that is left is still filtered by the plan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, RecordBatch, TimestampMicrosecondArray,
};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures_util::{StreamExt, stream};
use holdfast_api::BoxFuture;
use holdfast_base::{TableId, Ts};
use holdfast_objects::{ObjectId, ObjectScan, RoaringBitmap, ScanPart, SlotBound, TableObjects};
use holdfast_tail::Direction;
use holdfast_tail::columns::{Builder, data_type};
use holdfast_tail::table::{KeyRange, Scan as TailScan};
use holdfast_value::{SqlType, Value, Zone};

use super::path::{self, Which};
use super::workspace::Workspace;
use crate::algebra::Scan;
use crate::catalog::Table;
use crate::engine::Engine;
use crate::error::{Result, SqlError};
use crate::expr::Typed;
use crate::expr::eval::{Env, Facts, Layout};
use crate::frame::{Partition, Source, Sources, wrap};
use crate::session::schema::VirtualTable;

/// Keys that are looked for in objects at a time.
const KEYS: usize = 8192;
/// Rows of a batch.
const BATCH: usize = 8192;

/// The rows of one statement's tables.
pub struct Tables {
    engine: Arc<Engine>,
    ts: Ts,
    zone: Zone,
    own: BTreeMap<TableId, Own>,
    computed: BTreeMap<(&'static str, &'static str), Vec<Vec<Value>>>,
    _pin: holdfast_tail::Pin,
}

/// What the transaction has changed of a table.
#[derive(Default)]
struct Own {
    rows: BTreeMap<Bytes, Option<Bytes>>,
    written: Option<Arc<TableObjects>>,
}

impl Tables {
    /// Tables as of a timestamp; nothing is changed in them.
    ///
    /// # Errors
    /// 1213: it is older than what is kept.
    pub fn new(engine: Arc<Engine>, ts: Ts, zone: Zone) -> Result<Self> {
        let pin = engine.tail.pin(ts)?;
        let (own, computed) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { engine, ts, zone, own, computed, _pin: pin })
    }

    /// Takes what a transaction has changed of a table.
    pub fn add_own(&mut self, table: TableId, workspace: &Workspace) {
        let rows = workspace.all(table).cloned().unwrap_or_default();
        let written = workspace.written(table).cloned();
        if !rows.is_empty() || written.is_some() {
            self.own.insert(table, Own { rows, written });
        }
    }

    /// Takes the rows of a computed table.
    pub fn add_computed(&mut self, table: &VirtualTable, rows: Vec<Vec<Value>>) {
        self.computed.insert((table.database, table.name), rows);
    }
}

impl Sources for Tables {
    fn scan<'a>(
        &'a self,
        scan: &'a Scan,
        columns: &'a [usize],
        filters: &'a [Typed],
        partitions: usize,
    ) -> BoxFuture<'a, Result<Source>> {
        Box::pin(self.source(scan, columns, filters, partitions))
    }

    fn rows(&self, table: &'static VirtualTable) -> Result<Vec<Vec<Value>>> {
        self.computed
            .get(&(table.database, table.name))
            .cloned()
            .ok_or_else(|| SqlError::internal(format!("{table:?} was not computed")))
    }
}

/// What is asked for.
struct Wanted {
    table: TableId,
    slots: Vec<usize>,
    with_key: bool,
    ranges: Vec<KeyRange>,
    bounds: Vec<SlotBound>,
    arrange: Arc<Arrange>,
}

impl Tables {
    async fn source(
        &self,
        scan: &Scan,
        columns: &[usize],
        filters: &[Typed],
        partitions: usize,
    ) -> Result<Source> {
        let arrange = Arc::new(Arrange::new(&scan.table, columns, self.zone));
        let (ranges, bounds) = self.limits(scan, filters)?;
        let wanted = Wanted {
            table: scan.table.id,
            slots: arrange.slots(),
            with_key: arrange.wants_key(),
            ranges,
            bounds,
            arrange,
        };
        let nothing = Own::default();
        let own = self.own.get(&wanted.table).unwrap_or(&nothing);
        let mut memory = Vec::new();
        self.tail_rows(&wanted, own, &mut memory).await?;
        self.own_rows(&wanted, own, &mut memory)?;
        let mut rows = memory.iter().map(RecordBatch::num_rows).sum::<usize>();
        let mut parts: Vec<ScanPart> = Vec::new();
        let layers = [self.engine.objects(wanted.table, self.ts), own.written.clone()];
        for (layer, objects) in layers.into_iter().enumerate() {
            let Some(objects) = objects else { continue };
            let hidden = match layer {
                0 => self.above(&wanted, own, &objects).await?,
                _ => self.located(&objects, own.rows.keys().cloned()).await?,
            };
            let dead: u64 = hidden.values().map(|rows| rows.len()).sum();
            rows += objects.manifest.rows().saturating_sub(dead) as usize;
            let hidden = hidden.into_iter().map(|(id, rows)| (id, Arc::new(rows))).collect();
            let scan = ObjectScan {
                slots: wanted.slots.clone(),
                ranges: if is_all(&wanted.ranges) { Vec::new() } else { wanted.ranges.clone() },
                with_key: wanted.with_key,
                bounds: wanted.bounds.clone(),
                hidden,
                batch_rows: BATCH,
            };
            parts.extend(self.engine.store.reader.scan(&objects, &scan, partitions).await?);
        }
        let exact = parts.is_empty() || (is_all(&wanted.ranges) && wanted.bounds.is_empty());
        let partitions = deal(&wanted.arrange, memory, (parts, partitions));
        Ok(Source { partitions, rows: Some(rows), exact })
    }

    /// The ranges of the primary key that the filters leave, and what statistics can say.
    fn limits(&self, scan: &Scan, filters: &[Typed]) -> Result<(Vec<KeyRange>, Vec<SlotBound>)> {
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
        let ranges = match path::choose(scan, filters, &mut env)? {
            Some(path) if path.which == Which::Primary => path.ranges,
            _ => vec![KeyRange::all()],
        };
        let mut bounds = Vec::new();
        for (column, low, high) in path::bounds(scan, filters, &mut env)? {
            let slot = scan.table.columns[column].slot;
            bounds.push(SlotBound { slot, low, high });
        }
        Ok((ranges, bounds))
    }

    async fn tail_rows(
        &self,
        wanted: &Wanted,
        own: &Own,
        out: &mut Vec<RecordBatch>,
    ) -> Result<()> {
        let Some(tail) = self.engine.tail.table(wanted.table) else { return Ok(()) };
        let covered = self.covered(wanted, own).await?;
        let hides = !own.rows.is_empty() || !covered.is_empty();
        for range in &wanted.ranges {
            let scan = TailScan {
                ts: self.ts,
                slots: &wanted.slots,
                range: range.clone(),
                with_key: wanted.with_key || hides,
                ..TailScan::default()
            };
            for batch in tail.scan(&scan)? {
                let is_hidden = |key: &[u8]| own.rows.contains_key(key) || covered.contains(key);
                let batch = if hides { without(&batch, is_hidden)? } else { batch };
                if batch.num_rows() > 0 {
                    out.push(wanted.arrange.batch(&batch)?);
                }
            }
        }
        Ok(())
    }

    /// The keys of the tail that the transaction's own objects hide.
    async fn covered(&self, wanted: &Wanted, own: &Own) -> Result<BTreeSet<Bytes>> {
        let mut covered = BTreeSet::new();
        let Some(written) = &own.written else { return Ok(covered) };
        let mut tail = TailKeys::new(&self.engine, wanted, (self.ts, written))?;
        while let Some(keys) = tail.next() {
            let found = self.engine.store.reader.get_many(written, &keys).await?;
            let hidden = keys.into_iter().zip(found).filter(|(_, row)| row.is_some());
            covered.extend(hidden.map(|(key, _)| key));
        }
        Ok(covered)
    }

    /// The rows of objects that the tail and the transaction hide.
    async fn above(
        &self,
        wanted: &Wanted,
        own: &Own,
        objects: &TableObjects,
    ) -> Result<BTreeMap<ObjectId, RoaringBitmap>> {
        let mut hidden = self.located(objects, own.rows.keys().cloned()).await?;
        let mut tail = TailKeys::new(&self.engine, wanted, (self.ts, objects))?;
        while let Some(keys) = tail.next() {
            self.locate(objects, &keys, &mut hidden).await?;
        }
        if let Some(written) = &own.written {
            let scan = ObjectScan { with_key: true, batch_rows: KEYS, ..ObjectScan::default() };
            for part in self.engine.store.reader.scan(written, &scan, 1).await? {
                let mut batches = part.open();
                while let Some(batch) = batches.next().await {
                    let mut keys = keys_of(&batch?)?;
                    keys.sort_unstable();
                    self.locate(objects, &keys, &mut hidden).await?;
                }
            }
        }
        Ok(hidden)
    }

    async fn located(
        &self,
        objects: &TableObjects,
        keys: impl Iterator<Item = Bytes>,
    ) -> Result<BTreeMap<ObjectId, RoaringBitmap>> {
        let mut hidden = BTreeMap::new();
        let keys: Vec<Bytes> = keys.collect();
        for keys in keys.chunks(KEYS) {
            self.locate(objects, keys, &mut hidden).await?;
        }
        Ok(hidden)
    }

    async fn locate(
        &self,
        objects: &TableObjects,
        keys: &[Bytes],
        hidden: &mut BTreeMap<ObjectId, RoaringBitmap>,
    ) -> Result<()> {
        for (id, rows) in self.engine.store.reader.locate(objects, keys).await? {
            *hidden.entry(id).or_default() |= rows;
        }
        Ok(())
    }

    /// The transaction's own rows in memory.
    fn own_rows(&self, wanted: &Wanted, own: &Own, out: &mut Vec<RecordBatch>) -> Result<()> {
        let arrange = &wanted.arrange;
        let table = &arrange.table;
        let key_type = SqlType::VarBinary(u32::MAX);
        let of = |at: &usize| table.columns.get(*at).map_or(&key_type, |column| &column.of);
        let types: Vec<&SqlType> = arrange.columns.iter().map(of).collect();
        let mut count = 0;
        let mut builder = Builder::new(types.iter().map(|of| (0, *of, &Value::Null)), 0);
        let is_in = |key: &Bytes| wanted.ranges.iter().any(|range| range.contains(key));
        for (key, row) in own.rows.iter().filter(|(key, _)| is_in(key)) {
            let Some(row) = row else { continue };
            let mut values = table.decode(row)?;
            for at in &table.timestamps {
                if let Value::DateTime(micros) = &mut values[*at] {
                    *micros = self.zone.from_utc(*micros);
                }
            }
            values.push(Value::Bytes(key.clone()));
            let columns = arrange.columns.iter();
            let picked: Vec<Value> =
                columns.map(|at| values[(*at).min(table.columns.len())].clone()).collect();
            builder.push_values(&picked)?;
            count += 1;
        }
        if count > 0 {
            out.push(assemble(&arrange.schema, builder.finish(), count)?);
        }
        Ok(())
    }
}

fn is_all(ranges: &[KeyRange]) -> bool {
    ranges.iter().any(|range| range.from.is_empty() && range.to.is_none())
}

/// The keys of the tail that may lie in some objects, in order, deletions included.
struct TailKeys {
    cursors: Vec<holdfast_tail::RangeCursor>,
}

impl TailKeys {
    fn new(engine: &Engine, wanted: &Wanted, (ts, objects): (Ts, &TableObjects)) -> Result<Self> {
        let all = &objects.manifest.objects;
        let first = all.iter().map(|object| &object.first).min();
        let last = all.iter().map(|object| &object.last).max();
        let (Some(tail), Some(first), Some(last)) = (engine.tail.table(wanted.table), first, last)
        else {
            return Ok(Self { cursors: Vec::new() });
        };
        let end = [&last[..], &[0]].concat();
        let mut cursors = Vec::new();
        for range in wanted.ranges.iter().rev() {
            let from = range.from.as_slice().max(first).to_vec();
            let to = range.to.as_deref().map_or(&end[..], |to| to.min(&end)).to_vec();
            if from < to {
                let range = KeyRange { from, to: Some(to) };
                cursors.push(tail.range(&range, ts, Direction::Forward)?);
            }
        }
        Ok(Self { cursors })
    }

    fn next(&mut self) -> Option<Vec<Bytes>> {
        while let Some(cursor) = self.cursors.last_mut() {
            let entries = cursor.next_batch(KEYS);
            if !entries.is_empty() {
                let key = |entry: &holdfast_tail::RangeEntry| Bytes::copy_from_slice(&entry.key);
                return Some(entries.iter().map(key).collect());
            }
            self.cursors.pop();
        }
        None
    }
}

/// How batches are to look: columns in the order that was asked for.
struct Arrange {
    table: Arc<Table>,
    /// Positions; one more than the last is the key.
    columns: Vec<usize>,
    schema: SchemaRef,
    zone: Zone,
}

impl Arrange {
    fn new(table: &Arc<Table>, columns: &[usize], zone: Zone) -> Self {
        let field = |at: &usize| match table.columns.get(*at) {
            Some(column) => Field::new(&*column.name, data_type(&column.of), true),
            None => Field::new("key", DataType::BinaryView, true),
        };
        // Names need not differ: nobody looks at them here.
        let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
        Self { table: Arc::clone(table), columns: columns.to_vec(), schema, zone }
    }

    fn slots(&self) -> Vec<usize> {
        let columns = self.columns.iter().filter_map(|at| self.table.columns.get(*at));
        columns.map(|column| column.slot).collect()
    }

    fn wants_key(&self) -> bool {
        self.columns.iter().any(|at| *at >= self.table.columns.len())
    }

    /// Slots, then maybe the key, become what was asked for.
    fn batch(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let mut next = 0;
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.columns.len());
        for at in &self.columns {
            let array = match self.table.columns.get(*at) {
                Some(column) => {
                    next += 1;
                    self.localized(batch.column(next - 1), &column.of)
                }
                None => {
                    let key = batch.column_by_name(TailScan::KEY);
                    let key = key.ok_or_else(|| SqlError::internal("a scan without its keys"))?;
                    arrow::compute::cast(key, &DataType::BinaryView).map_err(SqlError::internal)?
                }
            };
            arrays.push(array);
        }
        assemble(&self.schema, arrays, batch.num_rows())
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
}

/// Batches and streams as about so many partitions.
fn deal(
    arrange: &Arc<Arrange>,
    memory: Vec<RecordBatch>,
    (parts, partitions): (Vec<ScanPart>, usize),
) -> Vec<Partition> {
    let count = partitions.clamp(1, memory.len().max(parts.len()).max(1)).max(1);
    let mut batches: Vec<Vec<RecordBatch>> = vec![Vec::new(); count];
    for (at, batch) in memory.into_iter().enumerate() {
        batches[at % count].push(batch);
    }
    let mut streams: Vec<Vec<ScanPart>> = vec![Vec::new(); count];
    for (at, part) in parts.into_iter().enumerate() {
        streams[at % count].push(part);
    }
    let partition = |(batches, parts): (Vec<RecordBatch>, Vec<ScanPart>)| -> Partition {
        let arrange = Arc::clone(arrange);
        Arc::new(move || {
            let memory = stream::iter(batches.clone().into_iter().map(Ok));
            let schema = Arc::clone(&arrange.schema);
            if parts.is_empty() {
                return Ok(Box::pin(RecordBatchStreamAdapter::new(schema, memory)));
            }
            let arrange = Arc::clone(&arrange);
            let rows = stream::iter(parts.clone()).flat_map(|part| part.open()).map(move |batch| {
                let batch = batch.map_err(SqlError::from).and_then(|batch| arrange.batch(&batch));
                batch.map_err(wrap)
            });
            Ok(Box::pin(RecordBatchStreamAdapter::new(schema, memory.chain(rows))))
        })
    };
    batches.into_iter().zip(streams).map(partition).collect()
}

fn assemble(schema: &SchemaRef, arrays: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options)
        .map_err(SqlError::internal)
}

fn key_column(batch: &RecordBatch) -> Result<&BinaryArray> {
    let keys = batch.column_by_name(TailScan::KEY);
    let keys = keys.and_then(|keys| keys.as_any().downcast_ref::<BinaryArray>());
    keys.ok_or_else(|| SqlError::internal("keys that are no bytes"))
}

fn keys_of(batch: &RecordBatch) -> Result<Vec<Bytes>> {
    let keys = key_column(batch)?;
    Ok((0..keys.len()).map(|row| Bytes::copy_from_slice(keys.value(row))).collect())
}

/// The rows whose keys are not hidden.
fn without(batch: &RecordBatch, is_hidden: impl Fn(&[u8]) -> bool) -> Result<RecordBatch> {
    let keys = key_column(batch)?;
    let kept: BooleanArray = (0..keys.len()).map(|row| Some(!is_hidden(keys.value(row)))).collect();
    filter_record_batch(batch, &kept).map_err(SqlError::internal)
}
