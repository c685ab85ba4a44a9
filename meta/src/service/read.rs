//! Reads: linearizable, from the leader's store.
//!
//! With one voter, whatever was answered is in its store. With more, the leader
//! first makes sure that it still leads (lease, else ReadIndex).

use std::sync::Arc;

use holdfast_api::meta::{Answer, MetaError, MetaStatus, Query, ReplicaStatus};
use holdfast_base::{ByteCount, Lsn};
use holdfast_io::clock::deadline;

use super::Inner;
use crate::raft::machine::blocking;
use crate::raft::node::Node;
use crate::state::{View, query};

/// Between two attempts.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(20);

/// Answers `question`.
pub async fn answer(inner: &Inner, question: Query) -> Result<Answer, MetaError> {
    if question == Query::Status {
        return status(inner).map(Answer::Status);
    }
    let view = view(inner).await?;
    let read = || query::answer(&view, &question);
    let answer = if query::is_long(&question) { blocking(read) } else { read() };
    match answer {
        Ok(Some(answer)) => Ok(answer),
        Ok(None) => status(inner).map(Answer::Status),
        Err(error) => Err(stopped(error)),
    }
}

fn stopped(error: impl std::fmt::Display) -> MetaError {
    MetaError::Stopped(error.to_string())
}

/// A view that has everything answered before (M3).
pub async fn view(inner: &Inner) -> Result<View, MetaError> {
    let node = settled(inner).await?;
    node.shared.stores.current().view().map_err(stopped)
}

/// The leader, once its store has everything answered before.
pub async fn settled(inner: &Inner) -> Result<Arc<Node>, MetaError> {
    let clock = &inner.config.clock;
    let late = MetaError::Unavailable(inner.config.deadline.as_millis() as u64);
    let end = clock.monotonic() + inner.config.deadline;
    loop {
        let left = end.saturating_sub(clock.monotonic());
        if left.is_zero() {
            return Err(late);
        }
        if let Some(leader) = inner.leader() {
            if inner.is_single() {
                return Ok(leader);
            }
            let limit = left.min(inner.config.attempt);
            if let Ok(Ok(())) = deadline(clock, limit, leader.read_barrier()).await {
                return Ok(leader);
            }
        } else if let Some(why) = inner.all_stopped() {
            return Err(why);
        }
        clock.sleep(PAUSE.min(left)).await;
    }
}

/// The service's figures, as far as they can be told without waiting.
fn status(inner: &Inner) -> Result<MetaStatus, MetaError> {
    let (leader, term) = inner.leader_and_term();
    let mut status = MetaStatus { leader, term, ..MetaStatus::default() };
    if let Some(node) = inner.freshest() {
        let view = node.shared.stores.current().view().map_err(stopped)?;
        let system = query::system(&view).map_err(stopped)?;
        let index = node.shared.heard.borrow().applied.unwrap_or(0);
        status.tick = system.tick;
        status.applied = Lsn { incarnation: system.incarnation, index, ..Lsn::default() };
        status.log = query::log_bounds(&view).map_err(stopped)?;
        status.heal_queued = system.heal_queued;
        status.garbage = system.garbage;
    }
    status.replicas = inner.replicas();
    Ok(status)
}

/// One replica's figures.
pub fn replica(node: &Node) -> ReplicaStatus {
    let bounds = node.log.bounds();
    ReplicaStatus {
        id: node.id,
        path: node.drive.name().to_owned(),
        state: node.state(),
        last: bounds.last.map_or(0, |at| at.index),
        applied: node.shared.heard.borrow().applied.unwrap_or(0),
        purged: bounds.purged.map_or(0, |at| at.index),
        log_bytes: ByteCount(bounds.bytes),
        store_bytes: ByteCount(node.shared.stores.current().bytes()),
        ..ReplicaStatus::default()
    }
}
