//! The store over shard stores on simulated drives, where single failures are placed by hand.
//! Whole histories are in `tests/object_model`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use holdfast_api::BoxFuture;
use holdfast_api::drive::{
    DriveError, DriveService, DriveStatus, Owner, ShardBytes, ShardRange, ShardWrite, StoredShard,
};
use holdfast_api::meta::{Answer, Command, MetaError, MetaService, Outcome, Query};
use holdfast_api::object::{BodyWriter, ObjectStore, ReadPlan, StoreError, StoredBody};
use holdfast_base::{BodyId, BucketId, ClusterId, DriveId, DriveNo, ShardId, Tick, VersionId};
use holdfast_io::clock::Clock;
use holdfast_io::disk::Durability;
use holdfast_io::rng::SeededRng;
use holdfast_sim::clock::SimClock;
use holdfast_sim::disk::SimDisk;

use super::{Config, Store, WRITE_BYTES_MAX};
use crate::shard::identity::format;
use crate::shard::{Identity, Options, ShardStore, World};

/// Remembers nothing.
struct Meta(AtomicU64);

impl MetaService for Meta {
    fn execute(&self, _: Command) -> BoxFuture<'_, Result<Outcome, MetaError>> {
        Box::pin(async { Ok(Outcome::Done) })
    }

    fn query(&self, _: Query) -> BoxFuture<'_, Result<Answer, MetaError>> {
        Box::pin(async { Err(MetaError::Stopped("not asked".into())) })
    }

    fn tick(&self) -> Tick {
        Tick(1)
    }

    fn new_body(&self) -> BodyId {
        BodyId { born: 1, nonce: self.0.fetch_add(1, Ordering::Relaxed) }
    }
}

/// What the next writes of any drive come to.
#[derive(Default)]
struct Plan {
    fail: AtomicUsize,
    hang: AtomicUsize,
}

struct Planned {
    drive: ShardStore,
    plan: Arc<Plan>,
}

fn one_of(count: &AtomicUsize) -> bool {
    count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}

impl DriveService for Planned {
    fn no(&self) -> DriveNo {
        self.drive.no()
    }

    fn status(&self) -> DriveStatus {
        self.drive.status()
    }

    fn write(
        &self,
        shard: ShardWrite,
        durability: Durability,
    ) -> BoxFuture<'static, Result<(), DriveError>> {
        let drive = self.no();
        if one_of(&self.plan.fail) {
            drop(shard);
            return Box::pin(
                async move { Err(DriveError::Offline { drive, why: "pulled".into() }) },
            );
        }
        if one_of(&self.plan.hang) {
            return Box::pin(async move {
                std::future::pending::<()>().await;
                drop(shard);
                Ok(())
            });
        }
        self.drive.write(shard, durability)
    }

    fn sync(&self) -> BoxFuture<'static, Result<(), DriveError>> {
        self.drive.sync()
    }

    fn read(&self, range: ShardRange) -> BoxFuture<'static, Result<ShardBytes, DriveError>> {
        self.drive.read(range)
    }

    fn delete(&self, shards: Vec<ShardId>) -> BoxFuture<'static, Result<(), DriveError>> {
        self.drive.delete(shards)
    }

    fn list(
        &self,
        after: Option<ShardId>,
        limit: usize,
    ) -> BoxFuture<'static, Result<Vec<StoredShard>, DriveError>> {
        self.drive.list(after, limit)
    }
}

struct Bench {
    store: Store,
    plan: Arc<Plan>,
    clock: Arc<SimClock>,
}

impl Bench {
    /// 4+2 over this many drives.
    async fn new(drives: u16) -> Self {
        let (clock, rng) = (SimClock::new(), Arc::new(SeededRng::new(7)));
        let plan = Arc::new(Plan::default());
        let config = Config::new("4+2".parse().unwrap());
        let store = Store::new(config, clock.clone(), Arc::new(Meta(AtomicU64::new(1))));
        for no in 0..drives {
            let disk = SimDisk::new(&format!("drive{no}"), u64::from(no), clock.clone());
            let (cluster, drive) = (ClusterId([1; 16]), DriveId([no as u8 + 1; 16]));
            let identity = Identity { cluster, drive, no: DriveNo(no), mount_point: false };
            format(&disk.drive(), &identity).await.unwrap();
            let world = World { clock: clock.clone(), rng: rng.clone() };
            let options = Options { segment_bytes: Some(32 << 20), ..Options::default() };
            let drive = ShardStore::open(disk.drive(), identity, world, options).await.unwrap();
            store.set_drive(DriveNo(no), Arc::new(Planned { drive, plan: plan.clone() }));
        }
        Self { store, plan, clock }
    }

