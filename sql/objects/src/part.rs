//! A part of a scan, read: row groups one after another, the next one's bytes on their
//! way while this one is decoded.
//!
//! Dead rows are left out by parquet itself. It is told of runs, and decides by their
//! length whether to skip or to filter by a mask: giving it a mask where many are dead
//! was not faster (example `read`).

use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use futures_util::stream::{BoxStream, poll_fn};
use holdfast_api::BoxFuture;
use holdfast_tail::{TableShape, columns};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, RowSelection};
use parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;
use roaring::RoaringBitmap;

use crate::block::short;
use crate::guard::{guarded, guarded_wait};
use crate::read::Reader;
use crate::scan::Unit;
use crate::source::Reads;
use crate::{ObjectId, ObjectsError};

/// What the batches of a scan are made of.
pub(crate) struct Plan {
    pub shape: Arc<TableShape>,
    pub slots: Vec<usize>,
    pub with_key: bool,
    pub batch_rows: usize,
    pub schema: SchemaRef,
}

/// A part of a scan.
#[derive(Clone)]
pub struct ScanPart {
    inner: Arc<Inner>,
}

struct Inner {
    reads: Reads,
    plan: Arc<Plan>,
    units: Vec<Unit>,
}

impl ScanPart {
    pub(crate) fn new(reader: &Reader, plan: Arc<Plan>, units: Vec<Unit>) -> Self {
        Self { inner: Arc::new(Inner { reads: reader.reads().clone(), plan, units }) }
    }

    /// Rows that it reads, dead ones included.
    pub fn rows(&self) -> usize {
        self.inner.units.iter().map(Unit::rows).sum()
    }

    /// The schema of its batches.
    pub fn schema(&self) -> SchemaRef {
        self.inner.plan.schema.clone()
    }

    /// Its rows, from the start each time it is opened; it ends after an error. Columns:
    /// the slots in the scan's order, then the key where it is asked for.
    pub fn open(&self) -> BoxStream<'static, Result<RecordBatch, ObjectsError>> {
        let mut reading =
            Reading { part: self.inner.clone(), next: 0, ahead: Ahead::Nothing, now: None };
        Box::pin(poll_fn(move |context| reading.poll(context)))
    }
}

/// A part on its way.
struct Reading {
    part: Arc<Inner>,
    /// The unit that is fetched next.
    next: usize,
    ahead: Ahead,
    now: Option<Now>,
}

