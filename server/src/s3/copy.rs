//! CopyObject, and the source of every copy.

use bytes::Bytes;
use holdfast_api::drive::Owner;
use holdfast_api::meta::{Attributes, ChecksumKind, Command, Object, PutObject};
use holdfast_api::object::{ReadLease, ReadPlan};
use holdfast_base::BucketId;
use s3s::{S3Result, s3_error};

use super::answer;
use super::call::{Call, Found, Handled, check_key};
use super::checksums::{self, Expected};
use super::conditions::{self, Verdict};
use super::errors::{invalid_argument, invalid_request, no_such_key, precondition_failed};
use super::headers;
use super::put::{Goal, Ingested, PUT_BYTES_MAX, Source, bodies, foresee, ingest};
use super::service::Shared;
use super::uri;
use super::xml::Xml;

/// How often a change of attributes is tried against concurrent PUTs.
const ATTEMPTS: usize = 4;

/// A copy's source as it was found; the lease keeps its bytes (O4).
pub(super) struct Origin {
    pub(super) bucket: BucketId,
    pub(super) key: Bytes,
    pub(super) found: Found,
    lease: ReadLease,
}

impl Origin {
    /// Finds the source that `x-amz-copy-source` names, if its conditions hold.
    pub(super) async fn find(call: &Call) -> S3Result<Self> {
        let (bucket, key) = parse(call.header("x-amz-copy-source")?.unwrap_or(""))?;
        let lease = call.shared.store.lease();
        let bucket = call.shared.bucket(&bucket).await?.id;
        let found = call.shared.object(bucket, &key, 0).await?.ok_or_else(no_such_key)?;
        match conditions::read(&call.headers, conditions::COPY_SOURCE, &found.0)? {
            Verdict::Go => Ok(Self { bucket, key, found, lease }),
            Verdict::NotModified | Verdict::Failed => Err(precondition_failed()),
        }
    }

    /// Its bytes `from..to` into a new body.
    pub(super) async fn ingest(
        self,
        shared: &Shared,
        (from, to): (u64, u64),
        (owner, kinds): (Owner, Vec<ChecksumKind>),
    ) -> S3Result<Ingested> {
        let (object, blobs) = self.found;
        let digests = Expected::default().digests(kinds);
        let whole = (from, to) == (0, object.size);
        let etag = (whole && object.parts.is_empty()).then(|| object.etag.clone());
        let source = Owner { bucket: self.bucket, key: self.key, version: object.version };
        let plan = ReadPlan { owner: source, bodies: object.bodies, from, to, blobs };
        let reader = shared.store.reader(plan);
        let goal = Goal { owner, len: to - from, digests };
        let ingested = ingest(shared, Source::Store(reader), goal, |sums| {
            // The source says what its bytes are: a copy proves it once more.
            match etag {
                Some(etag) if etag != hex::encode(sums.md5) => {
                    Err(super::errors::internal(&"a copy's MD5 is not its source's"))
                }
                _ => Ok(()),
            }
        })
        .await?;
        drop(self.lease);
        Ok(ingested)
    }
}

/// `/bucket/key`, percent-encoded, perhaps with `?versionId=null`.
fn parse(text: &str) -> S3Result<(String, Bytes)> {
    let (path, version) = match text.split_once("?versionId=") {
        Some((path, version)) => (path, version),
        None => (text, "null"),
    };
    if version != "null" {
        return Err(s3_error!(NoSuchVersion, "The specified version does not exist."));
    }
    let path = uri::decode(path);
    let path = path.strip_prefix(b"/").unwrap_or(&path);
    let bad = || {
        invalid_argument(
            "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
        )
    };
    let at = path.iter().position(|&byte| byte == b'/').ok_or_else(bad)?;
    let (bucket, key) = (&path[..at], &path[at + 1..]);
    if bucket.is_empty() || key.is_empty() {
        return Err(bad());
    }
    check_key(key)?;
    let bucket = String::from_utf8(bucket.to_vec()).map_err(|_| bad())?;
    Ok((bucket, Bytes::copy_from_slice(key)))
}

