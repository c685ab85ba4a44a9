//! What one node does, case by case.

use holdfast_api::log::{LogError, LogService};
use holdfast_api::txn::{AutoCommit, TxnOutcome};
use holdfast_base::Epoch;
use holdfast_io::rng::SeededRng;
use holdfast_sim::clock::SimClock;

use super::log::{Faults, TestLog};
use super::*;

struct World {
    clock: Arc<SimClock>,
    log: Arc<TestLog>,
}

impl World {
    fn new() -> Self {
        let clock = SimClock::new();
        Self { log: TestLog::new(1, clock.clone()), clock }
    }

    fn config(&self) -> TxnConfig {
        let rng = Arc::new(SeededRng::new(9));
        let config = TxnConfig::new(self.log.clone(), self.clock.clone(), rng);
        TxnConfig { limits: small_limits(), ..config }
    }

    async fn start(&self) -> Arc<TxnNode> {
        TxnNode::start(self.config()).await.unwrap()
    }
}

fn row(key: &str) -> RowKey {
    RowKey { table: TABLE, key: Bytes::copy_from_slice(key.as_bytes()) }
}

fn put(txn: TxnId, key: &str) -> CommitRequest {
    let change = Change { key: row(key).key, row: Some(Bytes::from_static(b"v")) };
    let parts = vec![Part::Rows { table: TABLE, schema: 1, changes: vec![change] }];
    CommitRequest { txn, checks: vec![], locked_in: None, parts }
}

fn want(txn: TxnId, key: &str, ms: u64) -> LockRequest {
    let wait = match ms {
        0 => LockWait::NoWait,
        ms => LockWait::For(Duration::from_millis(ms)),
    };
    let locks = vec![(Lockable::Row(row(key)), LockMode::Exclusive)];
    LockRequest { txn, locks, wait, since: txn.born }
}

#[test]
fn a_commit_is_seen_by_now_and_survives_a_restart_with_its_outcome() {
    holdfast_sim::run(async {
        let world = World::new();
        let node = world.start().await;
        assert_eq!((node.epoch(), node.now().await), (Epoch(1), Ok(Ts(0))));
        let txn = node.begin().await.unwrap();
        let committed = node.commit(put(txn, "a")).await.unwrap();
        assert_eq!(node.now().await, Ok(committed.ts), "X1");
        assert_eq!(node.commit(put(txn, "a")).await, Ok(committed), "C3: once");
        assert_eq!(world.log.all().len(), 1);
        let lost = node.begin().await.unwrap();
        node.shutdown().await;
        assert!(matches!(node.now().await, Err(TxnError::Stopped(_))));
        let node = world.start().await;
        assert_eq!(node.now().await, Ok(committed.ts));
        assert_eq!(node.outcome(txn).await, Ok(TxnOutcome::Committed(committed)));
        let dead = Err(TxnError::TooOld { horizon: committed.ts });
        assert_eq!(node.commit(put(lost, "b")).await, dead, "O2: of an earlier epoch");
        assert_eq!(node.outcome(lost).await, Ok(TxnOutcome::Aborted), "X5");
        let next = node.begin().await.unwrap();
        assert!(node.commit(put(next, "b")).await.unwrap().ts > committed.ts);
        node.shutdown().await;
    });
}

#[test]
fn whoever_asks_for_an_outcome_decides_it() {
    holdfast_sim::run(async {
        let world = World::new();
        let node = world.start().await;
        let txn = node.begin().await.unwrap();
        node.lock(want(txn, "a", 0)).await.unwrap();
        assert_eq!(node.outcome(txn).await, Ok(TxnOutcome::Aborted));
        assert_eq!(node.status().locks, 0);
        assert_eq!(node.commit(put(txn, "a")).await, Err(TxnError::Decided(txn)), "X5");
        assert_eq!(node.lock(want(txn, "a", 0)).await, Err(TxnError::Decided(txn)));
        node.shutdown().await;
    });
}

