//! One history: what clients and fate do, step by step, from a seed.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use holdfast_api::object::{BodyWriter, ObjectStore, StoreError, StoredBody};
use holdfast_base::limits::{INTENT_MS, READ_GRACE_MS};
use holdfast_io::clock::Clock;
use holdfast_io::disk::OpKind;
use holdfast_sim::disk::{Damage, Fault, Faults, When};
use holdfast_sim::report::Tally;

use super::world::{World, content, owner};

/// Counters that must not be zero over a gate's worth of histories.
pub const SHOULD_HAPPEN: &[&str] = &[
    "puts",
    "puts refused",
    "puts cut off",
    "gets",
    "range gets",
    "deletes",
    "explicit errors",
    "acknowledged shards audited",
    "reads under a lease",
    "slow puts",
    "restarts",
    "drives replaced",
    "degraded reads",
    "hedged reads",
    "shards healed",
    "under-redundant puts",
    "bodies collected",
    "orphans collected",
    "metadata failures",
    "many-blob puts",
];

/// Runs the history of `seed` and returns what happened in it.
pub async fn run(seed: u64) -> Tally {
    let mut world = World::new(seed).await;
    let steps = world.rng.between(15, 70);
    for number in 0..steps {
        println!("step {number} at {:?}", world.clock.monotonic());
        step(&mut world).await;
    }
    end(&mut world).await;
    world.collect_counts();
    let failed = world.meta.failed.load(Ordering::Relaxed);
    world.counts.add("metadata failures", failed);
    let acknowledged = ["puts", "slow puts"].iter().map(|what| world.counts.get(what)).sum::<u64>();
    world.counts.add("acknowledged", acknowledged);
    world.counts
}

async fn step(world: &mut World) {
    match world.rng.below(100) {
        0..30 => {
            let (key, bytes) = (key(world), bytes(world));
            put(world, key, bytes).await;
        }
        30..40 => get(world, false).await,
        40..60 => get(world, true).await,
        60..65 => delete(world).await,
        65..68 => read_under_a_lease(world).await,
        68..71 => slow_put(world).await,
        71..83 => trouble(world).await,
        83..88 => {
            let no = world.rng.below(world.units.len() as u64) as usize;
            println!("  repair drive {no}");
            world.repair(no).await;
        }
        88..92 => crash(world).await,
        92..94 => world.audit("between two steps").await,
        _ => maintain(world).await,
    }
}

fn key(world: &World) -> Bytes {
    Bytes::from(format!("key-{}", world.rng.below(8)))
}

/// Sizes around every border that the code knows.
fn bytes(world: &mut World) -> Bytes {
    let rng = &world.rng;
    let stripe = world.geometry.k() as u64 * (64 << 10);
    let len = match rng.below(20) {
        0 => 0,
        1..4 => rng.between(1, 4096),
        4..10 => rng.between(4097, 70_000),
        10..15 => (stripe * rng.between(1, 3) + rng.below(200)).saturating_sub(100),
        15..18 => rng.between(stripe, 8 * stripe),
        18 => rng.between(1 << 20, 5 << 20),
        _ if world.geometry.k() <= 2 && rng.one_in(2) => {
            world.counts.add("many-blob puts", 1);
            (2 << 20) * world.geometry.k() as u64 * 2 + rng.between(0, 1 << 20)
        }
        _ => rng.between(1 << 20, 9 << 20),
    };
    content(&world.rng, len as usize)
}

/// Streams `bytes` into a body, in pieces of any size.
async fn write(
    world: &World,
    mut writer: Box<dyn BodyWriter>,
    mut bytes: Bytes,
) -> Result<StoredBody, StoreError> {
    while !bytes.is_empty() {
        let piece = world.rng.between(1, 700_000).min(bytes.len() as u64) as usize;
        writer.write(bytes.split_to(piece)).await?;
    }
    writer.finish().await
}

fn writer(world: &World, key: &Bytes, bytes: &Bytes) -> Box<dyn BodyWriter> {
    let announced = match world.rng.below(10) {
        0 => None,
        1 => Some(world.rng.below(2 * bytes.len() as u64 + 1)),
        _ => Some(bytes.len() as u64),
    };
    world.store.writer(owner(key), announced)
}

