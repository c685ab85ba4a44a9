//! What a transaction node is started with.

use std::sync::Arc;
use std::time::Duration;

use holdfast_api::log::LogService;
use holdfast_base::Ts;
use holdfast_base::limits::ENTRY_BYTES_MAX;
use holdfast_io::clock::Clock;
use holdfast_io::rng::Rng;

use crate::core::CoreLimits;
use crate::core::locks::LockLimits;

/// What an append costs besides its records, and some more. [bytes]
const APPEND_OVERHEAD: usize = 4096;

/// What a record costs in an append besides its bytes. [bytes]
pub const RECORD_OVERHEAD: usize = 16;

/// The most bytes of records in one append, their overhead included. [bytes]
pub const BATCH_BYTES_MAX: usize = ENTRY_BYTES_MAX - APPEND_OVERHEAD;

/// The largest record. [bytes]
pub const RECORD_BYTES_MAX: usize = BATCH_BYTES_MAX - RECORD_OVERHEAD;

/// Bounds of a transaction node.
#[derive(Clone, Copy, Debug)]
pub struct TxnLimits {
    /// Locks of one transaction. More: MySQL 1206.
    pub locks_each: usize,
    /// Locks of all transactions; one takes some 250 bytes.
    pub locks_all: usize,
    /// Requests that wait for a lock. More: `Busy`.
    pub waiting: usize,
    /// Commits that wait for their turn in the log. More: `Busy`.
    pub commits: usize,
    /// Bytes of those commits. More: `Busy`.
    pub commit_bytes: usize,
    /// Remembered changes. Less: what a statement looked at is too old sooner. [bytes]
    pub recent_bytes: usize,
    /// Remembered changes, at most so long. [ms]
    pub recent_age_ms: u64,
    /// Remembered outcomes; one takes some 100 bytes.
    pub outcomes: usize,
}

/// What a transaction node is made of.
#[derive(Clone)]
pub struct TxnConfig {
    /// The log.
    pub log: Arc<dyn LogService>,
    /// Time: waits, and the readable part of timestamps.
    pub clock: Arc<dyn Clock>,
    /// Randomness: ids, and the seed of hashes.
    pub rng: Arc<dyn Rng>,
    /// Bounds.
    pub limits: TxnLimits,
    /// The highest timestamp that is known from elsewhere (a checkpoint). Needed
    /// only where the log was truncated to its end.
    pub floor: Ts,
    /// A commit that is not answered by then is `Unknown`; it goes on.
    pub commit_patience: Duration,
    /// How long `start` tries to reach the log.
    pub start_patience: Duration,
    /// How long this node may answer without hearing from the log that its epoch
    /// is current; a node that follows it waits as long before it serves. `None`:
    /// no other process can open this log.
    pub lease: Option<Duration>,
}

impl Default for TxnLimits {
    fn default() -> Self {
        Self {
            locks_each: 500_000,
            locks_all: 2_000_000,
            waiting: 10_000,
            commits: 65_536,
            commit_bytes: 64 << 20,
            recent_bytes: 40 << 20,
            recent_age_ms: 10 * 60 * 1000,
            outcomes: 450_000,
        }
    }
}

impl TxnConfig {
    /// The usual bounds; no lease.
    pub fn new(log: Arc<dyn LogService>, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Self {
        Self {
            log,
            clock,
            rng,
            limits: TxnLimits::default(),
            floor: Ts(0),
            commit_patience: Duration::from_secs(15),
            start_patience: Duration::from_secs(30),
            lease: None,
        }
    }
}

impl TxnLimits {
    /// The part that the core keeps to.
    pub(crate) fn core(&self) -> CoreLimits {
        CoreLimits {
            locks: LockLimits { each: self.locks_each, all: self.locks_all },
            waiting: self.waiting,
            recent_bytes: self.recent_bytes,
            recent_age_ms: self.recent_age_ms,
            outcomes: self.outcomes,
        }
    }
}
