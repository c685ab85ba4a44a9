//! Large transactions: rows go into objects, the record names them.
//!
//! ```text
//! statement grows  -> its fresh rows -> objects of the transaction's own (spill)
//! commit           -> lock the tables -> flush them -> the rest -> objects
//!                  -> dead rows of what was there -> one record
//! ```
//!
//! - B1: the transaction holds its tables exclusively from before the flush until the
//!   record is accepted: the tail has no entry of theirs that is newer than the flush, so
//!   that nothing in it hides a row that the transaction writes (tail, L5).
//! - B2: a transaction that ends without a record leaves objects behind that no manifest
//!   names; they are removed at once, or at the next start.
//!
//! Not here: transactions that fit into a record (`exec::transaction`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use bytes::Bytes;
use futures_util::StreamExt;
use holdfast_base::{TableId, Ts};
use holdfast_objects::manifest::{Edit, Manifest};
use holdfast_objects::{Object, ObjectId, ObjectScan, TableObjects};
use holdfast_tail::TableShape;
use holdfast_tail::columns::{Builder, field};
use holdfast_tail::table::Scan;

use super::edit::{self, Prepared};
use super::flush::Dead;
use super::fresh_id;
use crate::engine::Engine;
use crate::error::{Result, SqlError};

/// Rows of one batch that a writer takes.
const BATCH: usize = 8192;

/// One table's part of a large transaction.
pub struct Change {
    /// What its rows look like.
    pub shape: Arc<TableShape>,
    /// Changes in memory, by key; none: deleted.
    pub rows: BTreeMap<Bytes, Option<Bytes>>,
    /// Rows that were put into objects before.
    pub written: Option<Arc<TableObjects>>,
}

impl Engine {
    /// Puts sorted rows into objects; `before`: those that the transaction has already.
    ///
    /// # Errors
    /// The bucket's.
    pub(crate) async fn spill(
        &self,
        shape: &Arc<TableShape>,
        rows: &[(Bytes, Bytes)],
        before: Option<&Arc<TableObjects>>,
    ) -> Result<TableObjects> {
        let rows: Vec<(&Bytes, &Bytes)> = rows.iter().map(|(key, row)| (key, row)).collect();
        let added = self.write_rows(shape, &rows).await?;
        let objects = before.map_or_else(Vec::new, |before| before.manifest.objects.clone());
        let manifest = Manifest { objects, ..Manifest::default() };
        let edit = Edit { added, ..Edit::default() };
        let next = manifest.edited(Ts(1), &edit).map_err(SqlError::internal)?;
        let manifest = Manifest { at: Ts(0), ..next };
        Ok(TableObjects::new(Arc::new(manifest), Arc::clone(shape)))
    }

    async fn write_rows(
        &self,
        shape: &Arc<TableShape>,
        rows: &[(&Bytes, &Bytes)],
    ) -> Result<Vec<Object>> {
        let mut writer = self.object_writer(Arc::clone(shape), 0);
        for some in rows.chunks(BATCH) {
            writer.write(&batch_of(shape, some)?).await?;
        }
        Ok(writer.finish().await?)
    }

    /// What a record needs to make changes a part of their tables. Under the jobs' lock
    /// and exclusive locks of the tables (B1). Also the objects that were written.
    ///
    /// # Errors
    /// The bucket's, the transaction node's.
    pub(crate) async fn prepare_large(
        &self,
        changes: &BTreeMap<TableId, Change>,
    ) -> Result<(Prepared, Vec<(TableId, ObjectId)>)> {
        let mut edits = Vec::new();
        let mut made: Vec<(TableId, ObjectId)> = Vec::new();
        for (table, change) in changes {
            self.flush_one(*table).await?;
            let edit = self.edit_of(*table, change).await?;
            made.extend(edit.added.iter().map(|object| (*table, object.id)));
            edits.push((*table, edit));
        }
        Ok((edit::prepare(self, &edits).await?, made))
    }

