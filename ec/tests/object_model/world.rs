//! Drives, store and metadata of one history, and what is true of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use holdfast_api::blob::BlobRecord;
use holdfast_api::drive::{DriveService, DriveState, Owner, ShardRange};
use holdfast_api::object::{Body, ObjectStore, ReadPlan, StoreError};
use holdfast_base::checksum::{leaves, root, seal};
use holdfast_base::{BlobId, BucketId, ClusterId, DriveId, DriveNo, Geometry, ShardId, VersionId};
use holdfast_ec::object::{Config, Store};
use holdfast_ec::shard::identity::format;
use holdfast_ec::shard::{Identity, Options, ShardStore, World as ShardWorld};
use holdfast_io::clock::Clock;
use holdfast_io::rng::{Rng, SeededRng};
use holdfast_sim::clock::SimClock;
use holdfast_sim::disk::{Damage, Faults, Power, SimDisk};
use holdfast_sim::report::Tally;

use super::meta::{Flaky, Meta};

/// One slot.
pub struct Unit {
    pub disk: Arc<SimDisk>,
    pub identity: Identity,
    pub service: Option<Arc<ShardStore>>,
    /// Goes wrong now and then, for now.
    pub faulty: bool,
    /// Lost bytes that it had acknowledged, since it was last verified whole.
    pub damaged: bool,
    /// Its directory is gone: it must be formatted anew.
    pub wiped: bool,
}

pub struct World {
    pub rng: Arc<SeededRng>,
    pub clock: Arc<SimClock>,
    pub power: Power,
    pub meta: Arc<Meta>,
    pub units: Vec<Unit>,
    pub geometry: Geometry,
    pub store: Store,
    /// What every key holds by every acknowledgement.
    pub model: BTreeMap<Bytes, Bytes>,
    pub counts: Tally,
}

pub fn owner(key: &Bytes) -> Owner {
    Owner { bucket: BucketId(1), key: key.clone(), version: VersionId([7; 16]) }
}

/// `len` bytes that no other call gives.
pub fn content(rng: &SeededRng, len: usize) -> Bytes {
    let (mut state, mut bytes) = (rng.next_u64() | 1, Vec::with_capacity(len + 8));
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    Bytes::from(bytes)
}

impl World {
    pub async fn new(seed: u64) -> Self {
        let rng = Arc::new(SeededRng::new(seed));
        let clock = SimClock::new();
        let shapes: [(usize, &str); 10] = [
            (1, "1+0"),
            (2, "1+1"),
            (3, "2+1"),
            (4, "2+2"),
            (4, "2+1"),
            (5, "2+2"),
            (6, "4+2"),
            (6, "4+2"),
            (6, "3+2"),
            (7, "3+2"),
        ];
        let shape = *rng.pick(&shapes);
        Self::of(seed, rng, clock, shape).await
    }

    /// Six calm drives, 4+2.
    pub async fn calm_six() -> Self {
        Self::of(1, Arc::new(SeededRng::new(1)), SimClock::new(), (6, "4+2")).await
    }

    async fn of(
        seed: u64,
        rng: Arc<SeededRng>,
        clock: Arc<SimClock>,
        (drives, geometry): (usize, &str),
    ) -> Self {
        let geometry: Geometry = geometry.parse().unwrap();
        let meta = Meta::new(seed ^ 0x6d65_7461, clock.clone());
        let store = store(geometry, &clock, &meta);
        let mut world = Self {
            rng,
            clock,
            power: Power::new(),
            meta,
            units: Vec::new(),
            geometry,
            store,
            model: BTreeMap::new(),
            counts: Tally::default(),
        };
        for no in 0..drives {
            let seed = seed.wrapping_mul(31).wrapping_add(no as u64);
            let name = format!("drive{}", no + 1);
            let disk = SimDisk::powered(&name, seed, world.clock.clone(), &world.power);
            let identity = world.fresh_identity(DriveNo(no as u16));
            world.units.push(Unit {
                disk,
                identity,
                service: None,
                faulty: false,
                damaged: false,
                wiped: false,
            });
            world.format(no).await;
            world.open(no).await;
        }
        world
    }

    fn fresh_identity(&self, no: DriveNo) -> Identity {
        let drive = DriveId(self.rng.id());
        Identity { cluster: ClusterId([3; 16]), drive, no, mount_point: false }
    }

