//! Whole tables, or wide ranges, as record batches.
//!
//! Sealed chunks of which a reader sees every row are handed out as they are; of
//! the others what it sees is filtered out; raw rows are converted, the asked
//! slots only.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::{
    Array, ArrayRef, BinaryBuilder, BooleanArray, RecordBatch, RecordBatchOptions, UInt64Array,
};
use arrow::buffer::BooleanBuffer;
use arrow::compute::FilterBuilder;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use holdfast_base::Ts;

use super::{KeyRange, TableTail};
use crate::chunk::{Chunk, Columns, RawRow};
use crate::columns::{self, Builder};
use crate::{TableShape, TailError};

/// What a scan reads.
#[derive(Clone, Default)]
pub struct Scan<'a> {
    /// As of when.
    pub ts: Ts,
    /// Which slots, in the order of the batches' columns.
    pub slots: &'a [usize],
    /// Keys of this range only.
    pub range: KeyRange,
    /// Adds a column [`Scan::KEY`] (`Binary`) after the slots.
    pub with_key: bool,
    /// Adds a column [`Scan::TS`] (`UInt64`), the commit timestamp, at the end.
    pub with_ts: bool,
    /// Asked for each sealed chunk: false leaves the chunk out.
    pub keep: Option<&'a dyn Fn(&ChunkView<'_>) -> bool>,
}

/// What a hook of a scan sees of a sealed chunk.
pub struct ChunkView<'a> {
    chunk: &'a Chunk,
    columns: &'a Columns,
}

impl ChunkView<'_> {
    /// Rows, whether or not the reader sees them.
    pub fn rows(&self) -> usize {
        self.chunk.rows
    }

    /// The earliest and the latest commit timestamp.
    pub fn commits(&self) -> (Ts, Ts) {
        self.chunk.begins
    }

    /// A slot's column; `None`: the chunk is older than the slot.
    pub fn column(&self, slot: usize) -> Option<&ArrayRef> {
        self.columns.arrays.get(slot)
    }
}

impl Scan<'_> {
    /// The name of the key's column.
    pub const KEY: &'static str = "_hf_key";
    /// The name of the commit timestamp's column.
    pub const TS: &'static str = "_hf_ts";

    /// The schema of the batches: slots are named by their number.
    pub(super) fn schema(&self, shape: &TableShape) -> SchemaRef {
        let slots = self.slots.iter();
        let slot = |slot: &usize| columns::field(&format!("s{slot}"), &shape.slots[*slot], true);
        let mut fields: Vec<Field> = slots.map(slot).collect();
        if self.with_key {
            fields.push(Field::new(Self::KEY, DataType::Binary, false));
        }
        if self.with_ts {
            fields.push(Field::new(Self::TS, DataType::UInt64, false));
        }
        Arc::new(Schema::new(fields))
    }
}

impl TableTail {
    /// The rows that a reader at `scan.ts` sees in the tail, in no order.
    ///
    /// # Errors
    /// [`TailError::TooOld`], [`TailError::Undefined`], a slot that the table has
    /// not, or a stored row that does not parse.
    pub fn scan(&self, scan: &Scan<'_>) -> Result<Vec<RecordBatch>, TailError> {
        self.horizon.check(scan.ts)?;
        let (shape, floor, chunks, open) = {
            let state = self.state.read();
            let shape = state.shape.clone().ok_or(TailError::Undefined(self.table))?;
            let chunks: Vec<Arc<Chunk>> = state.chunks.values().cloned().collect();
            (shape, state.floor(scan.ts), chunks, state.open.share())
        };
        shape.check_slots(scan.slots)?;
        let reader = Reader { scan, shape: &shape, floor, schema: scan.schema(&shape) };
        let mut batches = Vec::new();
        for chunk in &chunks {
            match (chunk.sealed(), chunk.raw()) {
                (Some(columns), _) => batches.extend(reader.sealed(chunk, columns)?),
                (None, Some(blocks)) => batches.extend(reader.raw(blocks)?),
                (None, None) => {}
            }
        }
        batches.extend(reader.raw(&open)?);
        Ok(batches)
    }
}

