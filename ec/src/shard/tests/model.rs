//! The seeded model test.

use std::collections::BTreeMap;

use holdfast_sim::disk::Ledger;
use holdfast_sim::report::Report;

use super::*;

/// Longer than any sync of the simulated disk that does not stall.
const SYNC_TAKES: Duration = Duration::from_millis(50);

/// A shard's value: a version, or nothing.
type Value = Option<u64>;

/// What the model knows of one shard.
#[derive(Debug)]
struct Fate {
    /// What was tried, in order, and whether it was acknowledged. Never empty.
    log: Vec<(Value, bool)>,
    /// The last entry that a power cut cannot undo.
    floor: usize,
    /// A restart found a torn frame that nobody was told of.
    broken: bool,
    /// The first entry of `log` stands for such a frame.
    broken_base: bool,
}

/// How a store died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Death {
    Power,
    /// An error took the drive offline; what a failed sync was to settle may be lost.
    Failed,
    Kill,
    Close,
}

#[derive(Debug, Default)]
struct Tally {
    ledger: Ledger,
    writes: u64,
    deletes: u64,
    reads: u64,
    restarts: BTreeMap<&'static str, u64>,
    refused: u64,
}

struct Model {
    seed: u64,
    bench: Bench,
    rng: SeededRng,
    shards: BTreeMap<u32, Fate>,
    version: u64,
    /// A full disk makes deletions that a restart may forget.
    full: bool,
    tally: Tally,
}

impl Default for Fate {
    fn default() -> Self {
        Self { log: vec![(None, true)], floor: 0, broken: false, broken_base: false }
    }
}

impl Fate {
    fn now(&self) -> Value {
        self.log.iter().rev().find(|(_, acked)| *acked).expect("the first entry is").0
    }

    fn last_acked(&self) -> usize {
        self.log.iter().rposition(|(_, acked)| *acked).expect("the first entry is")
    }

    /// What a restart may find.
    fn survivors(&self, death: Death) -> &[(Value, bool)] {
        match death {
            Death::Power | Death::Failed => &self.log[self.floor..],
            Death::Kill | Death::Close => &self.log[self.last_acked().min(self.forgettable())..],
        }
    }

    /// Where `floor` was put back to: a deletion without a tombstone.
    fn forgettable(&self) -> usize {
        if self.floor == 0 && self.log.len() > 1 && self.now().is_none() { 0 } else { usize::MAX }
    }
}

impl Model {
    async fn run(seed: u64, steps: u32) -> Tally {
        let bench = Bench::new(seed).await;
        let rng = SeededRng::new(seed.wrapping_mul(31));
        let (shards, tally) = (BTreeMap::new(), Tally::default());
        let mut model = Self { seed, bench, rng, shards, version: 0, full: false, tally };
        for _ in 0..steps {
            model.step().await;
        }
        model.bench.disk.set_faults(Faults::none());
        model.die(Death::Kill).await;
        model.bench.sleep(Duration::from_secs(20)).await;
        model.check_all().await;
        model.tally.ledger = model.bench.disk.ledger();
        model.tally
    }

    async fn step(&mut self) {
        match self.rng.below(100) {
            0..40 => self.write().await,
            40..55 => self.delete().await,
            55..65 => self.sync().await,
            65..85 => self.read().await,
            85..90 => self.bench.sleep(Duration::from_millis(self.rng.below(4000))).await,
            90..92 => self.plan_faults(),
            92..95 => {
                let n = self.rng.between(1, 30);
                self.bench.disk.power().crash_in(n);
            }
            95 => self.squeeze().await,
            96 => self.die(Death::Power).await,
            97 => self.die(Death::Kill).await,
            98 => self.die(Death::Close).await,
            _ => self.check_all().await,
        }
        self.revive().await;
    }

    /// Some writes at once, of different shards.
    async fn write(&mut self) {
        let mut wanted: Vec<u32> = (0..self.rng.between(1, 8)).map(|_| self.pick()).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let writes: Vec<_> = wanted
            .into_iter()
            .map(|no| {
                self.version += 1;
                let durable = self.rng.one_in(2);
                (no, self.version, if durable { Durability::Durable } else { Durability::Later })
            })
            .collect();
        let bench = &self.bench;
        let done = futures_util::future::join_all(
            writes.iter().map(|(no, version, durability)| bench.write(*no, *version, *durability)),
        );
        for (result, (no, version, durability)) in done.await.into_iter().zip(&writes) {
            self.tally.writes += 1;
            self.saw(&result);
            let fate = self.shards.entry(*no).or_default();
            fate.log.push((Some(*version), result.is_ok()));
            if result.is_ok() {
                fate.broken = false;
                if *durability == Durability::Durable {
                    fate.floor = fate.log.len() - 1;
                }
            }
        }
    }

