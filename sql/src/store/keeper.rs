//! When the jobs run.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use holdfast_base::TableId;

use super::compact;
use crate::catalog::definition::FIRST_TABLE;
use crate::engine::Engine;
use crate::error::Result;

/// Between two looks.
const EVERY: Duration = Duration::from_millis(500);
/// After a job failed.
const PAUSE: Duration = Duration::from_secs(2);

impl Engine {
    /// Looks after the store as long as the node serves. `left`: see `garbage`.
    pub(crate) async fn keep_store(self: Arc<Self>, left: Vec<String>) {
        if let Err(error) = self.collect_orphans(left).await {
            tracing::warn!("objects that nobody needs could not be removed: {error}");
        }
        while !self.is_closing() {
            let pause = match self.look_after().await {
                Ok(true) => Duration::ZERO,
                Ok(false) => EVERY,
                Err(error) => {
                    self.store.counts.failures.fetch_add(1, Ordering::Relaxed);
                    tracing::warn!(
                        "a flush, compaction or checkpoint failed, it is tried again: {error}"
                    );
                    PAUSE
                }
            };
            self.pause(pause).await;
        }
    }

    /// One look; true: there may be more to do at once.
    async fn look_after(&self) -> Result<bool> {
        self.collect_garbage().await?;
        let limits = self.store.limits;
        if self.log_bytes().await? > limits.log_bytes {
            return self.checkpoint().await;
        }
        let mut sizes: Vec<(usize, TableId)> = Vec::new();
        for tail in self.tail.tables() {
            let (id, status) = (tail.table(), tail.status());
            if id.0 >= FIRST_TABLE && status.unflushed_bytes > 0 && tail.shape().is_some() {
                sizes.push((status.unflushed_bytes, id));
            }
        }
        sizes.sort_unstable();
        let all: usize = sizes.iter().map(|(bytes, _)| bytes).sum();
        if let Some((bytes, largest)) = sizes.last()
            && (*bytes > limits.flush_bytes || all > limits.tail_bytes)
        {
            self.flush(&[*largest]).await?;
            return Ok(true);
        }
        for (table, manifest) in self.store.versions.all() {
            if !compact::choose(&manifest).is_empty() && self.tail.table(table).is_some() {
                return self.compact(table, compact::choose).await;
            }
        }
        Ok(false)
    }
}
