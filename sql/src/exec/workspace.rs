//! A transaction's own changes, before they are committed.
//!
//! - W1: of each key the last change counts; a key that was changed back to what
//!   it was is still changed.
//! - W2: going back to a mark undoes exactly what came after it.
//! - W3: what a large statement has put into objects lies below the changes in memory:
//!   a change in memory hides the row of its key there.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use holdfast_api::txn::{Change, Part};
use holdfast_base::TableId;
use holdfast_objects::TableObjects;

/// Changes by table and key; `None` is a deletion.
#[derive(Debug, Default)]
pub struct Workspace {
    tables: BTreeMap<TableId, BTreeMap<Bytes, Option<Bytes>>>,
    undo: Vec<Undo>,
    bytes: usize,
    /// Rows that lie in objects which no manifest names yet (W3).
    written: BTreeMap<TableId, Arc<TableObjects>>,
}

#[derive(Debug)]
enum Undo {
    Put {
        table: TableId,
        key: Bytes,
        /// What was there: nothing, or a change.
        before: Option<Option<Bytes>>,
    },
    Written {
        table: TableId,
        /// The objects that there were.
        before: Option<Arc<TableObjects>>,
    },
}

/// Rows in the order of their keys, by table.
pub type FreshRows = BTreeMap<TableId, Vec<(Bytes, Bytes)>>;

/// A moment to go back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(usize);

impl Mark {
    /// Before everything.
    pub const START: Self = Self(0);
}

impl Workspace {
    /// Changes a key.
    pub fn put(&mut self, table: TableId, key: Bytes, row: Option<Bytes>) {
        let size = |row: &Option<Bytes>| row.as_ref().map_or(0, Bytes::len);
        self.bytes += key.len() + size(&row);
        let before = self.tables.entry(table).or_default().insert(key.clone(), row);
        if let Some(before) = &before {
            self.bytes = self.bytes.saturating_sub(key.len() + size(before));
        }
        self.undo.push(Undo::Put { table, key, before });
    }

    /// What was changed of a key.
    pub fn get(&self, table: TableId, key: &[u8]) -> Option<&Option<Bytes>> {
        self.tables.get(&table)?.get(key)
    }

    /// Whether a key may have been changed.
    pub fn touches(&self, table: TableId, key: &[u8]) -> bool {
        self.get(table, key).is_some() || self.written.contains_key(&table)
    }

