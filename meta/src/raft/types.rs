//! What openraft is told about our types.

use std::fmt;
use std::io;

use bytes::Bytes;
use openraft::impls::EmptyNode;
use serde::{Deserialize, Serialize};

use crate::log::{Kind, Position, Record};
use crate::state::Applied;

/// An entry's bytes: see `state::entry`. Encoded once, by who proposes it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal(pub Bytes);

impl fmt::Debug for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proposal({} bytes)", self.0.len())
    }
}

impl fmt::Display for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

openraft::declare_raft_types!(
    /// Our Raft.
    pub Types:
        D = Proposal,
        R = Applied,
        NodeId = u64,
        Node = EmptyNode,
);

pub type LogId = openraft::type_config::alias::LogIdOf<Types>;
pub type Vote = openraft::type_config::alias::VoteOf<Types>;
pub type RaftEntry = openraft::type_config::alias::EntryOf<Types>;
pub type StoredMembership = openraft::type_config::alias::StoredMembershipOf<Types>;
pub type SnapshotMeta = openraft::type_config::alias::SnapshotMetaOf<Types>;
type LeaderId = openraft::type_config::alias::LeaderIdOf<Types>;
type Payload = openraft::EntryPayload<Proposal, u64, EmptyNode>;

/// Our log's word for a log id.
pub fn position(id: &LogId) -> Position {
    Position { term: id.leader_id.term, node: id.leader_id.node_id, index: id.index }
}

/// The inverse.
pub fn log_id(at: Position) -> LogId {
    LogId { leader_id: LeaderId { term: at.term, node_id: at.node }, index: at.index }
}

/// Our log's record of an entry.
pub fn record(entry: RaftEntry) -> io::Result<Record> {
    let at = position(&entry.log_id);
    let (kind, payload) = match entry.payload {
        Payload::Blank => (Kind::Blank, Bytes::new()),
        Payload::Normal(Proposal(bytes)) => (Kind::Normal, bytes),
        Payload::Membership(membership) => (Kind::Membership, encode(&membership)?.into()),
    };
    Ok(Record { at, kind, payload })
}

/// The inverse.
pub fn entry(record: Record) -> io::Result<RaftEntry> {
    let payload = match record.kind {
        Kind::Normal => Payload::Normal(Proposal(record.payload)),
        Kind::Membership => Payload::Membership(decode(&record.payload)?),
        Kind::Blank | Kind::Truncate | Kind::TruncateAll | Kind::Purge | Kind::Mark => {
            Payload::Blank
        }
    };
    Ok(RaftEntry { log_id: log_id(record.at), payload })
}

/// The format of what Raft itself keeps: votes, memberships, positions.
const VERSION: u8 = 1;

/// Raft's own words as bytes.
pub fn encode(value: &impl Serialize) -> io::Result<Vec<u8>> {
    postcard::to_extend(value, vec![VERSION]).map_err(io::Error::other)
}

/// The inverse.
pub fn decode<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> io::Result<T> {
    match bytes.split_first() {
        Some((&VERSION, rest)) => postcard::from_bytes(rest).map_err(io::Error::other),
        Some((other, _)) => Err(io::Error::other(format!("Raft's words have format {other}"))),
        None => Err(io::Error::other("Raft's words are empty")),
    }
}
