//! What may be asked of the metadata.

use bytes::Bytes;
use holdfast_base::{BlobId, BodyId, BucketId, ByteCount, DriveNo, Lsn, Tick, UploadId};
use serde::{Deserialize, Serialize};

use super::record::{
    AccessKey, Bucket, DriveRecord, Garbage, HealEntry, Object, Part, Upload, Usage,
};
use crate::blob::BlobRecord;
use crate::log::{LogBounds, LogRecord};

/// One question. `limit` counts answers; the service may give fewer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are named for what they are")]
pub enum Query {
    /// → `Bucket`
    Bucket { name: String },
    /// All, by name. → `Buckets`
    Buckets,
    /// An object, with the records of up to `blobs` blobs from the one that holds byte `at`
    /// (of the whole object). → `Object`
    Object { bucket: BucketId, key: Bytes, at: u64, blobs: usize },
    /// Records of a body's blobs from `index`. → `Blobs`
    Blobs { body: BodyId, index: u32, limit: usize },
    /// → `Listing`
    ListObjects(ListObjects),
    /// → `Upload`
    Upload { bucket: BucketId, key: Bytes, upload: UploadId },
    /// → `Uploads`
    ListUploads(ListUploads),
    /// Parts with numbers above `after`. → `Parts`
    ListParts { upload: UploadId, after: u16, limit: usize },
    /// → `Keys`
    AccessKeys,
    /// → `Drives`
    Drives,
    /// Blobs with a shard on a drive, after `after`. → `Blobs`
    BlobsOnDrive { no: DriveNo, after: Option<BlobId>, limit: usize },
    /// The most endangered first. → `Heal`
    HealQueue { limit: usize },
    /// Bodies that became garbage before `before`, oldest first. → `Garbage`
    Garbage { before: Tick, limit: usize },
    /// What the metadata knows of bodies that a drive has shards of. → `Bodies`
    Bodies { bodies: Vec<BodyId> },
    /// → `Log`
    LogRead { after: Lsn, limit: ByteCount },
    /// → `LogBounds`
    LogBounds,
    /// Objects and bytes of every bucket. → `Usage`
    Usage,
    /// → `Status`
    Status,
}

/// [`Query::ListObjects`]: keys in byte order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListObjects {
    /// The bucket.
    pub bucket: BucketId,
    /// Only keys that begin with it.
    pub prefix: Bytes,
    /// Keys that contain it after the prefix are rolled up into one common prefix.
    pub delimiter: Bytes,
    /// Only keys and common prefixes after it (exclusive). Where it is itself a common
    /// prefix that was given, everything below it is skipped.
    pub after: Bytes,
    /// At most this many keys and common prefixes together.
    pub limit: usize,
}

/// [`Query::ListUploads`]: by key, then by upload id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListUploads {
    /// The bucket.
    pub bucket: BucketId,
    /// Only keys that begin with it.
    pub prefix: Bytes,
    /// As in [`ListObjects`].
    pub delimiter: Bytes,
    /// Only keys after it; or, with `after_upload`, this key's later uploads as well.
    pub after: Bytes,
    /// See `after`.
    pub after_upload: Option<UploadId>,
    /// At most this many uploads and common prefixes together.
    pub limit: usize,
}

/// What a listing needs of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing<T> {
    /// Keys and what is there, in order.
    pub entries: Vec<(Bytes, T)>,
    /// Common prefixes, in order.
    pub prefixes: Vec<Bytes>,
    /// More follows.
    pub truncated: bool,
    /// What to give as `after` for the next page: the last key or common prefix.
    pub next: Bytes,
}

/// What the metadata knows of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BodyState {
    /// Something refers to it.
    Live,
    /// Nothing does yet, but its intent lives.
    Intended,
    /// It is garbage that waits for its readers.
    Garbage,
    /// Nothing refers to it or ever will: its shards may go.
    Unknown,
}

/// The answer to a [`Query`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names of the questions")]
pub enum Answer {
    Bucket(Option<Bucket>),
    Buckets(Vec<Bucket>),
    Object(Option<(Object, Vec<(BlobId, BlobRecord)>)>),
    Blobs(Vec<(BlobId, BlobRecord)>),
    Listing(Listing<super::ListedObject>),
    Upload(Option<Upload>),
    Uploads(Listing<Upload>),
    Parts { parts: Vec<Part>, truncated: bool },
    Keys(Vec<AccessKey>),
    Drives(Vec<DriveRecord>),
    Heal { entries: Vec<HealEntry>, queued: u64 },
    Garbage(Vec<Garbage>),
    Bodies(Vec<BodyState>),
    Log(Vec<LogRecord>),
    LogBounds(LogBounds),
    Usage(Vec<(Bucket, Usage)>),
    Status(MetaStatus),
}

/// The metadata service's own figures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetaStatus {
    /// The replica that leads, if any.
    pub leader: Option<u64>,
    /// Raft term.
    pub term: u64,
    /// Log time applied.
    pub tick: Tick,
    /// The last applied log position.
    pub applied: Lsn,
    /// Every replica.
    pub replicas: Vec<ReplicaStatus>,
    /// The transaction log.
    pub log: LogBounds,
    /// Entries in the heal queue.
    pub heal_queued: u64,
    /// Bodies that wait for the collector.
    pub garbage: u64,
}

/// One replica of the metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaStatus {
    /// Its number.
    pub id: u64,
    /// Its directory.
    pub path: String,
    /// `leader`, `follower`, `candidate`, `learner` or why it stopped.
    pub state: String,
    /// `voter`; `catching up` (a learner that will take a lost voter's place); `away`.
    pub role: String,
    /// How many entries it lacks; unknown while it is away.
    pub lag: Option<u64>,
    /// Its last log index.
    pub last: u64,
    /// Its last applied log index.
    pub applied: u64,
    /// Its oldest log index still kept.
    pub purged: u64,
    /// Bytes of its log files.
    pub log_bytes: ByteCount,
    /// Bytes of its store.
    pub store_bytes: ByteCount,
}
