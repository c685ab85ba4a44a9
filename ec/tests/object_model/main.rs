//! The object store against a `BTreeMap`, over real shard stores on simulated disks.
//!
//! Every seed is a history of PUTs, GETs, deletes, faults, crashes and repairs,
//! and then an end of all faults. Checked:
//! - P1: a shard that was acknowledged as durable is there, by an audit that does
//!   not use the store's own verification, unless its very drive was damaged;
//! - P2: a read gives the bytes that were acknowledged, or an error, and the error
//!   only where fewer than `k` shards are left on drives without faults;
//! - after the faults end a heal makes every blob whole, each shard verified;
//! - after a collection no drive holds a shard that the metadata does not name.
//!
//! `SEED=n` replays one history, `SEEDS=n` asks for more of them.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test")]

mod history;
mod meta;
mod world;

use std::sync::atomic::Ordering;

use bytes::Bytes;
use holdfast_api::object::{Body, ObjectStore};
use holdfast_base::limits::READ_GRACE_MS;
use holdfast_ec::object::WRITE_BYTES_MAX;
use holdfast_sim::report::Report;
use world::{World, content, owner};

#[test]
fn acknowledged_bytes_survive_and_no_wrong_byte_is_read() {
    let seeds = holdfast_sim::seeds(200);
    Report::run("object", seeds, |seed| holdfast_sim::run(history::run(seed)))
        .finish(200, history::SHOULD_HAPPEN);
}

/// O5: what a long body has under way is a few blobs, whatever its length.
#[test]
fn a_long_body_streams_in_within_a_few_blobs_of_memory() {
    const LEN: usize = 256 << 20;
    const FRAMES: u64 = 6 * ((2 << 20) + (8 << 10));
    holdfast_sim::run(async {
        let world = World::calm_six().await;
        let key = Bytes::from_static(b"long");
        let piece = content(&world.rng, 1 << 20);
        let mut writer = world.store.writer(owner(&key), Some(LEN as u64));
        for _ in 0..LEN / piece.len() {
            writer.write(piece.clone()).await.unwrap();
        }
        let stored = writer.finish().await.unwrap();
        assert!(stored.blobs.len() <= 33, "the first blobs are recorded as they stream in");
        world.meta.commit(&key, stored.body, stored.blobs).unwrap();
        let peak = world.store.write_bytes_peak();
        assert!(peak <= 3 * FRAMES, "O5: {peak} bytes at once, one fills and two are under way");
        assert!(peak <= WRITE_BYTES_MAX as u64);
        let mut reader = world.store.reader(world.plan(&key, (0, LEN as u64)).unwrap());
        let mut at = 0;
        while let Some(bytes) = reader.next().await.unwrap() {
            let from = at % piece.len();
            assert!(bytes == piece[from..from + bytes.len()], "other bytes at {at}");
            at += bytes.len();
        }
        assert_eq!(at, LEN);
    });
}

/// O5: many writers at once stay within the budget, and none is refused.
#[test]
fn writers_that_stand_still_cannot_take_all_memory() {
    holdfast_sim::run(async {
        let world = World::calm_six().await;
        let key = Bytes::from_static(b"slow");
        let mut writers = Vec::new();
        for _ in 0..60 {
            let mut writer = world.store.writer(owner(&key), Some(8 << 20));
            writer.write(content(&world.rng, 100_000)).await.unwrap();
            writers.push(writer);
        }
        assert!(world.store.write_bytes_peak() <= WRITE_BYTES_MAX as u64, "O5");
        for mut writer in writers {
            writer.write(content(&world.rng, 5000)).await.unwrap();
        }
    });
}

/// Z1: the loops collect and heal by themselves, and end when they are told.
#[test]
fn the_loops_do_the_work_until_they_are_shut_down() {
    holdfast_sim::run(async {
        let mut world = World::calm_six().await;
        world.store.run();
        let key = Bytes::from_static(b"key");
        let put = async |world: &World| {
            let mut writer = world.store.writer(owner(&key), Some(100_000));
            writer.write(content(&world.rng, 100_000)).await.unwrap();
            let stored = writer.finish().await.unwrap();
            world.meta.commit(&key, stored.body, stored.blobs).unwrap();
        };
        put(&world).await;
        world.units[2].damaged = true;
        world.units[2].wiped = true;
        world.units[2].disk.damage(holdfast_sim::disk::Damage::Emptied);
        world.wait(20_000).await;
        world.repair(2).await;
        world.wait(60_000).await;
        for (blob, record) in world.blobs(&key) {
            let good = world.good_shards(blob, &record, |_| true).await;
            assert_eq!(good, 6, "the loops healed the new drive");
        }
        assert!(!world.meta.state().drives[&holdfast_base::DriveNo(2)].healing, "J4");
        put(&world).await;
        world.wait(READ_GRACE_MS * 2).await;
        assert!(world.meta.state().garbage.is_empty(), "the loops collected what was replaced");
        world.store.shutdown().await;
        world.meta.delete(&key);
        world.wait(READ_GRACE_MS * 2).await;
        assert_eq!(world.meta.state().garbage.len(), 1, "the loops have ended");
        assert_eq!(world.meta.fail_one_in.load(Ordering::Relaxed), 0);
    });
}

/// An empty body and a small one live in the metadata.
#[test]
fn few_bytes_are_inline() {
    holdfast_sim::run(async {
        let world = World::calm_six().await;
        for len in [0, 1, 4096] {
            let mut writer = world.store.writer(owner(&Bytes::from_static(b"k")), Some(len as u64));
            let bytes = content(&world.rng, len);
            writer.write(bytes.clone()).await.unwrap();
            let stored = writer.finish().await.unwrap();
            assert_eq!((stored.body, stored.blobs.len()), (Body::Inline(bytes), 0));
        }
    });
}
