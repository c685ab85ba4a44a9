//! What the cache says of itself.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// The cache's figures, since the start where they count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheStatus {
    /// Its directory.
    pub path: String,
    /// Why it does not serve until the next start, if it does not.
    pub off: Option<String>,
    /// Its files may take so much. [bytes]
    pub limit_bytes: u64,
    /// Its files take so much. [bytes]
    pub file_bytes: u64,
    /// What it holds of objects. [bytes]
    pub held_bytes: u64,
    /// Slots that hold something.
    pub slots: u64,
    /// Parts of blocks that it gave, from its disk or from its queue.
    pub hits: u64,
    /// Parts of blocks that it did not have.
    pub misses: u64,
    /// What the hits gave. [bytes]
    pub hit_bytes: u64,
    /// What was read of the bucket. [bytes]
    pub fetched_bytes: u64,
    /// Misses that waited for the same read of somebody else.
    pub shared: u64,
    /// Slots written.
    pub written: u64,
    /// Blocks that were not written, as the queue was full.
    pub dropped: u64,
    /// Blocks that wait to be written.
    pub queued: u64,
    /// Slots that went for others.
    pub evictions: u64,
    /// Slots that did not hold what was written: torn, rotten, foreign.
    pub corrupt: u64,
    /// Operations of its disk that went wrong.
    pub errors: u64,
    /// Slots that were found at the start.
    pub restored: u64,
}

/// What only grows.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub hits: AtomicU64,
    pub misses: AtomicU64,
    pub hit_bytes: AtomicU64,
    pub fetched_bytes: AtomicU64,
    pub shared: AtomicU64,
    pub written: AtomicU64,
    pub dropped: AtomicU64,
    pub corrupt: AtomicU64,
    pub errors: AtomicU64,
    pub restored: AtomicU64,
}

pub(crate) fn add(count: &AtomicU64, more: u64) {
    count.fetch_add(more, Ordering::Relaxed);
}

impl Counts {
    /// Themselves, in a status that says nothing else.
    pub fn status(&self) -> CacheStatus {
        let now = |count: &AtomicU64| count.load(Ordering::Relaxed);
        CacheStatus {
            hits: now(&self.hits),
            misses: now(&self.misses),
            hit_bytes: now(&self.hit_bytes),
            fetched_bytes: now(&self.fetched_bytes),
            shared: now(&self.shared),
            written: now(&self.written),
            dropped: now(&self.dropped),
            corrupt: now(&self.corrupt),
            errors: now(&self.errors),
            restored: now(&self.restored),
            ..CacheStatus::default()
        }
    }
}
