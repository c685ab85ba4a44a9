//! What a node says of itself.

use holdfast_api::txn::TxnStatus;
use serde::{Deserialize, Serialize};

use crate::engine::Engine;
use crate::store::StoreStatus;

/// The database's figures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseStatus {
    /// The transaction node.
    pub txn: TxnStatus,
    /// The timestamp that the tail has reached.
    pub applied: u64,
    /// Keys in the tail, index entries included.
    pub tail_keys: u64,
    /// The tail in memory. [bytes]
    pub tail_bytes: u64,
    /// Of it, what no object holds yet. [bytes]
    pub unflushed_bytes: u64,
    /// Objects, flushes, checkpoints.
    pub store: StoreStatus,
    /// Tables and views.
    pub tables: u64,
    /// Sessions.
    pub sessions: u64,
    /// Statements since the start.
    pub questions: u64,
    /// Why the node does not serve, if it does not.
    pub stopped: Option<String>,
}

impl Engine {
    /// Its figures; does not wait.
    pub fn status(&self) -> DatabaseStatus {
        let tail = self.tail.status();
        DatabaseStatus {
            txn: self.txn.status(),
            applied: self.tail.applied().0.0,
            tail_keys: tail.keys as u64,
            tail_bytes: tail.bytes as u64,
            unflushed_bytes: tail.unflushed_bytes as u64,
            store: self.store.status(),
            tables: self.catalog().map_or(0, |catalog| catalog.entries.len() as u64),
            sessions: self.sessions.all().len() as u64,
            questions: self.sessions.questions.load(std::sync::atomic::Ordering::Relaxed),
            stopped: self.stopped(),
        }
    }
}
