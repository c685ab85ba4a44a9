//! Objects: conditions, visibility, deletion.
//!
//! - J1: the condition is evaluated against the object that is there when the
//!   command is applied, by nobody else and at no other time (M4).
//! - J2: whatever an object's row named and nothing names any more is garbage
//!   by the same command (M5).

use bytes::Bytes;
use holdfast_api::meta::{Attributes, Condition, DeleteOne, Object, Outcome, PutObject, Refusal};
use holdfast_api::object::Body;
use holdfast_base::limits::KEY_BYTES_MAX;
use holdfast_base::{BucketId, UploadId, VersionId, WallMs};

use super::error::{StateError, Stop, bad};
use super::rows::{BodyRow, ObjectRow};
use super::txn::{Rows, Txn};
use super::{bodies, buckets, tables};

/// The longest ETag. [bytes]
const ETAG_BYTES_MAX: usize = 128;

/// See `Command::SetAttributes`.
#[derive(Clone, Debug)]
pub struct Change {
    /// It must still be this version.
    pub version: VersionId,
    /// What to say of it from now on.
    pub attributes: Attributes,
    /// When.
    pub now: WallMs,
}

/// Where an object is.
#[derive(Clone, Copy, Debug)]
pub struct Place<'k> {
    /// The bucket.
    pub bucket: BucketId,
    /// The key.
    pub key: &'k [u8],
}

/// Refuses keys that S3 does not know.
pub fn check_key(key: &[u8]) -> Result<(), Stop> {
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        return Err(bad(format!("a key has 1 to {KEY_BYTES_MAX} bytes, not {}", key.len())));
    }
    Ok(())
}

/// See `Command::PutObject`.
pub fn put(txn: &mut Txn<'_>, put: PutObject) -> Result<Outcome, Stop> {
    let place = Place { bucket: put.bucket, key: &put.key };
    check_key(place.key)?;
    buckets::check(txn, place.bucket)?;
    let there = there(&txn.rows, place)?;
    check_condition(there.as_ref(), &put.condition)?;
    let bodies = put.object.bodies.iter().map(|body| BodyRow::of(body).len()).sum::<u64>();
    if bodies != put.object.size {
        return Err(bad(format!(
            "{} bytes of bodies for an object of {}",
            bodies, put.object.size
        )));
    }
    let commit = bodies::check_commit(txn, &put.object.bodies, put.blobs)?;
    check_object(&put.object)?;
    bodies::commit(txn, commit)?;
    Ok(show(txn, place, put.object, Was { there, upload: None })?)
}

fn check_object(object: &Object) -> Result<(), Stop> {
    if object.etag.is_empty() || object.etag.len() > ETAG_BYTES_MAX {
        return Err(bad(format!("an ETag has 1 to {ETAG_BYTES_MAX} bytes")));
    }
    if object.bodies.len() > usize::from(u16::MAX) {
        return Err(bad(format!("{} bodies", object.bodies.len())));
    }
    Ok(())
}

/// What an object takes the place of, and where it came from.
#[derive(Debug)]
pub struct Was {
    /// What was visible.
    pub there: Option<ObjectRow>,
    /// The upload that it was completed from.
    pub upload: Option<UploadId>,
}

/// Makes an object visible; its bodies are committed.
pub fn show(
    txn: &mut Txn<'_>,
    place: Place<'_>,
    object: Object,
    was: Was,
) -> Result<Outcome, StateError> {
    let row = ObjectRow::of(&object, was.upload);
    let replaced = was.there.as_ref().map(|there| there.rest.version);
    if let Some(there) = &was.there {
        hide(txn, place, there)?;
    }
    txn.put_value(&tables::object(place.bucket, place.key), &row.to_row())?;
    for (nth, body) in (0u16..).zip(&object.bodies) {
        if let Body::Inline(bytes) = body {
            txn.put_value(&tables::inline(place.bucket, place.key, nth), bytes)?;
        }
    }
    txn.change_usage(place.bucket, |usage| {
        usage.objects += 1;
        usage.bytes.0 += row.listed.size;
    })?;
    Ok(Outcome::Object { etag: row.listed.etag, size: row.listed.size, replaced })
}

