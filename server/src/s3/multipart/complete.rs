//! CompleteMultipartUpload: a list of parts becomes an object by one command.
//!
//! The state machine compares ETags, order, sizes and conditions where it applies the
//! command; here the object's ETag and checksums are made of what the parts have.

use std::collections::BTreeMap;

use holdfast_api::meta::{
    Answer, Checksum, ChecksumKind, Command, Object, Outcome, Part, Query as Ask, Refusal, Upload,
};
use holdfast_base::{UploadId, VersionId};
use s3s::dto::{CompletedMultipartUpload, CompletedPart};
use s3s::xml::{Deserialize, Deserializer};
use s3s::{S3Error, S3Result};

use super::super::answer;
use super::super::call::{Call, Handled, unexpected};
use super::super::checksums::{self, KINDS};
use super::super::errors::{self, invalid_request, malformed_xml};
use super::super::service::Shared;
use super::super::xml::Xml;
use super::super::{conditions, headers};
use super::{PARTS_MAX, find, kind, upload_id};

/// The largest request: 10,000 parts with every checksum. [bytes]
const REQUEST_BYTES_MAX: usize = 8 << 20;
/// Parts of one question.
const PARTS_PER_QUERY: usize = 1000;

/// A part as the client lists it.
struct Listed {
    number: u16,
    etag: String,
    checksums: Vec<(ChecksumKind, String)>,
}

/// CompleteMultipartUpload.
pub(in super::super) async fn complete(mut call: Call) -> Handled {
    headers::refuse_unimplemented(&call.headers)?;
    let condition = conditions::write(&call.headers)?;
    let id = upload_id(&call)?;
    let bucket = call.the_bucket().await?.id;
    let body = call.take_payload().all(REQUEST_BYTES_MAX).await?;
    let listed = parse(&body)?;

    let etags = listed.iter().map(|part| part.etag.as_str());
    let etag = checksums::multipart_etag(etags).ok_or_else(|| invalid_part(listed[0].number))?;
    let shared = call.shared.clone();
    let mut object = Object {
        version: VersionId(shared.rng.id()),
        modified: shared.clock.wall(),
        size: 0,
        etag,
        attributes: Default::default(),
        checksums: Vec::new(),
        bodies: Vec::new(),
        parts: Vec::new(),
    };
    // Without the upload this may be the repetition of a completion that succeeded: the
    // state machine knows.
    if let Some(upload) = find(&call, bucket).await? {
        let parts = fetch(&shared, id).await?;
        object.checksums = verify(&call, &upload, &listed, &parts)?;
        object.attributes = upload.attributes;
    }
    let parts = listed.into_iter().map(|part| (part.number, part.etag)).collect();
    let checksums = object.checksums.clone();
    let key = call.key.clone();
    let command = Command::CompleteUpload { bucket, key, upload: id, parts, object, condition };
    match shared.execute(command).await? {
        Outcome::Object { etag, .. } => Ok(result(&call, &etag, &checksums)),
        other => Err(unexpected(&other)),
    }
}

fn invalid_part(number: u16) -> S3Error {
    errors::refused(Refusal::InvalidPart { number })
}

/// The client's list, in ascending order.
fn parse(body: &[u8]) -> S3Result<Vec<Listed>> {
    let request = CompletedMultipartUpload::deserialize(&mut Deserializer::new(body))
        .map_err(|_| malformed_xml())?;
    let parts = request.parts.unwrap_or_default();
    if parts.is_empty() || parts.len() > usize::from(PARTS_MAX) {
        return Err(malformed_xml());
    }
    let listed = parts.into_iter().map(listed).collect::<S3Result<Vec<_>>>()?;
    if listed.windows(2).any(|pair| pair[0].number >= pair[1].number) {
        return Err(errors::refused(Refusal::InvalidPartOrder));
    }
    Ok(listed)
}

fn listed(part: CompletedPart) -> S3Result<Listed> {
    let number = part.part_number.and_then(|number| u16::try_from(number).ok());
    let number =
        number.filter(|number| (1..=PARTS_MAX).contains(number)).ok_or_else(malformed_xml)?;
    let etag = part.e_tag.ok_or_else(malformed_xml)?.into_value();
    let checksums = [
        (ChecksumKind::Crc32, part.checksum_crc32),
        (ChecksumKind::Crc32c, part.checksum_crc32c),
        (ChecksumKind::Crc64Nvme, part.checksum_crc64nvme),
        (ChecksumKind::Sha1, part.checksum_sha1),
        (ChecksumKind::Sha256, part.checksum_sha256),
    ];
    let checksums =
        checksums.into_iter().filter_map(|(kind, value)| value.map(|value| (kind, value)));
    Ok(Listed { number, etag, checksums: checksums.collect() })
}

