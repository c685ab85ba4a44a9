//! ListObjects, ListObjectsV2, ListObjectVersions.
//!
//! Written straight into one buffer: a page of 1,000 keys costs no allocation per key here.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use holdfast_api::meta::{ListObjects, ListedObject, Listing};
use s3s::S3Result;

use super::answer;
use super::buckets::owner;
use super::call::{Call, Handled};
use super::checksums;
use super::errors::invalid_argument;
use super::headers::iso_into;
use super::uri::encode_into;
use super::xml::{Xml, escape_into};

/// The most keys of one page.
const PAGE_MAX: usize = 1000;
/// About what one key takes in a page. [bytes]
const ENTRY_BYTES: usize = 320;

/// What all listings have in common.
pub(super) struct Page {
    prefix: String,
    delimiter: String,
    pub(super) max: usize,
    url: bool,
}

impl Page {
    /// `limit` is the name of the parameter with the most entries wanted.
    pub(super) fn of(call: &Call, limit: &str) -> S3Result<Self> {
        let url = match call.query.get("encoding-type") {
            None | Some("") => false,
            Some(kind) if kind.eq_ignore_ascii_case("url") => true,
            Some(_) => {
                return Err(invalid_argument("Invalid Encoding Method specified in Request"));
            }
        };
        let text = |name| call.query.get(name).unwrap_or("").to_owned();
        let max: Option<u32> = call.number(limit)?;
        let max = max.map_or(PAGE_MAX, |max| (max as usize).min(PAGE_MAX));
        Ok(Self { prefix: text("prefix"), delimiter: text("delimiter"), max, url })
    }

    pub(super) fn prefix(&self) -> Bytes {
        Bytes::copy_from_slice(self.prefix.as_bytes())
    }

    pub(super) fn delimiter(&self) -> Bytes {
        Bytes::copy_from_slice(self.delimiter.as_bytes())
    }

    /// A key, encoded as the client asked.
    pub(super) fn key(&self, xml: &mut Xml, tag: &str, key: &[u8]) {
        xml.open(tag);
        if self.url {
            encode_into(xml.buffer(), key);
        } else {
            escape_into(xml.buffer(), &String::from_utf8_lossy(key));
        }
        xml.close(tag);
    }

    /// The parameters that every listing repeats.
    pub(super) fn echo(&self, xml: &mut Xml, bucket: &str, limit: &str) {
        xml.text(if limit == "MaxUploads" { "Bucket" } else { "Name" }, bucket);
        self.key(xml, "Prefix", self.prefix.as_bytes());
        xml.plain(limit, self.max);
        if !self.delimiter.is_empty() {
            self.key(xml, "Delimiter", self.delimiter.as_bytes());
        }
        if self.url {
            xml.raw("<EncodingType>url</EncodingType>");
        }
    }

    pub(super) fn common(&self, xml: &mut Xml, prefixes: &[Bytes]) {
        for prefix in prefixes {
            xml.open("CommonPrefixes");
            self.key(xml, "Prefix", prefix);
            xml.close("CommonPrefixes");
        }
    }

    async fn fetch(&self, call: &Call, after: Bytes) -> S3Result<Listing<ListedObject>> {
        let bucket = call.the_bucket().await?.id;
        if self.max == 0 {
            return Ok(Listing {
                entries: Vec::new(),
                prefixes: Vec::new(),
                truncated: false,
                next: Bytes::new(),
            });
        }
        let (prefix, delimiter) = (self.prefix(), self.delimiter());
        call.shared.list(ListObjects { bucket, prefix, delimiter, after, limit: self.max }).await
    }

    /// What the three listings say of an object, between their own tags.
    fn entry(&self, xml: &mut Xml, key: &[u8], object: &ListedObject) {
        self.key(xml, "Key", key);
        xml.raw("<LastModified>");
        iso_into(xml.buffer(), object.modified);
        xml.raw("</LastModified><ETag>&quot;");
        xml.raw(&object.etag);
        xml.raw("&quot;</ETag>");
        for kind in &object.checksums {
            xml.raw("<ChecksumAlgorithm>");
            xml.raw(checksums::name(*kind));
            xml.raw("</ChecksumAlgorithm>");
        }
        xml.plain("Size", object.size);
    }