    async fn delete(&mut self) {
        let mut wanted: Vec<u32> = (0..self.rng.between(1, 12)).map(|_| self.pick()).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let result = self.bench.store().delete(wanted.iter().copied().map(id).collect()).await;
        self.saw(&result);
        for no in wanted {
            self.tally.deletes += 1;
            let fate = self.shards.entry(no).or_default();
            fate.log.push((None, result.is_ok()));
            if result.is_ok() {
                fate.broken = false;
                if self.full {
                    fate.floor = 0;
                }
            }
        }
    }

    async fn sync(&mut self) {
        let result = self.bench.store().sync().await;
        self.saw(&result);
        if result.is_ok() {
            for fate in self.shards.values_mut() {
                if fate.now().is_some() || !self.full {
                    fate.floor = fate.last_acked();
                }
            }
        }
    }

    async fn read(&mut self) {
        for _ in 0..self.rng.between(1, 6) {
            let no = self.pick();
            self.check(no).await;
        }
    }

    async fn check_all(&mut self) {
        let all: Vec<u32> = self.shards.keys().copied().collect();
        for no in all {
            self.check(no).await;
        }
    }

    /// A running store answers with the last acknowledged value, or with an error
    /// that the plan of faults explains.
    async fn check(&mut self, no: u32) {
        self.tally.reads += 1;
        let value = self.bench.value(no).await;
        let fate = self.shards.entry(no).or_default();
        match value {
            Ok(value) => {
                let seed = self.seed;
                assert!(
                    value == fate.now() && !fate.broken,
                    "seed {seed}: shard {no} is {value:?}, the model says {fate:?}"
                );
            }
            Err(DriveError::Corrupt { what, .. }) if !fate.broken => {
                // A sync that is about to err has lost what it was to settle: the drive
                // goes offline for it, and a restart takes stock.
                self.bench.sleep(SYNC_TAKES).await;
                let online = self.bench.store().status().state == DriveState::Online;
                let fate = &self.shards[&no];
                assert!(!online, "seed {}: shard {no} is corrupt: {what}; {fate:?}", self.seed);
            }
            Err(DriveError::Corrupt { .. }) => {}
            Err(error) => {
                let result = Err(error);
                self.saw(&result);
            }
        }
    }

    fn saw(&mut self, result: &Result<(), DriveError>) {
        if let Err(error) = result {
            self.tally.refused += 1;
            self.full |= matches!(error, DriveError::Full { .. });
        }
    }

    fn pick(&self) -> u32 {
        self.rng.below(24) as u32
    }

    /// Errors, stalls and delays; nothing that spoils what was stored.
    fn plan_faults(&mut self) {
        let mut faults = Faults::none();
        if self.rng.one_in(2) {
            faults = faults.latency(Duration::ZERO, Duration::from_millis(6));
        }
        let rare = When::OneIn(self.rng.between(20, 200));
        faults = match self.rng.below(6) {
            0 => faults.with(Fault::Eio, OpKind::Write, rare),
            1 => faults.with(Fault::Eio, OpKind::Sync, rare),
            2 => faults.with(Fault::Eio, OpKind::Read, rare),
            3 => faults.with(
                Fault::Stall,
                *self.rng.pick(&[OpKind::Write, OpKind::Read, OpKind::Sync]),
                rare,
            ),
            4 => faults.with(
                Fault::Eio,
                *self.rng.pick(&[
                    OpKind::Punch,
                    OpKind::Create,
                    OpKind::Verify,
                    OpKind::Load,
                    OpKind::Remove,
                ]),
                rare,
            ),
            _ => faults,
        };
        faults.torn_one_in = self.rng.between(2, 64);
        self.bench.disk.set_faults(faults);
    }

    /// The disk gets small, or large again.
    async fn squeeze(&mut self) {
        if self.rng.one_in(2) {
            self.full = true;
            self.bench.disk.set_capacity(self.rng.between(1 << 20, 4 << 20));
        } else {
            self.bench.disk.set_capacity(1 << 40);
            self.bench.sleep(Duration::from_secs(3)).await;
        }
    }

    /// Restarts what has died by itself.
    async fn revive(&mut self) {
        if self.bench.disk.is_off() {
            self.reopen(Death::Power).await;
        } else if self.bench.store().status().state != DriveState::Online {
            self.reopen(Death::Failed).await;
        }
    }

    async fn die(&mut self, death: Death) {
        if death == Death::Close {
            self.bench.store().close().await;
        }
        let state = self.bench.store().status().state;
        let failed = matches!(state, DriveState::Offline(why) if why != "closed");
        if death == Death::Power || self.bench.disk.is_off() {
            self.reopen(Death::Power).await;
        } else {
            self.reopen(if failed { Death::Failed } else { death }).await;
        }
    }

