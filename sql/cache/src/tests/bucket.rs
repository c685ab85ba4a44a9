//! A bucket that takes its time, is away now and then, and remembers what was asked.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use holdfast_api::BoxFuture;
use holdfast_api::bucket::{Bucket, BucketError, Listed, ObjectWriter};
use holdfast_io::clock::Clock;
use holdfast_io::rng::SeededRng;
use holdfast_sim::bucket::SimBucket;
use parking_lot::Mutex;

/// See the module's header. Clones share everything.
#[derive(Clone)]
pub struct Slow {
    pub inner: SimBucket,
    clock: Arc<dyn Clock>,
    rng: Arc<SeededRng>,
    asked: Arc<Mutex<Vec<Range<u64>>>>,
    away_one_in: Arc<AtomicU64>,
}

impl Slow {
    pub fn new(seed: u64, clock: Arc<dyn Clock>) -> Self {
        let (asked, away_one_in) = (Arc::default(), Arc::default());
        let rng = Arc::new(SeededRng::new(seed));
        Self { inner: SimBucket::default(), clock, rng, asked, away_one_in }
    }

    /// One read in so many is answered that it is away; 0: none.
    pub fn set_away_one_in(&self, n: u64) {
        self.away_one_in.store(n, Ordering::Relaxed);
    }

    pub fn take_asked(&self) -> Vec<Range<u64>> {
        std::mem::take(&mut self.asked.lock())
    }

    /// What is right.
    pub async fn truth(&self, name: &str, range: Range<u64>) -> Result<Bytes, BucketError> {
        self.inner.read(name, range).await
    }
}

/// Writes an object.
pub async fn put(bucket: &dyn Bucket, name: &str, bytes: &[u8]) {
    let mut writer = bucket.create(name, None);
    writer.write(Bytes::copy_from_slice(bytes)).await.unwrap();
    writer.finish().await.unwrap();
}

impl Bucket for Slow {
    fn create(&self, name: &str, bytes: Option<u64>) -> Box<dyn ObjectWriter> {
        self.inner.create(name, bytes)
    }

    fn read(&self, name: &str, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, BucketError>> {
        self.asked.lock().push(range.clone());
        let name = name.to_owned();
        Box::pin(async move {
            let away = self.away_one_in.load(Ordering::Relaxed);
            if away > 0 && self.rng.one_in(away) {
                return Err(BucketError::Away { name, why: "it was told to be".into() });
            }
            let read = self.inner.read(&name, range).await;
            self.clock.sleep(Duration::from_millis(self.rng.between(1, 4))).await;
            read
        })
    }

    fn list(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Listed>, BucketError>> {
        self.inner.list(prefix, after, limit)
    }

    fn delete(&self, name: &str) -> BoxFuture<'_, Result<(), BucketError>> {
        self.inner.delete(name)
    }
}
