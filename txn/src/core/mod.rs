//! The transaction node without a clock, a log or a task: requests in, verdicts out.
//!
//! ```text
//!             +-------- Core --------------------------------------------+
//!  lock ----> | locks: who holds, who waits                              |
//!  commit --> | commit: recent + pending + locks -> stamp -> Sent        | --> pipeline --> log
//!  outcome -> | outcomes: committed, decided aborted, forgotten          |
//!  accepted ->| accept: recent, outcomes, accepted ts, locks go          |
//!             +----------------------------------------------------------+
//! ```
//!
//! The shell (`node`) keeps one [`Core`] under one mutex, never across a wait.
//!
//! - K1: `accepted` only grows, and is the timestamp of a record that the log accepted.
//! - K2: the locks of a commit that is on its way are neither released nor added to.
//!
//! Not here: time-outs and tasks (`node`), bytes in flight (`pipeline`).

pub mod commit;
pub mod hash;
pub mod locks;
pub mod outcomes;
pub mod pipeline;
pub mod recent;
pub mod stamp;

use holdfast_api::txn::{LockGrant, LockRequest, LockWait, Lockable, TxnError, TxnOutcome};
use holdfast_base::{Epoch, Lsn, Ts, TxnId};

use self::commit::Pending;
use self::hash::Seeded;
use self::locks::{Acquired, LockLimits, Locks, Ticket, Wake};
use self::outcomes::{Known, Outcomes};
use self::recent::{Recent, Seen};
use self::stamp::Stamp;

/// Locks that one critical section takes for one request.
pub const SLICE: usize = 4096;

/// Bounds of a [`Core`].
#[derive(Clone, Copy, Debug)]
pub struct CoreLimits {
    /// Locks.
    pub locks: LockLimits,
    /// Requests that wait for a lock.
    pub waiting: usize,
    /// Remembered changes. [bytes]
    pub recent_bytes: usize,
    /// Remembered changes. [ms]
    pub recent_age_ms: u64,
    /// Remembered outcomes.
    pub outcomes: usize,
}

/// See the module's header.
#[derive(Debug)]
pub struct Core {
    /// Its term.
    pub epoch: Epoch,
    /// The highest accepted timestamp (K1).
    pub accepted: Ts,
    /// Where its record lies.
    pub lsn: Lsn,
    /// Who holds, who waits.
    pub locks: Locks,
    /// What changed.
    pub recent: Recent,
    outcomes: Outcomes,
    pending: Pending,
    stamp: Stamp,
    waiting_max: usize,
    /// See `TxnStatus`.
    pub commits: u64,
    /// See `TxnStatus`.
    pub conflicts: u64,
    /// See `TxnStatus`.
    pub deadlocks: u64,
}

/// A lock request that is being served.
#[derive(Debug)]
pub struct Asking {
    /// What was asked for.
    pub request: LockRequest,
    next: usize,
    has_waited: bool,
    skipped: Vec<usize>,
}

/// How far a lock request came.
#[derive(Debug)]
pub enum Step {
    /// All are held but those left out.
    Granted(LockGrant),
    /// One has to be waited for.
    Wait(Ticket),
    /// There are more; others have their turn first.
    More,
    /// It is over.
    Refused(TxnError),
}

/// What is known of an outcome.
#[derive(Debug)]
pub enum Asked {
    /// This.
    Known(TxnOutcome),
    /// It is on its way: ask again later.
    OnItsWay,
}

impl Asking {
    /// A request of which nothing is served yet.
    pub fn new(request: LockRequest) -> Self {
        Self { request, next: 0, has_waited: false, skipped: Vec::new() }
    }

    /// What was waited for is held.
    pub fn granted(&mut self) {
        self.next += 1;
    }
}

impl Core {
    /// Knows nothing but that everything up to `horizon` is not remembered.
    pub fn new(horizon: Ts, limits: CoreLimits, hashing: Seeded) -> Self {
        Self {
            epoch: Epoch(0),
            accepted: horizon,
            lsn: Lsn::default(),
            locks: Locks::new(limits.locks, hashing),
            recent: Recent::new(horizon, limits.recent_bytes, limits.recent_age_ms, hashing),
            outcomes: Outcomes::new(horizon, limits.outcomes, hashing),
            pending: Pending::default(),
            stamp: Stamp::above(horizon),
            waiting_max: limits.waiting,
            commits: 0,
            conflicts: 0,
            deadlocks: 0,
        }
    }

    /// Everything in the log is learned; this epoch serves.
    pub fn begin(&mut self, epoch: Epoch) {
        self.epoch = epoch;
        self.outcomes.begin(epoch, self.accepted);
    }

