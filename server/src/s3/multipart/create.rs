//! CreateMultipartUpload and AbortMultipartUpload.

use holdfast_api::meta::{ChecksumKind, Command, Upload};
use holdfast_base::UploadId;
use http::StatusCode;
use s3s::S3Result;

use super::super::answer::{self, empty, with};
use super::super::call::{Call, Handled};
use super::super::errors::invalid_request;
use super::super::xml::Xml;
use super::super::{checksums, headers};
use super::upload_id;

/// CreateMultipartUpload.
pub(in super::super) async fn create(call: Call) -> Handled {
    const ROOT: &str = "InitiateMultipartUploadResult";
    headers::refuse_unimplemented(&call.headers)?;
    let attributes = headers::attributes(&call.headers)?;
    let checksum = checksum(&call)?;
    let shared = &call.shared;
    let upload = Upload {
        id: UploadId(shared.rng.id()),
        bucket: call.the_bucket().await?.id,
        key: call.key.clone(),
        initiated: shared.clock.wall(),
        attributes,
        checksum,
    };
    let id = upload.id;
    shared.execute(Command::CreateUpload(upload)).await?;
    let mut xml = Xml::document(ROOT, 0);
    xml.text("Bucket", &call.bucket);
    xml.text("Key", &String::from_utf8_lossy(&call.key));
    xml.text("UploadId", &id.to_string());
    let mut reply = answer::xml(xml.finish(ROOT));
    if let Some((kind, composite)) = checksum {
        reply = with(reply, "x-amz-checksum-algorithm", checksums::name(kind));
        reply = with(reply, "x-amz-checksum-type", checksums::type_name(composite));
    }
    Ok(reply)
}

/// The algorithm asked for, and whether the object's checksum is composite.
fn checksum(call: &Call) -> S3Result<Option<(ChecksumKind, bool)>> {
    let kind = call.header("x-amz-checksum-algorithm")?.map(checksums::parse_name).transpose()?;
    let composite = match call.header("x-amz-checksum-type")? {
        None | Some("") => None,
        Some("COMPOSITE") => Some(true),
        Some("FULL_OBJECT") => Some(false),
        Some(_) => return Err(invalid_request("Value for x-amz-checksum-type header is invalid.")),
    };
    let Some(kind) = kind else {
        return match composite {
            None => Ok(None),
            Some(_) => Err(invalid_request(
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
            )),
        };
    };
    let composite = composite.unwrap_or(kind != ChecksumKind::Crc64Nvme);
    let legal = match kind {
        ChecksumKind::Crc32 | ChecksumKind::Crc32c => true,
        ChecksumKind::Crc64Nvme => !composite,
        ChecksumKind::Sha1 | ChecksumKind::Sha256 => composite,
    };
    if !legal {
        return Err(invalid_request(format!(
            "The {} checksum type cannot be used with the {} checksum algorithm.",
            checksums::type_name(composite),
            checksums::name(kind)
        )));
    }
    Ok(Some((kind, composite)))
}

/// AbortMultipartUpload.
pub(in super::super) async fn abort(call: Call) -> Handled {
    let upload = upload_id(&call)?;
    let bucket = call.the_bucket().await?.id;
    call.shared.execute(Command::AbortUpload { bucket, key: call.key, upload }).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}
