//! A log that remembers what was appended through it.
//!
//! ```text
//! appended here   first ....... last      (one epoch, seq without a gap)
//!                   |<- in memory ->|
//! read after  x     x       x        x
//!             inner memory  memory   inner, or wait for the next one
//! ```
//!
//! - Q1: what is in memory is a run of one epoch, `seq` by `seq`. Between two
//!   neighbours nothing was ever accepted: the log takes only the next `seq` of
//!   the current epoch (T2), a record of another epoch could only lie between
//!   them if it was granted in between, and then the second would have been fenced.
//!   So `lsn` grows along the run, and the run has no hole.
//! - Q2: a reader is served from memory only if it stands at a record of the run or
//!   between two, from `first` on. What it is given is the run from there: in order,
//!   once, without a hole (Q1). Anybody else is served by the log itself.
//! - Q3: what is in memory was accepted: it enters when `append` says so. A resend
//!   that is accepted "again" is there already and changes nothing.
//! - Q4: what cannot be joined to the run waits for what is missing (answers may
//!   cross), and begins a run of its own when too much waits or a new epoch begins.
//! - Q5: somebody who stands at the end waits for an append through here, and asks
//!   the log itself when nothing comes: another process may be writing.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use holdfast_api::BoxFuture;
use holdfast_api::log::{LogBounds, LogError, LogRecord, LogService};
use holdfast_base::{ByteCount, Epoch, Lsn};
use holdfast_io::clock::{Clock, deadline};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Records that wait for one that is missing (Q4).
const EARLY_MAX: usize = 16;

/// What a record costs besides its bytes. [bytes]
const RECORD_OVERHEAD: usize = 128;

/// When nothing was appended here for so long, the log itself is asked (Q5).
const QUIET: Duration = Duration::from_millis(500);

/// See the module's header.
pub struct TailedLog {
    inner: Arc<dyn LogService>,
    clock: Arc<dyn Clock>,
    run: Mutex<Run>,
    news: Notify,
}

/// Q1.
#[derive(Debug)]
struct Run {
    records: VecDeque<LogRecord>,
    early: BTreeMap<u64, LogRecord>,
    bytes: usize,
    bytes_max: usize,
}

/// Where a reader stands.
enum Stand {
    /// These follow.
    Here(Vec<LogRecord>),
    /// At the last record of the run.
    AtTheEnd,
    /// Elsewhere.
    Outside,
}

fn cost(record: &LogRecord) -> usize {
    record.records.iter().map(|bytes| bytes.len() + 32).sum::<usize>() + RECORD_OVERHEAD
}

impl Run {
    /// Q3, Q4.
    fn enter(&mut self, record: LogRecord) {
        let Some(last) = self.records.back() else { return self.begin(record) };
        if record.epoch < last.epoch || (record.epoch == last.epoch && record.seq <= last.seq) {
            return;
        }
        if record.epoch > last.epoch {
            return self.begin(record);
        }
        self.early.insert(record.seq, record);
        while let Some(next) = self.records.back().map(|last| last.seq + 1)
            && let Some(record) = self.early.remove(&next)
        {
            self.push(record);
        }
        if self.early.len() > EARLY_MAX
            && let Some((_, record)) = self.early.pop_first()
        {
            let early = std::mem::take(&mut self.early);
            self.begin(record);
            early.into_values().for_each(|record| self.enter(record));
        }
    }

    fn begin(&mut self, record: LogRecord) {
        self.records.clear();
        self.early.clear();
        self.bytes = 0;
        self.push(record);
    }

