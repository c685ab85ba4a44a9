//! One history: eras of rounds. In an era at most as many drives as the parity covers
//! go wrong in whatever way; between two eras everything is made whole and compared.

use std::cell::RefCell;

use bytes::Bytes;
use futures_util::future::join_all;
use holdfast_api::blob::blob_bytes_max;
use holdfast_api::meta::{Command, MetaService};
use holdfast_api::object::ObjectStore;
use holdfast_base::limits::{INTENT_MS, READ_GRACE_MS};
use holdfast_io::rng::{Rng, SeededRng};
use holdfast_sim::report::Tally;

use super::clients::{Client, Shared};
use super::machine::{Machine, Running};
use super::repair::{keys, make_whole, no_shard_is_left_over, uploads};
use super::trouble::{choose_victims, trouble, trouble_with_the_metadata};

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
