//! The store over shard stores on simulated drives, where single failures are placed by hand.
//! Whole histories are in `tests/object_model`.

#[allow(dead_code, reason = "the model of `tests/object_model` uses more of it")]
#[path = "../../tests/object_model/meta.rs"]
mod meta;

mod damage;
mod health;
mod streams;
mod upkeep;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use holdfast_api::BoxFuture;
use holdfast_api::blob::BlobRecord;
use holdfast_api::drive::{
    DriveError, DriveService, DriveState, DriveStatus, Owner, ShardBytes, ShardRange, ShardWrite,
    StoredShard,
};
use holdfast_api::meta::{Answer, Command, MetaError, MetaService, Outcome, Query};
use holdfast_api::object::{Body, BodyWriter, ObjectStore, ReadPlan, StoreError, StoredBody};
use holdfast_base::limits::LEAF_BYTES;
use holdfast_base::{
    BlobId, BodyId, BucketId, ClusterId, DriveId, DriveNo, ShardId, Tick, VersionId,
};
use holdfast_io::clock::Clock;
use holdfast_io::disk::Durability;
use holdfast_io::rng::SeededRng;
use holdfast_sim::clock::SimClock;
use holdfast_sim::disk::SimDisk;

use self::meta::{Flaky, Meta};
use super::{Config, Store, WRITE_BYTES_MAX};
use crate::shard::identity::format;
use crate::shard::{Identity, Options, ShardStore, World};

/// Called before each query until it says that it is done.
type Hook = Box<dyn FnMut(&Query) -> bool + Send>;

/// The model's metadata, with something in front.
struct Watched {
    meta: Flaky,
    hook: Mutex<Option<Hook>>,
    /// Commands fail, and change nothing.
    refuses: AtomicBool,
    /// It says that it has no room.
    full: AtomicBool,
    plan: Arc<Plan>,
}

impl MetaService for Watched {
    fn execute(&self, command: Command) -> BoxFuture<'_, Result<Outcome, MetaError>> {
        if self.refuses.load(Ordering::Relaxed) {
            return Box::pin(async { Err(MetaError::Unavailable(1)) });
        }
        if let Command::ExtendBody { body, blobs } = &command {
            let unsynced = self.plan.unsynced.lock().unwrap();
            let mut of_these = blobs.iter().map(|(index, _)| body.blob(*index));
            assert!(
                of_these.all(|blob| unsynced.iter().all(|(_, shard)| shard.blob != blob)),
                "U2: recorded before it was synced"
            );
            self.plan.extended.fetch_add(1, Ordering::Relaxed);
        }
        self.meta.execute(command)
    }

    fn query(&self, query: Query) -> BoxFuture<'_, Result<Answer, MetaError>> {
        let mut hook = self.hook.lock().unwrap();
        if hook.as_mut().is_some_and(|hook| hook(&query)) {
            *hook = None;
        }
        drop(hook);
        self.meta.query(query)
    }

    fn tick(&self) -> Tick {
        self.meta.tick()
    }

    fn new_body(&self) -> BodyId {
        self.meta.new_body()
    }

    fn has_room(&self) -> bool {
        !self.full.load(Ordering::Relaxed)
    }
}

/// What the next calls of any drive come to.
#[derive(Default)]
struct Plan {
    fail: AtomicUsize,
    hang: AtomicUsize,
    fail_sync: AtomicUsize,
    fail_delete: AtomicUsize,
    /// Drives that say that they are offline, and refuse.
    offline: Mutex<BTreeSet<DriveNo>>,
    /// Shards that were written, and not made durable yet.
    unsynced: Mutex<BTreeSet<(DriveNo, ShardId)>>,
    /// Drives that were read from.
    read: Mutex<BTreeSet<DriveNo>>,
    /// Called at the next read.
    on_read: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// `ExtendBody` was seen so often.
    extended: AtomicUsize,
    /// Leaves that read as other bytes, until their shard is written anew.
    rot: Mutex<BTreeSet<(DriveNo, ShardId, usize)>>,
}

