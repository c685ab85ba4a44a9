//! A log in memory that keeps the contract of `api::log` and answers badly.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use holdfast_api::BoxFuture;
use holdfast_api::log::{LogBounds, LogError, LogRecord, LogService};
use holdfast_api::meta::MetaError;
use holdfast_base::{ByteCount, Epoch, Lsn};
use holdfast_io::clock::Clock;
use holdfast_io::rng::SeededRng;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// See the module's header.
pub struct TestLog {
    kept: Arc<Kept>,
    rng: SeededRng,
    clock: Arc<dyn Clock>,
    faults: Mutex<Faults>,
}

/// One call in so many goes wrong; 0: none.
#[derive(Clone, Copy, Default)]
pub struct Faults {
    /// `append` is not answered: it was accepted, was not, or will be later.
    pub ambiguous: u64,
    /// `append` is answered with a plain no.
    pub refused: u64,
    /// Everything takes up to so long. [ms]
    pub slow_ms: u64,
    /// Nothing is answered any more.
    pub is_cut_off: bool,
}

#[derive(Default)]
struct Kept {
    state: Mutex<Records>,
    news: Notify,
}

#[derive(Default)]
struct Records {
    epoch: Epoch,
    next_seq: u64,
    index: u64,
    truncated: Lsn,
    records: VecDeque<LogRecord>,
    is_full: bool,
    /// How often something went wrong.
    faults: u64,
    /// How often somebody read.
    asked: u64,
}

fn unavailable() -> LogError {
    LogError::Meta(MetaError::Unavailable(1))
}

impl Kept {
    fn bounds(&self) -> LogBounds {
        let state = self.state.lock();
        LogBounds {
            truncated: state.truncated,
            last: state.records.back().map_or(state.truncated, |record| record.lsn),
            epoch: state.epoch,
            next_seq: state.next_seq,
            bytes: ByteCount(0),
            budget: ByteCount(u64::MAX),
        }
    }

    fn append(&self, epoch: Epoch, seq: u64, records: Vec<Bytes>) -> Result<Lsn, LogError> {
        let mut state = self.state.lock();
        if epoch != state.epoch {
            return Err(LogError::Fenced { given: epoch, current: state.epoch });
        }
        if seq != state.next_seq {
            let again =
                state.records.iter().find(|record| (record.epoch, record.seq) == (epoch, seq));
            return match again {
                Some(record) => Ok(record.lsn),
                None => Err(LogError::OutOfOrder { given: seq, next: state.next_seq }),
            };
        }
        if state.is_full {
            return Err(LogError::Full { bytes: ByteCount(1), budget: ByteCount(1) });
        }
        state.index += 1 + seq % 3;
        let lsn = Lsn { index: state.index, ..Lsn::default() };
        state.records.push_back(LogRecord { lsn, epoch, seq, records });
        state.next_seq += 1;
        drop(state);
        self.news.notify_waiters();
        Ok(lsn)
    }
}

impl TestLog {
    /// An empty log without faults.
    pub fn new(seed: u64, clock: Arc<dyn Clock>) -> Arc<Self> {
        let (rng, faults) = (SeededRng::new(seed), Mutex::default());
        Arc::new(Self { kept: Arc::default(), rng, clock, faults })
    }

    /// The same log as another machine reaches it.
    pub fn elsewhere(&self, seed: u64) -> Arc<Self> {
        let (rng, faults) = (SeededRng::new(seed), Mutex::default());
        Arc::new(Self { kept: self.kept.clone(), rng, clock: self.clock.clone(), faults })
    }

    /// From here on.
    pub fn set_faults(&self, faults: Faults) {
        *self.faults.lock() = faults;
    }

    /// T4.
    pub fn set_full(&self, is_full: bool) {
        self.kept.state.lock().is_full = is_full;
    }

    /// All that is retained.
    pub fn all(&self) -> Vec<LogRecord> {
        self.kept.state.lock().records.iter().cloned().collect()
    }

    /// How often something went wrong.
    pub fn struck(&self) -> u64 {
        self.kept.state.lock().faults
    }

    /// How often somebody called `read` or `follow`.
    pub fn asked(&self) -> u64 {
        self.kept.state.lock().asked
    }

