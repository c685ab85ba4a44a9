//! One replica: its log, store and Raft on one drive, opened and fenced together.
//!
//! - Z1: a replica whose disk errs stops itself: it neither votes nor answers
//!   any more, and the others go on. The process does not end.
//! - Z2: a store that is behind what the log has purged is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};

use holdfast_io::disk::Drive;
use openraft::async_runtime::WatchReceiver;
use openraft::errors::{ClientWriteError, RaftError};
use openraft::impls::EmptyNode;
use openraft::{Config, ReadPolicy, SnapshotPolicy};

use super::journal::Journal;
use super::machine::{Machine, Shared};
use super::network::{Peer, Switchboard};
use super::snapshot::Stores;
use super::types::{self, Proposal, Types, Vote};
use crate::log::{Ending, Log, LogConfig, LogStoreError};
use crate::state::{Applied, StateError};

/// Raft's membership.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    /// Who votes; while it changes, who will.
    pub voters: BTreeSet<u64>,
    /// Who only listens.
    pub learners: BTreeSet<u64>,
    /// It is changing: two majorities are needed until it is settled.
    pub is_joint: bool,
    /// The last log index of who says so.
    pub last: u64,
}

impl Roster {
    /// It votes or listens.
    pub fn has(&self, id: u64) -> bool {
        self.voters.contains(&id) || self.learners.contains(&id)
    }
}

/// Our Raft; compiled here.
pub type Raft = openraft::Raft<Types, Machine>;

/// What a replica needs besides its drive.
#[derive(Clone)]
pub struct NodeConfig {
    /// See [`LogConfig`].
    pub log: LogConfig,
    /// The store's cache. [bytes]
    pub cache_bytes: usize,
    /// How many replicas there are: sets the pace of elections and what is kept for followers.
    pub voters: usize,
}

/// A replica that does not start.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// Its log.
    #[error(transparent)]
    Log(#[from] LogStoreError),
    /// Its store.
    #[error(transparent)]
    State(#[from] StateError),
    /// Raft.
    #[error("the metadata replica could not start: {0}")]
    Raft(String),
}

impl NodeError {
    fn raft(error: impl std::fmt::Display) -> Self {
        Self::Raft(error.to_string())
    }

    /// What the caller should do next.
    pub fn remedy(&self) -> holdfast_base::Remedy {
        match self {
            Self::Log(error) => error.remedy(),
            Self::State(error) => error.remedy(),
            Self::Raft(_) => holdfast_base::Remedy::Stop,
        }
    }
}

/// One replica that runs.
pub struct Node {
    /// Its number.
    pub id: u64,
    /// Its drive.
    pub drive: Drive,
    /// Its Raft.
    pub raft: Raft,
    /// Its log.
    pub log: Log,
    /// Its store, and what was last applied.
    pub shared: Arc<Shared>,
    board: Switchboard,
}

/// What a replica that was stopped may still have open: a write that hangs would
/// land in the files of whoever opened them next.
#[derive(Clone)]
pub struct Remains {
    log: Ending,
    shared: Weak<Shared>,
}

impl Remains {
    /// Nothing of it is left.
    pub fn are_gone(&self) -> bool {
        self.log.is_over() && self.shared.strong_count() == 0
    }
}

/// What came of a proposal that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotWritten {
    /// Another replica leads, or none: certainly not appended here.
    NotLeader,
    /// It may or may not happen yet.
    Unknown(String),
    /// This replica has stopped; it may or may not happen yet.
    Stopped(String),
}

/// Puts a log and a vote where nothing is: from now on one that is not there was lost.
///
/// # Errors
/// The disk.
pub async fn prepare(id: u64, drive: Drive, config: LogConfig) -> Result<(), NodeError> {
    let log = Log::open(drive, config).await?;
    log.save_vote(types::encode(&Vote::new(0, id)).map_err(NodeError::raft)?).await?;
    Ok(log.close().await?)
}

