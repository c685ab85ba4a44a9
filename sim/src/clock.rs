//! A clock over tokio's paused time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use holdfast_base::WallMs;
use holdfast_io::BoxFuture;
use holdfast_io::clock::Clock;
use tokio::time::Instant;

/// The wall time at which simulations begin: 2026-01-01T00:00:00Z. [ms since 1970]
pub const EPOCH_MS: u64 = 1_767_225_600_000;

/// Time since the clock was made, as tokio counts it; the wall clock can be set.
/// Make and use it inside one runtime.
#[derive(Debug)]
pub struct SimClock {
    start: Instant,
    wall_offset_ms: AtomicI64,
}

impl SimClock {
    /// A clock that reads zero now.
    #[allow(clippy::disallowed_methods, reason = "this is the seam")]
    pub fn new() -> Arc<Self> {
        Arc::new(Self { start: Instant::now(), wall_offset_ms: AtomicI64::new(0) })
    }

    /// Sets the wall clock `offset_ms` off from where it would be.
    pub fn set_wall_offset_ms(&self, offset_ms: i64) {
        self.wall_offset_ms.store(offset_ms, Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    fn wall(&self) -> WallMs {
        let now = EPOCH_MS + self.start.elapsed().as_millis() as u64;
        WallMs(now.saturating_add_signed(self.wall_offset_ms.load(Ordering::Relaxed)))
    }

    #[allow(clippy::disallowed_methods, reason = "this is the seam")]
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_jumps_and_the_wall_can_be_set() {
        crate::run(async {
            let clock = SimClock::new();
            clock.sleep(Duration::from_secs(3600)).await;
            assert_eq!(clock.monotonic(), Duration::from_secs(3600));
            assert_eq!(clock.wall(), WallMs(EPOCH_MS + 3_600_000));
            clock.set_wall_offset_ms(-5000);
            assert_eq!(clock.wall(), WallMs(EPOCH_MS + 3_595_000));
        });
    }
}
