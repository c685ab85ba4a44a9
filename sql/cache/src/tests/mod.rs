//! Cases: what is fetched, what is kept, and what the cache does about its disk.

#![allow(
    clippy::single_range_in_vec_init,
    clippy::cloned_ref_to_slice_refs,
    reason = "lists of ranges are compared, some of one"
)]

mod bucket;
mod model;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use holdfast_api::bucket::{Bucket, BucketError};
use holdfast_io::clock::Clock;
use holdfast_io::disk::{FileName, OpKind};
use holdfast_sim::clock::SimClock;
use holdfast_sim::disk::{Damage, Fault, Faults, SimDisk, When};

use crate::slot::{BLOCK, FILE_BYTES, FILE_SLOTS, HEADER, SLOT};
use crate::{CacheConfig, DiskCache};
use bucket::{Slow, put};

const B: u64 = BLOCK as u64;

/// A cache over an empty disk, and what is around it.
struct Stage {
    clock: Arc<dyn Clock>,
    disk: Arc<SimDisk>,
    bucket: Slow,
    cache: DiskCache,
}

impl Stage {
    async fn new(files: u64) -> Self {
        let clock: Arc<dyn Clock> = SimClock::new();
        let disk = SimDisk::new("cache", 7, clock.clone());
        let bucket = Slow::new(7, clock.clone());
        let cache = start(&disk, &bucket, &clock, files * FILE_BYTES);
        Self { clock, disk, bucket, cache }
    }

    async fn put(&self, name: &str, bytes: u64) -> Vec<u8> {
        let all: Vec<u8> = (0..bytes).map(|at| (at.wrapping_mul(31) >> 3) as u8).collect();
        put(&self.bucket, name, &all).await;
        all
    }

    /// Reads, waits until the keeper is idle, and tells what the bucket was asked for.
    async fn read(&self, name: &str, range: Range<u64>) -> Vec<Range<u64>> {
        self.bucket.take_asked();
        let got = self.cache.read(name, range.clone()).await;
        assert_eq!(got, self.bucket.truth(name, range).await);
        settle(&self.cache, &self.clock).await;
        self.bucket.take_asked()
    }

    async fn restart(&mut self) {
        self.cache.close().await;
        self.disk = self.disk.kill();
        let limit = self.cache.status().limit_bytes;
        self.cache = start(&self.disk, &self.bucket, &self.clock, limit);
        self.clock.sleep(Duration::from_secs(1)).await;
    }
}

fn start(disk: &Arc<SimDisk>, bucket: &Slow, clock: &Arc<dyn Clock>, bytes: u64) -> DiskCache {
    DiskCache::start(CacheConfig {
        drive: disk.drive(),
        bucket: Arc::new(bucket.clone()),
        clock: clock.clone(),
        bytes,
        prefixes: &["rows/"],
    })
}

/// Until nothing waits to be written.
async fn settle(cache: &DiskCache, clock: &Arc<dyn Clock>) {
    let until = clock.monotonic() + Duration::from_secs(600);
    while cache.status().queued > 0 {
        assert!(clock.monotonic() < until, "the keeper does not work any more");
        clock.sleep(Duration::from_millis(1)).await;
    }
}

#[test]
fn the_first_read_takes_no_more_than_was_asked_and_the_second_nothing() {
    holdfast_sim::run(async {
        let stage = Stage::new(2).await;
        stage.put("rows/a", 3 * B + 1000).await;
        // A footer: it begins in a block and ends with the object.
        let footer = 3 * B - 500..3 * B + 1000;
        assert_eq!(stage.read("rows/a", footer.clone()).await, [footer.clone()]);
        assert_eq!(stage.read("rows/a", footer.clone()).await, []);
        let part = 3 * B - 100..3 * B + 7;
        assert_eq!(stage.read("rows/a", part).await, []);
        // Another part of a block: all of that one, and what is missing beside it at once.
        assert_eq!(stage.read("rows/a", B..3 * B - 400).await, [B..3 * B]);
        assert_eq!(stage.read("rows/a", 0..3 * B + 1000).await, [0..B], "what is missing");
        assert_eq!(stage.read("rows/a", 0..3 * B + 1000).await, []);
        let status = stage.cache.status();
        assert_eq!((status.slots, status.held_bytes), (4, 3 * B + 1000));
        assert_eq!((status.corrupt, status.errors, status.dropped), (0, 0, 0));
    });
}

