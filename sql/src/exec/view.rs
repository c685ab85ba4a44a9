//! Rows as a statement sees them: the transaction's own changes over the tail over objects.
//!
//! ```text
//! own changes   in memory, then objects that a large transaction has written
//! tail          versions after the floor of the timestamp; a deletion hides, too
//! objects       those of the manifest of the timestamp
//! ```
//!
//! - R1: what is above hides what is below under the same key.
//! - R2: a range gives each key once, in order.

use bytes::Bytes;
use holdfast_base::{TableId, Ts};
use holdfast_objects::{ObjectCursor, ObjectRow};
use holdfast_tail::table::KeyRange;
use holdfast_tail::{Direction, Key, Lookup, RangeCursor, RowRef};
use holdfast_value::Value;

use super::workspace::Workspace;
use crate::catalog::Table;
use crate::engine::Engine;
use crate::error::Result;

/// What is seen.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// Tail and objects.
    pub engine: &'a Engine,
    /// As of when.
    pub ts: Ts,
    /// The transaction's own changes.
    pub own: &'a Workspace,
}

/// A row.
#[derive(Clone, Debug)]
pub enum Row {
    /// Of the tail.
    Stored(RowRef),
    /// Of the workspace.
    Own(Bytes),
    /// Of an object.
    Object(ObjectRow),
}

impl Row {
    /// Its values, by column.
    ///
    /// # Errors
    /// 1712: bytes that do not parse.
    pub fn values(&self, table: &Table) -> Result<Vec<Value>> {
        match self {
            Self::Stored(row) => table.read(row),
            Self::Own(row) => table.decode(row),
            Self::Object(row) => table.read_object(row),
        }
    }

    /// The values of some slots, in their order.
    ///
    /// # Errors
    /// As [`Row::values`].
    pub fn slots(&self, table: &Table, slots: &[usize]) -> Result<Vec<Value>> {
        match self {
            Self::Stored(row) => Ok(row.values(&table.shape, slots)?),
            Self::Own(row) => table.decode_slots(row, slots),
            Self::Object(row) => Ok(row.values(&table.shape, slots)?),
        }
    }

    /// The row's key that an index entry leads to.
    ///
    /// # Errors
    /// 1712: bytes that do not parse.
    pub fn leads_to(&self) -> Result<Bytes> {
        match self {
            Self::Own(row) => crate::catalog::row_key(row),
            Self::Stored(row) => match row.bytes() {
                Some(bytes) => crate::catalog::row_key(bytes),
                None => crate::catalog::stored_row_key(row),
            },
            Self::Object(row) => crate::catalog::object_row_key(row),
        }
    }
}

impl<'a> View<'a> {
    /// The row under a key.
    ///
    /// # Errors
    /// 1213: the timestamp is older than what is kept; 1030: an object cannot be read.
    pub async fn get(&self, table: TableId, key: &[u8]) -> Result<Option<Row>> {
        if let Some(own) = self.own.get(table, key) {
            return Ok(own.clone().map(Row::Own));
        }
        let reader = &self.engine.store.reader;
        if let Some(written) = self.own.written(table)
            && let Some(row) = reader.get(written, key).await?
        {
            return Ok(Some(Row::Object(row)));
        }
        if let Some(tail) = self.engine.tail.table(table) {
            match tail.get(key, self.ts)? {
                Lookup::Row(row) => return Ok(Some(Row::Stored(row))),
                Lookup::Deleted(_) => return Ok(None),
                Lookup::Absent => {}
            }
        }
        match self.engine.objects(table, self.ts) {
            Some(objects) => Ok(reader.get(&objects, key).await?.map(Row::Object)),
            None => Ok(None),
        }
    }

