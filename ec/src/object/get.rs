//! Gives a range's bytes: finds the blobs, fetches parts of them ahead.
//!
//! ```text
//! bodies  | inline | stored: blob 0 | blob 1 | ... |      range -> parts of at most 2 MiB, whole stripes
//! ahead   part (being read) | part | part | part          at most 8 MiB, and the budget has a say
//! ```
//!
//! Invariants
//! - O3: what `next` yields came from `fetch`; after an error only errors follow.
//! - G1: parts are yielded in the order of the range, without a gap: a record that
//!   does not continue where the one before it ended is an error.
//!
//! Not here: how a part is read (`fetch`), who may read (`server::s3`).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use holdfast_api::blob::BlobRecord;
use holdfast_api::meta::{Answer, MetaError, Query};
use holdfast_api::object::{Body, BodyReader, ReadPlan, StoreError};
use holdfast_base::{BlobId, BodyId};
use tokio::task::JoinHandle;

use super::budget::{Share, WAIT};
use super::fetch::fetch;
use super::store::{Foreground, Inner};
use super::verify::record_is_legal;
use holdfast_api::BoxFuture;

/// What one fetch asks for at most, cut to whole stripes. [bytes]
const PART_BYTES: usize = 2 << 20;
/// What is fetched ahead of the caller. [bytes]
const AHEAD_BYTES: usize = 8 << 20;
/// Blob records that are asked for at once.
const RECORDS: usize = 64;

/// A range while it streams out.
pub struct Reader {
    inner: Arc<Inner>,
    /// What is left of the range, body by body: body and its bytes wanted.
    left: VecDeque<(Body, u64, u64)>,
    records: BTreeMap<BlobId, BlobRecord>,
    ahead: VecDeque<Part>,
    ahead_bytes: usize,
    /// The part that is being yielded.
    now: VecDeque<Bytes>,
    now_share: Option<Share>,
    broken: bool,
    _foreground: Foreground,
}

/// A part that is being fetched.
struct Part {
    fetch: Fetch,
    bytes: usize,
}

enum Fetch {
    Ready(Bytes),
    /// The only part of a small range: fetched by whoever asks.
    Here(Box<Wanted>, Share),
    Task(Task, Share),
}

/// Ends with its reader.
struct Task(JoinHandle<Result<Vec<Bytes>, StoreError>>);