#[test]
fn what_lies_between_two_holes_is_not_fetched() {
    holdfast_sim::run(async {
        let stage = Stage::new(2).await;
        stage.put("rows/a", 3 * B).await;
        stage.read("rows/a", B..2 * B).await;
        assert_eq!(stage.read("rows/a", 10..3 * B).await, [10..B, 2 * B..3 * B]);
        assert_eq!(stage.read("rows/a", 10..3 * B).await, []);
    });
}

#[test]
fn a_block_at_the_end_is_fetched_whole_though_its_length_is_not_known() {
    holdfast_sim::run(async {
        let stage = Stage::new(2).await;
        stage.put("rows/a", B + 1000).await;
        stage.read("rows/a", B + 100..B + 200).await;
        let asked = stage.read("rows/a", B + 300..B + 400).await;
        assert_eq!(asked, [B..2 * B, B..B + 1000]);
        assert_eq!(stage.read("rows/a", B..B + 1000).await, []);
    });
}

#[test]
fn errors_are_the_buckets_own_words() {
    holdfast_sim::run(async {
        let stage = Stage::new(2).await;
        stage.put("rows/a", 1000).await;
        stage.read("rows/a", 0..1000).await;
        stage.read("rows/a", 500..1001).await;
        stage.read("rows/a", 5 * B..6 * B).await;
        stage.read("rows/a", 7..7).await;
        stage.read("rows/none", 0..7).await;
        stage.read("other/none", 0..7).await;
        assert_eq!(stage.cache.status().slots, 1, "an error is not kept");
    });
}

#[test]
fn readers_of_one_block_at_once_are_one_read() {
    holdfast_sim::run(async {
        let stage = Stage::new(2).await;
        let all = stage.put("rows/a", 2 * B).await;
        let reads = (0..5).map(|at| stage.cache.read("rows/a", at..2 * B));
        for (at, read) in join_all(reads).await.into_iter().enumerate() {
            assert_eq!(read.unwrap(), all[at..]);
        }
        assert_eq!(stage.bucket.take_asked(), [0..2 * B]);
        assert_eq!(stage.cache.status().shared, 8);
    });
}

#[test]
fn a_reader_that_gives_up_leaves_it_to_those_who_wait() {
    holdfast_sim::run(async {
        let stage = Stage::new(2).await;
        let all = stage.put("rows/a", B).await;
        let mut first = stage.cache.read("rows/a", 0..B);
        assert!(futures_util::poll!(&mut first).is_pending());
        let mut second = stage.cache.read("rows/a", 0..B);
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(first);
        assert_eq!(second.await.unwrap(), all);
        assert_eq!(stage.read("rows/a", 0..B).await, [0..B], "nobody's flight is listed");
        assert_eq!(stage.read("rows/a", 0..B).await, []);
    });
}

#[test]
fn a_restart_finds_what_was_written_and_what_the_bucket_still_has() {
    holdfast_sim::run(async {
        let mut stage = Stage::new(2).await;
        stage.put("rows/a", 2 * B).await;
        stage.put("rows/b", 2 * B).await;
        stage.read("rows/a", 0..2 * B).await;
        stage.read("rows/b", 0..2 * B).await;
        stage.cache.close().await;
        stage.bucket.delete("rows/b").await.unwrap();
        stage.restart().await;
        assert_eq!(stage.cache.status().restored, 2);
        assert_eq!(stage.read("rows/a", 0..2 * B).await, []);
        assert_eq!(stage.read("rows/b", 0..B).await, [0..B], "it is absent: asked, and again");
    });
}

#[test]
fn what_was_deleted_is_forgotten_though_a_read_of_it_was_under_way() {
    holdfast_sim::run(async {
        let stage = Stage::new(2).await;
        stage.put("rows/a", 2 * B).await;
        stage.read("rows/a", 0..B).await;
        let mut late = stage.cache.read("rows/a", B..2 * B);
        assert!(futures_util::poll!(&mut late).is_pending());
        stage.cache.delete("rows/a").await.unwrap();
        late.await.unwrap();
        settle(&stage.cache, &stage.clock).await;
        assert_eq!(stage.cache.status().slots, 0);
        assert_eq!(
            stage.cache.read("rows/a", 0..B).await,
            Err(BucketError::Absent("rows/a".into()))
        );
        stage.read("rows/a", B..2 * B).await;
    });
}

