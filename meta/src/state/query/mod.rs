//! Questions, answered from one view of the rows.
//!
//! - R1: an answer is of one moment: no two rows in it are of different batches.
//! - R2: a question costs what its answer has, not what lies between; where the
//!   caller's limit is larger than `LIMIT_MAX` the answer is cut and says so.
//!
//! Not here: that the view is new enough (`crate::service::read`).

mod list;

use holdfast_api::blob::BlobRecord;
use holdfast_api::log::{LogBounds, LogRecord};
use holdfast_api::meta::{
    AccessKey, Answer, Bucket, Garbage, HealEntry, Object, Part, Query, Upload, Usage,
};
use holdfast_base::{BlobId, BodyId, BucketId, ByteCount, DriveNo, Lsn, Tick, UploadId};

use super::error::StateError;
use super::rows::{BodyRow, LogRow, Row, System, UploadRow};
use super::tables::{self, Family};
use super::txn::{Go, Rows};
use super::{bodies, drives, objects, records};
use objects::Place;

/// The most entries of one answer.
pub const LIMIT_MAX: usize = 10_000;

/// Answers `query`; `None` for `Status`, which is not in the rows.
///
/// # Errors
/// The store.
pub fn answer(rows: &impl Rows, query: &Query) -> Result<Option<Answer>, StateError> {
    Ok(Some(match query {
        Query::Bucket { name } => Answer::Bucket(rows.row(&tables::bucket(name))?),
        Query::Buckets => Answer::Buckets(all(rows, Family::Bucket)?),
        Query::Object { bucket, key, at, blobs } => {
            Answer::Object(object(rows, Place { bucket: *bucket, key }, *at, *blobs)?)
        }
        Query::Blobs { body, index, limit } => Answer::Blobs(blobs(rows, *body, *index, *limit)?),
        Query::ListObjects(list) => Answer::Listing(list::objects(rows, list)?),
        Query::Upload { bucket, key, upload } => {
            Answer::Upload(upload_of(rows, *bucket, key, *upload)?)
        }
        Query::ListUploads(list) => Answer::Uploads(list::uploads(rows, list)?),
        Query::ListParts { upload, after, limit } => parts(rows, *upload, *after, *limit)?,
        Query::AccessKeys => Answer::Keys(all::<AccessKey>(rows, Family::AccessKey)?),
        Query::Drives => Answer::Drives(drives::slots(rows)?),
        Query::BlobsOnDrive { no, after, limit } => {
            Answer::Blobs(blobs_on(rows, *no, *after, *limit)?)
        }
        Query::HealQueue { limit } => heal_queue(rows, *limit)?,
        Query::Garbage { before, limit } => Answer::Garbage(garbage(rows, *before, *limit)?),
        Query::Bodies { bodies } => {
            let now = system(rows)?.tick;
            let states = bodies.iter().map(|body| bodies::state(rows, *body, now));
            Answer::Bodies(states.collect::<Result<_, _>>()?)
        }
        Query::LogRead { after, limit } => Answer::Log(log(rows, *after, *limit)?),
        Query::LogBounds => Answer::LogBounds(log_bounds(rows)?),
        Query::Usage => Answer::Usage(usage(rows)?),
        Query::Status => return Ok(None),
    }))
}

/// True for questions that may read many rows: they leave the async workers.
pub fn is_long(query: &Query) -> bool {
    match query {
        Query::Bucket { .. }
        | Query::Buckets
        | Query::Object { .. }
        | Query::Upload { .. }
        | Query::Drives
        | Query::AccessKeys
        | Query::LogBounds
        | Query::Status => false,
        Query::Blobs { limit, .. } => *limit > 100,
        Query::ListObjects(list) => list.limit > 10 || !list.delimiter.is_empty(),
        Query::ListUploads(_)
        | Query::ListParts { .. }
        | Query::BlobsOnDrive { .. }
        | Query::HealQueue { .. }
        | Query::Garbage { .. }
        | Query::Bodies { .. }
        | Query::LogRead { .. }
        | Query::Usage => true,
    }
}

/// The system row.
///
/// # Errors
/// The store.
pub fn system(rows: &impl Rows) -> Result<System, StateError> {
    Ok(rows.row(&tables::system())?.unwrap_or_default())
}

