//! A bucket in memory that remembers what was read: for tests and examples.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use holdfast_api::BoxFuture;
use holdfast_api::bucket::{Bucket, BucketError, Listed, ObjectWriter};
use parking_lot::Mutex;

/// A bucket in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryBucket {
    /// Taken alone.
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<String, Bytes>,
    reads: Vec<(String, Range<u64>)>,
    away: bool,
}

impl MemoryBucket {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// The reads since the last call.
    pub fn take_reads(&self) -> Vec<(String, Range<u64>)> {
        std::mem::take(&mut self.state.lock().reads)
    }

    /// An object's bytes.
    pub fn bytes(&self, name: &str) -> Option<Bytes> {
        self.state.lock().objects.get(name).cloned()
    }

    /// Puts other bytes in an object's place.
    pub fn replace(&self, name: &str, bytes: Bytes) {
        self.state.lock().objects.insert(name.into(), bytes);
    }

    /// Whether reads are answered that the bucket is away.
    pub fn set_away(&self, away: bool) {
        self.state.lock().away = away;
    }

    /// All names.
    pub fn names(&self) -> Vec<String> {
        self.state.lock().objects.keys().cloned().collect()
    }
}

struct MemoryWriter {
    bucket: MemoryBucket,
    name: String,
    bytes: Vec<u8>,
}

impl ObjectWriter for MemoryWriter {
    fn write(&mut self, bytes: Bytes) -> BoxFuture<'_, Result<(), BucketError>> {
        self.bytes.extend_from_slice(&bytes);
        Box::pin(std::future::ready(Ok(())))
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<u64, BucketError>> {
        let size = self.bytes.len() as u64;
        self.bucket.replace(&self.name, self.bytes.into());
        Box::pin(std::future::ready(Ok(size)))
    }
}

impl Bucket for MemoryBucket {
    fn create(&self, name: &str, _bytes: Option<u64>) -> Box<dyn ObjectWriter> {
        Box::new(MemoryWriter { bucket: self.clone(), name: name.into(), bytes: Vec::new() })
    }

    fn read(&self, name: &str, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, BucketError>> {
        let mut state = self.state.lock();
        state.reads.push((name.into(), range.clone()));
        let answer = match state.objects.get(name) {
            _ if state.away => {
                Err(BucketError::Away { name: name.into(), why: "it was told to be".into() })
            }
            None => Err(BucketError::Absent(name.into())),
            Some(bytes) if range.end > bytes.len() as u64 || range.start > range.end => {
                let bytes = bytes.len() as u64;
                let (from, to) = (range.start, range.end);
                Err(BucketError::Range { name: name.into(), bytes, from, to })
            }
            Some(bytes) => Ok(bytes.slice(range.start as usize..range.end as usize)),
        };
        Box::pin(std::future::ready(answer))
    }

    fn list(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Listed>, BucketError>> {
        let state = self.state.lock();
        let named = state
            .objects
            .iter()
            .filter(|(name, _)| name.starts_with(prefix) && name.as_str() > after);
        let listed = named
            .take(limit)
            .map(|(name, bytes)| Listed { name: name.clone(), bytes: bytes.len() as u64 });
        Box::pin(std::future::ready(Ok(listed.collect())))
    }

    fn delete(&self, name: &str) -> BoxFuture<'_, Result<(), BucketError>> {
        self.state.lock().objects.remove(name);
        Box::pin(std::future::ready(Ok(())))
    }
}
