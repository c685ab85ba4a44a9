//! A deadline that costs nothing where the work is done at once.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use holdfast_io::clock::{Clock, Late, deadline};

/// As [`deadline`]; the timer is made only after `work` was found not ready once,
/// which spares the usual small write an entry in the timer wheel.
pub(crate) async fn within<T>(
    clock: &Arc<dyn Clock>,
    limit: Duration,
    work: impl Future<Output = T>,
) -> Result<T, Late> {
    let mut work = pin!(work);
    let first = std::future::poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await;
    match first {
        Poll::Ready(value) => Ok(value),
        Poll::Pending => deadline(clock, limit, work).await,
    }
}
