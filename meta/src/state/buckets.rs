//! Buckets: by name, by id, with their sums. Ids are never used twice.

use holdfast_api::meta::{Bucket, Outcome, Refusal, Usage};
use holdfast_base::{BucketId, WallMs};

use super::error::{Stop, bad};
use super::tables;
use super::txn::{Rows, Txn};

/// S3's longest bucket name. [bytes]
const NAME_BYTES_MAX: usize = 63;

/// See `Command::CreateBucket`.
pub fn create(txn: &mut Txn<'_>, name: String, now: WallMs) -> Result<Outcome, Stop> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return Err(bad(format!("a bucket name has 1 to {NAME_BYTES_MAX} bytes")));
    }
    if txn.rows.has(&tables::bucket(&name))? {
        return Err(Refusal::BucketExists.into());
    }
    txn.system.next_bucket += 1;
    let bucket = Bucket { id: BucketId(txn.system.next_bucket), name, created: now };
    txn.put(&tables::bucket(&bucket.name), &bucket)?;
    txn.put(&tables::bucket_by_id(bucket.id), &bucket.name)?;
    txn.put(&tables::usage(bucket.id), &Usage::default())?;
    Ok(Outcome::Bucket(bucket))
}

/// See `Command::DeleteBucket`.
pub fn delete(txn: &mut Txn<'_>, name: &str) -> Result<Outcome, Stop> {
    let bucket: Option<Bucket> = txn.rows.row(&tables::bucket(name))?;
    let bucket = bucket.ok_or(Refusal::NoSuchBucket)?;
    let objects = tables::range_of(tables::object(bucket.id, b""));
    let uploads = tables::range_of(tables::uploads(bucket.id));
    if !txn.rows.keys(objects, 1)?.is_empty() || !txn.rows.keys(uploads, 1)?.is_empty() {
        return Err(Refusal::BucketNotEmpty.into());
    }
    txn.remove(&tables::bucket(name))?;
    txn.remove(&tables::bucket_by_id(bucket.id))?;
    txn.drop_usage(bucket.id)?;
    Ok(Outcome::Done)
}

/// Refuses where there is no such bucket.
pub fn check(txn: &Txn<'_>, id: BucketId) -> Result<(), Stop> {
    if txn.rows.has(&tables::bucket_by_id(id))? {
        Ok(())
    } else {
        Err(Refusal::NoSuchBucket.into())
    }
}
