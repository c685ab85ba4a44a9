//! Rows as a statement sees them: the tail at a timestamp under the transaction's own changes.
//!
//! - R1: a row of the workspace hides the tail's row of the same key.
//! - R2: a range gives each key once, in order.

use bytes::Bytes;
use holdfast_base::{TableId, Ts};
use holdfast_tail::table::KeyRange;
use holdfast_tail::{Direction, Lookup, RangeCursor, RowRef, Tail};
use holdfast_value::Value;

use super::workspace::Workspace;
use crate::catalog::Table;
use crate::error::Result;

/// What is seen.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The tail.
    pub tail: &'a Tail,
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
        }
    }
}

impl<'a> View<'a> {
    /// The row under a key.
    ///
    /// # Errors
    /// 1213: the timestamp is older than what is kept.
    pub fn get(&self, table: TableId, key: &[u8]) -> Result<Option<Row>> {
        if let Some(own) = self.own.get(table, key) {
            return Ok(own.clone().map(Row::Own));
        }
        let Some(tail) = self.tail.table(table) else { return Ok(None) };
        Ok(match tail.get(key, self.ts)? {
            Lookup::Row(row) => Some(Row::Stored(row)),
            Lookup::Deleted(_) | Lookup::Absent => None,
        })
    }

    /// The rows of a range of keys.
    ///
    /// # Errors
    /// As [`View::get`].
    pub fn range(&self, table: TableId, range: KeyRange, direction: Direction) -> Result<Rows<'a>> {
        let cursor = match self.tail.table(table) {
            Some(tail) => Some(tail.range(&range, self.ts, direction)?),
            None => None,
        };
        let mut own: Vec<(Bytes, Option<Bytes>)> = self
            .own
            .range(table, &range.from, range.to.as_deref())
            .map(|(key, row)| (key.clone(), row.clone()))
            .collect();
        if direction == Direction::Forward {
            own.reverse();
        }
        let is_reverse = direction == Direction::Reverse;
        Ok(Rows { cursor, batch: Vec::new(), own, is_reverse, step: FIRST_STEP, _view: self.own })
    }

    /// How many keys the tail has of a table, about: for choosing a way.
    pub fn size(&self, table: TableId) -> usize {
        let own = self.own.all(table).map_or(0, std::collections::BTreeMap::len);
        self.tail.table(table).map_or(0, |tail| tail.status().keys) + own
    }
}

/// Rows in the order of their keys.
pub struct Rows<'a> {
    cursor: Option<RangeCursor>,
    /// Of the tail, the next one last.
    batch: Vec<(Bytes, Option<RowRef>)>,
    /// Of the workspace, the next one last.
    own: Vec<(Bytes, Option<Bytes>)>,
    is_reverse: bool,
    step: usize,
    _view: &'a Workspace,
}

/// The first rows of a range are asked for in a small step: most ranges are short.
const FIRST_STEP: usize = 16;
const STEP: usize = 1024;

impl Rows<'_> {
    /// The next row and its key.
    ///
    /// # Errors
    /// None yet; objects will have some.
    #[allow(clippy::should_implement_trait, reason = "it errs, an iterator does not")]
    pub fn next(&mut self) -> Result<Option<(Bytes, Row)>> {
        loop {
            self.fill();
            let take_own = match (self.batch.last(), self.own.last()) {
                (None, None) => return Ok(None),
                (Some(_), None) => false,
                (None, Some(_)) => true,
                (Some((stored, _)), Some((own, _))) => {
                    let order = stored.cmp(own);
                    if order.is_eq() {
                        // R1
                        self.batch.pop();
                        true
                    } else {
                        order.is_gt() != self.is_reverse
                    }
                }
            };
            if take_own {
                if let Some((key, Some(row))) = self.own.pop() {
                    return Ok(Some((key, Row::Own(row))));
                }
            } else if let Some((key, Some(row))) = self.batch.pop() {
                return Ok(Some((key, Row::Stored(row))));
            }
        }
    }

    fn fill(&mut self) {
        if !self.batch.is_empty() {
            return;
        }
        let Some(cursor) = &mut self.cursor else { return };
        let entries = cursor.next_batch(self.step);
        self.step = STEP;
        if entries.is_empty() {
            self.cursor = None;
        }
        let pair =
            |entry: holdfast_tail::RangeEntry| (Bytes::copy_from_slice(&entry.key), entry.row);
        self.batch = entries.into_iter().rev().map(pair).collect();
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
