//! Multipart uploads: create and abort, parts, completion, listings.
//!
//! - U1: a part is a body of its own, committed by its own command; the completion moves
//!   no bytes.
//! - U2: an upload that was created with a checksum algorithm has that checksum on every part,
//!   given by the client or computed here; without one every part has a CRC64NVME.
//!   So a completion can always say what the object's checksum is.

pub(super) mod complete;
pub(super) mod create;
pub(super) mod list;
pub(super) mod part;

use holdfast_api::meta::{Answer, ChecksumKind, Query as Ask, Refusal, Upload};
use holdfast_base::{BucketId, UploadId};
use s3s::{S3Error, S3Result};

use super::call::{Call, unexpected};
use super::errors;

/// Part numbers.
const PARTS_MAX: u16 = 10_000;

/// The upload that the query names; what is not an id is no upload.
fn upload_id(call: &Call) -> S3Result<UploadId> {
    call.query.get("uploadId").unwrap_or("").parse().map_err(|_| no_such_upload())
}

fn no_such_upload() -> S3Error {
    errors::refused(Refusal::NoSuchUpload)
}

async fn find(call: &Call, bucket: BucketId) -> S3Result<Option<Upload>> {
    let ask = Ask::Upload { bucket, key: call.key.clone(), upload: upload_id(call)? };
    match call.shared.ask(ask).await? {
        Answer::Upload(upload) => Ok(upload),
        other => Err(unexpected(&other)),
    }
}

/// U2: the checksum that every part of this upload has.
fn kind(upload: &Upload) -> ChecksumKind {
    upload.checksum.map_or(ChecksumKind::Crc64Nvme, |(kind, _)| kind)
}
