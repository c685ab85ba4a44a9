//! Read leases: since when the oldest active read has been looking.
//!
//! ```text
//! lease at tick t -> lookup sees body -> ... delete at tick d >= t -> collector waits for the lease
//! ```
//!
//! - R3: a lease's tick is read and registered under one lock, the horizon is
//!   computed under the same: a lease that the collector did not see began
//!   at or after the tick that the collector saw.
//!
//! So whatever became garbage before the horizon was invisible to every lookup
//! of an active read. Not here: the grace for readers elsewhere (`collect`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use holdfast_api::meta::MetaService;
use holdfast_base::Tick;

/// The active reads of this process.
#[derive(Default)]
pub struct Leases {
    /// How many reads began at each tick.
    began: Mutex<BTreeMap<Tick, u64>>,
}

/// One active read.
pub struct Lease {
    leases: Arc<Leases>,
    tick: Tick,
}

impl Leases {
    /// Registers a read that begins now.
    pub fn take(self: &Arc<Self>, meta: &dyn MetaService) -> Lease {
        let mut began = self.began();
        let tick = meta.tick();
        *began.entry(tick).or_default() += 1;
        drop(began);
        Lease { leases: Arc::clone(self), tick }
    }

    /// Garbage from before it is seen by no active read; and the tick now.
    pub fn horizon(&self, meta: &dyn MetaService) -> (Tick, Tick) {
        let began = self.began();
        let now = meta.tick();
        (began.keys().next().copied().unwrap_or(now).min(now), now)
    }

    fn began(&self) -> MutexGuard<'_, BTreeMap<Tick, u64>> {
        self.began.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut began = self.leases.began();
        if let Some(count) = began.get_mut(&self.tick) {
            *count -= 1;
            if *count == 0 {
                began.remove(&self.tick);
            }
        }
    }
}
