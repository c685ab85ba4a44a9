//! The appender: the one task that writes to the log.
//!
//! ```text
//! queue of commits --(all that fit in an entry)--> batch --> pipeline --> log.append
//!                                                              |  two at once
//!       answers, locks  <---- in log order <---- accepted -----+
//! ```
//!
//! - A1: a commit is answered, and its locks go, only after the log accepted it (X2).
//! - A2: `accepted` is stored before anybody is answered (X1).
//! - A3: when the node stops, whoever surely is not in the log is told `Stopped`,
//!   everybody else `Unknown`.
//!
//! Not here: what an answer of the log means (`core::pipeline`).

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use holdfast_api::log::LogError;
use holdfast_api::meta::MetaError;
use holdfast_api::txn::{Committed, TxnError};
use holdfast_base::Lsn;
use holdfast_io::clock::deadline;
use tokio::sync::oneshot;

use crate::config::{BATCH_BYTES_MAX, RECORD_OVERHEAD};
use crate::core::commit::{Sent, stamped};
use crate::core::pipeline::{Answer, Effect, Pipeline};
use crate::node::{Shared, State};

/// The first pause before something is sent again; it doubles up to the longest.
const PAUSE: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// An attempt that is not answered by then counts as one without an answer.
const ATTEMPT: Duration = Duration::from_secs(30);

/// How long `shutdown` waits for what is on its way.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// A commit in line.
pub struct Queued {
    /// What the core knows of it.
    pub sent: Sent,
    /// Its record without a timestamp.
    pub body: Bytes,
    /// Where its outcome goes.
    pub answer: oneshot::Sender<Result<Committed, TxnError>>,
}

/// Commits of one append.
struct Batch {
    records: Vec<Bytes>,
    commits: Vec<Queued>,
}

type Attempt = Pin<Box<dyn Future<Output = (u64, Answer)> + Send>>;

/// See the module's header.
pub struct Appender {
    shared: Arc<Shared>,
    pipeline: Pipeline<Batch>,
    attempts: FuturesUnordered<Attempt>,
}

/// Takes the commits of the next append from the line.
fn take(queue: &mut VecDeque<Queued>, bytes_queued: &mut usize) -> Vec<Queued> {
    let (mut taken, mut bytes) = (Vec::new(), 0);
    while let Some(next) = queue.front() {
        // The timestamp takes up to nine bytes more than the zero in its place.
        let cost = next.body.len() + RECORD_OVERHEAD;
        if !taken.is_empty() && bytes + cost > BATCH_BYTES_MAX {
            break;
        }
        bytes += cost;
        if let Some(next) = queue.pop_front() {
            *bytes_queued = bytes_queued.saturating_sub(next.body.len());
            taken.push(next);
        }
    }
    taken
}

impl Appender {
    /// An appender of a node that begins.
    pub fn new(shared: Arc<Shared>) -> Self {
        Self { shared, pipeline: Pipeline::default(), attempts: FuturesUnordered::new() }
    }

    /// Works until the node stops.
    pub async fn run(mut self) {
        let shared = self.shared.clone();
        loop {
            self.send_what_may_go();
            if shared.is_closed() {
                break;
            }
            tokio::select! {
                biased;
                Some((seq, answer)) = self.attempts.next() => self.settle(seq, answer),
                () = shared.work.notified(), if self.pipeline.has_room() => {}
                () = shared.closed.notified() => {}
            }
        }
        let clock = shared.config.clock.clone();
        let rest = async {
            while !self.pipeline.is_empty() || !shared.state.lock().queue.is_empty() {
                self.send_what_may_go();
                let Some((seq, answer)) = self.attempts.next().await else { break };
                self.settle(seq, answer);
            }
        };
        // Who is not answered by then is told that nobody knows.
        let _ = deadline(&clock, LAST_WAIT, rest).await;
        let mut effects = Vec::new();
        self.pipeline.stop(closed(), &mut effects);
        self.apply(effects);
    }

    fn send_what_may_go(&mut self) {
        while self.pipeline.has_room() {
            let commits = {
                let mut state = self.shared.state.lock();
                let State { queue, queue_bytes, .. } = &mut *state;
                take(queue, queue_bytes)
            };
            if commits.is_empty() {
                return;
            }
            let record = |commit: &Queued| stamped(&commit.body, commit.sent.ts);
            let records = commits.iter().map(record).collect();
            let seq = self.pipeline.push(Batch { records, commits });
            self.shared.state.lock().appends += 1;
            self.send(seq, Duration::ZERO);
        }
    }