impl Node {
    /// Opens the replica on `drive`.
    ///
    /// # Errors
    /// A damaged log or store, another format, the disk.
    pub async fn open(
        id: u64,
        drive: Drive,
        config: NodeConfig,
        board: Switchboard,
    ) -> Result<Self, NodeError> {
        let log = Log::open(drive.clone(), config.log.clone()).await?;
        let stores = Stores::open(drive.clone(), config.cache_bytes).await?;
        let machine = Machine::open(stores).map_err(NodeError::raft)?;
        let shared = machine.shared().clone();
        let (purged, applied) = (log.bounds().purged, shared.applied());
        if purged.map(|at| at.index) > applied.map(|id| id.index) {
            let why = format!("it is at {applied:?}, and the log begins after {purged:?}"); // Z2
            return Err(StateError::Snapshot(why).into());
        }
        let raft_config = Arc::new(raft_config(config.voters)?);
        let raft = Raft::new(id, raft_config, board.clone(), Journal(log.clone()), machine).await;
        let raft = raft.map_err(|error| NodeError::Raft(error.to_string()))?;
        board.connect(id, Peer { raft: raft.clone(), shared: shared.clone() });
        Ok(Self { id, drive, raft, log, shared, board })
    }

    /// True once it has a membership.
    pub async fn is_formed(&self) -> bool {
        self.raft.is_initialized().await.unwrap_or(false)
    }

    /// Makes the first membership of all. Nothing, where there is one.
    ///
    /// # Errors
    /// Raft has stopped.
    pub async fn form(&self, ids: &[u64]) -> Result<(), NodeError> {
        let members = ids.iter().map(|id| (*id, EmptyNode {})).collect::<BTreeMap<_, _>>();
        match self.raft.initialize(members).await {
            Ok(()) | Err(RaftError::APIError(_)) => Ok(()),
            Err(RaftError::Fatal(error)) => Err(NodeError::Raft(error.to_string())),
        }
    }

    /// Stands for election now instead of after a time-out.
    pub async fn stand(&self) {
        // A replica that has stopped stands for nothing.
        let _ = self.raft.trigger().elect(false).await;
    }

    /// The membership, as far as this replica knows.
    pub fn roster(&self) -> Roster {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow_watched();
        let membership = metrics.membership_config.membership();
        let configs = membership.get_joint_config();
        Roster {
            voters: configs.last().cloned().unwrap_or_default(),
            learners: membership.learner_ids().collect(),
            is_joint: configs.len() > 1,
            last: metrics.last_log_index.unwrap_or(0),
        }
    }

    /// How many entries each replica lacks of this leader's; nothing where it does not lead.
    pub fn lags(&self) -> BTreeMap<u64, u64> {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow_watched();
        let last = metrics.last_log_index.map_or(0, |last| last + 1);
        let lag = |matched: &Option<types::LogId>| {
            last.saturating_sub(matched.as_ref().map_or(0, |id| id.index + 1))
        };
        let all = metrics.replication.iter().flatten();
        let mut lags: BTreeMap<u64, u64> = all.map(|(id, at)| (*id, lag(at))).collect();
        if metrics.replication.is_some() {
            lags.insert(self.id, 0);
        }
        lags
    }

    /// Lets a replica listen; as leader. Done again, it changes nothing.
    ///
    /// # Errors
    /// [`NotWritten`].
    pub async fn add_learner(&self, id: u64) -> Result<(), NotWritten> {
        told(self.raft.add_learner(id, EmptyNode {}, false).await)
    }

    /// Makes these the voters, by way of a joint membership; as leader. Who voted and
    /// does not any more is forgotten. With the voters that there are, it settles
    /// what was begun.
    ///
    /// # Errors
    /// [`NotWritten`].
    pub async fn set_voters(&self, voters: BTreeSet<u64>) -> Result<(), NotWritten> {
        told(self.raft.change_membership(voters, false).await)
    }

    /// Forgets a learner; as leader.
    ///
    /// # Errors
    /// [`NotWritten`].
    pub async fn forget(&self, id: u64) -> Result<(), NotWritten> {
        let change = openraft::ChangeMembers::RemoveNodes(BTreeSet::from([id]));
        told(self.raft.change_membership(change, false).await)
    }

    /// Appends one entry and waits for what comes of it.
    ///
    /// # Errors
    /// [`NotWritten`].
    pub async fn write(&self, entry: Proposal) -> Result<(u64, Applied), NotWritten> {
        let answer = self.raft.client_write(entry).await.map_err(not_written)?;
        Ok((answer.log_id.index, answer.data))
    }

