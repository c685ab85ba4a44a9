//! What a PUT and a GET cost below the S3 front: a store over six directories of
//! one device, metadata in memory, CPU time of the whole process per operation.
//!
//! `cargo bench -p holdfast-ec --bench cost -- DIR BYTES OPERATIONS CLIENTS`
//!
//! Not here: S3, the metadata log (`benches`).

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a bench")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use holdfast_api::BoxFuture;
use holdfast_api::blob::BlobRecord;
use holdfast_api::drive::Owner;
use holdfast_api::meta::{Answer, Command, MetaError, MetaService, Outcome, Query};
use holdfast_api::object::{Body, ObjectStore, ReadPlan};
use holdfast_base::{BlobId, BodyId, BucketId, ClusterId, DriveId, DriveNo, Tick, VersionId};
use holdfast_ec::object::{Config, Store};
use holdfast_ec::shard::identity::format;
use holdfast_ec::shard::{Identity, Options, ShardStore, World};
use holdfast_io::clock::{Clock, SystemClock};
use holdfast_io::disk::Backend;
use holdfast_io::host::process_figures;
use holdfast_io::rng::SystemRng;

const DRIVES: u16 = 6;

/// Bodies are born, and nothing is remembered.
struct Meta(AtomicU64);

impl MetaService for Meta {
    fn execute(&self, _: Command) -> BoxFuture<'_, Result<Outcome, MetaError>> {
        Box::pin(async { Ok(Outcome::Done) })
    }

    fn query(&self, _: Query) -> BoxFuture<'_, Result<Answer, MetaError>> {
        Box::pin(async { Err(MetaError::Stopped("there is no metadata".into())) })
    }

    fn tick(&self) -> Tick {
        Tick(1)
    }

    fn new_body(&self) -> BodyId {
        BodyId { born: 1, nonce: self.0.fetch_add(1, Ordering::Relaxed) }
    }
}

type Stored = (Body, Vec<(BlobId, BlobRecord)>);

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let dir = PathBuf::from(arguments.next().expect("DIR BYTES OPERATIONS CLIENTS"));
    let mut number = || arguments.next().and_then(|text| text.parse::<usize>().ok());
    let (bytes, count, clients) =
        (number().unwrap_or(16 << 10), number().unwrap_or(2000), number().unwrap_or(16));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = open(&dir).await;
        let piece = Bytes::from((0..bytes.min(1 << 20)).map(|i| (i * 7) as u8).collect::<Vec<_>>());
        let _warm = put(&store, &piece, (bytes, clients.max(count / 10)), clients).await;
        let stored = measure("PUT", count, put(&store, &piece, (bytes, count), clients)).await;
        let stored = Arc::new(stored);
        measure("GET", count, get(&store, &stored, (bytes, count), clients)).await;
    });
}

async fn open(dir: &std::path::Path) -> Store {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let meta = Arc::new(Meta(AtomicU64::new(1)));
    let store = Store::new(Config::new("4+2".parse().unwrap()), clock.clone(), meta);
    for no in 0..DRIVES {
        let path = dir.join(format!("drive{}", no + 1));
        std::fs::create_dir_all(&path).unwrap();
        let drive = holdfast_io::disk::open(&path, Backend::Auto).unwrap().drive;
        let (cluster, id) = (ClusterId([1; 16]), DriveId([no as u8 + 1; 16]));
        let identity = Identity { cluster, drive: id, no: DriveNo(no), mount_point: false };
        format(&drive, &identity).await.unwrap();
        let world = World { clock: clock.clone(), rng: Arc::new(SystemRng) };
        let options = Options { drives_on_device: u32::from(DRIVES), ..Options::default() };
        let service = ShardStore::open(drive, identity, world, options).await.unwrap();
        store.set_drive(DriveNo(no), Arc::new(service));
    }
    clock.sleep(std::time::Duration::from_secs(3)).await; // Spares are being made.
    store
}

async fn measure<T>(what: &str, count: usize, work: impl Future<Output = T>) -> T {
    let clock = SystemClock;
    let (cpu, began) = (process_figures().cpu, clock.monotonic());
    let done = work.await;
    let (cpu, wall) = (process_figures().cpu - cpu, clock.monotonic() - began);
    println!(
        "{what}: {:.1} us CPU, {:.1} us wall per operation, {} MiB resident at most",
        cpu.as_secs_f64() * 1e6 / count as f64,
        wall.as_secs_f64() * 1e6 / count as f64,
        process_figures().resident_bytes_max >> 20,
    );
    done
}

async fn put(
    store: &Store,
    piece: &Bytes,
    (bytes, count): (usize, usize),
    clients: usize,
) -> Vec<Stored> {
    let tasks = (0..clients).map(|client| {
        let (store, piece) = (store.clone(), piece.clone());
        tokio::spawn(async move {
            let mut stored = Vec::new();
            for _ in (client..count).step_by(clients) {
                let owner = Owner {
                    bucket: BucketId(1),
                    key: Bytes::from_static(b"some/key"),
                    version: VersionId([1; 16]),
                };
                let mut writer = store.writer(owner, Some(bytes as u64));
                let mut left = bytes;
                while left > 0 {
                    let part = piece.slice(..left.min(piece.len()).min(64 << 10));
                    left -= part.len();
                    writer.write(part).await.unwrap();
                }
                let done = writer.finish().await.unwrap();
                let Body::Stored { id, .. } = done.body else { panic!("inline") };
                let blobs = done.blobs.into_iter().map(|(i, record)| (id.blob(i), record));
                stored.push((done.body.clone(), blobs.collect()));
            }
            stored
        })
    });
    let mut all = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        all.extend(task.await.unwrap());
    }
    all
}

async fn get(
    store: &Store,
    stored: &Arc<Vec<Stored>>,
    (bytes, count): (usize, usize),
    clients: usize,
) {
    let tasks = (0..clients).map(|client| {
        let (store, stored) = (store.clone(), stored.clone());
        tokio::spawn(async move {
            for number in (client..count).step_by(clients) {
                let (body, blobs) = stored[number].clone();
                let owner =
                    Owner { bucket: BucketId(1), key: Bytes::new(), version: VersionId([1; 16]) };
                let _lease = store.lease();
                let plan = ReadPlan { owner, bodies: vec![body], from: 0, to: bytes as u64, blobs };
                let mut reader = store.reader(plan);
                let mut at = 0;
                while let Some(bytes) = reader.next().await.unwrap() {
                    at += bytes.len();
                }
                assert_eq!(at, bytes);
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}
