//! From a configuration to a running server, and to its end.
//!
//! ```text
//! data directory (lock) -> credentials -> ports (bound) -> /health/live answers
//!   -> cluster file -> drives (look) -> metadata -> drives (adopt) -> keys -> S3 serves -> ready
//! SIGTERM -> ports drain -> store -> drives -> metadata -> 0
//! ```
//!
//! - R1: whatever is wrong is one line on stderr and a failing exit code
//!   (`error`), and nothing was changed that a second start would trip over.
//! - R2: a core loop that ends unasked ends the process, with a line that says which.
//!
//! Not here: what is said on the command line (`cli`, `config`).

mod banner;
mod cache;
mod credentials;
mod data_dir;
mod database;
pub mod drives;
mod endpoint;
mod error;
mod logs;
mod metadata;
mod reserve;
mod serve;
mod signals;

use std::path::PathBuf;
use std::sync::Arc;

use holdfast_base::{ClusterId, Geometry, NodeId};
use holdfast_io::clock::{Clock, SystemClock};
use holdfast_io::disk::Backend;
use holdfast_io::host;
use holdfast_io::rng::{Rng, SystemRng};
use tokio::runtime::Handle;

pub use credentials::{Credentials, FILE as CREDENTIALS_FILE, Secret, find, generate_pair};
pub use endpoint::Endpoint;
pub use error::{StartError, advice, plain, what_helps};
pub use serve::run;

use crate::config::{DriveChoice, IoChoice, ServerConfig};
use data_dir::{Cluster, DataDirectory};
use drives::{Looked, Stands, look};

/// The world that a server runs in.
#[derive(Clone)]
struct World {
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    /// Where the database's large queries run: threads that give way to all others.
    queries: Handle,
}

impl World {
    fn system(queries: Handle) -> Self {
        Self { clock: Arc::new(SystemClock), rng: Arc::new(SystemRng), queries }
    }
}

/// The ground that a server stands on: who it is, and what stands at its drives' paths.
struct Ground {
    data: Arc<DataDirectory>,
    cluster: Cluster,
    paths: Vec<PathBuf>,
    looked: Vec<Looked>,
    backend: Backend,
}

impl Ground {
    /// Finds it, or on the first start lays it (N1 of `data_dir`).
    async fn find(
        data: Arc<DataDirectory>,
        config: &ServerConfig,
        world: &World,
    ) -> Result<Self, StartError> {
        let paths = paths(config, &data)?;
        let backend = backend(config);
        let known = data.cluster()?;
        let mut cluster = match known {
            Some(cluster) => cluster,
            None => lay(&data, config, world, (&paths, backend)).await?,
        };
        cluster.geometry = config.geometry.unwrap_or(cluster.geometry);
        if data.cluster()?.as_ref() != Some(&cluster) {
            data.keep(&cluster)?;
        }
        let looking = paths.iter().map(|path| look(path.clone(), cluster.cluster, backend));
        let looked = futures_util::future::join_all(looking).await;
        Ok(Self { data, cluster, paths, looked, backend })
    }
}

/// The first start: directories, then the cluster file.
async fn lay(
    data: &DataDirectory,
    config: &ServerConfig,
    world: &World,
    (paths, backend): (&[PathBuf], Backend),
) -> Result<Cluster, StartError> {
    let cluster = ClusterId(world.rng.id());
    let mut wrong = Vec::new();
    for path in paths {
        match look(path.clone(), cluster, backend).await.found.stands {
            Stands::Absent | Stands::Vacant { .. } | Stands::Ours { .. } => {}
            Stands::Wrong(why) | Stands::Unusable(why) | Stands::Broken(why) => {
                wrong.push(format!("drive {}: {why}", path.display()));
            }
        }
    }
    if !wrong.is_empty() {
        return Err(StartError::Drives(wrong.join("; ")));
    }
    for path in paths {
        host::create_directories(path)
            .map_err(|error| StartError::Drive { path: path.clone(), what: advice(&error) })?;
    }
    let geometry = match config.geometry {
        Some(geometry) => geometry,
        None => Geometry::for_drives(paths.len())
            .map_err(|error| StartError::Drives(error.to_string()))?,
    };
    let mut made = Cluster::new(cluster, NodeId(world.rng.id()), geometry);
    made.meta = metadata::choose(data.path(), paths)?;
    for path in &made.meta {
        host::create_directories(path)
            .map_err(|error| StartError::Drive { path: path.clone(), what: advice(&error) })?;
    }
    data.keep(&made)?;
    tracing::info!(%cluster, %geometry, drives = paths.len(), "a new cluster");
    Ok(made)
}

/// How disks are reached.
fn backend(config: &ServerConfig) -> Backend {
    match config.io {
        IoChoice::Auto => Backend::Auto,
        IoChoice::Uring => Backend::Uring,
        IoChoice::Threads => Backend::Threads,
    }
}

/// The drives' paths, without links.
fn paths(config: &ServerConfig, data: &DataDirectory) -> Result<Vec<PathBuf>, StartError> {
    let given = match &config.drives {
        DriveChoice::Embedded => (1..=crate::config::EMBEDDED_DRIVES)
            .map(|no| data.path().join(format!("drive{no}")))
            .collect(),
        DriveChoice::Given(given) => given.clone(),
    };
    let canonical = |path: PathBuf| {
        host::canonical(&path).map_err(|error| StartError::Drive { path, what: plain(&error) })
    };
    given.into_iter().map(canonical).collect()
}