    fn send(&mut self, seq: u64, pause: Duration) {
        let Some(batch) = self.pipeline.batch(seq) else { return };
        let (shared, records) = (self.shared.clone(), batch.records.clone());
        self.attempts.push(Box::pin(async move {
            let clock = &shared.config.clock;
            if !pause.is_zero() {
                clock.sleep(pause).await;
            }
            let sent = clock.monotonic();
            let append = shared.config.log.append(shared.epoch, seq, records);
            let result = match deadline(clock, ATTEMPT, append).await {
                Ok(result) => result,
                Err(_late) => {
                    Err(LogError::Meta(MetaError::Unavailable(ATTEMPT.as_millis() as u64)))
                }
            };
            if result.is_ok() {
                shared.lease.renewed(sent);
            }
            (seq, Answer::of(seq, result))
        }));
    }

    fn settle(&mut self, seq: u64, answer: Answer) {
        if !matches!(answer, Answer::Accepted(_)) {
            tracing::debug!(seq, ?answer, "an append was not accepted");
        }
        let effects = self.pipeline.answered(seq, answer);
        self.apply(effects);
    }

    fn apply(&mut self, effects: Vec<Effect<Batch>>) {
        for effect in effects {
            match effect {
                Effect::Send { seq, attempts } => {
                    let factor = 1 << attempts.saturating_sub(1).min(10);
                    let pause = if attempts == 0 { Duration::ZERO } else { PAUSE * factor };
                    self.send(seq, pause.min(PAUSE_MAX));
                }
                Effect::Accept(batch, lsn) => self.accept(batch, lsn),
                Effect::Refuse(batch, error) => self.refuse(batch.commits, &refusal(error)),
                Effect::Unknown(batch) => {
                    for commit in batch.commits {
                        let unknown = TxnError::Unknown(commit.sent.txn);
                        // Who stopped waiting does not need the answer.
                        let _ = commit.answer.send(Err(unknown));
                    }
                }
                Effect::Stop(error) => self.stop(&error),
            }
        }
    }

    /// A1, A2.
    fn accept(&mut self, batch: Batch, lsn: Lsn) {
        let sent: Vec<&Sent> = batch.commits.iter().map(|commit| &commit.sent).collect();
        {
            let mut state = self.shared.state.lock();
            let mut woken = Vec::new();
            state.core.accept(&sent, lsn, &mut woken);
            self.shared.accepted.store(state.core.accepted.0, Ordering::Release);
            state.wake(woken);
            state.tell_askers(&sent);
        }
        for commit in batch.commits {
            let committed = Committed { ts: commit.sent.ts, lsn };
            let _ = commit.answer.send(Ok(committed));
        }
    }

    fn refuse(&mut self, commits: Vec<Queued>, error: &TxnError) {
        let sent: Vec<&Sent> = commits.iter().map(|commit| &commit.sent).collect();
        {
            let mut state = self.shared.state.lock();
            let mut woken = Vec::new();
            state.core.refuse(&sent, &mut woken);
            state.wake(woken);
            state.tell_askers(&sent);
        }
        for commit in commits {
            let _ = commit.answer.send(Err(error.clone()));
        }
    }

    /// A3: no more is served; what was not sent is surely not in the log.
    fn stop(&mut self, error: &LogError) {
        let (why, epoch) = (error.to_string(), self.shared.epoch.0);
        match self.shared.is_closed() {
            true => tracing::info!(epoch, "the transaction node has stopped"),
            false => tracing::warn!(epoch, why, "the transaction node stops"),
        }
        self.shared.stop(why.clone());
        let unsent = std::mem::take(&mut self.shared.state.lock().queue);
        self.refuse(unsent.into(), &TxnError::Stopped(why));
        self.shared.state.lock().end_waits();
    }
}

fn closed() -> LogError {
    LogError::Meta(MetaError::Stopped("it was shut down".into()))
}

/// What a client is told of a batch that is surely not in the log.
fn refusal(error: LogError) -> TxnError {
    match error {
        LogError::Full { .. } | LogError::Meta(MetaError::Full) => TxnError::Log(error),
        other => TxnError::Stopped(other.to_string()),
    }
}
