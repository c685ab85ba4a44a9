//! The transaction node's shell: waits, time and tasks around `core`.
//!
//! - N1: the state lies under one mutex that is never held across a wait, and in
//!   which nothing is encoded, hashed or copied that can be so before.
//! - N2 (X6): every wait ends: locks by the request's own limit, commits by
//!   `commit_patience`.
//! - N3: a request that is dropped while it waits leaves the queue. What it was
//!   granted before stays with its transaction, until that is released.
//!
//! Not here: decisions (`core`), writing (`appender`), starting (`recover`).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use holdfast_api::BoxFuture;
use holdfast_api::log::LogError;
use holdfast_api::txn::{
    AutoCommit, CommitRequest, Committed, LockGrant, LockRequest, LockWait, TxnError, TxnOutcome,
    TxnService, TxnStatus,
};
use holdfast_base::{Epoch, Ts, TxnId};
use holdfast_io::clock::deadline;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use crate::appender::{Appender, Queued};
use crate::config::{RECORD_BYTES_MAX, TxnConfig};
use crate::core::commit::{Admitted, NotAdmitted, Sealed, Sent};
use crate::core::hash::Seeded;
use crate::core::locks::{Ticket, Wake};
use crate::core::outcomes::draw;
use crate::core::{Asked, Asking, Core, Step};
use crate::lease::Lease;
use crate::recover::take_office;

/// What the mutex protects.
pub struct State {
    /// Decisions.
    pub core: Core,
    /// Commits in line for the log.
    pub queue: VecDeque<Queued>,
    /// Bytes of those.
    pub queue_bytes: usize,
    /// See `TxnStatus`.
    pub appends: u64,
    timeouts: u64,
    waits: BTreeMap<Ticket, oneshot::Sender<Wake>>,
    /// Who asked for the outcome of a commit that is on its way.
    askers: BTreeMap<TxnId, Vec<oneshot::Sender<()>>>,
}

/// What the node's requests and its tasks share.
pub struct Shared {
    pub(crate) config: TxnConfig,
    pub(crate) epoch: Epoch,
    pub(crate) lease: Lease,
    /// The highest accepted timestamp.
    pub(crate) accepted: AtomicU64,
    /// One lock; nothing else is locked while it is held.
    pub(crate) state: Mutex<State>,
    /// There may be something in the queue.
    pub(crate) work: Notify,
    /// It stops.
    pub(crate) closed: Notify,
    is_closed: AtomicBool,
    /// Why it stopped; taken after `state`, if both are.
    why: Mutex<Option<String>>,
    hashing: Seeded,
}

/// See the module's header.
pub struct TxnNode {
    shared: Arc<Shared>,
    appender: Mutex<Option<tokio::task::JoinHandle<()>>>,
    keeper: Option<tokio::task::JoinHandle<()>>,
}

impl State {
    /// Tells those whose wait is over.
    pub fn wake(&mut self, woken: Vec<Wake>) {
        for wake in woken {
            let (Wake::Granted(ticket) | Wake::Ended(ticket)) = wake;
            if let Some(waiting) = self.waits.remove(&ticket) {
                // Who stopped waiting leaves by its guard.
                let _ = waiting.send(wake);
            }
        }
    }

    /// The outcomes of these are known now.
    pub fn tell_askers(&mut self, sent: &[&Sent]) {
        if self.askers.is_empty() {
            return;
        }
        for sent in sent {
            for asker in self.askers.remove(&sent.txn).unwrap_or_default() {
                let _ = asker.send(());
            }
        }
    }

    /// Nobody is served any more.
    pub fn end_waits(&mut self) {
        self.waits.clear();
        self.askers.clear();
    }
}

impl Shared {
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// From here on every request is refused.
    pub(crate) fn stop(&self, why: String) {
        self.why.lock().get_or_insert(why);
        self.is_closed.store(true, Ordering::Release);
        self.closed.notify_waiters();
        self.closed.notify_one();
    }

    fn stopped(&self) -> TxnError {
        let why = self.why.lock().clone();
        TxnError::Stopped(why.unwrap_or_else(|| "it was shut down".into()))
    }

    fn serving(&self) -> Result<(), TxnError> {
        if self.is_closed() {
            return Err(self.stopped());
        }
        if !self.lease.is_live(self.config.clock.as_ref()) {
            return Err(TxnError::Busy);
        }
        Ok(())
    }