impl Plan {
    fn spoil(&self, drive: DriveNo, shard: ShardId, found: &mut ShardBytes) {
        let mut bytes = found.bytes.to_vec();
        for (number, leaf) in bytes.chunks_mut(LEAF_BYTES).enumerate() {
            if self.rot.lock().unwrap().contains(&(drive, shard, found.first_leaf + number)) {
                leaf[leaf.len() / 2] ^= 8;
            }
        }
        found.bytes = Bytes::from(bytes);
    }
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
        let mut status = self.drive.status();
        if self.plan.offline.lock().unwrap().contains(&self.no()) {
            status.state = DriveState::Offline("pulled".into());
        }
        status
    }

    fn write(
        &self,
        shard: ShardWrite,
        durability: Durability,
    ) -> BoxFuture<'static, Result<(), DriveError>> {
        let drive = self.no();
        let is_offline = self.plan.offline.lock().unwrap().contains(&drive);
        if is_offline || one_of(&self.plan.fail) {
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
        let id = shard.head.shard;
        self.plan.rot.lock().unwrap().retain(|(no, rotten, _)| (*no, *rotten) != (drive, id));
        let (plan, write) = (self.plan.clone(), self.drive.write(shard, durability));
        Box::pin(async move {
            write.await?;
            match durability {
                Durability::Later => plan.unsynced.lock().unwrap().insert((drive, id)),
                Durability::Durable => plan.unsynced.lock().unwrap().remove(&(drive, id)),
            };
            Ok(())
        })
    }

    fn sync(&self) -> BoxFuture<'static, Result<(), DriveError>> {
        let drive = self.no();
        if one_of(&self.plan.fail_sync) {
            return Box::pin(
                async move { Err(DriveError::Offline { drive, why: "pulled".into() }) },
            );
        }
        let (plan, sync) = (self.plan.clone(), self.drive.sync());
        Box::pin(async move {
            sync.await?;
            plan.unsynced.lock().unwrap().retain(|(no, _)| *no != drive);
            Ok(())
        })
    }

    fn read(&self, range: ShardRange) -> BoxFuture<'static, Result<ShardBytes, DriveError>> {
        let (drive, plan, read) = (self.no(), self.plan.clone(), self.drive.read(range));
        plan.read.lock().unwrap().insert(drive);
        if let Some(first) = plan.on_read.lock().unwrap().take() {
            first();
        }
        Box::pin(async move {
            let mut found = read.await?;
            plan.spoil(drive, range.shard, &mut found);
            Ok(found)
        })
    }

    fn delete(&self, shards: Vec<ShardId>) -> BoxFuture<'static, Result<(), DriveError>> {
        let drive = self.no();
        if one_of(&self.plan.fail_delete) {
            return Box::pin(async move { Err(DriveError::Busy { drive }) });
        }
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
    meta: Arc<Meta>,
    watched: Arc<Watched>,
}

impl Bench {
    /// 4+2 over this many drives.
    async fn new(drives: u16) -> Self {
        Self::of(drives, Config::new("4+2".parse().unwrap())).await
    }

    async fn of(drives: u16, config: Config) -> Self {
        let clock = SimClock::new();
        let meta = Meta::new(7, clock.clone());
        let plan = Arc::new(Plan::default());
        let watched = Arc::new(Watched {
            meta: Flaky(meta.clone()),
            hook: Mutex::default(),
            refuses: AtomicBool::default(),
            full: AtomicBool::default(),
            plan: plan.clone(),
        });
        let store = Store::new(config, clock.clone(), watched.clone());
        let bench = Self { store, plan, clock, meta, watched };
        for no in 0..drives {
            bench.give_drive(no, 1).await;
        }
        bench
    }

