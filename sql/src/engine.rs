//! The compute node: what all sessions share.
//!
//! ```text
//! log -> follow -> tail.apply -> sessions that wait for a timestamp
//!             `-> catalog is stale -> built again by the next one who asks
//! ```
//!
//! - N1: who reads at a timestamp waits until the tail has reached it, and then asks
//!   for the catalog: the catalog is never older than the rows.
//! - N2: the follower is the only one who applies. If it must stop, the node refuses
//!   to serve rather than answer from a tail that stands still.
//!
//! Not here: sessions (`session`), statements (`exec`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use holdfast_api::bucket::Bucket;
use holdfast_api::log::LogService;
use holdfast_api::txn::{Part, TxnRecord, TxnService};
use holdfast_base::{ByteCount, Lsn, TableId, Ts};
use holdfast_io::clock::{Clock, deadline};
use holdfast_io::rng::Rng;
use holdfast_tail::table::KeyRange;
use holdfast_tail::{Direction, Limits, TableShape, Tail};
use holdfast_value::{SqlType, Value};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{Notify, watch};

use crate::catalog::definition::{ACCOUNTS, DATABASES, FIRST_TABLE, TABLES};
use crate::catalog::{Catalog, index_slots, system};
use crate::error::{Result, SqlError};
use crate::exec::sequence::Sequences;
use crate::store::{Checkpoint, Store, StoreLimits};

/// How much of the log is read at a time. [bytes]
const READ_BYTES: ByteCount = ByteCount(4 << 20);
/// How long a statement waits for the tail to reach its timestamp.
const TAIL_LIMIT: Duration = Duration::from_secs(10);
/// Between two steps of the tail's upkeep while there is nothing to do.
const UPKEEP_EVERY: Duration = Duration::from_millis(100);
/// How long after a timestamp was given it can be pinned.
const PIN_LIMIT: Duration = Duration::from_secs(1);
/// After the log could not be read.
const PAUSE: Duration = Duration::from_millis(100);

/// What a compute node is made of.
#[derive(Clone)]
pub struct EngineConfig {
    /// Timestamps, locks, commits.
    pub txn: Arc<dyn TxnService>,
    /// The log that the tail follows.
    pub log: Arc<dyn LogService>,
    /// Where tables' objects lie.
    pub bucket: Arc<dyn Bucket>,
    /// When tables are flushed, and how much is kept in memory.
    pub store: StoreLimits,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    /// The version that clients are told.
    pub version: String,
    /// Parts that a query works in at the same time.
    pub partitions: usize,
    /// Memory of all queries together. [bytes]
    pub memory_bytes: usize,
    /// Where queries that DataFusion runs are planned and run; none: where sessions are.
    pub queries: Option<tokio::runtime::Handle>,
    /// The password that the first account, `root`, begins with.
    pub root: String,
}

/// What all sessions of a compute node share.
pub struct Engine {
    /// Timestamps, locks, commits.
    pub txn: Arc<dyn TxnService>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    /// Rows of the log.
    pub tail: Tail,
    /// Rows in objects.
    pub store: Store,
    /// The version that clients are told.
    pub version: String,
    /// AUTO_INCREMENT and other numbers.
    pub sequences: Sequences,
    /// Global variables.
    pub globals: Arc<crate::session::variables::Globals>,
    /// Queries through DataFusion.
    pub frame: crate::frame::Engine,
    /// GET_LOCK's locks.
    pub names: crate::session::names::Names,
    /// When it began, on the monotonic clock.
    started: Duration,
    /// Statements that took longer than `long_query_time`.
    slow: AtomicU64,
    /// The sessions.
    pub sessions: Arc<crate::session::registry::Registry>,
    log: Arc<dyn LogService>,
    catalog: RwLock<Arc<Catalog>>,
    /// The newest change of the catalog that was applied.
    catalog_changed: AtomicU64,
    /// Edits of manifests up to this timestamp were in the checkpoint.
    checkpointed: AtomicU64,
    building: Mutex<()>,
    /// Why the follower stopped (N2).
    stopped: watch::Sender<Option<String>>,
    closing: AtomicBool,
    wake: Notify,
    /// Tables and indexes that no definition names any more, and since when.
    graves: Mutex<Vec<(TableId, Ts)>>,
}