async fn put(world: &mut World, key: Bytes, bytes: Bytes) {
    let writer = writer(world, &key, &bytes);
    match write(world, writer, bytes.clone()).await {
        Ok(stored) => {
            acknowledged_by_the_rule(&stored);
            world.meta.commit(&key, stored.body, stored.blobs).expect("a quick PUT commits");
            println!("  put {key:?}, {} bytes", bytes.len());
            world.model.insert(key, bytes);
            world.counts.add("puts", 1);
        }
        Err(error) => refused(world, &error),
    }
}

/// A2: at least a write quorum is durable; the rest is named as missing.
pub fn acknowledged_by_the_rule(stored: &StoredBody) {
    for (index, record) in &stored.blobs {
        let durable = record.drives.len() - record.missing.len();
        let quorum = record.layout.geometry.write_quorum();
        assert!(durable >= quorum, "A2: blob {index} has {durable} shards, {quorum} are needed");
    }
}

/// A refusal needs a reason: some drive is in trouble, or the metadata.
fn refused(world: &mut World, error: &StoreError) {
    let sick = (0..world.units.len()).any(|no| world.units[no].faulty || !world.is_online(no));
    let meta = world.meta.fail_one_in.load(Ordering::Relaxed) > 0;
    let recently = world.counts.get("troubles") > 0;
    assert!(sick || meta || recently, "a PUT was refused for no reason: {error}");
    world.counts.add("puts refused", 1);
}

async fn get(world: &mut World, ranged: bool) {
    let key = key(world);
    let Some(want) = world.model.get(&key).cloned() else { return };
    let len = want.len() as u64;
    let (from, to) = if ranged { range(world, len) } else { (0, len) };
    let Some(plan) = world.plan(&key, (from, to)) else { panic!("{key:?} is not in the metadata") };
    match world.read(plan).await {
        Ok(got) => {
            let want = &want[from as usize..to as usize];
            assert!(got == want, "P2: {key:?} {from}..{to} of {len}: wrong bytes");
            world.counts.add(if ranged { "range gets" } else { "gets" }, 1);
        }
        Err(StoreError::Meta(_)) if world.meta.fail_one_in.load(Ordering::Relaxed) > 0 => {}
        Err(error) => world.must_be_lost(&key, &error).await,
    }
}

/// A range that likes borders.
fn range(world: &World, len: u64) -> (u64, u64) {
    let rng = &world.rng;
    let stripe = world.geometry.k() as u64 * (64 << 10);
    let edge = || match rng.below(4) {
        0 => rng.below(len + 1),
        1 => rng.below(len / (64 << 10) + 1) * (64 << 10),
        2 => rng.below(len / stripe + 1) * stripe,
        _ => (rng.below(len / (16 << 10) + 1) * (16 << 10) + rng.below(3)).saturating_sub(1),
    };
    let (a, b) = (edge().min(len), edge().min(len));
    (a.min(b), a.max(b))
}

async fn delete(world: &mut World) {
    let key = key(world);
    world.meta.delete(&key);
    if world.model.remove(&key).is_some() {
        world.counts.add("deletes", 1);
    }
}

/// O4: a read that has begun reads on, though its object is replaced and collected.
async fn read_under_a_lease(world: &mut World) {
    let key = key(world);
    let Some(want) = world.model.get(&key).cloned() else { return };
    for (blob, record) in world.blobs(&key) {
        let steady = world.good_shards(blob, &record, |unit| !unit.faulty).await;
        if steady < record.layout.geometry.k() {
            return;
        }
    }
    let lease = world.store.lease();
    let mut plan = world.plan(&key, (0, want.len() as u64)).expect("it is in the model");
    plan.blobs = world.blobs(&key); // The lookup brought all records along.
    world.meta.delete(&key);
    world.model.remove(&key);
    world.wait(READ_GRACE_MS * 2).await;
    let _ = world.store.collect_once().await;
    match world.read(plan.clone()).await {
        Ok(got) => assert!(got == want, "P2: wrong bytes under a lease"),
        Err(StoreError::Meta(_)) => {}
        Err(error) => panic!("O4: {key:?} was collected under a reader: {error}"),
    }
    drop(lease);
    world.counts.add("reads under a lease", 1);
}

