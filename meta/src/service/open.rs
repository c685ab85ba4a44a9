//! Opening the service: which replicas may run, and the first leader.
//!
//! - U1: a replica whose drive is empty while others have a log does not run: it
//!   may have voted, or acknowledged, what it does not know any more.
//! - U2: the service is open once it leads, has applied all that was committed
//!   before, and has a session.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use holdfast_api::meta::{MetaError, MetaService, Query};
use holdfast_base::Remedy;
use holdfast_io::disk::Drive;
use tokio::sync::{Notify, watch};

use super::propose::Proposer;
use super::{Inner, Meta, MetaConfig, Replicas, Stopped, identity, keeper, locked};
use crate::log::LogConfig;
use crate::raft::network::Switchboard;
use crate::raft::node::{Node, NodeConfig, NodeError};

/// How long opening may take.
const OPEN_DEADLINE: Duration = Duration::from_secs(60);

/// The service does not start; one clear line each.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are named for what they are")]
pub enum OpenError {
    /// One, or three.
    #[error("{given} metadata replicas: one or three are possible")]
    Replicas { given: usize },
    /// The drive is of another cluster, replica or format.
    #[error("{place}: not this metadata replica's: {why}")]
    Identity { place: String, why: String },
    /// The disk below.
    #[error("{place}: {why}")]
    Disk { place: String, why: String },
    /// No replica starts.
    #[error("{place}: {source}")]
    Replica { place: String, source: NodeError },
    /// Too few replicas start.
    #[error("{running} of {all} metadata replicas start, a majority is needed: {why}")]
    NoQuorum { running: usize, all: usize, why: String },
    /// Nobody came to lead.
    #[error("the metadata has no leader: {0}")]
    NoLeader(MetaError),
}

impl OpenError {
    /// What the caller should do next.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Replicas { .. } | Self::Identity { .. } => Remedy::Refuse,
            Self::Disk { .. } => Remedy::TryElsewhere,
            Self::Replica { source, .. } => source.remedy(),
            Self::NoQuorum { .. } | Self::NoLeader(_) => Remedy::RetryHere,
        }
    }
}

impl Meta {
    /// Opens the service on its replicas' drives, which it formats where they are new.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(config: MetaConfig) -> Result<Arc<Self>, OpenError> {
        let all = config.replicas.len();
        if !matches!(all, 1 | 3) {
            return Err(OpenError::Replicas { given: all });
        }
        let inner = Arc::new(Inner {
            config,
            board: Switchboard::default(),
            replicas: Mutex::new(Replicas::default()),
            queue: Mutex::default(),
            clock: Mutex::default(),
            work: Notify::new(),
            closing: watch::Sender::new(false),
            answered: 0.into(),
        });
        let opened = start(&inner).await;
        if let Err(error) = opened {
            for node in inner.running() {
                node.close().await;
            }
            return Err(error);
        }
        let tasks = vec![
            tokio::spawn(Proposer::new(inner.clone()).run()),
            tokio::spawn(keeper::run(inner.clone())),
        ];
        let meta = Arc::new(Self { inner, tasks: Mutex::new(tasks) });
        match meta.lead().await {
            Ok(()) => Ok(meta),
            Err(error) => {
                meta.shutdown().await;
                Err(OpenError::NoLeader(error))
            }
        }
    }

    /// U2: waits until the first command of the session has gone through.
    async fn lead(&self) -> Result<(), MetaError> {
        let clock = &self.inner.config.clock;
        let end = clock.monotonic() + OPEN_DEADLINE;
        loop {
            // It changes nothing, and its outcome says that everything before is applied.
            let nothing = holdfast_api::meta::Command::ReportMissing { shards: Vec::new() };
            match self.execute(nothing).await {
                Ok(_) => return self.query(Query::LogBounds).await.map(|_| ()),
                Err(MetaError::Unavailable(_)) if clock.monotonic() < end => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Opens the replicas that may run (U1), forms them if they are new, elects one.
async fn start(inner: &Arc<Inner>) -> Result<(), OpenError> {
    let config = &inner.config;
    let (mut known, mut new) = (Vec::new(), Vec::new());
    let mut why = None;
    for (id, drive) in &config.replicas {
        match identity::check(drive, config.cluster, *id).await {
            Ok(true) => known.push((*id, drive.clone())),
            Ok(false) => new.push((*id, drive.clone())),
            Err(error @ OpenError::Disk { .. }) if config.replicas.len() > 1 => {
                stop(inner, *id, drive.clone(), error.to_string());
                why = Some(error);
            }
            Err(error) => return Err(error),
        }
    }
    let mut formed = false;
    for (id, drive) in known {
        match open_node(inner, id, drive.clone()).await {
            Ok(node) => {
                let bounds = node.log.bounds();
                formed |= bounds.last.is_some() || node.log.vote().is_some();
                locked(&inner.replicas).running.insert(id, Arc::new(node));
            }
            Err(error) => {
                formed = true; // What does not open was there.
                stop(inner, id, drive, error.to_string());
                why = Some(error);
            }
        }
    }
    for (id, drive) in new {
        if formed {
            let empty = "its drive is empty, but the others have a log: add it under a new id";
            stop(inner, id, drive, empty.into()); // U1
            continue;
        }
        identity::write(&drive, config.cluster, id).await?;
        let node = open_node(inner, id, drive).await?;
        locked(&inner.replicas).running.insert(id, Arc::new(node));
    }
    let running = inner.running();
    let all = config.replicas.len();
    if running.len() * 2 <= all {
        return Err(match why {
            Some(error) if all == 1 => error,
            other => {
                let why =
                    other.map_or_else(|| "drives are empty".into(), |error| error.to_string());
                OpenError::NoQuorum { running: running.len(), all, why }
            }
        });
    }
    elect(inner, &running).await
}

async fn elect(inner: &Inner, running: &[Arc<Node>]) -> Result<(), OpenError> {
    let mut formed = false;
    for node in running {
        formed |= node.is_formed().await;
    }
    // The one with the longest log has the best chance.
    let Some(first) = running.iter().max_by_key(|node| node.log.bounds().last) else {
        return Ok(());
    };
    if !formed {
        let ids: Vec<u64> = inner.config.replicas.iter().map(|(id, _)| *id).collect();
        let place = first.drive.name().to_owned();
        first.form(&ids).await.map_err(|source| OpenError::Replica { place, source })?;
    }
    first.stand().await;
    Ok(())
}

fn stop(inner: &Inner, id: u64, drive: Drive, why: String) {
    tracing::error!(replica = id, drive = drive.name(), why, "a metadata replica does not start");
    locked(&inner.replicas).stopped.insert(id, Stopped { drive, why, was_full: false });
}

/// Opens one replica.
pub async fn open_node(inner: &Arc<Inner>, id: u64, drive: Drive) -> Result<Node, OpenError> {
    let config = &inner.config;
    let node = NodeConfig {
        log: LogConfig {
            segment_bytes: config.segment_bytes,
            first_segment_bytes: config.first_segment_bytes,
            clock: config.clock.clone(),
            rng: config.rng.clone(),
        },
        cache_bytes: config.cache_bytes,
        voters: config.replicas.len(),
    };
    let place = drive.name().to_owned();
    let opened = Node::open(id, drive, node, inner.board.clone()).await;
    opened.map_err(|source| OpenError::Replica { place, source })
}
