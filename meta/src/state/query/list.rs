//! Listings: keys in order, rolled up at a delimiter.
//!
//! - W1: one entry or one prefix of the answer costs one seek at most: what lies
//!   below a common prefix is stepped over, not read.
//! - W2: `next` given as `after` goes on exactly where this page ended.

use bytes::Bytes;
use holdfast_api::meta::{ListObjects, ListUploads, ListedObject, Listing, Upload};
use holdfast_base::{BucketId, UploadId};

use super::LIMIT_MAX;
use crate::state::error::StateError;
use crate::state::rows::{ObjectRow, Row, UploadRow};
use crate::state::tables::{self, Family};
use crate::state::txn::{Go, Rows};

/// See `Query::ListObjects`.
pub fn objects(rows: &impl Rows, list: &ListObjects) -> Result<Listing<ListedObject>, StateError> {
    let mut page = Page::new(&list.prefix, &list.delimiter, &list.after, list.limit);
    let start = list.after.as_ref().max(list.prefix.as_ref());
    let (_, end) = tables::range_of(tables::object(list.bucket, &list.prefix));
    let mut low = tables::object(list.bucket, start);
    if !list.after.is_empty() && start == list.after {
        low.push(0);
    }
    loop {
        let mut skip = None;
        rows.scan((low, end.clone()), |row, value| {
            let key = row.get(tables::OBJECT_PREFIX..);
            let key = key.ok_or(StateError::Key { family: Family::Object as u8 })?;
            match page.step(key) {
                Step::Entry => page.push(key, ObjectRow::listed(value)?),
                Step::Full => return Ok(Go::Stop),
                Step::Skip(prefix) => {
                    skip = Some(prefix);
                    return Ok(Go::Stop);
                }
            }
            Ok(Go::On)
        })?;
        match skip.and_then(|prefix| tables::after_prefix(&tables::object(list.bucket, &prefix))) {
            Some(next) => low = next,
            None => return Ok(page.listing),
        }
    }
}

/// See `Query::ListUploads`.
pub fn uploads(rows: &impl Rows, list: &ListUploads) -> Result<Listing<Upload>, StateError> {
    let mut page = Page::new(&list.prefix, &list.delimiter, &list.after, list.limit);
    // This key's later uploads are after it, though the key itself is not.
    page.with_after = list.after_upload.is_some();
    let (bucket, prefix) = (list.bucket, &list.prefix);
    let (_, end) = tables::range_of(escaped(bucket, prefix));
    let after = match list.after_upload {
        Some(upload) => tables::upload(bucket, &list.after, upload),
        None if list.after.is_empty() => Vec::new(),
        None => tables::upload(bucket, &list.after, UploadId([0xff; 16])),
    };
    let mut low = escaped(bucket, prefix);
    if after >= low {
        low = after;
        low.push(0);
    }
    loop {
        let mut skip = None;
        rows.scan((low, end.clone()), |row, value| {
            let (key, id) = upload_of(row).ok_or(StateError::Key { family: row[2] })?;
            match page.step(&key) {
                Step::Entry => {
                    let upload = UploadRow::from_row(value)?.upload(bucket, key.clone(), id);
                    page.push(&key, upload);
                }
                Step::Full => return Ok(Go::Stop),
                Step::Skip(prefix) => {
                    skip = Some(prefix);
                    return Ok(Go::Stop);
                }
            }
            Ok(Go::On)
        })?;
        match skip.and_then(|prefix| tables::after_prefix(&escaped(bucket, &prefix))) {
            Some(next) => low = next,
            None => return Ok(page.listing),
        }
    }
}

/// What the rows of all keys that begin with `prefix` begin with.
fn escaped(bucket: BucketId, prefix: &[u8]) -> Vec<u8> {
    let mut row = tables::uploads_of(bucket, prefix);
    row.truncate(row.len() - 2);
    row
}

fn upload_of(row: &[u8]) -> Option<(Vec<u8>, UploadId)> {
    let (key, took) = tables::unescape(row.get(tables::UPLOAD_PREFIX..)?)?;
    let id = row.get(tables::UPLOAD_PREFIX + took..)?.try_into().ok()?;
    Some((key, UploadId(id)))
}

/// What a key means for the page.
enum Step {
    /// It is listed.
    Entry,
    /// The page is full before it.
    Full,
    /// Everything that begins so is done with.
    Skip(Vec<u8>),
}

/// A page as it fills.
struct Page<'q, T> {
    prefix: &'q [u8],
    delimiter: &'q [u8],
    after: &'q [u8],
    with_after: bool,
    limit: usize,
    listing: Listing<T>,
}

impl<'q, T> Page<'q, T> {
    fn new(prefix: &'q [u8], delimiter: &'q [u8], after: &'q [u8], limit: usize) -> Self {
        let listing = Listing {
            entries: Vec::new(),
            prefixes: Vec::new(),
            truncated: false,
            next: Bytes::new(),
        };
        let limit = limit.min(LIMIT_MAX);
        Self { prefix, delimiter, after, with_after: false, limit, listing }
    }

    fn is_full(&mut self) -> bool {
        let full = self.listing.entries.len() + self.listing.prefixes.len() >= self.limit;
        // Nothing was asked for: then nothing follows.
        self.listing.truncated |= full && self.limit > 0;
        full
    }

    /// Judges `key`, which is in range; takes a new common prefix in.
    fn step(&mut self, key: &[u8]) -> Step {
        if let Some(end) = self.rolls_up(key) {
            let common = &key[..end];
            let done = if self.with_after { common < self.after } else { common <= self.after };
            if done && !self.after.is_empty() {
                return Step::Skip(common.to_vec());
            }
            if self.is_full() {
                return Step::Full;
            }
            self.listing.next = Bytes::copy_from_slice(common);
            self.listing.prefixes.push(self.listing.next.clone());
            return Step::Skip(common.to_vec());
        }
        if self.is_full() { Step::Full } else { Step::Entry }
    }

    fn push(&mut self, key: &[u8], entry: T) {
        self.listing.next = Bytes::copy_from_slice(key);
        self.listing.entries.push((self.listing.next.clone(), entry));
    }

    /// Where the delimiter after the prefix ends in `key`.
    fn rolls_up(&self, key: &[u8]) -> Option<usize> {
        if self.delimiter.is_empty() {
            return None;
        }
        let rest = key.get(self.prefix.len()..)?;
        let at = if let [delimiter] = self.delimiter {
            rest.iter().position(|byte| byte == delimiter)?
        } else {
            rest.windows(self.delimiter.len()).position(|window| window == self.delimiter)?
        };
        Some(self.prefix.len() + at + self.delimiter.len())
    }
}
