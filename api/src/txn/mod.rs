//! The transaction service: timestamps, locks and commits of the database.
//!
//! ```text
//! now -> read at that timestamp -> lock -> read again what changed -> commit -> accepted
//! ```
//!
//! - X1: `now` covers every commit that was acknowledged before it was called.
//! - X2: a commit is acknowledged only after the log accepted its record (`log` T1).
//! - X3: log order, timestamp order and validation order are one.
//! - X4: a commit is accepted only if none of its checked keys changed after the
//!   timestamp given with it, by anybody else.
//! - X5: asking for the outcome of an unknown transaction decides it aborted.
//! - X6: every wait has a deadline; a deadlock is found, not waited out.
//!
//! Not here: the records as bytes in the log (`record`), what a key means (`sql`).

pub mod record;

use std::time::Duration;

use bytes::Bytes;
use holdfast_base::{Epoch, Lsn, Remedy, TableId, Ts, TxnId};
use serde::{Deserialize, Serialize};

use crate::BoxFuture;
use crate::log::LogError;

pub use record::{Change, Part, TxnRecord};

/// A row's name: its table (or index), and its key there, which orders as the rows do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RowKey {
    /// The table or index.
    pub table: TableId,
    /// The encoded key.
    pub key: Bytes,
}

/// What can be locked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lockable {
    /// One key, whether or not a row is there.
    Row(RowKey),
    /// All keys of `from <= key < to`, rows that are not there yet included; no
    /// `to` is the end of the table.
    Range {
        /// The table or index.
        table: TableId,
        /// First key.
        from: Bytes,
        /// One past the last key.
        to: Option<Bytes>,
    },
    /// A whole table: conflicts with every row and range lock of others in it.
    Table(TableId),
}

/// How it is locked. Shared locks live together, an exclusive one lives alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockMode {
    /// `FOR SHARE`, foreign-key parents.
    Shared,
    /// `FOR UPDATE`, writes.
    Exclusive,
}

/// What to do where a lock is held by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockWait {
    /// Wait so long, then [`TxnError::LockTimeout`].
    For(Duration),
    /// [`TxnError::LockBusy`] at once.
    NoWait,
    /// Leave it out; the answer says which.
    SkipLocked,
}

/// Asks for locks, all for one transaction. Locks are held until commit or `release`.
#[derive(Clone, Debug)]
pub struct LockRequest {
    /// Who asks.
    pub txn: TxnId,
    /// What, and how.
    pub locks: Vec<(Lockable, LockMode)>,
    /// What to do where one is taken.
    pub wait: LockWait,
    /// Rows and ranges changed after this are reported in the answer.
    pub since: Ts,
}

/// Locks that are held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockGrant {
    /// Reading at this timestamp sees everything that happened before the grant
    /// to what was locked; nothing can change there until the locks go.
    pub at: Ts,
    /// Positions (in the request) that were left out by `SkipLocked`.
    pub skipped: Vec<usize>,
    /// Whether anything that was locked may have changed after `since`. Never
    /// false where it did.
    pub changed: bool,
}

/// A key that was read or written, and the timestamp at which it was last looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The key.
    pub row: RowKey,
    /// It must not have changed after this.
    pub since: Ts,
}

/// A transaction that wants to become durable.
#[derive(Clone, Debug)]
pub struct CommitRequest {
    /// Who.
    pub txn: TxnId,
    /// X4: every key that was written without a lock, or relied upon (unique
    /// keys, foreign-key parents, the catalog rows of the tables used).
    pub checks: Vec<Check>,
    /// Locks that the transaction relies on are from this epoch; it is refused
    /// when another one has begun. `None`: it holds none.
    pub locked_in: Option<Epoch>,
    /// What it changes.
    pub parts: Vec<Part>,
}

/// A transaction that is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Its changes are visible from this timestamp on.
    pub ts: Ts,
    /// Where its record lies.
    pub lsn: Lsn,
}

/// What became of `lock_and_commit`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AutoCommit {
    /// It is durable; no locks are left.
    Done(Committed),
    /// A checked key changed: nothing happened, **the locks are held**. Look
    /// again at or after `at`, then commit or release.
    Changed {
        /// See [`LockGrant::at`].
        at: Ts,
    },
}

/// What is known of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TxnOutcome {
    /// It is durable.
    Committed(Committed),
    /// It did not happen, and cannot happen any more (X5).
    Aborted,
    /// It is too old to be remembered; it cannot commit any more.
    Forgotten,
}

