//! Edits of manifests as records of the log.
//!
//! A table's edits exclude each other by a row of the system table `manifests` that each
//! of them writes (F3).

use std::time::Duration;

use holdfast_api::txn::{Change, Check, CommitRequest, Part, TxnError, TxnOutcome};
use holdfast_base::{TableId, Ts, TxnId};
use holdfast_objects::manifest::Edit;
use serde::{Deserialize, Serialize};

use crate::catalog::definition::{MANIFESTS, ROW_VERSION};
use crate::catalog::system;
use crate::engine::Engine;
use crate::error::{Result, SqlError};

/// How long an unknown outcome is asked for.
const OUTCOME_LIMIT: Duration = Duration::from_secs(20);
const OUTCOME_PAUSE: Duration = Duration::from_millis(50);

/// A row of `manifests`.
#[derive(Serialize, Deserialize)]
struct ManifestRow {
    v: u32,
    flushed: u64,
}

/// What a record needs besides the objects, for a transaction that edits manifests.
pub struct Prepared {
    /// Nobody else edited them meanwhile.
    pub checks: Vec<Check>,
    /// The edits, and the rows that exclude others.
    pub parts: Vec<Part>,
}

/// Edits as parts of a record. Under the jobs' lock.
///
/// # Errors
/// 1213: a manifest is not the one that its edit was made for.
pub async fn prepare(engine: &Engine, edits: &[(TableId, Edit)]) -> Result<Prepared> {
    let since = engine.now().await?;
    let (mut checks, mut parts, mut changes) = (Vec::new(), Vec::new(), Vec::new());
    for (table, edit) in edits {
        if engine.store.versions.newest(*table).at != edit.before {
            return Err(SqlError::deadlock());
        }
        let row = system::manifest_key(*table);
        let value = system::encode(&ManifestRow { v: ROW_VERSION, flushed: edit.flushed.0 })?;
        changes.push(Change { key: row.key.clone(), row: Some(value) });
        checks.push(Check { row, since });
        parts.push(Part::Objects { table: *table, change: edit.encode() });
    }
    changes.sort_by(|a, b| a.key.cmp(&b.key));
    parts.push(Part::Rows { table: MANIFESTS, schema: 1, changes });
    Ok(Prepared { checks, parts })
}

/// Commits edits that change no rows: a flush, a compaction. Under the jobs' lock.
///
/// # Errors
/// The transaction node's; after 1180 the outcome is not known.
pub async fn commit(engine: &Engine, edits: &[(TableId, Edit)]) -> Result<Ts> {
    let Prepared { checks, parts } = prepare(engine, edits).await?;
    send(engine, checks, parts).await
}

/// Commits parts as a transaction of their own, and waits until this node has them.
///
/// # Errors
/// As [`commit`].
pub async fn send(engine: &Engine, checks: Vec<Check>, parts: Vec<Part>) -> Result<Ts> {
    let txn = engine.txn.begin().await?;
    let request = CommitRequest { txn, checks, locked_in: None, parts };
    let ts = match engine.txn.commit(request).await {
        Ok(done) => done.ts,
        Err(TxnError::Unknown(txn)) => settle(engine, txn).await?,
        Err(error) => return Err(error.into()),
    };
    engine.reach(ts).await?;
    Ok(ts)
}

async fn settle(engine: &Engine, txn: TxnId) -> Result<Ts> {
    let end = engine.clock.monotonic() + OUTCOME_LIMIT;
    loop {
        match engine.txn.outcome(txn).await {
            Ok(TxnOutcome::Committed(done)) => return Ok(done.ts),
            Ok(TxnOutcome::Aborted) => return Err(SqlError::deadlock()),
            Err(_) if engine.clock.monotonic() < end => engine.clock.sleep(OUTCOME_PAUSE).await,
            Ok(TxnOutcome::Forgotten) | Err(_) => return Err(TxnError::Unknown(txn).into()),
        }
    }
}
