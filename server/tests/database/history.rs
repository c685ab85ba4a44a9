//! One history: eras of rounds, as in `whole`, with the database over it all.

use futures_util::future::{join, join_all};
use holdfast_api::blob::blob_bytes_max;
use holdfast_api::log::LogService;
use holdfast_io::rng::{Rng, SeededRng};
use holdfast_sim::report::Tally;

use super::blobs;
use super::clients::CLIENTS;
use super::closing::close;
use super::life::doubted;
use super::repair::make_whole;
use super::system::System;
use super::trouble::{choose_victims, trouble, trouble_with_the_metadata};

/// Runs the history of `seed` and returns what happened in it.
pub async fn run(seed: u64) -> Tally {
    let mut system = System::new(seed).await;
    system.calm();
    if system.machine.rng.one_in(8) {
        system.machine.power.crash_in(system.machine.rng.between(1, 200)); // In the first start.
    }
    system.start().await;
    undisturbed(&mut system, async |system| system.prepare().await).await;
    for _ in 0..system.machine.rng.between(1, 2) {
        choose_victims(&mut system.machine);
        for _ in 0..system.machine.rng.between(1, 3) {
            round(seed, &mut system).await;
        }
        // Without the database: what it removes meanwhile would be missed.
        system.end_life().await;
        let healed = undisturbed(&mut system, async |system| {
            system.end_life().await;
            make_whole(&mut system.machine).await
        });
        let healed = healed.await;
        system.shared.borrow_mut().tally.add("shards healed", healed);
        system.shut_down().await;
        system.start().await;
        undisturbed(&mut system, async |system| system.look().await).await;
    }
    undisturbed(&mut system, close).await;
    finish(system).await
}

async fn finish(mut system: System) -> Tally {
    let (ledger, restarts) = (system.machine.ledger(), system.machine.restarts);
    let replaced = system.machine.replaced;
    system.shut_down().await;
    let doubted = doubted(&system.doubts);
    let blobs = system.blobs.into_inner();
    let mut tally = system.shared.into_inner().tally;
    for (what, more) in doubted {
        tally.add(what, more);
    }
    for what in ["puts", "gets"] {
        let of_blobs = if what == "puts" { "blobs put" } else { "blobs read" };
        tally.add(of_blobs, blobs.tally.get(what));
    }
    tally.add("restarts", restarts);
    tally.add("drives replaced", replaced);
    tally.add("three voters", u64::from(system.machine.replicas.len() == 3));
    tally.ledger = ledger;
    tally
}

/// Clients side by side, with whatever goes wrong meanwhile, and a restart if it must be.
async fn round(seed: u64, system: &mut System) {
    for no in system.machine.victims.clone() {
        if system.machine.rng.one_in(2) {
            trouble(&mut system.machine, no);
        }
    }
    let of_meta = trouble_with_the_metadata(&system.machine);
    system.doubt();
    let (power, cuts) = (system.machine.power.clone(), system.machine.power.cuts());
    if system.machine.rng.one_in(2) {
        let most = *system.machine.rng.pick(&[60, 400, 1500]);
        power.crash_in(system.machine.rng.between(1, most));
    }
    let ended = tokio::select! {
        biased;
        () = power.cut_after(cuts) => false,
        () = work(seed, system, cuts) => true,
    };
    let cut = !ended || power.cuts() > cuts;
    power.crash_in(1 << 60);
    if cut || of_meta || system.machine.rng.one_in(6) {
        let by_power = cut || system.machine.rng.one_in(2);
        system.stop(by_power).await;
        system.calm();
        if system.machine.rng.one_in(4) {
            power.crash_in(system.machine.rng.between(1, 250)); // While it recovers.
        }
        system.start().await;
        undisturbed(system, async |system| system.look().await).await;
    } else if !system.life().serves().await || system.machine.rng.one_in(3) {
        // What a node that stands still believes to be garbage has time to go.
        let pause = system.machine.rng.below(7_000);
        undisturbed(system, async |system| system.machine.wait(pause).await).await;
        system.calm();
        system.begin_again().await;
        undisturbed(system, async |system| system.look().await).await;
    }
    system.calm();
    if system.machine.rng.one_in(3) {
        let pause = system.machine.rng.below(8_000);
        undisturbed(system, async |system| {
            system.machine.wait(pause).await;
            system.machine.repair().await;
        })
        .await;
    }
}

/// The clients of a round, and somebody who uses the store without the database.
async fn work(seed: u64, system: &System, cuts: u64) {
    let machine = &system.machine;
    let first = machine.rng.below(CLIENTS as u64) as i64;
    let sql = (0..machine.rng.between(2, CLIENTS as u64) as i64)
        .map(|no| system.client((first + no) % CLIENTS + 1).work(machine.rng.between(3, 10)));
    let sql = join_all(sql.collect::<Vec<_>>());
    let geometry = machine.geometry;
    let other = blobs::Client {
        seed,
        rng: SeededRng::new(machine.rng.next_u64()),
        running: machine.running(),
        shared: &system.blobs,
        clock: &machine.clock,
        power: &machine.power,
        cuts,
        stripe: geometry.k() as u64 * (64 << 10),
        blob: blob_bytes_max(geometry) as u64,
    };
    let steps = machine.rng.below(5);
    let fence = async {
        if machine.rng.one_in(10) {
            // Another node takes over, and does nothing.
            machine.wait(machine.rng.below(400)).await;
            let _ = machine.running().meta.grant().await;
            system.shared.borrow_mut().tally.add("fences", 1);
        }
    };
    let kills = async {
        for _ in 0..machine.rng.below(4) {
            machine.wait(machine.rng.below(60)).await;
            let all = system.life().engine.sessions.all();
            if !all.is_empty() {
                machine.rng.pick(&all).kill(machine.rng.one_in(3));
                system.shared.borrow_mut().tally.add("statements killed", 1);
            }
        }
    };
    join(join(sql, kills), join(other.work(steps), fence)).await;
    let pause = *machine.rng.pick(&[0, 0, 700, 2_500]);
    machine.wait(pause).await;
}

/// Runs `phase`, in which nothing goes wrong by the plan, to its end: once more where the power
/// went all the same (`holdfast_sim::aim`).
async fn undisturbed<T>(system: &mut System, phase: impl AsyncFn(&mut System) -> T) -> T {
    loop {
        let (power, cuts) = (system.machine.power.clone(), system.machine.power.cuts());
        let ended = tokio::select! {
            biased;
            () = power.cut_after(cuts) => None,
            ended = phase(system) => Some(ended),
        };
        match ended {
            Some(ended) if power.cuts() == cuts => return ended,
            _ => {
                system.stop(true).await;
                system.calm();
                system.start().await;
            }
        }
    }
}