/// Takes what was visible away (J2); its own row stays for the caller to replace or remove.
fn hide(txn: &mut Txn<'_>, place: Place<'_>, there: &ObjectRow) -> Result<(), StateError> {
    for (nth, body) in (0u16..).zip(&there.rest.bodies) {
        if matches!(body, BodyRow::Inline(_)) {
            txn.remove(&tables::inline(place.bucket, place.key, nth))?;
        }
    }
    bodies::retire(txn, &there.rest.bodies)?;
    let size = there.listed.size;
    txn.change_usage(place.bucket, |usage| {
        usage.objects = usage.objects.saturating_sub(1);
        usage.bytes.0 = usage.bytes.0.saturating_sub(size);
    })
}

/// The object that is there now.
///
/// # Errors
/// The store.
pub fn there(rows: &impl Rows, place: Place<'_>) -> Result<Option<ObjectRow>, StateError> {
    rows.decoded(&tables::object(place.bucket, place.key), ObjectRow::from_row)
}

/// J1. If-Match on nothing is `NoSuchObject`, as S3 has it.
pub fn check_condition(there: Option<&ObjectRow>, condition: &Condition) -> Result<(), Stop> {
    let holds = |etags: &[String]| {
        let etag = there.map(|there| there.listed.etag.as_str());
        etag.is_some_and(|etag| etags.iter().any(|one| one == "*" || one == etag))
    };
    if !condition.if_match.is_empty() && !holds(&condition.if_match) {
        let refusal =
            if there.is_some() { Refusal::ConditionFailed } else { Refusal::NoSuchObject };
        return Err(refusal.into());
    }
    if !condition.if_none_match.is_empty() && holds(&condition.if_none_match) {
        return Err(Refusal::ConditionFailed.into());
    }
    Ok(())
}

/// See `Command::SetAttributes`.
pub fn set_attributes(
    txn: &mut Txn<'_>,
    bucket: BucketId,
    key: &[u8],
    change: Change,
) -> Result<Outcome, Stop> {
    let place = Place { bucket, key };
    let mut row = there(&txn.rows, place)?.ok_or(Refusal::NoSuchObject)?;
    if row.rest.version != change.version {
        return Err(Refusal::Stale.into());
    }
    row.rest.attributes = change.attributes;
    row.listed.modified = change.now;
    txn.put_value(&tables::object(bucket, key), &row.to_row())?;
    Ok(Outcome::Done)
}

/// See `Command::DeleteObjects`.
pub fn delete(
    txn: &mut Txn<'_>,
    bucket: BucketId,
    objects: Vec<DeleteOne>,
) -> Result<Outcome, Stop> {
    buckets::check(txn, bucket)?;
    let mut answers = Vec::with_capacity(objects.len());
    for one in objects {
        answers.push(match delete_one(txn, bucket, &one) {
            Ok(deleted) => Ok(deleted),
            Err(Stop::Refused(refusal)) => Err(refusal),
            Err(broken @ Stop::Broken(_)) => return Err(broken),
        });
    }
    Ok(Outcome::Deleted(answers))
}

fn delete_one(txn: &mut Txn<'_>, bucket: BucketId, one: &DeleteOne) -> Result<bool, Stop> {
    let place = Place { bucket, key: &one.key };
    let there = there(&txn.rows, place)?;
    check_condition(there.as_ref(), &one.condition)?;
    let Some(there) = there else { return Ok(false) };
    hide(txn, place, &there)?;
    txn.remove(&tables::object(bucket, &one.key))?;
    Ok(true)
}

/// The object's bodies, inline bytes included.
///
/// # Errors
/// The store, or inline bytes that are not there.
pub fn load_bodies(
    rows: &impl Rows,
    place: Place<'_>,
    bodies: &[BodyRow],
) -> Result<Vec<Body>, StateError> {
    let mut loaded = Vec::with_capacity(bodies.len());
    for (nth, body) in (0u16..).zip(bodies) {
        loaded.push(match *body {
            BodyRow::Stored { id, len } => Body::Stored { id, len },
            BodyRow::Inline(len) => {
                let key = tables::inline(place.bucket, place.key, nth);
                let bytes = rows.decoded(&key, |value| Ok(Bytes::copy_from_slice(value)))?;
                let whole = bytes.filter(|bytes| bytes.len() == len as usize);
                Body::Inline(whole.ok_or(StateError::Key { family: key[2] })?)
            }
        });
    }
    Ok(loaded)
}
