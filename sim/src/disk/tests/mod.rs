//! The contract on the simulated disk; that each fault really happens and is
//! counted; that a power cut does what D1 to D3 say, and that a forgotten sync
//! is seen.

mod cuts;
mod faults;

use std::collections::BTreeMap;

use holdfast_io::disk::{Buf, Durability, File, contract};

use super::*;
use crate::clock::SimClock;

const BLOCKS: u64 = 8;

fn name(text: &str) -> FileName {
    FileName::new(text).unwrap()
}

fn fresh(seed: u64) -> Arc<SimDisk> {
    SimDisk::new("sim", seed, SimClock::new())
}

fn filled(blocks: u64, byte: u8) -> Buf {
    let mut buf = Buf::zeroed((blocks * BLOCK) as usize);
    buf.fill(byte);
    buf
}

#[test]
fn the_simulated_disk_keeps_the_contract() {
    for seed in crate::seeds(8) {
        crate::run(async {
            let disk = fresh(seed);
            disk.set_faults(
                Faults::none().latency(Duration::ZERO, Duration::from_millis(seed % 3 * 4)),
            );
            // A process that ends between two openings loses nothing that was completed.
            contract::run(async || disk.kill() as Arc<dyn Disk>).await;
        });
    }
}

#[test]
fn verify_notices_an_emptied_and_a_replaced_directory() {
    for damage in [Damage::Emptied, Damage::Replaced] {
        crate::run(async {
            let disk = fresh(1);
            contract::notices(disk.clone(), async || disk.damage(damage)).await;
        });
    }
}

/// What a sector may hold after a power cut, by sector.
#[derive(Default)]
struct Model {
    /// The last byte that is durable.
    durable: BTreeMap<u64, u8>,
    /// Bytes written since, durable or not.
    possible: BTreeMap<u64, Vec<u8>>,
}

impl Model {
    fn write(&mut self, at: u64, blocks: u64, byte: u8) {
        for sector in at * 8..(at + blocks) * 8 {
            self.possible.entry(sector).or_default().push(byte);
        }
    }

    /// The writes that are known to be durable.
    fn settle(&mut self, sectors: impl Iterator<Item = u64>) {
        for sector in sectors {
            if let Some(byte) =
                self.possible.remove(&sector).and_then(|bytes| bytes.last().copied())
            {
                self.durable.insert(sector, byte);
            }
        }
    }

    fn allows(&self, sector: u64, byte: u8) -> bool {
        self.durable.get(&sector).copied().unwrap_or(0) == byte
            || self.possible.get(&sector).is_some_and(|bytes| bytes.contains(&byte))
    }
}

/// Writes and syncs at random until the power goes; then compares every sector.
/// The violations of D1 and D2, and how many sectors the cut undid or tore.
fn history(seed: u64, faults: Faults) -> (u64, u64) {
    crate::run(async {
        let (disk, rng) = (fresh(seed), SeededRng::new(seed ^ 0xabcd));
        let file = disk.drive().create(name("f"), BLOCKS * BLOCK).await.unwrap();
        disk.set_faults(faults.crash_at(rng.between(1, 40)));
        let mut model = Model::default();
        for step in 1..=100u8 {
            if let Err(error) = step_once(&file, &rng, &mut model, step).await {
                assert_eq!(error.kind, DiskErrorKind::Closed, "seed {seed}: {error:?}");
                break;
            }
        }
        assert!(disk.is_off(), "seed {seed}: the power went");
        let before = disk.ledger().count(Fault::Torn);
        let disk = disk.crash();
        disk.set_faults(Faults::none());
        let torn = disk.ledger().count(Fault::Torn);
        assert_eq!(torn, before, "a life ends once");
        compare(&disk, &model).await
    })
}

async fn step_once(
    file: &File,
    rng: &SeededRng,
    model: &mut Model,
    step: u8,
) -> Result<(), DiskError> {
    let at = rng.below(BLOCKS);
    let blocks = rng.between(1, BLOCKS - at);
    if rng.one_in(5) {
        file.sync().await?;
        model.settle(0..BLOCKS * 8);
        return Ok(());
    }
    let durability = *rng.pick(&[Durability::Later, Durability::Durable]);
    model.write(at, blocks, step);
    file.write(at * BLOCK, filled(blocks, step), durability).await?;
    if durability == Durability::Durable {
        model.settle(at * 8..(at + blocks) * 8);
    }
    Ok(())
}

async fn compare(disk: &Arc<SimDisk>, model: &Model) -> (u64, u64) {
    let file = disk.drive().open(name("f")).await.unwrap();
    let bytes = disk.contents(&name("f")).unwrap();
    let (mut violations, mut undone) = (0, 0);
    for block in 0..BLOCKS {
        let readable = file.read(block * BLOCK, filled(1, 0)).await.is_ok();
        let pending = (block * 8..block * 8 + 8).any(|sector| model.possible.contains_key(&sector));
        violations += u64::from(!readable && !pending);
        for sector in block * 8..block * 8 + 8 {
            let stored = &bytes[(sector * SECTOR_BYTES) as usize..][..SECTOR_BYTES as usize];
            let whole = stored.iter().all(|byte| *byte == stored[0]);
            violations += u64::from(!whole || !model.allows(sector, stored[0]));
            let last = model.possible.get(&sector).and_then(|bytes| bytes.last());
            undone += u64::from(last.is_some_and(|byte| *byte != stored[0]) || !readable);
        }
    }
    (violations, undone)
}

#[test]
fn a_power_cut_takes_only_what_was_not_durable() {
    let mut undone = 0;
    for seed in crate::seeds(300) {
        let (violations, lost) = history(seed, Faults::none());
        assert_eq!(violations, 0, "D1, D2: seed {seed}");
        undone += lost;
    }
    assert!(std::env::var("SEED").is_ok() || undone > 1000, "cuts undid only {undone} sectors");
}

#[test]
fn planted_a_forgotten_sync_is_seen() {
    let caught = |kind| {
        let forgotten = Faults::none().with(Fault::Forgotten, kind, When::Always);
        (0..300).filter(|seed| history(*seed, forgotten.clone()).0 > 0).count()
    };
    for kind in [OpKind::Sync, OpKind::Write] {
        let seeds = caught(kind);
        assert!(seeds > 30, "{kind:?}: seen in {seeds} of 300 histories");
    }
}
