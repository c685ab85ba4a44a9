//! Keeps replicas in order: checkpoints when due, fences who stopped, tries
//! again where only room was missing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Inner, Stopped, locked, open};
use crate::raft::node::Node;

/// Between two looks.
const PACE: Duration = Duration::from_millis(500);

/// Between two attempts to open a replica whose disk was full.
const REOPEN: Duration = Duration::from_secs(5);

/// Works until the service ends.
pub async fn run(inner: Arc<Inner>) {
    let clock = inner.config.clock.clone();
    let mut saved: BTreeMap<u64, Duration> = BTreeMap::new();
    let mut tried = clock.monotonic();
    loop {
        tokio::select! {
            biased;
            () = inner.closed() => return,
            () = clock.sleep(PACE) => {}
        }
        for node in inner.running() {
            match node.stopped() {
                Some(why) => fence(&inner, &node, why).await,
                None => checkpoint_if_due(&inner, &node, &mut saved).await,
            }
        }
        if clock.monotonic().saturating_sub(tried) >= REOPEN {
            tried = clock.monotonic();
            reopen(&inner).await;
        }
    }
}

async fn fence(inner: &Inner, node: &Arc<Node>, why: String) {
    tracing::error!(
        replica = node.id,
        drive = node.drive.name(),
        why,
        "a metadata replica stopped"
    );
    node.fence().await;
    let was_full = is_about_room(&why);
    let stopped = Stopped { drive: node.drive.clone(), why, was_full };
    let mut replicas = locked(&inner.replicas);
    replicas.running.remove(&node.id);
    replicas.stopped.insert(node.id, stopped);
}

/// openraft and redb keep only the words of an error: these are the system's.
fn is_about_room(why: &str) -> bool {
    let why = why.to_lowercase();
    ["no space left", "no storage space", "quota exceeded"].iter().any(|words| why.contains(words))
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

/// Opens replicas anew whose disk had no room.
async fn reopen(inner: &Arc<Inner>) {
    let full: Vec<(u64, Stopped)> = locked(&inner.replicas)
        .stopped
        .iter()
        .filter(|(_, stopped)| stopped.was_full)
        .map(|(id, stopped)| (*id, stopped.clone()))
        .collect();
    for (id, stopped) in full {
        match open::open_node(inner, id, stopped.drive).await {
            Ok(node) => {
                tracing::info!(replica = id, "a metadata replica runs again");
                let mut replicas = locked(&inner.replicas);
                replicas.stopped.remove(&id);
                replicas.running.insert(id, Arc::new(node));
            }
            Err(why) => tracing::warn!(replica = id, %why, "a metadata replica does not start"),
        }
    }
}
