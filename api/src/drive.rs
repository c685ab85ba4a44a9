//! Shards on one drive, near or far.
//!
//! The drive keeps shards and gives back what it kept; it neither encodes nor
//! judges. Who reads verifies, end to end: leaves against the root, roots
//! against the seal in the metadata.
//!
//! - V1: a shard is readable once `write` returned, and survives a power cut
//!   once `write(.., Durable)`, or a `sync` begun after it, returned.
//! - V2: writing a shard that is there already replaces it (heal does that).
//! - V3: `delete` of what is not there is done already.

use bytes::Bytes;
use holdfast_base::{BucketId, ByteCount, DriveId, DriveNo, Hash, Remedy, ShardId, VersionId};
use holdfast_io::disk::{Buf, DiskError, Durability};
use serde::{Deserialize, Serialize};

use crate::BoxFuture;
use crate::blob::BlobLayout;

/// Everything that a shard's header tells, enough to rebuild the metadata from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardHead {
    /// Which shard.
    pub shard: ShardId,
    /// How its blob is cut.
    pub layout: BlobLayout,
    /// The roots of all shards of the blob, data first.
    pub roots: Vec<Hash>,
    /// Whose bytes these are.
    pub owner: Owner,
}

/// The object that a blob was written for. A multipart part carries its upload's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The bucket.
    pub bucket: BucketId,
    /// The object's key.
    pub key: Bytes,
    /// The version that the PUT was making.
    pub version: VersionId,
}

/// One shard to keep.
#[derive(Debug)]
pub struct ShardWrite {
    /// Its header.
    pub head: ShardHead,
    /// The hashes of its leaves.
    pub leaves: Vec<Hash>,
    /// `room` bytes that the drive may use for its own header, then the payload
    /// (`layout.shard_bytes()`), then zeros to whole blocks. The writer may keep a share
    /// of the payload (`Buf::share`): the drive writes to the room only.
    pub buf: Buf,
    /// Where the payload begins in `buf`. [bytes]
    pub room: usize,
}

/// A part of a shard's payload to read. [bytes]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardRange {
    /// Which shard.
    pub shard: ShardId,
    /// First byte of the payload.
    pub from: usize,
    /// One past the last byte.
    pub to: usize,
}

/// What a drive kept: unverified.
#[derive(Clone, Debug)]
pub struct ShardBytes {
    /// The header.
    pub head: ShardHead,
    /// The hashes of all leaves.
    pub leaves: Vec<Hash>,
    /// The leaf that `bytes` begins with.
    pub first_leaf: usize,
    /// Whole leaves that cover the range asked for.
    pub bytes: Bytes,
}

/// A shard that a drive lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoredShard {
    /// Which shard.
    pub shard: ShardId,
    /// What it takes on the drive, header and padding included.
    pub bytes: ByteCount,
}

/// How a drive is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DriveState {
    /// Reads and writes.
    Online,
    /// Takes no part until it is opened anew: its directory is gone or
    /// replaced, or it failed a write or a sync. Says why.
    Offline(String),
}

/// A drive's state and figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriveStatus {
    /// Its slot.
    pub no: DriveNo,
    /// Its formatting; `None` while there is no drive in the slot.
    pub id: Option<DriveId>,
    /// Its path.
    pub path: String,
    /// How it is.
    pub state: DriveState,
    /// The device below; drives that share one fail together.
    pub device: u64,
    /// `io_uring`, `threads` or `simulated`.
    pub backend: String,
    /// The file system's size.
    pub total: ByteCount,
    /// What is free in it, prepared segments not counted.
    pub free: ByteCount,
    /// Live shards, headers and padding included.
    pub used: ByteCount,
    /// Number of live shards.
    pub shards: u64,
    /// Operations that went wrong since it was opened.
    pub errors: u64,
    /// Read from it since it was opened.
    pub read: ByteCount,
    /// Written to it since it was opened, prepared segments' zeros included.
    pub written: ByteCount,
}

/// A request that a drive did not serve.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are named for what they are")]
pub enum DriveError {
    /// The drive has no such shard.
    #[error("{shard} is not on drive {drive}")]
    NotFound { drive: DriveNo, shard: ShardId },
    /// The range does not lie in the shard: our mistake, or a foreign layout.
    #[error("{shard} on drive {drive} has no bytes {from}..{to}")]
    OutOfRange { drive: DriveNo, shard: ShardId, from: usize, to: usize },
    /// The header or its checksum is not what was written.
    #[error("{shard} on drive {drive}: {what}")]
    Corrupt { drive: DriveNo, shard: ShardId, what: String },
    /// There is no room for it.
    #[error("drive {drive} is full")]
    Full { drive: DriveNo },
    /// The queue is at its bound.
    #[error("drive {drive} is overloaded")]
    Busy { drive: DriveNo },
    /// No answer within the deadline.
    #[error("drive {drive} gave no answer within {after_ms} ms")]
    Late { drive: DriveNo, after_ms: u64 },
    /// The drive takes no part.
    #[error("drive {drive} is offline: {why}")]
    Offline { drive: DriveNo, why: String },
    /// The disk below.
    #[error("drive {drive}")]
    Disk { drive: DriveNo, source: DiskError },
}

impl DriveError {
    /// What the caller should do next.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::NotFound { .. } | Self::Corrupt { .. } => Remedy::Rebuild,
            Self::OutOfRange { .. } => Remedy::Refuse,
            Self::Busy { .. } => Remedy::RetryHere,
            Self::Full { .. } | Self::Late { .. } | Self::Offline { .. } => Remedy::TryElsewhere,
            Self::Disk { source, .. } => source.remedy(),
        }
    }
}

/// The shards of one drive.
pub trait DriveService: Send + Sync + 'static {
    /// Its slot.
    fn no(&self) -> DriveNo;

    /// Its state and figures; does not wait.
    fn status(&self) -> DriveStatus;

    /// Keeps one shard (V1, V2).
    fn write(
        &self,
        shard: ShardWrite,
        durability: Durability,
    ) -> BoxFuture<'static, Result<(), DriveError>>;

    /// Makes every completed write durable (V1).
    fn sync(&self) -> BoxFuture<'static, Result<(), DriveError>>;

    /// Reads a part of one shard.
    fn read(&self, range: ShardRange) -> BoxFuture<'static, Result<ShardBytes, DriveError>>;

    /// Forgets shards (V3) and, in time, gives back their space.
    fn delete(&self, shards: Vec<ShardId>) -> BoxFuture<'static, Result<(), DriveError>>;

    /// Shards in order of their ids, after `after`, at most `limit`.
    fn list(
        &self,
        after: Option<ShardId>,
        limit: usize,
    ) -> BoxFuture<'static, Result<Vec<StoredShard>, DriveError>>;
}