    /// Resolves once this replica's store has everything that was committed
    /// anywhere before the call. Only the leader can tell.
    ///
    /// # Errors
    /// It does not lead, or has stopped.
    pub async fn read_barrier(&self) -> Result<(), NotWritten> {
        let lease = self.raft.ensure_linearizable(ReadPolicy::LeaseRead).await;
        let answer = match lease {
            Ok(at) => Ok(at),
            Err(RaftError::APIError(_)) => {
                self.raft.ensure_linearizable(ReadPolicy::ReadIndex).await
            }
            Err(fatal @ RaftError::Fatal(_)) => Err(fatal),
        };
        match answer {
            Ok(_) => Ok(()),
            Err(RaftError::APIError(_)) => Err(NotWritten::NotLeader),
            Err(RaftError::Fatal(error)) => Err(NotWritten::Stopped(error.to_string())),
        }
    }

    /// Makes the store durable soon, and lets the log go up to there.
    pub async fn checkpoint(&self) {
        // A replica that has stopped has nothing to save.
        let _ = self.raft.trigger().snapshot().await;
    }

    /// Why it has stopped, if it has.
    pub fn stopped(&self) -> Option<String> {
        let metrics = self.raft.metrics();
        let state = metrics.borrow_watched().running_state.clone();
        state.err().map(|error| error.to_string())
    }

    /// Who leads, as far as this replica knows, and the term.
    pub fn leader(&self) -> (Option<u64>, u64) {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow_watched();
        (metrics.current_leader, metrics.current_term)
    }

    /// The replica's part, in a word.
    pub fn state(&self) -> String {
        if let Some(why) = self.stopped() {
            return format!("stopped: {why}");
        }
        let metrics = self.raft.metrics();
        let state = metrics.borrow_watched().state;
        format!("{state:?}").to_lowercase()
    }

    /// Ends it, tidily: the next open finds nothing to judge.
    pub async fn close(&self) {
        self.board.disconnect(self.id);
        // Whatever is wrong is found at the next open.
        let _ = self.raft.shutdown().await;
        let _ = self.log.close().await;
    }

    /// Ends it because it cannot go on (Z1).
    pub async fn fence(&self) {
        self.board.disconnect(self.id);
        // It has stopped already.
        let _ = self.raft.shutdown().await;
    }

    /// What must have ended before the files are opened again.
    pub fn remains(&self) -> Remains {
        Remains { log: self.log.ending(), shared: Arc::downgrade(&self.shared) }
    }

    /// The position up to which its store is durable.
    pub fn saved_index(&self) -> Option<u64> {
        self.shared.saved().map(|id| types::position(&id).index)
    }
}

fn not_written(error: RaftError<Types, ClientWriteError<Types>>) -> NotWritten {
    match error {
        RaftError::APIError(ClientWriteError::ForwardToLeader(_)) => NotWritten::NotLeader,
        RaftError::APIError(other) => NotWritten::Unknown(other.to_string()),
        RaftError::Fatal(error) => NotWritten::Stopped(error.to_string()),
    }
}

fn told<T>(answer: Result<T, RaftError<Types, ClientWriteError<Types>>>) -> Result<(), NotWritten> {
    answer.map(drop).map_err(not_written)
}

fn raft_config(voters: usize) -> Result<Config, NodeError> {
    let config = Config {
        cluster_name: "holdfast-meta".into(),
        heartbeat_interval: 250,
        election_timeout_min: 1000,
        election_timeout_max: 2000,
        install_snapshot_timeout: 10 * 60 * 1000,
        max_payload_entries: 64,
        snapshot_policy: SnapshotPolicy::Never,
        max_in_snapshot_log_to_keep: if voters > 1 { 128 } else { 0 },
        enable_pre_vote: Some(true),
        // A restarted leader's store may be behind its log: it is elected anew,
        // which commits and applies what the log has.
        enable_leader_restore: Some(false),
        ..Config::default()
    };
    config.validate().map_err(|error| NodeError::Raft(error.to_string()))
}
