//! A bank over a log that answers badly, compared with what the log holds: every
//! history must be the serial one that the log tells (X1 to X6).

use std::collections::{BTreeMap, BTreeSet};

use holdfast_api::txn::{AutoCommit, TxnOutcome};
use holdfast_io::rng::{Rng, SeededRng};
use holdfast_sim::clock::SimClock;

use super::log::{Faults, TestLog};
use super::*;

const ACCOUNTS: u64 = 6;
const TOTAL: u64 = ACCOUNTS * 100;

/// What a session saw of one transaction.
struct Told {
    txn: TxnId,
    /// `None`: it does not know.
    outcome: Option<TxnOutcome>,
    /// What it relied on, and the timestamp at which that was last looked at.
    reads: Vec<(u64, Ts)>,
}

struct Bank {
    log: Arc<TestLog>,
    clock: Arc<SimClock>,
    node: Mutex<Arc<TxnNode>>,
    /// Nodes that were fenced: they must answer nothing wrong.
    old: Mutex<Vec<Arc<TxnNode>>>,
    rng: SeededRng,
    told: Mutex<Vec<Told>>,
    acked: Mutex<Ts>,
    ids: Mutex<Vec<TxnId>>,
    seed: u64,
}

fn account(n: u64) -> RowKey {
    RowKey { table: TABLE, key: Bytes::copy_from_slice(&[n as u8]) }
}

/// Balances at `ts`, and when each was written.
fn balances(log: &TestLog, ts: Ts) -> BTreeMap<u64, (u64, Ts)> {
    let mut at = BTreeMap::new();
    for record in log.all().iter().flat_map(|record| &record.records) {
        let record = TxnRecord::decode(record).unwrap();
        for part in record.parts.iter().filter(|_| record.ts <= ts) {
            let Part::Rows { changes, .. } = part else { panic!("only rows are written") };
            for change in changes {
                let row = change.row.clone().unwrap();
                let balance = u64::from_le_bytes(row.as_ref().try_into().unwrap());
                at.insert(u64::from(change.key[0]), (balance, record.ts));
            }
        }
    }
    at
}

impl Bank {
    fn config(&self) -> TxnConfig {
        let rng = Arc::new(SeededRng::new(self.rng.next_u64()));
        let mut config = TxnConfig::new(self.log.clone(), self.clock.clone(), rng);
        config.limits = small_limits();
        config.lease = Some(Duration::from_millis(20));
        config.commit_patience = Duration::from_millis(150);
        config
    }

    fn current(&self) -> Arc<TxnNode> {
        let old = self.old.lock();
        match old.last() {
            Some(node) if self.rng.one_in(20) => node.clone(),
            _ => self.node.lock().clone(),
        }
    }

    fn transfer(&self, at: Ts) -> (Vec<Part>, [u64; 2]) {
        let from = self.rng.below(ACCOUNTS);
        let to = (from + self.rng.between(1, ACCOUNTS - 1)) % ACCOUNTS;
        self.transfer_between(at, [from, to])
    }

    fn transfer_between(&self, at: Ts, two: [u64; 2]) -> (Vec<Part>, [u64; 2]) {
        let balances = balances(&self.log, at);
        let [from, to] = two.map(|n| balances[&n].0);
        let amount = self.rng.below(from + 1);
        let mut rows = [(two[0], from - amount), (two[1], to + amount)];
        rows.sort_unstable();
        let changes = rows.map(|(n, balance)| Change {
            key: account(n).key,
            row: Some(Bytes::copy_from_slice(&balance.to_le_bytes())),
        });
        (vec![Part::Rows { table: TABLE, schema: 1, changes: changes.into() }], two)
    }

    /// X1 holds for every node, whenever it is asked.
    async fn begin(&self, node: &TxnNode) -> Option<TxnId> {
        let acked = *self.acked.lock();
        let txn = node.begin().await.ok()?;
        assert!(txn.born >= acked, "X1: {} covers not {acked}, seed {}", txn.born, self.seed);
        self.ids.lock().push(txn);
        Some(txn)
    }