enum Ahead {
    Nothing,
    Going(BoxFuture<'static, Result<Now, ObjectsError>>),
    There(Result<Now, ObjectsError>),
}

/// A unit, fetched.
struct Now {
    id: ObjectId,
    /// Nothing: all its rows are dead.
    rows: Option<ParquetRecordBatchReader>,
    makes: Vec<Make>,
}

/// Where a column of a batch comes from.
enum Make {
    /// A column that was read.
    Read(usize),
    /// A slot that the object is older than; repeated as often as was needed so far.
    Default { slot: usize, column: Option<ArrayRef> },
}

impl Reading {
    fn poll(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<RecordBatch, ObjectsError>>> {
        loop {
            self.fetch(context);
            if let Some(now) = &mut self.now {
                match now.next(&self.part.plan) {
                    Ok(Some(batch)) => return Poll::Ready(Some(Ok(batch))),
                    Ok(None) => self.now = None,
                    Err(error) => return self.end(error),
                }
            } else {
                match std::mem::replace(&mut self.ahead, Ahead::Nothing) {
                    Ahead::Nothing => return Poll::Ready(None),
                    Ahead::There(Ok(now)) => self.now = Some(now),
                    Ahead::There(Err(error)) => return self.end(error),
                    going @ Ahead::Going(_) => {
                        self.ahead = going;
                        return Poll::Pending;
                    }
                }
            }
        }
    }

    /// Begins to fetch the next unit, or goes on with it.
    fn fetch(&mut self, context: &mut Context<'_>) {
        if matches!(self.ahead, Ahead::Nothing)
            && let Some(unit) = self.part.units.get(self.next)
        {
            self.next += 1;
            let (reads, plan, unit) =
                (self.part.reads.clone(), self.part.plan.clone(), unit.clone());
            self.ahead = Ahead::Going(Box::pin(async move { fetch(reads, &plan, &unit).await }));
        }
        if let Ahead::Going(going) = &mut self.ahead
            && let Poll::Ready(there) = Pin::new(going).poll(context)
        {
            self.ahead = Ahead::There(there);
        }
    }

    fn end(&mut self, error: ObjectsError) -> Poll<Option<Result<RecordBatch, ObjectsError>>> {
        self.next = self.part.units.len();
        self.ahead = Ahead::Nothing;
        self.now = None;
        Poll::Ready(Some(Err(error)))
    }
}

impl Now {
    fn next(&mut self, plan: &Plan) -> Result<Option<RecordBatch>, ObjectsError> {
        let Some(rows) = &mut self.rows else { return Ok(None) };
        let next = guarded(self.id, || Ok(rows.next().transpose()?))?;
        let Some(batch) = next else { return Ok(None) };
        let count = batch.num_rows();
        let mut arrays = Vec::with_capacity(self.makes.len());
        for make in &mut self.makes {
            arrays.push(match make {
                Make::Read(at) => batch.column(*at).clone(),
                Make::Default { slot, column } => {
                    let of = &plan.shape.slots[*slot];
                    let column = match column {
                        Some(column) if column.len() >= count => column,
                        _ => {
                            column.insert(columns::repeat(of, &plan.shape.defaults[*slot], count)?)
                        }
                    };
                    column.slice(0, count)
                }
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        Ok(Some(RecordBatch::try_new_with_options(plan.schema.clone(), arrays, &options)?))
    }
}

/// Reads the columns of a unit; nothing is decoded yet.
async fn fetch(reads: Reads, plan: &Plan, unit: &Unit) -> Result<Now, ObjectsError> {
    let footer = &unit.footer;
    let selection = match selection(unit) {
        Selected::Nothing => {
            return Ok(Now { id: footer.object.id, rows: None, makes: Vec::new() });
        }
        Selected::Everything => None,
        Selected::Some(selection) => Some(selection),
    };
    let slots = plan.slots.iter().copied().filter(|slot| *slot < footer.slots);
    let mut wanted: Vec<usize> = slots.collect();
    if plan.with_key {
        wanted.push(footer.slots);
    }
    wanted.sort_unstable();
    wanted.dedup();
    // The key's number in the object may be that of a later slot in the table.
    let place = |slot: usize| wanted.binary_search(&slot).ok().filter(|_| slot < footer.slots);
    let make = |slot: &usize| match place(*slot) {
        Some(at) => Make::Read(at),
        None => Make::Default { slot: *slot, column: None },
    };
    let mut makes: Vec<Make> = plan.slots.iter().map(make).collect();
    if plan.with_key {
        makes.push(Make::Read(wanted.len() - 1));
    }
    let mask = ProjectionMask::leaves(footer.arrow.parquet_schema(), wanted);
    let source = footer.source(&reads);
    let mut builder =
        ParquetRecordBatchStreamBuilder::new_with_metadata(source, footer.arrow.clone())
            .with_row_groups(vec![unit.group])
            .with_projection(mask)
            .with_batch_size(plan.batch_rows);
    if let Some(selection) = selection {
        builder = builder.with_row_selection(selection);
    }
    let id = footer.object.id;
    let fetched = guarded_wait(id, async { Ok(builder.build()?.next_row_group().await?) });
    let rows = fetched.await?.ok_or_else(|| short(footer))?;
    Ok(Now { id, rows: Some(rows), makes })
}

enum Selected {
    Everything,
    Nothing,
    Some(RowSelection),
}

/// The unit's rows that are alive, counted from the start of the row group.
fn selection(unit: &Unit) -> Selected {
    let (from, to) = (unit.footer.groups[unit.group], unit.footer.groups[unit.group + 1]);
    let dead = dead_within(unit);
    let rows = unit.rows();
    if dead.len() as usize >= rows {
        return Selected::Nothing;
    }
    let total = (to - from) as usize;
    if dead.is_empty() && rows == total {
        return Selected::Everything;
    }
    let place = |row: u32| (row - from) as usize;
    let mut alive: Vec<Range<usize>> = Vec::with_capacity(unit.ranges.len());
    for range in &unit.ranges {
        let mut at = range.start;
        for row in dead.range(range.clone()) {
            alive.push(place(at)..place(row));
            at = row + 1;
        }
        alive.push(place(at)..place(range.end));
    }
    let alive = alive.into_iter().filter(|range| !range.is_empty());
    Selected::Some(RowSelection::from_consecutive_ranges(alive, total))
}

/// The unit's rows that are dead.
fn dead_within(unit: &Unit) -> RoaringBitmap {
    let vectors = [unit.dead.as_deref().map(|dead| &dead.rows), unit.hidden.as_deref()];
    let mut dead = RoaringBitmap::new();
    for vector in vectors.into_iter().flatten() {
        for range in &unit.ranges {
            dead.extend(vector.range(range.clone()));
        }
    }
    dead
}
