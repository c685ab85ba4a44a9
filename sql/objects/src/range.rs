//! Ranges of keys over all objects of a table, in key order.
//!
//! ```text
//! heap by key: [object b at "f"] [object a at "g"] [object c, not opened, from "m"]
//! ```
//!
//! The object with the next key gives rows as long as its keys come before the next
//! object's; an object is opened when it is its turn, and reads 1, 2, 4, 8 blocks ahead.
//!
//! - R1: an object stands in the heap once, at its next key, or, not opened yet, at a
//!   bound that none of its keys in the range comes before.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use holdfast_tail::{Direction, KeyRange};

use crate::block::{Block, Keys, ObjectRow, Part, Slots};
use crate::deletes::Parsed;
use crate::footer::Footer;
use crate::manifest::Object;
use crate::read::Reader;
use crate::{ObjectsError, TableObjects};

/// Blocks that are read at once, at most.
const AHEAD: u32 = 8;

/// Walks the rows of a range. It may be kept; what it does not see of later manifests
/// is the caller's choice of manifest.
pub struct ObjectCursor {
    reader: Reader,
    table: TableObjects,
    range: KeyRange,
    is_reverse: bool,
    walks: Vec<Walk>,
    heap: BinaryHeap<Next>,
    /// False while a batch is made: a call that failed or was dropped half way leaves
    /// rows out, and so must be the last one.
    is_whole: bool,
}

/// An object's place in the heap (R1).
struct Next {
    key: Bytes,
    walk: usize,
    is_reverse: bool,
}

/// An object on its way through the range.
struct Walk {
    object: Arc<Object>,
    open: Option<Open>,
}

struct Open {
    footer: Arc<Footer>,
    dead: Option<Arc<Parsed>>,
    /// Blocks that are still to be read.
    rest: Range<u32>,
    ahead: u32,
    /// Read already, in the order of the walk.
    read: VecDeque<(u32, Arc<Keys>, Arc<Slots>)>,
    now: Option<Now>,
}

/// The block that the walk is in; `rows` are those still to come, in the range.
struct Now {
    first: u32,
    keys: Arc<Keys>,
    slots: Arc<Slots>,
    rows: Range<usize>,
}

impl Reader {
    /// The rows of a range in key order.
    pub fn range(
        &self,
        table: &TableObjects,
        range: &KeyRange,
        direction: Direction,
    ) -> ObjectCursor {
        let is_reverse = direction == Direction::Reverse;
        let is_empty = range.to.as_ref().is_some_and(|to| *to <= range.from);
        let objects = table.within(range).filter(|_| !is_empty);
        let walks: Vec<Walk> =
            objects.map(|object| Walk { object: object.clone(), open: None }).collect();
        let next = |(walk, it): (usize, &Walk)| {
            let key = match is_reverse {
                true => it.object.last.clone(),
                false => it.object.first.clone(),
            };
            Next { key, walk, is_reverse }
        };
        let heap = walks.iter().enumerate().map(next).collect();
        let (reader, table, range) = (self.clone(), table.clone(), range.clone());
        ObjectCursor { reader, table, range, is_reverse, walks, heap, is_whole: true }
    }
}

impl ObjectCursor {
    /// Up to `limit` further rows; none: the range has ended. A key holds the keys of
    /// its block in memory, a row its block.
    ///
    /// # Errors
    /// The bucket's; bytes that do not parse. The cursor gives nothing after that.
    pub async fn next_batch(
        &mut self,
        limit: usize,
    ) -> Result<Vec<(Bytes, ObjectRow)>, ObjectsError> {
        if !self.is_whole {
            return Err(ObjectsError::Input("a cursor went on after it was broken off".into()));
        }
        self.is_whole = false;
        let mut rows = Vec::new();
        while rows.len() < limit {
            let Some(next) = self.heap.pop() else { break };
            self.run(next.walk, limit, &mut rows).await?;
        }
        self.is_whole = true;
        Ok(rows)
    }

