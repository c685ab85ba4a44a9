//! Bad shards on their way to the heal queue: deduplicated, bounded, batched.
//!
//! - Q1: a shard waits at most once, and at most [`WAITING_MAX`] shards wait;
//!   what does not fit is found again by the next read, or by a scrub.
//! - Q2: what the metadata did not take waits on.
//!
//! Not here: what is bad (`verify`), the repair (`heal`).

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use holdfast_api::meta::{Command, MetaService};
use holdfast_api::object::StoreError;
use holdfast_base::BlobId;

/// The most shards that wait.
const WAITING_MAX: usize = 4096;
/// The most shards in one command.
const BATCH: usize = 256;

/// Shards that wait to be reported.
#[derive(Default)]
pub struct Reports(Mutex<BTreeSet<(BlobId, u8)>>);

impl Reports {
    /// True if it was not waiting already and there was room (Q1).
    pub fn push(&self, blob: BlobId, shard: u8) -> bool {
        let mut waiting = self.waiting();
        waiting.len() < WAITING_MAX && waiting.insert((blob, shard))
    }

    /// Reports what waits.
    ///
    /// # Errors
    /// [`StoreError::Meta`]; the rest waits on (Q2).
    pub async fn flush(&self, meta: &dyn MetaService) -> Result<(), StoreError> {
        loop {
            let shards: Vec<(BlobId, u8)> = self.waiting().iter().take(BATCH).copied().collect();
            if shards.is_empty() {
                return Ok(());
            }
            meta.execute(Command::ReportMissing { shards: shards.clone() }).await?;
            let mut waiting = self.waiting();
            for shard in &shards {
                waiting.remove(shard);
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeSet<(BlobId, u8)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use holdfast_base::BodyId;

    use super::*;

    #[test]
    fn q1_a_shard_waits_once_and_not_too_many_do() {
        let reports = Reports::default();
        let blob = |nonce| BodyId { born: 1, nonce }.blob(0);
        assert!(reports.push(blob(0), 1) && !reports.push(blob(0), 1), "Q1: twice");
        let taken = (1..2 * WAITING_MAX as u64).filter(|nonce| reports.push(blob(*nonce), 0));
        assert_eq!(taken.count(), WAITING_MAX - 1, "Q1: too many");
    }
}
