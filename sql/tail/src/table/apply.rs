//! Changes of the log into the index and the open chunk.

use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use holdfast_api::txn::Change;
use holdfast_base::Ts;

use super::{State, TableTail};
use crate::Key;
use crate::chain::{Chain, Kind, Version};
use crate::chunk::{NEVER, RawRow};

impl TableTail {
    /// Puts a record's changes in. They are seen by readers at `ts` and later, of
    /// which there are none before the tail says that it is applied (L1).
    pub(crate) fn apply(&self, ts: Ts, schema: u32, changes: &[Change]) {
        for changes in changes.chunks(self.limits.step_rows) {
            let mut state = self.state.write();
            if ts <= state.settled {
                return;
            }
            for change in changes {
                state.put(ts, schema, change);
                if state.open.len() >= self.limits.chunk_rows {
                    state.close();
                }
            }
        }
        while self.state.read().raw.len() > self.limits.raw_chunks {
            if !self.seal_one() {
                break;
            }
        }
    }
}

impl State {
    fn put(&mut self, ts: Ts, schema: u32, change: &Change) {
        let key = Key::new(&change.key);
        let (row, kind) = match &change.row {
            Some(row) => {
                let end = AtomicU64::new(NEVER);
                let row = RawRow { key: key.clone(), begin: ts, end, row: row.clone() };
                (self.open.push(row, schema), Kind::Row)
            }
            None => (0, Kind::Deleted),
        };
        let version = Version { ts, chunk: self.open_id, row, kind };
        let before = match self.index.entry(key) {
            Entry::Vacant(entry) => {
                self.key_bytes += entry.key().heap_bytes();
                entry.insert(Chain::One(version));
                return;
            }
            Entry::Occupied(mut entry) => {
                self.garbage.push_back((ts, entry.key().clone()));
                let chain = entry.get_mut();
                let before = chain.newest();
                let heap_bytes = chain.heap_bytes();
                chain.push(version);
                self.chain_bytes += chain.heap_bytes() - heap_bytes;
                before
            }
        };
        if let Some(before) = before.filter(|before| before.kind == Kind::Row) {
            self.end(before, ts);
        }
    }

    /// The open chunk is full: it grows no more, another one begins.
    fn close(&mut self) {
        let chunk = self.open.close();
        let id = self.open_id;
        if chunk.is_half_dead() {
            self.sparse.insert(id);
        }
        self.chunks.insert(id, Arc::new(chunk));
        self.raw.push_back(id);
        // Four billion chunks are more rows than a table's timestamps.
        self.open_id = id.checked_add(1).expect("a tail has fewer than 2^32 chunks");
    }
}