/// All parts of an upload, by number.
async fn fetch(shared: &Shared, upload: UploadId) -> S3Result<BTreeMap<u16, Part>> {
    let mut all = BTreeMap::new();
    let mut after = 0;
    loop {
        let ask = Ask::ListParts { upload, after, limit: PARTS_PER_QUERY };
        let (parts, truncated) = match shared.ask(ask).await? {
            Answer::Parts { parts, truncated } => (parts, truncated),
            other => return Err(unexpected(&other)),
        };
        after = parts.last().map_or(after, |part| part.number);
        let more = truncated && !parts.is_empty();
        all.extend(parts.into_iter().map(|part| (part.number, part)));
        if !more {
            return Ok(all);
        }
    }
}

/// F1 for a completion: what the client says of parts and object is compared with what is
/// stored. Gives the object's checksum.
fn verify(
    call: &Call,
    upload: &Upload,
    listed: &[Listed],
    parts: &BTreeMap<u16, Part>,
) -> S3Result<Vec<Checksum>> {
    let mut chosen = Vec::with_capacity(listed.len());
    for one in listed {
        let part = parts.get(&one.number).filter(|part| part.etag == one.etag);
        let part = part.ok_or_else(|| invalid_part(one.number))?;
        for (kind, value) in &one.checksums {
            let stored = part.checksums.iter().find(|checksum| checksum.kind == *kind);
            if stored.is_some_and(|stored| checksums::show(stored, 0) != *value) {
                return Err(invalid_part(one.number));
            }
        }
        chosen.push(part);
    }
    let size: u64 = chosen.iter().map(|part| part.size).sum();
    let said: Option<u64> = call
        .header("x-amz-mp-object-size")?
        .map(|text| {
            text.parse()
                .map_err(|_| invalid_request("Value for x-amz-mp-object-size header is invalid."))
        })
        .transpose()?;
    if said.is_some_and(|said| said != size) {
        return Err(invalid_request(format!(
            "The provided 'x-amz-mp-object-size' header does not match what was computed: {size}"
        )));
    }
    let checksum = whole(upload, &chosen);
    said_of_whole(call, upload, checksum.as_ref(), chosen.len())?;
    Ok(checksum.into_iter().collect())
}

/// The object's checksum (U2).
fn whole(upload: &Upload, parts: &[&Part]) -> Option<Checksum> {
    let kind = kind(upload);
    let of = |part: &&Part| part.checksums.iter().find(|checksum| checksum.kind == kind).cloned();
    let sums: Vec<Checksum> = parts.iter().map(of).collect::<Option<_>>()?;
    if upload.checksum.is_some_and(|(_, composite)| composite) {
        return Some(checksums::composite(kind, sums.iter()));
    }
    let sizes = parts.iter().map(|part| part.size);
    checksums::combine(kind, sums.iter().zip(sizes))
}

/// What the request's headers say of the whole object.
fn said_of_whole(
    call: &Call,
    upload: &Upload,
    checksum: Option<&Checksum>,
    parts: usize,
) -> S3Result<()> {
    let composite = upload.checksum.is_some_and(|(_, composite)| composite);
    match call.header("x-amz-checksum-type")? {
        None | Some("") => {}
        Some(said) if said == checksums::type_name(composite) => {}
        Some(said) => {
            return Err(invalid_request(format!(
                "The upload was created using the {} checksum mode. The complete request must use the same checksum mode, not {said}.",
                checksums::type_name(composite)
            )));
        }
    }
    for kind in KINDS {
        let Some(said) = call.header(checksums::header(kind))? else { continue };
        let Some(checksum) = checksum.filter(|checksum| checksum.kind == kind) else {
            return Err(invalid_request(format!(
                "The upload has no {} checksum",
                checksums::name(kind)
            )));
        };
        let computed = checksums::show(checksum, parts);
        let bare = computed.split('-').next().unwrap_or("");
        if said != computed && said != bare {
            return Err(checksums::bad_digest(checksums::name(kind)));
        }
    }
    Ok(())
}

fn result(call: &Call, etag: &str, object: &[Checksum]) -> answer::Reply {
    const ROOT: &str = "CompleteMultipartUploadResult";
    let mut xml = Xml::document(ROOT, 0);
    let key = String::from_utf8_lossy(&call.key);
    let mut encoded = String::new();
    super::super::uri::encode_into(&mut encoded, &call.key);
    xml.text("Location", &format!("/{}/{encoded}", call.bucket));
    xml.text("Bucket", &call.bucket);
    xml.text("Key", &key);
    xml.text("ETag", &format!("\"{etag}\""));
    let parts = etag.rsplit('-').next().and_then(|count| count.parse().ok()).unwrap_or(0);
    for checksum in object {
        let tag = format!("Checksum{}", checksums::name(checksum.kind));
        xml.text(&tag, &checksums::show(checksum, parts));
        xml.text("ChecksumType", checksums::type_name(checksum.composite));
    }
    answer::xml(xml.finish(ROOT))
}