    /// Makes an empty directory a new drive of its slot.
    async fn format(&mut self, no: usize) {
        let identity = self.fresh_identity(DriveNo(no as u16));
        let unit = &mut self.units[no];
        unit.disk.damage(Damage::Sound);
        format(&unit.disk.drive(), &identity).await.expect("a calm disk is formatted");
        unit.identity = identity;
        unit.wiped = false;
        self.meta.put_drive(identity.no, identity.drive);
    }

    /// Opens a drive and puts it into its slot; false if it is none any more.
    async fn open(&mut self, no: usize) -> bool {
        let unit = &mut self.units[no];
        let world = ShardWorld { clock: self.clock.clone(), rng: self.rng.clone() };
        let watch_every = Duration::from_secs(5); // Simulated hours pass.
        let options = Options { segment_bytes: Some(6 << 20), watch_every, ..Options::default() };
        let opened = ShardStore::open(unit.disk.drive(), unit.identity, world, options).await;
        match opened {
            Ok(service) => {
                let service = Arc::new(service);
                self.store.set_drive(DriveNo(no as u16), service.clone());
                unit.service = Some(service);
                true
            }
            Err(error) => {
                assert!(unit.damaged, "drive {no} was not damaged, but: {error:?}");
                false
            }
        }
    }

    /// Ends what is wrong with a drive; replaces it where nothing else helps.
    pub async fn repair(&mut self, no: usize) {
        let unit = &mut self.units[no];
        unit.disk.set_faults(Faults::none());
        unit.disk.set_capacity(1 << 40);
        unit.faulty = false;
        if !unit.wiped {
            unit.disk.damage(Damage::Sound);
        }
        if self.is_online(no) && !self.units[no].wiped {
            return;
        }
        self.store.remove_drive(DriveNo(no as u16));
        if let Some(service) = self.units[no].service.take() {
            service.close().await;
        }
        if !self.units[no].wiped && self.open(no).await {
            return;
        }
        let unit = &mut self.units[no];
        // Another disk: what the old one still has under way, or open, stays there.
        unit.disk = unit.disk.kill();
        unit.disk.damage(Damage::Emptied);
        unit.damaged = true;
        self.counts.add("drives replaced", 1);
        self.format(no).await;
        assert!(self.open(no).await, "a new drive opens");
    }

    pub fn is_online(&self, no: usize) -> bool {
        let service = self.units[no].service.as_ref();
        service.is_some_and(|service| service.status().state == DriveState::Online)
    }

    /// Power cut, and start: every drive comes back with what a disk may keep.
    pub async fn restart(&mut self) {
        self.power.cut();
        self.power.crash_in(1 << 60); // If it was to go at an operation that did not come.
        self.store = store(self.geometry, &self.clock, &self.meta);
        for unit in &mut self.units {
            unit.disk = unit.disk.crash();
            unit.disk.set_capacity(1 << 40);
            if !unit.wiped {
                unit.disk.damage(Damage::Sound);
            }
            unit.service = None;
        }
        self.calm();
        for no in 0..self.units.len() {
            // A machine that comes up again comes up with the disks that it had.
            if !self.units[no].wiped && !self.open(no).await {
                self.units[no].wiped = true;
            }
        }
        self.counts.add("restarts", 1);
    }

    /// Is this shard stored, whole and right? Judged without the store's own verification.
    pub async fn is_good(&self, blob: BlobId, record: &BlobRecord, shard: usize) -> bool {
        let no = usize::from(record.drives[shard].0);
        let (Some(service), true) = (&self.units[no].service, self.is_online(no)) else {
            return false;
        };
        let id = blob.shard(shard);
        let len = record.layout.shard_bytes();
        let found = match service.read(ShardRange { shard: id, from: 0, to: len }).await {
            Ok(found) => found,
            Err(error) => {
                println!("  drive {no} does not give {id}: {error:?}");
                return false;
            }
        };
        found.head.roots.len() == record.drives.len()
            && found.bytes.len() == len
            && seal(blob, &found.head.roots) == record.seal
            && root(id, &leaves(id, &found.bytes)) == found.head.roots[shard]
    }

    /// Number of good shards of a blob on drives for which `count` holds.
    pub async fn good_shards(
        &self,
        blob: BlobId,
        record: &BlobRecord,
        count: impl Fn(&Unit) -> bool,
    ) -> usize {
        let mut good = 0;
        for shard in 0..record.drives.len() {
            if count(&self.units[usize::from(record.drives[shard].0)]) {
                good += usize::from(self.is_good(blob, record, shard).await);
            }
        }
        good
    }

