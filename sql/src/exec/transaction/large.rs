//! A transaction whose changes are too large for one record of the log.
//!
//! - L1: what is committed in objects was locked as a whole table before (`store::bulk`, B1).
//! - L2: objects that no record names are given up when the transaction ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use holdfast_api::txn::{LockWait, Lockable};
use holdfast_base::TableId;
use holdfast_objects::ObjectId;

use super::{Locks, Transaction};
use crate::catalog::definition::FIRST_TABLE;
use crate::engine::Engine;
use crate::error::{Result, SqlError};
use crate::exec::workspace::Mark;
use crate::store::{Change, largest};

/// What a change costs in a record beside its bytes, about. [bytes]
const CHANGE_BYTES: usize = 16;
/// How long a table that others have locked is waited for.
const WAIT: Duration = Duration::from_secs(50);

impl Transaction {
    /// True where the changes do not fit into a record.
    pub fn is_large(&self, engine: &Engine) -> bool {
        let bytes = self.workspace.bytes() + self.workspace.changes() * CHANGE_BYTES;
        self.workspace.has_written() || bytes > engine.store.limits.record_bytes
    }

    /// Refuses to hold more in memory than the node can spare.
    ///
    /// # Errors
    /// 1197.
    pub fn check_room(&self, engine: &Engine) -> Result<()> {
        let (has, most) = (self.workspace.bytes(), engine.store.limits.changes_bytes);
        if has <= most {
            return Ok(());
        }
        Err(SqlError::new(
            1197,
            format!(
                "This statement changes more than {most} bytes at once; split it, by LIMIT or by ranges of keys"
            ),
        ))
    }

    /// Puts the rows that the running statement has added into objects, if they are many.
    /// To be called between two batches of rows whose locks are held.
    ///
    /// # Errors
    /// The bucket's. The statement cannot go on then.
    pub async fn spill_if_large(&mut self, engine: &Engine) -> Result<()> {
        if self.workspace.bytes() < engine.store.limits.spill_bytes {
            return Ok(());
        }
        let mark = self.statement_mark.unwrap_or(Mark::START);
        for (table, rows) in self.workspace.take_fresh(mark, FIRST_TABLE) {
            let shape = self.shape(table)?;
            let before = self.workspace.written(table).cloned();
            let objects = engine.spill(&shape, &rows, before.as_ref()).await?;
            let ids = objects.manifest.objects.iter().map(|object| object.id);
            let known = before.iter().flat_map(|before| &before.manifest.objects);
            let known: BTreeSet<ObjectId> = known.map(|object| object.id).collect();
            self.spilled.extend(ids.filter(|id| !known.contains(id)).map(|id| (table, id)));
            self.workspace.note_written(objects);
        }
        Ok(())
    }

    fn shape(&self, table: TableId) -> Result<Arc<holdfast_tail::TableShape>> {
        let used = self.used.get(&table);
        let shape = used.map(|used| Arc::clone(&used.shape));
        shape.ok_or_else(|| SqlError::internal(format!("{table:?} was changed and never used")))
    }

    /// Commits through objects. The transaction is over in any case.
    pub(super) async fn commit_large(&mut self, engine: &Engine) -> Result<()> {
        let mut made = BTreeSet::new();
        let done = self.try_large(engine, &mut made).await;
        match &done {
            Ok(()) => self.discard_spilled(engine, &made),
            Err(error) => {
                // Once it was sent, only 1213 says that it is not in the log: else what it
                // names stays, and the next start looks.
                if !self.is_sent || error.code == 1213 {
                    self.discard_spilled(engine, &BTreeSet::new());
                    made.into_iter().for_each(|(table, id)| engine.discard(table, &[id]));
                }
                engine.txn.release(self.id);
            }
        }
        done
    }

    async fn try_large(
        &mut self,
        engine: &Engine,
        made: &mut BTreeSet<(TableId, ObjectId)>,
    ) -> Result<()> {
        let tables = self.workspace.changed();
        let is_written = |table: &TableId| self.workspace.written(*table).is_some();
        let mut chosen: BTreeSet<TableId> = tables.iter().copied().filter(is_written).collect();
        let may_go = |table: &&TableId| table.0 >= FIRST_TABLE && !chosen.contains(table);
        let rest = tables.iter().filter(may_go);
        let sizes = rest.map(|table| (self.workspace.bytes_of(*table, CHANGE_BYTES), *table));
        chosen.extend(largest(sizes.collect(), engine.store.limits.record_bytes));
        let mut locks = Locks::default();
        chosen.iter().for_each(|table| locks.exclusive(Lockable::Table(*table)));
        let since = engine.now().await?;
        self.lock(engine, &locks, since, LockWait::For(WAIT)).await?;
        let _job = engine.store.job().await;
        let mut changes = BTreeMap::new();
        for table in &chosen {
            let written = self.workspace.written(*table).cloned();
            let (shape, rows) = (self.shape(*table)?, self.workspace.take_all(*table));
            changes.insert(*table, Change { shape, rows, written });
        }
        let (prepared, objects) = engine.prepare_large(&changes).await?;
        made.extend(objects);
        let mut request = self.request(engine, &chosen)?;
        request.checks.extend(prepared.checks);
        request.parts.extend(prepared.parts);
        self.send(engine, request).await
    }

    /// Objects that were written for this transaction and that `kept` does not name go.
    pub(super) fn discard_spilled(
        &mut self,
        engine: &Engine,
        kept: &BTreeSet<(TableId, ObjectId)>,
    ) {
        for (table, id) in std::mem::take(&mut self.spilled) {
            if !kept.contains(&(table, id)) {
                engine.discard(table, &[id]);
            }
        }
    }
}
