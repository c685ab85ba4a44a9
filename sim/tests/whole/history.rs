//! One history: eras of rounds. In an era at most as many drives as the parity covers
//! go wrong in whatever way; between two eras everything is made whole and compared.

use std::cell::RefCell;

use bytes::Bytes;
use futures_util::future::join_all;
use holdfast_api::blob::{BlobRecord, blob_bytes_max};
use holdfast_api::meta::{Answer, Command, ListUploads, MetaService, Query};
use holdfast_api::object::{Body, ObjectStore};
use holdfast_base::BlobId;
use holdfast_base::limits::{INTENT_MS, READ_GRACE_MS};
use holdfast_io::disk::OpKind;
use holdfast_io::rng::{Rng, SeededRng};
use holdfast_sim::disk::{Damage, Fault, Faults, Rule, When};
use holdfast_sim::report::Tally;
use std::time::Duration;

use super::clients::{Client, Shared};
use super::machine::{Machine, Running};

/// Runs the history of `seed` and returns what happened in it.
pub async fn run(seed: u64) -> Tally {
    let mut machine = Machine::new(seed).await;
    let shared = RefCell::new(Shared::default());
    machine.calm();
    if machine.rng.one_in(8) {
        machine.power.crash_in(machine.rng.between(1, 60)); // In the middle of the first start.
    }
    machine.start().await;
    for _ in 0..machine.rng.between(1, 2) {
        choose_victims(&mut machine);
        for _ in 0..machine.rng.between(1, 3) {
            round(seed, &mut machine, &shared).await;
        }
        let healed = undisturbed(&mut machine, &shared, make_whole).await;
        shared.borrow_mut().tally.add("shards healed", healed);
    }
    machine.shut_down().await;
    shared.borrow_mut().registers.close();
    machine.start().await;
    undisturbed(&mut machine, &shared, async |machine| close(seed, machine, &shared).await).await;
    let (ledger, restarts, replaced) = (machine.ledger(), machine.restarts, machine.replaced);
    machine.shut_down().await;
    let Shared { registers, mut tally, .. } = shared.into_inner();
    tally.add("unknown", registers.unknown());
    tally.add("restarts", restarts);
    tally.add("drives replaced", replaced);
    tally.add("three voters", u64::from(machine.replicas.len() == 3));
    tally.ledger = ledger;
    tally
}

fn choose_victims(machine: &mut Machine) {
    let drives = machine.slots.len() as u64;
    let many = machine.rng.between(0, machine.geometry.m() as u64);
    machine.victims.clear();
    while (machine.victims.len() as u64) < many {
        let no = machine.rng.below(drives) as usize;
        if !machine.victims.contains(&no) {
            machine.victims.push(no);
        }
    }
}

/// Clients side by side, with whatever goes wrong meanwhile, and a restart if it must be.
async fn round(seed: u64, machine: &mut Machine, shared: &RefCell<Shared>) {
    for no in machine.victims.clone() {
        if machine.rng.one_in(2) {
            trouble(machine, no);
        }
    }
    let of_meta = trouble_with_the_metadata(machine);
    let cuts = machine.power.cuts();
    if machine.rng.one_in(2) {
        let most = *machine.rng.pick(&[60, 400, 1500]);
        machine.power.crash_in(machine.rng.between(1, most));
    }
    let geometry = machine.geometry;
    let clients = machine.rng.between(2, 4);
    let work = (0..clients).map(|_| {
        let client = Client {
            seed,
            rng: SeededRng::new(machine.rng.next_u64()),
            running: machine.running(),
            shared,
            clock: &machine.clock,
            power: &machine.power,
            cuts,
            stripe: geometry.k() as u64 * (64 << 10),
            blob: blob_bytes_max(geometry) as u64,
        };
        client.work(machine.rng.between(2, 7))
    });
    let work = join_all(work.collect::<Vec<_>>());
    let cut = tokio::select! {
        biased;
        () = machine.power.cut_after(cuts) => true,
        _ = work => machine.power.cuts() > cuts,
    };
    machine.power.crash_in(1 << 60);
    if cut || of_meta || machine.rng.one_in(6) {
        let by_power = cut || machine.rng.one_in(2);
        machine.stop(by_power).await;
        machine.calm();
        if machine.rng.one_in(5) {
            machine.power.crash_in(machine.rng.between(1, 150)); // While it recovers.
        }
        machine.start().await;
        shared.borrow_mut().registers.close();
    }
    machine.calm();
    if machine.rng.one_in(2) {
        let pause = machine.rng.below(40_000);
        let repair = async |machine: &mut Machine| {
            machine.wait(pause).await;
            machine.repair().await;
        };
        undisturbed(machine, shared, repair).await;
    }
}

