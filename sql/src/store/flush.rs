//! Flush: what the tail has of a table becomes objects.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::{Array, BinaryArray};
use bytes::Bytes;
use holdfast_base::{TableId, Ts};
use holdfast_objects::manifest::{Edit, Manifest};
use holdfast_objects::{ObjectId, Reader, RoaringBitmap, TableObjects, Writer};
use holdfast_tail::FrozenBatch;
use holdfast_tail::table::Scan;

use super::{edit, fresh_id};
use crate::engine::Engine;
use crate::error::{Result, SqlError};

/// Keys that are looked for in objects at a time.
const BATCH: usize = 8192;

impl Engine {
    /// Flushes what the tail has of some tables, in one record each; how many had anything.
    ///
    /// # Errors
    /// The bucket's, the transaction node's. The tail keeps what it has.
    pub async fn flush(&self, tables: &[TableId]) -> Result<usize> {
        let _job = self.store.jobs.lock().await;
        let mut count = 0;
        for table in tables {
            count += usize::from(self.flush_one(*table).await?);
        }
        Ok(count)
    }

    /// Flushes a table. Under the jobs' lock.
    pub(super) async fn flush_one(&self, table: TableId) -> Result<bool> {
        let (upto, _) = self.tail.applied();
        let before = self.store.versions.newest(table);
        let Some((edit, written)) = self.flushed(table, upto, &before).await? else {
            return Ok(false);
        };
        match edit::commit(self, &[(table, edit)]).await {
            Ok(_) => {
                self.store.counts.flushes.fetch_add(1, Ordering::Relaxed);
                Ok(true)
            }
            Err(error) => {
                // Any other error leaves open whether the record is in the log: what it
                // names stays.
                if error.code == 1213 {
                    self.discard(table, &written);
                }
                Err(error)
            }
        }
    }

    /// Writes objects; the edit that makes them a part of the table, and what was written.
    async fn flushed(
        &self,
        table: TableId,
        upto: Ts,
        before: &Arc<Manifest>,
    ) -> Result<Option<(Edit, Vec<ObjectId>)>> {
        let Some(mut frozen) = self.tail.frozen(table, upto)? else { return Ok(None) };
        let shape = Arc::clone(frozen.shape());
        let objects = TableObjects::new(Arc::clone(before), Arc::clone(&shape));
        let mut writer = self.object_writer(shape, 0);
        let mut dead = Dead::default();
        let mut any = false;
        while let Some(batch) = frozen.next_batch(BATCH)? {
            any = true;
            if !before.objects.is_empty() {
                dead.find(&self.store.reader, &objects, &keys_of(&batch)?).await?;
            }
            if batch.rows.num_rows() > 0 {
                writer.write(&batch.rows).await?;
            }
        }
        if !any {
            return Ok(None);
        }
        let added = writer.finish().await?;
        let mut edit = Edit { before: before.at, flushed: upto, added, ..Edit::default() };
        let mut written: Vec<ObjectId> = edit.added.iter().map(|object| object.id).collect();
        written.extend(self.bury(table, before, (&dead, &mut edit)).await?);
        Ok(Some((edit, written)))
    }

    /// Puts dead rows into an edit; the deletion vectors that were written.
    pub(super) async fn bury(
        &self,
        table: TableId,
        before: &Manifest,
        (dead, edit): (&Dead, &mut Edit),
    ) -> Result<Vec<ObjectId>> {
        let mut written = Vec::new();
        for object in &before.objects {
            let Some(more) = dead.rows.get(&object.id).filter(|more| !more.is_empty()) else {
                continue;
            };
            let id = fresh_id(&*self.rng);
            let deletes = self.store.reader.with_deletes(table, object, more, id).await?;
            if deletes.count >= object.rows {
                edit.removed.push(object.id);
            } else {
                edit.deletes.push((object.id, deletes));
                written.push(id);
            }
        }
        Ok(written)
    }

    /// A writer of a table's objects.
    pub(crate) fn object_writer(&self, shape: Arc<holdfast_tail::TableShape>, level: u8) -> Writer {
        let rng = Arc::clone(&self.rng);
        let ids = Arc::new(move || fresh_id(&*rng));
        let bucket = Arc::clone(&self.store.bucket);
        Writer::new(bucket, shape, self.store.limits.options, ids, level)
    }

    /// Objects that nobody will ever name can go.
    pub(crate) fn discard(&self, table: TableId, written: &[ObjectId]) {
        let names = written.iter().flat_map(|id| [id.rows(table), id.deletes(table)]);
        self.store.garbage.lock().extend(names.map(|name| (Ts(0), name)));
    }
}

/// Rows of objects that are dead from now on.
#[derive(Debug, Default)]
pub struct Dead {
    /// Positions by object.
    pub rows: BTreeMap<ObjectId, RoaringBitmap>,
}

impl Dead {
    /// Adds the rows under sorted keys.
    pub async fn find(
        &mut self,
        reader: &Reader,
        objects: &TableObjects,
        keys: &[Bytes],
    ) -> Result<()> {
        for (id, found) in reader.locate(objects, keys).await? {
            *self.rows.entry(id).or_default() |= found;
        }
        Ok(())
    }
}

/// The keys of a run, rows and deletions, in order.
fn keys_of(batch: &FrozenBatch) -> Result<Vec<Bytes>> {
    let at = batch.rows.schema().index_of(Scan::KEY).map_err(SqlError::internal)?;
    let rows = batch.rows.column(at).as_any().downcast_ref::<BinaryArray>();
    let rows = rows.ok_or_else(|| SqlError::internal("keys that are no bytes"))?;
    let mut keys: Vec<Bytes> =
        (0..rows.len()).map(|at| Bytes::copy_from_slice(rows.value(at))).collect();
    keys.extend(batch.deleted.iter().map(|(key, _)| Bytes::copy_from_slice(key)));
    keys.sort_unstable();
    Ok(keys)
}
