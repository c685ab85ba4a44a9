//! What the cache saves where the bucket is some milliseconds away.
//!
//! `cargo run --release -p holdfast-cache --example cached DIR [latency in ms]`: a bucket in
//! memory that answers after a while, each read at 100 MB/s, and DIR for the cache, reached as the server reaches
//! its disks (direct I/O where the file system has it). Reads as `objects` makes them: a
//! point read is 8 reads of 120 KB of one object at a time, a scan reads of 8 MiB, four at a
//! time.

#![allow(clippy::expect_used, reason = "an example")]

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::join_all;
use holdfast_api::BoxFuture;
use holdfast_api::bucket::{Bucket, BucketError, Listed, ObjectWriter};
use holdfast_cache::{CacheConfig, DiskCache};
use holdfast_io::clock::{Clock, SystemClock};
use holdfast_io::disk::{Backend, open};
use holdfast_io::rng::{Rng, SeededRng};

const OBJECT: u64 = 256 << 20;
const POINTS: u64 = 200;
const PIECE: u64 = 120_000;
/// Of one read of the bucket, about what one connection to S3 gives. [bytes a second]
const STREAM: u64 = 100_000_000;
const SCANNED: u64 = 8 << 20;

/// One object, far away.
struct Far {
    bytes: Bytes,
    latency: Duration,
}

impl Bucket for Far {
    fn create(&self, _: &str, _: Option<u64>) -> Box<dyn ObjectWriter> {
        unreachable!("nothing is written")
    }

    fn read(&self, _: &str, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, BucketError>> {
        let streamed = Duration::from_micros((range.end - range.start) * 1_000_000 / STREAM);
        let bytes = self.bytes.slice(range.start as usize..range.end as usize);
        Box::pin(async move {
            SystemClock.sleep(self.latency + streamed).await;
            Ok(bytes)
        })
    }

    fn list(&self, _: &str, _: &str, _: usize) -> BoxFuture<'_, Result<Vec<Listed>, BucketError>> {
        Box::pin(async { Ok(vec![Listed { name: "rows/a".into(), bytes: OBJECT }]) })
    }

    fn delete(&self, _: &str) -> BoxFuture<'_, Result<(), BucketError>> {
        Box::pin(async { Ok(()) })
    }
}

#[tokio::main]
async fn main() {
    let mut given = std::env::args().skip(1);
    let path = given.next().expect("a directory for the cache");
    let latency = given.next().and_then(|ms| ms.parse().ok()).unwrap_or(5);
    let mut bytes = vec![0; OBJECT as usize];
    SeededRng::new(1).fill(&mut bytes);
    let latency = Duration::from_millis(latency);
    let far = Arc::new(Far { bytes: bytes.into(), latency });
    let drive = open(path.as_ref(), Backend::Auto).expect("a directory that can be used").drive;
    println!("bucket {latency:?} away; cache on {path}, {}", drive.disk().backend());
    measure("bucket alone", &*far).await;
    let config = CacheConfig {
        drive,
        bucket: far,
        clock: Arc::new(SystemClock),
        bytes: 1 << 30,
        prefixes: &["rows/"],
    };
    let cache = DiskCache::start(config);
    measure("cache, empty", &cache).await;
    // What the queue dropped is fetched again here; then all is there.
    for _ in 0..4 {
        scan(&cache, 1).await;
        while cache.status().queued > 0 {
            SystemClock.sleep(Duration::from_millis(10)).await;
        }
    }
    let before = cache.status();
    measure("cache, warm", &cache).await;
    let after = cache.status();
    println!(
        "{} hits and {} misses while it was warm",
        after.hits - before.hits,
        after.misses - before.misses
    );
    println!("{after:?}");
    cache.close().await;
}

async fn measure(what: &str, bucket: &dyn Bucket) {
    let clock = SystemClock;
    let begun = clock.monotonic();
    let rng = SeededRng::new(7);
    for _ in 0..POINTS {
        let read = |_| {
            let from = rng.below(OBJECT - PIECE);
            bucket.read("rows/a", from..from + PIECE)
        };
        let reads: Vec<_> = (0..8).map(read).collect();
        for read in join_all(reads).await {
            assert_eq!(read.expect("it is there").len() as u64, PIECE);
        }
    }
    let point = (clock.monotonic() - begun) / POINTS as u32;
    let begun = clock.monotonic();
    scan(bucket, 4).await;
    let took = clock.monotonic() - begun;
    let rate = OBJECT as f64 / took.as_secs_f64() / 1e6;
    println!("{what:14} point read {point:>9.2?}   scan {took:>9.2?}, {rate:.0} MB/s");
}

async fn scan(bucket: &dyn Bucket, at_once: usize) {
    let reads =
        (0..OBJECT / SCANNED).map(|at| bucket.read("rows/a", at * SCANNED..(at + 1) * SCANNED));
    let mut reads = futures_util::stream::iter(reads).buffered(at_once);
    while let Some(read) = reads.next().await {
        assert_eq!(read.expect("it is there").len() as u64, SCANNED);
    }
}