/// Runs `phase`, in which nothing goes wrong by the plan, to its end: once more where the power
/// went all the same (`holdfast_sim::aim`).
async fn undisturbed<T>(
    machine: &mut Machine,
    shared: &RefCell<Shared>,
    phase: impl AsyncFn(&mut Machine) -> T,
) -> T {
    loop {
        let (power, cuts) = (machine.power.clone(), machine.power.cuts());
        let ended = tokio::select! {
            biased;
            () = power.cut_after(cuts) => None,
            ended = phase(machine) => Some(ended),
        };
        match ended {
            Some(ended) if power.cuts() == cuts => return ended,
            _ => {
                machine.stop(true).await;
                machine.calm();
                machine.start().await;
                shared.borrow_mut().registers.close();
            }
        }
    }
}

/// Something goes wrong with a drive from now on.
fn trouble(machine: &mut Machine, no: usize) {
    let rng = machine.rng.clone();
    let often = When::OneIn(rng.between(2, 12));
    let slot = &mut machine.slots[no];
    let ms = Duration::from_millis;
    let none = Faults::none();
    let faults = match rng.below(14) {
        0 => none.with(Fault::Eio, OpKind::Read, often),
        1 => none.with(Fault::Eio, OpKind::Write, often),
        2 => none.with(Fault::Eio, OpKind::Sync, often),
        3 => none.with(Fault::Stall, OpKind::Read, often),
        4 => none.with(Fault::Stall, OpKind::Write, often),
        5 => none.latency(ms(60), ms(400)),
        6 => none.with(Fault::Flip, OpKind::Read, often),
        7 => none.with(Fault::Lost, OpKind::Write, often),
        8 => none.with(Fault::Misdirected, OpKind::Write, often),
        9 => none.with(Fault::Unreadable, OpKind::Write, often),
        10 => {
            slot.disk.rot(rng.between(1, 40));
            none
        }
        11 => {
            slot.disk.set_capacity(0);
            none
        }
        12 => {
            slot.disk.damage(Damage::Dead);
            none
        }
        _ => {
            slot.wiped = true;
            slot.disk.damage(*rng.pick(&[Damage::Emptied, Damage::Replaced]));
            none
        }
    };
    slot.disk.set_faults(faults);
}

/// One voter has no redundancy: it may err and be full, not forget. Of three voters one
/// may. True when a restart must follow.
fn trouble_with_the_metadata(machine: &Machine) -> bool {
    let rng = &machine.rng;
    if !rng.one_in(4) {
        return false;
    }
    let disk = &machine.replicas[0];
    let rare = When::OneIn(rng.between(3, 60));
    let all = |fault| Rule { fault, on: None, files: None, when: rare };
    let faults = match rng.below(4) {
        0 => Faults::none().rule(all(Fault::Full)),
        1 => Faults::none().rule(Rule { on: Some(OpKind::Write), ..all(Fault::Eio) }),
        2 => Faults::none().rule(Rule { on: Some(OpKind::Sync), ..all(Fault::Eio) }),
        _ => Faults::none().rule(all(Fault::Eio)),
    };
    disk.set_faults(faults);
    true
}

/// Everything wrong ends; whatever can be healed is healed. Then every blob is whole.
async fn make_whole(machine: &mut Machine) -> u64 {
    machine.calm();
    machine.repair().await;
    machine.wait(40_000).await; // What stalls comes to its end, nobody is suspected any more.
    machine.repair().await;
    machine.wait(12_000).await;
    let Running { store, .. } = machine.running();
    let mut attempt = 0;
    loop {
        // The loops may be at it just now.
        let _ = store.scrub_once().await;
        let _ = store.heal_once().await;
        let odd = lacks(machine).await;
        if odd.is_empty() {
            return store.status().shards_healed;
        }
        let status = store.status();
        assert!(attempt < 10, "LOST: not healed: {odd:?}, {status:?}");
        attempt += 1;
        machine.wait(15_000).await;
    }
}

/// Blobs that lack something, in words.
async fn lacks(machine: &Machine) -> Vec<String> {
    let mut odd = Vec::new();
    for (blob, record) in named(machine).await {
        if !record.missing.is_empty() {
            odd.push(format!("{blob} owes {:?}", record.missing));
        }
        for shard in 0..record.drives.len() {
            if !machine.is_good(blob, &record, shard).await {
                odd.push(format!("{blob}#{shard} is not on drive {}", record.drives[shard]));
            }
        }
    }
    odd
}

