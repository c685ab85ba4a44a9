//! Rows in the order of the log, and the span of timestamps in which each is the
//! newest of its key.
//!
//! ```text
//! open:    blocks of 512 rows (shared, as bytes) | last block (grows)
//! raw:     a full open chunk that waits to be sealed, or whose table is not known (L4)
//! sealed:  arrow columns, keys, begins | ends (atomic)
//! ```
//!
//! A row is visible at S where begin <= S < end. `end` is NEVER while it is the
//! newest, and 0 once it is freed: visible to nobody. A row keeps its number for
//! life: what a chunk loses by compaction leaves gaps in `numbers`, and the index
//! need not change.
//!
//! Point reads of sealed rows come from the columns; row bytes are not kept beside
//! them, which would double the memory. Four values of sysbench's row (two ints,
//! 120 and 60 characters) of a cold chunk take about 1.8 us beside the index's
//! 1.3 us, and about 1.4 us with the index where the bytes are recent and in cache;
//! 317 bytes a row in all, index included. (`examples/tail.rs`, a million keys, one
//! thread's CPU time on a shared 2-core machine under load, 2026-11-27: upper bounds.)
//!
//! Not here: when to seal or compact (`table::prune`).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use arrow::array::{Array, ArrayRef, BinaryArray, BinaryBuilder, BooleanArray, UInt64Array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::FilterBuilder;
use bytes::Bytes;
use holdfast_base::Ts;

use crate::columns::Builder;
use crate::{Key, TableShape, TailError};

/// `end` of a row that is the newest of its key.
pub(crate) const NEVER: u64 = u64::MAX;

/// A scan copies at most this many rows under the lock.
const BLOCK_ROWS: usize = 512;

/// A row as the log brought it.
#[derive(Debug)]
pub(crate) struct RawRow {
    pub key: Key,
    pub begin: Ts,
    pub end: AtomicU64,
    pub row: Bytes,
}

impl RawRow {
    fn again(&self) -> Self {
        let end = AtomicU64::new(self.end.load(Ordering::Relaxed));
        Self { key: self.key.clone(), begin: self.begin, end, row: self.row.clone() }
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.key.heap_bytes() + self.row.len()
    }
}

/// The chunk that grows.
#[derive(Debug, Default)]
pub(crate) struct Open {
    pub blocks: Vec<Arc<Vec<RawRow>>>,
    pub last: Vec<RawRow>,
    pub schema_max: u32,
    pub bytes: usize,
}

impl Open {
    pub fn len(&self) -> usize {
        self.blocks.len() * BLOCK_ROWS + self.last.len()
    }

    /// Appends a row; its number.
    pub fn push(&mut self, row: RawRow, schema: u32) -> u16 {
        let number = self.len();
        self.schema_max = self.schema_max.max(schema);
        self.bytes += row.bytes();
        self.last.push(row);
        if self.last.len() == BLOCK_ROWS {
            self.blocks.push(Arc::new(std::mem::take(&mut self.last)));
        }
        // A chunk has at most 65,536 rows (`Limits::checked`).
        number as u16
    }

    pub fn get(&self, number: u16) -> Option<&RawRow> {
        let number = usize::from(number);
        match self.blocks.get(number / BLOCK_ROWS) {
            Some(block) => block.get(number % BLOCK_ROWS),
            None => self.last.get(number - self.blocks.len() * BLOCK_ROWS),
        }
    }

    /// The rows so far, to be read outside the lock. Only the last block is copied.
    pub fn share(&self) -> Vec<Arc<Vec<RawRow>>> {
        let last = self.last.iter().map(RawRow::again).collect();
        self.blocks.iter().cloned().chain([Arc::new(last)]).collect()
    }

    /// The chunk as a full one; empty afterwards.
    pub fn close(&mut self) -> Chunk {
        let open = std::mem::take(self);
        let mut blocks = open.blocks;
        if !open.last.is_empty() {
            blocks.push(Arc::new(open.last));
        }
        let (mut ended, mut freed, mut begins) = (0, 0, (Ts(u64::MAX), Ts(0)));
        for row in blocks.iter().flat_map(|block| block.iter()) {
            let end = row.end.load(Ordering::Relaxed);
            ended += usize::from(end != NEVER);
            freed += usize::from(end == 0);
            begins = (begins.0.min(row.begin), begins.1.max(row.begin));
        }
        let rows = blocks.iter().map(|block| block.len()).sum();
        Chunk {
            rows,
            ended: AtomicUsize::new(ended),
            freed: AtomicUsize::new(freed),
            begins,
            schema_max: open.schema_max,
            bytes: open.bytes,
            numbers: None,
            form: Form::Raw(blocks),
        }
    }
}