    /// The rows of a range of keys.
    ///
    /// # Errors
    /// As [`View::get`].
    pub fn range(&self, table: TableId, range: KeyRange, direction: Direction) -> Result<Rows<'a>> {
        let mut own: Batch = self
            .own
            .range(table, &range.from, range.to.as_deref())
            .map(|(key, row)| (Key::new(key), row.clone().map(Row::Own)))
            .collect();
        if direction == Direction::Forward {
            own.reverse();
        }
        let mut runs = vec![Run { batch: own, more: More::Nothing }];
        let reader = &self.engine.store.reader;
        if let Some(written) = self.own.written(table) {
            runs.push(Run::of(More::Objects(reader.range(written, &range, direction))));
        }
        if let Some(tail) = self.engine.tail.table(table) {
            runs.push(Run::of(More::Tail(tail.range(&range, self.ts, direction)?)));
        }
        if let Some(objects) = self.engine.objects(table, self.ts) {
            runs.push(Run::of(More::Objects(reader.range(&objects, &range, direction))));
        }
        let is_reverse = direction == Direction::Reverse;
        Ok(Rows { runs, is_reverse, step: FIRST_STEP, _view: self.own })
    }

    /// How many rows a table has, about: for choosing a way.
    pub fn size(&self, table: TableId) -> usize {
        let own = self.own.all(table).map_or(0, std::collections::BTreeMap::len);
        let written = self.own.written(table).map_or(0, |objects| objects.manifest.rows());
        let tail = self.engine.tail.table(table).map_or(0, |tail| tail.status().keys);
        let objects = self.engine.objects(table, self.ts);
        let flushed = objects.map_or(0, |objects| objects.manifest.rows());
        own + tail + (written + flushed) as usize
    }
}

/// Rows in the order of their keys.
pub struct Rows<'a> {
    /// What is above comes first (R1).
    runs: Vec<Run>,
    is_reverse: bool,
    step: usize,
    _view: &'a Workspace,
}

/// Keys and rows; none: a deletion.
type Batch = Vec<(Key, Option<Row>)>;

/// One layer's part of a range.
struct Run {
    /// The next one last.
    batch: Batch,
    more: More,
}

enum More {
    Nothing,
    Tail(RangeCursor),
    Objects(ObjectCursor),
}

/// The first rows of a range are asked for in a small step: most ranges are short.
const FIRST_STEP: usize = 16;
const STEP: usize = 1024;

impl Rows<'_> {
    /// The next row and its key.
    ///
    /// # Errors
    /// 1030: an object cannot be read.
    #[allow(clippy::should_implement_trait, reason = "it waits and errs, an iterator does not")]
    pub async fn next(&mut self) -> Result<Option<(Key, Row)>> {
        loop {
            for run in &mut self.runs {
                if run.batch.is_empty() && run.fill(self.step).await? {
                    self.step = STEP;
                }
            }
            let Some(first) = self.first() else { return Ok(None) };
            let Some((key, row)) = self.runs[first].batch.pop() else { return Ok(None) };
            for run in &mut self.runs[first + 1..] {
                if run.batch.last().is_some_and(|(other, _)| *other == key) {
                    run.batch.pop();
                }
            }
            if let Some(row) = row {
                return Ok(Some((key, row)));
            }
        }
    }

    /// The run whose key comes first; of equal ones the one above.
    fn first(&self) -> Option<usize> {
        let mut best: Option<(usize, &Key)> = None;
        for (at, run) in self.runs.iter().enumerate() {
            let Some((key, _)) = run.batch.last() else { continue };
            let is_first = best.is_none_or(|(_, other)| match self.is_reverse {
                true => key > other,
                false => key < other,
            });
            if is_first {
                best = Some((at, key));
            }
        }
        best.map(|(at, _)| at)
    }
}

impl Run {
    fn of(more: More) -> Self {
        Self { batch: Vec::new(), more }
    }

    /// Takes the next entries; false: nothing was asked for.
    async fn fill(&mut self, step: usize) -> Result<bool> {
        let mut batch: Batch = match &mut self.more {
            More::Nothing => return Ok(false),
            More::Tail(cursor) => {
                let entries = cursor.next_batch(step).into_iter();
                entries.map(|entry| (entry.key, entry.row.map(Row::Stored))).collect()
            }
            More::Objects(cursor) => {
                let entries = cursor.next_batch(step).await?;
                let pair = |(key, row): (Bytes, _)| (Key::new(&key), Some(Row::Object(row)));
                entries.into_iter().map(pair).collect()
            }
        };
        if batch.is_empty() {
            self.more = More::Nothing;
        }
        batch.reverse();
        self.batch = batch;
        Ok(true)
    }
}

/// The range of all keys that begin with `prefix`.
pub fn prefix_range(prefix: &[u8]) -> KeyRange {
    KeyRange { from: prefix.to_vec(), to: holdfast_value::key::prefix_end(prefix) }
}

/// A table's rows, all of them.
pub fn whole() -> KeyRange {
    KeyRange::all()
}
