//! Tends the places: brings replicas back, and replaces those that cannot come back.
//!
//! One step at a time, by what `roster` says; every step is done again, or not
//! needed any more, if it was cut off.
//!
//! - K1: nothing is formatted, and nobody's vote is taken away, but under a leader
//!   that a majority has just confirmed: then the others have all that was acknowledged.
//! - K2: files that an earlier opening may still write to are not opened again.

use std::sync::Arc;
use std::time::Duration;

use holdfast_io::clock::deadline;
use holdfast_io::disk::Drive;

use super::identity::{self, Found, Stage};
use super::roster::{self, Seat as Stand, Step};
use super::seats::{Cause, Stopped};
use super::{Inner, locked, open};
use crate::raft::node::{Node, NotWritten};

/// Between two looks.
const PACE: Duration = Duration::from_secs(1);

/// How long opening a replica, or one change of the membership, may take.
const STEP_LIMIT: Duration = Duration::from_secs(60);

/// How long a directory may take to be looked at.
const LOOK_LIMIT: Duration = Duration::from_secs(5);

/// What stands at a place, and how to reach it.
struct Looked {
    stand: Stand,
    drive: Option<Drive>,
    /// For people, where something is wrong.
    why: Option<String>,
}

/// Works until the service ends.
pub async fn run(inner: Arc<Inner>) {
    let clock = inner.config.clock.clone();
    loop {
        tokio::select! {
            biased;
            () = inner.closed() => return,
            () = clock.sleep(PACE) => {}
        }
        tokio::select! {
            biased;
            () = inner.closed() => return,
            () = round(&inner) => {}
        }
    }
}

async fn round(inner: &Arc<Inner>) {
    let leader = if inner.is_single() { None } else { inner.leader() };
    let lags = leader.as_ref().map(|leader| leader.lags()).unwrap_or_default();
    let mut looked = Vec::new();
    for at in 0..inner.config.places.len() {
        let node = locked(&inner.seats).0[at].node.clone();
        looked.push(match node {
            Some(node) => {
                let is_blank = node.log.bounds().last.is_none();
                let stand =
                    Stand::Running { id: node.id, lag: lags.get(&node.id).copied(), is_blank };
                Looked { stand, drive: None, why: None }
            }
            None => look(inner, at).await,
        });
    }
    if let Some(leader) = leader {
        let stands: Vec<Stand> = looked.iter().map(|one| one.stand).collect();
        if let Some(step) = roster::next(&leader.roster(), &stands) {
            take(inner, &leader, step, &looked).await;
        }
        return;
    }
    // Without a leader, or with one voter: whoever can run may make a majority.
    for (at, one) in looked.iter().enumerate() {
        if let (Stand::Whole(id), Some(drive)) = (one.stand, &one.drive) {
            bring_back(inner, at, id, drive.clone()).await;
        }
    }
}

/// Looks at a place where nothing runs; `Away` until the next attempt is due.
async fn look(inner: &Inner, at: usize) -> Looked {
    let now = inner.config.clock.monotonic();
    let (place, stopped, is_due, is_hopeless) = {
        let seats = locked(&inner.seats);
        let seat = &seats.0[at];
        (seat.place.clone(), seat.stopped.clone(), seat.is_due(now), seat.is_hopeless())
    };
    let away = |why| Looked { stand: Stand::Away, drive: None, why };
    if inner.is_single() && stopped.cause != Cause::Full || !is_due {
        return away(None);
    }
    let ground = match place.open() {
        Ok(ground) => ground,
        Err(why) => return away(Some(why)),
    };
    let looking = identity::look(&ground.drive, inner.config.cluster);
    let found = match deadline(&inner.config.clock, LOOK_LIMIT, looking).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => return away(Some(format!("{error}: {}", error.source))),
        Err(_late) => return away(Some("its disk does not answer".into())),
    };
    let is_same = |id: u64| stopped.id == Some(id);
    let (stand, why) = match found {
        Found::Nothing | Found::Replica { stage: Stage::Clearing, .. } => {
            (Stand::Vacant, Some("its directory is empty".to_owned()))
        }
        Found::Replica { id, stage: Stage::Fresh } => (Stand::Fresh(id), None),
        Found::Replica { id, .. } if is_same(id) && stopped.cause == Cause::Damaged => {
            (Stand::Damaged, Some(stopped.why.clone()))
        }
        Found::Replica { id, .. } if is_same(id) && is_hopeless && stopped.cause == Cause::Away => {
            (Stand::Damaged, Some(stopped.why.clone()))
        }
        Found::Replica { id, .. } => (Stand::Whole(id), None),
        Found::Damaged { why, .. } => (Stand::Damaged, Some(why)),
        Found::Foreign(why) => (Stand::Away, Some(why)),
    };
    let is_kept = matches!(stand, Stand::Vacant | Stand::Damaged) && !ground.may_format;
    // K2: an empty directory is not the one that was open.
    let is_busy = !matches!(stand, Stand::Vacant)
        && stopped.remains.as_ref().is_some_and(|remains| !remains.are_gone());
    if is_kept || is_busy {
        return away(why);
    }
    Looked { stand, drive: Some(ground.drive), why }
}

