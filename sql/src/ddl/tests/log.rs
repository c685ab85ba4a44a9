//! A log in memory that answers at once.

use bytes::Bytes;
use holdfast_api::BoxFuture;
use holdfast_api::log::{LogBounds, LogError, LogRecord, LogService};
use holdfast_base::{ByteCount, Epoch, Lsn};
use parking_lot::Mutex;
use tokio::sync::Notify;

#[derive(Default)]
pub struct MemoryLog {
    state: Mutex<State>,
    news: Notify,
}

#[derive(Default)]
struct State {
    epoch: Epoch,
    next_seq: u64,
    records: Vec<LogRecord>,
    last: u64,
    truncated: Lsn,
}

impl MemoryLog {
    /// Records so far.
    pub fn last(&self) -> u64 {
        self.state.lock().last
    }

    fn after(&self, after: Lsn) -> Vec<LogRecord> {
        self.state.lock().records.iter().filter(|record| record.lsn > after).cloned().collect()
    }
}

impl LogService for MemoryLog {
    fn grant(&self) -> BoxFuture<'_, Result<Epoch, LogError>> {
        Box::pin(async move {
            let mut state = self.state.lock();
            state.epoch.0 += 1;
            state.next_seq = 1;
            Ok(state.epoch)
        })
    }

    fn append(
        &self,
        epoch: Epoch,
        seq: u64,
        records: Vec<Bytes>,
    ) -> BoxFuture<'_, Result<Lsn, LogError>> {
        Box::pin(async move {
            let mut state = self.state.lock();
            if epoch != state.epoch {
                return Err(LogError::Fenced { given: epoch, current: state.epoch });
            }
            if seq != state.next_seq {
                return Err(LogError::OutOfOrder { given: seq, next: state.next_seq });
            }
            state.last += 1;
            let lsn = Lsn { index: state.last, ..Lsn::default() };
            state.records.push(LogRecord { lsn, epoch, seq, records });
            state.next_seq += 1;
            self.news.notify_waiters();
            Ok(lsn)
        })
    }

    fn read(&self, after: Lsn, _: ByteCount) -> BoxFuture<'_, Result<Vec<LogRecord>, LogError>> {
        Box::pin(async move { Ok(self.after(after)) })
    }

    fn follow(&self, after: Lsn, _: ByteCount) -> BoxFuture<'_, Result<Vec<LogRecord>, LogError>> {
        Box::pin(async move {
            loop {
                let mut news = std::pin::pin!(self.news.notified());
                news.as_mut().enable();
                let records = self.after(after);
                if !records.is_empty() {
                    return Ok(records);
                }
                news.await;
            }
        })
    }

    fn truncate(&self, _: Epoch, through: Lsn) -> BoxFuture<'_, Result<(), LogError>> {
        let mut state = self.state.lock();
        state.truncated = state.truncated.max(through);
        let truncated = state.truncated;
        state.records.retain(|record| record.lsn > truncated);
        Box::pin(async { Ok(()) })
    }

    fn bounds(&self) -> BoxFuture<'_, Result<LogBounds, LogError>> {
        Box::pin(async move {
            let state = self.state.lock();
            Ok(LogBounds {
                truncated: state.truncated,
                last: state.records.last().map_or(state.truncated, |record| record.lsn),
                epoch: state.epoch,
                next_seq: state.next_seq,
                bytes: ByteCount(0),
                budget: ByteCount(u64::MAX),
            })
        })
    }
}
