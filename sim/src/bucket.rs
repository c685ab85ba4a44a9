//! A bucket in memory: the same answers as the real one, and counts of what was asked.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use holdfast_api::BoxFuture;
use holdfast_api::bucket::{Bucket, BucketError, Listed, ObjectWriter};

/// See the module's header. Clones share everything.
#[derive(Clone, Default)]
pub struct SimBucket {
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    objects: Mutex<BTreeMap<String, Bytes>>,
    reads: AtomicU64,
    read_bytes: AtomicU64,
    fail_writes: AtomicU64,
}

impl SimBucket {
    /// Everything in it.
    pub fn names(&self) -> Vec<String> {
        self.objects(|objects| objects.keys().cloned().collect())
    }

    /// Reads so far, and the bytes that they gave.
    pub fn reads(&self) -> (u64, u64) {
        (self.state.reads.load(Ordering::Relaxed), self.state.read_bytes.load(Ordering::Relaxed))
    }

    /// The next `count` objects cannot be finished.
    pub fn fail_writes(&self, count: u64) {
        self.state.fail_writes.store(count, Ordering::Relaxed);
    }

    /// Changes an object's bytes behind everybody's back.
    pub fn tamper(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        self.objects(|objects| {
            if let Some(bytes) = objects.get_mut(name) {
                let mut all = bytes.to_vec();
                change(&mut all);
                *bytes = all.into();
            }
        });
    }

    fn objects<T>(&self, work: impl FnOnce(&mut BTreeMap<String, Bytes>) -> T) -> T {
        work(&mut self.state.objects.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Writing {
    bucket: SimBucket,
    name: String,
    bytes: BytesMut,
}

impl ObjectWriter for Writing {
    fn write(&mut self, bytes: Bytes) -> BoxFuture<'_, Result<(), BucketError>> {
        self.bytes.extend_from_slice(&bytes);
        Box::pin(async { Ok(()) })
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<u64, BucketError>> {
        let Self { bucket, name, bytes } = *self;
        let left = &bucket.state.fail_writes;
        let fails = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        let answer = if fails.is_ok() {
            Err(BucketError::Away { name, why: "it was told to fail".into() })
        } else {
            let size = bytes.len() as u64;
            bucket.objects(|objects| objects.insert(name, bytes.freeze()));
            Ok(size)
        };
        Box::pin(async move { answer })
    }
}

impl Bucket for SimBucket {
    fn create(&self, name: &str, _: Option<u64>) -> Box<dyn ObjectWriter> {
        let (bucket, name) = (self.clone(), name.to_owned());
        Box::new(Writing { bucket, name, bytes: BytesMut::new() })
    }

    fn read(&self, name: &str, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, BucketError>> {
        let found = self.objects(|objects| objects.get(name).cloned());
        let answer = match found {
            None => Err(BucketError::Absent(name.to_owned())),
            Some(all) if range.end > all.len() as u64 || range.start > range.end => {
                let (name, bytes) = (name.to_owned(), all.len() as u64);
                Err(BucketError::Range { name, bytes, from: range.start, to: range.end })
            }
            Some(all) => Ok(all.slice(range.start as usize..range.end as usize)),
        };
        self.state.reads.fetch_add(1, Ordering::Relaxed);
        let bytes = answer.as_ref().map_or(0, |bytes| bytes.len() as u64);
        self.state.read_bytes.fetch_add(bytes, Ordering::Relaxed);
        Box::pin(async move { answer })
    }

    fn list(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Listed>, BucketError>> {
        let listed = self.objects(|objects| {
            let wanted = objects
                .iter()
                .filter(|(name, _)| name.starts_with(prefix) && name.as_str() > after);
            let listed = |(name, bytes): (&String, &Bytes)| Listed {
                name: name.clone(),
                bytes: bytes.len() as u64,
            };
            wanted.take(limit).map(listed).collect()
        });
        Box::pin(async move { Ok(listed) })
    }

    fn delete(&self, name: &str) -> BoxFuture<'_, Result<(), BucketError>> {
        self.objects(|objects| objects.remove(name));
        Box::pin(async { Ok(()) })
    }
}