impl Engine {
    /// Reads the log up to now, makes what a new cluster needs, and serves.
    ///
    /// # Errors
    /// The log cannot be read, or holds what is not understood.
    pub async fn start(config: EngineConfig) -> Result<Arc<Self>> {
        let EngineConfig {
            txn,
            log,
            bucket,
            store,
            clock,
            rng,
            version,
            partitions: config_partitions,
            memory_bytes,
            queries,
            root,
        } = config;
        let tail = Tail::new(Limits::default());
        for table in system::SYSTEM_TABLES {
            tail.define(shape(table, system::slots()))?;
        }
        let limits = crate::frame::Limits {
            partitions: config_partitions,
            memory_bytes,
            batch_rows: 8192,
            spill: None,
            runtime: queries,
        };
        let engine = Arc::new(Self {
            txn,
            frame: crate::frame::Engine::new(&limits, Arc::clone(&rng))?,
            names: crate::session::names::Names::default(),
            started: clock.monotonic(),
            slow: AtomicU64::new(0),
            clock,
            rng,
            tail,
            store: Store::new(bucket, store),
            globals: Arc::default(),
            sessions: Arc::default(),
            version,
            sequences: Sequences::default(),
            log,
            catalog: RwLock::default(),
            catalog_changed: AtomicU64::new(0),
            checkpointed: AtomicU64::new(0),
            building: Mutex::default(),
            stopped: watch::channel(None).0,
            closing: AtomicBool::new(false),
            wake: Notify::new(),
            graves: Mutex::default(),
        });
        let left = engine.bucket_names().await?;
        let from = engine.begin().await?;
        let from = engine.catch_up(from).await?;
        engine.bury_unnamed()?;
        let (follower, keeper) = (Arc::clone(&engine), Arc::clone(&engine));
        tokio::spawn(follower.follow(from));
        tokio::spawn(keeper.upkeep());
        tokio::spawn(Arc::clone(&engine).keep_store(left));
        crate::catalog::bootstrap::first(&engine, &root).await?;
        crate::session::temporary::clear(&engine).await?;
        Ok(engine)
    }

    /// Takes the newest checkpoint; where the log is to be read from.
    async fn begin(&self) -> Result<Lsn> {
        let truncated = self.log.bounds().await?.truncated;
        let Some(checkpoint) = Checkpoint::newest(&*self.store.bucket).await? else {
            if truncated > Lsn::default() {
                return Err(SqlError::new(
                    1712,
                    format!(
                        "the log begins after {truncated:?}, and there is no checkpoint of what was before"
                    ),
                ));
            }
            return Ok(truncated);
        };
        if checkpoint.after < truncated {
            return Err(SqlError::new(
                1712,
                format!(
                    "the log begins after {truncated:?}, the newest checkpoint is of {:?}",
                    checkpoint.after
                ),
            ));
        }
        self.checkpointed.store(checkpoint.made.0, Ordering::Release);
        self.catalog_changed.store(checkpoint.ts.0, Ordering::Release);
        self.store.loaded(&checkpoint);
        for (table, manifest) in &checkpoint.tables {
            if manifest.at > manifest.flushed && manifest.flushed > Ts(0) {
                self.tail.drop_through(*table, manifest.flushed, manifest.at)?;
            }
        }
        self.tail.apply(checkpoint.after, &checkpoint.record())?;
        Ok(checkpoint.after)
    }

    /// Applies what the log holds now.
    async fn catch_up(&self, mut from: Lsn) -> Result<Lsn> {
        loop {
            let records = self.log.read(from, READ_BYTES).await?;
            let Some(last) = records.last() else { return Ok(from) };
            from = last.lsn;
            for record in &records {
                self.take(record)?;
            }
        }
    }

