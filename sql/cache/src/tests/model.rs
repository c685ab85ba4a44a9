//! Over seeds: every read gives what the bucket has, whatever happens to the cache's disk.
//!
//! Readers overlap, some give up; objects come and go, also while the cache is closed; the
//! disk rots, tears, loses and misplaces writes, errs, hangs, fills, dies; the power goes and
//! the process is killed. On a disk that is sound, nothing may ever be found wrong.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use holdfast_api::bucket::{Bucket, BucketError};
use holdfast_io::clock::Clock;
use holdfast_io::disk::OpKind;
use holdfast_io::rng::{Rng as _, SeededRng};
use holdfast_sim::clock::SimClock;
use holdfast_sim::disk::{Damage, Fault, Faults, SimDisk, When};
use holdfast_sim::report::{Report, Tally};

use super::bucket::{Slow, put};
use super::{B, settle, start};
use crate::DiskCache;
use crate::slot::FILE_BYTES;

const SEEDS: u64 = 300;

#[test]
fn reads_give_what_the_bucket_has_whatever_happens_to_the_disk() {
    let needed = [
        "hits",
        "misses",
        "shared",
        "evictions",
        "corrupt",
        "errors",
        "dropped",
        "restored",
        "restarts",
        "power cuts",
        "turned off",
        "deletes",
        "away",
        "gone",
        "given up",
        "sound reads",
    ];
    Report::run("cache", holdfast_sim::seeds(SEEDS), |seed| {
        holdfast_sim::run(async move { History::new(seed).run().await })
    })
    .finish(SEEDS as usize, &needed);
}

struct History {
    rng: SeededRng,
    clock: Arc<dyn Clock>,
    disk: Arc<SimDisk>,
    bucket: Slow,
    cache: DiskCache,
    names: Vec<(String, u64)>,
    /// Deleted by whomever: absent from then on.
    gone: Vec<(String, u64)>,
    made: u64,
    /// Nothing was done to the disk.
    is_sound: bool,
    tally: Tally,
}

impl History {
    fn new(seed: u64) -> Self {
        let rng = SeededRng::new(seed);
        let clock: Arc<dyn Clock> = SimClock::new();
        let disk = SimDisk::new("cache", rng.next_u64(), clock.clone());
        let bucket = Slow::new(rng.next_u64(), clock.clone());
        let cache = start(&disk, &bucket, &clock, rng.between(1, 4) * FILE_BYTES);
        let (names, gone, tally) = (Vec::new(), Vec::new(), Tally::default());
        let is_sound = seed.is_multiple_of(3);
        Self { rng, clock, disk, bucket, cache, names, gone, made: 0, is_sound, tally }
    }

    async fn run(mut self) -> Tally {
        for _ in 0..6 {
            self.make().await;
        }
        for _ in 0..self.rng.between(2, 5) {
            self.plan();
            for _ in 0..self.rng.between(20, 60) {
                self.step().await;
            }
            self.end().await;
        }
        self.disk.set_faults(Faults::none());
        self.bucket.set_away_one_in(0);
        for (name, bytes) in self.names.clone() {
            let got = self.cache.read(&name, 0..bytes).await;
            assert_eq!(got, self.bucket.truth(&name, 0..bytes).await, "{name} in the end");
        }
        self.count();
        self.tally.ledger.merge(&self.disk.ledger());
        self.tally
    }

    /// What goes wrong in this life.
    fn plan(&mut self) {
        let away = if self.rng.one_in(3) { 30 } else { 0 };
        self.bucket.set_away_one_in(away);
        let latency = Duration::from_micros(self.rng.between(0, 6000));
        let faults = Faults::none().latency(Duration::ZERO, latency);
        if self.is_sound {
            return self.disk.set_faults(faults);
        }
        let often = When::OneIn(self.rng.between(3, 40));
        let faults = match self.rng.below(10) {
            0 => faults.with(Fault::Flip, OpKind::Read, often),
            1 => faults.with(Fault::Flip, OpKind::Write, often),
            2 => faults.with(Fault::Lost, OpKind::Write, often),
            3 => faults.with(Fault::Misdirected, OpKind::Write, often),
            4 => faults.with(Fault::Unreadable, OpKind::Write, often),
            5 => faults.with(Fault::Eio, OpKind::Read, often),
            6 => faults.with(Fault::Eio, OpKind::Write, When::Nth(self.rng.between(1, 30))),
            7 => faults.with(Fault::Full, OpKind::Create, often),
            8 => faults.with(Fault::Stall, OpKind::Read, When::OneIn(60)),
            _ => faults,
        };
        self.disk.set_faults(faults);
    }

    async fn step(&mut self) {
        match self.rng.below(40) {
            0 | 1 => self.make().await,
            2 | 3 => self.delete().await,
            4 if !self.is_sound => drop(self.disk.rot(self.rng.between(1, 40))),
            5 if !self.is_sound && self.rng.one_in(10) => {
                self.disk.damage(*self.rng.pick(&[Damage::Dead, Damage::ReadOnly]));
            }
            6 => self.give_up().await,
            7 => settle(&self.cache, &self.clock).await,
            8 | 9 => self.read_gone().await,
            _ => self.read().await,
        }
    }

