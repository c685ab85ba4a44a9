//! What nobody needs any more goes from the bucket.
//!
//! - G1: an object that an edit removed goes once the horizon has passed the edit, and the
//!   newest checkpoint's manifests are later: those of the one before still name it.
//! - G2: at a start, what no manifest and no newer checkpoint names was left behind by a job
//!   or a transaction that never finished; it goes.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use holdfast_base::Ts;
use holdfast_objects::ObjectId;

use super::checkpoint::PREFIX;
use crate::engine::Engine;
use crate::error::Result;

/// Names of one listing.
const PAGE: usize = 1000;

impl Engine {
    /// Moves what no snapshot reads to the names that wait, and removes those that may go (G1).
    ///
    /// # Errors
    /// The bucket's; what was not removed waits on.
    pub(super) async fn collect_garbage(&self) -> Result<()> {
        let horizon = self.tail.horizon();
        let retired = self.store.versions.retire(horizon);
        let made = self.store.checkpointed.lock().1;
        let due: Vec<(Ts, String)> = {
            let mut waiting = self.store.garbage.lock();
            waiting.extend(retired);
            let may_go = |since: Ts| since == Ts(0) || (since < horizon && since <= made);
            let (due, rest) = waiting.drain(..).partition(|(since, _)| may_go(*since));
            *waiting = rest;
            due
        };
        self.store.reader.forget(due.iter().filter_map(|(_, name)| ObjectId::of_name(name)));
        for (at, (_, name)) in due.iter().enumerate() {
            if let Err(error) = self.store.bucket.delete(name).await {
                self.store.garbage.lock().extend_from_slice(&due[at..]);
                return Err(error.into());
            }
            self.store.counts.removed.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Removes what is left of another life of this node (G2). `left` is what was in the
    /// bucket before this life wrote anything.
    ///
    /// # Errors
    /// The bucket's.
    pub(super) async fn collect_orphans(&self, left: Vec<String>) -> Result<()> {
        let mut named: BTreeSet<String> = BTreeSet::new();
        for (table, manifest) in self.store.versions.all() {
            named.extend(manifest.names(table));
        }
        let newest = left.iter().filter(|name| name.starts_with(PREFIX)).max().cloned();
        named.extend(newest);
        for name in left.into_iter().filter(|name| !named.contains(name)) {
            self.store.bucket.delete(&name).await?;
            self.store.counts.removed.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Every name in the bucket.
    ///
    /// # Errors
    /// The bucket's.
    pub(crate) async fn bucket_names(&self) -> Result<Vec<String>> {
        let mut names: Vec<String> = Vec::new();
        loop {
            let after = names.last().cloned().unwrap_or_default();
            let page = self.store.bucket.list("", &after, PAGE).await?;
            if page.is_empty() {
                return Ok(names);
            }
            names.extend(page.into_iter().map(|listed| listed.name));
        }
    }
}
