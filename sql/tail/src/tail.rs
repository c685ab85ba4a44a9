//! All tables' tails: records in, in log order; tables out, to be read.
//!
//! Not here: one table (`table`).

use std::collections::BTreeMap;
use std::sync::Arc;

use holdfast_api::txn::{Part, TxnRecord};
use holdfast_base::{Lsn, TableId, Ts};
use parking_lot::{Mutex, RwLock};

use crate::horizon::Horizon;
use crate::table::{Frozen, TableStatus};
use crate::wait::{Progress, WaitFor};
use crate::{Limits, Pin, TableShape, TableTail, TailError};

/// The tail of the log.
#[derive(Debug)]
pub struct Tail {
    limits: Limits,
    horizon: Arc<Horizon>,
    progress: Progress,
    /// Which tables there are. A table's own lock is not taken under it.
    tables: RwLock<BTreeMap<TableId, Arc<TableTail>>>,
    /// One applier at a time (L1). Taken before any other lock.
    applying: Mutex<()>,
    /// One `prune` at a time. Taken before any other lock but `applying`.
    pruning: Mutex<()>,
}

impl Tail {
    /// An empty tail.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits: limits.checked(),
            horizon: Arc::default(),
            progress: Progress::default(),
            tables: RwLock::default(),
            applying: Mutex::default(),
            pruning: Mutex::default(),
        }
    }

    /// Makes a table's columns known, or a later version of them. One that is not
    /// later changes nothing.
    ///
    /// # Errors
    /// [`TailError::Shape`] if it does not continue the one before.
    pub fn define(&self, shape: TableShape) -> Result<(), TailError> {
        self.get_or_add(shape.table).define(shape)
    }

    /// Applies a record of the log; one that was applied already changes nothing.
    ///
    /// # Errors
    /// [`TailError::OutOfOrder`]: the caller lost its place in the log.
    pub fn apply(&self, lsn: Lsn, record: &TxnRecord) -> Result<(), TailError> {
        let _one = self.applying.lock();
        let (applied, applied_lsn) = self.progress.applied();
        if record.ts <= applied {
            return match lsn <= applied_lsn {
                true => Ok(()),
                false => Err(TailError::OutOfOrder { given: record.ts, applied }),
            };
        }
        for part in &record.parts {
            match part {
                Part::Rows { table, schema, changes } => {
                    self.get_or_add(*table).apply(record.ts, *schema, changes);
                }
                // The caller decodes them, and tells by `drop_through` (L5).
                Part::Objects { .. } | Part::Checkpoint(_) => {}
            }
        }
        self.progress.advance(record.ts, lsn);
        Ok(())
    }

    /// Notes that the log holds no record between the last applied one and `ts`:
    /// where a tail begins, or what the transaction node says of a quiet log.
    pub fn advance(&self, ts: Ts, lsn: Lsn) {
        let _one = self.applying.lock();
        self.progress.advance(ts, lsn);
    }

    /// Up to where the log has been applied.
    pub fn applied(&self) -> (Ts, Lsn) {
        self.progress.applied()
    }

    /// Waits until everything up to `ts` has been applied; the deadline is the
    /// caller's.
    pub fn wait_for(&self, ts: Ts) -> WaitFor<'_> {
        self.progress.wait_for(ts)
    }

    /// A table's tail; `None`: the log had nothing of it yet, objects hold everything.
    pub fn table(&self, table: TableId) -> Option<Arc<TableTail>> {
        self.tables.read().get(&table).cloned()
    }

    /// All tables that the tail knows.
    pub fn tables(&self) -> Vec<Arc<TableTail>> {
        self.tables.read().values().cloned().collect()
    }

    /// Forgets a table that was dropped, once no snapshot needs it. Those who hold
    /// it keep it.
    pub fn forget(&self, table: TableId) {
        self.tables.write().remove(&table);
    }

    /// Holds the horizon at or below a snapshot while the pin lives.
    ///
    /// # Errors
    /// [`TailError::TooOld`].
    pub fn pin(&self, ts: Ts) -> Result<Pin, TailError> {
        self.horizon.pin(ts)
    }

    /// Reading below this is refused.
    pub fn horizon(&self) -> Ts {
        self.horizon.ts()
    }

    /// Moves the horizon to `oldest` as far as pins and the applied position let it,
    /// and does one bounded step of upkeep in each table. True while there is more
    /// to do: call again, at once or soon. Call it a few times a second even where
    /// `oldest` stands still: it also seals full chunks.
    pub fn prune(&self, oldest: Ts) -> bool {
        let _one = self.pruning.lock();
        let horizon = self.horizon.advance(oldest.min(self.progress.ts()));
        let mut has_more = false;
        for table in self.tables() {
            has_more |= table.prune(horizon);
        }
        has_more
    }

    /// What a flush of a table up to `upto` writes: of each key that changed since
    /// the last flush the newest version. `None`: the tail has nothing of the table.
    ///
    /// # Errors
    /// [`TailError::NotApplied`], [`TailError::TooOld`], [`TailError::Undefined`].
    pub fn frozen(&self, table: TableId, upto: Ts) -> Result<Option<Frozen>, TailError> {
        let applied = self.progress.ts();
        if upto > applied {
            return Err(TailError::NotApplied { given: upto, applied });
        }
        self.table(table).map(|table| table.frozen(upto)).transpose()
    }

    /// Notes a flush: objects hold all of the table up to `upto` for readers at or
    /// above `at`, the timestamp of the flush's record. To be called between making
    /// the objects known and applying that record (L5).
    ///
    /// # Errors
    /// [`TailError::Flush`] if flushes do not follow one another.
    pub fn drop_through(&self, table: TableId, upto: Ts, at: Ts) -> Result<(), TailError> {
        self.get_or_add(table).drop_through(upto, at)
    }

    /// The figures of all tables together; `flushed` is the least of theirs.
    pub fn status(&self) -> TableStatus {
        let mut all: Option<TableStatus> = None;
        for table in self.tables() {
            let one = table.status();
            all = Some(all.map_or(one, |all| TableStatus {
                keys: all.keys + one.keys,
                rows: all.rows + one.rows,
                chunks: all.chunks + one.chunks,
                raw_chunks: all.raw_chunks + one.raw_chunks,
                bytes: all.bytes + one.bytes,
                unflushed_bytes: all.unflushed_bytes + one.unflushed_bytes,
                flushed: all.flushed.min(one.flushed),
            }));
        }
        all.unwrap_or_default()
    }

    fn get_or_add(&self, table: TableId) -> Arc<TableTail> {
        if let Some(known) = self.table(table) {
            return known;
        }
        let mut tables = self.tables.write();
        let new = || Arc::new(TableTail::new(table, self.limits, self.horizon.clone()));
        tables.entry(table).or_insert_with(new).clone()
    }
}
