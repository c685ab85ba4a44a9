//! Opening the service: which replicas may run, and the first leader.
//!
//! - U1: a replica whose drive is empty while others have a log, or may have one, does
//!   not run: it may have voted, or acknowledged, what it does not know any more. Its
//!   place is taken by one under a new number (`tend`).
//! - U2: the service is open once it leads, has applied all that was committed
//!   before, and has a session.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use holdfast_api::meta::{MetaError, MetaService, Query};
use holdfast_base::Remedy;
use holdfast_io::disk::Drive;
use tokio::sync::{Notify, watch};

use super::identity::{Found, Stage};
use super::propose::Proposer;
use super::seats::{Seat, Seats, Stopped};
use super::{Inner, Meta, MetaConfig, identity, keeper, locked, tend};
use crate::log::LogConfig;
use crate::raft::network::Switchboard;
use crate::raft::node::{Node, NodeConfig, NodeError, prepare};

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
    /// Something that the replica wrote is not there any more, or not as it was.
    #[error("{place}: what this metadata replica wrote is not there as it was: {why}")]
    Damaged { place: String, why: String },
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
            Self::Damaged { .. } => Remedy::Rebuild,
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
        let all = config.places.len();
        if !matches!(all, 1 | 3) {
            return Err(OpenError::Replicas { given: all });
        }
        let seats = Seats(config.places.iter().cloned().map(Seat::new).collect());
        let inner = Arc::new(Inner {
            config,
            board: Switchboard::default(),
            seats: Mutex::new(seats),
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
            tokio::spawn(tend::run(inner.clone())),
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
    let all = inner.config.places.len();
    let mut vacant = Vec::new();
    // A replica that cannot be looked at may know of a cluster.
    let mut is_formed = false;
    let mut trouble = None;
    for at in 0..all {
        match look(inner, at).await {
            Ok(Looked::Replica(id, drive)) => match open_node(inner, id, drive).await {
                Ok(node) => {
                    is_formed |= node.is_formed().await;
                    locked(&inner.seats).0[at].node = Some(Arc::new(node));
                }
                Err(error) => {
                    is_formed = true;
                    stop(inner, at, Some(id), &error);
                    trouble = Some(error);
                }
            },
            Ok(Looked::Vacant(drive)) => vacant.push((at, drive)),
            Err(error @ (OpenError::Disk { .. } | OpenError::Damaged { .. })) if all > 1 => {
                is_formed = true;
                stop(inner, at, None, &error);
                trouble = Some(error);
            }
            Err(error) => return Err(error),
        }
    }
    if !is_formed {
        form(inner, vacant).await?;
    } else {
        for (at, _) in vacant {
            let place = inner.config.places[at].name().to_owned();
            let why = "its directory is empty, but the others have a log".to_owned();
            stop(inner, at, None, &OpenError::Damaged { place, why }); // U1
        }
    }
    let running = inner.running();
    if running.len() * 2 <= all {
        return Err(match trouble {
            Some(error) if all == 1 => error,
            other => {
                let why =
                    other.map_or_else(|| "drives are empty".into(), |error| error.to_string());
                OpenError::NoQuorum { running: running.len(), all, why }
            }
        });
    }
    // The one with the longest log has the best chance.
    let voters = running.iter().filter(|node| node.roster().voters.contains(&node.id));
    if let Some(first) = voters.max_by_key(|node| node.log.bounds().last) {
        first.stand().await;
    }
    Ok(())
}

/// A place at the start.
enum Looked {
    Replica(u64, Drive),
    Vacant(Drive),
}

async fn look(inner: &Inner, at: usize) -> Result<Looked, OpenError> {
    let place = inner.config.places[at].name().to_owned();
    let ground = inner.config.places[at].open();
    let drive = ground.map_err(|why| OpenError::Disk { place: place.clone(), why })?.drive;
    match identity::look(&drive, inner.config.cluster).await {
        Ok(Found::Nothing | Found::Replica { stage: Stage::Clearing, .. }) => {
            Ok(Looked::Vacant(drive))
        }
        Ok(Found::Replica { id, .. }) => Ok(Looked::Replica(id, drive)),
        Ok(Found::Damaged { why, .. }) => Err(OpenError::Damaged { place, why }),
        Ok(Found::Foreign(why)) => Err(OpenError::Identity { place, why }),
        Err(error) => Err(OpenError::Disk { place, why: format!("{error}: {}", error.source) }),
    }
}

/// The first start of all, or one that was cut off: every place gets a number before
/// any replica runs, and all run before they have a membership.
async fn form(inner: &Arc<Inner>, vacant: Vec<(usize, Drive)>) -> Result<(), OpenError> {
    let config = &inner.config;
    let taken: Vec<u64> = inner.running().iter().map(|node| node.id).collect();
    let mut free = (1..=config.places.len() as u64).filter(|id| !taken.contains(id));
    let mut fresh = Vec::new();
    for (at, drive) in vacant {
        let Some(id) = free.next() else { continue };
        let place = config.places[at].name().to_owned();
        let written = identity::format(&drive, config.cluster, id).await;
        written.map_err(|error| OpenError::Disk { place, why: error.to_string() })?;
        fresh.push((at, id, drive));
    }
    for (at, id, drive) in fresh {
        let node = open_node(inner, id, drive).await?;
        locked(&inner.seats).0[at].node = Some(Arc::new(node));
    }
    let running = inner.running();
    let ids: Vec<u64> = running.iter().map(|node| node.id).collect();
    let Some(first) = running.first() else { return Ok(()) };
    let place = first.drive.name().to_owned();
    first.form(&ids).await.map_err(|source| OpenError::Replica { place, source })
}

fn stop(inner: &Inner, at: usize, id: Option<u64>, error: &OpenError) {
    let drive = inner.config.places[at].name();
    tracing::error!(replica = id, drive, why = %error, "a metadata replica does not start");
    locked(&inner.seats).0[at].stopped = Stopped::by(id, error);
}

/// Opens replica `id`, which `drive` holds.
pub async fn open_node(inner: &Arc<Inner>, id: u64, drive: Drive) -> Result<Node, OpenError> {
    let config = &inner.config;
    let log = LogConfig {
        segment_bytes: config.segment_bytes,
        first_segment_bytes: config.first_segment_bytes,
        clock: config.clock.clone(),
        rng: config.rng.clone(),
    };
    let place = drive.name().to_owned();
    let disk = |error: holdfast_io::disk::DiskError| OpenError::Disk {
        place: drive.name().to_owned(),
        why: format!("{error}: {}", error.source),
    };
    let replica = |source| OpenError::Replica { place: place.clone(), source };
    match identity::look(&drive, config.cluster).await.map_err(disk)? {
        Found::Replica { stage: Stage::Begun, .. } => {}
        Found::Replica { id, stage: Stage::Fresh } => {
            prepare(id, drive.clone(), log.clone()).await.map_err(replica)?;
            let begun = identity::write(&drive, config.cluster, id, Stage::Begun);
            begun.await.map_err(disk)?;
        }
        Found::Damaged { why, .. } | Found::Foreign(why) => {
            return Err(OpenError::Damaged { place, why });
        }
        Found::Nothing | Found::Replica { .. } => {
            let why = "no replica is there any more".into();
            return Err(OpenError::Disk { place, why });
        }
    }
    let node = NodeConfig { log, cache_bytes: config.cache_bytes, voters: config.places.len() };
    Node::open(id, drive.clone(), node, inner.board.clone()).await.map_err(replica)
}
