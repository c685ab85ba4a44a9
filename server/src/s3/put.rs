//! PutObject, and how bytes get from anywhere into the store.
//!
//! ```text
//! body -> pieces -> digests          (a blocking thread while the store encodes)
//!               \-> BodyWriter       (waits while too many bytes are under way)
//! end  -> length, checksums, trailers agree?  -> finish -> one command makes it visible
//! ```

use bytes::Bytes;
use holdfast_api::blob::BlobRecord;
use holdfast_api::drive::Owner;
use holdfast_api::meta::{Checksum, ChecksumKind, Command, Condition, Object, PutObject};
use holdfast_api::object::{Body, BodyReader, StoredBody};
use holdfast_base::{BlobId, BucketId};
use http::StatusCode;
use s3s::{S3Result, s3_error};
use tokio::task::JoinHandle;

use super::answer::{empty, put_etag};
use super::body::{Payload, incomplete};
use super::call::{Call, Handled};
use super::checksums::{self, Digests, Expected, Sums};
use super::service::Shared;
use super::{conditions, errors, headers};

/// The largest object of one PUT, and the largest part. [bytes]
pub(super) const PUT_BYTES_MAX: u64 = 5 << 30;
/// Pieces of this size are worth another thread's time. [bytes]
const HASH_APART_BYTES: usize = 64 << 10;

/// Where bytes come from.
pub(super) enum Source {
    Client(Payload),
    Store(Box<dyn BodyReader>),
}

impl Source {
    async fn next(&mut self) -> S3Result<Option<Bytes>> {
        match self {
            Self::Client(payload) => payload.next().await,
            Self::Store(reader) => reader.next().await.map_err(errors::store),
        }
    }
}

/// Bytes that are durable, and what they are. Not visible yet (O1).
pub(super) struct Ingested {
    pub(super) stored: StoredBody,
    pub(super) size: u64,
    pub(super) sums: Sums,
}

impl Ingested {
    /// The records that the commit must carry.
    pub(super) fn blobs(&self) -> Vec<(BlobId, BlobRecord)> {
        let Body::Stored { id, .. } = self.stored.body else { return Vec::new() };
        self.stored.blobs.iter().map(|(index, record)| (id.blob(*index), record.clone())).collect()
    }

    pub(super) fn etag(&self) -> String {
        hex::encode(self.sums.md5)
    }
}

/// PutObject.
pub(super) async fn put(mut call: Call) -> Handled {
    headers::refuse_unimplemented(&call.headers)?;
    let len = length(&call)?;
    let expected = Expected::of(&call.headers)?;
    let attributes = headers::attributes(&call.headers)?;
    let condition = conditions::write(&call.headers)?;
    let bucket = call.the_bucket().await?.id;
    foresee(&call, bucket, &condition).await?;

    let shared = call.shared.clone();
    let owner = shared.owner(bucket, &call.key);
    let version = owner.version;
    let ingested = receive(&mut call, &expected, owner, len).await?;
    let object = Object {
        version,
        modified: shared.clock.wall(),
        size: ingested.size,
        etag: ingested.etag(),
        attributes,
        checksums: kept(&ingested.sums, &expected),
        bodies: bodies(&ingested),
        parts: Vec::new(),
    };
    let mut reply = empty(StatusCode::OK);
    put_etag(&mut reply.headers, &object.etag);
    checksums::give(&mut reply.headers, &object.checksums, 0);
    let blobs = ingested.blobs();
    let command = PutObject { bucket, key: call.key, object, blobs, condition };
    shared.execute(Command::PutObject(command)).await?;
    Ok(reply)
}

/// An object's bodies: an empty object has none.
pub(super) fn bodies(ingested: &Ingested) -> Vec<Body> {
    if ingested.size == 0 { Vec::new() } else { vec![ingested.stored.body.clone()] }
}

/// The checksum to keep: the client's, or the one that S3 adds where there is none.
pub(super) fn kept(sums: &Sums, expected: &Expected) -> Vec<Checksum> {
    let kind = expected.kind().unwrap_or(ChecksumKind::Crc64Nvme);
    sums.checksums.iter().filter(|checksum| checksum.kind == kind).cloned().collect()
}

