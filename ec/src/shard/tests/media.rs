//! Disks that lie: flipped bits, lost and misdirected writes, unreadable sectors.
//!
//! Here shards may get lost, that is what parity is for; but no wrong byte passes for
//! a right one, nothing panics, and the drive comes back after every restart.

use super::*;
use holdfast_sim::disk::Ledger;

#[derive(Debug, Default)]
struct Seen {
    ledger: Ledger,
    writes: u64,
    reads: u64,
    sound: u64,
    lost: u64,
    refused: u64,
    restarts: u64,
}

async fn run(seed: u64, seen: &mut Seen) {
    let mut bench = Bench::new(seed).await;
    let rng = SeededRng::new(!seed);
    let mut acked = [None; 16];
    for version in 1..120 {
        match rng.below(10) {
            0..5 => {
                let no = rng.below(16) as u32;
                seen.writes += 1;
                match bench.write(no, version, Durability::Durable).await {
                    Ok(()) => acked[no as usize] = Some(version),
                    Err(_) => seen.refused += 1,
                }
            }
            5 => {
                let no = rng.below(16) as u32;
                if bench.store().delete(vec![id(no)]).await.is_ok() {
                    acked[no as usize] = None;
                }
            }
            6 => bench.disk.set_faults(lies(&rng)),
            7 => {
                bench.disk.rot(rng.below(3));
                bench.sleep(Duration::from_secs(2)).await;
            }
            _ => look(&bench, rng.below(16) as u32, &acked, seen).await,
        }
        let offline = bench.store().status().state != DriveState::Online;
        if offline || rng.one_in(15) {
            bench.disk.set_faults(Faults::none());
            restart(&mut bench, rng.one_in(2)).await;
            seen.restarts += 1;
        }
    }
    bench.disk.set_faults(Faults::none());
    restart(&mut bench, true).await;
    for no in 0..16 {
        look(&bench, no, &acked, seen).await;
    }
    seen.ledger.merge(&bench.disk.ledger());
}

/// As `Bench::restart`, on a drive whose identity somebody repaired.
async fn restart(bench: &mut Bench, power: bool) {
    bench.store = None;
    bench.disk = if power { bench.disk.crash() } else { bench.disk.kill() };
    identity::write(&bench.disk.drive(), &IDENTITY).await.unwrap();
    bench.open().await.unwrap();
}

fn lies(rng: &SeededRng) -> Faults {
    let rare = When::OneIn(rng.between(4, 40));
    match rng.below(7) {
        0 => Faults::none().with(Fault::Flip, OpKind::Write, rare),
        1 => Faults::none().with(Fault::Flip, OpKind::Read, rare),
        2 => Faults::none().with(Fault::Lost, OpKind::Write, rare),
        3 => Faults::none().with(Fault::Misdirected, OpKind::Write, rare),
        4 => Faults::none().with(Fault::Unreadable, OpKind::Write, rare),
        5 => Faults::none().with(Fault::Unreadable, OpKind::Read, rare),
        _ => Faults::none(),
    }
}

/// `Bench::value` verifies every byte; a value that passes was written to this shard.
async fn look(bench: &Bench, no: u32, acked: &[Option<u64>], seen: &mut Seen) {
    seen.reads += 1;
    match (bench.value(no).await, acked[no as usize]) {
        (Ok(value), want) if value == want => seen.sound += 1,
        (Ok(_) | Err(_), _) => seen.lost += 1,
    }
}

#[test]
fn a_lying_disk_loses_shards_but_no_wrong_byte_passes() {
    let mut seen = Seen::default();
    for seed in holdfast_sim::seeds(100) {
        holdfast_sim::run(run(seed, &mut seen));
    }
    let Seen { writes, reads, sound, lost, refused, restarts, ledger } = &seen;
    eprintln!(
        "{writes} writes ({refused} refused), {reads} reads: {sound} sound, {lost} lost or old; {restarts} restarts"
    );
    eprintln!("faults {:?}; call sites hit {:?}", ledger.faults, ledger.coverage());
    if *writes > 1000 {
        for fault in [Fault::Flip, Fault::Lost, Fault::Misdirected, Fault::Unreadable] {
            assert!(ledger.count(fault) > 0, "no {fault:?} was injected");
        }
        assert!(sound > lost, "most of it survives");
    }
}
