//! One life of the database over the machine: wired as `start::database` does, with
//! limits so small that everything happens often.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use holdfast::tables::Tables;
use holdfast_api::bucket::Bucket;
use holdfast_api::log::LogService;
use holdfast_base::ByteCount;
use holdfast_io::clock::{Clock, deadline};
use holdfast_io::rng::{Rng, SeededRng};
use holdfast_sim::clock::SimClock;
use holdfast_sql::engine::{Engine, EngineConfig};
use holdfast_sql::session::serve;
use holdfast_sql::store::StoreLimits;
use holdfast_txn::{TailedLog, TxnConfig, TxnNode};
use holdfast_wire::WireConfig;
use tokio::task::JoinHandle;

use super::doubts::{DoubtfulBucket, DoubtfulLog, Doubts, Fate};
use super::machine::Machine;
use super::wire::{Failure, Wire};

/// A statement that is not answered by then is given up.
const PATIENCE: Duration = Duration::from_secs(120);

/// See the module's header. Cheap to clone; clones are the same life.
#[derive(Clone)]
pub struct Life {
    pub engine: Arc<Engine>,
    /// The bucket, without the doubts.
    pub bucket: Arc<dyn Bucket>,
    node: Arc<TxnNode>,
    wire: Arc<WireConfig>,
    clock: Arc<SimClock>,
}

/// A client's connection and the server's end of it.
pub struct Session {
    wire: Wire,
    served: JoinHandle<()>,
    clock: Arc<dyn Clock>,
}

fn limits(rng: &SeededRng) -> StoreLimits {
    let usual = StoreLimits::default();
    let mut options = usual.options;
    options.object_bytes = 6 << 10;
    options.row_group_rows = 64;
    options.block_rows = 8;
    StoreLimits {
        cache_bytes: 1 << 16,
        flush_bytes: rng.between(1 << 10, 8 << 10) as usize,
        tail_bytes: rng.between(4 << 10, 16 << 10) as usize,
        log_bytes: rng.between(6 << 10, 40 << 10),
        record_bytes: rng.between(1 << 10, 4 << 10) as usize,
        spill_bytes: rng.between(1 << 10, 6 << 10) as usize,
        options,
        ..usual
    }
}

impl Life {
    /// Begins one.
    pub async fn begin(machine: &Machine, doubts: Arc<Doubts>) -> Result<Self, String> {
        let running = machine.running();
        let say = |error: &dyn std::fmt::Display| error.to_string();
        let clock: Arc<dyn Clock> = machine.clock.clone();
        // Another life draws other names.
        let rng = Arc::new(SeededRng::new(machine.rng.next_u64()));
        let seed = Arc::new(SeededRng::new(machine.rng.next_u64()));
        let fate = Fate { doubts, rng: seed, clock: clock.clone() };
        let store = Arc::new(running.store.clone());
        let tables = Tables::open(running.meta.clone(), store, clock.clone(), rng.clone());
        let bucket: Arc<dyn Bucket> = Arc::new(tables.await.map_err(|error| say(&error))?);
        let inner: Arc<dyn LogService> = running.meta.clone();
        let inner = Arc::new(DoubtfulLog { inner, fate: fate.clone() });
        let tailed = ByteCount(rng.between(1 << 10, 64 << 10));
        let log = Arc::new(TailedLog::new(inner, clock.clone(), tailed));
        let mut config = TxnConfig::new(log.clone(), clock.clone(), rng.clone());
        config.commit_patience = Duration::from_secs(3);
        let node = TxnNode::start(config).await.map_err(|error| say(&error))?;
        let config = EngineConfig {
            txn: node.clone(),
            log,
            bucket: Arc::new(DoubtfulBucket { inner: bucket.clone(), fate }),
            store: limits(&rng),
            clock: clock.clone(),
            rng: rng.clone(),
            version: "8.0.39-holdfast".to_owned(),
            partitions: 1,
            memory_bytes: 64 << 20,
            queries: None,
            root: String::new(),
        };
        let engine = match Engine::start(config).await {
            Ok(engine) => engine,
            Err(error) => {
                node.shutdown().await;
                return Err(say(&error));
            }
        };
        let wire = Arc::new(WireConfig::new(clock, rng));
        Ok(Self { engine, bucket, node, wire, clock: machine.clock.clone() })
    }

    /// Ends it: in order, or since what it stands on is gone.
    pub async fn end(&self) {
        self.engine.shutdown().await;
        self.node.shutdown().await;
    }

    /// A new client.
    pub async fn connect(&self, database: &str) -> Result<Session, Failure> {
        let (here, there) = tokio::io::duplex(64 << 10);
        let (engine, wire) = (self.engine.clone(), self.wire.clone());
        let served = tokio::spawn(async move {
            let from = ([127, 0, 0, 1], 50_000).into();
            if let Some(client) = serve::login(engine, Box::new(there), wire, from).await {
                client.serve().await;
            }
        });
        let clock: Arc<dyn Clock> = self.clock.clone();
        let login = deadline(&clock, PATIENCE, Wire::login(here, database)).await;
        let wire = login.unwrap_or(Err(Failure::Gone))?;
        Ok(Session { wire, served, clock })
    }

    /// Whether it serves; a node whose log said its last word does not.
    pub async fn serves(&self) -> bool {
        self.engine.stopped().is_none() && self.engine.txn.now().await.is_ok()
    }
}

impl Session {
    /// Asks; who gets no answer in time has lost the connection.
    pub async fn ask(&mut self, text: &str) -> Result<super::wire::Answer, Failure> {
        self.ask_within(text, PATIENCE).await
    }

    pub async fn ask_within(
        &mut self,
        text: &str,
        patience: Duration,
    ) -> Result<super::wire::Answer, Failure> {
        deadline(&self.clock, patience, self.wire.ask(text)).await.unwrap_or(Err(Failure::Gone))
    }

    /// Goes without a word; what the server still does for it has ended afterwards.
    pub async fn leave(self) {
        let Self { wire, served, clock } = self;
        drop(wire);
        let ended = deadline(&clock, 4 * PATIENCE, served).await;
        assert!(ended.is_ok(), "WRONG: a session does not end when its client has gone");
    }
}

/// The counts of the jobs of a life, to be added when it ends.
pub fn counts(life: &Life) -> Vec<(&'static str, u64)> {
    let (store, txn) = (life.engine.store.status(), life.engine.txn.status());
    vec![
        ("flushes", store.flushes),
        ("compactions", store.compactions),
        ("checkpoints", store.checkpoints),
        ("jobs that failed", store.failures),
        ("objects removed", store.removed),
        ("commits", txn.commits),
        ("conflicts", txn.conflicts),
        ("deadlocks", txn.deadlocks),
    ]
}

/// What went wrong by the plan, over all lives.
pub fn doubted(doubts: &Doubts) -> Vec<(&'static str, u64)> {
    let counts = &doubts.counts;
    let all = [
        ("ambiguous answers", &counts.ambiguous),
        ("last words of the log", &counts.last_words),
        ("bucket writes that failed", &counts.writes_failed),
        ("bucket writes that failed and are there", &counts.written_and_failed),
        ("bucket reads that failed", &counts.reads_failed),
    ];
    all.map(|(what, count)| (what, count.load(Ordering::Relaxed))).into()
}
