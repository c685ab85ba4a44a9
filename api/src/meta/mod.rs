//! The metadata service: buckets, objects, uploads, drives, keys, the heal
//! queue. One replicated state machine; everything durable that is not bulk bytes.
//!
//! - M1: `execute` answers after the command was committed, applied and is durable on a quorum.
//! - M2 (exactly once): a command is applied once however often it is sent; the service
//!   numbers commands within a session and resends by itself until it knows the outcome.
//! - M3: `query` is linearizable: it sees every command answered before it was asked.
//! - M4: conditions are evaluated where the command is applied, so they are exact
//!   under concurrency.
//! - M5: a body commits only while its intent lives (`INTENT_MS` from its birth or last
//!   renewal), and at most once; replaced and deleted bodies become garbage in the same command.
//!
//! Not here: how it replicates (`meta::raft`), what S3 makes of it (`server::s3`).

mod command;
mod query;
mod record;

pub use command::{Command, Condition, DeleteOne, Outcome, PutObject, PutPart, Refusal};
pub use query::{
    Answer, BodyState, ListObjects, ListUploads, Listing, MetaStatus, Query, ReplicaStatus,
};
pub use record::{
    AccessKey, Attributes, Bucket, Checksum, ChecksumKind, DriveRecord, Garbage, HealEntry,
    ListedObject, Object, Part, PartSummary, Upload, Usage,
};

use holdfast_base::{BodyId, Remedy, Tick};

use crate::BoxFuture;

/// A request that the metadata service did not serve. Refusals by the state
/// machine are not errors, they are [`Outcome::Refused`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetaError {
    /// No quorum, or no leader, within the deadline. The command may or may not have happened.
    #[error("the metadata service gave no answer within {0} ms")]
    Unavailable(u64),
    /// The queue is at its bound, or the log at its budget; nothing happened.
    #[error("the metadata service is overloaded: {0}")]
    Busy(String),
    /// The disk below the log has no room; nothing happened.
    #[error("the disk of the metadata log is full")]
    Full,
    /// The command or query is larger than an entry may be.
    #[error("{0} bytes are more than one command may have")]
    TooLarge(usize),
    /// This replica has fenced itself and needs an operator.
    #[error("the metadata replica stopped: {0}")]
    Stopped(String),
}

impl MetaError {
    /// What the caller should do next.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Unavailable(_) | Self::Busy(_) => Remedy::RetryHere,
            Self::Full => Remedy::TryElsewhere,
            Self::TooLarge(_) => Remedy::Refuse,
            Self::Stopped(_) => Remedy::Stop,
        }
    }
}

/// The metadata service.
pub trait MetaService: Send + Sync + 'static {
    /// Changes state (M1, M2, M4).
    fn execute(&self, command: Command) -> BoxFuture<'_, Result<Outcome, MetaError>>;

    /// Reads state (M3).
    fn query(&self, query: Query) -> BoxFuture<'_, Result<Answer, MetaError>>;

    /// Log time as this replica has applied it; does not wait. Bodies are born at it.
    fn tick(&self) -> Tick;

    /// A body id that nobody has.
    fn new_body(&self) -> BodyId;

    /// False while commands that add are refused with [`MetaError::Full`]: a body whose commit
    /// would be refused is better not written, as its shards lie there until its intent ran out.
    fn has_room(&self) -> bool {
        true
    }
}
