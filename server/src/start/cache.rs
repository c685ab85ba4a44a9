//! The cache of objects: its directory, held, before anything else is touched.
//!
//! - A1: a directory that cannot be used ends the start; one that fails later ends the
//!   cache, not the server (`cache` K2).

use std::path::Path;
use std::sync::Arc;

use holdfast_api::bucket::Bucket;
use holdfast_cache::{CacheConfig, DiskCache};
use holdfast_io::disk::{self, Drive};
use holdfast_io::host::{self, DirectoryLock, PlaceKind};

use super::error::{StartError, advice};
use super::{World, backend};
use crate::config::ServerConfig;

/// Objects whose names hold 128 random bits, and are never used a second time; checkpoints
/// are named by a count.
const PREFIXES: &[&str] = &["rows/", "deletes/"];

/// A directory for the cache.
pub struct CacheGround {
    drive: Drive,
    bytes: u64,
    lock: DirectoryLock,
}

/// A cache that serves.
pub struct Cache {
    /// Itself.
    pub disk: Arc<DiskCache>,
    _lock: DirectoryLock,
}

impl CacheGround {
    /// Takes the directory, made if need be; `None`: none was asked for, or there is no
    /// database to use it.
    ///
    /// # Errors
    /// [`StartError::Cache`] (A1).
    pub fn find(config: &ServerConfig) -> Result<Option<Self>, StartError> {
        let Some(choice) = &config.sql_cache else { return Ok(None) };
        let path = choice.path.as_path();
        if config.mysql.is_none() {
            tracing::warn!(path = %path.display(), "--sql-cache-dir is not used: --mysql is off");
            return Ok(None);
        }
        let lock = take(path)?;
        let opened = disk::open(path, backend(config)).map_err(|error| {
            let text = error.to_string();
            let what = text.strip_prefix(&format!("{}: ", path.display())).unwrap_or(&text);
            StartError::Cache { path: path.into(), what: what.into() }
        })?;
        Ok(Some(Self { drive: opened.drive, bytes: choice.bytes, lock }))
    }

    /// In front of a bucket.
    pub fn serve(self, bucket: Arc<dyn Bucket>, world: &World) -> Cache {
        let Self { drive, bytes, lock } = self;
        let clock = world.clock.clone();
        let config = CacheConfig { drive, bucket, clock, bytes, prefixes: PREFIXES };
        Cache { disk: Arc::new(DiskCache::start(config)), _lock: lock }
    }
}

fn take(path: &Path) -> Result<DirectoryLock, StartError> {
    let bad = |what: String| StartError::Cache { path: path.into(), what };
    let erred = |error: &std::io::Error| bad(advice(error));
    match host::place(path).map_err(|error| erred(&error))? {
        Some(place) if place.kind == PlaceKind::Other => {
            return Err(bad("not a directory: give a directory of its own".into()));
        }
        Some(_) => {}
        None => host::create_directories(path).map_err(|error| erred(&error))?,
    }
    let lock = DirectoryLock::take(&path.join("lock")).map_err(|error| erred(&error))?;
    lock.ok_or_else(|| bad("in use by another holdfast server".into()))
}
