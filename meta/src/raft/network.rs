//! Calls between the replicas of one process.
//!
//! A replica that is closed or fenced is unreachable, as a machine would be.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use openraft::errors::{RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::{RPCOption, RaftNetworkFactory, RaftNetworkV2};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, VoteRequest, VoteResponse,
};
use openraft::{OptionalSend, Snapshot};

use super::machine::Shared;
use super::node::Raft;
use super::snapshot::SnapshotData;
use super::types::{Types, Vote};

type SnapshotOf = openraft::type_config::alias::SnapshotOf<Types, SnapshotData>;

/// A replica that can be called.
#[derive(Clone)]
pub struct Peer {
    /// Its Raft.
    pub raft: Raft,
    /// Its store.
    pub shared: Arc<Shared>,
}

/// Who can be called. Cheap to clone.
#[derive(Clone, Default)]
pub struct Switchboard {
    /// Guards the list only.
    peers: Arc<Mutex<BTreeMap<u64, Peer>>>,
}

impl Switchboard {
    /// The replica answers from now on.
    pub fn connect(&self, id: u64, peer: Peer) {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner).insert(id, peer);
    }

    /// It answers no more.
    pub fn disconnect(&self, id: u64) {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    fn peer(&self, id: u64) -> Result<Peer, Unreachable<Types>> {
        let peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        let peer = peers.get(&id).cloned();
        peer.ok_or_else(|| Unreachable::from_string(format!("replica {id} is not running")))
    }
}

/// Calls to one replica.
pub struct Line {
    to: u64,
    board: Switchboard,
}

impl RaftNetworkFactory<Types> for Switchboard {
    type Network = Line;

    async fn new_client(&mut self, target: u64, _node: &openraft::impls::EmptyNode) -> Line {
        Line { to: target, board: self.clone() }
    }
}

fn gone(error: impl std::fmt::Display) -> Unreachable<Types> {
    Unreachable::from_string(error.to_string())
}

impl RaftNetworkV2<Types> for Line {
    type SnapshotData = SnapshotData;

    async fn append_entries(
        &mut self,
        rpc: AppendEntriesRequest<Types>,
        _option: RPCOption,
    ) -> Result<AppendEntriesResponse<Types>, RPCError<Types>> {
        let peer = self.board.peer(self.to)?;
        Ok(peer.raft.append_entries(rpc).await.map_err(gone)?)
    }

    async fn vote(
        &mut self,
        rpc: VoteRequest<Types>,
        _option: RPCOption,
    ) -> Result<VoteResponse<Types>, RPCError<Types>> {
        let peer = self.board.peer(self.to)?;
        Ok(peer.raft.vote(rpc).await.map_err(gone)?)
    }

    async fn pre_vote(
        &mut self,
        rpc: VoteRequest<Types>,
        _option: RPCOption,
    ) -> Result<VoteResponse<Types>, RPCError<Types>> {
        let peer = self.board.peer(self.to)?;
        Ok(peer.raft.pre_vote(rpc).await.map_err(gone)?)
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: SnapshotOf,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        _option: RPCOption,
    ) -> Result<SnapshotResponse<Types>, StreamingError<Types>> {
        let peer = self.board.peer(self.to)?;
        let transfer = async {
            let staged = match &snapshot.snapshot {
                SnapshotData::Held(view) => peer.shared.stores.stage(view).await.map_err(gone)?,
                SnapshotData::Staged(_) => return Err(gone("a snapshot of the wrong side").into()),
            };
            let snapshot = Snapshot { meta: snapshot.meta, snapshot: SnapshotData::Staged(staged) };
            Ok(peer.raft.install_full_snapshot(vote, snapshot).await.map_err(gone)?)
        };
        tokio::select! {
            biased;
            closed = cancel => Err(closed.into()),
            done = transfer => done,
        }
    }
}