    fn strikes(&self, n: u64) -> bool {
        let strikes = n > 0 && self.rng.one_in(n);
        self.kept.state.lock().faults += u64::from(strikes);
        strikes
    }

    async fn pause(&self) {
        let Faults { slow_ms: slow, is_cut_off, .. } = *self.faults.lock();
        if is_cut_off {
            std::future::pending::<()>().await;
        }
        if slow > 0 {
            self.clock.sleep(Duration::from_micros(self.rng.below(slow * 1000))).await;
        }
    }

    fn after(&self, after: Lsn, limit: ByteCount) -> Result<Vec<LogRecord>, LogError> {
        let mut state = self.kept.state.lock();
        state.asked += 1;
        if after < state.truncated {
            return Err(LogError::Truncated { from: after, truncated: state.truncated });
        }
        let (mut given, mut bytes) = (Vec::new(), 0);
        for record in state.records.iter().filter(|record| record.lsn > after) {
            bytes += record.records.iter().map(Bytes::len).sum::<usize>() as u64;
            if !given.is_empty() && bytes > limit.0 {
                break;
            }
            given.push(record.clone());
        }
        Ok(given)
    }
}

impl LogService for TestLog {
    fn grant(&self) -> BoxFuture<'_, Result<Epoch, LogError>> {
        Box::pin(async move {
            self.pause().await;
            let mut state = self.kept.state.lock();
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
            self.pause().await;
            let faults = *self.faults.lock();
            if self.strikes(faults.refused) {
                return Err(match self.rng.below(3) {
                    0 => LogError::Meta(MetaError::Full),
                    1 => LogError::Meta(MetaError::Busy("test".into())),
                    // Of T4: only who is next is told so.
                    _ if self.kept.state.lock().next_seq == seq => {
                        LogError::Full { bytes: ByteCount(1), budget: ByteCount(1) }
                    }
                    _ => LogError::Meta(MetaError::Busy("test".into())),
                });
            }
            if !self.strikes(faults.ambiguous) {
                let result = self.kept.append(epoch, seq, records);
                self.pause().await;
                return result;
            }
            match self.rng.below(3) {
                0 => {}
                1 => drop(self.kept.append(epoch, seq, records)),
                _ => {
                    let (kept, clock) = (self.kept.clone(), self.clock.clone());
                    let later = Duration::from_millis(self.rng.below(40));
                    tokio::spawn(async move {
                        clock.sleep(later).await;
                        drop(kept.append(epoch, seq, records));
                    });
                }
            }
            self.pause().await;
            Err(unavailable())
        })
    }

    fn read(
        &self,
        after: Lsn,
        limit: ByteCount,
    ) -> BoxFuture<'_, Result<Vec<LogRecord>, LogError>> {
        Box::pin(async move {
            self.pause().await;
            self.after(after, limit)
        })
    }

    fn follow(
        &self,
        after: Lsn,
        limit: ByteCount,
    ) -> BoxFuture<'_, Result<Vec<LogRecord>, LogError>> {
        Box::pin(async move {
            loop {
                let mut news = std::pin::pin!(self.kept.news.notified());
                news.as_mut().enable();
                let records = self.after(after, limit)?;
                if !records.is_empty() {
                    return Ok(records);
                }
                news.await;
            }
        })
    }

    fn truncate(&self, epoch: Epoch, through: Lsn) -> BoxFuture<'_, Result<(), LogError>> {
        Box::pin(async move {
            let mut state = self.kept.state.lock();
            if epoch != state.epoch {
                return Err(LogError::Fenced { given: epoch, current: state.epoch });
            }
            let last = state.records.back().map_or(state.truncated, |record| record.lsn);
            state.truncated = state.truncated.max(through.min(last));
            let truncated = state.truncated;
            state.records.retain(|record| record.lsn > truncated);
            Ok(())
        })
    }

    fn bounds(&self) -> BoxFuture<'_, Result<LogBounds, LogError>> {
        Box::pin(async move {
            self.pause().await;
            let bounds = self.kept.bounds();
            self.pause().await;
            Ok(bounds)
        })
    }
}
