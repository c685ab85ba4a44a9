//! What a command and a listed key cost: `cargo run --release -p holdfast-meta
//! --example commands -- DIRECTORY [KEYS]`. Prints wall and CPU time.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a measurement")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use holdfast_api::blob::{BlobLayout, BlobRecord};
use holdfast_api::meta::{
    Answer, Command, Condition, ListObjects, MetaService, Object, Outcome, PutObject, Query,
};
use holdfast_api::object::Body;
use holdfast_base::{BucketId, ClusterId, DriveNo, Hash, VersionId, WallMs};
use holdfast_io::clock::{Clock, SystemClock};
use holdfast_io::disk::Backend;
use holdfast_io::rng::{Rng, SystemRng};
use holdfast_meta::{Meta, MetaConfig};

fn put(meta: &Meta, bucket: BucketId, n: u64) -> Command {
    let body = meta.new_body();
    let record = BlobRecord {
        at: 0,
        layout: BlobLayout::new("4+2".parse().unwrap(), 16384),
        seal: Hash([n as u8; 32]),
        drives: (0..6).map(DriveNo).collect(),
        missing: Vec::new(),
    };
    let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Command::PutObject(PutObject {
        bucket,
        key: Bytes::from(format!("photos/{:02}/{mixed:016x}.jpg", n % 50)),
        object: Object {
            version: VersionId(SystemRng.id()),
            modified: WallMs(n),
            size: 16384,
            etag: format!("{mixed:032x}"),
            attributes: Default::default(),
            checksums: Vec::new(),
            bodies: vec![Body::Stored { id: body, len: 16384 }],
            parts: Vec::new(),
        },
        blobs: vec![(body.blob(0), record)],
        condition: Condition::default(),
    })
}

/// User and system time of this process. [s]
fn cpu() -> f64 {
    let stat = String::from_utf8(std::fs::read("/proc/self/stat").unwrap()).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

struct Lap(Duration, f64);

impl Lap {
    fn start() -> Self {
        Self(SystemClock.monotonic(), cpu())
    }

    fn report(&self, what: &str, count: u64) {
        let (wall, cpu) = ((SystemClock.monotonic() - self.0).as_secs_f64(), cpu() - self.1);
        let each = cpu * 1e6 / count as f64;
        let per_second = count as f64 / wall;
        println!("{what}: {count} in {wall:.2} s ({per_second:.0}/s), {each:.1} us CPU each");
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let directory = std::path::PathBuf::from(&arguments[1]);
    let keys: u64 = arguments.get(2).map_or(100_000, |keys| keys.parse().unwrap());
    let drive = holdfast_io::disk::open(&directory, Backend::Auto).unwrap().drive;
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    let lap = Lap::start();
    let config = MetaConfig::new(vec![(1, drive)], ClusterId([1; 16]), clock, rng);
    let meta = Meta::open(config).await.unwrap();
    lap.report("open", 1);
    let name = format!("bucket-{}", hex(SystemRng.next_u64()));
    let create = Command::CreateBucket { name, now: WallMs(1) };
    let Ok(Outcome::Bucket(bucket)) = meta.execute(create).await else { panic!() };
    let bucket = bucket.id;

    let lap = Lap::start();
    for n in 0..500 {
        meta.execute(put(&meta, bucket, n)).await.unwrap();
    }
    lap.report("put, 1 at a time", 500);
    for writers in [16, 64] {
        let lap = Lap::start();
        let each = keys / 2 / writers;
        let tasks: Vec<_> = (0..writers)
            .map(|writer| {
                let meta = meta.clone();
                tokio::spawn(async move {
                    for n in 0..each {
                        let command = put(&meta, bucket, writers << 40 | writer << 32 | n);
                        let outcome = meta.execute(command).await.unwrap();
                        assert!(matches!(outcome, Outcome::Object { .. }), "{outcome:?}");
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        lap.report(&format!("put, {writers} at a time"), each * writers);
    }

    let (lap, mut listed) = (Lap::start(), 0);
    let mut list = ListObjects { bucket, limit: 1000, ..ListObjects::default() };
    loop {
        let Ok(Answer::Listing(page)) = meta.query(Query::ListObjects(list.clone())).await else {
            panic!()
        };
        listed += page.entries.len() as u64;
        list.after = page.next;
        if !page.truncated {
            break;
        }
    }
    lap.report("list, 1000 a page", listed);

    let lap = Lap::start();
    for n in 0..20_000u64 {
        let Command::PutObject(command) = put(&meta, bucket, n % 500) else { panic!() };
        let question = Query::Object { bucket, key: command.key, at: 0, blobs: 1 };
        let found = meta.query(question).await.unwrap();
        assert!(matches!(found, Answer::Object(Some(_))));
    }
    lap.report("lookup", 20_000);
    let lap = Lap::start();
    meta.shutdown().await;
    lap.report("shutdown", 1);
}

fn hex(n: u64) -> String {
    format!("{n:016x}")
}
