//! What changes the metadata, and what comes of it.

use bytes::Bytes;
use holdfast_base::{
    BlobId, BodyId, BucketId, DriveId, DriveNo, Epoch, Lsn, NodeId, UploadId, VersionId, WallMs,
};
use serde::{Deserialize, Serialize};

use super::record::{AccessKey, Attributes, Bucket, Object, Part, Upload};
use crate::blob::BlobRecord;

/// One change. Wall times in it are the caller's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are named for what they are")]
pub enum Command {
    /// → `Bucket`; `BucketExists` if there is one.
    CreateBucket { name: String, now: WallMs },
    /// Only an empty one: no objects, no uploads. → `Done`
    DeleteBucket { name: String },

    /// Records blobs of a body that is still streaming in, and renews its intent. → `Done`
    ExtendBody { body: BodyId, blobs: Vec<(u32, BlobRecord)> },
    /// Keeps a body's intent alive while a slow client sends. → `Done`
    RenewIntent { body: BodyId },

    /// Makes an object visible. → `Object` with the version replaced, if any
    PutObject(PutObject),
    /// Changes what is said about an object, not its bytes, if it is still this
    /// version. → `Done`
    SetAttributes {
        bucket: BucketId,
        key: Bytes,
        version: VersionId,
        attributes: Attributes,
        now: WallMs,
    },
    /// Deletes objects. → `Deleted`, one answer each
    DeleteObjects { bucket: BucketId, objects: Vec<DeleteOne> },

    /// Begins an upload. → `Done`
    CreateUpload(Upload),
    /// Adds or replaces a part. → `Done`
    PutPart(PutPart),
    /// Forgets an upload and its parts. → `Done`
    AbortUpload { bucket: BucketId, key: Bytes, upload: UploadId },
    /// Makes an object of the parts listed, in order; each must still have the
    /// ETag given. The state machine puts the parts' bodies into `object.bodies`
    /// and their sizes into `object.size` and `object.parts`. Sent again after success it
    /// succeeds again. → `Object`
    CompleteUpload {
        bucket: BucketId,
        key: Bytes,
        upload: UploadId,
        parts: Vec<(u16, String)>,
        object: Object,
        condition: Condition,
    },

    /// Adds a key, or replaces it. → `Done`
    PutAccessKey(AccessKey),
    /// → `Done`; `NoSuchKey` if there is none.
    DeleteAccessKey { id: String },

    /// Puts a drive into a slot: the slot that it is in already, the one given, or the next
    /// free one. A drive that replaces another starts out healing. → `Drive`
    PutDrive { no: Option<DriveNo>, id: DriveId, node: NodeId, path: String },
    /// The slot's drive may lack shards / was verified whole. → `Done`
    SetHealing { no: DriveNo, id: DriveId, healing: bool },
    /// Shards of these blobs were seen absent or wrong: queue them. → `Done`
    ReportMissing { shards: Vec<(BlobId, u8)> },
    /// A heal is done: where the blob's shards are now, if its record is still
    /// `before`. → `Done`
    SetBlob { blob: BlobId, before: BlobRecord, after: BlobRecord },
    /// The collector has removed these bodies' shards from the drives. → `Done`
    ForgetGarbage { bodies: Vec<BodyId> },

    /// LogService: see `api::log`. → `Epoch`
    LogGrant,
    /// → `Lsn`
    LogAppend { epoch: Epoch, seq: u64, records: Vec<Bytes> },
    /// → `Done`
    LogTruncate { epoch: Epoch, through: Lsn },
}

/// [`Command::PutObject`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutObject {
    /// Where.
    pub bucket: BucketId,
    /// The key.
    pub key: Bytes,
    /// The object; its bodies were not committed before (M5).
    pub object: Object,
    /// The blobs of its bodies that are not recorded yet.
    pub blobs: Vec<(BlobId, BlobRecord)>,
    /// What must hold of the object that is there now.
    pub condition: Condition,
}

/// [`Command::PutPart`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutPart {
    /// Where.
    pub bucket: BucketId,
    /// The object's key.
    pub key: Bytes,
    /// The upload.
    pub upload: UploadId,
    /// The part; its body was not committed before (M5).
    pub part: Part,
    /// The blobs of its body that are not recorded yet.
    pub blobs: Vec<(BlobId, BlobRecord)>,
}

/// One object to delete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteOne {
    /// The key.
    pub key: Bytes,
    /// What must hold of the object that is there now.
    pub condition: Condition,
}

/// What must hold of the object that is there now (M4). ETags without quotes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// If-Match: its ETag is one of these; `*` is any object. Empty: no condition.
    pub if_match: Vec<String>,
    /// If-None-Match: its ETag is none of these; `*` is any object. Empty: no condition.
    pub if_none_match: Vec<String>,
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are named for what they are")]
pub enum Outcome {
    /// It happened.
    Done,
    /// The bucket made.
    Bucket(Bucket),
    /// An object became visible. The object as stored (a completion's etag and size are in it).
    Object { etag: String, size: u64, replaced: Option<VersionId> },
    /// One answer for each object of `DeleteObjects`: deleted, was not there, or the condition failed.
    Deleted(Vec<Result<bool, Refusal>>),
    /// The slot of a drive.
    Drive { no: DriveNo, healing: bool },
    /// A new epoch of the log.
    Epoch(Epoch),
    /// A record was accepted.
    Lsn(Lsn),
    /// The state machine refused it; nothing changed.
    Refused(Refusal),
}

/// Why the state machine refused a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are named for what they are")]
pub enum Refusal {
    /// No such bucket.
    #[error("no such bucket")]
    NoSuchBucket,
    /// The name is taken.
    #[error("the bucket exists")]
    BucketExists,
    /// It holds objects or uploads.
    #[error("the bucket is not empty")]
    BucketNotEmpty,
    /// No such object.
    #[error("no such object")]
    NoSuchObject,
    /// If-Match or If-None-Match does not hold.
    #[error("the condition does not hold")]
    ConditionFailed,
    /// No such upload.
    #[error("no such upload")]
    NoSuchUpload,
    /// A part that was listed is not there, or has another ETag.
    #[error("part {number} is not as listed")]
    InvalidPart { number: u16 },
    /// Parts out of order.
    #[error("the parts are not in ascending order")]
    InvalidPartOrder,
    /// A part that is not the last is smaller than 5 MiB.
    #[error("part {number} has {size} bytes, too few")]
    PartTooSmall { number: u16, size: u64 },
    /// M5: the body's intent has expired, or it was committed before.
    #[error("the intent of body {body} has expired")]
    IntentExpired { body: BodyId },
    /// A body without all its blobs.
    #[error("body {body} lacks blob records")]
    BodyIncomplete { body: BodyId },
    /// What the command was based upon has changed.
    #[error("it has changed meanwhile")]
    Stale,
    /// No such access key.
    #[error("no such access key")]
    NoSuchKey,
    /// The slot is another drive's.
    #[error("the drive slot is taken")]
    SlotTaken,
    /// A later epoch was granted.
    #[error("epoch is over, {current} is current")]
    Fenced { current: Epoch },
    /// Not the next in the epoch.
    #[error("seq {next} is next")]
    OutOfOrder { next: u64 },
    /// The log's budget.
    #[error("the log is at its budget")]
    LogFull,
    /// The session expired: the command was not applied and will not be.
    #[error("the session has expired")]
    SessionExpired,
    /// The command breaks a rule of the format.
    #[error("bad command: {0}")]
    Bad(String),
}
