//! Between the database and what it stands on: a log and a bucket whose answers cannot
//! be trusted.
//!
//! - An append may be accepted and answered with an error, or never; may arrive late; may
//!   not have been sent at all. What the log says next is consistent with what it did.
//! - An object may be whole and visible although its writer was told that it failed.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use holdfast_api::BoxFuture;
use holdfast_api::bucket::{Bucket, BucketError, Listed, ObjectWriter};
use holdfast_api::log::{LogBounds, LogError, LogRecord, LogService};
use holdfast_api::meta::MetaError;
use holdfast_base::{ByteCount, Epoch, Lsn};
use holdfast_io::clock::Clock;
use holdfast_io::rng::SeededRng;

/// How often what goes wrong: one in so many; 0: never.
#[derive(Default)]
pub struct Doubts {
    /// Answers of the log that say nothing, or nothing true.
    pub log: AtomicU64,
    /// Appends after which the log says no more: the node stops without knowing.
    pub last_words: AtomicU64,
    /// Objects.
    pub bucket: AtomicU64,
    /// What happened.
    pub counts: Counts,
}

/// See [`Doubts`].
#[derive(Default)]
pub struct Counts {
    pub ambiguous: AtomicU64,
    pub last_words: AtomicU64,
    pub writes_failed: AtomicU64,
    pub written_and_failed: AtomicU64,
    pub reads_failed: AtomicU64,
}

impl Doubts {
    /// Nothing goes wrong from now on.
    pub fn calm(&self) {
        for often in [&self.log, &self.last_words, &self.bucket] {
            often.store(0, Ordering::Relaxed);
        }
    }
}

/// What the wrappers decide by.
#[derive(Clone)]
pub struct Fate {
    pub doubts: Arc<Doubts>,
    pub rng: Arc<SeededRng>,
    pub clock: Arc<dyn Clock>,
}

impl Fate {
    fn strikes(&self, often: &AtomicU64) -> bool {
        let often = often.load(Ordering::Relaxed);
        often > 0 && self.rng.one_in(often)
    }

    fn count(&self, what: impl Fn(&Counts) -> &AtomicU64) {
        what(&self.doubts.counts).fetch_add(1, Ordering::Relaxed);
    }

    async fn wait(&self, ms: u64) {
        self.clock.sleep(Duration::from_millis(ms)).await;
    }
}

/// The log.
pub struct DoubtfulLog {
    pub inner: Arc<dyn LogService>,
    pub fate: Fate,
}

fn nobody_knows() -> LogError {
    LogError::Meta(MetaError::Unavailable(1))
}

impl DoubtfulLog {
    async fn doubtful(
        &self,
        (epoch, seq): (Epoch, u64),
        records: Vec<Bytes>,
    ) -> Result<Lsn, LogError> {
        let fate = &self.fate;
        if fate.strikes(&fate.doubts.last_words) {
            let _ = self.inner.append(epoch, seq, records).await;
            fate.count(|counts| &counts.last_words);
            return Err(LogError::Meta(MetaError::Stopped("it was told to".into())));
        }
        if !fate.strikes(&fate.doubts.log) {
            return self.inner.append(epoch, seq, records).await;
        }
        fate.count(|counts| &counts.ambiguous);
        match fate.rng.below(7) {
            0 | 1 => {
                let _ = self.inner.append(epoch, seq, records).await;
                Err(nobody_knows())
            }
            2 | 3 => {
                let _ = self.inner.append(epoch, seq, records).await;
                std::future::pending().await
            }
            // It is on its way still, when everybody has given it up.
            4 => {
                let (inner, late) = (Arc::clone(&self.inner), fate.clone());
                tokio::spawn(async move {
                    late.wait(late.rng.below(4_000)).await;
                    let _ = inner.append(epoch, seq, records).await;
                });
                Err(nobody_knows())
            }
            5 => Err(LogError::Meta(MetaError::Busy("it was told so".into()))),
            _ => Err(nobody_knows()),
        }
    }
}

impl LogService for DoubtfulLog {
    fn grant(&self) -> BoxFuture<'_, Result<Epoch, LogError>> {
        self.inner.grant()
    }

    fn append(
        &self,
        epoch: Epoch,
        seq: u64,
        records: Vec<Bytes>,
    ) -> BoxFuture<'_, Result<Lsn, LogError>> {
        Box::pin(self.doubtful((epoch, seq), records))
    }

    fn read(
        &self,
        after: Lsn,
        limit: ByteCount,
    ) -> BoxFuture<'_, Result<Vec<LogRecord>, LogError>> {
        self.inner.read(after, limit)
    }

    fn follow(
        &self,
        after: Lsn,
        limit: ByteCount,
    ) -> BoxFuture<'_, Result<Vec<LogRecord>, LogError>> {
        Box::pin(async move {
            let fate = &self.fate;
            if fate.strikes(&fate.doubts.log) {
                // Longer, now and then, than a statement waits for the tail.
                fate.wait(fate.rng.below(14_000)).await;
                return Err(nobody_knows());
            }
            self.inner.follow(after, limit).await
        })
    }

    fn truncate(&self, epoch: Epoch, through: Lsn) -> BoxFuture<'_, Result<(), LogError>> {
        Box::pin(async move {
            let done = self.inner.truncate(epoch, through).await;
            match self.fate.strikes(&self.fate.doubts.log) {
                true => Err(nobody_knows()),
                false => done,
            }
        })
    }

    fn bounds(&self) -> BoxFuture<'_, Result<LogBounds, LogError>> {
        self.inner.bounds()
    }
}

/// The bucket.
pub struct DoubtfulBucket {
    pub inner: Arc<dyn Bucket>,
    pub fate: Fate,
}

struct Writing {
    name: String,
    inner: Box<dyn ObjectWriter>,
    fate: Fate,
}

fn away(name: &str) -> BucketError {
    BucketError::Away { name: name.to_owned(), why: "it was told to fail".into() }
}

impl ObjectWriter for Writing {
    fn write(&mut self, bytes: Bytes) -> BoxFuture<'_, Result<(), BucketError>> {
        self.inner.write(bytes)
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<u64, BucketError>> {
        Box::pin(async move {
            let Self { name, inner, fate } = *self;
            if !fate.strikes(&fate.doubts.bucket) {
                return inner.finish().await;
            }
            fate.count(|counts| &counts.writes_failed);
            if fate.rng.one_in(2) && inner.finish().await.is_ok() {
                fate.count(|counts| &counts.written_and_failed);
            }
            Err(away(&name))
        })
    }
}

impl Bucket for DoubtfulBucket {
    fn create(&self, name: &str, bytes: Option<u64>) -> Box<dyn ObjectWriter> {
        let (inner, fate) = (self.inner.create(name, bytes), self.fate.clone());
        Box::new(Writing { name: name.to_owned(), inner, fate })
    }

    fn read(&self, name: &str, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, BucketError>> {
        let (fate, name) = (self.fate.clone(), name.to_owned());
        Box::pin(async move {
            // Rarely: an answer needs many.
            if fate.strikes(&fate.doubts.bucket) && fate.rng.one_in(4) {
                fate.count(|counts| &counts.reads_failed);
                return Err(away(&name));
            }
            self.inner.read(&name, range).await
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
        let name = name.to_owned();
        Box::pin(async move {
            let fate = &self.fate;
            if fate.strikes(&fate.doubts.bucket) {
                if fate.rng.one_in(2) {
                    self.inner.delete(&name).await?;
                }
                return Err(away(&name));
            }
            self.inner.delete(&name).await
        })
    }
}