/// M5: a PUT that takes longer than an intent, while the collector goes round.
async fn slow_put(world: &mut World) {
    let (key, bytes) = (key(world), content(&world.rng, 3 << 20));
    let mut writer = writer(world, &key, &bytes);
    let mut left = bytes.clone();
    let pauses = world.rng.between(1, 6);
    for _ in 0..pauses {
        let piece = left.len() / 3;
        if writer.write(left.split_to(piece)).await.is_err() {
            return world.counts.add("puts refused", 1);
        }
        world.wait(INTENT_MS / 3).await;
        let _ = world.store.sweep_once().await;
        let _ = world.store.collect_once().await;
    }
    if writer.write(left).await.is_err() {
        return world.counts.add("puts refused", 1);
    }
    let Ok(stored) = writer.finish().await else {
        return world.counts.add("puts refused", 1);
    };
    let _ = world.store.sweep_once().await;
    world.meta.commit(&key, stored.body, stored.blobs).expect("a PUT that goes on commits");
    let _ = world.store.sweep_once().await;
    world.model.insert(key, bytes);
    world.counts.add("slow puts", 1);
    world.audit("after a slow PUT").await;
}

/// Something goes wrong with a drive, or with the metadata, from now on.
async fn trouble(world: &mut World) {
    let no = world.rng.below(world.units.len() as u64) as usize;
    world.counts.add("troubles", 1);
    let often = When::OneIn(world.rng.between(2, 12));
    let ms = Duration::from_millis;
    let unit = &mut world.units[no];
    let faults = Faults::none();
    let which = world.rng.below(14);
    println!("  trouble {which} with drive {no}, {often:?}");
    let faults = match which {
        0 => faults.with(Fault::Eio, OpKind::Read, often),
        1 => faults.with(Fault::Eio, OpKind::Write, often),
        2 => faults.with(Fault::Eio, OpKind::Sync, often),
        3 => faults.with(Fault::Stall, OpKind::Read, often),
        4 => faults.with(Fault::Stall, OpKind::Write, often),
        5 => faults.latency(ms(60), ms(400)),
        6 => {
            unit.damaged = true;
            faults.with(Fault::Flip, OpKind::Read, often)
        }
        7 => {
            unit.damaged = true;
            faults.with(Fault::Lost, OpKind::Write, often)
        }
        8 => {
            unit.damaged = true;
            faults.with(Fault::Misdirected, OpKind::Write, often)
        }
        9 => {
            unit.damaged = true;
            unit.disk.rot(world.rng.between(1, 40));
            faults
        }
        10 => {
            unit.disk.set_capacity(0);
            faults
        }
        11 => {
            unit.disk.damage(Damage::Dead);
            faults
        }
        12 => {
            (unit.damaged, unit.wiped) = (true, true);
            let how = *world.rng.pick(&[Damage::Emptied, Damage::Replaced]);
            unit.disk.damage(how);
            faults
        }
        _ => {
            world.meta.fail_one_in.store(world.rng.between(0, 6), Ordering::Relaxed);
            return;
        }
    };
    unit.faulty = true;
    unit.disk.set_faults(faults);
    if world.rng.one_in(2) {
        world.wait(world.rng.between(0, 8000)).await; // The drive's own watch may notice.
    }
}

/// The power goes in the middle of a PUT, or between two.
async fn crash(world: &mut World) {
    println!("  crash");
    let (key, bytes) = (key(world), bytes(world));
    let cuts = world.power.cuts();
    world.power.crash_in(world.rng.between(1, 80));
    let power = world.power.clone();
    let done = {
        let writer = writer(world, &key, &bytes);
        let put = async {
            let stored = write(world, writer, bytes.clone()).await?;
            acknowledged_by_the_rule(&stored);
            let committed = world.meta.commit(&key, stored.body, stored.blobs);
            committed.expect("a quick PUT commits");
            Ok::<(), StoreError>(())
        };
        tokio::select! {
            biased;
            done = put => Some(done),
            () = power.cut_after(cuts) => None,
        }
    };
    match done {
        Some(Ok(())) => {
            println!("  put {key:?}, {} bytes, just before", bytes.len());
            world.model.insert(key, bytes);
            world.counts.add("puts", 1);
        }
        Some(Err(_)) | None => world.counts.add("puts cut off", 1),
    }
    world.restart().await;
    world.audit("after a restart").await;
}

