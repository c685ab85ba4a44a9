//! The database over the metadata's log: transaction node and compute node, wired.

use std::sync::Arc;

use holdfast_api::bucket::Bucket;
use holdfast_api::log::LogService;
use holdfast_api::meta::MetaService;
use holdfast_api::object::ObjectStore;
use holdfast_base::ByteCount;
use holdfast_cache::DiskCache;
use holdfast_meta::Meta;
use holdfast_sql::engine::{Engine, EngineConfig};
use holdfast_sql::store::StoreLimits;
use holdfast_txn::{TailedLog, TxnConfig, TxnNode};

use super::World;
use super::cache::{Cache, CacheGround};
use super::error::StartError;
use crate::tables::Tables;

/// How much of the log's end is kept for the tail. [bytes]
const TAILED: ByteCount = ByteCount(16 << 20);

/// The parts of the machine's memory that queries may take.
const MEMORY_SHARE: u64 = 4;

/// Transaction node and compute node.
pub struct Database {
    node: Arc<TxnNode>,
    engine: Arc<Engine>,
    cache: Option<Cache>,
}

impl Database {
    /// Takes the log's next epoch and reads what it holds; says what it is doing.
    ///
    /// # Errors
    /// [`StartError::Database`].
    pub async fn start(
        meta: &Arc<Meta>,
        (service, store): (Arc<dyn MetaService>, Arc<dyn ObjectStore>),
        world: &World,
        ((root, ground), doing): ((&str, Option<CacheGround>), &(dyn Fn(&'static str) + Sync)),
    ) -> Result<Self, StartError> {
        doing("opening the tables' objects");
        let (clock, rng) = (world.clock.clone(), world.rng.clone());
        let bucket = Tables::open(service, store, clock, rng).await;
        let bucket = bucket.map_err(|error| StartError::Database(error.to_string()))?;
        let mut bucket: Arc<dyn Bucket> = Arc::new(bucket);
        let cache = ground.map(|ground| ground.serve(Arc::clone(&bucket), world));
        if let Some(cache) = &cache {
            bucket = cache.disk.clone();
        }
        doing("taking the transaction log's next epoch");
        let inner: Arc<dyn LogService> = meta.clone();
        let log = Arc::new(TailedLog::new(inner, world.clock.clone(), TAILED));
        let config = TxnConfig::new(log.clone(), world.clock.clone(), world.rng.clone());
        let node = TxnNode::start(config).await;
        let node = node.map_err(|error| StartError::Database(error.to_string()))?;
        doing("reading the transaction log");
        let config = EngineConfig {
            txn: node.clone(),
            log,
            bucket,
            store: store_limits(),
            clock: world.clock.clone(),
            rng: world.rng.clone(),
            version: format!("8.0.39-holdfast-{}", env!("CARGO_PKG_VERSION")),
            partitions: holdfast_io::host::processors(),
            memory_bytes: memory_bytes(),
            queries: Some(world.queries.clone()),
            root: root.to_owned(),
        };
        let engine = Engine::start(config).await;
        let engine = engine.map_err(|error| StartError::Database(error.to_string()))?;
        Ok(Self { node, engine, cache })
    }

    /// The compute node.
    pub fn engine(&self) -> Arc<Engine> {
        Arc::clone(&self.engine)
    }

    /// The cache of objects, if there is one.
    pub fn cache(&self) -> Option<Arc<DiskCache>> {
        self.cache.as_ref().map(|cache| Arc::clone(&cache.disk))
    }

    /// Ends them, in order.
    pub async fn close(self) {
        self.engine.shutdown().await;
        self.node.shutdown().await;
        if let Some(cache) = &self.cache {
            cache.disk.close().await;
        }
    }
}

/// The tail and the cache of objects grow with the machine.
fn store_limits() -> StoreLimits {
    let usual = StoreLimits::default();
    let share = memory_bytes() / 2;
    StoreLimits {
        cache_bytes: share,
        tail_bytes: usual.tail_bytes.min(share),
        changes_bytes: usual.changes_bytes.min(share),
        ..usual
    }
}

/// What all queries together may take. [bytes]
fn memory_bytes() -> usize {
    let all = holdfast_io::host::memory_bytes().unwrap_or(4 << 30);
    usize::try_from(all / MEMORY_SHARE).unwrap_or(usize::MAX)
}