    fn tell(&self, txn: TxnId, reads: Vec<(u64, Ts)>, result: Result<Committed, TxnError>) {
        let outcome = match result {
            Ok(committed) => {
                let mut acked = self.acked.lock();
                *acked = acked.max(committed.ts);
                Some(TxnOutcome::Committed(committed))
            }
            Err(TxnError::Unknown(_)) => None,
            Err(_) => Some(TxnOutcome::Aborted),
        };
        self.told.lock().push(Told { txn, outcome, reads });
    }

    /// Reads, then commits what it read if nobody changed it.
    async fn optimistic(&self, node: &TxnNode, txn: TxnId) {
        let (parts, two) = self.transfer(txn.born);
        self.nap(3).await;
        let checks = two.map(|n| Check { row: account(n), since: txn.born }).into();
        let request = CommitRequest { txn, checks, locked_in: None, parts };
        self.tell(txn, two.map(|n| (n, txn.born)).into(), node.commit(request).await);
    }

    /// Locks, looks again, commits without checks.
    async fn pessimistic(&self, node: &TxnNode, txn: TxnId) {
        let (_, mut two) = self.transfer(txn.born);
        if self.rng.one_in(2) {
            two.sort_unstable();
        }
        let locked_in = Some(node.epoch());
        let mut at = txn.born;
        let pieces: Vec<Vec<Lockable>> = match self.rng.below(6) {
            0 => vec![vec![Lockable::Table(TABLE)]],
            1 => {
                let range = Lockable::Range {
                    table: TABLE,
                    from: account(*two.iter().min().unwrap()).key,
                    to: self.rng.one_in(2).then(|| account(two[0].max(two[1]) + 1).key),
                };
                vec![vec![range]]
            }
            _ => two.iter().map(|n| vec![Lockable::Row(account(*n))]).collect(),
        };
        for locks in pieces {
            let locks: Vec<_> = locks.into_iter().map(|lock| (lock, LockMode::Exclusive)).collect();
            let wait = match self.rng.below(8) {
                0 => LockWait::NoWait,
                _ => LockWait::For(Duration::from_millis(self.rng.between(5, 60))),
            };
            let request = LockRequest { txn, locks: locks.clone(), wait, since: txn.born };
            if self.rng.one_in(15) {
                // The connection is lost while it waits.
                let clock: Arc<dyn Clock> = self.clock.clone();
                let _ = deadline(&clock, Duration::from_millis(1), node.lock(request)).await;
                return node.release(txn);
            }
            match node.lock(request).await {
                Ok(grant) => {
                    at = grant.at;
                    self.check_grant(txn, &locks, &grant);
                }
                Err(_) => return node.release(txn),
            }
            self.nap(4).await;
        }
        let (parts, _) = self.transfer_between(at, two);
        if self.rng.one_in(8) {
            return node.release(txn);
        }
        let request = CommitRequest { txn, checks: vec![], locked_in, parts };
        self.tell(txn, two.map(|n| (n, at)).into(), node.commit(request).await);
    }

    /// `changed` is never false where something changed.
    fn check_grant(&self, txn: TxnId, locks: &[(Lockable, LockMode)], grant: &LockGrant) {
        let latest = balances(&self.log, grant.at);
        let sum: u64 = latest.values().map(|(balance, _)| balance).sum();
        assert_eq!(sum, TOTAL, "seed {}", self.seed);
        let changed = latest.iter().any(|(n, (_, ts))| {
            let row = account(*n);
            let is_locked = locks.iter().any(|(lock, _)| match lock {
                Lockable::Row(locked) => *locked == row,
                Lockable::Range { from, to, .. } => {
                    *from <= row.key && to.as_ref().is_none_or(|to| row.key < *to)
                }
                Lockable::Table(_) => true,
            });
            is_locked && *ts > txn.born
        });
        assert!(
            grant.changed || !changed,
            "{txn} was told that nothing changed, seed {}",
            self.seed
        );
    }

