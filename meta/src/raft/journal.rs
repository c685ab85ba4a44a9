//! openraft's log storage over our log.

use std::fmt::Debug;
use std::io;
use std::ops::{Bound, RangeBounds};

use openraft::storage::{IOFlushed, LogState, RaftLogStorage};
use openraft::{OptionalSend, RaftLogReader};

use super::types::{self, LogId, RaftEntry, Types, Vote};
use crate::log::Log;

/// Entries of one answer to replication, and to apply. [bytes]
const READ_BYTES_MAX: usize = 4 << 20;

/// The log of one replica, as openraft sees it.
#[derive(Clone, Debug)]
pub struct Journal(pub Log);

impl Journal {
    fn bounds_of(&self, range: &impl RangeBounds<u64>) -> std::ops::Range<u64> {
        let start = match range.start_bound() {
            Bound::Included(&start) => start,
            Bound::Excluded(&start) => start.saturating_add(1),
            Bound::Unbounded => self.0.bounds().purged.map_or(0, |purged| purged.index + 1),
        };
        let end = match range.end_bound() {
            Bound::Included(&end) => end.saturating_add(1),
            Bound::Excluded(&end) => end,
            Bound::Unbounded => u64::MAX,
        };
        start..end
    }

    async fn read(&self, range: std::ops::Range<u64>, limit: usize) -> io::Result<Vec<RaftEntry>> {
        self.0.read(range, limit).await?.into_iter().map(types::entry).collect()
    }
}

impl RaftLogReader<Types> for Journal {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> io::Result<Vec<RaftEntry>> {
        let range = self.bounds_of(&range);
        self.read(range, usize::MAX).await
    }

    async fn read_vote(&mut self) -> io::Result<Option<Vote>> {
        self.0.vote().map(|bytes| types::decode(&bytes)).transpose()
    }

    async fn limited_get_log_entries(
        &mut self,
        start: u64,
        end: u64,
    ) -> io::Result<Vec<RaftEntry>> {
        self.read(start..end, READ_BYTES_MAX).await
    }
}

impl RaftLogStorage<Types> for Journal {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> io::Result<LogState<Types>> {
        let bounds = self.0.bounds();
        Ok(LogState {
            last_purged_log_id: bounds.purged.map(types::log_id),
            last_log_id: bounds.last.map(types::log_id),
        })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> io::Result<()> {
        Ok(self.0.save_vote(types::encode(vote)?).await?)
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<Types>) -> io::Result<()>
    where
        I: IntoIterator<Item = RaftEntry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let records = entries.into_iter().map(types::record).collect::<io::Result<_>>()?;
        let done = Box::new(move |result: Result<(), _>| {
            callback.io_completed(result.map_err(io::Error::from));
        });
        Ok(self.0.append(records, done).await?)
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> io::Result<()> {
        Ok(self.0.truncate_after(last.as_ref().map(types::position)).await?)
    }

    async fn purge(&mut self, through: LogId) -> io::Result<()> {
        Ok(self.0.purge(types::position(&through)).await?)
    }
}