/// A chunk that grows no more.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub rows: usize,
    /// Rows whose end has come. Counted up before the end is stored.
    ended: AtomicUsize,
    /// Rows that are freed; in `ended`, too.
    freed: AtomicUsize,
    /// The least and the greatest begin.
    pub begins: (Ts, Ts),
    pub schema_max: u32,
    pub bytes: usize,
    /// The numbers of the rows that are left, ascending; all where there is no list.
    numbers: Option<Vec<u16>>,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Raw(Vec<Arc<Vec<RawRow>>>),
    Sealed(Box<Columns>),
}

/// Rows as columns.
#[derive(Debug)]
pub(crate) struct Columns {
    pub arrays: Vec<ArrayRef>,
    pub keys: BinaryArray,
    pub begins: UInt64Array,
    ends: Vec<AtomicU64>,
}

/// A chunk that will take the place of another, as soon as its ends are known.
pub(crate) struct Replacement {
    arrays: Vec<ArrayRef>,
    keys: BinaryArray,
    begins: UInt64Array,
    numbers: Vec<u16>,
    /// Where the rows were in the chunk before.
    places: Vec<usize>,
}

impl Chunk {
    /// Where the row of a number is.
    pub fn place(&self, number: u16) -> Option<usize> {
        match &self.numbers {
            None => Some(usize::from(number)).filter(|place| *place < self.rows),
            Some(numbers) => numbers.binary_search(&number).ok(),
        }
    }

    pub fn sealed(&self) -> Option<&Columns> {
        match &self.form {
            Form::Sealed(columns) => Some(columns),
            Form::Raw(_) => None,
        }
    }

    /// The blocks of a raw chunk.
    pub fn raw(&self) -> Option<&[Arc<Vec<RawRow>>]> {
        match &self.form {
            Form::Raw(blocks) => Some(blocks),
            Form::Sealed(_) => None,
        }
    }

    pub fn raw_row(&self, place: usize) -> Option<&RawRow> {
        self.raw()?.get(place / BLOCK_ROWS)?.get(place % BLOCK_ROWS)
    }

    fn end(&self, place: usize) -> Option<&AtomicU64> {
        match &self.form {
            Form::Sealed(columns) => columns.ends.get(place),
            Form::Raw(_) => self.raw_row(place).map(|row| &row.end),
        }
    }

    /// The row is the newest up to `ts` only. Under the table's write lock.
    pub fn set_end(&self, place: usize, ts: Ts) {
        let Some(end) = self.end(place) else { return };
        if end.load(Ordering::Relaxed) == NEVER {
            self.ended.fetch_add(1, Ordering::Relaxed);
        }
        end.store(ts.0, Ordering::Release);
    }

