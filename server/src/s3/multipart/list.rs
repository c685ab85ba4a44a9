//! ListParts and ListMultipartUploads.

use bytes::Bytes;
use holdfast_api::meta::{Answer, ListUploads, Listing, Part, Query as Ask, Upload};
use s3s::S3Result;

use super::super::answer;
use super::super::buckets::owner;
use super::super::call::{Call, Handled, unexpected};
use super::super::errors::invalid_argument;
use super::super::list::Page;
use super::super::xml::Xml;
use super::super::{checksums, headers};
use super::{find, no_such_upload};

/// The most entries of one page.
const PAGE_MAX: usize = 1000;

/// ListParts.
pub(in super::super) async fn parts(call: Call) -> Handled {
    const ROOT: &str = "ListPartsResult";
    let max: Option<u32> = call.number("max-parts")?;
    let max = max.map_or(PAGE_MAX, |max| (max as usize).min(PAGE_MAX));
    let after: u32 = call.number("part-number-marker")?.unwrap_or(0);
    let after = u16::try_from(after).unwrap_or(u16::MAX);
    let bucket = call.the_bucket().await?.id;
    let upload = find(&call, bucket).await?.ok_or_else(no_such_upload)?;
    let (parts, truncated) = if max == 0 {
        (Vec::new(), false)
    } else {
        let ask = Ask::ListParts { upload: upload.id, after, limit: max };
        match call.shared.ask(ask).await? {
            Answer::Parts { parts, truncated } => (parts, truncated),
            other => return Err(unexpected(&other)),
        }
    };
    let mut xml = Xml::document(ROOT, 512 + parts.len() * 192);
    xml.text("Bucket", &call.bucket);
    xml.text("Key", &String::from_utf8_lossy(&call.key));
    xml.text("UploadId", &upload.id.to_string());
    owner(&mut xml, "Initiator");
    owner(&mut xml, "Owner");
    xml.text("StorageClass", storage_class(&upload));
    xml.plain("PartNumberMarker", after);
    xml.plain("NextPartNumberMarker", parts.last().map_or(after, |part| part.number));
    xml.plain("MaxParts", max);
    xml.plain("IsTruncated", truncated);
    checksum(&mut xml, &upload);
    parts.iter().for_each(|each| part(&mut xml, &upload, each));
    Ok(answer::xml(xml.finish(ROOT)))
}

fn part(xml: &mut Xml, upload: &Upload, part: &Part) {
    xml.open("Part");
    xml.plain("PartNumber", part.number);
    xml.open("LastModified");
    headers::iso_into(xml.buffer(), part.modified);
    xml.close("LastModified");
    xml.text("ETag", &format!("\"{}\"", part.etag));
    xml.plain("Size", part.size);
    let shown = upload.checksum.map(|(kind, _)| kind);
    for checksum in part.checksums.iter().filter(|checksum| Some(checksum.kind) == shown) {
        let tag = format!("Checksum{}", checksums::name(checksum.kind));
        xml.text(&tag, &checksums::show(checksum, 0));
    }
    xml.close("Part");
}

fn storage_class(upload: &Upload) -> &str {
    upload.attributes.headers.get("x-amz-storage-class").map_or("STANDARD", String::as_str)
}

fn checksum(xml: &mut Xml, upload: &Upload) {
    if let Some((kind, composite)) = upload.checksum {
        xml.text("ChecksumAlgorithm", checksums::name(kind));
        xml.text("ChecksumType", checksums::type_name(composite));
    }
}

/// ListMultipartUploads.
pub(in super::super) async fn uploads(call: Call) -> Handled {
    const ROOT: &str = "ListMultipartUploadsResult";
    let page = Page::of(&call, "max-uploads")?;
    let marker = call.query.get("key-marker").unwrap_or("");
    let upload_marker = call.query.get("upload-id-marker").filter(|text| !text.is_empty());
    let listing = fetch(&call, &page, (marker, upload_marker)).await?;
    let mut xml = Xml::document(ROOT, 512 + listing.entries.len() * 512);
    page.echo(&mut xml, &call.bucket, "MaxUploads");
    page.key(&mut xml, "KeyMarker", marker.as_bytes());
    xml.text("UploadIdMarker", upload_marker.unwrap_or(""));
    if listing.truncated {
        page.key(&mut xml, "NextKeyMarker", &listing.next);
        let last = listing.entries.last().filter(|(key, _)| *key == listing.next);
        xml.text(
            "NextUploadIdMarker",
            &last.map_or(String::new(), |(_, last)| last.id.to_string()),
        );
    }
    xml.plain("IsTruncated", listing.truncated);
    for (key, upload) in &listing.entries {
        xml.open("Upload");
        page.key(&mut xml, "Key", key);
        xml.text("UploadId", &upload.id.to_string());
        owner(&mut xml, "Initiator");
        owner(&mut xml, "Owner");
        xml.text("StorageClass", storage_class(upload));
        xml.open("Initiated");
        headers::iso_into(xml.buffer(), upload.initiated);
        xml.close("Initiated");
        checksum(&mut xml, upload);
        xml.close("Upload");
    }
    page.common(&mut xml, &listing.prefixes);
    Ok(answer::xml(xml.finish(ROOT)))
}

/// An upload-id marker counts only beside a key marker.
async fn fetch(
    call: &Call,
    page: &Page,
    (marker, upload_marker): (&str, Option<&str>),
) -> S3Result<Listing<Upload>> {
    let bucket = call.the_bucket().await?.id;
    let after_upload = match upload_marker {
        Some(text) if !marker.is_empty() => {
            Some(text.parse().map_err(|_| invalid_argument("Invalid uploadId marker"))?)
        }
        _ => None,
    };
    if page.max == 0 {
        let (entries, prefixes) = (Vec::new(), Vec::new());
        return Ok(Listing { entries, prefixes, truncated: false, next: Bytes::new() });
    }
    let ask = Ask::ListUploads(ListUploads {
        bucket,
        prefix: page.prefix(),
        delimiter: page.delimiter(),
        after: Bytes::copy_from_slice(marker.as_bytes()),
        after_upload,
        limit: page.max,
    });
    match call.shared.ask(ask).await? {
        Answer::Uploads(listing) => Ok(listing),
        other => Err(unexpected(&other)),
    }
}
