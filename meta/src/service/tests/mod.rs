//! The whole service on simulated disks.

mod log;
mod one;
mod replace;
mod three;

use std::sync::Arc;

use bytes::Bytes;
use holdfast_api::meta::{
    Answer, Command, Condition, MetaService, Object, Outcome, PutObject, Query,
};
use holdfast_api::object::Body;
use holdfast_base::{BucketId, ClusterId, VersionId, WallMs};
use holdfast_io::clock::Clock;
use holdfast_io::disk::Drive;
use holdfast_io::rng::SeededRng;
use holdfast_sim::clock::SimClock;
use holdfast_sim::disk::SimDisk;

use super::{Meta, MetaConfig};

const CLUSTER: ClusterId = ClusterId([1; 16]);

/// Disks and a clock that outlive the service.
struct World {
    clock: Arc<dyn Clock>,
    rng: Arc<SeededRng>,
    disks: Vec<Arc<SimDisk>>,
}

impl World {
    fn new(seed: u64, replicas: usize) -> Self {
        let clock: Arc<dyn Clock> = SimClock::new();
        let disks = (0..replicas)
            .map(|n| SimDisk::new(&format!("meta{n}"), seed * 10 + n as u64, clock.clone()))
            .collect();
        Self { clock, rng: Arc::new(SeededRng::new(seed)), disks }
    }

    fn config(&self) -> MetaConfig {
        let drives = self.disks.iter().map(|disk| disk.drive());
        let replicas: Vec<(u64, Drive)> = (1..).zip(drives).collect();
        let mut config = MetaConfig::new(replicas, CLUSTER, self.clock.clone(), self.rng.clone());
        config.first_segment_bytes = 64 << 10;
        config.segment_bytes = 128 << 10;
        config.cache_bytes = 4 << 20;
        config
    }

    async fn open(&self) -> Arc<Meta> {
        Meta::open(self.config()).await.unwrap()
    }

    /// All disks lose power and come back.
    fn crash(&mut self) {
        for disk in &mut self.disks {
            *disk = disk.crash();
        }
    }
}

fn small(text: &str) -> Object {
    Object {
        version: VersionId([2; 16]),
        modified: WallMs(5),
        size: text.len() as u64,
        etag: format!("etag-of-{}", &text[..text.len().min(40)]),
        attributes: Default::default(),
        checksums: Vec::new(),
        bodies: vec![Body::Inline(Bytes::copy_from_slice(text.as_bytes()))],
        parts: Vec::new(),
    }
}

fn put(bucket: BucketId, key: &str, text: &str) -> Command {
    Command::PutObject(PutObject {
        bucket,
        key: Bytes::copy_from_slice(key.as_bytes()),
        object: small(text),
        blobs: Vec::new(),
        condition: Condition::default(),
    })
}

async fn bucket(meta: &Meta, name: &str) -> BucketId {
    match meta.execute(Command::CreateBucket { name: name.into(), now: WallMs(1) }).await {
        Ok(Outcome::Bucket(bucket)) => bucket.id,
        other => panic!("{other:?}"),
    }
}

async fn get(meta: &Meta, bucket: BucketId, key: &str) -> Option<Object> {
    let key = Bytes::copy_from_slice(key.as_bytes());
    match meta.query(Query::Object { bucket, key, at: 0, blobs: 10 }).await {
        Ok(Answer::Object(found)) => found.map(|(object, _)| object),
        other => panic!("{other:?}"),
    }
}
