//! One table's, or index's, part of the tail.
//!
//! Not here: the order of records and the horizon (`tail`).

mod apply;
mod flush;
mod prune;
mod range;
mod read;
mod scan;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use holdfast_base::{TableId, Ts};
use parking_lot::RwLock;

use crate::chain::{Chain, Version};
use crate::chunk::{Chunk, Open};
use crate::horizon::Horizon;
use crate::{Key, Limits, TableShape, TailError};

pub use flush::{Frozen, FrozenBatch};
pub use range::{Direction, RangeCursor, RangeEntry};
pub use read::{Lookup, RowRef};
pub use scan::{ChunkView, Scan};

/// What an index entry costs beside what it points to: key, chain, and a B-tree's
/// nodes at the three quarters that they are full.
const ENTRY_BYTES: usize = (size_of::<Key>() + size_of::<Chain>()) * 4 / 3;

/// One table's part of the tail. Cheap to hold on to.
#[derive(Debug)]
pub struct TableTail {
    table: TableId,
    limits: Limits,
    horizon: Arc<Horizon>,
    /// Protects everything below. Taken alone, never across anything that waits.
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    shape: Option<Arc<TableShape>>,
    index: BTreeMap<Key, Chain>,
    /// The chunks that grow no more, in log order.
    chunks: BTreeMap<u32, Arc<Chunk>>,
    open: Open,
    open_id: u32,
    /// L5, ascending by `at`; `upto` does not descend.
    floors: Vec<Floor>,
    /// Entries up to here are gone, and stay out.
    settled: Ts,
    /// Where the walk that drops entries is, and up to which timestamp it drops.
    walk: Option<(Ts, Bound<Key>)>,
    /// Keys that got a newer version, and when.
    garbage: VecDeque<(Ts, Key)>,
    /// Chunks to be sealed, oldest first.
    raw: VecDeque<u32>,
    /// Chunks to be compacted or dropped.
    sparse: BTreeSet<u32>,
    /// Chunks whose rows do not parse, or that are of a later definition.
    unsealable: BTreeSet<u32>,
    key_bytes: usize,
    chain_bytes: usize,
}

/// L5.
#[derive(Clone, Copy, Debug)]
struct Floor {
    at: Ts,
    upto: Ts,
}

/// Keys of `from <= key < to`; no `to` is the end of the table.
#[derive(Clone, Debug, Default)]
pub struct KeyRange {
    /// First key.
    pub from: Vec<u8>,
    /// One past the last key.
    pub to: Option<Vec<u8>>,
}

/// A table's figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableStatus {
    /// Keys with any entry, deletions included.
    pub keys: usize,
    /// Rows stored, those that nobody sees any more but are not yet gone included.
    pub rows: usize,
    /// Chunks, the open one aside.
    pub chunks: usize,
    /// Of them, those that are not sealed.
    pub raw_chunks: usize,
    /// Memory: index, rows and bookkeeping, estimated from sizes. [bytes]
    pub bytes: usize,
    /// Of `bytes`, chunks with rows later than any flush: what a flush would write.
    pub unflushed_bytes: usize,
    /// The last flush's `upto`.
    pub flushed: Ts,
}

impl KeyRange {
    /// Every key.
    pub fn all() -> Self {
        Self::default()
    }

    /// True for every key.
    pub(crate) fn is_all(&self) -> bool {
        self.from.is_empty() && self.to.is_none()
    }

    /// Whether a key is inside.
    pub fn contains(&self, key: &[u8]) -> bool {
        *key >= *self.from && self.to.as_ref().is_none_or(|to| *key < **to)
    }

    fn is_empty(&self) -> bool {
        self.to.as_ref().is_some_and(|to| *to <= self.from)
    }

    fn bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        let to = self.to.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        (Bound::Included(&self.from), to)
    }
}

impl TableTail {
    pub(crate) fn new(table: TableId, limits: Limits, horizon: Arc<Horizon>) -> Self {
        Self { table, limits, horizon, state: RwLock::default() }
    }

    /// The table.
    pub fn table(&self) -> TableId {
        self.table
    }

    /// The newest definition, if there is one yet (L4).
    pub fn shape(&self) -> Option<Arc<TableShape>> {
        self.state.read().shape.clone()
    }

    /// Takes a definition; one that is not newer changes nothing.
    pub(crate) fn define(&self, shape: TableShape) -> Result<(), TailError> {
        let mut state = self.state.write();
        if let Some(before) = state.shape.as_ref().filter(|has| has.version >= shape.version)
            && before.slots.len() >= shape.slots.len()
        {
            return Ok(());
        }
        shape.check(state.shape.as_ref())?;
        state.shape = Some(Arc::new(shape));
        let again = std::mem::take(&mut state.unsealable);
        state.raw.extend(again);
        Ok(())
    }

    /// Its figures.
    pub fn status(&self) -> TableStatus {
        let state = self.state.read();
        let flushed = state.last_floor();
        let is_new = |chunk: &&Arc<Chunk>| chunk.begins.1 > flushed;
        let chunk_bytes = |chunk: &Arc<Chunk>| chunk.bytes;
        let all: usize = state.chunks.values().map(chunk_bytes).sum();
        let new: usize = state.chunks.values().filter(is_new).map(chunk_bytes).sum();
        let has_new = state.open.last.iter().any(|row| row.begin > flushed);
        TableStatus {
            keys: state.index.len(),
            rows: state.chunks.values().map(|chunk| chunk.rows).sum::<usize>() + state.open.len(),
            chunks: state.chunks.len(),
            raw_chunks: state.chunks.values().filter(|chunk| chunk.raw().is_some()).count(),
            bytes: all
                + state.open.bytes
                + state.index.len() * ENTRY_BYTES
                + state.key_bytes
                + state.chain_bytes
                + state.garbage.len() * size_of::<(Ts, Key)>(),
            unflushed_bytes: new + if has_new { state.open.bytes } else { 0 },
            flushed,
        }
    }
}

impl State {
    /// What a reader at `ts` finds in objects (L5).
    fn floor(&self, ts: Ts) -> Ts {
        let seen = self.floors.iter().rev().find(|floor| floor.at <= ts);
        seen.map_or(self.settled, |floor| floor.upto.max(self.settled))
    }

    fn last_floor(&self) -> Ts {
        self.floors.last().map_or(self.settled, |floor| floor.upto.max(self.settled))
    }

    /// The row of a version moves its end to `ts`.
    fn end(&self, version: Version, ts: Ts) {
        if version.chunk == self.open_id {
            if let Some(row) = self.open.get(version.row) {
                row.end.store(ts.0, std::sync::atomic::Ordering::Release);
            }
        } else if let Some(chunk) = self.chunks.get(&version.chunk)
            && let Some(place) = chunk.place(version.row)
        {
            chunk.set_end(place, ts);
        }
    }
}
