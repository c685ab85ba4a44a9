//! A transaction's own changes, before they are committed.
//!
//! - W1: of each key the last change counts; a key that was changed back to what
//!   it was is still changed.
//! - W2: going back to a mark undoes exactly what came after it.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;
use holdfast_api::txn::{Change, Part};
use holdfast_base::TableId;

/// Changes by table and key; `None` is a deletion.
#[derive(Debug, Default)]
pub struct Workspace {
    tables: BTreeMap<TableId, BTreeMap<Bytes, Option<Bytes>>>,
    undo: Vec<Undo>,
    bytes: usize,
}

#[derive(Debug)]
struct Undo {
    table: TableId,
    key: Bytes,
    /// What was there: nothing, or a change.
    before: Option<Option<Bytes>>,
}

/// A moment to go back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(usize);

impl Workspace {
    /// Changes a key.
    pub fn put(&mut self, table: TableId, key: Bytes, row: Option<Bytes>) {
        let size = |row: &Option<Bytes>| row.as_ref().map_or(0, Bytes::len);
        self.bytes += key.len() + size(&row);
        let before = self.tables.entry(table).or_default().insert(key.clone(), row);
        if let Some(before) = &before {
            self.bytes = self.bytes.saturating_sub(key.len() + size(before));
        }
        self.undo.push(Undo { table, key, before });
    }

    /// What was changed of a key.
    pub fn get(&self, table: TableId, key: &[u8]) -> Option<&Option<Bytes>> {
        self.tables.get(&table)?.get(key)
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
    pub fn changed(&self) -> impl Iterator<Item = TableId> + '_ {
        self.tables.iter().filter(|(_, keys)| !keys.is_empty()).map(|(table, _)| *table)
    }

    /// Every change of a table, in key order.
    pub fn all(&self, table: TableId) -> Option<&BTreeMap<Bytes, Option<Bytes>>> {
        self.tables.get(&table).filter(|keys| !keys.is_empty())
    }

    /// True where nothing was changed.
    pub fn is_empty(&self) -> bool {
        self.tables.values().all(BTreeMap::is_empty)
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
            let Some(undo) = self.undo.pop() else { return };
            let Some(keys) = self.tables.get_mut(&undo.table) else { continue };
            let size = |row: &Option<Bytes>| row.as_ref().map_or(0, Bytes::len);
            let length = undo.key.len();
            let gone = match undo.before {
                Some(before) => {
                    self.bytes += length + size(&before);
                    keys.insert(undo.key, before)
                }
                None => keys.remove(&undo.key),
            };
            if let Some(gone) = gone {
                self.bytes = self.bytes.saturating_sub(length + size(&gone));
            }
        }
    }

    /// The changes as a record has them. `schema` tells a table's version.
    pub fn parts(&self, mut schema: impl FnMut(TableId) -> u32) -> Vec<Part> {
        let part = |(table, keys): (&TableId, &BTreeMap<Bytes, Option<Bytes>>)| Part::Rows {
            table: *table,
            schema: schema(*table),
            changes: keys
                .iter()
                .map(|(key, row)| Change { key: key.clone(), row: row.clone() })
                .collect(),
        };
        self.tables.iter().filter(|(_, keys)| !keys.is_empty()).map(part).collect()
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
