//! What was read and decoded, in memory: footers, blocks, deletion vectors.
//!
//! Second chance (Corbató, 1968): what was asked for since the hand passed it last
//! stays for another round, all else goes in the order it came. A hit takes a shared
//! lock and sets a flag.
//!
//! - C1: the bytes of all entries together are at most the limit given to `new`.
//! - C2: an entry's key says all that its content depends on: objects never change, and
//!   a deletion vector that lies in a manifest is compared before it is taken.
//! - C3: what an object that was removed had here goes with it, not once its turn comes: until
//!   the limit is reached no turn comes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::RwLock;

use crate::ObjectId;
use crate::block::{Keys, Slots};
use crate::deletes::Parsed;
use crate::footer::Footer;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Name {
    Footer(ObjectId),
    /// A block's keys.
    Keys(ObjectId, u32),
    /// A block's slots.
    Slots(ObjectId, u32),
    /// The deletion vector that an object has in a manifest.
    Inline(ObjectId),
    /// A deletion vector that is an object of its own.
    Deletes(ObjectId),
}

/// An entry.
#[derive(Clone, Debug)]
pub(crate) enum Cached {
    Footer(Arc<Footer>),
    Keys(Arc<Keys>),
    Slots(Arc<Slots>),
    Deletes(Arc<Parsed>),
}

#[derive(Debug)]
struct Entry {
    what: Cached,
    bytes: usize,
    is_wanted: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<Name, Entry>,
    /// Each entry once; the hand is at the front.
    ring: VecDeque<Name>,
    bytes: usize,
}

/// The cache.
#[derive(Debug)]
pub(crate) struct Cache {
    limit: usize,
    /// Protects the entries; taken alone.
    state: RwLock<State>,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl Cache {
    /// A cache of up to `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            state: RwLock::default(),
            hits: AtomicU64::default(),
            misses: AtomicU64::default(),
        }
    }

    pub fn footer(&self, id: ObjectId) -> Option<Arc<Footer>> {
        match self.get(Name::Footer(id)) {
            Some(Cached::Footer(footer)) => Some(footer),
            _ => None,
        }
    }

    pub fn keys(&self, id: ObjectId, block: u32) -> Option<Arc<Keys>> {
        match self.get(Name::Keys(id, block)) {
            Some(Cached::Keys(keys)) => Some(keys),
            _ => None,
        }
    }

    pub fn slots(&self, id: ObjectId, block: u32) -> Option<Arc<Slots>> {
        match self.get(Name::Slots(id, block)) {
            Some(Cached::Slots(slots)) => Some(slots),
            _ => None,
        }
    }

    pub fn deletes(&self, name: Name) -> Option<Arc<Parsed>> {
        match self.get(name) {
            Some(Cached::Deletes(parsed)) => Some(parsed),
            _ => None,
        }
    }

    fn get(&self, name: Name) -> Option<Cached> {
        let state = self.state.read();
        let Some(entry) = state.entries.get(&name) else {
            self.misses.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        self.hits.fetch_add(1, Ordering::Relaxed);
        // A flag that is set already is not written: the line stays shared among cores.
        if !entry.is_wanted.load(Ordering::Relaxed) {
            entry.is_wanted.store(true, Ordering::Relaxed);
        }
        Some(entry.what.clone())
    }

    /// Keeps an entry of that size, in the place of one of the same name.
    pub fn put(&self, name: Name, what: Cached, bytes: usize) {
        let bytes = bytes + size_of::<Entry>() + 2 * size_of::<Name>();
        if bytes > self.limit {
            return;
        }
        let mut state = self.state.write();
        let entry = Entry { what, bytes, is_wanted: AtomicBool::new(false) };
        match state.entries.insert(name, entry) {
            Some(before) => state.bytes -= before.bytes,
            None => state.ring.push_back(name),
        }
        state.bytes += bytes;
        while state.bytes > self.limit {
            let Some(name) = state.ring.pop_front() else { break };
            let Some(entry) = state.entries.get(&name) else { continue };
            if entry.is_wanted.swap(false, Ordering::Relaxed) {
                state.ring.push_back(name);
            } else if let Some(entry) = state.entries.remove(&name) {
                state.bytes -= entry.bytes;
            }
        }
    }

    /// Removes all that these objects have (C3).
    pub fn forget(&self, objects: impl Iterator<Item = ObjectId>) {
        let mut objects = objects.peekable();
        if objects.peek().is_none() {
            return;
        }
        let mut state = self.state.write();
        for id in objects {
            let blocks = state.entries.range(Name::Keys(id, 0)..=Name::Keys(id, u32::MAX));
            let mut names: Vec<Name> = blocks.map(|(name, _)| *name).collect();
            let blocks = state.entries.range(Name::Slots(id, 0)..=Name::Slots(id, u32::MAX));
            names.extend(blocks.map(|(name, _)| *name));
            names.extend([Name::Footer(id), Name::Inline(id), Name::Deletes(id)]);
            for name in names {
                if let Some(entry) = state.entries.remove(&name) {
                    state.bytes -= entry.bytes;
                }
            }
        }
        let State { entries, ring, .. } = &mut *state;
        ring.retain(|name| entries.contains_key(name));
    }

    /// Bytes, hits, misses.
    pub fn figures(&self) -> (usize, u64, u64) {
        let bytes = self.state.read().bytes;
        (bytes, self.hits.load(Ordering::Relaxed), self.misses.load(Ordering::Relaxed))
    }
}
