//! Ranges of keys, a batch at a time; the lock is not held between batches.

use std::ops::Bound;
use std::sync::Arc;

use arrow::array::ArrayRef;
use holdfast_base::Ts;

use super::{KeyRange, RowRef, State, TableTail};
use crate::chain::Version;
use crate::{Key, TableShape, TailError};

/// One key of a range that the tail knows something of.
#[derive(Clone, Debug)]
pub struct RangeEntry {
    /// The key.
    pub key: Key,
    /// When this became so.
    pub ts: Ts,
    /// The row; `None`: it was deleted, whatever objects say.
    pub row: Option<RowRef>,
}

/// Walks the keys of a range as a reader at one timestamp sees them. It may be
/// kept as long as its timestamp is above the horizon.
#[derive(Debug)]
pub struct RangeCursor {
    tail: Arc<TableTail>,
    rest: (Bound<Key>, Bound<Key>),
    ts: Ts,
    floor: Ts,
    is_reverse: bool,
    is_done: bool,
}

/// Which way a range is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Ascending keys.
    Forward,
    /// Descending keys.
    Reverse,
}

impl TableTail {
    /// The keys of a range at `ts`.
    ///
    /// # Errors
    /// [`TailError::TooOld`].
    pub fn range(
        self: &Arc<Self>,
        range: &KeyRange,
        ts: Ts,
        direction: Direction,
    ) -> Result<RangeCursor, TailError> {
        self.horizon.check(ts)?;
        let floor = self.state.read().floor(ts);
        let mut cursor = self.cursor(range, ts, floor);
        cursor.is_reverse = direction == Direction::Reverse;
        Ok(cursor)
    }

    pub(super) fn cursor(self: &Arc<Self>, range: &KeyRange, ts: Ts, floor: Ts) -> RangeCursor {
        let to = range.to.as_ref().map_or(Bound::Unbounded, |to| Bound::Excluded(Key::new(to)));
        RangeCursor {
            tail: self.clone(),
            rest: (Bound::Included(Key::new(&range.from)), to),
            ts,
            floor,
            is_reverse: false,
            is_done: range.is_empty(),
        }
    }

    /// The keys of a range with any entry at `ts`, ascending: the rows of objects
    /// under them do not count for a reader at `ts`.
    ///
    /// # Errors
    /// [`TailError::TooOld`].
    pub fn dead_keys(self: &Arc<Self>, range: &KeyRange, ts: Ts) -> Result<Vec<Key>, TailError> {
        let mut cursor = self.range(range, ts, Direction::Forward)?;
        let mut keys = Vec::new();
        while !cursor.is_done {
            cursor.step(usize::MAX, |_, key, _| keys.push(key.clone()));
        }
        Ok(keys)
    }
}

impl RangeCursor {
    /// Up to `limit` further entries; none: the range has ended.
    pub fn next_batch(&mut self, limit: usize) -> Vec<RangeEntry> {
        let mut entries = Vec::new();
        while !self.is_done && entries.len() < limit {
            self.step(limit - entries.len(), |state, key, version| {
                let row = state.row(version);
                entries.push(RangeEntry { key: key.clone(), ts: version.ts, row });
            });
        }
        entries
    }

    /// The columns of entries, in their order; deletions are left out.
    ///
    /// # Errors
    /// A slot that the shape has not, or a stored row that does not parse.
    pub fn columns(
        entries: &[RangeEntry],
        shape: &TableShape,
        slots: &[usize],
    ) -> Result<Vec<ArrayRef>, TailError> {
        let rows: Vec<&RowRef> = entries.iter().filter_map(|entry| entry.row.as_ref()).collect();
        crate::gather::gather(&rows, shape, slots)
    }

    /// Looks at a bounded number of keys under the lock, tells `take` of at most
    /// `limit` that are in view.
    fn step(&mut self, limit: usize, mut take: impl FnMut(&State, &Key, Version)) {
        let tail = self.tail.clone();
        let state = tail.state.read();
        let bounds = (bound(&self.rest.0), bound(&self.rest.1));
        let mut keys = state.index.range::<[u8], _>(bounds);
        let (mut taken, mut last) = (0, None);
        for _ in 0..tail.limits.step_rows {
            if taken == limit {
                break;
            }
            let next = if self.is_reverse { keys.next_back() } else { keys.next() };
            let Some((key, chain)) = next else {
                self.is_done = true;
                break;
            };
            last = Some(key);
            if let Some(version) = chain.at(self.ts).filter(|version| version.ts > self.floor) {
                take(&state, key, version);
                taken += 1;
            }
        }
        if let Some(last) = last {
            let passed = Bound::Excluded(last.clone());
            let end = if self.is_reverse { &mut self.rest.1 } else { &mut self.rest.0 };
            *end = passed;
            self.is_done |= is_empty(&self.rest);
        }
    }
}

fn bound(key: &Bound<Key>) -> Bound<&[u8]> {
    match key {
        Bound::Included(key) => Bound::Included(key),
        Bound::Excluded(key) => Bound::Excluded(key),
        Bound::Unbounded => Bound::Unbounded,
    }
}

/// Whether nothing can be in a range; a B-tree panics where its ends cross.
fn is_empty(range: &(Bound<Key>, Bound<Key>)) -> bool {
    match range {
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Included(from) | Bound::Excluded(from), Bound::Excluded(to))
        | (Bound::Excluded(from), Bound::Included(to)) => from >= to,
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
    }
}