    /// Starts again, and takes stock: every shard must be one that may have survived.
    async fn reopen(&mut self, death: Death) {
        let name = match death {
            Death::Power => "power cut",
            Death::Failed => "drive failed",
            Death::Kill => "kill",
            Death::Close => "close",
        };
        *self.tally.restarts.entry(name).or_default() += 1;
        let mut faults = Faults::none();
        faults.torn_one_in = self.rng.between(2, 64);
        self.bench.disk.set_faults(faults.clone());
        // The power may go again while it recovers, or while stock is taken.
        let mut death = death;
        while !self.restarted(death).await {
            death = Death::Power;
        }
    }

    async fn restarted(&mut self, death: Death) -> bool {
        self.bench.store = None;
        let power = death == Death::Power;
        self.bench.disk = if power { self.bench.disk.crash() } else { self.bench.disk.kill() };
        if self.rng.one_in(12) {
            self.spoil_a_spare();
        }
        if let Err(error) = self.bench.open().await {
            assert!(self.bench.disk.is_off(), "seed {}: {error}", self.seed);
            return false;
        }
        let mut shards = std::mem::take(&mut self.shards);
        for (no, fate) in &mut shards {
            self.take_stock(*no, fate, death).await;
        }
        self.shards = shards;
        !self.bench.disk.is_off()
    }

    /// A segment that holds nothing yet gets heads that nobody can read: it is left alone.
    fn spoil_a_spare(&self) {
        let disk = &self.bench.disk;
        let fresh = (1..60).map(|no| segment::SegmentNo(no).file_name()).find(|name| {
            disk.contents(name).is_some_and(|bytes| bytes.iter().all(|&byte| byte == 0))
        });
        if let Some(name) = fresh {
            disk.tamper(&name, 100, |byte| *byte = 0x55);
        }
    }

    async fn take_stock(&mut self, no: u32, fate: &mut Fate, death: Death) {
        let seed = self.seed;
        let survivors = fate.survivors(death);
        let found = self.bench.value(no).await;
        if self.bench.disk.is_off() {
            return;
        }
        let value = match found {
            Ok(value) => {
                let survived = |value| survivors.iter().any(|(survivor, _)| *survivor == value);
                // A deletion that found no room for its tombstone may bring back any
                // earlier value.
                let possible = survived(value) || (self.full && survived(None));
                assert!(
                    possible
                        && !(fate.broken && value.is_some() && survivors.len() == 1 && !self.full),
                    "seed {seed}: after {death:?} shard {no} is {value:?}; {fate:?}"
                );
                value
            }
            Err(error @ (DriveError::Corrupt { .. } | DriveError::Disk { .. })) => {
                // A torn frame of a write that nobody was told of may be found where
                // there may be nothing; it never hides a value that was durable.
                // (So may a value whose deletion found no room for its tombstone.)
                let torn = survivors.iter().skip(1).any(|(value, _)| value.is_some());
                // Its deletion may be undone as any other.
                let base = fate.broken_base && survivors.len() == fate.log.len();
                let deleted = survivors.iter().any(|(value, _)| value.is_none());
                assert!(
                    fate.broken || base || (deleted && (torn || self.full)),
                    "seed {seed}: after {death:?} shard {no}: {error:?}; {fate:?}"
                );
                *fate = Fate { broken: true, broken_base: true, ..Fate::default() };
                return;
            }
            Err(error) => panic!("seed {seed}: after {death:?} shard {no}: {error}"),
        };
        *fate = Fate { log: vec![(value, true)], ..Fate::default() };
    }
}

#[test]
fn acknowledged_shards_survive_crashes_errors_and_full_disks() {
    let seeds = holdfast_sim::seeds(200);
    let report = Report::sweeping("shard", seeds, |seed| {
        let tally = holdfast_sim::run(Model::run(seed, 150));
        let mut sum = holdfast_sim::report::Tally { ledger: tally.ledger, ..Default::default() };
        for (what, count) in [
            ("writes", tally.writes),
            ("deletes", tally.deletes),
            ("reads", tally.reads),
            ("refused", tally.refused),
            ("acknowledged", (tally.writes + tally.deletes).saturating_sub(tally.refused)),
        ] {
            sum.add(what, count);
        }
        for (name, count) in tally.restarts {
            sum.add(name, count);
        }
        sum
    });
    let needed = ["writes", "deletes", "reads", "refused", "acknowledged"];
    report.finish(200, &[&needed[..], &["power cut", "drive failed", "kill", "close"]].concat());
}
