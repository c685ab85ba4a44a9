//! Multipart uploads: parts commit one by one, a completion makes the object.

use bytes::Bytes;
use holdfast_api::meta::{Condition, Object, Outcome, Part, PartSummary, PutPart, Refusal, Upload};
use holdfast_base::{BucketId, UploadId};

use super::error::{StateError, Stop, bad};
use super::objects::{self, Place};
use super::rows::{BodyRow, Row, UploadRow};
use super::txn::{Go, Rows, Txn};
use super::{bodies, buckets, tables};

/// The highest part number.
pub const PARTS_MAX: u16 = 10_000;

/// The least bytes of every part but the last.
pub const PART_BYTES_MIN: u64 = 5 << 20;

/// See `Command::CompleteUpload`.
#[derive(Debug)]
pub struct Complete {
    /// Where.
    pub bucket: BucketId,
    /// The object's key.
    pub key: Bytes,
    /// The upload.
    pub upload: UploadId,
    /// The parts to take, with their ETags.
    pub parts: Vec<(u16, String)>,
    /// What the state machine cannot compute: ETag, version, attributes, checksums.
    pub object: Object,
    /// What must hold of the object that is there now.
    pub condition: Condition,
}

/// See `Command::CreateUpload`.
pub fn create(txn: &mut Txn<'_>, upload: Upload) -> Result<Outcome, Stop> {
    objects::check_key(&upload.key)?;
    buckets::check(txn, upload.bucket)?;
    let key = tables::upload(upload.bucket, &upload.key, upload.id);
    if txn.rows.has(&key)?
        || !txn.rows.keys(tables::range_of(tables::parts(upload.id)), 1)?.is_empty()
    {
        return Err(bad(format!("upload {} exists", upload.id)));
    }
    txn.put(&key, &UploadRow::of(&upload))?;
    Ok(Outcome::Done)
}

/// See `Command::PutPart`.
pub fn put_part(txn: &mut Txn<'_>, put: PutPart) -> Result<Outcome, Stop> {
    check_upload(txn, Place { bucket: put.bucket, key: &put.key }, put.upload)?;
    let part = put.part;
    if !(1..=PARTS_MAX).contains(&part.number) {
        return Err(bad(format!("part {} of 1 to {PARTS_MAX}", part.number)));
    }
    if BodyRow::of(&part.body).len() != part.size {
        return Err(bad(format!("a body of other than the part's {} bytes", part.size)));
    }
    let bodies = std::slice::from_ref(&part.body);
    // A part of no bytes has an empty inline body.
    let commit = bodies::check_commit(txn, bodies, put.blobs)?;
    bodies::commit(txn, commit)?;
    let key = tables::part(put.upload, part.number);
    if let Some(before) = txn.rows.row::<Part>(&key)? {
        bodies::retire(txn, &[BodyRow::of(&before.body)])?;
    }
    txn.put(&key, &part)?;
    Ok(Outcome::Done)
}

fn check_upload(txn: &Txn<'_>, place: Place<'_>, upload: UploadId) -> Result<(), Stop> {
    let there = txn.rows.has(&tables::upload(place.bucket, place.key, upload))?;
    if there { Ok(()) } else { Err(Refusal::NoSuchUpload.into()) }
}

/// See `Command::AbortUpload`.
pub fn abort(
    txn: &mut Txn<'_>,
    bucket: BucketId,
    key: &[u8],
    upload: UploadId,
) -> Result<Outcome, Stop> {
    check_upload(txn, Place { bucket, key }, upload)?;
    for part in parts(txn, upload)? {
        bodies::retire(txn, &[BodyRow::of(&part.body)])?;
        txn.remove(&tables::part(upload, part.number))?;
    }
    txn.remove(&tables::upload(bucket, key, upload))?;
    Ok(Outcome::Done)
}

fn parts(txn: &Txn<'_>, upload: UploadId) -> Result<Vec<Part>, StateError> {
    let mut parts = Vec::new();
    txn.rows.scan(tables::range_of(tables::parts(upload)), |_, value| {
        parts.push(Part::from_row(value)?);
        Ok(Go::On)
    })?;
    Ok(parts)
}

/// See `Command::CompleteUpload`.
pub fn complete(txn: &mut Txn<'_>, complete: Complete) -> Result<Outcome, Stop> {
    let place = Place { bucket: complete.bucket, key: &complete.key };
    let there = objects::there(&txn.rows, place)?;
    if let Err(missing) = check_upload(txn, place, complete.upload) {
        // Sent again after success, and its object is still there.
        return match there.filter(|there| there.rest.upload == Some(complete.upload)) {
            Some(there) => Ok(Outcome::Object {
                etag: there.listed.etag,
                size: there.listed.size,
                replaced: None,
            }),
            None => Err(missing),
        };
    }
    let all = parts(txn, complete.upload)?;
    let (taken, left) = choose(all, &complete.parts)?;
    objects::check_condition(there.as_ref(), &complete.condition)?;
    let mut object = complete.object;
    object.size = taken.iter().map(|part| part.size).sum();
    object.parts = taken.iter().map(summary).collect();
    object.bodies = taken.into_iter().map(|part| part.body).collect();
    for part in &left {
        bodies::retire(txn, &[BodyRow::of(&part.body)])?;
    }
    for key in txn.rows.keys(tables::range_of(tables::parts(complete.upload)), usize::MAX)? {
        txn.remove(&key)?;
    }
    txn.remove(&tables::upload(complete.bucket, &complete.key, complete.upload))?;
    let was = objects::Was { there, upload: Some(complete.upload) };
    Ok(objects::show(txn, place, object, was)?)
}

fn summary(part: &Part) -> PartSummary {
    PartSummary { number: part.number, size: part.size, checksums: part.checksums.clone() }
}

/// The parts that were listed, in order, and the others.
fn choose(all: Vec<Part>, listed: &[(u16, String)]) -> Result<(Vec<Part>, Vec<Part>), Stop> {
    if listed.is_empty() {
        return Err(bad("a completion lists at least one part"));
    }
    if listed.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
        return Err(Refusal::InvalidPartOrder.into());
    }
    let (mut taken, mut left) = (Vec::with_capacity(listed.len()), Vec::new());
    let mut listed = listed.iter().peekable();
    for part in all {
        match listed.peek() {
            Some((number, etag)) if *number == part.number && *etag == part.etag => {
                listed.next();
                taken.push(part);
            }
            Some((number, _)) if *number <= part.number => {
                return Err(Refusal::InvalidPart { number: *number }.into());
            }
            Some(_) | None => left.push(part),
        }
    }
    if let Some((number, _)) = listed.next() {
        return Err(Refusal::InvalidPart { number: *number }.into());
    }
    let small = taken.iter().rev().skip(1).rev().find(|part| part.size < PART_BYTES_MIN);
    match small {
        Some(part) => Err(Refusal::PartTooSmall { number: part.number, size: part.size }.into()),
        None => Ok((taken, left)),
    }
}