fn all<R: Row>(rows: &impl Rows, family: Family) -> Result<Vec<R>, StateError> {
    let mut all = Vec::new();
    rows.scan(tables::range_of(tables::family(family)), |_, value| {
        all.push(R::from_row(value)?);
        Ok(Go::On)
    })?;
    Ok(all)
}

/// The records of blobs, with their ids.
type Blobs = Vec<(BlobId, BlobRecord)>;

fn object(
    rows: &impl Rows,
    place: Place<'_>,
    at: u64,
    limit: usize,
) -> Result<Option<(Object, Blobs)>, StateError> {
    let Some(row) = objects::there(rows, place)? else { return Ok(None) };
    let found = blobs_from(rows, &row.rest.bodies, at, limit)?;
    let bodies = objects::load_bodies(rows, place, &row.rest.bodies)?;
    Ok(Some((row.object(bodies), found)))
}

/// Up to `limit` blobs from the one that holds byte `at` of the bodies together.
fn blobs_from(
    rows: &impl Rows,
    bodies: &[BodyRow],
    at: u64,
    limit: usize,
) -> Result<Blobs, StateError> {
    let (mut begin, mut found) = (0, Vec::new());
    for body in bodies {
        let len = body.len();
        let end = begin + len;
        if let BodyRow::Stored { id, .. } = body
            && end > at
        {
            let left = limit.min(LIMIT_MAX) - found.len();
            found.extend(blobs_at(rows, *id, at.saturating_sub(begin), left)?);
        }
        if found.len() >= limit {
            break;
        }
        begin = end;
    }
    Ok(found)
}

/// Blobs of one body from the one that holds byte `at`.
fn blobs_at(rows: &impl Rows, body: BodyId, at: u64, limit: usize) -> Result<Blobs, StateError> {
    let mut found = Vec::new();
    if limit == 0 {
        return Ok(found);
    }
    rows.scan(tables::range_of(tables::blobs(body)), |key, value| {
        let (id, record) = blob_row(key, value)?;
        if record.at + u64::from(record.layout.len) > at {
            found.push((id, record));
        }
        Ok(if found.len() < limit { Go::On } else { Go::Stop })
    })?;
    Ok(found)
}

fn blob_row(key: &[u8], value: &[u8]) -> Result<(BlobId, BlobRecord), StateError> {
    let id = tables::blob_of(key).ok_or(StateError::Key { family: Family::Blob as u8 })?;
    Ok((id, BlobRecord::from_row(value)?))
}

fn blobs(rows: &impl Rows, body: BodyId, index: u32, limit: usize) -> Result<Blobs, StateError> {
    let (_, high) = tables::range_of(tables::blobs(body));
    let (limit, mut found) = (limit.min(LIMIT_MAX), Vec::new());
    if limit > 0 {
        rows.scan((tables::blob(body.blob(index)), high), |key, value| {
            found.push(blob_row(key, value)?);
            Ok(if found.len() < limit { Go::On } else { Go::Stop })
        })?;
    }
    Ok(found)
}

/// Walks the spans of births in which a set with the drive was seen.
fn blobs_on(
    rows: &impl Rows,
    drive: DriveNo,
    after: Option<BlobId>,
    limit: usize,
) -> Result<Blobs, StateError> {
    let sets = drives::sets_with(rows, drive)?;
    let (limit, mut found) = (limit.min(LIMIT_MAX), Vec::new());
    let first = after.map_or(0, |after| after.body.born / drives::SPAN_MS);
    let (_, high) = tables::range_of(tables::family(Family::SetSeen));
    let mut spans = Vec::new();
    rows.scan((tables::set_seen(first, 0), high), |key, _| {
        let seen = tables::set_seen_of(key);
        let (span, set) = seen.ok_or(StateError::Key { family: Family::SetSeen as u8 })?;
        if sets.contains(&set) && spans.last() != Some(&span) {
            spans.push(span);
        }
        Ok(Go::On)
    })?;
    for span in spans {
        if found.len() >= limit {
            break;
        }
        let mut low = tables::blob(BodyId { born: span * drives::SPAN_MS, nonce: 0 }.blob(0));
        if let Some(after) = after.filter(|after| after.body.born / drives::SPAN_MS == span) {
            low = tables::blob(after);
            low.push(0);
        }
        let end = BodyId { born: (span + 1).saturating_mul(drives::SPAN_MS), nonce: 0 };
        rows.scan((low, tables::blob(end.blob(0))), |key, value| {
            let (id, record) = blob_row(key, value)?;
            if record.drives.contains(&drive) {
                found.push((id, record));
            }
            Ok(if found.len() < limit { Go::On } else { Go::Stop })
        })?;
    }
    Ok(found)
}

