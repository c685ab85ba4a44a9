//! What a drive has beside what the metadata says it has: two ordered lists, merged.
//!
//! ```text
//! drive.list()              a#0  b#3        d#1
//! metadata, BlobsOnDrive    a#0        c#2  d#1     -> a: both, b: stored only, c: named only, d: both
//! ```
//!
//! - N1: blobs come in ascending order, each once.
//! - N2: the drive's page is always read before the metadata's that goes with it: a shard
//!   that seems to be "stored only" was stored before the metadata was asked.
//!
//! Neither list stands still meanwhile: whoever acts on a difference looks again.
//! Not here: what is done about it (`collect`, `scrub`).

use std::collections::VecDeque;
use std::time::Duration;

use holdfast_api::blob::BlobRecord;
use holdfast_api::drive::StoredShard;
use holdfast_api::meta::{Answer, Query};
use holdfast_api::object::StoreError;
use holdfast_base::limits::SHARD_DEADLINE_MS;
use holdfast_base::{BlobId, DriveNo, ShardId, ShardIndex};
use holdfast_io::clock::deadline;

use super::drives::Slot;
use super::get::foreign;
use super::store::Inner;
use super::verify::record_is_legal;

/// Entries of one page of either list.
const PAGE: usize = if cfg!(test) { 4 } else { 512 };

/// Why a walk ended early.
#[derive(Debug, thiserror::Error)]
pub enum Halt {
    /// The drive does not answer; another time.
    #[error("{0}")]
    Drive(String),
    /// The metadata does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One blob.
#[derive(Debug)]
pub struct Entry {
    /// Which.
    pub blob: BlobId,
    /// Its shards on the drive.
    pub stored: Vec<ShardIndex>,
    /// What the metadata says, if it names this drive for any of its shards.
    pub record: Option<BlobRecord>,
}

/// A walk over one drive.
pub struct Census<'a> {
    inner: &'a Inner,
    slot: Slot,
    stored: Page<StoredShard, ShardId>,
    named: Page<(BlobId, BlobRecord), BlobId>,
}

struct Page<T, K> {
    items: VecDeque<T>,
    after: Option<K>,
    end: bool,
}

impl<T, K> Default for Page<T, K> {
    fn default() -> Self {
        Self { items: VecDeque::new(), after: None, end: false }
    }
}

impl<'a> Census<'a> {
    /// From the drive's first shard.
    pub fn new(inner: &'a Inner, slot: Slot) -> Self {
        Self { inner, slot, stored: Page::default(), named: Page::default() }
    }

    /// The next blob in order (N1).
    ///
    /// # Errors
    /// [`Halt`].
    pub async fn next(&mut self) -> Result<Option<Entry>, Halt> {
        self.fill_stored().await?; // N2
        self.fill_named().await?;
        let stored = self.stored.items.front().map(|stored| stored.shard.blob);
        let named = self.named.items.front().map(|(blob, _)| *blob);
        let Some(blob) = stored.into_iter().chain(named).min() else {
            return Ok(None);
        };
        let mut entry = Entry { blob, stored: Vec::new(), record: None };
        while self.stored.items.front().is_some_and(|stored| stored.shard.blob == blob) {
            entry.stored.extend(self.stored.items.pop_front().map(|stored| stored.shard.index));
            self.fill_stored().await?;
        }
        if named == Some(blob) {
            entry.record = self.named.items.pop_front().map(|(_, record)| record);
        }
        Ok(Some(entry))
    }

    async fn fill_stored(&mut self) -> Result<(), Halt> {
        let page = &mut self.stored;
        if !page.items.is_empty() || page.end {
            return Ok(());
        }
        let list = self.slot.service.list(page.after, PAGE);
        let limit = Duration::from_millis(SHARD_DEADLINE_MS);
        let items = deadline(&self.inner.clock, limit, list)
            .await
            .map_err(|late| Halt::Drive(late.to_string()))?
            .map_err(|error| Halt::Drive(error.to_string()))?;
        page.end = items.is_empty();
        page.after = items.last().map(|stored| stored.shard).or(page.after);
        page.items = items.into();
        Ok(())
    }

    async fn fill_named(&mut self) -> Result<(), Halt> {
        let page = &mut self.named;
        if !page.items.is_empty() || page.end {
            return Ok(());
        }
        let no = self.slot.service.no();
        let items = blobs_on_drive(self.inner, no, page.after).await?;
        page.end = items.is_empty();
        page.after = items.last().map(|(blob, _)| *blob).or(page.after);
        page.items = items.into();
        Ok(())
    }
}

/// A page of the blobs that the metadata names a drive for. Illegal records,
/// which nothing can be done about, come too: look before use.
///
/// # Errors
/// [`StoreError::Meta`].
pub async fn blobs_on_drive(
    inner: &Inner,
    no: DriveNo,
    after: Option<BlobId>,
) -> Result<Vec<(BlobId, BlobRecord)>, StoreError> {
    match inner.meta.query(Query::BlobsOnDrive { no, after, limit: PAGE }).await? {
        Answer::Blobs(items) => Ok(items),
        other => Err(foreign(&other)),
    }
}

/// The record of one blob as it is now; `None` if there is none, or none that is legal.
///
/// # Errors
/// [`StoreError::Meta`].
pub async fn record_of(inner: &Inner, blob: BlobId) -> Result<Option<BlobRecord>, StoreError> {
    let query = Query::Blobs { body: blob.body, index: blob.index, limit: 1 };
    match inner.meta.query(query).await? {
        Answer::Blobs(items) => {
            let found = items.into_iter().find(|(found, _)| *found == blob);
            Ok(found.map(|(_, record)| record).filter(record_is_legal))
        }
        other => Err(foreign(&other)),
    }
}

/// The shards that a record places on a drive.
pub fn shards_on(record: &BlobRecord, no: DriveNo) -> Vec<usize> {
    (0..record.drives.len()).filter(|&shard| record.drives[shard] == no).collect()
}