struct Reader<'a> {
    scan: &'a Scan<'a>,
    shape: &'a TableShape,
    floor: Ts,
    schema: SchemaRef,
}

impl Reader<'_> {
    fn sealed(&self, chunk: &Chunk, columns: &Columns) -> Result<Option<RecordBatch>, TailError> {
        if self.scan.keep.is_some_and(|keep| !keep(&ChunkView { chunk, columns })) {
            return Ok(None);
        }
        let mask = self.mask(chunk, columns);
        let count = mask.as_ref().map_or(chunk.rows, BooleanBuffer::count_set_bits);
        if count == 0 {
            return Ok(None);
        }
        let is_whole = count == chunk.rows;
        let filter = mask
            .filter(|_| !is_whole)
            .map(|mask| FilterBuilder::new(&BooleanArray::new(mask, None)).optimize().build());
        let pick = |array: &ArrayRef| match &filter {
            Some(filter) => filter.filter(array),
            None => Ok(array.clone()),
        };
        let mut arrays = Vec::with_capacity(self.scan.slots.len() + 2);
        for &slot in self.scan.slots {
            arrays.push(match columns.arrays.get(slot) {
                Some(array) => pick(array)?,
                None => {
                    columns::repeat(&self.shape.slots[slot], &self.shape.defaults[slot], count)?
                }
            });
        }
        if self.scan.with_key {
            arrays.push(pick(&(Arc::new(columns.keys.clone()) as ArrayRef))?);
        }
        if self.scan.with_ts {
            arrays.push(pick(&(Arc::new(columns.begins.clone()) as ArrayRef))?);
        }
        self.batch(arrays, count).map(Some)
    }

    fn mask(&self, chunk: &Chunk, columns: &Columns) -> Option<BooleanBuffer> {
        let visible = chunk.visible(columns, self.scan.ts, self.floor);
        if self.scan.range.is_all() {
            return visible;
        }
        let is_in = |at: usize| {
            visible.as_ref().is_none_or(|visible| visible.value(at))
                && self.scan.range.contains(columns.keys.value(at))
        };
        Some(BooleanBuffer::collect_bool(columns.keys.len(), is_in))
    }

    fn raw(&self, blocks: &[Arc<Vec<RawRow>>]) -> Result<Option<RecordBatch>, TailError> {
        let slots = self.scan.slots.iter();
        let slots =
            slots.map(|slot| (*slot, &self.shape.slots[*slot], &self.shape.defaults[*slot]));
        let mut builder = Builder::new(slots, 0);
        let (mut keys, mut begins) = (BinaryBuilder::new(), Vec::new());
        for row in blocks.iter().flat_map(|block| block.iter()) {
            if !self.sees(row) {
                continue;
            }
            if !self.scan.slots.is_empty() {
                builder.push_row(&row.row)?;
            }
            if self.scan.with_key {
                keys.append_value(&row.key);
            }
            begins.push(row.begin.0);
        }
        if begins.is_empty() {
            return Ok(None);
        }
        let count = begins.len();
        let mut arrays = builder.finish();
        if self.scan.with_key {
            arrays.push(Arc::new(keys.finish()));
        }
        if self.scan.with_ts {
            arrays.push(Arc::new(UInt64Array::from(begins)));
        }
        self.batch(arrays, count).map(Some)
    }

    fn sees(&self, row: &RawRow) -> bool {
        row.begin > self.floor
            && row.begin <= self.scan.ts
            && row.end.load(Ordering::Acquire) > self.scan.ts.0
            && self.scan.range.contains(&row.key)
    }

    fn batch(&self, arrays: Vec<ArrayRef>, count: usize) -> Result<RecordBatch, TailError> {
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)?)
    }
}
