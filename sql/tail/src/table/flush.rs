//! What a flush writes, and what it makes superfluous (L5).
//!
//! Not here: writing objects, the flush's record (`sql`); when what is superfluous
//! goes (`prune`).

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, RecordBatch, UInt64Array};
use holdfast_base::Ts;

use super::{Floor, KeyRange, RangeCursor, RangeEntry, Scan, TableTail};
use crate::{Key, Pin, TableShape, TailError};

/// The newest version up to a timestamp of each key that no flush has written yet,
/// in key order, a batch at a time. It holds the horizon back while it lives.
#[derive(Debug)]
pub struct Frozen {
    cursor: RangeCursor,
    shape: Arc<TableShape>,
    pin: Pin,
}

/// A run of keys of [`Frozen`].
#[derive(Debug)]
pub struct FrozenBatch {
    /// The rows in key order: all slots, then [`Scan::KEY`] and [`Scan::TS`]. May be
    /// empty.
    pub rows: RecordBatch,
    /// The keys that were deleted, in order, and when. Their rows in objects are dead.
    pub deleted: Vec<(Key, Ts)>,
}

impl TableTail {
    /// What a flush up to `upto` writes.
    ///
    /// # Errors
    /// [`TailError::TooOld`] if `upto` is below the horizon, [`TailError::Undefined`].
    pub(crate) fn frozen(self: &Arc<Self>, upto: Ts) -> Result<Frozen, TailError> {
        let pin = self.horizon.pin(upto)?;
        let (shape, floor) = {
            let state = self.state.read();
            (state.shape.clone(), state.last_floor())
        };
        let shape = shape.ok_or(TailError::Undefined(self.table))?;
        Ok(Frozen { cursor: self.cursor(&KeyRange::all(), upto, floor), shape, pin })
    }

    pub(crate) fn drop_through(&self, upto: Ts, at: Ts) -> Result<(), TailError> {
        let table = self.table;
        let mut state = self.state.write();
        let last = state.floors.last().copied();
        let last = last.unwrap_or(Floor { at: Ts(0), upto: state.settled });
        if at <= last.at && upto <= last.upto {
            return Ok(()); // Known already.
        }
        if upto >= at || at <= last.at || upto < last.upto {
            return Err(TailError::Flush { table, upto, at });
        }
        state.floors.push(Floor { at, upto });
        Ok(())
    }
}

impl Frozen {
    /// The definition that the batches have.
    pub fn shape(&self) -> &Arc<TableShape> {
        &self.shape
    }

    /// Up to which timestamp.
    pub fn upto(&self) -> Ts {
        self.pin.ts()
    }

    /// The next keys, at most `limit`; nothing: all were given.
    ///
    /// # Errors
    /// A stored row that does not parse. What was given so far is then no flush.
    pub fn next_batch(&mut self, limit: usize) -> Result<Option<FrozenBatch>, TailError> {
        let mut entries = self.cursor.next_batch(limit.max(1));
        if entries.is_empty() {
            return Ok(None);
        }
        let deleted = entries.iter().filter(|entry| entry.row.is_none());
        let deleted = deleted.map(|entry| (entry.key.clone(), entry.ts)).collect();
        entries.retain(|entry| entry.row.is_some());
        Ok(Some(FrozenBatch { rows: self.rows(&entries)?, deleted }))
    }

    fn rows(&self, entries: &[RangeEntry]) -> Result<RecordBatch, TailError> {
        let slots: Vec<usize> = (0..self.shape.slots.len()).collect();
        let scan = Scan { slots: &slots, with_key: true, with_ts: true, ..Scan::default() };
        let mut columns = RangeCursor::columns(entries, &self.shape, &slots)?;
        let keys = entries.iter().map(|entry| &entry.key[..]);
        let begins = entries.iter().map(|entry| entry.ts.0);
        let keys: ArrayRef = Arc::new(BinaryArray::from_iter_values(keys));
        let begins: ArrayRef = Arc::new(UInt64Array::from_iter_values(begins));
        columns.extend([keys, begins]);
        Ok(RecordBatch::try_new(scan.schema(&self.shape), columns)?)
    }
}