#[test]
fn waits_end_in_time_and_a_dropped_one_leaves_the_queue() {
    holdfast_sim::run(async {
        let world = World::new();
        let node = world.start().await;
        let (a, b, c) = (node.begin().await, node.begin().await, node.begin().await);
        let (a, b, c) = (a.unwrap(), b.unwrap(), c.unwrap());
        node.lock(want(a, "k", 0)).await.unwrap();
        assert_eq!(node.lock(want(b, "k", 0)).await, Err(TxnError::LockBusy));
        let late = Duration::from_millis(30);
        assert_eq!(node.lock(want(b, "k", 30)).await, Err(TxnError::LockTimeout(late)), "X6");
        assert_eq!(world.clock.monotonic(), late);
        let mut skip = want(b, "k", 0);
        skip.wait = LockWait::SkipLocked;
        skip.locks.push((Lockable::Row(row("free")), LockMode::Exclusive));
        assert_eq!(node.lock(skip).await.unwrap().skipped, [0]);
        let clock: Arc<dyn Clock> = world.clock.clone();
        let killed = deadline(&clock, late, node.lock(want(b, "k", 5000))).await;
        assert!(killed.is_err());
        assert_eq!(node.status().waiting, 0, "N3");
        let waiting = tokio::spawn({
            let node = node.clone();
            async move { node.lock(want(c, "k", 5000)).await }
        });
        world.clock.sleep(late).await;
        let committed = node.commit(put(a, "k")).await.unwrap();
        let grant = waiting.await.unwrap().unwrap();
        assert_eq!(grant, LockGrant { at: committed.ts, skipped: vec![], changed: true });
        node.release(c);
        node.release(b);
        assert_eq!((node.status().locks, node.status().lockers), (0, 0));
        node.shutdown().await;
    });
}

#[test]
fn a_deadlock_is_found_and_not_waited_out() {
    holdfast_sim::run(async {
        let world = World::new();
        let node = world.start().await;
        let (a, b) = (node.begin().await.unwrap(), node.begin().await.unwrap());
        node.lock(want(a, "x", 0)).await.unwrap();
        node.lock(want(b, "y", 0)).await.unwrap();
        let waiting = tokio::spawn({
            let node = node.clone();
            async move { node.lock(want(a, "y", 50_000)).await }
        });
        world.clock.sleep(Duration::from_millis(1)).await;
        assert_eq!(node.lock(want(b, "x", 50_000)).await, Err(TxnError::Deadlock(b)));
        waiting.await.unwrap().unwrap();
        assert_eq!(world.clock.monotonic(), Duration::from_millis(1), "X6");
        assert_eq!(node.status().deadlocks, 1);
        node.shutdown().await;
    });
}

#[test]
fn a_commit_is_refused_where_something_changed_or_is_locked_by_another() {
    holdfast_sim::run(async {
        let world = World::new();
        let node = world.start().await;
        let (a, b, c) = (node.begin().await, node.begin().await, node.begin().await);
        let (a, b, c) = (a.unwrap(), b.unwrap(), c.unwrap());
        node.lock(want(a, "k", 0)).await.unwrap();
        let conflict = Err(TxnError::Conflict { key: row("k") });
        assert_eq!(node.commit(put(b, "k")).await, conflict, "C2");
        // The log is slow: what is on its way counts already.
        world.log.set_faults(Faults { slow_ms: 50, ..Faults::default() });
        let since = node.now().await.unwrap();
        let mut checked = put(c, "other");
        checked.checks = vec![Check { row: row("k"), since }];
        let (first, second) = tokio::join!(node.commit(put(a, "k")), node.commit(checked));
        assert!(first.is_ok());
        assert_eq!(second, Err(TxnError::Conflict { key: row("k") }), "X4: pending");
        let d = node.begin().await.unwrap();
        let mut old = put(d, "k");
        old.checks = vec![Check { row: row("k"), since }];
        let done = node.lock_and_commit(LockRequest { since, ..want(d, "k", 0) }, old).await;
        let at = node.now().await.unwrap();
        assert_eq!(done, Ok(AutoCommit::Changed { at }));
        assert_eq!(node.status().locks, 1, "the locks are held");
        let mut lost = put(d, "k");
        lost.locked_in = Some(Epoch(7));
        let given = Epoch(7);
        let gone = Err(TxnError::LocksLost { given, current: Epoch(1) });
        assert_eq!(node.commit(lost).await, gone);
        assert_eq!(node.status().locks, 0, "whatever comes of it");
        node.shutdown().await;
    });
}

