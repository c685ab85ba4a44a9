//! The replicas of this process, by place: which runs, and why another does not.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use holdfast_api::meta::{MetaError, ReplicaStatus};

use super::OpenError;
use super::place::Place;
use super::read;
use crate::raft::node::{Node, Remains};

/// The longest pause between two attempts at a place.
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// A replica that ran so long is trusted again.
const TRUSTED_AFTER: Duration = Duration::from_secs(600);

/// Attempts after which a medium that still errs counts as damage.
const TRIES_MAX: u32 = 4;

/// Why a replica does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Its disk has no room: worth another try.
    Full,
    /// It cannot be reached, or errs.
    Away,
    /// What it keeps is not what it wrote.
    Damaged,
    /// Of another cluster, or of another build's format: left as it is.
    Refused,
}

/// A replica that does not run.
#[derive(Clone)]
pub struct Stopped {
    /// Its number, where it is known.
    pub id: Option<u64>,
    /// For people.
    pub why: String,
    /// For us.
    pub cause: Cause,
    /// What may still write to its files.
    pub remains: Option<Remains>,
}

/// One place and what is there.
pub struct Seat {
    /// The place.
    pub place: Place,
    /// The replica that runs there.
    pub node: Option<Arc<Node>>,
    /// Why none does.
    pub stopped: Stopped,
    /// When it was last brought back, or that was tried, and how often in a row.
    tried: (Duration, u32),
}

impl Stopped {
    /// Judges by the words: openraft and redb keep nothing else of an error.
    pub fn new(id: Option<u64>, why: String) -> Self {
        let words = why.to_lowercase();
        let says = |any: &[&str]| any.iter().any(|part| words.contains(part));
        let cause = if says(&["no space left", "no storage space", "quota exceeded"]) {
            Cause::Full
        } else if says(&["this build", "of cluster"]) {
            Cause::Refused
        } else if says(&["damaged", "checksum differs", "does not verify", "bad value", "bad key"])
            || says(&["and the log begins after"])
        {
            Cause::Damaged
        } else {
            Cause::Away
        };
        Self { id, why, cause, remains: None }
    }

    /// Why `error` keeps replica `id` from running.
    pub fn by(id: Option<u64>, error: &OpenError) -> Self {
        let mut stopped = Self::new(id, error.to_string());
        if matches!(error, OpenError::Damaged { .. }) {
            stopped.cause = Cause::Damaged;
        }
        stopped
    }
}

impl Seat {
    /// Nothing was looked at yet.
    pub fn new(place: Place) -> Self {
        let stopped = Stopped::new(None, "not looked at yet".into());
        Self { place, node: None, stopped, tried: (Duration::ZERO, 0) }
    }

    /// An attempt is due: at once for the first time, then after 2, 4, 8 s and so on.
    pub fn is_due(&self, now: Duration) -> bool {
        let (last, count) = self.tried;
        count == 0 || now >= last + Duration::from_secs(1 << count.min(10)).min(PAUSE_MAX)
    }

    /// An attempt was made.
    pub fn try_at(&mut self, now: Duration) {
        let (last, count) = self.tried;
        self.tried = (now, if now > last + TRUSTED_AFTER { 1 } else { count + 1 });
    }

    /// It errs and errs: no more is hoped for what it keeps.
    pub fn is_hopeless(&self) -> bool {
        self.tried.1 >= TRIES_MAX
    }
}

/// All of them, in the order of the places.
#[derive(Default)]
pub struct Seats(pub Vec<Seat>);

impl Seats {
    /// The replicas that run.
    pub fn running(&self) -> Vec<Arc<Node>> {
        self.0.iter().filter_map(|seat| seat.node.clone()).collect()
    }

    /// The replica with this number, if it runs.
    pub fn find(&self, id: u64) -> Option<Arc<Node>> {
        self.0.iter().filter_map(|seat| seat.node.as_ref()).find(|node| node.id == id).cloned()
    }

    /// Takes what runs away from the place where `id` runs.
    pub fn stop(&mut self, id: u64, stopped: Stopped) {
        let runs_it = |seat: &&mut Seat| seat.node.as_ref().is_some_and(|node| node.id == id);
        if let Some(seat) = self.0.iter_mut().find(runs_it) {
            seat.node = None;
            seat.stopped = stopped;
        }
    }

    /// Why nobody will ever lead, if so.
    pub fn all_stopped(&self) -> Option<MetaError> {
        if self.0.iter().any(|seat| seat.node.is_some()) {
            return None;
        }
        if self.0.iter().any(|seat| seat.stopped.cause == Cause::Full) {
            return Some(MetaError::Full);
        }
        let whys: Vec<String> = self.0.iter().map(|seat| seat.stopped.why.clone()).collect();
        Some(MetaError::Stopped(whys.join("; ")))
    }

    /// For the status: every place, in order.
    pub fn status(&self, leader: Option<&Arc<Node>>) -> Vec<ReplicaStatus> {
        let roster = leader.map(|leader| leader.roster()).unwrap_or_default();
        let lags = leader.map(|leader| leader.lags()).unwrap_or_default();
        self.0.iter().map(|seat| seat.status(&roster.learners, &lags)).collect()
    }
}

impl Seat {
    fn status(
        &self,
        learners: &std::collections::BTreeSet<u64>,
        lags: &BTreeMap<u64, u64>,
    ) -> ReplicaStatus {
        match &self.node {
            Some(node) => {
                let role = if learners.contains(&node.id) { "catching up" } else { "voter" };
                let lag = lags.get(&node.id).copied();
                ReplicaStatus { role: role.into(), lag, ..read::replica(node) }
            }
            None => ReplicaStatus {
                id: self.stopped.id.unwrap_or(0),
                path: self.place.name().to_owned(),
                state: format!("stopped: {}", self.stopped.why),
                role: "away".into(),
                ..ReplicaStatus::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_a_replica_stopped_decides_what_becomes_of_it() {
        for (why, cause) in [
            ("could not write: No space left on device", Cause::Full),
            ("the metadata log is damaged in log-00000001 at byte 4096", Cause::Damaged),
            ("page 7 of the store is not what was written: its checksum differs", Cause::Damaged),
            ("log-00000001 has log format 9, this build knows 2", Cause::Refused),
            ("could not read on meta0: input/output error", Cause::Away),
        ] {
            assert_eq!(Stopped::new(None, why.into()).cause, cause, "{why}");
        }
    }
}