    fn push(&mut self, record: LogRecord) {
        debug_assert!(self.records.back().is_none_or(|last| last.lsn < record.lsn), "Q1");
        self.bytes += cost(&record);
        self.records.push_back(record);
        // The last one stays: it is where followers stand.
        while self.bytes > self.bytes_max && self.records.len() > 1 {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        if let Some(gone) = self.records.pop_front() {
            self.bytes -= cost(&gone);
        }
    }

    /// Q2.
    fn stand(&self, after: Lsn, limit: ByteCount) -> Stand {
        match (self.records.front(), self.records.back()) {
            (Some(_), Some(last)) if after == last.lsn => Stand::AtTheEnd,
            (Some(first), Some(last)) if first.lsn <= after && after < last.lsn => {
                let from = self.records.partition_point(|record| record.lsn <= after);
                let mut bytes = 0u64;
                let mut given = Vec::new();
                for record in self.records.range(from..) {
                    bytes = bytes.saturating_add(cost(record) as u64);
                    if !given.is_empty() && bytes > limit.0 {
                        break;
                    }
                    given.push(record.clone());
                }
                Stand::Here(given)
            }
            _ => Stand::Outside,
        }
    }

    fn truncate(&mut self, through: Lsn) {
        while self.records.front().is_some_and(|first| first.lsn <= through) {
            self.drop_first();
        }
    }
}

impl TailedLog {
    /// Remembers about `bytes_max` of what is appended to `inner` through it.
    pub fn new(inner: Arc<dyn LogService>, clock: Arc<dyn Clock>, bytes_max: ByteCount) -> Self {
        let bytes_max = usize::try_from(bytes_max.0).unwrap_or(usize::MAX);
        let (records, early) = (VecDeque::new(), BTreeMap::new());
        let run = Mutex::new(Run { records, early, bytes: 0, bytes_max });
        Self { inner, clock, run, news: Notify::new() }
    }

    async fn follow_here(&self, after: Lsn, limit: ByteCount) -> Result<Vec<LogRecord>, LogError> {
        loop {
            // Registered before looking, so that nothing that comes after is missed.
            let mut news = std::pin::pin!(self.news.notified());
            news.as_mut().enable();
            let stand = self.run.lock().stand(after, limit);
            match stand {
                Stand::Here(records) => return Ok(records),
                Stand::Outside => return self.inner.follow(after, limit).await,
                Stand::AtTheEnd => {}
            }
            if deadline(&self.clock, QUIET, news.as_mut()).await.is_ok() {
                continue;
            }
            match select(news, self.inner.follow(after, limit)).await {
                Either::Left(((), _)) => {}
                Either::Right((records, _)) => return records,
            }
        }
    }
}

impl LogService for TailedLog {
    fn grant(&self) -> BoxFuture<'_, Result<Epoch, LogError>> {
        self.inner.grant()
    }

    fn append(
        &self,
        epoch: Epoch,
        seq: u64,
        records: Vec<Bytes>,
    ) -> BoxFuture<'_, Result<Lsn, LogError>> {
        Box::pin(async move {
            let lsn = self.inner.append(epoch, seq, records.clone()).await?;
            self.run.lock().enter(LogRecord { lsn, epoch, seq, records });
            self.news.notify_waiters();
            Ok(lsn)
        })
    }

    fn read(
        &self,
        after: Lsn,
        limit: ByteCount,
    ) -> BoxFuture<'_, Result<Vec<LogRecord>, LogError>> {
        Box::pin(async move {
            let stand = self.run.lock().stand(after, limit);
            match stand {
                Stand::Here(records) => Ok(records),
                Stand::AtTheEnd | Stand::Outside => self.inner.read(after, limit).await,
            }
        })
    }

    fn follow(
        &self,
        after: Lsn,
        limit: ByteCount,
    ) -> BoxFuture<'_, Result<Vec<LogRecord>, LogError>> {
        Box::pin(self.follow_here(after, limit))
    }

    fn truncate(&self, epoch: Epoch, through: Lsn) -> BoxFuture<'_, Result<(), LogError>> {
        Box::pin(async move {
            self.inner.truncate(epoch, through).await?;
            self.run.lock().truncate(through);
            Ok(())
        })
    }

    fn bounds(&self) -> BoxFuture<'_, Result<LogBounds, LogError>> {
        self.inner.bounds()
    }
}
