//! The proposer: turns what waits into entries, and entries into outcomes.
//!
//! One task owns the session: it numbers commands, sends each until its outcome
//! is known or its deadline has passed, and says in every entry up to which
//! number all were answered.
//!
//! - O1: a command is answered with an outcome only if it was applied, once.
//! - O2: entries are handed to Raft in the order in which they were taken.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use holdfast_api::meta::{MetaError, Outcome, Refusal};
use holdfast_base::SessionId;
use holdfast_io::clock::deadline;

use super::Inner;
use super::queue::{Class, Waiting};
use crate::raft::node::{Node, NotWritten};
use crate::raft::types::Proposal;
use crate::state::{Entry, Op, WINDOW_MAX};

/// Entries that are on their way at once: one is written while the next one fills.
/// An entry costs some 500 us of CPU whatever is in it, a command in it some 70
/// (`examples/commands.rs`, 2026-11-23), so that more would only make them smaller.
const ENTRIES_MAX: usize = 2;

/// Numbers between the oldest unanswered command and the newest.
const SPAN_MAX: u64 = WINDOW_MAX as u64 / 2;

/// A tick is due after so long while something can expire, and while nothing can.
const TICK_BUSY: Duration = Duration::from_secs(1);
const TICK_IDLE: Duration = Duration::from_secs(10);

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(20);

/// What was sent, and what came of it.
struct Delivered {
    session: SessionId,
    sent: Vec<(u64, Waiting)>,
    result: Result<Vec<Outcome>, MetaError>,
    attempts: u32,
    /// Ops before the commands.
    ahead: usize,
}

type Delivery = Pin<Box<dyn Future<Output = Delivered> + Send>>;

/// See the module's header.
pub struct Proposer {
    inner: Arc<Inner>,
    session: SessionId,
    is_open: bool,
    next_seq: u64,
    unanswered: BTreeSet<u64>,
    acked: Arc<AtomicU64>,
    on_the_way: FuturesUnordered<Delivery>,
    last_tick: Duration,
    /// Nothing is sent before: nobody could take it a moment ago.
    not_before: Duration,
}

impl Proposer {
    /// A proposer with a session of its own, not opened yet.
    pub fn new(inner: Arc<Inner>) -> Self {
        let session = SessionId(inner.config.rng.id());
        let last_tick = inner.config.clock.monotonic();
        let (unanswered, acked) = (BTreeSet::new(), Arc::new(AtomicU64::new(0)));
        let on_the_way = FuturesUnordered::new();
        Self {
            inner,
            session,
            is_open: false,
            next_seq: 1,
            unanswered,
            acked,
            on_the_way,
            last_tick,
            not_before: Duration::ZERO,
        }
    }

    /// Works until the service ends.
    pub async fn run(mut self) {
        loop {
            self.send_what_may_go();
            let wait = self.until_tick().max(self.pause());
            let inner = self.inner.clone();
            let clock = inner.config.clock.clone();
            tokio::select! {
                biased;
                () = inner.closed() => break,
                Some(delivered) = self.on_the_way.next() => self.settle(delivered),
                () = inner.work.notified(), if self.may_send() => {}
                () = clock.sleep(wait), if self.on_the_way.is_empty() => {}
            }
        }
        let stopped = MetaError::Stopped("it was shut down".into());
        self.inner.queue().refuse_all(&stopped);
        while let Some(delivered) = self.on_the_way.next().await {
            self.settle(delivered);
        }
        self.inner.queue().refuse_all(&stopped);
    }

    fn until_tick(&self) -> Duration {
        let pace = if self.inner.is_expiring() { TICK_BUSY } else { TICK_IDLE };
        let since = self.inner.config.clock.monotonic().saturating_sub(self.last_tick);
        pace.saturating_sub(since)
    }

    fn pause(&self) -> Duration {
        self.not_before.saturating_sub(self.inner.config.clock.monotonic())
    }

    fn may_send(&self) -> bool {
        if !self.pause().is_zero() {
            return false;
        }
        let span = self.unanswered.first().map_or(0, |first| self.next_seq - first);
        let room = if self.is_open { ENTRIES_MAX } else { 1 };
        self.on_the_way.len() < room && span < SPAN_MAX
    }

    fn send_what_may_go(&mut self) {
        while self.may_send() {
            let mut ahead = Vec::new();
            if !self.is_open {
                let log_budget = self.inner.config.log_budget.0;
                ahead.push(Op::OpenSession { session: self.session, log_budget }.encode());
            } else if self.until_tick().is_zero() {
                ahead.push(Op::Tick { session: self.session }.encode());
                self.last_tick = self.inner.config.clock.monotonic();
            }
            let room = (SPAN_MAX / 2) as usize;
            let taken = if self.is_open { self.inner.queue().take(room) } else { Vec::new() };
            if taken.is_empty() && ahead.is_empty() {
                return;
            }
            let mut sent = Vec::with_capacity(taken.len());
            for waiting in taken {
                self.unanswered.insert(self.next_seq);
                sent.push((self.next_seq, waiting));
                self.next_seq += 1;
            }
            let batch = Batch { session: self.session, ahead, sent, acked: self.acked.clone() };
            self.on_the_way.push(Box::pin(deliver(self.inner.clone(), batch)));
        }
    }