    async fn automatic(&self, node: &TxnNode, txn: TxnId) {
        let (parts, two) = self.transfer(txn.born);
        let locks = two.map(|n| (Lockable::Row(account(n)), LockMode::Exclusive)).into();
        let wait = LockWait::For(Duration::from_millis(50));
        let lock = LockRequest { txn, locks, wait, since: txn.born };
        let checks = two.map(|n| Check { row: account(n), since: txn.born }).into();
        let locked_in = Some(node.epoch());
        let commit = CommitRequest { txn, checks, locked_in, parts };
        match node.lock_and_commit(lock, commit).await {
            Ok(AutoCommit::Done(committed)) => {
                self.tell(txn, two.map(|n| (n, txn.born)).into(), Ok(committed));
            }
            Ok(AutoCommit::Changed { at }) => {
                let (parts, _) = self.transfer_between(at, two);
                self.nap(2).await;
                let request = CommitRequest { txn, checks: vec![], locked_in, parts };
                self.tell(txn, two.map(|n| (n, at)).into(), node.commit(request).await);
            }
            Err(error) => {
                node.release(txn);
                self.tell(txn, Vec::new(), Err(error));
            }
        }
    }

    async fn nap(&self, most_ms: u64) {
        self.clock.sleep(Duration::from_micros(self.rng.below(most_ms * 1000))).await;
    }

    async fn session(self: Arc<Self>) {
        for _ in 0..25 {
            let node = self.current();
            self.nap(5).await;
            let Some(txn) = self.begin(&node).await else { continue };
            match self.rng.below(10) {
                0..=2 => self.optimistic(&node, txn).await,
                3..=6 => self.pessimistic(&node, txn).await,
                7 | 8 => self.automatic(&node, txn).await,
                _ => {
                    let asked = *self.rng.pick(&self.ids.lock());
                    if let Ok(outcome) = node.outcome(asked).await {
                        let reads = Vec::new();
                        self.told.lock().push(Told { txn: asked, outcome: Some(outcome), reads });
                    }
                }
            }
        }
    }

    /// Other nodes take over; the log is full for a while.
    async fn trouble(self: Arc<Self>) {
        for _ in 0..self.rng.below(4) {
            self.nap(120).await;
            if self.rng.one_in(3) {
                self.log.set_full(true);
                self.nap(40).await;
                self.log.set_full(false);
                continue;
            }
            let next = TxnNode::start(self.config()).await.unwrap();
            let old = std::mem::replace(&mut *self.node.lock(), next);
            if self.rng.one_in(2) {
                old.shutdown().await;
            }
            self.old.lock().push(old);
        }
    }

    /// What everybody was told against what the log holds.
    fn judge(&self) -> u64 {
        let seed = self.seed;
        let (mut last, mut written) = (Ts(0), BTreeMap::new());
        let mut committed = BTreeMap::new();
        let mut reads: BTreeMap<TxnId, Vec<(u64, Ts)>> = BTreeMap::new();
        for told in self.told.lock().iter().filter(|told| !told.reads.is_empty()) {
            reads.insert(told.txn, told.reads.clone());
        }
        for record in self.log.all() {
            for bytes in &record.records {
                let found = TxnRecord::decode(bytes).unwrap();
                assert!(found.ts > last, "X3: {} after {last}, seed {seed}", found.ts);
                last = found.ts;
                let at = Committed { ts: found.ts, lsn: record.lsn };
                assert_eq!(committed.insert(found.txn, at), None, "C3: twice, seed {seed}");
                for (n, since) in reads.get(&found.txn).into_iter().flatten() {
                    let changed: Ts = written.get(n).copied().unwrap_or_default();
                    assert!(changed <= *since, "X4: {n} at {since}, {changed}, seed {seed}");
                }
                for part in &found.parts {
                    let Part::Rows { changes, .. } = part else { continue };
                    written.extend(changes.iter().map(|row| (u64::from(row.key[0]), last)));
                }
                let sum: u64 = balances(&self.log, last).values().map(|(n, _)| n).sum();
                assert_eq!(sum, TOTAL, "the bank at {last}, seed {seed}");
            }
        }
        for Told { txn, outcome, .. } in self.told.lock().iter() {
            match outcome {
                Some(TxnOutcome::Committed(told)) => {
                    assert_eq!(committed.get(txn), Some(told), "X2: {txn}, seed {seed}");
                }
                Some(TxnOutcome::Aborted) => {
                    assert_eq!(committed.get(txn), None, "X5: {txn}, seed {seed}");
                }
                Some(TxnOutcome::Forgotten) | None => {}
            }
        }
        committed.len() as u64
    }

