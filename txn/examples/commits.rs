//! What a commit costs besides the log: `cargo run --release -p holdfast-txn
//! --example commits -- [COMMITS]`. The log is a counter in memory. Prints wall
//! and CPU time.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a measurement")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use holdfast_api::BoxFuture;
use holdfast_api::log::{LogBounds, LogError, LogRecord, LogService};
use holdfast_api::txn::{
    AutoCommit, Change, Check, CommitRequest, LockMode, LockRequest, LockWait, Lockable, Part,
    RowKey, TxnService,
};
use holdfast_base::{ByteCount, Epoch, Lsn, TableId, Ts, TxnId};
use holdfast_io::clock::{Clock, SystemClock};
use holdfast_io::rng::SystemRng;
use holdfast_txn::{TxnConfig, TxnNode};

/// Accepts everything and keeps nothing.
#[derive(Default)]
struct Counter(AtomicU64);

impl LogService for Counter {
    fn grant(&self) -> BoxFuture<'_, Result<Epoch, LogError>> {
        Box::pin(async { Ok(Epoch(1)) })
    }

    fn append(
        &self,
        _epoch: Epoch,
        _seq: u64,
        _records: Vec<Bytes>,
    ) -> BoxFuture<'_, Result<Lsn, LogError>> {
        Box::pin(async {
            // An append is never done at once: the others have their turn.
            tokio::task::yield_now().await;
            Ok(Lsn { index: self.0.fetch_add(1, Ordering::Relaxed) + 1, ..Lsn::default() })
        })
    }

    fn read(&self, _: Lsn, _: ByteCount) -> BoxFuture<'_, Result<Vec<LogRecord>, LogError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn follow(&self, _: Lsn, _: ByteCount) -> BoxFuture<'_, Result<Vec<LogRecord>, LogError>> {
        Box::pin(std::future::pending())
    }

    fn truncate(&self, _: Epoch, _: Lsn) -> BoxFuture<'_, Result<(), LogError>> {
        Box::pin(async { Ok(()) })
    }

    fn bounds(&self) -> BoxFuture<'_, Result<LogBounds, LogError>> {
        Box::pin(async { Ok(LogBounds { epoch: Epoch(1), ..LogBounds::default() }) })
    }
}

/// User and system time of this process. [s]
fn cpu() -> f64 {
    let stat = String::from_utf8(std::fs::read("/proc/self/stat").unwrap()).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

struct Lap(Duration, f64);

impl Lap {
    fn start() -> Self {
        Self(SystemClock.monotonic(), cpu())
    }

    fn report(&self, what: &str, count: u64) {
        let (wall, cpu) = ((SystemClock.monotonic() - self.0).as_secs_f64(), cpu() - self.1);
        let each = cpu * 1e6 / count as f64;
        let per_second = count as f64 / wall;
        println!("{what}: {count} in {wall:.2} s ({per_second:.0}/s), {each:.2} us CPU each");
    }
}

/// An update of one row, as a statement that is a transaction of its own sends it.
fn update(txn: TxnId, key: u64) -> (LockRequest, CommitRequest) {
    let row = RowKey { table: TableId(7), key: Bytes::copy_from_slice(&key.to_be_bytes()) };
    let change = Change { key: row.key.clone(), row: Some(Bytes::from(vec![7; 190])) };
    let parts = vec![Part::Rows { table: row.table, schema: 1, changes: vec![change] }];
    let checks = vec![Check { row: row.clone(), since: txn.born }];
    let locks = vec![(Lockable::Row(row), LockMode::Exclusive)];
    let wait = LockWait::For(Duration::from_secs(50));
    let lock = LockRequest { txn, locks, wait, since: txn.born };
    (lock, CommitRequest { txn, checks, locked_in: None, parts })
}

async fn work(node: Arc<TxnNode>, from: u64, count: u64, is_hot: bool) {
    for n in 0..count {
        let txn = node.begin().await.unwrap();
        let (lock, commit) = update(txn, if is_hot { 0 } else { from << 32 | n });
        match node.lock_and_commit(lock, commit).await.unwrap() {
            AutoCommit::Done(_) => {}
            AutoCommit::Changed { .. } => {
                let (_, mut commit) = update(txn, 0);
                commit.checks.clear();
                node.commit(commit).await.unwrap();
            }
        }
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let commits: u64 = std::env::args().nth(1).map_or(400_000, |count| count.parse().unwrap());
    let config =
        TxnConfig::new(Arc::new(Counter::default()), Arc::new(SystemClock), Arc::new(SystemRng));
    let lap = Lap::start();
    let node = TxnNode::start(config).await.unwrap();
    lap.report("start", 1);
    let lap = Lap::start();
    for _ in 0..commits {
        node.begin().await.unwrap();
    }
    lap.report("begin", commits);
    for (sessions, is_hot) in [(1, false), (16, false), (256, false), (64, true)] {
        let lap = Lap::start();
        let each = commits / sessions;
        let task = |from| tokio::spawn(work(node.clone(), from, each, is_hot));
        let tasks: Vec<_> = (0..sessions).map(task).collect();
        for task in tasks {
            task.await.unwrap();
        }
        let rows = if is_hot { "one row" } else { "own rows" };
        lap.report(&format!("lock_and_commit, {sessions} sessions, {rows}"), each * sessions);
    }
    println!("{:?}", node.status());
    assert!(node.now().await.unwrap() > Ts(0));
    node.shutdown().await;
}