    fn take(&self, record: &holdfast_api::log::LogRecord) -> Result<()> {
        for bytes in &record.records {
            let decoded = TxnRecord::decode(bytes).map_err(SqlError::internal)?;
            if touches_catalog(&decoded) {
                // Before the tail moves on: who sees the rows sees that it is stale (N1).
                self.catalog_changed.store(decoded.ts.0, Ordering::Release);
            }
            self.take_edits(&decoded)?;
            self.tail.apply(record.lsn, &decoded)?;
        }
        Ok(())
    }

    /// Objects are known before the tail lets go of what they hold (tail, L5).
    fn take_edits(&self, record: &TxnRecord) -> Result<()> {
        if record.ts.0 <= self.checkpointed.load(Ordering::Acquire) {
            return Ok(());
        }
        for part in &record.parts {
            let Part::Objects { table, change } = part else { continue };
            if let Some(flushed) = self.store.edited(*table, record.ts, change)? {
                self.tail.drop_through(*table, flushed, record.ts)?;
            }
        }
        Ok(())
    }

    async fn follow(self: Arc<Self>, mut from: Lsn) {
        while !self.closing.load(Ordering::Acquire) {
            let next = tokio::select! {
                () = self.wake.notified() => continue,
                next = self.log.follow(from, READ_BYTES) => next,
            };
            match next {
                Ok(records) => {
                    for record in &records {
                        if let Err(error) = self.take(record) {
                            tracing::error!(lsn = ?record.lsn, "the tail stops: {error}");
                            self.stopped.send_replace(Some(error.to_string()));
                            return;
                        }
                    }
                    if let Some(last) = records.last() {
                        from = last.lsn;
                    }
                }
                Err(error) => {
                    tracing::warn!("the log cannot be followed, it is tried again: {error}");
                    self.clock.sleep(PAUSE).await;
                }
            }
        }
    }