    /// Nobody sees the row any more. Under the table's write lock.
    pub fn free(&self, place: usize) {
        if self.end(place).is_some_and(|end| end.load(Ordering::Relaxed) != 0) {
            self.set_end(place, Ts(0));
            self.freed.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn is_dead(&self) -> bool {
        self.freed.load(Ordering::Relaxed) >= self.rows
    }

    pub fn is_half_dead(&self) -> bool {
        self.freed.load(Ordering::Relaxed) * 2 >= self.rows
    }

    /// Which rows of a sealed chunk are visible; `None`: all of them.
    pub fn visible(&self, columns: &Columns, ts: Ts, floor: Ts) -> Option<BooleanBuffer> {
        let (first, last) = self.begins;
        let is_within = first > floor && last <= ts;
        if is_within && self.ended.load(Ordering::Acquire) == 0 {
            return None;
        }
        let begins = columns.begins.values();
        let ends = &columns.ends;
        let is_visible = |at: usize| {
            let begin = begins[at];
            begin > floor.0 && begin <= ts.0 && ends[at].load(Ordering::Acquire) > ts.0
        };
        Some(BooleanBuffer::collect_bool(begins.len(), is_visible))
    }

    /// What is left of the chunk as columns: the raw rows sealed, or a sealed chunk
    /// compacted. Outside the lock.
    pub fn rebuild(&self, shape: &TableShape) -> Result<Replacement, TailError> {
        match &self.form {
            Form::Raw(blocks) => self.seal(blocks, shape),
            Form::Sealed(columns) => self.compact(columns),
        }
    }

    fn seal(
        &self,
        blocks: &[Arc<Vec<RawRow>>],
        shape: &TableShape,
    ) -> Result<Replacement, TailError> {
        let slots = shape.slots.iter().zip(&shape.defaults).enumerate();
        let slots = slots.map(|(number, (of, default))| (number, of, default));
        let mut builder = Builder::new(slots, self.rows);
        let mut keys = BinaryBuilder::new();
        let (mut begins, mut places) = (Vec::new(), Vec::new());
        for (place, row) in blocks.iter().flat_map(|block| block.iter()).enumerate() {
            if row.end.load(Ordering::Relaxed) == 0 {
                continue;
            }
            builder.push_row(&row.row)?;
            keys.append_value(&row.key);
            begins.push(row.begin.0);
            places.push(place);
        }
        Ok(Replacement {
            arrays: builder.finish(),
            keys: keys.finish(),
            begins: UInt64Array::from(begins),
            // A raw chunk has all its rows, so that places are numbers.
            numbers: places.iter().map(|place| *place as u16).collect(),
            places,
        })
    }

    fn compact(&self, columns: &Columns) -> Result<Replacement, TailError> {
        let is_left = |place: &usize| columns.ends[*place].load(Ordering::Relaxed) != 0;
        let places: Vec<usize> = (0..self.rows).filter(is_left).collect();
        let mask = BooleanBuffer::collect_bool(self.rows, |place| is_left(&place));
        let filter = FilterBuilder::new(&BooleanArray::new(mask, None)).optimize().build();
        let mut arrays = Vec::with_capacity(columns.arrays.len());
        for array in &columns.arrays {
            arrays.push(crate::gather::compact(filter.filter(array)?));
        }
        let keys = filter.filter(&columns.keys)?;
        let begins = filter.filter(&columns.begins)?;
        let number = |place: &usize| match &self.numbers {
            Some(numbers) => numbers[*place],
            None => *place as u16,
        };
        Ok(Replacement {
            arrays,
            keys: arrow::array::AsArray::as_binary::<i32>(&keys).clone(),
            begins: arrow::array::AsArray::as_primitive(&begins).clone(),
            numbers: places.iter().map(number).collect(),
            places,
        })
    }

    /// The chunk in its new form. Under the table's write lock, so that no end is
    /// set between being copied and being used.
    pub fn replaced_by(&self, new: Replacement) -> Chunk {
        let end = |place: &usize| self.end(*place).map_or(0, |end| end.load(Ordering::Relaxed));
        let ends: Vec<u64> = new.places.iter().map(end).collect();
        let ended = ends.iter().filter(|end| **end != NEVER).count();
        let freed = ends.iter().filter(|end| **end == 0).count();
        let begins = new.begins.values();
        let begins = (
            Ts(begins.iter().copied().min().unwrap_or(u64::MAX)),
            Ts(begins.iter().copied().max().unwrap_or(0)),
        );
        let rows = ends.len();
        let is_whole = new.numbers.last().is_none_or(|last| usize::from(*last) + 1 == rows);
        let numbers = (!is_whole).then_some(new.numbers);
        let arrays: usize = new.arrays.iter().map(|array| array.get_array_memory_size()).sum();
        let bytes = size_of::<Chunk>()
            + arrays
            + new.keys.get_array_memory_size()
            + rows * (2 * size_of::<u64>() + if numbers.is_some() { 2 } else { 0 });
        Chunk {
            rows,
            ended: AtomicUsize::new(ended),
            freed: AtomicUsize::new(freed),
            begins,
            schema_max: self.schema_max,
            bytes,
            numbers,
            form: Form::Sealed(Box::new(Columns {
                arrays: new.arrays,
                keys: new.keys,
                begins: new.begins,
                ends: ends.into_iter().map(AtomicU64::new).collect(),
            })),
        }
    }
}