    fn writer(&self, len: Option<usize>) -> Box<dyn BodyWriter> {
        let (bucket, version) = (BucketId(1), VersionId([1; 16]));
        let owner = Owner { bucket, key: Bytes::from_static(b"key"), version };
        self.store.writer(owner, len.map(|len| len as u64))
    }

    async fn put(&self, bytes: &Bytes) -> Result<StoredBody, StoreError> {
        let mut writer = self.writer(Some(bytes.len()));
        writer.write(bytes.clone()).await?;
        writer.finish().await
    }

    async fn get(&self, stored: &StoredBody, len: usize) -> Vec<u8> {
        let holdfast_api::object::Body::Stored { id, .. } = stored.body else { panic!("inline") };
        let plan = ReadPlan {
            owner: Owner { bucket: BucketId(1), key: Bytes::new(), version: VersionId([1; 16]) },
            bodies: vec![stored.body.clone()],
            from: 0,
            to: len as u64,
            blobs: stored.blobs.iter().map(|(i, record)| (id.blob(*i), record.clone())).collect(),
        };
        let (mut reader, mut all) = (self.store.reader(plan), Vec::new());
        while let Some(bytes) = reader.next().await.unwrap() {
            all.extend_from_slice(&bytes);
        }
        all
    }
}

fn content(seed: usize, len: usize) -> Bytes {
    Bytes::from((0..len).map(|i| (i * 31 + i / 251 + seed) as u8).collect::<Vec<_>>())
}

#[test]
fn while_spares_are_left_a_put_succeeds_however_many_drives_fail_at_once() {
    for (fail, hang, len) in [(3, 0, 20_000), (6, 0, 20_000), (6, 0, 3 << 20), (0, 6, 1 << 20)] {
        holdfast_sim::run(async move {
            let bench = Bench::new(12).await;
            let bytes = content(len, len);
            bench.plan.fail.store(fail, Ordering::Relaxed);
            bench.plan.hang.store(hang, Ordering::Relaxed);
            let stored = bench.put(&bytes).await.unwrap();
            let missing: usize = stored.blobs.iter().map(|(_, record)| record.missing.len()).sum();
            assert_eq!(missing, 0, "A7: every shard found a drive, {fail} failed, {hang} hung");
            assert!(
                bench.get(&stored, len).await == bytes,
                "the bytes, {fail} failed, {hang} hung"
            );
        });
    }
}

#[test]
fn without_spares_too_many_failures_are_refused() {
    holdfast_sim::run(async {
        let bench = Bench::new(6).await;
        bench.plan.fail.store(2, Ordering::Relaxed);
        let refused = bench.put(&content(1, 20_000)).await;
        assert!(matches!(refused, Err(StoreError::NoQuorum { durable: 4, needed: 5, .. })));
    });
}

/// O5, E1.
#[test]
fn writers_that_stand_still_hurt_nobody_and_can_go_on() {
    holdfast_sim::run(async {
        let bench = Bench::new(6).await;
        let mut stalled = Vec::new();
        for number in 0..300_usize {
            // Most have sent little, some so much that frames were made for them.
            let sent = if number % 4 == 0 { 300_000 } else { 5000 };
            let bytes = content(number, sent + 70_000);
            let expected = (number % 3 != 0).then_some(bytes.len());
            let mut writer = bench.writer(expected.map(|len| len.max(sent + 70_000)));
            writer.write(bytes.slice(..sent)).await.unwrap();
            if number % 4 == 0 {
                bench.clock.sleep(Duration::from_millis(20)).await;
            }
            stalled.push((writer, bytes, sent));
        }
        let began = bench.clock.monotonic();
        let bytes = content(9, 9 << 20);
        let stored = bench.put(&bytes).await.unwrap();
        assert!(bench.get(&stored, bytes.len()).await == bytes);
        let took = bench.clock.monotonic() - began;
        assert!(
            took < Duration::from_secs(2),
            "a writer that does not stand still waited {took:?}"
        );
        assert!(bench.store.write_bytes_peak() <= WRITE_BYTES_MAX as u64, "O5");
        for (mut writer, bytes, sent) in stalled {
            writer.write(bytes.slice(sent..)).await.unwrap();
            let stored = writer.finish().await.unwrap();
            assert!(bench.get(&stored, bytes.len()).await == bytes, "E1: its bytes");
        }
        assert!(bench.store.write_bytes_peak() <= WRITE_BYTES_MAX as u64, "O5");
        assert_eq!(bench.store.inner.write_budget.granted(), 0, "all came back");
    });
}
