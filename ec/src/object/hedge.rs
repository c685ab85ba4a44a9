//! When a read is slow, and how often one may ask for more because of it.
//!
//! - E1: a read is slow after three times the 95th percentile of recent reads,
//!   at least [`SLOW_MIN`].
//! - E2: hedges add at most one read in twenty (and a small burst): a store that
//!   is slow as a whole must not double its own load.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// No read is called slow before this.
const SLOW_MIN: Duration = Duration::from_millis(20);
/// Nor later than this.
const SLOW_MAX: Duration = Duration::from_secs(1);
/// Reads that the percentile is taken over.
const WINDOW: usize = 256;
/// How often the percentile is taken. [reads]
const EVERY: usize = 64;
/// What one hedged read costs, and what every read earns.
const COST: i64 = 20;
/// The most that is saved up.
const SAVED_MAX: i64 = 32 * COST;

/// Recent latencies and the budget for hedges.
pub struct Hedge(Mutex<Recent>);

struct Recent {
    micros: Vec<u32>,
    next: usize,
    slow: Duration,
    saved: i64,
}

impl Default for Hedge {
    fn default() -> Self {
        Self(Mutex::new(Recent {
            micros: Vec::with_capacity(WINDOW),
            next: 0,
            slow: SLOW_MIN,
            saved: SAVED_MAX,
        }))
    }
}

impl Hedge {
    /// A read took `latency`.
    pub fn record(&self, latency: Duration) {
        let mut recent = self.recent();
        recent.saved = (recent.saved + 1).min(SAVED_MAX);
        let micros = latency.as_micros().min(u128::from(u32::MAX)) as u32;
        let at = recent.next % WINDOW;
        match recent.micros.get_mut(at) {
            Some(slot) => *slot = micros,
            None => recent.micros.push(micros),
        }
        recent.next += 1;
        if recent.next.is_multiple_of(EVERY) {
            let mut sorted = recent.micros.clone();
            let rank = sorted.len() * 95 / 100;
            let (_, p95, _) = sorted.select_nth_unstable(rank);
            let slow = Duration::from_micros(u64::from(*p95) * 3);
            recent.slow = slow.clamp(SLOW_MIN, SLOW_MAX);
        }
    }

    /// E1: how long a read may take before it is slow.
    pub fn slow_after(&self) -> Duration {
        self.recent().slow
    }

    /// E2: true if a hedge may be asked for.
    pub fn may(&self) -> bool {
        self.recent().saved >= COST
    }

    /// `reads` were asked for as a hedge.
    pub fn spend(&self, reads: usize) {
        self.recent().saved -= COST * reads as i64;
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_follows_the_reads_within_its_bounds() {
        let hedge = Hedge::default();
        let feed = |ms| (0..WINDOW).for_each(|_| hedge.record(Duration::from_millis(ms)));
        for (ms, want) in [(1, 20), (50, 150), (9000, 1000)] {
            feed(ms);
            assert_eq!(hedge.slow_after(), Duration::from_millis(want), "E1 after {ms} ms");
        }
    }

    #[test]
    fn hedges_are_one_read_in_twenty() {
        let hedge = Hedge::default();
        let mut hedged = 0;
        for _ in 0..10_000 {
            hedge.record(Duration::from_millis(1));
            if hedge.may() {
                hedge.spend(1);
                hedged += 1;
            }
        }
        assert!((500..=540).contains(&hedged), "E2: {hedged}");
    }
}