    /// The blobs of an object.
    pub fn blobs(&self, key: &Bytes) -> Vec<(BlobId, BlobRecord)> {
        let state = self.meta.state();
        match state.objects.get(key) {
            Some(Body::Stored { id, .. }) => {
                state.blobs_of(*id).map(|(blob, record)| (blob, record.clone())).collect()
            }
            Some(Body::Inline(_)) | None => Vec::new(),
        }
    }

    /// P1: every shard that was acknowledged is there, unless its drive was damaged.
    pub async fn audit(&mut self, when: &str) {
        self.calm();
        let keys: Vec<Bytes> = self.model.keys().cloned().collect();
        for key in keys {
            for (blob, record) in self.blobs(&key) {
                for shard in 0..record.drives.len() {
                    let no = usize::from(record.drives[shard].0);
                    let excused = record.missing.contains(&(shard as u8)) || self.units[no].damaged;
                    if !excused && self.is_online(no) {
                        let good = self.is_good(blob, &record, shard).await;
                        let status = self.units[no].service.as_ref().unwrap().status();
                        assert!(
                            good,
                            "P1 {when}: {key:?}, {blob}#{shard} on drive {no} is not there: {record:?}, {status:?}"
                        );
                        self.counts.add("acknowledged shards audited", 1);
                    }
                }
            }
        }
    }

    /// Ends faults that pass; a full disk stays full.
    pub fn calm(&mut self) {
        for unit in &mut self.units {
            unit.disk.set_faults(Faults::none());
            if !unit.wiped {
                unit.disk.damage(Damage::Sound);
            }
            unit.faulty = false;
        }
    }

    /// P2: an error is right only when too few shards are left on drives without faults.
    /// Also when `error` is about overload: then the read is tried again when all is calm.
    pub async fn must_be_lost(&mut self, key: &Bytes, error: &StoreError) {
        let mut lost = false;
        for (blob, record) in self.blobs(key) {
            let steady = self.good_shards(blob, &record, |unit| !unit.faulty).await;
            lost |= steady < record.layout.geometry.k();
        }
        assert!(lost, "P2: {key:?} is readable, but: {error}");
        self.counts.add("explicit errors", 1);
    }

    pub fn plan(&self, key: &Bytes, (from, to): (u64, u64)) -> Option<ReadPlan> {
        let body = self.meta.state().objects.get(key).cloned()?;
        let blobs = self.blobs(key);
        let brought = self.rng.below(blobs.len() as u64 + 1) as usize;
        let at =
            |(_, record): &&(BlobId, BlobRecord)| record.at + u64::from(record.layout.len) > from;
        let blobs = blobs.iter().filter(at).take(brought).cloned().collect();
        Some(ReadPlan { owner: owner(key), bodies: vec![body], from, to, blobs })
    }

    /// Reads `plan` to its end.
    pub async fn read(&self, plan: ReadPlan) -> Result<Vec<u8>, StoreError> {
        let mut reader = self.store.reader(plan);
        let mut bytes = Vec::new();
        while let Some(more) = reader.next().await? {
            bytes.extend_from_slice(&more);
        }
        Ok(bytes)
    }

    pub async fn wait(&self, ms: u64) {
        self.clock.sleep(Duration::from_millis(ms)).await;
    }

    /// Every shard that a drive lists.
    pub async fn stored(&self, no: usize) -> Vec<ShardId> {
        let service = self.units[no].service.as_ref().expect("all drives are open");
        let mut all: Vec<ShardId> = Vec::new();
        loop {
            let page = service.list(all.last().copied(), 100).await.expect("a calm drive lists");
            if page.is_empty() {
                return all;
            }
            all.extend(page.iter().map(|stored| stored.shard));
        }
    }

    pub fn collect_counts(&mut self) {
        for unit in &self.units {
            self.counts.ledger.merge(&unit.disk.ledger());
        }
        let status = self.store.status();
        self.counts.add("degraded reads", status.degraded_reads);
        self.counts.add("hedged reads", status.hedged_reads);
        self.counts.add("shards healed", status.shards_healed);
        self.counts.add("under-redundant puts", status.under_redundant_puts);
    }
}

fn store(geometry: Geometry, clock: &Arc<SimClock>, meta: &Arc<Meta>) -> Store {
    Store::new(Config::new(geometry), clock.clone(), Arc::new(Flaky(meta.clone())))
}
