//! The drive slots, and which of them take new shards now.
//!
//! Slots are swapped at run time; whoever works with them takes a snapshot,
//! which is one reference count. Every occupant of a slot has a `life`, so
//! that a writer can tell that a drive was taken away under it.
//!
//! Invariants
//! - R1: a drive that failed a write is suspected: it takes no new shards and is
//!   read last (unless it was only full) for [`SUSPICION`], or until its slot gets another occupant.
//! - R2: `takers` holds no offline and no suspected drive, as of at most [`TAKERS_TTL`] ago.
//!
//! Not here: which of the takers a blob gets (`placement`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use holdfast_api::drive::{DriveError, DriveService, DriveState, DriveStatus};
use holdfast_base::DriveNo;
use holdfast_io::clock::Clock;

use super::placement::Candidate;

/// How long a drive that failed a write is left alone.
const SUSPICION: Duration = Duration::from_secs(10);
/// How old the list of drives that take writes may be.
const TAKERS_TTL: Duration = Duration::from_millis(200);

/// One slot's occupant.
#[derive(Clone)]
pub struct Slot {
    /// The drive.
    pub service: Arc<dyn DriveService>,
    /// Tells apart the occupants that the slots have had.
    pub life: u64,
}

/// The slots at one moment.
pub type Slots = Arc<BTreeMap<DriveNo, Slot>>;

/// The drives that take new shards.
#[derive(Clone, Debug, Default)]
pub struct Takers {
    /// Healthy ones.
    pub candidates: Arc<Vec<Candidate>>,
    /// How many were left out because they are full.
    pub full: usize,
    /// Drives to read from: the candidates, and those that are only full.
    readable: Arc<Vec<DriveNo>>,
}

/// All drive slots.
pub struct Drives {
    clock: Arc<dyn Clock>,
    slots: RwLock<Slots>,
    /// Never held together with `slots`.
    health: Mutex<Health>,
}

#[derive(Default)]
struct Health {
    lives: u64,
    suspects: BTreeMap<DriveNo, Suspect>,
    takers: Option<(Duration, Takers)>,
}

#[derive(Clone, Copy)]
struct Suspect {
    until: Duration,
    full: bool,
}

impl Drives {
    /// No slots yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, slots: RwLock::default(), health: Mutex::default() }
    }

    /// The slots now.
    pub fn slots(&self) -> Slots {
        self.slots.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts a drive into a slot, or takes it out.
    pub fn set(&self, no: DriveNo, service: Option<Arc<dyn DriveService>>) {
        let life = {
            let mut health = self.health();
            health.suspects.remove(&no);
            health.takers = None;
            health.lives += 1;
            health.lives
        };
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        let mut next = BTreeMap::clone(&slots);
        match service {
            Some(service) => next.insert(no, Slot { service, life }),
            None => next.remove(&no),
        };
        *slots = Arc::new(next);
        drop(slots);
        self.health().takers = None;
    }

    /// The drives that take new shards (R2).
    pub fn takers(&self) -> Takers {
        let now = self.clock.monotonic();
        if let Some((at, takers)) = &self.health().takers
            && now < *at + TAKERS_TTL
        {
            return takers.clone();
        }
        let slots = self.slots();
        let statuses: Vec<DriveStatus> = slots.values().map(|slot| slot.service.status()).collect();
        let mut health = self.health();
        health.suspects.retain(|_, suspect| now < suspect.until);
        let mut full = 0;
        let mut candidates = Vec::with_capacity(statuses.len());
        let mut readable = Vec::with_capacity(statuses.len());
        for status in statuses {
            let suspect = health.suspects.get(&status.no);
            let online = status.state == DriveState::Online;
            if online && suspect.is_none_or(|suspect| suspect.full) {
                readable.push(status.no);
            }
            match suspect {
                Some(suspect) => full += usize::from(suspect.full),
                None if online => candidates.push(Candidate {
                    no: status.no,
                    device: status.device,
                    free: status.free,
                }),
                None => {}
            }
        }
        let (candidates, readable) = (Arc::new(candidates), Arc::new(readable));
        let takers = Takers { candidates, full, readable };
        health.takers = Some((now, takers.clone()));
        takers
    }

    /// R1: the occupant `life` of a slot failed a write.
    pub fn suspect(&self, no: DriveNo, life: u64, error: &DriveError) {
        if self.slots().get(&no).is_none_or(|slot| slot.life != life) {
            return;
        }
        let full = matches!(error, DriveError::Full { .. });
        let suspect = Suspect { until: self.clock.monotonic() + SUSPICION, full };
        let mut health = self.health();
        health.takers = None;
        if health.suspects.insert(no, suspect).is_none() {
            tracing::warn!(drive = no.0, %error, "drive suspected, new shards go elsewhere");
        }
    }

    /// True for a drive that is better not read from: offline, absent, or
    /// suspected of anything but being full.
    pub fn avoid(&self, no: DriveNo) -> bool {
        !self.takers().readable.contains(&no)
    }

    fn health(&self) -> std::sync::MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
