//! An object of the bucket as parquet reads it: ranges that lie near each other in one
//! read, the others at the same time.
//!
//! Not here: how long a read may take (the bucket's own deadline).

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::future::try_join_all;
use holdfast_api::BoxFuture;
use holdfast_api::bucket::{Bucket, BucketError};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

/// Ranges with less than this between them are one read: a read of its own costs more
/// than the bytes between. [bytes]
const GAP_BYTES: u64 = 64 << 10;

/// A read is not made longer than this, so that reads of much data go on side by
/// side. [bytes]
const READ_BYTES: u64 = 8 << 20;

/// The bucket, and what was read from it.
#[derive(Clone)]
pub(crate) struct Reads {
    bucket: Arc<dyn Bucket>,
    figures: Arc<Figures>,
}

#[derive(Debug, Default)]
struct Figures {
    reads: AtomicU64,
    bytes: AtomicU64,
}

impl Reads {
    pub fn new(bucket: Arc<dyn Bucket>) -> Self {
        Self { bucket, figures: Arc::default() }
    }

    pub fn bucket(&self) -> &Arc<dyn Bucket> {
        &self.bucket
    }

    /// Reads, and bytes read.
    pub fn figures(&self) -> (u64, u64) {
        let figures = &self.figures;
        (figures.reads.load(Ordering::Relaxed), figures.bytes.load(Ordering::Relaxed))
    }

    /// One range.
    pub async fn read(&self, name: &str, range: Range<u64>) -> Result<Bytes, BucketError> {
        let bytes = self.bucket.read(name, range.clone()).await?;
        self.figures.reads.fetch_add(1, Ordering::Relaxed);
        self.figures.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let asked = range.end.saturating_sub(range.start);
        if bytes.len() as u64 != asked {
            let why = format!("{} bytes came for {range:?}", bytes.len());
            return Err(BucketError::Broken { name: name.into(), why });
        }
        Ok(bytes)
    }

    /// Several ranges, in their order.
    pub async fn read_all(
        &self,
        name: &str,
        ranges: &[Range<u64>],
    ) -> Result<Vec<Bytes>, BucketError> {
        let merged = merge(ranges);
        let parts = try_join_all(merged.iter().map(|range| self.read(name, range.clone()))).await?;
        let part = |range: &Range<u64>| {
            let at = merged.partition_point(|merged| merged.start <= range.start).checked_sub(1)?;
            let from = usize::try_from(range.start - merged[at].start).ok()?;
            let to = usize::try_from(range.end.checked_sub(merged[at].start)?).ok()?;
            (from <= to && to <= parts[at].len()).then(|| parts[at].slice(from..to))
        };
        let all: Option<Vec<Bytes>> = ranges.iter().map(part).collect();
        all.ok_or_else(|| BucketError::Broken {
            name: name.into(),
            why: format!("its footer names the ranges {ranges:?}"),
        })
    }
}

/// The fewest reads that cover `ranges`, ascending.
fn merge(ranges: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut sorted = ranges.to_vec();
    sorted.sort_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<u64>> = Vec::new();
    for range in sorted {
        if let Some(last) = merged.last_mut()
            && (range.end <= last.end
                || range.start < last.end
                || (range.start - last.end <= GAP_BYTES && range.end - last.start <= READ_BYTES))
        {
            last.end = last.end.max(range.end);
            continue;
        }
        merged.push(range);
    }
    merged
}

/// One object.
#[derive(Clone)]
pub(crate) struct Source {
    pub reads: Reads,
    pub name: Arc<str>,
    pub metadata: Arc<ParquetMetaData>,
}

impl AsyncFileReader for Source {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        Box::pin(async move { self.reads.read(&self.name, range).await.map_err(external) })
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, Result<Vec<Bytes>, ParquetError>> {
        Box::pin(async move { self.reads.read_all(&self.name, &ranges).await.map_err(external) })
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        Box::pin(std::future::ready(Ok(self.metadata.clone())))
    }
}

/// `ObjectsError::from` takes it out again.
fn external(error: BucketError) -> ParquetError {
    ParquetError::External(Box::new(error))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::single_range_in_vec_init, reason = "lists of one range are meant")]

    use super::*;

    #[test]
    fn near_ranges_are_one_read_and_far_ones_are_not() {
        let far = GAP_BYTES + 101;
        assert_eq!(merge(&[far..far + 1, 0..100, 50..70]), [0..100, far..far + 1]);
        assert_eq!(merge(&[far - 1..far + 1, 0..100]), [0..far + 1]);
        let long = READ_BYTES;
        assert_eq!(merge(&[0..long, long..long + 1]), [0..long, long..long + 1]);
        assert!(merge(&[]).is_empty());
    }
}