    async fn make(&mut self) {
        self.made += 1;
        let name = format!("rows/{:032x}", self.made);
        let bytes = match self.rng.below(4) {
            0 => self.rng.between(1, B),
            1 => self.rng.between(1, 6) * B,
            _ => self.rng.between(1, 8 * B),
        };
        let mut all = vec![0; bytes as usize];
        SeededRng::new(self.made).fill(&mut all);
        put(&self.cache, &name, &all).await;
        self.names.push((name, bytes));
    }

    /// Deletes an object; readers of it may still get it, afterwards nobody does.
    async fn delete(&mut self) {
        if self.names.len() < 3 {
            return;
        }
        let at = self.rng.below(self.names.len() as u64) as usize;
        let (name, bytes) = self.names.swap_remove(at);
        let truth = self.bucket.truth(&name, 0..bytes).await.unwrap();
        let reads = (0..3).map(|_| self.cache.read(&name, 0..bytes));
        let (read, deleted) =
            futures_util::future::join(join_all(reads), self.cache.delete(&name)).await;
        deleted.unwrap();
        for read in read {
            match read {
                Ok(got) => assert_eq!(got, truth, "{name} while it is deleted"),
                Err(BucketError::Absent(_) | BucketError::Away { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        }
        self.tally.add("deletes", 1);
        let away = self.cache.read(&name, 0..bytes).await;
        assert!(away.is_err(), "{name} was deleted");
        self.gone.push((name, bytes));
    }

    /// A name that is gone stays gone.
    async fn read_gone(&mut self) {
        let last = self.gone.len().saturating_sub(3);
        for (name, bytes) in &self.gone[last..] {
            let got = self.cache.read(name, 0..*bytes).await;
            assert!(got.is_err(), "{name} was deleted, and came back");
            self.tally.add("gone", 1);
        }
    }

    fn range(&self) -> (String, std::ops::Range<u64>) {
        // Some are read more than others.
        let among = self.names.len().min(if self.rng.one_in(3) { 20 } else { 3 });
        let (name, bytes) = self.rng.pick(&self.names[..among]).clone();
        let range = match self.rng.below(8) {
            0 => 0..bytes,
            1 => bytes - bytes.min(self.rng.between(1, 3000))..bytes,
            2 => self.rng.below(bytes + 3)..bytes + self.rng.below(3),
            _ => {
                let from = self.rng.below(bytes);
                from..self.rng.between(from, bytes.min(from + 3 * B))
            }
        };
        (name, range)
    }

    async fn read(&mut self) {
        let ranges: Vec<_> = (0..self.rng.between(1, 4)).map(|_| self.range()).collect();
        let reads = ranges.iter().map(|(name, range)| self.cache.read(name, range.clone()));
        let got = join_all(reads).await;
        for ((name, range), got) in ranges.into_iter().zip(got) {
            if matches!(got, Err(BucketError::Away { .. })) {
                self.tally.add("away", 1);
                continue;
            }
            let truth = self.bucket.truth(&name, range.clone()).await;
            assert_eq!(got, truth, "{name} {range:?}");
        }
        if self.is_sound {
            self.tally.add("sound reads", 1);
        }
        let status = self.cache.status();
        assert!(status.file_bytes <= status.limit_bytes, "K4");
        assert!(status.slots * B >= status.held_bytes, "{status:?}");
        if self.is_sound {
            assert_eq!((status.corrupt, status.errors), (0, 0), "the disk is sound: {status:?}");
        }
    }

    /// A read that is dropped after some steps.
    async fn give_up(&mut self) {
        let (name, range) = self.range();
        let limit = Duration::from_micros(self.rng.between(0, 5000));
        let read = self.cache.read(&name, range);
        if holdfast_io::clock::deadline(&self.clock, limit, read).await.is_err() {
            self.tally.add("given up", 1);
        }
    }

    /// Ends this life, and begins the next one.
    async fn end(&mut self) {
        self.count();
        if self.is_sound {
            settle(&self.cache, &self.clock).await;
            self.cache.close().await;
            self.disk = self.disk.kill();
        } else {
            self.disk.damage(Damage::Sound);
            self.disk = match self.rng.below(3) {
                0 => self.disk.kill(),
                1 => {
                    self.cache.close().await;
                    self.disk.kill()
                }
                _ => {
                    self.tally.add("power cuts", 1);
                    self.disk.crash()
                }
            };
        }
        self.tally.add("restarts", 1);
        if self.rng.one_in(3) && self.names.len() > 3 {
            let at = self.rng.below(3) as usize;
            let gone = self.names.swap_remove(at);
            self.bucket.inner.delete(&gone.0).await.unwrap();
            self.gone.push(gone);
        }
        let files = self.rng.between(1, 4);
        self.cache = start(&self.disk, &self.bucket, &self.clock, files * FILE_BYTES);
        if self.rng.one_in(2) {
            self.clock.sleep(Duration::from_millis(500)).await;
        }
    }

    fn count(&mut self) {
        let status = self.cache.status();
        let counts = [
            ("hits", status.hits),
            ("misses", status.misses),
            ("shared", status.shared),
            ("evictions", status.evictions),
            ("corrupt", status.corrupt),
            ("errors", status.errors),
            ("dropped", status.dropped),
            ("restored", status.restored),
            ("turned off", u64::from(status.off.is_some())),
        ];
        counts.into_iter().for_each(|(what, count)| self.tally.add(what, count));
    }
}