    fn now(&self) -> Result<Ts, TxnError> {
        self.serving()?;
        Ok(Ts(self.accepted.load(Ordering::Acquire)))
    }

    /// Takes all locks, waiting as the request says.
    async fn lock(&self, request: LockRequest) -> Result<LockGrant, TxnError> {
        self.serving()?;
        let limit = match request.wait {
            LockWait::For(limit) => limit,
            LockWait::NoWait | LockWait::SkipLocked => Duration::ZERO,
        };
        let (mut asking, mut until) = (Asking::new(request), None);
        loop {
            let (ticket, waking) = match self.lock_some(&mut asking)? {
                Turn::Granted(grant) => return Ok(grant),
                Turn::More => {
                    tokio::task::yield_now().await;
                    continue;
                }
                Turn::Wait(ticket, waking) => (ticket, waking),
            };
            let mut place = Place { shared: self, ticket: Some(ticket) };
            let clock = &self.config.clock;
            let until = *until.get_or_insert_with(|| clock.monotonic() + limit);
            let left = until.saturating_sub(clock.monotonic());
            match deadline(clock, left, waking).await {
                Ok(Ok(Wake::Granted(_))) => asking.granted(),
                Ok(Ok(Wake::Ended(_))) => return Err(TxnError::Decided(asking.request.txn)),
                Ok(Err(_closed)) => return Err(self.stopped()),
                Err(_late) if place.leave() => {
                    self.state.lock().timeouts += 1;
                    return Err(TxnError::LockTimeout(limit));
                }
                // It was granted, or ended, in the last moment.
                Err(_late) => self.was_granted(&mut asking)?,
            }
            place.ticket = None;
        }
    }

    fn lock_some(&self, asking: &mut Asking) -> Result<Turn, TxnError> {
        let mut state = self.state.lock();
        if self.is_closed() {
            return Err(self.stopped());
        }
        let mut woken = Vec::new();
        let step = state.core.lock(asking, &mut woken);
        state.wake(woken);
        match step {
            Step::Granted(grant) => Ok(Turn::Granted(grant)),
            Step::More => Ok(Turn::More),
            Step::Refused(error) => Err(error),
            Step::Wait(ticket) => {
                let (sender, waking) = oneshot::channel();
                state.waits.insert(ticket, sender);
                Ok(Turn::Wait(ticket, waking))
            }
        }
    }

    fn was_granted(&self, asking: &mut Asking) -> Result<(), TxnError> {
        let txn = asking.request.txn;
        if self.is_closed() {
            return Err(self.stopped());
        }
        if !self.state.lock().core.locks.holds_any(txn) {
            return Err(TxnError::Decided(txn));
        }
        // It is asked for again, and held already if it was granted.
        Ok(())
    }

    /// Hashes and encodes, and refuses what does not fit.
    fn seal(&self, request: CommitRequest) -> Result<Sealed, TxnError> {
        let sealed = Sealed::new(request, self.hashing);
        // The timestamp takes up to nine bytes more than the zero in its place.
        let (have, most) = (sealed.body.len() + 9, RECORD_BYTES_MAX);
        if have > most {
            self.release(sealed.txn);
            return Err(TxnError::TooLarge { what: "bytes", have, most });
        }
        Ok(sealed)
    }

    /// Checks a commit and puts it in line. `keeps` says whether its locks stay
    /// if a checked key changed.
    fn admit(&self, sealed: Sealed, keeps: bool) -> Result<Line, TxnError> {
        let wall = self.config.clock.wall();
        let mut state = self.state.lock();
        if self.is_closed() {
            return Err(self.stopped());
        }
        let limits = &self.config.limits;
        let bytes = state.queue_bytes.saturating_add(sealed.body.len());
        if state.queue.len() >= limits.commits || bytes > limits.commit_bytes.max(RECORD_BYTES_MAX)
        {
            return Err(TxnError::Busy);
        }
        let error = match state.core.admit(&sealed, wall) {
            Ok(Admitted::Sent(sent)) => {
                let (answer, waiting) = oneshot::channel();
                state.queue.push_back(Queued { sent, body: sealed.body, answer });
                state.queue_bytes = bytes;
                drop(state);
                self.work.notify_one();
                return Ok(Line::Waiting(waiting));
            }
            Ok(Admitted::Done(committed)) => {
                let mut woken = Vec::new();
                state.core.release(sealed.txn, &mut woken);
                state.wake(woken);
                return Ok(Line::Done(committed));
            }
            Err(NotAdmitted::OnItsWay(error)) => return Err(error),
            Err(NotAdmitted::Changed(_)) if keeps => return Ok(Line::Changed(state.core.accepted)),
            Err(NotAdmitted::Changed(error) | NotAdmitted::Ended(error)) => error,
        };
        let mut woken = Vec::new();
        state.core.release(sealed.txn, &mut woken);
        state.wake(woken);
        Err(error)
    }

