//! One machine: drives, metadata and store as the server wires them, on one power supply.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use holdfast_api::blob::BlobRecord;
use holdfast_api::drive::{DriveService, DriveState, ShardRange};
use holdfast_api::meta::{Answer, Command, MetaService, Outcome, Query, Refusal};
use holdfast_base::checksum::{leaves, root, seal};
use holdfast_base::{
    BlobId, BucketId, ClusterId, DriveId, DriveNo, Geometry, NodeId, ShardId, WallMs,
};
use holdfast_ec::object::{Config, Store};
use holdfast_ec::shard::identity::{self, IdentityError};
use holdfast_ec::shard::{Identity, Options, ShardStore, World};
use holdfast_io::clock::{Clock, deadline};
use holdfast_io::rng::{Rng, SeededRng};
use holdfast_meta::{Meta, MetaConfig};
use holdfast_sim::clock::SimClock;
use holdfast_sim::disk::{Damage, Faults, Ledger, Power, SimDisk};

const CLUSTER: ClusterId = ClusterId([3; 16]);

/// One slot.
pub struct Slot {
    pub disk: Arc<SimDisk>,
    pub service: Option<Arc<ShardStore>>,
    /// Its directory is gone for good.
    pub wiped: bool,
    /// It was out while the others served (as the server's `missing`).
    missing: bool,
}

/// What runs. Cheap to clone.
#[derive(Clone)]
pub struct Running {
    pub meta: Arc<Meta>,
    pub store: Store,
    pub bucket: BucketId,
}

pub struct Machine {
    pub rng: Arc<SeededRng>,
    pub clock: Arc<SimClock>,
    pub power: Power,
    pub slots: Vec<Slot>,
    pub replicas: Vec<Arc<SimDisk>>,
    pub geometry: Geometry,
    pub running: Option<Running>,
    /// Slots that may lose what they acknowledged; never more than the parity.
    pub victims: Vec<usize>,
    pub restarts: u64,
    pub replaced: u64,
}

impl Machine {
    pub async fn new(seed: u64) -> Self {
        let rng = Arc::new(SeededRng::new(seed));
        let clock = SimClock::new();
        let shapes = [(6, "4+2"), (6, "4+2"), (5, "3+2"), (4, "2+2"), (3, "2+1"), (7, "4+2")];
        let (drives, geometry) = *rng.pick(&shapes);
        let power = Power::new();
        let disk = |name: String, no: u64| {
            SimDisk::powered(&name, seed.wrapping_mul(31).wrapping_add(no), clock.clone(), &power)
        };
        let slot = |no: u64| Slot {
            disk: disk(format!("drive{}", no + 1), no),
            service: None,
            wiped: false,
            missing: false,
        };
        let slots = (0..drives).map(slot).collect();
        let voters = if rng.one_in(4) { 3 } else { 1 };
        let replicas = (0..voters).map(|no| disk(format!("meta{no}"), 100 + no)).collect();
        Self {
            rng,
            clock: clock.clone(),
            power: power.clone(),
            slots,
            replicas,
            geometry: geometry.parse().unwrap(),
            running: None,
            victims: Vec::new(),
            restarts: 0,
            replaced: 0,
        }
    }

    pub fn running(&self) -> Running {
        self.running.clone().expect("the machine runs")
    }

    /// Starts, however often the power goes meanwhile.
    pub async fn start(&mut self) {
        for attempt in 0.. {
            let cuts = self.power.cuts();
            let started = self.try_start().await;
            let cut = self.power.cuts() > cuts;
            match started {
                Ok(()) if !cut => return,
                Ok(()) => {}
                Err(why) => {
                    assert!(cut || attempt < 5, "the machine does not start: {why}");
                    println!("  start: {why}");
                }
            }
            self.stop(true).await;
        }
    }