    /// Rows of one object until another's turn; puts it back into the heap.
    async fn run(
        &mut self,
        walk: usize,
        limit: usize,
        rows: &mut Vec<(Bytes, ObjectRow)>,
    ) -> Result<(), ObjectsError> {
        let is_reverse = self.is_reverse;
        loop {
            if !self.settle(walk).await? {
                return Ok(()); // It has ended.
            }
            let Some(now) = self.walks[walk].open.as_mut().and_then(|open| open.now.as_mut())
            else {
                return Ok(());
            };
            let at = if is_reverse { now.rows.end - 1 } else { now.rows.start };
            let key = now.keys.key(at);
            let is_later = self.heap.peek().is_some_and(|other| match is_reverse {
                true => *key < *other.key,
                false => *key > *other.key,
            });
            // Also where an object was just opened, and begins later than its bound.
            if is_later || rows.len() >= limit {
                let key = now.keys.share(at);
                self.heap.push(Next { key, walk, is_reverse });
                return Ok(());
            }
            rows.push((now.keys.share(at), ObjectRow::new(now.slots.clone(), at)));
            if is_reverse { now.rows.end -= 1 } else { now.rows.start += 1 }
        }
    }

    /// Moves an object to its next row that is alive, opens it if need be; false: there
    /// is none.
    async fn settle(&mut self, walk: usize) -> Result<bool, ObjectsError> {
        let is_reverse = self.is_reverse;
        if self.walks[walk].open.is_none() {
            let object = self.walks[walk].object.clone();
            let open = self.open(&object).await?;
            self.walks[walk].open = Some(open);
        }
        let Some(open) = self.walks[walk].open.as_mut() else { return Ok(false) };
        loop {
            if let Some(now) = &mut open.now {
                while !now.rows.is_empty() {
                    let at = if is_reverse { now.rows.end - 1 } else { now.rows.start };
                    let row = now.first + at as u32;
                    if open.dead.as_ref().is_none_or(|dead| !dead.rows.contains(row)) {
                        return Ok(true);
                    }
                    if is_reverse { now.rows.end -= 1 } else { now.rows.start += 1 }
                }
                open.now = None;
            }
            if open.read.is_empty() {
                if open.rest.is_empty() {
                    return Ok(false);
                }
                open.read_ahead(&self.reader, is_reverse).await?;
            }
            if let Some((block, keys, slots)) = open.read.pop_front() {
                let from = keys.lower(&self.range.from);
                let to = self.range.to.as_ref().map_or(keys.len(), |to| keys.lower(to));
                let first = open.footer.block_rows(block).start;
                open.now = Some(Now { first, keys, slots, rows: from..to.max(from) });
            }
        }
    }

    async fn open(&self, object: &Arc<Object>) -> Result<Open, ObjectsError> {
        let table = self.table.shape.table;
        let footer = self.reader.footer(table, object).await?;
        let dead = self.reader.dead(table, object).await?;
        let from = footer.block_of(&self.range.from).unwrap_or(0);
        let firsts = &footer.blocks.firsts;
        let to = match &self.range.to {
            Some(to) => firsts.partition_point(|first| **first < **to),
            None => firsts.len(),
        };
        let rest = from..to as u32;
        Ok(Open { footer, dead, rest, ahead: 1, read: VecDeque::new(), now: None })
    }
}

impl Open {
    async fn read_ahead(&mut self, reader: &Reader, is_reverse: bool) -> Result<(), ObjectsError> {
        let count = self.ahead.min(self.rest.len() as u32);
        let (blocks, rest) = match is_reverse {
            true => (self.rest.end - count..self.rest.end, self.rest.start..self.rest.end - count),
            false => {
                (self.rest.start..self.rest.start + count, self.rest.start + count..self.rest.end)
            }
        };
        let numbers: Vec<u32> = blocks.collect();
        let found = reader.blocks(&self.footer, &numbers, Part::Both).await?;
        let mut read = Vec::with_capacity(found.len());
        for (block, Block { keys, slots }) in numbers.iter().zip(found) {
            read.push((*block, keys, slots));
        }
        let missing = read.iter().filter(|(_, _, slots)| slots.is_none());
        let missing: Vec<u32> = missing.map(|(block, _, _)| *block).collect();
        let mut others = reader.slots(&self.footer, &missing).await?.into_iter();
        for (block, keys, slots) in read {
            let slots = slots.or_else(|| others.next());
            let slots = slots.ok_or_else(|| crate::block::short(&self.footer))?;
            match is_reverse {
                true => self.read.push_front((block, keys, slots)),
                false => self.read.push_back((block, keys, slots)),
            }
        }
        self.rest = rest;
        self.ahead = (self.ahead * 2).min(AHEAD);
        Ok(())
    }
}

impl PartialEq for Next {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Next {}

impl PartialOrd for Next {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Next {
    /// The heap gives the greatest: what comes first in the walk is greater.
    fn cmp(&self, other: &Self) -> Ordering {
        let keys = self.key.cmp(&other.key);
        let keys = if self.is_reverse { keys } else { keys.reverse() };
        keys.then(other.walk.cmp(&self.walk))
    }
}
