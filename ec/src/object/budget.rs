//! Bytes under way, bounded (O5).
//!
//! - B1: no more than `total` bytes are granted at once; whoever waits longer
//!   than the deadline is told `Busy`.
//!
//! Not here: what the bytes are for (`put`, `get`).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use holdfast_api::object::StoreError;
use holdfast_io::clock::{Clock, deadline};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What one permit of the semaphore stands for. [bytes]
const GRAIN: usize = 4096;

/// The longest that a client's request waits.
pub const WAIT: Duration = Duration::from_secs(10);

/// A bound on bytes.
pub struct Budget {
    grains: Arc<Semaphore>,
    total: usize,
    peak: AtomicU64,
}

/// A share of the budget; given back when dropped.
#[derive(Debug)]
pub struct Share {
    grains: OwnedSemaphorePermit,
}

impl Share {
    /// What it stands for. [bytes]
    pub fn bytes(&self) -> usize {
        self.grains.num_permits() * GRAIN
    }
}

impl Budget {
    /// At most `total` bytes, rounded up to grains.
    pub fn new(total: usize) -> Self {
        let total = total.div_ceil(GRAIN);
        Self { grains: Arc::new(Semaphore::new(total)), total, peak: AtomicU64::new(0) }
    }

    /// A share of `bytes` (of everything, if that is less), within `limit`.
    ///
    /// # Errors
    /// [`StoreError::Busy`].
    pub async fn take(
        &self,
        bytes: usize,
        clock: &Arc<dyn Clock>,
        limit: Duration,
    ) -> Result<Share, StoreError> {
        if let Some(share) = self.try_take(bytes, 0) {
            return Ok(share);
        }
        let wait = Arc::clone(&self.grains).acquire_many_owned(self.grains_of(bytes));
        match deadline(clock, limit, wait).await {
            Ok(Ok(grains)) => Ok(self.share(grains)),
            Ok(Err(_)) | Err(_) => Err(StoreError::Busy),
        }
    }

    /// A share of `bytes`, if it is there at once and leaves `spare` bytes.
    pub fn try_take(&self, bytes: usize, spare: usize) -> Option<Share> {
        if self.grains.available_permits() < spare.div_ceil(GRAIN) + bytes.div_ceil(GRAIN) {
            return None;
        }
        let grains = Arc::clone(&self.grains).try_acquire_many_owned(self.grains_of(bytes)).ok()?;
        Some(self.share(grains))
    }

    /// The most bytes ever granted at once.
    pub fn peak(&self) -> u64 {
        self.peak.load(Ordering::Relaxed) * GRAIN as u64
    }

    /// What is granted now. [bytes]
    #[cfg(test)]
    pub fn granted(&self) -> usize {
        (self.total - self.grains.available_permits()) * GRAIN
    }

    fn grains_of(&self, bytes: usize) -> u32 {
        bytes.div_ceil(GRAIN).min(self.total) as u32
    }

    fn share(&self, grains: OwnedSemaphorePermit) -> Share {
        let granted = self.total - self.grains.available_permits();
        self.peak.fetch_max(granted as u64, Ordering::Relaxed);
        Share { grains }
    }
}
