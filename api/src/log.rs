//! LogService: the transaction log of the database, as entries of the Raft log.
//!
//! - T1 (accepted, not merely committed): a record counts once the state
//!   machine accepted it; readers see accepted records only, nobody is answered before.
//! - T2 (one order): only the next `seq` of the current epoch is accepted.
//! - T3 (retained): a record stays readable until `truncate`, across snapshots.
//! - T4 (bounded): beyond the budget of untruncated bytes `append` answers
//!   [`LogError::Full`]; `truncate` and `grant` always work.
//!
//! After an ambiguous `append` the writer sends it again (same epoch, same
//! `seq`: it is accepted once), or takes a new epoch.

use bytes::Bytes;
use holdfast_base::{ByteCount, Epoch, Lsn, Remedy};
use serde::{Deserialize, Serialize};

use crate::BoxFuture;
use crate::meta::MetaError;

/// One accepted append.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRecord {
    /// Its position.
    pub lsn: Lsn,
    /// The writer's epoch.
    pub epoch: Epoch,
    /// Its number in the epoch, from 1.
    pub seq: u64,
    /// What was appended; opaque here.
    pub records: Vec<Bytes>,
}

/// What the log holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogBounds {
    /// Records up to and including this one are gone.
    pub truncated: Lsn,
    /// The last accepted record; `truncated` when there is none.
    pub last: Lsn,
    /// The current epoch.
    pub epoch: Epoch,
    /// The `seq` that is accepted next.
    pub next_seq: u64,
    /// Bytes held.
    pub bytes: ByteCount,
    /// The most that may be held (T4).
    pub budget: ByteCount,
}

/// What went wrong with the log.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are named for what they are")]
pub enum LogError {
    /// A later epoch was granted; this writer must stop.
    #[error("epoch {given} is over, {current} is current")]
    Fenced { given: Epoch, current: Epoch },
    /// T2 does not hold.
    #[error("seq {given} is not next, {next} is")]
    OutOfOrder { given: u64, next: u64 },
    /// T4.
    #[error("the log holds {bytes}, its budget is {budget}: truncate first")]
    Full { bytes: ByteCount, budget: ByteCount },
    /// The position was truncated away.
    #[error("records up to {truncated:?} are gone, {from:?} was asked for")]
    Truncated { from: Lsn, truncated: Lsn },
    /// The metadata service.
    #[error(transparent)]
    Meta(#[from] MetaError),
}

impl LogError {
    /// What the caller should do next.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Fenced { .. } => Remedy::Stop,
            Self::OutOfOrder { .. } | Self::Truncated { .. } => Remedy::Refuse,
            Self::Full { .. } => Remedy::RetryHere,
            Self::Meta(error) => error.remedy(),
        }
    }
}

/// The transaction log.
pub trait LogService: Send + Sync + 'static {
    /// A new epoch; every earlier one is fenced from here on.
    fn grant(&self) -> BoxFuture<'_, Result<Epoch, LogError>>;

    /// Appends (T1, T2). At most `ENTRY_BYTES_MAX` in all.
    fn append(
        &self,
        epoch: Epoch,
        seq: u64,
        records: Vec<Bytes>,
    ) -> BoxFuture<'_, Result<Lsn, LogError>>;

    /// Accepted records after `after`, up to about `limit` bytes, at least one if there is one.
    fn read(&self, after: Lsn, limit: ByteCount)
    -> BoxFuture<'_, Result<Vec<LogRecord>, LogError>>;

    /// As `read`, but waits for the first record. Calling it again with the last
    /// `lsn` it gave is a subscription.
    fn follow(
        &self,
        after: Lsn,
        limit: ByteCount,
    ) -> BoxFuture<'_, Result<Vec<LogRecord>, LogError>>;

    /// Records up to and including `through` may go. Of the current epoch only.
    fn truncate(&self, epoch: Epoch, through: Lsn) -> BoxFuture<'_, Result<(), LogError>>;

    /// What the log holds.
    fn bounds(&self) -> BoxFuture<'_, Result<LogBounds, LogError>>;
}
