//! The store against a model, on a simulated disk.
//!
//! The model remembers, for every shard, what was written to it in order, and from
//! where on that is durable. After a restart the store must answer with one of the values
//! that may have survived; while it runs, with the last one.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use holdfast_api::blob::BlobLayout;
use holdfast_api::drive::{
    DriveError, DriveService, DriveState, Owner, ShardBytes, ShardHead, ShardRange, ShardWrite,
};
use holdfast_base::{
    BodyId, BucketId, ClusterId, DriveId, DriveNo, Hash, ShardId, VersionId, checksum,
};
use holdfast_io::clock::Clock;
use holdfast_io::disk::{Buf, Durability, OpKind};
use holdfast_io::rng::{Rng, SeededRng};
use holdfast_sim::clock::SimClock;
use holdfast_sim::disk::{Fault, Faults, SimDisk, When};

use super::*;

mod media;
mod model;
mod scanning;
mod single;

const IDENTITY: Identity = Identity {
    cluster: ClusterId([1; 16]),
    drive: DriveId([2; 16]),
    no: DriveNo(3),
    mount_point: false,
};

/// One drive with its store, on a disk that may lose power.
struct Bench {
    disk: Arc<SimDisk>,
    clock: Arc<dyn Clock>,
    rng: Arc<SeededRng>,
    options: Options,
    store: Option<ShardStore>,
}

impl Bench {
    async fn new(seed: u64) -> Self {
        let clock: Arc<dyn Clock> = SimClock::new();
        let disk = SimDisk::new("drive", seed, clock.clone());
        let disk = formatted(disk).await;
        let options = Options { segment_bytes: Some(256 << 10), ..Options::default() };
        let rng = Arc::new(SeededRng::new(seed ^ 0xec));
        let mut bench = Self { disk, clock, rng, options, store: None };
        while let Err(error) = bench.open().await {
            assert!(bench.disk.is_off(), "{error}");
            bench.disk = bench.disk.crash();
        }
        bench
    }

    async fn open(&mut self) -> Result<(), OpenError> {
        let world = World { clock: self.clock.clone(), rng: self.rng.clone() };
        let store = ShardStore::open(self.disk.drive(), IDENTITY, world, self.options).await?;
        self.store = Some(store);
        Ok(())
    }

    fn store(&self) -> &ShardStore {
        self.store.as_ref().expect("open")
    }

    /// The power goes, or only the process, and it starts again.
    async fn restart(&mut self, power: bool) {
        self.store = None;
        self.disk = if power { self.disk.crash() } else { self.disk.kill() };
        self.open().await.unwrap();
    }

    async fn write(&self, no: u32, version: u64, durability: Durability) -> Result<(), DriveError> {
        self.store().write(shard_write(no, version), durability).await
    }

    /// The version that the store answers with; every byte is verified.
    async fn value(&self, no: u32) -> Result<Option<u64>, DriveError> {
        // The length depends on the version, which is not known yet: header first.
        let shard = id(no);
        let head = match self.store().read(ShardRange { shard, from: 0, to: 0 }).await {
            Ok(answer) => answer.head,
            Err(DriveError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let to = head.layout.shard_bytes();
        match self.store().read(ShardRange { shard, from: 0, to }).await {
            Ok(answer) => Ok(Some(verified(no, &answer)?)),
            Err(DriveError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn sleep(&self, duration: Duration) {
        self.clock.sleep(duration).await;
    }
}

/// Formats, however often the power goes meanwhile.
async fn formatted(mut disk: Arc<SimDisk>) -> Arc<SimDisk> {
    while identity::read(&disk.drive()).await.is_err() {
        if let Err(error) = identity::format(&disk.drive(), &IDENTITY).await {
            assert!(disk.is_off(), "{error}");
        }
        if disk.is_off() {
            disk = disk.crash();
        }
    }
    disk
}

fn id(no: u32) -> ShardId {
    BodyId { born: 1000, nonce: 7 }.blob(no).shard(no as usize % 3)
}

/// What version `version` of shard `no` holds; its length is drawn from both.
fn payload(no: u32, version: u64) -> Vec<u8> {
    let rng = SeededRng::new(u64::from(no) << 32 | version);
    let len = match rng.below(8) {
        0 => rng.between(1, 64),
        1..=5 => rng.between(65, 20_000),
        6 => rng.between(20_001, 60_000),
        _ => rng.between(70_000, 100_000),
    };
    let mut bytes = vec![0; len.next_multiple_of(64) as usize];
    rng.fill(&mut bytes);
    bytes[..8].copy_from_slice(&version.to_le_bytes());
    bytes
}

fn shard_write(no: u32, version: u64) -> ShardWrite {
    let payload = payload(no, version);
    let leaves = checksum::leaves(id(no), &payload);
    let head = ShardHead {
        shard: id(no),
        layout: BlobLayout::new("1+2".parse().unwrap(), payload.len()),
        roots: vec![checksum::root(id(no), &leaves), Hash([0; 32]), Hash([0; 32])],
        owner: Owner {
            bucket: BucketId(1),
            key: Bytes::from(format!("key-{no}")),
            version: VersionId([version as u8; 16]),
        },
    };
    let room = room(&head, leaves.len());
    let mut buf = Buf::dirty((room + payload.len()).next_multiple_of(4096));
    buf[room..room + payload.len()].copy_from_slice(&payload);
    ShardWrite { head, leaves, buf, room }
}

/// Verifies an answer that covers the whole payload as a reader would, and returns the
/// version in it.
fn verified(no: u32, answer: &ShardBytes) -> Result<u64, DriveError> {
    let corrupt = |what: &str| DriveError::Corrupt {
        drive: IDENTITY.no,
        shard: id(no),
        what: what.to_owned(),
    };
    assert_eq!(answer.head.shard, id(no), "an answer is about the shard that was asked for");
    if checksum::root(id(no), &answer.leaves) != answer.head.roots[0] {
        return Err(corrupt("root"));
    }
    if checksum::leaves(id(no), &answer.bytes) != answer.leaves {
        return Err(corrupt("leaf"));
    }
    let mut version = [0; 8];
    version.copy_from_slice(&answer.bytes[..8]);
    let version = u64::from_le_bytes(version);
    assert!(answer.bytes == payload(no, version)[..], "wrong bytes passed: shard {no}");
    Ok(version)
}
