//! What the admin port knows: facts from the start, and the services once they run.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use holdfast_api::meta::MetaService;
use holdfast_api::object::ObjectStore;
use holdfast_base::{ClusterId, NodeId};
use holdfast_cache::DiskCache;
use holdfast_io::clock::Clock;

use super::auth::Guard;
use super::metrics::S3Metrics;
use super::status::{self, Status};
use super::verify::Verifier;
use crate::s3::Keys;
use crate::start::Credentials;
use crate::vault::Vault;

/// The admin port's state. It is there before the metadata is.
pub struct Admin {
    /// Who may call.
    pub(super) guard: Guard,
    /// Root's access key id: no other key may be called so.
    pub(super) root_user: String,
    /// Time.
    pub(super) clock: Arc<dyn Clock>,
    /// When the process started, on `clock`.
    pub(super) started: Duration,
    /// S3 requests.
    pub(super) s3: Arc<S3Metrics>,
    /// What the start is doing, for /health/ready. Held for an assignment only.
    doing: Mutex<&'static str>,
    running: OnceLock<Running>,
}

/// The services, once they run.
pub struct Running {
    /// The metadata.
    pub meta: Arc<dyn MetaService>,
    /// The object store.
    pub store: Arc<holdfast_ec::object::Store>,
    /// Opens and seals secrets.
    pub vault: Arc<Vault>,
    /// The S3 front's keys.
    pub keys: Arc<Keys>,
    /// What does not change while the process runs.
    pub facts: Facts,
    /// The database, where there is one.
    pub engine: Option<Arc<holdfast_sql::engine::Engine>>,
    /// The cache of objects on a local disk, where there is one.
    pub cache: Option<Arc<DiskCache>>,
    /// Verifications asked for by hand.
    pub(super) verifier: Verifier,
    /// Held while keys are read, changed and handed to the front: one change at a time.
    pub(super) keys_changing: tokio::sync::Mutex<()>,
}

/// The database and its cache of objects, where there are such.
pub type Sql = (Option<Arc<holdfast_sql::engine::Engine>>, Option<Arc<DiskCache>>);

/// What does not change while the process runs.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The cluster.
    pub cluster: ClusterId,
    /// This node.
    pub node: NodeId,
    /// Where S3 listens.
    pub s3: SocketAddr,
    /// Where we listen.
    pub admin: SocketAddr,
    /// Where MySQL clients are answered.
    pub mysql: Option<SocketAddr>,
    /// All speak TLS.
    pub tls: bool,
    /// The data directory.
    pub data: PathBuf,
    /// The region.
    pub region: String,
    /// Why a drive does without io_uring, if one does.
    pub io_fallback: Option<String>,
    /// Parity of the cluster's geometry.
    pub parity: usize,
}

impl Admin {
    /// Before anything runs.
    pub fn new(root: &Credentials, clock: Arc<dyn Clock>, s3: Arc<S3Metrics>) -> Self {
        Self {
            guard: Guard::new(root),
            root_user: root.user.clone(),
            started: clock.monotonic(),
            clock,
            s3,
            doing: Mutex::new("starting"),
            running: OnceLock::new(),
        }
    }

    /// Says what the start is doing.
    pub fn doing(&self, what: &'static str) {
        *self.doing.lock().unwrap_or_else(PoisonError::into_inner) = what;
    }

    /// The services run from now on.
    pub fn run(&self, running: Running) {
        if self.running.set(running).is_err() {
            tracing::error!("the services were started twice");
        }
    }

    /// As `GET /v1/status`; `None` while the services do not run.
    pub async fn status(&self) -> Option<Status> {
        let running = self.running.get()?;
        Some(status::collect(self, running).await)
    }

    /// The services, or what the start is doing.
    pub(crate) fn running(&self) -> Result<&Running, String> {
        let doing = || *self.doing.lock().unwrap_or_else(PoisonError::into_inner);
        self.running.get().ok_or_else(|| format!("starting: {}", doing()))
    }
}

impl Running {
    /// Services that run.
    pub fn new(
        meta: Arc<dyn MetaService>,
        store: Arc<holdfast_ec::object::Store>,
        secrets: (Arc<Vault>, Arc<Keys>),
        (facts, (engine, cache)): (Facts, Sql),
    ) -> Self {
        let (vault, keys) = secrets;
        let (verifier, keys_changing) = (Verifier::default(), tokio::sync::Mutex::default());
        Self { meta, store, vault, keys, facts, engine, cache, verifier, keys_changing }
    }

    /// The store as its clients see it.
    pub(super) fn store(&self) -> &dyn ObjectStore {
        &*self.store
    }
}
