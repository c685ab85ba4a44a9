//! How fast the store works for itself: within a rate, and behind the clients.
//!
//! - D1: `step` lets through no more than the configured bytes a second.
//! - D2: while many requests of clients are under way every step is delayed,
//!   but never for good: a heal ends under any load.
//!
//! Also keeps the progress that status shows.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use holdfast_api::object::HealProgress;
use holdfast_base::ByteCount;

use super::store::Inner;

/// Requests of clients that a heal does not mind.
const BUSY_FREE: usize = 4;
/// The delay of a step for each request more.
const BUSY_DELAY: Duration = Duration::from_millis(1);
/// The longest delay of a step.
const BUSY_DELAY_MAX: Duration = Duration::from_millis(25);

/// The pace of one heal or scrub. Shows its progress until it is dropped.
pub struct Pace<'a> {
    inner: &'a Inner,
    began: Duration,
    /// When the next step may begin.
    next: Mutex<Duration>,
}

impl<'a> Pace<'a> {
    /// Begins.
    pub fn new(inner: &'a Inner) -> Self {
        let began = inner.clock.monotonic();
        Self { inner, began, next: Mutex::new(began) }
    }

    /// Waits until `bytes` more may be read (D1, D2).
    pub async fn step(&self, bytes: usize) {
        let now = self.inner.clock.monotonic();
        let begin = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let begin = now.max(*next);
            let rate = self.inner.config.heal_bytes_per_s.max(1);
            *next =
                begin + Duration::from_nanos((bytes as u64).saturating_mul(1_000_000_000) / rate);
            begin
        };
        let excess = self.inner.busy().saturating_sub(BUSY_FREE) as u32;
        let wait = begin - now + (BUSY_DELAY * excess).min(BUSY_DELAY_MAX);
        if !wait.is_zero() {
            self.inner.clock.sleep(wait).await;
        }
    }

    /// `more` blobs are to be looked at.
    pub fn expect(&self, more: u64) {
        if more > 0 {
            let mut progress = self.progress();
            progress.get_or_insert_default().total += more;
        }
    }

    /// One blob was looked at.
    pub fn done(&self) {
        let spent = self.inner.clock.monotonic().saturating_sub(self.began);
        let mut progress = self.progress();
        let Some(progress) = progress.as_mut() else { return };
        progress.done += 1;
        progress.total = progress.total.max(progress.done);
        let left = progress.total - progress.done;
        let eta_s = u128::from(left) * spent.as_millis() / u128::from(progress.done) / 1000;
        progress.eta_s = Some(eta_s.min(u128::from(u64::MAX)) as u64);
    }

    /// `bytes` of a healed shard were written.
    pub fn wrote(&self, bytes: usize) {
        if let Some(progress) = self.progress().as_mut() {
            progress.bytes = ByteCount(progress.bytes.0 + bytes as u64);
        }
    }

    fn progress(&self) -> MutexGuard<'_, Option<HealProgress>> {
        self.inner.heal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pace<'_> {
    fn drop(&mut self) {
        *self.progress() = None;
    }
}