fn upload_of(
    rows: &impl Rows,
    bucket: BucketId,
    key: &[u8],
    id: UploadId,
) -> Result<Option<Upload>, StateError> {
    let row: Option<UploadRow> = rows.row(&tables::upload(bucket, key, id))?;
    Ok(row.map(|row| row.upload(bucket, key.to_vec(), id)))
}

fn parts(
    rows: &impl Rows,
    upload: UploadId,
    after: u16,
    limit: usize,
) -> Result<Answer, StateError> {
    let (_, high) = tables::range_of(tables::parts(upload));
    let (limit, mut parts) = (limit.min(LIMIT_MAX), Vec::<Part>::new());
    let mut truncated = false;
    let mut low = tables::part(upload, after);
    low.push(0);
    rows.scan((low, high), |_, value| {
        truncated = parts.len() == limit;
        if truncated {
            return Ok(Go::Stop);
        }
        parts.push(Part::from_row(value)?);
        Ok(Go::On)
    })?;
    Ok(Answer::Parts { parts, truncated })
}

fn heal_queue(rows: &impl Rows, limit: usize) -> Result<Answer, StateError> {
    let keys = rows.keys(tables::range_of(tables::family(Family::Heal)), limit.min(LIMIT_MAX))?;
    let entries = keys.iter().map(|key| {
        let (spare, blob) =
            tables::heal_of(key).ok_or(StateError::Key { family: Family::Heal as u8 })?;
        Ok(HealEntry { spare, blob })
    });
    let entries = entries.collect::<Result<_, StateError>>()?;
    Ok(Answer::Heal { entries, queued: system(rows)?.heal_queued })
}

fn garbage(rows: &impl Rows, before: Tick, limit: usize) -> Result<Vec<Garbage>, StateError> {
    let (low, high) = tables::range_of(tables::family(Family::Garbage));
    let end = tables::garbage(before, BodyId { born: 0, nonce: 0 });
    let (limit, mut found) = (limit.min(LIMIT_MAX), Vec::new());
    if limit > 0 {
        rows.scan((low, high.min(end)), |key, value| {
            let parsed = tables::garbage_of(key);
            let (since, body) = parsed.ok_or(StateError::Key { family: Family::Garbage as u8 })?;
            found.push(Garbage { since, body, blobs: u32::from_row(value)? });
            Ok(if found.len() < limit { Go::On } else { Go::Stop })
        })?;
    }
    Ok(found)
}

fn log(rows: &impl Rows, after: Lsn, limit: ByteCount) -> Result<Vec<LogRecord>, StateError> {
    let after = after.max(system(rows)?.log.truncated);
    let (mut found, mut bytes) = (Vec::new(), 0);
    rows.scan(records::live(after), |_, value| {
        let LogRow { record, .. } = LogRow::from_row(value)?;
        bytes += record.records.iter().map(|record| record.len() as u64).sum::<u64>();
        let fits = found.is_empty() || bytes <= limit.0;
        if fits {
            found.push(record);
        }
        Ok(if fits && bytes < limit.0 { Go::On } else { Go::Stop })
    })?;
    Ok(found)
}

/// What the transaction log holds.
///
/// # Errors
/// The store.
pub fn log_bounds(rows: &impl Rows) -> Result<LogBounds, StateError> {
    let log = system(rows)?.log;
    Ok(LogBounds {
        truncated: log.truncated,
        last: log.last,
        epoch: log.epoch,
        next_seq: log.next_seq,
        bytes: log.bytes(),
        budget: ByteCount(log.budget),
    })
}

fn usage(rows: &impl Rows) -> Result<Vec<(Bucket, Usage)>, StateError> {
    let buckets: Vec<Bucket> = all(rows, Family::Bucket)?;
    let with = buckets.into_iter().map(|bucket| {
        let usage = rows.row(&tables::usage(bucket.id))?.unwrap_or_default();
        Ok((bucket, usage))
    });
    with.collect()
}