/// CopyObject.
pub(super) async fn copy(call: Call) -> Handled {
    headers::refuse_unimplemented(&call.headers)?;
    let replace = match call.header("x-amz-metadata-directive")? {
        None | Some("" | "COPY") => false,
        Some("REPLACE") => true,
        Some(_) => return Err(invalid_argument("Unknown metadata directive.")),
    };
    match call.header("x-amz-tagging-directive")? {
        None | Some("" | "COPY" | "REPLACE") => {}
        Some(_) => return Err(invalid_argument("Unknown tagging directive.")),
    }
    let asked = call.header("x-amz-checksum-algorithm")?.map(checksums::parse_name).transpose()?;
    let given = headers::attributes(&call.headers)?;
    let condition = conditions::write(&call.headers)?;
    let bucket = call.the_bucket().await?.id;
    let from = Origin::find(&call).await?;
    let source = &from.found.0;
    if source.size > PUT_BYTES_MAX {
        return Err(invalid_request(
            "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120",
        ));
    }
    let changes = replace
        || given.headers.contains_key("x-amz-storage-class")
        || given.headers.contains_key("x-amz-website-redirect-location");
    let onto_itself = from.bucket == bucket && from.key == call.key;
    if onto_itself && !changes && asked.is_none() {
        return Err(invalid_request(
            "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
        ));
    }
    let attributes = merged(source, given, replace);
    let has_asked = asked.is_none_or(|kind| source.checksums.iter().any(|sum| sum.kind == kind));
    if onto_itself && has_asked && conditions::is_none(&condition) {
        return change(&call, from, attributes).await;
    }
    foresee(&call, bucket, &condition).await?;
    let kinds = match asked {
        Some(kind) => vec![kind],
        None => source.checksums.iter().map(|checksum| checksum.kind).collect(),
    };
    let kinds = if kinds.is_empty() { vec![ChecksumKind::Crc64Nvme] } else { kinds };
    let shared = call.shared.clone();
    let owner = shared.owner(bucket, &call.key);
    let version = owner.version;
    let span = (0, source.size);
    let ingested = from.ingest(&shared, span, (owner, kinds)).await?;
    let object = Object {
        version,
        modified: shared.clock.wall(),
        size: ingested.size,
        etag: ingested.etag(),
        attributes,
        checksums: ingested.sums.checksums.clone(),
        bodies: bodies(&ingested),
        parts: Vec::new(),
    };
    let reply = result(&object);
    let blobs = ingested.blobs();
    let command = PutObject { bucket, key: call.key, object, blobs, condition };
    shared.execute(Command::PutObject(command)).await?;
    Ok(reply)
}

/// What the copy will carry: the source's, or the request's; a storage class or redirect
/// in the request counts either way.
fn merged(source: &Object, given: Attributes, replace: bool) -> Attributes {
    if replace {
        return given;
    }
    let mut attributes = source.attributes.clone();
    for name in ["x-amz-storage-class", "x-amz-website-redirect-location"] {
        attributes.headers.remove(name);
        if let Some(value) = given.headers.get(name) {
            attributes.headers.insert(name.to_owned(), value.clone());
        }
    }
    attributes
}

/// A copy onto itself moves no bytes.
async fn change(call: &Call, from: Origin, attributes: Attributes) -> Handled {
    let shared = &call.shared;
    let (bucket, mut object) = (from.bucket, from.found.0);
    for _ in 0..ATTEMPTS {
        let now = shared.clock.wall();
        let command = Command::SetAttributes {
            bucket,
            key: call.key.clone(),
            version: object.version,
            attributes: attributes.clone(),
            now,
        };
        match shared.try_execute(command).await? {
            Ok(_) => {
                object.modified = now;
                return Ok(result(&object));
            }
            Err(holdfast_api::meta::Refusal::Stale) => {
                object = call.the_object(bucket, 0).await?.0;
            }
            Err(refusal) => return Err(super::errors::refused(refusal)),
        }
    }
    Err(super::errors::refused(holdfast_api::meta::Refusal::Stale))
}

fn result(object: &Object) -> answer::Reply {
    const ROOT: &str = "CopyObjectResult";
    let mut xml = Xml::document(ROOT, 0);
    xml.open("LastModified");
    headers::iso_into(xml.buffer(), object.modified);
    xml.close("LastModified");
    xml.text("ETag", &format!("\"{}\"", object.etag));
    for checksum in &object.checksums {
        let tag = format!("Checksum{}", checksums::name(checksum.kind));
        xml.text(&tag, &checksums::show(checksum, object.parts.len()));
        xml.text("ChecksumType", checksums::type_name(checksum.composite));
    }
    answer::xml(xml.finish(ROOT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_paths() {
        let good = |text| parse(text).map(|(bucket, key)| (bucket, key.to_vec())).unwrap();
        assert_eq!(good("/b/k"), ("b".into(), b"k".to_vec()));
        assert_eq!(good("b/a%2Fb%20c+d"), ("b".into(), b"a/b c+d".to_vec()));
        assert_eq!(good("b/k?versionId=null"), ("b".into(), b"k".to_vec()));
        assert_eq!(good("b//k"), ("b".into(), b"/k".to_vec()));
        for bad in ["", "b", "/b/", "b/k?versionId=3", "b/%ff"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