/// The length that the client announced.
///
/// # Errors
/// `MissingContentLength`, `EntityTooLarge`.
pub(super) fn length(call: &Call) -> S3Result<u64> {
    let chunked =
        call.header("x-amz-content-sha256")?.is_some_and(|kind| kind.starts_with("STREAMING-"));
    let name = if chunked { "x-amz-decoded-content-length" } else { "content-length" };
    let len = call.header(name)?.and_then(|text| text.parse::<u64>().ok()).ok_or_else(|| {
        s3_error!(MissingContentLength, "You must provide the Content-Length HTTP header.")
    })?;
    if len > PUT_BYTES_MAX {
        return Err(s3_error!(
            EntityTooLarge,
            "Your proposed upload exceeds the maximum allowed size"
        ));
    }
    Ok(len)
}

/// A condition that cannot hold is refused before the body is read; the state machine has
/// the last word (M4).
pub(super) async fn foresee(call: &Call, bucket: BucketId, condition: &Condition) -> S3Result<()> {
    if conditions::is_none(condition) {
        return Ok(());
    }
    let found = call.shared.object(bucket, &call.key, 0).await?;
    conditions::foresee(condition, found.as_ref().map(|(object, _)| object.etag.as_str()))
}

/// The client's body into the store, verified (F1).
pub(super) async fn receive(
    call: &mut Call,
    expected: &Expected,
    owner: Owner,
    len: u64,
) -> S3Result<Ingested> {
    let payload = call.take_payload();
    let always = expected.kind().is_none().then_some(ChecksumKind::Crc64Nvme);
    let digests = expected.digests(always);
    let shared = call.shared.clone();
    let trailers = call.trailers.clone();
    let verify = |sums: &Sums| {
        let trailers = trailers.and_then(|trailers| trailers.take());
        expected.verify(sums, trailers.as_ref())
    };
    ingest(&shared, Source::Client(payload), Goal { owner, len, digests }, verify).await
}

/// What bytes are to become.
pub(super) struct Goal {
    pub(super) owner: Owner,
    pub(super) len: u64,
    pub(super) digests: Digests,
}

/// Streams `source` into the store; `verify` is asked before the body is finished.
pub(super) async fn ingest(
    shared: &Shared,
    mut source: Source,
    goal: Goal,
    verify: impl FnOnce(&Sums) -> S3Result<()>,
) -> S3Result<Ingested> {
    let mut writer = shared.store.writer(goal.owner, Some(goal.len));
    let mut hashing = Hashing::Here(goal.digests);
    let mut size = 0;
    while let Some(bytes) = source.next().await? {
        size += bytes.len() as u64;
        if size > goal.len {
            return Err(incomplete());
        }
        hashing = hashing.update(&bytes).await?;
        writer.write(bytes).await.map_err(errors::store)?;
    }
    if size != goal.len {
        return Err(incomplete());
    }
    let sums = hashing.here().await?.finish();
    verify(&sums)?;
    let stored = writer.finish().await.map_err(errors::store)?;
    Ok(Ingested { stored, size, sums })
}

/// Digests, here or on a blocking thread that is busy with the last piece.
enum Hashing {
    Here(Digests),
    Apart(JoinHandle<Digests>),
}

impl Hashing {
    async fn here(self) -> S3Result<Digests> {
        match self {
            Self::Here(digests) => Ok(digests),
            Self::Apart(task) => task.await.map_err(|error| errors::internal(&error)),
        }
    }

    /// Takes `bytes` in; a large piece is hashed while the caller goes on.
    async fn update(self, bytes: &Bytes) -> S3Result<Self> {
        let mut digests = self.here().await?;
        if bytes.len() < HASH_APART_BYTES {
            digests.update(bytes);
            return Ok(Self::Here(digests));
        }
        let bytes = bytes.clone();
        Ok(Self::Apart(tokio::task::spawn_blocking(move || {
            digests.update(&bytes);
            digests
        })))
    }
}