    /// The changes of a table in a range of keys.
    pub fn range<'a>(
        &'a self,
        table: TableId,
        from: &[u8],
        to: Option<&[u8]>,
    ) -> impl DoubleEndedIterator<Item = (&'a Bytes, &'a Option<Bytes>)> {
        let is_empty = to.is_some_and(|to| to <= from);
        let to = to.map_or(Bound::Unbounded, Bound::Excluded);
        let range = self.tables.get(&table).filter(|_| !is_empty);
        range.into_iter().flat_map(move |keys| keys.range::<[u8], _>((Bound::Included(from), to)))
    }

    /// The tables that have changes.
    pub fn changed(&self) -> BTreeSet<TableId> {
        let in_memory = self.tables.iter().filter(|(_, keys)| !keys.is_empty());
        in_memory.map(|(table, _)| *table).chain(self.written.keys().copied()).collect()
    }

    /// The rows of a table that lie in objects already (W3).
    pub fn written(&self, table: TableId) -> Option<&Arc<TableObjects>> {
        self.written.get(&table)
    }

    /// True where rows lie in objects already.
    pub fn has_written(&self) -> bool {
        !self.written.is_empty()
    }

    /// What a table's changes take in memory, and `each` for every one. [bytes]
    pub fn bytes_of(&self, table: TableId, each: usize) -> usize {
        let size = |row: &Option<Bytes>| row.as_ref().map_or(0, Bytes::len);
        let keys = self.tables.get(&table).into_iter().flatten();
        keys.map(|(key, row)| key.len() + size(row) + each).sum()
    }

    /// Keys that were changed in memory.
    pub fn changes(&self) -> usize {
        self.tables.values().map(BTreeMap::len).sum()
    }

    /// Takes all changes of a table that are in memory. There is no way back.
    pub fn take_all(&mut self, table: TableId) -> BTreeMap<Bytes, Option<Bytes>> {
        self.tables.remove(&table).unwrap_or_default()
    }

    /// Takes the rows of tables from `first` on out that were put after `mark` under keys
    /// that had no change before it; they are to come back by [`Workspace::note_written`].
    pub fn take_fresh(&mut self, mark: Mark, first: u64) -> FreshRows {
        let mut taken = FreshRows::new();
        let since = mark.0.min(self.undo.len());
        for undo in &self.undo[since..] {
            let Undo::Put { table, key, before: None } = undo else { continue };
            let Some(keys) = self.tables.get_mut(table).filter(|_| table.0 >= first) else {
                continue;
            };
            if let Some(Some(_)) = keys.get(key)
                && let Some((key, Some(row))) = keys.remove_entry(key)
            {
                self.bytes = self.bytes.saturating_sub(key.len() + row.len());
                taken.entry(*table).or_default().push((key, row));
            }
        }
        for rows in taken.values_mut() {
            rows.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        }
        let is_taken = |table: &TableId, key: &Bytes| {
            let rows = taken.get(table);
            rows.is_some_and(|rows| rows.binary_search_by(|(other, _)| other.cmp(key)).is_ok())
        };
        let mut at = 0;
        self.undo.retain(|undo| {
            at += 1;
            match undo {
                Undo::Put { table, key, .. } => at <= since || !is_taken(table, key),
                Undo::Written { .. } => true,
            }
        });
        taken
    }

    /// Rows of a table have been put into objects: these are all of them now.
    pub fn note_written(&mut self, objects: TableObjects) {
        let table = objects.shape.table;
        let before = self.written.insert(table, Arc::new(objects));
        self.undo.push(Undo::Written { table, before });
    }

    /// Every change of a table, in key order.
    pub fn all(&self, table: TableId) -> Option<&BTreeMap<Bytes, Option<Bytes>>> {
        self.tables.get(&table).filter(|keys| !keys.is_empty())
    }

    /// True where nothing was changed.
    pub fn is_empty(&self) -> bool {
        self.written.is_empty() && self.tables.values().all(BTreeMap::is_empty)
    }

    /// Keys and rows in it. [bytes]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Now.
    pub fn mark(&self) -> Mark {
        Mark(self.undo.len())
    }

    /// Undoes what came after `mark` (W2).
    pub fn back_to(&mut self, mark: Mark) {
        while self.undo.len() > mark.0 {
            let (table, key, before) = match self.undo.pop() {
                Some(Undo::Put { table, key, before }) => (table, key, before),
                Some(Undo::Written { table, before: Some(before) }) => {
                    self.written.insert(table, before);
                    continue;
                }
                Some(Undo::Written { table, before: None }) => {
                    self.written.remove(&table);
                    continue;
                }
                None => return,
            };
            let Some(keys) = self.tables.get_mut(&table) else { continue };
            let size = |row: &Option<Bytes>| row.as_ref().map_or(0, Bytes::len);
            let length = key.len();
            let gone = match before {
                Some(before) => {
                    self.bytes += length + size(&before);
                    keys.insert(key, before)
                }
                None => keys.remove(&key),
            };
            if let Some(gone) = gone {
                self.bytes = self.bytes.saturating_sub(length + size(&gone));
            }
        }
    }

    /// The changes in memory as a record has them, but those of tables that `leave` names.
    /// `schema` tells a table's version.
    pub fn parts(
        &self,
        leave: &BTreeSet<TableId>,
        mut schema: impl FnMut(TableId) -> u32,
    ) -> Vec<Part> {
        let part = |(table, keys): (&TableId, &BTreeMap<Bytes, Option<Bytes>>)| Part::Rows {
            table: *table,
            schema: schema(*table),
            changes: keys
                .iter()
                .map(|(key, row)| Change { key: key.clone(), row: row.clone() })
                .collect(),
        };
        let is_wanted = |(table, keys): &(&TableId, &BTreeMap<Bytes, Option<Bytes>>)| {
            !keys.is_empty() && !leave.contains(table)
        };
        self.tables.iter().filter(is_wanted).map(part).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn b(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[test]
    fn going_back_undoes_what_came_after_and_no_more() {
        let table = TableId(7);
        let mut space = Workspace::default();
        space.put(table, b("a"), Some(b("1")));
        let (mark, bytes) = (space.mark(), space.bytes());
        space.put(table, b("a"), None);
        space.put(table, b("b"), Some(b("22")));
        space.put(table, b("a"), Some(b("333")));
        space.back_to(mark);
        assert_eq!(space.get(table, b"a"), Some(&Some(b("1"))));
        assert_eq!(space.get(table, b"b"), None);
        assert_eq!(space.bytes(), bytes);
        space.back_to(Mark(0));
        assert!(space.is_empty());
        assert_eq!(space.bytes(), 0);
    }
}