/// A part of a blob.
struct Wanted {
    blob: BlobId,
    record: BlobRecord,
    from: usize,
    to: usize,
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Reader {
    /// A reader of `plan`'s range.
    pub fn new(inner: Arc<Inner>, plan: ReadPlan) -> Self {
        let mut left = VecDeque::new();
        let mut at = 0_u64;
        for body in plan.bodies {
            let len = match &body {
                Body::Inline(bytes) => bytes.len() as u64,
                Body::Stored { len, .. } => *len,
            };
            let end = at.saturating_add(len);
            let (from, to) = (plan.from.max(at), plan.to.min(end));
            if from < to {
                left.push_back((body, from - at, to - at));
            }
            at = end;
        }
        let foreground = inner.foreground();
        Self {
            inner,
            left,
            records: plan.blobs.into_iter().collect(),
            ahead: VecDeque::new(),
            ahead_bytes: 0,
            now: VecDeque::new(),
            now_share: None,
            broken: false,
            _foreground: foreground,
        }
    }

    async fn advance(&mut self) -> Result<Option<Bytes>, StoreError> {
        loop {
            if let Some(bytes) = self.now.pop_front() {
                return Ok(Some(bytes));
            }
            self.now_share = None;
            self.fetch_ahead().await?;
            let Some(part) = self.ahead.pop_front() else {
                return Ok(None);
            };
            self.ahead_bytes -= part.bytes;
            match part.fetch {
                Fetch::Ready(bytes) => self.now.push_back(bytes),
                Fetch::Here(wanted, share) => {
                    self.now = wanted.fetch(&self.inner).await?.into();
                    self.now_share = Some(share);
                }
                Fetch::Task(mut task, share) => {
                    let fetched = (&mut task.0).await.map_err(|_| StoreError::Busy)?;
                    self.now = fetched?.into();
                    self.now_share = Some(share);
                }
            }
        }
    }

    /// Starts fetches until enough is under way; waits for the budget only
    /// when nothing is.
    async fn fetch_ahead(&mut self) -> Result<(), StoreError> {
        while self.ahead_bytes < AHEAD_BYTES {
            let Some(&(ref body, from, to)) = self.left.front() else {
                return Ok(());
            };
            let id = match body {
                Body::Inline(bytes) => {
                    let bytes = bytes.slice(from as usize..to as usize);
                    self.left.pop_front();
                    self.push(bytes.len(), Fetch::Ready(bytes));
                    continue;
                }
                Body::Stored { id, .. } => *id,
            };
            if !self.ahead.is_empty() && self.inner.read_budget.try_take(0, AHEAD_BYTES).is_none() {
                return Ok(());
            }
            let wanted = self.next_part(id, from, to).await?;
            let bytes = wanted.to - wanted.from;
            let budget = &self.inner.read_budget;
            let share = budget.take(bytes, &self.inner.clock, WAIT).await?;
            let end = from + bytes as u64;
            let last = end == to && self.left.len() == 1;
            match end == to {
                true => drop(self.left.pop_front()),
                false => self.left[0].1 = end,
            }
            let fetch = match last && self.ahead.is_empty() {
                true => Fetch::Here(Box::new(wanted), share),
                false => {
                    let inner = Arc::clone(&self.inner);
                    // Aborted when the reader is dropped.
                    let task = tokio::spawn(async move { wanted.fetch(&inner).await });
                    Fetch::Task(Task(task), share)
                }
            };
            self.push(bytes, fetch);
        }
        Ok(())
    }

    fn push(&mut self, bytes: usize, fetch: Fetch) {
        self.ahead_bytes += bytes;
        self.ahead.push_back(Part { fetch, bytes });
    }

    /// The next part of body `id`, whose bytes `from..to` are wanted.
    async fn next_part(&mut self, id: BodyId, from: u64, to: u64) -> Result<Wanted, StoreError> {
        let (blob, record) = self.record_at(id, from).await?;
        let layout = record.layout;
        let start = (from - record.at) as usize; // record_at: at <= from < at + len
        let blob_end = (to - record.at).min(u64::from(layout.len)) as usize;
        let stripe = layout.stripe_bytes();
        let full = (start + PART_BYTES).max(start / stripe * stripe + stripe) / stripe * stripe;
        Ok(Wanted { blob, record, from: start, to: full.min(blob_end) })
    }

    /// The record of the blob that holds byte `at` of the body.
    async fn record_at(&mut self, id: BodyId, at: u64) -> Result<(BlobId, BlobRecord), StoreError> {
        let known = self.records.range(id.blob(0)..=id.blob(u32::MAX)).rfind(|(_, r)| r.at <= at);
        let mut index = match known {
            Some((blob, record)) if holds(record, at) => return checked(*blob, record.clone()),
            Some((blob, _)) => blob.index.saturating_add(1),
            None => 0,
        };
        self.records = self.records.split_off(&id.blob(index)); // Those before are read.
        loop {
            let query = Query::Blobs { body: id, index, limit: RECORDS };
            let found = match self.inner.meta.query(query).await? {
                Answer::Blobs(found) => found,
                other => return Err(foreign(&other)),
            };
            let Some((last, _)) = found.last() else {
                return Err(StoreError::NoRecord(id.blob(index)));
            };
            index = last.index.saturating_add(1);
            if let Some(here) = found.iter().position(|(_, record)| holds(record, at)) {
                let (blob, record) = found[here].clone();
                self.records.extend(found.into_iter().skip(here));
                return checked(blob, record);
            }
            if found.iter().all(|(_, record)| record.at > at) {
                return Err(StoreError::NoRecord(id.blob(index))); // G1
            }
        }
    }
}

fn holds(record: &BlobRecord, at: u64) -> bool {
    record.at <= at && at - record.at < u64::from(record.layout.len)
}

fn checked(blob: BlobId, record: BlobRecord) -> Result<(BlobId, BlobRecord), StoreError> {
    match record_is_legal(&record) {
        true => Ok((blob, record)),
        false => Err(StoreError::NoRecord(blob)),
    }
}

/// The metadata answered another question than was asked.
pub fn foreign(answer: &Answer) -> StoreError {
    let mut text = format!("{answer:?}");
    text.truncate(text.char_indices().nth(80).map_or(text.len(), |(at, _)| at));
    MetaError::Stopped(format!("an answer to another question: {text}")).into()
}

impl Wanted {
    async fn fetch(&self, inner: &Arc<Inner>) -> Result<Vec<Bytes>, StoreError> {
        fetch(inner, self.blob, &self.record, (self.from, self.to)).await
    }
}

impl BodyReader for Reader {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>> {
        Box::pin(async move {
            if self.broken {
                return Err(StoreError::Busy);
            }
            self.broken = true; // Also for a future that is dropped half-way.
            let bytes = self.advance().await?;
            self.broken = false;
            Ok(bytes)
        })
    }
}
