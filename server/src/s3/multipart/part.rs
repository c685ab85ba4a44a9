//! UploadPart and UploadPartCopy.

use holdfast_api::meta::{Checksum, ChecksumKind, Command, Part, PutPart, Upload};
use holdfast_base::BucketId;
use http::StatusCode;
use s3s::{S3Result, s3_error};

use super::super::answer::{self, empty, put_etag};
use super::super::call::{Call, Handled};
use super::super::checksums::{self, Expected};
use super::super::copy;
use super::super::errors::{invalid_argument, invalid_request};
use super::super::headers;
use super::super::put::{Goal, Ingested, PUT_BYTES_MAX, Source, ingest, length};
use super::super::xml::Xml;
use super::{PARTS_MAX, find, kind, no_such_upload};

/// Where a part goes.
struct Place {
    bucket: BucketId,
    upload: Upload,
    number: u16,
}

impl Place {
    async fn of(call: &Call) -> S3Result<Self> {
        let number: Option<u32> = call.number("partNumber")?;
        let number = match number {
            Some(number) if (1..=u32::from(PARTS_MAX)).contains(&number) => number as u16,
            _ => {
                return Err(invalid_argument(
                    "Part number must be an integer between 1 and 10000, inclusive",
                ));
            }
        };
        let bucket = call.the_bucket().await?.id;
        let upload = find(call, bucket).await?.ok_or_else(no_such_upload)?;
        Ok(Self { bucket, upload, number })
    }

    /// Commits it; what was under its number before is garbage then.
    async fn commit(self, call: &Call, ingested: &Ingested) -> S3Result<Part> {
        let part = Part {
            number: self.number,
            modified: call.shared.clock.wall(),
            size: ingested.size,
            etag: ingested.etag(),
            checksums: ingested.sums.checksums.clone(),
            body: ingested.stored.body.clone(),
        };
        let command = PutPart {
            bucket: self.bucket,
            key: call.key.clone(),
            upload: self.upload.id,
            part: part.clone(),
            blobs: ingested.blobs(),
        };
        call.shared.execute(Command::PutPart(command)).await?;
        Ok(part)
    }
}

/// UploadPart.
pub(in super::super) async fn upload(mut call: Call) -> Handled {
    headers::refuse_unimplemented(&call.headers)?;
    let len = length(&call)?;
    let expected = Expected::of(&call.headers)?;
    let place = Place::of(&call).await?;
    if let (Some((wanted, _)), Some(given)) = (place.upload.checksum, expected.kind())
        && wanted != given
    {
        return Err(invalid_request(format!(
            "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
            checksums::name(wanted).to_ascii_lowercase(),
            checksums::name(given).to_ascii_lowercase()
        )));
    }
    let shared = call.shared.clone();
    let owner = shared.owner(place.bucket, &call.key);
    let digests = expected.digests([kind(&place.upload)]);
    let trailers = call.trailers.take();
    let source = Source::Client(call.take_payload());
    let ingested = ingest(&shared, source, Goal { owner, len, digests }, |sums| {
        let trailers = trailers.and_then(|trailers| trailers.take());
        expected.verify(sums, trailers.as_ref())
    })
    .await?;
    let shown = expected.kind().or(place.upload.checksum.map(|(kind, _)| kind));
    let part = place.commit(&call, &ingested).await?;
    let mut reply = empty(StatusCode::OK);
    put_etag(&mut reply.headers, &part.etag);
    for checksum in shown_of(&part.checksums, shown) {
        let value = checksums::show(checksum, 0);
        headers::put(&mut reply.headers, checksums::header(checksum.kind), &value);
    }
    Ok(reply)
}

fn shown_of(
    checksums: &[Checksum],
    shown: Option<ChecksumKind>,
) -> impl Iterator<Item = &Checksum> {
    checksums.iter().filter(move |checksum| Some(checksum.kind) == shown)
}

/// UploadPartCopy.
pub(in super::super) async fn copy(call: Call) -> Handled {
    const ROOT: &str = "CopyPartResult";
    headers::refuse_unimplemented(&call.headers)?;
    let place = Place::of(&call).await?;
    let from = copy::Origin::find(&call).await?;
    let size = from.found.0.size;
    let span = match call.header("x-amz-copy-source-range")? {
        None => (0, size),
        Some(range) => parse_range(range, size)?,
    };
    if span.1 - span.0 > PUT_BYTES_MAX {
        return Err(s3_error!(
            EntityTooLarge,
            "Your proposed upload exceeds the maximum allowed size"
        ));
    }
    let owner = call.shared.owner(place.bucket, &call.key);
    let kinds = vec![kind(&place.upload)];
    let shown = place.upload.checksum.map(|(kind, _)| kind);
    let ingested = from.ingest(&call.shared, span, (owner, kinds)).await?;
    let part = place.commit(&call, &ingested).await?;
    let mut xml = Xml::document(ROOT, 0);
    xml.open("LastModified");
    headers::iso_into(xml.buffer(), part.modified);
    xml.close("LastModified");
    xml.text("ETag", &format!("\"{}\"", part.etag));
    for checksum in shown_of(&part.checksums, shown) {
        let tag = format!("Checksum{}", checksums::name(checksum.kind));
        xml.text(&tag, &checksums::show(checksum, 0));
    }
    Ok(answer::xml(xml.finish(ROOT)))
}

/// `bytes=first-last`: here both must be there and lie in the source.
fn parse_range(text: &str, size: u64) -> S3Result<(u64, u64)> {
    let bad = || {
        invalid_argument(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy",
        )
    };
    let (first, last) = text
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
        .and_then(|(first, last)| Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()?)))
        .ok_or_else(bad)?;
    if first > last {
        return Err(bad());
    }
    if last >= size {
        return Err(s3_error!(
            InvalidArgument,
            "Range specified is not valid for source object of size: {size}"
        ));
    }
    Ok((first, last + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copy_ranges_are_strict() {
        assert_eq!(parse_range("bytes=0-9", 10).unwrap(), (0, 10));
        for text in ["bytes=0-10", "bytes=5-", "bytes=-5", "bytes=5-4", "0-9", "bytes=0-9,3-4"] {
            assert!(parse_range(text, 10).is_err(), "{text}");
        }
    }
}