    /// Answers those who wait; what was surely not applied goes back in line.
    fn settle(&mut self, delivered: Delivered) {
        let Delivered { session, sent, result, attempts, ahead } = delivered;
        for (seq, _) in &sent {
            if session == self.session {
                self.unanswered.remove(seq);
            }
        }
        if session == self.session {
            let acked = self.unanswered.first().map_or(self.next_seq, |first| *first) - 1;
            self.acked.store(acked, Ordering::Relaxed);
        }
        let outcomes = match result {
            Ok(outcomes) => outcomes,
            Err(error) => {
                self.not_before = self.inner.config.clock.monotonic() + PAUSE;
                if matches!(error, MetaError::Stopped(_) | MetaError::Full) || !self.is_open {
                    self.inner.queue().refuse_all(&error);
                }
                for (_, waiting) in sent {
                    // Who stopped waiting does not need the answer.
                    let _ = waiting.answer.send(Err(error.clone()));
                }
                return;
            }
        };
        self.is_open |= session == self.session;
        let mut again = Vec::new();
        for ((_, waiting), outcome) in sent.into_iter().zip(outcomes.into_iter().skip(ahead)) {
            let expired = outcome == Outcome::Refused(Refusal::SessionExpired);
            if expired && attempts == 1 {
                again.push(waiting);
                continue;
            }
            let answer = if expired {
                Err(MetaError::Unavailable(self.inner.config.deadline.as_millis() as u64))
            } else {
                Ok(outcome)
            };
            let _ = waiting.answer.send(answer);
        }
        if !again.is_empty() {
            self.begin_session(session);
            self.inner.queue().push_front(Class::User, again);
        }
    }

    /// The state machine has forgotten `ended`: nothing of it is applied any more.
    fn begin_session(&mut self, ended: SessionId) {
        if ended != self.session {
            return;
        }
        tracing::warn!("the metadata session had expired, a new one begins");
        self.session = SessionId(self.inner.config.rng.id());
        self.is_open = false;
        self.next_seq = 1;
        self.unanswered.clear();
        self.acked = Arc::new(AtomicU64::new(0));
    }
}

struct Batch {
    session: SessionId,
    ahead: Vec<Vec<u8>>,
    sent: Vec<(u64, Waiting)>,
    acked: Arc<AtomicU64>,
}

impl Batch {
    fn encode(&self, tick: holdfast_base::Tick) -> Proposal {
        let acked = self.acked.load(Ordering::Relaxed);
        let commands = self
            .sent
            .iter()
            .map(|(seq, waiting)| Op::encode_command(self.session, *seq, acked, &waiting.command));
        let ops: Vec<Vec<u8>> = self.ahead.iter().cloned().chain(commands).collect();
        Proposal(Entry::encode(tick, ops.iter().map(Vec::as_slice)).into())
    }
}

/// Sends one entry until its outcome is known (O1), or the deadline has passed.
async fn deliver(inner: Arc<Inner>, batch: Batch) -> Delivered {
    let clock = inner.config.clock.clone();
    let end = clock.monotonic() + inner.config.deadline;
    let mut attempts = 0;
    let result = loop {
        let left = end.saturating_sub(clock.monotonic());
        if left.is_zero() {
            break Err(MetaError::Unavailable(inner.config.deadline.as_millis() as u64));
        }
        let Some(leader) = inner.leader() else {
            if let Some(why) = inner.all_stopped() {
                break Err(if attempts == 0 { why } else { unknown(why, inner.config.deadline) });
            }
            clock.sleep(PAUSE.min(left)).await;
            continue;
        };
        attempts += 1;
        match attempt(&inner, &leader, &batch, left).await {
            Some(outcomes) => break Ok(outcomes),
            None => clock.sleep(PAUSE.min(left)).await,
        }
    };
    let (session, ahead, sent) = (batch.session, batch.ahead.len(), batch.sent);
    Delivered { session, sent, result, attempts, ahead }
}

/// What was sent may be in a log and be applied later: `Full` would promise that it is not.
fn unknown(why: MetaError, deadline: Duration) -> MetaError {
    match why {
        MetaError::Full => MetaError::Unavailable(deadline.as_millis() as u64),
        why => why,
    }
}

async fn attempt(
    inner: &Inner,
    leader: &Node,
    batch: &Batch,
    left: Duration,
) -> Option<Vec<Outcome>> {
    let tick = inner.tick_for(leader);
    // A leader that hears no quorum answers nothing: somebody else may lead by then.
    let limit = left.min(inner.config.attempt);
    let written = deadline(&inner.config.clock, limit, leader.write(batch.encode(tick))).await;
    match written {
        Ok(Ok((index, applied)))
            if applied.outcomes.len() == batch.ahead.len() + batch.sent.len() =>
        {
            inner.note_answered(index);
            Some(applied.outcomes)
        }
        Ok(Ok((index, applied))) => {
            tracing::error!(
                index,
                outcomes = applied.outcomes.len(),
                "an entry's outcomes are not its ops'"
            );
            None
        }
        Ok(Err(NotWritten::NotLeader)) => None,
        Ok(Err(NotWritten::Unknown(why) | NotWritten::Stopped(why))) => {
            tracing::debug!(why, "a metadata entry has to be sent again");
            None
        }
        Err(_late) => None,
    }
}
