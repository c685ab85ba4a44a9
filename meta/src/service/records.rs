//! LogService over the commands and questions of the metadata service.

use bytes::Bytes;
use holdfast_api::BoxFuture;
use holdfast_api::log::{LogBounds, LogError, LogRecord, LogService};
use holdfast_api::meta::{Answer, Command, MetaError, MetaService, Outcome, Query, Refusal};
use holdfast_base::{ByteCount, Epoch, Lsn};
use holdfast_io::clock::deadline;

use super::{Meta, read};
use crate::state::query;

/// How long a follower waits before it looks who leads now.
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_secs(5);

fn strange(outcome: impl std::fmt::Debug) -> LogError {
    LogError::Meta(MetaError::Stopped(format!("an outcome that does not belong: {outcome:?}")))
}

impl Meta {
    async fn refused(&self, given: Epoch, seq: u64, refusal: Refusal) -> LogError {
        match refusal {
            Refusal::Fenced { current } => LogError::Fenced { given, current },
            Refusal::OutOfOrder { next } => LogError::OutOfOrder { given: seq, next },
            Refusal::LogFull => match self.log_bounds().await {
                Ok(bounds) => LogError::Full { bytes: bounds.bytes, budget: bounds.budget },
                Err(error) => error,
            },
            other => strange(other),
        }
    }

    async fn log_bounds(&self) -> Result<LogBounds, LogError> {
        match self.query(Query::LogBounds).await? {
            Answer::LogBounds(bounds) => Ok(bounds),
            other => Err(strange(other)),
        }
    }

    /// T1: rows are accepted records; T3: what is asked for is there, or `Truncated`.
    async fn log_read(&self, after: Lsn, limit: ByteCount) -> Result<Vec<LogRecord>, LogError> {
        let view = read::view(&self.inner).await?;
        let broken =
            |error: crate::state::StateError| LogError::Meta(MetaError::Stopped(error.to_string()));
        let truncated = query::log_bounds(&view).map_err(broken)?.truncated;
        if after < truncated {
            return Err(LogError::Truncated { from: after, truncated });
        }
        let question = Query::LogRead { after, limit };
        match crate::raft::machine::blocking(|| query::answer(&view, &question)).map_err(broken)? {
            Some(Answer::Log(records)) => Ok(records),
            other => Err(strange(other)),
        }
    }
}

impl LogService for Meta {
    fn grant(&self) -> BoxFuture<'_, Result<Epoch, LogError>> {
        Box::pin(async move {
            match self.execute(Command::LogGrant).await? {
                Outcome::Epoch(epoch) => Ok(epoch),
                other => Err(strange(other)),
            }
        })
    }

    fn append(
        &self,
        epoch: Epoch,
        seq: u64,
        records: Vec<Bytes>,
    ) -> BoxFuture<'_, Result<Lsn, LogError>> {
        Box::pin(async move {
            match self.execute(Command::LogAppend { epoch, seq, records }).await? {
                Outcome::Lsn(lsn) => Ok(lsn),
                Outcome::Refused(refusal) => Err(self.refused(epoch, seq, refusal).await),
                other => Err(strange(other)),
            }
        })
    }

    fn read(
        &self,
        after: Lsn,
        limit: ByteCount,
    ) -> BoxFuture<'_, Result<Vec<LogRecord>, LogError>> {
        Box::pin(self.log_read(after, limit))
    }

    fn follow(
        &self,
        after: Lsn,
        limit: ByteCount,
    ) -> BoxFuture<'_, Result<Vec<LogRecord>, LogError>> {
        Box::pin(async move {
            loop {
                let node = read::settled(&self.inner).await?;
                let mut heard = node.shared.heard.subscribe();
                let records = self.log_read(after, limit).await?;
                if !records.is_empty() {
                    return Ok(records);
                }
                let more = heard.wait_for(|heard| heard.log_last > after);
                // Late or ended: whoever leads now is asked.
                let _ = deadline(&self.inner.config.clock, LOOK_AGAIN, more).await;
            }
        })
    }

    fn truncate(&self, epoch: Epoch, through: Lsn) -> BoxFuture<'_, Result<(), LogError>> {
        Box::pin(async move {
            match self.execute(Command::LogTruncate { epoch, through }).await? {
                Outcome::Done => Ok(()),
                Outcome::Refused(refusal) => Err(self.refused(epoch, 0, refusal).await),
                other => Err(strange(other)),
            }
        })
    }

    fn bounds(&self) -> BoxFuture<'_, Result<LogBounds, LogError>> {
        Box::pin(self.log_bounds())
    }
}