    async fn answer(
        &self,
        txn: TxnId,
        waiting: oneshot::Receiver<Result<Committed, TxnError>>,
    ) -> Result<Committed, TxnError> {
        match deadline(&self.config.clock, self.config.commit_patience, waiting).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => Err(TxnError::Unknown(txn)),
        }
    }

    async fn commit(&self, request: CommitRequest) -> Result<Committed, TxnError> {
        let txn = request.txn;
        let sealed = self.seal(request)?;
        match self.admit(sealed, false)? {
            Line::Waiting(waiting) => self.answer(txn, waiting).await,
            Line::Done(committed) => Ok(committed),
            // Not without `keeps`.
            Line::Changed(horizon) => Err(TxnError::TooOld { horizon }),
        }
    }

    async fn lock_and_commit(
        &self,
        lock: LockRequest,
        commit: CommitRequest,
    ) -> Result<AutoCommit, TxnError> {
        let txn = commit.txn;
        let sealed = self.seal(commit)?;
        let grant = self.lock(lock).await?;
        if !grant.skipped.is_empty() {
            return Err(TxnError::LockBusy);
        }
        if grant.changed {
            return Ok(AutoCommit::Changed { at: grant.at });
        }
        match self.admit(sealed, true)? {
            Line::Waiting(waiting) => self.answer(txn, waiting).await.map(AutoCommit::Done),
            Line::Done(committed) => Ok(AutoCommit::Done(committed)),
            Line::Changed(at) => Ok(AutoCommit::Changed { at }),
        }
    }

    async fn outcome(&self, txn: TxnId) -> Result<TxnOutcome, TxnError> {
        let until = self.config.clock.monotonic() + self.config.commit_patience;
        loop {
            self.serving()?;
            let waiting = {
                let mut state = self.state.lock();
                let mut woken = Vec::new();
                let asked = state.core.outcome(txn, &mut woken);
                state.wake(woken);
                match asked {
                    Asked::Known(outcome) => return Ok(outcome),
                    Asked::OnItsWay => {
                        let (asker, waiting) = oneshot::channel();
                        state.askers.entry(txn).or_default().push(asker);
                        waiting
                    }
                }
            };
            let left = until.saturating_sub(self.config.clock.monotonic());
            if deadline(&self.config.clock, left, waiting).await.is_err() {
                return Err(TxnError::Unknown(txn));
            }
        }
    }

    fn release(&self, txn: TxnId) {
        let mut state = self.state.lock();
        let mut woken = Vec::new();
        state.core.release(txn, &mut woken);
        state.wake(woken);
    }

    fn status(&self) -> TxnStatus {
        let state = self.state.lock();
        let core = &state.core;
        TxnStatus {
            epoch: self.epoch,
            accepted: core.accepted,
            lsn: core.lsn,
            lockers: core.locks.owners() as u64,
            locks: core.locks.held() as u64,
            waiting: core.locks.waiting() as u64,
            recent: core.recent.len() as u64,
            commits: core.commits,
            conflicts: core.conflicts,
            deadlocks: core.deadlocks,
            timeouts: state.timeouts,
            appends: state.appends,
        }
    }

    /// Asks the log three times a lease whether the epoch is current.
    async fn keep_lease(self: Arc<Self>) {
        let Some(length) = self.lease.length() else { return };
        while !self.is_closed() {
            let asked = self.config.clock.monotonic();
            let bounds = self.config.log.bounds();
            match deadline(&self.config.clock, length, bounds).await {
                Ok(Ok(bounds)) if bounds.epoch != self.epoch => {
                    let fenced = LogError::Fenced { given: self.epoch, current: bounds.epoch };
                    let why = fenced.to_string();
                    tracing::warn!(epoch = self.epoch.0, why, "the transaction node stops");
                    self.stop(why);
                    return;
                }
                Ok(Ok(_)) => self.lease.renewed(asked),
                Ok(Err(error)) => tracing::debug!(%error, "the lease was not renewed"),
                Err(_late) => {}
            }
            self.config.clock.sleep(length / 3).await;
        }
    }
}