/// Takes one step under `leader`.
async fn take(inner: &Arc<Inner>, leader: &Arc<Node>, step: Step, looked: &[Looked]) {
    // K1.
    let confirmed =
        deadline(&inner.config.clock, inner.config.attempt, leader.read_barrier()).await;
    if !matches!(confirmed, Ok(Ok(()))) {
        return;
    }
    let path = |at: usize| inner.config.places[at].name();
    let drive = |at: usize| looked.get(at).and_then(|one| one.drive.clone());
    match step {
        Step::Open(at) => {
            let (Some(drive), Some(id)) = (drive(at), id_of(looked[at].stand)) else { return };
            bring_back(inner, at, id, drive).await;
        }
        Step::Stop(at) => {
            let node = locked(&inner.seats).0[at].node.clone();
            if let Some(node) = node {
                let why = "it was replaced while it was away".to_owned();
                super::keeper::fence(inner, &node, why).await;
            }
        }
        Step::Format(at, id) => {
            let Some(drive) = drive(at) else { return };
            let why = looked[at].why.as_deref().unwrap_or("it was replaced while it was away");
            tracing::warn!(replica = id, drive = path(at), why, "a metadata replica is made anew");
            let formatted = identity::format(&drive, inner.config.cluster, id).await;
            locked(&inner.seats).0[at].try_at(inner.config.clock.monotonic());
            let stopped = match formatted {
                Ok(()) => Stopped::new(Some(id), "it is being made".into()),
                Err(error) => Stopped::new(None, format!("{error}: {}", error.source)),
            };
            locked(&inner.seats).0[at].stopped = stopped;
        }
        Step::Learn(id) => say(inner, "listens", id, leader.add_learner(id)).await,
        Step::Settle => {
            let voters = leader.roster().voters;
            say(inner, "sees a change of voters through", leader.id, leader.set_voters(voters))
                .await;
        }
        Step::Replace { dead, by } => {
            let mut voters = leader.roster().voters;
            voters.remove(&dead);
            voters.insert(by);
            tracing::warn!(dead, by, "a lost metadata replica is being replaced");
            say(inner, "votes", by, leader.set_voters(voters)).await;
        }
        Step::Forget(id) => say(inner, "is forgotten", id, leader.forget(id)).await,
    }
}

fn id_of(stand: Stand) -> Option<u64> {
    match stand {
        Stand::Fresh(id) | Stand::Whole(id) => Some(id),
        Stand::Away | Stand::Vacant | Stand::Damaged | Stand::Running { .. } => None,
    }
}

async fn say(
    inner: &Inner,
    what: &str,
    replica: u64,
    change: impl Future<Output = Result<(), NotWritten>>,
) {
    match deadline(&inner.config.clock, STEP_LIMIT, change).await {
        Ok(Ok(())) => tracing::info!(replica, "a metadata replica {what}"),
        // Looked at anew, and done again if it is still to be done.
        Ok(Err(why)) => tracing::debug!(replica, what, ?why, "a metadata replica: not yet"),
        Err(_late) => tracing::warn!(replica, what, "a metadata replica: no answer yet"),
    }
}

/// Runs the replica at a place again.
async fn bring_back(inner: &Arc<Inner>, at: usize, id: u64, drive: Drive) {
    if locked(&inner.seats).find(id).is_some() {
        return; // A copy of one that runs.
    }
    locked(&inner.seats).0[at].try_at(inner.config.clock.monotonic());
    let opening = open::open_node(inner, id, drive);
    let opened = deadline(&inner.config.clock, STEP_LIMIT, opening).await;
    let mut seats = locked(&inner.seats);
    let seat = &mut seats.0[at];
    match opened {
        Ok(Ok(node)) => {
            tracing::info!(
                replica = id,
                drive = seat.place.name(),
                "a metadata replica runs again"
            );
            seat.node = Some(Arc::new(node));
        }
        Ok(Err(error)) => {
            let stopped = Stopped::by(Some(id), &error);
            if stopped.why != seat.stopped.why {
                tracing::warn!(
                    replica = id,
                    why = stopped.why,
                    "a metadata replica does not start"
                );
            }
            seat.stopped = stopped;
        }
        Err(_late) => {
            seat.stopped = Stopped::new(Some(id), "its disk does not answer".into());
        }
    }
}