    async fn try_start(&mut self) -> Result<(), String> {
        let drives = self.replicas.iter().map(|disk| disk.drive());
        let replicas = (1..).zip(drives).collect();
        let mut config = MetaConfig::new(replicas, CLUSTER, self.clock.clone(), self.rng.clone());
        config.first_segment_bytes = 64 << 10;
        config.segment_bytes = 128 << 10;
        config.cache_bytes = 1 << 20;
        config.checkpoint_bytes = 64 << 10;
        let meta = Meta::open(config).await.map_err(|error| error.to_string())?;
        let config = Config::new(self.geometry);
        let store = Store::new(config, self.clock.clone(), meta.clone());
        let running = Running { meta, store, bucket: BucketId(0) };
        self.running = Some(running.clone()); // So that `stop` ends it.
        let bucket = bucket(&running.meta).await?;
        self.running = Some(Running { bucket, ..running });
        for no in 0..self.slots.len() {
            if let Err(why) = self.open(no).await {
                let may = self.victims.contains(&no) || self.power_is_off();
                assert!(may, "drive {no} does not open: {why}");
                if self.power_is_off() {
                    return Err(why);
                }
                self.slots[no].missing = true;
                println!("  drive {no} stays out: {why}");
            }
        }
        self.running().store.run();
        Ok(())
    }

    fn power_is_off(&self) -> bool {
        self.replicas.iter().all(|disk| disk.is_off())
    }

    /// Registers, formats where there is nothing, opens, puts into the slot: as the
    /// server does, in its order.
    async fn open(&mut self, no: usize) -> Result<(), String> {
        let Running { meta, store, .. } = self.running();
        let slot_no = DriveNo(no as u16);
        let slot = &self.slots[no];
        let drive = slot.disk.drive();
        let say = |error: &dyn std::fmt::Display| error.to_string();
        let known = match identity::read(&drive).await {
            Ok(identity) => Some(identity),
            Err(IdentityError::Missing { .. }) => None,
            Err(error) => return Err(say(&error)),
        };
        let id = known.map_or_else(|| DriveId(self.rng.id()), |identity| identity.drive);
        let command = Command::PutDrive {
            no: Some(slot_no),
            id,
            node: NodeId([1; 16]),
            path: slot.disk.drive().name().into(),
        };
        match meta.execute(command).await {
            Ok(Outcome::Drive { no, .. }) if no == slot_no => {}
            other => return Err(format!("slot {no}: {other:?}")),
        }
        let fresh = Identity { cluster: CLUSTER, drive: id, no: slot_no, mount_point: false };
        if known.is_none() {
            identity::format(&drive, &fresh).await.map_err(|error| say(&error))?;
        }
        let world = World { clock: self.clock.clone(), rng: self.rng.clone() };
        let options = Options {
            segment_bytes: Some(5 << 20),
            watch_every: Duration::from_secs(7),
            ..Options::default()
        };
        let opened = ShardStore::open(drive, fresh, world, options).await;
        let service = Arc::new(opened.map_err(|error| format!("{error:?}"))?);
        if self.slots[no].missing {
            let healing = Command::SetHealing { no: slot_no, id, healing: true };
            match meta.execute(healing).await {
                Ok(Outcome::Done) => self.slots[no].missing = false,
                other => return Err(format!("healing: {other:?}")),
            }
        }
        store.set_drive(slot_no, service.clone());
        self.slots[no].service = Some(service);
        Ok(())
    }

    /// Ends what runs: by a power cut, or only the process.
    pub async fn stop(&mut self, by_power: bool) {
        if by_power {
            self.power.cut();
        }
        self.power.crash_in(1 << 60); // If it was to go at an operation that did not come.
        let disks = self.slots.iter_mut().map(|slot| &mut slot.disk);
        for disk in disks.chain(&mut self.replicas) {
            *disk = if by_power { disk.crash() } else { disk.kill() };
        }
        self.let_go().await;
        self.restarts += 1;
    }

    /// Ends what runs as an operator would.
    pub async fn shut_down(&mut self) {
        if let Some(running) = &self.running {
            running.store.shutdown().await;
        }
        for slot in &mut self.slots {
            if let Some(service) = slot.service.take() {
                service.close().await;
            }
        }
        self.let_go().await;
    }

    async fn let_go(&mut self) {
        for slot in &mut self.slots {
            let online = |service: &Arc<ShardStore>| service.status().state == DriveState::Online;
            // A drive that failed is out, and the server remembers that.
            slot.missing |= slot.service.as_ref().is_some_and(|s| !online(s)) && slot.wiped;
            slot.service = None;
        }
        if let Some(running) = self.running.take() {
            running.store.shutdown().await;
            let clock: Arc<dyn Clock> = self.clock.clone();
            let ended = deadline(&clock, Duration::from_secs(60), running.meta.shutdown()).await;
            assert!(ended.is_ok(), "a metadata service without disks ends");
        }
    }

