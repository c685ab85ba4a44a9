//! Compaction: objects of a flush become part of one sorted run, dead rows go.
//!
//! ```text
//! level 0   flushes, over one another's keys
//! level 1   one run: objects whose keys follow one another
//! ```
//!
//! - P1: flushes are merged with those objects of the run that they overlap, when there
//!   is a quarter of their bytes, or [`FLUSHES_MAX`] of them: each byte is written about
//!   five times at most where keys come at random, once where they ascend.
//! - P2: an object with a quarter of its rows dead is written anew.
//!
//! Not here: merging rows (`holdfast_objects`).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use holdfast_base::TableId;
use holdfast_objects::manifest::{Edit, Manifest, Object};
use holdfast_objects::{ObjectId, TableObjects};

use super::edit;
use crate::catalog::Table;
use crate::engine::Engine;
use crate::error::Result;

/// P1.
const FLUSHES_MIN: usize = 4;
/// P1.
const FLUSHES_MAX: usize = 16;

/// What is to be merged; none: all is well.
pub fn choose(manifest: &Manifest) -> Vec<ObjectId> {
    let flushes: Vec<&Arc<Object>> =
        manifest.objects.iter().filter(|object| object.level == 0).collect();
    let run = || manifest.objects.iter().filter(|object| object.level > 0);
    let hull = hull(&flushes);
    let over: Vec<&Arc<Object>> = run().filter(|object| overlaps(object, hull)).collect();
    let bytes = |objects: &[&Arc<Object>]| objects.iter().map(|object| object.bytes).sum::<u64>();
    let is_due = flushes.len() >= FLUSHES_MAX
        || (flushes.len() >= FLUSHES_MIN && bytes(&flushes) * 4 >= bytes(&over));
    if is_due {
        return flushes.iter().chain(&over).map(|object| object.id).collect();
    }
    let rotten = run().find(|object| is_rotten(object));
    rotten.map(|object| object.id).into_iter().collect()
}

/// What OPTIMIZE TABLE merges: all flushes, what they overlap, and every object with dead rows.
pub fn all(manifest: &Manifest) -> Vec<ObjectId> {
    let flushes: Vec<&Arc<Object>> =
        manifest.objects.iter().filter(|object| object.level == 0).collect();
    let hull = hull(&flushes);
    let wants = |object: &&Arc<Object>| {
        object.level == 0 || object.deletes.is_some() || overlaps(object, hull)
    };
    manifest.objects.iter().filter(wants).map(|object| object.id).collect()
}

/// The first and the last key of objects.
type Hull<'a> = Option<(&'a Bytes, &'a Bytes)>;

/// From the first key of all to the last: what is merged may lie anywhere in it.
fn hull<'a>(objects: &[&'a Arc<Object>]) -> Hull<'a> {
    let first = objects.iter().map(|object| &object.first).min()?;
    let last = objects.iter().map(|object| &object.last).max()?;
    Some((first, last))
}

fn overlaps(object: &Object, hull: Hull<'_>) -> bool {
    hull.is_some_and(|(first, last)| object.first <= *last && *first <= object.last)
}

fn is_rotten(object: &Object) -> bool {
    object.deletes.as_ref().is_some_and(|deletes| deletes.count * 4 >= object.rows)
}

impl Engine {
    /// Flushes and merges a table and its indexes: OPTIMIZE TABLE.
    ///
    /// # Errors
    /// As [`Engine::compact`].
    pub async fn optimize(&self, table: &Table) -> Result<()> {
        let ids = std::iter::once(table.id).chain(table.indexes.iter().map(|index| index.id));
        for id in ids {
            self.flush(&[id]).await?;
            self.compact(id, all).await?;
        }
        Ok(())
    }

    /// Merges a table's objects; false: there was nothing to merge. `choose` tells which.
    ///
    /// # Errors
    /// The bucket's, the transaction node's. The table keeps the objects it has.
    pub async fn compact(
        &self,
        table: TableId,
        choose: fn(&Manifest) -> Vec<ObjectId>,
    ) -> Result<bool> {
        let _job = self.store.jobs.lock().await;
        let before = self.store.versions.newest(table);
        let inputs = choose(&before);
        let shape = self.tail.table(table).and_then(|tail| tail.shape());
        let Some(shape) = shape.filter(|_| !inputs.is_empty()) else { return Ok(false) };
        let objects = TableObjects::new(Arc::clone(&before), Arc::clone(&shape));
        let writer = self.object_writer(shape, 1);
        let added = self.store.reader.compact(&objects, &inputs, writer).await?;
        let written: Vec<ObjectId> = added.iter().map(|object| object.id).collect();
        let edit = Edit {
            before: before.at,
            flushed: before.flushed,
            removed: inputs,
            added,
            ..Edit::default()
        };
        match edit::commit(self, &[(table, edit)]).await {
            Ok(_) => {
                self.store.counts.compactions.fetch_add(1, Ordering::Relaxed);
                Ok(true)
            }
            Err(error) => {
                if error.code == 1213 {
                    self.discard(table, &written);
                }
                Err(error)
            }
        }
    }
}
