//! Keeps replicas in order: checkpoints when due, fences who stopped, and who
//! lost its directory.
//!
//! Not here: bringing them back (`tend`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use holdfast_io::clock::deadline;
use holdfast_io::disk::DiskErrorKind;

use super::seats::Stopped;
use super::{Inner, locked};
use crate::raft::node::Node;

/// Between two looks.
const PACE: Duration = Duration::from_millis(500);

/// How long a replica may take to end, and its directory to be looked at.
const LIMIT: Duration = Duration::from_secs(5);

/// Works until the service ends.
pub async fn run(inner: Arc<Inner>) {
    let clock = inner.config.clock.clone();
    let mut saved: BTreeMap<u64, Duration> = BTreeMap::new();
    loop {
        tokio::select! {
            biased;
            () = inner.closed() => return,
            () = clock.sleep(PACE) => {}
        }
        for node in inner.running() {
            match trouble(&inner, &node).await {
                Some(why) => fence(&inner, &node, why).await,
                None => checkpoint_if_due(&inner, &node, &mut saved).await,
            }
        }
    }
}

/// Why a replica must not go on. One whose files have lost their names would
/// acknowledge what nobody finds again.
async fn trouble(inner: &Inner, node: &Node) -> Option<String> {
    if let Some(why) = node.stopped() {
        return Some(why);
    }
    match deadline(&inner.config.clock, LIMIT, node.drive.verify()).await {
        Ok(Err(error)) if error.kind == DiskErrorKind::Gone => {
            Some(format!("its directory is gone: {}", error.source))
        }
        // Whatever else is wrong shows when it writes.
        Ok(_) | Err(_) => None,
    }
}

/// Ends a replica that cannot go on.
pub async fn fence(inner: &Inner, node: &Arc<Node>, why: String) {
    let drive = node.drive.name();
    tracing::error!(replica = node.id, drive, why, "a metadata replica stopped");
    let mut stopped = Stopped::new(Some(node.id), why);
    stopped.remains = Some(node.remains());
    let _ = deadline(&inner.config.clock, LIMIT, node.fence()).await;
    locked(&inner.seats).stop(node.id, stopped);
}

async fn checkpoint_if_due(inner: &Inner, node: &Node, saved: &mut BTreeMap<u64, Duration>) {
    let now = inner.config.clock.monotonic();
    let heard = *node.shared.heard.borrow();
    let since = now.saturating_sub(*saved.entry(node.id).or_insert(now));
    let is_behind = heard.applied > node.saved_index();
    let is_due = heard.unsaved_bytes >= inner.config.checkpoint_bytes
        || since >= inner.config.checkpoint_every && is_behind && heard.unsaved_bytes > 0;
    if is_due {
        saved.insert(node.id, now);
        node.checkpoint().await;
    }
}