/// Every blob that an object or a part refers to.
async fn named(machine: &Machine) -> Vec<(BlobId, BlobRecord)> {
    let Running { meta, bucket, .. } = machine.running();
    let mut all = Vec::new();
    let mut bodies = Vec::new();
    for key in keys(machine).await {
        let query = Query::Object { bucket, key, at: 0, blobs: 0 };
        let Ok(Answer::Object(Some((object, _)))) = meta.query(query).await else {
            panic!("LOST: a listed object is not there")
        };
        bodies.extend(object.bodies);
    }
    for (_, upload) in uploads(machine).await {
        let query = Query::ListParts { upload: upload.id, after: 0, limit: 100 };
        let Ok(Answer::Parts { parts, .. }) = meta.query(query).await else { panic!() };
        bodies.extend(parts.into_iter().map(|part| part.body));
    }
    for body in bodies {
        let Body::Stored { id, len } = body else { continue };
        let query = Query::Blobs { body: id, index: 0, limit: 1000 };
        let Ok(Answer::Blobs(blobs)) = meta.query(query).await else { panic!() };
        let sum: u64 = blobs.iter().map(|(_, record)| u64::from(record.layout.len)).sum();
        assert_eq!(sum, len, "LOST: the blobs of {id} are not the body");
        all.extend(blobs);
    }
    all
}

async fn keys(machine: &Machine) -> Vec<Bytes> {
    let Running { meta, bucket, .. } = machine.running();
    let list = holdfast_api::meta::ListObjects { bucket, limit: 1000, ..Default::default() };
    match meta.query(Query::ListObjects(list)).await {
        Ok(Answer::Listing(page)) => page.entries.into_iter().map(|(key, _)| key).collect(),
        other => panic!("a calm service lists: {other:?}"),
    }
}

async fn uploads(machine: &Machine) -> Vec<(Bytes, holdfast_api::meta::Upload)> {
    let Running { meta, bucket, .. } = machine.running();
    let list = ListUploads { bucket, limit: 1000, ..Default::default() };
    match meta.query(Query::ListUploads(list)).await {
        Ok(Answer::Uploads(page)) => page.entries,
        other => panic!("a calm service lists: {other:?}"),
    }
}

/// All is calm: every key is what it may be, byte by byte; the listing is equal; after a
/// collection no drive holds what nothing refers to.
async fn close(seed: u64, machine: &mut Machine, shared: &RefCell<Shared>) {
    machine.victims.clear();
    machine.repair().await;
    let geometry = machine.geometry;
    let client = Client {
        seed,
        rng: SeededRng::new(seed),
        running: machine.running(),
        shared,
        clock: &machine.clock,
        power: &machine.power,
        cuts: machine.power.cuts(),
        stripe: geometry.k() as u64 * (64 << 10),
        blob: blob_bytes_max(geometry) as u64,
    };
    let known = shared.borrow().registers.keys();
    let mut there = Vec::new();
    for key in known {
        let found = client.read(&key, false, false).await.expect("a calm machine answers");
        there.extend(found.map(|_| Bytes::from(key)));
        shared.borrow_mut().tally.add("compared", 1);
    }
    assert_eq!(keys(machine).await, there, "WRONG: the listing is not what is there");
    let mut tally = Tally::default();
    let Running { meta, store, bucket } = machine.running();
    let status = store.status();
    tally.add("degraded reads", status.degraded_reads);
    shared.borrow_mut().tally.merge(&tally);
    if !seed.is_multiple_of(3) {
        return; // The quarter of an hour that an intent lives is half of what a seed costs.
    }
    for (key, upload) in uploads(machine).await {
        let abort = Command::AbortUpload { bucket, key, upload: upload.id };
        meta.execute(abort).await.expect("a calm service answers");
    }
    machine.wait(INTENT_MS + 2 * READ_GRACE_MS).await;
    for _ in 0..3 {
        let bodies = store.collect_once().await.unwrap_or(0);
        let swept = store.sweep_once().await.unwrap_or_default();
        for (what, count) in [
            ("bodies collected", bodies),
            ("orphans collected", swept.orphans),
            ("leftovers collected", swept.leftovers),
        ] {
            shared.borrow_mut().tally.add(what, count);
        }
        machine.wait(2 * READ_GRACE_MS).await;
    }
    no_shard_is_left_over(machine).await;
    drop((meta, store));
    // What was deleted does not come back with a process that is killed.
    machine.stop(false).await;
    machine.start().await;
    no_shard_is_left_over(machine).await;
    shared.borrow_mut().tally.add("searched for orphans", 1);
}

async fn no_shard_is_left_over(machine: &Machine) {
    let named = named(machine).await;
    for no in 0..machine.slots.len() {
        for stored in machine.stored(no).await {
            let record = named.iter().find(|(blob, _)| *blob == stored.blob);
            let drive = record.map(|(_, r)| usize::from(r.drives[usize::from(stored.index.0)].0));
            assert_eq!(drive, Some(no), "ORPHAN: {stored} on drive {no} belongs to nobody");
        }
    }
}