#[test]
fn a_lock_keeps_a_check_alive_beyond_the_window() {
    holdfast_sim::run(async {
        let world = World::new();
        let mut config = world.config();
        config.limits.recent_bytes = 64 * 4;
        let node = TxnNode::start(config).await.unwrap();
        let (a, b) = (node.begin().await.unwrap(), node.begin().await.unwrap());
        let grant = node.lock(want(a, "k", 0)).await.unwrap();
        for n in 0..20 {
            let txn = node.begin().await.unwrap();
            node.commit(put(txn, &format!("n{n}"))).await.unwrap();
        }
        let check = |key: &str, since: Ts| vec![Check { row: row(key), since }];
        let mut loose = put(b, "z");
        loose.checks = check("never-written", b.born);
        let refused = node.commit(loose).await;
        assert!(matches!(refused, Err(TxnError::TooOld { .. })), "W2: {refused:?}");
        let mut held = put(a, "k");
        held.checks = check("k", grant.at);
        node.commit(held).await.unwrap();
        node.shutdown().await;
    });
}

#[test]
fn a_full_log_refuses_commits_and_takes_them_again_when_it_has_room() {
    holdfast_sim::run(async {
        let world = World::new();
        let node = world.start().await;
        world.log.set_full(true);
        let a = node.begin().await.unwrap();
        let full = node.commit(put(a, "k")).await;
        assert!(matches!(full, Err(TxnError::Log(LogError::Full { .. }))), "{full:?}");
        assert_eq!(node.status().locks, 0);
        world.log.set_full(false);
        let mut again = put(node.begin().await.unwrap(), "k");
        again.checks = vec![Check { row: row("k"), since: node.now().await.unwrap() }];
        node.commit(again).await.unwrap();
        assert_eq!(world.log.all()[0].seq, 1, "T2: the number was not used");
        node.shutdown().await;
    });
}

#[test]
fn a_fenced_node_stops_and_refuses() {
    holdfast_sim::run(async {
        let world = World::new();
        let (old, new) = (world.start().await, world.start().await);
        let txn = old.begin().await.unwrap();
        let waiter = old.begin().await.unwrap();
        old.lock(want(txn, "k", 0)).await.unwrap();
        let (commit, waiting) =
            tokio::join!(old.commit(put(txn, "k")), old.lock(want(waiter, "k", 50_000)),);
        assert!(matches!(commit, Err(TxnError::Stopped(_))), "{commit:?}");
        assert!(matches!(waiting, Err(TxnError::Stopped(_))), "{waiting:?}");
        assert!(matches!(old.now().await, Err(TxnError::Stopped(_))));
        assert!(world.log.all().is_empty());
        let txn = new.begin().await.unwrap();
        new.commit(put(txn, "k")).await.unwrap();
        new.shutdown().await;
    });
}

#[test]
fn a_node_that_is_cut_off_gives_no_timestamp_once_another_may_serve() {
    holdfast_sim::run(async {
        let world = World::new();
        let lease = Some(Duration::from_secs(1));
        let cut = world.log.elsewhere(3);
        let config = TxnConfig { log: cut.clone(), lease, ..world.config() };
        let old = TxnNode::start(config).await.unwrap();
        world.clock.sleep(Duration::from_millis(1)).await;
        let first = old.begin().await.unwrap();
        old.commit(put(first, "a")).await.unwrap();
        cut.set_faults(Faults { is_cut_off: true, ..Faults::default() });
        let before = old.now().await.unwrap();
        let new = TxnNode::start(TxnConfig { lease, ..world.config() }).await.unwrap();
        world.clock.sleep(Duration::from_millis(1)).await;
        let txn = new.begin().await.unwrap();
        let committed = new.commit(put(txn, "a")).await.unwrap();
        assert!(committed.ts > before);
        assert_eq!(old.now().await, Err(TxnError::Busy), "X1, E1");
        assert_eq!(old.begin().await, Err(TxnError::Busy));
        new.shutdown().await;
    });
}