    /// Faults that pass end.
    pub fn calm(&mut self) {
        let mut quiet = Faults::none();
        quiet.torn_one_in = 24;
        for slot in &mut self.slots {
            slot.disk.set_faults(quiet.clone());
            slot.disk.set_capacity(1 << 40);
            if !slot.wiped {
                slot.disk.damage(Damage::Sound);
            }
        }
        for disk in &self.replicas {
            disk.set_faults(quiet.clone());
        }
    }

    pub fn is_online(&self, no: usize) -> bool {
        let service = self.slots[no].service.as_ref();
        service.is_some_and(|service| service.status().state == DriveState::Online)
    }

    /// Brings back every slot that is out: the drive, or another one where nothing else
    /// helps.
    pub async fn repair(&mut self) {
        for no in 0..self.slots.len() {
            if self.is_online(no) && !self.slots[no].wiped {
                continue;
            }
            self.running().store.remove_drive(DriveNo(no as u16));
            self.slots[no].missing = true;
            if let Some(service) = self.slots[no].service.take() {
                service.close().await;
            }
            if !self.slots[no].wiped && self.open(no).await.is_ok() {
                continue;
            }
            assert!(self.victims.contains(&no), "only victims are beyond repair, not {no}");
            // Another disk: what the old one still has under way, or open, stays there.
            let slot = &mut self.slots[no];
            slot.disk = slot.disk.kill();
            slot.disk.damage(Damage::Emptied);
            slot.disk.damage(Damage::Sound);
            slot.wiped = false;
            self.replaced += 1;
            self.open(no).await.expect("an empty drive is formatted and opens");
        }
    }

    /// Is this shard stored, whole and right? Judged without the store's own verification.
    pub async fn is_good(&self, blob: BlobId, record: &BlobRecord, shard: usize) -> bool {
        let no = usize::from(record.drives[shard].0);
        let (Some(service), true) = (&self.slots[no].service, self.is_online(no)) else {
            return false;
        };
        let (id, to) = (blob.shard(shard), record.layout.shard_bytes());
        let Ok(found) = service.read(ShardRange { shard: id, from: 0, to }).await else {
            return false;
        };
        found.head.roots.len() == record.drives.len()
            && found.bytes.len() == to
            && seal(blob, &found.head.roots) == record.seal
            && root(id, &leaves(id, &found.bytes)) == found.head.roots[shard]
    }

    /// Every shard that a drive lists.
    pub async fn stored(&self, no: usize) -> Vec<ShardId> {
        let service = self.slots[no].service.as_ref().expect("all drives are open");
        let mut all: Vec<ShardId> = Vec::new();
        loop {
            let page = service.list(all.last().copied(), 100).await.expect("a calm drive lists");
            if page.is_empty() {
                return all;
            }
            all.extend(page.iter().map(|stored| stored.shard));
        }
    }

    pub async fn wait(&self, ms: u64) {
        self.clock.sleep(Duration::from_millis(ms)).await;
    }

    pub fn ledger(&self) -> Ledger {
        let mut sum = Ledger::default();
        for disk in self.slots.iter().map(|slot| &slot.disk).chain(&self.replicas) {
            sum.merge(&disk.ledger());
        }
        sum
    }
}

async fn bucket(meta: &Meta) -> Result<BucketId, String> {
    let create = Command::CreateBucket { name: "bucket".into(), now: WallMs(1) };
    match meta.execute(create).await {
        Ok(Outcome::Bucket(bucket)) => return Ok(bucket.id),
        Ok(Outcome::Refused(Refusal::BucketExists)) => {}
        other => return Err(format!("bucket: {other:?}")),
    }
    match meta.query(Query::Bucket { name: "bucket".into() }).await {
        Ok(Answer::Bucket(Some(bucket))) => Ok(bucket.id),
        other => Err(format!("bucket: {other:?}")),
    }
}

/// The bytes of PUT `id`: `len` that no other has.
pub fn content(seed: u64, id: u64, len: usize) -> Bytes {
    let mut state = SeededRng::new(seed.rotate_left(32) ^ id).next_u64() | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    Bytes::from(bytes)
}
