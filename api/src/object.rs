//! Bytes in and out of the erasure-coded store.
//!
//! ```text
//! PUT   writer -> write* -> finish -> StoredBody -> one metadata command makes it visible
//! GET   lease -> metadata lookup -> reader(body, range) -> next*
//! ```
//!
//! - O1: `finish` returns once the body is durable by the acknowledgement rule
//!   (docs/architecture.md); what it returns is not visible to anybody yet.
//! - O2: a writer that is dropped leaves orphans; the collector finds them.
//! - O3: `next` yields verified bytes or an error, never a wrong byte.
//! - O4: while a [`ReadLease`] is held, no body that was visible when it was
//!   taken loses a shard.
//! - O5: memory is bounded: `write` waits while too many bytes are under way.

use bytes::Bytes;
use holdfast_base::{BlobId, BodyId, ByteCount, Remedy};
use serde::{Deserialize, Serialize};

use crate::BoxFuture;
use crate::blob::BlobRecord;
use crate::drive::{DriveStatus, Owner};
use crate::meta::MetaError;

/// A run of an object's bytes: one PUT, or one part of a multipart upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    /// The bytes themselves, at most `INLINE_BYTES_MAX`. Stored in the metadata.
    Inline(Bytes),
    /// Erasure-coded blobs 0, 1, 2 ... of this body.
    Stored {
        /// Which body.
        id: BodyId,
        /// Its length. [bytes]
        len: u64,
    },
}

/// A body that is durable and waits for its commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBody {
    /// The body.
    pub body: Body,
    /// Its blobs that no metadata command has recorded yet, with their indices:
    /// the commit must carry them. (A long body's first blobs are recorded as it
    /// streams in, which renews its intent, too.)
    pub blobs: Vec<(u32, BlobRecord)>,
}

/// Takes a body's bytes in order.
pub trait BodyWriter: Send {
    /// Takes the next bytes; any number.
    fn write(&mut self, bytes: Bytes) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Ends the body (O1).
    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<StoredBody, StoreError>>;
}

/// Gives a range's bytes in order.
pub trait BodyReader: Send {
    /// The next bytes (O3), `None` at the end of the range.
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>>;
}

/// Holds back the collector (O4) until it is dropped.
pub struct ReadLease {
    _guard: Box<dyn Send + Sync>,
}

impl ReadLease {
    /// `guard`'s drop ends the lease.
    pub fn new(guard: impl Send + Sync + 'static) -> Self {
        Self { _guard: Box::new(guard) }
    }
}

impl std::fmt::Debug for ReadLease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReadLease")
    }
}

/// The bytes of consecutive bodies, and which of them are wanted.
#[derive(Clone, Debug)]
pub struct ReadPlan {
    /// For errors: the object's bucket and key.
    pub owner: Owner,
    /// The object's bodies in order.
    pub bodies: Vec<Body>,
    /// First byte wanted, counted over all bodies.
    pub from: u64,
    /// One past the last byte wanted.
    pub to: u64,
    /// The blobs that the lookup brought along; others are asked for as they are needed.
    pub blobs: Vec<(BlobId, BlobRecord)>,
}

/// The store's own figures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreStatus {
    /// Every drive slot.
    pub drives: Vec<DriveStatus>,
    /// The geometry of a blob written now, `K+M`; `None` while writes are refused.
    pub geometry_now: Option<String>,
    /// Writes are refused for want of room, not of drives.
    pub full: bool,
    /// The geometry of a blob written while all drives are healthy.
    pub geometry: String,
    /// PUTs acknowledged with fewer shards than their geometry has.
    pub under_redundant_puts: u64,
    /// Reads that had to decode because a shard was away, absent or wrong; a hedge that
    /// won against a slow drive is not one.
    pub degraded_reads: u64,
    /// Reads that asked for one shard more because a drive was slow.
    pub hedged_reads: u64,
    /// Shards found wrong or absent by reads, scans and heals.
    pub shards_found_bad: u64,
    /// Shards rebuilt and verified.
    pub shards_healed: u64,
    /// Heal in progress.
    pub heal: Option<HealProgress>,
}

/// A heal in progress.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealProgress {
    /// Blobs looked at.
    pub done: u64,
    /// Blobs to look at, as far as known.
    pub total: u64,
    /// Bytes of shards written.
    pub bytes: ByteCount,
    /// Expected time left. [s]
    pub eta_s: Option<u64>,
}

/// What went wrong with a body.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are named for what they are")]
pub enum StoreError {
    /// Fewer than `needed` drives take writes.
    #[error("{healthy} drives take writes, {needed} are needed")]
    TooFewDrives { healthy: usize, needed: usize },
    /// Not enough shards became durable.
    #[error("{blob}: {durable} shards are durable, {needed} are needed (last trouble: {trouble})")]
    NoQuorum { blob: BlobId, durable: usize, needed: usize, trouble: String },
    /// Every drive that could take it is full.
    #[error("no space left on the drives")]
    Full,
    /// More shards are lost or wrong than the parity covers.
    #[error("{blob}: {good} good shards, {needed} are needed (last trouble: {trouble})")]
    Unreadable { blob: BlobId, good: usize, needed: usize, trouble: String },
    /// The metadata names a blob that it has no record of.
    #[error("{0} has no record in the metadata")]
    NoRecord(BlobId),
    /// The body's intent ran out before its commit: its shards may be gone.
    #[error("body {0} took too long between its bytes")]
    IntentExpired(BodyId),
    /// Too many bytes under way, for too long.
    #[error("the store is overloaded")]
    Busy,
    /// The metadata service.
    #[error(transparent)]
    Meta(#[from] MetaError),
}

impl StoreError {
    /// What the caller should do next.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::TooFewDrives { .. }
            | Self::NoQuorum { .. }
            | Self::IntentExpired(_)
            | Self::Busy => Remedy::RetryHere,
            Self::Full | Self::Unreadable { .. } | Self::NoRecord(_) => Remedy::Refuse,
            Self::Meta(error) => error.remedy(),
        }
    }
}

/// The erasure-coded store.
pub trait ObjectStore: Send + Sync + 'static {
    /// Begins a body for `owner`. `len`, where the client told it, only helps to
    /// choose; the writer takes what comes.
    fn writer(&self, owner: Owner, len: Option<u64>) -> Box<dyn BodyWriter>;

    /// Reads a range (O3).
    fn reader(&self, plan: ReadPlan) -> Box<dyn BodyReader>;

    /// Take it before the lookup (O4).
    fn lease(&self) -> ReadLease;

    /// Its figures; does not wait.
    fn status(&self) -> StoreStatus;
}