    /// Puts an empty drive into a slot: the `nth` one there.
    async fn give_drive(&self, no: u16, nth: u8) {
        let disk = SimDisk::new(&format!("drive{no}-{nth}"), u64::from(no), self.clock.clone());
        let (cluster, drive) = (ClusterId([1; 16]), DriveId([no as u8 * 16 + nth; 16]));
        let identity = Identity { cluster, drive, no: DriveNo(no), mount_point: false };
        format(&disk.drive(), &identity).await.unwrap();
        self.meta.put_drive(DriveNo(no), drive);
        let world = World { clock: self.clock.clone(), rng: Arc::new(SeededRng::new(7)) };
        let options = Options { segment_bytes: Some(32 << 20), ..Options::default() };
        let drive = ShardStore::open(disk.drive(), identity, world, options).await.unwrap();
        let planned = Planned { drive, plan: self.plan.clone() };
        self.store.set_drive(DriveNo(no), Arc::new(planned));
    }

    fn drive(&self, no: DriveNo) -> Arc<dyn DriveService> {
        self.store.inner.drives.slots()[&no].service.clone()
    }

    /// Has this drive the shard? No word about its bytes.
    async fn has(&self, no: DriveNo, shard: ShardId) -> bool {
        self.drive(no).read(ShardRange { shard, from: 0, to: 1 }).await.is_ok()
    }

    /// Every shard that a drive lists.
    async fn stored(&self, no: u16) -> Vec<ShardId> {
        let listed = self.drive(DriveNo(no)).list(None, 100_000).await.unwrap();
        listed.into_iter().map(|stored| stored.shard).collect()
    }

    /// Puts and commits a body of one blob.
    async fn commit(&self, key: &str, len: usize) -> (Bytes, BlobId, BlobRecord) {
        let bytes = content(len, len);
        let stored = self.put(&bytes).await.unwrap();
        let Body::Stored { id, .. } = stored.body else { panic!("inline") };
        let record = stored.blobs[0].1.clone();
        let key = Bytes::copy_from_slice(key.as_bytes());
        self.meta.commit(&key, stored.body, stored.blobs).unwrap();
        (bytes, id.blob(0), record)
    }

    /// What the metadata says of a blob now.
    fn record(&self, blob: BlobId) -> BlobRecord {
        self.meta.state().blobs[&blob].clone()
    }

    /// One leaf of a shard rots where its record says that it is.
    fn rot(&self, blob: BlobId, shard: usize, leaf: usize) {
        let no = self.record(blob).drives[shard];
        self.plan.rot.lock().unwrap().insert((no, blob.shard(shard), leaf));
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

    fn reading(&self, stored: &StoredBody, len: usize) -> ReadPlan {
        let Body::Stored { id, .. } = stored.body else { panic!("inline") };
        ReadPlan {
            owner: Owner { bucket: BucketId(1), key: Bytes::new(), version: VersionId([1; 16]) },
            bodies: vec![stored.body.clone()],
            from: 0,
            to: len as u64,
            blobs: stored.blobs.iter().map(|(i, record)| (id.blob(*i), record.clone())).collect(),
        }
    }

    async fn get(&self, stored: &StoredBody, len: usize) -> Vec<u8> {
        let plan = self.reading(stored, len);
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

/// U5.
#[test]
fn while_the_metadata_has_no_room_no_shard_is_written() {
    holdfast_sim::run(async {
        let bench = Bench::new(6).await;
        let bytes = content(1, 300_000);
        bench.watched.full.store(true, Ordering::Relaxed);
        for _ in 0..5 {
            let refused = bench.put(&bytes).await;
            assert!(matches!(refused, Err(StoreError::Full)), "{:?}", refused.err());
        }
        for no in 0..6 {
            assert_eq!(bench.stored(no).await, [], "drive {no}");
        }
        bench.watched.full.store(false, Ordering::Relaxed);
        let stored = bench.put(&bytes).await.unwrap();
        assert!(bench.get(&stored, bytes.len()).await == bytes, "all is well once there is room");
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