    async fn edit_of(&self, table: TableId, change: &Change) -> Result<Edit> {
        let reader = &self.store.reader;
        let before = self.store.versions.newest(table);
        let objects = TableObjects::new(Arc::clone(&before), Arc::clone(&change.shape));
        let mut dead = Dead::default();
        let keys: Vec<Bytes> = change.rows.keys().cloned().collect();
        for keys in keys.chunks(BATCH) {
            dead.find(reader, &objects, keys).await?;
        }
        let mut edit = Edit { before: before.at, flushed: before.flushed, ..Edit::default() };
        if let Some(written) = &change.written {
            let mut own = Dead::default();
            for keys in keys.chunks(BATCH) {
                own.find(reader, written, keys).await?;
            }
            for object in &written.manifest.objects {
                if overlaps(object, &before) {
                    self.find_all(table, (object, &change.shape), (&objects, &mut dead)).await?;
                }
                let mut object = Object::clone(object);
                if let Some(more) = own.rows.get(&object.id).filter(|more| !more.is_empty()) {
                    let id = fresh_id(&*self.rng);
                    object.deletes = Some(reader.with_deletes(table, &object, more, id).await?);
                }
                edit.added.push(object);
            }
        }
        let rows = change.rows.iter().filter_map(|(key, row)| Some((key, row.as_ref()?)));
        let rows: Vec<(&Bytes, &Bytes)> = rows.collect();
        edit.added.extend(self.write_rows(&change.shape, &rows).await?);
        self.bury(table, &before, (&dead, &mut edit)).await?;
        Ok(edit)
    }

    /// Finds the rows that an object's rows take the place of.
    async fn find_all(
        &self,
        table: TableId,
        (object, shape): (&Arc<Object>, &Arc<TableShape>),
        (objects, dead): (&TableObjects, &mut Dead),
    ) -> Result<()> {
        let manifest = Manifest { objects: vec![Arc::clone(object)], ..Manifest::default() };
        let one = TableObjects::new(Arc::new(manifest), Arc::clone(shape));
        let scan = ObjectScan { with_key: true, batch_rows: BATCH, ..ObjectScan::default() };
        for part in self.store.reader.scan(&one, &scan, 1).await? {
            let mut batches = part.open();
            while let Some(batch) = batches.next().await {
                let batch = batch?;
                let keys = batch.column(0).as_any().downcast_ref::<BinaryArray>();
                let keys = keys.ok_or_else(|| {
                    SqlError::internal(format!("keys of {table:?} that are no bytes"))
                })?;
                let mut keys: Vec<Bytes> =
                    (0..keys.len()).map(|at| Bytes::copy_from_slice(keys.value(at))).collect();
                keys.sort_unstable();
                dead.find(&self.store.reader, objects, &keys).await?;
            }
        }
        Ok(())
    }
}

fn overlaps(object: &Object, manifest: &Manifest) -> bool {
    let mut others = manifest.objects.iter();
    others.any(|other| object.first <= other.last && other.first <= object.last)
}

/// Encoded rows as the columns that a writer takes.
fn batch_of(shape: &TableShape, rows: &[(&Bytes, &Bytes)]) -> Result<RecordBatch> {
    let slots = shape.slots.iter().zip(&shape.defaults).enumerate();
    let mut builder = Builder::new(slots.map(|(at, (of, default))| (at, of, default)), rows.len());
    for (_, row) in rows {
        builder.push_row(row)?;
    }
    let mut fields: Vec<Field> =
        shape.slots.iter().enumerate().map(|(at, of)| field(&format!("s{at}"), of, true)).collect();
    fields.push(Field::new(Scan::KEY, DataType::Binary, false));
    let mut arrays: Vec<ArrayRef> = builder.finish();
    arrays.push(Arc::new(BinaryArray::from_iter_values(rows.iter().map(|(key, _)| key))));
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(SqlError::internal)
}

/// The tables among `sizes` whose changes go into objects, so that those of the others
/// are at most `most` bytes together: the largest first.
pub fn largest(mut sizes: Vec<(usize, TableId)>, most: usize) -> BTreeSet<TableId> {
    sizes.sort_unstable();
    let mut all: usize = sizes.iter().map(|(bytes, _)| bytes).sum();
    let mut chosen = BTreeSet::new();
    while all > most {
        let Some((bytes, table)) = sizes.pop() else { break };
        all -= bytes;
        chosen.insert(table);
    }
    chosen
}