#[test]
fn k4_files_stay_within_the_limit_and_a_smaller_one_removes_some() {
    holdfast_sim::run(async {
        let mut stage = Stage::new(3).await;
        stage.put("rows/a", 100 * B).await;
        for block in 0..100 {
            stage.read("rows/a", block * B..(block + 1) * B).await;
        }
        let status = stage.cache.status();
        assert_eq!((status.file_bytes, status.limit_bytes), (3 * FILE_BYTES, 3 * FILE_BYTES));
        assert_eq!(status.slots, 3 * u64::from(FILE_SLOTS));
        assert_eq!(status.evictions, 100 - 3 * u64::from(FILE_SLOTS));
        stage.cache.close().await;
        stage.disk = stage.disk.kill();
        stage.cache = start(&stage.disk, &stage.bucket, &stage.clock, 2 * FILE_BYTES + 5);
        stage.clock.sleep(Duration::from_secs(1)).await;
        let status = stage.cache.status();
        assert_eq!((status.file_bytes, status.restored), (2 * FILE_BYTES, 2 * 8));
        assert_eq!(stage.disk.drive().list().await.unwrap().len(), 2);
    });
}

#[test]
fn a_full_disk_ends_the_growth_and_nothing_else() {
    holdfast_sim::run(async {
        let stage = Stage::new(9).await;
        stage.disk.set_capacity(3 * FILE_BYTES + 4096);
        stage.put("rows/a", 50 * B).await;
        for block in 0..50 {
            stage.read("rows/a", block * B..(block + 1) * B).await;
        }
        let status = stage.cache.status();
        assert_eq!((status.file_bytes, status.off), (2 * FILE_BYTES, None), "F1");
        assert_eq!(stage.read("rows/a", 49 * B..50 * B).await, []);
    });
}

#[test]
fn a_full_queue_drops_and_nobody_waits() {
    holdfast_sim::run(async {
        let stage = Stage::new(9).await;
        stage.put("rows/a", 60 * B).await;
        stage.disk.set_faults(Faults::none().with(Fault::Stall, OpKind::Write, When::Always));
        let began = stage.clock.monotonic();
        for block in 0..60 {
            stage.cache.read("rows/a", block * B..(block + 1) * B).await.unwrap();
        }
        assert!(stage.clock.monotonic() - began < Duration::from_secs(1), "K3");
        let status = stage.cache.status();
        assert!(status.dropped >= 40 && status.queued <= 17, "{status:?}");
        // What waits to be written is there to be read.
        assert_eq!(stage.cache.read("rows/a", 3..B).await.unwrap().len() as u64, B - 3);
        assert_eq!(stage.cache.status().hits, 1);
    });
}

#[test]
fn a_hanging_disk_costs_a_second_and_then_nothing() {
    holdfast_sim::run(async {
        let stage = Stage::new(2).await;
        stage.put("rows/a", 2 * B).await;
        stage.read("rows/a", 0..2 * B).await;
        stage.disk.set_faults(Faults::none().with(Fault::Stall, OpKind::Read, When::Always));
        for _ in 0..20 {
            stage.read("rows/a", 0..2 * B).await;
        }
        let took = stage.clock.monotonic();
        assert!(took < Duration::from_secs(12), "K2: {took:?}");
        assert!(stage.cache.status().off.is_some_and(|why| why.contains("hangs")));
    });
}

#[test]
fn a_dead_disk_turns_it_off_and_reads_go_on() {
    holdfast_sim::run(async {
        let mut stage = Stage::new(2).await;
        stage.put("rows/a", 4 * B).await;
        stage.read("rows/a", 0..2 * B).await;
        stage.disk.damage(Damage::ReadOnly);
        stage.read("rows/a", 0..4 * B).await;
        assert!(stage.cache.status().off.is_some(), "a write erred");
        assert_eq!(stage.read("rows/a", 0..B).await, [0..B], "H2");
        stage.disk.damage(Damage::Dead);
        stage.restart().await;
        assert!(stage.cache.status().off.is_some(), "it cannot be opened");
        stage.read("rows/a", 0..4 * B).await;
        stage.disk.damage(Damage::Sound);
        stage.restart().await;
        stage.read("rows/a", 0..4 * B).await;
        assert_eq!(stage.read("rows/a", 0..4 * B).await, []);
    });
}

#[test]
fn a_changed_byte_is_found_and_costs_its_slot() {
    holdfast_sim::run(async {
        let stage = Stage::new(2).await;
        stage.put("rows/a", 3 * B).await;
        stage.read("rows/a", 0..3 * B).await;
        let file = FileName::new("blocks-000000.cache").unwrap();
        for (slot, at) in [(7, HEADER + 9), (6, 40), (5, HEADER + BLOCK - 1)] {
            assert!(stage.disk.tamper(&file, (slot * SLOT + at) as u64, |byte| *byte ^= 1));
        }
        assert_eq!(stage.read("rows/a", 0..3 * B).await, [0..3 * B]);
        assert_eq!((stage.cache.status().corrupt, stage.cache.status().slots), (3, 0));
    });
}