    /// An id that was never seen and neither holds locks since it was fresh.
    fn too_old(&self, txn: TxnId) -> Option<TxnError> {
        if self.outcomes.is_dead(&txn) {
            return Some(TxnError::TooOld { horizon: self.outcomes.dead() });
        }
        let is_forgotten = self.outcomes.may_be_forgotten(&txn) && !self.locks.holds_any(txn);
        is_forgotten.then(|| TxnError::TooOld { horizon: self.outcomes.forgotten() })
    }

    /// Takes the locks of a request one by one. What it got stays held, as in
    /// MySQL, if a later one is not to be had.
    pub fn lock(&mut self, asking: &mut Asking, woken: &mut Vec<Wake>) -> Step {
        let txn = asking.request.txn;
        match self.outcomes.get(&txn) {
            Some(Known::Pending) => return Step::Refused(TxnError::Unknown(txn)),
            Some(_) => return Step::Refused(TxnError::Decided(txn)),
            None => {}
        }
        if let Some(error) = self.too_old(txn) {
            return Step::Refused(error);
        }
        if self.is_overloaded(asking) {
            return Step::Refused(TxnError::Busy);
        }
        let may_wait = matches!(asking.request.wait, LockWait::For(_));
        for _ in 0..SLICE {
            let Some((lock, mode)) = asking.request.locks.get(asking.next) else {
                return Step::Granted(self.grant(asking));
            };
            match self.locks.acquire(txn, lock, *mode, (self.accepted, may_wait)) {
                Acquired::Granted => {}
                Acquired::Blocked if asking.request.wait == LockWait::SkipLocked => {
                    asking.skipped.push(asking.next);
                }
                Acquired::Blocked => return Step::Refused(TxnError::LockBusy),
                Acquired::Waiting(ticket) => {
                    asking.has_waited = true;
                    return Step::Wait(ticket);
                }
                Acquired::Deadlock => {
                    self.deadlocks += 1;
                    self.locks.release_all(txn, self.accepted, woken);
                    return Step::Refused(TxnError::Deadlock(txn));
                }
                Acquired::TooMany { what, most } => {
                    self.locks.release_all(txn, self.accepted, woken);
                    let have = most.saturating_add(1);
                    return Step::Refused(TxnError::TooLarge { what, have, most });
                }
            }
            asking.next += 1;
        }
        Step::More
    }

    /// A request that would wait while too many do is refused before it got anything.
    fn is_overloaded(&self, asking: &Asking) -> bool {
        let LockRequest { txn, locks, wait, .. } = &asking.request;
        asking.next == 0
            && !asking.has_waited
            && matches!(wait, LockWait::For(_))
            && self.locks.waiting() >= self.waiting_max
            && locks.iter().any(|(lock, mode)| self.locks.would_wait(*txn, lock, *mode))
    }

    /// Everything is held: nothing on its way can change it (C2), so that what
    /// is accepted tells all.
    fn grant(&self, asking: &mut Asking) -> LockGrant {
        let LockRequest { txn, locks, since, .. } = &asking.request;
        let skipped = std::mem::take(&mut asking.skipped);
        let mut left_out = skipped.iter().copied().peekable();
        let mut changed = false;
        for (at, (lock, mode)) in locks.iter().enumerate() {
            if left_out.next_if_eq(&at).is_some() || changed {
                continue;
            }
            let seen = match lock {
                Lockable::Row(row) => {
                    let print = self.recent.hashing().print(row.table, &row.key);
                    self.recent.key(row.table, print, *since)
                }
                Lockable::Range { table, .. } | Lockable::Table(table) => {
                    self.recent.table(*table, *since)
                }
            };
            let held_since = || self.locks.covered(*txn, lock, *mode);
            changed = seen != Seen::Same && held_since().is_none_or(|at| at > *since);
        }
        LockGrant { at: self.accepted, skipped, changed }
    }

    /// Gives up every lock and wait of a transaction that is not on its way (K2).
    pub fn release(&mut self, txn: TxnId, woken: &mut Vec<Wake>) {
        if self.outcomes.get(&txn) != Some(Known::Pending) {
            self.locks.release_all(txn, self.accepted, woken);
        }
    }

    /// X5.
    pub fn outcome(&mut self, txn: TxnId, woken: &mut Vec<Wake>) -> Asked {
        let outcome = match self.outcomes.get(&txn) {
            Some(Known::Pending) => return Asked::OnItsWay,
            Some(Known::Committed(committed)) => TxnOutcome::Committed(committed),
            Some(Known::Aborted) => TxnOutcome::Aborted,
            None if self.outcomes.may_be_forgotten(&txn) && !self.locks.holds_any(txn) => {
                TxnOutcome::Forgotten
            }
            None if self.outcomes.is_dead(&txn) => TxnOutcome::Aborted,
            None => {
                self.outcomes.abort(txn, self.accepted);
                self.locks.release_all(txn, self.accepted, woken);
                TxnOutcome::Aborted
            }
        };
        Asked::Known(outcome)
    }
}