/// The transaction node's own figures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TxnStatus {
    /// Its epoch; 0 before it serves.
    pub epoch: Epoch,
    /// The highest accepted commit timestamp.
    pub accepted: Ts,
    /// Where the record of `accepted` lies.
    pub lsn: Lsn,
    /// Transactions that hold or wait for locks.
    pub lockers: u64,
    /// Locks held.
    pub locks: u64,
    /// Requests that wait for a lock.
    pub waiting: u64,
    /// Keys whose last change is remembered.
    pub recent: u64,
    /// Commits that were accepted.
    pub commits: u64,
    /// Commits that were refused because something changed (X4) or was too old.
    pub conflicts: u64,
    /// Deadlocks that were broken.
    pub deadlocks: u64,
    /// Lock waits that timed out.
    pub timeouts: u64,
    /// Appends to the log; commits share them.
    pub appends: u64,
}

/// Why a transaction cannot go on. All but `Busy` end it: its locks are gone,
/// unless the variant says otherwise.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are named for what they are")]
pub enum TxnError {
    /// MySQL 1213. This transaction was chosen to break a deadlock.
    #[error("deadlock: transaction {0} was chosen to end")]
    Deadlock(TxnId),
    /// MySQL 1205. The locks that it had before are still held.
    #[error("no lock within {0:?}")]
    LockTimeout(Duration),
    /// MySQL 3572. The locks that it had before are still held.
    #[error("the lock is held by another transaction")]
    LockBusy,
    /// MySQL 1213: a checked key changed (X4).
    #[error("{key:?} changed after it was read")]
    Conflict { key: RowKey },
    /// MySQL 1213: it began before the horizon of what is remembered.
    #[error("the transaction began before the horizon {horizon}")]
    TooOld { horizon: Ts },
    /// MySQL 1213: its locks were lost with an earlier epoch.
    #[error("its locks are of epoch {given}, {current} is current")]
    LocksLost { given: Epoch, current: Epoch },
    /// MySQL 1213: somebody asked for its outcome before it committed (X5).
    #[error("transaction {0} was decided aborted")]
    Decided(TxnId),
    /// MySQL 1197 or 1206: more changes or locks than one transaction may have.
    #[error("the transaction has {what}: {have}, at most {most} are allowed")]
    TooLarge { what: &'static str, have: usize, most: usize },
    /// Too many requests wait. Nothing happened, locks are as before.
    #[error("the transaction node is overloaded")]
    Busy,
    /// The log refused: full, fenced or away. After `Meta` errors of the kind
    /// "unknown" the outcome is to be asked for.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The commit was sent, its outcome is not known yet: ask `outcome`.
    #[error("the outcome of transaction {0} is not known yet")]
    Unknown(TxnId),
    /// The service has ended, or a later epoch has begun elsewhere.
    #[error("the transaction node has stopped: {0}")]
    Stopped(String),
}

impl TxnError {
    /// What the caller should do next.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Deadlock(_)
            | Self::Conflict { .. }
            | Self::TooOld { .. }
            | Self::LocksLost { .. }
            | Self::Decided(_)
            | Self::LockTimeout(_)
            | Self::Unknown(_)
            | Self::Busy => Remedy::RetryHere,
            Self::LockBusy | Self::TooLarge { .. } => Remedy::Refuse,
            Self::Log(error) => error.remedy(),
            Self::Stopped(_) => Remedy::TryElsewhere,
        }
    }
}

/// The transaction node.
pub trait TxnService: Send + Sync + 'static {
    /// A read timestamp (X1).
    fn now(&self) -> BoxFuture<'_, Result<Ts, TxnError>>;

    /// A read timestamp and a fresh id for a transaction that begins.
    fn begin(&self) -> BoxFuture<'_, Result<TxnId, TxnError>>;

    /// Locks, waiting as the request says.
    fn lock(&self, request: LockRequest) -> BoxFuture<'_, Result<LockGrant, TxnError>>;

    /// Commits, and gives up every lock of the transaction whatever comes of it,
    /// except after [`TxnError::Busy`].
    fn commit(&self, request: CommitRequest) -> BoxFuture<'_, Result<Committed, TxnError>>;

    /// `lock`, then `commit` if nothing that is checked has changed: one call for
    /// a statement that is a transaction of its own.
    fn lock_and_commit(
        &self,
        lock: LockRequest,
        commit: CommitRequest,
    ) -> BoxFuture<'_, Result<AutoCommit, TxnError>>;

    /// Gives up every lock of a transaction that ends without changes. Does not wait.
    fn release(&self, txn: TxnId);

    /// What became of a transaction (X5).
    fn outcome(&self, txn: TxnId) -> BoxFuture<'_, Result<TxnOutcome, TxnError>>;

    /// The current epoch, to be given with commits that rely on locks.
    fn epoch(&self) -> Epoch;

    /// Its figures; does not wait.
    fn status(&self) -> TxnStatus;
}
