//! The background step: seals full chunks, frees what no snapshot sees, drops what
//! a flush has written, compacts what is left.
//!
//! Each part is bounded: `step_rows` keys under the write lock, or one chunk
//! outside of it and a copy of its ends under it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use holdfast_base::Ts;

use super::{State, TableTail};
use crate::chain::{Kind, Version};
use crate::chunk::{Chunk, Open, Replacement};

/// The parts of a table's state that freeing a row touches.
struct Rows<'a> {
    chunks: &'a BTreeMap<u32, Arc<Chunk>>,
    open: &'a Open,
    open_id: u32,
    sparse: &'a mut BTreeSet<u32>,
}

impl Rows<'_> {
    fn free(&mut self, version: Version) {
        if version.kind == Kind::Deleted {
            return;
        }
        if version.chunk == self.open_id {
            if let Some(row) = self.open.get(version.row) {
                row.end.store(0, Ordering::Release);
            }
            return;
        }
        let Some(chunk) = self.chunks.get(&version.chunk) else { return };
        if let Some(place) = chunk.place(version.row) {
            chunk.free(place);
            if chunk.is_half_dead() {
                self.sparse.insert(version.chunk);
            }
        }
    }
}

impl TableTail {
    /// One step for a horizon; true while there is more to do. One caller at a time.
    pub(crate) fn prune(&self, horizon: Ts) -> bool {
        let has_garbage = self.collect(horizon);
        let has_keys = self.walk(horizon);
        let has_raw = self.seal_one();
        let has_sparse = self.tidy_one();
        has_garbage || has_keys || has_raw || has_sparse
    }

    /// Frees versions that a newer one replaced at or before the horizon.
    fn collect(&self, horizon: Ts) -> bool {
        let is_due = |state: &State| state.garbage.front().is_some_and(|(ts, _)| *ts <= horizon);
        if !is_due(&self.state.read()) {
            return false;
        }
        let state = &mut *self.state.write();
        for _ in 0..self.limits.step_rows {
            if !is_due(state) {
                break;
            }
            let Some((_, key)) = state.garbage.pop_front() else { break };
            let Some(chain) = state.index.get_mut(&key) else { continue };
            let mut rows = Rows {
                chunks: &state.chunks,
                open: &state.open,
                open_id: state.open_id,
                sparse: &mut state.sparse,
            };
            let before = chain.heap_bytes();
            chain.prune(horizon, |version| rows.free(version));
            state.chain_bytes = (state.chain_bytes + chain.heap_bytes()).saturating_sub(before);
        }
        if state.garbage.capacity() > 4096.max(4 * state.garbage.len()) {
            state.garbage.shrink_to(2 * state.garbage.len());
        }
        is_due(state)
    }

    /// Drops entries that objects hold for everybody above the horizon (L5).
    fn walk(&self, horizon: Ts) -> bool {
        if self.state.read().due(horizon).is_none() {
            return false;
        }
        let state = &mut *self.state.write();
        let Some((upto, from)) = state.due(horizon) else { return false };
        let start = (from.clone(), Bound::Unbounded);
        let next = state.index.range(start).nth(self.limits.step_rows);
        let next = next.map(|(key, _)| key.clone());
        let to = next.clone().map_or(Bound::Unbounded, Bound::Excluded);
        let mut rows = Rows {
            chunks: &state.chunks,
            open: &state.open,
            open_id: state.open_id,
            sparse: &mut state.sparse,
        };
        let (mut chain_bytes, mut key_bytes) = (state.chain_bytes, state.key_bytes);
        let gone = state.index.extract_if((from, to), |_, chain| {
            let before = chain.heap_bytes();
            let is_left = chain.take_out(|_, version| version.ts <= upto, |v| rows.free(v));
            let after = if is_left { chain.heap_bytes() } else { 0 };
            chain_bytes = (chain_bytes + after).saturating_sub(before);
            !is_left
        });
        for (key, _) in gone {
            key_bytes = key_bytes.saturating_sub(key.heap_bytes());
        }
        (state.chain_bytes, state.key_bytes) = (chain_bytes, key_bytes);
        match next {
            Some(key) => state.walk = Some((upto, Bound::Included(key))),
            None => {
                state.walk = None;
                state.settled = upto;
                state.floors.retain(|floor| floor.upto > upto);
            }
        }
        state.due(horizon).is_some()
    }

    /// Makes the oldest raw chunk columns; true if there was one to be made.
    pub(super) fn seal_one(&self) -> bool {
        let (id, chunk, shape) = {
            let mut state = self.state.write();
            let Some(shape) = state.shape.clone() else { return false };
            let Some(id) = state.raw.pop_front() else { return false };
            let Some(chunk) = state.chunks.get(&id).cloned() else { return true };
            if chunk.schema_max > shape.version {
                state.unsealable.insert(id);
                return true;
            }
            (id, chunk, shape)
        };
        self.rebuild(id, &chunk, &shape);
        true
    }

    /// Drops or compacts one chunk; true if there was one.
    fn tidy_one(&self) -> bool {
        if self.state.read().sparse.is_empty() {
            return false;
        }
        let (id, chunk, shape) = {
            let mut state = self.state.write();
            let Some(id) = state.sparse.pop_first() else { return false };
            let Some(chunk) = state.chunks.get(&id).cloned() else { return true };
            if chunk.is_dead() {
                state.chunks.remove(&id);
                state.unsealable.remove(&id);
                return true;
            }
            // A raw chunk sheds its dead rows when it is sealed.
            let Some(shape) = state.shape.clone().filter(|_| chunk.raw().is_none()) else {
                return true;
            };
            (id, chunk, shape)
        };
        self.rebuild(id, &chunk, &shape);
        true
    }

    fn rebuild(&self, id: u32, chunk: &Arc<Chunk>, shape: &crate::TableShape) {
        match chunk.rebuild(shape) {
            Ok(new) => self.state.write().replace(id, chunk, new),
            Err(error) => {
                tracing::error!(table = %self.table, chunk = id, %error, "rows stay as bytes");
                self.state.write().unsealable.insert(id);
            }
        }
    }
}

impl State {
    /// Up to where entries are to be dropped, and from which key on.
    fn due(&self, horizon: Ts) -> Option<(Ts, Bound<crate::Key>)> {
        if let Some(walk) = &self.walk {
            return Some(walk.clone());
        }
        let passed = self.floors.iter().rev().find(|floor| floor.at <= horizon)?;
        (passed.upto > self.settled).then_some((passed.upto, Bound::Unbounded))
    }

    /// A chunk takes another's place, unless that one went in the meantime.
    fn replace(&mut self, id: u32, old: &Arc<Chunk>, new: Replacement) {
        if !self.chunks.get(&id).is_some_and(|chunk| Arc::ptr_eq(chunk, old)) {
            return;
        }
        let chunk = old.replaced_by(new);
        self.sparse.remove(&id);
        if chunk.is_dead() {
            self.chunks.remove(&id);
            return;
        }
        if chunk.is_half_dead() {
            self.sparse.insert(id);
        }
        self.chunks.insert(id, Arc::new(chunk));
    }
}
