//! Below which timestamp nobody reads any more.
//!
//! Not here: which snapshots a session holds (the caller pins them, or gives
//! `prune` an oldest timestamp that knows of them).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use holdfast_base::Ts;
use parking_lot::Mutex;

use crate::TailError;

/// The horizon and what holds it back.
#[derive(Debug, Default)]
pub(crate) struct Horizon {
    ts: AtomicU64,
    /// How many pins each timestamp has. Never held together with another lock.
    pins: Mutex<BTreeMap<Ts, usize>>,
}

/// While this lives the horizon does not pass its timestamp.
#[derive(Debug)]
pub struct Pin {
    horizon: Arc<Horizon>,
    ts: Ts,
}

impl Horizon {
    pub fn ts(&self) -> Ts {
        Ts(self.ts.load(Ordering::Acquire))
    }

    /// L3.
    pub fn check(&self, given: Ts) -> Result<(), TailError> {
        let horizon = self.ts();
        if given < horizon { Err(TailError::TooOld { given, horizon }) } else { Ok(()) }
    }

    pub fn pin(self: &Arc<Self>, ts: Ts) -> Result<Pin, TailError> {
        let mut pins = self.pins.lock();
        self.check(ts)?;
        *pins.entry(ts).or_default() += 1;
        Ok(Pin { horizon: self.clone(), ts })
    }

    /// Moves towards `oldest` as far as the pins let it, never back.
    pub fn advance(&self, oldest: Ts) -> Ts {
        let pins = self.pins.lock();
        let pinned = pins.keys().next().copied().unwrap_or(Ts(u64::MAX));
        let horizon = self.ts().max(oldest.min(pinned));
        self.ts.store(horizon.0, Ordering::Release);
        horizon
    }
}

impl Pin {
    /// What it pins.
    pub fn ts(&self) -> Ts {
        self.ts
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut pins = self.horizon.pins.lock();
        if let Some(count) = pins.get_mut(&self.ts) {
            *count -= 1;
            if *count == 0 {
                pins.remove(&self.ts);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_horizon_waits_for_the_oldest_pin_and_refuses_what_is_below() {
        let horizon = Arc::new(Horizon::default());
        let (first, second) = (horizon.pin(Ts(5)).expect("0"), horizon.pin(Ts(5)).expect("0"));
        assert_eq!(horizon.advance(Ts(9)), Ts(5));
        drop(first);
        assert_eq!(horizon.advance(Ts(9)), Ts(5));
        drop(second);
        assert_eq!(horizon.advance(Ts(9)), Ts(9));
        assert_eq!(horizon.advance(Ts(3)), Ts(9));
        assert!(matches!(horizon.pin(Ts(8)), Err(TailError::TooOld { .. })));
        assert!(horizon.pin(Ts(9)).is_ok());
    }
}