    /// Those who do not know ask: X5 decides.
    async fn ask(&self) {
        let node = self.node.lock().clone();
        let unknown: BTreeSet<TxnId> = self.ids.lock().iter().copied().collect();
        for txn in unknown {
            let outcome = loop {
                match node.outcome(txn).await {
                    Ok(outcome) => break outcome,
                    Err(TxnError::Unknown(_) | TxnError::Busy) => self.nap(5).await,
                    Err(error) => panic!("{error}, seed {}", self.seed),
                }
            };
            self.told.lock().push(Told { txn, outcome: Some(outcome), reads: Vec::new() });
        }
        let acked = *self.acked.lock();
        let now = loop {
            match node.now().await {
                Err(TxnError::Busy) => self.nap(5).await,
                now => break now.unwrap(),
            }
        };
        assert!(now >= acked, "X1, seed {}", self.seed);
        let status = node.status();
        assert_eq!((status.locks, status.waiting), (0, 0), "nothing is left, seed {}", self.seed);
        self.log.set_full(false);
    }
}

async fn open(seed: u64) -> Arc<Bank> {
    let clock = SimClock::new();
    let log = TestLog::new(seed ^ 77, clock.clone());
    let rng = SeededRng::new(seed);
    let first = TxnConfig {
        limits: small_limits(),
        ..TxnConfig::new(log.clone(), clock.clone(), Arc::new(SeededRng::new(seed ^ 5)))
    };
    let node = TxnNode::start(first).await.unwrap();
    let txn = node.begin().await.unwrap();
    let row = Some(Bytes::copy_from_slice(&100u64.to_le_bytes()));
    let changes = (0..ACCOUNTS).map(|n| Change { key: account(n).key, row: row.clone() }).collect();
    let parts = vec![Part::Rows { table: TABLE, schema: 1, changes }];
    let request = CommitRequest { txn, checks: vec![], locked_in: None, parts };
    let first = node.commit(request).await.unwrap();
    node.shutdown().await;
    let bank = Bank {
        log,
        clock,
        node: Mutex::new(node),
        old: Mutex::default(),
        rng,
        told: Mutex::default(),
        acked: Mutex::new(first.ts),
        ids: Mutex::default(),
        seed,
    };
    let node = TxnNode::start(bank.config()).await.unwrap();
    *bank.node.lock() = node;
    Arc::new(bank)
}

#[test]
fn a_bank_over_a_log_that_answers_badly_is_the_serial_one() {
    let (mut commits, mut faults, mut conflicts) = (0, 0, 0);
    for seed in holdfast_sim::seeds(60) {
        holdfast_sim::run(async {
            let bank = open(seed).await;
            let often = [0, 3, 8][(seed % 3) as usize];
            let refused = [0, 12][(seed % 2) as usize];
            bank.log.set_faults(Faults {
                ambiguous: often,
                refused,
                slow_ms: 4,
                ..Faults::default()
            });
            let mut tasks: Vec<_> = (0..5).map(|_| tokio::spawn(bank.clone().session())).collect();
            tasks.push(tokio::spawn(bank.clone().trouble()));
            for task in tasks {
                task.await.unwrap();
            }
            bank.log.set_faults(Faults::default());
            bank.ask().await;
            // Ghosts that are still on their way come too late to matter.
            bank.nap(100).await;
            let node = bank.node.lock().clone();
            conflicts += node.status().conflicts;
            node.shutdown().await;
            commits += bank.judge();
            faults += bank.log.struck();
        });
    }
    let is_whole = std::env::var("SEED").is_err();
    assert!(!is_whole || (commits > 1500 && faults > 300 && conflicts > 100));
    println!("{commits} commits, {faults} faults, {conflicts} conflicts");
}
