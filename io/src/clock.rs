//! The clock seam.

use std::sync::Arc;
use std::time::Duration;

use holdfast_base::WallMs;

use crate::BoxFuture;

/// Time. Monotonic time runs through suspend (`CLOCK_BOOTTIME`), so that a
/// lease which ran out while the machine slept is seen to have run out.
pub trait Clock: Send + Sync + 'static {
    /// Time since some fixed moment; never goes back.
    fn monotonic(&self) -> Duration;
    /// Wall time; may jump. For people and headers only.
    fn wall(&self) -> WallMs;
    /// Resolves after `duration`.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// The machine's clocks, over tokio's timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// The deadline passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no answer within {0:?}")]
pub struct Late(pub Duration);

impl Clock for SystemClock {
    fn monotonic(&self) -> Duration {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
    }

    #[allow(clippy::disallowed_methods, reason = "this is the seam")]
    fn wall(&self) -> WallMs {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        WallMs(since.map_or(0, |since| since.as_millis() as u64))
    }

    #[allow(clippy::disallowed_methods, reason = "this is the seam")]
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// `work`, or [`Late`] after `limit`. `work` is dropped when it is late.
///
/// # Errors
/// [`Late`].
pub async fn deadline<T>(
    clock: &Arc<dyn Clock>,
    limit: Duration,
    work: impl Future<Output = T>,
) -> Result<T, Late> {
    let (work, timer) = (std::pin::pin!(work), clock.sleep(limit));
    match futures_util::future::select(work, timer).await {
        futures_util::future::Either::Left((value, _)) => Ok(value),
        futures_util::future::Either::Right(_) => Err(Late(limit)),
    }
}