    /// Prunes and seals, as long as the node serves.
    async fn upkeep(self: Arc<Self>) {
        let (mut seen, mut oldest) = (self.clock.monotonic(), Ts(0));
        let mut next = self.tail.applied().0;
        while !self.closing.load(Ordering::Acquire) {
            // Who was given a timestamp has a moment to pin it.
            if self.clock.monotonic().saturating_sub(seen) >= PIN_LIMIT {
                (seen, oldest) = (self.clock.monotonic(), next);
                next = self.tail.applied().0;
            }
            let has_more = self.tail.prune(oldest);
            self.forget_buried();
            if !has_more {
                self.clock.sleep(UPKEEP_EVERY).await;
            } else {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Buries what the catalog does not name: what was dropped before this node began.
    fn bury_unnamed(&self) -> Result<()> {
        let named = ids(&*self.catalog()?);
        let known = self.tail.tables();
        let mut ids: BTreeSet<TableId> = known.iter().map(|table| table.table()).collect();
        ids.extend(self.store.tables());
        let ids = ids.into_iter();
        let unnamed = ids.filter(|id| id.0 >= FIRST_TABLE && !named.contains(id));
        let (now, _) = self.tail.applied();
        self.graves.lock().extend(unnamed.map(|id| (id, now)));
        Ok(())
    }

    /// Forgets what is buried once nobody reads from before.
    fn forget_buried(&self) {
        let horizon = self.tail.horizon();
        self.graves.lock().retain(|(id, since)| {
            if horizon > *since {
                self.tail.forget(*id);
                self.store.forget(*id);
            }
            horizon <= *since
        });
    }

    /// Waits until the tail has reached `ts` (N1).
    ///
    /// # Errors
    /// 1053 if it does not get there.
    pub async fn reach(&self, ts: Ts) -> Result<()> {
        if self.tail.applied().0 >= ts {
            return Ok(());
        }
        let mut stopped = self.stopped.subscribe();
        tokio::select! {
            biased;
            reached = deadline(&self.clock, TAIL_LIMIT, self.tail.wait_for(ts)) => {
                reached.map(|_| ()).map_err(|_| {
                    let (applied, _) = self.tail.applied();
                    SqlError::new(1205, format!("The tail of the log is at {applied}, {ts} is wanted"))
                })
            }
            _ = stopped.wait_for(Option::is_some) => {
                Err(SqlError::new(1053, "Server shutdown in progress: the tail of the log has stopped"))
            }
        }
    }

    /// A timestamp that covers all that was acknowledged, and the tail at it.
    ///
    /// # Errors
    /// The transaction node's, and as [`Engine::reach`].
    pub async fn now(&self) -> Result<Ts> {
        let ts = self.txn.now().await?;
        self.reach(ts).await?;
        Ok(ts)
    }

    /// The catalog, as of what the tail has applied.
    ///
    /// # Errors
    /// 1712: a row of it does not parse.
    pub fn catalog(&self) -> Result<Arc<Catalog>> {
        let changed = Ts(self.catalog_changed.load(Ordering::Acquire));
        {
            let known = self.catalog.read();
            if known.ts >= changed {
                return Ok(Arc::clone(&known));
            }
        }
        let _one = self.building.lock();
        let known = Arc::clone(&self.catalog.read());
        let changed = Ts(self.catalog_changed.load(Ordering::Acquire));
        if known.ts >= changed {
            return Ok(known);
        }
        let (applied, _) = self.tail.applied();
        let mut built = Catalog::build(self.system_rows(applied)?, &known)?;
        // A deletion leaves no row behind whose timestamp would tell of it.
        built.ts = applied;
        for table in built.tables.values() {
            if known.tables.get(&table.id).is_none_or(|before| before.since != table.since) {
                self.tail.define((*table.shape).clone())?;
                for index in &table.indexes {
                    self.tail.define(shape(index.id, index_slots()))?;
                }
            }
        }
        let named = ids(&built);
        let gone = ids(&known).into_iter().filter(|id| !named.contains(id));
        self.graves.lock().extend(gone.map(|id| (id, built.ts)));
        let built = Arc::new(built);
        *self.catalog.write() = Arc::clone(&built);
        Ok(built)
    }

    fn system_rows(&self, ts: Ts) -> Result<Vec<crate::catalog::SystemRow>> {
        let mut rows = Vec::new();
        let slots = [0];
        for id in [DATABASES, TABLES, ACCOUNTS] {
            let Some(table) = self.tail.table(id) else { continue };
            let Some(shape) = table.shape() else { continue };
            let mut cursor = table.range(&KeyRange::all(), ts, Direction::Forward)?;
            loop {
                let entries = cursor.next_batch(1024);
                if entries.is_empty() {
                    break;
                }
                for entry in entries {
                    let Some(row) = entry.row else { continue };
                    let mut values = row.values(&shape, &slots)?;
                    if let Some(Value::Text(text)) = values.pop() {
                        rows.push((id, text, entry.ts));
                    }
                }
            }
        }
        Ok(rows)
    }

    /// How long it has run. [s]
    pub fn uptime_s(&self) -> u64 {
        self.clock.monotonic().saturating_sub(self.started).as_secs()
    }

    /// Statements that took longer than `long_query_time`.
    pub fn slow_queries(&self) -> u64 {
        self.slow.load(Ordering::Relaxed)
    }

    /// Counts a slow statement.
    pub fn count_slow(&self) {
        self.slow.fetch_add(1, Ordering::Relaxed);
    }

    /// True once the node ends.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Waits, or until the node ends.
    pub(crate) async fn pause(&self, pause: Duration) {
        tokio::select! {
            () = self.wake.notified() => {}
            () = self.clock.sleep(pause) => {}
        }
    }

    /// What the log holds. [bytes]
    pub(crate) async fn log_bytes(&self) -> Result<u64> {
        Ok(self.log.bounds().await?.bytes.0)
    }

    /// The log up to there is in a checkpoint, too.
    pub(crate) async fn truncate(&self, through: Lsn) -> Result<()> {
        Ok(self.log.truncate(self.txn.epoch(), through).await?)
    }

    /// Ends the node's tasks. Sessions have ended before.
    pub async fn shutdown(&self) {
        self.sequences.give_back(self).await;
        self.closing.store(true, Ordering::Release);
        self.wake.notify_waiters();
    }

    /// Why the node no longer serves, if it does not.
    pub fn stopped(&self) -> Option<String> {
        self.stopped.borrow().clone()
    }
}

/// The ids of all tables and indexes.
pub(crate) fn ids(catalog: &Catalog) -> BTreeSet<TableId> {
    let tables = catalog.tables.values();
    tables
        .flat_map(|table| {
            std::iter::once(table.id).chain(table.indexes.iter().map(|index| index.id))
        })
        .collect()
}

/// A hidden or system table's shape.
pub(crate) fn shape(table: TableId, slots: Vec<SqlType>) -> TableShape {
    TableShape { table, defaults: vec![Value::Null; slots.len()], slots, version: 1 }
}

fn touches_catalog(record: &TxnRecord) -> bool {
    record.parts.iter().any(|part| match part {
        Part::Rows { table, .. } => [DATABASES, TABLES, ACCOUNTS].contains(table),
        Part::Objects { .. } | Part::Checkpoint(_) => false,
    })
}

/// Counts by name, for `SHOW STATUS` and metrics.
pub type Counts = BTreeMap<&'static str, u64>;

impl crate::session::seen::Server for Engine {
    fn processes(&self) -> Vec<crate::session::seen::ProcessRow> {
        let now = self.clock.monotonic();
        let row = |known: Arc<crate::session::registry::Known>| {
            let doing = known.doing.lock().clone();
            crate::session::seen::ProcessRow {
                id: known.id,
                user: known.user.clone(),
                host: known.host.clone(),
                database: doing.database,
                command: doing.command,
                seconds: now.saturating_sub(doing.since).as_secs(),
                state: if doing.text.is_some() { "executing" } else { "" },
                info: doing.text.map(|text| text.to_string()),
                transaction_since: None,
            }
        };
        self.sessions.all().into_iter().map(row).collect()
    }

    fn table_facts(&self, table: &crate::catalog::Table) -> crate::session::seen::TableFacts {
        let status = |id| self.tail.table(id).map(|tail| tail.status()).unwrap_or_default();
        let rows = status(table.id);
        let bytes = |id| status(id).bytes as u64 + self.store.bytes_of(id);
        let index_bytes = table.indexes.iter().map(|index| bytes(index.id)).sum();
        let counter = crate::exec::sequence::Counter::Auto(table.id);
        crate::session::seen::TableFacts {
            rows: rows.keys as u64 + self.store.rows_of(table.id),
            data_bytes: bytes(table.id),
            index_bytes,
            auto_next: table.auto.and_then(|_| self.sequences.peek(self, counter).ok()),
        }
    }

    fn counts(&self, _session: Option<u64>) -> Counts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (status, store) = (self.txn.status(), self.store.status());
        Counts::from([
            ("Uptime", self.uptime_s()),
            ("Threads_connected", self.sessions.all().len() as u64),
            ("Questions", read(&self.sessions.questions)),
            ("Queries", read(&self.sessions.questions)),
            ("Connections", read(&self.sessions.connections)),
            ("Slow_queries", self.slow_queries()),
            ("Innodb_deadlocks", status.deadlocks),
            ("Handler_commit", status.commits),
            ("Holdfast_tail_bytes", self.tail.status().bytes as u64),
            ("Holdfast_unflushed_bytes", self.tail.status().unflushed_bytes as u64),
            ("Holdfast_objects", store.objects),
            ("Holdfast_object_bytes", store.bytes),
            ("Holdfast_flushes", store.flushes),
            ("Holdfast_compactions", store.compactions),
            ("Holdfast_checkpoints", store.checkpoints),
            ("Holdfast_cache_bytes", store.cache_bytes),
            ("Holdfast_cache_hits", store.cache_hits),
            ("Holdfast_cache_misses", store.cache_misses),
        ])
    }
}
