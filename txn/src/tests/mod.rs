//! Whole nodes over a log in memory.

mod log;
mod model;
mod node;
mod tail;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use holdfast_api::txn::{
    Change, Check, CommitRequest, Committed, LockGrant, LockMode, LockRequest, LockWait, Lockable,
    Part, RowKey, TxnError, TxnRecord, TxnService,
};
use holdfast_base::{TableId, Ts, TxnId};
use holdfast_io::clock::{Clock, deadline};
use parking_lot::Mutex;

use crate::{TxnConfig, TxnLimits, TxnNode};

const TABLE: TableId = TableId(1);

fn small_limits() -> TxnLimits {
    TxnLimits { recent_bytes: 1 << 16, outcomes: 4096, ..TxnLimits::default() }
}
