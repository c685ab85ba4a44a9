//! The immutable part of all tables on this node: which objects there are, and the jobs
//! that write, merge and remove them.
//!
//! ```text
//! tail -- flush --> objects -- compact --> fewer objects      one edit of a manifest each
//! everything flushed, system tables copied --> checkpoint --> log truncated
//! no snapshot and no checkpoint names it --> removed from the bucket
//! ```
//!
//! - F1: objects are durable before the record that names them is sent.
//! - F2: a reader at S takes the newest manifest with `at <= S`; the tail shows it what
//!   came after that manifest's `flushed` (tail, L5).
//! - F3: one job at a time changes manifests ([`Store::jobs`]), and its commit checks that
//!   nobody else did: of two the later one is refused.
//! - F4: a name is removed only when no snapshot, no newest manifest and no checkpoint that
//!   a start could take needs it.
//!
//! Not here: what is in an object (`holdfast_objects`), reading (`exec::view`, `exec::vectors`).

mod bulk;
mod checkpoint;
mod compact;
mod edit;
mod flush;
mod garbage;
mod keeper;
mod versions;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use holdfast_api::bucket::Bucket;
use holdfast_base::{TableId, Ts};
use holdfast_io::rng::Rng;
use holdfast_objects::manifest::{BadManifest, Edit};
use holdfast_objects::{ObjectId, Options, Reader, TableObjects};
use parking_lot::Mutex;

use crate::engine::Engine;
use crate::error::{Result, SqlError};

pub use bulk::{Change, largest};
pub use checkpoint::Checkpoint;
use versions::Versions;

/// When the store works, and how much it keeps.
#[derive(Clone, Copy, Debug)]
pub struct StoreLimits {
    /// Decoded blocks, footers and deletion vectors in memory. [bytes]
    pub cache_bytes: usize,
    /// A table whose tail holds so much is flushed. [bytes]
    pub flush_bytes: usize,
    /// All tails together may hold so much. [bytes]
    pub tail_bytes: usize,
    /// The log may grow so far before a checkpoint: what a start has to read. [bytes]
    pub log_bytes: u64,
    /// The most rows that a record of the log holds. [bytes]
    pub record_bytes: usize,
    /// Rows that a statement adds go into objects while it runs beyond so much. [bytes]
    pub spill_bytes: usize,
    /// A transaction may hold so many changes in memory. [bytes]
    pub changes_bytes: usize,
    /// How objects are cut.
    pub options: Options,
}

impl Default for StoreLimits {
    fn default() -> Self {
        Self {
            cache_bytes: 512 << 20,
            flush_bytes: 64 << 20,
            tail_bytes: 512 << 20,
            log_bytes: 128 << 20,
            record_bytes: 960 << 10,
            spill_bytes: 64 << 20,
            changes_bytes: 1 << 30,
            options: Options::default(),
        }
    }
}

/// See the module's header.
pub struct Store {
    /// Where objects lie.
    pub bucket: Arc<dyn Bucket>,
    /// Objects, read through caches.
    pub reader: Reader,
    /// Bounds.
    pub limits: StoreLimits,
    versions: Versions,
    /// F3. Taken before a manifest is read that is to be edited, kept until the edit has
    /// been applied. Nothing else is waited for under it but the bucket and the log.
    jobs: tokio::sync::Mutex<()>,
    /// Names that nobody will need, and since when.
    garbage: Mutex<Vec<(Ts, String)>>,
    /// T and C of the newest checkpoint.
    checkpointed: Mutex<(Ts, Ts)>,
    counts: Counts,
}

/// What the jobs have done.
#[derive(Debug, Default)]
struct Counts {
    flushes: AtomicU64,
    compactions: AtomicU64,
    checkpoints: AtomicU64,
    removed: AtomicU64,
    failures: AtomicU64,
}