#[test]
fn a_commit_without_changes_is_validated_and_not_logged() {
    holdfast_sim::run(async {
        let world = World::new();
        let node = world.start().await;
        let a = node.begin().await.unwrap();
        let first = node.commit(put(a, "k")).await.unwrap();
        let read = |txn, since| CommitRequest {
            parts: vec![],
            checks: vec![Check { row: row("k"), since }],
            ..put(txn, "k")
        };
        let b = node.begin().await.unwrap();
        assert_eq!(node.commit(read(b, first.ts)).await, Ok(first));
        let c = node.begin().await.unwrap();
        let conflict = Err(TxnError::Conflict { key: row("k") });
        assert_eq!(node.commit(read(c, Ts(0))).await, conflict);
        assert_eq!(world.log.all().len(), 1);
        node.shutdown().await;
    });
}

#[test]
fn records_that_are_not_understood_stop_the_start() {
    holdfast_sim::run(async {
        let world = World::new();
        let epoch = world.log.grant().await.unwrap();
        let lsn = world.log.append(epoch, 1, vec![Bytes::from_static(&[9, 1])]).await.unwrap();
        let started = TxnNode::start(world.config()).await.err();
        assert!(matches!(started, Some(TxnError::Stopped(_))), "S2: {started:?}");
        let epoch = world.log.grant().await.unwrap();
        world.log.truncate(epoch, lsn).await.unwrap();
        let started = TxnNode::start(world.config()).await.err();
        assert!(matches!(started, Some(TxnError::Stopped(_))), "S3: {started:?}");
        let floor = Ts(77 << 18);
        let node = TxnNode::start(TxnConfig { floor, ..world.config() }).await.unwrap();
        assert_eq!(node.now().await, Ok(floor));
        node.shutdown().await;
    });
}

#[test]
fn what_was_truncated_away_is_forgotten_and_refused() {
    holdfast_sim::run(async {
        let world = World::new();
        let node = world.start().await;
        let mut done = Vec::new();
        for key in ["a", "b", "c"] {
            let txn = node.begin().await.unwrap();
            done.push((txn, node.commit(put(txn, key)).await.unwrap()));
        }
        world.log.truncate(node.epoch(), done[1].1.lsn).await.unwrap();
        node.shutdown().await;
        let node = world.start().await;
        assert_eq!(node.now().await, Ok(done[2].1.ts));
        assert_eq!(node.outcome(done[0].0).await, Ok(TxnOutcome::Forgotten), "S3");
        assert_eq!(node.outcome(done[2].0).await, Ok(TxnOutcome::Committed(done[2].1)));
        let check = |key: &str, since| vec![Check { row: row(key), since }];
        let next = node.begin().await.unwrap();
        let request = CommitRequest { checks: check("a", done[0].1.ts), ..put(next, "z") };
        let refused = node.commit(request).await;
        assert!(matches!(refused, Err(TxnError::TooOld { .. })), "W2: {refused:?}");
        let next = node.begin().await.unwrap();
        let request = CommitRequest { checks: check("a", done[2].1.ts), ..put(next, "z") };
        node.commit(request).await.unwrap();
        node.shutdown().await;
    });
}

#[test]
fn a_record_that_fits_no_entry_is_too_large() {
    holdfast_sim::run(async {
        let world = World::new();
        let node = world.start().await;
        let txn = node.begin().await.unwrap();
        let big = |len: usize| {
            let change = Change { key: row("k").key, row: Some(Bytes::from(vec![0; len])) };
            let parts = vec![Part::Rows { table: TABLE, schema: 1, changes: vec![change] }];
            CommitRequest { parts, ..put(txn, "k") }
        };
        let most = crate::config::RECORD_BYTES_MAX;
        let refused = node.commit(big(most)).await;
        assert!(matches!(refused, Err(TxnError::TooLarge { what: "bytes", .. })), "{refused:?}");
        node.commit(big(most - 100)).await.unwrap();
        node.shutdown().await;
    });
}
