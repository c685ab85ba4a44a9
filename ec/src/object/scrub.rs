//! Verifies every shard of every drive, beside the metadata.
//!
//! - V4: every shard that the metadata names is read whole and verified up to the
//!   seal; what is bad or absent is queued for the heal.
//!
//! Shards that the metadata does not name are counted here and judged by the
//! collector. Not here: the repair (`heal`).

use futures_util::stream::{self, FuturesUnordered, StreamExt};
use holdfast_api::blob::BlobRecord;
use holdfast_api::object::StoreError;
use holdfast_base::{BlobId, DriveNo};

use super::census::{Census, Entry, Halt, shards_on};
use super::drives::Slot;
use super::pace::Pace;
use super::rebuild::{Trouble, survey};
use super::store::Inner;
use super::verify::record_is_legal;

/// Blobs that are looked at side by side, on each drive.
const SIDE_BY_SIDE: usize = 4;
/// Blobs between two reports to the metadata.
const BATCH: usize = 256;

/// What a scrub saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scrubbed {
    /// Shards read and verified.
    pub good: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Shards absent or wrong, now queued.
    pub bad: u64,
    /// Shards that could not be read because their drive did not answer.
    pub away: u64,
    /// Shards that the metadata does not name.
    pub unnamed: u64,
    /// Drives that could not be walked to their end.
    pub drives_left_out: u64,
}

/// One pass over all drives, side by side.
///
/// # Errors
/// [`StoreError::Meta`].
pub async fn scrub(inner: &Inner) -> Result<Scrubbed, StoreError> {
    let pace = Pace::new(inner);
    let slots = inner.drives.slots();
    let drives = slots.values().map(|slot| drive(inner, &pace, slot.clone()));
    let mut drives = drives.collect::<FuturesUnordered<_>>();
    let mut sum = Scrubbed::default();
    while let Some(one) = drives.next().await {
        match one {
            Ok(one) => sum.add(one),
            Err(Halt::Drive(why)) => {
                tracing::info!(why, "the scrub left a drive out");
                sum.drives_left_out += 1;
            }
            Err(Halt::Store(error)) => return Err(error),
        }
    }
    inner.reports.flush(inner.meta.as_ref()).await?;
    Ok(sum)
}

async fn drive(inner: &Inner, pace: &Pace<'_>, slot: Slot) -> Result<Scrubbed, Halt> {
    let no = slot.service.no();
    let mut census = Census::new(inner, slot);
    let mut sum = Scrubbed::default();
    loop {
        let mut batch = Vec::with_capacity(BATCH);
        while batch.len() < BATCH
            && let Some(entry) = census.next().await?
        {
            sum.unnamed += unnamed(&entry, no);
            batch.extend(entry.record.map(|record| (entry.blob, record)));
        }
        if batch.is_empty() {
            return Ok(sum);
        }
        pace.expect(batch.len() as u64);
        let looks = batch.into_iter().map(|(blob, record)| look(inner, pace, no, (blob, record)));
        let mut looks = stream::iter(looks).buffer_unordered(SIDE_BY_SIDE);
        while let Some(one) = looks.next().await {
            sum.add(one);
        }
        inner.reports.flush(inner.meta.as_ref()).await?;
    }
}

fn unnamed(entry: &Entry, no: DriveNo) -> u64 {
    let named = entry.record.as_ref().map_or_else(Vec::new, |record| shards_on(record, no));
    entry.stored.iter().filter(|index| !named.contains(&usize::from(index.0))).count() as u64
}

async fn look(
    inner: &Inner,
    pace: &Pace<'_>,
    no: DriveNo,
    (blob, record): (BlobId, BlobRecord),
) -> Scrubbed {
    let mut sum = Scrubbed::default();
    if !record_is_legal(&record) {
        return sum;
    }
    let shards = shards_on(&record, no);
    pace.step(record.layout.shard_bytes() * shards.len()).await;
    for (shard, found) in survey(inner, blob, &record, &shards).await {
        match found {
            Ok(verified) => {
                sum.good += 1;
                sum.bytes += verified.bytes.len() as u64;
            }
            Err(trouble @ Trouble::Bad(_)) => {
                sum.bad += 1;
                if !record.missing.contains(&(shard as u8)) {
                    inner.found_bad(blob, shard, &trouble);
                }
            }
            Err(Trouble::Away(_)) => sum.away += 1,
        }
    }
    pace.done();
    sum
}

impl Scrubbed {
    fn add(&mut self, other: Self) {
        self.good += other.good;
        self.bytes += other.bytes;
        self.bad += other.bad;
        self.away += other.away;
        self.unnamed += other.unnamed;
        self.drives_left_out += other.drives_left_out;
    }
}