/// The store's own work, with whatever faults there are.
async fn maintain(world: &mut World) {
    world.wait(world.rng.between(1, 60_000)).await;
    match world.rng.below(4) {
        0 => drop(world.store.heal_once().await),
        1 => drop(world.store.scrub_once().await),
        2 => {
            let bodies = world.store.collect_once().await.unwrap_or(0);
            world.counts.add("bodies collected", bodies);
        }
        _ => {
            let swept = world.store.sweep_once().await.unwrap_or_default();
            world.counts.add("orphans collected", swept.orphans);
            world.counts.add("leftovers collected", swept.leftovers);
        }
    }
}

/// All faults end. Whatever can be healed is healed, whatever can be collected is
/// collected, and every byte is there.
async fn end(world: &mut World) {
    world.audit("at the end of the faults").await;
    world.meta.fail_one_in.store(0, Ordering::Relaxed);
    for _ in 0..2 {
        for no in 0..world.units.len() {
            world.repair(no).await;
        }
        world.wait(40_000).await; // What stalls comes to its end, nobody is suspected any more.
    }
    give_up_what_is_lost(world).await;
    for _ in 0..4 {
        world.store.scrub_once().await.expect("nothing is wrong any more");
        world.store.heal_once().await.expect("nothing is wrong any more");
        world.wait(15_000).await;
    }
    every_blob_is_whole(world).await;
    let keys: Vec<Bytes> = world.model.keys().cloned().collect();
    for key in keys {
        let want = &world.model[&key];
        let plan = world.plan(&key, (0, want.len() as u64)).expect("it is in the model");
        let got = world.read(plan).await.expect("a whole object is readable");
        assert!(got == world.model[&key], "P2 at the end: {key:?}");
    }
    world.wait(INTENT_MS + 2 * READ_GRACE_MS).await;
    for _ in 0..3 {
        let bodies = world.store.collect_once().await.expect("nothing is wrong any more");
        let swept = world.store.sweep_once().await.expect("nothing is wrong any more");
        world.counts.add("bodies collected", bodies);
        world.counts.add("orphans collected", swept.orphans);
        world.counts.add("leftovers collected", swept.leftovers);
        world.wait(2 * READ_GRACE_MS).await;
    }
    no_shard_is_left_over(world).await;
}

/// Objects of which too many shards are gone, by damage that no parity covers.
async fn give_up_what_is_lost(world: &mut World) {
    let keys: Vec<Bytes> = world.model.keys().cloned().collect();
    for key in keys {
        let mut lost = false;
        for (blob, record) in world.blobs(&key) {
            lost |= world.good_shards(blob, &record, |_| true).await < record.layout.geometry.k();
        }
        if lost {
            world.meta.delete(&key);
            world.model.remove(&key);
            world.counts.add("objects beyond parity", 1);
        }
    }
}

async fn every_blob_is_whole(world: &mut World) {
    for key in world.model.keys() {
        for (blob, record) in world.blobs(key) {
            assert!(record.missing.is_empty(), "{blob} still lacks {:?}", record.missing);
            for shard in 0..record.drives.len() {
                let good = world.is_good(blob, &record, shard).await;
                let status = world.store.status();
                assert!(good, "{blob}#{shard} was not healed: {record:?}, {status:?}");
            }
        }
    }
    let healing = world.meta.state().drives.values().filter(|drive| drive.healing).count();
    assert_eq!(healing, 0, "every drive is verified whole");
}

async fn no_shard_is_left_over(world: &mut World) {
    assert!(world.meta.state().garbage.is_empty(), "all garbage is collected");
    for no in 0..world.units.len() {
        for stored in world.stored(no).await {
            let state = world.meta.state();
            let record = state.blobs.get(&stored.blob);
            let named = record.and_then(|record| record.drives.get(usize::from(stored.index.0)));
            let here = named.is_some_and(|named| usize::from(named.0) == no);
            assert!(here, "{stored} on drive {no} belongs to nobody");
        }
    }
}
