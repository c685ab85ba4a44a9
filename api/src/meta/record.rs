//! What the metadata service keeps.

use std::collections::BTreeMap;

use bytes::Bytes;
use holdfast_base::{
    BlobId, BodyId, BucketId, ByteCount, DriveId, DriveNo, NodeId, Tick, UploadId, VersionId,
    WallMs,
};
use serde::{Deserialize, Serialize};

use crate::object::Body;

/// A bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// Never reused.
    pub id: BucketId,
    /// By S3's rules for names.
    pub name: String,
    /// When it was made.
    pub created: WallMs,
}

/// What a client said about an object: headers that come back as they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes {
    /// Standard headers by lower-case name: content-type, content-encoding,
    /// content-language, content-disposition, cache-control, expires,
    /// x-amz-storage-class, x-amz-website-redirect-location.
    pub headers: BTreeMap<String, String>,
    /// User metadata, without the `x-amz-meta-` prefix.
    pub user: BTreeMap<String, String>,
}

/// S3's checksum algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the algorithms' names")]
pub enum ChecksumKind {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

/// A checksum of an object or of a part, verified when it was stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    /// The algorithm.
    pub kind: ChecksumKind,
    /// Its bytes, big-endian as S3 encodes them.
    pub value: Bytes,
    /// Over the parts' checksums instead of over the bytes (S3's COMPOSITE).
    pub composite: bool,
}

/// An object as it is visible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Which PUT made it.
    pub version: VersionId,
    /// When it became visible.
    pub modified: WallMs,
    /// All its bytes.
    pub size: u64,
    /// Without quotes: MD5 in hex, or `md5-of-md5s-N` after a multipart upload.
    pub etag: String,
    /// What the client said about it.
    pub attributes: Attributes,
    /// Its checksums.
    pub checksums: Vec<Checksum>,
    /// Its bytes, in order.
    pub bodies: Vec<Body>,
    /// The parts that it was completed from; empty after a plain PUT.
    pub parts: Vec<PartSummary>,
}

/// What a listing shows of an object: not its bodies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedObject {
    /// When it became visible.
    pub modified: WallMs,
    /// All its bytes.
    pub size: u64,
    /// Without quotes.
    pub etag: String,
    /// The algorithms of its checksums.
    pub checksums: Vec<ChecksumKind>,
}

/// One part of a completed upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartSummary {
    /// 1 to 10,000.
    pub number: u16,
    /// Its bytes.
    pub size: u64,
    /// Its checksums.
    pub checksums: Vec<Checksum>,
}

/// A multipart upload in progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// Which one.
    pub id: UploadId,
    /// Its bucket.
    pub bucket: BucketId,
    /// Its object's key.
    pub key: Bytes,
    /// When it began.
    pub initiated: WallMs,
    /// What the object will carry.
    pub attributes: Attributes,
    /// The checksum algorithm that its parts must carry, and whether the
    /// object's will be composite.
    pub checksum: Option<(ChecksumKind, bool)>,
}

/// One uploaded part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// 1 to 10,000.
    pub number: u16,
    /// When it became durable.
    pub modified: WallMs,
    /// Its bytes.
    pub size: u64,
    /// MD5 in hex.
    pub etag: String,
    /// Its checksums.
    pub checksums: Vec<Checksum>,
    /// Its bytes.
    pub body: Body,
}

/// A drive slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriveRecord {
    /// The slot.
    pub no: DriveNo,
    /// The drive in it.
    pub id: DriveId,
    /// The node that has it.
    pub node: NodeId,
    /// Its path there.
    pub path: String,
    /// True while shards that belong on it may be absent: it replaced another
    /// drive, or came back after an absence. Cleared when a heal has verified it.
    pub healing: bool,
}

/// Something that the heal queue owes a blob. Ordered: most endangered first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HealEntry {
    /// How many more shards it can lose; 0 is the most urgent.
    pub spare: u8,
    /// The blob.
    pub blob: BlobId,
}

/// A body that nothing refers to any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Garbage {
    /// When it was replaced or deleted; readers from before may still see it.
    pub since: Tick,
    /// The body. Its blobs' records live until the collector is done.
    pub body: BodyId,
    /// Number of its blobs.
    pub blobs: u32,
}

/// A pair of credentials for S3 besides root's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKey {
    /// The public half.
    pub id: String,
    /// The secret half, sealed by the server before it comes here.
    pub sealed_secret: Bytes,
    /// What it is for, in the operator's words.
    pub note: String,
    /// When it was made.
    pub created: WallMs,
    /// Disabled keys authenticate nobody.
    pub enabled: bool,
}

/// Sums over a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Objects.
    pub objects: u64,
    /// Their sizes.
    pub bytes: ByteCount,
}