    fn contents(&self, xml: &mut Xml, listing: &Listing<ListedObject>, with_owner: bool) {
        for (key, object) in &listing.entries {
            xml.raw("<Contents>");
            self.entry(xml, key, object);
            if with_owner {
                owner(xml, "Owner");
            }
            xml.raw("<StorageClass>STANDARD</StorageClass></Contents>");
        }
        self.common(xml, &listing.prefixes);
    }
}

fn document(root: &str, listing: &Listing<ListedObject>) -> Xml {
    Xml::document(root, 512 + (listing.entries.len() + listing.prefixes.len()) * ENTRY_BYTES)
}

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// ListObjects.
pub(super) async fn v1(call: Call) -> Handled {
    const ROOT: &str = "ListBucketResult";
    let page = Page::of(&call, "max-keys")?;
    let marker = call.query.get("marker").unwrap_or("");
    let listing = page.fetch(&call, bytes(marker)).await?;
    let mut xml = document(ROOT, &listing);
    page.echo(&mut xml, &call.bucket, "MaxKeys");
    page.key(&mut xml, "Marker", marker.as_bytes());
    if listing.truncated && !page.delimiter.is_empty() {
        page.key(&mut xml, "NextMarker", &listing.next);
    }
    xml.plain("IsTruncated", listing.truncated);
    page.contents(&mut xml, &listing, true);
    Ok(answer::xml(xml.finish(ROOT)))
}

/// ListObjectsV2. A continuation token is the last key of the page before, in base64.
pub(super) async fn v2(call: Call) -> Handled {
    const ROOT: &str = "ListBucketResult";
    let page = Page::of(&call, "max-keys")?;
    let token = call.query.get("continuation-token");
    let start_after = call.query.get("start-after").unwrap_or("");
    let after = match token {
        None => bytes(start_after),
        Some(token) => match URL_SAFE_NO_PAD.decode(token) {
            Ok(after) if !after.is_empty() => after.into(),
            _ => return Err(invalid_argument("The continuation token provided is incorrect")),
        },
    };
    let listing = page.fetch(&call, after).await?;
    let mut xml = document(ROOT, &listing);
    page.echo(&mut xml, &call.bucket, "MaxKeys");
    xml.plain("KeyCount", listing.entries.len() + listing.prefixes.len());
    if !start_after.is_empty() {
        page.key(&mut xml, "StartAfter", start_after.as_bytes());
    }
    xml.optional("ContinuationToken", token);
    if listing.truncated {
        xml.text("NextContinuationToken", &URL_SAFE_NO_PAD.encode(&listing.next));
    }
    xml.plain("IsTruncated", listing.truncated);
    page.contents(&mut xml, &listing, call.query.get("fetch-owner") == Some("true"));
    Ok(answer::xml(xml.finish(ROOT)))
}

/// ListObjectVersions of a bucket that was never versioned: one version, `null`, of each key.
pub(super) async fn versions(call: Call) -> Handled {
    const ROOT: &str = "ListVersionsResult";
    let page = Page::of(&call, "max-keys")?;
    let marker = call.query.get("key-marker").unwrap_or("");
    let version_marker = call.query.get("version-id-marker").unwrap_or("");
    if !version_marker.is_empty() && marker.is_empty() {
        return Err(invalid_argument(
            "A version-id marker cannot be specified without a key marker.",
        ));
    }
    let listing = page.fetch(&call, bytes(marker)).await?;
    let mut xml = document(ROOT, &listing);
    page.echo(&mut xml, &call.bucket, "MaxKeys");
    page.key(&mut xml, "KeyMarker", marker.as_bytes());
    xml.text("VersionIdMarker", version_marker);
    if listing.truncated {
        page.key(&mut xml, "NextKeyMarker", &listing.next);
        let last_is_key = listing.entries.last().is_some_and(|(key, _)| *key == listing.next);
        if last_is_key {
            xml.text("NextVersionIdMarker", "null");
        }
    }
    xml.plain("IsTruncated", listing.truncated);
    for (key, object) in &listing.entries {
        xml.raw("<Version><VersionId>null</VersionId><IsLatest>true</IsLatest>");
        page.entry(&mut xml, key, object);
        owner(&mut xml, "Owner");
        xml.raw("<StorageClass>STANDARD</StorageClass></Version>");
    }
    page.common(&mut xml, &listing.prefixes);
    Ok(answer::xml(xml.finish(ROOT)))
}
