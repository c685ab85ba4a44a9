//! A query apart from its session: planned and run by threads of its own.
//!
//! Planning is one step of up to seconds, and so is an expression over a long text. Where
//! sessions run they would hold up logins and commits of others, and nothing could end
//! them before they end.
//!
//! - A1: the end of the rows is the end of the task that makes them. A task that ends
//!   otherwise is an error, never fewer rows.
//! - A2: who gives up waits for nothing: the task ends at its next await, and what it
//!   found is dropped.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use arrow::array::RecordBatch;
use datafusion::error::Result as DfResult;
use datafusion::execution::SendableRecordBatchStream;
use futures_util::{FutureExt, Stream, StreamExt};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};

use super::trouble;
use crate::error::{Result, SqlError};

/// Batches that are made before somebody asks for them.
const AHEAD: usize = 2;

/// A task that ends with this.
struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Does some work there.
///
/// # Errors
/// 1105 where it panics, or the runtime is gone.
pub(super) async fn done<T: Send + 'static>(
    on: &Handle,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T> {
    let mut task = Task(on.spawn(work));
    (&mut task.0).await.map_err(|error| ended(&error))
}

/// Makes rows there, a few batches ahead.
pub(super) fn rows(on: &Handle, mut from: SendableRecordBatchStream) -> Batches {
    let (sender, batches) = mpsc::channel(AHEAD);
    let task = Task(on.spawn(async move {
        while let Some(batch) = from.next().await {
            if sender.send(batch).await.is_err() {
                return;
            }
        }
    }));
    Batches { batches, task: Some(task) }
}

/// Rows that another task makes.
pub(super) struct Batches {
    batches: mpsc::Receiver<DfResult<RecordBatch>>,
    /// None once its end was seen.
    task: Option<Task<()>>,
}

impl Stream for Batches {
    type Item = DfResult<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(batch) = ready!(self.batches.poll_recv(context)) {
            return Poll::Ready(Some(batch));
        }
        let Some(task) = &mut self.task else { return Poll::Ready(None) };
        let end = ready!(task.0.poll_unpin(context));
        self.task = None;
        Poll::Ready(end.err().map(|error| Err(trouble::wrap(ended(&error)))))
    }
}

fn ended(error: &JoinError) -> SqlError {
    tracing::error!("a query's task: {error}");
    SqlError::internal("the query ended unexpectedly; the server's log has more")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use arrow::datatypes::Schema;
    use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
    use futures_util::stream;
    use holdfast_io::clock::{Clock, SystemClock, deadline};
    use tokio::runtime::{Builder, Runtime};
    use tokio::sync::oneshot;

    use super::*;

    fn two() -> (Runtime, Runtime) {
        let apart = Builder::new_multi_thread().worker_threads(1).build();
        (Builder::new_current_thread().enable_all().build().unwrap(), apart.unwrap())
    }

    async fn soon<T>(work: impl Future<Output = T>) -> T {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        deadline(&clock, Duration::from_secs(30), work).await.expect("within 30 s")
    }

    fn empty() -> RecordBatch {
        RecordBatch::new_empty(Arc::new(Schema::empty()))
    }

    fn of(
        batches: impl Stream<Item = DfResult<RecordBatch>> + Send + 'static,
    ) -> SendableRecordBatchStream {
        Box::pin(RecordBatchStreamAdapter::new(Arc::new(Schema::empty()), batches))
    }

    #[test]
    fn all_rows_come_and_then_the_end() {
        let (here, apart) = two();
        let made = stream::iter((0..100).map(|_| Ok(empty())));
        let mut rows = rows(apart.handle(), of(made));
        here.block_on(async {
            for _ in 0..100 {
                assert!(rows.next().await.unwrap().is_ok());
            }
            assert!(rows.next().await.is_none());
            assert!(rows.next().await.is_none());
        });
    }

    #[test]
    fn a_panic_is_an_error_and_not_the_end() {
        let (here, apart) = two();
        let made = stream::iter(0..3).map(|at| if at < 2 { Ok(empty()) } else { panic!("a bug") });
        let mut rows = rows(apart.handle(), of(made));
        here.block_on(async {
            assert!(rows.next().await.unwrap().is_ok());
            assert!(rows.next().await.unwrap().is_ok());
            assert!(rows.next().await.unwrap().is_err());
            assert!(rows.next().await.is_none());
            let planned = done(apart.handle(), async { panic!("a bug") }).await;
            assert_eq!(planned.map(|()| 0).unwrap_err().code, 1105);
        });
    }

    #[test]
    fn who_gives_up_ends_the_task() {
        let (here, apart) = two();
        let (kept, dropped) = oneshot::channel::<()>();
        let endless = stream::repeat_with(move || {
            let _kept = &kept;
            Ok(empty())
        });
        let mut rows = rows(apart.handle(), of(endless));
        here.block_on(async { assert!(rows.next().await.unwrap().is_ok()) });
        drop(rows);
        assert!(here.block_on(soon(dropped)).is_err(), "it is dropped, never sent");

        let (kept, dropped) = oneshot::channel::<()>();
        let never = done(apart.handle(), async move {
            let _kept = kept;
            std::future::pending::<()>().await;
        });
        here.block_on(async { assert!(never.now_or_never().is_none()) });
        assert!(here.block_on(soon(dropped)).is_err(), "it is dropped, never sent");
    }
}