/// How a critical section of `lock` ended.
enum Turn {
    Granted(LockGrant),
    More,
    Wait(Ticket, oneshot::Receiver<Wake>),
}

/// How `admit` ended, if not badly.
enum Line {
    Waiting(oneshot::Receiver<Result<Committed, TxnError>>),
    Done(Committed),
    Changed(Ts),
}

/// A place in a queue of locks; given up when it is dropped (N3).
struct Place<'a> {
    shared: &'a Shared,
    ticket: Option<Ticket>,
}

impl Place<'_> {
    /// False if the wait was over before.
    fn leave(&mut self) -> bool {
        let Some(ticket) = self.ticket.take() else { return false };
        let mut state = self.shared.state.lock();
        state.waits.remove(&ticket);
        let (mut woken, at) = (Vec::new(), state.core.accepted);
        let was_waiting = state.core.locks.leave(ticket, at, &mut woken);
        state.wake(woken);
        was_waiting
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl TxnNode {
    /// Takes a new epoch, learns what the log holds, and serves.
    ///
    /// # Errors
    /// `Stopped` if the log holds what is not understood; `Log` if it was not to be reached.
    pub async fn start(config: TxnConfig) -> Result<Arc<Self>, TxnError> {
        let (core, epoch) = take_office(&config).await?;
        let state = State {
            queue: VecDeque::new(),
            queue_bytes: 0,
            appends: 0,
            timeouts: 0,
            waits: BTreeMap::new(),
            askers: BTreeMap::new(),
            core,
        };
        let shared = Arc::new(Shared {
            epoch,
            lease: Lease::new(config.lease),
            accepted: AtomicU64::new(state.core.accepted.0),
            hashing: state.core.recent.hashing(),
            state: Mutex::new(state),
            work: Notify::new(),
            closed: Notify::new(),
            is_closed: AtomicBool::new(false),
            why: Mutex::new(None),
            config,
        });
        let keeps = shared.config.lease.is_some();
        let keeper = keeps.then(|| tokio::spawn(shared.clone().keep_lease()));
        let appender = tokio::spawn(Appender::new(shared.clone()).run());
        Ok(Arc::new(Self { shared, appender: Mutex::new(Some(appender)), keeper }))
    }

    /// Refuses what is new, waits a little for what is on its way, and ends.
    pub async fn shutdown(&self) {
        self.shared.stop("it was shut down".into());
        let appender = self.appender.lock().take();
        if let Some(appender) = appender
            && let Err(error) = appender.await
        {
            tracing::error!(%error, "the appender did not end well");
        }
    }
}

impl Drop for TxnNode {
    fn drop(&mut self) {
        self.shared.stop("it was dropped".into());
        if let Some(keeper) = self.keeper.take() {
            keeper.abort();
        }
    }
}

impl TxnService for TxnNode {
    fn now(&self) -> BoxFuture<'_, Result<Ts, TxnError>> {
        Box::pin(std::future::ready(self.shared.now()))
    }

    fn begin(&self) -> BoxFuture<'_, Result<TxnId, TxnError>> {
        let shared = &self.shared;
        let drawn = shared.now().map(|born| draw(born, shared.epoch, shared.config.rng.next_u64()));
        Box::pin(std::future::ready(drawn))
    }

    fn lock(&self, request: LockRequest) -> BoxFuture<'_, Result<LockGrant, TxnError>> {
        Box::pin(self.shared.lock(request))
    }

    fn commit(&self, request: CommitRequest) -> BoxFuture<'_, Result<Committed, TxnError>> {
        Box::pin(self.shared.commit(request))
    }

    fn lock_and_commit(
        &self,
        lock: LockRequest,
        commit: CommitRequest,
    ) -> BoxFuture<'_, Result<AutoCommit, TxnError>> {
        Box::pin(self.shared.lock_and_commit(lock, commit))
    }

    fn release(&self, txn: TxnId) {
        self.shared.release(txn);
    }

    fn outcome(&self, txn: TxnId) -> BoxFuture<'_, Result<TxnOutcome, TxnError>> {
        Box::pin(self.shared.outcome(txn))
    }

    fn epoch(&self) -> Epoch {
        self.shared.epoch
    }

    fn status(&self) -> TxnStatus {
        self.shared.status()
    }
}