/// The store's own figures.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StoreStatus {
    /// Tables and indexes with objects.
    pub tables: u64,
    /// Objects.
    pub objects: u64,
    /// Rows in them that are alive, index entries included.
    pub rows: u64,
    /// Their size. [bytes]
    pub bytes: u64,
    /// Flushes since the start.
    pub flushes: u64,
    /// Compactions since the start.
    pub compactions: u64,
    /// Checkpoints since the start.
    pub checkpoints: u64,
    /// Jobs that failed; they are tried again.
    pub failures: u64,
    /// Objects removed from the bucket since the start.
    pub removed: u64,
    /// Objects that wait for the last snapshot that needs them.
    pub waiting: u64,
    /// Everything in the log up to this timestamp is in objects.
    pub checkpointed: u64,
    /// Memory of the cache. [bytes]
    pub cache_bytes: u64,
    /// Reads that the cache answered.
    pub cache_hits: u64,
    /// Reads that it did not.
    pub cache_misses: u64,
}

impl Store {
    /// An empty one.
    pub fn new(bucket: Arc<dyn Bucket>, limits: StoreLimits) -> Self {
        Self {
            reader: Reader::new(Arc::clone(&bucket), limits.cache_bytes),
            bucket,
            limits,
            versions: Versions::default(),
            jobs: tokio::sync::Mutex::default(),
            garbage: Mutex::default(),
            checkpointed: Mutex::default(),
            counts: Counts::default(),
        }
    }

    /// The right to change manifests (F3).
    pub(crate) async fn job(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.jobs.lock().await
    }

    /// Its figures.
    pub fn status(&self) -> StoreStatus {
        let read = |count: &AtomicU64| count.load(std::sync::atomic::Ordering::Relaxed);
        let mut status = StoreStatus {
            flushes: read(&self.counts.flushes),
            compactions: read(&self.counts.compactions),
            checkpoints: read(&self.counts.checkpoints),
            failures: read(&self.counts.failures),
            removed: read(&self.counts.removed),
            waiting: self.garbage.lock().len() as u64,
            checkpointed: self.checkpointed.lock().0.0,
            ..StoreStatus::default()
        };
        for (_, manifest) in self.versions.all() {
            status.tables += u64::from(!manifest.objects.is_empty());
            status.objects += manifest.objects.len() as u64;
            status.rows += manifest.rows();
            status.bytes += manifest.bytes();
        }
        let reader = self.reader.status();
        status.cache_bytes = reader.cache_bytes as u64;
        (status.cache_hits, status.cache_misses) = (reader.hits, reader.misses);
        status
    }

    /// The size of a table's objects. [bytes]
    pub fn bytes_of(&self, table: TableId) -> u64 {
        self.versions.newest(table).bytes()
    }

    /// The rows of a table that are alive in objects.
    pub fn rows_of(&self, table: TableId) -> u64 {
        self.versions.newest(table).rows()
    }

    /// The tables that have a manifest.
    pub fn tables(&self) -> Vec<TableId> {
        self.versions.all().into_iter().map(|(table, _)| table).collect()
    }

    /// Takes an edit of the log; what `flushed` became, where it moved.
    ///
    /// # Errors
    /// 1712: it does not follow what is known.
    pub(crate) fn edited(&self, table: TableId, at: Ts, bytes: &[u8]) -> Result<Option<Ts>> {
        let bad = |error: BadManifest| SqlError::new(1712, format!("{table:?}: {error}"));
        let edit = Edit::decode(bytes).map_err(bad)?;
        self.versions.edit(table, at, &edit).map_err(bad)
    }

    /// Takes a checkpoint's manifests.
    pub(crate) fn loaded(&self, checkpoint: &Checkpoint) {
        for (table, manifest) in &checkpoint.tables {
            self.versions.load(*table, manifest.clone());
        }
        *self.checkpointed.lock() = (checkpoint.ts, checkpoint.made);
    }

    /// Forgets a table that was dropped and that no snapshot reads.
    pub(crate) fn forget(&self, table: TableId) {
        let names = self.versions.forget(table).into_iter();
        self.garbage.lock().extend(names.map(|name| (Ts(0), name)));
    }
}

impl Engine {
    /// A table's objects as a reader at `ts` sees them; none: there are none.
    pub fn objects(&self, table: TableId, ts: Ts) -> Option<Arc<TableObjects>> {
        self.store.versions.objects(table, ts, || self.tail.table(table)?.shape())
    }
}

/// A fresh name.
fn fresh_id(rng: &dyn Rng) -> ObjectId {
    ObjectId(u128::from_be_bytes(rng.id()))
}
